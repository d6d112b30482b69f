/* ADD, SUB, MUL with broadcasting: forward and gradient. */
#include <stddef.h>

#include "runtime/kernels/ref/grad_out.h"
#include "runtime/kernels/ref/index.h"
#include "tinypeft/kernels.h"

/* round(round(x * m / 2^31) / 2^e) of gemmlowp, for |x| < 2^30 and factors
 * below 1, with what does not change from value to value apart: y may be any
 * memory as far as a compiler knows, and so may *op. */
typedef struct factor {
    int32_t m, e;
    int32_t half; /* 2^(e-1); e = 0: 0 */
    int32_t sign; /* -1, which a negative value loses; e = 0: 0 */
} factor;

static factor factor_of(tp_factor f) {
    const int32_t e = -f.s;
    return (factor){f.m, e, e > 0 ? 1 << (e - 1) : 0, e > 0 ? -1 : 0};
}

/* The doubling is before the product, so that its high word is the result. */
static inline int32_t scaled(int32_t x, factor f) {
    const int32_t t =
        (int32_t)(((int64_t)(2 * x) * f.m + INT64_C(0x80000000)) >> 32);
    return (t + f.half + (t >> 31 & f.sign)) >> f.e;
}

/* ADD or SUB of n values. |a - a_zp| <= 255, so at most 255 * 2^20 < 2^28
 * each; the factors a and b are at most 1/2, so |sum| < 2^28, and the factor y
 * below 1 keeps the result below 2^28. Multiplied, not shifted: it may be
 * negative. */
static void add_row(const tp_eltwise *op, const int8_t *a, const int8_t *b,
                    int8_t *y) {
    const factor fa = factor_of(op->a);
    const factor fb = factor_of(op->b);
    const factor fy = factor_of(op->y);
    const int32_t unit = (int32_t)1 << op->left_shift;
    const int32_t a_step = op->a_stride[3], b_step = op->b_stride[3];
    const int32_t a_zp = op->a_zp, b_zp = op->b_zp, y_zp = op->y_zp;
    const int32_t lo = op->y_min, hi = op->y_max, sign = op->b_sign;
    for (int32_t oc = op->dim[3]; oc > 0; oc--) {
        const int32_t qa = scaled((*a - a_zp) * unit, fa);
        const int32_t qb = scaled((*b - b_zp) * unit, fb);
        const int32_t v = scaled(qa + sign * qb, fy) + y_zp;
        *y++ = (int8_t)tp_min32(tp_max32(v, lo), hi);
        a += a_step;
        b += b_step;
    }
}

static void mul_row(const tp_eltwise *op, const int8_t *a, const int8_t *b,
                    int8_t *y) {
    for (int32_t oc = 0; oc < op->dim[3]; oc++) {
        /* |product| <= 255 * 255 < 2^16; y.s <= 14, kept by the compiler, so
         * the scaled product stays below 2^30. */
        const int32_t qa = a[oc * op->a_stride[3]] - op->a_zp;
        const int32_t qb = b[oc * op->b_stride[3]] - op->b_zp;
        const int32_t v = tp_mbqm(qa * qb, op->y.m, op->y.s) + op->y_zp;
        y[oc] = (int8_t)tp_min32(tp_max32(v, op->y_min), op->y_max);
    }
}

/* Sum or difference: the bytes of TensorFlow Lite Micro's reference kernels.
 *   op  dim is y's shape; a_stride, b_stride 0 along a broadcast dimension;
 *       left_shift 20; a, b = s_a, s_b over 2 max(s_a, s_b);
 *       y = 2 max(s_a, s_b) / (2^20 * s_y) < 1
 *   a   [in]  int8  zero point op->a_zp
 *   b   [in]  int8  zero point op->b_zp
 *   y   [out] int8  [dim], zero point op->y_zp, in [y_min, y_max]
 *       y = clamp(mbqm(mbqm(a' 2^20, a) +- mbqm(b' 2^20, b), y) + y_zp)
 * y may be a or b where that input is not broadcast; else no overlap.
 * Bound: in add_row(). Cannot fail.
 * Source: TensorFlow Lite 8-bit quantization specification, ADD, SUB. */
void tp_add_s8_fwd_ref(const tp_eltwise *op, const int8_t *a, const int8_t *b,
                       int8_t *y) {
    for (int32_t n = 0; n < op->dim[0]; n++) {
        for (int32_t oy = 0; oy < op->dim[1]; oy++) {
            for (int32_t ox = 0; ox < op->dim[2]; ox++) {
                add_row(op,
                        a + n * op->a_stride[0] + oy * op->a_stride[1] +
                            ox * op->a_stride[2],
                        b + n * op->b_stride[0] + oy * op->b_stride[1] +
                            ox * op->b_stride[2],
                        y);
                y += op->dim[3];
            }
        }
    }
}

/* Product: the bytes of TensorFlow Lite Micro's reference kernels.
 *   op  dim is y's shape; a_stride, b_stride 0 along a broadcast dimension;
 *       y = s_a * s_b / s_y < 2^14
 *   a   [in]  int8  zero point op->a_zp
 *   b   [in]  int8  zero point op->b_zp
 *   y   [out] int8  [dim], zero point op->y_zp, in [y_min, y_max]
 *       y = clamp(mbqm((a - a_zp) * (b - b_zp), y) + y_zp)
 * y may be a or b where that input is not broadcast; else no overlap.
 * Bound: in mul_row(). Cannot fail.
 * Source: TensorFlow Lite 8-bit quantization specification, MUL. */
void tp_mul_s8_fwd_ref(const tp_eltwise *op, const int8_t *a, const int8_t *b,
                       int8_t *y) {
    for (int32_t n = 0; n < op->dim[0]; n++) {
        for (int32_t oy = 0; oy < op->dim[1]; oy++) {
            for (int32_t ox = 0; ox < op->dim[2]; ox++) {
                mul_row(op,
                        a + n * op->a_stride[0] + oy * op->a_stride[1] +
                            ox * op->a_stride[2],
                        b + n * op->b_stride[0] + oy * op->b_stride[1] +
                            ox * op->b_stride[2],
                        y);
                y += op->dim[3];
            }
        }
    }
}

/* Sum over red_dim of dy * (other - other_zp), or of dy alone. */
static int32_t reduce(const tp_eltwise_bwd *op, const int8_t *dy,
                      const int8_t *other) {
    int32_t at[4] = {0};
    int32_t acc = 0;
    do {
        const int32_t v = dy[tp_index_offset(op->red_dy_stride, at)];
        acc += other == NULL
                   ? v
                   : v * (other[tp_index_offset(op->red_other_stride, at)] -
                          op->other_zp);
    } while (tp_index_next(op->red_dim, at));
    return acc;
}

/* Gradient of ADD, SUB, MUL to one input, in real units.
 *   op     x_dim is x's shape, red_dim the dimensions that x was broadcast
 *          along; together they are dy's; f = q * 2^(e-15) is +-1, or the
 *          scale of `other`; |q| in [2^14, 2^15)
 *   dy     [in]  q8
 *   other  [in]  int8 the other factor, zero point op->other_zp; NULL: none
 *   dx     [out] q8 [x_dim], exponent g->e
 *   g      [in/out] delayed scale of dx
 *       dx = f * sum over red_dim of dy * (other - other_zp)
 * dx may be dy where nothing is reduced; else no overlap. Bound: red_dim
 * counts at most 2^16, kept by the compiler: |sum| <= 2^16 * 127 * 255 < 2^31,
 * times |q| < 2^46. Cannot fail. Source: chain rule. */
void tp_eltwise_q8_bwd_x_ref(const tp_eltwise_bwd *op, const tp_q8 *dy,
                             const int8_t *other, tp_q8 *dx, tp_gscale *g) {
    const int shift = g->e - (dy->e + (int)op->e - 15);
    int32_t at[4] = {0};
    int8_t *out = dx->v;
    do {
        const int8_t *from = dy->v + tp_index_offset(op->x_dy_stride, at);
        const int8_t *by = other;
        if (by != NULL) {
            by += tp_index_offset(op->x_other_stride, at);
        }
        *out++ = tp_grad_out(g, (int64_t)reduce(op, from, by) * op->q, shift);
    } while (tp_index_next(op->x_dim, at));
    dx->e = g->e;
}
