/* Link of the chain: bounds of a layer -> the limit of its trained bias. The
 * widest that a packer takes, and whether what lies beyond saturates for each
 * sum, bias and factor that is tried one by one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "compiler/ops/limit.h"
#include "core/fixed.h"
#include "core/rng.h"

/* Takes limits up to `most`. */
typedef struct layer {
    int32_t most;
    int32_t last; /* that was asked for */
} layer;

static bool take(void *packer, int32_t limit) {
    layer *l = packer;
    l->last = limit;
    return limit <= l->most;
}

static void widest(void **state) {
    (void)state;
    for (int bit = 16; bit <= 21; bit++) {
        layer exact = {.most = 1 << bit};
        assert_true(tp_pack_widest(take, &exact, true));
        assert_int_equal(exact.last, 1 << bit);
        layer less = {.most = (1 << bit) - 1};
        assert_int_equal(tp_pack_widest(take, &less, true), bit > 16);
        assert_int_equal(less.last, bit > 16 ? 1 << (bit - 1) : 1 << 16);
    }
    layer any = {.most = INT32_MAX};
    assert_true(tp_pack_widest(take, &any, true));
    assert_int_equal(any.last, 1 << 21);
}

static void nothing_trained(void **state) {
    layer known = {.most = 0, .last = -1};
    layer refused = {.most = -1, .last = -1};
    (void)state;
    assert_true(tp_pack_widest(take, &known, false));
    assert_int_equal(known.last, 0);
    assert_false(tp_pack_widest(take, &refused, false));
    assert_int_equal(refused.last, 0);
}

static int32_t pick(uint32_t *rng, int32_t lo, int32_t hi) {
    return lo + (int32_t)tp_rng_below(rng, (uint32_t)(hi - lo + 1));
}

/* One channel behind another that is never to be looked at; at least two
 * outputs. */
typedef struct channel {
    tp_conv2d d;
    int32_t m[2];
    int8_t s[2];
    int64_t range[2];
    int32_t limit;
} channel;

static void make(uint32_t *rng, channel *c) {
    c->d = (tp_conv2d){.y_zp = (int8_t)pick(rng, -128, 126), .out_c = 2};
    c->d.y_min = (int8_t)(pick(rng, 0, 1) == 0 ? -128 : c->d.y_zp);
    c->d.y_max = (int8_t)pick(rng, c->d.y_min + 1, 127);
    c->m[0] = 1 << 30;
    c->m[1] = pick(rng, 1 << 30, INT32_MAX);
    c->s[0] = -31;
    c->s[1] = (int8_t)-pick(rng, 5, 13);
    c->d.m = c->m;
    c->d.s = c->s;
    c->range[0] = pick(rng, -200000, 200000);
    c->range[1] = c->range[0] + pick(rng, 0, 200000);
    c->limit = 1 << pick(rng, 16, 21);
}

static bool is_output(const channel *c, int64_t sum, int s, int32_t y) {
    const int32_t v = tp_mbqm((int32_t)sum, c->m[1], s) + c->d.y_zp;
    return tp_clamp32(v, c->d.y_min, c->d.y_max) == y;
}

/* Every output is at an end of the range; trained factors go up to 4. */
static bool all_saturate(const channel *c, bool scaled) {
    const int64_t middle = (c->range[0] + c->range[1]) / 2;
    const int64_t sums[] = {c->range[0], middle, c->range[1]};
    bool all = true;
    for (int s = c->s[1] - (scaled ? 4 : 0); s <= c->s[1] + (scaled ? 2 : 0);
         s++) {
        for (int i = 0; i < 3; i++) {
            for (int32_t beyond = 0; beyond <= 1 << 22; beyond += 1 << 19) {
                const int64_t b = (int64_t)c->limit + beyond;
                all = all && is_output(c, sums[i] + b, s, c->d.y_max) &&
                      is_output(c, sums[i] - b, s, c->d.y_min);
            }
        }
    }
    return all;
}

/* Never said of what does not saturate. Said of nearly all that does: not of
 * sums so near 0 that any factor rounds them to it. */
static void saturates(void **state) {
    uint32_t rng = tp_rng_seed(7);
    int seen[2][2] = {{0}};
    int missed = 0;
    (void)state;
    for (int i = 0; i < 20000; i++) {
        channel c;
        make(&rng, &c);
        const bool scaled = i % 2 == 1;
        const bool all = all_saturate(&c, scaled);
        const bool said = tp_limit_saturates(&c.d, 1, scaled, c.range, c.limit);
        assert_true(!said || all);
        assert_true(scaled || said == all);
        missed += said != all;
        seen[scaled][all]++;
    }
    assert_true(missed < 10);
    for (int i = 0; i < 4; i++) {
        assert_true(seen[i / 2][i % 2] > 1000);
    }
}

/* 2^-4 of the factor is none that the arithmetic has. */
static void too_small(void **state) {
    channel c = {.m = {1 << 30, 1 << 30}, .s = {0, -28}, .limit = 1 << 21};
    c.d = (tp_conv2d){.m = c.m, .s = c.s};
    (void)state;
    assert_false(tp_limit_saturates(&c.d, 1, true, c.range, c.limit));
    assert_true(tp_limit_saturates(&c.d, 1, false, c.range, c.limit));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(widest),
        cmocka_unit_test(nothing_trained),
        cmocka_unit_test(saturates),
        cmocka_unit_test(too_small),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
