/* eltwise_rows.S in C: the same bytes, for cores without the DSP extension and
 * as its test. */
#include "runtime/kernels/dsp/eltwise_rows.h"

#include "core/fixed.h"
#include "runtime/kernels/dsp/simd.h"

/* As in eltwise_rows.h, but not yet shifted. */
static int32_t scaled(int32_t x2, int32_t m, int32_t half) {
    return tp_smmulr(x2, m) + half + (x2 >> 31);
}

static int8_t saturated(int32_t v) {
    return (int8_t)tp_clamp32(v, -128, 127);
}

/* The signs are 1 or -1. */
static void sum(const tp_dsp_sum *r, int32_t sign_small, int32_t sign_large) {
    for (int32_t i = 0; i < r->n; i++) {
        const int32_t x2 = r->small[i] * (1 << 21) + r->x0;
        const int32_t t = scaled(x2, r->m, r->half) >> r->e;
        const int32_t q2 =
            r->large[i] * sign_large * (1 << 20) + r->q0 + 2 * sign_small * t;
        r->y[i] = saturated(scaled(q2, r->y_m, r->y_r) >> r->y_e);
    }
}

void tp_dsp_row_add(const tp_dsp_sum *r) {
    sum(r, 1, 1);
}

void tp_dsp_row_sub(const tp_dsp_sum *r) {
    sum(r, -1, 1);
}

void tp_dsp_row_minus(const tp_dsp_sum *r) {
    sum(r, 1, -1);
}

void tp_dsp_row_mul(const tp_dsp_product *r) {
    for (int32_t i = 0; i < r->n; i++) {
        const int32_t p2 = (2 * r->a[i] + r->a0) * (r->b[i] + r->b0);
        r->y[i] = saturated(scaled(p2, r->y_m, r->y_r) >> r->y_e);
    }
}
