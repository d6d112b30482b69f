/* Truth link: ISA kernel -> ref. Depthwise convolutions of all shapes, lowered
 * for `dsp` or `scalar` and run on the host, give the bytes of `ref`, and the
 * same gradients, peaks and exponents: apart, and where the planner may put it,
 * over the input. Memory is exactly as long as the planner makes it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "compiler/ops/conv.h"
#include "compiler/ops/conv_scalar.h"
#include "compiler/ops/dwconv_dsp.h"
#include "core/rng.h"
#include "tests/unit/strip_stream.h"
#include "tinypeft/kernels.h"

enum { TRIALS = 5000, MOST_C = 21, MOST_TAPS = 4 * 4 };

typedef tp_status lowering(tp_lower *lower, const tp_op *op, const tp_conv2d *d,
                           bool *done);

/* The kernels of an instruction set. */
typedef struct subject {
    unsigned isa;
    lowering *forward, *backward;
} subject;

static const subject dsp = {TP_ISA_DSP, tp_dwconv_dsp_lower_described,
                            tp_dwconv_dsp_lower_bwd_x};
static const subject scalar = {TP_ISA_SCALAR, tp_conv_scalar_lower_described,
                               tp_dwconv_scalar_lower_bwd_x};

/* A random layer and what it is made of. */
typedef struct layer {
    tp_arena arena;
    tp_diag diag;
    tp_graph graph;
    tp_tensor tensor[3];
    tp_lower low;
    tp_op op;
    int in[3];
    uint32_t rng;
    tp_conv2d d;
    int8_t w[MOST_TAPS * MOST_C];
    int32_t m[MOST_C], b[MOST_C];
    int8_t s[MOST_C];
    uint16_t q[MOST_C];
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

static int32_t outputs(int32_t in, int32_t pads, int32_t k, int32_t stride) {
    const int32_t room = in + pads - k;
    return room < 0 ? 0 : room / stride + 1;
}

/* A window of 3x3; now and then another, which is refused. */
static void draw_shape(layer *l, bool backward) {
    tp_conv2d *d = &l->d;
    const bool usual = chance(l, 95);
    const int32_t stride = backward || chance(l, 50) ? 1 : pick(l, 2, 3);
    do {
        *d = (tp_conv2d){.in_h = pick(l, 1, 20),
                         .in_w = chance(l, 30) ? pick(l, 1, 40) : pick(l, 1, 9),
                         .in_c = pick(l, 4, MOST_C),
                         .k_h = usual ? 3 : pick(l, 1, 4),
                         .k_w = usual ? 3 : pick(l, 1, 4),
                         .stride_h = stride,
                         .stride_w = stride,
                         .dil_h = 1,
                         .dil_w = 1};
        if (!backward && chance(l, 10)) {
            d->stride_w = pick(l, 1, 3);
        }
        const int32_t multiplier = !backward && chance(l, 10) ? 2 : 1;
        d->in_c = multiplier > 1 ? pick(l, 1, MOST_C / 2) : d->in_c;
        d->out_c = d->in_c * multiplier;
        d->pad_t = pick(l, 0, d->k_h - 1);
        d->pad_l = pick(l, 0, d->k_w - 1);
        d->out_h = outputs(d->in_h, d->pad_t + pick(l, 0, d->k_h - 1), d->k_h,
                           d->stride_h);
        d->out_w = outputs(d->in_w, d->pad_l + pick(l, 0, d->k_w - 1), d->k_w,
                           d->stride_w);
    } while (d->out_h < 1 || d->out_w < 1);
}

static void draw_values(layer *l) {
    tp_conv2d *d = &l->d;
    const bool usual = chance(l, 80);
    fill(l, l->w, (int32_t)sizeof l->w);
    for (int32_t i = 0; i < MOST_C; i++) {
        l->m[i] = chance(l, 20) ? 1 << 30 : pick(l, 1 << 30, INT32_MAX);
        l->s[i] = (int8_t)(chance(l, 1) ? pick(l, -31, 2) : pick(l, -9, -3));
        l->b[i] =
            chance(l, 3) ? pick(l, -(1 << 29), 1 << 29) : pick(l, -9000, 9000);
        l->q[i] = (uint16_t)(TP_CONV_BWD_STEP *
                             pick(l, 0, (1 << 15) / TP_CONV_BWD_STEP));
    }
    d->w = l->w;
    d->m = l->m;
    d->s = l->s;
    d->bwd_q = l->q;
    d->bwd_e = pick(l, -9, 2);
    d->x_zp = chance(l, 50) ? -128 : pick(l, -128, 127);
    d->y_zp = usual ? -128 : pick(l, -128, 127);
    d->y_min = usual || chance(l, 50) ? -128 : pick(l, -128, 0);
    d->y_max = usual || chance(l, 50) ? 127 : pick(l, 1, 127);
}

static void begin(layer *l, const subject *of, uint32_t seed, bool backward) {
    memset(l, 0, sizeof *l);
    l->rng = tp_rng_seed(seed);
    l->diag.arena = &l->arena;
    l->in[1] = 1;
    l->in[2] = 2;
    draw_shape(l, backward);
    draw_values(l);
    l->tensor[2] = (tp_tensor){.role = TP_CONST, .data = l->b};
    l->graph = (tp_graph){.arena = &l->arena, .tensor = l->tensor};
    l->graph.op = &l->op;
    l->op = (tp_op){
        .name = "op", .kind = TP_OP_DEPTHWISE_CONV_2D, .in = l->in, .n_in = 3};
    l->low = (tp_lower){.graph = &l->graph,
                        .arena = &l->arena,
                        .diag = &l->diag,
                        .isa = of->isa};
}

/* True where y may begin where x does. */
static bool in_place(const layer *l, bool backward) {
    tp_overlap over = {.gathers = TP_BY_CHANNEL};
    tp_conv_overlap(&l->d, backward, &over);
    return over.exact;
}

static int32_t larger(int32_t a, int32_t b) {
    return a > b ? a : b;
}

/* Bytes of both maps, and memory for both in one place. */
typedef struct maps {
    int32_t x, y;
    int8_t *in, *want, *out, *over;
    uint32_t *scratch;
} maps;

static maps open_maps(layer *l, int32_t x, int32_t y) {
    maps m = {.x = x, .y = y};
    m.in = malloc((size_t)x);
    m.want = calloc(1, (size_t)y);
    m.out = calloc(1, (size_t)y);
    m.over = malloc((size_t)larger(x, y));
    m.scratch = malloc(tp_step_scratch(&l->low.step[0]));
    assert_true(m.in && m.want && m.out && m.over && m.scratch);
    fill(l, m.in, x);
    return m;
}

static void close_maps(maps *m, layer *l) {
    free(m->in);
    free(m->want);
    free(m->out);
    free(m->over);
    free(m->scratch);
    tp_arena_free(&l->arena);
}

typedef struct tally {
    int special, alone, placed; /* alone: a last column, in C */
} tally;

static void count(tally *t, const subject *of, const void *desc) {
    const tp_dwconv2d_dsp *op = desc;
    t->special++;
    t->alone +=
        of == &dsp && !op->strip[TP_DW_STRIP * (op->strips - 1) + TP_DW_FAST];
}

static void run_forward(const subject *of, const void *desc, const maps *m,
                        const int8_t *x, int8_t *y) {
    if (of == &dsp) {
        tp_dwconv2d_s8_fwd_dsp(desc, x, NULL, y, m->scratch);
    } else {
        tp_dwconv2d_s8_fwd_scalar(desc, x, NULL, y, m->scratch);
    }
}

static void forward_one(const subject *of, uint32_t seed, tally *t) {
    static layer l;
    bool done = false;
    begin(&l, of, seed, false);
    assert_int_equal(of->forward(&l.low, &l.op, &l.d, &done), TP_OK);
    if (!done) {
        tp_arena_free(&l.arena);
        return;
    }
    const tp_conv2d *d = &l.d;
    const void *op = l.low.step[0].desc;
    maps m = open_maps(&l, d->in_h * d->in_w * d->in_c,
                       d->out_h * d->out_w * d->out_c);
    count(t, of, op);
    tp_dwconv2d_s8_fwd_ref(d, m.in, l.b, m.want);
    run_forward(of, op, &m, m.in, m.out);
    if (memcmp(m.want, m.out, (size_t)m.y) != 0) {
        fail_msg("seed %u: other bytes", (unsigned)seed);
    }
    if (in_place(&l, false)) {
        t->placed++;
        memcpy(m.over, m.in, (size_t)m.x);
        run_forward(of, op, &m, m.over, m.over);
        if (memcmp(m.want, m.over, (size_t)m.y) != 0) {
            fail_msg("seed %u: other bytes in place", (unsigned)seed);
        }
    }
    close_maps(&m, &l);
}

static void forward(void **state) {
    tally t = {0};
    (void)state;
    for (uint32_t seed = 1; seed <= TRIALS; seed++) {
        forward_one(&dsp, seed, &t);
    }
    print_message("%d layers, %d with a column in C, %d in place\n", t.special,
                  t.alone, t.placed);
    assert_true(t.special > TRIALS / 3);
    assert_true(t.alone > TRIALS / 40);
    assert_true(t.placed > TRIALS / 4);
}

static void forward_scalar(void **state) {
    tally t = {0};
    (void)state;
    for (uint32_t seed = 1; seed <= TRIALS; seed++) {
        forward_one(&scalar, seed, &t);
    }
    print_message("%d layers, %d in place\n", t.special, t.placed);
    assert_true(t.special == TRIALS && t.placed > TRIALS / 3);
}

/* The exponent of dx such that sums are shifted from far too little to far too
 * much, most often as in training. */
static int8_t exponent(layer *l, const tp_q8 *dy) {
    const int32_t shift = chance(l, 20) ? pick(l, -2, 40) : pick(l, 16, 28);
    return (int8_t)(dy->e + l->d.bwd_e - 15 + shift);
}

static void same_gradient(const maps *m, const int8_t *out, const tp_gscale *g,
                          const tp_gscale *want, uint32_t seed) {
    const size_t head = offsetof(tp_q8, v);
    if (out[0] != m->want[0] || g->e != want->e || g->peak != want->peak ||
        memcmp(out + head, m->want + head, (size_t)m->y - head) != 0) {
        fail_msg("seed %u: another gradient", (unsigned)seed);
    }
}

static void run_backward(const subject *of, const void *desc, const maps *m,
                         const tp_q8 *dy, tp_q8 *dx, tp_gscale *g) {
    if (of == &dsp) {
        tp_dwconv2d_s8_bwd_x_dsp(desc, dy, dx, g, m->scratch);
    } else {
        tp_dwconv2d_s8_bwd_x_scalar(desc, dy, dx, g, m->scratch);
    }
}

static void backward_one(const subject *of, uint32_t seed, tally *t) {
    static layer l;
    bool done = false;
    begin(&l, of, seed, true);
    assert_int_equal(of->backward(&l.low, &l.op, &l.d, &done), TP_OK);
    if (!done) {
        tp_arena_free(&l.arena);
        return;
    }
    const tp_conv2d *d = &l.d;
    const void *op = l.low.step[0].desc;
    const int32_t head = (int32_t)offsetof(tp_q8, v);
    maps m = open_maps(&l, head + d->out_h * d->out_w * d->out_c,
                       head + d->in_h * d->in_w * d->in_c);
    m.in[0] = (int8_t)pick(&l, -20, 3);
    const tp_q8 *dy = (const tp_q8 *)(const void *)m.in;
    const tp_gscale first = {.e = exponent(&l, dy), .peak = 64};
    tp_gscale want = first;
    tp_gscale g = first;
    count(t, of, op);
    tp_dwconv2d_s8_bwd_x_ref(d, dy, (tp_q8 *)(void *)m.want, &want);
    run_backward(of, op, &m, dy, (tp_q8 *)(void *)m.out, &g);
    same_gradient(&m, m.out, &g, &want, seed);
    if (in_place(&l, true)) {
        tp_q8 *over = (tp_q8 *)(void *)m.over;
        t->placed++;
        g = first;
        memcpy(m.over, m.in, (size_t)m.x);
        run_backward(of, op, &m, over, over, &g);
        same_gradient(&m, m.over, &g, &want, seed);
    }
    close_maps(&m, &l);
}

static void same_gradients(const subject *of) {
    tally t = {0};
    for (uint32_t seed = 1; seed <= TRIALS; seed++) {
        backward_one(of, seed, &t);
    }
    print_message("%d gradients, %d in place\n", t.special, t.placed);
    assert_true(t.special > TRIALS / 2);
    assert_true(t.placed > TRIALS / 3);
}

static void backward(void **state) {
    (void)state;
    same_gradients(&dsp);
}

static void backward_scalar(void **state) {
    (void)state;
    same_gradients(&scalar);
}

/* tests/qemu/dsp/strips.c has the same checksum from the assembly. */
static void twins(void **state) {
    (void)state;
    assert_int_equal(tp_strip_crc(), TP_STRIP_CRC);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(twins),           cmocka_unit_test(forward),
        cmocka_unit_test(backward),        cmocka_unit_test(forward_scalar),
        cmocka_unit_test(backward_scalar),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
