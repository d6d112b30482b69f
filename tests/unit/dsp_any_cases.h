/* Cases of kernels that serve any shape: sums and products, depthwise layers,
 * convolutions. */
#ifndef TP_TESTS_UNIT_DSP_ANY_CASES_H
#define TP_TESTS_UNIT_DSP_ANY_CASES_H

#include "runtime/kernels/dsp/taps.h"
#include "tests/unit/dsp_memory.h"

/* Factors as the planner has them: of a sum, one is 1/2 and the other at most
 * that; zero points and clamp ranges at their ends too. */
static inline tp_factor dsp_factor(dsp_memory *m, int32_t s) {
    return (tp_factor){(1 << 30) + dsp_between(m, 0, (1 << 30) - 1), s};
}

static inline tp_eltwise dsp_sum_or_product(dsp_memory *m) {
    const bool a_large = dsp_between(m, 0, 1) == 0;
    const tp_factor half = {1 << 30, 0};
    const int32_t kind = dsp_between(m, 0, 5);
    const tp_factor less = kind == 0   ? half
                           : kind == 1 ? (tp_factor){0, 0}
                                       : dsp_factor(m, -dsp_between(m, 1, 31));
    tp_eltwise op = {.a_zp = dsp_between(m, -128, 127),
                     .b_zp = dsp_between(m, -128, 127),
                     .y_zp = dsp_between(m, -128, 127),
                     .y_min = -128,
                     .y_max = 127,
                     .left_shift = 20,
                     .b_sign = dsp_between(m, 0, 1) == 0 ? 1 : -1,
                     .a = a_large ? half : less,
                     .b = a_large ? less : half};
    if (dsp_between(m, 0, 2) == 0) {
        op.y_min = dsp_between(m, -128, 127);
        op.y_max = dsp_between(m, op.y_min, 127);
    }
    return op;
}

/* Up to four dimensions; outer ones may be broadcast. */
static inline void dsp_broadcast(dsp_memory *m, tp_eltwise *op) {
    int32_t a = 1, b = 1;
    for (int i = 3; i >= 0; i--) {
        const int32_t who = i == 3 ? 2 : dsp_between(m, 0, 4);
        op->dim[i] = dsp_between(m, 1, i == 3 ? 40 : 3);
        op->a_stride[i] = who == 0 ? 0 : a;
        op->b_stride[i] = who == 1 ? 0 : b;
        a *= who == 0 ? 1 : op->dim[i];
        b *= who == 1 ? 1 : op->dim[i];
    }
}

typedef void dsp_eltwise(const tp_eltwise *op, const int8_t *a, const int8_t *b,
                         int8_t *y);

static inline bool dsp_same_eltwise(dsp_memory *m, const tp_eltwise *op,
                                    dsp_eltwise *ref, dsp_eltwise *own) {
    const int32_t n = op->dim[0] * op->dim[1] * op->dim[2] * op->dim[3];
    const int8_t *a = (const int8_t *)m->x;
    const int8_t *b = (const int8_t *)m->y;
    const int32_t at = dsp_between(m, 0, 3); /* any alignment */
    dsp_bytes(m, (int8_t *)m->x, DSP_MAP);
    dsp_bytes(m, (int8_t *)m->y, DSP_MAP);
    m->x[at] = 128; /* -128 */
    dsp_begin(m);
    ref(op, a, b, (int8_t *)m->out[0] + at);
    own(op, a, b, (int8_t *)m->out[1] + at);
    if (dsp_same(m) && op->a_stride[0] != 0 && op->a_stride[1] != 0 &&
        op->a_stride[2] != 0) { /* y may be a */
        own(op, a, b, (int8_t *)m->x);
        return memcmp(m->x, m->out[0] + at, (size_t)n) == 0;
    }
    return dsp_same(m);
}

static inline bool dsp_add_by(dsp_memory *m, dsp_eltwise *own) {
    tp_eltwise op = dsp_sum_or_product(m);
    dsp_broadcast(m, &op);
    op.y = dsp_factor(m, -dsp_between(m, dsp_between(m, 0, 1) ? 16 : 1, 22));
    return dsp_same_eltwise(m, &op, tp_add_s8_fwd_ref, own);
}

static inline bool dsp_mul_by(dsp_memory *m, dsp_eltwise *own) {
    tp_eltwise op = dsp_sum_or_product(m);
    dsp_broadcast(m, &op);
    op.y = dsp_factor(m, -dsp_between(m, 1, dsp_between(m, 0, 1) ? 9 : 22));
    return dsp_same_eltwise(m, &op, tp_mul_s8_fwd_ref, own);
}

static inline bool dsp_add(dsp_memory *m) {
    return dsp_add_by(m, tp_add_s8_fwd_dsp);
}

static inline bool dsp_mul(dsp_memory *m) {
    return dsp_mul_by(m, tp_mul_s8_fwd_dsp);
}

/* A depthwise layer with any window, packed as runtime/kernels/dsp/taps.h has
 * it. */
static inline void dsp_pack_taps(dsp_memory *m) {
    const tp_conv2d *d = &m->op;
    const int32_t mult = d->out_c / d->in_c;
    const int32_t taps = d->k_h * d->k_w;
    int32_t *w = m->w_packed;
    int32_t *channel = m->q_packed;
    for (int32_t g = 0; g < (d->in_c + 3) / 4 * mult; g++) {
        const int32_t k = g / ((d->in_c + 3) / 4);
        const int32_t ic =
            tp_min32(g % ((d->in_c + 3) / 4) * 4, d->in_c - TP_TAPS_GROUP);
        for (int32_t i = 0; i < TP_TAPS_GROUP; i++) {
            const int32_t oc = (ic + i) * mult + k;
            int32_t sum = 0;
            for (int32_t t = 0; t < taps; t++) {
                sum += d->w[t * d->out_c + oc];
            }
            channel[i] = 2 * (m->bias[oc] - d->x_zp * sum);
            channel[4 + 3 * i] = d->m[oc];
            channel[5 + 3 * i] =
                (d->y_zp + 128) * (1 << -d->s[oc]) + (1 << (-d->s[oc] - 1));
            channel[6 + 3 * i] = -d->s[oc];
        }
        channel += TP_TAPS_CHANNEL;
        for (int32_t t = 0; t < taps; t++) {
            const int8_t *row = d->w + t * d->out_c + ic * mult + k;
            for (int32_t h = 0; h < 2; h++) {
                const uint32_t low = (uint16_t)(2 * row[h * mult]);
                const int32_t high = 2 * row[(h + 2) * mult];
                *w++ = (int32_t)((uint32_t)high << 16 | low);
            }
        }
    }
}

static inline bool dsp_depthwise(dsp_memory *m) {
    const int32_t in_c = dsp_between(m, 4, 19);
    const int32_t mult = dsp_between(m, 0, 3) == 0 ? 2 : 1;
    const int32_t pad = dsp_between(m, 0, 1);
    m->op = (tp_conv2d){.in_h = dsp_between(m, 3, 7),
                        .in_w = dsp_between(m, 3, 9),
                        .in_c = in_c,
                        .out_c = in_c * mult,
                        .k_h = dsp_between(m, 1, 3),
                        .k_w = dsp_between(m, 1, 3),
                        .stride_h = dsp_between(m, 1, 2),
                        .stride_w = dsp_between(m, 1, 2),
                        .dil_h = 1,
                        .dil_w = 1,
                        .pad_t = pad,
                        .pad_l = pad,
                        .x_zp = dsp_between(m, -128, 127),
                        .y_zp = dsp_between(m, -128, 127),
                        .y_min = dsp_between(m, -128, 0),
                        .y_max = dsp_between(m, 1, 127),
                        .w = m->w,
                        .m = m->m,
                        .s = m->s,
                        .reverse = dsp_between(m, 0, 1)};
    m->op.out_h = (m->op.in_h + pad - m->op.k_h) / m->op.stride_h + 1;
    m->op.out_w = (m->op.in_w + pad - m->op.k_w) / m->op.stride_w + 1;
    dsp_bytes(m, m->w, m->op.k_h * m->op.k_w * m->op.out_c);
    dsp_bytes(m, (int8_t *)m->x, DSP_MAP);
    for (int32_t c = 0; c < m->op.out_c; c++) {
        const tp_factor f = dsp_factor(m, -dsp_between(m, 1, 22));
        m->m[c] = f.m;
        m->s[c] = (int8_t)f.s;
        m->bias[c] = dsp_between(m, -20000, 20000);
    }
    dsp_pack_taps(m);
    const tp_dwconv2d_any packed = {
        .conv = m->op, .padded = pad, .w = m->w_packed, .channel = m->q_packed};
    dsp_begin(m);
    tp_dwconv2d_s8_fwd_ref(&m->op, (int8_t *)m->x, m->bias,
                           (int8_t *)m->out[0]);
    tp_dwconv2d_any_s8_fwd_dsp(&packed, (int8_t *)m->x, NULL,
                               (int8_t *)m->out[1], m->scratch);
    return dsp_same(m);
}

/* A convolution of any shape, weights as they are. */
static inline bool dsp_conv_any(dsp_memory *m) {
    const int32_t pad = dsp_between(m, 0, 1);
    const int32_t k_h = dsp_between(m, 1, 3), k_w = dsp_between(m, 1, 3);
    const int32_t dil_h = dsp_between(m, 1, 2), dil_w = dsp_between(m, 1, 2);
    m->op = (tp_conv2d){.in_h = dsp_between(m, 5, 7),
                        .in_w = dsp_between(m, 5, 8),
                        .in_c = dsp_between(m, 1, 19),
                        .out_c = dsp_between(m, 1, 7),
                        .k_h = k_h,
                        .k_w = k_w,
                        .stride_h = dsp_between(m, 1, 2),
                        .stride_w = dsp_between(m, 1, 2),
                        .dil_h = dil_h,
                        .dil_w = dil_w,
                        .pad_t = pad,
                        .pad_l = pad,
                        .x_zp = dsp_between(m, -128, 127),
                        .y_zp = dsp_between(m, -128, 127),
                        .y_min = dsp_between(m, -128, 0),
                        .y_max = dsp_between(m, 1, 127),
                        .w = m->w,
                        .m = m->m,
                        .s = m->s,
                        .reverse = dsp_between(m, 0, 1)};
    tp_conv2d *d = &m->op;
    d->out_h = (d->in_h + 2 * pad - (k_h - 1) * dil_h - 1) / d->stride_h + 1;
    d->out_w = (d->in_w + 2 * pad - (k_w - 1) * dil_w - 1) / d->stride_w + 1;
    dsp_bytes(m, m->w, k_h * k_w * d->in_c * d->out_c);
    dsp_bytes(m, (int8_t *)m->x, DSP_MAP);
    for (int32_t c = 0; c < d->out_c; c++) {
        const tp_factor f = dsp_factor(m, -dsp_between(m, -2, 22));
        m->m[c] = f.m;
        m->s[c] = (int8_t)f.s;
        m->bias[c] = dsp_between(m, -20000, 20000);
    }
    dsp_begin(m);
    tp_conv2d_s8_fwd_ref(d, (int8_t *)m->x, m->bias, (int8_t *)m->out[0]);
    tp_conv2d_any_s8_fwd_dsp(d, (int8_t *)m->x, m->bias, (int8_t *)m->out[1]);
    return dsp_same(m);
}

#endif
