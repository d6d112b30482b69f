/* tile.S in C: same sums, same wrap-around. */
#include "runtime/kernels/dsp/tile.h"

#include <stdbool.h>

#include "runtime/kernels/dsp/widen.h"

static int32_t add(int32_t a, int32_t b) {
    return (int32_t)((uint32_t)a + (uint32_t)b);
}

/* SMLAD: both halves of a times those of b, added to acc. */
static int32_t smlad(uint32_t a, int32_t b, int32_t acc) {
    const int32_t low = (int16_t)a * (int16_t)b;
    const int32_t high = (int16_t)(a >> 16) * (int16_t)((uint32_t)b >> 16);
    return add(add(acc, low), high);
}

/* SXTB16: the low byte of each half. */
static int32_t sxtb16(int32_t w) {
    const uint32_t low = (uint32_t)(int8_t)w & 0xFFFFu;
    const uint32_t high = (uint32_t)(int8_t)((uint32_t)w >> 16);
    return (int32_t)(high << 16 | low);
}

/* High word of r * 2^32 + a * m + half. */
static int32_t high(int32_t a, int32_t m, int32_t r, int64_t half) {
    return add(r, (int32_t)(((int64_t)a * m + half) >> 32));
}

static int8_t ssat8(int32_t v) {
    return (int8_t)(v < -128 ? -128 : v > 127 ? 127 : v);
}

/* Sums of one pixel of a group: {2 A0, 512 A1, 2 A2, 512 A3}. */
static void sums(const tp_dsp_tile *t, const int32_t *w, int32_t pixels,
                 const uint32_t *act, const int32_t *start, int32_t *sum) {
    for (int i = 0; i < TP_TILE_GROUP; i++) {
        sum[i] = start[i];
    }
    for (; act < t->act_end; act += pixels, w += 2) {
        sum[0] = smlad(*act, sxtb16(w[0]), sum[0]);
        sum[1] = smlad(*act, w[0], sum[1]);
        sum[2] = smlad(*act, sxtb16(w[1]), sum[2]);
        sum[3] = smlad(*act, w[1], sum[3]);
    }
    sum[1] = (int32_t)((uint32_t)sum[1] - (uint32_t)sum[0]);
    sum[3] = (int32_t)((uint32_t)sum[3] - (uint32_t)sum[2]);
}

/* One output, before `up` and `down`. p: {m, R, e}. */
static int8_t finish(int32_t sum, bool odd, const int32_t *p, bool plain) {
    const int32_t sign = plain ? 0 : sum >> 31;
    const int32_t v = odd ? high(sum, p[0], add(p[1], sign * 256), 0)
                          : high(sum, p[0], add(p[1], sign), INT64_C(1) << 31);
    return ssat8(v >> p[2]);
}

static int8_t clamp(int8_t v, const tp_dsp_tile *t) {
    const int32_t up = v + (int8_t)t->up;
    return (int8_t)((up > 127 ? 127 : up < -128 ? -128 : up) - (int8_t)t->down);
}

static void tile(const tp_dsp_tile *t, int32_t pixels, bool plain) {
    const int32_t pairs = (int32_t)(t->act_end - t->act) / pixels;
    const int32_t *w = t->w;
    int8_t *y = t->y;
    for (const int32_t *c = t->channel; c < t->end; c += TP_TILE_CHANNEL) {
        for (int32_t p = 0; p < pixels; p++) {
            int32_t sum[TP_TILE_GROUP];
            sums(t, w, pixels, t->act + p, c, sum);
            for (int i = 0; i < TP_TILE_GROUP; i++) {
                const int8_t v =
                    finish(sum[i], i % 2 == 1, c + 4 + 3 * i, plain);
                y[p * t->stride + i] = plain ? v : clamp(v, t);
            }
        }
        w += 2 * pairs;
        y += TP_TILE_GROUP;
    }
}

void tp_dsp_tile2_plain(const tp_dsp_tile *t) {
    tile(t, 2, true);
}

void tp_dsp_tile2(const tp_dsp_tile *t) {
    tile(t, 2, false);
}

void tp_dsp_tile1_plain(const tp_dsp_tile *t) {
    tile(t, 1, true);
}

void tp_dsp_tile1(const tp_dsp_tile *t) {
    tile(t, 1, false);
}

void tp_dsp_widen2(const int8_t *x0, const int8_t *x1, int32_t n,
                   uint32_t *act) {
    tp_widen2(x0, x1, n, act);
}
