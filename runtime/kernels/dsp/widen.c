/* widen.S in C. */
#include "runtime/kernels/dsp/widen.h"

void tp_widen2(const int8_t *x0, const int8_t *x1, int32_t n, uint32_t *act) {
    for (int32_t i = 0; i < n; i++, x0 += 4, x1 += 4, act += 4) {
        const uint32_t v0 = tp_load32(x0) ^ 0x80808080u;
        const uint32_t v1 = tp_load32(x1) ^ 0x80808080u;
        act[0] = v0 << 1 & TP_WIDEN_MASK;
        act[1] = v1 << 1 & TP_WIDEN_MASK;
        act[2] = v0 >> 7 & TP_WIDEN_MASK;
        act[3] = v1 >> 7 & TP_WIDEN_MASK;
    }
}

void tp_widen2_rows(const int8_t *x0, const int8_t *x1, int32_t step, int32_t n,
                    uint32_t *act) {
    for (int32_t i = 0; i < n; i++, x0 += step, x1 += step, act += 4) {
        tp_widen2(x0, x1, 1, act);
    }
}

void tp_widen2_signed(const int8_t *x0, const int8_t *x1, int32_t n,
                      uint32_t *act) {
    for (int32_t i = 0; i < n; i++, x0 += 4, x1 += 4, act += 4) {
        const uint32_t v0 = tp_load32(x0);
        const uint32_t v1 = tp_load32(x1);
        act[0] = tp_sxtb16(v0);
        act[1] = tp_sxtb16(v1);
        act[2] = tp_sxtb16(v0 >> 8);
        act[3] = tp_sxtb16(v1 >> 8);
    }
}

/* Two bytes, bits 8 and 24 up, times two scales, rounded. */
static uint32_t scaled(uint32_t v, int32_t q) {
    const int32_t half = 1 << 15;
    const int32_t low = (int16_t)v * (int16_t)q + half;
    const int32_t high =
        (int16_t)(v >> 16) * (int16_t)((uint32_t)q >> 16) + half;
    return (uint32_t)low >> 16 | ((uint32_t)high & 0xFFFF0000u);
}

void tp_widen2_scaled(const int8_t *x0, const int8_t *x1, const int32_t *q,
                      int32_t n, uint32_t *act) {
    const uint32_t mask = 0xFF00FF00u;
    for (int32_t i = 0; i < n; i++, x0 += 4, x1 += 4, act += 4, q += 2) {
        const uint32_t v0 = tp_load32(x0);
        const uint32_t v1 = tp_load32(x1);
        act[0] = scaled(v0 << 8 & mask, q[0]);
        act[1] = scaled(v1 << 8 & mask, q[0]);
        act[2] = scaled(v0 & mask, q[1]);
        act[3] = scaled(v1 & mask, q[1]);
    }
}
