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

/* Neither a head nor a softmax at its end, and an output as large as the input:
 * what AUTO takes for an autoencoder. */
bool tp_is_autoencoder(const tp_graph *graph);

/* What becomes of a value once forward has used it. */
typedef enum tp_keep {
    TP_KEEP_READ = 0, /* kept where backward reads it */
    TP_KEEP_NONE,     /* computed again where backward reads it */
    TP_KEEP_ANCHOR    /* kept, so that others can be computed from it */
} tp_keep;

typedef struct tp_pass_options {
    const tp_adapter_spec *spec;
    int n_specs;
    tp_loss_kind loss;
    /* the schedule */
    tp_state_kind state;   /* what training keeps of each parameter */
    const uint8_t *choice; /* [n_tensors] tp_keep; NULL: keep what
                              backward reads */
    int cut;               /* see tp_cut; 0: samples are kept as they are */
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

/* What a device keeps of a sample that it trains on many times. */
typedef struct tp_cut {
    int at;         /* frozen ops before it are left out of training; 0: the
                       input is kept */
    uint32_t bytes; /* of a kept sample */
} tp_cut;

/* The cuts that are worth trying, from the one that leaves least to compute to
 * the one that keeps the fewest bytes; there is at least one. */
TP_MUST_CHECK tp_status tp_latent_cuts(tp_arena *arena, const tp_graph *graph,
                                       tp_cut **cut, int *n, tp_diag *diag);

/* Marks the values that are kept with the sample. */
tp_status tp_pass_latent(tp_graph *graph, const tp_pass_options *options,
                         tp_diag *diag);

/* Gradients are used as soon as they exist, where the state is small. */
tp_status tp_pass_optimise(tp_graph *graph, const tp_pass_options *options,
                           tp_diag *diag);

/* Values that backward reads and that are not kept are computed again, from
 * those that are. */
tp_status tp_pass_recompute(tp_graph *graph, const tp_pass_options *options,
                            tp_diag *diag);

/* Called with each stage's name where not NULL. */
typedef tp_status (*tp_pass_hook)(void *ctx, const char *stage,
                                  const tp_graph *graph);

/* Runs all passes up to the schedule. */
TP_MUST_CHECK tp_status tp_passes_run(tp_graph *graph,
                                      const tp_pass_options *options,
                                      tp_pass_hook after, void *ctx,
                                      tp_diag *diag);

/* Runs those that decide what is kept for backward and what becomes of the
 * gradients: options->choice, options->state. */
TP_MUST_CHECK tp_status tp_schedule_run(tp_graph *graph,
                                        const tp_pass_options *options,
                                        tp_pass_hook after, void *ctx,
                                        tp_diag *diag);

#endif
