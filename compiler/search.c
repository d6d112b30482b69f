#include "compiler/search.h"

#include <math.h>
#include <string.h>

#include "compiler/import/import.h"
#include "compiler/plan/cost.h"
#include "tinypeft/adapter.h"

#define MOST_CHOICES 4096

typedef struct search {
    tp_arena *arena;
    const tp_search_options *options;
    tp_diag *diag;
    tp_choice *choice;
    int n, cap;
    const char *why; /* the first family without a head did not fit */
} search;

/* --- candidates ----------------------------------------------------------- */

static tp_choice *add(search *s) {
    if (s->n == s->cap) {
        const int wider = s->cap == 0 ? 64 : 2 * s->cap;
        tp_choice *moved =
            wider > MOST_CHOICES
                ? NULL
                : tp_arena_alloc(s->arena, (size_t)wider, sizeof *moved);
        if (moved == NULL) {
            return NULL;
        }
        if (s->n > 0) {
            memcpy(moved, s->choice, (size_t)s->n * sizeof *moved);
        }
        s->choice = moved;
        s->cap = wider;
    }
    return &s->choice[s->n++];
}

static uint64_t total(const uint32_t *cost, uint32_t n) {
    uint64_t sum = 0;
    for (uint32_t i = 0; i < n; i++) {
        sum += cost[i];
    }
    return sum;
}

void tp_choice_describe(tp_choice *c, const tp_plan *plan) {
    const tp_model *m = &plan->model;
    c->arena = m->arena_bytes;
    c->infer_arena = m->infer_bytes;
    c->adapter = m->adapter_bytes;
    c->train = m->train_bytes;
    c->sample = m->sample_bytes;
    c->ram = tp_plan_ram(plan);
    c->flash = plan->flash_constants;
    c->delta = tp_blob_bytes(m);
    c->infer_cost = tp_program_cost(&plan->infer);
    c->update_cost = total(m->cost, m->n_steps);
}

/* What does not fit the regions is no error: there are other candidates. */
static tp_status heard(const search *s, const tp_diag *from, tp_status status) {
    if (status == TP_OK || status == TP_ERR_BUDGET) {
        return TP_OK;
    }
    return tp_error(s->diag, status, "%s",
                    from->count > 0 ? from->message[0].text : "no memory");
}

/* One candidate, planned to the byte; none where the regions have no place for
 * it. */
static tp_status add_schedule(search *s, const tp_graph *graph,
                              const tp_family *family, const tp_choice *like,
                              const tp_schedule *schedule) {
    tp_schedule_options quiet = {.plan = s->options->plan};
    tp_diag unheard = {.arena = s->arena};
    tp_arena scratch = {0};
    tp_plan plan;
    tp_choice *c = add(s);
    if (c == NULL) {
        return tp_no_memory(s->diag);
    }
    *c = *like;
    memcpy(c->expected,
           schedule->state == TP_STATE_ONLINE ? family->online
                                              : family->expected,
           sizeof c->expected);
    c->state = schedule->state;
    c->schedule = *schedule;
    c->n_saved = schedule->kept;
    c->n_recomputed = schedule->again;
    quiet.plan.effort = TP_EFFORT_QUICK;
    const tp_status status =
        tp_schedule_apply(&scratch, graph, schedule, &quiet, &plan, &unheard);
    if (status == TP_OK) {
        tp_choice_describe(c, &plan);
    } else {
        s->n--;
    }
    tp_arena_free(&scratch);
    return heard(s, &unheard, status);
}

/* Every schedule of one family with every state. What is worth keeping hardly
 * depends on the state, so the schedules are searched for once. */
static tp_status add_schedules(search *s, const tp_graph *graph,
                               const tp_family *family, const tp_choice *like) {
    tp_schedule front[TP_MOST_SCHEDULES];
    int n = 0;
    const tp_schedule_options quiet = {
        .state = TP_STATE_ONLINE, .plan.samples = s->options->plan.samples};
    TP_TRY(tp_schedule_front(s->arena, graph, &quiet, front, &n, s->diag));
    for (int i = 0; i < n; i++) {
        for (tp_state_kind state = TP_STATE_MOMENTUM; state <= TP_STATE_ONLINE;
             state++) {
            front[i].state = state;
            TP_TRY(add_schedule(s, graph, family, like, &front[i]));
        }
    }
    return TP_OK;
}

/* The graph of the specs up to the schedule. *misfit: NULL, or why an adapter
 * of the family has no place in this model. */
static tp_status make_graph(const search *s, const tp_graph *base,
                            const tp_choice *c, tp_graph *graph,
                            const char **misfit) {
    tp_adapter_spec spec[TP_FAMILY_SPECS];
    tp_diag quiet = {.arena = s->arena};
    if (!tp_graph_clone(s->arena, base, graph)) {
        return tp_no_memory(s->diag);
    }
    for (int i = 0; i < c->n_specs; i++) {
        TP_TRY(tp_adapter_parse(s->arena, c->spec[i], &spec[i], s->diag));
    }
    const tp_pass_options passes = {
        .spec = spec, .n_specs = c->n_specs, .loss = s->options->loss};
    const tp_status status = tp_passes_run(graph, &passes, NULL, NULL, &quiet);
    *misfit = status == TP_OK   ? NULL
              : quiet.count > 0 ? quiet.message[0].text
                                : "it does not fit";
    return status == TP_ERR_NO_MEMORY ? tp_no_memory(s->diag) : TP_OK;
}

tp_status tp_choice_plan(tp_arena *arena, const tp_graph *base,
                         const tp_search_options *options,
                         const tp_choice *choice, tp_plan *plan,
                         tp_diag *diag) {
    const search s = {.arena = arena, .options = options, .diag = diag};
    const tp_schedule_options quiet = {.state = choice->state,
                                       .plan = options->plan};
    tp_graph graph;
    const char *misfit = NULL;
    TP_TRY(make_graph(&s, base, choice, &graph, &misfit));
    if (misfit != NULL) {
        return tp_error(diag, TP_ERR_ARGUMENT, "%s does not fit this model: %s",
                        choice->family, misfit);
    }
    return tp_schedule_apply(arena, &graph, &choice->schedule, &quiet, plan,
                             diag);
}

static tp_status add_family(search *s, const tp_graph *base,
                            const tp_family *family) {
    tp_choice like = {.family = family->name};
    bool fits = false;
    /* With a new head; where the model has no place for one, without. */
    for (int head = 1; !fits && head >= (family->head ? 1 : 0); head--) {
        tp_graph graph;
        const char **spec =
            tp_arena_alloc(s->arena, TP_FAMILY_SPECS, sizeof *spec);
        if (spec == NULL) {
            return tp_no_memory(s->diag);
        }
        like.spec = spec;
        TP_TRY(tp_family_specs(s->arena, base, family,
                               head == 1 ? s->options->classes : TP_NO_HEAD,
                               spec, &like.n_specs, s->diag));
        if (like.n_specs > 0) {
            const char *misfit = NULL;
            TP_TRY(make_graph(s, base, &like, &graph, &misfit));
            fits = misfit == NULL;
            s->why = head == 0 && s->why == NULL ? misfit : s->why;
        }
        if (fits) {
            TP_TRY(add_schedules(s, &graph, family, &like));
        }
    }
    return TP_OK;
}

/* --- judging -------------------------------------------------------------- */

/* Accuracy with ten samples of a class; what is not known is worse than
 * anything known. */
static double promise(const tp_choice *c) {
    const double expected = tp_choice_expects(c, 10);
    return isnan(expected) ? 0.0 : expected;
}

/* At least as good in every respect. */
static bool covers(const tp_choice *a, const tp_choice *b) {
    return a->ram <= b->ram && a->update_cost <= b->update_cost &&
           a->infer_cost <= b->infer_cost && a->delta <= b->delta &&
           promise(a) >= promise(b);
}

static void mark(search *s) {
    for (int i = 0; i < s->n; i++) {
        tp_choice *c = &s->choice[i];
        c->on_front = true;
        for (int j = 0; c->on_front && j < s->n; j++) {
            const tp_choice *other = &s->choice[j];
            const bool same = covers(c, other);
            c->on_front = !(j != i && covers(other, c) && (!same || j < i));
        }
    }
}

static void sort_by_ram(search *s) {
    for (int i = 0; i < s->n; i++) {
        const tp_choice c = s->choice[i];
        int at = i;
        for (; at > 0 && s->choice[at - 1].ram > c.ram; at--) {
            s->choice[at] = s->choice[at - 1];
        }
        s->choice[at] = c;
    }
}

/* What is left on the front is placed with all effort, as it is compiled. */
static tp_status refine(search *s, const tp_graph *base) {
    for (int i = 0; i < s->n; i++) {
        tp_arena scratch = {0};
        tp_plan plan;
        if (!s->choice[i].on_front) {
            continue;
        }
        tp_diag unheard = {.arena = s->arena};
        const tp_status status = tp_choice_plan(&scratch, base, s->options,
                                                &s->choice[i], &plan, &unheard);
        if (status == TP_OK) {
            tp_choice_describe(&s->choice[i], &plan);
        }
        tp_arena_free(&scratch);
        TP_TRY(heard(s, &unheard, status));
    }
    return TP_OK;
}

tp_status tp_search(tp_arena *arena, const uint8_t *bytes, size_t n,
                    const tp_search_options *options, tp_search_result *result,
                    tp_diag *diag) {
    tp_search_options own = *options;
    search s = {.arena = arena, .options = &own, .diag = diag};
    tp_graph *base = tp_arena_alloc(arena, 1, sizeof *base);
    if (base == NULL) {
        return tp_no_memory(diag);
    }
    TP_TRY(tp_import(arena, bytes, n, options->name, base, diag));
    /* A head would make an autoencoder a classifier that nobody asked for. */
    if (own.loss == TP_LOSS_AUTO && own.classes == 0 &&
        tp_is_autoencoder(base)) {
        own.loss = TP_LOSS_MSE;
    }
    for (int i = 0; i < tp_n_families; i++) {
        TP_TRY(add_family(&s, base, &tp_families[i]));
    }
    mark(&s);
    TP_TRY(refine(&s, base));
    sort_by_ram(&s);
    mark(&s);
    *result = (tp_search_result){
        .base = base, .choice = s.choice, .n = s.n, .why = s.why};
    return TP_OK;
}
