/* LoRA: a low-rank branch beside a convolution or a fully connected layer,
 * y += B (A x) in real units. A starts Gaussian, B at zero, so the start state
 * changes no byte. Hu et al. 2021, arXiv:2106.09685. For a k x k convolution A
 * is k x k to `rank` channels and B is 1 x 1. */
#include "compiler/adapters/branch.h"
#include "compiler/adapters/kinds.h"

/* The scale of a ternary B: a branch of rank 4 whose every weight is set moves
 * y by an eighth of the size of x. Scales half or twice that: 94.4, 96.4 %. */
#define TERNARY_B (1.0 / 16.0)

static tp_status insert(tp_graph *graph, int at, const tp_adapter_spec *spec,
                        tp_diag *diag) {
    const char *slot = graph->op[at].name;
    tp_tensor a = tp_branch_a(graph, at, spec->rank);
    a.train.init = TP_INIT_GAUSS;
    a.train.init_std = tp_branch_std(&a);
    tp_tensor b = tp_branch_b(graph, at, spec->rank);
    b.train.init_std = spec->bits == 2 ? TERNARY_B : 0.0;
    const int first = tp_branch_param(graph, slot, a, spec->bits, 0);
    const int second = tp_branch_param(graph, slot, b, spec->bits, 1);
    return tp_branch_insert(graph, slot, first, second, diag);
}

const tp_adapter_kind tp_adapter_lora = {
    .name = "lora",
    .keys = "rank,bits",
    .summary = "low-rank branch, rank=1..16 (4), bits=8|4|2 (8)",
    .misfit = tp_branch_misfit,
    .insert = insert};
