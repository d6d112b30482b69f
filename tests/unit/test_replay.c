/* The class-balanced reservoir, against its definition (tests/qemu/replay.c
 * runs it on boards): what is kept is what was offered, classes end up level,
 * within a class every sample is kept as often as any other, and the same seed
 * gives the same bytes everywhere. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/replay_stream.h"

enum {
    X = TP_STREAM_X,
    CAPACITY = TP_STREAM_CAPACITY,
    CLASSES = TP_STREAM_CLASSES
};

typedef struct fixture {
    tp_replay replay;
    uint32_t memory[(TP_REPLAY_BYTES(X, 64, CLASSES) + 7) / 4];
} fixture;

static void start(fixture *f, uint32_t capacity, uint32_t seed) {
    const tp_replay_config config = {
        .x_bytes = X, .capacity = capacity, .classes = CLASSES, .seed = seed};
    memset(f->memory, 0xA5, sizeof f->memory);
    assert_int_equal(tp_replay_init(&f->replay, &config, f->memory,
                                    TP_REPLAY_BYTES(X, capacity, CLASSES)),
                     TP_OK);
}

static void offer(fixture *f, uint32_t number, uint8_t label) {
    uint8_t x[X];
    tp_stream_sample(x, number, label);
    assert_int_equal(tp_replay_offer(&f->replay, x, label), TP_OK);
}

static uint32_t number_of(const uint8_t *x) {
    uint32_t number = 0;
    memcpy(&number, x + 1, sizeof number);
    return number;
}

/* Every slot holds one whole sample under its own label; counts agree. */
static void check_sound(const fixture *f) {
    const tp_replay *r = &f->replay;
    uint32_t kept[CLASSES] = {0};
    for (uint32_t i = 0; i < r->n; i++) {
        const uint8_t *x = tp_replay_at(r, i);
        assert_int_equal(x[0], r->label[i]);
        assert_int_equal(x[5], (uint8_t)(number_of(x) * 7u));
        assert_int_equal(x[6], (uint8_t)~x[5]);
        kept[r->label[i]]++;
    }
    for (int c = 0; c < CLASSES; c++) {
        assert_int_equal(kept[c], r->class_of[c].kept);
    }
}

static void all_is_kept_while_there_is_room(void **state) {
    (void)state;
    fixture f;
    start(&f, CAPACITY, 1);
    for (uint32_t i = 0; i < CAPACITY; i++) {
        offer(&f, i, (uint8_t)(i % 3));
        assert_int_equal(f.replay.n, i + 1);
        assert_int_equal(number_of(tp_replay_at(&f.replay, i)), i);
    }
    check_sound(&f);
}

/* Classes one after the other, as a user would record them: the worst order
 * for a plain reservoir. */
static void classes_end_level(void **state) {
    (void)state;
    fixture f;
    for (uint32_t seed = 0; seed < 20; seed++) {
        start(&f, CAPACITY, seed);
        for (uint32_t i = 0; i < 1000; i++) {
            offer(&f, i, (uint8_t)(i / 100));
        }
        check_sound(&f);
        for (int c = 0; c < CLASSES; c++) {
            assert_int_equal(f.replay.class_of[c].kept, CAPACITY / CLASSES);
            assert_int_equal(f.replay.class_of[c].seen, 100);
        }
    }
}

/* One class in a thousand: all of it stays. */
static void a_rare_class_is_kept_whole(void **state) {
    (void)state;
    fixture f;
    start(&f, CAPACITY, 3);
    for (uint32_t i = 0; i < 3000; i++) {
        offer(&f, i, i % 1000 == 999 ? 9 : (uint8_t)(i & 1));
    }
    check_sound(&f);
    assert_int_equal(f.replay.class_of[9].kept, 3);
    for (int c = 0; c < 2; c++) {
        assert_in_range(f.replay.class_of[c].kept, 18, 19);
    }
}

/* Of one class alone, each of 200 samples stays with probability 40 / 200:
 * over 2,000 seeds 400 times, with a standard deviation of 18. */
static void within_a_class_all_are_alike(void **state) {
    (void)state;
    static uint32_t times[200];
    fixture f;
    memset(times, 0, sizeof times);
    for (uint32_t seed = 0; seed < 2000; seed++) {
        start(&f, CAPACITY, seed);
        for (uint32_t i = 0; i < 200; i++) {
            offer(&f, i, 4);
        }
        for (uint32_t i = 0; i < f.replay.n; i++) {
            times[number_of(tp_replay_at(&f.replay, i))]++;
        }
    }
    for (int i = 0; i < 200; i++) {
        assert_in_range(times[i], 400 - 5 * 18, 400 + 5 * 18);
    }
}

static void draws_are_uniform(void **state) {
    (void)state;
    fixture f;
    uint8_t label = 77;
    uint32_t times[8] = {0};
    start(&f, CAPACITY, 5);
    assert_null(tp_replay_draw(&f.replay, &label));
    assert_int_equal(label, 77);
    for (uint32_t i = 0; i < 8; i++) {
        offer(&f, i, (uint8_t)i);
    }
    for (int i = 0; i < 8000; i++) {
        const uint8_t *x = tp_replay_draw(&f.replay, &label);
        assert_int_equal(number_of(x), label);
        times[label]++;
    }
    for (int i = 0; i < 8; i++) {
        assert_in_range(times[i], 1000 - 5 * 30, 1000 + 5 * 30);
    }
}

static void the_seed_decides(void **state) {
    (void)state;
    fixture f;
    memset(&f, 0x5A, sizeof f);
    assert_int_equal(tp_stream_crc(f.memory, 1), TP_STREAM_CRC);
    assert_int_not_equal(tp_stream_crc(f.memory, 2), TP_STREAM_CRC);
    assert_int_equal(tp_stream_crc(f.memory, 1), TP_STREAM_CRC);
}

static void what_is_wrong_is_refused(void **state) {
    (void)state;
    tp_replay r = {.n = 123};
    uint32_t memory[64];
    const size_t needed = TP_REPLAY_BYTES(5, 3, 2);
    const tp_replay_config good = {.x_bytes = 5, .capacity = 3, .classes = 2};
    tp_replay_config bad[] = {good, good, good, good, good};
    bad[0].x_bytes = 0;
    bad[1].capacity = 0;
    bad[2].capacity = 65536;
    bad[3].classes = 0;
    bad[4].classes = 257;
    for (int i = 0; i < 5; i++) {
        assert_int_equal(tp_replay_init(&r, &bad[i], memory, sizeof memory),
                         TP_ERR_ARGUMENT);
    }
    bad[0].x_bytes = UINT32_MAX;
    assert_int_equal(tp_replay_init(&r, &bad[0], memory, sizeof memory),
                     TP_ERR_BUDGET);
    for (size_t bytes = 0; bytes < needed; bytes++) {
        assert_int_equal(tp_replay_init(&r, &good, memory, bytes),
                         TP_ERR_BUDGET);
    }
    assert_int_equal(r.n, 123);
    assert_int_equal(tp_replay_init(&r, &good, memory, needed), TP_OK);
    assert_int_equal(tp_replay_offer(&r, memory + 32, 2), TP_ERR_ARGUMENT);
    assert_int_equal(r.n, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_is_kept_while_there_is_room),
        cmocka_unit_test(classes_end_level),
        cmocka_unit_test(a_rare_class_is_kept_whole),
        cmocka_unit_test(within_a_class_all_are_alike),
        cmocka_unit_test(draws_are_uniform),
        cmocka_unit_test(the_seed_decides),
        cmocka_unit_test(what_is_wrong_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
