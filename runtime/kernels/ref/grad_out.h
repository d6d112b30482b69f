/* How every backward kernel writes a gradient: at the exponent that the delayed
 * scale holds, rounded, saturated, and with its size noted for the next update.
 */
#ifndef TP_KERNELS_REF_GRAD_OUT_H
#define TP_KERNELS_REF_GRAD_OUT_H

#include "core/fixed.h"
#include "tinypeft/types.h"

/* One gradient value.
 *   g      [in/out] peak and clipped are brought up to date
 *   acc    its exact value in some unit 2^e, |acc| < 2^62
 *   shift  g->e - e, any: the result is round(acc * 2^-shift)
 * Returns it saturated to [-127, 127]. */
static inline int8_t tp_grad_out(tp_gscale *g, int64_t acc, int shift) {
    const int32_t v = tp_shift_round(acc, shift);
    g->peak |= tp_abs32(v);
    if (v >= -127 && v <= 127) {
        return (int8_t)v;
    }
    if (g->clipped < UINT16_MAX) {
        g->clipped++;
    }
    return v > 0 ? 127 : -127;
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
