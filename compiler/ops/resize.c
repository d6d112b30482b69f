/* RESIZE_NEAREST_NEIGHBOR: the source row and column of each output, worked
 * out here in the floats of TensorFlow Lite, so that the device needs none. */
#include <math.h>

#include "compiler/ops/opdef.h"
#include "compiler/ops/table.h"

/* Every float result goes through a float variable, which rounds it whatever
 * the host computes in. Does not fall with rising `out`. */
static int32_t nearest(const tp_attr *attr, int32_t out, int32_t in_size,
                       int32_t out_size) {
    const bool align = attr->align_corners != 0;
    const bool corners = align && out_size > 1;
    const float above = (float)(corners ? in_size - 1 : in_size);
    const float below = (float)(corners ? out_size - 1 : out_size);
    const float scale = above / below;
    const float at = (float)out + (attr->half_pixel != 0 ? 0.5f : 0.0f);
    const float source = at * scale;
    const int32_t index = (int32_t)(align ? roundf(source) : floorf(source));
    return index < in_size ? index : in_size - 1;
}

static const int16_t *index_table(tp_lower *low, const tp_attr *attr,
                                  int32_t in_size, int32_t out_size,
                                  const char *suffix) {
    int16_t *table =
        tp_arena_alloc(low->arena, (size_t)out_size, sizeof *table);
    for (int32_t i = 0; table != NULL && i < out_size; i++) {
        table[i] = (int16_t)nearest(attr, i, in_size, out_size);
    }
    return table == NULL
               ? NULL
               : tp_lower_const(low, TP_S16, table, (size_t)out_size, suffix);
}

/* `x` and `y` as the forward op sees them: the small and the large map, or
 * the other way round. Pointers are NULL where memory ran out. */
static tp_resize describe(tp_lower *low, const tp_attr *attr, int x, int y) {
    const int32_t *in = low->graph->tensor[x].dim;
    const int32_t *out = low->graph->tensor[y].dim;
    return (tp_resize){
        .in_h = in[1],
        .in_w = in[2],
        .out_h = out[1],
        .out_w = out[2],
        .c = in[3],
        .row = index_table(low, attr, in[1], out[1], "row"),
        .col = index_table(low, attr, in[2], out[2], "col"),
    };
}

static tp_status check(const tp_tensor *x, const tp_tensor *y, const tp_op *op,
                       tp_diag *diag) {
    if (x->rank != 4 || y->rank != 4 || x->dim[0] != 1 || y->dim[0] != 1 ||
        x->dim[3] != y->dim[3]) {
        return tp_error(diag, TP_ERR_MALFORMED,
                        "op %s: needs one map of four axes and as many "
                        "channels before as after",
                        op->name);
    }
    for (int i = 1; i <= 2; i++) {
        if (x->dim[i] > INT16_MAX || y->dim[i] > INT16_MAX) {
            return tp_error(diag, TP_ERR_UNSUPPORTED,
                            "op %s: a map is more than 32767 long", op->name);
        }
    }
    /* the gradient sums in 32 bits; offsets are 32 bits */
    if ((int64_t)y->dim[1] * y->dim[2] >= 1 << 24 ||
        tp_tensor_count(x) > INT32_MAX || tp_tensor_count(y) > INT32_MAX) {
        return tp_error(diag, TP_ERR_UNSUPPORTED,
                        "op %s: a map of %d x %d is too large", op->name,
                        (int)y->dim[1], (int)y->dim[2]);
    }
    return TP_OK;
}

static tp_status verify(const tp_graph *graph, const tp_op *op, tp_diag *diag) {
    const tp_tensor *x = &graph->tensor[op->in[0]];
    const tp_tensor *y = &graph->tensor[op->out];
    if (x->dtype != TP_S8 || y->dtype != TP_S8) {
        return tp_error(diag, TP_ERR_UNSUPPORTED,
                        "op %s: from %s to %s; this moves int8 only", op->name,
                        tp_dtype_name(x->dtype), tp_dtype_name(y->dtype));
    }
    if (x->quant.n != 1 || y->quant.n != 1 ||
        x->quant.zero_point != y->quant.zero_point ||
        x->quant.scale[0] < y->quant.scale[0] ||
        x->quant.scale[0] > y->quant.scale[0]) {
        return tp_error(diag, TP_ERR_UNSUPPORTED,
                        "op %s: input and output differ in scale or zero "
                        "point; bytes are moved as they are",
                        op->name);
    }
    return check(x, y, op, diag);
}

static tp_status lower(tp_lower *low, const tp_op *op) {
    const tp_resize d = describe(low, &op->attr, op->in[0], op->out);
    const tp_arg args[] = {tp_arg_tensor(op->in[0]), tp_arg_tensor(op->out)};
    if (d.row == NULL || d.col == NULL) {
        return tp_no_memory(low->diag);
    }
    return tp_lower_step(low, TP_K_resize_s8_fwd_ref, &tp_desc_resize, &d,
                         args);
}

static tp_status grad(tp_autodiff *ad, const tp_op *op, int dy) {
    const int x = op->in[0];
    if (!tp_ad_needs(ad, x)) {
        return TP_OK;
    }
    const int dx = tp_ad_op(ad, TP_OP_RESIZE_BWD, op, &dy, 1, x);
    return dx < 0 ? tp_no_memory(ad->diag) : tp_ad_give(ad, x, dx);
}

static tp_status verify_bwd(const tp_graph *graph, const tp_op *op,
                            tp_diag *diag) {
    const tp_tensor *dx = &graph->tensor[op->out];
    const tp_tensor *dy = &graph->tensor[op->in[0]];
    if (dx->dtype != TP_Q8 || dy->dtype != TP_Q8) {
        return tp_error(diag, TP_ERR_MALFORMED, "op %s: needs q8 gradients",
                        op->name);
    }
    return check(dx, dy, op, diag);
}

static tp_status lower_bwd(tp_lower *low, const tp_op *op) {
    const tp_resize d = describe(low, &op->attr, op->out, op->in[0]);
    const tp_arg args[] = {tp_arg_tensor(op->in[0]), tp_arg_tensor(op->out),
                           tp_arg_gscale(op->out)};
    if (d.row == NULL || d.col == NULL) {
        return tp_no_memory(low->diag);
    }
    return tp_lower_step(low, TP_K_resize_q8_bwd_x_ref, &tp_desc_resize, &d,
                         args);
}

const tp_opdef tp_def_resize = {.verify = verify, .lower = lower, .grad = grad};
const tp_opdef tp_def_resize_bwd = {.verify = verify_bwd, .lower = lower_bwd};
