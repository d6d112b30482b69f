#include "cli/front.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/svg.h"
#include "cli/table.h"

#define FEW_SHOTS 2 /* with no more, the smallest adapter wins */

static const int expected_at[] = {5, 10, 20};

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

/* Which of the three expectations is for this many samples: the largest that
 * does not promise more than they give. */
static int column_of(int64_t shots) {
    return shots < expected_at[1] ? 0 : shots < expected_at[2] ? 1 : 2;
}

static double expected(const tp_front *front, const tp_choice *c) {
    return c->expected[column_of(front->budget.shots)];
}

/* Better to learn with. What is not known is worse than anything known. */
static bool better(const tp_front *front, const tp_choice *a,
                   const tp_choice *b) {
    const double ea = expected(front, a);
    const double eb = expected(front, b);
    if (front->budget.shots > 0 && front->budget.shots <= FEW_SHOTS &&
        a->delta != b->delta) {
        return a->delta < b->delta;
    }
    if (isnan(ea) != isnan(eb)) {
        return isnan(eb);
    }
    if (!isnan(ea) && fabs(ea - eb) > 1e-9) {
        return ea > eb;
    }
    /* Equal: the one that learns better from fewer samples. */
    const double gain = a->expected[0] - b->expected[0];
    if (!isnan(gain) && fabs(gain) > 1e-9) {
        return gain > 0;
    }
    return a->update_cost != b->update_cost ? a->update_cost < b->update_cost
                                            : a->ram < b->ram;
}

const tp_choice *tp_front_pick(const tp_front *front) {
    const tp_choice *best = NULL;
    for (int i = 0; i < front->n; i++) {
        const tp_choice *c = &front->choice[i];
        if (c->fits && (best == NULL || better(front, c, best))) {
            best = c;
        }
    }
    return best;
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
    const int64_t shots = front->budget.shots;
    const double times =
        (double)picked->update_cost / fmax((double)picked->infer_cost, 1);
    if (n == 1) {
        return tp_arena_printf(arena, "%s (%s) is the only plan that fits.",
                               picked->family, tp_state_names[picked->state]);
    }
    if (shots > 0 && shots <= FEW_SHOTS) {
        return tp_arena_printf(
            arena,
            "%s (%s): from %lld %s a class the smallest of "
            "the %d plans that fit learns most safely.",
            picked->family, tp_state_names[picked->state], (long long)shots,
            tp_text_plural((size_t)shots, "sample", "samples"), n);
    }
    if (isnan(expected(front, picked))) {
        return tp_arena_printf(arena,
                               "%s (%s): no accuracy was measured for any of "
                               "the %d plans that fit; an update of this one "
                               "is the cheapest, %.2f inferences.",
                               picked->family, tp_state_names[picked->state], n,
                               times);
    }
    return tp_arena_printf(arena,
                           "%s (%s): of the %d plans that fit it is expected "
                           "to learn best, %.1f %% at %d samples a class; an "
                           "update takes %.2f inferences.",
                           picked->family, tp_state_names[picked->state], n,
                           expected(front, picked),
                           expected_at[column_of(shots)], times);
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

#define COLUMNS 11

static void add_row(const tp_front *front, tp_table *table, const tp_choice *c,
                    bool picked) {
    tp_arena *arena = table->arena;
    const char **row = tp_table_row(table);
    const double value = expected(front, c);
    if (row == NULL) {
        return;
    }
    row[0] = picked ? "*" : "";
    row[1] = c->family;
    row[2] = tp_state_names[c->state];
    row[3] = tp_text_grouped(arena, c->ram);
    row[4] = tp_text_grouped(arena, c->flash);
    row[5] = tp_text_grouped(arena, c->delta);
    row[6] = tp_text_grouped(arena, c->infer_cost);
    row[7] = tp_text_grouped(arena, c->update_cost);
    row[8] = tp_table_text(
        table, "%.2f", (double)c->update_cost / fmax((double)c->infer_cost, 1));
    row[9] = isnan(value) ? "?" : tp_table_text(table, "%.1f", value);
    if (front->samples > 0) {
        row[10] = tp_table_text(table, "%s %u",
                                c->schedule.cut > 0 ? "latent" : "raw",
                                (unsigned)c->sample);
    }
}

/* By RAM, from the smallest. */
static const tp_choice *next_of_front(const tp_front *front,
                                      const tp_choice *after) {
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

void tp_front_print(tp_arena *arena, const tp_front *front,
                    const tp_choice *picked) {
    static const char *const head[COLUMNS] = {
        "",      "adapter", "state",   "RAM", "flash", "delta",
        "infer", "update",  "x infer", NULL,  NULL};
    tp_table table = {
        .arena = arena, .columns = COLUMNS, .align = "lllrrrrrrrr"};
    const char **row = tp_table_row(&table);
    for (int i = 0; row != NULL && i < COLUMNS - 2; i++) {
        row[i] = head[i];
    }
    if (row != NULL) {
        row[COLUMNS - 2] = tp_table_text(
            &table, "%% at %d", expected_at[column_of(front->budget.shots)]);
        row[COLUMNS - 1] = front->samples > 0 ? "a sample" : "";
    }
    for (const tp_choice *c = next_of_front(front, NULL); c != NULL;
         c = next_of_front(front, c)) {
        add_row(front, &table, c, c == picked);
    }
    if (picked != NULL && !picked->on_front) {
        add_row(front, &table, picked, true);
    }
    tp_table_print(&table);
}

/* --- JSON ----------------------------------------------------------------- */

static void add_expected(cJSON *to, const tp_choice *c) {
    cJSON *list = cJSON_AddObjectToObject(to, "expected_accuracy");
    for (int i = 0; i < 3; i++) {
        char key[16];
        (void)snprintf(key, sizeof key, "%d", expected_at[i]);
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

static void draw_choice(tp_arena *arena, tp_svg *svg, const tp_svg_plot *plot,
                        const tp_choice *c, bool picked) {
    const double at[2] = {tp_svg_x(plot, c->ram),
                          tp_svg_y(plot, (double)c->update_cost / 1e6)};
    const char *tip = tp_arena_printf(
        arena, "%s, %s: RAM %s, update %s, delta %s%s", c->family,
        tp_state_names[c->state], tp_text_grouped(arena, c->ram),
        tp_text_grouped(arena, c->update_cost),
        tp_text_grouped(arena, c->delta), c->fits ? "" : "; does not fit");
    tp_svg_dot(svg, c->fits ? "dot s0" : "dot s6", at,
               picked        ? 9
               : c->on_front ? 5
                             : 3,
               tip);
    if (picked) {
        tp_svg_text(svg, "text", (double[]){at[0] + 13, at[1] - 8}, c->family);
    }
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
    const tp_choice *next = next_of_front(front, c);
    while (next != NULL &&
           (next->state != c->state || strcmp(next->family, c->family) != 0)) {
        next = next_of_front(front, next);
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
    at[0] += tp_svg_legend(&svg, "line s6", at, "over a budget");
    if (front->budget.ram > 0) {
        (void)tp_svg_legend(&svg, "line s1", at, "RAM that there is");
    }
    draw_budget(front, &svg, &plot);
    for (const tp_choice *c = next_of_front(front, NULL); c != NULL;
         c = next_of_front(front, c)) {
        draw_line(front, &svg, &plot, c);
    }
    for (int i = 0; i < front->n; i++) {
        draw_choice(arena, &svg, &plot, &front->choice[i],
                    &front->choice[i] == picked);
    }
    return tp_svg_end(&svg);
}
