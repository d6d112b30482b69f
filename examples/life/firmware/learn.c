/* Drift, samples that the user has labelled, training in slices, the judge. */
#include "examples/life/firmware/life.h"
#include "ports/qemu/report.h"

#include <string.h>

/* --- drift ---------------------------------------------------------------- */

/* The sum of each coefficient over the 49 frames. */
static const tp_drift_sum sums[LIFE_SUMS] = {
    {0, 49, 10}, {1, 49, 10}, {2, 49, 10}, {3, 49, 10}, {4, 49, 10},
    {5, 49, 10}, {6, 49, 10}, {7, 49, 10}, {8, 49, 10}, {9, 49, 10}};
static const tp_drift_config watch = {.sum = sums,
                                      .features = LIFE_SUMS,
                                      .classes = LIFE_CLASSES,
                                      TP_DRIFT_DEFAULTS};

void life_watch_begin(void) {
    if (tp_drift_begin(&watch, life.drift, sizeof life.drift) != TP_OK) {
        tp_qemu_fail("the detector of drift does not begin");
    }
}

bool life_watch(const life_clip *clip, const int8_t *y) {
    uint32_t label = 0;
    const uint8_t margin = tp_drift_margin(y, LIFE_CLASSES, &label);
    const uint32_t found =
        tp_drift_sample(&watch, life.drift, clip->x, label, margin);
    if ((found & (TP_DRIFT_CHANGED | TP_DRIFT_HARMFUL)) == 0) {
        return false;
    }
    life_tell("drift: input changed #, margin fell #",
              (uint32_t[]){(found & TP_DRIFT_CHANGED) != 0,
                           (found & TP_DRIFT_HARMFUL) != 0});
    return true;
}

/* --- samples -------------------------------------------------------------- */

static void hold_back(const life_clip *clip) {
    memcpy(life.held_x[life.n_held], clip->x, sizeof clip->x);
    life.held_label[life.n_held++] = clip->label;
}

/* What was predicted is confirmed by what the user does next, or corrected. */
static void learn_from(const life_clip *clip, uint8_t predicted) {
    const uint32_t ticket = tp_inbox_put(&life.inbox, clip->x, predicted);
    const tp_status status =
        predicted == clip->label
            ? tp_inbox_confirm(&life.inbox, ticket)
            : tp_inbox_label(&life.inbox, tp_inbox_newest(&life.inbox),
                             clip->label);
    if (status != TP_OK) {
        tp_qemu_fail("a sample takes no label");
    }
    life.n_learn++;
}

bool life_collect(const life_clip *clip, const int8_t *y) {
    uint32_t predicted = 0;
    (void)tp_drift_margin(y, LIFE_CLASSES, &predicted);
    if (life.n_held < LIFE_HELD && life.clip % 3 == 0) {
        hold_back(clip);
    } else if (life.n_learn < LIFE_LEARN) {
        learn_from(clip, (uint8_t)predicted);
    }
    return life.n_held == LIFE_HELD && life.n_learn == LIFE_LEARN;
}

/* --- training ------------------------------------------------------------- */

static _Alignas(TP_ALIGN) uint8_t arena[KWS_ARENA_BYTES];
static const tp_ctx ctx = {.model = &kws_model,
                           .arena = arena,
                           .adapter = life.adapter,
                           .train = life.train};
static uint8_t scores[KWS_Y_BYTES];
static const tp_held held = {.x = (const uint8_t *)life.held_x,
                             .label = life.held_label,
                             .n = LIFE_HELD,
                             .stride = KWS_X_BYTES,
                             .y = scores};

void life_train_begin(void) {
    tp_train_config config = TP_TRAIN_DEFAULTS;
    config.updates = LIFE_EPOCHS * LIFE_LEARN / config.batch;
    life.accept = (tp_accept){.held = &held,
                              .better = 1,
                              .blob = life.blob,
                              .capacity = sizeof life.blob};
    life_load(false, life.adapter);
    if (tp_accept_begin(&life.accept, &ctx) != TP_OK ||
        tp_train_begin(&ctx, &config) != TP_OK) {
        tp_qemu_fail("training does not begin");
    }
    life.sample = 0;
    life_tell("training: # samples, # held back, # of them right before",
              (uint32_t[]){LIFE_LEARN, LIFE_HELD, life.accept.before});
}

static const uint8_t *pick(uint32_t sample, uint8_t *label) {
    static uint16_t order[LIFE_LEARN];
    tp_train_order(order, LIFE_LEARN, 1, sample / LIFE_LEARN);
    return tp_inbox_at(&life.inbox, order[sample % LIFE_LEARN], label);
}

static uint32_t now_s(void *unused) {
    (void)unused;
    return life.clip * LIFE_CLIP_S;
}

static const tp_clock world_clock = {.now_s = now_s};

/* Samples until the energy of this moment is used. A sample that is not
 * finished then is begun again, after a loss of power: a checkpoint is between
 * two. */
bool life_train(tp_status *status) {
    const tp_governed governed = {.governor = &life.governor,
                                  .clock = &world_clock,
                                  .ctx = &ctx,
                                  .slice = 500000};
    const tp_train_state *state = tp_train_state_of(&ctx);
    uint32_t slices = 14; /* in the pause before the next clip */
    while (life.sample < LIFE_EPOCHS * LIFE_LEARN) {
        uint8_t label = 0;
        bool done = false;
        const uint8_t *x = pick(life.sample, &label);
        const uint32_t updates = state->updates;
        while (!done) {
            if (slices == 0) {
                return false;
            }
            slices--;
            *status = tp_governor_slice(&governed, x, &label, &done);
            if (*status == TP_ERR_BUDGET) {
                return false;
            }
            if (*status != TP_OK && *status != TP_ERR_UNDONE) {
                return true;
            }
        }
        life.sample++;
        if (state->updates != updates && state->updates % LIFE_EVERY == 0) {
            life_tell("checkpoint behind update # of #",
                      (uint32_t[]){state->updates, state->config.updates});
            life_checkpoint();
        }
    }
    *status = tp_train_end(&ctx);
    return true;
}

/* --- the judge ------------------------------------------------------------ */

/* Power may have gone behind the save: then it is there already. */
static bool is_stored(void) {
    static uint8_t there[LIFE_BLOB_BYTES];
    tp_record record;
    return tp_store_find(&life_store, TP_RECORD_ADAPTER, LIFE_MINE, 0,
                         &record) == TP_OK &&
           record.bytes == sizeof there &&
           tp_store_load(&life_store, &record, there) == TP_OK &&
           memcmp(there, life.blob, sizeof there) == 0;
}

bool life_judge(tp_status status) {
    bool accepted = false;
    if (tp_accept_end(&life.accept, &ctx, status, &accepted) != TP_OK ||
        (accepted &&
         tp_blob_write(&ctx, life.blob, sizeof life.blob) != TP_OK)) {
        tp_qemu_fail("what was learned cannot be judged");
    }
    life_tell(accepted ? "accepted: # of # right, # before"
                       : "taken back: # of # right, # before",
              (uint32_t[]){life.accept.after, LIFE_HELD, life.accept.before});
    if (accepted && !is_stored() &&
        tp_accept_save(&life.accept, &ctx, &life_store, LIFE_MINE) != TP_OK) {
        tp_qemu_fail("what was learned cannot be stored");
    }
    return accepted;
}
