#include "runtime/store/slot.h"

#include <string.h>

#include "core/crc32.h"
#include "core/sha256.h"

#define READS 3   /* tries of one read */
#define CHUNK 32u /* bytes of a read in passing */

static uint32_t padded(const tp_store *store, uint32_t n) {
    const uint32_t granule = store->flash->granule;
    return (n + granule - 1) / granule * granule;
}

static uint32_t slot_bytes(const tp_store *store) {
    return store->sectors * store->flash->sector_bytes;
}

static uint32_t address(const tp_store *store, uint32_t slot, uint32_t at) {
    return slot * slot_bytes(store) + at;
}

uint32_t tp_slot_payload(const tp_store *store) {
    return padded(store, TP_RECORD_HEADER_BYTES);
}

uint32_t tp_slot_commit(const tp_store *store, uint32_t payload,
                        uint32_t which) {
    return tp_slot_payload(store) + padded(store, payload) +
           which * padded(store, TP_COMMIT_BYTES);
}

uint32_t tp_store_capacity(const tp_store *store) {
    const uint32_t rest =
        slot_bytes(store) - tp_slot_commit(store, 0, TP_COMMITS);
    return rest / store->flash->granule * store->flash->granule;
}

tp_status tp_slot_read(const tp_store *store, uint32_t slot, uint32_t at,
                       void *bytes, uint32_t n) {
    const tp_flash *flash = store->flash;
    tp_status status = TP_ERR_IO;
    for (int i = 0; i < READS && status != TP_OK; i++) {
        status = flash->read(flash->ctx, address(store, slot, at), bytes, n);
    }
    return status;
}

tp_status tp_slot_program(const tp_store *store, uint32_t slot, uint32_t at,
                          const void *bytes, uint32_t n) {
    const tp_flash *flash = store->flash;
    const uint32_t whole = n / flash->granule * flash->granule;
    const uint32_t to = address(store, slot, at);
    if (whole > 0) {
        TP_TRY(flash->program(flash->ctx, to, bytes, whole));
    }
    if (whole < n) {
        uint8_t last[TP_MAX_GRANULE] = {0};
        memcpy(last, (const uint8_t *)bytes + whole, n - whole);
        TP_TRY(flash->program(flash->ctx, to + whole, last, flash->granule));
    }
    return TP_OK;
}

bool tp_slot_blank(const tp_store *store, uint32_t slot) {
    uint8_t bytes[CHUNK];
    const uint32_t end = slot_bytes(store);
    for (uint32_t at = 0; at < end; at += CHUNK) {
        const uint32_t n = end - at < CHUNK ? end - at : CHUNK;
        if (tp_slot_read(store, slot, at, bytes, n) != TP_OK) {
            return false;
        }
        for (uint32_t i = 0; i < n; i++) {
            if (bytes[i] != 0xFF) {
                return false;
            }
        }
    }
    return true;
}

/* What then reads blank may not be, but what does not was not erased. */
tp_status tp_slot_erase(const tp_store *store, uint32_t slot) {
    const tp_flash *flash = store->flash;
    for (uint32_t i = 0; i < store->sectors; i++) {
        TP_TRY(flash->erase(flash->ctx, slot * store->sectors + i));
    }
    return tp_slot_blank(store, slot) ? TP_OK : TP_ERR_IO;
}

bool tp_slot_head(const tp_store *store, uint32_t slot, tp_record_head *head) {
    uint8_t bytes[TP_RECORD_HEADER_BYTES];
    return tp_slot_read(store, slot, 0, bytes, sizeof bytes) == TP_OK &&
           tp_record_head_decode(bytes, head) &&
           head->bytes <= tp_store_capacity(store);
}

bool tp_slot_record(const tp_store *store, uint32_t slot, tp_record *record) {
    uint8_t bytes[TP_RECORD_HEADER_BYTES];
    if (tp_slot_read(store, slot, 0, bytes, sizeof bytes) != TP_OK ||
        !tp_record_decode(bytes, record) ||
        record->bytes > tp_store_capacity(store)) {
        return false;
    }
    record->slot = slot;
    return true;
}

bool tp_slot_committed(const tp_store *store, const tp_record *record,
                       uint32_t which) {
    uint8_t want[TP_COMMIT_BYTES];
    uint8_t have[TP_COMMIT_BYTES];
    const uint32_t at = tp_slot_commit(store, record->bytes, which);
    tp_commit_encode(record, which, want);
    return tp_slot_read(store, record->slot, at, have, sizeof have) == TP_OK &&
           memcmp(want, have, sizeof want) == 0;
}

/* The next bytes of a payload, CHUNK at most; moves `at` behind them. */
static tp_status pass(const tp_store *store, const tp_record *record,
                      uint32_t *at, uint8_t *bytes, uint32_t *n) {
    const uint32_t left = record->bytes - *at;
    const uint32_t from = tp_slot_payload(store) + *at;
    *n = left < CHUNK ? left : CHUNK;
    *at += *n;
    return tp_slot_read(store, record->slot, from, bytes, *n);
}

tp_status tp_slot_check_crc(const tp_store *store, const tp_record *record) {
    uint8_t bytes[CHUNK];
    uint32_t crc = 0;
    uint32_t n = 0;
    for (uint32_t at = 0; at < record->bytes;) {
        TP_TRY(pass(store, record, &at, bytes, &n));
        crc = tp_crc32(crc, bytes, n);
    }
    return crc == record->crc ? TP_OK : TP_ERR_CORRUPT;
}

tp_status tp_slot_check_sha(const tp_store *store, const tp_record *record) {
    uint8_t bytes[CHUNK]; /* then the digest */
    uint32_t n = 0;
    tp_sha256 hash;
    tp_sha256_init(&hash);
    for (uint32_t at = 0; at < record->bytes;) {
        TP_TRY(pass(store, record, &at, bytes, &n));
        tp_sha256_add(&hash, bytes, n);
    }
    tp_sha256_done(&hash, bytes);
    return memcmp(bytes, record->sha256, sizeof record->sha256) == 0
               ? TP_OK
               : TP_ERR_CORRUPT;
}
