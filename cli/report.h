/* The report: a page about one plan, in parts. */
#ifndef TP_CLI_REPORT_H
#define TP_CLI_REPORT_H

#include "cli/cli.h"
#include "cli/front.h"
#include "compiler/plan/energy.h"
#include "compiler/text_buffer.h"

typedef struct tp_report {
    tp_arena *arena;
    tp_text out;
    const tp_plan *plan;
    const tp_graph *model; /* as imported */
    tp_front front;        /* what `tinypeft plan` finds, then this plan */
    const tp_choice *self; /* this plan among them */
    const char *file;      /* of the model, without its folder */
    const char *sha256;
    const char *command;     /* that makes the page again */
    const char *const *spec; /* adapters */
    int n_specs;
    uint32_t ram; /* budget, 0: none */
    const tp_energy_target *target;
    tp_energy energy; /* with what was overridden */
    tp_adaptation adaptation;
    uint32_t batch;
} tp_report;

/* Kinds of values in the arena, by colour. */
typedef enum tp_report_kind {
    TP_REPORT_ACTIVATION,
    TP_REPORT_SAVED, /* by forward for backward */
    TP_REPORT_AGAIN, /* computed once more */
    TP_REPORT_MASK,
    TP_REPORT_GRADIENT,
    TP_REPORT_WEIGHT, /* adapter weights or biases that are computed */
    TP_REPORT_KINDS
} tp_report_kind;

/* First step of backward; n_steps where there is none. */
int tp_report_border(const tp_plan *plan, const tp_program *program);
tp_report_kind tp_report_kind_of(const tp_plan *plan, const tp_program *program,
                                 int tensor);
/* Adapter, arena and training state. */
uint32_t tp_report_ram(const tp_plan *plan);

/* --- the page, from top to bottom; the text is in report->out ------------- */

void tp_report_page(tp_report *report);
void tp_report_layers(tp_report *report); /* report_model.c */
void tp_report_memory(tp_report *report); /* report_memory.c */
void tp_report_saved(tp_report *report);
void tp_report_front(tp_report *report); /* report_plan.c */
void tp_report_cost(tp_report *report);  /* report_cost.c */
void tp_report_energy(tp_report *report);

/* Its figures. */
cJSON *tp_report_json(const tp_report *report); /* report_json.c */

#endif
