/* Bottleneck adapters on single places: B act(A x) beside a 1x1 convolution or
 * a fully connected layer (parallel; He et al. 2022, arXiv:2110.04366), or on a
 * layer's output (serial; Houlsby et al. 2019, arXiv:1902.00751).
 *
 * What lies between A and B belongs to one place: it is on the stack while
 * that place is worked on, and never in memory. Backward makes it again, at
 * rank * in_c products a place. */
#include <stdbool.h>

#include "runtime/kernels/ref/conv.h"
#include "tinypeft/kernels.h"

#define RANK_MAX 16
#define TILE 16         /* channels of dx whose sums are on the stack */
#define ONE (1 << 15)   /* of slopes and gates */
#define THREE (3 << 12) /* of v where hard-swish bends */

typedef struct hidden {
    int16_t u[RANK_MAX];     /* act(A x) over s_x, exponent a.e + shift */
    int32_t slope[RANK_MAX]; /* act'(A x), 2^-15 */
} hidden;

/* act(v) = v * gate. ReLU: 1 where v > 0, else 0. Hard-swish: (v + 3) / 6 held
 * within [0, 1].
 *   acc  v over s_x 2^e
 * Slope and gate to 2^-15; |slope| <= 1.5. */
static int32_t gate_of(const tp_bottleneck *op, int32_t acc, int e,
                       int32_t *slope) {
    if (op->act == TP_ACT_RELU) {
        *slope = acc > 0 ? ONE : 0;
        return *slope;
    }
    const int32_t v =
        tp_clamp32(tp_scale(acc, op->s_x.m, op->s_x.s + e + 12), -THREE, THREE);
    const bool bent = v > -THREE && v < THREE;
    *slope = bent ? (2 * v + THREE) * 4 / 3 : (v > 0 ? ONE : 0);
    return ((v + THREE) * 4 + 1) / 3;
}

/* One place. |acc| <= in_c * 255 * 127 < 2^31; the compiler's shift brings
 * every |acc| into int16. */
static void hidden_of(const tp_bottleneck *op, const int8_t *x, const tp_q8 *a,
                      hidden *h) {
    const int32_t in_c = op->conv.in_c;
    for (int32_t r = 0; r < op->conv.rank; r += 4) {
        int32_t acc[4] = {0};
        tp_dot4(x, a->v + r * in_c, in_c, in_c, op->x_zp, acc);
        for (int32_t j = 0; j < 4; j++) {
            const int32_t gate = gate_of(op, acc[j], a->e, &h->slope[r + j]);
            const int32_t u =
                tp_shift_round((int64_t)acc[j] * gate, 15 + op->conv.shift);
            h->u[r + j] = (int16_t)tp_clamp32(u, INT16_MIN, INT16_MAX);
        }
    }
}

/* sum over r of b * u: at most 16 * 128 * 32768 = 2^26. */
static int32_t up(const int8_t *b, const hidden *h, int32_t rank) {
    int32_t v = 0;
    for (int32_t r = 0; r < rank; r++) {
        v += b[r] * h->u[r];
    }
    return v;
}

/* A 1x1 convolution or fully connected layer with a bottleneck beside it.
 *   op    conv: as for conv2d_s8_fwd, 1x1; its rank a multiple of 4 up to 16,
 *         shift, lora_m, lora_s: 1 / s_w; x_zp, act, s_x of the branch
 *   x     [in]  int8  [pixels][in_c], zero point op->x_zp
 *   bias  [in]  int32 [out_c], scale s_x * s_w[oc]
 *   a     [in]  q8    [rank][in_c], real
 *   b     [in]  q8    [out_c][rank], real
 *   y     [out] int8  [pixels][out_c]; the base's bytes where B is 0
 *       acc = bias[oc] + sum (x - conv.x_zp) * w[oc]
 *       acc += round((sum over r of B act(A x)) / s_w[oc]), saturated to int32
 *       y = clamp(mbqm(acc, m[oc], s[oc]) + y_zp)
 * No overlap of x and y. Bounds: in_c * 255 * 127 < 2^31; |B u| <= 2^26, times
 * lora_m < 2^57. Hard-swish is right to 2^-12 of its argument.
 * Cannot fail. Source: arXiv:2110.04366, table 1, "parallel adapter". */
void tp_conv2d_bottleneck_s8_fwd_ref(const tp_bottleneck *op, const int8_t *x,
                                     const int32_t *bias, const tp_q8 *a,
                                     const tp_q8 *b, int8_t *y) {
    const tp_conv2d *conv = &op->conv;
    const int e = b->e + a->e + (int)conv->shift;
    const tp_window v = {.rows = 1, .runs = 1, .run = conv->in_c};
    for (int32_t p = 0; p < conv->out_h * conv->out_w; p++, x += conv->in_c) {
        hidden h;
        int32_t count = 0;
        hidden_of(op, x, a, &h);
        for (int32_t oc = 0; oc < conv->out_c; oc += count) {
            int32_t acc[4];
            count = tp_window_dot(conv, &v, x, conv->w, oc, acc);
            for (int32_t j = 0; j < count; j++) {
                const int32_t c = oc + j;
                const int32_t add =
                    tp_scale(up(b->v + c * conv->rank, &h, conv->rank),
                             conv->lora_m[c], conv->lora_s[c] + e);
                const int32_t base = tp_add_wrap(acc[j], bias[c]);
                *y++ =
                    tp_requantise(conv, NULL, c, tp_sat32((int64_t)base + add));
            }
        }
    }
}

/* A bottleneck on a layer's output.
 *   op  conv: in_c = out_c, rank, shift, y_min, y_max; x_zp, act, s_x
 *   x   [in]  int8 [pixels][in_c], zero point op->x_zp, in [y_min, y_max]
 *   a   [in]  q8   [rank][in_c], real
 *   b   [in]  q8   [in_c][rank], real
 *   y   [out] int8 [pixels][in_c], scale and zero point of x; x where B is 0
 *       y = clamp(x + round(sum over r of B act(A x) / s_x))
 * No overlap. Bound: |B u| <= 2^26.
 * Cannot fail. Source: arXiv:1902.00751, section 2.1; the clamp is that of the
 * layer, without which nothing is learned behind a ReLU. */
void tp_bottleneck_s8_fwd_ref(const tp_bottleneck *op, const int8_t *x,
                              const tp_q8 *a, const tp_q8 *b, int8_t *y) {
    const tp_conv2d *conv = &op->conv;
    const int e = b->e + a->e + (int)conv->shift;
    for (int32_t p = 0; p < conv->out_h * conv->out_w; p++, x += conv->in_c) {
        hidden h;
        hidden_of(op, x, a, &h);
        for (int32_t oc = 0; oc < conv->out_c; oc++) {
            const int64_t sum =
                (int64_t)tp_shift_round(
                    up(b->v + oc * conv->rank, &h, conv->rank), -e) +
                x[oc];
            *y++ = (int8_t)tp_clamp32(tp_sat32(sum), conv->y_min, conv->y_max);
        }
    }
}

/* --- backward ------------------------------------------------------------- */

/* The gradient of A x at one place, du[r] = act'(A x) * (B^T dy)[r], unit
 * 2^(dy.e + b.e). |B^T dy| <= out_c * 127 * 128; times 1.5 below 2^31 for
 * out_c <= 66,000. */
static void down(const tp_bottleneck *op, const int8_t *x, const int8_t *dy,
                 const tp_q8 *a, const tp_q8 *b, int32_t *du) {
    const int32_t rank = op->conv.rank;
    hidden h;
    hidden_of(op, x, a, &h);
    tp_terms t = tp_terms_begin(b->v);
    for (int32_t r = 0; r < rank; r++) {
        du[r] = 0;
    }
    for (int32_t oc = 0; oc < op->conv.out_c; oc++) {
        tp_terms_put(&t, dy[oc], b->v + oc * rank, du, rank);
    }
    tp_terms_end(&t, du, rank);
    for (int32_t r = 0; r < rank; r++) {
        du[r] = tp_shift_round((int64_t)du[r] * h.slope[r], 15);
    }
}

/* The upper 15 bits of the largest, and as many of the others. Returns the
 * shift. */
static int narrow(const int32_t *du, int32_t rank, int16_t *d) {
    uint32_t peak = 0;
    for (int32_t r = 0; r < rank; r++) {
        peak |= tp_abs32(du[r]);
    }
    const int shift = (int)tp_max32(tp_bits32(peak) - 14, 0);
    for (int32_t r = 0; r < rank; r++) {
        d[r] = (int16_t)tp_shift_round(du[r], shift);
    }
    return shift;
}

/* acc[i] = (A^T d)[ic + i], i < n: at most 16 * 2^14 * 128 = 2^25. */
static void spread(const tp_bottleneck *op, const int16_t *d, const int8_t *a,
                   int32_t *acc, int32_t n) {
    tp_terms t = tp_terms_begin(a);
    for (int32_t i = 0; i < n; i++) {
        acc[i] = 0;
    }
    for (int32_t r = 0; r < op->conv.rank; r++) {
        tp_terms_put(&t, d[r], a + r * op->conv.in_c, acc, n);
    }
    tp_terms_end(&t, acc, n);
}

/* What a place adds to dx besides the branch: W^T dy, or dy itself. */
static void base_tile(const tp_bottleneck *op, const int8_t *dy, int32_t ic,
                      int32_t *acc, int32_t n) {
    const tp_gather s = {&op->conv, op->conv.w, dy, op->conv.bwd_q,
                         op->conv.out_c};
    for (int32_t i = 0; i < n; i++) {
        acc[i] = op->conv.w != NULL ? 0 : dy[ic + i];
    }
    if (op->conv.w != NULL) {
        tp_gather_tap(&s, dy, op->conv.w + ic, acc, n);
    }
}

/* The tensors of a backward kernel. */
typedef struct tensors {
    const tp_q8 *dy, *a, *b;
    const int8_t *x;
} tensors;

/* Both kernels; e_base: unit of what base_tile() gives. */
static inline void backward(const tp_bottleneck *op, const tensors *t,
                            int e_base, tp_q8 *dx, tp_gscale *g) {
    const int32_t in_c = op->conv.in_c;
    int8_t *out = dx->v;
    for (int32_t p = 0; p < op->conv.out_h * op->conv.out_w; p++) {
        const int8_t *dy = t->dy->v + p * op->conv.out_c;
        int32_t du[RANK_MAX];
        int16_t d[RANK_MAX];
        down(op, t->x + p * in_c, dy, t->a, t->b, du);
        const int e_branch =
            t->a->e + t->b->e + t->dy->e + narrow(du, op->conv.rank, d);
        const int e = tp_common_exp(e_base, e_branch);
        for (int32_t ic = 0; ic < in_c; ic += TILE) {
            const int32_t n = tp_min32(in_c - ic, TILE);
            int32_t acc[TILE];
            int32_t add[TILE];
            base_tile(op, dy, ic, acc, n);
            spread(op, d, t->a->v + ic, add, n);
            for (int32_t i = 0; i < n; i++) {
                const int64_t sum = tp_to_exp(acc[i], e_base - e) +
                                    tp_to_exp(add[i], e_branch - e);
                *out++ = tp_grad_out(g, sum, g->e - e);
            }
        }
    }
    dx->e = g->e;
}

/* Gradient to the input of a layer with a bottleneck beside it.
 *   op  conv: w, bwd_q, bwd_e as for conv2d_s8_bwd_x; rank; x_zp, act, s_x
 *   dy  [in]  q8   [pixels][out_c]
 *   x   [in]  int8 [pixels][in_c]
 *   a   [in]  q8   [rank][in_c]
 *   b   [in]  q8   [out_c][rank]
 *   dx  [out] q8   [pixels][in_c], exponent g->e
 *   g   [in/out] delayed scale of dx
 *       dx = W^T dy + A^T (act'(A x) * B^T dy), the parts added in int64 at the
 *       smaller exponent, at most 24 below the larger; of the second the upper
 *       14 bits of each place count
 * No overlap. Bounds: out_c * 1024 * 128 < 2^31, kept by the planner.
 * Cannot fail. Source: chain rule. */
void tp_conv2d_bottleneck_s8_bwd_x_ref(const tp_bottleneck *op, const tp_q8 *dy,
                                       const int8_t *x, const tp_q8 *a,
                                       const tp_q8 *b, tp_q8 *dx,
                                       tp_gscale *g) {
    const tensors t = {dy, a, b, x};
    backward(op, &t, dy->e + (int)op->conv.bwd_e - 3, dx, g);
}

/* Gradient to the input of a bottleneck on a layer's output.
 *   op, x, a, b, dx, g  as for conv2d_bottleneck_s8_bwd_x; conv.w is NULL
 *   dy  [in] q8 [pixels][in_c], masked
 *       dx = dy + A^T (act'(A x) * B^T dy)
 * No overlap. Bounds: as there.
 * Cannot fail. Source: chain rule. */
void tp_bottleneck_s8_bwd_x_ref(const tp_bottleneck *op, const tp_q8 *dy,
                                const int8_t *x, const tp_q8 *a, const tp_q8 *b,
                                tp_q8 *dx, tp_gscale *g) {
    const tensors t = {dy, a, b, x};
    backward(op, &t, dy->e, dx, g);
}

/* Gradient to A, summed over the pixels of one sample and added to the batch's.
 *   op  conv: in_c, out_c, rank, acc_shift; x_zp, act, s_x
 *   x   [in]     int8 [pixels][in_c], zero point op->x_zp
 *   dy  [in]     q8   [pixels][out_c]
 *   a   [in]     q8   [rank][in_c]
 *   b   [in]     q8   [out_c][rank]
 *   da  [in/out] q32  [rank][in_c], exponent g->e + acc_shift, real over s_x
 *   g   [in/out] delayed scale of the gradient inside, int8 at exponent g->e
 *       da += sum over pixels round(du (x - x_zp) * 2^-acc_shift),
 *       du = act'(A x) * B^T dy
 * No overlap. Bound, kept by the planner: acc_shift such that 256 samples of
 * pixels * 127 * 255 fit int32.
 * Cannot fail. Source: chain rule. */
void tp_bottleneck_s8_bwd_a_ref(const tp_bottleneck *op, const int8_t *x,
                                const tp_q8 *dy, const tp_q8 *a, const tp_q8 *b,
                                tp_q32 *da, tp_gscale *g) {
    const tp_conv2d *conv = &op->conv;
    const int32_t half = conv->acc_shift > 0 ? 1 << (conv->acc_shift - 1) : 0;
    const int shift = g->e - (dy->e + b->e);
    for (int32_t p = 0; p < conv->out_h * conv->out_w; p++, x += conv->in_c) {
        int32_t du[RANK_MAX];
        down(op, x, dy->v + p * conv->out_c, a, b, du);
        for (int32_t r = 0; r < conv->rank; r++) {
            const int32_t d = tp_grad_out(g, du[r], shift);
            int32_t *row = da->v + r * conv->in_c;
            for (int32_t ic = 0; d != 0 && ic < conv->in_c; ic++) {
                row[ic] += (d * (x[ic] - op->x_zp) + half) >> conv->acc_shift;
            }
        }
    }
    da->e = g->e + conv->acc_shift;
}

/* Gradient to B, summed over the pixels of one sample and added to the batch's.
 *   op  conv: in_c, out_c, rank, shift, acc_shift_b; x_zp, act, s_x
 *   x   [in]     int8 [pixels][in_c], zero point op->x_zp
 *   dy  [in]     q8   [pixels][out_c]
 *   a   [in]     q8   [rank][in_c]
 *   db  [in/out] q32  [out_c][rank], exponent dy.e + a.e + shift + acc_shift_b,
 *                real over s_x
 *       db += sum over pixels round(dy act(A x) * 2^-acc_shift_b)
 * No overlap. Bound, kept by the planner: acc_shift_b such that 256 samples of
 * pixels * 128 * 32768 fit int32; the rounding has room in that.
 * Cannot fail. Source: chain rule. */
void tp_bottleneck_s8_bwd_b_ref(const tp_bottleneck *op, const int8_t *x,
                                const tp_q8 *dy, const tp_q8 *a, tp_q32 *db) {
    const tp_conv2d *conv = &op->conv;
    const int8_t *d = dy->v;
    for (int32_t p = 0; p < conv->out_h * conv->out_w; p++, x += conv->in_c) {
        hidden h;
        hidden_of(op, x, a, &h);
        for (int32_t oc = 0; oc < conv->out_c; oc++) {
            const int32_t v = *d++;
            int32_t *row = db->v + oc * conv->rank;
            for (int32_t r = 0; v != 0 && r < conv->rank; r++) {
                row[r] += tp_shift_round(v * h.u[r], conv->acc_shift_b);
            }
        }
    }
    db->e = dy->e + a->e + conv->shift + conv->acc_shift_b;
}
