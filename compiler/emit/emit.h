/* Plan -> C text. Prints, decides nothing: same plan, same bytes; no time
 * stamp, no path. */
#ifndef TP_COMPILER_EMIT_H
#define TP_COMPILER_EMIT_H

#include "compiler/plan/plan.h"

typedef struct tp_emit_options {
    const char *command; /* how to remake it, as the header quotes it */
    const char *source;  /* file name of the .tflite, without its folder */
    const char *target;  /* of tp_targets */
} tp_emit_options;

typedef struct tp_emitted {
    char *header;  /* <name>.h: the contract */
    char *program; /* <name>.c: the steps */
    char *weights; /* <name>_weights.c: constants */
} tp_emitted;

/* Texts live in the arena. */
TP_MUST_CHECK tp_status tp_emit(tp_arena *arena, const tp_plan *plan,
                                const tp_emit_options *options, tp_emitted *out,
                                tp_diag *diag);

#endif
