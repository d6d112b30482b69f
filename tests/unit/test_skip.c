/* Truth link: float64 -> the ref kernel that adds to the logits of a head; and
 * passes: what training with skips does not do. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "compiler/ops/opdef.h"
#include "compiler/passes/passes.h"
#include "tests/unit/gradcheck.h"
#include "tests/unit/small_models.h"
#include "tinypeft/kernels.h"

enum { FEATURES = 70, CLASSES = 5 };

/* s_x = 3 / 8 */
static const tp_head op = {.in_c = FEATURES,
                           .classes = CLASSES,
                           .x_zp = -11,
                           .scale = {.m = 3 << 29, .s = -1}};

static void test_sum(void **state) {
    tp_check *c = *state;
    int16_t z[CLASSES];
    int16_t y[CLASSES];
    for (int run = 0; run < 100; run++) {
        const int e = tp_check_int(c, -16, -8);
        const int8_t *x = tp_check_s8(c, FEATURES);
        const tp_q8 *w = tp_check_gradient(c, CLASSES * FEATURES, e);
        for (int i = 0; i < CLASSES; i++) {
            z[i] = (int16_t)tp_check_int(c, -3000, 3000);
        }
        tp_head_add_q8_fwd_ref(&op, z, x, w, y);
        for (int i = 0; i < CLASSES; i++) {
            double want = z[i];
            for (int k = 0; k < FEATURES; k++) {
                want +=
                    ldexp(0.375 * w->v[i * FEATURES + k] * (x[k] + 11), e + 8);
            }
            assert_true(fabs(y[i] - fmin(fmax(want, -32768), 32767)) <= 0.501);
        }
        tp_head_add_q8_fwd_ref(&op, z, x, w, z); /* in place */
        assert_memory_equal(z, y, sizeof z);
    }
}

static void test_saturates_and_starts(void **state) {
    tp_check *c = *state;
    const int16_t z[CLASSES] = {32767, -32768, 0, 5, -5};
    int16_t y[CLASSES];
    int8_t *x = tp_check_s8(c, FEATURES);
    tp_q8 *w = tp_check_q8(c, CLASSES * FEATURES, -13);
    tp_head_add_q8_fwd_ref(&op, z, x, w, y);
    assert_memory_equal(z, y, sizeof z); /* W is 0 */
    memset(x, 127, FEATURES);
    memset(w->v, 127, FEATURES);
    memset(w->v + FEATURES, -127, FEATURES);
    w->e = -8;
    tp_head_add_q8_fwd_ref(&op, z, x, w, y);
    assert_int_equal(y[0], 32767);
    assert_int_equal(y[1], -32768);
    assert_int_equal(y[2], 0);
}

/* --- training ------------------------------------------------------------- */

/* The backward part is the loss and gradients of parameters alone, and features
 * are all that training reads of a sample. */
static void test_no_backward(void **state) {
    (void)state;
    static const char *const text[] = {"fc4=head", "conv*=skip"};
    tp_arena arena = {0};
    tp_diag diag = {.arena = &arena};
    tp_maker m = {.graph = {.arena = &arena,
                            .name = "mobile",
                            .input = -1,
                            .output = -1,
                            .logits = -1,
                            .io_in = TP_S8,
                            .io_out = TP_S8},
                  .rng = 1};
    tp_adapter_spec spec[2];
    const tp_pass_options options = {.spec = spec, .n_specs = 2};
    tp_cut *cut = NULL;
    int cuts = 0;
    tp_small_mobile(&m);
    m.graph.output = m.x;
    m.graph.first_backward = m.graph.n_ops;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(tp_adapter_parse(&arena, text[i], &spec[i], &diag),
                         TP_OK);
    }
    assert_int_equal(tp_passes_run(&m.graph, &options, NULL, NULL, &diag),
                     TP_OK);
    int weights = 0;
    for (int i = m.graph.first_backward; i < m.graph.n_ops; i++) {
        const tp_kind kind = m.graph.op[i].kind;
        assert_true(kind == TP_OP_CE_LOSS || kind == TP_OP_HEAD_BWD_W ||
                    kind == TP_OP_BIAS_BWD);
        weights += kind == TP_OP_HEAD_BWD_W ? 1 : 0;
    }
    assert_int_equal(weights, 3); /* the head's, conv0's, conv2's */
    assert_int_equal(tp_latent_cuts(&arena, &m.graph, &cut, &cuts, &diag),
                     TP_OK);
    const tp_pass_options kept = {.cut = cut[0].at};
    assert_int_equal(tp_pass_latent(&m.graph, &kept, &diag), TP_OK);
    int features = 0;
    for (int i = 0; i < m.graph.n_tensors; i++) {
        const tp_tensor *t = &m.graph.tensor[i];
        assert_true(!t->latent || (t->dim[1] == 1 && t->dim[2] == 1));
        features += t->latent ? 1 : 0;
    }
    assert_int_equal(features, 3); /* conv0's, conv2's, the head's */
    assert_int_equal(cut[0].bytes, 3 * 8);
    tp_arena_free(&arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_sum, tp_check_setup,
                                        tp_check_teardown),
        cmocka_unit_test_setup_teardown(test_saturates_and_starts,
                                        tp_check_setup, tp_check_teardown),
        cmocka_unit_test(test_no_backward),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
