/* How a LoRA branch enters the accumulator of its layer. */
#ifndef TP_KERNELS_REF_LORA_H
#define TP_KERNELS_REF_LORA_H

#include "core/fixed.h"
#include "tinypeft/ops.h"

/* Sums over ranks are that many bits finer: as many as fit, for
 * rank * 127 * 32767 * 2^bits < 2^31. */
static inline int tp_lora_bits(int32_t rank) {
    return rank <= 4 ? 7 : (rank <= 8 ? 6 : 5);
}

/* What such a sum is multiplied with, over 2^32: m 2^(-shift), halves up, m in
 * [2^30, 2^31), or 0. Held below 2^31: only where one unit of a sum is more
 * than 16 units of the accumulator would it be more. */
static inline int32_t tp_lora_scale(int32_t m, int shift) {
    if (shift > 0) {
        return shift > 31 ? 0 : ((m >> (shift - 1)) + 1) >> 1;
    }
    return shift < 0 && m != 0 ? INT32_MAX : m;
}

/* That of channel c for sums of exponent e: 2^e / s_w[c]. */
static inline int32_t tp_lora_factor(const tp_conv2d *op, int32_t c, int e) {
    const int bits = tp_lora_bits(op->rank) - 1;
    return tp_lora_scale(op->lora_m[c], bits - op->lora_s[c] - e);
}

/* A sum with these bits times the factor, over 2^32: halves up. */
static inline int32_t tp_lora_add(int32_t sum, int32_t factor) {
    const int64_t product = (int64_t)sum * factor;
    return (int32_t)((product + (INT64_C(1) << 31)) >> 32);
}

#endif
