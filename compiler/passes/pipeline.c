#include "compiler/ir/verify.h"
#include "compiler/passes/passes.h"

const tp_pass tp_passes[] = {
    {"fuse", tp_pass_fuse},         {"slots", tp_pass_slots},
    {"autodiff", tp_pass_autodiff}, {"masks", tp_pass_masks},
    {"prune", tp_pass_prune},       {"fold", tp_pass_fold},
};
const int tp_n_passes = (int)(sizeof tp_passes / sizeof *tp_passes);

/* What a plan under a budget decides; run again for each schedule that is
 * tried. */
static const tp_pass schedule[] = {
    {"latent", tp_pass_latent},
    {"recompute", tp_pass_recompute},
    {"optimise", tp_pass_optimise},
};

static tp_status run(tp_graph *graph, const tp_pass *pass,
                     const tp_pass_options *options, tp_pass_hook after,
                     void *ctx, tp_diag *diag) {
    TP_TRY(pass->run(graph, options, diag));
    const tp_status sound = tp_graph_verify(graph, diag);
    if (sound == TP_ERR_UNSUPPORTED) {
        return sound; /* the user's wish, not the pass, is at fault */
    }
    if (sound != TP_OK) {
        return tp_error(diag, TP_ERR_MALFORMED,
                        "internal: pass %s left an unsound graph; please "
                        "report this with the output of --dump=%s",
                        pass->name, pass->name);
    }
    return after != NULL ? after(ctx, pass->name, graph) : TP_OK;
}

tp_status tp_passes_run(tp_graph *graph, const tp_pass_options *options,
                        tp_pass_hook after, void *ctx, tp_diag *diag) {
    for (int i = 0; i < tp_n_passes; i++) {
        TP_TRY(run(graph, &tp_passes[i], options, after, ctx, diag));
    }
    return TP_OK;
}

tp_status tp_schedule_run(tp_graph *graph, const tp_pass_options *options,
                          tp_pass_hook after, void *ctx, tp_diag *diag) {
    for (size_t i = 0; i < sizeof schedule / sizeof *schedule; i++) {
        TP_TRY(run(graph, &schedule[i], options, after, ctx, diag));
    }
    return TP_OK;
}
