#include "runtime/kernels/ref/grad_out.h"
#include "tinypeft/kernels.h"

/* Any function of one byte: activations and requantisation.
 *   op   table: y's byte for each of x's bytes
 *   x    [in]  bytes [n], int8 or uint8
 *   y    [out] bytes [n]
 * y may be x. The table holds TensorFlow Lite Micro's answers, made by the
 * compiler (compiler/ops/lut_tables.c). */
void tp_lut_s8_fwd_ref(const tp_lut *op, const uint8_t *x, uint8_t *y) {
    const uint8_t *table = op->table; /* y may be any memory: so may *op */
    for (int32_t n = op->n; n > 0; n--) {
        *y++ = table[*x++];
    }
}

/* Gradient of a function of one byte: dx = dy * f'(x).
 *   op   slope: f' in real units * 2^14, 0 where y was clamped
 *   dy   [in]  tp_q8 [n]
 *   x    [in]  bytes [n], the forward input
 *   dx   [out] tp_q8 [n] at exponent g->e; may be dy
 *   g    [in/out] delayed scale of dx
 * |dy * slope| <= 128 * 2^15 < 2^31. */
void tp_lut_q8_bwd_x_ref(const tp_lut *op, const tp_q8 *dy, const uint8_t *x,
                         tp_q8 *dx, tp_gscale *g) {
    const int shift = g->e - dy->e + 14;

    dx->e = g->e;
    for (int32_t i = 0; i < op->n; i++) {
        const int32_t product = dy->v[i] * op->slope[x[i]];
        dx->v[i] = tp_grad_out(g, product, shift);
    }
}
