/* The model of energy: figures worked by hand -> what it computes; every number
 * of its table is there and can be replaced. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "compiler/plan/energy.h"

static void near(double value, double wanted) {
    assert_true(fabs(value - wanted) <= 1e-9 * fabs(wanted));
}

/* 1000 instructions: 200 MACs and 250 loads among them; 200 + 375 + 660
 * cycles of 300 pJ. */
static void test_by_hand(void **state) {
    (void)state;
    tp_energy e = tp_energy_find("cortex-m4")->energy;
    const tp_work work = {.instructions = 1000, .macs = 200};
    near(tp_energy_cycles(&e, work), 200 + 375 + 550 * 1.2);
    near(tp_energy_uj(&e, work), 1235 * 300e-6);
    near(tp_energy_ms(&e, work), 1235 / 80e3);

    /* 10 updates, a blob of 2100 bytes on two pages of 2048. */
    const tp_adaptation a = {.update = work,
                             .updates = 10,
                             .blob_bytes = 2100,
                             .samples = 50,
                             .sample_bytes = 490};
    const tp_energy_result r = tp_energy_adapt(&e, &a);
    near(r.store_uj, 2100 * 0.105 + 4096 * 0.110);
    near(r.adapt_mj, (10 * 1235 * 300e-6 + r.store_uj) / 1000);
    near(r.adapt_s, 10 * 1235 / 80e6);
    near(r.asleep_day_mj, e.mw_sleep * 24 * 3600);
    assert_true(r.asleep_day_mj > 0);
    near(r.send_mj[TP_RADIO_BLE], 50 * 490 * 0.21 / 1000);
    near(r.break_even[TP_RADIO_BLE] * 490 * 0.21 / 1000, r.adapt_mj);
}

/* To keep features takes as much of each sample as an update; where that is
 * more than to send it, sending is cheaper however many there are. */
static void test_features_are_kept(void **state) {
    (void)state;
    tp_energy e = tp_energy_find("cortex-m4")->energy;
    const tp_work work = {.instructions = 1000, .macs = 200};
    tp_adaptation a = {.update = work,
                       .updates = 10,
                       .blob_bytes = 2100,
                       .samples = 50,
                       .sample_bytes = 490};
    const tp_energy_result raw = tp_energy_adapt(&e, &a);
    a.keep = work;
    tp_energy_result r = tp_energy_adapt(&e, &a);
    near(r.adapt_mj - raw.adapt_mj, 50 * 1235 * 300e-9);
    near(r.adapt_s, 60 * 1235 / 80e6);
    const double even = r.break_even[TP_RADIO_BLE];
    near(even * 490 * 0.21 / 1000, raw.adapt_mj + even * 1235 * 300e-9);
    a.keep.instructions = 1e9;
    r = tp_energy_adapt(&e, &a);
    assert_true(isinf(r.break_even[TP_RADIO_BLE]));
}

static void test_more_costs_more(void **state) {
    (void)state;
    for (int i = 0; i < TP_N_ENERGY_TARGETS; i++) {
        const tp_energy *e = &tp_energy_targets[i].energy;
        const tp_work less = {1e6, 2e5};
        const tp_work more = {2e6, 2e5};
        assert_true(tp_energy_uj(e, less) > 0);
        assert_true(tp_energy_uj(e, more) > tp_energy_uj(e, less));
        assert_true(strlen(tp_energy_targets[i].source) > 20);
        for (int r = 0; r + 1 < TP_RADIO_COUNT; r++) {
            assert_true(e->radio[r] > 0 && e->radio[r] < e->radio[r + 1]);
        }
    }
    assert_null(tp_energy_find("z80"));
}

static void test_override(void **state) {
    (void)state;
    tp_arena arena = {0};
    tp_diag diag = {.arena = &arena};
    tp_energy e = tp_energy_find("cortex-m33")->energy;
    assert_int_equal(
        tp_energy_override(&e, "mhz=128,pj_cycle=183,nbiot=20.5", &diag),
        TP_OK);
    near(e.mhz, 128);
    near(e.pj_cycle, 183);
    near(e.radio[TP_RADIO_NBIOT], 20.5);
    static const char *const bad[] = {
        "volt=3",    "mhz", "mhz=",         "mhz=fast",    "mhz=0", "mhz=-1",
        "mhz=1e300", "=3",  "mhz=1;page=2", "ble=1,mhz=x", "page=0"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(tp_energy_override(&e, bad[i], &diag),
                         TP_ERR_ARGUMENT);
    }
    near(e.mhz, 128); /* a bad list changes nothing */
    near(e.radio[TP_RADIO_BLE], 0.21);
    assert_non_null(strstr(diag.message[0].text, "pj_cycle"));
    tp_arena_free(&arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_by_hand),
        cmocka_unit_test(test_features_are_kept),
        cmocka_unit_test(test_more_costs_more),
        cmocka_unit_test(test_override),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
