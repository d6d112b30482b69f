/* ADD, SUB and MUL of rows whose values follow each other in both inputs. */
#include <stdbool.h>

#include "runtime/kernels/dsp/rows.h"
#include "runtime/kernels/dsp/simd.h"
#include "runtime/kernels/ref/index.h"
#include "tinypeft/kernels.h"

/* --- clamp ---------------------------------------------------------------- */

/* Four equal bytes that, in turn, bring unsigned ones into a range: added they
 * saturate what lies above it, subtracted what lies below. */
typedef struct range {
    uint32_t up, down, back;
    bool all; /* of int8 */
} range;

static range range_of(const tp_eltwise *op) {
    const uint32_t lo = (uint32_t)(op->y_min + 128);
    const uint32_t up = (uint32_t)(127 - op->y_max);
    return (range){.up = up * 0x01010101u,
                   .down = (up + lo) * 0x01010101u,
                   .back = lo * 0x01010101u,
                   .all = op->y_min == -128 && op->y_max == 127};
}

/* What is added last does not carry: bytes are at most 255 - lo then. */
static uint32_t clamp4(const range *r, uint32_t v) {
    v = tp_uqadd8(v ^ 0x80808080u, r->up);
    return (tp_uqsub8(v, r->down) + r->back) ^ 0x80808080u;
}

static void clamp(const range *r, int8_t *y, int32_t n) {
    for (; n >= 4; n -= 4, y += 4) {
        tp_store32(y, clamp4(r, tp_load32(y)));
    }
    if (n > 0) {
        uint32_t v = 0;
        memcpy(&v, y, (size_t)n);
        v = clamp4(r, v);
        memcpy(y, &v, (size_t)n);
    }
}

/* --- rows ----------------------------------------------------------------- */

/* How many of them: the last dimension is one row. */
typedef struct walk {
    int32_t dim[4], at[4];
} walk;

static walk walk_of(const tp_eltwise *op) {
    return (walk){.dim = {op->dim[0], op->dim[1], op->dim[2], 1}, .at = {0}};
}

static tp_dsp_sum sum_of(const tp_eltwise *op, bool a_is_large) {
    const tp_factor f = a_is_large ? op->b : op->a;
    const int32_t small_zp = a_is_large ? op->b_zp : op->a_zp;
    const int32_t large_zp = a_is_large ? op->a_zp : op->b_zp;
    const int32_t sign = a_is_large ? 1 : op->b_sign;
    const bool half = f.s == 0; /* 1/2, as exact as 1 and one more shift */
    const int32_t e = half ? 1 : -f.s;
    const int32_t y_e = -op->y.s;
    return (tp_dsp_sum){.n = op->dim[3],
                        .x0 = -small_zp * (1 << 21),
                        .m = half && f.m != 0 ? INT32_MAX : f.m,
                        .half = 1 << (e - 1),
                        .e = e,
                        .q0 = -sign * large_zp * (1 << 20),
                        .y_m = op->y.m,
                        .y_r = op->y_zp * (1 << y_e) + (1 << (y_e - 1)),
                        .y_e = y_e};
}

/* add_s8_fwd_ref, byte for byte.
 *   op       as there; a_stride[3] and b_stride[3] are 1, y.s in [-22, -1]
 *   a, b, y  as there
 * Bounds: as there |sum| < 2^28, so that |t| < 2^28 after the product with y,
 * and |y_r| <= 128 * 2^22 + 2^21 < 2^30 may be added. The smaller factor is
 * below 1/2, or it is 1/2: then x2 (2^31 - 1) / 2^32 = x2 / 2 - x2 / 2^32, for
 * |x2| <= 255 * 2^21 less than 1/2 beside the integer x2 / 2. Cannot fail. */
void tp_add_s8_fwd_dsp(const tp_eltwise *op, const int8_t *a, const int8_t *b,
                       int8_t *y) {
    const bool a_is_large = op->a.s == 0 && op->a.m != 0;
    void (*const run)(const tp_dsp_sum *) = op->b_sign > 0 ? tp_dsp_row_add
                                            : a_is_large   ? tp_dsp_row_sub
                                                           : tp_dsp_row_minus;
    const range clamped = range_of(op);
    tp_dsp_sum r = sum_of(op, a_is_large);
    walk w = walk_of(op);
    do {
        const int8_t *from_a = a + tp_index_offset(op->a_stride, w.at);
        const int8_t *from_b = b + tp_index_offset(op->b_stride, w.at);
        r.small = a_is_large ? from_b : from_a;
        r.large = a_is_large ? from_a : from_b;
        r.y = y;
        run(&r);
        if (!clamped.all) {
            clamp(&clamped, y, r.n);
        }
        y += r.n;
    } while (tp_index_next(w.dim, w.at));
}

/* mul_s8_fwd_ref, byte for byte.
 *   op       as there; a_stride[3] and b_stride[3] are 1, y.s in [-22, -1]
 *   a, b, y  as there
 * Bounds: |product| <= 255 * 255, and as above. Cannot fail. */
void tp_mul_s8_fwd_dsp(const tp_eltwise *op, const int8_t *a, const int8_t *b,
                       int8_t *y) {
    const range clamped = range_of(op);
    const int32_t y_e = -op->y.s;
    tp_dsp_product r = {.n = op->dim[3],
                        .a0 = -2 * op->a_zp,
                        .b0 = -op->b_zp,
                        .y_m = op->y.m,
                        .y_r = op->y_zp * (1 << y_e) + (1 << (y_e - 1)),
                        .y_e = y_e};
    walk w = walk_of(op);
    do {
        r.a = a + tp_index_offset(op->a_stride, w.at);
        r.b = b + tp_index_offset(op->b_stride, w.at);
        r.y = y;
        tp_dsp_row_mul(&r);
        if (!clamped.all) {
            clamp(&clamped, y, r.n);
        }
        y += r.n;
    } while (tp_index_next(w.dim, w.at));
}
