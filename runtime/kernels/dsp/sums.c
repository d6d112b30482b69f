/* sums.S in C: same sums, same wrap-around. */
#include "runtime/kernels/dsp/sums.h"

#include "core/fixed.h"
#include "runtime/kernels/dsp/tile_c.h"

#define PIXELS 2

/* What becomes of one pixel's sums of a group; `group` counts from 0. */
typedef void finish(tp_dsp_sums *t, int32_t group, int32_t pixel, int32_t *sum);

/* `next`: words of `channel` from a group to the next. */
static void all(tp_dsp_sums *t, int32_t next, int32_t bytes, finish *f) {
    const int32_t pairs = (int32_t)(t->act_end - t->act) / PIXELS;
    const int32_t groups = (int32_t)(t->y_end - t->y) / bytes;
    for (int32_t g = 0; g < groups; g++) {
        for (int32_t p = PIXELS - 1; p >= 0; p--) {
            int32_t sum[TP_TILE_GROUP];
            tp_tile_sums(t->w + g * pairs * 2, t->act + p, t->act_end, PIXELS,
                         t->channel + g * next, sum);
            f(t, g, p, sum);
        }
    }
}

static void scale(const tp_dsp_sums *t, int32_t *sum) {
    for (int i = 0; i < TP_TILE_GROUP; i++) {
        sum[i] = tp_smmulr(sum[i], i % 2 == 1 ? t->odd : t->even);
    }
}

/* The sum of a branch of `words`, of one channel. */
static int32_t branch(const tp_dsp_sums *t, const int32_t *of, int32_t words,
                      int32_t pixel) {
    int32_t sum = 0;
    for (int32_t i = 0; i < words; i++) {
        sum = tp_smlad(t->u[pixel][i], (uint32_t)of[i], sum);
    }
    return sum;
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
                          int32_t *sum, int32_t words) {
    const int32_t *of = t->branch + g * TP_TILE_GROUP * words;
    scale(t, sum);
    for (int i = 0; i < TP_TILE_GROUP; i++, of += words) {
        sum[i] =
            tp_tile_add(sum[i], tp_smmulr(branch(t, of, words, pixel), t->t));
    }
    put(t, g, pixel, sum);
}

static void finish_branch1(tp_dsp_sums *t, int32_t g, int32_t pixel,
                           int32_t *sum) {
    finish_branch(t, g, pixel, sum, 2);
}

static void finish_branch2(tp_dsp_sums *t, int32_t g, int32_t pixel,
                           int32_t *sum) {
    finish_branch(t, g, pixel, sum, 4);
}

/* 2 A or 512 A of the sum with its branch. QDADD saturates. */
static int32_t with_branch(int32_t sum, int32_t add, bool odd, bool wide) {
    if (odd) {
        const int32_t held =
            wide ? tp_clamp32(add, -(1 << 21), (1 << 21) - 1) : add;
        return tp_tile_add(sum, (int32_t)((uint32_t)held << 9));
    }
    return tp_sat32((int64_t)sum + tp_sat32(2 * (int64_t)add));
}

static void finish_lora(tp_dsp_sums *t, int32_t g, int32_t pixel, int32_t *sum,
                        int32_t words, bool plain, bool wide) {
    const int32_t *of = t->branch + g * TP_TILE_GROUP * (words + 1);
    const int32_t *c = t->channel + g * TP_TILE_CHANNEL + TP_TILE_GROUP;
    int8_t *y = t->y + pixel * t->stride + g * TP_TILE_GROUP;
    for (int i = 0; i < TP_TILE_GROUP; i++, of += words + 1, c += 3) {
        const bool odd = i % 2 == 1;
        const int32_t add = tp_smmulr(branch(t, of, words, pixel), of[words]);
        const int32_t acc = with_branch(sum[i], add, odd, wide);
        const int8_t v = tp_tile_finish(acc, odd, c, plain);
        y[i] = plain ? v : tp_tile_clamp(v, t->up, t->down);
    }
}

static void finish_plain1(tp_dsp_sums *t, int32_t g, int32_t p, int32_t *sum) {
    finish_lora(t, g, p, sum, 2, true, false);
}

static void finish_plain1_wide(tp_dsp_sums *t, int32_t g, int32_t p,
                               int32_t *sum) {
    finish_lora(t, g, p, sum, 2, true, true);
}

static void finish_plain2(tp_dsp_sums *t, int32_t g, int32_t p, int32_t *sum) {
    finish_lora(t, g, p, sum, 4, true, true);
}

static void finish_any1(tp_dsp_sums *t, int32_t g, int32_t p, int32_t *sum) {
    finish_lora(t, g, p, sum, 2, false, false);
}

static void finish_any1_wide(tp_dsp_sums *t, int32_t g, int32_t p,
                             int32_t *sum) {
    finish_lora(t, g, p, sum, 2, false, true);
}

static void finish_any2(tp_dsp_sums *t, int32_t g, int32_t p, int32_t *sum) {
    finish_lora(t, g, p, sum, 4, false, true);
}

void tp_dsp_sums_u(tp_dsp_sums *t) {
    all(t, TP_TILE_GROUP, 2 * TP_TILE_GROUP, finish_u);
}

void tp_dsp_sums_back(tp_dsp_sums *t) {
    all(t, 0, TP_TILE_GROUP, finish_back);
}

void tp_dsp_sums_branch1(tp_dsp_sums *t) {
    all(t, 0, TP_TILE_GROUP, finish_branch1);
}

void tp_dsp_sums_branch2(tp_dsp_sums *t) {
    all(t, 0, TP_TILE_GROUP, finish_branch2);
}

/* From u's place to where products with it look for it. */
static void take_u(const tp_dsp_sums *t, tp_dsp_sums *then) {
    const size_t bytes = (size_t)(t->y_end - t->y);
    memcpy(then->u[0], t->y, bytes);
    memcpy(then->u[1], t->y + t->stride, bytes);
}

static void lora(tp_dsp_sums *t, finish *f) {
    tp_dsp_sums then = *t;
    if (t->then.w != NULL) {
        tp_dsp_sums_u(t);
        take_u(t, &then);
        then.w = t->then.w;
        then.channel = t->then.channel;
        then.branch = t->then.branch;
        then.y = t->then.y;
        then.stride = t->then.stride;
        then.y_end = t->then.y_end;
    }
    all(&then, TP_TILE_CHANNEL, TP_TILE_GROUP, f);
}

void tp_dsp_sums_lora_plain1(tp_dsp_sums *t) {
    lora(t, finish_plain1);
}

void tp_dsp_sums_lora_plain1_wide(tp_dsp_sums *t) {
    lora(t, finish_plain1_wide);
}

void tp_dsp_sums_lora_plain2_wide(tp_dsp_sums *t) {
    lora(t, finish_plain2);
}

void tp_dsp_sums_lora1(tp_dsp_sums *t) {
    lora(t, finish_any1);
}

void tp_dsp_sums_lora1_wide(tp_dsp_sums *t) {
    lora(t, finish_any1_wide);
}

void tp_dsp_sums_lora2_wide(tp_dsp_sums *t) {
    lora(t, finish_any2);
}
