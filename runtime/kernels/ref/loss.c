/* Softmax of int16 logits, and the losses: gradient of the logits (or of the
 * output) and the loss itself. */
#include <stdbool.h>

#include "runtime/kernels/ref/exp.h"
#include "tinypeft/kernels.h"

/* Logits of either width. */
typedef struct logits {
    const void *z; /* int16 where wide, else int8 */
    bool wide;
} logits;

static int32_t logit(const logits *in, int32_t i) {
    return in->wide ? ((const int16_t *)in->z)[i] : ((const int8_t *)in->z)[i];
}

/* A softmax whose shares are not written down: p[i] = weight(i) * inverse *
 * 2^-shift. */
typedef struct shares {
    int32_t max;     /* the largest logit */
    int32_t log_sum; /* ln(sum exp(z - max)), 2^-20 */
    int64_t inverse; /* in [2^30, 2^31] */
    int shift;
} shares;

/* Distance below the largest logit, 2^-20 nats, at most 2^31: the zero point
 * cancels. |distance * m| < 2^48. */
static int32_t below(const tp_ce *op, const shares *s, int32_t z) {
    return tp_scale(s->max - z, op->scale.m, op->scale.s + 20);
}

/* The maximum comes off first, so every exponential is in [0, 1] and the sum
 * in (2^30 (1 - 4e-6), n 2^30]. One 64-bit division a call. */
static shares softmax(const tp_ce *op, const logits *z) {
    shares s = {.max = logit(z, 0)};
    for (int32_t i = 1; i < op->n; i++) {
        s.max = tp_max32(s.max, logit(z, i));
    }
    int64_t sum = 1; /* 2^-30: the divisor below is never 0 */
    for (int32_t i = 0; i < op->n; i++) {
        sum += tp_exp_neg_q20(below(op, &s, logit(z, i)));
    }
    s.log_sum = tp_ln_q20(sum);
    const int extra = tp_bits64(sum) - 31; /* sum * 2^-extra in [2^30, 2^31) */
    const int64_t mantissa = extra > 0 ? sum >> extra : sum << -extra;
    s.inverse = (INT64_C(1) << 61) / mantissa;
    s.shift = 61 + extra;
    return s;
}

/* round(p * 2^bits) for the logit z; weight * inverse <= 2^61. */
static int32_t share(const tp_ce *op, const shares *s, int32_t z, int bits) {
    const int64_t weight = tp_exp_neg_q20(below(op, s, z));
    return tp_shift_round(weight * s->inverse, s->shift - bits);
}

/* Softmax of int16 logits.
 *   op  n in [1, 2^16], scale of z
 *   z   [in]  int16 [n]
 *   y   [out] int8  [n], scale 2^-8, zero point -128
 *       y = clamp(round(256 p) - 128)
 * No overlap. |error of p| <= 1e-5 before rounding.
 * Cannot fail. Source: p = exp(z - max) / sum exp(z - max). */
void tp_softmax_s16_fwd_ref(const tp_ce *op, const int16_t *z, int8_t *y) {
    const logits in = {.z = z, .wide = true};
    const shares s = softmax(op, &in);
    for (int32_t i = 0; i < op->n; i++) {
        y[i] = (int8_t)tp_min32(share(op, &s, z[i], 8) - 128, 127);
    }
}

#define SHARE_BITS 20 /* fraction bits of p in the gradient */

/* Returns the loss, -sum of target * ln p. The targets add up to 1 exactly;
 * distance * target < 2^51, of at most 256 classes < 2^59. */
static int32_t cross_entropy(const tp_ce *op, const logits *z, uint8_t label,
                             tp_q8 *dz, tp_gscale *g) {
    const shares s = softmax(op, z);
    const int32_t others = tp_max32(op->n - 1, 1); /* n >= 2; never 0 */
    const int32_t other = op->smooth / others;
    const int32_t own = (1 << SHARE_BITS) - other * others;
    int64_t far = 0;
    for (int32_t i = 0; i < op->n; i++) {
        const int32_t target = i == label ? own : other;
        const int32_t d = share(op, &s, logit(z, i), SHARE_BITS) - target;
        far += (int64_t)below(op, &s, logit(z, i)) * target;
        dz->v[i] = tp_grad_out(g, d, g->e + SHARE_BITS);
    }
    dz->e = g->e;
    const int64_t nats = (far >> SHARE_BITS) + s.log_sum;
    return tp_max32(tp_shift_round(nats, 4), 0);
}

/* Softmax and cross-entropy on int8 logits.
 *   op     n in [2, 256], scale of z; its zero point cancels
 *   z      [in]  int8  [n]
 *   label  [in]  uint8 [1], below n
 *   dz     [out] q8    [n], exponent g->e: p - target; the target is 1 - smooth
 *          at the label, smooth / (n - 1) elsewhere
 *   loss   [out] int32 [1], -sum of target ln p in 2^-16, in [0, 2049 * 2^16]:
 *          a logit that lies 2048 nats or more below the largest counts as 2048
 *   g      [in/out] delayed scale of dz: as the classes are learned the
 *          gradient shrinks, and its scale with it
 *
 * No overlap. |error of p| <= 1e-5, |error of the loss| <= 3e-5 nats.
 * Cannot fail. Source: dL/dz = p - target; label smoothing: Szegedy et al.
 * 2016, arXiv:1512.00567, section 7. */
void tp_ce_s8_loss_ref(const tp_ce *op, const int8_t *z, const uint8_t *label,
                       tp_q8 *dz, int32_t *loss, tp_gscale *g) {
    const logits in = {.z = z};
    *loss = cross_entropy(op, &in, *label, dz, g);
}

/* The same on int16 logits. */
void tp_ce_s16_loss_ref(const tp_ce *op, const int16_t *z, const uint8_t *label,
                        tp_q8 *dz, int32_t *loss, tp_gscale *g) {
    const logits in = {.z = z, .wide = true};
    *loss = cross_entropy(op, &in, *label, dz, g);
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
