/* What `train` decides before it trains: which samples are held back, and which
 * adapter so many samples ask for. The rest of it: tests/cli/test_training.py.
 */
#define _POSIX_C_SOURCE 200809L

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli/trainer.h"
#include "tests/unit/tflite_builder.h"

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

/* --- targets -------------------------------------------------------------- */

/* x -> FULLY_CONNECTED -> QUANTIZE to uint8, at the same scale and as many
 * values. */
static uint8_t *uint8_autoencoder(size_t *n) {
    static const int32_t shape[2] = {1, 4};
    static const int32_t square[2] = {4, 4};
    static const int8_t w[16] = {100, 3, -7, 0, 5,  90, 1,  -2,
                                 -4,  6, 80, 9, -8, 2,  11, 70};
    tp_tb_model m;
    tp_tb_op *op = tp_tb_single(&m, 9, 8, 2, shape, 2, shape);
    const int at = tp_tb_value(&m, "w", 2, square, 0.01F, 0);
    m.tensor[at].data = w;
    m.tensor[at].bytes = sizeof w;
    tp_tb_in(op, at);
    const int y = tp_tb_tensor_add(&m, "y", TP_TB_U8, 2, shape);
    m.tensor[y].n_scales = m.tensor[y].n_zero_points = 1;
    m.tensor[y].scale[0] = 0.5F;
    m.tensor[y].zero_point[0] = 128;
    op = tp_tb_op_add(&m, 114, 89);
    tp_tb_in(op, 1);
    tp_tb_out(op, y);
    m.out[0] = y;
    return tp_tb_bytes(&m, n);
}

static void write_file(char *path, const void *bytes, size_t n) {
    const int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, n), (ssize_t)n);
    (void)close(fd);
}

/* Answers are uint8 and compared with uint8; the loss takes int8. */
static void uint8_targets_are_trained_as_int8(void **state) {
    (void)state;
    static const int8_t x[3][4] = {
        {-128, 127, 0, 1}, {5, -5, 50, -50}, {99, 7, -70, 20}};
    char model[] = "/tmp/tinypeft-test-XXXXXX";
    char samples[] = "/tmp/tinypeft-test-XXXXXX";
    size_t n = 0;
    uint8_t *bytes = uint8_autoencoder(&n);
    write_file(model, bytes, n);
    write_file(samples, x, sizeof x);
    free(bytes);
    tp_cli cli = {.options = tp_options_default()};
    cli.diag.arena = &cli.arena;
    cli.options.model = model;
    cli.options.x = samples;
    cli.options.adapter = (tp_texts){.n = 1, .item = {"fc0=bitfit"}};
    tp_trainer t = {.cli = &cli};
    assert_int_equal(tp_session_open(&cli, &t.session), TP_OK);
    assert_int_equal(t.session.classes, 0);
    assert_int_equal(t.session.out.io, TP_U8);
    assert_int_equal(tp_train_samples(&t), TP_OK);
    assert_int_equal(t.goals.bytes, 4);
    for (size_t i = 0; i < sizeof x; i++) {
        assert_int_equal(t.targets.data[i], x[i / 4][i % 4] + 128);
        assert_int_equal((int8_t)t.goals.data[i], x[i / 4][i % 4]);
    }
    tp_arena_free(&cli.arena);
    (void)unlink(model);
    (void)unlink(samples);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_classes_lose_equally),
        cmocka_unit_test(others_lose_their_share),
        cmocka_unit_test(no_class_is_emptied_first),
        cmocka_unit_test(the_end_of_the_order_is_held_back),
        cmocka_unit_test(uint8_targets_are_trained_as_int8),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
