/* Truth link: interpreter. The start state of an adapter changes no byte of
 * the output, whatever the random numbers that it starts from. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "compiler/passes/passes.h"
#include "compiler/plan/interpret.h"
#include "core/rng.h"
#include "tests/unit/random_graph.h"
#include "tinypeft/adapter.h"

enum { MOST_SPECS = 3, SEEDS = 60, SAMPLES = 4 };

typedef struct subject {
    tp_graph graph;
    tp_plan plan;
    tp_interpreter run;
    tp_ctx ctx;
} subject;

/* A random model with adapters. False where they do not fit. */
static bool make(tp_arena *arena, uint32_t seed, const char *const *text,
                 subject *s) {
    tp_diag diag = {.arena = arena};
    tp_adapter_spec spec[MOST_SPECS];
    tp_pass_options options = {.spec = spec};
    const tp_plan_options quick = {.effort = TP_EFFORT_QUICK};
    assert_int_equal(tp_random_graph(arena, seed, &s->graph, &diag), TP_OK);
    for (; options.n_specs < MOST_SPECS && text[options.n_specs] != NULL;
         options.n_specs++) {
        assert_int_equal(tp_adapter_parse(arena, text[options.n_specs],
                                          &spec[options.n_specs], &diag),
                         TP_OK);
    }
    if (tp_passes_run(&s->graph, &options, NULL, NULL, &diag) != TP_OK) {
        return false;
    }
    assert_int_equal(tp_plan_make(arena, &s->graph, &quick, &s->plan, &diag),
                     TP_OK);
    tp_interpreter_init(&s->run, &s->plan);
    assert_int_equal(tp_interpreter_open(arena, &s->run, &s->ctx), TP_OK);
    tp_adapter_init(&s->ctx, seed + 1);
    return true;
}

/* The two models answer alike. */
static void compare(tp_arena *arena, uint32_t seed, const subject *a,
                    const subject *b) {
    const tp_model *model = &a->run.model;
    uint8_t *x = tp_arena_alloc(arena, model->x_bytes, 1);
    uint8_t *y[2] = {tp_arena_alloc(arena, model->y_bytes, 1),
                     tp_arena_alloc(arena, model->y_bytes, 1)};
    uint32_t rng = tp_rng_seed(seed);
    assert_non_null(x);
    assert_true(y[0] != NULL && y[1] != NULL);
    assert_int_equal(model->y_bytes, b->run.model.y_bytes);
    for (int i = 0; i < SAMPLES; i++) {
        for (uint32_t k = 0; k < model->x_bytes; k++) {
            x[k] = (uint8_t)(tp_rng_next(&rng) >> 24);
        }
        model->infer(&a->ctx, x, y[0]);
        b->run.model.infer(&b->ctx, x, y[1]);
        assert_memory_equal(y[0], y[1], model->y_bytes);
    }
}

static void test_no_byte(void **state) {
    (void)state;
    static const struct {
        const char *spec[MOST_SPECS];
        const char *base[MOST_SPECS]; /* what it is compared with */
        int least;                    /* models that it must fit */
    } rows[] = {
        {{"*=lora"}, {NULL}, 30},
        {{"*=bitfit"}, {NULL}, 30},
        {{"*=scale"}, {NULL}, 30},
        {{"*=bitfit", "*=lora", "*=scale"}, {NULL}, 30},
        {{"*=bottleneck"}, {NULL}, 30},
        {{"*=sparse"}, {NULL}, 30},
        {{"*=sparse:unit=channel,density=40%"}, {NULL}, 30},
        {{"*=bottleneck:mode=serial,act=hard_swish"}, {NULL}, 30},
        {{"fc*=head", "*=skip"}, {"fc*=head"}, 30},
    };
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
        int fits = 0;
        for (uint32_t seed = 0; seed < SEEDS; seed++) {
            tp_arena arena = {0};
            subject *s = tp_arena_alloc(&arena, 2, sizeof *s);
            assert_non_null(s);
            if (make(&arena, seed, rows[r].base, &s[0]) &&
                make(&arena, seed, rows[r].spec, &s[1])) {
                assert_true(s[1].run.model.adapter_bytes > 0);
                compare(&arena, seed, &s[0], &s[1]);
                fits++;
            }
            tp_arena_free(&arena);
        }
        assert_true(fits >= rows[r].least);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_byte),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
