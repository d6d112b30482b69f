#include "compiler/plan/program.h"

#include <string.h>

#include "compiler/plan/place.h"

typedef struct maker {
    const tp_lower *lower;
    const tp_graph *graph;
    bool *keep;    /* [n_ops] */
    int *root;     /* [n_tensors] whose memory the tensor shares */
    int *first;    /* [n_tensors] of roots: first step that touches it */
    int *last;     /* ... and last */
    int *op_first; /* [n_ops] first step of the op, -1: none */
    int *op_last;
    tp_step *step;
    int n_steps;
    tp_address *address;
} maker;

static bool allocate(maker *m, tp_arena *arena) {
    const size_t tensors = (size_t)m->graph->n_tensors;
    const size_t ops = (size_t)m->graph->n_ops;
    m->keep = tp_arena_alloc(arena, ops, sizeof *m->keep);
    m->root = tp_arena_alloc(arena, tensors, sizeof *m->root);
    m->first = tp_arena_alloc(arena, tensors, sizeof *m->first);
    m->last = tp_arena_alloc(arena, tensors, sizeof *m->last);
    m->op_first = tp_arena_alloc(arena, ops, sizeof *m->op_first);
    m->op_last = tp_arena_alloc(arena, ops, sizeof *m->op_last);
    m->step =
        tp_arena_alloc(arena, (size_t)m->lower->n_steps + 1, sizeof *m->step);
    m->address = tp_arena_alloc(arena, tensors, sizeof *m->address);
    return m->keep && m->root && m->first && m->last && m->op_first &&
           m->op_last && m->step && m->address;
}

static void select_steps(maker *m) {
    for (int i = 0; i < m->graph->n_ops; i++) {
        m->op_first[i] = m->op_last[i] = -1;
    }
    for (int i = 0; i < m->lower->n_steps; i++) {
        const tp_step *step = &m->lower->step[i];
        if (!m->keep[step->op]) {
            continue;
        }
        if (m->op_first[step->op] < 0) {
            m->op_first[step->op] = m->n_steps;
        }
        m->op_last[step->op] = m->n_steps;
        m->step[m->n_steps++] = *step;
    }
}

/* Position of the last kept op that reads memory `root`, given the roots so
 * far. */
static int last_reader(const maker *m, int root) {
    int last = -1;
    for (int i = 0; i < m->graph->n_ops; i++) {
        for (int j = 0; m->keep[i] && j < m->graph->op[i].n_in; j++) {
            const int in = m->graph->op[i].in[j];
            if (in >= 0 && m->root[in] == root) {
                last = i;
            }
        }
    }
    return last;
}

/* An op without steps passes its input on; one that may work in place does so
 * where nobody reads the input later. Roots are final front to back: a later
 * op cannot change who reads an earlier tensor's memory, except by joining
 * it, and then it is the last reader. */
static void share(maker *m, int y) {
    const tp_tensor *t = m->graph->tensor;
    for (int i = 0; i < m->graph->n_tensors; i++) {
        m->root[i] = i;
    }
    for (int pass = 0; pass < 2; pass++) {
        for (int i = 0; i < m->graph->n_ops; i++) {
            const tp_op *op = &m->graph->op[i];
            const tp_opdef *def = tp_opdef_of(op->kind);
            if (!m->keep[i]) {
                continue;
            }
            const int in = op->n_in > 0 ? op->in[0] : -1;
            if (pass == 0 && def->lower == NULL) {
                m->root[op->out] = m->root[in];
                continue;
            }
            const int root = in >= 0 ? m->root[in] : -1;
            if (pass == 1 && def->in_place && root >= 0 &&
                t[root].role == TP_VALUE && root != m->root[op->out] &&
                op->out == m->root[op->out] && (y < 0 || m->root[y] != root) &&
                tp_tensor_bytes(&t[root]) == tp_tensor_bytes(&t[op->out]) &&
                last_reader(m, root) == i) {
                for (int j = 0; j < m->graph->n_tensors; j++) {
                    m->root[j] = m->root[j] == op->out ? root : m->root[j];
                }
            }
        }
    }
}

static void touch(maker *m, int tensor, int from, int to) {
    if (tensor < 0 || from < 0) {
        return;
    }
    const int root = m->root[tensor];
    if (m->first[root] < 0 || from < m->first[root]) {
        m->first[root] = from;
    }
    m->last[root] = to > m->last[root] ? to : m->last[root];
}

static void find_lives(maker *m) {
    for (int i = 0; i < m->graph->n_tensors; i++) {
        m->first[i] = m->last[i] = -1;
    }
    for (int i = 0; i < m->graph->n_ops; i++) {
        const tp_op *op = &m->graph->op[i];
        if (!m->keep[i]) {
            continue;
        }
        touch(m, op->out, m->op_first[i], m->op_last[i]);
        for (int j = 0; j < op->n_in; j++) {
            touch(m, op->in[j], m->op_first[i], m->op_last[i]);
        }
    }
}

static tp_place place_of(const maker *m, int root, int y) {
    if (y >= 0 && root == m->root[y]) {
        return TP_PLACE_Y;
    }
    switch (m->graph->tensor[root].role) {
    case TP_INPUT:
        return TP_PLACE_X;
    case TP_TARGET:
        return TP_PLACE_TARGET;
    case TP_LOSS:
        return TP_PLACE_LOSS;
    case TP_CONST:
        return TP_PLACE_CONST;
    case TP_PARAM:
        return TP_PLACE_ADAPTER;
    case TP_GRAD:
        return TP_PLACE_TRAIN;
    case TP_VALUE:
    case TP_ROLE_COUNT:
        break;
    }
    return m->first[root] >= 0 ? TP_PLACE_ARENA : TP_PLACE_NONE;
}

static tp_status place(maker *m, int y, const tp_address *fixed,
                       tp_program *program) {
    const int n = m->graph->n_tensors;
    tp_block *block = tp_arena_alloc(m->lower->arena, (size_t)n, sizeof *block);
    int *order = tp_arena_alloc(m->lower->arena, (size_t)n, sizeof *order);
    int *owner = tp_arena_alloc(m->lower->arena, (size_t)n, sizeof *owner);
    int blocks = 0;
    if (block == NULL || order == NULL || owner == NULL) {
        return tp_no_memory(m->lower->diag);
    }
    for (int i = 0; i < n; i++) {
        const uint32_t bytes = (uint32_t)tp_tensor_bytes(&m->graph->tensor[i]);
        const tp_place where = place_of(m, m->root[i], y);
        m->address[i] = fixed[i];
        m->address[i].place = where;
        m->address[i].bytes = bytes;
        m->address[i].first = m->first[i];
        m->address[i].last = m->last[i];
        if (where == TP_PLACE_ARENA && m->root[i] == i) {
            owner[blocks] = i;
            block[blocks++] = (tp_block){
                .bytes = bytes, .first = m->first[i], .last = m->last[i]};
        }
    }
    program->arena_bytes = tp_place_blocks(block, order, blocks);
    program->peak_bytes =
        tp_place_peak(block, blocks, m->n_steps, &program->peak_step);
    if (!tp_place_valid(block, blocks)) {
        return tp_error(m->lower->diag, TP_ERR_MALFORMED,
                        "internal: two live tensors overlap");
    }
    for (int i = 0; i < blocks; i++) {
        m->address[owner[i]].offset = block[i].offset;
    }
    for (int i = 0; i < n; i++) {
        if (m->address[i].place == TP_PLACE_ARENA) {
            m->address[i].offset = m->address[m->root[i]].offset;
        }
    }
    return TP_OK;
}

tp_status tp_program_make(const tp_lower *lower, bool *wanted, int y,
                          const tp_address *fixed, tp_program *program) {
    maker m = {.lower = lower, .graph = lower->graph};
    if (!allocate(&m, lower->arena)) {
        return tp_no_memory(lower->diag);
    }
    tp_graph_needed(m.graph, wanted, m.keep);
    select_steps(&m);
    share(&m, y);
    find_lives(&m);
    if (y >= 0 && m.graph->tensor[m.root[y]].role != TP_VALUE) {
        return tp_error(lower->diag, TP_ERR_UNSUPPORTED,
                        "the output is the input itself: nothing to compile");
    }
    TP_TRY(place(&m, y, fixed, program));
    program->step = m.step;
    program->n_steps = m.n_steps;
    program->address = m.address;
    return TP_OK;
}
