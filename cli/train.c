/* tinypeft train: the device's training, on the host, with its integers. */
#include <math.h>
#include <stdlib.h>

#include "cli/trainer.h"
#include "compiler/choose.h"

#define AUTO_UPDATES 220u

/* --- getting ready -------------------------------------------------------- */

static tp_status check_outputs(tp_trainer *t) {
    const tp_options *o = &t->cli->options;
    const char *note = tp_note_path(&t->cli->arena, o->output);
    if (note == NULL) {
        return tp_no_memory(&t->cli->diag);
    }
    TP_TRY(tp_file_writable(&t->cli->diag, o->output));
    TP_TRY(tp_file_writable(&t->cli->diag, note));
    if (o->curve != NULL) {
        TP_TRY(tp_file_writable(&t->cli->diag, o->curve));
    }
    return o->history != NULL ? tp_file_writable(&t->cli->diag, o->history)
                              : TP_OK;
}

static tp_status open_session(tp_trainer *t) {
    tp_cli *cli = t->cli;
    if (cli->options.adapter.n == 0 && cli->options.load == NULL) {
        return tp_error(&cli->diag, TP_ERR_ARGUMENT,
                        "--adapter SPEC is missing: what to train (or "
                        "--method auto)");
    }
    TP_TRY(tp_session_open(cli, &t->session));
    if (t->session.ctx.model->sample == NULL) {
        return tp_error(&cli->diag, TP_ERR_UNSUPPORTED,
                        "%s: nothing in it can be trained",
                        tp_file_name(cli->options.model));
    }
    return tp_workers_open(&cli->diag, &t->session.interpreter,
                           (int)cli->options.threads, &t->workers);
}

/* Momentum multiplies a step by 1 / (1 - 0.9), clipping bounds it: without
 * momentum, where a batch is accumulated, eight times the rate does as much. */
static double rate(const tp_trainer *t) {
    const bool plain =
        t->session.ctx.model->state == (uint32_t)TP_STATE_ACCUMULATE;
    if (t->cli->options.lr > 0.0) {
        return t->cli->options.lr;
    }
    return plain ? 1.0 : 0.125;
}

static void set_config(tp_trainer *t) {
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
        .lr_q15 = (uint16_t)lround(rate(t) * 32768.0),
        .momentum_q15 = (uint16_t)lround(o->momentum * 32768.0),
        .batch = (uint16_t)batch,
        .clip_q12 = (uint16_t)lround(o->clip * 4096.0),
        .updates = (uint32_t)((t->epochs * n + batch - 1) / batch),
        .seed = (uint32_t)o->seed};
}

static bool keeps_history(const tp_trainer *t) {
    return t->cli->options.history != NULL || t->cli->options.curve != NULL;
}

/* Lists of weights that the samples decide; a loaded adapter has its own. */
static tp_status choose(tp_trainer *t) {
    tp_cli *cli = t->cli;
    const tp_compile_options options = {.name = "choice",
                                        .spec = t->session.spec.item,
                                        .n_specs = t->session.spec.n,
                                        .loss = t->session.loss};
    const tp_shots shots = {.x = t->x.data,
                            .target = t->goals.data,
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

/* What a device stores of each sample it trains on. */
static tp_status keep(tp_trainer *t) {
    const tp_ctx *ctx = &t->session.ctx;
    const size_t bytes = ctx->model->sample_bytes;
    t->kept = (const uint8_t *)t->x.data;
    if (ctx->model->keep == NULL) {
        return TP_OK;
    }
    uint8_t *kept = tp_arena_alloc(&t->cli->arena, t->n, bytes);
    if (kept == NULL) {
        return tp_no_memory(&t->cli->diag);
    }
    for (size_t i = 0; i < t->n; i++) {
        tp_train_keep(ctx, t->x.data + i * t->session.in.count,
                      kept + i * bytes);
    }
    t->kept = kept;
    return TP_OK;
}

static tp_status prepare(tp_trainer *t) {
    tp_cli *cli = t->cli;
    TP_TRY(tp_method_choose(t));
    TP_TRY(open_session(t));
    TP_TRY(tp_train_samples(t));
    set_config(t);
    const size_t rows = keeps_history(t) ? t->config.updates : 1;
    const size_t most = t->x.n > t->replay.n ? t->x.n : t->replay.n;
    t->y = tp_arena_alloc(&cli->arena, most, t->session.out.count);
    t->order = tp_arena_alloc(&cli->arena, t->x.n, sizeof *t->order);
    t->history = tp_arena_alloc(&cli->arena, rows, sizeof *t->history);
    if (t->y == NULL || t->order == NULL || t->history == NULL) {
        return tp_no_memory(&cli->diag);
    }
    TP_TRY(choose(t));
    return keep(t);
}

/* --- training ------------------------------------------------------------- */

/* The score of samples [first, first + n) with the adapter as it is now. */
static tp_score score(tp_trainer *t, size_t first, size_t n) {
    const tp_samples part = {t->x.data + first * t->session.in.count, n};
    tp_workers_infer(&t->workers, t->session.ctx.adapter, &part, t->y, NULL);
    return tp_score_of(&t->session, t->y, &t->targets, first, n);
}

static tp_score score_old(tp_trainer *t) {
    tp_workers_infer(&t->workers, t->session.ctx.adapter, &t->replay, t->y,
                     NULL);
    return tp_score_of(&t->session, t->y, &t->replay_targets, 0, t->replay.n);
}

static void show(tp_trainer *t) {
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
static tp_status heed(tp_trainer *t, tp_status status) {
    if (status == TP_ERR_UNDONE) {
        t->undone++;
        return TP_OK;
    }
    if (status == TP_ERR_DIVERGED) {
        return tp_error(&t->cli->diag, status,
                        "training diverged after %u updates and was stopped; "
                        "try a smaller --lr (now %.4g)",
                        (unsigned)tp_train_state_of(&t->session.ctx)->updates,
                        rate(t));
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

/* How many updates from one score of the history to the next: as many as train
 * on so many samples as it scores, which makes scoring the lesser work. */
static uint32_t score_every(const tp_trainer *t) {
    const size_t n = t->held > 0 ? t->held : t->n;
    return (uint32_t)((n + t->config.batch - 1) / t->config.batch);
}

static void note_history(tp_trainer *t) {
    const tp_train_state *state = tp_train_state_of(&t->session.ctx);
    if (!keeps_history(t) || t->rows == t->config.updates) {
        return;
    }
    tp_history *row = &t->history[t->rows++];
    *row = (tp_history){.update = state->updates, .loss = state->last_loss};
    if (t->rows % score_every(t) == 0 || t->rows == t->config.updates) {
        const tp_score now =
            t->held > 0 ? score(t, t->n, t->held) : score(t, 0, t->n - t->old);
        row->scored = true;
        row->score = tp_score_number(&t->session, &now);
    }
}

static void note_update(tp_trainer *t, epoch_loss *e) {
    const tp_train_state *state = tp_train_state_of(&t->session.ctx);
    if (state->updates == e->seen) {
        return;
    }
    e->seen = state->updates;
    e->sum += state->last_loss;
    e->n++;
    note_history(t);
    show(t);
}

static void end_epoch(tp_trainer *t, epoch_loss *e) {
    if (e->n > 0) {
        t->loss = ldexp((double)e->sum / (double)e->n, -16);
    }
    e->sum = 0;
    e->n = 0;
}

static tp_status train_epoch(tp_trainer *t, uint32_t epoch, epoch_loss *e) {
    const size_t bytes = t->session.ctx.model->sample_bytes;
    tp_train_order(t->order, (uint32_t)t->n, t->config.seed, epoch);
    for (size_t i = 0; i < t->n; i++) {
        const size_t at = t->order[i];
        const tp_status status =
            tp_train_sample(&t->session.ctx, t->kept + at * bytes,
                            t->goals.data + at * t->goals.bytes);
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

static tp_status train_all(tp_trainer *t) {
    epoch_loss e = {0, 0, 0};
    TP_TRY(heed(t, tp_train_begin(&t->session.ctx, &t->config)));
    if (t->held > 0) {
        t->before = score(t, t->n, t->held);
    }
    if (t->replay.n > 0) {
        t->old_before = score_old(t);
    }
    for (uint32_t epoch = 0; epoch < t->epochs; epoch++) {
        TP_TRY(train_epoch(t, epoch, &e));
    }
    t->trained = score(t, 0, t->n - t->old);
    if (t->held > 0) {
        t->after = score(t, t->n, t->held);
    }
    if (t->replay.n > 0) {
        t->old_after = score_old(t);
    }
    return TP_OK;
}

static tp_status train(tp_trainer *t, bool *worse) {
    TP_TRY(check_outputs(t));
    TP_TRY(prepare(t));
    tp_progress_start(&t->progress, "training", t->cli->options.progress);
    const tp_status status = train_all(t);
    tp_progress_end(&t->progress);
    TP_TRY(status);
    *worse = t->held > 0 && tp_score_worse(&t->session, &t->after, &t->before);
    TP_TRY(tp_train_write(t, *worse));
    tp_train_print(t, *worse);
    return TP_OK;
}

static tp_exit run(tp_cli *cli) {
    bool worse = false;
    tp_trainer *t = tp_arena_alloc(&cli->arena, 1, sizeof *t);
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
    .usage = "MODEL --adapter SPEC...|--method WAY --x X --y Y -o ADAPTER",
    .notes = "ADAPTER is the very blob that a device stores. ADAPTER.json, "
             "beside it, has the\nspecs and how it was trained; run and eval "
             "read it. For an autoencoder --y may be\nleft out: the samples "
             "are the targets. An update that makes the loss leap is\nundone; "
             "after three the training stops and nothing is written.\n\n"
             "--holdout N holds N samples back, as many of each class as its "
             "share. An adapter\nthat is worse on them than before is not "
             "written, and the exit code is 3.\n\n"
             "--replay X,Y trains on old samples beside the new, lest the old "
             "be forgotten: of\nall in X a class-balanced reservoir keeps as "
             "many as there are new ones.\n\n"
             "--method auto takes the adapters and the state that 'tinypeft "
             "plan' picks for\nthe samples of the rarest class, --ram and "
             "--state: the smallest adapter within a\npoint of the best that "
             "fits. With --classes N a new head of N classes replaces\nthe "
             "last layer.\n",
    .examples =
        "  tinypeft train kws.tflite --adapter 'conv*=lora:rank=4' --x x.bin "
        "--y y.bin \\\n    -o my.tpa --holdout 20\n"
        "  tinypeft train kws.tflite --adapter 'fc*=head:classes=10' --x "
        "x.npy --y y.npy \\\n    -o head.tpa --epochs 10 --lr 0.05 --history "
        "loss.csv --curve loss.svg\n"
        "  tinypeft train kws.tflite --method auto --classes 10 --x x.bin --y "
        "y.bin \\\n    -o my.tpa\n"
        "  tinypeft train kws.tflite --load my.tpa --x me.bin --y me_y.bin "
        "\\\n    --replay x.bin,y.bin -o me.tpa\n",
    .run = run};
