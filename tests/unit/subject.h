/* A small model with adapters as integers that train, and the same model as
 * reals: what tests of whole training steps are about. Any mistake on the way
 * fails the test. */
#ifndef TP_TESTS_SUBJECT_H
#define TP_TESTS_SUBJECT_H

#include "compiler/plan/interpret.h"
#include "tests/unit/float_model.h"
#include "tests/unit/small_models.h"

typedef struct tp_adapted {
    const char *name;
    void (*make)(tp_maker *m); /* NULL: a random graph */
    const char *spec[3];
} tp_adapted;

typedef struct tp_subject {
    const char *name;
    tp_arena arena;
    tp_diag diag;
    tp_graph graph;
    tp_graph plain; /* the same before the last pass, fold */
    tp_plan plan;
    tp_interpreter run;
    tp_ctx ctx;
    tp_float_model real; /* of `plain` */
    uint32_t rng;
    uint8_t *x;
    uint8_t *target;
} tp_subject;

/* Compiled, with a random sample and random weights, and a loss without label
 * smoothing. False, and nothing to close, where the adapters do not fit a
 * random graph or that has more than 16 outputs. */
bool tp_subject_open(tp_subject *s, const tp_adapted *a, uint32_t seed);
void tp_subject_close(tp_subject *s);

void tp_subject_ok(const tp_subject *s, tp_status status);

/* Another random sample. */
void tp_subject_draw(tp_subject *s);

/* The gradient of the sample, at the scales to which training would come.
 * Returns the loss. */
double tp_subject_settle(tp_subject *s);

/* The float model with the sample and the adapter's weights. */
void tp_subject_read(tp_subject *s);

/* Moves the float model, which has been read, to the integers' activations.
 * Each op is then within one step of its integers: half a step of rounding, and
 * as much where TensorFlow Lite, or a head, rounds twice. */
void tp_subject_anchor(tp_subject *s);

/* The tensor of `plain` that a parameter is. */
int tp_subject_param(const tp_subject *s, const tp_param *param);

#endif
