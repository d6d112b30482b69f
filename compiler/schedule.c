/* The search. Values that backward reads are dropped one after the other, in
 * several orders; each set is planned, and what nothing beats stays. */
#include "compiler/schedule.h"

#include <string.h>

#include "compiler/ops/opdef.h"

const char *const tp_state_names[] = {"none", "momentum", "accumulate",
                                      "online"};

/* --- one schedule --------------------------------------------------------- */

tp_status tp_schedule_apply(tp_arena *arena, const tp_graph *graph,
                            const tp_schedule *schedule,
                            const tp_schedule_options *options, tp_plan *plan,
                            tp_diag *diag) {
    const tp_pass_options passes = {.state = schedule->state,
                                    .choice = schedule->choice,
                                    .cut = schedule->cut};
    tp_graph *clone = tp_arena_alloc(arena, 1, sizeof *clone);
    if (clone == NULL || !tp_graph_clone(arena, graph, clone)) {
        return tp_no_memory(diag);
    }
    TP_TRY(tp_schedule_run(clone, &passes, options->dump, options->dump_ctx,
                           diag));
    return tp_plan_make(arena, clone, &options->plan, plan, diag);
}

static uint64_t sample_cost(const tp_plan *plan) {
    uint64_t sum = 0;
    for (uint32_t i = 0; i < plan->model.n_steps; i++) {
        sum += plan->model.cost[i];
    }
    return sum;
}

/* Forward ops among those of training: all but the cheap derived weights. */
static int run_again(const tp_graph *graph) {
    int n = 0;
    for (int i = graph->first_backward; i < graph->n_ops; i++) {
        const tp_kind kind = graph->op[i].kind;
        n += (kind < TP_OP_CE_LOSS || kind == TP_OP_MASK) &&
             !tp_opdef_of(kind)->derived;
    }
    return n;
}

/* --- the front ------------------------------------------------------------ */

typedef struct search {
    tp_arena *arena;
    const tp_graph *graph; /* what the cut leaves latent is marked */
    tp_diag *diag;
    tp_state_kind state;
    int cut;
    uint32_t samples;
    int *value; /* [n_values] candidates: forward makes them, backward reads */
    int n_values;
    tp_schedule *front;
    int n;
    uint32_t wanted; /* a schedule that may need no more RAM is of interest even
                        where it is beaten */
} search;

/* False where it is beaten by what it needs at least. */
static bool is_worth(const void *ctx, const tp_plan_bound *bound) {
    const search *s = ctx;
    for (int i = 0; bound->ram > s->wanted && i < s->n; i++) {
        if (s->front[i].ram <= bound->ram && s->front[i].cost <= bound->cost) {
            return false;
        }
    }
    return true;
}

/* Plans the schedule in memory of its own and fills in what it costs; where it
 * is not worth placing, its RAM is UINT32_MAX. */
static tp_status measure(const search *s, tp_schedule *schedule) {
    const tp_schedule_options quiet = {.state = schedule->state,
                                       .plan = {.effort = TP_EFFORT_QUICK,
                                                .worth = is_worth,
                                                .worth_ctx = s,
                                                .samples = s->samples}};
    tp_arena scratch = {0};
    tp_plan plan;
    tp_status status =
        tp_schedule_apply(&scratch, s->graph, schedule, &quiet, &plan, s->diag);
    if (status == TP_OK) {
        schedule->ram = tp_plan_ram(&plan);
        schedule->sample_bytes = plan.model.sample_bytes;
        schedule->cost = sample_cost(&plan);
        schedule->again = run_again(plan.graph);
    } else if (status == TP_ERR_BUDGET) {
        schedule->ram = UINT32_MAX;
        status = TP_OK;
    }
    tp_arena_free(&scratch);
    return status;
}

static bool is_candidate(const tp_graph *graph, int tensor) {
    const int made = tp_graph_producer(graph, tensor);
    if (made < 0 || made >= graph->first_backward ||
        graph->tensor[tensor].latent) {
        return false;
    }
    for (int i = graph->first_backward + 1; i < graph->n_ops; i++) {
        for (int j = 0; j < graph->op[i].n_in; j++) {
            if (graph->op[i].in[j] == tensor) {
                return true;
            }
        }
    }
    return false;
}

static bool find_candidates(search *s) {
    const tp_graph *graph = s->graph;
    s->value = tp_arena_alloc(s->arena, (size_t)graph->n_tensors + 1,
                              sizeof *s->value);
    for (int i = 0; s->value != NULL && i < graph->first_backward; i++) {
        if (is_candidate(graph, graph->op[i].out)) {
            s->value[s->n_values++] = graph->op[i].out;
        }
    }
    return s->value != NULL;
}

static bool beats(const tp_schedule *a, const tp_schedule *b) {
    return a->ram <= b->ram && a->cost <= b->cost;
}

/* Keeps the front free of what is beaten, sorted by cost. */
static tp_status offer(search *s, const tp_schedule *candidate) {
    int kept = 0;
    for (int i = 0; i < s->n; i++) {
        if (beats(&s->front[i], candidate)) {
            return TP_OK;
        }
    }
    for (int i = 0; i < s->n; i++) {
        if (!beats(candidate, &s->front[i])) {
            s->front[kept++] = s->front[i];
        }
    }
    s->n = kept;
    if (s->n == TP_MOST_SCHEDULES) {
        return TP_OK;
    }
    int at = s->n++;
    for (; at > 0 && s->front[at - 1].cost > candidate->cost; at--) {
        s->front[at] = s->front[at - 1];
    }
    s->front[at] = *candidate;
    s->front[at].choice =
        tp_arena_copy(s->arena, candidate->choice, (size_t)s->graph->n_tensors,
                      sizeof *candidate->choice);
    return s->front[at].choice != NULL ? TP_OK : tp_no_memory(s->diag);
}

/*   wanted  see above; what candidate->ram then is, is exact */
static tp_status try_one(search *s, tp_schedule *candidate, uint32_t wanted) {
    s->wanted = wanted;
    candidate->kept = 0;
    for (int i = 0; i < s->n_values; i++) {
        candidate->kept += candidate->choice[s->value[i]] != TP_KEEP_NONE;
    }
    TP_TRY(measure(s, candidate));
    return candidate->ram < UINT32_MAX ? offer(s, candidate) : TP_OK;
}

/* Smallest first means: what is dropped first. */
typedef int64_t (*rank_fn)(const tp_graph *graph, int tensor);

static int64_t largest_first(const tp_graph *graph, int tensor) {
    return -(int64_t)tp_tensor_bytes(&graph->tensor[tensor]) * 4096 +
           tp_graph_producer(graph, tensor);
}

static int64_t front_to_back(const tp_graph *graph, int tensor) {
    return tp_graph_producer(graph, tensor);
}

static int64_t back_to_front(const tp_graph *graph, int tensor) {
    return -(int64_t)tp_graph_producer(graph, tensor);
}

static void sort(const search *s, rank_fn rank, int *order) {
    for (int i = 0; i < s->n_values; i++) {
        const int64_t mine = rank(s->graph, s->value[i]);
        int at = i;
        for (; at > 0 && rank(s->graph, order[at - 1]) > mine; at--) {
            order[at] = order[at - 1];
        }
        order[at] = s->value[i];
    }
}

/* Drops one value more each time, then takes back, last first, what was
 * dropped without need: each of these sets is a schedule. */
static tp_status descend(search *s, rank_fn rank) {
    const size_t n = (size_t)s->graph->n_tensors;
    int *order = tp_arena_alloc(s->arena, n, sizeof *order);
    tp_schedule now = {.state = s->state,
                       .cut = s->cut,
                       .choice = tp_arena_alloc(s->arena, n, 1)};
    if (order == NULL || now.choice == NULL) {
        return tp_no_memory(s->diag);
    }
    sort(s, rank, order);
    TP_TRY(try_one(s, &now, UINT32_MAX));
    for (int i = 0; i < s->n_values; i++) {
        now.choice[order[i]] = TP_KEEP_NONE;
        TP_TRY(try_one(s, &now, i + 1 == s->n_values ? UINT32_MAX : 0));
    }
    for (int i = 0; i < s->n_values; i++) {
        const uint32_t ram = now.ram;
        now.choice[order[i]] = TP_KEEP_READ;
        TP_TRY(try_one(s, &now, ram));
        if (now.ram > ram) {
            now.choice[order[i]] = TP_KEEP_NONE;
            now.ram = ram;
        }
    }
    return TP_OK;
}

/* One more layer's output kept as an anchor, on the smallest schedule. */
static tp_status anchor(search *s) {
    const tp_graph *graph = s->graph;
    if (s->n == 0) {
        return TP_OK;
    }
    tp_schedule base = s->front[s->n - 1];
    uint8_t *choice =
        tp_arena_copy(s->arena, base.choice, (size_t)graph->n_tensors, 1);
    if (choice == NULL) {
        return tp_no_memory(s->diag);
    }
    base.choice = choice;
    for (int i = s->cut; i < graph->first_backward; i++) {
        const int out = graph->op[i].out;
        if (graph->tensor[out].dtype == TP_S8 && choice[out] == TP_KEEP_READ &&
            !is_candidate(graph, out)) {
            choice[out] = TP_KEEP_ANCHOR;
            TP_TRY(try_one(s, &base, 0));
            choice[out] = TP_KEEP_READ;
        }
    }
    return TP_OK;
}

/* Every schedule with the search's cut. */
static tp_status search_cut(search *s) {
    static const rank_fn ranks[] = {largest_first, front_to_back,
                                    back_to_front};
    const tp_pass_options passes = {.cut = s->cut};
    tp_graph *marked = tp_arena_alloc(s->arena, 1, sizeof *marked);
    if (marked == NULL || !tp_graph_clone(s->arena, s->graph, marked)) {
        return tp_no_memory(s->diag);
    }
    TP_TRY(tp_pass_latent(marked, &passes, s->diag));
    s->graph = marked;
    if (!find_candidates(s)) {
        return tp_no_memory(s->diag);
    }
    for (size_t i = 0; i < sizeof ranks / sizeof *ranks; i++) {
        TP_TRY(descend(s, ranks[i]));
    }
    return anchor(s);
}

/* What may be kept of a sample; where none is counted, the sample. */
static tp_status find_cuts(tp_arena *arena, const tp_graph *graph,
                           uint32_t samples, tp_cut **cut, int *n,
                           tp_diag *diag) {
    TP_TRY(tp_latent_cuts(arena, graph, cut, n, diag));
    if (samples == 0) {
        (*cut)[0] = (tp_cut){.at = 0};
        *n = 1;
    }
    return TP_OK;
}

tp_status tp_schedule_front(tp_arena *arena, const tp_graph *graph,
                            const tp_schedule_options *options,
                            tp_schedule *front, int *n, tp_diag *diag) {
    const search none = {.arena = arena,
                         .graph = graph,
                         .diag = diag,
                         .state = options->state,
                         .samples = options->plan.samples};
    search all = none;
    tp_cut *cut = NULL;
    int n_cuts = 0;
    TP_TRY(find_cuts(arena, graph, none.samples, &cut, &n_cuts, diag));
    all.front = front;
    for (int c = 0; c < n_cuts; c++) {
        search one = none;
        one.cut = cut[c].at;
        one.front = tp_arena_alloc(arena, TP_MOST_SCHEDULES, sizeof *one.front);
        if (one.front == NULL) {
            return tp_no_memory(diag);
        }
        TP_TRY(search_cut(&one));
        for (int i = 0; i < one.n; i++) {
            TP_TRY(offer(&all, &one.front[i]));
        }
    }
    *n = all.n;
    return TP_OK;
}

/* --- under a budget ------------------------------------------------------- */

static tp_status over_budget(tp_arena *arena, const tp_graph *graph,
                             const tp_schedule_options *options,
                             const tp_schedule *smallest, tp_diag *diag) {
    const tp_schedule_options quiet = {.plan.samples = options->plan.samples};
    tp_plan plan = {.graph = NULL};
    uint32_t bytes = 0;
    TP_TRY(tp_schedule_apply(arena, graph, smallest, &quiet, &plan, diag));
    const char *name = tp_plan_peak(&plan, &bytes);
    const char *samples =
        plan.samples == 0 ? ""
                          : tp_arena_printf(arena, ", %u samples of %u bytes",
                                            (unsigned)plan.samples,
                                            (unsigned)plan.model.sample_bytes);
    return tp_error(
        diag, TP_ERR_BUDGET,
        "needs %u bytes of RAM and has %u: arena %u, adapter %u, "
        "training %u (%s)%s; largest at the peak: %s, %u bytes. "
        "Nearest that fits: --ram %u",
        (unsigned)tp_plan_ram(&plan), (unsigned)options->ram,
        (unsigned)plan.model.arena_bytes, (unsigned)plan.model.adapter_bytes,
        (unsigned)plan.model.train_bytes, tp_state_names[smallest->state],
        samples != NULL ? samples : "", name, (unsigned)bytes,
        (unsigned)tp_plan_ram(&plan));
}

/* Plans the schedule with all effort, which may save a few percent of what the
 * search saw; placed with regions it may need more. */
static tp_status plan_fitting(tp_arena *arena, const tp_graph *graph,
                              const tp_schedule_options *options,
                              const tp_schedule *schedule, tp_plan *plan,
                              tp_diag *diag) {
    if (schedule->ram - schedule->ram / 16 > options->ram) {
        return TP_ERR_BUDGET;
    }
    TP_TRY(tp_schedule_apply(arena, graph, schedule, options, plan, diag));
    return tp_plan_ram(plan) <= options->ram ? TP_OK : TP_ERR_BUDGET;
}

static tp_status plan_within(tp_arena *arena, const tp_graph *graph,
                             const tp_schedule_options *options, tp_plan *plan,
                             tp_diag *diag) {
    tp_schedule *front =
        tp_arena_alloc(arena, TP_MOST_SCHEDULES, sizeof *front);
    tp_schedule smallest = {.state = TP_STATE_MOMENTUM, .ram = UINT32_MAX};
    const bool any = options->state == TP_STATE_NONE;
    if (front == NULL) {
        return tp_no_memory(diag);
    }
    for (tp_state_kind state = any ? TP_STATE_MOMENTUM : options->state;
         state <= (any ? TP_STATE_ONLINE : options->state); state++) {
        int n = 0;
        tp_diag unheard = {.arena = arena};
        tp_schedule_options of = *options;
        const bool may_fail = any && state != TP_STATE_MOMENTUM;
        of.state = state;
        const tp_status searched = tp_schedule_front(
            arena, graph, &of, front, &n, may_fail ? &unheard : diag);
        if (may_fail && searched == TP_ERR_UNSUPPORTED) {
            continue; /* packed weights need the state with masters */
        }
        TP_TRY(searched);
        for (int i = 0; i < n; i++) { /* the cheapest first */
            const tp_status status =
                plan_fitting(arena, graph, options, &front[i], plan, diag);
            if (status != TP_ERR_BUDGET) {
                return status;
            }
        }
        if (n > 0 && front[n - 1].ram < smallest.ram) {
            smallest = front[n - 1];
        }
    }
    return over_budget(arena, graph, options, &smallest, diag);
}

tp_status tp_schedule_plan(tp_arena *arena, const tp_graph *graph,
                           const tp_schedule_options *options, tp_plan *plan,
                           tp_diag *diag) {
    if (options->ram == 0) {
        tp_cut *cut = NULL;
        int n = 0;
        TP_TRY(find_cuts(arena, graph, options->plan.samples, &cut, &n, diag));
        const tp_schedule all = {.state = options->state == TP_STATE_NONE
                                              ? TP_STATE_MOMENTUM
                                              : options->state,
                                 .cut = cut[0].at};
        return tp_schedule_apply(arena, graph, &all, options, plan, diag);
    }
    return plan_within(arena, graph, options, plan, diag);
}
