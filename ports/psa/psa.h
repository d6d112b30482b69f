/* Signatures by a PSA Certified Crypto API, such as that of Mbed TLS or of
 * TF-M: ES256 (ECDSA over P-256 with SHA-256), a key of 65 bytes (4, x, y), a
 * signature of 64 (r, s), as COSE has them (RFC 9053, 2.1).
 *
 *     (void)psa_crypto_init();
 *     const tp_crypto crypto = {.verify = tp_psa_verify};
 *     const tp_device device = {.crypto = &crypto, ...};
 */
#ifndef TP_PORTS_PSA_H
#define TP_PORTS_PSA_H

#include "tinypeft/update.h"

#define TP_PSA_ES256 (-7) /* COSE's number */

/* For tp_crypto; `ctx` is not used. psa_crypto_init() has been called. Any
 * failure of the library is a signature that is not right. */
uint32_t tp_psa_verify(void *ctx, const tp_key *key, const uint8_t *message,
                       uint32_t bytes, const uint8_t *signature, uint32_t n);

#endif
