/* Softmax of int16 logits, and the losses: gradient of the logits (or of the
 * output) and the loss itself. */
#include "core/bfp.h"
#include "core/scaler.h"
#include "runtime/kernels/ref/exp.h"
#include "runtime/kernels/ref/grad_out.h"
#include "tinypeft/kernels.h"

/* A softmax: p[i] = weight[i] * inverse * 2^-shift. */
typedef struct shares {
    int32_t log_sum;  /* ln(sum exp(z - max)), 2^-20 */
    uint32_t inverse; /* in [2^30, 2^31] */
    int shift;        /* [60, 69] */
} shares;

/* Distances below the largest logit: the zero point cancels. */
static void spread_s8(const int8_t *z, int32_t n, uint32_t *below) {
    int32_t max = z[0];
    for (int32_t i = 1; i < n; i++) {
        max = tp_max32(max, z[i]);
    }
    for (int32_t i = 0; i < n; i++) {
        below[i] = (uint32_t)(max - z[i]);
    }
}

static void spread_s16(const int16_t *z, int32_t n, uint32_t *below) {
    int32_t max = z[0];
    for (int32_t i = 1; i < n; i++) {
        max = tp_max32(max, z[i]);
    }
    for (int32_t i = 0; i < n; i++) {
        below[i] = (uint32_t)(max - z[i]);
    }
}

/* Distances, below 2^16, become exponentials in 2^-30; returns their sum. A
 * distance times scale times log2(e) is below * m >> n. It is shifted up first,
 * so that the upper word of the product is the result: what is too large for
 * that is more than 2^7 and its exponential 0. */
static int64_t exponentials(const tp_ce *op, int32_t n, uint32_t *below) {
    const int32_t m = tp_srdhm(op->scale.m, INT32_C(1549082005)); /* log2(e) */
    const int32_t places = 10 - op->scale.s; /* m < 1.45 * 2^30 */
    const int up = tp_clamp32(32 - places, 0, 31);
    const int down = tp_clamp32(places - 32, 0, 31);
    const uint32_t limit = UINT32_C(1) << (31 - up);
    uint64_t sum = 1; /* 2^-30: it will be a divisor */
    for (uint32_t *const end = below + n; below < end; below++) {
        const uint64_t t = (uint64_t)(*below << up) * (uint32_t)m;
        const uint32_t weight = tp_exp2_neg_q20((uint32_t)(t >> 32) >> down);
        *below = *below < limit ? weight : 0;
        sum += *below;
    }
    return (int64_t)sum;
}

/* The sum is in (2^30 (1 - 2e-6), n 2^30]: one exponential is 1. */
static shares normalise(int64_t sum) {
    const int extra = tp_bits64(sum) - 32; /* sum * 2^-extra in [2^31, 2^32) */
    const uint32_t mantissa =
        (uint32_t)(extra > 0 ? sum >> extra : sum << -extra);
    return (shares){.log_sum = tp_ln_q20(sum),
                    .inverse = tp_divide(UINT64_C(1) << 62, mantissa),
                    .shift = 62 + extra};
}

/* round(p * 2^bits), shift less by `bits` <= 20: weight * inverse <= 2^61, and
 * what is shifted out has more than 32 bits. */
static int32_t share(uint32_t weight, uint32_t inverse, int shift) {
    const uint32_t high = (uint32_t)(((uint64_t)weight * inverse) >> 32);
    return (int32_t)(((high >> (shift - 33)) + 1) >> 1);
}

/* Softmax of int16 logits.
 *   op       n in [1, 2^16], scale of z
 *   z        [in]  int16 [n]
 *   y        [out] int8  [n], scale 2^-8, zero point -128
 *            y = clamp(round(256 p) - 128)
 *   scratch  uint32 [n]
 * No overlap. |error of p| <= 1e-5 before rounding.
 * Cannot fail. Source: p = exp(z - max) / sum exp(z - max). */
void tp_softmax_s16_fwd_ref(const tp_ce *op, const int16_t *z, int8_t *y,
                            uint32_t *scratch) {
    spread_s16(z, op->n, scratch);
    const shares s = normalise(exponentials(op, op->n, scratch));
    for (int32_t i = 0; i < op->n; i++) {
        y[i] = (int8_t)tp_min32(share(scratch[i], s.inverse, s.shift - 8) - 128,
                                127);
    }
}

#define SHARE_BITS 20 /* fraction bits of p in the gradient */

/* What is wanted of each class, 2^-20; together 1. */
typedef struct targets {
    int32_t own, other;
} targets;

static targets targets_of(const tp_ce *op) {
    const uint32_t others = (uint32_t)tp_max32(op->n - 1, 1); /* never 0 */
    const uint32_t other = (uint32_t)op->smooth / others;
    return (targets){.own = (int32_t)((1u << SHARE_BITS) - other * others),
                     .other = (int32_t)other};
}

/* sum of target * distance, in nats, 2^-20, at most 2^31. The targets add up to
 * 1, so that the sum is below 2^36; `bits` are left out, for it to fit 31. */
static int32_t distance(const tp_ce *op, const targets *t,
                        const uint32_t *below, uint8_t label, int bits) {
    uint32_t sum = 0;
    for (int32_t i = 0; i < op->n; i++) {
        sum += below[i];
    }
    const uint64_t far = (uint64_t)(sum - below[label]) * (uint32_t)t->other +
                         (uint64_t)below[label] * (uint32_t)t->own;
    return tp_shift_round_far((int64_t)(int32_t)(far >> bits) * op->scale.m,
                              31 - op->scale.s - bits);
}

/* p - target, 2^-20, in place of the exponentials. */
static void errors_of(int32_t n, const shares *sum, const targets *t,
                      uint8_t label, uint32_t *weight) {
    const uint32_t inverse = sum->inverse;
    const int shift = sum->shift - SHARE_BITS;
    const uint32_t other = (uint32_t)t->other;
    for (int32_t i = 0; i < n; i++) {
        weight[i] = (uint32_t)share(weight[i], inverse, shift) - other;
    }
    weight[label] -= (uint32_t)t->own - other;
}

/* At the exponent that the scale holds. */
static void put_errors(int32_t n, const uint32_t *error, tp_q8 *dz,
                       tp_gscale *g) {
    const int shift = g->e + SHARE_BITS;
    const int down = tp_clamp32(shift - 1, 0, 31);
    tp_gscale seen = {.peak = g->peak};
    dz->e = g->e;
    for (int32_t i = 0; shift > 0 && i < n; i++) {
        const int32_t v = (((int32_t)error[i] >> down) + 1) >> 1;
        dz->v[i] = tp_grad_put(&seen, v);
    }
    for (int32_t i = 0; shift <= 0 && i < n; i++) {
        const int32_t v = tp_shift_round_far((int32_t)error[i], shift);
        dz->v[i] = tp_grad_put(&seen, v);
    }
    g->peak = seen.peak;
}

/* From distances on; returns the loss, -sum of target * ln p. */
static int32_t cross_entropy(const tp_ce *op, uint8_t label, int bits,
                             tp_q8 *dz, tp_gscale *g, uint32_t *scratch) {
    const targets t = targets_of(op);
    const int32_t far = distance(op, &t, scratch, label, bits);
    const shares s = normalise(exponentials(op, op->n, scratch));
    errors_of(op->n, &s, &t, label, scratch);
    put_errors(op->n, scratch, dz, g);
    return tp_max32(tp_shift_round_far((int64_t)far + s.log_sum, 4), 0);
}

/* Softmax and cross-entropy on int8 logits.
 *   op     n in [2, 256], scale of z; its zero point cancels
 *   z      [in]  int8  [n]
 *   label  [in]  uint8 [1], below n
 *   dz     [out] q8    [n], exponent g->e: p - target; the target is 1 - smooth
 *          at the label, smooth / (n - 1) elsewhere
 *   loss   [out] int32 [1], -sum of target ln p in 2^-16, in [0, 2054 * 2^16]:
 *          a mean distance below the largest logit of 2048 nats or more counts
 *          as 2048
 *   g      [in/out] delayed scale of dz: as the classes are learned the
 *          gradient shrinks, and its scale with it
 *   scratch  uint32 [n]
 *
 * No overlap. |error of p| <= 1e-5, |error of the loss| <= 3e-5 nats.
 * Cannot fail. Source: dL/dz = p - target; label smoothing: Szegedy et al.
 * 2016, arXiv:1512.00567, section 7. */
void tp_ce_s8_loss_ref(const tp_ce *op, const int8_t *z, const uint8_t *label,
                       tp_q8 *dz, int32_t *loss, tp_gscale *g,
                       uint32_t *scratch) {
    spread_s8(z, op->n, scratch);
    *loss = cross_entropy(op, *label, 0, dz, g, scratch);
}

/* The same on int16 logits. */
void tp_ce_s16_loss_ref(const tp_ce *op, const int16_t *z, const uint8_t *label,
                        tp_q8 *dz, int32_t *loss, tp_gscale *g,
                        uint32_t *scratch) {
    spread_s16(z, op->n, scratch);
    *loss = cross_entropy(op, *label, 5, dz, g, scratch);
}

/* Mean squared error in real units.
 *   op      n in [1, 65536], loss = s_y^2 / n, q * 2^(e - 15) = 2 s_y / n
 *   y       [in]  int8  [n]
 *   target  [in]  int8  [n], scale and zero point of y
 *   dy      [out] q8    [n], exponent e + 1: round((y - t) * q / 2^16), at
 *           most 127
 *   loss    [out] int32 [1], mean((y - t)^2) in 2^-16, saturated
 * No overlap. Bounds: 65536 * 255^2 < 2^32, times m < 2^63; 255 * 2^15 < 2^23.
 * Cannot fail. Source: L = mean((y - t)^2). */
void tp_mse_s8_loss_ref(const tp_mse *op, const int8_t *y, const int8_t *target,
                        tp_q8 *dy, int32_t *loss) {
    uint32_t sum = 0;
    for (int32_t i = 0; i < op->n; i++) {
        const int32_t diff = y[i] - target[i];
        const int32_t d = (diff * op->q + (1 << 15)) >> 16;
        dy->v[i] = (int8_t)tp_min32(tp_max32(d, -127), 127);
        sum += (uint32_t)(diff * diff);
    }
    dy->e = (int8_t)(op->e + 1);
    *loss = tp_shift_round((int64_t)sum * op->loss.m, 31 - op->loss.s - 16);
}
