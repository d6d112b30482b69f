/* What is known of channels only when a kernel is called: trained biases and
 * trained factors. */
#ifndef TP_KERNELS_DSP_CHANNELS_H
#define TP_KERNELS_DSP_CHANNELS_H

#include "core/fixed.h"
#include "runtime/kernels/dsp/tile.h"
#include "tinypeft/ops.h"

/* m, R and e of an even channel, for a factor; zp as in tile.h. A factor of 0,
 * whose e is 0, gets one that hides the sign of the sum. */
static inline void tp_channel_factor(tp_factor f, int32_t zp, int32_t *to) {
    const int32_t e = f.m == 0 ? 8 : -f.s;
    to[0] = f.m;
    to[1] = zp * ((int32_t)1 << e) + ((int32_t)1 << e >> 1);
    to[2] = e;
}

/* The table of tile.h from that of the descriptor, which has no bias, a group
 * of channels at a time.
 *   b   [in]  int32 [out_c]; beyond +-limit the output is saturated anyway
 *   f   [in]  tp_factor [out_c] in place of the table's; NULL: the table's
 *   to  [out] int32 [groups][TP_TILE_CHANNEL]
 * Bound: the planner's, for all |b| <= limit and factors of tp_rescale. */
static inline void tp_channels_make(const tp_conv2d_dsp *op, const int32_t *b,
                                    const tp_factor *f, int32_t *to) {
    const int32_t zp = op->conv.y_zp - op->conv.y_min - 128;
    const int32_t *from = op->channel;
    for (int32_t g = 0; g < op->conv.out_c; g += TP_TILE_GROUP) {
        const int32_t oc = tp_min32(g, op->conv.out_c - TP_TILE_GROUP);
        for (int32_t i = 0; i < TP_TILE_CHANNEL; i++) {
            to[i] = from[i];
        }
        for (int32_t i = 0; i < TP_TILE_GROUP; i++) {
            const int32_t bias = tp_clamp32(b[oc + i], -op->limit, op->limit);
            int32_t *info = to + 4 + 3 * i;
            to[i] += 2 * bias * (i % 2 == 1 ? 256 : 1);
            if (i % 2 == 1) { /* it holds the even channel's sum as well */
                to[i] += to[i - 1] - from[i - 1];
            }
            if (f != NULL) {
                tp_channel_factor(f[oc + i], zp, info);
            }
            if (f != NULL && i % 2 == 1) {
                info[1] = 256 * info[1] + 128;
                info[2] += 8;
            }
        }
        from += TP_TILE_CHANNEL;
        to += TP_TILE_CHANNEL;
    }
}

#endif
