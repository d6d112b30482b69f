#include "compiler/ops/overlap.h"

/* Places along an axis of the input that one place of the output is made of;
 * none: last < first. */
typedef struct span {
    int32_t first, last;
} span;

/* The input's place that tap t of the output's place o reads, or -1. */
static int32_t tap(const tp_map_axis *a, bool backward, int32_t o, int32_t t) {
    if (!backward) {
        const int32_t i = o * a->stride - a->before + t * a->dilation;
        return i < a->x ? i : -1;
    }
    const int32_t i = o + a->before - t * a->dilation;
    const bool on = i >= 0 && i % a->stride == 0 && i / a->stride < a->y;
    return on ? i / a->stride : -1;
}

static span reach(const tp_map_axis *a, bool backward, int32_t o) {
    span s = {INT32_MAX, -1};
    for (int32_t t = 0; t < a->k; t++) {
        const int32_t i = tap(a, backward, o, t);
        if (i >= 0) {
            s.first = i < s.first ? i : s.first;
            s.last = i > s.last ? i : s.last;
        }
    }
    return s;
}

/* The map as the kernel sees it: from the input to the output. */
typedef struct view {
    const tp_map *map;
    int32_t rows, cols;       /* of the output */
    int32_t in_rows, in_cols; /* of the input */
    int64_t out_bytes, in_bytes;
} view;

static view view_of(const tp_map *m) {
    return m->backward ? (view){m,      m->h.x,     m->w.x,    m->h.y,
                                m->w.y, m->x_bytes, m->y_bytes}
                       : (view){m,      m->h.y,     m->w.y,    m->h.x,
                                m->w.x, m->y_bytes, m->x_bytes};
}

/* Pixels of the input between which one of the output reads, from its rows and
 * its columns. */
static span pixels(const view *v, span y, span x) {
    if (y.last < 0 || x.last < 0) {
        return (span){INT32_MAX, -1};
    }
    return (span){y.first * v->in_cols + x.first, y.last * v->in_cols + x.last};
}

static span row(const view *v, int32_t oy) {
    return reach(&v->map->h, v->map->backward, oy);
}

static span col(const view *v, int32_t ox) {
    return reach(&v->map->w, v->map->backward, ox);
}

/* The larger of both; beyond 31 bits: apart. */
static int32_t most(int32_t a, int64_t b) {
    return b >= TP_APART ? TP_APART : b > a ? (int32_t)b : a;
}

/* When pixels up to number i of the order are written, what i and later ones
 * read must lie behind them; where the kernel gathers, what those behind the
 * pixels that i is gathered with read. Last to first is the mirror image,
 * measured from the ends. */
static int32_t distance(const view *v, bool last_first) {
    const int32_t n = v->rows * v->cols;
    const int32_t in = v->in_rows * v->in_cols;
    const int32_t gathers = v->map->gathers;
    int32_t apart = -TP_APART;
    int32_t first = INT32_MAX; /* pixel that is still read */
    int32_t later = INT32_MAX; /* the same of gathered pixels before */
    int32_t oy = -1;
    span y = {INT32_MAX, -1};
    for (int32_t i = n - 1; i >= 0; i--) {
        const int32_t at = last_first ? n - 1 - i : i;
        if (at / v->cols != oy) {
            oy = at / v->cols;
            y = row(v, oy);
        }
        const span s = pixels(v, y, col(v, at % v->cols));
        const int32_t mine = s.last < 0   ? INT32_MAX
                             : last_first ? in - 1 - s.last
                                          : s.first;
        first = mine < first ? mine : first;
        const int32_t read = gathers > 0 ? later : first;
        if (read < INT32_MAX) {
            apart = most(apart, (i + 1) * v->out_bytes - read * v->in_bytes);
        }
        later = gathers > 0 && i % gathers == 0 ? first : later;
    }
    return apart;
}

void tp_overlap_map(const tp_map *map, tp_overlap *out) {
    const view v = view_of(map);
    out->forward = distance(&v, false);
    out->reverse = distance(&v, true);
}
