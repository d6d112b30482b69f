/* Bottleneck: down to a few channels, an activation, up again, in real units.
 * Parallel, into the accumulator of the layer (He et al. 2022,
 * arXiv:2110.04366), or serial, onto its output (Houlsby et al. 2019,
 * arXiv:1902.00751). A starts Gaussian, B at zero, so the start state changes
 * no byte. The rank is a multiple of four, the width of the kernels' inner
 * loops. */
#include <math.h>

#include "compiler/adapters/kinds.h"
#include "compiler/ir/text.h"
#include "compiler/ops/opdef.h"

static const char *misfit(const tp_graph *graph, int at) {
    const tp_op *op = &graph->op[at];
    if (op->kind == TP_OP_CONV_BOTTLENECK) {
        return "has a bottleneck already";
    }
    if (op->kind != TP_OP_CONV_2D && op->kind != TP_OP_FULLY_CONNECTED) {
        return op->kind == TP_OP_CONV_LORA
                   ? "has a LoRA branch: a bottleneck takes its place"
                   : "is no 1x1 convolution or fully connected layer";
    }
    if (!tp_op_one_place(graph, op)) {
        return "is no 1x1 convolution of stride 1";
    }
    if (tp_op_factors(op) >= 0) {
        return "has trained scales, which a bottleneck does not combine with";
    }
    for (int i = at; i < graph->n_ops; i++) {
        if (graph->op[i].kind == TP_OP_BOTTLENECK &&
            graph->op[i].in[0] == op->out) {
            return "has a bottleneck already";
        }
    }
    return NULL;
}

static int add_param(tp_graph *graph, const char *name, int32_t rows,
                     int32_t cols) {
    const tp_tensor t = {.name = name,
                         .dtype = TP_Q8,
                         .role = TP_PARAM,
                         .rank = 2,
                         .dim = {rows, cols},
                         .train = {.param = -1, .init = TP_INIT_ZERO}};
    return name == NULL ? -1 : tp_graph_add_tensor(graph, &t);
}

/* Standard deviation 1/sqrt(inputs), so that A x has the size of x. */
static int add_a(tp_graph *graph, const char *slot, int rank, int32_t in_c) {
    const int a = add_param(
        graph, tp_arena_printf(graph->arena, "%s.down", slot), rank, in_c);
    if (a >= 0) {
        graph->tensor[a].train.init = TP_INIT_GAUSS;
        graph->tensor[a].train.init_std = 1.0 / sqrt((double)in_c);
    }
    return a;
}

static void set_branch(tp_op *op, const tp_adapter_spec *spec) {
    op->attr.rank = spec->rank;
    op->attr.of =
        spec->act == TP_ACT_HARD_SWISH ? TP_OP_HARD_SWISH : TP_OP_RELU;
}

static tp_status beside(tp_graph *graph, int at, const tp_adapter_spec *spec,
                        int a, int b) {
    tp_op *op = &graph->op[at];
    const int in[5] = {op->in[0], op->in[1], op->in[2], a, b};
    int *inputs = tp_arena_copy(graph->arena, in, 5, sizeof *in);
    if (inputs == NULL) {
        return TP_ERR_NO_MEMORY;
    }
    op->in = inputs;
    op->n_in = 5;
    op->kind = TP_OP_CONV_BOTTLENECK;
    set_branch(op, spec);
    return TP_OK;
}

/* What read the layer's output reads the bottleneck's. */
static tp_status behind(tp_graph *graph, int at, const tp_adapter_spec *spec,
                        int a, int b) {
    const tp_op layer = graph->op[at];
    const int y = tp_graph_add_like(
        graph, layer.out, TP_S8, TP_VALUE,
        tp_arena_printf(graph->arena, "%s.bottleneck", layer.name));
    if (y < 0) {
        return TP_ERR_NO_MEMORY;
    }
    tp_graph_replace_uses(graph, layer.out, y);
    const int in[3] = {layer.out, a, b};
    tp_op *op = tp_graph_insert_op(
        graph, at + 1, TP_OP_BOTTLENECK,
        tp_arena_printf(graph->arena, "%s_bottleneck", layer.name), in, 3, y);
    if (op == NULL) {
        return TP_ERR_NO_MEMORY;
    }
    if (graph->first_backward == at + 1) { /* it is the last of inference */
        graph->first_backward++;
    }
    set_branch(op, spec);
    op->attr.act_min = layer.attr.act_min;
    op->attr.act_max = layer.attr.act_max;
    return TP_OK;
}

static tp_status insert(tp_graph *graph, int at, const tp_adapter_spec *spec,
                        tp_diag *diag) {
    const tp_op *op = &graph->op[at];
    const tp_tensor *w = &graph->tensor[op->in[1]];
    const int32_t out_c = w->dim[0];
    const int32_t in_c = spec->mode == TP_SERIAL ? out_c : w->dim[w->rank - 1];
    const char *slot = op->name;
    if (spec->rank % 4 != 0) {
        return tp_error(diag, TP_ERR_ARGUMENT,
                        "adapter '%s': rank=%d: the rank of a bottleneck is 4, "
                        "8, 12 or 16",
                        spec->text, spec->rank);
    }
    const int a = add_a(graph, slot, spec->rank, in_c);
    const int b = add_param(graph, tp_arena_printf(graph->arena, "%s.up", slot),
                            out_c, spec->rank);
    if (a < 0 || b < 0 ||
        (spec->mode == TP_SERIAL ? behind : beside)(graph, at, spec, a, b) !=
            TP_OK) {
        return tp_no_memory(diag);
    }
    return TP_OK;
}

const tp_adapter_kind tp_adapter_bottleneck = {
    .name = "bottleneck",
    .keys = "rank,act,mode",
    .summary = "rank=4|8|12|16, act=relu|hard_swish, mode=parallel|serial",
    .misfit = misfit,
    .insert = insert};
