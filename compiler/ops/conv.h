/* Shared by the families that are convolutions at heart: conv, dwconv, fc and
 * the LoRA branch. */
#ifndef TP_COMPILER_OPS_CONV_H
#define TP_COMPILER_OPS_CONV_H

#include "compiler/ops/opdef.h"

/* The three tensors of a convolution, in the forward direction. */
typedef struct tp_conv_tensors {
    const tp_tensor *x, *w, *y;
} tp_conv_tensors;

/* Sizes, strides and pads; everything else 0. A weight tensor of
 * rank 2 is a fully connected layer: a 1x1 convolution on a rows x 1 map. */
tp_conv2d tp_conv_geometry(const tp_attr *attr, const tp_conv_tensors *t);
/* Smallest shift that lets 256 samples of at most `most` each add up in
 * 31 bits. */
int32_t tp_conv_sum_shift(double most);
/* Adds the shifts that keep the gradients of 256 samples in 32 bits. */
void tp_conv_accumulation(tp_conv2d *d);
/* Adds zero points, clamp range, requantisation and the weights. */
tp_status tp_conv_quantise(tp_lower *lower, const tp_op *op,
                           const tp_conv_tensors *t, tp_conv2d *d);
/* The same without registering constants: for proofs. */
tp_status tp_conv_describe(tp_arena *arena, const tp_op *op,
                           const tp_conv_tensors *t, tp_conv2d *d);
/* One fixed-point factor a channel, as two constant arrays. */
typedef struct tp_factors {
    const int32_t *m;
    const int8_t *s;
} tp_factors;

/* The base's requantisation of each channel. */
tp_status tp_conv_requantisation(tp_lower *lower, const tp_conv_tensors *t,
                                 int32_t n, tp_factors *out);
/* dy of the accumulator: that of the output, masked, times 1 + t where the op
 * has trained factors, which get theirs. -1: no memory. */
int tp_conv_ad_scaled(tp_autodiff *ad, const tp_op *op, int dy);
/* Registers f[n] as "<op>_<suffix>m" and "<op>_<suffix>s". */
tp_status tp_conv_factors(tp_lower *lower, const tp_factor *f, int32_t n,
                          const char *suffix, tp_factors *out);
/* 1 / s_w of each channel, by which what an adapter adds enters the
 * accumulator. */
tp_status tp_conv_inverse_scales(tp_lower *lower, const tp_tensor *w, int32_t n,
                                 tp_factors *out);
/* Of 16 bits the scales of a sum over channels keep the upper 12: then 2^8 dy
 * times such a scale fits 32 bits, and its upper half is d. */
#define TP_CONV_BWD_STEP 16
/* Adds the weights and their scales as the backward kernels want them. */
tp_status tp_conv_backward_scales(tp_lower *lower, const tp_conv_tensors *t,
                                  tp_conv2d *d);
/* Registers them, for kernels that read them as they are. */
tp_status tp_conv_backward_constants(tp_lower *lower, const tp_conv_tensors *t,
                                     tp_conv2d *d);
/* How y may lie over x; `backward`: dx over dy. Both have elements of one byte
 * behind headers of one size. */
void tp_conv_overlap(const tp_conv2d *d, bool backward, tp_overlap *out);
/* Weights, map and window agree with the shapes of x and y. */
tp_status tp_conv_check(const tp_graph *graph, const tp_op *op,
                        const tp_conv_tensors *t, tp_diag *diag);

/* In dx that many products are summed, each at most 1024 * 127: they fit 32
 * bits. */
tp_status tp_conv_check_products(const tp_op *op, int64_t products,
                                 tp_diag *diag);
/* dy of so many values is a map of so many channels, and sums over its pixels
 * fit 32 bits: 256 samples of at most 127 each, or one of at most 255 * 127. */
tp_status tp_conv_check_pixels(const tp_op *op, const tp_tensor *dy,
                               int64_t channels, tp_diag *diag);

#endif
