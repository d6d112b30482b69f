/* Convolutions for the `dsp` kernels: weights packed in the order in which
 * runtime/kernels/dsp/tile.h reads them, and the proof that its arithmetic
 * gives the bytes of `ref` for every input. */
#ifndef TP_COMPILER_OPS_CONV_DSP_H
#define TP_COMPILER_OPS_CONV_DSP_H

#include "compiler/ops/conv.h"

/* Appends the step of a forward convolution or fully connected layer, with a
 * trained bias or trained factors or without.
 *   t     its x, w and y
 *   done  [out] false: no step, for the kernel has no code for it or a bound
 *         fails */
TP_MUST_CHECK tp_status tp_conv_dsp_lower(tp_lower *lower, const tp_op *op,
                                          const tp_conv_tensors *t, bool *done);
/* The same of one with a LoRA branch, but without trained bias or factors.
 *   d  its geometry, lora_m, lora_s and rank; the shift of u, which is made in
 *      the same step where that is possible */
TP_MUST_CHECK tp_status tp_conv_dsp_lower_lora(tp_lower *lower, const tp_op *op,
                                               const tp_conv_tensors *t,
                                               const tp_conv2d *d, bool *done);
/* The same of a gradient to the input.
 *   kernel  conv2d_s8_bwd_x_dsp or conv2d_lora_s8_bwd_x_dsp
 *   d       as for the ref kernel
 *   arg     its arguments but the scratch */
TP_MUST_CHECK tp_status tp_conv_dsp_lower_bwd_x(tp_lower *lower,
                                                tp_kernel_id kernel,
                                                const tp_conv2d *d,
                                                const tp_arg *arg, bool *done);

/* Whether a branch's kernels have code for such a map: u = A x, du = B^T dy,
 * dB, and dA or dW. */
bool tp_conv_dsp_u(const tp_lower *lower, const tp_conv2d *d);
bool tp_conv_dsp_du(const tp_lower *lower, const tp_conv2d *d);
bool tp_conv_dsp_db(const tp_lower *lower, const tp_conv2d *d);
bool tp_conv_dsp_dw(const tp_lower *lower, const tp_conv2d *d);
/* Scratch of the last two. */
uint32_t tp_conv_dsp_outer_bytes(const tp_conv2d *d);

#endif
