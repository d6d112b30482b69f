/* The compiler's public face: .tflite + adapter specs -> plan -> C text, or a
 * model that runs on the host with the same integers. See compile.c. */
#ifndef TP_COMPILER_H
#define TP_COMPILER_H

#include "compiler/ir/ir.h"
#include "compiler/plan/plan.h"

typedef struct tp_compile_options {
    const char *name;          /* of the model, a C identifier after import */
    const char *const *spec;   /* adapter specs "SLOTS=KIND[:key=value,...]" */
    int n_specs;
    bool train;                /* false: inference only, even with adapters */
    /* Called with each stage's name and text form where not NULL. */
    void (*dump)(void *ctx, const char *stage, const char *text);
    void *dump_ctx;
} tp_compile_options;

/* Import, passes, plan. *plan lives in the arena. */
TP_MUST_CHECK tp_status tp_compile(tp_arena *arena, const uint8_t *bytes,
                                   size_t n, const tp_compile_options *options,
                                   tp_plan *plan, tp_diag *diag);

#endif
