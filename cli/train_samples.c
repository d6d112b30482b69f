/* The samples of a training run: those of --x, some held back, and old ones. */
#include <stdlib.h>
#include <string.h>

#include "cli/trainer.h"
#include "tinypeft/replay.h"

#define MOST_SAMPLES 65536u         /* tp_train_order() counts in 16 bits */
#define HELD_BACK_EPOCH 0xFFFFFFFFu /* orders that no epoch uses */
#define REPLAY_EPOCH 0xFFFFFFFEu
#define FEW_HELD_BACK 20

size_t tp_count_classes(const uint8_t *label, size_t n, size_t count[256]) {
    size_t rarest = 0;
    memset(count, 0, 256 * sizeof *count);
    for (size_t i = 0; i < n; i++) {
        count[label[i]]++;
    }
    for (int c = 0; c < 256; c++) {
        if (count[c] > 0 && (rarest == 0 || count[c] < rarest)) {
            rarest = count[c];
        }
    }
    return rarest;
}

/* --- holding back --------------------------------------------------------- */

/* The class to hold the next sample of: the one that is furthest behind its
 * share of all that are held back (D'Hondt), so that equal classes lose
 * equally many. The last sample of a class goes last of all. */
static int next_class(const size_t all[256], const size_t held[256]) {
    int best = -1;
    for (int c = 0; c < 256; c++) {
        if (all[c] == held[c]) {
            continue;
        }
        const bool last = all[c] == held[c] + 1;
        const bool best_last = best >= 0 && all[best] == held[best] + 1;
        if (best < 0 || (best_last && !last) ||
            (best_last == last &&
             all[c] * (held[best] + 1) > all[best] * (held[c] + 1))) {
            best = c;
        }
    }
    return best;
}

/* How many of each class are held back. */
static void share_out(const uint8_t *label, size_t n, size_t held,
                      size_t quota[256]) {
    size_t all[256];
    (void)tp_count_classes(label, n, all);
    memset(quota, 0, 256 * sizeof *quota);
    for (size_t i = 0; i < held; i++) {
        quota[next_class(all, quota)]++;
    }
}

void tp_hold_back(const uint8_t *label, const uint16_t *order, size_t n,
                  size_t held, bool *mark) {
    size_t quota[256];
    size_t left = held;
    if (label != NULL) {
        share_out(label, n, held, quota);
    }
    for (size_t i = n; i > 0 && left > 0; i--) {
        const size_t at = order[i - 1];
        if (label == NULL || quota[label[at]] > 0) {
            mark[at] = true;
            left--;
            if (label != NULL) {
                quota[label[at]]--;
            }
        }
    }
}

/* --- putting in order ----------------------------------------------------- */

/* A set of samples that is being filled. */
typedef struct filling {
    tp_samples x;
    tp_targets targets;
} filling;

/* Copies a sample to place `to`. */
static void put(const tp_trainer *t, filling *f, size_t to, const int8_t *x,
                const uint8_t *target) {
    const size_t count = t->session.in.count;
    memcpy(f->x.data + to * count, x, count);
    memcpy(f->targets.data + to * f->targets.bytes, target, f->targets.bytes);
}

/* Those of --x that are not held back keep their order, as on a device that
 * never saw the others. */
static tp_status arrange(tp_trainer *t, const tp_replay *replay) {
    tp_arena *arena = &t->cli->arena;
    const size_t total = t->x.n + t->old;
    const size_t count = t->session.in.count;
    const size_t bytes = t->targets.bytes;
    bool *held = tp_arena_alloc(arena, t->x.n, sizeof *held);
    uint16_t *order = tp_arena_alloc(arena, t->x.n, sizeof *order);
    filling f = {{tp_arena_alloc(arena, total, count), total},
                 {tp_arena_alloc(arena, total, bytes), bytes}};
    if (held == NULL || order == NULL || f.x.data == NULL ||
        f.targets.data == NULL) {
        return tp_no_memory(&t->cli->diag);
    }
    tp_train_order(order, (uint32_t)t->x.n, t->config.seed, HELD_BACK_EPOCH);
    tp_hold_back(t->session.classes > 0 ? t->targets.data : NULL, order, t->x.n,
                 t->held, held);
    size_t at[2] = {0, t->x.n - t->held + t->old};
    for (size_t i = 0; i < t->x.n; i++) {
        put(t, &f, at[held[i] ? 1 : 0]++, t->x.data + i * count,
            t->targets.data + i * bytes);
    }
    for (uint32_t i = 0; i < replay->n; i++) {
        put(t, &f, at[0]++, (const int8_t *)tp_replay_at(replay, i),
            &replay->label[i]);
    }
    t->x = f.x;
    t->targets = f.targets;
    t->n = at[0];
    return TP_OK;
}

/* --- replay --------------------------------------------------------------- */

/* "old.bin,labels.bin" into two paths; the last comma separates them. */
static tp_status split_replay(tp_cli *cli, const char **x, const char **y) {
    const char *both = cli->options.replay;
    const char *comma = strrchr(both, ',');
    if (comma == NULL || comma == both || comma[1] == '\0') {
        return tp_error(&cli->diag, TP_ERR_ARGUMENT,
                        "--replay %s: must read X,Y: the samples and their "
                        "labels",
                        both);
    }
    *x = tp_arena_printf(&cli->arena, "%.*s", (int)(comma - both), both);
    *y = comma + 1;
    return *x != NULL ? TP_OK : tp_no_memory(&cli->diag);
}

static tp_status read_replay(tp_trainer *t) {
    tp_cli *cli = t->cli;
    const char *x = NULL;
    const char *y = NULL;
    if (t->session.classes == 0) {
        return tp_error(&cli->diag, TP_ERR_ARGUMENT,
                        "--replay keeps as many samples of each class; this "
                        "model has no classes");
    }
    TP_TRY(split_replay(cli, &x, &y));
    TP_TRY(tp_samples_read(&cli->diag, &t->session.in, x, &t->replay));
    t->replay_targets.bytes = 1;
    TP_TRY(tp_labels_read(&cli->diag, y, t->replay.n, t->session.classes,
                          &t->replay_targets.data));
    return t->replay.n <= MOST_SAMPLES
               ? TP_OK
               : tp_error(&cli->diag, TP_ERR_ARGUMENT,
                          "%s: %zu samples; at most %u can be replayed", x,
                          t->replay.n, MOST_SAMPLES);
}

/* Offers every old sample, in a seeded order, as a device would that met them
 * one by one: files are often sorted, life is not. */
static tp_status fill_replay(tp_trainer *t, tp_replay *replay) {
    tp_cli *cli = t->cli;
    const size_t count = t->session.in.count;
    const size_t n = t->replay.n;
    const size_t fresh = t->x.n - t->held;
    const size_t asked = (size_t)cli->options.replay_keep;
    const size_t wanted = asked > 0 ? asked : fresh;
    const tp_replay_config config = {
        .x_bytes = (uint32_t)count,
        .capacity = (uint32_t)(wanted < UINT16_MAX ? wanted : UINT16_MAX),
        .classes = (uint32_t)t->session.classes,
        .seed = t->config.seed};
    const size_t bytes =
        TP_REPLAY_BYTES(count, config.capacity, t->session.classes);
    void *memory = tp_arena_alloc(&cli->arena, bytes, 1);
    uint16_t *order = tp_arena_alloc(&cli->arena, n, sizeof *order);
    if (memory == NULL || order == NULL) {
        return tp_no_memory(&cli->diag);
    }
    TP_TRY(tp_replay_init(replay, &config, memory, bytes));
    tp_train_order(order, (uint32_t)n, config.seed, REPLAY_EPOCH);
    for (size_t i = 0; i < n; i++) {
        TP_TRY(tp_replay_offer(replay, t->replay.data + order[i] * count,
                               t->replay_targets.data[order[i]]));
    }
    t->old = replay->n;
    return TP_OK;
}

/* --- targets -------------------------------------------------------------- */

static tp_status set_goals(tp_trainer *t) {
    const tp_session *s = &t->session;
    t->goals = t->targets;
    if (s->classes > 0) {
        return TP_OK;
    }
    const tp_port target = tp_port_target(s->plan.graph);
    const tp_samples all = {(int8_t *)t->targets.data, t->x.n};
    tp_samples goals;
    TP_TRY(
        tp_samples_requantise(&t->cli->diag, &s->out, &target, &all, &goals));
    t->goals.data = (uint8_t *)goals.data;
    return TP_OK;
}

/* --- all of it ------------------------------------------------------------ */

static tp_status check_counts(const tp_trainer *t) {
    tp_cli *cli = t->cli;
    if (t->x.n > MOST_SAMPLES) {
        return tp_error(&cli->diag, TP_ERR_ARGUMENT,
                        "%s: %zu samples; at most %u can be trained on",
                        cli->options.x, t->x.n, MOST_SAMPLES);
    }
    if (t->held >= t->x.n) {
        return tp_error(&cli->diag, TP_ERR_ARGUMENT,
                        "%s: %zu samples; --holdout %zu leaves none",
                        cli->options.x, t->x.n, t->held);
    }
    if (t->held > 0 && t->held < FEW_HELD_BACK) {
        tp_note(&cli->diag, "--holdout %zu: fewer than %d say little", t->held,
                FEW_HELD_BACK);
    }
    return TP_OK;
}

tp_status tp_train_samples(tp_trainer *t) {
    tp_cli *cli = t->cli;
    tp_replay replay = {.n = 0};
    TP_TRY(tp_samples_read(&cli->diag, &t->session.in, cli->options.x, &t->x));
    TP_TRY(tp_targets_read(cli, &t->session, &t->x, &t->targets));
    t->held = (size_t)cli->options.holdout;
    t->config.seed = (uint32_t)cli->options.seed;
    TP_TRY(check_counts(t));
    if (cli->options.replay != NULL) {
        TP_TRY(read_replay(t));
        TP_TRY(fill_replay(t, &replay));
    }
    if (t->x.n - t->held + t->old > MOST_SAMPLES) {
        return tp_error(&cli->diag, TP_ERR_ARGUMENT,
                        "%zu samples and %zu old ones; at most %u can be "
                        "trained on",
                        t->x.n - t->held, t->old, MOST_SAMPLES);
    }
    TP_TRY(arrange(t, &replay));
    return set_goals(t);
}
