/* The graph between import and plan: SSA tensors and operations.
 *
 * A tensor has one producer (or is an input, a constant, a parameter); ops
 * stand in an order in which every tensor is defined before it is used. The
 * verifier (verify.h) checks this after every pass. All memory belongs to the
 * graph's arena. Tensors and ops are named by index; -1 is "none". */
#ifndef TP_COMPILER_IR_H
#define TP_COMPILER_IR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "compiler/arena.h"
#include "compiler/diag.h"
#include "tinypeft/model.h"

#define TP_MAX_RANK 6

/* Storage of one element, and the header before the first. */
typedef enum tp_dtype {
    TP_S8,   /* activations and weights of the base */
    TP_U8,   /* only beside a QUANTIZE, and class labels */
    TP_S16,  /* logits of a head, BitFit masters */
    TP_S32,  /* biases, shapes, losses */
    TP_F32,  /* only the model's own input and output, never on the device */
    TP_BITS, /* clamp masks: one bit an element, 8 to the byte */
    TP_Q8,   /* tp_q8: adapter weights and gradients */
    TP_Q16,  /* tp_q16: A x of a LoRA branch */
    TP_Q32,  /* tp_q32: gradient accumulators */
    TP_Q4,   /* adapter weights of few bits with an exponent for each index */
    TP_Q2,   /* along quant.axis, the ranks; see tinypeft/types.h */
    TP_U16,  /* lists of places in weights. Last: layout ids have the numbers */
    TP_DTYPE_COUNT
} tp_dtype;

typedef enum tp_role {
    TP_VALUE,  /* produced by an op, lives in the arena */
    TP_INPUT,  /* the sample */
    TP_CONST,  /* in flash */
    TP_PARAM,  /* trainable, in the adapter */
    TP_GRAD,   /* accumulator of a parameter's gradient, in the state */
    TP_TARGET, /* the label or the target tensor of the loss */
    TP_LOSS,   /* int32, the loss of the sample */
    TP_ROLE_COUNT
} tp_role;

/* real = scale[c] * (q - zero_point); c along `axis` where n > 1. */
typedef struct tp_quant {
    int n; /* scales: 0 (none), 1, or dim[axis] */
    const float *scale;
    int32_t zero_point; /* 0 where n > 1 */
    int axis;           /* TP_Q4, TP_Q2: of the ranks */
} tp_quant;

/* What a parameter or its gradient accumulator is. */
typedef struct tp_trainable {
    int param;          /* TP_GRAD: its TP_PARAM tensor */
    tp_param_init init; /* TP_PARAM */
    double init_std;    /* TP_PARAM, real units */
    int32_t limit;      /* TP_PARAM of TP_U16: its numbers are below */
    double unit;        /* TP_GRAD, and values of type TP_Q32:
                           real gradient = v * 2^e * unit */
} tp_trainable;

typedef struct tp_tensor {
    const char *name;
    tp_dtype dtype;
    tp_role role;
    int rank;
    int32_t dim[TP_MAX_RANK]; /* >= 1 */
    tp_quant quant;
    const void *data; /* TP_CONST: the elements, aligned */
    bool latent;      /* TP_VALUE: kept with the sample, training reads it
                         there */
    tp_trainable train;
} tp_tensor;

/* Attributes of all ops; each op uses the few that its table row in opdef.c
 * names, the others are 0. */
typedef struct tp_attr {
    int32_t stride_h, stride_w;
    int32_t dilation_h, dilation_w;
    int32_t pad_t, pad_l, pad_b, pad_r;
    int32_t k_h, k_w;         /* pooling window */
    int32_t act_min, act_max; /* fused activation, quantised, inclusive */
    int32_t axis;
    int32_t value; /* PAD: quantised fill; ELTWISE_BWD: -1 negates;
                      conv, dwconv, fc: 1 where the bias already
                      holds -x_zp * sum(w) */
    int32_t rank;  /* LoRA */
    int32_t align_corners, half_pixel;
    int32_t of;     /* backward: tp_kind of the forward op; bottlenecks: of
                       their activation, TP_OP_RELU or TP_OP_HARD_SWISH */
    int32_t seed;   /* RANDOM, HYPER */
    float alpha;    /* LEAKY_RELU slope, SOFTMAX beta, CE_LOSS smoothing,
                       RANDOM standard deviation */
    int32_t n_list; /* axes, permutation, begin + strides, pads */
    int32_t list[2 * TP_MAX_RANK];
} tp_attr;

typedef enum tp_kind {
#define TP_OP(kind, text, min_in, max_in, attrs) TP_OP_##kind,
#include "compiler/ir/ops.def"
#undef TP_OP
    TP_KIND_COUNT
} tp_kind;

typedef struct tp_op {
    tp_kind kind;
    const char *name; /* unique: the slot name, such as "conv4" */
    int source;       /* index in the imported file, -1: made by a pass */
    const char *of;   /* backward: name of the forward op it belongs to */
    int n_in;
    int *in; /* tensors; -1 where an optional one is absent */
    int out; /* every op has one output */
    tp_attr attr;
} tp_op;

typedef struct tp_graph {
    tp_arena *arena;
    const char *name;   /* C identifier */
    uint8_t sha256[32]; /* of the imported file */
    tp_tensor *tensor;
    int n_tensors, cap_tensors;
    tp_op *op;
    int n_ops, cap_ops;
    int input, output;      /* one sample in, one result out */
    int logits;             /* the loss is taken here; -1: not trained */
    int first_backward;     /* ops from here on only run in training; n_ops
                               where there are none */
    tp_dtype io_in, io_out; /* what the file's own interface was: TP_F32 or
                               TP_U8 where a QUANTIZE/DEQUANTIZE was dropped */
} tp_graph;

/* --- building; NULL or -1 means out of memory ---------------------------- */

int tp_graph_add_tensor(tp_graph *graph, const tp_tensor *tensor);
/* A tensor like `like` (shape and quantisation) with another type, role and
 * name; data and trainable are cleared. */
int tp_graph_add_like(tp_graph *graph, int like, tp_dtype dtype, tp_role role,
                      const char *name);
/* Appends (at == n_ops) or inserts an op before position `at`. `in` is copied.
 */
tp_op *tp_graph_insert_op(tp_graph *graph, int at, tp_kind kind,
                          const char *name, const int *in, int n_in, int out);
void tp_graph_remove_op(tp_graph *graph, int at);
/* Every use of tensor `from` as an input, and as the graph's output or logits,
 * becomes `to`. */
void tp_graph_replace_uses(tp_graph *graph, int from, int to);

/* A graph of its own with the same content: ops and tensors may be added and
 * changed. False: out of memory. */
bool tp_graph_clone(tp_arena *arena, const tp_graph *graph, tp_graph *clone);

/* --- asking -------------------------------------------------------------- */

int64_t tp_tensor_count(const tp_tensor *tensor); /* elements */
size_t tp_tensor_bytes(const tp_tensor *tensor);  /* with its header */
size_t tp_dtype_bytes(tp_dtype dtype); /* of one element; below 8 bits: 0 */
const char *tp_dtype_name(tp_dtype dtype);
/* Position of the op that makes the tensor, or -1. */
int tp_graph_producer(const tp_graph *graph, int tensor);
/* Number of op inputs that read it (the graph's output not counted). */
int tp_graph_uses(const tp_graph *graph, int tensor);
int tp_graph_find_op(const tp_graph *graph, const char *name); /* or -1 */
/* Marks the ops that the marked tensors need; `wanted` [n_tensors] is widened
 * to all tensors on the way, `op` [n_ops] is set. With `kept`, latent tensors
 * need no op: they are there. */
void tp_graph_needed(const tp_graph *graph, bool kept, bool *wanted, bool *op);
/* Marks what training is for: the gradients of parameters and the loss; none
 * where nothing is trained. `wanted` is [n_tensors], all false. */
void tp_graph_trained(const tp_graph *graph, bool *wanted);
/* Marks the tensors that depend on the sample alone, or on nothing: those that
 * inference makes without an adapter. `frozen` is [n_tensors]. */
void tp_graph_frozen(const tp_graph *graph, bool *frozen);
/* Bytes of a sample as it is kept for training: the latent tensors, each at a
 * multiple of TP_ALIGN; where there are none, the input. */
uint32_t tp_sample_bytes(const tp_graph *graph);
/* Scale of channel c of a constant or activation. */
float tp_scale_of(const tp_tensor *tensor, int c);
/* Clamp range of an op's output that is narrower than int8, or [-128, 127]. */
bool tp_op_clamps(const tp_op *op, const tp_tensor *y);

#endif
