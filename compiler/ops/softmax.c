/* SOFTMAX over the last axis. It has no gradient: the loss is taken on the
 * logits before it. */
#include <math.h>

#include "compiler/ops/opdef.h"
#include "compiler/ops/table.h"

#define DIFF_BITS 5 /* integer bits of the scaled differences */

/* The scale that brings a difference of bytes to Q5, capped as TensorFlow
 * Lite caps it: beyond, only the largest element counts. */
static double to_q5(const tp_graph *graph, const tp_op *op) {
    const tp_tensor *x = &graph->tensor[op->in[0]];
    const double scale = (double)op->attr.alpha * (double)x->quant.scale[0] *
                         (double)(1 << (31 - DIFF_BITS));
    const double most = (double)INT32_MAX;
    return scale > most ? most : scale; /* a NaN stays one */
}

static tp_softmax describe(const tp_graph *graph, const tp_op *op) {
    const tp_tensor *x = &graph->tensor[op->in[0]];
    const int32_t cols = x->dim[x->rank - 1];
    tp_factor beta = tp_factor_of(to_q5(graph, op));
    /* The largest difference whose shifted value is below 31 in Q5. */
    const double most =
        31.0 * (double)(1 << (31 - DIFF_BITS)) / (double)(INT64_C(1) << beta.s);
    if (beta.s > 30) { /* at 31 only the difference 0 is scaled */
        beta.s = 30;
    }
    return (tp_softmax){.rows = (int32_t)tp_tensor_count(x) / cols,
                        .cols = cols,
                        .beta = beta,
                        .diff_min = -(int32_t)floor(most)};
}

static bool same_shape(const tp_tensor *a, const tp_tensor *b) {
    bool same = a->rank == b->rank;
    for (int i = 0; same && i < a->rank; i++) {
        same = a->dim[i] == b->dim[i];
    }
    return same;
}

static tp_status verify(const tp_graph *graph, const tp_op *op, tp_diag *diag) {
    const tp_tensor *x = &graph->tensor[op->in[0]];
    const tp_tensor *y = &graph->tensor[op->out];

    if (x->rank < 1 || !same_shape(x, y) || tp_tensor_count(x) > INT32_MAX) {
        return tp_error(diag, TP_ERR_MALFORMED,
                        "op %s: input and output differ in shape", op->name);
    }
    if (x->dtype != TP_S8 || y->dtype != TP_S8 || x->quant.n != 1 ||
        y->quant.n != 1) {
        return tp_error(diag, TP_ERR_UNSUPPORTED,
                        "op %s: SOFTMAX from %s to %s; this runs on int8 "
                        "tensors of one scale each",
                        op->name, tp_dtype_name(x->dtype),
                        tp_dtype_name(y->dtype));
    }
    const double scale = (double)y->quant.scale[0];
    if (scale < 1.0 / 256.0 || scale > 1.0 / 256.0 ||
        y->quant.zero_point != -128) {
        return tp_error(diag, TP_ERR_UNSUPPORTED,
                        "op %s: the output must have scale 1/256 and zero "
                        "point -128",
                        op->name);
    }
    if (!(to_q5(graph, op) > 1.0)) {
        return tp_error(diag, TP_ERR_UNSUPPORTED,
                        "op %s: beta %g times the input's scale %g is too "
                        "small",
                        op->name, (double)op->attr.alpha,
                        (double)x->quant.scale[0]);
    }
    if (x->dim[x->rank - 1] > 4095) { /* the sum has 12 integer bits */
        return tp_error(diag, TP_ERR_UNSUPPORTED,
                        "op %s: %d classes; the most is 4095", op->name,
                        (int)x->dim[x->rank - 1]);
    }
    return TP_OK;
}

static tp_status lower(tp_lower *low, const tp_op *op) {
    const tp_softmax d = describe(low->graph, op);
    const tp_arg args[] = {tp_arg_tensor(op->in[0]), tp_arg_tensor(op->out)};
    return tp_lower_step(low, TP_K_softmax_s8_fwd_ref, &tp_desc_softmax, &d,
                         args);
}

const tp_opdef tp_def_softmax = {
    .verify = verify, .lower = lower, .in_place = true};
