/* Functions of one byte: QUANTIZE, RELU, RELU6, LEAKY_RELU, LOGISTIC, TANH,
 * HARD_SWISH. Each becomes a table of 256 bytes, which is smaller and faster
 * on the device than the arithmetic that it holds.
 *
 * LUT_BWD carries in attr.list the ranges of x's bytes where a gradient
 * passes, as pairs first, last; outside them the output was clamped. So it
 * needs nothing of the output, and its text form says what it masks. */
#include <math.h>

#include "compiler/ops/lut_tables.h"
#include "compiler/ops/opdef.h"
#include "compiler/ops/table.h"

static tp_lut_fn fn_of(const tp_graph *graph, const tp_op *op) {
    const tp_tensor *x = &graph->tensor[op->in[0]];
    const tp_tensor *y = &graph->tensor[op->out];
    return (tp_lut_fn){.kind = op->kind,
                       .alpha = op->attr.alpha,
                       .x_scale = x->quant.scale[0],
                       .y_scale = y->quant.scale[0],
                       .x_zp = x->quant.zero_point,
                       .y_zp = y->quant.zero_point,
                       .x_unsigned = x->dtype == TP_U8,
                       .y_unsigned = y->dtype == TP_U8};
}

/* A byte tensor with one scale and a zero point within its type. */
static bool is_bytes(const tp_tensor *t, bool allow_unsigned) {
    const int32_t lo = t->dtype == TP_U8 ? 0 : -128;
    const bool allowed =
        t->dtype == TP_S8 || (allow_unsigned && t->dtype == TP_U8);
    return allowed && t->quant.n == 1 && t->quant.zero_point >= lo &&
           t->quant.zero_point <= lo + 255;
}

static bool same_shape(const tp_tensor *a, const tp_tensor *b) {
    bool same = a->rank == b->rank;
    for (int i = 0; same && i < a->rank; i++) {
        same = a->dim[i] == b->dim[i];
    }
    return same && tp_tensor_count(a) <= INT32_MAX;
}

static tp_status verify(const tp_graph *graph, const tp_op *op, tp_diag *diag) {
    const tp_tensor *x = &graph->tensor[op->in[0]];
    const tp_tensor *y = &graph->tensor[op->out];
    const bool any = op->kind == TP_OP_QUANTIZE;

    if (!same_shape(x, y)) {
        return tp_error(diag, TP_ERR_MALFORMED,
                        "op %s: input and output differ in shape", op->name);
    }
    if (!is_bytes(x, any) || !is_bytes(y, any) ||
        (x->dtype == TP_U8 && y->dtype == TP_U8)) {
        return tp_error(diag, TP_ERR_UNSUPPORTED,
                        "op %s: %s from %s to %s; this runs between int8 "
                        "tensors of one scale each%s",
                        op->name, tp_kind_name(op->kind),
                        tp_dtype_name(x->dtype), tp_dtype_name(y->dtype),
                        any ? ", or from or to uint8" : "");
    }
    const tp_lut_fn fn = fn_of(graph, op);
    const char *refusal = tp_lut_refusal(&fn);
    if (refusal != NULL) {
        return tp_error(diag, TP_ERR_UNSUPPORTED, "op %s: %s (%s)", op->name,
                        refusal, tp_kind_name(op->kind));
    }
    return TP_OK;
}

static tp_status lower(tp_lower *low, const tp_op *op) {
    const tp_lut_fn fn = fn_of(low->graph, op);
    uint8_t table[256];
    bool pass[256];

    tp_lut_table(&fn, table, pass);
    const tp_lut d = {
        .n = (int32_t)tp_tensor_count(&low->graph->tensor[op->out]),
        .table = tp_lower_const(low, TP_U8, table, 256, "table"),
    };
    if (d.table == NULL) {
        return tp_no_memory(low->diag);
    }
    const tp_arg args[] = {tp_arg_tensor(op->in[0]), tp_arg_tensor(op->out)};
    return tp_lower_step(low, TP_K_lut_s8_fwd_ref, &tp_desc_lut, &d, args);
}

/* --- gradient ------------------------------------------------------------- */

/* The ranges of bytes that pass. A function with two turning points, the most
 * that there are here, has at most three; further ones, which only odd
 * rounding could make, join the last. */
static void put_ranges(tp_attr *attr, bool x_unsigned, const bool pass[256]) {
    const int32_t first = x_unsigned ? 0 : -128;
    int n = 0;
    for (int32_t i = first; i < first + 256; i++) {
        if (!pass[(uint8_t)i]) {
            continue;
        }
        if ((n > 0 && attr->list[n - 1] == i - 1) || n == 2 * TP_MAX_RANK) {
            attr->list[n - 1] = i;
        } else {
            attr->list[n++] = i;
            attr->list[n++] = i;
        }
    }
    attr->n_list = n;
}

static tp_status grad(tp_autodiff *ad, const tp_op *op, int dy) {
    const tp_op of = *op; /* graph->op moves when an op is added */
    const int x = of.in[0];
    const int in[2] = {dy, x};
    const tp_lut_fn fn = fn_of(ad->graph, &of);
    uint8_t table[256];
    bool pass[256];

    if (!tp_ad_needs(ad, x)) {
        return TP_OK;
    }
    const int dx = tp_ad_op(ad, TP_OP_LUT_BWD, &of, in, 2, x);
    if (dx < 0) {
        return tp_no_memory(ad->diag);
    }
    tp_attr *attr = &tp_ad_last(ad)->attr;
    tp_lut_table(&fn, table, pass);
    put_ranges(attr, fn.x_unsigned, pass);
    if (of.kind == TP_OP_RELU6) {
        attr->alpha = fn.y_scale / fn.x_scale;
    }
    return tp_ad_give(ad, x, dx);
}

static bool is_lut(int32_t kind) {
    static const tp_kind kinds[] = {
        TP_OP_QUANTIZE, TP_OP_RELU, TP_OP_RELU6,     TP_OP_LEAKY_RELU,
        TP_OP_LOGISTIC, TP_OP_TANH, TP_OP_HARD_SWISH};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if ((int32_t)kinds[i] == kind) {
            return true;
        }
    }
    return false;
}

/* The ranges rise, do not touch and lie within x's type. */
static bool ranges_rise(const tp_attr *attr, bool x_unsigned) {
    const int32_t first = x_unsigned ? 0 : -128;
    int32_t free = first;
    for (int i = 0; i + 1 < attr->n_list; i += 2) {
        if (attr->list[i] < free || attr->list[i + 1] < attr->list[i] ||
            attr->list[i + 1] > first + 255) {
            return false;
        }
        free = attr->list[i + 1] + 2;
    }
    return attr->n_list % 2 == 0;
}

static tp_status verify_bwd(const tp_graph *graph, const tp_op *op,
                            tp_diag *diag) {
    const tp_tensor *dy = &graph->tensor[op->in[0]];
    const tp_tensor *x = &graph->tensor[op->in[1]];
    const tp_tensor *dx = &graph->tensor[op->out];

    if (!same_shape(dy, x) || !same_shape(x, dx)) {
        return tp_error(diag, TP_ERR_MALFORMED,
                        "op %s: its tensors differ in shape", op->name);
    }
    if (dy->dtype != TP_Q8 || dx->dtype != TP_Q8 || !is_bytes(x, true) ||
        !(x->quant.scale[0] > 0.0f)) {
        return tp_error(diag, TP_ERR_MALFORMED,
                        "op %s: needs q8 gradients and a byte tensor with a "
                        "scale",
                        op->name);
    }
    if (!is_lut(op->attr.of) || !isfinite(op->attr.alpha) ||
        !ranges_rise(&op->attr, x->dtype == TP_U8)) {
        return tp_error(diag, TP_ERR_MALFORMED,
                        "op %s: no function of one byte with rising ranges",
                        op->name);
    }
    return TP_OK;
}

static tp_status lower_bwd(tp_lower *low, const tp_op *op) {
    const tp_tensor *x = &low->graph->tensor[op->in[1]];
    const tp_lut_fn fn = {.kind = (tp_kind)op->attr.of,
                          .alpha = op->attr.alpha,
                          .x_scale = x->quant.scale[0],
                          .x_zp = x->quant.zero_point,
                          .x_unsigned = x->dtype == TP_U8};
    bool pass[256] = {false};
    int16_t slope[256];

    for (int i = 0; i < op->attr.n_list; i += 2) {
        for (int32_t b = op->attr.list[i]; b <= op->attr.list[i + 1]; b++) {
            pass[(uint8_t)b] = true;
        }
    }
    tp_lut_slope(&fn, pass, slope);
    const tp_lut d = {.n = (int32_t)tp_tensor_count(x),
                      .slope =
                          tp_lower_const(low, TP_S16, slope, 256, "slope")};
    if (d.slope == NULL) {
        return tp_no_memory(low->diag);
    }
    const tp_arg args[] = {tp_arg_tensor(op->in[0]), tp_arg_tensor(op->in[1]),
                           tp_arg_tensor(op->out), tp_arg_gscale(op->out)};
    return tp_lower_step(low, TP_K_lut_q8_bwd_x_ref, &tp_desc_lut, &d, args);
}

const tp_opdef tp_def_quantize = {
    .verify = verify, .lower = lower, .grad = grad, .in_place = true};
const tp_opdef tp_def_relu = {
    .verify = verify, .lower = lower, .grad = grad, .in_place = true};
const tp_opdef tp_def_relu6 = {
    .verify = verify, .lower = lower, .grad = grad, .in_place = true};
const tp_opdef tp_def_leaky_relu = {
    .verify = verify, .lower = lower, .grad = grad, .in_place = true};
const tp_opdef tp_def_logistic = {
    .verify = verify, .lower = lower, .grad = grad, .in_place = true};
const tp_opdef tp_def_tanh = {
    .verify = verify, .lower = lower, .grad = grad, .in_place = true};
const tp_opdef tp_def_hard_swish = {
    .verify = verify, .lower = lower, .grad = grad, .in_place = true};
const tp_opdef tp_def_lut_bwd = {
    .verify = verify_bwd, .lower = lower_bwd, .in_place = true};
