#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/rng.h"
#include "tests/drift/drift.h"

enum { WARM = 200, MOST_STATE = 256, MOST_CLASSES = 256, STAYS = 900 };

bool tp_dr_predict(tp_arena *arena, const tp_ctx *ctx, tp_dr_user *user) {
    int8_t y[MOST_CLASSES];
    user->predicted = tp_arena_alloc(arena, (size_t)user->n, 1);
    user->margin = tp_arena_alloc(arena, (size_t)user->n, 1);
    if (user->predicted == NULL || user->margin == NULL) {
        return false;
    }
    user->right = 0;
    for (int i = 0; i < user->n; i++) {
        uint32_t label = 0;
        ctx->model->infer(ctx, user->x + (size_t)i * user->x_bytes, y);
        user->margin[i] = tp_drift_margin(y, ctx->model->y_bytes, &label);
        user->predicted[i] = (uint8_t)label;
        user->right += label == user->label[i];
    }
    return true;
}

/* --- streams -------------------------------------------------------------- */

static bool fits(const tp_dr_stream *s, int i, int label) {
    return (s->session < 0 || s->user->session[i] == s->session) &&
           (label < 0 || s->user->label[i] == label);
}

/* Items of a class are contiguous, so that rejection is among its own. */
int tp_dr_draw(tp_dr_stream *s) {
    const tp_dr_user *user = s->user;
    int label = -1;
    int first = 0;
    int n = user->n;
    if (s->last >= 0 && s->repeats && tp_rng_below(&s->rng, 1000) < STAYS) {
        label = user->label[s->last];
        for (first = s->last; first > 0 && user->label[first - 1] == label;) {
            first--;
        }
        for (n = 1; first + n < user->n && user->label[first + n] == label;) {
            n++;
        }
    }
    int i = first;
    do {
        i = first + (int)tp_rng_below(&s->rng, (uint32_t)n);
    } while (!fits(s, i, label));
    s->last = i;
    return i;
}

/* --- one run -------------------------------------------------------------- */

typedef struct run {
    const tp_dr_trial *trial;
    _Alignas(4) uint8_t state[MOST_STATE];
    tp_dr_stream stream;
} run;

/* What the detector says of the next sample. */
static void step(run *r) {
    const tp_dr_user *user = r->stream.user;
    const int i = tp_dr_draw(&r->stream);
    (void)tp_drift_sample(r->trial->config, r->state,
                          user->x + (size_t)i * user->x_bytes,
                          user->predicted[i], user->margin[i]);
}

/* Calibrated. */
static void begin(run *r, const tp_dr_trial *trial, int session, int number) {
    r->trial = trial;
    r->stream = (tp_dr_stream){
        .user = trial->user,
        .session = session,
        .repeats = trial->repeats,
        .last = -1,
        .rng = tp_rng_seed(trial->seed * 1000u + (uint32_t)number)};
    if (tp_drift_begin(trial->config, r->state, sizeof r->state) != TP_OK) {
        abort(); /* a configuration of this program's own */
    }
    for (int i = 0; i < trial->config->calibrate; i++) {
        step(r);
    }
}

double tp_dr_level(uint16_t standard, int i) {
    return standard * exp2((i - TP_DR_MIDDLE) / 4.0);
}

/* For each threshold of a tally, the sample that was first above it. */
typedef struct crossing {
    double level[TP_DR_LEVELS];
    int at[TP_DR_LEVELS]; /* 0: not yet */
} crossing;

static crossing crossing_of(uint16_t standard) {
    crossing c = {.at = {0}};
    for (int i = 0; i < TP_DR_LEVELS; i++) {
        c.level[i] = tp_dr_level(standard, i);
    }
    return c;
}

static void note(crossing *c, uint32_t level, int at) {
    for (int i = 0; i < TP_DR_LEVELS && level > c->level[i]; i++) {
        c->at[i] = c->at[i] == 0 ? at : c->at[i];
    }
}

static void follow(run *r, int samples, crossing both[2]) {
    both[0] = crossing_of(r->trial->config->changed);
    both[1] = crossing_of(r->trial->config->harmful);
    for (int i = 1; i <= samples; i++) {
        step(r);
        note(&both[0], tp_drift_level(r->state), i);
        note(&both[1], tp_drift_margin_level(r->state), i);
    }
}

static void count_still(tp_dr_tally *t, const crossing *c, int samples) {
    for (int i = 0; i < TP_DR_LEVELS; i++) {
        t->alarms[i] += c->at[i] > 0;
        t->samples[i] += c->at[i] > 0 ? c->at[i] : samples;
    }
}

/* A threshold that was crossed before anything changed says nothing. */
static void count_delay(tp_dr_tally *t, const crossing *before,
                        const crossing *c) {
    for (int i = 0; i < TP_DR_LEVELS; i++) {
        if (before->at[i] == 0) {
            t->delay[i][c->at[i] > 0 ? c->at[i] : TP_DR_HORIZON]++;
        }
    }
}

/* --- trials --------------------------------------------------------------- */

void tp_dr_stationary(const tp_dr_trial *trial, tp_dr_counts *counts) {
    for (int n = 0; n < trial->runs; n++) {
        run r;
        crossing both[2];
        begin(&r, trial, -1, n);
        follow(&r, trial->samples, both);
        count_still(&counts->changed, &both[0], trial->samples);
        count_still(&counts->harmful, &both[1], trial->samples);
    }
}

static void change(const tp_dr_trial *trial, int session,
                   const tp_dr_stream *after, tp_dr_counts *counts) {
    for (int n = 0; n < trial->runs; n++) {
        run r;
        crossing before[2];
        crossing both[2];
        begin(&r, trial, session, n);
        follow(&r, WARM, before);
        r.stream.user = after->user;
        r.stream.session = after->session;
        r.stream.last = -1;
        follow(&r, TP_DR_HORIZON - 1, both);
        count_delay(&counts->changed, &before[0], &both[0]);
        count_delay(&counts->harmful, &before[1], &both[1]);
    }
}

void tp_dr_change(const tp_dr_trial *trial, const tp_dr_user *other,
                  tp_dr_counts *counts) {
    const tp_dr_stream after = {.user = other, .session = -1};
    change(trial, -1, &after, counts);
}

void tp_dr_session(const tp_dr_trial *trial, tp_dr_counts *counts) {
    const tp_dr_stream after = {.user = trial->user, .session = 1};
    change(trial, 0, &after, counts);
}

/* --- figures -------------------------------------------------------------- */

double tp_dr_false(const tp_dr_tally *t, int level) {
    return t->samples[level] > 0 ? t->alarms[level] / t->samples[level] * 1e5
                                 : 0;
}

static double changes(const tp_dr_tally *t, int level, int within) {
    double n = 0;
    for (int i = 0; i <= within; i++) {
        n += t->delay[level][i];
    }
    return n;
}

double tp_dr_found(const tp_dr_tally *t, int level, int within) {
    const double all = changes(t, level, TP_DR_HORIZON);
    return all > 0 ? 100.0 * changes(t, level, within) / all : 0;
}

int tp_dr_quantile(const tp_dr_tally *t, int level, double share) {
    const double all = changes(t, level, TP_DR_HORIZON);
    int at = 0;
    while (at < TP_DR_HORIZON && changes(t, level, at) < share * all) {
        at++;
    }
    return at;
}

void tp_dr_add(tp_dr_tally *to, const tp_dr_tally *from) {
    for (int i = 0; i < TP_DR_LEVELS; i++) {
        to->alarms[i] += from->alarms[i];
        to->samples[i] += from->samples[i];
        for (int j = 0; j <= TP_DR_HORIZON; j++) {
            to->delay[i][j] += from->delay[i][j];
        }
    }
}
