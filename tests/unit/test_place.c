/* Placement in the arena: nothing that is live together overlaps (checked byte
 * by byte, not with the placer's own arithmetic), and how near the result is to
 * what no placement can beat. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "compiler/compiler.h"
#include "compiler/ir/text.h"
#include "compiler/ir/verify.h"
#include "compiler/plan/place.h"
#include "core/rng.h"
#include "tests/unit/data.h"
#include "tests/unit/expected.h"

enum { MOST_BLOCKS = 24, MOST_STEPS = 16, MOST_BYTES = 80 };
enum { MOST_ARENA = MOST_BLOCKS * (MOST_BYTES + 3) };

static uint32_t align4(uint32_t n) {
    return (n + 3) / 4 * 4;
}

/* --- any set of blocks ---------------------------------------------------- */

/* Paints every step's live blocks into the arena. */
static bool overlap(const tp_block *block, int n, uint32_t size) {
    for (int s = 0; s < MOST_STEPS; s++) {
        uint8_t painted[MOST_ARENA] = {0};
        for (int i = 0; i < n; i++) {
            if (s < block[i].first || s > block[i].last) {
                continue;
            }
            for (uint32_t k = 0; k < block[i].bytes; k++) {
                assert_true(block[i].offset + k < size);
                if (painted[block[i].offset + k]++ > 0) {
                    return true;
                }
            }
        }
    }
    return false;
}

static uint32_t peak_of(const tp_block *block, int n) {
    uint32_t peak = 0;
    for (int s = 0; s < MOST_STEPS; s++) {
        uint32_t live = 0;
        for (int i = 0; i < n; i++) {
            const bool is = s >= block[i].first && s <= block[i].last;
            live += is ? align4(block[i].bytes) : 0;
        }
        peak = live > peak ? live : peak;
    }
    return peak;
}

/* Places, and checks all that must hold of any placement. */
static uint32_t place(tp_block *block, int n) {
    enum { EFFORT = 50 };
    int step = -1;
    const uint32_t size = tp_place_blocks(block, n, EFFORT);
    assert_int_equal(size % 4, 0);
    for (int i = 0; i < n; i++) {
        assert_int_equal(block[i].offset % 4, 0);
    }
    assert_false(overlap(block, n, size));
    assert_true(tp_place_valid(block, n));
    const uint32_t peak = tp_place_peak(block, n, MOST_STEPS, &step);
    assert_int_equal(peak, peak_of(block, n));
    assert_true(size >= peak);
    uint32_t live = 0;
    for (int i = 0; i < n; i++) {
        if (block[i].first <= step && step <= block[i].last) {
            live += align4(block[i].bytes);
        }
    }
    assert_int_equal(live, peak);
    return size;
}

static int random_blocks(uint32_t *rng, tp_block *block, int most) {
    const int n = 1 + (int)tp_rng_below(rng, (uint32_t)most);
    for (int i = 0; i < n; i++) {
        const int first = (int)tp_rng_below(rng, MOST_STEPS);
        const uint32_t longest = tp_rng_below(rng, 4) == 0 ? MOST_STEPS : 4;
        const int last = first + (int)tp_rng_below(rng, longest);
        block[i] = (tp_block){.bytes = 1 + tp_rng_below(rng, MOST_BYTES),
                              .first = first,
                              .last = last < MOST_STEPS ? last : MOST_STEPS - 1,
                              .offset = UINT32_MAX};
    }
    return n;
}

/* A block moved onto one that it lives with must be seen, and one moved onto
 * another that it never meets must not. */
static void check_moved(const tp_block *block, int n, uint32_t size) {
    tp_block moved[MOST_BLOCKS];
    for (int i = 1; i < n; i++) {
        memcpy(moved, block, sizeof moved);
        moved[i].offset = moved[0].offset;
        uint32_t end = moved[i].offset + moved[i].bytes;
        end = end > size ? end : size;
        assert_int_equal(tp_place_valid(moved, n), !overlap(moved, n, end));
    }
}

static void test_random(void **state) {
    (void)state;
    uint32_t rng = tp_rng_seed(1);
    uint64_t sizes = 0;
    uint64_t peaks = 0;
    double worst = 1.0;
    int at_bound = 0;
    for (int i = 0; i < 10000; i++) {
        tp_block block[MOST_BLOCKS] = {{0}};
        const int n = random_blocks(&rng, block, MOST_BLOCKS);
        const uint32_t size = place(block, n);
        const uint32_t peak = peak_of(block, n);
        const double ratio = (double)size / (double)peak;
        sizes += size;
        peaks += peak;
        at_bound += size == peak;
        worst = ratio > worst ? ratio : worst;
        if (i % 100 == 0) {
            check_moved(block, n, size);
        }
    }
    const double mean = (double)sizes / (double)peaks;
    print_message("10000 sets: %d at the lower bound, %.2f %% above it in all, "
                  "%.1f %% at worst\n",
                  at_bound, 100.0 * (mean - 1.0), 100.0 * (worst - 1.0));
    assert_true(mean < 1.05);
}

/* --- the optimum ---------------------------------------------------------- */

/* Lowest offset of block `b` among those placed: 0 or the end of another. */
static uint32_t first_fit(const tp_block *placed, int n, const tp_block *b) {
    uint32_t best = UINT32_MAX;
    for (int c = -1; c < n; c++) {
        const uint32_t at =
            c < 0 ? 0 : align4(placed[c].offset + placed[c].bytes);
        bool free = at < best;
        for (int i = 0; i < n && free; i++) {
            const bool apart = placed[i].last < b->first ||
                               b->last < placed[i].first ||
                               placed[i].offset + placed[i].bytes <= at ||
                               at + b->bytes <= placed[i].offset;
            free = apart;
        }
        best = free ? at : best;
    }
    return best;
}

/* Smallest arena over all orders of the blocks: first fit in the order of an
 * optimum's offsets gives an arena that is no larger. */
static uint32_t optimum(tp_block *block, int placed, int n, uint32_t size) {
    uint32_t best = placed == n ? size : UINT32_MAX;
    for (int i = placed; i < n; i++) {
        const tp_block next = block[i];
        block[i] = block[placed];
        block[placed] = next;
        block[placed].offset = first_fit(block, placed, &next);
        const uint32_t end = align4(block[placed].offset + next.bytes);
        const uint32_t found =
            optimum(block, placed + 1, n, end > size ? end : size);
        best = found < best ? found : best;
        block[placed] = block[i];
        block[i] = next;
    }
    return best;
}

static void test_optimum(void **state) {
    (void)state;
    enum { SETS = 2000, FEW = 6 };
    uint32_t rng = tp_rng_seed(2);
    int reached = 0;
    double worst = 1.0;
    for (int i = 0; i < SETS; i++) {
        tp_block block[FEW];
        tp_block copy[FEW];
        const int n = random_blocks(&rng, block, FEW);
        memcpy(copy, block, sizeof copy);
        const uint32_t best = optimum(copy, 0, n, 0);
        const uint32_t size = place(block, n);
        const double ratio = (double)size / (double)best;
        assert_true(size >= best && best >= peak_of(block, n));
        reached += size == best;
        worst = ratio > worst ? ratio : worst;
    }
    print_message("%d sets of up to %d blocks: %d at the optimum, %.1f %% "
                  "above it at worst\n",
                  SETS, FEW, reached, 100.0 * (worst - 1.0));
    assert_true(reached >= SETS * 98 / 100);
}

/* --- by hand -------------------------------------------------------------- */

static void test_by_hand(void **state) {
    (void)state;
    const struct {
        int n;
        uint32_t size;
        tp_block block[6];
    } rows[] = {
        {0, 0, {{0}}},
        {1, 8, {{.bytes = 7, .first = 0, .last = 3}}},
        /* never together: one address */
        {3,
         100,
         {{.bytes = 100, .first = 0, .last = 0},
          {.bytes = 60, .first = 1, .last = 1},
          {.bytes = 80, .first = 2, .last = 5}}},
        /* a chain: each tensor and the next */
        {4,
         180,
         {{.bytes = 100, .first = 0, .last = 1},
          {.bytes = 60, .first = 1, .last = 2},
          {.bytes = 120, .first = 2, .last = 3},
          {.bytes = 40, .first = 3, .last = 4}}},
        /* a residual: 80 stays while the others pass beside it */
        {4,
         176,
         {{.bytes = 80, .first = 0, .last = 3},
          {.bytes = 64, .first = 1, .last = 2},
          {.bytes = 32, .first = 2, .last = 3},
          {.bytes = 48, .first = 3, .last = 3}}},
        /* forward, then backward in the mirror: what is kept nests */
        {6,
         120,
         {{.bytes = 40, .first = 0, .last = 5},
          {.bytes = 32, .first = 1, .last = 4},
          {.bytes = 24, .first = 2, .last = 3},
          {.bytes = 24, .first = 3, .last = 4},
          {.bytes = 16, .first = 4, .last = 5},
          {.bytes = 40, .first = 5, .last = 6}}},
        /* a hole below a long life is used again */
        {3,
         40,
         {{.bytes = 32, .first = 0, .last = 1},
          {.bytes = 8, .first = 1, .last = 5},
          {.bytes = 32, .first = 4, .last = 5}}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        tp_block block[6];
        memcpy(block, rows[i].block, sizeof block);
        const uint32_t best = optimum(block, 0, rows[i].n, 0);
        if (best != rows[i].size) {
            fail_msg("row %zu: the optimum is %u", i, (unsigned)best);
        }
        memcpy(block, rows[i].block, sizeof block);
        if (rows[i].n > 0) {
            assert_int_equal(place(block, rows[i].n), best);
        } else {
            assert_int_equal(tp_place_blocks(block, 0, 0), 0);
        }
    }
}

static void test_alignment(void **state) {
    (void)state;
    tp_block block[] = {{.bytes = 1}, {.bytes = 2}, {.bytes = 3}, {.bytes = 5}};
    static const uint32_t want[] = {16, 12, 8, 0}; /* largest first */
    assert_int_equal(place(block, 4), 20);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(block[i].offset, want[i]);
    }
}

/* --- real models ---------------------------------------------------------- */

/* h is read again after the first sum, which must not work in place; the
 * others may. Where the last op works in place too they all do in the caller's
 * output. */
#define SUMS                                                                   \
    "graph sums\n"                                                             \
    "input %0 \"x\" s8[1,8] q(0.05, -3)\n"                                     \
    "%1 \"h\" s8[1,8] q(0.05, 0) = relu0: relu(%0) source=0\n"                 \
    "%2 \"a\" s8[1,8] q(0.1, 0) = add1: add(%1, %0) source=1\n"                \
    "%3 \"b\" s8[1,8] q(0.1, 0) = add2: add(%2, %1) source=2\n"                \
    "%4 \"c\" s8[1,8] q(0.1, 0) = add3: add(%3, %0) source=3\n"

static const char *const inner =
    SUMS "const %5 \"w\" s8[2,8] q(0.02, 0) = fill(3)\n"
         "const %6 \"b\" s32[2] = [1, 2]\n"
         "%7 \"y\" s8[1,2] q(0.1, 0) = fc4: fc(%4, %5, %6) source=4\n"
         "output %7\n";
static const char *const last = SUMS "output %4\n";

static void plan_sums(tp_arena *arena, const char *text, tp_plan *plan) {
    tp_diag diag = {.arena = arena};
    tp_graph *graph = tp_arena_alloc(arena, 1, sizeof *graph);
    assert_non_null(graph);
    test_ok(tp_graph_parse(arena, text, graph, &diag), &diag);
    test_ok(tp_graph_verify(graph, &diag), &diag);
    test_ok(tp_plan_make(arena, graph, NULL, plan, &diag), &diag);
}

static void test_in_place(void **state) {
    (void)state;
    tp_arena arena = {0};
    tp_plan plan;
    plan_sums(&arena, inner, &plan);
    const tp_address *at = plan.infer.address;
    assert_int_equal(plan.infer.arena_bytes, 16);
    assert_int_not_equal(at[2].offset, at[1].offset);
    assert_int_equal(at[3].offset, at[2].offset);
    assert_int_equal(at[4].offset, at[2].offset);
    assert_int_equal(at[7].place, TP_PLACE_Y);

    plan_sums(&arena, last, &plan);
    at = plan.infer.address;
    assert_int_equal(plan.infer.arena_bytes, 8);
    assert_int_equal(at[1].place, TP_PLACE_ARENA);
    for (int i = 2; i <= 4; i++) {
        assert_int_equal(at[i].place, TP_PLACE_Y);
    }
    tp_arena_free(&arena);
}

/* Arena bytes of the real models, for inference alone, and for each program
 * with an adapter: at most these. All are at the lower bound. */
typedef struct expected {
    const char *file, *spec;
    uint32_t infer, sample;
} expected;

static const expected models[] = {
    {"kws_ref_model", NULL, 8448, 0},
    {"kws_ref_model", "*=bitfit", 8704, 17068},
    {"kws_ref_model", "conv*=lora:rank=4", 9068, 50088},
    {"ad01_int8", NULL, 256, 0},
    {"ad01_int8", "*=bitfit", 2688, 3460},
    {"ad01_int8", "*=lora:rank=4", 268, 2436},
    {"pretrainedResnet_quant", NULL, 33312, 0},
    {"pretrainedResnet_quant", "*=bitfit", 33376, 38952},
    {"pretrainedResnet_quant", "conv*=lora:rank=4", 41508, 114088},
    {"str_ww_ref_model", NULL, 3712, 0},
    {"str_ww_ref_model", "*=bitfit", 4224, 4672},
    {"str_ww_ref_model", "conv*=lora:rank=4", 3852, 9784},
    {"vww_96_int8", NULL, 36880, 0},
    {"vww_96_int8", "*=bitfit", 36944, 46160},
    {"vww_96_int8", "conv*=lora:rank=4", 55308, 159436},
};
enum { MODELS = sizeof models / sizeof *models };

static bool exceeds(const char *what, const tp_program *p, uint32_t bytes) {
    print_message("%-8s %3d steps: arena %6u, lower bound %6u\n", what,
                  p->n_steps, (unsigned)p->arena_bytes,
                  (unsigned)p->peak_bytes);
    return p->arena_bytes > bytes || p->arena_bytes > p->peak_bytes;
}

static void test_model(void **state) {
    const expected *e = *state;
    char path[128];
    size_t n = 0;
    (void)snprintf(path, sizeof path, "models/%s.tflite", e->file);
    uint8_t *bytes = test_data(path, &n);
    if (bytes == NULL) {
        skip();
    }
    tp_arena arena = {0};
    tp_diag diag = {.arena = &arena};
    const tp_compile_options options = {
        .name = "model", .spec = &e->spec, .n_specs = e->spec != NULL};
    tp_plan plan;
    test_ok(tp_compile(&arena, bytes, n, &options, &plan, &diag), &diag);
    const bool infer = exceeds("infer", &plan.infer, e->infer);
    const bool sample = exceeds("sample", &plan.sample, e->sample);
    tp_arena_free(&arena);
    free(bytes);
    assert_false(infer || sample);
}

int main(void) {
    struct CMUnitTest tests[5 + MODELS] = {
        cmocka_unit_test(test_random),   cmocka_unit_test(test_optimum),
        cmocka_unit_test(test_by_hand),  cmocka_unit_test(test_alignment),
        cmocka_unit_test(test_in_place),
    };
    expected row[MODELS];
    char name[MODELS][64];
    memcpy(row, models, sizeof row);
    for (int i = 0; i < MODELS; i++) {
        (void)snprintf(name[i], sizeof name[i], "%s %s", row[i].file,
                       row[i].spec != NULL ? row[i].spec : "");
        tests[5 + i] = (struct CMUnitTest){
            .name = name[i], .test_func = test_model, .initial_state = &row[i]};
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
