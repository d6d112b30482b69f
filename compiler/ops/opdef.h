/* What the compiler knows of each kind of operation, one file per family:
 * the rules of its shapes and scales (verify), how it becomes kernel calls
 * (lower) and what its gradient is (grad). The stages call these through one
 * table, so that no stage has a switch over kinds. */
#ifndef TP_COMPILER_OPDEF_H
#define TP_COMPILER_OPDEF_H

#include "compiler/ir/ir.h"
#include "tinypeft/kernels.h"

/* --- lowering: op -> steps ------------------------------------------------ */

typedef enum tp_kernel_id {
#define TP_KERNEL(name, isa, desc, n_args, args) TP_K_##name##_##isa,
#include "tinypeft/kernels.def"
#undef TP_KERNEL
    TP_KERNEL_COUNT
} tp_kernel_id;

/* Instruction sets beyond plain C that kernels may use, a bit each; what a
 * target has is in plan/target.h. */
enum {
    TP_ISA_DSP = 1,   /* Armv7E-M, Armv8-M with the DSP extension */
    TP_ISA_MVE = 2,   /* Helium */
    TP_ISA_SCALAR = 4 /* none: plain C and packed weights */
};

/* Type of a descriptor's field, so that emit and the plan's dump can print a
 * descriptor without knowing its op. Pointers are to constants registered
 * with tp_lower_const(). */
typedef enum tp_field_type {
    TP_F_INT,     /* int32_t [count] */
    TP_F_FACTOR,  /* tp_factor */
    TP_F_POINTER, /* to constants, or NULL */
    TP_F_PART     /* a function of parts.def, or NULL */
} tp_field_type;

typedef struct tp_field {
    const char *name;
    size_t offset;
    tp_field_type type;
    int count;
} tp_field;

typedef struct tp_desc_type {
    const char *name; /* C type: "tp_conv2d" */
    size_t bytes;
    const tp_field *field;
    int n_fields;
    size_t reverse; /* offset of the field `reverse`; 0: it has none */
} tp_desc_type;

/* One per descriptor struct, in descriptors.c. */
extern const tp_desc_type tp_desc_conv2d, tp_desc_conv2d_dsp,
    tp_desc_dwconv2d_dsp, tp_desc_dwconv2d_any, tp_desc_conv2d_mve,
    tp_desc_conv2d_scalar, tp_desc_pool, tp_desc_mean, tp_desc_eltwise,
    tp_desc_eltwise_bwd, tp_desc_lut, tp_desc_softmax, tp_desc_copy,
    tp_desc_fill, tp_desc_resize, tp_desc_clamp, tp_desc_sum, tp_desc_bias,
    tp_desc_head, tp_desc_ce, tp_desc_mse, tp_desc_sgd, tp_desc_head_sgd,
    tp_desc_random, tp_desc_rescale, tp_desc_bottleneck, tp_desc_unpack,
    tp_desc_vera, tp_desc_hyper, tp_desc_sparse;

typedef enum tp_arg_kind {
    TP_ARG_TENSOR, /* wherever the plan puts the tensor */
    TP_ARG_CONST,  /* an array registered with tp_lower_const() */
    TP_ARG_GSCALE, /* the delayed scale of gradient tensor `tensor` */
    TP_ARG_ONLINE, /* tp_online of the training state */
    TP_ARG_SCRATCH /* `bytes` of the arena during the step; one a step */
} tp_arg_kind;

typedef struct tp_arg {
    tp_arg_kind kind;
    int tensor;
    const void *data; /* TP_ARG_CONST */
    uint32_t bytes;   /* TP_ARG_SCRATCH */
} tp_arg;

static inline tp_arg tp_arg_tensor(int tensor) {
    return (tp_arg){.kind = TP_ARG_TENSOR, .tensor = tensor};
}
static inline tp_arg tp_arg_const(const void *data) {
    return (tp_arg){.kind = TP_ARG_CONST, .tensor = -1, .data = data};
}
static inline tp_arg tp_arg_gscale(int tensor) {
    return (tp_arg){.kind = TP_ARG_GSCALE, .tensor = tensor};
}

static inline tp_arg tp_arg_online(void) {
    return (tp_arg){.kind = TP_ARG_ONLINE, .tensor = -1};
}
static inline tp_arg tp_arg_scratch(uint32_t bytes) {
    return (tp_arg){.kind = TP_ARG_SCRATCH, .tensor = -1, .bytes = bytes};
}

#define TP_MAX_ARGS 7

/* One kernel call. */
typedef struct tp_step {
    tp_kernel_id kernel;
    const tp_desc_type *type;
    const void *desc;
    const void *reversed; /* desc with `reverse` set; NULL: it has none */
    int n_args;
    tp_arg arg[TP_MAX_ARGS];
    int op; /* position in the graph */
    /* What does the work of this step and of the op that makes tensor `made`,
     * in programs that have both; NULL: nothing. There `made` is an output of
     * the step, or where nobody else reads it NULL. */
    const struct tp_step *joined;
    int made;
} tp_step;

/* Bytes of scratch that a step asks for; 0: none. */
uint32_t tp_step_scratch(const tp_step *step);

/* A constant array in flash: weights as they are, or made by lowering. */
typedef struct tp_const {
    const char *name; /* C identifier, unique */
    tp_dtype dtype;   /* TP_S8, TP_U8, TP_S16, TP_S32; TP_BITS: uint16 */
    size_t count;
    const void *data;
} tp_const;

typedef struct tp_lower {
    const tp_graph *graph;
    tp_arena *arena;
    tp_diag *diag;
    unsigned isa; /* TP_ISA_...: what kernels may use */
    int op;       /* being lowered */
    tp_step *step;
    int n_steps, cap_steps;
    tp_const *constant;
    int n_constants, cap_constants;
} tp_lower;

/* Appends a step; `desc` (type->bytes) is copied, the kernel's number of
 * arguments is taken from `arg`. */
tp_status tp_lower_step(tp_lower *lower, tp_kernel_id kernel,
                        const tp_desc_type *type, const void *desc,
                        const tp_arg *arg);
/* Lets the last step be joined with the op that makes `made`: kernel,
 * descriptor and arguments are those of *joined. */
tp_status tp_lower_join(tp_lower *lower, const tp_step *joined, int made);
/* Registers a constant array for the op being lowered and gives its address
 * for descriptors and arguments; NULL: out of memory. Arrays with the same
 * content share one constant. The name is "<op>_<suffix>". */
const void *tp_lower_const(tp_lower *lower, tp_dtype dtype, const void *data,
                           size_t count, const char *suffix);
/* Any name as letters, digits and '_', a letter first; NULL: no memory. */
const char *tp_c_name(tp_arena *arena, const char *name);
size_t tp_const_bytes(const tp_const *constant);
const char *tp_kernel_name(tp_kernel_id kernel); /* "tp_<name>_<isa>" */
typedef void tp_part(void);
const char *tp_part_name(tp_part *part); /* NULL: none of parts.def */
int tp_kernel_args(tp_kernel_id kernel);
/* The fixed-point factor of a real one (TensorFlow Lite's
 * QuantizeMultiplier); f >= 0 and finite. */
tp_factor tp_factor_of(double f);

/* --- gradient: op -> backward ops ---------------------------------------- */

typedef struct tp_autodiff {
    tp_graph *graph;
    tp_diag *diag;
    int n_forward; /* ops [0, n_forward) are differentiated */
    int n_tensors; /* tensors there were before backward began */
    bool *needs;   /* [n_tensors] depends on a parameter */
    int *grad;     /* [n_tensors] its gradient so far, or -1 */
} tp_autodiff;

/* True if the tensor's gradient is wanted. */
bool tp_ad_needs(const tp_autodiff *ad, int tensor);
/* Appends backward op `kind` of forward op `of`, with `of`'s attributes and
 * attr.of set; its output is a new gradient (TP_Q8) shaped like tensor
 * `like`. Returns the output tensor, -1: out of memory. The op's attributes
 * may be changed afterwards through tp_ad_last(). */
int tp_ad_op(tp_autodiff *ad, tp_kind kind, const tp_op *of, const int *in,
             int n_in, int like);
tp_op *tp_ad_last(tp_autodiff *ad);
/* Appends an op that adds to the gradient of adapter weights; `unit` as in
 * tp_trainable. A parameter's goes to its accumulator. That of weights which a
 * derived op computes is a TP_Q32 value, given to that op's own rule. Frozen
 * weights have none: nothing is appended. */
tp_status tp_ad_param(tp_autodiff *ad, tp_kind kind, const tp_op *of,
                      const int *in, int n_in, int weights, double unit);
/* The weights for use in backward: where a derived op computes them, ops that
 * do so again are appended, so that the forward part's copy need not live until
 * then. -1: no memory. */
int tp_ad_again(tp_autodiff *ad, int weights);
/* dy of a forward op's output with its fused clamp applied: a CLAMP_BWD is
 * appended where the activation range is narrower than int8. -1: no memory. */
int tp_ad_clamped(tp_autodiff *ad, const tp_op *of, int dy);
/* Contributes `grad` to the gradient of `tensor`; several contributions are
 * summed by a GRAD_SUM; those of computed weights, which must have one unit, by
 * a WEIGHT_GRAD_SUM. */
tp_status tp_ad_give(tp_autodiff *ad, int tensor, int grad);

/* --- overlap: an output in its input's memory ------------------------------
 */

/* How the output may lie over the first input, where that dies here and no
 * other argument shares its memory. Distances are between whole tensors,
 * headers included; TP_APART: not in this order. Ask overlap.h for them.
 *   forward  pixels are computed first to last: the output begins at least so
 *            many bytes before the input does
 *   reverse  last to first (the descriptor's `reverse`): the output ends at
 *            least so many bytes behind the input's end */
typedef struct tp_overlap {
    int32_t gathers; /* [in] pixels whose windows the kernel reads before it
                        writes any of them; 0: it writes while it reads;
                        TP_BY_CHANNEL */
    int32_t forward, reverse;
    bool exact; /* the output may begin where the input does, and nowhere else
                   near it */
} tp_overlap;

/* The kernel computes one group of channels after the other, and reads the rows
 * of x below a row of y before it writes that. */
#define TP_BY_CHANNEL (-1)

int32_t tp_kernel_gathers(tp_kernel_id kernel);

/* Of the `dsp` kernels of a head: features of 16 bits, a sum for each class. */
static inline uint32_t tp_head_scratch(int32_t in_c, int32_t classes) {
    return 2u * (uint32_t)in_c + 4u * (uint32_t)(classes + classes % 2);
}

/* Bytes of the tp_masters of a head's weights. */
static inline int64_t tp_masters_bytes(const tp_tensor *w) {
    return (int64_t)sizeof(tp_masters) +
           2 * (int64_t)w->dim[0] *
               (int64_t)tp_masters_row((uint32_t)w->dim[1]);
}

#define TP_APART INT32_MAX

/* --- the table ------------------------------------------------------------ */

typedef struct tp_opdef {
    /* Shapes, types and scales agree; reports through tp_error(), saying
     * "op <name>: ...". NULL: nothing beyond the table row. */
    tp_status (*verify)(const tp_graph *graph, const tp_op *op, tp_diag *diag);
    /* Appends the steps. NULL: the output is the input (RESHAPE). */
    tp_status (*lower)(tp_lower *lower, const tp_op *op);
    /* dy: gradient of the op's output, not yet clamped. NULL: the op has no
     * backward; slots before it are refused. */
    tp_status (*grad)(tp_autodiff *ad, const tp_op *op, int dy);
    /* Value by value: the output may take the first input's memory where both
     * have as many bytes. */
    bool in_place;
    bool derived;  /* the output is adapter weights, computed from parameters
                      and constants alone */
    bool straight; /* derived: the gradient of the output is that of the first
                      input, as it is ("straight through" the rounding) */
    /* For an op of one step; NULL: the output lies apart. The kernel's row in
     * plan/check.c says how it walks. */
    void (*overlap)(const tp_graph *graph, const tp_op *op, tp_overlap *out);
    /* Multiply-accumulates of one run; NULL: 0. */
    int64_t (*macs)(const tp_graph *graph, const tp_op *op);
} tp_opdef;

const tp_opdef *tp_opdef_of(tp_kind kind);

/* From ops.def. */
const char *tp_kind_name(tp_kind kind);
const char *tp_kind_attrs(tp_kind kind);
void tp_kind_inputs(tp_kind kind, int *fewest, int *most);
bool tp_kind_find(const char *name, tp_kind *kind);

/* Convolutions and fully connected layers of the forward part, with adapters or
 * without: in[0] is x, in[1] the weights, in[2] the bias. */
bool tp_kind_has_bias(tp_kind kind);
/* True where such an op works on each place alone: 1x1, stride 1. */
bool tp_op_one_place(const tp_graph *graph, const tp_op *op);
/* Those that can requantise by trained factors. */
bool tp_kind_has_factors(tp_kind kind);
/* The tensor of trained factors with which such an op requantises, its last
 * input; -1: none, the base's own. */
int tp_op_factors(const tp_op *op);
/* The bias of an op that has one; -1: of another op. */
int tp_op_bias(const tp_op *op);
/* The op whose bias, or whose factors, a tensor is: `of` is one of the two
 * above. NULL: none. */
const tp_op *tp_op_reader(const tp_graph *graph, int (*of)(const tp_op *op),
                          int tensor);

#endif
