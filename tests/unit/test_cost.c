/* The estimates of cost: kernel -> row, terms -> counted by hand, whole model
 * -> instructions that were counted under QEMU. How good the weights are is
 * measured by `make cost`. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "bench/shapes.h"
#include "compiler/compiler.h"
#include "compiler/plan/cost.h"
#include "tests/unit/data.h"

/* A kernel needs a measured row and the shapes it was measured at; how to add
 * them is said in cost.def. */
static void test_every_kernel_is_measured(void **state) {
    (void)state;
    for (int k = 0; k < TP_KERNEL_COUNT; k++) {
        const tp_kernel_id kernel = (tp_kernel_id)k;
        bench_case c;
        uint64_t term[TP_COST_TERMS];
        if (!bench_case_of(kernel, 0, &c)) {
            fail_msg("%s has no case in bench/shapes.c",
                     tp_kernel_name(kernel));
            return;
        }
        if (!tp_cost_terms(kernel, c.desc, term)) {
            fail_msg("%s has no row in compiler/plan/cost.def",
                     tp_kernel_name(kernel));
        }
        const tp_step step = {.kernel = kernel, .desc = c.desc};
        if (tp_step_cost(&step) == 0) {
            fail_msg("%s costs nothing: run make cost", tp_kernel_name(kernel));
        }
    }
}

/* Multiply-accumulates of a convolution, tap by tap. */
static uint64_t naive_taps(const tp_conv2d *op) {
    uint64_t n = 0;
    for (int32_t i = 0; i < op->out_h * op->out_w * op->k_h * op->k_w; i++) {
        const int32_t kx = i % op->k_w;
        const int32_t ky = i / op->k_w % op->k_h;
        const int32_t ox = i / (op->k_w * op->k_h) % op->out_w;
        const int32_t oy = i / (op->k_w * op->k_h) / op->out_w;
        const int32_t iy = oy * op->stride_h - op->pad_t + ky * op->dil_h;
        const int32_t ix = ox * op->stride_w - op->pad_l + kx * op->dil_w;
        n += iy >= 0 && iy < op->in_h && ix >= 0 && ix < op->in_w ? 1 : 0;
    }
    return n;
}

static void test_taps(void **state) {
    (void)state;
    bench_case c;
    int i = 0;
    for (; bench_case_of(TP_K_conv2d_s8_fwd_ref, i, &c); i++) {
        const tp_conv2d *op = c.desc;
        const uint64_t taps = naive_taps(op);
        const uint64_t channels = (uint64_t)op->in_c * (uint64_t)op->out_c;
        uint64_t term[TP_COST_TERMS] = {0};
        tp_cost_conv(op, term);
        assert_int_equal(term[3] + term[5], taps * channels);
        tp_cost_conv_bwd_w(op, term);
        assert_int_equal(term[4], taps * channels);
        tp_cost_conv_bwd_x(op, term);
        assert_int_equal(term[6], taps * channels / 2);
    }
    assert_true(i > 5);
    for (i = 0; bench_case_of(TP_K_dwconv2d_s8_fwd_ref, i, &c); i++) {
        const tp_conv2d *op = c.desc;
        const uint64_t macs = naive_taps(op) * (uint64_t)op->out_c;
        uint64_t term[TP_COST_TERMS] = {0};
        tp_cost_dwconv(op, term);
        assert_int_equal(term[4] + term[5], macs);
        uint64_t back[TP_COST_TERMS] = {0};
        tp_cost_dwconv_bwd_x(op, back);
        assert_int_equal(back[5] + back[6], macs);
    }
    assert_true(i > 5);
}

/* Counted under QEMU on mps2-an386, GCC 12.2 -O2, by `make cost`. */
static void test_models(void **state) {
    (void)state;
    static const struct {
        const char *file;
        const char *spec[2];
        int n_specs;
        double infer, sample;
    } model[] = {{"models/kws_ref_model.tflite",
                  {"fc11=head:classes=10", "conv[2468]=lora:rank=4"},
                  2,
                  18943480,
                  31972538},
                 {"models/vww_96_int8.tflite", {NULL}, 0, 46629520, 0},
                 {"models/ad01_int8.tflite", {NULL}, 0, 991960, 0}};
    for (size_t i = 0; i < sizeof model / sizeof *model; i++) {
        size_t n = 0;
        uint8_t *bytes = test_data(model[i].file, &n);
        tp_arena arena = {0};
        tp_diag diag = {.arena = &arena};
        const tp_compile_options options = {
            .name = "m", .spec = model[i].spec, .n_specs = model[i].n_specs};
        tp_plan plan;
        if (bytes == NULL) {
            skip();
        }
        assert_int_equal(tp_compile(&arena, bytes, n, &options, &plan, &diag),
                         TP_OK);
        const double infer = (double)tp_program_cost(&plan.infer);
        const double sample = (double)tp_program_cost(&plan.sample);
        assert_true(infer > 0.9 * model[i].infer);
        assert_true(infer < 1.1 * model[i].infer);
        assert_true(sample >= 0.9 * model[i].sample);
        assert_true(sample <= 1.1 * model[i].sample);
        tp_arena_free(&arena);
        free(bytes);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_kernel_is_measured),
        cmocka_unit_test(test_taps),
        cmocka_unit_test(test_models),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
