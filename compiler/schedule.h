/* The schedule of one model with its adapters: what is kept for backward, what
 * is computed again, and how much state training has, so that all of it fits a
 * budget of RAM. Found by search: every schedule that is tried is planned to
 * the byte. All schedules with the same state train to the same bytes. */
#ifndef TP_COMPILER_SCHEDULE_H
#define TP_COMPILER_SCHEDULE_H

#include "compiler/passes/passes.h"
#include "compiler/plan/plan.h"

typedef struct tp_schedule_options {
    tp_state_kind state;  /* TP_STATE_NONE: the richest that fits */
    uint32_t ram;         /* bytes: tp_plan_ram(); 0: no limit */
    tp_plan_options plan; /* samples 0: they are kept as they are */
    tp_pass_hook dump;    /* or NULL: called for the schedule that is chosen */
    void *dump_ctx;
} tp_schedule_options;

/* One point: what it needs, what it costs. */
typedef struct tp_schedule {
    tp_state_kind state;
    uint8_t *choice; /* [n_tensors] tp_keep */
    int cut;         /* what is kept of a sample: tp_cut */
    uint32_t sample_bytes;
    uint32_t ram;  /* bytes, as above */
    uint64_t cost; /* estimated instructions of one sample */
    int kept;      /* values that backward reads and that are kept */
    int again;     /* ops that run once more */
} tp_schedule;

/* By tp_state_kind. */
extern const char *const tp_state_names[];

/* The schedules of one kind of state that nothing beats in both RAM and cost,
 * from the cheapest to the smallest. *n is at most TP_MOST_SCHEDULES.
 *   options  state, and of plan the samples: where there are any, what is kept
 *            of them is chosen too */
#define TP_MOST_SCHEDULES 64
TP_MUST_CHECK tp_status tp_schedule_front(tp_arena *arena,
                                          const tp_graph *graph,
                                          const tp_schedule_options *options,
                                          tp_schedule *front, int *n,
                                          tp_diag *diag);

/* Chooses a schedule and plans it.
 *   graph  after tp_passes_run(); not changed
 * TP_ERR_BUDGET: nothing fits; the message names the smallest plan and the
 * tensor at its peak. */
TP_MUST_CHECK tp_status tp_schedule_plan(tp_arena *arena, const tp_graph *graph,
                                         const tp_schedule_options *options,
                                         tp_plan *plan, tp_diag *diag);

/* Plans a given schedule. */
TP_MUST_CHECK tp_status tp_schedule_apply(tp_arena *arena,
                                          const tp_graph *graph,
                                          const tp_schedule *schedule,
                                          const tp_schedule_options *options,
                                          tp_plan *plan, tp_diag *diag);

#endif
