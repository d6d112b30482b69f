/* What the twins in C of all tiles share. */
#ifndef TP_KERNELS_DSP_TILE_C_H
#define TP_KERNELS_DSP_TILE_C_H

#include <stdbool.h>

#include "runtime/kernels/dsp/simd.h"
#include "runtime/kernels/dsp/tile.h"

/* With wrap-around. */
static inline int32_t tp_tile_add(int32_t a, int32_t b) {
    return (int32_t)((uint32_t)a + (uint32_t)b);
}

/* One pixel's sums of a group, the first of `pixels` that share `act`: S of
 * even channels, 256 S of odd ones. */
static inline void tp_tile_sums(const int32_t *w, const uint32_t *act,
                                const uint32_t *end, int32_t pixels,
                                const int32_t *start, int32_t *sum) {
    for (int i = 0; i < TP_TILE_GROUP; i++) {
        sum[i] = start[i];
    }
    for (; act < end; act += pixels, w += 2) {
        sum[0] = tp_smlad(*act, tp_sxtb16((uint32_t)w[0]), sum[0]);
        sum[1] = tp_smlad(*act, (uint32_t)w[0], sum[1]);
        sum[2] = tp_smlad(*act, tp_sxtb16((uint32_t)w[1]), sum[2]);
        sum[3] = tp_smlad(*act, (uint32_t)w[1], sum[3]);
    }
    sum[1] = (int32_t)((uint32_t)sum[1] - (uint32_t)sum[0]);
    sum[3] = (int32_t)((uint32_t)sum[3] - (uint32_t)sum[2]);
}

/* High word of r * 2^32 + a * m + half. */
static inline int32_t tp_tile_high(int32_t a, int32_t m, int32_t r,
                                   int64_t half) {
    return tp_tile_add(r, (int32_t)(((int64_t)a * m + half) >> 32));
}

/* One output, before `up` and `down`. p: {m, R, e}. */
static inline int8_t tp_tile_finish(int32_t sum, bool odd, const int32_t *p,
                                    bool plain) {
    const int32_t sign = plain ? 0 : sum >> 31;
    const int32_t v =
        odd ? tp_tile_high(sum, p[0], tp_tile_add(p[1], sign * 256), 0)
            : tp_tile_high(sum, p[0], tp_tile_add(p[1], sign),
                           INT64_C(1) << 31);
    const int32_t y = v >> p[2];
    return (int8_t)(y < -128 ? -128 : y > 127 ? 127 : y);
}

static inline int8_t tp_tile_clamp(int8_t v, uint32_t up, uint32_t down) {
    const int32_t moved = v + (int8_t)up;
    return (int8_t)((moved > 127    ? 127
                     : moved < -128 ? -128
                                    : moved) -
                    (int8_t)down);
}

#endif
