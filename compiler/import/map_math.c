/* Elementwise operations, pools, MEAN, SOFTMAX, activations, requantisation.
 * The ranges of the scales are those in which TensorFlow Lite Micro's
 * fixed-point forms exist. */
#include "compiler/import/map.h"

#include <math.h>

static double scale_of(const tp_tfl_tensor *t) {
    return (double)t->scale[0];
}

/* --- ADD, SUB, MUL -----------------------------------------------------------
 */

/* Shapes align at the last axis; an axis of 1 is repeated. */
static bool broadcast(tp_tfl_model *m, tp_tfl_op *op) {
    const tp_tfl_tensor *a = tp_tfl_in(m, op, 0), *b = tp_tfl_in(m, op, 1);
    const int rank = a->rank > b->rank ? a->rank : b->rank;
    int32_t dim[TP_MAX_RANK];
    for (int i = 0; i < rank; i++) {
        const int i_a = i - (rank - a->rank), i_b = i - (rank - b->rank);
        const int32_t d_a = i_a < 0 ? 1 : a->dim[i_a];
        const int32_t d_b = i_b < 0 ? 1 : b->dim[i_b];
        if (d_a != d_b && d_a != 1 && d_b != 1) {
            tp_tfl_op_fail(m, op, TP_ERR_MALFORMED,
                           "shapes %s and %s do not broadcast",
                           tp_tfl_dims(m, a->dim, a->rank),
                           tp_tfl_dims(m, b->dim, b->rank));
            return false;
        }
        dim[i] = d_a > d_b ? d_a : d_b;
    }
    return tp_tfl_expect_shape(m, op, dim, rank);
}

static void check_eltwise_scales(tp_tfl_model *m, tp_tfl_op *op) {
    const double a = scale_of(tp_tfl_in(m, op, 0));
    const double b = scale_of(tp_tfl_in(m, op, 1));
    const double y = scale_of(tp_tfl_out(m, op));
    if (op->kind == TP_OP_MUL) {
        (void)tp_tfl_factor(m, op, a * b / y, "the ratio of its scales");
        return;
    }
    const double widest = 2 * (a > b ? a : b);
    const double out = widest / (1048576.0 * y); /* inputs are shifted by 20 */
    if (tp_tfl_factor(m, op, (a < b ? a : b) / widest,
                      "the ratio of its inputs' scales") &&
        tp_tfl_factor(m, op, out, "the ratio of its scales / 2^20") &&
        out >= 1) {
        tp_tfl_op_fail(m, op, TP_ERR_UNSUPPORTED,
                       "its inputs' scale is %g times the output's; below "
                       "2^19 works",
                       widest / 2 / y);
    }
}

void tp_tfl_map_eltwise(tp_tfl_model *m, tp_tfl_op *op) {
    const int32_t fused = tp_span_i8(&m->span, &op->options, 0, 0);
    op->n_data = 2;
    op->kind = op->code == TP_TFL_ADD   ? TP_OP_ADD
               : op->code == TP_TFL_SUB ? TP_OP_SUB
                                        : TP_OP_MUL;
    if (!tp_tfl_activation_known(m, op, fused) ||
        !tp_tfl_operands_sound(m, op)) {
        return;
    }
    const bool a = tp_tfl_is_byte(m, op, tp_tfl_in(m, op, 0), "input 0");
    const bool b = tp_tfl_is_byte(m, op, tp_tfl_in(m, op, 1), "input 1");
    const bool y = tp_tfl_is_byte(m, op, tp_tfl_out(m, op), "the output");
    if (tp_tfl_in(m, op, 0)->data != NULL &&
        tp_tfl_in(m, op, 1)->data != NULL) {
        tp_tfl_op_fail(m, op, TP_ERR_UNSUPPORTED,
                       "both inputs are constants; fold them when converting");
    }
    if (a && b && y && broadcast(m, op)) {
        check_eltwise_scales(m, op);
        tp_tfl_activation(m, op, fused);
    }
}

/* --- pools, MEAN, REDUCE_MAX
 * --------------------------------------------------- */

void tp_tfl_map_pool(tp_tfl_model *m, tp_tfl_op *op) {
    tp_span *s = &m->span;
    const tp_table *o = &op->options;
    const tp_tfl_window win = {
        .padding = tp_span_i8(s, o, 0, 0),
        .k = {tp_span_i32(s, o, 4, 0), tp_span_i32(s, o, 3, 0)},
        .stride = {tp_span_i32(s, o, 2, 0), tp_span_i32(s, o, 1, 0)},
        .dilation = {1, 1}};
    const int32_t fused = tp_span_i8(s, o, 5, 0);
    op->kind = op->code == TP_TFL_MAX_POOL_2D ? TP_OP_MAX_POOL_2D
                                              : TP_OP_AVERAGE_POOL_2D;
    op->attr.k_h = win.k[0];
    op->attr.k_w = win.k[1];
    const bool known = tp_tfl_activation_known(m, op, fused);
    const bool sound = tp_tfl_window_sound(m, op, &win);
    if (!known || !sound || !tp_tfl_operands_sound(m, op) ||
        !tp_tfl_unary(m, op)) {
        return;
    }
    const tp_tfl_tensor *x = tp_tfl_in(m, op, 0), *y = tp_tfl_out(m, op);
    if (!tp_tfl_is_map(m, op, x) || !tp_tfl_is_map(m, op, y)) {
        return;
    }
    if (x->dim[3] != y->dim[3]) {
        tp_tfl_op_fail(m, op, TP_ERR_MALFORMED,
                       "makes %d channels; the file's output has %d",
                       (int)x->dim[3], (int)y->dim[3]);
    }
    /* the average's sum: 128 * 2^23 < 2^31 */
    if ((int64_t)win.k[0] * win.k[1] > 1 << 23) {
        tp_tfl_op_fail(m, op, TP_ERR_UNSUPPORTED,
                       "a window of %d x %d; 2^23 places at most work",
                       (int)win.k[0], (int)win.k[1]);
    }
    (void)tp_tfl_same_quant(m, op, x, y);
    (void)tp_tfl_window_fit(m, op, &win);
    tp_tfl_activation(m, op, fused);
}

/* Marks the axes in reduced[]; false: reported. */
static bool reduced_axes(tp_tfl_model *m, tp_tfl_op *op, bool *reduced) {
    int32_t axis[4 * TP_MAX_RANK];
    const int32_t rank = tp_tfl_in(m, op, 0)->rank;
    const int n = tp_tfl_const_i32(m, op, 1, "axes", axis, 4 * TP_MAX_RANK);
    for (int i = 0; i < n; i++) {
        if (axis[i] < -rank || axis[i] >= rank) {
            tp_tfl_op_fail(m, op, TP_ERR_MALFORMED,
                           "axis %d of a tensor of rank %d", (int)axis[i],
                           (int)rank);
            return false;
        }
        reduced[axis[i] < 0 ? axis[i] + rank : axis[i]] = true;
    }
    return n >= 0;
}

static bool expect_reduced(tp_tfl_model *m, tp_tfl_op *op,
                           const bool *reduced) {
    const bool keep = tp_span_bool(&m->span, &op->options, 0);
    const tp_tfl_tensor *x = tp_tfl_in(m, op, 0);
    int32_t dim[TP_MAX_RANK];
    int rank = 0;
    for (int i = 0; i < x->rank; i++) {
        if (!reduced[i] || keep) {
            dim[rank++] = reduced[i] ? 1 : x->dim[i];
        }
    }
    return tp_tfl_expect_shape(m, op, dim, rank);
}

void tp_tfl_map_mean(tp_tfl_model *m, tp_tfl_op *op) {
    bool reduced[TP_MAX_RANK] = {false};
    int64_t count = 1;
    op->kind = TP_OP_MEAN;
    if (!tp_tfl_operands_sound(m, op) || !tp_tfl_unary(m, op) ||
        !reduced_axes(m, op, reduced)) {
        return;
    }
    const tp_tfl_tensor *x = tp_tfl_in(m, op, 0), *y = tp_tfl_out(m, op);
    for (int i = 0; i < x->rank; i++) {
        if (reduced[i]) {
            op->attr.list[op->attr.n_list++] = i;
            count *= x->dim[i];
        }
    }
    /* the sum of x - zero point: 255 * 2^23 < 2^31 */
    if (count > 1 << 23) {
        tp_tfl_op_fail(m, op, TP_ERR_UNSUPPORTED,
                       "averages %lld values; 2^23 at most work",
                       (long long)count);
    }
    (void)expect_reduced(m, op, reduced);
    (void)tp_tfl_factor(m, op, scale_of(x) / scale_of(y),
                        "the ratio of its scales");
}

/* x as [1, outer, reduced, inner]: axes of 1 are passed over; false: the
 * reduced ones do not follow each other. */
static bool reduced_map(const tp_tfl_tensor *x, const bool *reduced,
                        int32_t map[4]) {
    int at = 1;
    map[0] = map[1] = map[2] = map[3] = 1;
    for (int i = 0; i < x->rank; i++) {
        if (x->dim[i] == 1) {
            continue;
        }
        if (reduced[i] && at == 3) {
            return false;
        }
        at = reduced[i] ? 2 : at == 1 ? 1 : 3;
        map[at] *= x->dim[i];
    }
    return true;
}

/* A pool whose window is a whole row of that map. */
void tp_tfl_map_reduce_max(tp_tfl_model *m, tp_tfl_op *op) {
    bool reduced[TP_MAX_RANK] = {false};
    op->kind = TP_OP_MAX_POOL_2D;
    if (!tp_tfl_operands_sound(m, op) || !tp_tfl_unary(m, op) ||
        !reduced_axes(m, op, reduced)) {
        return;
    }
    const tp_tfl_tensor *x = tp_tfl_in(m, op, 0), *y = tp_tfl_out(m, op);
    if (!reduced_map(x, reduced, op->map_dim)) {
        tp_tfl_op_fail(m, op, TP_ERR_UNSUPPORTED,
                       "reduces axes of %s with another between them; axes "
                       "that follow each other work",
                       tp_tfl_dims(m, x->dim, x->rank));
        return;
    }
    if (op->map_dim[2] > 1 << 23) {
        tp_tfl_op_fail(m, op, TP_ERR_UNSUPPORTED,
                       "reduces %d values; 2^23 at most work",
                       (int)op->map_dim[2]);
    }
    op->attr.k_h = op->attr.stride_h = 1;
    op->attr.k_w = op->attr.stride_w = op->map_dim[2];
    tp_tfl_activation(m, op, 0);
    (void)expect_reduced(m, op, reduced);
    (void)tp_tfl_same_quant(m, op, x, y);
}

/* --- functions of one value
 * ------------------------------------------------------ */

/* The output's scale is fixed by the operation, to 0.1 % as in TensorFlow
 * Lite Micro. */
static void check_output_quant(tp_tfl_model *m, tp_tfl_op *op, double scale,
                               int32_t zero_point) {
    const tp_tfl_tensor *y = tp_tfl_out(m, op);
    if (!(fabs(scale_of(y) - scale) <= 1e-3 * scale) ||
        y->zero_point != zero_point) {
        tp_tfl_op_fail(m, op, TP_ERR_UNSUPPORTED,
                       "its output has scale %.9g and zero point %d; %g and "
                       "%d work",
                       scale_of(y), (int)y->zero_point, scale, (int)zero_point);
    }
}

static bool same_shape(tp_tfl_model *m, tp_tfl_op *op) {
    const tp_tfl_tensor *x = tp_tfl_in(m, op, 0);
    return tp_tfl_expect_shape(m, op, x->dim, x->rank);
}

void tp_tfl_map_softmax(tp_tfl_model *m, tp_tfl_op *op) {
    const float beta = tp_span_f32(&m->span, &op->options, 0, 0.0f);
    op->kind = TP_OP_SOFTMAX;
    op->attr.alpha = beta;
    if (!isfinite(beta) || beta <= 0.0f) {
        tp_tfl_op_fail(m, op, TP_ERR_MALFORMED,
                       "beta is %g; it is finite and positive", (double)beta);
        return;
    }
    if (!tp_tfl_operands_sound(m, op) || !tp_tfl_unary(m, op)) {
        return;
    }
    const tp_tfl_tensor *x = tp_tfl_in(m, op, 0);
    if (x->rank < 1) {
        tp_tfl_op_fail(m, op, TP_ERR_MALFORMED, "of a scalar");
        return;
    }
    (void)same_shape(m, op);
    check_output_quant(m, op, 1.0 / 256, -128);
    const double step = (double)beta * scale_of(x) * 67108864.0; /* 2^26 */
    if (!(step > 1.0)) {
        tp_tfl_op_fail(m, op, TP_ERR_UNSUPPORTED,
                       "beta times the input's scale is %g; above 2^-26 works",
                       (double)beta * scale_of(x));
    }
}

/* RELU, RELU6, LEAKY_RELU, LOGISTIC, TANH, HARD_SWISH. */
static void check_lut_scales(tp_tfl_model *m, tp_tfl_op *op) {
    const double x = scale_of(tp_tfl_in(m, op, 0));
    const double y = scale_of(tp_tfl_out(m, op));
    if (op->kind == TP_OP_LOGISTIC || op->kind == TP_OP_TANH) {
        const bool tanh = op->kind == TP_OP_TANH;
        /* the input in 4 integer bits: x * 2^27 as a factor that is no right
         * shift; from 2^31 on all but the zero point is held */
        if (!(x >= 0x1p-28 && x < 0x1p30)) {
            tp_tfl_op_fail(m, op, TP_ERR_MALFORMED,
                           "its input's scale is %g; from 2^-28 to 2^30 works",
                           x);
        }
        check_output_quant(m, op, tanh ? 1.0 / 128 : 1.0 / 256,
                           tanh ? 0 : -128);
        return;
    }
    if (!tp_tfl_factor(m, op, x / y, "the ratio of its scales")) {
        return;
    }
    if (op->kind != TP_OP_HARD_SWISH) {
        return;
    }
    /* x / 128 in units of 3 / 2^15, and to the output's scale without a left
     * shift */
    (void)tp_tfl_factor(m, op, x * 256 / 3, "its input's scale * 256 / 3");
    if (x >= 128 * y) {
        tp_tfl_op_fail(m, op, TP_ERR_UNSUPPORTED,
                       "its input's scale is %g times the output's; below 128 "
                       "works",
                       x / y);
    }
}

void tp_tfl_map_lut(tp_tfl_model *m, tp_tfl_op *op) {
    static const struct {
        int code;
        tp_kind kind;
    } kinds[] = {{TP_TFL_RELU, TP_OP_RELU},
                 {TP_TFL_RELU6, TP_OP_RELU6},
                 {TP_TFL_LEAKY_RELU, TP_OP_LEAKY_RELU},
                 {TP_TFL_LOGISTIC, TP_OP_LOGISTIC},
                 {TP_TFL_TANH, TP_OP_TANH},
                 {TP_TFL_HARD_SWISH, TP_OP_HARD_SWISH}};
    int i = 0;
    while (kinds[i].code != op->code) {
        i++;
    }
    op->kind = kinds[i].kind;
    if (op->kind == TP_OP_LEAKY_RELU) {
        const float alpha = tp_span_f32(&m->span, &op->options, 0, 0.0f);
        op->attr.alpha = alpha;
        if (!isfinite(alpha) || alpha < 0.0f || alpha > 1.0f) {
            tp_tfl_op_fail(m, op, TP_ERR_UNSUPPORTED,
                           "slope %g; from 0 to 1 works", (double)alpha);
            return;
        }
    }
    if (tp_tfl_operands_sound(m, op) && tp_tfl_unary(m, op)) {
        (void)same_shape(m, op);
        check_lut_scales(m, op);
    }
}

/* --- QUANTIZE, DEQUANTIZE
 * ----------------------------------------------------------- */

static bool one_scale(tp_tfl_model *m, tp_tfl_op *op, const tp_tfl_tensor *t,
                      const char *what) {
    if (t->n_scales == 1) {
        return true;
    }
    tp_tfl_op_fail(m, op, TP_ERR_MALFORMED,
                   "%s, '%s', has %d scales; one works", what, t->name,
                   t->n_scales);
    return false;
}

/* Between bytes; uint8 only at the model's own interface. */
void tp_tfl_map_quantize(tp_tfl_model *m, tp_tfl_op *op) {
    op->kind = TP_OP_QUANTIZE;
    if (!tp_tfl_operands_sound(m, op) || !same_shape(m, op)) {
        return;
    }
    const tp_tfl_tensor *x = tp_tfl_in(m, op, 0), *y = tp_tfl_out(m, op);
    if (op->dropped) {
        (void)tp_tfl_is_byte(m, op, y, "the output");
        return;
    }
    const bool from_u8 = x->type == TP_TFL_U8 && op->in[0] == m->input;
    const bool to_u8 = y->type == TP_TFL_U8 && op->out[0] == m->output;
    if (x->data != NULL || (x->type != TP_TFL_I8 && !from_u8) ||
        (y->type != TP_TFL_I8 && (!to_u8 || from_u8))) {
        tp_tfl_op_fail(m, op, TP_ERR_UNSUPPORTED,
                       "from %s%s to %s; int8 to int8 works, and uint8 to or "
                       "from int8 at the model's input or output",
                       x->data != NULL ? "constant " : "",
                       tp_tfl_type_name(x->type), tp_tfl_type_name(y->type));
        return;
    }
    if (one_scale(m, op, x, "input 0") && one_scale(m, op, y, "the output")) {
        (void)tp_tfl_factor(m, op, scale_of(x) / scale_of(y),
                            "the ratio of its scales");
    }
}

/* Only the dropped one at a float output comes here. */
void tp_tfl_map_dequantize(tp_tfl_model *m, tp_tfl_op *op) {
    if (!op->dropped) {
        tp_tfl_op_fail(m, op, TP_ERR_UNSUPPORTED,
                       "works only where it makes the model's float output");
        return;
    }
    if (tp_tfl_operands_sound(m, op) && same_shape(m, op)) {
        (void)tp_tfl_is_byte(m, op, tp_tfl_in(m, op, 0), "input 0");
    }
}
