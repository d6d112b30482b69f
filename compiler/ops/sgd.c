/* What takes a parameter's gradient where training keeps little state; the
 * pass that puts these ops into the graph is passes/optimise.c. */
#include "compiler/ops/opdef.h"
#include "compiler/ops/table.h"

static tp_status verify(const tp_graph *graph, const tp_op *op, tp_diag *diag) {
    const tp_tensor *g = &graph->tensor[op->in[0]];
    const tp_tensor *out = &graph->tensor[op->out];
    const bool online = op->kind == TP_OP_SGD;
    if (g->dtype != TP_Q32 || out->role != TP_GRAD ||
        out->dtype != (online ? TP_S8 : TP_Q16) ||
        tp_tensor_count(g) != tp_tensor_count(out) ||
        (online && op->in[1] != out->train.param)) {
        return tp_error(diag, TP_ERR_MALFORMED,
                        "op %s: gradient, parameter and state do not agree",
                        op->name);
    }
    return TP_OK;
}

/* Position among the parameters. */
static int32_t index_of(const tp_graph *graph, int param) {
    int32_t index = 0;
    for (int i = 0; i < param; i++) {
        index += graph->tensor[i].role == TP_PARAM ? 1 : 0;
    }
    return index;
}

static tp_sgd describe(const tp_graph *graph, const tp_op *op) {
    const tp_tensor *out = &graph->tensor[op->out];
    return (tp_sgd){.n = (int32_t)tp_tensor_count(out),
                    .index = index_of(graph, out->train.param)};
}

static tp_status lower_accumulate(tp_lower *low, const tp_op *op) {
    const tp_sgd d = describe(low->graph, op);
    const tp_arg args[] = {tp_arg_tensor(op->in[0]), tp_arg_tensor(op->out),
                           tp_arg_gscale(op->out)};
    return tp_lower_step(low, TP_K_accumulate_q32_s16_ref, &tp_desc_sgd, &d,
                         args);
}

static tp_status lower_sgd(tp_lower *low, const tp_op *op) {
    tp_sgd d = describe(low->graph, op);
    d.unit = tp_factor_of(low->graph->tensor[op->out].train.unit);
    const bool bytes = low->graph->tensor[op->in[1]].dtype == TP_Q8;
    const tp_arg args[] = {tp_arg_tensor(op->in[0]), tp_arg_tensor(op->in[1]),
                           tp_arg_tensor(op->out), tp_arg_online()};
    return tp_lower_step(low, bytes ? TP_K_sgd_q8_ref : TP_K_sgd_s16_ref,
                         &tp_desc_sgd, &d, args);
}

const tp_opdef tp_def_accumulate = {.verify = verify,
                                    .lower = lower_accumulate};
const tp_opdef tp_def_sgd = {.verify = verify, .lower = lower_sgd};
