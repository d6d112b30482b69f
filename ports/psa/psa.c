#include "ports/psa/psa.h"

#include <psa/crypto.h>

enum { KEY_BYTES = 65, SIGNATURE_BYTES = 64 };

#define ALGORITHM PSA_ALG_ECDSA(PSA_ALG_SHA_256)

/* The library's handle of a public key; it checks that the point lies on the
 * curve. */
static psa_status_t take_key(const tp_key *key, psa_key_id_t *id) {
    psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
    psa_set_key_type(&attributes,
                     PSA_KEY_TYPE_ECC_PUBLIC_KEY(PSA_ECC_FAMILY_SECP_R1));
    psa_set_key_bits(&attributes, 256);
    psa_set_key_usage_flags(&attributes, PSA_KEY_USAGE_VERIFY_MESSAGE);
    psa_set_key_algorithm(&attributes, ALGORITHM);
    return psa_import_key(&attributes, key->public_key, key->bytes, id);
}

uint32_t tp_psa_verify(void *ctx, const tp_key *key, const uint8_t *message,
                       uint32_t bytes, const uint8_t *signature, uint32_t n) {
    psa_key_id_t id = 0;
    (void)ctx;
    if (key->algorithm != TP_PSA_ES256 || key->bytes != KEY_BYTES ||
        n != SIGNATURE_BYTES || take_key(key, &id) != PSA_SUCCESS) {
        return 0;
    }
    const psa_status_t status =
        psa_verify_message(id, ALGORITHM, message, bytes, signature, n);
    (void)psa_destroy_key(id);
    return status == PSA_SUCCESS ? TP_VERIFIED : 0;
}
