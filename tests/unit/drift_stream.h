/* A stream of samples for the detector of drift, and the checksum of all that
 * it says and keeps: the same on the host and on every board. */
#ifndef TP_TEST_DRIFT_STREAM_H
#define TP_TEST_DRIFT_STREAM_H

#include "core/crc32.h"
#include "core/rng.h"
#include "tinypeft/drift.h"

#define TP_DRIFT_STREAM_CRC UINT32_C(0xA7ECFE91)

enum {
    TP_DS_FRAMES = 7, /* x is [TP_DS_FRAMES][TP_DS_WIDTH] */
    TP_DS_WIDTH = 6,
    TP_DS_X = TP_DS_FRAMES * TP_DS_WIDTH,
    TP_DS_CLASSES = 5
};

static const tp_drift_sum tp_ds_sums[TP_DS_WIDTH] = {
    {0, TP_DS_FRAMES, TP_DS_WIDTH}, {1, TP_DS_FRAMES, TP_DS_WIDTH},
    {2, TP_DS_FRAMES, TP_DS_WIDTH}, {3, TP_DS_FRAMES, TP_DS_WIDTH},
    {4, TP_DS_FRAMES, TP_DS_WIDTH}, {5, 1, 1}};

static const tp_drift_config tp_ds_config = {.sum = tp_ds_sums,
                                             .features = TP_DS_WIDTH,
                                             .classes = TP_DS_CLASSES,
                                             TP_DRIFT_DEFAULTS};

#define TP_DS_STATE TP_DRIFT_BYTES(TP_DS_WIDTH, TP_DS_CLASSES)

/* A sample whose values lie about a place of its class, with a standard
 * deviation of 13; `shift` moves the first two columns. */
static inline void tp_ds_sample(uint32_t *rng, uint32_t label, int shift,
                                int8_t x[TP_DS_X]) {
    for (uint32_t i = 0; i < TP_DS_X; i++) {
        const uint32_t column = i % TP_DS_WIDTH;
        const int place = (int)((label * 37u + column * 11u) % 60u) - 30;
        x[i] =
            (int8_t)(place + tp_rng_gauss_s8(rng) + (column < 2 ? shift : 0));
    }
}

/* 1,500 samples, of which the last 500 have moved and are less sure.
 *   state  TP_DS_STATE, aligned to 4
 * Returns 0 where the detector refused to begin. */
static inline uint32_t tp_ds_crc(void *state, uint32_t seed) {
    uint32_t rng = tp_rng_seed(seed);
    uint32_t crc = 0;
    if (tp_drift_begin(&tp_ds_config, state, TP_DS_STATE) != TP_OK) {
        return 0;
    }
    for (uint32_t i = 0; i < 1500; i++) {
        int8_t x[TP_DS_X];
        const uint32_t label = tp_rng_below(&rng, TP_DS_CLASSES);
        const uint32_t sure = 200u - tp_rng_below(&rng, i < 1000 ? 50 : 120);
        tp_ds_sample(&rng, label, i < 1000 ? 0 : 9, x);
        const uint8_t found = (uint8_t)tp_drift_sample(&tp_ds_config, state, x,
                                                       label, (uint8_t)sure);
        crc = tp_crc32(crc, &found, 1);
    }
    return tp_crc32(crc, state, TP_DS_STATE);
}

#endif
