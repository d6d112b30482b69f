/* What the convolutions share: which part of a window lies on the map, dot
 * products over it (forward), and sums of scaled rows (backward).
 *
 * Both inner loops run over bytes that are contiguous in both operands, for
 * NHWC activations and [oc][ky][kx][ic] weights are contiguous over ic, and
 * over kx and ic together where columns are not dilated. They work on four
 * rows at once: in plain C this is what shares loads and stores, on a
 * Cortex-M as on a vectorising host. */
#ifndef TP_KERNELS_REF_CONV_H
#define TP_KERNELS_REF_CONV_H

#include <stddef.h>

#include "runtime/kernels/ref/grad_out.h"
#include "runtime/kernels/ref/walk.h"
#include "tinypeft/ops.h"

#define TP_CONV_TILE                                                           \
    32 /* input channels whose sums lie on the stack at once                   \
        */

/* ---- forward: windows and dot products ---- */

/* The taps of one window that lie on the map: `rows` rows, each of `runs` runs
 * of `run` bytes. A count of 0 or below: none. */
typedef struct tp_window {
    int32_t rows, runs, run;
    int32_t x, w; /* offset of the first tap in x, and in one channel's w */
} tp_window;

/* First tap on the map, for a window that starts at i. */
static inline int32_t tp_tap_first(int32_t i, int32_t dil) {
    return i < 0 ? (dil - 1 - i) / dil : 0;
}

/* One past the last of k taps on a map of n, for a window that starts at i. */
static inline int32_t tp_tap_end(int32_t i, int32_t dil, int32_t k, int32_t n) {
    if (i + (k - 1) * dil < n) {
        return k;
    }
    return i < n ? (n - i + dil - 1) / dil : 0;
}

static inline tp_window tp_window_at(const tp_conv2d *op, int32_t oy,
                                     int32_t ox) {
    const int32_t iy = oy * op->stride_h - op->pad_t;
    const int32_t ix = ox * op->stride_w - op->pad_l;
    const int32_t ky = tp_tap_first(iy, op->dil_h);
    const int32_t kx = tp_tap_first(ix, op->dil_w);
    const int32_t row = (iy + ky * op->dil_h) * op->in_w;
    tp_window v = {
        .rows = tp_tap_end(iy, op->dil_h, op->k_h, op->in_h) - ky,
        .runs = tp_tap_end(ix, op->dil_w, op->k_w, op->in_w) - kx,
        .run = op->in_c,
        .x = (row + ix + kx * op->dil_w) * op->in_c,
        .w = (ky * op->k_w + kx) * op->in_c,
    };
    if (op->dil_w == 1) {
        v.run *= v.runs;
        v.runs = 1;
    }
    if (v.run == op->k_w * op->in_c && op->dil_h * op->in_w == op->k_w) {
        v.run *= v.rows; /* the rows follow each other in x too */
        v.rows = 1;
    }
    return v;
}

/* acc[j] += sum (x - zp) * w[j][i] over one run, j < 4; `row` bytes from one
 * channel's weights to the next. The casts to int16 let a compiler use its
 * 16-bit multiply-accumulate. */
static inline void tp_dot4(const int8_t *x, const int8_t *w, int32_t row,
                           int32_t run, int32_t zp, int32_t *acc) {
    const int8_t *w1 = w + row;
    const int8_t *w2 = w1 + row;
    const int8_t *w3 = w2 + row;
    int32_t a0 = acc[0];
    int32_t a1 = acc[1];
    int32_t a2 = acc[2];
    int32_t a3 = acc[3];
    const int16_t zero = (int16_t)zp;
    for (int32_t i = 0; i < run; i++) {
        const int16_t v = (int16_t)(x[i] - zero);
        a0 += v * (int16_t)w[i];
        a1 += v * (int16_t)w1[i];
        a2 += v * (int16_t)w2[i];
        a3 += v * (int16_t)w3[i];
    }
    acc[0] = a0;
    acc[1] = a1;
    acc[2] = a2;
    acc[3] = a3;
}

/* The sum of one channel alone. */
static inline int32_t tp_dot(const int8_t *x, const int8_t *w, int32_t run,
                             int32_t zp) {
    int32_t acc = 0;
    const int16_t zero = (int16_t)zp;
    for (int32_t i = 0; i < run; i++) {
        acc += (int16_t)(x[i] - zero) * (int16_t)w[i];
    }
    return acc;
}

/* acc[j] = sum (x - x_zp) * w over the window, for the channels oc + j. Returns
 * for how many: 4, or 1 where fewer than 4 are left.
 * |acc| <= k_h * k_w * in_c * 255 * 127 < 2^31, see tp_conv2d. */
static inline int32_t tp_window_dot(const tp_conv2d *op, const tp_window *v,
                                    const int8_t *x, const int8_t *w,
                                    int32_t oc, int32_t *acc) {
    const int32_t row = op->k_h * op->k_w * op->in_c;
    const int32_t x_row = op->dil_h * op->in_w * op->in_c;
    const int32_t count = op->out_c - oc >= 4 ? 4 : 1;
    acc[0] = acc[1] = acc[2] = acc[3] = 0;
    for (int32_t ky = 0; ky < v->rows; ky++) {
        for (int32_t kx = 0; kx < v->runs; kx++) {
            const int8_t *xr = x + v->x + ky * x_row + kx * op->dil_w * v->run;
            const int8_t *wr =
                w + oc * row + v->w + (ky * op->k_w + kx) * op->in_c;
            if (count == 4) {
                tp_dot4(xr, wr, row, v->run, op->x_zp, acc);
            } else {
                acc[0] += tp_dot(xr, wr, v->run, op->x_zp);
            }
        }
    }
    return count;
}

/* a + b as TensorFlow Lite Micro's reference gives it on every target: it
 * wraps. */
static inline int32_t tp_add_wrap(int32_t a, int32_t b) {
    return (int32_t)((uint32_t)a + (uint32_t)b);
}

/* The accumulator of channel oc, bias included, to the output.
 *   f  [out_c] factors that take the place of op->m and op->s; or NULL. The
 *      kernels say which: a constant once this is inlined */
static inline int8_t tp_requantise(const tp_conv2d *op, const tp_factor *f,
                                   int32_t oc, int32_t acc) {
    const int32_t m = f != NULL ? f[oc].m : op->m[oc];
    const int32_t s = f != NULL ? f[oc].s : op->s[oc];
    const int32_t y = tp_add_wrap(tp_mbqm(acc, m, s), op->y_zp);
    return (int8_t)tp_min32(tp_max32(y, op->y_min), op->y_max);
}

/* ---- backward: sums of scaled rows ---- */

/* Up to four terms d * row that wait to be added to a tile. Half of all
 * gradients are 0 (masked): those never enter. */
typedef struct tp_terms {
    int32_t n;
    int16_t d[4];
    const int8_t *row[4];
} tp_terms;

/* acc[i] += the four terms, i < n. */
static inline void tp_add_rows(int32_t *restrict acc, int32_t n,
                               const tp_terms *t) {
    const int16_t d0 = t->d[0];
    const int16_t d1 = t->d[1];
    const int16_t d2 = t->d[2];
    const int16_t d3 = t->d[3];
    const int8_t *r0 = t->row[0];
    const int8_t *r1 = t->row[1];
    const int8_t *r2 = t->row[2];
    const int8_t *r3 = t->row[3];
    for (int32_t i = 0; i < n; i++) {
        acc[i] += d0 * (int16_t)r0[i] + d1 * (int16_t)r1[i] +
                  d2 * (int16_t)r2[i] + d3 * (int16_t)r3[i];
    }
}

/* No terms yet. Places of the line without a term are added with d = 0, so they
 * too must point to n bytes: `row` does. */
static inline tp_terms tp_terms_begin(const int8_t *row) {
    return (tp_terms){.n = 0, .row = {row, row, row, row}};
}

/* Puts a term in line; adds the line to acc when it is full. */
static inline void tp_terms_put(tp_terms *t, int32_t d, const int8_t *row,
                                int32_t *acc, int32_t n) {
    t->d[t->n] = (int16_t)d;
    t->row[t->n] = row;
    t->n += d != 0 ? 1 : 0;
    if (t->n == 4) {
        tp_add_rows(acc, n, t);
        t->n = 0;
    }
}

/* Adds what is left in the line. */
static inline void tp_terms_end(tp_terms *t, int32_t *acc, int32_t n) {
    if (t->n == 0) {
        return;
    }
    for (int32_t j = t->n; j < 4; j++) {
        t->d[j] = 0;
    }
    tp_add_rows(acc, n, t);
    t->n = 0;
}

/* The output index whose window puts a tap at t = i + pad - k * dil, or -1. */
static inline int32_t tp_out_index(int32_t t, int32_t stride, int32_t n) {
    if (t < 0) {
        return -1;
    }
    if (stride != 1) { /* a division for each tap is what costs here */
        if (t % stride != 0) {
            return -1;
        }
        t /= stride;
    }
    return t < n ? t : -1;
}

/* Outputs of a convolution as seen from its input. */
typedef struct tp_gather {
    const tp_conv2d *op;
    const int8_t *w;   /* [out_c][k_h][k_w][in_c] */
    const int8_t *dy;  /* [out_h][out_w][out_c] */
    const uint16_t *q; /* [out_c] d = round(dy * q / 2^12); NULL: d = dy */
    int32_t out_c;
} tp_gather;

/* acc[i] += sum over oc of d[oc] * w[oc][i]: one pixel of dy, one tap.
 * |d| <= (127 * 2^15 + 2^11) / 2^12 < 1024, so it fits int16. */
static inline void tp_gather_tap(const tp_gather *s, const int8_t *dy,
                                 const int8_t *w, int32_t *acc, int32_t n) {
    const int32_t row = s->op->k_h * s->op->k_w * s->op->in_c;
    tp_terms t = tp_terms_begin(w);
    for (int32_t oc = 0; oc < s->out_c; oc++) {
        int32_t d = dy[oc];
        if (s->q != NULL) {
            d = (d * s->q[oc] + (1 << 11)) >> 12;
        }
        tp_terms_put(&t, d, w + oc * row, acc, n);
    }
    tp_terms_end(&t, acc, n);
}

/* acc[i] = gradient of the input pixel (iy, ix), channels ic + i, i < n. */
static inline void tp_gather_tile(const tp_gather *s, int32_t iy, int32_t ix,
                                  int32_t ic, int32_t *acc, int32_t n) {
    const tp_conv2d *op = s->op;
    for (int32_t i = 0; i < n; i++) {
        acc[i] = 0;
    }
    for (int32_t ky = 0; ky < op->k_h; ky++) {
        const int32_t oy = tp_out_index(iy + op->pad_t - ky * op->dil_h,
                                        op->stride_h, op->out_h);
        for (int32_t kx = 0; oy >= 0 && kx < op->k_w; kx++) {
            const int32_t ox = tp_out_index(ix + op->pad_l - kx * op->dil_w,
                                            op->stride_w, op->out_w);
            if (ox >= 0) {
                tp_gather_tap(s, s->dy + (oy * op->out_w + ox) * s->out_c,
                              s->w + (ky * op->k_w + kx) * op->in_c + ic, acc,
                              n);
            }
        }
    }
}

#endif
