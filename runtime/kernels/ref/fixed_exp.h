/* The fixed-point exponential and reciprocal of TensorFlow Lite (gemmlowp),
 * bit for bit: SOFTMAX runs them, the tables of LOGISTIC and TANH are made
 * with them.
 *
 * Qn is a number with n bits before the binary point: real = raw * 2^(n-31).
 * The product of Qa and Qb by tp_srdhm() is Q(a+b). "One" in Q0, which it
 * cannot hold, is INT32_MAX. */
#ifndef TP_KERNELS_REF_FIXED_EXP_H
#define TP_KERNELS_REF_FIXED_EXP_H

#include "core/fixed.h"

/* x * 2^n, saturated outside +-(2^(31-n) - 1); n in [0, 30]. */
static inline int32_t tp_shl_sat(int32_t x, int n) {
    const int32_t limit = (int32_t)((UINT32_C(1) << (31 - n)) - 1u);
    if (x > limit) {
        return INT32_MAX;
    }
    return x < -limit ? INT32_MIN : (int32_t)((uint32_t)x << n);
}

/* tp_srdhm() of |a| < 2^30: doubled first, the result is an upper word. */
static inline int32_t tp_srdhm_half(int32_t a, int32_t b) {
    return (int32_t)(((int64_t)(2 * a) * b + INT64_C(0x80000000)) >> 32);
}

/* e^a for a in [-1/4, 0), Q0 to Q0: the Taylor series of order 4 about -1/8,
 *   e^(-1/8) (1 + t + t^2/2 + t^3/6 + t^4/24), t = a + 1/8.
 * |t| <= 1/8, so that no sum below leaves Q0. What is halved and quartered is
 * not negative: t^2 is at least 8 |t^3|. */
static inline int32_t tp_exp_quarter(int32_t a) {
    const int32_t middle = 1895147668; /* e^(-1/8) */
    const int32_t third = 715827883;   /* 1/3 */
    const int32_t t = a + (1 << 28);
    const int32_t t2 = tp_srdhm_half(t, t);
    const int32_t t3 = tp_srdhm_half(t2, t);
    const int32_t t4 = tp_srdhm_half(t2, t2);
    const int32_t t34 = tp_srdhm_half(((t4 + 2) >> 2) + t3, third);
    const int32_t tail = (t34 + t2 + 1) >> 1;
    return middle + tp_srdhm_half(t + tail, middle);
}

/* e^a for a <= 0.
 *   a     Q<bits>, bits 4 or 5
 * Returns Q0. Takes a mod 1/4 by the series, the rest as factors e^(-2^k),
 * one for each bit of -a above. */
static inline int32_t tp_exp_negative(int32_t a, int bits) {
    /* e^(-2^k) in 2^-32, twice what Q0 has, k = -2 .. 4 */
    static const uint32_t factor[7] = {
        2 * 1672461947u, 2 * 1302514674u, 2 * 790015084u, 2 * 290630308u,
        2 * 39332535u,   2 * 720401u,     2 * 242u};
    const int32_t quarter = (int32_t)1 << (29 - bits);
    const int32_t rest = (a & (quarter - 1)) - quarter;
    const uint32_t whole = (uint32_t)(rest - a) >> (29 - bits);
    const uint32_t *f = factor;

    if (a == 0) {
        return INT32_MAX;
    }
    uint32_t y = (uint32_t)tp_exp_quarter(rest * ((int32_t)1 << bits));
    for (uint32_t left = whole; left != 0; left >>= 1, f++) {
        if ((left & 1u) != 0) {
            y = (uint32_t)(((uint64_t)y * *f + UINT32_C(0x80000000)) >> 32);
        }
    }
    return (int32_t)y;
}

/* 2 / (1 + a), Q0 to Q2, a in [0, 1]: three steps of Newton and Raphson for
 * 1 / d, d = (1 + a) / 2 in [1/2, 1], from the line 48/17 - 32/17 d. The line
 * is off by at most 1/17, so that every value below stays within [-1, 4). */
static inline int32_t tp_reciprocal_newton(int32_t a) {
    const int32_t one = 1 << 29;
    const int32_t d = (int32_t)(((int64_t)a + INT64_C(0x80000000)) >> 1);
    int32_t x = 1515870810 + tp_srdhm(d, -1010580540);

    for (int i = 0; i < 3; i++) {
        x += tp_shl_sat(tp_srdhm(x, one - tp_srdhm(d, x)), 2);
    }
    return x;
}

/* 1 / (1 + a), Q0 to Q0, a in [0, 1]. */
static inline int32_t tp_reciprocal_one_plus(int32_t a) {
    return tp_shl_sat(tp_reciprocal_newton(a), 1);
}

#endif
