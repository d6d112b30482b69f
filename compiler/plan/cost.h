/* What a step costs: estimated instructions of its `ref` kernel on a
 * Cortex-M4, known before anything runs.
 *
 * The work of a kernel is counted from its descriptor (calls, pixels,
 * outputs, multiply-accumulates, ...: its terms, cost_terms*.c) and each term
 * is weighted with what one of it was measured to cost (cost.def, made by
 * `make cost`). They are instructions under QEMU, not the cycles of any real
 * core. */
#ifndef TP_COMPILER_COST_H
#define TP_COMPILER_COST_H

#include "compiler/plan/plan.h"

/* Of one kernel; the first is the call itself, always 1. */
#define TP_COST_TERMS 10

/* The terms of one kernel call; false where the kernel has no row in cost.def.
 */
bool tp_cost_terms(tp_kernel_id kernel, const void *desc,
                   uint64_t term[TP_COST_TERMS]);

uint64_t tp_step_cost(const tp_step *step);

/* Sums over the steps: instructions, and the multiply-accumulates among them.
 */
uint64_t tp_program_cost(const tp_program *program);
uint64_t tp_program_macs(const tp_program *program);

/* Of one update from `batch` samples: theirs, and what moving the weights costs
 * with the plan's kind of state. */
uint64_t tp_update_cost(const tp_plan *plan, uint32_t batch);

/* --- for cost.def: the terms of each family of kernels ------------------- */

typedef void tp_cost_count(const void *desc, uint64_t *term);

tp_cost_count tp_cost_conv, tp_cost_conv_dsp, tp_cost_lora_dsp,
    tp_cost_lora_u_dsp, tp_cost_fc_dsp, tp_cost_bwd_x_dsp, tp_cost_u_dsp,
    tp_cost_du_dsp, tp_cost_db_dsp, tp_cost_dw_dsp, tp_cost_conv_bwd_x,
    tp_cost_conv_bwd_w, tp_cost_dwconv, tp_cost_dwconv_dsp,
    tp_cost_dwconv_any_dsp, tp_cost_conv_any_dsp, tp_cost_conv_mve,
    tp_cost_dwconv_mve, tp_cost_conv_scalar, tp_cost_dwconv_scalar,
    tp_cost_dwconv_bwd_scalar, tp_cost_dwconv_bwd_x, tp_cost_lora_u,
    tp_cost_lora_b, tp_cost_head, tp_cost_head_bwd_x, tp_cost_head_sgd,
    tp_cost_bias, tp_cost_pool, tp_cost_avgpool_bwd_x, tp_cost_pool_bwd_x,
    tp_cost_mean, tp_cost_mean_bwd_x, tp_cost_eltwise, tp_cost_eltwise_bwd_x,
    tp_cost_lut, tp_cost_softmax, tp_cost_copy, tp_cost_fill, tp_cost_resize,
    tp_cost_clamp, tp_cost_sum, tp_cost_ce, tp_cost_mse, tp_cost_random,
    tp_cost_sgd, tp_cost_rescale, tp_cost_bottleneck, tp_cost_branch,
    tp_cost_vera, tp_cost_hyper, tp_cost_unpack, tp_cost_sparse,
    tp_cost_sparse_bwd_x, tp_cost_sparse_bwd_w;

#endif
