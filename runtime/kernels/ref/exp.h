/* Exponential and logarithm in integers, for softmax and cross-entropy. No
 * tables, no division; the exponential takes five 32x32-bit products.
 *
 * The errors that are stated here are tested over the whole range. */
#ifndef TP_KERNELS_REF_EXP_H
#define TP_KERNELS_REF_EXP_H

#include "runtime/kernels/ref/grad_out.h"

/* exp(-x).
 *   x  >= 0, units of 2^-20 nats
 * Returns it in 2^-30, in [0, 2^30]; |error| <= 4e-6.
 * exp(-x) = 2^-k * 2^-f with x * log2(e) = k + f, 0 <= f < 1. 2^-f is the
 * polynomial of degree 4 with the least maximum error on [0, 1], 1.9e-6
 * (Remez exchange), in Horner's form; every coefficient is below 1, so Q30
 * does not overflow. */
static inline int32_t tp_exp_neg_q20(int32_t x) {
    const int64_t t = ((int64_t)x * INT32_C(1549082005)) >> 30; /* log2(e) */
    const int32_t k = (int32_t)(t >> 20);
    const int32_t f = (int32_t)(t & 0xFFFFF) << 11; /* Q31 */
    int32_t y = INT32_C(7353878);
    y = tp_srdhm(y, f) - INT32_C(57166560);
    y = tp_srdhm(y, f) + INT32_C(257105068);
    y = tp_srdhm(y, f) - INT32_C(744159319);
    y = tp_srdhm(y, f) + INT32_C(1073739835);
    return k > 30 ? 0 : y >> k;
}

/* Bits needed for x >= 0: 0 for 0. */
static inline int tp_bits64(int64_t x) {
    const uint32_t high = (uint32_t)(x >> 32);
    return high != 0 ? 32 + tp_bits32(high) : tp_bits32((uint32_t)x);
}

/* ln(x * 2^-30).
 *   x  in [1, 2^62)
 * Returns it in 2^-20; |error| <= 2e-6. log2 of the mantissa comes bit by bit:
 * squaring doubles the logarithm, and a square of 2 or more shows a 1. */
static inline int32_t tp_ln_q20(int64_t x) {
    const int bits = tp_bits64(x);
    uint32_t m = (uint32_t)(bits > 31 ? x >> (bits - 31) : x << (31 - bits));
    int32_t log2 = bits - 31;
    for (int i = 0; i < 20; i++) {
        m = (uint32_t)(((uint64_t)m * m) >> 30); /* in [2^30, 2^32) */
        log2 *= 2;
        if (m >> 31 != 0) {
            m >>= 1;
            log2++;
        }
    }
    return tp_srdhm(log2, INT32_C(1488522236)); /* ln(2) in 2^-31 */
}

#endif
