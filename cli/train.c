/* tinypeft train: the device's training, on the host, with its integers. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/score.h"
#include "compiler/choose.h"
#include "tinypeft/adapter.h"
#include "tinypeft/train.h"

#define AUTO_UPDATES 220u
#define MOST_SAMPLES 65536u         /* tp_train_order() counts in 16 bits */
#define HELD_BACK_EPOCH 0xFFFFFFFFu /* an order that no epoch uses */
#define FEW_HELD_BACK 20

/* One row of the history: an update, and the score where one was taken. */
typedef struct row {
    uint32_t update;
    int32_t loss; /* 2^-16 */
    bool scored;
    double score;
} row;

typedef struct trainer {
    tp_cli *cli;
    tp_session session;
    tp_workers workers;
    tp_progress progress;
    tp_samples x;       /* those to train on, then those held back */
    tp_targets targets; /* likewise */
    int8_t *y;          /* [x.n][out.count] */
    size_t n, held;
    tp_train_config config;
    uint32_t epochs;
    uint16_t *order;
    row *history;
    size_t rows;
    uint32_t undone;
    double loss; /* mean over the updates of the last epoch */
    tp_score trained, before, after;
} trainer;

/* --- getting ready -------------------------------------------------------- */

static tp_status check_outputs(trainer *t) {
    const tp_options *o = &t->cli->options;
    const char *note = tp_note_path(&t->cli->arena, o->output);
    if (note == NULL) {
        return tp_no_memory(&t->cli->diag);
    }
    TP_TRY(tp_file_writable(&t->cli->diag, o->output));
    TP_TRY(tp_file_writable(&t->cli->diag, note));
    return o->history != NULL ? tp_file_writable(&t->cli->diag, o->history)
                              : TP_OK;
}

static tp_status open_session(trainer *t) {
    tp_cli *cli = t->cli;
    if (cli->options.adapter.n == 0 && cli->options.load == NULL) {
        return tp_error(&cli->diag, TP_ERR_ARGUMENT,
                        "--adapter SPEC is missing: what to train");
    }
    TP_TRY(tp_session_open(cli, &t->session));
    if (t->session.ctx.model->sample == NULL) {
        return tp_error(&cli->diag, TP_ERR_UNSUPPORTED,
                        "%s: nothing in it can be trained",
                        tp_file_name(cli->options.model));
    }
    TP_TRY(tp_samples_read(&cli->diag, &t->session.in, cli->options.x, &t->x));
    TP_TRY(tp_targets_read(cli, &t->session, &t->x, &t->targets));
    return tp_workers_open(&cli->diag, &t->session.interpreter,
                           (int)cli->options.threads, &t->workers);
}

/* Copies sample `from` to place `to` of the new arrays. */
static void move_sample(const trainer *t, size_t from, size_t to, tp_samples *x,
                        tp_targets *targets) {
    const size_t count = t->session.in.count;
    memcpy(x->data + to * count, t->x.data + from * count, count);
    memcpy(targets->data + to * targets->bytes,
           t->targets.data + from * targets->bytes, targets->bytes);
}

/* The last `held` samples of a seeded order go to the end; the others keep
 * their order, as on a device that never saw them. */
static tp_status hold_back(trainer *t) {
    tp_arena *arena = &t->cli->arena;
    tp_samples x = {NULL, t->x.n};
    tp_targets targets = {NULL, t->targets.bytes};
    bool *held = tp_arena_alloc(arena, t->x.n, sizeof *held);
    x.data = tp_arena_alloc(arena, t->x.n, t->session.in.count);
    targets.data = tp_arena_alloc(arena, t->x.n, targets.bytes);
    if (held == NULL || x.data == NULL || targets.data == NULL) {
        return tp_no_memory(&t->cli->diag);
    }
    tp_train_order(t->order, (uint32_t)t->x.n, t->config.seed, HELD_BACK_EPOCH);
    for (size_t i = t->n; i < t->x.n; i++) {
        held[t->order[i]] = true;
    }
    size_t at[2] = {0, t->n};
    for (size_t i = 0; i < t->x.n; i++) {
        move_sample(t, i, at[held[i] ? 1 : 0]++, &x, &targets);
    }
    t->x = x;
    t->targets = targets;
    return TP_OK;
}

static void set_config(trainer *t) {
    const tp_options *o = &t->cli->options;
    const uint64_t n = t->n;
    const uint64_t batch = (uint64_t)o->batch;
    t->epochs = (uint32_t)o->epochs;
    if (t->epochs == 0) {
        const uint64_t epochs = (AUTO_UPDATES * batch + n / 2) / n;
        t->epochs = epochs > 0 ? (uint32_t)epochs : 1;
    }
    /* epochs <= 10,000 and n <= 65,536: below 2^32 */
    t->config = (tp_train_config){
        .lr_q15 = (uint16_t)lround(o->lr * 32768.0),
        .momentum_q15 = (uint16_t)lround(o->momentum * 32768.0),
        .batch = (uint16_t)batch,
        .clip_q12 = (uint16_t)lround(o->clip * 4096.0),
        .updates = (uint32_t)((t->epochs * n + batch - 1) / batch),
        .seed = (uint32_t)o->seed};
}

/* Lists of weights that the samples decide; a loaded adapter has its own. */
static tp_status choose(trainer *t) {
    tp_cli *cli = t->cli;
    const tp_compile_options options = {.name = "choice",
                                        .spec = t->session.spec.item,
                                        .n_specs = t->session.spec.n,
                                        .loss = t->session.loss};
    const tp_shots shots = {.x = t->x.data,
                            .target = t->targets.data,
                            .n = (uint32_t)t->n,
                            .config = t->config};
    tp_bytes bytes;
    if (cli->options.load != NULL || t->session.ctx.model->n_indices == 0) {
        return TP_OK;
    }
    TP_TRY(tp_model_read(cli, &bytes));
    return tp_choose(&cli->arena, bytes.data, bytes.n, &options, &shots,
                     &t->session.ctx, &cli->diag);
}

static tp_status prepare(trainer *t) {
    tp_cli *cli = t->cli;
    TP_TRY(open_session(t));
    t->held = (size_t)cli->options.holdout;
    if (t->x.n > MOST_SAMPLES || t->held >= t->x.n) {
        return tp_error(&cli->diag, TP_ERR_ARGUMENT,
                        t->x.n > MOST_SAMPLES
                            ? "%s: %zu samples; at most %zu can be trained on"
                            : "%s: %zu samples; --holdout %zu leaves none",
                        cli->options.x, t->x.n,
                        t->x.n > MOST_SAMPLES ? (size_t)MOST_SAMPLES : t->held);
    }
    if (t->held > 0 && t->held < FEW_HELD_BACK) {
        tp_note(&cli->diag, "--holdout %zu: fewer than %d say little", t->held,
                FEW_HELD_BACK);
    }
    t->n = t->x.n - t->held;
    set_config(t);
    const size_t rows = cli->options.history != NULL ? t->config.updates : 1;
    t->y = tp_arena_alloc(&cli->arena, t->x.n, t->session.out.count);
    t->order = tp_arena_alloc(&cli->arena, t->x.n, sizeof *t->order);
    t->history = tp_arena_alloc(&cli->arena, rows, sizeof *t->history);
    if (t->y == NULL || t->order == NULL || t->history == NULL) {
        return tp_no_memory(&cli->diag);
    }
    TP_TRY(t->held > 0 ? hold_back(t) : TP_OK);
    return choose(t);
}

/* --- training ------------------------------------------------------------- */

/* The score of samples [first, first + n) with the adapter as it is now. */
static tp_score score(trainer *t, size_t first, size_t n) {
    const tp_samples part = {t->x.data + first * t->session.in.count, n};
    tp_workers_infer(&t->workers, t->session.ctx.adapter, &part, t->y, NULL);
    return tp_score_of(&t->session, t->y, &t->targets, first, n);
}

static void show(trainer *t) {
    char text[80];
    const tp_train_state *state = tp_train_state_of(&t->session.ctx);
    if (!tp_progress_due(&t->progress)) {
        return;
    }
    (void)snprintf(text, sizeof text, "update %u of %u, loss %.4f",
                   (unsigned)state->updates, (unsigned)t->config.updates,
                   ldexp(state->last_loss, -16));
    tp_progress_draw(&t->progress, state->updates, t->config.updates, text);
}

/* What a call of the training said. Undone updates are counted: training goes
 * on at half the rate. */
static tp_status heed(trainer *t, tp_status status) {
    if (status == TP_ERR_UNDONE) {
        t->undone++;
        return TP_OK;
    }
    if (status == TP_ERR_DIVERGED) {
        return tp_error(&t->cli->diag, status,
                        "training diverged after %u updates and was stopped; "
                        "try a smaller --lr (now %.4g)",
                        (unsigned)tp_train_state_of(&t->session.ctx)->updates,
                        t->cli->options.lr);
    }
    return status == TP_OK
               ? TP_OK
               : tp_error(&t->cli->diag, status, "training failed (status %d)",
                          (int)status);
}

/* Losses of an epoch; `seen` is the number of updates known already. */
typedef struct epoch_loss {
    uint32_t seen;
    int64_t sum; /* at most 65,536 losses below 2^31 */
    uint32_t n;
} epoch_loss;

static void note_update(trainer *t, epoch_loss *e) {
    const tp_train_state *state = tp_train_state_of(&t->session.ctx);
    if (state->updates == e->seen) {
        return;
    }
    e->seen = state->updates;
    e->sum += state->last_loss;
    e->n++;
    if (t->cli->options.history != NULL && t->rows < t->config.updates) {
        t->history[t->rows++] =
            (row){.update = state->updates, .loss = state->last_loss};
    }
    show(t);
}

static void end_epoch(trainer *t, epoch_loss *e) {
    if (e->n > 0) {
        t->loss = ldexp((double)e->sum / (double)e->n, -16);
    }
    e->sum = 0;
    e->n = 0;
    if (t->rows == 0 || t->history[t->rows - 1].scored) {
        return;
    }
    const tp_score now =
        t->held > 0 ? score(t, t->n, t->held) : score(t, 0, t->n);
    t->history[t->rows - 1].scored = true;
    t->history[t->rows - 1].score = tp_score_number(&t->session, &now);
}

static tp_status train_epoch(trainer *t, uint32_t epoch, epoch_loss *e) {
    const size_t count = t->session.in.count;
    tp_train_order(t->order, (uint32_t)t->n, t->config.seed, epoch);
    for (size_t i = 0; i < t->n; i++) {
        const size_t at = t->order[i];
        const tp_status status =
            tp_train_sample(&t->session.ctx, t->x.data + at * count,
                            t->targets.data + at * t->targets.bytes);
        TP_TRY(heed(t, status));
        note_update(t, e);
    }
    if (epoch + 1 == t->epochs) {
        TP_TRY(heed(t, tp_train_end(&t->session.ctx)));
        note_update(t, e);
    }
    end_epoch(t, e);
    return TP_OK;
}

static tp_status train_all(trainer *t) {
    epoch_loss e = {0, 0, 0};
    TP_TRY(heed(t, tp_train_begin(&t->session.ctx, &t->config)));
    if (t->held > 0) {
        t->before = score(t, t->n, t->held);
    }
    for (uint32_t epoch = 0; epoch < t->epochs; epoch++) {
        TP_TRY(train_epoch(t, epoch, &e));
    }
    t->trained = score(t, 0, t->n);
    if (t->held > 0) {
        t->after = score(t, t->n, t->held);
    }
    return TP_OK;
}

/* --- results -------------------------------------------------------------- */

static cJSON *training_json(const trainer *t) {
    const tp_options *o = &t->cli->options;
    cJSON *json = cJSON_CreateObject();
    (void)cJSON_AddNumberToObject(json, "samples", (double)t->n);
    (void)cJSON_AddNumberToObject(json, "held_back", (double)t->held);
    (void)cJSON_AddNumberToObject(json, "epochs", t->epochs);
    (void)cJSON_AddNumberToObject(json, "updates", t->config.updates);
    (void)cJSON_AddNumberToObject(json, "batch", t->config.batch);
    tp_json_add_float(json, "lr", t->config.lr_q15 / 32768.0);
    tp_json_add_float(json, "momentum", t->config.momentum_q15 / 32768.0);
    tp_json_add_float(json, "clip", t->config.clip_q12 / 4096.0);
    (void)cJSON_AddNumberToObject(json, "seed", t->config.seed);
    if (o->load != NULL) {
        (void)cJSON_AddStringToObject(json, "started_from",
                                      tp_file_name(o->load));
    }
    return json;
}

static cJSON *result_json(const trainer *t, bool worse) {
    cJSON *json = tp_note_make(t->cli, &t->session);
    (void)cJSON_AddItemToObject(json, "training", training_json(t));
    cJSON *result = cJSON_AddObjectToObject(json, "result");
    tp_json_add_float(result, "loss", t->loss);
    (void)cJSON_AddNumberToObject(result, "undone", t->undone);
    (void)cJSON_AddItemToObject(result, "trained",
                                tp_score_json(&t->session, &t->trained));
    if (t->held > 0) {
        (void)cJSON_AddItemToObject(result, "held_back_before",
                                    tp_score_json(&t->session, &t->before));
        (void)cJSON_AddItemToObject(result, "held_back",
                                    tp_score_json(&t->session, &t->after));
        (void)cJSON_AddBoolToObject(result, "worse", worse);
    }
    return json;
}

static void print_result(trainer *t, uint32_t blob_bytes, bool worse) {
    const tp_options *o = &t->cli->options;
    tp_arena *arena = &t->cli->arena;
    if (o->json) {
        tp_json_print(result_json(t, worse));
        return;
    }
    printf("%zu samples, %u %s, %u updates at batch %d\n", t->n,
           (unsigned)t->epochs, tp_text_plural(t->epochs, "epoch", "epochs"),
           (unsigned)t->config.updates, t->config.batch);
    printf("loss %.4f, %s\n", t->loss,
           tp_score_text(arena, &t->session, &t->trained));
    if (t->undone > 0) {
        printf("%u %s undone: the loss had left its range\n",
               (unsigned)t->undone,
               tp_text_plural(t->undone, "update was", "updates were"));
    }
    if (t->held > 0) {
        printf("held back: %s; before: %s\n",
               tp_score_text(arena, &t->session, &t->after),
               tp_score_text(arena, &t->session, &t->before));
    }
    if (!worse) {
        printf("wrote %s (%s bytes) and %s.json\n", o->output,
               tp_text_grouped(arena, blob_bytes), o->output);
    }
}

/* "update,loss,accuracy" (or mse); the last column only where an epoch
 * ended. */
static tp_status history_csv(trainer *t, tp_out_file *file) {
    const size_t line = 64;
    char *text = tp_arena_alloc(&t->cli->arena, t->rows + 1, line);
    if (text == NULL) {
        return tp_no_memory(&t->cli->diag);
    }
    const char *last = t->session.classes > 0 ? "accuracy" : "mse";
    size_t n = (size_t)snprintf(text, line, "update,loss,%s\n", last);
    for (size_t i = 0; i < t->rows; i++) {
        const row *r = &t->history[i];
        char scored[24] = "";
        if (r->scored) {
            (void)snprintf(scored, sizeof scored, "%.6g", r->score);
        }
        n += (size_t)snprintf(text + n, line, "%u,%.6f,%s\n",
                              (unsigned)r->update, ldexp(r->loss, -16), scored);
    }
    *file = (tp_out_file){t->cli->options.history, text, n};
    return TP_OK;
}

/* The blob and its note; the history too, which is wanted most where training
 * went wrong. */
static tp_status write_outputs(trainer *t, bool worse) {
    tp_cli *cli = t->cli;
    tp_out_file file[3];
    int n = 0;
    if (cli->options.history != NULL) {
        TP_TRY(history_csv(t, &file[n++]));
    }
    if (!worse) {
        const uint32_t bytes = tp_blob_bytes(t->session.ctx.model);
        uint8_t *blob = tp_arena_alloc(&cli->arena, bytes, 1);
        const char *note = tp_json_text(&cli->arena, result_json(t, false));
        const char *path = tp_note_path(&cli->arena, cli->options.output);
        if (blob == NULL || note == NULL || path == NULL) {
            return tp_no_memory(&cli->diag);
        }
        TP_TRY(tp_blob_write(&t->session.ctx, blob, bytes));
        file[n++] = (tp_out_file){path, note, strlen(note)};
        file[n++] = (tp_out_file){cli->options.output, blob, bytes};
    }
    return tp_files_write(&cli->diag, file, n);
}

static tp_status train(trainer *t, bool *worse) {
    TP_TRY(check_outputs(t));
    TP_TRY(prepare(t));
    tp_progress_start(&t->progress, "training", t->cli->options.progress);
    const tp_status status = train_all(t);
    tp_progress_end(&t->progress);
    TP_TRY(status);
    *worse = t->held > 0 && tp_score_worse(&t->session, &t->after, &t->before);
    TP_TRY(write_outputs(t, *worse));
    print_result(t, tp_blob_bytes(t->session.ctx.model), *worse);
    return TP_OK;
}

static tp_exit run(tp_cli *cli) {
    bool worse = false;
    trainer *t = tp_arena_alloc(&cli->arena, 1, sizeof *t);
    if (t == NULL) {
        (void)tp_no_memory(&cli->diag);
        return TP_EXIT_FAILED;
    }
    t->cli = cli;
    if (train(t, &worse) != TP_OK) {
        return TP_EXIT_FAILED;
    }
    if (worse) {
        (void)tp_error(&cli->diag, TP_ERR_UNDONE,
                       "%s was not written: the adapter is worse than before "
                       "on the held-back samples",
                       cli->options.output);
        return TP_EXIT_WORSE;
    }
    return TP_EXIT_OK;
}

const tp_command tp_command_train = {
    .name = "train",
    .bit = TP_CMD_TRAIN,
    .summary = "trains an adapter with the integers that a device would use",
    .usage = "MODEL --adapter SPEC... --x FILE --y FILE -o ADAPTER",
    .notes = "ADAPTER is the very blob that a device stores. ADAPTER.json, "
             "beside it, has the\nspecs and how it was trained; run and eval "
             "read it. For an autoencoder --y may be\nleft out: the samples "
             "are the targets. An update that makes the loss leap is\nundone; "
             "after three the training stops and nothing is written.\n",
    .examples =
        "  tinypeft train kws.tflite --adapter 'conv*=lora:rank=4' --x x.bin "
        "--y y.bin \\\n    -o my.tpa --holdout 20\n"
        "  tinypeft train kws.tflite --adapter 'fc*=head:classes=10' --x "
        "x.npy --y y.npy \\\n    -o head.tpa --epochs 10 --lr 0.05 --history "
        "loss.csv\n",
    .run = run};
