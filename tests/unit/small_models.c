#include "tests/unit/small_models.h"

typedef enum activation { LINEAR, RELU, RELU6 } activation;

static void input(tp_maker *m, tp_tensor shape) {
    const float scale = 0.02F;
    shape.dtype = TP_S8;
    shape.role = TP_INPUT;
    shape.quant.zero_point = 7;
    tp_maker_scales(m, &shape, &scale, 1);
    m->x = tp_maker_tensor(m, shape, "", 74.0 * 0.02);
    m->graph.input = m->x;
}

/* Output and range of an op with a fused activation; all codes above 0 where
 * it has one. */
static int output(tp_maker *m, tp_tensor shape, activation act, int range[2]) {
    const double rms = m->rms[m->x];
    range[0] = -128;
    range[1] = 127;
    if (act == LINEAR) {
        return tp_maker_fresh(m, shape, 1.5 * rms);
    }
    const double scale = act == RELU6 ? 6.0 / 230.0 : rms / 75.0;
    range[1] = act == RELU6 ? -128 + 230 : 127;
    return tp_maker_value(m, shape, scale, -128, 0.7 * rms);
}

/* k x k, SAME padding; `depth`: depthwise. */
static void window(tp_maker *m, int32_t out_c, int32_t k, int32_t stride,
                   activation act, bool depth) {
    const tp_tensor x = *current(m);
    const int32_t pad = (k - 1) / 2;
    const tp_window h = {.k = k,
                         .stride = stride,
                         .before = pad,
                         .after = pad,
                         .out = (x.dim[1] + 2 * pad - k) / stride + 1};
    int in[3] = {m->x, -1, -1};
    int range[2];
    tp_maker_weights(
        m, depth ? shape4(1, k, k, out_c) : shape4(out_c, k, k, x.dim[3]),
        depth ? 3 : 0, (int)(k * k * (depth ? 1 : x.dim[3])), in);
    const int y = output(m, shape4(1, h.out, h.out, out_c), act, range);
    tp_op *op = tp_maker_op(m, depth ? TP_OP_DEPTHWISE_CONV_2D : TP_OP_CONV_2D,
                            in, 3, y);
    set_window(op, h, h);
    set_range(op, range);
    op->attr.dilation_h = op->attr.dilation_w = 1;
}

static void conv(tp_maker *m, int32_t out_c, int32_t k, int32_t stride,
                 activation act) {
    window(m, out_c, k, stride, act, false);
}

static void dwconv(tp_maker *m, activation act) {
    window(m, current(m)->dim[3], 3, 1, act, true);
}

static void fc(tp_maker *m, int32_t out_c, activation act) {
    const int32_t in_c = (int32_t)tp_tensor_count(current(m));
    int in[3] = {m->x, -1, -1};
    int range[2];
    tp_maker_weights(m, (tp_tensor){.rank = 2, .dim = {out_c, in_c}}, 0,
                     (int)in_c, in);
    const int y =
        output(m, (tp_tensor){.rank = 2, .dim = {1, out_c}}, act, range);
    set_range(tp_maker_op(m, TP_OP_FULLY_CONNECTED, in, 3, y), range);
}

static void pool(tp_maker *m, tp_kind kind, int32_t k, int32_t stride) {
    const tp_tensor x = *current(m);
    const tp_window h = {.stride = stride};
    const int32_t out = (x.dim[1] - k) / stride + 1;
    tp_op *op =
        unary(m, kind, tp_maker_alike(m, shape4(1, out, out, x.dim[3]), m->x));
    set_window(op, h, h);
    op->attr.k_h = op->attr.k_w = k;
}

static void mean(tp_maker *m) {
    const int32_t c = current(m)->dim[3];
    const int y = tp_maker_fresh(m, (tp_tensor){.rank = 2, .dim = {1, c}},
                                 0.6 * m->rms[m->x]);
    tp_op *op = unary(m, TP_OP_MEAN, y);
    op->attr.n_list = 2;
    op->attr.list[0] = 1;
    op->attr.list[1] = 2;
}

static void function(tp_maker *m, tp_kind kind, double scale, int32_t zero) {
    const int y =
        tp_maker_value(m, *current(m), scale, zero, 0.7 * m->rms[m->x]);
    unary(m, kind, y)->attr.alpha = kind == TP_OP_SOFTMAX ? 1.0F : 0.25F;
}

static void binary(tp_maker *m, tp_kind kind, int a, activation act) {
    const int in[2] = {a, m->x};
    int range[2];
    const int y = output(m, *at(m, a), act, range);
    set_range(tp_maker_op(m, kind, in, 2, y), range);
}

static void softmax(tp_maker *m) {
    function(m, TP_OP_SOFTMAX, 1.0 / 256.0, -128);
}

void tp_small_mobile(tp_maker *m) {
    input(m, shape4(1, 9, 9, 3));
    conv(m, 6, 3, 2, RELU);
    dwconv(m, RELU);
    conv(m, 8, 1, 1, RELU6);
    pool(m, TP_OP_AVERAGE_POOL_2D, 5, 1);
    fc(m, 5, LINEAR);
    softmax(m);
}

void tp_small_residual(tp_maker *m) {
    input(m, shape4(1, 9, 9, 2));
    conv(m, 6, 3, 2, RELU);
    const int trunk = m->x;
    conv(m, 6, 1, 1, RELU);
    conv(m, 6, 3, 1, LINEAR);
    binary(m, TP_OP_ADD, trunk, RELU);
    mean(m);
    fc(m, 4, LINEAR);
}

void tp_small_concat(tp_maker *m) {
    input(m, shape4(1, 6, 6, 3));
    conv(m, 4, 3, 1, RELU);
    const int trunk = m->x;
    conv(m, 3, 1, 1, RELU);
    const int left = m->x;
    m->x = trunk;
    conv(m, 5, 3, 1, RELU);
    const tp_tensor wide = *current(m);
    tp_tensor both = *at(m, left);
    const int in[2] = {
        left, tp_maker_alike(m, wide, left)}; /* the scale of the other */
    m->graph.op[m->graph.n_ops - 1].out = in[1];
    both.dim[3] += wide.dim[3];
    const int y = tp_maker_alike(m, both, left);
    tp_maker_op(m, TP_OP_CONCATENATION, in, 2, y)->attr.axis = 3;
    pool(m, TP_OP_MAX_POOL_2D, 2, 2);
    fc(m, 4, LINEAR);
    softmax(m);
}

/* A squeeze-and-excitation gate: broadcast product of two branches. */
void tp_small_gate(tp_maker *m) {
    input(m, shape4(1, 9, 9, 2));
    conv(m, 6, 3, 2, RELU);
    const int trunk = m->x;
    mean(m);
    fc(m, 6, LINEAR);
    function(m, TP_OP_LOGISTIC, 1.0 / 256.0, -128);
    (void)unary(m, TP_OP_RESHAPE, tp_maker_alike(m, shape4(1, 1, 1, 6), m->x));
    m->rms[m->x] = m->rms[trunk] * 0.6;
    binary(m, TP_OP_MUL, trunk, LINEAR);
    pool(m, TP_OP_MAX_POOL_2D, 3, 1);
    fc(m, 4, LINEAR);
}

void tp_small_smooth(tp_maker *m) {
    input(m, (tp_tensor){.rank = 2, .dim = {1, 12}});
    fc(m, 10, LINEAR);
    function(m, TP_OP_LEAKY_RELU, m->rms[m->x] / 50.0, -60);
    fc(m, 9, LINEAR);
    function(m, TP_OP_HARD_SWISH, m->rms[m->x] / 70.0, -100);
    fc(m, 8, LINEAR);
    function(m, TP_OP_TANH, 1.0 / 128.0, 0);
    fc(m, 4, LINEAR);
    softmax(m);
}

void tp_small_autoencoder(tp_maker *m) {
    input(m, (tp_tensor){.rank = 2, .dim = {1, 16}});
    fc(m, 12, RELU);
    fc(m, 6, RELU);
    fc(m, 12, RELU);
    fc(m, 16, LINEAR);
}

/* The same values with the zero point of uint8. */
static void to_uint8(tp_maker *m) {
    tp_tensor t = *current(m);
    const float scale = tp_scale_of(&t, 0);
    t.dtype = TP_U8;
    t.role = TP_VALUE;
    t.quant.zero_point += 128;
    tp_maker_scales(m, &t, &scale, 1);
    (void)unary(m, TP_OP_QUANTIZE, tp_maker_tensor(m, t, "", m->rms[m->x]));
    m->graph.io_out = TP_U8;
}

void tp_small_uint8(tp_maker *m) {
    tp_small_smooth(m);
    to_uint8(m);
}

void tp_small_uint8_autoencoder(tp_maker *m) {
    tp_small_autoencoder(m);
    to_uint8(m);
}
