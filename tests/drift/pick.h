#ifndef TP_TEST_DRIFT_PICK_H
#define TP_TEST_DRIFT_PICK_H

#include "tests/accuracy/people.h"
#include "tinypeft/drift.h"

/* The features that tell people apart the most while they do the same, on those
 * who are not held out in the fold; none that says nearly what another one
 * does. False: memory ran out. */
bool tp_dr_pick(const tp_people *people, int fold, tp_drift_sum *sum, int n);

#endif
