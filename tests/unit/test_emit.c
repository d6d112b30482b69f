/* Truth links: emitted text, emitted C. tests/golden/<name>.txt goes through
 * the compiler and must come out as <name>.h, <name>.c and <name>_weights.c,
 * byte for byte; these are compiled into this program (golden_<name>.c), and
 * what they compute equals the interpreter. After a change that is meant,
 *     TINYPEFT_UPDATE_GOLDEN=1 build/test/tests/test_emit
 * writes them anew: the diff is what the change does. Then build again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "compiler/compiler.h"
#include "compiler/ir/text.h"
#include "compiler/ir/verify.h"
#include "tests/emitted/drive.h"
#include "tests/golden/odd_names.h"
#include "tests/golden/tiny_conv.h"
#include "tests/golden/tiny_fc.h"
#include "tests/golden/tiny_mlp.h"
#include "tests/golden/tiny_residual.h"
#include "tests/unit/expected.h"

#define FOLDER "tests/golden"

enum { MOST_SPECS = 2, FILES = 3, MOST_PATH = 256 };

/* Generated code as its user holds it. */
typedef struct memories {
    odd_names_memory odd_names;
    tiny_conv_memory tiny_conv;
    tiny_fc_memory tiny_fc;
    tiny_mlp_memory tiny_mlp;
    tiny_residual_memory tiny_residual;
} memories;

typedef struct emit_case {
    const char *name;
    const char *spec[MOST_SPECS];
    const char *command;
    const char *source;
    tp_ctx (*open)(memories *m);
} emit_case;

static tp_ctx open_conv(memories *m) {
    return tiny_conv_open(&m->tiny_conv);
}

static tp_ctx open_residual(memories *m) {
    return tiny_residual_open(&m->tiny_residual);
}

static tp_ctx open_mlp(memories *m) {
    return tiny_mlp_open(&m->tiny_mlp);
}

static tp_ctx open_fc(memories *m) {
    return tiny_fc_open(&m->tiny_fc);
}

static tp_ctx open_odd(memories *m) {
    return odd_names_open(&m->odd_names);
}

static const emit_case cases[] = {
    {"tiny_conv",
     {"conv[01]=lora:rank=2", "fc3=head:classes=4"},
     "tinypeft compile tiny_conv.tflite --adapter 'conv[01]=lora:rank=2' "
     "--adapter fc3=head:classes=4 --target portable",
     "tiny_conv.tflite",
     open_conv},
    {"tiny_residual",
     {"*=bitfit"},
     "tinypeft compile tiny_residual.tflite --adapter '*=bitfit' --target "
     "portable",
     "tiny_residual.tflite",
     open_residual},
    {"tiny_mlp",
     {"*=bitfit", "fc1=lora:rank=1"},
     "tinypeft compile 'the tiny --adapter model of the tool'\\''s.tflite' "
     "--adapter '*=bitfit' --adapter fc1=lora:rank=1 --loss mse --name "
     "tiny_mlp --target portable",
     "the tiny --adapter model of the tool's.tflite",
     open_mlp},
    {"tiny_fc",
     {NULL},
     "tinypeft compile tiny_fc.tflite --target portable",
     "tiny_fc.tflite",
     open_fc},
    {"odd_names",
     {"*=bitfit", "a ?/ b*=lora:rank=1"},
     "tinypeft compile 'a*/b /* \" \\ ?\?/ c' --adapter '*=bitfit' "
     "--adapter 'a ?/ b*=lora:rank=1'",
     "a*/b /* \" \\ ?\?/ c",
     open_odd},
};
enum { N_CASES = sizeof cases / sizeof *cases };

typedef struct made {
    tp_arena arena;
    tp_diag diag;
    tp_graph graph;
    tp_plan plan;
    tp_emitted out;
} made;

static void emit(made *m, const emit_case *c) {
    const tp_emit_options options = {
        .command = c->command, .source = c->source, .target = "portable"};
    test_ok(tp_emit(&m->arena, &m->plan, &options, &m->out, &m->diag),
            &m->diag);
}

/* Text -> graph -> passes -> plan -> C. */
static void make(made *m, const emit_case *c) {
    tp_adapter_spec spec[MOST_SPECS];
    tp_pass_options passes = {.spec = spec};
    char path[MOST_PATH];
    *m = (made){0};
    m->diag.arena = &m->arena;
    (void)snprintf(path, sizeof path, FOLDER "/%s.txt", c->name);
    const char *text = test_text(&m->arena, path);
    if (text == NULL) {
        fail_msg("%s: cannot be read; tests run in the repository's root",
                 path);
        return;
    }
    test_ok(tp_graph_parse(&m->arena, text, &m->graph, &m->diag), &m->diag);
    test_ok(tp_graph_verify(&m->graph, &m->diag), &m->diag);
    while (passes.n_specs < MOST_SPECS && c->spec[passes.n_specs] != NULL) {
        const char *given = c->spec[passes.n_specs];
        test_ok(tp_adapter_parse(&m->arena, given, &spec[passes.n_specs++],
                                 &m->diag),
                &m->diag);
    }
    test_ok(tp_passes_run(&m->graph, &passes, NULL, NULL, &m->diag), &m->diag);
    test_ok(tp_plan_make(&m->arena, &m->graph, NULL, &m->plan, &m->diag),
            &m->diag);
    emit(m, c);
}

static const char *file_of(const tp_emitted *out, int i) {
    const char *const text[FILES] = {out->header, out->program, out->weights};
    return text[i];
}

static void test_golden(void **state) {
    static const char *const suffix[FILES] = {".h", ".c", "_weights.c"};
    const emit_case *c = *state;
    made m;
    make(&m, c);
    for (int i = 0; i < FILES; i++) {
        char path[MOST_PATH];
        (void)snprintf(path, sizeof path, FOLDER "/%s%s", c->name, suffix[i]);
        test_expect(path, file_of(&m.out, i));
    }
    tp_arena_free(&m.arena);
}

/* The same plan, and the same graph planned again, give the same bytes. */
static void test_repeatable(void **state) {
    (void)state;
    for (int i = 0; i < N_CASES; i++) {
        made a;
        made b;
        make(&a, &cases[i]);
        make(&b, &cases[i]);
        const tp_emitted first = a.out;
        emit(&a, &cases[i]);
        for (int f = 0; f < FILES; f++) {
            assert_string_equal(file_of(&first, f), file_of(&a.out, f));
            assert_string_equal(file_of(&first, f), file_of(&b.out, f));
        }
        tp_arena_free(&a.arena);
        tp_arena_free(&b.arena);
    }
}

/* The number behind "#define <NAME>_<what>_BYTES ". */
static unsigned long macro(const made *m, const char *what) {
    const char *at = m->out.header;
    char line[MOST_PATH];
    (void)snprintf(line, sizeof line, "_%s_BYTES ", what);
    while ((at = strstr(at, "#define ")) != NULL) {
        const size_t n = strcspn(at, "\n");
        const char *found = strstr(at, line);
        if (found != NULL && found < at + n) {
            return strtoul(found + strlen(line), NULL, 10);
        }
        at += n;
    }
    fail_msg("no _%s_BYTES in the header", what);
    return 0;
}

static void test_sizes(void **state) {
    (void)state;
    for (int i = 0; i < N_CASES; i++) {
        made m;
        make(&m, &cases[i]);
        const tp_model *model = &m.plan.model;
        assert_int_equal(macro(&m, "ARENA"), model->arena_bytes);
        assert_int_equal(macro(&m, "INFER"), model->infer_bytes);
        assert_int_equal(macro(&m, "ADAPTER"), model->adapter_bytes);
        assert_int_equal(macro(&m, "TRAIN"), model->train_bytes);
        assert_int_equal(macro(&m, "X"), model->x_bytes);
        assert_int_equal(macro(&m, "Y"), model->y_bytes);
        assert_int_equal(macro(&m, "RAM"), model->arena_bytes +
                                               model->adapter_bytes +
                                               model->train_bytes);
        assert_true(macro(&m, "ARENA") >= macro(&m, "INFER"));
        assert_true(macro(&m, "INFER") > 0);
        tp_arena_free(&m.arena);
    }
}

/* Every '/' begins or ends a comment, or stands in a public header's name; and
 * nothing says when or where the file was made. */
static void check_place(const char *text) {
    static const char folder[] = "\"tinypeft/";
    for (const char *p = strchr(text, '/'); p != NULL; p = strchr(p + 1, '/')) {
        const size_t before = (size_t)(p - text);
        const size_t n = sizeof folder - 2;
        const bool public = before >= n && strncmp(p - n, folder, n + 1) == 0;
        if (p[1] != '*' && (before == 0 || p[-1] != '*') && !public) {
            fail_msg("a path? %.60s", p);
        }
    }
    assert_null(strstr(text, "__DATE__"));
    assert_null(strstr(text, "__TIME__"));
    for (const char *p = strchr(text, ':'); p != NULL; p = strchr(p + 1, ':')) {
        assert_false(p[1] >= '0' && p[1] <= '9'); /* 12:34 */
    }
}

static void check_lines(const char *text) {
    for (const char *p = text; *p != '\0';) {
        const size_t n = strcspn(p, "\n");
        if (n > 80 || (n > 0 && p[n - 1] == ' ') || memchr(p, '\t', n)) {
            fail_msg("more than 80 columns, or a space behind: %.*s", (int)n,
                     p);
        }
        p += n + (p[n] == '\n' ? 1 : 0);
    }
    assert_int_equal(text[strlen(text) - 1], '\n');
}

static void test_no_place_no_time(void **state) {
    (void)state;
    for (int i = 0; i < N_CASES; i++) {
        const bool odd = strcmp(cases[i].name, "odd_names") == 0;
        made m;
        make(&m, &cases[i]);
        for (int f = 0; f < FILES && !odd; f++) {
            check_place(file_of(&m.out, f));
            check_lines(file_of(&m.out, f));
        }
        tp_arena_free(&m.arena);
    }
}

/* A long name for the model: what can be broken is. */
static void test_long_name(void **state) {
    (void)state;
    for (int i = 0; i < 3; i++) {
        made m;
        make(&m, &cases[i]);
        m.graph.name = "a_name_longer_than_a_model_should_have";
        emit(&m, &cases[i]);
        for (int f = 0; f < FILES; f++) {
            check_lines(file_of(&m.out, f));
        }
        tp_arena_free(&m.arena);
    }
}

/* Emitted C, compiled, computes what the interpreter does: outputs, adapter
 * after training, outputs again. */
static void test_same_bytes(void **state) {
    (void)state;
    for (int i = 0; i < N_CASES; i++) {
        memories memory;
        tp_interpreter interpreter;
        tp_ctx here;
        made m;
        make(&m, &cases[i]);
        memset(&memory, 0xA5, sizeof memory);
        const tp_ctx ctx = cases[i].open(&memory);
        tp_interpreter_init(&interpreter, &m.plan);
        assert_int_equal(tp_interpreter_open(&m.arena, &interpreter, &here),
                         TP_OK);
        const drive_digest want = drive(&here, 3);
        const drive_digest got = drive(&ctx, 3);
        assert_memory_equal(&got, &want, sizeof want);
        assert_string_equal(ctx.model->name, cases[i].name);
        assert_int_equal(ctx.model->layout_id, m.plan.model.layout_id);
        if (want.before == want.after && ctx.model->n_params > 0) {
            fail_msg("%s: training changed no output", cases[i].name);
        }
        tp_arena_free(&m.arena);
    }
}

/* Names arrive as they were, whatever they are made of. */
static void test_odd_names(void **state) {
    (void)state;
    made m;
    make(&m, &cases[N_CASES - 1]);
    const tp_model *want = &m.plan.model;
    const tp_model *got = &odd_names_model;
    assert_string_equal(got->name, "odd_names");
    assert_int_equal(got->n_params, want->n_params);
    assert_int_equal(got->n_params, 9); /* seven biases, one A and B */
    for (uint32_t i = 0; i < got->n_params; i++) {
        assert_string_equal(got->params[i].name, want->params[i].name);
    }
    tp_arena_free(&m.arena);
}

int main(void) {
    emit_case state[N_CASES];
    static const struct CMUnitTest others[] = {
        cmocka_unit_test(test_repeatable),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_no_place_no_time),
        cmocka_unit_test(test_long_name),
        cmocka_unit_test(test_same_bytes),
        cmocka_unit_test(test_odd_names),
    };
    struct CMUnitTest tests[N_CASES + sizeof others / sizeof *others];
    memcpy(state, cases, sizeof cases);
    for (int i = 0; i < N_CASES; i++) {
        tests[i] = (struct CMUnitTest){.name = state[i].name,
                                       .test_func = test_golden,
                                       .initial_state = &state[i]};
    }
    memcpy(tests + N_CASES, others, sizeof others);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
