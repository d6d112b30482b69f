/* A delta that arrives in parts, between which the device may lose its power:
 * one record of the store, which each part makes anew. */
#include "core/crc32.h"
#include "core/sha256.h"
#include "tinypeft/update.h"

#define PIECE 64u /* bytes of the record in RAM at once */

static tp_status find(const tp_store *store, tp_record *record) {
    return tp_store_find(store, TP_RECORD_INCOMING, 0, 0, record);
}

uint32_t tp_update_kept(const tp_store *store) {
    tp_record record;
    return find(store, &record) == TP_OK ? record.bytes : 0;
}

/* --- keeping -------------------------------------------------------------- */

/* Takes the bytes of a record one piece after the other. */
typedef tp_status tp_taker(void *ctx, const uint8_t *bytes, uint32_t n);

/* Bytes [at, end) of a record to `take`. */
static tp_status pass(const tp_store *store, const tp_record *record,
                      uint32_t at, uint32_t end, tp_taker *take, void *ctx) {
    uint8_t piece[PIECE];
    while (at < end) {
        const uint32_t n = end - at < PIECE ? end - at : PIECE;
        TP_TRY(tp_store_read(store, record, at, piece, n));
        TP_TRY(take(ctx, piece, n));
        at += n;
    }
    return TP_OK;
}

typedef struct digest {
    tp_sha256 sha;
    uint32_t crc;
} digest;

static tp_status hash(void *ctx, const uint8_t *bytes, uint32_t n) {
    digest *d = ctx;
    tp_sha256_add(&d->sha, bytes, n);
    d->crc = tp_crc32(d->crc, bytes, n);
    return TP_OK;
}

static tp_status append(void *ctx, const uint8_t *bytes, uint32_t n) {
    return tp_store_append(ctx, bytes, n);
}

/* What was kept, up to `at`, and then the part: its checksums, */
static tp_status describe(const tp_store *store, const tp_record *old,
                          uint32_t at, const uint8_t *bytes, uint32_t n,
                          tp_record *record) {
    digest d = {.crc = 0};
    tp_sha256_init(&d.sha);
    TP_TRY(pass(store, old, 0, at, hash, &d));
    TP_TRY(hash(&d, bytes, n));
    tp_sha256_done(&d.sha, record->sha256);
    record->crc = d.crc;
    return TP_OK;
}

/* and its bytes. What was kept may have moved when the writer began.
 *   old  [out] scratch */
static tp_status copy(const tp_store *store, tp_record *old, uint32_t at,
                      const uint8_t *bytes, uint32_t n,
                      tp_store_writer *writer) {
    if (at > 0) {
        TP_TRY(find(store, old));
        TP_TRY(pass(store, old, 0, at, append, writer));
    }
    TP_TRY(tp_store_append(writer, bytes, n));
    return tp_store_commit(writer, old);
}

tp_status tp_update_keep(tp_store *store, uint32_t at, const uint8_t *bytes,
                         uint32_t n) {
    tp_record old = {.bytes = 0};
    tp_record record = {.kind = TP_RECORD_INCOMING};
    tp_store_writer writer;
    const uint32_t kept = find(store, &old) == TP_OK ? old.bytes : 0;
    if (n == 0 || (at != 0 && at != kept)) {
        return TP_ERR_ARGUMENT;
    }
    if (n > UINT32_MAX - at) {
        return TP_ERR_BUDGET;
    }
    record.bytes = at + n;
    TP_TRY(describe(store, &old, at, bytes, n, &record));
    TP_TRY(tp_store_begin(store, &record, &writer));
    const tp_status status = copy(store, &old, at, bytes, n, &writer);
    if (status != TP_OK && tp_store_abandon(&writer) != TP_OK) {
        return TP_ERR_IO;
    }
    return status;
}

/* --- taking --------------------------------------------------------------- */

static tp_status chunk(void *ctx, const uint8_t *bytes, uint32_t n) {
    return tp_update_chunk(ctx, bytes, n);
}

/* The update, too, begins with a writer. */
static tp_status take(tp_update *update, tp_store *store,
                      const tp_device *device, tp_record *record, uint8_t *head,
                      uint32_t capacity) {
    const uint32_t n = record->bytes < capacity ? record->bytes : capacity;
    uint32_t used = 0;
    TP_TRY(tp_store_read(store, record, 0, head, n));
    TP_TRY(tp_update_begin(update, store, device, head, n, &used));
    TP_TRY(find(store, record));
    TP_TRY(pass(store, record, used, record->bytes, chunk, update));
    return tp_update_finish(update);
}

/* What the sender or the store can still mend. */
static bool may_come_right(tp_status status) {
    return status == TP_ERR_TRUNCATED || status == TP_ERR_IO ||
           status == TP_ERR_FULL || status == TP_ERR_READ_ONLY;
}

tp_status tp_update_take(tp_update *update, tp_store *store,
                         const tp_device *device, uint8_t *head,
                         uint32_t capacity) {
    tp_record record;
    TP_TRY(find(store, &record));
    const tp_status status =
        take(update, store, device, &record, head, capacity);
    if (!may_come_right(status)) {
        TP_TRY(tp_store_delete(store, TP_RECORD_INCOMING, 0));
    }
    return status;
}
