/* Every family's table entries, for opdef.c alone. */
#ifndef TP_COMPILER_OPS_TABLE_H
#define TP_COMPILER_OPS_TABLE_H

#include "compiler/ops/opdef.h"

/* conv.c, lora.c, bias.c, scale.c, head.c, loss.c, clamp.c, grad.c */
extern const tp_opdef tp_def_conv, tp_def_dwconv, tp_def_fc, tp_def_conv_bwd_x,
    tp_def_dwconv_bwd_x, tp_def_conv_bwd_w;
extern const tp_opdef tp_def_lora_a, tp_def_conv_lora, tp_def_conv_lora_bwd_x,
    tp_def_lora_bwd_u, tp_def_lora_bwd_b;
extern const tp_opdef tp_def_bias, tp_def_bias_bwd;
/* derived.c: adapter weights that are computed */
extern const tp_opdef tp_def_random, tp_def_unpack;
extern const tp_opdef tp_def_conv_bottleneck, tp_def_bottleneck,
    tp_def_conv_bottleneck_bwd_x, tp_def_bottleneck_bwd_x,
    tp_def_bottleneck_bwd_a, tp_def_bottleneck_bwd_b;
extern const tp_opdef tp_def_conv_sparse, tp_def_conv_sparse_bwd_x,
    tp_def_sparse_bwd_w;
extern const tp_opdef tp_def_scale, tp_def_scale_bwd_x, tp_def_scale_bwd_w;
extern const tp_opdef tp_def_head, tp_def_head_add, tp_def_head_softmax,
    tp_def_head_bwd_x, tp_def_head_bwd_w;
/* vera.c, hyper.c */
extern const tp_opdef tp_def_vera, tp_def_vera_bwd_b, tp_def_vera_bwd_d;
extern const tp_opdef tp_def_hyper_hidden, tp_def_hyper, tp_def_hyper_bwd,
    tp_def_hyper_hidden_bwd, tp_def_weight_grad_sum;
extern const tp_opdef tp_def_ce_loss, tp_def_mse_loss;
extern const tp_opdef tp_def_mask, tp_def_clamp_bwd, tp_def_grad_sum;
/* sgd.c */
extern const tp_opdef tp_def_accumulate, tp_def_sgd, tp_def_bias_sgd,
    tp_def_head_sgd;
/* eltwise.c */
extern const tp_opdef tp_def_add, tp_def_sub, tp_def_mul, tp_def_eltwise_bwd;
/* pool.c */
extern const tp_opdef tp_def_avgpool, tp_def_maxpool, tp_def_mean,
    tp_def_avgpool_bwd, tp_def_maxpool_bwd, tp_def_mean_bwd;
/* lut.c: activations and requantisation */
extern const tp_opdef tp_def_quantize, tp_def_relu, tp_def_relu6,
    tp_def_leaky_relu, tp_def_logistic, tp_def_tanh, tp_def_hard_swish,
    tp_def_lut_bwd;
/* softmax.c */
extern const tp_opdef tp_def_softmax;
/* move.c: data movement */
extern const tp_opdef tp_def_reshape, tp_def_reshape_bwd, tp_def_pad,
    tp_def_transpose, tp_def_concat, tp_def_resize, tp_def_slice,
    tp_def_copy_bwd, tp_def_resize_bwd;

#endif
