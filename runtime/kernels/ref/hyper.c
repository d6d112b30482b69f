/* A hyper-network: weights from a code, by way of 32 hidden values. Ha et al.
 * 2016, arXiv:1609.09106. Its matrices are random signs (Achlioptas 2003,
 * "Database-friendly random projections"); the signs of one row are the bits of
 * one number of the generator. */
#include "core/fixed.h"
#include "core/rng.h"
#include "tinypeft/kernels.h"

#define THREE 24576 /* 3 in units of a code, 2^-13 */

/* sum of +-z. |z| <= 2^15, n <= 32: |sum| <= 2^20. */
static int32_t signed_sum(uint32_t signs, const int16_t *z, int32_t n) {
    int32_t sum = 0;
    for (int32_t i = 0; i < n; i++, signs >>= 1) {
        sum += (signs & 1u) != 0 ? z[i] : -z[i];
    }
    return sum;
}

/* x relu6(x + 3) / 6 in 2^-13; 21,845 / 2^30 is 1 / (6 * 2^13) less 2^-17.
 * |x| <= 2^20 (2^19 at 32 places), times 2^16 times 2^15: below 2^51. */
static int32_t hard_swish(int32_t x) {
    const int64_t gate = tp_clamp32(x + THREE, 0, 2 * THREE);
    return tp_shift_round(x * gate * 21845, 30);
}

/* Its slope in 2^-14. */
static int32_t slope(int32_t x) {
    if (x <= -THREE || x >= THREE) {
        return x < 0 ? 0 : 1 << 14;
    }
    return (2 * x + THREE) / 3;
}

/* The hidden values of a code: h = hard_swish(S z * 2^-shift).
 *   op  n in [1, 32], seed, shift
 *   z   [in]  int16 [n], units of 2^-13
 *   h   [out] q16   [32], exponent -13, saturated
 * No overlap. Bounds above.
 * Cannot fail. Source: arXiv:1609.09106; Howard et al. 2019, arXiv:1905.02244
 * (hard swish). */
void tp_hyper_hidden_fwd_ref(const tp_hyper *op, const int16_t *z, tp_q16 *h) {
    uint32_t rng = tp_rng_seed((uint32_t)op->seed);
    for (int32_t j = 0; j < TP_HYPER_HIDDEN; j++) {
        const int32_t sum = signed_sum(tp_rng_next(&rng), z, op->n);
        const int32_t y = hard_swish(tp_shift_round(sum, op->shift));
        h->v[j] = (int16_t)tp_clamp32(y, INT16_MIN, INT16_MAX);
    }
    h->e = -13;
    h->reserved = 0;
}

/* Weights from hidden values: w = S h * 2^-shift.
 *   op  n weights, seed, shift
 *   h   [in]  q16 [32]
 *   w   [out] q8  [n]; its exponent holds the sum of all |h| in seven bits, so
 *       that no first pass has to look for the largest weight: 0.6 bits are
 *       lost on average
 * No overlap. Bound: |sum| <= 32 * 2^15.
 * Cannot fail. Source: arXiv:1609.09106. */
void tp_hyper_q8_fwd_ref(const tp_hyper *op, const tp_q16 *h, tp_q8 *w) {
    uint32_t rng = tp_rng_seed((uint32_t)op->seed);
    uint32_t most = 0;
    for (int32_t j = 0; j < TP_HYPER_HIDDEN; j++) {
        most += tp_abs32(h->v[j]);
    }
    const int shift = (int)tp_max32(tp_bits32(most) - 7, 0);
    for (int32_t i = 0; i < op->n; i++) {
        const int32_t sum =
            signed_sum(tp_rng_next(&rng), h->v, TP_HYPER_HIDDEN);
        const int32_t v = tp_shift_round(sum, shift);
        w->v[i] = (int8_t)tp_clamp32(v, -127, 127);
    }
    w->e = (int8_t)(h->e + shift - op->shift);
    w->reserved[0] = w->reserved[1] = w->reserved[2] = 0;
}

/* Gradient to the hidden values, in real units: dh = S^T dw * unit * 2^-shift.
 *   op  n, seed, shift, unit
 *   dw  [in]     q32 [n]
 *   dh  [in/out] q32 [32], exponent dw.e + unit.s - shift
 *       dh += round(sum * unit.m * 2^-31)
 * No overlap. Bound: n * 2^31 fits int64; a sum that leaves 32 bits saturates,
 * which takes all signs to agree on the largest gradient.
 * Cannot fail. Source: chain rule. */
void tp_hyper_bwd_h_ref(const tp_hyper *op, const tp_q32 *dw, tp_q32 *dh) {
    uint32_t rng = tp_rng_seed((uint32_t)op->seed);
    int64_t sum[TP_HYPER_HIDDEN] = {0};
    for (int32_t i = 0; i < op->n; i++) {
        uint32_t signs = tp_rng_next(&rng);
        const int64_t g = dw->v[i];
        for (int32_t j = 0; j < TP_HYPER_HIDDEN; j++, signs >>= 1) {
            sum[j] += (signs & 1u) != 0 ? g : -g;
        }
    }
    for (int32_t j = 0; j < TP_HYPER_HIDDEN; j++) {
        const int32_t v = tp_srdhm(tp_sat32(sum[j]), op->unit.m);
        dh->v[j] = tp_sat32((int64_t)dh->v[j] + v);
    }
    dh->e = dw->e + op->unit.s - op->shift;
}

/* Gradient to the code, added to the batch's: dz = S^T (hard_swish' dh)
 * * 2^-shift.
 *   op  n in [1, 32], seed, shift
 *   dh  [in]     q32   [32]
 *   z   [in]     int16 [n]
 *   dz  [in/out] q32   [n], exponent dh.e - shift
 * No overlap. Bound: |slope| <= 1.5 and 32 terms stay below 2^37; a sum that
 * leaves 32 bits saturates.
 * Cannot fail. Source: chain rule. */
void tp_hyper_bwd_z_ref(const tp_hyper *op, const tp_q32 *dh, const int16_t *z,
                        tp_q32 *dz) {
    uint32_t rng = tp_rng_seed((uint32_t)op->seed);
    int64_t sum[32] = {0};
    for (int32_t j = 0; j < TP_HYPER_HIDDEN; j++) {
        uint32_t signs = tp_rng_next(&rng);
        const int32_t x =
            tp_shift_round(signed_sum(signs, z, op->n), op->shift);
        const int64_t g = tp_shift_round((int64_t)dh->v[j] * slope(x), 14);
        for (int32_t i = 0; i < op->n; i++, signs >>= 1) {
            sum[i] += (signs & 1u) != 0 ? g : -g;
        }
    }
    for (int32_t i = 0; i < op->n; i++) {
        dz->v[i] = tp_sat32(dz->v[i] + sum[i]);
    }
    dz->e = dh->e - op->shift;
}

/* Sum of the gradients that several slots give to what they share.
 *   op  n
 *   a   [in]  q32 [n]
 *   b   [in]  q32 [n]
 *   y   [out] q32 [n], the larger of the two exponents
 *       y = round(a) + round(b), saturated
 * Cannot fail. Source: chain rule. */
void tp_sum_q32_ref(const tp_sum *op, const tp_q32 *a, const tp_q32 *b,
                    tp_q32 *y) {
    const int32_t e = tp_max32(a->e, b->e);
    for (int32_t i = 0; i < op->n; i++) {
        const int64_t sum = (int64_t)tp_shift_round(a->v[i], e - a->e) +
                            tp_shift_round(b->v[i], e - b->e);
        y->v[i] = tp_sat32(sum);
    }
    y->e = e;
}
