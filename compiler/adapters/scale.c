/* Scale: trains a factor 1 + t for each output channel, folded into the
 * requantisation: costs nothing to infer. IA3, Liu et al. 2022,
 * arXiv:2205.05638. With bitfit on the same slots, in either order, it is an
 * affine map of the accumulator, (W x + b + db) (1 + t). Starts at t = 0, where
 * the factors are the base's bit for bit. */
#include "compiler/adapters/kinds.h"
#include "compiler/ops/opdef.h"

static const char *misfit(const tp_graph *graph, int at) {
    const tp_op *op = &graph->op[at];
    if (!tp_kind_has_factors(op->kind)) {
        return tp_kind_has_bias(op->kind)
                   ? "has an adapter that scales do not combine with"
                   : "requantises no accumulator";
    }
    return tp_op_factors(op) >= 0 ? "has trained scales already" : NULL;
}

static tp_status insert(tp_graph *graph, int at, const tp_adapter_spec *spec,
                        tp_diag *diag) {
    (void)spec;
    tp_arena *arena = graph->arena;
    const tp_op base = graph->op[at];
    const int t =
        tp_graph_add_like(graph, base.in[2], TP_S16, TP_PARAM,
                          tp_arena_printf(arena, "%s.scale", base.name));
    const int factors =
        tp_graph_add_like(graph, base.in[2], TP_S32, TP_VALUE,
                          tp_arena_printf(arena, "%s.factors", base.name));
    int *in = tp_arena_alloc(arena, (size_t)base.n_in + 1, sizeof *in);
    if (t < 0 || factors < 0 || in == NULL ||
        tp_graph_insert_op(graph, at, TP_OP_SCALE,
                           tp_arena_printf(arena, "%s_scale", base.name), &t, 1,
                           factors) == NULL) {
        return tp_no_memory(diag);
    }
    tp_tensor *pairs = &graph->tensor[factors]; /* tp_factor [channels] */
    pairs->dim[pairs->rank++] = 2;
    for (int i = 0; i < base.n_in; i++) {
        in[i] = base.in[i];
    }
    in[base.n_in] = factors;
    graph->op[at + 1].in = in;
    graph->op[at + 1].n_in = base.n_in + 1;
    return TP_OK;
}

const tp_adapter_kind tp_adapter_scale = {
    .name = "scale",
    .keys = "",
    .summary = "trains a scale for each channel; costs nothing to infer",
    .misfit = misfit,
    .insert = insert};
