/* What the kernels of `scalar` are made of. Link of the chain: sums one by one
 * -> loops; `ref` -> stairs, for every sum that a channel can have. Whole
 * kernels against `ref` are in test_isa.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "compiler/ops/stairs.h"
#include "core/fixed.h"
#include "tests/unit/scalar_loops.h"

static void loops(void **state) {
    static scalar_loops memory;
    (void)state;
    assert_int_equal(scalar_loops_run(&memory, 3000), 0);
}

static int32_t pick(uint32_t *rng, int32_t lo, int32_t hi) {
    return lo + (int32_t)tp_rng_below(rng, (uint32_t)(hi - lo + 1));
}

/* A channel: a ReLU at the lowest code, or any range. */
static tp_stairs channel(uint32_t *rng) {
    tp_stairs c = {.m = pick(rng, 1 << 30, INT32_MAX),
                   .s = -pick(rng, 2, 11),
                   .y_zp = -128,
                   .y_min = -128,
                   .y_max = 127};
    if (pick(rng, 0, 2) == 0) {
        c.y_zp = pick(rng, -128, 127);
        c.y_min = pick(rng, 0, 1) == 0 ? -128 : c.y_zp;
    }
    c.start = pick(rng, -100000, 100000);
    c.lo = c.start - pick(rng, 0, 200000);
    c.hi = c.start + pick(rng, 0, 200000);
    return c;
}

/* Sums of the channel whose byte by these words is not that of `ref`. */
static int wrong_bytes(const tp_stairs *c, const int32_t *words) {
    const tp_stair s = tp_stair_of(words);
    const int64_t base = c->start - words[TP_STAIR_START];
    int n = 0;
    for (int64_t sum = c->lo; sum <= c->hi; sum++) {
        const int32_t y = tp_mbqm((int32_t)sum, c->m, c->s) + c->y_zp;
        n += tp_stair_byte(&s, (int32_t)(sum - base)) !=
             tp_clamp32(y, c->y_min, c->y_max);
    }
    return n;
}

static void stairs(void **state) {
    uint32_t rng = tp_rng_seed(3);
    int found = 0;
    int noticed = 0;
    (void)state;
    for (int i = 0; i < 300; i++) {
        const tp_stairs c = channel(&rng);
        int32_t words[TP_STAIR_WORDS];
        if (tp_stairs_make(&c, words)) {
            found++;
            assert_int_equal(wrong_bytes(&c, words), 0);
            words[TP_STAIR_M] -= words[TP_STAIR_M] / 256; /* a planted fault */
            noticed += wrong_bytes(&c, words) > 0;
        }
    }
    print_message("stairs: %d of 300 channels, %d faults seen\n", found,
                  noticed);
    assert_true(found > 150 && noticed > 100);
}

/* No words: the product leaves 32 bits, or sums wrap, or the shift is left. */
static void refused(void **state) {
    int32_t words[TP_STAIR_WORDS];
    tp_stairs c = {.m = 1 << 30,
                   .s = -7,
                   .y_zp = -128,
                   .y_min = -128,
                   .y_max = 127,
                   .lo = -100000,
                   .hi = 100000};
    (void)state;
    assert_true(tp_stairs_make(&c, words));
    c.s = 1;
    assert_false(tp_stairs_make(&c, words));
    c.s = -2;
    assert_false(tp_stairs_make(&c, words));
    c.s = -20;
    c.hi = INT32_MAX;
    assert_false(tp_stairs_make(&c, words));
    c.s = -7;
    c.hi = (int64_t)INT32_MAX + 1;
    assert_false(tp_stairs_make(&c, words));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loops),
        cmocka_unit_test(stairs),
        cmocka_unit_test(refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
