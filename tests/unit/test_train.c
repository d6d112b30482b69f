/* Truth link: the optimiser's formulas in double precision -> the integer
 * update, within stated errors; and what the guard promises. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/rng.h"
#include "runtime/train/sgd.h"
#include "tests/unit/toy_model.h"

static const uint8_t label = 0;

static void begin(toy *t, const tp_train_config *config) {
    toy_open(t);
    assert_int_equal(tp_train_begin(&t->ctx, config), TP_OK);
}

static int16_t *masters(toy *t) {
    return (int16_t *)(void *)(t->train + t->model.layout.master);
}

/* Mean gradient of 2^-8 units, clipped to norm 1, momentum 0.9, rate 1/8: the
 * masters follow the float model within 3.5 units of 2^-13 an update. Storing v
 * errs by less than 2^-12, which momentum keeps for 10 updates and the rate
 * divides by 8: 2.5 units; storing w errs by less than one. */
static void test_follows_float_model(void **state) {
    (void)state;
    toy t;
    tp_train_config config = TP_TRAIN_DEFAULTS;
    config.batch = 4;
    begin(&t, &config);
    double w[TOY_VALUES] = {0};
    double v[TOY_VALUES] = {0};
    uint32_t rng = tp_rng_seed(1);
    for (int update = 0; update < 20; update++) {
        double mean[TOY_VALUES] = {0};
        double norm = 0.0;
        for (int s = 0; s < 4; s++) {
            toy_sample x = {.loss = 70000};
            for (int i = 0; i < TOY_VALUES; i++) {
                x.grad[i] = (int32_t)(tp_rng_next(&rng) % 801) - 400;
                mean[i] += x.grad[i] / 256.0 / 4.0;
            }
            assert_int_equal(tp_train_sample(&t.ctx, &x, &label), TP_OK);
        }
        for (int i = 0; i < TOY_VALUES; i++) {
            norm += mean[i] * mean[i];
        }
        const double clip = fmin(1.0, 1.0 / sqrt(norm));
        for (int i = 0; i < TOY_VALUES; i++) {
            v[i] = v[i] * 29491.0 / 32768.0 + mean[i] * clip;
            w[i] -= v[i] / 8.0;
            const double got = masters(&t)[i] / 8192.0;
            assert_true(fabs(got - w[i]) < (update + 2) * 3.5 / 8192.0);
        }
    }
    assert_true(tp_train_state_of(&t.ctx)->clipped > 0);
}

/* The working weights are the masters, rounded to 7 bits and an exponent. */
static void test_working_weights(void **state) {
    (void)state;
    toy t;
    tp_train_config config = TP_TRAIN_DEFAULTS;
    config.batch = 1;
    begin(&t, &config);
    const toy_sample x = {.grad = {100, -200, 50, 1, 30, 0, -9}, .loss = 70000};
    for (int i = 0; i < 30; i++) {
        assert_int_equal(tp_train_sample(&t.ctx, &x, &label), TP_OK);
    }
    const tp_q8 *w = (const tp_q8 *)(void *)t.adapter;
    for (int i = 0; i < TOY_W; i++) {
        const double real = ldexp(w->v[i], w->e);
        const double master = masters(&t)[i] / 8192.0;
        assert_true(fabs(real - master) <= ldexp(0.5, w->e) + 1e-12);
    }
    assert_memory_equal(t.adapter + 8, masters(&t) + TOY_W, 2 * TOY_B);
    assert_true(w->v[1] > 0 && w->v[0] < 0);
}

/* A gradient far below one unit still moves the weights, on average. */
static void test_stochastic_rounding(void **state) {
    (void)state;
    toy t;
    tp_train_config config = TP_TRAIN_DEFAULTS;
    config.batch = 1;
    config.momentum_q15 = 0;
    config.lr_q15 = 327; /* 1/100 */
    begin(&t, &config);
    const toy_sample x = {.grad = {0, 0, 0, 0, 1, 0, 0}, .loss = 70000};
    for (int i = 0; i < 20000; i++) {
        assert_int_equal(tp_train_sample(&t.ctx, &x, &label), TP_OK);
    }
    const double want = -20000.0 * 327 / 32768 / 256 * 8192;
    assert_true(fabs(masters(&t)[TOY_W] - want) < 0.1 * fabs(want));
    assert_true(abs(masters(&t)[TOY_W + 1]) < 100);
}

/* The rate halves at one third and two thirds. */
static void test_schedule(void **state) {
    (void)state;
    toy t;
    tp_train_config config = TP_TRAIN_DEFAULTS;
    config.batch = 1;
    config.updates = 9;
    begin(&t, &config);
    const toy_sample x = {.grad = {1}, .loss = 70000};
    static const uint16_t shift[] = {0, 0, 1, 1, 1, 2, 2, 2, 2};
    for (int i = 0; i < 9; i++) {
        assert_int_equal(tp_train_sample(&t.ctx, &x, &label), TP_OK);
        assert_int_equal(tp_train_state_of(&t.ctx)->lr_shift, shift[i]);
    }
}

/* The exponent of a gradient rises at once and falls by one bit
 * after eight updates. */
static void test_gradient_scales(void **state) {
    (void)state;
    toy t;
    const tp_train_config config = TP_TRAIN_DEFAULTS;
    begin(&t, &config);
    tp_gscale *g = (tp_gscale *)(void *)(t.train + t.model.layout.gscale);
    const int e = g->e;
    g->peak = 127u << 5;
    tp_gscales_next(&t.ctx);
    assert_int_equal(g->e, e + 5);
    assert_int_equal(g->peak, 0);
    for (int i = 0; i < 8; i++) {
        assert_int_equal(g->e, e + 5);
        g->peak = 3;
        tp_gscales_next(&t.ctx);
    }
    assert_int_equal(g->e, e + 4);
    tp_gscales_next(&t.ctx); /* everything rounded to zero */
    assert_int_equal(g->e, e);
}

/* --- the guard ------------------------------------------------------------ */

static void test_undo(void **state) {
    (void)state;
    toy t;
    tp_train_config config = TP_TRAIN_DEFAULTS;
    config.batch = 1;
    begin(&t, &config);
    toy_sample x = {.grad = {20, 20, 20, 20, 20, 20, 20}, .loss = 100000};
    for (uint32_t i = 0; i < 2 * TP_LOSS_WINDOW; i++) {
        assert_int_equal(tp_train_sample(&t.ctx, &x, &label), TP_OK);
    }
    uint8_t good[16];
    memcpy(good, t.train + t.model.layout.checkpoint, sizeof good);
    x.loss = 399999; /* not yet four times the median */
    assert_int_equal(tp_train_sample(&t.ctx, &x, &label), TP_OK);
    x.loss = 400001;
    assert_int_equal(tp_train_sample(&t.ctx, &x, &label), TP_ERR_UNDONE);
    assert_memory_equal(t.adapter, good, sizeof good);
    assert_int_equal(tp_train_state_of(&t.ctx)->lr_shift, 1);
    for (int i = 0; i < TOY_VALUES; i++) {
        assert_int_equal(t.train[t.model.layout.momentum + (uint32_t)i], 0);
    }
}

static void test_diverged(void **state) {
    (void)state;
    toy t;
    tp_train_config config = TP_TRAIN_DEFAULTS;
    config.batch = 1;
    begin(&t, &config);
    const toy_sample x = {.grad = {1}, .loss = INT32_MAX};
    assert_int_equal(tp_train_sample(&t.ctx, &x, &label), TP_ERR_UNDONE);
    assert_int_equal(tp_train_sample(&t.ctx, &x, &label), TP_ERR_UNDONE);
    assert_int_equal(tp_train_sample(&t.ctx, &x, &label), TP_ERR_DIVERGED);
    assert_int_equal(tp_train_sample(&t.ctx, &x, &label), TP_ERR_DIVERGED);
    assert_int_equal(tp_train_end(&t.ctx), TP_ERR_DIVERGED);
}

/* A gradient beyond 2^20 is out of range, whatever the loss says. */
static void test_gradient_out_of_range(void **state) {
    (void)state;
    toy t;
    tp_train_config config = TP_TRAIN_DEFAULTS;
    config.batch = 1;
    begin(&t, &config);
    toy_sample x = {.grad = {1 << 30}, .loss = 70000};
    uint8_t start[16];
    memcpy(start, t.adapter, sizeof start);
    assert_int_equal(tp_train_sample(&t.ctx, &x, &label), TP_ERR_UNDONE);
    assert_memory_equal(t.adapter, start, sizeof start);
}

/* --- what is refused ------------------------------------------------------ */

static void test_arguments(void **state) {
    (void)state;
    toy t;
    toy_open(&t);
    tp_train_config config = TP_TRAIN_DEFAULTS;
    config.batch = 0;
    assert_int_equal(tp_train_begin(&t.ctx, &config), TP_ERR_ARGUMENT);
    config.batch = 257;
    assert_int_equal(tp_train_begin(&t.ctx, &config), TP_ERR_ARGUMENT);
    config.batch = 1;
    config.lr_q15 = 0;
    assert_int_equal(tp_train_begin(&t.ctx, &config), TP_ERR_ARGUMENT);
    config.lr_q15 = 1;
    assert_int_equal(tp_train_begin(&t.ctx, &config), TP_OK);
    const toy_sample x = {.loss = 1};
    const uint8_t too_high = 2;
    assert_int_equal(tp_train_sample(&t.ctx, &x, &too_high), TP_ERR_ARGUMENT);
    t.model.sample = NULL;
    assert_int_equal(tp_train_begin(&t.ctx, &config), TP_ERR_UNSUPPORTED);
}

/* An unfinished batch is applied by tp_train_end(). */
static void test_end(void **state) {
    (void)state;
    toy t;
    const tp_train_config config = TP_TRAIN_DEFAULTS;
    begin(&t, &config);
    const toy_sample x = {.grad = {256}, .loss = 70000};
    assert_int_equal(tp_train_sample(&t.ctx, &x, &label), TP_OK);
    assert_int_equal(tp_train_state_of(&t.ctx)->updates, 0);
    assert_int_equal(tp_train_end(&t.ctx), TP_OK);
    assert_int_equal(tp_train_state_of(&t.ctx)->updates, 1);
    assert_true(abs(masters(&t)[0] + 1024) <= 1); /* -1/8 */
    assert_int_equal(tp_train_end(&t.ctx), TP_OK);
    assert_int_equal(tp_train_state_of(&t.ctx)->updates, 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_follows_float_model),
        cmocka_unit_test(test_working_weights),
        cmocka_unit_test(test_stochastic_rounding),
        cmocka_unit_test(test_schedule),
        cmocka_unit_test(test_gradient_scales),
        cmocka_unit_test(test_undo),
        cmocka_unit_test(test_diverged),
        cmocka_unit_test(test_gradient_out_of_range),
        cmocka_unit_test(test_arguments),
        cmocka_unit_test(test_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
