/* MEAN over any axes, and its gradient. */
#include "compiler/ops/opdef.h"
#include "compiler/ops/table.h"

static bool reduced(const tp_attr *attr, int axis) {
    for (int i = 0; i < attr->n_list; i++) {
        if (attr->list[i] == axis) {
            return true;
        }
    }
    return false;
}

/* Values that one mean is of; 0: beyond 2^31. */
static int64_t count_of(const tp_attr *attr, const tp_tensor *x) {
    int64_t count = 1;
    for (int j = 0; j < x->rank; j++) {
        count *= reduced(attr, j) ? x->dim[j] : 1;
        if (count > INT32_MAX) {
            return 0;
        }
    }
    return count;
}

/* Dimensions from the last to the first; neighbours that are both kept or both
 * reduced are one. Six axes have at most three of each. */
static tp_mean describe(const tp_attr *attr, const tp_tensor *x) {
    tp_mean d = {.out_dim = {1, 1, 1, 1},
                 .red_dim = {1, 1, 1, 1},
                 .count = (int32_t)count_of(attr, x)};
    int32_t stride = 1;
    int before = -1;
    int out = 4, red = 4;
    for (int j = x->rank - 1; j >= 0; j--) {
        if (x->dim[j] == 1) {
            continue;
        }
        const int is_red = reduced(attr, j) ? 1 : 0;
        int *at = is_red ? &red : &out;
        if (is_red != before) {
            (*at)--;
            (is_red ? d.red_stride : d.out_stride)[*at] = stride;
        }
        (is_red ? d.red_dim : d.out_dim)[*at] *= x->dim[j];
        stride *= x->dim[j];
        before = is_red;
    }
    return d;
}

/* --- verify --------------------------------------------------------------- */

/* y is x without the reduced axes, or with 1 in their place. */
static bool shapes_fit(const tp_attr *attr, const tp_tensor *x,
                       const tp_tensor *y) {
    const bool keep = y->rank == x->rank;
    int at = 0;
    for (int j = 0; j < x->rank; j++) {
        const bool red = reduced(attr, j);
        if (red && !keep) {
            continue;
        }
        if (at == y->rank || y->dim[at++] != (red ? 1 : x->dim[j])) {
            return false;
        }
    }
    return at == y->rank;
}

static tp_status check_axes(const tp_op *op, const tp_tensor *x,
                            const tp_tensor *y, tp_diag *diag) {
    bool sound = op->attr.n_list >= 0 && op->attr.n_list <= x->rank;
    for (int i = 0; sound && i < op->attr.n_list; i++) {
        const int32_t axis = op->attr.list[i];
        sound = axis < x->rank && axis >= 0 &&
                (i == 0 || axis > op->attr.list[i - 1]);
    }
    if (!sound || !shapes_fit(&op->attr, x, y)) {
        return tp_error(diag, TP_ERR_MALFORMED,
                        "op %s: the axes do not take the input's shape to the "
                        "output's",
                        op->name);
    }
    return TP_OK;
}

/* The factor s_x / (s_y * count) as TensorFlow Lite Micro has it: that of
 * s_x / s_y, its 31 bits divided by count and truncated, after as many of
 * count's bits as fit went into the shift. */
static tp_factor factor_of(const tp_tensor *x, const tp_tensor *y,
                           int64_t count) {
    const tp_factor f =
        tp_factor_of((double)tp_scale_of(x, 0) / (double)tp_scale_of(y, 0));
    int32_t shift = 0;
    while (shift < 31 + f.s && count >> (shift + 1) != 0) {
        shift++;
    }
    return (tp_factor){(int32_t)(((int64_t)f.m << shift) / count), f.s - shift};
}

static tp_status verify(const tp_graph *graph, const tp_op *op, tp_diag *diag) {
    const tp_tensor *x = &graph->tensor[op->in[0]];
    const tp_tensor *y = &graph->tensor[op->out];
    if (x->dtype != TP_S8 || y->dtype != TP_S8 || x->quant.n != 1 ||
        y->quant.n != 1) {
        return tp_error(diag, TP_ERR_UNSUPPORTED,
                        "op %s: input and output are not int8 with one scale "
                        "each",
                        op->name);
    }
    TP_TRY(check_axes(op, x, y, diag));
    /* 255 * count * 2^s < 2^30: nothing wraps. */
    const int64_t count = count_of(&op->attr, x);
    const int64_t most = ((INT64_C(1) << 30) - 1) / 255;
    if (count == 0 || count > most) {
        return tp_error(diag, TP_ERR_UNSUPPORTED,
                        "op %s: a mean of more than %d values", op->name,
                        (int)most);
    }
    const int32_t s = factor_of(x, y, count).s;
    if (s > 0 && (s > 30 || count > most >> s)) {
        return tp_error(diag, TP_ERR_UNSUPPORTED,
                        "op %s: the output's scale is far below the input's",
                        op->name);
    }
    return TP_OK;
}

/* 2^15 values leave 1 / count its 15 bits. */
static tp_status verify_bwd(const tp_graph *graph, const tp_op *op,
                            tp_diag *diag) {
    const tp_tensor *x = &graph->tensor[op->out];
    TP_TRY(check_axes(op, x, &graph->tensor[op->in[0]], diag));
    const int64_t count = count_of(&op->attr, x);
    if (count == 0 || count > 1 << 15) {
        return tp_error(diag, TP_ERR_UNSUPPORTED,
                        "op %s: the gradient of a mean of more than 32768 "
                        "values",
                        op->name);
    }
    return TP_OK;
}

/* --- lower, gradient ------------------------------------------------------ */

static tp_status lower(tp_lower *low, const tp_op *op) {
    const tp_tensor *x = &low->graph->tensor[op->in[0]];
    const tp_tensor *y = &low->graph->tensor[op->out];
    tp_mean d = describe(&op->attr, x);
    d.x_zp = x->quant.zero_point;
    d.y_zp = y->quant.zero_point;
    d.f = factor_of(x, y, d.count);
    const tp_arg args[] = {tp_arg_tensor(op->in[0]), tp_arg_tensor(op->out)};
    return tp_lower_step(low, TP_K_mean_s8_fwd_ref, &tp_desc_mean, &d, args);
}

static tp_status lower_bwd(tp_lower *low, const tp_op *op) {
    const tp_mean d = describe(&op->attr, &low->graph->tensor[op->out]);
    const tp_arg args[] = {tp_arg_tensor(op->in[0]), tp_arg_tensor(op->out),
                           tp_arg_gscale(op->out)};
    return tp_lower_step(low, TP_K_mean_q8_bwd_x_ref, &tp_desc_mean, &d, args);
}

/* The first value of a mean stands at least as far in x as the mean in y. */
static void overlap(const tp_graph *graph, const tp_op *op, tp_overlap *out) {
    (void)graph;
    (void)op;
    out->forward = 0;
}

/* MEAN has no activation: nothing is masked. */
static tp_status grad(tp_autodiff *ad, const tp_op *op, int dy) {
    const tp_op mean = *op;
    const int x = mean.in[0];
    if (!tp_ad_needs(ad, x)) {
        return TP_OK;
    }
    return tp_ad_give(ad, x, tp_ad_op(ad, TP_OP_MEAN_BWD, &mean, &dy, 1, x));
}

const tp_opdef tp_def_mean = {
    .verify = verify, .lower = lower, .grad = grad, .overlap = overlap};
const tp_opdef tp_def_mean_bwd = {.verify = verify_bwd, .lower = lower_bwd};
