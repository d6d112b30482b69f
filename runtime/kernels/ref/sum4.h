/* Sums of four neighbouring bytes over many places at once, for pools and
 * means: two sums share a word. */
#ifndef TP_KERNELS_REF_SUM4_H
#define TP_KERNELS_REF_SUM4_H

#include <string.h>

#include "core/fixed.h"

/* Of bytes x + 128: those of bytes 1 and 3, and of whole words, from which
 * those of bytes 0 and 2 follow. At most 256 places before they are taken out:
 * 256 * 255 < 2^16. */
typedef struct tp_sum4 {
    uint32_t all, odd;
    int32_t room; /* for so many more */
    int32_t acc[4];
} tp_sum4;

static inline void tp_sum4_spill(tp_sum4 *s) {
    const uint32_t even = s->all - (s->odd << 8);
    s->acc[0] += (int32_t)(even & 0xFFFF);
    s->acc[1] += (int32_t)(s->odd & 0xFFFF);
    s->acc[2] += (int32_t)(even >> 16);
    s->acc[3] += (int32_t)(s->odd >> 16);
    s->all = s->odd = 0;
    s->room = 256;
}

static inline uint32_t tp_sum4_load(const int8_t *x) {
    uint32_t v;
    memcpy(&v, x, sizeof v);
    return v ^ 0x80808080u;
}

/* n places, `step` bytes apart; at most s->room. Two a turn. */
static inline void tp_sum4_run(tp_sum4 *s, const int8_t *x, int32_t step,
                               int32_t n) {
    uint32_t all = s->all;
    uint32_t odd = s->odd;
    s->room -= n;
    if (n % 2 != 0) {
        const uint32_t v = tp_sum4_load(x);
        all += v;
        odd += v >> 8 & 0x00FF00FFu;
        x += step;
    }
    for (n /= 2; n > 0; n--, x += 2 * step) {
        const uint32_t v = tp_sum4_load(x);
        const uint32_t w = tp_sum4_load(x + step);
        all += v;
        odd += v >> 8 & 0x00FF00FFu;
        all += w;
        odd += w >> 8 & 0x00FF00FFu;
    }
    s->all = all;
    s->odd = odd;
}

static inline tp_sum4 tp_sum4_begin(void) {
    return (tp_sum4){.room = 256};
}

/* Any n. */
static inline void tp_sum4_add(tp_sum4 *s, const int8_t *x, int32_t step,
                               int32_t n) {
    while (n >= s->room) {
        const int32_t part = s->room;
        tp_sum4_run(s, x, step, part);
        tp_sum4_spill(s);
        x += part * step;
        n -= part;
    }
    tp_sum4_run(s, x, step, n);
}

/* The sums of x, in s->acc, of as many places as were added. |sum| <=
 * 255 count < 2^31. */
static inline void tp_sum4_end(tp_sum4 *s, int32_t count) {
    tp_sum4_spill(s);
    for (int32_t i = 0; i < 4; i++) {
        s->acc[i] -= 128 * count;
    }
}

#endif
