/* Truth link: passes. What each pass makes of a small graph, as text:
 * tests/passes/<folder>/<case>.in.txt goes through one pass and must come out
 * as <case>.out.txt. The inputs are written by hand, and say in their first
 * lines what to look for. After a change that is meant,
 *     TINYPEFT_UPDATE_GOLDEN=1 build/test/tests/test_passes
 * writes the .out.txt files anew: the diff is what the change does. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "compiler/ir/text.h"
#include "compiler/ir/verify.h"
#include "compiler/passes/passes.h"
#include "tests/unit/expected.h"

#define FOLDER "tests/passes"

enum { MOST_SPECS = 2, MOST_PATH = 512 };

typedef struct pass_case {
    const char *name;
    const char *pass;
    const char *spec[MOST_SPECS];
} pass_case;

static const pass_case cases[] = {
    {"fuse/pad_relu", "fuse", {NULL}},
    {"lora/conv_1x1", "slots", {"conv0=lora:rank=2"}},
    {"lora/conv_3x3_strided", "slots", {"*=lora:rank=3"}},
    {"lora/fc", "slots", {"fc?=lora"}},
    {"lora-fa/conv_1x1", "slots", {"conv0=lora-fa:rank=2"}},
    {"lora-fa/backward", "autodiff", {"conv0=lora-fa:rank=1"}},
    {"lora/four_bits", "slots", {"fc0=lora:rank=2,bits=4"}},
    {"lora/four_bits_backward", "autodiff", {"fc0=lora:rank=2,bits=4"}},
    {"lora/ternary", "slots", {"fc0=lora:rank=2,bits=2"}},
    {"vera/fc", "slots", {"fc0=vera:rank=2"}},
    {"vera/backward", "autodiff", {"fc0=vera:rank=2"}},
    {"hyper/two_slots", "slots", {"fc?=hyper:code=4,rank=1"}},
    {"hyper/backward", "autodiff", {"fc?=hyper:code=4,rank=1"}},
    {"bitfit/conv", "slots", {"conv[01]=bitfit"}},
    {"bitfit/dwconv", "slots", {"*=bitfit"}},
    {"bitfit/fc", "slots", {"fc1=bitfit"}},
    {"bitfit/beside_lora", "slots", {"fc0=lora:rank=1", "fc0=bitfit"}},
    {"scale/dwconv", "slots", {"*=scale"}},
    {"scale/affine", "slots", {"fc0=bitfit", "fc0=scale"}},
    {"scale/beside_lora", "slots", {"fc0=scale", "fc0=lora:rank=1"}},
    {"scale/autodiff", "autodiff", {"*=scale"}},
    {"scale/fold", "fold", {"fc0=scale", "fc0=bitfit"}},
    {"skip/blocks", "slots", {"*=skip", "fc2=head:classes=3"}},
    {"skip/autodiff", "autodiff", {"fc1=head"}},
    {"sparse/weights", "slots", {"*=sparse:density=40%"}},
    {"sparse/channels", "slots", {"conv0=sparse:count=1,unit=channel"}},
    {"sparse/autodiff", "autodiff", {"*=bitfit"}},
    {"bottleneck/parallel", "slots", {"*=bottleneck:act=hard_swish"}},
    {"bottleneck/serial", "slots", {"conv0=bottleneck:mode=serial"}},
    {"bottleneck/autodiff", "autodiff", {"*=bitfit"}},
    {"bottleneck/fold", "fold", {"*=bitfit"}},
    {"head/conv_reshape_softmax",
     "slots",
     {"*=bitfit", "conv1=head:classes=3"}},
    {"head/fc", "slots", {"fc*=head"}},
    {"head/uint8_output", "slots", {"fc0=head"}},
    {"autodiff/conv_chain", "autodiff", {"conv0=lora:rank=1"}},
    {"autodiff/residual", "autodiff", {"conv0=bitfit"}},
    {"autodiff/stops_at_first_adapter",
     "autodiff",
     {"fc2=lora:rank=2", "fc2=bitfit"}},
    {"autodiff/head", "autodiff", {"fc3=head:classes=5", "conv0=bitfit"}},
    {"autodiff/autoencoder", "autodiff", {"fc0=bitfit"}},
    {"autodiff/uint8_output", "autodiff", {"fc0=bitfit"}},
    {"autodiff/uint8_autoencoder", "autodiff", {"fc0=bitfit"}},
    {"autodiff/nothing_to_train", "autodiff", {NULL}},
    {"masks/relu_before_frozen", "masks", {"fc0=bitfit"}},
    {"masks/kept_for_weights", "masks", {"fc0=bitfit", "fc1=lora:rank=1"}},
    {"prune/dead_ops", "prune", {"fc3=bitfit"}},
    {"fold/conv", "fold", {NULL}},
    {"fold/dwconv", "fold", {NULL}},
    {"fold/padded", "fold", {NULL}},
    {"fold/bitfit", "fold", {"fc0=bitfit", "fc1=lora:rank=1"}},
    {"latent/raw", "latent", {NULL}},
    {"latent/early", "latent", {NULL}},
    {"latent/features", "latent", {NULL}},
};
enum { N_CASES = sizeof cases / sizeof *cases };

/* Of pass latent: the op that training begins at; where a case is not named,
 * the first. */
static const struct {
    const char *name;
    int at;
} cuts[] = {{"latent/early", 1}, {"latent/features", 8}};

static int cut_of(const char *name) {
    for (size_t i = 0; i < sizeof cuts / sizeof *cuts; i++) {
        if (strcmp(cuts[i].name, name) == 0) {
            return cuts[i].at;
        }
    }
    return 0;
}

static tp_pass_fn find_pass(const char *name) {
    for (int i = 0; i < tp_n_passes; i++) {
        if (strcmp(tp_passes[i].name, name) == 0) {
            return tp_passes[i].run;
        }
    }
    if (strcmp(name, "latent") == 0) { /* of the schedule */
        return tp_pass_latent;
    }
    fail_msg("no pass '%s'", name);
    return NULL;
}

static void read_graph(tp_arena *arena, const char *path, tp_graph *graph,
                       tp_diag *diag) {
    const char *text = test_text(arena, path);
    if (text == NULL) {
        fail_msg("%s: cannot be read; tests run in the repository's root",
                 path);
        return;
    }
    diag->file = path;
    test_ok(tp_graph_parse(arena, text, graph, diag), diag);
    test_ok(tp_graph_verify(graph, diag), diag);
}

static void test_case(void **state) {
    const pass_case *c = *state;
    tp_arena arena = {0};
    tp_diag diag = {.arena = &arena};
    tp_adapter_spec spec[MOST_SPECS];
    tp_pass_options options = {.spec = spec, .cut = cut_of(c->name)};
    tp_graph graph;
    char path[MOST_PATH];
    while (options.n_specs < MOST_SPECS && c->spec[options.n_specs] != NULL) {
        const char *text = c->spec[options.n_specs];
        test_ok(tp_adapter_parse(&arena, text, &spec[options.n_specs++], &diag),
                &diag);
    }
    (void)snprintf(path, sizeof path, FOLDER "/%s.in.txt", c->name);
    read_graph(&arena, path, &graph, &diag);
    test_ok(find_pass(c->pass)(&graph, &options, &diag), &diag);
    test_ok(tp_graph_verify(&graph, &diag), &diag);
    const char *text = tp_graph_print(&arena, &graph);
    (void)snprintf(path, sizeof path, FOLDER "/%s.out.txt", c->name);
    test_expect(path, text);

    read_graph(&arena, path, &graph, &diag); /* the text parses back */
    assert_string_equal(tp_graph_print(&arena, &graph), text);
    tp_arena_free(&arena);
}

static void check_listed(const char *folder, const char *file) {
    char path[MOST_PATH];
    for (int i = 0; i < N_CASES; i++) {
        for (int out = 0; out <= 1; out++) {
            (void)snprintf(path, sizeof path, "%s.%s.txt", cases[i].name,
                           out == 1 ? "out" : "in");
            const size_t n = strlen(folder);
            if (strncmp(path, folder, n) == 0 && path[n] == '/' &&
                strcmp(path + n + 1, file) == 0) {
                return;
            }
        }
    }
    fail_msg("%s/%s is in no row of the table", folder, file);
}

/* A file that no row names would never be compared. */
static void test_all_listed(void **state) {
    (void)state;
    DIR *all = opendir(FOLDER);
    int files = 0;
    assert_non_null(all);
    for (const struct dirent *e = readdir(all); e != NULL; e = readdir(all)) {
        char path[MOST_PATH];
        (void)snprintf(path, sizeof path, FOLDER "/%s", e->d_name);
        DIR *folder = e->d_name[0] == '.' ? NULL : opendir(path);
        for (const struct dirent *f = folder != NULL ? readdir(folder) : NULL;
             f != NULL; f = readdir(folder)) {
            if (f->d_name[0] != '.') {
                check_listed(e->d_name, f->d_name);
                files++;
            }
        }
        if (folder != NULL) {
            (void)closedir(folder);
        }
    }
    (void)closedir(all);
    assert_int_equal(files, 2 * N_CASES);
}

int main(void) {
    pass_case state[N_CASES];
    struct CMUnitTest tests[N_CASES + 1];
    memcpy(state, cases, sizeof cases);
    for (int i = 0; i < N_CASES; i++) {
        tests[i] = (struct CMUnitTest){.name = state[i].name,
                                       .test_func = test_case,
                                       .initial_state = &state[i]};
    }
    tests[N_CASES] = (struct CMUnitTest)cmocka_unit_test(test_all_listed);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
