/* Writing a record into a slot. */
#ifndef TP_STORE_WRITE_H
#define TP_STORE_WRITE_H

#include "runtime/store/ring.h"

/* Erases the slot of a record and writes the header; reads it back. */
TP_MUST_CHECK tp_status tp_write_open(tp_store *store, const tp_record *record);

/* Reads the payload back, writes both commits. From then on it is good. */
TP_MUST_CHECK tp_status tp_write_close(tp_store *store,
                                       const tp_record *record);

/* Copies the record in slot `from` to slot `to`, as the same generation, with
 * `repairs` more of them. A failure: tp_write_failed() for `to`. */
TP_MUST_CHECK tp_status tp_write_copy(tp_store *store, uint32_t from,
                                      uint32_t to, uint32_t wear,
                                      uint32_t repairs);

/* What is in the slot is not to be trusted until the next mount. */
void tp_write_failed(tp_store *store, uint32_t slot);

#endif
