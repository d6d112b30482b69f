/* Shape arithmetic done at import: SHAPE -> STRIDED_SLICE -> PACK over int32
 * constants, as Keras' Flatten and Reshape leave it in the file. */
#include "compiler/import/tflite.h"

#include <string.h>

static const char *const remedy =
    "only shapes known when the model is converted work";

static void store_i32(uint8_t *to, int32_t value) {
    const uint32_t bits = (uint32_t)value;
    for (int i = 0; i < 4; i++) {
        to[i] = (uint8_t)(bits >> (8 * i));
    }
}

/* The op's output becomes the constant list[n]. */
static void become(tp_tfl_model *m, tp_tfl_op *op, const int32_t *list, int n) {
    tp_tfl_tensor *y = tp_tfl_out(m, op);
    if (y->type != TP_TFL_I32) {
        tp_tfl_op_fail(m, op, TP_ERR_UNSUPPORTED,
                       "makes %s; shape arithmetic in INT32 works",
                       tp_tfl_type_name(y->type));
        return;
    }
    uint8_t *data = tp_tfl_alloc(m, (size_t)n, 4);
    for (int i = 0; data != NULL && i < n; i++) {
        store_i32(data + 4 * i, list[i]);
    }
    y->data = data;
    y->bytes = 4 * (size_t)n;
    op->folded = true;
}

static void fold_shape(tp_tfl_model *m, tp_tfl_op *op) {
    const tp_tfl_tensor *x = tp_tfl_in(m, op, 0);
    const int32_t rank = x->rank;
    if (rank > 0 && tp_tfl_expect_shape(m, op, &rank, 1)) {
        become(m, op, x->dim, x->rank);
    } else if (rank == 0) {
        tp_tfl_op_fail(m, op, TP_ERR_UNSUPPORTED, "of a scalar is empty");
    }
}

static void fold_slice(tp_tfl_model *m, tp_tfl_op *op) {
    int32_t x[TP_MAX_RANK], y[TP_MAX_RANK];
    tp_tfl_slice slice;
    if (tp_tfl_in(m, op, 0)->rank != 1) {
        tp_tfl_op_fail(m, op, TP_ERR_UNSUPPORTED,
                       "slices an INT32 tensor of rank %d; %s",
                       tp_tfl_in(m, op, 0)->rank, remedy);
        return;
    }
    if (tp_tfl_const_i32(m, op, 0, "values", x, TP_MAX_RANK) < 0 ||
        !tp_tfl_resolve_slice(m, op, &slice) ||
        !tp_tfl_expect_shape(m, op, slice.dim, slice.rank)) {
        return;
    }
    for (int i = 0; i < slice.size[0]; i++) {
        y[i] = x[slice.begin[0] + i * slice.stride[0]];
    }
    become(m, op, y, slice.size[0]);
}

static void fold_pack(tp_tfl_model *m, tp_tfl_op *op) {
    int32_t list[TP_MAX_RANK];
    const int32_t count = tp_span_i32(&m->span, &op->options, 0, 0);
    const int32_t axis = tp_span_i32(&m->span, &op->options, 1, 0);
    const int32_t n = op->n_in;
    if (n > TP_MAX_RANK || (axis != 0 && axis != -1)) {
        tp_tfl_op_fail(m, op, TP_ERR_UNSUPPORTED,
                       "packs %d tensors along axis %d; only shapes of up to "
                       "%d dimensions, packed from scalars, work",
                       (int)n, (int)axis, TP_MAX_RANK);
        return;
    }
    if (count != n) {
        tp_tfl_op_fail(m, op, TP_ERR_MALFORMED,
                       "has %d inputs, its options say %d", (int)n, (int)count);
        return;
    }
    for (int k = 0; k < n; k++) {
        if (tp_tfl_in(m, op, k)->rank != 0) {
            tp_tfl_op_fail(m, op, TP_ERR_UNSUPPORTED,
                           "input %d is no scalar; %s", k, remedy);
            return;
        }
        if (tp_tfl_const_i32(m, op, k, "element", &list[k], 1) < 0) {
            return;
        }
    }
    if (tp_tfl_expect_shape(m, op, &n, 1)) {
        become(m, op, list, n);
    }
}

static bool is_arithmetic(const tp_tfl_model *m, const tp_tfl_op *op) {
    const bool slice = op->code == TP_TFL_STRIDED_SLICE && op->n_in > 0 &&
                       op->in[0] >= 0 &&
                       tp_tfl_in(m, op, 0)->type == TP_TFL_I32;
    return slice || op->code == TP_TFL_SHAPE || op->code == TP_TFL_PACK;
}

/* Where the result stays unknown its users say nothing more. */
void tp_tfl_fold(tp_tfl_model *m) {
    for (int i = 0; i < m->n_ops; i++) {
        tp_tfl_op *op = &m->op[i];
        if (!op->live || !is_arithmetic(m, op)) {
            continue;
        }
        if (tp_tfl_map_generic(m, op) && tp_tfl_operands_sound(m, op)) {
            if (op->code == TP_TFL_SHAPE) {
                fold_shape(m, op);
            } else if (op->code == TP_TFL_PACK) {
                fold_pack(m, op);
            } else {
                fold_slice(m, op);
            }
            op->folded = tp_tfl_options_sound(m, op) && op->folded;
        }
        for (int k = 0; !op->folded && k < op->n_out; k++) {
            m->tensor[op->out[k]].bad = true;
        }
    }
}

/* --- STRIDED_SLICE ------------------------------------------------------- */

typedef struct slice_spec {
    int n; /* entries of begin, end, stride */
    int32_t begin[2 * TP_MAX_RANK], end[2 * TP_MAX_RANK],
        stride[2 * TP_MAX_RANK];
    uint32_t begin_mask, end_mask, ellipsis, new_axis, shrink;
    bool relative; /* end counts from begin */
} slice_spec;

static bool bit(uint32_t mask, int i) {
    return (mask >> i & 1u) != 0;
}

static bool read_spec(tp_tfl_model *m, tp_tfl_op *op, slice_spec *s) {
    const tp_table *o = &op->options;
    s->begin_mask = tp_span_u32(&m->span, o, 0);
    s->end_mask = tp_span_u32(&m->span, o, 1);
    s->ellipsis = tp_span_u32(&m->span, o, 2);
    s->new_axis = tp_span_u32(&m->span, o, 3);
    s->shrink = tp_span_u32(&m->span, o, 4);
    s->relative = tp_span_bool(&m->span, o, 5);
    const int most = 2 * TP_MAX_RANK;
    s->n = tp_tfl_const_i32(m, op, 1, "begin", s->begin, most);
    const int n_end = tp_tfl_const_i32(m, op, 2, "end", s->end, most);
    const int n_stride = tp_tfl_const_i32(m, op, 3, "strides", s->stride, most);
    if (s->n < 0 || n_end < 0 || n_stride < 0) {
        return false;
    }
    if (s->n != n_end || s->n != n_stride) {
        tp_tfl_op_fail(m, op, TP_ERR_MALFORMED,
                       "%d begins, %d ends and %d strides", s->n, n_end,
                       n_stride);
        return false;
    }
    return true;
}

static int64_t clamp64(int64_t v, int64_t lo, int64_t hi) {
    return v < lo ? lo : (v > hi ? hi : v);
}

/* Entry i of the spec on x's axis k. A negative index counts from the end. */
static bool resolve_axis(tp_tfl_model *m, tp_tfl_op *op, const slice_spec *s,
                         int i, int k, tp_tfl_slice *out) {
    const int64_t size = tp_tfl_in(m, op, 0)->dim[k], step = s->stride[i];
    const int64_t lo = step > 0 ? 0 : -1, hi = step > 0 ? size : size - 1;
    const bool shrink = bit(s->shrink, i);
    int64_t from = s->begin[i];
    if (step == 0 || (shrink && step < 0)) {
        tp_tfl_op_fail(m, op, TP_ERR_MALFORMED, "stride %d on axis %d",
                       (int)step, k);
        return false;
    }
    from += from < 0 ? size : 0;
    if (bit(s->begin_mask, i)) {
        from = step > 0 ? 0 : size - 1;
    }
    if (shrink && (from < 0 || from >= size)) {
        tp_tfl_op_fail(m, op, TP_ERR_MALFORMED,
                       "index %d on axis %d of size %d", (int)s->begin[i], k,
                       (int)size);
        return false;
    }
    from = clamp64(from, lo, hi);
    int64_t to = s->end[i];
    to += s->relative ? from : (to < 0 ? size : 0);
    to = bit(s->end_mask, i) ? (step > 0 ? size : -1) : clamp64(to, lo, hi);
    to = shrink ? from + 1 : to;
    const int64_t n = step > 0 ? (to - from + step - 1) / step
                               : (from - to - step - 1) / -step;
    if (n < 1) {
        tp_tfl_op_fail(m, op, TP_ERR_MALFORMED, "takes nothing of axis %d", k);
        return false;
    }
    out->begin[k] = (int32_t)from;
    out->stride[k] = n > 1 ? (int32_t)step : 1;
    out->size[k] = (int32_t)n;
    return true;
}

static bool put_dim(tp_tfl_model *m, tp_tfl_op *op, tp_tfl_slice *out,
                    int32_t dim) {
    if (out->rank == TP_MAX_RANK) {
        tp_tfl_op_fail(m, op, TP_ERR_UNSUPPORTED,
                       "makes a tensor of rank above %d", TP_MAX_RANK);
        return false;
    }
    out->dim[out->rank++] = dim;
    return true;
}

/* x's axes that an ellipsis, or the end of the spec, takes whole. */
static bool take_whole(tp_tfl_model *m, tp_tfl_op *op, tp_tfl_slice *out,
                       int *k, int until) {
    for (; *k < until; (*k)++) {
        out->begin[*k] = 0;
        out->stride[*k] = 1;
        out->size[*k] = tp_tfl_in(m, op, 0)->dim[*k];
        if (!put_dim(m, op, out, out->size[*k])) {
            return false;
        }
    }
    return true;
}

/* Axes of x that entries from i on name one by one. */
static int axes_from(const slice_spec *s, int i) {
    int n = 0;
    for (; i < s->n; i++) {
        n += !bit(s->new_axis, i) && !bit(s->ellipsis, i);
    }
    return n;
}

bool tp_tfl_resolve_slice(tp_tfl_model *m, tp_tfl_op *op, tp_tfl_slice *out) {
    slice_spec s;
    memset(out, 0, sizeof *out);
    if (!read_spec(m, op, &s)) {
        return false;
    }
    const int rank = tp_tfl_in(m, op, 0)->rank;
    if (axes_from(&s, 0) > rank || (s.ellipsis & (s.ellipsis - 1u)) != 0) {
        tp_tfl_op_fail(m, op, TP_ERR_MALFORMED,
                       "its begins and masks do not fit a tensor of rank %d",
                       rank);
        return false;
    }
    int k = 0; /* next axis of x */
    for (int i = 0; i < s.n; i++) {
        bool good = true;
        if (bit(s.ellipsis, i)) {
            good = take_whole(m, op, out, &k, rank - axes_from(&s, i));
        } else if (bit(s.new_axis, i)) {
            good = put_dim(m, op, out, 1);
        } else {
            good = resolve_axis(m, op, &s, i, k, out) &&
                   (bit(s.shrink, i) || put_dim(m, op, out, out->size[k]));
            k++;
        }
        if (!good) {
            return false;
        }
    }
    return take_whole(m, op, out, &k, rank);
}
