/* Truth link: definition -> kernels that compute adapter weights. And what must
 * hold of every adapter that has such: its start state changes no byte, what it
 * does not store costs nothing, its layout tells seeds apart. Gradients are
 * checked in test_adapters.c. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "compiler/passes/passes.h"
#include "compiler/plan/interpret.h"
#include "core/rng.h"
#include "tests/unit/expected.h"
#include "tests/unit/gradcheck.h"
#include "tests/unit/small_models.h"
#include "tinypeft/adapter.h"
#include "tinypeft/kernels.h"

/* --- random weights ------------------------------------------------------- */

/* Mean 0 and the standard deviation that the descriptor says, within 4
 * standard errors of 20,000 draws. */
static void test_random_spread(void **state) {
    tp_check *c = *state;
    enum { N = 20000 };
    for (int32_t m = 128; m <= 255; m += 127) {
        const tp_random op = {.n = N, .seed = m, .m = m, .e = -9};
        tp_q8 *w = tp_check_q8(c, N, 0);
        const double std = sqrt(170.0) * m / 128.0;
        double sum = 0.0;
        double squares = 0.0;
        tp_random_q8_fwd_ref(&op, w);
        assert_int_equal(w->e, -9);
        for (int i = 0; i < N; i++) {
            sum += w->v[i];
            squares += w->v[i] * w->v[i];
        }
        assert_true(fabs(sum / N) < 4.0 * std / sqrt(N));
        assert_true(fabs(sqrt(squares / N) / std - 1.0) < 4.0 / sqrt(2.0 * N));
    }
}

/* Blobs rely on these bytes: they must never change. */
static void test_random_bytes(void **state) {
    tp_check *c = *state;
    static const int8_t want[8] = {-5, -2, -10, -21, -7, -10, -22, -20};
    const tp_random op = {.n = 8, .seed = 1, .m = 128, .e = -7};
    tp_q8 *w = tp_check_q8(c, 8, 0);
    tp_random_q8_fwd_ref(&op, w);
    assert_memory_equal(w->v, want, sizeof want);
}

/* --- adapters ------------------------------------------------------------- */

typedef struct model {
    tp_arena arena;
    tp_diag diag;
    tp_graph graph;
    tp_plan plan;
    tp_interpreter run;
    tp_ctx ctx;
} model;

/* A small model with an adapter; without one where spec is NULL. */
static void open_model(model *m, void (*make)(tp_maker *m), const char *text) {
    *m = (model){.diag = {.count = 0}};
    m->diag.arena = &m->arena;
    tp_maker maker = {.graph = {.arena = &m->arena,
                                .name = "model",
                                .input = -1,
                                .output = -1,
                                .logits = -1,
                                .io_in = TP_S8,
                                .io_out = TP_S8},
                      .rng = tp_rng_seed(3)};
    tp_adapter_spec spec;
    const tp_pass_options options = {.spec = &spec,
                                     .n_specs = text != NULL ? 1 : 0};
    make(&maker);
    assert_false(maker.failed);
    maker.graph.output = maker.x;
    maker.graph.first_backward = maker.graph.n_ops;
    m->graph = maker.graph;
    if (text != NULL) {
        test_ok(tp_adapter_parse(&m->arena, text, &spec, &m->diag), &m->diag);
    }
    test_ok(tp_passes_run(&m->graph, &options, NULL, NULL, &m->diag), &m->diag);
    test_ok(tp_plan_make(&m->arena, &m->graph, NULL, &m->plan, &m->diag),
            &m->diag);
    tp_interpreter_init(&m->run, &m->plan);
    test_ok(tp_interpreter_open(&m->arena, &m->run, &m->ctx), &m->diag);
    tp_adapter_init(&m->ctx, 9);
}

static const char *const specs[] = {"*=lora-fa", "*=lora-fa:rank=16,seed=5"};
enum { SPECS = sizeof specs / sizeof *specs };

static void check_start(const model *base, const model *adapted) {
    uint32_t rng = tp_rng_seed(4);
    const size_t n = base->run.model.x_bytes;
    uint8_t *x = calloc(n, 1);
    uint8_t *y = calloc(base->run.model.y_bytes, 2);
    assert_non_null(x);
    assert_non_null(y);
    for (int round = 0; round < 20; round++) {
        for (size_t i = 0; i < n; i++) {
            x[i] = (uint8_t)(tp_rng_next(&rng) >> 24);
        }
        base->run.model.infer(&base->ctx, x, y);
        memset(adapted->ctx.arena, 0x55, adapted->run.model.arena_bytes);
        adapted->run.model.infer(&adapted->ctx, x, y + base->run.model.y_bytes);
        assert_memory_equal(y, y + base->run.model.y_bytes,
                            base->run.model.y_bytes);
    }
    free(x);
    free(y);
}

static void test_start_changes_nothing(void **state) {
    (void)state;
    void (*const make[])(tp_maker * m) = {tp_small_mobile, tp_small_residual,
                                          tp_small_smooth};
    for (size_t i = 0; i < sizeof make / sizeof *make; i++) {
        model base;
        open_model(&base, make[i], NULL);
        for (int s = 0; s < SPECS; s++) {
            model adapted;
            open_model(&adapted, make[i], specs[s]);
            check_start(&base, &adapted);
            tp_arena_free(&adapted.arena);
        }
        tp_arena_free(&base.arena);
    }
}

/* What is live across the border between forward and backward. */
static bool is_saved(const model *m, int tensor) {
    const tp_program *p = &m->plan.sample;
    const tp_address *a = &p->address[tensor];
    int border = 0;
    while (p->step[border].op < m->graph.first_backward) {
        border++;
    }
    return a->first >= 0 && a->first < border && a->last >= border;
}

static const tp_op *find(const model *m, const char *name) {
    const int at = tp_graph_find_op(&m->graph, name);
    assert_true(at >= 0);
    return &m->graph.op[at];
}

/* LoRA keeps the layer's input, LoRA-FA u alone; A is nowhere stored, and not
 * even live between its two uses. */
static void test_lora_fa_keeps_u_alone(void **state) {
    (void)state;
    model lora, fa;
    open_model(&lora, tp_small_mobile, "conv*=lora:rank=2");
    open_model(&fa, tp_small_mobile, "conv*=lora-fa:rank=2");
    assert_true(is_saved(&lora, find(&lora, "conv2")->in[0]));
    assert_true(is_saved(&lora, find(&lora, "conv2")->in[3]));
    assert_false(is_saved(&fa, find(&fa, "conv2")->in[0]));
    assert_true(is_saved(&fa, find(&fa, "conv2")->in[3]));
    assert_false(is_saved(&fa, find(&fa, "conv2_a")->in[1]));
    assert_int_equal(lora.run.model.n_params, 4);
    assert_int_equal(fa.run.model.n_params, 2);
    assert_int_equal(fa.plan.flash_weights, lora.plan.flash_weights);
    tp_arena_free(&lora.arena);
    tp_arena_free(&fa.arena);
}

static uint32_t layout_of(const char *spec) {
    model m;
    open_model(&m, tp_small_mobile, spec);
    const uint32_t id = m.run.model.layout_id;
    tp_arena_free(&m.arena);
    return id;
}

/* A blob that was trained beside other random weights is refused. */
static void test_layout_knows_the_seed(void **state) {
    (void)state;
    assert_int_equal(layout_of("conv*=lora-fa"), layout_of("conv*=lora-fa"));
    assert_int_equal(layout_of("conv*=lora-fa"),
                     layout_of("conv*=lora-fa:seed=1"));
    assert_int_not_equal(layout_of("conv*=lora-fa"),
                         layout_of("conv*=lora-fa:seed=2"));
    assert_int_not_equal(layout_of("conv2=lora-fa"), layout_of("conv2=lora"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_random_spread, tp_check_setup,
                                        tp_check_teardown),
        cmocka_unit_test_setup_teardown(test_random_bytes, tp_check_setup,
                                        tp_check_teardown),
        cmocka_unit_test(test_start_changes_nothing),
        cmocka_unit_test(test_lora_fa_keeps_u_alone),
        cmocka_unit_test(test_layout_knows_the_seed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
