/* The compiler's public face: .tflite + adapter specs -> plan -> C text, or a
 * model that runs on the host with the same integers. See compile.c. */
#ifndef TP_COMPILER_H
#define TP_COMPILER_H

#include "compiler/adapters/adapters.h"
#include "compiler/emit/emit.h"
#include "compiler/import/import.h"
#include "compiler/passes/passes.h"
#include "compiler/plan/interpret.h"
#include "compiler/plan/plan.h"
#include "compiler/schedule.h"

typedef struct tp_compile_options {
    const char *name;        /* of the model, a C identifier after import */
    const char *const *spec; /* adapter specs "SLOTS=KIND[:key=value,...]" */
    int n_specs;
    tp_loss_kind loss;
    tp_state_kind state; /* TP_STATE_NONE: the richest that fits */
    uint32_t ram;        /* bytes that the plan may take; 0: no limit */
    tp_plan_options plan;
    /* Called with each stage's name and text form where not NULL. */
    void (*dump)(void *ctx, const char *stage, const char *text);
    void *dump_ctx;
} tp_compile_options;

/* Import, passes, plan. *plan and its graph live in the arena; without specs
 * the plan only infers. Errors as of tp_import(); TP_ERR_ARGUMENT: a spec that
 * cannot be used, the message names the slots that exist. */
TP_MUST_CHECK tp_status tp_compile(tp_arena *arena, const uint8_t *bytes,
                                   size_t n, const tp_compile_options *options,
                                   tp_plan *plan, tp_diag *diag);

#endif
