/* The part of CBOR (RFC 8949) that a delta uses, in its one strict form:
 * definite lengths, shortest integers, no tags, no floats. A reader goes over
 * bytes once; what it refuses it refuses for good. */
#ifndef TP_CORE_CBOR_H
#define TP_CORE_CBOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum tp_cbor_type {
    TP_CBOR_UINT = 0,
    TP_CBOR_NEGATIVE = 1, /* -1 - value */
    TP_CBOR_BYTES = 2,
    TP_CBOR_TEXT = 3,
    TP_CBOR_ARRAY = 4,
    TP_CBOR_MAP = 5
} tp_cbor_type;

typedef struct tp_cbor {
    const uint8_t *at;
    size_t left;
    bool bad; /* something was not as it was asked for: nothing more is read */
} tp_cbor;

/* The value, length or count of the next item, which must be of this type. 0
 * where it is bad. */
uint64_t tp_cbor_next(tp_cbor *in, tp_cbor_type type);

/* The next item, an integer that must be `value`. */
void tp_cbor_expect(tp_cbor *in, uint64_t value);

/* The next item, a byte string of n bytes; NULL where it is bad. */
const uint8_t *tp_cbor_bytes(tp_cbor *in, size_t n);

/* The next item, a byte string of any length. */
const uint8_t *tp_cbor_string(tp_cbor *in, size_t *n);

/* Appends an item's head in its shortest form; `at` moves on. The buffer is
 * long enough: 9 bytes a head. */
void tp_cbor_put(uint8_t **at, tp_cbor_type type, uint64_t value);
void tp_cbor_put_bytes(uint8_t **at, const uint8_t *bytes, size_t n);

#endif
