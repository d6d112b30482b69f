/* ADD, SUB, MUL with broadcasting: forward and gradient. */
#include <stdbool.h>
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

/* --- ADD, SUB ------------------------------------------------------------- */

#define BLOCK 32 /* values of a row at once: each loop fits the registers */

/* A sum: the input with the larger scale has the factor 1/2, which is exact, so
 * that one input alone is scaled, "small".
 *
 * Its factor is m 2^(-31-e), and m = high 2^11 + low with high a multiple of
 * 2^5 and low < 2^16. |x - zp| <= 255, times 2^20, times m, over 2^31 is
 *   (x - zp) high + (x - zp) low / 2^11,
 * where gemmlowp's first rounding is one of the second term: 32 bits suffice,
 * for 255 * 2^16 < 2^24 and 255 * high < 2^28. */
typedef struct sum {
    int32_t zp, step;
    int32_t high, low;
    factor f;
    int32_t sign;       /* of small in the sum: +-1 */
    int32_t large_step; /* large * unit + offset is what it adds */
    int32_t unit, offset;
    factor y;
} sum;

static bool a_is_large(const tp_eltwise *op) {
    return op->a.s == 0 && op->a.m != 0;
}

static sum sum_of(const tp_eltwise *op) {
    const bool a_large = a_is_large(op);
    const tp_factor f = a_large ? op->b : op->a;
    const int32_t unit = (a_large ? 1 : op->b_sign) * (1 << 19);
    return (sum){.zp = a_large ? op->b_zp : op->a_zp,
                 .step = a_large ? op->b_stride[3] : op->a_stride[3],
                 .high = f.m >> 16 << 5,
                 .low = f.m & 0xFFFF,
                 .f = factor_of(f),
                 .sign = a_large ? op->b_sign : 1,
                 .large_step = a_large ? op->a_stride[3] : op->b_stride[3],
                 .unit = unit,
                 .offset = -unit * (a_large ? op->a_zp : op->b_zp),
                 .y = factor_of(op->y)};
}

/* t[i] = small, scaled. */
static void scale_small(const sum *s, const int8_t *x, int32_t n, int32_t *t) {
    const int32_t zp = s->zp, step = s->step, high = s->high, low = s->low;
    const factor f = s->f;
    for (const int32_t *end = t + n; t < end; x += step) {
        const int32_t q = *x - zp;
        const int32_t once = q * high + ((q * low + (1 << 10)) >> 11);
        *t++ = (once + f.half + (once >> 31 & f.sign)) >> f.e;
    }
}

/* |small|, |large| <= 255 * 2^19, so |sum| < 2^28, and the factor y below 1
 * keeps the result below 2^28. */
static void add_large(const tp_eltwise *op, const sum *s, const int32_t *t,
                      const int8_t *x, int8_t *y, int32_t n) {
    const int32_t lo = op->y_min, hi = op->y_max, y_zp = op->y_zp;
    const int32_t unit = s->unit, offset = s->offset, step = s->large_step;
    const int32_t sign = s->sign;
    const factor f = s->y;
    for (const int32_t *end = t + n; t < end; x += step) {
        const int32_t v = scaled(*t++ * sign + (*x * unit + offset), f) + y_zp;
        *y++ = (int8_t)tp_min32(tp_max32(v, lo), hi);
    }
}

static void add_row(const tp_eltwise *op, const sum *s, const int8_t *small,
                    const int8_t *large, int8_t *y) {
    int32_t t[BLOCK];
    for (int32_t left = op->dim[3], n; left > 0; left -= n, y += n) {
        n = tp_min32(left, BLOCK);
        scale_small(s, small, n, t);
        add_large(op, s, t, large, y, n);
        small += n * s->step;
        large += n * s->large_step;
    }
}

/* --- MUL ------------------------------------------------------------------ */

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
 * Bound: at add_large(). Cannot fail.
 * Source: TensorFlow Lite 8-bit quantization specification, ADD, SUB. */
void tp_add_s8_fwd_ref(const tp_eltwise *op, const int8_t *a, const int8_t *b,
                       int8_t *y) {
    const sum s = sum_of(op);
    const bool a_large = a_is_large(op);
    const int32_t dim[4] = {op->dim[0], op->dim[1], op->dim[2], 1};
    int32_t at[4] = {0};
    do {
        const int8_t *from_a = a + tp_index_offset(op->a_stride, at);
        const int8_t *from_b = b + tp_index_offset(op->b_stride, at);
        add_row(op, &s, a_large ? from_b : from_a, a_large ? from_a : from_b,
                y);
        y += op->dim[3];
    } while (tp_index_next(dim, at));
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
