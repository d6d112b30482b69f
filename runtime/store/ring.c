#include "runtime/store/ring.h"

#include "runtime/store/write.h"

bool tp_ring_head(const tp_store *store, uint32_t slot, tp_record_head *head) {
    return tp_ring_has(store->good, slot) && tp_slot_head(store, slot, head);
}

static bool chosen(const tp_choice *c, const tp_record_head *h) {
    return h->kind == TP_RECORD_ADAPTER &&
           ((h->id == c->active && h->generation == c->active_generation) ||
            (h->id == c->trial && h->generation == c->trial_generation));
}

/* Generations of the same key behind this one. */
static uint32_t newer(const tp_store *store, const tp_record_head *head) {
    uint32_t n = 0;
    tp_record_head other;
    for (uint32_t i = 0; i < store->slots; i++) {
        n += tp_ring_head(store, i, &other) && tp_same_key(&other, head) &&
             other.generation > head->generation;
    }
    return n;
}

bool tp_ring_keeps(const tp_store *store, const tp_record_head *head) {
    return newer(store, head) < TP_GENERATIONS || chosen(&store->choice, head);
}

bool tp_ring_room(const tp_store *store, const tp_record_head *key) {
    uint32_t kept = 1; /* the new one */
    tp_record_head other;
    for (uint32_t i = 0; i < store->slots; i++) {
        if (tp_ring_head(store, i, &other)) {
            const uint32_t n = newer(store, &other) + tp_same_key(&other, key);
            kept += n < TP_GENERATIONS || chosen(&store->choice, &other);
        }
    }
    return kept < store->slots;
}

/* A slot without a header has lost the count of its erases: in a flash that
 * loses power often, the slot that is cut should not be the next one too. */
static uint32_t wear_of(const tp_store *store, uint32_t slot) {
    tp_record_head head;
    if (tp_slot_head(store, slot, &head)) {
        return head.wear;
    }
    return store->most_worn > 0 ? store->most_worn - 1 : 0;
}

/* The least worn slot of those that are kept, or of the others. Slots of equal
 * wear take turns. */
typedef struct least {
    uint32_t slot, wear;
    bool found;
} least;

static void consider(least *l, uint32_t slot, uint32_t wear) {
    if (!l->found || wear < l->wear) {
        *l = (least){slot, wear, true};
    }
}

static void find(const tp_store *store, least *kept, least *rest) {
    tp_record_head head;
    for (uint32_t i = 0; i < store->slots; i++) {
        const uint32_t slot = (uint32_t)(store->next_seq + i) % store->slots;
        if (tp_ring_head(store, slot, &head) && tp_ring_keeps(store, &head)) {
            consider(kept, slot, head.wear);
        } else if (!tp_ring_has(store->bad, slot)) {
            consider(rest, slot, wear_of(store, slot));
        }
    }
}

static bool worn_out(const tp_store *store, uint32_t wear) {
    const uint32_t most = store->flash->erase_cycles;
    return most > 0 && wear >= most;
}

tp_status tp_ring_next(tp_store *store, uint32_t *slot, uint32_t *wear) {
    least kept = {.found = false};
    least rest = {.found = false};
    find(store, &kept, &rest);
    if (!rest.found) {
        const bool failed = store->bad != 0;
        store->bad = 0; /* the next save may try them again */
        return failed ? TP_ERR_IO : TP_ERR_FULL;
    }
    if (worn_out(store, rest.wear)) {
        store->read_only = true;
        return TP_ERR_READ_ONLY;
    }
    if (kept.found && kept.wear < rest.wear) {
        TP_TRY(tp_write_copy(store, kept.slot, rest.slot, rest.wear + 1, 0));
        store->good &= ~tp_ring_bit(kept.slot);
        rest = kept;
    }
    *slot = rest.slot;
    *wear = rest.wear + 1;
    return TP_OK;
}
