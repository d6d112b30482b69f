/* A Leighton-Micali key on disk, and signing with it. A leaf that signs two
 * messages gives the key away, so which leaf is next is on the disk before a
 * signature leaves:
 *
 *   KEY         the secret: never written again
 *   KEY.pub     the public key, 60 bytes, for devices
 *   KEY.next    the next leaf; written to a file beside it, synchronised,
 *               renamed over it
 *
 * A kill at any moment loses a leaf at most. Two processes take turns. */
#ifndef TP_FLEET_PACK_SIGNER_H
#define TP_FLEET_PACK_SIGNER_H

#include <stdint.h>

#include "core/lms.h"
#include "tinypeft/status.h"

/* Makes a key with random bytes of the system.
 *   path    KEY; none of the three files may exist
 *   height  5 or 10: signs 2^height times
 * TP_ERR_IO: a file exists already or cannot be written; none remains.
 * TP_ERR_NO_MEMORY. */
TP_MUST_CHECK tp_status tp_signer_make(const char *path, uint32_t height);

typedef struct tp_signer {
    tp_lms_secret secret;
    uint8_t public_key[TP_LMS_KEY_BYTES];
    uint8_t (*nodes)[32];
    char *path;
} tp_signer;

/* TP_ERR_IO: a file is missing. TP_ERR_CORRUPT: one is not as it was written.
 * TP_ERR_NO_MEMORY. */
TP_MUST_CHECK tp_status tp_signer_open(tp_signer *signer, const char *path);
void tp_signer_close(tp_signer *signer);

/* Reserves a leaf, then signs.
 *   signature  [out] tp_lms_signature_bytes(secret.height)
 *   left       [out] signatures that are left
 * TP_ERR_BUDGET: none was left. TP_ERR_IO: not reserved, and not signed.
 * TP_ERR_CORRUPT: KEY.next is not this key's. */
TP_MUST_CHECK tp_status tp_signer_sign(tp_signer *signer,
                                       const uint8_t *message, uint32_t n,
                                       uint8_t *signature, uint32_t *left);

#endif
