/* Drift on real data (docs/numerics.md, "Drift"): prints what is found and how
 * often it is said in vain.
 *
 *   drift [--short]         two adapters, half of the streams: what CI runs
 *         [--threads N] [--svg FILE] [--curve]
 *
 * A stream is of one user, drawn again and again from recordings disturbed in
 * gain and noise; b0 draws each sample independently, b900 repeats the class
 * with a probability of 0.9. The first 512 samples calibrate, then come either
 * 20,000 in which nothing changes, 20 times, or 200 and then those of another
 * user, 20 times for each ordered pair. False alarms are counted until the
 * first one of a stream. --curve prints all thresholds.
 *
 * Ends with 1 where a row misses what it has to reach, with 2 where a table
 * cannot be made. The data are in $TINYPEFT_DATA, else ../shared/data. */
#include <stdlib.h>
#include <string.h>

#include "tests/drift/drift.h"

enum { ROWS = 5 };
#define RARE .most_false = 1, .worst_false = 3

static bool given(int argc, char **argv, const char *name) {
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], name) == 0) {
            return true;
        }
    }
    return false;
}

static const char *value(int argc, char **argv, const char *name) {
    for (int i = 1; i + 1 < argc; i++) {
        if (strcmp(argv[i], name) == 0) {
            return argv[i + 1];
        }
    }
    return NULL;
}

/* For each threshold: itself, false alarms in 10^5, percent found within 60,
 * median delay. */
static void print_curve(const tp_dr_row *row) {
    tp_dr_tally *sum = tp_dr_sum(row);
    for (int i = 0; sum != NULL && i < TP_DR_LEVELS; i++) {
        printf("%-12s %7.0f %8.2f %7.2f %4d\n", row->name,
               tp_dr_level(row->changed, i), tp_dr_false(sum, i),
               tp_dr_found(sum, i, TP_DR_SOON), tp_dr_quantile(sum, i, 0.5));
    }
    free(sum);
}

int main(int argc, char **argv) {
    tp_dr_row row[ROWS] = {
        {.name = "single b0", RARE, .least_found = 99, .most_median = 12},
        {.name = "single b900", .least_found = 97, .most_median = 20},
        {.name = "loo b0", RARE, .least_found = 99, .most_median = 12},
        {.name = "loo b900", .least_found = 97, .most_median = 20},
        {.name = "HAR b0", .most_false = 1, .least_found = 95},
    };
    const char *folder = getenv("TINYPEFT_DATA");
    const char *threads = value(argc, argv, "--threads");
    const char *svg = value(argc, argv, "--svg");
    const tp_acc_options options = {
        .data = folder != NULL ? folder : "../shared/data",
        .clip = 1,
        .seed = 1,
        .people = 2,
        .threads = threads != NULL ? atoi(threads) : 2,
        .brief = given(argc, argv, "--short")};
    if (!tp_dr_speech(&options, row) || !tp_dr_people(&options, &row[4])) {
        return 2;
    }
    const int missed = tp_dr_print(row, ROWS, &tp_dr_speech_config);
    for (int i = 0; i < ROWS; i++) {
        if (row[i].cells > 0 && given(argc, argv, "--curve")) {
            print_curve(&row[i]);
        }
    }
    if (svg != NULL && !tp_dr_picture(row, ROWS, svg)) {
        (void)fprintf(stderr, "drift: %s cannot be written\n", svg);
        return 2;
    }
    for (int i = 0; i < ROWS; i++) {
        free(row[i].cell);
    }
    printf("\n%d %s what it has to reach\n", missed,
           missed == 1 ? "row misses" : "rows miss");
    return missed > 0;
}
