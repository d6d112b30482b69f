/* Any bytes as a delta that arrives in chunks, with a signature that is always
 * said to be right: an error, and nothing is chosen; or the blob whose SHA-256
 * the head names, on trial. The first bytes choose what the head's fields are
 * put right to, which chance would never find. The tool's unpacker must agree.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/crc32.h"
#include "fleet/pack/package.h"
#include "tests/power/nor.h"
#include "tinypeft/adapter.h"
#include "tinypeft/version.h"

enum { SECTOR = 512, SLOTS = 6, ADAPTER = 152, BLOB = ADAPTER + 48 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void demand(bool fact) {
    if (!fact) {
        abort();
    }
}

static uint32_t always(void *ctx, const tp_key *key, const uint8_t *message,
                       uint32_t bytes, const uint8_t *signature, uint32_t n) {
    (void)ctx, (void)key, (void)message, (void)bytes, (void)signature, (void)n;
    return TP_VERIFIED;
}

static const tp_model model = {
    .adapter_bytes = ADAPTER, .layout_id = 77, .base_sha256 = {1, 2, 3}};
static const uint8_t public_key[4] = {9};
static const tp_key key = {-7, public_key, sizeof public_key};
static const tp_crypto crypto = {.verify = always};
static const tp_device device = {.model = &model,
                                 .device_class = 9,
                                 .keys = &key,
                                 .n_keys = 1,
                                 .crypto = &crypto};

/* The adapter in use, which differences may follow. */
static void start(tp_store *store, uint8_t blob[BLOB]) {
    uint8_t adapter[ADAPTER];
    const tp_ctx ctx = {.model = &model, .adapter = adapter};
    tp_record record = {.kind = TP_RECORD_ADAPTER, .id = 3, .bytes = BLOB};
    for (int i = 0; i < ADAPTER; i++) {
        adapter[i] = (uint8_t)(i * 29);
    }
    demand(tp_blob_write(&ctx, blob, BLOB) == TP_OK);
    demand(tp_store_save(store, &record, blob) == TP_OK);
}

/* A head for the payload, and what it makes where it makes anything. */
static size_t write_head(const uint8_t *payload, size_t n, uint32_t encoding,
                         const uint8_t *before, uint8_t *out, uint8_t *made,
                         tp_status *unpacked) {
    uint8_t manifest[TP_COSE_MOST_MANIFEST];
    uint8_t guard[TP_COSE_MOST_PROTECTED];
    uint8_t digest[32];
    tp_package p = {.payload = payload, .payload_n = n};
    tp_manifest *m = &p.cose.manifest;
    *m = (tp_manifest){.format = TP_DELTA_FORMAT,
                       .payload_bytes = (uint32_t)n,
                       .seq = 5,
                       .abi = TP_ABI,
                       .device_class = 9,
                       .base = {1, 2, 3},
                       .adapter = 3,
                       .layout = 77,
                       .encoding = encoding,
                       .blob_bytes = BLOB};
    tp_package_hash(before, BLOB, digest);
    memcpy(m->before, digest, sizeof m->before);
    /* The hash is that of what comes of it: a first try makes it. */
    memset(made, 0, BLOB);
    *unpacked = tp_package_unpack(&p, before, BLOB, made);
    if (*unpacked == TP_ERR_CORRUPT) {
        tp_package_hash(made, BLOB, m->blob_sha256);
        m->blob_crc = tp_crc32(0, made, BLOB);
        *unpacked = tp_package_unpack(&p, before, BLOB, made);
        demand(*unpacked == TP_OK);
    }
    tp_package_hash(public_key, sizeof public_key, digest);
    const tp_cose c = {.protected_bytes = guard,
                       .protected_n = tp_cose_protected(-7, digest, guard),
                       .payload = manifest,
                       .payload_n = tp_cose_manifest(m, manifest),
                       .signature = digest,
                       .signature_n = 1};
    return tp_cose_write(&c, out);
}

static tp_status receive(tp_store *store, const uint8_t *bytes, size_t n,
                         uint32_t chunk) {
    tp_update update;
    uint32_t at = 0;
    TP_TRY(tp_update_begin(&update, store, &device, bytes, (uint32_t)n, &at));
    while (at < n) {
        const uint32_t left = (uint32_t)n - at;
        const uint32_t some = left < chunk ? left : chunk;
        TP_TRY(tp_update_chunk(&update, bytes + at, some));
        at += some;
    }
    return tp_update_finish(&update);
}

/* The first byte: the encoding and a chunk's length; with its top bit the rest
 * is a payload, without it is a whole delta. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    static nor flash;
    tp_store store;
    tp_record record;
    uint8_t before[BLOB];
    uint8_t made[BLOB];
    uint8_t have[BLOB];
    tp_status unpacked = TP_ERR_MALFORMED;
    if (n == 0 || n > 4096) {
        return 0;
    }
    nor_init(&flash, 8, true, SECTOR, SLOTS);
    const tp_flash port = nor_flash(&flash);
    demand(tp_store_mount(&store, &port, 1) == TP_OK);
    start(&store, before);
    const uint8_t *payload = data + 1;
    const size_t bytes = n - 1;
    const bool has_head = (data[0] & 0x80) == 0;
    uint8_t *delta = malloc(bytes + TP_PACKAGE_HEAD);
    demand(delta != NULL);
    const size_t head = has_head ? 0
                                 : write_head(payload, bytes, data[0] & 3,
                                              before, delta, made, &unpacked);
    memcpy(delta + head, payload, bytes);
    const tp_status status =
        receive(&store, delta, head + bytes, 1 + (data[0] >> 2 & 31));
    free(delta);
    demand(flash.broken == NULL);
    if (status != TP_OK) {
        demand(store.choice.trial == 0);
        /* what the tool unpacks the device does, too */
        demand(has_head || unpacked != TP_OK);
        return 0;
    }
    demand(tp_store_chosen(&store, true, &record) == TP_OK);
    demand(tp_store_load(&store, &record, have) == TP_OK);
    demand(has_head || (unpacked == TP_OK && memcmp(have, made, BLOB) == 0));
    return 0;
}
