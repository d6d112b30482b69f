/* Which slots are kept, and which is written next. */
#ifndef TP_STORE_RING_H
#define TP_STORE_RING_H

#include "runtime/store/slot.h"

#define TP_GENERATIONS 2u /* that are kept of each key */

static inline bool tp_ring_has(uint32_t slots, uint32_t slot) {
    return (slots >> slot & 1u) != 0;
}

static inline uint32_t tp_ring_bit(uint32_t slot) {
    return UINT32_C(1) << slot;
}

static inline bool tp_same_key(const tp_record_head *a,
                               const tp_record_head *b) {
    return a->kind == b->kind && a->id == b->id;
}

/* The head of a slot that holds a good record. */
bool tp_ring_head(const tp_store *store, uint32_t slot, tp_record_head *head);

/* True for the last generations of its key and for those that the choice
 * names. */
bool tp_ring_keeps(const tp_store *store, const tp_record_head *head);

/* True if there is a slot left over when a record of this key has been saved.
 */
bool tp_ring_room(const tp_store *store, const tp_record_head *key);

/* The slot to write next: the least worn of those that need not be kept. Where
 * a kept record lies in one that is worn less, it moves first: so slots of
 * records that never change take their share.
 *   slot  [out]
 *   wear  [out] erases of it, with the one to come */
TP_MUST_CHECK tp_status tp_ring_next(tp_store *store, uint32_t *slot,
                                     uint32_t *wear);

#endif
