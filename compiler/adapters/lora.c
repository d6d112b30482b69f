/* LoRA: a low-rank branch beside a convolution or a fully connected layer,
 * y += B (A x) in real units. A starts Gaussian, B at zero, so the start state
 * changes no byte. Hu et al. 2021, arXiv:2106.09685. For a k x k convolution A
 * is k x k to `rank` channels and B is 1 x 1. */
#include <math.h>

#include "compiler/adapters/kinds.h"
#include "compiler/ir/text.h"

static const char *misfit(const tp_graph *graph, int at) {
    const tp_op *op = &graph->op[at];
    if (op->kind == TP_OP_CONV_LORA) {
        return "has a LoRA branch already";
    }
    if (op->kind == TP_OP_DEPTHWISE_CONV_2D) {
        return "is depthwise: no low rank to use; bitfit fits";
    }
    if (op->kind != TP_OP_CONV_2D && op->kind != TP_OP_FULLY_CONNECTED) {
        return "has no weights";
    }
    return NULL;
}

static tp_tensor param(const char *name, int rank, const int32_t *dim) {
    tp_tensor tensor = {.name = name,
                        .dtype = TP_Q8,
                        .role = TP_PARAM,
                        .rank = rank,
                        .train = {.param = -1, .init = TP_INIT_ZERO}};
    for (int i = 0; i < rank; i++) {
        tensor.dim[i] = dim[i];
    }
    return tensor;
}

/* A [r][k_h][k_w][in_c] or [r][in]: the shape of the weights with `rank`
 * output channels. Standard deviation 1/sqrt(inputs), so that u has the size
 * of x. */
static int add_a(tp_graph *graph, const tp_op *op, int rank) {
    const tp_tensor *w = &graph->tensor[op->in[1]];
    const char *name = tp_arena_printf(graph->arena, "%s.a", op->name);
    tp_tensor a = param(name, w->rank, w->dim);
    const double inputs = (double)tp_tensor_count(w) / w->dim[0];
    a.dim[0] = rank;
    a.train.init = TP_INIT_GAUSS;
    a.train.init_std = 1.0 / sqrt(inputs);
    return name == NULL ? -1 : tp_graph_add_tensor(graph, &a);
}

static int add_b(tp_graph *graph, const tp_op *op, int rank) {
    const int32_t dim[2] = {graph->tensor[op->in[1]].dim[0], rank};
    const char *name = tp_arena_printf(graph->arena, "%s.b", op->name);
    const tp_tensor b = param(name, 2, dim);
    return name == NULL ? -1 : tp_graph_add_tensor(graph, &b);
}

static int add_u(tp_graph *graph, const tp_op *op, int rank) {
    const char *name = tp_arena_printf(graph->arena, "%s.u", op->name);
    const int u = tp_graph_add_like(graph, op->out, TP_Q16, TP_VALUE, name);
    if (u >= 0) {
        graph->tensor[u].dim[graph->tensor[u].rank - 1] = rank;
    }
    return u;
}

static tp_status insert(tp_graph *graph, int at, const tp_adapter_spec *spec,
                        tp_diag *diag) {
    const tp_op base = graph->op[at];
    const int a = add_a(graph, &base, spec->rank);
    const int b = add_b(graph, &base, spec->rank);
    const int u = add_u(graph, &base, spec->rank);
    const char *name = tp_arena_printf(graph->arena, "%s_a", base.name);
    const int in_a[2] = {base.in[0], a};
    if (a < 0 || b < 0 || u < 0 ||
        tp_graph_insert_op(graph, at, TP_OP_LORA_A, name, in_a, 2, u) == NULL) {
        return tp_no_memory(diag);
    }
    const int in[5] = {base.in[0], base.in[1], base.in[2], u, b};
    tp_op *op = &graph->op[at + 1];
    op->in = tp_arena_copy(graph->arena, in, 5, sizeof *in);
    if (op->in == NULL) {
        return tp_no_memory(diag);
    }
    op->n_in = 5;
    op->kind = TP_OP_CONV_LORA;
    op->attr.rank = spec->rank;
    graph->op[at].attr = tp_attr_only(TP_OP_LORA_A, &op->attr);
    return TP_OK;
}

const tp_adapter_kind tp_adapter_lora = {
    .name = "lora",
    .keys = "rank",
    .summary = "low-rank branch, rank=1..16 (default 4)",
    .misfit = misfit,
    .insert = insert};
