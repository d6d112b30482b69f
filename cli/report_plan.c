/* The schedules among which the plan was chosen. */
#include "cli/html.h"
#include "cli/report.h"
#include "cli/svg.h"
#include "compiler/plan/cost.h"

#define WIDTH 720
#define HEIGHT 400

static bool is_chosen(const tp_report *r, const tp_schedule *s) {
    return s->state == (tp_state_kind)r->plan->model.state &&
           s->ram == tp_report_ram(r->plan);
}

static void range(const tp_report *r, double ram[2], double cost[2]) {
    ram[0] = ram[1] = r->front[0].ram;
    cost[0] = cost[1] = (double)r->front[0].cost;
    for (int i = 1; i < r->n_front; i++) {
        const double v[2] = {r->front[i].ram, (double)r->front[i].cost};
        ram[0] = v[0] < ram[0] ? v[0] : ram[0];
        ram[1] = v[0] > ram[1] ? v[0] : ram[1];
        cost[0] = v[1] < cost[0] ? v[1] : cost[0];
        cost[1] = v[1] > cost[1] ? v[1] : cost[1];
    }
}

/* One line for each kind of state, a dot for each schedule. */
static void draw_state(tp_report *r, tp_svg *svg, const tp_svg_plot *plot,
                       tp_state_kind state) {
    static const char *const line[] = {"", "line s0", "line s1", "line s2"};
    static const char *const dot[] = {"", "dot s0", "dot s1", "dot s2"};
    tp_svg_open_path(svg, line[state]);
    for (int i = 0; i < r->n_front; i++) {
        if (r->front[i].state == state) {
            tp_svg_point(svg, tp_svg_x(plot, r->front[i].ram),
                         tp_svg_y(plot, (double)r->front[i].cost / 1e6));
        }
    }
    tp_svg_close_path(svg);
    for (int i = 0; i < r->n_front; i++) {
        const tp_schedule *s = &r->front[i];
        if (s->state != state) {
            continue;
        }
        const double at[2] = {tp_svg_x(plot, s->ram),
                              tp_svg_y(plot, (double)s->cost / 1e6)};
        tp_svg_dot(svg, dot[state], at, is_chosen(r, s) ? 8 : 4,
                   tp_arena_printf(r->arena, "%s, %s bytes, %s instructions",
                                   tp_state_names[s->state],
                                   tp_text_grouped(r->arena, s->ram),
                                   tp_text_grouped(r->arena, s->cost)));
    }
}

static const char *draw(tp_report *r) {
    tp_svg svg;
    double ram[2];
    double cost[2];
    range(r, ram, cost);
    const tp_svg_plot plot = {
        .left = 60,
        .top = 50,
        .width = WIDTH - 90,
        .height = HEIGHT - 105,
        .x = tp_svg_axis_of("RAM, bytes", ram[0], ram[1], 7),
        .y = tp_svg_axis_of("million instructions a sample", cost[0] / 1e6,
                            cost[1] / 1e6, 6)};
    tp_svg_begin(&svg, r->arena, WIDTH, HEIGHT,
                 "RAM against instructions of the schedules");
    tp_svg_frame(&svg, &plot);
    double at[2] = {plot.left + 220, 18};
    for (tp_state_kind s = TP_STATE_MOMENTUM; s <= TP_STATE_ONLINE; s++) {
        static const char *const class[] = {"", "line s0", "line s1",
                                            "line s2"};
        draw_state(r, &svg, &plot, s);
        at[0] += tp_svg_legend(&svg, class[s], at, tp_state_names[s]);
    }
    return tp_svg_end(&svg);
}

static void rows(tp_report *r) {
    const char *const head[] = {
        "training state", "RAM",         "instructions a sample",
        "inferences",     "values kept", "operations run again"};
    const double infer = (double)tp_program_cost(&r->plan->infer);
    tp_html_table(&r->out, "lrrrrr", head);
    for (int i = 0; i < r->n_front; i++) {
        const tp_schedule *s = &r->front[i];
        const char *const cell[] = {
            tp_state_names[s->state],
            tp_text_grouped(r->arena, s->ram),
            tp_text_grouped(r->arena, s->cost),
            tp_arena_printf(r->arena, "%.2f", (double)s->cost / infer),
            tp_arena_printf(r->arena, "%d", s->kept),
            tp_arena_printf(r->arena, "%d", s->again)};
        tp_html_row(&r->out, "lrrrrr", is_chosen(r, s) ? "picked" : NULL, cell);
    }
    tp_html_end_table(&r->out);
}

void tp_report_schedules(tp_report *r) {
    if (r->n_front == 0) {
        return;
    }
    const char *svg = draw(r);
    if (svg == NULL) {
        r->out.failed = true;
        return;
    }
    tp_html_section(&r->out, "schedules", "Schedules to choose from");
    tp_html_element(
        &r->out, "p", NULL,
        "Less RAM costs more instructions: what is not kept for backward is "
        "computed again, and less state trains in smaller batches. Within one "
        "kind of state all schedules train to the same bytes. Of those that "
        "nothing beats in both, this plan is the marked one.");
    tp_html_figure(&r->out, NULL, svg,
                   "RAM is arena, adapter and training state together. The "
                   "large dot is this plan.");
    tp_html_details(&r->out,
                    tp_arena_printf(r->arena, "All %d of them", r->n_front));
    rows(r);
    tp_html_end_details(&r->out);
    tp_html_end_section(&r->out);
}
