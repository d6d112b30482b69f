/* How the `dsp` kernels see a layer, from its geometry alone. */
#ifndef TP_COMPILER_OPS_DSP_LAYOUT_H
#define TP_COMPILER_OPS_DSP_LAYOUT_H

#include "tinypeft/ops.h"

/* pairs, direct and row_bytes of a convolution; conv is *d without its
 * constants, everything else 0. */
tp_conv2d_dsp tp_conv_dsp_layout(const tp_conv2d *d);

/* The parts that a layer's forward kernels use, from its map, rank and
 * `plain`. */
void tp_conv_dsp_choose(tp_conv2d_dsp *op);

/* Bytes of scratch. */
uint32_t tp_conv_dsp_scratch(const tp_conv2d_dsp *op);

#endif
