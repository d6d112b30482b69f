/* tinypeft inspect: what is in a model, and where adapters fit. */
#include <string.h>

#include "cli/session.h"
#include "cli/table.h"
#include "compiler/ops/opdef.h"

#define FIRST_KIND 8 /* column of the first adapter kind */
#define REASONS_MAX 26

_Static_assert(FIRST_KIND + TP_N_ADAPTER_KINDS <= TP_TABLE_COLUMNS,
               "every adapter kind has its column");

typedef struct totals {
    int64_t macs;
    uint64_t weights; /* bytes of constants, each counted once */
} totals;

/* Why kinds do not fit, each reason once: the table shows its letter. */
typedef struct reasons {
    const char *text[REASONS_MAX];
    int n;
} reasons;

static int64_t macs_of(const tp_graph *graph, const tp_op *op) {
    const tp_opdef *def = tp_opdef_of(op->kind);
    return def->macs != NULL ? def->macs(graph, op) : 0;
}

/* Bytes of the constants that this op reads; `seen` [n_tensors] where not
 * NULL leaves out those counted before. */
static uint64_t const_bytes(const tp_graph *graph, const tp_op *op,
                            bool *seen) {
    uint64_t bytes = 0;
    for (int i = 0; i < op->n_in; i++) {
        const int t = op->in[i];
        if (t < 0 || graph->tensor[t].role != TP_CONST ||
            (seen != NULL && seen[t])) {
            continue;
        }
        bytes += tp_tensor_bytes(&graph->tensor[t]);
        if (seen != NULL) {
            seen[t] = true;
        }
    }
    return bytes;
}

static tp_status sum_up(tp_diag *diag, const tp_graph *graph, totals *sum) {
    bool *seen =
        tp_arena_alloc(diag->arena, (size_t)graph->n_tensors, sizeof *seen);
    if (seen == NULL) {
        return tp_no_memory(diag);
    }
    *sum = (totals){0, 0};
    for (int i = 0; i < graph->n_ops; i++) {
        sum->macs += macs_of(graph, &graph->op[i]);
        sum->weights += const_bytes(graph, &graph->op[i], seen);
    }
    return TP_OK;
}

static const char *io_name(tp_dtype io) {
    return io == TP_F32 ? "float32" : io == TP_U8 ? "uint8" : "int8";
}

/* --- for people ----------------------------------------------------------- */

/* "yes" or the letter of the reason. */
static const char *fit_text(reasons *r, const tp_table *table,
                            const char *misfit) {
    if (misfit == NULL) {
        return "yes";
    }
    int i = 0;
    while (i < r->n && strcmp(r->text[i], misfit) != 0) {
        i++;
    }
    if (i == REASONS_MAX) {
        return "no";
    }
    if (i == r->n) {
        r->text[r->n++] = misfit;
    }
    return tp_table_text(table, "%c", 'a' + i);
}

static const char *in_shape(tp_arena *arena, const tp_graph *graph,
                            const tp_op *op) {
    const int in = op->n_in > 0 ? op->in[0] : -1;
    return in >= 0 ? tp_text_shape(arena, &graph->tensor[in]) : "";
}

static void fill_row(const tp_graph *graph, int at, tp_table *table,
                     const char **row, reasons *r) {
    tp_arena *arena = table->arena;
    const tp_op *op = &graph->op[at];
    const tp_tensor *y = &graph->tensor[op->out];
    row[0] = op->name;
    row[1] = tp_kind_name(op->kind);
    row[2] = in_shape(arena, graph, op);
    row[3] = tp_table_text(table, "-> %s", tp_text_shape(arena, y));
    row[4] = tp_text_grouped(arena, (uint64_t)macs_of(graph, op));
    row[5] = tp_text_grouped(arena, const_bytes(graph, op, NULL));
    if (y->quant.n > 0) {
        row[6] = tp_table_text(table, "%.6g", (double)tp_scale_of(y, 0));
        row[7] = tp_table_text(table, "%d", (int)y->quant.zero_point);
    }
    for (int k = 0; k < TP_N_ADAPTER_KINDS; k++) {
        row[FIRST_KIND + k] =
            fit_text(r, table, tp_adapter_kinds[k]->misfit(graph, at));
    }
}

static void head_row(const char **row) {
    static const char *const text[FIRST_KIND] = {
        "slot", "kind", "in", "-> out", "MAC", "bytes", "scale", "zero"};
    for (int i = 0; i < FIRST_KIND; i++) {
        row[i] = text[i];
    }
    for (int k = 0; k < TP_N_ADAPTER_KINDS; k++) {
        row[FIRST_KIND + k] = tp_adapter_kinds[k]->name;
    }
}

static void print_port(tp_arena *arena, const char *what, const tp_port *port,
                       bool input) {
    const tp_tensor *t = port->tensor;
    const double scale = (double)tp_scale_of(t, 0);
    const int zero = (int)t->quant.zero_point;
    printf("%-8s%s %s, scale %.9g, zero point %d\n", what, io_name(port->io),
           tp_text_shape(arena, t), scale, zero);
    if (port->io == TP_F32 && input) {
        printf("%-8sint8 inside: q = clamp(round(x / %.9g) + %d, -128, 127)\n",
               "", scale, zero);
    } else if (port->io == TP_F32) {
        printf("%-8sint8 inside: y = (q - %d) * %.9g\n", "", zero, scale);
    }
}

static void print_reasons(const reasons *r) {
    for (int i = 0; i < r->n; i++) {
        printf("  %c  %s\n", 'a' + i, r->text[i]);
    }
}

static tp_status print_model(tp_cli *cli, const tp_graph *graph,
                             const char *sha256, const totals *sum) {
    tp_table table = {.arena = &cli->arena,
                      .columns = FIRST_KIND + TP_N_ADAPTER_KINDS,
                      .align = "llllrrrr"};
    reasons r = {.n = 0};
    for (int i = -1; i < graph->n_ops; i++) {
        const char **row = tp_table_row(&table);
        if (row == NULL) {
            return tp_no_memory(&cli->diag);
        }
        if (i < 0) {
            head_row(row);
        } else {
            fill_row(graph, i, &table, row, &r);
        }
    }
    const tp_port in = tp_port_in(graph);
    const tp_port out = tp_port_out(graph);
    printf("%s, sha256 %s\n", tp_file_name(cli->options.model), sha256);
    print_port(&cli->arena, "input", &in, true);
    print_port(&cli->arena, "output", &out, false);
    printf("total   %d operators, %s MAC, %s bytes of weights\n\n",
           graph->n_ops, tp_text_grouped(&cli->arena, (uint64_t)sum->macs),
           tp_text_grouped(&cli->arena, sum->weights));
    tp_table_print(&table);
    printf("\nscale, zero: of the output. Adapter kinds: yes where "
           "--adapter SLOT=KIND fits, or\nwhy it does not:\n");
    print_reasons(&r);
    return TP_OK;
}

/* --- JSON ----------------------------------------------------------------- */

static cJSON *tensor_json(const tp_tensor *t) {
    cJSON *json = cJSON_CreateObject();
    (void)cJSON_AddStringToObject(json, "name", t->name != NULL ? t->name : "");
    (void)cJSON_AddStringToObject(json, "type", tp_dtype_name(t->dtype));
    tp_json_add_ints(json, "shape", t->dim, t->rank);
    if (t->role == TP_CONST) {
        (void)cJSON_AddNumberToObject(json, "bytes",
                                      (double)tp_tensor_bytes(t));
    }
    if (t->quant.n > 0) {
        cJSON *scales = cJSON_AddArrayToObject(json, "scale");
        for (int i = 0; i < t->quant.n; i++) {
            (void)cJSON_AddItemToArray(
                scales, cJSON_CreateNumber((double)t->quant.scale[i]));
        }
        (void)cJSON_AddNumberToObject(json, "zero_point", t->quant.zero_point);
    }
    return json;
}

static cJSON *port_json(const tp_port *port) {
    cJSON *json = tensor_json(port->tensor);
    (void)cJSON_AddStringToObject(json, "interface", io_name(port->io));
    return json;
}

/* For each kind: true, or the reason why not. */
static cJSON *fits_json(const tp_graph *graph, int at) {
    cJSON *json = cJSON_CreateObject();
    for (int k = 0; k < TP_N_ADAPTER_KINDS; k++) {
        const tp_adapter_kind *kind = tp_adapter_kinds[k];
        const char *misfit = kind->misfit(graph, at);
        if (misfit == NULL) {
            (void)cJSON_AddTrueToObject(json, kind->name);
        } else {
            (void)cJSON_AddStringToObject(json, kind->name, misfit);
        }
    }
    return json;
}

static cJSON *op_json(const tp_graph *graph, int at) {
    const tp_op *op = &graph->op[at];
    cJSON *json = cJSON_CreateObject();
    (void)cJSON_AddStringToObject(json, "slot", op->name);
    (void)cJSON_AddStringToObject(json, "kind", tp_kind_name(op->kind));
    (void)cJSON_AddNumberToObject(json, "source", op->source);
    (void)cJSON_AddNumberToObject(json, "macs", (double)macs_of(graph, op));
    (void)cJSON_AddNumberToObject(json, "weight_bytes",
                                  (double)const_bytes(graph, op, NULL));
    cJSON *in = cJSON_AddArrayToObject(json, "in");
    for (int i = 0; i < op->n_in; i++) {
        (void)cJSON_AddItemToArray(
            in, op->in[i] >= 0 ? tensor_json(&graph->tensor[op->in[i]])
                               : cJSON_CreateNull());
    }
    (void)cJSON_AddItemToObject(json, "out",
                                tensor_json(&graph->tensor[op->out]));
    (void)cJSON_AddItemToObject(json, "fits", fits_json(graph, at));
    return json;
}

static void print_json(const tp_cli *cli, const tp_graph *graph,
                       const char *sha256, const totals *sum) {
    const tp_port in = tp_port_in(graph);
    const tp_port out = tp_port_out(graph);
    cJSON *json = cJSON_CreateObject();
    (void)cJSON_AddStringToObject(json, "file",
                                  tp_file_name(cli->options.model));
    (void)cJSON_AddStringToObject(json, "sha256", sha256);
    (void)cJSON_AddItemToObject(json, "input", port_json(&in));
    (void)cJSON_AddItemToObject(json, "output", port_json(&out));
    (void)cJSON_AddNumberToObject(json, "macs", (double)sum->macs);
    (void)cJSON_AddNumberToObject(json, "weight_bytes", (double)sum->weights);
    cJSON *list = cJSON_AddArrayToObject(json, "operators");
    for (int i = 0; i < graph->n_ops; i++) {
        (void)cJSON_AddItemToArray(list, op_json(graph, i));
    }
    tp_json_print(json);
}

/* --- the command ---------------------------------------------------------- */

static tp_status inspect(tp_cli *cli) {
    tp_bytes bytes;
    tp_graph graph;
    totals sum = {0, 0};
    TP_TRY(tp_model_read(cli, &bytes));
    cli->diag.file = tp_file_name(cli->options.model);
    TP_TRY(tp_import(&cli->arena, bytes.data, bytes.n,
                     tp_text_stem(&cli->arena, cli->options.model), &graph,
                     &cli->diag));
    cli->diag.file = NULL;
    TP_TRY(sum_up(&cli->diag, &graph, &sum));
    const char *sha256 = tp_text_sha256(&cli->arena, &bytes);
    if (cli->options.json) {
        print_json(cli, &graph, sha256, &sum);
        return TP_OK;
    }
    return print_model(cli, &graph, sha256, &sum);
}

static tp_exit run(tp_cli *cli) {
    return inspect(cli) == TP_OK ? TP_EXIT_OK : TP_EXIT_FAILED;
}

const tp_command tp_command_inspect = {
    .name = "inspect",
    .bit = TP_CMD_INSPECT,
    .summary = "shows what is in a model, and where adapters fit",
    .usage = "MODEL [--json]",
    .notes = "",
    .examples = "  tinypeft inspect kws.tflite\n"
                "  tinypeft inspect kws.tflite --json\n",
    .run = run};
