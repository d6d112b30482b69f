#include "compiler/passes/passes.h"

tp_status tp_pass_prune(tp_graph *graph, const tp_pass_options *options,
                        tp_diag *diag) {
    (void)options;
    const size_t n = (size_t)graph->n_tensors;
    bool *wanted = tp_arena_alloc(graph->arena, n, sizeof *wanted);
    bool *keep =
        tp_arena_alloc(graph->arena, (size_t)graph->n_ops, sizeof *keep);
    if (wanted == NULL || keep == NULL) {
        return tp_no_memory(diag);
    }
    tp_graph_trained(graph, wanted);
    wanted[graph->output] = true;
    tp_graph_needed(graph, false, wanted, keep);
    for (int i = graph->n_ops - 1; i >= 0; i--) {
        if (!keep[i]) {
            tp_graph_remove_op(graph, i);
        }
    }
    return TP_OK;
}
