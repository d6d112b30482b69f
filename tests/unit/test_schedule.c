/* Truth link: a plan that keeps everything -> plans that compute values again,
 * and samples that are trained in slices. Whatever is kept, and however a
 * sample is cut, the trained adapter has the same bytes; on random graphs with
 * every state, and on the keyword spotter. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "compiler/compiler.h"
#include "tests/emitted/drive.h"
#include "tests/unit/data.h"
#include "tests/unit/random_graph.h"

enum { RANDOM_GRAPHS = 60, MOST_SPECS = 3 };

static const char *const choices[][MOST_SPECS] = {
    {"*=lora:rank=3", "*=bitfit", NULL},
    {"fc*=head:classes=5", "conv*=lora:rank=2", NULL},
    {"*=bitfit", NULL, NULL},
};
enum { CHOICES = sizeof choices / sizeof *choices };

/* The graph with its backward part, before the schedule. False: no such
 * adapter fits. */
static bool prepare(tp_arena *arena, tp_graph *graph, const char *const *text,
                    tp_diag *diag) {
    tp_adapter_spec spec[MOST_SPECS];
    tp_pass_options options = {.spec = spec};
    for (; options.n_specs < MOST_SPECS && text[options.n_specs] != NULL;
         options.n_specs++) {
        assert_int_equal(tp_adapter_parse(arena, text[options.n_specs],
                                          &spec[options.n_specs], diag),
                         TP_OK);
    }
    const tp_status status = tp_passes_run(graph, &options, NULL, NULL, diag);
    assert_true(status == TP_OK || status == TP_ERR_ARGUMENT ||
                status == TP_ERR_UNSUPPORTED);
    return status == TP_OK;
}

/* What a short training with the schedule leaves behind. */
static drive_digest train(const tp_graph *graph, const tp_schedule *schedule,
                          uint32_t seed) {
    const tp_schedule_options options = {.state = schedule->state};
    tp_arena arena = {0};
    tp_diag diag = {.arena = &arena};
    tp_plan plan;
    tp_interpreter interpreter;
    tp_ctx ctx;
    if (tp_schedule_apply(&arena, graph, schedule, &options, &plan, &diag) !=
        TP_OK) {
        fail_msg("seed %u: %s", (unsigned)seed, diag.message[0].text);
    }
    tp_interpreter_init(&interpreter, &plan);
    assert_int_equal(tp_interpreter_open(&arena, &interpreter, &ctx), TP_OK);
    assert_int_equal(plan.model.state, schedule->state);
    const drive_digest digest = drive(&ctx, seed);
    tp_arena_free(&arena);
    return digest;
}

static void same_bytes_on_all(const tp_graph *graph, tp_state_kind state,
                              uint32_t seed, int *schedules, int *again) {
    tp_arena arena = {0};
    tp_diag diag = {.arena = &arena};
    tp_schedule front[TP_MOST_SCHEDULES];
    int n = 0;
    const tp_schedule_options options = {.state = state};
    assert_int_equal(
        tp_schedule_front(&arena, graph, &options, front, &n, &diag), TP_OK);
    const tp_schedule all = {.state = state};
    const drive_digest kept = train(graph, &all, seed);
    for (int i = 0; i < n; i++) {
        const drive_digest d = train(graph, &front[i], seed);
        if (memcmp(&d, &kept, sizeof d) != 0) {
            fail_msg("seed %u, %s: schedule %d of %d trains to other bytes",
                     (unsigned)seed, tp_state_names[state], i, n);
        }
        *again += front[i].again > 0;
    }
    *schedules += n;
    tp_arena_free(&arena);
}

static void test_random_graphs(void **state) {
    (void)state;
    int schedules = 0;
    int again = 0;
    for (uint32_t seed = 1; seed <= RANDOM_GRAPHS; seed++) {
        tp_arena arena = {0};
        tp_diag diag = {.arena = &arena};
        tp_graph graph;
        assert_int_equal(tp_random_graph(&arena, seed, &graph, &diag), TP_OK);
        if (prepare(&arena, &graph, choices[seed % CHOICES], &diag)) {
            for (tp_state_kind kind = TP_STATE_MOMENTUM;
                 kind <= TP_STATE_ONLINE; kind++) {
                same_bytes_on_all(&graph, kind, seed, &schedules, &again);
            }
        }
        tp_arena_free(&arena);
    }
    printf("%d schedules, %d of them compute values again\n", schedules, again);
    assert_true(again > 20);
}

/* --- the keyword spotter -------------------------------------------------- */

static void keyword_spotter(tp_arena *arena, tp_graph *graph, tp_diag *diag) {
    static const char *const specs[MOST_SPECS] = {"fc*=head:classes=10",
                                                  "conv[2468]=lora:rank=4"};
    size_t n = 0;
    uint8_t *bytes = test_spotter(&n);
    assert_int_equal(tp_import(arena, bytes, n, "kws", graph, diag), TP_OK);
    free(bytes);
    assert_true(prepare(arena, graph, specs, diag));
}

typedef struct run {
    tp_arena arena;
    tp_diag diag;
    tp_graph graph;
    tp_plan plan;
    tp_interpreter interpreter;
    tp_ctx ctx;
} run;

static void open_run(run *r, tp_state_kind kind) {
    const tp_schedule all = {.state = kind};
    const tp_schedule_options options = {.state = kind};
    memset(r, 0, sizeof *r);
    r->diag.arena = &r->arena;
    keyword_spotter(&r->arena, &r->graph, &r->diag);
    assert_int_equal(tp_schedule_apply(&r->arena, &r->graph, &all, &options,
                                       &r->plan, &r->diag),
                     TP_OK);
    tp_interpreter_init(&r->interpreter, &r->plan);
    assert_int_equal(tp_interpreter_open(&r->arena, &r->interpreter, &r->ctx),
                     TP_OK);
}

/* Two samples, so that one update is made, in slices of `steps` steps. Returns
 * a digest of adapter and training state. */
static uint32_t train_in_slices(run *r, uint32_t steps) {
    static uint8_t x[512];
    const tp_train_budget budget = {.steps = steps};
    tp_train_config config = TP_TRAIN_DEFAULTS;
    uint32_t rng = tp_rng_seed(3);
    config.batch = 2;
    tp_adapter_init(&r->ctx, 1);
    assert_int_equal(tp_train_begin(&r->ctx, &config), TP_OK);
    for (uint8_t label = 0; label < 2; label++) {
        bool done = false;
        drive_fill(x, r->ctx.model->x_bytes, &rng);
        while (!done) {
            assert_int_equal(tp_train_slice(&r->ctx, x, &label, &budget, &done),
                             TP_OK);
        }
    }
    assert_int_equal(tp_train_state_of(&r->ctx)->updates, 1);
    const uint32_t crc =
        tp_crc32(0, r->ctx.adapter, r->ctx.model->adapter_bytes);
    return tp_crc32(crc, r->ctx.train, r->ctx.model->train_bytes);
}

/* Every size of slice, from one step to a whole sample. */
static void test_every_slice(void **state) {
    (void)state;
    for (tp_state_kind kind = TP_STATE_MOMENTUM; kind <= TP_STATE_ONLINE;
         kind++) {
        run r;
        open_run(&r, kind);
        const uint32_t most = r.plan.model.n_steps + 1 + r.plan.model.n_params;
        const uint32_t whole = train_in_slices(&r, 0);
        for (uint32_t steps = 1; steps <= most; steps++) {
            assert_int_equal(train_in_slices(&r, steps), whole);
        }
        tp_arena_free(&r.arena);
    }
}

/* A budget of cost ends with the step that exceeds it, and a slice always
 * makes one. */
static void test_budget_of_cost(void **state) {
    (void)state;
    run r;
    uint8_t x[512] = {0};
    const uint8_t label = 0;
    const tp_train_config config = TP_TRAIN_DEFAULTS;
    open_run(&r, TP_STATE_MOMENTUM);
    tp_adapter_init(&r.ctx, 1);
    assert_int_equal(tp_train_begin(&r.ctx, &config), TP_OK);
    const uint32_t *cost = r.plan.model.cost;
    bool done = false;
    tp_train_budget budget = {.cost = cost[0] + 1};
    assert_int_equal(tp_train_slice(&r.ctx, x, &label, &budget, &done), TP_OK);
    assert_int_equal(tp_train_state_of(&r.ctx)->step, 2);
    budget.cost = 1;
    assert_int_equal(tp_train_slice(&r.ctx, x, &label, &budget, &done), TP_OK);
    assert_int_equal(tp_train_state_of(&r.ctx)->step, 3);
    assert_false(done);
    tp_arena_free(&r.arena);
}

/* What is asked for is met or refused; with more RAM no plan is slower. */
static void test_budgets(void **state) {
    (void)state;
    tp_arena arena = {0};
    tp_diag diag = {.arena = &arena};
    tp_graph graph;
    tp_schedule front[TP_MOST_SCHEDULES];
    int n = 0;
    keyword_spotter(&arena, &graph, &diag);
    tp_schedule_options less = {.state = TP_STATE_ACCUMULATE};
    assert_int_equal(tp_schedule_front(&arena, &graph, &less, front, &n, &diag),
                     TP_OK);
    assert_true(n >= 3);
    for (int i = 0; i < n; i++) {
        const tp_schedule_options options = {.state = TP_STATE_ACCUMULATE,
                                             .ram = front[i].ram};
        tp_plan plan;
        assert_int_equal(
            tp_schedule_plan(&arena, &graph, &options, &plan, &diag), TP_OK);
        assert_true(plan.model.arena_bytes + plan.model.adapter_bytes +
                        plan.model.train_bytes <=
                    front[i].ram);
        printf("%6u bytes, %10llu a sample, %d kept, %d again\n",
               (unsigned)front[i].ram, (unsigned long long)front[i].cost,
               front[i].kept, front[i].again);
        assert_true(i == 0 || (front[i].ram < front[i - 1].ram &&
                               front[i].cost > front[i - 1].cost));
    }
    tp_plan plan;
    less.ram = 20000;
    assert_int_equal(tp_schedule_plan(&arena, &graph, &less, &plan, &diag),
                     TP_ERR_BUDGET);
    const char *nearest =
        strstr(diag.message[0].text, "Nearest that fits: --ram ");
    assert_non_null(nearest);
    less.ram = (uint32_t)strtoul(strchr(nearest, '-') + 6, NULL, 10);
    assert_in_range(less.ram, 20001, front[n - 1].ram);
    assert_int_equal(tp_schedule_plan(&arena, &graph, &less, &plan, &diag),
                     TP_OK);
    tp_arena_free(&arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_graphs),
        cmocka_unit_test(test_every_slice),
        cmocka_unit_test(test_budget_of_cost),
        cmocka_unit_test(test_budgets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
