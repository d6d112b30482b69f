#include "tests/drift/pick.h"

#include <math.h>
#include <stdlib.h>

#define MOST_ALIKE 0.8 /* correlation of two features that are picked */

/* All windows of those not held out, less the mean of their activity. */
typedef struct windows {
    float *x; /* [n][TP_MLP_IN] */
    uint8_t *person, *label;
    int n;
} windows;

static void gather(const tp_people *people, int fold, windows *w) {
    for (int p = 0; p < 2 * TP_PEOPLE; p++) {
        const tp_person_set *s =
            p % 2 == 0 ? &people->train[p / 2] : &people->test[p / 2];
        for (int i = 0; p / 2 % TP_FOLDS != fold && i < s->n; i++) {
            w->person[w->n] = (uint8_t)(p / 2);
            w->label[w->n] = s->label[i];
            for (int f = 0; f < TP_MLP_IN; f++) {
                w->x[(size_t)w->n * TP_MLP_IN + (size_t)f] =
                    s->x[(size_t)i * TP_MLP_IN + (size_t)f];
            }
            w->n++;
        }
    }
}

static float *at(const windows *w, int i, int f) {
    return &w->x[(size_t)i * TP_MLP_IN + (size_t)f];
}

static void centre(windows *w, int f) {
    double sum[TP_ACTIVITIES] = {0};
    int n[TP_ACTIVITIES] = {0};
    for (int i = 0; i < w->n; i++) {
        sum[w->label[i]] += (double)*at(w, i, f);
        n[w->label[i]]++;
    }
    for (int i = 0; i < w->n; i++) {
        *at(w, i, f) -= (float)(sum[w->label[i]] / n[w->label[i]]);
    }
}

/* Of the variance within an activity the share that a person's mean explains.
 */
static double score(const windows *w, int f) {
    double sum[TP_PEOPLE][TP_ACTIVITIES] = {{0}};
    int n[TP_PEOPLE][TP_ACTIVITIES] = {{0}};
    double all = 0;
    double between = 0;
    for (int i = 0; i < w->n; i++) {
        const double x = (double)*at(w, i, f);
        sum[w->person[i]][w->label[i]] += x;
        n[w->person[i]][w->label[i]]++;
        all += x * x;
    }
    for (int p = 0; p < TP_PEOPLE; p++) {
        for (int c = 0; c < TP_ACTIVITIES; c++) {
            between += n[p][c] > 0 ? sum[p][c] * sum[p][c] / n[p][c] : 0;
        }
    }
    return all > 1e-6 * w->n ? between / all : 0;
}

static double alike(const windows *w, int f, int g) {
    double ff = 0;
    double fg = 0;
    double gg = 0;
    for (int i = 0; i < w->n; i++) {
        const double x = (double)*at(w, i, f);
        const double y = (double)*at(w, i, g);
        ff += x * x;
        fg += x * y;
        gg += y * y;
    }
    return fabs(fg) / sqrt(ff * gg + 1e-12);
}

/* The best feature that is not yet marked; -1: none is left. */
static int best(const double *scores, const bool *mark) {
    int found = -1;
    for (int f = 0; f < TP_MLP_IN; f++) {
        if (!mark[f] && (found < 0 || scores[f] > scores[found])) {
            found = f;
        }
    }
    return found;
}

static void pick(windows *w, tp_drift_sum *sum, int n) {
    double scores[TP_MLP_IN];
    bool mark[TP_MLP_IN] = {false};
    for (int f = 0; f < TP_MLP_IN; f++) {
        centre(w, f);
        scores[f] = score(w, f);
    }
    int picked = 0;
    for (int f = best(scores, mark); f >= 0 && picked < n;
         f = best(scores, mark)) {
        bool fresh = true;
        mark[f] = true;
        for (int i = 0; i < picked && fresh; i++) {
            fresh = alike(w, f, (int)sum[i].first) < MOST_ALIKE;
        }
        if (fresh) {
            sum[picked++] = (tp_drift_sum){(uint32_t)f, 1, 1};
        }
    }
}

bool tp_dr_pick(const tp_people *people, int fold, tp_drift_sum *sum, int n) {
    const size_t most = (size_t)2 * TP_PEOPLE * TP_MOST_WINDOWS;
    windows w = {.x = malloc(most * TP_MLP_IN * sizeof *w.x),
                 .person = malloc(most),
                 .label = malloc(most)};
    const bool ok = w.x != NULL && w.person != NULL && w.label != NULL;
    if (ok) {
        gather(people, fold, &w);
        pick(&w, sum, n);
    }
    free(w.x);
    free(w.person);
    free(w.label);
    return ok;
}
