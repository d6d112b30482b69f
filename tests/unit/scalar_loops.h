/* The loops of runtime/kernels/scalar on random data, against sums that are
 * added one by one: on the host those in C, on a Cortex-M0 those in assembly.
 */
#ifndef TP_TESTS_UNIT_SCALAR_LOOPS_H
#define TP_TESTS_UNIT_SCALAR_LOOPS_H

#include <string.h>

#include "core/rng.h"
#include "runtime/kernels/scalar/strip.h"
#include "runtime/kernels/scalar/sums.h"

enum {
    LOOPS_K = 64,       /* products, at most */
    LOOPS_MAP = 14 * 9, /* bytes of x in scratch */
    LOOPS_Y = 600
};

typedef struct scalar_loops {
    uint32_t rng;
    uint8_t u[2 * LOOPS_K], w[4 * LOOPS_K];
    int32_t sum[9], wanted[9]; /* one more than may be written */
    uint8_t map[LOOPS_MAP];
    int8_t taps[9], y[LOOPS_Y], expect[LOOPS_Y];
} scalar_loops;

static inline int32_t loops_pick(scalar_loops *s, int32_t lo, int32_t hi) {
    return lo + (int32_t)tp_rng_below(&s->rng, (uint32_t)(hi - lo + 1));
}

/* Any bytes, or the largest and the smallest. */
static inline void loops_fill(scalar_loops *s, void *to, int32_t n) {
    uint8_t *byte = to;
    const int ends = loops_pick(s, 0, 3) == 0;
    for (int32_t i = 0; i < n; i++) {
        const uint32_t v = tp_rng_next(&s->rng) >> 24;
        byte[i] = (uint8_t)(ends ? (v & 1 ? 255 : 0) : v);
    }
}

/* True if the sums of so many pixels are as wanted. */
static inline int loops_sums(scalar_loops *s, int32_t pixels) {
    const int32_t n = 4 * loops_pick(s, 1, LOOPS_K / 4);
    loops_fill(s, s->u, sizeof s->u);
    loops_fill(s, s->w, sizeof s->w);
    for (int32_t i = 0; i < 9; i++) {
        s->sum[i] = s->wanted[i] = (int32_t)tp_rng_next(&s->rng);
    }
    for (int32_t i = 0; i < 4 * pixels; i++) {
        uint32_t sum = (uint32_t)s->wanted[i];
        for (int32_t k = 0; k < n; k++) {
            sum += (uint32_t)s->u[pixels * k + i % pixels] *
                   s->w[4 * k + i / pixels];
        }
        s->wanted[i] = (int32_t)sum;
    }
    (pixels == 1 ? tp_scalar_sums1 : tp_scalar_sums2)(s->u, s->w, n, s->sum);
    return memcmp(s->sum, s->wanted, sizeof s->sum) == 0;
}

/* One output of a strip. */
static inline int8_t loops_output(const tp_strip *s, const uint8_t *u) {
    uint32_t sum = (uint32_t)s->start;
    for (int32_t k = 0; k < 9; k++) {
        sum += (uint32_t)(u[k / 3 * s->row + k % 3] * s->w[k]);
    }
    int64_t t = (int32_t)sum;
    t = t < 0 ? 0 : t > s->stair.top ? s->stair.top : t;
    const int64_t v = t * s->stair.high + t * s->stair.low / 4096 + s->stair.r;
    return (int8_t)(uint8_t)(v >> 24);
}

/* Any strip of these columns: any words that stair.h allows for, and that
 * sums reach. */
static inline int loops_strip(scalar_loops *s, void (*run)(const tp_strip *),
                              int32_t columns, int32_t stride) {
    const int32_t down = loops_pick(s, 1, 2);
    const int32_t right = loops_pick(s, 1, 9);
    tp_strip strip = {.u = s->map,
                      .row = loops_pick(s, (columns - 1) * stride + 3, 9),
                      .w = s->taps,
                      .start = loops_pick(s, -300000, 300000),
                      .stair = {.top = loops_pick(s, 0, (1 << 18) - 1),
                                .high = tp_rng_next(&s->rng) >> 19,
                                .low = tp_rng_next(&s->rng) >> 20,
                                .r = tp_rng_next(&s->rng)},
                      .y = s->y,
                      .right = right,
                      .below = columns * right + loops_pick(s, 0, 3),
                      .rows = loops_pick(s, 1, 5)};
    strip.down = down * strip.row;
    loops_fill(s, s->map, sizeof s->map);
    loops_fill(s, s->taps, sizeof s->taps);
    loops_fill(s, s->y, sizeof s->y);
    memcpy(s->expect, s->y, sizeof s->y);
    for (int32_t i = 0; i < strip.rows * columns; i++) {
        const int32_t row = i / columns;
        const int32_t column = i % columns;
        s->expect[row * strip.below + column * right] =
            loops_output(&strip, s->map + row * strip.down + column * stride);
    }
    run(&strip);
    return memcmp(s->expect, s->y, sizeof s->y) == 0;
}

/* The same without stairs. */
static inline int loops_strip_sums(scalar_loops *s,
                                   void (*run)(const tp_strip *, int32_t *),
                                   int32_t columns) {
    tp_strip strip = {.u = s->map,
                      .row = loops_pick(s, columns + 2, 9),
                      .w = s->taps,
                      .start = (int32_t)tp_rng_next(&s->rng),
                      .rows = loops_pick(s, 1, 5)};
    int32_t sum[6 * TP_STRIP_COLUMNS] = {0};
    int differ = 0;
    strip.down = strip.row;
    loops_fill(s, s->map, sizeof s->map);
    loops_fill(s, s->taps, sizeof s->taps);
    run(&strip, sum);
    for (int32_t i = 0; i < strip.rows * columns; i++) {
        const uint8_t *u = s->map + i / columns * strip.row + i % columns;
        uint32_t wanted = (uint32_t)strip.start;
        for (int32_t k = 0; k < 9; k++) {
            wanted += (uint32_t)(u[k / 3 * strip.row + k % 3] * strip.w[k]);
        }
        differ += sum[i] != (int32_t)wanted;
    }
    return differ == 0 && sum[strip.rows * columns] == 0;
}

static inline int loops_columns(scalar_loops *s) {
    tp_columns c = {.x = s->y,
                    .right = loops_pick(s, 1, 7),
                    .columns = loops_pick(s, 1, 9),
                    .rows = loops_pick(s, 0, 7)};
    uint8_t wanted[LOOPS_MAP];
    c.below = c.right * c.columns + loops_pick(s, 0, 9);
    c.row = c.columns + loops_pick(s, 0, 4);
    loops_fill(s, s->y, sizeof s->y);
    loops_fill(s, s->map, sizeof s->map);
    memcpy(wanted, s->map, sizeof wanted);
    for (int32_t i = 0; i < c.rows * c.columns; i++) {
        const int32_t row = i / c.columns;
        const int32_t column = i % c.columns;
        wanted[row * c.row + column] =
            (uint8_t)(s->y[row * c.below + column * c.right] + 128);
    }
    tp_scalar_columns(&c, s->map);
    return memcmp(wanted, s->map, sizeof wanted) == 0;
}

/* How many of n rounds differ. */
static inline int scalar_loops_run(scalar_loops *s, int n) {
    int differ = 0;
    s->rng = tp_rng_seed(7);
    for (int i = 0; i < n; i++) {
        differ += !(loops_sums(s, 1) && loops_sums(s, 2) && loops_columns(s) &&
                    loops_strip(s, tp_scalar_strip3, 3, 1) &&
                    loops_strip(s, tp_scalar_strip4, 4, 1) &&
                    loops_strip(s, tp_scalar_strip5, 5, 1) &&
                    loops_strip(s, tp_scalar_strip3_by2, 3, 2) &&
                    loops_strip_sums(s, tp_scalar_strip3_sums, 3) &&
                    loops_strip_sums(s, tp_scalar_strip4_sums, 4) &&
                    loops_strip_sums(s, tp_scalar_strip5_sums, 5));
    }
    return differ;
}

#endif
