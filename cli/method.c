/* --method: which adapters to train, where the user does not say. */
#include <stdint.h>
#include <string.h>

#include "cli/trainer.h"

/* Fewer samples, fewer parameters: with one or two of a class the smallest
 * method that reaches into the network wins, for there is nothing to choose a
 * larger one's weights by; from five on the largest is never worse. A new head
 * alone is smaller still, but was five points below biases from the first
 * sample on (docs/numerics.md, 8). Each list goes on with what needs less
 * RAM. */
static const struct choice {
    size_t shots; /* up to so many */
    const char *with_head[5], *without[3];
    const char *why;
} choices[] = {
    {4,
     {"bitfit", "skip", "head", NULL},
     {"bitfit", NULL},
     "with few samples of a class the smallest method wins"},
    {SIZE_MAX,
     {"lora-fa", "bitfit", "skip", "head", NULL},
     {"lora-fa", "bitfit", NULL},
     "from five samples of a class on low-rank branches learn most"},
};

const char *const *tp_method_order(size_t shots, bool new_head,
                                   const char **why) {
    const struct choice *choice = choices;
    while (shots > choice->shots) {
        choice++;
    }
    *why = choice->why;
    return new_head ? choice->with_head : choice->without;
}

/* --- specs ---------------------------------------------------------------- */

static tp_status add_spec(tp_cli *cli, tp_texts *specs, const char *slots,
                          const char *adapter) {
    const char *text = tp_arena_printf(&cli->arena, "%s=%s", slots, adapter);
    if (text == NULL) {
        return tp_no_memory(&cli->diag);
    }
    specs->item[specs->n++] = text;
    return TP_OK;
}

/* The slot of the last op that a kind fits; NULL: none. */
static const char *last_fit(const tp_graph *graph, const char *kind) {
    const char *slot = NULL;
    for (int k = 0; k < TP_N_ADAPTER_KINDS; k++) {
        for (int i = 0; i < graph->n_ops; i++) {
            if (strcmp(tp_adapter_kinds[k]->name, kind) == 0 &&
                tp_adapter_kinds[k]->misfit(graph, i) == NULL) {
                slot = graph->op[i].name;
            }
        }
    }
    return slot;
}

static bool is_pointwise(const tp_graph *graph, const tp_op *op) {
    if (op->kind == TP_OP_CONV_2D) {
        const tp_tensor *w = &graph->tensor[op->in[1]];
        return w->dim[1] == 1 && w->dim[2] == 1;
    }
    return op->kind == TP_OP_FULLY_CONNECTED;
}

/* Slots of the convolutions of one place and of the fully connected layers:
 * most of the weights, and the least to keep. The last layer, which a head
 * replaces, is left out. */
static const char *pointwise(tp_arena *arena, const tp_graph *graph,
                             const char *head) {
    const char *list = "";
    for (int i = 0; i < graph->n_ops && list != NULL; i++) {
        const tp_op *op = &graph->op[i];
        if (is_pointwise(graph, op) &&
            (head == NULL || strcmp(op->name, head) != 0)) {
            list = tp_arena_printf(arena, "%s%s%s", list,
                                   list[0] != '\0' ? "," : "", op->name);
        }
    }
    return list == NULL || list[0] == '\0' ? "*" : list;
}

/* What --adapter would say for this kind. */
static tp_status specs_of(tp_trainer *t, const tp_graph *graph,
                          const char *kind, tp_texts *specs) {
    tp_cli *cli = t->cli;
    const int64_t classes = cli->options.classes;
    const char *head = classes > 0 ? last_fit(graph, "head") : NULL;
    *specs = (tp_texts){.n = 0};
    if (classes > 0 && head == NULL) {
        return tp_error(&cli->diag, TP_ERR_UNSUPPORTED,
                        "--classes %d: %s has no last layer that a head could "
                        "replace",
                        (int)classes, tp_file_name(cli->options.model));
    }
    if (head == NULL &&
        (strcmp(kind, "head") == 0 || strcmp(kind, "skip") == 0)) {
        return tp_error(&cli->diag, TP_ERR_ARGUMENT,
                        "--method %s: how many classes? Add --classes N", kind);
    }
    if (head != NULL) {
        const char *text =
            tp_arena_printf(&cli->arena, "head:classes=%d", (int)classes);
        if (text == NULL) {
            return tp_no_memory(&cli->diag);
        }
        TP_TRY(add_spec(cli, specs, head, text));
    }
    if (strcmp(kind, "lora-fa") == 0) {
        return add_spec(cli, specs, pointwise(&cli->arena, graph, head),
                        "lora-fa:rank=4");
    }
    return strcmp(kind, "head") == 0 ? TP_OK : add_spec(cli, specs, "*", kind);
}

/* --- choosing ------------------------------------------------------------- */

static tp_status try_specs(tp_trainer *t, const tp_bytes *model,
                           const tp_texts *specs, tp_diag *diag) {
    const tp_options *o = &t->cli->options;
    const tp_compile_options options = {.name = "base",
                                        .spec = specs->item,
                                        .n_specs = specs->n,
                                        .loss = (tp_loss_kind)o->loss,
                                        .state = (tp_state_kind)o->state,
                                        .ram = (uint32_t)o->ram,
                                        .plan.samples = (uint32_t)o->samples};
    tp_plan plan;
    return tp_compile(diag->arena, model->data, model->n, &options, &plan,
                      diag);
}

/* The first kind of the list whose plan fits the budget. */
static tp_status choose(tp_trainer *t, const tp_graph *graph,
                        const char *const *kind) {
    tp_cli *cli = t->cli;
    tp_bytes model;
    TP_TRY(tp_model_read(cli, &model));
    for (; *kind != NULL; kind++) {
        tp_texts specs;
        tp_diag diag = {.arena = &cli->arena};
        TP_TRY(specs_of(t, graph, *kind, &specs));
        const tp_status status = try_specs(t, &model, &specs, &diag);
        if (status == TP_OK) {
            cli->options.adapter = specs;
            t->method.kind = *kind;
            return TP_OK;
        }
        const char *text = diag.count > 0 ? diag.message[0].text : "?";
        if (status != TP_ERR_BUDGET || kind[1] == NULL) {
            return tp_error(&cli->diag, status, "--method %s: %s", *kind, text);
        }
        tp_note(&cli->diag, "%s does not fit: %s", *kind, text);
    }
    return TP_OK;
}

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
    static const char *const by_name[][2] = {{NULL, NULL},
                                             {"head", NULL},
                                             {"skip", NULL},
                                             {"bitfit", NULL},
                                             {"lora-fa", NULL}};
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
    const bool new_head = o->classes > 0;
    const char *const *order =
        tp_method_order(t->method.shots, new_head, &t->method.why);
    if (o->method > 1) {
        order = by_name[o->method - 1];
        t->method.why = "asked for";
    }
    return choose(t, t->session.plan.graph, order);
}
