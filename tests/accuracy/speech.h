/* The recordings of spoken digits: five speakers, ten digits, fifty clips
 * each, as the features that the keyword spotter takes. */
#ifndef TP_TEST_ACCURACY_SPEECH_H
#define TP_TEST_ACCURACY_SPEECH_H

#include "tests/accuracy/accuracy.h"

enum {
    TP_SPEAKERS = 5,
    TP_DIGITS = 10,
    TP_CLIPS = 50, /* of one digit: the first TP_TESTS are for testing */
    TP_FEATURES = 490,
    TP_TESTS = 20
};

typedef struct tp_speech {
    int8_t *clip[TP_SPEAKERS]; /* [TP_DIGITS][TP_CLIPS][TP_FEATURES] */
    uint8_t *tflite;           /* the keyword spotter, */
    tp_acc_base base;          /* the same */
} tp_speech;

/* shots(k, split) of the numerics notes; k a digit. Return how many. */
int tp_speech_shots(const tp_speech *speech, int speaker, int split, int k,
                    tp_acc_sample *out);
int tp_speech_tests(const tp_speech *speech, int speaker, tp_acc_sample *out);

/* Table B: see personal.c. */
bool tp_acc_personal(const tp_speech *speech, const tp_acc_options *options,
                     tp_acc_report *report);

#endif
