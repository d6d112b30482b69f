#include "runtime/store/write.h"

#include <string.h>

#include "core/crc32.h"
#include "core/sha256.h"

void tp_write_failed(tp_store *store, uint32_t slot) {
    store->good &= ~tp_ring_bit(slot);
    store->bad |= tp_ring_bit(slot);
}

static tp_status commit(const tp_store *store, const tp_record *record,
                        uint32_t which) {
    uint8_t bytes[TP_COMMIT_BYTES];
    tp_commit_encode(record, which, bytes);
    TP_TRY(tp_slot_program(store, record->slot,
                           tp_slot_commit(store, record->bytes, which), bytes,
                           sizeof bytes));
    return tp_slot_committed(store, record, which) ? TP_OK : TP_ERR_IO;
}

/* Also for slots that hold a record which is no longer kept: from the first
 * erase on it is none. */
tp_status tp_write_open(tp_store *store, const tp_record *record) {
    uint8_t header[TP_RECORD_HEADER_BYTES];
    tp_record back;
    store->good &= ~tp_ring_bit(record->slot);
    TP_TRY(tp_slot_erase(store, record->slot));
    tp_record_encode(record, header);
    store->next_seq = record->seq + 1;
    if (store->most_worn < record->wear) {
        store->most_worn = record->wear;
    }
    TP_TRY(tp_slot_program(store, record->slot, 0, header, sizeof header));
    if (!tp_slot_header(store, record->slot, &back) ||
        back.seq != record->seq || back.crc != record->crc) {
        return TP_ERR_IO;
    }
    return TP_OK;
}

tp_status tp_write_close(tp_store *store, const tp_record *record) {
    TP_TRY(tp_slot_check(store, record, true));
    for (uint32_t i = 0; i < TP_COMMITS; i++) {
        TP_TRY(commit(store, record, i));
    }
    store->good |= tp_ring_bit(record->slot);
    return TP_OK;
}

static tp_status copy_payload(const tp_store *store, const tp_record *from,
                              uint32_t slot) {
    const uint32_t payload = tp_slot_payload(store);
    uint8_t bytes[TP_MAX_GRANULE];
    for (uint32_t at = 0; at < from->bytes; at += TP_MAX_GRANULE) {
        const uint32_t left = from->bytes - at;
        const uint32_t n = left < TP_MAX_GRANULE ? left : TP_MAX_GRANULE;
        TP_TRY(tp_slot_read(store, from->slot, payload + at, bytes, n));
        TP_TRY(tp_slot_program(store, slot, payload + at, bytes, n));
    }
    return TP_OK;
}

tp_status tp_write_copy(tp_store *store, const tp_record *from, uint32_t slot,
                        uint32_t wear, uint32_t repairs) {
    tp_record to = *from;
    to.slot = slot;
    to.wear = wear;
    to.seq = store->next_seq;
    to.repairs = repairs;
    TP_TRY(tp_write_open(store, &to));
    TP_TRY(copy_payload(store, from, slot));
    return tp_write_close(store, &to);
}

/* --- a record in parts ---------------------------------------------------- */

static uint32_t next_generation(const tp_store *store, const tp_record *of) {
    uint32_t last = 0;
    tp_record other;
    for (uint32_t i = 0; i < store->slots; i++) {
        if (tp_ring_record(store, i, &other) && tp_same_key(&other, of) &&
            other.generation > last) {
            last = other.generation;
        }
    }
    return last + 1;
}

static tp_status begin_in(tp_store *store, tp_record *record) {
    TP_TRY(tp_ring_next(store, &record->slot, &record->wear));
    record->seq = store->next_seq; /* behind that of a record that moved */
    const tp_status status = tp_write_open(store, record);
    if (status != TP_OK) {
        tp_write_failed(store, record->slot);
    }
    return status;
}

tp_status tp_store_begin(tp_store *store, const tp_record *record,
                         tp_store_writer *writer) {
    if (store->read_only) {
        return TP_ERR_READ_ONLY;
    }
    if (record->bytes > tp_store_capacity(store)) {
        return TP_ERR_BUDGET;
    }
    if (!record->deleted && !tp_ring_room(store, record)) {
        return TP_ERR_FULL;
    }
    *writer = (tp_store_writer){.store = store, .record = *record};
    writer->record.generation = next_generation(store, record);
    writer->record.repairs = 0;
    tp_status status = TP_ERR_IO; /* a slot that fails: the next one */
    for (uint32_t i = 0; i < store->slots && status == TP_ERR_IO; i++) {
        status = begin_in(store, &writer->record);
    }
    return status;
}

/* Programs n bytes, whole granules but for the end of the payload. */
static tp_status put(tp_store_writer *w, uint32_t at, const void *bytes,
                     uint32_t n) {
    const tp_status status = tp_slot_program(
        w->store, w->record.slot, tp_slot_payload(w->store) + at, bytes, n);
    if (status != TP_OK) {
        tp_write_failed(w->store, w->record.slot);
    }
    return status;
}

tp_status tp_store_append(tp_store_writer *w, const void *bytes, uint32_t n) {
    const uint8_t *from = bytes;
    const uint32_t granule = w->store->flash->granule;
    if (n > w->record.bytes - w->done) {
        return TP_ERR_MALFORMED;
    }
    while (n > 0) {
        const uint32_t has = w->done % granule;
        const uint32_t room = granule - has;
        const uint32_t take = n < room ? n : room;
        memcpy(w->granule + has, from, take);
        if (take == room) {
            TP_TRY(put(w, w->done - has, w->granule, granule));
        }
        w->done += take;
        from += take;
        n -= take;
    }
    return TP_OK;
}

tp_status tp_store_commit(tp_store_writer *w, tp_record *record) {
    const uint32_t has = w->done % w->store->flash->granule;
    if (w->done < w->record.bytes) {
        return TP_ERR_TRUNCATED;
    }
    if (has > 0) {
        TP_TRY(put(w, w->done - has, w->granule, has));
    }
    const tp_status status = tp_write_close(w->store, &w->record);
    if (status != TP_OK) {
        tp_write_failed(w->store, w->record.slot);
        return status;
    }
    *record = w->record;
    return TP_OK;
}

tp_status tp_store_abandon(tp_store_writer *w) {
    return tp_slot_erase(w->store, w->record.slot);
}

/* --- a record at once ----------------------------------------------------- */

static tp_status save_in(tp_store *store, tp_record *record,
                         const void *payload) {
    tp_store_writer writer;
    TP_TRY(tp_store_begin(store, record, &writer));
    TP_TRY(tp_store_append(&writer, payload, record->bytes));
    return tp_store_commit(&writer, record);
}

tp_status tp_store_save(tp_store *store, tp_record *record,
                        const void *payload) {
    tp_sha256 sha;
    tp_sha256_init(&sha);
    tp_sha256_add(&sha, payload, record->bytes);
    tp_sha256_done(&sha, record->sha256);
    record->crc = tp_crc32(0, payload, record->bytes);
    tp_status status = TP_ERR_IO;
    for (uint32_t i = 0; i < store->slots; i++) {
        status = save_in(store, record, payload);
        if (status != TP_ERR_IO && status != TP_ERR_CORRUPT) {
            return status;
        }
    }
    return TP_ERR_IO; /* what was read back was never what was written */
}
