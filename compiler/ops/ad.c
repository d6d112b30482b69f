/* Tools of the gradient rules; the pass that calls the rules is
 * passes/autodiff.c. */
#include <string.h>

#include "compiler/ir/text.h"
#include "compiler/ops/opdef.h"

enum { MOST_DERIVED = 4 }; /* inputs of a derived op */

bool tp_ad_needs(const tp_autodiff *ad, int tensor) {
    return tensor >= 0 && tensor < ad->n_tensors && ad->needs[tensor];
}

tp_op *tp_ad_last(tp_autodiff *ad) {
    return &ad->graph->op[ad->graph->n_ops - 1];
}

/* `of` may lie in graph->op, which moves: it is copied by the callers. */
static tp_op *append(tp_autodiff *ad, tp_kind kind, const tp_op *of,
                     const int *in, int n_in, int out) {
    tp_graph *graph = ad->graph;
    const tp_op base = *of;
    const char *name =
        tp_arena_printf(graph->arena, "%s_%s", base.name, tp_kind_name(kind));
    for (int n = 2; name != NULL && tp_graph_find_op(graph, name) >= 0; n++) {
        name = tp_arena_printf(graph->arena, "%s_%s_%d", base.name,
                               tp_kind_name(kind), n);
    }
    tp_op *op =
        tp_graph_insert_op(graph, graph->n_ops, kind, name, in, n_in, out);
    if (op != NULL) {
        op->of = base.name;
        op->attr = tp_attr_only(kind, &base.attr);
        op->attr.value = 0;
        if (strchr(tp_kind_attrs(kind), 'o') != NULL &&
            strchr(tp_kind_attrs(base.kind), 'o') == NULL) {
            op->attr.of = (int32_t)base.kind;
        }
    }
    return op;
}

int tp_ad_op(tp_autodiff *ad, tp_kind kind, const tp_op *of, const int *in,
             int n_in, int like) {
    tp_graph *graph = ad->graph;
    const char *name =
        tp_arena_printf(graph->arena, "d_%s", graph->tensor[like].name);
    const int out = tp_graph_add_like(graph, like, TP_Q8, TP_VALUE, name);
    if (out < 0 || append(ad, kind, of, in, n_in, out) == NULL) {
        return -1;
    }
    return out;
}

/* The weights whose gradient that of `weights` is, straight through a rounding.
 */
static int rounded_from(const tp_graph *graph, int weights) {
    const int at = tp_graph_producer(graph, weights);
    return at >= 0 && tp_opdef_of(graph->op[at].kind)->straight
               ? graph->op[at].in[0]
               : weights;
}

tp_status tp_ad_param(tp_autodiff *ad, tp_kind kind, const tp_op *of,
                      const int *in, int n_in, int weights, double unit) {
    tp_graph *graph = ad->graph;
    if (!tp_ad_needs(ad, weights)) {
        return TP_OK;
    }
    weights = rounded_from(graph, weights);
    const bool stored = graph->tensor[weights].role == TP_PARAM;
    const char *name =
        tp_arena_printf(graph->arena, "grad_%s", graph->tensor[weights].name);
    const int out = tp_graph_add_like(graph, weights, TP_Q32,
                                      stored ? TP_GRAD : TP_VALUE, name);
    if (out < 0 || append(ad, kind, of, in, n_in, out) == NULL) {
        return tp_no_memory(ad->diag);
    }
    graph->tensor[out].train =
        (tp_trainable){.param = stored ? weights : -1, .unit = unit};
    return stored ? TP_OK : tp_ad_give(ad, weights, out);
}

int tp_ad_again(tp_autodiff *ad, int weights) {
    tp_graph *graph = ad->graph;
    const int at = weights < 0 ? -1 : tp_graph_producer(graph, weights);
    if (at < 0 || !tp_opdef_of(graph->op[at].kind)->derived) {
        return weights;
    }
    const tp_op op = graph->op[at];
    int in[MOST_DERIVED] = {0};
    for (int i = 0; i < op.n_in; i++) {
        in[i] = tp_ad_again(ad, op.in[i]);
        if (in[i] < 0) {
            return -1;
        }
    }
    const char *name =
        tp_arena_printf(graph->arena, "%s_again", graph->tensor[weights].name);
    const int out = tp_graph_add_like(
        graph, weights, graph->tensor[weights].dtype, TP_VALUE, name);
    tp_op *again = out < 0 ? NULL : append(ad, op.kind, &op, in, op.n_in, out);
    if (again == NULL) {
        return -1;
    }
    again->attr = op.attr;
    return out;
}

int tp_ad_clamped(tp_autodiff *ad, const tp_op *of, int dy) {
    if (!tp_op_clamps(of, &ad->graph->tensor[of->out])) {
        return dy;
    }
    const int in[2] = {dy, of->out};
    return tp_ad_op(ad, TP_OP_CLAMP_BWD, of, in, 2, of->out);
}

tp_status tp_ad_give(tp_autodiff *ad, int tensor, int grad) {
    if (grad < 0) {
        return tp_no_memory(ad->diag);
    }
    if (!tp_ad_needs(ad, tensor)) {
        return TP_OK;
    }
    if (ad->grad[tensor] >= 0) {
        const int in[2] = {ad->grad[tensor], grad};
        const int at = tp_graph_producer(ad->graph, tensor);
        const bool wide = ad->graph->tensor[grad].dtype == TP_Q32;
        const double unit = ad->graph->tensor[grad].train.unit;
        grad = tp_ad_op(ad, wide ? TP_OP_WEIGHT_GRAD_SUM : TP_OP_GRAD_SUM,
                        &ad->graph->op[at], in, 2, tensor);
        if (wide && grad >= 0) {
            ad->graph->tensor[grad].dtype = TP_Q32;
            ad->graph->tensor[grad].train.unit = unit;
        }
        if (grad < 0) {
            return tp_no_memory(ad->diag);
        }
    }
    ad->grad[tensor] = grad;
    return TP_OK;
}
