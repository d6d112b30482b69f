/* From the sum of a channel to its byte.
 *
 * Over all sums that a channel can have its output is a staircase of at most
 * 256 steps, and any arithmetic with the same steps gives the same bytes. The
 * compiler looks for constants of this one, which has no product of 64 bits and
 * no clamp behind it, and compares all steps (compiler/ops/stairs.c). A channel
 * for which there are none, or whose factor is trained, is rounded as `ref`
 * does. */
#ifndef TP_KERNELS_SCALAR_STAIR_H
#define TP_KERNELS_SCALAR_STAIR_H

#include <stddef.h>
#include <stdint.h>

#include "core/fixed.h"
#include "tinypeft/ops.h"

#define TP_STAIR_FINE 12                       /* bits of m behind the point */
#define TP_STAIR_MOST ((INT32_C(1) << 20) - 1) /* of `top` */

/* Words of a channel. Stairs: what its sum starts from, less the largest sum
 * that gives the lowest output; top; m; r. Else: what its sum starts from; -1;
 * m and s of a tp_factor. */
enum { TP_STAIR_START, TP_STAIR_TOP, TP_STAIR_M, TP_STAIR_R, TP_STAIR_WORDS };

typedef struct tp_stair {
    int32_t top;
    uint32_t high, low; /* of m */
    uint32_t r;         /* the lowest output is its byte 3 */
} tp_stair;

static inline tp_stair tp_stair_of(const int32_t *channel) {
    const uint32_t m = (uint32_t)channel[TP_STAIR_M];
    return (tp_stair){.top = channel[TP_STAIR_TOP],
                      .high = m >> TP_STAIR_FINE,
                      .low = m & ((1u << TP_STAIR_FINE) - 1u),
                      .r = (uint32_t)channel[TP_STAIR_R]};
}

/* Byte 3 of  t m 2^-12 + r,  t = sum held within [0, top]. In 32 bits: t low
 * fits, for t < 2^20; the rest does as the compiler has proved, but for r's
 * byte 3, which is added modulo 2^32. */
static inline int8_t tp_stair_byte(const tp_stair *s, int32_t sum) {
    uint32_t t = (uint32_t)sum;
    if (t > (uint32_t)s->top) { /* on either side */
        t = sum < 0 ? 0 : (uint32_t)s->top;
    }
    const uint32_t v = t * s->high + (t * s->low >> TP_STAIR_FINE) + s->r;
    return (int8_t)(v >> 24);
}

/* The byte of a channel without stairs, as tp_requantise(). */
static inline int8_t tp_stair_none(const tp_conv2d *op, tp_factor f,
                                   int32_t sum) {
    const int32_t y =
        (int32_t)((uint32_t)tp_mbqm(sum, f.m, f.s) + (uint32_t)op->y_zp);
    return (int8_t)tp_clamp32(y, op->y_min, op->y_max);
}

/* Its factor; `trained` [out_c] or NULL. */
static inline tp_factor tp_stair_factor(const int32_t *channel,
                                        const tp_factor *trained, int32_t oc) {
    return trained != NULL ? trained[oc]
                           : (tp_factor){.m = channel[TP_STAIR_M],
                                         .s = channel[TP_STAIR_R]};
}

#endif
