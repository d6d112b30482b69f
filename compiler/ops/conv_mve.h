/* Convolutions for cores with Helium (TP_ISA_MVE). */
#ifndef TP_COMPILER_OPS_CONV_MVE_H
#define TP_COMPILER_OPS_CONV_MVE_H

#include "compiler/ops/conv.h"

/* Appends the step of a CONV_2D, FULLY_CONNECTED or DEPTHWISE_CONV_2D; `done`
 * is false where there is no code for it. */
TP_MUST_CHECK tp_status tp_conv_mve_lower(tp_lower *lower, const tp_op *op,
                                          const tp_conv_tensors *t, bool *done);
/* Scratch of either kernel. */
uint32_t tp_conv_mve_scratch(const tp_conv2d *d, bool depthwise);

#endif
