/* The arena in several memories: what each takes stays within it, the most
 * accessed tensors are in the fastest, the bytes that a model answers and
 * learns do not depend on it, and what does not fit is refused by name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "compiler/compiler.h"
#include "compiler/plan/region.h"
#include "core/rng.h"
#include "tests/emitted/drive.h"
#include "tests/unit/expected.h"
#include "tests/unit/random_graph.h"

/* --- blocks --------------------------------------------------------------- */

enum { MOST = 16, STEPS = 12 };

static int random_blocks(uint32_t *rng, tp_block *block, int64_t *heat) {
    const int n = 1 + (int)tp_rng_below(rng, MOST);
    for (int i = 0; i < n; i++) {
        const int first = (int)tp_rng_below(rng, STEPS);
        const int last = first + (int)tp_rng_below(rng, 4);
        block[i] = (tp_block){.bytes = 4 + tp_rng_below(rng, 60),
                              .first = first,
                              .last = last < STEPS ? last : STEPS - 1};
        heat[i] = block[i].bytes * (1 + (int64_t)tp_rng_below(rng, 50));
    }
    return n;
}

/* Every block has bytes of its own, in a region that has them. */
static void check_spread(const tp_spread *s) {
    static uint8_t painted[TP_MAX_REGIONS][1024];
    for (int step = 0; step < STEPS; step++) {
        memset(painted, 0, sizeof painted);
        for (int i = 0; i < s->n; i++) {
            const tp_block *b = &s->block[i];
            if (b->first > step || b->last < step) {
                continue;
            }
            assert_in_range(b->region, 0, s->n_regions - 1);
            assert_true(b->offset + b->bytes <= s->bytes[b->region]);
            for (uint32_t k = 0; k < b->bytes; k++) {
                assert_int_equal(painted[b->region][b->offset + k]++, 0);
            }
        }
    }
    for (int r = 0; r < s->n_regions; r++) {
        assert_true(s->bytes[r] <= s->region[r].bytes);
    }
}

static void test_blocks(void **state) {
    (void)state;
    uint32_t rng = tp_rng_seed(5);
    int fitted = 0;
    int refused = 0;
    for (int i = 0; i < 2000; i++) {
        tp_block block[MOST];
        int64_t heat[MOST];
        const int n = random_blocks(&rng, block, heat);
        const tp_region region[3] = {
            {.name = "a", .bytes = 8 * tp_rng_below(&rng, 12)},
            {.name = "b", .bytes = 8 * tp_rng_below(&rng, 12)},
            {.name = "c", .bytes = 8 * tp_rng_below(&rng, 40)}};
        tp_spread s = {.region = region,
                       .n_regions = 1 + (int)tp_rng_below(&rng, 3),
                       .block = block,
                       .heat = heat,
                       .n = n,
                       .effort = 5};
        const tp_status status = tp_spread_blocks(&s);
        if (status == TP_OK) {
            check_spread(&s);
            fitted++;
        } else {
            assert_int_equal(status, TP_ERR_BUDGET);
            assert_in_range(s.homeless, 0, n - 1);
            assert_in_range(s.missing, 1, 4096);
            refused++;
        }
    }
    assert_true(fitted > 400 && refused > 400);
}

/* Two of three maps fit the fast memory: the two that are read most. */
static void test_hottest_first(void **state) {
    (void)state;
    for (int cold = 0; cold < 3; cold++) {
        tp_block block[3] = {{.bytes = 40, .last = 3},
                             {.bytes = 40, .last = 3},
                             {.bytes = 40, .last = 3}};
        int64_t heat[3] = {900, 900, 900};
        heat[cold] = 800;
        const tp_region region[2] = {{.name = "fast", .bytes = 80},
                                     {.name = "slow", .bytes = 80}};
        tp_spread s = {.region = region,
                       .n_regions = 2,
                       .block = block,
                       .heat = heat,
                       .n = 3};
        assert_int_equal(tp_spread_blocks(&s), TP_OK);
        for (int i = 0; i < 3; i++) {
            assert_int_equal(block[i].region, i == cold);
        }
    }
}

/* Small hot blocks would break up the only room for a large one. */
static void test_largest_first(void **state) {
    (void)state;
    tp_block block[2] = {{.bytes = 8, .last = 1}, {.bytes = 64, .last = 1}};
    const int64_t heat[2] = {800, 64};
    const tp_region region[2] = {{.name = "fast", .bytes = 64},
                                 {.name = "slow", .bytes = 16}};
    tp_spread s = {
        .region = region, .n_regions = 2, .block = block, .heat = heat, .n = 2};
    assert_int_equal(tp_spread_blocks(&s), TP_OK);
    assert_int_equal(block[0].region, 1);
    assert_int_equal(block[1].region, 0);
}

/* --- plans ---------------------------------------------------------------- */

static tp_status plan_random(tp_arena *arena, uint32_t seed,
                             const tp_plan_options *options, tp_plan *plan,
                             tp_diag *diag) {
    static const char *const specs[] = {"*=lora:rank=2", "*=bitfit", "*=head"};
    tp_graph *graph = tp_arena_alloc(arena, 1, sizeof *graph);
    tp_adapter_spec spec;
    const tp_pass_options passes = {.spec = &spec, .n_specs = 1};
    const tp_schedule schedule = {.state = TP_STATE_MOMENTUM};
    tp_schedule_options by = {.state = TP_STATE_MOMENTUM};
    if (options != NULL) {
        by.plan = *options;
    }
    assert_non_null(graph);
    test_ok(tp_random_graph(arena, seed, graph, diag), diag);
    test_ok(tp_adapter_parse(arena, specs[seed % 3], &spec, diag), diag);
    if (tp_passes_run(graph, &passes, NULL, NULL, diag) != TP_OK) {
        return TP_ERR_UNSUPPORTED;
    }
    return tp_schedule_apply(arena, graph, &schedule, &by, plan, diag);
}

static drive_digest run(tp_arena *arena, const tp_plan *plan) {
    tp_interpreter interpreter;
    tp_ctx ctx;
    tp_interpreter_init(&interpreter, plan);
    assert_int_equal(tp_interpreter_open(arena, &interpreter, &ctx), TP_OK);
    return drive(&ctx, 3);
}

static void check_addresses(const tp_plan *plan, const tp_program *p) {
    for (int i = 0; p->n_steps > 0 && i < plan->graph->n_tensors; i++) {
        const tp_address *a = &p->address[i];
        if (a->place == TP_PLACE_ARENA) {
            const tp_region *r = &plan->region[a->region];
            assert_in_range(a->region, 0, plan->n_regions - 1);
            assert_true(a->offset >= r->start);
            assert_true(a->offset - r->start + a->bytes <=
                        plan->model.region[a->region]);
            assert_true(plan->model.region[a->region] <= r->bytes);
        }
    }
}

static void test_random_plans(void **state) {
    enum { SEEDS = 120 };
    int same = 0;
    int several = 0;
    (void)state;
    for (uint32_t seed = 0; seed < SEEDS; seed++) {
        tp_arena arena = {0};
        tp_diag diag = {.arena = &arena};
        tp_plan one;
        tp_plan split;
        const tp_region region[] = {
            {.name = "slow", .bytes = 1 << 20, .rank = 9},
            {.name = "fast", .bytes = 64 + 8 * (seed % 40), .rank = 1},
            {.name = "middle", .bytes = 256, .rank = 2}};
        const tp_plan_options options = {.region = region, .n_regions = 3};
        if (plan_random(&arena, seed, NULL, &one, &diag) == TP_OK) {
            test_ok(plan_random(&arena, seed, &options, &split, &diag), &diag);
            check_addresses(&split, &split.infer);
            check_addresses(&split, &split.sample);
            for (int r = 1; r < split.n_regions; r++) {
                assert_true(split.region[r].rank > split.region[r - 1].rank);
            }
            const drive_digest a = run(&arena, &one);
            const drive_digest b = run(&arena, &split);
            assert_memory_equal(&a, &b, sizeof a);
            several += split.n_regions > 1;
            same++;
        }
        tp_arena_free(&arena);
    }
    assert_true(same > SEEDS / 2 && several > same / 2);
}

static void test_does_not_fit(void **state) {
    (void)state;
    tp_arena arena = {0};
    tp_diag diag = {.arena = &arena};
    tp_plan plan;
    const tp_region region[] = {{.name = "dtcm", .bytes = 8, .rank = 0},
                                {.name = "sram", .bytes = 16, .rank = 1}};
    const tp_plan_options options = {.region = region, .n_regions = 2};
    assert_int_equal(plan_random(&arena, 1, &options, &plan, &diag),
                     TP_ERR_BUDGET);
    const char *text = diag.message[0].text;
    assert_non_null(strstr(text, "finds no place; sram lacks "));
    assert_non_null(strstr(text, "bytes are live; the regions have 24"));

    const tp_region five[5] = {{.name = "a", .bytes = 8}};
    const tp_plan_options many = {.region = five, .n_regions = 5};
    diag = (tp_diag){.arena = &arena};
    assert_int_equal(plan_random(&arena, 1, &many, &plan, &diag),
                     TP_ERR_ARGUMENT);
    tp_arena_free(&arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_blocks),
        cmocka_unit_test(test_hottest_first),
        cmocka_unit_test(test_largest_first),
        cmocka_unit_test(test_random_plans),
        cmocka_unit_test(test_does_not_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
