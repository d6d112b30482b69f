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

/* What such a sum of channel c, of exponent e, is multiplied with, over 2^32:
 * 2^e / s_w[c]. Held below 2^31: only where one unit of a sum is more than 16
 * units of the accumulator would it be more. */
static inline int32_t tp_lora_factor(const tp_conv2d *op, int32_t c, int e) {
    const int shift = tp_lora_bits(op->rank) - 1 - op->lora_s[c] - e;
    return tp_shift_round(op->lora_m[c], shift);
}

#endif
