/* Truth link: ISA kernel -> ref. Depthwise convolutions of every shape, lowered
 * for `dsp` as those without strips are, give the bytes of `ref`: apart, and
 * over the input where the planner may put the output, in both orders. So do
 * trained biases and factors. Memory is exactly as long as the planner makes
 * it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "compiler/ops/conv.h"
#include "compiler/ops/dwconv_any.h"
#include "core/rng.h"
#include "tinypeft/kernels.h"

enum { TRIALS = 6000, MOST_C = 24, MOST_TAPS = 40 };

typedef enum kind { FROZEN, BIAS, FACTORS } kind;

/* A random layer and what it is made of. */
typedef struct layer {
    tp_arena arena;
    tp_diag diag;
    tp_graph graph;
    tp_tensor tensor[4];
    tp_lower low;
    tp_op op;
    int in[4];
    uint32_t rng;
    tp_conv2d d;
    int8_t w[MOST_TAPS * MOST_C];
    int32_t m[MOST_C], b[MOST_C];
    int8_t s[MOST_C];
    tp_factor f[MOST_C];
} layer;

static int32_t pick(layer *l, int32_t lo, int32_t hi) {
    return lo + (int32_t)tp_rng_below(&l->rng, (uint32_t)(hi - lo + 1));
}

static bool chance(layer *l, int32_t percent) {
    return pick(l, 1, 100) <= percent;
}

static void fill(layer *l, void *bytes, int32_t n) {
    const bool ends = chance(l, 20); /* the largest sums */
    for (int32_t i = 0; i < n; i++) {
        const uint32_t v = tp_rng_next(&l->rng) >> 24;
        ((uint8_t *)bytes)[i] = (uint8_t)(ends ? (v & 1 ? 127 : 128) : v);
    }
}

static int32_t outputs(int32_t in, int32_t pads, int32_t reach,
                       int32_t stride) {
    const int32_t room = in + pads - reach;
    return room < 0 ? 0 : room / stride + 1;
}

static void draw_shape(layer *l) {
    tp_conv2d *d = &l->d;
    do {
        *d = (tp_conv2d){.in_h = pick(l, 1, 12),
                         .in_w = chance(l, 30) ? 1 : pick(l, 1, 9),
                         .in_c = pick(l, 1, 3) == 1 ? 8 : pick(l, 3, 12),
                         .k_h = pick(l, 1, chance(l, 20) ? 10 : 4),
                         .k_w = pick(l, 1, 4),
                         .stride_h = chance(l, 60) ? 1 : pick(l, 1, 3),
                         .stride_w = chance(l, 60) ? 1 : pick(l, 1, 3),
                         .dil_h = chance(l, 80) ? 1 : pick(l, 2, 3),
                         .dil_w = chance(l, 80) ? 1 : pick(l, 2, 3),
                         .reverse = pick(l, 0, 1)};
        const int32_t h = (d->k_h - 1) * d->dil_h + 1;
        const int32_t w = (d->k_w - 1) * d->dil_w + 1;
        d->out_c = d->in_c * (chance(l, 70) ? 1 : pick(l, 1, 2));
        d->pad_t = chance(l, 50) ? 0 : pick(l, 0, h - 1);
        d->pad_l = chance(l, 50) ? 0 : pick(l, 0, w - 1);
        d->out_h =
            outputs(d->in_h, d->pad_t + (chance(l, 50) ? 0 : pick(l, 0, h - 1)),
                    h, d->stride_h);
        d->out_w =
            outputs(d->in_w, d->pad_l + (chance(l, 50) ? 0 : pick(l, 0, w - 1)),
                    w, d->stride_w);
    } while (d->out_h < 1 || d->out_w < 1);
}

/* Dead channels and shifts of any size too, seldom enough that most layers have
 * neither. */
static void draw_values(layer *l) {
    tp_conv2d *d = &l->d;
    fill(l, l->w, (int32_t)sizeof l->w);
    for (int32_t i = 0; i < MOST_C; i++) {
        l->m[i] = chance(l, 20) ? 1 << 30 : pick(l, 1 << 30, INT32_MAX);
        l->s[i] = (int8_t)(chance(l, 1) ? pick(l, -31, 2) : pick(l, -10, -3));
        l->b[i] = chance(l, 1) ? pick(l, -(1 << 29), 1 << 29) * 2
                               : pick(l, -9000, 9000);
    }
    d->w = l->w;
    d->m = l->m;
    d->s = l->s;
    d->x_zp = pick(l, -128, 127);
    d->y_zp = chance(l, 30) ? -128 : pick(l, -128, 127);
    d->y_min = chance(l, 60) ? -128 : pick(l, -128, 20);
    d->y_max = chance(l, 60) ? 127 : pick(l, d->y_min, 127);
}

/* The factors of tp_rescale_s16_fwd_ref, and biases as large as they get. */
static void draw_trained(layer *l, kind what) {
    int16_t t[MOST_C];
    const tp_rescale op = {.n = l->d.out_c, .m = l->m, .s = l->s};
    for (int32_t i = 0; i < MOST_C; i++) {
        t[i] = (int16_t)pick(l, -32768, 32767);
        if (what == BIAS && chance(l, 20)) {
            l->b[i] = pick(l, -(1 << 29), 1 << 29) * 2;
        }
    }
    tp_rescale_s16_fwd_ref(&op, t, l->f);
}

static void begin(layer *l, uint32_t seed, kind what) {
    memset(l, 0, sizeof *l);
    l->rng = tp_rng_seed(seed);
    l->diag.arena = &l->arena;
    for (int i = 0; i < 4; i++) {
        l->in[i] = i;
    }
    draw_shape(l);
    draw_values(l);
    draw_trained(l, what);
    l->tensor[2] = what == BIAS ? (tp_tensor){.role = TP_VALUE, .name = "bias"}
                                : (tp_tensor){.role = TP_CONST, .data = l->b};
    l->graph = (tp_graph){.arena = &l->arena, .tensor = l->tensor};
    l->graph.op = &l->op;
    l->op = (tp_op){.kind = TP_OP_DEPTHWISE_CONV_2D,
                    .name = "op",
                    .in = l->in,
                    .n_in = what == FACTORS ? 4 : 3};
    l->low = (tp_lower){.graph = &l->graph,
                        .arena = &l->arena,
                        .diag = &l->diag,
                        .isa = TP_ISA_DSP};
}

static void run_ref(const layer *l, kind what, const int8_t *x, int8_t *y) {
    if (what == FACTORS) {
        tp_dwconv2d_scaled_s8_fwd_ref(&l->d, x, l->b, l->f, y);
    } else {
        tp_dwconv2d_s8_fwd_ref(&l->d, x, l->b, y);
    }
}

static void run_dsp(const layer *l, kind what, const int8_t *x, int8_t *y,
                    uint32_t *scratch) {
    const tp_dwconv2d_any *op = l->low.step[0].desc;
    if (what == FACTORS) {
        tp_dwconv2d_any_scaled_s8_fwd_dsp(op, x, l->b, l->f, y, scratch);
    } else {
        tp_dwconv2d_any_s8_fwd_dsp(op, x, what == FROZEN ? NULL : l->b, y,
                                   scratch);
    }
}

static int32_t larger(int32_t a, int32_t b) {
    return a > b ? a : b;
}

/* Where y may lie over x: bytes that it begins before x, or ends behind it;
 * -1: nowhere. */
static int32_t distance(const layer *l) {
    tp_overlap over = {.gathers = 0};
    tp_conv_overlap(&l->d, false, &over);
    const int32_t d = l->d.reverse != 0 ? over.reverse : over.forward;
    return d == TP_APART || d < 0 ? -1 : d;
}

static void in_place(layer *l, kind what, const int8_t *in, const int8_t *want,
                     int32_t x, int32_t y, uint32_t *scratch) {
    const int32_t apart = distance(l);
    const int32_t n = larger(x, y) + apart;
    int8_t *both = malloc(n > 0 ? (size_t)n : 1);
    assert_non_null(both);
    int8_t *to = l->d.reverse != 0 ? both + n - y : both;
    int8_t *from = l->d.reverse != 0 ? both + n - apart - x : both + apart;
    memcpy(from, in, (size_t)x);
    run_dsp(l, what, from, to, scratch);
    if (memcmp(to, want, (size_t)y) != 0) {
        fail_msg("other bytes in place");
    }
    free(both);
}

typedef struct tally {
    int done, placed, wide;
} tally;

static void one(uint32_t seed, kind what, tally *t) {
    static layer l;
    bool done = false;
    begin(&l, seed, what);
    assert_int_equal(tp_dwconv_any_lower_described(&l.low, &l.op, &l.d, &done),
                     TP_OK);
    if (done) {
        const tp_conv2d *d = &l.d;
        const int32_t x = d->in_h * d->in_w * d->in_c;
        const int32_t y = d->out_h * d->out_w * d->out_c;
        int8_t *in = malloc((size_t)x);
        int8_t *want = calloc(1, (size_t)y);
        int8_t *out = calloc(1, (size_t)y);
        uint32_t *scratch = malloc(tp_step_scratch(&l.low.step[0]));
        assert_true(in && want && out && scratch);
        fill(&l, in, x);
        run_ref(&l, what, in, want);
        run_dsp(&l, what, in, out, scratch);
        if (memcmp(want, out, (size_t)y) != 0) {
            fail_msg("seed %u: other bytes", (unsigned)seed);
        }
        if (distance(&l) >= 0) {
            in_place(&l, what, in, want, x, y, scratch);
            t->placed++;
        }
        t->done++;
        t->wide += d->out_c != d->in_c;
        free(in);
        free(want);
        free(out);
        free(scratch);
    }
    tp_arena_free(&l.arena);
}

static tally all(kind what) {
    tally t = {0};
    for (uint32_t seed = 1; seed <= TRIALS; seed++) {
        one(seed, what, &t);
    }
    print_message("%d layers of %d, %d in place, %d with a multiplier\n",
                  t.done, TRIALS, t.placed, t.wide);
    return t;
}

static void frozen(void **state) {
    const tally t = all(FROZEN);
    (void)state;
    assert_true(t.done > TRIALS / 2 && t.placed > TRIALS / 4 &&
                t.wide > TRIALS / 20);
}

static void trained(void **state) {
    (void)state;
    assert_true(all(BIAS).done > TRIALS / 2);
    assert_true(all(FACTORS).done > TRIALS / 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frozen),
        cmocka_unit_test(trained),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
