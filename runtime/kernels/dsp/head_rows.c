/* head_rows.S in C. */
#include "runtime/kernels/dsp/head_rows.h"

#include "runtime/kernels/dsp/simd.h"

/* Feature i of widened ones. */
static int32_t feature(const uint32_t *act, int32_t i) {
    const uint32_t word = act[i / 4 * 2 + i % 2];
    return (int16_t)(i % 4 < 2 ? word : word >> 16);
}

void tp_dsp_rows_widen(const int8_t *x, const int8_t *end, uint32_t minus,
                       uint32_t *act) {
    const int32_t zero = -(int16_t)minus;
    for (; x < end; x += 4, act += 2) {
        for (int j = 0; j < 2; j++) {
            act[j] = (uint32_t)(x[j] - zero) & 0xFFFFu;
            act[j] |= (uint32_t)(x[j + 2] - zero) << 16;
        }
    }
}

void tp_dsp_rows_look(const int8_t *x, const int8_t *end, uint32_t *act,
                      uint32_t out[2]) {
    out[0] = out[1] = 0;
    for (; x < end; x += 4, act += 2) {
        act[0] = act[1] = 0;
        for (int j = 0; j < 4; j++) {
            const uint32_t u = (uint32_t)(x[j] + 128);
            act[j % 2] |= u << (j / 2 * 16);
            out[0] += u * u;
            out[1] |= u << (8 * j);
        }
    }
}

uint64_t tp_dsp_rows_dot(const uint32_t *act, const uint32_t *end,
                         const int8_t *w0, const int8_t *w1) {
    const int32_t n = (int32_t)(end - act) * 2;
    int32_t a = 0;
    int32_t b = 0;
    for (int32_t i = 0; i < n; i++) {
        a += feature(act, i) * w0[i];
        b += feature(act, i) * w1[i];
    }
    return (uint64_t)(uint32_t)b << 32 | (uint32_t)a;
}

void tp_dsp_rows_move(const uint32_t *act, int32_t row, int8_t *w,
                      int32_t blocks, uint16_t *masters) {
    for (; blocks > 0; blocks--, w += 4) {
        for (int j = 0; j < 2; j++, masters += 2) {
            const uint32_t two = tp_load32(masters) - *act++ * (uint32_t)row;
            tp_store32(masters, two);
            w[j] = (int8_t)(two >> 8 ^ 0x80u);
            w[j + 2] = (int8_t)(two >> 24 ^ 0x80u);
        }
    }
}
