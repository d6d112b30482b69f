/* MEAN over any dimensions: forward and gradient. */
#include "runtime/kernels/ref/grad_out.h"
#include "runtime/kernels/ref/index.h"
#include "tinypeft/kernels.h"

/* Mean: the bytes of TensorFlow Lite Micro's reference kernels.
 *   op  for each index over out_dim the mean over red_dim, of count values;
 *       f = s_x / (s_y * count), where m may be below 2^30: it is the quotient
 *       of two integers, truncated
 *   x   [in]  int8  zero point op->x_zp
 *   y   [out] int8  [out_dim], zero point op->y_zp
 *       y = clamp(mbqm(sum x - x_zp * count, f) + y_zp)
 * y may start at x or before it: a mean is written where its own first value
 * or an earlier one lay, once all of its values are read.
 * Bound, kept by the compiler: 255 * count * 2^max(f.s, 0) < 2^30.
 * Cannot fail. Source: TensorFlow Lite 8-bit quantization specification. */
void tp_mean_s8_fwd_ref(const tp_mean *op, const int8_t *x, int8_t *y) {
    int32_t out[4] = {0};
    do {
        const int8_t *from = x + tp_index_offset(op->out_stride, out);
        int32_t red[4] = {0};
        int32_t sum = -op->x_zp * op->count;
        do {
            sum += from[tp_index_offset(op->red_stride, red)];
        } while (tp_index_next(op->red_dim, red));
        const int32_t v = tp_mbqm(sum, op->f.m, op->f.s) + op->y_zp;
        *y++ = (int8_t)tp_min32(tp_max32(v, -128), 127);
    } while (tp_index_next(op->out_dim, out));
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
        const int64_t acc = *in++ * share;
        int8_t *to = dx->v + tp_index_offset(op->out_stride, out);
        int32_t red[4] = {0};
        do {
            to[tp_index_offset(op->red_stride, red)] =
                tp_grad_out(g, acc, shift);
        } while (tp_index_next(op->red_dim, red));
    } while (tp_index_next(op->out_dim, out));
    dx->e = g->e;
}
