/* The graph's text form: what is printed reads back as the same graph, every
 * error says where, and no text makes the parser, the printer or the verifier
 * leave its bounds (run with sanitizers). */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "compiler/ir/text.h"
#include "compiler/ir/verify.h"
#include "compiler/ops/opdef.h"
#include "core/rng.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* A sound graph with every role: BitFit on one convolution, trained. */
static const char *const tiny =
    "graph tiny\n"
    "sha256 00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\n"
    "io f32 u8\n"
    "\n"
    "input %0 \"x\" s8[1,2,2,2] q(0.05, -3)\n"
    "const %1 \"w\" s8[2,1,1,2] qc(0; 0.01, 0.02) = [1, -2, 3, 4]\n"
    "const %2 \"b\" s32[2] qc(0; 0.0005, 0.001) = [10, -20]\n"
    "param %3 \"conv0.db\" s16[2] init=gauss std=0.125\n"
    "grad %4 \"g\" q32[2] param=%3 unit=0.1\n"
    "target %5 \"t\" s8[1,2,2,2] q(0.1, 0)\n"
    "loss %6 \"loss\" s32[1]\n"
    "%7 \"bias\" s32[2]\n"
    "    = bias0: bias(%2, %3) source=0\n"
    "%8 \"y\" s8[1,2,2,2] q(0.1, 0)\n"
    "    = conv0: conv(%0, %1, %7) act=[-128,100] source=0\n"
    "backward\n"
    "%9 \"d_y\" q8[1,2,2,2]\n"
    "    = loss: mse_loss(%8, %5, %6)\n"
    "%4 = conv0_bias_bwd: bias_bwd(%9) source=0\n"
    "output %8\n"
    "logits %8\n";

/* Everything else that the text can say; not sound. */
static const char *const odd =
    "graph \"two words\"\n"
    "\n"
    "input %0 \"\" s8[]\n"
    "const %1 \"\\\"\\\\\\n\\t\\xff\" f32[3] = [0.1, -0, inf]\n"
    "const %2 \"nan\" f32[1] = hex\n"
    "    0100c07f\n"
    "const %3 \"u\" u8[2] q(1e-30, 255) = [0, 255]\n"
    "const %4 \"h\" s16[2] = [-32768, 32767]\n"
    "const %5 \"i\" s32[2] = [-2147483648, 2147483647]\n"
    "const %6 \"long\" s16[3,6] = hex\n"
    "    01020304050607080910111213141516171819202122232425262728293031323334"
    "3536\n"
    "const %7 \"same\" s32[17] = fill(-7)\n"
    "const %8 \"bits\" bits[9] = hex\n"
    "    ff01\n"
    "const %9 \"q8\" q8[3] = hex\n"
    "    fd00000001ff80\n"
    "const %10 \"q16\" q16[1] = hex\n"
    "    fdff00000180\n"
    "const %11 \"q32\" q32[1] = hex\n"
    "    fdffffff01000080\n"
    "const %12 \"none\" s8[4]\n"
    "grad %13 \"free\" q32[1,1,1,1,1,1] param=_ unit=1.1000000000000003\n"
    "param %14 \"a\" q8[2]\n"
    "%15 \"unused\" s8[2] qc(0; nan, inf)\n"
    "_ = s0: slice(%15) list=[0,0,1,-1]\n"
    "%16 \"v\" s8[1] q(0.1, 0)\n"
    "    = conv1.a: conv_lora(_, %1, %2, %3, %4) stride=[2,1] dilation=[1,3] "
    "pad=[1,\n"
    "        2,3,4] value=1 rank=8 source=3\n"
    "%16 = pool: avgpool(%16) stride=[0,0] window=[3,4] act=[0,0]\n"
    "%17 \"w\" s8[1]\n"
    "    = \"0 \\\"\": softmax() alpha=1.5\n"
    "%17 = c: copy_bwd(%16) axis=-1 list=[1,2,3,4,5,6,7,8,9,10,11,12] "
    "of=concat\n"
    "%17 = r: resize() align_corners=1 half_pixel=1\n";

static tp_status parse(tp_arena *arena, const char *text, tp_graph *graph,
                       tp_diag *diag) {
    *diag = (tp_diag){.arena = arena};
    return tp_graph_parse(arena, text, graph, diag);
}

static void must_parse(tp_arena *arena, const char *text, tp_graph *graph) {
    tp_diag diag;
    const tp_status status = parse(arena, text, graph, &diag);
    if (status != TP_OK) {
        fail_msg("%s", diag.message[0].text);
    }
}

/* `text` with the first `from` replaced; it must be there. */
static char *swap(tp_arena *arena, const char *text, const char *from,
                  const char *to) {
    const char *at = strstr(text, from);
    assert_non_null(at);
    char *swapped = tp_arena_printf(arena, "%.*s%s%s", (int)(at - text), text,
                                    to, at + strlen(from));
    assert_non_null(swapped);
    return swapped;
}

/* --- equality ------------------------------------------------------------- */

static void same_number(double a, double b) {
    assert_true(isnan(a) ? isnan(b) : memcmp(&a, &b, sizeof a) == 0);
}

static void same_tensor(const tp_tensor *a, const tp_tensor *b) {
    assert_string_equal(a->name, b->name);
    assert_int_equal(a->dtype, b->dtype);
    assert_int_equal(a->role, b->role);
    assert_int_equal(a->rank, b->rank);
    assert_memory_equal(a->dim, b->dim, sizeof a->dim);
    assert_int_equal(a->quant.n, b->quant.n);
    assert_int_equal(a->quant.zero_point, b->quant.zero_point);
    assert_int_equal(a->quant.axis, b->quant.axis);
    for (int i = 0; i < a->quant.n; i++) {
        same_number((double)a->quant.scale[i], (double)b->quant.scale[i]);
    }
    assert_int_equal(a->data == NULL, b->data == NULL);
    if (a->data != NULL) {
        assert_memory_equal(a->data, b->data, tp_tensor_bytes(a));
    }
    assert_int_equal(a->train.param, b->train.param);
    assert_int_equal(a->train.init, b->train.init);
    same_number(a->train.init_std, b->train.init_std);
    same_number(a->train.unit, b->train.unit);
}

static void same_op(const tp_op *a, const tp_op *b) {
    assert_int_equal(a->kind, b->kind);
    assert_string_equal(a->name, b->name);
    assert_int_equal(a->source, b->source);
    assert_int_equal(a->n_in, b->n_in);
    assert_memory_equal(a->in, b->in, (size_t)a->n_in * sizeof *a->in);
    assert_int_equal(a->out, b->out);
    same_number((double)a->attr.alpha, (double)b->attr.alpha);
    tp_attr attr = b->attr;
    attr.alpha = a->attr.alpha;
    assert_memory_equal(&a->attr, &attr, sizeof attr);
}

static void same_graph(const tp_graph *a, const tp_graph *b) {
    assert_string_equal(a->name, b->name);
    assert_memory_equal(a->sha256, b->sha256, sizeof a->sha256);
    assert_int_equal(a->n_tensors, b->n_tensors);
    assert_int_equal(a->n_ops, b->n_ops);
    for (int i = 0; i < a->n_tensors; i++) {
        same_tensor(&a->tensor[i], &b->tensor[i]);
    }
    for (int i = 0; i < a->n_ops; i++) {
        same_op(&a->op[i], &b->op[i]);
    }
    assert_int_equal(a->input, b->input);
    assert_int_equal(a->output, b->output);
    assert_int_equal(a->logits, b->logits);
    assert_int_equal(a->first_backward, b->first_backward);
    assert_int_equal(a->io_in, b->io_in);
    assert_int_equal(a->io_out, b->io_out);
}

/* The canonical text of a text, after checking that it reads back. */
static char *canonical(tp_arena *arena, const char *text) {
    tp_graph first;
    tp_graph second;
    must_parse(arena, text, &first);
    char *printed = tp_graph_print(arena, &first);
    assert_non_null(printed);
    must_parse(arena, printed, &second);
    same_graph(&first, &second);
    assert_string_equal(printed, tp_graph_print(arena, &second));
    return printed;
}

/* --- text ----------------------------------------------------------------- */

static void round_trip_of_a_sound_graph(void **state) {
    (void)state;
    tp_arena arena = {0};
    assert_string_equal(canonical(&arena, tiny), tiny);
    tp_arena_free(&arena);
}

static void round_trip_of_odd_things(void **state) {
    (void)state;
    tp_arena arena = {0};
    assert_string_equal(canonical(&arena, odd), odd);
    tp_arena_free(&arena);
}

static void fields_are_what_the_text_says(void **state) {
    (void)state;
    tp_arena arena = {0};
    tp_graph g;
    must_parse(&arena, tiny, &g);
    assert_string_equal(g.name, "tiny");
    assert_int_equal(g.sha256[1], 0x11);
    assert_int_equal(g.io_in, TP_F32);
    assert_int_equal(g.io_out, TP_U8);
    assert_int_equal(g.input, 0);
    assert_int_equal(g.output, 8);
    assert_int_equal(g.logits, 8);
    assert_int_equal(g.n_tensors, 10);
    assert_int_equal(g.n_ops, 4);
    assert_int_equal(g.first_backward, 2);
    assert_int_equal(g.tensor[0].quant.zero_point, -3);
    assert_int_equal(((const int8_t *)g.tensor[1].data)[1], -2);
    assert_int_equal(((const int32_t *)g.tensor[2].data)[1], -20);
    assert_int_equal(g.tensor[1].quant.n, 2);
    assert_true(g.tensor[1].quant.scale[1] == 0.02F);
    assert_int_equal(g.tensor[3].train.init, TP_INIT_GAUSS);
    assert_true(g.tensor[3].train.init_std == 0.125);
    assert_int_equal(g.tensor[4].train.param, 3);
    assert_true(g.tensor[4].train.unit == 0.1);
    const tp_op *conv = &g.op[1];
    assert_int_equal(conv->kind, TP_OP_CONV_2D);
    assert_string_equal(conv->name, "conv0");
    assert_int_equal(conv->in[2], 7);
    assert_int_equal(conv->out, 8);
    assert_int_equal(conv->source, 0);
    assert_int_equal(conv->attr.stride_w, 1);
    assert_int_equal(conv->attr.dilation_h, 1);
    assert_int_equal(conv->attr.act_min, -128);
    assert_int_equal(conv->attr.act_max, 100);
    tp_arena_free(&arena);
}

/* Spaces, comments, order and short forms do not matter. */
static void loose_text_means_the_same(void **state) {
    (void)state;
    tp_arena arena = {0};
    const char *loose =
        "graph g#c\nbackward output %1 logits %1 %1 =a:relu(%0)%2=b: relu ( "
        "%1 ) source = 3\n\t%1 s8[2]q(.5,0) const %3 s16 [ 1 , 2 ]=hex 0 1 "
        "const %2 s8[20]=fill( 2 )\r\ninput%0 s8[2]";
    const char *strict = "graph g\n"
                         "\n"
                         "input %0 \"t0\" s8[2]\n"
                         "const %2 \"t2\" s8[20] = fill(2)\n"
                         "const %3 \"t3\" s16[1,2] = [256, 515]\n"
                         "backward\n"
                         "%1 \"t1\" s8[2] q(0.5, 0)\n"
                         "    = a: relu(%0)\n"
                         "%2 = b: relu(%1) source=3\n"
                         "output %1\n"
                         "logits %1\n";
    const char *text = swap(&arena, loose, "hex 0 1 ", "hex 00 01\n0302 ");
    assert_string_equal(canonical(&arena, text), strict);
    tp_arena_free(&arena);
}

/* A marker before the first op, between two, after the last. */
static void the_marker_says_where_training_begins(void **state) {
    (void)state;
    tp_arena arena = {0};
    const char *const texts[] = {
        "graph g input %0 s8[1] backward %1 s8[1] = a: relu(%0)",
        "graph g input %0 s8[1] %1 s8[1] = a: relu(%0) backward",
        "graph g input %0 s8[1] %1 s8[1] = a: relu(%0)",
    };
    const int first[] = {0, 1, 1};
    for (size_t i = 0; i < COUNT(texts); i++) {
        tp_graph g;
        must_parse(&arena, texts[i], &g);
        assert_int_equal(g.first_backward, first[i]);
        (void)canonical(&arena, texts[i]);
    }
    tp_arena_free(&arena);
}

/* Lines stay within 80 columns, and random values read back to the bit. */
static void long_lines_wrap_and_floats_are_exact(void **state) {
    (void)state;
    tp_arena arena = {0};
    uint32_t rng = tp_rng_seed(7);
    float scale[300];
    int8_t data[300];
    for (int i = 0; i < 300; i++) {
        uint32_t bits = tp_rng_next(&rng) & 0x7f7fffffu; /* finite */
        memcpy(&scale[i], &bits, sizeof bits);
        data[i] = (int8_t)tp_rng_next(&rng);
    }
    tp_graph g = {.arena = &arena, .name = "g", .logits = -1};
    const tp_tensor t = {.name = "w",
                         .role = TP_CONST,
                         .rank = 1,
                         .dim = {300},
                         .quant = {.n = 300, .scale = scale},
                         .data = data,
                         .train = {.param = -1}};
    assert_int_equal(tp_graph_add_tensor(&g, &t), 0);
    const char *text = tp_graph_print(&arena, &g);
    tp_graph back;
    must_parse(&arena, text, &back);
    same_tensor(&t, &back.tensor[0]);
    for (const char *line = text; *line != '\0';) {
        const size_t n = strcspn(line, "\n");
        assert_true(n <= 80);
        line += n + 1;
    }
    tp_arena_free(&arena);
}

/* --- errors of the text --------------------------------------------------- */

typedef struct text_case {
    const char *from, *to; /* in `tiny`; NULL: `to` is the whole text */
    const char *message;
} text_case;

static const text_case text_errors[] = {
    {NULL, "", "line 1, column 1: expected 'graph' and its name"},
    {NULL, "input %0 s8[1]", "line 1, column 1: expected 'graph' and its name"},
    {NULL, "graph", "line 1, column 6: expected the name of the graph"},
    {NULL, "graph _", "line 1, column 7: expected the name of the graph"},
    {NULL, "graph \"g", "line 1, column 9: expected '\"' to close the name"},
    {NULL, "graph \"g\\\"", "line 1, column 11: expected '\"' to close"},
    {NULL, "graph \"g\\q\"", "line 1, column 9: expected \\\" \\\\ \\n"},
    {NULL, "graph \"g\\x00\"", "line 1, column 9: expected \\\" \\\\ \\n"},
    {NULL, "graph \"g\\x4\"", "line 1, column 9: expected \\\" \\\\ \\n"},
    {NULL, "graph \"\\x # \"\n\"",
     "line 1, column 8: expected \\\" \\\\ \\n \\t or \\xHH, not \\x00"},
    {NULL, "graph g\ngraph h", "line 2, column 1: 'graph' stands here twice"},
    {NULL, "graph g\n  nonsense",
     "line 2, column 3: expected a tensor, an op, output, logits or backward"},
    {NULL, "graph g %0", "line 1, column 11: expected a type: s8 u8 s16"},
    {"ddeeff\n", "ddee\n", "line 3, column 1: expected byte 32 of 32 in hex"},
    {"io f32", "io f33", "line 3, column 4: expected a type: s8 u8 s16"},
    {"%0 \"x\"", "%16384 \"x\"",
     "line 5, column 8: expected a number from 0 to 16383"},
    {"%0 \"x\"", "_ \"x\"", "line 5, column 7: expected a tensor such as %7"},
    {"%1 \"w\"", "%0 \"w\"", "line 6, column 7: %0 is declared twice"},
    {"s8[1,2,2,2]", "s8 1,2,2,2]", "line 5, column 17: expected '['"},
    {"[1,2,2,2]", "[1,0,2,2]",
     "line 5, column 19: expected a number from 1 to 2147483647"},
    {"[1,2,2,2]", "[1,65536,32768]",
     "line 5, column 25: more than 2147483647 elements"},
    {"[1,2,2,2]", "[1,1,1,1,1,1,1]",
     "line 5, column 29: expected at most 6 dimensions"},
    {"[1,2,2,2]", "[1 2]", "line 5, column 19: expected ','"},
    {"q(0.05", "q(five", "line 5, column 28: expected a number"},
    {"q(0.05", "q(1e39", "line 5, column 28: expected a smaller number, or"},
    {"q(0.05", "q(0x1p2", "line 5, column 29: expected ','"},
    {", -3)", ", -3.5)", "line 5, column 36: expected ')'"},
    {", -3)", ", 2147483648)",
     "line 5, column 34: expected a number from -2147483648 to 2147483647"},
    {", -3)", ")", "line 5, column 32: expected ','"},
    {"qc(0; 0.01, 0.02)", "qc(4; 0.01, 0.02)",
     "line 6, column 29: expected an axis of the shape"},
    {"qc(0; 0.01, 0.02)", "qc(0; 0.01)", "line 6, column 36: expected ','"},
    {"qc(0; 0.01, 0.02)", "qc(0, 0.01, 0.02)",
     "line 6, column 30: expected ';'"},
    {"[1, -2, 3, 4]", "[1, -2, 3]",
     "line 6, column 55: expected 4 elements, found 3"},
    {"[1, -2, 3, 4]", "[1, -2, 3, 4, 5]", "line 6, column 58: expected ']'"},
    {"[1, -2, 3, 4]", "[1, -2, 3, 128]",
     "line 6, column 57: expected a number from -128 to 127"},
    {"[1, -2, 3, 4]", "12", "line 6, column 46: expected [, fill or hex"},
    {"[1, -2, 3, 4]", "hex 0102030g",
     "line 6, column 56: expected byte 4 of 4 in hexadecimal"},
    {"[1, -2, 3, 4]", "fill(1, 2)", "line 6, column 52: expected ')'"},
    {"s8[2,1,1,2] qc(0; 0.01, 0.02) = [", "s8[2000000000] = [",
     "line 6, column 32: expected 2000000000 elements: the text ends before"},
    {"s8[2,1,1,2] qc(0; 0.01, 0.02) = [", "s8[2000000000] = fill(",
     "line 6, column 31: more than 67108864 bytes of fill()"},
    {"s8[2,1,1,2] qc(0; 0.01, 0.02) = [", "q8[2] = [",
     "line 6, column 22: expected hex: the type has a header"},
    {"s8[2,1,1,2] qc", "s8[2147483647,1,1,1] qc",
     "line 6, column 41: expected 2147483647 scales"},
    {"init=gauss", "init=normal", "line 8, column 33: expected gauss or zero"},
    {"init=gauss", "unit=1",
     "line 8, column 28: expected init=, std= or axis="},
    {"unit=0.1", "unit=1e999", "line 9, column 34: expected a smaller number"},
    {"unit=0.1", "std=0.1", "line 9, column 29: expected param= or unit="},
    {"= bias0:", "= :", "line 13, column 7: expected the name of an op"},
    {"= bias0:", "= bias0", "line 13, column 13: expected ':'"},
    {"bias(%2", "bios(%2",
     "line 13, column 14: expected a kind of op, such as conv"},
    {"(%2, %3)", "%2", "line 13, column 18: expected '('"},
    {"(%2, %3)", "(%2 %3)", "line 13, column 22: expected ','"},
    {"(%2, %3)", "(%2, 3)",
     "line 13, column 23: expected a tensor such as %7, or _"},
    {"(%2, %3)", "(%2, %30)", "line 13, column 23: %30 is not declared"},
    {"output %8", "output %11", "line 20, column 8: %11 is not declared"},
    {"%9 \"d_y\"", "%10 \"d_y\"", "line 19, column 31: %9 is not declared"},
    {"logits %8", "%11 s8[]", "line 22, column 1: %10 is not declared: num"},
    {"source=0", "source=", "line 14, column 1: expected a whole number"},
    {"source=0", "rank=2", "line 13, column 27: bias has no attribute 'rank'"},
    {"source=0", "source 0",
     "line 13, column 27: expected a tensor, an op, output, logits or"},
    {"act=[-128,100]", "act=[-128]", "line 15, column 40: expected ','"},
    {"act=[-128,100]", "act=100", "line 15, column 35: expected '['"},
    {"act=[-128,100]", "list=[1]",
     "line 15, column 31: conv has no attribute 'list'"},
    {"conv(%0, %1, %7) act=[-128,100]",
     "mean(%0) list=[1,2,3,4,5,6,7,8,9,10,11,12,13]",
     "line 15, column 56: expected at most 12 numbers"},
    {"conv(%0, %1, %7) act=[-128,100]", "copy_bwd(%0) of=cow",
     "line 15, column 30: expected a kind of op, such as conv"},
    {"logits %8", "logits _", "line 21, column 8: expected a tensor such as"},
    {"logits %8", "output %8", "line 21, column 1: 'output' stands here twice"},
    {"logits %8", "_", "line 22, column 1: expected '='"},
};

static void every_error_says_where(void **state) {
    (void)state;
    tp_arena arena = {0};
    int wrong = 0;
    for (size_t i = 0; i < COUNT(text_errors); i++) {
        const text_case *c = &text_errors[i];
        const char *text =
            c->from == NULL ? c->to : swap(&arena, tiny, c->from, c->to);
        tp_graph untouched;
        tp_graph g;
        tp_diag diag;
        memset(&untouched, 0x5a, sizeof untouched);
        memset(&g, 0x5a, sizeof g);
        const tp_status status = parse(&arena, text, &g, &diag);
        assert_true(status == TP_ERR_MALFORMED || status == TP_ERR_TRUNCATED);
        assert_int_equal(diag.errors, 1);
        if (strncmp(diag.message[0].text, c->message, strlen(c->message)) !=
            0) {
            print_error("case %zu: '%s', not '%s'\n", i, diag.message[0].text,
                        c->message);
            wrong++;
        }
        assert_memory_equal(&g, &untouched, sizeof g);
    }
    assert_int_equal(wrong, 0);
    tp_arena_free(&arena);
}

static void a_cut_text_is_truncated_or_sound(void **state) {
    (void)state;
    char text[2048];
    const size_t n = strlen(tiny);
    assert_true(n < sizeof text);
    int truncated = 0;
    for (size_t cut = 0; cut < n; cut++) {
        tp_arena arena = {0};
        tp_graph g;
        tp_diag diag;
        memcpy(text, tiny, cut);
        text[cut] = '\0';
        truncated += parse(&arena, text, &g, &diag) == TP_ERR_TRUNCATED;
        tp_arena_free(&arena);
    }
    assert_true(truncated > (int)n / 4);
}

static void too_many_inputs_are_refused(void **state) {
    (void)state;
    tp_arena arena = {0};
    char text[2048] = "graph g %0 s8[1] %0 = a: concat(_";
    for (int i = 1; i < 255; i++) {
        strcat(text, ",_");
    }
    const size_t n = strlen(text);
    tp_graph g;
    tp_diag diag;
    strcat(text, ")");
    must_parse(&arena, text, &g);
    assert_int_equal(g.op[0].n_in, 255);
    memcpy(text + n, ",_)", 4);
    assert_int_equal(parse(&arena, text, &g, &diag), TP_ERR_MALFORMED);
    assert_non_null(strstr(diag.message[0].text, "at most 255 inputs"));
    tp_arena_free(&arena);
}

/* --- mutants -------------------------------------------------------------- */

/* Drops, doubles, replaces or moves some characters. */
static void mutate(char *text, size_t room, uint32_t *rng) {
    static const char often[] = "%_=,:()[]\"\\;#- 0123456789\nqsuhx";
    const int edits = 1 + (int)tp_rng_below(rng, 3);
    for (int i = 0; i < edits; i++) {
        const size_t n = strlen(text);
        const size_t at = tp_rng_below(rng, (uint32_t)n);
        const size_t run = 1 + tp_rng_below(rng, 6);
        const size_t len = at + run < n ? run : n - at;
        switch (tp_rng_below(rng, 5)) {
        case 0:
            memmove(text + at, text + at + len, n - at - len + 1);
            break;
        case 1:
            if (n + len < room) {
                memmove(text + at + len, text + at, n - at + 1);
            }
            break;
        case 2: { /* another number */
            char *digit = strpbrk(text + at, "0123456789");
            if (digit != NULL) {
                *digit = (char)('0' + (int)tp_rng_below(rng, 10));
            }
            break;
        }
        case 3:
            text[at] = (char)(1 + tp_rng_below(rng, 255));
            break;
        default:
            text[at] = often[tp_rng_below(rng, sizeof often - 1)];
            break;
        }
    }
}

/* What still parses prints and reads back, and the verifier survives it. */
static void mutants_never_break_the_parser(void **state) {
    (void)state;
    uint32_t rng = tp_rng_seed(1);
    int parsed = 0;
    for (int i = 0; i < 20000; i++) {
        char text[4096];
        tp_arena arena = {0};
        tp_graph g;
        tp_diag diag;
        (void)snprintf(text, sizeof text, "%s", i % 2 == 0 ? tiny : odd);
        mutate(text, sizeof text, &rng);
        if (parse(&arena, text, &g, &diag) == TP_OK) {
            parsed++;
            (void)canonical(&arena, text);
            (void)!tp_graph_verify(&g, &diag);
        } else {
            assert_int_equal(diag.errors, 1);
        }
        tp_arena_free(&arena);
    }
    print_message("%d of 20000 mutants still parse\n", parsed);
    assert_true(parsed > 1000 && parsed < 19000);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(round_trip_of_a_sound_graph),
        cmocka_unit_test(round_trip_of_odd_things),
        cmocka_unit_test(fields_are_what_the_text_says),
        cmocka_unit_test(loose_text_means_the_same),
        cmocka_unit_test(the_marker_says_where_training_begins),
        cmocka_unit_test(long_lines_wrap_and_floats_are_exact),
        cmocka_unit_test(every_error_says_where),
        cmocka_unit_test(a_cut_text_is_truncated_or_sound),
        cmocka_unit_test(too_many_inputs_are_refused),
        cmocka_unit_test(mutants_never_break_the_parser),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
