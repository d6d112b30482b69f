/* CONV_2D, and FULLY_CONNECTED as a 1x1 convolution, for Helium: a pixel's
 * window is copied as one run of bytes, then multiplied with the weights of
 * four channels after the other. */
#include "core/fixed.h"
#include "runtime/kernels/mve/mve.h"
#include "tinypeft/kernels.h"

/* What the windows of a column of the output see of each row of x. */
typedef struct span {
    int32_t from;    /* bytes from the row's first */
    int32_t left, n; /* bytes of padding, of x */
} span;

static span span_of(const tp_conv2d *op, int32_t ox) {
    const int32_t ix = ox * op->stride_w - op->pad_l;
    const int32_t from = tp_clamp32(ix, 0, op->in_w);
    const int32_t end = tp_clamp32(ix + op->k_w, from, op->in_w);
    return (span){from * op->in_c, tp_clamp32(-ix, 0, op->k_w) * op->in_c,
                  (end - from) * op->in_c};
}

/* The window, padding included. */
static void copy_window(const tp_conv2d *op, const int8_t *x, int32_t oy,
                        int32_t ox, int8_t *to) {
    const span s = span_of(op, ox);
    const int32_t iy = oy * op->stride_h - op->pad_t;
    const int32_t first = tp_clamp32(-iy, 0, op->k_h);
    const int32_t end = tp_clamp32(op->in_h - iy, first, op->k_h);
    const int32_t row = op->k_w * op->in_c;
    const int32_t step = op->in_w * op->in_c;
    if (s.n < row || end - first < op->k_h) {
        tp_mve_fill((int8_t)op->x_zp, op->k_h * row, to);
    }
    to += first * row + s.left;
    for (int32_t ky = first; ky < end; ky++, to += row) {
        tp_mve_copy(x + (iy + ky) * step + s.from, s.n, to);
    }
}

/* conv2d_s8_fwd_ref, byte for byte.
 *   op       conv as there, m and s unused, out_c >= 4, no dilation, all s in
 *            [-31, 0]; w, 0 behind the products, and channel as in mve.h
 *   x, y     as there
 *   b        unused: channel has the bias
 *   scratch  int8 [k_h * k_w * in_c], rounded up to 16; what is behind
 *            the window is read and means nothing
 * y may lie over x where no pixel of y, in the order of op->reverse, lands on a
 * pixel of x that a later one reads: a window is read before it is written.
 * Sums wrap as there: no bound is needed. Cannot fail. */
void tp_conv2d_s8_fwd_mve(const tp_conv2d_mve *op, const int8_t *x,
                          const int32_t *b, int8_t *y, uint32_t *scratch) {
    const tp_conv2d *c = &op->conv;
    const tp_mve_layer l = {c->w, op->channel, c->y_zp, c->y_min, c->y_max};
    const int32_t blocks = (c->k_h * c->k_w * c->in_c + 15) / 16;
    int8_t *window = (int8_t *)scratch;
    (void)b;
    for (int32_t row = 0; row < c->out_h; row++) {
        const int32_t oy = c->reverse != 0 ? c->out_h - 1 - row : row;
        for (int32_t col = 0; col < c->out_w; col++) {
            const int32_t ox = c->reverse != 0 ? c->out_w - 1 - col : col;
            copy_window(c, x, oy, ox, window);
            tp_mve_dots(&l, window, blocks, c->out_c,
                        y + (oy * c->out_w + ox) * c->out_c);
        }
    }
}
