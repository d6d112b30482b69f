/* CONV_SPARSE: y = requantise((W + D) x + b), D a trained delta of a few listed
 * weights, or of whole rows, in real units. The list is part of the adapter and
 * is not trained. */
#include "compiler/ops/conv.h"
#include "compiler/ops/table.h"

/* A map of places; delta is [count][width]. */
static tp_sparse describe(const tp_tensor *x, const tp_tensor *delta,
                          int32_t in_c, int32_t out_c) {
    const tp_conv_tensors t = {
        .x = x, .y = x, .w = &(tp_tensor){.rank = 2, .dim = {out_c, in_c}}};
    tp_sparse d = {.conv = tp_conv_geometry(&(tp_attr){0}, &t),
                   .x_zp = x->quant.zero_point,
                   .count = delta->dim[0],
                   .width = delta->dim[1]};
    d.conv.acc_shift = tp_conv_sum_shift((double)d.conv.out_h * 255.0 * 127.0);
    return d;
}

/* --- verify --------------------------------------------------------------- */

static tp_status verify(const tp_graph *graph, const tp_op *op, tp_diag *diag) {
    const tp_conv_tensors t = {.x = &graph->tensor[op->in[0]],
                               .w = &graph->tensor[op->in[1]],
                               .y = &graph->tensor[op->out]};
    TP_TRY(tp_conv_check(graph, op, &t, diag));
    const tp_conv2d d = tp_conv_geometry(&op->attr, &t);
    const tp_tensor *index = &graph->tensor[op->in[3]];
    const tp_tensor *delta = &graph->tensor[op->in[4]];
    if (d.k_h != 1 || d.k_w != 1 || d.stride_h != 1 || d.stride_w != 1 ||
        d.in_h != d.out_h || d.in_w != d.out_w) {
        return tp_error(diag, TP_ERR_MALFORMED,
                        "op %s: a sparse delta is for 1x1 convolutions of "
                        "stride 1 alone",
                        op->name);
    }
    if (index->dtype != TP_U16 || index->rank != 1 || delta->rank != 2 ||
        delta->dim[0] != index->dim[0] ||
        (delta->dim[1] != 1 && delta->dim[1] != d.in_c) ||
        (int64_t)index->train.limit * delta->dim[1] != tp_tensor_count(t.w)) {
        return tp_error(diag, TP_ERR_MALFORMED,
                        "op %s: the list and its values do not fit the weights",
                        op->name);
    }
    return TP_OK;
}

static tp_status verify_bwd_x(const tp_graph *graph, const tp_op *op,
                              tp_diag *diag) {
    const int32_t out_c = graph->tensor[op->in[1]].dim[0];
    return tp_conv_check_products(op, out_c, diag);
}

static tp_status verify_bwd_w(const tp_graph *graph, const tp_op *op,
                              tp_diag *diag) {
    const tp_tensor *dy = &graph->tensor[op->in[1]];
    return tp_conv_check_pixels(op, dy, dy->dim[dy->rank - 1], diag);
}

/* --- lower, gradient ------------------------------------------------------ */

static tp_status lower(tp_lower *low, const tp_op *op) {
    const tp_tensor *tensor = low->graph->tensor;
    const tp_conv_tensors t = {.x = &tensor[op->in[0]],
                               .w = &tensor[op->in[1]],
                               .y = &tensor[op->out]};
    const tp_conv2d conv = tp_conv_geometry(&op->attr, &t);
    tp_sparse d = describe(t.x, &tensor[op->in[4]], conv.in_c, conv.out_c);
    tp_factors inverse;
    TP_TRY(tp_conv_quantise(low, op, &t, &d.conv));
    TP_TRY(tp_conv_inverse_scales(low, t.w, d.conv.out_c, &inverse));
    d.conv.lora_m = inverse.m;
    d.conv.lora_s = inverse.s;
    const tp_arg args[] = {tp_arg_tensor(op->in[0]), tp_arg_tensor(op->in[2]),
                           tp_arg_tensor(op->in[3]), tp_arg_tensor(op->in[4]),
                           tp_arg_tensor(op->out)};
    return tp_lower_step(low, TP_K_conv2d_sparse_s8_fwd_ref, &tp_desc_sparse,
                         &d, args);
}

static int64_t macs(const tp_graph *graph, const tp_op *op) {
    const tp_tensor *w = &graph->tensor[op->in[1]];
    const int64_t weights =
        tp_tensor_count(w) + tp_tensor_count(&graph->tensor[op->in[4]]);
    return tp_tensor_count(&graph->tensor[op->out]) / w->dim[0] * weights;
}

static tp_status grad(tp_autodiff *ad, const tp_op *op, int dy) {
    const tp_op layer = *op;
    const int x = layer.in[0];
    const int index = layer.in[3];
    const int delta = layer.in[4];
    const double s_x = (double)tp_scale_of(&ad->graph->tensor[x], 0);
    dy = tp_ad_clamped(ad, &layer, dy);
    if (dy < 0) {
        return tp_no_memory(ad->diag);
    }
    TP_TRY(tp_ad_give(ad, layer.in[2], dy));
    TP_TRY(tp_ad_param(ad, TP_OP_SPARSE_BWD_W, &layer, (int[]){x, dy, index}, 3,
                       delta, s_x));
    if (!tp_ad_needs(ad, x)) {
        return TP_OK;
    }
    const int in[4] = {dy, layer.in[1], index, delta};
    return tp_ad_give(ad, x,
                      tp_ad_op(ad, TP_OP_CONV_SPARSE_BWD_X, &layer, in, 4, x));
}

static tp_status lower_bwd_x(tp_lower *low, const tp_op *op) {
    const tp_tensor *t = low->graph->tensor;
    const tp_tensor *w = &t[op->in[1]];
    const tp_conv_tensors conv = {.x = &t[op->out], .w = w, .y = &t[op->in[0]]};
    tp_sparse d =
        describe(&t[op->out], &t[op->in[3]], w->dim[w->rank - 1], w->dim[0]);
    d.x_zp = 0; /* of a gradient */
    TP_TRY(tp_conv_backward_scales(low, &conv, &d.conv));
    TP_TRY(tp_conv_backward_constants(low, &conv, &d.conv));
    const tp_arg args[] = {tp_arg_tensor(op->in[0]), tp_arg_tensor(op->in[2]),
                           tp_arg_tensor(op->in[3]), tp_arg_tensor(op->out),
                           tp_arg_gscale(op->out)};
    return tp_lower_step(low, TP_K_conv2d_sparse_s8_bwd_x_ref, &tp_desc_sparse,
                         &d, args);
}

static tp_status lower_bwd_w(tp_lower *low, const tp_op *op) {
    const tp_tensor *t = low->graph->tensor;
    const tp_tensor *x = &t[op->in[0]];
    const tp_tensor *dy = &t[op->in[1]];
    const int32_t out_c = dy->dim[dy->rank - 1];
    const int32_t pixels = (int32_t)(tp_tensor_count(dy) / out_c);
    const tp_sparse d =
        describe(x, &t[op->out], (int32_t)(tp_tensor_count(x) / pixels), out_c);
    const tp_arg args[] = {tp_arg_tensor(op->in[0]), tp_arg_tensor(op->in[1]),
                           tp_arg_tensor(op->in[2]), tp_arg_tensor(op->out)};
    return tp_lower_step(low, TP_K_sparse_s8_bwd_w_ref, &tp_desc_sparse, &d,
                         args);
}

const tp_opdef tp_def_conv_sparse = {
    .verify = verify, .lower = lower, .grad = grad, .macs = macs};
const tp_opdef tp_def_conv_sparse_bwd_x = {.verify = verify_bwd_x,
                                           .lower = lower_bwd_x};
const tp_opdef tp_def_sparse_bwd_w = {.verify = verify_bwd_w,
                                      .lower = lower_bwd_w};
