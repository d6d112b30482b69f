#define _POSIX_C_SOURCE 200809L
#include "fleet/pack/key.h"

#include <psa/crypto.h>
#include <string.h>
#include <unistd.h>

#include "core/bytes.h"
#include "core/cose.h"
#include "core/crc32.h"
#include "fleet/pack/disk.h"

#define SECRET_MAGIC 0x4B455054u /* "TPEK" */
#define ALGORITHM PSA_ALG_ECDSA(PSA_ALG_SHA_256)

enum { SECRET_BYTES = 40, NUMBER_BYTES = 32 };

/* --- ES256 ---------------------------------------------------------------- */

static psa_key_attributes_t attributes_of_pair(void) {
    psa_key_attributes_t a = PSA_KEY_ATTRIBUTES_INIT;
    psa_set_key_type(&a, PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_SECP_R1));
    psa_set_key_bits(&a, 256);
    psa_set_key_usage_flags(&a,
                            PSA_KEY_USAGE_SIGN_MESSAGE | PSA_KEY_USAGE_EXPORT);
    psa_set_key_algorithm(&a, ALGORITHM);
    return a;
}

/* Number and point of a key that the library holds. */
static bool export_pair(psa_key_id_t id, uint8_t number[NUMBER_BYTES],
                        uint8_t point[TP_ES256_KEY_BYTES]) {
    size_t a = 0;
    size_t b = 0;
    return psa_export_key(id, number, NUMBER_BYTES, &a) == PSA_SUCCESS &&
           psa_export_public_key(id, point, TP_ES256_KEY_BYTES, &b) ==
               PSA_SUCCESS &&
           a == NUMBER_BYTES && b == TP_ES256_KEY_BYTES;
}

static tp_status write_pair(const char *path, const uint8_t *number,
                            const uint8_t *point) {
    uint8_t secret[SECRET_BYTES];
    char name[TP_DISK_PATH];
    if (!tp_disk_name(name, path, ".pub")) {
        return TP_ERR_IO;
    }
    tp_put_u32(secret, SECRET_MAGIC);
    memcpy(secret + 4, number, NUMBER_BYTES);
    tp_put_u32(secret + 36, tp_crc32(0, secret, 36));
    TP_TRY(tp_disk_create(name, 0644, point, TP_ES256_KEY_BYTES));
    const tp_status status = tp_disk_create(path, 0600, secret, sizeof secret);
    memset(secret, 0, sizeof secret);
    if (status != TP_OK) {
        (void)unlink(name);
        return status;
    }
    return tp_disk_sync_folder(path);
}

tp_status tp_es256_make(const char *path) {
    const psa_key_attributes_t attributes = attributes_of_pair();
    uint8_t number[NUMBER_BYTES];
    uint8_t point[TP_ES256_KEY_BYTES];
    psa_key_id_t id = 0;
    if (psa_crypto_init() != PSA_SUCCESS ||
        psa_generate_key(&attributes, &id) != PSA_SUCCESS) {
        return TP_ERR_UNSUPPORTED;
    }
    const tp_status status = export_pair(id, number, point)
                                 ? write_pair(path, number, point)
                                 : TP_ERR_UNSUPPORTED;
    (void)psa_destroy_key(id);
    memset(number, 0, sizeof number);
    return status;
}

static tp_status read_secret(const char *path, uint8_t number[NUMBER_BYTES]) {
    uint8_t bytes[SECRET_BYTES];
    TP_TRY(tp_disk_read(path, bytes, sizeof bytes));
    if (tp_get_u32(bytes) != SECRET_MAGIC ||
        tp_get_u32(bytes + 36) != tp_crc32(0, bytes, 36)) {
        return TP_ERR_CORRUPT;
    }
    memcpy(number, bytes + 4, NUMBER_BYTES);
    return TP_OK;
}

static psa_status_t take_number(const uint8_t number[NUMBER_BYTES],
                                psa_key_id_t *id) {
    const psa_key_attributes_t attributes = attributes_of_pair();
    const psa_status_t status = psa_crypto_init();
    return status == PSA_SUCCESS
               ? psa_import_key(&attributes, number, NUMBER_BYTES, id)
               : status;
}

static tp_status open_es256(tp_signing_key *key, const char *path) {
    uint8_t point[TP_ES256_KEY_BYTES];
    char name[TP_DISK_PATH];
    psa_key_id_t id = 0;
    TP_TRY(read_secret(path, key->number));
    if (!tp_disk_name(name, path, ".pub")) {
        return TP_ERR_IO;
    }
    TP_TRY(tp_disk_read(name, point, sizeof point));
    if (take_number(key->number, &id) != PSA_SUCCESS) {
        return TP_ERR_CORRUPT;
    }
    const bool exported = export_pair(id, key->number, key->public_key);
    (void)psa_destroy_key(id);
    if (!exported) {
        return TP_ERR_UNSUPPORTED;
    }
    key->algorithm = TP_COSE_ES256;
    key->public_bytes = TP_ES256_KEY_BYTES;
    key->signature_bytes = TP_ES256_SIGNATURE_BYTES;
    return memcmp(point, key->public_key, sizeof point) == 0 ? TP_OK
                                                             : TP_ERR_CORRUPT;
}

static tp_status sign_es256(const tp_signing_key *key, const uint8_t *message,
                            uint32_t n, uint8_t *signature) {
    psa_key_id_t id = 0;
    size_t length = 0;
    if (take_number(key->number, &id) != PSA_SUCCESS) {
        return TP_ERR_UNSUPPORTED;
    }
    const psa_status_t status =
        psa_sign_message(id, ALGORITHM, message, n, signature,
                         TP_ES256_SIGNATURE_BYTES, &length);
    (void)psa_destroy_key(id);
    return status == PSA_SUCCESS && length == TP_ES256_SIGNATURE_BYTES
               ? TP_OK
               : TP_ERR_UNSUPPORTED;
}

/* --- HSS/LMS -------------------------------------------------------------- */

static tp_status open_lms(tp_signing_key *key, const char *path) {
    TP_TRY(tp_signer_open(&key->lms, path));
    key->algorithm = TP_COSE_HSS_LMS;
    key->public_bytes = TP_LMS_KEY_BYTES;
    key->signature_bytes = tp_lms_signature_bytes(key->lms.secret.height);
    memcpy(key->public_key, key->lms.public_key, TP_LMS_KEY_BYTES);
    return TP_OK;
}

/* --- either --------------------------------------------------------------- */

int32_t tp_public_key_algorithm(size_t bytes) {
    return bytes == TP_LMS_KEY_BYTES     ? TP_COSE_HSS_LMS
           : bytes == TP_ES256_KEY_BYTES ? TP_COSE_ES256
                                         : 0;
}

/* Secrets differ in length, too, so that of one kind is never taken for one of
 * the other. */
tp_status tp_signing_key_open(tp_signing_key *key, const char *path) {
    uint8_t number[NUMBER_BYTES];
    *key = (tp_signing_key){.algorithm = 0};
    const tp_status status = read_secret(path, number);
    memset(number, 0, sizeof number);
    if (status == TP_ERR_IO) {
        return status;
    }
    return status == TP_OK ? open_es256(key, path) : open_lms(key, path);
}

void tp_signing_key_close(tp_signing_key *key) {
    tp_signer_close(&key->lms);
    memset(key, 0, sizeof *key);
}

tp_status tp_signing_key_sign(tp_signing_key *key, const uint8_t *message,
                              uint32_t n, uint8_t *signature, uint32_t *left) {
    if (key->algorithm == TP_COSE_HSS_LMS) {
        return tp_signer_sign(&key->lms, message, n, signature, left);
    }
    TP_TRY(sign_es256(key, message, n, signature));
    *left = UINT32_MAX;
    return TP_OK;
}
