/* The instructions on halves and bytes of a word that kernels in C use. On
 * cores that have them they are the compiler's intrinsics, elsewhere what
 * follows: the same bits. */
#ifndef TP_KERNELS_DSP_SIMD_H
#define TP_KERNELS_DSP_SIMD_H

#include <stdint.h>
#include <string.h>

/* Any four bytes. */
static inline uint32_t tp_load32(const void *from) {
    uint32_t v;
    memcpy(&v, from, sizeof v);
    return v;
}

static inline void tp_store32(void *to, uint32_t v) {
    memcpy(to, &v, sizeof v);
}

/* The lower halves of two words; the upper halves, that of a first. */
static inline uint32_t tp_pack_low(uint32_t a, uint32_t b) {
    return (a & 0xFFFFu) | b << 16;
}

static inline uint32_t tp_pack_high(uint32_t a, uint32_t b) {
    return a >> 16 | (b & 0xFFFF0000u);
}

/* round(a b / 2^32), halves up. */
static inline int32_t tp_smmulr(int32_t a, int32_t b) {
    return (int32_t)(((int64_t)a * b + (INT64_C(1) << 31)) >> 32);
}

#ifdef __ARM_FEATURE_DSP
#include <arm_acle.h>

/* Not __ssat(), a macro that warns of the sign of what it returns. */
static inline int32_t tp_sat16(int32_t v) {
    return (int32_t)__builtin_arm_ssat(v, 16);
}

static inline int32_t tp_sat17(int32_t v) {
    return (int32_t)__builtin_arm_ssat(v, 17);
}

static inline int32_t tp_smlad(uint32_t a, uint32_t b, int32_t acc) {
    return __smlad((int16x2_t)a, (int16x2_t)b, acc);
}

static inline uint32_t tp_sxtb16(uint32_t v) {
    return (uint32_t)__sxtb16((int8x4_t)v);
}

/* Half by half, with wrap-around. */
static inline uint32_t tp_add16(uint32_t a, uint32_t b) {
    return (uint32_t)__sadd16((int16x2_t)a, (int16x2_t)b);
}

/* Bytes 1 and 3. */
static inline uint32_t tp_sxtb16_odd(uint32_t v) {
    return (uint32_t)__sxtb16((int8x4_t)(v >> 8 | v << 24));
}

/* The bytes of v where lo <= y <= hi, else 0; int8 each. */
static inline uint32_t tp_between8(uint32_t y, uint32_t lo, uint32_t hi,
                                   uint32_t v) {
    (void)__ssub8((int8x4_t)y, (int8x4_t)lo);
    v = __sel(v, 0);
    (void)__ssub8((int8x4_t)hi, (int8x4_t)y);
    return __sel(v, 0);
}

/* The bytes of v where those of `open` are 1, not 0. */
static inline uint32_t tp_where8(uint32_t open, uint32_t v) {
    (void)__uadd8(open, 0xFFFFFFFFu);
    return __sel(v, 0);
}

/* acc and the bytes of v, as uint8. */
static inline uint32_t tp_sum8(uint32_t v, uint32_t acc) {
    return __usada8(v, 0, acc);
}

/* Sum and difference of bytes, as uint8, saturated. */
static inline uint32_t tp_uqadd8(uint32_t a, uint32_t b) {
    return __uqadd8(a, b);
}

static inline uint32_t tp_uqsub8(uint32_t a, uint32_t b) {
    return __uqsub8(a, b);
}

/* Sum of bytes, modulo 2^8. */
static inline uint32_t tp_uadd8(uint32_t a, uint32_t b) {
    return __uadd8(a, b);
}

/* Difference of halves, modulo 2^16. */
static inline uint32_t tp_ssub16(uint32_t a, uint32_t b) {
    return (uint32_t)__ssub16((int16x2_t)a, (int16x2_t)b);
}

/* The bytes of v, int8 but -128, without their signs. */
static inline uint32_t tp_abs8(uint32_t v) {
    const int8x4_t less = __ssub8(0, (int8x4_t)v);
    return __sel((uint32_t)less, v);
}

/* The larger, the smaller, of each int8 of two words. */
static inline uint32_t tp_max8(uint32_t a, uint32_t b) {
    (void)__ssub8((int8x4_t)a, (int8x4_t)b);
    return __sel(a, b);
}

static inline uint32_t tp_min8(uint32_t a, uint32_t b) {
    (void)__ssub8((int8x4_t)a, (int8x4_t)b);
    return __sel(b, a);
}

#else

/* In [-2^15, 2^15); in [-2^16, 2^16). */
static inline int32_t tp_sat16(int32_t v) {
    return v < -32768 ? -32768 : (v > 32767 ? 32767 : v);
}

static inline int32_t tp_sat17(int32_t v) {
    return v < -65536 ? -65536 : (v > 65535 ? 65535 : v);
}

/* Both halves of a times those of b, added to acc. */
static inline int32_t tp_smlad(uint32_t a, uint32_t b, int32_t acc) {
    const int32_t low = (int16_t)a * (int16_t)b;
    const int32_t high = (int16_t)(a >> 16) * (int16_t)(b >> 16);
    return (int32_t)((uint32_t)acc + (uint32_t)low + (uint32_t)high);
}

/* Bytes 0 and 2 of a word, as int16. */
static inline uint32_t tp_sxtb16(uint32_t v) {
    const uint32_t low = (uint32_t)(int8_t)v & 0xFFFFu;
    const uint32_t high = (uint32_t)(int8_t)(v >> 16);
    return high << 16 | low;
}

/* Bytes 1 and 3. */
static inline uint32_t tp_sxtb16_odd(uint32_t v) {
    return tp_sxtb16(v >> 8);
}

/* Half by half, with wrap-around. */
static inline uint32_t tp_add16(uint32_t a, uint32_t b) {
    return ((a + b) & 0xFFFFu) | ((a & 0xFFFF0000u) + (b & 0xFFFF0000u));
}

/* The bytes of v where lo <= y <= hi, else 0; int8 each. */
static inline uint32_t tp_between8(uint32_t y, uint32_t lo, uint32_t hi,
                                   uint32_t v) {
    uint32_t out = 0;
    for (int i = 0; i < 32; i += 8) {
        const int8_t at = (int8_t)(y >> i);
        if ((int8_t)(lo >> i) <= at && at <= (int8_t)(hi >> i)) {
            out |= v & (0xFFu << i);
        }
    }
    return out;
}

/* The bytes of v where those of `open` are 1, not 0. */
static inline uint32_t tp_where8(uint32_t open, uint32_t v) {
    return v & open * 0xFFu;
}

/* The larger, the smaller, of each int8 of two words. */
static inline uint32_t tp_max8(uint32_t a, uint32_t b) {
    uint32_t out = 0;
    for (int i = 0; i < 32; i += 8) {
        const uint32_t v = (int8_t)(a >> i) > (int8_t)(b >> i) ? a : b;
        out |= v & (0xFFu << i);
    }
    return out;
}

static inline uint32_t tp_min8(uint32_t a, uint32_t b) {
    return ~tp_max8(~a, ~b);
}

/* acc and the bytes of v, as uint8. */
static inline uint32_t tp_sum8(uint32_t v, uint32_t acc) {
    return acc + (v & 0xFFu) + (v >> 8 & 0xFFu) + (v >> 16 & 0xFFu) + (v >> 24);
}

/* Sum and difference of bytes, as uint8, saturated. */
static inline uint32_t tp_uqadd8(uint32_t a, uint32_t b) {
    uint32_t out = 0;
    for (int i = 0; i < 32; i += 8) {
        const uint32_t sum = (a >> i & 0xFFu) + (b >> i & 0xFFu);
        out |= (sum > 255 ? 255 : sum) << i;
    }
    return out;
}

static inline uint32_t tp_uqsub8(uint32_t a, uint32_t b) {
    uint32_t out = 0;
    for (int i = 0; i < 32; i += 8) {
        const uint32_t from = a >> i & 0xFFu;
        const uint32_t less = b >> i & 0xFFu;
        out |= (from > less ? from - less : 0) << i;
    }
    return out;
}

/* Sum of bytes, modulo 2^8. */
static inline uint32_t tp_uadd8(uint32_t a, uint32_t b) {
    const uint32_t high = 0x80808080u;
    return ((a & ~high) + (b & ~high)) ^ ((a ^ b) & high);
}

/* Difference of halves, modulo 2^16. */
static inline uint32_t tp_ssub16(uint32_t a, uint32_t b) {
    return tp_pack_low(a - b, (a >> 16) - (b >> 16));
}

/* The bytes of v, int8 but -128, without their signs. */
static inline uint32_t tp_abs8(uint32_t v) {
    const uint32_t negative = v >> 7 & 0x01010101u;
    return (v ^ negative * 0xFFu) + negative;
}

#endif
#endif
