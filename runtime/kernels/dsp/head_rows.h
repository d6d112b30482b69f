/* Rows of a head: sums of their products with the features, and what one sample
 * moves their weights by. head_rows.S is for cores with the DSP extension,
 * head_rows.c says the same in C. Both come in blocks of four; weights and
 * their masters lie at multiples of four bytes, features anywhere.
 *
 * Widened features are two words for each block, {x0, x2} and {x1, x3}. */
#ifndef TP_KERNELS_DSP_HEAD_ROWS_H
#define TP_KERNELS_DSP_HEAD_ROWS_H

#include <stdint.h>

/* x minus its zero point, int16.
 *   minus  the negative zero point in both halves
 *   end    of x; there is a block at least */
void tp_dsp_rows_widen(const int8_t *x, const int8_t *end, uint32_t minus,
                       uint32_t *act);

/* u = x + 128 in [0, 255]; and what a sample's step has to know of it:
 *   out  {sum of u^2, bitwise OR of all words of u} */
void tp_dsp_rows_look(const int8_t *x, const int8_t *end, uint32_t *act,
                      uint32_t out[2]);

/* Sums of two rows with the same features: sum of act w0 in the lower word, of
 * act w1 in the upper. |sum| < 2^31.
 *   act, end  widened, with sign */
uint64_t tp_dsp_rows_dot(const uint32_t *act, const uint32_t *end,
                         const int8_t *w0, const int8_t *w1);

/* A row's masters less row * x, and its weights; see tp_masters. No master
 * leaves its range, so that two of them in a word are one number.
 *   act      {x0 + 2^16 x2} and {x1 + 2^16 x3}: where an x is negative not what
 *            widening gives
 *   blocks   of four features, at least one
 *   masters  of the row */
void tp_dsp_rows_move(const uint32_t *act, int32_t row, int8_t *w,
                      int32_t blocks, uint16_t *masters);

#endif
