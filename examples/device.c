#include "examples/device.h"

#include <stddef.h>
#include <string.h>

#include "ports/qemu/measure.h"
#include "ports/qemu/report.h"
#include "ports/qemu/semihost.h"
#include "tinypeft/adapter.h"

/* --- words and files ------------------------------------------------------ */

uint32_t tp_demo_number(const char *text) {
    uint32_t value = 0;
    for (; *text >= '0' && *text <= '9'; text++) {
        value = value * 10u + (uint32_t)(*text - '0');
    }
    return value;
}

const char *tp_demo_path(const char *folder, const char *name,
                         const char *end) {
    static char path[512];
    const char *part[] = {folder, "/", name, end};
    size_t length = 0;
    for (int i = 0; i < 4; i++) {
        const size_t n = strlen(part[i]);
        if (n >= sizeof path - length) {
            tp_qemu_fail("the name of a file is too long");
        }
        memcpy(path + length, part[i], n + 1);
        length += n;
    }
    return path;
}

uint32_t tp_demo_load(const char *path, void *bytes, uint32_t most) {
    const int32_t file = tp_qemu_open(path, TP_QEMU_READ);
    if (file < 0) {
        tp_qemu_fail("cannot open a file of samples");
    }
    const int32_t length = tp_qemu_length(file);
    if (length < 0 || (uint32_t)length > most ||
        tp_qemu_read(file, bytes, (uint32_t)length) != length) {
        tp_qemu_fail("a file of samples is larger than the room for it");
    }
    (void)tp_qemu_close(file);
    return (uint32_t)length;
}

void tp_demo_save(const tp_ctx *ctx, const char *path, uint8_t *blob,
                  uint32_t room) {
    if (tp_blob_write(ctx, blob, room) != TP_OK) {
        tp_qemu_fail("the adapter is larger than the room for it");
    }
    const int32_t file = tp_qemu_open(path, TP_QEMU_WRITE);
    if (file < 0 || tp_qemu_write(file, blob, tp_blob_bytes(ctx->model)) != 0 ||
        tp_qemu_close(file) != 0) {
        tp_qemu_fail("cannot write the adapter");
    }
}

int tp_demo_best(const int8_t *y, int n) {
    int best = 0;
    for (int i = 1; i < n; i++) {
        best = y[i] > y[best] ? i : best;
    }
    return best;
}

/* --- training ------------------------------------------------------------- */

static void check(tp_status status) {
    if (status != TP_OK && status != TP_ERR_UNDONE) {
        tp_qemu_fail("training diverged");
    }
}

static tp_train_config config_of(const tp_demo_run *run) {
    tp_train_config config = TP_TRAIN_DEFAULTS;
    if (run->n == 0 || run->n > TP_DEMO_MOST_SAMPLES) {
        tp_qemu_fail("no samples, or more than an order has room for");
    }
    config.lr_q15 = (uint16_t)run->lr_q15;
    config.seed = run->seed;
    config.updates = (run->epochs * run->n + config.batch - 1) / config.batch;
    return config;
}

static void train_sample(const tp_ctx *ctx, const tp_demo_run *run,
                         uint32_t i) {
    check(tp_train_sample(ctx, run->x + i * ctx->model->x_bytes,
                          run->target + i * ctx->model->target_bytes));
}

static void tell(const tp_ctx *ctx, const tp_demo_run *run) {
    if (run->tell != NULL) {
        run->tell(tp_train_state_of(ctx));
    }
}

void tp_demo_train(const tp_ctx *ctx, const tp_demo_run *run) {
    static uint16_t order[TP_DEMO_MOST_SAMPLES];
    const tp_train_config config = config_of(run);
    check(tp_train_begin(ctx, &config));
    for (uint32_t epoch = 0; epoch < run->epochs; epoch++) {
        tp_train_order(order, run->n, run->seed, epoch);
        for (uint32_t i = 0; i < run->n; i++) {
            train_sample(ctx, run, order[i]);
            tell(ctx, run);
        }
    }
    check(tp_train_end(ctx));
    tell(ctx, run);
}

void tp_demo_measure(const tp_ctx *ctx, const tp_demo_run *run, void *y) {
    const tp_train_config config = config_of(run);
    uint64_t start = tp_qemu_instructions();
    ctx->model->infer(ctx, run->x, y);
    const uint32_t infer = (uint32_t)(tp_qemu_instructions() - start);
    check(tp_train_begin(ctx, &config));
    for (uint32_t i = 0; i < 3u * config.batch; i++) {
        if (i == 2u * config.batch) {
            start = tp_qemu_instructions();
        }
        train_sample(ctx, run, i % run->n);
    }
    const uint64_t update = tp_qemu_instructions() - start;
    const uint32_t line[] = {infer, (uint32_t)(update / config.batch),
                             config.batch};
    tp_qemu_report("instructions", line, 3);
}
