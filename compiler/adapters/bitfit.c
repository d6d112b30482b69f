/* BitFit: trains the biases. Costs nothing to infer; keeps only clamp masks
 * for backward. Ben Zaken et al. 2021, arXiv:2106.10199. */
#include "compiler/adapters/kinds.h"
#include "compiler/ops/opdef.h"

static const char *misfit(const tp_graph *graph, int at) {
    const tp_op *op = &graph->op[at];
    if (!tp_kind_has_bias(op->kind)) {
        return "has no bias";
    }
    if (graph->tensor[op->in[2]].role != TP_CONST) {
        return "has a bias adapter already";
    }
    return NULL;
}

static tp_status insert(tp_graph *graph, int at, const tp_adapter_spec *spec,
                        tp_diag *diag) {
    (void)spec;
    const char *slot = graph->op[at].name;
    const int base = graph->op[at].in[2];
    const int db =
        tp_graph_add_like(graph, base, TP_S16, TP_PARAM,
                          tp_arena_printf(graph->arena, "%s.bias", slot));
    const int sum =
        tp_graph_add_like(graph, base, TP_S32, TP_VALUE,
                          tp_arena_printf(graph->arena, "%s.bias_sum", slot));
    const int in[2] = {base, db};
    if (db < 0 || sum < 0 ||
        tp_graph_insert_op(graph, at, TP_OP_BIAS,
                           tp_arena_printf(graph->arena, "%s_bias", slot), in,
                           2, sum) == NULL) {
        return tp_no_memory(diag);
    }
    graph->op[at + 1].in[2] = sum;
    return TP_OK;
}

const tp_adapter_kind tp_adapter_bitfit = {
    .name = "bitfit",
    .keys = "",
    .summary = "trains the biases; costs nothing to infer",
    .misfit = misfit,
    .insert = insert};
