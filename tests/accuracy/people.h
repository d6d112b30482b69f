/* People and what their phones measured while they did one of six things: UCI
 * HAR, 22 people, 265 features. Cross-validation: in turn every fourth person
 * is held out, and a perceptron 265-64-6 is trained on the others in float32,
 * quantised to int8 and written as a .tflite. */
#ifndef TP_TEST_ACCURACY_PEOPLE_H
#define TP_TEST_ACCURACY_PEOPLE_H

#include "tests/accuracy/accuracy.h"
#include "tests/accuracy/mlp.h"

enum {
    TP_PEOPLE = 22,
    TP_FOLDS = 4, /* person p is held out in p % TP_FOLDS */
    TP_ACTIVITIES = 6,
    TP_MOST_WINDOWS = 400
};

/* One set of one person: float32 as published, and int8. */
typedef struct tp_person_set {
    float *x;  /* [n][TP_MLP_IN] */
    int8_t *q; /* likewise */
    uint8_t *label;
    int n;
} tp_person_set;

typedef struct tp_people {
    tp_person_set train[TP_PEOPLE], test[TP_PEOPLE];
} tp_people;

/* What is wrong is printed. */
bool tp_people_load(tp_people *people, const char *folder);
void tp_people_unload(tp_people *people);

/* A fold's base, and what it does in float32 for those held out. */
typedef struct tp_fold {
    const tp_people *people;
    uint8_t *tflite; /* to be freed */
    size_t n;
    int right, total;
} tp_fold;

/* False: memory ran out. */
bool tp_people_bases(const tp_people *people, tp_fold fold[TP_FOLDS],
                     tp_acc_base base[TP_FOLDS], int threads);

#endif
