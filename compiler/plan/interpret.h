/* The plan, run on the host with the `ref` kernels: the same integers as the
 * emitted C. It is a tp_model like a compiled one, so the runtime (training,
 * adapters, blobs) works on it unchanged. */
#ifndef TP_COMPILER_INTERPRET_H
#define TP_COMPILER_INTERPRET_H

#include "compiler/plan/plan.h"

typedef struct tp_interpreter {
    tp_model model; /* first: tp_ctx.model points here */
    const tp_plan *plan;
} tp_interpreter;

/* Makes the model of a plan; the plan must outlive it. */
void tp_interpreter_init(tp_interpreter *interpreter, const tp_plan *plan);

/* A context with its buffers allocated in the arena. The adapter is zeroed:
 * call tp_adapter_init() or tp_blob_read(). */
TP_MUST_CHECK tp_status tp_interpreter_open(tp_arena *arena,
                                            const tp_interpreter *interpreter,
                                            tp_ctx *ctx);

#endif
