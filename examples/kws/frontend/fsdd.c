#include "examples/kws/frontend/fsdd.h"

#include "examples/kws/frontend/wav.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

static const char *const speakers[KWS_FSDD_SPEAKERS] = {
    "george", "jackson", "lucas", "nicolas", "theo", "yweweler"};

const char *kws_fsdd_speaker(int speaker) {
    return speaker >= 0 && speaker < KWS_FSDD_SPEAKERS ? speakers[speaker]
                                                       : NULL;
}

tp_status kws_features_from_wav(const char *path, uint32_t seed, int8_t *out,
                                const char **why) {
    kws_wav wav;
    TP_TRY(kws_wav_read(path, &wav, why));
    const kws_clip clip = {wav.samples, wav.length, wav.rate, seed};
    kws_mfcc_work work;
    kws_features(&clip, out, &work);
    kws_wav_free(&wav);
    return TP_OK;
}

static bool exists(kws_fsdd_clip clip) {
    return clip.digit >= 0 && clip.digit < KWS_FSDD_DIGITS &&
           kws_fsdd_speaker(clip.speaker) != NULL && clip.index >= 0 &&
           clip.index < KWS_FSDD_CLIPS;
}

tp_status kws_fsdd_features(const char *folder, kws_fsdd_clip clip, int8_t *out,
                            const char **why) {
    char path[1024];
    int length = -1;
    if (exists(clip)) {
        length = snprintf(path, sizeof path, "%s/%d_%s_%d.wav", folder,
                          clip.digit, speakers[clip.speaker], clip.index);
    }
    if (length < 0 || (size_t)length >= sizeof path) {
        if (why != NULL) {
            *why = "no such clip, or its path is too long";
        }
        return TP_ERR_ARGUMENT;
    }
    const int seed = clip.digit * 10000 + clip.speaker * 1000 + clip.index + 1;
    return kws_features_from_wav(path, (uint32_t)seed, out, why);
}
