/* How every backward kernel writes a gradient: at the exponent that the delayed
 * scale holds, rounded, saturated, and with its size noted for the next update.
 */
#ifndef TP_KERNELS_REF_GRAD_OUT_H
#define TP_KERNELS_REF_GRAD_OUT_H

#include "core/fixed.h"
#include "tinypeft/types.h"

/* One gradient value, in steps of 2^g->e: saturated to [-127, 127].
 *   g  [in/out] peak is brought up to date. Of v < 0 it takes -1 - v, which two
 *      instructions give: only its bits count, and -128 is no reason for a
 *      larger exponent. */
static inline int8_t tp_grad_put(tp_gscale *g, int32_t v) {
    g->peak |= (uint32_t)(v ^ (v >> 31));
    return (int8_t)tp_clamp32(v, -127, 127);
}

/* The same from an exact value.
 *   acc    in some unit 2^e, |acc| < 2^62
 *   shift  g->e - e, any: the result is round(acc * 2^-shift) */
static inline int8_t tp_grad_out(tp_gscale *g, int64_t acc, int shift) {
    return tp_grad_put(g, tp_shift_round(acc, shift));
}

/* What `shift` is to be for sums in the unit 2^e. At least 2: then the shift is
 * one multiplication by 2^(32 - shift). Sums of many products are larger than
 * that; where they are not, the exponent rises: all samples of a batch meet the
 * same one, for e moves between updates only. */
static inline int tp_grad_shift(tp_gscale *g, int e) {
    g->e = (int8_t)tp_max32(g->e, e + 2);
    return g->e - e;
}

/* The exponent at which numbers in units 2^a and 2^b are to be added: the
 * smaller one, but at most 24 below the larger, so that int64 holds both; what
 * lies lower than that rounds away. */
static inline int tp_common_exp(int a, int b) {
    const int low = a < b ? a : b;
    const int high = a < b ? b : a;
    return low > high - 24 ? low : high - 24;
}

/* v * 2^shift, rounded, for shift <= 24: |result| < 2^55. */
static inline int64_t tp_to_exp(int32_t v, int shift) {
    if (shift < 0) {
        return tp_shift_round(v, -shift);
    }
    return (int64_t)v * (INT32_C(1) << shift);
}

#endif
