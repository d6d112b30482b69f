#include "core/bfp.h"

#include "core/fixed.h"

tp_bfp tp_bfp_of(uint64_t x, int32_t e) {
    const uint32_t high = (uint32_t)(x >> 32);
    if (high != 0) {
        const int shift = tp_bits32(high);
        return (tp_bfp){(uint32_t)(x >> shift), e + shift};
    }
    const uint32_t low = (uint32_t)x;
    const int shift = 32 - tp_bits32(low);
    return low == 0 ? (tp_bfp){0, 0} : (tp_bfp){low << shift, e - shift};
}

tp_bfp tp_bfp_mul(tp_bfp a, tp_bfp b) {
    return tp_bfp_of((uint64_t)a.m * b.m, a.e + b.e);
}

tp_bfp tp_bfp_add(tp_bfp a, tp_bfp b) {
    if (a.m == 0 || b.m == 0) {
        return a.m == 0 ? b : a;
    }
    const bool a_larger = a.e >= b.e;
    const tp_bfp large = a_larger ? a : b;
    const tp_bfp small = a_larger ? b : a;
    const int32_t apart = large.e - small.e;
    const uint32_t low = apart < 32 ? small.m >> apart : 0;
    return tp_bfp_of((uint64_t)large.m + low, large.e);
}

/* One digit of 16 bits. `rest` is what of n is left, below d; below it comes
 * `next`. A first guess from the upper half of d is at most 2 too large: Knuth,
 * The Art of Computer Programming, 4.3.1, theorem B. */
static uint32_t digit(uint32_t *rest, uint32_t next, uint32_t d) {
    const uint32_t high = d >> 16;
    uint32_t q = *rest / high;
    uint32_t r = *rest - q * high;
    while (r < 65536u && (q > 65535u || q * (d & 65535u) > (r << 16 | next))) {
        q--;
        r += high;
    }
    *rest = (*rest << 16 | next) - q * d;
    return q;
}

uint32_t tp_divide(uint64_t n, uint32_t d) {
    uint32_t rest = (uint32_t)(n >> 32);
    const uint32_t low = (uint32_t)n;
    const uint32_t q = digit(&rest, low >> 16, d);
    return q << 16 | digit(&rest, low & 65535u, d);
}

/* a.m / 2 < 2^31 <= b.m, so that the quotient has 32 bits. */
tp_bfp tp_bfp_div(tp_bfp a, tp_bfp b) {
    if (b.m == 0) {
        return b;
    }
    return tp_bfp_of(tp_divide((uint64_t)a.m << 31, b.m), a.e - b.e - 31);
}

/* floor(sqrt(n)) of 32 bits, digit by digit. */
static uint32_t root16(uint32_t n) {
    uint32_t root = 0;
    for (uint32_t bit = UINT32_C(1) << 30; bit != 0; bit >>= 2) {
        const uint32_t next = root + bit;
        root >>= 1;
        if (n >= next) {
            n -= next;
            root += bit;
        }
    }
    return root;
}

/* floor(sqrt(n)) for n >= 2^62: the root of the upper half, then as many bits
 * more by one division, which may give 1 too many. Zimmermann 1999, Karatsuba
 * Square Root, INRIA RR-3805. */
static uint32_t root32(uint64_t n) {
    const uint32_t high = (uint32_t)(n >> 32);
    const uint32_t low = (uint32_t)n;
    const uint32_t s = root16(high); /* >= 2^15 */
    const uint64_t rest = (uint64_t)(high - s * s) << 16 | low >> 16;
    const uint32_t q = (uint32_t)(rest >> 1) / s;
    const uint64_t u = (rest - 2u * (uint64_t)s * q) << 16 | (low & 65535u);
    return (s << 16) + q - ((uint64_t)q * q > u ? 1u : 0u);
}

tp_bfp tp_bfp_sqrt(tp_bfp a) {
    if (a.m == 0) {
        return a;
    }
    const bool odd = ((a.e + 32) & 1) != 0;
    const int shift = odd ? 31 : 32;
    return tp_bfp_of(root32((uint64_t)a.m << shift), (a.e - shift) / 2);
}

bool tp_bfp_less(tp_bfp a, tp_bfp b) {
    if (a.m == 0 || b.m == 0) {
        return a.m == 0 && b.m != 0;
    }
    return a.e != b.e ? a.e < b.e : a.m < b.m;
}
