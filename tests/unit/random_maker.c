#include "tests/unit/random_maker.h"

#include <math.h>
#include <string.h>

#include "compiler/ops/opdef.h"

/* --- tensors -------------------------------------------------------------- */

int tp_maker_tensor(tp_maker *m, tp_tensor t, const char *suffix, double rms) {
    const int n = m->graph.n_tensors;
    t.train = (tp_trainable){.param = -1};
    t.name = tp_arena_printf(m->graph.arena, "t%d%s", n, suffix);
    const int index = t.name == NULL || n == TP_MAKER_TENSORS
                          ? -1
                          : tp_graph_add_tensor(&m->graph, &t);
    m->failed = m->failed || index < 0;
    if (index >= 0) {
        m->rms[index] = fmax(rms, 0.01);
    }
    return index;
}

void tp_maker_scales(tp_maker *m, tp_tensor *t, const float *scale, int n) {
    t->quant.scale =
        tp_arena_copy(m->graph.arena, scale, (size_t)n, sizeof *scale);
    t->quant.n = t->quant.scale == NULL ? 0 : n;
    m->failed = m->failed || t->quant.scale == NULL;
}

int tp_maker_value(tp_maker *m, tp_tensor shape, double scale, int zero_point,
                   double rms) {
    const float narrow = (float)scale;
    tp_tensor t = {.dtype = TP_S8, .role = TP_VALUE, .rank = shape.rank};
    memcpy(t.dim, shape.dim, sizeof t.dim);
    t.quant.zero_point = zero_point;
    tp_maker_scales(m, &t, &narrow, 1);
    return tp_maker_tensor(m, t, "", rms);
}

int tp_maker_alike(tp_maker *m, tp_tensor shape, int like) {
    const tp_tensor *t = at(m, like);
    return tp_maker_value(m, shape, (double)tp_scale_of(t, 0),
                          (int)t->quant.zero_point,
                          m->rms[like < 0 ? 0 : like]);
}

int tp_maker_fresh(tp_maker *m, tp_tensor shape, double rms) {
    return tp_maker_value(m, shape, rms / uniform(m, 30.0, 50.0),
                          between(m, -25, 25), rms);
}

int tp_maker_bytes(tp_maker *m, tp_tensor t, const char *suffix, double rms) {
    const size_t n = (size_t)tp_tensor_count(&t);
    int8_t *data = tp_arena_alloc(m->graph.arena, n, 1);
    for (size_t i = 0; data != NULL && i < n; i++) {
        data[i] = (int8_t)between(m, -127, 127);
    }
    t.dtype = TP_S8;
    t.role = TP_CONST;
    t.data = data;
    m->failed = m->failed || data == NULL;
    return tp_maker_tensor(m, t, suffix, rms);
}

/* --- ops ------------------------------------------------------------------ */

tp_op *tp_maker_op(tp_maker *m, tp_kind kind, const int *in, int n_in,
                   int out) {
    tp_graph *g = &m->graph;
    tp_op *op = NULL;
    if (!m->failed) {
        op = tp_graph_insert_op(
            g, g->n_ops, kind,
            tp_arena_printf(g->arena, "%s%d", tp_kind_name(kind), g->n_ops), in,
            n_in, out);
    }
    if (op == NULL) {
        m->failed = true;
        return &m->spare;
    }
    op->source = g->n_ops - 1;
    if (strchr(tp_kind_attrs(kind), 'a') != NULL) {
        op->attr.act_min = -128;
        op->attr.act_max = 127;
    }
    m->x = out;
    return op;
}

int tp_maker_activated(tp_maker *m, tp_tensor shape, double rms, int range[2]) {
    range[0] = -128;
    range[1] = 127;
    if (chance(m, 50)) {
        return tp_maker_fresh(m, shape, rms);
    }
    const int zero = chance(m, 80) ? -128 : between(m, -128, -90);
    const double scale = rms / uniform(m, 60.0, 90.0);
    range[0] = zero;
    if (chance(m, 30)) {
        range[1] = (int)fmin(127.0, zero + round(6.0 / scale));
    }
    return tp_maker_value(m, shape, scale, zero, 0.7 * rms);
}

/* --- convolutions --------------------------------------------------------- */

tp_window tp_maker_window(tp_maker *m, int32_t in, int most, bool dilates) {
    tp_window a = {.k = between(m, 1, most), .stride = between(m, 1, 2)};
    a.dilation = dilates && chance(m, 20) ? 2 : 1;
    int32_t reach = (a.k - 1) * a.dilation + 1;
    if (chance(m, 50)) {
        a.out = (in + a.stride - 1) / a.stride;
        const int32_t total = (a.out - 1) * a.stride + reach - in;
        a.before = total > 0 ? total / 2 : 0;
        a.after = total > 0 ? total - a.before : 0;
        return a;
    }
    if (reach > in) {
        a.dilation = 1;
        a.k = a.k > in ? in : a.k;
        reach = a.k;
    }
    if (a.k > 1 && chance(m, 20)) {
        a.before = between(m, 0, 1);
        a.after = between(m, 0, 1);
    }
    a.out = (in + a.before + a.after - reach) / a.stride + 1;
    return a;
}

void tp_maker_weights(tp_maker *m, tp_tensor shape, int along, int taps,
                      int in[3]) {
    const int out_c = (int)shape.dim[along];
    const double s_x = (double)tp_scale_of(at(m, in[0]), 0);
    const double unit = 1.0 / (64.0 * sqrt((double)taps));
    const double offset = 0.3 * m->rms[in[0]];
    const bool one = out_c == 1 || chance(m, 30);
    tp_arena *arena = m->graph.arena;
    float *s_w = tp_arena_alloc(arena, (size_t)out_c, sizeof *s_w);
    float *s_b = tp_arena_alloc(arena, (size_t)out_c, sizeof *s_b);
    int32_t *bias = tp_arena_alloc(arena, (size_t)out_c, sizeof *bias);
    m->failed = m->failed || s_w == NULL || s_b == NULL || bias == NULL;
    for (int c = 0; !m->failed && c < out_c; c++) {
        s_w[c] = (float)(unit * uniform(m, 0.6, 1.6));
        s_b[c] = (float)(s_x * (double)s_w[one ? 0 : c]);
        bias[c] = (int32_t)lround(uniform(m, -offset, offset) / (double)s_b[c]);
    }
    tp_tensor b = {.dtype = TP_S32,
                   .role = TP_CONST,
                   .rank = 1,
                   .dim = {out_c},
                   .data = bias};
    if (!m->failed) {
        shape.quant.axis = one ? 0 : along;
        tp_maker_scales(m, &shape, s_w, one ? 1 : out_c);
        tp_maker_scales(m, &b, s_b, one ? 1 : out_c);
    }
    in[1] = tp_maker_bytes(m, shape, "_w", 1.0);
    in[2] = tp_maker_tensor(m, b, "_b", offset);
}
