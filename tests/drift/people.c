/* People and their phones: the base of a fold, no adapter, and a stream of
 * windows of one person held out, until another held-out person takes over the
 * phone. Which features are looked at is decided on those not held out. */
#include "tests/accuracy/people.h"

#include <stdlib.h>

#include "core/rng.h"
#include "tests/drift/drift.h"
#include "tests/drift/pick.h"

enum {
    FEATURES = 15, /* 248 bytes of state */
    WAYS = 3,      /* a window is disturbed in */
    JITTER = 2,    /* +- LSB of each value */
    CHANGED = 4000 /* more features, more noise: above the default */
};

typedef struct study {
    const tp_acc_options *options;
    tp_people people;
    tp_fold fold[TP_FOLDS];
    tp_acc_base base[TP_FOLDS];
    tp_acc_model model[TP_FOLDS];
    tp_drift_sum sum[TP_FOLDS][FEATURES];
    tp_drift_config config[TP_FOLDS];
    tp_dr_user user[TP_PEOPLE];
    tp_dr_row *row;
    bool failed;
} study;

/* --- items ---------------------------------------------------------------- */

/* One more item of a user. */
static void add(tp_dr_user *user, const int8_t *window, int label, int session,
                uint32_t *rng) {
    int8_t *x = user->x + (size_t)user->n * TP_MLP_IN;
    for (int f = 0; f < TP_MLP_IN; f++) {
        const int by = (int)tp_rng_below(rng, 2 * JITTER + 1) - JITTER;
        const int value = window[f] + by;
        x[f] = (int8_t)(value < -128 ? -128 : (value > 127 ? 127 : value));
    }
    user->label[user->n] = (uint8_t)label;
    user->session[user->n] = (uint8_t)session;
    user->n++;
}

/* By activity; the two sets are the two sessions. */
static bool collect(study *s, int person, tp_arena *arena) {
    const tp_person_set *set[2] = {&s->people.train[person],
                                   &s->people.test[person]};
    const size_t most = (size_t)(set[0]->n + set[1]->n) * WAYS;
    tp_dr_user *user = &s->user[person];
    uint32_t rng = tp_rng_seed((uint32_t)person);
    *user = (tp_dr_user){.x = tp_arena_alloc(arena, most, TP_MLP_IN),
                         .label = tp_arena_alloc(arena, most, 1),
                         .session = tp_arena_alloc(arena, most, 1),
                         .x_bytes = TP_MLP_IN};
    if (user->x == NULL || user->label == NULL || user->session == NULL) {
        return false;
    }
    for (int c = 0; c < TP_ACTIVITIES; c++) {
        for (int i = 0; i < 2 * TP_MOST_WINDOWS * WAYS; i++) {
            const int session = i / WAYS / TP_MOST_WINDOWS;
            const int at = i / WAYS % TP_MOST_WINDOWS;
            if (at < set[session]->n && set[session]->label[at] == c) {
                add(user, set[session]->q + (size_t)at * TP_MLP_IN, c, session,
                    &rng);
            }
        }
    }
    return true;
}

/* --- one fold ------------------------------------------------------------- */

static void measure(study *s, int person) {
    const int fold = person % TP_FOLDS;
    tp_dr_cell *cell = &s->row->cell[person];
    const tp_dr_trial trial = {.config = &s->config[fold],
                               .user = &s->user[person],
                               .runs = 20,
                               .samples = s->options->brief ? 5000 : 20000,
                               .seed = (uint32_t)(500 + person)};
    cell->used = true;
    tp_dr_stationary(&trial, &cell->still);
    tp_dr_session(&trial, &cell->session);
    for (int other = fold; other < TP_PEOPLE; other += TP_FOLDS) {
        const tp_dr_user *to = &s->user[other];
        if (other != person && cell->pairs < TP_DR_PAIRS) {
            cell->drop[cell->pairs] =
                100.0 * trial.user->right / trial.user->n -
                100.0 * to->right / to->n;
            tp_dr_change(&trial, to, &cell->pair[cell->pairs++]);
        }
    }
}

static bool prepare(study *s, int fold, tp_arena *arena) {
    static const tp_acc_method base = {.name = "base"};
    tp_ctx ctx;
    s->config[fold] = (tp_drift_config){.sum = s->sum[fold],
                                        .features = FEATURES,
                                        .classes = TP_ACTIVITIES,
                                        TP_DRIFT_DEFAULTS};
    s->config[fold].changed = CHANGED;
    if (!tp_dr_pick(&s->people, fold, s->sum[fold], FEATURES) ||
        !tp_acc_compile(arena, &s->base[fold], &base, s->options,
                        &s->model[fold]) ||
        tp_interpreter_open(arena, &s->model[fold].interpreter, &ctx) !=
            TP_OK) {
        return false;
    }
    bool ok = true;
    for (int p = fold; p < TP_PEOPLE; p += TP_FOLDS) {
        ok = ok && collect(s, p, arena) &&
             tp_dr_predict(arena, &ctx, &s->user[p]);
    }
    return ok;
}

static void work(void *arg, int fold) {
    study *s = arg;
    tp_arena arena = {0};
    if (prepare(s, fold, &arena)) {
        for (int p = fold; p < TP_PEOPLE; p += TP_FOLDS) {
            measure(s, p);
        }
    } else {
        s->failed = true;
    }
    tp_arena_free(&arena);
}

bool tp_dr_people(const tp_acc_options *options, tp_dr_row *row) {
    static study s;
    s.options = options;
    s.row = row;
    row->cells = TP_PEOPLE;
    row->changed = CHANGED;
    row->cell = calloc(TP_PEOPLE, sizeof *row->cell);
    bool ok = row->cell != NULL && tp_people_load(&s.people, options->data) &&
              tp_people_bases(&s.people, s.fold, s.base, options->threads);
    if (ok) {
        tp_acc_each(work, &s, TP_FOLDS, options->threads);
    }
    for (int f = 0; f < TP_FOLDS; f++) {
        free(s.fold[f].tflite);
    }
    tp_people_unload(&s.people);
    return ok && !s.failed;
}
