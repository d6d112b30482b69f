/* Where training keeps little state, a gradient is used as soon as it exists:
 * added to a 16-bit accumulator, or spent on an update of its parameter. The
 * wide gradient becomes a value that lives for a few steps. */
#include "compiler/ops/opdef.h"
#include "compiler/passes/passes.h"

typedef struct optimiser {
    tp_graph *graph;
    tp_diag *diag;
    bool online;
    int after; /* no update may stand before this position */
} optimiser;

/* The last op that reads the parameter, or weights derived from it: an update
 * before it would change what backward works with. */
static int last_reader(const optimiser *o, int param, bool *depends) {
    const tp_graph *graph = o->graph;
    int last = -1;
    for (int i = 0; i < graph->n_tensors; i++) {
        depends[i] = i == param;
    }
    for (int i = 0; i < graph->n_ops; i++) {
        const tp_op *op = &graph->op[i];
        for (int j = 0; j < op->n_in; j++) {
            if (op->in[j] >= 0 && depends[op->in[j]]) {
                last = i;
                depends[op->out] =
                    depends[op->out] || tp_opdef_of(op->kind)->derived;
            }
        }
    }
    return last;
}

/* The state tensor that takes the gradient's place as the result. */
static int add_state(tp_graph *graph, int grad, bool online) {
    const tp_trainable train = graph->tensor[grad].train;
    const char *param = graph->tensor[train.param].name;
    const int state = tp_graph_add_like(
        graph, grad, online ? TP_S8 : TP_Q16, TP_GRAD,
        tp_arena_printf(graph->arena, "%s_%s", online ? "low" : "acc", param));
    if (state >= 0) {
        graph->tensor[state].quant = (tp_quant){0};
        graph->tensor[state].train = train;
        graph->tensor[grad].role = TP_VALUE;
        graph->tensor[grad].train = (tp_trainable){.param = -1};
    }
    return state;
}

/* Where an update of the parameter may stand: behind this op. */
static int place_of(const optimiser *o, int at, int param, bool *depends) {
    const int reader = o->online ? last_reader(o, param, depends) : -1;
    const int place = at > reader ? at : reader;
    return place > o->after ? place : o->after;
}

/* Whether the parameter is the weights of a head. Those that add other features
 * to it train with a byte less each: they are many, and all that training of
 * few values is there for is little RAM. */
static bool is_head(const tp_graph *graph, int param) {
    for (int i = 0; i < graph->first_backward; i++) {
        if (graph->op[i].kind == TP_OP_HEAD && graph->op[i].in[1] == param) {
            return true;
        }
    }
    return false;
}

/* Some gradients are spent without being written down: that of a head, which
 * has rank one, and that of the biases of a single pixel, which is that of the
 * output. */
static tp_kind fused_kind(const optimiser *o, const tp_op *op) {
    const tp_tensor *t = o->graph->tensor;
    if (!o->online) {
        return TP_OP_SGD;
    }
    if (op->kind == TP_OP_BIAS_BWD && t[op->in[0]].dtype == TP_Q8 &&
        tp_tensor_count(&t[op->in[0]]) == tp_tensor_count(&t[op->out])) {
        return TP_OP_BIAS_SGD;
    }
    return op->kind == TP_OP_HEAD_BWD_W &&
                   is_head(o->graph, t[op->out].train.param)
               ? TP_OP_HEAD_SGD
               : TP_OP_SGD;
}

/* The op that would make the gradient becomes one that reads the same and moves
 * the parameter. */
static tp_status fuse(optimiser *o, int at, tp_kind kind, bool *depends) {
    tp_graph *graph = o->graph;
    const tp_op made_by = graph->op[at];
    tp_tensor *low = &graph->tensor[made_by.out];
    const int param = low->train.param;
    const int place = place_of(o, at, param, depends);
    int in[3] = {0};
    for (int i = 0; i < made_by.n_in; i++) {
        in[i] = made_by.in[i];
    }
    in[made_by.n_in] = param;
    low->name =
        tp_arena_printf(graph->arena, "low_%s", graph->tensor[param].name);
    low->dtype = TP_S8;
    low->quant = (tp_quant){0};
    if (kind == TP_OP_HEAD_SGD) {
        low->dim[0] = (int32_t)tp_masters_bytes(&graph->tensor[param]);
        low->rank = 1;
    }
    tp_graph_remove_op(graph, at);
    if (low->name == NULL ||
        tp_graph_insert_op(
            graph, place, kind,
            tp_arena_printf(graph->arena, "%s_sgd", made_by.name), in,
            made_by.n_in + 1, made_by.out) == NULL) {
        return tp_no_memory(o->diag);
    }
    o->after = place;
    return TP_OK;
}

/* Updates follow each other in the order of their gradients, whatever else
 * stands between: their norms are added in this order, so a plan that
 * recomputes gives the bytes of one that saves. */
static tp_status spend(optimiser *o, int at, bool *depends) {
    tp_graph *graph = o->graph;
    const int grad = graph->op[at].out;
    const char *made_by = graph->op[at].name;
    const int param = graph->tensor[grad].train.param;
    const tp_dtype dtype = graph->tensor[param].dtype;
    if (dtype == TP_Q4 || dtype == TP_Q2) {
        return tp_error(o->diag, TP_ERR_UNSUPPORTED,
                        "adapter weights %s: %s have no room for what training "
                        "without momentum adds; use momentum or bits=8",
                        graph->tensor[param].name,
                        dtype == TP_Q4 ? "4 bits" : "2 bits");
    }
    const int place = place_of(o, at, param, depends);
    const int state = add_state(graph, grad, o->online);
    const char *name = tp_arena_printf(graph->arena, "%s_%s", made_by,
                                       o->online ? "sgd" : "acc");
    if (state < 0 || name == NULL) {
        return tp_no_memory(o->diag);
    }
    o->after = o->online ? place + 1 : -1;
    const int in[2] = {grad, param};
    if (tp_graph_insert_op(graph, place + 1,
                           o->online ? TP_OP_SGD : TP_OP_ACCUMULATE, name, in,
                           o->online ? 2 : 1, state) == NULL) {
        return tp_no_memory(o->diag);
    }
    return TP_OK;
}

tp_status tp_pass_optimise(tp_graph *graph, const tp_pass_options *options,
                           tp_diag *diag) {
    optimiser o = {.graph = graph,
                   .diag = diag,
                   .online = options->state == TP_STATE_ONLINE,
                   .after = -1};
    bool *depends = tp_arena_alloc(
        graph->arena, 2 * (size_t)graph->n_tensors + 1, sizeof *depends);
    if (depends == NULL) {
        return tp_no_memory(diag);
    }
    if (options->state <= TP_STATE_MOMENTUM) {
        return TP_OK;
    }
    for (int i = graph->first_backward; i < graph->n_ops; i++) {
        const tp_tensor *out = &graph->tensor[graph->op[i].out];
        if (out->role != TP_GRAD || out->dtype != TP_Q32) {
            continue;
        }
        const tp_kind kind = fused_kind(&o, &graph->op[i]);
        if (kind != TP_OP_SGD) {
            TP_TRY(fuse(&o, i--, kind, depends)); /* another op is there now */
        } else {
            TP_TRY(spend(&o, i, depends));
        }
    }
    return TP_OK;
}
