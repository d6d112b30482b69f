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

/* Four sums to four outputs, where clamping hides negative numbers. */
static inline int32x4_t plain(const tp_mve_layer *l, int32x4_t a, int32x4_t m,
                              int32x4_t shift) {
    a = vrshlq_s32(vqrdmulhq_s32(a, m), shift);
    a = vmaxq_s32(vaddq_n_s32(a, l->zp), vdupq_n_s32(l->min));
    return vminq_s32(a, vdupq_n_s32(l->max));
}

/* The same of any. */
static inline int32x4_t exact(const tp_mve_layer *l, int32x4_t a, int32x4_t m,
                              int32x4_t shift) {
    a = vqrdmulhq_s32(a, m);
    a = vqaddq_s32(a, vshrq_n_s32(vandq_s32(a, shift), 31));
    a = vaddq_n_s32(vrshlq_s32(a, shift), l->zp);
    return vminq_s32(vmaxq_s32(a, vdupq_n_s32(l->min)), vdupq_n_s32(l->max));
}

/* The next 16 bytes. A load that moves its pointer is one instruction; GCC
 * adds the steps up to offsets, and then cannot move it. */
static inline int8x16_t next(const int8_t **from) {
    const int8x16_t v = vldrbq_s8(*from);
    *from += 16;
    __asm__("" : "+r"(*from));
    return v;
}

/* Sums of the next four channels; moves w behind their weights. */
static inline int32x4_t dot(const int8_t *x, int32_t blocks, const int8_t **w,
                            const int32_t *start) {
    int32_t a0 = start[0];
    int32_t a1 = start[1];
    int32_t a2 = start[2];
    int32_t a3 = start[3];
    do {
        const int8x16_t v = next(&x);
        a0 = vmladavaq_s8(a0, v, next(w));
        a1 = vmladavaq_s8(a1, v, next(w));
        a2 = vmladavaq_s8(a2, v, next(w));
        a3 = vmladavaq_s8(a3, v, next(w));
    } while (--blocks != 0);
    return (int32x4_t){a0, a1, a2, a3};
}

static void dots_plain(const tp_mve_layer *layer, const int8_t *x,
                       int32_t blocks, int32_t n, int8_t *y) {
    const tp_mve_layer l = *layer; /* y is not a part of it */
    const int8_t *w = l.w;
    const int32_t *c = l.channel;
    for (; n > 0; n -= 4, c += 12, y += 4) {
        const int32x4_t a = dot(x, blocks, &w, c);
        y -= n < 4 ? 4 - n : 0;
        vstrbq_s32(y, plain(&l, a, vldrwq_s32(c + 4), vldrwq_s32(c + 8)));
    }
}

static void dots_exact(const tp_mve_layer *layer, const int8_t *x,
                       int32_t blocks, int32_t n, int8_t *y) {
    const tp_mve_layer l = *layer;
    const int8_t *w = l.w;
    const int32_t *c = l.channel;
    for (; n > 0; n -= 4, c += 12, y += 4) {
        const int32x4_t a = dot(x, blocks, &w, c);
        y -= n < 4 ? 4 - n : 0;
        vstrbq_s32(y, exact(&l, a, vldrwq_s32(c + 4), vldrwq_s32(c + 8)));
    }
}

void tp_mve_dots(const tp_mve_layer *l, const int8_t *x, int32_t blocks,
                 int32_t n, int8_t *y) {
    (l->min >= l->zp ? dots_plain : dots_exact)(l, x, blocks, n, y);
}

/* Products of one tap and eight channels. */
static inline int16x8_t products(const int8_t *x, const int8_t *w) {
    return vmulq_s16(vldrbq_s16(x), vldrbq_s16(w));
}

/* Sums of even and of odd channels. */
typedef struct sums {
    int32x4_t even, odd;
} sums;

/* In the order of the source: else GCC adds late, and keeps what is to be added
 * on the stack. */
static inline sums add(sums s, int16x8_t p) {
    s.even = vaddq_s32(s.even, vmovlbq_s16(p));
    s.odd = vaddq_s32(s.odd, vmovltq_s16(p));
    __asm__("" : "+w"(s.even), "+w"(s.odd));
    return s;
}

/* Windows of any size. */
static inline sums window(const tp_mve_rows *r, const int8_t *w, int32_t at,
                          sums s) {
    const int8_t *row = r->first;
    for (int32_t ky = r->k_h; ky > 0; ky--) {
        const int8_t *x = row + at;
        int32_t kx = r->k_w;
        for (; kx >= 2; kx -= 2, x += 16, w += 16) {
            s = add(s, vaddq_s16(products(x, w), products(x + 8, w + 8)));
        }
        if (kx > 0) {
            s = add(s, products(x, w));
            w += 8;
        }
        row += r->row;
        row -= row >= r->end ? r->ring : 0;
    }
    return s;
}

/* Products of the next tap. */
static inline int16x8_t tap(const int8_t **x, const int8_t **w) {
    const int16x8_t p = products(*x, *w);
    *x += 8;
    *w += 8;
    __asm__("" : "+r"(*x), "+r"(*w));
    return p;
}

/* Windows of three by three; x: the three columns of each row. */
static inline sums window3(const int8_t *x0, const int8_t *x1, const int8_t *x2,
                           const int8_t *w, sums s) {
    int16x8_t p = tap(&x0, &w);
    s = add(s, vaddq_s16(p, tap(&x0, &w)));
    p = tap(&x0, &w);
    s = add(s, vaddq_s16(p, tap(&x1, &w)));
    p = tap(&x1, &w);
    s = add(s, vaddq_s16(p, tap(&x1, &w)));
    p = tap(&x2, &w);
    s = add(s, vaddq_s16(p, tap(&x2, &w)));
    return add(s, tap(&x2, &w));
}

/* Eight outputs, in order. */
static inline int16x8_t eight(const tp_mve_layer *l, const int32_t *c, sums s) {
    const int32x4_t m[2] = {vldrwq_s32(c + 8), vldrwq_s32(c + 12)};
    const int32x4_t shift[2] = {vldrwq_s32(c + 16), vldrwq_s32(c + 20)};
    if (l->min >= l->zp) {
        s.even = plain(l, s.even, m[0], shift[0]);
        s.odd = plain(l, s.odd, m[1], shift[1]);
    } else {
        s.even = exact(l, s.even, m[0], shift[0]);
        s.odd = exact(l, s.odd, m[1], shift[1]);
    }
    return vmovntq_s32(vreinterpretq_s16_s32(s.even), s.odd);
}

static const int8_t *below(const tp_mve_rows *r, const int8_t *row) {
    row += r->row;
    return row >= r->end ? row - r->ring : row;
}

static void taps3(const tp_mve_layer *layer, const tp_mve_rows *r, int8_t *y) {
    const tp_mve_layer l = *layer; /* y is not a part of it */
    const mve_pred16_t p = vctp16q((uint32_t)r->channels);
    const int8_t *x0 = r->first;
    const int8_t *x1 = below(r, x0);
    const int8_t *x2 = below(r, x1);
    const int32_t step = r->step;
    const int32_t out_c = r->out_c;
    for (int32_t ox = r->n; ox > 0; ox--, y += out_c) {
        const int32_t *c = l.channel;
        __asm__("" : "+r"(c)); /* one pointer, not six kept on the stack */
        const sums s = {vldrwq_s32(c), vldrwq_s32(c + 4)};
        vstrbq_p_s16(y, eight(&l, c, window3(x0, x1, x2, l.w, s)), p);
        x0 += step;
        x1 += step;
        x2 += step;
    }
}

void tp_mve_taps(const tp_mve_layer *l, const tp_mve_rows *r, int8_t *y) {
    const mve_pred16_t p = vctp16q((uint32_t)r->channels);
    const int32_t *c = l->channel;
    if (r->k_h == 3 && r->k_w == 3) {
        taps3(l, r, y);
        return;
    }
    for (int32_t ox = 0; ox < r->n; ox++, y += r->out_c) {
        const sums s = {vldrwq_s32(c), vldrwq_s32(c + 4)};
        vstrbq_p_s16(y, eight(l, c, window(r, l->w, ox * r->step, s)), p);
    }
}

/* --- rows of eltwise_rows.h
 * ------------------------------------------------------- */

/* VRMULH is SMMULR, four times. Shifts are to the left. */
static inline int32x4_t scaled(int32x4_t x2, int32x4_t m, int32_t half,
                               int32_t shift) {
    const int32x4_t sign = vshrq_n_s32(x2, 31);
    const int32x4_t t = vaddq_s32(vrmulhq_s32(x2, m), sign);
    return vshlq_r_s32(vaddq_n_s32(t, half), shift);
}

/* To int8, in the lowest byte of each lane: what is above is not stored. */
static inline int32x4_t saturated(int32x4_t v) {
    const int16x8_t half = vqmovnbq_s32(vreinterpretq_s16_s32(v), v);
    const int8x16_t byte = vqmovnbq_s16(vreinterpretq_s8_s16(half), half);
    return vreinterpretq_s32_s8(byte);
}

/* Four sums; the signs are constants once this is inlined. */
static inline int32x4_t four_sums(const tp_dsp_sum *r, int32x4_t small,
                                  int32x4_t large, int32_t sign_small,
                                  int32_t sign_large) {
    const int32x4_t x2 = vaddq_n_s32(vshlq_n_s32(small, 21), r->x0);
    const int32x4_t t =
        vshlq_n_s32(scaled(x2, vdupq_n_s32(r->m), r->half, -r->e), 1);
    large = vshlq_n_s32(large, 20);
    int32x4_t q = sign_large > 0 ? vaddq_n_s32(large, r->q0)
                                 : vsubq_s32(vdupq_n_s32(r->q0), large);
    q = sign_small > 0 ? vaddq_s32(q, t) : vsubq_s32(q, t);
    return saturated(scaled(q, vdupq_n_s32(r->y_m), r->y_r, -r->y_e));
}

/* The last values are those that a predicate leaves. Inlined by force: GCC
 * makes one function of the three, whose signs are variables. */
static inline __attribute__((always_inline)) void
sum_row(const tp_dsp_sum *row, int32_t sign_small, int32_t sign_large) {
    tp_dsp_sum r = *row; /* y is not a part of it */
    for (; r.n >= 4; r.n -= 4, r.small += 4, r.large += 4, r.y += 4) {
        const int32x4_t y =
            four_sums(&r, vldrbq_s32(r.small), vldrbq_s32(r.large), sign_small,
                      sign_large);
        vstrbq_s32(r.y, y);
    }
    if (r.n > 0) {
        const mve_pred16_t p = vctp32q((uint32_t)r.n);
        const int32x4_t y =
            four_sums(&r, vldrbq_z_s32(r.small, p), vldrbq_z_s32(r.large, p),
                      sign_small, sign_large);
        vstrbq_p_s32(r.y, y, p);
    }
}

void tp_mve_row_add(const tp_dsp_sum *r) {
    sum_row(r, 1, 1);
}

void tp_mve_row_sub(const tp_dsp_sum *r) {
    sum_row(r, -1, 1);
}

void tp_mve_row_minus(const tp_dsp_sum *r) {
    sum_row(r, 1, -1);
}

static inline int32x4_t four_products(const tp_dsp_product *r, int32x4_t a,
                                      int32x4_t b) {
    const int32x4_t p2 =
        vmulq_s32(vaddq_n_s32(vshlq_n_s32(a, 1), r->a0), vaddq_n_s32(b, r->b0));
    return saturated(scaled(p2, vdupq_n_s32(r->y_m), r->y_r, -r->y_e));
}

void tp_mve_row_mul(const tp_dsp_product *row) {
    tp_dsp_product r = *row;
    for (; r.n >= 4; r.n -= 4, r.a += 4, r.b += 4, r.y += 4) {
        vstrbq_s32(r.y, four_products(&r, vldrbq_s32(r.a), vldrbq_s32(r.b)));
    }
    if (r.n > 0) {
        const mve_pred16_t p = vctp32q((uint32_t)r.n);
        const int32x4_t y =
            four_products(&r, vldrbq_z_s32(r.a, p), vldrbq_z_s32(r.b, p));
        vstrbq_p_s32(r.y, y, p);
    }
}
