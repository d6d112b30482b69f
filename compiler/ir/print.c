#include "compiler/ir/text.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/ops/opdef.h"
#include "compiler/text_buffer.h"

#define WIDTH 79     /* and a comma or bracket */
#define LIST_MAX 16  /* longer data are hexadecimal */
#define HEX_BYTES 36 /* a line */

const tp_attr_field tp_attr_fields[TP_N_ATTR_FIELDS] = {
    {'s', "stride", offsetof(tp_attr, stride_h), 2, {1, 1}},
    {'d', "dilation", offsetof(tp_attr, dilation_h), 2, {1, 1}},
    {'p', "pad", offsetof(tp_attr, pad_t), 4, {0}},
    {'k', "window", offsetof(tp_attr, k_h), 2, {0}},
    {'a', "act", offsetof(tp_attr, act_min), 2, {-128, 127}},
    {'x', "axis", offsetof(tp_attr, axis), 1, {0}},
    {'v', "value", offsetof(tp_attr, value), 1, {0}},
    {'r', "rank", offsetof(tp_attr, rank), 1, {0}},
    {'z', "align_corners", offsetof(tp_attr, align_corners), 1, {0}},
    {'z', "half_pixel", offsetof(tp_attr, half_pixel), 1, {0}},
    {'g', "seed", offsetof(tp_attr, seed), 1, {0}},
};

tp_attr tp_attr_only(tp_kind kind, const tp_attr *attr) {
    const char *uses = tp_kind_attrs(kind);
    tp_attr only = {0};
    for (int i = 0; i < TP_N_ATTR_FIELDS; i++) {
        const tp_attr_field *f = &tp_attr_fields[i];
        if (strchr(uses, f->letter) != NULL) {
            memcpy((char *)&only + f->offset, (const char *)attr + f->offset,
                   (size_t)f->count * sizeof(int32_t));
        }
    }
    if (strchr(uses, 'f') != NULL) {
        only.alpha = attr->alpha;
    }
    if (strchr(uses, 'o') != NULL) {
        only.of = attr->of;
    }
    if (strchr(uses, 'l') != NULL) {
        only.n_list = attr->n_list;
        memcpy(only.list, attr->list, sizeof only.list);
    }
    return only;
}

const char *tp_role_name(tp_role role) {
    static const char *const names[TP_ROLE_COUNT] = {
        [TP_INPUT] = "input", [TP_CONST] = "const",   [TP_PARAM] = "param",
        [TP_GRAD] = "grad",   [TP_TARGET] = "target", [TP_LOSS] = "loss",
    };
    return names[role];
}

bool tp_text_plain(char c, bool first) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
           (!first && ((c >= '0' && c <= '9') || c == '.'));
}

size_t tp_text_word(tp_dtype dtype) {
    return tp_dtype_bytes(dtype) == 0 ? 1 : tp_dtype_bytes(dtype);
}

bool tp_text_numbers(tp_dtype dtype) {
    return dtype == TP_S8 || dtype == TP_U8 || dtype == TP_S16 ||
           dtype == TP_S32 || dtype == TP_F32;
}

/* --- text that grows ------------------------------------------------------ */

typedef struct writer {
    tp_text text;
    size_t line; /* where the current line began */
} writer;

static void put(writer *w, const char *text) {
    tp_text_add(&w->text, "%s", text);
}

static void newline(writer *w, const char *indent) {
    put(w, "\n");
    w->line = w->text.n;
    put(w, indent);
}

/* A short token that moves to the next line where it does not fit; a space at
 * its front is dropped there. */
static void token(writer *w, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void token(writer *w, const char *format, ...) {
    char text[128];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    const char *from = text;
    if (w->text.n - w->line + strlen(text) > WIDTH) {
        newline(w, "        ");
        from += text[0] == ' ';
    }
    put(w, from);
}

/* --- words and numbers ---------------------------------------------------- */

static bool plain(const char *name) {
    for (size_t i = 0; name[i] != '\0'; i++) {
        if (!tp_text_plain(name[i], i == 0)) {
            return false;
        }
    }
    return name[0] != '\0' && strcmp(name, "_") != 0;
}

static void quoted(writer *w, const char *name) {
    put(w, "\"");
    for (const char *c = name; *c != '\0'; c++) {
        char escape[8] = {*c, '\0'};
        if (*c == '"' || *c == '\\') {
            (void)snprintf(escape, sizeof escape, "\\%c", *c);
        } else if (*c == '\n' || *c == '\t') {
            (void)snprintf(escape, sizeof escape, *c == '\n' ? "\\n" : "\\t");
        } else if (*c < ' ' || *c > '~') {
            (void)snprintf(escape, sizeof escape, "\\x%02x",
                           (unsigned)(unsigned char)*c);
        }
        put(w, escape);
    }
    put(w, "\"");
}

static void word(writer *w, const char *name) {
    if (plain(name)) {
        put(w, name);
    } else {
        quoted(w, name);
    }
}

static void reference(writer *w, const char *before, int tensor) {
    if (tensor < 0) {
        token(w, "%s_", before);
    } else {
        token(w, "%s%%%d", before, tensor);
    }
}

/* The fewest digits, 6 or more, that read back as the same number. */
static void real(writer *w, const char *before, double x, bool narrow) {
    const int enough = narrow ? 9 : 17;
    char text[40];
    int digits = 6;
    bool same = false;
    if (isnan(x)) { /* printf may show the sign, or not, or more */
        token(w, "%snan", before);
        return;
    }
    for (; !same && digits <= enough; digits++) {
        (void)snprintf(text, sizeof text, "%.*g", digits, x);
        const double back =
            narrow ? (double)strtof(text, NULL) : strtod(text, NULL);
        same = back <= x && back >= x;
    }
    token(w, "%s%s", before, text);
}

/* --- data ----------------------------------------------------------------- */

static uint32_t load(const void *data, size_t i, size_t size) {
    const uint8_t *from = (const uint8_t *)data + i * size;
    uint16_t half = 0;
    uint32_t full = 0;
    if (size == 1) {
        return *from;
    }
    if (size == 2) {
        memcpy(&half, from, sizeof half);
        return half;
    }
    memcpy(&full, from, sizeof full);
    return full;
}

static float as_float(uint32_t bits) {
    float x = 0.0F;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static void element(writer *w, const char *before, tp_dtype dtype,
                    uint32_t bits) {
    if (dtype == TP_F32) {
        real(w, before, (double)as_float(bits), true);
        return;
    }
    int64_t value = (int64_t)bits; /* unsigned; sign-extended unless u8 */
    const int64_t sign = INT64_C(1) << (8 * tp_dtype_bytes(dtype) - 1);
    if (dtype != TP_U8 && value >= sign) {
        value -= 2 * sign;
    }
    token(w, "%s%lld", before, (long long)value);
}

/* NaNs would lose their payload. */
static bool all_numbers(const tp_tensor *t, size_t n, size_t size) {
    for (size_t i = 0; t->dtype == TP_F32 && i < n; i++) {
        if (isnan(as_float(load(t->data, i, size)))) {
            return false;
        }
    }
    return tp_text_numbers(t->dtype);
}

static bool all_equal(const void *data, size_t n, size_t size) {
    for (size_t i = 1; i < n; i++) {
        if (load(data, i, size) != load(data, 0, size)) {
            return false;
        }
    }
    return true;
}

static void hex(writer *w, const tp_tensor *t, size_t n, size_t size) {
    char line[2 * HEX_BYTES + 1];
    size_t used = 0;
    put(w, " = hex");
    for (size_t i = 0; i < n * size; i++) {
        const uint32_t bits = load(t->data, i / size, size);
        const unsigned byte = bits >> (8 * (i % size)) & 255u;
        (void)snprintf(line + used, 3, "%02x", byte);
        used += 2;
        if (used == 2 * HEX_BYTES || i + 1 == n * size) {
            newline(w, "    ");
            put(w, line);
            used = 0;
        }
    }
}

static void data(writer *w, const tp_tensor *t) {
    const size_t size = tp_text_word(t->dtype);
    const size_t n = tp_tensor_bytes(t) / size;
    const bool numbers = all_numbers(t, n, size);
    if (numbers && n > LIST_MAX && n * size <= TP_TEXT_FILL_EACH &&
        all_equal(t->data, n, size)) {
        token(w, " =");
        element(w, " fill(", t->dtype, load(t->data, 0, size));
        put(w, ")");
    } else if (numbers && n <= LIST_MAX) {
        token(w, " =");
        for (size_t i = 0; i < n; i++) {
            put(w, i == 0 ? "" : ",");
            element(w, i == 0 ? " [" : " ", t->dtype, load(t->data, i, size));
        }
        put(w, "]");
    } else {
        hex(w, t, n, size);
    }
}

/* --- tensors -------------------------------------------------------------- */

static void quant(writer *w, const tp_quant *q) {
    if (q->n == 1) {
        real(w, " q(", (double)q->scale[0], true);
        token(w, ", %d)", (int)q->zero_point);
    } else if (q->n > 1) {
        token(w, " qc(%d;", q->axis);
        for (int c = 0; c < q->n; c++) {
            real(w, " ", (double)q->scale[c], true);
            put(w, c + 1 < q->n ? "," : ")");
        }
    }
}

static void tensor(writer *w, const tp_graph *graph, int index) {
    const tp_tensor *t = &graph->tensor[index];
    const char *role = tp_role_name(t->role);
    token(w, "%s%s%%%d ", role != NULL ? role : "", role != NULL ? " " : "",
          index);
    quoted(w, t->name != NULL ? t->name : "");
    token(w, " %s[", tp_dtype_name(t->dtype));
    for (int i = 0; i < t->rank; i++) {
        put(w, i == 0 ? "" : ",");
        token(w, "%d", (int)t->dim[i]);
    }
    put(w, "]");
    quant(w, &t->quant);
    if (t->role == TP_PARAM && t->quant.n == 0 && t->quant.axis != 0) {
        token(w, " axis=%d", t->quant.axis);
    }
    if (t->role == TP_PARAM && t->train.init == TP_INIT_GAUSS) {
        token(w, " init=gauss");
    }
    if (t->role == TP_PARAM &&
        (t->train.init_std != 0.0 || signbit(t->train.init_std))) {
        real(w, " std=", t->train.init_std, false);
    }
    if (t->role == TP_PARAM && t->train.limit != 0) {
        token(w, " limit=%d", (int)t->train.limit);
    }
    if (t->role == TP_GRAD) {
        reference(w, " param=", t->train.param);
    }
    const bool has_unit = t->role == TP_VALUE && t->dtype == TP_Q32;
    if (t->role == TP_GRAD ||
        (has_unit && (t->train.unit != 0.0 || signbit(t->train.unit)))) {
        real(w, " unit=", t->train.unit, false);
    }
    if (t->latent) {
        token(w, " latent");
    }
    if (t->role == TP_CONST && t->data != NULL) {
        data(w, t);
    }
}

/* --- operations ----------------------------------------------------------- */

static void integers(writer *w, const char *key, const int32_t *v, int n) {
    token(w, " %s=[", key);
    for (int i = 0; i < n; i++) {
        put(w, i == 0 ? "" : ",");
        token(w, "%d", (int)v[i]);
    }
    put(w, "]");
}

static void field(writer *w, const tp_attr_field *f, const tp_attr *attr) {
    int32_t v[4];
    const size_t bytes = (size_t)f->count * sizeof *v;
    memcpy(v, (const char *)attr + f->offset, bytes);
    if (memcmp(v, f->left_out, bytes) == 0) {
        return;
    }
    if (f->count == 1) {
        token(w, " %s=%d", f->key, (int)v[0]);
    } else {
        integers(w, f->key, v, f->count);
    }
}

static void attributes(writer *w, const tp_op *op) {
    const char *uses = tp_kind_attrs(op->kind);
    const tp_attr *attr = &op->attr;
    for (int i = 0; i < TP_N_ATTR_FIELDS; i++) {
        if (strchr(uses, tp_attr_fields[i].letter) != NULL) {
            field(w, &tp_attr_fields[i], attr);
        }
    }
    if (strchr(uses, 'f') != NULL &&
        (attr->alpha != 0.0F || signbit(attr->alpha))) {
        real(w, " alpha=", (double)attr->alpha, true);
    }
    if (strchr(uses, 'l') != NULL && attr->n_list > 0) {
        integers(w, "list", attr->list, (int)attr->n_list);
    }
    if (strchr(uses, 'o') != NULL) {
        token(w, " of=%s", tp_kind_name((tp_kind)attr->of));
    }
    if (op->source != -1) {
        token(w, " source=%d", op->source);
    }
}

/* `declares`: the op's output has not been declared yet. */
static void operation(writer *w, const tp_graph *graph, const tp_op *op,
                      bool declares) {
    if (declares) {
        tensor(w, graph, op->out);
        newline(w, "    ");
    } else {
        reference(w, "", op->out);
        put(w, " ");
    }
    put(w, "= ");
    word(w, op->name != NULL ? op->name : "");
    token(w, ": %s(", tp_kind_name(op->kind));
    for (int i = 0; i < op->n_in; i++) {
        put(w, i == 0 ? "" : ",");
        reference(w, i == 0 ? "" : " ", op->in[i]);
    }
    put(w, ")");
    attributes(w, op);
    newline(w, "");
}

/* --- the graph ------------------------------------------------------------ */

static void head(writer *w, const tp_graph *graph) {
    static const uint8_t zeros[sizeof graph->sha256] = {0};
    put(w, "graph ");
    word(w, graph->name != NULL ? graph->name : "");
    newline(w, "");
    if (memcmp(graph->sha256, zeros, sizeof zeros) != 0) {
        put(w, "sha256 ");
        for (size_t i = 0; i < sizeof zeros; i++) {
            token(w, "%02x", (unsigned)graph->sha256[i]);
        }
        newline(w, "");
    }
    if (graph->io_in != TP_S8 || graph->io_out != TP_S8) {
        token(w, "io %s %s", tp_dtype_name(graph->io_in),
              tp_dtype_name(graph->io_out));
        newline(w, "");
    }
    newline(w, "");
}

static void marks(writer *w, const tp_graph *graph) {
    if (graph->output >= 0) {
        token(w, "output %%%d", graph->output);
        newline(w, "");
    }
    if (graph->logits >= 0) {
        token(w, "logits %%%d", graph->logits);
        newline(w, "");
    }
}

/* The tensor is declared where its op stands, not before all ops. */
static bool beside_op(const tp_graph *graph, int index, int op) {
    return index >= 0 && graph->tensor[index].role == TP_VALUE &&
           tp_graph_producer(graph, index) == op;
}

char *tp_graph_print(tp_arena *arena, const tp_graph *graph) {
    tp_arena scratch = {0};
    writer w = {.text = {.arena = &scratch}};
    head(&w, graph);
    for (int i = 0; i < graph->n_tensors; i++) {
        if (graph->tensor[i].role != TP_VALUE ||
            tp_graph_producer(graph, i) < 0) {
            tensor(&w, graph, i);
            newline(&w, "");
        }
    }
    for (int i = 0; i < graph->n_ops; i++) {
        if (i == graph->first_backward) {
            put(&w, "backward");
            newline(&w, "");
        }
        operation(&w, graph, &graph->op[i],
                  beside_op(graph, graph->op[i].out, i));
    }
    marks(&w, graph);
    const char *text = tp_text_done(&w.text);
    char *kept =
        text == NULL ? NULL : tp_arena_copy(arena, text, w.text.n + 1, 1);
    tp_arena_free(&scratch);
    return kept;
}
