/* Writing a record into a slot. */
#ifndef TP_STORE_WRITE_H
#define TP_STORE_WRITE_H

#include "runtime/store/ring.h"

/* Erases the slot of a record and writes the header; reads it back. */
TP_MUST_CHECK tp_status tp_write_open(tp_store *store, const tp_record *record);

/* Reads all of it back, writes both commits. From then on it is good. */
TP_MUST_CHECK tp_status tp_write_close(tp_store *store,
                                       const tp_record *record);

/* Copies a record to `slot`, as the same generation. */
TP_MUST_CHECK tp_status tp_write_copy(tp_store *store, const tp_record *from,
                                      uint32_t slot, uint32_t wear,
                                      uint32_t repairs);

/* What is in the slot is not to be trusted until the next mount. */
void tp_write_failed(tp_store *store, uint32_t slot);

#endif
