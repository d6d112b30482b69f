/* ADD, SUB and MUL in Helium, four values at a time. */
#include "runtime/kernels/dsp/eltwise.h"
#include "runtime/kernels/mve/mve.h"
#include "tinypeft/kernels.h"

/* add_s8_fwd_ref, byte for byte.
 *   op, a, b, y  as for add_s8_fwd_dsp. Bounds: as there. Cannot fail. */
void tp_add_s8_fwd_mve(const tp_eltwise *op, const int8_t *a, const int8_t *b,
                       int8_t *y) {
    const tp_sum_rows rows = {tp_mve_row_add, tp_mve_row_sub, tp_mve_row_minus};
    tp_eltwise_sums(op, a, b, y, &rows);
}

/* mul_s8_fwd_ref, byte for byte.
 *   op, a, b, y  as for mul_s8_fwd_dsp. Bounds: as there. Cannot fail. */
void tp_mul_s8_fwd_mve(const tp_eltwise *op, const int8_t *a, const int8_t *b,
                       int8_t *y) {
    tp_eltwise_products(op, a, b, y, tp_mve_row_mul);
}
