/* Adapter weights that are computed where they are used, from parameters and
 * constants alone, instead of being stored. Such an op is marked `derived`; its
 * output is a TP_Q8 value that an adapter op takes as it would a parameter. */
#include <math.h>

#include "compiler/ops/opdef.h"
#include "compiler/ops/table.h"

static tp_status verify_q8(const tp_graph *graph, const tp_op *op,
                           tp_diag *diag) {
    const tp_tensor *w = &graph->tensor[op->out];
    if (w->dtype != TP_Q8 || w->role != TP_VALUE) {
        return tp_error(diag, TP_ERR_MALFORMED,
                        "op %s: computes weights, a value of type q8",
                        op->name);
    }
    return TP_OK;
}

/* --- random weights, frozen ----------------------------------------------- */

static tp_status verify_random(const tp_graph *graph, const tp_op *op,
                               tp_diag *diag) {
    TP_TRY(verify_q8(graph, op, diag));
    const double std = (double)op->attr.alpha;
    const tp_tensor *w = &graph->tensor[op->out];
    int32_t kept = 0;
    for (int32_t rows = op->attr.value; rows > 0; rows >>= 1) {
        kept += rows & 1;
    }
    if (op->attr.value < 0 ||
        (kept != 0 && (w->rank < 1 || kept != w->dim[0]))) {
        return tp_error(diag, TP_ERR_MALFORMED,
                        "op %s: keeps %d rows, not those of its output",
                        op->name, (int)kept);
    }
    if (!(std >= ldexp(1.0, -40) && std <= ldexp(1.0, 20))) {
        return tp_error(diag, TP_ERR_MALFORMED,
                        "op %s: standard deviation %g; 2^-40 to 2^20 work",
                        op->name, std);
    }
    return TP_OK;
}

/* std = 13.04 * m / 128 * 2^e. */
static tp_status lower_random(tp_lower *lower, const tp_op *op) {
    const tp_tensor *w = &lower->graph->tensor[op->out];
    const int32_t keep = op->attr.value;
    int e = 0;
    const double f = frexp((double)op->attr.alpha / sqrt(170.0), &e);
    const int32_t m = (int32_t)lround(f * 256.0); /* f in [1/2, 1) */
    const tp_random d = {.n = (int32_t)tp_tensor_count(w) /
                              (keep != 0 ? w->dim[0] : 1),
                         .keep = keep,
                         .seed = op->attr.seed,
                         .m = m < 256 ? m : 128,
                         .e = m < 256 ? e - 1 : e};
    const tp_arg args[] = {tp_arg_tensor(op->out)};
    return tp_lower_step(lower, TP_K_random_q8_fwd_ref, &tp_desc_random, &d,
                         args);
}

/* --- few bits to int8 ----------------------------------------------------- */

static tp_status verify_unpack(const tp_graph *graph, const tp_op *op,
                               tp_diag *diag) {
    const tp_tensor *packed = &graph->tensor[op->in[0]];
    TP_TRY(verify_q8(graph, op, diag));
    if ((packed->dtype != TP_Q4 && packed->dtype != TP_Q2) ||
        tp_tensor_count(packed) != tp_tensor_count(&graph->tensor[op->out])) {
        return tp_error(diag, TP_ERR_MALFORMED,
                        "op %s: unpacks q4 or q2 to as many values of q8",
                        op->name);
    }
    return TP_OK;
}

static tp_status lower_unpack(tp_lower *lower, const tp_op *op) {
    const tp_tensor *packed = &lower->graph->tensor[op->in[0]];
    tp_unpack d = {.n = (int32_t)tp_tensor_count(packed),
                   .bits = packed->dtype == TP_Q4 ? 4 : 2,
                   .ranks = packed->dim[packed->quant.axis],
                   .stride = 1};
    for (int i = packed->quant.axis + 1; i < packed->rank; i++) {
        d.stride *= packed->dim[i];
    }
    const tp_arg args[] = {tp_arg_tensor(op->in[0]), tp_arg_tensor(op->out)};
    return tp_lower_step(lower, TP_K_unpack_q8_fwd_ref, &tp_desc_unpack, &d,
                         args);
}

const tp_opdef tp_def_unpack = {.verify = verify_unpack,
                                .lower = lower_unpack,
                                .derived = true,
                                .straight = true};
const tp_opdef tp_def_random = {
    .verify = verify_random, .lower = lower_random, .derived = true};
