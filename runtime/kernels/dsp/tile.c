/* tile.S in C: same sums, same wrap-around. */
#include "runtime/kernels/dsp/tile_c.h"

static void tile(const tp_dsp_tile *t, int32_t pixels, bool plain) {
    const int32_t pairs = (int32_t)(t->act_end - t->act) / pixels;
    const int32_t *w = t->w;
    int8_t *y = t->y;
    for (const int32_t *c = t->channel; c < t->end; c += TP_TILE_CHANNEL) {
        for (int32_t p = 0; p < pixels; p++) {
            int32_t sum[TP_TILE_GROUP];
            tp_tile_sums(w, t->act + p, t->act_end, pixels, c, sum);
            for (int i = 0; i < TP_TILE_GROUP; i++) {
                const int8_t v =
                    tp_tile_finish(sum[i], i % 2 == 1, c + 4 + 3 * i, plain);
                y[p * t->stride + i] =
                    plain ? v : tp_tile_clamp(v, t->up, t->down);
            }
        }
        w += 2 * pairs;
        y += TP_TILE_GROUP;
    }
}

/* Four bytes of x are two pairs of k. */
static void bytes(const tp_dsp_tile *t, bool plain) {
    const int32_t words = (int32_t)(t->act_end - t->act);
    const int32_t *w = t->w;
    int8_t *y = t->y;
    for (const int32_t *c = t->channel; c < t->end; c += TP_TILE_CHANNEL) {
        uint32_t sum[TP_TILE_GROUP] = {0};
        for (int32_t k = 0; k < words; k++, w += 4) {
            const uint32_t x = tp_load32(t->act + k);
            const uint32_t act[] = {tp_sxtb16(x), tp_sxtb16_odd(x)};
            int32_t part[TP_TILE_GROUP];
            const int32_t zero[TP_TILE_GROUP] = {0};
            tp_tile_sums(w, act, act + 2, 1, zero, part);
            for (int i = 0; i < TP_TILE_GROUP; i++) {
                sum[i] += (uint32_t)part[i];
            }
        }
        for (int i = 0; i < TP_TILE_GROUP; i++) {
            const bool odd = i % 2 == 1;
            const uint32_t start =
                odd ? (uint32_t)c[i] - (uint32_t)c[i - 1] : (uint32_t)c[i];
            const int8_t v = tp_tile_finish((int32_t)(start + 2 * sum[i]), odd,
                                            c + 4 + 3 * i, plain);
            y[i] = plain ? v : tp_tile_clamp(v, t->up, t->down);
        }
        y += TP_TILE_GROUP;
    }
}

void tp_dsp_bytes1_plain(const tp_dsp_tile *t) {
    bytes(t, true);
}

void tp_dsp_bytes1(const tp_dsp_tile *t) {
    bytes(t, false);
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
