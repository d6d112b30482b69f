/* The judged tables -> the graph: nothing here can fail but for memory. */
#include "compiler/import/tflite.h"

#include <string.h>

#include "compiler/ops/opdef.h"

typedef struct builder {
    tp_tfl_model *m;
    tp_graph *graph;
    int *at; /* [n_tensors] in the graph; -1: not there yet */
} builder;

static int out_of_memory(builder *b) {
    tp_tfl_fail(b->m, TP_ERR_NO_MEMORY, "out of memory");
    return -1;
}

static int add(builder *b, const tp_tensor *tensor) {
    const int at = tp_graph_add_tensor(b->graph, tensor);
    return at >= 0 ? at : out_of_memory(b);
}

/* --- tensors ----------------------------------------------------------------
 */

/* Elements in the host's byte order, aligned for their type. */
static const void *copy_data(builder *b, const tp_tfl_tensor *t) {
    const size_t n = (size_t)t->count;
    if (t->type != TP_TFL_I32) {
        const void *bytes = tp_arena_copy(b->m->arena, t->data, n, 1);
        return bytes;
    }
    int32_t *words = tp_arena_alloc(b->m->arena, n, sizeof *words);
    for (size_t i = 0; words != NULL && i < n; i++) {
        words[i] = tp_load_i32(t->data + 4 * i);
    }
    return words;
}

static tp_tensor tensor_of(const tp_tfl_tensor *t, tp_role role) {
    tp_tensor tensor = {.name = t->name,
                        .dtype = t->type == TP_TFL_I32  ? TP_S32
                                 : t->type == TP_TFL_U8 ? TP_U8
                                                        : TP_S8,
                        .role = role,
                        .rank = t->rank,
                        .quant = {.n = t->n_scales,
                                  .scale = t->scale,
                                  .zero_point = t->zero_point,
                                  .axis = t->n_scales > 1 ? t->axis : 0},
                        .train = {.param = -1}};
    memcpy(tensor.dim, t->dim, sizeof tensor.dim);
    return tensor;
}

/* The graph's tensor for one of the file's, made at its first use. */
static int place(builder *b, int tensor) {
    const tp_tfl_tensor *t = &b->m->tensor[tensor];
    if (b->at[tensor] >= 0) {
        return b->at[tensor];
    }
    tp_tensor made = tensor_of(t, tensor == b->m->input ? TP_INPUT
                                  : t->data != NULL     ? TP_CONST
                                                        : TP_VALUE);
    if (made.name[0] == '\0') {
        made.name = tp_arena_printf(b->m->arena, "t%d", tensor);
    }
    if (made.role == TP_CONST) {
        made.data = copy_data(b, t);
    }
    if (made.name == NULL || (made.role == TP_CONST && made.data == NULL)) {
        return out_of_memory(b);
    }
    b->at[tensor] = add(b, &made);
    return b->at[tensor];
}

/* The bias with the scale that it has: s_x * s_w[c], in float as TensorFlow
 * Lite computes it. Absent ones become zeros; each op has its own. */
static int place_bias(builder *b, const tp_tfl_op *op, const char *name) {
    tp_tfl_model *m = b->m;
    const tp_tfl_tensor *x = tp_tfl_in(m, op, 0), *w = tp_tfl_in(m, op, 1);
    const tp_tfl_tensor *t =
        op->n_in > 2 && op->in[2] >= 0 ? tp_tfl_in(m, op, 2) : NULL;
    const int32_t channels =
        tp_tfl_out(m, op)->dim[tp_tfl_out(m, op)->rank - 1];
    float *scale = tp_arena_alloc(m->arena, (size_t)w->n_scales, sizeof *scale);
    const void *data =
        t != NULL ? copy_data(b, t)
                  : tp_arena_alloc(m->arena, (size_t)channels, sizeof(int32_t));
    const char *label = t != NULL && t->name[0] != '\0'
                            ? t->name
                            : tp_arena_printf(m->arena, "%s_bias", name);
    if (scale == NULL || data == NULL || label == NULL) {
        return out_of_memory(b);
    }
    for (int c = 0; c < w->n_scales; c++) {
        scale[c] = x->scale[0] * w->scale[c];
    }
    const tp_tensor bias = {.name = label,
                            .dtype = TP_S32,
                            .role = TP_CONST,
                            .rank = 1,
                            .dim = {channels},
                            .quant = {.n = w->n_scales, .scale = scale},
                            .data = data,
                            .train = {.param = -1}};
    return add(b, &bias);
}

/* --- ops --------------------------------------------------------------------
 */

/* Kind and index in the file. A kind that ends in a digit (relu6) is set
 * apart, or RELU6 0 would be called like RELU 60. */
static const char *op_name(builder *b, const tp_tfl_op *from, tp_kind kind) {
    const char *text = tp_kind_name(kind);
    const char last = text[strlen(text) - 1];
    return tp_arena_printf(b->m->arena, "%s%s%d", text,
                           last >= '0' && last <= '9' ? "_" : "",
                           (int)(from - b->m->op));
}

static tp_op *append_named(builder *b, const tp_tfl_op *from, tp_kind kind,
                           const char *name, const int *in, int n_in, int out) {
    tp_op *op = name == NULL ? NULL
                             : tp_graph_insert_op(b->graph, b->graph->n_ops,
                                                  kind, name, in, n_in, out);
    if (op == NULL) {
        (void)out_of_memory(b);
        return NULL;
    }
    op->source = (int)(from - b->m->op);
    return op;
}

static tp_op *append(builder *b, const tp_tfl_op *from, tp_kind kind,
                     const int *in, int n_in, int out) {
    return append_named(b, from, kind, op_name(b, from, kind), in, n_in, out);
}

/* A slice that changes the rank: slice on x's axes, then reshape. */
static void add_slice(builder *b, const tp_tfl_op *from, const int *in) {
    const tp_tfl_tensor *x = tp_tfl_in(b->m, from, 0);
    const tp_tfl_tensor *y = tp_tfl_out(b->m, from);
    const size_t bytes = (size_t)x->rank * sizeof x->dim[0];
    const bool same =
        x->rank == y->rank && memcmp(from->slice_dim, y->dim, bytes) == 0;
    int out = place(b, from->out[0]);
    if (!same && out >= 0) {
        tp_tensor whole = tensor_of(y, TP_VALUE);
        whole.name = tp_arena_printf(b->m->arena, "%s_slice",
                                     b->graph->tensor[out].name);
        whole.rank = x->rank;
        memcpy(whole.dim, from->slice_dim, sizeof whole.dim);
        out = whole.name != NULL ? add(b, &whole) : out_of_memory(b);
    }
    tp_op *op =
        out >= 0 ? append(b, from, TP_OP_STRIDED_SLICE, in, 1, out) : NULL;
    if (op != NULL) {
        op->attr = from->attr;
        if (!same) {
            (void)append(b, from, TP_OP_RESHAPE, &out, 1,
                         place(b, from->out[0]));
        }
    }
}

/* A value with t's bytes in another shape. */
static int add_view(builder *b, const tp_tfl_tensor *t, const int32_t dim[4],
                    const char *name) {
    tp_tensor view = tensor_of(t, TP_VALUE);
    view.name = name;
    view.rank = 4;
    memcpy(view.dim, dim, 4 * sizeof *dim);
    return name != NULL ? add(b, &view) : out_of_memory(b);
}

static bool is_map(const tp_tfl_tensor *t, const int32_t dim[4]) {
    return t->rank == 4 && memcmp(t->dim, dim, 4 * sizeof *dim) == 0;
}

/* REDUCE_MAX: a pool, between reshapes where the file has no such map. */
static void add_reduce_max(builder *b, const tp_tfl_op *from, int x) {
    const tp_tfl_tensor *t_x = tp_tfl_in(b->m, from, 0);
    const tp_tfl_tensor *t_y = tp_tfl_out(b->m, from);
    const int32_t *wide = from->map_dim;
    const int32_t narrow[4] = {1, wide[1], 1, wide[3]};
    const int y = place(b, from->out[0]);
    const char *name = y >= 0 ? b->graph->tensor[y].name : "";
    int map = x, max = y;
    if (y >= 0 && !is_map(t_x, wide)) {
        map = add_view(b, t_x, wide,
                       tp_arena_printf(b->m->arena, "%s_map", name));
        const char *op = tp_arena_printf(b->m->arena, "%s_map",
                                         op_name(b, from, TP_OP_MAX_POOL_2D));
        (void)(map >= 0 ? append_named(b, from, TP_OP_RESHAPE, op, &x, 1, map)
                        : NULL);
    }
    if (map >= 0 && y >= 0 && !is_map(t_y, narrow)) {
        max = add_view(b, t_y, narrow,
                       tp_arena_printf(b->m->arena, "%s_max", name));
    }
    if (map < 0 || max < 0) {
        return;
    }
    tp_op *op = append(b, from, TP_OP_MAX_POOL_2D, &map, 1, max);
    if (op != NULL) {
        op->attr = from->attr;
        (void)(max != y ? append(b, from, TP_OP_RESHAPE, &max, 1, y) : op);
    }
}

static bool has_bias(tp_kind kind) {
    return kind == TP_OP_CONV_2D || kind == TP_OP_DEPTHWISE_CONV_2D ||
           kind == TP_OP_FULLY_CONNECTED;
}

static void add_op(builder *b, const tp_tfl_op *from) {
    int *in = tp_tfl_alloc(b->m, (size_t)from->n_data, sizeof *in);
    const int given = has_bias(from->kind) ? 2 : from->n_data;
    bool good = in != NULL;
    for (int k = 0; good && k < given; k++) {
        in[k] = place(b, from->in[k]);
        good = in[k] >= 0;
    }
    if (good && has_bias(from->kind)) {
        const char *name = op_name(b, from, from->kind);
        in[2] = name != NULL ? place_bias(b, from, name) : out_of_memory(b);
        good = in[2] >= 0;
    }
    if (good && from->kind == TP_OP_STRIDED_SLICE) {
        add_slice(b, from, in);
        return;
    }
    if (good && from->code == TP_TFL_REDUCE_MAX) {
        add_reduce_max(b, from, in[0]);
        return;
    }
    const int out = good ? place(b, from->out[0]) : -1;
    tp_op *op =
        out >= 0 ? append(b, from, from->kind, in, from->n_data, out) : NULL;
    if (op != NULL) {
        op->attr = from->attr;
    }
}

void tp_tfl_build(tp_tfl_model *m, tp_graph *graph) {
    builder b = {m, graph, NULL};
    b.at = tp_tfl_alloc(m, (size_t)m->n_tensors + 1, sizeof *b.at);
    for (int i = 0; b.at != NULL && i < m->n_tensors; i++) {
        b.at[i] = -1;
    }
    if (b.at == NULL || place(&b, m->input) < 0) {
        return;
    }
    for (int i = 0; i < m->n_ops && m->status == TP_OK; i++) {
        const tp_tfl_op *op = &m->op[i];
        if (op->live && !op->folded && !op->dropped) {
            add_op(&b, op);
        }
    }
    graph->input = b.at[m->input];
    graph->output = b.at[m->output];
    graph->logits = -1;
    graph->first_backward = graph->n_ops;
    graph->io_in = m->io_in;
    graph->io_out = m->io_out;
}
