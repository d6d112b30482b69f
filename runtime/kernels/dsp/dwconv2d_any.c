/* DEPTHWISE_CONV_2D with any window, stride, dilation, multiplier and
 * activation: pixel by pixel, from a table of its taps (taps.h). What strip.h
 * has no function for. */
#include <stdbool.h>
#include <stddef.h>

#include "core/fixed.h"
#include "runtime/kernels/dsp/taps.h"
#include "runtime/kernels/ref/walk.h"
#include "tinypeft/kernels.h"

/* What each call works with. In scratch: the taps of a pixel; where biases or
 * factors are trained, the groups' channels; a pixel of padding, if there is
 * any; where the multiplier is not 1, every so many-th channel of a pixel of
 * y. */
typedef struct work {
    const tp_dwconv2d_any *op;
    const int8_t *x;
    uint32_t *tap;
    int32_t taps;
    int32_t groups; /* of input channels */
    const int32_t *channel;
    int8_t *pad, *row;
} work;

/* --- trained channels ----------------------------------------------------- */

/* m, R, e of taps.h. The factor 0, whose s is 0, has a shift that hides the
 * sign of the sum. */
static void put_factor(tp_factor f, int32_t y_zp, int32_t *to) {
    const int32_t e = f.m == 0 ? 1 : -f.s;
    to[0] = f.m;
    to[1] = (y_zp + 128) * (1 << e) + (1 << (e - 1));
    to[2] = e;
}

/* Channels of the group that begins with input channel ic, of output ic * mult
 * + k. Bound: the planner's, for all |b| <= limit and factors of tp_rescale. */
static void make_group(const tp_dwconv2d_any *op, const int32_t *b,
                       const tp_factor *f, int32_t first, const int32_t *from,
                       int32_t *to) {
    const int32_t mult = op->conv.out_c / op->conv.in_c;
    for (int32_t i = 0; i < TP_TAPS_CHANNEL; i++) {
        to[i] = from[i];
    }
    for (int32_t i = 0; i < TP_TAPS_GROUP; i++) {
        const int32_t oc = first + i * mult;
        to[i] += 2 * tp_clamp32(b[oc], -op->limit, op->limit);
        if (f != NULL) {
            put_factor(f[oc], op->conv.y_zp, to + TP_TAPS_GROUP + 3 * i);
        }
    }
}

static void make_channels(const work *v, const int32_t *b, const tp_factor *f,
                          int32_t *to) {
    const tp_conv2d *c = &v->op->conv;
    const int32_t mult = c->out_c / c->in_c;
    const int32_t *from = v->op->channel;
    for (int32_t k = 0; k < mult; k++) {
        for (int32_t g = 0; g < v->groups; g++) {
            const int32_t ic =
                tp_min32(g * TP_TAPS_GROUP, c->in_c - TP_TAPS_GROUP);
            make_group(v->op, b, f, ic * mult + k, from, to);
            from += TP_TAPS_CHANNEL;
            to += TP_TAPS_CHANNEL;
        }
    }
}

/* --- pixels --------------------------------------------------------------- */

/* The taps of a pixel, padding for those that lie outside the map. */
static void find_taps(const work *v, int32_t oy, int32_t ox) {
    const tp_conv2d *c = &v->op->conv;
    const int32_t left = ox * c->stride_w - c->pad_l;
    const int32_t end = left + c->k_w * c->dil_w;
    const uint32_t in_w = (uint32_t)c->in_w;
    const int32_t step = c->dil_w * c->in_c;
    uint32_t *tap = v->tap;
    int32_t iy = oy * c->stride_h - c->pad_t;
    for (int32_t ky = 0; ky < c->k_h; ky++, iy += c->dil_h) {
        const bool on_map = iy >= 0 && iy < c->in_h;
        int32_t at = (iy * c->in_w + left) * c->in_c;
        for (int32_t ix = left; ix < end; ix += c->dil_w, at += step) {
            tap = tp_tap_put(tap, on_map && (uint32_t)ix < in_w ? v->x + at
                                                                : v->pad);
        }
    }
}

/* All groups, the last of which overlaps the one before where the channels are
 * no multiple of four. */
static void run_groups(const work *v, tp_dsp_taps *t) {
    const int32_t in_c = v->op->conv.in_c;
    const int32_t whole = in_c / TP_TAPS_GROUP * TP_TAPS_GROUP;
    t->c = 0;
    t->c_end = whole;
    tp_dsp_pixel(t);
    t->w += whole / TP_TAPS_GROUP * 2 * v->taps;
    t->channel += whole / TP_TAPS_GROUP * TP_TAPS_CHANNEL;
    if (whole < in_c) {
        t->c = in_c - TP_TAPS_GROUP;
        t->c_end = in_c;
        tp_dsp_pixel(t);
        t->w += 2 * v->taps;
        t->channel += TP_TAPS_CHANNEL;
    }
}

/* One pixel, to y. */
static void pixel(const work *v, tp_dsp_taps *t, int8_t *y) {
    const tp_conv2d *c = &v->op->conv;
    const int32_t mult = c->out_c / c->in_c;
    t->w = v->op->w;
    t->channel = v->channel;
    t->y = mult == 1 ? y : v->row;
    for (int32_t k = 0; k < mult; k++) {
        run_groups(v, t);
        for (int32_t ic = 0; mult != 1 && ic < c->in_c; ic++) {
            y[ic * mult + k] = v->row[ic];
        }
    }
}

/* Scratch in its parts. */
static work lay_out(const tp_dwconv2d_any *op, const int32_t *b,
                    const tp_factor *f, uint32_t *scratch) {
    const tp_conv2d *c = &op->conv;
    work v = {.op = op,
              .tap = scratch,
              .taps = c->k_h * c->k_w,
              .groups = (c->in_c + TP_TAPS_GROUP - 1) / TP_TAPS_GROUP,
              .channel = op->channel};
    int32_t *table = (int32_t *)scratch + 2 * v.taps;
    if (op->limit != 0) {
        make_channels(&v, b, f, table);
        v.channel = table;
        table += c->out_c / c->in_c * v.groups * TP_TAPS_CHANNEL;
    }
    v.pad = (int8_t *)table;
    v.row = v.pad + (op->padded != 0 ? c->in_c : 0);
    if (op->padded != 0) {
        memset(v.pad, c->x_zp, (size_t)c->in_c);
    }
    return v;
}

static void forward(const tp_dwconv2d_any *op, const int8_t *x,
                    const int32_t *b, const tp_factor *f, int8_t *y,
                    uint32_t *scratch) {
    const tp_conv2d *c = &op->conv;
    work v = lay_out(op, b, f, scratch);
    const uint32_t up = (uint32_t)(127 - c->y_max);
    const uint32_t lo = (uint32_t)(c->y_min + 128);
    tp_dsp_taps t = {.tap = v.tap,
                     .tap_end = v.tap + v.taps * (int32_t)TP_TAPS_WORDS,
                     .up = up * 0x01010101u,
                     .down = (up + lo) * 0x01010101u,
                     .back = (uint8_t)c->y_min * 0x01010101u};
    v.x = x;
    for (int32_t row = 0; row < c->out_h; row++) {
        const int32_t oy = tp_walk(c->reverse, row, c->out_h);
        for (int32_t col = 0; col < c->out_w; col++) {
            const int32_t ox = tp_walk(c->reverse, col, c->out_w);
            find_taps(&v, oy, ox);
            pixel(&v, &t, y + (oy * c->out_w + ox) * c->out_c);
        }
    }
}

/* dwconv2d_s8_fwd_ref, byte for byte.
 *   op       conv as there, m, s and w unused, in_c >= 4; w, channel as in
 *            taps.h, [multiplier][groups]
 *   x, y     as there
 *   b        as there; unused where op->limit is 0: channel has the bias
 *   scratch  uint32 [2 * taps]; where limit is not 0 then int32
 *            [multiplier][groups][16]; where padded then int8 [in_c], where the
 *            multiplier is not 1 then int8 [in_c]
 * y may lie over x as there. Sums wrap as there; bounds of the rest are the
 * planner's, see taps.h. Cannot fail. */
void tp_dwconv2d_any_s8_fwd_dsp(const tp_dwconv2d_any *op, const int8_t *x,
                                const int32_t *b, int8_t *y,
                                uint32_t *scratch) {
    forward(op, x, b, NULL, y, scratch);
}

/* dwconv2d_scaled_s8_fwd_ref, byte for byte.
 *   f  [in] tp_factor [out_c], from rescale_s16_fwd
 *   op, x, b, y, scratch  as above; limit is not 0 */
void tp_dwconv2d_any_scaled_s8_fwd_dsp(const tp_dwconv2d_any *op,
                                       const int8_t *x, const int32_t *b,
                                       const tp_factor *f, int8_t *y,
                                       uint32_t *scratch) {
    forward(op, x, b, f, y, scratch);
}
