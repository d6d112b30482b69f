/* Accuracy of adapters trained in integers, on real data, against what is
 * demanded (docs/numerics.md): prints a table for each question.
 *
 *   accuracy [--tables A1,A2,B,C] [--methods head,bitfit,..] [--k 5,10,20]
 *            [--people N] [--splits N] [--seed N] [--threads N] [--json FILE]
 *            [--short]             few rows, one k: what CI runs
 *            [--spec SPEC]...      measure these adapters instead
 *            [--lr F] [--momentum F] [--batch N] [--updates N] [--clip F]
 *            [--state momentum|accumulate|online]   for every row
 *
 * Ends with 1 where a mean is below what is demanded, with 2 where a table
 * cannot be made. The data are in $TINYPEFT_DATA, else ../shared/data. */
#include <stdlib.h>
#include <string.h>

#include "tests/accuracy/accuracy.h"

static const char *const known[] = {
    "--tables",  "--methods", "--k",        "--people", "--splits", "--seed",
    "--threads", "--json",    "--spec",     "--lr",     "--batch",  "--clip",
    "--updates", "--state",   "--momentum", NULL};

static const char *option(int argc, char **argv, const char *name,
                          const char *otherwise) {
    for (int i = 1; i + 1 < argc; i++) {
        if (strcmp(argv[i], name) == 0) {
            return argv[i + 1];
        }
    }
    return otherwise;
}

static double number(int argc, char **argv, const char *name, double other) {
    const char *text = option(argc, argv, name, NULL);
    return text != NULL ? atof(text) : other;
}

/* "" is a valid word for no kind at all. */
static bool state_of(const char *name, tp_state_kind *state) {
    for (int i = 0; i <= TP_STATE_ONLINE; i++) {
        if (i > 0 ? strcmp(tp_state_names[i], name) == 0 : name[0] == '\0') {
            *state = (tp_state_kind)i;
            return true;
        }
    }
    return false;
}

static bool check(int argc, char **argv) {
    for (int i = 1; i < argc; i++) {
        int at = 0;
        while (known[at] != NULL && strcmp(known[at], argv[i]) != 0) {
            at++;
        }
        if (strcmp(argv[i], "--short") != 0 &&
            (known[at] == NULL || ++i == argc)) {
            (void)fprintf(stderr, "accuracy: %s: unknown, or without a value\n",
                          argv[i < argc ? i : argc - 1]);
            return false;
        }
    }
    return true;
}

static bool parse(int argc, char **argv, tp_acc_options *o) {
    int n = 0;
    bool given_short = false;
    for (int i = 1; i < argc; i++) {
        given_short = given_short || strcmp(argv[i], "--short") == 0;
        if (strcmp(argv[i], "--spec") == 0 && n < TP_ACC_SPECS) {
            o->custom.spec[n++] = argv[++i];
        }
    }
    const char *folder = getenv("TINYPEFT_DATA");
    o->data = folder != NULL ? folder : "../shared/data";
    o->custom.name = "--spec";
    o->brief = given_short;
    o->tables = option(argc, argv, "--tables", given_short ? "A1,C" : NULL);
    o->ks = option(argc, argv, "--k", given_short ? "10" : NULL);
    o->methods = option(argc, argv, "--methods", NULL);
    o->recipe =
        (tp_acc_recipe){.lr = number(argc, argv, "--lr", 0),
                        .momentum = number(argc, argv, "--momentum", 0),
                        .batch = (int)number(argc, argv, "--batch", 0),
                        .updates = (int)number(argc, argv, "--updates", 0)};
    o->clip = number(argc, argv, "--clip", 1);
    o->seed = (uint32_t)number(argc, argv, "--seed", 1);
    o->people = (int)number(argc, argv, "--people", 1000);
    o->splits = (int)number(argc, argv, "--splits", 1);
    o->threads = (int)number(argc, argv, "--threads", 2);
    return o->people > 0 && o->splits > 0 &&
           state_of(option(argc, argv, "--state", ""), &o->recipe.state);
}

int main(int argc, char **argv) {
    tp_acc_options options = {0};
    tp_acc_report report = {0};
    if (!check(argc, argv) || !parse(argc, argv, &options)) {
        (void)fprintf(stderr, "accuracy: see the head of %s\n", __FILE__);
        return 2;
    }
    const char *path = option(argc, argv, "--json", NULL);
    report.json = path != NULL ? fopen(path, "w") : NULL;
    if (path != NULL && report.json == NULL) {
        (void)fprintf(stderr, "accuracy: %s cannot be written\n", path);
        return 2;
    }
    if (path != NULL) {
        (void)fprintf(report.json, "[");
    }
    const bool ok =
        tp_acc_speech(&options, &report) && tp_acc_har(&options, &report);
    if (path != NULL) {
        (void)fprintf(report.json, "]\n");
        (void)fclose(report.json);
    }
    printf("\n%d %s, %d below what is demanded%s\n", report.rows,
           report.rows == 1 ? "row" : "rows", report.missed,
           ok ? "" : "; not every table could be made");
    return ok ? report.missed > 0 : 2;
}
