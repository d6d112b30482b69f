/* CONV_2D, and FULLY_CONNECTED as a 1x1 convolution: forward, gradient to the
 * input, gradient to the weights. */
#include "runtime/kernels/ref/conv.h"
#include "tinypeft/kernels.h"

/* Both forward kernels; f as in tp_requantise(). */
static inline void forward(const tp_conv2d *op, const int8_t *x,
                           const int32_t *b, const tp_factor *f, int8_t *y) {
    for (int32_t row = 0; row < op->out_h; row++) {
        const int32_t oy = tp_walk(op->reverse, row, op->out_h);
        for (int32_t col = 0; col < op->out_w; col++) {
            const int32_t ox = tp_walk(op->reverse, col, op->out_w);
            const tp_window v = tp_window_at(op, oy, ox);
            int8_t *out = y + (oy * op->out_w + ox) * op->out_c;
            int32_t count = 0;
            for (int32_t oc = 0; oc < op->out_c; oc += count) {
                int32_t acc[4];
                count = tp_window_dot(op, &v, x, op->w, oc, acc);
                for (int32_t j = 0; j < count; j++) {
                    out[oc + j] = tp_requantise(op, f, oc + j,
                                                tp_add_wrap(acc[j], b[oc + j]));
                }
            }
        }
    }
}

/* Convolution: the bytes of TensorFlow Lite Micro's reference kernels.
 *   op  x [in_h][in_w][in_c], y [out_h][out_w][out_c]; w, m, s are used
 *   x   [in]  int8   zero point op->x_zp; padded places count as x_zp
 *   b   [in]  int32  [out_c], scale s_x * s_w[oc]
 *   y   [out] int8   zero point op->y_zp, in [y_min, y_max]
 *       acc = b[oc] + sum (x - x_zp) * w[oc]
 *       y = clamp(mbqm(acc, m[oc], s[oc]) + y_zp)
 * y may lie over x where no pixel of y, in the order of op->reverse, lands on
 * a pixel of x that its own window or a later one reads: a window is read for
 * every four channels. No overlap else.
 * Bound: |sum| <= k_h * k_w * in_c * 255 * 127 < 2^31; the bias is added with
 * wrap-around, as there.
 * Cannot fail. Source: TensorFlow Lite 8-bit quantization specification;
 * Jacob et al. 2018, arXiv:1712.05877, section 2. */
void tp_conv2d_s8_fwd_ref(const tp_conv2d *op, const int8_t *x,
                          const int32_t *b, int8_t *y) {
    forward(op, x, b, NULL, y);
}

/* Convolution with trained scales of its channels (IA3).
 *   op, x, b, y  as for conv2d_s8_fwd; m and s are not used
 *   f  [in] tp_factor [out_c], from rescale_s16_fwd
 *       y = clamp(mbqm(acc, f[oc].m, f[oc].s) + y_zp)
 * y may lie over x as there; f lies apart. Bound: as there.
 * Cannot fail. Source: Liu et al. 2022, arXiv:2205.05638. */
void tp_conv2d_scaled_s8_fwd_ref(const tp_conv2d *op, const int8_t *x,
                                 const int32_t *b, const tp_factor *f,
                                 int8_t *y) {
    forward(op, x, b, f, y);
}

/* Gradient to the input of a convolution.
 *   op  w, bwd_q, bwd_e are used: real w = w * bwd_q[oc] * 2^(bwd_e - 15)
 *   dy  [in]  q8 [out_h][out_w][out_c]
 *   dx  [out] q8 [in_h][in_w][in_c], exponent g->e
 *   g   [in/out] delayed scale of dx; its exponent is at least that of d w + 2
 *       d = round(dy * bwd_q[oc] / 2^12), real unit 2^(dy.e + bwd_e - 3)
 *       dx[iy][ix][ic] = sum over taps and oc of d * w[oc][ky][kx][ic]
 * dx may lie over dy where no pixel of dx, in the order of op->reverse, lands
 * on a pixel of dy that itself or a later one is made of: dy is read for every
 * TP_CONV_TILE channels. Exponents are read first and written last. No overlap
 * else. Bound, kept by the planner: |d| <= 1024, so
 * k_h * k_w * out_c * 1024 * 128 < 2^31.
 * Cannot fail. Source: chain rule; the scale per channel is that of
 * Lin et al. 2022, arXiv:2206.15472, folded into dy. */
void tp_conv2d_s8_bwd_x_ref(const tp_conv2d *op, const tp_q8 *dy, tp_q8 *dx,
                            tp_gscale *g) {
    const tp_gather s = {
        .op = op, .w = op->w, .dy = dy->v, .q = op->bwd_q, .out_c = op->out_c};
    const int shift = tp_grad_shift(g, dy->e + (int)op->bwd_e - 3);
    for (int32_t row = 0; row < op->in_h; row++) {
        const int32_t iy = tp_walk(op->reverse, row, op->in_h);
        for (int32_t col = 0; col < op->in_w; col++) {
            const int32_t ix = tp_walk(op->reverse, col, op->in_w);
            int8_t *out = dx->v + (iy * op->in_w + ix) * op->in_c;
            for (int32_t ic = 0; ic < op->in_c; ic += TP_CONV_TILE) {
                const int32_t n = tp_min32(op->in_c - ic, TP_CONV_TILE);
                int32_t acc[TP_CONV_TILE];
                tp_gather_tile(&s, iy, ix, ic, acc, n);
                for (int32_t i = 0; i < n; i++) {
                    *out++ = tp_grad_out(g, acc[i], shift);
                }
            }
        }
    }
    dx->e = g->e;
}

/* The outputs [first, end) of one axis whose window puts tap k on the map. */
typedef struct span {
    int32_t first, end;
} span;

/* shift: position of the tap for output 0; n: length of the map. */
static span outputs(int32_t shift, int32_t stride, int32_t n, int32_t out) {
    const int32_t first = shift < 0 ? (stride - 1 - shift) / stride : 0;
    const int32_t end = shift < n ? (n - 1 - shift) / stride + 1 : 0;
    return (span){first, tp_min32(end, out)};
}

/* acc[i] = sum over pixels of (x - x_zp) * dy, for one oc (dy starts there) and
 * one tap (x starts at its channel). */
static void correlate(const tp_conv2d *op, const int8_t *x, const int8_t *dy,
                      const int32_t tap[2], int32_t *acc, int32_t n) {
    const int32_t y0 = tap[0] * op->dil_h - op->pad_t;
    const int32_t x0 = tap[1] * op->dil_w - op->pad_l;
    const span rows = outputs(y0, op->stride_h, op->in_h, op->out_h);
    const span cols = outputs(x0, op->stride_w, op->in_w, op->out_w);
    tp_terms t = tp_terms_begin(x);
    int32_t sum = 0; /* of dy: x_zp * sum leaves the inner loop */
    for (int32_t i = 0; i < n; i++) {
        acc[i] = 0;
    }
    for (int32_t oy = rows.first; oy < rows.end; oy++) {
        const int32_t iy = oy * op->stride_h + y0;
        for (int32_t ox = cols.first; ox < cols.end; ox++) {
            const int32_t ix = ox * op->stride_w + x0;
            const int32_t d = dy[(oy * op->out_w + ox) * op->out_c];
            tp_terms_put(&t, d, x + (iy * op->in_w + ix) * op->in_c, acc, n);
            sum += d;
        }
    }
    tp_terms_end(&t, acc, n);
    for (int32_t i = 0; i < n; i++) {
        acc[i] -= op->x_zp * sum;
    }
}

/* Gradient to the weights of a convolution (a LoRA A, a trained layer), summed
 * over the pixels of one sample and added to the batch's.
 *   op  out_c is that of dy; x_zp, acc_shift are used
 *   x   [in]     int8 [in_h][in_w][in_c], zero point x_zp
 *   dy  [in]     q8 [out_h][out_w][out_c]
 *   dw  [in/out] q32 [out_c][k_h][k_w][in_c], exponent dy.e + acc_shift
 *       dw += round(sum over pixels (x - x_zp) * dy * 2^-acc_shift)
 * No overlap. Bound, kept by the planner: pixels * 255 * 127 < 2^31 for the
 * sum of one sample (its two parts, x * dy and x_zp * dy, are below that too),
 * and acc_shift such that 256 samples fit int32.
 * Cannot fail. Source: chain rule. */
void tp_conv2d_s8_bwd_w_ref(const tp_conv2d *op, const int8_t *x,
                            const tp_q8 *dy, tp_q32 *dw) {
    const int32_t taps = op->k_h * op->k_w;
    int32_t *out = dw->v;
    for (int32_t oc = 0; oc < op->out_c; oc++) {
        for (int32_t k = 0; k < taps; k++) {
            const int32_t tap[2] = {k / op->k_w, k % op->k_w};
            for (int32_t ic = 0; ic < op->in_c; ic += TP_CONV_TILE) {
                const int32_t n = tp_min32(op->in_c - ic, TP_CONV_TILE);
                int32_t acc[TP_CONV_TILE];
                correlate(op, x + ic, dy->v + oc, tap, acc, n);
                for (int32_t i = 0; i < n; i++) {
                    *out++ += tp_shift_round(acc[i], op->acc_shift);
                }
            }
        }
    }
    dw->e = dy->e + op->acc_shift;
}
