/* A hyper-network: weights from a code, through one hidden layer with a hard
 * swish. Ha et al. 2016, arXiv:1609.09106. Both matrices are random signs. */
#include <math.h>

#include "compiler/ops/opdef.h"
#include "compiler/ops/table.h"

/* A weight is a sum over 32 signs times 2^-5: at hidden values near 1 the
 * weights have a standard deviation of 0.18, that of LoRA's B once trained. */
#define WEIGHT_SHIFT 5

/* --- code to hidden values ------------------------------------------------ */

static tp_status verify_hidden(const tp_graph *graph, const tp_op *op,
                               tp_diag *diag) {
    const tp_tensor *z = &graph->tensor[op->in[0]];
    const tp_tensor *h = &graph->tensor[op->out];
    const int64_t n = tp_tensor_count(z);
    if (z->dtype != TP_S16 || n < 1 || n > 32 || h->dtype != TP_Q16 ||
        tp_tensor_count(h) != TP_HYPER_HIDDEN) {
        return tp_error(diag, TP_ERR_MALFORMED,
                        "op %s: needs a code of 1 to 32 s16 and %d hidden "
                        "values of q16",
                        op->name, TP_HYPER_HIDDEN);
    }
    return TP_OK;
}

/* About sqrt(n): the size of a sum of n random signs. */
static tp_hyper hidden(const tp_graph *graph, const tp_op *op, int code) {
    const int64_t n = tp_tensor_count(&graph->tensor[code]);
    return (tp_hyper){.n = (int32_t)n,
                      .seed = op->attr.seed,
                      .shift = (int32_t)lround(log2((double)n) / 2.0)};
}

static tp_status lower_hidden(tp_lower *low, const tp_op *op) {
    const tp_hyper d = hidden(low->graph, op, op->in[0]);
    const tp_arg args[] = {tp_arg_tensor(op->in[0]), tp_arg_tensor(op->out)};
    return tp_lower_step(low, TP_K_hyper_hidden_fwd_ref, &tp_desc_hyper, &d,
                         args);
}

static tp_status grad_hidden(tp_autodiff *ad, const tp_op *op, int dh) {
    const tp_op base = *op;
    const int in[2] = {dh, base.in[0]};
    return tp_ad_param(ad, TP_OP_HYPER_HIDDEN_BWD, &base, in, 2, base.in[0],
                       1.0);
}

static tp_status lower_hidden_bwd(tp_lower *low, const tp_op *op) {
    const tp_hyper d = hidden(low->graph, op, op->in[1]);
    const tp_arg args[] = {tp_arg_tensor(op->in[0]), tp_arg_tensor(op->in[1]),
                           tp_arg_tensor(op->out)};
    return tp_lower_step(low, TP_K_hyper_bwd_z_ref, &tp_desc_hyper, &d, args);
}

/* --- hidden values to weights --------------------------------------------- */

static tp_status verify(const tp_graph *graph, const tp_op *op, tp_diag *diag) {
    const tp_tensor *h = &graph->tensor[op->in[0]];
    if (h->dtype != TP_Q16 || tp_tensor_count(h) != TP_HYPER_HIDDEN ||
        graph->tensor[op->out].dtype != TP_Q8) {
        return tp_error(diag, TP_ERR_MALFORMED,
                        "op %s: makes q8 weights from %d values of q16",
                        op->name, TP_HYPER_HIDDEN);
    }
    return TP_OK;
}

static tp_hyper weights(const tp_graph *graph, const tp_op *op, int w) {
    return (tp_hyper){.n = (int32_t)tp_tensor_count(&graph->tensor[w]),
                      .seed = op->attr.seed,
                      .shift = WEIGHT_SHIFT};
}

static tp_status lower(tp_lower *low, const tp_op *op) {
    const tp_hyper d = weights(low->graph, op, op->out);
    const tp_arg args[] = {tp_arg_tensor(op->in[0]), tp_arg_tensor(op->out)};
    return tp_lower_step(low, TP_K_hyper_q8_fwd_ref, &tp_desc_hyper, &d, args);
}

static int64_t macs(const tp_graph *graph, const tp_op *op) {
    return TP_HYPER_HIDDEN * tp_tensor_count(&graph->tensor[op->out]);
}

/* Slots have units of their own, which their sum cannot: the op multiplies by
 * its unit. */
static tp_status grad(tp_autodiff *ad, const tp_op *op, int dw) {
    const tp_op base = *op;
    return tp_ad_param(ad, TP_OP_HYPER_BWD, &base, &dw, 1, base.in[0], 1.0);
}

static tp_status verify_bwd(const tp_graph *graph, const tp_op *op,
                            tp_diag *diag) {
    const double unit = graph->tensor[op->in[0]].train.unit;
    if (!isfinite(unit) || unit <= 0.0) {
        return tp_error(diag, TP_ERR_MALFORMED,
                        "op %s: its input has unit %g; it must be above 0",
                        op->name, unit);
    }
    return TP_OK;
}

static tp_status lower_bwd(tp_lower *low, const tp_op *op) {
    tp_hyper d = weights(low->graph, op, op->in[0]);
    d.unit = tp_factor_of(low->graph->tensor[op->in[0]].train.unit);
    const tp_arg args[] = {tp_arg_tensor(op->in[0]), tp_arg_tensor(op->out)};
    return tp_lower_step(low, TP_K_hyper_bwd_h_ref, &tp_desc_hyper, &d, args);
}

/* --- several slots -------------------------------------------------------- */

static tp_status lower_sum(tp_lower *low, const tp_op *op) {
    const tp_sum d = {
        .n = (int32_t)tp_tensor_count(&low->graph->tensor[op->out])};
    const tp_arg args[] = {tp_arg_tensor(op->in[0]), tp_arg_tensor(op->in[1]),
                           tp_arg_tensor(op->out)};
    return tp_lower_step(low, TP_K_sum_q32_ref, &tp_desc_sum, &d, args);
}

const tp_opdef tp_def_hyper_hidden = {.verify = verify_hidden,
                                      .lower = lower_hidden,
                                      .grad = grad_hidden,
                                      .derived = true};
const tp_opdef tp_def_hyper = {.verify = verify,
                               .lower = lower,
                               .grad = grad,
                               .derived = true,
                               .macs = macs};
const tp_opdef tp_def_hyper_bwd = {.verify = verify_bwd, .lower = lower_bwd};
const tp_opdef tp_def_hyper_hidden_bwd = {.lower = lower_hidden_bwd};
const tp_opdef tp_def_weight_grad_sum = {.lower = lower_sum};
