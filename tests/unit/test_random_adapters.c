/* Truth link: float model and finite differences -> what a whole training step
 * computes, for each kind of adapter, on random models that between them use
 * every backward rule (tally.h). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/tally.h"

/* Backward rules that only test_random_kinds() meets. */
static const tp_kind other_rules[] = {TP_OP_SCALE_BWD_X,
                                      TP_OP_SCALE_BWD_W,
                                      TP_OP_CONV_BOTTLENECK_BWD_X,
                                      TP_OP_BOTTLENECK_BWD_X,
                                      TP_OP_BOTTLENECK_BWD_A,
                                      TP_OP_BOTTLENECK_BWD_B,
                                      TP_OP_CONV_SPARSE_BWD_X,
                                      TP_OP_SPARSE_BWD_W,
                                      TP_OP_VERA_BWD_B,
                                      TP_OP_VERA_BWD_D,
                                      TP_OP_HYPER_BWD,
                                      TP_OP_HYPER_HIDDEN_BWD,
                                      TP_OP_WEIGHT_GRAD_SUM};
enum { OTHER_RULES = sizeof other_rules / sizeof *other_rules };

static bool is_other_rule(int kind) {
    bool found = false;
    for (int i = 0; i < OTHER_RULES; i++) {
        found = found || other_rules[i] == (tp_kind)kind;
    }
    return found;
}

/* Each of the n adapters on the graphs of that many seeds, where it fits. */
static void tally_random(tp_tally *t, const tp_adapted *random, int n,
                         uint32_t seeds) {
    for (uint32_t seed = 0; seed < seeds; seed++) {
        for (int i = 0; i < n; i++) {
            tp_subject s;
            if (tp_subject_open(&s, &random[i], seed)) {
                tp_tally_anchored(t, &s);
                tp_subject_close(&s);
            }
        }
    }
}

/* Every kind of op in random company, and every backward rule. Left out are
 * outputs of many values: at 7 bits beside p - 1 of the label, the p of the
 * others all but round away. */
static void test_random_models(void **state) {
    (void)state;
    static const tp_adapted random[] = {
        {"random, lora and bitfit", NULL, {"*=lora:rank=2", "*=bitfit"}},
        {"random, bitfit", NULL, {"*=bitfit"}},
        {"random, head and lora", NULL, {"fc*=head", "*=lora:rank=3"}},
    };
    tp_tally t = {
        .error = 0.4, .cosine = 0.94, .gain = 0.37, .worst_cosine = 1.0};
    tally_random(&t, random, sizeof random / sizeof *random, 150);
    assert_int_equal(t.beyond, 0);
    tp_tally_check(&t, 0.016, 0.045, 0.005);
    for (int k = TP_OP_CLAMP_BWD; k < TP_OP_ACCUMULATE; k++) {
        assert_true(t.met[k] || is_other_rule(k));
    }
    static const tp_kind shared[] = {
        TP_OP_QUANTIZE,      TP_OP_RELU,         TP_OP_RELU6,
        TP_OP_LEAKY_RELU,    TP_OP_LOGISTIC,     TP_OP_TANH,
        TP_OP_HARD_SWISH,    TP_OP_PAD,          TP_OP_TRANSPOSE,
        TP_OP_CONCATENATION, TP_OP_STRIDED_SLICE};
    for (size_t k = 0; k < sizeof shared / sizeof *shared; k++) {
        assert_true(t.met[shared[k]]);
    }
}

/* The same for the other kinds of adapters. Where the few logits of a small
 * random model send gradients that cancel, the rounding of these to int8 is all
 * that remains: one tensor in 150 may be far off, the means may not. What
 * derives weights for a branch has the bounds of LoRA. */
static void test_random_kinds(void **state) {
    (void)state;
    static const tp_adapted random[] = {
        {"random, affine", NULL, {"*=scale", "*=bitfit"}},
        {"random, sparse", NULL, {"*=sparse:density=30%", "*=bitfit"}},
        {"random, sparse channels",
         NULL,
         {"*=sparse:density=50%,unit=channel"}},
        {"random, bottleneck", NULL, {"*=bottleneck", "*=bitfit"}},
        {"random, serial bottleneck",
         NULL,
         {"*=bottleneck:mode=serial,act=hard_swish", "*=bitfit"}},
        {"random, skip", NULL, {"fc*=head", "*=skip", "*=bitfit"}},
    };
    static const tp_adapted derived[] = {
        {"random, lora-fa", NULL, {"*=lora-fa:rank=3"}},
        {"random, vera", NULL, {"*=vera"}},
        {"random, hyper", NULL, {"*=hyper:code=8"}},
    };
    tp_tally t = {
        .error = 0.6, .cosine = 0.9, .gain = 0.4, .worst_cosine = 1.0};
    tally_random(&t, random, sizeof random / sizeof *random, 60);
    t.error = 0.4;
    t.cosine = 0.94;
    t.gain = 0.25;
    tally_random(&t, derived, sizeof derived / sizeof *derived, 60);
    assert_true(t.beyond <= t.compared / 150);
    tp_tally_check(&t, 0.014, 0.04, 0.005);
    for (int k = 0; k < OTHER_RULES; k++) {
        assert_true(t.met[other_rules[k]]);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_models),
        cmocka_unit_test(test_random_kinds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
