/* The choices of a search as people read them: a table, JSON, a picture; which
 * one is picked under the budgets, and why. */
#ifndef TP_CLI_FRONT_H
#define TP_CLI_FRONT_H

#include "cli/json.h"
#include "compiler/search.h"

/* 0: no limit. */
typedef struct tp_budget {
    int64_t ram, flash, delta; /* bytes */
    double update;             /* instructions */
    double update_times;       /* the same as a multiple of an inference */
    int64_t shots;             /* samples of each class */
} tp_budget;

typedef struct tp_front {
    const tp_choice *choice;
    int n;
    tp_budget budget;
    uint32_t samples; /* kept in RAM; 0: none is counted */
} tp_front;

/* "3x" (of an inference) or "20000000", into budget->update_times or
 * budget->update. */
TP_MUST_CHECK tp_status tp_budget_update(tp_budget *budget, const char *text,
                                         tp_diag *diag);

/* Sets `fits` of each of the front's choices. */
void tp_front_judge(const tp_front *front, tp_choice *choice);

/* The choice within all budgets to learn with, by tp_choice_prefer(). NULL:
 * nothing fits. */
const tp_choice *tp_front_pick(const tp_front *front);

/* The choice that exceeds the budgets least. NULL: there is none at all. */
const tp_choice *tp_front_nearest(const tp_front *front);

/* Why it is picked: a sentence. NULL: out of memory. */
const char *tp_front_reason(tp_arena *arena, const tp_front *front,
                            const tp_choice *picked);

/* What of the budgets a choice exceeds: "RAM 23,100 of 22,820 bytes, ...". */
const char *tp_front_excess(tp_arena *arena, const tp_front *front,
                            const tp_choice *choice);

/* The choices that nothing beats, one after the other, by RAM from the
 * smallest; after NULL the first, after the last NULL. */
const tp_choice *tp_front_next(const tp_front *front, const tp_choice *after);

/* A choice as a row of a table, and the head of its columns. */
#define TP_FRONT_CELLS 10
void tp_front_head(tp_arena *arena, const tp_front *front,
                   const char *cell[TP_FRONT_CELLS]);
void tp_front_cells(tp_arena *arena, const tp_front *front, const tp_choice *c,
                    const char *cell[TP_FRONT_CELLS]);
/* How many of the cells say something: the last, what is kept of a sample, only
 * where samples count. */
int tp_front_columns(const tp_front *front);

/* The front to standard output, the picked one marked. */
void tp_front_print(tp_arena *arena, const tp_front *front,
                    const tp_choice *picked);
/* All choices. */
cJSON *tp_front_json(const tp_front *front, const tp_choice *picked);
/* RAM against instructions of an update: the front as a line. */
const char *tp_front_svg(tp_arena *arena, const tp_front *front,
                         const tp_choice *picked);

#endif
