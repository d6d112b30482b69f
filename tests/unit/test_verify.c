/* The verifier: a sound graph passes, and each rule, broken alone, is reported
 * with its place and its reason. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "compiler/ir/text.h"
#include "compiler/ir/verify.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* BitFit on one convolution, trained: every role. */
static const char *const sound =
    "graph tiny\n"
    "input %0 \"x\" s8[1,2,2,2] q(0.05, -3)\n"
    "const %1 \"w\" s8[2,1,1,2] qc(0; 0.01, 0.02) = [1, -2, 3, 4]\n"
    "const %2 \"b\" s32[2] qc(0; 0.0005, 0.001) = [10, -20]\n"
    "param %3 \"db\" s16[2]\n"
    "grad %4 \"g\" q32[2] param=%3 unit=1\n"
    "target %5 \"t\" s8[1,2,2,2] q(0.1, 0)\n"
    "loss %6 \"loss\" s32[1]\n"
    "%7 \"bias\" s32[2] = bias0: bias(%2, %3)\n"
    "%8 \"y\" s8[1,2,2,2] q(0.1, 0) = conv0: conv(%0, %1, %7)\n"
    "backward\n"
    "%9 \"dy\" q8[1,2,2,2] = loss: mse_loss(%8, %5, %6)\n"
    "%4 = bwd0: bias_bwd(%9)\n"
    "output %8\n"
    "logits %8\n";

typedef struct bench {
    tp_arena arena;
    tp_diag diag;
    tp_graph graph;
} bench;

static void set_up(bench *b, const char *from, const char *to) {
    const char *at = strstr(sound, from);
    assert_non_null(at);
    *b = (bench){.arena = {0}};
    b->diag.arena = &b->arena;
    const char *text = tp_arena_printf(&b->arena, "%.*s%s%s", (int)(at - sound),
                                       sound, to, at + strlen(from));
    const tp_status status =
        tp_graph_parse(&b->arena, text, &b->graph, &b->diag);
    if (status != TP_OK) {
        fail_msg("%s", b->diag.message[0].text);
    }
}

/* The first error is `message`; returns 1 and says so where it is not. */
static int differs(bench *b, size_t number, const char *message) {
    const tp_status status = tp_graph_verify(&b->graph, &b->diag);
    const bool found = b->diag.count > 0 && status == b->diag.status &&
                       status != TP_OK &&
                       strcmp(b->diag.message[0].text, message) == 0;
    if (!found) {
        print_error("case %zu: '%s', not '%s'\n", number,
                    b->diag.count > 0 ? b->diag.message[0].text : "sound",
                    message);
    }
    tp_arena_free(&b->arena);
    return found ? 0 : 1;
}

static void a_sound_graph_passes(void **state) {
    (void)state;
    bench b;
    set_up(&b, "graph", "graph");
    const tp_status status = tp_graph_verify(&b.graph, &b.diag);
    if (status != TP_OK) {
        fail_msg("%s", b.diag.message[0].text);
    }
    assert_int_equal(b.diag.count, 0);
    tp_arena_free(&b.arena);
}

/* --- rules that a text can break ------------------------------------------ */

typedef struct text_case {
    const char *from, *to, *message;
} text_case;

static const text_case broken_texts[] = {
    /* tensors: type and role */
    {"s8[1,2,2,2] q(0.05", "s16[1,2,2,2] q(0.05",
     "tensor %0 'x': zero point -3; 0 to 0 work here"},
    {"s8[1,2,2,2] q(0.05, -3)", "f32[1,2,2,2]",
     "tensor %0 'x': an input cannot be f32"},
    {"= [10, -20]", "", "tensor %2 'b': a constant without data"},
    {"const %2 \"b\" s32[2] qc(0; 0.0005, 0.001) = [10, -20]",
     "const %2 \"b\" q32[1] = hex 0000000000000000",
     "tensor %2 'b': a constant cannot be q32"},
    {"s16[2]", "s8[2]", "tensor %3 'db': a parameter cannot be s8"},
    {"q32[2]", "q8[2]", "tensor %4 'g': a gradient accumulator cannot be q8"},
    {"s32[1]", "q8[1]", "tensor %6 'loss': a loss cannot be q8"},
    {"\"t\" s8", "\"t\" s16", "tensor %5 't': a target cannot be s16"},
    {"q8[1,2,2,2]", "f32[1,2,2,2]", "tensor %9 'dy': a value cannot be f32"},
    {"output", "input %10 s8[1] output",
     "tensor %10 't10': an input that is not the graph's"},
    /* scales */
    {"q(0.05", "q(0",
     "tensor %0 'x': scale 0 is 0; it must be finite and "
     "above 0"},
    {"q(0.05", "q(nan",
     "tensor %0 'x': scale 0 is nan; it must be finite and "
     "above 0"},
    {"0.01, 0.02", "0.01, inf",
     "tensor %1 'w': scale 1 is inf; it must be "
     "finite and above 0"},
    {"0.01, 0.02", "-1, 1",
     "tensor %1 'w': scale 0 is -1; it must be finite "
     "and above 0"},
    {"-3", "-129", "tensor %0 'x': zero point -129; -128 to 127 work here"},
    {"-3", "128", "tensor %0 'x': zero point 128; -128 to 127 work here"},
    {"x\" s8[1,2,2,2] q(0.05, -3)", "x\" u8[1,2,2,2] q(0.05, -1)",
     "tensor %0 'x': zero point -1; 0 to 255 work here"},
    {"x\" s8[1,2,2,2] q(0.05, -3)", "x\" u8[1,2,2,2] q(0.05, 256)",
     "tensor %0 'x': zero point 256; 0 to 255 work here"},
    /* what is trained */
    {"param=%3", "param=%2", "tensor %4 'g': is the gradient of no parameter"},
    {"param=%3", "param=_", "tensor %4 'g': is the gradient of no parameter"},
    {"q32[2]", "q32[3]", "tensor %4 'g': 3 elements; its parameter has 2"},
    {"unit=1", "unit=0",
     "tensor %4 'g': unit 0; it must be finite and above 0"},
    {"output", "grad %10 \"h\" q32[2] param=%3 unit=1 output",
     "tensor %10 'h': parameter %3 has gradient %4 already"},
    {"s16[2]", "s16[2] init=gauss std=-1",
     "tensor %3 'db': standard deviation -1; it must be finite and not below "
     "0"},
    /* inputs of ops */
    {"(%2, %3)", "(%2)", "op bias0: 1 inputs; bias takes 2 to 2"},
    {"(%2, %3)", "(%2, %3, %3)", "op bias0: 3 inputs; bias takes 2 to 2"},
    {"(%2, %3)", "(%2, _)",
     "op bias0: input 1 is absent; only last inputs that are optional may be "
     "left out"},
    {"(%2, %3)", "(%8, %3)", "op bias0: reads %8 'y' before an op has made it"},
    {"(%2, %3)", "(%7, %3)",
     "op bias0: reads %7 'bias' before an op has made it"},
    {"(%2, %3)", "(%2, %4)", "op bias0: reads %4, a gradient accumulator"},
    {"(%2, %3)", "(%2, %5)", "op bias0: reads %5, a target, in inference"},
    {"(%2, %3)", "(%2, %6)", "op bias0: reads %6, a loss, in inference"},
    /* outputs of ops */
    {"%4 = bwd0", "_ = bwd0", "op bwd0: its output is no tensor of the graph"},
    {"%4 = bwd0", "%0 = bwd0", "op bwd0: writes %0, an input"},
    {"%4 = bwd0", "%1 = bwd0", "op bwd0: writes %1, a constant"},
    {"%4 = bwd0", "%3 = bwd0", "op bwd0: writes %3, a parameter"},
    {"%4 = bwd0", "%5 = bwd0", "op bwd0: writes %5, a target"},
    {"%4 = bwd0", "%6 = bwd0", "op bwd0: writes %6, a loss"},
    {"%4 = bwd0", "%9 = bwd0", "op bwd0: writes %9, which op loss has made"},
    {"output", "%4 = more: bias_bwd(%9) output",
     "op more: writes %4, which op bwd0 has made"},
    {"backward", "%4 = early: bias_bwd(%8) backward",
     "op early: writes %4, a gradient accumulator, in inference"},
    /* names and attributes of ops */
    {"conv0:", "\"\":", "op : op 1 has no kind or no name"},
    {"conv0:", "bias0:", "op bias0: the name is taken by op 0"},
    {"%1, %7)", "%1, %7) pad=[-1,0,0,0]",
     "op conv0: stride, dilation, pad or window of -1; 0 to 32767 work"},
    {"%1, %7)", "%1, %7) dilation=[1,32768]",
     "op conv0: stride, dilation, pad or window of 32768; 0 to 32767 work"},
    /* the graph */
    {"input %0", "const %0", "tensor %0 'x': a constant without data"},
    {"output %8", "", "graph: no op of inference makes its output"},
    {"output %8", "output %1", "graph: no op of inference makes its output"},
    {"output %8", "output %9", "graph: no op of inference makes its output"},
    {"logits %8", "logits %9", "graph: no op of inference makes its logits"},
    {"graph tiny", "graph tiny io s8 s16",
     "graph: its interface is not s8, u8 or f32"},
};

static void each_broken_text_is_found(void **state) {
    (void)state;
    int wrong = 0;
    for (size_t i = 0; i < COUNT(broken_texts); i++) {
        bench b;
        set_up(&b, broken_texts[i].from, broken_texts[i].to);
        wrong += differs(&b, i, broken_texts[i].message);
    }
    assert_int_equal(wrong, 0);
}

/* --- rules that only a program can break ---------------------------------- */

static void rank_high(tp_graph *g) {
    g->tensor[0].rank = 7;
}
static void rank_low(tp_graph *g) {
    g->tensor[0].rank = -1;
}
static void no_dimension(tp_graph *g) {
    g->tensor[8].dim[2] = 0;
}
static void many_elements(tp_graph *g) {
    g->tensor[8].dim[0] = INT32_MAX;
}
static void no_dtype(tp_graph *g) {
    g->tensor[8].dtype = TP_DTYPE_COUNT;
}
static void no_role(tp_graph *g) {
    g->tensor[8].role = TP_ROLE_COUNT;
}
static void scales_short(tp_graph *g) {
    g->tensor[1].quant.n = 3;
}
static void scales_negative(tp_graph *g) {
    g->tensor[1].quant.n = -1;
}
static void scales_axis(tp_graph *g) {
    g->tensor[1].quant.axis = 4;
}
static void scales_absent(tp_graph *g) {
    g->tensor[1].quant.scale = NULL;
}
static void channel_zero_point(tp_graph *g) {
    g->tensor[1].quant.zero_point = 1;
}
static void no_init(tp_graph *g) {
    g->tensor[3].train.init = (tp_param_init)2;
}
static void endless_unit(tp_graph *g) {
    g->tensor[4].train.unit = (double)INFINITY;
}
static void far_input(tp_graph *g) {
    g->op[0].in[0] = g->n_tensors;
}
static void negative_input(tp_graph *g) {
    g->op[0].in[0] = -2;
}
static void far_output(tp_graph *g) {
    g->op[0].out = g->n_tensors;
}
static void no_kind(tp_graph *g) {
    g->op[1].kind = TP_KIND_COUNT;
}
static void no_name(tp_graph *g) {
    g->op[1].name = NULL;
}
static void long_list(tp_graph *g) {
    g->op[1].attr.n_list = 13;
}
static void no_graph_name(tp_graph *g) {
    g->name = NULL;
}
static void far_sample(tp_graph *g) {
    g->tensor[0].role = TP_TARGET;
    g->input = g->n_tensors;
    g->op[1].in[0] = 1;
}
static void far_backward(tp_graph *g) {
    g->first_backward = 3; /* 2 ops are left */
    g->n_ops = 2;
}
static void far_logits(tp_graph *g) {
    g->logits = -2;
}

static const struct {
    void (*spoil)(tp_graph *g);
    const char *message;
} broken_graphs[] = {
    {rank_high, "tensor %0 'x': rank 7; 0 to 6 work"},
    {rank_low, "tensor %0 'x': rank -1; 0 to 6 work"},
    {no_dimension, "tensor %8 'y': dimension 2 is 0; it must be 1 or more"},
    {many_elements, "tensor %8 'y': more than 2147483647 elements"},
    {no_dtype, "tensor %8 'y': no such type or role: 12, 0"},
    {no_role, "tensor %8 'y': no such type or role: 0, 7"},
    {scales_short, "tensor %1 'w': 3 scales; 0, 1 or 2 work"},
    {scales_negative, "tensor %1 'w': -1 scales; 0, 1 or 2 work"},
    {scales_axis, "tensor %1 'w': scales along axis 4 of a shape of rank 4"},
    {scales_absent, "tensor %1 'w': scales without data"},
    {channel_zero_point, "tensor %1 'w': zero point 1; 0 to 0 work here"},
    {no_init, "tensor %3 'db': no such initialisation: 2"},
    {endless_unit, "tensor %4 'g': unit inf; it must be finite and above 0"},
    {far_input, "op bias0: input 0 is no tensor of the graph"},
    {negative_input, "op bias0: input 0 is no tensor of the graph"},
    {far_output, "op bias0: its output is no tensor of the graph"},
    {no_kind, "op conv0: op 1 has no kind or no name"},
    {no_name, "op ?: op 1 has no kind or no name"},
    {long_list, "op conv0: a list of 13 numbers; 0 to 12 work"},
    {no_graph_name, "graph: has no name"},
    {far_sample, "graph: its input is no input tensor"},
    {far_backward, "graph: training begins at no op of it"},
    {far_logits, "graph: no op of inference makes its logits"},
};

static void each_broken_graph_is_found(void **state) {
    (void)state;
    int wrong = 0;
    for (size_t i = 0; i < COUNT(broken_graphs); i++) {
        bench b;
        set_up(&b, "graph", "graph");
        broken_graphs[i].spoil(&b.graph);
        wrong += differs(&b, i, broken_graphs[i].message);
    }
    assert_int_equal(wrong, 0);
}

/* --- all of it ------------------------------------------------------------ */

static bool said(const tp_diag *diag, const char *message) {
    for (int i = 0; i < diag->count; i++) {
        if (strcmp(diag->message[i].text, message) == 0) {
            return true;
        }
    }
    return false;
}

static void every_error_is_reported_at_once(void **state) {
    (void)state;
    bench b;
    set_up(&b, "q(0.05, -3)", "q(-1, 200)");
    b.graph.tensor[2].data = NULL;
    b.graph.op[0].n_in = 1;
    b.graph.logits = 9;
    assert_int_equal(tp_graph_verify(&b.graph, &b.diag), TP_ERR_MALFORMED);
    assert_true(said(&b.diag, "tensor %0 'x': zero point 200; -128 to 127 "
                              "work here"));
    assert_true(said(&b.diag, "tensor %0 'x': scale 0 is -1; it must be "
                              "finite and above 0"));
    assert_true(said(&b.diag, "tensor %2 'b': a constant without data"));
    assert_true(said(&b.diag, "op bias0: 1 inputs; bias takes 2 to 2"));
    assert_true(said(&b.diag, "graph: no op of inference makes its logits"));
    tp_arena_free(&b.arena);
}

/* The rules of the op itself: 3 output channels, weights for 2. */
static void the_rules_of_each_op_are_asked(void **state) {
    (void)state;
    bench b;
    set_up(&b, "\"y\" s8[1,2,2,2]", "\"y\" s8[1,2,2,3]");
    assert_int_not_equal(tp_graph_verify(&b.graph, &b.diag), TP_OK);
    assert_int_equal(
        strncmp(b.diag.message[0].text, "op conv0: ", strlen("op conv0: ")), 0);
    tp_arena_free(&b.arena);
}

static tp_status verify_text(tp_arena *arena, const char *text, tp_diag *diag) {
    tp_graph g;
    *diag = (tp_diag){.arena = arena};
    assert_int_equal(tp_graph_parse(arena, text, &g, diag), TP_OK);
    return tp_graph_verify(&g, diag);
}

/* Passes leave tensors behind that no op makes or reads. */
static void dead_tensors_are_allowed(void **state) {
    (void)state;
    tp_arena arena = {0};
    tp_diag diag;
    const char *text =
        "graph g input %0 s8[2] q(1,0) %1 s8[2] q(1,0) = a: relu(%0) "
        "output %1 %2 s8[9] param %3 q8[2] grad %4 q32[2] param=%3 unit=1 "
        "target %5 u8[1]";
    assert_int_equal(verify_text(&arena, text, &diag), TP_OK);
    tp_arena_free(&arena);
}

/* The last input of eltwise_bwd; not as `_`. */
static void an_optional_input_may_be_left_out(void **state) {
    (void)state;
    tp_arena arena = {0};
    tp_diag diag;
    const char *text =
        "graph g input %0 s8[2] q(1,0) %1 s8[2] q(1,0) = a: relu(%0) "
        "output %1 backward target %2 s8[2] q(1,0) loss %3 s32[1] "
        "%4 q8[2] = l: mse_loss(%1, %2, %3) "
        "%5 q8[2] = e: eltwise_bwd";
    const char *out = tp_arena_printf(&arena, "%s(%s)", text, "%4");
    const char *in = tp_arena_printf(&arena, "%s(%s)", text, "%4, %1");
    const char *absent = tp_arena_printf(&arena, "%s(%s)", text, "%4, _");
    assert_int_equal(verify_text(&arena, out, &diag), TP_OK);
    assert_int_equal(verify_text(&arena, in, &diag), TP_OK);
    assert_int_equal(verify_text(&arena, absent, &diag), TP_ERR_MALFORMED);
    tp_arena_free(&arena);
}

/* A map of 4 rows of %d pixels, whose columns a mean averages, and a bias for
 * its channels. */
static const char *const bias_of_a_map =
    "graph g input %%0 s8[1,4,%d,2] q(1,0) "
    "%%1 s8[1,%d,2] q(1,0) = a: mean(%%0) list=[1] "
    "output %%1 backward target %%2 s8[1,%d,2] q(1,0) loss %%3 s32[1] "
    "%%4 q8[1,%d,2] = l: mse_loss(%%1, %%2, %%3) "
    "%%5 q8[1,4,%d,2] = m: mean_bwd(%%4) list=[1] "
    "param %%6 s16[%d] grad %%7 q32[%d] param=%%6 unit=1 "
    "%%7 = g: bias_bwd(%%5)";

/* A fully connected layer of %d outputs. */
static const char *const input_of_a_layer =
    "graph g input %%0 s8[1,%d] q(1,0) %%1 s8[1,%d] q(1,0) = a: relu(%%0) "
    "output %%1 backward target %%2 s8[1,%d] q(1,0) loss %%3 s32[1] "
    "%%4 q8[1,%d] = l: mse_loss(%%1, %%2, %%3) "
    "const %%5 s8[%d,1] q(1,0) = fill(1) %%6 q8[1,1] = g: conv_bwd_x(%%4, %%5)";

/* "" where the graph is sound. */
static void check_text(const char *text, const char *message) {
    tp_arena arena = {0};
    tp_diag diag;
    const tp_status status = verify_text(&arena, text, &diag);
    assert_int_equal(status == TP_OK, *message == '\0');
    assert_string_equal(diag.count > 0 ? diag.message[0].text : "", message);
    tp_arena_free(&arena);
}

/* The limits of the kernels' accumulators, and one beyond each. */
static void sums_backward_fit_32_bits(void **state) {
    (void)state;
    static const struct {
        int columns, channels;
        const char *message;
    } maps[] = {
        {16500, 2, ""},
        {16501, 2,
         "op g: a map of 66004 pixels is too large to train here; at most "
         "66000 work"},
        {1, 3, "op g: 3 channels do not fit a gradient of 8 values"},
    };
    static const struct {
        int outputs;
        const char *message;
    } layers[] = {
        {16383, ""},
        {16384,
         "op g: 16384 products would overflow 32 bits backward; at most 16383 "
         "work"},
    };
    char text[1024];
    for (size_t i = 0; i < COUNT(maps); i++) {
        const int w = maps[i].columns, c = maps[i].channels;
        snprintf(text, sizeof text, bias_of_a_map, w, w, w, w, w, c, c);
        check_text(text, maps[i].message);
    }
    for (size_t i = 0; i < COUNT(layers); i++) {
        const int n = layers[i].outputs;
        snprintf(text, sizeof text, input_of_a_layer, n, n, n, n, n);
        check_text(text, layers[i].message);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sound_graph_passes),
        cmocka_unit_test(each_broken_text_is_found),
        cmocka_unit_test(each_broken_graph_is_found),
        cmocka_unit_test(every_error_is_reported_at_once),
        cmocka_unit_test(the_rules_of_each_op_are_asked),
        cmocka_unit_test(dead_tensors_are_allowed),
        cmocka_unit_test(an_optional_input_may_be_left_out),
        cmocka_unit_test(sums_backward_fit_32_bits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
