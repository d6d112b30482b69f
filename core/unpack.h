/* The payload of a delta becomes a blob: segments, one after the other, in
 * constant memory (SPEC.md, "Delta"). A segment is an operation, a count of
 * bytes of the blob, and what the operation needs. Adapters are small integers,
 * many of them 0 or as before, so these few do for all:
 *
 *   LITERAL  the bytes themselves
 *   ZEROS    nothing: ranks that were pruned
 *   INT4     a shift; then two bytes each byte: the blob's are code << shift
 *   TERNARY  a magnitude; then four bytes each byte: 0, +m, -m
 *   SPARSE   pairs: how many zeros, then a byte
 *   COPY     nothing: as in the blob that this one follows; where it follows
 *            none, as in an empty one
 *   ADD      a byte each byte, added to that of the blob before
 *   ADD4     a shift; then two bytes each byte, added */
#ifndef TP_CORE_UNPACK_H
#define TP_CORE_UNPACK_H

#include <stddef.h>
#include <stdint.h>

#include "tinypeft/status.h"

typedef enum tp_segment {
    TP_SEGMENT_LITERAL = 0,
    TP_SEGMENT_ZEROS = 1,
    TP_SEGMENT_INT4 = 2,
    TP_SEGMENT_TERNARY = 3,
    TP_SEGMENT_SPARSE = 4,
    TP_SEGMENT_COPY = 5,
    TP_SEGMENT_ADD = 6,
    TP_SEGMENT_ADD4 = 7,
    TP_SEGMENTS = 8
} tp_segment;

/* Where the bytes go, and those of the blob before. */
typedef struct tp_unpack_to {
    void *ctx;
    uint32_t bytes; /* of the blob, no more are put */
    tp_status (*put)(void *ctx, uint8_t byte);
    tp_status (*before)(void *ctx, uint32_t at, uint8_t *byte);
} tp_unpack_to;

typedef struct tp_unpacker {
    uint32_t done;  /* bytes of the blob */
    uint32_t left;  /* of the segment */
    uint32_t count; /* as it is being read */
    uint8_t state, segment, shift, bits;
} tp_unpacker;

void tp_unpack_begin(tp_unpacker *u);

/* The next n bytes of the payload.
 *   TP_ERR_MALFORMED    not a payload, or more than the blob
 * and what put() and before() say. After an error nothing more can be taken. */
TP_MUST_CHECK tp_status tp_unpack_add(tp_unpacker *u, const tp_unpack_to *to,
                                      const uint8_t *bytes, size_t n);

/* TP_ERR_TRUNCATED: the blob is not whole. */
TP_MUST_CHECK tp_status tp_unpack_end(const tp_unpacker *u,
                                      const tp_unpack_to *to);

#endif
