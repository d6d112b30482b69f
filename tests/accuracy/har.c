/* Table C: activities of people who were not there when the base was trained
 * (tests/accuracy/people.h). Each person held out gives k windows an activity,
 * and is tested on a test set of its own, about a hundred windows. */
#include <stdlib.h>

#include "tests/accuracy/people.h"

/* The last layer is trained where it is, from what it knows: a branch of rank
 * six, which is its full rank, and its bias. A head of its own would start from
 * nothing. */
#define LAST "fc1=lora:rank=6", "fc1=bitfit"
/* a small perceptron asks for a small rate */
#define RECIPE                                                                 \
    { .lr = 0.03125 }

static const tp_acc_method methods[] = {
    {.name = "before", .demand = {92}, .reference = {93}, .brief = true},
    {.name = "last layer",
     .spec = {LAST},
     .recipe = RECIPE,
     .demand = {94, 0, 0},
     .reference = {95.4, 0, 0},
     .brief = true},
    {.name = "bitfit",
     .spec = {"*=bitfit"},
     .recipe = RECIPE,
     .demand = {94.5, 0, 0},
     .reference = {95.5, 0, 0},
     .brief = true},
    {.name = "lora r4",
     .spec = {"*=lora:rank=4", "*=bitfit"},
     .recipe = RECIPE,
     .demand = {93.1, 96.1, 96.9},
     .reference = {94.1, 97.1, 97.9},
     .brief = true},
    {.name = "lora-fa r4",
     .spec = {"*=lora-fa:rank=4", "*=bitfit"},
     .recipe = RECIPE,
     .brief = true},
};

/* --- samples of one held-out person --------------------------------------- */

static int shots(const void *data, int person, int split, int k,
                 tp_acc_sample *out) {
    const tp_people *h = data;
    const tp_person_set *s = &h->train[person];
    uint16_t order[TP_MOST_WINDOWS];
    int left[TP_ACTIVITIES];
    int n = 0;
    for (int c = 0; c < TP_ACTIVITIES; c++) {
        left[c] = k;
    }
    tp_train_order(order, (uint32_t)s->n, (uint32_t)split, 0);
    for (int i = 0; i < s->n; i++) {
        const uint8_t label = s->label[order[i]];
        if (left[label] > 0) {
            left[label]--;
            out[n++] =
                (tp_acc_sample){s->q + (size_t)order[i] * TP_MLP_IN, label};
        }
    }
    return n;
}

static int tests(const void *data, int person, tp_acc_sample *out) {
    const tp_people *h = data;
    const tp_person_set *s = &h->test[person];
    for (int i = 0; i < s->n; i++) {
        out[i] = (tp_acc_sample){s->q + (size_t)i * TP_MLP_IN, s->label[i]};
    }
    return s->n;
}

bool tp_acc_har(const tp_acc_options *options, tp_acc_report *report) {
    static tp_people h;
    tp_fold folds[TP_FOLDS] = {{.people = NULL}};
    tp_acc_base base[TP_FOLDS];
    const tp_acc_grid grid = {
        .table = "C",
        .title = "C: activities of people that the base never saw, percent",
        .method = methods,
        .n_methods = sizeof methods / sizeof methods[0],
        .k = {1, 5, 10},
        .people = TP_PEOPLE,
        .most_samples = TP_MOST_WINDOWS,
        .base = base,
        .n_bases = TP_FOLDS,
        .data = &h,
        .shots = shots,
        .tests = tests};
    if (!tp_acc_listed(options->tables, grid.table)) {
        return true;
    }
    const bool ok = tp_people_load(&h, options->data) &&
                    tp_people_bases(&h, folds, base, options->threads) &&
                    tp_acc_grid_run(&grid, options, report);
    for (int f = 0; f < TP_FOLDS; f++) {
        free(folds[f].tflite);
    }
    tp_people_unload(&h);
    return ok;
}
