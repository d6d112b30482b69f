/* What the tables of accuracy share: methods, samples, training of one model
 * on some samples, many such runs at once, and rows of results. */
#ifndef TP_TEST_ACCURACY_H
#define TP_TEST_ACCURACY_H

#include <stdio.h>

#include "compiler/compiler.h"
#include "tinypeft/train.h"

enum { TP_ACC_SPECS = 6, TP_ACC_KS = 3, TP_ACC_MOST_METHODS = 40 };

/* How a method trains; what is 0 is that of tp_acc_recipe(). */
typedef struct tp_acc_recipe {
    double lr, momentum; /* momentum below 0: none */
    int batch, updates;
    tp_state_kind state;
} tp_acc_recipe;

/* One row of a table. Figures stand by the table's k; 0: none. */
typedef struct tp_acc_method {
    const char *name;
    const char *spec[TP_ACC_SPECS]; /* none: the base, not trained */
    tp_acc_recipe recipe;
    double demand[TP_ACC_KS];    /* lowest mean that passes */
    double reference[TP_ACC_KS]; /* what the float32 simulation reached */
    bool brief;                  /* part of the short run */
} tp_acc_method;

typedef struct tp_acc_sample {
    const int8_t *x;
    uint8_t label;
} tp_acc_sample;

typedef struct tp_acc_options {
    const char *data; /* folder */
    const char *tables, *ks, *methods;
    tp_acc_method custom; /* of --spec: measured alone, demands nothing */
    tp_acc_recipe recipe; /* overrides what is not 0 */
    double clip;
    uint32_t seed;
    int people, splits, threads;
    bool brief;
} tp_acc_options;

typedef struct tp_acc_report {
    FILE *json; /* or NULL */
    int rows, missed;
} tp_acc_report;

/* A .tflite file. */
typedef struct tp_acc_base {
    const uint8_t *tflite;
    size_t n;
} tp_acc_base;

/* A compiled method and how it trains. */
typedef struct tp_acc_model {
    tp_acc_base base;
    tp_compile_options options;
    tp_plan plan;
    tp_interpreter interpreter;
    tp_train_config config;
} tp_acc_model;

/* --- files ---------------------------------------------------------------- */

/* A whole file, to be freed, with a 0 behind it; NULL: there is none. */
uint8_t *tp_acc_read(const char *folder, const char *name, size_t *n);

/* "word" is in the list "a,word,b"; NULL is a list of all words. */
bool tp_acc_listed(const char *list, const char *word);

/* --- one run -------------------------------------------------------------- */

/* Compiles a .tflite file with a method's adapters; what is wrong is printed.
 */
bool tp_acc_compile(tp_arena *arena, const tp_acc_base *base,
                    const tp_acc_method *method, const tp_acc_options *options,
                    tp_acc_model *model);

/* Trains on n samples, in an order that is drawn anew with each pass;
 * *undone counts updates that the guard undid. */
TP_MUST_CHECK tp_status tp_acc_train(const tp_ctx *ctx,
                                     const tp_train_config *config,
                                     const tp_acc_sample *sample, uint32_t n,
                                     int *undone);

/* For sparse adapters that want it: which weights, by the gradients of these
 * samples. Of others nothing changes. */
TP_MUST_CHECK tp_status tp_acc_choose(tp_arena *arena,
                                      const tp_acc_model *model,
                                      const tp_ctx *ctx,
                                      const tp_acc_sample *sample, int n);

/* How many of n samples get their label. */
int tp_acc_right(const tp_ctx *ctx, const tp_acc_sample *sample, int n);

/* --- many runs ------------------------------------------------------------ */

/* work(arg, i) for each i < n on some threads; the progress on stderr. */
void tp_acc_each(void (*work)(void *arg, int i), void *arg, int n, int threads);

/* Percentages of several runs. */
typedef struct tp_acc_tally {
    double sum, lowest;
    int runs, undone;
} tp_acc_tally;

void tp_acc_count(tp_acc_tally *tally, double percent, int undone);

typedef struct tp_acc_row {
    const char *table, *name;
    int k;
    uint32_t values, bytes; /* trained parameters; bytes of the adapter */
    tp_acc_tally tally;
    double demand, reference;
} tp_acc_row;

/* The title and the head of a table's columns. */
void tp_acc_print_head(const char *title);
/* One row; a mean below what is demanded is counted as missed. */
void tp_acc_print_row(tp_acc_report *report, const tp_acc_row *row);

/* --- a grid: every method, for every k, split and person ------------------ */

typedef struct tp_acc_grid {
    const char *table, *title;
    const tp_acc_method *method;
    int n_methods;
    int k[TP_ACC_KS];
    int people;
    int most_samples;        /* that shots() or tests() write */
    const tp_acc_base *base; /* that of a person is base[person % n_bases] */
    int n_bases;
    const void *data; /* for the two functions, which return how many */
    int (*shots)(const void *data, int person, int split, int k,
                 tp_acc_sample *out);
    int (*tests)(const void *data, int person, tp_acc_sample *out);
} tp_acc_grid;

/* False: a method's spec is refused, or memory ran out. */
bool tp_acc_grid_run(const tp_acc_grid *grid, const tp_acc_options *options,
                     tp_acc_report *report);

/* --- the tables: false where they cannot be made -------------------------- */

bool tp_acc_speech(const tp_acc_options *options, tp_acc_report *report);
bool tp_acc_har(const tp_acc_options *options, tp_acc_report *report);

#endif
