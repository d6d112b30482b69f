/* Adapters in flash, safe against a loss of power at any moment.
 *
 * The flash is a ring of slots of whole sectors; a slot holds one record:
 * header, payload, two commits (SPEC.md, "Store"). A record is never changed.
 * A save writes a new one to another slot, and the last two generations of each
 * key (kind and id) are kept: what was there before is what there is until the
 * save has been reported, and one step back stays possible afterwards.
 *
 *     tp_store store;
 *     tp_store_mount(&store, &flash, 2);
 *     tp_store_save(&store, &(tp_record){.kind = TP_RECORD_ADAPTER, .id = 1,
 *                   .bytes = n}, blob);
 *
 * In the face of power cuts: after tp_store_mount() each key has the record of
 * its last save that was reported, or that of one that was cut; never a mix,
 * and mounting again gives the same. Functions are not reentrant. */
#ifndef TINYPEFT_STORE_H
#define TINYPEFT_STORE_H

#include <stdbool.h>

#include "tinypeft/port.h"

#ifdef __cplusplus
extern "C" {
#endif

#define TP_STORE_MIN_SLOTS 4u
#define TP_STORE_MAX_SLOTS 32u
#define TP_RECORD_HEADER_BYTES 96u

typedef enum tp_record_kind {
    TP_RECORD_ADAPTER = 1,  /* a blob */
    TP_RECORD_CHOICE = 2,   /* tp_choice, the store's own */
    TP_RECORD_TRAINING = 3, /* an unfinished training run */
    TP_RECORD_INCOMING = 4  /* a part of a delta that has arrived */
} tp_record_kind;

/* One record. To save: kind, id, bytes, and as one likes layout and base; the
 * store fills in the rest. */
typedef struct tp_record {
    uint16_t kind; /* tp_record_kind */
    uint32_t id;
    uint32_t bytes;  /* of the payload */
    uint32_t layout; /* of an adapter: model->layout_id */
    uint8_t base[16];
    uint8_t sha256[32];  /* of the payload */
    uint32_t crc;        /* CRC-32 of the payload */
    uint32_t generation; /* of its key, from 1 */
    uint64_t seq;        /* of all records ever begun */
    uint32_t wear;       /* erases of its slot, this one included */
    uint32_t repairs;    /* times that it was copied because of a power cut */
    uint32_t slot;       /* where it lies */
    bool deleted;        /* says that its key has nothing any more */
} tp_record;

/* Which adapter is in use, and how old a delta may be. */
typedef struct tp_choice {
    uint32_t active; /* id; 0: none */
    uint32_t active_generation;
    uint32_t trial; /* id of one that is on trial; 0: none */
    uint32_t trial_generation;
    uint64_t trial_seq; /* its delta's sequence number: the floor to be */
    uint64_t floor;     /* deltas up to this sequence number are refused */
} tp_choice;

typedef struct tp_store {
    const tp_flash *flash;
    uint32_t sectors; /* of a slot */
    uint32_t slots;
    uint32_t good; /* bit for each slot: it holds a whole record */
    uint32_t bad;  /* it has failed since the mount */
    uint32_t most_worn;
    uint64_t next_seq;
    tp_choice choice;
    bool read_only;
} tp_store;

/* Finds the records and repairs what a power cut has left: a record whose save
 * was cut behind its first commit is copied before it is shown, everything else
 * that is not whole is erased.
 *   sectors  of a slot; the flash has TP_STORE_MIN_SLOTS slots at least, and
 *            what is beyond TP_STORE_MAX_SLOTS is not used
 * TP_ERR_ARGUMENT: geometry that cannot be. TP_ERR_IO: a repair failed; nothing
 * was lost. A record that had to be copied three times in a row is shown, but
 * the store is then read-only: something cuts every boot. */
TP_MUST_CHECK tp_status tp_store_mount(tp_store *store, const tp_flash *flash,
                                       uint32_t sectors);

/* Deletes all, whatever is there; as safe as a save. */
TP_MUST_CHECK tp_status tp_store_format(tp_store *store);

/* Bytes of payload that fit a slot. */
uint32_t tp_store_capacity(const tp_store *store);

/* The newest record of a key, or with back = 1 the one before it.
 * TP_ERR_NOT_FOUND: there is none. */
TP_MUST_CHECK tp_status tp_store_find(const tp_store *store, uint16_t kind,
                                      uint32_t id, uint32_t back,
                                      tp_record *record);

/* One generation of a key. */
TP_MUST_CHECK tp_status tp_store_find_generation(const tp_store *store,
                                                 uint16_t kind, uint32_t id,
                                                 uint32_t generation,
                                                 tp_record *record);

/* A part of a record's payload, as it is in flash. */
TP_MUST_CHECK tp_status tp_store_read(const tp_store *store,
                                      const tp_record *record, uint32_t at,
                                      void *bytes, uint32_t n);

/* The whole payload, its SHA-256 compared.
 *   payload  [out] record->bytes; undefined unless TP_OK
 * TP_ERR_CORRUPT: other bytes than were saved. */
TP_MUST_CHECK tp_status tp_store_load(const tp_store *store,
                                      const tp_record *record, void *payload);

/* Saves a new generation. TP_OK only when it will survive any power cut.
 *   record   [in/out] kind, id, bytes, layout, base; the rest is filled in
 *   payload  [in] record->bytes
 * TP_ERR_FULL       the other slots hold records that are kept, but for one
 *                   that is always left free, for repairs
 * TP_ERR_BUDGET     the payload does not fit a slot
 * TP_ERR_READ_ONLY  see tp_store_mount(); or the flash is worn out
 * TP_ERR_IO         no slot could be written; what was there is still there */
TP_MUST_CHECK tp_status tp_store_save(tp_store *store, tp_record *record,
                                      const void *payload);

/* The same in parts, with nothing of the payload kept in RAM. To begin, as to
 * save, may move other records to level wear: find those anew. */
typedef struct tp_store_writer {
    tp_store *store;
    tp_record record;
    uint32_t done; /* bytes so far */
    uint8_t granule[TP_MAX_GRANULE];
} tp_store_writer;

/*   record  [in] also crc and sha256 of the payload that will come
 * Errors of tp_store_save(). */
TP_MUST_CHECK tp_status tp_store_begin(tp_store *store, const tp_record *record,
                                       tp_store_writer *writer);
TP_MUST_CHECK tp_status tp_store_append(tp_store_writer *writer,
                                        const void *bytes, uint32_t n);
/* Reads all of it back, then commits. TP_ERR_CORRUPT: another payload than was
 * announced. TP_ERR_TRUNCATED: less of it. */
TP_MUST_CHECK tp_status tp_store_commit(tp_store_writer *writer,
                                        tp_record *record);
/* Gives up: the slot is erased. */
TP_MUST_CHECK tp_status tp_store_abandon(tp_store_writer *writer);

/* All generations of a key, as safe as a save: a record says so first, and goes
 * when all others have. TP_OK where there were none. Errors of tp_store_save().
 */
TP_MUST_CHECK tp_status tp_store_delete(tp_store *store, uint16_t kind,
                                        uint32_t id);

/* The adapter in use; with `trial` the one on trial.
 * TP_ERR_NOT_FOUND: none was chosen, or it was lost. */
TP_MUST_CHECK tp_status tp_store_chosen(const tp_store *store, bool trial,
                                        tp_record *record);

/* Saves a choice; the floor never falls: of both, the higher one is taken. The
 * generations that it names are kept. */
TP_MUST_CHECK tp_status tp_store_choose(tp_store *store,
                                        const tp_choice *choice);

#ifdef __cplusplus
}
#endif
#endif
