/* One slot: its bytes, and what record they are. */
#ifndef TP_STORE_SLOT_H
#define TP_STORE_SLOT_H

#include "runtime/store/record.h"

/* Offsets in a slot. */
uint32_t tp_slot_payload(const tp_store *store);
uint32_t tp_slot_commit(const tp_store *store, uint32_t payload,
                        uint32_t which);

/* A read that failed is tried again: torn cells with error correction may fail
 * once and not the next time. */
TP_MUST_CHECK tp_status tp_slot_read(const tp_store *store, uint32_t slot,
                                     uint32_t at, void *bytes, uint32_t n);
/* Programs n bytes, padded with zeros to whole granules. */
TP_MUST_CHECK tp_status tp_slot_program(const tp_store *store, uint32_t slot,
                                        uint32_t at, const void *bytes,
                                        uint32_t n);
TP_MUST_CHECK tp_status tp_slot_erase(const tp_store *store, uint32_t slot);

/* All bytes read as erased. Proves nothing about the cells. */
bool tp_slot_blank(const tp_store *store, uint32_t slot);
/* False: no header that makes sense here. */
bool tp_slot_head(const tp_store *store, uint32_t slot, tp_record_head *head);
bool tp_slot_record(const tp_store *store, uint32_t slot, tp_record *record);
bool tp_slot_committed(const tp_store *store, const tp_record *record,
                       uint32_t which);
/* TP_ERR_CORRUPT: its payload has another CRC, or another SHA-256, than the
 * header says. */
TP_MUST_CHECK tp_status tp_slot_check_crc(const tp_store *store,
                                          const tp_record *record);
TP_MUST_CHECK tp_status tp_slot_check_sha(const tp_store *store,
                                          const tp_record *record);

#endif
