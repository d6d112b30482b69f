/* Random calls of all functions of runtime/kernels/dsp/strip.h, and a checksum
 * of what they write: the same of the assembly as of its twin in C. */
#ifndef TP_TESTS_UNIT_STRIP_STREAM_H
#define TP_TESTS_UNIT_STRIP_STREAM_H

#include <string.h>

#include "core/crc32.h"
#include "core/rng.h"
#include "runtime/kernels/dsp/strip.h"

#define TP_STRIP_CRC UINT32_C(0x4155D478)

enum {
    STRIP_CALLS = 300,
    STRIP_CHANNELS = 4,
    STRIP_ROWS = 9,  /* of x */
    STRIP_WORDS = 5, /* of a row of x, at most */
    STRIP_PLANE = STRIP_ROWS * STRIP_WORDS,
    STRIP_C = 7, /* bytes of a pixel of y */
    STRIP_WIDE = 8,
    STRIP_Y = STRIP_ROWS * STRIP_WIDE * STRIP_C + STRIP_CHANNELS
};

typedef struct strip_stream {
    uint32_t rng, crc;
    int32_t channel[STRIP_CHANNELS * 9];
    uint32_t x[STRIP_CHANNELS * STRIP_PLANE];
    int8_t y[STRIP_Y];
} strip_stream;

static inline int32_t strip_pick(strip_stream *s, int32_t lo, int32_t hi) {
    return lo + (int32_t)tp_rng_below(&s->rng, (uint32_t)(hi - lo + 1));
}

static inline uint32_t strip_halves(strip_stream *s, int32_t most) {
    const uint32_t low = (uint32_t)strip_pick(s, -most, most);
    const uint32_t high = (uint32_t)strip_pick(s, -most, most);
    return (low & 0xFFFFu) | high << 16;
}

/* A pair shares a tap with the one before. */
static inline void strip_weights(strip_stream *s, int32_t *out) {
    const uint32_t first = strip_halves(s, 127 * 256);
    const uint32_t second = strip_halves(s, 127 * 256);
    out[0] = (int32_t)first;
    out[1] = (int32_t)((second & 0xFFFF0000u) | first >> 16);
}

static inline void strip_fill(strip_stream *s) {
    for (int i = 0; i < STRIP_CHANNELS; i++) {
        int32_t *channel = s->channel + 9 * i;
        for (int row = 0; row < 3; row++) {
            strip_weights(s, channel + 2 * row);
        }
        channel[6] = strip_pick(s, -(1 << 26), 1 << 26);
        channel[7] = strip_pick(s, 1 << 12, 1 << 15);
        channel[8] = strip_pick(s, -200000, 50000);
    }
    for (int i = 0; i < STRIP_CHANNELS * STRIP_PLANE; i++) {
        s->x[i] = strip_halves(s, 255);
    }
    for (int i = 0; i < STRIP_Y; i++) {
        s->y[i] = (int8_t)strip_pick(s, -128, 127);
    }
}

/* A strip function, its stride and words of a row of x. */
typedef struct strip_function {
    void (*run)(tp_dsp_strip *t);
    int32_t stride, words;
} strip_function;

static inline void strip_call(strip_stream *s, const strip_function *f,
                              int shifted) {
    const int32_t windows = strip_pick(s, 1, (STRIP_ROWS - 3) / f->stride + 1);
    const int32_t count = strip_pick(s, 1, STRIP_CHANNELS);
    const int32_t left = strip_pick(s, 0, 14);
    const int32_t right = strip_pick(s, 0, 4);
    tp_dsp_strip t = {.channel = s->channel,
                      .x = s->x,
                      .y = s->y,
                      .c = STRIP_C,
                      .c3 = 3 * STRIP_C,
                      .pitch = STRIP_WIDE * STRIP_C,
                      .bytes = 4 * windows * f->stride * f->words,
                      .plane = 4 * STRIP_PLANE,
                      .count = count,
                      .left = shifted ? left : 0,
                      .right = shifted ? right : 0};
    if (!shifted) { /* forward: m is a tp_factor's */
        for (int i = 0; i < STRIP_CHANNELS; i++) {
            s->channel[9 * i + 7] <<= 15;
        }
    } else {
        for (int i = 0; i < STRIP_CHANNELS; i++) {
            s->channel[9 * i + 6] = 0;
        }
    }
    f->run(&t);
    s->crc = tp_crc32(s->crc, s->y, sizeof s->y);
    s->crc = tp_crc32(s->crc, &t.beyond, sizeof t.beyond);
}

static inline void strip_columns(strip_stream *s) {
    static int8_t map[STRIP_ROWS * 12 * 4 + 4];
    const int32_t edges = strip_pick(s, 0, 3);
    const int32_t pairs = strip_pick(s, edges == 0, 3);
    const int32_t bias = 128 * strip_pick(s, 0, 1);
    const int32_t apart = strip_pick(s, 0, 3);
    const int32_t rows = strip_pick(s, 1, STRIP_ROWS);
    const int32_t from = strip_pick(s, 1, 9);
    const int32_t words = strip_pick(s, 1, 30);
    const tp_dsp_columns_of t = {.x = map,
                                 .out = s->x,
                                 .plane = 4 * STRIP_PLANE,
                                 .plane3 = 12 * STRIP_PLANE,
                                 .bias = (uint32_t)bias * 0x00010001u,
                                 .c = 4,
                                 .edges = edges,
                                 .next_x = 4 * apart,
                                 .next_out = 0,
                                 .pad = tp_rng_next(&s->rng),
                                 .pairs = pairs,
                                 .rows = rows};
    for (int i = 0; i < (int)sizeof map; i++) {
        map[i] = (int8_t)strip_pick(s, -128, 127);
    }
    tp_dsp_columns(&t);
    tp_dsp_keep(s->x, s->x + from, words, 4 * STRIP_PLANE);
    s->crc = tp_crc32(s->crc, s->x, sizeof s->x);
}

static inline void strip_words(strip_stream *s) {
    const int32_t n = strip_pick(s, 1, 20);
    const uint32_t peak = tp_dsp_peak(s->y, 8, n);
    tp_dsp_clip(s->y, 8, n);
    s->crc = tp_crc32(s->crc, &peak, sizeof peak);
    s->crc = tp_crc32(s->crc, s->y, sizeof s->y);
}

static inline uint32_t tp_strip_crc(void) {
    static const strip_function all[] = {
        {tp_dsp_strip_fwd_1, 1, 1}, {tp_dsp_strip_fwd_2, 1, 2},
        {tp_dsp_strip_fwd_3, 1, 2}, {tp_dsp_strip_fwd_4, 1, 3},
        {tp_dsp_strip_fwd_5, 1, 3}, {tp_dsp_strip_fwd_6, 1, 4},
        {tp_dsp_strip_two_1, 2, 2}, {tp_dsp_strip_two_2, 2, 3},
        {tp_dsp_strip_two_3, 2, 4}, {tp_dsp_strip_two_4, 2, 5},
        {tp_dsp_strip_bwd_1, 1, 1}, {tp_dsp_strip_bwd_2, 1, 2},
        {tp_dsp_strip_bwd_3, 1, 2}, {tp_dsp_strip_bwd_4, 1, 3},
        {tp_dsp_strip_bwd_5, 1, 3}, {tp_dsp_strip_bwd_6, 1, 4},
    };
    enum { FUNCTIONS = sizeof all / sizeof *all, BACKWARD = 10 };
    static strip_stream s;
    s = (strip_stream){.rng = tp_rng_seed(1)};
    for (int i = 0; i < STRIP_CALLS; i++) {
        for (int f = 0; f < FUNCTIONS; f++) {
            strip_fill(&s);
            strip_call(&s, &all[f], f >= BACKWARD);
        }
        strip_columns(&s);
        strip_words(&s);
    }
    return s.crc;
}

#endif
