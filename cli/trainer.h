/* What the parts of `train` share: the samples, the run, its history. */
#ifndef TP_CLI_TRAINER_H
#define TP_CLI_TRAINER_H

#include "cli/score.h"
#include "tinypeft/train.h"

/* One row of the history: an update, and the score where one was taken. */
typedef struct tp_history {
    uint32_t update;
    int32_t loss; /* 2^-16 */
    bool scored;
    double score;
} tp_history;

/* How --method came to its adapter. */
typedef struct tp_method {
    const char *kind; /* family; NULL: the user named the adapters */
    size_t shots;     /* samples of the rarest class */
    const char *why;
} tp_method;

typedef struct tp_trainer {
    tp_cli *cli;
    tp_session session;
    tp_workers workers;
    tp_progress progress;
    tp_samples x;        /* new ones to train on, old ones, those held back */
    tp_targets targets;  /* likewise, as the output has them */
    tp_targets goals;    /* the same, as training takes them */
    int8_t *y;           /* as many answers as the largest set has samples */
    size_t n;            /* to train on, old ones included */
    const uint8_t *kept; /* these, as a device keeps them */
    size_t old;          /* of these, replayed */
    size_t held;
    tp_samples replay; /* all old samples that were given; n 0: none */
    tp_targets replay_targets;
    tp_train_config config;
    uint32_t epochs;
    uint16_t *order;
    tp_history *history;
    size_t rows;
    uint32_t undone;
    double loss; /* mean over the updates of the last epoch */
    tp_method method;
    tp_score trained, before, after, old_before, old_after;
} tp_trainer;

/* --- train_samples.c ------------------------------------------------------ */

/* Reads --x, --y and --replay, holds samples back, chooses old ones. */
TP_MUST_CHECK tp_status tp_train_samples(tp_trainer *t);

/* Marks the `held` of n samples that are held back: the last of `order`, of a
 * classifier as many of each class as its share, and of no class the last
 * sample while another has two.
 *   label  [in] [n]; NULL: there are no classes
 *   order  [in] a permutation of 0..n-1
 *   mark   [in/out] [n], all false; held < n */
void tp_hold_back(const uint8_t *label, const uint16_t *order, size_t n,
                  size_t held, bool *mark);

/* Samples of each class among the n labels; `count` is [256]. Returns that of
 * the rarest class that occurs, 0 where there is none. */
size_t tp_count_classes(const uint8_t *label, size_t n, size_t count[256]);

/* --- method.c ------------------------------------------------------------- */

/* Sets options.adapter to what --method asks for, where it was given; for
 * "auto" options.state, too: what `tinypeft plan` picks. */
TP_MUST_CHECK tp_status tp_method_choose(tp_trainer *t);

/* --- train_result.c ------------------------------------------------------- */

/* The blob and its note unless it got worse; the history and the curve always:
 * they are wanted most where training went wrong. */
TP_MUST_CHECK tp_status tp_train_write(tp_trainer *t, bool worse);
void tp_train_print(tp_trainer *t, bool worse);

/* --- curve.c -------------------------------------------------------------- */

/* The history as a picture; NULL: out of memory. */
const char *tp_train_curve(tp_trainer *t);

#endif
