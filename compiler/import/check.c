/* Do the tables make a model? Tensors (shape, data, scales), the graph (one
 * producer each, defined before use), the interface, and no float inside. */
#include "compiler/import/tflite.h"

#include <math.h>

/* --- one tensor ---------------------------------------------------------- */

static bool check_shape(tp_tfl_model *m, int i) {
    tp_tfl_tensor *t = &m->tensor[i];
    if (t->shape.n > TP_MAX_RANK) {
        tp_tfl_tensor_fail(m, i, TP_ERR_UNSUPPORTED,
                           "rank %u; at most %d works", (unsigned)t->shape.n,
                           TP_MAX_RANK);
        return false;
    }
    t->rank = (int)t->shape.n;
    t->count = 1;
    for (int k = 0; k < t->rank; k++) {
        t->dim[k] = tp_vector_i32(&m->span, &t->shape, (uint32_t)k);
        if (t->dim[k] < 1) {
            tp_tfl_tensor_fail(m, i, TP_ERR_MALFORMED,
                               "dimension %d is %d; all shapes must be known "
                               "and at least 1: convert with a fixed input "
                               "shape",
                               k, (int)t->dim[k]);
            return false;
        }
        t->count *= t->dim[k]; /* < 2^31 * 2^31 */
        if (t->count > INT32_MAX) {
            tp_tfl_tensor_fail(m, i, TP_ERR_MALFORMED,
                               "shape has 2^31 elements or more");
            return false;
        }
    }
    return true;
}

static void check_data(tp_tfl_model *m, int i) {
    const tp_tfl_tensor *t = &m->tensor[i];
    const size_t width = tp_tfl_type_bytes(t->type);
    if (t->data == NULL || width == 0) {
        return;
    }
    if (t->bytes != (size_t)t->count * width) {
        tp_tfl_tensor_fail(m, i, TP_ERR_MALFORMED,
                           "%zu bytes of data; %s of shape %s takes %zu",
                           t->bytes, tp_tfl_type_name(t->type),
                           tp_tfl_dims(m, t->dim, t->rank),
                           (size_t)t->count * width);
        return;
    }
    (void)tp_tfl_spend(m, t->bytes);
}

static void check_scales(tp_tfl_model *m, int i) {
    tp_tfl_tensor *t = &m->tensor[i];
    t->n_scales = (int)t->scales.n; /* 1, or a dimension: see check_quant */
    t->scale = tp_tfl_spend(m, 4 * (uint64_t)t->scales.n)
                   ? tp_tfl_alloc(m, t->scales.n, sizeof *t->scale)
                   : NULL;
    if (t->scale == NULL) {
        t->bad = true;
        return;
    }
    for (int c = 0; c < t->n_scales; c++) {
        t->scale[c] = tp_vector_f32(&m->span, &t->scales, (uint32_t)c);
        if (!isfinite(t->scale[c]) || t->scale[c] <= 0.0f) {
            tp_tfl_tensor_fail(m, i, TP_ERR_MALFORMED,
                               "scale %d is %g; scales are finite and "
                               "positive",
                               c, (double)t->scale[c]);
            return;
        }
    }
}

static void check_zero_points(tp_tfl_model *m, int i) {
    tp_tfl_tensor *t = &m->tensor[i];
    const bool narrow = t->n_scales == 1;
    const int64_t lo = narrow && t->type == TP_TFL_I8 ? -128 : 0;
    const int64_t hi = !narrow                ? 0
                       : t->type == TP_TFL_I8 ? 127
                       : t->type == TP_TFL_U8 ? 255
                                              : 0;
    if (t->zero_points.n != 0 && t->zero_points.n != t->scales.n) {
        tp_tfl_tensor_fail(m, i, TP_ERR_MALFORMED,
                           "%u zero points for %u scales",
                           (unsigned)t->zero_points.n, (unsigned)t->scales.n);
        return;
    }
    for (uint32_t c = 0; c < t->zero_points.n; c++) {
        const int64_t zp = tp_vector_i64(&m->span, &t->zero_points, c);
        if (zp < lo || zp > hi) {
            tp_tfl_tensor_fail(m, i, TP_ERR_MALFORMED,
                               "zero point %u is %lld; %s with %d scales "
                               "takes %d to %d",
                               (unsigned)c, (long long)zp,
                               tp_tfl_type_name(t->type), t->n_scales, (int)lo,
                               (int)hi);
            return;
        }
        t->zero_point = (int32_t)zp;
    }
}

static void check_quant(tp_tfl_model *m, int i) {
    const tp_tfl_tensor *t = &m->tensor[i];
    if (t->scales.n == 0 || tp_tfl_type_is_float(t->type)) {
        return;
    }
    if (t->axis < 0 || (t->axis >= t->rank && t->axis > 0)) {
        tp_tfl_tensor_fail(m, i, TP_ERR_MALFORMED,
                           "scales along dimension %d of a tensor of rank %d",
                           (int)t->axis, t->rank);
        return;
    }
    const int32_t channels = t->rank > 0 ? t->dim[t->axis] : 1;
    if (t->scales.n != 1 && t->scales.n != (uint32_t)channels) {
        tp_tfl_tensor_fail(m, i, TP_ERR_MALFORMED,
                           "%u scales for %d channels along dimension %d",
                           (unsigned)t->scales.n, (int)channels, (int)t->axis);
        return;
    }
    check_scales(m, i);
    check_zero_points(m, i);
}

static void check_tensor(tp_tfl_model *m, int i) {
    const tp_tfl_tensor *t = &m->tensor[i];
    if (tp_tfl_type_name(t->type) == NULL) {
        tp_tfl_tensor_fail(m, i, TP_ERR_MALFORMED, "type %d is unknown",
                           (int)t->type);
    }
    if (t->variable) {
        tp_tfl_tensor_fail(m, i, TP_ERR_UNSUPPORTED,
                           "is a variable; models with a state do not work");
    }
    if (t->sparse) {
        tp_tfl_tensor_fail(m, i, TP_ERR_UNSUPPORTED,
                           "is sparse; convert with dense weights");
    }
    if (t->external) {
        tp_tfl_tensor_fail(m, i, TP_ERR_UNSUPPORTED,
                           "lies in an external file; convert to one file");
    }
    if (t->details) {
        tp_tfl_tensor_fail(m, i, TP_ERR_UNSUPPORTED,
                           "custom or blockwise quantisation; scales per "
                           "tensor or per channel work");
    }
    if (check_shape(m, i) && !m->tensor[i].bad) {
        check_data(m, i);
        check_quant(m, i);
    }
}

/* --- the graph ----------------------------------------------------------- */

static bool all_parsed(const tp_tfl_model *m) {
    for (int i = 0; i < m->n_ops; i++) {
        if (m->op[i].bad) {
            return false;
        }
    }
    return true;
}

static void check_output(tp_tfl_model *m, int i, int tensor) {
    tp_tfl_op *op = &m->op[i];
    tp_tfl_tensor *t = &m->tensor[tensor];
    for (int k = 0; k < op->n_in; k++) {
        if (op->in[k] == tensor) {
            tp_tfl_op_fail(m, op, TP_ERR_MALFORMED,
                           "tensor %d '%s' is both its input and its output",
                           tensor, t->name);
            break;
        }
    }
    if (t->producer >= 0) {
        tp_tfl_op_fail(m, op, TP_ERR_MALFORMED,
                       "its output, tensor %d '%s', is also made by op %d",
                       tensor, t->name, t->producer);
    } else if (t->data != NULL) {
        tp_tfl_op_fail(m, op, TP_ERR_MALFORMED,
                       "its output, tensor %d '%s', is a constant", tensor,
                       t->name);
    } else if (tensor == m->input) {
        tp_tfl_op_fail(m, op, TP_ERR_MALFORMED,
                       "its output, tensor %d '%s', is the model's input",
                       tensor, t->name);
    }
    t->producer = i;
}

/* Tensors come from a constant, the interface or an earlier op. That each op
 * stands after what it reads rules out cycles. */
static void check_inputs(tp_tfl_model *m, int i, bool complete) {
    tp_tfl_op *op = &m->op[i];
    for (int k = 0; k < op->n_in; k++) {
        const int tensor = op->in[k];
        if (tensor < 0 || tensor == m->input) {
            continue;
        }
        const tp_tfl_tensor *t = &m->tensor[tensor];
        if (t->producer > i) {
            tp_tfl_op_fail(m, op, TP_ERR_MALFORMED,
                           "input %d, tensor %d '%s', is used before op %d "
                           "makes it",
                           k, tensor, t->name, t->producer);
        } else if (t->producer < 0 && t->data == NULL && complete) {
            tp_tfl_op_fail(m, op, TP_ERR_MALFORMED,
                           "input %d, tensor %d '%s', is made by no op and "
                           "has no data",
                           k, tensor, t->name);
        }
    }
}

static void check_order(tp_tfl_model *m, bool complete) {
    for (int i = 0; i < m->n_tensors; i++) {
        m->tensor[i].producer = -1;
    }
    for (int i = 0; i < m->n_ops; i++) {
        for (int k = 0; k < m->op[i].n_out; k++) {
            check_output(m, i, m->op[i].out[k]);
        }
    }
    for (int i = 0; i < m->n_ops; i++) {
        check_inputs(m, i, complete);
    }
}

/* From the output backwards. SHAPE looks at its input without computing it,
 * so it keeps nothing alive. Where ops could not be read, all count. */
static void mark_live(tp_tfl_model *m, bool complete) {
    bool *needed = tp_tfl_alloc(m, (size_t)m->n_tensors + 1, sizeof *needed);
    if (needed == NULL) {
        return;
    }
    if (m->output >= 0) {
        needed[m->output] = m->tensor[m->output].used = true;
    }
    if (m->input >= 0) {
        m->tensor[m->input].used = true;
    }
    for (int i = m->n_ops - 1; i >= 0; i--) {
        tp_tfl_op *op = &m->op[i];
        op->live = !complete || m->output < 0;
        for (int k = 0; k < op->n_out; k++) {
            op->live = op->live || needed[op->out[k]];
        }
        for (int k = 0; op->live && k < op->n_out; k++) {
            m->tensor[op->out[k]].used = true;
        }
        for (int k = 0; op->live && k < op->n_in; k++) {
            if (op->in[k] >= 0) {
                m->tensor[op->in[k]].used = true;
                needed[op->in[k]] |= op->code != TP_TFL_SHAPE;
            }
        }
        if (!op->live) {
            tp_note(m->diag, "op %d %s: nothing uses its output; left out", i,
                    op->label);
        }
    }
}

/* --- the interface -------------------------------------------------------- */

static bool is_float(const tp_tfl_model *m, int tensor) {
    return tensor >= 0 && tp_tfl_type_is_float(m->tensor[tensor].type);
}

/* QUANTIZE after a float input, DEQUANTIZE before a float output. */
static bool at_interface(const tp_tfl_model *m, const tp_tfl_op *op) {
    if (op->n_in != 1 || op->n_out != 1) {
        return false;
    }
    const int x = op->in[0], y = op->out[0];
    if (op->code == TP_TFL_QUANTIZE) {
        return x >= 0 && x == m->input && !is_float(m, y) &&
               m->tensor[x].type == TP_TFL_F32;
    }
    return op->code == TP_TFL_DEQUANTIZE && y == m->output && !is_float(m, x) &&
           m->tensor[y].type == TP_TFL_F32;
}

static bool touches_float(const tp_tfl_model *m, const tp_tfl_op *op) {
    for (int k = 0; k < op->n_in; k++) {
        if (is_float(m, op->in[k])) {
            return true;
        }
    }
    for (int k = 0; k < op->n_out; k++) {
        if (is_float(m, op->out[k])) {
            return true;
        }
    }
    return false;
}

/* One message for the whole model, whatever the number of ops. */
static void refuse_float(tp_tfl_model *m) {
    int n = 0;
    tp_tfl_op *first = NULL;
    for (int i = 0; i < m->n_ops; i++) {
        tp_tfl_op *op = &m->op[i];
        if (op->live && touches_float(m, op) && !at_interface(m, op)) {
            first = n == 0 ? op : first;
            op->bad = true;
            n++;
        }
    }
    if (n > 0) {
        tp_tfl_op_fail(m, first, TP_ERR_UNSUPPORTED,
                       "computes in floating point (%d such operations in "
                       "all); convert the model with full integer "
                       "quantisation: a representative dataset, "
                       "TFLITE_BUILTINS_INT8, and int8 input and output",
                       n);
    }
}

/* Drops the QUANTIZE or DEQUANTIZE at a float interface: `end` becomes the
 * byte tensor on its other side. */
static void drop_float(tp_tfl_model *m, int code, int *end, tp_dtype *type) {
    const int tensor = *end;
    int n = 0;
    if (tensor < 0 || m->tensor[tensor].type != TP_TFL_F32) {
        return;
    }
    for (int i = 0; i < m->n_ops; i++) {
        tp_tfl_op *op = &m->op[i];
        if (!op->live || op->bad || op->code != code || op->n_in != 1 ||
            op->n_out != 1) {
            continue;
        }
        const bool into = code == TP_TFL_QUANTIZE;
        if ((into ? op->in[0] : op->out[0]) == tensor) {
            op->dropped = true;
            *end = into ? op->out[0] : op->in[0];
            *type = TP_F32;
            n++;
        }
    }
    if (n > 1) {
        tp_tfl_fail(m, TP_ERR_UNSUPPORTED,
                    "model: its float input, tensor %d '%s', is quantised %d "
                    "times; once works",
                    tensor, m->tensor[tensor].name, n);
    }
}

static void check_end(tp_tfl_model *m, int tensor, const char *side,
                      tp_dtype *io) {
    const tp_tfl_tensor *t = &m->tensor[tensor];
    if (t->bad || tp_tfl_type_is_float(t->type)) {
        return; /* said already */
    }
    if (t->type == TP_TFL_U8 && *io != TP_F32) {
        *io = TP_U8;
    } else if (t->type != TP_TFL_I8) {
        tp_tfl_tensor_fail(m, tensor, TP_ERR_UNSUPPORTED,
                           "the model's %s has type %s; int8 works, uint8 "
                           "and float32 where a QUANTIZE stands beside them",
                           side, tp_tfl_type_name(t->type));
    }
}

/* Only the batch of the input may be open in the file, and it is taken as
 * 1; what other open dimensions become, nobody knows here. */
static void check_signature(tp_tfl_model *m, int i) {
    const tp_tfl_tensor *t = &m->tensor[i];
    if (t->bad || t->signature.n == 0) {
        return;
    }
    if (t->signature.n != (uint32_t)t->rank) {
        tp_tfl_tensor_fail(m, i, TP_ERR_MALFORMED,
                           "its shape has rank %d, its signature %u", t->rank,
                           (unsigned)t->signature.n);
        return;
    }
    for (int k = 0; k < t->rank; k++) {
        const int32_t dim = tp_vector_i32(&m->span, &t->signature, (uint32_t)k);
        if (dim != t->dim[k] && (dim != -1 || k > 0 || t->dim[k] != 1)) {
            tp_tfl_tensor_fail(m, i, TP_ERR_UNSUPPORTED,
                               "dimension %d of the input is %d in the shape "
                               "and %d in its signature; only a batch of 1 "
                               "may be open: convert with a fixed input shape",
                               k, (int)t->dim[k], (int)dim);
            return;
        }
    }
}

static void check_interface(tp_tfl_model *m) {
    if (m->input >= 0) {
        check_signature(m, m->input);
        if (m->tensor[m->input].data != NULL) {
            tp_tfl_tensor_fail(m, m->input, TP_ERR_MALFORMED,
                               "is the model's input and has constant data");
        }
    }
    refuse_float(m);
    drop_float(m, TP_TFL_QUANTIZE, &m->input, &m->io_in);
    drop_float(m, TP_TFL_DEQUANTIZE, &m->output, &m->io_out);
    if (m->input >= 0) {
        check_end(m, m->input, "input", &m->io_in);
    }
    if (m->output >= 0) {
        check_end(m, m->output, "output", &m->io_out);
    }
}

void tp_tfl_check(tp_tfl_model *m) {
    const bool complete = all_parsed(m);
    m->io_in = m->io_out = TP_S8;
    check_order(m, complete);
    mark_live(m, complete);
    for (int i = 0; i < m->n_tensors; i++) {
        if (m->tensor[i].used && !m->tensor[i].bad) {
            check_tensor(m, i);
        }
    }
    check_interface(m);
}
