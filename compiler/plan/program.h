/* One program of the plan: the steps that some results need, and an address
 * for every tensor on the way. */
#ifndef TP_COMPILER_PROGRAM_H
#define TP_COMPILER_PROGRAM_H

#include "compiler/plan/plan.h"

/*   lower    all steps of the graph, in order
 *   wanted   [n_tensors] the results; widened to all that they need
 *   y        tensor that goes to the caller's output, or -1
 *   fixed    [n_tensors] places of parameters and gradients */
tp_status tp_program_make(const tp_lower *lower, bool *wanted, int y,
                          const tp_address *fixed, tp_program *program);

#endif
