/* A recording as another day would have it: louder or softer by up to 3 dB, and
 * with more or less noise. Otherwise the recipe of the features
 * (examples/kws/frontend/features.c), whose dither is the least noise here. */
#include <math.h>
#include <string.h>

#include "core/rng.h"
#include "examples/kws/frontend/features.h"
#include "examples/kws/frontend/resample.h"
#include "examples/kws/frontend/wav.h"
#include "tests/drift/drift.h"

#define GAIN_DB 3.0
#define NOISE                                                                  \
    0.0052          /* uniform in +-, of the loudest sample: at least this,    \
                     */
#define NOISIER 2.0 /* at most so many times it: -50 to -44 dB */

static double uniform(uint32_t *rng) {
    return tp_rng_next(rng) / 4294967296.0;
}

/* The second, its largest sample 1. */
static void load(const kws_wav *wav, double *out) {
    const int32_t start = KWS_RATE / 2 - wav->length;
    double largest = 1e-9;
    for (int32_t t = 0; t < KWS_RATE; t++) {
        out[t] = kws_resample_2x(wav->samples, wav->length, t - start);
        largest = fmax(largest, out[t]);
    }
    for (int32_t t = 0; t < KWS_RATE; t++) {
        out[t] /= largest;
    }
}

static void disturb(double *signal, uint32_t seed, int32_t *out) {
    uint32_t rng = tp_rng_seed(seed);
    const double gain = pow(10.0, GAIN_DB * (2.0 * uniform(&rng) - 1.0) / 20.0);
    const double noise = NOISE * (1.0 + (NOISIER - 1.0) * uniform(&rng));
    for (int32_t t = 0; t < KWS_RATE; t++) {
        const double y = gain * signal[t] + noise * (2.0 * uniform(&rng) - 1.0);
        out[t] = (int32_t)(fmax(-31.0, fmin(31.0, y)) * (1 << KWS_SIGNAL_BITS));
    }
}

bool tp_dr_sound(const char *folder, const char *name, uint32_t seed,
                 int8_t *out) {
    double signal[KWS_RATE];
    int32_t disturbed[KWS_RATE];
    char path[1024];
    kws_wav wav;
    kws_mfcc_work work;
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    if (kws_wav_read(path, &wav, NULL) != TP_OK) {
        return false;
    }
    load(&wav, signal);
    kws_wav_free(&wav);
    disturb(signal, seed, disturbed);
    for (int n = 0; n < KWS_FRAMES; n++) {
        memcpy(work.frame, disturbed + (size_t)n * KWS_HOP,
               KWS_FRAME * sizeof *disturbed);
        kws_mfcc_frame(&work, &out[n * KWS_COEFFICIENTS]);
    }
    return true;
}
