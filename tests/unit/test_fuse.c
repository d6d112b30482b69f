/* Fusion changes no byte: graphs run as imported and after the pass. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "compiler/compiler.h"
#include "compiler/ir/text.h"
#include "compiler/ir/verify.h"
#include "core/rng.h"
#include "tests/unit/random_graph.h"

enum { MOST = 4096 };

/* PAD into a strided and a depthwise convolution; RELU and RELU6 into what
 * clamps; a RELU that rescales, a PAD of another value and a tensor with two
 * readers stay. */
static const char *const apart =
    "graph apart\n"
    "input %0 \"x\" s8[1,5,5,2] q(0.05, -3)\n"
    "const %1 \"w\" s8[3,3,3,2] qc(0; 0.01, 0.02, 0.015) = fill(7)\n"
    "const %2 \"b\" s32[3] = [100, -200, 300]\n"
    "%3 \"p\" s8[1,7,7,2] q(0.05, -3)\n"
    "    = pad0: pad(%0) value=-3 list=[0,1,1,0,0,1,1,0] source=0\n"
    "%4 \"c\" s8[1,3,3,3] q(0.04, 10)\n"
    "    = conv1: conv(%3, %1, %2) stride=[2,2] source=1\n"
    "%5 \"r\" s8[1,3,3,3] q(0.04, 10) = relu2: relu(%4) source=2\n"
    "const %6 \"v\" s8[1,2,2,3] qc(3; 0.03, 0.02, 0.01) = fill(-5)\n"
    "%7 \"p2\" s8[1,4,4,3] q(0.04, 10)\n"
    "    = pad3: pad(%5) value=10 list=[0,0,1,0,0,1,0,0] source=3\n"
    "%8 \"d\" s8[1,3,3,3] q(0.05, 0) = dwconv4: dwconv(%7, %6, %2) source=4\n"
    "%9 \"e\" s8[1,3,3,3] q(0.05, 0) = relu5: relu6(%8) source=5\n"
    "%10 \"f\" s8[1,3,3,3] q(0.07, -128) = relu6: relu(%9) source=6\n"
    "%11 \"g\" s8[1,5,5,3] q(0.07, -128)\n"
    "    = pad7: pad(%10) value=5 list=[0,1,1,0,0,1,1,0] source=7\n"
    "%12 \"h\" s8[1,4,4,3] q(0.1, 4) = dwconv8: dwconv(%11, %6, %2) source=8\n"
    "%13 \"i\" s8[1,4,4,3] q(0.1, 4) = relu9: relu(%12) source=9\n"
    "%14 \"y\" s8[1,4,4,3] q(0.1, 0) = add10: add(%12, %13) source=10\n"
    "output %14\n";

typedef struct runner {
    tp_plan plan;
    tp_interpreter interpreter;
    tp_ctx ctx;
} runner;

static void open_graph(runner *r, tp_arena *arena, const tp_graph *graph,
                       tp_diag *diag) {
    assert_int_equal(tp_graph_verify(graph, diag), TP_OK);
    assert_int_equal(tp_plan_make(arena, graph, NULL, &r->plan, diag), TP_OK);
    tp_interpreter_init(&r->interpreter, &r->plan);
    assert_int_equal(tp_interpreter_open(arena, &r->interpreter, &r->ctx),
                     TP_OK);
}

/* Outputs of both are equal on a few random inputs. */
static void compare(tp_arena *arena, const tp_graph *before,
                    const tp_graph *after, tp_diag *diag) {
    static uint8_t x[MOST];
    static uint8_t y[2][MOST];
    runner a;
    runner b;
    uint32_t rng = tp_rng_seed(11);
    open_graph(&a, arena, before, diag);
    open_graph(&b, arena, after, diag);
    assert_true(a.plan.model.x_bytes <= MOST && a.plan.model.y_bytes <= MOST);
    for (int i = 0; i < 4; i++) {
        for (uint32_t j = 0; j < a.plan.model.x_bytes; j++) {
            x[j] = (uint8_t)(tp_rng_next(&rng) >> 24);
        }
        a.ctx.model->infer(&a.ctx, x, y[0]);
        b.ctx.model->infer(&b.ctx, x, y[1]);
        assert_memory_equal(y[0], y[1], a.plan.model.y_bytes);
    }
}

static void test_apart(void **state) {
    (void)state;
    tp_arena arena = {0};
    tp_diag diag = {.arena = &arena};
    const tp_pass_options none = {0};
    tp_graph graph;
    tp_graph fused;
    const tp_status status = tp_graph_parse(&arena, apart, &graph, &diag);
    if (status != TP_OK) {
        fail_msg("%s", diag.message[0].text);
    }
    assert_int_equal(tp_graph_parse(&arena, apart, &fused, &diag), TP_OK);
    assert_int_equal(tp_pass_fuse(&fused, &none, &diag), TP_OK);
    static const char *const left[] = {"conv1",   "dwconv4", "relu6", "pad7",
                                       "dwconv8", "relu9",   "add10"};
    assert_int_equal(fused.n_ops, sizeof left / sizeof *left);
    for (int i = 0; i < fused.n_ops; i++) {
        assert_string_equal(fused.op[i].name, left[i]);
    }
    assert_int_equal(fused.op[0].attr.pad_t, 1);
    assert_int_equal(fused.op[0].attr.act_min, 10);
    assert_int_equal(fused.op[1].attr.act_min, 0);
    assert_int_equal(fused.op[1].attr.act_max, 120);
    compare(&arena, &graph, &fused, &diag);
    tp_arena_free(&arena);
}

static void test_random(void **state) {
    (void)state;
    const tp_pass_options none = {0};
    for (uint32_t seed = 1; seed <= 150; seed++) {
        tp_arena arena = {0};
        tp_diag diag = {.arena = &arena};
        tp_graph graph;
        tp_graph fused;
        assert_int_equal(tp_random_graph(&arena, seed, &graph, &diag), TP_OK);
        assert_int_equal(tp_random_graph(&arena, seed, &fused, &diag), TP_OK);
        assert_int_equal(tp_pass_fuse(&fused, &none, &diag), TP_OK);
        compare(&arena, &graph, &fused, &diag);
        tp_arena_free(&arena);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_apart),
        cmocka_unit_test(test_random),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
