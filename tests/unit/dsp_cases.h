/* Kernels of `dsp` against `ref`, byte for byte, on random shapes: the same on
 * the host, where they are the twins in C, and on a Cortex-M4. What the planner
 * packs is packed here with runtime/kernels/dsp/pack.h. */
#ifndef TP_TESTS_UNIT_DSP_CASES_H
#define TP_TESTS_UNIT_DSP_CASES_H

#include <stdbool.h>
#include <string.h>

#include "core/fixed.h"
#include "core/rng.h"
#include "runtime/kernels/dsp/pack.h"
#include "runtime/kernels/dsp/taps.h"
#include "tinypeft/kernels.h"

enum {
    DSP_CHANNELS = 76,
    DSP_PIXELS = 21,
    DSP_RANK = 16,
    DSP_MAP = DSP_CHANNELS * DSP_PIXELS,
    DSP_WEIGHTS = DSP_CHANNELS * DSP_CHANNELS
};

/* Everything a case needs, and more than it may touch: bytes behind each
 * tensor are compared too. */
typedef struct dsp_memory {
    uint32_t rng;
    tp_conv2d op;
    tp_conv2d_dsp packed;
    int8_t w[DSP_WEIGHTS];
    uint16_t q[DSP_CHANNELS];
    int32_t bias[DSP_CHANNELS], m[DSP_CHANNELS], lora_m[DSP_CHANNELS];
    int8_t s[DSP_CHANNELS], lora_s[DSP_CHANNELS];
    int32_t channels[4 * DSP_CHANNELS + 16];
    _Alignas(8) uint8_t b[DSP_RANK * DSP_CHANNELS + 8];
    int32_t w_packed[DSP_WEIGHTS + 4 * DSP_CHANNELS];
    int32_t q_packed[4 * DSP_CHANNELS];
    _Alignas(8) uint8_t x[DSP_MAP + 16], y[DSP_MAP + 16];
    _Alignas(8) uint8_t u[2 * DSP_RANK * DSP_PIXELS + 8];
    _Alignas(8) uint8_t a[DSP_RANK * DSP_CHANNELS + 8];
    _Alignas(8) uint8_t out[2][4 * DSP_RANK * DSP_CHANNELS + DSP_MAP + 64];
    tp_gscale scale[2];
    uint32_t scratch[4096];
} dsp_memory;

static inline int32_t dsp_between(dsp_memory *m, int32_t lo, int32_t hi) {
    return lo + (int32_t)tp_rng_below(&m->rng, (uint32_t)(hi - lo + 1));
}

/* Of q8 or int8: all, extremes alone, or few small ones. */
static inline void dsp_bytes(dsp_memory *m, int8_t *v, int32_t n) {
    const int32_t kind = dsp_between(m, 0, 3);
    for (int32_t i = 0; i < n; i++) {
        const int32_t any = dsp_between(m, -127, 127);
        v[i] = (int8_t)(kind == 0   ? (any < 0 ? -127 : 127)
                        : kind == 1 ? any / 64
                                    : any);
    }
}

static inline tp_q8 *dsp_q8(dsp_memory *m, uint8_t *at, int32_t n) {
    tp_q8 *q = (tp_q8 *)(void *)at;
    memset(q, 0, sizeof *q);
    q->e = (int8_t)dsp_between(m, -20, 4);
    dsp_bytes(m, q->v, n);
    return q;
}

static inline tp_q16 *dsp_q16(dsp_memory *m, uint8_t *at, int32_t n) {
    tp_q16 *q = (tp_q16 *)(void *)at;
    const int32_t most = dsp_between(m, 0, 3) == 0 ? 32767 : 3000;
    q->e = (int16_t)dsp_between(m, -20, 4);
    q->reserved = 0;
    for (int32_t i = 0; i < n; i++) {
        q->v[i] = (int16_t)(most == 32767 && dsp_between(m, 0, 1) == 0
                                ? -most
                                : dsp_between(m, -most, most));
    }
    return q;
}

/* Both outputs start alike: accumulators go on from what is there. */
static inline void dsp_begin(dsp_memory *m) {
    for (uint32_t i = 0; i < sizeof m->out[0]; i++) {
        m->out[0][i] = (uint8_t)(i % 4 == 0 ? tp_rng_next(&m->rng) : 0);
    }
    memcpy(m->out[1], m->out[0], sizeof m->out[0]);
    m->scale[0] = (tp_gscale){.e = (int8_t)dsp_between(m, -40, 20), .peak = 3};
    m->scale[1] = m->scale[0];
}

static inline bool dsp_same(const dsp_memory *m) {
    return memcmp(m->out[0], m->out[1], sizeof m->out[0]) == 0 &&
           m->scale[0].e == m->scale[1].e &&
           m->scale[0].peak == m->scale[1].peak;
}

/* A 1x1 layer; channels in steps. */
static inline void dsp_layer(dsp_memory *m, int32_t in_step, int32_t out_step) {
    const int32_t in_c = dsp_between(m, 4 / in_step, 64 / in_step) * in_step;
    const int32_t out_c = dsp_between(m, 1, 64 / out_step) * out_step;
    const int32_t w = dsp_between(m, 1, 3);
    const int32_t h = dsp_between(m, 1, DSP_PIXELS / 3);
    m->op = (tp_conv2d){.in_h = h,
                        .in_w = w,
                        .in_c = in_c,
                        .out_h = h,
                        .out_w = w,
                        .out_c = out_c,
                        .k_h = 1,
                        .k_w = 1,
                        .stride_h = 1,
                        .stride_w = 1,
                        .dil_h = 1,
                        .dil_w = 1,
                        .x_zp = dsp_between(m, -128, 127),
                        .w = m->w,
                        .bwd_q = m->q,
                        .bwd_e = dsp_between(m, -12, 2),
                        .acc_shift = dsp_between(m, 0, 9),
                        .acc_shift_b = dsp_between(m, 0, 9),
                        .reverse = dsp_between(m, 0, 1)};
    dsp_bytes(m, m->w, in_c * out_c);
    for (int32_t c = 0; c < out_c; c++) {
        m->q[c] = (uint16_t)(16 * dsp_between(m, 1, 2048));
    }
}

static inline int32_t dsp_pair(const dsp_memory *m, int32_t k) {
    const uint32_t low = k < m->op.out_c ? m->q[k] / 16u : 0;
    const uint32_t high = k + 2 < m->op.out_c ? m->q[k + 2] / 16u : 0;
    return (int32_t)(high << 16 | low);
}

static inline void dsp_pack_back(dsp_memory *m) {
    const tp_dsp_matrix t = {m->w, m->op.in_c, m->op.out_c, 1, m->op.in_c};
    tp_dsp_pack(&t, m->w_packed);
    m->packed = (tp_conv2d_dsp){.conv = m->op,
                                .pairs = tp_dsp_pairs(m->op.out_c),
                                .direct = m->op.out_c % 4 == 0,
                                .w = m->w_packed,
                                .channel = m->q_packed,
                                .sums = m->op.rank <= 4 ? tp_dsp_sums_branch1
                                                        : tp_dsp_sums_branch2};
    for (int32_t j = 0; j < m->packed.pairs; j++) {
        m->q_packed[j] = dsp_pair(m, j / 2 * 4 + j % 2);
    }
}

/* Sums of 62 channels at full range fit what is packed. */
static inline bool dsp_back(dsp_memory *m, bool lora) {
    dsp_layer(m, 1, 1);
    m->op.out_c = tp_min32(m->op.out_c, 62);
    m->op.rank = lora ? dsp_between(m, 1, 8) : 0;
    dsp_pack_back(m);
    const int32_t n = m->op.in_h * m->op.in_w;
    const tp_q8 *dy = dsp_q8(m, m->x, n * m->op.out_c);
    tp_q8 *du = dsp_q8(m, m->u, n * DSP_RANK);
    tp_q8 *a = dsp_q8(m, m->a, m->op.rank * m->op.in_c);
    dsp_begin(m);
    for (int i = 0; i < 2; i++) {
        tp_q8 *dx = (tp_q8 *)(void *)m->out[i];
        if (lora && i == 0) {
            tp_conv2d_lora_s8_bwd_x_ref(&m->op, dy, du, a, dx, &m->scale[i]);
        } else if (lora) {
            tp_conv2d_lora_s8_bwd_x_dsp(&m->packed, dy, du, a, dx, &m->scale[i],
                                        m->scratch);
        } else if (i == 0) {
            tp_conv2d_s8_bwd_x_ref(&m->op, dy, dx, &m->scale[i]);
        } else {
            tp_conv2d_s8_bwd_x_dsp(&m->packed, dy, dx, &m->scale[i],
                                   m->scratch);
        }
    }
    return dsp_same(m);
}

static inline bool dsp_conv_back(dsp_memory *m) {
    return dsp_back(m, false);
}

static inline bool dsp_lora_back(dsp_memory *m) {
    return dsp_back(m, true);
}

static inline bool dsp_u(dsp_memory *m) {
    dsp_layer(m, 4, 1);
    m->op.out_c = dsp_between(m, 1, 16);
    m->op.stride_h = dsp_between(m, 1, 2);
    m->op.stride_w = dsp_between(m, 1, 2);
    m->op.out_h = (m->op.in_h - 1) / m->op.stride_h + 1;
    m->op.out_w = (m->op.in_w - 1) / m->op.stride_w + 1;
    while (m->op.in_c * 255 * 127 >> m->op.shift > 32766) {
        m->op.shift++;
    }
    dsp_bytes(m, (int8_t *)m->x, m->op.in_h * m->op.in_w * m->op.in_c);
    const tp_q8 *a = dsp_q8(m, m->a, m->op.out_c * m->op.in_c);
    dsp_begin(m);
    tp_conv2d_q8_s16_fwd_ref(&m->op, (int8_t *)m->x, a,
                             (tp_q16 *)(void *)m->out[0]);
    tp_conv2d_q8_s16_fwd_dsp(&m->op, (int8_t *)m->x, a,
                             (tp_q16 *)(void *)m->out[1], m->scratch);
    return dsp_same(m);
}

/* What tile.h has of a channel: where its sums start, in 2 or 512, and how they
 * end. */
static inline void dsp_channel(dsp_memory *m, int32_t c, int32_t *start,
                               int32_t *end) {
    const bool odd = (start - m->channels) % 2 == 1;
    const int32_t e = -m->s[c];
    int32_t sum = 0;
    for (int32_t k = 0; k < m->op.in_c; k++) {
        sum += m->w[c * m->op.in_c + k];
    }
    const int32_t zero = m->packed.bytes != 0 ? 0 : 128;
    const int32_t a = m->bias[c] - (zero + m->op.x_zp) * sum;
    const int32_t r = m->op.y_zp * (1 << e) + (1 << e >> 1);
    *start = odd ? 512 * a + start[-1] : 2 * a;
    end[0] = m->m[c];
    end[1] = odd ? 256 * r + 128 : r;
    end[2] = odd ? e + 8 : e;
}

/* A layer whose sums fit 20 bits, so that what a branch takes out of 22 is
 * clamped. */
static inline void dsp_lora_layer(dsp_memory *m) {
    dsp_layer(m, 4, 1);
    m->op.in_c = tp_min32(m->op.in_c, 32);
    m->op.out_c = tp_max32(m->op.out_c, 4);
    dsp_bytes(m, m->w, m->op.in_c * m->op.out_c);
    for (int32_t c = 0; c < m->op.out_c; c++) {
        m->bias[c] = dsp_between(m, -1000, 1000);
        m->m[c] = dsp_between(m, 1 << 30, INT32_MAX);
        m->s[c] = (int8_t)dsp_between(m, -10, -1);
        m->lora_m[c] = dsp_between(m, 1 << 30, INT32_MAX);
        m->lora_s[c] = (int8_t)dsp_between(m, -4, 12);
    }
    m->op.y_zp = dsp_between(m, 0, 1) == 0 ? -128 : dsp_between(m, -128, 127);
    m->op.y_min = -128;
    m->op.y_max = 127;
    m->op.m = m->m;
    m->op.s = m->s;
    m->op.lora_m = m->lora_m;
    m->op.lora_s = m->lora_s;
}

static inline void dsp_lora_pack(dsp_memory *m) {
    const tp_dsp_matrix w = {m->w, m->op.out_c, m->op.in_c, m->op.in_c, 1};
    tp_dsp_pack(&w, m->w_packed);
    for (int32_t g = 0; g < tp_dsp_groups(m->op.out_c); g++) {
        int32_t *group = m->channels + 16 * g;
        for (int32_t i = 0; i < 4; i++) {
            dsp_channel(m, tp_dsp_first(m->op.out_c, g) + i, group + i,
                        group + 4 + 3 * i);
        }
    }
    m->packed = (tp_conv2d_dsp){.conv = m->op,
                                .pairs = tp_dsp_pairs(m->op.in_c),
                                .direct = 1,
                                .bytes = m->packed.bytes,
                                .plain = m->op.y_zp == -128,
                                .w = m->w_packed,
                                .channel = m->channels};
    const bool plain = m->packed.plain != 0;
    const bool few = m->op.rank <= 4;
    m->packed.wide =
        plain ? (few ? tp_dsp_sums_lora_plain1_wide
                     : tp_dsp_sums_lora_plain2_wide)
              : (few ? tp_dsp_sums_lora1_wide : tp_dsp_sums_lora2_wide);
    m->packed.sums = !few    ? m->packed.wide
                     : plain ? tp_dsp_sums_lora_plain1
                             : tp_dsp_sums_lora1;
}

/* One pixel from its bytes as they are. */
static inline bool dsp_fc(dsp_memory *m) {
    dsp_lora_layer(m);
    m->op.in_h = m->op.in_w = m->op.out_h = m->op.out_w = 1;
    m->packed.bytes = 1;
    dsp_lora_pack(m);
    m->packed.one = m->packed.plain ? tp_dsp_bytes1_plain : tp_dsp_bytes1;
    int8_t *x = (int8_t *)m->x + dsp_between(m, 0, 3); /* any address */
    dsp_bytes(m, x, m->op.in_c);
    dsp_begin(m);
    tp_conv2d_s8_fwd_ref(&m->op, x, m->bias, (int8_t *)m->out[0]);
    tp_fc_s8_fwd_dsp(&m->packed, x, NULL, (int8_t *)m->out[1], m->scratch);
    return dsp_same(m);
}

/* u and y of both; u may be wanted or not. */
static inline bool dsp_lora(dsp_memory *m, bool joined) {
    const int32_t ranks[] = {4, 8, 1, 3, 2, joined ? 4 : 6};
    dsp_lora_layer(m);
    m->op.rank = ranks[dsp_between(m, 0, 5)];
    while (m->op.in_c * 255 * 127 >> m->op.shift > 32766) {
        m->op.shift++;
    }
    const int32_t n = m->op.in_h * m->op.in_w;
    dsp_bytes(m, (int8_t *)m->x, n * m->op.in_c);
    const tp_q8 *a = dsp_q8(m, m->a, m->op.rank * m->op.in_c);
    const tp_q8 *b = dsp_q8(m, m->b, m->op.rank * m->op.out_c);
    dsp_lora_pack(m);
    const bool wanted = dsp_between(m, 0, 3) > 0;
    tp_conv2d of_a = m->op;
    of_a.out_c = m->op.rank;
    dsp_begin(m);
    tp_q16 *u[2] = {(tp_q16 *)(void *)m->out[0], (tp_q16 *)(void *)m->out[1]};
    int8_t *y[2] = {(int8_t *)m->out[0] + 1024, (int8_t *)m->out[1] + 1024};
    const int8_t *x = (int8_t *)m->x;
    tp_conv2d_q8_s16_fwd_ref(&of_a, x, a, u[0]);
    tp_conv2d_lora_s8_fwd_ref(&m->op, x, m->bias, u[0], b, y[0]);
    if (joined) {
        tp_conv2d_lora_u_s8_fwd_dsp(&m->packed, x, NULL, a,
                                    wanted ? u[1] : NULL, b, y[1], m->scratch);
    } else {
        memcpy(u[1], u[0], 4 + 2 * (size_t)(n * m->op.rank));
        tp_conv2d_lora_s8_fwd_dsp(&m->packed, x, NULL, u[1], b, y[1],
                                  m->scratch);
    }
    if (!wanted) {
        memcpy(u[0], u[1], 1024);
    }
    return dsp_same(m);
}

static inline bool dsp_lora_joined(dsp_memory *m) {
    return dsp_lora(m, true);
}

static inline bool dsp_lora_apart(dsp_memory *m) {
    return dsp_lora(m, false);
}

static inline bool dsp_du(dsp_memory *m) {
    dsp_layer(m, 1, 4);
    m->op.rank = dsp_between(m, 1, 16);
    const int32_t n = m->op.out_h * m->op.out_w;
    const tp_q8 *dy = dsp_q8(m, m->x, n * m->op.out_c);
    const tp_q8 *b = dsp_q8(m, m->a, m->op.out_c * m->op.rank);
    dsp_begin(m);
    tp_lora_q8_bwd_u_ref(&m->op, dy, b, (tp_q8 *)(void *)m->out[0],
                         &m->scale[0]);
    tp_lora_q8_bwd_u_dsp(&m->op, dy, b, (tp_q8 *)(void *)m->out[1],
                         &m->scale[1], m->scratch);
    return dsp_same(m);
}

static inline bool dsp_db(dsp_memory *m) {
    dsp_layer(m, 1, 2);
    m->op.rank = dsp_between(m, 1, 16);
    const int32_t n = m->op.out_h * m->op.out_w;
    const tp_q8 *dy = dsp_q8(m, m->x, n * m->op.out_c);
    const tp_q16 *u = dsp_q16(m, m->u, n * m->op.rank);
    dsp_begin(m);
    tp_lora_q16_bwd_w_ref(&m->op, u, dy, (tp_q32 *)(void *)m->out[0]);
    tp_lora_q16_bwd_w_dsp(&m->op, u, dy, (tp_q32 *)(void *)m->out[1],
                          m->scratch);
    return dsp_same(m);
}

static inline bool dsp_dw(dsp_memory *m) {
    dsp_layer(m, 2, 1);
    m->op.out_c = dsp_between(m, 1, 16);
    const int32_t n = m->op.out_h * m->op.out_w;
    dsp_bytes(m, (int8_t *)m->x, n * m->op.in_c);
    const tp_q8 *dy = dsp_q8(m, m->u, n * m->op.out_c);
    dsp_begin(m);
    tp_conv2d_s8_bwd_w_ref(&m->op, (int8_t *)m->x, dy,
                           (tp_q32 *)(void *)m->out[0]);
    tp_conv2d_s8_bwd_w_dsp(&m->op, (int8_t *)m->x, dy,
                           (tp_q32 *)(void *)m->out[1], m->scratch);
    return dsp_same(m);
}

/* Ranges that begin or end at, or beyond, the ends of int8. */
static inline bool dsp_clamp(dsp_memory *m) {
    const int32_t n = dsp_between(m, 1, 300);
    const tp_clamp op = {.n = n,
                         .y_min = dsp_between(m, -140, 126),
                         .y_max = dsp_between(m, -127, 140)};
    dsp_bytes(m, (int8_t *)m->y, n);
    m->y[0] = 128; /* -128 */
    const tp_q8 *dy = dsp_q8(m, m->x, n);
    dsp_begin(m);
    tp_mask_s8_fwd_ref(&op, (int8_t *)m->y, m->out[0]);
    tp_mask_s8_fwd_dsp(&op, (int8_t *)m->y, m->out[1]);
    tp_clamp_q8_bwd_x_ref(&op, dy, (int8_t *)m->y,
                          (tp_q8 *)(void *)(m->out[0] + 400));
    tp_clamp_q8_bwd_x_dsp(&op, dy, (int8_t *)m->y,
                          (tp_q8 *)(void *)(m->out[1] + 400));
    tp_mask_q8_bwd_x_ref(&op, dy, m->y, (tp_q8 *)(void *)(m->out[0] + 800));
    tp_mask_q8_bwd_x_dsp(&op, dy, m->y, (tp_q8 *)(void *)(m->out[1] + 800));
    return dsp_same(m);
}

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

/* --- heads ---------------------------------------------------------------- */

/* Logits from features alone, and added to others. */
static inline bool dsp_head(dsp_memory *m) {
    const tp_head op = {.in_c = 4 * dsp_between(m, 1, 19),
                        .classes = dsp_between(m, 1, 13),
                        .x_zp = dsp_between(m, -128, 127),
                        .scale = {.m = (1 << 30) + dsp_between(m, 0, 1 << 29),
                                  .s = dsp_between(m, -24, 4)}};
    const int8_t *x = (int8_t *)m->x + dsp_between(m, 0, 3);
    dsp_bytes(m, (int8_t *)m->x, op.in_c + 3);
    const tp_q8 *w = dsp_q8(m, m->y, op.in_c * op.classes);
    const int16_t *b = (const int16_t *)(const void *)dsp_q16(m, m->u, 16)->v;
    dsp_begin(m);
    tp_head_q8_fwd_ref(&op, x, w, b, (int16_t *)(void *)m->out[0]);
    tp_head_q8_fwd_dsp(&op, x, w, b, (int16_t *)(void *)m->out[1], m->scratch);
    tp_head_add_q8_fwd_ref(&op, b, x, w, (int16_t *)(void *)(m->out[0] + 64));
    tp_head_add_q8_fwd_dsp(&op, b, x, w, (int16_t *)(void *)(m->out[1] + 64),
                           m->scratch);
    return dsp_same(m);
}

/* Where weights, masters and the shared state lie in an output. */
enum { DSP_MASTERS = 1024, DSP_ONLINE = 4096 };

static inline void dsp_head_step(dsp_memory *m, const tp_head_sgd *op,
                                 const int8_t *x, const tp_q8 *dz, int i) {
    tp_q8 *w = (tp_q8 *)(void *)m->out[i];
    tp_masters *masters = (tp_masters *)(void *)(m->out[i] + DSP_MASTERS);
    tp_online *online = (tp_online *)(void *)(m->out[i] + DSP_ONLINE);
    if (i == 0) {
        tp_head_sgd_q8_ref(op, x, dz, w, masters, online);
    } else {
        tp_head_sgd_q8_dsp(op, x, dz, w, masters, online, m->scratch);
    }
}

/* Several updates in a row, of steps of all sizes. */
static inline bool dsp_head_sgd(dsp_memory *m) {
    const tp_head_sgd op = {
        .in_c = 4 * dsp_between(m, 1, 19),
        .classes = dsp_between(m, 1, 12),
        .x_zp = dsp_between(m, 0, 1) == 0 ? -128 : dsp_between(m, -128, 127),
        .index = dsp_between(m, 0, 9),
        .unit = {.m = (1 << 30) + dsp_between(m, 0, 1 << 29),
                 .s = dsp_between(m, -9, 0)}};
    tp_online online = {.rate = {.m = UINT32_C(0x80000000), .e = -34}};
    memset(m->out, 0, sizeof m->out);
    tp_q8 *w = dsp_q8(m, m->out[0], op.in_c * op.classes);
    w->e = (int8_t)dsp_between(m, -13, -5);
    for (int t = 0; t < 6; t++) {
        const int8_t *x = (int8_t *)m->x + dsp_between(m, 0, 3);
        dsp_bytes(m, (int8_t *)m->x, op.in_c + 3);
        tp_q8 *dz = dsp_q8(m, m->u, op.classes);
        dz->e = (int8_t)dsp_between(m, -14, -6);
        online.rng = tp_rng_next(&m->rng);
        memcpy(m->out[0] + DSP_ONLINE, &online, sizeof online);
        if (t == 0) {
            memcpy(m->out[1], m->out[0], sizeof m->out[0]);
        }
        memcpy(m->out[1] + DSP_ONLINE, &online, sizeof online);
        dsp_head_step(m, &op, x, dz, 0);
        dsp_head_step(m, &op, x, dz, 1);
    }
    return dsp_same(m);
}

typedef struct dsp_case {
    const char *name;
    bool (*run)(dsp_memory *m);
} dsp_case;

static const dsp_case dsp_cases[] = {
    {"conv2d_s8_bwd_x", dsp_conv_back},
    {"conv2d_lora_s8_bwd_x", dsp_lora_back},
    {"conv2d_q8_s16_fwd", dsp_u},
    {"fc_s8_fwd", dsp_fc},
    {"conv2d_lora_s8_fwd", dsp_lora_apart},
    {"conv2d_lora_u_s8_fwd", dsp_lora_joined},
    {"lora_q8_bwd_u", dsp_du},
    {"lora_q16_bwd_w", dsp_db},
    {"conv2d_s8_bwd_w", dsp_dw},
    {"masks", dsp_clamp},
    {"add_s8_fwd", dsp_add},
    {"mul_s8_fwd", dsp_mul},
    {"dwconv2d_any_s8_fwd", dsp_depthwise},
    {"conv2d_any_s8_fwd", dsp_conv_any},
    {"head_q8_fwd", dsp_head},
    {"head_sgd_q8", dsp_head_sgd},
};

enum { DSP_CASES = sizeof dsp_cases / sizeof *dsp_cases };

/* `times` random cases; how many differ. */
static inline int dsp_run(dsp_memory *m, const dsp_case *c, int times) {
    int failed = 0;
    for (int i = 0; i < times; i++) {
        memset(m, 0, sizeof *m);
        m->rng = tp_rng_seed((uint32_t)i + 1);
        failed += c->run(m) ? 0 : 1;
    }
    return failed;
}

#endif
