/* Truth link: training on samples -> training on what is kept of them. At
 * whatever op a model is cut, the trained adapter has the same bytes; on random
 * graphs with every state, and on the keyword spotter. And what the cuts are,
 * what the checkers refuse, and that the search is never worse off for them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "compiler/compiler.h"
#include "compiler/ir/verify.h"
#include "compiler/plan/check.h"
#include "compiler/plan/cost.h"
#include "tests/emitted/drive.h"
#include "tests/unit/data.h"
#include "tests/unit/expected.h"
#include "tests/unit/random_graph.h"

enum { RANDOM_GRAPHS = 60, MOST_SPECS = 2 };

static const char *const choices[][MOST_SPECS] = {
    {"fc*=head:classes=5", "*=skip"},
    {"fc*=head:classes=4", NULL},
    {"fc*=lora-fa:rank=2", "fc*=bitfit"},
    {"conv*=lora-fa:rank=2", NULL},
    {"*=bitfit", NULL},
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
        test_ok(tp_adapter_parse(arena, text[options.n_specs],
                                 &spec[options.n_specs], diag),
                diag);
    }
    return tp_passes_run(graph, &options, NULL, NULL, diag) == TP_OK;
}

static bool random_model(tp_arena *arena, uint32_t seed, tp_graph *graph) {
    tp_diag diag = {.arena = arena};
    test_ok(tp_random_graph(arena, seed, graph, &diag), &diag);
    return prepare(arena, graph, choices[seed % CHOICES], &diag);
}

/* True if training can begin behind op `at`; the graph is marked. */
static bool can_cut(tp_graph *graph, int at) {
    tp_arena arena = {0};
    tp_diag unheard = {.arena = &arena};
    const tp_pass_options options = {.cut = at};
    const bool can = tp_pass_latent(graph, &options, &unheard) == TP_OK;
    tp_arena_free(&arena);
    return can;
}

/* --- the same bytes ------------------------------------------------------- */

/* What a short training with the schedule leaves behind. */
static drive_digest train(const tp_graph *graph, const tp_schedule *schedule,
                          uint32_t seed) {
    const tp_schedule_options options = {.plan.effort = TP_EFFORT_QUICK};
    tp_arena arena = {0};
    tp_diag diag = {.arena = &arena};
    tp_plan plan;
    tp_interpreter interpreter;
    tp_ctx ctx;
    test_ok(tp_schedule_apply(&arena, graph, schedule, &options, &plan, &diag),
            &diag);
    tp_interpreter_init(&interpreter, &plan);
    assert_int_equal(tp_interpreter_open(&arena, &interpreter, &ctx), TP_OK);
    assert_int_equal(interpreter.model.keep != NULL, schedule->cut > 0);
    assert_true(interpreter.model.sample_bytes <= DRIVE_MOST_KEPT);
    const drive_digest digest = drive(&ctx, seed);
    tp_arena_free(&arena);
    return digest;
}

static void must_equal(const tp_graph *graph, const tp_schedule *schedule,
                       uint32_t seed, const drive_digest *raw) {
    const drive_digest d = train(graph, schedule, seed);
    if (memcmp(&d, raw, sizeof d) != 0) {
        fail_msg("%s, seed %u, %s: the cut at op %d trains to other bytes",
                 graph->name, (unsigned)seed, tp_state_names[schedule->state],
                 schedule->cut);
    }
}

/* Every cut that there is, good or bad. */
static int every_cut(tp_graph *graph, tp_state_kind state, uint32_t seed) {
    const tp_schedule plain = {.state = state};
    const drive_digest raw = train(graph, &plain, seed);
    int cuts = 0;
    for (int at = 1; at <= graph->first_backward; at++) {
        const tp_schedule kept = {.state = state, .cut = at};
        if (can_cut(graph, at)) {
            must_equal(graph, &kept, seed, &raw);
            cuts++;
        }
    }
    return cuts;
}

/* Those that the search finds, with what it computes again. */
static int every_schedule(const tp_graph *graph, tp_state_kind state,
                          uint32_t seed) {
    tp_arena arena = {0};
    tp_diag diag = {.arena = &arena};
    tp_schedule front[TP_MOST_SCHEDULES];
    const tp_schedule_options options = {.state = state, .plan.samples = 3};
    const tp_schedule plain = {.state = state};
    const drive_digest raw = train(graph, &plain, seed);
    int n = 0;
    int again = 0;
    test_ok(tp_schedule_front(&arena, graph, &options, front, &n, &diag),
            &diag);
    for (int i = 0; i < n; i++) {
        must_equal(graph, &front[i], seed, &raw);
        again += front[i].cut > 0 && front[i].again > 0;
    }
    tp_arena_free(&arena);
    return again;
}

static void test_random_graphs(void **state) {
    (void)state;
    int cuts = 0;
    int again = 0;
    for (uint32_t seed = 1; seed <= RANDOM_GRAPHS; seed++) {
        tp_arena arena = {0};
        tp_graph graph;
        if (random_model(&arena, seed, &graph)) {
            for (tp_state_kind kind = TP_STATE_MOMENTUM;
                 kind <= TP_STATE_ONLINE; kind++) {
                cuts += every_cut(&graph, kind, seed);
                again += every_schedule(&graph, kind, seed);
            }
        }
        tp_arena_free(&arena);
    }
    printf("%d cuts; %d schedules with one compute values again\n", cuts,
           again);
    assert_true(cuts > RANDOM_GRAPHS && again > 10);
}

/* --- which cuts there are ------------------------------------------------- */

/* Ops that training on a kept sample runs. */
static int ops_left(tp_arena *arena, const tp_graph *graph) {
    bool *wanted =
        tp_arena_alloc(arena, (size_t)graph->n_tensors, sizeof *wanted);
    bool *op = tp_arena_alloc(arena, (size_t)graph->n_ops, sizeof *op);
    int n = 0;
    assert_true(wanted != NULL && op != NULL);
    tp_graph_trained(graph, wanted);
    tp_graph_needed(graph, true, wanted, op);
    for (int i = 0; i < graph->n_ops; i++) {
        n += op[i] ? 1 : 0;
    }
    return n;
}

/* From the last to the first each keeps fewer bytes; wherever else there could
 * be a cut, one of them keeps no more and leaves no more to compute. */
static void check_cuts(tp_graph *graph) {
    tp_arena arena = {0};
    tp_diag diag = {.arena = &arena};
    tp_cut *cut = NULL;
    int n = 0;
    test_ok(tp_latent_cuts(&arena, graph, &cut, &n, &diag), &diag);
    int *left = tp_arena_alloc(&arena, (size_t)n, sizeof *left);
    assert_true(n >= 1 && left != NULL);
    for (int i = 0; i < n; i++) {
        assert_true(can_cut(graph, cut[i].at));
        assert_int_equal(tp_sample_bytes(graph), cut[i].bytes);
        left[i] = ops_left(&arena, graph);
        assert_true(i == 0 || (cut[i].at < cut[i - 1].at &&
                               cut[i].bytes < cut[i - 1].bytes));
    }
    for (int at = 0; at <= graph->first_backward; at++) {
        bool known = !can_cut(graph, at);
        for (int i = 0; i < n; i++) {
            known = known || (cut[i].bytes <= tp_sample_bytes(graph) &&
                              left[i] <= ops_left(&arena, graph));
        }
        assert_true(known);
    }
    tp_arena_free(&arena);
}

static void test_cuts(void **state) {
    (void)state;
    for (uint32_t seed = 1; seed <= 5 * RANDOM_GRAPHS; seed++) {
        tp_arena arena = {0};
        tp_graph graph;
        if (random_model(&arena, seed, &graph)) {
            check_cuts(&graph);
        }
        tp_arena_free(&arena);
    }
}

/* --- the keyword spotter -------------------------------------------------- */

typedef struct spotter {
    tp_arena arena;
    tp_diag diag;
    tp_graph graph;
} spotter;

static bool keyword_spotter(spotter *s, const char *const *specs) {
    size_t n = 0;
    uint8_t *bytes = test_data("models/kws_ref_model.tflite", &n);
    memset(s, 0, sizeof *s);
    s->diag.arena = &s->arena;
    if (bytes == NULL) {
        return false;
    }
    test_ok(tp_import(&s->arena, bytes, n, "kws", &s->graph, &s->diag),
            &s->diag);
    free(bytes);
    assert_true(prepare(&s->arena, &s->graph, specs, &s->diag));
    return true;
}

static const char *const kws_head[MOST_SPECS] = {"fc11=head:classes=10", NULL};
static const char *const kws_skip[MOST_SPECS] = {"fc11=head:classes=10",
                                                 "conv2,conv4,conv6=skip"};
static const char *const kws_lora[MOST_SPECS] = {"fc11=head:classes=10",
                                                 "conv[2468]=lora-fa:rank=4"};

static tp_schedule planned(spotter *s, int at, tp_plan *plan) {
    const tp_schedule_options options = {.plan.samples = 1};
    const tp_schedule schedule = {.state = TP_STATE_ACCUMULATE, .cut = at};
    test_ok(tp_schedule_apply(&s->arena, &s->graph, &schedule, &options, plan,
                              &s->diag),
            &s->diag);
    return schedule;
}

/* Each candidate trains as the raw samples do. Returns the bytes of the one
 * with the cheapest update, and the share of the raw one's cost. */
static uint32_t kws_cuts(const char *const *specs, double *share) {
    spotter s;
    tp_plan plan;
    tp_cut *cut = NULL;
    int n = 0;
    uint32_t bytes = 0;
    if (!keyword_spotter(&s, specs)) {
        return 0;
    }
    test_ok(tp_latent_cuts(&s.arena, &s.graph, &cut, &n, &s.diag), &s.diag);
    const tp_schedule plain = planned(&s, 0, &plan);
    const double raw = (double)tp_program_cost(&plan.sample);
    const drive_digest want = train(&s.graph, &plain, 7);
    assert_int_equal(plan.model.sample_bytes, 490);
    printf("raw 490 bytes, %.0f an update\n", raw);
    for (int i = n - 1; i >= 0; i--) {
        const tp_schedule kept = planned(&s, cut[i].at, &plan);
        must_equal(&s.graph, &kept, 7, &want);
        const double cost = (double)tp_program_cost(&plan.sample);
        bytes = plan.model.sample_bytes;
        *share = cost / raw;
        printf("cut at %d: %u bytes, %.0f an update\n", kept.cut,
               (unsigned)bytes, cost);
    }
    tp_arena_free(&s.arena);
    return bytes;
}

static void test_keyword_spotter(void **state) {
    (void)state;
    double share = 1;
    uint32_t bytes = kws_cuts(kws_head, &share);
    if (bytes == 0) {
        skip();
    }
    assert_int_equal(bytes, 64);
    assert_true(share < 0.005); /* the network itself is gone */
    bytes = kws_cuts(kws_skip, &share);
    assert_int_equal(bytes, 4 * 64);
    assert_true(share < 0.02);
    bytes = kws_cuts(kws_lora, &share);
    assert_true(bytes >= 8000); /* a map, for little */
    assert_true(share > 0.8 && share < 1);
}

/* The cheapest update within `ram`, with `samples` kept; UINT64_MAX: nothing
 * fits. */
static uint64_t best(const spotter *s, uint32_t ram, uint32_t samples,
                     bool *latent) {
    tp_arena arena = {0};
    tp_diag diag = {.arena = &arena};
    const tp_schedule_options options = {
        .state = TP_STATE_ACCUMULATE, .ram = ram, .plan.samples = samples};
    tp_plan plan;
    const tp_status status =
        tp_schedule_plan(&arena, &s->graph, &options, &plan, &diag);
    assert_true(status == TP_OK || status == TP_ERR_BUDGET);
    uint64_t cost = UINT64_MAX;
    if (status == TP_OK) {
        assert_true(tp_plan_ram(&plan) <= ram);
        *latent = plan.keep.n_steps > 0;
        cost = tp_program_cost(&plan.sample);
    }
    tp_arena_free(&arena);
    return cost;
}

/* With a choice of what is kept, an update is never dearer than with raw
 * samples in the same RAM; with much of it, LoRA-FA keeps features too. */
static void never_worse(const char *const *specs, const uint32_t *ram, int n,
                        int latent) {
    enum { SAMPLES = 20, X = 490 };
    spotter s;
    if (!keyword_spotter(&s, specs)) {
        skip();
    }
    for (int i = 0; i < n; i++) {
        bool is = false;
        bool unused = false;
        const uint64_t cost = best(&s, ram[i], SAMPLES, &is);
        const uint64_t raw = best(&s, ram[i] - SAMPLES * X, 0, &unused);
        assert_true(cost <= raw);
        latent -= is ? 1 : 0;
    }
    assert_int_equal(latent, 0);
    tp_arena_free(&s.arena);
}

static void test_never_worse(void **state) {
    (void)state;
    static const uint32_t little[] = {12000, 14000, 24000, 1000000};
    static const uint32_t much[] = {34000, 50000, 250000};
    never_worse(kws_head, little, 4, 3); /* 12,000: nothing fits */
    never_worse(kws_lora, much, 3, 1);
}

static void test_over_budget(void **state) {
    (void)state;
    spotter s;
    tp_plan plan;
    const tp_schedule_options options = {
        .state = TP_STATE_ONLINE, .ram = 10000, .plan.samples = 50};
    if (!keyword_spotter(&s, kws_head)) {
        skip();
    }
    assert_int_equal(
        tp_schedule_plan(&s.arena, &s.graph, &options, &plan, &s.diag),
        TP_ERR_BUDGET);
    assert_non_null(
        strstr(s.diag.message[0].text, ", 50 samples of 64 bytes;"));
    tp_arena_free(&s.arena);
}

/* --- what the checkers refuse --------------------------------------------- */

typedef struct mutant {
    tp_arena arena;
    tp_diag diag;
    tp_plan plan;
    tp_address *keep, *sample; /* that may be changed */
} mutant;

static void begin(mutant *m, const spotter *s) {
    const tp_schedule_options options = {.plan.samples = 1};
    tp_cut *cut = NULL;
    int n = 0;
    memset(m, 0, sizeof *m);
    m->diag.arena = &m->arena;
    test_ok(tp_latent_cuts(&m->arena, &s->graph, &cut, &n, &m->diag), &m->diag);
    const tp_schedule schedule = {.state = TP_STATE_ONLINE, .cut = cut[0].at};
    test_ok(tp_schedule_apply(&m->arena, &s->graph, &schedule, &options,
                              &m->plan, &m->diag),
            &m->diag);
    const size_t tensors = (size_t)m->plan.graph->n_tensors;
    m->keep = tp_arena_copy(&m->arena, m->plan.keep.address, tensors,
                            sizeof *m->keep);
    m->sample = tp_arena_copy(&m->arena, m->plan.sample.address, tensors,
                              sizeof *m->sample);
    assert_true(m->keep != NULL && m->sample != NULL);
    m->plan.keep.address = m->keep;
    m->plan.sample.address = m->sample;
}

/* What the checker says, if anything. */
static const char *said(mutant *m) {
    const tp_graph *graph = m->plan.graph;
    const int before = m->diag.count;
    const bool sound =
        tp_program_check(graph, &m->plan.keep, &m->diag) == TP_OK &&
        tp_keep_check(graph, &m->plan.keep, &m->plan.sample, &m->diag) == TP_OK;
    assert_int_equal(sound, m->diag.count == before);
    return sound ? "" : m->diag.message[before].text;
}

static int latent(const tp_graph *graph, int after) {
    for (int i = after + 1; i < graph->n_tensors; i++) {
        if (graph->tensor[i].latent) {
            return i;
        }
    }
    fail_msg("no other latent tensor");
    return -1;
}

/* A value of the keep program that is made after `tensor`, in the arena. */
static int made_later(const mutant *m, int tensor) {
    const tp_graph *graph = m->plan.graph;
    for (int i = tp_graph_producer(graph, tensor) + 1;
         i < graph->first_backward; i++) {
        const int out = graph->op[i].out;
        if (m->keep[out].place == TP_PLACE_ARENA && m->keep[out].first >= 0) {
            return out;
        }
    }
    fail_msg("nothing is made later");
    return -1;
}

static void expect(const spotter *s, void (*change)(mutant *, int, int),
                   const char *words) {
    mutant m;
    begin(&m, s);
    assert_string_equal(said(&m), "");
    const int first = latent(m.plan.graph, -1);
    change(&m, first, latent(m.plan.graph, first));
    const char *text = said(&m);
    if (strstr(text, words) == NULL) {
        fail_msg("said '%s', not '%s'", text, words);
    }
    tp_arena_free(&m.arena);
}

static void one_place(mutant *m, int a, int b) {
    m->keep[b].offset = m->keep[a].offset;
    m->sample[b].offset = m->sample[a].offset;
}

static void overwritten(mutant *m, int a, int b) {
    const tp_graph *graph = m->plan.graph;
    const int early =
        tp_graph_producer(graph, a) < tp_graph_producer(graph, b) ? a : b;
    const int later = made_later(m, early);
    m->keep[later].place = TP_PLACE_Y;
    m->keep[later].offset = m->keep[early].offset;
}

static void read_elsewhere(mutant *m, int a, int b) {
    (void)a;
    m->sample[b].offset += TP_ALIGN;
}

static void behind_the_end(mutant *m, int a, int b) {
    (void)a;
    m->keep[b].offset = m->sample[b].offset = m->plan.model.sample_bytes;
}

static void in_the_arena(mutant *m, int a, int b) {
    (void)b;
    m->keep[a].place = TP_PLACE_ARENA;
    m->keep[a].offset = m->plan.keep.arena_bytes;
    m->plan.keep.arena_bytes += m->keep[a].bytes;
}

static void in_training(mutant *m, int a, int b) {
    (void)b;
    tp_step *step = tp_arena_copy(&m->arena, m->plan.sample.step,
                                  (size_t)m->plan.sample.n_steps, sizeof *step);
    assert_non_null(step);
    step[0].op = tp_graph_producer(m->plan.graph, a);
    m->plan.sample.step = step;
}

static void test_mutants(void **state) {
    (void)state;
    spotter s;
    if (!keyword_spotter(&s, kws_skip)) {
        skip();
    }
    expect(&s, one_place, "something else lies in");
    expect(&s, overwritten, "something else lies in");
    expect(&s, read_elsewhere, "is not read where it is kept");
    expect(&s, behind_the_end, "is not read where it is kept");
    expect(&s, in_the_arena, "is not read where it is kept");
    expect(&s, in_training, "training computes tensor");
    tp_arena_free(&s.arena);
}

/* --- what the verifier refuses -------------------------------------------- */

static void marked(const spotter *s, const char *op, const char *words) {
    tp_arena arena = {0};
    tp_diag diag = {.arena = &arena};
    tp_graph graph;
    assert_true(tp_graph_clone(&arena, &s->graph, &graph));
    const int at = tp_graph_find_op(&graph, op);
    assert_true(at >= 0);
    graph.tensor[graph.op[at].out].latent = true;
    const tp_status status = tp_graph_verify(&graph, &diag);
    assert_int_equal(status, words == NULL ? TP_OK : TP_ERR_MALFORMED);
    assert_true(words == NULL || strstr(diag.message[0].text, words) != NULL);
    tp_arena_free(&arena);
}

static void test_verifier(void **state) {
    (void)state;
    static const char wrong[] = "cannot be kept with the sample";
    spotter s;
    if (!keyword_spotter(&s, kws_skip)) {
        skip();
    }
    marked(&s, "conv0", NULL); /* all that follows reads it */
    marked(&s, "conv4", "training reads the input");
    marked(&s, "fc11", wrong);      /* depends on the head */
    marked(&s, "reshape10", wrong); /* makes nothing */
    marked(&s, "loss", wrong);
    tp_arena_free(&s.arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_graphs),
        cmocka_unit_test(test_cuts),
        cmocka_unit_test(test_keyword_spotter),
        cmocka_unit_test(test_never_worse),
        cmocka_unit_test(test_over_budget),
        cmocka_unit_test(test_mutants),
        cmocka_unit_test(test_verifier),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
