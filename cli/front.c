#include "cli/front.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/svg.h"
#include "cli/table.h"

tp_status tp_budget_update(tp_budget *budget, const char *text, tp_diag *diag) {
    char *end = NULL;
    const double value = strtod(text, &end);
    const bool times = *end == 'x';
    if (end == text || end[times ? 1 : 0] != '\0' || !isfinite(value) ||
        value <= 0) {
        return tp_error(diag, TP_ERR_ARGUMENT,
                        "--update-cost %s: must be instructions, such as "
                        "20000000, or a multiple of an inference, such as 3x",
                        text);
    }
    budget->update = times ? 0 : value;
    budget->update_times = times ? value : 0;
    return TP_OK;
}

/* --- picking -------------------------------------------------------------- */

static double expected(const tp_front *front, const tp_choice *c) {
    return tp_choice_expects(c, front->budget.shots);
}

const tp_choice *tp_front_pick(const tp_front *front) {
    return tp_choice_prefer(front->choice, front->n, front->budget.shots);
}

static double over(double value, double limit) {
    return limit > 0 ? value / limit : 0;
}

/* The largest share of any budget: above 1 where one is exceeded. */
static double excess(const tp_front *front, const tp_choice *c) {
    const tp_budget *b = &front->budget;
    const double update = (double)c->update_cost;
    const double times = update / fmax((double)c->infer_cost, 1);
    return fmax(
        fmax(over(c->ram, (double)b->ram), over(c->flash, (double)b->flash)),
        fmax(over(c->delta, (double)b->delta),
             fmax(over(update, b->update), over(times, b->update_times))));
}

void tp_front_judge(const tp_front *front, tp_choice *choice) {
    for (int i = 0; i < front->n; i++) {
        choice[i].fits = excess(front, &choice[i]) <= 1;
    }
}

const tp_choice *tp_front_nearest(const tp_front *front) {
    const tp_choice *best = NULL;
    for (int i = 0; i < front->n; i++) {
        const tp_choice *c = &front->choice[i];
        if (best == NULL || excess(front, c) < excess(front, best)) {
            best = c;
        }
    }
    return best;
}

/* --- texts ---------------------------------------------------------------- */

static int fitting(const tp_front *front) {
    int n = 0;
    for (int i = 0; i < front->n; i++) {
        n += front->choice[i].fits;
    }
    return n;
}

const char *tp_front_reason(tp_arena *arena, const tp_front *front,
                            const tp_choice *picked) {
    const int n = fitting(front);
    const int at = tp_shots_known(front->budget.shots);
    const double times =
        (double)picked->update_cost / fmax((double)picked->infer_cost, 1);
    if (n == 1) {
        return tp_arena_printf(arena, "%s (%s) is the only plan that fits.",
                               picked->family, tp_state_names[picked->state]);
    }
    if (isnan(expected(front, picked))) {
        return tp_arena_printf(arena,
                               "%s (%s): no accuracy was measured for any of "
                               "the %d plans that fit; this one is the "
                               "smallest, its update takes %.2f inferences.",
                               picked->family, tp_state_names[picked->state], n,
                               times);
    }
    return tp_arena_printf(arena,
                           "%s (%s): of the %d plans that fit it is the "
                           "smallest within a point of the best, expected "
                           "%.1f %% at %d %s a class; an update takes %.2f "
                           "inferences.",
                           picked->family, tp_state_names[picked->state], n,
                           expected(front, picked), at,
                           tp_text_plural((size_t)at, "sample", "samples"),
                           times);
}

static const char *add_excess(tp_arena *arena, const char *text,
                              const char *what, double value, double limit) {
    if (text == NULL || limit <= 0 || value <= limit) {
        return text;
    }
    return tp_arena_printf(arena, "%s%s%s %s of %s", text,
                           text[0] != '\0' ? ", " : "", what,
                           tp_text_grouped(arena, (uint64_t)ceil(value)),
                           tp_text_grouped(arena, (uint64_t)limit));
}

const char *tp_front_excess(tp_arena *arena, const tp_front *front,
                            const tp_choice *c) {
    const tp_budget *b = &front->budget;
    const double allowed = b->update_times > 0
                               ? b->update_times * (double)c->infer_cost
                               : b->update;
    const char *text = add_excess(arena, "", "RAM", c->ram, (double)b->ram);
    text = add_excess(arena, text, "flash", c->flash, (double)b->flash);
    text = add_excess(arena, text, "delta", c->delta, (double)b->delta);
    return add_excess(arena, text, "instructions of an update",
                      (double)c->update_cost, allowed);
}

/* --- table ---------------------------------------------------------------- */

void tp_front_head(tp_arena *arena, const tp_front *front,
                   const char *cell[TP_FRONT_CELLS]) {
    static const char *const head[8] = {"adapter", "state",  "RAM",
                                        "flash",   "delta",  "infer",
                                        "update",  "x infer"};
    memcpy(cell, head, sizeof head);
    cell[8] =
        tp_arena_printf(arena, "%% at %d", tp_shots_known(front->budget.shots));
    cell[9] = "a sample";
}

void tp_front_cells(tp_arena *arena, const tp_front *front, const tp_choice *c,
                    const char *cell[TP_FRONT_CELLS]) {
    const double value = expected(front, c);
    cell[0] = c->family;
    cell[1] = tp_state_names[c->state];
    cell[2] = tp_text_grouped(arena, c->ram);
    cell[3] = tp_text_grouped(arena, c->flash);
    cell[4] = tp_text_grouped(arena, c->delta);
    cell[5] = tp_text_grouped(arena, c->infer_cost);
    cell[6] = tp_text_grouped(arena, c->update_cost);
    cell[7] = tp_arena_printf(
        arena, "%.2f", (double)c->update_cost / fmax((double)c->infer_cost, 1));
    cell[8] = isnan(value) ? "?" : tp_arena_printf(arena, "%.1f", value);
    cell[9] =
        tp_arena_printf(arena, "%s %u", c->schedule.cut > 0 ? "latent" : "raw",
                        (unsigned)c->sample);
}

int tp_front_columns(const tp_front *front) {
    return TP_FRONT_CELLS - (front->samples > 0 ? 0 : 1);
}

const tp_choice *tp_front_next(const tp_front *front, const tp_choice *after) {
    const tp_choice *next = NULL;
    for (int i = 0; i < front->n; i++) {
        const tp_choice *c = &front->choice[i];
        const bool later = after == NULL || c->ram > after->ram ||
                           (c->ram == after->ram && c > after);
        if (c->on_front && later && (next == NULL || c->ram < next->ram)) {
            next = c;
        }
    }
    return next;
}

/* The first column marks the one that is picked; the last of the cells may have
 * no column. */
static void add_row(tp_table *table, const char *mark,
                    const char *cell[TP_FRONT_CELLS]) {
    const char **row = tp_table_row(table);
    for (int i = 0; row != NULL && i < table->columns; i++) {
        row[i] = i == 0 ? mark : cell[i - 1];
    }
}

static void add_choice(const tp_front *front, tp_table *table,
                       const tp_choice *c, bool picked) {
    const char *cell[TP_FRONT_CELLS];
    tp_front_cells(table->arena, front, c, cell);
    add_row(table, picked ? "*" : "", cell);
}

void tp_front_print(tp_arena *arena, const tp_front *front,
                    const tp_choice *picked) {
    tp_table table = {.arena = arena,
                      .columns = 1 + tp_front_columns(front),
                      .align = "lllrrrrrrrr"};
    const char *head[TP_FRONT_CELLS];
    tp_front_head(arena, front, head);
    add_row(&table, "", head);
    for (const tp_choice *c = tp_front_next(front, NULL); c != NULL;
         c = tp_front_next(front, c)) {
        add_choice(front, &table, c, c == picked);
    }
    if (picked != NULL && !picked->on_front) {
        add_choice(front, &table, picked, true);
    }
    tp_table_print(&table);
}

/* --- JSON ----------------------------------------------------------------- */

static void add_expected(cJSON *to, const tp_choice *c) {
    cJSON *list = cJSON_AddObjectToObject(to, "expected_accuracy");
    for (int i = 0; i < TP_SHOTS; i++) {
        char key[16];
        (void)snprintf(key, sizeof key, "%d", tp_shots[i]);
        if (isnan(c->expected[i])) {
            (void)cJSON_AddNullToObject(list, key);
        } else {
            tp_json_add_float(list, key, c->expected[i]);
        }
    }
}

static cJSON *choice_json(const tp_choice *c, bool picked) {
    const struct {
        const char *key;
        double value;
    } numbers[] = {{"ram", c->ram},
                   {"arena", c->arena},
                   {"infer_arena", c->infer_arena},
                   {"adapter", c->adapter},
                   {"train", c->train},
                   {"sample_bytes", c->sample},
                   {"flash", c->flash},
                   {"delta", c->delta},
                   {"infer_cost", (double)c->infer_cost},
                   {"update_cost", (double)c->update_cost},
                   {"saved", c->n_saved},
                   {"recomputed", c->n_recomputed}};
    cJSON *to = cJSON_CreateObject();
    (void)cJSON_AddStringToObject(to, "family", c->family);
    (void)cJSON_AddItemToObject(to, "adapter_specs",
                                cJSON_CreateStringArray(c->spec, c->n_specs));
    (void)cJSON_AddStringToObject(to, "state", tp_state_names[c->state]);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        (void)cJSON_AddNumberToObject(to, numbers[i].key, numbers[i].value);
    }
    (void)cJSON_AddBoolToObject(to, "latent", c->schedule.cut > 0);
    add_expected(to, c);
    (void)cJSON_AddBoolToObject(to, "on_front", c->on_front);
    (void)cJSON_AddBoolToObject(to, "fits", c->fits);
    (void)cJSON_AddBoolToObject(to, "picked", picked);
    return to;
}

cJSON *tp_front_json(const tp_front *front, const tp_choice *picked) {
    cJSON *list = cJSON_CreateArray();
    for (int i = 0; i < front->n; i++) {
        const tp_choice *c = &front->choice[i];
        (void)cJSON_AddItemToArray(list, choice_json(c, c == picked));
    }
    return list;
}

/* --- picture -------------------------------------------------------------- */

#define WIDTH 760
#define HEIGHT 440

static tp_svg_plot plot_of(const tp_front *front) {
    double ram[2] = {HUGE_VAL, 0};
    double update[2] = {HUGE_VAL, 0};
    for (int i = 0; i < front->n; i++) {
        const double x = front->choice[i].ram;
        const double y = (double)front->choice[i].update_cost / 1e6;
        ram[0] = fmin(ram[0], x);
        ram[1] = fmax(ram[1], x);
        update[0] = fmin(update[0], y);
        update[1] = fmax(update[1], y);
    }
    if (front->budget.ram > 0) {
        ram[1] = fmax(ram[1], (double)front->budget.ram);
    }
    return (tp_svg_plot){.left = 64,
                         .top = 56,
                         .width = WIDTH - 90,
                         .height = HEIGHT - 112,
                         .x = tp_svg_axis_of("RAM, bytes", ram[0], ram[1], 7),
                         .y = tp_svg_axis_of("million instructions an update",
                                             update[0], update[1], 6)};
}

static void draw_dot(tp_arena *arena, tp_svg *svg, const tp_svg_plot *plot,
                     const tp_choice *c, const char *class, double r) {
    const char *tip = tp_arena_printf(
        arena, "%s, %s: RAM %s, update %s, delta %s%s", c->family,
        tp_state_names[c->state], tp_text_grouped(arena, c->ram),
        tp_text_grouped(arena, c->update_cost),
        tp_text_grouped(arena, c->delta), c->fits ? "" : "; does not fit");
    tp_svg_dot(svg, class,
               (double[]){tp_svg_x(plot, c->ram),
                          tp_svg_y(plot, (double)c->update_cost / 1e6)},
               r, tip);
}

/* With its name, which stands to the left where the right has no room. */
static void draw_picked(tp_arena *arena, tp_svg *svg, const tp_svg_plot *plot,
                        const tp_choice *c) {
    const double x = tp_svg_x(plot, c->ram);
    const double y = tp_svg_y(plot, (double)c->update_cost / 1e6);
    const bool left = x > plot->left + 0.75 * plot->width;
    draw_dot(arena, svg, plot, c, "dot s3", 9);
    tp_svg_text(svg, left ? "title halo end" : "title halo",
                (double[]){left ? x - 13 : x + 13, y - 8}, c->family);
}

static void draw_budget(const tp_front *front, tp_svg *svg,
                        const tp_svg_plot *plot) {
    if (front->budget.ram > 0) {
        const double x = tp_svg_x(plot, (double)front->budget.ram);
        tp_svg_line(svg, "line s1", (double[]){x, plot->top},
                    (double[]){x, plot->top + plot->height});
    }
}

/* To the next of the same adapters and state: only its schedule differs. */
static void draw_line(const tp_front *front, tp_svg *svg,
                      const tp_svg_plot *plot, const tp_choice *c) {
    const tp_choice *next = tp_front_next(front, c);
    while (next != NULL &&
           (next->state != c->state || strcmp(next->family, c->family) != 0)) {
        next = tp_front_next(front, next);
    }
    if (next != NULL) {
        tp_svg_line(
            svg, c->fits && next->fits ? "line s0" : "line s6",
            (double[]){tp_svg_x(plot, c->ram),
                       tp_svg_y(plot, (double)c->update_cost / 1e6)},
            (double[]){tp_svg_x(plot, next->ram),
                       tp_svg_y(plot, (double)next->update_cost / 1e6)});
    }
}

const char *tp_front_svg(tp_arena *arena, const tp_front *front,
                         const tp_choice *picked) {
    tp_svg svg;
    const tp_svg_plot plot = plot_of(front);
    double at[2] = {plot.left, 18};
    tp_svg_begin(&svg, arena, WIDTH, HEIGHT,
                 "RAM against instructions of an update");
    tp_svg_frame(&svg, &plot);
    at[0] += tp_svg_legend(&svg, "line s0", at,
                           "nothing beats these; a line an adapter");
    if (fitting(front) < front->n) {
        at[0] += tp_svg_legend(&svg, "line s6", at, "over a budget");
    }
    if (front->budget.ram > 0) {
        (void)tp_svg_legend(&svg, "line s1", at, "RAM that there is");
    }
    draw_budget(front, &svg, &plot);
    for (const tp_choice *c = tp_front_next(front, NULL); c != NULL;
         c = tp_front_next(front, c)) {
        draw_line(front, &svg, &plot, c);
    }
    for (int i = 0; i < front->n; i++) {
        const tp_choice *c = &front->choice[i];
        if (c != picked) {
            draw_dot(arena, &svg, &plot, c, c->fits ? "dot s0" : "dot s6",
                     c->on_front ? 5 : 3);
        }
    }
    if (picked != NULL) {
        draw_picked(arena, &svg, &plot, picked);
    }
    return tp_svg_end(&svg);
}
