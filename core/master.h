/* A weight with eight more bits than inference reads: what training moves.
 *
 *     master = w * 256 + low,  real = master * 2^(e - 8)
 *
 * w is the working weight (int8 with exponent e, or int16 with e = -13) and
 * lies in the adapter; low, int8, is all that training adds. So there is one
 * copy of each weight, and the working weight is always the master rounded. */
#ifndef TP_CORE_MASTER_H
#define TP_CORE_MASTER_H

#include <stddef.h>

#include "core/bfp.h"
#include "core/rng.h"

#define TP_MASTER_LOW 8 /* bits of `low` */
#define TP_STEP_FRACTION                                                       \
    14                    /* further bits that stochastic rounding decides     \
                           */
#define TP_WEIGHT_BITS 13 /* fraction bits of an int16 weight */

/* Gradients of either width; the other pointer is NULL. */
typedef struct tp_grads {
    const int32_t *v32;
    const int16_t *v16;
    uint32_t n;
} tp_grads;

static inline int32_t tp_master_join(int32_t w, int8_t low) {
    return w * 256 + low;
}

/* The largest master of a working weight of at most `most`. */
static inline int32_t tp_master_clamp(int32_t master, int32_t most) {
    return tp_clamp32(master, -most * 256 - 128, most * 256 + 127);
}

/* round(master / 256), halves up; the rest, in [-128, 127], goes to *low. */
static inline int32_t tp_master_split(int32_t master, int8_t *low) {
    const int32_t w = (master + 128) >> 8;
    *low = (int8_t)(master - w * 256);
    return w;
}

/* round(g * factor * 2^bits) for an integer g. */
static inline int32_t tp_step_of(int32_t g, tp_bfp factor, int bits) {
    return tp_scale(g, (int32_t)(factor.m >> 1), factor.e + 1 + 31 + bits);
}

/* Sum of squares of n integers, first shifted below 2^15, so that 2^32 of
 * their squares fit 64 bits. */
static inline tp_bfp tp_squares32(const int32_t *v, uint32_t n) {
    uint32_t peak = 0;
    for (uint32_t i = 0; i < n; i++) {
        peak |= tp_abs32(v[i]);
    }
    const int shift = (int)tp_max32(tp_bits32(peak) - 15, 0);
    uint64_t sum = 0;
    for (uint32_t i = 0; i < n; i++) {
        const uint32_t a = tp_abs32(v[i]) >> shift;
        sum += a * a;
    }
    return tp_bfp_of(sum, 2 * shift);
}

static inline tp_bfp tp_squares16(const int16_t *v, uint32_t n) {
    uint64_t sum = 0;
    for (uint32_t i = 0; i < n; i++) {
        sum += (uint32_t)((int32_t)v[i] * v[i]);
    }
    return tp_bfp_of(sum, 0);
}

static inline int32_t tp_grad_at(const tp_grads *g, uint32_t i) {
    return g->v32 != NULL ? g->v32[i] : g->v16[i];
}

/* By how many bits the exponent must rise for every updated weight to fit. */
static inline int tp_master_rise(const tp_q8 *w, const int8_t *low,
                                 const tp_grads *g, tp_bfp f) {
    uint32_t peak = 0;
    for (uint32_t i = 0; i < g->n; i++) {
        const int64_t master = tp_master_join(w->v[i], low[i]);
        const int64_t moved = master - tp_step_of(tp_grad_at(g, i), f, 0);
        peak |= tp_abs32(tp_sat32(moved));
    }
    return tp_max32(tp_bits32(peak) - 15, 0);
}

/* w = w - f * g in units of the master, rounded stochastically. Two passes:
 * the first finds the exponent, so nothing saturates but a weight within half
 * a unit of 128, and none is lost.
 * Bound: after the rise |step| <= |moved| + |master| < 2^16; with 14 fraction
 * bits below 2^30. */
static inline void tp_master_update_q8(tp_q8 *w, int8_t *low, tp_grads g,
                                       tp_bfp f, uint32_t *rng) {
    const int rise = tp_master_rise(w, low, &g, f);
    f.e -= rise;
    for (uint32_t i = 0; i < g.n; i++) {
        const int32_t old = tp_master_join(w->v[i], low[i]);
        const int32_t step = tp_step_of(tp_grad_at(&g, i), f, TP_STEP_FRACTION);
        const int32_t random =
            (int32_t)(tp_rng_next(rng) >> (32 - TP_STEP_FRACTION));
        const int64_t fine =
            (int64_t)tp_shift_round(old, rise) * (1 << TP_STEP_FRACTION) - step;
        const int32_t moved = tp_sat32((fine + random) >> TP_STEP_FRACTION);
        w->v[i] = (int8_t)tp_master_split(tp_master_clamp(moved, 127), &low[i]);
    }
    w->e = (int8_t)(w->e + rise);
}

/* The same for int16 weights, whose masters have bits enough to round to the
 * nearest. */
static inline void tp_master_update_s16(int16_t *w, int8_t *low, tp_grads g,
                                        tp_bfp f) {
    for (uint32_t i = 0; i < g.n; i++) {
        const int64_t old = tp_master_join(w[i], low[i]);
        const int32_t moved =
            tp_sat32(old - tp_step_of(tp_grad_at(&g, i), f, 0));
        w[i] = (int16_t)tp_master_split(tp_master_clamp(moved, INT16_MAX),
                                        &low[i]);
    }
}

#endif
