#include "runtime/kernels/dsp/pack.h"

#include <stdbool.h>

#include "runtime/kernels/dsp/simd.h"

/* 256 * w1 + w0 of rows r and r + 1. */
static uint32_t both(const tp_dsp_matrix *m, int32_t r, int32_t k) {
    const int8_t *w = m->w + r * m->row + k * m->col;
    if (k >= m->cols || r >= m->rows) {
        return 0;
    }
    const int32_t high = r + 1 < m->rows ? 256 * w[m->row] : 0;
    return (uint32_t)(high + w[0]) & 0xFFFFu;
}

/* A pair of rows: bytes 0 and 2 of two words, bytes 1 and 3. */
static inline uint32_t even_bytes(uint32_t w0, uint32_t w1) {
    return tp_add16(tp_sxtb16(w0), w1 << 8 & 0xFF00FF00u);
}

static inline uint32_t odd_bytes(uint32_t w0, uint32_t w1) {
    return tp_add16(tp_sxtb16_odd(w0), w1 & 0xFF00FF00u);
}

/* A group whose columns follow each other, a multiple of four. */
static int32_t *pack_words(const tp_dsp_matrix *m, int32_t r, int32_t *to) {
    const int8_t *w = m->w + r * m->row;
    const int8_t *end = w + m->cols;
    for (; w < end; w += 4, to += 4) {
        const uint32_t w0 = tp_load32(w);
        const uint32_t w1 = tp_load32(w + m->row);
        const uint32_t w2 = tp_load32(w + 2 * m->row);
        const uint32_t w3 = tp_load32(w + 3 * m->row);
        to[0] = (int32_t)even_bytes(w0, w1);
        to[1] = (int32_t)even_bytes(w2, w3);
        to[2] = (int32_t)odd_bytes(w0, w1);
        to[3] = (int32_t)odd_bytes(w2, w3);
    }
    return to;
}

static int32_t *pack_any(const tp_dsp_matrix *m, int32_t r, int32_t *to) {
    for (int32_t j = 0; j < tp_dsp_pairs(m->cols); j++) {
        const int32_t k = j / 2 * 4 + j % 2;
        *to++ = (int32_t)(both(m, r, k + 2) << 16 | both(m, r, k));
        *to++ = (int32_t)(both(m, r + 2, k + 2) << 16 | both(m, r + 2, k));
    }
    return to;
}

void tp_dsp_pack(const tp_dsp_matrix *m, int32_t *to) {
    const bool words = m->col == 1 && m->cols % 4 == 0 && m->rows >= 4;
    for (int32_t g = 0; g < tp_dsp_groups(m->rows); g++) {
        const int32_t r = tp_dsp_first(m->rows, g);
        to = words ? pack_words(m, r, to) : pack_any(m, r, to);
    }
}

uint32_t tp_dsp_part(const int8_t *from, int32_t n) {
    uint32_t v = 0;
    if (n >= 4) {
        return tp_load32(from);
    }
    for (int32_t i = 0; i < n; i++) {
        v |= (uint32_t)(uint8_t)from[i] << 8 * i;
    }
    return v;
}

static int32_t row_sum(const tp_dsp_matrix *m, int32_t r) {
    const int8_t *w = m->w + r * m->row;
    int32_t sum = 0;
    int32_t k = 0;
    for (; k + 4 <= m->cols; k += 4) {
        const uint32_t v = tp_load32(w + k);
        sum = tp_smlad(tp_sxtb16(v), 0x00010001u, sum);
        sum = tp_smlad(tp_sxtb16_odd(v), 0x00010001u, sum);
    }
    for (; k < m->cols; k++) {
        sum += w[k];
    }
    return sum;
}

void tp_dsp_starts(const tp_dsp_matrix *m, int32_t each, int32_t *start) {
    for (int32_t g = 0; g < tp_dsp_groups(m->rows); g++, start += 4) {
        for (int32_t i = 0; i < 4; i++) {
            const int32_t r = tp_dsp_first(m->rows, g) + i;
            start[i] = r < m->rows ? each * row_sum(m, r) : 0;
        }
        start[1] = 256 * start[1] + start[0];
        start[3] = 256 * start[3] + start[2];
    }
}
