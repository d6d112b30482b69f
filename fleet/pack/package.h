/* Deltas as files: a head and a payload (SPEC.md, "Delta"), made of a manifest,
 * signed, read, verified and unpacked. Before it is signed a delta has the
 * same head with an empty byte string for what signing adds: the protected
 * part and the signature. Every device refuses that. */
#ifndef TP_FLEET_PACK_PACKAGE_H
#define TP_FLEET_PACK_PACKAGE_H

#include "core/cose.h"
#include "fleet/pack/key.h"
#include "tinypeft/update.h"

/* Bytes of a head, at most, without its signature. */
#define TP_PACKAGE_HEAD (TP_COSE_MOST_MANIFEST + TP_COSE_MOST_PROTECTED + 24u)

typedef struct tp_package {
    tp_cose cose; /* not signed: its manifest and its payload alone */
    bool is_signed;
    const uint8_t *payload; /* behind the head */
    size_t payload_n;
} tp_package;

/* SHA-256. */
void tp_package_hash(const uint8_t *bytes, size_t n, uint8_t digest[32]);

/* Reads a delta, signed or not. False: it is none. Whether there is as much
 * payload as the manifest says is not asked. The package points into `bytes`.
 */
bool tp_package_read(const uint8_t *bytes, size_t n, tp_package *package);

/* Writes a delta that is not signed yet.
 *   payload  [in] manifest->payload_bytes
 *   out      [out] TP_PACKAGE_HEAD and these
 * Returns its length. */
size_t tp_package_write(const tp_manifest *manifest, const uint8_t *payload,
                        uint8_t *out);

/* Bytes of a delta of `n` bytes once it is signed. */
size_t tp_package_signed_bytes(size_t n, int32_t algorithm,
                               size_t signature_bytes);

/* Signs a delta, anew where it was signed before.
 *   out   [out] TP_PACKAGE_HEAD, the signature, and the payload
 *   n     [out] its length
 *   left  [out] signatures that the key has left
 * Errors as of tp_signing_key_sign(). */
TP_MUST_CHECK tp_status tp_package_sign(const tp_package *package,
                                        tp_signing_key *key, uint8_t *out,
                                        size_t *n, uint32_t *left);

/* TP_ERR_SIGNATURE: not signed, by another key, or not as it was signed.
 *   crypto  for algorithms other than HSS/LMS */
TP_MUST_CHECK tp_status tp_package_verify(const tp_package *package,
                                          const tp_key *key,
                                          const tp_crypto *crypto);

/* The blob that a delta makes.
 *   before  [in] the blob it follows, before_n bytes; NULL: there is none
 *   blob    [out] manifest.blob_bytes; undefined after an error
 * TP_ERR_TRUNCATED, TP_ERR_MALFORMED: the payload is none.
 * TP_ERR_NOT_FOUND: it follows a blob that `before` is not.
 * TP_ERR_CORRUPT: it makes another blob than was signed.
 * TP_ERR_UNSUPPORTED: of another format. */
TP_MUST_CHECK tp_status tp_package_unpack(const tp_package *package,
                                          const uint8_t *before,
                                          size_t before_n, uint8_t *blob);

#endif
