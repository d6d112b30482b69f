/* Truth link: models of our own. The interpreter's bytes equal those that
 * TensorFlow Lite Micro gave for the committed models (zoo/recipe.py), with no
 * adapter and with a fresh one. Needs nothing but the tree. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "compiler/compiler.h"
#include "tests/unit/data.h"
#include "tinypeft/adapter.h"

typedef struct zoo_model {
    const char *tflite, *x, *y; /* inputs, and the answers to them */
    size_t samples;
} zoo_model;

static uint8_t *must_read(const char *path, size_t *n) {
    uint8_t *bytes = test_file(path, n);
    if (bytes == NULL) {
        fail_msg("no %s", path);
    }
    return bytes;
}

/* Bytes that differ over all samples. */
static size_t differing(const tp_ctx *ctx, const zoo_model *zoo) {
    const tp_model *m = ctx->model;
    size_t n_x = 0;
    size_t n_y = 0;
    size_t wrong = 0;
    uint8_t *x = must_read(zoo->x, &n_x);
    uint8_t *y = must_read(zoo->y, &n_y);
    uint8_t *got = malloc(m->y_bytes);
    assert_non_null(got);
    assert_int_equal(n_x, zoo->samples * m->x_bytes);
    assert_int_equal(n_y, zoo->samples * m->y_bytes);
    for (size_t i = 0; i < zoo->samples; i++) {
        m->infer(ctx, x + i * m->x_bytes, got);
        for (size_t j = 0; j < m->y_bytes; j++) {
            wrong += got[j] != y[i * m->y_bytes + j];
        }
    }
    free(got);
    free(x);
    free(y);
    return wrong;
}

static void check(const zoo_model *zoo, const char *const *spec, int n_specs) {
    size_t n = 0;
    uint8_t *bytes = must_read(zoo->tflite, &n);
    tp_arena arena = {0};
    tp_plan plan;
    tp_interpreter interpreter;
    tp_ctx ctx;
    tp_diag diag = {.arena = &arena};
    const tp_compile_options options = {
        .name = "zoo", .spec = spec, .n_specs = n_specs};
    assert_int_equal(tp_compile(&arena, bytes, n, &options, &plan, &diag),
                     TP_OK);
    tp_interpreter_init(&interpreter, &plan);
    assert_int_equal(tp_interpreter_open(&arena, &interpreter, &ctx), TP_OK);
    tp_adapter_init(&ctx, 7);
    assert_int_equal(differing(&ctx, zoo), 0);
    tp_arena_free(&arena);
    free(bytes);
}

static void check_both(const zoo_model *zoo) {
    static const char *const spec[] = {"*=lora-fa:rank=4", "*=bitfit"};
    check(zoo, NULL, 0);
    check(zoo, spec, 2);
}

static void test_vibration(void **state) {
    (void)state;
    check_both(&(zoo_model){"zoo/vibration/vibration.tflite",
                            "zoo/vibration/new/1/faulty.bin",
                            "zoo/vibration/tflm.bin", 180});
}

static void test_har(void **state) {
    (void)state;
    check_both(&(zoo_model){"zoo/har/har.tflite", "zoo/har/tflm_x.bin",
                            "zoo/har/tflm_y.bin", 64});
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vibration),
        cmocka_unit_test(test_har),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
