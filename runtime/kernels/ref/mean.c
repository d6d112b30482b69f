/* MEAN over any dimensions: forward and gradient. */
#include "runtime/kernels/ref/grad_out.h"
#include "runtime/kernels/ref/index.h"
#include "runtime/kernels/ref/sum4.h"
#include "tinypeft/kernels.h"

/* A row of means that is one of values too: four of them at once. */
static bool in_rows(const tp_mean *op) {
    return op->out_stride[3] == 1 && op->red_stride[3] != 1;
}

/* The sums of four means whose values begin at x. */
static void sum4(const tp_mean *op, const int8_t *x, tp_sum4 *s) {
    const int32_t dim[4] = {op->red_dim[0], op->red_dim[1], op->red_dim[2], 1};
    int32_t at[4] = {0};
    *s = tp_sum4_begin();
    do {
        tp_sum4_add(s, x + tp_index_offset(op->red_stride, at),
                    op->red_stride[3], op->red_dim[3]);
    } while (tp_index_next(dim, at));
    tp_sum4_end(s, op->count);
}

/* The sum of one. */
static int32_t sum1(const tp_mean *op, const int8_t *x) {
    const int32_t dim[4] = {op->red_dim[0], op->red_dim[1], op->red_dim[2], 1};
    int32_t at[4] = {0};
    int32_t sum = 0;
    do {
        const int8_t *from = x + tp_index_offset(op->red_stride, at);
        for (int32_t n = op->red_dim[3]; n > 0; n--) {
            sum += *from;
            from += op->red_stride[3];
        }
    } while (tp_index_next(dim, at));
    return sum;
}

static int8_t mean(const tp_mean *op, int32_t sum) {
    const int32_t acc = sum - op->x_zp * op->count;
    const int32_t v = tp_mbqm(acc, op->f.m, op->f.s) + op->y_zp;
    return (int8_t)tp_clamp32(v, -128, 127);
}

/* n means whose values begin at x, x + stride, ... */
static void mean_row(const tp_mean *op, const int8_t *x, int32_t n, int8_t *y) {
    if (in_rows(op)) {
        for (; n >= 4; n -= 4, x += 4) {
            tp_sum4 s;
            sum4(op, x, &s);
            for (int32_t i = 0; i < 4; i++) {
                *y++ = mean(op, s.acc[i]);
            }
        }
    }
    for (; n > 0; n--, x += op->out_stride[3]) {
        *y++ = mean(op, sum1(op, x));
    }
}

/* Mean: the bytes of TensorFlow Lite Micro's reference kernels.
 *   op  for each index over out_dim the mean over red_dim, of count values;
 *       f = s_x / (s_y * count), where m may be below 2^30: it is the quotient
 *       of two integers, truncated
 *   x   [in]  int8  zero point op->x_zp
 *   y   [out] int8  [out_dim], zero point op->y_zp
 *       y = clamp(mbqm(sum x - x_zp * count, f) + y_zp)
 * y may start at x or before it: a mean is written where its own first value
 * or an earlier one lay, once all of its values are read, and so are four
 * neighbours.
 * Bound, kept by the compiler: 255 * count * 2^max(f.s, 0) < 2^30.
 * Cannot fail. Source: TensorFlow Lite 8-bit quantization specification. */
void tp_mean_s8_fwd_ref(const tp_mean *op, const int8_t *x, int8_t *y) {
    const int32_t dim[4] = {op->out_dim[0], op->out_dim[1], op->out_dim[2], 1};
    int32_t at[4] = {0};
    do {
        mean_row(op, x + tp_index_offset(op->out_stride, at), op->out_dim[3],
                 y);
        y += op->out_dim[3];
    } while (tp_index_next(dim, at));
}

/* Gradient of a mean: each of the count values gets dy / count.
 *   op  dimensions as in the forward kernel; f, x_zp, y_zp are not used
 *   dy  [in]  q8 [out_dim]
 *   dx  [out] q8, x's shape, exponent g->e
 *   g   [in/out] delayed scale of dx
 * No overlap. 1 / count is round(2^30 / count): count <= 2^15, kept by the
 * compiler, leaves it 15 bits. Bound: |dy| * 2^30 <= 2^37.
 * Cannot fail. Source: chain rule. */
void tp_mean_q8_bwd_x_ref(const tp_mean *op, const tp_q8 *dy, tp_q8 *dx,
                          tp_gscale *g) {
    const int64_t share = (((int32_t)1 << 30) + op->count / 2) / op->count;
    const int shift = g->e - (dy->e - 30);
    const int8_t *in = dy->v;
    int32_t out[4] = {0};
    do {
        const int8_t value = tp_grad_out(g, *in++ * share, shift);
        int8_t *to = dx->v + tp_index_offset(op->out_stride, out);
        int32_t red[4] = {0};
        do {
            to[tp_index_offset(op->red_stride, red)] = value;
        } while (tp_index_next(op->red_dim, red));
    } while (tp_index_next(op->out_dim, out));
    dx->e = g->e;
}
