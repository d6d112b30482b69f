/* Truth link: real models. The interpreter's bytes equal those of TensorFlow
 * Lite Micro's reference kernels on every int8 model at hand, with no adapter
 * and with a zero one. Those of the zoo are at hand everywhere. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <glob.h>

#include "compiler/compiler.h"
#include "tests/unit/data.h"
#include "tinypeft/adapter.h"

typedef struct opened {
    tp_arena arena;
    tp_plan plan;
    tp_interpreter interpreter;
    tp_ctx ctx;
} opened;

/* Fails the test unless the model compiles; skips it without data. */
static void open_model(opened *o, const char *file, const char *const *spec,
                       int n_specs) {
    size_t n = 0;
    uint8_t *bytes = test_data(file, &n);
    if (bytes == NULL) {
        skip();
    }
    *o = (opened){0};
    const tp_compile_options options = {
        .name = "model", .spec = spec, .n_specs = n_specs};
    tp_diag diag = {.arena = &o->arena};
    const tp_status status =
        tp_compile(&o->arena, bytes, n, &options, &o->plan, &diag);
    for (int i = 0; i < diag.count; i++) {
        print_message("%s\n", diag.message[i].text);
    }
    assert_int_equal(status, TP_OK);
    tp_interpreter_init(&o->interpreter, &o->plan);
    assert_int_equal(tp_interpreter_open(&o->arena, &o->interpreter, &o->ctx),
                     TP_OK);
    tp_adapter_init(&o->ctx, 7);
    free(bytes);
}

/* Bytes that differ over all samples. */
static size_t differing(const opened *o, const char *inputs,
                        const char *outputs, size_t most) {
    size_t n_x = 0;
    size_t n_y = 0;
    uint8_t *x = test_data(inputs, &n_x);
    uint8_t *y = test_data(outputs, &n_y);
    const tp_model *m = &o->interpreter.model;
    assert_non_null(x);
    assert_non_null(y);
    assert_int_equal(n_x % m->x_bytes, 0);
    size_t samples = n_x / m->x_bytes;
    assert_int_equal(n_y, samples * m->y_bytes);
    samples = samples < most ? samples : most;
    uint8_t *got = malloc(m->y_bytes);
    size_t wrong = 0;
    for (size_t i = 0; i < samples; i++) {
        m->infer(&o->ctx, x + i * m->x_bytes, got);
        for (size_t j = 0; j < m->y_bytes; j++) {
            wrong += got[j] != y[i * m->y_bytes + j];
        }
    }
    free(got);
    free(x);
    free(y);
    return wrong;
}

static void check(const char *model, const char *golden, size_t most) {
    char inputs[64];
    char outputs[64];
    opened o;
    (void)snprintf(inputs, sizeof inputs, "golden/%s_rand64_inputs.bin",
                   golden);
    (void)snprintf(outputs, sizeof outputs, "golden/%s_rand64_outputs.bin",
                   golden);
    open_model(&o, model, NULL, 0);
    assert_int_equal(differing(&o, inputs, outputs, most), 0);
    tp_arena_free(&o.arena);
}

static void test_kws(void **state) {
    (void)state;
    check("models/kws_ref_model.tflite", "kws", 64);
}

static void test_ad(void **state) {
    (void)state;
    check("models/ad01_int8.tflite", "ad", 64);
}

static void test_resnet(void **state) {
    (void)state;
    check("models/pretrainedResnet_quant.tflite", "resnet", 64);
}

static void test_vww(void **state) {
    (void)state;
    check("models/vww_96_int8.tflite", "vww", 64);
}

static void test_str_ww(void **state) {
    (void)state;
    check("models/str_ww_ref_model.tflite", "str_ww", 64);
}

/* 1000 real samples: every byte, and exactly 901 right. */
static void test_kws_accuracy(void **state) {
    (void)state;
    opened o;
    size_t n = 0;
    open_model(&o, "models/kws_ref_model.tflite", NULL, 0);
    assert_int_equal(
        differing(&o, "kws01/inputs.bin", "kws01/tflm_outputs.bin", 1000), 0);
    uint8_t *x = test_data("kws01/inputs.bin", &n);
    uint8_t *labels = test_data("kws01/labels.bin", &n);
    int right = 0;
    for (size_t i = 0; i < n; i++) {
        int8_t y[12];
        o.ctx.model->infer(&o.ctx, x + i * 490, y);
        int best = 0;
        for (int j = 1; j < 12; j++) {
            best = y[j] > y[best] ? j : best;
        }
        right += best == labels[i];
    }
    assert_int_equal(n, 1000);
    assert_int_equal(right, 901);
    free(x);
    free(labels);
    tp_arena_free(&o.arena);
}

/* A fresh adapter changes no byte: LoRA and BitFit on everything. */
static void test_zero_adapter(void **state) {
    (void)state;
    static const char *const spec[] = {"*=lora:rank=4", "*=bitfit"};
    opened o;
    open_model(&o, "models/kws_ref_model.tflite", spec, 2);
    assert_true(o.ctx.model->adapter_bytes > 0);
    assert_int_equal(
        differing(&o, "kws01/inputs.bin", "kws01/tflm_outputs.bin", 200), 0);
    tp_arena_free(&o.arena);
    open_model(&o, "models/pretrainedResnet_quant.tflite", spec, 2);
    assert_int_equal(differing(&o, "golden/resnet_rand64_inputs.bin",
                               "golden/resnet_rand64_outputs.bin", 8),
                     0);
    tp_arena_free(&o.arena);
}

/* --- the zoo, there everywhere; without an adapter and with a fresh one ----
 */

static void check_zoo(const char *model, const char *inputs,
                      const char *outputs) {
    static const char *const spec[] = {"*=lora-fa:rank=4", "*=bitfit"};
    for (int n_specs = 0; n_specs <= 2; n_specs += 2) {
        opened o;
        open_model(&o, model, spec, n_specs);
        assert_int_equal(differing(&o, inputs, outputs, SIZE_MAX), 0);
        tp_arena_free(&o.arena);
    }
}

/* Every voice beside it. */
static void test_words(void **state) {
    (void)state;
    glob_t voices;
    assert_int_equal(glob("zoo/words/voices/*", 0, NULL, &voices), 0);
    for (size_t i = 0; i < voices.gl_pathc; i++) {
        char inputs[256];
        char outputs[256];
        (void)snprintf(inputs, sizeof inputs, "%s/test_x.bin",
                       voices.gl_pathv[i]);
        (void)snprintf(outputs, sizeof outputs, "%s/test_tflm.bin",
                       voices.gl_pathv[i]);
        check_zoo("zoo/words/words.tflite", inputs, outputs);
    }
    globfree(&voices);
}

static void test_vibration(void **state) {
    (void)state;
    check_zoo("zoo/vibration/vibration.tflite",
              "zoo/vibration/new/1/faulty.bin", "zoo/vibration/tflm.bin");
}

static void test_har(void **state) {
    (void)state;
    check_zoo("zoo/har/har.tflite", "zoo/har/tflm_x.bin", "zoo/har/tflm_y.bin");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kws),
        cmocka_unit_test(test_ad),
        cmocka_unit_test(test_resnet),
        cmocka_unit_test(test_vww),
        cmocka_unit_test(test_str_ww),
        cmocka_unit_test(test_kws_accuracy),
        cmocka_unit_test(test_zero_adapter),
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_vibration),
        cmocka_unit_test(test_har),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
