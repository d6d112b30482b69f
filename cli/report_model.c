/* The model as it came: its layers, and which adapters fit where. */
#include "cli/html.h"
#include "cli/report.h"

static const char *shape_in(tp_report *r, const tp_op *op) {
    const int in = op->n_in > 0 ? op->in[0] : -1;
    return in >= 0 ? tp_text_shape(r->arena, &r->model->tensor[in]) : "";
}

/* "head, bitfit, lora" */
static const char *fitting(tp_report *r, int at) {
    const char *text = "";
    for (int k = 0; k < TP_N_ADAPTER_KINDS && text != NULL; k++) {
        const tp_adapter_kind *kind = tp_adapter_kinds[k];
        if (kind->misfit(r->model, at) == NULL) {
            text = tp_arena_printf(r->arena, "%s%s%s", text,
                                   text[0] != '\0' ? ", " : "", kind->name);
        }
    }
    return text != NULL ? text : "?";
}

/* The specs that name this slot. */
static const char *attached(tp_report *r, const tp_op *op) {
    const char *text = "";
    tp_diag quiet = {.arena = r->arena};
    for (int i = 0; i < r->n_specs && text != NULL; i++) {
        tp_adapter_spec spec;
        if (tp_adapter_parse(r->arena, r->spec[i], &spec, &quiet) == TP_OK &&
            tp_glob(spec.slots, op->name) &&
            spec.kind->misfit(r->model, tp_graph_find_op(r->model, op->name)) ==
                NULL) {
            text =
                tp_arena_printf(r->arena, "%s%s%s", text,
                                text[0] != '\0' ? ", " : "", spec.kind->name);
        }
    }
    return text != NULL ? text : "?";
}

static uint64_t weight_bytes(const tp_graph *graph, const tp_op *op) {
    uint64_t bytes = 0;
    for (int j = 0; j < op->n_in; j++) {
        const int t = op->in[j];
        if (t >= 0 && graph->tensor[t].role == TP_CONST) {
            bytes += tp_tensor_bytes(&graph->tensor[t]);
        }
    }
    return bytes;
}

void tp_report_layers(tp_report *r) {
    const char *const head[] = {
        "slot", "operator", "in",           "out",
        "MACs", "weights",  "adapter here", "adapters that fit"};
    const char *const align = "llllrrll";
    tp_html_section(&r->out, "layers", "Layers and slots");
    tp_html_element(&r->out, "p", "soft",
                    "A slot is where an adapter can be attached; its name is "
                    "what --adapter takes. Weights are in bytes, with biases.");
    tp_html_table(&r->out, align, head);
    for (int i = 0; i < r->model->n_ops; i++) {
        const tp_op *op = &r->model->op[i];
        const tp_opdef *def = tp_opdef_of(op->kind);
        const int64_t macs = def->macs != NULL ? def->macs(r->model, op) : 0;
        const char *here = attached(r, op);
        const char *const cell[] = {
            op->name,
            tp_kind_name(op->kind),
            shape_in(r, op),
            tp_text_shape(r->arena, &r->model->tensor[op->out]),
            tp_text_grouped(r->arena, (uint64_t)macs),
            tp_text_grouped(r->arena, weight_bytes(r->model, op)),
            here,
            fitting(r, i)};
        tp_html_row(&r->out, align, here[0] != '\0' ? "picked" : NULL, cell);
    }
    tp_html_end_table(&r->out);
    tp_html_end_section(&r->out);
}
