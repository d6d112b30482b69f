/* For shapes.c alone: descriptors of shape i, NULL where there are no more.
 * Each lies in memory of its own, which the next call writes anew. */
#ifndef TP_BENCH_SHAPES_CONV_H
#define TP_BENCH_SHAPES_CONV_H

#include "compiler/ops/opdef.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof(array)[0]))

enum { BENCH_MAPS = 6 };
extern const int32_t bench_maps[BENCH_MAPS][2]; /* pixels, channels */

/* Before all else: the weights and factors to which descriptors point. */
void bench_make_weights(void);

const void *bench_conv(int i);
const void *bench_conv_dsp(int i);
const void *bench_conv_scalar(int i);
const void *bench_conv_scaled_scalar(int i);
const void *bench_lora_scalar(int i);
const void *bench_depthwise_scalar(int i);
const void *bench_depthwise_scaled_scalar(int i);
const void *bench_depthwise_bwd_scalar(int i);
const void *bench_conv_mve(int i);
const void *bench_depthwise_mve(int i);
const void *bench_conv_scaled_dsp(int i);
const void *bench_fc_dsp(int i);
const void *bench_lora_dsp(int i);
const void *bench_lora_u_dsp(int i);
const void *bench_bwd_dsp(int i);
const void *bench_lora_bwd_dsp(int i);
const void *bench_u_dsp(int i);
const void *bench_du_dsp(int i);
const void *bench_db_dsp(int i);
const void *bench_dw_dsp(int i);
const void *bench_depthwise(int i);
const void *bench_depthwise_dsp(int i);
const void *bench_depthwise_any(int i);
const void *bench_depthwise_any_scaled(int i);
const void *bench_depthwise_scaled_dsp(int i);
const void *bench_depthwise_bwd_dsp(int i);
const void *bench_lora(int i);
const void *bench_lora_a(int i);
const void *bench_bottleneck(int i);
const void *bench_serial(int i);
const void *bench_sparse(int i);
const void *bench_bias(int i);
const void *bench_rescale(int i);

#endif
