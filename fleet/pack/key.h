/* Keys that deltas are signed with, of either kind. KEY is secret, KEY.pub is
 * what devices get:
 *
 *   HSS/LMS  KEY.pub of 60 bytes; KEY.next says which leaf is next (signer.h)
 *   ES256    KEY.pub of 65 bytes, 4 and both coordinates of the point; KEY is
 *            "TPEK", the number, and a CRC-32 */
#ifndef TP_FLEET_PACK_KEY_H
#define TP_FLEET_PACK_KEY_H

#include "fleet/pack/signer.h"

#define TP_ES256_KEY_BYTES 65u
#define TP_ES256_SIGNATURE_BYTES 64u
#define TP_PUBLIC_KEY_MOST TP_ES256_KEY_BYTES
#define TP_SIGNATURE_MOST 2512u /* LMS of height 10 */

typedef struct tp_signing_key {
    int32_t algorithm; /* of COSE */
    uint8_t public_key[TP_PUBLIC_KEY_MOST];
    uint32_t public_bytes;
    uint32_t signature_bytes;
    uint8_t number[32]; /* ES256 */
    tp_signer lms;      /* HSS/LMS */
} tp_signing_key;

/* Makes an ES256 key.
 *   path  KEY; neither it nor KEY.pub may exist
 * TP_ERR_IO: a file exists already or cannot be written; none remains.
 * TP_ERR_UNSUPPORTED: the library of cryptography fails. */
TP_MUST_CHECK tp_status tp_es256_make(const char *path);

/* The algorithm of a public key, told by its length; 0: it is none. */
int32_t tp_public_key_algorithm(size_t bytes);

/* TP_ERR_IO: a file is missing. TP_ERR_CORRUPT: one is not as it was written.
 * TP_ERR_UNSUPPORTED: the library of cryptography fails. TP_ERR_NO_MEMORY. */
TP_MUST_CHECK tp_status tp_signing_key_open(tp_signing_key *key,
                                            const char *path);
void tp_signing_key_close(tp_signing_key *key);

/* Signs; a leaf of HSS/LMS is used up first.
 *   signature  [out] key->signature_bytes
 *   left       [out] signatures that are left; of ES256 UINT32_MAX
 * Errors as of tp_signer_sign(). */
TP_MUST_CHECK tp_status tp_signing_key_sign(tp_signing_key *key,
                                            const uint8_t *message, uint32_t n,
                                            uint8_t *signature, uint32_t *left);

#endif
