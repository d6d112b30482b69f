/* DEPTHWISE_CONV_2D for Helium: eight channels after the other, row by row. The
 * rows of x under a row of y lie in a ring, with their padding. */
#include "core/fixed.h"
#include "runtime/kernels/mve/mve.h"
#include "tinypeft/kernels.h"

/* Row iy of x, `channels` from x on, into its slot; the columns of padding are
 * there. */
static void copy_row(const tp_conv2d *op, const tp_mve_rows *r, const int8_t *x,
                     int32_t iy, int8_t *to) {
    const int32_t columns = r->row / TP_MVE_DEPTHWISE;
    const int32_t left = tp_min32(op->pad_l, columns);
    const int32_t n = tp_min32(op->in_w, columns - left);
    if (iy < 0 || iy >= op->in_h) {
        tp_mve_fill((int8_t)op->x_zp, r->row, to);
        return;
    }
    tp_mve_columns(x + iy * op->in_w * op->in_c, n, op->in_c, r->channels,
                   to + left * TP_MVE_DEPTHWISE);
}

/* A group of channels, from x and y on. */
static void run_group(const tp_conv2d *op, const tp_mve_layer *l,
                      tp_mve_rows *r, const int8_t *x, int8_t *y,
                      int8_t *ring) {
    int32_t next = 0; /* row to copy, from the first of padding on */
    int32_t slot = 0; /* of it */
    for (int32_t oy = 0; oy < op->out_h; oy++) {
        const int32_t first = oy * op->stride_h;
        for (; next < first + op->k_h; next++) {
            if (next >= first) {
                copy_row(op, r, x, next - op->pad_t, ring + slot * r->row);
            }
            slot = slot + 1 < op->k_h ? slot + 1 : 0;
        }
        r->first = ring + slot * r->row;
        tp_mve_taps(l, r, y + oy * op->out_w * op->out_c);
    }
}

/* dwconv2d_s8_fwd_ref, byte for byte.
 *   op       conv as there, m and s unused, no dilation, out_c = in_c, all s in
 *            [-31, 0]; w [groups][k_h][k_w][8], none -128; channel as in mve.h
 *   x, y     as there
 *   b        unused: channel has the bias
 *   scratch  int8 [k_h][(out_w - 1) * stride_w + k_w][8]
 * y may begin where x does if the rows of x under each row of y reach as far as
 * that does: they are read before it is written, group by group. No overlap
 * else. Sums wrap as there: no bound is needed. Cannot fail. */
void tp_dwconv2d_s8_fwd_mve(const tp_conv2d_mve *op, const int8_t *x,
                            const int32_t *b, int8_t *y, uint32_t *scratch) {
    const tp_conv2d *c = &op->conv;
    const int32_t taps = c->k_h * c->k_w;
    const int32_t columns = (c->out_w - 1) * c->stride_w + c->k_w;
    int8_t *ring = (int8_t *)scratch;
    tp_mve_layer l = {c->w, op->channel, c->y_zp, c->y_min, c->y_max};
    tp_mve_rows r = {.row = columns * TP_MVE_DEPTHWISE,
                     .k_h = c->k_h,
                     .k_w = c->k_w,
                     .step = c->stride_w * TP_MVE_DEPTHWISE,
                     .n = c->out_w,
                     .out_c = c->out_c};
    r.ring = c->k_h * r.row;
    r.end = ring + r.ring;
    (void)b;
    tp_mve_fill((int8_t)c->x_zp, r.ring, ring);
    for (int32_t ic = 0; ic < c->in_c; ic += TP_MVE_DEPTHWISE) {
        r.channels = tp_min32(c->in_c - ic, TP_MVE_DEPTHWISE);
        run_group(c, &l, &r, x + ic, y + ic, ring);
        l.w += taps * TP_MVE_DEPTHWISE;
        l.channel += TP_MVE_DEPTHWISE * TP_MVE_TABLE;
    }
}
