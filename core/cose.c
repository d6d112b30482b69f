#include "core/cose.h"

#include <string.h>

#include "core/cbor.h"

/* Labels of the protected header, RFC 9052, 3.1. */
enum { LABEL_ALGORITHM = 1, LABEL_KEY_ID = 4 };

enum { MANIFEST_KEYS = 13 }; /* one more where it follows a blob */

/* --- the manifest --------------------------------------------------------- */

static uint64_t value_of(tp_cbor *in, uint64_t key, uint64_t most) {
    tp_cbor_expect(in, key);
    const uint64_t value = tp_cbor_next(in, TP_CBOR_UINT);
    in->bad = in->bad || value > most;
    return value;
}

static uint32_t number(tp_cbor *in, uint64_t key) {
    return (uint32_t)value_of(in, key, UINT32_MAX);
}

static void string(tp_cbor *in, uint64_t key, uint8_t *to, size_t n) {
    tp_cbor_expect(in, key);
    const uint8_t *bytes = tp_cbor_bytes(in, n);
    if (bytes != NULL) {
        memcpy(to, bytes, n);
    }
}

static bool read_manifest(const uint8_t *bytes, size_t n, tp_manifest *m) {
    tp_cbor in = {.at = bytes, .left = n};
    const uint64_t keys = tp_cbor_next(&in, TP_CBOR_MAP);
    m->format = number(&in, 1);
    m->payload_bytes = number(&in, 2);
    m->seq = value_of(&in, 3, UINT64_MAX);
    m->abi = number(&in, 4);
    m->device_class = number(&in, 5);
    m->flags = number(&in, 6);
    string(&in, 7, m->base, sizeof m->base);
    string(&in, 8, m->blob_sha256, sizeof m->blob_sha256);
    m->adapter = number(&in, 9);
    m->layout = number(&in, 10);
    m->encoding = number(&in, 11);
    m->blob_bytes = number(&in, 12);
    m->blob_crc = number(&in, 13);
    const bool follows = m->encoding == TP_ENCODING_FOLLOWS;
    if (follows) {
        string(&in, 14, m->before, sizeof m->before);
    }
    return !in.bad && in.left == 0 && keys == (uint64_t)MANIFEST_KEYS + follows;
}

static void put_number(uint8_t **at, uint64_t key, uint64_t value) {
    tp_cbor_put(at, TP_CBOR_UINT, key);
    tp_cbor_put(at, TP_CBOR_UINT, value);
}

static void put_string(uint8_t **at, uint64_t key, const uint8_t *bytes,
                       size_t n) {
    tp_cbor_put(at, TP_CBOR_UINT, key);
    tp_cbor_put_bytes(at, bytes, n);
}

size_t tp_cose_manifest(const tp_manifest *m,
                        uint8_t bytes[TP_COSE_MOST_MANIFEST]) {
    const bool follows = m->encoding == TP_ENCODING_FOLLOWS;
    uint8_t *at = bytes;
    tp_cbor_put(&at, TP_CBOR_MAP, (uint64_t)MANIFEST_KEYS + follows);
    put_number(&at, 1, m->format);
    put_number(&at, 2, m->payload_bytes);
    put_number(&at, 3, m->seq);
    put_number(&at, 4, m->abi);
    put_number(&at, 5, m->device_class);
    put_number(&at, 6, m->flags);
    put_string(&at, 7, m->base, sizeof m->base);
    put_string(&at, 8, m->blob_sha256, sizeof m->blob_sha256);
    put_number(&at, 9, m->adapter);
    put_number(&at, 10, m->layout);
    put_number(&at, 11, m->encoding);
    put_number(&at, 12, m->blob_bytes);
    put_number(&at, 13, m->blob_crc);
    if (follows) {
        put_string(&at, 14, m->before, sizeof m->before);
    }
    return (size_t)(at - bytes);
}

/* --- COSE_Sign1 ----------------------------------------------------------- */

static bool read_protected(tp_cose *c) {
    tp_cbor in = {.at = c->protected_bytes, .left = c->protected_n};
    in.bad = tp_cbor_next(&in, TP_CBOR_MAP) != 2;
    tp_cbor_expect(&in, LABEL_ALGORITHM);
    const uint64_t algorithm = tp_cbor_next(&in, TP_CBOR_NEGATIVE);
    tp_cbor_expect(&in, LABEL_KEY_ID);
    const uint8_t *id = tp_cbor_bytes(&in, TP_KEY_ID_BYTES);
    if (in.bad || in.left != 0 || algorithm > 255) {
        return false;
    }
    c->algorithm = -1 - (int32_t)algorithm;
    memcpy(c->key_id, id, TP_KEY_ID_BYTES);
    return true;
}

bool tp_cose_read(const uint8_t *bytes, size_t n, tp_cose *cose) {
    tp_cbor in = {.at = bytes, .left = n};
    tp_cose c = {.algorithm = 0};
    in.bad = tp_cbor_next(&in, TP_CBOR_ARRAY) != 4;
    c.protected_bytes = tp_cbor_string(&in, &c.protected_n);
    in.bad = tp_cbor_next(&in, TP_CBOR_MAP) != 0 || in.bad; /* unprotected */
    c.payload = tp_cbor_string(&in, &c.payload_n);
    c.signature = tp_cbor_string(&in, &c.signature_n);
    if (in.bad || !read_protected(&c) ||
        !read_manifest(c.payload, c.payload_n, &c.manifest)) {
        return false;
    }
    c.bytes = n - in.left;
    *cose = c;
    return true;
}

size_t tp_cose_signed(const tp_cose *cose, uint8_t bytes[TP_COSE_MOST_SIGNED]) {
    static const char context[] = "Signature1";
    uint8_t *at = bytes;
    if (cose->protected_n + cose->payload_n + 32 > TP_COSE_MOST_SIGNED) {
        return 0;
    }
    tp_cbor_put(&at, TP_CBOR_ARRAY, 4);
    tp_cbor_put(&at, TP_CBOR_TEXT, sizeof context - 1);
    memcpy(at, context, sizeof context - 1);
    at += sizeof context - 1;
    tp_cbor_put_bytes(&at, cose->protected_bytes, cose->protected_n);
    tp_cbor_put(&at, TP_CBOR_BYTES, 0); /* nothing supplied from outside */
    tp_cbor_put_bytes(&at, cose->payload, cose->payload_n);
    return (size_t)(at - bytes);
}

size_t tp_cose_protected(int32_t algorithm,
                         const uint8_t key_id[TP_KEY_ID_BYTES],
                         uint8_t bytes[TP_COSE_MOST_PROTECTED]) {
    uint8_t *at = bytes;
    tp_cbor_put(&at, TP_CBOR_MAP, 2);
    tp_cbor_put(&at, TP_CBOR_UINT, LABEL_ALGORITHM);
    tp_cbor_put(&at, TP_CBOR_NEGATIVE, (uint64_t)(-1 - algorithm));
    tp_cbor_put(&at, TP_CBOR_UINT, LABEL_KEY_ID);
    tp_cbor_put_bytes(&at, key_id, TP_KEY_ID_BYTES);
    return (size_t)(at - bytes);
}

size_t tp_cose_write(const tp_cose *cose, uint8_t *bytes) {
    uint8_t *at = bytes;
    tp_cbor_put(&at, TP_CBOR_ARRAY, 4);
    tp_cbor_put_bytes(&at, cose->protected_bytes, cose->protected_n);
    tp_cbor_put(&at, TP_CBOR_MAP, 0);
    tp_cbor_put_bytes(&at, cose->payload, cose->payload_n);
    tp_cbor_put_bytes(&at, cose->signature, cose->signature_n);
    return (size_t)(at - bytes);
}
