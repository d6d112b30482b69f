/* What the search finds for the real models: which adapter trains in the RAM
 * that others need to infer, what is picked under a budget, and that each model
 * trains something in 256 KB. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/front.h"
#include "compiler/compiler.h"
#include "compiler/search.h"
#include "tests/unit/data.h"

typedef struct found {
    tp_arena arena;
    tp_diag diag;
    tp_search_result result;
} found;

static bool search(found *f, const char *model, int classes) {
    const tp_search_options options = {.name = "model", .classes = classes};
    size_t n = 0;
    uint8_t *bytes = test_data(model, &n);
    memset(f, 0, sizeof *f);
    f->diag.arena = &f->arena;
    if (bytes == NULL) {
        return false;
    }
    assert_int_equal(
        tp_search(&f->arena, bytes, n, &options, &f->result, &f->diag), TP_OK);
    free(bytes);
    return true;
}

static const tp_choice *pick(found *f, int64_t ram, int64_t shots) {
    const tp_front front = {.choice = f->result.choice,
                            .n = f->result.n,
                            .budget = {.ram = ram, .shots = shots}};
    tp_front_judge(&front, f->result.choice);
    return tp_front_pick(&front);
}

static const tp_choice *smallest(const found *f, const char *family,
                                 tp_state_kind state) {
    for (int i = 0; i < f->result.n; i++) {
        const tp_choice *c = &f->result.choice[i];
        if (strcmp(c->family, family) == 0 && c->state == state) {
            return c; /* they are sorted by RAM */
        }
    }
    return NULL;
}

/* TensorFlow Lite Micro needs an arena of 22,820 bytes to infer with this
 * model. */
static void test_keyword_spotter(void **state) {
    (void)state;
    found f;
    if (!search(&f, "models/kws_ref_model.tflite", 10)) {
        skip();
    }
    const tp_choice *c = pick(&f, 22820, 10);
    assert_non_null(c);
    assert_string_equal(c->family, "lora-fa r4");
    assert_int_equal(c->state, TP_STATE_ONLINE);
    assert_string_equal(c->spec[1], "conv2,conv4,conv6,conv8=lora-fa:rank=4");
    assert_true(c->update_cost * 10 <= c->infer_cost * 23);
    assert_int_equal(c->ram, c->arena + c->adapter + c->train);
    c = pick(&f, 16384, 10);
    assert_non_null(c);
    assert_string_equal(c->family, "skip");
    c = smallest(&f, "lora r4", TP_STATE_ACCUMULATE);
    assert_non_null(c);
    assert_true(c->ram <= 33000);
    /* A branch costs at most a fifth of an inference, a bias nothing. */
    const uint64_t base = smallest(&f, "head", TP_STATE_ONLINE)->infer_cost;
    assert_true(c->infer_cost * 100 <= base * 120);
    c = smallest(&f, "affine", TP_STATE_MOMENTUM);
    assert_non_null(c);
    assert_true(c->infer_cost * 100 <= base * 101);
    c = pick(&f, 0, 1); /* smaller is a head, but it learns far less */
    assert_non_null(c);
    assert_string_equal(c->family, "bitfit");
    assert_null(pick(&f, 8192, 10));
    tp_arena_free(&f.arena);
}

static void must_fit(const char *model) {
    found f;
    if (!search(&f, model, 0)) {
        skip();
    }
    const tp_choice *c = pick(&f, 256 * 1024, 10);
    assert_non_null(c);
    assert_true(c->ram <= 256 * 1024);
    tp_arena_free(&f.arena);
}

static void test_resnet(void **state) {
    (void)state;
    must_fit("models/pretrainedResnet_quant.tflite");
}

static void test_autoencoder(void **state) {
    (void)state;
    must_fit("models/ad01_int8.tflite");
}

static void test_wake_word(void **state) {
    (void)state;
    must_fit("models/str_ww_ref_model.tflite");
}

/* The largest one: one family is enough here. */
static void test_visual_wake_words(void **state) {
    (void)state;
    static const char *const specs[] = {"*=bitfit"};
    const tp_compile_options options = {
        .name = "vww", .spec = specs, .n_specs = 1, .ram = 58000};
    tp_arena arena = {0};
    tp_diag diag = {.arena = &arena};
    tp_plan plan;
    size_t n = 0;
    uint8_t *bytes = test_data("models/vww_96_int8.tflite", &n);
    if (bytes == NULL) {
        skip();
    }
    assert_int_equal(tp_compile(&arena, bytes, n, &options, &plan, &diag),
                     TP_OK);
    assert_true(plan.model.arena_bytes + plan.model.adapter_bytes +
                    plan.model.train_bytes <=
                58000);
    free(bytes);
    tp_arena_free(&arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keyword_spotter),
        cmocka_unit_test(test_resnet),
        cmocka_unit_test(test_autoencoder),
        cmocka_unit_test(test_wake_word),
        cmocka_unit_test(test_visual_wake_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
