/* One frame of sound to ten MFCC, in integers. */
#ifndef KWS_MFCC_H
#define KWS_MFCC_H

#include <stdint.h>

enum {
    KWS_FRAME = 480,       /* samples of a frame: 30 ms at 16 kHz */
    KWS_HOP = 320,         /* from one frame to the next: 20 ms */
    KWS_FFT = 512,         /* points of the transform */
    KWS_BANDS = 40,        /* mel bands, 20 Hz to 4 kHz */
    KWS_COEFFICIENTS = 10, /* kept of each frame */
    KWS_SIGNAL_BITS = 26   /* a sample of 1.0 is 2^26 */
};

/* All the memory that a frame needs; nothing in it outlives a call. */
typedef struct kws_mfcc_work {
    int32_t frame[KWS_FFT];       /* in: KWS_FRAME samples; then destroyed */
    uint64_t band[KWS_BANDS + 2]; /* and one outer slope on each side */
    int32_t log2_q22[KWS_BANDS];
} kws_mfcc_work;

/* The MFCC of one frame, as the MLPerf Tiny keyword model expects them.
 *   work  [in] work->frame[0 .. KWS_FRAME), samples in Q26, any int32;
 *              all of *work is destroyed
 *   out   [out] int8 [KWS_COEFFICIENTS], zero point 83, scale 0.5847029
 * Windows (periodic Hann), transforms (512 points), takes magnitudes, sums
 * them in 40 mel bands, out = floor(DCT-II(ln(band + 1e-6)) / scale + 83.5).
 * Cannot fail. Source: Davis and Mermelstein 1980 (MFCC); Sorensen et al.
 * 1987 (real transform by a complex one of half length). */
void kws_mfcc_frame(kws_mfcc_work *work, int8_t *out);

#endif
