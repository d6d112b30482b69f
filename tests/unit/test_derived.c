/* Truth link: definition -> kernels that compute adapter weights. And what must
 * hold of every adapter that has such: its start state changes no byte, what it
 * does not store costs nothing, its layout tells seeds apart. Gradients are
 * checked in test_adapters.c. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "compiler/passes/passes.h"
#include "compiler/plan/interpret.h"
#include "core/fixed.h"
#include "core/rng.h"
#include "runtime/adapter/weights.h"
#include "tests/unit/expected.h"
#include "tests/unit/gradcheck.h"
#include "tests/unit/small_models.h"
#include "tinypeft/adapter.h"
#include "tinypeft/kernels.h"

/* --- random weights ------------------------------------------------------- */

/* Mean 0 and the standard deviation that the descriptor says, within 4
 * standard errors of 20,000 draws. */
static void test_random_spread(void **state) {
    tp_check *c = *state;
    enum { N = 20000 };
    for (int32_t m = 128; m <= 255; m += 127) {
        const tp_random op = {.n = N, .seed = m, .m = m, .e = -9};
        tp_q8 *w = tp_check_q8(c, N, 0);
        const double std = sqrt(170.0) * m / 128.0;
        double sum = 0.0;
        double squares = 0.0;
        tp_random_q8_fwd_ref(&op, w);
        assert_int_equal(w->e, -9);
        for (int i = 0; i < N; i++) {
            sum += w->v[i];
            squares += w->v[i] * w->v[i];
        }
        assert_true(fabs(sum / N) < 4.0 * std / sqrt(N));
        assert_true(fabs(sqrt(squares / N) / std - 1.0) < 4.0 / sqrt(2.0 * N));
    }
}

/* Blobs rely on these bytes: they must never change. */
static void test_random_bytes(void **state) {
    tp_check *c = *state;
    static const int8_t want[8] = {-5, -2, -10, -21, -7, -10, -22, -20};
    const tp_random op = {.n = 8, .seed = 1, .m = 128, .e = -7};
    tp_q8 *w = tp_check_q8(c, 8, 0);
    tp_random_q8_fwd_ref(&op, w);
    assert_memory_equal(w->v, want, sizeof want);
}

/* Pruning rows changes none of the others. */
static void test_random_rows(void **state) {
    tp_check *c = *state;
    tp_random op = {.n = 7, .seed = 5, .m = 200, .e = -7, .keep = 15};
    tp_q8 *all = tp_check_q8(c, 28, 0);
    tp_q8 *some = tp_check_q8(c, 14, 0);
    tp_random_q8_fwd_ref(&op, all);
    op.keep = 10;
    tp_random_q8_fwd_ref(&op, some);
    assert_memory_equal(some->v, all->v + 7, 7);
    assert_memory_equal(some->v + 7, all->v + 21, 7);
}

/* --- weights of few bits -------------------------------------------------- */

enum { RANKS = 3, EACH = 8, COUNT = RANKS * EACH };

/* B [8][3] or A [3][8], by the stride. */
static tp_param packed_param(tp_param_type type, uint32_t stride) {
    return (tp_param){.count = COUNT,
                      .type = (uint8_t)type,
                      .packing = &tp_packing_few_bits,
                      .ranks = RANKS,
                      .stride = stride};
}

static double unpacked(tp_check *c, const tp_param *p, const uint8_t *adapter,
                       uint32_t i) {
    const tp_unpack op = {.n = COUNT,
                          .bits = p->type == TP_PARAM_Q4 ? 4 : 2,
                          .ranks = RANKS,
                          .stride = (int32_t)p->stride};
    tp_q8 *w = tp_check_q8(c, COUNT, 0);
    tp_unpack_q8_fwd_ref(&op, adapter, w);
    return ldexp(w->v[i], w->e);
}

/* Masters -> packed -> int8: within half a step of the rank, a step being the
 * power of two that holds the rank's largest weight in 3 bits. Back to masters:
 * exactly what was packed. */
static void test_four_bits(void **state) {
    tp_check *c = *state;
    for (int round = 0; round < 60; round++) {
        const tp_param p = packed_param(TP_PARAM_Q4, round % 2 == 0 ? 1 : EACH);
        int16_t master[COUNT];
        int16_t back[COUNT];
        uint32_t peak[RANKS] = {0};
        uint8_t adapter[4 + COUNT / 2];
        for (uint32_t i = 0; i < COUNT; i++) {
            const uint32_t r = i / p.stride % RANKS;
            master[i] = (int16_t)tp_check_int(c, -(2000 << r), 2000 << r);
            peak[r] |= tp_abs32(master[i]);
        }
        tp_weights_from_master(&p, master, adapter);
        tp_weights_to_master(&p, adapter, back);
        for (uint32_t i = 0; i < COUNT; i++) {
            const uint32_t r = i / p.stride % RANKS;
            const double step = ldexp(1.0, tp_bits32(peak[r]) - 3);
            const double near = fmin(fmax(master[i], -7 * step), 7 * step);
            assert_true(fabs(back[i] - near) <= step / 2.0);
            assert_true(ldexp(unpacked(c, &p, adapter, i), 13) == back[i]);
        }
    }
}

/* The scale that follows: signs of what is above 0.7 times the rank's mean,
 * at the power of two nearest to their mean. */
static void test_ternary(void **state) {
    tp_check *c = *state;
    for (int round = 0; round < 60; round++) {
        const tp_param p = packed_param(TP_PARAM_Q2, round % 2 == 0 ? 1 : EACH);
        int16_t master[COUNT];
        int16_t back[COUNT];
        uint8_t adapter[4 + COUNT / 4];
        double mean[RANKS] = {0};
        double kept[RANKS] = {0};
        int n[RANKS] = {0};
        for (uint32_t i = 0; i < COUNT; i++) {
            master[i] = (int16_t)tp_check_int(c, -9000, 9000);
            mean[i / p.stride % RANKS] += abs(master[i]) / (double)EACH;
        }
        for (uint32_t i = 0; i < COUNT; i++) {
            const uint32_t r = i / p.stride % RANKS;
            const bool above = abs(master[i]) > 0.7 * mean[r];
            kept[r] += above ? abs(master[i]) : 0;
            n[r] += above ? 1 : 0;
        }
        tp_weights_from_master(&p, master, adapter);
        tp_weights_to_master(&p, adapter, back);
        for (uint32_t i = 0; i < COUNT; i++) {
            const uint32_t r = i / p.stride % RANKS;
            const double ratio = abs(back[i]) * n[r] / kept[r];
            if (fabs(abs(master[i]) - 0.7 * mean[r]) > 1.0) {
                assert_int_equal(back[i] != 0, abs(master[i]) > 0.7 * mean[r]);
            }
            assert_true(back[i] == 0 || (ratio > 0.706 && ratio < 1.416));
            assert_true(back[i] == 0 || (back[i] < 0) == (master[i] < 0));
            assert_true(ldexp(unpacked(c, &p, adapter, i), 13) == back[i]);
        }
    }
}

/* The scale that stays: 2^-4 for a std of 0.07, masters held within 5/4. */
static void test_ternary_fixed(void **state) {
    (void)state;
    tp_param p = packed_param(TP_PARAM_Q2, 1);
    p.init_std = 573;
    int16_t master[COUNT] = {0, 255, 256, 257, -256, -257, 640, 641, -32768};
    const int16_t want[9] = {0, 0, 0, 512, 0, -512, 512, 512, -512};
    int16_t back[COUNT];
    uint8_t adapter[4 + COUNT / 4];
    tp_weights_from_master(&p, master, adapter);
    tp_weights_to_master(&p, adapter, back);
    assert_memory_equal(back, want, sizeof want);
    assert_int_equal(master[6], 640);
    assert_int_equal(master[7], 640);
    assert_int_equal(master[8], -640);
}

/* A rank 2^5 times smaller than the largest is rounded to the int8 grid. */
static void test_unpack_rounds(void **state) {
    tp_check *c = *state;
    const tp_param p = packed_param(TP_PARAM_Q4, EACH);
    uint8_t adapter[4 + COUNT / 2] = {0};
    int8_t *e = tp_packed_exponents(&p, adapter);
    e[0] = -3;
    e[1] = -7;
    e[2] = -8;
    for (uint32_t i = 0; i < COUNT; i++) {
        tp_packed_put(&p, adapter, i, (int32_t)(i % EACH) - 4);
    }
    for (uint32_t i = 0; i < COUNT; i++) {
        const int code = (int)(i % EACH) - 4;
        const double exact = ldexp(code, e[i / EACH]);
        const double step = ldexp(1.0, -7);
        assert_true(unpacked(c, &p, adapter, i) ==
                    step * floor(exact / step + 0.5));
    }
}

/* --- adapters ------------------------------------------------------------- */

typedef struct model {
    tp_arena arena;
    tp_diag diag;
    tp_graph graph;
    tp_plan plan;
    tp_interpreter run;
    tp_ctx ctx;
} model;

/* A small model with an adapter; without one where spec is NULL. */
static void open_model(model *m, void (*make)(tp_maker *m), const char *text) {
    *m = (model){.diag = {.count = 0}};
    m->diag.arena = &m->arena;
    tp_maker maker = {.graph = {.arena = &m->arena,
                                .name = "model",
                                .input = -1,
                                .output = -1,
                                .logits = -1,
                                .io_in = TP_S8,
                                .io_out = TP_S8},
                      .rng = tp_rng_seed(3)};
    tp_adapter_spec spec;
    const tp_pass_options options = {.spec = &spec,
                                     .n_specs = text != NULL ? 1 : 0};
    make(&maker);
    assert_false(maker.failed);
    maker.graph.output = maker.x;
    maker.graph.first_backward = maker.graph.n_ops;
    m->graph = maker.graph;
    if (text != NULL) {
        test_ok(tp_adapter_parse(&m->arena, text, &spec, &m->diag), &m->diag);
    }
    test_ok(tp_passes_run(&m->graph, &options, NULL, NULL, &m->diag), &m->diag);
    test_ok(tp_plan_make(&m->arena, &m->graph, NULL, &m->plan, &m->diag),
            &m->diag);
    tp_interpreter_init(&m->run, &m->plan);
    test_ok(tp_interpreter_open(&m->arena, &m->run, &m->ctx), &m->diag);
    tp_adapter_init(&m->ctx, 9);
}

static const char *const specs[] = {
    "*=lora-fa",        "*=lora-fa:rank=16,seed=5",
    "*=lora:bits=4",    "*=lora:bits=2,rank=3",
    "*=lora-fa:bits=2", "*=vera",
    "*=hyper"};
enum { SPECS = sizeof specs / sizeof *specs };

static void check_start(const model *base, const model *adapted) {
    uint32_t rng = tp_rng_seed(4);
    const size_t n = base->run.model.x_bytes;
    uint8_t *x = calloc(n, 1);
    uint8_t *y = calloc(base->run.model.y_bytes, 2);
    assert_non_null(x);
    assert_non_null(y);
    for (int round = 0; round < 20; round++) {
        for (size_t i = 0; i < n; i++) {
            x[i] = (uint8_t)(tp_rng_next(&rng) >> 24);
        }
        base->run.model.infer(&base->ctx, x, y);
        memset(adapted->ctx.arena, 0x55, adapted->run.model.arena_bytes);
        adapted->run.model.infer(&adapted->ctx, x, y + base->run.model.y_bytes);
        assert_memory_equal(y, y + base->run.model.y_bytes,
                            base->run.model.y_bytes);
    }
    free(x);
    free(y);
}

static void test_start_changes_nothing(void **state) {
    (void)state;
    void (*const make[])(tp_maker * m) = {tp_small_mobile, tp_small_residual,
                                          tp_small_smooth};
    for (size_t i = 0; i < sizeof make / sizeof *make; i++) {
        model base;
        open_model(&base, make[i], NULL);
        for (int s = 0; s < SPECS; s++) {
            model adapted;
            open_model(&adapted, make[i], specs[s]);
            check_start(&base, &adapted);
            tp_arena_free(&adapted.arena);
        }
        tp_arena_free(&base.arena);
    }
}

/* What is live across the border between forward and backward. */
static bool is_saved(const model *m, int tensor) {
    const tp_program *p = &m->plan.sample;
    const tp_address *a = &p->address[tensor];
    int border = 0;
    while (p->step[border].op < m->graph.first_backward) {
        border++;
    }
    return a->first >= 0 && a->first < border && a->last >= border;
}

static const tp_op *find(const model *m, const char *name) {
    const int at = tp_graph_find_op(&m->graph, name);
    assert_true(at >= 0);
    return &m->graph.op[at];
}

/* LoRA keeps the layer's input, LoRA-FA u alone; A is nowhere stored, and not
 * even live between its two uses. */
static void test_lora_fa_keeps_u_alone(void **state) {
    (void)state;
    model lora, fa;
    open_model(&lora, tp_small_mobile, "conv*=lora:rank=2");
    open_model(&fa, tp_small_mobile, "conv*=lora-fa:rank=2");
    assert_true(is_saved(&lora, find(&lora, "conv2")->in[0]));
    assert_true(is_saved(&lora, find(&lora, "conv2")->in[3]));
    assert_false(is_saved(&fa, find(&fa, "conv2")->in[0]));
    assert_true(is_saved(&fa, find(&fa, "conv2")->in[3]));
    assert_false(is_saved(&fa, find(&fa, "conv2_a")->in[1]));
    assert_int_equal(lora.run.model.n_params, 4);
    assert_int_equal(fa.run.model.n_params, 2);
    assert_int_equal(fa.plan.flash_weights, lora.plan.flash_weights);
    tp_arena_free(&lora.arena);
    tp_arena_free(&fa.arena);
}

static uint32_t layout_of(const char *spec) {
    model m;
    open_model(&m, tp_small_mobile, spec);
    const uint32_t id = m.run.model.layout_id;
    tp_arena_free(&m.arena);
    return id;
}

/* A blob that was trained beside other random weights is refused. */
static void test_layout_knows_the_seed(void **state) {
    (void)state;
    assert_int_equal(layout_of("conv*=lora-fa"), layout_of("conv*=lora-fa"));
    assert_int_equal(layout_of("conv*=lora-fa"),
                     layout_of("conv*=lora-fa:seed=1"));
    assert_int_not_equal(layout_of("conv*=lora-fa"),
                         layout_of("conv*=lora-fa:seed=2"));
    assert_int_not_equal(layout_of("conv2=lora-fa"), layout_of("conv2=lora"));
}

/* --- switching ------------------------------------------------------------ */

/* Any weights: the exponents of an adapter at its start are sound, the codes
 * may be what they like. */
static void scramble(const model *m, uint8_t *adapter, uint32_t seed) {
    uint32_t rng = tp_rng_seed(seed);
    for (uint32_t p = 0; p < m->run.model.n_params; p++) {
        const tp_param *param = &m->run.model.params[p];
        int16_t *w = calloc(param->count, sizeof *w);
        assert_non_null(w);
        for (uint32_t i = 0; i < param->count; i++) {
            w[i] = (int16_t)((int32_t)tp_rng_below(&rng, 8001) - 4000);
        }
        tp_weights_from_master(param, w, adapter);
        free(w);
    }
}

/* The outputs of 16 inferences, with adapters 0 and 1 in turn. */
static void answer(const model *m, uint8_t *const adapter[2], int only,
                   uint8_t *y) {
    uint32_t rng = tp_rng_seed(12);
    tp_ctx ctx = m->ctx;
    uint8_t *x = calloc(m->run.model.x_bytes, 1);
    assert_non_null(x);
    for (int i = 0; i < 16; i++) {
        for (uint32_t k = 0; k < m->run.model.x_bytes; k++) {
            x[k] = (uint8_t)(tp_rng_next(&rng) >> 24);
        }
        ctx.adapter = adapter[only < 0 ? i % 2 : only];
        m->run.model.infer(&ctx, x, y);
        y += m->run.model.y_bytes;
    }
    free(x);
}

/* Two adapters resident, a switch after every inference: each answers as in an
 * image that was compiled, and loaded from its blob, for it alone. */
static void test_switch_is_a_pointer(void **state) {
    (void)state;
    for (int s = 0; s < SPECS; s++) {
        model m;
        open_model(&m, tp_small_mobile, specs[s]);
        const tp_model *tm = &m.run.model;
        const size_t bytes = 16u * tm->y_bytes;
        uint8_t *mixed = tp_arena_alloc(&m.arena, bytes, 1);
        uint8_t *alone = tp_arena_alloc(&m.arena, bytes, 2);
        uint8_t *blob = tp_arena_alloc(&m.arena, tp_blob_bytes(tm), 1);
        uint8_t *adapter[2];
        for (int a = 0; a < 2; a++) {
            adapter[a] =
                tp_arena_copy(&m.arena, m.ctx.adapter, tm->adapter_bytes, 1);
            scramble(&m, adapter[a], 20u + (uint32_t)a);
        }
        answer(&m, adapter, -1, mixed);
        for (int a = 0; a < 2; a++) {
            model one;
            open_model(&one, tp_small_mobile, specs[s]);
            tp_ctx from = m.ctx;
            from.adapter = adapter[a];
            assert_int_equal(tp_blob_write(&from, blob, tp_blob_bytes(tm)),
                             TP_OK);
            assert_int_equal(tp_blob_read(&one.ctx, blob, tp_blob_bytes(tm)),
                             TP_OK);
            answer(&one, (uint8_t *[2]){one.ctx.adapter, NULL}, 0,
                   alone + (size_t)a * bytes);
            tp_arena_free(&one.arena);
        }
        assert_memory_not_equal(alone, alone + bytes, bytes);
        for (size_t i = 0; i < 16; i++) {
            assert_memory_equal(mixed + i * tm->y_bytes,
                                alone + (i % 2) * bytes + i * tm->y_bytes,
                                tm->y_bytes);
        }
        tp_arena_free(&m.arena);
    }
}

/* A blob of another layout, of another seed or of another base changes
 * nothing. */
static void test_other_blobs_are_refused(void **state) {
    (void)state;
    static const char *const others[] = {
        "conv*=lora-fa:seed=2", "conv*=lora-fa:rank=3", "conv*=lora",
        "conv2=lora-fa", "conv*=lora-fa:bits=4"};
    model m;
    open_model(&m, tp_small_mobile, "conv*=lora-fa");
    uint8_t *before =
        tp_arena_copy(&m.arena, m.ctx.adapter, m.run.model.adapter_bytes, 1);
    for (size_t i = 0; i <= sizeof others / sizeof *others; i++) {
        model other;
        const bool base = i == sizeof others / sizeof *others;
        open_model(&other, tp_small_mobile, base ? "conv*=lora-fa" : others[i]);
        other.run.model.base_sha256[0] ^= base ? 1 : 0;
        const uint32_t n = tp_blob_bytes(&other.run.model);
        uint8_t *blob = tp_arena_alloc(&m.arena, n, 1);
        assert_int_equal(tp_blob_write(&other.ctx, blob, n), TP_OK);
        assert_int_equal(tp_blob_read(&m.ctx, blob, n), TP_ERR_MISMATCH);
        assert_memory_equal(before, m.ctx.adapter, m.run.model.adapter_bytes);
        tp_arena_free(&other.arena);
    }
    tp_arena_free(&m.arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_random_spread, tp_check_setup,
                                        tp_check_teardown),
        cmocka_unit_test_setup_teardown(test_random_bytes, tp_check_setup,
                                        tp_check_teardown),
        cmocka_unit_test_setup_teardown(test_random_rows, tp_check_setup,
                                        tp_check_teardown),
        cmocka_unit_test_setup_teardown(test_four_bits, tp_check_setup,
                                        tp_check_teardown),
        cmocka_unit_test_setup_teardown(test_ternary, tp_check_setup,
                                        tp_check_teardown),
        cmocka_unit_test(test_ternary_fixed),
        cmocka_unit_test_setup_teardown(test_unpack_rounds, tp_check_setup,
                                        tp_check_teardown),
        cmocka_unit_test(test_start_changes_nothing),
        cmocka_unit_test(test_lora_fa_keeps_u_alone),
        cmocka_unit_test(test_layout_knows_the_seed),
        cmocka_unit_test(test_switch_is_a_pointer),
        cmocka_unit_test(test_other_blobs_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
