/* Many integers times one factor.
 *
 * A product of 64 bits that is rounded at any place and saturated takes a core
 * of 32 bits a dozen instructions and more. Where a value is small enough to be
 * shifted up first, such that the place lies in the upper word of the product,
 * it takes seven, and the same result. */
#ifndef TP_CORE_SCALER_H
#define TP_CORE_SCALER_H

#include <stdbool.h>
#include <stdint.h>

#include "core/fixed.h"
#include "tinypeft/types.h"

/* round(x * m * 2^-n). For x in [-limit, limit): (x * 2^up * m) >> 32 >> down,
 * of which the last bit rounds. */
typedef struct tp_scaler {
    int32_t m; /* [0, 2^31) */
    int n;
    uint32_t limit;
    int up, down;
} tp_scaler;

tp_scaler tp_scaler_of(int32_t m, int n);

/* For integers times factor * 2^bits. */
tp_scaler tp_scaler_of_bfp(tp_bfp factor, int bits);

/* tp_shift_round(), of which there need be one copy. */
int32_t tp_shift_round_far(int64_t x, int n);

/* round(x * m * 2^-n) of a small x. */
static inline int32_t tp_scaled_near(int32_t m, int up, int down, int32_t x) {
    const int32_t shifted = (int32_t)((uint32_t)x << up);
    const int32_t high = (int32_t)(((int64_t)shifted * m) >> 32);
    return ((high >> down) + 1) >> 1;
}

/* round(x * m * 2^-n), halves up, saturated to 32 bits. */
static inline int32_t tp_scaled(const tp_scaler *s, int32_t x) {
    if ((uint32_t)x + s->limit >= 2 * s->limit) {
        return tp_shift_round_far((int64_t)x * s->m, s->n);
    }
    return tp_scaled_near(s->m, s->up, s->down, x);
}

/* Whether all of [-bound, bound] are below the limit: then a loop can go
 * without asking for each. */
static inline bool tp_scaler_near(const tp_scaler *s, uint32_t bound) {
    return bound < s->limit;
}

#endif
