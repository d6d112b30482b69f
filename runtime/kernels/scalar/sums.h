/* The innermost loops of the dense `scalar` kernels. sums.c has them in C;
 * sums_v6m.S is for Armv6-M, where two operands and eight registers leave a
 * compiler with more moves than products, and sums.c is its test.
 *
 * Bytes are unsigned: of x  u = x + 128, of w  w + 128. Thumb-1 loads them at
 * a constant offset, and signed ones only at one in a register. What that adds
 * to a sum is 128 sum u, which the caller takes off. */
#ifndef TP_KERNELS_SCALAR_SUMS_H
#define TP_KERNELS_SCALAR_SUMS_H

#include <stdint.h>

#define TP_SUMS_GROUP 4  /* channels */
#define TP_SUMS_PIXELS 2 /* pixels */

/* sum[c][p] += sum u[k][p] w[k][c] for four channels and two pixels, n
 * products each, n > 0 a multiple of four; modulo 2^32. */
void tp_scalar_sums2(const uint8_t *u, const uint8_t *w, int32_t n,
                     int32_t *sum);
/* The same of one pixel: sum[c] += sum u[k] w[k][c]. */
void tp_scalar_sums1(const uint8_t *u, const uint8_t *w, int32_t n,
                     int32_t *sum);

#endif
