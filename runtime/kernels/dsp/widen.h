/* Bytes of two pixels to the activations of tile.h and sums.h: of each four
 * bytes 0 and 2 of one pixel, of the other, then bytes 1 and 3. widen.S is for
 * cores with the DSP extension, widen.c says the same in C. Addresses need no
 * alignment; n >= 1 counts four bytes each. */
#ifndef TP_KERNELS_DSP_WIDEN_H
#define TP_KERNELS_DSP_WIDEN_H

#include <stdint.h>

#include "runtime/kernels/dsp/simd.h"

/* x + 128 in each byte, doubled, bytes 0 and 2 / 1 and 3. */
#define TP_WIDEN_MASK 0x01FE01FEu

/* {2 (x[k] + 128), 2 (x[k'] + 128)} */
void tp_widen2(const int8_t *x0, const int8_t *x1, int32_t n, uint32_t *act);
/* The same of n rows of four bytes, `step` bytes from one to the next. */
void tp_widen2_rows(const int8_t *x0, const int8_t *x1, int32_t step, int32_t n,
                    uint32_t *act);
/* {x[k], x[k']} */
void tp_widen2_signed(const int8_t *x0, const int8_t *x1, int32_t n,
                      uint32_t *act);
/* {R(x[k] q[k] / 2^8), the same of k'}; q: two words for each four bytes, in
 * the order of the activations, at most 2048 */
void tp_widen2_scaled(const int8_t *x0, const int8_t *x1, const int32_t *q,
                      int32_t n, uint32_t *act);

/* As tp_widen2, of one pixel. */
static inline void tp_widen1(const int8_t *x, int32_t n, uint32_t *act) {
    for (int32_t i = 0; i < n; i++, x += 4, act += 2) {
        const uint32_t v = tp_load32(x) ^ 0x80808080u;
        act[0] = v << 1 & TP_WIDEN_MASK;
        act[1] = v >> 7 & TP_WIDEN_MASK;
    }
}

#endif
