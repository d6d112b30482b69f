/* The LoRA branch of a convolution: y = W x + b + B (A x), in real units, added
 * to the accumulator before it is requantised. A is a convolution of the
 * shape of W to `rank` channels, B is 1x1. Hu et al. 2021, arXiv:2106.09685;
 * for k x k convolutions the split of A and B is theirs too. */
#include "runtime/kernels/ref/lora.h"
#include "runtime/kernels/ref/conv.h"
#include "tinypeft/kernels.h"

#define RANK_MAX 16
#define PIXELS_MAX 256 /* a block whose sum fits int32, see lora_q16_bwd_w */

/* u = A x.
 *   op  of A: out_c is the rank; x_zp, shift are used
 *   x   [in]  int8 [in_h][in_w][in_c], zero point x_zp, real over s_x
 *   w   [in]  q8   [rank][k_h][k_w][in_c]
 *   u   [out] q16  [out_h][out_w][rank], exponent w.e + shift
 *       u = saturate(round(sum (x - x_zp) * w * 2^-shift))
 * No overlap. Bound: that of tp_conv2d; the compiler's shift leaves nothing
 * to saturate.
 * Cannot fail. Source: arXiv:2106.09685, eq. 3. */
void tp_conv2d_q8_s16_fwd_ref(const tp_conv2d *op, const int8_t *x,
                              const tp_q8 *w, tp_q16 *u) {
    int16_t *out = u->v;
    for (int32_t oy = 0; oy < op->out_h; oy++) {
        for (int32_t ox = 0; ox < op->out_w; ox++) {
            const tp_window v = tp_window_at(op, oy, ox);
            int32_t count = 0;
            for (int32_t oc = 0; oc < op->out_c; oc += count) {
                int32_t acc[4];
                count = tp_window_dot(op, &v, x, w->v, oc, acc);
                for (int32_t j = 0; j < count; j++) {
                    const int32_t y = tp_shift_round(acc[j], op->shift);
                    *out++ =
                        (int16_t)tp_min32(tp_max32(y, INT16_MIN), INT16_MAX);
                }
            }
        }
    }
    u->e = (int16_t)(w->e + op->shift);
}

/* sum over r of b * u: at most 16 * 127 * 32767 < 2^26. */
static int32_t branch_dot(const int8_t *b, const int16_t *u, int32_t rank) {
    int32_t v = 0;
    for (int32_t r = 0; r < rank; r++) {
        v += b[r] * u[r];
    }
    return v;
}

/* What enters the LoRA branch of a convolution, and its factors. */
typedef struct lora_inputs {
    const tp_q16 *u;
    const tp_q8 *b;
    const tp_factor *f; /* as in tp_requantise() */
} lora_inputs;

/* Both forward kernels. */
static inline void forward(const tp_conv2d *op, const int8_t *x,
                           const int32_t *b, const lora_inputs *lora,
                           int8_t *y) {
    const int e = lora->b->e + lora->u->e;
    const int32_t fine = INT32_C(1) << tp_lora_bits(op->rank);
    for (int32_t row = 0; row < op->out_h; row++) {
        const int32_t oy = tp_walk(op->reverse, row, op->out_h);
        for (int32_t col = 0; col < op->out_w; col++) {
            const int32_t ox = tp_walk(op->reverse, col, op->out_w);
            const int16_t *up = lora->u->v + (oy * op->out_w + ox) * op->rank;
            int8_t *out = y + (oy * op->out_w + ox) * op->out_c;
            const tp_window v = tp_window_at(op, oy, ox);
            int32_t count = 0;
            for (int32_t oc = 0; oc < op->out_c; oc += count) {
                int32_t acc[4];
                count = tp_window_dot(op, &v, x, op->w, oc, acc);
                for (int32_t j = 0; j < count; j++) {
                    const int32_t c = oc + j;
                    const int32_t sum =
                        branch_dot(lora->b->v + c * op->rank, up, op->rank);
                    const int32_t add =
                        tp_lora_add(sum * fine, tp_lora_factor(op, c, e));
                    const int32_t base = tp_add_wrap(acc[j], b[c]);
                    *out++ = tp_requantise(op, lora->f, c,
                                           tp_sat32((int64_t)base + add));
                }
            }
        }
    }
}

/* Convolution with a LoRA branch.
 *   op      as for conv2d_s8_fwd; rank in [1, 16], lora_m, lora_s: 1 / s_w
 *   x       [in]  int8  zero point op->x_zp
 *   b       [in]  int32 [out_c], scale s_x * s_w[oc]
 *   u       [in]  q16   [out_h][out_w][rank], A x, real over s_x
 *   lora_b  [in]  q8    [out_c][rank]
 *   y       [out] int8  as for conv2d_s8_fwd; its bytes where B is 0
 *       acc = b[oc] + sum (x - x_zp) * w[oc]
 *       acc += round((sum over r of B * u) / s_w[oc]), saturated to int32;
 *       1 / s_w[oc] as tp_lora_factor() has it
 * y may lie over x as in conv2d_s8_fwd; u lies apart.
 * Bound: |sum B u| and bits below it < 2^31, times a factor < 2^31.
 * Cannot fail. Source: arXiv:2106.09685, eq. 3. */
void tp_conv2d_lora_s8_fwd_ref(const tp_conv2d *op, const int8_t *x,
                               const int32_t *b, const tp_q16 *u,
                               const tp_q8 *lora_b, int8_t *y) {
    forward(op, x, b, &(lora_inputs){u, lora_b, NULL}, y);
}

/* Convolution with a LoRA branch and trained scales of its channels.
 *   op, x, b, u, lora_b, y  as for conv2d_lora_s8_fwd; m and s are not used
 *   f  [in] tp_factor [out_c], from rescale_s16_fwd
 *       y = clamp(mbqm(acc, f[oc].m, f[oc].s) + y_zp)
 * y may lie over x as there; u and f lie apart. Bound: as there.
 * Cannot fail. Source: arXiv:2106.09685, eq. 3; arXiv:2205.05638. */
void tp_conv2d_lora_scaled_s8_fwd_ref(const tp_conv2d *op, const int8_t *x,
                                      const int32_t *b, const tp_q16 *u,
                                      const tp_q8 *lora_b, const tp_factor *f,
                                      int8_t *y) {
    forward(op, x, b, &(lora_inputs){u, lora_b, f}, y);
}

/* Gradient to the input of a convolution with a LoRA branch.
 *   op      of W, as for conv2d_s8_bwd_x; rank in [1, 16]
 *   dy      [in]  q8 [out_h][out_w][out_c]
 *   du      [in]  q8 [out_h][out_w][rank], from lora_q8_bwd_u
 *   lora_a  [in]  q8 [rank][k_h][k_w][in_c]
 *   dx      [out] q8 [in_h][in_w][in_c], exponent g->e
 *   g       [in/out] delayed scale of dx, at least 2 above both units
 *       dx = W^T dy + A^T du, each exact in its unit, each rounded, added
 * dx may lie over dy as in conv2d_s8_bwd_x; du lies apart.
 * Bounds: W^T dy that of conv2d_s8_bwd_x; A^T du at most
 * k_h * k_w * 16 * 127 * 128, which is below that of the forward step.
 * Cannot fail. Source: chain rule. */
void tp_conv2d_lora_s8_bwd_x_ref(const tp_conv2d *op, const tp_q8 *dy,
                                 const tp_q8 *du, const tp_q8 *lora_a,
                                 tp_q8 *dx, tp_gscale *g) {
    const tp_gather base = {op, op->w, dy->v, op->bwd_q, op->out_c};
    const tp_gather branch = {op, lora_a->v, du->v, NULL, op->rank};
    const int e_base = dy->e + (int)op->bwd_e - 3;
    const int e_branch = lora_a->e + du->e;
    (void)tp_grad_shift(g, tp_max32(e_base, e_branch));
    const int32_t pixels = op->in_h * op->in_w;
    for (int32_t at = 0; at < pixels; at++) {
        const int32_t p = tp_walk(op->reverse, at, pixels);
        const int32_t iy = p / op->in_w;
        const int32_t ix = p % op->in_w;
        int8_t *out = dx->v + p * op->in_c;
        for (int32_t ic = 0; ic < op->in_c; ic += TP_CONV_TILE) {
            const int32_t n = tp_min32(op->in_c - ic, TP_CONV_TILE);
            int32_t acc[TP_CONV_TILE];
            int32_t add[TP_CONV_TILE];
            tp_gather_tile(&base, iy, ix, ic, acc, n);
            tp_gather_tile(&branch, iy, ix, ic, add, n);
            for (int32_t i = 0; i < n; i++) {
                *out++ =
                    tp_grad_put(g, tp_shift_round(acc[i], g->e - e_base) +
                                       tp_shift_round(add[i], g->e - e_branch));
            }
        }
    }
    dx->e = g->e;
}

/* Gradient to u, the inside of a LoRA branch: du = B^T dy.
 *   op      out_h, out_w, out_c, rank in [1, 16] are used
 *   dy      [in]  q8 [out_h][out_w][out_c]
 *   lora_b  [in]  q8 [out_c][rank]
 *   du      [out] q8 [out_h][out_w][rank], exponent g->e
 *   g       [in/out] delayed scale of du; at least 2 above that of B dy
 * No overlap. Bound: out_c * 127 * 128 < 2^31 for out_c <= 132,104; the unit
 * is 2^(B.e + dy.e).
 * Cannot fail. Source: arXiv:2106.09685, eq. 3, transposed. */
void tp_lora_q8_bwd_u_ref(const tp_conv2d *op, const tp_q8 *dy,
                          const tp_q8 *lora_b, tp_q8 *du, tp_gscale *g) {
    const int shift = tp_grad_shift(g, lora_b->e + dy->e);
    const int32_t rank = op->rank;
    int8_t *out = du->v;
    for (int32_t p = 0; p < op->out_h * op->out_w; p++) {
        const int8_t *d = dy->v + p * op->out_c;
        int32_t acc[RANK_MAX] = {0};
        tp_terms t = tp_terms_begin(lora_b->v);
        for (int32_t oc = 0; oc < op->out_c; oc++) {
            tp_terms_put(&t, d[oc], lora_b->v + oc * rank, acc, rank);
        }
        tp_terms_end(&t, acc, rank);
        for (int32_t r = 0; r < rank; r++) {
            *out++ = tp_grad_out(g, acc[r], shift);
        }
    }
    du->e = g->e;
}

/* sum[r] += over `pixels` pixels u * dy, for one channel of dy.
 * 256 * 32768 * 127 < 2^30 fits an int32, so only blocks meet int64. */
static void add_block(const tp_conv2d *op, const int16_t *u, const int8_t *dy,
                      int32_t pixels, int64_t *sum) {
    const int32_t rank = op->rank;
    int32_t acc[RANK_MAX] = {0};
    for (int32_t p = 0; p < pixels; p++, u += rank, dy += op->out_c) {
        const int32_t d = *dy;
        if (d == 0) {
            continue;
        }
        for (int32_t r = 0; r < rank; r++) {
            acc[r] += d * u[r];
        }
    }
    for (int32_t r = 0; r < rank; r++) {
        sum[r] += acc[r];
    }
}

/* Gradient to B of a LoRA branch, summed over the pixels of one sample and
 * added to the batch's.
 *   op  out_h, out_w, out_c, rank in [1, 16], acc_shift_b are used
 *   u   [in]     q16 [out_h][out_w][rank], A x, saved by the forward step
 *   dy  [in]     q8  [out_h][out_w][out_c]
 *   db  [in/out] q32 [out_c][rank], exponent u.e + dy.e + acc_shift_b
 *       db += round(sum over pixels u * dy * 2^-acc_shift_b)
 * No overlap. Bound, kept by the planner: acc_shift_b such that 256 samples
 * fit int32; within a sample the sum is exact.
 * Cannot fail. Source: arXiv:2106.09685, eq. 3; chain rule. */
void tp_lora_q16_bwd_w_ref(const tp_conv2d *op, const tp_q16 *u,
                           const tp_q8 *dy, tp_q32 *db) {
    const int32_t pixels = op->out_h * op->out_w;
    int32_t *out = db->v;
    for (int32_t oc = 0; oc < op->out_c; oc++) {
        int64_t sum[RANK_MAX] = {0};
        for (int32_t p = 0; p < pixels; p += PIXELS_MAX) {
            add_block(op, u->v + p * op->rank, dy->v + p * op->out_c + oc,
                      tp_min32(pixels - p, PIXELS_MAX), sum);
        }
        for (int32_t r = 0; r < op->rank; r++) {
            *out++ += tp_shift_round(sum[r], op->acc_shift_b);
        }
    }
    db->e = u->e + dy->e + op->acc_shift_b;
}
