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

#define TP_MAX_REGIONS 4

/* One instance of a model. Each buffer is aligned to TP_ALIGN and at least as
 * long as the model says. `train` may be NULL where nothing is trained;
 * `adapter` may be NULL where the model has none. */
typedef struct tp_ctx {
    const struct tp_model *model;
    uint8_t *arena;   /* scratch: holds nothing between two calls, but while a
                         sample is trained in slices it is that sample's */
    uint8_t *adapter; /* the trainable weights, as the inference uses them */
    uint8_t *train;   /* state of a training run */
    /* Where the arena lies in several memories: each of them, `arena` is the
     * first. Else unused. */
    uint8_t *region[TP_MAX_REGIONS];
} tp_ctx;

typedef enum tp_param_type {
    TP_PARAM_Q8 = 0,  /* tp_q8: int8 weights with one exponent */
    TP_PARAM_S16 = 1, /* int16 in units of 2^-13 */
    TP_PARAM_Q4 = 2,  /* 4 bits, one exponent a rank */
    TP_PARAM_Q2 = 3   /* ternary in 2 bits, one exponent a rank */
} tp_param_type;

typedef enum tp_param_init {
    TP_INIT_ZERO = 0,
    TP_INIT_GAUSS = 1 /* standard deviation init_std * 2^-13 */
} tp_param_init;

struct tp_param;

/* How weights of few bits are kept. The model names it, so that what it does
 * not need is not linked. */
typedef struct tp_packing {
    /* master [count] <-> the tensor in the adapter */
    void (*from_master)(const struct tp_param *param, int16_t *master,
                        uint8_t *adapter);
    void (*to_master)(const struct tp_param *param, const uint8_t *adapter,
                      int16_t *master);
    void (*start)(const struct tp_param *param, uint32_t seed,
                  uint8_t *adapter);
} tp_packing;

extern const tp_packing tp_packing_few_bits;

/* One trainable tensor. Its master weights, momentum and gradient are arrays
 * of `count` values in the training state. */
typedef struct tp_param {
    const char *name; /* slot and role: "conv4.a" */
    uint32_t count;
    uint32_t adapter;  /* byte offset in the adapter */
    uint32_t grad;     /* byte offset of its accumulator in the training
                          state; online: of its low bytes */
    uint32_t master;   /* momentum: index of its first value among all masters;
                          else byte offset of its low bytes */
    uint8_t type;      /* tp_param_type */
    uint8_t init;      /* tp_param_init */
    uint16_t init_std; /* in 2^-13; Q2 that starts at zero: its scale, 0 where
                          the scale follows the weights */
    tp_factor unit;    /* real gradient = v * 2^e * unit, e of the
                          accumulator */
    uint32_t ranks;    /* Q4, Q2: value i is of rank i / stride % ranks */
    uint32_t stride;
    const tp_packing *packing; /* of Q4 and Q2, else NULL */
} tp_param;

/* A list of places that an adapter changes, rising numbers below `limit`: in
 * the adapter, but not trained. */
typedef struct tp_index {
    const char *name;
    uint32_t count;
    uint32_t limit;   /* at most 65,536 */
    uint32_t adapter; /* byte offset of its uint16 in the adapter */
} tp_index;

/* What training keeps of each parameter, in bytes of RAM for each of its
 * values, the working weight included. Less state, fewer ways to train: */
typedef enum tp_state_kind {
    TP_STATE_NONE = 0, /* nothing is trained; to the compiler: it may choose */
    /* 9 B: int32 gradient, int16 master and momentum, a checkpoint. Batches of
     * up to 256 samples; a bad update is undone. */
    TP_STATE_MOMENTUM = 1,
    /* 4 B: int16 gradient, the master's low byte. Batches of up to 16, no
     * momentum; divergence stops training. */
    TP_STATE_ACCUMULATE = 2,
    /* 2 B: the master's low byte; of a head's weights 3 B, the master. Every
     * sample is an update of its own. */
    TP_STATE_ONLINE = 3
} tp_state_kind;

/* Where things lie in the training state, in bytes from its start. */
typedef struct tp_train_layout {
    uint32_t gscale; /* tp_gscale [n_gscale] */
    uint32_t grads;  /* the accumulators, contiguous: tp_q32 with momentum,
                        tp_q16 without; online: none */
    uint32_t grads_bytes;
    uint32_t master;     /* momentum: int16 [n_values]; else the low bytes of
                            the masters, int8, each tensor at a multiple of 4 */
    uint32_t momentum;   /* int16 [n_values]; momentum only */
    uint32_t checkpoint; /* the last good adapter: adapter_bytes; momentum
                            only */
} tp_train_layout;

/* A sample in progress: what it works on, where it stands, how far it may
 * go now. */
typedef struct tp_slice {
    const void *x;      /* [sample_bytes] */
    const void *target; /* [target_bytes] */
    int32_t *loss;      /* 2^-16; written on the way */
    uint32_t step;      /* the next one; n_steps: finished */
    uint32_t steps;     /* how many may still run, */
    uint32_t cost;      /* and what they may cost; a last step may exceed it */
} tp_slice;

/* What a kind of state does of its own, one constant each. The model names its
 * own, and the others are not linked. */
typedef struct tp_optimiser {
    /* Before and after a sample that updates the weights as it goes, else
     * NULL. */
    void (*begin)(const tp_ctx *ctx);
    void (*end)(const tp_ctx *ctx);
    /* A batch is complete: the factor of its gradient. TP_ERR_UNDONE: the norm
     * is out of range; nothing was changed. NULL: none is left to spend. */
    tp_status (*scale)(const tp_ctx *ctx);
    /* Then, for each parameter: its weights. */
    void (*update)(const tp_ctx *ctx, uint32_t param);
    /* The state's own values from the adapter as it is. NULL: all 0 is right */
    void (*restart)(const tp_ctx *ctx);
} tp_optimiser;

extern const tp_optimiser tp_optimiser_momentum, tp_optimiser_accumulate,
    tp_optimiser_online;

typedef struct tp_model {
    const char *name;
    uint8_t base_sha256[32]; /* of the .tflite file */
    uint32_t layout_id;      /* of the adapter: CRC-32 over slots and shapes */
    uint32_t arena_bytes;    /* for inference and training */
    uint32_t infer_bytes;    /* of the arena, where only inference is used */
    uint32_t region[TP_MAX_REGIONS]; /* bytes of the arena's parts, each in a
                                        memory of its own; all 0: it is one */
    uint32_t adapter_bytes;
    uint32_t train_bytes;
    uint32_t x_bytes, y_bytes, target_bytes; /* of one sample */
    uint32_t sample_bytes; /* of what training reads of x: x_bytes, or what
                              `keep` leaves */
    uint32_t n_params, n_values, n_gscale;
    const tp_param *params; /* [n_params] */
    uint32_t state;         /* tp_state_kind */
    tp_train_layout layout;
    uint32_t n_steps;     /* of one sample */
    const uint32_t *cost; /* [n_steps] of each, estimated instructions */
    uint32_t classes;     /* targets are below this; 0: target is a tensor */
    int32_t loss_floor;   /* 2^-16: a loss below is never divergence */
    /* x [x_bytes] in, y [y_bytes] out. */
    void (*infer)(const tp_ctx *ctx, const void *x, void *y);
    /* x [x_bytes] in, what training reads of it [sample_bytes] out; see
     * tp_train_keep(). NULL: that is x. */
    void (*keep)(const tp_ctx *ctx, const void *x, void *sample);
    /* Forward, loss and backward of one sample, from slice->step until it is
     * finished or the slice is used up; adds to the gradients. Between two
     * slices the arena belongs to the sample. NULL: not trainable. */
    void (*sample)(const tp_ctx *ctx, tp_slice *slice);
    uint32_t n_indices;
    const tp_index *indices;       /* [n_indices] */
    const tp_optimiser *optimiser; /* of `state`; NULL: not trainable */
} tp_model;

/* After each step, in generated code and in the interpreter. */
static inline void tp_slice_next(tp_slice *slice, const uint32_t *cost) {
    const uint32_t spent = cost[slice->step++];
    slice->steps--;
    slice->cost -= spent < slice->cost ? spent : slice->cost;
}

/* True while there is a step and leave to run it. */
static inline int tp_slice_open(const tp_slice *slice, uint32_t n_steps) {
    return slice->step < n_steps && slice->steps > 0 && slice->cost > 0;
}

#ifdef __cplusplus
}
#endif
#endif
