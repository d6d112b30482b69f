#include "tests/unit/tflite_builder.h"

#include <stdlib.h>
#include <string.h>

/* --- describing --------------------------------------------------------------
 */

void tp_tb_init(tp_tb_model *m) {
    memset(m, 0, sizeof *m);
    m->version = 3;
    m->identifier = "TFL3";
    m->subgraphs = 1;
}

int tp_tb_tensor_add(tp_tb_model *m, const char *name, int type, int rank,
                     const int32_t *shape) {
    tp_tb_tensor *t = &m->tensor[m->n_tensors];
    t->name = name;
    t->type = type;
    t->rank = rank;
    for (int i = 0; i < rank; i++) {
        t->shape[i] = shape[i];
    }
    return m->n_tensors++;
}

int tp_tb_value(tp_tb_model *m, const char *name, int rank,
                const int32_t *shape, float scale, int zero_point) {
    const int at = tp_tb_tensor_add(m, name, TP_TB_I8, rank, shape);
    m->tensor[at].n_scales = m->tensor[at].n_zero_points = 1;
    m->tensor[at].scale[0] = scale;
    m->tensor[at].zero_point[0] = zero_point;
    return at;
}

int tp_tb_const(tp_tb_model *m, const char *name, int type, int n,
                const void *data, size_t bytes) {
    const int32_t shape = n;
    const int at = tp_tb_tensor_add(m, name, type, 1, &shape);
    m->tensor[at].data = data;
    m->tensor[at].bytes = bytes;
    return at;
}

tp_tb_op *tp_tb_op_add(tp_tb_model *m, int code, int options) {
    tp_tb_op *op = &m->op[m->n_ops++];
    op->code = code;
    op->options = options;
    return op;
}

void tp_tb_in(tp_tb_op *op, int tensor) {
    op->in[op->n_in++] = tensor;
}

void tp_tb_out(tp_tb_op *op, int tensor) {
    op->out[op->n_out++] = tensor;
}

/* The field of that number, new or there already. */
static tp_tb_field *field_of(tp_tb_op *op, int id) {
    for (int i = 0; i < op->n_fields; i++) {
        if (op->field[i].id == id) {
            return &op->field[i];
        }
    }
    op->field[op->n_fields].id = id;
    return &op->field[op->n_fields++];
}

void tp_tb_i8(tp_tb_op *op, int id, int value) {
    tp_tb_field *f = field_of(op, id);
    f->width = 1;
    f->value = (uint32_t)value;
}

void tp_tb_i32(tp_tb_op *op, int id, int32_t value) {
    tp_tb_field *f = field_of(op, id);
    f->width = 4;
    f->value = (uint32_t)value;
}

void tp_tb_f32(tp_tb_op *op, int id, float value) {
    tp_tb_field *f = field_of(op, id);
    f->width = 4;
    memcpy(&f->value, &value, sizeof value);
}

void tp_tb_list(tp_tb_op *op, int id, const int32_t *list, int n) {
    tp_tb_field *f = field_of(op, id);
    f->width = 0;
    f->n = n;
    memcpy(f->list, list, (size_t)n * sizeof *list);
}

/* --- ready-made models
 * --------------------------------------------------------- */

static void small_tensors(tp_tb_model *m) {
    static const int8_t w[54] = {1, -2, 3, -4, 5, -6, 7, -8, 9, -10, 11, -12};
    static const int8_t fw[12] = {1, 2, 3, 4, 5, 6, 7, 8, 9, -127, 127, -128};
    static const int32_t b[3] = {100, -200, 300}, fb[4] = {1, 2, 3, 4};
    static const int32_t shape[2] = {-1, 3};
    static const int32_t x[] = {1, 4, 4, 2}, ws[] = {3, 3, 3, 2},
                         y[] = {1, 4, 4, 3}, p[] = {1, 1, 1, 3}, r[] = {1, 3},
                         fws[] = {4, 3}, z[] = {1, 4};
    (void)tp_tb_value(m, "x", 4, x, 0.5f, 10);
    const int at_w = tp_tb_tensor_add(m, "w", TP_TB_I8, 4, ws);
    const int at_b = tp_tb_const(m, "b", TP_TB_I32, 3, b, sizeof b);
    m->tensor[at_w].data = w;
    m->tensor[at_w].bytes = sizeof w;
    m->tensor[at_w].n_scales = m->tensor[at_w].n_zero_points = 3;
    m->tensor[at_b].n_scales = m->tensor[at_b].n_zero_points = 3;
    for (int c = 0; c < 3; c++) {
        m->tensor[at_w].scale[c] = 0.125f * (float)(c + 1);
        m->tensor[at_b].scale[c] = 0.0625f * (float)(c + 1);
    }
    (void)tp_tb_value(m, "y", 4, y, 0.25f, -128);
    (void)tp_tb_value(m, "p", 4, p, 0.25f, -128);
    (void)tp_tb_const(m, "shape", TP_TB_I32, 2, shape, sizeof shape);
    (void)tp_tb_value(m, "r", 2, r, 0.25f, -128);
    const int at_fw = tp_tb_value(m, "fw", 2, fws, 0.5f, 0);
    m->tensor[at_fw].data = fw;
    m->tensor[at_fw].bytes = sizeof fw;
    const int at_fb = tp_tb_const(m, "fb", TP_TB_I32, 4, fb, sizeof fb);
    m->tensor[at_fb].n_scales = m->tensor[at_fb].n_zero_points = 1;
    m->tensor[at_fb].scale[0] = 0.125f;
    (void)tp_tb_value(m, "z", 2, z, 0.5f, 3);
    (void)tp_tb_value(m, "s", 2, z, 1.0f / 256, -128);
}

static void connect(tp_tb_op *op, int x, int w, int b, int y) {
    tp_tb_in(op, x);
    if (w >= 0) {
        tp_tb_in(op, w);
    }
    if (b >= 0) {
        tp_tb_in(op, b);
    }
    tp_tb_out(op, y);
}

void tp_tb_small(tp_tb_model *m) {
    tp_tb_init(m);
    small_tensors(m);
    tp_tb_op *conv = tp_tb_op_add(m, 3, 1);
    connect(conv, TP_TB_X, TP_TB_W, TP_TB_B, TP_TB_Y);
    tp_tb_i8(conv, 0, 0); /* SAME */
    tp_tb_i32(conv, 1, 1);
    tp_tb_i32(conv, 2, 1);
    tp_tb_i8(conv, 3, 1); /* RELU */
    tp_tb_op *pool = tp_tb_op_add(m, 1, 5);
    connect(pool, TP_TB_Y, -1, -1, TP_TB_P);
    tp_tb_i8(pool, 0, 1); /* VALID */
    for (int id = 1; id <= 4; id++) {
        tp_tb_i32(pool, id, 4);
    }
    connect(tp_tb_op_add(m, 22, 0), TP_TB_P, TP_TB_SHAPE, -1, TP_TB_R);
    connect(tp_tb_op_add(m, 9, 8), TP_TB_R, TP_TB_FW, TP_TB_FB, TP_TB_Z);
    tp_tb_op *softmax = tp_tb_op_add(m, 25, 9);
    connect(softmax, TP_TB_Z, -1, -1, TP_TB_S);
    tp_tb_f32(softmax, 0, 1.0f);
    m->n_in = m->n_out = 1;
    m->in[0] = TP_TB_X;
    m->out[0] = TP_TB_S;
}

tp_tb_op *tp_tb_single(tp_tb_model *m, int code, int options, int rank_x,
                       const int32_t *x, int rank_y, const int32_t *y) {
    tp_tb_init(m);
    (void)tp_tb_value(m, "x", rank_x, x, 0.5f, 0);
    (void)tp_tb_value(m, "y", rank_y, y, 0.5f, 0);
    tp_tb_op *op = tp_tb_op_add(m, code, options);
    connect(op, 0, -1, -1, 1);
    m->n_in = m->n_out = 1;
    m->in[0] = 0;
    m->out[0] = 1;
    return op;
}

/* --- writing: parents first, their references patched later
 * -------------------- */

typedef struct writer {
    uint8_t *bytes;
    size_t n, room;
} writer;

/* One field of a table to be written. */
typedef struct slot {
    int id;
    int width; /* 0: absent */
    uint64_t value;
    size_t at; /* where it was written */
} slot;

static void put(writer *w, const void *data, size_t n) {
    if (w->n + n > w->room) {
        w->room = 2 * (w->n + n);
        w->bytes = realloc(w->bytes, w->room);
        if (w->bytes == NULL) {
            abort();
        }
    }
    if (n > 0) {
        memcpy(w->bytes + w->n, data, n);
    }
    w->n += n;
}

static void number(writer *w, uint64_t value, int width) {
    uint8_t bytes[8];
    for (int i = 0; i < width; i++) {
        bytes[i] = (uint8_t)(value >> (8 * i));
    }
    put(w, bytes, (size_t)width);
}

static void align(writer *w, size_t to) {
    while (w->n % to != 0) {
        number(w, 0, 1);
    }
}

/* The reference at `at` now points to the end of what is written. */
static void patch(writer *w, size_t at) {
    const size_t offset = w->n - at;
    for (int i = 0; i < 4; i++) {
        w->bytes[at + (size_t)i] = (uint8_t)(offset >> (8 * i));
    }
}

/* vtable, then table; each field 8 bytes apart, so that all are aligned. */
static void table(writer *w, size_t from, slot *s, int n) {
    int fields = 0;
    for (int i = 0; i < n; i++) {
        fields = s[i].width != 0 && s[i].id >= fields ? s[i].id + 1 : fields;
    }
    align(w, 8);
    const size_t vtable = w->n;
    const size_t vbytes = 4 + 2 * (size_t)fields;
    const size_t at = (vtable + vbytes + 7) / 8 * 8;
    number(w, vbytes, 2);
    number(w, 8 + 8 * (size_t)n, 2);
    for (int id = 0; id < fields; id++) {
        size_t offset = 0;
        for (int i = 0; i < n; i++) {
            if (s[i].id == id && s[i].width != 0) {
                offset = 8 + 8 * (size_t)i;
            }
        }
        number(w, offset, 2);
    }
    align(w, 8);
    patch(w, from);
    number(w, at - vtable, 4);
    number(w, 0, 4);
    for (int i = 0; i < n; i++) {
        s[i].at = w->n;
        number(w, s[i].width != 0 ? s[i].value : 0, 8);
    }
}

static void vector(writer *w, size_t from, const void *data, size_t n,
                   size_t width, uint32_t claim) {
    align(w, 8);
    number(w, 0, 4); /* so that elements of 8 bytes are aligned */
    patch(w, from);
    number(w, claim != 0 ? claim : n, 4);
    put(w, data, n * width);
}

/* Room for n references; the position of the first. */
static size_t references(writer *w, size_t from, int n, uint32_t claim) {
    align(w, 4);
    patch(w, from);
    number(w, claim != 0 ? claim : (uint64_t)n, 4);
    const size_t at = w->n;
    for (int i = 0; i < n; i++) {
        number(w, 0, 4);
    }
    return at;
}

static void text(writer *w, size_t from, const char *s) {
    vector(w, from, s, strlen(s), 1, 0);
    number(w, 0, 1);
}

/* --- the model
 * ------------------------------------------------------------------ */

static void write_quantization(writer *w, size_t from, const tp_tb_tensor *t) {
    slot s[] = {{2, t->n_scales > 0 ? 4 : 0, 0, 0},
                {3, t->n_zero_points > 0 ? 4 : 0, 0, 0},
                {4, t->details != 0 ? 1 : 0, (uint64_t)t->details, 0},
                {6, t->axis != 0 ? 4 : 0, (uint32_t)t->axis, 0}};
    table(w, from, s, 4);
    if (t->n_scales > 0) {
        vector(w, s[0].at, t->scale, (size_t)t->n_scales, 4, 0);
    }
    if (t->n_zero_points > 0) {
        vector(w, s[1].at, t->zero_point, (size_t)t->n_zero_points, 8, 0);
    }
}

static void write_tensor(writer *w, size_t from, const tp_tb_tensor *t,
                         uint32_t buffer) {
    slot s[] = {{0, 4, 0, 0},
                {1, 1, (uint64_t)t->type, 0},
                {2, 4, t->buffer_set ? t->buffer : buffer, 0},
                {3, t->name != NULL ? 4 : 0, 0, 0},
                {4, 4, 0, 0},
                {5, t->variable ? 1 : 0, 1, 0},
                {6, t->sparse ? 4 : 0, 0, 0},
                {7, t->n_signature > 0 ? 4 : 0, 0, 0},
                {10, t->external != 0 ? 4 : 0, t->external, 0}};
    table(w, from, s, 9);
    vector(w, s[0].at, t->shape, (size_t)t->rank, 4, t->claim_rank);
    if (t->name != NULL) {
        text(w, s[3].at, t->name);
    }
    write_quantization(w, s[4].at, t);
    if (t->sparse) {
        table(w, s[6].at, NULL, 0);
    }
    if (t->n_signature > 0) {
        vector(w, s[7].at, t->signature, (size_t)t->n_signature, 4, 0);
    }
}

static void write_options(writer *w, size_t from, const tp_tb_op *op) {
    slot s[10];
    for (int i = 0; i < op->n_fields; i++) {
        const tp_tb_field *f = &op->field[i];
        s[i] = (slot){f->id, f->width == 0 ? 4 : f->width, f->value, 0};
    }
    table(w, from, s, op->n_fields);
    for (int i = 0; i < op->n_fields; i++) {
        if (op->field[i].width == 0) {
            vector(w, s[i].at, op->field[i].list, (size_t)op->field[i].n, 4, 0);
        }
    }
}

static void write_op(writer *w, size_t from, const tp_tb_op *op,
                     uint32_t opcode) {
    const bool table_there = op->options != 0 && !op->null_options;
    slot s[] = {{0, 4, op->opcode_set ? op->opcode : opcode, 0},
                {1, 4, 0, 0},
                {2, 4, 0, 0},
                {3, op->options != 0 ? 1 : 0, (uint64_t)op->options, 0},
                {4, table_there ? 4 : 0, 0, 0}};
    table(w, from, s, 5);
    vector(w, s[1].at, op->in, (size_t)op->n_in, 4, 0);
    vector(w, s[2].at, op->out, (size_t)op->n_out, 4, 0);
    if (table_there) {
        write_options(w, s[4].at, op);
    }
}

static void write_opcode(writer *w, size_t from, const tp_tb_op *op) {
    const int old = op->code < 127 ? op->code : 127;
    slot s[] = {{0, op->new_code ? 0 : 1, (uint64_t)old, 0},
                {1, op->custom != NULL ? 4 : 0, 0, 0},
                {2, 4, 1, 0},
                {3, op->old_code ? 0 : 4, (uint32_t)op->code, 0}};
    table(w, from, s, 4);
    if (op->custom != NULL) {
        text(w, s[1].at, op->custom);
    }
}

static void write_subgraph(writer *w, size_t from, const tp_tb_model *m) {
    slot s[] = {{0, 4, 0, 0}, {1, 4, 0, 0}, {2, 4, 0, 0}, {3, 4, 0, 0}};
    table(w, from, s, 4);
    vector(w, s[1].at, m->in, (size_t)m->n_in, 4, 0);
    vector(w, s[2].at, m->out, (size_t)m->n_out, 4, 0);
    const size_t tensors =
        references(w, s[0].at, m->n_tensors, m->claim_tensors);
    for (int i = 0; i < m->n_tensors; i++) {
        write_tensor(w, tensors + 4 * (size_t)i, &m->tensor[i],
                     (uint32_t)i + 1);
    }
    const size_t ops = references(w, s[3].at, m->n_ops, 0);
    for (int i = 0; i < m->n_ops; i++) {
        write_op(w, ops + 4 * (size_t)i, &m->op[i],
                 (uint32_t)(m->unused_codes + i));
    }
}

/* Buffer 0 is the empty one; tensor i has buffer i + 1. Returns where the
 * offset of outside data is to be written, 0: none. */
static size_t write_buffer(writer *w, size_t from, const tp_tb_tensor *t) {
    const bool inside =
        t != NULL && t->data != NULL && (!t->outside || t->twice);
    const bool outside = t != NULL && t->outside;
    slot s[] = {{0, inside ? 4 : 0, 0, 0},
                {1, outside ? 8 : 0, 0, 0},
                {2, outside ? 8 : 0, outside ? t->bytes : 0, 0}};
    table(w, from, s, 3);
    if (inside) {
        align(w, 16);
        number(w, 0, 4);
        number(w, 0, 8);
        vector(w, s[0].at, t->data, t->bytes, 1, t->claim_data);
    }
    return outside ? s[1].at : 0;
}

static void write_buffers(writer *w, size_t from, const tp_tb_model *m,
                          size_t *outside) {
    const size_t buffers = references(w, from, m->n_tensors + 1, 0);
    (void)write_buffer(w, buffers, NULL);
    for (int i = 0; i < m->n_tensors; i++) {
        outside[i] =
            write_buffer(w, buffers + 4 * (size_t)(i + 1), &m->tensor[i]);
    }
}

static void write_outside(writer *w, const tp_tb_tensor *t, size_t at) {
    const uint64_t offset =
        t->outside_past == UINT64_MAX ? UINT64_MAX - 3 : w->n + t->outside_past;
    for (int i = 0; i < 8; i++) {
        w->bytes[at + (size_t)i] = (uint8_t)(offset >> (8 * i));
    }
    put(w, t->data, t->bytes);
}

uint8_t *tp_tb_bytes(const tp_tb_model *m, size_t *n) {
    writer w = {0};
    size_t outside[TP_TB_MAX];
    slot s[] = {{0, 4, m->version, 0},
                {1, 4, 0, 0},
                {2, 4, 0, 0},
                {4, 4, 0, 0},
                {9, m->external_buffers ? 4 : 0, 0, 0}};
    number(&w, 0, 4);
    put(&w, m->identifier, 4);
    table(&w, 0, s, 5);
    const int n_codes = m->unused_codes + m->n_ops;
    const size_t codes = references(&w, s[1].at, n_codes, 0);
    for (int i = 0; i < n_codes; i++) {
        const tp_tb_op unused = {.code = 32, .custom = "nobody"};
        write_opcode(&w, codes + 4 * (size_t)i,
                     i < m->unused_codes ? &unused
                                         : &m->op[i - m->unused_codes]);
    }
    const size_t graphs = references(&w, s[2].at, m->subgraphs, 0);
    for (int i = 0; i < m->subgraphs; i++) {
        write_subgraph(&w, graphs + 4 * (size_t)i, m);
    }
    write_buffers(&w, s[3].at, m, outside);
    if (m->external_buffers) {
        const size_t list = references(&w, s[4].at, 1, 0);
        table(&w, list, NULL, 0);
    }
    for (int i = 0; i < m->n_tensors; i++) {
        if (outside[i] != 0) {
            write_outside(&w, &m->tensor[i], outside[i]);
        }
    }
    *n = w.n;
    return w.bytes;
}
