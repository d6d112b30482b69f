/* Pictures as SVG text: a page with a style that suits light and dark, shapes
 * by class, and a plot's frame with its scales. A picture is complete in
 * itself: no script, no font, nothing from outside, so it also stands inside
 * an HTML file.
 *
 *     tp_svg_begin(&svg, arena, 640, 360, "loss over updates");
 *     tp_svg_frame(&svg, &plot);
 *     tp_svg_open_path(&svg, "line s0");
 *     for each point: tp_svg_point(&svg, tp_svg_x(&plot, x), ...);
 *     tp_svg_close_path(&svg);
 *     text = tp_svg_end(&svg);
 *
 * Classes: `line` (a stroke without a filling), `dot`, `area` (a filling), each
 * with a colour s0 .. s7; `text` (small), `title`, `faint` (grey text or
 * line), `halo` (a text that stands out from what lies under it), `end` and
 * `middle` (how a text is aligned), `up` (turned left). */
#ifndef TP_CLI_SVG_H
#define TP_CLI_SVG_H

#include <stdbool.h>

#include "compiler/text_buffer.h"

#define TP_SVG_COLOURS 8

typedef struct tp_svg {
    tp_text out;
    int points; /* of the open path */
} tp_svg;

/* One scale: the data from `lo` to `hi` lie along it, a tick at every multiple
 * of `step`; where `log` is set at 1, 2 and 5 times the powers of ten. */
typedef struct tp_svg_axis {
    const char *label; /* what, and its unit */
    double lo, hi;     /* lo < hi; 0 < lo where log */
    double step;
    bool log;
} tp_svg_axis;

/* A plot's frame in the picture, in pixels. */
typedef struct tp_svg_plot {
    double left, top, width, height;
    tp_svg_axis x, y;
    bool y_right; /* ticks and label of y stand on the right, without grid */
} tp_svg_plot;

/*   title  for screen readers, and as a tooltip */
void tp_svg_begin(tp_svg *svg, tp_arena *arena, int width, int height,
                  const char *title);
/* The text; NULL: out of memory. */
const char *tp_svg_end(tp_svg *svg);

/* --- shapes; `class` as above --------------------------------------------- */

void tp_svg_line(tp_svg *svg, const char *class, const double from[2],
                 const double to[2]);
/*   size  width and height
 *   tip   shown where the pointer rests; NULL: none */
void tp_svg_rect(tp_svg *svg, const char *class, const double at[2],
                 const double size[2], const char *tip);
void tp_svg_dot(tp_svg *svg, const char *class, const double at[2], double r,
                const char *tip);
/* Any text; what XML reserves is escaped. */
void tp_svg_text(tp_svg *svg, const char *class, const double at[2],
                 const char *text);

/* A polygonal line, point by point. */
void tp_svg_open_path(tp_svg *svg, const char *class);
void tp_svg_point(tp_svg *svg, double x, double y);
void tp_svg_close_path(tp_svg *svg);

/* --- plots ---------------------------------------------------------------- */

/* A scale for data from lo to hi with about `ticks` round ticks: it begins and
 * ends on one. lo = hi is widened. */
tp_svg_axis tp_svg_axis_of(const char *label, double lo, double hi, int ticks);
/* The same in powers of ten, 0 < lo. */
tp_svg_axis tp_svg_axis_log(const char *label, double lo, double hi);

/* Grid, ticks, numbers and labels. */
void tp_svg_frame(tp_svg *svg, const tp_svg_plot *plot);

/* Where a value lies in the picture. */
double tp_svg_x(const tp_svg_plot *plot, double value);
double tp_svg_y(const tp_svg_plot *plot, double value);

/* A line of a legend, at `at`: a stroke of the class's colour and its name.
 * Returns how wide it is, about. */
double tp_svg_legend(tp_svg *svg, const char *class, const double at[2],
                     const char *name);

#endif
