#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/choose.h"
#include "tests/accuracy/accuracy.h"

enum { MOST_CLASSES = 256, MOST_SAMPLES = 65536, MOST_THREADS = 16 };

uint8_t *tp_acc_read(const char *folder, const char *name, size_t *n) {
    char path[1024];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        return NULL;
    }
    (void)fseek(file, 0, SEEK_END);
    *n = (size_t)ftell(file);
    rewind(file);
    uint8_t *bytes = malloc(*n + 1);
    if (bytes != NULL && fread(bytes, 1, *n, file) != *n) {
        free(bytes);
        bytes = NULL;
    }
    if (bytes != NULL) {
        bytes[*n] = 0;
    }
    (void)fclose(file);
    return bytes;
}

bool tp_acc_listed(const char *list, const char *word) {
    const size_t n = strlen(word);
    for (const char *p = list; p != NULL; p = strchr(p, ',')) {
        p += *p == ',';
        if (strncmp(p, word, n) == 0 && (p[n] == ',' || p[n] == '\0')) {
            return true;
        }
    }
    return list == NULL;
}

/* --- one run -------------------------------------------------------------- */

/* The first of the two that is set. */
static double either(double a, double b) {
    return a > 0.0 || a < 0.0 ? a : b;
}

static tp_train_config configure(const tp_acc_recipe *method,
                                 const tp_acc_options *options) {
    const tp_acc_recipe *given = &options->recipe;
    const double lr = either(given->lr, either(method->lr, 0.125));
    const double m = either(given->momentum, either(method->momentum, 0.9));
    tp_train_config c = TP_TRAIN_DEFAULTS;
    c.lr_q15 = (uint16_t)(lr * 32768.0 + 0.5);
    c.momentum_q15 = (uint16_t)(m > 0.0 ? m * 32768.0 + 0.5 : 0.0);
    c.clip_q12 = (uint16_t)(options->clip * 4096.0 + 0.5);
    c.batch = (uint16_t)either(given->batch, either(method->batch, 16));
    c.updates = (uint32_t)either(given->updates, either(method->updates, 220));
    c.seed = options->seed;
    return c;
}

static int count_specs(const tp_acc_method *method) {
    int n = 0;
    while (n < TP_ACC_SPECS && method->spec[n] != NULL) {
        n++;
    }
    return n;
}

bool tp_acc_compile(tp_arena *arena, const tp_acc_base *base,
                    const tp_acc_method *method, const tp_acc_options *options,
                    tp_acc_model *model) {
    tp_diag diag = {.arena = arena};
    const tp_state_kind state = options->recipe.state != TP_STATE_NONE
                                    ? options->recipe.state
                                    : method->recipe.state;
    const tp_compile_options compile = {.name = "base",
                                        .spec = method->spec,
                                        .n_specs = count_specs(method),
                                        .state = state};
    const bool ok = tp_compile(arena, base->tflite, base->n, &compile,
                               &model->plan, &diag) == TP_OK;
    for (int i = 0; i < diag.count; i++) {
        (void)fprintf(stderr, "accuracy: %s: %s\n", method->name,
                      diag.message[i].text);
    }
    if (ok) {
        tp_interpreter_init(&model->interpreter, &model->plan);
        model->base = *base;
        model->options = compile;
        model->config = configure(&method->recipe, options);
    }
    return ok;
}

tp_status tp_acc_train(const tp_ctx *ctx, const tp_train_config *config,
                       const tp_acc_sample *sample, uint32_t n, int *undone) {
    uint16_t order[MOST_SAMPLES];
    TP_TRY(tp_train_begin(ctx, config));
    const uint32_t total = config->updates * config->batch;
    for (uint32_t i = 0; i < total; i++) {
        if (i % n == 0) {
            tp_train_order(order, n, config->seed, i / n);
        }
        const tp_acc_sample *s = &sample[order[i % n]];
        const tp_status status = tp_train_sample(ctx, s->x, &s->label);
        *undone += status == TP_ERR_UNDONE;
        if (status != TP_OK && status != TP_ERR_UNDONE) {
            return status;
        }
    }
    return TP_OK;
}

tp_status tp_acc_choose(tp_arena *arena, const tp_acc_model *model,
                        const tp_ctx *ctx, const tp_acc_sample *sample, int n) {
    tp_diag diag = {.arena = arena};
    const size_t bytes = ctx->model->x_bytes;
    int8_t *x = tp_arena_alloc(arena, (size_t)n, bytes);
    uint8_t *label = tp_arena_alloc(arena, (size_t)n, 1);
    if (x == NULL || label == NULL) {
        return TP_ERR_NO_MEMORY;
    }
    for (int i = 0; i < n; i++) {
        memcpy(x + (size_t)i * bytes, sample[i].x, bytes);
        label[i] = sample[i].label;
    }
    const tp_shots shots = {x, label, (uint32_t)n, model->config};
    return tp_choose(arena, model->base.tflite, model->base.n, &model->options,
                     &shots, ctx, &diag);
}

static int argmax(const int8_t *y, uint32_t n) {
    uint32_t best = 0;
    for (uint32_t i = 1; i < n; i++) {
        best = y[i] > y[best] ? i : best;
    }
    return (int)best;
}

int tp_acc_right(const tp_ctx *ctx, const tp_acc_sample *sample, int n) {
    int right = 0;
    int8_t y[MOST_CLASSES];
    for (int i = 0; i < n; i++) {
        ctx->model->infer(ctx, sample[i].x, y);
        right += argmax(y, ctx->model->y_bytes) == sample[i].label;
    }
    return right;
}

/* --- many runs ------------------------------------------------------------ */

typedef struct queue {
    void (*work)(void *arg, int i);
    void *arg;
    int n, next, done;
    pthread_mutex_t lock;
} queue;

static void *worker(void *arg) {
    queue *q = arg;
    for (;;) {
        (void)pthread_mutex_lock(&q->lock);
        const int at = q->next++;
        (void)pthread_mutex_unlock(&q->lock);
        if (at >= q->n) {
            return NULL;
        }
        q->work(q->arg, at);
        (void)pthread_mutex_lock(&q->lock);
        q->done++;
        (void)fprintf(stderr, "\r%d of %d runs%s", q->done, q->n,
                      q->done == q->n ? "\r                    \r" : "");
        (void)pthread_mutex_unlock(&q->lock);
    }
}

void tp_acc_each(void (*work)(void *arg, int i), void *arg, int n,
                 int threads) {
    queue q = {.work = work, .arg = arg, .n = n};
    pthread_t thread[MOST_THREADS];
    const int most = threads > MOST_THREADS ? MOST_THREADS : threads;
    int started = 0;
    (void)pthread_mutex_init(&q.lock, NULL);
    while (started < most - 1 &&
           pthread_create(&thread[started], NULL, worker, &q) == 0) {
        started++;
    }
    (void)worker(&q);
    for (int i = 0; i < started; i++) {
        (void)pthread_join(thread[i], NULL);
    }
    (void)pthread_mutex_destroy(&q.lock);
}

void tp_acc_count(tp_acc_tally *tally, double percent, int undone) {
    const bool first = tally->runs == 0;
    tally->lowest = first || percent < tally->lowest ? percent : tally->lowest;
    tally->sum += percent;
    tally->undone += undone;
    tally->runs++;
}

/* --- rows ----------------------------------------------------------------- */

void tp_acc_print_head(const char *title) {
    printf("\n%s\n%-20s %6s %7s %4s %5s %7s %7s %9s %10s %7s\n", title,
           "method", "values", "bytes", "k", "runs", "mean", "lowest",
           "demanded", "reference", "undone");
}

/* A figure, or a dash where there is none. */
static const char *figure(char text[16], double value) {
    (void)snprintf(text, 16, value > 0.0 ? "%.1f" : "-", value);
    return text;
}

static void write_json(tp_acc_report *report, const tp_acc_row *row,
                       double mean) {
    (void)fprintf(report->json,
                  "%s{\"table\": \"%s\", \"method\": \"%s\", \"k\": %d, "
                  "\"values\": %u, \"bytes\": %u, \"runs\": %d, \"mean\": "
                  "%.4f, \"lowest\": %.2f, \"demanded\": %.1f, \"reference\": "
                  "%.1f, \"undone\": %d}",
                  report->rows > 0 ? ",\n " : "", row->table, row->name, row->k,
                  (unsigned)row->values, (unsigned)row->bytes, row->tally.runs,
                  mean, row->tally.lowest, row->demand, row->reference,
                  row->tally.undone);
}

void tp_acc_print_row(tp_acc_report *report, const tp_acc_row *row) {
    char demand[16];
    char reference[16];
    const tp_acc_tally *t = &row->tally;
    const double mean = t->runs > 0 ? t->sum / t->runs : 0.0;
    const bool missed = row->demand > 0.0 && mean < row->demand - 1e-9;
    printf("%-20s %6u %7u %4d %5d %7.2f %7.1f %9s %10s %7d%s\n", row->name,
           (unsigned)row->values, (unsigned)row->bytes, row->k, t->runs, mean,
           t->lowest, figure(demand, row->demand),
           figure(reference, row->reference), t->undone,
           missed ? "  MISSED" : "");
    if (report->json != NULL) {
        write_json(report, row, mean);
    }
    report->rows++;
    report->missed += missed;
}
