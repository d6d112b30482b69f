/* Ops that have weights, and those that make weights for an adapter. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/rng.h"
#include "tests/unit/float_ops.h"
#include "tests/unit/gradcheck.h"

/* --- convolutions --------------------------------------------------------- */

/* A weight tensor of rank 2: a fully connected layer on a map of rows x 1. */
static tp_conv2d geometry(fm *m, const tp_op *op, int w, int y) {
    const tp_tensor *tx = tensor_of(m, op->in[0]);
    const tp_tensor *tw = tensor_of(m, w);
    const tp_tensor *ty = tensor_of(m, y);
    const tp_attr *a = &op->attr;
    if (tw->rank == 2) {
        const int32_t rows = (int32_t)(tp_tensor_count(tx) / tw->dim[1]);
        return (tp_conv2d){.in_h = rows,
                           .in_w = 1,
                           .in_c = tw->dim[1],
                           .out_h = rows,
                           .out_w = 1,
                           .out_c = tw->dim[0],
                           .k_h = 1,
                           .k_w = 1,
                           .stride_h = 1,
                           .stride_w = 1,
                           .dil_h = 1,
                           .dil_w = 1};
    }
    return (tp_conv2d){.in_h = tx->dim[1],
                       .in_w = tx->dim[2],
                       .in_c = tx->dim[3],
                       .out_h = ty->dim[1],
                       .out_w = ty->dim[2],
                       .out_c = ty->dim[3],
                       .k_h = tw->dim[1],
                       .k_w = tw->dim[2],
                       .stride_h = a->stride_h,
                       .stride_w = a->stride_w,
                       .dil_h = a->dilation_h,
                       .dil_w = a->dilation_w,
                       .pad_t = a->pad_t,
                       .pad_l = a->pad_l};
}

/* y = W x + b */
static void convolve(fm *m, const tp_op *op, double *y) {
    const bool depthwise = op->kind == TP_OP_DEPTHWISE_CONV_2D;
    const tp_conv2d d = geometry(m, op, op->in[1], op->out);
    const double s_x = scale_of(m, op->in[0], 0);
    const double *b = m->value[op->in[2]];
    assert_int_equal(op->attr.value, 0); /* 1: the bias is folded */
    tp_check_real_conv(&d, depthwise, m->value[op->in[0]], m->value[op->in[1]],
                       y);
    for (int32_t i = 0; i < d.out_h * d.out_w * d.out_c; i++) {
        const int32_t oc = i % d.out_c;
        y[i] += b[oc] * s_x * scale_of(m, op->in[1], (int)oc);
    }
}

/* The base's factor of requantisation, 31 bits of it. */
static double requantisation(fm *m, const tp_op *op, int oc) {
    int s = 0;
    const double f =
        frexp(scale_of(m, op->in[0], 0) * scale_of(m, op->in[1], oc) /
                  scale_of(m, op->out, 0),
              &s);
    return ldexp(round(ldexp(f, 31)), s - 31);
}

static double real_factor(const double pair[2]) {
    return ldexp(pair[0], (int)pair[1] - 31);
}

/* Trained factors in the place of the base's. Backward knows the accumulator
 * only as the output tells it, rounded: at the anchor, what a factor multiplies
 * when it moves is that. */
static void rescaled(fm *m, const tp_op *op, double *y) {
    const int factors = tp_op_factors(op);
    const int64_t n = tp_tensor_count(tensor_of(m, op->in[2]));
    if (factors < 0) {
        return;
    }
    for (int64_t i = 0; i < tp_tensor_count(tensor_of(m, op->out)); i++) {
        const double now = real_factor(m->value[factors] + 2 * (i % n));
        const double base = requantisation(m, op, (int)(i % n));
        if (m->base == NULL) {
            y[i] *= now / base;
            continue;
        }
        const double there = real_factor(m->base[factors] + 2 * (i % n));
        y[i] *= there / base;
        y[i] += m->base[op->out][i] * (now / there - 1.0);
    }
}

static void plain_conv(fm *m, const tp_op *op, double *y) {
    convolve(m, op, y);
    rescaled(m, op, y);
}

/* Mantissa and shift of the convolution's factor times 1 + t; the shift stays
 * where the integers have it. */
static void scale(fm *m, const tp_op *op, double *y) {
    const double *t = m->value[op->in[0]];
    for (int i = 0; i < m->graph->first_backward; i++) {
        const tp_op *conv = &m->graph->op[i];
        if (tp_op_factors(conv) != op->out) {
            continue;
        }
        for (int64_t c = 0; c < tp_tensor_count(tensor_of(m, op->in[0])); c++) {
            const double f = requantisation(m, conv, (int)c) * (1.0 + t[c]);
            int shift = 0;
            (void)frexp(f, &shift);
            y[2 * c + 1] =
                m->base != NULL ? m->base[op->out][2 * c + 1] : shift;
            y[2 * c] = ldexp(f, 31 - (int)y[2 * c + 1]);
        }
    }
}

static void lora_a(fm *m, const tp_op *op, double *u) {
    const tp_conv2d d = geometry(m, op, op->in[1], op->out);
    tp_check_real_conv(&d, false, m->value[op->in[0]], m->value[op->in[1]], u);
}

/* y = W x + b + B u */
static void conv_lora(fm *m, const tp_op *op, double *y) {
    const tp_tensor *b = tensor_of(m, op->in[4]);
    const int64_t out_c = b->dim[0], rank = b->dim[1];
    const double *u = m->value[op->in[3]];
    convolve(m, op, y);
    for (int64_t i = 0; i < tp_tensor_count(tensor_of(m, op->out)); i++) {
        const double *row = m->value[op->in[4]] + i % out_c * rank;
        for (int64_t r = 0; r < rank; r++) {
            y[i] += row[r] * u[i / out_c * rank + r];
        }
    }
    rescaled(m, op, y);
}

/* --- weights that are computed ---------------------------------------------
 */

/* One number of the generator, in words of its definition: eight digits of
 * four bits, each 7.5 on average. The integers round to their exponent. */
static void random_weights(fm *m, const tp_op *op, double *y) {
    const tp_tensor *t = tensor_of(m, op->out);
    const int64_t row =
        op->attr.value != 0 ? tp_tensor_count(t) / t->dim[0] : INT64_MAX;
    uint32_t rng = tp_rng_seed((uint32_t)op->attr.seed);
    for (int64_t i = 0, drawn = 0; i < tp_tensor_count(t); drawn++) {
        const uint32_t x = tp_rng_next(&rng);
        int sum = 0;
        if (row != INT64_MAX && (op->attr.value >> (drawn / row) & 1) == 0) {
            continue;
        }
        for (int digit = 0; digit < 8; digit++) {
            sum += (int)(x >> (4 * digit) & 15u);
        }
        y[i++] =
            (sum - 60.0) / sqrt(8.0 * 255.0 / 12.0) * (double)op->attr.alpha;
    }
}

/* E = diag(b) B diag(1 + d) */
static void vera(fm *m, const tp_op *op, double *y) {
    const tp_tensor *w = tensor_of(m, op->in[1]);
    for (int64_t i = 0; i < tp_tensor_count(w); i++) {
        y[i] = m->value[op->in[0]][i / w->dim[1]] * m->value[op->in[1]][i] *
               (1.0 + m->value[op->in[2]][i % w->dim[1]]);
    }
}

/* Sums of +-x over signs that are the bits of one number a row. */
static void signed_sums(fm *m, const tp_op *op, double *y) {
    const int64_t n = tp_tensor_count(tensor_of(m, op->in[0]));
    uint32_t rng = tp_rng_seed((uint32_t)op->attr.seed);
    for (int64_t i = 0; i < tp_tensor_count(tensor_of(m, op->out)); i++) {
        const uint32_t signs = tp_rng_next(&rng);
        y[i] = 0.0;
        for (int64_t k = 0; k < n; k++) {
            const double x = m->value[op->in[0]][k];
            y[i] += (signs >> k & 1u) != 0 ? x : -x;
        }
    }
}

/* Through the power of two that is nearest to sqrt(n), then a hard swish. */
static void hyper_hidden(fm *m, const tp_op *op, double *y) {
    const double n = (double)tp_tensor_count(tensor_of(m, op->in[0]));
    signed_sums(m, op, y);
    for (int j = 0; j < TP_HYPER_HIDDEN; j++) {
        const double x = y[j] / exp2(round(log2(n) / 2.0));
        y[j] = x * fmin(fmax(x + 3.0, 0.0), 6.0) / 6.0;
    }
}

static void hyper(fm *m, const tp_op *op, double *y) {
    signed_sums(m, op, y);
    for (int64_t i = 0; i < tp_tensor_count(tensor_of(m, op->out)); i++) {
        y[i] /= 32.0;
    }
}

/* --- biases and heads ------------------------------------------------------
 */

/* b + db in steps of the accumulator of the convolution that reads it. */
static void bias(fm *m, const tp_op *op, double *y) {
    for (int i = 0; i < m->graph->first_backward; i++) {
        const tp_op *conv = &m->graph->op[i];
        if (conv->n_in < 3 || conv->in[2] != op->out) {
            continue;
        }
        const double s_x = scale_of(m, conv->in[0], 0);
        for (int64_t c = 0; c < tp_tensor_count(tensor_of(m, op->out)); c++) {
            y[c] = m->value[op->in[0]][c] +
                   m->value[op->in[1]][c] /
                       (s_x * scale_of(m, conv->in[1], (int)c));
        }
    }
}

static void head(fm *m, const tp_op *op, double *z) {
    const tp_tensor *w = tensor_of(m, op->in[1]);
    const double *x = m->value[op->in[0]];
    for (int32_t c = 0; c < w->dim[0]; c++) {
        z[c] = m->value[op->in[2]][c];
        for (int32_t k = 0; k < w->dim[1]; k++) {
            z[c] += m->value[op->in[1]][c * w->dim[1] + k] * x[k];
        }
    }
}

static void head_add(fm *m, const tp_op *op, double *y) {
    const tp_tensor *w = tensor_of(m, op->in[2]);
    const double *x = m->value[op->in[1]];
    for (int32_t c = 0; c < w->dim[0]; c++) {
        y[c] = m->value[op->in[0]][c];
        for (int32_t k = 0; k < w->dim[1]; k++) {
            y[c] += m->value[op->in[2]][c * w->dim[1] + k] * x[k];
        }
    }
}

/* --- bottlenecks and sparse deltas ------------------------------------------
 */

/* y += B act(A x), place by place. The hidden values are no tensor: at the
 * anchor ReLU's side is that of A x with the integers' x, exact in both. */
static void add_bottleneck(fm *m, const tp_op *op, int a, int b, double *y) {
    const tp_tensor *ta = tensor_of(m, a);
    const tp_tensor *tb = tensor_of(m, b);
    const int64_t rank = ta->dim[0], in_c = ta->dim[1], out_c = tb->dim[0];
    const int64_t places = tp_tensor_count(tensor_of(m, op->in[0])) / in_c;
    const tp_op act = {.kind = (tp_kind)op->attr.of};
    for (int64_t i = 0; i < places * rank; i++) {
        const int64_t p = i / rank, r = i % rank;
        double v = 0.0, side = 0.0;
        for (int64_t k = 0; k < in_c; k++) {
            v += m->value[a][r * in_c + k] * m->value[op->in[0]][p * in_c + k];
            side +=
                sides(m, a)[r * in_c + k] * sides(m, op->in[0])[p * in_c + k];
        }
        for (int64_t oc = 0; oc < out_c; oc++) {
            y[p * out_c + oc] +=
                m->value[b][oc * rank + r] * tp_float_function(&act, v, side);
        }
    }
}

static void conv_bottleneck(fm *m, const tp_op *op, double *y) {
    convolve(m, op, y);
    add_bottleneck(m, op, op->in[3], op->in[4], y);
}

/* y = (W + D) x + b; entry n of D covers width weights. */
static void conv_sparse(fm *m, const tp_op *op, double *y) {
    const tp_tensor *delta = tensor_of(m, op->in[4]);
    const int64_t width = delta->dim[1];
    const int64_t out_c = tensor_of(m, op->in[1])->dim[0];
    const int64_t in_c = tp_tensor_count(tensor_of(m, op->in[1])) / out_c;
    convolve(m, op, y);
    for (int64_t i = 0; i < tp_tensor_count(delta); i++) {
        const int64_t place =
            (int64_t)m->value[op->in[3]][i / width] * width + i % width;
        const int64_t y_count = tp_tensor_count(tensor_of(m, op->out));
        for (int64_t p = 0; p < y_count / out_c; p++) {
            y[p * out_c + place / in_c] +=
                m->value[op->in[4]][i] *
                m->value[op->in[0]][p * in_c + place % in_c];
        }
    }
}

static void bottleneck(fm *m, const tp_op *op, double *y) {
    for (int64_t i = 0; i < tp_tensor_count(tensor_of(m, op->out)); i++) {
        y[i] = m->value[op->in[0]][i];
    }
    add_bottleneck(m, op, op->in[1], op->in[2], y);
}

/* --- the table ------------------------------------------------------------ */

const tp_float_evaluator tp_float_layers[TP_KIND_COUNT] = {
    [TP_OP_CONV_2D] = plain_conv,
    [TP_OP_DEPTHWISE_CONV_2D] = plain_conv,
    [TP_OP_FULLY_CONNECTED] = plain_conv,
    [TP_OP_LORA_A] = lora_a,
    [TP_OP_CONV_LORA] = conv_lora,
    [TP_OP_RANDOM] = random_weights,
    [TP_OP_VERA] = vera,
    [TP_OP_HYPER_HIDDEN] = hyper_hidden,
    [TP_OP_HYPER] = hyper,
    [TP_OP_BIAS] = bias,
    [TP_OP_CONV_SPARSE] = conv_sparse,
    [TP_OP_CONV_BOTTLENECK] = conv_bottleneck,
    [TP_OP_BOTTLENECK] = bottleneck,
    [TP_OP_SCALE] = scale,
    [TP_OP_HEAD] = head,
    [TP_OP_HEAD_ADD] = head_add,
};
