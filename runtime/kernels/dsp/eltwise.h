/* ADD, SUB and MUL of rows whose values follow each other in both inputs: what
 * the instruction sets share, all but the rows. */
#ifndef TP_KERNELS_DSP_ELTWISE_H
#define TP_KERNELS_DSP_ELTWISE_H

#include <stdbool.h>

#include "runtime/kernels/dsp/eltwise_rows.h"
#include "runtime/kernels/dsp/simd.h"
#include "runtime/kernels/ref/index.h"
#include "tinypeft/ops.h"

/* --- clamp ---------------------------------------------------------------- */

/* Four equal bytes that, in turn, bring unsigned ones into a range: added they
 * saturate what lies above it, subtracted what lies below. */
typedef struct tp_byte_range {
    uint32_t up, down, back;
    bool all; /* of int8 */
} tp_byte_range;

static inline tp_byte_range tp_byte_range_of(const tp_eltwise *op) {
    const uint32_t lo = (uint32_t)(op->y_min + 128);
    const uint32_t up = (uint32_t)(127 - op->y_max);
    return (tp_byte_range){.up = up * 0x01010101u,
                           .down = (up + lo) * 0x01010101u,
                           .back = lo * 0x01010101u,
                           .all = op->y_min == -128 && op->y_max == 127};
}

/* What is added last does not carry: bytes are at most 255 - lo then. */
static inline uint32_t tp_clamp4(const tp_byte_range *r, uint32_t v) {
    v = tp_uqadd8(v ^ 0x80808080u, r->up);
    return (tp_uqsub8(v, r->down) + r->back) ^ 0x80808080u;
}

static inline void tp_clamp_row(const tp_byte_range *r, int8_t *y, int32_t n) {
    for (; n >= 4; n -= 4, y += 4) {
        tp_store32(y, tp_clamp4(r, tp_load32(y)));
    }
    if (n > 0) {
        uint32_t v = 0;
        memcpy(&v, y, (size_t)n);
        v = tp_clamp4(r, v);
        memcpy(y, &v, (size_t)n);
    }
}

/* --- rows ----------------------------------------------------------------- */

/* How many of them: the last dimension is one row. */
typedef struct tp_row_walk {
    int32_t dim[4], at[4];
} tp_row_walk;

static inline tp_row_walk tp_row_walk_of(const tp_eltwise *op) {
    return (tp_row_walk){.dim = {op->dim[0], op->dim[1], op->dim[2], 1},
                         .at = {0}};
}

static inline tp_dsp_sum tp_dsp_sum_of(const tp_eltwise *op, bool a_is_large) {
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

/* Sums of rows that one of these computes. */
typedef struct tp_sum_rows {
    void (*add)(const tp_dsp_sum *r);
    void (*sub)(const tp_dsp_sum *r);
    void (*minus)(const tp_dsp_sum *r);
} tp_sum_rows;

static inline void tp_eltwise_sums(const tp_eltwise *op, const int8_t *a,
                                   const int8_t *b, int8_t *y,
                                   const tp_sum_rows *rows) {
    const bool a_is_large = op->a.s == 0 && op->a.m != 0;
    void (*const run)(const tp_dsp_sum *) = op->b_sign > 0 ? rows->add
                                            : a_is_large   ? rows->sub
                                                           : rows->minus;
    const tp_byte_range clamped = tp_byte_range_of(op);
    tp_dsp_sum r = tp_dsp_sum_of(op, a_is_large);
    tp_row_walk w = tp_row_walk_of(op);
    do {
        const int8_t *from_a = a + tp_index_offset(op->a_stride, w.at);
        const int8_t *from_b = b + tp_index_offset(op->b_stride, w.at);
        r.small = a_is_large ? from_b : from_a;
        r.large = a_is_large ? from_a : from_b;
        r.y = y;
        run(&r);
        if (!clamped.all) {
            tp_clamp_row(&clamped, y, r.n);
        }
        y += r.n;
    } while (tp_index_next(w.dim, w.at));
}

static inline void tp_eltwise_products(const tp_eltwise *op, const int8_t *a,
                                       const int8_t *b, int8_t *y,
                                       void (*run)(const tp_dsp_product *r)) {
    const tp_byte_range clamped = tp_byte_range_of(op);
    const int32_t y_e = -op->y.s;
    tp_dsp_product r = {.n = op->dim[3],
                        .a0 = -2 * op->a_zp,
                        .b0 = -op->b_zp,
                        .y_m = op->y.m,
                        .y_r = op->y_zp * (1 << y_e) + (1 << (y_e - 1)),
                        .y_e = y_e};
    tp_row_walk w = tp_row_walk_of(op);
    do {
        r.a = a + tp_index_offset(op->a_stride, w.at);
        r.b = b + tp_index_offset(op->b_stride, w.at);
        r.y = y;
        run(&r);
        if (!clamped.all) {
            tp_clamp_row(&clamped, y, r.n);
        }
        y += r.n;
    } while (tp_index_next(w.dim, w.at));
}

#endif
