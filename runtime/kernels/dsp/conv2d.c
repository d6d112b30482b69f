/* CONV_2D and FULLY_CONNECTED on the tiles of tile.h: two pixels at a time. */
#include <stdbool.h>
#include <string.h>

#include "runtime/kernels/dsp/branch.h"
#include "runtime/kernels/dsp/channels.h"
#include "runtime/kernels/dsp/pack.h"
#include "runtime/kernels/dsp/sums.h"
#include "runtime/kernels/dsp/tile.h"
#include "runtime/kernels/dsp/widen.h"
#include "tinypeft/kernels.h"

#define PIXELS 2

/* The rows of a window in the ring below, `left` of them before its end. */
typedef struct window {
    const int8_t *row;
    int32_t left;
} window;

/* Rows of x with their padding, as many as two pixels see. */
typedef struct ring {
    int8_t *row; /* [slots][op->row_bytes] */
    const int8_t *end;
    int32_t slots;   /* k_h + stride_h */
    int32_t next;    /* the next row of x to copy: may be outside the map */
    int32_t forward; /* 1, or -1 where rows are copied from last to first */
    int32_t oy;      /* the row of y whose windows' rows are there, and */
    window first;    /* where these begin */
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
    const tp_q16 *u; /* of a branch, if it is there before; */
    tp_q16 *made;    /* else where it goes, or NULL, and a place for it */
    uint32_t few[PIXELS][TP_SUMS_RANK / 2];
    bool thin;       /* a row of a window is a word */
    bool twice;      /* a last pixel alone is taken as two */
    int32_t u_bytes; /* of a pixel's u, if it need not be brought there */
    const int32_t *branch;
    tp_dsp_sums sums;
    void (*lora)(tp_dsp_sums *t);
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

/* Row iy of x into its slot. What pads it on both sides is there from the
 * beginning. */
static void copy_row(const work *v, int32_t iy) {
    const tp_conv2d *op = &v->op->conv;
    const int32_t left = op->pad_l * op->in_c;
    int8_t *out = slot_of(v, iy);
    if (iy < 0 || iy >= op->in_h) {
        memset(out, op->x_zp, (size_t)v->op->row_bytes);
        return;
    }
    const int32_t all = op->in_w * op->in_c;
    const int32_t n = tp_min32(all, v->op->row_bytes - left);
    if (n > 0) {
        memcpy(out + left, v->x + iy * all, (size_t)n);
    }
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

/* Makes the windows of row oy those that are there. */
static void load_row(work *v, int32_t oy) {
    const tp_conv2d *op = &v->op->conv;
    copy_rows(v, oy);
    v->rows.oy = oy;
    v->rows.first.row = slot_of(v, oy * op->stride_h - op->pad_t);
    v->rows.first.left =
        (int32_t)(v->rows.end - v->rows.first.row) / v->op->row_bytes;
}

static inline window window_at(work *v, int32_t oy) {
    if (oy != v->rows.oy) {
        load_row(v, oy);
    }
    return v->rows.first;
}

/* --- activations ---------------------------------------------------------- */

static const int8_t *run_at(const work *v, place at) {
    const tp_conv2d *op = &v->op->conv;
    return v->x +
           (at.oy * op->stride_h * op->in_w + at.ox * op->stride_w) * op->in_c;
}

/* Windows that are runs of x, of two pixels or of one. */
static void widen(const work *v, const int8_t *x0, const int8_t *x1,
                  int32_t n) {
    const int32_t words = v->op->pairs / 2;
    if (n == 1) {
        tp_widen1(x0, words, v->act);
    } else {
        tp_widen2(x0, x1, words, v->act);
    }
}

static inline void pass(const work *v, window *w, int32_t n) {
    w->row += n * v->op->row_bytes;
    w->left -= n;
    if (w->left == 0) {
        w->row -= v->rows.slots * v->op->row_bytes;
        w->left = v->rows.slots;
    }
}

/* Rows of one word, as in a first layer, for which calls would take longer than
 * they do: as many with one call as lie before the end of the ring. */
static void widen_thin(const work *v, window a, window b) {
    uint32_t *act = v->act;
    for (int32_t rows = v->op->conv.k_h, n; rows > 0; rows -= n, act += 4 * n) {
        n = tp_min32(rows, tp_min32(a.left, b.left));
        tp_widen2_rows(a.row, b.row, v->op->row_bytes, n, act);
        pass(v, &a, n);
        pass(v, &b, n);
    }
}

/* Row by row. Behind a row's taps the weights are 0, whatever lies there. */
static void widen_rows(const work *v, window a, window b, int32_t wide) {
    const tp_conv2d *op = &v->op->conv;
    const int32_t words = (op->k_w * op->in_c + 3) / 4;
    uint32_t *act = v->act;
    for (int32_t rows = op->k_h; rows > 0; rows--, act += 2 * wide * words) {
        if (wide == 1) {
            tp_widen1(a.row, words, act);
        } else {
            tp_widen2(a.row, b.row, words, act);
        }
        pass(v, &a, 1);
        pass(v, &b, 1);
    }
}

/* The activations of pixels whose windows are no runs of x. Of two in two rows
 * of y, the rows come first that the order of pixels has first. */
static void load_rows(work *v, const place at[PIXELS], int32_t n,
                      int32_t wide) {
    const int32_t step = v->op->conv.stride_w * v->op->conv.in_c;
    const bool forward = v->rows.forward > 0;
    window a, b;
    if (forward || n == 1) {
        a = window_at(v, at[0].oy);
    }
    b = window_at(v, at[n - 1].oy);
    if (!forward && n > 1) {
        a = window_at(v, at[0].oy);
    }
    a.row += at[0].ox * step;
    b.row += at[n - 1].ox * step;
    if (v->thin && wide == PIXELS) {
        widen_thin(v, a, b);
    } else {
        widen_rows(v, a, b, wide);
    }
}

/* --- pixels --------------------------------------------------------------- */

/* The groups of n pixels from p on. The last group overlaps the one before
 * where out_c is no multiple of four. */
static void run_groups(work *v, int32_t p, int32_t n) {
    const tp_conv2d_dsp *op = v->op;
    tp_tile_fn *const tile = n == 1 ? op->one : op->two;
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
    const int32_t wide = v->twice ? PIXELS : n;
    if (v->op->direct) {
        widen(v, run_at(v, at[0]), run_at(v, at[n - 1]), wide);
    } else {
        load_rows(v, at, n, wide);
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
        const int8_t *x = v->x + p * op->in_c;
        widen(v, x, x, v->twice ? PIXELS : 1);
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
    const int32_t words = op->bytes != 0 ? 0 : one ? 1 : PIXELS;
    int32_t *table = (int32_t *)(scratch + words * op->pairs);
    int8_t *bytes = (int8_t *)table;
    v->act = scratch;
    v->channel = op->channel;
    if (op->limit != 0 && b != NULL) { /* so there is one */
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
    v->rows.oy = -1;
    memset(bytes, c->x_zp, (size_t)v->rows.slots * (size_t)op->row_bytes);
    v->thin = c->k_w * c->in_c <= 4;
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

/* conv2d_s8_fwd_ref of one pixel, byte for byte, from its bytes as they are.
 *   op, b    as above; `bytes` and `direct` are set, x is where A starts from
 *   x, y     as there; apart
 *   scratch  where limit is not 0: int32 [groups][16]
 * Bounds as in tile.h. Cannot fail. */
void tp_fc_s8_fwd_dsp(const tp_conv2d_dsp *op, const int8_t *x,
                      const int32_t *b, int8_t *y, uint32_t *scratch) {
    work v = {.op = op, .x = x, .y = y};
    (void)lay_out(&v, b, NULL, scratch);
    v.act = (uint32_t *)(uintptr_t)x;
    set_tiles(&v);
    v.most.y = y;
    v.most.act_end = v.rest.act_end = v.act + op->pairs / 2;
    if (v.most.channel < v.most.end) {
        op->one(&v.most);
    }
    if (v.rest.channel < v.rest.end) {
        v.rest.y = y + op->conv.out_c - TP_TILE_GROUP;
        op->one(&v.rest);
    }
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

static void load_u(const tp_conv2d *op, const tp_q16 *u, int32_t p,
                   uint32_t *to) {
    const int16_t *v = u->v + p * op->rank;
    for (int32_t r = 0; r < 2 * tp_dsp_branch_words(op->rank); r += 2) {
        const int32_t low = r < op->rank ? v[r] : 0;
        const int32_t high = r + 1 < op->rank ? v[r + 1] : 0;
        *to++ = tp_pack_low((uint32_t)low, (uint32_t)high);
    }
}

/* u of fewer ranks than a group, to where backward reads it. */
static void store_u(const work *v, int32_t p, int32_t n) {
    const size_t bytes = 2 * (size_t)v->op->conv.rank;
    int16_t *to = v->made->v + p * v->op->conv.rank;
    for (int32_t i = 0; i < n; i++, to += v->op->conv.rank) {
        memcpy(to, (const char *)v->few + 8 * i, bytes);
    }
}

/* The last group of two pixels at y, where it overlaps the one before; u is
 * there. */
static void run_lora_rest(work *v, int8_t *y, int32_t stride) {
    const tp_conv2d_dsp *op = v->op;
    const int32_t groups = op->conv.out_c / TP_TILE_GROUP;
    const int32_t from = op->conv.out_c - TP_TILE_GROUP;
    tp_dsp_sums *t = &v->sums;
    const tp_dsp_then first = {t->w, t->channel, t->branch,
                               t->y, t->stride,  t->y_end};
    if (t->then.w != NULL) {
        memcpy(t->u[0], t->y, (size_t)(t->y_end - t->y));
        memcpy(t->u[1], t->y + t->stride, (size_t)(t->y_end - t->y));
    }
    t->then.w = NULL;
    t->w = op->w + groups * op->pairs * 2;
    t->channel = op->channel + groups * TP_TILE_CHANNEL;
    t->branch = v->branch + from * (tp_dsp_branch_words(op->conv.rank) + 1);
    t->y = y + from;
    t->stride = stride;
    t->y_end = y + op->conv.out_c;
    v->lora(t);
    t->then.w = v->u == NULL ? op->w : NULL;
    t->w = first.w;
    t->channel = first.channel;
    t->branch = first.branch;
    t->y = first.y;
    t->stride = first.stride;
    t->y_end = first.y_end;
}

/* All groups of two pixels, whose u is there. */
static void run_lora_given(work *v, int32_t p, int32_t n) {
    const tp_conv2d *op = &v->op->conv;
    tp_dsp_sums *t = &v->sums;
    int8_t *y = v->y + p * op->out_c;
    load_u(op, v->u, p, t->u[0]);
    load_u(op, v->u, p + n - 1, t->u[1]);
    t->y = y;
    t->stride = (n - 1) * op->out_c;
    t->y_end = y + op->out_c / TP_TILE_GROUP * TP_TILE_GROUP;
    v->lora(t);
    if (t->y_end != y + op->out_c) {
        run_lora_rest(v, y, t->stride);
    }
}

/* The same, making u. Where whole groups of ranks are kept, u goes to where
 * backward reads it. */
static void run_lora_made(work *v, int32_t p, int32_t n) {
    const int32_t out_c = v->op->conv.out_c;
    tp_dsp_sums *t = &v->sums;
    int8_t *y = v->y + p * out_c;
    if (n == 1) {
        t->stride = t->then.stride = 0;
    }
    if (v->u_bytes != 0) {
        t->y = (int8_t *)v->made->v + p * v->u_bytes;
        t->y_end = t->y + v->u_bytes;
    }
    t->then.y = y;
    t->then.y_end = y + (out_c & ~(TP_TILE_GROUP - 1));
    v->lora(t);
    if (out_c % TP_TILE_GROUP != 0) {
        run_lora_rest(v, y, t->then.stride);
    }
    if (v->u_bytes == 0 && v->made != NULL) {
        store_u(v, p, n);
    }
}

/* Both kernels with a branch, whose u has the exponent u_e. Returns the scratch
 * behind. */
static int32_t *begin_lora(work *v, const tp_q8 *lora_b, int u_e,
                           uint32_t *scratch) {
    const tp_conv2d_dsp *op = v->op;
    int32_t *branch = (int32_t *)(void *)lay_out(v, NULL, NULL, scratch);
    const int32_t words = tp_dsp_branch_words(op->conv.rank);
    v->run = run_lora_given;
    v->twice = true;
    v->branch = branch;
    v->lora = tp_dsp_branch_load(op, lora_b, lora_b->e + u_e, branch)
                  ? op->wide
                  : op->sums;
    v->sums = (tp_dsp_sums){.w = op->w,
                            .act = v->act,
                            .channel = op->channel,
                            .act_end = v->act + PIXELS * op->pairs,
                            .branch = branch,
                            .up = (uint32_t)op->up,
                            .down = (uint32_t)op->down};
    return branch + op->conv.out_c * (words + 1);
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
    work v = {.op = op, .x = x, .y = y, .u = u};
    (void)b;
    (void)begin_lora(&v, lora_b, u->e, scratch);
    walk(&v);
}

/* conv2d_q8_s16_fwd_ref, then conv2d_lora_s8_fwd_ref, byte for byte: u is made
 * from the activations that the base's sums are made from. The rank is 4, 8 or
 * less than 4.
 *   op             as above; x_zp is that of x; shift of u; rows of the window
 *                  are a multiple of four taps
 *   lora_a         as w of conv2d_q8_s16_fwd_ref
 *   u              [out] as there, or NULL
 *   x, b, lora_b, y  as above
 *   scratch        as above, then tp_dsp_a_words()
 * y may lie over x as above; u and lora_a lie apart. Bounds: as above; sums of
 * u are of doubled activations, 257 * 2 * 255 * 127 * taps < 2^31.
 * Cannot fail. */
void tp_conv2d_lora_u_s8_fwd_dsp(const tp_conv2d_dsp *op, const int8_t *x,
                                 const int32_t *b, const tp_q8 *lora_a,
                                 tp_q16 *u, const tp_q8 *lora_b, int8_t *y,
                                 uint32_t *scratch) {
    const int32_t taps = 2 * op->pairs;
    const int shift = op->conv.shift + 1;
    const tp_dsp_matrix a = {lora_a->v, op->conv.rank, taps, taps, 1};
    const int16_t e = (int16_t)(lora_a->e + op->conv.shift);
    work v = {.op = op, .x = x, .y = y, .made = u};
    int32_t *w = begin_lora(&v, lora_b, e, scratch);
    int32_t *start = w + tp_dsp_groups(a.rows) * taps;
    tp_dsp_sums *t = &v.sums;
    (void)b;
    tp_dsp_pack(&a, w);
    tp_dsp_starts(&a, -2 * (128 + op->conv.x_zp), start);
    v.run = run_lora_made;
    v.u_bytes = u != NULL && a.rows % 4 == 0 ? 2 * a.rows : 0;
    t->then = (tp_dsp_then){.w = op->w,
                            .channel = op->channel,
                            .branch = t->branch,
                            .stride = op->conv.out_c};
    t->y = (int8_t *)v.few;
    t->stride = 8 * tp_dsp_groups(a.rows);
    t->y_end = t->y + t->stride;
    t->w = w;
    t->channel = start;
    t->even = tp_dsp_power(shift);
    t->odd = tp_dsp_power(shift + 8);
    walk(&v);
    if (u != NULL) {
        u->e = e;
    }
}
