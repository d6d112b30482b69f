/* This plan among all that `tinypeft plan` finds for the model. */
#include "cli/html.h"
#include "cli/report.h"

/* A letter a column. */
static const char *align(const tp_report *r) {
    return tp_front_columns(&r->front) == TP_FRONT_CELLS ? "llrrrrrrrr"
                                                         : "llrrrrrrr";
}

static void row(tp_report *r, const tp_choice *c) {
    const char *cell[TP_FRONT_CELLS];
    tp_front_cells(r->arena, &r->front, c, cell);
    tp_html_row(&r->out, align(r), c == r->self ? "picked" : NULL, cell);
}

static void rows(tp_report *r) {
    const char *head[TP_FRONT_CELLS];
    tp_front_head(r->arena, &r->front, head);
    tp_html_table(&r->out, align(r), head);
    row(r, r->self);
    for (const tp_choice *c = tp_front_next(&r->front, NULL); c != NULL;
         c = tp_front_next(&r->front, c)) {
        row(r, c);
    }
    tp_html_end_table(&r->out);
}

/* The command that finds them. */
static const char *command(const tp_report *r) {
    const char *classes =
        r->plan->model.classes > 0
            ? tp_arena_printf(r->arena, " --classes %u",
                              (unsigned)r->plan->model.classes)
            : "";
    return classes == NULL
               ? NULL
               : tp_arena_printf(r->arena, "tinypeft plan %s --shots %d%s",
                                 tp_text_quoted(r->arena, r->file),
                                 (int)r->front.budget.shots, classes);
}

void tp_report_front(tp_report *r) {
    const char *svg = tp_front_svg(r->arena, &r->front, r->self);
    if (svg == NULL) {
        r->out.failed = true;
        return;
    }
    tp_html_section(&r->out, "front", "Among all plans");
    tp_html_element(
        &r->out, "p", NULL,
        "Every family of adapters with every kind of training state, keeping "
        "and recomputing different values: what is not kept for backward is "
        "computed again, so less RAM costs more instructions. The larger dots "
        "are plans that no other beats in RAM, instructions, delta and "
        "accuracy at once; the largest is the plan of this page.");
    tp_html_figure(&r->out, NULL, svg,
                   "RAM is arena, adapter and training state together.");
    tp_html_details(&r->out, "The larger dots as a table");
    rows(r);
    tp_html_element(&r->out, "p", "soft small",
                    "Sizes in bytes, infer and update in instructions. "
                    "Accuracy is what was measured on another task: an order, "
                    "not a promise. The command that finds and picks:");
    tp_html_element(&r->out, "pre", NULL, command(r));
    tp_html_end_details(&r->out);
    tp_html_end_section(&r->out);
}
