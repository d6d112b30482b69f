#include "tests/unit/float_model.h"

#include <math.h>
#include <stdlib.h>

#include "tinypeft/types.h"

static const tp_tensor *tensor_of(const tp_float_model *m, int tensor) {
    return &m->graph->tensor[tensor];
}

static int64_t count_of(const tp_float_model *m, int tensor) {
    return tp_tensor_count(tensor_of(m, tensor));
}

/* --- integers to reals ---------------------------------------------------- */

/* Channel of element i along the axis of the scales. */
static int channel(const tp_tensor *t, int64_t i) {
    int64_t inner = 1;
    for (int a = t->rank - 1; a > t->quant.axis; a--) {
        inner *= t->dim[a];
    }
    return (int)(i / inner % t->dim[t->quant.axis]);
}

static double byte_step(const tp_tensor *t, int64_t i) {
    if (t->quant.n == 0) {
        return 1.0; /* a label */
    }
    return (double)tp_scale_of(t, t->quant.n > 1 ? channel(t, i) : 0);
}

static void read_bytes(const tp_tensor *t, const void *bytes, double *value) {
    const int8_t *s8 = bytes;
    const uint8_t *u8 = bytes;
    for (int64_t i = 0; i < tp_tensor_count(t); i++) {
        const int32_t q = t->dtype == TP_S8 ? s8[i] : u8[i];
        value[i] = byte_step(t, i) * (double)(q - t->quant.zero_point);
    }
}

/* u of a branch is real over the scale of x; other values of 16 bits have no
 * scale but their exponent. */
static double u_scale(const tp_float_model *m, int u) {
    const int at = tp_graph_producer(m->graph, u);
    if (m->graph->op[at].kind != TP_OP_LORA_A) {
        return 1.0;
    }
    return (double)tp_scale_of(tensor_of(m, m->graph->op[at].in[0]), 0);
}

/* Real size of one step; bytes of many scales: that of the first. */
static double step_of(const tp_float_model *m, int tensor, const void *bytes) {
    const tp_tensor *t = tensor_of(m, tensor);
    switch ((int)t->dtype) {
    case TP_S16:
        return t->role == TP_PARAM ? ldexp(1.0, -13) : ldexp(1.0, -8);
    case TP_S32:
    case TP_U16:
        return 1.0;
    case TP_Q8:
        return ldexp(1.0, ((const tp_q8 *)bytes)->e);
    case TP_Q16:
        return ldexp(u_scale(m, tensor), ((const tp_q16 *)bytes)->e);
    default:
        return byte_step(t, 0);
    }
}

static double element(tp_dtype dtype, const void *bytes, int64_t i) {
    switch ((int)dtype) {
    case TP_S16:
        return ((const int16_t *)bytes)[i];
    case TP_U16:
        return ((const uint16_t *)bytes)[i];
    case TP_S32:
        return ((const int32_t *)bytes)[i];
    case TP_Q8:
        return ((const tp_q8 *)bytes)->v[i];
    default:
        return ((const tp_q16 *)bytes)->v[i];
    }
}

/* Weights of few bits: exponents of the ranks, then codes from the lowest bits
 * up. The step is that of the largest rank at int8. */
static void read_packed(tp_float_model *m, int tensor, const void *bytes) {
    const tp_tensor *t = tensor_of(m, tensor);
    const int8_t *e = bytes;
    const int bits = t->dtype == TP_Q4 ? 4 : 2;
    const int ranks = (int)t->dim[t->quant.axis];
    const uint8_t *codes = (const uint8_t *)bytes + (ranks + 3) / 4 * 4;
    m->step[tensor] = 1.0;
    for (int64_t i = 0; i < tp_tensor_count(t); i++) {
        const int raw =
            codes[i * bits / 8] >> (i * bits % 8) & ((1 << bits) - 1);
        const int code = raw >= 1 << (bits - 1) ? raw - (1 << bits) : raw;
        m->value[tensor][i] = ldexp(code, e[channel(t, i)]);
    }
}

void tp_float_read(tp_float_model *m, int tensor, const void *bytes) {
    const tp_tensor *t = tensor_of(m, tensor);
    double *value = m->value[tensor];
    if (t->dtype == TP_Q4 || t->dtype == TP_Q2) {
        read_packed(m, tensor, bytes);
        return;
    }
    m->step[tensor] = step_of(m, tensor, bytes);
    if (t->dtype == TP_S8 || t->dtype == TP_U8) {
        read_bytes(t, bytes, value);
        return;
    }
    for (int64_t i = 0; i < tp_tensor_count(t); i++) {
        value[i] = element(t->dtype, bytes, i) * m->step[tensor];
    }
}

/* --- ranges --------------------------------------------------------------- */

static bool is_byte_function(tp_kind kind) {
    return kind == TP_OP_QUANTIZE || kind == TP_OP_RELU ||
           kind == TP_OP_RELU6 || kind == TP_OP_LEAKY_RELU ||
           kind == TP_OP_LOGISTIC || kind == TP_OP_TANH ||
           kind == TP_OP_HARD_SWISH;
}

static bool is_pool(tp_kind kind) {
    return kind == TP_OP_AVERAGE_POOL_2D || kind == TP_OP_MAX_POOL_2D;
}

static bool has_activation(tp_kind kind) {
    return kind == TP_OP_CONV_2D || kind == TP_OP_DEPTHWISE_CONV_2D ||
           kind == TP_OP_FULLY_CONNECTED || kind == TP_OP_CONV_LORA ||
           kind == TP_OP_CONV_SPARSE || kind == TP_OP_CONV_BOTTLENECK ||
           kind == TP_OP_BOTTLENECK || kind == TP_OP_ADD || kind == TP_OP_SUB ||
           kind == TP_OP_MUL;
}

typedef struct range {
    double lo, hi;
} range;

static range real_range(const tp_tensor *y, int32_t lo, int32_t hi) {
    const double s = (double)tp_scale_of(y, 0);
    return (range){s * (lo - y->quant.zero_point),
                   s * (hi - y->quant.zero_point)};
}

static range byte_range(const tp_tensor *y) {
    const int32_t lo = y->dtype == TP_U8 ? 0 : -128;
    return real_range(y, lo, lo + 255);
}

/* The values that the op's output cannot leave and whose ends stop the
 * gradient. A pool stays within its input's range: only an activation of its
 * own cuts. */
static range range_of(const tp_op *op, const tp_tensor *y) {
    const tp_attr *a = &op->attr;
    if (is_byte_function(op->kind)) {
        return byte_range(y);
    }
    if ((has_activation(op->kind) && tp_op_clamps(op, y)) ||
        (is_pool(op->kind) && (a->act_min > -128 || a->act_max < 127))) {
        return real_range(y, a->act_min, a->act_max);
    }
    return (range){-HUGE_VAL, HUGE_VAL};
}

static double within(double v, range r) {
    return fmin(fmax(v, r.lo), r.hi);
}

/* --- running -------------------------------------------------------------- */

static void run_op(const tp_float_model *m, const tp_op *op) {
    double *y = m->value[op->out];
    const range r = range_of(op, tensor_of(m, op->out));
    tp_float_op(m, op, y);
    for (int64_t i = 0; i < count_of(m, op->out); i++) {
        if (m->base == NULL) {
            y[i] = within(y[i], r);
        } else if (m->held[op->out][i]) {
            y[i] = m->base[op->out][i];
        } else {
            y[i] += m->shift[op->out][i];
        }
    }
}

/* The label's target is 1 - smooth, that of the others smooth / (n - 1). */
static double cross_entropy(const double *z, int64_t n, int64_t label,
                            double smooth) {
    double max = z[0];
    double sum = 0.0;
    double expected = 0.0;
    for (int64_t i = 1; i < n; i++) {
        max = fmax(max, z[i]);
    }
    for (int64_t i = 0; i < n; i++) {
        sum += exp(z[i] - max);
        expected +=
            z[i] * (i == label ? 1.0 - smooth : smooth / (double)(n - 1));
    }
    return log(sum) + max - expected;
}

static double mean_square(const double *y, const double *t, int64_t n) {
    double sum = 0.0;
    for (int64_t i = 0; i < n; i++) {
        sum += (y[i] - t[i]) * (y[i] - t[i]);
    }
    return sum / (double)n;
}

double tp_float_loss(const void *model) {
    const tp_float_model *m = model;
    const tp_graph *graph = m->graph;
    for (int i = m->first; i < graph->first_backward; i++) {
        if (m->value[graph->op[i].out] != NULL) {
            run_op(m, &graph->op[i]);
        }
    }
    const tp_op *loss = &graph->op[graph->first_backward];
    const double *y = m->value[loss->in[0]];
    const double *target = m->value[loss->in[1]];
    const int64_t n = count_of(m, loss->in[0]);
    return loss->kind == TP_OP_MSE_LOSS
               ? mean_square(y, target, n)
               : cross_entropy(y, n, (int64_t)target[0],
                               (double)loss->attr.alpha);
}

/* --- anchoring ------------------------------------------------------------ */

/* Whether the integer's value does not move with the op's exact result
 * `exact`: a clamp counts both of its ends as clamped, a table only what lies
 * beyond. */
static bool is_held(const tp_op *op, range r, double step, double value,
                    double exact) {
    if (is_byte_function(op->kind)) {
        return exact >= r.hi + step / 2.0 || exact < r.lo - step / 2.0;
    }
    return value >= r.hi - step / 4.0 || value <= r.lo + step / 4.0;
}

/* Returns the largest distance between value and result, in steps. */
static double anchor_op(tp_float_model *m, const tp_op *op, double *exact) {
    const tp_tensor *t = tensor_of(m, op->out);
    const bool bytes = t->dtype == TP_S8 || t->dtype == TP_U8;
    const range r = range_of(op, t);
    const double step = m->step[op->out];
    double worst = 0.0;
    tp_float_op(m, op, exact);
    for (int64_t i = 0; i < count_of(m, op->out); i++) {
        const double value = m->base[op->out][i];
        const double near =
            within(bytes ? within(exact[i], byte_range(t)) : exact[i], r);
        worst = fmax(worst, fabs(value - near) / step);
        m->shift[op->out][i] = value - exact[i];
        m->held[op->out][i] = is_held(op, r, step, value, exact[i]);
    }
    return worst;
}

static tp_status copy_values(tp_arena *arena, tp_float_model *m,
                             int64_t *most) {
    for (int i = 0; i < m->graph->n_tensors; i++) {
        if (m->value[i] == NULL) {
            continue;
        }
        const size_t n = (size_t)count_of(m, i);
        m->base[i] = tp_arena_copy(arena, m->value[i], n, sizeof(double));
        m->shift[i] = tp_arena_alloc(arena, n, sizeof(double));
        m->held[i] = tp_arena_alloc(arena, n, sizeof(bool));
        if (m->base[i] == NULL || m->shift[i] == NULL || m->held[i] == NULL) {
            return TP_ERR_NO_MEMORY;
        }
        *most = (int64_t)n > *most ? (int64_t)n : *most;
    }
    return TP_OK;
}

tp_status tp_float_anchor(tp_arena *arena, tp_float_model *m, double *worst,
                          const char **where) {
    const tp_graph *graph = m->graph;
    const size_t n = (size_t)graph->n_tensors;
    int64_t most = 1;
    m->base = tp_arena_alloc(arena, n, sizeof *m->base);
    m->shift = tp_arena_alloc(arena, n, sizeof *m->shift);
    m->held = tp_arena_alloc(arena, n, sizeof *m->held);
    if (m->base == NULL || m->shift == NULL || m->held == NULL) {
        return TP_ERR_NO_MEMORY;
    }
    TP_TRY(copy_values(arena, m, &most));
    double *exact = tp_arena_alloc(arena, (size_t)most, sizeof *exact);
    if (exact == NULL) {
        return TP_ERR_NO_MEMORY;
    }
    *worst = 0.0;
    for (int i = 0; i < graph->first_backward; i++) {
        const tp_op *op = &graph->op[i];
        const double off =
            m->value[op->out] == NULL ? 0.0 : anchor_op(m, op, exact);
        if (off >= *worst) {
            *worst = off;
            *where = op->name;
        }
    }
    return TP_OK;
}

/* --- opening -------------------------------------------------------------- */

/* What the forward part and the loss read or make, masks apart. */
static void mark(const tp_graph *graph, bool *used) {
    for (int i = 0; i <= graph->first_backward; i++) {
        const tp_op *op = &graph->op[i];
        used[op->out] = i < graph->first_backward && op->kind != TP_OP_MASK;
        for (int j = 0; j < op->n_in; j++) {
            used[op->in[j]] = graph->tensor[op->in[j]].role != TP_LOSS;
        }
    }
}

tp_status tp_float_open(tp_arena *arena, const tp_graph *graph,
                        tp_float_model *model) {
    const size_t n = (size_t)graph->n_tensors;
    bool *used = tp_arena_alloc(arena, n, sizeof *used);
    tp_float_model m = {.graph = graph,
                        .value = tp_arena_alloc(arena, n, sizeof *m.value),
                        .step = tp_arena_alloc(arena, n, sizeof *m.step)};
    if (used == NULL || m.value == NULL || m.step == NULL) {
        return TP_ERR_NO_MEMORY;
    }
    mark(graph, used);
    for (int i = 0; i < graph->n_tensors; i++) {
        if (!used[i]) {
            continue;
        }
        m.value[i] =
            tp_arena_alloc(arena, (size_t)count_of(&m, i), sizeof *m.value[i]);
        if (m.value[i] == NULL) {
            return TP_ERR_NO_MEMORY;
        }
        if (graph->tensor[i].role == TP_CONST) {
            tp_float_read(&m, i, graph->tensor[i].data);
        }
    }
    *model = m;
    return TP_OK;
}
