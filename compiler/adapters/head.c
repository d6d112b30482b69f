/* Head: new classes in place of the last layer, on the base's own features.
 * Starts at zero: every class equally likely. Its output is a softmax with
 * TensorFlow Lite's scale (1/256, zero point -128), whether or not the base
 * had one. */
#include "compiler/adapters/kinds.h"
#include "compiler/ops/opdef.h"

int tp_last_layer(const tp_graph *graph) {
    int at = tp_graph_producer(graph, graph->output);
    while (at >= 0 && (graph->op[at].kind == TP_OP_SOFTMAX ||
                       graph->op[at].kind == TP_OP_LOGISTIC ||
                       graph->op[at].kind == TP_OP_RESHAPE ||
                       graph->op[at].kind == TP_OP_QUANTIZE)) {
        at = tp_graph_producer(graph, graph->op[at].in[0]);
    }
    return at;
}

static const char *misfit(const tp_graph *graph, int at) {
    const tp_op *op = &graph->op[at];
    if (op->kind != TP_OP_FULLY_CONNECTED && op->kind != TP_OP_CONV_2D) {
        return "has no weights that a head could replace";
    }
    if (at != tp_last_layer(graph)) {
        return "is not the last layer";
    }
    const tp_tensor *w = &graph->tensor[op->in[1]];
    if (tp_tensor_count(&graph->tensor[op->in[0]]) !=
        tp_tensor_count(w) / w->dim[0]) {
        return "scores more than one place; a head needs one feature vector";
    }
    return NULL;
}

static int add_param(tp_graph *graph, const char *name, tp_dtype dtype,
                     int rank, int32_t classes, int32_t features) {
    const tp_tensor tensor = {.name = name,
                              .dtype = dtype,
                              .role = TP_PARAM,
                              .rank = rank,
                              .dim = {classes, features},
                              .train = {.param = -1, .init = TP_INIT_ZERO}};
    return name == NULL ? -1 : tp_graph_add_tensor(graph, &tensor);
}

/* The int8 probabilities, named as the base's output. */
static int add_output(tp_graph *graph, int32_t classes) {
    float *scale = tp_arena_alloc(graph->arena, 1, sizeof *scale);
    if (scale == NULL) {
        return -1;
    }
    *scale = 1.0f / 256.0f;
    const tp_tensor y = {.name = graph->tensor[graph->output].name,
                         .dtype = TP_S8,
                         .role = TP_VALUE,
                         .rank = 2,
                         .dim = {1, classes},
                         .quant = {.n = 1, .scale = scale, .zero_point = -128},
                         .train = {.param = -1}};
    return tp_graph_add_tensor(graph, &y);
}

static tp_status insert(tp_graph *graph, int at, const tp_adapter_spec *spec,
                        tp_diag *diag) {
    const tp_op base = graph->op[at];
    const tp_tensor *w = &graph->tensor[base.in[1]];
    const int32_t classes = spec->classes > 0 ? spec->classes : w->dim[0];
    const int32_t features = (int32_t)(tp_tensor_count(w) / w->dim[0]);
    tp_arena *arena = graph->arena;
    if (classes < 2 || classes > 256) {
        return tp_error(diag, TP_ERR_ARGUMENT,
                        "adapter '%s': the base has %d classes, a head takes 2 "
                        "to 256: add :classes=N",
                        spec->text, (int)classes);
    }
    if (features > 66000) {
        return tp_error(diag, TP_ERR_UNSUPPORTED,
                        "op %s: %d features; a head takes at most 66000",
                        base.name, (int)features);
    }
    const int weights =
        add_param(graph, tp_arena_printf(arena, "%s.w", base.name), TP_Q8, 2,
                  classes, features);
    const int bias = add_param(graph, tp_arena_printf(arena, "%s.b", base.name),
                               TP_S16, 1, classes, 0);
    const int y = add_output(graph, classes);
    if (weights < 0 || bias < 0 || y < 0) {
        return tp_no_memory(diag);
    }
    const int z = tp_graph_add_like(graph, y, TP_S16, TP_VALUE,
                                    tp_arena_printf(arena, "%s.z", base.name));
    const int in[3] = {base.in[0], weights, bias};
    if (z < 0 ||
        tp_graph_insert_op(graph, at, TP_OP_HEAD, base.name, in, 3, z) ==
            NULL ||
        tp_graph_insert_op(graph, at + 1, TP_OP_HEAD_SOFTMAX,
                           tp_arena_printf(arena, "%s_softmax", base.name), &z,
                           1, y) == NULL) {
        return tp_no_memory(diag);
    }
    while (graph->n_ops > at + 2) { /* the old layer and what follows it */
        tp_graph_remove_op(graph, at + 2);
    }
    graph->output = y;
    graph->logits = z;
    graph->io_out = TP_S8;
    return TP_OK;
}

const tp_adapter_kind tp_adapter_head = {
    .name = "head",
    .keys = "classes",
    .summary = "new last layer, classes=2..256 (default: the base's)",
    .misfit = misfit,
    .insert = insert};
