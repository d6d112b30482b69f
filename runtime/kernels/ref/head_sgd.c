/* One update of a head's weights from one sample, without the gradient ever
 * being written down. */
#include "runtime/kernels/ref/head_sgd.h"

#include <string.h>

#include "tinypeft/kernels.h"

tp_bfp tp_head_factor(const tp_head_sgd *op, int32_t e, uint32_t x_squares,
                      uint32_t dz_squares, int32_t e_w, tp_online *state) {
    const tp_bfp unit = tp_bfp_of((uint32_t)op->unit.m, op->unit.s - 31 + e);
    const tp_bfp squares = tp_bfp_of((uint64_t)x_squares * dz_squares, 0);
    state->sum =
        tp_bfp_add(state->sum, tp_bfp_mul(squares, tp_bfp_mul(unit, unit)));
    tp_bfp f = tp_bfp_mul(unit, state->rate);
    f.e -= e_w - TP_MASTER_LOW;
    return f;
}

/* Where master (c, k) lies. */
static uint16_t *place(const tp_head_sgd *op, tp_masters *m, int32_t c,
                       int32_t k) {
    const uint32_t row = tp_masters_row((uint32_t)op->in_c);
    return &m->v[(uint32_t)c * row + tp_masters_at((uint32_t)k)];
}

/* A master is stored, and its weight with it. */
static int8_t put(uint16_t *to, int32_t master) {
    const int32_t plus = master + 128;
    *to = (uint16_t)(plus + 32768);
    return (int8_t)(plus >> 8);
}

/* All masters times 2^-rise; at first they are made from the weights. */
static void raise(const tp_head_sgd *op, tp_q8 *w, tp_masters *m,
                  int32_t rise) {
    const int32_t half = rise > 0 ? (1 << rise) >> 1 : 0;
    for (int32_t c = 0; c < op->classes; c++) {
        int8_t *row = w->v + c * op->in_c;
        for (int32_t k = 0; k < op->in_c; k++) {
            uint16_t *to = place(op, m, c, k);
            const int32_t old = m->room == 0 ? row[k] * 256 : *to - 32768 - 128;
            row[k] = put(to, (old + half) >> rise);
        }
    }
    w->e = (int8_t)(w->e + rise);
}

int32_t tp_head_make_room(const tp_head_sgd *op, tp_q8 *w, tp_masters *m,
                          int32_t most, int32_t rise, int32_t need) {
    const int32_t peak = most * 256 + 128;
    const int32_t wanted = tp_max32(need + 1, TP_HEAD_LEAST_ROOM);
    rise = tp_min32(rise, 31);
    while (TP_HEAD_MOST - ((peak >> rise) + 1) < wanted) {
        rise++;
    }
    if (rise > 0 || m->room == 0) {
        raise(op, w, m, tp_min32(rise, 24));
    }
    m->room = TP_HEAD_MOST - ((peak >> rise) + 1);
    return rise;
}

static tp_features look_at(const int8_t *x, int32_t n) {
    tp_features f = {0, 0, 0};
    for (int32_t i = 0; i < n; i++) {
        const uint32_t u = (uint32_t)(x[i] + 128);
        f.squares += u * u;
        f.sum += u;
        f.peak |= u;
    }
    return f;
}

static int32_t largest(const int8_t *w, int32_t n) {
    int32_t most = 0;
    for (int32_t i = 0; i < n; i++) {
        most = tp_max32(most, w[i] < 0 ? -w[i] : w[i]);
    }
    return most;
}

/* Masters of a row less row * (x - x_zp). */
static void move(const tp_head_sgd *op, const int8_t *x, int32_t c, int32_t row,
                 int8_t *w, tp_masters *m) {
    for (int32_t k = 0; k < op->in_c; k++) {
        uint16_t *to = place(op, m, c, k);
        w[k] = put(to, *to - 32768 - 128 - row * (x[k] - op->x_zp));
    }
}

/* Weights of a head from one sample: w = w - rate * dz x, the integer of each
 * row rounded stochastically.
 *   op     in_c, classes, x_zp, index, unit: real gradient dz[c] (x[k] - x_zp)
 *          * 2^dz.e * unit
 *   x      [in]     int8 [in_c], zero point x_zp
 *   dz     [in]     q8   [classes], within [-127, 127]
 *   w      [in/out] q8   [classes][in_c]; its exponent rises where the weights
 *          may come to need it
 *   m      [in/out] their masters, and how far all of these are from the ends
 * of their range state  [in/out] rate and random numbers; the norm is brought
 * up to date
 *
 * No overlap. Bound: room says that no master leaves its range: each step takes
 * from it the most that a weight can move, |row| |x - x_zp| <= 64 * 255. Only
 * when it is used up are the weights looked at again.
 * Cannot fail. Source: stochastic rounding, Gupta et al. 2015,
 * arXiv:1502.02551, here of the factor that a row shares: its expectation is
 * right, and so is that of each weight. */
void tp_head_sgd_q8_ref(const tp_head_sgd *op, const int8_t *x, const tp_q8 *dz,
                        tp_q8 *w, tp_masters *m, tp_online *state) {
    const int32_t z = op->x_zp + 128;
    const tp_features features = look_at(x, op->in_c);
    const int32_t reach = tp_features_reach(&features, z);
    const tp_logit_grads g = tp_logit_grads_of(dz->v, op->classes);
    const tp_bfp f =
        tp_head_factor(op, dz->e, tp_features_squares(&features, op->in_c, z),
                       g.squares, w->e, state);
    int32_t rise = tp_head_rise(f, &g);
    tp_head_step step = tp_head_step_of(f, rise, &g, reach);
    if (rise > 0 || step.need >= m->room) {
        const int32_t most = largest(w->v, op->in_c * op->classes);
        rise = tp_head_make_room(op, w, m, most, rise, step.need);
        step = tp_head_step_of(f, rise, &g, reach);
    }
    m->room -= step.need;
    uint32_t rng = tp_rng_seed(state->rng + (uint32_t)op->index);
    for (int32_t c = 0; c < op->classes; c++) {
        const int32_t row = tp_head_row(dz->v[c], step.factor, &rng);
        if (row != 0) {
            move(op, x, c, row, w->v + c * op->in_c, m);
        }
    }
}
