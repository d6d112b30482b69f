/* tiny_mlp. Generated; do not edit.
 *
 *   tinypeft compile 'the tiny --adapter model of the tool'\''s.tflite' \
 *       --adapter '*=bitfit' \
 *       --adapter fc1=lora:rank=1 --loss mse --name tiny_mlp \
 *       --target portable
 *   tinypeft 0.1.0, the tiny --adapter model of the tool's.tflite, target
 *     portable
 *   sha256 0000000000000000000000000000000000000000000000000000000000000000
 *
 *             bytes
 *   flash      1166   base weights 88, tables 142, descriptors 936; code not
 *                     counted
 *   RAM         480   arena 48 (infer alone: 40), adapter 40, training 392
 *
 *   in    int8 1x6, real = 0.0399999991 * (q - 2)
 *   out   int8 1x6, real = 0.0450000018 * (q + 1)
 *   target  int8 6 values, scaled as out
 *
 * Calls cannot fail; the buffers are the caller's. */
#ifndef TINY_MLP_H
#define TINY_MLP_H

#include "tinypeft/train.h"

#if TP_ABI != 4
#error "made for runtime ABI 4: run the tinypeft compile command above again"
#endif
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "adapters are little-endian in memory; this target is not"
#endif

#define TINY_MLP_ARENA_BYTES 48u
#define TINY_MLP_INFER_BYTES 40u
#define TINY_MLP_ADAPTER_BYTES 40u
#define TINY_MLP_TRAIN_BYTES 392u
#define TINY_MLP_X_BYTES 6u
#define TINY_MLP_Y_BYTES 6u
#define TINY_MLP_SAMPLE_BYTES 6u
#define TINY_MLP_RAM_BYTES 480u

/* Of one inference: estimated instructions. */
#define TINY_MLP_INFER_COST 2676u

/* For the runtime: infer, train, load and store. */
extern const tp_model tiny_mlp_model;

/* All RAM of the model; sizeof is TINY_MLP_RAM_BYTES. */
typedef struct tiny_mlp_memory {
    TP_ALIGNED uint8_t arena[TINY_MLP_ARENA_BYTES];
    uint8_t adapter[TINY_MLP_ADAPTER_BYTES];
    uint8_t train[TINY_MLP_TRAIN_BYTES];
} tiny_mlp_memory;

static inline tp_ctx tiny_mlp_open(tiny_mlp_memory *memory) {
    const tp_ctx ctx = {&tiny_mlp_model, memory->arena,
                        memory->adapter, memory->train, {NULL}};
    return ctx;
}

/* tp_train_slice(), at most about `cost` instructions. */
TP_MUST_CHECK static inline tp_status tiny_mlp_train_slice(
    const tp_ctx *ctx, const void *sample, const void *target, uint32_t cost,
    bool *done) {
    const tp_train_budget budget = {0, cost};
    return tp_train_slice(ctx, sample, target, &budget, done);
}

#endif
