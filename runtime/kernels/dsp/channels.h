/* What is known of channels only when a kernel is called: trained biases and
 * trained factors. */
#ifndef TP_KERNELS_DSP_CHANNELS_H
#define TP_KERNELS_DSP_CHANNELS_H

#include <stddef.h>

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

/* Two channels of a group, oc and the one behind: both sums, of which the odd
 * one holds the even one's as well, and both factors.
 *   start, from  of the descriptor's table; as to_start, to of the new one */
static inline void tp_channels_pair(const tp_conv2d_dsp *op, const int32_t *b,
                                    const tp_factor *f, const int32_t *start,
                                    const int32_t *from, int32_t *to_start,
                                    int32_t *to) {
    const int32_t even = 2 * tp_clamp32(b[0], -op->limit, op->limit);
    const int32_t odd = 512 * tp_clamp32(b[1], -op->limit, op->limit);
    to_start[0] = start[0] + even;
    to_start[1] = start[1] + odd + even;
    if (f == NULL) {
        for (int32_t i = 0; i < 6; i++) {
            to[i] = from[i];
        }
        return;
    }
    const int32_t zp = op->conv.y_zp - op->conv.y_min - 128;
    tp_channel_factor(f[0], zp, to);
    tp_channel_factor(f[1], zp, to + 3);
    to[4] = 256 * to[4] + 128;
    to[5] += 8;
}

/* The table of tile.h from that of the descriptor, which has no bias, a group
 * of channels at a time.
 *   b   [in]  int32 [out_c]; beyond +-limit the output is saturated anyway
 *   f   [in]  tp_factor [out_c] in place of the table's; NULL: the table's
 *   to  [out] int32 [groups][TP_TILE_CHANNEL]
 * Bound: the planner's, for all |b| <= limit and factors of tp_rescale. */
static inline void tp_channels_make(const tp_conv2d_dsp *op, const int32_t *b,
                                    const tp_factor *f, int32_t *to) {
    const int32_t *from = op->channel;
    const int32_t out_c = op->conv.out_c;
    for (int32_t g = 0; g < out_c; g += TP_TILE_GROUP) {
        const int32_t oc = tp_min32(g, out_c - TP_TILE_GROUP);
        for (int32_t i = 0; i < TP_TILE_GROUP; i += 2) {
            tp_channels_pair(op, b + oc + i, f != NULL ? f + oc + i : NULL,
                             from + i, from + 4 + 3 * i, to + i,
                             to + 4 + 3 * i);
        }
        from += TP_TILE_CHANNEL;
        to += TP_TILE_CHANNEL;
    }
}

#endif
