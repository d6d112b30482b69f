/* Sparse: a trained delta on a few weights of a 1x1 convolution or a fully
 * connected layer, or on whole output channels. Which ones is a list in the
 * adapter: random from its seed, or the largest gradients over the shots, which
 * compiler/choose.c finds on the host. Starts at a delta of zero. Sung et al.
 * 2021 (FISH mask), arXiv:2111.09839. */
#include "compiler/adapters/kinds.h"
#include "compiler/ops/opdef.h"

static const char *misfit(const tp_graph *graph, int at) {
    const tp_op *op = &graph->op[at];
    if (op->kind == TP_OP_CONV_SPARSE) {
        return "has a sparse delta already";
    }
    if (op->kind != TP_OP_CONV_2D && op->kind != TP_OP_FULLY_CONNECTED) {
        return tp_kind_has_bias(op->kind) && op->kind != TP_OP_DEPTHWISE_CONV_2D
                   ? "has an adapter in a sparse delta's place"
                   : "is no 1x1 convolution or fully connected layer";
    }
    if (!tp_op_one_place(graph, op)) {
        return "is no 1x1 convolution of stride 1";
    }
    return tp_op_factors(op) >= 0 ? "has trained scales, which a sparse delta "
                                    "does not combine with"
                                  : NULL;
}

/* Entries of the list: count, or the density, of `places`; at least one. */
static int32_t entries(const tp_adapter_spec *spec, int64_t places) {
    if (spec->count > 0) {
        return spec->count;
    }
    return (int32_t)((places * spec->density + 9999) / 10000);
}

static tp_status check(const tp_adapter_spec *spec, const char *slot,
                       int64_t places, tp_diag *diag) {
    if (places > 65536) {
        return tp_error(diag, TP_ERR_UNSUPPORTED,
                        "adapter '%s': slot %s has %lld weights; a list of "
                        "single ones takes 65536: add unit=channel",
                        spec->text, slot, (long long)places);
    }
    if (spec->count > places) {
        return tp_error(diag, TP_ERR_ARGUMENT,
                        "adapter '%s': count=%d: slot %s has %lld %s",
                        spec->text, spec->count, slot, (long long)places,
                        spec->unit == TP_UNIT_CHANNEL ? "channels" : "weights");
    }
    return TP_OK;
}

static int add_param(tp_graph *graph, tp_tensor t) {
    t.role = TP_PARAM;
    t.train.param = -1;
    t.train.init = TP_INIT_ZERO;
    return t.name == NULL ? -1 : tp_graph_add_tensor(graph, &t);
}

static tp_status insert(tp_graph *graph, int at, const tp_adapter_spec *spec,
                        tp_diag *diag) {
    const tp_tensor *w = &graph->tensor[graph->op[at].in[1]];
    const char *slot = graph->op[at].name;
    const bool rows = spec->unit == TP_UNIT_CHANNEL;
    const int32_t width = rows ? w->dim[w->rank - 1] : 1;
    const int64_t places = tp_tensor_count(w) / width;
    TP_TRY(check(spec, slot, places, diag));
    const int32_t n = entries(spec, places);
    const int index = add_param(
        graph,
        (tp_tensor){.name = tp_arena_printf(graph->arena, "%s.index", slot),
                    .dtype = TP_U16,
                    .rank = 1,
                    .dim = {n},
                    .train = {.limit = (int32_t)places}});
    const int delta = add_param(
        graph,
        (tp_tensor){.name = tp_arena_printf(graph->arena, "%s.delta", slot),
                    .dtype = TP_Q8,
                    .rank = 2,
                    .dim = {n, width}});
    tp_op *op = &graph->op[at];
    const int in[5] = {op->in[0], op->in[1], op->in[2], index, delta};
    int *inputs = tp_arena_copy(graph->arena, in, 5, sizeof *in);
    if (index < 0 || delta < 0 || inputs == NULL) {
        return tp_no_memory(diag);
    }
    op->in = inputs;
    op->n_in = 5;
    op->kind = TP_OP_CONV_SPARSE;
    return TP_OK;
}

const tp_adapter_kind tp_adapter_sparse = {
    .name = "sparse",
    .keys = "density,count,unit,choice",
    .summary = "some weights: density=2% or count=N, unit=weight|channel",
    .misfit = misfit,
    .insert = insert};
