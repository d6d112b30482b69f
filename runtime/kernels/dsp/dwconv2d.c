/* DEPTHWISE_CONV_2D, four channels at a time: rows of x go to scratch, channel
 * by channel and strip by strip, two columns to a word; then each channel of a
 * strip is computed down all rows that the scratch holds (strip.h, or the plain
 * C below for what that has no function for).
 *
 * Scratch: [4 channels][strips][rows][words of the strip]. */
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "core/fixed.h"
#include "runtime/kernels/dsp/simd.h"
#include "runtime/kernels/dsp/strip.h"
#include "runtime/kernels/ref/grad_out.h"
#include "tinypeft/kernels.h"

#define GROUP 4

/* Backward, the sum is 2^TP_STRIP_T_MAX times what it is; times bwd_q and
 * 2^(LEFT - shift) its high word is the gradient. bwd_q is below 2^16 and a
 * multiple of 2^4, so that the factor is an int32, and exact, for shifts in
 * [LEAST, MOST]. */
#define LEFT (32 - TP_STRIP_T_MAX)
#define LEAST 9
#define MOST (LEFT + 4)

/* What each call works with: x and y as the windows see them; backward they are
 * dy and dx. */
typedef struct work {
    const tp_dwconv2d_dsp *op;
    const int8_t *x;
    int8_t *y;
    int32_t c, in_h, in_w, out_h, out_w;
    int32_t stride_h, stride_w, pad_t, pad_l;
    uint32_t *rows;         /* scratch */
    int32_t most;           /* rows of y that it serves */
    int32_t plane;          /* words of a channel in it */
    int32_t record;         /* words of a channel in `channel` */
    const int32_t *channel; /* of the group's first channel on */
    const int32_t *b;       /* trained: bias, and */
    const tp_factor *f;     /* factors, or NULL */
    bool plain;             /* the group's records are those of strip.h */
    uint32_t bias;          /* of a word of x in scratch */
    uint32_t pad, pad_word; /* a pixel of padding; what it is in scratch */
    tp_gscale *g;           /* of a gradient, or NULL */
    int32_t shift;          /* of its sums; what strip.h has functions for: */
    bool in_range;
} work;

/* The four channels from c on; the first `skip` of them were done before. */
typedef struct group {
    int32_t c, skip;
} group;

/* Rows of y that are computed together. */
typedef struct batch {
    int32_t oy, n;
} batch;

/* --- x to scratch --------------------------------------------------------- */

/* Where what is padding in every row begins: it is written once, and stays. */
static void clear(const work *v) {
    for (int32_t i = 0; i < GROUP * v->plane; i++) {
        v->rows[i] = v->pad_word;
    }
}

/* A row of padding; where all rows have a place of their own it is one. */
static void clear_row(const work *v, const int32_t *s, int32_t row) {
    if (v->most >= v->out_h) {
        return;
    }
    const int32_t plane = v->plane;
    const uint32_t pad = v->pad_word;
    uint32_t *out = v->rows + s[TP_DW_AT] + row * s[TP_DW_WORDS];
    for (int32_t i = s[TP_DW_WORDS]; i > 0; i--, out++) {
        out[0] = pad;
        out[plane] = pad;
        out[2 * plane] = pad;
        out[3 * plane] = pad;
    }
}

/* Rows [from, to) of scratch, of which 0 is row iy of x. */
static void fill(const work *v, const int32_t *s, tp_dsp_columns_of *t,
                 int32_t iy, int32_t from, int32_t to) {
    for (; from < to && iy + from < 0; from++) {
        clear_row(v, s, from);
    }
    for (; to > from && iy + to > v->in_h; to--) {
        clear_row(v, s, to - 1);
    }
    if (from < to) {
        t->x += (iy + from) * v->in_w * v->c;
        t->out = v->rows + s[TP_DW_OUT] + from * s[TP_DW_WORDS];
        t->rows = to - from;
        tp_dsp_columns(t);
    }
}

/* Keeps the last `n` of the first `end` rows as the first. */
static void keep(const work *v, const int32_t *s, int32_t end, int32_t n) {
    const int32_t words = s[TP_DW_WORDS];
    uint32_t *to = v->rows + s[TP_DW_AT];
    tp_dsp_keep(to, to + (end - n) * words, n * words, 4 * v->plane);
}

/* --- what strip.h has no function for ------------------------------------- */

static int32_t column(const uint32_t *row, int32_t at) {
    int16_t v;
    memcpy(&v, (const char *)row + 2 * at, sizeof v);
    return v;
}

/* The sum of the output whose window begins at column `at`. Columns behind the
 * strip's words are zero. */
static int32_t sum_at(const work *v, const int32_t *s, const int32_t *w,
                      const uint32_t *row, int32_t at) {
    const tp_conv2d *op = &v->op->conv;
    const int32_t pairs = tp_max32(op->k_w - 1, 1);
    const int32_t taps = tp_min32(op->k_w, 2 * s[TP_DW_WORDS] - at);
    int32_t acc = w[op->k_h * pairs];
    for (int32_t ky = op->k_h; ky > 0; ky--, w += pairs) {
        acc += column(row, at) * (int16_t)w[0];
        for (int32_t kx = 1; kx < taps; kx++) {
            acc += column(row, at + kx) * (w[kx - 1] >> 16);
        }
        row += s[TP_DW_WORDS];
    }
    return acc;
}

static int8_t finish(const work *v, int32_t oc, const int32_t *info,
                     int32_t acc) {
    const tp_conv2d *op = &v->op->conv;
    if (v->plain) {
        const int32_t high = (int32_t)((int64_t)acc * info[1] >> 32);
        const int32_t y = (high + info[2]) >> TP_STRIP_SHIFT;
        return (int8_t)tp_clamp32(y, -128, 127);
    }
    const int32_t y = v->op->limit != 0 ? tp_mbqm(acc, info[1], info[2])
                                        : tp_mbqm(acc, op->m[oc], op->s[oc]);
    return (int8_t)tp_clamp32(y + op->y_zp, op->y_min, op->y_max);
}

/* In range as strip.h does it, without its saturation. */
static int8_t gradient(const work *v, tp_dsp_strip *t, const int32_t *info,
                       int32_t acc) {
    if (v->in_range) {
        const uint32_t m = (uint32_t)info[1] << t->left >> t->right;
        const int8_t dx = tp_grad_put(v->g, tp_smmulr(acc, (int32_t)m));
        t->beyond |= dx == 127 || dx == -127; /* it may have been */
        return dx;
    }
    const int64_t sum = acc >> TP_STRIP_T_MAX;
    return tp_grad_out(v->g, sum * info[1], v->shift);
}

/* May it have been saturated? C saturates to -127, SSAT to -128. */
static inline bool is_end(int8_t y) {
    return y == 127 || y <= -127;
}

/* Channel oc, which is such a number of its group: all of it, or what may have
 * been saturated. */
static void slow(const work *v, const int32_t *s, tp_dsp_strip *t,
                 int32_t number, int32_t oc, bool all) {
    const int32_t *w = t->channel + number * v->record;
    const int32_t *info = w + v->record - 3;
    const uint32_t *x = t->x + number * v->plane;
    const uint32_t *end = x + t->bytes / 4;
    int8_t *y = t->y + number;
    for (; x < end; x += v->stride_h * s[TP_DW_WORDS], y += t->pitch) {
        for (int32_t i = 0; i < s[TP_DW_N]; i++) {
            if (!all && !is_end(y[i * t->c])) {
                continue;
            }
            const int32_t acc = sum_at(v, s, w, x, i * v->stride_w);
            y[i * t->c] = v->g != NULL ? gradient(v, t, info, acc)
                                       : finish(v, oc, info, acc);
        }
    }
}

/* --- the loops ------------------------------------------------------------ */

/* All of a group that does not change from batch to batch. */
static tp_dsp_strip strip_of(const work *v, const group *g) {
    return (tp_dsp_strip){.channel = v->channel + g->skip * v->record,
                          .x = v->rows,
                          .y = v->y,
                          .c = v->c,
                          .c3 = 3 * v->c,
                          .pitch = v->out_w * v->c,
                          .bytes = 0,
                          .plane = 4 * v->plane,
                          .count = GROUP - g->skip,
                          .left = tp_max32(LEFT - v->shift, 0),
                          .right = tp_max32(v->shift - LEFT, 0),
                          .beyond = 0};
}

static tp_dsp_columns_of columns_of(const work *v) {
    return (tp_dsp_columns_of){.x = v->x,
                               .out = v->rows,
                               .plane = 4 * v->plane,
                               .plane3 = 12 * v->plane,
                               .bias = v->bias,
                               .c = v->c,
                               .edges = 0,
                               .next_x = 0,
                               .next_out = 0,
                               .pad = v->pad,
                               .pairs = 0,
                               .rows = 0};
}

/* Of strip s and the batch, from the first channel on that is computed. */
static void aim(const work *v, const group *g, const batch *b, const int32_t *s,
                tp_dsp_strip *t) {
    t->x = v->rows + g->skip * v->plane + s[TP_DW_AT];
    t->y = v->y + b->oy * t->pitch + g->c + g->skip + s[TP_DW_Y];
    t->bytes = 4 * b->n * v->stride_h * s[TP_DW_WORDS];
}

/* Rows of y of all strips. */
static void compute(const work *v, const group *g, const batch *b,
                    tp_dsp_strip *t) {
    const int32_t *s = v->op->strip;
    for (int32_t i = v->op->strips; i > 0; i--, s += TP_DW_STRIP) {
        aim(v, g, b, s, t);
        if (s[TP_DW_FAST] && v->in_range) {
            (s[TP_DW_N] == v->op->strip[TP_DW_N] ? v->op->first
                                                 : v->op->other)(t);
        } else {
            for (int32_t j = 0; j < t->count; j++) {
                slow(v, s, t, j, g->c + g->skip + j, true);
            }
        }
    }
}

/* Of one channel again what may have been saturated. */
static void compute_ends(const work *v, const group *g, const batch *b,
                         tp_dsp_strip *t, int32_t channel) {
    const int32_t *s = v->op->strip;
    for (int32_t i = v->op->strips; i > 0; i--, s += TP_DW_STRIP) {
        aim(v, g, b, s, t);
        slow(v, s, t, channel - g->skip, g->c + channel, false);
    }
}

/* True if a channel has values that may have been saturated; the bits of all
 * others to *bits. */
static bool at_ends(const int8_t *y, int32_t c, int32_t n, uint32_t *bits) {
    bool found = false;
    for (; n > 0; n--, y += c) {
        if (is_end(*y)) {
            found = true;
        } else {
            *bits |= tp_abs32(*y);
        }
    }
    return found;
}

/* The bytes of a word, each below 128: all bits, and whether one is 127. */
static inline uint32_t any_byte(uint32_t v) {
    v |= v >> 16;
    return (v | v >> 8) & 0xFFu;
}

static inline bool has_127(uint32_t v) {
    return ((v + 0x01010101u) & 0x80808080u) != 0;
}

/* What was saturated is computed again, from the rows in scratch, and its size
 * kept; that of the other values is returned with the peaks. */
static uint32_t look_again(const work *v, const group *g, const batch *b,
                           tp_dsp_strip *t, uint32_t peaks) {
    const int8_t *y = v->y + b->oy * t->pitch + g->c;
    for (int32_t j = g->skip; j < GROUP; j++) {
        const uint32_t mask = 0xFFu << 8 * j;
        uint32_t bits = 0;
        if ((peaks & mask) >> 8 * j >= 126 &&
            at_ends(y + j, v->c, b->n * v->out_w, &bits)) {
            peaks = (peaks & ~mask) | bits << 8 * j;
            compute_ends(v, g, b, t, j);
        }
    }
    return peaks;
}

/* How large the gradients that were computed are, and [-127, 127]. A value that
 * was saturated has more bits than are left of it. */
static void look(const work *v, const group *g, const batch *b,
                 tp_dsp_strip *t) {
    int8_t *y = v->y + b->oy * t->pitch + g->c;
    const int32_t n = b->n * v->out_w;
    uint32_t peaks = tp_dsp_peak(y, v->c, n) & 0xFFFFFFFFu << 8 * g->skip;
    if (t->beyond != 0) {
        peaks = look_again(v, g, b, t, peaks);
        t->beyond = 0;
    }
    v->g->peak |= any_byte(peaks);
    if (has_127(peaks)) { /* perhaps there is a -128 */
        tp_dsp_clip(y, v->c, n);
    }
}

/* Rows of x that the batch needs; some are in scratch, the last of the batch
 * before. */
static void load(const work *v, const group *g, const batch *b,
                 tp_dsp_columns_of *t) {
    const int32_t *s = v->op->strip;
    const int32_t k = v->op->conv.k_h;
    const int32_t kept = b->oy > 0 ? tp_max32(k - v->stride_h, 0) : 0;
    const int32_t iy = b->oy * v->stride_h - v->pad_t;
    const int32_t to = (b->n - 1) * v->stride_h + k;
    for (int32_t i = v->op->strips; i > 0; i--, s += TP_DW_STRIP) {
        if (kept > 0) {
            keep(v, s, v->most * v->stride_h + kept, kept);
        }
        t->x = v->x + g->c + s[TP_DW_X];
        t->edges = s[TP_DW_EDGES];
        t->pairs = s[TP_DW_PAIRS];
        t->next_x = s[TP_DW_NEXT_X];
        t->next_out = s[TP_DW_NEXT_OUT];
        fill(v, s, t, iy, kept, to);
    }
}

/* --- trained channels ----------------------------------------------------- */

static tp_factor factor_of(const work *v, int32_t oc) {
    const tp_conv2d *op = &v->op->conv;
    return v->f != NULL ? v->f[oc] : (tp_factor){op->m[oc], op->s[oc]};
}

/* The weights of a record, 2^down times what they are, times 2^up instead. */
static void rescale(const int32_t *from, int32_t words, int32_t down,
                    int32_t up, int32_t *to) {
    for (int32_t i = 0; i < words; i++) {
        const uint32_t low = (uint32_t)((int16_t)from[i] >> down);
        const uint32_t high = (uint32_t)(from[i] >> 16 >> down);
        to[i] = (int32_t)tp_pack_low(low << up, high << up);
    }
}

/* R of strip.h. */
static int32_t rounding(const work *v, int32_t t) {
    return v->op->conv.y_zp * (1 << TP_STRIP_SHIFT) +
           (1 << (TP_STRIP_SHIFT - 1)) + (1 << t >> 2);
}

/* A record as strip.h has it, for t, or for tp_mbqm(), t 0. The descriptor's is
 * for the base's t. */
static void make_record(const work *v, int32_t oc, tp_factor f, int32_t t,
                        int32_t *to) {
    const int32_t words = v->record - 3;
    const int32_t *from = v->op->channel + oc * v->record;
    const int32_t *base = from + words; /* start, t */
    const int32_t limit = v->op->limit;
    if (t == base[1]) {
        for (; from < base; from++) {
            *to++ = *from;
        }
    } else {
        rescale(from, words, base[1], t, to);
        to += words;
    }
    to[0] = (base[0] + tp_clamp32(v->b[oc], -limit, limit)) * (1 << t);
    to[1] = f.m;
    to[2] = v->plain ? rounding(v, t) : f.s;
}

/* The records of the group's channels, to what lies behind the rows. strip.h
 * has them if it can scale all four. */
static void make_records(work *v, const group *g) {
    int32_t *to = (int32_t *)v->rows + GROUP * v->plane;
    tp_factor f[GROUP];
    bool plain = v->op->plain != 0;
    for (int32_t i = 0; i < GROUP; i++) {
        f[i] = factor_of(v, g->c + i);
        const int32_t t = TP_STRIP_SHIFT + 1 + f[i].s;
        plain = plain && t >= TP_STRIP_T_MIN && t <= TP_STRIP_T_MAX;
    }
    v->channel = to;
    v->plain = v->in_range = plain;
    for (int32_t i = 0; i < GROUP; i++, to += v->record) {
        const int32_t t = plain ? TP_STRIP_SHIFT + 1 + f[i].s : 0;
        make_record(v, g->c + i, f[i], t, to);
    }
}

static void run_group(work *v, const group *g) {
    if (v->op->limit != 0) {
        make_records(v, g);
    } else {
        v->channel = v->op->channel + g->c * v->record;
    }
    tp_dsp_columns_of columns = columns_of(v);
    tp_dsp_strip t = strip_of(v, g);
    for (int32_t oy = 0; oy < v->out_h; oy += v->most) {
        const batch b = {oy, tp_min32(v->most, v->out_h - oy)};
        load(v, g, &b, &columns);
        compute(v, g, &b, &t);
        if (v->g != NULL && v->in_range) {
            look(v, g, &b, &t);
        }
    }
}

/* The last four channels overlap those before where c is no multiple of four;
 * what was written there is not read for it. */
static void run(work *v) {
    clear(v);
    for (int32_t c = 0; c < v->c; c += GROUP) {
        const int32_t first = tp_min32(c, v->c - GROUP);
        const group g = {first, c - first};
        run_group(v, &g);
    }
}

static void forward(const tp_dwconv2d_dsp *op, const int8_t *x,
                    const int32_t *b, const tp_factor *f, int8_t *y,
                    uint32_t *scratch) {
    const tp_conv2d *d = &op->conv;
    work v = {.op = op,
              .x = x,
              .y = y,
              .c = d->in_c,
              .in_h = d->in_h,
              .in_w = d->in_w,
              .out_h = d->out_h,
              .out_w = d->out_w,
              .stride_h = d->stride_h,
              .stride_w = d->stride_w,
              .pad_t = d->pad_t,
              .pad_l = d->pad_l,
              .rows = scratch,
              .most = (op->rows - d->k_h) / d->stride_h + 1,
              .plane = op->plane,
              .record = d->k_h * tp_max32(d->k_w - 1, 1) + 3,
              .bias = 128u * 0x00010001u,
              .pad = (uint8_t)d->x_zp * 0x01010101u,
              .pad_word = (uint32_t)(d->x_zp + 128) * 0x00010001u,
              .g = NULL,
              .shift = 0,
              .b = b,
              .f = f,
              .plain = op->plain != 0,
              .in_range = true};
    run(&v);
}

/* dwconv2d_s8_fwd_ref, byte for byte.
 *   op       conv as there, w unused, m and s too where `plain`; channels >= 4
 *   x, y     as there
 *   b        as there; unused where op->limit is 0: channel has the bias
 *   scratch  uint32 [4][rows][words of all strips]; where limit is not 0 then
 *            int32 [4][words of a record]
 * y may begin where x does: channels are computed one group after the other,
 * and rows of x are in scratch before rows of y are written over them. No
 * overlap else. Bound, kept by the planner: no sum, scaled, leaves 32 bits.
 * Cannot fail. */
void tp_dwconv2d_s8_fwd_dsp(const tp_dwconv2d_dsp *op, const int8_t *x,
                            const int32_t *b, int8_t *y, uint32_t *scratch) {
    forward(op, x, b, NULL, y, scratch);
}

/* dwconv2d_scaled_s8_fwd_ref, byte for byte.
 *   f  [in] tp_factor [out_c], from rescale_s16_fwd
 *   op, x, b, y, scratch  as above; limit is not 0 */
void tp_dwconv2d_scaled_s8_fwd_dsp(const tp_dwconv2d_dsp *op, const int8_t *x,
                                   const int32_t *b, const tp_factor *f,
                                   int8_t *y, uint32_t *scratch) {
    forward(op, x, b, f, y, scratch);
}

/* dwconv2d_s8_bwd_x_ref, byte for byte, for stride 1.
 *   op       conv as there, w and bwd_q unused: channel has both, the window
 *            turned round; channels >= 4
 *   dy, dx, g  as there
 *   scratch  as for dwconv2d_s8_fwd_dsp
 * dx may begin where dy does. No overlap else. Bound, kept by the planner:
 * 2^8 * k_h * k_w * 127 * 128 < 2^31. Cannot fail. */
void tp_dwconv2d_s8_bwd_x_dsp(const tp_dwconv2d_dsp *op, const tp_q8 *dy,
                              tp_q8 *dx, tp_gscale *g, uint32_t *scratch) {
    const tp_conv2d *d = &op->conv;
    const int32_t shift = g->e - (dy->e + d->bwd_e - 15);
    work v = {.op = op,
              .x = dy->v,
              .y = dx->v,
              .c = d->in_c,
              .in_h = d->out_h,
              .in_w = d->out_w,
              .out_h = d->in_h,
              .out_w = d->in_w,
              .stride_h = 1,
              .stride_w = 1,
              .pad_t = d->k_h - 1 - d->pad_t,
              .pad_l = d->k_w - 1 - d->pad_l,
              .rows = scratch,
              .most = (op->rows - d->k_h) / d->stride_h + 1,
              .plane = op->plane,
              .record = d->k_h * tp_max32(d->k_w - 1, 1) + 3,
              .bias = 0,
              .pad = 0,
              .pad_word = 0,
              .g = g,
              .shift = shift,
              .in_range = shift >= LEAST && shift <= MOST};
    run(&v);
    dx->e = g->e;
}
