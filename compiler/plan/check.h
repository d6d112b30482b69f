/* Proof of a program's addresses, made without the planner: from its steps,
 * their descriptors and the addresses alone. */
#ifndef TP_COMPILER_CHECK_H
#define TP_COMPILER_CHECK_H

#include "compiler/plan/plan.h"

/* Follows every byte of the arena and of the caller's output, or of the sample
 * that is to be kept, through the steps: whatever a step reads, or is left for
 * the caller, is still what its producer wrote, and where a
 * step writes over its own input the kernel's walk, pixel by pixel, reaches no
 * byte before its last use. TP_ERR_MALFORMED: it does not; the message names
 * the step, the tensor and the byte. */
TP_MUST_CHECK tp_status tp_program_check(const tp_graph *graph,
                                         const tp_program *program,
                                         tp_diag *diag);

/* The kept sample: `keep`, checked as a program, leaves every latent value in
 * it, inside tp_sample_bytes(); training reads each where it was left and
 * computes none. Errors as above. */
TP_MUST_CHECK tp_status tp_keep_check(const tp_graph *graph,
                                      const tp_program *keep,
                                      const tp_program *sample, tp_diag *diag);

#endif
