/* sums.S in C: same sums, same wrap-around. */
#include "runtime/kernels/dsp/sums.h"

#include "core/fixed.h"
#include "runtime/kernels/dsp/tile_c.h"

#define PIXELS 2

/* What becomes of one pixel's sums of a group; `group` counts from 0. */
typedef void finish(tp_dsp_sums *t, int32_t group, int32_t pixel, int32_t *sum);

static void all(tp_dsp_sums *t, const int32_t *start, int32_t next,
                int32_t bytes, finish *f) {
    const int32_t pairs = (int32_t)(t->act_end - t->act) / PIXELS;
    const int32_t groups = (int32_t)(t->y_end - t->y) / bytes;
    for (int32_t g = 0; g < groups; g++) {
        for (int32_t p = PIXELS - 1; p >= 0; p--) {
            int32_t sum[TP_TILE_GROUP];
            tp_tile_sums(t->w + g * pairs * 2, t->act + p, t->act_end, PIXELS,
                         start + g * next, sum);
            f(t, g, p, sum);
        }
    }
}

static void scale(const tp_dsp_sums *t, int32_t *sum) {
    for (int i = 0; i < TP_TILE_GROUP; i++) {
        sum[i] = tp_smmulr(sum[i], i % 2 == 1 ? t->odd : t->even);
    }
}

/* The sum of the branch of channel c. */
static int32_t branch(const tp_dsp_sums *t, const int32_t *of, int32_t pixel) {
    const uint32_t *u = t->u + pixel * TP_SUMS_PAIRS;
    return tp_smlad(u[1], (uint32_t)of[1], tp_smlad(u[0], (uint32_t)of[0], 0));
}

static void put(tp_dsp_sums *t, int32_t g, int32_t pixel, const int32_t *v) {
    int8_t *y = t->y + pixel * t->stride + g * TP_TILE_GROUP;
    for (int i = 0; i < TP_TILE_GROUP; i++) {
        t->peak |= (uint32_t)(v[i] ^ (v[i] >> 31));
        y[i] = (int8_t)tp_clamp32(v[i], -127, 127);
    }
}

static void finish_u(tp_dsp_sums *t, int32_t g, int32_t pixel, int32_t *sum) {
    int8_t *y = t->y + pixel * t->stride + g * 2 * TP_TILE_GROUP;
    int16_t u[TP_TILE_GROUP];
    scale(t, sum);
    for (int i = 0; i < TP_TILE_GROUP; i++) {
        u[i] = (int16_t)sum[i];
    }
    memcpy(y, u, sizeof u);
}

static void finish_back(tp_dsp_sums *t, int32_t g, int32_t pixel,
                        int32_t *sum) {
    scale(t, sum);
    put(t, g, pixel, sum);
}

static void finish_branch(tp_dsp_sums *t, int32_t g, int32_t pixel,
                          int32_t *sum) {
    const int32_t *of = t->branch + g * TP_TILE_GROUP * TP_SUMS_PAIRS;
    scale(t, sum);
    for (int i = 0; i < TP_TILE_GROUP; i++) {
        sum[i] = tp_tile_add(
            sum[i], tp_smmulr(branch(t, of + i * TP_SUMS_PAIRS, pixel), t->t));
    }
    put(t, g, pixel, sum);
}

/* 2 A or 512 A of the sum with its branch. QDADD saturates. */
static int32_t with_branch(int32_t sum, int32_t add, bool odd) {
    if (odd) {
        return tp_tile_add(sum,
                           tp_clamp32(add, -(1 << 21), (1 << 21) - 1) * 512);
    }
    return tp_sat32((int64_t)sum + tp_sat32(2 * (int64_t)add));
}

static void finish_lora(tp_dsp_sums *t, int32_t g, int32_t pixel, int32_t *sum,
                        bool plain) {
    const int32_t *of = t->branch + g * TP_TILE_GROUP * (TP_SUMS_PAIRS + 1);
    const int32_t *c = t->channel + g * TP_TILE_CHANNEL + TP_TILE_GROUP;
    int8_t *y = t->y + pixel * t->stride + g * TP_TILE_GROUP;
    for (int i = 0; i < TP_TILE_GROUP; i++, of += TP_SUMS_PAIRS + 1, c += 3) {
        const int32_t add = tp_smmulr(branch(t, of, pixel), of[TP_SUMS_PAIRS]);
        const int32_t acc = with_branch(sum[i], add, i % 2 == 1);
        const int8_t v = tp_tile_finish(acc, i % 2 == 1, c, plain);
        y[i] = plain ? v : tp_tile_clamp(v, t->up, t->down);
    }
}

static void finish_lora_plain(tp_dsp_sums *t, int32_t g, int32_t pixel,
                              int32_t *sum) {
    finish_lora(t, g, pixel, sum, true);
}

static void finish_lora_any(tp_dsp_sums *t, int32_t g, int32_t pixel,
                            int32_t *sum) {
    finish_lora(t, g, pixel, sum, false);
}

static const int32_t zero[TP_TILE_GROUP];

void tp_dsp_sums_u(tp_dsp_sums *t) {
    all(t, t->channel, TP_TILE_GROUP, 2 * TP_TILE_GROUP, finish_u);
}

void tp_dsp_sums_back(tp_dsp_sums *t) {
    all(t, zero, 0, TP_TILE_GROUP, finish_back);
}

void tp_dsp_sums_branch(tp_dsp_sums *t) {
    all(t, zero, 0, TP_TILE_GROUP, finish_branch);
}

void tp_dsp_sums_lora_plain(tp_dsp_sums *t) {
    all(t, t->channel, TP_TILE_CHANNEL, TP_TILE_GROUP, finish_lora_plain);
}

void tp_dsp_sums_lora(tp_dsp_sums *t) {
    all(t, t->channel, TP_TILE_CHANNEL, TP_TILE_GROUP, finish_lora_any);
}
