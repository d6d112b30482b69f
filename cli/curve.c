/* The history of a training run as a picture: the loss of every update against
 * the left scale, the score against the right one. */
#include <math.h>

#include "cli/svg.h"
#include "cli/trainer.h"

enum { WIDTH = 720, HEIGHT = 400, MOST_DOTS = 40 };

typedef struct span {
    double lo, hi;
} span;

static void widen(span *s, double value) {
    s->lo = fmin(s->lo, value);
    s->hi = fmax(s->hi, value);
}

static double loss_of(const tp_history *row) {
    return ldexp(row->loss, -16);
}

static const char *score_label(const tp_trainer *t) {
    if (t->session.classes == 0) {
        return t->held > 0 ? "held-back error (MSE)" : "error (MSE)";
    }
    return t->held > 0 ? "held-back accuracy, %" : "accuracy, %";
}

/* Percent end at 100, which a round scale could exceed. */
static tp_svg_axis score_axis(const tp_trainer *t, const span *s) {
    tp_svg_axis axis = tp_svg_axis_of(score_label(t), s->lo, s->hi, 5);
    if (t->session.classes > 0 && axis.hi > 100.0) {
        axis.hi = 100.0;
    }
    return axis;
}

static void draw_loss(tp_svg *svg, const tp_trainer *t,
                      const tp_svg_plot *plot) {
    tp_svg_open_path(svg, "line s0");
    for (size_t i = 0; i < t->rows; i++) {
        tp_svg_point(svg, tp_svg_x(plot, t->history[i].update),
                     tp_svg_y(plot, loss_of(&t->history[i])));
    }
    tp_svg_close_path(svg);
}

/* A dot with its number at each score, unless they would hide the line. */
static void draw_dots(tp_svg *svg, const tp_trainer *t,
                      const tp_svg_plot *plot) {
    size_t scores = 0;
    for (size_t i = 0; i < t->rows; i++) {
        scores += t->history[i].scored ? 1u : 0u;
    }
    for (size_t i = 0; i < t->rows && scores <= MOST_DOTS; i++) {
        const tp_history *row = &t->history[i];
        if (row->scored) {
            const double at[2] = {tp_svg_x(plot, row->update),
                                  tp_svg_y(plot, row->score)};
            const char *tip =
                tp_arena_printf(&t->cli->arena, "update %u: %.6g",
                                (unsigned)row->update, row->score);
            tp_svg_dot(svg, "dot s1", at, 3, tip);
        }
    }
}

/* A line through the scores. What was held back was scored before the first
 * update too. */
static void draw_scores(tp_svg *svg, const tp_trainer *t,
                        const tp_svg_plot *plot) {
    tp_svg_open_path(svg, "line s1");
    if (t->held > 0) {
        const double y = tp_score_number(&t->session, &t->before);
        tp_svg_point(svg, tp_svg_x(plot, 0), tp_svg_y(plot, y));
    }
    for (size_t i = 0; i < t->rows; i++) {
        const tp_history *row = &t->history[i];
        if (row->scored) {
            tp_svg_point(svg, tp_svg_x(plot, row->update),
                         tp_svg_y(plot, row->score));
        }
    }
    tp_svg_close_path(svg);
    draw_dots(svg, t, plot);
}

static void ranges(const tp_trainer *t, span *loss, span *scores) {
    *loss = (span){0, 0}; /* a loss is seen against nothing */
    *scores = (span){INFINITY, -INFINITY};
    if (t->held > 0) {
        widen(scores, tp_score_number(&t->session, &t->before));
    }
    for (size_t i = 0; i < t->rows; i++) {
        widen(loss, loss_of(&t->history[i]));
        if (t->history[i].scored) {
            widen(scores, t->history[i].score);
        }
    }
}

const char *tp_train_curve(tp_trainer *t) {
    span loss;
    span scores;
    ranges(t, &loss, &scores);
    const double last = t->rows > 0 ? t->history[t->rows - 1].update : 1;
    tp_svg_plot left = {.left = 56,
                        .top = 84,
                        .width = WIDTH - 56 - 56,
                        .height = HEIGHT - 84 - 52,
                        .x = tp_svg_axis_of("update", 0, last, 8),
                        .y = tp_svg_axis_of("loss", loss.lo, loss.hi, 5)};
    left.x.hi = last; /* the curve fills its frame */
    tp_svg_plot right = left;
    right.y_right = true;
    tp_svg svg;
    const char *name = tp_file_name(t->cli->options.output);
    const char *title = tp_arena_printf(&t->cli->arena, "Training of %s", name);
    if (title == NULL) {
        return NULL;
    }
    tp_svg_begin(&svg, &t->cli->arena, WIDTH, HEIGHT, title);
    tp_svg_text(&svg, "title", (double[]){24, 28}, title);
    const double next =
        tp_svg_legend(&svg, "line s0", (double[]){24, 52}, "loss");
    tp_svg_frame(&svg, &left);
    draw_loss(&svg, t, &left);
    if (scores.lo <= scores.hi) {
        right.y = score_axis(t, &scores);
        (void)tp_svg_legend(&svg, "line s1", (double[]){24 + next, 52},
                            right.y.label);
        tp_svg_frame(&svg, &right);
        draw_scores(&svg, t, &right);
    }
    return tp_svg_end(&svg);
}
