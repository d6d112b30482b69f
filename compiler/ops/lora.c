/* The LoRA branch of a convolution: y = W x + b + B (A x), in real units.
 * Hu et al. 2021, arXiv:2106.09685. LORA_A makes u = A x, CONV_LORA adds B u
 * to the accumulator of W x before it is requantised. */
#include "compiler/ops/conv.h"
#include "compiler/ops/conv_dsp.h"
#include "compiler/ops/conv_scalar.h"
#include "compiler/ops/table.h"
#include "runtime/kernels/dsp/pack.h"

/* u = acc >> shift must fit int16 for every input: |acc| <= taps 255 127. */
static int32_t u_shift(const tp_conv2d *d) {
    const int64_t most = (int64_t)d->k_h * d->k_w * d->in_c * 255 * 127;
    int32_t shift = 0;
    while ((most >> shift) > 32766) {
        shift++;
    }
    return shift;
}

/* --- u = A x -------------------------------------------------------------- */

static tp_conv_tensors a_tensors(const tp_graph *graph, const tp_op *op) {
    return (tp_conv_tensors){.x = &graph->tensor[op->in[0]],
                             .w = &graph->tensor[op->in[1]],
                             .y = &graph->tensor[op->out]};
}

static tp_status verify_a(const tp_graph *graph, const tp_op *op,
                          tp_diag *diag) {
    const tp_conv_tensors t = a_tensors(graph, op);
    return tp_conv_check(graph, op, &t, diag);
}

static tp_status lower_a(tp_lower *lower, const tp_op *op) {
    const tp_conv_tensors t = a_tensors(lower->graph, op);
    tp_conv2d d = tp_conv_geometry(&op->attr, &t);
    d.x_zp = t.x->quant.zero_point;
    d.shift = u_shift(&d);
    const bool dsp = tp_conv_dsp_u(lower, &d);
    const tp_arg args[] = {
        tp_arg_tensor(op->in[0]), tp_arg_tensor(op->in[1]),
        tp_arg_tensor(op->out),
        tp_arg_scratch(4u * (uint32_t)tp_dsp_narrow_words(d.out_c, d.in_c))};
    return tp_lower_step(
        lower, dsp ? TP_K_conv2d_q8_s16_fwd_dsp : TP_K_conv2d_q8_s16_fwd_ref,
        &tp_desc_conv2d, &d, args);
}

static int64_t macs_a(const tp_graph *graph, const tp_op *op) {
    const tp_tensor *a = &graph->tensor[op->in[1]];
    const tp_tensor *u = &graph->tensor[op->out];
    return tp_tensor_count(u) * (tp_tensor_count(a) / a->dim[0]);
}

/* --- y = requantise(W x + b + B u) ---------------------------------------- */

static tp_conv_tensors base_tensors(const tp_graph *graph, const tp_op *op) {
    return (tp_conv_tensors){.x = &graph->tensor[op->in[0]],
                             .w = &graph->tensor[op->in[1]],
                             .y = &graph->tensor[op->out]};
}

static tp_status verify_lora(const tp_graph *graph, const tp_op *op,
                             tp_diag *diag) {
    const tp_conv_tensors t = base_tensors(graph, op);
    TP_TRY(tp_conv_check(graph, op, &t, diag));
    const tp_tensor *u = &graph->tensor[op->in[3]];
    const tp_tensor *b = &graph->tensor[op->in[4]];
    const int32_t rank = op->attr.rank;
    if (rank < 1 || rank > 16 || b->rank != 2 || b->dim[1] != rank ||
        b->dim[0] != t.w->dim[0] || u->dim[u->rank - 1] != rank) {
        return tp_error(diag, TP_ERR_MALFORMED,
                        "op %s: LoRA rank %d does not fit A and B; 1 to 16 "
                        "work",
                        op->name, (int)rank);
    }
    return TP_OK;
}

static tp_status lower_lora(tp_lower *lower, const tp_op *op) {
    const tp_conv_tensors t = base_tensors(lower->graph, op);
    tp_conv2d d = tp_conv_geometry(&op->attr, &t);
    d.rank = op->attr.rank;
    tp_factors inverse;
    TP_TRY(tp_conv_inverse_scales(lower, t.w, d.out_c, &inverse));
    d.lora_m = inverse.m;
    d.lora_s = inverse.s;
    bool done = false;
    if (op->n_in <= 5) {
        tp_conv2d with_u = d;
        with_u.shift = u_shift(&d);
        TP_TRY(tp_conv_dsp_lower_lora(lower, op, &t, &with_u, &done));
    }
    if (op->n_in <= 5 && !done) {
        TP_TRY(tp_conv_scalar_lower_lora(lower, op, &t, &d, &done));
    }
    if (done) {
        return TP_OK;
    }
    TP_TRY(tp_conv_quantise(lower, op, &t, &d));
    tp_arg args[6];
    int n = 0;
    args[n++] = tp_arg_tensor(op->in[0]);
    for (int i = 2; i < op->n_in; i++) { /* in[5]: trained factors */
        args[n++] = tp_arg_tensor(op->in[i]);
    }
    args[n] = tp_arg_tensor(op->out);
    return tp_lower_step(lower,
                         op->n_in > 5 ? TP_K_conv2d_lora_scaled_s8_fwd_ref
                                      : TP_K_conv2d_lora_s8_fwd_ref,
                         &tp_desc_conv2d, &d, args);
}

static void overlap_lora(const tp_graph *graph, const tp_op *op,
                         tp_overlap *out) {
    const tp_conv_tensors t = base_tensors(graph, op);
    const tp_conv2d d = tp_conv_geometry(&op->attr, &t);
    tp_conv_overlap(&d, false, out);
}

static int64_t macs_lora(const tp_graph *graph, const tp_op *op) {
    const tp_tensor *w = &graph->tensor[op->in[1]];
    const int64_t y = tp_tensor_count(&graph->tensor[op->out]);
    return y * (tp_tensor_count(w) / w->dim[0] + op->attr.rank);
}

/* dB = dy u^T, du = B^T dy, dA = du x^T, dx = W^T dy + A^T du. u and x are
 * real values over s_x, hence the unit of both weights' gradients. A frozen A
 * has none: nothing but dx asks for du then, and x need not be kept. */
static tp_status grad_lora(tp_autodiff *ad, const tp_op *op, int dy) {
    tp_graph *graph = ad->graph;
    const tp_op lora = *op;
    const int x = lora.in[0];
    const int u = lora.in[3];
    const int b = lora.in[4];
    const int a = graph->op[tp_graph_producer(graph, u)].in[1];
    const double s_x = (double)tp_scale_of(&graph->tensor[x], 0);
    dy = tp_conv_ad_scaled(ad, &lora, tp_ad_clamped(ad, &lora, dy));
    if (dy < 0) {
        return tp_no_memory(ad->diag);
    }
    TP_TRY(tp_ad_give(ad, lora.in[2], dy));
    TP_TRY(tp_ad_param(ad, TP_OP_LORA_BWD_B, &lora, (int[]){u, dy}, 2, b, s_x));
    if (!tp_ad_needs(ad, a) && !tp_ad_needs(ad, x)) {
        return TP_OK;
    }
    const int b_again = tp_ad_again(ad, b);
    const int du =
        tp_ad_op(ad, TP_OP_LORA_BWD_U, &lora, (int[]){dy, b_again}, 2, u);
    if (b_again < 0 || du < 0) {
        return tp_no_memory(ad->diag);
    }
    TP_TRY(tp_ad_param(ad, TP_OP_CONV_BWD_W, &lora, (int[]){x, du}, 2, a, s_x));
    if (!tp_ad_needs(ad, x)) {
        return TP_OK;
    }
    const int a_again = tp_ad_again(ad, a);
    const int in[4] = {dy, lora.in[1], du, a_again};
    return a_again < 0 ? tp_no_memory(ad->diag)
                       : tp_ad_give(ad, x,
                                    tp_ad_op(ad, TP_OP_CONV_LORA_BWD_X, &lora,
                                             in, 4, x));
}

/* --- backward ------------------------------------------------------------- */

static tp_conv_tensors backward_tensors(const tp_graph *graph,
                                        const tp_op *op) {
    return (tp_conv_tensors){.x = &graph->tensor[op->out],
                             .w = &graph->tensor[op->in[1]],
                             .y = &graph->tensor[op->in[0]]};
}

static void overlap_bwd_x(const tp_graph *graph, const tp_op *op,
                          tp_overlap *out) {
    const tp_conv_tensors t = backward_tensors(graph, op);
    const tp_conv2d d = tp_conv_geometry(&op->attr, &t);
    tp_conv_overlap(&d, true, out);
}

static tp_status lower_bwd_x(tp_lower *lower, const tp_op *op) {
    const tp_conv_tensors t = backward_tensors(lower->graph, op);
    tp_conv2d d = tp_conv_geometry(&op->attr, &t);
    TP_TRY(tp_conv_backward_scales(lower, &t, &d));
    d.rank = op->attr.rank;
    const tp_arg args[] = {tp_arg_tensor(op->in[0]), tp_arg_tensor(op->in[2]),
                           tp_arg_tensor(op->in[3]), tp_arg_tensor(op->out),
                           tp_arg_gscale(op->out)};
    bool done = false;
    TP_TRY(tp_conv_dsp_lower_bwd_x(lower, TP_K_conv2d_lora_s8_bwd_x_dsp, &d,
                                   args, &done));
    if (done) {
        return TP_OK;
    }
    TP_TRY(tp_conv_backward_constants(lower, &t, &d));
    return tp_lower_step(lower, TP_K_conv2d_lora_s8_bwd_x_ref, &tp_desc_conv2d,
                         &d, args);
}

/* What lora_q8_bwd_u and lora_q16_bwd_w read of a descriptor: the map of dy,
 * the channels and the rank. */
static tp_conv2d branch(const tp_tensor *dy, int32_t out_c, int32_t rank) {
    const tp_conv_tensors t = {
        .x = dy, .y = dy, .w = &(tp_tensor){.rank = 2, .dim = {out_c, out_c}}};
    tp_conv2d d = tp_conv_geometry(&(tp_attr){0}, &t);
    tp_conv_accumulation(&d);
    d.rank = rank;
    return d;
}

static tp_status lower_bwd_u(tp_lower *lower, const tp_op *op) {
    const tp_tensor *b = &lower->graph->tensor[op->in[1]];
    const tp_conv2d d =
        branch(&lower->graph->tensor[op->in[0]], b->dim[0], b->dim[1]);
    const tp_arg args[] = {
        tp_arg_tensor(op->in[0]), tp_arg_tensor(op->in[1]),
        tp_arg_tensor(op->out), tp_arg_gscale(op->out),
        tp_arg_scratch(4u * (uint32_t)tp_dsp_narrow_words(d.rank, d.out_c))};
    return tp_lower_step(lower,
                         tp_conv_dsp_du(lower, &d) ? TP_K_lora_q8_bwd_u_dsp
                                                   : TP_K_lora_q8_bwd_u_ref,
                         &tp_desc_conv2d, &d, args);
}

static tp_status lower_bwd_b(tp_lower *lower, const tp_op *op) {
    const tp_tensor *b = &lower->graph->tensor[op->out];
    const tp_conv2d d =
        branch(&lower->graph->tensor[op->in[1]], b->dim[0], b->dim[1]);
    const tp_arg args[] = {tp_arg_tensor(op->in[0]), tp_arg_tensor(op->in[1]),
                           tp_arg_tensor(op->out),
                           tp_arg_scratch(tp_conv_dsp_outer_bytes(&d))};
    return tp_lower_step(lower,
                         tp_conv_dsp_db(lower, &d) ? TP_K_lora_q16_bwd_w_dsp
                                                   : TP_K_lora_q16_bwd_w_ref,
                         &tp_desc_conv2d, &d, args);
}

const tp_opdef tp_def_lora_a = {
    .verify = verify_a, .lower = lower_a, .macs = macs_a};
const tp_opdef tp_def_conv_lora = {.verify = verify_lora,
                                   .lower = lower_lora,
                                   .grad = grad_lora,
                                   .overlap = overlap_lora,
                                   .macs = macs_lora};
const tp_opdef tp_def_conv_lora_bwd_x = {.lower = lower_bwd_x,
                                         .overlap = overlap_bwd_x};
const tp_opdef tp_def_lora_bwd_u = {.lower = lower_bwd_u};
const tp_opdef tp_def_lora_bwd_b = {.lower = lower_bwd_b};
