/* --method: which adapters to train, where the user does not say. */
#include <string.h>

#include "cli/front.h"
#include "cli/trainer.h"

/* By options.method: families of the search, after "none" and "auto". */
static const char *const family_of[] = {NULL,   NULL,     "head",
                                        "skip", "bitfit", "lora-fa r4"};

static void take(tp_trainer *t, const char *family, const char *const *spec,
                 int n) {
    tp_texts *adapter = &t->cli->options.adapter;
    *adapter = (tp_texts){.n = n};
    memcpy(adapter->item, spec, (size_t)n * sizeof *spec);
    t->method.kind = family;
}

static int new_head(const tp_options *o) {
    return o->classes > 0 ? (int)o->classes : TP_NO_HEAD;
}

static tp_status misfit(const tp_trainer *t, const char *what) {
    tp_cli *cli = t->cli;
    return cli->options.classes > 0
               ? tp_error(&cli->diag, TP_ERR_UNSUPPORTED,
                          "--method %s --classes %d: no layer of %s fits it, "
                          "or no last one that a head could replace",
                          what, (int)cli->options.classes,
                          tp_file_name(cli->options.model))
               : tp_error(&cli->diag, TP_ERR_UNSUPPORTED,
                          "--method %s: no layer of %s fits it", what,
                          tp_file_name(cli->options.model));
}

/* --- as the user says ----------------------------------------------------- */

static tp_status take_family(tp_trainer *t, const tp_bytes *model) {
    tp_cli *cli = t->cli;
    const char *name = family_of[cli->options.method];
    const tp_family *family = tp_families;
    const char *spec[TP_FAMILY_SPECS];
    int n = 0;
    while (strcmp(family->name, name) != 0) {
        family++;
    }
    if (family->head && cli->options.classes == 0) {
        return tp_error(&cli->diag, TP_ERR_ARGUMENT,
                        "--method %s: how many classes? Add --classes N", name);
    }
    tp_graph *graph = tp_arena_alloc(&cli->arena, 1, sizeof *graph);
    if (graph == NULL) {
        return tp_no_memory(&cli->diag);
    }
    TP_TRY(tp_import(&cli->arena, model->data, model->n, "base", graph,
                     &cli->diag));
    TP_TRY(tp_family_specs(&cli->arena, graph, family, new_head(&cli->options),
                           spec, &n, &cli->diag));
    if (n == 0) {
        return misfit(t, name);
    }
    t->method.why = "asked for";
    take(t, family->name, spec, n);
    return TP_OK;
}

/* --- as `tinypeft plan` picks --------------------------------------------- */

/* With --state only its choices fit. */
static void judge(const tp_options *o, const tp_front *front,
                  tp_choice *choice) {
    tp_front_judge(front, choice);
    for (int i = 0; i < front->n; i++) {
        choice[i].fits =
            choice[i].fits && (o->state == TP_STATE_NONE ||
                               choice[i].state == (tp_state_kind)o->state);
    }
}

static tp_status take_best(tp_trainer *t, const tp_bytes *model) {
    tp_cli *cli = t->cli;
    tp_options *o = &cli->options;
    tp_search_result found;
    const tp_search_options search = {.name = "base",
                                      .classes = new_head(o),
                                      .loss = (tp_loss_kind)o->loss,
                                      .plan.samples = (uint32_t)o->samples};
    TP_TRY(tp_search(&cli->arena, model->data, model->n, &search, &found,
                     &cli->diag));
    const tp_front front = {
        .choice = found.choice,
        .n = found.n,
        .budget = {.ram = o->ram, .shots = (int64_t)t->method.shots}};
    if (front.n == 0) {
        return misfit(t, "auto");
    }
    judge(o, &front, found.choice);
    const tp_choice *c = tp_front_pick(&front);
    if (c == NULL) {
        c = tp_front_nearest(&front);
        return tp_error(&cli->diag, TP_ERR_BUDGET,
                        "--method auto: no plan fits. The nearest, %s with "
                        "state %s, exceeds %s",
                        c->family, tp_state_names[c->state],
                        tp_front_excess(&cli->arena, &front, c));
    }
    t->method.why = tp_front_reason(&cli->arena, &front, c);
    take(t, c->family, c->spec, c->n_specs);
    o->state = (int)c->state;
    return t->method.why != NULL ? TP_OK : tp_no_memory(&cli->diag);
}

/* --- choosing ------------------------------------------------------------- */

/* Samples of the rarest class that are left to train on. Without classes, all
 * of them. */
static tp_status count_shots(tp_trainer *t) {
    tp_cli *cli = t->cli;
    tp_session *s = &t->session;
    tp_samples x;
    tp_targets y;
    size_t count[256];
    s->classes =
        cli->options.classes > 0 ? (size_t)cli->options.classes : s->classes;
    TP_TRY(tp_samples_read(&cli->diag, &s->in, cli->options.x, &x));
    TP_TRY(tp_targets_read(cli, s, &x, &y));
    const size_t held = (size_t)cli->options.holdout;
    const size_t rarest =
        s->classes > 0 ? tp_count_classes(y.data, x.n, count) : x.n;
    t->method.shots = x.n > held ? rarest * (x.n - held) / x.n : 0;
    return TP_OK;
}

tp_status tp_method_choose(tp_trainer *t) {
    tp_cli *cli = t->cli;
    const tp_options *o = &cli->options;
    if (o->method == 0) {
        return o->classes == 0
                   ? TP_OK
                   : tp_error(&cli->diag, TP_ERR_ARGUMENT,
                              "--classes is for --method; with --adapter say "
                              "SLOT=head:classes=%d",
                              (int)o->classes);
    }
    if (o->adapter.n > 0 || o->load != NULL) {
        return tp_error(&cli->diag, TP_ERR_ARGUMENT,
                        "--method chooses the adapters; leave out %s",
                        o->load != NULL ? "--load" : "--adapter");
    }
    TP_TRY(tp_session_open(cli, &t->session));
    TP_TRY(count_shots(t));
    tp_bytes model;
    TP_TRY(tp_model_read(cli, &model));
    return o->method == 1 ? take_best(t, &model) : take_family(t, &model);
}
