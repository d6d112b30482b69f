/* .npy files: what is read, what is refused, and that no bytes whatever make
 * the reader leave the file. Then the samples that come from them. */
#define _POSIX_C_SOURCE 200809L

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli/npy.h"
#include "cli/samples.h"
#include "core/rng.h"

typedef struct fixture {
    tp_arena arena;
    tp_diag diag;
} fixture;

static void open_fixture(fixture *f) {
    memset(f, 0, sizeof *f);
    f->diag.arena = &f->arena;
}

typedef struct file {
    uint8_t bytes[512];
    size_t n;
} file;

static const char plain[] =
    "{'descr': '|i1', 'fortran_order': False, 'shape': (2, 3), }";

/* A file of either version with this header and `data` bytes 0, 1, 2, ... */
static file make(int version, const char *header, size_t data) {
    file f = {{0x93, 'N', 'U', 'M', 'P', 'Y', (uint8_t)version, 0}, 0};
    const size_t length = strlen(header) + 1;
    f.n = version == 1 ? 10 : 12;
    f.bytes[8] = (uint8_t)length;
    f.bytes[9] = (uint8_t)(length >> 8);
    assert_true(f.n + length + data <= sizeof f.bytes);
    memcpy(f.bytes + f.n, header, length - 1);
    f.bytes[f.n + length - 1] = '\n';
    f.n += length;
    for (size_t i = 0; i < data; i++) {
        f.bytes[f.n++] = (uint8_t)i;
    }
    return f;
}

/* Reads from memory of exactly the file's size, so that the sanitizer sees a
 * step beyond it. The array is only looked at where `out` is given. */
static tp_status read_bytes(const uint8_t *bytes, size_t n, tp_npy *out) {
    fixture f;
    tp_npy array = {.count = 0};
    uint8_t *exact = malloc(n > 0 ? n : 1);
    assert_non_null(exact);
    memcpy(exact, bytes, n);
    open_fixture(&f);
    const tp_status status = tp_npy_read(&f.diag, "x.npy", exact, n, &array);
    assert_int_equal(f.diag.errors, status == TP_OK ? 0 : 1);
    double sum = 0;
    for (size_t i = 0; status == TP_OK && i < array.count; i++) {
        sum += tp_npy_value(&array, i);
    }
    (void)sum;
    if (out != NULL) {
        *out = array;
        out->data = NULL;
    }
    free(exact);
    tp_arena_free(&f.arena);
    return status;
}

static void refuse(int version, const char *header, size_t data,
                   tp_status status) {
    const file f = make(version, header, data);
    const tp_status said = read_bytes(f.bytes, f.n, NULL);
    if (said != status) {
        fail_msg("%s: %d, not %d", header, (int)said, (int)status);
    }
}

static void reads_both_versions(void **state) {
    (void)state;
    for (int version = 1; version <= 2; version++) {
        tp_npy array;
        const file f = make(version, plain, 6);
        assert_true(tp_npy_is(f.bytes, f.n));
        assert_int_equal(read_bytes(f.bytes, f.n, &array), TP_OK);
        assert_int_equal(array.type, TP_NPY_I1);
        assert_int_equal(array.rank, 2);
        assert_int_equal(array.dim[0], 2);
        assert_int_equal(array.dim[1], 3);
        assert_int_equal(array.count, 6);
    }
    refuse(3, plain, 6, TP_ERR_UNSUPPORTED);
    refuse(0, plain, 6, TP_ERR_UNSUPPORTED);
}

static void reads_shapes(void **state) {
    (void)state;
    tp_npy array;
    file f = make(1, "{'shape':(),'descr':\"|u1\",'fortran_order':False}", 1);
    assert_int_equal(read_bytes(f.bytes, f.n, &array), TP_OK);
    assert_int_equal(array.rank, 0);
    assert_int_equal(array.count, 1);
    f = make(1, "{'descr': '<i2', 'fortran_order': False, 'shape': (5,), }",
             10);
    assert_int_equal(read_bytes(f.bytes, f.n, &array), TP_OK);
    assert_int_equal(array.count, 5);
    f = make(1, "{'descr': '<f8', 'fortran_order': False, 'shape': (0, 7)}", 0);
    assert_int_equal(read_bytes(f.bytes, f.n, &array), TP_OK);
    assert_int_equal(array.count, 0);
}

/* The bytes of a value of each type, and the value. */
static void reads_values(void **state) {
    (void)state;
    const struct {
        tp_npy_type type;
        uint8_t bytes[8];
        double value;
    } cases[] = {
        {TP_NPY_I1, {0x80}, -128},
        {TP_NPY_U1, {0x80}, 128},
        {TP_NPY_I2, {0xfe, 0xff}, -2},
        {TP_NPY_U2, {0xfe, 0xff}, 65534},
        {TP_NPY_I4, {0, 0, 0, 0x80}, -2147483648.0},
        {TP_NPY_U4, {0, 0, 0, 0x80}, 2147483648.0},
        {TP_NPY_I8, {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, -1},
        {TP_NPY_I8, {0, 0, 0, 0, 0, 0, 0, 0x80}, -9223372036854775808.0},
        {TP_NPY_U8, {0, 0, 0, 0, 0, 0, 0, 0x80}, 9223372036854775808.0},
        {TP_NPY_F4, {0, 0, 0x20, 0xc0}, -2.5},
        {TP_NPY_F8, {0, 0, 0, 0, 0, 0, 4, 0x40}, 2.5},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const tp_npy array = {.type = cases[i].type, .data = cases[i].bytes};
        if (tp_npy_value(&array, 0) != cases[i].value) {
            fail_msg("case %zu: %g", i, tp_npy_value(&array, 0));
        }
    }
}

static void refuses_other_types(void **state) {
    (void)state;
    static const char *const types[] = {"'>i2'", "'<c8'", "'|b1'",
                                        "'<U3'", "'|O'",  "'<f2'",
                                        "'i1'",  "''",    "[('a', '<i2')]"};
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        char header[128];
        (void)snprintf(header, sizeof header,
                       "{'descr': %s, 'fortran_order': False, 'shape': (2,)}",
                       types[i]);
        refuse(1, header, 4, TP_ERR_UNSUPPORTED);
    }
    refuse(1, "{'descr': '|i1', 'fortran_order': True, 'shape': (2, 2)}", 4,
           TP_ERR_UNSUPPORTED);
}

static void refuses_malformed_headers(void **state) {
    (void)state;
    static const char *const headers[] = {
        "",
        "{",
        "{}",
        "'descr'",
        "{'descr': '|i1', 'fortran_order': False}",
        "{'descr': '|i1', 'shape': (2, 2)}",
        "{'descr': '|i1', 'descr': '|i1', 'shape': (2, 2)}",
        "{'descr': '|i1', 'fortran_order': False, 'shape': (2, 2), 'x': 1}",
        "{'descr': '|i1', 'fortran_order': Maybe, 'shape': (2, 2)}",
        "{'descr': '|i1', 'fortran_order': False, 'shape': [2, 2]}",
        "{'descr': '|i1', 'fortran_order': False, 'shape': (2, 2}",
        "{'descr': '|i1', 'fortran_order': False, 'shape': (2 2)}",
        "{'descr': '|i1', 'fortran_order': False, 'shape': (-2, -2)}",
        "{'descr': '|i1', 'fortran_order': False, 'shape': (2, 2)} x",
        "{'descr': '|i1' 'fortran_order': False, 'shape': (2, 2)}",
        "{'descr' '|i1', 'fortran_order': False, 'shape': (2, 2)}",
        "{'descr': '|i1', 'fortran_order': False, 'shape",
        "{'descr': '|i1', 'fortran_order': False, 'shape': "
        "(1, 1, 1, 1, 1, 1, 1, 2, 2)}",
        "{'descr': '|i1', 'fortran_order': False, 'shape': "
        "(99999999999999999999, 2)}"};
    for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++) {
        refuse(1, headers[i], 4, TP_ERR_MALFORMED);
    }
}

static void refuses_wrong_sizes(void **state) {
    (void)state;
    refuse(1, plain, 5, TP_ERR_TRUNCATED);
    refuse(1, plain, 7, TP_ERR_MALFORMED);
    /* products that wrap around 2^64 to what is there */
    refuse(1,
           "{'descr': '<i4', 'fortran_order': False, 'shape': "
           "(4294967296, 4294967296, 4)}",
           0, TP_ERR_TRUNCATED);
    refuse(1,
           "{'descr': '<i8', 'fortran_order': False, 'shape': "
           "(2305843009213693953,)}",
           8, TP_ERR_TRUNCATED);
}

static void refuses_every_prefix(void **state) {
    (void)state;
    for (int version = 1; version <= 2; version++) {
        const file f = make(version, plain, 6);
        for (size_t n = 0; n < f.n; n++) {
            assert_int_not_equal(read_bytes(f.bytes, n, NULL), TP_OK);
        }
    }
}

/* Any byte changed, any pair of bytes changed: read or refused, no more. */
static void survives_damage(void **state) {
    (void)state;
    uint32_t rng = tp_rng_seed(1);
    const file good = make(1, plain, 6);
    for (size_t at = 0; at < good.n; at++) {
        for (unsigned value = 0; value < 256; value++) {
            file f = good;
            f.bytes[at] = (uint8_t)value;
            (void)read_bytes(f.bytes, f.n, NULL);
        }
    }
    for (int i = 0; i < 20000; i++) {
        file f = good;
        for (int k = 0; k < 2; k++) {
            f.bytes[tp_rng_below(&rng, (uint32_t)f.n)] =
                (uint8_t)tp_rng_next(&rng);
        }
        (void)read_bytes(f.bytes, f.n, NULL);
    }
}

/* --- samples -------------------------------------------------------------- */

/* Writes a file, reads samples of two elements from it, removes it. */
static tp_status read_samples(fixture *f, tp_dtype io, const void *bytes,
                              size_t n, tp_samples *out) {
    static const float scale = 0.5f;
    const tp_tensor t = {.dtype = io == TP_U8 ? TP_U8 : TP_S8,
                         .rank = 2,
                         .dim = {1, 2},
                         .quant = {.n = 1, .scale = &scale, .zero_point = 3}};
    const tp_port port = {&t, 2, io};
    char path[] = "/tmp/tinypeft-test-XXXXXX";
    const int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, n), (ssize_t)n);
    (void)close(fd);
    open_fixture(f);
    const tp_status status = tp_samples_read(&f->diag, &port, path, out);
    (void)unlink(path);
    return status;
}

static void expect_samples(tp_dtype io, const void *bytes, size_t n,
                           const int8_t *expected) {
    fixture f;
    tp_samples x;
    assert_int_equal(read_samples(&f, io, bytes, n, &x), TP_OK);
    assert_int_equal(x.n, 2);
    assert_memory_equal(x.data, expected, 4);
    tp_arena_free(&f.arena);
}

static void refuse_samples(tp_dtype io, const void *bytes, size_t n,
                           const char *text) {
    fixture f;
    tp_samples x;
    assert_int_not_equal(read_samples(&f, io, bytes, n, &x), TP_OK);
    if (strstr(f.diag.message[0].text, text) == NULL) {
        fail_msg("'%s', not '%s'", f.diag.message[0].text, text);
    }
    tp_arena_free(&f.arena);
}

/* scale 0.5, zero point 3: halves go away from zero, far values clamp. */
static void quantises_like_tflm(void **state) {
    (void)state;
    const float real[4] = {0.25f, -0.25f, 1e30f, -1e30f};
    const int8_t q[4] = {4, 2, 127, -128};
    expect_samples(TP_F32, real, sizeof real, q);
    const uint8_t bytes[4] = {0, 127, 128, 255};
    const int8_t same_bits[4] = {0, 127, -128, -1};
    expect_samples(TP_U8, bytes, 4, same_bits);
    expect_samples(TP_S8, q, 4, q);
}

static void reads_samples_from_npy(void **state) {
    (void)state;
    const int8_t counted[4] = {0, 1, 2, 3};
    static const char two[] =
        "{'descr': '|i1', 'fortran_order': False, 'shape': (2, 2), }";
    const file f = make(1, two, 4);
    expect_samples(TP_S8, f.bytes, f.n, counted);
    expect_samples(TP_F32, f.bytes, f.n, counted); /* quantised already */
    file real = make(
        1, "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2), }", 16);
    const float value[4] = {0, 1, -1, 0.75f};
    memcpy(real.bytes + real.n - 16, value, 16);
    const int8_t q[4] = {3, 5, 1, 5}; /* 0.75 / 0.5 = 1.5 -> 2 */
    expect_samples(TP_F32, real.bytes, real.n, q);
    refuse_samples(TP_S8, real.bytes, real.n, "the model takes int8");
}

static void refuses_wrong_samples(void **state) {
    (void)state;
    const float bad[4] = {0, 0, 0, NAN};
    const file wide = make(
        1, "{'descr': '|i1', 'fortran_order': False, 'shape': (4, 3), }", 12);
    const file word = make(
        1, "{'descr': '<i2', 'fortran_order': False, 'shape': (2, 2), }", 8);
    refuse_samples(TP_S8, "abc", 3, "no multiple of 2");
    refuse_samples(TP_S8, "", 0, "no multiple of 2");
    refuse_samples(TP_F32, bad, 12, "no multiple of 8");
    refuse_samples(TP_F32, bad, 16, "sample 1, element 1: not a finite");
    refuse_samples(TP_S8, wide.bytes, wide.n, "expected (samples, 2)");
    refuse_samples(TP_S8, word.bytes, word.n, "is int16");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_both_versions),
        cmocka_unit_test(reads_shapes),
        cmocka_unit_test(reads_values),
        cmocka_unit_test(refuses_other_types),
        cmocka_unit_test(refuses_malformed_headers),
        cmocka_unit_test(refuses_wrong_sizes),
        cmocka_unit_test(refuses_every_prefix),
        cmocka_unit_test(survives_damage),
        cmocka_unit_test(quantises_like_tflm),
        cmocka_unit_test(reads_samples_from_npy),
        cmocka_unit_test(refuses_wrong_samples),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
