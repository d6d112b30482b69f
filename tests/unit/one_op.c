#include "tests/unit/one_op.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/random_maker.h"

static int random_map(tp_maker *m) {
    tp_tensor t =
        shape4(1, between(m, 2, 9), between(m, 2, 9), between(m, 1, 8));
    const float scale = 0.02F;
    t.dtype = TP_S8;
    t.role = TP_INPUT;
    tp_maker_scales(m, &t, &scale, 1);
    return tp_maker_tensor(m, t, "", 1.0);
}

static void add_window_op(tp_maker *m, tp_kind kind) {
    const tp_tensor x = *current(m);
    const bool pool =
        kind == TP_OP_AVERAGE_POOL_2D || kind == TP_OP_MAX_POOL_2D;
    const tp_window h = tp_maker_window(m, x.dim[1], 3, !pool);
    const tp_window w = tp_maker_window(m, x.dim[2], 3, !pool);
    const bool depth = kind == TP_OP_DEPTHWISE_CONV_2D;
    const int32_t mult = depth && between(m, 0, 3) == 0 ? between(m, 2, 4) : 1;
    const int32_t c = pool || depth ? x.dim[3] * mult : between(m, 1, 16);
    int in[3] = {m->x, -1, -1};
    if (!pool) {
        tp_maker_weights(
            m, depth ? shape4(1, h.k, w.k, c) : shape4(c, h.k, w.k, x.dim[3]),
            depth ? 3 : 0, (int)(h.k * w.k), in);
    }
    tp_op *op =
        tp_maker_op(m, kind, in, pool ? 1 : 3,
                    tp_maker_alike(m, shape4(1, h.out, w.out, c), m->x));
    set_window(op, h, w);
    set_range(op, (int[]){-128, 127});
    op->attr.k_h = pool ? h.k : 0;
    op->attr.k_w = pool ? w.k : 0;
    op->attr.dilation_h = pool ? 0 : h.dilation;
    op->attr.dilation_w = pool ? 0 : w.dilation;
}

tp_graph tp_one_op(tp_arena *arena, uint32_t seed, tp_kind kind) {
    tp_maker m = {.graph = {.arena = arena,
                            .name = "one",
                            .input = -1,
                            .output = -1,
                            .logits = -1,
                            .io_in = TP_S8,
                            .io_out = TP_S8},
                  .rng = tp_rng_seed(seed)};
    m.x = m.graph.input = random_map(&m);
    (void)unary(&m, TP_OP_RELU,
                tp_maker_value(&m, *current(&m), 0.02, -128, 1));
    add_window_op(&m, kind);
    const int32_t *d = current(&m)->dim;
    const tp_tensor y = shape4(1, d[3], d[1], d[2]);
    tp_op *op = unary(&m, TP_OP_TRANSPOSE, tp_maker_alike(&m, y, m.x));
    op->attr.n_list = 4;
    memcpy(op->attr.list, (int32_t[]){0, 3, 1, 2}, 4 * sizeof(int32_t));
    assert_false(m.failed);
    m.graph.output = m.x;
    m.graph.first_backward = m.graph.n_ops;
    return m.graph;
}

/* Scales such that s_x s_w / s_y is from 2^-16 to 1, often a power of two. */
static void change_scales(tp_maker *m, const tp_op *op) {
    tp_tensor *w = &m->graph.tensor[op->in[1]];
    const bool exact = chance(m, 30);
    const float x = exact ? 0.0625F : 0.02F;
    float *scale =
        tp_arena_alloc(m->graph.arena, (size_t)w->quant.n, sizeof *scale);
    assert_non_null(scale);
    for (int i = 0; i < w->quant.n; i++) {
        const double factor = exact ? 1.0 : uniform(m, 0.5, 1.0);
        const int e = chance(m, 10) ? between(m, -16, 0) : between(m, -9, -3);
        scale[i] = (float)ldexp(factor, e);
    }
    w->quant.scale = scale;
    tp_maker_scales(m, &m->graph.tensor[op->in[0]], &x, 1);
    tp_maker_scales(m, &m->graph.tensor[op->out], &x, 1);
}

/* A ReLU at the lowest code, as most models have it; or anything. */
static void change_range(tp_maker *m, tp_op *op) {
    tp_tensor *y = &m->graph.tensor[op->out];
    const int lo = between(m, -128, 0);
    const int range[] = {lo, between(m, lo + 1, 127)};
    y->quant.zero_point = chance(m, 50) ? -128 : between(m, -128, 127);
    set_range(op, chance(m, 60)   ? (int[]){-128, 127}
                  : chance(m, 50) ? (int[]){y->quant.zero_point, 127}
                                  : range);
}

/* Now and then one that is far beyond its sum: a dead channel. */
static void change_bias(tp_maker *m, const tp_op *op) {
    tp_tensor *b = &m->graph.tensor[op->in[2]];
    const int64_t n = tp_tensor_count(b);
    int32_t *v = tp_arena_copy(m->graph.arena, b->data, (size_t)n, sizeof *v);
    assert_non_null(v);
    for (int64_t i = 0; i < n; i++) {
        const int32_t big = between(m, 0, 1) == 1 ? 1 << 29 : -(1 << 29);
        v[i] = chance(m, 3) ? big : between(m, -20000, 20000);
    }
    b->data = v;
}

tp_graph tp_one_conv(tp_arena *arena, uint32_t seed, tp_kind kind) {
    tp_maker m = {.graph = tp_one_op(arena, seed, kind),
                  .rng = tp_rng_seed(seed + 1000000u)};
    tp_op *op = &m.graph.op[1];
    change_scales(&m, op);
    change_range(&m, op);
    change_bias(&m, op);
    assert_false(m.failed);
    return m.graph;
}
