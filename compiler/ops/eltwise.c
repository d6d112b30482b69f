/* ADD, SUB, MUL with broadcasting, and their gradient. */
#include <math.h>
#include <string.h>

#include "compiler/ops/opdef.h"
#include "compiler/ops/table.h"

#define LEFT_SHIFT 20

/* --- broadcasting --------------------------------------------------------- */

/* A result and its two operands as the kernels walk them: at most four
 * dimensions, the used ones at the end. Neighbours along which each operand is
 * broadcast alike are one. */
typedef struct walk {
    int32_t dim[4];
    int32_t stride[2][4]; /* in elements of the operand; 0: broadcast */
} walk;

typedef enum fit { FITS, SHAPES_DIFFER, TOO_MANY_DIMENSIONS } fit;

/* Extent of t along axis `from_last` of the result, counted from the last;
 * shapes are aligned there. */
static int32_t extent(const tp_tensor *t, int from_last) {
    return from_last < t->rank ? t->dim[t->rank - 1 - from_last] : 1;
}

/* Which operands are broadcast along an axis of n places, as bits; -1: a shape
 * does not fit. has: the operands' own extents. A part NULL is like whole. */
static int broadcast_at(const tp_tensor *const part[2], int from_last,
                        int32_t n, int32_t has[2]) {
    int bits = 0;
    for (int i = 0; i < 2; i++) {
        has[i] = part[i] != NULL ? extent(part[i], from_last) : n;
        if (has[i] != n && has[i] != 1) {
            return -1;
        }
        bits |= (has[i] != n ? 1 : 0) << i;
    }
    return bits;
}

static fit make_walk(const tp_tensor *whole, const tp_tensor *const part[2],
                     walk *w) {
    int32_t inner[2] = {1, 1}; /* elements of the operand further in */
    int before = -1;           /* bits of the dimension further in */
    int at = 4;
    *w = (walk){.dim = {1, 1, 1, 1}};
    for (int j = 0; j < TP_MAX_RANK; j++) {
        int32_t has[2];
        const int32_t n = extent(whole, j);
        const int bits = broadcast_at(part, j, n, has);
        if (bits < 0) {
            return SHAPES_DIFFER;
        }
        if (n == 1) {
            continue;
        }
        if (bits != before && at-- == 0) {
            return TOO_MANY_DIMENSIONS;
        }
        for (int i = 0; i < 2; i++) {
            if (bits != before && has[i] == n) {
                w->stride[i][at] = inner[i];
            }
            inner[i] *= has[i];
        }
        w->dim[at] *= n;
        before = bits;
    }
    return FITS;
}

static bool same_shape(const tp_tensor *a, const tp_tensor *b) {
    return a->rank == b->rank &&
           memcmp(a->dim, b->dim, (size_t)a->rank * sizeof a->dim[0]) == 0;
}

static tp_status report(const tp_op *op, fit f, tp_diag *diag) {
    if (f == SHAPES_DIFFER) {
        return tp_error(diag, TP_ERR_MALFORMED,
                        "op %s: input and output shapes do not broadcast",
                        op->name);
    }
    if (f == TOO_MANY_DIMENSIONS) {
        return tp_error(diag, TP_ERR_UNSUPPORTED,
                        "op %s: more than 4 dimensions are broadcast in turn",
                        op->name);
    }
    return TP_OK;
}

/* --- forward -------------------------------------------------------------- */

static double scale_of(const tp_graph *graph, int tensor) {
    return (double)tp_scale_of(&graph->tensor[tensor], 0);
}

static tp_status check_tensors(const tp_graph *graph, const tp_op *op,
                               tp_diag *diag) {
    const int tensor[3] = {op->in[0], op->in[1], op->out};
    for (int i = 0; i < 3; i++) {
        const tp_tensor *t = &graph->tensor[tensor[i]];
        if (t->dtype != TP_S8 || t->quant.n != 1) {
            return tp_error(diag, TP_ERR_UNSUPPORTED,
                            "op %s: tensor %s is not int8 with one scale",
                            op->name, t->name);
        }
    }
    return TP_OK;
}

/* What the three have in common. */
static tp_status verify(const tp_graph *graph, const tp_op *op, tp_diag *diag) {
    const tp_tensor *t = graph->tensor;
    const tp_tensor *const in[2] = {&t[op->in[0]], &t[op->in[1]]};
    const tp_tensor *y = &t[op->out];
    walk w;
    TP_TRY(check_tensors(graph, op, diag));
    TP_TRY(report(op, make_walk(y, in, &w), diag));
    for (int j = 0; j < y->rank; j++) {
        if (extent(y, j) != extent(in[0], j) &&
            extent(y, j) != extent(in[1], j)) {
            return report(op, SHAPES_DIFFER, diag);
        }
    }
    if (op->attr.act_min < -128 || op->attr.act_max > 127 ||
        op->attr.act_min > op->attr.act_max) {
        return tp_error(diag, TP_ERR_MALFORMED,
                        "op %s: activation range [%d, %d] is not one of int8",
                        op->name, (int)op->attr.act_min, (int)op->attr.act_max);
    }
    return TP_OK;
}

/* Shapes, zero points, clamp range. */
static tp_eltwise describe(const tp_graph *graph, const tp_op *op) {
    const tp_tensor *a = &graph->tensor[op->in[0]];
    const tp_tensor *b = &graph->tensor[op->in[1]];
    const tp_tensor *y = &graph->tensor[op->out];
    walk w;
    (void)make_walk(y, (const tp_tensor *const[2]){a, b}, &w);
    tp_eltwise d = {.a_zp = a->quant.zero_point,
                    .b_zp = b->quant.zero_point,
                    .y_zp = y->quant.zero_point,
                    .y_min = op->attr.act_min,
                    .y_max = op->attr.act_max};
    memcpy(d.dim, w.dim, sizeof d.dim);
    memcpy(d.a_stride, w.stride[0], sizeof d.a_stride);
    memcpy(d.b_stride, w.stride[1], sizeof d.b_stride);
    return d;
}

static tp_status lower_binary(tp_lower *low, const tp_op *op,
                              tp_kernel_id kernel, const tp_eltwise *d) {
    const tp_arg args[] = {tp_arg_tensor(op->in[0]), tp_arg_tensor(op->in[1]),
                           tp_arg_tensor(op->out)};
    return tp_lower_step(low, kernel, &tp_desc_eltwise, d, args);
}

/* The factors of a sum, computed in double from the float scales in the order
 * that TensorFlow Lite has: its rounding decides the last bit. */
static void scale_sum(const tp_graph *graph, const tp_op *op, tp_eltwise *d) {
    const double s_a = scale_of(graph, op->in[0]);
    const double s_b = scale_of(graph, op->in[1]);
    const double twice_max = 2 * fmax(s_a, s_b);
    const double unit = (double)(1 << LEFT_SHIFT);
    d->left_shift = LEFT_SHIFT;
    d->b_sign = op->kind == TP_OP_SUB ? -1 : 1;
    d->a = tp_factor_of(s_a / twice_max);
    d->b = tp_factor_of(s_b / twice_max);
    d->y = tp_factor_of(twice_max / (unit * scale_of(graph, op->out)));
}

/* TensorFlow Lite Micro, too, refuses an output factor of 1 or more. */
static tp_status verify_sum(const tp_graph *graph, const tp_op *op,
                            tp_diag *diag) {
    tp_eltwise d;
    TP_TRY(verify(graph, op, diag));
    scale_sum(graph, op, &d);
    if (d.y.s > 0) {
        return tp_error(diag, TP_ERR_UNSUPPORTED,
                        "op %s: the output's scale is at most 2^-19 of the "
                        "larger input's",
                        op->name);
    }
    return TP_OK;
}

/* The kernel of an instruction set, where rows follow each other in both inputs
 * and the output's zero point fits where it is added; else that of ref. */
static tp_kernel_id choose(const tp_lower *low, const tp_eltwise *d,
                           const tp_kernel_id kernel[3]) {
    if (d->a_stride[3] != 1 || d->b_stride[3] != 1 || d->y.s < -22 ||
        d->y.s > -1) {
        return kernel[0];
    }
    return (low->isa & TP_ISA_MVE) != 0   ? kernel[2]
           : (low->isa & TP_ISA_DSP) != 0 ? kernel[1]
                                          : kernel[0];
}

static tp_status lower_sum(tp_lower *low, const tp_op *op) {
    tp_eltwise d = describe(low->graph, op);
    scale_sum(low->graph, op, &d);
    static const tp_kernel_id kernel[] = {
        TP_K_add_s8_fwd_ref, TP_K_add_s8_fwd_dsp, TP_K_add_s8_fwd_mve};
    return lower_binary(low, op, choose(low, &d, kernel), &d);
}

static tp_factor scale_product(const tp_graph *graph, const tp_op *op) {
    return tp_factor_of(scale_of(graph, op->in[0]) *
                        scale_of(graph, op->in[1]) / scale_of(graph, op->out));
}

/* 255 * 255 * 2^14 < 2^30: nothing wraps. */
static tp_status verify_mul(const tp_graph *graph, const tp_op *op,
                            tp_diag *diag) {
    TP_TRY(verify(graph, op, diag));
    if (scale_product(graph, op).s > 14) {
        return tp_error(diag, TP_ERR_UNSUPPORTED,
                        "op %s: the output's scale is at most 2^-14 of the "
                        "product of the inputs'",
                        op->name);
    }
    return TP_OK;
}

static tp_status lower_mul(tp_lower *low, const tp_op *op) {
    tp_eltwise d = describe(low->graph, op);
    d.y = scale_product(low->graph, op);
    static const tp_kernel_id kernel[] = {
        TP_K_mul_s8_fwd_ref, TP_K_mul_s8_fwd_dsp, TP_K_mul_s8_fwd_mve};
    return lower_binary(low, op, choose(low, &d, kernel), &d);
}

/* --- gradient ------------------------------------------------------------- */

/* Gradient to input i. An identity needs no kernel: dy itself is the answer. */
static tp_status give(tp_autodiff *ad, const tp_op *op, int dy, int i) {
    const tp_tensor *t = ad->graph->tensor;
    const int x = op->in[i];
    const bool product = op->kind == TP_OP_MUL;
    const bool minus = op->kind == TP_OP_SUB && i == 1;
    if (!tp_ad_needs(ad, x)) {
        return TP_OK;
    }
    if (!product && !minus && same_shape(&t[x], &t[op->out])) {
        return tp_ad_give(ad, x, dy);
    }
    const int in[2] = {dy, op->in[1 - i]};
    const int dx = tp_ad_op(ad, TP_OP_ELTWISE_BWD, op, in, product ? 2 : 1, x);
    if (dx < 0) {
        return tp_no_memory(ad->diag);
    }
    tp_ad_last(ad)->attr.value = minus ? -1 : 0;
    return tp_ad_give(ad, x, dx);
}

static tp_status grad(tp_autodiff *ad, const tp_op *op, int dy) {
    const tp_op forward = *op;
    const int clamped = tp_ad_clamped(ad, &forward, dy);
    if (clamped < 0) {
        return tp_no_memory(ad->diag);
    }
    TP_TRY(give(ad, &forward, clamped, 0));
    return give(ad, &forward, clamped, 1);
}

/* The other factor of a product, or NULL. */
static const tp_tensor *other_of(const tp_graph *graph, const tp_op *op) {
    return op->n_in > 1 ? &graph->tensor[op->in[1]] : NULL;
}

/* Splits dy's dimensions into x's and those that are summed over. */
static fit describe_bwd(const tp_graph *graph, const tp_op *op,
                        tp_eltwise_bwd *d) {
    const tp_tensor *const part[2] = {&graph->tensor[op->out],
                                      other_of(graph, op)};
    walk w;
    const fit f = make_walk(&graph->tensor[op->in[0]], part, &w);
    *d = (tp_eltwise_bwd){.x_dim = {1, 1, 1, 1}, .red_dim = {1, 1, 1, 1}};
    int32_t dy_stride = 1;
    for (int at = 3; at >= 0; at--) {
        if (w.stride[0][at] != 0) {
            d->x_dim[at] = w.dim[at];
            d->x_dy_stride[at] = dy_stride;
            d->x_other_stride[at] = w.stride[1][at];
        } else {
            d->red_dim[at] = w.dim[at];
            d->red_dy_stride[at] = dy_stride;
            d->red_other_stride[at] = w.stride[1][at];
        }
        dy_stride *= w.dim[at];
    }
    return f;
}

/* 2^16 * 127 * 255 < 2^31 bounds the kernel's sum. */
static tp_status verify_bwd(const tp_graph *graph, const tp_op *op,
                            tp_diag *diag) {
    const tp_tensor *other = other_of(graph, op);
    tp_eltwise_bwd d;
    TP_TRY(report(op, describe_bwd(graph, op, &d), diag));
    if (other != NULL && (other->dtype != TP_S8 || other->quant.n != 1)) {
        return tp_error(diag, TP_ERR_UNSUPPORTED,
                        "op %s: factor %s is not int8 with one scale", op->name,
                        other->name);
    }
    const int64_t summed = tp_tensor_count(&graph->tensor[op->in[0]]) /
                           tp_tensor_count(&graph->tensor[op->out]);
    if (summed > 1 << 16) {
        return tp_error(diag, TP_ERR_UNSUPPORTED,
                        "op %s: one element was broadcast to more than 65536",
                        op->name);
    }
    return TP_OK;
}

/* f = q * 2^(e-15), q in [2^14, 2^15). */
static void set_factor(tp_eltwise_bwd *d, double f) {
    int e = 0;
    int32_t q = (int32_t)lround(ldexp(frexp(f, &e), 15));
    if (q == 1 << 15) {
        q /= 2;
        e++;
    }
    d->q = q;
    d->e = e;
}

static tp_status lower_bwd(tp_lower *low, const tp_op *op) {
    const tp_tensor *other = other_of(low->graph, op);
    tp_eltwise_bwd d;
    (void)describe_bwd(low->graph, op, &d);
    set_factor(&d, other != NULL ? (double)tp_scale_of(other, 0) : 1.0);
    d.q = op->attr.value == -1 ? -d.q : d.q;
    d.other_zp = other != NULL ? other->quant.zero_point : 0;
    const tp_arg args[] = {tp_arg_tensor(op->in[0]),
                           other != NULL ? tp_arg_tensor(op->in[1])
                                         : tp_arg_const(NULL),
                           tp_arg_tensor(op->out), tp_arg_gscale(op->out)};
    return tp_lower_step(low, TP_K_eltwise_q8_bwd_x_ref, &tp_desc_eltwise_bwd,
                         &d, args);
}

/* In place: an output as large as the first input is not its broadcast, so
 * element i is read before it is written. */
const tp_opdef tp_def_add = {
    .verify = verify_sum, .lower = lower_sum, .grad = grad, .in_place = true};
const tp_opdef tp_def_sub = {
    .verify = verify_sum, .lower = lower_sum, .grad = grad, .in_place = true};
const tp_opdef tp_def_mul = {
    .verify = verify_mul, .lower = lower_mul, .grad = grad, .in_place = true};
const tp_opdef tp_def_eltwise_bwd = {
    .verify = verify_bwd, .lower = lower_bwd, .in_place = true};
