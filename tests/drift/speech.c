/* Five speakers of digits and the keyword spotter. An adapter is trained for
 * one of them, or for all but one; a stream is of somebody it was trained for,
 * until another speaker arrives. Clips that were trained on are not streamed:
 * 400 are left of each speaker, and each is disturbed in several ways. */
#include "tests/accuracy/speech.h"

#include <stdlib.h>
#include <string.h>

#include "tests/drift/drift.h"
#include "tinypeft/adapter.h"

enum {
    K = 10, /* clips a digit that are trained on, from TP_TESTS on */
    LEFT = TP_CLIPS - K,
    JOBS = 2 * TP_SPEAKERS, /* one speaker; all but one */
    MOST_WAYS = 4,          /* a clip is disturbed in */
    UPDATES_ONE = 220,
    UPDATES_ALL = 440
};

static const char *const speakers[TP_SPEAKERS] = {
    "george", "jackson", "nicolas", "theo", "yweweler"};

#define OVER_TIME(c)                                                           \
    { c, 49, 10 }
static const tp_drift_sum sums[10] = {
    OVER_TIME(0), OVER_TIME(1), OVER_TIME(2), OVER_TIME(3), OVER_TIME(4),
    OVER_TIME(5), OVER_TIME(6), OVER_TIME(7), OVER_TIME(8), OVER_TIME(9)};

const tp_drift_config tp_dr_speech_config = {
    .sum = sums, .features = 10, .classes = TP_DIGITS, TP_DRIFT_DEFAULTS};

static const tp_acc_method method = {
    .name = "bitfit", .spec = {"fc11=head:classes=10", "*=bitfit"}};

typedef struct study {
    const tp_acc_options *options;
    int ways; /* a clip is disturbed in */
    uint8_t *tflite;
    tp_acc_base base; /* the same */
    tp_acc_model model;
    int8_t *clip[TP_SPEAKERS]; /* as published, to train on */
    int8_t *x[TP_SPEAKERS];    /* [TP_DIGITS][LEFT][ways][TP_FEATURES] */
    uint8_t *label, *session;  /* of each of these */
    tp_dr_row *row;
    bool failed;
} study;

static int items(const study *s) {
    return TP_DIGITS * LEFT * s->ways;
}

/* --- clips ---------------------------------------------------------------- */

/* Clip number i of those that are left. */
static int index_of(int i) {
    return i < TP_TESTS ? i : i + K;
}

static void disturb(void *arg, int job) {
    study *s = arg;
    const int speaker = job / TP_DIGITS;
    const int digit = job % TP_DIGITS;
    char folder[1000];
    (void)snprintf(folder, sizeof folder, "%s/fsdd", s->options->data);
    for (int i = 0; i < LEFT * s->ways; i++) {
        char name[64];
        const int at = digit * LEFT * s->ways + i;
        (void)snprintf(name, sizeof name, "%d_%s_%d.wav", digit,
                       speakers[speaker], index_of(i / s->ways));
        s->label[at] = (uint8_t)digit;
        s->session[at] = index_of(i / s->ways) >= TP_CLIPS / 2;
        if (!tp_dr_sound(folder, name, (uint32_t)(job * 1000 + i),
                         s->x[speaker] + (size_t)at * TP_FEATURES)) {
            s->failed = true;
        }
    }
}

static bool load(study *s, tp_arena *arena) {
    const char *folder = s->options->data;
    const size_t n = (size_t)items(s);
    s->tflite = tp_acc_read(folder, "models/kws_ref_model.tflite", &s->base.n);
    s->base.tflite = s->tflite;
    s->label = tp_arena_alloc(arena, n, 1);
    s->session = tp_arena_alloc(arena, n, 1);
    bool ok = s->tflite != NULL && s->label != NULL && s->session != NULL;
    for (int i = 0; i < TP_SPEAKERS; i++) {
        char name[64];
        size_t bytes = 0;
        (void)snprintf(name, sizeof name, "fsdd_mfcc/%s.bin", speakers[i]);
        s->clip[i] = (int8_t *)tp_acc_read(folder, name, &bytes);
        s->x[i] = tp_arena_alloc(arena, n, TP_FEATURES);
        ok = ok && s->clip[i] != NULL && s->x[i] != NULL &&
             bytes == (size_t)TP_DIGITS * TP_CLIPS * TP_FEATURES;
    }
    if (ok) {
        tp_acc_each(disturb, s, TP_SPEAKERS * TP_DIGITS, s->options->threads);
    }
    return ok && !s->failed;
}

/* --- one adapter ---------------------------------------------------------- */

/* Jobs below TP_SPEAKERS are of one speaker, the others of all but one. */
static bool trained_on(int job, int speaker) {
    return job < TP_SPEAKERS ? speaker == job : speaker != job - TP_SPEAKERS;
}

static tp_status train(const study *s, int job, const tp_ctx *ctx) {
    tp_acc_sample sample[TP_SPEAKERS * TP_DIGITS * K];
    tp_train_config config = s->model.config;
    uint32_t n = 0;
    int undone = 0;
    for (int i = 0; i < TP_SPEAKERS * TP_DIGITS * K; i++) {
        const int digit = i / K % TP_DIGITS;
        const int at = digit * TP_CLIPS + TP_TESTS + i % K;
        if (trained_on(job, i / (K * TP_DIGITS))) {
            sample[n++] = (tp_acc_sample){s->clip[i / (K * TP_DIGITS)] +
                                              (size_t)at * TP_FEATURES,
                                          (uint8_t)digit};
        }
    }
    config.updates = job < TP_SPEAKERS ? UPDATES_ONE : UPDATES_ALL;
    tp_adapter_init(ctx, config.seed);
    return tp_acc_train(ctx, &config, sample, n, &undone);
}

static void measure(const study *s, int job, int user, tp_dr_user *of) {
    for (int repeats = 0; repeats < 2; repeats++) {
        const bool one = job < TP_SPEAKERS;
        tp_dr_row *row = &s->row[(one ? 0 : 2) + repeats];
        tp_dr_cell *cell =
            &row->cell[one ? job : (job - TP_SPEAKERS) * TP_SPEAKERS + user];
        const tp_dr_trial trial = {.config = &tp_dr_speech_config,
                                   .user = &of[user],
                                   .repeats = repeats == 1,
                                   .runs = 20,
                                   .samples = s->options->brief ? 10000 : 20000,
                                   .seed = (uint32_t)(job * 10 + user)};
        cell->used = true;
        tp_dr_stationary(&trial, &cell->still);
        tp_dr_session(&trial, &cell->session);
        for (int other = 0; other < TP_SPEAKERS; other++) {
            if (!trained_on(job, other)) {
                cell->drop[cell->pairs] =
                    100.0 * (of[user].right - of[other].right) / of[user].n;
                tp_dr_change(&trial, &of[other], &cell->pair[cell->pairs++]);
            }
        }
    }
}

static tp_status run(const study *s, int job, tp_arena *arena) {
    tp_ctx ctx;
    tp_dr_user user[TP_SPEAKERS];
    TP_TRY(tp_interpreter_open(arena, &s->model.interpreter, &ctx));
    TP_TRY(train(s, job, &ctx));
    for (int i = 0; i < TP_SPEAKERS; i++) {
        user[i] = (tp_dr_user){.x = s->x[i],
                               .label = s->label,
                               .session = s->session,
                               .n = items(s),
                               .x_bytes = TP_FEATURES};
        if (!tp_dr_predict(arena, &ctx, &user[i])) {
            return TP_ERR_NO_MEMORY;
        }
    }
    for (int i = 0; i < TP_SPEAKERS; i++) {
        if (trained_on(job, i)) {
            measure(s, job, i, user);
        }
    }
    return TP_OK;
}

static void work(void *arg, int job) {
    study *s = arg;
    tp_arena arena = {0};
    const tp_status status = run(s, job, &arena);
    if (status != TP_OK) {
        (void)fprintf(stderr, "drift: adapter %d: status %d\n", job,
                      (int)status);
        s->failed = true;
    }
    tp_arena_free(&arena);
}

bool tp_dr_speech(const tp_acc_options *options, tp_dr_row row[4]) {
    tp_arena arena = {0};
    study s = {
        .options = options, .ways = options->brief ? 2 : MOST_WAYS, .row = row};
    bool ok = true;
    for (int i = 0; i < (options->brief ? 2 : 4); i++) {
        row[i].changed = tp_dr_speech_config.changed;
        row[i].cells = i < 2 ? TP_SPEAKERS : TP_SPEAKERS * TP_SPEAKERS;
        row[i].cell = calloc((size_t)row[i].cells, sizeof *row[i].cell);
        ok = ok && row[i].cell != NULL;
    }
    ok = ok && load(&s, &arena) &&
         tp_acc_compile(&arena, &s.base, &method, options, &s.model);
    if (ok) {
        const int jobs = options->brief ? options->people : JOBS;
        tp_acc_each(work, &s, jobs, options->threads);
    } else {
        (void)fprintf(stderr, "drift: %s has no complete speech\n",
                      options->data);
    }
    for (int i = 0; i < TP_SPEAKERS; i++) {
        free(s.clip[i]);
    }
    free(s.tflite);
    tp_arena_free(&arena);
    return ok && !s.failed;
}
