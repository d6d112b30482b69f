/* Statements of the text form. Nothing is recursive: statements are flat. */
#include <string.h>

#include "compiler/ir/lex.h"
#include "compiler/ir/text.h"
#include "compiler/ops/opdef.h"

#define MAX_INPUTS 255 /* of an op: the most that ops.def can name */

/* What is known of tensor %i. */
typedef struct slot {
    tp_tensor tensor;
    const char *mention; /* first place in the text; NULL: none */
    bool declared;
} slot;

typedef struct parser {
    tp_lexer lex;
    tp_arena scratch;
    tp_graph graph;
    slot *slot;
    int n_slots, cap_slots;
    size_t filled;  /* bytes made by fill() */
    unsigned given; /* statements that stand at most once: bit by row */
} parser;

/* --- references to tensors ------------------------------------------------ */

/* Room for %index. */
static tp_status know(parser *p, int index, const char *where) {
    if (index >= p->cap_slots) {
        const int cap = index * 2 + 64;
        slot *wider = tp_arena_alloc(&p->scratch, (size_t)cap, sizeof *wider);
        if (wider == NULL) {
            return tp_no_memory(p->lex.diag);
        }
        if (p->n_slots > 0) {
            memcpy(wider, p->slot, (size_t)p->n_slots * sizeof *wider);
        }
        p->slot = wider;
        p->cap_slots = cap;
    }
    if (index >= p->n_slots) {
        p->n_slots = index + 1;
    }
    if (p->slot[index].mention == NULL) {
        p->slot[index].mention = where;
    }
    return TP_OK;
}

/* %7, or _ (-1) where `absent`. */
static tp_status reference(parser *p, bool absent, int *index) {
    const char *where = tp_lex_next(&p->lex);
    int64_t wide = -1;
    if (tp_lex_accept(&p->lex, '%')) {
        TP_TRY(tp_lex_integer(&p->lex, 0, TP_TEXT_TENSORS - 1, &wide));
        TP_TRY(know(p, (int)wide, where));
    } else if (!absent || !tp_lex_accept(&p->lex, '_')) {
        return tp_lex_fail(&p->lex, where, "expected a tensor such as %%7%s",
                           absent ? ", or _" : "");
    }
    *index = (int)wide;
    return TP_OK;
}

/* --- declarations --------------------------------------------------------- */

static tp_status dtype_of(parser *p, tp_dtype *dtype) {
    const tp_span s = tp_lex_word(&p->lex);
    for (int i = 0; i < TP_DTYPE_COUNT; i++) {
        if (tp_lex_is(s, tp_dtype_name((tp_dtype)i))) {
            *dtype = (tp_dtype)i;
            return TP_OK;
        }
    }
    return tp_lex_fail(&p->lex, s.at,
                       "expected a type: s8 u8 s16 s32 f32 bits q8 q16 q32");
}

/* [1,4,4,2]; at most 2^31 - 1 elements, so that no later product overflows. */
static tp_status shape(parser *p, tp_tensor *t) {
    int64_t count = 1;
    TP_TRY(tp_lex_expect(&p->lex, '['));
    while (!tp_lex_accept(&p->lex, ']')) {
        if (t->rank > 0) {
            TP_TRY(tp_lex_expect(&p->lex, ','));
        }
        const char *where = tp_lex_next(&p->lex);
        if (t->rank == TP_MAX_RANK) {
            return tp_lex_fail(&p->lex, where, "expected at most %d dimensions",
                               TP_MAX_RANK);
        }
        int64_t dim = 0;
        TP_TRY(tp_lex_integer(&p->lex, 1, INT32_MAX, &dim));
        count *= dim; /* < 2^62 */
        if (count > INT32_MAX) {
            return tp_lex_fail(&p->lex, where, "more than 2147483647 elements");
        }
        t->dim[t->rank++] = (int32_t)dim;
    }
    return TP_OK;
}

/* After "qc(": the axis and a scale for each index along it. */
static tp_status channels(parser *p, tp_tensor *t) {
    int64_t axis = 0;
    const char *where = tp_lex_next(&p->lex);
    TP_TRY(tp_lex_integer(&p->lex, 0, TP_MAX_RANK - 1, &axis));
    if (axis >= t->rank) {
        return tp_lex_fail(&p->lex, where, "expected an axis of the shape");
    }
    TP_TRY(tp_lex_expect(&p->lex, ';'));
    const int32_t n = t->dim[axis];
    where = tp_lex_next(&p->lex);
    if (n > (p->lex.end - where) / 2) { /* a digit and a comma each */
        return tp_lex_fail(&p->lex, where, "expected %d scales", (int)n);
    }
    float *scale = tp_arena_alloc(p->lex.arena, (size_t)n, sizeof *scale);
    if (scale == NULL) {
        return tp_no_memory(p->lex.diag);
    }
    for (int32_t c = 0; c < n; c++) {
        if (c > 0) {
            TP_TRY(tp_lex_expect(&p->lex, ','));
        }
        TP_TRY(tp_lex_float(&p->lex, &scale[c]));
    }
    t->quant =
        (tp_quant){.n = (int)n, .scale = scale, .axis = n > 1 ? (int)axis : 0};
    return tp_lex_expect(&p->lex, ')');
}

/* After "q(". */
static tp_status one_scale(parser *p, tp_tensor *t) {
    float *scale = tp_arena_alloc(p->lex.arena, 1, sizeof *scale);
    if (scale == NULL) {
        return tp_no_memory(p->lex.diag);
    }
    t->quant = (tp_quant){.n = 1, .scale = scale};
    TP_TRY(tp_lex_float(&p->lex, scale));
    TP_TRY(tp_lex_expect(&p->lex, ','));
    TP_TRY(tp_lex_int32(&p->lex, &t->quant.zero_point));
    return tp_lex_expect(&p->lex, ')');
}

static tp_status quant(parser *p, tp_tensor *t) {
    const char *before = p->lex.at;
    const tp_span s = tp_lex_word(&p->lex);
    if (tp_lex_is(s, "q") && tp_lex_accept(&p->lex, '(')) {
        return one_scale(p, t);
    }
    if (tp_lex_is(s, "qc") && tp_lex_accept(&p->lex, '(')) {
        return channels(p, t);
    }
    p->lex.at = before;
    return TP_OK;
}

/* Of the ranks. */
static tp_status axis_of(parser *p, tp_tensor *t) {
    int64_t axis = 0;
    TP_TRY(tp_lex_integer(&p->lex, 0, t->rank > 0 ? t->rank - 1 : 0, &axis));
    t->quant.axis = (int)axis;
    return TP_OK;
}

/* axis=1 init=gauss std=0.5, or param=%3 unit=0.25, or unit=0.25 */
static tp_status trainable(parser *p, tp_tensor *t) {
    for (tp_span s = tp_lex_key(&p->lex); s.n != 0; s = tp_lex_key(&p->lex)) {
        if (t->role == TP_PARAM && tp_lex_is(s, "init")) {
            const tp_span v = tp_lex_word(&p->lex);
            if (!tp_lex_is(v, "gauss") && !tp_lex_is(v, "zero")) {
                return tp_lex_fail(&p->lex, v.at, "expected gauss or zero");
            }
            t->train.init =
                tp_lex_is(v, "gauss") ? TP_INIT_GAUSS : TP_INIT_ZERO;
        } else if (t->role == TP_PARAM && tp_lex_is(s, "axis")) {
            TP_TRY(axis_of(p, t));
        } else if (t->role == TP_PARAM && tp_lex_is(s, "std")) {
            TP_TRY(tp_lex_double(&p->lex, &t->train.init_std));
        } else if (t->role == TP_PARAM && tp_lex_is(s, "limit")) {
            TP_TRY(tp_lex_int32(&p->lex, &t->train.limit));
        } else if (t->role == TP_GRAD && tp_lex_is(s, "param")) {
            TP_TRY(reference(p, true, &t->train.param));
        } else if (t->role != TP_PARAM && tp_lex_is(s, "unit")) {
            TP_TRY(tp_lex_double(&p->lex, &t->train.unit));
        } else {
            return tp_lex_fail(&p->lex, s.at, "expected %s",
                               t->role == TP_PARAM  ? "init=, std= or axis="
                               : t->role == TP_GRAD ? "param= or unit="
                                                    : "unit=");
        }
    }
    return TP_OK;
}

/* --- data ----------------------------------------------------------------- */

static void store(uint8_t *data, size_t i, size_t size, uint32_t bits) {
    uint8_t *to = data + i * size;
    const uint16_t half = (uint16_t)bits;
    if (size == 1) {
        *to = (uint8_t)bits;
    } else if (size == 2) {
        memcpy(to, &half, sizeof half);
    } else {
        memcpy(to, &bits, sizeof bits);
    }
}

/* One element as a number of its type's range. */
static tp_status element(parser *p, tp_dtype dtype, uint32_t *bits) {
    if (dtype == TP_F32) {
        float x = 0.0F;
        TP_TRY(tp_lex_float(&p->lex, &x));
        memcpy(bits, &x, sizeof x);
        return TP_OK;
    }
    const int width = 8 * (int)tp_dtype_bytes(dtype);
    const int64_t lo = dtype == TP_U8 ? 0 : -(INT64_C(1) << (width - 1));
    int64_t v = 0;
    TP_TRY(tp_lex_integer(&p->lex, lo, lo + (INT64_C(1) << width) - 1, &v));
    *bits = (uint32_t)v;
    return TP_OK;
}

static tp_status list(parser *p, tp_dtype dtype, uint8_t *data, size_t n) {
    for (size_t i = 0; i < n; i++) {
        const char *where = tp_lex_next(&p->lex);
        if (*where == ']') {
            return tp_lex_fail(&p->lex, where,
                               "expected %zu elements, found %zu", n, i);
        }
        if (i > 0) {
            TP_TRY(tp_lex_expect(&p->lex, ','));
        }
        uint32_t bits = 0;
        TP_TRY(element(p, dtype, &bits));
        store(data, i, tp_text_word(dtype), bits);
    }
    return tp_lex_expect(&p->lex, ']');
}

static tp_status fill(parser *p, tp_dtype dtype, uint8_t *data, size_t n) {
    uint32_t bits = 0;
    TP_TRY(tp_lex_expect(&p->lex, '('));
    TP_TRY(element(p, dtype, &bits));
    for (size_t i = 0; i < n; i++) {
        store(data, i, tp_text_word(dtype), bits);
    }
    return tp_lex_expect(&p->lex, ')');
}

static tp_status hex(parser *p, tp_dtype dtype, uint8_t *data, size_t n) {
    const size_t size = tp_text_word(dtype);
    TP_TRY(tp_lex_hex(&p->lex, data, n * size));
    for (size_t i = 0; i < n; i++) {
        uint32_t bits = 0;
        for (size_t k = 0; k < size; k++) {
            bits |= (uint32_t)data[i * size + k] << (8 * k);
        }
        store(data, i, size, bits);
    }
    return TP_OK;
}

/* After the '='. Memory is asked for only where the text can be long enough
 * to fill it. */
static tp_status contents(parser *p, tp_tensor *t) {
    const size_t bytes = tp_tensor_bytes(t);
    const size_t n = bytes / tp_text_word(t->dtype);
    const bool numbers = tp_text_numbers(t->dtype);
    const bool listed = numbers && tp_lex_accept(&p->lex, '[');
    const tp_span s = listed ? (tp_span){p->lex.at, 0} : tp_lex_word(&p->lex);
    const bool filled = numbers && tp_lex_is(s, "fill");
    if (!listed && !filled && !tp_lex_is(s, "hex")) {
        return tp_lex_fail(&p->lex, s.at,
                           numbers ? "expected [, fill or hex"
                                   : "expected hex: the type has a header");
    }
    if (filled && bytes > TP_TEXT_FILL_ALL - p->filled) {
        return tp_lex_fail(&p->lex, s.at, "more than %zu bytes of fill()",
                           TP_TEXT_FILL_ALL);
    }
    const size_t left = (size_t)(p->lex.end - p->lex.at);
    if (!filled && (listed ? n : bytes) > left / 2) {
        return tp_lex_fail(&p->lex, s.at,
                           "expected %zu elements: the text ends before", n);
    }
    uint8_t *data = tp_arena_alloc(p->lex.arena, bytes, 1);
    if (data == NULL) {
        return tp_no_memory(p->lex.diag);
    }
    t->data = data;
    if (filled) {
        p->filled += bytes;
        return fill(p, t->dtype, data, n);
    }
    return listed ? list(p, t->dtype, data, n) : hex(p, t->dtype, data, n);
}

/* --- operations ----------------------------------------------------------- */

/* One of tp_attr_fields: a number, or [a,b,..]. */
static tp_status field(parser *p, const tp_attr_field *f, tp_attr *attr) {
    int32_t v[4] = {0};
    if (f->count > 1) {
        TP_TRY(tp_lex_expect(&p->lex, '['));
    }
    for (int i = 0; i < f->count; i++) {
        if (i > 0) {
            TP_TRY(tp_lex_expect(&p->lex, ','));
        }
        TP_TRY(tp_lex_int32(&p->lex, &v[i]));
    }
    memcpy((char *)attr + f->offset, v, (size_t)f->count * sizeof *v);
    return f->count > 1 ? tp_lex_expect(&p->lex, ']') : TP_OK;
}

static tp_status list_of(parser *p, tp_attr *attr) {
    TP_TRY(tp_lex_expect(&p->lex, '['));
    attr->n_list = 0;
    while (!tp_lex_accept(&p->lex, ']')) {
        if (attr->n_list > 0) {
            TP_TRY(tp_lex_expect(&p->lex, ','));
        }
        if (attr->n_list == 2 * TP_MAX_RANK) {
            return tp_lex_fail(&p->lex, tp_lex_next(&p->lex),
                               "expected at most %d numbers", 2 * TP_MAX_RANK);
        }
        TP_TRY(tp_lex_int32(&p->lex, &attr->list[attr->n_list]));
        attr->n_list++;
    }
    return TP_OK;
}

static tp_status kind_of(parser *p, tp_kind *kind) {
    const tp_span s = tp_lex_word(&p->lex);
    for (int i = 0; i < TP_KIND_COUNT; i++) {
        if (tp_lex_is(s, tp_kind_name((tp_kind)i))) {
            *kind = (tp_kind)i;
            return TP_OK;
        }
    }
    return tp_lex_fail(&p->lex, s.at, "expected a kind of op, such as conv");
}

/* The value of attribute `key`, after its '='. */
static tp_status attribute(parser *p, tp_op *op, tp_span key) {
    const char *uses = tp_kind_attrs(op->kind);
    for (int i = 0; i < TP_N_ATTR_FIELDS; i++) {
        if (tp_lex_is(key, tp_attr_fields[i].key) &&
            strchr(uses, tp_attr_fields[i].letter) != NULL) {
            return field(p, &tp_attr_fields[i], &op->attr);
        }
    }
    if (tp_lex_is(key, "alpha") && strchr(uses, 'f') != NULL) {
        return tp_lex_float(&p->lex, &op->attr.alpha);
    }
    if (tp_lex_is(key, "list") && strchr(uses, 'l') != NULL) {
        return list_of(p, &op->attr);
    }
    if (tp_lex_is(key, "of") && strchr(uses, 'o') != NULL) {
        tp_kind of = (tp_kind)0;
        TP_TRY(kind_of(p, &of));
        op->attr.of = (int32_t)of;
        return TP_OK;
    }
    if (tp_lex_is(key, "source")) {
        return tp_lex_int32(&p->lex, &op->source);
    }
    return tp_lex_fail(&p->lex, key.at, "%s has no attribute '%.*s'",
                       tp_kind_name(op->kind), (int)(key.n < 40 ? key.n : 40),
                       key.at);
}

static void leave_out(tp_op *op) {
    const char *uses = tp_kind_attrs(op->kind);
    for (int i = 0; i < TP_N_ATTR_FIELDS; i++) {
        const tp_attr_field *f = &tp_attr_fields[i];
        if (strchr(uses, f->letter) != NULL) {
            memcpy((char *)&op->attr + f->offset, f->left_out,
                   (size_t)f->count * sizeof f->left_out[0]);
        }
    }
}

static tp_status inputs(parser *p, int in[MAX_INPUTS], int *n_in) {
    TP_TRY(tp_lex_expect(&p->lex, '('));
    while (!tp_lex_accept(&p->lex, ')')) {
        if (*n_in > 0) {
            TP_TRY(tp_lex_expect(&p->lex, ','));
        }
        if (*n_in == MAX_INPUTS) {
            return tp_lex_fail(&p->lex, tp_lex_next(&p->lex),
                               "expected at most %d inputs", MAX_INPUTS);
        }
        TP_TRY(reference(p, true, &in[*n_in]));
        ++*n_in;
    }
    return TP_OK;
}

/* After "%7 =". */
static tp_status operation(parser *p, int out) {
    const char *name = NULL;
    tp_kind kind = (tp_kind)0;
    int in[MAX_INPUTS];
    int n_in = 0;
    TP_TRY(tp_lex_name(&p->lex, "an op", &name));
    TP_TRY(tp_lex_expect(&p->lex, ':'));
    TP_TRY(kind_of(p, &kind));
    TP_TRY(inputs(p, in, &n_in));
    tp_op *op = tp_graph_insert_op(&p->graph, p->graph.n_ops, kind, name, in,
                                   n_in, out);
    if (op == NULL) {
        return tp_no_memory(p->lex.diag);
    }
    leave_out(op);
    for (tp_span s = tp_lex_key(&p->lex); s.n != 0; s = tp_lex_key(&p->lex)) {
        TP_TRY(attribute(p, op, s));
    }
    return TP_OK;
}

/* --- statements ----------------------------------------------------------- */

static tp_status label(parser *p, tp_tensor *t, int index) {
    if (tp_lex_accept(&p->lex, '"')) {
        p->lex.at--;
        return tp_lex_name(&p->lex, "a tensor", &t->name);
    }
    t->name = tp_arena_printf(p->lex.arena, "t%d", index);
    return t->name != NULL ? TP_OK : tp_no_memory(p->lex.diag);
}

/* Kept with the sample. */
static bool latent(parser *p) {
    const char *before = p->lex.at;
    const bool is = tp_lex_is(tp_lex_word(&p->lex), "latent");
    p->lex.at = is ? p->lex.at : before;
    return is;
}

/* After the role and the number. */
static tp_status declare(parser *p, tp_role role, int index,
                         const char *where) {
    tp_tensor t = {.role = role, .train = {.param = -1}};
    if (p->slot[index].declared) {
        return tp_lex_fail(&p->lex, where, "%%%d is declared twice", index);
    }
    TP_TRY(label(p, &t, index));
    TP_TRY(dtype_of(p, &t.dtype));
    TP_TRY(shape(p, &t));
    TP_TRY(quant(p, &t));
    if (role == TP_PARAM || role == TP_GRAD ||
        (role == TP_VALUE && t.dtype == TP_Q32)) {
        TP_TRY(trainable(p, &t));
    }
    t.latent = role == TP_VALUE && latent(p);
    if (role == TP_CONST && tp_lex_accept(&p->lex, '=')) {
        TP_TRY(contents(p, &t));
    }
    p->slot[index].tensor = t;
    p->slot[index].declared = true;
    return role == TP_VALUE && tp_lex_accept(&p->lex, '=') ? operation(p, index)
                                                           : TP_OK;
}

/* "%7 = op" or "%7 "name" s8[..] ..." */
static tp_status value(parser *p) {
    const char *where = tp_lex_next(&p->lex);
    int index = -1;
    TP_TRY(reference(p, true, &index));
    if (tp_lex_accept(&p->lex, '=')) {
        return operation(p, index);
    }
    return index < 0 ? tp_lex_expect(&p->lex, '=')
                     : declare(p, TP_VALUE, index, where);
}

static tp_status role_of(parser *p, tp_role role) {
    const char *where = tp_lex_next(&p->lex);
    int index = -1;
    TP_TRY(reference(p, false, &index));
    return declare(p, role, index, where);
}

static tp_status name_graph(parser *p) {
    return tp_lex_name(&p->lex, "the graph", &p->graph.name);
}

static tp_status digest(parser *p) {
    return tp_lex_hex(&p->lex, p->graph.sha256, sizeof p->graph.sha256);
}

static tp_status interface(parser *p) {
    TP_TRY(dtype_of(p, &p->graph.io_in));
    return dtype_of(p, &p->graph.io_out);
}

static tp_status output(parser *p) {
    return reference(p, false, &p->graph.output);
}

static tp_status logits(parser *p) {
    return reference(p, false, &p->graph.logits);
}

static tp_status backward(parser *p) {
    p->graph.first_backward = p->graph.n_ops;
    return TP_OK;
}

static const struct {
    const char *word;
    tp_status (*read)(parser *p);
} statements[] = {
    {"graph", name_graph}, {"sha256", digest}, {"io", interface},
    {"output", output},    {"logits", logits}, {"backward", backward},
};

#define N_STATEMENTS (sizeof statements / sizeof statements[0])

static tp_status statement(parser *p) {
    const char *where = tp_lex_next(&p->lex);
    if (*where == '%' || *where == '_') {
        return value(p);
    }
    const tp_span s = tp_lex_word(&p->lex);
    for (int i = 0; i < TP_ROLE_COUNT; i++) {
        const char *role = tp_role_name((tp_role)i);
        if (role != NULL && tp_lex_is(s, role)) {
            return role_of(p, (tp_role)i);
        }
    }
    for (unsigned i = 0; i < N_STATEMENTS; i++) {
        if (!tp_lex_is(s, statements[i].word)) {
            continue;
        }
        if ((p->given >> i & 1u) != 0) {
            return tp_lex_fail(&p->lex, where, "'%s' stands here twice",
                               statements[i].word);
        }
        p->given |= 1u << i;
        return statements[i].read(p);
    }
    return tp_lex_fail(&p->lex, where,
                       "expected a tensor, an op, output, logits or backward");
}

/* Where a tensor is mentioned that is not declared, or the text ends with a
 * gap in the numbers. */
static tp_status check_declared(parser *p) {
    int gap = -1;
    for (int i = p->n_slots - 1; i >= 0; i--) {
        const slot *s = &p->slot[i];
        if (!s->declared && s->mention != NULL) {
            return tp_lex_fail(&p->lex, s->mention, "%%%d is not declared", i);
        }
        gap = s->declared ? gap : i;
    }
    return gap < 0
               ? TP_OK
               : tp_lex_fail(&p->lex, p->lex.end,
                             "%%%d is not declared: numbers have no gaps", gap);
}

static tp_status finish(parser *p) {
    TP_TRY(check_declared(p));
    for (int i = 0; i < p->n_slots; i++) {
        if (p->slot[i].tensor.role == TP_INPUT && p->graph.input < 0) {
            p->graph.input = i;
        }
        if (tp_graph_add_tensor(&p->graph, &p->slot[i].tensor) < 0) {
            return tp_no_memory(p->lex.diag);
        }
    }
    if ((p->given >> (N_STATEMENTS - 1) & 1u) == 0) { /* no backward */
        p->graph.first_backward = p->graph.n_ops;
    }
    return TP_OK;
}

static tp_status whole(parser *p) {
    tp_lexer *lex = &p->lex;
    const char *where = tp_lex_next(lex);
    if (!tp_lex_is(tp_lex_word(lex), "graph")) {
        return tp_lex_fail(lex, where, "expected 'graph' and its name");
    }
    lex->at = where;
    while (tp_lex_next(lex) < lex->end) {
        TP_TRY(statement(p));
    }
    return finish(p);
}

tp_status tp_graph_parse(tp_arena *arena, const char *text, tp_graph *graph,
                         tp_diag *diag) {
    parser p = {
        .lex = {arena, diag, text, text, text + strlen(text)},
        .graph = {.arena = arena, .input = -1, .output = -1, .logits = -1},
    };
    const tp_status status = whole(&p);
    if (status == TP_OK) {
        *graph = p.graph;
    }
    tp_arena_free(&p.scratch);
    return status;
}
