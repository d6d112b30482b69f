/* Ops without weights, and the table of all: straight from its definition, each
 * in float64. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/unit/float_ops.h"

/* --- places --------------------------------------------------------------- */

static void place_of(const tp_tensor *t, int64_t i, int32_t at[TP_MAX_RANK]) {
    for (int a = t->rank - 1; a >= 0; a--) {
        at[a] = (int32_t)(i % t->dim[a]);
        i /= t->dim[a];
    }
}

/* -1: not in t. */
static int64_t index_of(const tp_tensor *t, const int32_t at[TP_MAX_RANK]) {
    int64_t i = 0;
    for (int a = 0; a < t->rank; a++) {
        if (at[a] < 0 || at[a] >= t->dim[a]) {
            return -1;
        }
        i = i * t->dim[a] + at[a];
    }
    return i;
}

/* --- elementwise ---------------------------------------------------------- */

/* Value for place `at` of y of an input whose axes end where y's end; an axis
 * of length 1 is broadcast. */
static double broadcast(fm *m, int tensor, const tp_tensor *y,
                        const int32_t at[TP_MAX_RANK]) {
    const tp_tensor *t = tensor_of(m, tensor);
    int32_t own[TP_MAX_RANK] = {0};
    for (int a = 0; a < t->rank; a++) {
        own[a] = t->dim[a] == 1 ? 0 : at[y->rank - t->rank + a];
    }
    return m->value[tensor][index_of(t, own)];
}

static void binary(fm *m, const tp_op *op, double *y) {
    const tp_tensor *t = tensor_of(m, op->out);
    for (int64_t i = 0; i < tp_tensor_count(t); i++) {
        int32_t at[TP_MAX_RANK] = {0};
        place_of(t, i, at);
        const double a = broadcast(m, op->in[0], t, at);
        const double b = broadcast(m, op->in[1], t, at);
        y[i] = op->kind == TP_OP_ADD   ? a + b
               : op->kind == TP_OP_SUB ? a - b
                                       : a * b;
    }
}

double tp_float_function(const tp_op *op, double x, double side) {
    switch ((int)op->kind) {
    case TP_OP_RELU:
        return side > 0.0 ? x : 0.0;
    case TP_OP_RELU6:
        return side <= 0.0 ? 0.0 : side < 6.0 ? x : 6.0;
    case TP_OP_LEAKY_RELU:
        return side < 0.0 ? (double)op->attr.alpha * x : x;
    case TP_OP_LOGISTIC:
        return 1.0 / (1.0 + exp(-x));
    case TP_OP_TANH:
        return tanh(x);
    case TP_OP_HARD_SWISH:
        return side <= -3.0 ? 0.0 : side >= 3.0 ? x : x * (x + 3.0) / 6.0;
    default:
        return x;
    }
}

/* RELU6 copies bytes, whatever the two scales are. */
static void unary(fm *m, const tp_op *op, double *y) {
    const tp_tensor *t = tensor_of(m, op->out);
    const tp_tensor *from = tensor_of(m, op->in[0]);
    const bool copies = op->kind == TP_OP_RELU6;
    const double s_y = scale_of(m, op->out, 0);
    const double gain = copies ? s_y / scale_of(m, op->in[0], 0) : 1.0;
    const int32_t zeros = from->quant.zero_point - t->quant.zero_point;
    for (int64_t i = 0; i < tp_tensor_count(t); i++) {
        y[i] = gain * tp_float_function(op, m->value[op->in[0]][i],
                                        sides(m, op->in[0])[i]);
        y[i] += copies ? s_y * zeros : 0.0;
    }
}

static void softmax(fm *m, const tp_op *op, double *y) {
    const tp_tensor *t = tensor_of(m, op->out);
    const int64_t cols = t->dim[t->rank - 1];
    const double beta =
        op->kind == TP_OP_SOFTMAX ? (double)op->attr.alpha : 1.0;
    for (int64_t first = 0; first < tp_tensor_count(t); first += cols) {
        const double *x = m->value[op->in[0]] + first;
        double max = x[0];
        double sum = 0.0;
        for (int64_t i = 0; i < cols; i++) {
            max = fmax(max, x[i]);
        }
        for (int64_t i = 0; i < cols; i++) {
            sum += exp(beta * (x[i] - max));
        }
        for (int64_t i = 0; i < cols; i++) {
            y[first + i] = exp(beta * (x[i] - max)) / sum;
        }
    }
}

/* --- pools and means ------------------------------------------------------ */

/* Average over the window whose first place is `at` (which may lie outside),
 * or the value where the first largest is. */
static double pooled(fm *m, const tp_op *op, const int32_t at[TP_MAX_RANK]) {
    const tp_tensor *t = tensor_of(m, op->in[0]);
    const double *x = m->value[op->in[0]];
    double sum = 0.0;
    int64_t largest = -1;
    int count = 0;
    for (int32_t ky = 0; ky < op->attr.k_h; ky++) {
        for (int32_t kx = 0; kx < op->attr.k_w; kx++) {
            const int64_t i = index_of(
                t, (int32_t[TP_MAX_RANK]){0, at[1] + ky, at[2] + kx, at[3]});
            if (i < 0) {
                continue;
            }
            const double *side = sides(m, op->in[0]);
            largest = largest < 0 || side[i] > side[largest] ? i : largest;
            sum += x[i];
            count++;
        }
    }
    return op->kind == TP_OP_MAX_POOL_2D ? x[largest] : sum / count;
}

static void pool(fm *m, const tp_op *op, double *y) {
    const tp_tensor *t = tensor_of(m, op->out);
    for (int64_t i = 0; i < tp_tensor_count(t); i++) {
        int32_t at[TP_MAX_RANK] = {0};
        place_of(t, i, at);
        at[1] = at[1] * op->attr.stride_h - op->attr.pad_t;
        at[2] = at[2] * op->attr.stride_w - op->attr.pad_l;
        y[i] = pooled(m, op, at);
    }
}

/* Element of y that element i of x belongs to: its place, the averaged axes
 * left out. */
static int64_t kept(const tp_op *op, const tp_tensor *x, int64_t i) {
    int32_t at[TP_MAX_RANK] = {0};
    int64_t out = 0;
    place_of(x, i, at);
    for (int a = 0; a < x->rank; a++) {
        bool averaged = false;
        for (int j = 0; j < op->attr.n_list; j++) {
            averaged = averaged || op->attr.list[j] == a;
        }
        out = averaged ? out : out * x->dim[a] + at[a];
    }
    return out;
}

static void mean(fm *m, const tp_op *op, double *y) {
    const tp_tensor *x = tensor_of(m, op->in[0]);
    const int64_t n = tp_tensor_count(tensor_of(m, op->out));
    const double count = (double)tp_tensor_count(x) / (double)n;
    for (int64_t i = 0; i < n; i++) {
        y[i] = 0.0;
    }
    for (int64_t i = 0; i < tp_tensor_count(x); i++) {
        y[kept(op, x, i)] += m->value[op->in[0]][i] / count;
    }
}

/* --- movement ------------------------------------------------------------- */

/* Source row or column of a resized map. */
static int32_t nearest(const tp_attr *a, int32_t out, int32_t n_in,
                       int32_t n_out) {
    const bool corners = a->align_corners != 0 && n_out > 1;
    const double ratio =
        corners ? (n_in - 1.0) / (n_out - 1.0) : (double)n_in / (double)n_out;
    const double at = (out + (a->half_pixel != 0 ? 0.5 : 0.0)) * ratio;
    /* the ratio is a float there: an exact quotient may come out below */
    const double whole = a->align_corners != 0 ? round(at) : floor(at + 1e-6);
    return (int32_t)fmin(whole, n_in - 1.0);
}

/* Place in x of place `at` of y. */
static void source(const tp_op *op, const tp_tensor *x, const tp_tensor *y,
                   const int32_t at[TP_MAX_RANK], int32_t from[TP_MAX_RANK]) {
    const int32_t *list = op->attr.list;
    for (int a = 0; a < y->rank; a++) {
        switch ((int)op->kind) {
        case TP_OP_TRANSPOSE:
            from[list[a]] = at[a];
            break;
        case TP_OP_PAD:
            from[a] = at[a] - list[a];
            break;
        case TP_OP_STRIDED_SLICE:
            from[a] = list[a] + at[a] * list[y->rank + a];
            break;
        default: /* RESIZE_NEAREST_NEIGHBOR */
            from[a] = a == 1 || a == 2
                          ? nearest(&op->attr, at[a], x->dim[a], y->dim[a])
                          : at[a];
        }
    }
}

static void move(fm *m, const tp_op *op, double *y) {
    const tp_tensor *to = tensor_of(m, op->out);
    const tp_tensor *x = tensor_of(m, op->in[0]);
    const double fill = scale_of(m, op->out, 0) *
                        (double)(op->attr.value - to->quant.zero_point);
    for (int64_t i = 0; i < tp_tensor_count(to); i++) {
        int32_t at[TP_MAX_RANK] = {0};
        int32_t from[TP_MAX_RANK] = {0};
        place_of(to, i, at);
        source(op, x, to, at, from);
        const int64_t j = index_of(x, from);
        y[i] = j >= 0 ? m->value[op->in[0]][j] : fill;
    }
}

static void reshape(fm *m, const tp_op *op, double *y) {
    for (int64_t i = 0; i < tp_tensor_count(tensor_of(m, op->out)); i++) {
        y[i] = m->value[op->in[0]][i];
    }
}

static void concat(fm *m, const tp_op *op, double *y) {
    const tp_tensor *to = tensor_of(m, op->out);
    for (int64_t i = 0; i < tp_tensor_count(to); i++) {
        int32_t at[TP_MAX_RANK] = {0};
        int part = 0;
        place_of(to, i, at);
        int32_t length = tensor_of(m, op->in[0])->dim[op->attr.axis];
        while (at[op->attr.axis] >= length) {
            at[op->attr.axis] -= length;
            part++;
            length = tensor_of(m, op->in[part])->dim[op->attr.axis];
        }
        const int64_t j = index_of(tensor_of(m, op->in[part]), at);
        y[i] = m->value[op->in[part]][j];
    }
}

/* --- the table ------------------------------------------------------------ */

static const tp_float_evaluator evaluators[TP_KIND_COUNT] = {
    [TP_OP_ADD] = binary,
    [TP_OP_SUB] = binary,
    [TP_OP_MUL] = binary,
    [TP_OP_AVERAGE_POOL_2D] = pool,
    [TP_OP_MAX_POOL_2D] = pool,
    [TP_OP_MEAN] = mean,
    [TP_OP_SOFTMAX] = softmax,
    [TP_OP_RESHAPE] = reshape,
    [TP_OP_QUANTIZE] = unary,
    [TP_OP_RELU] = unary,
    [TP_OP_RELU6] = unary,
    [TP_OP_LEAKY_RELU] = unary,
    [TP_OP_LOGISTIC] = unary,
    [TP_OP_TANH] = unary,
    [TP_OP_HARD_SWISH] = unary,
    [TP_OP_PAD] = move,
    [TP_OP_TRANSPOSE] = move,
    [TP_OP_CONCATENATION] = concat,
    [TP_OP_RESIZE_NEAREST_NEIGHBOR] = move,
    [TP_OP_STRIDED_SLICE] = move,
    [TP_OP_UNPACK] = reshape,
    [TP_OP_HEAD_SOFTMAX] = softmax,
};

void tp_float_op(const tp_float_model *model, const tp_op *op, double *y) {
    const tp_float_evaluator evaluate = tp_float_layers[op->kind] != NULL
                                            ? tp_float_layers[op->kind]
                                            : evaluators[op->kind];
    if (evaluate != NULL) {
        evaluate(model, op, y);
    } else {
        fail_msg("op %s has no float form", op->name);
    }
}
