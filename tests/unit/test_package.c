/* Packages signed with either kind of key, taken by a device, and everything
 * that must be refused: of a delta as large as the keyword spotter's, every bit
 * of its head and of its payload, every length, a replay, foreign models. ES256
 * is verified for real, by ports/psa. */
#define _POSIX_C_SOURCE 200809L
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <psa/crypto.h>

#include "core/crc32.h"
#include "core/rng.h"
#include "fleet/pack/encode.h"
#include "fleet/pack/package.h"
#include "fleet/pack/round.h"
#include "ports/psa/psa.h"
#include "tinypeft/adapter.h"
#include "tinypeft/update.h"
#include "tinypeft/version.h"

enum { SECTOR = 4096, SECTORS = 6, GRANULE = 8 };
enum { ADAPTER = 2744, BLOB = ADAPTER + 48, ROOM = 6000 };

static uint8_t flash_bytes[SECTOR * SECTORS];

static tp_status flash_read(void *ctx, uint32_t at, void *to, uint32_t n) {
    (void)ctx;
    memcpy(to, flash_bytes + at, n);
    return TP_OK;
}

static tp_status flash_program(void *ctx, uint32_t at, const void *from,
                               uint32_t n) {
    (void)ctx;
    memcpy(flash_bytes + at, from, n);
    return TP_OK;
}

static tp_status flash_erase(void *ctx, uint32_t sector) {
    (void)ctx;
    memset(flash_bytes + sector * SECTOR, 0xFF, SECTOR);
    return TP_OK;
}

static const tp_flash flash = {.read = flash_read,
                               .program = flash_program,
                               .erase = flash_erase,
                               .granule = GRANULE,
                               .sector_bytes = SECTOR,
                               .n_sectors = SECTORS};

typedef struct fixture {
    char folder[64], path[96];
    tp_signing_key key;
    tp_key device_key;
    tp_model model;
    tp_device device;
    tp_store store;
    uint8_t adapter[ADAPTER], blob[BLOB];
    uint8_t delta[ROOM];
    size_t n, head;
} fixture;

static fixture f;
static const tp_crypto crypto = {.verify = tp_psa_verify};

static void mount(void) {
    memset(flash_bytes, 0xFF, sizeof flash_bytes);
    assert_int_equal(tp_store_mount(&f.store, &flash, 1), TP_OK);
}

/* Weights as training leaves them: bell-shaped, around 0. */
static void draw_blob(uint32_t seed) {
    uint32_t rng = tp_rng_seed(seed);
    const tp_ctx ctx = {.model = &f.model, .adapter = f.adapter};
    for (int i = 0; i < ADAPTER; i++) {
        const int v = tp_rng_gauss_s8(&rng);
        f.adapter[i] = (uint8_t)(int8_t)(v / 2);
    }
    assert_int_equal(tp_blob_write(&ctx, f.blob, BLOB), TP_OK);
}

static tp_manifest manifest_of(uint64_t seq, uint32_t payload_bytes) {
    tp_manifest m = {.format = TP_DELTA_FORMAT,
                     .payload_bytes = payload_bytes,
                     .seq = seq,
                     .abi = TP_ABI,
                     .device_class = 9,
                     .adapter = 3,
                     .layout = f.model.layout_id,
                     .encoding = TP_ENCODING_SEGMENTS,
                     .blob_bytes = BLOB,
                     .blob_crc = tp_crc32(0, f.blob, BLOB)};
    memcpy(m.base, f.model.base_sha256, sizeof m.base);
    tp_package_hash(f.blob, BLOB, m.blob_sha256);
    return m;
}

/* Packs and signs f.blob into f.delta. */
static void sign(tp_signing_key *key, uint64_t seq) {
    static uint8_t payload[ROOM];
    static uint8_t package[ROOM];
    uint32_t left = 0;
    tp_package p;
    const uint32_t n = (uint32_t)tp_encode(f.blob, NULL, BLOB, payload);
    const tp_manifest m = manifest_of(seq, n);
    const size_t bytes = tp_package_write(&m, payload, package);
    assert_true(tp_package_read(package, bytes, &p));
    assert_false(p.is_signed);
    assert_int_equal(tp_package_sign(&p, key, f.delta, &f.n, &left), TP_OK);
    assert_int_equal(f.n, tp_package_signed_bytes(bytes, key->algorithm,
                                                  key->signature_bytes));
    f.head = f.n - n;
}

static int begin(const char *algorithm) {
    f = (fixture){.folder = "/tmp/tp-package-XXXXXX"};
    if (mkdtemp(f.folder) == NULL) {
        return -1;
    }
    (void)snprintf(f.path, sizeof f.path, "%s/key", f.folder);
    f.model = (tp_model){
        .adapter_bytes = ADAPTER, .layout_id = 77, .base_sha256 = {1, 2, 3}};
    const tp_status made = strcmp(algorithm, "es256") == 0
                               ? tp_es256_make(f.path)
                               : tp_signer_make(f.path, 5);
    if (made != TP_OK || tp_signing_key_open(&f.key, f.path) != TP_OK) {
        return -1;
    }
    f.device_key =
        (tp_key){f.key.algorithm, f.key.public_key, f.key.public_bytes};
    f.device = (tp_device){.model = &f.model,
                           .device_class = 9,
                           .keys = &f.device_key,
                           .n_keys = 1,
                           .crypto = &crypto};
    mount();
    draw_blob(5);
    sign(&f.key, 5);
    return 0;
}

static int begin_es256(void **state) {
    (void)state;
    return begin("es256");
}

static int begin_lms(void **state) {
    (void)state;
    return begin("lms");
}

static int end(void **state) {
    static const char *const ends[] = {"", ".pub", ".next"};
    (void)state;
    tp_signing_key_close(&f.key);
    for (int i = 0; i < 3; i++) {
        char name[128];
        (void)snprintf(name, sizeof name, "%s%s", f.path, ends[i]);
        (void)unlink(name);
    }
    return rmdir(f.folder);
}

static tp_status receive(const uint8_t *bytes, size_t n) {
    tp_update update;
    uint32_t at = 0;
    TP_TRY(
        tp_update_begin(&update, &f.store, &f.device, bytes, (uint32_t)n, &at));
    while (at < n) {
        const uint32_t some = n - at < 200 ? (uint32_t)n - at : 200;
        TP_TRY(tp_update_chunk(&update, bytes + at, some));
        at += some;
    }
    return tp_update_finish(&update);
}

/* The device has these bytes on trial. */
static void has_blob(void) {
    uint8_t have[BLOB];
    tp_record record;
    assert_int_equal(tp_store_chosen(&f.store, true, &record), TP_OK);
    assert_int_equal(record.bytes, BLOB);
    assert_int_equal(tp_store_load(&f.store, &record, have), TP_OK);
    assert_memory_equal(have, f.blob, BLOB);
}

static void device_and_tool_take_it(void **state) {
    (void)state;
    uint8_t blob[BLOB];
    tp_package p;
    assert_int_equal(receive(f.delta, f.n), TP_OK);
    has_blob();
    assert_true(tp_package_read(f.delta, f.n, &p));
    assert_true(p.is_signed);
    assert_int_equal(p.cose.bytes, f.head);
    assert_int_equal(tp_package_verify(&p, &f.device_key, &crypto), TP_OK);
    assert_int_equal(tp_package_unpack(&p, NULL, 0, blob), TP_OK);
    assert_memory_equal(blob, f.blob, BLOB);
}

static uint32_t accepted, tried;

/* The tool's reader and the device are asked: neither takes it. */
static void offer(const uint8_t *bytes, size_t n) {
    static uint8_t blob[BLOB];
    tp_package p;
    tried++;
    accepted += receive(bytes, n) == TP_OK;
    accepted += tp_package_read(bytes, n, &p) &&
                p.cose.manifest.blob_bytes == BLOB &&
                tp_package_unpack(&p, NULL, 0, blob) == TP_OK &&
                tp_package_verify(&p, &f.device_key, &crypto) == TP_OK;
}

static void counts(const char *what) {
    print_message("%s: %u tried, %u accepted\n", what, tried, accepted);
    assert_int_equal(accepted, 0);
    assert_true(tried > 0);
    accepted = tried = 0;
}

/* Of ES256 every bit of the head, and a bit of each byte of the payload; the
 * hashes of a signature of LMS and the payload behind it are samples. */
static bool is_tried(size_t bit) {
    const size_t at = bit / 8;
    const bool slow = f.key.algorithm == TP_COSE_HSS_LMS;
    if (at >= f.head) {
        return bit % 8 == at % 8 && (!slow || at % 16 == 0);
    }
    return !slow || at < 300 || (bit % 8 == at % 8 && at % 4 == 0);
}

static void no_change_is_taken(void **state) {
    (void)state;
    static uint8_t d[ROOM];
    const bool slow = f.key.algorithm == TP_COSE_HSS_LMS;
    for (size_t bit = 0; bit < 8 * f.n; bit++) {
        if (!is_tried(bit)) {
            continue;
        }
        memcpy(d, f.delta, f.n);
        d[bit / 8] ^= (uint8_t)(1u << bit % 8);
        offer(d, f.n);
    }
    counts("flipped bits");
    for (size_t n = 0; n < f.n; n += slow ? 7 : 1) {
        uint8_t *exact = malloc(n + 1); /* the sanitizer sees its end */
        assert_non_null(exact);
        memcpy(exact + 1, f.delta, n);
        offer(exact + 1, n);
        free(exact);
    }
    counts("shorter");
    for (size_t more = 1; more < 40; more++) {
        memcpy(d, f.delta, f.n);
        memset(d + f.n, more & 1 ? 0 : 0x5A, more);
        offer(d, f.n + more);
    }
    counts("longer");
    assert_int_equal(receive(f.delta, f.n), TP_OK);
    has_blob();
}

static void is_taken_once(void **state) {
    (void)state;
    assert_int_equal(receive(f.delta, f.n), TP_OK);
    assert_int_equal(tp_update_accept(&f.store), TP_OK);
    for (uint64_t seq = 0; seq <= 5; seq++) {
        sign(&f.key, seq);
        assert_int_equal(receive(f.delta, f.n), TP_ERR_REPLAYED);
    }
    sign(&f.key, 6);
    assert_int_equal(receive(f.delta, f.n), TP_OK);
}

/* Signed rightly, for others: each bit of the base's hash, of the layout and of
 * the class. */
static void refuses_foreign_models(void **state) {
    (void)state;
    const tp_model right = f.model;
    for (int bit = 0; bit < 256 + 32 + 32; bit++) {
        f.model = right;
        f.device.device_class = 9;
        if (bit < 256) {
            f.model.base_sha256[bit / 8] ^= (uint8_t)(1 << bit % 8);
        } else if (bit < 288) {
            f.model.layout_id ^= UINT32_C(1) << (bit - 256);
        } else {
            f.device.device_class ^= UINT32_C(1) << (bit - 288);
        }
        tried++;
        accepted += receive(f.delta, f.n) == TP_OK;
    }
    f.model = right;
    f.device.device_class = 9;
    counts("foreign models and classes");
}

static void refuses_other_keys(void **state) {
    (void)state;
    static uint8_t unsigned_delta[ROOM];
    static uint8_t payload[ROOM];
    uint8_t other[TP_PUBLIC_KEY_MOST];
    tp_package p;
    memcpy(other, f.key.public_key, sizeof other);
    other[f.device_key.bytes - 1] ^= 1;
    f.device_key.public_key = other;
    assert_int_equal(receive(f.delta, f.n), TP_ERR_SIGNATURE);
    f.device_key.public_key = f.key.public_key;
    f.device_key.algorithm = TP_COSE_EDDSA;
    assert_int_equal(receive(f.delta, f.n), TP_ERR_SIGNATURE);
    f.device_key.algorithm = f.key.algorithm;
    f.device.n_keys = 0;
    assert_int_equal(receive(f.delta, f.n), TP_ERR_SIGNATURE);
    f.device.n_keys = 1;
    const tp_manifest m =
        manifest_of(7, (uint32_t)tp_encode(f.blob, NULL, BLOB, payload));
    const size_t n = tp_package_write(&m, payload, unsigned_delta);
    assert_int_equal(receive(unsigned_delta, n), TP_ERR_TRUNCATED);
    assert_true(tp_package_read(unsigned_delta, n, &p));
    assert_int_equal(tp_package_verify(&p, &f.device_key, &crypto),
                     TP_ERR_SIGNATURE);
}

/* A point that is not on the curve, lengths that are none, another algorithm.
 */
static void the_port_refuses_what_is_no_key(void **state) {
    (void)state;
    static const uint8_t message[] = "m";
    uint8_t signature[64];
    uint8_t point[65];
    uint32_t left = 0;
    assert_int_equal(tp_signing_key_sign(&f.key, message, 1, signature, &left),
                     TP_OK);
    assert_int_equal(left, UINT32_MAX);
    tp_key key = {TP_PSA_ES256, f.key.public_key, 65};
    assert_int_equal(tp_psa_verify(NULL, &key, message, 1, signature, 64),
                     TP_VERIFIED);
    assert_int_not_equal(tp_psa_verify(NULL, &key, message, 0, signature, 64),
                         TP_VERIFIED);
    assert_int_not_equal(tp_psa_verify(NULL, &key, message, 1, signature, 63),
                         TP_VERIFIED);
    key.bytes = 64;
    assert_int_not_equal(tp_psa_verify(NULL, &key, message, 1, signature, 64),
                         TP_VERIFIED);
    key.bytes = 65;
    key.algorithm = -8;
    assert_int_not_equal(tp_psa_verify(NULL, &key, message, 1, signature, 64),
                         TP_VERIFIED);
    key.algorithm = TP_PSA_ES256;
    memcpy(point, f.key.public_key, sizeof point);
    point[64] ^= 1;
    key.public_key = point;
    assert_int_not_equal(tp_psa_verify(NULL, &key, message, 1, signature, 64),
                         TP_VERIFIED);
    memset(signature, 0, sizeof signature);
    key.public_key = f.key.public_key;
    assert_int_not_equal(tp_psa_verify(NULL, &key, message, 1, signature, 64),
                         TP_VERIFIED);
}

static void keys_are_not_overwritten_nor_mixed(void **state) {
    (void)state;
    tp_signing_key other;
    char name[128];
    assert_int_equal(tp_es256_make(f.path), TP_ERR_IO);
    assert_int_equal(tp_signer_make(f.path, 5), TP_ERR_IO);
    assert_int_equal(tp_public_key_algorithm(60), TP_COSE_HSS_LMS);
    assert_int_equal(tp_public_key_algorithm(65), TP_COSE_ES256);
    assert_int_equal(tp_public_key_algorithm(64), 0);
    (void)snprintf(name, sizeof name, "%s.pub", f.path);
    assert_int_equal(tp_signing_key_open(&other, name), TP_ERR_CORRUPT);
    FILE *file = fopen(name, "r+b");
    assert_non_null(file);
    assert_int_equal(fseek(file, 40, SEEK_SET), 0);
    assert_int_not_equal(fputc(f.key.public_key[40] ^ 1, file), EOF);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(tp_signing_key_open(&other, f.path), TP_ERR_CORRUPT);
    assert_int_equal(unlink(name), 0);
    assert_int_equal(tp_signing_key_open(&other, f.path), TP_ERR_IO);
}

/* The tool's unpacker says what is wrong as the device does. */
static void unpacking_says_what_is_wrong(void **state) {
    (void)state;
    static uint8_t payload[ROOM];
    static uint8_t out[ROOM];
    uint8_t before[BLOB];
    uint8_t blob[BLOB];
    tp_package p;
    memcpy(before, f.blob, BLOB);
    draw_blob(6);
    tp_manifest m =
        manifest_of(8, (uint32_t)tp_encode(f.blob, before, BLOB, payload));
    m.encoding = TP_ENCODING_FOLLOWS;
    uint8_t digest[32];
    tp_package_hash(before, BLOB, digest);
    memcpy(m.before, digest, sizeof m.before);
    const size_t n = tp_package_write(&m, payload, out);
    assert_true(tp_package_read(out, n, &p));
    assert_int_equal(tp_package_unpack(&p, before, BLOB, blob), TP_OK);
    assert_memory_equal(blob, f.blob, BLOB);
    assert_int_equal(tp_package_unpack(&p, NULL, 0, blob), TP_ERR_NOT_FOUND);
    assert_int_equal(tp_package_unpack(&p, before, BLOB - 1, blob),
                     TP_ERR_NOT_FOUND);
    before[99] ^= 1;
    assert_int_equal(tp_package_unpack(&p, before, BLOB, blob),
                     TP_ERR_NOT_FOUND);
    assert_true(tp_package_read(out, n - 1, &p));
    assert_int_equal(tp_package_unpack(&p, before, BLOB, blob),
                     TP_ERR_TRUNCATED);
    assert_true(tp_package_read(out, n, &p));
    p.cose.manifest.encoding = 3;
    assert_int_equal(tp_package_unpack(&p, before, BLOB, blob),
                     TP_ERR_UNSUPPORTED);
    p.cose.manifest.encoding = TP_ENCODING_BLOB;
    assert_int_equal(tp_package_unpack(&p, before, BLOB, blob),
                     TP_ERR_MALFORMED);
    p.cose.manifest.encoding = TP_ENCODING_SEGMENTS;
    assert_int_equal(tp_package_unpack(&p, before, BLOB, blob), TP_ERR_CORRUPT);
}

/* --- rounding --------------------------------------------------------------
 */

/* Squared error of v where each value becomes the nearest of -most .. most,
 * times unit. */
static long error_of(const int8_t *v, int n, int most, int unit) {
    long sum = 0;
    for (int i = 0; i < n; i++) {
        long least = LONG_MAX;
        for (int c = -most; c <= most; c++) {
            const long d = v[i] - c * unit;
            least = d * d < least ? d * d : least;
        }
        sum += least;
    }
    return sum;
}

static long distance(const int8_t *a, const int8_t *b, int n) {
    long sum = 0;
    for (int i = 0; i < n; i++) {
        sum += (a[i] - b[i]) * (a[i] - b[i]);
    }
    return sum;
}

/* No other shift, and no other magnitude, is nearer; and a payload can say it
 * in so many bits. */
static void rounds_to_the_nearest_of_fewer_bits(void **state) {
    (void)state;
    enum { N = 400 };
    uint32_t rng = tp_rng_seed(8);
    for (int round = 0; round < 60; round++) {
        int8_t v[N];
        int8_t four[N];
        int8_t three[N];
        uint8_t out[2 * N];
        long least4 = LONG_MAX;
        long least3 = LONG_MAX;
        const uint32_t size = 1 + tp_rng_below(&rng, 127);
        for (int i = 0; i < N; i++) {
            v[i] = (int8_t)((int)tp_rng_below(&rng, 2 * size + 1) - (int)size);
        }
        memcpy(four, v, sizeof v);
        memcpy(three, v, sizeof v);
        tp_round_int4(four, N);
        tp_round_ternary(three, N);
        for (int shift = 0; shift <= 4; shift++) {
            const long error = error_of(v, N, 7, 1 << shift);
            least4 = error < least4 ? error : least4;
        }
        for (int m = 1; m <= 127; m++) {
            const long error = error_of(v, N, 1, m);
            least3 = error < least3 ? error : least3;
        }
        assert_int_equal(distance(v, four, N), least4);
        assert_int_equal(distance(v, three, N), least3);
        assert_in_range(tp_encode((uint8_t *)four, NULL, N, out), 1,
                        N / 2 + 16 + 40);
        assert_in_range(tp_encode((uint8_t *)three, NULL, N, out), 1,
                        N / 4 + 16 + 40);
    }
}

static void keeps_the_largest_of_all_arrays(void **state) {
    (void)state;
    int8_t a[] = {1, -100, 50, 0, 3};
    int8_t b[] = {1, 2, -3, 4};
    const tp_weights arrays[] = {{a, 5, -6}, {b, 4, -1}};
    assert_int_equal(tp_round_sparse(arrays, 2, 4), 0);
    /* in units of 2^-6: 1 100 50 0 3, 32 64 96 128 */
    assert_memory_equal(a, ((int8_t[]){0, -100, 0, 0, 0}), 5);
    assert_memory_equal(b, ((int8_t[]){0, 2, -3, 4}), 4);
    assert_int_equal(tp_round_sparse(arrays, 2, 9), 0);
    assert_int_equal(b[1], 2);
    assert_int_equal(tp_round_sparse(arrays, 2, 0), 0);
    assert_int_equal(b[3], 0);
}

int main(void) {
    if (psa_crypto_init() != PSA_SUCCESS) {
        return 1;
    }
#define BOTH(test)                                                             \
    cmocka_unit_test_setup_teardown(test, begin_es256, end),                   \
        cmocka_unit_test_setup_teardown(test, begin_lms, end)
    const struct CMUnitTest tests[] = {
        BOTH(device_and_tool_take_it),
        BOTH(no_change_is_taken),
        BOTH(is_taken_once),
        BOTH(refuses_foreign_models),
        BOTH(refuses_other_keys),
        BOTH(keys_are_not_overwritten_nor_mixed),
        cmocka_unit_test_setup_teardown(the_port_refuses_what_is_no_key,
                                        begin_es256, end),
        cmocka_unit_test_setup_teardown(unpacking_says_what_is_wrong,
                                        begin_es256, end),
        cmocka_unit_test(rounds_to_the_nearest_of_fewer_bits),
        cmocka_unit_test(keeps_the_largest_of_all_arrays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
