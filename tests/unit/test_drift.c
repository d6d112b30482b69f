/* The detector of drift on streams whose truth is known (tests/qemu/drift.c
 * runs it on boards, tests/drift measures it on recordings). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/drift_stream.h"

_Static_assert(TP_DRIFT_BYTES(10, 10) == 256, "what the notes allow");

enum { N0 = 512 };

typedef struct fixture {
    _Alignas(4) uint8_t state[TP_DS_STATE];
    uint32_t rng;
    uint32_t label; /* of the last sample */
    uint32_t blind; /* 1: the detector is told class 0 always */
} fixture;

static void start(fixture *f, uint32_t seed) {
    *f = (fixture){.rng = tp_rng_seed(seed)};
    memset(f->state, 0xA5, sizeof f->state);
    assert_int_equal(tp_drift_begin(&tp_ds_config, f->state, sizeof f->state),
                     TP_OK);
}

/* The class stays with a probability of `stay` percent. */
static uint32_t step(fixture *f, uint32_t stay, int shift, uint32_t sure) {
    int8_t x[TP_DS_X];
    if (tp_rng_below(&f->rng, 100) >= stay) {
        f->label = tp_rng_below(&f->rng, TP_DS_CLASSES);
    }
    tp_ds_sample(&f->rng, f->label, shift, x);
    const uint8_t margin = (uint8_t)(sure - tp_rng_below(&f->rng, 50));
    return tp_drift_sample(&tp_ds_config, f->state, x,
                           f->blind != 0 ? 0 : f->label, margin);
}

/* Of n samples, how many say one of `bits`. */
static int count(fixture *f, int n, uint32_t stay, int shift, uint32_t bits) {
    int found = 0;
    for (int i = 0; i < n; i++) {
        found += (step(f, stay, shift, 200) & bits) != 0;
    }
    return found;
}

static void the_first_samples_calibrate(void **state) {
    (void)state;
    fixture f;
    start(&f, 1);
    for (int i = 0; i < N0; i++) {
        assert_int_equal(step(&f, 0, 0, 200), TP_DRIFT_CALIBRATING);
    }
    assert_int_equal(step(&f, 0, 0, 200), 0);
}

static void what_stays_is_silent(void **state) {
    (void)state;
    fixture f;
    for (uint32_t stay = 0; stay <= 90; stay += 90) {
        for (uint32_t seed = 0; seed < 5; seed++) {
            start(&f, seed);
            (void)count(&f, N0, stay, 0, 0);
            assert_int_equal(count(&f, 10000, stay, 0, UINT32_MAX), 0);
        }
    }
}

/* The means of a column deviate by 13 / sqrt(7) = 4.9 from clip to clip. */
static void a_shift_is_found_and_harms_nothing(void **state) {
    (void)state;
    fixture f;
    for (uint32_t seed = 0; seed < 20; seed++) {
        start(&f, seed);
        (void)count(&f, N0 + 500, 90, 0, 0);
        assert_int_equal(count(&f, 2, 90, 12, TP_DRIFT_CHANGED), 0);
        assert_in_range(count(&f, 60, 90, 12, TP_DRIFT_CHANGED), 20, 60);
        assert_int_equal(count(&f, 500, 90, 12, TP_DRIFT_HARMFUL), 0);
        /* and gone again when the input is what it was */
        (void)count(&f, 200, 90, 0, 0);
        assert_int_equal(count(&f, 500, 90, 0, TP_DRIFT_CHANGED), 0);
    }
}

static void a_smaller_margin_is_harmful_and_no_change(void **state) {
    (void)state;
    fixture f;
    start(&f, 3);
    (void)count(&f, N0 + 100, 0, 0, 0);
    uint32_t said = 0;
    for (int i = 0; i < 100; i++) {
        said |= step(&f, 0, 0, 150);
    }
    assert_int_equal(said, TP_DRIFT_HARMFUL);
}

/* Ten of a class in a row look like a change to a detector that does not know
 * the classes. */
static void classes_are_told_apart(void **state) {
    (void)state;
    fixture f;
    uint32_t most[2] = {0, 0};
    for (uint32_t blind = 0; blind < 2; blind++) {
        start(&f, 7);
        f.blind = blind;
        (void)count(&f, N0, 0, 0, 0);
        for (int i = 0; i < 2000; i++) {
            (void)step(&f, 95, 0, 200);
            const uint32_t level = tp_drift_level(f.state);
            most[blind] = level > most[blind] ? level : most[blind];
        }
    }
    assert_true(most[1] > 2 * most[0]);
}

/* A class that calibration hardly saw says nothing about the input, and one
 * that does not exist neither. */
static void rare_classes_are_passed_over(void **state) {
    (void)state;
    fixture f;
    int8_t x[TP_DS_X];
    start(&f, 4);
    memset(x, 127, sizeof x);
    /* two of class 4 come where deviations are measured, and do not count */
    uint32_t found = 0;
    for (uint32_t i = 0; i < N0 + 2; i++) {
        int8_t usual[TP_DS_X];
        const uint32_t label = i % 100 == 99 ? 4 : i % 4;
        assert_int_equal(found, i > 0 ? TP_DRIFT_CALIBRATING : 0);
        tp_ds_sample(&f.rng, label, 0, usual);
        found = tp_drift_sample(&tp_ds_config, f.state, usual, label, 200);
    }
    for (int i = 0; i < 100; i++) {
        assert_int_equal(tp_drift_sample(&tp_ds_config, f.state, x, 4, 200), 0);
        assert_int_equal(tp_drift_sample(&tp_ds_config, f.state, x, 99, 200),
                         0);
    }
    for (int i = 0; i < 20; i++) {
        (void)tp_drift_sample(&tp_ds_config, f.state, x, 1, 200);
    }
    assert_true(tp_drift_level(f.state) > tp_ds_config.changed);
}

static void the_state_can_be_put_away(void **state) {
    (void)state;
    fixture a;
    for (int cut = 100; cut < 1500; cut += 433) {
        start(&a, 5);
        (void)count(&a, cut, 90, 0, 0);
        uint8_t bytes[sizeof a.state];
        memcpy(bytes, a.state, sizeof bytes);
        fixture b = a;
        memset(b.state, 0, sizeof b.state);
        memcpy(b.state, bytes, sizeof bytes);
        for (int i = 0; i < 1000; i++) {
            assert_int_equal(step(&a, 90, 7, 180), step(&b, 90, 7, 180));
        }
        assert_memory_equal(a.state, b.state, sizeof a.state);
    }
}

/* The ends of all ranges, for the sanitizers: every sum at its bound. */
static void nothing_overflows(void **state) {
    (void)state;
    enum { MOST = 65535 };
    static int8_t x[MOST];
    static uint16_t bytes[TP_DRIFT_BYTES(64, 1) / 2];
    tp_drift_sum sums[64];
    tp_drift_config config = {.sum = sums,
                              .features = 64,
                              .classes = 1,
                              .calibrate = 1024,
                              .changed = 1,
                              .harmful = 1};
    for (int i = 0; i < 64; i++) {
        sums[i] = (tp_drift_sum){(uint32_t)i, i == 0 ? MOST : 1, 1};
    }
    for (int kind = 0; kind < 3; kind++) {
        assert_int_equal(tp_drift_begin(&config, bytes, sizeof bytes), TP_OK);
        for (int i = 0; i < 1200; i++) {
            const int late = i > 1024;
            const int flip = kind == 0 ? i & 1 : (kind == 1 ? late : !late);
            memset(x, flip ? 127 : -128, i % 64 == 0 ? MOST : 64);
            const uint32_t found = tp_drift_sample(&config, bytes, x, 0,
                                                   (uint8_t)(flip ? 255 : 0));
            assert_int_equal(found == TP_DRIFT_CALIBRATING, i < 1024);
        }
        assert_true(kind == 0 || tp_drift_level(bytes) == UINT16_MAX);
    }
}

static void what_is_wrong_is_refused(void **state) {
    (void)state;
    uint16_t bytes[TP_DS_STATE / 2];
    const tp_drift_sum none = {0, 0, 1};
    tp_drift_config bad[7];
    for (int i = 0; i < 7; i++) {
        bad[i] = tp_ds_config;
    }
    bad[0].features = 0;
    bad[1].features = 65;
    bad[2].classes = 0;
    bad[3].classes = 257;
    bad[4].calibrate = 63;
    bad[5].calibrate = 1025;
    bad[6].features = 1;
    bad[6].sum = &none;
    for (int i = 0; i < 7; i++) {
        assert_int_equal(tp_drift_begin(&bad[i], bytes, sizeof bytes),
                         TP_ERR_ARGUMENT);
    }
    assert_int_equal(tp_drift_begin(&tp_ds_config, bytes, TP_DS_STATE - 1),
                     TP_ERR_BUDGET);
}

static void the_margin_is_that_of_the_best_two(void **state) {
    (void)state;
    uint32_t label = 9;
    assert_int_equal(tp_drift_margin((int8_t[]){5}, 1, &label), 0);
    assert_int_equal(label, 0);
    assert_int_equal(tp_drift_margin((int8_t[]){-128, 127}, 2, &label), 255);
    assert_int_equal(label, 1);
    assert_int_equal(tp_drift_margin((int8_t[]){7, 7, 3}, 3, &label), 0);
    assert_int_equal(label, 0);
    assert_int_equal(tp_drift_margin((int8_t[]){1, 9, 4, 6}, 4, &label), 3);
    assert_int_equal(label, 1);
    assert_int_equal(tp_drift_margin((int8_t[]){8, -3, 2}, 3, &label), 6);
    assert_int_equal(label, 0);
}

static void the_seed_decides(void **state) {
    (void)state;
    uint16_t bytes[TP_DS_STATE / 2];
    assert_int_equal(tp_ds_crc(bytes, 1), TP_DRIFT_STREAM_CRC);
    assert_int_not_equal(tp_ds_crc(bytes, 2), TP_DRIFT_STREAM_CRC);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_samples_calibrate),
        cmocka_unit_test(what_stays_is_silent),
        cmocka_unit_test(a_shift_is_found_and_harms_nothing),
        cmocka_unit_test(a_smaller_margin_is_harmful_and_no_change),
        cmocka_unit_test(classes_are_told_apart),
        cmocka_unit_test(rare_classes_are_passed_over),
        cmocka_unit_test(the_state_can_be_put_away),
        cmocka_unit_test(nothing_overflows),
        cmocka_unit_test(what_is_wrong_is_refused),
        cmocka_unit_test(the_margin_is_that_of_the_best_two),
        cmocka_unit_test(the_seed_decides),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
