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
