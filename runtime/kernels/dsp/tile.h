/* The heart of every dense `dsp` kernel: sums of products for one or two
 * pixels and four channels at a time, and what becomes of them. tile.S is for
 * cores with the DSP extension (Armv7E-M, Armv8-M); tile.c says the same in C,
 * is what the host runs, and is the test of tile.S.
 *
 * Two channels c0, c1 share each weight: a halfword is 256 * w1 + w0. The sum
 * of its products is 256 * S1 + S0; S0 comes from the low bytes alone, so one
 * multiplication and one subtraction give both. Activations are u = x + 128,
 * in [0, 255], doubled: then the high word of a product with the multiplier m
 * is the doubling high multiplication of TensorFlow Lite.
 *
 * What a channel's sum A becomes, e = -s of its tp_factor, zp below:
 *     SRDHM(A, m) = floor((2 A m + 2^31) / 2^32)
 *     y = (SRDHM + 2^(e-1) + (A < 0 ? -1 : 0)) >> e, rounded as gemmlowp does
 * The term for negative sums is left out (`plain`) where these end at the
 * lower clamp anyway. */
#ifndef TP_KERNELS_DSP_TILE_H
#define TP_KERNELS_DSP_TILE_H

#include <stdint.h>

#define TP_TILE_GROUP 4    /* channels */
#define TP_TILE_CHANNEL 16 /* words of a group in tp_dsp_tile.channel */

/* A call: all groups from `channel` to `end`.
 *   w        [group][pair][2] the two weights pairs of a group, for each pair
 *            of k; pairs are (4i, 4i+2), (4i+1, 4i+3)
 *   channel  [group]{2 A, 2 (256 A' + A), the same of c2 and c3; then of each
 *            channel m, R, e}, A what the sum starts from;
 *            even channels: R = (zp << e) + 2^(e-1)
 *            odd ones: 256 R + 128 and e + 8, for their sum comes as 512 A
 *   act      [pair][pixels]{2 u[k], 2 u[k']}
 *   y        [out] four bytes a group; pixels are `stride` apart
 *   up, down  bytes added with saturation, then subtracted: the clamp range
 *            [-128 + up - down, 127 - down] from what saturated to int8; not
 *            used by `plain`
 * Bound, kept by the planner: 512 |A1| + 2 |A0| < 2^31 for all activations;
 * R and what is added to it stay in 32 bits. */
typedef struct tp_dsp_tile {
    const int32_t *w;
    const uint32_t *act;
    const int32_t *channel;
    int8_t *y;
    int32_t stride;
    const int32_t *end;
    const uint32_t *act_end;
    uint32_t up, down;
} tp_dsp_tile;

/* Two pixels; negative sums are clamped away / any. */
void tp_dsp_tile2_plain(const tp_dsp_tile *t);
void tp_dsp_tile2(const tp_dsp_tile *t);
/* One pixel. */
void tp_dsp_tile1_plain(const tp_dsp_tile *t);
void tp_dsp_tile1(const tp_dsp_tile *t);
/* One pixel from its bytes: act is x, at any address, and A what the sum of x w
 * starts from. */
void tp_dsp_bytes1_plain(const tp_dsp_tile *t);
void tp_dsp_bytes1(const tp_dsp_tile *t);

#endif
