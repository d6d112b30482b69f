/* LoRA: a low-rank branch beside a convolution or a fully connected layer,
 * y += B (A x) in real units. A starts Gaussian, B at zero, so the start state
 * changes no byte. Hu et al. 2021, arXiv:2106.09685. For a k x k convolution A
 * is k x k to `rank` channels and B is 1 x 1. */
#include "compiler/adapters/branch.h"
#include "compiler/adapters/kinds.h"

static tp_status insert(tp_graph *graph, int at, const tp_adapter_spec *spec,
                        tp_diag *diag) {
    const char *slot = graph->op[at].name;
    tp_tensor a = tp_branch_a(graph, at, spec->rank);
    a.train.init = TP_INIT_GAUSS;
    a.train.init_std = tp_branch_std(&a);
    const tp_tensor b = tp_branch_b(graph, at, spec->rank);
    const int first = tp_branch_param(graph, a);
    return tp_branch_insert(graph, slot, first, tp_branch_param(graph, b),
                            diag);
}

const tp_adapter_kind tp_adapter_lora = {
    .name = "lora",
    .keys = "rank",
    .summary = "low-rank branch, rank=1..16 (default 4)",
    .misfit = tp_branch_misfit,
    .insert = insert};
