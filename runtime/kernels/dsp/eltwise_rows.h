/* Rows of ADD, SUB and MUL. eltwise_rows.S is for cores with the DSP extension,
 * eltwise_rows.c says the same in C. Pointers need no alignment; n >= 1; y may
 * be an input.
 *
 * With gemmlowp's two roundings, where x2 is twice x and e >= 1:
 *   t = round(x2 m / 2^32), halves up
 *   (t + 2^(e-1) + (x2 >> 31)) >> e
 * The sign of x2 stands for that of t: they differ where t is 0 only, and then
 * the result is 0 either way. */
#ifndef TP_KERNELS_DSP_ELTWISE_ROWS_H
#define TP_KERNELS_DSP_ELTWISE_ROWS_H

#include <stdint.h>

/* One side of a sum is scaled, the other one, `large`, has the factor 1/2. What
 * is doubled is so that high words are results. */
typedef struct tp_dsp_sum {
    const int8_t *small, *large;
    int8_t *y;
    int32_t n;
    int32_t x0; /* small * 2^21 + x0 is twice its value in 2^-20 */
    int32_t m, half, e;
    int32_t q0;            /* +-large * 2^20 + q0 +- 2 t is twice the sum */
    int32_t y_m, y_r, y_e; /* y_r = y_zp * 2^y_e + 2^(y_e-1) */
} tp_dsp_sum;

typedef struct tp_dsp_product {
    const int8_t *a, *b;
    int8_t *y;
    int32_t n;
    int32_t a0, b0; /* (2 a + a0) (b + b0) is twice the product */
    int32_t y_m, y_r, y_e;
} tp_dsp_product;

void tp_dsp_row_add(const tp_dsp_sum *r);   /* large + small */
void tp_dsp_row_sub(const tp_dsp_sum *r);   /* large - small */
void tp_dsp_row_minus(const tp_dsp_sum *r); /* small - large */
void tp_dsp_row_mul(const tp_dsp_product *r);

#endif
