#include "core/master.h"

#include "core/rng.h"
#include "core/scaler.h"

tp_bfp tp_squares32(const int32_t *v, uint32_t n) {
    uint32_t peak = 0;
    for (uint32_t i = 0; i < n; i++) {
        peak |= tp_abs32(v[i]);
    }
    const int shift = (int)tp_max32(tp_bits32(peak) - 15, 0);
    uint64_t sum = 0;
    for (uint32_t i = 0; i < n; i++) {
        const uint32_t a = tp_abs32(v[i]) >> shift;
        sum += (uint64_t)a * a;
    }
    return tp_bfp_of(sum, 2 * shift);
}

tp_bfp tp_squares16(const int16_t *v, uint32_t n) {
    uint64_t sum = 0;
    for (uint32_t i = 0; i < n; i++) {
        sum += (uint32_t)((int32_t)v[i] * v[i]);
    }
    return tp_bfp_of(sum, 0);
}

static inline int32_t grad_at(const tp_grads *g, uint32_t i) {
    return g->v32 != NULL ? g->v32[i] : g->v16[i];
}

/* By how many bits the exponent must rise for every updated weight to fit. */
static int rise_of(const tp_q8 *w, const int8_t *low, const tp_grads *g,
                   tp_bfp f) {
    const tp_scaler s = tp_scaler_of_bfp(f, 0);
    uint32_t peak = 0;
    for (uint32_t i = 0; i < g->n; i++) {
        const int64_t master = tp_master_join(w->v[i], low[i]);
        peak |= tp_abs32(tp_sat32(master - tp_scaled(&s, grad_at(g, i))));
    }
    return tp_max32(tp_bits32(peak) - 15, 0);
}

/* Bound: after the rise |step| <= |moved| + |master| < 2^16; with 14 fraction
 * bits below 2^30, and so is the old master. */
void tp_master_update_q8(tp_q8 *w, int8_t *low, tp_grads g, tp_bfp f,
                         uint32_t *rng) {
    const int rise = rise_of(w, low, &g, f);
    const int32_t half = rise > 0 ? (1 << rise) >> 1 : 0;
    f.e -= rise;
    const tp_scaler s = tp_scaler_of_bfp(f, TP_STEP_FRACTION);
    uint32_t state = *rng; /* the stores below may not change it */
    for (uint32_t i = 0; i < g.n; i++) {
        const int32_t old = tp_master_join(w->v[i], low[i]);
        const int32_t step = tp_scaled(&s, grad_at(&g, i));
        const int32_t random =
            (int32_t)(tp_rng_next(&state) >> (32 - TP_STEP_FRACTION));
        const int32_t fine =
            ((old + half) >> rise) * (1 << TP_STEP_FRACTION) - step;
        const int32_t moved = (fine + random) >> TP_STEP_FRACTION;
        w->v[i] = (int8_t)tp_master_split(tp_master_clamp(moved, 127), &low[i]);
    }
    w->e = (int8_t)(w->e + rise);
    *rng = state;
}
