/* CONV_2D and FULLY_CONNECTED of what tile.h has no code for: few output
 * channels, dilation, narrow clamp ranges, scales out of its bounds. Weights as
 * they are in the file, two output channels at a time. */
#include "runtime/kernels/dsp/simd.h"
#include "runtime/kernels/ref/conv.h"
#include "tinypeft/kernels.h"

/* Bytes of x, and the weights of two channels, that belong together. */
typedef struct run {
    const int8_t *x, *w0, *w1;
    int32_t n;
} run;

/* acc[j] += sum (x - zp) * w over one run; `zero` is zp in both halves.
 * Differences are in [-255, 255]: int16. */
static inline void dot2(run r, uint32_t zero, int32_t *acc) {
    const int8_t *end = r.x + r.n / 4 * 4;
    int32_t a0 = acc[0];
    int32_t a1 = acc[1];
    for (; r.x < end; r.x += 4, r.w0 += 4, r.w1 += 4) {
        const uint32_t x = tp_load32(r.x);
        const uint32_t w0 = tp_load32(r.w0);
        const uint32_t w1 = tp_load32(r.w1);
        const uint32_t even = tp_ssub16(tp_sxtb16(x), zero);
        const uint32_t odd = tp_ssub16(tp_sxtb16_odd(x), zero);
        a0 = tp_smlad(even, tp_sxtb16(w0), a0);
        a1 = tp_smlad(even, tp_sxtb16(w1), a1);
        a0 = tp_smlad(odd, tp_sxtb16_odd(w0), a0);
        a1 = tp_smlad(odd, tp_sxtb16_odd(w1), a1);
    }
    for (int32_t i = 0; i < r.n % 4; i++) {
        const int32_t x = r.x[i] - (int16_t)zero;
        a0 += x * r.w0[i];
        a1 += x * r.w1[i];
    }
    acc[0] = a0;
    acc[1] = a1;
}

/* The sums of channels c0 and c1 over a window. */
static void window2(const tp_conv2d *op, const tp_window *v, const int8_t *x,
                    const int32_t oc[2], int32_t *acc) {
    const int32_t row = op->k_h * op->k_w * op->in_c;
    const int32_t x_row = op->dil_h * op->in_w * op->in_c;
    const uint32_t zero = tp_pack_low((uint32_t)op->x_zp, (uint32_t)op->x_zp);
    acc[0] = acc[1] = 0;
    for (int32_t ky = 0; ky < v->rows; ky++) {
        for (int32_t kx = 0; kx < v->runs; kx++) {
            const int8_t *w = op->w + v->w + (ky * op->k_w + kx) * op->in_c;
            const run r = {x + v->x + ky * x_row + kx * op->dil_w * v->run,
                           w + oc[0] * row, w + oc[1] * row, v->run};
            dot2(r, zero, acc);
        }
    }
}

/* conv2d_s8_fwd_ref, byte for byte.
 *   op, x, b, y  as there
 * y may lie over x as there: a window is read for every two channels, an odd
 * last one with itself. Bounds as there: sums of any part of a window are
 * within the bound of tp_conv2d. Cannot fail. */
void tp_conv2d_any_s8_fwd_dsp(const tp_conv2d *op, const int8_t *x,
                              const int32_t *b, int8_t *y) {
    const int32_t pixels = op->out_h * op->out_w;
    for (int32_t i = 0; i < pixels; i++) {
        const int32_t p = tp_walk(op->reverse, i, pixels);
        const tp_window v = tp_window_at(op, p / op->out_w, p % op->out_w);
        int8_t *out = y + p * op->out_c;
        for (int32_t c = 0; c < op->out_c; c += 2) {
            const int32_t oc[2] = {c, tp_min32(c + 1, op->out_c - 1)};
            int32_t acc[2];
            window2(op, &v, x, oc, acc);
            for (int32_t j = 0; j < 2; j++) {
                const int32_t sum = tp_add_wrap(acc[j], b[oc[j]]);
                out[oc[j]] = tp_requantise(op, NULL, oc[j], sum);
            }
        }
    }
}
