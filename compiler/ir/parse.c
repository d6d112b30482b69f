/* Statements of the text form. Nothing is recursive: statements are flat. */
#include <string.h>

#include "compiler/ir/parse.h"
#include "compiler/ir/text.h"
#include "compiler/ops/opdef.h"

#define MAX_INPUTS 255 /* of an op: the most that ops.def can name */

/* --- references to tensors ------------------------------------------------ */

/* Room for %index. */
static tp_status know(tp_parser *p, int index, const char *where) {
    if (index >= p->cap_slots) {
        const int cap = index * 2 + 64;
        tp_parser_slot *wider =
            tp_arena_alloc(&p->scratch, (size_t)cap, sizeof *wider);
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

tp_status tp_parse_reference(tp_parser *p, bool absent, int *index) {
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

/* --- operations ----------------------------------------------------------- */

/* One of tp_attr_fields: a number, or [a,b,..]. */
static tp_status field(tp_parser *p, const tp_attr_field *f, tp_attr *attr) {
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

static tp_status list_of(tp_parser *p, tp_attr *attr) {
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

static tp_status kind_of(tp_parser *p, tp_kind *kind) {
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
static tp_status attribute(tp_parser *p, tp_op *op, tp_span key) {
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

static tp_status inputs(tp_parser *p, int in[MAX_INPUTS], int *n_in) {
    TP_TRY(tp_lex_expect(&p->lex, '('));
    while (!tp_lex_accept(&p->lex, ')')) {
        if (*n_in > 0) {
            TP_TRY(tp_lex_expect(&p->lex, ','));
        }
        if (*n_in == MAX_INPUTS) {
            return tp_lex_fail(&p->lex, tp_lex_next(&p->lex),
                               "expected at most %d inputs", MAX_INPUTS);
        }
        TP_TRY(tp_parse_reference(p, true, &in[*n_in]));
        ++*n_in;
    }
    return TP_OK;
}

/* After "%7 =". */
static tp_status operation(tp_parser *p, int out) {
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

static tp_status label(tp_parser *p, tp_tensor *t, int index) {
    if (tp_lex_accept(&p->lex, '"')) {
        p->lex.at--;
        return tp_lex_name(&p->lex, "a tensor", &t->name);
    }
    t->name = tp_arena_printf(p->lex.arena, "t%d", index);
    return t->name != NULL ? TP_OK : tp_no_memory(p->lex.diag);
}

/* After the role and the number. */
static tp_status declare(tp_parser *p, tp_role role, int index,
                         const char *where) {
    tp_tensor t = {.role = role, .train = {.param = -1}};
    if (p->slot[index].declared) {
        return tp_lex_fail(&p->lex, where, "%%%d is declared twice", index);
    }
    TP_TRY(label(p, &t, index));
    TP_TRY(tp_parse_tensor(p, &t));
    p->slot[index].tensor = t;
    p->slot[index].declared = true;
    return role == TP_VALUE && tp_lex_accept(&p->lex, '=') ? operation(p, index)
                                                           : TP_OK;
}

/* "%7 = op" or "%7 "name" s8[..] ..." */
static tp_status value(tp_parser *p) {
    const char *where = tp_lex_next(&p->lex);
    int index = -1;
    TP_TRY(tp_parse_reference(p, true, &index));
    if (tp_lex_accept(&p->lex, '=')) {
        return operation(p, index);
    }
    return index < 0 ? tp_lex_expect(&p->lex, '=')
                     : declare(p, TP_VALUE, index, where);
}

static tp_status role_of(tp_parser *p, tp_role role) {
    const char *where = tp_lex_next(&p->lex);
    int index = -1;
    TP_TRY(tp_parse_reference(p, false, &index));
    return declare(p, role, index, where);
}

static tp_status name_graph(tp_parser *p) {
    return tp_lex_name(&p->lex, "the graph", &p->graph.name);
}

static tp_status digest(tp_parser *p) {
    return tp_lex_hex(&p->lex, p->graph.sha256, sizeof p->graph.sha256);
}

static tp_status interface(tp_parser *p) {
    TP_TRY(tp_parse_dtype(p, &p->graph.io_in));
    return tp_parse_dtype(p, &p->graph.io_out);
}

static tp_status output(tp_parser *p) {
    return tp_parse_reference(p, false, &p->graph.output);
}

static tp_status logits(tp_parser *p) {
    return tp_parse_reference(p, false, &p->graph.logits);
}

static tp_status backward(tp_parser *p) {
    p->graph.first_backward = p->graph.n_ops;
    return TP_OK;
}

static const struct {
    const char *word;
    tp_status (*read)(tp_parser *p);
} statements[] = {
    {"graph", name_graph}, {"sha256", digest}, {"io", interface},
    {"output", output},    {"logits", logits}, {"backward", backward},
};

#define N_STATEMENTS (sizeof statements / sizeof statements[0])

static tp_status statement(tp_parser *p) {
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
static tp_status check_declared(tp_parser *p) {
    int gap = -1;
    for (int i = p->n_slots - 1; i >= 0; i--) {
        const tp_parser_slot *s = &p->slot[i];
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

static tp_status finish(tp_parser *p) {
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

static tp_status whole(tp_parser *p) {
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
    tp_parser p = {
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
