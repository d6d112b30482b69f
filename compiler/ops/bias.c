/* BitFit: a trained offset to the bias, in real units. Ben Zaken et al. 2021,
 * arXiv:2106.10199. In quantised units it stays at the level of a head alone;
 * real units are what makes it work (numerics: "adapters live in real
 * units"). */
#include <math.h>

#include "compiler/ops/conv.h"
#include "compiler/ops/table.h"

static tp_status verify(const tp_graph *graph, const tp_op *op, tp_diag *diag) {
    const tp_tensor *b = &graph->tensor[op->in[0]];
    const tp_tensor *db = &graph->tensor[op->in[1]];
    if (tp_op_reader(graph, tp_op_bias, op->out) == NULL ||
        b->dtype != TP_S32 || tp_tensor_count(b) != tp_tensor_count(db)) {
        return tp_error(diag, TP_ERR_MALFORMED,
                        "op %s: needs a bias, its offsets and a convolution",
                        op->name);
    }
    return TP_OK;
}

static tp_status lower(tp_lower *low, const tp_op *op) {
    const tp_graph *graph = low->graph;
    const tp_op *conv = tp_op_reader(graph, tp_op_bias, op->out);
    if (conv == NULL) {
        return tp_error(low->diag, TP_ERR_MALFORMED,
                        "op %s: no convolution reads it", op->name);
    }
    const tp_tensor *x = &graph->tensor[conv->in[0]];
    const tp_tensor *w = &graph->tensor[conv->in[1]];
    const int32_t n = (int32_t)tp_tensor_count(&graph->tensor[op->out]);
    tp_factor *f = tp_arena_alloc(low->arena, (size_t)n, sizeof *f);
    if (f == NULL) {
        return tp_no_memory(low->diag);
    }
    for (int32_t oc = 0; oc < n; oc++) {
        const double s_acc =
            (double)tp_scale_of(x, 0) * (double)tp_scale_of(w, oc);
        f[oc] = tp_factor_of(ldexp(1.0 / s_acc, -13));
    }
    tp_factors factors;
    TP_TRY(tp_conv_factors(low, f, n, "", &factors));
    const tp_bias d = {.n = n, .pixels = 1, .m = factors.m, .s = factors.s};
    const tp_arg args[] = {tp_arg_tensor(op->in[0]), tp_arg_tensor(op->in[1]),
                           tp_arg_tensor(op->out)};
    return tp_lower_step(low, TP_K_bias_s16_fwd_ref, &tp_desc_bias, &d, args);
}

/* What is given to an effective bias is the convolution's dy itself. */
static tp_status grad(tp_autodiff *ad, const tp_op *op, int dy) {
    const tp_op bias = *op;
    return tp_ad_param(ad, TP_OP_BIAS_BWD, &bias, &dy, 1, bias.in[1], 1.0);
}

static tp_status lower_bwd(tp_lower *low, const tp_op *op) {
    const tp_tensor *dy = &low->graph->tensor[op->in[0]];
    const int64_t n = tp_tensor_count(&low->graph->tensor[op->out]);
    const tp_bias d = {.n = (int32_t)n,
                       .pixels = (int32_t)(tp_tensor_count(dy) / n)};
    const tp_arg args[] = {tp_arg_tensor(op->in[0]), tp_arg_tensor(op->out)};
    return tp_lower_step(low, TP_K_bias_q8_bwd_w_ref, &tp_desc_bias, &d, args);
}

static tp_status verify_bwd(const tp_graph *graph, const tp_op *op,
                            tp_diag *diag) {
    const int64_t n = tp_tensor_count(&graph->tensor[op->out]);
    return tp_conv_check_pixels(op, &graph->tensor[op->in[0]], n, diag);
}

const tp_opdef tp_def_bias = {.verify = verify, .lower = lower, .grad = grad};
const tp_opdef tp_def_bias_bwd = {.verify = verify_bwd, .lower = lower_bwd};
