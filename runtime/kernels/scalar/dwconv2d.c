/* DEPTHWISE_CONV_2D on cores without vectors: channel by channel, the rows of x
 * under some rows of y are copied with their padding, and windows slide over
 * them. */
#include <stdbool.h>
#include <string.h>

#include "runtime/kernels/ref/conv.h"
#include "runtime/kernels/scalar/strip.h"
#include "tinypeft/kernels.h"

typedef struct work {
    const tp_conv2d_scalar *op;
    const int32_t *b;   /* NULL: the table has it */
    const tp_factor *f; /* NULL: the descriptor has them */
    uint8_t *u;         /* [rows][row] x + 128 */
    int32_t row;        /* bytes, padding included */
    int32_t left, n;    /* of them: padding before x, of x */
    int32_t batch;      /* rows of y whose windows fit */
    uint8_t pad;
    tp_gscale *g; /* NULL: forward */
    int32_t shift;
} work;

/* Rows of x from iy on, of the channel at x, to u. The columns of padding are
 * there. */
static void load_rows(const work *v, const int8_t *x, int32_t iy, int32_t rows,
                      uint8_t *u) {
    const tp_conv2d *op = &v->op->conv;
    const int32_t above = tp_clamp32(-iy, 0, rows);
    const int32_t inside = tp_clamp32(op->in_h - iy - above, 0, rows - above);
    const int32_t line = op->in_w * op->in_c;
    const tp_columns c = {.x = inside > 0 ? x + (iy + above) * line : x,
                          .right = op->in_c,
                          .below = line,
                          .columns = v->n,
                          .rows = inside,
                          .row = v->row};
    memset(u, v->pad, (size_t)above * (size_t)v->row);
    u += above * v->row;
    tp_scalar_columns(&c, u + v->left);
    u += inside * v->row;
    memset(u, v->pad, (size_t)(rows - above - inside) * (size_t)v->row);
}

/* --- one output at a time ------------------------------------------------- */

static uint32_t window_sum(const work *v, const uint8_t *u, const int8_t *w) {
    const tp_conv2d *op = &v->op->conv;
    uint32_t sum = 0;
    for (int32_t ky = 0; ky < op->k_h; ky++, u += v->row, w += op->k_w) {
        for (int32_t kx = 0; kx < op->k_w; kx++) {
            sum += (uint32_t)(u[kx] * w[kx]);
        }
    }
    return sum;
}

/* Output channel oc of `rows` rows, from y on. */
static void run_windows(const work *v, int32_t oc, int32_t rows, int8_t *y) {
    const tp_conv2d *op = &v->op->conv;
    const int32_t *c = v->op->channel + oc * TP_STAIR_WORDS;
    const int8_t *w = op->w + oc * op->k_h * op->k_w;
    const uint32_t start =
        (uint32_t)c[TP_STAIR_START] + (v->b != NULL ? (uint32_t)v->b[oc] : 0);
    const tp_factor f = tp_stair_factor(c, v->f, oc);
    const tp_stair s = tp_stair_of(c);
    const uint8_t *below = v->u;
    for (; rows > 0; rows--, below += op->stride_h * v->row) {
        const uint8_t *u = below;
        for (int32_t ox = 0; ox < op->out_w; ox++, u += op->stride_w) {
            const int32_t sum = (int32_t)(start + window_sum(v, u, w));
            *y = s.top < 0 ? tp_stair_none(op, f, sum) : tp_stair_byte(&s, sum);
            y += op->out_c;
        }
    }
}

/* --- strips --------------------------------------------------------------- */

static bool has_strips(const tp_conv2d *op) {
    return op->k_h == 3 && op->k_w == 3 && op->stride_w <= 2 && op->out_w >= 3;
}

/* Columns of the next strip where n >= 3 are left: such that 1 or 2 never
 * are. */
static int32_t columns(int32_t n) {
    return n == 5 || n >= 8 ? 5 : n == 3 || n == 6 ? 3 : 4;
}

/* As run_windows(). */
static void run_strips(const work *v, int32_t oc, int32_t rows, int8_t *y) {
    static void (*const run[])(const tp_strip *) = {
        tp_scalar_strip3, tp_scalar_strip4, tp_scalar_strip5};
    const tp_conv2d *op = &v->op->conv;
    const int32_t *c = v->op->channel + oc * TP_STAIR_WORDS;
    tp_strip s = {.row = v->row,
                  .down = op->stride_h * v->row,
                  .w = op->w + oc * 9,
                  .start = c[TP_STAIR_START],
                  .stair = tp_stair_of(c),
                  .right = op->out_c,
                  .below = op->out_w * op->out_c,
                  .rows = rows};
    for (int32_t ox = 0, n = 0; ox < op->out_w; ox += n) {
        const bool by2 = op->stride_w == 2;
        n = by2 ? 3 : columns(op->out_w - ox);
        ox = tp_min32(ox, op->out_w - n); /* by2: some of them again */
        s.u = v->u + ox * op->stride_w;
        s.y = y + ox * op->out_c;
        (by2 ? tp_scalar_strip3_by2 : run[n - 3])(&s);
    }
}

/* --- gradient ------------------------------------------------------------- */

#define GRADIENT_ROWS 6 /* whose sums lie on the stack at once */

/* round(sum * q * 2^-shift), for |sum| < 2^19, q <= 2^15: with q = h 2^8 + l
 * two products of 32 bits do, where what is rounded off begins above l. */
static inline int32_t scale(int32_t sum, int32_t q, int32_t shift) {
    if (shift < 9 || shift > 38) {
        return tp_shift_round((int64_t)sum * q, shift);
    }
    const int32_t v = sum * (q >> 8) + (sum * (q & 255) >> 8);
    return ((v >> (shift - 9)) + 1) >> 1;
}

/* Sums of n columns of a channel to dx, at y. */
static void put_gradient(const work *v, int32_t oc, const tp_strip *s,
                         const int32_t *sum, int32_t n) {
    const int32_t q = v->op->conv.bwd_q[oc];
    const int32_t shift = v->shift;
    const int32_t right = s->right;
    tp_gscale g = *v->g;
    int8_t *below = s->y;
    for (const int32_t *end = sum + s->rows * n; sum < end; below += s->below) {
        int8_t *y = below;
        for (int32_t i = 0; i < n; i++, y += right) {
            *y = tp_grad_put(&g, scale(*sum++, q, shift));
        }
    }
    *v->g = g;
}

/* As run_strips(), to a gradient. */
static void run_gradient(const work *v, int32_t oc, int32_t rows, int8_t *y) {
    static void (*const run[])(const tp_strip *, int32_t *) = {
        tp_scalar_strip3_sums, tp_scalar_strip4_sums, tp_scalar_strip5_sums};
    const tp_conv2d *op = &v->op->conv;
    tp_strip s = {.row = v->row,
                  .down = v->row,
                  .w = op->w + oc * 9,
                  .right = op->out_c,
                  .below = op->out_w * op->out_c};
    for (int32_t k = 0; k < 9; k++) {
        s.start -= 128 * s.w[k];
    }
    for (int32_t ox = 0, n = 0; ox < op->out_w; ox += n) {
        n = columns(op->out_w - ox);
        for (int32_t row = 0; row < rows; row += GRADIENT_ROWS) {
            int32_t sum[GRADIENT_ROWS * TP_STRIP_COLUMNS];
            s.u = v->u + row * v->row + ox;
            s.y = y + row * s.below + ox * op->out_c;
            s.rows = tp_min32(rows - row, GRADIENT_ROWS);
            run[n - 3](&s, sum);
            put_gradient(v, oc, &s, sum, n);
        }
    }
}

/* --- channels ------------------------------------------------------------- */

/* Input channel ic: all outputs that it feeds. */
static void run_channel(const work *v, const int8_t *x, int32_t ic, int8_t *y) {
    const tp_conv2d *op = &v->op->conv;
    const int32_t mult = op->out_c / op->in_c;
    const int32_t keep = tp_max32(op->k_h - op->stride_h, 0);
    const bool strips = has_strips(op);
    for (int32_t oy = 0; oy < op->out_h; oy += v->batch) {
        const int32_t rows = tp_min32(v->batch, op->out_h - oy);
        const int32_t all = (rows - 1) * op->stride_h + op->k_h;
        const int32_t have = oy == 0 ? 0 : keep;
        memmove(v->u, v->u + v->batch * op->stride_h * v->row,
                (size_t)have * (size_t)v->row);
        load_rows(v, x + ic, oy * op->stride_h - op->pad_t + have, all - have,
                  v->u + have * v->row);
        for (int32_t oc = ic * mult; oc < (ic + 1) * mult; oc++) {
            int8_t *to = y + oy * op->out_w * op->out_c + oc;
            const int32_t *c = v->op->channel + oc * TP_STAIR_WORDS;
            if (v->g != NULL) {
                run_gradient(v, oc, rows, to);
            } else if (strips && c[TP_STAIR_TOP] >= 0) {
                run_strips(v, oc, rows, to);
            } else {
                run_windows(v, oc, rows, to);
            }
        }
    }
}

static void forward(work *v, const int8_t *x, int8_t *y, uint32_t *scratch) {
    const tp_conv2d *op = &v->op->conv;
    v->u = (uint8_t *)scratch;
    v->row = (op->out_w - 1) * op->stride_w + op->k_w;
    v->left = tp_min32(op->pad_l, v->row);
    v->n = tp_min32(op->in_w, v->row - v->left);
    v->batch = (v->op->rows - op->k_h) / op->stride_h + 1;
    v->pad = (uint8_t)(op->x_zp + 128);
    memset(v->u, v->pad, (size_t)v->op->rows * (size_t)v->row);
    for (int32_t ic = 0; ic < op->in_c; ic++) {
        run_channel(v, x, ic, y);
    }
}

/* dwconv2d_s8_fwd_ref, byte for byte.
 *   op       conv as there, no dilation; w [out_c][k_h][k_w]; channel as for
 *            conv2d_s8_fwd_scalar, not filled up; rows >= k_h
 *   x, y     as there
 *   b        as there
 *   scratch  uint8 [rows][(out_w - 1) * stride_w + k_w]
 * y may begin where x does if the rows of x under each row of y reach as far as
 * that does: they are read before it is written, channel by channel. No overlap
 * else. Bounds: as for conv2d_s8_fwd_scalar. Cannot fail. */
void tp_dwconv2d_s8_fwd_scalar(const tp_conv2d_scalar *op, const int8_t *x,
                               const int32_t *b, int8_t *y, uint32_t *scratch) {
    work v = {.op = op, .b = b};
    forward(&v, x, y, scratch);
}

/* dwconv2d_scaled_s8_fwd_ref, byte for byte.
 *   f  [in] tp_factor [out_c], from rescale_s16_fwd
 *   op, x, b, y, scratch  as above; no channel has stairs */
void tp_dwconv2d_scaled_s8_fwd_scalar(const tp_conv2d_scalar *op,
                                      const int8_t *x, const int32_t *b,
                                      const tp_factor *f, int8_t *y,
                                      uint32_t *scratch) {
    work v = {.op = op, .b = b, .f = f};
    forward(&v, x, y, scratch);
}

/* dwconv2d_s8_bwd_x_ref, byte for byte.
 *   op       conv as there, of a multiplier, strides and dilations of 1, 3x3,
 *            in_w >= 3, pads below 3; w [out_c][3][3], turned round
 *   dy, dx, g  as there
 *   scratch  uint8 [rows][in_w + 2], rows >= 3
 * dx may begin where dy does if the rows of dy under each row of dx reach as
 * far as that does, as in dwconv2d_s8_fwd_scalar. Exponents are read first and
 * written last. Bound: |sum| <= 9 * 127 * 128 < 2^19. Cannot fail. */
void tp_dwconv2d_s8_bwd_x_scalar(const tp_conv2d_scalar *op, const tp_q8 *dy,
                                 tp_q8 *dx, tp_gscale *g, uint32_t *scratch) {
    const tp_conv2d *c = &op->conv;
    tp_conv2d_scalar view = *op;
    view.conv.in_h = c->out_h;
    view.conv.in_w = c->out_w;
    view.conv.out_h = c->in_h;
    view.conv.out_w = c->in_w;
    view.conv.pad_t = c->k_h - 1 - c->pad_t;
    view.conv.pad_l = c->k_w - 1 - c->pad_l;
    view.conv.x_zp = 0;
    work v = {.op = &view, .g = g, .shift = g->e - (dy->e + c->bwd_e - 15)};
    forward(&v, dy->v, dx->v, scratch);
    dx->e = g->e;
}
