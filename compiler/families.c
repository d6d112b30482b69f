/* The families of adapters that the search tries, and to which layers of a
 * model each goes. */
#include <math.h>
#include <string.h>

#include "compiler/search.h"

#define UNKNOWN                                                                \
    { NAN, NAN, NAN, NAN, NAN }

/* Accuracy as `make accuracy` prints it with the rates that `train` takes
 * (table A1: the keyword spotter adapted to one speaker's digits; five
 * speakers, split 0). On another task the figures will be others; their order
 * is what the choice goes by. Accumulating without momentum ties with momentum
 * (LoRA r4 98.7 and 98.7, LoRA-FA r4 98.0 and 98.0).
 * LoRA online is left out: at that rate it diverges in some runs of five
 * samples and more. */
const tp_family tp_families[] = {
    {"head",
     {NULL},
     TP_SLOTS_ALL,
     true,
     {76.7, 82.0, 90.0, 93.6, 95.0},
     {74.9, 80.9, 88.2, 93.4, 94.0}},
    {"skip",
     {"%s=skip"},
     TP_SLOTS_EARLIER,
     true,
     {79.9, 84.8, 91.9, 96.0, 96.7},
     {77.7, 85.2, 91.1, 94.6, 94.3}},
    {"bitfit",
     {"%s=bitfit"},
     TP_SLOTS_ALL,
     false,
     {80.2, 89.6, 94.9, 98.1, 98.0},
     {85.2, 91.8, 94.7, 98.5, 98.6}},
    {"affine",
     {"%s=bitfit", "%s=scale"},
     TP_SLOTS_ALL,
     false,
     {81.6, 91.9, 94.6, 98.1, 98.2},
     UNKNOWN},
    {"vera r16",
     {"%s=vera:rank=16"},
     TP_SLOTS_MIXING,
     false,
     {78.4, 88.8, 93.8, 97.5, 97.4},
     UNKNOWN},
    {"lora-fa r4",
     {"%s=lora-fa:rank=4"},
     TP_SLOTS_MIXING,
     false,
     {78.4, 88.5, 93.9, 98.0, 97.7},
     {83.5, 91.7, 95.1, 98.5, 98.1}},
    {"lora-fa r8",
     {"%s=lora-fa:rank=8"},
     TP_SLOTS_MIXING,
     false,
     {82.8, 89.2, 95.4, 98.7, 98.4},
     UNKNOWN},
    {"lora r4",
     {"%s=lora:rank=4"},
     TP_SLOTS_MIXING,
     false,
     {80.8, 89.8, 95.6, 98.7, 98.4},
     UNKNOWN},
    {"bottleneck r4",
     {"%s=bottleneck:rank=4"},
     TP_SLOTS_MIXING,
     false,
     {80.3, 87.4, 93.8, 97.8, 98.7},
     UNKNOWN},
    {"sparse 2 %",
     {"%s=sparse:density=2%,choice=gradient"},
     TP_SLOTS_MIXING,
     false,
     {79.4, 88.4, 93.0, 97.4, 97.7},
     UNKNOWN},
};
const int tp_n_families = (int)(sizeof tp_families / sizeof *tp_families);

/* --- slots ---------------------------------------------------------------- */

static const tp_adapter_kind *kind_of(const char *spec) {
    const char *name = strchr(spec, '=') + 1;
    const size_t n = strcspn(name, ":");
    for (int i = 0; i < TP_N_ADAPTER_KINDS; i++) {
        const char *kind = tp_adapter_kinds[i]->name;
        if (strlen(kind) == n && strncmp(kind, name, n) == 0) {
            return tp_adapter_kinds[i];
        }
    }
    return NULL;
}

/* The layer that a head would replace, or -1. */
static int head_slot(const tp_graph *graph) {
    const tp_adapter_kind *head = kind_of("=head");
    for (int i = 0; head != NULL && i < graph->n_ops; i++) {
        if (head->misfit(graph, i) == NULL) {
            return i;
        }
    }
    return -1;
}

/* Mixes channels of one place: 1x1 or fully connected. */
static bool is_pointwise(const tp_graph *graph, int at) {
    const tp_op *op = &graph->op[at];
    if (op->kind == TP_OP_FULLY_CONNECTED) {
        return true;
    }
    const tp_tensor *w = &graph->tensor[op->in[1]];
    return op->kind == TP_OP_CONV_2D && w->dim[1] == 1 && w->dim[2] == 1;
}

/* The first layer is seldom worth an adapter: it is far from the loss, and what
 * trains there makes backward go all the way. */
static bool wanted(const tp_graph *graph, const tp_family *family, int at,
                   bool only_mixing) {
    return family->slots == TP_SLOTS_ALL ||
           (at > 0 && (!only_mixing || is_pointwise(graph, at)));
}

/* Where the last slot would be, or -1. */
static int last_slot(const tp_graph *graph, const tp_family *family,
                     const tp_adapter_kind *kind, bool only_mixing, int head) {
    int last = -1;
    for (int i = 0; i < graph->n_ops; i++) {
        if (i != head && kind->misfit(graph, i) == NULL &&
            wanted(graph, family, i, only_mixing)) {
            last = i;
        }
    }
    return last;
}

/* "conv2,conv4": the slots of one part; "" where there is none. */
static const char *slot_list(tp_arena *arena, const tp_graph *graph,
                             const tp_family *family, const char *part,
                             int head) {
    const tp_adapter_kind *kind = kind_of(part);
    const char *list = "";
    for (int pass = 0; kind != NULL && pass < 2 && list != NULL; pass++) {
        const int last = last_slot(graph, family, kind, pass == 0, head);
        const int end = family->slots == TP_SLOTS_EARLIER ? last : last + 1;
        for (int i = 0; list != NULL && i < end; i++) {
            if (i != head && kind->misfit(graph, i) == NULL &&
                wanted(graph, family, i, pass == 0)) {
                list = tp_arena_printf(arena, "%s%s%s", list,
                                       list[0] != '\0' ? "," : "",
                                       graph->op[i].name);
            }
        }
        if (last >= 0) {
            return list;
        }
    }
    return list;
}

/* "%s=lora:rank=4" with the slots in place. */
static const char *with_slots(tp_arena *arena, const char *part,
                              const char *slots) {
    return tp_arena_printf(arena, "%s%s", slots, part + 2);
}

static const char *head_spec(tp_arena *arena, const char *slot, int classes) {
    return classes > 0
               ? tp_arena_printf(arena, "%s=head:classes=%d", slot, classes)
               : tp_arena_printf(arena, "%s=head", slot);
}

tp_status tp_family_specs(tp_arena *arena, const tp_graph *graph,
                          const tp_family *family, int classes,
                          const char **spec, int *n, tp_diag *diag) {
    const int head = classes == TP_NO_HEAD ? -1 : head_slot(graph);
    int made = 0;
    *n = 0;
    if (head < 0 && (family->head || classes != TP_NO_HEAD)) {
        return TP_OK;
    }
    if (head >= 0) {
        spec[made++] = head_spec(arena, graph->op[head].name, classes);
    }
    for (int i = 0; i < TP_FAMILY_SPECS - 1; i++) {
        const char *part = family->hidden[i];
        if (part == NULL) {
            break;
        }
        const char *slots = slot_list(arena, graph, family, part, head);
        if (slots != NULL && slots[0] == '\0') {
            return TP_OK;
        }
        spec[made++] = slots == NULL ? NULL : with_slots(arena, part, slots);
    }
    for (int i = 0; i < made; i++) {
        if (spec[i] == NULL) {
            return tp_no_memory(diag);
        }
    }
    *n = made;
    return TP_OK;
}
