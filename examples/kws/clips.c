/* Features of a clip file, as the device computes them:
 *
 *   kws-features CLIPS X Y
 *
 * X gets 490 int8 a clip, Y one label byte a clip, in the file's order. */
#include <stdio.h>
#include <stdlib.h>

#include "core/bytes.h"
#include "examples/kws/frontend/features.h"

enum { MOST_SAMPLES = 1 << 20 };

/* What lies behind a clip's head: n features as they are, or n samples. */
static int read_features(FILE *file, const uint8_t *head, int16_t *sound,
                         int8_t *x) {
    const uint32_t rate = tp_get_u32(head);
    const uint32_t length = tp_get_u32(head + 4);
    if (rate == 0) {
        return length == KWS_FEATURES &&
               fread(x, 1, KWS_FEATURES, file) == KWS_FEATURES;
    }
    if (length > MOST_SAMPLES) {
        return 0;
    }
    for (uint32_t i = 0; i < length; i++) {
        uint8_t sample[2];
        if (fread(sample, 1, 2, file) != 2) {
            return 0;
        }
        sound[i] = (int16_t)tp_get_u16(sample);
    }
    kws_mfcc_work work;
    const kws_clip clip = {.audio = sound,
                           .rate = (int32_t)rate,
                           .length = (int32_t)length,
                           .seed = tp_get_u32(head + 8)};
    kws_features(&clip, x, &work);
    return 1;
}

/* 1: a clip, 0: the end, -1: a damaged file. */
static int next_clip(FILE *file, int16_t *sound, int8_t *x, uint8_t *label) {
    uint8_t head[16];
    const size_t got = fread(head, 1, sizeof head, file);
    if (got != sizeof head) {
        return got == 0 ? 0 : -1;
    }
    if (!read_features(file, head, sound, x)) {
        return -1;
    }
    *label = (uint8_t)tp_get_u32(head + 12);
    return 1;
}

/* Features and labels of all clips; 0: something was not read or written. */
static int convert(FILE *clips, FILE *x, FILE *y, int16_t *sound) {
    for (;;) {
        int8_t features[KWS_FEATURES];
        uint8_t label = 0;
        const int state = next_clip(clips, sound, features, &label);
        if (state != 1) {
            return state == 0 && ferror(clips) == 0;
        }
        if (fwrite(features, 1, sizeof features, x) != sizeof features ||
            fwrite(&label, 1, 1, y) != 1) {
            return 0;
        }
    }
}

static int closed(FILE *file) {
    return file != NULL && fclose(file) == 0;
}

int main(int argc, char **argv) {
    if (argc != 4) {
        (void)fprintf(stderr, "usage: kws-features CLIPS X Y\n");
        return 2;
    }
    FILE *clips = fopen(argv[1], "rb");
    FILE *x = clips != NULL ? fopen(argv[2], "wb") : NULL;
    FILE *y = x != NULL ? fopen(argv[3], "wb") : NULL;
    int16_t *sound = malloc(MOST_SAMPLES * sizeof *sound);
    int good = y != NULL && sound != NULL && convert(clips, x, y, sound);
    free(sound);
    good &= closed(clips) & closed(x) & closed(y);
    if (good) {
        return 0;
    }
    (void)fprintf(stderr, "kws-features: cannot read %s or write %s, %s\n",
                  argv[1], argv[2], argv[3]);
    /* Of what was opened nothing half-written remains. */
    if (x != NULL) {
        (void)remove(argv[2]);
    }
    if (y != NULL) {
        (void)remove(argv[3]);
    }
    return 1;
}
