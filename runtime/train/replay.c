/* A class-balanced reservoir: algorithm 1 of Chrysakis and Moens 2020, "Online
 * Continual Learning from Imbalanced Data", ICML. While there is room all is
 * kept. Then a sample of a class that never was the largest replaces one of
 * the class that is; within a class that was, reservoir sampling (Vitter 1985)
 * keeps each of its `seen` samples with probability kept / seen. */
#include "tinypeft/replay.h"

#include <string.h>

#include "core/rng.h"

tp_status tp_replay_init(tp_replay *replay, const tp_replay_config *config,
                         void *memory, size_t bytes) {
    if (config->x_bytes < 1 || config->capacity < 1 ||
        config->capacity > UINT16_MAX || config->classes < 1 ||
        config->classes > 256) {
        return TP_ERR_ARGUMENT;
    }
    /* by division: the product could exceed a 32-bit size_t */
    const size_t head = config->classes * sizeof(tp_replay_class);
    if (bytes < head || (bytes - head) / config->capacity < 1 ||
        (bytes - head) / config->capacity - 1 < config->x_bytes) {
        return TP_ERR_BUDGET;
    }
    const size_t x_bytes = (size_t)config->capacity * config->x_bytes;
    uint8_t *at = memory;
    memset(memory, 0, head);
    *replay = (tp_replay){.config = *config,
                          .rng = tp_rng_seed(config->seed),
                          .class_of = memory,
                          .x = at + head,
                          .label = at + head + x_bytes};
    return TP_OK;
}

static uint8_t *place(const tp_replay *replay, uint32_t i) {
    return replay->x + (size_t)i * replay->config.x_bytes;
}

static void keep(tp_replay *replay, uint32_t i, const void *x, uint8_t label) {
    memcpy(place(replay, i), x, replay->config.x_bytes);
    replay->label[i] = label;
    replay->class_of[label].kept++;
}

/* Uniform in [0, n) for any n; tp_rng_below() ends at 2^16. */
static uint32_t below(tp_replay *replay, uint32_t n) {
    return (uint32_t)(((uint64_t)tp_rng_next(&replay->rng) * n) >> 32);
}

/* Where a random sample of this class lies; the class has one. */
static uint32_t random_of(tp_replay *replay, uint8_t label) {
    uint32_t skip = below(replay, replay->class_of[label].kept);
    uint32_t i = 0;
    for (; replay->label[i] != label || skip > 0; i++) {
        skip -= replay->label[i] == label ? 1u : 0u;
    }
    return i;
}

/* The class with the most samples; the first of several. */
static uint8_t largest(const tp_replay *replay) {
    uint32_t best = 0;
    for (uint32_t c = 1; c < replay->config.classes; c++) {
        if (replay->class_of[c].kept > replay->class_of[best].kept) {
            best = c;
        }
    }
    return (uint8_t)best;
}

/* Every class that is the largest now counts as full from here on. */
static void mark_full(tp_replay *replay, uint16_t most) {
    for (uint32_t c = 0; c < replay->config.classes; c++) {
        if (replay->class_of[c].kept == most) {
            replay->class_of[c].full = 1;
        }
    }
}

/* Puts the sample in the place of a random one of class `from`. */
static void replace(tp_replay *replay, uint8_t from, const void *x,
                    uint8_t label) {
    const uint32_t i = random_of(replay, from);
    replay->class_of[from].kept--;
    keep(replay, i, x, label);
}

tp_status tp_replay_offer(tp_replay *replay, const void *x, uint8_t label) {
    if (label >= replay->config.classes) {
        return TP_ERR_ARGUMENT;
    }
    tp_replay_class *own = &replay->class_of[label];
    own->seen += own->seen < UINT32_MAX ? 1u : 0u;
    if (replay->n < replay->config.capacity) {
        keep(replay, replay->n++, x, label);
        return TP_OK;
    }
    const uint8_t most = largest(replay);
    mark_full(replay, replay->class_of[most].kept);
    if (own->full == 0) {
        replace(replay, most, x, label);
    } else if (own->kept > 0 && below(replay, own->seen) < own->kept) {
        replace(replay, label, x, label);
    }
    return TP_OK;
}

const uint8_t *tp_replay_at(const tp_replay *replay, uint32_t i) {
    return place(replay, i);
}

const uint8_t *tp_replay_draw(tp_replay *replay, uint8_t *label) {
    if (replay->n == 0) {
        return NULL;
    }
    const uint32_t i = below(replay, replay->n);
    *label = replay->label[i];
    return place(replay, i);
}
