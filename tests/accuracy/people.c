#include "tests/accuracy/people.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

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
                     tp_person_set *s) {
    char name[64];
    float label[TP_MOST_WINDOWS];
    const size_t values = (size_t)TP_MOST_WINDOWS * TP_MLP_IN;
    s->x = malloc(values * sizeof *s->x);
    s->q = malloc(values);
    s->label = malloc(TP_MOST_WINDOWS);
    if (s->x == NULL || s->q == NULL || s->label == NULL) {
        return false;
    }
    (void)snprintf(name, sizeof name, "har/subject-%02d/%s_y.txt", person + 1,
                   which);
    s->n = numbers(folder, name, label, TP_MOST_WINDOWS);
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

bool tp_people_load(tp_people *h, const char *folder) {
    bool ok = true;
    for (int p = 0; ok && p < TP_PEOPLE; p++) {
        ok = load_set(folder, p, "train", &h->train[p]) &&
             load_set(folder, p, "test", &h->test[p]);
    }
    if (!ok) {
        (void)fprintf(stderr, "accuracy: %s has no complete har\n", folder);
    }
    return ok;
}

void tp_people_unload(tp_people *h) {
    for (int p = 0; p < TP_PEOPLE; p++) {
        tp_person_set *both[2] = {&h->train[p], &h->test[p]};
        for (int i = 0; i < 2; i++) {
            free(both[i]->x);
            free(both[i]->q);
            free(both[i]->label);
        }
    }
}

/* --- the bases ------------------------------------------------------------ */

/* Both sets of everybody outside the fold. */
static tp_mlp_data of_others(const tp_people *h, int f, float *x,
                             uint8_t *label) {
    int n = 0;
    for (int p = 0; p < 2 * TP_PEOPLE; p++) {
        const tp_person_set *s =
            p % 2 == 0 ? &h->train[p / 2] : &h->test[p / 2];
        if (p / 2 % TP_FOLDS == f) {
            continue;
        }
        memcpy(x + (size_t)n * TP_MLP_IN, s->x,
               (size_t)s->n * TP_MLP_IN * sizeof *x);
        memcpy(label + n, s->label, (size_t)s->n);
        n += s->n;
    }
    return (tp_mlp_data){x, label, n};
}

static void measure(tp_fold *to, int f, const tp_mlp *mlp) {
    for (int p = f; p < TP_PEOPLE; p += TP_FOLDS) {
        const tp_person_set *s = &to->people->test[p];
        for (int i = 0; i < s->n; i++) {
            to->right +=
                tp_mlp_class(mlp, s->x + (size_t)i * TP_MLP_IN) == s->label[i];
        }
        to->total += s->n;
    }
}

static void make_base(void *arg, int f) {
    tp_fold *to = (tp_fold *)arg + f;
    const size_t most = (size_t)2 * TP_PEOPLE * TP_MOST_WINDOWS;
    float *x = malloc(most * TP_MLP_IN * sizeof *x);
    uint8_t *label = malloc(most);
    tp_mlp *mlp = malloc(3 * sizeof *mlp);
    if (x != NULL && label != NULL && mlp != NULL) {
        const tp_mlp_data data = of_others(to->people, f, x, label);
        tp_mlp_train(mlp, &data, 1);
        to->tflite = tp_mlp_tflite(mlp, &data, &to->n);
        measure(to, f, mlp);
    }
    free(x);
    free(label);
    free(mlp);
}

bool tp_people_bases(const tp_people *h, tp_fold folds[TP_FOLDS],
                     tp_acc_base base[TP_FOLDS], int threads) {
    bool ok = true;
    int right = 0;
    int total = 0;
    for (int f = 0; f < TP_FOLDS; f++) {
        folds[f].people = h;
    }
    tp_acc_each(make_base, folds, TP_FOLDS, threads);
    for (int f = 0; f < TP_FOLDS; f++) {
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
