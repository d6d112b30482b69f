/* Depthwise convolutions of any shape for the `dsp` kernels: channels packed as
 * runtime/kernels/dsp/taps.h reads them, and the proof that its arithmetic
 * gives the bytes of `ref` for every input. */
#ifndef TP_COMPILER_OPS_DWCONV_ANY_H
#define TP_COMPILER_OPS_DWCONV_ANY_H

#include "compiler/ops/conv.h"

/* Appends the step of a forward depthwise convolution, with a trained bias or
 * trained factors or without.
 *   t     its x, w and y
 *   done  [out] false: no step, for it has fewer than four input channels or a
 *         bound fails */
TP_MUST_CHECK tp_status tp_dwconv_any_lower(tp_lower *lower, const tp_op *op,
                                            const tp_conv_tensors *t,
                                            bool *done);
/* The same of a layer that is described, whatever the target.
 *   d     as for dwconv2d_s8_fwd_ref; m and s need not be registered */
TP_MUST_CHECK tp_status tp_dwconv_any_lower_described(tp_lower *lower,
                                                      const tp_op *op,
                                                      const tp_conv2d *d,
                                                      bool *done);

#endif
