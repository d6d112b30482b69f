/* What a parameter's gradient becomes while backward is still running, where
 * training keeps little state: it is added to a narrow accumulator, or the
 * weights are updated at once. Either way the wide gradient of one tensor is
 * all that ever exists. */
#include "core/master.h"
#include "core/rng.h"
#include "core/scaler.h"
#include "runtime/kernels/ref/grad_out.h"
#include "tinypeft/kernels.h"

#define ACC_BITS 4 /* an accumulator is this much finer than a gradient */

/* Adds one sample's gradient to the batch's, in 16 bits.
 *   op   n
 *   g    [in]     q32 [n]
 *   acc  [in/out] q16 [n], exponent s->e - 4
 *   s    [in/out] delayed scale of the gradient
 *       acc += saturate(round(g), 11 bits)
 * No overlap. Bound: 16 samples of at most 127 * 16 + 15 fit int16.
 * Cannot fail. Source: gradient accumulation. */
void tp_accumulate_q32_s16_ref(const tp_sgd *op, const tp_q32 *g, tp_q16 *acc,
                               tp_gscale *s) {
    const int shift = s->e - ACC_BITS - g->e;
    const int32_t most = (128 << ACC_BITS) - 1;
    for (int32_t i = 0; i < op->n; i++) {
        const int32_t v = tp_shift_round(g->v[i], shift);
        const int32_t fine = tp_clamp32(v, -most, most);
        s->peak |= tp_abs32(v) >> ACC_BITS;
        acc->v[i] =
            (int16_t)tp_clamp32(acc->v[i] + fine, -INT16_MAX, INT16_MAX);
    }
    acc->e = (int16_t)(s->e - ACC_BITS);
}

/* Rate times the real size of one unit of a gradient of exponent e, in units of
 * a master of exponent e_w; and this sample's norm, which the next samples'
 * rates follow. */
static tp_bfp factor_of(const tp_sgd *op, int32_t e, tp_bfp squares,
                        int32_t e_w, tp_online *state) {
    const tp_bfp unit = tp_bfp_of((uint32_t)op->unit.m, op->unit.s - 31 + e);
    state->sum =
        tp_bfp_add(state->sum, tp_bfp_mul(squares, tp_bfp_mul(unit, unit)));
    tp_bfp f = tp_bfp_mul(unit, state->rate);
    f.e -= e_w - TP_MASTER_LOW;
    return f;
}

/* One update of int8 weights from one sample: w = w - rate * g, rounded
 * stochastically at the master's last bit.
 *   op     n, index, unit
 *   g      [in]     q32  [n], real gradient g * unit
 *   w      [in/out] q8   [n]; its exponent rises where a weight needs it
 *   low    [in/out] int8 [n], the masters' low bytes
 *   state  [in/out] rate and random numbers; the norm is brought up to date
 * No overlap. Bound: tp_master_update() says it.
 * Cannot fail. Source: stochastic rounding, Gupta et al. 2015,
 * arXiv:1502.02551. */
void tp_sgd_q8_ref(const tp_sgd *op, const tp_q32 *g, tp_q8 *w, int8_t *low,
                   tp_online *state) {
    const tp_bfp f =
        factor_of(op, g->e, tp_squares32(g->v, (uint32_t)op->n), w->e, state);
    uint32_t rng = tp_rng_seed(state->rng + (uint32_t)op->index);
    tp_master_update_q8(w, low, (tp_grads){.v32 = g->v, .n = (uint32_t)op->n},
                        f, &rng);
}

/* The same for int16 weights in units of 2^-13. */
void tp_sgd_s16_ref(const tp_sgd *op, const tp_q32 *g, int16_t *w, int8_t *low,
                    tp_online *state) {
    const tp_bfp f = factor_of(op, g->e, tp_squares32(g->v, (uint32_t)op->n),
                               -TP_WEIGHT_BITS, state);
    const tp_scaler s = tp_scaler_of_bfp(f, 0);
    for (int32_t i = 0; i < op->n; i++) {
        tp_master_move_s16(&w[i], &low[i], tp_scaled(&s, g->v[i]));
    }
}

static void move_far(const tp_scaler *s, const int8_t *dy, int32_t n,
                     int16_t *b, int8_t *low) {
    for (int32_t i = 0; i < n; i++) {
        tp_master_move_s16(&b[i], &low[i], tp_scaled(s, dy[i]));
    }
}

/* The same for biases of a single pixel, whose gradient is that of the output.
 *   dy  [in] q8 [n]
 * Bound: n * 2^14 < 2^32 for n <= 2^17. */
void tp_bias_sgd_s16_ref(const tp_sgd *op, const tp_q8 *dy, int16_t *b,
                         int8_t *low, tp_online *state) {
    uint32_t squares = 0;
    for (int32_t i = 0; i < op->n; i++) {
        squares += (uint32_t)(dy->v[i] * dy->v[i]);
    }
    const tp_bfp f =
        factor_of(op, dy->e, tp_bfp_of(squares, 0), -TP_WEIGHT_BITS, state);
    const tp_scaler s = tp_scaler_of_bfp(f, 0);
    const int32_t m = s.m;
    const int up = s.up;
    const int down = s.down;
    const int32_t n = op->n;
    if (!tp_scaler_near(&s, 127)) {
        move_far(&s, dy->v, n, b, low);
        return;
    }
    const int8_t *d = dy->v;
    for (const int8_t *const end = d + n; d < end; d++) {
        tp_master_move_s16(b++, low++, tp_scaled_near(m, up, down, *d));
    }
}
