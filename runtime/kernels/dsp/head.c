/* Heads on cores with the DSP extension: as in runtime/kernels/ref/head.c and
 * head_sgd.c, byte for byte, four features at a time. */
#include "runtime/kernels/ref/head.h"
#include "runtime/kernels/dsp/head_rows.h"
#include "runtime/kernels/dsp/simd.h"
#include "runtime/kernels/ref/head_sgd.h"
#include "tinypeft/kernels.h"

/* --- forward -------------------------------------------------------------- */

/* Sums of all classes. Two at a time; where one is left it is computed twice.
 */
static void sums_of(const tp_head *op, const int8_t *x, const tp_q8 *w,
                    uint32_t *act, int32_t *sum) {
    const uint32_t *end = act + op->in_c / 2;
    const int8_t *row = w->v;
    tp_dsp_rows_widen(x, x + op->in_c,
                      ((uint32_t)-op->x_zp & 0xFFFFu) * 0x10001u, act);
    for (int32_t left = op->classes; left > 0; left -= 2) {
        const int8_t *next = left > 1 ? row + op->in_c : row;
        const uint64_t two = tp_dsp_rows_dot(act, end, row, next);
        *sum++ = (int32_t)two;
        *sum++ = (int32_t)(two >> 32);
        row = next + op->in_c;
    }
}

/* All of them in units of 2^-8, held within 2^16: what is added has 16 bits.
 * |sum| <= in_c * 255 * 127. */
static const int32_t *logits(const tp_head *op, const int8_t *x, const tp_q8 *w,
                             uint32_t *scratch) {
    int32_t *sum = (int32_t *)scratch + op->in_c / 2;
    int32_t *const end = sum + op->classes;
    const tp_scaler s = tp_logit_scaler(op, w);
    const int32_t m = s.m;
    const int up = s.up;
    const int down = s.down;
    sums_of(op, x, w, scratch, sum);
    if (tp_scaler_near(&s, (uint32_t)op->in_c * 32385u)) {
        for (int32_t *v = sum; v < end; v++) {
            *v = tp_sat17(tp_scaled_near(m, up, down, *v));
        }
    } else {
        for (int32_t *v = sum; v < end; v++) {
            *v = tp_sat17(tp_scaled(&s, *v));
        }
    }
    return sum;
}

/* head_q8_fwd_ref, byte for byte, of a multiple of 4 features.
 *   op, x, w, b, z  as there
 *   scratch         uint32 [in_c / 2], then [classes], an even number
 * Bounds as there. Cannot fail. */
void tp_head_q8_fwd_dsp(const tp_head *op, const int8_t *x, const tp_q8 *w,
                        const int16_t *b, int16_t *z, uint32_t *scratch) {
    const int32_t *sum = logits(op, x, w, scratch);
    for (int32_t c = 0; c < op->classes; c++) {
        z[c] = (int16_t)tp_sat16(sum[c] + ((b[c] + 16) >> 5));
    }
}

/* head_add_q8_fwd_ref, in the same way. */
void tp_head_add_q8_fwd_dsp(const tp_head *op, const int16_t *z,
                            const int8_t *x, const tp_q8 *w, int16_t *y,
                            uint32_t *scratch) {
    const int32_t *sum = logits(op, x, w, scratch);
    for (int32_t c = 0; c < op->classes; c++) {
        y[c] = (int16_t)tp_sat16(sum[c] + z[c]);
    }
}

/* --- update --------------------------------------------------------------- */

/* The largest magnitude of n int8, n a multiple of 4; of int8 in words. */
static int32_t largest(const int8_t *w, int32_t n) {
    uint32_t high = 0;
    uint32_t low = 0;
    for (int32_t i = 0; i < n; i += 4) {
        const uint32_t v = tp_load32(w + i);
        high = tp_max8(high, v);
        low = tp_min8(low, v);
    }
    int32_t most = 0;
    for (int shift = 0; shift < 32; shift += 8) {
        most = tp_max32(most, (int8_t)(high >> shift));
        most = tp_max32(most, -(int8_t)(low >> shift));
    }
    return most;
}

static uint32_t sum_of(const int8_t *x, int32_t n) {
    uint32_t sum = 0;
    for (int32_t i = 0; i < n; i += 4) {
        sum = tp_sum8(tp_load32(x + i) ^ 0x80808080u, sum);
    }
    return sum;
}

/* Features as tp_dsp_rows_move() takes them, and what a step has to know. */
static tp_features look_at(const tp_head_sgd *op, const int8_t *x, int32_t z,
                           uint32_t *act) {
    uint32_t seen[2];
    tp_dsp_rows_look(x, x + op->in_c, act, seen);
    const uint32_t halves = seen[1] | seen[1] >> 16;
    for (int32_t i = 0; z != 0 && i < op->in_c / 2; i++) {
        act[i] -= (uint32_t)z * 0x10001u;
    }
    return (tp_features){.squares = seen[0],
                         .sum = z == 0 ? 0 : sum_of(x, op->in_c),
                         .peak = (halves | halves >> 8) & 0xFFu};
}

static void rows_of(const tp_head_sgd *op, const int8_t *dz, int32_t factor,
                    uint32_t rng, int32_t *row) {
    for (int32_t *const end = row + op->classes; row < end; row++) {
        *row = tp_head_row(*dz++, factor, &rng);
    }
}

/* The rows that move. */
static void move_rows(const tp_head_sgd *op, const uint32_t *act,
                      const int32_t *row, int8_t *w, uint16_t *masters) {
    const int32_t in_c = op->in_c;
    const int32_t blocks = (int32_t)((uint32_t)in_c / 4);
    for (const int32_t *const end = row + op->classes; row < end; row++) {
        if (*row != 0) {
            tp_dsp_rows_move(act, *row, w, blocks, masters);
        }
        w += in_c;
        masters += in_c;
    }
}

/* head_sgd_q8_ref, byte for byte, of a multiple of 4 features.
 *   op, x, dz, w, m, state  as there
 *   scratch                 uint32 [in_c / 2], then [classes]
 * Bounds as there. Cannot fail. */
void tp_head_sgd_q8_dsp(const tp_head_sgd *op, const int8_t *x, const tp_q8 *dz,
                        tp_q8 *w, tp_masters *m, tp_online *state,
                        uint32_t *scratch) {
    const int32_t z = op->x_zp + 128;
    int32_t *row = (int32_t *)scratch + op->in_c / 2;
    const tp_features features = look_at(op, x, z, scratch);
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
    rows_of(op, dz->v, step.factor,
            tp_rng_seed(state->rng + (uint32_t)op->index), row);
    move_rows(op, scratch, row, w->v, m->v);
}
