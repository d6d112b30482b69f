/* tinypeft compile: C for a device. */
#include <string.h>

#include "cli/bundle.h"
#include "cli/region.h"
#include "cli/session.h"
#include "compiler/plan/target.h"

#define STAGES_MAX 32

/* What --dump asks for, and what there was. */
typedef struct dumper {
    const char *wanted;
    bool found;
    const char *stage[STAGES_MAX];
    int n_stages;
    tp_arena *arena;
} dumper;

static void dump(void *ctx, const char *stage, const char *text) {
    dumper *d = ctx;
    if (d->n_stages < STAGES_MAX) {
        d->stage[d->n_stages++] = tp_arena_printf(d->arena, "%s", stage);
    }
    if (strcmp(stage, d->wanted) == 0) {
        const size_t n = strlen(text);
        printf("%s%s", text, n > 0 && text[n - 1] == '\n' ? "" : "\n");
        d->found = true;
    }
}

static tp_status unknown_stage(tp_cli *cli, const dumper *d) {
    const char *list = "";
    for (int i = 0; i < d->n_stages && list != NULL; i++) {
        list = tp_arena_printf(&cli->arena, "%s%s%s", list, i > 0 ? ", " : "",
                               d->stage[i] != NULL ? d->stage[i] : "?");
    }
    return tp_error(&cli->diag, TP_ERR_ARGUMENT,
                    "--dump %s: no such stage; there are: %s", d->wanted,
                    list != NULL ? list : "?");
}

static bool is_identifier(const char *name) {
    static const char first[] = "abcdefghijklmnopqrstuvwxyz"
                                "ABCDEFGHIJKLMNOPQRSTUVWXYZ_";
    if (strspn(name, first) == 0) {
        return false;
    }
    while (*name != '\0' &&
           (strchr(first, *name) != NULL || (*name >= '0' && *name <= '9'))) {
        name++;
    }
    return *name == '\0';
}

static tp_status check_options(tp_cli *cli) {
    const tp_options *o = &cli->options;
    if (o->output == NULL && o->dump == NULL) {
        return tp_error(&cli->diag, TP_ERR_ARGUMENT,
                        "--output DIR is missing (or --dump STAGE)");
    }
    if (o->output == NULL && o->standalone) {
        return tp_error(&cli->diag, TP_ERR_ARGUMENT,
                        "--standalone: --output DIR is missing");
    }
    if (o->name != NULL && (!is_identifier(o->name) || strlen(o->name) > 48)) {
        return tp_error(&cli->diag, TP_ERR_ARGUMENT,
                        "--name %s: must be a C identifier of at most 48 "
                        "characters",
                        o->name);
    }
    return TP_OK;
}

static tp_status make_plan(tp_cli *cli, tp_plan *plan) {
    const tp_options *o = &cli->options;
    tp_bytes bytes;
    TP_TRY(tp_model_read(cli, &bytes));
    tp_region region[TP_MAX_REGIONS];
    tp_plan_options placing = {.region = region,
                               .isa = tp_targets[o->target].isa,
                               .samples = (uint32_t)o->samples};
    TP_TRY(tp_regions_parse(cli, region, &placing.n_regions));
    dumper d = {.wanted = o->dump, .arena = &cli->arena};
    const tp_compile_options options = {
        .name = o->name != NULL ? o->name : tp_text_stem(&cli->arena, o->model),
        .spec = o->adapter.item,
        .n_specs = o->adapter.n,
        .loss = (tp_loss_kind)o->loss,
        .state = (tp_state_kind)o->state,
        .ram = (uint32_t)o->ram,
        .plan = placing,
        .dump = o->dump != NULL ? dump : NULL,
        .dump_ctx = &d};
    cli->diag.file = tp_file_name(o->model);
    TP_TRY(tp_compile(&cli->arena, bytes.data, bytes.n, &options, plan,
                      &cli->diag));
    cli->diag.file = NULL;
    return o->dump != NULL && !d.found ? unknown_stage(cli, &d) : TP_OK;
}

/* How to make the same files again, as their header quotes it: without the
 * folders, which differ from one machine to the next. */
static const char *command_line(tp_cli *cli) {
    const tp_options *o = &cli->options;
    tp_arena *arena = &cli->arena;
    const char *text =
        tp_arena_printf(arena, "tinypeft compile %s",
                        tp_text_quoted(arena, tp_file_name(o->model)));
    for (int i = 0; i < o->adapter.n && text != NULL; i++) {
        text = tp_arena_printf(arena, "%s --adapter %s", text,
                               tp_text_quoted(arena, o->adapter.item[i]));
    }
    for (int i = 0; i < o->region.n && text != NULL; i++) {
        text = tp_arena_printf(arena, "%s --region %s", text,
                               tp_text_quoted(arena, o->region.item[i]));
    }
    if (o->state != TP_STATE_NONE && text != NULL) {
        text = tp_arena_printf(arena, "%s --state %s", text,
                               tp_state_names[o->state]);
    }
    if (o->ram != 0 && text != NULL) {
        text = tp_arena_printf(arena, "%s --ram %u", text, (unsigned)o->ram);
    }
    if (o->samples != 0 && text != NULL) {
        text = tp_arena_printf(arena, "%s --samples %lld", text,
                               (long long)o->samples);
    }
    if (o->loss != TP_LOSS_AUTO && text != NULL) {
        text = tp_arena_printf(arena, "%s --loss %s", text,
                               tp_loss_names[o->loss]);
    }
    if (o->name != NULL && text != NULL) {
        text = tp_arena_printf(arena, "%s --name %s", text, o->name);
    }
    if (o->standalone && text != NULL) {
        text = tp_arena_printf(arena, "%s --standalone", text);
    }
    return text == NULL ? NULL
                        : tp_arena_printf(arena, "%s --target %s", text,
                                          tp_targets[o->target].name);
}

/* The model's own three files. */
static tp_status model_files(tp_cli *cli, const char *name,
                             const tp_emitted *emitted,
                             tp_out_file file[TP_FILES_MAX]) {
    const char *const suffix[] = {".h", ".c", "_weights.c"};
    const char *const text[] = {emitted->header, emitted->program,
                                emitted->weights};
    for (int i = 0; i < 3; i++) {
        file[i] =
            (tp_out_file){tp_arena_printf(&cli->arena, "%s/%s%s",
                                          cli->options.output, name, suffix[i]),
                          text[i], strlen(text[i])};
        if (file[i].path == NULL) {
            return tp_no_memory(&cli->diag);
        }
    }
    return TP_OK;
}

static tp_status write_files(tp_cli *cli, const char *name,
                             const tp_emitted *emitted) {
    const char *dir = cli->options.output;
    tp_out_file file[TP_FILES_MAX];
    int n = 3;
    TP_TRY(model_files(cli, name, emitted, file));
    if (cli->options.standalone) {
        TP_TRY(tp_bundle_add(cli, dir, file, &n));
        dir = tp_arena_printf(&cli->arena, "%s/" TP_BUNDLE_FOLDER, dir);
        if (dir == NULL) {
            return tp_no_memory(&cli->diag);
        }
    }
    int made = 0;
    TP_TRY(tp_folder_make(&cli->diag, dir, &made));
    const tp_status status = tp_files_write(&cli->diag, file, n);
    if (status != TP_OK) {
        tp_folder_remove(dir, 0, made);
    }
    return status;
}

static void print_size(tp_cli *cli, const char *what, uint64_t bytes) {
    printf("  %-28s%12s bytes\n", what, tp_text_grouped(&cli->arena, bytes));
}

static void print_summary(tp_cli *cli, const tp_plan *plan) {
    const tp_model *model = &plan->model;
    const char *name = plan->graph->name;
    const char *dir = cli->options.output;
    printf("wrote %s/%s.h, %s.c, %s_weights.c%s\n", dir, name, name, name,
           cli->options.standalone ? ", tinypeft.c, tinypeft.h, tinypeft/*"
                                   : "");
    print_size(cli, "flash: weights of the base", plan->flash_weights);
    print_size(cli, "flash: all constants", plan->flash_constants);
    print_size(cli, "RAM: to infer", model->infer_bytes);
    for (int r = 0; r < plan->n_regions; r++) {
        const char *what = tp_arena_printf(&cli->arena, "RAM: arena in %s",
                                           plan->region[r].name);
        print_size(cli, what != NULL ? what : "", model->region[r]);
    }
    if (model->n_params > 0) {
        print_size(cli, "RAM: the adapter", model->adapter_bytes);
        print_size(cli, "RAM: to infer and train", model->arena_bytes);
        print_size(cli, "RAM: state of the training", model->train_bytes);
        if (plan->samples > 0) {
            const char *what = tp_arena_printf(
                &cli->arena, "RAM: %u samples, %s", (unsigned)plan->samples,
                plan->keep.n_steps > 0 ? "latent" : "raw");
            print_size(cli, what != NULL ? what : "",
                       (uint64_t)plan->samples * model->sample_bytes);
        }
    }
}

static tp_status emit(tp_cli *cli, const tp_plan *plan) {
    const tp_emit_options options = {.command = command_line(cli),
                                     .source = tp_file_name(cli->options.model),
                                     .target =
                                         tp_targets[cli->options.target].name};
    tp_emitted emitted;
    if (options.command == NULL) {
        return tp_no_memory(&cli->diag);
    }
    TP_TRY(tp_emit(&cli->arena, plan, &options, &emitted, &cli->diag));
    TP_TRY(write_files(cli, plan->graph->name, &emitted));
    if (cli->options.dump == NULL) {
        print_summary(cli, plan);
    }
    return TP_OK;
}

static tp_status compile(tp_cli *cli) {
    tp_plan plan;
    TP_TRY(check_options(cli));
    TP_TRY(make_plan(cli, &plan));
    return cli->options.output != NULL ? emit(cli, &plan) : TP_OK;
}

static tp_exit run(tp_cli *cli) {
    return compile(cli) == TP_OK ? TP_EXIT_OK : TP_EXIT_FAILED;
}

const tp_command tp_command_compile = {
    .name = "compile",
    .bit = TP_CMD_COMPILE,
    .summary = "writes C that infers and trains on a device",
    .usage = "MODEL --adapter SPEC... -o DIR [OPTIONS]",
    .notes = "All files are written, or none. Without --adapter the C only "
             "infers.\nWith --standalone the folder compiles as it is, "
             "anywhere: each .c file in it,\nwith the folder to include from. "
             "The stages for --dump are import, the passes,\nand plan.\n",
    .examples = "  tinypeft compile kws.tflite --adapter 'conv*=lora:rank=4' "
                "--target cortex-m4 \\\n    -o gen\n"
                "  tinypeft compile kws.tflite --standalone -o kws\n"
                "  tinypeft compile kws.tflite --dump=plan\n",
    .run = run};
