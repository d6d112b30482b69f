/* Windows over a map (convolutions, pools), and fused activations. */
#include "compiler/import/map.h"

#include <math.h>

bool tp_tfl_window_sound(tp_tfl_model *m, tp_tfl_op *op,
                         const tp_tfl_window *w) {
    static const char *const axis[2] = {"rows", "columns"};
    bool good = true;
    if (w->padding != 0 && w->padding != 1) {
        tp_tfl_op_fail(m, op, TP_ERR_MALFORMED,
                       "padding %d; 0 (SAME) and 1 (VALID) exist",
                       (int)w->padding);
        good = false;
    }
    for (int i = 0; i < 2; i++) {
        if (w->stride[i] < 1 || w->dilation[i] < 1 || w->k[i] < 1) {
            tp_tfl_op_fail(m, op, TP_ERR_MALFORMED,
                           "%s: window %d, stride %d, dilation %d; each is "
                           "at least 1",
                           axis[i], (int)w->k[i], (int)w->stride[i],
                           (int)w->dilation[i]);
            good = false;
        }
    }
    return good;
}

/* One axis of size `in`: TensorFlow's rules. The extent is below 2^63, as
 * each factor is below 2^31. */
static bool fit_axis(tp_tfl_model *m, tp_tfl_op *op, const tp_tfl_window *w,
                     int i, int32_t *before, int32_t *after) {
    const int64_t in = tp_tfl_in(m, op, 0)->dim[1 + i];
    const int64_t out = tp_tfl_out(m, op)->dim[1 + i];
    const int64_t stride = w->stride[i];
    const int64_t extent = (int64_t)(w->k[i] - 1) * w->dilation[i] + 1;
    if (w->padding == 1 && extent > in) {
        tp_tfl_op_fail(m, op, TP_ERR_MALFORMED,
                       "a window of extent %lld does not fit a map of %lld "
                       "without padding: the output is empty",
                       (long long)extent, (long long)in);
        return false;
    }
    const int64_t made = w->padding == 0 ? (in + stride - 1) / stride
                                         : (in - extent) / stride + 1;
    if (made != out) {
        tp_tfl_op_fail(m, op, TP_ERR_MALFORMED,
                       "makes %lld %s; the file's output has %lld",
                       (long long)made, i == 0 ? "rows" : "columns",
                       (long long)out);
        return false;
    }
    const int64_t reach = (out - 1) * stride + extent;
    const int64_t total = w->padding == 0 && reach > in ? reach - in : 0;
    if (total > INT32_MAX) {
        tp_tfl_op_fail(m, op, TP_ERR_UNSUPPORTED, "padding of 2^31 or more");
        return false;
    }
    *before = (int32_t)(total / 2);
    *after = (int32_t)(total - total / 2);
    return true;
}

bool tp_tfl_window_fit(tp_tfl_model *m, tp_tfl_op *op, const tp_tfl_window *w) {
    tp_attr *a = &op->attr;
    a->stride_h = w->stride[0];
    a->stride_w = w->stride[1];
    const bool rows = fit_axis(m, op, w, 0, &a->pad_t, &a->pad_b);
    const bool columns = fit_axis(m, op, w, 1, &a->pad_l, &a->pad_r);
    return rows && columns;
}

bool tp_tfl_activation_known(tp_tfl_model *m, tp_tfl_op *op, int32_t fused) {
    if (fused >= 0 && fused <= 3) {
        return true;
    }
    tp_tfl_op_fail(m, op, TP_ERR_UNSUPPORTED,
                   "fused activation %d; NONE, RELU, RELU_N1_TO_1 and RELU6 "
                   "work",
                   (int)fused);
    return false;
}

/* zero point + round(f / scale), clamped to int8; halves away from zero.
 * In float, as TensorFlow Lite Micro computes it. */
static int32_t quantized(const tp_tfl_tensor *t, float f) {
    const float steps = roundf(f / t->scale[0]);
    if (steps > 255.0f) {
        return 127;
    }
    if (steps < -255.0f) {
        return -128;
    }
    const int32_t q = t->zero_point + (int32_t)steps;
    return q < -128 ? -128 : (q > 127 ? 127 : q);
}

void tp_tfl_activation(tp_tfl_model *m, tp_tfl_op *op, int32_t fused) {
    static const struct {
        bool low, high;
        float min, max;
    } ranges[] = {
        {false, false, 0.0f, 0.0f}, /* NONE */
        {true, false, 0.0f, 0.0f},  /* RELU */
        {true, true, -1.0f, 1.0f},  /* RELU_N1_TO_1 */
        {true, true, 0.0f, 6.0f},   /* RELU6 */
    };
    const tp_tfl_tensor *y = tp_tfl_out(m, op);
    op->attr.act_min =
        ranges[fused].low ? quantized(y, ranges[fused].min) : -128;
    op->attr.act_max =
        ranges[fused].high ? quantized(y, ranges[fused].max) : 127;
}
