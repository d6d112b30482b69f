/* odd_names. Generated; do not edit.
 *
 *   tinypeft compile 'a* /b / * " \ ? ?/ c' \
 *       --adapter '*=bitfit' \
 *       --adapter 'a ?/ b*=lora:rank=1'
 *   tinypeft 0.1.0, a* /b / * " \ ? ?/ c, target portable
 *   sha256 0000000000000000000000000000000000000000000000000000000000000000
 *
 *             bytes
 *   flash      2541   base weights 76, tables 37, descriptors 2428; code not
 *                     counted
 *   RAM         560   arena 48 (infer alone: 24), adapter 48, training 464
 *
 *   in    int8 1x2, real = 0.0500000007 * (q + 3)
 *   out   int8 1x2, real = 0.0500000007 * (q - 0)
 *   target  int8 2 values, scaled as out
 *
 * Calls cannot fail; the buffers are the caller's. */
#ifndef ODD_NAMES_H
#define ODD_NAMES_H

#include "tinypeft/train.h"

#if TP_ABI != 4
#error "made for runtime ABI 4: run the tinypeft compile command above again"
#endif
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "adapters are little-endian in memory; this target is not"
#endif

#define ODD_NAMES_ARENA_BYTES 48u
#define ODD_NAMES_INFER_BYTES 24u
#define ODD_NAMES_ADAPTER_BYTES 48u
#define ODD_NAMES_TRAIN_BYTES 464u
#define ODD_NAMES_X_BYTES 2u
#define ODD_NAMES_Y_BYTES 2u
#define ODD_NAMES_SAMPLE_BYTES 2u
#define ODD_NAMES_RAM_BYTES 560u

/* Of one inference: estimated instructions. */
#define ODD_NAMES_INFER_COST 5333u

/* For the runtime: infer, train, load and store. */
extern const tp_model odd_names_model;

/* All RAM of the model; sizeof is ODD_NAMES_RAM_BYTES. */
typedef struct odd_names_memory {
    TP_ALIGNED uint8_t arena[ODD_NAMES_ARENA_BYTES];
    uint8_t adapter[ODD_NAMES_ADAPTER_BYTES];
    uint8_t train[ODD_NAMES_TRAIN_BYTES];
} odd_names_memory;

static inline tp_ctx odd_names_open(odd_names_memory *memory) {
    const tp_ctx ctx = {&odd_names_model, memory->arena,
                        memory->adapter, memory->train, {NULL}};
    return ctx;
}

/* tp_train_slice(), at most about `cost` instructions. */
TP_MUST_CHECK static inline tp_status odd_names_train_slice(
    const tp_ctx *ctx, const void *sample, const void *target, uint32_t cost,
    bool *done) {
    const tp_train_budget budget = {0, cost};
    return tp_train_slice(ctx, sample, target, &budget, done);
}

#endif
