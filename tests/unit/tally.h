/* Truth link: float model and finite differences -> what a whole training step
 * computes. The gradient that lands in the accumulator of each parameter is
 * compared with central differences of the loss of float_model.h. */
#ifndef TP_TESTS_TALLY_H
#define TP_TESTS_TALLY_H

#include "tests/unit/subject.h"

/* What each tensor must reach, and what they did. */
typedef struct tp_tally {
    double error, cosine, gain; /* at most, at least, within 1 +- */
    double worst_error, worst_cosine, worst_gain;
    double sum_error, sum_gain;
    int compared, zero;
    int beyond;              /* tensors that miss a bound: in nothing else */
    int far;                 /* errors beyond 5 % */
    bool met[TP_KIND_COUNT]; /* backward ops, and what their attr.of names */
} tp_tally;

/* Compares the gradients of all parameters of a subject that is settled and
 * read. */
void tp_tally_params(tp_tally *t, const tp_subject *s);

/* Settles, reads and anchors the subject, then compares. */
void tp_tally_anchored(tp_tally *t, tp_subject *s);

/* The means show a rule that is a little off, where the bounds of a tensor
 * leave room for one. And fewer than one gradient for eight others may be 0.
 *   error  mean of the tensors' largest errors, at most
 *   far    share of errors beyond 5 %, at most
 *   gain   mean gain, within 1 +- gain */
void tp_tally_check(const tp_tally *t, double error, double far, double gain);

#endif
