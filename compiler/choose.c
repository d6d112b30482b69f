#include "compiler/choose.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tinypeft/adapter.h"

#define MOST_RUNS 40 /* until the scales of gradients fit a sample */

/* A model that only serves the choice. */
typedef struct probe {
    tp_plan plan;
    tp_interpreter run;
    tp_ctx ctx;
} probe;

typedef struct chooser {
    tp_arena *arena;
    const uint8_t *bytes;
    size_t n;
    const tp_compile_options *options;
    const tp_adapter_spec *spec;
    const tp_shots *shots;
    tp_diag *diag;
} chooser;

static bool is_sparse(const tp_adapter_spec *spec) {
    return strcmp(spec->kind->name, "sparse") == 0;
}

bool tp_choose_wanted(const tp_adapter_spec *spec, int n) {
    for (int i = 0; i < n; i++) {
        if (is_sparse(&spec[i]) && spec[i].choice != TP_CHOICE_RANDOM) {
            return true;
        }
    }
    return false;
}

static tp_status open_probe(const chooser *c, const char *const *text, int n,
                            probe *p) {
    const tp_compile_options options = {.name = c->options->name,
                                        .spec = text,
                                        .n_specs = n,
                                        .loss = c->options->loss,
                                        .state = TP_STATE_MOMENTUM};
    TP_TRY(tp_compile(c->arena, c->bytes, c->n, &options, &p->plan, c->diag));
    tp_interpreter_init(&p->run, &p->plan);
    if (tp_interpreter_open(c->arena, &p->run, &p->ctx) != TP_OK) {
        return tp_no_memory(c->diag);
    }
    tp_adapter_init(&p->ctx, c->shots->config.seed);
    return TP_OK;
}

static const void *sample_of(const void *all, size_t at, size_t bytes) {
    return (const uint8_t *)all + at * bytes;
}

/* --- what else there is, trained ------------------------------------------ */

static tp_status train(const chooser *c, const tp_ctx *ctx) {
    const tp_shots *s = c->shots;
    const tp_model *m = ctx->model;
    const uint32_t updates = s->config.updates > 0 ? s->config.updates : 100;
    uint16_t *order = tp_arena_alloc(c->arena, s->n, sizeof *order);
    if (order == NULL) {
        return tp_no_memory(c->diag);
    }
    TP_TRY(tp_train_begin(ctx, &s->config));
    for (uint32_t i = 0; i < updates * s->config.batch; i++) {
        if (i % s->n == 0) {
            tp_train_order(order, s->n, s->config.seed, i / s->n);
        }
        const size_t at = order[i % s->n];
        const tp_status status =
            tp_train_sample(ctx, sample_of(s->x, at, m->x_bytes),
                            sample_of(s->target, at, m->target_bytes));
        if (status != TP_OK && status != TP_ERR_UNDONE) {
            return tp_error(c->diag, status,
                            "choosing weights: training without them failed "
                            "(status %d); try choice=random",
                            (int)status);
        }
    }
    return TP_OK;
}

/* Parameters of the same name and size. */
static void copy_params(const tp_ctx *from, const tp_ctx *to) {
    for (uint32_t i = 0; i < from->model->n_params; i++) {
        const tp_param *a = &from->model->params[i];
        for (uint32_t k = 0; k < to->model->n_params; k++) {
            const tp_param *b = &to->model->params[k];
            if (strcmp(a->name, b->name) == 0 && a->count == b->count &&
                a->type == b->type) {
                const size_t bytes =
                    a->type == TP_PARAM_Q8 ? 4 + a->count : 2 * a->count;
                memcpy(to->adapter + b->adapter, from->adapter + a->adapter,
                       bytes);
            }
        }
    }
}

/* --- the gradient of one sample ------------------------------------------- */

/* Every scale at which its tensor uses seven bits. True: they were all so. */
static bool settle(const tp_ctx *ctx) {
    bool settled = true;
    tp_gscale *g =
        (tp_gscale *)(void *)(ctx->train + ctx->model->layout.gscale);
    for (uint32_t i = 0; i < ctx->model->n_gscale; i++) {
        int bits = 0;
        while (g[i].peak >> bits != 0 && bits < 32) {
            bits++;
        }
        int e = g[i].peak == 0 ? g[i].e - 4 : g[i].e + bits - 7;
        e = e < -48 ? -48 : (e > 24 ? 24 : e);
        settled = settled && e == g[i].e;
        g[i] = (tp_gscale){.e = (int8_t)e};
    }
    return settled;
}

static void run_sample(const tp_ctx *ctx, const tp_shots *s, uint32_t at) {
    const tp_model *m = ctx->model;
    for (int i = 0; i < MOST_RUNS; i++) {
        int32_t loss = 0;
        tp_slice slice = {.x = sample_of(s->x, at, m->x_bytes),
                          .target = sample_of(s->target, at, m->target_bytes),
                          .loss = &loss,
                          .steps = UINT32_MAX,
                          .cost = UINT32_MAX};
        memset(ctx->train + m->layout.grads, 0, m->layout.grads_bytes);
        m->sample(ctx, &slice);
        if (settle(ctx)) {
            return;
        }
    }
}

/* Adds the sample's to the scores, width values of the delta to a place. */
static void add_scores(const tp_ctx *ctx, const tp_param *delta, bool fisher,
                       uint32_t width, double *score) {
    const tp_q32 *g = (const tp_q32 *)(const void *)(ctx->train + delta->grad);
    for (uint32_t i = 0; i < delta->count; i++) {
        const double v = ldexp(g->v[i], g->e);
        score[i / width] += fisher ? v * v : fabs(v);
    }
}

/* --- the choice ----------------------------------------------------------- */

typedef struct place {
    double score;
    uint16_t at;
} place;

/* The largest first; of equals the first. */
static int by_score(const void *a, const void *b) {
    const place *x = a;
    const place *y = b;
    if (x->score < y->score || x->score > y->score) {
        return x->score < y->score ? 1 : -1;
    }
    return x->at - y->at;
}

static int by_place(const void *a, const void *b) {
    const uint16_t *x = a;
    const uint16_t *y = b;
    return *x - *y;
}

static tp_status write_list(const chooser *c, const tp_ctx *ctx,
                            const tp_index *index, const double *score) {
    uint16_t *list = (uint16_t *)(void *)(ctx->adapter + index->adapter);
    place *all = tp_arena_alloc(c->arena, index->limit, sizeof *all);
    if (all == NULL) {
        return tp_no_memory(c->diag);
    }
    for (uint32_t i = 0; i < index->limit; i++) {
        all[i] = (place){score[i], (uint16_t)i};
    }
    qsort(all, index->limit, sizeof *all, by_score);
    for (uint32_t i = 0; i < index->count; i++) {
        list[i] = all[i].at;
    }
    qsort(list, index->count, sizeof *list, by_place);
    return TP_OK;
}

/* The spec that made the list "<slot>.index": the first whose slots match. */
static const tp_adapter_spec *spec_of(const chooser *c, const char *index) {
    const size_t n = strlen(index) - strlen(".index");
    const char *slot = tp_arena_printf(c->arena, "%.*s", (int)n, index);
    for (int i = 0; slot != NULL && i < c->options->n_specs; i++) {
        if (is_sparse(&c->spec[i]) && tp_glob(c->spec[i].slots, slot)) {
            return &c->spec[i];
        }
    }
    return NULL;
}

static const tp_param *delta_of(const chooser *c, const tp_model *model,
                                const char *index) {
    const size_t n = strlen(index) - strlen(".index");
    const char *name = tp_arena_printf(c->arena, "%.*s.delta", (int)n, index);
    for (uint32_t i = 0; name != NULL && i < model->n_params; i++) {
        if (strcmp(model->params[i].name, name) == 0) {
            return &model->params[i];
        }
    }
    return NULL;
}

static tp_status choose_all(const chooser *c, const tp_ctx *probe_ctx,
                            const tp_ctx *ctx) {
    const tp_model *model = ctx->model;
    double **score = tp_arena_alloc(c->arena, model->n_indices, sizeof *score);
    if (score == NULL) {
        return tp_no_memory(c->diag);
    }
    for (uint32_t i = 0; i < model->n_indices; i++) {
        score[i] =
            tp_arena_alloc(c->arena, model->indices[i].limit, sizeof *score[i]);
        if (score[i] == NULL) {
            return tp_no_memory(c->diag);
        }
    }
    TP_TRY(tp_train_begin(probe_ctx, &c->shots->config)); /* scales */
    for (uint32_t s = 0; s < c->shots->n; s++) {
        run_sample(probe_ctx, c->shots, s);
        for (uint32_t i = 0; i < model->n_indices; i++) {
            const tp_index *index = &model->indices[i];
            const tp_adapter_spec *spec = spec_of(c, index->name);
            const tp_param *delta = delta_of(c, probe_ctx->model, index->name);
            if (spec != NULL && delta != NULL) {
                add_scores(probe_ctx, delta, spec->choice == TP_CHOICE_FISHER,
                           delta->count / index->limit, score[i]);
            }
        }
    }
    for (uint32_t i = 0; i < model->n_indices; i++) {
        const tp_adapter_spec *spec = spec_of(c, model->indices[i].name);
        if (spec != NULL && spec->choice != TP_CHOICE_RANDOM) {
            TP_TRY(write_list(c, ctx, &model->indices[i], score[i]));
        }
    }
    return TP_OK;
}

/* The specs without sparse ones, and with these over all weights. */
static tp_status make_texts(const chooser *c, const char **others, int *n,
                            const char **all) {
    *n = 0;
    for (int i = 0; i < c->options->n_specs; i++) {
        const tp_adapter_spec *spec = &c->spec[i];
        all[i] = c->options->spec[i];
        if (!is_sparse(spec)) {
            others[(*n)++] = c->options->spec[i];
            continue;
        }
        all[i] = tp_arena_printf(
            c->arena, "%s=sparse:density=100%%,unit=%s", spec->slots,
            spec->unit == TP_UNIT_CHANNEL ? "channel" : "weight");
        if (all[i] == NULL) {
            return tp_no_memory(c->diag);
        }
    }
    return TP_OK;
}

static tp_status run(chooser *c, const tp_ctx *ctx) {
    const size_t n = (size_t)c->options->n_specs;
    const char **others = tp_arena_alloc(c->arena, n, sizeof *others);
    const char **all = tp_arena_alloc(c->arena, n, sizeof *all);
    probe *p = tp_arena_alloc(c->arena, 2, sizeof *p);
    int n_others = 0;
    if (others == NULL || all == NULL || p == NULL) {
        return tp_no_memory(c->diag);
    }
    TP_TRY(make_texts(c, others, &n_others, all));
    TP_TRY(open_probe(c, all, (int)n, &p[1]));
    if (n_others > 0) {
        TP_TRY(open_probe(c, others, n_others, &p[0]));
        TP_TRY(train(c, &p[0].ctx));
        copy_params(&p[0].ctx, &p[1].ctx);
    }
    return choose_all(c, &p[1].ctx, ctx);
}

tp_status tp_choose(tp_arena *arena, const uint8_t *bytes, size_t n,
                    const tp_compile_options *options, const tp_shots *shots,
                    const tp_ctx *ctx, tp_diag *diag) {
    tp_adapter_spec *spec =
        tp_arena_alloc(arena, (size_t)options->n_specs + 1, sizeof *spec);
    if (spec == NULL) {
        return tp_no_memory(diag);
    }
    for (int i = 0; i < options->n_specs; i++) {
        TP_TRY(tp_adapter_parse(arena, options->spec[i], &spec[i], diag));
    }
    chooser c = {arena, bytes, n, options, spec, shots, diag};
    return tp_choose_wanted(spec, options->n_specs) && shots->n > 0
               ? run(&c, ctx)
               : TP_OK;
}
