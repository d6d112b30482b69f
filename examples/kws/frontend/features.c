#include "examples/kws/frontend/features.h"

#include "core/fixed.h"
#include "examples/kws/frontend/resample.h"

/* Division by the largest sample as a multiplication: x * factor / 2^shift
 * is x / largest in Q26. */
typedef struct gain {
    int32_t factor;
    int shift;
} gain;

/* Sample t of the second, in units of 2^-14 of the clip's; below 2^30.2. */
static int32_t sample(const kws_clip *clip, int32_t t) {
    if (clip->rate != KWS_RATE) {
        const int32_t start = KWS_RATE / 2 - clip->length;
        return kws_resample_2x(clip->audio, clip->length, t - start);
    }
    const int32_t i = t - (KWS_RATE - clip->length) / 2;
    return i >= 0 && i < clip->length ? clip->audio[i] * (1 << 14) : 0;
}

/* With b bits, largest * 2^(31 - b) is in [2^30, 2^31), so that factor is in
 * (2^30, 2^31] and saturates at one power of two alone: off by 2^-31. */
static gain normaliser(const kws_clip *clip) {
    int32_t largest = 0;
    for (int32_t t = 0; t < KWS_RATE; t++) {
        largest = tp_max32(largest, sample(clip, t));
    }
    if (largest == 0) {
        return (gain){0, 1};
    }
    const int bits = tp_bits32((uint32_t)largest);
    const int64_t mantissa = (int64_t)largest << (31 - bits);
    return (gain){tp_sat32((INT64_C(1) << 61) / mantissa), 4 + bits};
}

/* x / largest in Q26, within +-(2^31 - 2^20): leaves room for the dither.
 * |x * factor| < 2^62. */
static int32_t normalise(int32_t x, gain g) {
    const int32_t limit = INT32_MAX - (1 << 20);
    const int64_t y = ((int64_t)x * g.factor) >> g.shift;
    return tp_clamp32(tp_sat32(y), -limit, limit);
}

/* Numerical Recipes' generator, modulo 2^32. */
static uint32_t next(uint32_t state) {
    return state * UINT32_C(1664525) + UINT32_C(1013904223);
}

/* Uniform in +-0.0052, in Q26: 43621 = 0.0052 * 2^26 / 2^15 * 2^12. The
 * product is below 2^15 * 43621 < 2^31, the result below 2^19. */
static int32_t dither(uint32_t state) {
    const int32_t centred = (int32_t)(state >> 16) - (1 << 15);
    return (centred * 43621) >> 12;
}

/* Fills the frame that starts at sample t; returns the generator's state at
 * the start of the next frame, which overlaps this one. */
static uint32_t fill(const kws_clip *clip, gain g, uint32_t state, int32_t t,
                     int32_t *frame) {
    uint32_t after_hop = state;
    for (int n = 0; n < KWS_FRAME; n++) {
        state = next(state);
        frame[n] = normalise(sample(clip, t + n), g) + dither(state);
        if (n == KWS_HOP - 1) {
            after_hop = state;
        }
    }
    return after_hop;
}

void kws_features(const kws_clip *clip, int8_t *out, kws_mfcc_work *work) {
    const gain g = normaliser(clip);
    uint32_t state = clip->seed;
    for (int n = 0; n < 8; n++) {
        state = next(state);
    }
    for (int n = 0; n < KWS_FRAMES; n++) {
        state = fill(clip, g, state, n * KWS_HOP, work->frame);
        kws_mfcc_frame(work, &out[n * KWS_COEFFICIENTS]);
    }
}
