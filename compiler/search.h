/* Which adapter, and which schedule for it, learns best within the budgets: a
 * search over families of adapters, kinds of state and what is kept for
 * backward. Every candidate is compiled and planned to the byte; those that
 * nothing beats with all the effort that a compilation makes. */
#ifndef TP_COMPILER_SEARCH_H
#define TP_COMPILER_SEARCH_H

#include "compiler/schedule.h"

/* Numbers of samples of a class for which accuracy was measured. */
#define TP_SHOTS 5
extern const int tp_shots[TP_SHOTS];

typedef struct tp_search_options {
    const char *name; /* of the model, a C identifier after import */
    int classes; /* of a new head; 0: as many as the base has; TP_NO_HEAD */
    tp_loss_kind loss;
    tp_plan_options plan;
} tp_search_options;

/* One candidate. */
typedef struct tp_choice {
    const char *family; /* "lora-fa r4" */
    const char *const *spec;
    int n_specs;
    tp_state_kind state;
    tp_schedule schedule; /* of the graph that the specs give */
    uint32_t ram;         /* arena, adapter, training state, kept samples */
    uint32_t arena;       /* of training; at least infer_arena */
    uint32_t infer_arena; /* where only inference is used */
    uint32_t adapter;     /* weights, as inference reads them */
    uint32_t train;       /* state */
    uint32_t sample;      /* what is kept of one, see schedule.cut */
    uint32_t flash;       /* constants */
    uint32_t delta;       /* the stored adapter */
    uint64_t infer_cost;  /* estimated instructions */
    uint64_t update_cost; /* of one sample, likewise */
    double expected[TP_SHOTS]; /* accuracy on the task of docs/numerics.md,
                                  percent, or NaN */
    int n_saved, n_recomputed;
    bool on_front; /* nothing is better in one respect and as good in others */
    bool fits;     /* the user's budgets: for whoever knows them */
} tp_choice;

typedef struct tp_search_result {
    const tp_graph *base; /* as imported */
    tp_choice *choice;    /* by RAM, smallest first */
    int n;                /* 0: no adapter fits this model */
    const char *why;      /* then the first reason, or NULL */
} tp_search_result;

/* Searches. Errors as of tp_import(). */
TP_MUST_CHECK tp_status tp_search(tp_arena *arena, const uint8_t *bytes,
                                  size_t n, const tp_search_options *options,
                                  tp_search_result *result, tp_diag *diag);

/* The sizes and costs of a plan, into a choice that is known otherwise. */
void tp_choice_describe(tp_choice *choice, const tp_plan *plan);

/* Plans one candidate of a result again. */
TP_MUST_CHECK tp_status tp_choice_plan(tp_arena *arena, const tp_graph *base,
                                       const tp_search_options *options,
                                       const tp_choice *choice, tp_plan *plan,
                                       tp_diag *diag);

/* --- prefer.c ------------------------------------------------------------- */

/* Accuracy with `shots` samples of a class, or with the next fewer of which it
 * is known; NaN: it was not measured. */
double tp_choice_expects(const tp_choice *choice, int64_t shots);
/* For how many samples that is. */
int tp_shots_known(int64_t shots);

/* The choice to learn with: of those that fit, the smallest adapter less than
 * a point below the best, for the figures tell no more apart; of equal ones
 * that with the cheapest update. What was not measured counts where nothing
 * was. NULL: nothing fits. */
const tp_choice *tp_choice_prefer(const tp_choice *choice, int n,
                                  int64_t shots);

/* --- families.c ----------------------------------------------------------- */

#define TP_FAMILY_SPECS 3
#define TP_NO_HEAD (-1)

/* Which of the layers that an adapter fits. */
typedef enum tp_family_slots {
    TP_SLOTS_ALL,
    TP_SLOTS_MIXING, /* those behind the first that mix channels: 1x1 and fully
                        connected; where there are none, any behind the first */
    TP_SLOTS_EARLIER /* of these all but the last, whose output the head sees */
} tp_family_slots;

typedef struct tp_family {
    const char *name;
    /* "%s" is where the names of the slots go; NULL: no such part */
    const char *hidden[TP_FAMILY_SPECS - 1];
    tp_family_slots slots;
    bool head;                 /* pointless without one */
    double expected[TP_SHOTS]; /* accuracy; NaN: not measured */
    double online[TP_SHOTS];   /* the same where every sample is an update */
} tp_family;

extern const tp_family tp_families[];
extern const int tp_n_families;

/* The specs of a family for an imported graph; *n is 0 where it does not fit.
 *   classes  of a new head; 0: as many as the base has; TP_NO_HEAD */
TP_MUST_CHECK tp_status tp_family_specs(tp_arena *arena, const tp_graph *graph,
                                        const tp_family *family, int classes,
                                        const char **spec, int *n,
                                        tp_diag *diag);

#endif
