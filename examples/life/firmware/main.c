/* The life of an adapter on an emulated Cortex-M4, whose power goes at any
 * moment.
 *
 *   life.elf FLASH CLIPS KEYS FACTORY FINAL DELTA...
 *
 * Runs until all has happened, or the power goes; the next run goes on from the
 * last checkpoint. Lines "clip N uj ENERGY | what happened" are for life.py.
 * The order: the adapter from the factory, another user (drift), samples with
 * the user's answers, training in slices between inferences, the judge, then
 * the deltas one after the other, each on trial before it is in use. */
#include "examples/life/firmware/life.h"

#include <string.h>

#include "ports/qemu/measure.h"
#include "ports/qemu/report.h"
#include "ports/qemu/semihost.h"

enum { MOST_DELTAS = 8 };

/* Two adapters are resident, so that a swap is a pointer. */
static _Alignas(TP_ALIGN) uint8_t arena[KWS_INFER_BYTES];
static _Alignas(TP_ALIGN) uint8_t adapters[2][KWS_ADAPTER_BYTES];
static tp_ctx ctx = {
    .model = &kws_model, .arena = arena, .adapter = adapters[0]};
static const char *files[3 + MOST_DELTAS]; /* factory, final, deltas */
static uint32_t n_deltas;
static uint32_t right[2]; /* on trial: in use, the one on trial */
static uint32_t swap;     /* instructions of one, and of counting them */

/* --- parts of a clip ------------------------------------------------------ */

static uint32_t infer_cost(void) {
    return KWS_INFER_COST;
}

static void infer(const life_clip *clip, int8_t *y) {
    if (!tp_governor_take(&life.governor, life.clip * LIFE_CLIP_S,
                          TP_SPEND_INFER, infer_cost())) {
        tp_qemu_fail("no energy is left to infer");
    }
    ctx.model->infer(&ctx, clip->x, y);
}

static bool is_right(const life_clip *clip, const int8_t *y) {
    uint32_t label = 0;
    (void)tp_drift_margin(y, LIFE_CLASSES, &label);
    return label == clip->label;
}

/* --- phases --------------------------------------------------------------- */

static void enter(life_phase phase) {
    life.phase = (uint32_t)phase;
    life_checkpoint();
}

static void choose_mine(void) {
    tp_record record;
    tp_choice choice = life_store.choice;
    if (tp_store_find(&life_store, TP_RECORD_ADAPTER, LIFE_MINE, 0, &record) !=
        TP_OK) {
        tp_qemu_fail("the adapter is not in the store");
    }
    if (choice.active == LIFE_MINE &&
        choice.active_generation == record.generation) {
        return;
    }
    choice.active = LIFE_MINE;
    choice.active_generation = record.generation;
    if (tp_store_choose(&life_store, &choice) != TP_OK) {
        tp_qemu_fail("the choice cannot be saved");
    }
}

/* The adapter from the factory, the only one that is not signed. */
static void begin(void) {
    static const tp_governor_config energy = {.day_uj = 4000000,
                                              .carry_uj = 0,
                                              .reserve_uj = 400000,
                                              .day_s = 86400,
                                              .pj_instruction = 100};
    static uint8_t blob[LIFE_BLOB_BYTES];
    tp_record record = {.kind = TP_RECORD_ADAPTER,
                        .id = LIFE_MINE,
                        .bytes = sizeof blob,
                        .layout = kws_model.layout_id};
    const tp_inbox_config inbox = {.x_bytes = KWS_X_BYTES,
                                   .capacity = LIFE_LEARN,
                                   .classes = LIFE_CLASSES};
    memcpy(record.base, kws_model.base_sha256, sizeof record.base);
    if (life_receive(files[0], 0, blob, sizeof blob) != sizeof blob ||
        tp_blob_read(&ctx, blob, sizeof blob) != TP_OK) {
        tp_qemu_fail("the adapter from the factory is of another model");
    }
    tp_record there;
    if ((tp_store_find(&life_store, TP_RECORD_ADAPTER, LIFE_MINE, 0, &there) !=
             TP_OK &&
         tp_store_save(&life_store, &record, blob) != TP_OK) ||
        tp_governor_begin(&life.governor, &energy, 0) != TP_OK ||
        tp_inbox_init(&life.inbox, &inbox, life.letters, sizeof life.letters) !=
            TP_OK) {
        tp_qemu_fail("nothing begins");
    }
    choose_mine();
    life_watch_begin();
    enter(LIFE_LISTEN);
    life_tell("adapter from the factory, # bytes", &record.bytes);
}

static void rest(void) {
    if (life.clip % LIFE_REST == 0) {
        life_checkpoint();
    }
}

/* At a clip of its own, so that the same is heard after any loss of power. */
static void next_delta(uint32_t i) {
    life.delta = i;
    life.clip = LIFE_AIR + i * LIFE_AIR_EACH;
    enter(i < n_deltas ? LIFE_DELTA : LIFE_END);
}

static void train(void) {
    tp_status status = TP_OK;
    if (!life_train(&status)) {
        return;
    }
    if (life_judge(status)) {
        choose_mine();
        life_load(false, ctx.adapter);
    }
    next_delta(0);
}

/* A delta that was refused leaves no trial. */
static void take_delta(void) {
    if (!life_has_trial() && !life_take(files[2 + life.delta])) {
        return;
    }
    if (life_has_trial()) {
        life.clip = LIFE_AIR + life.delta * LIFE_AIR_EACH + LIFE_ARRIVED;
        enter(LIFE_ON_TRIAL);
        return;
    }
    next_delta(life.delta + 1);
}

static void end_trial(void) {
    const bool better = right[1] >= right[0];
    life_tell(better ? "trial: # of # right, # with the one before: in use "
                       "(a swap takes # instructions)"
                     : "trial: # of # right, # with the one before: back",
              (uint32_t[]){right[1], LIFE_TRIAL, right[0], swap});
    if ((better ? tp_update_accept(&life_store)
                : tp_update_reject(&life_store)) != TP_OK) {
        tp_qemu_fail("the trial does not end");
    }
}

/* All of a trial at once: what it counts is not kept over a loss of power. */
static void on_trial(void) {
    uint8_t *const used = ctx.adapter;
    uint8_t *const other = used == adapters[0] ? adapters[1] : adapters[0];
    if (life_has_trial()) { /* else it was decided, and then the power went */
        life_load(true, other);
        right[0] = right[1] = 0;
        for (uint32_t i = 0; i < LIFE_TRIAL; i++) {
            life_clip clip;
            int8_t y[LIFE_CLASSES];
            if (!life_hear(life.clip + i, &clip)) {
                tp_qemu_fail("there are too few clips");
            }
            for (int k = 0; k < 2; k++) {
                const uint64_t before = tp_qemu_instructions();
                ctx.adapter = k == 0 ? used : other; /* the hot swap */
                swap = (uint32_t)(tp_qemu_instructions() - before);
                infer(&clip, y);
                right[k] += is_right(&clip, y);
            }
        }
        ctx.adapter = used;
        end_trial();
    }
    life_load(false, ctx.adapter);
    next_delta(life.delta + 1);
}

static void next_clip(void) {
    life_clip clip;
    int8_t y[LIFE_CLASSES];
    if (!life_hear(life.clip, &clip)) {
        tp_qemu_fail("there are too few clips");
    }
    infer(&clip, y);
    life.clip++;
    switch (life.phase) {
    case LIFE_LISTEN:
        if (life_watch(&clip, y)) {
            enter(LIFE_COLLECT);
        }
        rest();
        break;
    case LIFE_COLLECT:
        if (life_collect(&clip, y)) {
            life_train_begin();
            enter(LIFE_TRAIN);
        }
        break;
    case LIFE_TRAIN:
        train();
        break;
    default:
        take_delta();
    }
}

/* --- from reset on -------------------------------------------------------- */

static void finish(void) {
    static uint8_t blob[LIFE_BLOB_BYTES];
    const tp_choice *c = &life_store.choice;
    if (tp_blob_write(&ctx, blob, sizeof blob) != TP_OK) {
        tp_qemu_fail("the adapter cannot be written");
    }
    life_write(files[1], blob, sizeof blob);
    life_tell("end: adapter #, generation #, floor #, state # bytes, stack #",
              (uint32_t[]){c->active, c->active_generation, (uint32_t)c->floor,
                           (uint32_t)sizeof life, tp_qemu_stack_used()});
}

int main(int argc, char **argv) {
    if (argc < 7 || argc > 6 + MOST_DELTAS) {
        tp_qemu_fail("usage: life.elf FLASH CLIPS KEYS FACTORY FINAL DELTA...");
    }
    life_open(argv[1]);
    life_listen(argv[2]);
    life_trust(argv[3]);
    n_deltas = (uint32_t)argc - 6u;
    for (int i = 4; i < argc; i++) {
        files[i - 4] = argv[i];
    }
    if (life.phase == LIFE_NEW) {
        begin();
    } else {
        life_tell("power is back", NULL);
    }
    life_load(false, ctx.adapter);
    while (life.phase != LIFE_END) {
        if (life.phase == LIFE_ON_TRIAL) {
            on_trial();
        } else {
            next_clip();
        }
    }
    finish();
    return 0;
}
