/* A strip of a depthwise layer: some columns of the output, of one channel, all
 * rows that are at hand. */
#ifndef TP_KERNELS_SCALAR_STRIP_H
#define TP_KERNELS_SCALAR_STRIP_H

#include "runtime/kernels/scalar/stair.h"

#define TP_STRIP_COLUMNS 5 /* that a window slides over in registers */

typedef struct tp_strip {
    const uint8_t *u; /* x + 128, first row and column of the first window */
    int32_t row;      /* bytes from row to row of u */
    int32_t down;     /* the same from window to window */
    const int8_t *w;  /* [3][3] */
    int32_t start;    /* of sums */
    tp_stair stair;
    int8_t *y;
    int32_t right, below; /* bytes from output to output */
    int32_t rows;         /* of the output, >= 1 */
} tp_strip;

/* 3x3 windows, 3, 4 or 5 columns of a stride of 1, or 3 of a stride of 2:
 *   y = stair(start + sum u w), |sum| <= 9 * 255 * 128; `start` may wrap. */
void tp_scalar_strip3(const tp_strip *s);
void tp_scalar_strip4(const tp_strip *s);
void tp_scalar_strip5(const tp_strip *s);
void tp_scalar_strip3_by2(const tp_strip *s);

/* The same without stairs, of a stride of 1: sum [rows][columns] = start +
 * sum u w. */
void tp_scalar_strip3_sums(const tp_strip *s, int32_t *sum);
void tp_scalar_strip4_sums(const tp_strip *s, int32_t *sum);
void tp_scalar_strip5_sums(const tp_strip *s, int32_t *sum);

/* Some columns and rows of one channel of x. */
typedef struct tp_columns {
    const int8_t *x;
    int32_t right, below; /* bytes from column to column, from row to row */
    int32_t columns, rows;
    int32_t row; /* bytes from row to row of u */
} tp_columns;

/* u = x + 128 */
void tp_scalar_columns(const tp_columns *c, uint8_t *u);

#endif
