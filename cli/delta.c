#include "cli/delta.h"

#include <string.h>

#include "core/bytes.h"
#include "core/crc32.h"
#include "ports/psa/psa.h"
#include "tinypeft/adapter.h"

#include <psa/crypto.h>

/* Of a blob's header, SPEC.md section 1. */
enum { AT_LENGTH = 12, AT_HEADER_CRC = 44 };

const char *tp_algorithm_name(int32_t algorithm) {
    switch (algorithm) {
    case TP_COSE_HSS_LMS:
        return "HSS/LMS";
    case TP_COSE_ES256:
        return "ES256";
    case TP_COSE_EDDSA:
        return "EdDSA";
    default:
        return "unknown";
    }
}

const char *tp_encoding_name(uint32_t encoding) {
    static const char *const name[] = {"blob", "segments", "difference"};
    return encoding <= TP_ENCODING_FOLLOWS ? name[encoding] : "unknown";
}

const char *tp_text_hex(tp_arena *arena, const uint8_t *bytes, size_t n) {
    static const char digits[] = "0123456789abcdef";
    char *text = tp_arena_alloc(arena, 2 * n + 1, 1);
    if (text == NULL) {
        return "?";
    }
    for (size_t i = 0; i < n; i++) {
        text[2 * i] = digits[bytes[i] >> 4];
        text[2 * i + 1] = digits[bytes[i] & 15];
    }
    text[2 * n] = '\0';
    return text;
}

/* --- reading -------------------------------------------------------------- */

tp_status tp_delta_read(tp_cli *cli, const char *path, tp_delta *out) {
    *out = (tp_delta){.path = path};
    TP_TRY(tp_file_read(&cli->diag, path, TP_DELTA_LIMIT, &out->bytes));
    if (!tp_package_read(out->bytes.data, out->bytes.n, &out->package)) {
        return tp_error(&cli->diag, TP_ERR_MALFORMED,
                        "%s: no delta: its head is not in the one form, or cut "
                        "short; 'tinypeft pack' makes one",
                        path);
    }
    return TP_OK;
}

/* A blob that is sound by itself. */
static tp_status check_blob(tp_cli *cli, const tp_delta *d) {
    const uint8_t *b = d->bytes.data;
    if (tp_get_u32(b + AT_HEADER_CRC) != tp_crc32(0, b, AT_HEADER_CRC)) {
        return tp_error(&cli->diag, TP_ERR_CORRUPT,
                        "%s: is damaged: the checksum of its header does not "
                        "match",
                        d->path);
    }
    const size_t n = (size_t)TP_BLOB_HEADER_BYTES + tp_get_u32(b + AT_LENGTH);
    if (d->bytes.n != n) {
        return tp_error(&cli->diag, TP_ERR_TRUNCATED,
                        "%s: has %zu bytes, its header says %zu", d->path,
                        d->bytes.n, n);
    }
    return TP_OK;
}

tp_status tp_delta_read_any(tp_cli *cli, const char *path, tp_delta *out) {
    *out = (tp_delta){.path = path};
    TP_TRY(tp_file_read(&cli->diag, path, TP_DELTA_LIMIT, &out->bytes));
    if (out->bytes.n >= TP_BLOB_HEADER_BYTES &&
        memcmp(out->bytes.data, "TPPA", 4) == 0) {
        out->is_blob = true;
        return check_blob(cli, out);
    }
    if (!tp_package_read(out->bytes.data, out->bytes.n, &out->package)) {
        return tp_error(&cli->diag, TP_ERR_MALFORMED,
                        "%s: neither an adapter nor a delta", path);
    }
    return TP_OK;
}

/* --- unpacking ------------------------------------------------------------ */

static tp_status unpack_error(tp_cli *cli, const tp_delta *d,
                              tp_status status) {
    const tp_manifest *m = &d->package.cose.manifest;
    const char *name = tp_text_hex(&cli->arena, m->before, sizeof m->before);
    tp_diag *diag = &cli->diag;
    if (status == TP_ERR_NOT_FOUND && cli->options.from != NULL) {
        return tp_error(diag, status,
                        "%s: follows the adapter with sha256 %s..; %s is "
                        "another",
                        d->path, name, cli->options.from);
    }
    if (status == TP_ERR_NOT_FOUND) {
        return tp_error(diag, status,
                        "%s: is a difference to the adapter with sha256 %s..; "
                        "give that with --from",
                        d->path, name);
    }
    if (status == TP_ERR_TRUNCATED) {
        return tp_error(diag, status,
                        "%s: ends too early: %zu of %u bytes of payload, or a "
                        "segment is cut short",
                        d->path, d->package.payload_n,
                        (unsigned)m->payload_bytes);
    }
    if (status == TP_ERR_UNSUPPORTED) {
        return tp_error(diag, status,
                        "%s: format %u, flags %u, encoding %u: of a later "
                        "version",
                        d->path, (unsigned)m->format, (unsigned)m->flags,
                        (unsigned)m->encoding);
    }
    return tp_error(diag, status, "%s: %s", d->path,
                    status == TP_ERR_CORRUPT
                        ? "its payload makes another blob than the one named "
                          "in its head"
                        : "its payload is damaged: no segments, or too many");
}

tp_status tp_delta_blob(tp_cli *cli, const tp_delta *delta, tp_bytes *blob) {
    const tp_manifest *m = &delta->package.cose.manifest;
    tp_bytes before = {NULL, 0};
    if (delta->is_blob) {
        *blob = delta->bytes;
        return TP_OK;
    }
    if (m->blob_bytes > TP_DELTA_LIMIT) {
        return tp_error(&cli->diag, TP_ERR_UNSUPPORTED,
                        "%s: says its blob has %u bytes; at most %zu are made",
                        delta->path, (unsigned)m->blob_bytes, TP_DELTA_LIMIT);
    }
    if (cli->options.from != NULL) {
        TP_TRY(tp_file_read(&cli->diag, cli->options.from, TP_DELTA_LIMIT,
                            &before));
    }
    blob->n = m->blob_bytes;
    blob->data = tp_arena_alloc(&cli->arena, blob->n + 1, 1);
    if (blob->data == NULL) {
        return tp_no_memory(&cli->diag);
    }
    const tp_status status =
        tp_package_unpack(&delta->package, before.data, before.n, blob->data);
    return status == TP_OK ? TP_OK : unpack_error(cli, delta, status);
}

/* --- signatures ----------------------------------------------------------- */

static tp_status read_key(tp_cli *cli, tp_key *key) {
    const char *path = cli->options.key;
    tp_bytes bytes;
    TP_TRY(tp_file_read(&cli->diag, path, 4096, &bytes));
    *key = (tp_key){.algorithm = tp_public_key_algorithm(bytes.n),
                    .public_key = bytes.data,
                    .bytes = (uint32_t)bytes.n};
    return key->algorithm != 0
               ? TP_OK
               : tp_error(&cli->diag, TP_ERR_MALFORMED,
                          "%s: no public key: %zu bytes, an HSS/LMS key has "
                          "%u, an ES256 key %u; 'tinypeft keygen' writes "
                          "KEY.pub",
                          path, bytes.n, (unsigned)TP_LMS_KEY_BYTES,
                          (unsigned)TP_ES256_KEY_BYTES);
}

tp_status tp_delta_verify(tp_cli *cli, const tp_delta *delta) {
    static const tp_crypto crypto = {.verify = tp_psa_verify};
    const tp_cose *c = &delta->package.cose;
    tp_diag *diag = &cli->diag;
    uint8_t id[32];
    tp_key key;
    TP_TRY(read_key(cli, &key));
    if (!delta->package.is_signed) {
        return tp_error(diag, TP_ERR_SIGNATURE,
                        "%s: is not signed; 'tinypeft sign' does", delta->path);
    }
    tp_package_hash(key.public_key, key.bytes, id);
    if (c->algorithm != key.algorithm ||
        memcmp(id, c->key_id, sizeof c->key_id) != 0) {
        return tp_error(diag, TP_ERR_SIGNATURE,
                        "%s: is signed by the %s key %s; %s is the %s key %s",
                        delta->path, tp_algorithm_name(c->algorithm),
                        tp_text_hex(&cli->arena, c->key_id, sizeof c->key_id),
                        cli->options.key, tp_algorithm_name(key.algorithm),
                        tp_text_hex(&cli->arena, id, sizeof c->key_id));
    }
    if (psa_crypto_init() != PSA_SUCCESS) {
        return tp_error(diag, TP_ERR_UNSUPPORTED,
                        "the library of cryptography does not start");
    }
    return tp_package_verify(&delta->package, &key, &crypto) == TP_OK
               ? TP_OK
               : tp_error(diag, TP_ERR_SIGNATURE,
                          "%s: the signature is wrong: what is signed, or the "
                          "signature, was changed",
                          delta->path);
}
