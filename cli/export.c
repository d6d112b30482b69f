/* tinypeft export: the adapter merged into a .tflite file, as far as the file
 * has a place for it. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/predict.h"
#include "cli/session.h"
#include "cli/table.h"
#include "compiler/merge.h"
#include "core/rng.h"
#include "tinypeft/adapter.h"

enum { SAMPLES = 64 };

typedef struct exporter {
    tp_cli *cli;
    tp_session from; /* with all adapters */
    tp_session kept; /* with those that can be merged */
    tp_merge merge;
    uint8_t *bytes; /* of the merged file */
    size_t n;
    size_t compared, differ, samples; /* bytes of the answers */
    int largest;                      /* difference */
    int left_out;                     /* specs */
} exporter;

/* --- what can be merged --------------------------------------------------- */

static const char *why_not(const char *kind) {
    static const struct {
        const char *kind, *why;
    } row[] = {
        {"head", "a head is a last layer of its own with scores of 16 bits"},
        {"skip", "a skip adds averages to a head's scores, for which the file "
                 "has no operators"},
        {"bottleneck", "a bottleneck is a branch with a gate, for which the "
                       "file has no operators"},
        {"sparse", "its changes are finer than the steps of the file's int8 "
                   "weights"},
    };
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        if (strcmp(kind, row[i].kind) == 0) {
            return row[i].why;
        }
    }
    return "a low-rank product is finer than the steps of the file's int8 "
           "weights: rounded to them it would answer otherwise";
}

/* The specs that stay; a message for each of the others. */
static tp_status sort_specs(exporter *e, tp_texts *kept) {
    tp_cli *cli = e->cli;
    const bool partial = cli->options.partial;
    for (int i = 0; i < e->from.spec.n; i++) {
        const char *text = e->from.spec.item[i];
        tp_adapter_spec spec;
        TP_TRY(tp_adapter_parse(&cli->arena, text, &spec, &cli->diag));
        const char *kind = spec.kind->name;
        if (strcmp(kind, "bitfit") == 0 || strcmp(kind, "scale") == 0) {
            kept->item[kept->n++] = text;
            continue;
        }
        e->left_out++;
        if (partial) {
            tp_note(&cli->diag, "left out: %s: %s", text, why_not(kind));
        } else {
            (void)tp_error(&cli->diag, TP_ERR_UNSUPPORTED,
                           "%s: cannot be merged: %s; bitfit and scale can. "
                           "Keep it as an adapter ('tinypeft compile'), or "
                           "leave it out with --partial",
                           text, why_not(kind));
        }
    }
    if (e->left_out > 0 && !partial) {
        return TP_ERR_UNSUPPORTED;
    }
    return kept->n > 0
               ? TP_OK
               : tp_error(&cli->diag, TP_ERR_UNSUPPORTED,
                          "%s: nothing can be merged; bitfit and scale can",
                          cli->options.load);
}

static const tp_param *find(const tp_model *model, const char *name) {
    for (uint32_t i = 0; i < model->n_params; i++) {
        if (strcmp(model->params[i].name, name) == 0) {
            return &model->params[i];
        }
    }
    return NULL;
}

/* The model with the specs that stay, and their parameters, all of int16. */
static tp_status open_kept(exporter *e) {
    tp_options *o = &e->cli->options;
    const char *load = o->load;
    tp_texts kept = {.n = 0};
    TP_TRY(sort_specs(e, &kept));
    o->adapter = kept;
    o->loss = (int)e->from.loss;
    o->load = NULL;
    const tp_status status = tp_session_open(e->cli, &e->kept);
    o->load = load;
    TP_TRY(status);
    const tp_model *model = &e->kept.plan.model;
    for (uint32_t i = 0; i < model->n_params; i++) {
        const tp_param *to = &model->params[i];
        const tp_param *from = find(&e->from.plan.model, to->name);
        if (from == NULL || from->type != TP_PARAM_S16 ||
            from->count != to->count) {
            return tp_error(&e->cli->diag, TP_ERR_MALFORMED,
                            "internal: parameter %s is not what it was",
                            to->name);
        }
        memcpy(e->kept.ctx.adapter + to->adapter,
               e->from.ctx.adapter + from->adapter, 2 * (size_t)to->count);
    }
    return TP_OK;
}

/* --- the merged file is run, and compared --------------------------------- */

static tp_status open_merged(exporter *e, tp_plan *plan,
                             tp_interpreter *interpreter) {
    tp_cli *cli = e->cli;
    const tp_compile_options options = {
        .name = tp_text_stem(&cli->arena, cli->options.output),
        .loss = e->from.loss};
    cli->diag.file = tp_file_name(cli->options.output);
    TP_TRY(tp_compile(&cli->arena, e->bytes, e->n, &options, plan, &cli->diag));
    cli->diag.file = NULL;
    tp_interpreter_init(interpreter, plan);
    return TP_OK;
}

/* Samples of --input, or random ones. */
static tp_status get_samples(exporter *e, tp_samples *x) {
    tp_cli *cli = e->cli;
    const tp_port *in = &e->kept.in;
    if (cli->options.x != NULL) {
        return tp_samples_read(&cli->diag, in, cli->options.x, x);
    }
    uint32_t rng = tp_rng_seed(1);
    x->n = SAMPLES;
    x->data = tp_arena_alloc(&cli->arena, x->n * in->count, 1);
    if (x->data == NULL) {
        return tp_no_memory(&cli->diag);
    }
    for (size_t i = 0; i < x->n * in->count; i++) {
        x->data[i] = (int8_t)(tp_rng_next(&rng) >> 24);
    }
    return TP_OK;
}

static tp_status infer(tp_cli *cli, const tp_interpreter *interpreter,
                       const uint8_t *adapter, const tp_samples *x, size_t each,
                       int8_t **y) {
    tp_workers workers;
    tp_progress progress;
    TP_TRY(tp_workers_open(&cli->diag, interpreter, 2, &workers));
    *y = tp_arena_alloc(&cli->arena, x->n * each, 1);
    if (*y == NULL) {
        return tp_no_memory(&cli->diag);
    }
    tp_progress_start(&progress, "comparing", false);
    tp_workers_infer(&workers, adapter, x, *y, &progress);
    tp_progress_end(&progress);
    return TP_OK;
}

static tp_status compare(exporter *e) {
    tp_plan plan;
    tp_interpreter merged;
    tp_samples x;
    int8_t *want = NULL;
    int8_t *have = NULL;
    const size_t each = e->kept.out.count;
    TP_TRY(open_merged(e, &plan, &merged));
    TP_TRY(get_samples(e, &x));
    TP_TRY(infer(e->cli, &e->kept.interpreter, e->kept.ctx.adapter, &x, each,
                 &want));
    TP_TRY(infer(e->cli, &merged, NULL, &x, each, &have));
    e->samples = x.n;
    e->compared = x.n * each;
    for (size_t i = 0; i < e->compared; i++) {
        const int d = abs(tp_port_value(&e->kept.out, have[i]) -
                          tp_port_value(&e->kept.out, want[i]));
        e->differ += d != 0;
        e->largest = d > e->largest ? d : e->largest;
    }
    return TP_OK;
}

/* True where every factor is the trained one, so that every answer is. */
static bool is_exact(const exporter *e) {
    for (int i = 0; i < e->merge.n; i++) {
        const tp_merge_layer *layer = &e->merge.layer[i];
        if (layer->scale != NULL && layer->exact < layer->n) {
            return false;
        }
    }
    return true;
}

/* Merged biases are the integers of inference itself. */
static tp_status check(exporter *e) {
    if (e->differ == 0 || !is_exact(e)) {
        return TP_OK;
    }
    return tp_error(&e->cli->diag, TP_ERR_MALFORMED,
                    "internal: %zu of %zu bytes differ although every number "
                    "is exact",
                    e->differ, e->compared);
}

/* --- the result ----------------------------------------------------------- */

static void print_json(const exporter *e) {
    cJSON *json = cJSON_CreateObject();
    cJSON *list = cJSON_AddArrayToObject(json, "layers");
    for (int i = 0; i < e->merge.n; i++) {
        const tp_merge_layer *layer = &e->merge.layer[i];
        cJSON *item = cJSON_CreateObject();
        (void)cJSON_AddStringToObject(item, "slot", layer->slot);
        (void)cJSON_AddNumberToObject(item, "channels", layer->n);
        (void)cJSON_AddBoolToObject(item, "bias", layer->bias != NULL);
        (void)cJSON_AddBoolToObject(item, "scale", layer->scale != NULL);
        if (layer->scale != NULL) {
            (void)cJSON_AddNumberToObject(item, "exact", layer->exact);
            tp_json_add_float(item, "error", layer->error);
        }
        (void)cJSON_AddItemToArray(list, item);
    }
    (void)cJSON_AddNumberToObject(json, "left_out", e->left_out);
    (void)cJSON_AddBoolToObject(json, "exact", is_exact(e));
    (void)cJSON_AddNumberToObject(json, "samples", (double)e->samples);
    (void)cJSON_AddNumberToObject(json, "bytes", (double)e->compared);
    (void)cJSON_AddNumberToObject(json, "differ", (double)e->differ);
    (void)cJSON_AddNumberToObject(json, "largest", e->largest);
    tp_json_print(json);
}

static void print_text(const exporter *e) {
    for (int i = 0; i < e->merge.n; i++) {
        const tp_merge_layer *layer = &e->merge.layer[i];
        printf("  %-12s", layer->slot);
        if (layer->bias != NULL) {
            printf("  %d biases, exact", (int)layer->n);
        }
        if (layer->scale != NULL) {
            printf("  %d scales, %d exact, the others within %.2g",
                   (int)layer->n, (int)layer->exact, layer->error);
        }
        printf("\n");
    }
    printf("%s: %zu of %zu bytes of the answers to %zu %s differ",
           e->cli->options.output, e->differ, e->compared, e->samples,
           e->cli->options.x != NULL ? "samples" : "random samples");
    if (e->differ > 0) {
        printf(", by %d at most", e->largest);
    }
    printf("; %s\n", is_exact(e)
                         ? "every number is exact, so no answer ever differs"
                         : "scales are float32 in a file, so a byte may differ "
                           "by rounding");
}

static tp_status export(exporter *e) {
    tp_cli *cli = e->cli;
    tp_bytes base;
    TP_TRY(tp_file_writable(&cli->diag, cli->options.output));
    TP_TRY(tp_session_open(cli, &e->from));
    TP_TRY(open_kept(e));
    TP_TRY(tp_merge_read(&cli->arena, &e->kept.plan, e->kept.ctx.adapter,
                         &e->merge, &cli->diag));
    TP_TRY(tp_model_read(cli, &base));
    TP_TRY(tp_merge_write(&cli->arena, &e->merge, base.data, base.n, &e->bytes,
                          &cli->diag));
    e->n = base.n;
    TP_TRY(compare(e));
    TP_TRY(check(e));
    const tp_out_file file = {cli->options.output, e->bytes, e->n};
    TP_TRY(tp_files_write(&cli->diag, &file, 1));
    if (cli->options.json) {
        print_json(e);
    } else {
        print_text(e);
    }
    return TP_OK;
}

static tp_exit run(tp_cli *cli) {
    exporter e = {.cli = cli};
    return export(&e) == TP_OK ? TP_EXIT_OK : TP_EXIT_FAILED;
}

const tp_command tp_command_export = {
    .name = "export",
    .bit = TP_CMD_EXPORT,
    .summary = "merges trained biases and scales into a .tflite file",
    .usage = "MODEL --load ADAPTER --merged -o FILE.tflite [OPTIONS]",
    .notes =
        "The file runs in any interpreter of .tflite files. Biases (bitfit) "
        "are merged\nexactly. Trained scales become the weights' scales, which "
        "are float32 in a file: a\nfactor may be off by 2^-24, and an answer "
        "by one unit where it lies half-way. The\nmerged model is run and "
        "compared with the adapted one, and what differs is counted.\n",
    .examples =
        "  tinypeft export kws.tflite --load my.tpa --merged -o mine.tflite\n"
        "  tinypeft export kws.tflite --load my.tpa --merged --input x.bin -o "
        "mine.tflite\n",
    .run = run};
