/* Where an activation was clamped its gradient is zero. The forward step saves
 * either the output itself or one bit of each value. */
#include <stdbool.h>

#include "tinypeft/kernels.h"

/* A value at a bound that lies outside int8 cannot occur: y_min < -128 or
 * y_max > 127 never clamps. */
static bool passes(const tp_clamp *op, int8_t y) {
    return y > op->y_min && y < op->y_max;
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
            byte |= passes(op, y[i]) ? 1u << (i - first) : 0u;
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
        dx->v[i] = passes(op, y[i]) ? dy->v[i] : (int8_t)0;
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
    for (int32_t i = 0; i < op->n; i++) {
        const bool open = (bits[i / 8] >> (i % 8) & 1) != 0;
        dx->v[i] = open ? dy->v[i] : (int8_t)0;
    }
    dx->e = dy->e;
}
