/* Table C: activities of people who were not there when the base was trained.
 * UCI HAR: 22 people, 265 features of their phones' sensors, six activities.
 * Cross-validation: in turn every fourth person is held out. On the others a
 * perceptron 265-64-6 is trained in float32, quantised to int8 and written as
 * a .tflite. Each person held out gives k windows an activity, and is tested
 * on a test set of its own, about a hundred windows. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests/accuracy/accuracy.h"
#include "tests/accuracy/mlp.h"

enum { PEOPLE = 22, FOLDS = 4, ACTIVITIES = 6, MOST = 400 };

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

/* One set of one person: float32 as published, and int8. */
typedef struct set {
    float *x;  /* [n][TP_MLP_IN] */
    int8_t *q; /* likewise */
    uint8_t *label;
    int n;
} set;

typedef struct har {
    set train[PEOPLE], test[PEOPLE];
} har;

/* --- the files ------------------------------------------------------------ */

/* The numbers of a text file; how many, at most `most`. */
static int numbers(const char *folder, const char *name, float *out, int most) {
    size_t bytes = 0;
    char *text = (char *)tp_acc_read(folder, name, &bytes);
    int n = 0;
    for (char *p = text; p != NULL && n < most; n++) {
        char *end = NULL;
        out[n] = strtof(p, &end);
        if (end == p) {
            break;
        }
        p = end;
    }
    free(text);
    return n;
}

static bool load_set(const char *folder, int person, const char *which,
                     set *s) {
    char name[64];
    float label[MOST];
    const size_t values = (size_t)MOST * TP_MLP_IN;
    s->x = malloc(values * sizeof *s->x);
    s->q = malloc(values);
    s->label = malloc(MOST);
    if (s->x == NULL || s->q == NULL || s->label == NULL) {
        return false;
    }
    (void)snprintf(name, sizeof name, "har/subject-%02d/%s_y.txt", person + 1,
                   which);
    s->n = numbers(folder, name, label, MOST);
    (void)snprintf(name, sizeof name, "har/subject-%02d/%s_x.txt", person + 1,
                   which);
    const int n = numbers(folder, name, s->x, (int)values);
    for (int i = 0; i < s->n; i++) {
        s->label[i] = (uint8_t)(label[i] - 1.0f); /* 1..6 there */
    }
    for (int i = 0; i < n; i++) {
        const float q = roundf(s->x[i] / TP_MLP_X_SCALE);
        s->q[i] = (int8_t)fmaxf(-128.0f, fminf(127.0f, q));
    }
    return s->n > 0 && n == s->n * TP_MLP_IN;
}

static bool load(har *h, const char *folder) {
    bool ok = true;
    for (int p = 0; ok && p < PEOPLE; p++) {
        ok = load_set(folder, p, "train", &h->train[p]) &&
             load_set(folder, p, "test", &h->test[p]);
    }
    if (!ok) {
        (void)fprintf(stderr, "accuracy: %s has no complete har\n", folder);
    }
    return ok;
}

static void unload(har *h) {
    for (int p = 0; p < PEOPLE; p++) {
        set *both[2] = {&h->train[p], &h->test[p]};
        for (int i = 0; i < 2; i++) {
            free(both[i]->x);
            free(both[i]->q);
            free(both[i]->label);
        }
    }
}

/* --- samples of one held-out person --------------------------------------- */

static int shots(const void *data, int person, int split, int k,
                 tp_acc_sample *out) {
    const har *h = data;
    const set *s = &h->train[person];
    uint16_t order[MOST];
    int left[ACTIVITIES];
    int n = 0;
    for (int c = 0; c < ACTIVITIES; c++) {
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
    const har *h = data;
    const set *s = &h->test[person];
    for (int i = 0; i < s->n; i++) {
        out[i] = (tp_acc_sample){s->q + (size_t)i * TP_MLP_IN, s->label[i]};
    }
    return s->n;
}

/* --- the base ------------------------------------------------------------- */

/* A fold's base, and what it does in float32 for those held out. */
typedef struct fold {
    const har *h;
    uint8_t *tflite;
    size_t n;
    int right, total;
} fold;

/* Both sets of everybody outside the fold. */
static tp_mlp_data of_others(const har *h, int f, float *x, uint8_t *label) {
    int n = 0;
    for (int p = 0; p < 2 * PEOPLE; p++) {
        const set *s = p % 2 == 0 ? &h->train[p / 2] : &h->test[p / 2];
        if (p / 2 % FOLDS == f) {
            continue;
        }
        memcpy(x + (size_t)n * TP_MLP_IN, s->x,
               (size_t)s->n * TP_MLP_IN * sizeof *x);
        memcpy(label + n, s->label, (size_t)s->n);
        n += s->n;
    }
    return (tp_mlp_data){x, label, n};
}

static void measure(fold *to, int f, const tp_mlp *mlp) {
    for (int p = f; p < PEOPLE; p += FOLDS) {
        const set *s = &to->h->test[p];
        for (int i = 0; i < s->n; i++) {
            to->right +=
                tp_mlp_class(mlp, s->x + (size_t)i * TP_MLP_IN) == s->label[i];
        }
        to->total += s->n;
    }
}

static void make_base(void *arg, int f) {
    fold *to = (fold *)arg + f;
    const size_t most = (size_t)2 * PEOPLE * MOST;
    float *x = malloc(most * TP_MLP_IN * sizeof *x);
    uint8_t *label = malloc(most);
    tp_mlp *mlp = malloc(3 * sizeof *mlp);
    if (x != NULL && label != NULL && mlp != NULL) {
        const tp_mlp_data data = of_others(to->h, f, x, label);
        tp_mlp_train(mlp, &data, 1);
        to->tflite = tp_mlp_tflite(mlp, &data, &to->n);
        measure(to, f, mlp);
    }
    free(x);
    free(label);
    free(mlp);
}

static bool make_bases(const har *h, fold *folds, tp_acc_base *base,
                       int threads) {
    bool ok = true;
    int right = 0;
    int total = 0;
    for (int f = 0; f < FOLDS; f++) {
        folds[f].h = h;
    }
    tp_acc_each(make_base, folds, FOLDS, threads);
    for (int f = 0; f < FOLDS; f++) {
        base[f] = (tp_acc_base){folds[f].tflite, folds[f].n};
        right += folds[f].right;
        total += folds[f].total;
        ok = ok && folds[f].tflite != NULL;
    }
    printf("\nC: before quantisation the bases, in float32, have %.2f %% of %d "
           "windows right\n",
           total > 0 ? 100.0 * right / total : 0.0, total);
    return ok;
}

bool tp_acc_har(const tp_acc_options *options, tp_acc_report *report) {
    static har h;
    fold folds[FOLDS] = {{.h = NULL}};
    tp_acc_base base[FOLDS];
    const tp_acc_grid grid = {
        .table = "C",
        .title = "C: activities of people that the base never saw, percent",
        .method = methods,
        .n_methods = sizeof methods / sizeof methods[0],
        .k = {1, 5, 10},
        .people = PEOPLE,
        .most_samples = MOST,
        .base = base,
        .n_bases = FOLDS,
        .data = &h,
        .shots = shots,
        .tests = tests};
    if (!tp_acc_listed(options->tables, grid.table)) {
        return true;
    }
    const bool ok = load(&h, options->data) &&
                    make_bases(&h, folds, base, options->threads) &&
                    tp_acc_grid_run(&grid, options, report);
    for (int f = 0; f < FOLDS; f++) {
        free(folds[f].tflite);
    }
    unload(&h);
    return ok;
}
