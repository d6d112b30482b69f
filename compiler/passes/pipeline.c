#include "compiler/ir/verify.h"
#include "compiler/passes/passes.h"

const tp_pass tp_passes[] = {
    {"fuse", tp_pass_fuse},         {"slots", tp_pass_slots},
    {"autodiff", tp_pass_autodiff}, {"masks", tp_pass_masks},
    {"prune", tp_pass_prune},       {"fold", tp_pass_fold},
};
const int tp_n_passes = (int)(sizeof tp_passes / sizeof *tp_passes);

tp_status tp_passes_run(tp_graph *graph, const tp_pass_options *options,
                        tp_status (*after)(void *ctx, const char *stage,
                                           const tp_graph *graph),
                        void *ctx, tp_diag *diag) {
    for (int i = 0; i < tp_n_passes; i++) {
        TP_TRY(tp_passes[i].run(graph, options, diag));
        const tp_status sound = tp_graph_verify(graph, diag);
        if (sound == TP_ERR_UNSUPPORTED) {
            return sound; /* the user's wish, not the pass, is at fault */
        }
        if (sound != TP_OK) {
            return tp_error(diag, TP_ERR_MALFORMED,
                            "internal: pass %s left an unsound graph; please "
                            "report this with the output of --dump=%s",
                            tp_passes[i].name, tp_passes[i].name);
        }
        if (after != NULL) {
            TP_TRY(after(ctx, tp_passes[i].name, graph));
        }
    }
    return TP_OK;
}
