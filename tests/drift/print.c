#include <stdlib.h>

#include "tests/drift/drift.h"

enum { BINS = 4 };

/* Sums over the cells of a row. */
static tp_dr_tally *sum_pairs(const tp_dr_row *row, bool harmful, double least,
                              double below) {
    tp_dr_tally *sum = calloc(1, sizeof *sum);
    for (int i = 0; sum != NULL && i < row->cells; i++) {
        const tp_dr_cell *cell = &row->cell[i];
        for (int p = 0; p < cell->pairs; p++) {
            if (cell->drop[p] >= least && cell->drop[p] < below) {
                tp_dr_add(sum, harmful ? &cell->pair[p].harmful
                                       : &cell->pair[p].changed);
            }
        }
    }
    return sum;
}

/* False alarms in 10^5: the mean over users, and the worst one's. */
static void false_of(const tp_dr_row *row, bool harmful, int level,
                     double out[2]) {
    int n = 0;
    out[0] = out[1] = 0;
    for (int i = 0; i < row->cells; i++) {
        const tp_dr_cell *cell = &row->cell[i];
        if (cell->used) {
            const double rate = tp_dr_false(
                harmful ? &cell->still.harmful : &cell->still.changed, level);
            out[0] += rate;
            out[1] = rate > out[1] ? rate : out[1];
            n++;
        }
    }
    out[0] /= n > 0 ? n : 1;
}

tp_dr_tally *tp_dr_sum(const tp_dr_row *row) {
    tp_dr_tally *sum = sum_pairs(row, false, -1e9, 1e9);
    for (int i = 0; sum != NULL && i < row->cells; i++) {
        tp_dr_add(sum, &row->cell[i].still.changed);
    }
    return sum;
}

static double session_of(const tp_dr_row *row) {
    tp_dr_tally *sum = calloc(1, sizeof *sum);
    double found = 0;
    for (int i = 0; sum != NULL && i < row->cells; i++) {
        tp_dr_add(sum, &row->cell[i].session.changed);
    }
    if (sum != NULL) {
        found = tp_dr_found(sum, TP_DR_MIDDLE, TP_DR_SOON);
    }
    free(sum);
    return found;
}

static int print_row(const tp_dr_row *row) {
    double rate[2];
    tp_dr_tally *sum = tp_dr_sum(row);
    if (sum == NULL) {
        return 1;
    }
    false_of(row, false, TP_DR_MIDDLE, rate);
    const double found = tp_dr_found(sum, TP_DR_MIDDLE, TP_DR_SOON);
    const int median = tp_dr_quantile(sum, TP_DR_MIDDLE, 0.5);
    const bool missed = (row->most_false > 0 && rate[0] > row->most_false) ||
                        (row->worst_false > 0 && rate[1] > row->worst_false) ||
                        (row->least_found > 0 && found < row->least_found) ||
                        (row->most_median > 0 && median > row->most_median);
    printf("%-12s %6.2f %6.2f %9.2f %7d %5d %12.1f%s\n", row->name, rate[0],
           rate[1], found, median, tp_dr_quantile(sum, TP_DR_MIDDLE, 0.9),
           session_of(row), missed ? "  MISSED" : "");
    free(sum);
    return missed;
}

/* One line: what the two alarms say where accuracy falls so far. */
static void print_drop(const tp_dr_row *row, double least, double below) {
    tp_dr_tally *changed = sum_pairs(row, false, least, below);
    tp_dr_tally *harmful = sum_pairs(row, true, least, below);
    if (changed != NULL && harmful != NULL) {
        double runs = 0;
        for (int i = 0; i <= TP_DR_HORIZON; i++) {
            runs += harmful->delay[TP_DR_MIDDLE][i];
        }
        if (runs > 0) {
            printf("%-12s %4.0f..%-4.0f %6.0f %10.1f %10.1f %10.1f\n",
                   row->name, least, below, runs,
                   tp_dr_found(changed, TP_DR_MIDDLE, TP_DR_SOON),
                   tp_dr_found(harmful, TP_DR_MIDDLE, TP_DR_SOON),
                   tp_dr_found(harmful, TP_DR_MIDDLE, TP_DR_HORIZON - 1));
        }
    }
    free(changed);
    free(harmful);
}

int tp_dr_print(const tp_dr_row *row, int rows, const tp_drift_config *config) {
    static const double bin[BINS + 1] = {-100, 10, 20, 30, 100};
    int missed = 0;
    printf("\nchanged: false alarms in 10^5 samples, percent of changes found "
           "within %d\nsamples, delay; and percent of new sessions of the same "
           "user that alarm\n%-12s %6s %6s %9s %7s %5s %12s\n",
           TP_DR_SOON, "", "mean", "worst", "found", "median", "90 %",
           "new session");
    for (int i = 0; i < rows; i++) {
        missed += row[i].cells > 0 ? print_row(&row[i]) : 0;
    }
    printf("\nstate: %u bytes\n",
           (unsigned)TP_DRIFT_BYTES(config->features, config->classes));
    printf("\nharmful: percent found, by the points of accuracy that the "
           "change costs\n%-12s %-10s %6s %10s %10s %10s\n",
           "", "points", "runs", "changed 60", "harmful 60", "in 400");
    for (int i = 0; i < rows; i++) {
        double rate[2];
        for (int b = BINS - 1; row[i].cells > 0 && b >= 0; b--) {
            print_drop(&row[i], bin[b], bin[b + 1]);
        }
        if (row[i].cells > 0) {
            false_of(&row[i], true, TP_DR_MIDDLE, rate);
            printf("%-12s false alarms in 10^5: mean %.2f, worst %.2f\n",
                   row[i].name, rate[0], rate[1]);
        }
    }
    return missed;
}
