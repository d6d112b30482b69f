/* How good answers are: accuracy of a classifier, mean squared error of an
 * autoencoder. */
#ifndef TP_CLI_SCORE_H
#define TP_CLI_SCORE_H

#include "cli/predict.h"
#include "cli/session.h"

/* What the answers should be: a class byte or an int8 tensor a sample. */
typedef struct tp_targets {
    uint8_t *data; /* [n][bytes] */
    size_t bytes;
} tp_targets;

typedef struct tp_score {
    size_t n;
    size_t correct;  /* classifier */
    double mse;      /* autoencoder: in real units */
    uint64_t square; /* the same as an integer, for exact comparison */
} tp_score;

/* From --y; for an autoencoder without it, the samples themselves. */
TP_MUST_CHECK tp_status tp_targets_read(tp_cli *cli, const tp_session *session,
                                        const tp_samples *x, tp_targets *out);

/* Of n answers y [n][out.count]. The prediction is the first largest. */
tp_score tp_score_of(const tp_session *session, const int8_t *y,
                     const tp_targets *targets, size_t first, size_t n);

/* "accuracy 90.10 % (901 of 1000)" or "mean squared error 0.0123". */
const char *tp_score_text(tp_arena *arena, const tp_session *session,
                          const tp_score *score);
/* The one number: percent, or the error. */
double tp_score_number(const tp_session *session, const tp_score *score);
cJSON *tp_score_json(const tp_session *session, const tp_score *score);
bool tp_score_worse(const tp_session *session, const tp_score *now,
                    const tp_score *before);

#endif
