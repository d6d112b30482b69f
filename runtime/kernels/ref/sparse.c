/* A sparse trained delta on the weights of a 1x1 convolution or a fully
 * connected layer: a list of places in the weights, rising, and an int8 value
 * for each, in real units; or whole rows of them. Which places to take: Sung et
 * al. 2021 (FISH mask), arXiv:2111.09839. */
#include "runtime/kernels/ref/conv.h"
#include "tinypeft/kernels.h"

/* Entry n covers the weights [index[n] * width, + width) of the flat
 * [out_c][in_c]; width is 1 or in_c, so it lies in one row. */
static int32_t place_of(const tp_sparse *op, const uint16_t *index, int32_t n) {
    return index[n] * op->width;
}

/* A layer with a sparse delta.
 *   op     conv: as for conv2d_s8_fwd, 1x1; lora_m, lora_s: 1 / s_w; x_zp,
 *          count, width
 *   x      [in]  int8   [pixels][in_c], zero point op->x_zp
 *   bias   [in]  int32  [out_c], scale s_x * s_w[oc]
 *   index  [in]  uint16 [count], rising, each below out_c * in_c / width
 *   delta  [in]  q8     [count][width], real
 *   y      [out] int8   [pixels][out_c]; the base's bytes where delta is 0
 *       acc = bias[oc] + sum (x - conv.x_zp) * w[oc]
 *       acc += round((sum over the row's entries delta * (x - x_zp)) /
 * s_w[oc]), saturated to int32; y = clamp(mbqm(acc, m[oc], s[oc]) + y_zp) No
 * overlap of x and y. Bound: both sums at most in_c * 255 * 127 < 2^31, for no
 * weight is listed twice. Cannot fail. Source: y = (W + D) x + b. */
void tp_conv2d_sparse_s8_fwd_ref(const tp_sparse *op, const int8_t *x,
                                 const int32_t *bias, const uint16_t *index,
                                 const tp_q8 *delta, int8_t *y) {
    const tp_conv2d *conv = &op->conv;
    const tp_window v = {.rows = 1, .runs = 1, .run = conv->in_c};
    for (int32_t p = 0; p < conv->out_h * conv->out_w; p++, x += conv->in_c) {
        int32_t count = 0;
        int32_t n = 0;
        for (int32_t oc = 0; oc < conv->out_c; oc += count) {
            int32_t acc[4];
            count = tp_window_dot(conv, &v, x, conv->w, oc, acc);
            for (int32_t j = 0; j < count; j++) {
                const int32_t c = oc + j;
                const int32_t row = c * conv->in_c;
                int32_t sum = 0;
                for (;
                     n < op->count && place_of(op, index, n) < row + conv->in_c;
                     n++) {
                    sum +=
                        tp_dot(x + place_of(op, index, n) - row,
                               delta->v + n * op->width, op->width, op->x_zp);
                }
                const int32_t add =
                    tp_scale(sum, conv->lora_m[c], conv->lora_s[c] + delta->e);
                const int32_t base = tp_add_wrap(acc[j], bias[c]);
                *y++ =
                    tp_requantise(conv, NULL, c, tp_sat32((int64_t)base + add));
            }
        }
    }
}

/* acc[i] = (D^T dy)[ic + i] at one place, i < n: at most out_c * 127 * 128. */
static void spread(const tp_sparse *op, const int8_t *dy, const uint16_t *index,
                   const int8_t *delta, int32_t ic, int32_t *acc, int32_t n) {
    const int32_t in_c = op->conv.in_c;
    int32_t oc = 0;
    int32_t row = 0;
    for (int32_t i = 0; i < n; i++) {
        acc[i] = 0;
    }
    for (int32_t e = 0; e < op->count; e++) {
        const int32_t place = place_of(op, index, e);
        while (place >= row + in_c) {
            oc++;
            row += in_c;
        }
        const int32_t d = dy[oc];
        const int32_t k = place - row - ic;
        if (op->width > 1) {
            const int8_t *v = delta + e * op->width + ic;
            for (int32_t i = 0; d != 0 && i < n; i++) {
                acc[i] += d * v[i];
            }
        } else if (k >= 0 && k < n) {
            acc[k] += d * delta[e];
        }
    }
}

/* Gradient to the input of a layer with a sparse delta.
 *   op     conv: w, bwd_q, bwd_e as for conv2d_s8_bwd_x; count, width
 *   dy     [in]  q8     [pixels][out_c]
 *   index  [in]  uint16 [count], as for conv2d_sparse_s8_fwd
 *   delta  [in]  q8     [count][width]
 *   dx     [out] q8     [pixels][in_c], exponent g->e
 *   g      [in/out] delayed scale of dx
 *       dx = W^T dy + D^T dy, each exact in its unit, added in int64 at the
 *       smaller exponent (at most 24 below the larger; the rest rounds away)
 * No overlap. Bound, kept by the planner: out_c * 1024 * 128 < 2^31.
 * Cannot fail. Source: chain rule. */
void tp_conv2d_sparse_s8_bwd_x_ref(const tp_sparse *op, const tp_q8 *dy,
                                   const uint16_t *index, const tp_q8 *delta,
                                   tp_q8 *dx, tp_gscale *g) {
    const tp_conv2d *conv = &op->conv;
    const tp_gather base = {conv, conv->w, dy->v, conv->bwd_q, conv->out_c};
    const int e_base = dy->e + (int)conv->bwd_e - 3;
    const int e_delta = dy->e + delta->e;
    const int e = tp_common_exp(e_base, e_delta);
    int8_t *out = dx->v;
    for (int32_t p = 0; p < conv->out_h * conv->out_w; p++) {
        const int8_t *d = dy->v + p * conv->out_c;
        for (int32_t ic = 0; ic < conv->in_c; ic += TP_CONV_TILE) {
            const int32_t n = tp_min32(conv->in_c - ic, TP_CONV_TILE);
            int32_t acc[TP_CONV_TILE] = {0};
            int32_t add[TP_CONV_TILE];
            tp_gather_tap(&base, d, conv->w + ic, acc, n);
            spread(op, d, index, delta->v, ic, add, n);
            for (int32_t i = 0; i < n; i++) {
                const int64_t sum = tp_to_exp(acc[i], e_base - e) +
                                    tp_to_exp(add[i], e_delta - e);
                *out++ = tp_grad_out(g, sum, g->e - e);
            }
        }
    }
    dx->e = g->e;
}

/* Gradient to a sparse delta: of the listed weights alone, summed over the
 * pixels of one sample and added to the batch's.
 *   op     conv: in_c, out_c, acc_shift; x_zp, count, width
 *   x      [in]     int8   [pixels][in_c], zero point op->x_zp
 *   dy     [in]     q8     [pixels][out_c]
 *   index  [in]     uint16 [count]
 *   dd     [in/out] q32    [count][width], exponent dy.e + acc_shift, real over
 *                   s_x
 *       dd += round(sum over pixels (x - x_zp) * dy * 2^-acc_shift)
 * No overlap. Bound, kept by the planner: pixels * 255 * 127 < 2^31, and
 * acc_shift such that 256 samples fit int32.
 * Cannot fail. Source: chain rule. */
void tp_sparse_s8_bwd_w_ref(const tp_sparse *op, const int8_t *x,
                            const tp_q8 *dy, const uint16_t *index,
                            tp_q32 *dd) {
    const tp_conv2d *conv = &op->conv;
    const int32_t pixels = conv->out_h * conv->out_w;
    for (int32_t i = 0; i < op->count * op->width; i++) {
        const int32_t place =
            place_of(op, index, i / op->width) + i % op->width;
        const int8_t *d = dy->v + place / conv->in_c;
        const int8_t *v = x + place % conv->in_c;
        int32_t acc = 0;
        for (int32_t p = 0; p < pixels; p++) {
            acc += (v[p * conv->in_c] - op->x_zp) * d[p * conv->out_c];
        }
        dd->v[i] += tp_shift_round(acc, conv->acc_shift);
    }
    dd->e = dy->e + conv->acc_shift;
}
