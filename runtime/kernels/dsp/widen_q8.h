/* Bytes of two pixels to the activations of sums.h, as widen.h does for those
 * of tile.h: of each four bytes 0 and 2 of one pixel, of the other, then bytes 1
 * and 3. widen_q8.S is for cores with the DSP extension, widen_q8.c says the
 * same in C. Bytes need no alignment; n >= 1 counts four of each pixel. */
#ifndef TP_KERNELS_DSP_WIDEN_Q8_H
#define TP_KERNELS_DSP_WIDEN_Q8_H

#include <stdint.h>

/* {x[k], x[k']} */
void tp_dsp_widen2_signed(const int8_t *x0, const int8_t *x1, int32_t n,
                          uint32_t *act);
/* {R(x[k] q[k] / 2^8), the same of k'}; q: two words for each four bytes, in
 * the order of the activations, at most 2048 */
void tp_dsp_widen2_scaled(const int8_t *x0, const int8_t *x1, const int32_t *q,
                          int32_t n, uint32_t *act);

#endif
