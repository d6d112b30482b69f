/* How far the weights of a head move for one sample, and the room that they
 * have. What every implementation of tp_head_sgd_q8 shares.
 *
 * The gradient has rank one, dw[c][k] = dz[c] x[k], so a row moves by one
 * integer times x. That integer alone is rounded, stochastically; all else is
 * exact. */
#ifndef TP_KERNELS_REF_HEAD_SGD_H
#define TP_KERNELS_REF_HEAD_SGD_H

#include "core/bfp.h"
#include "core/master.h"
#include "core/rng.h"
#include "tinypeft/ops.h"

#define TP_ROW_FRACTION 24 /* bits of a row's integer that rounding decides */
#define TP_ROW_BITS 6      /* its magnitude stays at or below 2^6 */
#define TP_HEAD_MOST (127 * 256 + 127) /* of a master's magnitude */
#define TP_HEAD_LEAST_ROOM (1 << 12)   /* an eighth of that is always made */

/* What is to be known of the features, u = x + 128 in [0, 255], zero point z =
 * x_zp + 128: sums over in_c <= 66,000 of them stay below 2^32. */
typedef struct tp_features {
    uint32_t squares; /* sum of u^2 */
    uint32_t sum;     /* sum of u; unused where z is 0 */
    uint32_t peak;    /* bitwise OR of u */
} tp_features;

/* The largest |u - z| that the features can have. */
static inline int32_t tp_features_reach(const tp_features *f, int32_t z) {
    return tp_max32((INT32_C(1) << tp_bits32(f->peak)) - 1 - z, z);
}

/* sum of (u - z)^2, below 66,000 * 2^16. */
static inline uint32_t tp_features_squares(const tp_features *f, int32_t n,
                                           int32_t z) {
    const int64_t both = (int64_t)n * z - 2 * (int64_t)f->sum;
    return z == 0 ? f->squares : (uint32_t)((int64_t)f->squares + z * both);
}

/* Of dz: sum of squares, bitwise OR of the magnitudes, the largest of them. */
typedef struct tp_logit_grads {
    uint32_t squares, peak;
    int32_t most;
} tp_logit_grads;

static inline tp_logit_grads tp_logit_grads_of(const int8_t *dz, int32_t n) {
    tp_logit_grads g = {0, 0, 0};
    for (int32_t c = 0; c < n; c++) {
        const int32_t d = dz[c] < 0 ? -dz[c] : dz[c];
        g.squares += (uint32_t)(d * d);
        g.most = tp_max32(g.most, d);
    }
    g.peak = (uint32_t)g.most;
    return g;
}

/* A sample's step: row c moves by round(dz[c] * factor * 2^-24) for each unit
 * of its features, in units of the master; no weight moves by more than
 * `need`. */
typedef struct tp_head_step {
    int32_t factor, need;
} tp_head_step;

/* By how much the exponent must rise for a row's integer to be below 2^6:
 * f < 2^(f.e + 32), |dz| < 2^bits. */
static inline int32_t tp_head_rise(tp_bfp f, const tp_logit_grads *g) {
    const int32_t bits = f.e + 32 + tp_bits32((uint32_t)g->most);
    return f.m == 0 ? 0 : tp_max32(bits - TP_ROW_BITS, 0);
}

/* After the rise |dz| * factor <= 2^30, so that 24 random bits more fit 31;
 * need <= 64 * 255. */
static inline tp_head_step tp_head_step_of(tp_bfp f, int32_t rise,
                                           const tp_logit_grads *g,
                                           int32_t reach) {
    const int32_t shift = rise - f.e - TP_ROW_FRACTION;
    const int32_t factor = f.m == 0 || shift > 31 ? 0 : (int32_t)(f.m >> shift);
    const int32_t most = (g->most * factor >> TP_ROW_FRACTION) + 1;
    return (tp_head_step){.factor = factor, .need = most * reach};
}

/* Raises the exponent until all weights can move by `need` and an eighth of the
 * range is left; with halves up, as a master that is rounded. Returns by how
 * much in all.
 *   most   the largest |w|
 *   rise   at least by so much */
int32_t tp_head_make_room(const tp_head_sgd *op, tp_q8 *w, tp_masters *m,
                          int32_t most, int32_t rise, int32_t need);

/* Rate times the real size of one unit of dz x, in units of the master; the
 * norm of the gradient, |x| |dz|, goes to the sample's. */
tp_bfp tp_head_factor(const tp_head_sgd *op, int32_t e, uint32_t x_squares,
                      uint32_t dz_squares, int32_t e_w, tp_online *state);

/* The integer of a row. */
static inline int32_t tp_head_row(int32_t dz, int32_t factor, uint32_t *rng) {
    const uint32_t random = tp_rng_next(rng) >> (32 - TP_ROW_FRACTION);
    return (dz * factor + (int32_t)random) >> TP_ROW_FRACTION;
}

#endif
