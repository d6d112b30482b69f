#include "compiler/ops/stairs.h"

#include "core/fixed.h"
#include "runtime/kernels/scalar/stair.h"

#define STEPS 256
#define TRIES 64 /* values of m on either side of the nearest */

typedef struct stairs {
    const tp_stairs *in;
    int32_t y0; /* the lowest output */
    int32_t n;  /* outputs above it */
    int64_t base;
    int64_t t[STEPS]; /* the smallest sum, less base, of output y0 + 1 + k */
} stairs;

/* The byte of `ref`. */
static int32_t output(const tp_stairs *in, int64_t sum) {
    const int32_t y = (int32_t)((uint32_t)tp_mbqm((int32_t)sum, in->m, in->s) +
                                (uint32_t)in->y_zp);
    return tp_clamp32(y, in->y_min, in->y_max);
}

/* The smallest sum in [lo, hi] whose output is at least y; hi's is. */
static int64_t first_sum(const tp_stairs *in, int64_t lo, int32_t y) {
    int64_t hi = in->hi;
    while (lo < hi) {
        const int64_t middle = lo + (hi - lo) / 2;
        if (output(in, middle) >= y) {
            hi = middle;
        } else {
            lo = middle + 1;
        }
    }
    return lo;
}

/* Rounding is monotone, so that a search finds each step. */
static void find_steps(stairs *s) {
    int64_t from = s->in->lo;
    for (int32_t k = 0; k < s->n; k++) {
        from = first_sum(s->in, from, s->y0 + 1 + k);
        s->t[k] = from;
    }
    s->base = s->n > 0 ? s->t[0] - 1 : s->in->lo;
    for (int32_t k = 0; k < s->n; k++) {
        s->t[k] -= s->base;
    }
}

/* t m 2^-12 as the kernel has it, but not modulo 2^32. */
static int64_t scaled(int64_t t, uint32_t m) {
    const int64_t low = m & ((1u << TP_STAIR_FINE) - 1u);
    return t * (int64_t)(m >> TP_STAIR_FINE) + (t * low >> TP_STAIR_FINE);
}

/* An r for which every step is where it belongs, and the highest output is the
 * last: its byte 3 does not carry. -1: none. */
static int64_t rounding(const stairs *s, uint32_t m) {
    const int64_t one = INT64_C(1) << 24;
    int64_t least = 0;
    int64_t most = (s->n + 1) * one - 1 - scaled(s->t[s->n - 1], m);
    for (int32_t k = 0; k < s->n; k++) {
        const int64_t at_least = (k + 1) * one - scaled(s->t[k], m);
        const int64_t below = (k + 1) * one - 1 - scaled(s->t[k] - 1, m);
        least = at_least > least ? at_least : least;
        most = below < most ? below : most;
    }
    return least <= most ? least + (most - least) / 2 : -1;
}

/* The nearest m is that of the exact factor, 2^24 for each output. */
static bool find(const stairs *s, uint32_t *m, int64_t *r) {
    const int32_t e = -s->in->s;
    const int64_t exact = e > 5 ? (((int64_t)s->in->m >> (e - 6)) + 1) >> 1
                                : (int64_t)s->in->m << (5 - e);
    for (int64_t i = 0; i < 2 * TRIES; i++) {
        const int64_t v = exact + (i % 2 == 0 ? i / 2 : -(i + 1) / 2);
        if (v < 1 || v > UINT32_MAX) {
            continue;
        }
        *m = (uint32_t)v;
        *r = rounding(s, *m);
        if (*r >= 0) {
            return true;
        }
    }
    return false;
}

static bool fits(int64_t v) {
    return v >= INT32_MIN && v <= INT32_MAX;
}

/* Sums from end to end of 31 bits: those beyond are clamped. */
static bool widen(tp_stairs *in) {
    const int64_t end = INT64_C(1) << 30;
    const bool inside = in->lo >= -end && in->hi <= end;
    in->lo = -end;
    in->hi = end;
    return inside && output(in, -end) == in->y_min &&
           output(in, end) == in->y_max;
}

bool tp_stairs_make(const tp_stairs *of, int32_t *words) {
    tp_stairs wide = *of;
    const tp_stairs *in = &wide;
    stairs s = {.in = in};
    uint32_t m = 0;
    int64_t r = 0;
    if (!fits(in->lo) || !fits(in->hi) || in->s > 0 || in->s < -31 ||
        (in->open && !widen(&wide))) {
        return false;
    }
    s.y0 = output(in, in->lo);
    s.n = output(in, in->hi) - s.y0;
    find_steps(&s);
    const int64_t top = s.n > 0 ? s.t[s.n - 1] : 0;
    if (top > TP_STAIR_MOST || !fits(in->start - s.base) ||
        !fits(in->lo - s.base) || !fits(in->hi - s.base) ||
        (s.n > 0 && !find(&s, &m, &r))) {
        return false;
    }
    words[TP_STAIR_START] = (int32_t)(in->start - s.base);
    words[TP_STAIR_TOP] = (int32_t)top;
    words[TP_STAIR_M] = (int32_t)m;
    words[TP_STAIR_R] = (int32_t)((uint32_t)r + ((uint32_t)s.y0 << 24));
    return true;
}
