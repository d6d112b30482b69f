/* Gradient to the input of a 1x1 CONV_2D or FULLY_CONNECTED, on the tiles of
 * sums.h: two pixels at a time, W^T dy as a convolution of its own. */
#include <stddef.h>

#include "runtime/kernels/dsp/sums.h"
#include "runtime/kernels/dsp/widen.h"
#include "runtime/kernels/ref/grad_out.h"
#include "tinypeft/kernels.h"

#define PIXELS 2
#define GROUP 4

_Static_assert(sizeof(void *) != 4 || (offsetof(tp_dsp_sums, peak) == 52 &&
                                       offsetof(tp_dsp_sums, then) == 88),
               "sums.S and the struct agree");

static const int32_t zero[GROUP];

/* What each call works with. */
typedef struct work {
    const tp_conv2d_dsp *op;
    const int8_t *dy;
    int8_t *dx;
    uint32_t *act;    /* [pairs][PIXELS] */
    int8_t *patch;    /* [PIXELS][2 * pairs]; NULL: dy's pixels as they are */
    const int8_t *du; /* NULL: no branch */
    int32_t *branch;  /* [in_c][tp_dsp_branch_words()] */
    tp_dsp_sums t;
    void (*tile)(tp_dsp_sums *t);
} work;

/* Pixel p of dy, in a multiple of four bytes. */
static const int8_t *pixel(const work *v, int32_t p, int32_t slot) {
    const int32_t out_c = v->op->conv.out_c;
    if (v->patch == NULL) {
        return v->dy + p * out_c;
    }
    int8_t *patch = v->patch + slot * 2 * v->op->pairs;
    memcpy(patch, v->dy + p * out_c, (size_t)out_c);
    return patch;
}

/* du of one pixel as tp_dsp_sums has it. */
static void load_u(const work *v, int32_t p, uint32_t *u) {
    const int32_t rank = v->op->conv.rank;
    const int8_t *du = v->du + p * rank;
    for (int32_t r = 0; r < 2 * tp_dsp_branch_words(rank); r += 2) {
        const int32_t low = r < rank ? du[r] : 0;
        const int32_t high = r + 1 < rank ? du[r + 1] : 0;
        *u++ = tp_pack_low((uint32_t)low, (uint32_t)high);
    }
}

/* Channels of dx from `from` on, by the groups of the weights from w on. */
static void run(work *v, const int32_t *w, int8_t *dx, int32_t from,
                int32_t to) {
    v->t.w = w;
    v->t.y = dx + from;
    v->t.y_end = dx + to;
    if (v->du != NULL) {
        v->t.branch = v->branch + from * tp_dsp_branch_words(v->op->conv.rank);
    }
    v->tile(&v->t);
}

/* Pixels p and q, which may be the same. */
static void pixels(work *v, int32_t p, int32_t q) {
    const tp_conv2d *op = &v->op->conv;
    const int32_t whole = op->in_c / GROUP * GROUP;
    int8_t *dx = v->dx + p * op->in_c;
    tp_widen2_scaled(pixel(v, p, 0), pixel(v, q, 1), v->op->channel,
                     v->op->pairs / 2, v->act);
    if (v->du != NULL) {
        load_u(v, p, v->t.u[0]);
        load_u(v, q, v->t.u[1]);
    }
    v->t.stride = (q - p) * op->in_c;
    run(v, v->op->w, dx, 0, whole);
    if (whole != op->in_c) {
        run(v, v->op->w + whole / GROUP * v->op->pairs * 2, dx,
            op->in_c - GROUP, op->in_c);
    }
}

static void all(work *v) {
    const tp_conv2d *op = &v->op->conv;
    const int32_t n = op->in_h * op->in_w;
    for (int32_t i = 0; i < n; i += PIXELS) {
        const int32_t count = n - i >= PIXELS ? PIXELS : 1;
        const int32_t p = op->reverse != 0 ? n - i - count : i;
        pixels(v, p, p + count - 1);
    }
}

static work begin(const tp_conv2d_dsp *op, const tp_q8 *dy, tp_q8 *dx,
                  uint32_t *scratch) {
    work v = {.op = op, .dy = dy->v, .dx = dx->v, .act = scratch};
    scratch += PIXELS * op->pairs;
    if (!op->direct) { /* behind the channels the weights are 0 */
        v.patch = (int8_t *)scratch;
        memset(v.patch, 0, 4 * (size_t)op->pairs);
        scratch += op->pairs;
    }
    v.branch = (int32_t *)scratch;
    v.t.channel = zero;
    v.t.act = v.act;
    v.t.act_end = v.act + PIXELS * op->pairs;
    return v;
}

static void set_shift(work *v, int shift) {
    v->t.even = tp_dsp_power(shift);
    v->t.odd = tp_dsp_power(shift + 8);
}

/* conv2d_s8_bwd_x_ref, byte for byte, of a 1x1 convolution of stride 1.
 *   op       conv as there, w, bwd_q unused; w: W^T as in tile.h, direct: out_c
 *            is a multiple of 4; channel: bwd_q / 16 of each pair of dy's
 *            channels, {q[k], q[k']}
 *   dy, dx   as there
 *   scratch  uint32 [2 * pairs], and where not `direct` [pairs]
 * dx may lie over dy where no pair of dx's pixels, in the order of
 * op->reverse, lands on a pixel of dy that a later pair reads.
 * Bounds as in sums.h, kept by the planner with the real weights.
 * Cannot fail. */
void tp_conv2d_s8_bwd_x_dsp(const tp_conv2d_dsp *op, const tp_q8 *dy, tp_q8 *dx,
                            tp_gscale *g, uint32_t *scratch) {
    work v = begin(op, dy, dx, scratch);
    set_shift(&v, tp_grad_shift(g, dy->e + (int)op->conv.bwd_e - 3));
    v.tile = tp_dsp_sums_back;
    all(&v);
    g->peak |= v.t.peak;
    dx->e = g->e;
}

/* A^T of the branch: int16 for each channel of dx. */
static void load_branch(const work *v, const int8_t *a) {
    const int32_t in_c = v->op->conv.in_c;
    const int32_t rank = v->op->conv.rank;
    int16_t *to = (int16_t *)(void *)v->branch;
    for (int32_t c = 0; c < in_c; c++) {
        for (int32_t r = 0; r < 2 * tp_dsp_branch_words(rank); r++) {
            *to++ = r < rank ? a[r * in_c + c] : 0;
        }
    }
}

/* conv2d_lora_s8_bwd_x_ref, byte for byte, of a 1x1 convolution of stride 1
 * with a branch of rank 8 or less.
 *   op, dy, dx      as for conv2d_s8_bwd_x_dsp
 *   du, lora_a, g   as for conv2d_lora_s8_bwd_x_ref
 *   scratch         tp_dsp_branch_words() more for each channel of dx
 * du lies apart. Bounds: A^T du is at most 8 * 128 * 128.
 * Cannot fail. */
void tp_conv2d_lora_s8_bwd_x_dsp(const tp_conv2d_dsp *op, const tp_q8 *dy,
                                 const tp_q8 *du, const tp_q8 *lora_a,
                                 tp_q8 *dx, tp_gscale *g, uint32_t *scratch) {
    work v = begin(op, dy, dx, scratch);
    const int e_base = dy->e + (int)op->conv.bwd_e - 3;
    const int e_branch = lora_a->e + du->e;
    (void)tp_grad_shift(g, tp_max32(e_base, e_branch));
    set_shift(&v, g->e - e_base);
    v.t.t = tp_dsp_power(g->e - e_branch);
    v.du = du->v;
    v.tile = op->sums;
    load_branch(&v, lora_a->v);
    all(&v);
    g->peak |= v.t.peak;
    dx->e = g->e;
}
