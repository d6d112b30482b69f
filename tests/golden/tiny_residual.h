/* tiny_residual. Generated; do not edit.
 *
 *   tinypeft compile tiny_residual.tflite \
 *       --adapter '*=bitfit' --target portable
 *   tinypeft 0.1.0, tiny_residual.tflite, target portable
 *   sha256 0000000000000000000000000000000000000000000000000000000000000000
 *
 *             bytes
 *   flash      1161   base weights 71, tables 90, descriptors 1000; code not
 *                     counted
 *   RAM         456   arena 128 (infer alone: 112), adapter 24, training 304
 *
 *   in    int8 1x4x4x2, real = 0.0500000007 * (q - 5)
 *   out   int8 1x2, real = 0.00390625 * (q + 128)
 *   target  uint8, a class below 2
 *
 * Calls cannot fail; the buffers are the caller's. */
#ifndef TINY_RESIDUAL_H
#define TINY_RESIDUAL_H

#include "tinypeft/train.h"

#if TP_ABI != 4
#error "made for runtime ABI 4: run the tinypeft compile command above again"
#endif
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "adapters are little-endian in memory; this target is not"
#endif

#define TINY_RESIDUAL_ARENA_BYTES 128u
#define TINY_RESIDUAL_INFER_BYTES 112u
#define TINY_RESIDUAL_ADAPTER_BYTES 24u
#define TINY_RESIDUAL_TRAIN_BYTES 304u
#define TINY_RESIDUAL_X_BYTES 32u
#define TINY_RESIDUAL_Y_BYTES 2u
#define TINY_RESIDUAL_SAMPLE_BYTES 32u
#define TINY_RESIDUAL_RAM_BYTES 456u

/* Of one inference: estimated instructions. */
#define TINY_RESIDUAL_INFER_COST 26390u

/* For the runtime: infer, train, load and store. */
extern const tp_model tiny_residual_model;

/* All RAM of the model; sizeof is TINY_RESIDUAL_RAM_BYTES. */
typedef struct tiny_residual_memory {
    TP_ALIGNED uint8_t arena[TINY_RESIDUAL_ARENA_BYTES];
    uint8_t adapter[TINY_RESIDUAL_ADAPTER_BYTES];
    uint8_t train[TINY_RESIDUAL_TRAIN_BYTES];
} tiny_residual_memory;

static inline tp_ctx tiny_residual_open(tiny_residual_memory *memory) {
    const tp_ctx ctx = {&tiny_residual_model, memory->arena,
                        memory->adapter, memory->train, {NULL}};
    return ctx;
}

/* tp_train_slice(), at most about `cost` instructions. */
TP_MUST_CHECK static inline tp_status tiny_residual_train_slice(
    const tp_ctx *ctx, const void *sample, const void *target, uint32_t cost,
    bool *done) {
    const tp_train_budget budget = {0, cost};
    return tp_train_slice(ctx, sample, target, &budget, done);
}

#endif
