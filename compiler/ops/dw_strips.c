#include "compiler/ops/dw_strips.h"

#include "core/fixed.h"
#include "runtime/kernels/dsp/strip.h"
#include "tinypeft/kernels.h"

/* How the output's columns are divided: strips of n, then what is left. */
typedef struct strips {
    const tp_conv2d *d; /* the map as the windows see it */
    int32_t n;
    int32_t wide;  /* columns in these */
    int32_t count; /* of all strips */
    bool zero;     /* an odd strip's column right of the last is zero */
} strips;

/* True where the column right of the last window's middle is padding, and
 * padding counts as zero. */
static bool ends_in_zero(const tp_conv2d *d) {
    return d->x_zp == -128 && d->out_w + 1 - d->pad_l >= d->in_w;
}

/* An odd strip without such a zero has no function in strip.h: it is the last
 * and has one column. */
static strips divide(const tp_conv2d *d) {
    const bool one = d->stride_w == 1;
    strips s = {.d = d, .wide = d->out_w, .zero = one && ends_in_zero(d)};
    s.wide -= one && !s.zero ? d->out_w % 2 : 0;
    const int32_t most = one ? TP_STRIP_MOST : TP_STRIP_MOST_2;
    const int32_t parts = (s.wide + most - 1) / most;
    s.n = parts > 0 ? (s.wide + parts - 1) / parts : 1;
    s.n += parts > 1 && one ? s.n % 2 : 0; /* strip.h: only the last is odd */
    s.count = parts + (d->out_w - s.wide);
    return s;
}

/* Strip i, which begins at word `at` of a row. */
static void describe(const strips *s, int32_t i, int32_t at, int32_t *out) {
    const tp_conv2d *d = s->d;
    const int32_t column = tp_min32(i * s->n, s->wide);
    const bool alone = column == s->wide;
    const int32_t n = alone ? 1 : tp_min32(s->n, s->wide - column);
    const bool odd = d->stride_w == 1 && n % 2 != 0;
    const int32_t words =
        ((n - 1) * d->stride_w + d->k_w + (odd && s->zero ? 0 : 1)) / 2;
    const int32_t col = column * d->stride_w - d->pad_l;
    const int32_t before = tp_min32(tp_max32(-col, 0) / 2, words);
    const int32_t first = before < words && col < 0 && col % 2 != 0;
    const int32_t from = col + 2 * before + first;
    const int32_t left = tp_max32(d->in_w - from - first, 0);
    const int32_t room = words - before - first;
    const int32_t pairs = tp_min32(left / 2, room);
    const int32_t last = pairs < room && left % 2 != 0;
    out[TP_DW_N] = n;
    out[TP_DW_FAST] = !alone;
    out[TP_DW_WORDS] = words;
    out[TP_DW_AT] = at;
    out[TP_DW_OUT] = at + before;
    out[TP_DW_Y] = column * d->in_c;
    out[TP_DW_X] = from * d->in_c;
    out[TP_DW_EDGES] = first + 2 * last;
    out[TP_DW_PAIRS] = pairs;
    out[TP_DW_NEXT_X] = (d->in_w - first - 2 * pairs - last) * d->in_c;
    out[TP_DW_NEXT_OUT] = 4 * (words - first - pairs - last);
}

/* So many rows that what each call of a strip costs is little beside what it
 * computes: half a kilobyte of scratch, or a sixteenth of the map, a sixth of a
 * gradient's, beside which there is much else; a quarter, as far as the arena
 * has room beside the map because of a larger one. All batches of rows are of
 * about the same size. `words` in a row of four channels. */
static int32_t rows_of(const tp_dw_map *m, int32_t words) {
    const tp_conv2d *d = &m->conv;
    const int32_t map = d->in_h * d->in_w * d->in_c;
    const int32_t beside = tp_min32(map / 4, tp_max32(m->largest - map, 0));
    const int32_t least = tp_max32(576, map / (m->gradient ? 6 : 16));
    const int32_t budget = tp_max32(least, beside);
    const int32_t rows = budget / tp_max32(4 * words, 1);
    const int32_t fit = (rows - d->k_h) / d->stride_h + 1;
    const int32_t most = tp_min32(d->out_h, tp_max32(fit, 2));
    const int32_t batches = (d->out_h + most - 1) / most;
    const int32_t each = (d->out_h + batches - 1) / batches;
    return (each - 1) * d->stride_h + d->k_h;
}

static strips strips_of(const tp_dw_map *map) {
    return divide(&map->conv);
}

/* The function for a strip of n columns. */
static tp_strip_fn *part_of(const tp_dw_map *map, int32_t n) {
    static tp_strip_fn *const forward[TP_STRIP_MOST] = {
        tp_dsp_strip_fwd_1, tp_dsp_strip_fwd_2, tp_dsp_strip_fwd_3,
        tp_dsp_strip_fwd_4, tp_dsp_strip_fwd_5, tp_dsp_strip_fwd_6};
    static tp_strip_fn *const two[TP_STRIP_MOST_2] = {
        tp_dsp_strip_two_1, tp_dsp_strip_two_2, tp_dsp_strip_two_3,
        tp_dsp_strip_two_4};
    static tp_strip_fn *const backward[TP_STRIP_MOST] = {
        tp_dsp_strip_bwd_1, tp_dsp_strip_bwd_2, tp_dsp_strip_bwd_3,
        tp_dsp_strip_bwd_4, tp_dsp_strip_bwd_5, tp_dsp_strip_bwd_6};
    return map->gradient             ? backward[n - 1]
           : map->conv.stride_w == 1 ? forward[n - 1]
                                     : two[n - 1];
}

/* All strips but the last are as wide as the first. */
static void choose(const tp_dw_map *map, const int32_t *table,
                   tp_dwconv2d_dsp *out) {
    for (int32_t i = 0; i < out->strips; i++) {
        const int32_t *strip = table + i * TP_DW_STRIP;
        if (strip[TP_DW_FAST] && strip[TP_DW_N] == table[TP_DW_N]) {
            out->first = part_of(map, strip[TP_DW_N]);
        } else if (strip[TP_DW_FAST]) {
            out->other = part_of(map, strip[TP_DW_N]);
        }
    }
}

int32_t tp_dw_strips(const tp_dw_map *map) {
    return strips_of(map).count;
}

void tp_dw_lay_out(const tp_dw_map *map, int32_t *table, tp_dwconv2d_dsp *out) {
    const strips s = strips_of(map);
    int32_t words = 0;
    for (int32_t i = 0; i < s.count; i++) {
        describe(&s, i, words, table + i * TP_DW_STRIP);
        words += table[i * TP_DW_STRIP + TP_DW_WORDS];
    }
    out->rows = rows_of(map, TP_DW_GROUP * words);
    out->plane = out->rows * words;
    out->strips = s.count;
    for (int32_t i = 0; i < s.count; i++) { /* a plane has all its rows */
        int32_t *strip = table + i * TP_DW_STRIP;
        const int32_t more = (out->rows - 1) * strip[TP_DW_AT];
        strip[TP_DW_AT] += more;
        strip[TP_DW_OUT] += more;
    }
    choose(map, table, out);
}

uint32_t tp_dw_scratch(const tp_dwconv2d_dsp *op) {
    const tp_conv2d *d = &op->conv;
    const int32_t record = d->k_h * tp_max32(d->k_w - 1, 1) + 3;
    return (uint32_t)(4 * TP_DW_GROUP *
                      (op->plane + (op->limit != 0 ? record : 0)));
}
