/* Weights in the order in which the tiles of tile.h read them. The compiler
 * packs those of the base, kernels those of an adapter, for each call. */
#ifndef TP_KERNELS_DSP_PACK_H
#define TP_KERNELS_DSP_PACK_H

#include <stdint.h>

/* A matrix of int8: an element of row r and column k is w[r * row + k * col].
 * Each row makes one output; they are taken in groups of four, the last of
 * which overlaps the one before it, or has rows of 0 where there are fewer than
 * four rows. Columns are padded with 0. */
typedef struct tp_dsp_matrix {
    const int8_t *w;
    int32_t rows, cols;
    int32_t row, col; /* strides */
} tp_dsp_matrix;

static inline int32_t tp_dsp_groups(int32_t rows) {
    return (rows + 3) / 4;
}

/* Pairs of columns, even. */
static inline int32_t tp_dsp_pairs(int32_t cols) {
    return (cols + 3) / 4 * 2;
}

/* The first row of a group. */
static inline int32_t tp_dsp_first(int32_t rows, int32_t group) {
    return rows < 4 || 4 * group <= rows - 4 ? 4 * group : rows - 4;
}

/* Words of scratch for the product of two pixels with a matrix that is packed
 * for it: activations, weights, what sums start from, outputs of two bytes. */
static inline int32_t tp_dsp_narrow_words(int32_t rows, int32_t cols) {
    const int32_t groups = tp_dsp_groups(rows);
    return 2 * tp_dsp_pairs(cols) * (1 + groups) + 8 * groups;
}

/* The same of a matrix alone, and of what its sums start from. */
static inline int32_t tp_dsp_a_words(int32_t rows, int32_t cols) {
    return tp_dsp_groups(rows) * (2 * tp_dsp_pairs(cols) + 4);
}

/* to [groups][pairs][2]. Weights of -128 beside negative ones do not fit. */
void tp_dsp_pack(const tp_dsp_matrix *m, int32_t *to);

/* The next four of n bytes as a word, those behind n 0. */
uint32_t tp_dsp_part(const int8_t *from, int32_t n);

/* What the sums of each group start from, `each` times those of the rows,
 * packed as sums.h has it: start [groups][4]. Columns follow each other.
 * Bound: 257 * |each| * 127 * cols < 2^31. */
void tp_dsp_starts(const tp_dsp_matrix *m, int32_t each, int32_t *start);

#endif
