/* Inference of many samples on several threads, and how good the answers are.
 * Every sample is independent of the others and every sum is of integers, so
 * the numbers do not depend on the threads. */
#ifndef TP_CLI_PREDICT_H
#define TP_CLI_PREDICT_H

#include "cli/progress.h"
#include "cli/samples.h"

#define TP_THREADS_MAX 64

typedef struct tp_workers {
    int n;
    tp_ctx ctx[TP_THREADS_MAX]; /* one a thread */
} tp_workers;

/* n in [1, TP_THREADS_MAX]. */
TP_MUST_CHECK tp_status tp_workers_open(tp_diag *diag,
                                        const tp_interpreter *interpreter,
                                        int n, tp_workers *workers);

/*   adapter   [in] the weights to infer with; NULL where the model has none
 *   y         [out] [x->n][y_bytes]
 *   progress  NULL: none is shown */
void tp_workers_infer(tp_workers *workers, const uint8_t *adapter,
                      const tp_samples *x, int8_t *y, tp_progress *progress);

/* The first of the largest. */
size_t tp_argmax(const tp_port *port, const int8_t *y);

/* sum over i of (y[i] - t[i])^2, zero points being equal. */
uint64_t tp_square_error(const tp_port *port, const int8_t *y,
                         const int8_t *target);

#endif
