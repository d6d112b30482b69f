/* Operation descriptors: what a kernel knows of its operation, fixed at
 * compile time, in flash. Layouts are those of TensorFlow Lite: activations
 * NHWC with N = 1 (a fully connected layer is a 1x1 convolution over a map of
 * rows x 1), convolution weights [out_c][k_h][k_w][in_c], depthwise weights
 * [k_h][k_w][out_c]. All zero points are in [-128, 127].
 *
 * Pointers are to constants, or NULL where a line says so.
 *
 * A kernel that knows `reverse` gives the same bytes in either order of its
 * output's pixels (forward: y, backward: dx). The order decides how y may lie
 * over x: a pixel is written once the pixels that it is made of are read, and
 * its own window counts as read until its last byte is written. */
#ifndef TINYPEFT_OPS_H
#define TINYPEFT_OPS_H

#include "tinypeft/types.h"

/* CONV_2D, FULLY_CONNECTED, DEPTHWISE_CONV_2D and the convolutions inside
 * adapters.
 *   acc = bias[oc] + sum (x - x_zp) * w;  y = clamp(acc * m 2^(s-31) + y_zp)
 * The compiler folds x_zp into the bias and sets it 0 where nothing is padded.
 * Bound, kept by the importer: k_h * k_w * in_c * 255 * 127 < 2^31. */
typedef struct tp_conv2d {
    int32_t in_h, in_w, in_c; /* >= 1 */
    int32_t out_h, out_w,
        out_c;                  /* >= 1; depthwise: out_c = in_c * multiplier */
    int32_t k_h, k_w;           /* >= 1 */
    int32_t stride_h, stride_w; /* >= 1 */
    int32_t dil_h, dil_w;       /* dilation, >= 1 */
    int32_t pad_t, pad_l;       /* rows and columns of padding before x */
    int32_t x_zp, y_zp;
    int32_t y_min, y_max;  /* of the fused activation, in [-128, 127] */
    const int8_t *w;       /* NULL where the weights are an argument */
    const int32_t *m;      /* [out_c] requantisation, see tp_factor */
    const int8_t *s;       /* [out_c] */
    const uint16_t *bwd_q; /* [out_c] s_w[oc] = q * 2^(bwd_e - 15) */
    int32_t bwd_e;         /* largest q in [2^14, 2^15]; dense: all are
                              multiples of 16 */
    const int32_t *lora_m; /* [out_c] 1 / s_w[oc] as tp_factor; or NULL */
    const int8_t *lora_s;  /* [out_c] */
    int32_t rank;          /* of the LoRA branch, 1..16; 0: none */
    int32_t shift;         /* LoRA A: u = acc >> shift, fits int16 */
    int32_t acc_shift;     /* of one sample's dw before it is added */
    int32_t acc_shift_b;   /* the same of LoRA's dB */
    int32_t reverse;       /* 1: the output's pixels from last to first */
} tp_conv2d;

/* Parts of the `dsp` kernels, see parts.def; their structs are in
 * runtime/kernels/dsp: tile.h, sums.h, strip.h. */
struct tp_dsp_tile;
struct tp_dsp_sums;
struct tp_dsp_strip;
typedef void tp_tile_fn(const struct tp_dsp_tile *t);
typedef void tp_sums_fn(struct tp_dsp_sums *t);
typedef void tp_strip_fn(struct tp_dsp_strip *t);

/* The same for the `dsp` kernels: weights packed, and all that a channel needs
 * beside them, as runtime/kernels/dsp/tile.h says. */
typedef struct tp_conv2d_dsp {
    tp_conv2d conv;         /* w, m, s unused; out_c >= 4 */
    int32_t pairs;          /* of k, even; rows of the window are words */
    int32_t direct;         /* 1: a window is one run of 2 * pairs bytes of x */
    int32_t row_bytes;      /* else: of a row of x with what is padded and seen,
                               a multiple of 4 */
    int32_t plain;          /* 1: negative sums end at the lower clamp */
    int32_t up, down;       /* the clamp range, four equal bytes; not `plain` */
    const int32_t *w;       /* [groups][pairs][2] */
    const int32_t *channel; /* [groups][16]; backward: [pairs] scales */
    int32_t limit; /* 0: channel is complete. Else it lacks the bias, which is
                      held within +-limit when it is added */
    int32_t bytes; /* 1: one pixel, whose bytes are read as they are */
    tp_tile_fn *two, *one;   /* pixels; NULL: not needed */
    tp_sums_fn *sums, *wide; /* the layer has a branch; NULL: not needed */
} tp_conv2d_dsp;

/* What is known of a strip, some columns of the output of the `dsp` kernels of
 * DEPTHWISE_CONV_2D: places in a strip's row of tp_dwconv2d_dsp.strip. In
 * scratch a row of x is, in each strip, words of padding, one of padding and a
 * column, pairs of columns, one of a column and padding, words of padding. */
enum {
    TP_DW_N,        /* columns of the output */
    TP_DW_FAST,     /* 1: runtime/kernels/dsp/strip.h has a function for it */
    TP_DW_WORDS,    /* of a row of x in scratch */
    TP_DW_AT,       /* word of a channel's plane where it begins */
    TP_DW_OUT,      /* the same of the first word that is no padding */
    TP_DW_Y,        /* bytes from a row of y to the first column */
    TP_DW_X,        /* bytes from a row of x to the first column that is read */
    TP_DW_EDGES,    /* 1: padding and a column; 2: a column and padding */
    TP_DW_PAIRS,    /* of columns of x */
    TP_DW_NEXT_X,   /* bytes from the last column on to the next row's first */
    TP_DW_NEXT_OUT, /* the same in scratch */
    TP_DW_STRIP     /* how many there are */
};

/* DEPTHWISE_CONV_2D for the `dsp` kernels. Of a channel: the taps of each row
 * of the window as pairs (w0, w1), (w1, w2), ..., one pair (w0, 0) where there
 * is one tap; then start, m and R as runtime/kernels/dsp/strip.h says. */
typedef struct tp_dwconv2d_dsp {
    tp_conv2d conv; /* multiplier and dilation 1, channels >= 4; w NULL */
    int32_t rows;   /* of x that the scratch holds, >= k_h */
    int32_t plane;  /* words of a channel in scratch */
    int32_t strips;
    int32_t plain;        /* 1: negative sums end at the lower clamp */
    const int32_t *strip; /* [strips][TP_DW_STRIP] */
    const int32_t *channel;
    int32_t limit; /* 0: channel is complete. Else bias or factors are trained:
                      it has the weights for the base's t, start as it is,
                      without the bias, which is held within +-limit, and t in
                      place of m; conv has m and s */
    tp_strip_fn *first, *other; /* of strips as wide as the first, of others;
                                   NULL: not needed */
} tp_dwconv2d_dsp;

/* DEPTHWISE_CONV_2D of any shape for the `dsp` kernels; w and channel as in
 * runtime/kernels/dsp/taps.h. */
typedef struct tp_dwconv2d_any {
    tp_conv2d conv; /* w, m, s unused; in_c >= 4 */
    int32_t padded; /* 1: windows leave the map */
    const int32_t *w, *channel;
    int32_t limit; /* 0: channel is complete. Else it lacks the bias, which is
                      held within +-limit when it is added */
} tp_dwconv2d_any;

/* CONV_2D and DEPTHWISE_CONV_2D for the `mve` kernels; w and
 * channel as in runtime/kernels/mve/mve.h. */
typedef struct tp_conv2d_mve {
    tp_conv2d conv; /* m, s unused; w packed as there */
    const int32_t *channel;
} tp_conv2d_mve;

/* CONV_2D and DEPTHWISE_CONV_2D for the `scalar` kernels; w and channel as
 * runtime/kernels/scalar says. */
typedef struct tp_conv2d_scalar {
    tp_conv2d conv; /* m and s unused; w packed */
    int32_t rows;   /* depthwise: of x that the scratch holds, >= k_h */
    const int32_t *channel;
} tp_conv2d_scalar;

/* AVERAGE_POOL_2D, MAX_POOL_2D. Padded places count as absent. */
typedef struct tp_pool {
    int32_t in_h, in_w, c, out_h, out_w;
    int32_t k_h, k_w, stride_h, stride_w, pad_t, pad_l;
    int32_t y_min, y_max;
    int32_t reverse; /* 1: the output's pixels from last to first */
} tp_pool;

/* MEAN: for each output index over out_dim, the sum over red_dim. Strides are
 * in elements of x; unused dimensions are 1. */
typedef struct tp_mean {
    int32_t out_dim[4], out_stride[4];
    int32_t red_dim[4], red_stride[4];
    int32_t count; /* product of red_dim */
    int32_t x_zp, y_zp;
    tp_factor f; /* s_x / (s_y * count) */
} tp_mean;

/* ADD, SUB, MUL with broadcasting: strides in elements, 0 where broadcast. */
typedef struct tp_eltwise {
    int32_t dim[4], a_stride[4], b_stride[4];
    int32_t a_zp, b_zp, y_zp, y_min, y_max;
    int32_t left_shift; /* ADD, SUB: 20 */
    int32_t b_sign;     /* +1 ADD, -1 SUB */
    tp_factor a, b, y;  /* MUL: only y */
} tp_eltwise;

/* Gradient of ADD, SUB, MUL to one input: for each element of x over x_dim,
 * the sum over red_dim of dy * (other - other_zp) * f. Without `other` the
 * factor is f alone. f = q * 2^(e-15). */
typedef struct tp_eltwise_bwd {
    int32_t x_dim[4], x_dy_stride[4], x_other_stride[4];
    int32_t red_dim[4], red_dy_stride[4], red_other_stride[4];
    int32_t other_zp;
    int32_t q; /* signed: negative for the second input of SUB */
    int32_t e;
} tp_eltwise_bwd;

/* Any function of one byte: activations, requantisation. Indexed by the
 * byte's bits as uint8. */
typedef struct tp_lut {
    int32_t n;
    const uint8_t *table; /* [256] */
    const int16_t *slope; /* [256] dy/dx in real units * 2^14; or NULL */
} tp_lut;

/* SOFTMAX over the last axis, TensorFlow Lite's fixed-point form. */
typedef struct tp_softmax {
    int32_t rows, cols;
    tp_factor beta; /* input_beta_multiplier, input_beta_left_shift */
    int32_t diff_min;
} tp_softmax;

/* Strided copy: TRANSPOSE, CONCATENATION, PAD, STRIDED_SLICE. */
typedef struct tp_copy {
    int32_t dim[6];
    int32_t x_offset, x_stride[6];
    int32_t y_offset, y_stride[6];
} tp_copy;

/* Sets n bytes to a value: what PAD puts around, what a scatter starts from. */
typedef struct tp_fill {
    int32_t n;
    int32_t value; /* int8 */
} tp_fill;

/* RESIZE_NEAREST_NEIGHBOR: source row and column of each output. */
typedef struct tp_resize {
    int32_t in_h, in_w, out_h, out_w, c;
    const int16_t *row; /* [out_h] */
    const int16_t *col; /* [out_w] */
} tp_resize;

/* Where an activation was clamped its gradient is zero. */
typedef struct tp_clamp {
    int32_t n;
    int32_t y_min, y_max; /* y at either counts as clamped; outside
                             [-128, 127]: that side never clamps */
} tp_clamp;

/* Sum of two gradients. */
typedef struct tp_sum {
    int32_t n;
} tp_sum;

/* BitFit: bias = b + db / (s_x * s_w[oc]), db in units of 2^-13. */
typedef struct tp_bias {
    int32_t n;        /* channels */
    int32_t pixels;   /* of the map, for the gradient */
    const int32_t *m; /* [n] 2^-13 / (s_x s_w[oc]) as tp_factor */
    const int8_t *s;  /* [n] */
} tp_bias;

/* Frozen random weights, drawn again from their seed wherever they are used:
 * standard deviation 13.04 * m / 128 * 2^e. */
typedef struct tp_random {
    int32_t n; /* numbers of a row */
    int32_t seed;
    int32_t m; /* 128..255 */
    int32_t e;
    int32_t keep; /* bit r: row r is wanted; the others are drawn and dropped,
                     so that pruning changes no number. 0: one row */
} tp_random;

/* Trained scales of output channels (IA3): y = requantise(acc * (1 + t)), t in
 * units of 2^-13, 1 + t held within [2^-4, 4 - 2^-13]. */
typedef struct tp_rescale {
    int32_t n;         /* channels */
    int32_t pixels;    /* of the map, for the gradients */
    int32_t y_zp;      /* of the convolution's output, for dt */
    int32_t acc_shift; /* of one sample's dt before it is added */
    const int32_t *m;  /* [n] the base's requantisation, see tp_factor */
    const int8_t *s;   /* [n] */
} tp_rescale;

/* Activations inside a bottleneck. */
enum { TP_ACT_RELU = 0, TP_ACT_HARD_SWISH = 1 };

/* A bottleneck adapter, B act(A x), on each place of a map. conv has the sizes
 * (out_h * out_w places), rank (4, 8, 12 or 16), shift (of act(A x), to int16)
 * and the shifts of gradients; beside a layer also that layer, 1x1. */
typedef struct tp_bottleneck {
    tp_conv2d conv;
    int32_t x_zp;  /* of x, folded into conv's bias or not */
    int32_t act;   /* TP_ACT_... */
    tp_factor s_x; /* scale of x, for hard-swish */
} tp_bottleneck;

/* Weights of 4 or 2 bits to int8: value i is of rank i / stride % ranks. */
typedef struct tp_unpack {
    int32_t n;
    int32_t bits;          /* 4, 2 */
    int32_t ranks, stride; /* n is a multiple of their product */
} tp_unpack;

/* VeRA: the trained vectors that turn a frozen random matrix into weights. */
typedef struct tp_vera {
    int32_t out, rank;
} tp_vera;

/* A small network of random signs that makes weights from a code. The signs of
 * a row are the bits of one number of the generator. */
typedef struct tp_hyper {
    int32_t n; /* hidden: length of the code, 4..32; weights: their number */
    int32_t seed;
    int32_t shift;  /* 2^-shift is what keeps sums at the size of their terms */
    tp_factor unit; /* backward of the weights: gradient to real units */
} tp_hyper;

/* A sparse delta on the weights of a 1x1 layer, conv: `count` entries of
 * `width` weights that follow each other, 1 or a row. */
typedef struct tp_sparse {
    tp_conv2d conv;
    int32_t x_zp; /* of x, folded into conv's bias or not */
    int32_t count;
    int32_t width;
} tp_sparse;

/* A new last layer: logits z = s_x * W (x - x_zp) + b, int16 in 2^-8. */
typedef struct tp_head {
    int32_t in_c, classes;
    int32_t x_zp;
    tp_factor scale; /* s_x */
} tp_head;

/* A parameter and its gradient: real gradient = v * 2^e * unit. */
typedef struct tp_sgd {
    int32_t n;
    int32_t index;  /* of the parameter: each has random numbers of its own */
    tp_factor unit; /* online only */
} tp_sgd;

/* A head whose weights are spent on at once: tp_head and tp_sgd in one. */
typedef struct tp_head_sgd {
    int32_t in_c, classes;
    int32_t x_zp;
    int32_t index;  /* of the parameter, as in tp_sgd */
    tp_factor unit; /* s_x */
} tp_head_sgd;

/* Softmax and cross-entropy on logits. z_real = (z - zp) * scale. */
typedef struct tp_ce {
    int32_t n;
    int32_t zp;      /* 0 for int16 logits */
    tp_factor scale; /* int16 logits: 2^-8 */
    int32_t smooth;  /* 2^-20, in [0, 2^19]: share of the target that the
                        other classes divide among them */
} tp_ce;

/* Mean squared error in real units: mean((y - t)^2), t an int8 tensor with
 * the scale and zero point of y. */
typedef struct tp_mse {
    int32_t n;
    tp_factor loss; /* s_y^2 / n */
    int32_t q, e;   /* 2 s_y / n = q * 2^(e-15), q in [2^14, 2^15) */
} tp_mse;

#endif
