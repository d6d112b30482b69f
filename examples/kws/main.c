/* The keyword spotter learns new words, or a new voice, on an emulated
 * Cortex-M4.
 *
 *   kws.elf learn TRAIN TEST ADAPTER EPOCHS SEED
 *   kws.elf cost TRAIN
 *
 * TRAIN and TEST are clip files (../README.md): sound, as a microphone would
 * give it, or features that were made before. The features, the inference, the
 * training and the adapter are made here, in integers. What happens is reported
 * in lines "word number...", for the demo to read. */
#include <string.h>

#include "core/bytes.h"
#include "examples/device.h"
#include "examples/kws/frontend/features.h"
#include "kws.h"
#include "ports/qemu/measure.h"
#include "ports/qemu/report.h"
#include "ports/qemu/semihost.h"
#include "tinypeft/adapter.h"

enum { MOST_CLIPS = 128, MOST_SAMPLES = 32768, CLASSES = KWS_Y_BYTES };

/* The model's RAM; what follows belongs to the example: the sound of one clip
 * and the features of the clips to learn from. */
static kws_memory model_memory;
static int16_t sound[MOST_SAMPLES];
static int8_t features[MOST_CLIPS][KWS_FEATURES];
static uint8_t labels[MOST_CLIPS];
static kws_mfcc_work work;

/* --- clips ---------------------------------------------------------------- */

static void read_all(int32_t file, void *to, uint32_t bytes) {
    if (tp_qemu_read(file, to, bytes) != (int32_t)bytes) {
        tp_qemu_fail("the clip file is cut short");
    }
}

/* The features of the clip behind this head. */
static void read_features(int32_t file, const uint8_t *head, int8_t *x) {
    const kws_clip clip = {.audio = sound,
                           .rate = (int32_t)tp_get_u32(head),
                           .length = (int32_t)tp_get_u32(head + 4),
                           .seed = tp_get_u32(head + 8)};
    if (clip.rate == 0) { /* features already */
        if (clip.length != KWS_FEATURES) {
            tp_qemu_fail("a clip has another number of features");
        }
        read_all(file, x, KWS_FEATURES);
        return;
    }
    if (clip.length < 0 || clip.length > MOST_SAMPLES) {
        tp_qemu_fail("a clip is too long");
    }
    read_all(file, sound, 2u * (uint32_t)clip.length);
    kws_features(&clip, x, &work);
}

/* The features and label of the file's next clip; 0 at its end. */
static int next_clip(int32_t file, int8_t *x, uint8_t *label) {
    uint8_t head[16];
    const int32_t got = tp_qemu_read(file, head, sizeof head);
    if (got == 0) {
        return 0;
    }
    if (got != (int32_t)sizeof head) {
        tp_qemu_fail("the clip file is cut short");
    }
    read_features(file, head, x);
    *label = (uint8_t)tp_get_u32(head + 12);
    return 1;
}

static int32_t open_clips(const char *path) {
    const int32_t file = tp_qemu_open(path, TP_QEMU_READ);
    if (file < 0) {
        tp_qemu_fail("cannot open the clip file");
    }
    return file;
}

static uint32_t load_clips(const char *path) {
    static int8_t next[KWS_FEATURES];
    const int32_t file = open_clips(path);
    uint32_t n = 0;
    for (uint8_t label = 0; next_clip(file, next, &label); n++) {
        if (n == MOST_CLIPS) {
            tp_qemu_fail("there are more clips to learn from than room");
        }
        memcpy(features[n], next, sizeof next);
        labels[n] = label;
    }
    (void)tp_qemu_close(file);
    return n;
}

/* --- learning ------------------------------------------------------------- */

static void evaluate(const tp_ctx *ctx, const char *path, const char *word) {
    const int32_t file = open_clips(path);
    static int8_t x[KWS_FEATURES];
    uint8_t label = 0;
    uint32_t score[2] = {0, 0}; /* right, of */
    while (next_clip(file, x, &label)) {
        int8_t y[CLASSES];
        ctx->model->infer(ctx, x, y);
        score[0] += tp_demo_best(y, CLASSES) == label;
        score[1]++;
        if (score[1] % 20 == 0) {
            tp_qemu_report("tested", &score[1], 1);
        }
    }
    (void)tp_qemu_close(file);
    tp_qemu_report(word, score, 2);
}

/* A line for every update since the last one told. */
static void tell_update(const tp_train_state *state) {
    static uint32_t told = 0;
    if (state->updates != told) {
        told = state->updates;
        const uint32_t line[] = {told, state->config.updates,
                                 (uint32_t)state->last_loss};
        tp_qemu_report("update", line, 3);
    }
}

static tp_demo_run run_of(const char *path, uint32_t epochs, uint32_t seed) {
    const tp_train_config config = TP_TRAIN_DEFAULTS;
    return (tp_demo_run){.x = features[0],
                         .target = labels,
                         .n = load_clips(path),
                         .epochs = epochs,
                         .lr_q15 = config.lr_q15,
                         .seed = seed,
                         .tell = tell_update};
}

static void learn(const tp_ctx *ctx, char *const *argv) {
    static uint8_t blob[TP_BLOB_HEADER_BYTES + KWS_ADAPTER_BYTES];
    const tp_demo_run run =
        run_of(argv[2], tp_demo_number(argv[5]), tp_demo_number(argv[6]));
    tp_adapter_init(ctx, run.seed);
    tp_qemu_report("clips", &run.n, 1);
    evaluate(ctx, argv[3], "before");
    tp_demo_train(ctx, &run);
    evaluate(ctx, argv[3], "after");
    tp_demo_save(ctx, argv[4], blob, sizeof blob);
}

static void measure(const tp_ctx *ctx, const char *path) {
    const tp_demo_run run = run_of(path, 1, 1);
    int8_t y[CLASSES];
    tp_adapter_init(ctx, run.seed);
    tp_demo_measure(ctx, &run, y);
}

int main(int argc, char **argv) {
    const tp_ctx ctx = kws_open(&model_memory);
    if (argc == 7 && strcmp(argv[1], "learn") == 0) {
        learn(&ctx, argv);
    } else if (argc == 3 && strcmp(argv[1], "cost") == 0) {
        measure(&ctx, argv[2]);
    } else {
        tp_qemu_fail("usage: kws.elf learn TRAIN TEST ADAPTER EPOCHS SEED");
    }
    const uint32_t stack = tp_qemu_stack_used();
    tp_qemu_report("stack", &stack, 1);
    return 0;
}
