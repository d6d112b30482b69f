/* Rematerialisation (Chen et al. 2016, arXiv:1604.06174): a value that backward
 * reads and that is not kept is computed again. The base is frozen and an
 * update comes after all that reads its parameter, so what is computed again
 * is what was there before, byte for byte.
 *
 * Backward is cut into segments. A segment begins where a dropped value is
 * needed and ends before another layer needs a large one; in front of it
 * stands one chain of forward ops that makes all dropped values of the
 * segment, from those that are kept and from the sample itself. So a chain
 * that must pass a layer leaves the clamp mask of it behind on its way. */
#include "compiler/ops/opdef.h"
#include "compiler/passes/passes.h"

typedef struct maker {
    tp_graph *graph;
    tp_diag *diag;
    const uint8_t *choice; /* [n] */
    int n;                 /* tensors there were before */
    bool *read;            /* [n] backward reads it */
    bool *wanted;          /* [n] of this chain */
    int *copy;             /* [n] what stands for it in this segment, or -1 */
    size_t large;          /* bytes of a large value */
} maker;

/* Made by forward: what is latent is there, like the input. */
static bool is_forward(const maker *m, int tensor) {
    const int at = tp_graph_producer(m->graph, tensor);
    return at >= 0 && at < m->graph->first_backward &&
           !m->graph->tensor[tensor].latent;
}

static bool dropped(const maker *m, int tensor) {
    return tensor >= 0 && tensor < m->n && m->read[tensor] &&
           m->choice[tensor] == TP_KEEP_NONE;
}

/* Whatever a chain may start from. */
static bool available(const maker *m, int tensor) {
    return m->choice[tensor] == TP_KEEP_ANCHOR ||
           (m->read[tensor] && m->choice[tensor] != TP_KEEP_NONE) ||
           !is_forward(m, tensor);
}

static bool same_layer(const tp_op *a, const tp_op *b) {
    return a->of != NULL && a->of == b->of;
}

/* True if an op shortly before `at` reads the tensor: then it lives already. */
static bool read_recently(const maker *m, int tensor, int first, int at) {
    for (int i = at - 3 > first ? at - 3 : first; i < at; i++) {
        const tp_op *op = &m->graph->op[i];
        for (int j = 0; j < op->n_in; j++) {
            if (op->in[j] == tensor) {
                return true;
            }
        }
    }
    return false;
}

/* True if op `at` needs a value that would have to live on from the chain of
 * the op `first` and is too large for it. */
static bool needs_own_chain(const maker *m, int first, int at) {
    const tp_graph *graph = m->graph;
    const tp_op *op = &graph->op[at];
    for (int j = 0; j < op->n_in; j++) {
        const int in = op->in[j];
        if (dropped(m, in) && tp_tensor_bytes(&graph->tensor[in]) >= m->large &&
            !same_layer(&graph->op[first], op) &&
            !read_recently(m, in, first, at)) {
            return true;
        }
    }
    return false;
}

static bool needs_chain(const maker *m, int at) {
    const tp_op *op = &m->graph->op[at];
    for (int j = 0; j < op->n_in; j++) {
        if (dropped(m, op->in[j])) {
            return true;
        }
    }
    return false;
}

static int clone_tensor(maker *m, int tensor) {
    tp_tensor copy = m->graph->tensor[tensor];
    copy.name = tp_arena_printf(m->graph->arena, "%s.again", copy.name);
    return copy.name == NULL ? -1 : tp_graph_add_tensor(m->graph, &copy);
}

static const char *clone_name(const tp_graph *graph, const char *of) {
    const char *name = tp_arena_printf(graph->arena, "%s_again", of);
    for (int n = 2; name != NULL && tp_graph_find_op(graph, name) >= 0; n++) {
        name = tp_arena_printf(graph->arena, "%s_again_%d", of, n);
    }
    return name;
}

/* Puts a copy of forward op `from` in front of op `at`. */
static tp_status clone_op(maker *m, int from, int at) {
    tp_graph *graph = m->graph;
    const tp_op op = graph->op[from];
    const int out = clone_tensor(m, op.out);
    const char *name = clone_name(graph, op.name);
    tp_op *again =
        out < 0 || name == NULL
            ? NULL
            : tp_graph_insert_op(graph, at, op.kind, name, op.in, op.n_in, out);
    if (again == NULL) {
        return tp_no_memory(m->diag);
    }
    again->attr = op.attr;
    for (int j = 0; j < again->n_in; j++) {
        const int in = again->in[j];
        again->in[j] = in >= 0 && m->copy[in] >= 0 ? m->copy[in] : in;
    }
    m->copy[op.out] = out;
    return TP_OK;
}

/* The dropped values that ops [first, end) read, and what they are made of. */
static void mark_chain(maker *m, int first, int end) {
    const tp_graph *graph = m->graph;
    for (int i = 0; i < m->n; i++) {
        m->wanted[i] = false;
        m->copy[i] = -1;
    }
    for (int i = first; i < end; i++) {
        for (int j = 0; j < graph->op[i].n_in; j++) {
            if (dropped(m, graph->op[i].in[j])) {
                m->wanted[graph->op[i].in[j]] = true;
            }
        }
    }
    for (int i = graph->first_backward - 1; i >= 0; i--) {
        const tp_op *op = &graph->op[i];
        for (int j = 0; m->wanted[op->out] && j < op->n_in; j++) {
            if (op->in[j] >= 0 && !available(m, op->in[j])) {
                m->wanted[op->in[j]] = true;
            }
        }
    }
}

/* The chain in front of the segment [first, end); returns where the segment
 * then ends. */
static tp_status make_chain(maker *m, int first, int end, int *segment_end) {
    tp_graph *graph = m->graph;
    int at = first;
    mark_chain(m, first, end);
    for (int i = 0; i < graph->first_backward; i++) {
        if (m->wanted[graph->op[i].out]) {
            TP_TRY(clone_op(m, i, at));
            at++;
        }
    }
    *segment_end = end + at - first;
    for (int i = at; i < *segment_end; i++) {
        const tp_op *op = &graph->op[i];
        for (int j = 0; j < op->n_in; j++) {
            if (dropped(m, op->in[j])) {
                op->in[j] = m->copy[op->in[j]];
            }
        }
    }
    return TP_OK;
}

static tp_status make_segments(maker *m) {
    for (int at = m->graph->first_backward; at < m->graph->n_ops; at++) {
        if (!needs_chain(m, at)) {
            continue;
        }
        int end = at + 1;
        while (end < m->graph->n_ops && !needs_own_chain(m, at, end)) {
            end++;
        }
        TP_TRY(make_chain(m, at, end, &end));
        at = end - 1;
    }
    return TP_OK;
}

/* What backward reads of forward, but for the loss: its inputs have only just
 * been made. */
static void find_read(maker *m) {
    const tp_graph *graph = m->graph;
    size_t largest = 0;
    for (int i = graph->first_backward + 1; i < graph->n_ops; i++) {
        for (int j = 0; j < graph->op[i].n_in; j++) {
            const int in = graph->op[i].in[j];
            m->read[in] = m->read[in] || is_forward(m, in);
        }
    }
    for (int i = 0; i < graph->first_backward; i++) {
        const size_t bytes = tp_tensor_bytes(&graph->tensor[graph->op[i].out]);
        largest = bytes > largest ? bytes : largest;
    }
    m->large = largest / 4 + 1;
}

tp_status tp_pass_recompute(tp_graph *graph, const tp_pass_options *options,
                            tp_diag *diag) {
    const size_t n = (size_t)graph->n_tensors;
    maker m = {.graph = graph,
               .diag = diag,
               .choice = options->choice,
               .n = graph->n_tensors,
               .read = tp_arena_alloc(graph->arena, n, sizeof(bool)),
               .wanted = tp_arena_alloc(graph->arena, n, sizeof(bool)),
               .copy = tp_arena_alloc(graph->arena, n, sizeof(int))};
    if (options->choice == NULL || graph->first_backward == graph->n_ops) {
        return TP_OK;
    }
    if (m.read == NULL || m.wanted == NULL || m.copy == NULL) {
        return tp_no_memory(diag);
    }
    find_read(&m);
    TP_TRY(make_segments(&m));
    return tp_pass_prune(graph, options, diag);
}
