/* Drift on real data: what streams are made of, what the detector says of them,
 * and what is counted. The protocol is in main.c. */
#ifndef TP_TEST_DRIFT_H
#define TP_TEST_DRIFT_H

#include "tests/accuracy/accuracy.h"
#include "tinypeft/drift.h"

enum {
    TP_DR_LEVELS = 25,   /* thresholds, TP_DR_MIDDLE is the default one */
    TP_DR_MIDDLE = 12,   /* its neighbours are a quarter of an octave away */
    TP_DR_HORIZON = 400, /* samples that a change is waited for */
    TP_DR_SOON = 60,     /* "within 60 samples" */
    TP_DR_PAIRS = 5      /* others, to whom a user's stream may change */
};

/* What one user says, as one model sees it. Items of a class are contiguous. */
typedef struct tp_dr_user {
    int8_t *x;        /* [n][x_bytes] */
    uint8_t *label;   /* [n] */
    uint8_t *session; /* [n]: 0 or 1, what was recorded first */
    uint8_t *predicted, *margin;
    int n;
    size_t x_bytes;
    int right; /* of `predicted` */
} tp_dr_user;

/* Predictions of all items; the two arrays are allocated. */
bool tp_dr_predict(tp_arena *arena, const tp_ctx *ctx, tp_dr_user *user);

/* --- streams -------------------------------------------------------------- */

/* Items are drawn independently, or the class of the last one again with a
 * probability of 0.9, and then one of that class. */
typedef struct tp_dr_stream {
    const tp_dr_user *user;
    int session; /* only items of this one; -1: of both */
    bool repeats;
    int last; /* item; -1: none yet */
    uint32_t rng;
} tp_dr_stream;

int tp_dr_draw(tp_dr_stream *stream);

/* --- counting ------------------------------------------------------------- */

/* For each threshold: alarms and samples until the first one, of streams where
 * nothing changes; and of those where it does, how long it took. */
typedef struct tp_dr_tally {
    double alarms[TP_DR_LEVELS], samples[TP_DR_LEVELS];
    uint32_t delay[TP_DR_LEVELS][TP_DR_HORIZON + 1]; /* the last: longer */
} tp_dr_tally;

typedef struct tp_dr_counts {
    tp_dr_tally changed, harmful;
} tp_dr_counts;

/* Thresholds of a tally, of the default one. */
double tp_dr_level(uint16_t standard, int i);

typedef struct tp_dr_trial {
    const tp_drift_config *config;
    const tp_dr_user *user;
    bool repeats;
    int runs;
    int samples; /* of a stream in which nothing changes */
    uint32_t seed;
} tp_dr_trial;

/* Streams of one user. */
void tp_dr_stationary(const tp_dr_trial *trial, tp_dr_counts *counts);
/* Streams of one user that become those of another. */
void tp_dr_change(const tp_dr_trial *trial, const tp_dr_user *other,
                  tp_dr_counts *counts);
/* Calibrated with the first session, continued with the second. */
void tp_dr_session(const tp_dr_trial *trial, tp_dr_counts *counts);

/* False alarms in 10^5 samples. */
double tp_dr_false(const tp_dr_tally *tally, int level);
/* Percent of changes that were found within so many samples. */
double tp_dr_found(const tp_dr_tally *tally, int level, int within);
/* The delay that a share of all changes stays within. */
int tp_dr_quantile(const tp_dr_tally *tally, int level, double share);
void tp_dr_add(tp_dr_tally *to, const tp_dr_tally *from);

/* --- results -------------------------------------------------------------- */

/* One user with one model. */
typedef struct tp_dr_cell {
    bool used;
    tp_dr_counts still, session, pair[TP_DR_PAIRS];
    double drop[TP_DR_PAIRS]; /* points of accuracy lost with the other */
    int pairs;
} tp_dr_cell;

/* One row of the table, and what it has to reach; 0: nothing. */
typedef struct tp_dr_row {
    const char *name;
    tp_dr_cell *cell;
    int cells;        /* 0: the row is left out */
    uint16_t changed; /* the threshold */
    double most_false, worst_false, least_found;
    int most_median;
} tp_dr_row;

/* Five speakers: single b0, single b900, loo b0, loo b900; false: no data. */
bool tp_dr_speech(const tp_acc_options *options, tp_dr_row row[4]);
/* People and their phones: b0. */
bool tp_dr_people(const tp_acc_options *options, tp_dr_row *row);

/* How many rows miss what they have to reach. */
int tp_dr_print(const tp_dr_row *row, int rows, const tp_drift_config *config);
/* All changes of a row, summed over users; NULL: memory ran out. To be freed.
 */
tp_dr_tally *tp_dr_sum(const tp_dr_row *row);
/* False alarms against delay, for all thresholds, as SVG; false: the file
 * cannot be written. */
bool tp_dr_picture(const tp_dr_row *row, int rows, const char *path);

extern const tp_drift_config tp_dr_speech_config;

/* Features of one recording with a gain and noise that the seed decides; false:
 * no such file.
 *   out  [490] */
bool tp_dr_sound(const char *folder, const char *name, uint32_t seed,
                 int8_t *out);

#endif
