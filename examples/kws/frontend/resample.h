/* One sample of a clip, seen at twice its rate. */
#ifndef KWS_RESAMPLE_H
#define KWS_RESAMPLE_H

#include <stdint.h>

/* Sample t of a clip after interpolation by 2: what polyphase filtering with
 * a 41-tap half-band Kaiser(5) window gives, one sample at a time, so that no
 * buffer for the doubled clip is needed. Outside [0, 2 length) it is 0.
 *   x       [in] int16 [length]   taken as silent before and after
 *   length  in [0, 2^29]
 *   t       in [-2^29, 2^30]; sample 2 i lies at x[i]
 * Returns the sample in units of 2^-14 of x's: |result| < 2^30.2.
 * Source: Crochiere and Rabiner, Multirate Digital Signal Processing, 1983,
 * section 3.3 (polyphase), 4.2 (window design). */
int32_t kws_resample_2x(const int16_t *x, int32_t length, int32_t t);

#endif
