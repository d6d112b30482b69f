/* The payload of a delta from its blob: the cheapest segments (core/unpack.h).
 */
#ifndef TP_FLEET_PACK_ENCODE_H
#define TP_FLEET_PACK_ENCODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Most bytes that `n` bytes of a blob become. */
size_t tp_encode_most(size_t n);

/* Encodes a blob.
 *   blob    [in] n bytes
 *   before  [in] n bytes of the blob that it follows; NULL: of an empty one
 *   out     [out] tp_encode_most(n)
 * Returns the length; 0: no memory. */
size_t tp_encode(const uint8_t *blob, const uint8_t *before, size_t n,
                 uint8_t *out);

#endif
