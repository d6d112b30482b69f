/* What every executor of a model must answer alike: the interpreter, emitted C
 * on the host, emitted C on the emulated boards. Uses the runtime alone. */
#ifndef TP_TESTS_DRIVE_H
#define TP_TESTS_DRIVE_H

#include <string.h>

#include "core/crc32.h"
#include "core/rng.h"
#include "tinypeft/adapter.h"
#include "tinypeft/train.h"

enum {
    DRIVE_MOST_IO = 4096,
    DRIVE_MOST_KEPT = 16384, /* of a sample, for training */
    DRIVE_INPUTS = 3,
    DRIVE_SAMPLES = 26
};

typedef struct drive_digest {
    uint32_t before;  /* CRC-32 of the outputs with the start adapter */
    uint32_t adapter; /* ... of the adapter's bytes after training */
    uint32_t after;   /* ... of the outputs after training */
} drive_digest;

static inline void drive_fill(uint8_t *bytes, uint32_t n, uint32_t *rng) {
    for (uint32_t i = 0; i < n; i++) {
        bytes[i] = (uint8_t)(tp_rng_next(rng) >> 24);
    }
}

static inline uint32_t drive_infer(const tp_ctx *ctx, uint32_t seed) {
    static uint8_t x[DRIVE_MOST_IO];
    static uint8_t y[DRIVE_MOST_IO];
    uint32_t rng = tp_rng_seed(seed);
    uint32_t crc = 0;
    for (int i = 0; i < DRIVE_INPUTS; i++) {
        drive_fill(x, ctx->model->x_bytes, &rng);
        ctx->model->infer(ctx, x, y);
        crc = tp_crc32(crc, y, ctx->model->y_bytes);
    }
    return crc;
}

/* A sample, kept and trained on, by some seeds in slices of a few steps: it
 * makes no difference. */
static inline tp_status drive_sample(const tp_ctx *ctx, const uint8_t *x,
                                     const uint8_t *target, uint32_t steps) {
    static union {
        uint64_t align;
        uint8_t bytes[DRIVE_MOST_KEPT];
    } kept;
    const tp_train_budget budget = {.steps = steps};
    tp_status status = TP_OK;
    tp_train_keep(ctx, x, kept.bytes);
    for (bool done = false; !done;) {
        status = tp_train_slice(ctx, kept.bytes, target, &budget, &done);
    }
    return status;
}

/* A few updates on random samples; what goes wrong becomes part of the
 * digest. */
static inline uint32_t drive_train(const tp_ctx *ctx, uint32_t seed) {
    static uint8_t x[DRIVE_MOST_IO];
    static uint8_t target[DRIVE_MOST_IO];
    tp_train_config config = TP_TRAIN_DEFAULTS;
    config.batch = 4;
    config.seed = seed;
    config.updates = 6;
    uint32_t rng = tp_rng_seed(seed + 1);
    uint32_t codes = (uint32_t)tp_train_begin(ctx, &config);
    for (int i = 0; i < DRIVE_SAMPLES; i++) {
        drive_fill(x, ctx->model->x_bytes, &rng);
        drive_fill(target, ctx->model->target_bytes, &rng);
        if (ctx->model->classes > 0) {
            target[0] = (uint8_t)tp_rng_below(&rng, ctx->model->classes);
        }
        codes = codes * 31u + (uint32_t)drive_sample(ctx, x, target, seed % 4);
    }
    codes = codes * 31u + (uint32_t)tp_train_end(ctx);
    return tp_crc32(codes, ctx->adapter, ctx->model->adapter_bytes);
}

static inline drive_digest drive(const tp_ctx *ctx, uint32_t seed) {
    drive_digest digest = {0, 0, 0};
    tp_adapter_init(ctx, seed);
    digest.before = drive_infer(ctx, seed);
    if (ctx->model->sample != NULL) {
        digest.adapter = drive_train(ctx, seed);
    }
    digest.after = drive_infer(ctx, seed);
    return digest;
}

#endif
