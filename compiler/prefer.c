/* Which candidate to learn with: for `tinypeft plan`, `report` and
 * `train --method auto` alike. */
#include <math.h>

#include "compiler/search.h"

/* Percent. Means over five speakers differ by so much from one choice of
 * recordings to the next (docs/numerics.md, 8): gaps within it say nothing, and
 * then the smaller adapter is the safer one. */
#define NOISE 1.0

const int tp_shots[TP_SHOTS] = {1, 2, 5, 10, 20};

/* The largest column that does not promise more than so many samples give. */
static int column_of(int64_t shots) {
    int column = 0;
    while (column + 1 < TP_SHOTS && tp_shots[column + 1] <= shots) {
        column++;
    }
    return column;
}

int tp_shots_known(int64_t shots) {
    return tp_shots[column_of(shots)];
}

double tp_choice_expects(const tp_choice *choice, int64_t shots) {
    return choice->expected[column_of(shots)];
}

/* What the best is expected to reach; NaN: nothing is known of any. */
static double best_of(const tp_choice *choice, int n, int64_t shots) {
    double best = NAN;
    for (int i = 0; i < n; i++) {
        best = choice[i].fits ? fmax(best, tp_choice_expects(&choice[i], shots))
                              : best;
    }
    return best;
}

static bool is_smaller(const tp_choice *a, const tp_choice *b) {
    if (a->delta != b->delta) {
        return a->delta < b->delta;
    }
    return a->update_cost != b->update_cost ? a->update_cost < b->update_cost
                                            : a->ram < b->ram;
}

const tp_choice *tp_choice_prefer(const tp_choice *choice, int n,
                                  int64_t shots) {
    const double best = best_of(choice, n, shots);
    const double ties = best - NOISE + 1e-9; /* 99.0 - 1 may be below 98.0 */
    const tp_choice *found = NULL;
    for (int i = 0; i < n; i++) {
        const tp_choice *c = &choice[i];
        const bool good = isnan(best) || tp_choice_expects(c, shots) > ties;
        if (c->fits && good && (found == NULL || is_smaller(c, found))) {
            found = c;
        }
    }
    return found;
}
