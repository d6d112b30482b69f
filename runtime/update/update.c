#include "tinypeft/update.h"

#include <string.h>

#include "core/bytes.h"
#include "core/cose.h"
#include "core/lms.h"
#include "core/sha256.h"
#include "core/unpack.h"
#include "tinypeft/adapter.h"
#include "tinypeft/version.h"

_Static_assert(sizeof(tp_unpacker) <= sizeof(((tp_update *)0)->unpack),
               "a public header cannot say tp_unpacker");
_Static_assert(TP_VERIFIED == TP_LMS_VERIFIED, "one number for both");

/* --- judging -------------------------------------------------------------- */

static tp_status check_manifest(const tp_device *device, const tp_manifest *m) {
    const tp_model *model = device->model;
    if (m->format != TP_DELTA_FORMAT || m->flags != 0 ||
        m->encoding > TP_ENCODING_FOLLOWS) {
        return TP_ERR_UNSUPPORTED;
    }
    if (memcmp(m->base, model->base_sha256, sizeof m->base) != 0 ||
        m->layout != model->layout_id || m->abi != TP_ABI ||
        m->device_class != device->device_class ||
        m->blob_bytes != tp_blob_bytes(model)) {
        return TP_ERR_MISMATCH;
    }
    return m->adapter == 0 || (m->encoding == TP_ENCODING_BLOB &&
                               m->payload_bytes != m->blob_bytes)
               ? TP_ERR_MALFORMED
               : TP_OK;
}

static bool is_named(const tp_key *key, const tp_cose *cose) {
    uint8_t digest[32];
    tp_sha256 sha;
    tp_sha256_init(&sha);
    tp_sha256_add(&sha, key->public_key, key->bytes);
    tp_sha256_done(&sha, digest);
    return key->algorithm == cose->algorithm &&
           memcmp(digest, cose->key_id, sizeof cose->key_id) == 0;
}

static uint32_t verify(const tp_device *device, const tp_key *key,
                       const tp_cose *cose) {
    uint8_t message[TP_COSE_MOST_SIGNED];
    const uint32_t bytes = (uint32_t)tp_cose_signed(cose, message);
    if (bytes == 0) {
        return 0;
    }
    if (key->algorithm == TP_COSE_HSS_LMS) {
        return key->bytes == TP_LMS_KEY_BYTES
                   ? tp_lms_verify(key->public_key, message, bytes,
                                   cose->signature, cose->signature_n)
                   : 0;
    }
    return device->crypto == NULL
               ? 0
               : device->crypto->verify(device->crypto->ctx, key, message,
                                        bytes, cose->signature,
                                        (uint32_t)cose->signature_n);
}

/* Twice: one glitch must not be enough. */
static tp_status check_signature(const tp_device *device, const tp_cose *cose) {
    for (uint32_t i = 0; i < device->n_keys; i++) {
        const tp_key *key = &device->keys[i];
        if (is_named(key, cose)) {
            const volatile uint32_t said = verify(device, key, cose);
            if (said != TP_VERIFIED) {
                return TP_ERR_SIGNATURE;
            }
            return said == TP_VERIFIED ? TP_OK : TP_ERR_SIGNATURE;
        }
    }
    return TP_ERR_SIGNATURE;
}

/* The blob that a delta follows: of the same adapter, one of the generations
 * that are there. */
static tp_status find_before(const tp_store *store, const tp_manifest *m,
                             tp_record *before) {
    for (uint32_t back = 0;; back++) {
        TP_TRY(
            tp_store_find(store, TP_RECORD_ADAPTER, m->adapter, back, before));
        if (before->bytes == m->blob_bytes &&
            memcmp(before->sha256, m->before, sizeof m->before) == 0) {
            return TP_OK;
        }
    }
}

static tp_status begin_record(tp_update *update, tp_store *store,
                              const tp_manifest *m) {
    tp_record record = {.kind = TP_RECORD_ADAPTER,
                        .id = m->adapter,
                        .bytes = m->blob_bytes,
                        .layout = m->layout,
                        .crc = m->blob_crc};
    memcpy(record.base, m->base, sizeof record.base);
    memcpy(record.sha256, m->blob_sha256, sizeof record.sha256);
    return tp_store_begin(store, &record, &update->writer);
}

tp_status tp_update_begin(tp_update *update, tp_store *store,
                          const tp_device *device, const uint8_t *head,
                          uint32_t n, uint32_t *used) {
    tp_cose cose;
    if (!tp_cose_read(head, n, &cose)) {
        return TP_ERR_TRUNCATED;
    }
    const tp_manifest *m = &cose.manifest;
    TP_TRY(check_manifest(device, m));
    if (m->seq <= store->choice.floor) {
        return TP_ERR_REPLAYED;
    }
    TP_TRY(check_signature(device, &cose));
    *update = (tp_update){.model = device->model,
                          .seq = m->seq,
                          .payload_bytes = m->payload_bytes,
                          .encoding = m->encoding};
    if (m->encoding == TP_ENCODING_FOLLOWS) {
        TP_TRY(find_before(store, m, &update->before));
    }
    TP_TRY(begin_record(update, store, m));
    if (m->encoding == TP_ENCODING_FOLLOWS) {
        TP_TRY(find_before(store, m, &update->before)); /* it may have moved */
    }
    tp_unpacker u;
    tp_unpack_begin(&u);
    memcpy(update->unpack, &u, sizeof u);
    *used = (uint32_t)cose.bytes;
    return TP_OK;
}

/* --- taking --------------------------------------------------------------- */

static tp_status put(void *ctx, uint8_t byte) {
    tp_update *update = ctx;
    return tp_store_append(&update->writer, &byte, 1);
}

/* What a blob that follows none follows: an empty one. */
static tp_status empty(void *ctx, uint32_t at, uint8_t *byte) {
    const tp_update *update = ctx;
    uint8_t header[TP_BLOB_HEADER_BYTES];
    *byte = 0;
    if (at < sizeof header) {
        tp_blob_frame(update->model, header);
        *byte = header[at];
    }
    return TP_OK;
}

static tp_status before(void *ctx, uint32_t at, uint8_t *byte) {
    const tp_update *update = ctx;
    return tp_store_read(update->writer.store, &update->before, at, byte, 1);
}

static tp_unpack_to unpack_to(tp_update *update) {
    return (tp_unpack_to){
        .ctx = update,
        .bytes = update->writer.record.bytes,
        .put = put,
        .before = update->encoding == TP_ENCODING_FOLLOWS ? before : empty};
}

static tp_status take(tp_update *update, const uint8_t *bytes, uint32_t n) {
    if (update->encoding == TP_ENCODING_BLOB) {
        return tp_store_append(&update->writer, bytes, n);
    }
    tp_unpacker u;
    const tp_unpack_to to = unpack_to(update);
    memcpy(&u, update->unpack, sizeof u);
    TP_TRY(tp_unpack_add(&u, &to, bytes, n));
    memcpy(update->unpack, &u, sizeof u);
    /* The last byte of the payload is the last of a segment. */
    return update->done < update->payload_bytes ? TP_OK
                                                : tp_unpack_end(&u, &to);
}

tp_status tp_update_chunk(tp_update *update, const uint8_t *bytes, uint32_t n) {
    if (n > update->payload_bytes - update->done) {
        return TP_ERR_MALFORMED;
    }
    update->done += n;
    return take(update, bytes, n);
}

tp_status tp_update_finish(tp_update *update) {
    tp_store *store = update->writer.store;
    tp_choice choice = store->choice;
    tp_record record;
    if (update->done < update->payload_bytes) {
        return TP_ERR_TRUNCATED;
    }
    TP_TRY(tp_store_commit(&update->writer, &record));
    choice.trial = record.id;
    choice.trial_generation = record.generation;
    choice.trial_seq = update->seq;
    return tp_store_choose(store, &choice);
}

/* --- the trial ------------------------------------------------------------ */

static tp_status end_trial(tp_store *store, bool accept) {
    tp_choice choice = store->choice;
    if (choice.trial == 0) {
        return TP_ERR_NOT_FOUND;
    }
    if (accept) {
        choice.active = choice.trial;
        choice.active_generation = choice.trial_generation;
        choice.floor = choice.trial_seq;
    }
    choice.trial = 0;
    choice.trial_generation = 0;
    choice.trial_seq = 0;
    return tp_store_choose(store, &choice);
}

tp_status tp_update_accept(tp_store *store) {
    return end_trial(store, true);
}

tp_status tp_update_reject(tp_store *store) {
    return end_trial(store, false);
}
