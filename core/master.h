/* A weight with eight more bits than inference reads: what training moves.
 *
 *     master = w * 256 + low,  real = master * 2^(e - 8)
 *
 * w is the working weight (int8 with exponent e, or int16 with e = -13) and
 * lies in the adapter; low, int8, is all that training adds. So there is one
 * copy of each weight, and the working weight is always the master rounded. */
#ifndef TP_CORE_MASTER_H
#define TP_CORE_MASTER_H

#include <stddef.h>

#include "core/bfp.h"
#include "core/fixed.h"

#define TP_MASTER_LOW 8 /* bits of `low` */
#define TP_STEP_FRACTION                                                       \
    14                    /* further bits that stochastic rounding decides     \
                           */
#define TP_WEIGHT_BITS 13 /* fraction bits of an int16 weight */

/* Gradients of either width; the other pointer is NULL. */
typedef struct tp_grads {
    const int32_t *v32;
    const int16_t *v16;
    uint32_t n;
} tp_grads;

static inline int32_t tp_master_join(int32_t w, int8_t low) {
    return w * 256 + low;
}

/* The largest master of a working weight of at most `most`. */
static inline int32_t tp_master_clamp(int32_t master, int32_t most) {
    return tp_clamp32(master, -most * 256 - 128, most * 256 + 127);
}

/* round(master / 256), halves up; the rest, in [-128, 127], goes to *low. */
static inline int32_t tp_master_split(int32_t master, int8_t *low) {
    const int32_t w = (master + 128) >> 8;
    *low = (int8_t)(master - w * 256);
    return w;
}

/* Sum of squares of n integers, first shifted below 2^15, so that 2^32 of
 * their squares fit 64 bits. */
tp_bfp tp_squares32(const int32_t *v, uint32_t n);
tp_bfp tp_squares16(const int16_t *v, uint32_t n);

/* w = w - f * g in units of the master, rounded stochastically. Two passes:
 * the first finds the exponent, so nothing saturates but a weight within half
 * a unit of 128, and none is lost. */
void tp_master_update_q8(tp_q8 *w, int8_t *low, tp_grads g, tp_bfp f,
                         uint32_t *rng);

/* The same of one int16 weight, whose master has bits enough to round to the
 * nearest. A step of 2^25 takes a master of 24 bits to its bound from
 * anywhere. */
static inline void tp_master_move_s16(int16_t *w, int8_t *low, int32_t step) {
    const int32_t most = INT32_C(1) << 25;
    const int32_t moved =
        tp_master_join(*w, *low) - tp_clamp32(step, -most, most - 1);
    *w = (int16_t)tp_master_split(tp_master_clamp(moved, INT16_MAX), low);
}

#endif
