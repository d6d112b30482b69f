/* Samples whose label comes later, or never: a ring of the newest ones in the
 * caller's memory. A label comes from the application, from a prediction that
 * proved right, or from what the user does next:
 *
 *     ticket = tp_inbox_put(&inbox, x, predicted);
 *     the application knows:         tp_inbox_label(&inbox, ticket, label);
 *     the user let it be:            tp_inbox_confirm(&inbox, ticket);
 *     the user did something else:   tp_inbox_label(&inbox,
 *                                        tp_inbox_newest(&inbox), what);
 *     nobody can tell:               tp_inbox_drop(&inbox, ticket);
 *
 * A sample that has its label may be trained on as long as it is in the ring
 * (tp_inbox_at()), and is offered to a replay (tinypeft/replay.h), which keeps
 * old ones, balanced by class. */
#ifndef TINYPEFT_INBOX_H
#define TINYPEFT_INBOX_H

#include "tinypeft/replay.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tp_inbox_config {
    uint32_t x_bytes;  /* of one sample, at least 1 */
    uint32_t capacity; /* samples, 1..65535 */
    uint32_t classes;  /* 1..256 */
    tp_replay *replay; /* NULL: labelled samples go nowhere else; else of the
                          same x_bytes and classes */
} tp_inbox_config;

typedef struct tp_inbox_entry {
    uint32_t ticket; /* 0: none */
    uint16_t label;  /* or what was predicted */
    uint16_t known;  /* 1: it is the label */
} tp_inbox_entry;

typedef struct tp_inbox {
    tp_inbox_config config;
    uint32_t next;         /* place of the next sample */
    uint32_t ticket;       /* the last that was given */
    tp_inbox_entry *entry; /* [capacity] */
    uint8_t *x;            /* [capacity][x_bytes] */
} tp_inbox;

#define TP_INBOX_BYTES(x_bytes, capacity)                                      \
    ((size_t)(capacity) * (sizeof(tp_inbox_entry) + (size_t)(x_bytes)))

/* An empty inbox in the caller's memory, aligned as that of a replay.
 * TP_ERR_ARGUMENT: a number out of range, or another replay. TP_ERR_BUDGET:
 * `bytes` is below TP_INBOX_BYTES(). *inbox is written only on TP_OK. */
TP_MUST_CHECK tp_status tp_inbox_init(tp_inbox *inbox,
                                      const tp_inbox_config *config,
                                      void *memory, size_t bytes);

/* Takes a copy of the sample, in place of the oldest; returns its ticket, which
 * is not 0. */
uint32_t tp_inbox_put(tp_inbox *inbox, const void *x, uint8_t predicted);

/* The newest that waits for its label; 0: none does. */
uint32_t tp_inbox_newest(const tp_inbox *inbox);

/* The sample has this label. TP_ERR_NOT_FOUND: it is no longer there, or has
 * its label; TP_ERR_ARGUMENT: there is no such class. Nothing changes then. */
TP_MUST_CHECK tp_status tp_inbox_label(tp_inbox *inbox, uint32_t ticket,
                                       uint8_t label);

/* What was predicted is its label. Errors of tp_inbox_label(). */
TP_MUST_CHECK tp_status tp_inbox_confirm(tp_inbox *inbox, uint32_t ticket);

/* Nobody will know. TP_ERR_NOT_FOUND as above. */
TP_MUST_CHECK tp_status tp_inbox_drop(tp_inbox *inbox, uint32_t ticket);

/* Of the samples that have their label, the one that is number i from the
 * newest on; NULL, and *label untouched: there are fewer. */
const uint8_t *tp_inbox_at(const tp_inbox *inbox, uint32_t i, uint8_t *label);

#ifdef __cplusplus
}
#endif
#endif
