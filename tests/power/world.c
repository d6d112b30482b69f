#include "tests/power/world.h"

#include <string.h>

#include "core/crc32.h"
#include "core/rng.h"
#include "core/sha256.h"

#define MOST_BYTES 208u

/* The payload of a version: length and bytes follow from its number, which the
 * first four bytes are. */
static uint32_t make(uint32_t version, uint8_t bytes[MOST_BYTES]) {
    const uint32_t n = 40 + version * 37 % (MOST_BYTES - 40);
    uint32_t rng = tp_rng_seed(version);
    memcpy(bytes, &version, sizeof version);
    for (uint32_t i = sizeof version; i < n; i++) {
        bytes[i] = (uint8_t)(tp_rng_next(&rng) >> 24);
    }
    return n;
}

/* --- the world ------------------------------------------------------------ */

static void imagine_save(world *w, generation key[2]) {
    key[1] = key[0];
    w->versions++;
    key[0] = (generation){key[0].number + 1, w->versions};
}

void world_imagine(world *w, step s) {
    generation *key = s.id > 0 ? w->key[s.id - 1] : NULL;
    switch (s.verb) {
    case SAVE:
    case STREAM:
        imagine_save(w, key);
        break;
    case TRIAL:
        w->choice.trial = s.id;
        w->choice.trial_generation = key[0].number;
        w->choice.trial_seq = w->choice.floor + 1;
        break;
    case ACCEPT:
        w->choice = (tp_choice){.active = s.id,
                                .active_generation = key[0].number,
                                .floor = w->choice.floor + 1};
        break;
    case BACK:
        w->choice.active = s.id;
        w->choice.active_generation = key[1].number;
        break;
    case DELETE:
        memset(key, 0, 2 * sizeof *key);
        break;
    case FORMAT:
        memset(w->key, 0, sizeof w->key);
        w->choice = (tp_choice){.active = 0};
        break;
    case END:
    case REBOOT:
        break;
    }
}

static tp_record record_of(uint32_t id, uint32_t bytes) {
    return (tp_record){
        .kind = TP_RECORD_ADAPTER, .id = id, .bytes = bytes, .layout = id};
}

static tp_status save(tp_store *store, uint32_t id, uint32_t version) {
    static uint8_t bytes[MOST_BYTES];
    tp_record record = record_of(id, make(version, bytes));
    return tp_store_save(store, &record, bytes);
}

static tp_status stream(tp_store *store, uint32_t id, uint32_t version) {
    static uint8_t bytes[MOST_BYTES];
    tp_record record = record_of(id, make(version, bytes));
    tp_store_writer writer;
    tp_sha256 sha;
    tp_sha256_init(&sha);
    tp_sha256_add(&sha, bytes, record.bytes);
    tp_sha256_done(&sha, record.sha256);
    record.crc = tp_crc32(0, bytes, record.bytes);
    TP_TRY(tp_store_begin(store, &record, &writer));
    for (uint32_t at = 0; at < record.bytes; at += 7) {
        const uint32_t left = record.bytes - at;
        TP_TRY(tp_store_append(&writer, bytes + at, left < 7 ? left : 7));
    }
    return tp_store_commit(&writer, &record);
}

static tp_status perform(const world *after, tp_store *store, step s) {
    switch (s.verb) {
    case SAVE:
        return save(store, s.id, after->versions);
    case STREAM:
        return stream(store, s.id, after->versions);
    case TRIAL:
    case ACCEPT:
    case BACK:
        return tp_store_choose(store, &after->choice);
    case DELETE:
        return tp_store_delete(store, TP_RECORD_ADAPTER, s.id);
    case FORMAT:
        return tp_store_format(store);
    case REBOOT:
        return tp_store_mount(store, store->flash, store->sectors);
    case END:
        break;
    }
    return TP_OK;
}

tp_status world_step(world *w, tp_store *store, step s) {
    world after = *w;
    world_imagine(&after, s);
    const tp_status status = perform(&after, store, s);
    if (status == TP_OK) {
        *w = after;
    }
    return status;
}

/* --- what is there -------------------------------------------------------- */

/* One generation that is shown. */
static const char *look_at(const tp_store *store, uint32_t id, uint32_t back,
                           generation *g) {
    static uint8_t want[MOST_BYTES];
    static uint8_t have[MOST_BYTES];
    tp_record record;
    if (tp_store_find(store, TP_RECORD_ADAPTER, id, back, &record) != TP_OK) {
        return NULL;
    }
    if (record.bytes > sizeof have ||
        tp_store_load(store, &record, have) != TP_OK) {
        return "shows a record that cannot be loaded";
    }
    memcpy(&g->version, have, sizeof g->version);
    g->number = record.generation;
    if (make(g->version, want) != record.bytes ||
        memcmp(want, have, record.bytes) != 0) {
        return "shows bytes that were never saved";
    }
    return NULL;
}

const char *world_look(const tp_store *store, world *seen) {
    memset(seen, 0, sizeof *seen);
    seen->choice = store->choice;
    for (uint32_t id = 1; id <= KEYS; id++) {
        for (uint32_t back = 0; back < 2; back++) {
            const char *wrong =
                look_at(store, id, back, &seen->key[id - 1][back]);
            if (wrong != NULL) {
                return wrong;
            }
        }
    }
    return NULL;
}

static bool same_generation(const generation *a, const generation *b) {
    return a->version == b->version && a->number == b->number;
}

static bool same_key(const generation a[2], const generation b[2]) {
    return same_generation(&a[0], &b[0]) && same_generation(&a[1], &b[1]);
}

static bool same_choice(const tp_choice *a, const tp_choice *b) {
    return a->active == b->active && a->trial == b->trial &&
           a->active_generation == b->active_generation &&
           a->trial_generation == b->trial_generation &&
           a->trial_seq == b->trial_seq && a->floor == b->floor;
}

bool world_same(const world *a, const world *b) {
    for (uint32_t i = 0; i < KEYS; i++) {
        if (!same_key(a->key[i], b->key[i])) {
            return false;
        }
    }
    return same_choice(&a->choice, &b->choice);
}

const char *world_judge(const world *before, step s, const world *seen) {
    world after = *before;
    world_imagine(&after, s);
    return world_same(before, seen) || world_same(&after, seen)
               ? NULL
               : "what is shown is neither as before nor as after";
}
