#include "compiler/adapters/branch.h"

#include <math.h>
#include <string.h>

#include "compiler/ir/text.h"
#include "core/crc32.h"

const char *tp_branch_misfit(const tp_graph *graph, int at) {
    const tp_op *op = &graph->op[at];
    if (op->kind == TP_OP_CONV_LORA) {
        return "has a LoRA branch already";
    }
    if (op->kind == TP_OP_CONV_SPARSE) {
        return "has a sparse delta: a LoRA branch takes its place";
    }
    if (op->kind == TP_OP_CONV_BOTTLENECK) {
        return "has a bottleneck: a LoRA branch takes its place";
    }
    if (op->kind == TP_OP_DEPTHWISE_CONV_2D) {
        return "is depthwise: no low rank to use; bitfit fits";
    }
    if (op->kind != TP_OP_CONV_2D && op->kind != TP_OP_FULLY_CONNECTED) {
        return "has no weights";
    }
    return NULL;
}

tp_tensor tp_branch_a(const tp_graph *graph, int at, int rank) {
    const tp_op *op = &graph->op[at];
    const tp_tensor *w = &graph->tensor[op->in[1]];
    tp_tensor a = {.name = tp_arena_printf(graph->arena, "%s.a", op->name),
                   .dtype = TP_Q8,
                   .role = TP_VALUE,
                   .rank = w->rank,
                   .train = {.param = -1}};
    memcpy(a.dim, w->dim, sizeof a.dim);
    a.dim[0] = rank;
    return a;
}

tp_tensor tp_branch_b(const tp_graph *graph, int at, int rank) {
    const tp_op *op = &graph->op[at];
    const int32_t out = graph->tensor[op->in[1]].dim[0];
    return (tp_tensor){.name = tp_arena_printf(graph->arena, "%s.b", op->name),
                       .dtype = TP_Q8,
                       .role = TP_VALUE,
                       .rank = 2,
                       .dim = {out, rank},
                       .train = {.param = -1}};
}

double tp_branch_std(const tp_tensor *a) {
    return 1.0 / sqrt((double)tp_tensor_count(a) / a->dim[0]);
}

/* Any 31 bits will do; none is negative, for the eye. */
int32_t tp_branch_seed(int seed, const char *slot) {
    return (int32_t)(tp_crc32((uint32_t)seed, slot, strlen(slot)) >> 1);
}

int tp_branch_derive(tp_graph *graph, const char *slot, const tp_op *op,
                     const tp_tensor *weights) {
    const int out =
        weights->name == NULL ? -1 : tp_graph_add_tensor(graph, weights);
    tp_op *made =
        out < 0 ? NULL
                : tp_graph_insert_op(graph, tp_graph_find_op(graph, slot),
                                     op->kind, op->name, op->in, op->n_in, out);
    if (made == NULL) {
        return -1;
    }
    made->attr = op->attr;
    return out;
}

int tp_branch_random_a(tp_graph *graph, const char *slot, int rank, int keep,
                       int32_t seed) {
    const tp_tensor a = tp_branch_a(graph, tp_graph_find_op(graph, slot), rank);
    const tp_op op = {
        .kind = TP_OP_RANDOM,
        .name = tp_arena_printf(graph->arena, "%s_random_a", slot),
        .attr = {
            .value = keep, .seed = seed, .alpha = (float)tp_branch_std(&a)}};
    return tp_branch_derive(graph, slot, &op, &a);
}

int tp_branch_param(tp_graph *graph, const char *slot, tp_tensor weights,
                    int bits, int axis) {
    tp_tensor param = weights;
    param.role = TP_PARAM;
    if (bits < 8) {
        param.dtype = bits == 4 ? TP_Q4 : TP_Q2;
        param.quant.axis = axis;
    }
    int in = weights.name == NULL ? -1 : tp_graph_add_tensor(graph, &param);
    if (in < 0 || bits == 8) {
        return in;
    }
    const char *role = strrchr(weights.name, '.') + 1; /* "a" or "b" */
    const tp_op op = {
        .kind = TP_OP_UNPACK,
        .name = tp_arena_printf(graph->arena, "%s_unpack_%s", slot, role),
        .n_in = 1,
        .in = &in};
    weights.train = (tp_trainable){.param = -1};
    weights.name = tp_arena_printf(graph->arena, "%s8", weights.name);
    return tp_branch_derive(graph, slot, &op, &weights);
}

static int add_u(tp_graph *graph, const tp_op *op, int32_t rank) {
    const char *name = tp_arena_printf(graph->arena, "%s.u", op->name);
    const int u = tp_graph_add_like(graph, op->out, TP_Q16, TP_VALUE, name);
    if (u >= 0) {
        graph->tensor[u].dim[graph->tensor[u].rank - 1] = rank;
    }
    return u;
}

tp_status tp_branch_insert(tp_graph *graph, const char *slot, int a, int b,
                           tp_diag *diag) {
    if (a < 0 || b < 0) {
        return tp_no_memory(diag);
    }
    const int at = tp_graph_find_op(graph, slot);
    const tp_op base = graph->op[at];
    const int32_t rank = graph->tensor[b].dim[1];
    const int u = add_u(graph, &base, rank);
    const char *name = tp_arena_printf(graph->arena, "%s_a", slot);
    const int in_a[2] = {base.in[0], a};
    const int scaled = base.n_in > 3; /* by trained factors, which stay last */
    const int in[6] = {base.in[0], base.in[1], base.in[2],
                       u,          b,          scaled ? base.in[3] : -1};
    const int n_in = 5 + scaled;
    int *inputs = tp_arena_copy(graph->arena, in, (size_t)n_in, sizeof *in);
    if (u < 0 || inputs == NULL ||
        tp_graph_insert_op(graph, at, TP_OP_LORA_A, name, in_a, 2, u) == NULL) {
        return tp_no_memory(diag);
    }
    tp_op *op = &graph->op[at + 1];
    op->in = inputs;
    op->n_in = n_in;
    op->kind = TP_OP_CONV_LORA;
    op->attr.rank = rank;
    graph->op[at].attr = tp_attr_only(TP_OP_LORA_A, &op->attr);
    return TP_OK;
}
