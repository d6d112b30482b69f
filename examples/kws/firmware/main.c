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
#include "examples/kws/frontend/features.h"
#include "kws.h"
#include "ports/qemu/measure.h"
#include "ports/qemu/report.h"
#include "ports/qemu/semihost.h"
#include "tinypeft/adapter.h"
#include "tinypeft/train.h"

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
    if (tp_qemu_read(file, head, sizeof head) != (int32_t)sizeof head) {
        return 0;
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
    const int32_t file = open_clips(path);
    uint32_t n = 0;
    while (n < MOST_CLIPS && next_clip(file, features[n], &labels[n])) {
        n++;
    }
    (void)tp_qemu_close(file);
    return n;
}

/* --- learning ------------------------------------------------------------- */

static int best_of(const int8_t *y) {
    int best = 0;
    for (int i = 1; i < CLASSES; i++) {
        best = y[i] > y[best] ? i : best;
    }
    return best;
}

static void evaluate(const tp_ctx *ctx, const char *path, const char *word) {
    const int32_t file = open_clips(path);
    static int8_t x[KWS_FEATURES];
    uint8_t label = 0;
    uint32_t score[2] = {0, 0}; /* right, of */
    while (next_clip(file, x, &label)) {
        int8_t y[CLASSES];
        ctx->model->infer(ctx, x, y);
        score[0] += best_of(y) == label;
        score[1]++;
        if (score[1] % 20 == 0) {
            tp_qemu_report("tested", &score[1], 1);
        }
    }
    (void)tp_qemu_close(file);
    tp_qemu_report(word, score, 2);
}

static void check(tp_status status) {
    if (status != TP_OK && status != TP_ERR_UNDONE) {
        tp_qemu_fail("training diverged");
    }
}

/* A line for every update since the last one told. */
static void tell_update(const tp_ctx *ctx, uint32_t *told) {
    const tp_train_state *state = tp_train_state_of(ctx);
    if (state->updates != *told) {
        *told = state->updates;
        const uint32_t line[] = {*told, state->config.updates,
                                 (uint32_t)state->last_loss};
        tp_qemu_report("update", line, 3);
    }
}

static void train(const tp_ctx *ctx, uint32_t n, uint32_t epochs,
                  uint32_t seed) {
    tp_train_config config = TP_TRAIN_DEFAULTS;
    static uint16_t order[MOST_CLIPS];
    uint32_t told = 0;
    config.seed = seed;
    config.updates = (epochs * n + config.batch - 1) / config.batch;
    check(tp_train_begin(ctx, &config));
    for (uint32_t epoch = 0; epoch < epochs; epoch++) {
        tp_train_order(order, n, seed, epoch);
        for (uint32_t i = 0; i < n; i++) {
            check(tp_train_sample(ctx, features[order[i]], &labels[order[i]]));
            tell_update(ctx, &told);
        }
    }
    check(tp_train_end(ctx));
    tell_update(ctx, &told);
}

static void save(const tp_ctx *ctx, const char *path) {
    static uint8_t blob[TP_BLOB_HEADER_BYTES + KWS_ADAPTER_BYTES];
    const int32_t file = tp_qemu_open(path, TP_QEMU_WRITE);
    if (file < 0 || tp_blob_write(ctx, blob, sizeof blob) != TP_OK ||
        tp_qemu_write(file, blob, sizeof blob) != 0 ||
        tp_qemu_close(file) != 0) {
        tp_qemu_fail("cannot write the adapter");
    }
}

/* --- cost ----------------------------------------------------------------- */

/* Instructions of one inference, and of one whole update; the third one, when
 * gradients flow through the new head. */
static void measure(const tp_ctx *ctx, uint32_t n) {
    tp_train_config config = TP_TRAIN_DEFAULTS;
    int8_t y[CLASSES];
    uint64_t start = tp_qemu_instructions();
    ctx->model->infer(ctx, features[0], y);
    const uint32_t infer = (uint32_t)(tp_qemu_instructions() - start);
    check(tp_train_begin(ctx, &config));
    for (uint32_t i = 0; i < 3u * config.batch; i++) {
        if (i == 2u * config.batch) {
            start = tp_qemu_instructions();
        }
        check(tp_train_sample(ctx, features[i % n], &labels[i % n]));
    }
    const uint64_t update = tp_qemu_instructions() - start;
    const uint32_t line[] = {infer, (uint32_t)(update / config.batch),
                             config.batch};
    tp_qemu_report("instructions", line, 3);
}

/* --- command line --------------------------------------------------------- */

static uint32_t number(const char *text) {
    uint32_t value = 0;
    for (; *text >= '0' && *text <= '9'; text++) {
        value = value * 10u + (uint32_t)(*text - '0');
    }
    return value;
}

static int split(char *line, char **word, int most) {
    int n = 0;
    for (char *p = line; *p != '\0' && n < most; n++) {
        word[n] = p;
        p += strcspn(p, " ");
        if (*p != '\0') {
            *p++ = '\0';
        }
    }
    return n;
}

int main(void) {
    static char line[1024];
    char *word[8];
    (void)tp_qemu_command_line(line, sizeof line);
    const int n = split(line, word, 8);
    const tp_ctx ctx = kws_open(&model_memory);
    if (n == 7 && strcmp(word[1], "learn") == 0) {
        const uint32_t seed = number(word[6]);
        tp_adapter_init(&ctx, seed);
        const uint32_t clips = load_clips(word[2]);
        tp_qemu_report("clips", &clips, 1);
        evaluate(&ctx, word[3], "before");
        train(&ctx, clips, number(word[5]), seed);
        evaluate(&ctx, word[3], "after");
        save(&ctx, word[4]);
    } else if (n == 3 && strcmp(word[1], "cost") == 0) {
        tp_adapter_init(&ctx, 1);
        measure(&ctx, load_clips(word[2]));
    } else {
        tp_qemu_fail("usage: kws.elf learn TRAIN TEST ADAPTER EPOCHS SEED");
    }
    const uint32_t stack = tp_qemu_stack_used();
    tp_qemu_report("stack", &stack, 1);
    return 0;
}
