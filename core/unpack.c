#include "core/unpack.h"

#include <stdbool.h>

enum { OPERATION, COUNT, PARAMETER, DATA, GAP };

#define MOST_COUNT (UINT32_C(1) << 24)

void tp_unpack_begin(tp_unpacker *u) {
    *u = (tp_unpacker){.state = OPERATION};
}

static bool is_added(const tp_unpacker *u) {
    return u->segment == TP_SEGMENT_COPY || u->segment == TP_SEGMENT_ADD ||
           u->segment == TP_SEGMENT_ADD4;
}

/* One byte of the blob: a value, or what is added to the byte before. */
static tp_status put(tp_unpacker *u, const tp_unpack_to *to, uint8_t value) {
    uint8_t before = 0;
    if (u->done == to->bytes) {
        return TP_ERR_MALFORMED;
    }
    if (is_added(u)) {
        TP_TRY(to->before(to->ctx, u->done, &before));
    }
    TP_TRY(to->put(to->ctx, (uint8_t)(before + value)));
    u->done++;
    u->left--;
    return TP_OK;
}

static tp_status put_many(tp_unpacker *u, const tp_unpack_to *to, uint32_t n) {
    for (; n > 0; n--) {
        TP_TRY(put(u, to, 0));
    }
    return TP_OK;
}

/* A count is read: on to what its operation needs. */
static tp_status start(tp_unpacker *u, const tp_unpack_to *to) {
    u->left = u->count;
    if (u->left == 0 || u->left > to->bytes - u->done) {
        return TP_ERR_MALFORMED;
    }
    switch (u->segment) {
    case TP_SEGMENT_ZEROS:
    case TP_SEGMENT_COPY:
        u->state = OPERATION;
        return put_many(u, to, u->left);
    case TP_SEGMENT_INT4:
    case TP_SEGMENT_TERNARY:
    case TP_SEGMENT_ADD4:
        u->state = PARAMETER;
        return TP_OK;
    case TP_SEGMENT_SPARSE:
        u->state = GAP;
        return TP_OK;
    default:
        u->state = DATA;
        return TP_OK;
    }
}

/* Counts: seven bits a byte, the lowest first, the last without the top bit; in
 * the shortest form. */
static tp_status count(tp_unpacker *u, const tp_unpack_to *to, uint8_t byte) {
    if (byte == 0 && u->bits > 0) {
        return TP_ERR_MALFORMED;
    }
    u->count |= (uint32_t)(byte & 0x7F) << u->bits;
    u->bits = (uint8_t)(u->bits + 7);
    if (u->count > MOST_COUNT || (byte >= 0x80 && u->bits > 21)) {
        return TP_ERR_MALFORMED;
    }
    return byte >= 0x80 ? TP_OK : start(u, to);
}

static tp_status parameter(tp_unpacker *u, uint8_t byte) {
    const uint8_t most = u->segment == TP_SEGMENT_TERNARY ? 127 : 4;
    if (byte > most) {
        return TP_ERR_MALFORMED;
    }
    u->shift = byte;
    u->state = DATA;
    return TP_OK;
}

/* Two's complement codes of 4 bits, the first in the low ones. */
static tp_status nibbles(tp_unpacker *u, const tp_unpack_to *to, uint8_t byte) {
    for (int i = 0; i < 2 && u->left > 0; i++, byte = (uint8_t)(byte >> 4)) {
        const uint8_t code = (uint8_t)((byte & 15) | (byte & 8 ? 0xF0 : 0));
        TP_TRY(put(u, to, (uint8_t)(code << u->shift)));
    }
    return byte == 0 ? TP_OK : TP_ERR_MALFORMED;
}

static tp_status ternaries(tp_unpacker *u, const tp_unpack_to *to,
                           uint8_t byte) {
    for (int i = 0; i < 4 && u->left > 0; i++, byte = (uint8_t)(byte >> 2)) {
        const uint8_t code = byte & 3;
        if (code == 2) {
            return TP_ERR_MALFORMED;
        }
        TP_TRY(put(u, to,
                   code == 0   ? 0
                   : code == 1 ? u->shift
                               : (uint8_t)-u->shift));
    }
    return byte == 0 ? TP_OK : TP_ERR_MALFORMED;
}

static tp_status data(tp_unpacker *u, const tp_unpack_to *to, uint8_t byte) {
    tp_status status = TP_OK;
    switch (u->segment) {
    case TP_SEGMENT_INT4:
    case TP_SEGMENT_ADD4:
        status = nibbles(u, to, byte);
        break;
    case TP_SEGMENT_TERNARY:
        status = ternaries(u, to, byte);
        break;
    case TP_SEGMENT_SPARSE:
        status = put(u, to, byte);
        u->state = GAP;
        break;
    default:
        status = put(u, to, byte);
        break;
    }
    if (u->left == 0) {
        u->state = OPERATION;
    }
    return status;
}

/* As many zeros; then a byte, unless they end the segment. */
static tp_status gap(tp_unpacker *u, const tp_unpack_to *to, uint8_t byte) {
    if (byte > u->left) {
        return TP_ERR_MALFORMED;
    }
    TP_TRY(put_many(u, to, byte));
    u->state = u->left > 0 ? DATA : OPERATION;
    return TP_OK;
}

static tp_status next(tp_unpacker *u, const tp_unpack_to *to, uint8_t byte) {
    switch (u->state) {
    case OPERATION:
        if (byte >= TP_SEGMENTS) {
            return TP_ERR_MALFORMED;
        }
        *u = (tp_unpacker){.done = u->done, .state = COUNT, .segment = byte};
        return TP_OK;
    case COUNT:
        return count(u, to, byte);
    case PARAMETER:
        return parameter(u, byte);
    case GAP:
        return gap(u, to, byte);
    default:
        return data(u, to, byte);
    }
}

tp_status tp_unpack_add(tp_unpacker *u, const tp_unpack_to *to,
                        const uint8_t *bytes, size_t n) {
    for (size_t i = 0; i < n; i++) {
        TP_TRY(next(u, to, bytes[i]));
    }
    return TP_OK;
}

tp_status tp_unpack_end(const tp_unpacker *u, const tp_unpack_to *to) {
    return u->state == OPERATION && u->done == to->bytes ? TP_OK
                                                         : TP_ERR_TRUNCATED;
}
