/* Reads WAV files. Host only: the device gets its samples elsewhere. */
#ifndef KWS_WAV_H
#define KWS_WAV_H

#include "tinypeft/status.h"

#include <stddef.h>
#include <stdint.h>

typedef struct kws_wav {
    int16_t *samples; /* kws_wav_free() them */
    int32_t length;   /* at least 1 */
    int32_t rate;     /* Hz: 8000 or 16000 */
} kws_wav;

/* A RIFF/WAVE file with 16-bit PCM, mono, 8 or 16 kHz; unknown chunks are
 * passed over, and so is whatever follows the first "data".
 *   bytes  [in] [size], untrusted
 *   wav    [out] on TP_OK only
 *   why    [out] on failure only: one sentence, a constant; or NULL
 * TP_ERR_TRUNCATED, TP_ERR_MALFORMED: the file is broken.
 * TP_ERR_UNSUPPORTED: a WAV file, but of another kind; convert it.
 * TP_ERR_NO_MEMORY. kws_wav_read also TP_ERR_IO: no such file, or no right
 * to read it. */
TP_MUST_CHECK tp_status kws_wav_parse(const uint8_t *bytes, size_t size,
                                      kws_wav *wav, const char **why);
TP_MUST_CHECK tp_status kws_wav_read(const char *path, kws_wav *wav,
                                     const char **why);

void kws_wav_free(kws_wav *wav);

#endif
