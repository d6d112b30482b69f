/* The governor against a ledger of its own: whatever is done when, no day uses
 * more than it has. What is trained under it is what is trained without. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/rng.h"
#include "tests/unit/toy_model.h"
#include "tinypeft/governor.h"

enum { STEPS = 12, DAYS = 64, DAY_S = 1000 };

/* What was really run, by the day. */
static struct ledger {
    uint32_t now, slept;
    uint64_t spent[DAYS]; /* instructions */
    uint64_t most;        /* of one call of the model */
    uint64_t in_call;
} ledger;

static uint32_t cost[STEPS];

static void spend(uint64_t instructions) {
    assert_true(ledger.now / DAY_S < DAYS);
    ledger.spent[ledger.now / DAY_S] += instructions;
    ledger.in_call += instructions;
    ledger.most = ledger.in_call > ledger.most ? ledger.in_call : ledger.most;
}

/* A model of many steps; the toy's own work is in the first. */
static void (*toy_sample_of)(const tp_ctx *ctx, tp_slice *slice);

static void sample(const tp_ctx *ctx, tp_slice *slice) {
    ledger.in_call = 0;
    while (tp_slice_open(slice, STEPS)) {
        spend(cost[slice->step]);
        if (slice->step == 0) {
            toy_sample_of(ctx, slice);
        } else {
            tp_slice_next(slice, cost);
        }
    }
}

/* The steps behind the sample cost what train.c says: 15 a value for its end,
 * 75 a value for an update. */
static void end(const tp_ctx *ctx) {
    spend((uint64_t)ctx->model->n_values * 15u);
}

static void update(const tp_ctx *ctx, uint32_t param) {
    spend((uint64_t)ctx->model->params[param].count * 75u);
    tp_optimiser_momentum.update(ctx, param);
}

static uint32_t now_s(void *ctx) {
    (void)ctx;
    return ledger.now;
}

static void sleep_s(void *ctx, uint32_t seconds) {
    (void)ctx;
    ledger.now += seconds;
    ledger.slept += seconds;
}

static const tp_clock fake = {.now_s = now_s, .sleep_s = sleep_s};
static tp_optimiser watched;

typedef struct fixture {
    toy t;
    tp_governor g;
    tp_governed governed;
} fixture;

static void open_fixture(fixture *f, const tp_governor_config *config) {
    memset(&ledger, 0, sizeof ledger);
    toy_open(&f->t);
    toy_sample_of = f->t.model.sample;
    watched = tp_optimiser_momentum;
    watched.end = end;
    watched.update = update;
    f->t.model.sample = sample;
    f->t.model.cost = cost;
    f->t.model.n_steps = STEPS;
    f->t.model.optimiser = &watched;
    f->governed =
        (tp_governed){.governor = &f->g, .clock = &fake, .ctx = &f->t.ctx};
    tp_train_config train = TP_TRAIN_DEFAULTS;
    train.batch = 2;
    tp_adapter_init(&f->t.ctx, 1);
    assert_int_equal(tp_train_begin(&f->t.ctx, &train), TP_OK);
    assert_int_equal(tp_governor_begin(&f->g, config, 0), TP_OK);
}

/* --- any schedule --------------------------------------------------------- */

/* Every day so far used no more than its own and what was carried into it. */
static void check_days(const tp_governor_config *c) {
    uint64_t left = 0;
    for (uint32_t d = 0; d <= ledger.now / DAY_S; d++) {
        const uint64_t carry = (uint64_t)c->carry_uj * 1000000u;
        left = (left < carry ? left : carry) + (uint64_t)c->day_uj * 1000000u;
        const uint64_t used = ledger.spent[d] * c->pj_instruction;
        assert_true(used <= left);
        left -= used;
    }
}

/* What is left now, and what of it is reserved, both in pJ. */
static void check_reserve(const tp_governor_config *c, const tp_governor *g) {
    const double passed = (double)(ledger.now % DAY_S) / DAY_S;
    const double reserved = (double)c->reserve_uj * 1e6 * (1.0 - passed);
    assert_true((double)g->left_pj >= reserved - 1.0);
}

static void act(fixture *f, const tp_governor_config *config, uint32_t *rng) {
    static const toy_sample x = {{5, -9, 1, 0, 3, 2, -2}, 1000};
    const uint8_t label = 1;
    bool done = false;
    const uint32_t what = tp_rng_below(rng, 10);
    if (what < 3) {
        const uint32_t n = tp_rng_below(rng, 4000);
        if (tp_governor_take(&f->g, ledger.now, TP_SPEND_INFER, n)) {
            spend(n);
        }
    } else if (what < 9) {
        const tp_status status =
            tp_governor_slice(&f->governed, &x, &label, &done);
        assert_true(status == TP_OK || status == TP_ERR_BUDGET);
        if (status == TP_OK) {
            check_reserve(config, &f->g);
        }
    } else {
        ledger.now += tp_rng_below(rng, 2) ? tp_rng_below(rng, DAY_S / 4)
                                           : tp_rng_below(rng, 3 * DAY_S);
    }
}

static void no_schedule_exceeds_a_day(void **state) {
    (void)state;
    uint64_t used = 0;
    uint64_t had = 0;
    for (uint32_t seed = 0; seed < 400; seed++) {
        uint32_t rng = tp_rng_seed(seed);
        const uint32_t pj = 1u + tp_rng_below(&rng, 2000);
        const tp_governor_config config = {
            .day_uj = tp_rng_below(&rng, 40),
            .carry_uj = tp_rng_below(&rng, 2) ? tp_rng_below(&rng, 100) : 0,
            .reserve_uj = tp_rng_below(&rng, 30),
            .day_s = DAY_S,
            .pj_instruction = pj};
        fixture f;
        for (int i = 0; i < STEPS; i++) {
            cost[i] = 1u + tp_rng_below(&rng, 3000);
        }
        open_fixture(&f, &config);
        f.governed.slice = tp_rng_below(&rng, 2) ? tp_rng_below(&rng, 9000) : 0;
        while (ledger.now < (DAYS - 4) * DAY_S) {
            act(&f, &config, &rng);
        }
        check_days(&config);
        for (uint32_t d = 0; d < DAYS; d++) {
            used += ledger.spent[d] * pj;
        }
        had += (uint64_t)config.day_uj * 1000000u * (DAYS - 4);
    }
    assert_true(used > had / 20); /* and something was done */
}

static void a_slice_is_not_longer_than_asked(void **state) {
    (void)state;
    const tp_governor_config config = {
        .day_uj = 4000000, .day_s = DAY_S, .pj_instruction = 1};
    const toy_sample x = {{5, -9, 1}, 1000};
    const uint8_t label = 0;
    fixture f;
    for (int i = 0; i < STEPS; i++) {
        cost[i] = 100;
    }
    cost[5] = 2000;
    open_fixture(&f, &config);
    f.governed.slice = 350;
    bool done = false;
    while (!done) {
        ledger.most = ledger.in_call = 0;
        assert_int_equal(tp_governor_slice(&f.governed, &x, &label, &done),
                         TP_OK);
        assert_true(ledger.most <= 350 || ledger.most == 2000);
    }
}

/* --- whole samples -------------------------------------------------------- */

static void a_poor_device_takes_days_and_ends_alike(void **state) {
    (void)state;
    const tp_governor_config rich = {
        .day_uj = UINT32_MAX, .day_s = DAY_S, .pj_instruction = 1};
    const tp_governor_config poor = {
        .day_uj = 2, .reserve_uj = 1, .day_s = DAY_S, .pj_instruction = 1000};
    toy_sample x = {{50, -90, 10, 0, 33, 2, -2}, 70000};
    const uint8_t label = 1;
    uint8_t adapter[2][sizeof((toy *)0)->adapter];
    for (int i = 0; i < STEPS; i++) {
        cost[i] = 1000u + 50u * (uint32_t)i;
    }
    for (int i = 0; i < 2; i++) {
        fixture f;
        open_fixture(&f, i == 0 ? &rich : &poor);
        f.governed.rest_s = 7;
        for (int n = 0; n < 4; n++) {
            assert_int_equal(tp_governor_sample(&f.governed, &x, &label),
                             TP_OK);
        }
        check_days(i == 0 ? &rich : &poor);
        assert_true(i == 0 ? ledger.slept < DAY_S : ledger.slept > 20 * DAY_S);
        memcpy(adapter[i], f.t.adapter, sizeof adapter[i]);
    }
    assert_memory_equal(adapter[0], adapter[1], sizeof adapter[0]);
}

static void a_deadline_ends_it_and_it_goes_on_later(void **state) {
    (void)state;
    const tp_governor_config config = {
        .day_uj = 3, .day_s = DAY_S, .pj_instruction = 1000};
    const toy_sample x = {{50, -90, 10}, 70000};
    const uint8_t label = 1;
    fixture f;
    for (int i = 0; i < STEPS; i++) {
        cost[i] = 1000;
    }
    open_fixture(&f, &config);
    f.governed.deadline_s = DAY_S + DAY_S / 2;
    assert_int_equal(tp_governor_sample(&f.governed, &x, &label),
                     TP_ERR_BUDGET);
    assert_int_equal(ledger.now, DAY_S); /* six steps in two days */
    assert_int_equal(tp_train_state_of(&f.t.ctx)->step, 6);
    f.governed.deadline_s = 0;
    assert_int_equal(tp_governor_sample(&f.governed, &x, &label), TP_OK);
    assert_int_equal(tp_train_state_of(&f.t.ctx)->samples, 1);
}

static void what_no_day_has_is_not_waited_for(void **state) {
    (void)state;
    const tp_governor_config config = {
        .day_uj = 3, .carry_uj = 2, .day_s = DAY_S, .pj_instruction = 1000};
    const toy_sample x = {{0}, 1};
    const uint8_t label = 1;
    fixture f;
    for (int i = 0; i < STEPS; i++) {
        cost[i] = 5000; /* the second day has it, with what the first left */
    }
    open_fixture(&f, &config);
    assert_int_equal(tp_governor_wait_s(&f.g, 0, 5001), TP_GOVERNOR_NEVER);
    assert_int_equal(tp_governor_wait_s(&f.g, 0, 5000), DAY_S);
    assert_int_equal(tp_governor_wait_s(&f.g, 0, 3000), 0);
    assert_int_equal(tp_governor_sample(&f.governed, &x, &label), TP_OK);
    cost[3] = 5001;
    assert_int_equal(tp_governor_sample(&f.governed, &x, &label),
                     TP_ERR_BUDGET);
}

static void the_reserve_falls_over_the_day(void **state) {
    (void)state;
    const tp_governor_config config = {
        .day_uj = 10, .reserve_uj = 8, .day_s = DAY_S, .pj_instruction = 1000};
    tp_governor g;
    assert_int_equal(tp_governor_begin(&g, &config, 50), TP_OK);
    assert_int_equal(tp_governor_may(&g, 50, TP_SPEND_INFER), 10000);
    assert_int_equal(tp_governor_may(&g, 50, TP_SPEND_TRAIN), 2000);
    assert_int_equal(tp_governor_may(&g, 50 + DAY_S / 2, TP_SPEND_TRAIN), 6000);
    const uint32_t wait = tp_governor_wait_s(&g, 50 + DAY_S / 2, 8000);
    const uint32_t then = 50 + DAY_S / 2 + wait;
    assert_int_equal(wait, DAY_S / 4);
    assert_false(tp_governor_take(&g, then - 1, TP_SPEND_TRAIN, 8000));
    assert_true(tp_governor_take(&g, then, TP_SPEND_TRAIN, 8000));
}

static void clocks_that_jump_give_no_energy(void **state) {
    (void)state;
    const tp_governor_config config = {
        .day_uj = 10, .carry_uj = 25, .day_s = DAY_S, .pj_instruction = 1000};
    tp_governor g;
    assert_int_equal(tp_governor_begin(&g, &config, 5000), TP_OK);
    assert_true(tp_governor_take(&g, 5000, TP_SPEND_INFER, 10000));
    assert_int_equal(tp_governor_may(&g, 4000, TP_SPEND_INFER), 0); /* back */
    assert_int_equal(tp_governor_may(&g, 4999, TP_SPEND_INFER), 0);
    assert_int_equal(tp_governor_may(&g, 5000, TP_SPEND_INFER), 10000);
    assert_int_equal(tp_governor_may(&g, 7000, TP_SPEND_INFER), 30000);
    assert_int_equal(tp_governor_may(&g, UINT32_MAX, TP_SPEND_INFER), 35000);
}

static void what_is_wrong_is_refused(void **state) {
    (void)state;
    tp_governor g = {.left_pj = 77};
    tp_governor_config bad = {.day_s = 0, .pj_instruction = 1};
    assert_int_equal(tp_governor_begin(&g, &bad, 0), TP_ERR_ARGUMENT);
    bad = (tp_governor_config){.day_s = 1, .pj_instruction = 0};
    assert_int_equal(tp_governor_begin(&g, &bad, 0), TP_ERR_ARGUMENT);
    bad.pj_instruction = (UINT32_C(1) << 20) + 1;
    assert_int_equal(tp_governor_begin(&g, &bad, 0), TP_ERR_ARGUMENT);
    assert_int_equal(g.left_pj, 77);
    bad = (tp_governor_config){.day_uj = UINT32_MAX,
                               .carry_uj = UINT32_MAX,
                               .reserve_uj = UINT32_MAX,
                               .day_s = 1,
                               .pj_instruction = UINT32_C(1) << 20};
    assert_int_equal(tp_governor_begin(&g, &bad, 0), TP_OK);
    assert_int_equal(tp_governor_may(&g, UINT32_MAX, TP_SPEND_INFER),
                     UINT32_MAX);
    assert_true(tp_governor_take(&g, UINT32_MAX, TP_SPEND_INFER, UINT32_MAX));
    assert_false(tp_governor_take(&g, UINT32_MAX, TP_SPEND_INFER, UINT32_MAX));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_schedule_exceeds_a_day),
        cmocka_unit_test(a_slice_is_not_longer_than_asked),
        cmocka_unit_test(a_poor_device_takes_days_and_ends_alike),
        cmocka_unit_test(a_deadline_ends_it_and_it_goes_on_later),
        cmocka_unit_test(what_no_day_has_is_not_waited_for),
        cmocka_unit_test(the_reserve_falls_over_the_day),
        cmocka_unit_test(clocks_that_jump_give_no_energy),
        cmocka_unit_test(what_is_wrong_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
