/* Trained scales of output channels: IA3, Liu et al. 2022, arXiv:2205.05638.
 * They multiply the accumulator, bias included, and so cost nothing where it is
 * requantised anyway: one factor a channel takes the place of another. */
#include "runtime/kernels/ref/conv.h"
#include "tinypeft/kernels.h"

#define ONE_BITS 13 /* fraction bits of 1 + t */

/* 1 + t in 2^-13, within [2^-4, 4 - 2^-13]. */
static int32_t gain(int16_t t) {
    return tp_clamp32((1 << ONE_BITS) + t, 1 << (ONE_BITS - 4),
                      (4 << ONE_BITS) - 1);
}

/* m * 2^(s - 31) * gain * 2^-13, the mantissa rounded to 31 bits: exact where
 * the gain is 1. What leaves the range of a tp_factor is 0, or its largest.
 *
 * With the gain doubled until it is in [2^14, 2^15), m gain is in [2^44, 2^46):
 * over 2^15, which is the upper word of it times 2^17, it has 31 bits or 30,
 * and then it is taken over 2^14. */
static tp_factor multiply(int32_t m, int32_t s, int32_t gain) {
    int32_t shift = s + 15 - ONE_BITS;
    for (; gain < 1 << 14; gain *= 2) {
        shift--;
    }
    const uint64_t p = (uint64_t)(uint32_t)m * ((uint32_t)gain << 17);
    const uint32_t high = (uint32_t)(p >> 32);
    const uint32_t low = (uint32_t)p;
    uint32_t product = high + (low >> 31);
    if (high < UINT32_C(1) << 30) {
        product = 2 * high + (low >> 31) + (low >> 30 & 1u);
        shift--;
    }
    if (product == UINT32_C(1) << 31) {
        product /= 2;
        shift++;
    }
    if (m == 0 || shift < -31) {
        return (tp_factor){0, 0};
    }
    return shift > 30 ? (tp_factor){INT32_MAX, 30}
                      : (tp_factor){(int32_t)product, shift};
}

/* The factors with which a convolution is to requantise.
 *   op  n channels; m, s: the base's factors
 *   t   [in]  int16 [n], units of 2^-13
 *   f   [out] tp_factor [n] = (m, s) * (1 + t), 1 + t held within
 *       [2^-4, 4 - 2^-13]; the base's own where t is 0
 * Bound: m * (1 + t) < 2^46 in int64.
 * Cannot fail. Source: arXiv:2205.05638, section 3.3. */
void tp_rescale_s16_fwd_ref(const tp_rescale *op, const int16_t *t,
                            tp_factor *f) {
    for (int32_t c = 0; c < op->n; c++) {
        f[c] = multiply(op->m[c], op->s[c], gain(t[c]));
    }
}

/* Gradient to the accumulator, in real units.
 *   op  n channels, `pixels` pixels
 *   dy  [in]  q8 [pixels][n]
 *   t   [in]  int16 [n]
 *   dx  [out] q8 [pixels][n] = dy * (1 + t), exponent g->e; may be dy
 *   g   [in/out] delayed scale of dx
 * Bound: 127 * 2^15.
 * Cannot fail. Source: chain rule. */
void tp_rescale_q8_bwd_x_ref(const tp_rescale *op, const tp_q8 *dy,
                             const int16_t *t, tp_q8 *dx, tp_gscale *g) {
    const int shift = g->e - (dy->e - ONE_BITS);
    const int32_t count = op->pixels * op->n;
    for (int32_t i = 0; i < count; i += op->n) {
        for (int32_t c = 0; c < op->n; c++) {
            dx->v[i + c] = tp_grad_out(g, dy->v[i + c] * gain(t[c]), shift);
        }
    }
    dx->e = g->e;
}

/* x / y, y > 0, halves away from zero. */
static int64_t divide(int64_t x, int32_t y) {
    return (x + (x < 0 ? -(y / 2) : y / 2)) / y;
}

/* Gradient to the scales, added to the batch's. The accumulator is not kept:
 * its real value is (y - y_zp) s_y / (1 + t) where y was not clamped, and dy is
 * 0 where it was.
 *   op  n channels, `pixels` pixels, y_zp, acc_shift in [0, 13]
 *   y   [in]     int8  [pixels][n], the convolution's output
 *   dy  [in]     q8    [pixels][n], masked
 *   t   [in]     int16 [n]
 *   dt  [in/out] q32   [n], exponent dy.e + acc_shift, real over s_y
 *       dt[c] += round(sum over pixels dy * (y - y_zp) / (1 + t[c])
 *                      * 2^-acc_shift)
 * No overlap. Bound, kept by the planner: pixels * 127 * 255 < 2^31; 16 times
 * that, and acc_shift such that 256 samples fit int32.
 * Cannot fail. Source: chain rule. */
void tp_rescale_s8_bwd_w_ref(const tp_rescale *op, const int8_t *y,
                             const tp_q8 *dy, const int16_t *t, tp_q32 *dt) {
    const int32_t up = ONE_BITS - op->acc_shift;
    for (int32_t first = 0; first < op->n; first += TP_CONV_TILE) {
        const int32_t n = tp_min32(op->n - first, TP_CONV_TILE);
        int32_t acc[TP_CONV_TILE] = {0};
        for (int32_t p = 0; p < op->pixels; p++) {
            const int32_t at = p * op->n + first;
            for (int32_t c = 0; c < n; c++) {
                acc[c] += dy->v[at + c] * (y[at + c] - op->y_zp);
            }
        }
        for (int32_t c = 0; c < n; c++) {
            const int64_t sum = (int64_t)acc[c] * (1 << up);
            dt->v[first + c] += (int32_t)divide(sum, gain(t[first + c]));
        }
    }
    dt->e = dy->e + op->acc_shift;
}
