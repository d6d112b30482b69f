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

/* --- biases of a single pixel --------------------------------------------- */

static tp_status verify_bias(const tp_graph *graph, const tp_op *op,
                             tp_diag *diag) {
    const tp_tensor *dy = &graph->tensor[op->in[0]];
    const tp_tensor *b = &graph->tensor[op->in[1]];
    const tp_tensor *out = &graph->tensor[op->out];
    const int64_t n = tp_tensor_count(b);
    if (dy->dtype != TP_Q8 || b->dtype != TP_S16 || out->role != TP_GRAD ||
        out->dtype != TP_S8 || op->in[1] != out->train.param ||
        tp_tensor_count(dy) != n || tp_tensor_count(out) != n || n > 1 << 17) {
        return tp_error(diag, TP_ERR_MALFORMED,
                        "op %s: gradient, biases and state do not agree",
                        op->name);
    }
    return TP_OK;
}

static tp_status lower_bias(tp_lower *low, const tp_op *op) {
    tp_sgd d = describe(low->graph, op);
    d.unit = tp_factor_of(low->graph->tensor[op->out].train.unit);
    const tp_arg args[] = {tp_arg_tensor(op->in[0]), tp_arg_tensor(op->in[1]),
                           tp_arg_tensor(op->out), tp_arg_online()};
    return tp_lower_step(low, TP_K_bias_sgd_s16_ref, &tp_desc_sgd, &d, args);
}

const tp_opdef tp_def_bias_sgd = {.verify = verify_bias, .lower = lower_bias};

/* --- the weights of a head ------------------------------------------------ */

static tp_status verify_head(const tp_graph *graph, const tp_op *op,
                             tp_diag *diag) {
    const tp_tensor *x = &graph->tensor[op->in[0]];
    const tp_tensor *dz = &graph->tensor[op->in[1]];
    const tp_tensor *w = &graph->tensor[op->in[2]];
    const tp_tensor *out = &graph->tensor[op->out];
    if (x->dtype != TP_S8 || x->quant.n != 1 || dz->dtype != TP_Q8 ||
        w->dtype != TP_Q8 || w->rank != 2 || tp_tensor_count(x) != w->dim[1] ||
        w->dim[1] > 66000 || tp_tensor_count(dz) != w->dim[0] ||
        out->role != TP_GRAD || out->dtype != TP_S8 ||
        op->in[2] != out->train.param ||
        tp_tensor_count(out) != tp_masters_bytes(w)) {
        return tp_error(diag, TP_ERR_MALFORMED,
                        "op %s: features, gradient, weights and state do not "
                        "agree",
                        op->name);
    }
    return TP_OK;
}

/* Blocks of four features at aligned addresses. */
static bool has_dsp_head(const tp_lower *low, const tp_head_sgd *d) {
    return (low->isa & TP_ISA_DSP) != 0 && d->in_c % 4 == 0;
}

static tp_status lower_head(tp_lower *low, const tp_op *op) {
    const tp_tensor *t = low->graph->tensor;
    const tp_tensor *w = &t[op->in[2]];
    const tp_head_sgd d = {.in_c = w->dim[1],
                           .classes = w->dim[0],
                           .x_zp = t[op->in[0]].quant.zero_point,
                           .index = index_of(low->graph, op->in[2]),
                           .unit = tp_factor_of(t[op->out].train.unit)};
    const tp_arg args[] = {tp_arg_tensor(op->in[0]),
                           tp_arg_tensor(op->in[1]),
                           tp_arg_tensor(op->in[2]),
                           tp_arg_tensor(op->out),
                           tp_arg_online(),
                           tp_arg_scratch(tp_head_scratch(d.in_c, d.classes))};
    return tp_lower_step(low,
                         has_dsp_head(low, &d) ? TP_K_head_sgd_q8_dsp
                                               : TP_K_head_sgd_q8_ref,
                         &tp_desc_head_sgd, &d, args);
}

const tp_opdef tp_def_head_sgd = {.verify = verify_head, .lower = lower_head};
const tp_opdef tp_def_accumulate = {.verify = verify,
                                    .lower = lower_accumulate};
const tp_opdef tp_def_sgd = {.verify = verify, .lower = lower_sgd};
