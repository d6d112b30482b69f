/* Finding, deleting, mounting. */
#include "tinypeft/store.h"

#include <string.h>

#include "core/bytes.h"
#include "core/sha256.h"
#include "runtime/store/write.h"

#define MOST_REPAIRS 3u /* of one record, in a row */
#define CHOICE_ID 0u
#define CHOICE_BYTES 32u

/* --- finding -------------------------------------------------------------- */

/* The slot with the largest generation of a key below `limit`; store->slots:
 * there is none. */
static uint32_t below(const tp_store *store, const tp_record_head *key,
                      uint64_t limit, tp_record_head *head) {
    uint32_t slot = store->slots;
    tp_record_head other;
    for (uint32_t i = 0; i < store->slots; i++) {
        if (tp_ring_head(store, i, &other) && tp_same_key(&other, key) &&
            other.generation < limit &&
            (slot == store->slots || other.generation > head->generation)) {
            *head = other;
            slot = i;
        }
    }
    return slot;
}

tp_status tp_store_find(const tp_store *store, uint16_t kind, uint32_t id,
                        uint32_t back, tp_record *record) {
    const tp_record_head key = {.kind = kind, .id = id};
    tp_record_head head = key;
    uint64_t limit = UINT64_MAX;
    uint32_t slot = store->slots;
    for (uint32_t i = 0; i <= back; i++) {
        slot = below(store, &key, limit, &head);
        if (slot == store->slots || head.deleted) {
            return TP_ERR_NOT_FOUND;
        }
        limit = head.generation;
    }
    return tp_slot_record(store, slot, record) ? TP_OK : TP_ERR_IO;
}

tp_status tp_store_find_generation(const tp_store *store, uint16_t kind,
                                   uint32_t id, uint32_t generation,
                                   tp_record *record) {
    const tp_record_head key = {.kind = kind, .id = id};
    tp_record_head head = key;
    const uint32_t slot = below(store, &key, (uint64_t)generation + 1, &head);
    if (slot == store->slots || head.generation != generation || head.deleted) {
        return TP_ERR_NOT_FOUND;
    }
    return tp_slot_record(store, slot, record) ? TP_OK : TP_ERR_IO;
}

tp_status tp_store_read(const tp_store *store, const tp_record *record,
                        uint32_t at, void *bytes, uint32_t n) {
    if (at > record->bytes || n > record->bytes - at) {
        return TP_ERR_ARGUMENT;
    }
    return tp_slot_read(store, record->slot, tp_slot_payload(store) + at, bytes,
                        n);
}

tp_status tp_store_load(const tp_store *store, const tp_record *record,
                        void *payload) {
    uint8_t digest[32];
    tp_sha256 sha;
    TP_TRY(tp_store_read(store, record, 0, payload, record->bytes));
    tp_sha256_init(&sha);
    tp_sha256_add(&sha, payload, record->bytes);
    tp_sha256_done(&sha, digest);
    return memcmp(digest, record->sha256, sizeof digest) == 0 ? TP_OK
                                                              : TP_ERR_CORRUPT;
}

/* --- choices -------------------------------------------------------------- */

static void encode_choice(const tp_choice *c, uint8_t bytes[CHOICE_BYTES]) {
    tp_put_u32(bytes, c->active);
    tp_put_u32(bytes + 4, c->active_generation);
    tp_put_u32(bytes + 8, c->trial);
    tp_put_u32(bytes + 12, c->trial_generation);
    tp_put_u64(bytes + 16, c->trial_seq);
    tp_put_u64(bytes + 24, c->floor);
}

static void decode_choice(const uint8_t bytes[CHOICE_BYTES], tp_choice *c) {
    c->active = tp_get_u32(bytes);
    c->active_generation = tp_get_u32(bytes + 4);
    c->trial = tp_get_u32(bytes + 8);
    c->trial_generation = tp_get_u32(bytes + 12);
    c->trial_seq = tp_get_u64(bytes + 16);
    c->floor = tp_get_u64(bytes + 24);
}

static tp_status load_choice(tp_store *store) {
    uint8_t bytes[CHOICE_BYTES];
    tp_record record;
    store->choice = (tp_choice){.active = 0};
    const tp_status status =
        tp_store_find(store, TP_RECORD_CHOICE, CHOICE_ID, 0, &record);
    if (status != TP_OK || record.bytes != CHOICE_BYTES) {
        return TP_OK; /* nothing was chosen yet */
    }
    TP_TRY(tp_store_load(store, &record, bytes));
    decode_choice(bytes, &store->choice);
    return TP_OK;
}

tp_status tp_store_chosen(const tp_store *store, bool trial,
                          tp_record *record) {
    const tp_choice *c = &store->choice;
    return tp_store_find_generation(
        store, TP_RECORD_ADAPTER, trial ? c->trial : c->active,
        trial ? c->trial_generation : c->active_generation, record);
}

tp_status tp_store_choose(tp_store *store, const tp_choice *choice) {
    uint8_t bytes[CHOICE_BYTES];
    tp_choice next = *choice;
    tp_record record = {
        .kind = TP_RECORD_CHOICE, .id = CHOICE_ID, .bytes = CHOICE_BYTES};
    if (next.floor < store->choice.floor) {
        next.floor = store->choice.floor;
    }
    encode_choice(&next, bytes);
    if (next.floor > store->choice.floor) {
        /* Twice: if one rots, the one before it has the same floor. */
        TP_TRY(tp_store_save(store, &record, bytes));
    }
    TP_TRY(tp_store_save(store, &record, bytes));
    store->choice = next;
    return TP_OK;
}

/* --- deleting ------------------------------------------------------------- */

/* Erases what a record has deleted, then the record itself. */
static tp_status settle_one(tp_store *store, const tp_record_head *head,
                            uint32_t slot) {
    tp_record_head other;
    for (uint32_t i = 0; i < store->slots; i++) {
        if (i != slot && tp_slot_head(store, i, &other) &&
            (head->kind == TP_RECORD_ALL || tp_same_key(&other, head))) {
            store->good &= ~tp_ring_bit(i);
            TP_TRY(tp_slot_erase(store, i));
        }
    }
    store->good &= ~tp_ring_bit(slot);
    return tp_slot_erase(store, slot);
}

static tp_status settle(tp_store *store) {
    tp_record_head head;
    for (uint32_t i = 0; i < store->slots; i++) {
        if (tp_ring_head(store, i, &head) && head.deleted) {
            TP_TRY(settle_one(store, &head, i));
        }
    }
    return load_choice(store);
}

tp_status tp_store_delete(tp_store *store, uint16_t kind, uint32_t id) {
    const tp_record_head key = {.kind = kind, .id = id};
    tp_record record = {.kind = kind, .id = id, .deleted = true};
    tp_record_head head = key;
    if (below(store, &key, UINT64_MAX, &head) == store->slots) {
        return TP_OK;
    }
    TP_TRY(tp_store_save(store, &record, NULL));
    return settle(store);
}

tp_status tp_store_format(tp_store *store) {
    tp_record record = {.kind = TP_RECORD_ALL, .deleted = true};
    TP_TRY(tp_store_save(store, &record, NULL));
    return settle(store);
}

/* --- mounting ------------------------------------------------------------- */

/* What a scan finds beside store->good, a bit for each slot. */
typedef struct found {
    uint32_t half; /* good, with one commit only */
    uint32_t old;  /* whole, but the same generation is there again, newer */
} found;

static void judge(tp_store *store, uint32_t slot, found *f) {
    tp_record record;
    if (!tp_slot_record(store, slot, &record)) {
        return;
    }
    /* Of every header, committed or not: a number that a torn commit may have
     * used is not used again. */
    if (store->next_seq <= record.seq) {
        store->next_seq = record.seq + 1;
    }
    if (store->most_worn < record.wear) {
        store->most_worn = record.wear;
    }
    uint32_t commits = 0;
    for (uint32_t i = 0; i < TP_COMMITS; i++) {
        commits += tp_slot_committed(store, &record, i);
    }
    if (commits > 0 && tp_slot_check_crc(store, &record) == TP_OK) {
        store->good |= tp_ring_bit(slot);
        f->half |= commits < TP_COMMITS ? tp_ring_bit(slot) : 0;
    }
}

/* A copy was made and then not erased: of both, the later one counts. */
static bool copied(const tp_store *store, const tp_record_head *head) {
    tp_record_head other;
    for (uint32_t i = 0; i < store->slots; i++) {
        if (tp_ring_head(store, i, &other) && tp_same_key(&other, head) &&
            other.generation == head->generation && other.seq > head->seq) {
            return true;
        }
    }
    return false;
}

static void scan(tp_store *store, found *f) {
    tp_record_head head;
    for (uint32_t i = 0; i < store->slots; i++) {
        judge(store, i, f);
    }
    for (uint32_t i = 0; i < store->slots; i++) {
        if (tp_ring_head(store, i, &head) && copied(store, &head)) {
            f->old |= tp_ring_bit(i);
        }
    }
    store->good &= ~f->old;
    f->half &= ~f->old;
}

static bool too_often(const tp_store *store, uint32_t slot) {
    tp_record record;
    return tp_slot_record(store, slot, &record) &&
           record.repairs >= MOST_REPAIRS;
}

/* A torn commit may read otherwise next time: the record is written again
 * before anyone sees it. */
static tp_status repair(tp_store *store, uint32_t slot) {
    uint32_t to = 0;
    uint32_t wear = 0;
    tp_status status = TP_ERR_IO;
    for (uint32_t i = 0; i < store->slots && status == TP_ERR_IO; i++) {
        TP_TRY(tp_ring_next(store, &to, &wear));
        status = tp_write_copy(store, slot, to, wear, 1);
    }
    store->good &= ~tp_ring_bit(slot);
    return status;
}

/* A deletion that has the last slot cannot be copied. Nobody was told of it, so
 * it never was. */
static tp_status repair_kept(tp_store *store, uint32_t slot, bool deletes) {
    if (too_often(store, slot)) {
        store->read_only = true;
        return TP_OK;
    }
    const tp_status status = repair(store, slot);
    if (status == TP_ERR_FULL && deletes) {
        store->good &= ~tp_ring_bit(slot); /* and is erased */
        return TP_OK;
    }
    return status;
}

/* Deletions, or the others. Deletions come first and are done with: what they
 * delete needs no slot to be copied to, which a full ring would not have. */
static tp_status repair_half(tp_store *store, uint32_t half, bool deletions) {
    tp_record_head head;
    for (uint32_t i = 0; i < store->slots; i++) {
        if (!tp_ring_has(half, i)) {
            continue;
        }
        if (!tp_ring_head(store, i, &head) || !tp_ring_keeps(store, &head)) {
            store->good &= ~tp_ring_bit(i); /* and is erased */
        } else if (head.deleted == deletions) {
            TP_TRY(repair_kept(store, i, deletions));
        }
    }
    return TP_OK;
}

/* Whatever is neither whole nor blank. */
static void scrub(tp_store *store, uint32_t whole) {
    for (uint32_t i = 0; i < store->slots; i++) {
        if (!tp_ring_has(whole, i) && !tp_slot_blank(store, i) &&
            tp_slot_erase(store, i) != TP_OK) {
            store->bad |= tp_ring_bit(i);
        }
    }
}

static bool possible(const tp_flash *flash, uint32_t sectors) {
    const uint32_t g = flash->granule;
    return (g == 1 || g == 4 || g == 8 || g == 16 || g == 32) && sectors > 0 &&
           flash->sector_bytes % g == 0 &&
           (uint64_t)flash->sector_bytes * flash->n_sectors <= UINT32_MAX &&
           flash->n_sectors / sectors >= TP_STORE_MIN_SLOTS;
}

static void start(tp_store *store, const tp_flash *flash, uint32_t sectors) {
    const uint32_t slots = flash->n_sectors / sectors;
    *store = (tp_store){.flash = flash, .sectors = sectors, .next_seq = 1};
    store->slots = slots < TP_STORE_MAX_SLOTS ? slots : TP_STORE_MAX_SLOTS;
}

static bool roomy(const tp_store *store) {
    const uint32_t bytes = store->sectors * store->flash->sector_bytes;
    return bytes > tp_slot_commit(store, CHOICE_BYTES, TP_COMMITS);
}

tp_status tp_store_mount(tp_store *store, const tp_flash *flash,
                         uint32_t sectors) {
    found f = {0, 0};
    if (!possible(flash, sectors)) {
        return TP_ERR_ARGUMENT;
    }
    start(store, flash, sectors);
    if (!roomy(store)) {
        return TP_ERR_ARGUMENT;
    }
    scan(store, &f);
    TP_TRY(load_choice(store));
    TP_TRY(repair_half(store, f.half, true));
    TP_TRY(settle(store));
    TP_TRY(repair_half(store, f.half, false));
    scrub(store, store->good | f.old);
    return TP_OK;
}
