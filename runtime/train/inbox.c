#include "tinypeft/inbox.h"

#include <stdbool.h>
#include <string.h>

static bool fits(const tp_inbox_config *config) {
    const tp_replay *replay = config->replay;
    return config->x_bytes >= 1 && config->capacity >= 1 &&
           config->capacity <= UINT16_MAX && config->classes >= 1 &&
           config->classes <= 256 &&
           (replay == NULL || (replay->config.x_bytes == config->x_bytes &&
                               replay->config.classes == config->classes));
}

tp_status tp_inbox_init(tp_inbox *inbox, const tp_inbox_config *config,
                        void *memory, size_t bytes) {
    if (!fits(config)) {
        return TP_ERR_ARGUMENT;
    }
    /* by division: the product could exceed a 32-bit size_t */
    const size_t each = bytes / config->capacity;
    if (each < sizeof(tp_inbox_entry) ||
        each - sizeof(tp_inbox_entry) < config->x_bytes) {
        return TP_ERR_BUDGET;
    }
    const size_t head = config->capacity * sizeof(tp_inbox_entry);
    memset(memory, 0, head);
    *inbox = (tp_inbox){
        .config = *config, .entry = memory, .x = (uint8_t *)memory + head};
    return TP_OK;
}

static uint8_t *place(const tp_inbox *inbox, uint32_t i) {
    return inbox->x + (size_t)i * inbox->config.x_bytes;
}

uint32_t tp_inbox_put(tp_inbox *inbox, const void *x, uint8_t predicted) {
    const uint32_t at = inbox->next;
    inbox->ticket += inbox->ticket < UINT32_MAX ? 1u : 2u; /* not 0 */
    inbox->entry[at] =
        (tp_inbox_entry){.ticket = inbox->ticket, .label = predicted};
    memcpy(place(inbox, at), x, inbox->config.x_bytes);
    inbox->next = at + 1u < inbox->config.capacity ? at + 1u : 0;
    return inbox->ticket;
}

/* Place number `back` from the newest on. */
static uint32_t backwards(const tp_inbox *inbox, uint32_t back) {
    const uint32_t at = inbox->next + inbox->config.capacity - 1u - back;
    return at < inbox->config.capacity ? at : at - inbox->config.capacity;
}

static bool waits(const tp_inbox_entry *entry) {
    return entry->ticket != 0 && entry->known == 0;
}

uint32_t tp_inbox_newest(const tp_inbox *inbox) {
    for (uint32_t i = 0; i < inbox->config.capacity; i++) {
        const tp_inbox_entry *entry = &inbox->entry[backwards(inbox, i)];
        if (waits(entry)) {
            return entry->ticket;
        }
    }
    return 0;
}

/* Where the ticket's sample waits; `capacity`: nowhere. */
static uint32_t find(const tp_inbox *inbox, uint32_t ticket) {
    uint32_t at = 0;
    while (at < inbox->config.capacity &&
           (inbox->entry[at].ticket != ticket || !waits(&inbox->entry[at]))) {
        at++;
    }
    return at;
}

static tp_status settle(tp_inbox *inbox, uint32_t at, uint16_t label) {
    if (label >= inbox->config.classes) {
        return TP_ERR_ARGUMENT;
    }
    if (inbox->config.replay != NULL) {
        TP_TRY(tp_replay_offer(inbox->config.replay, place(inbox, at),
                               (uint8_t)label));
    }
    inbox->entry[at].label = label;
    inbox->entry[at].known = 1;
    return TP_OK;
}

tp_status tp_inbox_label(tp_inbox *inbox, uint32_t ticket, uint8_t label) {
    const uint32_t at = find(inbox, ticket);
    return at < inbox->config.capacity ? settle(inbox, at, label)
                                       : TP_ERR_NOT_FOUND;
}

tp_status tp_inbox_confirm(tp_inbox *inbox, uint32_t ticket) {
    const uint32_t at = find(inbox, ticket);
    return at < inbox->config.capacity
               ? settle(inbox, at, inbox->entry[at].label)
               : TP_ERR_NOT_FOUND;
}

tp_status tp_inbox_drop(tp_inbox *inbox, uint32_t ticket) {
    const uint32_t at = find(inbox, ticket);
    if (at == inbox->config.capacity) {
        return TP_ERR_NOT_FOUND;
    }
    inbox->entry[at].ticket = 0;
    return TP_OK;
}

const uint8_t *tp_inbox_at(const tp_inbox *inbox, uint32_t i, uint8_t *label) {
    for (uint32_t back = 0; back < inbox->config.capacity; back++) {
        const uint32_t at = backwards(inbox, back);
        if (inbox->entry[at].known != 0 && i-- == 0) {
            *label = (uint8_t)inbox->entry[at].label;
            return place(inbox, at);
        }
    }
    return NULL;
}
