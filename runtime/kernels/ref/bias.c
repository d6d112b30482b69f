/* BitFit: trained biases. Ben Zaken et al. 2022, arXiv:2106.10199. */
#include "runtime/kernels/ref/grad_out.h"
#include "tinypeft/kernels.h"

/* round(db * m * 2^(s - 31)), halves up, saturated. Shifted by 16 to 32 it is
 * the upper word of a product that fits: |db| 2^16 <= 2^31. */
static inline int32_t delta(int16_t db, int32_t m, int32_t s) {
    if (s < -1 || s > 15) {
        return tp_scale(db, m, s);
    }
    const int32_t x = db * ((int32_t)1 << (s + 1));
    return (int32_t)(((int64_t)x * m + INT64_C(0x80000000)) >> 32);
}

/* The bias that a convolution is to use.
 *   op  n channels; m, s: 2^-13 / (s_x * s_w[c])
 *   b   [in]  int32 [n], of the base model, scale s_x * s_w[c]
 *   db  [in]  int16 [n], units of 2^-13
 *   y   [out] int32 [n], scale of b; may be b
 *       y = b + round(db * m * 2^(s - 31)); the sum stays within
 *       [min(b, -2^30), max(b, 2^30)], so that a trained bias never brings the
 *       convolution's accumulator nearer to overflow than 2^30
 * Bound: |db * m| < 2^46; the sum is formed in int64.
 * Cannot fail. Source: arXiv:2106.10199. */
void tp_bias_s16_fwd_ref(const tp_bias *op, const int32_t *b, const int16_t *db,
                         int32_t *y) {
    const int32_t limit = INT32_C(1) << 30;
    for (int32_t c = 0; c < op->n; c++) {
        const int32_t d = delta(db[c], op->m[c], op->s[c]);
        const int32_t least = tp_min32(b[c], -limit);
        const int32_t most = tp_max32(b[c], limit);
        const int64_t sum = (int64_t)b[c] + d;
        y[c] = sum < least ? least : sum > most ? most : (int32_t)sum;
    }
}

/* Gradient to the biases, added to the batch's.
 *   op  n channels, `pixels` pixels
 *   dy  [in]     q8  [pixels][n]
 *   db  [in/out] q32 [n], exponent dy.e
 *       db[c] += sum over pixels of dy
 * No overlap. Bound: pixels * 127 * 256 samples < 2^31 for pixels <= 66,051.
 * Cannot fail. Source: chain rule. */
void tp_bias_q8_bwd_w_ref(const tp_bias *op, const tp_q8 *dy, tp_q32 *db) {
    const int8_t *d = dy->v;
    for (int32_t p = 0; p < op->pixels; p++) {
        for (int32_t c = 0; c < op->n; c++) {
            db->v[c] += *d++;
        }
    }
    db->e = dy->e;
}
