/* Adapter specs: their grammar, and every message that says what is wrong with
 * one; the globs that name slots. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "compiler/passes/passes.h"
#include "tests/unit/expected.h"

static void test_parse(void **state) {
    (void)state;
    static const struct {
        const char *text, *slots, *kind;
        int rank, classes;
    } good[] = {
        {"conv4=lora", "conv4", "lora", 4, 0},
        {"conv[68]=lora:rank=1", "conv[68]", "lora", 1, 0},
        {"*=lora:rank=16", "*", "lora", 16, 0},
        {"*=lora:rank=3,rank=5", "*", "lora", 5, 0}, /* the last counts */
        {"*=lora-fa:rank=2,seed=0", "*", "lora-fa", 2, 0},
        {"*=vera", "*", "vera", 16, 0},
        {"*=vera:rank=3", "*", "vera", 3, 0},
        {"*=hyper:code=4", "*", "hyper", 4, 0},
        {"fc11=head", "fc11", "head", 4, 0},
        {"fc11=head:classes=2", "fc11", "head", 4, 2},
        {"fc11=head:classes=256", "fc11", "head", 4, 256},
        {"?onv*=bitfit", "?onv*", "bitfit", 4, 0},
    };
    tp_arena arena = {0};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        tp_diag diag = {.arena = &arena};
        tp_adapter_spec spec;
        test_ok(tp_adapter_parse(&arena, good[i].text, &spec, &diag), &diag);
        assert_string_equal(spec.text, good[i].text);
        assert_string_equal(spec.slots, good[i].slots);
        assert_string_equal(spec.kind->name, good[i].kind);
        assert_int_equal(spec.rank, good[i].rank);
        assert_int_equal(spec.classes, good[i].classes);
    }
    tp_arena_free(&arena);
}

#define MUST_READ                                                              \
    ": must read SLOTS=KIND[:key=value,...], such as 'conv*=lora:rank=4'"
#define KINDS                                                                  \
    "; there are: head, bitfit, lora, lora-fa, scale, skip, bottleneck, "      \
    "vera, hyper, sparse"
#define RANKS ": must be a number from 1 to 16"
#define CLASSES ": must be a number from 2 to 256"

static const struct {
    const char *text, *message;
} bad[] = {
    {"", "adapter ''" MUST_READ},
    {"conv4", "adapter 'conv4'" MUST_READ},
    {"=lora", "adapter '=lora'" MUST_READ},
    {"conv4=", "adapter 'conv4='" MUST_READ},
    {"conv4=:rank=2", "adapter 'conv4=:rank=2': no kind ''" KINDS},
    {"conv4=lor", "adapter 'conv4=lor': no kind 'lor'" KINDS},
    {"conv4=LORA", "adapter 'conv4=LORA': no kind 'LORA'" KINDS},
    {"conv4=lora:", "adapter 'conv4=lora:': '' is not key=value"},
    {"conv4=lora:rank", "adapter 'conv4=lora:rank': 'rank' is not key=value"},
    {"conv4=lora:rank=2,", "adapter 'conv4=lora:rank=2,': '' is not key=value"},
    {"conv4=lora:alpha=2",
     "adapter 'conv4=lora:alpha=2': lora has no key 'alpha'; it has: "
     "rank,bits"},
    {"conv4=lora:=2",
     "adapter 'conv4=lora:=2': lora has no key ''; it has: rank,bits"},
    {"conv4=lora:ran=2",
     "adapter 'conv4=lora:ran=2': lora has no key 'ran'; it has: "
     "rank,bits"},
    {"fc=head:rank=2",
     "adapter 'fc=head:rank=2': head has no key 'rank'; it has: classes"},
    {"conv4=bitfit:rank=2", "adapter 'conv4=bitfit:rank=2': bitfit has no "
                            "key 'rank'; it has: none"},
    {"c=lora:rank=0", "adapter 'c=lora:rank=0': rank=0" RANKS},
    {"c=lora:rank=17", "adapter 'c=lora:rank=17': rank=17" RANKS},
    {"c=lora:rank=-1", "adapter 'c=lora:rank=-1': rank=-1" RANKS},
    {"c=lora:rank=", "adapter 'c=lora:rank=': rank=" RANKS},
    {"c=lora:rank=4x", "adapter 'c=lora:rank=4x': rank=4x" RANKS},
    {"c=lora:rank=2=3", "adapter 'c=lora:rank=2=3': rank=2=3" RANKS},
    {"c=lora:rank=99999999999999999999",
     "adapter 'c=lora:rank=99999999999999999999': "
     "rank=99999999999999999999" RANKS},
    {"c=lora:seed=1",
     "adapter 'c=lora:seed=1': lora has no key 'seed'; it has: "
     "rank,bits"},
    {"c=lora-fa:seed=-1",
     "adapter 'c=lora-fa:seed=-1': seed=-1: must be a number from 0 to "
     "2147483647"},
    {"c=lora-fa:seed=2147483648",
     "adapter 'c=lora-fa:seed=2147483648': seed=2147483648: must be a "
     "number from 0 to 2147483647"},
    {"c=bottleneck:act=tanh",
     "adapter 'c=bottleneck:act=tanh': act=tanh: must be one of: relu, "
     "hard_swish"},
    {"c=sparse:density=2",
     "adapter 'c=sparse:density=2': density=2: must be a percentage from "
     "0.01% to 100%"},
    {"c=sparse:density=100.1%",
     "adapter 'c=sparse:density=100.1%': density=100.1%: must be a "
     "percentage from 0.01% to 100%"},
    {"c=sparse:density=%",
     "adapter 'c=sparse:density=%': density=%: must be a percentage from "
     "0.01% to 100%"},
    {"c=sparse:count=0", "adapter 'c=sparse:count=0': count=0: must be a "
                         "number from 1 to 65536"},
    {"c=sparse:unit=row", "adapter 'c=sparse:unit=row': unit=row: must be "
                          "one of: weight, channel"},
    {"c=sparse:choice=best", "adapter 'c=sparse:choice=best': choice=best: "
                             "must be one of: random, gradient, fisher"},
    {"c=bottleneck:mode=",
     "adapter 'c=bottleneck:mode=': mode=: must be one of: parallel, "
     "serial"},
    {"c=lora:bits=3", "adapter 'c=lora:bits=3': bits=3: 8, 4 and 2 "
                      "(ternary) work"},
    {"c=lora:bits=16", "adapter 'c=lora:bits=16': bits=16: must be a "
                       "number from 2 to 8"},
    {"c=hyper:code=3", "adapter 'c=hyper:code=3': code=3: must be a "
                       "number from 4 to 32"},
    {"c=lora-fa:keep=16", "adapter 'c=lora-fa:keep=16': keep=16: rank=4 "
                          "has bits up to 15"},
    {"c=vera:bits=4", "adapter 'c=vera:bits=4': vera has no key 'bits'; it "
                      "has: rank,seed"},
    {"c=head:classes=1", "adapter 'c=head:classes=1': classes=1" CLASSES},
    {"c=head:classes=257", "adapter 'c=head:classes=257': classes=257" CLASSES},
};

static void test_parse_refuses(void **state) {
    (void)state;
    tp_arena arena = {0};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        tp_diag diag = {.arena = &arena};
        tp_adapter_spec spec;
        assert_int_equal(tp_adapter_parse(&arena, bad[i].text, &spec, &diag),
                         TP_ERR_ARGUMENT);
        assert_int_equal(diag.errors, 1);
        assert_string_equal(diag.message[0].text, bad[i].message);
    }
    tp_arena_free(&arena);
}

static void test_glob(void **state) {
    (void)state;
    static const struct {
        const char *pattern, *name;
        bool matches;
    } rows[] = {
        {"conv4", "conv4", true},
        {"conv4", "conv40", false},
        {"conv4", "conv", false},
        {"", "", true},
        {"", "x", false},
        {"*", "", true},
        {"*", "anything", true},
        {"**", "x", true},
        {"conv*", "conv", true},
        {"conv*", "dwconv1", false},
        {"*conv*", "dwconv1", true},
        {"*1", "conv11", true},
        {"c*v*2", "conv12", true},
        {"c*v*2", "conv21", false},
        {"conv?", "conv4", true},
        {"conv?", "conv", false},
        {"conv?", "conv10", false},
        {"conv[68]", "conv6", true},
        {"conv[68]", "conv8", true},
        {"conv[68]", "conv7", false},
        {"conv[68]", "conv", false},
        {"conv[2-5]", "conv2", true},
        {"conv[2-5]", "conv5", true},
        {"conv[2-5]", "conv6", false},
        {"conv[0-24-6]", "conv5", true},
        {"conv[0-24-6]", "conv3", false},
        {"conv[5-2]", "conv3", false},
        {"conv[!2-5]", "conv6", true},
        {"conv[!2-5]", "conv4", false},
        {"conv[!68]", "conv6", false},
        {"conv[1-]", "conv-", true},
        {"conv[1-]", "conv2", false},
        {"conv[-1]", "conv-", true},
        {"[]a]x", "]x", true},
        {"[]a]x", "ax", true},
        {"[!]]", "a", true},
        {"[!]]", "]", false},
        {"conv[68]*", "conv61", true},
        {"*[0-9]", "conv", false},
        {"conv[6", "conv6", false}, /* does not close: matches nothing */
        {"conv[", "conv[", false},
        {"Conv4", "conv4", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (tp_glob(rows[i].pattern, rows[i].name) != rows[i].matches) {
            fail_msg("'%s' on '%s'", rows[i].pattern, rows[i].name);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse),
        cmocka_unit_test(test_parse_refuses),
        cmocka_unit_test(test_glob),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
