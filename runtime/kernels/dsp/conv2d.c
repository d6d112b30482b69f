/* CONV_2D and FULLY_CONNECTED on the tiles of tile.h: two pixels at a time. */
#include <stdbool.h>
#include <string.h>

#include "runtime/kernels/dsp/channels.h"
#include "runtime/kernels/dsp/sums.h"
#include "runtime/kernels/dsp/tile.h"
#include "runtime/kernels/dsp/widen.h"
#include "runtime/kernels/ref/lora.h"
#include "tinypeft/kernels.h"

#define PIXELS 2

/* Rows of x with their padding, as many as two pixels see. */
typedef struct ring {
    int8_t *row; /* [slots][op->row_bytes] */
    const int8_t *end;
    int32_t slots;   /* k_h + stride_h */
    int32_t next;    /* the next row of x to copy: may be outside the map */
    int32_t forward; /* 1, or -1 where rows are copied from last to first */
} ring;

/* What each call works with. */
typedef struct work {
    const tp_conv2d_dsp *op;
    const int8_t *x;
    int8_t *y;
    uint32_t *act; /* [pairs][PIXELS] */
    const int32_t *channel;
    ring rows;
    tp_dsp_tile most, rest; /* whole groups; the one that overlaps them */
    /* What becomes of n pixels from p on, whose activations are there. */
    void (*run)(struct work *v, int32_t p, int32_t n);
    const tp_q16 *u; /* NULL: no branch */
    tp_dsp_sums sums;
} work;

/* A place of the output. */
typedef struct place {
    int32_t oy, ox;
} place;

/* --- rows ----------------------------------------------------------------- */

static int8_t *slot_of(const work *v, int32_t iy) {
    const ring *r = &v->rows;
    const int32_t slot = (iy + v->op->conv.pad_t) % r->slots;
    return r->row + slot * v->op->row_bytes;
}

/* Row iy of x into its slot, padding around it. */
static void copy_row(const work *v, int32_t iy) {
    const tp_conv2d *op = &v->op->conv;
    const int32_t left = tp_min32(op->pad_l * op->in_c, v->op->row_bytes);
    int8_t *out = slot_of(v, iy);
    if (iy < 0 || iy >= op->in_h) {
        memset(out, op->x_zp, (size_t)v->op->row_bytes);
        return;
    }
    const int32_t all = op->in_w * op->in_c;
    const int32_t room = v->op->row_bytes - left;
    const int32_t n = tp_min32(all, room);
    memset(out, op->x_zp, (size_t)left);
    memcpy(out + left, v->x + iy * all, (size_t)n);
    memset(out + left + n, op->x_zp, (size_t)(room - n));
}

/* Copies what the windows of output row oy see and that is not there yet. */
static void copy_rows(work *v, int32_t oy) {
    const tp_conv2d *op = &v->op->conv;
    ring *r = &v->rows;
    const int32_t first = oy * op->stride_h - op->pad_t;
    const int32_t last = first + op->k_h - 1;
    if (r->forward > 0) {
        r->next = r->next < first ? first : r->next;
        for (; r->next <= last; r->next++) {
            copy_row(v, r->next);
        }
        return;
    }
    r->next = r->next > last ? last : r->next;
    for (; r->next >= first; r->next--) {
        copy_row(v, r->next);
    }
}

/* The first row of a window; the others follow around the ring. */
static const int8_t *first_row(const work *v, place at) {
    const tp_conv2d *op = &v->op->conv;
    return slot_of(v, at.oy * op->stride_h - op->pad_t) +
           at.ox * op->stride_w * op->in_c;
}

/* --- activations ---------------------------------------------------------- */

static const int8_t *run_at(const work *v, place at) {
    const tp_conv2d *op = &v->op->conv;
    return v->x +
           (at.oy * op->stride_h * op->in_w + at.ox * op->stride_w) * op->in_c;
}

/* Two windows that are runs of x, or one. */
static void widen_runs(const work *v, const place at[PIXELS], int32_t n) {
    const int32_t words = v->op->pairs / 2;
    if (n == 1) {
        tp_widen1(run_at(v, at[0]), words, v->act);
    } else {
        tp_widen2(run_at(v, at[0]), run_at(v, at[1]), words, v->act);
    }
}

/* How the rows of two windows are walked. */
typedef struct rows {
    const int8_t *a, *b; /* of the first and the second pixel */
    const int8_t *end;   /* of the ring */
    int32_t all, step;   /* bytes of the ring, of a row */
    int32_t n;
} rows;

static inline void next_rows(rows *r) {
    r->a += r->step;
    r->a -= r->a >= r->end ? r->all : 0;
    r->b += r->step;
    r->b -= r->b >= r->end ? r->all : 0;
    r->n--;
}

/* Rows of one word, as in a first layer: calls would take longer than they
 * do. */
static void widen_thin(rows r, uint32_t *act) {
    for (; r.n > 0; next_rows(&r), act += 4) {
        tp_widen2_word(r.a, r.b, act);
    }
}

/* Row by row. Behind a row's taps the weights are 0, whatever lies there. */
static void widen_rows(const work *v, const place at[PIXELS], int32_t n) {
    const tp_conv2d *op = &v->op->conv;
    const int32_t words = (op->k_w * op->in_c + 3) / 4;
    uint32_t *act = v->act;
    rows r = {.a = first_row(v, at[0]),
              .b = first_row(v, at[n - 1]),
              .end = v->rows.end,
              .all = (int32_t)(v->rows.end - v->rows.row),
              .step = v->op->row_bytes,
              .n = op->k_h};
    if (n == 2 && words == 1) {
        widen_thin(r, act);
        return;
    }
    for (; r.n > 0; next_rows(&r), act += 2 * n * words) {
        if (n == 1) {
            tp_widen1(r.a, words, act);
        } else {
            tp_widen2(r.a, r.b, words, act);
        }
    }
}

/* --- pixels --------------------------------------------------------------- */

/* The groups of n pixels from p on. The last group overlaps the one before
 * where out_c is no multiple of four. */
static void run_groups(work *v, int32_t p, int32_t n) {
    const tp_conv2d_dsp *op = v->op;
    void (*const tile)(const tp_dsp_tile *) =
        n == 1 ? (op->plain ? tp_dsp_tile1_plain : tp_dsp_tile1)
               : (op->plain ? tp_dsp_tile2_plain : tp_dsp_tile2);
    int8_t *y = v->y + p * op->conv.out_c;
    v->most.act_end = v->rest.act_end = v->act + op->pairs * n;
    v->most.y = y;
    if (v->most.channel < v->most.end) {
        tile(&v->most);
    }
    if (v->rest.channel < v->rest.end) {
        v->rest.y = y + op->conv.out_c - TP_TILE_GROUP;
        tile(&v->rest);
    }
}

/* Pixels p .. p + n - 1, n <= PIXELS, at these places. */
static void pixels(work *v, int32_t p, const place at[PIXELS], int32_t n) {
    if (!v->op->direct) {
        const bool forward = v->rows.forward > 0;
        copy_rows(v, at[forward ? 0 : n - 1].oy);
        if (at[0].oy != at[n - 1].oy) {
            copy_rows(v, at[forward ? n - 1 : 0].oy);
        }
    }
    if (v->op->direct) {
        widen_runs(v, at, n);
    } else {
        widen_rows(v, at, n);
    }
    v->run(v, p, n);
}

/* The place behind. */
static place next(const tp_conv2d *op, place at) {
    return at.ox + 1 < op->out_w ? (place){at.oy, at.ox + 1}
                                 : (place){at.oy + 1, 0};
}

/* Windows that follow each other in x. */
static void walk_runs(work *v) {
    const tp_conv2d *op = &v->op->conv;
    const int32_t n = op->out_h * op->out_w;
    const int32_t words = v->op->pairs / 2;
    const int32_t step = op->reverse != 0 ? -PIXELS : PIXELS;
    int32_t p = op->reverse != 0 ? n - PIXELS : 0;
    for (; p >= 0 && p <= n - PIXELS; p += step) {
        const int8_t *x = v->x + p * op->in_c;
        tp_widen2(x, x + op->in_c, words, v->act);
        v->run(v, p, PIXELS);
    }
    if (n % PIXELS != 0) {
        p = op->reverse != 0 ? 0 : n - 1;
        tp_widen1(v->x + p * op->in_c, words, v->act);
        v->run(v, p, 1);
    }
}

static void walk_forward(work *v) {
    const tp_conv2d *op = &v->op->conv;
    const int32_t n = op->out_h * op->out_w;
    place at[PIXELS] = {{0, 0}};
    for (int32_t p = 0; p < n; p += PIXELS) {
        at[1] = next(op, at[0]);
        pixels(v, p, at, n - p >= PIXELS ? PIXELS : 1);
        at[0] = next(op, at[1]);
    }
}

static place before(const tp_conv2d *op, place at) {
    return at.ox > 0 ? (place){at.oy, at.ox - 1}
                     : (place){at.oy - 1, op->out_w - 1};
}

static void walk_reverse(work *v) {
    const tp_conv2d *op = &v->op->conv;
    place at[PIXELS] = {{0, 0}};
    place last = {op->out_h - 1, op->out_w - 1};
    int32_t p = op->out_h * op->out_w;
    for (; p >= PIXELS; p -= PIXELS) {
        at[1] = last;
        at[0] = before(op, last);
        pixels(v, p - PIXELS, at, PIXELS);
        last = before(op, at[0]);
    }
    if (p > 0) {
        at[0] = last;
        pixels(v, 0, at, 1);
    }
}

static void set_tiles(work *v) {
    const tp_conv2d_dsp *op = v->op;
    const int32_t rest = op->conv.out_c % TP_TILE_GROUP;
    const int32_t groups = op->conv.out_c / TP_TILE_GROUP;
    const int32_t *end = v->channel + groups * TP_TILE_CHANNEL;
    v->most = (tp_dsp_tile){.w = op->w,
                            .act = v->act,
                            .channel = v->channel,
                            .stride = op->conv.out_c,
                            .end = end,
                            .up = (uint32_t)op->up,
                            .down = (uint32_t)op->down};
    v->rest = v->most;
    v->rest.w += groups * op->pairs * 2;
    v->rest.channel = end;
    v->rest.end = end + (rest != 0 ? TP_TILE_CHANNEL : 0);
}

/* Scratch: activations, the table of channels where a call makes it, the ring
 * of rows. Returns what lies behind them. */
static int8_t *lay_out(work *v, const int32_t *b, const tp_factor *f,
                       uint32_t *scratch) {
    const tp_conv2d_dsp *op = v->op;
    const tp_conv2d *c = &op->conv;
    const bool one = c->out_h * c->out_w == 1 && c->rank == 0;
    int32_t *table = (int32_t *)(scratch + (one ? 1 : PIXELS) * op->pairs);
    int8_t *bytes = (int8_t *)table;
    v->act = scratch;
    v->channel = op->channel;
    if (op->limit != 0) {
        const int32_t groups = (c->out_c + TP_TILE_GROUP - 1) / TP_TILE_GROUP;
        tp_channels_make(op, b, f, table);
        v->channel = table;
        bytes = (int8_t *)(table + groups * TP_TILE_CHANNEL);
    }
    if (op->direct) {
        return bytes;
    }
    v->rows.row = bytes;
    v->rows.slots = c->k_h + c->stride_h;
    v->rows.end = bytes + v->rows.slots * op->row_bytes;
    v->rows.forward = c->reverse != 0 ? -1 : 1;
    v->rows.next = c->reverse != 0 ? INT32_MAX : -c->pad_t;
    return bytes + v->rows.slots * op->row_bytes;
}

/* All pixels, in order. */
static void walk(work *v) {
    const tp_conv2d *op = &v->op->conv;
    if (v->op->direct && op->stride_h == 1 && op->stride_w == 1) {
        walk_runs(v);
    } else if (op->reverse != 0) {
        walk_reverse(v);
    } else {
        walk_forward(v);
    }
}

static void forward(const tp_conv2d_dsp *op, const int8_t *x, const int32_t *b,
                    const tp_factor *f, int8_t *y, uint32_t *scratch) {
    work v = {.op = op, .x = x, .y = y, .run = run_groups};
    (void)lay_out(&v, b, f, scratch);
    set_tiles(&v);
    walk(&v);
}

/* conv2d_s8_fwd_ref, byte for byte, from packed weights.
 *   op       conv as there, w, m and s unused; w, channel as in tile.h
 *   x, y     as there
 *   b        as there; unused where op->limit is 0: channel has the bias
 *   scratch  uint32 [2 * pairs], of one pixel [pairs]; where limit is not 0
 * then int32 [groups][16], where not `direct` then int8 [k_h +
 * stride_h][row_bytes] y may lie over x where no pair of y's pixels, in the
 * order of op->reverse, lands on a pixel of x that a later pair reads: a pair's
 * windows are read before it is written. Bounds as in tile.h. Cannot fail. */
void tp_conv2d_s8_fwd_dsp(const tp_conv2d_dsp *op, const int8_t *x,
                          const int32_t *b, int8_t *y, uint32_t *scratch) {
    forward(op, x, b, NULL, y, scratch);
}

/* conv2d_scaled_s8_fwd_ref, byte for byte.
 *   f  [in] tp_factor [out_c], from rescale_s16_fwd
 *   op, x, b, y, scratch  as above; limit is not 0 */
void tp_conv2d_scaled_s8_fwd_dsp(const tp_conv2d_dsp *op, const int8_t *x,
                                 const int32_t *b, const tp_factor *f,
                                 int8_t *y, uint32_t *scratch) {
    forward(op, x, b, f, y, scratch);
}

/* --- with a LoRA branch --------------------------------------------------- */

/* B and the factor of each channel, as sums.h has them. */
static void load_branch(const tp_conv2d *op, const tp_q8 *b, int e,
                        int32_t *to) {
    const int32_t fine = INT32_C(1) << tp_lora_bits(op->rank);
    const int32_t words = tp_dsp_branch_words(op->rank);
    for (int32_t c = 0; c < op->out_c; c++) {
        const int8_t *w = b->v + c * op->rank;
        for (int32_t r = 0; r < 2 * words; r += 2) {
            const int32_t low = r < op->rank ? w[r] * fine : 0;
            const int32_t high = r + 1 < op->rank ? w[r + 1] * fine : 0;
            *to++ = (int32_t)tp_pack_low((uint32_t)low, (uint32_t)high);
        }
        *to++ = tp_lora_factor(op, c, e);
    }
}

static void load_u(const tp_conv2d *op, const tp_q16 *u, int32_t p,
                   uint32_t *to) {
    const int16_t *v = u->v + p * op->rank;
    for (int32_t r = 0; r < 2 * tp_dsp_branch_words(op->rank); r += 2) {
        const int32_t low = r < op->rank ? v[r] : 0;
        const int32_t high = r + 1 < op->rank ? v[r + 1] : 0;
        *to++ = tp_pack_low((uint32_t)low, (uint32_t)high);
    }
}

/* Channels [from, to) of two pixels, by the groups from `group` on. */
static void run_lora(work *v, int8_t *y, int32_t group, int32_t from,
                     int32_t to) {
    const tp_conv2d_dsp *op = v->op;
    tp_dsp_sums *t = &v->sums;
    static void (*const tile[2][2])(tp_dsp_sums * t) = {
        {tp_dsp_sums_lora1, tp_dsp_sums_lora_plain1},
        {tp_dsp_sums_lora2, tp_dsp_sums_lora_plain2}};
    const int32_t *branch = t->branch;
    t->w = op->w + group * op->pairs * 2;
    t->channel = op->channel + group * TP_TILE_CHANNEL;
    t->branch += from * (tp_dsp_branch_words(op->conv.rank) + 1);
    t->y = y + from;
    t->y_end = y + to;
    tile[op->conv.rank > 4][op->plain](t);
    t->branch = branch;
}

/* The activations of one pixel as those of two. */
static void repeat(uint32_t *act, int32_t pairs) {
    for (int32_t i = pairs - 1; i >= 0; i--) {
        act[2 * i + 1] = act[i];
        act[2 * i] = act[i];
    }
}

static void run_lora_groups(work *v, int32_t p, int32_t n) {
    const tp_conv2d *op = &v->op->conv;
    const int32_t groups = op->out_c / TP_TILE_GROUP;
    int8_t *y = v->y + p * op->out_c;
    if (n == 1) {
        repeat(v->act, v->op->pairs);
    }
    load_u(op, v->u, p, v->sums.u[0]);
    load_u(op, v->u, p + n - 1, v->sums.u[1]);
    v->sums.stride = (n - 1) * op->out_c;
    run_lora(v, y, 0, 0, groups * TP_TILE_GROUP);
    if (op->out_c % TP_TILE_GROUP != 0) {
        run_lora(v, y, groups, op->out_c - TP_TILE_GROUP, op->out_c);
    }
}

/* conv2d_lora_s8_fwd_ref, byte for byte, of rank 8 or less.
 *   op              as for conv2d_s8_fwd_dsp; lora_m and lora_s are used
 *   x, u, lora_b, y as there
 *   b               unused
 *   scratch         as for conv2d_s8_fwd_dsp, and for each channel a
 *                   factor and tp_dsp_branch_words()
 * y may lie over x as in conv2d_s8_fwd_dsp; u lies apart. Bounds: as there; a
 * sum that its branch takes beyond what a tile holds would be clamped anyway,
 * as the planner has proved. Cannot fail. */
void tp_conv2d_lora_s8_fwd_dsp(const tp_conv2d_dsp *op, const int8_t *x,
                               const int32_t *b, const tp_q16 *u,
                               const tp_q8 *lora_b, int8_t *y,
                               uint32_t *scratch) {
    work v = {.op = op, .x = x, .y = y, .run = run_lora_groups, .u = u};
    int32_t *branch = (int32_t *)(void *)lay_out(&v, b, NULL, scratch);
    load_branch(&op->conv, lora_b, lora_b->e + u->e, branch);
    v.sums = (tp_dsp_sums){.act = v.act,
                           .act_end = v.act + PIXELS * op->pairs,
                           .branch = branch,
                           .up = (uint32_t)op->up,
                           .down = (uint32_t)op->down};
    walk(&v);
}
