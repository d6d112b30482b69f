/* Features of recordings on the host: of any WAV file, and of a clip of the
 * Free Spoken Digit Dataset with the dither that its features were made
 * with. */
#ifndef KWS_FSDD_H
#define KWS_FSDD_H

#include "examples/kws/frontend/features.h"
#include "tinypeft/status.h"

enum { KWS_FSDD_DIGITS = 10, KWS_FSDD_SPEAKERS = 6, KWS_FSDD_CLIPS = 50 };

/* One clip: digit [0, 10), speaker [0, 6), index [0, 50). */
typedef struct kws_fsdd_clip {
    int digit;
    int speaker;
    int index;
} kws_fsdd_clip;

/* "george", "jackson", "lucas", "nicolas", "theo", "yweweler"; NULL where
 * there is no such speaker. The position is part of the dither's seed. */
const char *kws_fsdd_speaker(int speaker);

/* Features of a WAV file with the dither of `seed`.
 *   out  [out] int8 [KWS_FEATURES], on TP_OK only
 *   why  [out] on failure only: one sentence; or NULL
 * Errors: those of kws_wav_read. */
TP_MUST_CHECK tp_status kws_features_from_wav(const char *path, uint32_t seed,
                                              int8_t *out, const char **why);

/* Features of one clip of the dataset, `folder`/{digit}_{speaker}_{index}.wav.
 * Also TP_ERR_ARGUMENT: no such clip, or the path has over 1000 bytes. */
TP_MUST_CHECK tp_status kws_fsdd_features(const char *folder,
                                          kws_fsdd_clip clip, int8_t *out,
                                          const char **why);

#endif
