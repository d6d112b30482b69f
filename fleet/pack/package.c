#include "fleet/pack/package.h"

#include <string.h>

#include "core/cbor.h"
#include "core/crc32.h"
#include "core/sha256.h"
#include "core/unpack.h"
#include "tinypeft/adapter.h"
#include "tinypeft/version.h"

void tp_package_hash(const uint8_t *bytes, size_t n, uint8_t digest[32]) {
    tp_sha256 sha;
    tp_sha256_init(&sha);
    tp_sha256_add(&sha, bytes, n);
    tp_sha256_done(&sha, digest);
}

/* --- reading and writing -------------------------------------------------- */

/* A head without its signature is read as a signed one: what is missing is put
 * in, so that there is one reader. */
static bool read_unsigned(const uint8_t *bytes, size_t n, tp_package *package) {
    static const uint8_t none[TP_KEY_ID_BYTES] = {0};
    uint8_t guard[TP_COSE_MOST_PROTECTED];
    uint8_t head[TP_PACKAGE_HEAD];
    tp_cbor in = {.at = bytes, .left = n};
    tp_cose c = {.protected_bytes = guard,
                 .protected_n = tp_cose_protected(TP_COSE_ES256, none, guard)};
    size_t empty = 0;
    size_t also_empty = 0;
    in.bad = tp_cbor_next(&in, TP_CBOR_ARRAY) != 4;
    (void)tp_cbor_string(&in, &empty);
    in.bad = tp_cbor_next(&in, TP_CBOR_MAP) != 0 || in.bad;
    c.payload = tp_cbor_string(&in, &c.payload_n);
    c.signature = tp_cbor_string(&in, &also_empty);
    if (in.bad || empty != 0 || also_empty != 0 ||
        c.payload_n > TP_COSE_MOST_MANIFEST) {
        return false;
    }
    *package = (tp_package){.payload = in.at, .payload_n = in.left};
    if (!tp_cose_read(head, tp_cose_write(&c, head), &package->cose)) {
        return false;
    }
    const tp_manifest m = package->cose.manifest;
    package->cose = (tp_cose){.manifest = m,
                              .payload = c.payload,
                              .payload_n = c.payload_n,
                              .bytes = n - in.left};
    return true;
}

bool tp_package_read(const uint8_t *bytes, size_t n, tp_package *package) {
    tp_cose c;
    if (!tp_cose_read(bytes, n, &c)) {
        return read_unsigned(bytes, n, package);
    }
    *package = (tp_package){.cose = c,
                            .is_signed = true,
                            .payload = bytes + c.bytes,
                            .payload_n = n - c.bytes};
    return true;
}

static size_t put_payload(uint8_t *out, size_t head, const uint8_t *payload,
                          size_t n) {
    memcpy(out + head, payload, n);
    return head + n;
}

size_t tp_package_write(const tp_manifest *manifest, const uint8_t *payload,
                        uint8_t *out) {
    static const uint8_t none[1] = {0};
    uint8_t body[TP_COSE_MOST_MANIFEST];
    const tp_cose c = {.protected_bytes = none,
                       .payload = body,
                       .payload_n = tp_cose_manifest(manifest, body),
                       .signature = none};
    return put_payload(out, tp_cose_write(&c, out), payload,
                       manifest->payload_bytes);
}

/* --- signing -------------------------------------------------------------- */

static size_t string_bytes(size_t n) {
    uint8_t head[9];
    uint8_t *at = head;
    tp_cbor_put(&at, TP_CBOR_BYTES, n);
    return n + (size_t)(at - head);
}

size_t tp_package_signed_bytes(size_t n, int32_t algorithm,
                               size_t signature_bytes) {
    static const uint8_t id[TP_KEY_ID_BYTES] = {0};
    uint8_t guard[TP_COSE_MOST_PROTECTED];
    return n - 2 * string_bytes(0) +
           string_bytes(tp_cose_protected(algorithm, id, guard)) +
           string_bytes(signature_bytes);
}

tp_status tp_package_sign(const tp_package *package, tp_signing_key *key,
                          uint8_t *out, size_t *n, uint32_t *left) {
    uint8_t guard[TP_COSE_MOST_PROTECTED];
    uint8_t message[TP_COSE_MOST_SIGNED];
    uint8_t signature[TP_SIGNATURE_MOST];
    uint8_t id[32];
    tp_package_hash(key->public_key, key->public_bytes, id);
    tp_cose c = package->cose;
    c.protected_bytes = guard;
    c.protected_n = tp_cose_protected(key->algorithm, id, guard);
    c.signature = signature;
    c.signature_n = key->signature_bytes;
    const uint32_t bytes = (uint32_t)tp_cose_signed(&c, message);
    if (bytes == 0) {
        return TP_ERR_MALFORMED;
    }
    TP_TRY(tp_signing_key_sign(key, message, bytes, signature, left));
    *n = put_payload(out, tp_cose_write(&c, out), package->payload,
                     package->payload_n);
    return TP_OK;
}

tp_status tp_package_verify(const tp_package *package, const tp_key *key,
                            const tp_crypto *crypto) {
    const tp_cose *c = &package->cose;
    uint8_t message[TP_COSE_MOST_SIGNED];
    uint8_t id[32];
    uint32_t said = 0;
    if (!package->is_signed) {
        return TP_ERR_SIGNATURE;
    }
    tp_package_hash(key->public_key, key->bytes, id);
    const uint32_t n = (uint32_t)tp_cose_signed(c, message);
    if (c->algorithm != key->algorithm || n == 0 ||
        memcmp(id, c->key_id, sizeof c->key_id) != 0) {
        return TP_ERR_SIGNATURE;
    }
    if (key->algorithm != TP_COSE_HSS_LMS) {
        said = crypto->verify(crypto->ctx, key, message, n, c->signature,
                              (uint32_t)c->signature_n);
    } else if (key->bytes == TP_LMS_KEY_BYTES) {
        said = tp_lms_verify(key->public_key, message, n, c->signature,
                             c->signature_n);
    }
    return said == TP_VERIFIED ? TP_OK : TP_ERR_SIGNATURE;
}

/* --- unpacking ------------------------------------------------------------ */

typedef struct target {
    uint8_t *blob;
    uint32_t n, done;
    const uint8_t *before; /* n bytes, or NULL: an empty blob */
    uint8_t frame[TP_BLOB_HEADER_BYTES];
} target;

static tp_status put(void *ctx, uint8_t byte) {
    target *t = ctx;
    t->blob[t->done++] = byte;
    return TP_OK;
}

static tp_status byte_before(void *ctx, uint32_t at, uint8_t *byte) {
    const target *t = ctx;
    *byte = t->before != NULL      ? t->before[at]
            : at < sizeof t->frame ? t->frame[at]
                                   : 0;
    return TP_OK;
}

static tp_status unpack(const tp_package *package, target *t) {
    tp_unpacker u;
    const tp_unpack_to to = {
        .ctx = t, .bytes = t->n, .put = put, .before = byte_before};
    tp_unpack_begin(&u);
    TP_TRY(tp_unpack_add(&u, &to, package->payload, package->payload_n));
    return tp_unpack_end(&u, &to);
}

/* The blob that it follows, or an empty one of its model. */
static tp_status find_before(const tp_manifest *m, const uint8_t *before,
                             size_t before_n, target *t) {
    uint8_t digest[32];
    if (m->encoding != TP_ENCODING_FOLLOWS) {
        tp_model model = {.layout_id = m->layout,
                          .adapter_bytes =
                              m->blob_bytes - TP_BLOB_HEADER_BYTES};
        memcpy(model.base_sha256, m->base, sizeof model.base_sha256);
        tp_blob_frame(&model, t->frame);
        return TP_OK;
    }
    if (before == NULL || before_n != m->blob_bytes) {
        return TP_ERR_NOT_FOUND;
    }
    tp_package_hash(before, before_n, digest);
    t->before = before;
    return memcmp(digest, m->before, sizeof m->before) == 0 ? TP_OK
                                                            : TP_ERR_NOT_FOUND;
}

static tp_status check_length(const tp_package *package) {
    const tp_manifest *m = &package->cose.manifest;
    if (m->format != TP_DELTA_FORMAT || m->flags != 0 ||
        m->encoding > TP_ENCODING_FOLLOWS) {
        return TP_ERR_UNSUPPORTED;
    }
    if (m->blob_bytes < TP_BLOB_HEADER_BYTES ||
        package->payload_n > m->payload_bytes ||
        (m->encoding == TP_ENCODING_BLOB &&
         m->payload_bytes != m->blob_bytes)) {
        return TP_ERR_MALFORMED;
    }
    return package->payload_n < m->payload_bytes ? TP_ERR_TRUNCATED : TP_OK;
}

tp_status tp_package_unpack(const tp_package *package, const uint8_t *before,
                            size_t before_n, uint8_t *blob) {
    const tp_manifest *m = &package->cose.manifest;
    target t = {.blob = blob, .n = m->blob_bytes};
    uint8_t digest[32];
    TP_TRY(check_length(package));
    TP_TRY(find_before(m, before, before_n, &t));
    if (m->encoding == TP_ENCODING_BLOB) {
        memcpy(blob, package->payload, m->blob_bytes);
    } else {
        TP_TRY(unpack(package, &t));
    }
    tp_package_hash(blob, m->blob_bytes, digest);
    return memcmp(digest, m->blob_sha256, sizeof digest) == 0 &&
                   tp_crc32(0, blob, m->blob_bytes) == m->blob_crc
               ? TP_OK
               : TP_ERR_CORRUPT;
}
