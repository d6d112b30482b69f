/* Fixed-point arithmetic of TensorFlow Lite and of training.
 *
 * Right shifts of negative numbers are arithmetic on every compiler that we
 * support (GCC, Clang, Arm, IAR); a static check stands below. */
#ifndef TP_CORE_FIXED_H
#define TP_CORE_FIXED_H

#include <stdint.h>

_Static_assert((-3 >> 1) == -2, "needs an arithmetic right shift");

static inline int32_t tp_min32(int32_t a, int32_t b) {
    return a < b ? a : b;
}
static inline int32_t tp_max32(int32_t a, int32_t b) {
    return a > b ? a : b;
}

static inline int32_t tp_clamp32(int32_t x, int32_t lo, int32_t hi) {
    return tp_min32(tp_max32(x, lo), hi);
}

static inline int32_t tp_sat32(int64_t x) {
    if (x > INT32_MAX) {
        return INT32_MAX;
    }
    return x < INT32_MIN ? INT32_MIN : (int32_t)x;
}

/* |x| as unsigned; right for INT32_MIN too. */
static inline uint32_t tp_abs32(int32_t x) {
    return x < 0 ? 0u - (uint32_t)x : (uint32_t)x;
}

/* Bits needed for x: 0 for 0, 32 for 2^31. */
#ifdef __ARM_FEATURE_CLZ
static inline int tp_bits32(uint32_t x) {
    return x == 0 ? 0 : 32 - __builtin_clz(x);
}
#else
static inline int tp_bits32(uint32_t x) {
    int n = 0;
    for (int step = 16; step > 0; step >>= 1) {
        if (x >> step) {
            x >>= step;
            n += step;
        }
    }
    return n + (int)x;
}
#endif

/* gemmlowp's SaturatingRoundingDoublingHighMul: round(a*b / 2^31), halves up.
 * b is a multiplier, never INT32_MIN, so nothing saturates. */
static inline int32_t tp_srdhm(int32_t a, int32_t b) {
    return (int32_t)(((int64_t)a * b + (INT64_C(1) << 30)) >> 31);
}

/* gemmlowp's RoundingDivideByPOT: round(x / 2^n), halves away from zero;
 * n in [0, 31]. */
static inline int32_t tp_rdbpot(int32_t x, int n) {
    const int32_t mask = (int32_t)((UINT32_C(1) << n) - 1u);
    const int32_t threshold = (mask >> 1) + (x < 0 ? 1 : 0);
    return (x >> n) + ((x & mask) > threshold ? 1 : 0);
}

/* TensorFlow Lite's MultiplyByQuantizedMultiplier (double rounding):
 * x * m * 2^(s-31), s in [-31, 30]. Like the original it wraps where
 * x * 2^s leaves 32 bits. */
static inline int32_t tp_mbqm(int32_t x, int32_t m, int s) {
    const int left = s > 0 ? s : 0;
    const int right = s > 0 ? 0 : -s;
    return tp_rdbpot(tp_srdhm((int32_t)((uint32_t)x << left), m), right);
}

/* round(x * 2^-n), halves up, saturated to 32 bits; any n. */
static inline int32_t tp_shift_round(int64_t x, int n) {
    if (n >= 63) {
        return 0;
    }
    if (n > 0) {
        return tp_sat32(((x >> (n - 1)) + 1) >> 1);
    }
    if (n <= -32) {
        return x == 0 ? 0 : (x > 0 ? INT32_MAX : INT32_MIN);
    }
    const int64_t limit = INT64_C(1) << (31 + n);
    if (x >= limit) {
        return INT32_MAX;
    }
    return x < -limit ? INT32_MIN : (int32_t)((uint32_t)x << -n);
}

/* round(x * m * 2^(s-31)), halves up, saturated to 32 bits; any s.
 * |x * m| < 2^62. For scales that move at run time. */
static inline int32_t tp_scale(int32_t x, int32_t m, int s) {
    return tp_shift_round((int64_t)x * m, 31 - s);
}

#endif
