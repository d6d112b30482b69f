/* The arena over time as a picture, and what lies in it for backward. */
#include <string.h>

#include "cli/html.h"
#include "cli/report.h"
#include "cli/svg.h"

static const struct {
    const char *name;
    const char *colour;
} kinds[TP_REPORT_KINDS] = {
    {"activation", "s0"},     {"saved for backward", "s4"},
    {"computed again", "s2"}, {"clamp mask", "s6"},
    {"gradient", "s3"},       {"computed weights", "s1"},
};

int tp_report_border(const tp_plan *plan, const tp_program *program) {
    int border = program->n_steps;
    for (int i = program->n_steps - 1; i >= 0; i--) {
        if (program->step[i].op >= plan->graph->first_backward) {
            border = i;
        }
    }
    return border;
}

static bool crosses(const tp_plan *plan, const tp_program *program,
                    const tp_address *a) {
    const int border = tp_report_border(plan, program);
    return a->first >= 0 && a->first < border && a->last > border;
}

tp_report_kind tp_report_kind_of(const tp_plan *plan, const tp_program *program,
                                 int tensor) {
    const tp_tensor *t = &plan->graph->tensor[tensor];
    const int made = tp_graph_producer(plan->graph, tensor);
    if (t->dtype == TP_BITS) {
        return TP_REPORT_MASK;
    }
    if (made >= 0 && tp_opdef_of(plan->graph->op[made].kind)->derived) {
        return TP_REPORT_WEIGHT;
    }
    if (strstr(t->name, ".again") != NULL) {
        return TP_REPORT_AGAIN;
    }
    if (crosses(plan, program, &program->address[tensor])) {
        return TP_REPORT_SAVED;
    }
    if (made >= plan->graph->first_backward) {
        return TP_REPORT_GRADIENT;
    }
    return t->dtype == TP_S32 ? TP_REPORT_WEIGHT : TP_REPORT_ACTIVATION;
}

static bool in_arena(const tp_address *a) {
    return a->place == TP_PLACE_ARENA && a->first >= 0 && a->bytes > 0;
}

/* --- the picture ---------------------------------------------------------- */

#define MAP_WIDTH 1000
#define MAP_HEIGHT 430

/* What a tensor is called here: after the op that makes it, for names of
 * tensors in files are long. */
static const char *short_name(const tp_plan *plan, int tensor) {
    const int made = tp_graph_producer(plan->graph, tensor);
    return made >= 0 ? plan->graph->op[made].name
                     : plan->graph->tensor[tensor].name;
}

/* Where a tensor is drawn: corner and size, at least two pixels. */
typedef struct box {
    double at[2], size[2];
} box;

static box box_of(const tp_svg_plot *plot, const tp_address *a) {
    const double left = tp_svg_x(plot, a->first) + 0.5;
    const double top = tp_svg_y(plot, (double)a->offset + a->bytes) + 0.5;
    const double width = tp_svg_x(plot, a->last + 1) - left - 0.5;
    const double height = tp_svg_y(plot, a->offset) - top - 0.5;
    return (box){{left, top}, {width > 2 ? width : 2, height > 2 ? height : 2}};
}

static void draw_tensor(tp_report *r, tp_svg *svg, const tp_svg_plot *plot,
                        const tp_program *p, int tensor) {
    const tp_address *a = &p->address[tensor];
    const tp_tensor *t = &r->plan->graph->tensor[tensor];
    const tp_report_kind kind = tp_report_kind_of(r->plan, p, tensor);
    const box b = box_of(plot, a);
    const char *class =
        tp_arena_printf(r->arena, "area %s%s", kinds[kind].colour,
                        b.size[0] < 4 || b.size[1] < 4 ? " thin" : "");
    const char *tip = tp_arena_printf(
        r->arena, "%s (%s): %s, %s, %u bytes at %u, steps %d to %d (%s to %s)",
        short_name(r->plan, tensor), t->name, kinds[kind].name,
        tp_text_shape(r->arena, t), (unsigned)a->bytes, (unsigned)a->offset,
        a->first, a->last, r->plan->graph->op[p->step[a->first].op].name,
        r->plan->graph->op[p->step[a->last].op].name);
    tp_svg_rect(svg, class != NULL ? class : "area", b.at, b.size, tip);
}

/* A name within a rectangle, where it has room before the next tensor begins
 * over it. */
static void draw_name(tp_report *r, tp_svg *svg, const tp_svg_plot *plot,
                      const tp_program *p, int tensor) {
    const tp_address *a = &p->address[tensor];
    const char *name = short_name(r->plan, tensor);
    box b = box_of(plot, a);
    for (int i = 0; i < r->plan->graph->n_tensors; i++) {
        const tp_address *over = &p->address[i];
        const double left = tp_svg_x(plot, over->first);
        if (in_arena(over) && over->first > a->first &&
            over->first <= a->last && over->offset < a->offset + a->bytes &&
            a->offset < over->offset + over->bytes &&
            left - b.at[0] < b.size[0]) {
            b.size[0] = left - b.at[0];
        }
    }
    if (b.size[0] >= 6.2 * (double)strlen(name) + 8 && b.size[1] >= 15) {
        tp_svg_text(svg, "in",
                    (double[]){b.at[0] + 4, b.at[1] + b.size[1] / 2 + 4}, name);
    }
}

static void draw_border(tp_svg *svg, const tp_svg_plot *plot,
                        const tp_plan *plan, const tp_program *p) {
    const int border = tp_report_border(plan, p);
    if (border == p->n_steps) {
        return;
    }
    const double x = tp_svg_x(plot, border);
    tp_svg_line(svg, "axis", (double[]){x, plot->top - 6},
                (double[]){x, plot->top + plot->height});
    tp_svg_text(svg, "text faint end", (double[]){x - 6, plot->top - 12},
                "forward");
    tp_svg_text(svg, "text faint", (double[]){x + 6, plot->top - 12},
                "backward");
}

/* Where a memory's part of the arena begins, and its name. */
static void draw_regions(tp_svg *svg, const tp_svg_plot *plot,
                         const tp_plan *plan) {
    const double right = plot->left + plot->width;
    for (int i = 0; i < plan->n_regions; i++) {
        const double y = tp_svg_y(plot, plan->region[i].start);
        tp_svg_line(svg, "line s7", (double[]){plot->left, y},
                    (double[]){right, y});
        tp_svg_text(svg, "text end", (double[]){right - 4, y - 5},
                    plan->region[i].name);
    }
}

static const char *draw_map(tp_report *r, const char *title,
                            const tp_program *p) {
    tp_svg svg;
    const double steps = p->n_steps;
    const tp_svg_plot plot = {
        .left = 62,
        .top = 34,
        .width = MAP_WIDTH - 80,
        .height = MAP_HEIGHT - 84,
        .x = {.label = "step",
              .lo = 0,
              .hi = steps,
              .step = p->n_steps > 80   ? 10
                      : p->n_steps > 30 ? 5
                                        : 1},
        .y = tp_svg_axis_of("bytes from the arena's start", 0,
                            p->arena_bytes > 0 ? p->arena_bytes : 1, 6)};
    tp_svg_begin(&svg, r->arena, MAP_WIDTH, MAP_HEIGHT, title);
    tp_svg_frame(&svg, &plot);
    for (int i = 0; i < r->plan->graph->n_tensors; i++) {
        if (in_arena(&p->address[i])) {
            draw_tensor(r, &svg, &plot, p, i);
        }
    }
    for (int i = 0; i < r->plan->graph->n_tensors; i++) {
        if (in_arena(&p->address[i])) {
            draw_name(r, &svg, &plot, p, i);
        }
    }
    draw_border(&svg, &plot, r->plan, p);
    draw_regions(&svg, &plot, r->plan);
    const double top = tp_svg_y(&plot, p->arena_bytes);
    tp_svg_line(&svg, "axis", (double[]){plot.left, top},
                (double[]){plot.left + plot.width, top});
    return tp_svg_end(&svg);
}

static void legend(tp_report *r, const tp_program *p) {
    tp_text_add(&r->out, "<div class=\"key\">");
    for (int k = 0; k < TP_REPORT_KINDS; k++) {
        bool used = false;
        for (int i = 0; i < r->plan->graph->n_tensors && !used; i++) {
            used = in_arena(&p->address[i]) &&
                   (int)tp_report_kind_of(r->plan, p, i) == k;
        }
        if (used) {
            tp_html_element(&r->out, "span", kinds[k].colour, kinds[k].name);
        }
    }
    tp_text_add(&r->out, "</div>\n");
}

static void map(tp_report *r, const char *what, const tp_program *p) {
    tp_html_element(&r->out, "h3", NULL, what);
    legend(r, p);
    const char *svg = draw_map(r, what, p);
    const char *caption = tp_arena_printf(
        r->arena,
        "%d steps, %s bytes; no arrangement needs less than %s bytes, which "
        "live together at step %d. Each rectangle is a tensor: its width is "
        "how long it lives, its height its size; where two overlap, the "
        "later lies over the earlier, in place. Point at one for its name.",
        p->n_steps, tp_text_grouped(r->arena, p->arena_bytes),
        tp_text_grouped(r->arena, p->peak_bytes), p->peak_step);
    if (svg == NULL || caption == NULL) {
        r->out.failed = true;
        return;
    }
    tp_html_figure(&r->out, "map", svg, caption);
}

static void ram_table(tp_report *r) {
    const tp_model *m = &r->plan->model;
    const char *const head[] = {"part", "bytes", "holds", "needed"};
    const char *const rows[][4] = {
        {"arena", tp_text_grouped(r->arena, m->arena_bytes),
         "what one step leaves for another",
         "in training; inference alone takes less"},
        {"arena, inference alone", tp_text_grouped(r->arena, m->infer_bytes),
         "the same", "always"},
        {"adapter", tp_text_grouped(r->arena, m->adapter_bytes),
         "the trained weights", "always"},
        {"training state", tp_text_grouped(r->arena, m->train_bytes),
         tp_state_names[m->state], "in training"},
        {"all", tp_text_grouped(r->arena, tp_report_ram(r->plan)),
         "arena, adapter and training state", ""}};
    tp_html_table(&r->out, "lrww", head);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        tp_html_row(&r->out, "lrww", NULL, rows[i]);
    }
    tp_html_end_table(&r->out);
}

void tp_report_memory(tp_report *r) {
    tp_html_section(&r->out, "memory", "Memory");
    ram_table(r);
    map(r, "The arena during an inference", &r->plan->infer);
    if (r->plan->sample.n_steps > 0) {
        map(r, "The arena while a sample is learned from", &r->plan->sample);
    }
    tp_html_end_section(&r->out);
}

/* --- saved and computed again --------------------------------------------- */

static void list_kind(tp_report *r, tp_report_kind kind, const char *title,
                      const char *none) {
    const tp_program *p = &r->plan->sample;
    const char *const head[] = {"result of", "shape", "bytes", "made in step",
                                "last read in step"};
    bool any = false;
    tp_html_element(&r->out, "h3", NULL, title);
    for (int i = 0; i < r->plan->graph->n_tensors; i++) {
        const tp_address *a = &p->address[i];
        const bool saved = crosses(r->plan, p, a);
        const tp_report_kind is = tp_report_kind_of(r->plan, p, i);
        if (!in_arena(a) || (kind == TP_REPORT_SAVED ? !saved : is != kind)) {
            continue;
        }
        if (!any) {
            tp_html_table(&r->out, "llrrr", head);
            any = true;
        }
        const tp_tensor *t = &r->plan->graph->tensor[i];
        const char *const cell[] = {
            short_name(r->plan, i), tp_text_shape(r->arena, t),
            tp_text_grouped(r->arena, a->bytes),
            tp_text_grouped(r->arena, (uint64_t)a->first),
            tp_text_grouped(r->arena, (uint64_t)a->last)};
        tp_html_row(&r->out, "llrrr", NULL, cell);
    }
    if (any) {
        tp_html_end_table(&r->out);
    } else {
        tp_html_element(&r->out, "p", "soft", none);
    }
}

void tp_report_saved(tp_report *r) {
    tp_html_section(&r->out, "saved", "What backward needs");
    list_kind(r, TP_REPORT_SAVED, "Kept from forward",
              "Nothing is kept: backward reads only what it makes itself.");
    list_kind(r, TP_REPORT_AGAIN, "Computed again",
              "Nothing is computed again: everything that backward reads is "
              "kept.");
    tp_html_end_section(&r->out);
}
