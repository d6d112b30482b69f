/* The inbox against a list that remembers everything, under random use; and the
 * three ways in which a label comes, as an application would write them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/rng.h"
#include "tinypeft/inbox.h"

enum { X = 5, CAPACITY = 9, CLASSES = 4, MOST = 3000 };

typedef struct fixture {
    tp_replay replay;
    tp_inbox inbox;
    uint32_t kept[(TP_REPLAY_BYTES(X, 16, CLASSES) + 3) / 4];
    uint32_t memory[(TP_INBOX_BYTES(X, CAPACITY) + 3) / 4];
} fixture;

static void start(fixture *f) {
    const tp_replay_config old = {
        .x_bytes = X, .capacity = 16, .classes = CLASSES, .seed = 1};
    const tp_inbox_config config = {.x_bytes = X,
                                    .capacity = CAPACITY,
                                    .classes = CLASSES,
                                    .replay = &f->replay};
    memset(f, 0xA5, sizeof *f);
    assert_int_equal(tp_replay_init(&f->replay, &old, f->kept, sizeof f->kept),
                     TP_OK);
    assert_int_equal(
        tp_inbox_init(&f->inbox, &config, f->memory, sizeof f->memory), TP_OK);
}

/* A sample that says which it is. */
static void make(uint8_t x[X], uint32_t number) {
    x[0] = (uint8_t)(number * 7u);
    memcpy(x + 1, &number, sizeof number);
}

static uint32_t number_of(const uint8_t *x) {
    uint32_t number = 0;
    memcpy(&number, x + 1, sizeof number);
    assert_int_equal(x[0], (uint8_t)(number * 7u));
    return number;
}

/* --- an application ------------------------------------------------------- */

typedef struct lamp {
    fixture f;
    uint32_t asked; /* ticket of what was understood last; 0: none */
} lamp;

enum { ON = 1, OFF = 2 };

static void lamp_heard(lamp *l, const uint8_t *x, uint8_t understood) {
    l->asked = tp_inbox_put(&l->f.inbox, x, understood);
}

/* Nobody objected for a while: it was understood. */
static tp_status lamp_left_alone(lamp *l) {
    return tp_inbox_confirm(&l->f.inbox, l->asked);
}

/* The user went to the switch: that was what had been meant. */
static tp_status lamp_switched(lamp *l, uint8_t to) {
    return tp_inbox_label(&l->f.inbox, tp_inbox_newest(&l->f.inbox), to);
}

static void labels_come_from_what_the_user_does(void **state) {
    (void)state;
    lamp l = {.asked = 0};
    uint8_t x[X];
    uint8_t label = 0;
    start(&l.f);
    make(x, 1);
    lamp_heard(&l, x, ON);
    assert_null(tp_inbox_at(&l.f.inbox, 0, &label)); /* not yet */
    assert_int_equal(lamp_left_alone(&l), TP_OK);
    make(x, 2);
    lamp_heard(&l, x, ON);
    assert_int_equal(lamp_switched(&l, OFF), TP_OK);
    make(x, 3);
    lamp_heard(&l, x, ON); /* and the device is taken away */
    assert_int_equal(tp_inbox_drop(&l.f.inbox, l.asked), TP_OK);
    assert_int_equal(lamp_left_alone(&l), TP_ERR_NOT_FOUND);
    assert_int_equal(lamp_switched(&l, OFF), TP_ERR_NOT_FOUND);

    assert_int_equal(number_of(tp_inbox_at(&l.f.inbox, 0, &label)), 2);
    assert_int_equal(label, OFF);
    assert_int_equal(number_of(tp_inbox_at(&l.f.inbox, 1, &label)), 1);
    assert_int_equal(label, ON);
    assert_null(tp_inbox_at(&l.f.inbox, 2, &label));
    assert_int_equal(l.f.replay.n, 2);
}

/* --- random use ----------------------------------------------------------- */

/* All that ever was put, by number; ticket 0: settled or dropped. */
typedef struct truth {
    uint32_t ticket[MOST];
    uint8_t predicted[MOST];
    int8_t label[MOST]; /* -1: none */
    uint32_t n;
} truth;

static bool there(const truth *t, uint32_t i) {
    return i + CAPACITY >= t->n && i < t->n;
}

static void check(const fixture *f, const truth *t) {
    uint32_t seen = 0;
    uint32_t newest = 0;
    for (uint32_t i = t->n; i-- > 0 && there(t, i);) {
        uint8_t label = 99;
        if (t->label[i] >= 0) {
            const uint8_t *x = tp_inbox_at(&f->inbox, seen++, &label);
            assert_non_null(x);
            assert_int_equal(number_of(x), i);
            assert_int_equal(label, t->label[i]);
        }
        newest = newest == 0 ? t->ticket[i] : newest;
    }
    uint8_t untouched = 99;
    assert_null(tp_inbox_at(&f->inbox, seen, &untouched));
    assert_int_equal(untouched, 99);
    assert_int_equal(tp_inbox_newest(&f->inbox), newest);
}

static void put(fixture *f, truth *t, uint32_t *rng) {
    uint8_t x[X];
    make(x, t->n);
    t->predicted[t->n] = (uint8_t)tp_rng_below(rng, CLASSES);
    t->ticket[t->n] = tp_inbox_put(&f->inbox, x, t->predicted[t->n]);
    t->label[t->n] = -1;
    assert_int_not_equal(t->ticket[t->n], 0);
    t->n++;
}

/* Something with one of the newest, which may be gone. */
static void answer(fixture *f, truth *t, uint32_t *rng) {
    const uint32_t back = 1u + tp_rng_below(rng, CAPACITY + 3);
    if (back > t->n) {
        return;
    }
    const uint32_t i = t->n - back;
    const uint8_t label = (uint8_t)tp_rng_below(rng, CLASSES + 1);
    const uint32_t what = tp_rng_below(rng, 3);
    const uint32_t ticket = t->ticket[i];
    const bool found = ticket != 0 && there(t, i);
    tp_status status = TP_OK;
    tp_status due = found ? TP_OK : TP_ERR_NOT_FOUND;
    if (what == 0) {
        status = tp_inbox_label(&f->inbox, ticket, label);
        due = found && label >= CLASSES ? TP_ERR_ARGUMENT : due;
    } else if (what == 1) {
        status = tp_inbox_confirm(&f->inbox, ticket);
    } else {
        status = tp_inbox_drop(&f->inbox, ticket);
    }
    assert_int_equal(status, due);
    if (status == TP_OK) {
        t->ticket[i] = 0;
        t->label[i] = what == 0   ? (int8_t)label
                      : what == 1 ? (int8_t)t->predicted[i]
                                  : -1;
    }
}

static void it_is_the_list_of_the_newest(void **state) {
    (void)state;
    static truth t;
    for (uint32_t seed = 0; seed < 20; seed++) {
        uint32_t rng = tp_rng_seed(seed);
        fixture f;
        start(&f);
        t.n = 0;
        f.inbox.ticket =
            seed == 0 ? UINT32_MAX - 100 : 0; /* and over the end */
        while (t.n < MOST) {
            if (tp_rng_below(&rng, 3) == 0) {
                put(&f, &t, &rng);
            } else {
                answer(&f, &t, &rng);
            }
            check(&f, &t);
        }
        uint32_t offered = 0;
        for (uint32_t i = 0; i < t.n; i++) {
            offered += t.label[i] >= 0;
        }
        for (int c = 0; c < CLASSES; c++) {
            offered -= f.replay.class_of[c].seen;
        }
        assert_int_equal(offered, 0);
    }
}

static void what_is_wrong_is_refused(void **state) {
    (void)state;
    fixture f;
    start(&f);
    tp_inbox inbox = {.ticket = 77};
    const tp_inbox_config good = {
        .x_bytes = X, .capacity = CAPACITY, .classes = CLASSES};
    tp_inbox_config bad[] = {good, good, good, good, good, good, good};
    bad[0].x_bytes = 0;
    bad[1].capacity = 0;
    bad[2].capacity = 65536;
    bad[3].classes = 0;
    bad[4].classes = 257;
    bad[5].replay = &f.replay;
    bad[5].x_bytes = X - 1;
    bad[6].replay = &f.replay;
    bad[6].classes = CLASSES - 1;
    for (int i = 0; i < 7; i++) {
        assert_int_equal(
            tp_inbox_init(&inbox, &bad[i], f.memory, sizeof f.memory),
            TP_ERR_ARGUMENT);
    }
    assert_int_equal(
        tp_inbox_init(&inbox, &good, f.memory, TP_INBOX_BYTES(X, CAPACITY) - 1),
        TP_ERR_BUDGET);
    assert_int_equal(inbox.ticket, 77);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(labels_come_from_what_the_user_does),
        cmocka_unit_test(it_is_the_list_of_the_newest),
        cmocka_unit_test(what_is_wrong_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
