/* DEPTHWISE_CONV_2D: forward and gradient to the input. Weights are
 * [k_h][k_w][out_c]; input channel ic feeds the outputs ic * mult + k,
 * k < mult.
 *
 * Both run over a tile of input channels at once, one k at a time: bytes of x
 * and of w that follow each other (mult is nearly always 1), and sums that
 * stay on the stack. */
#include "runtime/kernels/ref/conv.h"
#include "tinypeft/kernels.h"

#define TILE 16

/* Up to four products of rows that wait to be added to a tile: element i of a
 * row is a[i * a_step], b[i * b_step]. Four at once share one load and store
 * of each sum. */
typedef struct taps {
    const int8_t *a[4];
    const int8_t *b[4];
    int32_t n;
    int32_t a_step, b_step;
    int32_t a_zp;
} taps;

/* acc[i] += (a - a_zp) * b for the tap j alone. */
static void add_one(const taps *t, int32_t j, int32_t *restrict acc,
                    int32_t n) {
    const int8_t *a = t->a[j];
    const int8_t *b = t->b[j];
    for (int32_t i = 0; i < n; i++) {
        acc[i] += (a[i * t->a_step] - t->a_zp) * b[i * t->b_step];
    }
}

/* The same for four taps; both steps are 1. */
static void add_four(const taps *t, int32_t *restrict acc, int32_t n) {
    const int16_t zp = (int16_t)t->a_zp;
    const int8_t *a0 = t->a[0];
    const int8_t *a1 = t->a[1];
    const int8_t *a2 = t->a[2];
    const int8_t *a3 = t->a[3];
    const int8_t *b0 = t->b[0];
    const int8_t *b1 = t->b[1];
    const int8_t *b2 = t->b[2];
    const int8_t *b3 = t->b[3];
    for (int32_t i = 0; i < n; i++) {
        acc[i] += (int16_t)(a0[i] - zp) * (int16_t)b0[i] +
                  (int16_t)(a1[i] - zp) * (int16_t)b1[i] +
                  (int16_t)(a2[i] - zp) * (int16_t)b2[i] +
                  (int16_t)(a3[i] - zp) * (int16_t)b3[i];
    }
}

static void taps_end(taps *t, int32_t *acc, int32_t n) {
    if (t->n == 4 && t->a_step == 1 && t->b_step == 1) {
        add_four(t, acc, n);
    } else {
        for (int32_t j = 0; j < t->n; j++) {
            add_one(t, j, acc, n);
        }
    }
    t->n = 0;
}

static void taps_put(taps *t, const int8_t *a, const int8_t *b, int32_t *acc,
                     int32_t n) {
    t->a[t->n] = a;
    t->b[t->n] = b;
    t->n++;
    if (t->n == 4) {
        taps_end(t, acc, n);
    }
}

/* Where a window lies and which of its taps are on the map. */
typedef struct box {
    int32_t iy, ix, ky0, ky1, kx0, kx1;
} box;

static box box_at(const tp_conv2d *op, int32_t oy, int32_t ox) {
    const int32_t iy = oy * op->stride_h - op->pad_t;
    const int32_t ix = ox * op->stride_w - op->pad_l;
    return (box){.iy = iy,
                 .ix = ix,
                 .ky0 = tp_tap_first(iy, op->dil_h),
                 .ky1 = tp_tap_end(iy, op->dil_h, op->k_h, op->in_h),
                 .kx0 = tp_tap_first(ix, op->dil_w),
                 .kx1 = tp_tap_end(ix, op->dil_w, op->k_w, op->in_w)};
}

/* acc[i] = sum over the window of (x - x_zp) * w; x and w start at the first
 * channel of the tile. */
static void forward_tile(const tp_conv2d *op, const box *v, const int8_t *x,
                         const int8_t *w, int32_t *acc, int32_t n) {
    taps t = {.a_step = 1, .b_step = op->out_c / op->in_c, .a_zp = op->x_zp};
    for (int32_t i = 0; i < n; i++) {
        acc[i] = 0;
    }
    for (int32_t ky = v->ky0; ky < v->ky1; ky++) {
        const int32_t iy = v->iy + ky * op->dil_h;
        for (int32_t kx = v->kx0; kx < v->kx1; kx++) {
            const int32_t ix = v->ix + kx * op->dil_w;
            taps_put(&t, x + (iy * op->in_w + ix) * op->in_c,
                     w + (ky * op->k_w + kx) * op->out_c, acc, n);
        }
    }
    taps_end(&t, acc, n);
}

/* Both forward kernels; f as in tp_requantise(). */
static inline void forward(const tp_conv2d *op, const int8_t *x,
                           const int32_t *b, const tp_factor *f, int8_t *y) {
    const int32_t mult = op->out_c / op->in_c;
    const int32_t pixels = op->out_h * op->out_w;
    for (int32_t i = 0; i < pixels; i++) {
        const int32_t p = tp_walk(op->reverse, i, pixels);
        const box v = box_at(op, p / op->out_w, p % op->out_w);
        int8_t *out = y + p * op->out_c;
        for (int32_t ic = 0; ic < op->in_c; ic += TILE) {
            const int32_t n = tp_min32(op->in_c - ic, TILE);
            for (int32_t k = 0; k < mult; k++) {
                const int32_t first = ic * mult + k;
                int32_t acc[TILE];
                forward_tile(op, &v, x + ic, op->w + first, acc, n);
                for (int32_t j = 0; j < n; j++) {
                    const int32_t oc = first + j * mult;
                    out[oc] =
                        tp_requantise(op, f, oc, tp_add_wrap(acc[j], b[oc]));
                }
            }
        }
    }
}

/* Depthwise convolution: the bytes of TensorFlow Lite Micro's reference.
 *   op  x [in_h][in_w][in_c], y [out_h][out_w][out_c], out_c = in_c * mult
 *   x   [in]  int8   zero point op->x_zp; padded places count as x_zp
 *   b   [in]  int32  [out_c], scale s_x * s_w[oc]
 *   y   [out] int8   zero point op->y_zp, in [y_min, y_max]
 *       acc = b[oc] + sum (x[ic] - x_zp) * w[ky][kx][oc], ic = oc / mult
 *       y = clamp(mbqm(acc, m[oc], s[oc]) + y_zp)
 * y may lie over x where no pixel of y, in the order of op->reverse, lands on
 * a pixel of x that its own window or a later one reads: a window is read for
 * every TILE channels. No overlap else. Bound: k_h * k_w * 255 * 127 < 2^31.
 * Cannot fail. Source: TensorFlow Lite 8-bit quantization specification. */
void tp_dwconv2d_s8_fwd_ref(const tp_conv2d *op, const int8_t *x,
                            const int32_t *b, int8_t *y) {
    forward(op, x, b, NULL, y);
}

/* Depthwise convolution with trained scales of its channels (IA3).
 *   op, x, b, y  as for dwconv2d_s8_fwd; m and s are not used
 *   f  [in] tp_factor [out_c], from rescale_s16_fwd
 *       y = clamp(mbqm(acc, f[oc].m, f[oc].s) + y_zp)
 * y may lie over x as there; f lies apart. Bound: as there.
 * Cannot fail. Source: Liu et al. 2022, arXiv:2205.05638. */
void tp_dwconv2d_scaled_s8_fwd_ref(const tp_conv2d *op, const int8_t *x,
                                   const int32_t *b, const tp_factor *f,
                                   int8_t *y) {
    forward(op, x, b, f, y);
}

/* acc[i] = sum over taps of dy * w, for one input pixel; dy and w start at the
 * first channel of the tile. */
static void backward_tile(const tp_conv2d *op, const int32_t at[2],
                          const int8_t *dy, const int8_t *w, int32_t *acc,
                          int32_t n) {
    const int32_t mult = op->out_c / op->in_c;
    taps t = {.a_step = mult, .b_step = mult, .a_zp = 0};
    for (int32_t i = 0; i < n; i++) {
        acc[i] = 0;
    }
    for (int32_t ky = 0; ky < op->k_h; ky++) {
        const int32_t oy = tp_out_index(at[0] + op->pad_t - ky * op->dil_h,
                                        op->stride_h, op->out_h);
        for (int32_t kx = 0; oy >= 0 && kx < op->k_w; kx++) {
            const int32_t ox = tp_out_index(at[1] + op->pad_l - kx * op->dil_w,
                                            op->stride_w, op->out_w);
            if (ox >= 0) {
                taps_put(&t, dy + (oy * op->out_w + ox) * op->out_c,
                         w + (ky * op->k_w + kx) * op->out_c, acc, n);
            }
        }
    }
    taps_end(&t, acc, n);
}

/* Gradient to the input of a depthwise convolution.
 *   op  w, bwd_q, bwd_e are used: real w = w * bwd_q[oc] * 2^(bwd_e - 15)
 *   dy  [in]  q8 [out_h][out_w][out_c]
 *   dx  [out] q8 [in_h][in_w][in_c], exponent g->e
 *   g   [in/out] delayed scale of dx
 *       dx[ic] = sum over k of bwd_q[oc] * (sum over taps of dy[oc] * w[oc]),
 *       oc = ic * mult + k, exact, in the unit 2^(dy.e + bwd_e - 15)
 * The scale stands outside the sum over the taps: one product for each channel,
 * and no rounding before the last.
 * dx may lie over dy where no pixel of dx, in the order of op->reverse, lands
 * on a pixel of dy that itself or a later one is made of: dy is read for every
 * TILE channels. Exponents are read first and written last. No overlap else.
 * Bounds: k_h * k_w * 127 * 128 < 2^31; times 2^15 and the sum over mult in
 * int64.
 * Cannot fail. Source: chain rule. */
void tp_dwconv2d_s8_bwd_x_ref(const tp_conv2d *op, const tp_q8 *dy, tp_q8 *dx,
                              tp_gscale *g) {
    const int32_t mult = op->out_c / op->in_c;
    const int shift = g->e - (dy->e + (int)op->bwd_e - 15);
    const int32_t pixels = op->in_h * op->in_w;
    for (int32_t i = 0; i < pixels; i++) {
        const int32_t p = tp_walk(op->reverse, i, pixels);
        int8_t *out = dx->v + p * op->in_c;
        const int32_t at[2] = {p / op->in_w, p % op->in_w};
        for (int32_t ic = 0; ic < op->in_c; ic += TILE) {
            const int32_t n = tp_min32(op->in_c - ic, TILE);
            int64_t sum[TILE] = {0};
            for (int32_t k = 0; k < mult; k++) {
                const int32_t first = ic * mult + k;
                int32_t acc[TILE];
                backward_tile(op, at, dy->v + first, op->w + first, acc, n);
                for (int32_t j = 0; j < n; j++) {
                    sum[j] += (int64_t)acc[j] * op->bwd_q[first + j * mult];
                }
            }
            for (int32_t j = 0; j < n; j++) {
                *out++ = tp_grad_out(g, sum[j], shift);
            }
        }
    }
    dx->e = g->e;
}
