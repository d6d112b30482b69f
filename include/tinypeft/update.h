/* Deltas: signed adapters that arrive in chunks. A delta is judged before a
 * byte is written, and what it makes is on trial before it is in use (SPEC.md,
 * "Delta").
 *
 *     tp_update_begin(&update, &store, &device, head, n);
 *     tp_update_chunk(&update, bytes, n);        as they arrive
 *     tp_update_finish(&update);                 stored, and on trial
 *     ... infer with tp_store_chosen(&store, true, &record) for a while ...
 *     tp_update_accept(&store);   or   tp_update_reject(&store);
 *
 * Only the head must be in RAM at once, and only for tp_update_begin(). A reset
 * before tp_update_finish() leaves what there was, and the delta is sent again,
 * unless its parts were kept: tp_update_keep(). */
#ifndef TINYPEFT_UPDATE_H
#define TINYPEFT_UPDATE_H

#include "tinypeft/model.h"
#include "tinypeft/store.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What a right signature is told by; compared twice. */
#define TP_VERIFIED 0x5AC3A53Cu

/* A key that deltas may be signed with. Its id is the first 8 bytes of the
 * SHA-256 of public_key. */
typedef struct tp_key {
    int32_t algorithm; /* of COSE: -46 HSS/LMS, built in; others by tp_crypto */
    const uint8_t *public_key;
    uint32_t bytes;
} tp_key;

/* Verifies a signature: TP_VERIFIED, or any other number. */
typedef struct tp_crypto {
    void *ctx;
    uint32_t (*verify)(void *ctx, const tp_key *key, const uint8_t *message,
                       uint32_t bytes, const uint8_t *signature, uint32_t n);
} tp_crypto;

/* What a delta has to be for. */
typedef struct tp_device {
    const tp_model *model;
    uint32_t device_class; /* as deltas name it */
    const tp_key *keys;    /* two at least, so that one can be given up */
    uint32_t n_keys;
    const tp_crypto *crypto; /* or NULL */
} tp_device;

/* A delta that is arriving. */
typedef struct tp_update {
    const tp_model *model;
    tp_store_writer writer;
    tp_record before; /* the blob that it follows */
    uint64_t seq;
    uint32_t payload_bytes, done; /* behind the head */
    uint32_t encoding;
    uint32_t unpack[5]; /* tp_unpacker */
} tp_update;

/* Judges a head. Nothing is written unless all of it is right.
 *   head  [in] n bytes from the delta's start, at least all of its head
 *   used  [out] bytes of the head; the payload is behind them
 * TP_ERR_TRUNCATED    no whole head in its one form
 * TP_ERR_UNSUPPORTED  another format, flags or encoding
 * TP_ERR_MISMATCH     of another model, layout, ABI or class of device
 * TP_ERR_REPLAYED     not newer than the floor
 * TP_ERR_SIGNATURE    no key of ours, or not signed by it
 * TP_ERR_NOT_FOUND    the blob that it follows is not in the store
 * and those of tp_store_begin(). */
TP_MUST_CHECK tp_status tp_update_begin(tp_update *update, tp_store *store,
                                        const tp_device *device,
                                        const uint8_t *head, uint32_t n,
                                        uint32_t *used);

/* The next bytes of the payload. TP_ERR_MALFORMED: not one, or too long;
 * TP_ERR_TRUNCATED: its last byte ends no segment, or the blob is not whole;
 * others as of tp_store_append(). After an error the delta has to begin again.
 */
TP_MUST_CHECK tp_status tp_update_chunk(tp_update *update, const uint8_t *bytes,
                                        uint32_t n);

/* TP_ERR_TRUNCATED: bytes are missing. TP_ERR_CORRUPT: they do not make the
 * blob that was signed. Nothing has changed then. */
TP_MUST_CHECK tp_status tp_update_finish(tp_update *update);

/* --- deltas that outlive a reset while they arrive -------------------------
 *
 *     at = tp_update_kept(&store);            where the sender has to go on
 *     tp_update_keep(&store, at, bytes, n);   as they arrive
 *     tp_update_take(&update, &store, &device, head, sizeof head);
 *
 * One at a time, head included. Each part is saved with what came before it, so
 * fewer and larger parts wear the flash less. */

/* Bytes that have arrived and will survive; 0: none. */
uint32_t tp_update_kept(const tp_store *store);

/* The next part.
 *   at  tp_update_kept(), or 0: another delta begins, what was kept goes
 *   n   at least 1
 * TP_ERR_ARGUMENT: bytes are missing in between, or there are none. Errors of
 * tp_store_save(), after which what was kept still is. */
TP_MUST_CHECK tp_status tp_update_keep(tp_store *store, uint32_t at,
                                       const uint8_t *bytes, uint32_t n);

/* All has arrived: tp_update_begin() to tp_update_finish() in one call.
 *   head  [out] scratch for the delta's head
 * TP_ERR_NOT_FOUND: nothing was kept. TP_ERR_TRUNCATED: more has to come, or a
 * head is longer than `capacity`; what was kept stays, as it does where the
 * store fails. Every other error refuses the delta, and then it is gone, as it
 * is where it was taken. */
TP_MUST_CHECK tp_status tp_update_take(tp_update *update, tp_store *store,
                                       const tp_device *device, uint8_t *head,
                                       uint32_t capacity);

/* --- the trial ------------------------------------------------------------ */

/* The adapter on trial is in use from now on, and deltas not newer than its own
 * are refused. TP_ERR_NOT_FOUND: none is on trial. */
TP_MUST_CHECK tp_status tp_update_accept(tp_store *store);

/* The trial ends; what was in use stays. Its delta may come again. */
TP_MUST_CHECK tp_status tp_update_reject(tp_store *store);

#ifdef __cplusplus
}
#endif
#endif
