#include "core/cbor.h"

#include <string.h>

enum { ONE_BYTE = 24 }; /* then 25: two, 26: four, 27: eight */

static uint8_t take(tp_cbor *in) {
    if (in->left == 0) {
        in->bad = true;
        return 0;
    }
    in->left--;
    return *in->at++;
}

/* The argument of a head; shorter forms would have done: bad. */
static uint64_t argument(tp_cbor *in, uint8_t info) {
    if (info < ONE_BYTE) {
        return info;
    }
    if (info > ONE_BYTE + 3) {
        in->bad = true;
        return 0;
    }
    const int bytes = 1 << (info - ONE_BYTE);
    uint64_t value = 0;
    for (int i = 0; i < bytes; i++) {
        value = value << 8 | take(in);
    }
    const uint64_t least = bytes == 1 ? ONE_BYTE : UINT64_C(1) << (4 * bytes);
    in->bad = in->bad || value < least;
    return value;
}

uint64_t tp_cbor_next(tp_cbor *in, tp_cbor_type type) {
    const uint8_t head = take(in);
    if (in->bad || head >> 5 != (uint8_t)type) {
        in->bad = true;
        return 0;
    }
    const uint64_t value = argument(in, head & 31);
    return in->bad ? 0 : value;
}

void tp_cbor_expect(tp_cbor *in, uint64_t value) {
    in->bad = tp_cbor_next(in, TP_CBOR_UINT) != value || in->bad;
}

const uint8_t *tp_cbor_string(tp_cbor *in, size_t *n) {
    const uint64_t bytes = tp_cbor_next(in, TP_CBOR_BYTES);
    if (in->bad || bytes > in->left) {
        in->bad = true;
        *n = 0;
        return NULL;
    }
    const uint8_t *at = in->at;
    *n = (size_t)bytes;
    in->at += *n;
    in->left -= *n;
    return at;
}

const uint8_t *tp_cbor_bytes(tp_cbor *in, size_t n) {
    size_t have = 0;
    const uint8_t *at = tp_cbor_string(in, &have);
    if (in->bad || have != n) {
        in->bad = true;
        return NULL;
    }
    return at;
}

void tp_cbor_put(uint8_t **at, tp_cbor_type type, uint64_t value) {
    const uint8_t major = (uint8_t)(type << 5);
    if (value < ONE_BYTE) {
        *(*at)++ = (uint8_t)(major | value);
        return;
    }
    int log = 0;
    while (log < 3 && value >> (8 << log) != 0) {
        log++;
    }
    *(*at)++ = (uint8_t)(major | (ONE_BYTE + log));
    for (int shift = (8 << log) - 8; shift >= 0; shift -= 8) {
        *(*at)++ = (uint8_t)(value >> shift);
    }
}

void tp_cbor_put_bytes(uint8_t **at, const uint8_t *bytes, size_t n) {
    tp_cbor_put(at, TP_CBOR_BYTES, n);
    memcpy(*at, bytes, n);
    *at += n;
}
