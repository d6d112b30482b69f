/* Where an activation was clamped its gradient is zero. The forward step saves
 * either the output itself or one bit of each value. */
#include "tinypeft/kernels.h"

/* 1 where the clamp let a value through, else 0. A value at a bound that lies
 * outside int8 cannot occur: y_min < -128 or y_max > 127 never clamps. Half of
 * all values are clamped, in no order: a branch would be mispredicted as
 * often. */
static uint32_t passes(const tp_clamp *op, int8_t y) {
    return (uint32_t)(y > op->y_min) & (uint32_t)(y < op->y_max);
}

/* v where open is 1, 0 where it is 0; without a branch. */
static int8_t gated(int8_t v, uint32_t open) {
    return (int8_t)(v & -(int32_t)open);
}

/* One bit of each value: 1 where it was not clamped.
 *   op    n, y_min, y_max
 *   y     [in]  int8  [n]
 *   bits  [out] uint8 [(n + 7) / 8], value i is bit i % 8 of byte i / 8 (least
 *         significant first); unused bits are 0
 * No overlap. Cannot fail. Source: derivative of a clamp. */
void tp_mask_s8_fwd_ref(const tp_clamp *op, const int8_t *y, uint8_t *bits) {
    for (int32_t first = 0; first < op->n; first += 8) {
        uint32_t byte = 0;
        for (int32_t i = first; i < first + 8 && i < op->n; i++) {
            byte |= passes(op, y[i]) << (i - first);
        }
        *bits++ = (uint8_t)byte;
    }
}

/* Gradient through a clamp, from its output.
 *   op  n, y_min, y_max
 *   dy  [in]  q8   [n]
 *   y   [in]  int8 [n], the clamp's output
 *   dx  [out] q8   [n], exponent dy.e; may be dy
 * Cannot fail. Source: derivative of a clamp; 0 at either bound. */
void tp_clamp_q8_bwd_x_ref(const tp_clamp *op, const tp_q8 *dy, const int8_t *y,
                           tp_q8 *dx) {
    for (int32_t i = 0; i < op->n; i++) {
        dx->v[i] = gated(dy->v[i], passes(op, y[i]));
    }
    dx->e = dy->e;
}

/* Gradient through a clamp, from the bits that mask_s8_fwd saved.
 *   op    n
 *   dy    [in]  q8    [n]
 *   bits  [in]  uint8 [(n + 7) / 8]
 *   dx    [out] q8    [n], exponent dy.e; may be dy
 * Cannot fail. Source: derivative of a clamp. */
void tp_mask_q8_bwd_x_ref(const tp_clamp *op, const tp_q8 *dy,
                          const uint8_t *bits, tp_q8 *dx) {
    for (int32_t first = 0; first < op->n; first += 8) {
        const uint32_t byte = *bits++;
        for (int32_t i = first; i < first + 8 && i < op->n; i++) {
            dx->v[i] = gated(dy->v[i], byte >> (i - first) & 1u);
        }
    }
    dx->e = dy->e;
}
