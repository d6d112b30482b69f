#include "runtime/kernels/scalar/sums.h"

void tp_scalar_sums2(const uint8_t *u, const uint8_t *w, int32_t n,
                     int32_t *sum) {
    const uint8_t *end = u + 2 * n;
    uint32_t a[TP_SUMS_GROUP];
    uint32_t b[TP_SUMS_GROUP];
#pragma GCC unroll 4
    for (int c = 0; c < TP_SUMS_GROUP; c++) {
        a[c] = (uint32_t)sum[2 * c];
        b[c] = (uint32_t)sum[2 * c + 1];
    }
    do {
#pragma GCC unroll 4
        for (int k = 0; k < 4; k++) {
#pragma GCC unroll 4
            for (int c = 0; c < TP_SUMS_GROUP; c++) {
                a[c] += (uint32_t)u[2 * k] * w[4 * k + c];
                b[c] += (uint32_t)u[2 * k + 1] * w[4 * k + c];
            }
        }
        u += 8;
        w += 16;
    } while (u < end);
#pragma GCC unroll 4
    for (int c = 0; c < TP_SUMS_GROUP; c++) {
        sum[2 * c] = (int32_t)a[c];
        sum[2 * c + 1] = (int32_t)b[c];
    }
}

void tp_scalar_sums1(const uint8_t *u, const uint8_t *w, int32_t n,
                     int32_t *sum) {
    const uint8_t *end = u + n;
    uint32_t a[TP_SUMS_GROUP];
#pragma GCC unroll 4
    for (int c = 0; c < TP_SUMS_GROUP; c++) {
        a[c] = (uint32_t)sum[c];
    }
    do {
#pragma GCC unroll 4
        for (int k = 0; k < 4; k++) {
#pragma GCC unroll 4
            for (int c = 0; c < TP_SUMS_GROUP; c++) {
                a[c] += (uint32_t)u[k] * w[4 * k + c];
            }
        }
        u += 4;
        w += 16;
    } while (u < end);
#pragma GCC unroll 4
    for (int c = 0; c < TP_SUMS_GROUP; c++) {
        sum[c] = (int32_t)a[c];
    }
}
