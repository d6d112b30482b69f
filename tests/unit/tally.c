#include "tests/unit/tally.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/unit/gradcheck.h"

/* In real units. */
static double gradient(const tp_subject *s, const tp_param *param, uint32_t i) {
    const uint8_t *at = s->ctx.train + param->grad;
    const tp_q32 *g = (const tp_q32 *)(const void *)at;
    return ldexp(g->v[i], g->e) * ldexp(param->unit.m, param->unit.s - 31);
}

enum { MOST_CHECKED = 60 }; /* elements of one tensor */

/* How near the integers' gradient of a tensor is to the float model's. */
typedef struct closeness {
    double want, got; /* largest values: the float model's, the integers' */
    double error;     /* largest, over `want` */
    double cosine;    /* between the two */
    double gain;      /* of the integers' along the float model's */
} closeness;

/* Of every element, or of some all over a large tensor. */
static closeness compare(const tp_subject *s, const tp_param *param) {
    double *w = s->real.value[tp_subject_param(s, param)];
    const uint32_t step = (param->count + MOST_CHECKED - 1) / MOST_CHECKED;
    closeness c = {0};
    double off = 0.0, gg = 0.0, ww = 0.0, gw = 0.0;
    for (uint32_t i = 0; i < param->count; i += step) {
        const double got = gradient(s, param, i);
        double want = 0.0;
        tp_check_slope(tp_float_loss, &s->real, w + i, 1, &want);
        c.want = fmax(c.want, fabs(want));
        c.got = fmax(c.got, fabs(got));
        off = fmax(off, fabs(got - want));
        gg += got * got;
        ww += want * want;
        gw += got * want;
    }
    c.error = off / c.want;
    c.cosine = gw / sqrt(gg * ww);
    c.gain = gw / ww;
    return c;
}

static void note(tp_tally *t, const closeness *c) {
    t->worst_error = fmax(t->worst_error, c->error);
    t->worst_cosine = fmin(t->worst_cosine, c->cosine);
    t->worst_gain = fmax(t->worst_gain, fabs(c->gain - 1.0));
    t->sum_error += c->error;
    t->sum_gain += c->gain;
    t->far += c->error > 0.05 ? 1 : 0;
    t->compared++;
}

/* What rounding leaves of terms that cancel: 0.0012 was met once in 150 models.
 */
#define CANCELLED 0.003

void tp_tally_params(tp_tally *t, const tp_subject *s) {
    for (uint32_t p = 0; p < s->run.model.n_params; p++) {
        const tp_param *param = &s->run.model.params[p];
        const closeness c = compare(s, param);
        if (c.want < 1e-9) { /* a ReLU blocks all; a quotient has 1e-12 */
            assert_true(c.got <= CANCELLED);
            t->zero++;
            continue;
        }
        if (!(c.error <= t->error && c.cosine >= t->cosine &&
              fabs(c.gain - 1.0) <= t->gain)) {
            print_message("%s: %s: gradient of %s: error %g, cosine %g, gain "
                          "%g\n",
                          s->name, s->graph.name, param->name, c.error,
                          c.cosine, c.gain);
            t->beyond++;
            continue;
        }
        note(t, &c);
    }
}

void tp_tally_check(const tp_tally *t, double error, double far, double gain) {
    const double n = t->compared;
    print_message("%d gradients, %d more are 0, %d beyond a bound; error %.4f, "
                  "%.3f or less, "
                  "%.1f %% beyond 5 %%; cosine %.4f or more; gain %.4f, "
                  "1 +- %.3f\n",
                  t->compared, t->zero, t->beyond, t->sum_error / n,
                  t->worst_error, 100.0 * t->far / n, t->worst_cosine,
                  t->sum_gain / n, t->worst_gain);
    assert_true(t->sum_error / n <= error);
    assert_true(t->far / n <= far);
    assert_true(fabs(t->sum_gain / n - 1.0) <= gain);
    assert_true(t->zero < t->compared / 8);
}

static void note_kinds(const tp_graph *graph, tp_tally *t) {
    for (int i = graph->first_backward; i < graph->n_ops; i++) {
        const tp_op *op = &graph->op[i];
        t->met[op->kind] = true;
        if (op->kind == TP_OP_LUT_BWD || op->kind == TP_OP_COPY_BWD) {
            t->met[op->attr.of] = true;
        }
    }
}

void tp_tally_anchored(tp_tally *t, tp_subject *s) {
    const double loss = tp_subject_settle(s);
    tp_subject_read(s);
    tp_subject_anchor(s);
    assert_true(fabs(tp_float_loss(&s->real) - loss) <= 1e-4 * fmax(1.0, loss));
    tp_tally_params(t, s);
    note_kinds(&s->graph, t);
}
