/* taps.S in C: the same bytes, for cores without the DSP extension and as its
 * test. */
#include "runtime/kernels/dsp/taps.h"

#include "core/fixed.h"
#include "runtime/kernels/dsp/simd.h"

/* 2 A of the four channels from c on. */
static void sums(const tp_dsp_taps *t, int32_t c, const int32_t *w,
                 const int32_t *start, int32_t *acc) {
    for (int32_t i = 0; i < TP_TAPS_GROUP; i++) {
        acc[i] = start[i];
    }
    for (const uint32_t *tap = t->tap; tap < t->tap_end; tap += TP_TAPS_WORDS) {
        const int8_t *x;
        memcpy(&x, tap, sizeof x);
        for (int32_t i = 0; i < TP_TAPS_GROUP; i++) {
            const int32_t pair = w[i % 2];
            const int32_t weight = i < 2 ? (int16_t)pair : pair >> 16;
            const uint32_t product = (uint32_t)(x[c + i] * weight);
            acc[i] = (int32_t)((uint32_t)acc[i] + product);
        }
        w += 2;
    }
}

static uint32_t finish(int32_t acc, const int32_t *info) {
    const int32_t t = tp_smmulr(acc, info[0]) + info[1] + (acc >> 31);
    return (uint32_t)tp_clamp32(t >> info[2], 0, 255);
}

void tp_dsp_pixel(const tp_dsp_taps *t) {
    const uint32_t *tap = t->tap;
    const int32_t taps = (int32_t)((t->tap_end - tap) / (int)TP_TAPS_WORDS);
    const int32_t *w = t->w;
    const int32_t *channel = t->channel;
    for (int32_t c = t->c; c < t->c_end; c += TP_TAPS_GROUP) {
        int32_t acc[TP_TAPS_GROUP];
        uint32_t y = 0;
        sums(t, c, w, channel, acc);
        for (int32_t i = 0; i < TP_TAPS_GROUP; i++) {
            y |= finish(acc[i], channel + TP_TAPS_GROUP + 3 * i) << 8 * i;
        }
        y = tp_uadd8(tp_uqsub8(tp_uqadd8(y, t->up), t->down), t->back);
        tp_store32(t->y + c, y);
        w += 2 * taps;
        channel += TP_TAPS_CHANNEL;
    }
}
