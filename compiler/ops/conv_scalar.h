/* Convolutions for cores without vectors (TP_ISA_SCALAR). */
#ifndef TP_COMPILER_OPS_CONV_SCALAR_H
#define TP_COMPILER_OPS_CONV_SCALAR_H

#include "compiler/ops/conv.h"

/* Appends the step of a CONV_2D, FULLY_CONNECTED or DEPTHWISE_CONV_2D, with a
 * trained bias or trained factors or without; `done` is false where there is no
 * code for it. */
TP_MUST_CHECK tp_status tp_conv_scalar_lower(tp_lower *lower, const tp_op *op,
                                             const tp_conv_tensors *t,
                                             bool *done);
/* The same of a layer as tp_conv_describe() has it. */
TP_MUST_CHECK tp_status tp_conv_scalar_lower_described(tp_lower *lower,
                                                       const tp_op *op,
                                                       const tp_conv2d *d,
                                                       bool *done);
/* The same of one with a LoRA branch, but without trained factors.
 *   of  its geometry, lora_m, lora_s and rank */
TP_MUST_CHECK tp_status tp_conv_scalar_lower_lora(tp_lower *lower,
                                                  const tp_op *op,
                                                  const tp_conv_tensors *t,
                                                  const tp_conv2d *of,
                                                  bool *done);
/* The same of a gradient to the input of a DEPTHWISE_CONV_2D.
 *   d  as for the ref kernel */
TP_MUST_CHECK tp_status tp_dwconv_scalar_lower_bwd_x(tp_lower *lower,
                                                     const tp_op *op,
                                                     const tp_conv2d *d,
                                                     bool *done);

#endif
