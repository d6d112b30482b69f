/* Trained scales of output channels, folded into the factors with which a
 * convolution requantises. Liu et al. 2022 (IA3), arXiv:2205.05638. SCALE makes
 * the factors once for each inference; what the convolution does for a pixel is
 * what it did before. */
#include "compiler/ops/conv.h"
#include "compiler/ops/table.h"

static tp_status verify(const tp_graph *graph, const tp_op *op, tp_diag *diag) {
    const tp_op *conv = tp_op_reader(graph, tp_op_factors, op->out);
    const int64_t n = tp_tensor_count(&graph->tensor[op->in[0]]);
    if (conv == NULL || tp_tensor_count(&graph->tensor[conv->in[2]]) != n ||
        graph->tensor[op->out].dtype != TP_S32 ||
        tp_tensor_count(&graph->tensor[op->out]) != 2 * n) {
        return tp_error(diag, TP_ERR_MALFORMED,
                        "op %s: needs a convolution with a scale for each "
                        "channel, and two numbers for each of its factors",
                        op->name);
    }
    return TP_OK;
}

static tp_status lower(tp_lower *low, const tp_op *op) {
    const tp_graph *graph = low->graph;
    const tp_op *conv = tp_op_reader(graph, tp_op_factors, op->out);
    if (conv == NULL) {
        return tp_error(low->diag, TP_ERR_MALFORMED,
                        "op %s: no convolution reads it", op->name);
    }
    const tp_conv_tensors t = {.x = &graph->tensor[conv->in[0]],
                               .w = &graph->tensor[conv->in[1]],
                               .y = &graph->tensor[conv->out]};
    tp_rescale d = {.n = (int32_t)tp_tensor_count(&graph->tensor[op->in[0]]),
                    .pixels = 1};
    tp_factors base;
    TP_TRY(tp_conv_requantisation(low, &t, d.n, &base));
    d.m = base.m;
    d.s = base.s;
    const tp_arg args[] = {tp_arg_tensor(op->in[0]), tp_arg_tensor(op->out)};
    return tp_lower_step(low, TP_K_rescale_s16_fwd_ref, &tp_desc_rescale, &d,
                         args);
}

/* --- gradient ------------------------------------------------------------- */

int tp_conv_ad_scaled(tp_autodiff *ad, const tp_op *op, int dy) {
    const int factors = tp_op_factors(op);
    if (dy < 0 || factors < 0) {
        return dy;
    }
    if (tp_ad_give(ad, factors, dy) != TP_OK) {
        return -1;
    }
    if (op->kind != TP_OP_CONV_LORA && !tp_ad_needs(ad, op->in[0]) &&
        !tp_ad_needs(ad, op->in[2])) {
        return dy; /* nobody wants the accumulator's */
    }
    const int made_by = tp_graph_producer(ad->graph, factors);
    const int in[2] = {dy, ad->graph->op[made_by].in[0]};
    return tp_ad_op(ad, TP_OP_SCALE_BWD_X, op, in, 2, op->out);
}

/* What is given to the factors is dy of the convolution's output, masked. */
static tp_status grad(tp_autodiff *ad, const tp_op *op, int dy) {
    const tp_op scale = *op;
    const tp_op *conv = tp_op_reader(ad->graph, tp_op_factors, scale.out);
    if (conv == NULL) {
        return tp_error(ad->diag, TP_ERR_MALFORMED,
                        "op %s: no convolution reads it", scale.name);
    }
    const int y = conv->out;
    const int t = scale.in[0];
    const double s_y = (double)tp_scale_of(&ad->graph->tensor[y], 0);
    return tp_ad_param(ad, TP_OP_SCALE_BWD_W, &scale, (int[]){y, dy, t}, 3, t,
                       s_y);
}

static tp_rescale backward(const tp_tensor *dy, const tp_tensor *t) {
    const int64_t n = tp_tensor_count(t);
    return (tp_rescale){.n = (int32_t)n,
                        .pixels = (int32_t)(tp_tensor_count(dy) / n)};
}

static tp_status lower_bwd_x(tp_lower *low, const tp_op *op) {
    const tp_tensor *t = low->graph->tensor;
    const tp_rescale d = backward(&t[op->in[0]], &t[op->in[1]]);
    const tp_arg args[] = {tp_arg_tensor(op->in[0]), tp_arg_tensor(op->in[1]),
                           tp_arg_tensor(op->out), tp_arg_gscale(op->out)};
    return tp_lower_step(low, TP_K_rescale_q8_bwd_x_ref, &tp_desc_rescale, &d,
                         args);
}

static tp_status verify_bwd_x(const tp_graph *graph, const tp_op *op,
                              tp_diag *diag) {
    const int64_t n = tp_tensor_count(&graph->tensor[op->in[1]]);
    const int64_t dy = tp_tensor_count(&graph->tensor[op->in[0]]);
    if (dy % n != 0 || tp_tensor_count(&graph->tensor[op->out]) != dy) {
        return tp_error(diag, TP_ERR_MALFORMED,
                        "op %s: %lld scales do not fit a gradient of %lld "
                        "values",
                        op->name, (long long)n, (long long)dy);
    }
    return TP_OK;
}

static tp_status lower_bwd_w(tp_lower *low, const tp_op *op) {
    const tp_tensor *t = low->graph->tensor;
    tp_rescale d = backward(&t[op->in[1]], &t[op->in[2]]);
    d.y_zp = t[op->in[0]].quant.zero_point;
    d.acc_shift = tp_conv_sum_shift(d.pixels * 127.0 * 255.0 * 16.0);
    const tp_arg args[] = {tp_arg_tensor(op->in[0]), tp_arg_tensor(op->in[1]),
                           tp_arg_tensor(op->in[2]), tp_arg_tensor(op->out)};
    return tp_lower_step(low, TP_K_rescale_s8_bwd_w_ref, &tp_desc_rescale, &d,
                         args);
}

static tp_status verify_bwd_w(const tp_graph *graph, const tp_op *op,
                              tp_diag *diag) {
    const int64_t n = tp_tensor_count(&graph->tensor[op->in[2]]);
    return tp_conv_check_pixels(op, &graph->tensor[op->in[1]], n, diag);
}

const tp_opdef tp_def_scale = {.verify = verify, .lower = lower, .grad = grad};
const tp_opdef tp_def_scale_bwd_x = {
    .verify = verify_bwd_x, .lower = lower_bwd_x, .in_place = true};
const tp_opdef tp_def_scale_bwd_w = {.verify = verify_bwd_w,
                                     .lower = lower_bwd_w};
