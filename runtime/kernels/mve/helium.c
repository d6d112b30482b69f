/* mve.h in Helium. Products are added across a vector into a register (dense)
 * or in its lanes (depthwise); VQRDMULH and VRSHL are TensorFlow Lite's two
 * roundings, but that VRSHL rounds halves of negative numbers up: they are
 * made one less before. Where clamping hides negative numbers, that is left
 * out. */
#include "runtime/kernels/mve/mve.h"

#include <arm_mve.h>
#include <stdbool.h>

void tp_mve_copy(const int8_t *from, int32_t n, int8_t *to) {
    for (; n >= 16; n -= 16, from += 16, to += 16) {
        vstrbq_s8(to, vldrbq_s8(from));
    }
    if (n > 0) {
        const mve_pred16_t p = vctp8q((uint32_t)n);
        vstrbq_p_s8(to, vldrbq_z_s8(from, p), p);
    }
}

void tp_mve_fill(int8_t v, int32_t n, int8_t *to) {
    for (; n > 0; n -= 16, to += 16) {
        vstrbq_p_s8(to, vdupq_n_s8(v), vctp8q((uint32_t)n));
    }
}

void tp_mve_columns(const int8_t *from, int32_t n, int32_t step,
                    int32_t channels, int8_t *to) {
    const mve_pred16_t p = vctp16q((uint32_t)channels);
    for (; n > 0; n--, from += step, to += TP_MVE_DEPTHWISE) {
        vstrbq_s16(to, vldrbq_z_s16(from, p));
    }
}

/* Four sums to four outputs. */
static inline int32x4_t outputs(const tp_mve_layer *l, int32x4_t a, int32x4_t m,
                                int32x4_t shift, bool sign) {
    a = vqrdmulhq_s32(a, m);
    if (sign) {
        a = vqaddq_s32(a, vshrq_n_s32(vandq_s32(a, shift), 31));
    }
    a = vaddq_n_s32(vrshlq_s32(a, shift), l->zp);
    a = vmaxq_s32(a, vdupq_n_s32(l->min));
    return vminq_s32(a, vdupq_n_s32(l->max));
}

/* Four channels; returns where the weights of the next begin. */
static inline const int8_t *group(const tp_mve_layer *l, const int8_t *x,
                                  int32_t k, const int8_t *w, const int32_t *c,
                                  int8_t *y, bool sign) {
    const int8_t *w1 = w + k;
    const int8_t *w2 = w1 + k;
    const int8_t *w3 = w2 + k;
    int32_t a0 = c[0];
    int32_t a1 = c[1];
    int32_t a2 = c[2];
    int32_t a3 = c[3];
    for (int32_t i = k / 16; i > 0; i--) {
        const int8x16_t v = vldrbq_s8(x);
        a0 = vmladavaq_s8(a0, v, vldrbq_s8(w));
        a1 = vmladavaq_s8(a1, v, vldrbq_s8(w1));
        a2 = vmladavaq_s8(a2, v, vldrbq_s8(w2));
        a3 = vmladavaq_s8(a3, v, vldrbq_s8(w3));
        x += 16;
        w += 16;
        w1 += 16;
        w2 += 16;
        w3 += 16;
    }
    if (k % 16 != 0) {
        const mve_pred16_t p = vctp8q((uint32_t)k % 16);
        const int8x16_t v = vldrbq_z_s8(x, p);
        a0 = vmladavaq_s8(a0, v, vldrbq_z_s8(w, p));
        a1 = vmladavaq_s8(a1, v, vldrbq_z_s8(w1, p));
        a2 = vmladavaq_s8(a2, v, vldrbq_z_s8(w2, p));
        a3 = vmladavaq_s8(a3, v, vldrbq_z_s8(w3, p));
        w3 += k % 16;
    }
    const int32x4_t a = {a0, a1, a2, a3};
    vstrbq_s32(y, outputs(l, a, vldrwq_s32(c + 4), vldrwq_s32(c + 8), sign));
    return w3;
}

static inline void dots(const tp_mve_layer *l, const int8_t *x, int32_t k,
                        int32_t n, int8_t *y, bool sign) {
    const tp_mve_layer copy = *l; /* y is not a part of it */
    const int8_t *w = copy.w;
    const int32_t *c = copy.channel;
    for (; n >= TP_MVE_DENSE; n -= TP_MVE_DENSE) {
        w = group(&copy, x, k, w, c, y, sign);
        c += TP_MVE_DENSE * TP_MVE_TABLE;
        y += TP_MVE_DENSE;
    }
    if (n > 0) {
        w -= (TP_MVE_DENSE - n) * k;
        (void)group(&copy, x, k, w, c, y - TP_MVE_DENSE + n, sign);
    }
}

void tp_mve_dots(const tp_mve_layer *l, const int8_t *x, int32_t k, int32_t n,
                 int8_t *y) {
    if (l->min >= l->zp) {
        dots(l, x, k, n, y, false);
    } else {
        dots(l, x, k, n, y, true);
    }
}

/* Products of one tap and eight channels. */
static inline int16x8_t products(const int8_t *x, const int8_t *w) {
    return vmulq_s16(vldrbq_s16(x), vldrbq_s16(w));
}

/* Sums of even and of odd channels. */
typedef struct sums {
    int32x4_t even, odd;
} sums;

static inline sums add(sums s, int16x8_t p) {
    return (sums){vaddq_s32(s.even, vmovlbq_s16(p)),
                  vaddq_s32(s.odd, vmovltq_s16(p))};
}

static inline sums window(const tp_mve_rows *r, const int8_t *w,
                          const int8_t *row, const int8_t *x, sums s) {
    for (int32_t ky = r->k_h; ky > 0; ky--) {
        int32_t kx = r->k_w;
        const int8_t *at = x;
        for (; kx >= 2; kx -= 2, at += 16, w += 16) {
            s = add(s, vaddq_s16(products(at, w), products(at + 8, w + 8)));
        }
        if (kx > 0) {
            s = add(s, products(at, w));
            w += 8;
        }
        row += r->row;
        x += r->row;
        if (row >= r->end) {
            row -= r->ring;
            x -= r->ring;
        }
    }
    return s;
}

static inline void taps(const tp_mve_layer *l, const tp_mve_rows *r, int8_t *y,
                        bool sign) {
    const mve_pred16_t p = vctp16q((uint32_t)r->channels);
    const int32_t *c = l->channel;
    const int8_t *x = r->first;
    for (int32_t ox = r->n; ox > 0; ox--, x += r->step, y += r->out_c) {
        sums s = {vldrwq_s32(c), vldrwq_s32(c + 4)};
        s = window(r, l->w, r->first, x, s);
        s.even =
            outputs(l, s.even, vldrwq_s32(c + 8), vldrwq_s32(c + 16), sign);
        s.odd = outputs(l, s.odd, vldrwq_s32(c + 12), vldrwq_s32(c + 20), sign);
        const int16x8_t even = vreinterpretq_s16_s32(s.even);
        vstrbq_p_s16(y, vmovntq_s32(even, s.odd), p);
    }
}

void tp_mve_taps(const tp_mve_layer *l, const tp_mve_rows *r, int8_t *y) {
    if (l->min >= l->zp) {
        taps(l, r, y, false);
    } else {
        taps(l, r, y, true);
    }
}
