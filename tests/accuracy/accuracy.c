/* Accuracy of adapters trained in integers: the KWS base, adapted to spoken
 * digits of one speaker from k recordings a digit (docs/numerics.md, table
 * A1). Prints the table; exits 1 where a mean falls below what is demanded.
 *
 *   accuracy [--splits N] [--k 5,10,20] [--methods head,bitfit,lora]
 *            [--speakers N] [--updates N] [--lr F] [--momentum F] [--batch N]
 *            [--clip F] [--seed N] [--threads N] [--json FILE]
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/compiler.h"
#include "tinypeft/adapter.h"
#include "tinypeft/train.h"

enum { SPEAKERS = 5, DIGITS = 10, CLIPS = 50, FEATURES = 490, TESTS = 20 };

static const char *const speakers[SPEAKERS] = {"george", "jackson", "nicolas",
                                               "theo", "yweweler"};

/* Means over six speakers in float32, from the numerics notes (table A1), and
 * what integers must reach here. */
typedef struct method {
    const char *name;
    const char *spec[2];
    int n_specs;
    double fp32[3]; /* k = 5, 10, 20 */
    double demand[3];
} method;

static const method methods[] = {
    {"head", {"fc11=head:classes=10"}, 1, {90.3, 93.5, 94.8}, {89, 92.5, 94}},
    {"bitfit",
     {"fc11=head:classes=10", "*=bitfit"},
     2,
     {95.2, 97.3, 98.3},
     {94, 96.3, 97.3}},
    {"lora",
     {"fc11=head:classes=10", "conv[2468]=lora:rank=4"},
     2,
     {95.2, 98.4, 98.4},
     {94.5, 97.0, 97.8}},
};
enum { METHODS = sizeof methods / sizeof *methods };

static const int shots[] = {5, 10, 20};

typedef struct job {
    int method, speaker, k, split;
    int right; /* of DIGITS * TESTS */
    int undone;
    tp_status status;
} job;

typedef struct run {
    const char *data;
    tp_train_config config;
    tp_interpreter interpreter[METHODS];
    int8_t *clip[SPEAKERS]; /* [DIGITS][CLIPS][FEATURES] */
    job *jobs;
    int n_jobs, next, done;
    pthread_mutex_t lock;
} run;

static uint8_t *read_file(const char *folder, const char *name, size_t *n) {
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
    (void)fclose(file);
    return bytes;
}

static const int8_t *clip_of(const run *r, int speaker, int digit, int index) {
    return r->clip[speaker] + (size_t)(digit * CLIPS + index) * FEATURES;
}

static int argmax(const int8_t *y, int n) {
    int best = 0;
    for (int i = 1; i < n; i++) {
        best = y[i] > y[best] ? i : best;
    }
    return best;
}

static int evaluate(const run *r, const tp_ctx *ctx, int speaker) {
    int right = 0;
    for (int digit = 0; digit < DIGITS; digit++) {
        for (int i = 0; i < TESTS; i++) {
            int8_t y[DIGITS];
            ctx->model->infer(ctx, clip_of(r, speaker, digit, i), y);
            right += argmax(y, DIGITS) == digit;
        }
    }
    return right;
}

/* The j-th clip for training: shots(k, split) of the numerics notes. */
static int shot(int split, int j) {
    return TESTS + (10 * split + j) % (CLIPS - TESTS);
}

static tp_status train(const run *r, const tp_ctx *ctx, job *work) {
    const tp_train_config config = r->config;
    const uint32_t n = (uint32_t)(DIGITS * work->k);
    uint16_t order[DIGITS * CLIPS];
    TP_TRY(tp_train_begin(ctx, &config));
    const uint32_t samples = config.updates * config.batch;
    for (uint32_t i = 0; i < samples; i++) {
        if (i % n == 0) {
            tp_train_order(order, n, config.seed, i / n);
        }
        const int pick = order[i % n];
        const uint8_t label = (uint8_t)(pick / work->k);
        const tp_status status = tp_train_sample(
            ctx,
            clip_of(r, work->speaker, label, shot(work->split, pick % work->k)),
            &label);
        work->undone += status == TP_ERR_UNDONE;
        if (status != TP_OK && status != TP_ERR_UNDONE) {
            return status;
        }
    }
    return TP_OK;
}

static void do_job(const run *r, job *work) {
    tp_arena arena = {0};
    tp_ctx ctx;
    work->status =
        tp_interpreter_open(&arena, &r->interpreter[work->method], &ctx);
    if (work->status == TP_OK) {
        tp_adapter_init(&ctx, r->config.seed);
        work->status = train(r, &ctx, work);
        work->right = evaluate(r, &ctx, work->speaker);
    }
    tp_arena_free(&arena);
}

static void *worker(void *arg) {
    run *r = arg;
    for (;;) {
        (void)pthread_mutex_lock(&r->lock);
        const int at = r->next++;
        (void)pthread_mutex_unlock(&r->lock);
        if (at >= r->n_jobs) {
            return NULL;
        }
        do_job(r, &r->jobs[at]);
        (void)pthread_mutex_lock(&r->lock);
        r->done++;
        (void)fprintf(stderr, "\r%d of %d runs", r->done, r->n_jobs);
        (void)pthread_mutex_unlock(&r->lock);
    }
}

/* --- the table ------------------------------------------------------------ */

typedef struct row {
    double mean, lowest;
    int runs, undone;
} row;

static row summarise(const run *r, int m, int k) {
    row sum = {.lowest = 100.0};
    for (int i = 0; i < r->n_jobs; i++) {
        const job *work = &r->jobs[i];
        if (work->method != m || work->k != k) {
            continue;
        }
        const double percent = work->status == TP_OK
                                   ? 100.0 * work->right / (DIGITS * TESTS)
                                   : 0.0;
        sum.mean += percent;
        sum.lowest = percent < sum.lowest ? percent : sum.lowest;
        sum.undone += work->undone;
        sum.runs++;
    }
    sum.mean = sum.runs > 0 ? sum.mean / sum.runs : 0.0;
    return sum;
}

static int print_table(const run *r, FILE *json) {
    int missed = 0;
    const char *comma = "";
    printf("method    k  runs    mean  lowest  demanded    fp32  undone\n");
    for (int m = 0; m < METHODS; m++) {
        for (int s = 0; s < 3; s++) {
            const row sum = summarise(r, m, shots[s]);
            if (sum.runs == 0) {
                continue;
            }
            const bool ok = sum.mean >= methods[m].demand[s] - 1e-9;
            missed += !ok;
            printf("%-7s  %2d  %4d  %6.2f  %6.1f  %8.1f  %6.1f  %6d%s\n",
                   methods[m].name, shots[s], sum.runs, sum.mean, sum.lowest,
                   methods[m].demand[s], methods[m].fp32[s], sum.undone,
                   ok ? "" : "  MISSED");
            if (json != NULL) {
                (void)fprintf(json,
                              "%s{\"method\": \"%s\", \"k\": %d, \"runs\": "
                              "%d, \"mean\": %.4f, \"lowest\": %.2f}",
                              comma, methods[m].name, shots[s], sum.runs,
                              sum.mean, sum.lowest);
                comma = ",\n ";
            }
        }
    }
    printf("fp32: float32 means over six speakers, without label smoothing; "
           "here five\nspeakers, integers only.\n");
    return missed;
}

/* --- set-up --------------------------------------------------------------- */

static bool compile(run *r, tp_arena *arena) {
    size_t n = 0;
    uint8_t *bytes = read_file(r->data, "models/kws_ref_model.tflite", &n);
    tp_diag diag = {.arena = arena};
    bool ok = bytes != NULL;
    for (int m = 0; ok && m < METHODS; m++) {
        const tp_compile_options options = {.name = "kws",
                                            .spec = methods[m].spec,
                                            .n_specs = methods[m].n_specs};
        tp_plan *plan = tp_arena_alloc(arena, 1, sizeof *plan);
        ok = plan != NULL &&
             tp_compile(arena, bytes, n, &options, plan, &diag) == TP_OK;
        if (ok) {
            tp_interpreter_init(&r->interpreter[m], plan);
        }
    }
    for (int i = 0; i < diag.count; i++) {
        (void)fprintf(stderr, "%s\n", diag.message[i].text);
    }
    free(bytes);
    return ok;
}

static bool load_clips(run *r) {
    for (int s = 0; s < SPEAKERS; s++) {
        char name[64];
        size_t n = 0;
        (void)snprintf(name, sizeof name, "fsdd_mfcc/%s.bin", speakers[s]);
        r->clip[s] = (int8_t *)read_file(r->data, name, &n);
        if (r->clip[s] == NULL || n != (size_t)DIGITS * CLIPS * FEATURES) {
            return false;
        }
    }
    return true;
}

static bool listed(const char *list, const char *word) {
    const size_t n = strlen(word);
    for (const char *p = list; p != NULL; p = strchr(p, ',')) {
        p += *p == ',';
        if (strncmp(p, word, n) == 0 && (p[n] == ',' || p[n] == '\0')) {
            return true;
        }
    }
    return false;
}

static bool make_jobs(run *r, const char *ks, const char *which, int n_speakers,
                      int splits) {
    r->jobs = calloc((size_t)METHODS * SPEAKERS * 3 * (size_t)splits,
                     sizeof *r->jobs);
    for (int m = METHODS - 1; r->jobs != NULL && m >= 0; m--) {
        for (int s = 2; s >= 0; s--) {
            char k[8];
            (void)snprintf(k, sizeof k, "%d", shots[s]);
            for (int sp = 0; sp < n_speakers * splits; sp++) {
                if (listed(ks, k) && listed(which, methods[m].name)) {
                    r->jobs[r->n_jobs++] = (job){.method = m,
                                                 .speaker = sp % n_speakers,
                                                 .split = sp / n_speakers,
                                                 .k = shots[s]};
                }
            }
        }
    }
    return r->jobs != NULL;
}

static const char *option(int argc, char **argv, const char *name,
                          const char *otherwise) {
    for (int i = 1; i + 1 < argc; i++) {
        if (strcmp(argv[i], name) == 0) {
            return argv[i + 1];
        }
    }
    return otherwise;
}

static tp_train_config configure(int argc, char **argv) {
    tp_train_config c = TP_TRAIN_DEFAULTS;
    const double lr = atof(option(argc, argv, "--lr", "0.125"));
    const double momentum = atof(option(argc, argv, "--momentum", "0.9"));
    const double clip = atof(option(argc, argv, "--clip", "1"));
    c.lr_q15 = (uint16_t)(lr * 32768.0 + 0.5);
    c.momentum_q15 = (uint16_t)(momentum * 32768.0 + 0.5);
    c.clip_q12 = (uint16_t)(clip * 4096.0 + 0.5);
    c.batch = (uint16_t)atoi(option(argc, argv, "--batch", "16"));
    c.seed = (uint32_t)atoi(option(argc, argv, "--seed", "1"));
    c.updates = (uint32_t)atoi(option(argc, argv, "--updates", "220"));
    return c;
}

int main(int argc, char **argv) {
    const char *data = getenv("TINYPEFT_DATA");
    run r = {.data = data != NULL ? data : "../shared/data"};
    tp_arena arena = {0};
    r.config = configure(argc, argv);
    const int threads = atoi(option(argc, argv, "--threads", "2"));
    const char *json_path = option(argc, argv, "--json", NULL);
    (void)pthread_mutex_init(&r.lock, NULL);
    if (!load_clips(&r) || !compile(&r, &arena) ||
        !make_jobs(&r, option(argc, argv, "--k", "5,10,20"),
                   option(argc, argv, "--methods", "head,bitfit,lora"),
                   atoi(option(argc, argv, "--speakers", "5")),
                   atoi(option(argc, argv, "--splits", "1")))) {
        (void)fprintf(stderr,
                      "accuracy: cannot use the data in %s; set "
                      "TINYPEFT_DATA\n",
                      r.data);
        return 2;
    }
    pthread_t thread[16];
    const int n = threads < 1 ? 1 : (threads > 16 ? 16 : threads);
    for (int i = 0; i < n; i++) {
        (void)pthread_create(&thread[i], NULL, worker, &r);
    }
    for (int i = 0; i < n; i++) {
        (void)pthread_join(thread[i], NULL);
    }
    (void)fprintf(stderr, "\n");
    FILE *json = json_path != NULL ? fopen(json_path, "w") : NULL;
    if (json != NULL) {
        (void)fprintf(json, "[");
    }
    const int missed = print_table(&r, json);
    if (json != NULL) {
        (void)fprintf(json, "]\n");
        (void)fclose(json);
    }
    for (int s = 0; s < SPEAKERS; s++) {
        free(r.clip[s]);
    }
    free(r.jobs);
    tp_arena_free(&arena);
    return missed > 0;
}
