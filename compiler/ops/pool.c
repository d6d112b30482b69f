/* AVERAGE_POOL_2D and MAX_POOL_2D, and their gradients. */
#include <math.h>

#include "compiler/ops/opdef.h"
#include "compiler/ops/overlap.h"
#include "compiler/ops/table.h"

/* Input and output of a pool, in the forward direction. */
typedef struct ends {
    const tp_tensor *x, *y;
} ends;

static ends forward_ends(const tp_graph *graph, const tp_op *op) {
    return (ends){&graph->tensor[op->in[0]], &graph->tensor[op->out]};
}

/* A backward op makes dx, shaped like x, from dy, shaped like y. */
static ends backward_ends(const tp_graph *graph, const tp_op *op) {
    return (ends){&graph->tensor[op->out], &graph->tensor[op->in[0]]};
}

static tp_pool describe(const tp_attr *attr, ends t) {
    return (tp_pool){.in_h = t.x->dim[1],
                     .in_w = t.x->dim[2],
                     .c = t.x->dim[3],
                     .out_h = t.y->dim[1],
                     .out_w = t.y->dim[2],
                     .k_h = attr->k_h,
                     .k_w = attr->k_w,
                     .stride_h = attr->stride_h,
                     .stride_w = attr->stride_w,
                     .pad_t = attr->pad_t,
                     .pad_l = attr->pad_l,
                     .y_min = attr->act_min,
                     .y_max = attr->act_max};
}

/* --- verify --------------------------------------------------------------- */

/* Windows of one axis; `in` and `out` are the extents of x and y. */
typedef struct axis {
    int64_t in, out, k, stride, before, after;
} axis;

/* Each window covers a place of x, and there are as many as y has. */
static bool axis_fits(axis a) {
    if (a.k < 1 || a.stride < 1 || a.before < 0 || a.after < 0 ||
        a.before >= a.k) {
        return false;
    }
    const int64_t room = a.in + a.before + a.after - a.k;
    const int64_t last = (a.out - 1) * a.stride - a.before;
    return room >= 0 && room / a.stride + 1 == a.out && last < a.in;
}

static tp_status check_window(const tp_op *op, ends t, int64_t limit,
                              tp_diag *diag) {
    const tp_attr *at = &op->attr;
    if (t.x->rank != 4 || t.y->rank != 4 || t.x->dim[0] != 1 ||
        t.y->dim[0] != 1 || t.x->dim[3] != t.y->dim[3]) {
        return tp_error(diag, TP_ERR_MALFORMED,
                        "op %s: a pool maps [1, h, w, c] to [1, h, w, c]",
                        op->name);
    }
    const axis h = {t.x->dim[1],  t.y->dim[1], at->k_h,
                    at->stride_h, at->pad_t,   at->pad_b};
    const axis w = {t.x->dim[2],  t.y->dim[2], at->k_w,
                    at->stride_w, at->pad_l,   at->pad_r};
    if (!axis_fits(h) || !axis_fits(w)) {
        return tp_error(diag, TP_ERR_MALFORMED,
                        "op %s: windows of %dx%d at strides %d, %d do not "
                        "tile %dx%d to %dx%d",
                        op->name, (int)at->k_h, (int)at->k_w, (int)at->stride_h,
                        (int)at->stride_w, (int)h.in, (int)w.in, (int)h.out,
                        (int)w.out);
    }
    if (h.k * w.k > limit) {
        return tp_error(diag, TP_ERR_UNSUPPORTED,
                        "op %s: a window of %dx%d is too large; at most %d "
                        "places",
                        op->name, (int)at->k_h, (int)at->k_w, (int)limit);
    }
    return TP_OK;
}

/* A pool does not requantise; scales that differ by rounding are the same. */
static bool same_quant(const tp_tensor *x, const tp_tensor *y) {
    if (x->quant.n != 1 || y->quant.n != 1 ||
        x->quant.zero_point != y->quant.zero_point) {
        return false;
    }
    const double s_x = (double)tp_scale_of(x, 0);
    const double s_y = (double)tp_scale_of(y, 0);
    return fabs(s_x - s_y) <= 1e-6 * s_y;
}

/* A window of 2^23 places keeps the kernel's sum below 2^31. */
static tp_status verify(const tp_graph *graph, const tp_op *op, tp_diag *diag) {
    const ends t = forward_ends(graph, op);
    if (t.x->dtype != TP_S8 || t.y->dtype != TP_S8 || !same_quant(t.x, t.y)) {
        return tp_error(diag, TP_ERR_UNSUPPORTED,
                        "op %s: input and output are not int8 with the same "
                        "scale and zero point",
                        op->name);
    }
    if (op->attr.act_min < -128 || op->attr.act_max > 127 ||
        op->attr.act_min > op->attr.act_max) {
        return tp_error(diag, TP_ERR_MALFORMED,
                        "op %s: activation range [%d, %d] is not one of int8",
                        op->name, (int)op->attr.act_min, (int)op->attr.act_max);
    }
    return check_window(op, t, 1 << 23, diag);
}

/* 2^15 places leave 1 / count its 15 bits. */
static tp_status verify_bwd(const tp_graph *graph, const tp_op *op,
                            tp_diag *diag) {
    const ends t = backward_ends(graph, op);
    if (op->n_in > 1) {
        const tp_tensor *x = &graph->tensor[op->in[1]];
        if (x->dtype != TP_S8 || tp_tensor_count(x) != tp_tensor_count(t.x)) {
            return tp_error(diag, TP_ERR_MALFORMED,
                            "op %s: tensor %s is not the input of the pool",
                            op->name, x->name);
        }
    }
    return check_window(op, t, 1 << 15, diag);
}

/* --- lower ---------------------------------------------------------------- */

static tp_status lower(tp_lower *low, const tp_op *op) {
    const tp_pool d = describe(&op->attr, forward_ends(low->graph, op));
    const tp_arg args[] = {tp_arg_tensor(op->in[0]), tp_arg_tensor(op->out)};
    const bool max = op->kind == TP_OP_MAX_POOL_2D;
    return tp_lower_step(
        low, max ? TP_K_maxpool_s8_fwd_ref : TP_K_avgpool_s8_fwd_ref,
        &tp_desc_pool, &d, args);
}

static tp_status lower_avg_bwd(tp_lower *low, const tp_op *op) {
    const tp_pool d = describe(&op->attr, backward_ends(low->graph, op));
    const tp_arg args[] = {tp_arg_tensor(op->in[0]), tp_arg_tensor(op->out),
                           tp_arg_gscale(op->out)};
    return tp_lower_step(low, TP_K_avgpool_q8_bwd_x_ref, &tp_desc_pool, &d,
                         args);
}

static tp_status lower_max_bwd(tp_lower *low, const tp_op *op) {
    const tp_pool d = describe(&op->attr, backward_ends(low->graph, op));
    const tp_arg args[] = {tp_arg_tensor(op->in[0]), tp_arg_tensor(op->in[1]),
                           tp_arg_tensor(op->out), tp_arg_gscale(op->out)};
    return tp_lower_step(low, TP_K_maxpool_q8_bwd_x_ref, &tp_desc_pool, &d,
                         args);
}

/* --- overlap -------------------------------------------------------------- */

static void over(const tp_pool *d, bool backward, tp_overlap *out) {
    const tp_map map = {
        .h = {d->in_h, d->out_h, d->k_h, d->stride_h, 1, d->pad_t},
        .w = {d->in_w, d->out_w, d->k_w, d->stride_w, 1, d->pad_l},
        .x_bytes = d->c,
        .y_bytes = d->c,
        .backward = backward};
    tp_overlap_map(&map, out);
}

static void overlap(const tp_graph *graph, const tp_op *op, tp_overlap *out) {
    const tp_pool d = describe(&op->attr, forward_ends(graph, op));
    over(&d, false, out);
}

static void overlap_bwd(const tp_graph *graph, const tp_op *op,
                        tp_overlap *out) {
    const tp_pool d = describe(&op->attr, backward_ends(graph, op));
    over(&d, true, out);
}

/* --- gradient ------------------------------------------------------------- */

/* y has x's range: what is at its end was clamped by the op before, which
 * masks the gradient itself. Only a pool with an activation of its own cuts. */
static int clamped(tp_autodiff *ad, const tp_op *op, int dy) {
    const bool cuts = op->attr.act_min > -128 || op->attr.act_max < 127;
    return cuts ? tp_ad_clamped(ad, op, dy) : dy;
}

static tp_status grad(tp_autodiff *ad, const tp_op *op, int dy) {
    const tp_op pool = *op;
    const int x = pool.in[0];
    if (!tp_ad_needs(ad, x)) {
        return TP_OK;
    }
    const int in[2] = {clamped(ad, &pool, dy), x};
    if (in[0] < 0) {
        return tp_no_memory(ad->diag);
    }
    const int dx = pool.kind == TP_OP_MAX_POOL_2D
                       ? tp_ad_op(ad, TP_OP_MAX_POOL_BWD, &pool, in, 2, x)
                       : tp_ad_op(ad, TP_OP_AVERAGE_POOL_BWD, &pool, in, 1, x);
    return tp_ad_give(ad, x, dx);
}

/* One addition a place of each window; the comparisons of a max pool are none.
 */
const tp_opdef tp_def_avgpool = {
    .verify = verify, .lower = lower, .grad = grad, .overlap = overlap};
const tp_opdef tp_def_maxpool = {
    .verify = verify, .lower = lower, .grad = grad, .overlap = overlap};
const tp_opdef tp_def_avgpool_bwd = {
    .verify = verify_bwd, .lower = lower_avg_bwd, .overlap = overlap_bwd};
const tp_opdef tp_def_maxpool_bwd = {
    .verify = verify_bwd, .lower = lower_max_bwd, .overlap = overlap_bwd};
