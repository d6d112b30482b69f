/* Operations that move bytes without computing: RESHAPE and its kin, PAD,
 * TRANSPOSE, CONCATENATION, RESIZE_NEAREST_NEIGHBOR, STRIDED_SLICE. */
#include "compiler/import/map.h"

#include <string.h>

/* Operands fit to be moved: bytes, from one scale to the same one. */
static bool movable(tp_tfl_model *m, tp_tfl_op *op) {
    return tp_tfl_operands_sound(m, op) && tp_tfl_unary(m, op) &&
           tp_tfl_same_quant(m, op, tp_tfl_in(m, op, 0), tp_tfl_out(m, op));
}

/* --- RESHAPE, SQUEEZE, EXPAND_DIMS
 * ---------------------------------------------- */

/* A requested shape, with at most one -1 for "what remains", is y's. */
static void check_request(tp_tfl_model *m, tp_tfl_op *op, int32_t *dim, int n) {
    const tp_tfl_tensor *x = tp_tfl_in(m, op, 0);
    int open = -1;
    int64_t known = 1;
    if (n == 1 && dim[0] == 0) { /* how old writers say "scalar" */
        n = 0;
    }
    for (int i = 0; i < n; i++) {
        if (dim[i] < -1 || dim[i] == 0 || (dim[i] == -1 && open >= 0)) {
            tp_tfl_op_fail(m, op, TP_ERR_MALFORMED, "its new shape %s is none",
                           tp_tfl_dims(m, dim, n));
            return;
        }
        open = dim[i] == -1 ? i : open;
        known *= dim[i] == -1 ? 1 : dim[i];
        if (known > INT32_MAX) {
            known = 0; /* of no tensor: the shapes differ */
            break;
        }
    }
    if (open >= 0 && known > 0) {
        dim[open] = (int32_t)(x->count / known);
    }
    (void)tp_tfl_expect_shape(m, op, dim, n);
}

void tp_tfl_map_reshape(tp_tfl_model *m, tp_tfl_op *op) {
    int32_t dim[TP_MAX_RANK];
    const tp_vector wish = tp_span_vector(&m->span, &op->options, 0, 4);
    op->kind = TP_OP_RESHAPE;
    if (!movable(m, op)) {
        return;
    }
    const tp_tfl_tensor *x = tp_tfl_in(m, op, 0), *y = tp_tfl_out(m, op);
    if (x->count != y->count) {
        tp_tfl_op_fail(m, op, TP_ERR_MALFORMED,
                       "from shape %s to %s: the number of elements changes",
                       tp_tfl_dims(m, x->dim, x->rank),
                       tp_tfl_dims(m, y->dim, y->rank));
        return;
    }
    if (op->n_in > 1 && op->in[1] >= 0) {
        const int n = tp_tfl_const_i32(m, op, 1, "new shape", dim, TP_MAX_RANK);
        if (n >= 0) {
            check_request(m, op, dim, n);
        }
    } else if (wish.n > TP_MAX_RANK) {
        tp_tfl_op_fail(m, op, TP_ERR_UNSUPPORTED,
                       "its new shape has rank %u; at most %d works",
                       (unsigned)wish.n, TP_MAX_RANK);
    } else if (wish.at != 0) {
        for (uint32_t i = 0; i < wish.n; i++) {
            dim[i] = tp_vector_i32(&m->span, &wish, i);
        }
        check_request(m, op, dim, (int)wish.n);
    }
}

/* Axes in the options; without any, every axis of size 1 goes. */
void tp_tfl_map_squeeze(tp_tfl_model *m, tp_tfl_op *op) {
    const tp_vector axes = tp_span_vector(&m->span, &op->options, 0, 4);
    bool drop[TP_MAX_RANK] = {false};
    int32_t dim[TP_MAX_RANK];
    int rank = 0;
    op->kind = TP_OP_RESHAPE;
    if (!movable(m, op)) {
        return;
    }
    const tp_tfl_tensor *x = tp_tfl_in(m, op, 0);
    for (uint32_t i = 0; i < axes.n; i++) {
        const int32_t axis = tp_vector_i32(&m->span, &axes, i);
        const int32_t k = axis < 0 && axis >= -x->rank ? axis + x->rank : axis;
        if (k < 0 || k >= x->rank || x->dim[k] != 1) {
            tp_tfl_op_fail(m, op, TP_ERR_MALFORMED,
                           "axis %d of shape %s; it must exist and have "
                           "size 1",
                           (int)axis, tp_tfl_dims(m, x->dim, x->rank));
            return;
        }
        drop[k] = true;
    }
    for (int i = 0; i < x->rank; i++) {
        if (axes.n == 0 ? x->dim[i] != 1 : !drop[i]) {
            dim[rank++] = x->dim[i];
        }
    }
    (void)tp_tfl_expect_shape(m, op, dim, rank);
}

void tp_tfl_map_expand(tp_tfl_model *m, tp_tfl_op *op) {
    int32_t axis = 0;
    int32_t dim[TP_MAX_RANK];
    op->kind = TP_OP_RESHAPE;
    if (!movable(m, op) || tp_tfl_const_i32(m, op, 1, "axis", &axis, 1) < 0) {
        return;
    }
    const tp_tfl_tensor *x = tp_tfl_in(m, op, 0);
    const int32_t rank = x->rank + 1;
    const int32_t at = axis < 0 && axis >= -rank ? axis + rank : axis;
    if (at < 0 || at >= rank || rank > TP_MAX_RANK) {
        tp_tfl_op_fail(m, op, TP_ERR_MALFORMED,
                       "a new axis %d for shape %s; ranks up to %d work",
                       (int)axis, tp_tfl_dims(m, x->dim, x->rank), TP_MAX_RANK);
        return;
    }
    for (int i = 0; i < rank; i++) {
        dim[i] = i == at ? 1 : x->dim[i < at ? i : i - 1];
    }
    (void)tp_tfl_expect_shape(m, op, dim, rank);
}

/* --- PAD, PADV2
 * ------------------------------------------------------------------- */

/* PAD fills with real 0; PADV2 with a byte of the same scale. */
static bool pad_value(tp_tfl_model *m, tp_tfl_op *op) {
    const tp_tfl_tensor *x = tp_tfl_in(m, op, 0);
    if (op->code == TP_TFL_PAD) {
        op->attr.value = x->zero_point;
        return true;
    }
    const tp_tfl_tensor *v = tp_tfl_in(m, op, 2);
    if (!tp_tfl_is_byte(m, op, v, "input 2") ||
        !tp_tfl_same_quant(m, op, x, v)) {
        return false;
    }
    if (v->data == NULL || v->count != 1) {
        tp_tfl_op_fail(m, op, TP_ERR_UNSUPPORTED,
                       "its fill '%s' is no constant scalar", v->name);
        return false;
    }
    op->attr.value = v->data[0] < 128 ? v->data[0] : v->data[0] - 256;
    return true;
}

void tp_tfl_map_pad(tp_tfl_model *m, tp_tfl_op *op) {
    int32_t pad[2 * TP_MAX_RANK], dim[TP_MAX_RANK];
    op->kind = TP_OP_PAD;
    if (!movable(m, op) || !pad_value(m, op)) {
        return;
    }
    const tp_tfl_tensor *x = tp_tfl_in(m, op, 0);
    const int n = tp_tfl_const_i32(m, op, 1, "paddings", pad, 2 * TP_MAX_RANK);
    if (n < 0) {
        return;
    }
    if (n != 2 * x->rank) {
        tp_tfl_op_fail(m, op, TP_ERR_MALFORMED,
                       "%d paddings for a tensor of rank %d", n, x->rank);
        return;
    }
    for (int i = 0; i < x->rank; i++) {
        const int64_t size = (int64_t)x->dim[i] + pad[2 * i] + pad[2 * i + 1];
        if (pad[2 * i] < 0 || pad[2 * i + 1] < 0 || size > INT32_MAX) {
            tp_tfl_op_fail(m, op, TP_ERR_MALFORMED,
                           "paddings %d and %d of axis %d", (int)pad[2 * i],
                           (int)pad[2 * i + 1], i);
            return;
        }
        dim[i] = (int32_t)size;
        op->attr.list[i] = pad[2 * i];
        op->attr.list[x->rank + i] = pad[2 * i + 1];
    }
    op->attr.n_list = n;
    (void)tp_tfl_expect_shape(m, op, dim, x->rank);
}

/* --- TRANSPOSE
 * ---------------------------------------------------------------------- */

/* True if axes that hold more than one element keep their order. */
static bool moves_nothing(const tp_tfl_tensor *x, const int32_t *perm) {
    int32_t last = -1;
    for (int i = 0; i < x->rank; i++) {
        if (x->dim[perm[i]] > 1) {
            if (perm[i] < last) {
                return false;
            }
            last = perm[i];
        }
    }
    return true;
}

void tp_tfl_map_transpose(tp_tfl_model *m, tp_tfl_op *op) {
    int32_t perm[TP_MAX_RANK], dim[TP_MAX_RANK];
    bool seen[TP_MAX_RANK] = {false};
    if (!movable(m, op)) {
        return;
    }
    const tp_tfl_tensor *x = tp_tfl_in(m, op, 0);
    const int n = tp_tfl_const_i32(m, op, 1, "permutation", perm, TP_MAX_RANK);
    for (int i = 0; i < n; i++) {
        perm[i] += perm[i] < 0 && perm[i] >= -n ? n : 0;
        if (n != x->rank || perm[i] < 0 || perm[i] >= n || seen[perm[i]]) {
            tp_tfl_op_fail(m, op, TP_ERR_MALFORMED,
                           "%s is no permutation of %d axes",
                           tp_tfl_dims(m, perm, n), x->rank);
            return;
        }
        seen[perm[i]] = true;
        dim[i] = x->dim[perm[i]];
    }
    if (n < 0 || !tp_tfl_expect_shape(m, op, dim, n)) {
        return;
    }
    op->kind = moves_nothing(x, perm) ? TP_OP_RESHAPE : TP_OP_TRANSPOSE;
    if (op->kind == TP_OP_TRANSPOSE) {
        memcpy(op->attr.list, perm, (size_t)n * sizeof *perm);
        op->attr.n_list = n;
    }
}

/* --- CONCATENATION
 * ------------------------------------------------------------------- */

/* Part k fits beside the parts before it; adds to dim[axis]. */
static bool check_part(tp_tfl_model *m, tp_tfl_op *op, int k, int32_t axis,
                       int32_t *dim) {
    const tp_tfl_tensor *first = tp_tfl_in(m, op, 0);
    const tp_tfl_tensor *x = tp_tfl_in(m, op, k);
    bool fits = x->rank == first->rank;
    for (int i = 0; fits && i < x->rank; i++) {
        fits = i == axis || x->dim[i] == first->dim[i];
    }
    const int64_t sum = fits ? (int64_t)dim[axis] + x->dim[axis] : 0;
    if (!fits || sum > INT32_MAX) {
        tp_tfl_op_fail(m, op, TP_ERR_MALFORMED,
                       "input %d has shape %s, input 0 %s; they are joined "
                       "along axis %d",
                       k, tp_tfl_dims(m, x->dim, x->rank),
                       tp_tfl_dims(m, first->dim, first->rank), (int)axis);
        return false;
    }
    dim[axis] = (int32_t)sum;
    return true;
}

void tp_tfl_map_concat(tp_tfl_model *m, tp_tfl_op *op) {
    const int32_t wish = tp_span_i32(&m->span, &op->options, 0, 0);
    const int32_t fused = tp_span_i8(&m->span, &op->options, 1, 0);
    int32_t dim[TP_MAX_RANK];
    bool constant = true;
    op->kind = TP_OP_CONCATENATION;
    op->n_data = op->n_in;
    if (fused != 0) {
        tp_tfl_op_fail(m, op, TP_ERR_UNSUPPORTED,
                       "fused activation %d; NONE works", (int)fused);
    }
    if (!tp_tfl_operands_sound(m, op) ||
        !tp_tfl_is_byte(m, op, tp_tfl_out(m, op), "the output")) {
        return;
    }
    const tp_tfl_tensor *x = tp_tfl_in(m, op, 0);
    const int32_t axis = wish < 0 && wish >= -x->rank ? wish + x->rank : wish;
    if (axis < 0 || axis >= x->rank) {
        tp_tfl_op_fail(m, op, TP_ERR_MALFORMED,
                       "axis %d of a tensor of rank %d", (int)wish, x->rank);
        return;
    }
    memcpy(dim, x->dim, sizeof dim);
    dim[axis] = 0;
    for (int k = 0; k < op->n_in; k++) {
        constant = constant && tp_tfl_in(m, op, k)->data != NULL;
        if (!tp_tfl_is_byte(m, op, tp_tfl_in(m, op, k), "an input") ||
            !tp_tfl_same_quant(m, op, tp_tfl_in(m, op, k), tp_tfl_out(m, op)) ||
            !check_part(m, op, k, axis, dim)) {
            return;
        }
    }
    if (constant) {
        tp_tfl_op_fail(m, op, TP_ERR_UNSUPPORTED,
                       "all inputs are constants; fold them when converting");
    }
    op->attr.axis = axis;
    (void)tp_tfl_expect_shape(m, op, dim, x->rank);
}

/* --- RESIZE_NEAREST_NEIGHBOR, STRIDED_SLICE
 * ------------------------------------------- */

void tp_tfl_map_resize(tp_tfl_model *m, tp_tfl_op *op) {
    int32_t size[2];
    op->kind = TP_OP_RESIZE_NEAREST_NEIGHBOR;
    op->attr.align_corners = tp_span_bool(&m->span, &op->options, 0);
    op->attr.half_pixel = tp_span_bool(&m->span, &op->options, 1);
    if (op->attr.align_corners && op->attr.half_pixel) {
        tp_tfl_op_fail(m, op, TP_ERR_MALFORMED,
                       "align_corners and half_pixel_centers exclude each "
                       "other");
    }
    if (!movable(m, op) || !tp_tfl_is_map(m, op, tp_tfl_in(m, op, 0))) {
        return;
    }
    const tp_tfl_tensor *x = tp_tfl_in(m, op, 0);
    const int n = tp_tfl_const_i32(m, op, 1, "size", size, 2);
    if (n < 0) {
        return;
    }
    if (n != 2) {
        tp_tfl_op_fail(m, op, TP_ERR_MALFORMED,
                       "its size has 1 element; height and width work");
        return;
    }
    const int32_t dim[4] = {1, size[0], size[1], x->dim[3]};
    if (x->dim[1] > INT16_MAX || x->dim[2] > INT16_MAX) {
        tp_tfl_op_fail(m, op, TP_ERR_UNSUPPORTED,
                       "a map of %d x %d; at most %d rows and columns work",
                       (int)x->dim[1], (int)x->dim[2], INT16_MAX);
    }
    (void)tp_tfl_expect_shape(m, op, dim, 4);
}

/* The graph's slice keeps x's rank; where axes are shrunk away or put in,
 * build.c appends a RESHAPE. */
void tp_tfl_map_slice(tp_tfl_model *m, tp_tfl_op *op) {
    tp_tfl_slice slice;
    op->kind = TP_OP_STRIDED_SLICE;
    if (!movable(m, op) || !tp_tfl_resolve_slice(m, op, &slice) ||
        !tp_tfl_expect_shape(m, op, slice.dim, slice.rank)) {
        return;
    }
    const int rank = tp_tfl_in(m, op, 0)->rank;
    for (int k = 0; k < rank; k++) {
        op->attr.list[k] = slice.begin[k];
        op->attr.list[rank + k] = slice.stride[k];
        op->slice_dim[k] = slice.size[k];
    }
    op->attr.n_list = 2 * rank;
}
