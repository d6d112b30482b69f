/* Operators that must be refused: each case breaks one thing in a sound op
 * and names the message that it must give; nothing may be written. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/imported.h"

typedef struct hostile {
    const char *name;
    void (*make)(tp_tb_model *m); /* gets tp_tb_small(); may start anew */
    tp_status status;
    const char *where, *what;
} hostile;

static const int8_t bytes[64] = {0};

/* A constant int8 tensor with one scale. */
static int const_s8(tp_tb_model *m, int rank, const int32_t *dim, float scale,
                    int zero_point) {
    const int at = tp_tb_value(m, "k", rank, dim, scale, zero_point);
    m->tensor[at].data = bytes;
    m->tensor[at].bytes = 1;
    for (int i = 0; i < rank; i++) {
        m->tensor[at].bytes *= (size_t)dim[i];
    }
    return at;
}

/* --- convolutions
 * ------------------------------------------------------------- */

static void stride_zero(tp_tb_model *m) {
    tp_tb_i32(&m->op[TP_TB_CONV], 2, 0);
}
static void dilation_zero(tp_tb_model *m) {
    tp_tb_i32(&m->op[TP_TB_CONV], 4, 0);
}
static void padding_unknown(tp_tb_model *m) {
    tp_tb_i8(&m->op[TP_TB_CONV], 0, 2);
}
static void padding_empties(tp_tb_model *m) {
    tp_tb_i8(&m->op[TP_TB_CONV], 0, 1);
    tp_tb_i32(&m->op[TP_TB_CONV], 4, 2);
}
static void padding_huge(tp_tb_model *m) {
    tp_tb_i32(&m->op[TP_TB_CONV], 4, INT32_MAX);
}
static void output_rows(tp_tb_model *m) {
    tp_tb_i32(&m->op[TP_TB_CONV], 2, 2);
}
static void activation_tanh(tp_tb_model *m) {
    tp_tb_i8(&m->op[TP_TB_CONV], 3, 4);
}
static void batch_two(tp_tb_model *m) {
    m->tensor[TP_TB_X].shape[0] = 2;
}
static void map_rank(tp_tb_model *m) {
    m->tensor[TP_TB_X].rank = 3;
}
static void groups(tp_tb_model *m) {
    m->tensor[TP_TB_W].shape[3] = 1;
    m->tensor[TP_TB_W].bytes = 27;
}
static void channels_differ(tp_tb_model *m) {
    m->tensor[TP_TB_X].shape[3] = 3;
}
static void output_channels(tp_tb_model *m) {
    m->tensor[TP_TB_Y].shape[3] = 4;
}
static void weights_rank(tp_tb_model *m) {
    m->tensor[TP_TB_W].rank = 3;
    m->tensor[TP_TB_W].shape[2] = 6;
}
static void weights_computed(tp_tb_model *m) {
    m->op[TP_TB_FC].in[1] = TP_TB_R;
    m->op[TP_TB_FC].n_in = 2;
    m->tensor[TP_TB_Z].shape[1] = m->tensor[TP_TB_S].shape[1] = 1;
}
static void weights_float(tp_tb_model *m) {
    m->tensor[TP_TB_FW].type = TP_TB_F32;
    m->tensor[TP_TB_FW].data = NULL;
}
static void weights_asymmetric(tp_tb_model *m) {
    m->tensor[TP_TB_FW].zero_point[0] = 3;
}
static void weights_axis(tp_tb_model *m) {
    m->tensor[TP_TB_W].axis = 1;
}
static void weights_without_scale(tp_tb_model *m) {
    m->tensor[TP_TB_FW].n_scales = 0;
}
static void bias_int64(tp_tb_model *m) {
    m->tensor[TP_TB_FB].type = TP_TB_I64;
    m->tensor[TP_TB_FB].shape[0] = 2;
    m->tensor[TP_TB_FB].zero_point[0] = 0;
}
static void bias_computed(tp_tb_model *m) {
    m->op[TP_TB_FC].in[2] = TP_TB_P;
}
static void bias_length(tp_tb_model *m) {
    m->tensor[TP_TB_FB].shape[0] = 3;
    m->tensor[TP_TB_FB].bytes = 12;
}
static void bias_without_scale(tp_tb_model *m) {
    m->tensor[TP_TB_FB].n_scales = 0;
}
static void bias_scale(tp_tb_model *m) {
    m->tensor[TP_TB_B].scale[2] *= 1.001f;
}
static void channel_overflows(tp_tb_model *m) {
    static const int32_t b[4] = {0, 0, -INT32_MAX + 100, 0};
    m->tensor[TP_TB_FB].data = b;
}
static void ratio_too_large(tp_tb_model *m) {
    m->tensor[TP_TB_Z].scale[0] = 1e-11f;
}
static void product_vanishes(tp_tb_model *m) {
    m->op[TP_TB_FC].n_in = 2;
    m->tensor[TP_TB_FW].scale[0] = 1e-38f;
    m->tensor[TP_TB_Z].scale[0] = 1e-38f;
}
static void shuffled_weights(tp_tb_model *m) {
    tp_tb_i8(&m->op[TP_TB_FC], 1, 1);
}
static void fc_input(tp_tb_model *m) {
    m->tensor[TP_TB_FW].shape[0] = 6;
    m->tensor[TP_TB_FW].shape[1] = 2;
}
static void fc_rank(tp_tb_model *m) {
    m->tensor[TP_TB_FW].rank = 1;
    m->tensor[TP_TB_FW].shape[0] = 12;
}
static void fc_output(tp_tb_model *m) {
    m->tensor[TP_TB_Z].shape[1] = 5;
}
static void products(tp_tb_model *m) {
    static const int8_t w[66312] = {0};
    tp_tb_op *op = tp_tb_single(m, 9, 8, 2, DIMS(1, 66312), 2, DIMS(1, 1));
    const int at = tp_tb_value(m, "w", 2, DIMS(1, 66312), 0.25f, 0);
    m->tensor[at].data = w;
    m->tensor[at].bytes = sizeof w;
    tp_tb_in(op, at);
}
/* DEPTHWISE_CONV_2D 1x1 with that multiplier and number of output channels */
static void depthwise(tp_tb_model *m, int multiplier, int channels) {
    tp_tb_op *op =
        tp_tb_single(m, 4, 2, 4, DIMS(1, 2, 2, 2), 4, DIMS(1, 2, 2, channels));
    tp_tb_in(op, const_s8(m, 4, DIMS(1, 1, 1, channels), 0.25f, 0));
    tp_tb_i32(op, 1, 1);
    tp_tb_i32(op, 2, 1);
    tp_tb_i32(op, 3, multiplier);
}
static void multiplier_zero(tp_tb_model *m) {
    depthwise(m, 0, 2);
}
static void multiplier_wrong(tp_tb_model *m) {
    depthwise(m, 2, 2);
}
static void depthwise_stride(tp_tb_model *m) {
    depthwise(m, 1, 2);
    tp_tb_i32(&m->op[0], 1, -1);
}
static void conv_of_uint8(tp_tb_model *m) {
    m->tensor[TP_TB_X].type = TP_TB_U8;
}
static void conv_of_channels(tp_tb_model *m) {
    m->tensor[TP_TB_Y].n_scales = m->tensor[TP_TB_Y].n_zero_points = 3;
    m->tensor[TP_TB_Y].axis = 3;
    for (int c = 0; c < 3; c++) {
        m->tensor[TP_TB_Y].scale[c] = 1.0f;
        m->tensor[TP_TB_Y].zero_point[c] = 0;
    }
}

/* --- pools, elementwise, functions
 * ------------------------------------------------- */

static void filter_zero(tp_tb_model *m) {
    tp_tb_i32(&m->op[TP_TB_POOL], 3, 0);
}
static void filter_huge(tp_tb_model *m) {
    tp_tb_i8(&m->op[TP_TB_POOL], 0, 0);
    tp_tb_i32(&m->op[TP_TB_POOL], 3, 1 << 23);
}
static void pool_channels(tp_tb_model *m) {
    m->tensor[TP_TB_P].shape[3] = 2;
}
static void pool_scale(tp_tb_model *m) {
    m->tensor[TP_TB_P].scale[0] = 0.5f;
}
static void pool_activation(tp_tb_model *m) {
    tp_tb_i8(&m->op[TP_TB_POOL], 5, -1);
}
static void add(tp_tb_model *m, int rank, const int32_t *dim, float scale) {
    tp_tb_op *op = tp_tb_single(m, 0, 11, 2, DIMS(2, 3), 2, DIMS(2, 3));
    tp_tb_in(op, const_s8(m, rank, dim, scale, 0));
}
static void no_broadcast(tp_tb_model *m) {
    add(m, 1, DIMS(2), 0.5f);
}
static void broadcast_output(tp_tb_model *m) {
    add(m, 3, DIMS(2, 1, 1), 0.5f);
}
static void add_scales(tp_tb_model *m) {
    add(m, 1, DIMS(3), 0.5f);
    m->tensor[1].scale[0] = 1e-7f;
}
static void add_inputs_apart(tp_tb_model *m) {
    add(m, 1, DIMS(3), 1e-11f);
}
static void mul_scales(tp_tb_model *m) {
    add(m, 1, DIMS(3), 0.5f);
    m->op[0].code = 18;
    m->op[0].options = 21;
    m->tensor[1].scale[0] = 1e-11f;
}
static void constants_only(tp_tb_model *m) {
    add(m, 1, DIMS(3), 0.5f);
    m->op[0].in[0] = const_s8(m, 2, DIMS(2, 3), 0.5f, 0);
}
static void mean(tp_tb_model *m, const int32_t *axis) {
    tp_tb_op *op = tp_tb_single(m, 40, 27, 2, DIMS(2, 3), 1, DIMS(2));
    tp_tb_in(op, tp_words(m, axis, 1));
}
static void mean_axis(tp_tb_model *m) {
    static const int32_t axis = 2;
    mean(m, &axis);
}
static void mean_shape(tp_tb_model *m) {
    static const int32_t axis = 0;
    mean(m, &axis);
}
static void mean_scales(tp_tb_model *m) {
    static const int32_t axis = 1;
    mean(m, &axis);
    m->tensor[0].scale[0] = 1e-11f;
}
static void mean_count(tp_tb_model *m) {
    static const int32_t axis = 1;
    mean(m, &axis);
    m->tensor[0].shape[1] = (1 << 23) + 1;
}
static void mean_axes_computed(tp_tb_model *m) {
    static const int32_t axis = 1;
    mean(m, &axis);
    m->op[0].in[1] = 0;
}
static void reduce_max(tp_tb_model *m) {
    static const int32_t axes[2] = {0, 2};
    tp_tb_op *op = tp_tb_single(m, 82, 27, 3, DIMS(2, 1, 4), 1, DIMS(1));
    tp_tb_in(op, tp_words(m, axes, 2));
    m->tensor[1].scale[0] = m->tensor[0].scale[0];
}
static void max_axes_apart(tp_tb_model *m) {
    reduce_max(m);
    m->tensor[0].shape[1] = 3;
}
static void max_count(tp_tb_model *m) {
    reduce_max(m);
    m->tensor[0].shape[2] = (1 << 22) + 1;
}
static void max_scale(tp_tb_model *m) {
    reduce_max(m);
    m->tensor[1].scale[0] *= 2;
}
static void max_shape(tp_tb_model *m) {
    reduce_max(m);
    m->tensor[1].shape[0] = 2;
}
static void beta_nan(tp_tb_model *m) {
    tp_tb_f32(&m->op[TP_TB_SOFTMAX], 0, NAN);
}
static void beta_tiny(tp_tb_model *m) {
    tp_tb_f32(&m->op[TP_TB_SOFTMAX], 0, 1e-9f);
}
static void softmax_scale(tp_tb_model *m) {
    m->tensor[TP_TB_S].scale[0] = 1.0f / 255;
}
static void softmax_zero_point(tp_tb_model *m) {
    m->tensor[TP_TB_S].zero_point[0] = -127;
}
static void softmax_shape(tp_tb_model *m) {
    m->tensor[TP_TB_S].shape[1] = 3;
}
static void softmax_scalar(tp_tb_model *m) {
    tp_tb_op *op = tp_tb_single(m, 25, 9, 0, NULL, 0, NULL);
    tp_tb_f32(op, 0, 1.0f);
}
static void lut(tp_tb_model *m, int code, float scale_x) {
    (void)tp_tb_single(m, code, code == 98 ? 75 : 0, 1, DIMS(4), 1, DIMS(4));
    m->tensor[0].scale[0] = scale_x;
}
static void relu_shape(tp_tb_model *m) {
    lut(m, 19, 0.5f);
    m->tensor[1].shape[0] = 3;
}
static void relu_ratio(tp_tb_model *m) {
    lut(m, 19, 1e-11f);
}
static void logistic_scale(tp_tb_model *m) {
    lut(m, 14, 0.5f);
}
static void tanh_input(tp_tb_model *m) {
    lut(m, 28, 2e9f);
    m->tensor[1].scale[0] = 1.0f / 128;
}
static void hard_swish_ratio(tp_tb_model *m) {
    lut(m, 117, 64.0f);
}
static void slope_nan(tp_tb_model *m) {
    lut(m, 98, 0.5f);
    tp_tb_f32(&m->op[0], 0, NAN);
}
static void slope_negative(tp_tb_model *m) {
    lut(m, 98, 0.5f);
    tp_tb_f32(&m->op[0], 0, -0.5f);
}

/* --- QUANTIZE, DEQUANTIZE
 * ------------------------------------------------------------- */

static void quantize_uint8_inside(tp_tb_model *m) {
    lut(m, 114, 0.5f);
    const int mid = tp_tb_value(m, "mid", 1, DIMS(4), 0.5f, 128);
    m->tensor[mid].type = TP_TB_U8;
    m->op[0].out[0] = mid;
    tp_tb_op *op = tp_tb_op_add(m, 114, 0);
    tp_tb_in(op, mid);
    tp_tb_out(op, 1);
}
static void quantize_without_scale(tp_tb_model *m) {
    lut(m, 114, 0.5f);
    m->tensor[0].n_scales = 0;
}
static void quantize_ratio(tp_tb_model *m) {
    lut(m, 114, 1e10f);
}
static void float_quantised_twice(tp_tb_model *m) {
    lut(m, 114, 0.5f);
    m->tensor[0].type = TP_TB_F32;
    m->op[1] = m->op[0];
    m->op[0].out[0] = tp_tb_value(m, "a", 1, DIMS(4), 0.5f, 0);
    m->op[1].out[0] = tp_tb_value(m, "b", 1, DIMS(4), 0.5f, 0);
    m->n_ops = 2;
    tp_tb_op *op = tp_tb_op_add(m, 0, 11);
    tp_tb_in(op, 2);
    tp_tb_in(op, 3);
    tp_tb_out(op, 1);
    tp_tb_i8(op, 0, 0);
}
static void float_to_uint8(tp_tb_model *m) {
    lut(m, 114, 0.5f);
    m->tensor[0].type = TP_TB_F32;
    m->tensor[1].type = TP_TB_U8;
}
static void nothing_between(tp_tb_model *m) {
    lut(m, 114, 0.5f);
    m->tensor[0].type = TP_TB_F32;
    const int out = tp_tb_tensor_add(m, "out", TP_TB_F32, 1, DIMS(4));
    tp_tb_op *op = tp_tb_op_add(m, 6, 38);
    tp_tb_in(op, 1);
    tp_tb_out(op, out);
    m->out[0] = out;
}
static void dequantize_inside(tp_tb_model *m) {
    lut(m, 6, 0.5f);
}
static void float_inside(tp_tb_model *m) {
    m->tensor[TP_TB_P].type = TP_TB_F32;
}

#define BAD TP_ERR_MALFORMED
#define NOT TP_ERR_UNSUPPORTED

static const hostile cases[] = {
    {"stride_zero", stride_zero, BAD,
     "op 0 CONV_2D: ", "rows: window 1, stride 0, dilation 1"},
    {"dilation_zero", dilation_zero, BAD,
     "op 0 CONV_2D: ", "columns: window 1, stride 1, dilation 0"},
    {"padding_unknown", padding_unknown, BAD, "op 0 CONV_2D: ", "padding 2"},
    {"padding_empties", padding_empties, BAD, "op 0 CONV_2D: ",
     "extent 5 does not fit a map of 4 without padding: the output is empty"},
    {"padding_huge", padding_huge, NOT, "op 0 CONV_2D: ", "padding of 2^31"},
    {"output_rows", output_rows, BAD,
     "op 0 CONV_2D: ", "makes 2 rows; the file's output has 4"},
    {"activation_tanh", activation_tanh, NOT,
     "op 0 CONV_2D: ", "fused activation 4; NONE, RELU"},
    {"batch_two", batch_two, NOT,
     "op 0 CONV_2D: ", "'x' has batch 2; batch 1 works"},
    {"map_rank", map_rank, BAD, "op 0 CONV_2D: ", "'x' has shape [1,4,4]"},
    {"groups", groups, NOT,
     "op 0 CONV_2D: ", "its weights take 1 of 2 channels: grouped"},
    {"channels_differ", channels_differ, BAD,
     "op 0 CONV_2D: ", "its weights take 2 channels; the input has 3"},
    {"output_channels", output_channels, BAD,
     "op 0 CONV_2D: ", "makes 3 channels; the file's output has 4"},
    {"weights_rank", weights_rank, BAD, "op 0 CONV_2D: ", "have rank 3"},
    {"weights_computed", weights_computed, NOT,
     "op 3 FULLY_CONNECTED: ", "its weights 'r' are computed at run time"},
    {"weights_float", weights_float, BAD,
     "op 3 FULLY_CONNECTED: ", "computes in floating point (1 such"},
    {"weights_asymmetric", weights_asymmetric, NOT,
     "op 3 FULLY_CONNECTED: ", "have zero point 3; 0 works"},
    {"weights_axis", weights_axis, NOT,
     "op 0 CONV_2D: ", "have 3 scales along dimension 1"},
    {"weights_without_scale", weights_without_scale, NOT,
     "op 3 FULLY_CONNECTED: ", "have 0 scales"},
    {"bias_int64", bias_int64, NOT, "op 3 FULLY_CONNECTED: ",
     "its bias 'fb' is INT64; an INT32 constant works"},
    {"bias_computed", bias_computed, NOT,
     "op 3 FULLY_CONNECTED: ", "its bias 'p' is computed at run time"},
    {"bias_length", bias_length, BAD,
     "op 3 FULLY_CONNECTED: ", "its bias 'fb' has 3 elements for 4 channels"},
    {"bias_without_scale", bias_without_scale, BAD,
     "op 3 FULLY_CONNECTED: ", "its bias 'fb' has 0 scales; 1 or 4 work"},
    {"bias_scale", bias_scale, BAD,
     "op 0 CONV_2D: ", "channel 2: its bias 'b' has scale 0.187"},
    {"channel_overflows", channel_overflows, NOT,
     "op 3 FULLY_CONNECTED: ", "channel 2: its sum can reach"},
    {"ratio_too_large", ratio_too_large, BAD, "op 3 FULLY_CONNECTED: ",
     "channel 0: the ratio of its scales is 1.25e+10, shift 34"},
    {"product_vanishes", product_vanishes, BAD,
     "op 3 FULLY_CONNECTED: ", "which float32 does not hold"},
    {"shuffled_weights", shuffled_weights, NOT,
     "op 3 FULLY_CONNECTED: ", "weights format 1"},
    {"fc_input", fc_input, BAD, "op 3 FULLY_CONNECTED: ",
     "its weights take 2 values; the input has shape [1,3]"},
    {"fc_rank", fc_rank, BAD, "op 3 FULLY_CONNECTED: ", "have rank 1"},
    {"fc_output", fc_output, BAD,
     "op 3 FULLY_CONNECTED: ", "makes shape [1,4]; the file says [1,5]"},
    {"products", products, NOT, "op 0 FULLY_CONNECTED: ",
     "each output sums 66312 products; at most 66311"},
    {"multiplier_zero", multiplier_zero, BAD,
     "op 0 DEPTHWISE_CONV_2D: ", "depth multiplier 0"},
    {"multiplier_wrong", multiplier_wrong, BAD, "op 0 DEPTHWISE_CONV_2D: ",
     "depth multiplier 2 with 2 input channels and weights [1,1,1,2]"},
    {"depthwise_stride", depthwise_stride, BAD,
     "op 0 DEPTHWISE_CONV_2D: ", "columns: window 1, stride -1"},
    {"conv_of_uint8", conv_of_uint8, NOT,
     "op 0 CONV_2D: ", "input 0, 'x', has type UINT8; int8 works"},
    {"conv_of_channels", conv_of_channels, BAD,
     "op 0 CONV_2D: ", "the output, 'y', has 3 scales; an activation has one"},

    {"filter_zero", filter_zero, BAD,
     "op 1 AVERAGE_POOL_2D: ", "columns: window 0"},
    {"filter_huge", filter_huge, NOT,
     "op 1 AVERAGE_POOL_2D: ", "2^23 places at most"},
    {"pool_channels", pool_channels, BAD,
     "op 1 AVERAGE_POOL_2D: ", "makes 3 channels; the file's output has 2"},
    {"pool_scale", pool_scale, NOT, "op 1 AVERAGE_POOL_2D: ",
     "'y' has scale 0.25 and zero point -128, 'p' 0.5 and -128"},
    {"pool_activation", pool_activation, NOT,
     "op 1 AVERAGE_POOL_2D: ", "fused activation -1"},
    {"no_broadcast", no_broadcast, BAD,
     "op 0 ADD: ", "shapes [2,3] and [2] do not broadcast"},
    {"broadcast_output", broadcast_output, BAD,
     "op 0 ADD: ", "makes shape [2,2,3]; the file says [2,3]"},
    {"add_scales", add_scales, NOT, "op 0 ADD: ", "below 2^19 works"},
    {"add_inputs_apart", add_inputs_apart, BAD,
     "op 0 ADD: ", "the ratio of its inputs' scales is 1e-11"},
    {"mul_scales", mul_scales, BAD,
     "op 0 MUL: ", "shift 35; shifts from -31 to 30 work"},
    {"constants_only", constants_only, NOT,
     "op 0 ADD: ", "both inputs are constants"},
    {"mean_axis", mean_axis, BAD,
     "op 0 MEAN: ", "axis 2 of a tensor of rank 2"},
    {"mean_shape", mean_shape, BAD,
     "op 0 MEAN: ", "makes shape [3]; the file says [2]"},
    {"mean_scales", mean_scales, BAD,
     "op 0 MEAN: ", "the ratio of its scales is 2e-11"},
    {"max_axes_apart", max_axes_apart, NOT,
     "op 0 REDUCE_MAX: ", "reduces axes of [2,3,4] with another between them"},
    {"max_count", max_count, NOT,
     "op 0 REDUCE_MAX: ", "reduces 8388610 values; 2^23 at most work"},
    {"max_scale", max_scale, NOT,
     "op 0 REDUCE_MAX: ", "they must be the same here"},
    {"max_shape", max_shape, BAD, "op 0 REDUCE_MAX: ", "makes shape [1]"},
    {"mean_count", mean_count, NOT, "op 0 MEAN: ", "averages 8388609 values"},
    {"mean_axes_computed", mean_axes_computed, NOT,
     "op 0 MEAN: ", "input 1 (axes) is computed at run time"},
    {"beta_nan", beta_nan, BAD, "op 4 SOFTMAX: ", "beta is"},
    {"beta_tiny", beta_tiny, NOT, "op 4 SOFTMAX: ", "above 2^-26 works"},
    {"softmax_scale", softmax_scale, NOT,
     "op 4 SOFTMAX: ", "its output has scale 0.00392156886"},
    {"softmax_zero_point", softmax_zero_point, NOT,
     "op 4 SOFTMAX: ", "zero point -127; 0.00390625 and -128 work"},
    {"softmax_shape", softmax_shape, BAD,
     "op 4 SOFTMAX: ", "makes shape [1,4]; the file says [1,3]"},
    {"softmax_scalar", softmax_scalar, BAD, "op 0 SOFTMAX: ", "of a scalar"},
    {"relu_shape", relu_shape, BAD,
     "op 0 RELU: ", "makes shape [4]; the file says [3]"},
    {"relu_ratio", relu_ratio, BAD,
     "op 0 RELU: ", "the ratio of its scales is 2e-11, shift -35"},
    {"logistic_scale", logistic_scale, NOT,
     "op 0 LOGISTIC: ", "0.00390625 and -128 work"},
    {"tanh_input", tanh_input, BAD,
     "op 0 TANH: ", "its input's scale is 2e+09"},
    {"hard_swish_ratio", hard_swish_ratio, NOT,
     "op 0 HARD_SWISH: ", "its input's scale is 128 times the output's"},
    {"slope_nan", slope_nan, NOT, "op 0 LEAKY_RELU: ", "from 0 to 1 works"},
    {"slope_negative", slope_negative, NOT, "op 0 LEAKY_RELU: ", "slope -0.5"},

    {"quantize_uint8_inside", quantize_uint8_inside, NOT,
     "op 0 QUANTIZE: ", "from INT8 to UINT8"},
    {"quantize_without_scale", quantize_without_scale, BAD,
     "op 0 QUANTIZE: ", "input 0, 'x', has 0 scales"},
    {"quantize_ratio", quantize_ratio, BAD,
     "op 0 QUANTIZE: ", "the ratio of its scales is 2e+10, shift 35"},
    {"float_quantised_twice", float_quantised_twice, NOT,
     "model: ", "is quantised 2 times; once works"},
    {"float_to_uint8", float_to_uint8, NOT,
     "tensor 1 'y': ", "has type UINT8; int8 works"},
    {"nothing_between", nothing_between, NOT,
     "model: ", "no operation computes its output"},
    {"dequantize_inside", dequantize_inside, NOT,
     "op 0 DEQUANTIZE: ", "works only where it makes the model's float output"},
    {"float_inside", float_inside, NOT,
     "op 1 AVERAGE_POOL_2D: ", "computes in floating point (2 such"},
};

enum { N_CASES = sizeof cases / sizeof cases[0] };

static void refused(void **state) {
    const hostile *c = *state;
    tp_tb_model m;
    tp_tb_small(&m);
    c->make(&m);
    (void)tp_refuse(&m, c->status, c->where, c->what);
}

int main(void) {
    struct CMUnitTest tests[N_CASES];
    hostile states[N_CASES];
    memcpy(states, cases, sizeof cases);
    for (int i = 0; i < N_CASES; i++) {
        tests[i] =
            (struct CMUnitTest){cases[i].name, refused, NULL, NULL, &states[i]};
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
