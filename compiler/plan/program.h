/* One program of the plan: the steps that some results need, and an address
 * for every tensor on the way. */
#ifndef TP_COMPILER_PROGRAM_H
#define TP_COMPILER_PROGRAM_H

#include "compiler/plan/plan.h"

/* What the program has to do with latent values. */
typedef enum tp_latent_use {
    TP_LATENT_VALUE, /* nothing: they are values like others */
    TP_LATENT_MADE,  /* they are its results, for the caller to keep */
    TP_LATENT_READ   /* they are there, kept by the caller */
} tp_latent_use;

typedef struct tp_program_order {
    const tp_lower *lower; /* all steps of the graph, in order */
    const tp_plan_options *options;
    bool *wanted; /* [n_tensors] the results; widened to all that they need */
    int y;        /* tensor that goes to the caller's output, or -1 */
    tp_latent_use latent;
    const tp_address *fixed; /* [n_tensors] places of parameters, gradients,
                                and in the kept sample of latent values */
    uint32_t beside; /* RAM beside the arena, for options->worth; 0: do not ask
                         it */
} tp_program_order;

/* Regions in options->region are sorted, the fastest first. Offsets are in the
 * region. */
tp_status tp_program_make(const tp_program_order *order, tp_program *program);

#endif
