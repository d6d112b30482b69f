/* Adapter blobs: what is written is read back; everything else is refused and
 * changes nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/bytes.h"
#include "core/crc32.h"
#include "tests/unit/toy_model.h"

enum { BLOB = TP_BLOB_HEADER_BYTES + 16 };

typedef struct fixture {
    toy t;
    uint8_t blob[BLOB];
} fixture;

static void make(fixture *f) {
    toy_open(&f->t);
    memset(f->t.model.base_sha256, 0x5A, sizeof f->t.model.base_sha256);
    tp_adapter_init(&f->t.ctx, 3);
    assert_int_equal(tp_blob_bytes(&f->t.model), BLOB);
    assert_int_equal(tp_blob_write(&f->t.ctx, f->blob, BLOB), TP_OK);
}

/* A header field was changed on purpose: its checksum is made right again. */
static void seal(uint8_t *blob) {
    tp_put_u32(blob + 44, tp_crc32(0, blob, 44));
}

static void refused(fixture *f, uint32_t bytes, tp_status why) {
    uint8_t before[16];
    memset(f->t.adapter, 0x11, sizeof before);
    memcpy(before, f->t.adapter, sizeof before);
    assert_int_equal(tp_blob_read(&f->t.ctx, f->blob, bytes), why);
    assert_memory_equal(f->t.adapter, before, sizeof before);
}

static void test_round_trip(void **state) {
    (void)state;
    fixture f;
    uint8_t start[16];
    make(&f);
    memcpy(start, f.t.adapter, sizeof start);
    memset(f.t.adapter, 0, sizeof start);
    assert_int_equal(tp_blob_read(&f.t.ctx, f.blob, BLOB), TP_OK);
    assert_memory_equal(f.t.adapter, start, sizeof start);
    assert_int_equal(tp_blob_write(&f.t.ctx, f.blob, BLOB - 1),
                     TP_ERR_TRUNCATED);
}

static void test_every_flipped_bit(void **state) {
    (void)state;
    fixture f;
    for (int bit = 0; bit < 8 * BLOB; bit++) {
        make(&f);
        f.blob[bit / 8] ^= (uint8_t)(1 << (bit % 8));
        assert_int_not_equal(tp_blob_read(&f.t.ctx, f.blob, BLOB), TP_OK);
    }
}

static void test_every_length(void **state) {
    (void)state;
    fixture f;
    make(&f);
    for (uint32_t n = 0; n < BLOB; n++) {
        refused(&f, n, TP_ERR_TRUNCATED);
    }
    refused(&f, BLOB + 1, TP_ERR_MALFORMED);
}

static void test_other_model(void **state) {
    (void)state;
    fixture f;
    make(&f);
    f.t.model.base_sha256[15] ^= 1;
    refused(&f, BLOB, TP_ERR_MISMATCH);
    make(&f);
    f.t.model.layout_id ^= 1;
    refused(&f, BLOB, TP_ERR_MISMATCH);
}

static void test_header_fields(void **state) {
    (void)state;
    fixture f;
    make(&f);
    f.blob[0] ^= 1;
    refused(&f, BLOB, TP_ERR_MALFORMED);
    make(&f);
    tp_put_u16(f.blob + 4, TP_BLOB_FORMAT + 1);
    seal(f.blob);
    refused(&f, BLOB, TP_ERR_UNSUPPORTED);
    make(&f);
    tp_put_u16(f.blob + 6, 1);
    seal(f.blob);
    refused(&f, BLOB, TP_ERR_UNSUPPORTED);
    make(&f);
    f.blob[BLOB - 1] ^= 1;
    refused(&f, BLOB, TP_ERR_CORRUPT);
}

/* Lists of places: each above the one before, the last below its limit. */
static void test_lists(void **state) {
    (void)state;
    static const struct {
        uint16_t places[4];
        tp_status status;
    } row[] = {
        {{0, 1, 2, 3}, TP_OK},
        {{5, 90, 98, 99}, TP_OK},
        {{5, 90, 98, 100}, TP_ERR_MALFORMED},
        {{5, 5, 98, 99}, TP_ERR_MALFORMED},
        {{5, 90, 89, 99}, TP_ERR_MALFORMED},
        {{65535, 90, 91, 92}, TP_ERR_MALFORMED},
        {{0, 1, 2, 2}, TP_ERR_MALFORMED},
    };
    static const tp_index list = {"list", 4, 100, 4};
    fixture f;
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        make(&f);
        f.t.model.indices = &list;
        f.t.model.n_indices = 1;
        uint8_t *payload = f.blob + TP_BLOB_HEADER_BYTES;
        for (int k = 0; k < 4; k++) {
            tp_put_u16(payload + 4 + 2 * k, row[i].places[k]);
        }
        tp_put_u32(f.blob + 40, tp_crc32(0, payload, 16));
        seal(f.blob);
        if (row[i].status == TP_OK) {
            assert_int_equal(tp_blob_read(&f.t.ctx, f.blob, BLOB), TP_OK);
        } else {
            refused(&f, BLOB, row[i].status);
        }
    }
}

/* The same seed gives the same bytes; another one does not. B-like tensors
 * start at zero. */
static void test_start_state(void **state) {
    (void)state;
    toy a;
    toy b;
    toy_open(&a);
    toy_open(&b);
    tp_adapter_init(&a.ctx, 5);
    tp_adapter_init(&b.ctx, 5);
    assert_memory_equal(a.adapter, b.adapter, 16);
    tp_adapter_init(&b.ctx, 6);
    assert_memory_not_equal(a.adapter, b.adapter, 16);
    for (int i = 8; i < 16; i++) {
        assert_int_equal(a.adapter[i], 0);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_every_flipped_bit),
        cmocka_unit_test(test_every_length),
        cmocka_unit_test(test_other_model),
        cmocka_unit_test(test_header_fields),
        cmocka_unit_test(test_lists),
        cmocka_unit_test(test_start_state),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
