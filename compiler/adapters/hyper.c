/* Hyper-network: a code of 4 to 32 numbers, which all slots of the spec share,
 * goes through a small fixed network and becomes the B of a LoRA-FA branch in
 * each slot. The code is all that is trained, or that an application writes to
 * say which user or how much noise there is. Ha et al. 2016, arXiv:1609.09106.
 *
 * Both layers of the network are random signs (as good a projection as Gaussian
 * numbers: Achlioptas 2003), drawn again from the seed: a row of 32 signs is
 * one number of the generator, which is less than reading 32 bytes of flash,
 * and takes none. A code of zeros gives weights of zeros. */
#include "compiler/adapters/branch.h"
#include "compiler/adapters/kinds.h"

/* The hidden values of this spec, which the first of its slots adds: its code
 * is called after the spec's pattern. */
static int hidden(tp_graph *graph, const char *slot,
                  const tp_adapter_spec *spec) {
    tp_arena *arena = graph->arena;
    const char *name = tp_arena_printf(arena, "%s_hidden", spec->slots);
    const int at = name == NULL ? -1 : tp_graph_find_op(graph, name);
    if (at >= 0) {
        return graph->op[at].out;
    }
    const tp_tensor code = {.name =
                                tp_arena_printf(arena, "%s.code", spec->slots),
                            .dtype = TP_S16,
                            .role = TP_PARAM,
                            .rank = 1,
                            .dim = {spec->code},
                            .train = {.param = -1, .init = TP_INIT_ZERO}};
    const tp_tensor h = {.name =
                             tp_arena_printf(arena, "%s.hidden", spec->slots),
                         .dtype = TP_Q16,
                         .role = TP_VALUE,
                         .rank = 1,
                         .dim = {TP_HYPER_HIDDEN},
                         .train = {.param = -1}};
    int in = code.name == NULL ? -1 : tp_graph_add_tensor(graph, &code);
    const tp_op op = {.kind = TP_OP_HYPER_HIDDEN,
                      .name = name,
                      .n_in = 1,
                      .in = &in,
                      .attr = {.seed = tp_branch_seed(spec->seed, "hyper")}};
    return in < 0 ? -1 : tp_branch_derive(graph, slot, &op, &h);
}

static tp_status insert(tp_graph *graph, int at, const tp_adapter_spec *spec,
                        tp_diag *diag) {
    const char *slot = graph->op[at].name;
    const tp_tensor b = tp_branch_b(graph, at, spec->rank);
    const char *name = tp_arena_printf(graph->arena, "%s_hyper", slot);
    int h = hidden(graph, slot, spec);
    if (h < 0 || name == NULL) {
        return tp_no_memory(diag);
    }
    const tp_op op = {.kind = TP_OP_HYPER,
                      .name = name,
                      .n_in = 1,
                      .in = &h,
                      .attr = {.seed = tp_branch_seed(spec->seed, name)}};
    const int w = tp_branch_derive(graph, slot, &op, &b);
    const int a = tp_branch_random_a(graph, slot, spec->rank, 0,
                                     tp_branch_seed(spec->seed, slot));
    return tp_branch_insert(graph, slot, a, w, diag);
}

const tp_adapter_kind tp_adapter_hyper = {
    .name = "hyper",
    .keys = "code,rank,seed",
    .summary = "a code of code=4..32 (16) numbers makes all weights",
    .misfit = tp_branch_misfit,
    .insert = insert};
