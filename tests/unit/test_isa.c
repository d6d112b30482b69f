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
#include "tests/emitted/drive.h"
#include "tests/unit/data.h"
#include "tests/unit/expected.h"
#include "tests/unit/one_op.h"
#include "tests/unit/random_graph.h"
#include "tinypeft/adapter.h"
#include "tinypeft/train.h"

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
    if (x == NULL || y[0] == NULL || y[1] == NULL) {
        fail_msg("no memory");
        return;
    }
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

static void same_op(tp_kind kind, unsigned isa, int seeds, int least) {
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
    assert_true(n > least);
}

static void convolutions(void **state) {
    (void)state;
    same_op(TP_OP_CONV_2D, TP_ISA_DSP, 3000, 1000);
    same_op(TP_OP_CONV_2D, TP_ISA_MVE, 3000, 1000);
    same_op(TP_OP_CONV_2D, TP_ISA_SCALAR, 3000, 1500);
}

static void depthwise(void **state) {
    (void)state;
    same_op(TP_OP_DEPTHWISE_CONV_2D, TP_ISA_DSP, 6000, 3000);
    same_op(TP_OP_DEPTHWISE_CONV_2D, TP_ISA_MVE, 3000, 1000);
}

static void same_graphs(unsigned isa) {
    int n = 0;
    for (uint32_t seed = 1; seed <= 500; seed++) {
        pair p = {.diag = {.arena = &p.arena}};
        tp_graph graph;
        test_ok(tp_random_graph(&p.arena, seed, &graph, &p.diag), &p.diag);
        open_pair(&p, &graph, isa);
        n += special(&p.plan[1]);
        compare(&p, seed, 2);
        tp_arena_free(&p.arena);
    }
    print_message("random graphs: %d special steps\n", n);
    assert_true(n > 500);
}

static void random_graphs(void **state) {
    (void)state;
    same_graphs(TP_ISA_DSP);
    same_graphs(TP_ISA_SCALAR);
}

/* --- trained biases and factors ------------------------------------------- */

/* False where a spec has no slot in the graph. */
static bool adapted(pair *p, const char *const *spec, int n, tp_graph *graph) {
    tp_adapter_spec parsed[2];
    const tp_pass_options options = {
        .spec = parsed, .n_specs = n, .loss = TP_LOSS_MSE};
    tp_diag quiet = {.arena = &p->arena};
    for (int i = 0; i < n; i++) {
        test_ok(tp_adapter_parse(&p->arena, spec[i], &parsed[i], &p->diag),
                &p->diag);
    }
    return tp_passes_run(graph, &options, NULL, NULL, &quiet) == TP_OK;
}

/* Every int16 parameter anywhere in its range; all else at its start. */
static void random_adapter(pair *p, uint32_t seed) {
    const tp_model *m = p->ctx[0].model;
    uint32_t rng = tp_rng_seed(seed);
    tp_adapter_init(&p->ctx[0], 1);
    for (uint32_t i = 0; i < m->n_params; i++) {
        const tp_param *param = &m->params[i];
        for (uint32_t k = 0; param->type == TP_PARAM_S16 && k < param->count;
             k++) {
            const int32_t most = seed % 2 == 0 ? 32767 : 1000;
            const int16_t v =
                (int16_t)((int32_t)tp_rng_below(&rng, 2u * (uint32_t)most + 1) -
                          most);
            memcpy(p->ctx[0].adapter + param->adapter + 2u * k, &v, sizeof v);
        }
    }
    memcpy(p->ctx[1].adapter, p->ctx[0].adapter, m->adapter_bytes);
}

static void same_adapted(unsigned isa) {
    static const char *const spec[][2] = {{"*=bitfit", NULL},
                                          {"*=scale", NULL},
                                          {"*=scale", "*=bitfit"},
                                          {"*=lora:rank=3", "*=bitfit"},
                                          {"*=lora-fa:rank=4", "*=scale"}};
    int n = 0, fit = 0;
    for (uint32_t seed = 1; seed <= 400; seed++) {
        pair p = {.diag = {.arena = &p.arena}};
        tp_graph graph;
        const char *const *s = spec[seed % 5];
        test_ok(tp_random_graph(&p.arena, seed, &graph, &p.diag), &p.diag);
        if (adapted(&p, s, s[1] != NULL ? 2 : 1, &graph)) {
            open_pair(&p, &graph, isa);
            n += special(&p.plan[1]);
            fit++;
            random_adapter(&p, seed);
            compare(&p, seed, 2);
        }
        tp_arena_free(&p.arena);
    }
    print_message("adapters: %d graphs, %d special steps\n", fit, n);
    assert_true(fit > 300 && n > 300);
}

static void trained_biases_and_factors(void **state) {
    (void)state;
    same_adapted(TP_ISA_DSP);
    same_adapted(TP_ISA_SCALAR);
}

/* One layer alone, of shapes and scales of all kinds. */
static int trained_layer(uint32_t seed, tp_kind kind, unsigned isa) {
    static const char *const spec[][2] = {
        {"*=bitfit", NULL}, {"*=scale", NULL}, {"*=scale", "*=bitfit"}};
    pair p = {.diag = {.arena = &p.arena}};
    tp_graph graph = tp_one_conv(&p.arena, seed, kind);
    const char *const *s = spec[seed % 3];
    int n = 0;
    if (adapted(&p, s, s[1] != NULL ? 2 : 1, &graph)) {
        open_pair(&p, &graph, isa);
        n = special(&p.plan[1]) > 0;
        random_adapter(&p, seed);
        compare(&p, seed, 2);
    }
    tp_arena_free(&p.arena);
    return n;
}

/* Weights of branches anywhere in their range, with exponents from where
 * nothing is added to where everything is clamped. */
static void random_branches(pair *p, uint32_t seed) {
    const tp_model *m = p->ctx[0].model;
    uint32_t rng = tp_rng_seed(seed);
    tp_adapter_init(&p->ctx[0], 1);
    for (uint32_t i = 0; i < m->n_params; i++) {
        const tp_param *param = &m->params[i];
        tp_q8 *w = (tp_q8 *)(void *)(p->ctx[0].adapter + param->adapter);
        assert_int_equal(param->type, TP_PARAM_Q8);
        w->e = (int8_t)((int32_t)tp_rng_below(&rng, 24) - 20);
        for (uint32_t k = 0; k < param->count; k++) {
            const int32_t any = (int32_t)tp_rng_below(&rng, 255) - 127;
            w->v[k] = (int8_t)(seed % 4 == 0   ? (any < 0 ? -127 : 127)
                               : seed % 4 == 1 ? any / 64
                                               : any);
        }
    }
    memcpy(p->ctx[1].adapter, p->ctx[0].adapter, m->adapter_bytes);
}

/* How many steps of inference are of a kernel. */
static int steps_of(const tp_plan *plan, tp_kernel_id kernel) {
    int n = 0;
    for (int i = 0; i < plan->infer.n_steps; i++) {
        n += plan->infer.step[i].kernel == kernel;
    }
    return n;
}

/* One layer with a branch of each rank: u made in the same step or before. */
static void branches(void **state) {
    static const char *const spec[] = {"*=lora:rank=4", "*=lora:rank=8",
                                       "*=lora:rank=3", "*=lora:rank=6",
                                       "*=lora:rank=1", "*=lora:rank=12"};
    int joined = 0, apart = 0;
    (void)state;
    for (uint32_t seed = 0; seed < 6000; seed++) {
        pair p = {.diag = {.arena = &p.arena}};
        tp_graph graph = tp_one_conv(&p.arena, seed, TP_OP_CONV_2D);
        if (adapted(&p, &spec[seed % 6], 1, &graph)) {
            open_pair(&p, &graph, TP_ISA_DSP);
            joined += steps_of(&p.plan[1], TP_K_conv2d_lora_u_s8_fwd_dsp);
            apart += steps_of(&p.plan[1], TP_K_conv2d_lora_s8_fwd_dsp);
            random_branches(&p, seed);
            compare(&p, seed, 2);
        }
        tp_arena_free(&p.arena);
    }
    print_message("branches: %d joined, %d apart\n", joined, apart);
    assert_true(joined > 100 && apart > 100);
}

static void same_trained_layers(unsigned isa) {
    int dense = 0, depth = 0;
    for (uint32_t seed = 0; seed < 2000; seed++) {
        dense += trained_layer(seed, TP_OP_CONV_2D, isa);
        depth += trained_layer(seed, TP_OP_DEPTHWISE_CONV_2D, isa);
        depth += trained_layer(seed + 2000, TP_OP_DEPTHWISE_CONV_2D, isa);
    }
    print_message("trained: %d dense, %d depthwise layers\n", dense, depth);
    assert_true(dense > 100 && depth > 500);
}

static void trained_layers(void **state) {
    (void)state;
    same_trained_layers(TP_ISA_DSP);
    same_trained_layers(TP_ISA_SCALAR);
}

/* --- training ------------------------------------------------------------- */

/* What backward has kernels for; the last fits all graphs. */
static const char *const adapters[][2] = {
    {"fc*=head:classes=4", "conv*=lora:rank=4"},
    {"*=lora:rank=2", "*=bitfit"},
    {"fc*=head:classes=3", "conv*=lora-fa:rank=4"},
    {"*=lora:rank=3", "*=lora:rank=3"},
    {"conv*=lora:rank=7", "*=bitfit"},
    {"*=bitfit", "*=bitfit"},
};
enum { ADAPTERS = sizeof adapters / sizeof *adapters };

/* The plan of a graph with adapters, for portable C or `isa`. */
static tp_status plan_trained(pair *p, uint32_t seed, int choice, int i,
                              unsigned isa) {
    static const tp_schedule all = {.state = TP_STATE_MOMENTUM};
    tp_graph *graph = tp_arena_alloc(&p->arena, 1, sizeof *graph);
    tp_adapter_spec spec[2];
    const bool same = strcmp(adapters[choice][0], adapters[choice][1]) == 0;
    const tp_pass_options passes = {.spec = spec, .n_specs = same ? 1 : 2};
    const tp_schedule_options options = {
        .state = all.state,
        .plan = {.effort = TP_EFFORT_QUICK, .isa = i == 0 ? 0 : isa}};
    assert_non_null(graph);
    TP_TRY(tp_random_graph(&p->arena, seed, graph, &p->diag));
    for (int s = 0; s < passes.n_specs; s++) {
        TP_TRY(tp_adapter_parse(&p->arena, adapters[choice][s], &spec[s],
                                &p->diag));
    }
    TP_TRY(tp_passes_run(graph, &passes, NULL, NULL, &p->diag));
    return tp_schedule_apply(&p->arena, graph, &all, &options, &p->plan[i],
                             &p->diag);
}

/* False: this adapter does not fit this graph. */
static bool open_trained(pair *p, uint32_t seed, int choice, unsigned isa) {
    for (int i = 0; i < 2; i++) {
        if (plan_trained(p, seed, choice, i, isa) != TP_OK) {
            return false;
        }
        tp_interpreter_init(&p->run[i], &p->plan[i]);
        assert_int_equal(tp_interpreter_open(&p->arena, &p->run[i], &p->ctx[i]),
                         TP_OK);
    }
    return p->ctx[0].model->sample != NULL;
}

/* Adapters trained with either are the same, and so is what they answer. */
static void same_training(unsigned isa, uint32_t seeds) {
    int trained = 0;
    for (uint32_t seed = 1; seed <= seeds; seed++) {
        for (int choice = 0; choice < ADAPTERS; choice++) {
            pair p = {.diag = {.arena = &p.arena}};
            if (open_trained(&p, seed, choice, isa)) {
                const drive_digest ref = drive(&p.ctx[0], seed);
                const drive_digest own = drive(&p.ctx[1], seed);
                assert_memory_equal(&ref, &own, sizeof ref);
                trained++;
            }
            tp_arena_free(&p.arena);
        }
    }
    print_message("%d graphs trained with both\n", trained);
    assert_true(trained > 2 * (int)seeds);
}

static void random_training(void **state) {
    (void)state;
    same_training(TP_ISA_DSP, 250);
    same_training(TP_ISA_SCALAR, 100);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(convolutions),
        cmocka_unit_test(depthwise),
        cmocka_unit_test(random_graphs),
        cmocka_unit_test(trained_biases_and_factors),
        cmocka_unit_test(trained_layers),
        cmocka_unit_test(branches),
        cmocka_unit_test(random_training),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
