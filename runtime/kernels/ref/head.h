/* How sums become logits. */
#ifndef TP_KERNELS_REF_HEAD_H
#define TP_KERNELS_REF_HEAD_H

#include "core/scaler.h"
#include "tinypeft/ops.h"

/* Of a sum, to units of 2^-8. */
static inline tp_scaler tp_logit_scaler(const tp_head *op, const tp_q8 *w) {
    return tp_scaler_of(op->scale.m, 31 - (op->scale.s + w->e + 8));
}

/* round(s_x * acc * 2^(w.e + 8)) + other, saturated. |other| <= 2^15: where the
 * first is beyond 2^16, so is the sum beyond 2^15. */
static inline int16_t tp_logit(const tp_scaler *s, int32_t acc, int32_t other) {
    const int32_t most = INT32_C(1) << 16;
    const int32_t scaled = tp_clamp32(tp_scaled(s, acc), -most, most - 1);
    return (int16_t)tp_clamp32(scaled + other, INT16_MIN, INT16_MAX);
}

#endif
