/* tiny_fc. Generated; do not edit.
 *
 *   tinypeft compile tiny_fc.tflite --target portable
 *   tinypeft 0.1.0, tiny_fc.tflite, target portable
 *   sha256 0000000000000000000000000000000000000000000000000000000000000000
 *
 *             bytes
 *   flash       162   base weights 27, tables 15, descriptors 120; code not
 *                     counted
 *   RAM           8   arena 8 (infer alone: 8), adapter 0, training 0
 *
 *   in    int8 1x5, real = 0.0500000007 * (q - 0)
 *   out   int8 1x3, real = 0.100000001 * (q - 0)
 *
 * Calls cannot fail; the buffers are the caller's. */
#ifndef TINY_FC_H
#define TINY_FC_H

#include "tinypeft/model.h"

#if TP_ABI != 4
#error "made for runtime ABI 4: run the tinypeft compile command above again"
#endif
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "adapters are little-endian in memory; this target is not"
#endif

#define TINY_FC_ARENA_BYTES 8u
#define TINY_FC_INFER_BYTES 8u
#define TINY_FC_ADAPTER_BYTES 0u
#define TINY_FC_TRAIN_BYTES 0u
#define TINY_FC_X_BYTES 5u
#define TINY_FC_Y_BYTES 3u
#define TINY_FC_RAM_BYTES 8u

/* Of one inference: estimated instructions. */
#define TINY_FC_INFER_COST 763u

/* For the runtime: infer, train, load and store. */
extern const tp_model tiny_fc_model;

/* All RAM of the model; sizeof is TINY_FC_RAM_BYTES. */
typedef struct tiny_fc_memory {
    TP_ALIGNED uint8_t arena[TINY_FC_ARENA_BYTES];
} tiny_fc_memory;

static inline tp_ctx tiny_fc_open(tiny_fc_memory *memory) {
    const tp_ctx ctx = {&tiny_fc_model, memory->arena,
                        NULL, NULL, {NULL}};
    return ctx;
}

#endif
