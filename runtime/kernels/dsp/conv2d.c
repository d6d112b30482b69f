/* CONV_2D and FULLY_CONNECTED on the tiles of tile.h: two pixels at a time. */
#include <stddef.h>
#include <string.h>

#include "runtime/kernels/dsp/sums.h"
#include "runtime/kernels/dsp/tile.h"
#include "runtime/kernels/dsp/widen.h"
#include "runtime/kernels/ref/lora.h"
#include "tinypeft/kernels.h"

#define PIXELS 2

/* What each call works with. */
typedef struct work {
    const tp_conv2d_dsp *op;
    const int8_t *x;
    int8_t *y;
    uint32_t *act; /* [pairs][PIXELS] */
    int8_t *patch; /* [PIXELS][2 * pairs]; not used where a window is a run */
} work;

/* One row of a window, k_w taps from ix on, to `out`; taps outside the map
 * are x_zp. */
static int8_t *gather_row(const tp_conv2d *op, const int8_t *row, int32_t ix,
                          int8_t *out) {
    for (int32_t kx = 0; kx < op->k_w; kx++, ix += op->dil_w) {
        if (ix >= 0 && ix < op->in_w) {
            memcpy(out, row + ix * op->in_c, (size_t)op->in_c);
        } else {
            memset(out, op->x_zp, (size_t)op->in_c);
        }
        out += op->in_c;
    }
    return out;
}

/* The window of pixel p, k in the order of the weights. */
static void gather(const work *v, int32_t p, int8_t *out) {
    const tp_conv2d *op = &v->op->conv;
    const int32_t ix = p % op->out_w * op->stride_w - op->pad_l;
    int32_t iy = p / op->out_w * op->stride_h - op->pad_t;
    const size_t run = (size_t)op->k_w * (size_t)op->in_c;
    const int inside = op->dil_w == 1 && ix >= 0 && ix + op->k_w <= op->in_w;
    for (int32_t ky = 0; ky < op->k_h; ky++, iy += op->dil_h) {
        const int8_t *row = v->x + iy * op->in_w * op->in_c;
        if (iy < 0 || iy >= op->in_h) {
            memset(out, op->x_zp, run);
            out += run;
        } else if (inside) {
            memcpy(out, row + ix * op->in_c, run);
            out += run;
        } else {
            out = gather_row(op, row, ix, out);
        }
    }
}

/* Where the bytes of pixel p's window are, one behind the other. */
static const int8_t *window(const work *v, int32_t p, int32_t slot) {
    const tp_conv2d *op = &v->op->conv;
    if (v->patch == NULL) {
        const int32_t iy = p / op->out_w * op->stride_h;
        const int32_t ix = p % op->out_w * op->stride_w;
        return v->x + (iy * op->in_w + ix) * op->in_c;
    }
    int8_t *patch = v->patch + slot * 2 * v->op->pairs;
    gather(v, p, patch);
    return patch;
}

/* The last group overlaps the one before where out_c is no multiple of four. */
static void run_groups(const tp_conv2d_dsp *op, tp_dsp_tile *t,
                       void (*tile)(const tp_dsp_tile *)) {
    const int32_t rest = op->conv.out_c % TP_TILE_GROUP;
    const int32_t groups = (op->conv.out_c + TP_TILE_GROUP - 1) / TP_TILE_GROUP;
    const int32_t *end = op->channel + groups * TP_TILE_CHANNEL;
    t->w = op->w;
    t->channel = op->channel;
    t->end = rest != 0 ? end - TP_TILE_CHANNEL : end;
    if (t->channel < t->end) {
        tile(t);
    }
    if (rest != 0) {
        t->w = op->w + (groups - 1) * op->pairs * 2;
        t->channel = t->end;
        t->end = end;
        t->y += op->conv.out_c - TP_TILE_GROUP;
        tile(t);
    }
}

/* Pixels [p, p + n), n <= PIXELS. */
static void pixels(const work *v, int32_t p, int32_t n) {
    const tp_conv2d_dsp *op = v->op;
    tp_dsp_tile t = {.act = v->act,
                     .act_end = v->act + op->pairs * n,
                     .y = v->y + p * op->conv.out_c,
                     .stride = op->conv.out_c,
                     .up = (uint32_t)op->up,
                     .down = (uint32_t)op->down};
    const int8_t *first = window(v, p, 0);
    if (n == 1) {
        tp_widen1(first, op->pairs / 2, v->act);
        run_groups(op, &t, op->plain ? tp_dsp_tile1_plain : tp_dsp_tile1);
        return;
    }
    tp_widen2(first, window(v, p + 1, 1), op->pairs / 2, v->act);
    run_groups(op, &t, op->plain ? tp_dsp_tile2_plain : tp_dsp_tile2);
}

static work begin(const tp_conv2d_dsp *op, const int8_t *x, int8_t *y,
                  uint32_t *scratch) {
    const work v = {
        .op = op,
        .x = x,
        .y = y,
        .act = scratch,
        .patch =
            op->direct ? NULL : (int8_t *)(scratch + PIXELS * op->pairs)};
    if (v.patch != NULL) { /* behind the windows the weights are 0 */
        memset(v.patch, 0, (size_t)(PIXELS * 2 * op->pairs));
    }
    return v;
}

/* conv2d_s8_fwd_ref, byte for byte, from packed weights.
 *   op       conv as there, w, m and s unused; w, channel as in tile.h
 *   x, y     as there
 *   b        unused: channel has the bias
 *   scratch  uint32 [2 * pairs], and where not `direct` [3 * pairs]
 * y may lie over x where no pair of y's pixels, in the order of op->reverse,
 * lands on a pixel of x that a later pair reads: a pair's windows are read
 * before it is written.
 * Bounds as in tile.h. Cannot fail. */
void tp_conv2d_s8_fwd_dsp(const tp_conv2d_dsp *op, const int8_t *x,
                          const int32_t *b, int8_t *y, uint32_t *scratch) {
    const tp_conv2d *c = &op->conv;
    const int32_t n = c->out_h * c->out_w;
    const work v = begin(op, x, y, scratch);
    (void)b;
    for (int32_t i = 0; i < n; i += PIXELS) {
        const int32_t count = n - i >= PIXELS ? PIXELS : n - i;
        pixels(&v, c->reverse != 0 ? n - i - count : i, count);
    }
}

/* --- with a LoRA branch --------------------------------------------------- */

#define BRANCH (TP_SUMS_PAIRS + 1) /* words of a channel */

/* B and the factor of each channel, as sums.h has them. */
static void load_branch(const tp_conv2d *op, const tp_q8 *b, int e,
                        int32_t *to) {
    const int32_t fine = INT32_C(1) << tp_lora_bits(op->rank);
    for (int32_t c = 0; c < op->out_c; c++, to += BRANCH) {
        int16_t wide[TP_SUMS_RANK] = {0};
        for (int32_t r = 0; r < op->rank; r++) {
            wide[r] = (int16_t)(b->v[c * op->rank + r] * fine);
        }
        memcpy(to, wide, sizeof wide);
        to[TP_SUMS_PAIRS] = tp_lora_factor(op, c, e);
    }
}

static void load_u(const tp_conv2d *op, const tp_q16 *u, int32_t p,
                   uint32_t *to) {
    const int16_t *v = u->v + p * op->rank;
    for (int32_t r = 0; r < TP_SUMS_RANK; r += 2) {
        const int32_t low = r < op->rank ? v[r] : 0;
        const int32_t high = r + 1 < op->rank ? v[r + 1] : 0;
        *to++ = tp_pack_low((uint32_t)low, (uint32_t)high);
    }
}

/* Channels [from, to) of two pixels, by the groups from `group` on. */
static void run_lora(const tp_conv2d_dsp *op, tp_dsp_sums *t, int8_t *y,
                     int32_t group, int32_t from, int32_t to) {
    const int32_t *branch = t->branch;
    t->w = op->w + group * op->pairs * 2;
    t->channel = op->channel + group * TP_TILE_CHANNEL;
    t->branch += from * BRANCH;
    t->y = y + from;
    t->y_end = y + to;
    (op->plain ? tp_dsp_sums_lora_plain : tp_dsp_sums_lora)(t);
    t->branch = branch;
}

/* Pixels p and q, which may be the same. */
static void pixels_lora(const work *v, const tp_q16 *u, tp_dsp_sums *t,
                        int32_t p, int32_t q) {
    const tp_conv2d *op = &v->op->conv;
    const int32_t groups = op->out_c / TP_TILE_GROUP;
    int8_t *y = v->y + p * op->out_c;
    tp_widen2(window(v, p, 0), window(v, q, 1), v->op->pairs / 2, v->act);
    load_u(op, u, p, t->u);
    load_u(op, u, q, t->u + TP_SUMS_PAIRS);
    t->stride = (q - p) * op->out_c;
    run_lora(v->op, t, y, 0, 0, groups * TP_TILE_GROUP);
    if (op->out_c % TP_TILE_GROUP != 0) {
        run_lora(v->op, t, y, groups, op->out_c - TP_TILE_GROUP, op->out_c);
    }
}

/* conv2d_lora_s8_fwd_ref, byte for byte, of rank 4 or less.
 *   op              as for conv2d_s8_fwd_dsp; lora_m and lora_s are used
 *   x, u, lora_b, y as there
 *   b               unused
 *   scratch         as for conv2d_s8_fwd_dsp, and 3 * out_c words
 * y may lie over x as in conv2d_s8_fwd_dsp; u lies apart. Bounds: as there; a
 * sum that its branch takes beyond what a tile holds would be clamped anyway,
 * as the planner has proved. Cannot fail. */
void tp_conv2d_lora_s8_fwd_dsp(const tp_conv2d_dsp *op, const int8_t *x,
                               const int32_t *b, const tp_q16 *u,
                               const tp_q8 *lora_b, int8_t *y,
                               uint32_t *scratch) {
    const tp_conv2d *c = &op->conv;
    const int32_t n = c->out_h * c->out_w;
    const work v = begin(op, x, y, scratch);
    int32_t *branch = (int32_t *)scratch + op->pairs * (op->direct ? 2 : 3);
    tp_dsp_sums t = {.act = v.act,
                     .act_end = v.act + PIXELS * op->pairs,
                     .branch = branch,
                     .up = (uint32_t)op->up,
                     .down = (uint32_t)op->down};
    (void)b;
    load_branch(c, lora_b, lora_b->e + u->e, branch);
    for (int32_t i = 0; i < n; i += PIXELS) {
        const int32_t count = n - i >= PIXELS ? PIXELS : 1;
        const int32_t p = c->reverse != 0 ? n - i - count : i;
        pixels_lora(&v, u, &t, p, p + count - 1);
    }
}
