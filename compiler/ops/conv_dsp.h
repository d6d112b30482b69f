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

#endif
