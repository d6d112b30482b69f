/* Truth link: real arithmetic -> weights with eight more bits (core/master.h),
 * the kernels that update them in the middle of backward, and the training
 * loop of the states that have nothing else. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/master.h"
#include "core/rng.h"
#include "tinypeft/adapter.h"
#include "tinypeft/kernels.h"
#include "tinypeft/train.h"

enum { N = 24 };

typedef struct weights {
    int8_t e, reserved[3]; /* as tp_q8 */
    int8_t v[N];
    int8_t low[N];
} weights;

typedef struct gradient {
    int32_t e;
    int32_t v[N];
} gradient;

static tp_q8 *q8_of(weights *w) {
    return (tp_q8 *)(void *)w;
}

static double real(const weights *w, int i) {
    return ldexp(w->v[i] * 256 + w->low[i], w->e - 8);
}

static void draw(weights *w, gradient *g, uint32_t seed) {
    uint32_t rng = tp_rng_seed(seed);
    memset(w, 0, sizeof *w);
    w->e = (int8_t)((int)tp_rng_below(&rng, 12) - 13);
    g->e = (int)tp_rng_below(&rng, 16) - 20;
    for (int i = 0; i < N; i++) {
        w->v[i] = (int8_t)((int)tp_rng_below(&rng, 255) - 127);
        w->low[i] = (int8_t)((int)tp_rng_below(&rng, 256) - 128);
        g->v[i] = (int32_t)tp_rng_below(&rng, 60000) - 30000;
    }
}

static void test_split_and_join(void **state) {
    (void)state;
    for (int32_t master = -127 * 256 - 128; master <= 127 * 256 + 127;
         master++) {
        int8_t low = 0;
        const int32_t w = tp_master_split(master, &low);
        assert_true(w >= -127 && w <= 127);
        assert_int_equal(tp_master_join(w, low), master);
        assert_int_equal(tp_master_clamp(master, 127), master);
    }
    assert_int_equal(tp_master_clamp(40000, 127), 127 * 256 + 127);
    assert_int_equal(tp_master_clamp(-40000, 127), -127 * 256 - 128);
}

static void test_squares(void **state) {
    (void)state;
    int32_t wide[N];
    int16_t narrow[N];
    double sum32 = 0.0;
    double sum16 = 0.0;
    for (int i = 0; i < N; i++) {
        wide[i] = (i % 2 == 0 ? 1 : -1) * (i * 81234567 % 2000000000);
        narrow[i] = (int16_t)(i * 2700 - 32000);
        sum32 += (double)wide[i] * wide[i];
        sum16 += (double)narrow[i] * narrow[i];
    }
    const tp_bfp a = tp_squares32(wide, N);
    const tp_bfp b = tp_squares16(narrow, N);
    assert_true(fabs(ldexp(a.m, a.e) / sum32 - 1.0) < 1e-3);
    assert_true(fabs(ldexp(b.m, b.e) / sum16 - 1.0) < 1e-8);
}

/* w - rate * unit * g, within one unit of the master's last bit (which is that
 * of the raised exponent), and the norm. */
static void test_sgd_q8_near_real(void **state) {
    (void)state;
    int rises = 0;
    for (uint32_t seed = 1; seed <= 400; seed++) {
        weights w;
        gradient g;
        draw(&w, &g, seed);
        const weights before = w;
        const tp_sgd op = {.n = N, .unit = {1 << 30, 0}}; /* 1/2 */
        tp_online online = {.rate = tp_bfp_of(3, -4), .rng = seed};
        tp_sgd_q8_ref(&op, (const tp_q32 *)(const void *)&g, q8_of(&w), w.low,
                      &online);
        const double unit = ldexp(1.0, w.e - 8);
        double norm = 0.0;
        for (int i = 0; i < N; i++) {
            const double grad = ldexp(g.v[i], g.e) * 0.5;
            const double wanted = real(&before, i) - grad * 3.0 / 16.0;
            const double limit = ldexp(127.5, w.e);
            norm += grad * grad;
            assert_true(fabs(real(&w, i) - wanted) <= 1.51 * unit ||
                        fabs(wanted) > limit);
        }
        rises += w.e > before.e;
        assert_true(w.e >= before.e);
        const double found = ldexp(online.sum.m, online.sum.e);
        assert_true(fabs(found / norm - 1.0) < 1e-3);
    }
    assert_true(rises > 20 && rises < 380);
}

/* Steps far below the last bit move weights on average. */
static void test_small_steps_count(void **state) {
    (void)state;
    weights w;
    gradient g = {.e = 0};
    memset(&w, 0, sizeof w);
    w.e = -8; /* master in units of 2^-16 */
    for (int i = 0; i < N; i++) {
        g.v[i] = 1;
    }
    const tp_sgd op = {.n = N, .unit = {1 << 30, 1}}; /* 1 */
    for (uint32_t step = 0; step < 4096; step++) {
        tp_online online = {.rate = tp_bfp_of(1, -20), .rng = step};
        tp_sgd_q8_ref(&op, (const tp_q32 *)(const void *)&g, q8_of(&w), w.low,
                      &online);
    }
    double sum = 0.0; /* each is to be -4096 * 2^-20 = -2^-8: 256 units */
    for (int i = 0; i < N; i++) {
        sum += real(&w, i) / N;
    }
    assert_true(fabs(sum * 256.0 + 1.0) < 0.05);
}

/* Weights of 0 with the least exponent, as a new head has, take a large first
 * step whole. */
static void test_first_step(void **state) {
    (void)state;
    weights w;
    gradient g = {.e = -10};
    memset(&w, 0, sizeof w);
    w.e = -13;
    g.v[0] = -2000;
    g.v[1] = 1000;
    const tp_sgd op = {.n = N, .unit = {1 << 30, 1}};
    tp_online online = {.rate = tp_bfp_of(1, 0), .rng = 1};
    tp_sgd_q8_ref(&op, (const tp_q32 *)(const void *)&g, q8_of(&w), w.low,
                  &online);
    assert_true(fabs(real(&w, 0) - 2000.0 / 1024.0) < 1e-3);
    assert_true(fabs(real(&w, 1) + 1000.0 / 1024.0) < 1e-3);
    assert_int_equal(w.v[2], 0);
}

static void test_sgd_s16(void **state) {
    (void)state;
    int16_t w[N] = {100, -100, 32767, -32767};
    int8_t low[N] = {0};
    gradient g = {.e = -13};
    g.v[0] = 3;
    g.v[1] = -5;
    g.v[2] = -100;
    g.v[3] = 100;
    const tp_sgd op = {.n = N, .unit = {1 << 30, 1}};
    tp_online online = {.rate = tp_bfp_of(1, -1), .rng = 1};
    tp_sgd_s16_ref(&op, (const tp_q32 *)(const void *)&g, w, low, &online);
    assert_int_equal(tp_master_join(w[0], low[0]), 100 * 256 - 384);
    assert_int_equal(tp_master_join(w[1], low[1]), -100 * 256 + 640);
    assert_int_equal(w[2], 32767); /* saturated */
    assert_int_equal(w[3], -32767);
}

/* 16 samples add up within the rounding of each, and the peak is noted. */
static void test_accumulate(void **state) {
    (void)state;
    struct {
        int16_t e, reserved, v[N];
    } acc = {0};
    tp_gscale s = {.e = -3};
    double sum[N] = {0.0};
    const tp_sgd op = {.n = N};
    uint32_t rng = 9;
    for (int sample = 0; sample < 16; sample++) {
        gradient g = {.e = -12};
        for (int i = 0; i < N; i++) {
            g.v[i] = (int32_t)tp_rng_below(&rng, 130000) - 65000;
            sum[i] += ldexp(g.v[i], g.e);
        }
        tp_accumulate_q32_s16_ref(&op, (const tp_q32 *)(const void *)&g,
                                  (tp_q16 *)(void *)&acc, &s);
    }
    assert_int_equal(acc.e, -7);
    assert_int_equal(tp_bits32(s.peak), 7);
    for (int i = 0; i < N; i++) {
        assert_true(fabs(ldexp(acc.v[i], acc.e) - sum[i]) <= 8.0 / 128.0);
    }
    gradient large = {.e = 0};
    large.v[0] = 1000000;
    tp_accumulate_q32_s16_ref(&op, (const tp_q32 *)(const void *)&large,
                              (tp_q16 *)(void *)&acc, &s);
    assert_true(tp_bits32(s.peak) > 7); /* the scale will rise */
}

/* --- the loop ------------------------------------------------------------- */

/* A model whose gradient is its weights minus a target: one q8 tensor. */
typedef struct quadratic {
    tp_model model;
    tp_param param;
    _Alignas(8) uint8_t adapter[32];
    _Alignas(8) uint8_t train[512];
    tp_ctx ctx;
} quadratic;

static const double target[N] = {0.5, -0.25, 0.125, 1.5, -1.0};

static const int32_t *gradient_of(const tp_ctx *ctx, gradient *g,
                                  int32_t *loss) {
    const tp_q8 *w = (const tp_q8 *)(const void *)ctx->adapter;
    double sum = 0.0;
    g->e = -12;
    for (int i = 0; i < N; i++) {
        const double error = ldexp(w->v[i], w->e) - target[i];
        g->v[i] = (int32_t)lround(ldexp(error, 12));
        sum += error * error / 2;
    }
    *loss = (int32_t)(sum * 65536.0);
    return g->v;
}

static void sample_accumulate(const tp_ctx *ctx, tp_slice *slice) {
    static const uint32_t cost[1] = {1};
    gradient g;
    (void)gradient_of(ctx, &g, slice->loss);
    const tp_sgd op = {.n = N};
    tp_accumulate_q32_s16_ref(
        &op, (const tp_q32 *)(const void *)&g,
        (tp_q16 *)(void *)(ctx->train + ctx->model->params[0].grad),
        (tp_gscale *)(void *)(ctx->train + ctx->model->layout.gscale));
    tp_slice_next(slice, cost);
}

static void sample_online(const tp_ctx *ctx, tp_slice *slice) {
    static const uint32_t cost[1] = {1};
    gradient g;
    (void)gradient_of(ctx, &g, slice->loss);
    const tp_sgd op = {.n = N, .unit = {1 << 30, 1}};
    tp_sgd_q8_ref(&op, (const tp_q32 *)(const void *)&g,
                  (tp_q8 *)(void *)ctx->adapter,
                  (int8_t *)ctx->train + ctx->model->params[0].master,
                  &tp_train_state_of(ctx)->online);
    tp_slice_next(slice, cost);
}

static void open_quadratic(quadratic *q, tp_state_kind state) {
    const uint32_t at = (sizeof(tp_train_state) + 7u) & ~7u;
    const bool online = state == TP_STATE_ONLINE;
    memset(q, 0, sizeof *q);
    q->param = (tp_param){.name = "w",
                          .count = N,
                          .grad = at + 8,
                          .master = online ? at + 8 : at + 8 + 4 + 2 * N,
                          .unit = {1 << 30, 1}};
    q->model = (tp_model){.name = "quadratic",
                          .adapter_bytes = 32,
                          .train_bytes = sizeof q->train,
                          .n_params = 1,
                          .n_values = N,
                          .n_gscale = 1,
                          .n_steps = 1,
                          .params = &q->param,
                          .state = state,
                          .optimiser = state == TP_STATE_ONLINE
                                           ? &tp_optimiser_online
                                           : &tp_optimiser_accumulate,
                          .loss_floor = 1 << 16,
                          .sample = online ? sample_online : sample_accumulate};
    q->model.layout = (tp_train_layout){.gscale = at,
                                        .grads = at + 8,
                                        .grads_bytes = online ? 0 : 4 + 2 * N,
                                        .master = q->param.master};
    q->ctx =
        (tp_ctx){.model = &q->model, .adapter = q->adapter, .train = q->train};
    tp_adapter_init(&q->ctx, 1);
}

static void must_learn(tp_state_kind state, uint16_t lr_q15) {
    quadratic q;
    tp_train_config config = TP_TRAIN_DEFAULTS;
    config.lr_q15 = lr_q15;
    open_quadratic(&q, state);
    assert_int_equal(tp_train_begin(&q.ctx, &config), TP_OK);
    for (int i = 0; i < 1600; i++) {
        assert_int_equal(tp_train_sample(&q.ctx, NULL, NULL), TP_OK);
    }
    assert_int_equal(tp_train_end(&q.ctx), TP_OK);
    assert_int_equal(tp_train_state_of(&q.ctx)->updates, 100);
    const tp_q8 *w = (const tp_q8 *)(const void *)q.adapter;
    for (int i = 0; i < N; i++) {
        assert_true(fabs(ldexp(w->v[i], w->e) - target[i]) < 0.03);
    }
}

static void test_accumulating_learns(void **state) {
    (void)state;
    must_learn(TP_STATE_ACCUMULATE, 8192);
}

static void test_online_learns(void **state) {
    (void)state;
    must_learn(TP_STATE_ONLINE, 2048);
}

/* Without a checkpoint there is nothing to go back to. */
static void test_divergence_stops(void **state) {
    (void)state;
    quadratic q;
    tp_train_config config = TP_TRAIN_DEFAULTS;
    config.batch = 1;
    open_quadratic(&q, TP_STATE_ONLINE);
    q.model.loss_floor = 0;
    assert_int_equal(tp_train_begin(&q.ctx, &config), TP_OK);
    for (int i = 0; i < 200; i++) {
        assert_int_equal(tp_train_sample(&q.ctx, NULL, NULL), TP_OK);
    }
    memset(q.adapter + 4, 100, N); /* as no update would leave it */
    assert_int_equal(tp_train_sample(&q.ctx, NULL, NULL), TP_ERR_DIVERGED);
    const uint32_t updates = tp_train_state_of(&q.ctx)->updates;
    assert_int_equal(tp_train_sample(&q.ctx, NULL, NULL), TP_ERR_DIVERGED);
    assert_int_equal(tp_train_end(&q.ctx), TP_ERR_DIVERGED);
    assert_int_equal(tp_train_state_of(&q.ctx)->updates, updates);
}

/* 16 samples are what 16 bits hold. */
static void test_batch_of_accumulators(void **state) {
    (void)state;
    quadratic q;
    tp_train_config config = TP_TRAIN_DEFAULTS;
    config.batch = 17;
    open_quadratic(&q, TP_STATE_ACCUMULATE);
    assert_int_equal(tp_train_begin(&q.ctx, &config), TP_ERR_ARGUMENT);
    open_quadratic(&q, TP_STATE_ONLINE);
    assert_int_equal(tp_train_begin(&q.ctx, &config), TP_OK);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_split_and_join),
        cmocka_unit_test(test_squares),
        cmocka_unit_test(test_sgd_q8_near_real),
        cmocka_unit_test(test_small_steps_count),
        cmocka_unit_test(test_first_step),
        cmocka_unit_test(test_sgd_s16),
        cmocka_unit_test(test_accumulate),
        cmocka_unit_test(test_accumulating_learns),
        cmocka_unit_test(test_online_learns),
        cmocka_unit_test(test_divergence_stops),
        cmocka_unit_test(test_batch_of_accumulators),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
