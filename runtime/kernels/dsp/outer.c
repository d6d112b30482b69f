/* outer.S in C. */
#include "runtime/kernels/dsp/outer.h"

void tp_dsp_outer(const int8_t *x, int32_t stride, const uint32_t *u,
                  const uint32_t *end, int32_t *acc) {
    for (int i = 0; i < TP_OUTER_CHANNELS * TP_OUTER_RANKS; i++) {
        acc[i] = 0;
    }
    for (; u < end; u += TP_OUTER_RANKS, x += 2 * stride) {
        for (int c = 0; c < TP_OUTER_CHANNELS; c++) {
            for (int r = 0; r < TP_OUTER_RANKS; r++) {
                acc[c * TP_OUTER_RANKS + r] +=
                    x[c] * (int16_t)u[r] +
                    x[stride + c] * (int16_t)(u[r] >> 16);
            }
        }
    }
}
