#include "examples/kws/frontend/wav.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    MAX_FILE = 1 << 24, /* a quarter of an hour at 8 kHz: no spoken word */
    FORMAT_PCM = 1
};

typedef struct span {
    const uint8_t *at;
    size_t size;
} span;

static unsigned le16(const uint8_t *p) {
    return (unsigned)p[0] | (unsigned)p[1] << 8;
}

static uint32_t le32(const uint8_t *p) {
    return le16(p) | (uint32_t)le16(p + 2) << 16;
}

static tp_status fail(tp_status status, const char *sentence,
                      const char **why) {
    if (why != NULL) {
        *why = sentence;
    }
    return status;
}

/* The chunk of that name among `rest`. A chunk is a name, a size and so many
 * bytes, and one more where the size is odd. */
static tp_status find(span rest, const char *name, span *out,
                      const char **why) {
    while (rest.size >= 8) {
        const uint32_t size = le32(rest.at + 4);
        if (size > rest.size - 8) {
            return fail(TP_ERR_TRUNCATED, "a chunk ends beyond the file", why);
        }
        if (memcmp(rest.at, name, 4) == 0) {
            *out = (span){rest.at + 8, size};
            return TP_OK;
        }
        size_t step = 8 + (size_t)size + (size & 1u);
        step = step < rest.size ? step : rest.size;
        rest = (span){rest.at + step, rest.size - step};
    }
    return fail(TP_ERR_TRUNCATED, "no \"fmt \" or no \"data\" chunk", why);
}

/* Offsets: 0 format, 2 channels, 4 rate, 12 bytes a frame, 14 bits. */
static tp_status check_format(span fmt, const char **why) {
    if (fmt.size < 16) {
        return fail(TP_ERR_TRUNCATED, "\"fmt \" has fewer than 16 bytes", why);
    }
    if (le16(fmt.at) != FORMAT_PCM || le16(fmt.at + 14) != 16) {
        return fail(TP_ERR_UNSUPPORTED, "not 16-bit PCM", why);
    }
    if (le16(fmt.at + 2) != 1) {
        return fail(TP_ERR_UNSUPPORTED, "not mono", why);
    }
    const uint32_t rate = le32(fmt.at + 4);
    if (rate != 8000 && rate != 16000) {
        return fail(TP_ERR_UNSUPPORTED, "rate is not 8000 or 16000 Hz", why);
    }
    if (le16(fmt.at + 12) != 2) {
        return fail(TP_ERR_MALFORMED, "mono 16-bit frames need 2 bytes", why);
    }
    return TP_OK;
}

static tp_status check_data(span data, const char **why) {
    if (data.size == 0) {
        return fail(TP_ERR_MALFORMED, "no samples", why);
    }
    if (data.size % 2 != 0) {
        return fail(TP_ERR_MALFORMED, "half a sample at the end", why);
    }
    return data.size <= MAX_FILE
               ? TP_OK
               : fail(TP_ERR_UNSUPPORTED, "longer than 2^24 bytes", why);
}

tp_status kws_wav_parse(const uint8_t *bytes, size_t size, kws_wav *wav,
                        const char **why) {
    if (size < 12) {
        return fail(TP_ERR_TRUNCATED, "shorter than a RIFF header", why);
    }
    if (memcmp(bytes, "RIFF", 4) != 0 || memcmp(bytes + 8, "WAVE", 4) != 0) {
        return fail(TP_ERR_MALFORMED, "not a RIFF/WAVE file", why);
    }
    const span chunks = {bytes + 12, size - 12};
    span fmt, data;
    TP_TRY(find(chunks, "fmt ", &fmt, why));
    TP_TRY(check_format(fmt, why));
    TP_TRY(find(chunks, "data", &data, why));
    TP_TRY(check_data(data, why));
    int16_t *samples = malloc(data.size);
    if (samples == NULL) {
        return fail(TP_ERR_NO_MEMORY, "out of memory", why);
    }
    for (size_t n = 0; n < data.size / 2; n++) {
        samples[n] = (int16_t)le16(data.at + 2 * n);
    }
    *wav =
        (kws_wav){samples, (int32_t)(data.size / 2), (int32_t)le32(fmt.at + 4)};
    return TP_OK;
}

/* The whole file; free() *bytes. */
static tp_status load(FILE *file, uint8_t **bytes, size_t *size,
                      const char **why) {
    if (fseek(file, 0, SEEK_END) != 0) {
        return fail(TP_ERR_IO, "not a regular file", why);
    }
    const long length = ftell(file);
    if (length < 0 || length > MAX_FILE || fseek(file, 0, SEEK_SET) != 0) {
        return fail(TP_ERR_IO, "not a regular file of at most 2^24 bytes", why);
    }
    uint8_t *buffer = malloc((size_t)length + 1);
    if (buffer == NULL) {
        return fail(TP_ERR_NO_MEMORY, "out of memory", why);
    }
    if (fread(buffer, 1, (size_t)length, file) != (size_t)length) {
        free(buffer);
        return fail(TP_ERR_IO, "cannot be read", why);
    }
    *bytes = buffer;
    *size = (size_t)length;
    return TP_OK;
}

tp_status kws_wav_read(const char *path, kws_wav *wav, const char **why) {
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        return fail(TP_ERR_IO, "cannot be opened", why);
    }
    uint8_t *bytes;
    size_t size;
    tp_status status = load(file, &bytes, &size, why);
    (void)fclose(file);
    if (status == TP_OK) {
        status = kws_wav_parse(bytes, size, wav, why);
        free(bytes);
    }
    return status;
}

void kws_wav_free(kws_wav *wav) {
    free(wav->samples);
    wav->samples = NULL;
    wav->length = 0;
}
