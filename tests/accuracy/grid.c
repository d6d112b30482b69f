/* Every method, for every k, split and person. */
#include <stdlib.h>
#include <string.h>

#include "tests/accuracy/accuracy.h"
#include "tinypeft/adapter.h"

enum { MOST_KS = 8, MOST_K = 1000 };

typedef struct job {
    int method, k, person, split; /* k: samples a class */
    double percent;
    int undone;
} job;

typedef struct sweep {
    const tp_acc_grid *grid;
    const tp_acc_options *options;
    const tp_acc_method *method; /* the grid's, or --spec's */
    int n_methods;
    int k[MOST_KS], n_k; /* the grid's, or --k's */
    tp_acc_model *model; /* [n_methods][grid->n_bases] */
    job *jobs;
    int n_jobs;
} sweep;

static bool wanted(const sweep *s, int m) {
    const tp_acc_method *method = &s->method[m];
    if (method == &s->options->custom) {
        return true;
    }
    return s->options->methods != NULL
               ? tp_acc_listed(s->options->methods, method->name)
               : method->brief || !s->options->brief;
}

static bool is_base(const sweep *s, int m) {
    return s->method[m].spec[0] == NULL;
}

/* Those of --k, else the grid's own. */
static void choose_ks(sweep *s) {
    const char *p = s->options->ks;
    for (int i = 0; p == NULL && i < TP_ACC_KS; i++) {
        s->k[s->n_k++] = s->grid->k[i];
    }
    while (p != NULL && s->n_k < MOST_KS) {
        const int k = atoi(p);
        if (k > 0 && k <= MOST_K) {
            s->k[s->n_k++] = k;
        }
        p = strchr(p, ',');
        p += p != NULL ? 1 : 0;
    }
}

/* The figure that belongs to k; 0: none. The base has one, the first. */
static double figure_for(const sweep *s, int m, const double *figure, int k) {
    for (int i = 0; i < TP_ACC_KS; i++) {
        if (is_base(s, m) || s->grid->k[i] == k) {
            return figure[i];
        }
    }
    return 0.0;
}

static const tp_acc_model *model_of(const sweep *s, const job *j) {
    const int bases = s->grid->n_bases;
    return &s->model[j->method * bases + j->person % bases];
}

static tp_status run(const sweep *s, tp_arena *arena, const tp_ctx *ctx, job *j,
                     tp_acc_sample *sample) {
    const tp_acc_grid *g = s->grid;
    const tp_acc_model *model = model_of(s, j);
    tp_status status = TP_OK;
    if (ctx->model->n_params > 0) {
        const int n = g->shots(g->data, j->person, j->split, j->k, sample);
        tp_adapter_init(ctx, s->options->seed);
        TP_TRY(tp_acc_choose(arena, model, ctx, sample, n));
        status =
            tp_acc_train(ctx, &model->config, sample, (uint32_t)n, &j->undone);
    }
    const int n = g->tests(g->data, j->person, sample);
    j->percent = 100.0 * tp_acc_right(ctx, sample, n) / n;
    return status;
}

/* A run that fails, as by divergence, scores 0. */
static void work(void *arg, int i) {
    const sweep *s = arg;
    job *j = &s->jobs[i];
    tp_arena arena = {0};
    tp_ctx ctx;
    tp_acc_sample *sample =
        tp_arena_alloc(&arena, (size_t)s->grid->most_samples, sizeof *sample);
    const bool ok = sample != NULL &&
                    tp_interpreter_open(&arena, &model_of(s, j)->interpreter,
                                        &ctx) == TP_OK &&
                    run(s, &arena, &ctx, j, sample) == TP_OK;
    j->percent = ok ? j->percent : 0.0;
    tp_arena_free(&arena);
}

/* The base: one run a person, by k = 0. */
static void add_jobs(sweep *s, int m, int k, int people) {
    const int splits = is_base(s, m) ? 1 : s->options->splits;
    for (int i = 0; i < people * splits; i++) {
        s->jobs[s->n_jobs++] = (job){.method = m,
                                     .k = is_base(s, m) ? 0 : k,
                                     .person = i % people,
                                     .split = i / people};
    }
}

/* Compiles what is wanted, and lists the runs. */
static bool prepare(sweep *s, tp_arena *arena) {
    const tp_acc_grid *g = s->grid;
    const int people =
        s->options->people < g->people ? s->options->people : g->people;
    s->model = tp_arena_alloc(arena, (size_t)(s->n_methods * g->n_bases),
                              sizeof *s->model);
    s->jobs = tp_arena_alloc(arena,
                             (size_t)(s->n_methods * MOST_KS * people) *
                                 (size_t)s->options->splits,
                             sizeof *s->jobs);
    bool ok = s->model != NULL && s->jobs != NULL;
    choose_ks(s);
    for (int m = 0; ok && m < s->n_methods; m++) {
        if (!wanted(s, m)) {
            continue;
        }
        for (int b = 0; ok && b < g->n_bases; b++) {
            ok = tp_acc_compile(arena, &g->base[b], &s->method[m], s->options,
                                &s->model[m * g->n_bases + b]);
        }
        for (int i = 0; ok && i < (is_base(s, m) ? 1 : s->n_k); i++) {
            add_jobs(s, m, s->k[i], people);
        }
    }
    return ok;
}

static void print(const sweep *s, int m, int k, tp_acc_report *report) {
    const tp_acc_method *method = &s->method[m];
    const tp_model *model = &s->model[m * s->grid->n_bases].interpreter.model;
    tp_acc_row row = {.table = s->grid->table,
                      .name = method->name,
                      .k = k,
                      .values = model->n_values,
                      .bytes = model->adapter_bytes,
                      .demand = figure_for(s, m, method->demand, k),
                      .reference = figure_for(s, m, method->reference, k)};
    for (int i = 0; i < s->n_jobs; i++) {
        const job *j = &s->jobs[i];
        if (j->method == m && j->k == k) {
            tp_acc_count(&row.tally, j->percent, j->undone);
        }
    }
    if (row.tally.runs > 0) {
        tp_acc_print_row(report, &row);
    }
}

bool tp_acc_grid_run(const tp_acc_grid *grid, const tp_acc_options *options,
                     tp_acc_report *report) {
    tp_arena arena = {0};
    const bool custom = options->custom.spec[0] != NULL;
    sweep s = {.grid = grid,
               .options = options,
               .method = custom ? &options->custom : grid->method,
               .n_methods = custom ? 1 : grid->n_methods};
    const bool ok = prepare(&s, &arena);
    if (ok && s.n_jobs > 0) {
        tp_acc_each(work, &s, s.n_jobs, options->threads);
        tp_acc_print_head(grid->title);
        for (int m = 0; m < s.n_methods; m++) {
            for (int i = 0; i < (is_base(&s, m) ? 1 : s.n_k); i++) {
                print(&s, m, is_base(&s, m) ? 0 : s.k[i], report);
            }
        }
    }
    tp_arena_free(&arena);
    return ok;
}
