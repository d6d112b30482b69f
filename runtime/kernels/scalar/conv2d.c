/* CONV_2D, and FULLY_CONNECTED as a 1x1 convolution, on cores without vectors:
 * the windows of two pixels are copied side by side, then multiplied with the
 * weights of four channels after the other, so that a byte that was loaded
 * serves two products or four. */
#include "runtime/kernels/ref/conv.h"
#include "runtime/kernels/ref/lora.h"
#include "runtime/kernels/scalar/stair.h"
#include "runtime/kernels/scalar/sums.h"
#include "tinypeft/kernels.h"

/* A LoRA branch. */
typedef struct branch {
    const tp_q16 *u;
    const tp_q8 *b;
    const int32_t *bias;   /* as work.b, which is NULL: it comes before this */
    const int32_t *factor; /* [out_c] */
} branch;

/* What is under way for a group of channels in some pixels, which lie out_c
 * apart in y. */
typedef struct group {
    const uint8_t *w;
    const int32_t *channel;
    int8_t *y;
    uint32_t off[TP_SUMS_PIXELS]; /* what the bytes of each pixel add */
    const int16_t *lora_u;        /* of the first pixel */
} group;

/* What each call works with. */
typedef struct work work;
struct work {
    const tp_conv2d_scalar *op;
    const int8_t *x;
    const int32_t *b;   /* NULL: the table has it */
    const tp_factor *f; /* NULL: the descriptor has them */
    int8_t *y;
    uint8_t *u; /* [k][pixels] the windows, x + 128 */
    int32_t k;  /* products of a sum, filled up to a multiple of four */
    const branch *lora;
    /* Adds the branch to the sums of channels oc .. oc + n - 1; NULL: none. A
     * pointer, so that what has no branch is compiled as if there were none. */
    void (*add)(const work *v, const group *g, int32_t oc, int32_t n,
                int32_t pixels, int32_t *sum);
};

/* A place of the output. */
typedef struct place {
    int32_t oy, ox;
} place;

/* --- windows -------------------------------------------------------------- */

/* Where the bytes of a window go: every `step`th, and their sum. */
typedef struct sink {
    uint8_t *to;
    int32_t step;
    uint32_t sum;
} sink;

static inline void put(sink *s, uint32_t u) {
    *s->to = (uint8_t)u;
    s->to += s->step;
    s->sum += u;
}

static void put_run(sink *to, const int8_t *x, int32_t n) {
    sink s = *to;
    for (const int8_t *end = x + n; x < end; x++) {
        put(&s, (uint8_t)*x ^ 0x80u);
    }
    *to = s;
}

static void put_padding(sink *to, uint32_t u, int32_t n) {
    for (; n > 0; n--) {
        put(to, u);
    }
}

/* The window of a place, padding included; returns the sum of its bytes. */
static uint32_t window(const work *v, place at, uint8_t *to, int32_t step) {
    const tp_conv2d *op = &v->op->conv;
    const int32_t ix = at.ox * op->stride_w - op->pad_l;
    const int32_t from = tp_clamp32(ix, 0, op->in_w);
    const int32_t end = tp_clamp32(ix + op->k_w, from, op->in_w);
    const int32_t row = op->k_w * op->in_c;
    const int32_t left = tp_clamp32(-ix, 0, op->k_w) * op->in_c;
    const int32_t n = (end - from) * op->in_c;
    const uint32_t pad = (uint32_t)(op->x_zp + 128);
    int32_t iy = at.oy * op->stride_h - op->pad_t;
    sink s = {.to = to, .step = step};
    for (int32_t ky = 0; ky < op->k_h; ky++, iy++) {
        if (iy < 0 || iy >= op->in_h) {
            put_padding(&s, pad, row);
            continue;
        }
        put_padding(&s, pad, left);
        put_run(&s, v->x + (iy * op->in_w + from) * op->in_c, n);
        put_padding(&s, pad, row - left - n);
    }
    return s.sum;
}

/* --- groups of channels --------------------------------------------------- */

/* sum[c][p]: the sums of a group. */
static inline void sums(const work *v, const group *g, int32_t pixels,
                        int32_t *sum) {
#pragma GCC unroll 4
    for (int32_t c = 0; c < TP_SUMS_GROUP; c++) {
        const uint32_t start =
            (uint32_t)g->channel[TP_STAIR_WORDS * c + TP_STAIR_START];
        for (int32_t i = 0; i < pixels; i++) {
            sum[c * pixels + i] = (int32_t)(start - g->off[i]);
        }
    }
    if (pixels == 1) {
        tp_scalar_sums1(v->u, g->w, v->k, sum);
    } else {
        tp_scalar_sums2(v->u, g->w, v->k, sum);
    }
}

/* a + b, saturated; on a core of 32 bits less than tp_sat32(). */
static inline int32_t add_sat(int32_t a, int32_t b) {
    const int32_t sum = (int32_t)((uint32_t)a + (uint32_t)b);
    if (((a ^ sum) & (b ^ sum)) < 0) {
        return a < 0 ? INT32_MIN : INT32_MAX;
    }
    return sum;
}

/* What the branch adds to the sums of channels oc .. oc + n - 1, as `ref` does
 * it. With stairs a sum is off by less than 2^30, and both ends of what fits
 * are clamped: that it saturates elsewhere is not seen. */
static void add_branch(const work *v, const group *g, int32_t oc, int32_t n,
                       int32_t pixels, int32_t *sum) {
    const branch *lora = v->lora;
    const int32_t rank = v->op->conv.rank;
    const int32_t fine = INT32_C(1) << tp_lora_bits(rank);
    const int8_t *b = lora->b->v + oc * rank;
    for (const int32_t *end = sum + n * pixels; sum < end; oc++, b += rank) {
        const int32_t factor = lora->factor[oc];
        const int32_t bias = lora->bias != NULL ? lora->bias[oc] : 0;
        const int16_t *u = g->lora_u;
        for (int32_t i = 0; i < pixels; i++, sum++, u += rank) {
            int32_t dot = 0;
            for (int32_t r = 0; r < rank; r++) {
                dot += b[r] * u[r];
            }
            *sum = add_sat(tp_add_wrap(*sum, bias),
                           tp_lora_add(dot * fine, factor));
        }
    }
}

/* Channel oc, at c, which has no stairs. */
static void finish(const work *v, const int32_t *c, int32_t oc, int32_t pixels,
                   const int32_t *sum, int8_t *y) {
    const tp_conv2d *op = &v->op->conv;
    const int32_t b = v->b != NULL ? v->b[oc] : 0;
    const tp_factor f = tp_stair_factor(c, v->f, oc);
    for (int32_t i = 0; i < pixels; i++, y += op->out_c) {
        *y = tp_stair_none(op, f, tp_add_wrap(sum[i], b));
    }
}

/* All channels. */
static inline void run_groups(const work *v, group *g, int32_t pixels) {
    const int32_t out_c = v->op->conv.out_c;
    int8_t *y = g->y;
    for (const int8_t *end = y + out_c; y < end;) {
        int32_t sum[TP_SUMS_GROUP * TP_SUMS_PIXELS];
        sums(v, g, pixels, sum);
        if (v->add != NULL) {
            v->add(v, g, (int32_t)(y - g->y),
                   tp_min32((int32_t)(end - y), TP_SUMS_GROUP), pixels, sum);
        }
        const int32_t *from = sum;
        const int32_t *c = g->channel;
        for (int32_t i = 0; i < TP_SUMS_GROUP && y < end; i++, y++) {
            const tp_stair s = tp_stair_of(c);
            if (s.top < 0) {
                finish(v, c, (int32_t)(y - g->y), pixels, from, y);
            } else {
                y[0] = tp_stair_byte(&s, from[0]);
                if (pixels == 2) {
                    y[out_c] = tp_stair_byte(&s, from[1]);
                }
            }
            from += pixels;
            c += TP_STAIR_WORDS;
        }
        g->channel += TP_SUMS_GROUP * TP_STAIR_WORDS;
        g->w += TP_SUMS_GROUP * v->k;
    }
}

static void run_groups1(const work *v, group *g) {
    run_groups(v, g, 1);
}

static void run_groups2(const work *v, group *g) {
    run_groups(v, g, 2);
}

/* --- pixels --------------------------------------------------------------- */

/* The n pixels from p on, at these places: all windows are read before any
 * output is written. */
static void pixels(const work *v, int32_t p, const place at[TP_SUMS_PIXELS],
                   int32_t n) {
    group g = {.w = (const uint8_t *)v->op->conv.w,
               .channel = v->op->channel,
               .y = v->y + p * v->op->conv.out_c};
    if (v->lora != NULL) {
        g.lora_u = v->lora->u->v + p * v->op->conv.rank;
    }
    for (int32_t i = 0; i < n; i++) {
        g.off[i] = 128u * window(v, at[i], v->u + i, n);
    }
    if (n == 1) {
        run_groups1(v, &g);
    } else {
        run_groups2(v, &g);
    }
}

static place next(const tp_conv2d *op, place at) {
    return at.ox + 1 < op->out_w ? (place){at.oy, at.ox + 1}
                                 : (place){at.oy + 1, 0};
}

static place before(const tp_conv2d *op, place at) {
    return at.ox > 0 ? (place){at.oy, at.ox - 1}
                     : (place){at.oy - 1, op->out_w - 1};
}

static void walk_forward(const work *v) {
    const tp_conv2d *op = &v->op->conv;
    const int32_t all = op->out_h * op->out_w;
    place at[TP_SUMS_PIXELS] = {{0, 0}};
    for (int32_t p = 0; p < all; p += TP_SUMS_PIXELS) {
        at[1] = next(op, at[0]);
        pixels(v, p, at, tp_min32(all - p, TP_SUMS_PIXELS));
        at[0] = next(op, at[1]);
    }
}

static void walk_reverse(const work *v) {
    const tp_conv2d *op = &v->op->conv;
    place at[TP_SUMS_PIXELS] = {{0, 0}};
    place last = {op->out_h - 1, op->out_w - 1};
    int32_t p = op->out_h * op->out_w;
    for (; p >= TP_SUMS_PIXELS; p -= TP_SUMS_PIXELS) {
        at[1] = last;
        at[0] = before(op, last);
        pixels(v, p - TP_SUMS_PIXELS, at, TP_SUMS_PIXELS);
        last = before(op, at[0]);
    }
    if (p > 0) {
        at[0] = last;
        pixels(v, 0, at, 1);
    }
}

static void forward(work *v, uint32_t *scratch) {
    const tp_conv2d *op = &v->op->conv;
    v->u = (uint8_t *)scratch;
    v->k = (op->k_h * op->k_w * op->in_c + 3) / 4 * 4;
    if (op->reverse != 0) {
        walk_reverse(v);
    } else {
        walk_forward(v);
    }
}

/* conv2d_s8_fwd_ref, byte for byte.
 *   op       conv as there, m and s unused, no dilation; w [groups of 4
 *            channels][k][4], w + 128, k filled up to a multiple of four and
 * the last group to four channels with bytes of 0; channel [out_c][4] as in
 * stair.h, filled up alike: sums start from
 *            -(x_zp + 128) sum w, and the bias
 *   x, y     as there
 *   b        int32 [out_c] where `channel` lacks the bias, and has no stairs;
 *            else NULL
 *   scratch  uint8 [k][2], of one pixel [k]
 * y may lie over x where no pair of y's pixels, in the order of op->reverse,
 * lands on a pixel of x that a later pair reads: a pair's windows are read
 * before it is written. Sums wrap as there, so that they need no bound but
 * that of stair.h. Cannot fail. */
void tp_conv2d_s8_fwd_scalar(const tp_conv2d_scalar *op, const int8_t *x,
                             const int32_t *b, int8_t *y, uint32_t *scratch) {
    work v = {.op = op, .x = x, .b = b, .y = y};
    forward(&v, scratch);
}

/* conv2d_scaled_s8_fwd_ref, byte for byte.
 *   f  [in] tp_factor [out_c], from rescale_s16_fwd
 *   op, x, b, y, scratch  as above; no channel has stairs */
void tp_conv2d_scaled_s8_fwd_scalar(const tp_conv2d_scalar *op, const int8_t *x,
                                    const int32_t *b, const tp_factor *f,
                                    int8_t *y, uint32_t *scratch) {
    work v = {.op = op, .x = x, .b = b, .f = f, .y = y};
    forward(&v, scratch);
}

/* conv2d_lora_s8_fwd_ref, byte for byte.
 *   op               as for conv2d_s8_fwd_scalar; lora_m and lora_s are used.
 *                    Stairs give the lowest and the highest byte for all sums
 *                    beyond +-2^30, and start within these
 *   x, u, lora_b, y  as there
 *   b                as for conv2d_s8_fwd_scalar
 *   scratch          int32 [out_c], then as there
 * y may lie over x as in conv2d_s8_fwd_scalar; u lies apart. Bounds: as there;
 * of the branch that of conv2d_lora_s8_fwd_ref. Cannot fail. */
void tp_conv2d_lora_s8_fwd_scalar(const tp_conv2d_scalar *op, const int8_t *x,
                                  const int32_t *b, const tp_q16 *u,
                                  const tp_q8 *lora_b, int8_t *y,
                                  uint32_t *scratch) {
    const int e = lora_b->e + u->e;
    int32_t *factor = (int32_t *)scratch;
    const branch lora = {.u = u, .b = lora_b, .bias = b, .factor = factor};
    work v = {.op = op, .x = x, .y = y, .lora = &lora, .add = add_branch};
    for (int32_t oc = 0; oc < op->conv.out_c; oc++) {
        factor[oc] = tp_lora_factor(&op->conv, oc, e);
    }
    forward(&v, scratch + op->conv.out_c);
}
