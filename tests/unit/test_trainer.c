/* What `train` decides before it trains: which samples are held back, and which
 * adapter so many samples ask for. The rest of it: tests/cli/test_training.py.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "cli/trainer.h"

enum { MOST = 600 };

/* Holds back `held` of these labels; how many of each class, by label. */
static void hold(const uint8_t *label, size_t n, size_t held, uint32_t seed,
                 size_t count[256]) {
    uint16_t order[MOST];
    bool mark[MOST] = {false};
    size_t total = 0;
    tp_train_order(order, (uint32_t)n, seed, 0);
    tp_hold_back(label, order, n, held, mark);
    memset(count, 0, 256 * sizeof *count);
    for (size_t i = 0; i < n; i++) {
        count[label[i]] += mark[i] ? 1u : 0u;
        total += mark[i] ? 1u : 0u;
    }
    assert_int_equal(total, held);
}

static void equal_classes_lose_equally(void **state) {
    (void)state;
    uint8_t label[400];
    size_t count[256];
    for (int i = 0; i < 400; i++) {
        label[i] = (uint8_t)(i / 40 * 25); /* ten classes up to 225 */
    }
    for (size_t held = 1; held < 390; held++) {
        hold(label, 400, held, (uint32_t)held, count);
        for (int c = 0; c < 10; c++) {
            assert_in_range(count[c * 25], held / 10, (held + 9) / 10);
        }
    }
}

static void others_lose_their_share(void **state) {
    (void)state;
    uint8_t label[500];
    size_t count[256];
    for (int i = 0; i < 500; i++) {
        label[i] = i < 300 ? 0 : (i < 450 ? 1 : 2); /* 300, 150, 50 */
    }
    hold(label, 500, 100, 1, count);
    assert_in_range(count[0], 59, 61);
    assert_in_range(count[1], 29, 31);
    assert_in_range(count[2], 9, 11);
}

/* A class of one sample keeps it to train on, as long as others can give. */
static void no_class_is_emptied_first(void **state) {
    (void)state;
    uint8_t label[14] = {5};
    size_t count[256];
    hold(label, 14, 12, 3, count);
    assert_int_equal(count[5], 0);
    assert_int_equal(count[0], 12);
    hold(label, 14, 13, 3, count); /* one must go */
    assert_int_equal(count[5] + count[0], 13);
}

/* Which ones is the seed's choice. */
static void the_end_of_the_order_is_held_back(void **state) {
    (void)state;
    uint16_t order[40];
    bool mark[40] = {false};
    tp_train_order(order, 40, 7, 9);
    tp_hold_back(NULL, order, 40, 15, mark);
    for (int i = 0; i < 40; i++) {
        assert_int_equal(mark[order[i]], i >= 25);
    }
}

/* The kinds of a list, joined. */
static const char *kinds(size_t shots, bool new_head) {
    static char text[64];
    const char *why = NULL;
    text[0] = '\0';
    for (const char *const *kind = tp_method_order(shots, new_head, &why);
         *kind != NULL; kind++) {
        (void)strncat(text, *kind, sizeof text - strlen(text) - 1);
        (void)strncat(text, " ", sizeof text - strlen(text) - 1);
    }
    assert_non_null(why);
    return text;
}

static void few_samples_ask_for_few_parameters(void **state) {
    (void)state;
    assert_string_equal(kinds(0, true), "bitfit skip head ");
    assert_string_equal(kinds(1, true), "bitfit skip head ");
    assert_string_equal(kinds(4, true), "bitfit skip head ");
    assert_string_equal(kinds(5, true), "lora-fa bitfit skip head ");
    assert_string_equal(kinds(1000000, true), "lora-fa bitfit skip head ");
    assert_string_equal(kinds(1, false), "bitfit ");
    assert_string_equal(kinds(5, false), "lora-fa bitfit ");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_classes_lose_equally),
        cmocka_unit_test(others_lose_their_share),
        cmocka_unit_test(no_class_is_emptied_first),
        cmocka_unit_test(the_end_of_the_order_is_held_back),
        cmocka_unit_test(few_samples_ask_for_few_parameters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
