/* CONV_2D, DEPTHWISE_CONV_2D, FULLY_CONNECTED: weights, bias, accumulator. */
#include "compiler/import/map.h"

#include <float.h>
#include <math.h>

/* Largest number of products in one sum: n * 255 * 127 < 2^31 (ops.h). */
#define MAX_PRODUCTS 66311
/* Of the bias' scale, relative: writers round s_x * s_w to float once or
 * twice (2^-23 each; the models at hand: 6e-8). */
#define BIAS_TOLERANCE 1e-4

/* How one output channel finds its weights: `first` + i * `step`. */
typedef struct layout {
    int axis; /* of the weights, along which channels lie */
    int32_t channels;
    int64_t products; /* per output */
    int64_t channel_step, step;
} layout;

static const tp_tfl_tensor *bias_of(const tp_tfl_model *m,
                                    const tp_tfl_op *op) {
    return op->n_in > 2 && op->in[2] >= 0 ? tp_tfl_in(m, op, 2) : NULL;
}

static double weight_scale(const tp_tfl_tensor *w, int32_t c) {
    return (double)w->scale[w->n_scales > 1 ? c : 0];
}

/* --- types and scales ------------------------------------------------------
 */

static bool check_weights(tp_tfl_model *m, tp_tfl_op *op, const layout *l) {
    const tp_tfl_tensor *w = tp_tfl_in(m, op, 1);
    if (w->data == NULL || w->type != TP_TFL_I8) {
        tp_tfl_op_fail(m, op, TP_ERR_UNSUPPORTED,
                       "its weights '%s' are %s; INT8 constants work", w->name,
                       w->data == NULL ? "computed at run time"
                                       : tp_tfl_type_name(w->type));
        return false;
    }
    if (w->n_scales < 1 || (w->n_scales > 1 && w->axis != l->axis)) {
        tp_tfl_op_fail(m, op, TP_ERR_UNSUPPORTED,
                       "its weights '%s' have %d scales along dimension %d; "
                       "one, or one for each of the %d output channels "
                       "(dimension %d) work",
                       w->name, w->n_scales, (int)w->axis, (int)l->channels,
                       l->axis);
        return false;
    }
    if (w->zero_point != 0) {
        tp_tfl_op_fail(m, op, TP_ERR_UNSUPPORTED,
                       "its weights '%s' have zero point %d; 0 works: "
                       "convert with symmetric weights",
                       w->name, (int)w->zero_point);
        return false;
    }
    return true;
}

static bool check_bias(tp_tfl_model *m, tp_tfl_op *op, const layout *l) {
    const tp_tfl_tensor *b = bias_of(m, op);
    if (b == NULL) {
        return true;
    }
    if (b->data == NULL || b->type != TP_TFL_I32) {
        tp_tfl_op_fail(m, op, TP_ERR_UNSUPPORTED,
                       "its bias '%s' is %s; an INT32 constant works", b->name,
                       b->data == NULL ? "computed at run time"
                                       : tp_tfl_type_name(b->type));
        return false;
    }
    if (b->count != l->channels) {
        tp_tfl_op_fail(m, op, TP_ERR_MALFORMED,
                       "its bias '%s' has %d elements for %d channels", b->name,
                       (int)b->count, (int)l->channels);
        return false;
    }
    if (b->n_scales != 1 && b->n_scales != l->channels) {
        tp_tfl_op_fail(m, op, TP_ERR_MALFORMED,
                       "its bias '%s' has %d scales; 1 or %d work", b->name,
                       b->n_scales, (int)l->channels);
        return false;
    }
    const tp_tfl_tensor *w = tp_tfl_in(m, op, 1);
    const double s_x = (double)tp_tfl_in(m, op, 0)->scale[0];
    for (int32_t c = 0; c < l->channels; c++) {
        const double want = s_x * weight_scale(w, c);
        const double is = weight_scale(b, c);
        if (!(fabs(is - want) <= BIAS_TOLERANCE * want)) {
            tp_tfl_op_fail(m, op, TP_ERR_MALFORMED,
                           "channel %d: its bias '%s' has scale %g; input "
                           "times weight scale is %g",
                           (int)c, b->name, is, want);
            return false;
        }
    }
    return true;
}

/* Ratios below 2^-32 are left: like TensorFlow Lite they become a factor of
 * 0, and channels without any weight have them (MLPerf Tiny's VWW does). */
static bool check_ratios(tp_tfl_model *m, tp_tfl_op *op, const layout *l) {
    const double s_x = (double)tp_tfl_in(m, op, 0)->scale[0];
    const double s_y = (double)tp_tfl_out(m, op)->scale[0];
    for (int32_t c = 0; c < l->channels; c++) {
        int shift = 0;
        const double s_b = s_x * weight_scale(tp_tfl_in(m, op, 1), c);
        (void)frexp(s_b / s_y, &shift);
        if (shift > 30) {
            tp_tfl_op_fail(m, op, TP_ERR_MALFORMED,
                           "channel %d: the ratio of its scales is %g, shift "
                           "%d; shifts up to 30 work",
                           (int)c, s_b / s_y, shift);
            return false;
        }
        if (s_b < (double)FLT_MIN || s_b > (double)FLT_MAX) {
            tp_tfl_op_fail(m, op, TP_ERR_MALFORMED,
                           "channel %d: input times weight scale is %g, which "
                           "float32 does not hold",
                           (int)c, s_b);
            return false;
        }
    }
    return true;
}

/* --- the accumulator --------------------------------------------------------
 */

/* |bias| + sum |w| * 255 bounds every partial sum, whatever the input: an
 * input minus its zero point is within 255. 2^31 products at most: no int64
 * overflows. */
static bool check_sums(tp_tfl_model *m, tp_tfl_op *op, const layout *l) {
    const tp_tfl_tensor *b = bias_of(m, op);
    const tp_tfl_tensor *w = tp_tfl_in(m, op, 1);
    if (l->products > MAX_PRODUCTS) {
        tp_tfl_op_fail(m, op, TP_ERR_UNSUPPORTED,
                       "each output sums %lld products; at most %d fit 32 "
                       "bits",
                       (long long)l->products, MAX_PRODUCTS);
        return false;
    }
    for (int32_t c = 0; c < l->channels; c++) {
        const uint8_t *first = w->data + c * l->channel_step;
        int64_t sum = 0;
        for (int64_t i = 0; i < l->products; i++) {
            const int v = first[i * l->step];
            sum += v < 128 ? v : 256 - v;
        }
        const int64_t bias =
            b != NULL ? tp_load_i32(b->data + 4 * (int64_t)c) : 0;
        const int64_t bound = (bias < 0 ? -bias : bias) + 255 * sum;
        if (bound > INT32_MAX) {
            tp_tfl_op_fail(m, op, TP_ERR_UNSUPPORTED,
                           "channel %d: its sum can reach %lld (bias %lld); "
                           "it must stay below 2^31",
                           (int)c, (long long)bound, (long long)bias);
            return false;
        }
    }
    return true;
}

/* Types, scales and sums; the layout fits the weights' shape. */
static void check_linear(tp_tfl_model *m, tp_tfl_op *op, const layout *l) {
    if (check_weights(m, op, l) && check_bias(m, op, l) &&
        tp_tfl_spend(m, (uint64_t)tp_tfl_in(m, op, 1)->count / 8)) {
        (void)check_ratios(m, op, l);
        (void)check_sums(m, op, l);
    }
    op->n_data = 3;
}

/* --- convolutions -----------------------------------------------------------
 */

static bool check_channels(tp_tfl_model *m, tp_tfl_op *op,
                           const tp_tfl_tensor *w, const tp_tfl_tensor *x) {
    if (w->dim[3] == x->dim[3]) {
        return true;
    }
    if (x->dim[3] % w->dim[3] == 0) {
        tp_tfl_op_fail(m, op, TP_ERR_UNSUPPORTED,
                       "its weights take %d of %d channels: grouped "
                       "convolutions do not work; one group, or a depthwise "
                       "convolution, does",
                       (int)w->dim[3], (int)x->dim[3]);
    } else {
        tp_tfl_op_fail(m, op, TP_ERR_MALFORMED,
                       "its weights take %d channels; the input has %d",
                       (int)w->dim[3], (int)x->dim[3]);
    }
    return false;
}

static bool check_multiplier(tp_tfl_model *m, tp_tfl_op *op,
                             const tp_tfl_tensor *w, const tp_tfl_tensor *x) {
    const int32_t multiplier = tp_span_i32(&m->span, &op->options, 3, 0);
    if (multiplier >= 1 && w->dim[0] == 1 &&
        (int64_t)x->dim[3] * multiplier == w->dim[3]) {
        return true;
    }
    tp_tfl_op_fail(m, op, TP_ERR_MALFORMED,
                   "depth multiplier %d with %d input channels and weights %s;"
                   " the last dimension is their product, the first is 1",
                   (int)multiplier, (int)x->dim[3],
                   tp_tfl_dims(m, w->dim, w->rank));
    return false;
}

/* What CONV_2D and DEPTHWISE_CONV_2D share once the options are read. */
static void map_window(tp_tfl_model *m, tp_tfl_op *op, tp_tfl_window *win,
                       bool depthwise) {
    const tp_tfl_tensor *x = tp_tfl_in(m, op, 0), *w = tp_tfl_in(m, op, 1);
    const tp_tfl_tensor *y = tp_tfl_out(m, op);
    if (!tp_tfl_unary(m, op) || !tp_tfl_is_map(m, op, x) ||
        !tp_tfl_is_map(m, op, y)) {
        return;
    }
    if (w->rank != 4) {
        tp_tfl_op_fail(m, op, TP_ERR_MALFORMED,
                       "its weights '%s' have rank %d; 4 works", w->name,
                       w->rank);
        return;
    }
    const int axis = depthwise ? 3 : 0;
    if (!(depthwise ? check_multiplier : check_channels)(m, op, w, x)) {
        return;
    }
    if (y->dim[3] != w->dim[axis]) {
        tp_tfl_op_fail(m, op, TP_ERR_MALFORMED,
                       "makes %d channels; the file's output has %d",
                       (int)w->dim[axis], (int)y->dim[3]);
        return;
    }
    const int64_t area = (int64_t)w->dim[1] * w->dim[2];
    const layout l = {.axis = axis,
                      .channels = w->dim[axis],
                      .products = depthwise ? area : area * w->dim[3],
                      .channel_step = depthwise ? 1 : area * w->dim[3],
                      .step = depthwise ? w->dim[3] : 1};
    win->k[0] = w->dim[1];
    win->k[1] = w->dim[2];
    op->attr.dilation_h = win->dilation[0];
    op->attr.dilation_w = win->dilation[1];
    (void)tp_tfl_window_fit(m, op, win);
    check_linear(m, op, &l);
}

void tp_tfl_map_conv(tp_tfl_model *m, tp_tfl_op *op) {
    tp_span *s = &m->span;
    const tp_table *o = &op->options;
    tp_tfl_window win = {
        .padding = tp_span_i8(s, o, 0, 0),
        .k = {1, 1}, /* known from the weights */
        .stride = {tp_span_i32(s, o, 2, 0), tp_span_i32(s, o, 1, 0)},
        .dilation = {tp_span_i32(s, o, 5, 1), tp_span_i32(s, o, 4, 1)}};
    const int32_t fused = tp_span_i8(s, o, 3, 0);
    op->kind = TP_OP_CONV_2D;
    const bool known = tp_tfl_activation_known(m, op, fused);
    const bool sound = tp_tfl_window_sound(m, op, &win);
    if (known && sound && tp_tfl_operands_sound(m, op)) {
        map_window(m, op, &win, false);
        if (!op->bad) {
            tp_tfl_activation(m, op, fused);
        }
    }
}

void tp_tfl_map_dwconv(tp_tfl_model *m, tp_tfl_op *op) {
    tp_span *s = &m->span;
    const tp_table *o = &op->options;
    tp_tfl_window win = {
        .padding = tp_span_i8(s, o, 0, 0),
        .k = {1, 1},
        .stride = {tp_span_i32(s, o, 2, 0), tp_span_i32(s, o, 1, 0)},
        .dilation = {tp_span_i32(s, o, 6, 1), tp_span_i32(s, o, 5, 1)}};
    const int32_t fused = tp_span_i8(s, o, 4, 0);
    op->kind = TP_OP_DEPTHWISE_CONV_2D;
    const bool known = tp_tfl_activation_known(m, op, fused);
    const bool sound = tp_tfl_window_sound(m, op, &win);
    if (known && sound && tp_tfl_operands_sound(m, op)) {
        map_window(m, op, &win, true);
        if (!op->bad) {
            tp_tfl_activation(m, op, fused);
        }
    }
}

/* --- fully connected --------------------------------------------------------
 */

/* Whatever its shape, x is rows of `in` values; y has as many rows. */
static bool check_rows(tp_tfl_model *m, tp_tfl_op *op, bool keep) {
    const tp_tfl_tensor *x = tp_tfl_in(m, op, 0), *w = tp_tfl_in(m, op, 1);
    if (w->rank != 2) {
        tp_tfl_op_fail(m, op, TP_ERR_MALFORMED,
                       "its weights '%s' have rank %d; 2 works", w->name,
                       w->rank);
        return false;
    }
    const int32_t in = w->dim[1];
    if (x->count % in != 0 ||
        (keep && (x->rank < 1 || x->dim[x->rank - 1] != in))) {
        tp_tfl_op_fail(m, op, TP_ERR_MALFORMED,
                       "its weights take %d values; the input has shape %s",
                       (int)in, tp_tfl_dims(m, x->dim, x->rank));
        return false;
    }
    int32_t dim[TP_MAX_RANK] = {(int32_t)(x->count / in), w->dim[0]};
    int rank = 2;
    if (keep) {
        rank = x->rank;
        for (int i = 0; i < rank; i++) {
            dim[i] = i < rank - 1 ? x->dim[i] : w->dim[0];
        }
    }
    return tp_tfl_expect_shape(m, op, dim, rank);
}

void tp_tfl_map_fc(tp_tfl_model *m, tp_tfl_op *op) {
    const int32_t fused = tp_span_i8(&m->span, &op->options, 0, 0);
    const int32_t format = tp_span_i8(&m->span, &op->options, 1, 0);
    const bool keep = tp_span_bool(&m->span, &op->options, 2);
    op->kind = TP_OP_FULLY_CONNECTED;
    if (format != 0) {
        tp_tfl_op_fail(m, op, TP_ERR_UNSUPPORTED,
                       "weights format %d (shuffled); 0 works", (int)format);
    }
    if (!tp_tfl_activation_known(m, op, fused) ||
        !tp_tfl_operands_sound(m, op) || !tp_tfl_unary(m, op) ||
        !check_rows(m, op, keep)) {
        return;
    }
    const tp_tfl_tensor *w = tp_tfl_in(m, op, 1);
    const layout l = {.axis = 0,
                      .channels = w->dim[0],
                      .products = w->dim[1],
                      .channel_step = w->dim[1],
                      .step = 1};
    check_linear(m, op, &l);
    tp_tfl_activation(m, op, fused);
}
