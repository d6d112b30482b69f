#include <string.h>

#include "runtime/kernels/ref/copy_bytes.h"
#include "tinypeft/kernels.h"

/* The innermost axis: bytes that follow each other, or any. */
static void copy_row(const tp_copy *op, const int8_t *x, int8_t *y) {
    const int32_t x_step = op->x_stride[5], y_step = op->y_stride[5];
    if (x_step == 1 && y_step == 1) {
        tp_copy_bytes(x, y, op->dim[5]);
        return;
    }
    for (int32_t n = op->dim[5]; n > 0; n--, x += x_step, y += y_step) {
        *y = *x;
    }
}

/* The innermost axis runs in the inner loop; the other five count like an
 * odometer. The offsets stay within the two tensors: the plan proved
 * offset + sum (dim - 1) * stride for both, at either sign of a stride. */
static void copy(const tp_copy *op, const int8_t *x, int8_t *y) {
    int32_t at[5] = {0};
    int32_t from = op->x_offset, to = op->y_offset;
    int axis;

    do {
        copy_row(op, x + from, y + to);
        for (axis = 4; axis >= 0; axis--) {
            from += op->x_stride[axis];
            to += op->y_stride[axis];
            if (++at[axis] < op->dim[axis]) {
                break;
            }
            from -= op->dim[axis] * op->x_stride[axis];
            to -= op->dim[axis] * op->y_stride[axis];
            at[axis] = 0;
        }
    } while (axis >= 0);
}

/* Strided copy: y[y_offset + i . y_stride] = x[x_offset + i . x_stride] for
 * every index i over dim.
 *   op   dim >= 1, unused axes 1; strides in elements, any sign
 *   x    [in]  int8
 *   y    [out] int8; other elements keep their value
 * No overlap. */
void tp_copy_s8_fwd_ref(const tp_copy *op, const int8_t *x, int8_t *y) {
    copy(op, x, y);
}

/* y = value.
 *   op   value in [-128, 127]
 *   y    [out] int8 [n] */
void tp_fill_s8_fwd_ref(const tp_fill *op, int8_t *y) {
    memset(y, op->value, (size_t)op->n);
}

/* Gradient of a strided copy: the copy the other way. `op` is written from
 * the gradient's view: x_* of dy, y_* of dx.
 *   dy   [in]  tp_q8
 *   dx   [out] tp_q8, with dy's exponent; other elements keep their value
 * No overlap. */
void tp_copy_q8_bwd_x_ref(const tp_copy *op, const tp_q8 *dy, tp_q8 *dx) {
    dx->e = dy->e;
    copy(op, dy->v, dx->v);
}

/* Zeroes what a scattering copy will not write; the copy sets the exponent.
 *   op   value 0
 *   dx   [out] tp_q8 [n], its values alone */
void tp_fill_q8_bwd_x_ref(const tp_fill *op, tp_q8 *dx) {
    memset(dx->v, op->value, (size_t)op->n);
}
