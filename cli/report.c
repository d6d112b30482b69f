/* tinypeft report: a page about one plan, as one HTML file. */
#include "cli/report.h"

#include <math.h>
#include <string.h>

#include "cli/html.h"
#include "cli/region.h"
#include "cli/session.h"
#include "compiler/ir/text.h"
#include "compiler/plan/cost.h"
#include "tinypeft/adapter.h"
#include "tinypeft/version.h"

uint32_t tp_report_ram(const tp_plan *plan) {
    return tp_plan_ram(plan);
}

/* --- what the page is about ----------------------------------------------- */

static tp_status compile_plan(tp_cli *cli, const tp_bytes *bytes,
                              const tp_plan_options *placing, tp_plan *plan) {
    const tp_options *o = &cli->options;
    const tp_compile_options options = {.name =
                                            tp_text_stem(&cli->arena, o->model),
                                        .spec = o->adapter.item,
                                        .n_specs = o->adapter.n,
                                        .loss = (tp_loss_kind)o->loss,
                                        .state = (tp_state_kind)o->state,
                                        .ram = (uint32_t)o->ram,
                                        .plan = *placing};
    return tp_compile(&cli->arena, bytes->data, bytes->n, &options, plan,
                      &cli->diag);
}

/* What `tinypeft plan` finds, and this plan behind it. */
static tp_status find_front(tp_cli *cli, const tp_bytes *bytes,
                            const tp_plan_options *placing, tp_report *report) {
    const tp_options *o = &cli->options;
    tp_search_result found;
    const tp_search_options search = {.name = "report",
                                      .classes =
                                          (int)report->plan->model.classes,
                                      .loss = (tp_loss_kind)o->loss,
                                      .plan = *placing};
    TP_TRY(tp_search(&cli->arena, bytes->data, bytes->n, &search, &found,
                     &cli->diag));
    const int n = found.n + 1;
    tp_choice *all = tp_arena_alloc(&cli->arena, (size_t)n, sizeof *all);
    if (all == NULL) {
        return tp_no_memory(&cli->diag);
    }
    if (found.n > 0) {
        memcpy(all, found.choice, (size_t)found.n * sizeof *all);
    }
    tp_choice *self = &all[found.n];
    self->family = "this plan";
    self->state = (tp_state_kind)report->plan->model.state;
    for (int i = 0; i < TP_SHOTS; i++) {
        self->expected[i] = NAN;
    }
    tp_choice_describe(self, report->plan);
    report->self = self;
    report->front = (tp_front){
        .choice = all, .n = n, .budget = {.ram = o->ram, .shots = o->shots}};
    tp_front_judge(&report->front, all);
    return TP_OK;
}

static tp_status unknown_core(tp_cli *cli) {
    const char *list = "";
    for (int i = 0; i < TP_N_ENERGY_TARGETS && list != NULL; i++) {
        list = tp_arena_printf(&cli->arena, "%s%s%s", list, i > 0 ? ", " : "",
                               tp_energy_targets[i].name);
    }
    return tp_error(&cli->diag, TP_ERR_ARGUMENT,
                    "--target %s: no such core; there are: %s",
                    cli->options.core, list != NULL ? list : "?");
}

static tp_status set_energy(tp_cli *cli, tp_report *report) {
    const tp_options *o = &cli->options;
    const tp_model *m = &report->plan->model;
    report->target = tp_energy_find(o->core);
    if (report->target == NULL) {
        return unknown_core(cli);
    }
    report->energy = report->target->energy;
    if (o->energy != NULL) {
        TP_TRY(tp_energy_override(&report->energy, o->energy, &cli->diag));
    }
    report->batch = m->state == TP_STATE_ONLINE ? 1u : (uint32_t)o->batch;
    const double classes = m->classes > 0 ? m->classes : 1;
    const double macs = (double)tp_program_macs(&report->plan->sample);
    report->adaptation = (tp_adaptation){
        .keep = {(double)tp_program_cost(&report->plan->keep),
                 (double)tp_program_macs(&report->plan->keep)},
        .update = {(double)tp_update_cost(report->plan, report->batch),
                   report->batch * macs},
        .updates = (double)o->updates,
        .blob_bytes = TP_BLOB_HEADER_BYTES + m->adapter_bytes,
        .samples = classes * (double)o->shots,
        .sample_bytes = m->x_bytes};
    return TP_OK;
}

/* --- the command that makes the page again -------------------------------- */

static const char *command_line(tp_cli *cli) {
    const tp_options *o = &cli->options;
    tp_arena *arena = &cli->arena;
    const char *text =
        tp_arena_printf(arena, "tinypeft report %s",
                        tp_text_quoted(arena, tp_file_name(o->model)));
    for (int i = 0; i < o->adapter.n && text != NULL; i++) {
        text = tp_arena_printf(arena, "%s \\\n    --adapter %s", text,
                               tp_text_quoted(arena, o->adapter.item[i]));
    }
    for (int i = 0; i < o->region.n && text != NULL; i++) {
        text = tp_arena_printf(arena, "%s --region %s", text,
                               tp_text_quoted(arena, o->region.item[i]));
    }
    if (o->loss != TP_LOSS_AUTO && text != NULL) {
        text = tp_arena_printf(arena, "%s --loss %s", text,
                               tp_loss_names[o->loss]);
    }
    if (o->state != TP_STATE_NONE && text != NULL) {
        text = tp_arena_printf(arena, "%s --state %s", text,
                               tp_state_names[o->state]);
    }
    if (o->ram > 0 && text != NULL) {
        text = tp_arena_printf(arena, "%s --ram %lld", text, (long long)o->ram);
    }
    if (o->samples > 0 && text != NULL) {
        text = tp_arena_printf(arena, "%s --samples %lld", text,
                               (long long)o->samples);
    }
    if (o->energy != NULL && text != NULL) {
        text = tp_arena_printf(arena, "%s --energy %s", text,
                               tp_text_quoted(arena, o->energy));
    }
    return text == NULL
               ? NULL
               : tp_arena_printf(
                     arena,
                     "%s \\\n    --target %s --batch %lld "
                     "--updates %lld --shots %lld -o %s",
                     text, o->core, (long long)o->batch, (long long)o->updates,
                     (long long)o->shots,
                     tp_text_quoted(
                         arena,
                         tp_file_name(o->output != NULL ? o->output : "-")));
}

/* --- the page ------------------------------------------------------------- */

static void tiles(tp_report *r) {
    tp_arena *a = r->arena;
    const tp_model *m = &r->plan->model;
    const double infer = (double)tp_program_cost(&r->plan->infer);
    const double sample = (double)tp_program_cost(&r->plan->sample);
    const tp_work one = {infer, (double)tp_program_macs(&r->plan->infer)};
    tp_text_add(&r->out, "<div class=\"tiles\">\n");
    tp_html_tile(
        &r->out, tp_text_grouped(a, tp_report_ram(r->plan)), "bytes",
        r->ram > 0 ? tp_arena_printf(a,
                                     "RAM: arena, adapter and training state; "
                                     "there are %s",
                                     tp_text_grouped(a, r->ram))
                   : "RAM: arena, adapter and training state");
    tp_html_tile(&r->out, tp_text_grouped(a, m->infer_bytes + m->adapter_bytes),
                 "bytes", "RAM of inference alone");
    tp_html_tile(&r->out, tp_text_grouped(a, r->plan->flash_constants), "bytes",
                 "flash: weights and tables, code not counted");
    tp_html_tile(&r->out, tp_arena_printf(a, "%.1f", infer / 1e6), "million",
                 "instructions an inference");
    tp_html_tile(&r->out,
                 tp_arena_printf(a, "%.3g", tp_energy_ms(&r->energy, one)),
                 "ms",
                 tp_arena_printf(a, "an inference on a %s at %.3g MHz",
                                 r->target->name, r->energy.mhz));
    if (m->n_params > 0) {
        tp_html_tile(&r->out, tp_text_grouped(a, m->adapter_bytes), "bytes",
                     tp_arena_printf(a, "adapter, of %s trained values",
                                     tp_text_grouped(a, m->n_values)));
        tp_html_tile(&r->out, tp_arena_printf(a, "%.2f", sample / infer), "×",
                     "inferences to learn from a sample");
        tp_html_tile(&r->out, tp_state_names[m->state], "",
                     "what training keeps of each weight");
        tp_html_tile(
            &r->out, tp_text_grouped(a, m->sample_bytes), "bytes",
            tp_arena_printf(a, "of a sample, kept %s%s",
                            r->plan->keep.n_steps > 0 ? "as frozen features"
                                                      : "as it is",
                            r->plan->samples == 0
                                ? ""
                                : tp_arena_printf(a, "; RAM counts %u",
                                                  (unsigned)r->plan->samples)));
    }
    tp_text_add(&r->out, "</div>\n");
}

static void menu(tp_report *r) {
    static const char *const item[][2] = {
        {"memory", "Memory"},     {"saved", "What backward needs"},
        {"front", "Other plans"}, {"cost", "Instructions"},
        {"energy", "Energy"},     {"layers", "Layers"},
        {"remake", "Remake"}};
    const bool trains = r->plan->sample.n_steps > 0;
    tp_text_add(&r->out, "<nav>");
    for (size_t i = 0; i < sizeof item / sizeof *item; i++) {
        if (trains || (i != 1 && i != 2)) {
            tp_text_add(&r->out, "<a href=\"#%s\">%s</a>\n", item[i][0],
                        item[i][1]);
        }
    }
    tp_text_add(&r->out, "</nav>\n");
}

static void head(tp_report *r) {
    const tp_tensor *x = &r->model->tensor[r->model->input];
    const tp_tensor *y = &r->model->tensor[r->model->output];
    tp_text_add(&r->out, "<header>\n");
    tp_html_element(&r->out, "h1", NULL, r->file);
    tp_html_element(
        &r->out, "p", "soft",
        tp_arena_printf(r->arena, "%s in, %s out; %d operators; sha256 %.16s…",
                        tp_text_shape(r->arena, x), tp_text_shape(r->arena, y),
                        r->model->n_ops, r->sha256));
    const char *specs = "";
    for (int i = 0; i < r->n_specs && specs != NULL; i++) {
        specs = tp_arena_printf(r->arena, "%s%s%s", specs, i > 0 ? "  +  " : "",
                                r->spec[i]);
    }
    tp_html_element(&r->out, "p", NULL,
                    specs != NULL && specs[0] != '\0'
                        ? specs
                        : "No adapter: the plan only infers.");
    tiles(r);
    tp_text_add(&r->out, "</header>\n");
}

static void remake(tp_report *r) {
    tp_html_section(&r->out, "remake", "How to remake this page");
    tp_html_element(&r->out, "pre", NULL, r->command);
    tp_html_element(&r->out, "p", "soft small",
                    tp_arena_printf(r->arena,
                                    "tinypeft %s; the same model and options "
                                    "give the same page, byte for byte.",
                                    TP_VERSION));
    tp_html_end_section(&r->out);
}

void tp_report_page(tp_report *r) {
    const bool trains = r->plan->sample.n_steps > 0;
    tp_html_begin(&r->out, tp_arena_printf(r->arena, "%s: plan", r->file));
    head(r);
    menu(r);
    tp_text_add(&r->out, "<main>\n");
    tp_report_memory(r);
    if (trains) {
        tp_report_saved(r);
        tp_report_front(r);
    }
    tp_report_cost(r);
    tp_report_energy(r);
    tp_report_layers(r);
    remake(r);
    tp_text_add(&r->out, "</main>\n");
    tp_html_end(&r->out);
}

/* --- the command ---------------------------------------------------------- */

static tp_status write_page(tp_cli *cli, tp_report *report) {
    const char *path = cli->options.output;
    tp_report_page(report);
    const char *text = tp_text_done(&report->out);
    if (text == NULL || report->out.failed) {
        return tp_no_memory(&cli->diag);
    }
    const tp_out_file file = {path, text, strlen(text)};
    TP_TRY(tp_files_write(&cli->diag, &file, 1));
    if (!cli->options.json) {
        printf("%s: %s bytes\n", path,
               tp_text_grouped(&cli->arena, strlen(text)));
    }
    return TP_OK;
}

static tp_status make(tp_cli *cli) {
    const tp_options *o = &cli->options;
    tp_bytes bytes;
    tp_plan plan;
    tp_graph model;
    tp_region region[TP_MAX_REGIONS];
    tp_plan_options placing = {.region = region,
                               .samples = (uint32_t)o->samples};
    if (o->output == NULL && !o->json) {
        return tp_error(&cli->diag, TP_ERR_ARGUMENT,
                        "--output FILE.html is missing (or --json)");
    }
    tp_report report = {.arena = &cli->arena,
                        .out = {.arena = &cli->arena},
                        .plan = &plan,
                        .model = &model,
                        .file = tp_file_name(o->model),
                        .spec = o->adapter.item,
                        .n_specs = o->adapter.n,
                        .ram = (uint32_t)o->ram,
                        .command = command_line(cli)};
    TP_TRY(tp_model_read(cli, &bytes));
    report.sha256 = tp_text_sha256(&cli->arena, &bytes);
    cli->diag.file = report.file;
    TP_TRY(tp_regions_parse(cli, region, &placing.n_regions));
    TP_TRY(compile_plan(cli, &bytes, &placing, &plan));
    TP_TRY(tp_import(&cli->arena, bytes.data, bytes.n, "report", &model,
                     &cli->diag));
    if (plan.sample.n_steps > 0 && o->output != NULL) {
        TP_TRY(find_front(cli, &bytes, &placing, &report));
    }
    cli->diag.file = NULL;
    TP_TRY(set_energy(cli, &report));
    if (report.command == NULL) {
        return tp_no_memory(&cli->diag);
    }
    if (o->json) {
        tp_json_print(tp_report_json(&report));
    }
    return o->output != NULL ? write_page(cli, &report) : TP_OK;
}

static tp_exit run(tp_cli *cli) {
    return make(cli) == TP_OK ? TP_EXIT_OK : TP_EXIT_FAILED;
}

const tp_command tp_command_report = {
    .name = "report",
    .bit = TP_CMD_REPORT,
    .summary = "writes a page about a plan: memory, costs, energy, others",
    .usage = "MODEL [--adapter SPEC]... [--ram SIZE] -o FILE.html",
    .notes = "The page is one file: it needs no network, follows the reader's "
             "light or dark\nsetting and prints. --energy replaces numbers of "
             "the table, which the page shows\nwith their sources.\n",
    .examples = "  tinypeft report kws.tflite --adapter 'conv[2468]=lora' "
                "--adapter fc11=head \\\n    -o report.html\n"
                "  tinypeft report kws.tflite --adapter '*=bitfit' --ram 40K "
                "--target cortex-m33 \\\n    --energy mhz=128,pj_cycle=183 -o "
                "report.html\n",
    .run = run};
