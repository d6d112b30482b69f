/* Kernels of an instruction set against `ref`: the plan for a target gives the
 * bytes of the portable plan. Link of the chain: ISA kernels, bit-exact. On the
 * host they are the twins in C; tests/emitted does the same on the boards. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "compiler/compiler.h"
#include "core/rng.h"
#include "tests/unit/data.h"
#include "tests/unit/expected.h"
#include "tests/unit/one_op.h"
#include "tests/unit/random_graph.h"

/* A graph planned for portable C and for an instruction set. */
typedef struct pair {
    tp_arena arena;
    tp_diag diag;
    tp_plan plan[2];
    tp_interpreter run[2];
    tp_ctx ctx[2];
} pair;

static void open_pair(pair *p, const tp_graph *graph, unsigned isa) {
    for (int i = 0; i < 2; i++) {
        const tp_plan_options options = {.effort = TP_EFFORT_QUICK,
                                         .isa = i == 0 ? 0 : isa};
        test_ok(tp_plan_make(&p->arena, graph, &options, &p->plan[i], &p->diag),
                &p->diag);
        tp_interpreter_init(&p->run[i], &p->plan[i]);
        assert_int_equal(tp_interpreter_open(&p->arena, &p->run[i], &p->ctx[i]),
                         TP_OK);
    }
}

/* Exactly long, so that a byte too far is seen. */
static void compare(pair *p, uint32_t seed, int times) {
    const tp_model *m = p->ctx[0].model;
    int8_t *x = malloc(m->x_bytes);
    int8_t *y[2] = {malloc(m->y_bytes), malloc(m->y_bytes)};
    uint32_t rng = tp_rng_seed(seed);
    assert_true(x != NULL && y[0] != NULL && y[1] != NULL);
    for (int t = 0; t < times; t++) {
        for (uint32_t i = 0; i < m->x_bytes; i++) {
            const uint32_t v = tp_rng_next(&rng) >> 24;
            x[i] = (int8_t)(t % 3 == 1 ? (v & 1 ? 127 : -128) : (int)v - 128);
        }
        for (int i = 0; i < 2; i++) {
            p->ctx[i].model->infer(&p->ctx[i], x, y[i]);
        }
        if (memcmp(y[0], y[1], m->y_bytes) != 0) {
            fail_msg("seed %u, input %d: bytes differ", (unsigned)seed, t);
        }
    }
    free(x);
    free(y[0]);
    free(y[1]);
}

/* Steps of the plan that the instruction set has a kernel for. */
static int special(const tp_plan *plan) {
    int n = 0;
    for (int i = 0; i < plan->infer.n_steps; i++) {
        const char *name = tp_kernel_name(plan->infer.step[i].kernel);
        n += strcmp(name + strlen(name) - 4, "_ref") != 0;
    }
    return n;
}

static void same_op(tp_kind kind, unsigned isa, int seeds) {
    int n = 0;
    for (int seed = 0; seed < seeds; seed++) {
        pair p = {.diag = {.arena = &p.arena}};
        const tp_graph graph = tp_one_conv(&p.arena, (uint32_t)seed, kind);
        open_pair(&p, &graph, isa);
        n += special(&p.plan[1]) > 0;
        compare(&p, (uint32_t)seed, 3);
        tp_arena_free(&p.arena);
    }
    print_message("%s: %d of %d layers in special kernels\n",
                  tp_kind_name(kind), n, seeds);
    assert_true(n > seeds / 3);
}

static void convolutions(void **state) {
    (void)state;
    same_op(TP_OP_CONV_2D, TP_ISA_DSP, 3000);
}

static void random_graphs(void **state) {
    int n = 0;
    (void)state;
    for (uint32_t seed = 1; seed <= 500; seed++) {
        pair p = {.diag = {.arena = &p.arena}};
        tp_graph graph;
        test_ok(tp_random_graph(&p.arena, seed, &graph, &p.diag), &p.diag);
        open_pair(&p, &graph, TP_ISA_DSP);
        n += special(&p.plan[1]);
        compare(&p, seed, 2);
        tp_arena_free(&p.arena);
    }
    print_message("random graphs: %d special steps\n", n);
    assert_true(n > 500);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(convolutions),
        cmocka_unit_test(random_graphs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
