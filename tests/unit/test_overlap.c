/* Truth link: kernel -> the same kernel over its own input. At the very
 * distances that the planner takes from the geometry, in both orders, every
 * kernel that may write over its input gives the bytes that it gives apart;
 * and whole models, random and real, infer and train to the same bytes whether
 * or not the planner lets anything overlap. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "compiler/compiler.h"
#include "compiler/ops/conv.h"
#include "compiler/ops/overlap.h"
#include "core/crc32.h"
#include "core/rng.h"
#include "tests/unit/data.h"
#include "tests/unit/expected.h"
#include "tests/unit/random_graph.h"
#include "tinypeft/adapter.h"
#include "tinypeft/train.h"

/* --- kernels -------------------------------------------------------------- */

enum { MOST_C = 40, MOST_SIDE = 8, RANK = 5, TRIALS = 3000 };
enum { MOST = 4 + MOST_SIDE * MOST_SIDE * 2 * MOST_C };

/* A random operation and all that its kernels may ask for. */
typedef struct subject {
    uint32_t rng;
    tp_conv2d conv;
    tp_pool pool;
    int8_t w[9 * MOST_C * MOST_C];
    int32_t m[MOST_C], b[MOST_C];
    int8_t s[MOST_C];
    uint16_t q[MOST_C];
    _Alignas(4) int8_t u[4 + 2 * RANK * 100]; /* tp_q16, or tp_q8 du */
    int8_t a[4 + 9 * RANK * MOST_C];
    int8_t input[MOST]; /* of a pool's backward */
    tp_gscale scale;
} subject;

static int32_t pick(subject *s, int32_t lo, int32_t hi) {
    return lo + (int32_t)tp_rng_below(&s->rng, (uint32_t)(hi - lo + 1));
}

static void fill(subject *s, void *bytes, size_t n) {
    for (size_t i = 0; i < n; i++) {
        ((uint8_t *)bytes)[i] = (uint8_t)(tp_rng_next(&s->rng) >> 24);
    }
}

/* Outputs along an axis; pads: both together. */
static int32_t outputs(int32_t in, int32_t pads, int32_t extent,
                       int32_t stride) {
    const int32_t room = in + pads - extent;
    return room < 0 ? 0 : room / stride + 1;
}

static bool draw_conv(subject *s, bool depth) {
    tp_conv2d *d = &s->conv;
    *d = (tp_conv2d){.in_h = pick(s, 1, MOST_SIDE),
                     .in_w = pick(s, 1, MOST_SIDE),
                     .in_c = pick(s, 1, 3) == 1 ? pick(s, 1, MOST_C)
                                                : pick(s, 1, 6),
                     .k_h = pick(s, 1, 3),
                     .k_w = pick(s, 1, 3),
                     .stride_h = pick(s, 1, 3),
                     .stride_w = pick(s, 1, 3),
                     .dil_h = pick(s, 1, 2),
                     .dil_w = pick(s, 1, 2),
                     .pad_t = pick(s, 0, 2),
                     .pad_l = pick(s, 0, 2),
                     .x_zp = pick(s, -9, 9),
                     .y_min = -128,
                     .y_max = 127,
                     .bwd_e = -5,
                     .rank = RANK};
    d->out_h = outputs(d->in_h, d->pad_t + pick(s, 0, 2),
                       (d->k_h - 1) * d->dil_h + 1, d->stride_h);
    d->out_w = outputs(d->in_w, d->pad_l + pick(s, 0, 2),
                       (d->k_w - 1) * d->dil_w + 1, d->stride_w);
    d->out_c = !depth               ? pick(s, 1, 2 * d->in_c)
               : pick(s, 1, 3) == 1 ? 2 * d->in_c
                                    : d->in_c;
    d->out_c = d->out_c > MOST_C ? d->in_c : d->out_c;
    d->w = s->w;
    d->m = d->lora_m = s->m;
    d->s = d->lora_s = s->s;
    d->bwd_q = s->q;
    return d->out_h > 0 && d->out_w > 0 && d->out_h * d->out_w <= 100 &&
           d->in_h * d->in_w <= 100;
}

static void draw_pool(subject *s) {
    tp_pool *d = &s->pool;
    *d = (tp_pool){.in_h = pick(s, 3, MOST_SIDE),
                   .in_w = pick(s, 3, MOST_SIDE),
                   .c = pick(s, 1, MOST_C),
                   .k_h = pick(s, 1, 3),
                   .k_w = pick(s, 1, 3),
                   .stride_h = pick(s, 1, 3),
                   .stride_w = pick(s, 1, 3),
                   .y_min = -128,
                   .y_max = 127};
    d->pad_t = pick(s, 0, d->k_h - 1);
    d->pad_l = pick(s, 0, d->k_w - 1);
    d->out_h = outputs(d->in_h, d->pad_t + pick(s, 0, d->k_h - 1), d->k_h,
                       d->stride_h);
    d->out_w = outputs(d->in_w, d->pad_l + pick(s, 0, d->k_w - 1), d->k_w,
                       d->stride_w);
}

static void draw_values(subject *s) {
    fill(s, s->w, sizeof s->w);
    fill(s, s->u, sizeof s->u);
    fill(s, s->a, sizeof s->a);
    fill(s, s->input, sizeof s->input);
    s->u[0] = s->u[1] = 0; /* exponents */
    s->a[0] = -3;
    for (int i = 0; i < MOST_C; i++) {
        s->m[i] = (1 << 30) + pick(s, 0, 1 << 29);
        s->s[i] = (int8_t)pick(s, -9, -5);
        s->b[i] = pick(s, -3000, 3000);
        s->q[i] = (uint16_t)pick(s, 1 << 14, 1 << 15);
    }
}

typedef enum call {
    CONV,
    CONV_LORA,
    DWCONV,
    AVGPOOL,
    MAXPOOL,
    CONV_BWD,
    CONV_LORA_BWD,
    DWCONV_BWD,
    AVGPOOL_BWD,
    MAXPOOL_BWD,
    CALLS
} call;

static void run(subject *s, call c, const int8_t *x, int8_t *y) {
    const tp_conv2d *conv = &s->conv;
    const void *u = s->u;
    const void *a = s->a;
    const tp_q8 *dy = (const tp_q8 *)(const void *)x;
    tp_q8 *dx = (tp_q8 *)(void *)y;
    s->scale = (tp_gscale){.e = 4};
    switch (c) {
    case CONV:
        tp_conv2d_s8_fwd_ref(conv, x, s->b, y);
        break;
    case CONV_LORA:
        tp_conv2d_lora_s8_fwd_ref(conv, x, s->b, u, a, y);
        break;
    case DWCONV:
        tp_dwconv2d_s8_fwd_ref(conv, x, s->b, y);
        break;
    case AVGPOOL:
        tp_avgpool_s8_fwd_ref(&s->pool, x, y);
        break;
    case MAXPOOL:
        tp_maxpool_s8_fwd_ref(&s->pool, x, y);
        break;
    case CONV_BWD:
        tp_conv2d_s8_bwd_x_ref(conv, dy, dx, &s->scale);
        break;
    case CONV_LORA_BWD:
        tp_conv2d_lora_s8_bwd_x_ref(conv, dy, u, a, dx, &s->scale);
        break;
    case DWCONV_BWD:
        tp_dwconv2d_s8_bwd_x_ref(conv, dy, dx, &s->scale);
        break;
    case AVGPOOL_BWD:
        tp_avgpool_q8_bwd_x_ref(&s->pool, dy, dx, &s->scale);
        break;
    case MAXPOOL_BWD:
    case CALLS:
        tp_maxpool_q8_bwd_x_ref(&s->pool, dy, s->input, dx, &s->scale);
        break;
    }
}

/* Sizes and distances of one call. */
typedef struct extent {
    int64_t x, y;
    tp_overlap over;
} extent;

static extent measure(const subject *s, call c) {
    const bool backward = c >= CONV_BWD;
    const bool pool = c == AVGPOOL || c == MAXPOOL || c >= AVGPOOL_BWD;
    const tp_conv2d *d = &s->conv;
    const tp_pool *p = &s->pool;
    extent e = {.over = {.gathers = 0}};
    if (pool) {
        const tp_map map = {
            .h = {p->in_h, p->out_h, p->k_h, p->stride_h, 1, p->pad_t},
            .w = {p->in_w, p->out_w, p->k_w, p->stride_w, 1, p->pad_l},
            .x_bytes = p->c,
            .y_bytes = p->c,
            .backward = backward};
        tp_overlap_map(&map, &e.over);
    } else {
        tp_conv_overlap(d, backward, &e.over);
    }
    const int64_t in =
        pool ? p->in_h * p->in_w * p->c : d->in_h * d->in_w * d->in_c;
    const int64_t out =
        pool ? p->out_h * p->out_w * p->c : d->out_h * d->out_w * d->out_c;
    e.x = backward ? out + 4 : in;
    e.y = backward ? in + 4 : out;
    return e;
}

static int64_t within(int64_t v, int64_t lo, int64_t hi) {
    return v < lo ? lo : v > hi ? hi : v;
}

/* Runs with y at `at` bytes behind x's start; true for the bytes that are
 * wanted. */
static bool same_over(subject *s, call c, const extent *e, const int8_t *x,
                      const int8_t *want, int64_t at) {
    static int8_t memory[3 * MOST];
    int8_t *const from = memory + MOST;
    const int head = c >= CONV_BWD ? 4 : 0; /* exponent, reserved bytes */
    memcpy(from, x, (size_t)e->x);
    run(s, c, from, from + at);
    return (head == 0 || from[at] == want[0]) &&
           memcmp(from + at + head, want + head, (size_t)e->y - (size_t)head) ==
               0;
}

/* How often x and y shared bytes, and what the wrong order made of it. */
typedef struct tally {
    int shared, spoilt;
} tally;

static void try_order(subject *s, call c, const extent *e, const int8_t *x,
                      int32_t reverse, tally *t) {
    static int8_t want[MOST];
    const int64_t up = e->x + within(e->over.reverse, -e->x, e->y) - e->y;
    const int64_t down = -within(e->over.forward, -e->x, e->y);
    const int64_t at = reverse ? up : down;
    s->conv.reverse = s->pool.reverse = 0;
    run(s, c, x, want);
    const uint32_t peak = s->scale.peak;
    s->conv.reverse = s->pool.reverse = reverse;
    if (!same_over(s, c, e, x, want, at)) {
        fail_msg("call %d: other bytes at %d", (int)c, (int)at);
    }
    assert_int_equal(s->scale.peak, peak);
    s->conv.reverse = s->pool.reverse = 1 - reverse;
    t->shared += at < e->x && -at < e->y;
    t->spoilt += !same_over(s, c, e, x, want, at);
}

static void test_kernels(void **state) {
    static subject s;
    static int8_t x[MOST];
    tally t[CALLS] = {{0}};
    (void)state;
    s.rng = tp_rng_seed(1);
    draw_values(&s);
    for (int i = 0; i < TRIALS; i++) {
        for (int c = 0; c < CALLS; c++) {
            draw_pool(&s);
            if (draw_conv(&s, c == DWCONV || c == DWCONV_BWD)) {
                const extent e = measure(&s, (call)c);
                fill(&s, x, sizeof x);
                x[0] = 1; /* an exponent, where there is one */
                try_order(&s, (call)c, &e, x, i % 2, &t[c]);
            }
        }
    }
    for (int c = 0; c < CALLS; c++) {
        assert_true(t[c].shared > TRIALS / 4);
        assert_true(t[c].spoilt > TRIALS / 20);
    }
}

/* A mean over x's start, for each set of reduced axes. */
static void test_mean(void **state) {
    (void)state;
    subject s = {.rng = tp_rng_seed(3)};
    for (int i = 0; i < 500; i++) {
        const int32_t n[3] = {pick(&s, 1, 4), pick(&s, 1, 4), pick(&s, 1, 4)};
        const int32_t stride[3] = {n[1] * n[2], n[2], 1};
        tp_mean d = {.out_dim = {1, 1, 1, 1},
                     .red_dim = {1, 1, 1, 1},
                     .count = 1,
                     .f = {1 << 30, 0}};
        int32_t out = 1;
        for (int k = 0; k < 3; k++) {
            const bool red = pick(&s, 0, 1) == 1;
            (red ? d.red_dim : d.out_dim)[1 + k] = n[k];
            (red ? d.red_stride : d.out_stride)[1 + k] = stride[k];
            *(red ? &d.count : &out) *= n[k];
        }
        int8_t x[64];
        int8_t want[64];
        fill(&s, x, sizeof x);
        tp_mean_s8_fwd_ref(&d, x, want);
        tp_mean_s8_fwd_ref(&d, x, x);
        assert_memory_equal(x, want, (size_t)out);
    }
}

/* --- whole models --------------------------------------------------------- */

typedef struct digest {
    uint32_t outputs, adapter, after;
    uint32_t infer_bytes, arena_bytes;
} digest;

static uint32_t infer(const tp_ctx *ctx, subject *s, void *x, void *y) {
    uint32_t crc = 0;
    for (int i = 0; i < 2; i++) {
        fill(s, x, ctx->model->x_bytes);
        ctx->model->infer(ctx, x, y);
        crc = tp_crc32(crc, y, ctx->model->y_bytes);
    }
    return crc;
}

static uint32_t train(const tp_ctx *ctx, subject *s, int samples, void *x,
                      uint8_t *target) {
    tp_train_config config = TP_TRAIN_DEFAULTS;
    config.batch = 2;
    uint32_t codes = (uint32_t)tp_train_begin(ctx, &config);
    for (int i = 0; i < samples; i++) {
        fill(s, x, ctx->model->x_bytes);
        fill(s, target, ctx->model->target_bytes);
        if (ctx->model->classes > 0) {
            target[0] %= (uint8_t)ctx->model->classes;
        }
        codes = codes * 31 + (uint32_t)tp_train_sample(ctx, x, target);
    }
    return tp_crc32(codes, ctx->adapter, ctx->model->adapter_bytes);
}

static digest drive(tp_arena *arena, const tp_plan *plan, int samples) {
    tp_interpreter interpreter;
    tp_ctx ctx;
    subject s = {.rng = tp_rng_seed(7)};
    tp_interpreter_init(&interpreter, plan);
    assert_int_equal(tp_interpreter_open(arena, &interpreter, &ctx), TP_OK);
    const tp_model *m = ctx.model;
    void *x = malloc(m->x_bytes);
    void *y = malloc(m->y_bytes);
    uint8_t *target = malloc(m->target_bytes + 1);
    assert_true(x != NULL && y != NULL && target != NULL);
    digest d = {.infer_bytes = m->infer_bytes, .arena_bytes = m->arena_bytes};
    tp_adapter_init(&ctx, 7);
    d.outputs = infer(&ctx, &s, x, y);
    d.adapter = m->sample != NULL ? train(&ctx, &s, samples, x, target) : 0;
    d.after = infer(&ctx, &s, x, y);
    free(x);
    free(y);
    free(target);
    return d;
}

/* With and without overlap: the same bytes, in less memory or as much. */
static bool must_agree(const char *name, const digest d[2]) {
    if (d[0].outputs != d[1].outputs || d[0].adapter != d[1].adapter ||
        d[0].after != d[1].after) {
        fail_msg("%s: overlap changes bytes", name);
    }
    assert_true(d[0].infer_bytes <= d[1].infer_bytes);
    return d[0].infer_bytes < d[1].infer_bytes ||
           d[0].arena_bytes < d[1].arena_bytes;
}

static tp_status plan_random(tp_arena *arena, uint32_t seed, bool apart,
                             tp_plan *plan) {
    static const char *const specs[] = {"*=lora:rank=2", "*=bitfit", "*=head"};
    tp_diag diag = {.arena = arena};
    tp_graph *graph = tp_arena_alloc(arena, 1, sizeof *graph);
    tp_adapter_spec spec;
    const tp_pass_options passes = {.spec = &spec, .n_specs = 1};
    const tp_plan_options options = {.no_overlap = apart};
    assert_non_null(graph);
    test_ok(tp_random_graph(arena, seed, graph, &diag), &diag);
    test_ok(tp_adapter_parse(arena, specs[seed % 3], &spec, &diag), &diag);
    TP_TRY(tp_passes_run(graph, &passes, NULL, NULL, &diag));
    test_ok(tp_plan_make(arena, graph, &options, plan, &diag), &diag);
    return TP_OK;
}

static void test_random(void **state) {
    enum { SEEDS = 240 };
    int ran = 0;
    int smaller = 0;
    (void)state;
    for (uint32_t seed = 0; seed < SEEDS; seed++) {
        tp_arena arena = {0};
        digest d[2] = {{0}};
        bool fits = true;
        for (int apart = 0; apart < 2 && fits; apart++) {
            tp_plan plan;
            fits = plan_random(&arena, seed, apart == 1, &plan) == TP_OK;
            if (fits) {
                d[apart] = drive(&arena, &plan, 6);
            }
        }
        if (fits) {
            ran++;
            smaller += must_agree("random graph", d);
        }
        tp_arena_free(&arena);
    }
    print_message("%d graphs, %d smaller with overlap\n", ran, smaller);
    assert_true(ran > SEEDS * 3 / 4 && smaller > ran / 3);
}

static void test_model(void **state) {
    static const char *const specs[] = {"*=bitfit", "*=lora:rank=4"};
    char path[128];
    size_t n = 0;
    (void)snprintf(path, sizeof path, "models/%s.tflite", (const char *)*state);
    uint8_t *bytes = test_data(path, &n);
    if (bytes == NULL) {
        skip();
    }
    for (int i = 0; i < 2; i++) {
        digest d[2];
        for (int apart = 0; apart < 2; apart++) {
            tp_arena arena = {0};
            tp_diag diag = {.arena = &arena};
            const tp_compile_options options = {
                .name = "model",
                .spec = &specs[i],
                .n_specs = 1,
                .plan = {.no_overlap = apart == 1}};
            tp_plan plan;
            test_ok(tp_compile(&arena, bytes, n, &options, &plan, &diag),
                    &diag);
            d[apart] = drive(&arena, &plan, 4);
            tp_arena_free(&arena);
        }
        (void)must_agree(*state, d);
    }
    free(bytes);
}

int main(void) {
    static char file[5][32] = {"kws_ref_model", "ad01_int8",
                               "pretrainedResnet_quant", "str_ww_ref_model",
                               "vww_96_int8"};
    struct CMUnitTest tests[8] = {cmocka_unit_test(test_kernels),
                                  cmocka_unit_test(test_mean),
                                  cmocka_unit_test(test_random)};
    for (int i = 0; i < 5; i++) {
        tests[3 + i] = (struct CMUnitTest){
            .name = file[i], .test_func = test_model, .initial_state = file[i]};
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
