#include "compiler/ir/ir.h"

#include <string.h>

static const struct {
    const char *name;
    size_t bytes;
    size_t header;
} dtypes[TP_DTYPE_COUNT] = {
    [TP_S8] = {"s8", 1, 0},   [TP_U8] = {"u8", 1, 0},
    [TP_S16] = {"s16", 2, 0}, [TP_S32] = {"s32", 4, 0},
    [TP_F32] = {"f32", 4, 0}, [TP_BITS] = {"bits", 0, 0},
    [TP_Q8] = {"q8", 1, 4},   [TP_Q16] = {"q16", 2, 4},
    [TP_Q32] = {"q32", 4, 4}, [TP_Q4] = {"q4", 0, 0},
    [TP_Q2] = {"q2", 0, 0},   [TP_U16] = {"u16", 2, 0},
};

/* Room for one more element; the array doubles. */
static void *grow(tp_arena *arena, void *array, int n, int *cap, size_t size) {
    if (n < *cap) {
        return array;
    }
    const int wider = *cap == 0 ? 32 : *cap * 2;
    void *moved = tp_arena_alloc(arena, (size_t)wider, size);
    if (moved != NULL && n > 0) {
        memcpy(moved, array, (size_t)n * size);
    }
    if (moved != NULL) {
        *cap = wider;
    }
    return moved;
}

int tp_graph_add_tensor(tp_graph *graph, const tp_tensor *tensor) {
    void *array = grow(graph->arena, graph->tensor, graph->n_tensors,
                       &graph->cap_tensors, sizeof *graph->tensor);
    if (array == NULL) {
        return -1;
    }
    graph->tensor = array;
    graph->tensor[graph->n_tensors] = *tensor;
    return graph->n_tensors++;
}

int tp_graph_add_like(tp_graph *graph, int like, tp_dtype dtype, tp_role role,
                      const char *name) {
    tp_tensor tensor = graph->tensor[like];
    tensor.name = name;
    tensor.dtype = dtype;
    tensor.role = role;
    tensor.data = NULL;
    tensor.latent = false;
    tensor.train = (tp_trainable){.param = -1};
    if (dtype != TP_S8 && dtype != TP_U8) {
        tensor.quant = (tp_quant){0};
    }
    return name == NULL ? -1 : tp_graph_add_tensor(graph, &tensor);
}

tp_op *tp_graph_insert_op(tp_graph *graph, int at, tp_kind kind,
                          const char *name, const int *in, int n_in, int out) {
    void *array = grow(graph->arena, graph->op, graph->n_ops, &graph->cap_ops,
                       sizeof *graph->op);
    int *inputs = tp_arena_copy(graph->arena, in, (size_t)n_in, sizeof *inputs);
    if (array == NULL || inputs == NULL || name == NULL) {
        return NULL;
    }
    graph->op = array;
    memmove(graph->op + at + 1, graph->op + at,
            (size_t)(graph->n_ops - at) * sizeof *graph->op);
    graph->n_ops++;
    if (at < graph->first_backward) {
        graph->first_backward++;
    }
    graph->op[at] = (tp_op){.kind = kind,
                            .name = name,
                            .source = -1,
                            .n_in = n_in,
                            .in = inputs,
                            .out = out};
    return &graph->op[at];
}

void tp_graph_remove_op(tp_graph *graph, int at) {
    memmove(graph->op + at, graph->op + at + 1,
            (size_t)(graph->n_ops - at - 1) * sizeof *graph->op);
    graph->n_ops--;
    if (at < graph->first_backward) {
        graph->first_backward--;
    }
}

bool tp_graph_clone(tp_arena *arena, const tp_graph *graph, tp_graph *clone) {
    *clone = *graph;
    clone->arena = arena;
    clone->cap_tensors = graph->n_tensors;
    clone->cap_ops = graph->n_ops;
    clone->tensor = tp_arena_copy(
        arena, graph->tensor, (size_t)graph->n_tensors, sizeof *graph->tensor);
    clone->op = tp_arena_copy(arena, graph->op, (size_t)graph->n_ops,
                              sizeof *graph->op);
    for (int i = 0; clone->op != NULL && i < graph->n_ops; i++) {
        tp_op *op = &clone->op[i];
        op->in = tp_arena_copy(arena, op->in, (size_t)op->n_in, sizeof *op->in);
        if (op->in == NULL) {
            return false;
        }
    }
    return clone->tensor != NULL && clone->op != NULL;
}

void tp_graph_replace_uses(tp_graph *graph, int from, int to) {
    for (int i = 0; i < graph->n_ops; i++) {
        for (int j = 0; j < graph->op[i].n_in; j++) {
            if (graph->op[i].in[j] == from) {
                graph->op[i].in[j] = to;
            }
        }
    }
    graph->output = graph->output == from ? to : graph->output;
    graph->logits = graph->logits == from ? to : graph->logits;
}

int64_t tp_tensor_count(const tp_tensor *tensor) {
    int64_t n = 1;
    for (int i = 0; i < tensor->rank; i++) {
        n *= tensor->dim[i];
    }
    return n;
}

size_t tp_tensor_bytes(const tp_tensor *tensor) {
    const size_t n = (size_t)tp_tensor_count(tensor);
    if (tensor->dtype == TP_BITS) {
        return (n + 7) / 8;
    }
    if (tensor->dtype == TP_Q4 || tensor->dtype == TP_Q2) {
        const uint32_t ranks = (uint32_t)tensor->dim[tensor->quant.axis];
        const size_t each = tensor->dtype == TP_Q4 ? 2 : 4; /* codes a byte */
        return tp_packed_header(ranks) + (n + each - 1) / each;
    }
    return dtypes[tensor->dtype].header + n * dtypes[tensor->dtype].bytes;
}

size_t tp_dtype_bytes(tp_dtype dtype) {
    return dtypes[dtype].bytes;
}

const char *tp_dtype_name(tp_dtype dtype) {
    return dtypes[dtype].name;
}

int tp_graph_producer(const tp_graph *graph, int tensor) {
    for (int i = 0; i < graph->n_ops; i++) {
        if (graph->op[i].out == tensor) {
            return i;
        }
    }
    return -1;
}

int tp_graph_uses(const tp_graph *graph, int tensor) {
    int uses = 0;
    for (int i = 0; i < graph->n_ops; i++) {
        for (int j = 0; j < graph->op[i].n_in; j++) {
            uses += graph->op[i].in[j] == tensor;
        }
    }
    return uses;
}

int tp_graph_find_op(const tp_graph *graph, const char *name) {
    for (int i = 0; i < graph->n_ops; i++) {
        if (strcmp(graph->op[i].name, name) == 0) {
            return i;
        }
    }
    return -1;
}

float tp_scale_of(const tp_tensor *tensor, int c) {
    return tensor->quant.scale[tensor->quant.n > 1 ? c : 0];
}

bool tp_op_clamps(const tp_op *op, const tp_tensor *y) {
    return op->attr.act_min > -128 || op->attr.act_max < 127 ||
           y->quant.zero_point == -128;
}

void tp_graph_needed(const tp_graph *graph, bool kept, bool *wanted, bool *op) {
    for (int i = graph->n_ops - 1; i >= 0; i--) {
        const int out = graph->op[i].out;
        op[i] = wanted[out] && !(kept && graph->tensor[out].latent);
        for (int j = 0; op[i] && j < graph->op[i].n_in; j++) {
            if (graph->op[i].in[j] >= 0) {
                wanted[graph->op[i].in[j]] = true;
            }
        }
    }
}

void tp_graph_trained(const tp_graph *graph, bool *wanted) {
    for (int i = 0; i < graph->n_tensors; i++) {
        wanted[i] = graph->tensor[i].role == TP_GRAD;
    }
    if (graph->logits >= 0 && graph->first_backward < graph->n_ops) {
        wanted[graph->op[graph->first_backward].out] = true; /* the loss */
    }
}

void tp_graph_frozen(const tp_graph *graph, bool *frozen) {
    for (int i = 0; i < graph->n_tensors; i++) {
        const tp_role role = graph->tensor[i].role;
        frozen[i] = role == TP_INPUT || role == TP_CONST;
    }
    for (int i = 0; i < graph->first_backward; i++) {
        const tp_op *op = &graph->op[i];
        frozen[op->out] = true;
        for (int j = 0; j < op->n_in; j++) {
            if (op->in[j] >= 0 && !frozen[op->in[j]]) {
                frozen[op->out] = false;
            }
        }
    }
}

uint32_t tp_sample_bytes(const tp_graph *graph) {
    size_t sum = 0;
    for (int i = 0; i < graph->n_tensors; i++) {
        if (graph->tensor[i].latent) {
            const size_t bytes = tp_tensor_bytes(&graph->tensor[i]);
            sum += (bytes + TP_ALIGN - 1) / TP_ALIGN * TP_ALIGN;
        }
    }
    return (uint32_t)(sum > 0 ? sum
                              : tp_tensor_bytes(&graph->tensor[graph->input]));
}
