/* Arithmetic on tp_bfp, for norms and factors whose range no fixed point
 * holds. Every operation is right to 2^-30 of its result. */
#ifndef TP_CORE_BFP_H
#define TP_CORE_BFP_H

#include <stdbool.h>
#include <stdint.h>

#include "core/fixed.h"
#include "tinypeft/types.h"

/* x * 2^e. */
static inline tp_bfp tp_bfp_of(uint64_t x, int32_t e) {
    if (x == 0) {
        return (tp_bfp){0, 0};
    }
    const uint32_t high = (uint32_t)(x >> 32);
    const int bits = high != 0 ? 32 + tp_bits32(high) : tp_bits32((uint32_t)x);
    const int shift = bits - 32;
    const uint64_t m = shift >= 0 ? x >> shift : x << -shift;
    return (tp_bfp){(uint32_t)m, e + shift};
}

static inline tp_bfp tp_bfp_mul(tp_bfp a, tp_bfp b) {
    return tp_bfp_of((uint64_t)a.m * b.m, a.e + b.e);
}

static inline tp_bfp tp_bfp_add(tp_bfp a, tp_bfp b) {
    if (a.m == 0 || b.m == 0) {
        return a.m == 0 ? b : a;
    }
    const bool a_larger = a.e >= b.e;
    const tp_bfp large = a_larger ? a : b;
    const tp_bfp small = a_larger ? b : a;
    const int32_t apart = large.e - small.e;
    const uint64_t low = apart < 32 ? (uint64_t)small.m >> apart : 0;
    return tp_bfp_of((uint64_t)large.m + low, large.e);
}

/* a / b; 0 where b is 0. */
static inline tp_bfp tp_bfp_div(tp_bfp a, tp_bfp b) {
    if (b.m == 0) {
        return b;
    }
    return tp_bfp_of(((uint64_t)a.m << 31) / b.m, a.e - b.e - 31);
}

/* Digit by digit, the highest first: 32 steps, no division. */
static inline tp_bfp tp_bfp_sqrt(tp_bfp a) {
    if (a.m == 0) {
        return a;
    }
    const bool odd = ((a.e + 32) & 1) != 0;
    uint64_t rest = (uint64_t)a.m << (odd ? 31 : 32);
    const int32_t e = a.e - (odd ? 31 : 32);
    uint64_t root = 0;
    for (uint64_t bit = UINT64_C(1) << 62; bit != 0; bit >>= 2) {
        if (rest >= root + bit) {
            rest -= root + bit;
            root = (root >> 1) + bit;
        } else {
            root >>= 1;
        }
    }
    return tp_bfp_of(root, e / 2);
}

static inline bool tp_bfp_less(tp_bfp a, tp_bfp b) {
    if (a.m == 0 || b.m == 0) {
        return a.m == 0 && b.m != 0;
    }
    return a.e != b.e ? a.e < b.e : a.m < b.m;
}

#endif
