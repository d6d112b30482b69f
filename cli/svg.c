#include "cli/svg.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Colours that differ in lightness too, after Okabe and Ito 2008, for eyes that
 * do not tell red from green; lighter where the page is dark. */
static const char style[] =
    "<style>\n"
    ".bg{fill:#fff}.text,.title{font:12px system-ui,sans-serif;fill:#1f2328}"
    ".title{font-size:14px;font-weight:600}\n"
    ".grid{stroke:#d8dee4;stroke-width:1}.axis{stroke:#59636e;stroke-width:1}"
    ".text.faint{fill:#59636e}.line.faint{stroke:#8c959f}\n"
    ".halo{paint-order:stroke;stroke:#fff;stroke-width:4px;"
    "stroke-linejoin:round}.end{text-anchor:end}.middle{text-anchor:middle}"
    ".line{fill:none;stroke-width:2;stroke-linejoin:round}\n"
    ".s0{--c:#0072b2}.s1{--c:#c2571a}.s2{--c:#00795a}.s3{--c:#8f4a80}"
    ".s4{--c:#946c00}.s5{--c:#2f86b8}.s6{--c:#6b7280}.s7{--c:#b3261e}\n"
    "@media(prefers-color-scheme:dark){.bg{fill:#0d1117}.halo{stroke:#0d1117}"
    ".text,.title{fill:#e6edf3}.grid{stroke:#2a313c}.axis{stroke:#9198a1}"
    ".text.faint{fill:#9198a1}.line.faint{stroke:#6e7681}\n"
    ".s0{--c:#58a6dd}.s1{--c:#f0883e}.s2{--c:#3fbf8f}.s3{--c:#d191c0}"
    ".s4{--c:#e3b341}.s5{--c:#9ad1f5}.s6{--c:#a3adb8}.s7{--c:#ff7b72}}\n"
    ".line[class*=' s']{stroke:var(--c)}"
    ".dot[class*=' s'],.area[class*=' s']{fill:var(--c)}\n"
    "</style>\n";

static void escaped(tp_text *out, const char *text) {
    for (; *text != '\0'; text++) {
        const unsigned char c = (unsigned char)*text;
        if (strchr("<>&\"", c) != NULL) {
            tp_text_add(out, "&#%d;", c);
        } else if (c >= ' ') { /* XML has no control characters */
            tp_text_add(out, "%c", c);
        }
    }
}

void tp_svg_begin(tp_svg *svg, tp_arena *arena, int width, int height,
                  const char *title) {
    *svg = (tp_svg){.out = {.arena = arena}};
    tp_text_add(&svg->out,
                "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d "
                "%d\" width=\"%d\" height=\"%d\" role=\"img\">\n<title>",
                width, height, width, height);
    escaped(&svg->out, title);
    tp_text_add(&svg->out,
                "</title>\n%s<rect class=\"bg\" width=\"100%%\" "
                "height=\"100%%\"/>\n",
                style);
}

const char *tp_svg_end(tp_svg *svg) {
    tp_text_add(&svg->out, "</svg>\n");
    return tp_text_done(&svg->out);
}

/* --- shapes --------------------------------------------------------------- */

void tp_svg_line(tp_svg *svg, const char *class, const double from[2],
                 const double to[2]) {
    tp_text_add(&svg->out,
                "<line class=\"%s\" x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" "
                "y2=\"%.1f\"/>\n",
                class, from[0], from[1], to[0], to[1]);
}

/* The end of a shape's tag, with its tip. */
static void close_shape(tp_svg *svg, const char *name, const char *tip) {
    if (tip == NULL) {
        tp_text_add(&svg->out, "/>\n");
        return;
    }
    tp_text_add(&svg->out, "><title>");
    escaped(&svg->out, tip);
    tp_text_add(&svg->out, "</title></%s>\n", name);
}

void tp_svg_rect(tp_svg *svg, const char *class, const double at[2],
                 const double size[2], const char *tip) {
    tp_text_add(&svg->out,
                "<rect class=\"%s\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" "
                "height=\"%.1f\"",
                class, at[0], at[1], size[0], size[1]);
    close_shape(svg, "rect", tip);
}

void tp_svg_dot(tp_svg *svg, const char *class, const double at[2], double r,
                const char *tip) {
    tp_text_add(&svg->out,
                "<circle class=\"%s\" cx=\"%.1f\" cy=\"%.1f\" r=\"%.1f\"",
                class, at[0], at[1], r);
    close_shape(svg, "circle", tip);
}

void tp_svg_text(tp_svg *svg, const char *class, const double at[2],
                 const char *text) {
    tp_text_add(&svg->out, "<text class=\"%s\" x=\"%.1f\" y=\"%.1f\">", class,
                at[0], at[1]);
    escaped(&svg->out, text);
    tp_text_add(&svg->out, "</text>\n");
}

void tp_svg_open_path(tp_svg *svg, const char *class) {
    tp_text_add(&svg->out, "<polyline class=\"%s\" points=\"", class);
    svg->points = 0;
}

void tp_svg_point(tp_svg *svg, double x, double y) {
    const char *between = svg->points % 8 == 0 ? "\n" : " ";
    tp_text_add(&svg->out, "%s%.1f,%.1f", svg->points > 0 ? between : "", x, y);
    svg->points++;
}

void tp_svg_close_path(tp_svg *svg) {
    tp_text_add(&svg->out, "\"/>\n");
}

/* --- plots ---------------------------------------------------------------- */

/* The largest of 1, 2, 5 times a power of ten that is not above x > 0. */
static double round_step(double x) {
    const double power = pow(10.0, floor(log10(x)));
    const double digit = x / power;
    return power * (digit >= 5.0 ? 5.0 : (digit >= 2.0 ? 2.0 : 1.0));
}

tp_svg_axis tp_svg_axis_of(const char *label, double lo, double hi, int ticks) {
    if (!(hi > lo)) {
        const double some = fabs(lo) > 0.0 ? fabs(lo) * 0.5 : 1.0;
        hi = lo + some;
        lo -= some;
    }
    const double step = round_step(1.999 * (hi - lo) / ticks);
    return (tp_svg_axis){.label = label,
                         .lo = floor(lo / step + 1e-9) * step,
                         .hi = ceil(hi / step - 1e-9) * step,
                         .step = step};
}

tp_svg_axis tp_svg_axis_log(const char *label, double lo, double hi) {
    tp_svg_axis axis = {.label = label, .log = true};
    axis.lo = round_step(lo);
    axis.hi = round_step(hi);
    while (axis.hi < hi || !(axis.hi > axis.lo)) {
        axis.hi = round_step(axis.hi * 2.51); /* the next of 1, 2, 5 */
    }
    return axis;
}

/* Where a value lies on the scale: 0 at lo, 1 at hi. */
static double along(const tp_svg_axis *axis, double value) {
    return axis->log ? log(value / axis->lo) / log(axis->hi / axis->lo)
                     : (value - axis->lo) / (axis->hi - axis->lo);
}

double tp_svg_x(const tp_svg_plot *plot, double value) {
    return plot->left + plot->width * along(&plot->x, value);
}

double tp_svg_y(const tp_svg_plot *plot, double value) {
    return plot->top + plot->height * (1.0 - along(&plot->y, value));
}

static double next_tick(const tp_svg_axis *axis, double tick) {
    return axis->log ? round_step(tick * 2.51) : tick + axis->step;
}

/* 1500 as "1500", 25000 as "25k", 0.25 as "0.25". */
static void number(char text[24], double v) {
    const double size = fabs(v);
    if (size >= 9999.5e3) {
        (void)snprintf(text, 24, "%.6gM", v / 1e6);
    } else if (size >= 9999.5) {
        (void)snprintf(text, 24, "%.6gk", v / 1e3);
    } else {
        (void)snprintf(text, 24, "%.6g", size < 1e-12 ? 0.0 : v);
    }
}

static void tick_x(tp_svg *svg, const tp_svg_plot *plot, double tick) {
    char text[24];
    const double x = tp_svg_x(plot, tick);
    const double bottom = plot->top + plot->height;
    number(text, tick);
    tp_svg_line(svg, "grid", (double[]){x, plot->top}, (double[]){x, bottom});
    tp_svg_text(svg, "text faint middle", (double[]){x, bottom + 17}, text);
}

static void tick_y(tp_svg *svg, const tp_svg_plot *plot, double tick) {
    char text[24];
    const double y = tp_svg_y(plot, tick);
    const double right = plot->left + plot->width;
    number(text, tick);
    if (plot->y_right) {
        tp_svg_text(svg, "text faint", (double[]){right + 8, y + 4}, text);
        return;
    }
    tp_svg_line(svg, "grid", (double[]){plot->left, y}, (double[]){right, y});
    tp_svg_text(svg, "text faint end", (double[]){plot->left - 8, y + 4}, text);
}

/* Labels: that of x below its numbers, that of y above its side's corner. */
static void labels(tp_svg *svg, const tp_svg_plot *plot) {
    const double right = plot->left + plot->width;
    const double bottom = plot->top + plot->height;
    const double y_at[2] = {plot->y_right ? right : plot->left, plot->top - 12};
    if (!plot->y_right) {
        tp_svg_line(svg, "axis", (double[]){plot->left, bottom},
                    (double[]){right, bottom});
        tp_svg_text(svg, "text middle",
                    (double[]){plot->left + plot->width / 2, bottom + 36},
                    plot->x.label);
    }
    tp_svg_text(svg, plot->y_right ? "text end" : "text", y_at, plot->y.label);
}

void tp_svg_frame(tp_svg *svg, const tp_svg_plot *plot) {
    const tp_svg_axis *x = &plot->x;
    const tp_svg_axis *y = &plot->y;
    const double slack = 1.0 + 1e-9;
    double t = x->lo;
    while (!plot->y_right && along(x, t) <= slack) {
        tick_x(svg, plot, t);
        t = next_tick(x, t);
    }
    t = y->lo;
    while (along(y, t) <= slack) {
        tick_y(svg, plot, t);
        t = next_tick(y, t);
    }
    labels(svg, plot);
}

double tp_svg_legend(tp_svg *svg, const char *class, const double at[2],
                     const char *name) {
    tp_text_add(&svg->out, "<g>");
    tp_svg_line(svg, class, (double[]){at[0], at[1] - 4},
                (double[]){at[0] + 18, at[1] - 4});
    tp_svg_text(svg, "text", (double[]){at[0] + 24, at[1]}, name);
    tp_text_add(&svg->out, "</g>\n");
    return 24.0 + 7.0 * (double)strlen(name) + 18.0;
}
