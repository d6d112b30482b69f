/* Sums over the pixels of a map: gradients to weights. outer.S is for cores
 * with the DSP extension, outer.c says the same in C. */
#ifndef TP_KERNELS_DSP_OUTER_H
#define TP_KERNELS_DSP_OUTER_H

#include <stdint.h>

#define TP_OUTER_CHANNELS 2
#define TP_OUTER_RANKS 4

/* acc[c * 4 + r] = sum over pairs of pixels of x[p][c] * u[p][r].
 *   x       the first pixel's channel, `stride` bytes from one to the next
 *   u, end  [pair][4]{pixel p, pixel p + 1} int16; at least one pair */
void tp_dsp_outer(const int8_t *x, int32_t stride, const uint32_t *u,
                  const uint32_t *end, int32_t *acc);

#endif
