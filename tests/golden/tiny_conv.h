/* tiny_conv. Generated; do not edit.
 *
 *   tinypeft compile tiny_conv.tflite \
 *       --adapter 'conv[01]=lora:rank=2' \
 *       --adapter fc3=head:classes=4 --target portable
 *   tinypeft 0.1.0, tiny_conv.tflite, target portable
 *   sha256 82b70eee7f1a5039bef07ec2347f066ed08f5dc7512447e3404300026b6e5455
 *
 *             bytes
 *   flash      1785   base weights 67, tables 78, descriptors 1640; code not
 *                     counted
 *   RAM        1040   arena 168 (infer alone: 80), adapter 88, training 784
 *
 *   in    int8 1x7x7x1, real = 0.0500000007 * (q + 3)
 *   out   int8 1x4, real = 0.00390625 * (q + 128)
 *   target  uint8, a class below 4
 *
 * Calls cannot fail; the buffers are the caller's. */
#ifndef TINY_CONV_H
#define TINY_CONV_H

#include "tinypeft/train.h"

#if TP_ABI != 4
#error "made for runtime ABI 4: run the tinypeft compile command above again"
#endif
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "adapters are little-endian in memory; this target is not"
#endif

#define TINY_CONV_ARENA_BYTES 168u
#define TINY_CONV_INFER_BYTES 80u
#define TINY_CONV_ADAPTER_BYTES 88u
#define TINY_CONV_TRAIN_BYTES 784u
#define TINY_CONV_X_BYTES 49u
#define TINY_CONV_Y_BYTES 4u
#define TINY_CONV_SAMPLE_BYTES 49u
#define TINY_CONV_RAM_BYTES 1040u

/* Of one inference: estimated instructions. */
#define TINY_CONV_INFER_COST 29317u

/* For the runtime: infer, train, load and store. */
extern const tp_model tiny_conv_model;

/* All RAM of the model; sizeof is TINY_CONV_RAM_BYTES. */
typedef struct tiny_conv_memory {
    TP_ALIGNED uint8_t arena[TINY_CONV_ARENA_BYTES];
    uint8_t adapter[TINY_CONV_ADAPTER_BYTES];
    uint8_t train[TINY_CONV_TRAIN_BYTES];
} tiny_conv_memory;

static inline tp_ctx tiny_conv_open(tiny_conv_memory *memory) {
    const tp_ctx ctx = {&tiny_conv_model, memory->arena,
                        memory->adapter, memory->train, {NULL}};
    return ctx;
}

/* tp_train_slice(), at most about `cost` instructions. */
TP_MUST_CHECK static inline tp_status tiny_conv_train_slice(
    const tp_ctx *ctx, const void *sample, const void *target, uint32_t cost,
    bool *done) {
    const tp_train_budget budget = {0, cost};
    return tp_train_slice(ctx, sample, target, &budget, done);
}

#endif
