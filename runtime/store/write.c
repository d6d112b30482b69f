#include "runtime/store/write.h"

#include <string.h>

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

static tp_status write_header(const tp_store *store, const tp_record *record) {
    uint8_t header[TP_RECORD_HEADER_BYTES];
    uint8_t back[TP_MAX_GRANULE];
    tp_record_encode(record, header);
    TP_TRY(tp_slot_program(store, record->slot, 0, header, sizeof header));
    for (uint32_t at = 0; at < sizeof header; at += sizeof back) {
        TP_TRY(tp_slot_read(store, record->slot, at, back, sizeof back));
        if (memcmp(back, header + at, sizeof back) != 0) {
            return TP_ERR_IO;
        }
    }
    return TP_OK;
}

/* Also for slots that hold a record which is no longer kept: from the first
 * erase on it is none. */
tp_status tp_write_open(tp_store *store, const tp_record *record) {
    store->good &= ~tp_ring_bit(record->slot);
    store->next_seq = record->seq + 1;
    if (store->most_worn < record->wear) {
        store->most_worn = record->wear;
    }
    TP_TRY(tp_slot_erase(store, record->slot));
    return write_header(store, record);
}

tp_status tp_write_close(tp_store *store, const tp_record *record) {
    TP_TRY(tp_slot_check_crc(store, record));
    for (uint32_t i = 0; i < TP_COMMITS; i++) {
        TP_TRY(commit(store, record, i));
    }
    store->good |= tp_ring_bit(record->slot);
    return TP_OK;
}

static tp_status copy_payload(const tp_store *store, const tp_record *record,
                              uint32_t from) {
    const uint32_t payload = tp_slot_payload(store);
    uint8_t bytes[TP_MAX_GRANULE];
    for (uint32_t at = 0; at < record->bytes; at += TP_MAX_GRANULE) {
        const uint32_t left = record->bytes - at;
        const uint32_t n = left < TP_MAX_GRANULE ? left : TP_MAX_GRANULE;
        TP_TRY(tp_slot_read(store, from, payload + at, bytes, n));
        TP_TRY(tp_slot_program(store, record->slot, payload + at, bytes, n));
    }
    return TP_OK;
}

static tp_status copy(tp_store *store, tp_record *record, uint32_t from,
                      uint32_t to) {
    record->slot = to;
    record->seq = store->next_seq;
    TP_TRY(tp_write_open(store, record));
    TP_TRY(copy_payload(store, record, from));
    return tp_write_close(store, record);
}

tp_status tp_write_copy(tp_store *store, uint32_t from, uint32_t to,
                        uint32_t wear, uint32_t repairs) {
    tp_record record;
    if (!tp_slot_record(store, from, &record)) {
        return TP_ERR_IO;
    }
    record.wear = wear;
    record.repairs += repairs;
    const tp_status status = copy(store, &record, from, to);
    if (status != TP_OK) {
        tp_write_failed(store, to);
        return TP_ERR_IO;
    }
    return TP_OK;
}

/* --- a record in parts ---------------------------------------------------- */

static uint32_t next_generation(const tp_store *store,
                                const tp_record_head *key) {
    uint32_t last = 0;
    tp_record_head other;
    for (uint32_t i = 0; i < store->slots; i++) {
        if (tp_ring_head(store, i, &other) && tp_same_key(&other, key) &&
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
    const tp_record_head key = {.kind = record->kind, .id = record->id};
    if (!record->deleted && !tp_ring_room(store, &key)) {
        return TP_ERR_FULL;
    }
    *writer = (tp_store_writer){.store = store, .record = *record};
    writer->record.generation = next_generation(store, &key);
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
    tp_status status = tp_slot_check_sha(w->store, &w->record);
    if (status == TP_OK) {
        status = tp_write_close(w->store, &w->record);
    }
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
    tp_record_seal(record, payload);
    for (uint32_t i = 0; i < store->slots; i++) {
        const tp_status status = save_in(store, record, payload);
        if (status != TP_ERR_IO && status != TP_ERR_CORRUPT) {
            return status;
        }
    }
    return TP_ERR_IO; /* what was read back was never what was written */
}
