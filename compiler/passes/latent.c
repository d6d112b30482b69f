/* What is kept of a sample that is trained on many times: the sample itself, or
 * values that no adapter changes (latent replay, Pellegrini et al. 2020,
 * arXiv:1912.01100). A cut at op c takes the frozen ops before c out of
 * training; what training reads of theirs is kept instead of the sample. A
 * later cut leaves less to compute, so of two the later is better unless it
 * keeps more bytes. */
#include "compiler/ops/opdef.h"
#include "compiler/passes/passes.h"

typedef struct cutter {
    tp_graph *graph;
    bool *frozen; /* [n_tensors] */
    bool *wanted; /* [n_tensors] */
    bool *needed; /* [n_ops] */
} cutter;

static bool begin(cutter *c, tp_arena *arena, tp_graph *graph) {
    const size_t tensors = (size_t)graph->n_tensors;
    *c = (cutter){
        .graph = graph,
        .frozen = tp_arena_alloc(arena, tensors, sizeof *c->frozen),
        .wanted = tp_arena_alloc(arena, tensors, sizeof *c->wanted),
        .needed = tp_arena_alloc(arena, (size_t)graph->n_ops, sizeof(bool))};
    if (c->frozen == NULL || c->wanted == NULL || c->needed == NULL) {
        return false;
    }
    tp_graph_frozen(graph, c->frozen);
    return true;
}

/* An op that a cut can take out of training. One without steps only passes its
 * input on, and derived weights are no sample's. */
static bool may_go(const cutter *c, int op) {
    const tp_opdef *def = tp_opdef_of(c->graph->op[op].kind);
    return c->frozen[c->graph->op[op].out] && def->lower != NULL &&
           !def->derived;
}

/* Marks what is latent with this cut. False: training would read the input
 * too, or nothing of the sample, and none is. */
static bool cut_at(cutter *c, int cut) {
    tp_graph *graph = c->graph;
    bool any = false;
    for (int i = 0; i < graph->n_tensors; i++) {
        graph->tensor[i].latent = false;
    }
    for (int i = 0; i < cut; i++) {
        graph->tensor[graph->op[i].out].latent = may_go(c, i);
    }
    tp_graph_trained(graph, c->wanted);
    tp_graph_needed(graph, true, c->wanted, c->needed);
    for (int i = 0; i < graph->n_tensors; i++) {
        graph->tensor[i].latent =
            graph->tensor[i].latent && c->wanted[i] && !c->wanted[graph->input];
        any = any || graph->tensor[i].latent;
    }
    return any;
}

tp_status tp_pass_latent(tp_graph *graph, const tp_pass_options *options,
                         tp_diag *diag) {
    cutter c;
    if (!begin(&c, graph->arena, graph)) {
        return tp_no_memory(diag);
    }
    return cut_at(&c, options->cut) || options->cut == 0
               ? TP_OK
               : tp_error(diag, TP_ERR_ARGUMENT,
                          "a cut at op %d leaves nothing of a sample to keep",
                          options->cut);
}

static tp_status find_cuts(tp_arena *scratch, const tp_graph *graph,
                           tp_cut *cut, int *n, tp_diag *diag) {
    tp_graph marked;
    cutter c;
    uint32_t least = UINT32_MAX;
    if (!tp_graph_clone(scratch, graph, &marked) ||
        !begin(&c, scratch, &marked)) {
        return tp_no_memory(diag);
    }
    *n = 0;
    for (int at = graph->first_backward; at >= 0; at--) {
        const bool raw = at == 0;
        if ((raw || may_go(&c, at - 1)) && (cut_at(&c, at) || raw) &&
            tp_sample_bytes(&marked) < least) {
            least = tp_sample_bytes(&marked);
            cut[(*n)++] = (tp_cut){.at = at, .bytes = least};
        }
    }
    return TP_OK;
}

tp_status tp_latent_cuts(tp_arena *arena, const tp_graph *graph, tp_cut **cut,
                         int *n, tp_diag *diag) {
    tp_arena scratch = {0};
    *cut =
        tp_arena_alloc(arena, (size_t)graph->first_backward + 1, sizeof **cut);
    const tp_status status = *cut != NULL
                                 ? find_cuts(&scratch, graph, *cut, n, diag)
                                 : tp_no_memory(diag);
    tp_arena_free(&scratch);
    return status;
}
