/* tinypeft plan: which adapter, state and schedule fit the budgets. */
#include <string.h>

#include "cli/front.h"
#include "cli/region.h"
#include "cli/session.h"
#include "compiler/search.h"

typedef struct planner {
    tp_cli *cli;
    tp_region region[TP_MAX_REGIONS];
    tp_search_options search;
    tp_search_result result;
    tp_front front;
    const tp_choice *picked; /* NULL: nothing fits */
} planner;

static tp_status find_choices(planner *p) {
    tp_cli *cli = p->cli;
    const tp_options *o = &cli->options;
    tp_bytes bytes;
    TP_TRY(tp_regions_parse(cli, p->region, &p->search.plan.n_regions));
    TP_TRY(tp_model_read(cli, &bytes));
    p->search.name = tp_text_stem(&cli->arena, o->model);
    p->search.classes = (int)o->classes;
    p->search.loss = (tp_loss_kind)o->loss;
    p->search.plan.region = p->region;
    p->search.plan.samples = (uint32_t)o->samples;
    cli->diag.file = tp_file_name(o->model);
    TP_TRY(tp_search(&cli->arena, bytes.data, bytes.n, &p->search, &p->result,
                     &cli->diag));
    if (p->result.n == 0 && p->search.plan.n_regions > 0) {
        return tp_error(&cli->diag, TP_ERR_BUDGET,
                        "no plan finds a place in the regions");
    }
    if (p->result.n == 0) {
        return tp_error(&cli->diag, TP_ERR_UNSUPPORTED, "no adapter fits: %s",
                        p->result.why != NULL ? p->result.why
                                              : "see 'tinypeft inspect'");
    }
    cli->diag.file = NULL;
    return TP_OK;
}

static tp_status judge(planner *p) {
    const tp_options *o = &p->cli->options;
    tp_budget budget = {
        .ram = o->ram, .flash = o->flash, .delta = o->delta, .shots = o->shots};
    if (o->update_cost != NULL) {
        TP_TRY(tp_budget_update(&budget, o->update_cost, &p->cli->diag));
    }
    p->front = (tp_front){.choice = p->result.choice,
                          .n = p->result.n,
                          .budget = budget,
                          .samples = p->search.plan.samples};
    tp_front_judge(&p->front, p->result.choice);
    p->picked = tp_front_pick(&p->front);
    return TP_OK;
}

/* The command that compiles a choice. */
static const char *command_of(tp_arena *arena, const tp_options *o,
                              const tp_choice *c) {
    const char *text = tp_arena_printf(arena, "tinypeft compile %s",
                                       tp_text_quoted(arena, o->model));
    for (int i = 0; i < c->n_specs && text != NULL; i++) {
        text = tp_arena_printf(arena, "%s \\\n    --adapter %s", text,
                               tp_text_quoted(arena, c->spec[i]));
    }
    const char *samples =
        o->samples == 0
            ? ""
            : tp_arena_printf(arena, " --samples %lld", (long long)o->samples);
    const char *loss =
        o->loss == TP_LOSS_AUTO
            ? ""
            : tp_arena_printf(arena, " --loss %s", tp_loss_names[o->loss]);
    return text == NULL || samples == NULL || loss == NULL
               ? NULL
               : tp_arena_printf(
                     arena, "%s \\\n    --state %s --ram %u%s%s -o gen", text,
                     tp_state_names[c->state], (unsigned)c->ram, samples, loss);
}

/* Over budget: by how much, what stands in the way, what would do. */
static tp_status refuse(planner *p) {
    tp_cli *cli = p->cli;
    const tp_choice *c = tp_front_nearest(&p->front);
    tp_plan plan;
    uint32_t bytes = 0;
    TP_TRY(tp_choice_plan(&cli->arena, p->result.base, &p->search, c, &plan,
                          &cli->diag));
    const char *peak = tp_plan_peak(&plan, &bytes);
    return tp_error(&cli->diag, TP_ERR_BUDGET,
                    "no plan fits. The nearest, %s with state %s, exceeds %s; "
                    "the largest tensor where its arena is fullest is '%s', %u "
                    "bytes",
                    c->family, tp_state_names[c->state],
                    tp_front_excess(&cli->arena, &p->front, c), peak,
                    (unsigned)bytes);
}

static tp_status print_json(planner *p) {
    cJSON *json = cJSON_CreateObject();
    (void)cJSON_AddStringToObject(json, "model",
                                  tp_file_name(p->cli->options.model));
    (void)cJSON_AddItemToObject(json, "choices",
                                tp_front_json(&p->front, p->picked));
    if (p->picked != NULL) {
        const char *why = tp_front_reason(&p->cli->arena, &p->front, p->picked);
        (void)cJSON_AddStringToObject(json, "why", why != NULL ? why : "");
    }
    tp_json_print(json);
    return TP_OK;
}

static void print_table(planner *p) {
    tp_arena *arena = &p->cli->arena;
    tp_front_print(arena, &p->front, p->picked);
    printf("\n%d plans looked at; listed: those that no other beats in RAM, "
           "instructions, delta\nand accuracy at once. Instructions are "
           "estimates for a Cortex-M4. Accuracy is what\nwas measured on "
           "another task (docs/numerics.md): an order, not a promise.\n",
           p->front.n);
    if (p->picked == NULL) {
        return;
    }
    const tp_choice *c = p->picked;
    printf("\nPicked: %s\n", tp_front_reason(arena, &p->front, c));
    printf("RAM %s: arena %s (%s to infer), adapter %s, training %s.\n",
           tp_text_grouped(arena, c->ram), tp_text_grouped(arena, c->arena),
           tp_text_grouped(arena, c->infer_arena),
           tp_text_grouped(arena, c->adapter),
           tp_text_grouped(arena, c->train));
    if (p->front.samples > 0) {
        printf("Each of %s samples is kept %s, in %s bytes.\n",
               tp_text_grouped(arena, p->front.samples),
               c->schedule.cut > 0 ? "as frozen features" : "as it is",
               tp_text_grouped(arena, c->sample));
    }
    printf("Keeps %d values for backward, runs %d forward operations again.\n",
           c->n_saved, c->n_recomputed);
    printf("\n%s\n", command_of(arena, &p->cli->options, c));
}

static tp_status write_svg(planner *p) {
    tp_cli *cli = p->cli;
    const char *path = cli->options.svg;
    if (path == NULL) {
        return TP_OK;
    }
    TP_TRY(tp_file_writable(&cli->diag, path));
    const char *text = tp_front_svg(&cli->arena, &p->front, p->picked);
    if (text == NULL) {
        return tp_no_memory(&cli->diag);
    }
    const tp_out_file file = {path, text, strlen(text)};
    return tp_files_write(&cli->diag, &file, 1);
}

static tp_status plan_it(planner *p) {
    TP_TRY(find_choices(p));
    TP_TRY(judge(p));
    TP_TRY(write_svg(p));
    if (p->cli->options.json) {
        TP_TRY(print_json(p));
    } else {
        print_table(p);
    }
    return p->picked != NULL ? TP_OK : refuse(p);
}

static tp_exit run(tp_cli *cli) {
    planner *p = tp_arena_alloc(&cli->arena, 1, sizeof *p);
    if (p == NULL) {
        (void)tp_no_memory(&cli->diag);
        return TP_EXIT_FAILED;
    }
    p->cli = cli;
    return plan_it(p) == TP_OK ? TP_EXIT_OK : TP_EXIT_FAILED;
}

const tp_command tp_command_plan = {
    .name = "plan",
    .bit = TP_CMD_PLAN,
    .summary = "says which adapters fit the budgets, and picks one",
    .usage = "MODEL [BUDGETS]",
    .notes = "Every family of adapters is compiled with every state, keeping "
             "and recomputing\ndifferent values, and planned to the byte. "
             "Without a budget nothing is excluded.\nPicked is the smallest "
             "adapter within a point of the best that fits: the figures\ntell "
             "no more apart. 'tinypeft train --method auto' takes the same.\n",
    .examples =
        "  tinypeft plan kws.tflite --ram 24K\n"
        "  tinypeft plan kws.tflite --ram 64K --delta 8K --update-cost 3x "
        "--classes 10 \\\n    --svg front.svg\n",
    .run = run};
