#include "runtime/kernels/dsp/pack.h"

/* 256 * w1 + w0 of rows r and r + 1. */
static uint32_t both(const tp_dsp_matrix *m, int32_t r, int32_t k) {
    const int8_t *w = m->w + r * m->row + k * m->col;
    if (k >= m->cols || r >= m->rows) {
        return 0;
    }
    const int32_t high = r + 1 < m->rows ? 256 * w[m->row] : 0;
    return (uint32_t)(high + w[0]) & 0xFFFFu;
}

void tp_dsp_pack(const tp_dsp_matrix *m, int32_t *to) {
    const int32_t pairs = tp_dsp_pairs(m->cols);
    for (int32_t g = 0; g < tp_dsp_groups(m->rows); g++) {
        const int32_t r = tp_dsp_first(m->rows, g);
        for (int32_t j = 0; j < pairs; j++) {
            const int32_t k = j / 2 * 4 + j % 2;
            *to++ = (int32_t)(both(m, r, k + 2) << 16 | both(m, r, k));
            *to++ = (int32_t)(both(m, r + 2, k + 2) << 16 | both(m, r + 2, k));
        }
    }
}
