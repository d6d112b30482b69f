/* What the plan costs: instructions by layer and by step, time and energy. */
#include <math.h>
#include <string.h>

#include "cli/html.h"
#include "cli/report.h"
#include "compiler/plan/cost.h"

/* --- instructions --------------------------------------------------------- */

/* The layer that a step belongs to: its own op, the one it is backward of, or
 * the one it repeats. */
static const char *layer_of(tp_report *r, const tp_step *step) {
    const tp_op *op = &r->plan->graph->op[step->op];
    const char *name = op->of != NULL ? op->of : op->name;
    const char *again = strstr(name, "_again");
    const int n = (int)(again != NULL ? again - name : (long)strlen(name));
    const char *layer = tp_arena_printf(r->arena, "%.*s", n, name);
    return layer != NULL ? layer : name;
}

typedef enum part { FORWARD, AGAIN, BACKWARD, PARTS } part;

typedef struct layer {
    const char *name;
    uint64_t cost[PARTS];
} layer;

static part part_of(const tp_plan *plan, const tp_step *step) {
    if (strstr(plan->graph->op[step->op].name, "_again") != NULL) {
        return AGAIN;
    }
    return step->op >= plan->graph->first_backward ? BACKWARD : FORWARD;
}

static int sum_layers(tp_report *r, const tp_program *p, layer *list) {
    int n = 0;
    for (int i = 0; i < p->n_steps; i++) {
        const tp_step *step = &p->step[i];
        const char *name = layer_of(r, step);
        int at = 0;
        while (at < n && strcmp(list[at].name, name) != 0) {
            at++;
        }
        if (at == n) {
            list[n++] = (layer){.name = name};
        }
        list[at].cost[part_of(r->plan, step)] += tp_step_cost(step);
    }
    return n;
}

/* A bar of three colours, as wide as its share. */
static void bar_cell(tp_text *out, const layer *l, double most) {
    static const char *const colour[PARTS] = {"s0", "s2", "s3"};
    tp_text_add(out, "<td>");
    for (int k = 0; k < PARTS; k++) {
        tp_text_add(out,
                    "<span class=\"bar %s\" style=\"width:%.1fpx\"></span>",
                    colour[k], 260 * (double)l->cost[k] / most);
    }
    tp_text_add(out, "</td>");
}

static uint64_t whole(const layer *l) {
    return l->cost[FORWARD] + l->cost[AGAIN] + l->cost[BACKWARD];
}

static void layer_rows(tp_report *r, const layer *list, int n) {
    double most = 1;
    for (int i = 0; i < n; i++) {
        most = fmax(most, (double)whole(&list[i]));
    }
    tp_text_add(&r->out,
                "<div class=\"scroll\"><table>\n<thead><tr><th>layer</th>"
                "<th class=\"r\">forward</th><th class=\"r\">again</th>"
                "<th class=\"r\">backward</th><th></th></tr></thead><tbody>\n");
    for (int i = 0; i < n; i++) {
        tp_text_add(&r->out, "<tr>");
        tp_html_element(&r->out, "td", NULL, list[i].name);
        for (int k = 0; k < PARTS; k++) {
            const uint64_t cost = list[i].cost[k];
            tp_html_element(&r->out, "td", "r",
                            cost > 0 ? tp_text_grouped(r->arena, cost) : "");
        }
        bar_cell(&r->out, &list[i], most);
        tp_text_add(&r->out, "</tr>\n");
    }
    tp_html_end_table(&r->out);
}

static void step_table(tp_report *r, const char *title, const tp_program *p) {
    const char *const head[] = {"step", "operation", "kernel", "instructions"};
    tp_html_details(&r->out, title);
    tp_html_table(&r->out, "rllr", head);
    for (int i = 0; i < p->n_steps; i++) {
        const tp_step *step = &p->step[i];
        const char *const cell[] = {
            tp_arena_printf(r->arena, "%d", i),
            r->plan->graph->op[step->op].name, tp_kernel_name(step->kernel),
            tp_text_grouped(r->arena, tp_step_cost(step))};
        tp_html_row(&r->out, "rllr", NULL, cell);
    }
    tp_html_end_table(&r->out);
    tp_html_end_details(&r->out);
}

void tp_report_cost(tp_report *r) {
    const tp_program *p =
        r->plan->sample.n_steps > 0 ? &r->plan->sample : &r->plan->infer;
    layer *list =
        tp_arena_alloc(r->arena, (size_t)p->n_steps + 1, sizeof *list);
    if (list == NULL) {
        r->out.failed = true;
        return;
    }
    tp_html_section(&r->out, "cost", "Instructions");
    tp_html_element(
        &r->out, "p", "soft",
        "Estimated for the reference kernels on a Cortex-M4, from weights that "
        "were fitted to counted instructions; whole models were within 5 % of "
        "what was counted. They are instructions, not cycles.");
    tp_text_add(&r->out, "<div class=\"key\"><span class=\"s0\">forward</span>"
                         "<span class=\"s2\">forward, again</span>"
                         "<span class=\"s3\">backward</span></div>\n");
    layer_rows(r, list, sum_layers(r, p, list));
    step_table(r, "Steps of an inference", &r->plan->infer);
    if (r->plan->sample.n_steps > 0) {
        step_table(r, "Steps of a sample", &r->plan->sample);
    }
    tp_html_end_section(&r->out);
}

/* --- energy --------------------------------------------------------------- */

static const char *time_text(tp_arena *arena, double ms) {
    return ms < 1000    ? tp_arena_printf(arena, "%.3g ms", ms)
           : ms < 180e3 ? tp_arena_printf(arena, "%.3g s", ms / 1e3)
                        : tp_arena_printf(arena, "%.3g min", ms / 60e3);
}

static const char *energy_text(tp_arena *arena, double uj) {
    return uj < 1000  ? tp_arena_printf(arena, "%.3g µJ", uj)
           : uj < 1e6 ? tp_arena_printf(arena, "%.3g mJ", uj / 1e3)
                      : tp_arena_printf(arena, "%.3g J", uj / 1e6);
}

static const char *millions(tp_arena *arena, double n) {
    return n >= 1e9  ? tp_text_grouped(arena, (uint64_t)(n / 1e6 + 0.5))
           : n > 0.0 ? tp_arena_printf(arena, "%.3g", n / 1e6)
                     : "";
}

static void energy_row(tp_report *r, const char *what, double instructions,
                       double ms, double uj) {
    const char *const cell[] = {what, millions(r->arena, instructions),
                                ms > 0 ? time_text(r->arena, ms) : "",
                                energy_text(r->arena, uj)};
    tp_html_row(&r->out, "lrrr", NULL, cell);
}

static void run_row(tp_report *r, const char *what, tp_work work) {
    energy_row(r, what, work.instructions, tp_energy_ms(&r->energy, work),
               tp_energy_uj(&r->energy, work));
}

static tp_work work_of(const tp_program *p) {
    return (tp_work){(double)tp_program_cost(p), (double)tp_program_macs(p)};
}

static void energy_table(tp_report *r, const tp_energy_result *result) {
    const tp_adaptation *a = &r->adaptation;
    const char *const head[] = {"what", "instructions, M", "time", "energy"};
    tp_html_table(&r->out, "lrrr", head);
    run_row(r, "an inference", work_of(&r->plan->infer));
    if (r->plan->sample.n_steps > 0) {
        run_row(r, "a sample: forward, loss, backward",
                work_of(&r->plan->sample));
        run_row(r,
                tp_arena_printf(r->arena, "an update of %u %s",
                                (unsigned)r->batch,
                                tp_text_plural(r->batch, "sample", "samples")),
                a->update);
        if (r->plan->keep.n_steps > 0) {
            run_row(r, "to keep features of a sample", a->keep);
        }
        energy_row(r, "the adapter to flash", 0, 0, result->store_uj);
        energy_row(r,
                   tp_arena_printf(r->arena, "an adaptation of %.0f updates",
                                   a->updates),
                   a->samples * a->keep.instructions +
                       a->updates * a->update.instructions,
                   result->adapt_s * 1e3, result->adapt_mj * 1e3);
    }
    energy_row(r, "a day asleep, to compare with", 0, 86400e3,
               result->asleep_day_mj * 1e3);
    tp_html_end_table(&r->out);
}

static void radio_table(tp_report *r, const tp_energy_result *result) {
    const char *const head[] = {"radio", "µJ a byte", "to send the samples",
                                "as much as adapting"};
    tp_html_element(&r->out, "h3", NULL,
                    "Adapting here against sending the samples away");
    tp_html_element(
        &r->out, "p", NULL,
        tp_arena_printf(r->arena,
                        "%.0f samples of %.0f bytes, as the model takes them. "
                        "The last column says how many samples take as much "
                        "energy to send as the whole adaptation takes: with "
                        "more of them, adapting here is cheaper. What a server "
                        "sends back is not counted.",
                        r->adaptation.samples, r->adaptation.sample_bytes));
    tp_html_table(&r->out, "lrrr", head);
    for (int i = 0; i < TP_RADIO_COUNT; i++) {
        const char *const cell[] = {
            tp_radio_names[i],
            tp_arena_printf(r->arena, "%.3g", r->energy.radio[i]),
            energy_text(r->arena, result->send_mj[i] * 1e3),
            isinf(result->break_even[i])
                ? "sending is cheaper"
                : tp_arena_printf(
                      r->arena, "%s samples",
                      tp_text_grouped(r->arena,
                                      (uint64_t)ceil(result->break_even[i])))};
        tp_html_row(&r->out, "lrrr", NULL, cell);
    }
    tp_html_end_table(&r->out);
}

static void sources(tp_report *r) {
    const char *const head[] = {"numbers", "from"};
    const tp_energy *e = &r->energy;
    tp_html_details(&r->out, "Where these numbers are from");
    tp_html_table(&r->out, "lw", head);
    const char *const core[] = {
        tp_arena_printf(r->arena,
                        "%s (%s): %.3g MHz, %.3g pJ a cycle; cycles: %.3g a "
                        "MAC, %.3g a load, %.3g else; flash %.3g + %.3g nJ a "
                        "byte",
                        r->target->name, r->target->part, e->mhz, e->pj_cycle,
                        e->cycles_mac, e->cycles_load, e->cycles_other,
                        e->nj_write, e->nj_erase),
        r->target->source};
    tp_html_row(&r->out, "ww", NULL, core);
    for (int i = 0; i < TP_RADIO_COUNT; i++) {
        const char *const cell[] = {tp_radio_names[i], tp_radio_sources[i]};
        tp_html_row(&r->out, "ww", NULL, cell);
    }
    tp_html_end_table(&r->out);
    tp_html_end_details(&r->out);
}

void tp_report_energy(tp_report *r) {
    const tp_energy_result result = tp_energy_adapt(&r->energy, &r->adaptation);
    tp_html_section(&r->out, "energy", "Time and energy");
    tp_html_element(
        &r->out, "p", "soft",
        tp_arena_printf(r->arena,
                        "A model of a few numbers, for a %s at %.3g MHz: it "
                        "tells orders of magnitude and which of two plans is "
                        "cheaper. Replace the numbers by your board's with "
                        "--energy.",
                        r->target->name, r->energy.mhz));
    energy_table(r, &result);
    if (r->plan->sample.n_steps > 0) {
        radio_table(r, &result);
    }
    sources(r);
    tp_html_end_section(&r->out);
}
