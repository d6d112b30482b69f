/* Shapes of convolutions, of what adapters put beside them, and of their
 * biases and factors. */
#include "bench/shapes_conv.h"

#include "compiler/ops/dsp_layout.h"
#include "compiler/ops/dw_strips.h"
#include "compiler/ops/scalar_layout.h"
#include "core/fixed.h"
#include "runtime/kernels/dsp/strip.h"
#include "runtime/kernels/scalar/stair.h"

enum { MOST_CHANNELS = 256 };

/* Arrays that descriptors point to: the same for every shape. */
static int32_t factor_m[MOST_CHANNELS];
static int8_t factor_s[MOST_CHANNELS];
static int8_t lora_s[MOST_CHANNELS];
static uint16_t bwd_q[MOST_CHANNELS];
static int8_t weights[1 << 18];

void bench_make_weights(void) {
    for (int i = 0; i < MOST_CHANNELS; i++) {
        factor_m[i] = (1 << 30) + i * 4000000;
        factor_s[i] = (int8_t)(-7 - i % 3);
        lora_s[i] = (int8_t)(2 + i % 3);
        bwd_q[i] = (uint16_t)(16385 + i * 64);
    }
    for (int i = 0; i < (int)sizeof weights; i++) {
        weights[i] = (int8_t)((i * 37) % 251 - 125);
    }
}

/* --- layers --------------------------------------------------------------- */

typedef struct conv_shape {
    int8_t in_h, in_w, k_h, k_w, stride, same;
    int16_t in_c, out_c;
} conv_shape;

/* Maps, windows and channels as real models have them, multiples of a tile and
 * odd numbers alike. */
static const conv_shape conv_shapes[] = {
    {25, 5, 1, 1, 1, 0, 64, 64},  {8, 8, 1, 1, 1, 0, 16, 32},
    {6, 6, 1, 1, 1, 0, 8, 7},     {1, 1, 1, 1, 1, 0, 128, 128},
    {1, 1, 1, 1, 1, 0, 64, 10},   {12, 12, 1, 1, 2, 0, 32, 48},
    {16, 16, 3, 3, 1, 1, 3, 16},  {12, 12, 3, 3, 1, 1, 16, 16},
    {12, 12, 3, 3, 2, 1, 16, 32}, {20, 10, 10, 4, 2, 1, 1, 64},
    {9, 9, 3, 3, 1, 0, 5, 6},     {7, 7, 1, 1, 1, 0, 40, 3},
    {24, 24, 3, 3, 2, 1, 3, 8},   {5, 5, 5, 5, 1, 1, 4, 9},
};

/* A depthwise shape has in_c channels and out_c times as many outputs. */
static const conv_shape depthwise_shapes[] = {
    {25, 5, 3, 3, 1, 1, 64, 1},  {12, 12, 3, 3, 1, 1, 16, 1},
    {12, 12, 3, 3, 2, 1, 32, 1}, {24, 24, 3, 3, 1, 1, 8, 1},
    {6, 6, 3, 3, 1, 1, 128, 1},  {8, 8, 5, 5, 1, 1, 16, 1},
    {12, 12, 3, 3, 1, 0, 20, 1}, {10, 10, 3, 3, 2, 1, 8, 2},
    {6, 6, 1, 1, 1, 0, 16, 1},   {3, 3, 3, 3, 1, 1, 250, 1},
    {16, 8, 2, 2, 1, 0, 16, 1},  {12, 12, 5, 3, 2, 1, 24, 1},
};

static int32_t out_of(int32_t in, int32_t k, int32_t stride, bool same) {
    return same ? (in + stride - 1) / stride : (in - k) / stride + 1;
}

/* Padding before the map, as SAME asks. */
static int32_t pad_of(int32_t in, int32_t k, int32_t stride, bool same) {
    const int32_t all = (out_of(in, k, stride, same) - 1) * stride + k - in;
    return same && all > 0 ? all / 2 : 0;
}

static tp_conv2d conv_of(const conv_shape *s) {
    return (tp_conv2d){.in_h = s->in_h,
                       .in_w = s->in_w,
                       .in_c = s->in_c,
                       .out_h = out_of(s->in_h, s->k_h, s->stride, s->same),
                       .out_w = out_of(s->in_w, s->k_w, s->stride, s->same),
                       .out_c = s->out_c,
                       .k_h = s->k_h,
                       .k_w = s->k_w,
                       .stride_h = s->stride,
                       .stride_w = s->stride,
                       .dil_h = 1,
                       .dil_w = 1,
                       .pad_t = pad_of(s->in_h, s->k_h, s->stride, s->same),
                       .pad_l = pad_of(s->in_w, s->k_w, s->stride, s->same),
                       .x_zp = -5,
                       .y_zp = -128,
                       .y_min = -128,
                       .y_max = 127,
                       .w = weights,
                       .m = factor_m,
                       .s = factor_s,
                       .bwd_q = bwd_q,
                       .lora_m = factor_m,
                       .lora_s = lora_s,
                       .shift = 6,
                       .acc_shift = 6,
                       .acc_shift_b = 6};
}

const void *bench_conv(int i) {
    static tp_conv2d op;
    if (i >= COUNT(conv_shapes)) {
        return NULL;
    }
    op = conv_of(&conv_shapes[i]);
    return &op;
}

/* What is in weights and channels is all the same to the kernel. */
const void *bench_conv_dsp(int i) {
    static tp_conv2d_dsp op;
    static const int32_t packed[20000];
    static const int32_t channels[MOST_CHANNELS * 4];
    if (i >= COUNT(conv_shapes)) {
        return NULL;
    }
    conv_shape s = conv_shapes[i];
    s.out_c = s.out_c < 4 ? 4 : s.out_c;
    const tp_conv2d conv = conv_of(&s);
    op = tp_conv_dsp_layout(&conv);
    op.plain = i % 3 != 2;
    op.limit = i % 5 == 4 ? 1 << 16 : 0;
    op.w = packed;
    op.channel = channels;
    tp_conv_dsp_choose(&op);
    return &op;
}

static const void *with_packed(const conv_shape *s) {
    static tp_conv2d_mve op;
    static const int8_t packed[40000];
    static const int32_t channels[MOST_CHANNELS * 4];
    op.conv = conv_of(s);
    op.conv.w = packed;
    op.channel = channels;
    return &op;
}

const void *bench_conv_mve(int i) {
    if (i >= COUNT(conv_shapes)) {
        return NULL;
    }
    conv_shape s = conv_shapes[i];
    s.out_c = s.out_c < 4 ? 4 : s.out_c;
    return with_packed(&s);
}

const void *bench_depthwise_mve(int i) {
    if (i >= COUNT(depthwise_shapes)) {
        return NULL;
    }
    conv_shape s = depthwise_shapes[i];
    s.out_c = s.in_c;
    return with_packed(&s);
}

/* What the weights are is all the same to the kernel. */
static const void *with_stairs(const conv_shape *s, bool stairs) {
    static tp_conv2d_scalar op;
    static int32_t channels[MOST_CHANNELS][TP_STAIR_WORDS];
    op = (tp_conv2d_scalar){.conv = conv_of(s), .channel = channels[0]};
    op.rows = tp_conv_scalar_rows(&op.conv);
    for (int32_t i = 0; i < MOST_CHANNELS; i++) {
        channels[i][TP_STAIR_TOP] = stairs ? 1 << 16 : -1;
        channels[i][TP_STAIR_M] = stairs ? 1 << 20 : factor_m[i];
        channels[i][TP_STAIR_R] = stairs ? 0 : factor_s[i];
    }
    return &op;
}

const void *bench_conv_scaled_scalar(int i) {
    return i < COUNT(conv_shapes) ? with_stairs(&conv_shapes[i], false) : NULL;
}

static const void *depthwise_scalar(int i, bool stairs) {
    if (i >= COUNT(depthwise_shapes)) {
        return NULL;
    }
    conv_shape s = depthwise_shapes[i];
    s.out_c = (int16_t)(s.in_c * s.out_c);
    return with_stairs(&s, stairs);
}

const void *bench_depthwise_scalar(int i) {
    return depthwise_scalar(i, i % 5 != 4);
}

const void *bench_depthwise_scaled_scalar(int i) {
    return depthwise_scalar(i, false);
}

/* The window of all is 3x3, and its stride 1. */
const void *bench_depthwise_bwd_scalar(int i) {
    static tp_conv2d_scalar op;
    if (i >= COUNT(depthwise_shapes)) {
        return NULL;
    }
    conv_shape s = depthwise_shapes[i];
    s.out_c = s.in_c;
    s.k_h = s.k_w = 3;
    s.stride = 1;
    op = *(const tp_conv2d_scalar *)with_stairs(&s, false);
    op.rows = tp_conv_scalar_rows(&(tp_conv2d){.out_h = op.conv.in_h,
                                               .out_w = op.conv.in_w,
                                               .stride_h = 1,
                                               .stride_w = 1,
                                               .k_h = 3,
                                               .k_w = 3});
    return &op;
}

const void *bench_conv_scalar(int i) {
    return i < COUNT(conv_shapes) ? with_stairs(&conv_shapes[i], i % 3 != 2)
                                  : NULL;
}

const void *bench_conv_scaled_dsp(int i) {
    static tp_conv2d_dsp op;
    const tp_conv2d_dsp *plain = bench_conv_dsp(i);
    if (plain == NULL) {
        return NULL;
    }
    op = *plain;
    op.limit = 1 << 16;
    return &op;
}

const void *bench_depthwise(int i) {
    static tp_conv2d op;
    if (i >= COUNT(depthwise_shapes)) {
        return NULL;
    }
    conv_shape s = depthwise_shapes[i];
    s.out_c = (int16_t)(s.in_c * s.out_c);
    op = conv_of(&s);
    return &op;
}

static int32_t dw_records[6000];

/* What is in the channels' records is all the same to the kernel, but for how
 * the weights are scaled where factors are trained: as the base's, most often.
 */
static void scale_records(const tp_conv2d *conv) {
    const int32_t words = conv->k_h * tp_max32(conv->k_w - 1, 1) + 3;
    for (int32_t c = 0; c < conv->out_c; c++) {
        dw_records[(c + 1) * words - 2] = TP_STRIP_SHIFT + 1 + factor_s[c];
    }
}

static const void *depthwise_dsp(int i, bool gradient) {
    static tp_dwconv2d_dsp op;
    static int32_t strips[16 * TP_DW_STRIP];
    if (i >= COUNT(depthwise_shapes)) {
        return NULL;
    }
    conv_shape s = depthwise_shapes[i];
    s.out_c = s.in_c;
    s.k_h = s.k_w = 3; /* no other window has strips */
    s.stride = gradient ? 1 : s.stride;
    const tp_conv2d conv = conv_of(&s);
    const tp_dw_map map = {.conv = conv, .gradient = gradient};
    op = (tp_dwconv2d_dsp){
        .conv = conv, .plain = 1, .strip = strips, .channel = dw_records};
    tp_dw_lay_out(&map, strips, &op);
    return &op;
}

const void *bench_depthwise_dsp(int i) {
    return depthwise_dsp(i, false);
}

const void *bench_depthwise_scaled_dsp(int i) {
    static tp_dwconv2d_dsp op;
    const tp_dwconv2d_dsp *whole = depthwise_dsp(i, false);
    if (whole == NULL) {
        return NULL;
    }
    op = *whole;
    op.limit = 1 << 16;
    scale_records(&op.conv);
    return &op;
}

const void *bench_depthwise_bwd_dsp(int i) {
    return depthwise_dsp(i, true);
}

/* With its multiplier, and not always padded. */
const void *bench_depthwise_any(int i) {
    static tp_dwconv2d_any op;
    static const int32_t packed[8000];
    static const int32_t channels[1200];
    const tp_conv2d *conv = bench_depthwise(i);
    if (conv == NULL) {
        return NULL;
    }
    op = (tp_dwconv2d_any){.conv = *conv,
                           .padded = depthwise_shapes[i].same,
                           .w = packed,
                           .channel = channels};
    return &op;
}

const void *bench_depthwise_any_scaled(int i) {
    static tp_dwconv2d_any op;
    const tp_dwconv2d_any *plain = bench_depthwise_any(i);
    if (plain == NULL) {
        return NULL;
    }
    op = *plain;
    op.limit = 1 << 29;
    return &op;
}

static const int32_t ranks[] = {4, 1, 8, 2, 16};

/* The layer with a branch. */
const void *bench_lora(int i) {
    static tp_conv2d op;
    if (bench_conv(i) == NULL) {
        return NULL;
    }
    op = conv_of(&conv_shapes[i]);
    op.rank = ranks[i % COUNT(ranks)];
    return &op;
}

const void *bench_lora_scalar(int i) {
    static tp_conv2d_scalar op;
    const tp_conv2d_scalar *plain = bench_conv_scalar(i);
    if (plain == NULL) {
        return NULL;
    }
    op = *plain;
    op.conv.rank = ranks[i % COUNT(ranks)];
    return &op;
}

/* A of a branch: a convolution to `rank` channels. */
const void *bench_lora_a(int i) {
    static tp_conv2d op;
    if (bench_conv(i) == NULL) {
        return NULL;
    }
    op = conv_of(&conv_shapes[i]);
    op.out_c = ranks[i % COUNT(ranks)];
    return &op;
}

/* Channels of the layer, the branch's rank; without w behind the layer. */
static const int32_t branches[][4] = {
    {125, 64, 64, 4}, {64, 16, 32, 8}, {1, 128, 128, 4}, {36, 24, 40, 12},
    {9, 250, 64, 16}, {144, 8, 8, 4},  {49, 33, 10, 4},  {16, 96, 96, 8}};

/* The same for the kernels of an instruction set, in multiples of `step`
 * channels. */
static const tp_conv2d *branch_of(int i, int32_t in_step, int32_t out_step) {
    static tp_conv2d op;
    if (i >= COUNT(branches)) {
        return NULL;
    }
    const int32_t *b = branches[i];
    op = conv_of(&(conv_shape){.in_h = 1,
                               .in_w = 1,
                               .k_h = 1,
                               .k_w = 1,
                               .stride = 1,
                               .in_c = (int16_t)(b[1] / in_step * in_step),
                               .out_c = (int16_t)(b[2] / out_step * out_step)});
    op.in_h = op.out_h = b[0];
    op.rank = b[3];
    return &op;
}

const void *bench_lora_dsp(int i) {
    static tp_conv2d_dsp op;
    const tp_conv2d_dsp *plain = bench_conv_dsp(i);
    if (plain == NULL) {
        return NULL;
    }
    op = *plain;
    op.limit = 0;
    op.conv.rank = i % 3 == 2 ? 1 + i % 2 : 4;
    tp_conv_dsp_choose(&op);
    return &op;
}

/* Inputs, outputs; every other one with a trained bias. */
static const int32_t large[][2] = {{640, 8},  {260, 64}, {512, 33}, {300, 12},
                                   {400, 40}, {640, 4},  {288, 20}, {1024, 16}};

const void *bench_fc_dsp(int i) {
    static tp_conv2d_dsp op;
    static const int32_t packed[20000];
    static const int32_t channels[MOST_CHANNELS * 4];
    if (i >= COUNT(large)) {
        return NULL;
    }
    const tp_conv2d d = conv_of(&(conv_shape){.in_h = 1,
                                              .in_w = 1,
                                              .k_h = 1,
                                              .k_w = 1,
                                              .stride = 1,
                                              .in_c = (int16_t)large[i][0],
                                              .out_c = (int16_t)large[i][1]});
    op = tp_conv_dsp_layout(&d);
    op.plain = i % 3 != 1;
    op.bytes = 1;
    op.limit = i % 2 == 1 ? 1 << 16 : 0;
    op.w = packed;
    op.channel = channels;
    tp_conv_dsp_choose(&op);
    return &op;
}

/* 1x1 layers whose sums are short enough for u to be made in the same step,
 * each with a few ranks. */
const void *bench_lora_u_dsp(int i) {
    static tp_conv2d_dsp op;
    static const int32_t packed[20000];
    static const int32_t channels[MOST_CHANNELS * 4];
    static const int32_t some[] = {4, 8, 2};
    const tp_conv2d *conv = branch_of(i / COUNT(some), 4, 1);
    if (conv == NULL) {
        return NULL;
    }
    tp_conv2d d = *conv;
    d.in_c = tp_min32(d.in_c, 128);
    d.out_c = tp_max32(d.out_c, 4);
    d.rank = some[i % COUNT(some)];
    d.shift = 8;
    op = tp_conv_dsp_layout(&d);
    op.plain = i % 5 != 1;
    op.w = packed;
    op.channel = channels;
    tp_conv_dsp_choose(&op);
    return &op;
}

const void *bench_bwd_dsp(int i) {
    static tp_conv2d_dsp op;
    static const int32_t packed[20000];
    static const int32_t scales[MOST_CHANNELS];
    const tp_conv2d *conv = branch_of(i, 1, 1);
    if (conv == NULL) {
        return NULL;
    }
    op = (tp_conv2d_dsp){.conv = *conv,
                         .pairs = (conv->out_c + 3) / 4 * 2,
                         .direct = conv->out_c % 4 == 0,
                         .w = packed,
                         .channel = scales};
    op.conv.rank = 0;
    return &op;
}

const void *bench_lora_bwd_dsp(int i) {
    static tp_conv2d_dsp op;
    const tp_conv2d_dsp *plain = bench_bwd_dsp(i);
    if (plain == NULL) {
        return NULL;
    }
    op = *plain;
    op.conv.rank = i % 3 == 2 ? 1 + i % 2 : 4;
    op.sums = tp_dsp_sums_branch1;
    return &op;
}

const void *bench_u_dsp(int i) {
    static tp_conv2d op;
    if (branch_of(i, 4, 1) == NULL) {
        return NULL;
    }
    op = *branch_of(i, 4, 1);
    op.out_c = i % 4 == 3 ? op.rank - 1 : op.rank;
    return &op;
}

const void *bench_du_dsp(int i) {
    static tp_conv2d op;
    if (branch_of(i, 1, 4) == NULL) {
        return NULL;
    }
    op = *branch_of(i, 1, 4);
    op.rank -= i % 4 == 3;
    return &op;
}

const void *bench_db_dsp(int i) {
    static tp_conv2d op;
    if (branch_of(i, 1, 2) == NULL) {
        return NULL;
    }
    op = *branch_of(i, 1, 2);
    return &op;
}

const void *bench_dw_dsp(int i) {
    static tp_conv2d op;
    if (branch_of(i, 2, 1) == NULL) {
        return NULL;
    }
    op = *branch_of(i, 2, 1);
    op.out_c = op.rank;
    return &op;
}

const void *bench_bottleneck(int i) {
    static tp_bottleneck op;
    if (i >= COUNT(branches)) {
        return NULL;
    }
    const int32_t *b = branches[i];
    op = (tp_bottleneck){.conv = conv_of(&(conv_shape){.in_h = 1,
                                                       .in_w = 1,
                                                       .k_h = 1,
                                                       .k_w = 1,
                                                       .stride = 1,
                                                       .in_c = (int16_t)b[1],
                                                       .out_c = (int16_t)b[2]}),
                         .x_zp = -128,
                         .act = TP_ACT_RELU,
                         .s_x = {1 << 30, -5}};
    op.conv.in_h = op.conv.out_h = b[0];
    op.conv.rank = b[3];
    return &op;
}

const void *bench_serial(int i) {
    static tp_bottleneck op;
    const tp_bottleneck *parallel = bench_bottleneck(i);
    if (parallel == NULL) {
        return NULL;
    }
    op = *parallel;
    op.conv.w = NULL;
    op.conv.out_c = op.conv.in_c;
    return &op;
}

/* Every 16th weight, or every 16th row: kernels.c has their places. */
const void *bench_sparse(int i) {
    static tp_sparse op;
    const tp_bottleneck *layer = bench_bottleneck(i / 2);
    if (layer == NULL) {
        return NULL;
    }
    const int32_t in_c = layer->conv.in_c;
    const int32_t width = i % 2 == 1 ? in_c : 1;
    op = (tp_sparse){.conv = layer->conv, .x_zp = -128, .width = width};
    op.count = (in_c * op.conv.out_c / width + 15) / 16;
    return &op;
}

/* --- biases and factors --------------------------------------------------- */

const int32_t bench_maps[BENCH_MAPS][2] = {{125, 64}, {36, 128}, {1, 10},
                                           {576, 8},  {16, 20},  {2304, 3}};

const void *bench_bias(int i) {
    static tp_bias op;
    if (i >= BENCH_MAPS) {
        return NULL;
    }
    op = (tp_bias){.n = bench_maps[i][1],
                   .pixels = bench_maps[i][0],
                   .m = factor_m,
                   .s = lora_s};
    return &op;
}

const void *bench_rescale(int i) {
    static tp_rescale op;
    if (i >= BENCH_MAPS) {
        return NULL;
    }
    op = (tp_rescale){.n = bench_maps[i][1],
                      .pixels = bench_maps[i][0],
                      .y_zp = -128,
                      .acc_shift = 6,
                      .m = factor_m,
                      .s = factor_s};
    return &op;
}
