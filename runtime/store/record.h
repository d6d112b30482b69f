/* A record as bytes in a slot; SPEC.md, "Store". */
#ifndef TP_STORE_RECORD_H
#define TP_STORE_RECORD_H

#include "tinypeft/store.h"

#define TP_COMMIT_BYTES 16u
#define TP_COMMITS 2u
#define TP_RECORD_ALL 0u /* kind of the record that deletes everything */

/* What the store has to know of a record most of the time: a third of it. */
typedef struct tp_record_head {
    uint64_t seq;
    uint32_t id, bytes, generation, wear;
    uint16_t kind;
    bool deleted;
} tp_record_head;

/* Fills in crc and sha256. */
void tp_record_seal(tp_record *record, const void *payload);

/* All but slot. */
void tp_record_encode(const tp_record *record,
                      uint8_t bytes[TP_RECORD_HEADER_BYTES]);

/* False: no header of this format. */
bool tp_record_head_decode(const uint8_t bytes[TP_RECORD_HEADER_BYTES],
                           tp_record_head *head);
/* The same, and all of it but slot. */
bool tp_record_decode(const uint8_t bytes[TP_RECORD_HEADER_BYTES],
                      tp_record *record);

/* which: 0 for A, 1 for B. */
void tp_commit_encode(const tp_record *record, uint32_t which,
                      uint8_t bytes[TP_COMMIT_BYTES]);

#endif
