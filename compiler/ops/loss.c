/* The losses: gradient of the logits (or outputs), and the loss itself. */
#include <math.h>

#include "compiler/ops/opdef.h"
#include "compiler/ops/table.h"

#define SMOOTH_BITS 20 /* fraction bits of tp_ce.smooth */

static tp_status verify_ce(const tp_graph *graph, const tp_op *op,
                           tp_diag *diag) {
    const tp_tensor *z = &graph->tensor[op->in[0]];
    const int64_t n = tp_tensor_count(z);
    if ((z->dtype != TP_S8 && z->dtype != TP_S16) || n < 2 || n > 256) {
        return tp_error(diag, TP_ERR_UNSUPPORTED,
                        "op %s: cross-entropy needs 2 to 256 logits, here are "
                        "%lld; without a softmax --loss mse works",
                        op->name, (long long)n);
    }
    if (!(op->attr.alpha >= 0.0F && op->attr.alpha <= 0.5F)) {
        return tp_error(diag, TP_ERR_UNSUPPORTED,
                        "op %s: label smoothing %g; 0 to 0.5 works", op->name,
                        (double)op->attr.alpha);
    }
    return TP_OK;
}

static tp_status lower_loss(tp_lower *low, const tp_op *op, tp_kernel_id kernel,
                            const tp_desc_type *type, const void *desc) {
    const int64_t n = tp_tensor_count(&low->graph->tensor[op->in[0]]);
    const tp_arg args[] = {
        tp_arg_tensor(op->in[0]),        tp_arg_tensor(op->in[1]),
        tp_arg_tensor(op->out),          tp_arg_tensor(op->in[2]),
        tp_arg_gscale(op->out), /* of cross-entropy alone: */
        tp_arg_scratch(4u * (uint32_t)n)};
    return tp_lower_step(low, kernel, type, desc, args);
}

static tp_status lower_ce(tp_lower *low, const tp_op *op) {
    const tp_tensor *z = &low->graph->tensor[op->in[0]];
    tp_ce d = {.n = (int32_t)tp_tensor_count(z),
               .smooth =
                   (int32_t)lround(ldexp((double)op->attr.alpha, SMOOTH_BITS))};
    if (z->dtype == TP_S16) {
        d.scale = tp_factor_of(1.0 / 256.0);
        return lower_loss(low, op, TP_K_ce_s16_loss_ref, &tp_desc_ce, &d);
    }
    d.zp = z->quant.zero_point;
    d.scale = tp_factor_of((double)tp_scale_of(z, 0));
    return lower_loss(low, op, TP_K_ce_s8_loss_ref, &tp_desc_ce, &d);
}

static tp_status verify_mse(const tp_graph *graph, const tp_op *op,
                            tp_diag *diag) {
    const tp_tensor *y = &graph->tensor[op->in[0]];
    if (y->dtype != TP_S8 || y->quant.n != 1 || tp_tensor_count(y) > 65536) {
        return tp_error(diag, TP_ERR_UNSUPPORTED,
                        "op %s: mean squared error needs an int8 output of at "
                        "most 65536 values",
                        op->name);
    }
    return TP_OK;
}

static tp_status lower_mse(tp_lower *low, const tp_op *op) {
    const tp_tensor *y = &low->graph->tensor[op->in[0]];
    const double s_y = (double)tp_scale_of(y, 0);
    const double n = (double)tp_tensor_count(y);
    int e = 0;
    const double q = frexp(2.0 * s_y / n, &e); /* [1/2, 1) */
    const tp_mse d = {.n = (int32_t)tp_tensor_count(y),
                      .loss = tp_factor_of(s_y * s_y / n),
                      .q = (int32_t)floor(q * 32768.0),
                      .e = e};
    return lower_loss(low, op, TP_K_mse_s8_loss_ref, &tp_desc_mse, &d);
}

const tp_opdef tp_def_ce_loss = {.verify = verify_ce, .lower = lower_ce};
const tp_opdef tp_def_mse_loss = {.verify = verify_mse, .lower = lower_mse};
