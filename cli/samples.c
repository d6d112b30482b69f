#include "cli/samples.h"

#include <math.h>
#include <string.h>

#include "cli/npy.h"

#define DATA_LIMIT ((size_t)1 << 31) /* bytes of a file */

static tp_port port_of(const tp_graph *graph, int tensor, tp_dtype io) {
    const tp_tensor *t = &graph->tensor[tensor];
    return (tp_port){t, (size_t)tp_tensor_count(t), io};
}

tp_port tp_port_in(const tp_graph *graph) {
    return port_of(graph, graph->input, graph->io_in);
}

tp_port tp_port_out(const tp_graph *graph) {
    return port_of(graph, graph->output, graph->io_out);
}

tp_port tp_port_target(const tp_graph *graph) {
    return port_of(graph, graph->logits, TP_S8);
}

static const char *io_name(const tp_port *port) {
    return port->io == TP_F32  ? "float32"
           : port->io == TP_U8 ? "uint8"
                               : "int8";
}

static const char *shape(tp_diag *diag, const tp_port *port) {
    return tp_text_shape(diag->arena, port->tensor);
}

/* --- bytes and numbers ---------------------------------------------------- */

static int32_t value_of(const tp_tensor *t, int8_t byte) {
    return t->dtype == TP_U8 ? (int32_t)(uint8_t)byte : (int32_t)byte;
}

int32_t tp_port_value(const tp_port *port, int8_t byte) {
    return value_of(port->tensor, byte);
}

/* In float, like TFLM; the clamp comes before the conversion, which is only
 * defined for what fits an int. */
static int8_t quantise(const tp_tensor *t, float x) {
    const float q = roundf(x / tp_scale_of(t, 0));
    const int32_t least = t->dtype == TP_U8 ? 0 : -128;
    const float lo = (float)(least - t->quant.zero_point);
    const float hi = (float)(least + 255 - t->quant.zero_point);
    const float clamped = q < lo ? lo : (q > hi ? hi : q);
    return (int8_t)((int32_t)clamped + t->quant.zero_point);
}

static float dequantise(const tp_tensor *t, int8_t q) {
    return (float)((double)tp_scale_of(t, 0) *
                   (value_of(t, q) - t->quant.zero_point));
}

static tp_status not_finite(tp_diag *diag, const char *path,
                            const tp_port *port, size_t i) {
    return tp_error(diag, TP_ERR_MALFORMED,
                    "%s: sample %zu, element %zu: not a finite number", path,
                    i / port->count, i % port->count);
}

/* --- samples -------------------------------------------------------------- */

static tp_status allocate(tp_diag *diag, const tp_port *port, size_t n,
                          tp_samples *out) {
    out->n = n;
    out->data = tp_arena_alloc(diag->arena, n, port->count);
    return out->data != NULL ? TP_OK : tp_no_memory(diag);
}

static tp_status from_raw(tp_diag *diag, const tp_port *port, const char *path,
                          const tp_bytes *bytes, tp_samples *out) {
    const size_t size = port->io == TP_F32 ? sizeof(float) : 1;
    const size_t sample = port->count * size;
    if (bytes->n == 0 || bytes->n % sample != 0) {
        return tp_error(diag, TP_ERR_MALFORMED,
                        "%s: %zu bytes are no multiple of %zu, the bytes of "
                        "one sample (%s of %s)",
                        path, bytes->n, sample, shape(diag, port),
                        io_name(port));
    }
    TP_TRY(allocate(diag, port, bytes->n / sample, out));
    const size_t count = out->n * port->count;
    if (port->io != TP_F32) {
        memcpy(out->data, bytes->data, count);
        return TP_OK;
    }
    for (size_t i = 0; i < count; i++) {
        float x;
        memcpy(&x, bytes->data + i * sizeof x, sizeof x);
        if (!isfinite(x)) {
            return not_finite(diag, path, port, i);
        }
        out->data[i] = quantise(port->tensor, x);
    }
    return TP_OK;
}

static tp_status wrong_type(tp_diag *diag, const tp_port *port,
                            const char *path, const tp_npy *array) {
    return tp_error(diag, TP_ERR_MALFORMED,
                    "%s: is %s, the model takes %s; q = round(x / %.9g) + %d",
                    path, tp_npy_type_name(array->type), io_name(port),
                    (double)tp_scale_of(port->tensor, 0),
                    (int)port->tensor->quant.zero_point);
}

/* (n, ...) with a sample's elements behind n, one sample, or flat. */
static bool shape_fits(const tp_npy *array, size_t count) {
    if (array->count == 0 || array->count % count != 0) {
        return false;
    }
    return array->count == count || array->rank == 1 ||
           array->count / array->dim[0] == count;
}

static tp_status from_npy(tp_diag *diag, const tp_port *port, const char *path,
                          const tp_bytes *bytes, tp_samples *out) {
    tp_npy array;
    TP_TRY(tp_npy_read(diag, path, bytes->data, bytes->n, &array));
    if (!shape_fits(&array, port->count)) {
        return tp_error(diag, TP_ERR_MALFORMED,
                        "%s: shape %s; expected (samples, %zu), a sample "
                        "being %s",
                        path, tp_npy_shape(diag->arena, &array), port->count,
                        shape(diag, port));
    }
    const bool real = array.type == TP_NPY_F4 || array.type == TP_NPY_F8;
    const bool ready =
        array.type == (port->io == TP_U8 ? TP_NPY_U1 : TP_NPY_I1);
    if (!ready && !(real && port->io == TP_F32)) {
        return wrong_type(diag, port, path, &array);
    }
    TP_TRY(allocate(diag, port, array.count / port->count, out));
    if (ready) {
        memcpy(out->data, array.data, array.count);
        return TP_OK;
    }
    for (size_t i = 0; i < array.count; i++) {
        const double x = tp_npy_value(&array, i);
        if (!isfinite(x)) {
            return not_finite(diag, path, port, i);
        }
        out->data[i] = quantise(port->tensor, (float)x);
    }
    return TP_OK;
}

/* A name that promises .npy must hold one: else a damaged file would be taken
 * for raw samples. */
static bool as_npy(const char *path, const tp_bytes *bytes) {
    const size_t n = strlen(path);
    return tp_npy_is(bytes->data, bytes->n) ||
           (n >= 4 && strcmp(path + n - 4, ".npy") == 0);
}

tp_status tp_samples_read(tp_diag *diag, const tp_port *port, const char *path,
                          tp_samples *out) {
    tp_bytes bytes;
    TP_TRY(tp_file_read(diag, path, DATA_LIMIT, &bytes));
    return as_npy(path, &bytes) ? from_npy(diag, port, path, &bytes, out)
                                : from_raw(diag, port, path, &bytes, out);
}

/* --- labels --------------------------------------------------------------- */

static tp_status npy_labels(tp_diag *diag, const char *path, tp_bytes *bytes) {
    tp_npy array;
    TP_TRY(tp_npy_read(diag, path, bytes->data, bytes->n, &array));
    uint8_t *label = tp_arena_alloc(diag->arena, array.count, 1);
    if (label == NULL) {
        return tp_no_memory(diag);
    }
    for (size_t i = 0; i < array.count; i++) {
        const double value = tp_npy_value(&array, i);
        if (!(value >= 0 && value <= 255) || value != floor(value)) {
            return tp_error(diag, TP_ERR_MALFORMED,
                            "%s: label %zu is %g; labels are whole numbers "
                            "from 0 to 255",
                            path, i, value);
        }
        label[i] = (uint8_t)value;
    }
    *bytes = (tp_bytes){label, array.count};
    return TP_OK;
}

tp_status tp_labels_read(tp_diag *diag, const char *path, size_t n,
                         size_t classes, uint8_t **labels) {
    tp_bytes bytes;
    TP_TRY(tp_file_read(diag, path, DATA_LIMIT, &bytes));
    if (as_npy(path, &bytes)) {
        TP_TRY(npy_labels(diag, path, &bytes));
    }
    if (bytes.n != n) {
        return tp_error(diag, TP_ERR_MALFORMED,
                        "%s: %zu %s for %zu %s; one byte a sample is expected",
                        path, bytes.n,
                        tp_text_plural(bytes.n, "label", "labels"), n,
                        tp_text_plural(n, "sample", "samples"));
    }
    for (size_t i = 0; i < n; i++) {
        if (bytes.data[i] >= classes) {
            return tp_error(diag, TP_ERR_MALFORMED,
                            "%s: label %zu is %d; the model has the classes 0 "
                            "to %zu",
                            path, i, bytes.data[i], classes - 1);
        }
    }
    *labels = bytes.data;
    return TP_OK;
}

/* --- targets and results -------------------------------------------------- */

tp_status tp_samples_requantise(tp_diag *diag, const tp_port *in,
                                const tp_port *out, const tp_samples *x,
                                tp_samples *target) {
    TP_TRY(allocate(diag, out, x->n, target));
    for (size_t i = 0; i < x->n * out->count; i++) {
        target->data[i] =
            quantise(out->tensor, dequantise(in->tensor, x->data[i]));
    }
    return TP_OK;
}

tp_status tp_results_bytes(tp_diag *diag, const tp_port *port, const int8_t *y,
                           size_t n, tp_bytes *out) {
    const size_t size = port->io == TP_F32 ? sizeof(float) : 1;
    const size_t count = n * port->count;
    uint8_t *data = tp_arena_alloc(diag->arena, count, size);
    if (data == NULL) {
        return tp_no_memory(diag);
    }
    for (size_t i = 0; i < count; i++) {
        if (port->io == TP_F32) {
            const float real = dequantise(port->tensor, y[i]);
            memcpy(data + i * sizeof real, &real, sizeof real);
        } else {
            data[i] = (uint8_t)y[i];
        }
    }
    *out = (tp_bytes){data, count * size};
    return TP_OK;
}
