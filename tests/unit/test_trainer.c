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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_classes_lose_equally),
        cmocka_unit_test(others_lose_their_share),
        cmocka_unit_test(no_class_is_emptied_first),
        cmocka_unit_test(the_end_of_the_order_is_held_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
