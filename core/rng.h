/* Marsaglia's xorshift32 (2003), triple 13, 17, 5: one word of state, period
 * 2^32 - 1, the same numbers on every machine. For initial weights, sample
 * order and stochastic rounding; never for secrets. */
#ifndef TP_CORE_RNG_H
#define TP_CORE_RNG_H

#include <stdint.h>

/* Any seed, 0 included, to a valid state; near seeds to distant states. */
static inline uint32_t tp_rng_seed(uint32_t seed) {
    uint32_t x = seed + UINT32_C(0x9E3779B9);
    x = (x ^ (x >> 16)) * UINT32_C(0x85EBCA6B);
    x = (x ^ (x >> 13)) * UINT32_C(0xC2B2AE35);
    x ^= x >> 16;
    return x != 0 ? x : 1u;
}

static inline uint32_t tp_rng_next(uint32_t *state) {
    uint32_t x = *state;
    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;
    *state = x;
    return x;
}

/* Uniform in [0, n), n in [1, 2^16]; bias below n / 2^32. */
static inline uint32_t tp_rng_below(uint32_t *state, uint32_t n) {
    return (uint32_t)(((uint64_t)tp_rng_next(state) * n) >> 32);
}

/* About Gaussian, mean 0, standard deviation 2^13: the sum of 12 uniform
 * 14-bit numbers (Irwin-Hall), variance 12 * 2^28 / 12, scaled by 1/2. */
static inline int32_t tp_rng_gauss_q13(uint32_t *state) {
    int32_t sum = -12 * 8192 + 6;
    for (int i = 0; i < 12; i++) {
        sum += (int32_t)(tp_rng_next(state) >> 18);
    }
    return sum >> 1;
}

/* About Gaussian in [-60, 60], mean 0, standard deviation sqrt(170) = 13.04:
 * the sum of the eight 4-bit digits of one number (Irwin-Hall), each uniform
 * with variance 255 / 12. The digits are added within the word. */
static inline int32_t tp_rng_gauss_s8(uint32_t *state) {
    uint32_t x = tp_rng_next(state);
    x = (x & UINT32_C(0x0F0F0F0F)) + ((x >> 4) & UINT32_C(0x0F0F0F0F));
    return (int32_t)((x * UINT32_C(0x01010101)) >> 24) - 60;
}

#endif
