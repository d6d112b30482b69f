/* Bottleneck adapters: CONV_BOTTLENECK, y = requantise(W x + b + B act(A x)),
 * and BOTTLENECK, y = clamp(x + B act(A x)), both place by place and in real
 * units. He et al. 2022, arXiv:2110.04366; Houlsby et al. 2019,
 * arXiv:1902.00751. What lies between A and B is no tensor: the kernels keep
 * one place of it on their stack, and backward makes it again from x. */
#include "compiler/ops/conv.h"
#include "compiler/ops/table.h"

/* act(A x) >> shift must fit int16 for every input. */
static int32_t hidden_shift(int32_t in_c) {
    int32_t shift = 0;
    while (((int64_t)in_c * 255 * 127) >> shift > 32766) {
        shift++;
    }
    return shift;
}

/* A map of places; `x` and `out_c` give the sizes, A the rank. */
static tp_bottleneck describe(const tp_op *op, const tp_tensor *x,
                              const tp_tensor *a, int32_t out_c) {
    const int32_t in_c = a->dim[1];
    const tp_conv_tensors t = {
        .x = x, .y = x, .w = &(tp_tensor){.rank = 2, .dim = {out_c, in_c}}};
    tp_bottleneck d = {.conv = tp_conv_geometry(&(tp_attr){0}, &t),
                       .x_zp = x->quant.zero_point,
                       .act = op->attr.of == TP_OP_HARD_SWISH
                                  ? TP_ACT_HARD_SWISH
                                  : TP_ACT_RELU,
                       .s_x = tp_factor_of((double)tp_scale_of(x, 0))};
    const double pixels = (double)d.conv.out_h;
    d.conv.rank = a->dim[0];
    d.conv.shift = hidden_shift(in_c);
    d.conv.acc_shift = tp_conv_sum_shift(pixels * 255.0 * 127.0);
    d.conv.acc_shift_b = tp_conv_sum_shift(pixels * 32768.0 * 128.0);
    return d;
}

/* --- verify --------------------------------------------------------------- */

/* A and B from in_c channels to out_c. */
static tp_status check_branch(const tp_op *op, const tp_tensor *a,
                              const tp_tensor *b, const int32_t channels[2],
                              tp_diag *diag) {
    const int32_t rank = op->attr.rank;
    if (rank < 4 || rank > 16 || rank % 4 != 0 || a->rank != 2 ||
        b->rank != 2 || a->dim[0] != rank || b->dim[1] != rank ||
        a->dim[1] != channels[0] || b->dim[0] != channels[1]) {
        return tp_error(diag, TP_ERR_MALFORMED,
                        "op %s: a bottleneck of rank %d does not fit A and B; "
                        "4, 8, 12 and 16 work",
                        op->name, (int)rank);
    }
    if (op->attr.of != TP_OP_RELU && op->attr.of != TP_OP_HARD_SWISH) {
        return tp_error(diag, TP_ERR_MALFORMED,
                        "op %s: no such activation; relu and hard_swish work",
                        op->name);
    }
    if (a->dim[1] > 66000 || b->dim[0] > 66000) {
        return tp_error(diag, TP_ERR_UNSUPPORTED,
                        "op %s: a bottleneck takes at most 66000 channels",
                        op->name);
    }
    return TP_OK;
}

static tp_conv_tensors conv_tensors(const tp_graph *graph, const tp_op *op) {
    return (tp_conv_tensors){.x = &graph->tensor[op->in[0]],
                             .w = &graph->tensor[op->in[1]],
                             .y = &graph->tensor[op->out]};
}

static tp_status verify_parallel(const tp_graph *graph, const tp_op *op,
                                 tp_diag *diag) {
    const tp_conv_tensors t = conv_tensors(graph, op);
    TP_TRY(tp_conv_check(graph, op, &t, diag));
    const tp_conv2d d = tp_conv_geometry(&op->attr, &t);
    if (d.k_h != 1 || d.k_w != 1 || d.stride_h != 1 || d.stride_w != 1 ||
        d.in_h != d.out_h || d.in_w != d.out_w) {
        return tp_error(diag, TP_ERR_MALFORMED,
                        "op %s: a bottleneck stands beside a 1x1 convolution "
                        "of stride 1 alone",
                        op->name);
    }
    const int32_t channels[2] = {d.in_c, d.out_c};
    return check_branch(op, &graph->tensor[op->in[3]],
                        &graph->tensor[op->in[4]], channels, diag);
}

static tp_status verify_serial(const tp_graph *graph, const tp_op *op,
                               tp_diag *diag) {
    const tp_tensor *x = &graph->tensor[op->in[0]];
    const tp_tensor *y = &graph->tensor[op->out];
    if (x->dtype != TP_S8 || y->dtype != TP_S8 || x->quant.n != 1 ||
        y->quant.n != 1 || tp_scale_of(x, 0) != tp_scale_of(y, 0) ||
        x->quant.zero_point != y->quant.zero_point ||
        tp_tensor_count(x) != tp_tensor_count(y)) {
        return tp_error(diag, TP_ERR_MALFORMED,
                        "op %s: its output is not like its input", op->name);
    }
    const int32_t last = y->dim[y->rank - 1];
    const int32_t channels[2] = {last, last};
    return check_branch(op, &graph->tensor[op->in[1]],
                        &graph->tensor[op->in[2]], channels, diag);
}

static tp_status verify_bwd_x(const tp_graph *graph, const tp_op *op,
                              tp_diag *diag) {
    const int32_t out_c = graph->tensor[op->in[4]].dim[0];
    return tp_conv_check_products(op, out_c, diag);
}

/* --- forward -------------------------------------------------------------- */

static tp_status lower_parallel(tp_lower *lower, const tp_op *op) {
    const tp_graph *graph = lower->graph;
    const tp_conv_tensors t = conv_tensors(graph, op);
    tp_bottleneck d = describe(op, t.x, &graph->tensor[op->in[3]], t.w->dim[0]);
    TP_TRY(tp_conv_quantise(lower, op, &t, &d.conv));
    tp_factors inverse;
    TP_TRY(tp_conv_inverse_scales(lower, t.w, d.conv.out_c, &inverse));
    d.conv.lora_m = inverse.m;
    d.conv.lora_s = inverse.s;
    const tp_arg args[] = {tp_arg_tensor(op->in[0]), tp_arg_tensor(op->in[2]),
                           tp_arg_tensor(op->in[3]), tp_arg_tensor(op->in[4]),
                           tp_arg_tensor(op->out)};
    return tp_lower_step(lower, TP_K_conv2d_bottleneck_s8_fwd_ref,
                         &tp_desc_bottleneck, &d, args);
}

static tp_status lower_serial(tp_lower *lower, const tp_op *op) {
    const tp_tensor *t = lower->graph->tensor;
    tp_bottleneck d =
        describe(op, &t[op->in[0]], &t[op->in[1]], t[op->in[1]].dim[1]);
    d.conv.y_min = op->attr.act_min;
    d.conv.y_max = op->attr.act_max;
    const tp_arg args[] = {tp_arg_tensor(op->in[0]), tp_arg_tensor(op->in[1]),
                           tp_arg_tensor(op->in[2]), tp_arg_tensor(op->out)};
    return tp_lower_step(lower, TP_K_bottleneck_s8_fwd_ref, &tp_desc_bottleneck,
                         &d, args);
}

/* Of the branch: rank (in_c + out_c) at each place. */
static int64_t branch_macs(const tp_graph *graph, int x, int a, int b) {
    const tp_tensor *ta = &graph->tensor[a];
    const tp_tensor *tb = &graph->tensor[b];
    return tp_tensor_count(&graph->tensor[x]) / ta->dim[1] *
           (tp_tensor_count(ta) + tp_tensor_count(tb));
}

static int64_t macs_parallel(const tp_graph *graph, const tp_op *op) {
    const int64_t y = tp_tensor_count(&graph->tensor[op->out]);
    const tp_tensor *w = &graph->tensor[op->in[1]];
    return y * (tp_tensor_count(w) / w->dim[0]) +
           branch_macs(graph, op->in[0], op->in[3], op->in[4]);
}

static int64_t macs_serial(const tp_graph *graph, const tp_op *op) {
    return branch_macs(graph, op->in[0], op->in[1], op->in[2]);
}

/* --- gradient ------------------------------------------------------------- */

/* dB = dy act(A x)^T, dA = (act' B^T dy) x^T: all real over the scale of x. */
static tp_status grad_params(tp_autodiff *ad, const tp_op *op, int dy, int a,
                             int b) {
    const int x = op->in[0];
    const double s_x = (double)tp_scale_of(&ad->graph->tensor[x], 0);
    TP_TRY(tp_ad_param(ad, TP_OP_BOTTLENECK_BWD_B, op, (int[]){x, dy, a}, 3, b,
                       s_x));
    return tp_ad_param(ad, TP_OP_BOTTLENECK_BWD_A, op, (int[]){x, dy, a, b}, 4,
                       a, s_x);
}

static tp_status grad_parallel(tp_autodiff *ad, const tp_op *op, int dy) {
    const tp_op layer = *op;
    const int x = layer.in[0];
    const int a = layer.in[3];
    const int b = layer.in[4];
    dy = tp_ad_clamped(ad, &layer, dy);
    if (dy < 0) {
        return tp_no_memory(ad->diag);
    }
    TP_TRY(tp_ad_give(ad, layer.in[2], dy));
    TP_TRY(grad_params(ad, &layer, dy, a, b));
    if (!tp_ad_needs(ad, x)) {
        return TP_OK;
    }
    const int in[5] = {dy, x, layer.in[1], a, b};
    return tp_ad_give(
        ad, x, tp_ad_op(ad, TP_OP_CONV_BOTTLENECK_BWD_X, &layer, in, 5, x));
}

static tp_status grad_serial(tp_autodiff *ad, const tp_op *op, int dy) {
    const tp_op layer = *op;
    const int x = layer.in[0];
    const int a = layer.in[1];
    const int b = layer.in[2];
    dy = tp_ad_clamped(ad, &layer, dy);
    if (dy < 0) {
        return tp_no_memory(ad->diag);
    }
    TP_TRY(grad_params(ad, &layer, dy, a, b));
    if (!tp_ad_needs(ad, x)) {
        return TP_OK;
    }
    const int in[4] = {dy, x, a, b};
    return tp_ad_give(ad, x,
                      tp_ad_op(ad, TP_OP_BOTTLENECK_BWD_X, &layer, in, 4, x));
}

static tp_status lower_parallel_bwd_x(tp_lower *lower, const tp_op *op) {
    const tp_tensor *t = lower->graph->tensor;
    const tp_conv_tensors conv = {
        .x = &t[op->out], .w = &t[op->in[2]], .y = &t[op->in[0]]};
    tp_bottleneck d =
        describe(op, &t[op->in[1]], &t[op->in[3]], t[op->in[4]].dim[0]);
    TP_TRY(tp_conv_backward_scales(lower, &conv, &d.conv));
    TP_TRY(tp_conv_backward_constants(lower, &conv, &d.conv));
    const tp_arg args[] = {tp_arg_tensor(op->in[0]), tp_arg_tensor(op->in[1]),
                           tp_arg_tensor(op->in[3]), tp_arg_tensor(op->in[4]),
                           tp_arg_tensor(op->out),   tp_arg_gscale(op->out)};
    return tp_lower_step(lower, TP_K_conv2d_bottleneck_s8_bwd_x_ref,
                         &tp_desc_bottleneck, &d, args);
}

static tp_status lower_serial_bwd_x(tp_lower *lower, const tp_op *op) {
    const tp_tensor *t = lower->graph->tensor;
    const tp_bottleneck d =
        describe(op, &t[op->in[1]], &t[op->in[2]], t[op->in[3]].dim[0]);
    const tp_arg args[] = {tp_arg_tensor(op->in[0]), tp_arg_tensor(op->in[1]),
                           tp_arg_tensor(op->in[2]), tp_arg_tensor(op->in[3]),
                           tp_arg_tensor(op->out),   tp_arg_gscale(op->out)};
    return tp_lower_step(lower, TP_K_bottleneck_s8_bwd_x_ref,
                         &tp_desc_bottleneck, &d, args);
}

static tp_status lower_bwd_a(tp_lower *lower, const tp_op *op) {
    const tp_tensor *t = lower->graph->tensor;
    const tp_bottleneck d =
        describe(op, &t[op->in[0]], &t[op->in[2]], t[op->in[3]].dim[0]);
    const tp_arg args[] = {tp_arg_tensor(op->in[0]), tp_arg_tensor(op->in[1]),
                           tp_arg_tensor(op->in[2]), tp_arg_tensor(op->in[3]),
                           tp_arg_tensor(op->out),   tp_arg_gscale(op->out)};
    return tp_lower_step(lower, TP_K_bottleneck_s8_bwd_a_ref,
                         &tp_desc_bottleneck, &d, args);
}

static tp_status lower_bwd_b(tp_lower *lower, const tp_op *op) {
    const tp_tensor *t = lower->graph->tensor;
    const tp_bottleneck d =
        describe(op, &t[op->in[0]], &t[op->in[2]], t[op->out].dim[0]);
    const tp_arg args[] = {tp_arg_tensor(op->in[0]), tp_arg_tensor(op->in[1]),
                           tp_arg_tensor(op->in[2]), tp_arg_tensor(op->out)};
    return tp_lower_step(lower, TP_K_bottleneck_s8_bwd_b_ref,
                         &tp_desc_bottleneck, &d, args);
}

const tp_opdef tp_def_conv_bottleneck = {.verify = verify_parallel,
                                         .lower = lower_parallel,
                                         .grad = grad_parallel,
                                         .macs = macs_parallel};
const tp_opdef tp_def_bottleneck = {.verify = verify_serial,
                                    .lower = lower_serial,
                                    .grad = grad_serial,
                                    .macs = macs_serial};
const tp_opdef tp_def_conv_bottleneck_bwd_x = {.verify = verify_bwd_x,
                                               .lower = lower_parallel_bwd_x};
const tp_opdef tp_def_bottleneck_bwd_x = {.lower = lower_serial_bwd_x};
const tp_opdef tp_def_bottleneck_bwd_a = {.lower = lower_bwd_a};
const tp_opdef tp_def_bottleneck_bwd_b = {.lower = lower_bwd_b};
