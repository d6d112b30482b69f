/* Bytes -> tables of a .tflite file. What is read here is sound as bytes:
 * every index names something, every constant lies in the file. Whether it
 * makes sense is check.c's question.
 *
 * Field numbers: schema.fbs of TensorFlow Lite, version 3 (revisions a-d). */
#include "compiler/import/tflite.h"

typedef struct opcode {
    int code;
    const char *label;
} opcode;

/* A vector of at most TP_TFL_MAX tables; false: reported. */
static bool tables(tp_tfl_model *m, const tp_table *parent, int id,
                   const char *what, tp_vector *v) {
    *v = tp_span_vector(&m->span, parent, id, 4);
    if (!tp_tfl_sound(m, what, -1)) {
        return false;
    }
    if (v->n > TP_TFL_MAX) {
        tp_tfl_fail(m, TP_ERR_UNSUPPORTED, "model: %u %s; at most %d work",
                    (unsigned)v->n, what, TP_TFL_MAX);
        return false;
    }
    return true;
}

/* --- operator codes ------------------------------------------------------ */

static void parse_opcode(tp_tfl_model *m, const tp_table *t, opcode *out) {
    /* Old writers fill field 0 only, new ones field 3 and, up to 127, both */
    const int32_t old = tp_span_i8(&m->span, t, 0, 0);
    const int32_t wide = tp_span_i32(&m->span, t, 3, 0);
    out->code = wide > old ? wide : old;
    const tp_vector custom = tp_span_vector(&m->span, t, 1, 1);
    const char *label = tp_tfl_code_name(out->code);
    if (out->code == TP_TFL_CUSTOM) {
        label = tp_arena_printf(
            m->arena, "CUSTOM '%s'",
            tp_tfl_clean(m, m->span.bytes + custom.at, custom.n));
    } else if (label == NULL) {
        label = tp_arena_printf(m->arena, "builtin %d", out->code);
    }
    out->label = label != NULL ? label : "?";
}

static opcode *parse_opcodes(tp_tfl_model *m, const tp_table *model, int *n) {
    tp_vector v;
    if (!tables(m, model, 1, "operator codes", &v)) {
        return NULL;
    }
    opcode *codes = tp_tfl_alloc(m, (size_t)v.n + 1, sizeof *codes);
    *n = (int)v.n;
    for (int i = 0; codes != NULL && i < *n; i++) {
        const tp_table t = tp_vector_table(&m->span, &v, (uint32_t)i);
        parse_opcode(m, &t, &codes[i]);
        (void)tp_tfl_sound(m, "operator code", i);
    }
    return codes;
}

/* --- buffers ------------------------------------------------------------- */

/* Data stands in the table, or (revision c) anywhere in the file. */
static void parse_buffer(tp_tfl_model *m, const tp_table *t, int i) {
    const tp_vector data = tp_span_vector(&m->span, t, 0, 1);
    const uint64_t offset = tp_span_u64(&m->span, t, 1);
    const uint64_t size = tp_span_u64(&m->span, t, 2);
    if (!tp_tfl_sound(m, "buffer", i)) {
        return;
    }
    m->buffer[i] = (tp_tfl_buffer){data.at, data.n};
    if (offset <= 1) { /* 1 marks a place not filled in yet */
        return;
    }
    if (data.n > 0) {
        tp_tfl_fail(m, TP_ERR_MALFORMED,
                    "buffer %d: has data inside and outside its table", i);
        return;
    }
    if (!tp_span_holds(&m->span, offset, size)) {
        tp_tfl_fail(m, TP_ERR_TRUNCATED,
                    "buffer %d: %llu bytes at offset %llu lie outside the "
                    "file of %zu bytes",
                    i, (unsigned long long)size, (unsigned long long)offset,
                    m->span.n);
        return;
    }
    m->buffer[i] = (tp_tfl_buffer){(size_t)offset, (size_t)size};
}

static bool parse_buffers(tp_tfl_model *m, const tp_table *model) {
    tp_vector v;
    if (!tables(m, model, 4, "buffers", &v)) {
        return false;
    }
    m->buffer = tp_tfl_alloc(m, (size_t)v.n + 1, sizeof *m->buffer);
    m->n_buffers = m->buffer != NULL ? (int)v.n : 0;
    for (int i = 0; i < m->n_buffers; i++) {
        const tp_table t = tp_vector_table(&m->span, &v, (uint32_t)i);
        parse_buffer(m, &t, i);
    }
    return m->buffer != NULL;
}

/* --- tensors ------------------------------------------------------------- */

static void parse_quantization(tp_tfl_model *m, const tp_table *t,
                               tp_tfl_tensor *out) {
    const tp_table q = tp_span_table(&m->span, t, 4);
    out->scales = tp_span_vector(&m->span, &q, 2, 4);
    out->zero_points = tp_span_vector(&m->span, &q, 3, 8);
    out->details = tp_span_i8(&m->span, &q, 4, 0) != 0;
    out->axis = tp_span_i32(&m->span, &q, 6, 0);
}

static void parse_tensor(tp_tfl_model *m, const tp_table *t, int i) {
    tp_tfl_tensor *out = &m->tensor[i];
    tp_span *s = &m->span;
    out->shape = tp_span_vector(s, t, 0, 4);
    out->type = tp_span_i8(s, t, 1, 0);
    const uint32_t buffer = tp_span_u32(s, t, 2);
    const tp_vector name = tp_span_vector(s, t, 3, 1);
    parse_quantization(m, t, out);
    out->variable = tp_span_bool(s, t, 5);
    out->sparse = tp_span_table(s, t, 6).at != 0;
    out->signature = tp_span_vector(s, t, 7, 4);
    out->external = tp_span_u32(s, t, 10) != 0;
    out->name = tp_tfl_clean(m, s->bytes + name.at, name.n);
    if (!tp_tfl_sound(m, "tensor", i)) {
        out->bad = true;
    } else if (buffer != 0 && buffer >= (uint32_t)m->n_buffers) {
        tp_tfl_tensor_fail(m, i, TP_ERR_MALFORMED,
                           "buffer %d does not exist; the model has %d",
                           (int)buffer, m->n_buffers);
    } else if (buffer != 0 && m->buffer[buffer].bytes > 0) {
        out->data = s->bytes + m->buffer[buffer].at;
        out->bytes = m->buffer[buffer].bytes;
    }
}

static bool parse_tensors(tp_tfl_model *m, const tp_table *graph) {
    tp_vector v;
    if (!tables(m, graph, 0, "tensors", &v)) {
        return false;
    }
    m->tensor = tp_tfl_alloc(m, (size_t)v.n + 1, sizeof *m->tensor);
    m->n_tensors = m->tensor != NULL ? (int)v.n : 0;
    for (int i = 0; i < m->n_tensors; i++) {
        const tp_table t = tp_vector_table(&m->span, &v, (uint32_t)i);
        parse_tensor(m, &t, i);
    }
    return m->tensor != NULL;
}

/* --- operators ----------------------------------------------------------- */

/* Tensor numbers of one side of an op; -1 is "absent" among the inputs. */
static int *parse_operands(tp_tfl_model *m, tp_tfl_op *op, const char *side,
                           const tp_vector *v, int *n) {
    *n = 0;
    if (v->n > TP_TFL_MAX) {
        tp_tfl_op_fail(m, op, TP_ERR_UNSUPPORTED, "%u %ss; at most %d",
                       (unsigned)v->n, side, TP_TFL_MAX);
        return NULL;
    }
    int *list = tp_tfl_spend(m, 4 * (uint64_t)v->n)
                    ? tp_tfl_alloc(m, (size_t)v->n + 1, sizeof *list)
                    : NULL;
    if (list == NULL) {
        return NULL;
    }
    const int32_t least = side[0] == 'i' ? -1 : 0;
    for (uint32_t i = 0; i < v->n; i++) {
        const int32_t tensor = tp_vector_i32(&m->span, v, i);
        if (tensor < least || tensor >= m->n_tensors) {
            tp_tfl_op_fail(m, op, TP_ERR_MALFORMED,
                           "%s %u is tensor %d; the model has %d", side,
                           (unsigned)i, (int)tensor, m->n_tensors);
            return NULL;
        }
        list[i] = (int)tensor;
    }
    *n = (int)v->n;
    return list;
}

static void parse_op(tp_tfl_model *m, const tp_table *t, int i,
                     const opcode *codes, int n_codes) {
    tp_tfl_op *op = &m->op[i];
    const uint32_t code = tp_span_u32(&m->span, t, 0);
    const tp_vector in = tp_span_vector(&m->span, t, 1, 4);
    const tp_vector out = tp_span_vector(&m->span, t, 2, 4);
    op->options_type = (int)(uint8_t)tp_span_i8(&m->span, t, 3, 0);
    op->options = tp_span_table(&m->span, t, 4);
    op->code = -1;
    op->label = "?";
    if (!tp_tfl_sound(m, "op", i)) {
        op->bad = true;
        return;
    }
    if (code >= (uint32_t)n_codes) {
        tp_tfl_op_fail(m, op, TP_ERR_MALFORMED,
                       "operator code %d does not exist; the model has %d",
                       (int)code, n_codes);
    } else {
        op->code = codes[code].code;
        op->label = codes[code].label;
    }
    op->in = parse_operands(m, op, "input", &in, &op->n_in);
    op->out = parse_operands(m, op, "output", &out, &op->n_out);
    if (op->in == NULL || op->out == NULL) {
        op->bad = true;
    }
}

static void parse_ops(tp_tfl_model *m, const tp_table *graph,
                      const opcode *codes, int n_codes) {
    tp_vector v;
    if (!tables(m, graph, 3, "operators", &v)) {
        return;
    }
    m->op = tp_tfl_alloc(m, (size_t)v.n + 1, sizeof *m->op);
    m->n_ops = m->op != NULL ? (int)v.n : 0;
    for (int i = 0; i < m->n_ops; i++) {
        const tp_table t = tp_vector_table(&m->span, &v, (uint32_t)i);
        parse_op(m, &t, i, codes, n_codes);
    }
}

/* --- the subgraph and the model ------------------------------------------ */

/* The one tensor of the model's interface, or -1 with a report. */
static int parse_io(tp_tfl_model *m, const tp_table *graph, int field,
                    const char *side) {
    const tp_vector v = tp_span_vector(&m->span, graph, field, 4);
    if (!tp_tfl_sound(m, "subgraph", 0)) {
        return -1;
    }
    if (v.n != 1) {
        tp_tfl_fail(m, TP_ERR_UNSUPPORTED,
                    "model: %u %ss; exactly one works: join or split them "
                    "before converting",
                    (unsigned)v.n, side);
        return -1;
    }
    const int32_t tensor = tp_vector_i32(&m->span, &v, 0);
    if (tensor < 0 || tensor >= m->n_tensors) {
        tp_tfl_fail(m, TP_ERR_MALFORMED,
                    "model: its %s is tensor %d; the model has %d", side,
                    (int)tensor, m->n_tensors);
        return -1;
    }
    return (int)tensor;
}

/* Weights in other files: their names are never opened, whatever they say. */
static void refuse_external(tp_tfl_model *m, const tp_table *model) {
    const uint32_t groups = tp_span_vector(&m->span, model, 8, 4).n;
    const uint32_t buffers = tp_span_vector(&m->span, model, 9, 4).n;
    if (tp_tfl_sound(m, "model", -1) && (groups > 0 || buffers > 0)) {
        tp_tfl_fail(m, TP_ERR_UNSUPPORTED,
                    "model: keeps weights in external files; convert it to "
                    "one file");
    }
}

static bool parse_model(tp_tfl_model *m, tp_table *model, tp_table *graph) {
    *model = tp_span_root(&m->span, "TFL3");
    if (!tp_tfl_sound(m, "model", -1)) {
        return false;
    }
    const uint32_t version = tp_span_u32(&m->span, model, 0);
    const tp_vector graphs = tp_span_vector(&m->span, model, 2, 4);
    if (!tp_tfl_sound(m, "model", -1)) {
        return false;
    }
    if (version != 3) {
        tp_tfl_fail(m, TP_ERR_UNSUPPORTED,
                    "model: schema version %u; version 3 works",
                    (unsigned)version);
        return false;
    }
    if (graphs.n != 1) {
        tp_tfl_fail(m, TP_ERR_UNSUPPORTED,
                    "model: %u subgraphs; exactly one works: convert without "
                    "control flow, variables and extra signatures",
                    (unsigned)graphs.n);
        return false;
    }
    *graph = tp_vector_table(&m->span, &graphs, 0);
    return tp_tfl_sound(m, "subgraph", 0);
}

void tp_tfl_parse(tp_tfl_model *m) {
    tp_table model, graph;
    int n_codes = 0;
    m->input = m->output = -1;
    if (!parse_model(m, &model, &graph)) {
        return;
    }
    refuse_external(m, &model);
    const opcode *codes = parse_opcodes(m, &model, &n_codes);
    if (codes == NULL || !parse_buffers(m, &model) ||
        !parse_tensors(m, &graph)) {
        return;
    }
    parse_ops(m, &graph, codes, n_codes);
    m->input = parse_io(m, &graph, 1, "input");
    m->output = parse_io(m, &graph, 2, "output");
}
