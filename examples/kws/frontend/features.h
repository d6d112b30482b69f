/* A second of sound to the input of the keyword model, in integers, without
 * a buffer for the second. */
#ifndef KWS_FEATURES_H
#define KWS_FEATURES_H

#include "examples/kws/frontend/mfcc.h"

enum {
    KWS_RATE = 16000, /* Hz; also the samples of the second */
    KWS_FRAMES = 49,
    KWS_FEATURES = KWS_FRAMES * KWS_COEFFICIENTS /* 490 */
};

/* A recording, which stays where it is. */
typedef struct kws_clip {
    const int16_t *audio;
    int32_t length; /* samples, in [0, 2^29] */
    int32_t rate;   /* Hz: 16000, or 8000 (interpolated by 2) */
    uint32_t seed;  /* of the dither: another clip, another number */
} kws_clip;

/* The features of a clip: it is centred in one second (longer ones are cut
 * on both sides), divided by its largest sample, dithered by +-0.0052
 * (digital silence is nothing that the model knows) and analysed in 49
 * frames.
 *   clip  [in]
 *   out   [out] int8 [KWS_FRAMES][KWS_COEFFICIENTS]
 *   work  scratch; need not be initialised
 * The largest sample is the largest positive one, as in the recipe; samples
 * beyond 31 times it saturate. Without a positive sample the clip counts as
 * silence and only the dither remains. Cannot fail. */
void kws_features(const kws_clip *clip, int8_t *out, kws_mfcc_work *work);

#endif
