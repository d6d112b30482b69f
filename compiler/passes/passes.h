/* The passes between import and plan. Each leaves a graph that the verifier
 * accepts; pipeline.c runs them in order and verifies after each. */
#ifndef TP_COMPILER_PASSES_H
#define TP_COMPILER_PASSES_H

#include "compiler/adapters/adapters.h"

/* What training minimises. AUTO: cross-entropy where there is a head or a
 * final softmax; mean squared error where the output has as many elements as
 * the input (an autoencoder); else cross-entropy. */
typedef enum tp_loss_kind {
    TP_LOSS_AUTO,
    TP_LOSS_CE,
    TP_LOSS_MSE
} tp_loss_kind;

typedef struct tp_pass_options {
    const tp_adapter_spec *spec;
    int n_specs;
    tp_loss_kind loss;
} tp_pass_options;

typedef tp_status (*tp_pass_fn)(tp_graph *graph, const tp_pass_options *options,
                                tp_diag *diag);

typedef struct tp_pass {
    const char *name; /* the stage, as --dump names it */
    tp_pass_fn run;
} tp_pass;

extern const tp_pass tp_passes[];
extern const int tp_n_passes;

/* PAD before a convolution and RELU or RELU6 behind one become part of it,
 * where no byte changes. */
tp_status tp_pass_fuse(tp_graph *graph, const tp_pass_options *options,
                       tp_diag *diag);
/* Attaches the adapters to the slots that their globs name. */
tp_status tp_pass_slots(tp_graph *graph, const tp_pass_options *options,
                        tp_diag *diag);
/* Appends loss and backward ops for the adapters' parameters alone. */
tp_status tp_pass_autodiff(tp_graph *graph, const tp_pass_options *options,
                           tp_diag *diag);
/* Keeps one bit an element instead of an activation where backward only asks
 * whether it was clamped. */
tp_status tp_pass_masks(tp_graph *graph, const tp_pass_options *options,
                        tp_diag *diag);
/* The input's zero point goes into the bias where nothing is padded. */
tp_status tp_pass_fold(tp_graph *graph, const tp_pass_options *options,
                       tp_diag *diag);
/* Drops what neither the output nor a parameter's gradient needs. */
tp_status tp_pass_prune(tp_graph *graph, const tp_pass_options *options,
                        tp_diag *diag);

/* Runs all passes. `after` is called with each stage's name where not NULL. */
TP_MUST_CHECK tp_status tp_passes_run(
    tp_graph *graph, const tp_pass_options *options,
    tp_status (*after)(void *ctx, const char *stage, const tp_graph *graph),
    void *ctx, tp_diag *diag);

#endif
