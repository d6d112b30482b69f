/* The store where the power stays on: what it keeps, what it refuses and with
 * which status. Power cuts are in tests/power. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/power/nor.h"
#include "tinypeft/store.h"

enum { SECTOR = 256, SLOTS = 6 };

typedef struct fixture {
    nor nor;
    tp_flash flash;
    tp_store store;
} fixture;

static fixture f;

static int begin(void **state) {
    nor_init(&f.nor, 8, true, SECTOR, SLOTS);
    f.flash = nor_flash(&f.nor);
    *state = &f;
    return tp_store_mount(&f.store, &f.flash, 1);
}

static tp_status save(uint32_t id, const char *text) {
    tp_record record = {
        .kind = TP_RECORD_ADAPTER, .id = id, .bytes = (uint32_t)strlen(text)};
    return tp_store_save(&f.store, &record, text);
}

static void shows(uint32_t id, uint32_t back, const char *text) {
    char bytes[SECTOR] = {0};
    tp_record record;
    assert_int_equal(
        tp_store_find(&f.store, TP_RECORD_ADAPTER, id, back, &record), TP_OK);
    assert_int_equal(tp_store_load(&f.store, &record, bytes), TP_OK);
    assert_string_equal(bytes, text);
}

static void absent(uint32_t id, uint32_t back) {
    tp_record record;
    assert_int_equal(
        tp_store_find(&f.store, TP_RECORD_ADAPTER, id, back, &record),
        TP_ERR_NOT_FOUND);
}

static void remount(void) {
    assert_int_equal(tp_store_mount(&f.store, &f.flash, 1), TP_OK);
}

static void keeps_two_generations_of_each(void **state) {
    (void)state;
    absent(1, 0);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(save(1, i == 0 ? "a" : i == 1 ? "bb" : "ccc"), TP_OK);
        assert_int_equal(save(2, i == 0 ? "d" : i == 1 ? "ee" : "fff"), TP_OK);
    }
    for (int i = 0; i < 2; i++, remount()) {
        shows(1, 0, "ccc");
        shows(1, 1, "bb");
        shows(2, 0, "fff");
        shows(2, 1, "ee");
    }
}

static void leaves_one_slot_free(void **state) {
    (void)state;
    for (uint32_t id = 1; id < SLOTS; id++) {
        assert_int_equal(save(id, "x"), TP_OK);
    }
    assert_int_equal(save(SLOTS, "x"), TP_ERR_FULL);
    assert_int_equal(save(1, "y"), TP_ERR_FULL); /* two generations of it */
    assert_int_equal(tp_store_delete(&f.store, TP_RECORD_ADAPTER, 2), TP_OK);
    assert_int_equal(save(1, "y"), TP_OK);
    shows(1, 0, "y");
    absent(2, 0);
    remount();
    absent(2, 0);
    shows(SLOTS - 1, 0, "x");
}

static void refuses_what_does_not_fit(void **state) {
    (void)state;
    char bytes[SECTOR];
    const uint32_t most = tp_store_capacity(&f.store);
    tp_record record = {.kind = TP_RECORD_ADAPTER, .id = 1, .bytes = most + 1};
    assert_int_equal(most, SECTOR - 96 - 2 * 16);
    memset(bytes, 7, sizeof bytes);
    assert_int_equal(tp_store_save(&f.store, &record, bytes), TP_ERR_BUDGET);
    record.bytes = most;
    assert_int_equal(tp_store_save(&f.store, &record, bytes), TP_OK);
    assert_int_equal(tp_store_read(&f.store, &record, most - 1, bytes, 2),
                     TP_ERR_ARGUMENT);
    assert_int_equal(tp_store_read(&f.store, &record, most - 1, bytes, 1),
                     TP_OK);
}

static void refuses_impossible_geometry(void **state) {
    (void)state;
    tp_store store;
    tp_flash flash = f.flash;
    assert_int_equal(tp_store_mount(&store, &flash, 0), TP_ERR_ARGUMENT);
    assert_int_equal(tp_store_mount(&store, &flash, 2), TP_ERR_ARGUMENT);
    flash.granule = 3;
    assert_int_equal(tp_store_mount(&store, &flash, 1), TP_ERR_ARGUMENT);
    flash = f.flash;
    flash.sector_bytes = 8; /* no header fits */
    assert_int_equal(tp_store_mount(&store, &flash, 1), TP_ERR_ARGUMENT);
}

static void the_floor_never_falls(void **state) {
    (void)state;
    assert_int_equal(
        tp_store_choose(&f.store, &(tp_choice){.active = 1, .floor = 9}),
        TP_OK);
    assert_int_equal(
        tp_store_choose(&f.store, &(tp_choice){.active = 2, .floor = 3}),
        TP_OK);
    remount();
    assert_int_equal(f.store.choice.active, 2);
    assert_int_equal(f.store.choice.floor, 9);
}

static void keeps_the_chosen_generation(void **state) {
    (void)state;
    tp_record record;
    assert_int_equal(save(1, "first"), TP_OK);
    assert_int_equal(
        tp_store_choose(&f.store,
                        &(tp_choice){.active = 1, .active_generation = 1}),
        TP_OK);
    for (int i = 0; i < 8; i++) {
        assert_int_equal(save(1, "later"), TP_OK);
    }
    remount();
    assert_int_equal(
        tp_store_find_generation(&f.store, TP_RECORD_ADAPTER, 1, 1, &record),
        TP_OK);
    assert_int_equal(record.bytes, 5);
    assert_int_equal(
        tp_store_find_generation(&f.store, TP_RECORD_ADAPTER, 1, 5, &record),
        TP_ERR_NOT_FOUND);
}

static void parts_are_checked(void **state) {
    (void)state;
    tp_store_writer w;
    tp_record record = {.kind = TP_RECORD_ADAPTER, .id = 1, .bytes = 4};
    record.crc = 0xED82CD11u; /* of "abcd", as zlib has it */
    assert_int_equal(tp_store_begin(&f.store, &record, &w), TP_OK);
    assert_int_equal(tp_store_append(&w, "abc", 3), TP_OK);
    assert_int_equal(tp_store_append(&w, "de", 2), TP_ERR_MALFORMED);
    assert_int_equal(tp_store_commit(&w, &record), TP_ERR_TRUNCATED);
    assert_int_equal(tp_store_append(&w, "d", 1), TP_OK);
    assert_int_equal(tp_store_commit(&w, &record), TP_ERR_CORRUPT); /* SHA */
    absent(1, 0);
    remount();
    absent(1, 0);
    assert_int_equal(tp_store_begin(&f.store, &record, &w), TP_OK);
    assert_int_equal(tp_store_abandon(&w), TP_OK);
    absent(1, 0);
}

static void ends_when_the_flash_is_worn(void **state) {
    (void)state;
    f.flash.erase_cycles = 3;
    tp_status status = TP_OK;
    int saves = 0;
    for (; status == TP_OK; saves++) {
        status = save(1, "x");
    }
    assert_int_equal(status, TP_ERR_READ_ONLY);
    assert_in_range(saves, 3 * (SLOTS - 1), 3 * SLOTS + 1);
    shows(1, 0, "x");
    for (uint32_t i = 0; i < SLOTS; i++) {
        assert_in_range(f.nor.erases[i], 0, 3);
    }
}

static void stops_when_every_boot_is_cut(void **state) {
    (void)state;
    assert_int_equal(save(1, "x"), TP_OK);
    for (int boots = 0; boots < 5; boots++) {
        /* The last commit of what was written last, as a cut may leave it. */
        tp_record record;
        assert_int_equal(
            tp_store_find(&f.store, TP_RECORD_ADAPTER, 1, 0, &record), TP_OK);
        f.nor.bytes[record.slot * SECTOR + 96 + 8 + 16] = 0;
        remount();
        shows(1, 0, "x");
        assert_int_equal(f.store.read_only, boots >= 3);
    }
    assert_int_equal(save(1, "y"), TP_ERR_READ_ONLY);
    assert_int_equal(tp_store_delete(&f.store, TP_RECORD_ADAPTER, 1),
                     TP_ERR_READ_ONLY);
}

static void format_leaves_nothing(void **state) {
    (void)state;
    assert_int_equal(save(1, "x"), TP_OK);
    assert_int_equal(
        tp_store_choose(&f.store, &(tp_choice){.active = 1, .floor = 9}),
        TP_OK);
    assert_int_equal(tp_store_format(&f.store), TP_OK);
    for (int i = 0; i < 2; i++, remount()) {
        absent(1, 0);
        assert_int_equal(f.store.choice.floor, 0);
    }
    assert_int_equal(save(1, "y"), TP_OK);
    shows(1, 0, "y");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(keeps_two_generations_of_each, begin),
        cmocka_unit_test_setup(leaves_one_slot_free, begin),
        cmocka_unit_test_setup(refuses_what_does_not_fit, begin),
        cmocka_unit_test_setup(refuses_impossible_geometry, begin),
        cmocka_unit_test_setup(the_floor_never_falls, begin),
        cmocka_unit_test_setup(keeps_the_chosen_generation, begin),
        cmocka_unit_test_setup(parts_are_checked, begin),
        cmocka_unit_test_setup(ends_when_the_flash_is_worn, begin),
        cmocka_unit_test_setup(stops_when_every_boot_is_cut, begin),
        cmocka_unit_test_setup(format_leaves_nothing, begin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
