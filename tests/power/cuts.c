#include "tests/power/cuts.h"

#include <string.h>

#include "core/bytes.h"
#include "core/crc32.h"
#include "core/rng.h"

#define REPLAY_GRANULE 8u

const story power_stories[STORIES] = {
    {"save", 4, {{SAVE, 1}, {SAVE, 1}}},
    {"save over a full ring",
     4,
     {{SAVE, 1}, {SAVE, 1}, {SAVE, 1}, {SAVE, 1}, {SAVE, 1}, {SAVE, 1}}},
    {"hot swap",
     8,
     {{SAVE, 1}, {SAVE, 2}, {ACCEPT, 1}, {ACCEPT, 2}, {ACCEPT, 1}}},
    {"rollback",
     8,
     {{SAVE, 1}, {ACCEPT, 1}, {SAVE, 1}, {ACCEPT, 1}, {BACK, 1}, {SAVE, 1}}},
    {"install",
     10,
     {{SAVE, 1}, {ACCEPT, 1}, {STREAM, 2}, {TRIAL, 2}, {ACCEPT, 2}}},
    {"delete", 6, {{SAVE, 1}, {SAVE, 2}, {SAVE, 1}, {DELETE, 1}, {SAVE, 1}}},
    {"format", 6, {{SAVE, 1}, {SAVE, 1}, {SAVE, 2}, {FORMAT, 0}, {SAVE, 3}}},
    {"reboots",
     6,
     {{SAVE, 1}, {REBOOT, 0}, {SAVE, 2}, {REBOOT, 0}, {SAVE, 1}, {REBOOT, 0}}},
    {"format a full ring", 4, {{SAVE, 1}, {SAVE, 1}, {SAVE, 2}, {FORMAT, 0}}},
    {"delete in a full ring",
     4,
     {{SAVE, 1}, {SAVE, 1}, {SAVE, 2}, {DELETE, 2}}},
    {"delete two of three", 4, {{SAVE, 1}, {SAVE, 1}, {SAVE, 2}, {DELETE, 1}}},
};

void power_violation(trial *t, const char *what) {
    t->violations++;
    if (t->report != NULL) {
        t->report(t, what);
    }
}

void power_fresh(trial *t, uint32_t granule, bool ecc) {
    nor_init(&t->flash, granule, ecc, SECTOR_BYTES, SECTORS * t->tale->slots);
    t->port = nor_flash(&t->flash);
    memset(&t->now, 0, sizeof t->now);
    t->step = 0;
}

tp_status power_run(trial *t) {
    TP_TRY(tp_store_mount(&t->store, &t->port, SECTORS));
    for (; t->tale->step[t->step].verb != END; t->step++) {
        TP_TRY(world_step(&t->now, &t->store, t->tale->step[t->step]));
    }
    return TP_OK;
}

bool power_run_cut(trial *t, event cut) {
    t->first = cut;
    t->flash.ops = 0;
    t->flash.cut_at = cut.at;
    t->flash.tear = (nor_tear)cut.how;
    if (setjmp(nor_power) != 0) {
        t->flash.cut_at = 0;
        return true;
    }
    if (power_run(t) != TP_OK) {
        power_violation(t, "a step failed without any fault");
    }
    t->flash.cut_at = 0;
    return false;
}

uint32_t power_operations(trial *t, uint32_t granule, bool ecc) {
    power_fresh(t, granule, ecc);
    if (power_run_cut(t, (event){0, NOR_NOTHING})) {
        power_violation(t, "a cut out of nothing");
    }
    return t->flash.ops;
}

bool power_mount(trial *t, world *seen) {
    if (tp_store_mount(&t->store, &t->port, SECTORS) != TP_OK) {
        power_violation(t, "cannot be mounted");
        return false;
    }
    const char *what = world_look(&t->store, seen);
    if (what != NULL) {
        power_violation(t, what);
    }
    return what == NULL;
}

static bool boot(trial *t, world *seen) {
    world again;
    if (!power_mount(t, seen)) {
        return false;
    }
    const char *what = world_judge(&t->now, t->tale->step[t->step], seen);
    if (what != NULL) {
        power_violation(t, what);
        return false;
    }
    for (int i = 0; i < 2; i++) {
        if (power_mount(t, &again) && !world_same(seen, &again)) {
            power_violation(t, "two boots show different things");
        }
    }
    return true;
}

/* N + 2 saves, each as it should be. */
static void go_on(trial *t, const world *seen) {
    world w = *seen;
    world shown;
    w.versions = t->now.versions + 100;
    for (uint32_t i = 0; i < t->store.slots + 2; i++) {
        const step s = {SAVE, t->tale->slots < 6 ? 1 : 1 + i % 2};
        if (world_step(&w, &t->store, s) != TP_OK) {
            power_violation(t, "a save after the recovery failed");
            return;
        }
    }
    const char *what = world_look(&t->store, &shown);
    if (what == NULL && !world_same(&w, &shown)) {
        what = "saves after the recovery are not shown";
    }
    if (what != NULL) {
        power_violation(t, what);
    }
}

void power_recover(trial *t, world *seen) {
    if (boot(t, seen)) {
        go_on(t, seen);
    }
    if (t->flash.broken != NULL) {
        power_violation(t, t->flash.broken);
    }
}

void power_single(trial *t, uint32_t granule, bool ecc, event cut,
                  world *seen) {
    t->what = "cut";
    power_fresh(t, granule, ecc);
    t->flash.rng = tp_rng_seed(cut.at * 31 + (uint32_t)cut.how + 977 * t->seed);
    if (power_run_cut(t, cut)) {
        power_recover(t, seen);
    } else {
        power_violation(t, "no cut");
    }
}

/* By fields: a struct has bytes between them. */
static uint32_t add(uint32_t crc, uint32_t value) {
    uint8_t bytes[4];
    tp_put_u32(bytes, value);
    return tp_crc32(crc, bytes, sizeof bytes);
}

static uint32_t add_world(uint32_t crc, const world *w) {
    for (uint32_t i = 0; i < KEYS; i++) {
        for (int back = 0; back < 2; back++) {
            crc = add(crc, w->key[i][back].number);
            crc = add(crc, w->key[i][back].version);
        }
    }
    crc = add(crc, w->choice.active);
    crc = add(crc, w->choice.active_generation);
    crc = add(crc, w->choice.trial);
    return add(crc, (uint32_t)w->choice.floor);
}

uint32_t power_replay(trial *t, uint32_t *cuts) {
    uint32_t crc = 0;
    *cuts = 0;
    for (int i = 0; i < STORIES * 2; i++) {
        const bool ecc = i % 2 != 0;
        t->tale = &power_stories[i / 2];
        const uint32_t ops = power_operations(t, REPLAY_GRANULE, ecc);
        for (uint32_t at = 1; at <= ops; at++) {
            world seen = {.versions = 0};
            const event cut = {at, (int)((at + (uint32_t)i) % NOR_TEARS)};
            power_single(t, REPLAY_GRANULE, ecc, cut, &seen);
            crc = add_world(crc, &seen);
            (*cuts)++;
        }
    }
    return crc;
}
