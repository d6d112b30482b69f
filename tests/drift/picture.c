/* How often is an alarm in vain, and how soon is a true one: a line for each
 * row, a point for each threshold, a dot at the one that is used. */
#include <math.h>
#include <stdlib.h>

#include "cli/svg.h"
#include "tests/drift/drift.h"

enum { WIDTH = 720, HEIGHT = 450, MOST_ROWS = 8, MOST_DELAY = 30 };
#define LEAST_RATE 0.05 /* where lines end on the left: too few to count */
#define MOST_RATE 1000.0

static void draw(tp_svg *svg, const tp_svg_plot *plot, const tp_dr_row *row,
                 const tp_dr_tally *sum, int colour) {
    char class[16];
    (void)snprintf(class, sizeof class, "line s%d", colour);
    tp_svg_open_path(svg, class);
    for (int i = TP_DR_LEVELS - 1; i >= 0; i--) {
        const double rate = tp_dr_false(sum, i);
        if (rate >= LEAST_RATE && rate <= MOST_RATE &&
            tp_dr_quantile(sum, i, 0.5) <= MOST_DELAY) {
            tp_svg_point(svg, tp_svg_x(plot, rate),
                         tp_svg_y(plot, tp_dr_quantile(sum, i, 0.5)));
        }
    }
    tp_svg_close_path(svg);
    char tip[96];
    const double rate = tp_dr_false(sum, TP_DR_MIDDLE);
    const double at[2] = {
        tp_svg_x(plot, fmax(rate, LEAST_RATE)),
        tp_svg_y(plot, tp_dr_quantile(sum, TP_DR_MIDDLE, 0.5))};
    (void)snprintf(tip, sizeof tip, "%s: %.2f false alarms, %.1f %% found",
                   row->name, rate, tp_dr_found(sum, TP_DR_MIDDLE, TP_DR_SOON));
    (void)snprintf(class, sizeof class, "dot s%d", colour);
    tp_svg_dot(svg, class, at, 5, tip);
}

static bool write(const char *path, const char *text) {
    FILE *file = text != NULL ? fopen(path, "w") : NULL;
    bool ok = file != NULL && fputs(text, file) >= 0;
    return file != NULL && fclose(file) == 0 && ok;
}

bool tp_dr_picture(const tp_dr_row *row, int rows, const char *path) {
    tp_arena arena = {0};
    tp_svg svg;
    const tp_svg_plot plot = {
        .left = 64,
        .top = 114,
        .width = WIDTH - 64 - 24,
        .height = HEIGHT - 114 - 52,
        .x = tp_svg_axis_log("false alarms in 100,000 samples", LEAST_RATE,
                             MOST_RATE),
        .y = tp_svg_axis_of("samples until half of the changes are found", 0,
                            MOST_DELAY, 6)};
    double x = 24;
    tp_svg_begin(&svg, &arena, WIDTH, HEIGHT, "Drift: false alarms and delay");
    tp_svg_text(&svg, "title", (double[]){24, 28},
                "Drift: false alarms and delay");
    tp_svg_text(&svg, "text faint", (double[]){24, 48},
                "A line: all thresholds. A dot: the one that is used; at the "
                "left edge where it gave no false alarm.");
    tp_svg_frame(&svg, &plot);
    for (int i = 0; i < rows && i < MOST_ROWS; i++) {
        tp_dr_tally *sum = row[i].cells > 0 ? tp_dr_sum(&row[i]) : NULL;
        char class[16];
        (void)snprintf(class, sizeof class, "line s%d", i);
        if (sum != NULL) {
            x += tp_svg_legend(&svg, class, (double[]){x, 72}, row[i].name);
            draw(&svg, &plot, &row[i], sum, i);
        }
        free(sum);
    }
    const bool ok = write(path, tp_svg_end(&svg));
    tp_arena_free(&arena);
    return ok;
}
