/* The arithmetic of a frame. The bounds rest on one number: before the
 * transform the frame is scaled by a power of two, 2^e, so that the sum S of
 * its absolute values is below 2^29. Whatever the transform computes is a sum
 * of some samples times factors of modulus 1, so its modulus is at most S:
 * no stage needs scaling. Rounding adds less than 2^10 to it.
 *
 * Where `work->frame` holds complex numbers, they alternate: re, im. */
#include "examples/kws/frontend/mfcc.h"

#include "core/fixed.h"
#include "examples/kws/frontend/mfcc_tables.h"

enum {
    POINTS = KWS_FFT / 2, /* of the complex transform */
    QUARTER = KWS_FFT / 4,
    NORM_BITS = 29,
    MAX_EXPONENT = 12, /* 2^12: beyond it only silence, and 1e-6 decides */
    LOG_BITS = 22,
    DCT_BITS = LOG_BITS + 30
};

/* x * f / 2^30, rounded; |f| <= 2^30. */
static int32_t scale_q30(int32_t x, int32_t f) {
    return (int32_t)(((int64_t)x * f + (1 << 29)) >> 30);
}

/* Windows the frame and pads it with zeros; returns e in [-10, 12].
 * S <= 2^31 * 240 < 2^39 before scaling: e >= 29 - 39. */
static int window(int32_t *x) {
    uint64_t sum = 0;
    for (int n = 0; n < KWS_FRAME; n++) {
        const int mirror = n <= KWS_FRAME / 2 ? n : KWS_FRAME - n;
        x[n] = scale_q30(x[n], hann_q30[mirror]);
        sum += tp_abs32(x[n]);
    }
    for (int n = KWS_FRAME; n < KWS_FFT; n++) {
        x[n] = 0;
    }
    const int bits = 10 + tp_bits32((uint32_t)(sum >> 10));
    const int e = tp_min32(NORM_BITS - bits, MAX_EXPONENT);
    for (int n = 0; n < KWS_FRAME; n++) {
        x[n] = tp_shift_round(x[n], -e);
    }
    return e;
}

/* cos and sin of 2 pi k / 512 in Q30; k in [0, 256). */
static void turn(int k, int32_t *c, int32_t *s) {
    if (k <= QUARTER) {
        *c = cos_q30[k];
        *s = cos_q30[QUARTER - k];
    } else {
        *c = -cos_q30[2 * QUARTER - k];
        *s = cos_q30[k - QUARTER];
    }
}

static void swap(int32_t *a, int32_t *b) {
    const int32_t t = *a;
    *a = *b;
    *b = t;
}

/* Puts complex point i where i with its bits reversed is. */
static void reverse_bits(int32_t *z) {
    int j = 0;
    for (int i = 0; i < POINTS - 1; i++) {
        if (i < j) {
            swap(&z[2 * i], &z[2 * j]);
            swap(&z[2 * i + 1], &z[2 * j + 1]);
        }
        int bit = POINTS / 2;
        for (; j & bit; bit >>= 1) {
            j ^= bit;
        }
        j |= bit;
    }
}

/* a, b = a + w b, a - w b with w = c - i s. |w b| <= S: the products are
 * below 2^29 * 2^30 and their sum below 2^60. */
static void butterfly(int32_t *a, int32_t *b, int32_t c, int32_t s) {
    const int64_t half = INT64_C(1) << 29;
    const int32_t re =
        (int32_t)(((int64_t)b[0] * c + (int64_t)b[1] * s + half) >> 30);
    const int32_t im =
        (int32_t)(((int64_t)b[1] * c - (int64_t)b[0] * s + half) >> 30);
    b[0] = a[0] - re;
    b[1] = a[1] - im;
    a[0] += re;
    a[1] += im;
}

/* Complex transform in place, decimation in time: 8 stages, each of which
 * at most doubles the rounding error so far and adds 1: below 2^9 at last. */
static void transform(int32_t *z) {
    reverse_bits(z);
    for (int half = 1; half < POINTS; half *= 2) {
        for (int k = 0; k < half; k++) {
            int32_t c, s;
            turn(k * (POINTS / half), &c, &s);
            for (int n = k; n < POINTS; n += 2 * half) {
                butterfly(&z[2 * n], &z[2 * (n + half)], c, s);
            }
        }
    }
}

/* floor(sqrt(x)), x < 2^62, one bit of the result at a time. */
static uint32_t square_root(uint64_t x) {
    uint64_t root = 0;
    for (uint64_t bit = UINT64_C(1) << 60; bit != 0; bit >>= 2) {
        if (x >= root + bit) {
            x -= root + bit;
            root = (root >> 1) + bit;
        } else {
            root >>= 1;
        }
    }
    return (uint32_t)root;
}

/* Twice the magnitude of bin k of the real frame, k in [1, 127]: with a =
 * z[k] and b = conj(z[256 - k]), 2 X = a + b - i w (a - b). At most 2 S <
 * 2^30 + 2^11, its square below 2^61. */
static uint32_t magnitude(const int32_t *z, int k) {
    const int32_t *a = &z[2 * k];
    const int32_t *b = &z[2 * (POINTS - k)];
    int32_t c, s;
    turn(k, &c, &s);
    const int32_t odd[2] = {a[1] + b[1], b[0] - a[0]};
    const int64_t half = INT64_C(1) << 29;
    const int64_t re =
        a[0] + b[0] +
        (((int64_t)odd[0] * c + (int64_t)odd[1] * s + half) >> 30);
    const int64_t im =
        a[1] - b[1] +
        (((int64_t)odd[1] * c - (int64_t)odd[0] * s + half) >> 30);
    return square_root((uint64_t)(re * re) + (uint64_t)(im * im));
}

/* Adds each bin to the two bands between whose centres it lies. Band j of
 * the model is band[j + 1]. The triangles sum to 1: 127 bins of less than
 * 2^30.1 * 2^24 stay below 2^62. */
static void gather(kws_mfcc_work *work) {
    const uint64_t one = UINT64_C(1) << 24;
    for (int j = 0; j < KWS_BANDS + 2; j++) {
        work->band[j] = 0;
    }
    for (int k = 1; k < QUARTER; k++) {
        const uint64_t x = magnitude(work->frame, k);
        const int32_t place = mel_q24[k - 1];
        const uint64_t up = (uint64_t)place & (one - 1);
        work->band[place >> 24] += x * (one - up);
        work->band[(place >> 24) + 1] += x * up;
    }
}

/* log2(x) in Q22, x > 0. Squaring the mantissa m in [1, 2) doubles its
 * logarithm; the new integer bit is the next bit of the result. Step i adds
 * at most 2^-31 / 2^i of relative error: the bits are right to one in the
 * last place. Source: Knuth, TAOCP 1, 1.2.2, exercise 25. */
static int32_t log2_q22(uint64_t x) {
    int bits = tp_bits32((uint32_t)(x >> 32));
    bits = bits > 0 ? 32 + bits : tp_bits32((uint32_t)x);
    uint64_t m = (x << (64 - bits)) >> 32; /* Q31 */
    int32_t fraction = 0;
    for (int i = 0; i < LOG_BITS; i++) {
        m = m * m; /* < 2^64, Q62 */
        const int carry = (int)(m >> 63);
        m >>= 31 + carry;
        fraction = 2 * fraction + carry;
    }
    return (bits - 1) * (1 << LOG_BITS) + fraction;
}

/* Logarithms of the bands, scaled by 2^e, in real units.
 * A band is in units of 2^-(26 + e), twice (magnitude), times 2^-24. */
static void logarithms(kws_mfcc_work *work, int e) {
    const int unit = KWS_SIGNAL_BITS + 1 + 24 + e; /* in [41, 63] */
    const uint64_t tiny = UINT64_C(9223372036855) >> (63 - unit); /* 1e-6 */
    for (int j = 0; j < KWS_BANDS; j++) {
        work->log2_q22[j] =
            log2_q22(work->band[j + 1] + tiny) - unit * (1 << LOG_BITS);
    }
}

/* cos(pi j / 80), j in [0, 160), with the scale of the output. */
static int32_t cosine(int j) {
    const int fold = j <= 80 ? j : 160 - j;
    return fold <= 40 ? dct_q30[fold] : -dct_q30[80 - fold];
}

/* Coefficient k. Logarithms lie in [-20, 21], below 2^27 in Q22, table
 * entries below 2^28.1: the sum of 40 stays below 2^61. */
static int8_t coefficient(const int32_t *x, int k) {
    int64_t sum = INT64_C(167) * (INT64_C(1) << (DCT_BITS - 1)); /* 83.5 */
    for (int n = 0; n < KWS_BANDS; n++) {
        sum += (int64_t)x[n] * cosine(k * (2 * n + 1) % (4 * KWS_BANDS));
    }
    return (int8_t)tp_clamp32((int32_t)(sum >> DCT_BITS), INT8_MIN, INT8_MAX);
}

void kws_mfcc_frame(kws_mfcc_work *work, int8_t *out) {
    const int e = window(work->frame);
    transform(work->frame);
    gather(work);
    logarithms(work, e);
    for (int k = 0; k < KWS_COEFFICIENTS; k++) {
        out[k] = coefficient(work->log2_q22, k);
    }
}
