/* Truth link: real arithmetic -> updates of a head's weights that are made
 * without its gradient being written down (runtime/kernels/ref/head_sgd.c). */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/bfp.h"
#include "core/rng.h"
#include "tinypeft/kernels.h"

enum { MOST = 24, CLASSES = 5, WEIGHTS = MOST * CLASSES };

/* Weights as tp_q8, masters as tp_masters, a sample. */
typedef struct head {
    tp_head_sgd op;
    _Alignas(8) uint8_t w[4 + WEIGHTS];
    _Alignas(8) uint8_t m[4 + 2 * WEIGHTS];
    _Alignas(8) uint8_t dz[4 + CLASSES];
    int8_t x[MOST];
} head;

static tp_q8 *w_of(head *h) {
    return (tp_q8 *)(void *)h->w;
}

static tp_masters *m_of(head *h) {
    return (tp_masters *)(void *)h->m;
}

static tp_q8 *dz_of(head *h) {
    return (tp_q8 *)(void *)h->dz;
}

static int32_t master(head *h, int32_t c, int32_t k) {
    const tp_masters *m = m_of(h);
    const uint32_t row = tp_masters_row((uint32_t)h->op.in_c);
    if (m->room == 0) {
        return 256 * w_of(h)->v[c * h->op.in_c + k];
    }
    return m->v[(uint32_t)c * row + tp_masters_at((uint32_t)k)] - 32768 - 128;
}

static double real(head *h, int32_t c, int32_t k) {
    return ldexp(master(h, c, k), w_of(h)->e - 8);
}

static int32_t between(uint32_t *rng, int32_t lo, int32_t hi) {
    return lo + (int32_t)tp_rng_below(rng, (uint32_t)(hi - lo + 1));
}

/* A head of any shape, its weights at the start of training. */
static void draw(head *h, uint32_t *rng) {
    memset(h, 0, sizeof *h);
    h->op = (tp_head_sgd){
        .in_c = between(rng, 1, MOST),
        .classes = between(rng, 1, CLASSES),
        .x_zp = between(rng, 0, 1) == 0 ? -128 : between(rng, -128, 127),
        .unit = {.m = 1 << 30, .s = -4}}; /* 2^-5 */
    w_of(h)->e = (int8_t)between(rng, -13, -6);
    const int32_t most = between(rng, 0, 127);
    for (int32_t i = 0; i < h->op.in_c * h->op.classes; i++) {
        w_of(h)->v[i] = (int8_t)between(rng, -most, most);
    }
}

static void draw_sample(head *h, uint32_t *rng) {
    dz_of(h)->e = (int8_t)between(rng, -14, -6);
    for (int32_t c = 0; c < h->op.classes; c++) {
        dz_of(h)->v[c] = (int8_t)between(rng, -127, 127);
    }
    for (int32_t k = 0; k < h->op.in_c; k++) {
        h->x[k] = (int8_t)between(rng, -128, 127);
    }
}

static void step(head *h, tp_online *online) {
    tp_head_sgd_q8_ref(&h->op, h->x, dz_of(h), w_of(h), m_of(h), online);
}

/* The real integer of a row, in units of the master after the step. */
static double row_of(head *h, int32_t c, double rate) {
    return rate * ldexp(dz_of(h)->v[c], dz_of(h)->e - 5) /
           ldexp(1.0, w_of(h)->e - 8);
}

/* Weights are their masters rounded, and room tells no more than the truth. */
static void check_state(head *h) {
    int32_t peak = 0;
    for (int32_t c = 0; c < h->op.classes; c++) {
        for (int32_t k = 0; k < h->op.in_c; k++) {
            const int32_t m = master(h, c, k);
            const int32_t w = w_of(h)->v[c * h->op.in_c + k];
            assert_int_equal(w, (m + 128) >> 8);
            assert_true(w >= -127);
            peak = m < 0 ? (peak > -m ? peak : -m) : (peak > m ? peak : m);
        }
    }
    assert_true(m_of(h)->room > 0);
    assert_true(m_of(h)->room <= 127 * 256 + 127 - peak);
}

/* One step: each row moves by one integer times the features, next to the real
 * one; all of it to half a unit where the exponent rose, else exactly. */
static void test_near_real(void **state) {
    (void)state;
    uint32_t rng = tp_rng_seed(21);
    int rises = 0;
    for (int i = 0; i < 4000; i++) {
        head h;
        draw(&h, &rng);
        draw_sample(&h, &rng);
        head before = h;
        const double rate = 3.0 / 64.0;
        tp_online online = {.rate = tp_bfp_of(3, -6), .rng = (uint32_t)i};
        step(&h, &online);
        check_state(&h);
        const bool rose = w_of(&h)->e > w_of(&before)->e;
        const double unit = ldexp(1.0, w_of(&h)->e - 8);
        double norm = 0.0;
        rises += rose ? 1 : 0;
        for (int32_t c = 0; c < h.op.classes; c++) {
            const double wanted = row_of(&h, c, rate);
            for (int32_t k = 0; k < h.op.in_c; k++) {
                const double x = h.x[k] - h.op.x_zp;
                const double moved =
                    (real(&before, c, k) - real(&h, c, k)) / unit;
                assert_true(fabs(moved - wanted * x) <=
                            fabs(x) * 1.0001 + (rose ? 0.5 : 0.0));
                norm += pow(ldexp(dz_of(&h)->v[c] * x, dz_of(&h)->e - 5), 2.0);
            }
        }
        assert_true(fabs(ldexp(online.sum.m, online.sum.e) - norm) <=
                    1e-8 * norm);
    }
    assert_true(rises > 400 && rises < 3600);
}

/* Of a row that should move by a fraction of a unit, the mean is right, and for
 * both signs. */
static void test_mean_of_rounding(void **state) {
    (void)state;
    head h = {.op = {.in_c = 3,
                     .classes = 2,
                     .x_zp = -128,
                     .unit = {.m = 1 << 30, .s = -4}}};
    h.x[0] = -128 + 1;
    h.x[1] = -128 + 200;
    h.x[2] = -128;
    w_of(&h)->e = -4;
    dz_of(&h)->e = -7; /* units: dz 2^-12, master 2^-12 */
    dz_of(&h)->v[0] = 40;
    dz_of(&h)->v[1] = -40;
    head start = h;
    const int n = 8000;
    double sum[2][3] = {{0}};
    for (int i = 0; i < n; i++) {
        tp_online online = {.rate = tp_bfp_of(1, -7), .rng = (uint32_t)i};
        h = start;
        step(&h, &online);
        for (int c = 0; c < 2; c++) {
            for (int k = 0; k < 3; k++) {
                sum[c][k] += master(&h, c, k);
            }
        }
    }
    for (int k = 0; k < 3; k++) { /* 40 / 2^7 of x, +- 5 deviations */
        const double x = h.x[k] + 128;
        assert_true(fabs(sum[0][k] / n + 0.3125 * x) <= 0.026 * x);
        assert_true(fabs(sum[1][k] / n - 0.3125 * x) <= 0.026 * x);
    }
}

/* A long way in one direction: the exponent rises as often as it must, no
 * weight ever leaves its range, and the sum of all steps arrives, to five
 * deviations of the rounding and what the rises leave. */
static void test_far(void **state) {
    (void)state;
    head h = {.op = {.in_c = 7,
                     .classes = 3,
                     .x_zp = -128,
                     .unit = {.m = 1 << 30, .s = -4}}};
    w_of(&h)->e = -13;
    dz_of(&h)->e = -7;
    dz_of(&h)->v[0] = 100;
    dz_of(&h)->v[1] = -50;
    for (int k = 0; k < 7; k++) {
        h.x[k] = (int8_t)(k * 35 - 128);
    }
    const int n = 3000;
    for (int i = 0; i < n; i++) {
        tp_online online = {.rate = tp_bfp_of(1, -7), .rng = (uint32_t)i};
        step(&h, &online);
        check_state(&h);
    }
    assert_true(w_of(&h)->e > -8);
    for (int32_t c = 0; c < 3; c++) {
        for (int32_t k = 0; k < 7; k++) {
            const double far = n * ldexp(dz_of(&h)->v[c] * 35.0 * k, -19);
            const double unit = ldexp(1.0, w_of(&h)->e - 8);
            assert_true(fabs(real(&h, c, k) + far) <=
                        (2.5 * sqrt(n) * 35.0 * k + 20.0) * unit);
        }
    }
}

/* No rate, as with the first sample, or no gradient: nothing moves, and the
 * norm is taken all the same. */
static void test_nothing_moves(void **state) {
    (void)state;
    uint32_t rng = tp_rng_seed(22);
    for (int i = 0; i < 200; i++) {
        head h;
        draw(&h, &rng);
        draw_sample(&h, &rng);
        const bool still = i % 2 == 0;
        tp_online online = {.rate = still ? (tp_bfp){0, 0} : tp_bfp_of(1, -3)};
        if (!still) {
            memset(dz_of(&h)->v, 0, CLASSES);
        }
        head before = h;
        step(&h, &online);
        for (int32_t c = 0; c < h.op.classes; c++) {
            for (int32_t k = 0; k < h.op.in_c; k++) {
                assert_true(fabs(real(&h, c, k) - real(&before, c, k)) <=
                            ldexp(0.5, w_of(&h)->e - 8));
            }
        }
        assert_int_equal(online.sum.m != 0, still);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_near_real),
        cmocka_unit_test(test_mean_of_rounding),
        cmocka_unit_test(test_far),
        cmocka_unit_test(test_nothing_moves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
