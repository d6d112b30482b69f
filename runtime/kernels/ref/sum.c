/* Sum of two gradients: of a tensor that two operations read. */
#include "runtime/kernels/ref/grad_out.h"
#include "tinypeft/kernels.h"

/* y = a + b in real units.
 *   op  n values
 *   a   [in]  q8 [n]
 *   b   [in]  q8 [n]
 *   y   [out] q8 [n], exponent g->e; may be a or b
 *   g   [in/out] delayed scale of y
 * The sum is exact where the exponents differ by at most 24; beyond that the
 * smaller one rounds away. Bound: 2 * 128 * 2^24 in int64.
 * Cannot fail. Source: chain rule. */
void tp_sum_q8_bwd_x_ref(const tp_sum *op, const tp_q8 *a, const tp_q8 *b,
                         tp_q8 *y, tp_gscale *g) {
    const int e = tp_common_exp(a->e, b->e);
    const int shift_a = a->e - e;
    const int shift_b = b->e - e;
    for (int32_t i = 0; i < op->n; i++) {
        const int64_t sum =
            tp_to_exp(a->v[i], shift_a) + tp_to_exp(b->v[i], shift_b);
        y->v[i] = tp_grad_out(g, sum, g->e - e);
    }
    y->e = g->e;
}
