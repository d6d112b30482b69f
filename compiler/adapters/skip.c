/* Skip: a linear map from a block's output, averaged over its places, to the
 * logits of a new head. Nothing is trained below the head, so there is no
 * backward pass through the network, and what training needs of a sample is the
 * averages: an application may keep these in place of the sample. Matsutani et
 * al. 2024 (Skip2-LoRA), arXiv:2410.21073. Starts at zero. */
#include "compiler/adapters/kinds.h"
#include "compiler/ops/opdef.h"

static bool ends_block(tp_kind kind) {
    return tp_kind_has_bias(kind) || kind == TP_OP_ADD ||
           kind == TP_OP_CONCATENATION;
}

static bool has_skip(const tp_graph *graph, int y) {
    for (int i = 0; i < graph->n_ops; i++) {
        const tp_op *op = &graph->op[i];
        if (op->kind != TP_OP_HEAD_ADD) {
            continue;
        }
        const int at = tp_graph_producer(graph, op->in[1]);
        const bool ours = at >= 0 && graph->op[at].source < 0;
        if (op->in[1] == y || (ours && graph->op[at].in[0] == y)) {
            return true;
        }
    }
    return false;
}

/* Places of the map, of which each channel's average is a feature; 0: none. */
static int64_t places(const tp_tensor *y) {
    const bool one = y->dtype == TP_S8 && y->quant.n == 1 && y->dim[0] == 1;
    if (one && y->rank == 4) {
        return (int64_t)y->dim[1] * y->dim[2];
    }
    return one && y->rank == 2 ? 1 : 0;
}

static const char *misfit(const tp_graph *graph, int at) {
    const tp_op *op = &graph->op[at];
    const tp_tensor *y = &graph->tensor[op->out];
    if (!ends_block(op->kind)) {
        return "ends no block: it is no convolution, fully connected layer, "
               "addition or concatenation";
    }
    if (at == tp_last_layer(graph)) {
        return "is the last layer, which a head replaces";
    }
    if (places(y) == 0 || places(y) > 1 << 15 || y->dim[y->rank - 1] > 66000) {
        return "has no single map of at most 32768 places and 66000 channels";
    }
    return has_skip(graph, op->out) ? "has a skip already" : NULL;
}

/* The features: averages over the map. One place is its own. */
static int pooled(tp_graph *graph, int at) {
    const tp_op slot = graph->op[at];
    const tp_tensor *map = &graph->tensor[slot.out];
    if (places(map) == 1) {
        return slot.out;
    }
    const int32_t h = map->dim[1];
    const int32_t w = map->dim[2];
    const int p = tp_graph_add_like(
        graph, slot.out, TP_S8, TP_VALUE,
        tp_arena_printf(graph->arena, "%s.pooled", slot.name));
    tp_op *pool = p < 0
                      ? NULL
                      : tp_graph_insert_op(
                            graph, at + 1, TP_OP_AVERAGE_POOL_2D,
                            tp_arena_printf(graph->arena, "%s_pool", slot.name),
                            &slot.out, 1, p);
    if (pool == NULL) {
        return -1;
    }
    graph->tensor[p].dim[1] = graph->tensor[p].dim[2] = 1;
    pool->attr = (tp_attr){.k_h = h,
                           .k_w = w,
                           .stride_h = 1,
                           .stride_w = 1,
                           .act_min = -128,
                           .act_max = 127};
    return p;
}

static int add_weights(tp_graph *graph, const char *slot, int features) {
    const tp_tensor *y = &graph->tensor[features];
    const tp_tensor w = {
        .name = tp_arena_printf(graph->arena, "%s.skip", slot),
        .dtype = TP_Q8,
        .role = TP_PARAM,
        .rank = 2,
        .dim = {(int32_t)tp_tensor_count(&graph->tensor[graph->logits]),
                y->dim[y->rank - 1]},
        .train = {.param = -1, .init = TP_INIT_ZERO}};
    return w.name == NULL ? -1 : tp_graph_add_tensor(graph, &w);
}

static bool has_head(const tp_graph *graph) {
    for (int i = 0; i < graph->n_ops; i++) {
        if (graph->op[i].kind == TP_OP_HEAD) {
            return true;
        }
    }
    return false;
}

static tp_status insert(tp_graph *graph, int at, const tp_adapter_spec *spec,
                        tp_diag *diag) {
    tp_arena *arena = graph->arena;
    const char *slot = graph->op[at].name;
    if (!has_head(graph)) {
        const int last = tp_last_layer(graph);
        return tp_error(diag, TP_ERR_ARGUMENT,
                        "adapter '%s': adds to the logits of a head, and there "
                        "is none: add '%s=head'",
                        spec->text, last >= 0 ? graph->op[last].name : "SLOT");
    }
    const int p = pooled(graph, at);
    const int w = p < 0 ? -1 : add_weights(graph, slot, p);
    const int z = graph->logits;
    const int sum = tp_graph_add_like(graph, z, TP_S16, TP_VALUE,
                                      tp_arena_printf(arena, "%s.z", slot));
    if (w < 0 || sum < 0) {
        return tp_no_memory(diag);
    }
    tp_graph_replace_uses(graph, z, sum);
    const int in[3] = {z, p, w};
    return tp_graph_insert_op(
               graph, tp_graph_producer(graph, z) + 1, TP_OP_HEAD_ADD,
               tp_arena_printf(arena, "%s_skip", slot), in, 3, sum) != NULL
               ? TP_OK
               : tp_no_memory(diag);
}

const tp_adapter_kind tp_adapter_skip = {
    .name = "skip",
    .keys = "",
    .summary = "a block's averages to the logits; needs a head",
    .misfit = misfit,
    .insert = insert};
