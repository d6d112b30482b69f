/* Exponential and logarithm in integers, for softmax and cross-entropy. No
 * tables, no division; the exponential takes four 32x32-bit products, the
 * logarithm eight.
 *
 * The errors that are stated here are tested over the whole range. */
#ifndef TP_KERNELS_REF_EXP_H
#define TP_KERNELS_REF_EXP_H

#include "core/fixed.h"

/* 2^-t.
 *   t  >= 0, in 2^-20
 * Returns it in 2^-30, in [0, 2^30]; |error| <= 4e-6.
 * t = k + f, 0 <= f < 1, and 2^-f is near the polynomial of degree 4 with the
 * least maximum error on [0, 1], 1.9e-6 (Remez exchange), in Horner's form, its
 * coefficients rounded to what two instructions can add. It is
 * evaluated at f / 2, with coefficients that are 2, 4, 8 and 16 times as large:
 * f / 2 in Q32 fits 31 bits, and a product is the upper word alone. Signs
 * alternate, so each sum is a difference, of at most 1.39 in Q30. */
static inline uint32_t tp_exp2_neg_q20(uint32_t t) {
    const uint32_t k = t >> 20;
    const int32_t f = (int32_t)((t & 0xFFFFFu) << 11); /* f / 2 in Q32 */
    int32_t y = INT32_C(0x07036160);
    y = INT32_C(0x1B425000) - (int32_t)(((int64_t)y * f) >> 32);
    y = INT32_C(0x3D4C7000) - (int32_t)(((int64_t)y * f) >> 32);
    y = INT32_C(0x58B60000) - (int32_t)(((int64_t)y * f) >> 32);
    y = INT32_C(0x40000000) - (int32_t)(((int64_t)y * f) >> 32);
    return k > 30 ? 0 : (uint32_t)y >> k;
}

/* Bits needed for x >= 0: 0 for 0. */
static inline int tp_bits64(int64_t x) {
    const uint32_t high = (uint32_t)(x >> 32);
    return high != 0 ? 32 + tp_bits32(high) : tp_bits32((uint32_t)x);
}

/* ln(x * 2^-30).
 *   x  in [1, 2^62)
 * Returns it in 2^-20; |error| <= 2e-6. x = 2^k (1 + f), 0 <= f < 1, and
 * log2(1 + f) is the polynomial of degree 7 with the least maximum error on
 * [0, 1], 2.8e-7 (Remez exchange); every coefficient and every sum is below 2,
 * so Q30 does not overflow. */
static inline int32_t tp_ln_q20(int64_t x) {
    static const int32_t c[7] = {INT32_C(-83818572),  INT32_C(206254570),
                                 INT32_C(-348164998), INT32_C(507770279),
                                 INT32_C(-773580555), INT32_C(1549040369),
                                 INT32_C(298)};
    const int bits = tp_bits64(x);
    const uint32_t m =
        (uint32_t)(bits > 32 ? x >> (bits - 32) : x << (32 - bits));
    const int32_t f = (int32_t)(m & INT32_MAX); /* Q31: m in [2^31, 2^32) */
    int32_t y = INT32_C(16240731);
    for (int i = 0; i < 7; i++) {
        y = tp_srdhm(y, f) + c[i];
    }
    const int32_t log2 = (bits - 31) * (1 << 20) + ((y + 512) >> 10);
    return tp_srdhm(log2, INT32_C(1488522236)); /* ln(2) in 2^-31 */
}

#endif
