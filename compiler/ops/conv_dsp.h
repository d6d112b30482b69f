/* Convolutions for the `dsp` kernels: weights packed in the order in which
 * runtime/kernels/dsp/tile.h reads them, and the proof that its arithmetic
 * gives the bytes of `ref` for every input. */
#ifndef TP_COMPILER_OPS_CONV_DSP_H
#define TP_COMPILER_OPS_CONV_DSP_H

#include "compiler/ops/conv.h"

/* Appends the step of a forward convolution or fully connected layer whose
 * bias is constant.
 *   d     as for conv2d_s8_fwd_ref
 *   done  [out] false: no step, for the kernel has no code for it or a bound
 *         fails */
TP_MUST_CHECK tp_status tp_conv_dsp_lower(tp_lower *lower, const tp_op *op,
                                          const tp_conv2d *d, bool *done);

#endif
