/* Deltas from signing to trial, and everything that must be refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/cose.h"
#include "core/crc32.h"
#include "core/lms.h"
#include "core/rng.h"
#include "core/sha256.h"
#include "core/unpack.h"
#include "fleet/pack/encode.h"
#include "tests/power/nor.h"
#include "tinypeft/adapter.h"
#include "tinypeft/update.h"
#include "tinypeft/version.h"

enum { SECTOR = 512, SLOTS = 8, ADAPTER = 152, BLOB = ADAPTER + 48 };
enum { HEIGHT = 5, SIGNATURE = 2352, ROOM = 3200 };

/* A device with two keys, and who signs for the second. */
typedef struct fixture {
    nor nor;
    tp_flash flash;
    tp_store store;
    tp_model model;
    tp_key keys[2];
    tp_device device;
    tp_lms_secret secret;
    uint8_t nodes[63][32];
    uint8_t public_key[TP_LMS_KEY_BYTES];
    uint32_t leaf;
} fixture;

typedef struct delta {
    uint8_t bytes[ROOM];
    uint32_t head, n;
} delta;

static fixture f;
static const uint8_t other_key[TP_LMS_KEY_BYTES] = {1};

static int begin(void **state) {
    (void)state;
    nor_init(&f.nor, 8, true, SECTOR, SLOTS);
    f.flash = nor_flash(&f.nor);
    f.model = (tp_model){
        .adapter_bytes = ADAPTER, .layout_id = 77, .base_sha256 = {1, 2, 3}};
    f.secret = (tp_lms_secret){.height = HEIGHT, .id = {4}, .seed = {5}};
    tp_lms_tree(&f.secret, f.nodes);
    tp_lms_public(&f.secret, f.nodes, f.public_key);
    f.keys[0] = (tp_key){TP_COSE_HSS_LMS, other_key, sizeof other_key};
    f.keys[1] = (tp_key){TP_COSE_HSS_LMS, f.public_key, sizeof f.public_key};
    f.device = (tp_device){
        .model = &f.model, .device_class = 9, .keys = f.keys, .n_keys = 2};
    f.leaf = 0;
    return tp_store_mount(&f.store, &f.flash, 1);
}

static void hash(const uint8_t *bytes, size_t n, uint8_t digest[32]) {
    tp_sha256 sha;
    tp_sha256_init(&sha);
    tp_sha256_add(&sha, bytes, n);
    tp_sha256_done(&sha, digest);
}

static void fill(uint8_t blob[BLOB], uint8_t with) {
    for (int i = 0; i < BLOB; i++) {
        blob[i] = (uint8_t)(i % 3 == 0 ? with : i % 3 == 1 ? 0 : i);
    }
}

static tp_manifest manifest_of(const uint8_t blob[BLOB], uint64_t seq) {
    tp_manifest m = {.format = TP_DELTA_FORMAT,
                     .payload_bytes = BLOB,
                     .seq = seq,
                     .abi = TP_ABI,
                     .device_class = 9,
                     .base = {1, 2, 3},
                     .adapter = 3,
                     .layout = 77,
                     .encoding = TP_ENCODING_BLOB,
                     .blob_bytes = BLOB,
                     .blob_crc = tp_crc32(0, blob, BLOB)};
    hash(blob, BLOB, m.blob_sha256);
    return m;
}

static void sign(const tp_manifest *m, const uint8_t *payload, delta *d) {
    static uint8_t signature[SIGNATURE];
    uint8_t body[TP_COSE_MOST_MANIFEST];
    uint8_t guard[TP_COSE_MOST_PROTECTED];
    uint8_t message[TP_COSE_MOST_SIGNED];
    uint8_t id[32];
    hash(f.public_key, sizeof f.public_key, id);
    tp_cose c = {.protected_bytes = guard,
                 .protected_n = tp_cose_protected(TP_COSE_HSS_LMS, id, guard),
                 .payload = body,
                 .payload_n = tp_cose_manifest(m, body),
                 .signature = signature,
                 .signature_n = SIGNATURE};
    tp_lms_sign(&f.secret, f.nodes, f.leaf++, message,
                tp_cose_signed(&c, message), signature);
    d->head = (uint32_t)tp_cose_write(&c, d->bytes);
    memcpy(d->bytes + d->head, payload, m->payload_bytes);
    d->n = d->head + m->payload_bytes;
}

static tp_status receive(const delta *d, uint32_t chunk) {
    tp_update update;
    uint32_t at = 0;
    TP_TRY(tp_update_begin(&update, &f.store, &f.device, d->bytes, d->n, &at));
    for (; at < d->n; at += chunk) {
        const uint32_t left = d->n - at;
        TP_TRY(tp_update_chunk(&update, d->bytes + at,
                               left < chunk ? left : chunk));
    }
    return tp_update_finish(&update);
}

static void shows(bool trial, const uint8_t blob[BLOB]) {
    tp_record record;
    uint8_t have[BLOB];
    assert_int_equal(tp_store_chosen(&f.store, trial, &record), TP_OK);
    assert_int_equal(record.bytes, BLOB);
    assert_int_equal(tp_store_load(&f.store, &record, have), TP_OK);
    assert_memory_equal(have, blob, BLOB);
}

static void nothing_chosen(void) {
    tp_record record;
    assert_int_equal(tp_store_chosen(&f.store, false, &record),
                     TP_ERR_NOT_FOUND);
    assert_int_equal(tp_store_chosen(&f.store, true, &record),
                     TP_ERR_NOT_FOUND);
}

static void is_on_trial_then_in_use(void **state) {
    (void)state;
    static delta d;
    uint8_t first[BLOB];
    uint8_t second[BLOB];
    fill(first, 11);
    fill(second, 12);
    const tp_manifest one = manifest_of(first, 5);
    sign(&one, first, &d);
    assert_int_equal(receive(&d, 7), TP_OK);
    shows(true, first);
    assert_int_equal(tp_update_accept(&f.store), TP_OK);
    shows(false, first);
    assert_int_equal(tp_update_accept(&f.store), TP_ERR_NOT_FOUND);
    assert_int_equal(receive(&d, 7), TP_ERR_REPLAYED);

    const tp_manifest two = manifest_of(second, 6);
    sign(&two, second, &d);
    assert_int_equal(receive(&d, 1000), TP_OK);
    shows(true, second);
    shows(false, first);
    assert_int_equal(tp_update_reject(&f.store), TP_OK);
    shows(false, first);
    assert_int_equal(receive(&d, 64), TP_OK); /* may come again */
    assert_int_equal(tp_update_accept(&f.store), TP_OK);
    assert_int_equal(tp_store_mount(&f.store, &f.flash, 1), TP_OK);
    shows(false, second);
    assert_int_equal(f.store.choice.floor, 6);
}

static void refuses_what_is_for_others(void **state) {
    (void)state;
    static delta d;
    uint8_t blob[BLOB];
    fill(blob, 1);
    const tp_manifest right = manifest_of(blob, 1);
    tp_manifest m[8];
    for (int i = 0; i < 8; i++) {
        m[i] = right;
    }
    m[0].format = 2;
    m[1].flags = 1;
    m[2].encoding = 3;
    m[3].base[31] = 1;
    m[4].layout = 78;
    m[5].abi = TP_ABI + 1;
    m[6].device_class = 8;
    m[7].blob_bytes = BLOB + 1;
    for (int i = 0; i < 8; i++) {
        sign(&m[i], blob, &d);
        assert_int_equal(receive(&d, 100),
                         i < 3 ? TP_ERR_UNSUPPORTED : TP_ERR_MISMATCH);
    }
    nothing_chosen();
    sign(&right, blob, &d);
    f.keys[1].public_key = other_key;
    assert_int_equal(receive(&d, 100), TP_ERR_SIGNATURE);
    nothing_chosen();
}

/* Every bit of the head but of the signature, one of each of its bytes, and
 * every bit of the payload; every length. */
static void refuses_every_change(void **state) {
    (void)state;
    static delta right, d;
    uint8_t blob[BLOB];
    fill(blob, 1);
    const tp_manifest m = manifest_of(blob, 1);
    sign(&m, blob, &right);
    for (uint32_t bit = 0; bit < 8 * right.n; bit++) {
        const uint32_t at = bit / 8;
        const bool in_signature =
            at >= right.head - SIGNATURE && at < right.head;
        if (in_signature && bit % 8 != at % 8) {
            continue;
        }
        d = right;
        d.bytes[at] ^= (uint8_t)(1u << bit % 8);
        assert_int_not_equal(receive(&d, 100), TP_OK);
    }
    for (uint32_t n = 0; n < right.n; n++) {
        d = right;
        d.n = n;
        assert_int_not_equal(receive(&d, 100), TP_OK);
    }
    nothing_chosen();
    assert_int_equal(receive(&right, 100), TP_OK);
}

/* The same blob in segments: every operation once. */
static void unpacks_segments(void **state) {
    (void)state;
    static delta d;
    uint8_t before[BLOB];
    uint8_t blob[BLOB];
    fill(before, 1);
    tp_manifest m = manifest_of(before, 1);
    sign(&m, before, &d);
    assert_int_equal(receive(&d, 100), TP_OK);
    assert_int_equal(tp_update_accept(&f.store), TP_OK);

    static const uint8_t payload[] = {TP_SEGMENT_COPY,
                                      100,
                                      TP_SEGMENT_LITERAL,
                                      3,
                                      9,
                                      8,
                                      7,
                                      TP_SEGMENT_ZEROS,
                                      20,
                                      TP_SEGMENT_INT4,
                                      3,
                                      2,
                                      0x7F,
                                      0x08,
                                      TP_SEGMENT_TERNARY,
                                      5,
                                      40,
                                      0xCD,
                                      0x01,
                                      TP_SEGMENT_SPARSE,
                                      10,
                                      4,
                                      55,
                                      5,
                                      TP_SEGMENT_ADD,
                                      2,
                                      1,
                                      255,
                                      TP_SEGMENT_ADD4,
                                      3,
                                      0,
                                      0x1F,
                                      0x02,
                                      TP_SEGMENT_COPY,
                                      54};
    memcpy(blob, before, BLOB);
    memcpy(blob + 100, (uint8_t[]){9, 8, 7}, 3);
    memset(blob + 103, 0, 20);
    memcpy(blob + 123, (uint8_t[]){0xFC, 28, 0xE0}, 3);
    memcpy(blob + 126, (uint8_t[]){40, 0xD8, 0, 0xD8, 40}, 5);
    memset(blob + 131, 0, 10);
    blob[135] = 55;
    blob[141]++;
    blob[142]--;
    blob[143]--;
    blob[144]++;
    blob[145] = (uint8_t)(blob[145] + 2);
    m = manifest_of(blob, 2);
    m.encoding = TP_ENCODING_FOLLOWS;
    m.payload_bytes = sizeof payload;
    hash(before, BLOB, d.bytes);
    memcpy(m.before, d.bytes, sizeof m.before);
    sign(&m, payload, &d);
    assert_int_equal(receive(&d, 1), TP_OK);
    shows(true, blob);
    m.before[0] ^= 1;
    sign(&m, payload, &d);
    assert_int_equal(receive(&d, 1), TP_ERR_NOT_FOUND);
    m.encoding = TP_ENCODING_SEGMENTS; /* copies of zeros: another blob */
    sign(&m, payload, &d);
    assert_int_equal(receive(&d, 1), TP_ERR_CORRUPT);
}

/* To level wear, the blob that a delta follows moves when a slot is taken for
 * the new one. It is read from where it lies then. */
static void follows_what_moves(void **state) {
    static delta first, second;
    static const uint8_t payload[] = {TP_SEGMENT_COPY,
                                      0x80 | ((BLOB - 1) & 0x7F),
                                      (BLOB - 1) >> 7,
                                      TP_SEGMENT_LITERAL,
                                      1,
                                      77};
    uint8_t before[BLOB];
    uint8_t blob[BLOB];
    uint8_t digest[32];
    uint32_t moved = 0;
    fill(before, 1);
    tp_manifest m = manifest_of(before, 1);
    sign(&m, before, &first);
    memcpy(blob, before, BLOB);
    blob[BLOB - 1] = 77;
    m = manifest_of(blob, 2);
    m.encoding = TP_ENCODING_FOLLOWS;
    m.payload_bytes = sizeof payload;
    hash(before, BLOB, digest);
    memcpy(m.before, digest, sizeof m.before);
    sign(&m, payload, &second);
    for (uint32_t saves = 0; saves < 60; saves++) {
        tp_record record = {.kind = TP_RECORD_TRAINING, .id = 1, .bytes = BLOB};
        tp_record was;
        tp_record is;
        assert_int_equal(begin(state), TP_OK);
        assert_int_equal(receive(&first, 500), TP_OK);
        for (uint32_t i = 0; i < saves; i++) {
            assert_int_equal(tp_store_save(&f.store, &record, before), TP_OK);
        }
        assert_int_equal(tp_store_chosen(&f.store, true, &was), TP_OK);
        assert_int_equal(receive(&second, 2), TP_OK);
        shows(true, blob);
        assert_int_equal(tp_store_find_generation(&f.store, TP_RECORD_ADAPTER,
                                                  3, was.generation, &is),
                         TP_OK);
        moved += was.slot != is.slot;
    }
    assert_true(moved > 0);
}

/* A blob as the device writes it, packed, is smaller by most of its header. */
static void packs_what_it_unpacks(void **state) {
    (void)state;
    static delta d;
    uint8_t adapter[ADAPTER];
    uint8_t blob[BLOB];
    uint8_t payload[ROOM];
    tp_ctx ctx = {.model = &f.model, .adapter = adapter};
    for (int i = 0; i < ADAPTER; i++) {
        adapter[i] = (uint8_t)(i < 100 ? i * 73 + 5 : i < 130 ? 0 : i % 7 * 16);
    }
    assert_int_equal(tp_blob_write(&ctx, blob, BLOB), TP_OK);
    tp_manifest m = manifest_of(blob, 1);
    m.encoding = TP_ENCODING_SEGMENTS;
    m.payload_bytes = (uint32_t)tp_encode(blob, NULL, BLOB, payload);
    assert_in_range(m.payload_bytes, 100, 100 + 12 + 8 + 16);
    sign(&m, payload, &d);
    assert_int_equal(receive(&d, 5), TP_OK);
    shows(true, blob);

    uint8_t next[BLOB];
    memcpy(next, blob, BLOB);
    next[60]++;
    next[150] = (uint8_t)(next[150] + 32);
    m = manifest_of(next, 2);
    m.encoding = TP_ENCODING_FOLLOWS;
    uint8_t digest[32];
    hash(blob, BLOB, digest);
    memcpy(m.before, digest, sizeof m.before);
    m.payload_bytes = (uint32_t)tp_encode(next, blob, BLOB, payload);
    assert_in_range(m.payload_bytes, 10, 24);
    sign(&m, payload, &d);
    assert_int_equal(receive(&d, 5), TP_OK);
    shows(true, next);
}

/* The payload ends with its last segment: one that only begins behind it makes
 * no byte, and is refused all the same. */
static void refuses_what_begins_behind_the_end(void **state) {
    (void)state;
    static delta d;
    static const uint8_t more[] = {TP_SEGMENT_LITERAL, 0x80};
    uint8_t adapter[ADAPTER] = {1, 2, 3};
    uint8_t blob[BLOB];
    uint8_t payload[ROOM];
    const tp_ctx ctx = {.model = &f.model, .adapter = adapter};
    assert_int_equal(tp_blob_write(&ctx, blob, BLOB), TP_OK);
    const uint32_t n = (uint32_t)tp_encode(blob, NULL, BLOB, payload);
    memcpy(payload + n, more, sizeof more);
    tp_manifest m = manifest_of(blob, 1);
    m.encoding = TP_ENCODING_SEGMENTS;
    for (uint32_t extra = sizeof more; extra > 0; extra--) {
        m.payload_bytes = n + extra;
        sign(&m, payload, &d);
        assert_int_equal(receive(&d, 9), TP_ERR_TRUNCATED);
        nothing_chosen();
    }
    m.payload_bytes = n;
    sign(&m, payload, &d);
    assert_int_equal(receive(&d, 9), TP_OK);
}

/* Whatever comes instead of segments: an error, or another blob. */
static void survives_any_payload(void **state) {
    (void)state;
    static delta d;
    uint8_t blob[BLOB];
    uint32_t rng = tp_rng_seed(3);
    fill(blob, 1);
    tp_manifest m = manifest_of(blob, 1);
    m.encoding = TP_ENCODING_SEGMENTS;
    m.payload_bytes = 64;
    uint8_t payload[64] = {0};
    sign(&m, payload, &d);
    for (int i = 0; i < 300; i++) {
        for (uint32_t k = d.head; k < d.n; k++) {
            const uint32_t v = tp_rng_next(&rng) >> 24;
            d.bytes[k] = (uint8_t)(v % 3 == 0 ? v % 9 : v);
        }
        const tp_status status = receive(&d, 9);
        assert_true(status == TP_ERR_MALFORMED || status == TP_ERR_TRUNCATED ||
                    status == TP_ERR_CORRUPT);
    }
    nothing_chosen();
}

static uint32_t say(void *ctx, const tp_key *key, const uint8_t *message,
                    uint32_t bytes, const uint8_t *signature, uint32_t n) {
    (void)key;
    (void)signature;
    assert_int_equal(message[0], 0x84);
    assert_in_range(bytes, 100, TP_COSE_MOST_SIGNED);
    assert_int_equal(n, SIGNATURE);
    return *(uint32_t *)ctx;
}

static void other_signatures_are_the_hook_s(void **state) {
    (void)state;
    static delta d;
    uint8_t blob[BLOB];
    uint32_t answer = 1;
    const tp_crypto crypto = {.ctx = &answer, .verify = say};
    fill(blob, 1);
    const tp_manifest m = manifest_of(blob, 1);
    sign(&m, blob, &d);
    assert_int_equal(d.bytes[4], 0x38); /* a byte of algorithm follows */
    f.keys[1].algorithm = -47;
    d.bytes[5] = 46;
    assert_int_equal(receive(&d, 100), TP_ERR_SIGNATURE);
    f.device.crypto = &crypto;
    assert_int_equal(receive(&d, 100), TP_ERR_SIGNATURE);
    answer = TP_VERIFIED;
    assert_int_equal(receive(&d, 100), TP_OK);
    f.device.crypto = NULL;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(is_on_trial_then_in_use, begin),
        cmocka_unit_test_setup(refuses_what_is_for_others, begin),
        cmocka_unit_test_setup(refuses_every_change, begin),
        cmocka_unit_test_setup(unpacks_segments, begin),
        cmocka_unit_test_setup(follows_what_moves, begin),
        cmocka_unit_test_setup(packs_what_it_unpacks, begin),
        cmocka_unit_test_setup(refuses_what_begins_behind_the_end, begin),
        cmocka_unit_test_setup(survives_any_payload, begin),
        cmocka_unit_test_setup(other_signatures_are_the_hook_s, begin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
