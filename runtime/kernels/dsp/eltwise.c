/* ADD, SUB and MUL of rows whose values follow each other in both inputs. */
#include "runtime/kernels/dsp/eltwise.h"
#include "tinypeft/kernels.h"

/* add_s8_fwd_ref, byte for byte.
 *   op       as there; a_stride[3] and b_stride[3] are 1, y.s in [-22, -1]
 *   a, b, y  as there
 * Bounds: as there |sum| < 2^28, so that |t| < 2^28 after the product with y,
 * and |y_r| <= 128 * 2^22 + 2^21 < 2^30 may be added. The smaller factor is
 * below 1/2, or it is 1/2: then x2 (2^31 - 1) / 2^32 = x2 / 2 - x2 / 2^32, for
 * |x2| <= 255 * 2^21 less than 1/2 beside the integer x2 / 2. Cannot fail. */
void tp_add_s8_fwd_dsp(const tp_eltwise *op, const int8_t *a, const int8_t *b,
                       int8_t *y) {
    const tp_sum_rows rows = {tp_dsp_row_add, tp_dsp_row_sub, tp_dsp_row_minus};
    tp_eltwise_sums(op, a, b, y, &rows);
}

/* mul_s8_fwd_ref, byte for byte.
 *   op       as there; a_stride[3] and b_stride[3] are 1, y.s in [-22, -1]
 *   a, b, y  as there
 * Bounds: |product| <= 255 * 255, and as above. Cannot fail. */
void tp_mul_s8_fwd_dsp(const tp_eltwise *op, const int8_t *a, const int8_t *b,
                       int8_t *y) {
    tp_eltwise_products(op, a, b, y, tp_dsp_row_mul);
}
