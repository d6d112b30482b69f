/* VeRA: weights E = diag(b) B diag(1 + d) from two trained vectors. Kopiczko et
 * al. 2023, arXiv:2310.11454. */
#include "compiler/ops/opdef.h"
#include "compiler/ops/table.h"

/* Inputs of the forward op. */
enum { VECTOR_B, MATRIX, VECTOR_D };

static tp_vera describe(const tp_graph *graph, int matrix) {
    const tp_tensor *w = &graph->tensor[matrix];
    return (tp_vera){.out = w->dim[0], .rank = w->dim[1]};
}

static tp_status verify(const tp_graph *graph, const tp_op *op, tp_diag *diag) {
    const tp_tensor *b = &graph->tensor[op->in[VECTOR_B]];
    const tp_tensor *w = &graph->tensor[op->in[MATRIX]];
    const tp_tensor *d = &graph->tensor[op->in[VECTOR_D]];
    const tp_tensor *e = &graph->tensor[op->out];
    if (w->dtype != TP_Q8 || e->dtype != TP_Q8 || w->rank != 2 ||
        w->dim[0] != tp_tensor_count(b) || w->dim[1] != tp_tensor_count(d) ||
        b->dtype != TP_S16 || d->dtype != TP_S16 ||
        tp_tensor_count(e) != tp_tensor_count(w)) {
        return tp_error(diag, TP_ERR_MALFORMED,
                        "op %s: needs s16 vectors and a q8 matrix of their "
                        "lengths",
                        op->name);
    }
    return TP_OK;
}

static tp_status lower(tp_lower *low, const tp_op *op) {
    const tp_vera d = describe(low->graph, op->in[MATRIX]);
    const tp_arg args[] = {
        tp_arg_tensor(op->in[VECTOR_B]), tp_arg_tensor(op->in[MATRIX]),
        tp_arg_tensor(op->in[VECTOR_D]), tp_arg_tensor(op->out)};
    return tp_lower_step(low, TP_K_vera_q8_fwd_ref, &tp_desc_vera, &d, args);
}

static int64_t macs(const tp_graph *graph, const tp_op *op) {
    return 2 * tp_tensor_count(&graph->tensor[op->out]);
}

static tp_status grad(tp_autodiff *ad, const tp_op *op, int de) {
    const tp_op vera = *op;
    const double unit = ad->graph->tensor[de].train.unit;
    const int w = tp_ad_again(ad, vera.in[MATRIX]);
    if (w < 0) {
        return tp_no_memory(ad->diag);
    }
    const int in_b[3] = {de, w, vera.in[VECTOR_D]};
    const int in_d[3] = {de, vera.in[VECTOR_B], w};
    TP_TRY(tp_ad_param(ad, TP_OP_VERA_BWD_B, &vera, in_b, 3, vera.in[VECTOR_B],
                       unit));
    return tp_ad_param(ad, TP_OP_VERA_BWD_D, &vera, in_d, 3, vera.in[VECTOR_D],
                       unit);
}

static tp_status lower_bwd(tp_lower *low, const tp_op *op) {
    const bool to_b = op->kind == TP_OP_VERA_BWD_B;
    const tp_vera d = describe(low->graph, op->in[to_b ? 1 : 2]);
    const tp_arg args[] = {tp_arg_tensor(op->in[0]), tp_arg_tensor(op->in[1]),
                           tp_arg_tensor(op->in[2]), tp_arg_tensor(op->out)};
    return tp_lower_step(low, to_b ? TP_K_vera_bwd_b_ref : TP_K_vera_bwd_d_ref,
                         &tp_desc_vera, &d, args);
}

const tp_opdef tp_def_vera = {.verify = verify,
                              .lower = lower,
                              .grad = grad,
                              .derived = true,
                              .macs = macs};
const tp_opdef tp_def_vera_bwd_b = {.lower = lower_bwd};
const tp_opdef tp_def_vera_bwd_d = {.lower = lower_bwd};
