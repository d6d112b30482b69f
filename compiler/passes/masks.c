#include "compiler/passes/passes.h"

/* Backward reads the tensor only to see where it was clamped. */
static bool only_clamps(const tp_graph *graph, int tensor) {
    for (int i = graph->first_backward; i < graph->n_ops; i++) {
        const tp_op *op = &graph->op[i];
        for (int j = 0; j < op->n_in; j++) {
            const bool mask = op->kind == TP_OP_CLAMP_BWD && j == 1;
            if (op->in[j] == tensor && !mask) {
                return false;
            }
        }
    }
    return true;
}

static tp_status keep_bits(tp_graph *graph, int clamp, tp_diag *diag) {
    const int y = graph->op[clamp].in[1];
    const tp_attr attr = graph->op[clamp].attr;
    const int at = tp_graph_producer(graph, y);
    const char *name = graph->op[at].name;
    const int bits =
        tp_graph_add_like(graph, y, TP_BITS, TP_VALUE,
                          tp_arena_printf(graph->arena, "%s.mask", name));
    tp_op *mask =
        bits < 0
            ? NULL
            : tp_graph_insert_op(graph, at + 1, TP_OP_MASK,
                                 tp_arena_printf(graph->arena, "%s_mask", name),
                                 &y, 1, bits);
    if (mask == NULL) {
        return tp_no_memory(diag);
    }
    mask->attr.act_min = attr.act_min;
    mask->attr.act_max = attr.act_max;
    graph->op[clamp + 1].in[1] = bits; /* moved by the insertion */
    return TP_OK;
}

tp_status tp_pass_masks(tp_graph *graph, const tp_pass_options *options,
                        tp_diag *diag) {
    (void)options;
    for (int i = graph->first_backward; i < graph->n_ops; i++) {
        const tp_op *op = &graph->op[i];
        if (op->kind == TP_OP_CLAMP_BWD && op->in[1] != graph->logits &&
            graph->tensor[op->in[1]].dtype == TP_S8 &&
            only_clamps(graph, op->in[1])) {
            TP_TRY(keep_bits(graph, i, diag));
            i++;
        }
    }
    return TP_OK;
}
