/* Where an activation was clamped, no gradient passes; and the sum of two
 * gradients. Dropping the masks ruins training (numerics: BitFit 97 -> 71). */
#include "compiler/ops/opdef.h"
#include "compiler/ops/table.h"

static tp_clamp describe(const tp_graph *graph, const tp_op *op) {
    return (tp_clamp){
        .n = (int32_t)tp_tensor_count(&graph->tensor[op->out]),
        .y_min = op->attr.act_min,
        .y_max = op->attr.act_max,
    };
}

static tp_status verify(const tp_graph *graph, const tp_op *op, tp_diag *diag) {
    const int64_t n = tp_tensor_count(&graph->tensor[op->out]);
    for (int i = 0; i < op->n_in; i++) {
        if (tp_tensor_count(&graph->tensor[op->in[i]]) != n) {
            return tp_error(diag, TP_ERR_MALFORMED,
                            "op %s: inputs and output differ in size",
                            op->name);
        }
    }
    return TP_OK;
}

/* The bounds leave a range of int8 between them. */
static bool in_dsp(const tp_lower *low, const tp_clamp *d) {
    return (low->isa & TP_ISA_DSP) != 0 && d->y_min <= 126 && d->y_max >= -127;
}

static tp_status lower_mask(tp_lower *low, const tp_op *op) {
    const tp_clamp d = describe(low->graph, op);
    const tp_arg args[] = {tp_arg_tensor(op->in[0]), tp_arg_tensor(op->out)};
    return tp_lower_step(
        low, in_dsp(low, &d) ? TP_K_mask_s8_fwd_dsp : TP_K_mask_s8_fwd_ref,
        &tp_desc_clamp, &d, args);
}

static tp_status lower_bwd(tp_lower *low, const tp_op *op) {
    const tp_clamp d = describe(low->graph, op);
    const bool bits = low->graph->tensor[op->in[1]].dtype == TP_BITS;
    const tp_arg args[] = {tp_arg_tensor(op->in[0]), tp_arg_tensor(op->in[1]),
                           tp_arg_tensor(op->out)};
    static const tp_kernel_id kernel[2][2] = {
        {TP_K_clamp_q8_bwd_x_ref, TP_K_mask_q8_bwd_x_ref},
        {TP_K_clamp_q8_bwd_x_dsp, TP_K_mask_q8_bwd_x_dsp}};
    return tp_lower_step(low, kernel[in_dsp(low, &d)][bits], &tp_desc_clamp, &d,
                         args);
}

static tp_status lower_sum(tp_lower *low, const tp_op *op) {
    const tp_sum d = {
        .n = (int32_t)tp_tensor_count(&low->graph->tensor[op->out])};
    const tp_arg args[] = {tp_arg_tensor(op->in[0]), tp_arg_tensor(op->in[1]),
                           tp_arg_tensor(op->out), tp_arg_gscale(op->out)};
    return tp_lower_step(low, TP_K_sum_q8_bwd_x_ref, &tp_desc_sum, &d, args);
}

const tp_opdef tp_def_mask = {.verify = verify, .lower = lower_mask};
const tp_opdef tp_def_clamp_bwd = {
    .verify = verify, .lower = lower_bwd, .in_place = true};
const tp_opdef tp_def_grad_sum = {
    .verify = verify, .lower = lower_sum, .in_place = true};
