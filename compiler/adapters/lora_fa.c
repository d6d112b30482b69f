/* LoRA-FA: a LoRA branch whose A is frozen. Backward then needs A x alone, not
 * the layer's input, and A itself is drawn again from its seed wherever it is
 * used: it takes no flash and no byte of the adapter. B starts at zero. Zhang
 * et al. 2023, arXiv:2308.03303. */
#include "compiler/adapters/branch.h"
#include "compiler/adapters/kinds.h"

static tp_status insert(tp_graph *graph, int at, const tp_adapter_spec *spec,
                        tp_diag *diag) {
    const char *slot = graph->op[at].name;
    int rank = spec->keep == 0 ? spec->rank : 0;
    for (int rows = spec->keep; rows > 0; rows >>= 1) {
        rank += rows & 1;
    }
    const tp_tensor weights = tp_branch_b(graph, at, rank);
    const int b = tp_branch_param(graph, slot, weights, spec->bits, 1);
    const int a = tp_branch_random_a(graph, slot, rank, spec->keep,
                                     tp_branch_seed(spec->seed, slot));
    return tp_branch_insert(graph, slot, a, b, diag);
}

const tp_adapter_kind tp_adapter_lora_fa = {
    .name = "lora-fa",
    .keys = "rank,bits,seed,keep",
    .summary = "lora with A frozen: least RAM; rank, bits, seed=N (1)",
    .misfit = tp_branch_misfit,
    .insert = insert};
