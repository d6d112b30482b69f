/* A perceptron that knows what phones measure adapts to one more person, on an
 * emulated Cortex-M4. Built once for each method.
 *
 *   har-METHOD.elf FOLDER OUT LR_Q15 SEED K...
 *   har-METHOD.elf FOLDER cost K
 *
 * FOLDER is of one person: test_x.bin has the features of windows to test with,
 * test_y.bin their activities; K_x.bin and K_y.bin those to train on, for each
 * K. The adapters go to OUT/K.adapter. What happens is reported in
 * lines "word number...", for har.py to read. */
#include <string.h>

#include "examples/device.h"
#include "har.h"
#include "ports/qemu/report.h"
#include "tinypeft/adapter.h"

enum { ACTIVITIES = HAR_Y_BYTES, UPDATES = 220, BATCH = 16 };

typedef struct windows {
    int8_t x[TP_DEMO_MOST_SAMPLES][HAR_X_BYTES];
    uint8_t y[TP_DEMO_MOST_SAMPLES];
    uint32_t n;
} windows;

static har_memory model_memory;
static windows shots, test;

/* The files of one name in a folder. */
static void load(const char *folder, const char *name, windows *to) {
    const char *path = tp_demo_path(folder, name, "_y.bin");
    to->n = tp_demo_load(path, to->y, sizeof to->y);
    path = tp_demo_path(folder, name, "_x.bin");
    if (to->n == 0 ||
        tp_demo_load(path, to->x, sizeof to->x) != to->n * HAR_X_BYTES) {
        tp_qemu_fail("features and labels do not have the same number");
    }
}

/* Reports how many windows of the test get their label, and how many it has. */
static void evaluate(const tp_ctx *ctx, const char *word) {
    uint32_t line[] = {0, test.n};
    for (uint32_t i = 0; i < test.n; i++) {
        int8_t y[ACTIVITIES];
        ctx->model->infer(ctx, test.x[i], y);
        line[0] += tp_demo_best(y, ACTIVITIES) == test.y[i];
    }
    tp_qemu_report(word, line, 2);
}

/* As many epochs as make about so many updates, as tinypeft train has it. */
static uint32_t epochs_of(uint32_t n) {
    return (UPDATES * BATCH + n / 2) / n;
}

static void adapt(const tp_ctx *ctx, char *const *argv, const char *k) {
    static uint8_t blob[TP_BLOB_HEADER_BYTES + HAR_ADAPTER_BYTES];
    load(argv[1], k, &shots);
    const tp_demo_run run = {.x = shots.x[0],
                             .target = shots.y,
                             .n = shots.n,
                             .epochs = epochs_of(shots.n),
                             .lr_q15 = tp_demo_number(argv[3]),
                             .seed = tp_demo_number(argv[4])};
    tp_adapter_init(ctx, run.seed);
    tp_demo_train(ctx, &run);
    evaluate(ctx, k);
    tp_demo_save(ctx, tp_demo_path(argv[2], k, ".adapter"), blob, sizeof blob);
}

static void measure(const tp_ctx *ctx, const char *folder, const char *k) {
    int8_t y[ACTIVITIES];
    load(folder, k, &shots);
    const tp_demo_run run = {.x = shots.x[0],
                             .target = shots.y,
                             .n = shots.n,
                             .epochs = 1,
                             .lr_q15 = 1024,
                             .seed = 1};
    tp_adapter_init(ctx, run.seed);
    tp_demo_measure(ctx, &run, y);
}

int main(int argc, char **argv) {
    const tp_ctx ctx = har_open(&model_memory);
    if (argc == 4 && strcmp(argv[2], "cost") == 0) {
        measure(&ctx, argv[1], argv[3]);
        return 0;
    }
    if (argc < 6) {
        tp_qemu_fail("usage: har.elf FOLDER OUT LR_Q15 SEED K...");
    }
    load(argv[1], "test", &test);
    tp_adapter_init(&ctx, 1);
    evaluate(&ctx, "before");
    for (int i = 5; i < argc; i++) {
        adapt(&ctx, argv, argv[i]);
    }
    return 0;
}
