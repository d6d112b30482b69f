/* How random_graph.c makes tensors and ops: every helper notes a lack of memory
 * in `failed` and returns something harmless, so that callers ask once. */
#ifndef TP_TEST_RANDOM_MAKER_H
#define TP_TEST_RANDOM_MAKER_H

#include "compiler/ir/ir.h"
#include "core/rng.h"

#define TP_MAKER_TENSORS 96

typedef struct tp_maker {
    tp_graph graph;
    uint32_t rng;
    int x;                        /* the value to go on from */
    double rms[TP_MAKER_TENSORS]; /* about, of a tensor's real values */
    bool failed;                  /* out of memory */
    tp_op spare;                  /* written to instead after that */
} tp_maker;

/* --- chance --------------------------------------------------------------- */

/* From lo to hi, both included. */
static inline int between(tp_maker *m, int lo, int hi) {
    return lo + (int)tp_rng_below(&m->rng, (uint32_t)(hi - lo + 1));
}

static inline bool chance(tp_maker *m, int percent) {
    return between(m, 1, 100) <= percent;
}

static inline double uniform(tp_maker *m, double lo, double hi) {
    return lo + (hi - lo) * (double)between(m, 0, 65535) / 65535.0;
}

/* --- tensors -------------------------------------------------------------- */

/* Valid until the next tensor is made. */
static inline const tp_tensor *at(const tp_maker *m, int index) {
    return &m->graph.tensor[index < 0 ? 0 : index];
}

static inline const tp_tensor *current(const tp_maker *m) {
    return at(m, m->x);
}

static inline bool is_map(const tp_maker *m) {
    return current(m)->rank == 4;
}

static inline tp_tensor shape4(int32_t n, int32_t h, int32_t w, int32_t c) {
    return (tp_tensor){.rank = 4, .dim = {n, h, w, c}};
}

/* A tensor like `t`, renamed; `rms` is about the size of its real values. */
int tp_maker_tensor(tp_maker *m, tp_tensor t, const char *suffix, double rms);
/* Gives `t` these scales. */
void tp_maker_scales(tp_maker *m, tp_tensor *t, const float *scale, int n);
/* A value of int8 with the shape's dimensions and one scale. */
int tp_maker_value(tp_maker *m, tp_tensor shape, double scale, int zero_point,
                   double rms);
/* The same with the scale and zero point of tensor `like`. */
int tp_maker_alike(tp_maker *m, tp_tensor shape, int like);
/* The same with a scale and zero point at which values of the size `rms`
 * rarely saturate. */
int tp_maker_fresh(tp_maker *m, tp_tensor shape, double rms);
/* The same for the output of an op with a fused activation, and its range:
 * none, ReLU with all codes above 0, or ReLU6. */
int tp_maker_activated(tp_maker *m, tp_tensor shape, double rms, int range[2]);
/* A constant of random bytes; t has the shape and the scales. */
int tp_maker_bytes(tp_maker *m, tp_tensor t, const char *suffix, double rms);
/* Weights of about unit gain for sums of `taps` products, one scale or one
 * for each index along an axis of the shape, and their bias, for the input
 * in[0]: in[1] and in[2]. */
void tp_maker_weights(tp_maker *m, tp_tensor shape, int along, int taps,
                      int in[3]);

/* --- ops ------------------------------------------------------------------ */

/* Appends an op, named as the importer would; m->x becomes its output. */
tp_op *tp_maker_op(tp_maker *m, tp_kind kind, const int *in, int n_in, int out);

static inline tp_op *unary(tp_maker *m, tp_kind kind, int out) {
    return tp_maker_op(m, kind, &m->x, 1, out);
}

static inline void set_range(tp_op *op, const int range[2]) {
    op->attr.act_min = range[0];
    op->attr.act_max = range[1];
}

typedef struct tp_window {
    int32_t k, stride, dilation, before, after, out;
} tp_window;

/* A window of 1 to `most` on `in` places, as SAME or VALID padding would lay
 * it, or with other pads (the importer meets only the former). */
tp_window tp_maker_window(tp_maker *m, int32_t in, int most, bool dilates);

static inline void set_window(tp_op *op, tp_window h, tp_window w) {
    op->attr.stride_h = h.stride;
    op->attr.stride_w = w.stride;
    op->attr.pad_t = h.before;
    op->attr.pad_b = h.after;
    op->attr.pad_l = w.before;
    op->attr.pad_r = w.after;
}

#endif
