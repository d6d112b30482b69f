/* Kernels of `dsp` against `ref`, byte for byte, on random shapes: the same on
 * the host, where they are the twins in C, and on a Cortex-M4. What the planner
 * packs is packed here with runtime/kernels/dsp/pack.h. */
#ifndef TP_TESTS_UNIT_DSP_CASES_H
#define TP_TESTS_UNIT_DSP_CASES_H

#include "tests/unit/dsp_any_cases.h"
#include "tests/unit/dsp_memory.h"

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
