/* The random models that other tests rely on are what random_graph.h says, and
 * their text form survives every stage of the compiler, as does that of the
 * real models. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "compiler/import/import.h"
#include "compiler/ir/text.h"
#include "compiler/ir/verify.h"
#include "compiler/ops/opdef.h"
#include "compiler/passes/passes.h"
#include "tests/unit/data.h"
#include "tests/unit/random_graph.h"

#define SEEDS 300u

static void make(tp_arena *arena, uint32_t seed, tp_graph *graph) {
    tp_diag diag = {.arena = arena};
    if (tp_random_graph(arena, seed, graph, &diag) != TP_OK) {
        fail_msg("seed %u: %s", (unsigned)seed, diag.message[0].text);
    }
}

/* Text, graph, text: the same; constants are the same bytes. */
static void must_read_back(const char *stage, const tp_graph *graph) {
    tp_arena arena = {0};
    tp_diag diag = {.arena = &arena};
    tp_graph back;
    const char *text = tp_graph_print(&arena, graph);
    assert_non_null(text);
    if (tp_graph_parse(&arena, text, &back, &diag) != TP_OK ||
        tp_graph_verify(&back, &diag) != TP_OK) {
        fail_msg("%s: %s", stage, diag.message[0].text);
    }
    assert_string_equal(tp_graph_print(&arena, &back), text);
    assert_int_equal(back.n_tensors, graph->n_tensors);
    for (int i = 0; i < graph->n_tensors; i++) {
        const tp_tensor *t = &graph->tensor[i];
        if (t->role == TP_CONST) {
            assert_memory_equal(back.tensor[i].data, t->data,
                                tp_tensor_bytes(t));
        }
    }
    tp_arena_free(&arena);
}

static void same_seed_same_graph(void **state) {
    (void)state;
    tp_arena arena = {0};
    tp_graph a;
    tp_graph b;
    tp_graph c;
    make(&arena, 7, &a);
    make(&arena, 7, &b);
    make(&arena, 8, &c);
    const char *text = tp_graph_print(&arena, &a);
    assert_string_equal(text, tp_graph_print(&arena, &b));
    assert_string_not_equal(text, tp_graph_print(&arena, &c));
    assert_string_equal(a.name, "g7");
    tp_arena_free(&arena);
}

static void graphs_are_small_and_read_back(void **state) {
    (void)state;
    for (uint32_t seed = 0; seed < SEEDS; seed++) {
        tp_arena arena = {0};
        tp_graph g;
        make(&arena, seed, &g);
        assert_in_range(g.n_ops, 4, 12);
        assert_int_equal(g.first_backward, g.n_ops);
        assert_int_equal(g.logits, -1);
        for (int i = 0; i < g.n_tensors; i++) {
            assert_true(g.tensor[i].role == TP_CONST ||
                        tp_tensor_count(&g.tensor[i]) <= 2048);
        }
        for (int i = 0; i < g.n_ops; i++) {
            const char *name =
                tp_arena_printf(&arena, "%s%d", tp_kind_name(g.op[i].kind), i);
            assert_string_equal(g.op[i].name, name);
            assert_int_equal(g.op[i].source, i);
        }
        must_read_back("random", &g);
        tp_arena_free(&arena);
    }
}

/* In every 50 seeds in a row; most graphs end with classes. */
static void every_kind_appears(void **state) {
    (void)state;
    int last[TP_OP_STRIDED_SLICE + 1];
    int classify = 0;
    memset(last, 0xff, sizeof last); /* -1 */
    for (int seed = 0; seed < (int)SEEDS; seed++) {
        tp_arena arena = {0};
        tp_graph g;
        make(&arena, (uint32_t)seed, &g);
        for (int i = 0; i < g.n_ops; i++) {
            assert_true(g.op[i].kind <= TP_OP_STRIDED_SLICE);
            last[g.op[i].kind] = seed;
        }
        for (int k = 0; k <= TP_OP_STRIDED_SLICE; k++) {
            assert_true(seed - last[k] < 50);
        }
        const tp_kind end = g.op[g.n_ops - 1].kind;
        classify += end == TP_OP_FULLY_CONNECTED || end == TP_OP_SOFTMAX;
        tp_arena_free(&arena);
    }
    assert_true(classify > (int)SEEDS * 3 / 4);
}

static tp_status after(void *ctx, const char *stage, const tp_graph *graph) {
    int *stages = ctx;
    ++*stages;
    must_read_back(stage, graph);
    return TP_OK;
}

/* With each adapter, where one fits: after every pass. */
static void every_stage_reads_back(void **state) {
    (void)state;
    const char *const specs[] = {"*=lora:rank=2",
                                 "*=bitfit",
                                 "*=head",
                                 "*=lora-fa:rank=2",
                                 "*=lora:rank=3,bits=4",
                                 "*=lora:rank=5,bits=2",
                                 "*=vera:rank=3",
                                 "*=hyper:code=5,rank=2",
                                 "*=scale",
                                 "*=skip",
                                 "*=bottleneck",
                                 "*=bottleneck:mode=serial,act=hard_swish",
                                 "*=sparse"};
    enum { SPECS = sizeof specs / sizeof *specs };
    int stages = 0;
    for (uint32_t seed = 0; seed < 120; seed++) {
        tp_arena arena = {0};
        tp_diag diag = {.arena = &arena};
        tp_graph g;
        tp_adapter_spec spec;
        make(&arena, seed, &g);
        assert_int_equal(
            tp_adapter_parse(&arena, specs[seed % SPECS], &spec, &diag), TP_OK);
        const tp_pass_options options = {.spec = &spec, .n_specs = 1};
        const tp_status status =
            tp_passes_run(&g, &options, after, &stages, &diag);
        if (status == TP_ERR_MALFORMED) { /* not: no slot, or no gradient */
            fail_msg("seed %u: %s", (unsigned)seed, diag.message[0].text);
        }
        tp_arena_free(&arena);
    }
    assert_true(stages > 60 * tp_n_passes);
}

static void real_models_read_back(void **state) {
    (void)state;
    const char *const models[] = {
        "models/kws_ref_model.tflite", "models/ad01_int8.tflite",
        "models/pretrainedResnet_quant.tflite",
        "models/str_ww_ref_model.tflite", "models/vww_96_int8.tflite"};
    for (size_t i = 0; i < sizeof models / sizeof models[0]; i++) {
        tp_arena arena = {0};
        tp_diag diag = {.arena = &arena};
        tp_graph g;
        size_t n = 0;
        uint8_t *bytes = test_data(models[i], &n);
        if (bytes == NULL) {
            skip();
        }
        const tp_status status =
            tp_import(&arena, bytes, n, "model", &g, &diag);
        free(bytes);
        if (status != TP_OK) {
            fail_msg("%s: %s", models[i], diag.message[0].text);
        }
        must_read_back(models[i], &g);
        tp_arena_free(&arena);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_seed_same_graph),
        cmocka_unit_test(graphs_are_small_and_read_back),
        cmocka_unit_test(every_kind_appears),
        cmocka_unit_test(every_stage_reads_back),
        cmocka_unit_test(real_models_read_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
