/* Data movement: TRANSPOSE, PAD, CONCATENATION and STRIDED_SLICE as strided
 * copies, RESHAPE as nothing at all.
 *
 * A copy's gradient is the same copy with its two sides exchanged, so each
 * kind has one rule for both directions, written for the forward tensors:
 * `x`, and `y`; in COPY_BWD these are the output dx and the input dy. */
#include "compiler/ops/opdef.h"
#include "compiler/ops/table.h"

/* One copy as its op sees it. */
typedef struct view {
    const tp_tensor *x, *y;
    const tp_attr *attr;
    const char *name; /* of the op, for messages */
    tp_diag *diag;
} view;

static tp_status malformed(const view *v, const char *what) {
    return tp_error(v->diag, TP_ERR_MALFORMED, "op %s: %s", v->name, what);
}

static tp_status wrong_dim(const view *v, int axis, int64_t expected) {
    return tp_error(v->diag, TP_ERR_MALFORMED,
                    "op %s: axis %d of the output is %d; it must be %lld",
                    v->name, axis, (int)v->y->dim[axis], (long long)expected);
}

/* --- building copies ------------------------------------------------------ */

/* Row-major strides of a tensor with these dimensions. */
static void strides(const int32_t *dim, int rank, int32_t *stride) {
    int32_t n = 1;
    for (int i = rank - 1; i >= 0; i--) {
        stride[i] = n;
        n *= dim[i];
    }
}

/* The copy with its axes pushed together: axes of length 1 vanish, and an
 * axis that continues the one before it in both tensors joins it. What is
 * left stands at the end, where the kernel's inner loop is. */
static tp_copy squeezed(const tp_copy *wide, int rank) {
    tp_copy c = *wide;
    int n = 0;
    for (int i = 0; i < rank; i++) {
        const int32_t dim = wide->dim[i];
        const int32_t sx = wide->x_stride[i], sy = wide->y_stride[i];
        if (dim == 1) {
            continue;
        }
        const bool joins = n > 0 && c.x_stride[n - 1] == sx * dim &&
                           c.y_stride[n - 1] == sy * dim;
        const int at = joins ? n - 1 : n++;
        c.dim[at] = joins ? c.dim[at] * dim : dim;
        c.x_stride[at] = sx;
        c.y_stride[at] = sy;
    }
    tp_copy out = {.dim = {1, 1, 1, 1, 1, 1},
                   .x_offset = wide->x_offset,
                   .y_offset = wide->y_offset};
    for (int i = 0; i < n; i++) {
        out.dim[6 - n + i] = c.dim[i];
        out.x_stride[6 - n + i] = c.x_stride[i];
        out.y_stride[6 - n + i] = c.y_stride[i];
    }
    return out;
}

static tp_copy exchanged(const tp_copy *c) {
    tp_copy out = *c;
    out.x_offset = c->y_offset;
    out.y_offset = c->x_offset;
    for (int i = 0; i < 6; i++) {
        out.x_stride[i] = c->y_stride[i];
        out.y_stride[i] = c->x_stride[i];
    }
    return out;
}

/* --- TRANSPOSE: list is the permutation ----------------------------------- */

static tp_status check_transpose(const view *v) {
    unsigned seen = 0;
    if (v->attr->n_list != v->x->rank || v->y->rank != v->x->rank) {
        return malformed(v, "the permutation has not the input's rank");
    }
    for (int i = 0; i < v->x->rank; i++) {
        const int32_t from = v->attr->list[i];
        if (from < 0 || from >= v->x->rank || ((seen >> from) & 1u)) {
            return malformed(v, "its list is no permutation");
        }
        seen |= 1u << from;
        if (v->y->dim[i] != v->x->dim[from]) {
            return wrong_dim(v, i, v->x->dim[from]);
        }
    }
    return TP_OK;
}

static tp_copy copy_transpose(const view *v) {
    tp_copy c = {.x_offset = 0};
    int32_t sx[TP_MAX_RANK] = {0};
    strides(v->x->dim, v->x->rank, sx);
    strides(v->y->dim, v->y->rank, c.y_stride);
    for (int i = 0; i < v->y->rank; i++) {
        c.dim[i] = v->y->dim[i];
        c.x_stride[i] = sx[v->attr->list[i]];
    }
    return squeezed(&c, v->y->rank);
}

/* --- PAD: list is what comes before each axis, then after ----------------- */

static tp_status check_pad(const view *v) {
    const int rank = v->x->rank;
    if (v->attr->n_list != 2 * rank || v->y->rank != rank) {
        return malformed(v, "the paddings have not the input's rank");
    }
    for (int i = 0; i < rank; i++) {
        const int32_t before = v->attr->list[i];
        const int32_t after = v->attr->list[rank + i];
        if (before < 0 || after < 0) {
            return malformed(v, "a padding is negative");
        }
        const int64_t sum = (int64_t)before + v->x->dim[i] + after;
        if (v->y->dim[i] != sum) {
            return wrong_dim(v, i, sum);
        }
    }
    return TP_OK;
}

static tp_copy copy_pad(const view *v) {
    tp_copy c = {.x_offset = 0};
    strides(v->x->dim, v->x->rank, c.x_stride);
    strides(v->y->dim, v->y->rank, c.y_stride);
    for (int i = 0; i < v->x->rank; i++) {
        c.dim[i] = v->x->dim[i];
        c.y_offset += v->attr->list[i] * c.y_stride[i];
    }
    return squeezed(&c, v->x->rank);
}

/* --- CONCATENATION: one input, at list[0] along attr.axis ----------------- */

static tp_status check_part(const view *v) {
    const int32_t axis = v->attr->axis;
    if (v->x->rank != v->y->rank || axis < 0 || axis >= v->y->rank) {
        return malformed(v, "ranks differ, or no such axis");
    }
    for (int i = 0; i < v->y->rank; i++) {
        if (i != axis && v->y->dim[i] != v->x->dim[i]) {
            return wrong_dim(v, i, v->x->dim[i]);
        }
    }
    if (v->attr->n_list != 1 || v->attr->list[0] < 0 ||
        v->attr->list[0] > v->y->dim[axis] - v->x->dim[axis]) {
        return malformed(v, "an input ends beyond the output");
    }
    return TP_OK;
}

static tp_copy copy_part(const view *v) {
    tp_copy c = {.x_offset = 0};
    strides(v->x->dim, v->x->rank, c.x_stride);
    strides(v->y->dim, v->y->rank, c.y_stride);
    for (int i = 0; i < v->x->rank; i++) {
        c.dim[i] = v->x->dim[i];
    }
    c.y_offset = v->attr->list[0] * c.y_stride[v->attr->axis];
    return squeezed(&c, v->x->rank);
}

/* --- STRIDED_SLICE: list is begin, then stride, by axis ------------------- */

/* y keeps x's axes; where a file drops some or adds some, the importer puts a
 * RESHAPE behind. */
static tp_status check_slice(const view *v) {
    const int rank = v->x->rank;
    if (v->attr->n_list != 2 * rank || v->y->rank != rank) {
        return malformed(v, "its list or its output has not the input's rank");
    }
    for (int i = 0; i < rank; i++) {
        const int64_t begin = v->attr->list[i];
        const int64_t stride = v->attr->list[rank + i];
        const int64_t last = begin + (v->y->dim[i] - 1) * stride;
        if (begin < 0 || begin >= v->x->dim[i] || last < 0 ||
            last >= v->x->dim[i] || (stride == 0 && v->y->dim[i] > 1)) {
            return tp_error(v->diag, TP_ERR_MALFORMED,
                            "op %s: takes %d of axis %d from %lld by %lld; "
                            "it has %d",
                            v->name, (int)v->y->dim[i], i, (long long)begin,
                            (long long)stride, (int)v->x->dim[i]);
        }
    }
    return TP_OK;
}

static tp_copy copy_slice(const view *v) {
    const int rank = v->x->rank;
    tp_copy c = {.x_offset = 0};
    int32_t sx[TP_MAX_RANK] = {0};
    strides(v->x->dim, rank, sx);
    strides(v->y->dim, rank, c.y_stride);
    for (int i = 0; i < rank; i++) {
        c.dim[i] = v->y->dim[i];
        c.x_offset += v->attr->list[i] * sx[i];
        c.x_stride[i] = v->attr->list[rank + i] * sx[i];
    }
    return squeezed(&c, rank);
}

/* --- the copies, by kind -------------------------------------------------- */

static tp_status check(const view *v, int32_t kind) {
    switch (kind) {
    case TP_OP_TRANSPOSE:
        return check_transpose(v);
    case TP_OP_PAD:
        return check_pad(v);
    case TP_OP_CONCATENATION:
        return check_part(v);
    case TP_OP_STRIDED_SLICE:
        return check_slice(v);
    default:
        return malformed(v, "no op that copies");
    }
}

static tp_copy copy_of(const view *v, int32_t kind) {
    switch (kind) {
    case TP_OP_TRANSPOSE:
        return copy_transpose(v);
    case TP_OP_PAD:
        return copy_pad(v);
    case TP_OP_CONCATENATION:
        return copy_part(v);
    default:
        return copy_slice(v);
    }
}

/* int8 on both sides with one and the same scale: bytes can move as they
 * are. */
static tp_status check_bytes(const view *v) {
    const tp_quant *x = &v->x->quant, *y = &v->y->quant;
    if (v->x->dtype != TP_S8 || v->y->dtype != TP_S8 ||
        tp_tensor_count(v->x) > INT32_MAX ||
        tp_tensor_count(v->y) > INT32_MAX) {
        return tp_error(v->diag, TP_ERR_UNSUPPORTED,
                        "op %s: from %s to %s; this moves int8 only", v->name,
                        tp_dtype_name(v->x->dtype), tp_dtype_name(v->y->dtype));
    }
    if (x->n != 1 || y->n != 1 || x->zero_point != y->zero_point ||
        x->scale[0] < y->scale[0] || x->scale[0] > y->scale[0]) {
        return tp_error(v->diag, TP_ERR_UNSUPPORTED,
                        "op %s: input and output differ in scale or zero "
                        "point; bytes are moved as they are",
                        v->name);
    }
    return TP_OK;
}

static view view_of(const tp_graph *graph, const tp_op *op, tp_diag *diag) {
    return (view){.x = &graph->tensor[op->in[0]],
                  .y = &graph->tensor[op->out],
                  .attr = &op->attr,
                  .name = op->name,
                  .diag = diag};
}

static tp_status verify(const tp_graph *graph, const tp_op *op, tp_diag *diag) {
    const view v = view_of(graph, op, diag);
    TP_TRY(check_bytes(&v));
    return check(&v, (int32_t)op->kind);
}

static tp_status step_copy(tp_lower *low, int x, int y, const tp_copy *copy) {
    const tp_arg args[] = {tp_arg_tensor(x), tp_arg_tensor(y)};
    return tp_lower_step(low, TP_K_copy_s8_fwd_ref, &tp_desc_copy, copy, args);
}

static tp_status lower(tp_lower *low, const tp_op *op) {
    const view v = view_of(low->graph, op, low->diag);
    const tp_copy copy = copy_of(&v, (int32_t)op->kind);
    return step_copy(low, op->in[0], op->out, &copy);
}

/* The whole output is filled and the input copied over it: fewer and simpler
 * steps than the strips around it, for bytes that are cheap to write. */
static tp_status lower_pad(tp_lower *low, const tp_op *op) {
    const view v = view_of(low->graph, op, low->diag);
    const int64_t n = tp_tensor_count(v.y);
    const tp_fill fill = {.n = (int32_t)n, .value = op->attr.value};
    const tp_arg args[] = {tp_arg_tensor(op->out)};
    if (n > tp_tensor_count(v.x)) {
        TP_TRY(tp_lower_step(low, TP_K_fill_s8_fwd_ref, &tp_desc_fill, &fill,
                             args));
    }
    return lower(low, op);
}

static tp_status verify_pad(const tp_graph *graph, const tp_op *op,
                            tp_diag *diag) {
    const view v = view_of(graph, op, diag);
    TP_TRY(verify(graph, op, diag));
    return op->attr.value >= -128 && op->attr.value <= 127
               ? TP_OK
               : malformed(&v, "its fill value is no int8");
}

/* --- CONCATENATION: a copy for each input --------------------------------- */

/* View and attributes of input i, `at` elements along the axis. */
static view part(const tp_graph *graph, const tp_op *op, int i, tp_attr *attr) {
    view v = view_of(graph, op, NULL);
    v.x = &graph->tensor[op->in[i]];
    v.attr = attr;
    return v;
}

static tp_status verify_concat(const tp_graph *graph, const tp_op *op,
                               tp_diag *diag) {
    tp_attr attr = {.axis = op->attr.axis, .n_list = 1};
    for (int i = 0; i < op->n_in; i++) {
        view v = part(graph, op, i, &attr);
        v.diag = diag;
        TP_TRY(check_bytes(&v));
        TP_TRY(check_part(&v));
        attr.list[0] += v.x->dim[attr.axis];
    }
    const view v = view_of(graph, op, diag);
    return attr.list[0] == v.y->dim[attr.axis]
               ? TP_OK
               : wrong_dim(&v, attr.axis, attr.list[0]);
}

static tp_status lower_concat(tp_lower *low, const tp_op *op) {
    tp_attr attr = {.axis = op->attr.axis, .n_list = 1};
    for (int i = 0; i < op->n_in; i++) {
        const view v = part(low->graph, op, i, &attr);
        const tp_copy copy = copy_part(&v);
        TP_TRY(step_copy(low, op->in[i], op->out, &copy));
        attr.list[0] += v.x->dim[attr.axis];
    }
    return TP_OK;
}

static tp_status grad_concat(tp_autodiff *ad, const tp_op *op, int dy) {
    const tp_op of = *op; /* graph->op moves when an op is added */
    int32_t at = 0;
    for (int i = 0; i < of.n_in; i++) {
        const int x = of.in[i];
        const int32_t length = ad->graph->tensor[x].dim[of.attr.axis];
        if (tp_ad_needs(ad, x)) {
            const int dx = tp_ad_op(ad, TP_OP_COPY_BWD, &of, &dy, 1, x);
            if (dx < 0) {
                return tp_no_memory(ad->diag);
            }
            tp_attr *attr = &tp_ad_last(ad)->attr;
            attr->n_list = 1;
            attr->list[0] = at;
            TP_TRY(tp_ad_give(ad, x, dx));
        }
        at += length;
    }
    return TP_OK;
}

/* --- the gradient of a copy ----------------------------------------------- */

static tp_status give(tp_autodiff *ad, const tp_op *op, int dy, tp_kind kind) {
    const int x = op->in[0];
    if (!tp_ad_needs(ad, x)) {
        return TP_OK;
    }
    const int dx = tp_ad_op(ad, kind, op, &dy, 1, x);
    return dx < 0 ? tp_no_memory(ad->diag) : tp_ad_give(ad, x, dx);
}

static tp_status grad(tp_autodiff *ad, const tp_op *op, int dy) {
    return give(ad, op, dy, TP_OP_COPY_BWD);
}

static view view_bwd(const tp_graph *graph, const tp_op *op, tp_diag *diag) {
    view v = view_of(graph, op, diag);
    v.x = &graph->tensor[op->out];
    v.y = &graph->tensor[op->in[0]];
    return v;
}

static tp_status check_q8(const view *v) {
    const bool fits = tp_tensor_count(v->x) <= INT32_MAX &&
                      tp_tensor_count(v->y) <= INT32_MAX;
    return v->x->dtype == TP_Q8 && v->y->dtype == TP_Q8 && fits
               ? TP_OK
               : malformed(v, "needs q8 gradients");
}

static tp_status verify_bwd(const tp_graph *graph, const tp_op *op,
                            tp_diag *diag) {
    const view v = view_bwd(graph, op, diag);
    TP_TRY(check_q8(&v));
    return check(&v, op->attr.of);
}

static tp_status lower_bwd(tp_lower *low, const tp_op *op) {
    const view v = view_bwd(low->graph, op, low->diag);
    const tp_copy forward = copy_of(&v, op->attr.of);
    const tp_copy copy = exchanged(&forward);
    const tp_fill fill = {.n = (int32_t)tp_tensor_count(v.x), .value = 0};
    const tp_arg args[] = {tp_arg_tensor(op->in[0]), tp_arg_tensor(op->out)};
    /* What a slice did not take has no gradient. */
    if (op->attr.of == TP_OP_STRIDED_SLICE &&
        tp_tensor_count(v.x) > tp_tensor_count(v.y)) {
        TP_TRY(tp_lower_step(low, TP_K_fill_q8_bwd_x_ref, &tp_desc_fill, &fill,
                             &args[1]));
    }
    return tp_lower_step(low, TP_K_copy_q8_bwd_x_ref, &tp_desc_copy, &copy,
                         args);
}

/* --- RESHAPE: the same bytes under another shape -------------------------- */

static tp_status verify_reshape(const tp_graph *graph, const tp_op *op,
                                tp_diag *diag) {
    const view v = view_of(graph, op, diag);
    if (tp_tensor_count(v.x) != tp_tensor_count(v.y)) {
        return malformed(&v, "input and output differ in size");
    }
    return op->kind == TP_OP_RESHAPE ? check_bytes(&v) : check_q8(&v);
}

static tp_status grad_reshape(tp_autodiff *ad, const tp_op *op, int dy) {
    return give(ad, op, dy, TP_OP_RESHAPE_BWD);
}

const tp_opdef tp_def_transpose = {
    .verify = verify, .lower = lower, .grad = grad};
const tp_opdef tp_def_slice = {.verify = verify, .lower = lower, .grad = grad};
const tp_opdef tp_def_pad = {
    .verify = verify_pad, .lower = lower_pad, .grad = grad};
const tp_opdef tp_def_concat = {
    .verify = verify_concat, .lower = lower_concat, .grad = grad_concat};
const tp_opdef tp_def_copy_bwd = {.verify = verify_bwd, .lower = lower_bwd};
const tp_opdef tp_def_reshape = {.verify = verify_reshape,
                                 .grad = grad_reshape};
const tp_opdef tp_def_reshape_bwd = {.verify = verify_reshape};
