/* Replay: a few raw samples of the past, kept so that training on new ones
 * does not forget the old. Which are kept is decided one sample at a time, so
 * that a device never holds the stream: a class-balanced reservoir (Chrysakis
 * and Moens 2020, ICML, algorithm 1). Rare classes are kept whole; of a common
 * one every sample seen is kept with the same probability.
 *
 *     static uint8_t memory[TP_REPLAY_BYTES(490, 40, 10)];
 *     tp_replay_init(&replay, &(tp_replay_config){
 *         .x_bytes = 490, .capacity = 40, .classes = 10, .seed = 1},
 *         memory, sizeof memory);
 *     with every sample:  tp_replay_offer(&replay, x, label);
 *     while training:     x = tp_replay_draw(&replay, &label);
 *                         tp_train_sample(&ctx, x, &label);
 */
#ifndef TINYPEFT_REPLAY_H
#define TINYPEFT_REPLAY_H

#include "tinypeft/status.h"

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tp_replay_config {
    uint32_t x_bytes;  /* of one sample, at least 1 */
    uint32_t capacity; /* samples, 1..65535 */
    uint32_t classes;  /* 1..256 */
    uint32_t seed;
} tp_replay_config;

/* What is known of one class. */
typedef struct tp_replay_class {
    uint32_t seen; /* offered so far; stays at 2^32 - 1 */
    uint16_t kept;
    uint16_t full; /* 1: was the largest class of a full memory once */
} tp_replay_class;

typedef struct tp_replay {
    tp_replay_config config;
    uint32_t n; /* samples kept */
    uint32_t rng;
    tp_replay_class *class_of; /* [classes] */
    uint8_t *x;                /* [capacity][x_bytes] */
    uint8_t *label;            /* [capacity] */
} tp_replay;

/* Bytes of memory that a replay needs. */
#define TP_REPLAY_BYTES(x_bytes, capacity, classes)                            \
    ((classes) * sizeof(tp_replay_class) +                                     \
     (size_t)(capacity) * ((size_t)(x_bytes) + 1u))

/* An empty replay in the caller's memory, which is aligned to 4; to TP_ALIGN
 * where its samples are what tp_train_keep() left, sample_bytes for x_bytes.
 * TP_ERR_ARGUMENT: a number out of range. TP_ERR_BUDGET: `bytes` is below
 * TP_REPLAY_BYTES(). *replay is written only on TP_OK. */
TP_MUST_CHECK tp_status tp_replay_init(tp_replay *replay,
                                       const tp_replay_config *config,
                                       void *memory, size_t bytes);

/* Takes a copy of the sample, or leaves it. Time: one copy, and a look at
 * `classes` counters and, once the memory is full, at `capacity` labels.
 *   x  [in] x_bytes
 * TP_ERR_ARGUMENT: the label is no class; nothing changes. */
TP_MUST_CHECK tp_status tp_replay_offer(tp_replay *replay, const void *x,
                                        uint8_t label);

/* One of the samples kept, each as likely as the others; *label is its class.
 * NULL, and *label untouched: none is kept. */
const uint8_t *tp_replay_draw(tp_replay *replay, uint8_t *label);

/* Sample i of those kept, i < replay->n. */
const uint8_t *tp_replay_at(const tp_replay *replay, uint32_t i);

#ifdef __cplusplus
}
#endif
#endif
