/* What a LoRA branch needs beside its convolution: u = A x and du = B^T dy on
 * the tiles of sums.h, dA and dB on outer.h. */
#include <stdbool.h>
#include <string.h>

#include "runtime/kernels/dsp/outer.h"
#include "runtime/kernels/dsp/pack.h"
#include "runtime/kernels/dsp/sums.h"
#include "runtime/kernels/dsp/widen.h"
#include "runtime/kernels/ref/grad_out.h"
#include "tinypeft/kernels.h"

#define PIXELS 2
#define GROUP 4

/* --- narrow products: few rows, packed for each call ---------------------- */

/* A map whose pixels are multiplied with a packed matrix. */
typedef struct narrow {
    const int8_t *x;
    tp_dsp_matrix m;
    uint32_t *act;  /* [pairs][PIXELS] */
    int32_t *start; /* [groups][4]; only of u */
    int8_t *y;      /* [PIXELS][groups * 4], of `bytes` each */
    int32_t bytes;
    tp_dsp_sums t;
} narrow;

/* Scratch in its parts; the matrix is packed. */
static narrow begin(const int8_t *x, const tp_dsp_matrix *m, int32_t bytes,
                    uint32_t *scratch) {
    const int32_t pairs = tp_dsp_pairs(m->cols);
    const int32_t groups = tp_dsp_groups(m->rows);
    narrow v = {.x = x, .m = *m, .act = scratch, .bytes = bytes};
    int32_t *w = (int32_t *)scratch + PIXELS * pairs;
    tp_dsp_pack(m, w);
    v.start = w + groups * pairs * 2;
    v.y = (int8_t *)(v.start + GROUP * groups);
    v.t.w = w;
    memset(v.start, 0, (size_t)groups * GROUP * sizeof *v.start);
    v.t.act = v.act;
    v.t.act_end = v.act + PIXELS * pairs;
    return v;
}

/* The last group of a matrix may overlap the one before it; in v->y each has a
 * place of its own, and from there it is copied. */
static void put(const narrow *v, const int8_t *from, int8_t *to) {
    const int32_t all = v->m.rows * v->bytes;
    const int32_t group = GROUP * v->bytes;
    const int32_t whole = all / group * group;
    const int32_t last = all < group ? 0 : all - group;
    memcpy(to, from, (size_t)whole);
    memcpy(to + last, from + whole, (size_t)all - (size_t)last);
}

/* The products of pixels at p and q, elements of x, to `to` and `to + next`. */
static void multiply(narrow *v, int32_t p, int32_t q, int8_t *to, int32_t next,
                     void (*tile)(tp_dsp_sums *t)) {
    const int32_t all = tp_dsp_groups(v->m.rows) * GROUP * v->bytes;
    const bool direct = v->m.rows % GROUP == 0;
    tp_widen2_signed(v->x + p, v->x + q, v->m.cols / 4, v->act);
    v->t.channel = v->start;
    v->t.y = direct ? to : v->y;
    v->t.y_end = v->t.y + all;
    v->t.stride = direct ? next : all;
    tile(&v->t);
    if (!direct) {
        put(v, v->y, to);
        put(v, v->y + all, to + next);
    }
}

/* Element of x at output pixel p of a 1x1 convolution. */
static int32_t at(const tp_conv2d *op, int32_t p) {
    if (op->stride_h == 1 && op->stride_w == 1) {
        return p * op->in_c;
    }
    const int32_t iy = p / op->out_w * op->stride_h;
    const int32_t ix = p % op->out_w * op->stride_w;
    return (iy * op->in_w + ix) * op->in_c;
}

/* conv2d_q8_s16_fwd_ref, byte for byte, where windows are single pixels of a
 * multiple of four channels.
 *   op, x, w, u  as there
 *   scratch      as tp_dsp_narrow_words() says
 * No overlap. Bound, kept by the planner: 257 * 256 * 127 * in_c < 2^31.
 * Cannot fail. */
void tp_conv2d_q8_s16_fwd_dsp(const tp_conv2d *op, const int8_t *x,
                              const tp_q8 *w, tp_q16 *u, uint32_t *scratch) {
    const tp_dsp_matrix m = {w->v, op->out_c, op->in_c, op->in_c, 1};
    const int32_t n = op->out_h * op->out_w;
    narrow v = begin(x, &m, 2, scratch);
    tp_dsp_starts(&m, -op->x_zp, v.start);
    v.t.even = tp_dsp_power(op->shift);
    v.t.odd = tp_dsp_power(op->shift + 8);
    for (int32_t p = 0; p < n; p += PIXELS) {
        const int32_t q = tp_min32(p + 1, n - 1);
        multiply(&v, at(op, p), at(op, q), (int8_t *)(u->v + p * op->out_c),
                 2 * (q - p) * op->out_c, tp_dsp_sums_u);
    }
    u->e = (int16_t)(w->e + op->shift);
}

/* lora_q8_bwd_u_ref, byte for byte, of a multiple of four channels.
 *   op, dy, lora_b, du, g  as there
 *   scratch  as tp_dsp_narrow_words() says
 * No overlap. Bound, kept by the planner: 257 * 127 * 128 * out_c < 2^31.
 * Cannot fail. */
void tp_lora_q8_bwd_u_dsp(const tp_conv2d *op, const tp_q8 *dy,
                          const tp_q8 *lora_b, tp_q8 *du, tp_gscale *g,
                          uint32_t *scratch) {
    const tp_dsp_matrix m = {lora_b->v, op->rank, op->out_c, 1, op->rank};
    const int32_t n = op->out_h * op->out_w;
    const int shift = tp_grad_shift(g, lora_b->e + dy->e);
    narrow v = begin(dy->v, &m, 1, scratch);
    v.t.even = tp_dsp_power(shift);
    v.t.odd = tp_dsp_power(shift + 8);
    for (int32_t p = 0; p < n; p += PIXELS) {
        const int32_t q = tp_min32(p + 1, n - 1);
        multiply(&v, p * op->out_c, q * op->out_c, du->v + p * op->rank,
                 (q - p) * op->rank, tp_dsp_sums_back);
    }
    g->peak |= v.t.peak;
    du->e = g->e;
}

/* --- gradients to weights --------------------------------------------------
 */

/* A map of channels, and one of few ranks of one or two bytes each. */
typedef struct maps {
    const int8_t *x;
    int32_t channels; /* even */
    const void *u;
    int32_t bytes;
    int32_t ranks, pixels;
} maps;

static int32_t rank_at(const maps *m, int32_t p, int32_t r) {
    const int32_t i = p * m->ranks + r;
    if (r >= m->ranks) {
        return 0;
    }
    return m->bytes == 1 ? ((const int8_t *)m->u)[i]
                         : ((const int16_t *)m->u)[i];
}

/* Four ranks from r on, as outer.h has them: whole pairs of pixels. */
static void pair_up(const maps *m, int32_t r, uint32_t *to) {
    for (int32_t p = 0; p + 1 < m->pixels; p += 2) {
        for (int32_t i = 0; i < TP_OUTER_RANKS; i++) {
            *to++ = tp_pack_low((uint32_t)rank_at(m, p, r + i),
                                (uint32_t)rank_at(m, p + 1, r + i));
        }
    }
}

/* acc[c][r] of channels c, c + 1 and ranks r to r + 3, over all pixels. */
static void outer(const maps *m, int32_t c, int32_t r, const uint32_t *u,
                  int32_t *acc) {
    const int32_t pairs = m->pixels / 2;
    const int8_t *last = m->x + (m->pixels - 1) * m->channels + c;
    memset(acc, 0, TP_OUTER_CHANNELS * TP_OUTER_RANKS * sizeof *acc);
    if (pairs > 0) {
        tp_dsp_outer(m->x + c, m->channels, u, u + pairs * TP_OUTER_RANKS, acc);
    }
    for (int32_t i = 0; m->pixels % 2 != 0 && i < TP_OUTER_RANKS; i++) {
        const int32_t v = rank_at(m, m->pixels - 1, r + i);
        acc[i] += last[0] * v;
        acc[TP_OUTER_RANKS + i] += last[1] * v;
    }
}

/* To out[c * c_stride + r * r_stride], for channels c and c + 1 and as many of
 * the four ranks as there are. */
typedef struct target {
    int32_t *out;
    int32_t c, r; /* strides */
    int32_t shift;
} target;

/* round(v / 2^n), halves up; n in [0, 31]. */
static int32_t round_down(int32_t v, int n) {
    return n == 0 ? v : ((v >> (n - 1)) + 1) >> 1;
}

static void add_sums(const maps *m, const target *t, int32_t c, int32_t r,
                     const int32_t *acc) {
    for (int32_t i = 0; i < TP_OUTER_CHANNELS; i++) {
        for (int32_t j = 0; j < TP_OUTER_RANKS && r + j < m->ranks; j++) {
            t->out[(c + i) * t->c + (r + j) * t->r] +=
                round_down(acc[i * TP_OUTER_RANKS + j], t->shift);
        }
    }
}

/* lora_q16_bwd_w_ref, byte for byte, of an even number of channels.
 *   op, u, dy, db  as there
 *   scratch        uint32 [out_h * out_w / 2 * 4]
 * No overlap. Bound, kept by the planner: 32767 * 127 * pixels < 2^31.
 * Cannot fail. */
void tp_lora_q16_bwd_w_dsp(const tp_conv2d *op, const tp_q16 *u,
                           const tp_q8 *dy, tp_q32 *db, uint32_t *scratch) {
    const maps m = {dy->v, op->out_c, u->v, 2, op->rank, op->out_h * op->out_w};
    const target t = {db->v, op->rank, 1, op->acc_shift_b};
    int32_t acc[TP_OUTER_CHANNELS * TP_OUTER_RANKS];
    for (int32_t r = 0; r < m.ranks; r += TP_OUTER_RANKS) {
        pair_up(&m, r, scratch);
        for (int32_t c = 0; c < m.channels; c += TP_OUTER_CHANNELS) {
            outer(&m, c, r, scratch, acc);
            add_sums(&m, &t, c, r, acc);
        }
    }
    db->e = u->e + dy->e + op->acc_shift_b;
}

/* conv2d_s8_bwd_w_ref, byte for byte, of a 1x1 convolution of stride 1 with an
 * even number of input channels.
 *   op, x, dy, dw  as there
 *   scratch        uint32 [out_h * out_w / 2 * 4]
 * No overlap. Bounds as there. Cannot fail. */
void tp_conv2d_s8_bwd_w_dsp(const tp_conv2d *op, const int8_t *x,
                            const tp_q8 *dy, tp_q32 *dw, uint32_t *scratch) {
    const maps m = {x, op->in_c, dy->v, 1, op->out_c, op->out_h * op->out_w};
    const target t = {dw->v, 1, op->in_c, op->acc_shift};
    int32_t acc[TP_OUTER_CHANNELS * TP_OUTER_RANKS];
    for (int32_t r = 0; r < m.ranks; r += TP_OUTER_RANKS) {
        int32_t less[TP_OUTER_RANKS] = {0}; /* the zero point's share */
        for (int32_t p = 0; p < m.pixels; p++) {
            for (int32_t j = 0; j < TP_OUTER_RANKS; j++) {
                less[j] += op->x_zp * rank_at(&m, p, r + j);
            }
        }
        pair_up(&m, r, scratch);
        for (int32_t c = 0; c < m.channels; c += TP_OUTER_CHANNELS) {
            outer(&m, c, r, scratch, acc);
            for (int32_t i = 0; i < TP_OUTER_CHANNELS * TP_OUTER_RANKS; i++) {
                acc[i] -= less[i % TP_OUTER_RANKS];
            }
            add_sums(&m, &t, c, r, acc);
        }
    }
    dw->e = dy->e + op->acc_shift;
}
