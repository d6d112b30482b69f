/* A .tflite file between its bytes and the graph: what parse.c reads, check.c
 * and map*.c judge and build.c turns into the graph. Only compiler/import
 * includes this.
 *
 * Stages, each over everything, so that one run reports every problem:
 *   tp_tfl_parse   bytes -> tables (indices in range, data in the file)
 *   tp_tfl_check   tensors, one producer each, order, float islands
 *   tp_tfl_fold    constant shape arithmetic
 *   tp_tfl_map     every live op: attributes, shapes, scales
 *   tp_tfl_build   the graph; only where nothing was reported */
#ifndef TP_COMPILER_IMPORT_TFLITE_H
#define TP_COMPILER_IMPORT_TFLITE_H

#include "compiler/import/span.h"
#include "compiler/ir/ir.h"

#define TP_TFL_MAX 4096 /* of tensors, ops, opcodes, buffers, operands */
/* Bytes of constants and scales, counted at each tensor: files may share a
 * buffer between tensors, but not to make a small file a large model. */
#define TP_TFL_BUDGET (64 * 1024 * 1024)

/* --- numbers of the schema, version 3 ------------------------------------ */

enum {
    TP_TFL_F32 = 0,
    TP_TFL_F16 = 1,
    TP_TFL_I32 = 2,
    TP_TFL_U8 = 3,
    TP_TFL_I8 = 9,
    TP_TFL_F64 = 10,
    TP_TFL_BF16 = 18
};

enum {
    TP_TFL_ADD = 0,
    TP_TFL_AVERAGE_POOL_2D = 1,
    TP_TFL_CONCATENATION = 2,
    TP_TFL_CONV_2D = 3,
    TP_TFL_DEPTHWISE_CONV_2D = 4,
    TP_TFL_DEQUANTIZE = 6,
    TP_TFL_FULLY_CONNECTED = 9,
    TP_TFL_LOGISTIC = 14,
    TP_TFL_MAX_POOL_2D = 17,
    TP_TFL_MUL = 18,
    TP_TFL_RELU = 19,
    TP_TFL_RELU6 = 21,
    TP_TFL_RESHAPE = 22,
    TP_TFL_SOFTMAX = 25,
    TP_TFL_TANH = 28,
    TP_TFL_CALL = 31,
    TP_TFL_CUSTOM = 32,
    TP_TFL_PAD = 34,
    TP_TFL_TRANSPOSE = 39,
    TP_TFL_MEAN = 40,
    TP_TFL_SUB = 41,
    TP_TFL_SQUEEZE = 43,
    TP_TFL_STRIDED_SLICE = 45,
    TP_TFL_PADV2 = 60,
    TP_TFL_EXPAND_DIMS = 70,
    TP_TFL_SHAPE = 77,
    TP_TFL_REDUCE_MAX = 82,
    TP_TFL_PACK = 83,
    TP_TFL_RESIZE_NEAREST_NEIGHBOR = 97,
    TP_TFL_LEAKY_RELU = 98,
    TP_TFL_QUANTIZE = 114,
    TP_TFL_HARD_SWISH = 117,
    TP_TFL_IF = 118,
    TP_TFL_WHILE = 119,
    TP_TFL_CALL_ONCE = 129
};

/* --- the model ----------------------------------------------------------- */

typedef struct tp_tfl_tensor {
    /* parse: as in the file */
    const char *name; /* printable, without quotes and comment marks */
    int32_t type;
    tp_vector shape, signature, scales, zero_points;
    int32_t axis;
    bool variable, sparse, external, details;
    const uint8_t *data; /* constant: little-endian elements; else NULL */
    size_t bytes;
    /* check: decoded, in range */
    int rank;
    int32_t dim[TP_MAX_RANK];
    int64_t count;
    int n_scales;
    float *scale;
    int32_t zero_point;
    int producer; /* op, or -1 */
    bool used;    /* a live op or the interface names it */
    bool bad;     /* something was reported: ops on it say nothing more */
} tp_tfl_tensor;

typedef struct tp_tfl_op {
    /* parse */
    int code;
    const char *label; /* "CONV_2D" */
    int n_in, n_out;
    int *in, *out; /* tensors; -1: absent */
    int options_type;
    tp_table options;
    bool bad;
    bool live;    /* check: its output is used */
    bool folded;  /* fold: its output became a constant */
    bool dropped; /* check: QUANTIZE, DEQUANTIZE at a float interface */
    /* map */
    tp_kind kind;
    tp_attr attr;
    int n_data; /* leading inputs that the graph's op takes */
    int32_t slice_dim[TP_MAX_RANK]; /* STRIDED_SLICE: size on x's axes */
    int32_t map_dim[4]; /* REDUCE_MAX: x as a map, its columns reduced */
} tp_tfl_op;

typedef struct tp_tfl_buffer {
    size_t at, bytes;
} tp_tfl_buffer;

typedef struct tp_tfl_model {
    tp_arena *arena;
    tp_diag *diag;
    tp_span span;
    tp_status status; /* of the first problem */
    size_t budget;    /* left of TP_TFL_BUDGET */
    tp_tfl_buffer *buffer;
    tp_tfl_tensor *tensor;
    tp_tfl_op *op;
    int n_buffers, n_tensors, n_ops;
    int input, output; /* tensors; check: after dropped ops; -1: bad */
    tp_dtype io_in, io_out;
} tp_tfl_model;

/* --- stages -------------------------------------------------------------- */

void tp_tfl_parse(tp_tfl_model *m);
void tp_tfl_check(tp_tfl_model *m);
void tp_tfl_fold(tp_tfl_model *m);
void tp_tfl_map(tp_tfl_model *m);
/* Appends to *graph, which is zero but for arena and name. */
void tp_tfl_build(tp_tfl_model *m, tp_graph *graph);

/* --- reporting; each keeps the first status in m->status ------------------ */

void tp_tfl_fail(tp_tfl_model *m, tp_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* "tensor 12 'name': ..."; the tensor becomes bad. */
void tp_tfl_tensor_fail(tp_tfl_model *m, int tensor, tp_status status,
                        const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* "op 17 CONV_2D: ..."; the op becomes bad. */
void tp_tfl_op_fail(tp_tfl_model *m, tp_tfl_op *op, tp_status status,
                    const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* False, with "<what>: <the span's fault>" reported, if a read has failed
 * since the last call. */
bool tp_tfl_sound(tp_tfl_model *m, const char *what, int index);
/* Takes n bytes from the budget; false (reported once) where it is used up. */
bool tp_tfl_spend(tp_tfl_model *m, uint64_t n);
/* Zeroed memory; NULL: reported. */
void *tp_tfl_alloc(tp_tfl_model *m, size_t n, size_t size);

/* --- operands of an op, for fold.c and map*.c ----------------------------- */

static inline tp_tfl_tensor *tp_tfl_in(const tp_tfl_model *m,
                                       const tp_tfl_op *op, int k) {
    return &m->tensor[op->in[k]];
}
static inline tp_tfl_tensor *tp_tfl_out(const tp_tfl_model *m,
                                        const tp_tfl_op *op) {
    return &m->tensor[op->out[0]];
}
/* The op is known and has the operands and the options that it must have;
 * false: reported. */
bool tp_tfl_map_generic(tp_tfl_model *m, tp_tfl_op *op);
/* False, and reported, if reading its options failed. */
bool tp_tfl_options_sound(tp_tfl_model *m, tp_tfl_op *op);
/* False where an operand was reported already, or the op itself. */
bool tp_tfl_operands_sound(const tp_tfl_model *m, const tp_tfl_op *op);
/* The int32 elements of constant operand k, at most `most`; -1: reported. */
int tp_tfl_const_i32(tp_tfl_model *m, tp_tfl_op *op, int k, const char *what,
                     int32_t *list, int most);
/* Reports unless the output's declared shape is `dim`. */
bool tp_tfl_expect_shape(tp_tfl_model *m, tp_tfl_op *op, const int32_t *dim,
                         int rank);

/* STRIDED_SLICE with its masks resolved: element i of the output on x's axis
 * k is x[begin[k] + i * stride[k]]. */
typedef struct tp_tfl_slice {
    int32_t begin[TP_MAX_RANK], stride[TP_MAX_RANK], size[TP_MAX_RANK];
    int rank; /* of the output: axes shrunk away, new ones put in */
    int32_t dim[TP_MAX_RANK];
} tp_tfl_slice;

bool tp_tfl_resolve_slice(tp_tfl_model *m, tp_tfl_op *op, tp_tfl_slice *slice);

/* --- names --------------------------------------------------------------- */

const char *tp_tfl_code_name(int code); /* NULL: unknown */
const char *tp_tfl_type_name(int32_t type);
size_t tp_tfl_type_bytes(int32_t type); /* 0: unknown or not whole bytes */
bool tp_tfl_type_is_float(int32_t type);
/* A bounded copy without quotes, backslashes, '*', '/' and control
 * characters; empty: out of memory (reported). */
const char *tp_tfl_clean(tp_tfl_model *m, const uint8_t *text, size_t n);
const char *tp_tfl_identifier(tp_tfl_model *m, const char *name);
/* "[1,49,10,1]"; "?" without memory. */
const char *tp_tfl_dims(tp_tfl_model *m, const int32_t *dim, int rank);

#endif
