#include <string.h>

#include "compiler/passes/passes.h"

/* Why the adapter cannot go to an op, as "slot <name> ..."; NULL: it can. */
static const char *refusal(const tp_graph *graph, const tp_adapter_kind *kind,
                           int at) {
    return graph->op[at].source < 0 ? "was made by another adapter"
                                    : kind->misfit(graph, at);
}

/* The names that exist, for a message. */
static const char *slot_names(const tp_graph *graph,
                              const tp_adapter_kind *kind) {
    const char *names = "";
    for (int i = 0; i < graph->n_ops; i++) {
        if (refusal(graph, kind, i) == NULL) {
            names = tp_arena_printf(graph->arena, "%s%s%s", names,
                                    names[0] != '\0' ? ", " : "",
                                    graph->op[i].name);
            if (names == NULL) {
                return "out of memory";
            }
        }
    }
    return names[0] != '\0' ? names : "no slot of this model";
}

/* A glob takes every slot that fits and passes over the others, but not over
 * all of them; a name that is spelt out must fit. */
static tp_status attach(tp_graph *graph, const tp_adapter_spec *spec,
                        tp_diag *diag) {
    int attached = 0;
    int unfit = -1; /* matches and does not fit; one of the base, if any */
    for (int i = 0; i < graph->n_ops; i++) {
        const char *name = graph->op[i].name;
        if (!tp_slots_match(graph->arena, spec->slots, name)) {
            continue;
        }
        if (refusal(graph, spec->kind, i) == NULL) {
            TP_TRY(spec->kind->insert(graph, i, spec, diag));
            attached++;
            i = tp_graph_find_op(graph, name);
        } else if (unfit < 0 || graph->op[unfit].source < 0) {
            unfit = i;
        }
    }
    if (attached == 0 && unfit >= 0) { /* so no op has moved */
        return tp_error(diag, TP_ERR_ARGUMENT,
                        "adapter '%s': slot %s %s; %s fits: %s", spec->text,
                        graph->op[unfit].name,
                        refusal(graph, spec->kind, unfit), spec->kind->name,
                        slot_names(graph, spec->kind));
    }
    if (attached == 0) {
        return tp_error(
            diag, TP_ERR_ARGUMENT, "adapter '%s': no slot matches; %s fits: %s",
            spec->text, spec->kind->name, slot_names(graph, spec->kind));
    }
    return TP_OK;
}

/* Heads first: what they replace is no slot for the others. */
tp_status tp_pass_slots(tp_graph *graph, const tp_pass_options *options,
                        tp_diag *diag) {
    tp_status status = TP_OK;
    for (int heads = 1; heads >= 0; heads--) {
        for (int i = 0; i < options->n_specs; i++) {
            const tp_adapter_spec *spec = &options->spec[i];
            const bool head = strcmp(spec->kind->name, "head") == 0;
            if (head == (heads == 1)) {
                const tp_status one = attach(graph, spec, diag);
                status = one != TP_OK ? one : status;
            }
        }
    }
    return status;
}
