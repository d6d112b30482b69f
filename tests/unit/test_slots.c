/* The slots that adapters are attached to, and every message that says why not.
 * test_specs.c has the grammar. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "compiler/ir/text.h"
#include "compiler/ir/verify.h"
#include "compiler/passes/passes.h"
#include "tests/unit/expected.h"

enum { MOST_SPECS = 4 };

/* --- slots of a network --------------------------------------------------- */

/* conv0 dwconv1 conv2 mean3 fc4 softmax5 */
static const char *const net =
    "graph net\n"
    "input %0 \"x\" s8[1,4,4,2] q(0.05, -3)\n"
    "const %1 \"w0\" s8[3,3,3,2] q(0.01, 0) = fill(2)\n"
    "const %2 \"b0\" s32[3] = [1, 2, 3]\n"
    "const %3 \"w1\" s8[1,2,2,3] q(0.02, 0) = fill(-4)\n"
    "const %4 \"w2\" s8[4,1,1,3] q(0.03, 0) = fill(5)\n"
    "const %5 \"b2\" s32[4] = [1, 2, 3, 4]\n"
    "const %6 \"w4\" s8[3,4] q(0.02, 0) = fill(3)\n"
    "%7 \"c\" s8[1,2,2,3] q(0.1, -128) = conv0: conv(%0, %1, %2) source=0\n"
    "%8 \"d\" s8[1,1,1,3] q(0.1, -128) = dwconv1: dwconv(%7, %3, %2) source=1\n"
    "%9 \"e\" s8[1,1,1,4] q(0.1, -128) = conv2: conv(%8, %4, %5) source=2\n"
    "%10 \"m\" s8[1,4] q(0.1, -128) = mean3: mean(%9) list=[1,2] source=3\n"
    "%11 \"z\" s8[1,3] q(0.1, 0) = fc4: fc(%10, %6, %2) source=4\n"
    "%12 \"y\" s8[1,3] q(0.00390625, -128)\n"
    "    = softmax5: softmax(%11) alpha=1 source=5\n"
    "output %12\n";

typedef struct attempt {
    tp_arena arena;
    tp_diag diag;
    tp_graph graph;
    tp_adapter_spec spec[MOST_SPECS];
    tp_pass_options options;
} attempt;

/* The network, not yet rewritten, and the specs. */
static void begin(attempt *a, const char *text, const char *const *spec) {
    *a = (attempt){0};
    a->diag.arena = &a->arena;
    a->options.spec = a->spec;
    test_ok(tp_graph_parse(&a->arena, text, &a->graph, &a->diag), &a->diag);
    test_ok(tp_graph_verify(&a->graph, &a->diag), &a->diag);
    while (a->options.n_specs < MOST_SPECS &&
           spec[a->options.n_specs] != NULL) {
        const int i = a->options.n_specs++;
        test_ok(tp_adapter_parse(&a->arena, spec[i], &a->spec[i], &a->diag),
                &a->diag);
    }
}

static tp_status attach(attempt *a, const char *const *spec) {
    begin(a, net, spec);
    return tp_pass_slots(&a->graph, &a->options, &a->diag);
}

/* Names of the ops in order, a space between. */
static void check_ops(attempt *a, const char *want) {
    const char *names = "";
    for (int i = 0; i < a->graph.n_ops; i++) {
        names = tp_arena_printf(&a->arena, "%s%s%s", names, i > 0 ? " " : "",
                                a->graph.op[i].name);
        assert_non_null(names);
    }
    assert_string_equal(names, want);
}

static const struct {
    const char *spec[MOST_SPECS];
    const char *ops;
} attached[] = {
    /* a glob passes over what does not fit */
    {{"*=lora"},
     "conv0_a conv0 dwconv1 conv2_a conv2 mean3 fc4_a fc4 softmax5"},
    {{"conv*=lora-fa"},
     "conv0_random_a conv0_a conv0 dwconv1 conv2_random_a conv2_a conv2 "
     "mean3 fc4 softmax5"},
    {{"conv[02]=hyper"},
     "conv[02]_hidden conv0_hyper conv0_random_a conv0_a conv0 dwconv1 "
     "conv2_hyper conv2_random_a conv2_a conv2 mean3 fc4 softmax5"},
    {{"*=bitfit"},
     "conv0_bias conv0 dwconv1_bias dwconv1 conv2_bias conv2 mean3 "
     "fc4_bias fc4 softmax5"},
    {{"*=head"}, "conv0 dwconv1 conv2 mean3 fc4 fc4_softmax"},
    {{"conv[12]=lora"}, "conv0 dwconv1 conv2_a conv2 mean3 fc4 softmax5"},
    {{"*conv[!0]=bitfit"},
     "conv0 dwconv1_bias dwconv1 conv2_bias conv2 mean3 fc4 softmax5"},
    /* two kinds on one slot, in either order */
    {{"conv2=lora", "conv2=bitfit"},
     "conv0 dwconv1 conv2_a conv2_bias conv2 mean3 fc4 softmax5"},
    {{"conv2=bitfit", "conv2=lora"},
     "conv0 dwconv1 conv2_bias conv2_a conv2 mean3 fc4 softmax5"},
    {{"conv2=lora", "conv2=scale", "conv2=bitfit"},
     "conv0 dwconv1 conv2_a conv2_scale conv2_bias conv2 mean3 fc4 "
     "softmax5"},
    {{"*=scale", "*=lora"},
     "conv0_scale conv0_a conv0 dwconv1_scale dwconv1 conv2_scale conv2_a "
     "conv2 mean3 fc4_scale fc4_a fc4 softmax5"},
    {{"conv*=skip", "fc4=head"},
     "conv0 conv0_pool dwconv1 conv2 mean3 fc4 conv0_skip conv2_skip "
     "fc4_softmax"},
    {{"*=bottleneck", "*=bitfit"},
     "conv0_bias conv0 dwconv1_bias dwconv1 conv2_bias conv2 mean3 "
     "fc4_bias fc4 softmax5"},
    {{"*=bottleneck:mode=serial", "conv2=lora", "conv2=scale"},
     "conv0 dwconv1 conv2_a conv2_scale conv2 conv2_bottleneck mean3 fc4 "
     "fc4_bottleneck softmax5"},
    /* heads first: their slot is gone when the others look */
    {{"*=bitfit", "fc4=head"},
     "conv0_bias conv0 dwconv1_bias dwconv1 conv2_bias conv2 mean3 fc4 "
     "fc4_softmax"},
    /* a glob also passes over slots that are taken */
    {{"conv0=lora:rank=2", "conv*=lora:rank=7"},
     "conv0_a conv0 dwconv1 conv2_a conv2 mean3 fc4 softmax5"},
};

static void test_attach(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof attached / sizeof *attached; i++) {
        attempt a;
        test_ok(attach(&a, attached[i].spec), &a.diag);
        assert_int_equal(a.diag.count, 0);
        test_ok(tp_graph_verify(&a.graph, &a.diag), &a.diag);
        check_ops(&a, attached[i].ops);
        tp_arena_free(&a.arena);
    }
}

static void test_values_arrive(void **state) {
    (void)state;
    static const char *const spec[MOST_SPECS] = {
        "conv0=lora:rank=2", "conv*=lora", "fc4=head:classes=9"};
    attempt a;
    test_ok(attach(&a, spec), &a.diag);
    const tp_graph *g = &a.graph;
    assert_int_equal(g->op[tp_graph_find_op(g, "conv0")].attr.rank, 2);
    assert_int_equal(g->op[tp_graph_find_op(g, "conv2")].attr.rank, 4);
    const tp_op *head = &g->op[tp_graph_find_op(g, "fc4")];
    assert_int_equal(head->kind, TP_OP_HEAD);
    assert_int_equal(g->tensor[head->in[1]].dim[0], 9);
    assert_int_equal(g->tensor[g->output].dim[1], 9);
    assert_int_equal(g->logits, head->out);
    tp_arena_free(&a.arena);
}

#define ALL_BIASES "bitfit fits: conv0, dwconv1, conv2, fc4"
#define ALL_WEIGHTS "lora fits: conv0, conv2, fc4"

typedef struct refusal {
    const char *spec[MOST_SPECS];
    const char *message;
} refusal;

/* Slots that are not there, or not what the kind needs. */
static const refusal misfits[] = {
    {{"conv9=lora"}, "adapter 'conv9=lora': no slot matches; " ALL_WEIGHTS},
    {{"nix*=bitfit"}, "adapter 'nix*=bitfit': no slot matches; " ALL_BIASES},
    {{"conv[0=lora"}, "adapter 'conv[0=lora': no slot matches; " ALL_WEIGHTS},
    {{"dwconv1=lora"},
     "adapter 'dwconv1=lora': slot dwconv1 is depthwise: no low rank to "
     "use; bitfit fits; " ALL_WEIGHTS},
    {{"dw*=lora"},
     "adapter 'dw*=lora': slot dwconv1 is depthwise: no low rank to use; "
     "bitfit fits; " ALL_WEIGHTS},
    {{"mean3=lora"},
     "adapter 'mean3=lora': slot mean3 has no weights; " ALL_WEIGHTS},
    {{"softmax5=bitfit"},
     "adapter 'softmax5=bitfit': slot softmax5 has no bias; " ALL_BIASES},
    {{"conv2=head"},
     "adapter 'conv2=head': slot conv2 is not the last layer; head fits: "
     "fc4"},
    {{"mean3=head"},
     "adapter 'mean3=head': slot mean3 has no weights that a head could "
     "replace; head fits: fc4"},
    {{"mean3=scale"},
     "adapter 'mean3=scale': slot mean3 requantises no accumulator; scale "
     "fits: conv0, dwconv1, conv2, fc4"},
    {{"mean3=skip"},
     "adapter 'mean3=skip': slot mean3 ends no block: it is no "
     "convolution, fully connected layer, addition or concatenation; skip "
     "fits: conv0, dwconv1, conv2"},
    {{"fc4=skip"},
     "adapter 'fc4=skip': slot fc4 is the last layer, which a head "
     "replaces; skip fits: conv0, dwconv1, conv2"},
    {{"conv2=skip"},
     "adapter 'conv2=skip': adds to the logits of a head, and there is "
     "none: add 'fc4=head'"},
    {{"conv0=sparse"},
     "adapter 'conv0=sparse': slot conv0 is no 1x1 convolution of stride "
     "1; sparse fits: conv2, fc4"},
    {{"mean3=sparse"},
     "adapter 'mean3=sparse': slot mean3 is no 1x1 convolution or fully "
     "connected layer; sparse fits: conv2, fc4"},
    {{"fc4=sparse:count=13"},
     "adapter 'fc4=sparse:count=13': count=13: slot fc4 has 12 weights"},
    {{"fc4=sparse:count=4,unit=channel"},
     "adapter 'fc4=sparse:count=4,unit=channel': count=4: slot fc4 has 3 "
     "channels"},
    {{"conv0=bottleneck"},
     "adapter 'conv0=bottleneck': slot conv0 is no 1x1 convolution of "
     "stride 1; bottleneck fits: conv2, fc4"},
    {{"dwconv1=bottleneck"},
     "adapter 'dwconv1=bottleneck': slot dwconv1 is no 1x1 convolution or "
     "fully connected layer; bottleneck fits: conv2, fc4"},
    {{"fc4=bottleneck:rank=6"},
     "adapter 'fc4=bottleneck:rank=6': rank=6: the rank of a bottleneck is "
     "4, 8, 12 or 16"},
};

/* Slots that another adapter has taken. */
static const refusal conflicts[] = {
    {{"fc4=head", "conv2=skip", "conv[02]=skip", "conv0=skip"},
     "adapter 'conv0=skip': slot conv0 has a skip already; skip fits: "
     "dwconv1"},
    {{"fc4=sparse", "fc4=sparse"},
     "adapter 'fc4=sparse': slot fc4 has a sparse delta already; sparse "
     "fits: conv2"},
    {{"fc4=lora", "fc4=sparse"},
     "adapter 'fc4=sparse': slot fc4 has an adapter in a sparse delta's "
     "place; sparse fits: conv2"},
    {{"fc4=scale", "fc4=sparse"},
     "adapter 'fc4=sparse': slot fc4 has trained scales, which a sparse "
     "delta does not combine with; sparse fits: conv2"},
    {{"fc4=sparse", "fc4=lora"},
     "adapter 'fc4=lora': slot fc4 has a sparse delta: a LoRA branch takes "
     "its place; lora fits: conv0, conv2"},
    {{"fc4=bottleneck", "fc4=bottleneck"},
     "adapter 'fc4=bottleneck': slot fc4 has a bottleneck already; "
     "bottleneck fits: conv2"},
    {{"fc4=bottleneck:mode=serial", "fc4=bottleneck"},
     "adapter 'fc4=bottleneck': slot fc4 has a bottleneck already; "
     "bottleneck fits: conv2"},
    {{"fc4=lora", "fc4=bottleneck"},
     "adapter 'fc4=bottleneck': slot fc4 has a LoRA branch: a bottleneck "
     "takes its place; bottleneck fits: conv2"},
    {{"fc4=scale", "fc4=bottleneck"},
     "adapter 'fc4=bottleneck': slot fc4 has trained scales, which a "
     "bottleneck does not combine with; bottleneck fits: conv2"},
    {{"fc4=bottleneck", "fc4=scale"},
     "adapter 'fc4=scale': slot fc4 has an adapter that scales do not "
     "combine with; scale fits: conv0, dwconv1, conv2"},
    {{"fc4=bottleneck", "fc4=lora"},
     "adapter 'fc4=lora': slot fc4 has a bottleneck: a LoRA branch takes "
     "its place; lora fits: conv0, conv2"},
    {{"fc4=scale", "fc4=lora", "fc4=scale"},
     "adapter 'fc4=scale': slot fc4 has trained scales already; scale "
     "fits: conv0, dwconv1, conv2"},
    {{"conv2=lora", "conv2=lora:rank=2"},
     "adapter 'conv2=lora:rank=2': slot conv2 has a LoRA branch already; "
     "lora fits: conv0, fc4"},
    {{"conv2=lora", "conv2=lora-fa"},
     "adapter 'conv2=lora-fa': slot conv2 has a LoRA branch already; "
     "lora-fa fits: conv0, fc4"},
    {{"*=lora", "conv*=lora"},
     "adapter 'conv*=lora': slot conv0 has a LoRA branch already; lora "
     "fits: no slot of this model"},
    {{"fc4=bitfit", "fc4=bitfit"},
     "adapter 'fc4=bitfit': slot fc4 has a bias adapter already; bitfit "
     "fits: conv0, dwconv1, conv2"},
};

/* What a head has replaced, and what an adapter has made. */
static const refusal made[] = {
    {{"fc4=head", "fc4=head:classes=5"},
     "adapter 'fc4=head:classes=5': slot fc4 was made by another adapter; "
     "head fits: no slot of this model"},
    {{"fc4=lora", "fc4=head"},
     "adapter 'fc4=lora': slot fc4 was made by another adapter; lora "
     "fits: conv0, conv2"},
    {{"softmax5=bitfit", "fc4=head"},
     "adapter 'softmax5=bitfit': no slot matches; bitfit fits: conv0, "
     "dwconv1, conv2"},
    {{"conv0=lora", "conv0_a=lora"},
     "adapter 'conv0_a=lora': slot conv0_a was made by another adapter; "
     "lora fits: conv2, fc4"},
};

/* Each row: one error, and that message. */
static void check_refused(const refusal *row, size_t n) {
    for (size_t i = 0; i < n; i++) {
        attempt a;
        assert_int_equal(attach(&a, row[i].spec), TP_ERR_ARGUMENT);
        assert_string_equal(a.diag.message[0].text, row[i].message);
        assert_int_equal(a.diag.count, 1);
        tp_arena_free(&a.arena);
    }
}

static void test_refuses(void **state) {
    (void)state;
    check_refused(misfits, sizeof misfits / sizeof *misfits);
    check_refused(conflicts, sizeof conflicts / sizeof *conflicts);
    check_refused(made, sizeof made / sizeof *made);
}

/* Everything that is wrong is said in one run. */
static void test_all_at_once(void **state) {
    (void)state;
    static const char *const spec[MOST_SPECS] = {"conv9=lora", "conv0=bitfit",
                                                 "conv2=head"};
    attempt a;
    assert_int_equal(attach(&a, spec), TP_ERR_ARGUMENT);
    assert_int_equal(a.diag.errors, 2);
    assert_string_equal(a.diag.message[0].text,
                        "adapter 'conv2=head': slot conv2 is not the last "
                        "layer; head fits: fc4");
    assert_string_equal(a.diag.message[1].text,
                        "adapter 'conv9=lora': no slot matches; " ALL_WEIGHTS);
    tp_arena_free(&a.arena);
}

/* --- what only the graph can tell ----------------------------------------- */

/* fc0 softmax1 fc2: a softmax has no backward, so nothing before it learns. */
static const char *const blocked =
    "graph blocked\n"
    "input %0 \"x\" s8[1,2] q(0.05, -3)\n"
    "const %1 \"w\" s8[2,2] q(0.01, 0) = [1, 2, 3, 4]\n"
    "const %2 \"b\" s32[2] = [1, 2]\n"
    "%3 \"h\" s8[1,2] q(0.1, 0) = fc0: fc(%0, %1, %2) source=0\n"
    "%4 \"p\" s8[1,2] q(0.00390625, -128)\n"
    "    = softmax1: softmax(%3) alpha=1 source=1\n"
    "%5 \"y\" s8[1,2] q(0.1, 0) = fc2: fc(%4, %1, %2) source=2\n"
    "output %5\n";

/* One score a place: a map, no feature vector; then one class, and 300. */
static const char *const map =
    "graph map\n"
    "input %0 \"x\" s8[1,2,2,2] q(0.05, -3)\n"
    "const %1 \"w\" s8[2,1,1,2] q(0.01, 0) = [1, 2, 3, 4]\n"
    "const %2 \"b\" s32[2] = [1, 2]\n"
    "%3 \"y\" s8[1,2,2,2] q(0.1, 0) = conv0: conv(%0, %1, %2) source=0\n"
    "output %3\n";
static const char *const one =
    "graph one\n"
    "input %0 \"x\" s8[1,2] q(0.05, -3)\n"
    "const %1 \"w\" s8[1,2] q(0.01, 0) = [1, 2]\n"
    "const %2 \"b\" s32[1] = [1]\n"
    "%3 \"y\" s8[1,1] q(0.1, 0) = fc0: fc(%0, %1, %2) source=0\n"
    "output %3\n";
static const char *const many =
    "graph many\n"
    "input %0 \"x\" s8[1,2] q(0.05, -3)\n"
    "const %1 \"w\" s8[300,2] q(0.01, 0) = fill(1)\n"
    "const %2 \"b\" s32[300] = fill(1)\n"
    "%3 \"y\" s8[1,300] q(0.1, 0) = fc0: fc(%0, %1, %2) source=0\n"
    "output %3\n";

/* All passes; the user is told what to change, never that we are broken. */
static void test_pipeline_refuses(void **state) {
    (void)state;
    const struct {
        const char *net;
        const char *spec[MOST_SPECS];
        tp_loss_kind loss;
        tp_status status;
        const char *message;
    } rows[] = {
        {blocked,
         {"fc0=bitfit"},
         TP_LOSS_AUTO,
         TP_ERR_UNSUPPORTED,
         "op softmax1: softmax has no backward kernel; adapters can only be "
         "placed after it"},
        {map,
         {"conv0=head"},
         TP_LOSS_AUTO,
         TP_ERR_ARGUMENT,
         "adapter 'conv0=head': slot conv0 scores more than one place; a head "
         "needs one feature vector; head fits: no slot of this model"},
        {one,
         {"fc0=head"},
         TP_LOSS_AUTO,
         TP_ERR_ARGUMENT,
         "adapter 'fc0=head': the base has 1 classes, a head takes 2 to 256: "
         "add :classes=N"},
        {many,
         {"fc0=head"},
         TP_LOSS_AUTO,
         TP_ERR_ARGUMENT,
         "adapter 'fc0=head': the base has 300 classes, a head takes 2 to "
         "256: add :classes=N"},
        {many,
         {"fc0=bitfit"},
         TP_LOSS_AUTO,
         TP_ERR_UNSUPPORTED,
         "op loss: cross-entropy needs 2 to 256 logits, here are 300; without "
         "a "
         "softmax --loss mse works"},
        {net,
         {"fc4=head"},
         TP_LOSS_MSE,
         TP_ERR_ARGUMENT,
         "mean squared error does not go with a head: its target is a class; "
         "use cross-entropy"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        attempt a;
        begin(&a, rows[i].net, rows[i].spec);
        a.options.loss = rows[i].loss;
        assert_int_equal(
            tp_passes_run(&a.graph, &a.options, NULL, NULL, &a.diag),
            rows[i].status);
        assert_string_equal(a.diag.message[0].text, rows[i].message);
        assert_int_equal(a.diag.count, 1);
        tp_arena_free(&a.arena);
    }
}

/* Where the base's own number of classes does not do, the spec's does. */
static void test_classes_help(void **state) {
    (void)state;
    static const char *const spec[MOST_SPECS] = {"fc0=head:classes=4"};
    attempt a;
    begin(&a, many, spec);
    test_ok(tp_passes_run(&a.graph, &a.options, NULL, NULL, &a.diag), &a.diag);
    tp_arena_free(&a.arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_attach),
        cmocka_unit_test(test_values_arrive),
        cmocka_unit_test(test_refuses),
        cmocka_unit_test(test_all_at_once),
        cmocka_unit_test(test_pipeline_refuses),
        cmocka_unit_test(test_classes_help),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
