#include "tests/unit/random_graph.h"

#include <math.h>
#include <string.h>

#include "compiler/ir/verify.h"
#include "tests/unit/random_maker.h"

#define MAX_PIXELS 1024 /* times channels, where an op chooses these */

/* --- convolutions --------------------------------------------------------- */

/* A convolution to `out_c` channels; `depth`: a depthwise one. */
static void convolve(tp_maker *m, int32_t out_c, bool depth, int most) {
    const tp_tensor x = *current(m);
    const tp_window h = tp_maker_window(m, x.dim[1], most, true);
    const tp_window w = tp_maker_window(m, x.dim[2], most, true);
    const int taps = (int)(h.k * w.k * (depth ? 1 : x.dim[3]));
    int in[3] = {m->x, -1, -1};
    int range[2];
    tp_maker_weights(m,
                     depth ? shape4(1, h.k, w.k, out_c)
                           : shape4(out_c, h.k, w.k, x.dim[3]),
                     depth ? 3 : 0, taps, in);
    const int y = tp_maker_activated(m, shape4(1, h.out, w.out, out_c),
                                     m->rms[m->x], range);
    tp_op *op = tp_maker_op(m, depth ? TP_OP_DEPTHWISE_CONV_2D : TP_OP_CONV_2D,
                            in, 3, y);
    set_window(op, h, w);
    set_range(op, range);
    op->attr.dilation_h = h.dilation;
    op->attr.dilation_w = w.dilation;
}

/* From lo to 8 channels, fewer on a large map. */
static int32_t channels(tp_maker *m, int lo, int64_t pixels) {
    const int most = (int)(MAX_PIXELS / pixels);
    return between(m, lo, most > 8 ? 8 : most > lo ? most : lo);
}

static void make_conv(tp_maker *m) {
    const int32_t *d = current(m)->dim;
    convolve(m, channels(m, 2, (int64_t)d[1] * d[2]), false,
             chance(m, 40) ? 1 : 3);
}

static void make_dwconv(tp_maker *m) {
    const int32_t c = current(m)->dim[3];
    convolve(m, c * (c <= 4 && chance(m, 30) ? 2 : 1), true, 3);
}

/* The last axis, row by row, or all of x, becomes `out_c` features. */
static void connect(tp_maker *m, int32_t out_c, bool flat, bool activated) {
    const tp_tensor x = *current(m);
    const int32_t in_c =
        flat ? (int32_t)tp_tensor_count(&x) : x.dim[x.rank - 1];
    tp_tensor y = {.rank = flat ? 2 : x.rank, .dim = {1, out_c}};
    if (!flat) {
        memcpy(y.dim, x.dim, sizeof y.dim);
        y.dim[x.rank - 1] = out_c;
    }
    int in[3] = {m->x, -1, -1};
    int range[2] = {-128, 127};
    tp_maker_weights(m, (tp_tensor){.rank = 2, .dim = {out_c, in_c}}, 0,
                     (int)in_c, in);
    const int out = activated ? tp_maker_activated(m, y, m->rms[m->x], range)
                              : tp_maker_fresh(m, y, m->rms[m->x]);
    set_range(tp_maker_op(m, TP_OP_FULLY_CONNECTED, in, 3, out), range);
}

static void make_fc(tp_maker *m) {
    const tp_tensor *x = current(m);
    const int64_t rows = tp_tensor_count(x) / x->dim[x->rank - 1];
    connect(m, channels(m, 2, rows), false, true);
}

/* --- two inputs ----------------------------------------------------------- */

/* An earlier value (or the input) shaped like x, or -1. */
static int find_partner(tp_maker *m) {
    const tp_tensor *x = current(m);
    int found = -1;
    int seen = 0;
    for (int i = 0; i < m->graph.n_tensors; i++) {
        const tp_tensor *t = at(m, i);
        if (i != m->x && t->role != TP_CONST && t->dtype == TP_S8 &&
            t->rank == x->rank && memcmp(t->dim, x->dim, sizeof t->dim) == 0 &&
            between(m, 0, seen++) == 0) {
            found = i;
        }
    }
    return found;
}

/* A constant like x, or one that is broadcast to it. */
static int add_operand(tp_maker *m) {
    tp_tensor t = {.rank = current(m)->rank};
    const float scale = (float)uniform(m, 0.005, 0.02);
    memcpy(t.dim, current(m)->dim, sizeof t.dim);
    const int kept = between(m, 0, 3);
    for (int i = 0; i + 1 < t.rank && kept > 0; i++) {
        t.dim[i] = kept == 1 && i == 1 ? t.dim[i] : 1;
    }
    if (kept == 3) { /* one axis only, or one number */
        t.rank = 1;
        t.dim[0] = chance(m, 50) ? current(m)->dim[current(m)->rank - 1] : 1;
        memset(t.dim + 1, 0, sizeof t.dim - sizeof t.dim[0]);
    }
    t.quant.zero_point = between(m, -20, 20);
    tp_maker_scales(m, &t, &scale, 1);
    return tp_maker_bytes(m, t, "_c", 74.0 * (double)scale);
}

static void combine(tp_maker *m, tp_kind kind) {
    int other = find_partner(m);
    if (other < 0 || chance(m, 30)) {
        other = chance(m, 85) ? add_operand(m) : m->x;
    }
    const bool swap = chance(m, 50);
    const int in[2] = {swap ? other : m->x, swap ? m->x : other};
    const double a = m->rms[m->x];
    const double b = m->rms[other < 0 ? 0 : other];
    int range[2];
    const int y = tp_maker_activated(
        m, *current(m), kind == TP_OP_MUL ? a * b : hypot(a, b), range);
    set_range(tp_maker_op(m, kind, in, 2, y), range);
}

static void make_add(tp_maker *m) {
    combine(m, TP_OP_ADD);
}

static void make_sub(tp_maker *m) {
    combine(m, TP_OP_SUB);
}

static void make_mul(tp_maker *m) {
    combine(m, TP_OP_MUL);
}

/* x beside a constant, itself or an earlier value brought to its scale. */
static void make_concat(tp_maker *m) {
    const int x = m->x;
    const int like = find_partner(m);
    int other = x;
    if (like >= 0 && chance(m, 80)) {
        m->x = like;
        other = tp_maker_alike(m, *at(m, like), x);
        (void)unary(m, TP_OP_QUANTIZE, other);
    } else if (chance(m, 50)) {
        tp_tensor t = *at(m, x); /* with its scale */
        other = tp_maker_bytes(m, t, "_c", m->rms[x]);
    }
    const bool swap = chance(m, 50);
    const int in[2] = {swap ? other : x, swap ? x : other};
    tp_tensor y = *at(m, x);
    const int along = between(m, 1, y.rank - 1);
    y.dim[along] *= 2;
    tp_maker_op(m, TP_OP_CONCATENATION, in, 2, tp_maker_alike(m, y, x))
        ->attr.axis = along;
}

/* --- pools, means --------------------------------------------------------- */

static void pool(tp_maker *m, tp_kind kind) {
    const tp_tensor x = *current(m);
    const tp_window h = tp_maker_window(m, x.dim[1], 3, false);
    const tp_window w = tp_maker_window(m, x.dim[2], 3, false);
    tp_op *op = unary(
        m, kind, tp_maker_alike(m, shape4(1, h.out, w.out, x.dim[3]), m->x));
    set_window(op, h, w);
    op->attr.k_h = h.k;
    op->attr.k_w = w.k;
    if (chance(m, 20)) { /* a fused ReLU */
        op->attr.act_min = x.quant.zero_point;
    }
}

static void make_avgpool(tp_maker *m) {
    pool(m, TP_OP_AVERAGE_POOL_2D);
}

static void make_maxpool(tp_maker *m) {
    pool(m, TP_OP_MAX_POOL_2D);
}

/* Over the axes in `set` (bit by axis), which are dropped or stay as 1. */
static void average(tp_maker *m, unsigned set, bool keep) {
    const tp_tensor x = *current(m);
    tp_attr attr = {.n_list = 0};
    tp_tensor y = {.rank = 0};
    for (int i = 0; i < x.rank; i++) {
        if ((set >> i & 1u) != 0) {
            attr.list[attr.n_list++] = i;
        }
        if ((set >> i & 1u) == 0 || keep) {
            y.dim[y.rank++] = (set >> i & 1u) != 0 ? 1 : x.dim[i];
        }
    }
    const double shrink = uniform(m, 0.4, 1.0);
    const int out = tp_maker_value(m, y, (double)tp_scale_of(&x, 0) * shrink,
                                   (int)x.quant.zero_point + between(m, 0, 3),
                                   shrink * m->rms[m->x]);
    unary(m, TP_OP_MEAN, out)->attr = attr;
}

static void make_mean(tp_maker *m) {
    static const unsigned sets[] = {6, 2, 4, 8, 10};
    average(m, sets[between(m, 0, 4)], true);
}

/* --- functions of a byte -------------------------------------------------- */

static void make_relu(tp_maker *m) {
    const double rms = m->rms[m->x];
    (void)unary(m, TP_OP_RELU,
                tp_maker_value(m, *current(m), rms / uniform(m, 60.0, 90.0),
                               -128, 0.7 * rms));
}

static void make_relu6(tp_maker *m) {
    const double rms = fmin(m->rms[m->x], 4.0);
    (void)unary(m, TP_OP_RELU6,
                tp_maker_value(m, *current(m), rms / uniform(m, 60.0, 90.0),
                               -128, 0.7 * rms));
}

static void make_leaky_relu(tp_maker *m) {
    const int y =
        tp_maker_value(m, *current(m), m->rms[m->x] / uniform(m, 45.0, 60.0),
                       between(m, -100, -40), 0.8 * m->rms[m->x]);
    unary(m, TP_OP_LEAKY_RELU, y)->attr.alpha = (float)uniform(m, 0.05, 0.5);
}

static void make_logistic(tp_maker *m) {
    (void)unary(m, TP_OP_LOGISTIC,
                tp_maker_value(m, *current(m), 1.0 / 256.0, -128, 0.5));
}

static void make_tanh(tp_maker *m) {
    (void)unary(m, TP_OP_TANH,
                tp_maker_value(m, *current(m), 1.0 / 128.0, 0, 0.6));
}

static void make_hard_swish(tp_maker *m) {
    const double scale = m->rms[m->x] / uniform(m, 60.0, 90.0);
    const int least = (int)fmin(100.0, ceil(0.375 / scale));
    (void)unary(m, TP_OP_HARD_SWISH,
                tp_maker_value(m, *current(m), scale, -128 + least,
                               0.6 * m->rms[m->x]));
}

/* To another scale, perhaps by way of uint8. */
static void make_quantize(tp_maker *m) {
    if (chance(m, 25)) {
        tp_tensor t = *current(m);
        const float scale = tp_scale_of(&t, 0);
        t.dtype = TP_U8;
        t.role = TP_VALUE;
        t.quant.zero_point += 128;
        tp_maker_scales(m, &t, &scale, 1);
        (void)unary(m, TP_OP_QUANTIZE, tp_maker_tensor(m, t, "", m->rms[m->x]));
    }
    (void)unary(m, TP_OP_QUANTIZE,
                tp_maker_fresh(m, *current(m), m->rms[m->x]));
}

/* --- movement ------------------------------------------------------------- */

static void make_reshape(tp_maker *m) {
    const int32_t *d = current(m)->dim;
    const tp_tensor shapes[] = {
        shape4(1, d[2], d[1], d[3]),
        shape4(1, 1, d[1] * d[2], d[3]),
        shape4(1, d[1], d[3], d[2]),
        shape4(1, d[1] * d[2], 1, d[3]),
    };
    const int i = between(m, 0, 3);
    (void)unary(m, TP_OP_RESHAPE, tp_maker_alike(m, shapes[i], m->x));
}

static void make_transpose(tp_maker *m) {
    static const int32_t orders[5][4] = {
        {0, 2, 1, 3}, {0, 1, 3, 2}, {0, 3, 1, 2}, {0, 2, 3, 1}, {0, 3, 2, 1}};
    const int32_t *order = orders[between(m, 0, 4)];
    const int32_t *d = current(m)->dim;
    const tp_tensor y = shape4(1, d[order[1]], d[order[2]], d[order[3]]);
    tp_op *op = unary(m, TP_OP_TRANSPOSE, tp_maker_alike(m, y, m->x));
    op->attr.n_list = 4;
    memcpy(op->attr.list, order, 4 * sizeof *order);
}

static void make_pad(tp_maker *m) {
    tp_tensor y = *current(m);
    const int32_t zero = y.quant.zero_point;
    tp_attr attr = {.n_list = 8, .value = zero};
    for (int i = 1; i < 4; i++) {
        const int most = i < 3 ? 2 : chance(m, 20);
        attr.list[i] = between(m, 0, most);
        attr.list[4 + i] = between(m, 0, most);
        y.dim[i] += attr.list[i] + attr.list[4 + i];
    }
    if (chance(m, 30)) {
        attr.value = between(m, -128, 127);
    }
    unary(m, TP_OP_PAD, tp_maker_alike(m, y, m->x))->attr = attr;
}

static void make_slice(tp_maker *m) {
    tp_tensor y = *current(m);
    tp_attr attr = {.n_list = 8};
    attr.list[4] = 1;
    for (int i = 1; i < 4; i++) {
        const int32_t in = y.dim[i];
        const int32_t step = in > 2 ? between(m, 1, 2) : 1;
        const int32_t first = between(m, 0, in > 1 ? 1 : 0);
        const int32_t most = (in - 1 - first) / step + 1;
        y.dim[i] = between(m, (int)(most + 1) / 2, (int)most);
        const bool back = chance(m, 30);
        attr.list[i] = back ? first + (y.dim[i] - 1) * step : first;
        attr.list[4 + i] = back ? -step : step;
    }
    unary(m, TP_OP_STRIDED_SLICE, tp_maker_alike(m, y, m->x))->attr = attr;
}

static void make_resize(tp_maker *m) {
    const int32_t *d = current(m)->dim;
    const tp_tensor y =
        chance(m, 50) ? shape4(1, 2 * d[1], 2 * d[2], d[3])
                      : shape4(1, between(m, 1, 10), between(m, 1, 10), d[3]);
    tp_op *op =
        unary(m, TP_OP_RESIZE_NEAREST_NEIGHBOR, tp_maker_alike(m, y, m->x));
    const int rule = between(m, 0, 2);
    op->attr.align_corners = rule == 1;
    op->attr.half_pixel = rule == 2;
}

/* --- the whole ------------------------------------------------------------ */

typedef struct step {
    tp_kind kind;
    void (*make)(tp_maker *m);
    bool any;   /* of any rank; else maps alone */
    bool grows; /* only from a small value */
    int weight;
} step;

static const step steps[] = {
    {TP_OP_CONV_2D, make_conv, false, false, 10},
    {TP_OP_DEPTHWISE_CONV_2D, make_dwconv, false, false, 6},
    {TP_OP_FULLY_CONNECTED, make_fc, true, false, 4},
    {TP_OP_ADD, make_add, true, false, 4},
    {TP_OP_SUB, make_sub, true, false, 2},
    {TP_OP_MUL, make_mul, true, false, 2},
    {TP_OP_AVERAGE_POOL_2D, make_avgpool, false, false, 2},
    {TP_OP_MAX_POOL_2D, make_maxpool, false, false, 2},
    {TP_OP_MEAN, make_mean, false, false, 1},
    {TP_OP_RESHAPE, make_reshape, false, false, 2},
    {TP_OP_QUANTIZE, make_quantize, true, false, 2},
    {TP_OP_RELU, make_relu, true, false, 2},
    {TP_OP_RELU6, make_relu6, true, false, 2},
    {TP_OP_LEAKY_RELU, make_leaky_relu, true, false, 2},
    {TP_OP_LOGISTIC, make_logistic, true, false, 1},
    {TP_OP_TANH, make_tanh, true, false, 1},
    {TP_OP_HARD_SWISH, make_hard_swish, true, false, 2},
    {TP_OP_PAD, make_pad, false, true, 2},
    {TP_OP_TRANSPOSE, make_transpose, false, false, 2},
    {TP_OP_CONCATENATION, make_concat, true, true, 2},
    {TP_OP_RESIZE_NEAREST_NEIGHBOR, make_resize, false, true, 2},
    {TP_OP_STRIDED_SLICE, make_slice, false, false, 2},
};

#define N_STEPS ((int)(sizeof steps / sizeof steps[0]))

static bool applies(const tp_maker *m, const step *s) {
    const tp_tensor *x = current(m);
    bool small = tp_tensor_count(x) <= 200;
    for (int i = 0; i < x->rank; i++) {
        small = small && x->dim[i] <= 20;
    }
    return (s->any || is_map(m)) && (small || !s->grows);
}

/* One of the steps, by weight. */
static const step *draw(tp_maker *m) {
    int total = 0;
    int chosen = 0;
    for (int i = 0; i < N_STEPS; i++) {
        const int weight = applies(m, &steps[i]) ? steps[i].weight : 0;
        total += weight;
        if (weight > 0 && between(m, 1, total) <= weight) {
            chosen = i;
        }
    }
    return &steps[chosen];
}

static void add_input(tp_maker *m, bool map) {
    tp_tensor t = {.dtype = TP_S8, .role = TP_INPUT, .rank = map ? 4 : 2};
    const float scale = (float)uniform(m, 0.008, 0.03);
    t.dim[0] = 1;
    t.dim[1] = map ? between(m, 4, 9) : between(m, 4, 40);
    t.dim[2] = map ? between(m, 4, 9) : 0;
    t.dim[3] = map ? between(m, 1, 8) : 0;
    t.quant.zero_point = chance(m, 30) ? -128 : between(m, -30, 30);
    tp_maker_scales(m, &t, &scale, 1);
    const double mean = (double)scale * (double)t.quant.zero_point;
    m->x = tp_maker_tensor(m, t, "", hypot(74.0 * (double)scale, mean));
    m->graph.input = m->x;
}

/* Each step makes 1 or 2 ops. A graph has its own kind (by the seed), mostly
 * behind a layer that an adapter can train, so that gradients pass it. */
static void make_body(tp_maker *m, const step *own) {
    const int wanted = between(m, 4, 7);
    if (chance(m, 70)) {
        (is_map(m) ? chance(m, 70) ? make_conv : make_dwconv : make_fc)(m);
    }
    own->make(m);
    while (!m->failed && m->graph.n_ops < wanted) {
        draw(m)->make(m);
    }
}

/* One row of features: a mean, a pool over all, or all places. */
static void flatten(tp_maker *m) {
    const tp_tensor x = *current(m);
    switch (between(m, 0, 3)) {
    case 0:
        average(m, 6, false);
        break;
    case 1: {
        tp_op *op = unary(m, TP_OP_AVERAGE_POOL_2D,
                          tp_maker_alike(m, shape4(1, 1, 1, x.dim[3]), m->x));
        set_window(op, (tp_window){.stride = 1}, (tp_window){.stride = 1});
        op->attr.k_h = x.dim[1];
        op->attr.k_w = x.dim[2];
        break;
    }
    case 2:
        (void)unary(m, TP_OP_RESHAPE,
                    tp_maker_alike(
                        m,
                        (tp_tensor){.rank = 2,
                                    .dim = {1, (int32_t)tp_tensor_count(&x)}},
                        m->x));
        break;
    default:
        break; /* the layer flattens */
    }
}

static void make_tail(tp_maker *m, bool softmax) {
    if (is_map(m)) {
        flatten(m);
    }
    if (chance(m, 30)) {
        connect(m, between(m, 4, 12), true, true);
    }
    connect(m, between(m, 2, 6), true, false);
    if (softmax) {
        const int y = tp_maker_value(m, *current(m), 1.0 / 256.0, -128, 0.5);
        unary(m, TP_OP_SOFTMAX, y)->attr.alpha = 1.0F;
    }
}

static void make_graph(tp_maker *m, uint32_t seed) {
    const step *own = &steps[seed % (uint32_t)N_STEPS];
    const int ends = between(m, 0, 15); /* 0, 1: as a map */
    add_input(m, !own->any || ends < 2 || chance(m, 75));
    if (m->failed) {
        return;
    }
    make_body(m, own);
    if (ends > 1) {
        make_tail(m, ends % 2 == 0);
    }
    m->graph.output = m->x;
    m->graph.first_backward = m->graph.n_ops;
    for (size_t i = 0; i < sizeof m->graph.sha256; i++) {
        m->graph.sha256[i] = (uint8_t)tp_rng_next(&m->rng);
    }
}

tp_status tp_random_graph(tp_arena *arena, uint32_t seed, tp_graph *graph,
                          tp_diag *diag) {
    tp_maker m = {
        .graph = {.arena = arena,
                  .name = tp_arena_printf(arena, "g%u", (unsigned)seed),
                  .input = -1,
                  .output = -1,
                  .logits = -1,
                  .io_in = TP_S8,
                  .io_out = TP_S8},
        .rng = tp_rng_seed(seed),
    };
    make_graph(&m, seed);
    if (m.failed) {
        return tp_no_memory(diag);
    }
    TP_TRY(tp_graph_verify(&m.graph, diag));
    *graph = m.graph;
    return TP_OK;
}
