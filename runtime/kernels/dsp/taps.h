/* A pixel of a depthwise convolution with any window: four channels at a time,
 * tap by tap. taps.S is for cores with the DSP extension, taps.c says the same
 * in C. */
#ifndef TP_KERNELS_DSP_TAPS_H
#define TP_KERNELS_DSP_TAPS_H

#include <stdint.h>
#include <string.h>

#define TP_TAPS_GROUP 4
#define TP_TAPS_CHANNEL 16 /* words of a group in tp_dsp_taps.channel */

/* With A = start + sum x w of a channel, |A| < 2^30 or m = 0, and e in [1, 22]:
 *   y = usat8((round(2 A m / 2^32) + R + (A >> 31)) >> e)
 * and then into the clamp range: with R = (y_zp + 128) 2^e + 2^(e-1) these are
 * gemmlowp's two roundings, as eltwise_rows.h says, of bytes y + 128. Sums of A
 * are modulo 2^32. tap      pointers to the taps' pixels of x, channel 0, from
 * tap to tap_end; tp_tap_put() writes them w        [group][tap]{2 w0, 2 w2; 2
 * w1, 2 w3}, int16 channel  [group]{2 start of each; then m, R, e of each} y
 * [out] bytes y[c] of the groups from c on, to c_end up, down, back  four equal
 * bytes: added, then subtracted, both saturated, then added: from y + 128 to
 * the range */
typedef struct tp_dsp_taps {
    const uint32_t *tap, *tap_end;
    const int32_t *w, *channel;
    int8_t *y;
    int32_t c, c_end; /* c_end - c a multiple of 4, not 0 */
    uint32_t up, down, back;
} tp_dsp_taps;

#define TP_TAPS_WORDS (sizeof(const int8_t *) / sizeof(uint32_t))

static inline uint32_t *tp_tap_put(uint32_t *tap, const int8_t *x) {
    memcpy(tap, &x, sizeof x);
    return tap + TP_TAPS_WORDS;
}

void tp_dsp_pixel(const tp_dsp_taps *t);

#endif
