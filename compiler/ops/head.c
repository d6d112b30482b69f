/* A new last layer: logits of new classes from the base's features. */
#include "compiler/ops/opdef.h"
#include "compiler/ops/table.h"

static tp_head describe(const tp_tensor *x, const tp_tensor *w) {
    return (tp_head){.in_c = w->dim[1],
                     .classes = w->dim[0],
                     .x_zp = x->quant.zero_point,
                     .scale = tp_factor_of((double)tp_scale_of(x, 0))};
}

/* Blocks of four features. */
static bool has_dsp(const tp_lower *low, const tp_head *d) {
    return (low->isa & TP_ISA_DSP) != 0 && d->in_c % 4 == 0;
}

/* |acc| <= in_c * 127 * 255 < 2^31. */
static tp_status verify(const tp_graph *graph, const tp_op *op, tp_diag *diag) {
    const tp_tensor *x = &graph->tensor[op->in[0]];
    const tp_tensor *w = &graph->tensor[op->in[1]];
    if (w->rank != 2 || tp_tensor_count(x) != w->dim[1] || w->dim[1] > 66000 ||
        x->quant.n != 1 ||
        tp_tensor_count(&graph->tensor[op->out]) != w->dim[0]) {
        return tp_error(diag, TP_ERR_MALFORMED,
                        "op %s: the head does not fit its features", op->name);
    }
    return TP_OK;
}

static tp_status lower(tp_lower *low, const tp_op *op) {
    const tp_tensor *t = low->graph->tensor;
    const tp_head d = describe(&t[op->in[0]], &t[op->in[1]]);
    const tp_arg args[] = {tp_arg_tensor(op->in[0]), tp_arg_tensor(op->in[1]),
                           tp_arg_tensor(op->in[2]), tp_arg_tensor(op->out),
                           tp_arg_scratch(tp_head_scratch(d.in_c, d.classes))};
    return tp_lower_step(
        low, has_dsp(low, &d) ? TP_K_head_q8_fwd_dsp : TP_K_head_q8_fwd_ref,
        &tp_desc_head, &d, args);
}

static int64_t macs(const tp_graph *graph, const tp_op *op) {
    return tp_tensor_count(&graph->tensor[op->in[1]]);
}

static tp_status grad(tp_autodiff *ad, const tp_op *op, int dz) {
    const tp_op head = *op;
    const int x = head.in[0];
    const double s_x = (double)tp_scale_of(&ad->graph->tensor[x], 0);
    TP_TRY(tp_ad_param(ad, TP_OP_HEAD_BWD_W, &head, (int[]){x, dz}, 2,
                       head.in[1], s_x));
    TP_TRY(tp_ad_param(ad, TP_OP_BIAS_BWD, &head, &dz, 1, head.in[2], 1.0));
    if (!tp_ad_needs(ad, x)) {
        return TP_OK;
    }
    const int in[2] = {dz, head.in[1]};
    return tp_ad_give(ad, x, tp_ad_op(ad, TP_OP_HEAD_BWD_X, &head, in, 2, x));
}

/* --- more features for the logits ----------------------------------------- */

static tp_status verify_add(const tp_graph *graph, const tp_op *op,
                            tp_diag *diag) {
    const tp_tensor *z = &graph->tensor[op->in[0]];
    const tp_tensor *x = &graph->tensor[op->in[1]];
    const tp_tensor *w = &graph->tensor[op->in[2]];
    if (z->dtype != TP_S16 || x->dtype != TP_S8 || x->quant.n != 1 ||
        w->rank != 2 || tp_tensor_count(x) != w->dim[1] || w->dim[1] > 66000 ||
        tp_tensor_count(z) != w->dim[0] ||
        tp_tensor_count(&graph->tensor[op->out]) != w->dim[0]) {
        return tp_error(diag, TP_ERR_MALFORMED,
                        "op %s: the weights do not fit the features and the "
                        "head's logits",
                        op->name);
    }
    return TP_OK;
}

static tp_status lower_add(tp_lower *low, const tp_op *op) {
    const tp_tensor *t = low->graph->tensor;
    const tp_head d = describe(&t[op->in[1]], &t[op->in[2]]);
    const tp_arg args[] = {tp_arg_tensor(op->in[0]), tp_arg_tensor(op->in[1]),
                           tp_arg_tensor(op->in[2]), tp_arg_tensor(op->out),
                           tp_arg_scratch(tp_head_scratch(d.in_c, d.classes))};
    return tp_lower_step(low,
                         has_dsp(low, &d) ? TP_K_head_add_q8_fwd_dsp
                                          : TP_K_head_add_q8_fwd_ref,
                         &tp_desc_head, &d, args);
}

static int64_t macs_add(const tp_graph *graph, const tp_op *op) {
    return tp_tensor_count(&graph->tensor[op->in[2]]);
}

/* The sum passes dz on to both of its parts. */
static tp_status grad_add(tp_autodiff *ad, const tp_op *op, int dz) {
    const tp_op add = *op;
    const int x = add.in[1];
    const int w = add.in[2];
    const double s_x = (double)tp_scale_of(&ad->graph->tensor[x], 0);
    TP_TRY(tp_ad_give(ad, add.in[0], dz));
    TP_TRY(tp_ad_param(ad, TP_OP_HEAD_BWD_W, &add, (int[]){x, dz}, 2, w, s_x));
    if (!tp_ad_needs(ad, x)) {
        return TP_OK;
    }
    const int in[2] = {dz, w};
    return tp_ad_give(ad, x, tp_ad_op(ad, TP_OP_HEAD_BWD_X, &add, in, 2, x));
}

static tp_status lower_bwd_x(tp_lower *low, const tp_op *op) {
    const tp_tensor *w = &low->graph->tensor[op->in[1]];
    const tp_head d = {.in_c = w->dim[1], .classes = w->dim[0]};
    const tp_arg args[] = {tp_arg_tensor(op->in[0]), tp_arg_tensor(op->in[1]),
                           tp_arg_tensor(op->out), tp_arg_gscale(op->out)};
    return tp_lower_step(low, TP_K_head_q8_bwd_x_ref, &tp_desc_head, &d, args);
}

static tp_status lower_bwd_w(tp_lower *low, const tp_op *op) {
    const tp_tensor *t = low->graph->tensor;
    const tp_head d = describe(&t[op->in[0]], &t[op->out]);
    const tp_arg args[] = {tp_arg_tensor(op->in[0]), tp_arg_tensor(op->in[1]),
                           tp_arg_tensor(op->out)};
    return tp_lower_step(low, TP_K_head_s8_bwd_w_ref, &tp_desc_head, &d, args);
}

/* --- probabilities for the application ------------------------------------ */

static tp_status verify_softmax(const tp_graph *graph, const tp_op *op,
                                tp_diag *diag) {
    const tp_tensor *z = &graph->tensor[op->in[0]];
    const tp_tensor *y = &graph->tensor[op->out];
    if (z->dtype != TP_S16 || y->dtype != TP_S8 ||
        tp_tensor_count(z) != tp_tensor_count(y)) {
        return tp_error(diag, TP_ERR_MALFORMED,
                        "op %s: needs int16 logits and an int8 output",
                        op->name);
    }
    return TP_OK;
}

static tp_status lower_softmax(tp_lower *low, const tp_op *op) {
    const tp_tensor *z = &low->graph->tensor[op->in[0]];
    const tp_ce d = {.n = (int32_t)tp_tensor_count(z),
                     .scale = tp_factor_of(1.0 / 256.0)};
    const tp_arg args[] = {tp_arg_tensor(op->in[0]), tp_arg_tensor(op->out),
                           tp_arg_scratch(4u * (uint32_t)d.n)};
    return tp_lower_step(low, TP_K_softmax_s16_fwd_ref, &tp_desc_ce, &d, args);
}

const tp_opdef tp_def_head = {
    .verify = verify, .lower = lower, .grad = grad, .macs = macs};
const tp_opdef tp_def_head_add = {.verify = verify_add,
                                  .lower = lower_add,
                                  .grad = grad_add,
                                  .in_place = true,
                                  .macs = macs_add};
const tp_opdef tp_def_head_softmax = {.verify = verify_softmax,
                                      .lower = lower_softmax};
const tp_opdef tp_def_head_bwd_x = {.lower = lower_bwd_x};
const tp_opdef tp_def_head_bwd_w = {.lower = lower_bwd_w};
