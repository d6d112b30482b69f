/* A stream of 500 samples into a replay, and the checksum of all that is then
 * in its memory: the same on the host and on every board. */
#ifndef TP_TEST_REPLAY_STREAM_H
#define TP_TEST_REPLAY_STREAM_H

#include <string.h>

#include "core/crc32.h"
#include "core/rng.h"
#include "tinypeft/replay.h"

#define TP_STREAM_CRC UINT32_C(0xA71F2897) /* with seed 1 */

enum { TP_STREAM_X = 7, TP_STREAM_CAPACITY = 40, TP_STREAM_CLASSES = 10 };

#define TP_STREAM_BYTES                                                        \
    TP_REPLAY_BYTES(TP_STREAM_X, TP_STREAM_CAPACITY, TP_STREAM_CLASSES)

/* A sample that says which it is, and of which class. */
static inline void tp_stream_sample(uint8_t x[TP_STREAM_X], uint32_t number,
                                    uint8_t label) {
    x[0] = label;
    memcpy(x + 1, &number, sizeof number);
    x[5] = (uint8_t)(number * 7u);
    x[6] = (uint8_t)~x[5];
}

/*   memory  TP_STREAM_BYTES, aligned to 4
 * Returns 0 where the replay refused something. */
static inline uint32_t tp_stream_crc(void *memory, uint32_t seed) {
    const tp_replay_config config = {.x_bytes = TP_STREAM_X,
                                     .capacity = TP_STREAM_CAPACITY,
                                     .classes = TP_STREAM_CLASSES,
                                     .seed = seed};
    uint32_t rng = tp_rng_seed(9);
    tp_replay replay;
    if (tp_replay_init(&replay, &config, memory, TP_STREAM_BYTES) != TP_OK) {
        return 0;
    }
    for (uint32_t i = 0; i < 500; i++) {
        uint8_t x[TP_STREAM_X];
        const uint8_t label = (uint8_t)tp_rng_below(&rng, TP_STREAM_CLASSES);
        tp_stream_sample(x, i, label);
        if (tp_replay_offer(&replay, x, label) != TP_OK) {
            return 0;
        }
    }
    return tp_crc32(0, memory, TP_STREAM_BYTES);
}

#endif
