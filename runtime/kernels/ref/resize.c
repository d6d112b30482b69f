#include "runtime/kernels/ref/copy_bytes.h"
#include "runtime/kernels/ref/grad_out.h"
#include "tinypeft/kernels.h"

/* Nearest neighbour: each output pixel is a copy of one input pixel.
 *   op   row [out_h] in [0, in_h), col [out_w] in [0, in_w), not falling
 *   x    [in]  int8 [in_h][in_w][c]
 *   y    [out] int8 [out_h][out_w][c]
 * No overlap. Source: TensorFlow Lite, resize nearest neighbor. */
void tp_resize_s8_fwd_ref(const tp_resize *op, const int8_t *x, int8_t *y) {
    for (int32_t oy = 0; oy < op->out_h; oy++) {
        for (int32_t ox = 0; ox < op->out_w; ox++) {
            const int8_t *from =
                x + (op->row[oy] * op->in_w + op->col[ox]) * op->c;
            tp_copy_bytes(from, y, op->c);
            y += op->c;
        }
    }
}

/* End of the run of outputs, from `first` on, that copy input `i`. */
static int32_t run_end(const int16_t *source, int32_t n, int32_t first,
                       int32_t i) {
    int32_t end = first;
    while (end < n && source[end] == i) {
        end++;
    }
    return end;
}

/* Sum of dy's channel c over the rows oy[0] .. oy[1] and columns ox[0] ..
 * ox[1], the ends excluded. */
static int32_t sum_over(const tp_resize *op, const int8_t *dy,
                        const int32_t oy[2], const int32_t ox[2], int32_t c) {
    int32_t sum = 0;
    for (int32_t row = oy[0]; row < oy[1]; row++) {
        for (int32_t col = ox[0]; col < ox[1]; col++) {
            sum += dy[(row * op->out_w + col) * op->c + c];
        }
    }
    return sum;
}

/* Gradient of the nearest neighbour: dx = sum of dy over the copies.
 *   op   as above; row and col do not fall, so the copies of a pixel are a
 *        rectangle (empty where a smaller output passed over it)
 *   dy   [in]  tp_q8 [out_h][out_w][c]
 *   dx   [out] tp_q8 [in_h][in_w][c] at exponent g->e
 *   g    [in/out] delayed scale of dx
 * No overlap. |sum| <= out_h * out_w * 128 < 2^31: out_h * out_w < 2^24. */
void tp_resize_q8_bwd_x_ref(const tp_resize *op, const tp_q8 *dy, tp_q8 *dx,
                            tp_gscale *g) {
    const int shift = g->e - dy->e;
    int8_t *to = dx->v;
    int32_t oy[2] = {0, 0};

    dx->e = g->e;
    for (int32_t iy = 0; iy < op->in_h; iy++, oy[0] = oy[1]) {
        int32_t ox[2] = {0, 0};
        oy[1] = run_end(op->row, op->out_h, oy[0], iy);
        for (int32_t ix = 0; ix < op->in_w; ix++, ox[0] = ox[1]) {
            ox[1] = run_end(op->col, op->out_w, ox[0], ix);
            for (int32_t c = 0; c < op->c; c++) {
                const int32_t sum = sum_over(op, dy->v, oy, ox, c);
                *to++ = tp_grad_out(g, sum, shift);
            }
        }
    }
}
