#include "compiler/ir/verify.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "compiler/ops/opdef.h"

typedef struct checker {
    const tp_graph *graph;
    tp_diag *diag;
    int *producer;   /* [n_tensors] op that makes it among those seen; or -1 */
    bool *mark;      /* [n_tensors] scratch */
    bool *needed;    /* [n_ops] scratch */
    tp_status first; /* error */
} checker;

static void note_first(checker *c, tp_status status) {
    if (c->first == TP_OK) {
        c->first = status;
    }
}

static void wrong_tensor(checker *c, int index, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static void wrong_op(checker *c, const tp_op *op, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void wrong_tensor(checker *c, int index, const char *format, ...) {
    char what[256];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(what, sizeof what, format, args);
    va_end(args);
    const char *name = c->graph->tensor[index].name;
    note_first(c, tp_error(c->diag, TP_ERR_MALFORMED, "tensor %%%d '%s': %s",
                           index, name != NULL ? name : "", what));
}

static void wrong_op(checker *c, const tp_op *op, const char *format, ...) {
    char what[256];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(what, sizeof what, format, args);
    va_end(args);
    note_first(c, tp_error(c->diag, TP_ERR_MALFORMED, "op %s: %s",
                           op->name != NULL ? op->name : "?", what));
}

static void wrong_graph(checker *c, const char *what) {
    note_first(c, tp_error(c->diag, TP_ERR_MALFORMED, "graph: %s", what));
}

/* --- tensors -------------------------------------------------------------- */

static bool in_range(const checker *c, int tensor) {
    return tensor >= 0 && tensor < c->graph->n_tensors;
}

static const char *role_text(tp_role role) {
    static const char *const text[TP_ROLE_COUNT] = {
        [TP_VALUE] = "a value",
        [TP_INPUT] = "an input",
        [TP_CONST] = "a constant",
        [TP_PARAM] = "a parameter",
        [TP_GRAD] = "a gradient accumulator",
        [TP_TARGET] = "a target",
        [TP_LOSS] = "a loss",
    };
    return (unsigned)role < TP_ROLE_COUNT ? text[role] : "of no role";
}

/* The element types of a role, as a set of bits. F32 is in none: it is only
 * what the file's interface was. */
static unsigned types_of(tp_role role) {
    enum {
        S8 = 1 << TP_S8,
        U8 = 1 << TP_U8,
        S16 = 1 << TP_S16,
        U16 = 1 << TP_U16,
        S32 = 1 << TP_S32,
        BITS = 1 << TP_BITS,
        Q8 = 1 << TP_Q8,
        Q16 = 1 << TP_Q16,
        Q32 = 1 << TP_Q32,
        Q4 = 1 << TP_Q4,
        Q2 = 1 << TP_Q2
    };
    /* Q16 and S8: what a gradient is spent on, see passes/optimise.c. */
    static const unsigned types[TP_ROLE_COUNT] = {
        [TP_VALUE] = S8 | U8 | S16 | S32 | BITS | Q8 | Q16 | Q32,
        [TP_INPUT] = S8 | U8,
        [TP_CONST] = S8 | U8 | S16 | S32,
        [TP_PARAM] = Q8 | S16 | Q4 | Q2 | U16,
        [TP_GRAD] = Q32 | Q16 | S8,
        [TP_TARGET] = U8 | S8,
        [TP_LOSS] = S32,
    };
    return types[role];
}

/* True if the shape can be counted. */
static bool check_shape(checker *c, int index) {
    const tp_tensor *t = &c->graph->tensor[index];
    if (t->rank < 0 || t->rank > TP_MAX_RANK) {
        wrong_tensor(c, index, "rank %d; 0 to %d work", t->rank, TP_MAX_RANK);
        return false;
    }
    int64_t count = 1;
    for (int i = 0; i < t->rank; i++) {
        if (t->dim[i] < 1) {
            wrong_tensor(c, index, "dimension %d is %d; it must be 1 or more",
                         i, (int)t->dim[i]);
            return false;
        }
        count *= t->dim[i]; /* both < 2^31 */
        if (count > INT32_MAX) {
            wrong_tensor(c, index, "more than 2147483647 elements");
            return false;
        }
    }
    return true;
}

static void check_zero_point(checker *c, int index) {
    const tp_tensor *t = &c->graph->tensor[index];
    int32_t lo = 0;
    int32_t hi = 0;
    if (t->dtype == TP_S8 && t->quant.n == 1) {
        lo = -128;
        hi = 127;
    } else if (t->dtype == TP_U8 && t->quant.n == 1) {
        hi = 255;
    }
    if (t->quant.zero_point < lo || t->quant.zero_point > hi) {
        wrong_tensor(c, index, "zero point %d; %d to %d work here",
                     (int)t->quant.zero_point, (int)lo, (int)hi);
    }
}

static void check_quant(checker *c, int index) {
    const tp_tensor *t = &c->graph->tensor[index];
    const tp_quant *q = &t->quant;
    check_zero_point(c, index);
    if (q->n == 0) {
        return;
    }
    if (q->n != 1 && (q->axis < 0 || q->axis >= t->rank)) {
        wrong_tensor(c, index, "scales along axis %d of a shape of rank %d",
                     q->axis, t->rank);
        return;
    }
    if (q->n != 1 && q->n != t->dim[q->axis]) {
        wrong_tensor(c, index, "%d scales; 0, 1 or %d work", q->n,
                     (int)t->dim[q->axis]);
        return;
    }
    if (q->scale == NULL) {
        wrong_tensor(c, index, "scales without data");
        return;
    }
    for (int i = 0; i < q->n; i++) {
        if (!isfinite(q->scale[i]) || q->scale[i] <= 0.0F) {
            wrong_tensor(c, index,
                         "scale %d is %g; it must be finite and "
                         "above 0",
                         i, (double)q->scale[i]);
            return;
        }
    }
}

static void check_grad(checker *c, int index) {
    const tp_graph *graph = c->graph;
    const tp_tensor *t = &graph->tensor[index];
    const int param = t->train.param;
    if (!in_range(c, param) || graph->tensor[param].role != TP_PARAM) {
        wrong_tensor(c, index, "is the gradient of no parameter");
        return;
    }
    const int64_t more =
        tp_tensor_count(t) - tp_tensor_count(&graph->tensor[param]);
    if (more < 0 || (more > 0 && t->dtype != TP_S8)) { /* s8: a whole state */
        wrong_tensor(c, index, "%lld elements; its parameter has %lld",
                     (long long)tp_tensor_count(t),
                     (long long)tp_tensor_count(&graph->tensor[param]));
    }
    for (int i = 0; i < index; i++) {
        if (graph->tensor[i].role == TP_GRAD &&
            graph->tensor[i].train.param == param) {
            wrong_tensor(c, index, "parameter %%%d has gradient %%%d already",
                         param, i);
        }
    }
    if (!isfinite(t->train.unit) || t->train.unit <= 0.0) {
        wrong_tensor(c, index, "unit %g; it must be finite and above 0",
                     t->train.unit);
    }
}

static void check_param(checker *c, int index) {
    const tp_trainable *train = &c->graph->tensor[index].train;
    const bool list = c->graph->tensor[index].dtype == TP_U16;
    const int64_t least = list ? tp_tensor_count(&c->graph->tensor[index]) : 0;
    if (train->limit < least || train->limit > (list ? 65536 : 0)) {
        wrong_tensor(c, index, "limit %d; %lld to %d work", (int)train->limit,
                     (long long)least, list ? 65536 : 0);
    }
    if (train->init != TP_INIT_ZERO && train->init != TP_INIT_GAUSS) {
        wrong_tensor(c, index, "no such initialisation: %d", (int)train->init);
    }
    const tp_tensor *t = &c->graph->tensor[index];
    if ((t->dtype == TP_Q4 || t->dtype == TP_Q2) &&
        (t->quant.axis < 0 || t->quant.axis >= t->rank ||
         t->dim[t->quant.axis] > TP_MOST_RANKS)) {
        wrong_tensor(c, index, "an axis of 1 to %d ranks is needed",
                     TP_MOST_RANKS);
    }
    if (!isfinite(train->init_std) || train->init_std < 0.0) {
        wrong_tensor(c, index,
                     "standard deviation %g; it must be finite and "
                     "not below 0",
                     train->init_std);
    }
}

static void check_role(checker *c, int index) {
    const tp_tensor *t = &c->graph->tensor[index];
    if ((types_of(t->role) >> (unsigned)t->dtype & 1u) == 0) {
        wrong_tensor(c, index, "%s cannot be %s", role_text(t->role),
                     tp_dtype_name(t->dtype));
    }
    if (t->role == TP_CONST && t->data == NULL) {
        wrong_tensor(c, index, "a constant without data");
    }
    if (t->role == TP_PARAM) {
        check_param(c, index);
    }
    if (t->role == TP_INPUT && index != c->graph->input) {
        wrong_tensor(c, index, "an input that is not the graph's");
    }
}

/* Gradients come last: they count their parameter's elements. */
static void check_tensors(checker *c) {
    const tp_graph *graph = c->graph;
    bool countable = true;
    for (int i = 0; i < graph->n_tensors; i++) {
        const tp_tensor *t = &graph->tensor[i];
        if ((unsigned)t->dtype >= TP_DTYPE_COUNT ||
            (unsigned)t->role >= TP_ROLE_COUNT) {
            wrong_tensor(c, i, "no such type or role: %d, %d", (int)t->dtype,
                         (int)t->role);
            countable = false;
            continue;
        }
        if (!check_shape(c, i)) {
            countable = false;
            continue;
        }
        check_quant(c, i);
        check_role(c, i);
    }
    for (int i = 0; countable && i < graph->n_tensors; i++) {
        if (graph->tensor[i].role == TP_GRAD) {
            check_grad(c, i);
        }
    }
}

/* --- ops ------------------------------------------------------------------ */

/* Only the ops of training. */
static bool trains(tp_role role) {
    return role == TP_GRAD || role == TP_TARGET || role == TP_LOSS;
}

/* An absent input (-1) would have to be looked for by every op that has an
 * optional one; n_in says the same. */
static void check_input(checker *c, int at, int j) {
    const tp_op *op = &c->graph->op[at];
    const int index = op->in[j];
    if (!in_range(c, index)) {
        wrong_op(c, op,
                 index == -1 ? "input %d is absent; only last inputs that are "
                               "optional may be left out"
                             : "input %d is no tensor of the graph",
                 j);
        return;
    }
    const tp_tensor *t = &c->graph->tensor[index];
    if (t->role == TP_GRAD) {
        wrong_op(c, op, "reads %%%d, a gradient accumulator", index);
    } else if (t->role == TP_VALUE && c->producer[index] < 0) {
        wrong_op(c, op, "reads %%%d '%s' before an op has made it", index,
                 t->name != NULL ? t->name : "");
    } else if (trains(t->role) && at < c->graph->first_backward) {
        wrong_op(c, op, "reads %%%d, %s, in inference", index,
                 role_text(t->role));
    }
}

static void check_output(checker *c, int at) {
    const tp_op *op = &c->graph->op[at];
    if (!in_range(c, op->out)) {
        wrong_op(c, op, "its output is no tensor of the graph");
        return;
    }
    const tp_role role = c->graph->tensor[op->out].role;
    if (role != TP_VALUE && role != TP_GRAD) {
        wrong_op(c, op, "writes %%%d, %s", op->out, role_text(role));
    } else if (c->producer[op->out] >= 0) {
        wrong_op(c, op, "writes %%%d, which op %s has made", op->out,
                 c->graph->op[c->producer[op->out]].name);
    } else if (trains(role) && at < c->graph->first_backward) {
        wrong_op(c, op, "writes %%%d, %s, in inference", op->out,
                 role_text(role));
    } else {
        c->producer[op->out] = at;
    }
}

/* Strides, dilations, pads and windows are small: sums of them stay exact. */
static void check_geometry(checker *c, const tp_op *op) {
    const tp_attr *a = &op->attr;
    const int32_t sizes[] = {
        a->stride_h, a->stride_w, a->dilation_h, a->dilation_w, a->pad_t,
        a->pad_l,    a->pad_b,    a->pad_r,      a->k_h,        a->k_w};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        if (sizes[i] < 0 || sizes[i] > INT16_MAX) {
            wrong_op(c, op,
                     "stride, dilation, pad or window of %d; 0 to %d "
                     "work",
                     (int)sizes[i], INT16_MAX);
            return;
        }
    }
}

static bool check_head(checker *c, int at) {
    const tp_op *op = &c->graph->op[at];
    if ((unsigned)op->kind >= TP_KIND_COUNT || op->name == NULL ||
        op->name[0] == '\0') {
        wrong_op(c, op, "op %d has no kind or no name", at);
        return false;
    }
    for (int i = 0; i < at; i++) {
        const char *name = c->graph->op[i].name;
        if (name != NULL && strcmp(name, op->name) == 0) {
            wrong_op(c, op, "the name is taken by op %d", i);
            return false;
        }
    }
    check_geometry(c, op);
    if (op->attr.n_list < 0 || op->attr.n_list > 2 * TP_MAX_RANK) {
        wrong_op(c, op, "a list of %d numbers; 0 to %d work",
                 (int)op->attr.n_list, 2 * TP_MAX_RANK);
    }
    return true;
}

static void check_op(checker *c, int at) {
    const tp_op *op = &c->graph->op[at];
    if (!check_head(c, at)) {
        return;
    }
    int fewest = 0;
    int most = 0;
    tp_kind_inputs(op->kind, &fewest, &most);
    if (op->n_in < fewest || op->n_in > most) {
        wrong_op(c, op, "%d inputs; %s takes %d to %d", op->n_in,
                 tp_kind_name(op->kind), fewest, most);
        return;
    }
    for (int j = 0; j < op->n_in; j++) {
        check_input(c, at, j);
    }
    check_output(c, at);
}

/* --- graph ---------------------------------------------------------------- */

/* A value that inference makes, or the sample itself. */
static bool made(const checker *c, int tensor) {
    return in_range(c, tensor) &&
           (tensor == c->graph->input ||
            (c->producer[tensor] >= 0 &&
             c->producer[tensor] < c->graph->first_backward));
}

static void check_graph(checker *c) {
    const tp_graph *graph = c->graph;
    if (graph->name == NULL) {
        wrong_graph(c, "has no name");
    }
    if (!in_range(c, graph->input) ||
        graph->tensor[graph->input].role != TP_INPUT) {
        wrong_graph(c, "its input is no input tensor");
    }
    if (!made(c, graph->output)) {
        wrong_graph(c, "no op of inference makes its output");
    }
    if (graph->logits != -1 && !made(c, graph->logits)) {
        wrong_graph(c, "no op of inference makes its logits");
    }
    if (graph->first_backward < 0 || graph->first_backward > graph->n_ops) {
        wrong_graph(c, "training begins at no op of it");
    }
    if ((graph->io_in != TP_S8 && graph->io_in != TP_U8 &&
         graph->io_in != TP_F32) ||
        (graph->io_out != TP_S8 && graph->io_out != TP_U8 &&
         graph->io_out != TP_F32)) {
        wrong_graph(c, "its interface is not s8, u8 or f32");
    }
}

/* What is kept with a sample depends on it alone, and is all that training
 * reads of it. */
static void check_latent(checker *c) {
    const tp_graph *graph = c->graph;
    bool *mark = c->mark;
    bool any = false;
    tp_graph_frozen(graph, mark);
    for (int i = 0; i < graph->n_tensors; i++) {
        const int at = c->producer[i];
        any = any || graph->tensor[i].latent;
        if (graph->tensor[i].latent &&
            (!mark[i] || at < 0 || at >= graph->first_backward ||
             tp_opdef_of(graph->op[at].kind)->lower == NULL)) {
            wrong_tensor(c, i, "cannot be kept with the sample");
        }
    }
    tp_graph_trained(graph, mark);
    tp_graph_needed(graph, true, mark, c->needed);
    if (any && mark[graph->input]) {
        wrong_graph(c, "training reads the input, which is not kept");
    }
}

static void check_rules(checker *c) {
    for (int i = 0; i < c->graph->n_ops; i++) {
        const tp_op *op = &c->graph->op[i];
        const tp_opdef *def = tp_opdef_of(op->kind);
        if (def->verify != NULL) {
            note_first(c, def->verify(c->graph, op, c->diag));
        }
    }
}

static tp_status run(checker *c) {
    for (int i = 0; i < c->graph->n_tensors; i++) {
        c->producer[i] = -1;
    }
    check_tensors(c);
    for (int i = 0; i < c->graph->n_ops; i++) {
        check_op(c, i);
    }
    check_graph(c);
    if (c->first == TP_OK) {
        check_rules(c);
        check_latent(c);
    }
    return c->first;
}

tp_status tp_graph_verify(const tp_graph *graph, tp_diag *diag) {
    tp_arena scratch = {0};
    checker c = {.graph = graph, .diag = diag};
    c.producer = tp_arena_alloc(&scratch, (size_t)graph->n_tensors + 1,
                                sizeof *c.producer);
    c.mark =
        tp_arena_alloc(&scratch, (size_t)graph->n_tensors + 1, sizeof *c.mark);
    c.needed =
        tp_arena_alloc(&scratch, (size_t)graph->n_ops + 1, sizeof *c.needed);
    const bool room = c.producer != NULL && c.mark != NULL && c.needed != NULL;
    const tp_status status = room ? run(&c) : tp_no_memory(diag);
    tp_arena_free(&scratch);
    return status;
}
