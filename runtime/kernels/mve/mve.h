/* What the `mve` kernels do with vectors. helium.c has it for cores with
 * Helium, twin.c for all other machines: the same bytes. */
#ifndef TP_KERNELS_MVE_MVE_H
#define TP_KERNELS_MVE_MVE_H

#include <stdint.h>

#include "runtime/kernels/dsp/eltwise_rows.h"

/* Of a group of channels the table has start, m and -e, a vector each: dense
 * layers have groups of four; depthwise ones of eight, whose even channels lie
 * before the odd ones, where widening puts them. The sum of a channel is
 *   A = start + sum x w, mod 2^32, the bytes of x as they are,
 * and its output  clamp(mbqm(A, m, s) + zp),  e = -s in [0, 31]. */
#define TP_MVE_DENSE 4
#define TP_MVE_DEPTHWISE 8
#define TP_MVE_TABLE 3 /* words of a channel */

typedef struct tp_mve_layer {
    const int8_t
        *w; /* dense: [groups][blocks][4][16]; depthwise: [k_h][k_w][8] */
    const int32_t *channel;
    int32_t zp, min, max;
} tp_mve_layer;

/* Rows of x as a depthwise layer sees them: columns of eight channels, in a
 * ring of rows. */
typedef struct tp_mve_rows {
    const int8_t *first; /* row of the window, first column */
    const int8_t *end;   /* of the ring */
    int32_t row, ring;   /* bytes of a row, of the ring */
    int32_t k_h, k_w;
    int32_t step;     /* bytes from window to window */
    int32_t n;        /* windows */
    int32_t channels; /* 1..8 of them */
    int32_t out_c;    /* bytes from output to output */
} tp_mve_rows;

/* n >= 0 bytes. */
void tp_mve_copy(const int8_t *from, int32_t n, int8_t *to);
void tp_mve_fill(int8_t v, int32_t n, int8_t *to);
/* Eight bytes of each column, of which `channels` count; `step` bytes of x from
 * column to column. Reads no others. */
void tp_mve_columns(const int8_t *from, int32_t n, int32_t step,
                    int32_t channels, int8_t *to);
/* One pixel of n >= 4 channels, blocks >= 1 of 16 products each. Where n is no
 * multiple of four the last group overlaps the one before. */
void tp_mve_dots(const tp_mve_layer *l, const int8_t *x, int32_t blocks,
                 int32_t n, int8_t *y);
/* Row of the output, one group of channels. Two products of any x and w fit 16
 * bits: w > -128. */
void tp_mve_taps(const tp_mve_layer *l, const tp_mve_rows *r, int8_t *y);

/* As tp_dsp_row_add() and the others of eltwise_rows.h. */
void tp_mve_row_add(const tp_dsp_sum *r);
void tp_mve_row_sub(const tp_dsp_sum *r);
void tp_mve_row_minus(const tp_dsp_sum *r);
void tp_mve_row_mul(const tp_dsp_product *r);

#endif
