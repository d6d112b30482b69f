#include "compiler/plan/program.h"

#include <string.h>

#include "compiler/plan/cost.h"
#include "compiler/plan/place.h"
#include "compiler/plan/region.h"

typedef struct maker {
    const tp_program_order *order;
    const tp_lower *lower;
    const tp_graph *graph;
    bool *keep;    /* [n_ops] */
    bool *inner;   /* [n_tensors] lives and dies inside a step */
    int *root;     /* [n_tensors] whose memory the tensor shares */
    int *first;    /* [n_tensors] of roots: first step that touches it */
    int *last;     /* ... and last */
    int *op_first; /* [n_ops] first step of the op, -1: none */
    int *op_last;
    tp_step *step;
    int n_steps;
    tp_address *address;
    tp_block *block; /* [n_blocks] */
    int *owner;      /* [n_blocks] its root; scratch: -1 */
    int *block_of;   /* [n_tensors] of roots: its block, or -1 */
    tp_address *scratch;
    int *scratch_of; /* [n_steps] its block, or -1 */
    int n_blocks;
} maker;

static bool allocate(maker *m, tp_arena *arena) {
    const size_t tensors = (size_t)m->graph->n_tensors;
    const size_t ops = (size_t)m->graph->n_ops;
    m->keep = tp_arena_alloc(arena, ops, sizeof *m->keep);
    m->inner = tp_arena_alloc(arena, tensors, sizeof *m->inner);
    m->root = tp_arena_alloc(arena, tensors, sizeof *m->root);
    m->first = tp_arena_alloc(arena, tensors, sizeof *m->first);
    m->last = tp_arena_alloc(arena, tensors, sizeof *m->last);
    m->op_first = tp_arena_alloc(arena, ops, sizeof *m->op_first);
    m->op_last = tp_arena_alloc(arena, ops, sizeof *m->op_last);
    m->step =
        tp_arena_alloc(arena, (size_t)m->lower->n_steps + 1, sizeof *m->step);
    m->address = tp_arena_alloc(arena, tensors, sizeof *m->address);
    const size_t steps = (size_t)m->lower->n_steps + 1;
    m->block = tp_arena_alloc(arena, tensors + steps, sizeof *m->block);
    m->owner = tp_arena_alloc(arena, tensors + steps, sizeof *m->owner);
    m->scratch = tp_arena_alloc(arena, steps, sizeof *m->scratch);
    m->scratch_of = tp_arena_alloc(arena, steps, sizeof *m->scratch_of);
    m->block_of = tp_arena_alloc(arena, tensors, sizeof *m->block_of);
    return m->keep && m->inner && m->root && m->first && m->last &&
           m->op_first && m->op_last && m->step && m->address && m->block &&
           m->owner && m->block_of && m->scratch && m->scratch_of;
}

/* Steps without that of op `index`, which is the last that has any. */
static void drop_steps(maker *m, int index) {
    int n = m->op_first[index];
    for (int s = m->op_last[index] + 1; s < m->n_steps; s++) {
        m->step[n] = m->step[s];
        m->op_first[m->step[n].op] = m->op_last[m->step[n].op] = n;
        n++;
    }
    m->n_steps = n;
    m->op_first[index] = m->op_last[index] = -1;
}

/* True if a kept op other than `index` reads the tensor, or somebody outside
 * the program. */
static bool read_elsewhere(const maker *m, int tensor, int index) {
    if (m->graph->tensor[tensor].latent) {
        return true;
    }
    for (int i = 0; i < m->graph->n_ops; i++) {
        for (int j = 0; m->keep[i] && i != index && j < m->graph->op[i].n_in;
             j++) {
            if (m->graph->op[i].in[j] == tensor) {
                return true;
            }
        }
    }
    return false;
}

/* Puts in place of the step that comes next the one that does the work of op
 * `maker_of` as well, whose steps are dropped. */
static tp_step join(maker *m, const tp_step *step, int made_by) {
    tp_step joined = *step->joined;
    drop_steps(m, made_by);
    if (!read_elsewhere(m, step->made, step->op)) {
        m->inner[step->made] = true;
        for (int a = 0; a < joined.n_args; a++) {
            if (joined.arg[a].kind == TP_ARG_TENSOR &&
                joined.arg[a].tensor == step->made) {
                joined.arg[a] = tp_arg_const(NULL);
            }
        }
    }
    return joined;
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
        const int made_by =
            step->joined != NULL ? tp_graph_producer(m->graph, step->made) : -1;
        const tp_step next = made_by >= 0 && m->op_first[made_by] >= 0
                                 ? join(m, step, made_by)
                                 : *step;
        if (m->op_first[step->op] < 0) {
            m->op_first[step->op] = m->n_steps;
        }
        m->op_last[step->op] = m->n_steps;
        m->step[m->n_steps++] = next;
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

/* A latent value that lies in the kept sample: neither may it be overwritten
 * nor lie over what it is made of. */
static bool is_kept(const maker *m, int tensor) {
    return m->order->latent != TP_LATENT_VALUE &&
           m->graph->tensor[tensor].latent;
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
                t[root].role == TP_VALUE && !is_kept(m, root) &&
                !is_kept(m, op->out) && root != m->root[op->out] &&
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
    if (tensor < 0 || from < 0 || m->inner[tensor]) {
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
    for (int s = 0; s < m->n_steps; s++) { /* of two ops in one */
        for (int a = 0; a < m->step[s].n_args; a++) {
            const tp_arg *arg = &m->step[s].arg[a];
            touch(m, arg->kind == TP_ARG_TENSOR ? arg->tensor : -1, s, s);
        }
    }
}

static tp_place place_of(const maker *m, int root, int y) {
    if (y >= 0 && root == m->root[y]) {
        return TP_PLACE_Y;
    }
    if (is_kept(m, root)) {
        return m->order->latent == TP_LATENT_MADE ? TP_PLACE_Y : TP_PLACE_X;
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

/* --- placement ------------------------------------------------------------ */

enum { FULL = 300, QUICK = 5 }; /* changes that the search tries, a block */

/* Where order->fixed says. */
static bool is_fixed(const maker *m, int root) {
    return m->graph->tensor[root].role != TP_VALUE || is_kept(m, root);
}

static void make_blocks(maker *m) {
    for (int i = 0; i < m->graph->n_tensors; i++) {
        const uint32_t bytes = (uint32_t)tp_tensor_bytes(&m->graph->tensor[i]);
        const tp_place where = place_of(m, m->root[i], m->order->y);
        m->address[i] = is_fixed(m, m->root[i]) ? m->order->fixed[m->root[i]]
                                                : (tp_address){.offset = 0};
        m->address[i].place = where;
        m->address[i].bytes = bytes;
        m->address[i].first = m->first[i];
        m->address[i].last = m->last[i];
        m->block_of[i] = -1;
        if (where == TP_PLACE_ARENA && m->root[i] == i) {
            m->block_of[i] = m->n_blocks;
            m->owner[m->n_blocks] = i;
            m->block[m->n_blocks++] = (tp_block){
                .bytes = bytes, .first = m->first[i], .last = m->last[i]};
        }
    }
}

/* What a step works in lives as long as the step. */
static void make_scratch(maker *m) {
    for (int i = 0; i < m->n_steps; i++) {
        const uint32_t bytes = tp_step_scratch(&m->step[i]);
        m->scratch_of[i] = -1;
        if (bytes > 0) {
            m->scratch_of[i] = m->n_blocks;
            m->owner[m->n_blocks] = -1;
            m->block[m->n_blocks++] =
                (tp_block){.bytes = bytes, .first = i, .last = i};
        }
    }
}

/* True if another input of the op lies in the same memory. */
static bool read_twice(const maker *m, const tp_op *op, int root) {
    for (int j = 1; j < op->n_in; j++) {
        if (op->in[j] >= 0 && m->root[op->in[j]] == root) {
            return true;
        }
    }
    return false;
}

/* The block of x, op's first input, and that of its output y, where y may lie
 * over x: both are in the arena, x dies in the op's only step, y is born. */
static bool may_overlap(const maker *m, int op_index, int *x, int *y) {
    const tp_op *op = &m->graph->op[op_index];
    const int step = m->op_first[op_index];
    if (!m->keep[op_index] || step < 0 || step != m->op_last[op_index] ||
        op->n_in == 0 || op->in[0] < 0) {
        return false;
    }
    *x = m->block_of[m->root[op->in[0]]];
    *y = m->block_of[m->root[op->out]];
    return *x >= 0 && *y >= 0 && *x != *y && m->block[*x].last == step &&
           m->block[*y].first == step && !read_twice(m, op, m->root[op->in[0]]);
}

static void find_overlaps(maker *m) {
    for (int i = 0; i < m->graph->n_ops; i++) {
        const tp_op *op = &m->graph->op[i];
        const tp_opdef *def = tp_opdef_of(op->kind);
        int x = -1;
        int y = -1;
        if (def->overlap == NULL || !may_overlap(m, i, &x, &y)) {
            continue;
        }
        tp_overlap over = {
            .gathers = tp_kernel_gathers(m->step[m->op_first[i]].kernel),
            .forward = TP_APART,
            .reverse = TP_APART};
        def->overlap(m->graph, op, &over);
        if (m->step[m->op_first[i]].reversed == NULL) {
            over.reverse = TP_APART;
        }
        m->block[y].over = true;
        m->block[y].under = x;
        m->block[y].forward = over.forward;
        m->block[y].reverse = over.reverse;
        m->block[y].exact = over.exact;
    }
}

/* Steps whose output lies over its input such that pixels are computed last to
 * first. */
static void set_orders(maker *m) {
    for (int i = 0; i < m->n_blocks; i++) {
        if (tp_place_lie(m->block, i) == TP_LIE_REVERSE) {
            tp_step *step = &m->step[m->block[i].first];
            step->desc = step->reversed;
        }
    }
}

/* Bytes that the steps read and write of each block: a multiplication reads
 * one of the first input. */
static void measure_heat(const maker *m, int64_t *heat) {
    for (int i = 0; i < m->graph->n_ops; i++) {
        const tp_op *op = &m->graph->op[i];
        const tp_opdef *def = tp_opdef_of(op->kind);
        if (!m->keep[i] || def->lower == NULL) {
            continue;
        }
        const int64_t macs = def->macs != NULL ? def->macs(m->graph, op) : 0;
        for (int s = m->op_first[i]; s >= 0 && s <= m->op_last[i]; s++) {
            if (m->scratch_of[s] >= 0) {
                heat[m->scratch_of[s]] += macs;
            }
        }
        for (int j = -1; j < op->n_in; j++) {
            const int tensor = j < 0 ? op->out : op->in[j];
            const int block = tensor < 0 ? -1 : m->block_of[m->root[tensor]];
            if (block >= 0) {
                const int64_t bytes = m->block[block].bytes;
                heat[block] += j == 0 && macs > bytes ? macs : bytes;
            }
        }
    }
}

static tp_status no_place(const maker *m, const tp_spread *s) {
    const tp_block *b = &m->block[s->homeless];
    const int owner = m->owner[s->homeless];
    const tp_region *r = &s->region[s->nearest];
    uint32_t room = 0;
    for (int i = 0; i < s->n_regions; i++) {
        room += s->region[i].bytes;
    }
    int step = 0;
    const uint32_t peak =
        tp_place_peak(m->block, m->n_blocks, m->n_steps, &step);
    return tp_error(
        m->lower->diag, TP_ERR_BUDGET,
        "--region: %s %s of %u bytes (op %s) finds no place; %s lacks %u "
        "bytes. At the peak, step %d (op %s), %u bytes are live; the regions "
        "have %u",
        owner >= 0 ? "tensor" : "scratch of",
        owner >= 0 ? m->graph->tensor[owner].name
                   : tp_kernel_name(m->step[b->first].kernel),
        (unsigned)b->bytes, m->graph->op[m->step[b->first].op].name, r->name,
        (unsigned)s->missing, step, m->graph->op[m->step[step].op].name,
        (unsigned)peak, (unsigned)room);
}

static tp_status place_in_regions(maker *m, int effort, tp_program *program) {
    const tp_plan_options *options = m->order->options;
    int64_t *heat =
        tp_arena_alloc(m->lower->arena, (size_t)m->n_blocks + 1, sizeof *heat);
    if (heat == NULL) {
        return tp_no_memory(m->lower->diag);
    }
    measure_heat(m, heat);
    tp_spread s = {.region = options->region,
                   .n_regions = options->n_regions,
                   .block = m->block,
                   .heat = heat,
                   .n = m->n_blocks,
                   .effort = effort};
    const tp_status status = tp_spread_blocks(&s);
    if (status != TP_OK) {
        return status == TP_ERR_BUDGET ? no_place(m, &s)
                                       : tp_no_memory(m->lower->diag);
    }
    memcpy(program->region_bytes, s.bytes, sizeof s.bytes);
    return TP_OK;
}

static tp_status place_blocks(maker *m, tp_program *program) {
    const int effort =
        m->order->options->effort == TP_EFFORT_QUICK ? QUICK : FULL;
    program->peak_bytes =
        tp_place_peak(m->block, m->n_blocks, m->n_steps, &program->peak_step);
    if (m->order->options->n_regions > 0) {
        return place_in_regions(m, effort, program);
    }
    program->region_bytes[0] = tp_place_blocks(m->block, m->n_blocks, effort);
    return program->region_bytes[0] != UINT32_MAX
               ? TP_OK
               : tp_no_memory(m->lower->diag);
}

/* What the options say of the smallest arena that there could be. */
static bool is_worth(const maker *m) {
    const tp_plan_options *options = m->order->options;
    int step = 0;
    if (options->worth == NULL || m->order->beside == 0) {
        return true;
    }
    const uint64_t ram =
        (uint64_t)m->order->beside +
        tp_place_peak(m->block, m->n_blocks, m->n_steps, &step);
    tp_plan_bound bound = {.ram =
                               ram < UINT32_MAX ? (uint32_t)ram : UINT32_MAX};
    for (int i = 0; i < m->n_steps; i++) {
        bound.cost += tp_step_cost(&m->step[i]);
    }
    return options->worth(options->worth_ctx, &bound);
}

static tp_status place(maker *m, tp_program *program) {
    make_blocks(m);
    make_scratch(m);
    if (!m->order->options->no_overlap) {
        find_overlaps(m);
    }
    if (!is_worth(m)) {
        return TP_ERR_BUDGET;
    }
    TP_TRY(place_blocks(m, program));
    if (!tp_place_valid(m->block, m->n_blocks)) {
        return tp_error(m->lower->diag, TP_ERR_MALFORMED,
                        "internal: two live tensors overlap");
    }
    set_orders(m);
    for (int i = 0; i < m->graph->n_tensors; i++) {
        if (m->address[i].place == TP_PLACE_ARENA) {
            const tp_block *block = &m->block[m->block_of[m->root[i]]];
            m->address[i].offset = block->offset;
            m->address[i].region = block->region;
        }
    }
    for (int i = 0; i < m->n_steps; i++) {
        if (m->scratch_of[i] >= 0) {
            const tp_block *block = &m->block[m->scratch_of[i]];
            m->scratch[i] = (tp_address){.place = TP_PLACE_ARENA,
                                         .offset = block->offset,
                                         .bytes = block->bytes,
                                         .region = block->region,
                                         .first = i,
                                         .last = i};
        }
    }
    return TP_OK;
}

tp_status tp_program_make(const tp_program_order *order, tp_program *program) {
    const tp_lower *lower = order->lower;
    const int y = order->y;
    maker m = {.order = order, .lower = lower, .graph = lower->graph};
    if (!allocate(&m, lower->arena)) {
        return tp_no_memory(lower->diag);
    }
    tp_graph_needed(m.graph, order->latent == TP_LATENT_READ, order->wanted,
                    m.keep);
    select_steps(&m);
    share(&m, y);
    find_lives(&m);
    if (y >= 0 && m.graph->tensor[m.root[y]].role != TP_VALUE) {
        return tp_error(lower->diag, TP_ERR_UNSUPPORTED,
                        "the output is the input itself: nothing to compile");
    }
    TP_TRY(place(&m, program));
    program->step = m.step;
    program->n_steps = m.n_steps;
    program->address = m.address;
    program->scratch = m.scratch;
    return TP_OK;
}
