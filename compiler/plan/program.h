/* One program of the plan: the steps that some results need, and an address
 * for every tensor on the way. */
#ifndef TP_COMPILER_PROGRAM_H
#define TP_COMPILER_PROGRAM_H

#include "compiler/plan/plan.h"

typedef struct tp_program_order {
    const tp_lower *lower; /* all steps of the graph, in order */
    const tp_plan_options *options;
    bool *wanted; /* [n_tensors] the results; widened to all that they need */
    int y;        /* tensor that goes to the caller's output, or -1 */
    const tp_address *fixed; /* [n_tensors] places of parameters, gradients */
    uint32_t beside; /* RAM beside the arena, for options->worth; 0: do not ask
                        it */
} tp_program_order;

/* Regions in options->region are sorted, the fastest first. Offsets are in the
 * region. */
tp_status tp_program_make(const tp_program_order *order, tp_program *program);

#endif
