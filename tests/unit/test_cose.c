/* Heads of deltas: written, read back, and refused in any other form. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/cbor.h"
#include "core/cose.h"

enum { SIGNATURE = 64, ROOM = 400 };

static const tp_manifest manifest = {
    .format = 1,
    .payload_bytes = 2792,
    .seq = UINT64_C(0x100000000),
    .abi = 3,
    .device_class = 24,
    .base = {1, 2, 3},
    .adapter = 255,
    .layout = 0xDEADBEEF,
    .encoding = TP_ENCODING_FOLLOWS,
    .blob_bytes = 65536,
    .blob_crc = 0x7FFFFFFF,
    .blob_sha256 = {6},
    .before = {7},
};

/* A whole head; its length. */
static size_t write_head(uint8_t head[ROOM]) {
    static const uint8_t signature[SIGNATURE] = {9, 8, 7};
    uint8_t payload[TP_COSE_MOST_MANIFEST];
    uint8_t protected_bytes[TP_COSE_MOST_PROTECTED];
    const uint8_t id[TP_KEY_ID_BYTES] = {1, 2, 3, 4, 5, 6, 7, 8};
    const tp_cose c = {
        .protected_bytes = protected_bytes,
        .protected_n = tp_cose_protected(TP_COSE_ES256, id, protected_bytes),
        .payload = payload,
        .payload_n = tp_cose_manifest(&manifest, payload),
        .signature = signature,
        .signature_n = SIGNATURE};
    return tp_cose_write(&c, head);
}

static void gives_back_what_was_written(void **state) {
    (void)state;
    uint8_t head[ROOM];
    tp_cose c;
    const size_t n = write_head(head);
    assert_in_range(n, 180, 220);
    assert_true(tp_cose_read(head, sizeof head, &c));
    assert_int_equal(c.bytes, n);
    assert_int_equal(c.algorithm, TP_COSE_ES256);
    assert_int_equal(c.key_id[7], 8);
    assert_int_equal(c.manifest.seq, manifest.seq);
    assert_memory_equal(c.manifest.base, manifest.base, 32);
    assert_memory_equal(c.manifest.blob_sha256, manifest.blob_sha256, 32);
    assert_int_equal(c.manifest.layout, manifest.layout);
    assert_int_equal(c.manifest.blob_bytes, 65536);
    assert_int_equal(c.manifest.before[0], 7);
    assert_int_equal(c.signature_n, SIGNATURE);
    assert_int_equal(c.signature[2], 7);
}

/* RFC 9052, 4.4: the array of context, protected, external, payload. */
static void signs_the_structure_of_cose(void **state) {
    (void)state;
    uint8_t head[ROOM];
    uint8_t bytes[TP_COSE_MOST_SIGNED];
    static const uint8_t start[] = {0x84, 0x6A, 'S',  'i',  'g',  'n',
                                    'a',  't',  'u',  'r',  'e',  '1',
                                    0x4D, 0xA2, 0x01, 0x26, 0x04, 0x48};
    tp_cose c;
    write_head(head);
    assert_true(tp_cose_read(head, sizeof head, &c));
    const size_t n = tp_cose_signed(&c, bytes);
    assert_memory_equal(bytes, start, sizeof start);
    assert_int_equal(n, 12 + 1 + c.protected_n + 1 + 2 + c.payload_n);
    assert_int_equal(bytes[12 + 1 + c.protected_n], 0x40);
}

static void refuses_every_truncation(void **state) {
    (void)state;
    uint8_t head[ROOM];
    tp_cose c;
    const size_t n = write_head(head);
    for (size_t i = 0; i < n; i++) {
        assert_false(tp_cose_read(head, i, &c));
    }
}

/* A changed bit is refused, or changes what is signed or the signature. */
static void every_bit_counts(void **state) {
    (void)state;
    uint8_t head[ROOM] = {0};
    uint8_t right[TP_COSE_MOST_SIGNED];
    uint8_t other[TP_COSE_MOST_SIGNED];
    tp_cose c;
    const size_t bytes = write_head(head);
    assert_true(tp_cose_read(head, sizeof head, &c));
    const size_t n = tp_cose_signed(&c, right);
    uint8_t signature[SIGNATURE];
    memcpy(signature, c.signature, SIGNATURE);
    for (size_t bit = 0; bit < 8 * bytes; bit++) {
        head[bit / 8] ^= (uint8_t)(1u << bit % 8);
        if (tp_cose_read(head, sizeof head, &c)) {
            const size_t m = tp_cose_signed(&c, other);
            assert_true(m != n || memcmp(right, other, n) != 0 ||
                        c.signature_n != SIGNATURE ||
                        memcmp(c.signature, signature, SIGNATURE) != 0);
        }
        head[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
}

/* Parts that are longer than what is in them: a byte behind a manifest, behind
 * a protected map, or an item more than their maps say. */
static void refuses_more_than_there_is(void **state) {
    (void)state;
    static const uint8_t signature[SIGNATURE] = {9, 8, 7};
    const uint8_t id[TP_KEY_ID_BYTES] = {1, 2, 3, 4, 5, 6, 7, 8};
    for (int way = 0; way < 5; way++) {
        uint8_t head[ROOM];
        uint8_t payload[TP_COSE_MOST_MANIFEST + 2] = {0};
        uint8_t guard[TP_COSE_MOST_PROTECTED + 2] = {0};
        tp_cose read;
        tp_cose c = {.protected_bytes = guard,
                     .protected_n = tp_cose_protected(TP_COSE_ES256, id, guard),
                     .payload = payload,
                     .payload_n = tp_cose_manifest(&manifest, payload),
                     .signature = signature,
                     .signature_n = SIGNATURE};
        c.payload_n += way == 1;
        c.protected_n += way == 2;
        if (way == 3) { /* key 15: 0 */
            payload[0]++;
            payload[c.payload_n] = 15;
            c.payload_n += 2;
        }
        if (way == 4) { /* key 0: 0 */
            guard[0]++;
            c.protected_n += 2;
        }
        tp_cose_write(&c, head);
        assert_int_equal(tp_cose_read(head, sizeof head, &read), way == 0);
    }
}

/* RFC 8949, appendix A, and what is not the shortest form of the same. */
static void integers_have_one_form(void **state) {
    (void)state;
    static const struct {
        uint64_t value;
        uint8_t n, bytes[9];
    } right[] = {
        {0, 1, {0x00}},
        {23, 1, {0x17}},
        {24, 2, {0x18, 0x18}},
        {255, 2, {0x18, 0xFF}},
        {1000, 3, {0x19, 0x03, 0xE8}},
        {1000000, 5, {0x1A, 0x00, 0x0F, 0x42, 0x40}},
        {1000000000000, 9, {0x1B, 0, 0, 0, 0xE8, 0xD4, 0xA5, 0x10, 0}},
    };
    static const uint8_t wrong[][9] = {
        {0x18, 0x17},
        {0x19, 0x00, 0xFF},
        {0x1A, 0, 0, 0xFF, 0xFF},
        {0x1B, 0, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF},
        {0x1F},
        {0x1C},
        {0xC0},
        {0xF9, 0, 0}};
    for (size_t i = 0; i < sizeof right / sizeof right[0]; i++) {
        uint8_t bytes[9];
        uint8_t *at = bytes;
        tp_cbor_put(&at, TP_CBOR_UINT, right[i].value);
        assert_int_equal(at - bytes, right[i].n);
        assert_memory_equal(bytes, right[i].bytes, right[i].n);
        tp_cbor in = {.at = bytes, .left = right[i].n};
        assert_true(tp_cbor_next(&in, TP_CBOR_UINT) == right[i].value);
        assert_false(in.bad);
        in = (tp_cbor){.at = bytes, .left = right[i].n - 1u};
        (void)tp_cbor_next(&in, TP_CBOR_UINT);
        assert_true(in.bad);
    }
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        tp_cbor in = {.at = wrong[i], .left = sizeof wrong[i]};
        assert_int_equal(tp_cbor_next(&in, TP_CBOR_UINT), 0);
        assert_true(in.bad);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gives_back_what_was_written),
        cmocka_unit_test(signs_the_structure_of_cose),
        cmocka_unit_test(refuses_every_truncation),
        cmocka_unit_test(every_bit_counts),
        cmocka_unit_test(refuses_more_than_there_is),
        cmocka_unit_test(integers_have_one_form),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
