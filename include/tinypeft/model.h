/* A compiled model: what generated code (or the host's interpreter) offers to
 * the runtime. The caller owns the three buffers; nothing is allocated. */
#ifndef TINYPEFT_MODEL_H
#define TINYPEFT_MODEL_H

#include <stddef.h>
#include <stdint.h>

#include "tinypeft/status.h"
#include "tinypeft/types.h"
#include "tinypeft/version.h"

#ifdef __cplusplus
extern "C" {
#endif

struct tp_model;

/* One instance of a model. Each buffer is aligned to TP_ALIGN and at least as
 * long as the model says. `train` may be NULL where nothing is trained;
 * `adapter` may be NULL where the model has none. */
typedef struct tp_ctx {
    const struct tp_model *model;
    uint8_t *arena;   /* scratch: holds nothing between two calls */
    uint8_t *adapter; /* the trainable weights, as the inference uses them */
    uint8_t *train;   /* state of a training run */
} tp_ctx;

typedef enum tp_param_type {
    TP_PARAM_Q8 = 0, /* tp_q8: int8 weights with one exponent */
    TP_PARAM_S16 = 1 /* int16 in units of 2^-13 */
} tp_param_type;

typedef enum tp_param_init {
    TP_INIT_ZERO = 0,
    TP_INIT_GAUSS = 1 /* standard deviation init_std * 2^-13 */
} tp_param_init;

/* One trainable tensor. Its master weights, momentum and gradient are arrays
 * of `count` values in the training state. */
typedef struct tp_param {
    const char *name; /* slot and role: "conv4.a" */
    uint32_t count;
    uint32_t adapter;  /* byte offset in the adapter */
    uint32_t grad;     /* byte offset of its tp_q32 in the training state */
    uint32_t master;   /* index of its first value among all masters */
    uint8_t type;      /* tp_param_type */
    uint8_t init;      /* tp_param_init */
    uint16_t init_std; /* in 2^-13 */
    tp_factor unit;    /* real gradient = v * 2^(tp_q32.e) * unit */
} tp_param;

/* Where things lie in the training state, in bytes from its start. */
typedef struct tp_train_layout {
    uint32_t gscale; /* tp_gscale [n_gscale] */
    uint32_t grads;  /* the tp_q32 accumulators, contiguous */
    uint32_t grads_bytes;
    uint32_t master;     /* int16 [n_values] */
    uint32_t momentum;   /* int16 [n_values] */
    uint32_t checkpoint; /* the last good adapter: adapter_bytes */
} tp_train_layout;

typedef struct tp_model {
    const char *name;
    uint8_t base_sha256[32]; /* of the .tflite file */
    uint32_t layout_id;      /* of the adapter: CRC-32 over slots and shapes */
    uint32_t arena_bytes;    /* for inference and training */
    uint32_t infer_bytes;    /* of the arena, where only inference is used */
    uint32_t adapter_bytes;
    uint32_t train_bytes;
    uint32_t x_bytes, y_bytes, target_bytes; /* of one sample */
    uint32_t n_params, n_values, n_gscale;
    const tp_param *params; /* [n_params] */
    tp_train_layout layout;
    uint32_t classes;   /* targets are below this; 0: target is a tensor */
    int32_t loss_floor; /* 2^-16: a loss below is never divergence */
    /* x [x_bytes] in, y [y_bytes] out. */
    void (*infer)(const tp_ctx *ctx, const void *x, void *y);
    /* Forward, loss and backward of one sample; adds to the gradients. The
     * loss of this sample in 2^-16 goes to *loss. NULL: not trainable. */
    void (*sample)(const tp_ctx *ctx, const void *x, const void *target,
                   int32_t *loss);
} tp_model;

#ifdef __cplusplus
}
#endif
#endif
