/* An autoencoder adapts to a machine that it has never felt, on an emulated
 * Cortex-M4.
 *
 *   anomaly.elf FOLDER ADAPTER EPOCHS LR_Q15 SEED
 *   anomaly.elf FOLDER cost
 *
 * FOLDER has adapt.bin, normal.bin and faulty.bin: measurements as 64 levels
 * (zoo/vibration/features.py). The score of a measurement is its mean squared
 * error, input against output; both have the same scale, so that is the sum of
 * squared differences of bytes, but for a constant. What happens is reported in
 * lines "word number...", for anomaly.py to read. */
#include "examples/device.h"
#include "ports/qemu/report.h"
#include "tinypeft/adapter.h"
#include "vibration.h"

enum { LEVELS = VIBRATION_X_BYTES };

typedef int8_t levels[LEVELS];

static vibration_memory model_memory;
static levels adapt[TP_DEMO_MOST_SAMPLES], test[TP_DEMO_MOST_SAMPLES];
static uint32_t normal[TP_DEMO_MOST_SAMPLES], faulty[TP_DEMO_MOST_SAMPLES];

static uint32_t load(const char *folder, const char *name, levels *to) {
    return tp_demo_load(tp_demo_path(folder, name, ".bin"), to,
                        TP_DEMO_MOST_SAMPLES * LEVELS) /
           LEVELS;
}

_Static_assert(LEVELS <= 256, "256 scores of 256 * 255^2 add up to < 2^32");

static uint32_t score(const tp_ctx *ctx, const int8_t *x) {
    levels y;
    uint32_t sum = 0;
    ctx->model->infer(ctx, x, y);
    for (int i = 0; i < LEVELS; i++) {
        const int32_t d = x[i] - y[i];
        sum += (uint32_t)(d * d);
    }
    return sum;
}

/* The scores of a file's measurements; how many. */
static uint32_t scores(const tp_ctx *ctx, const char *folder, const char *name,
                       uint32_t *to) {
    const uint32_t n = load(folder, name, test);
    for (uint32_t i = 0; i < n; i++) {
        to[i] = score(ctx, test[i]);
    }
    return n;
}

/* The area under the curve of alarms is the share of pairs, one sound and one
 * faulty, that the scores put in the right order. Reports twice their number,
 * a tie counting once, twice the number of pairs, the sum of the sound
 * measurements' scores, and how many they are. */
static void evaluate(const tp_ctx *ctx, const char *folder, const char *word) {
    const uint32_t n = scores(ctx, folder, "normal", normal);
    const uint32_t f = scores(ctx, folder, "faulty", faulty);
    uint32_t line[] = {0, 2 * n * f, 0, n};
    for (uint32_t i = 0; i < n; i++) {
        for (uint32_t j = 0; j < f; j++) {
            line[0] += faulty[j] > normal[i] ? 2u : faulty[j] == normal[i];
        }
        line[2] += normal[i];
    }
    tp_qemu_report(word, line, 4);
}

int main(int argc, char **argv) {
    static uint8_t blob[TP_BLOB_HEADER_BYTES + VIBRATION_ADAPTER_BYTES];
    const tp_ctx ctx = vibration_open(&model_memory);
    if (argc != 6 && argc != 3) {
        tp_qemu_fail("usage: anomaly.elf FOLDER ADAPTER EPOCHS LR_Q15 SEED");
    }
    tp_demo_run run = {.x = adapt[0],
                       .target = (const uint8_t *)adapt[0],
                       .n = load(argv[1], "adapt", adapt),
                       .epochs = 1,
                       .lr_q15 = 4096,
                       .seed = 1};
    if (argc == 3) {
        levels y;
        tp_adapter_init(&ctx, run.seed);
        tp_demo_measure(&ctx, &run, y);
        return 0;
    }
    run.epochs = tp_demo_number(argv[3]);
    run.lr_q15 = tp_demo_number(argv[4]);
    run.seed = tp_demo_number(argv[5]);
    tp_adapter_init(&ctx, run.seed);
    evaluate(&ctx, argv[1], "before");
    tp_demo_train(&ctx, &run);
    evaluate(&ctx, argv[1], "after");
    tp_demo_save(&ctx, argv[2], blob, sizeof blob);
    return 0;
}
