/* Truth link: published vectors and exact arithmetic -> core. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/bfp.h"
#include "core/bytes.h"
#include "core/crc32.h"
#include "core/fixed.h"
#include "core/rng.h"
#include "core/scaler.h"
#include "core/sha256.h"
#include "tinypeft/train.h"

/* The check value of CRC-32/ISO-HDLC. */
static void test_crc32(void **state) {
    (void)state;
    assert_int_equal(tp_crc32(0, "123456789", 9), 0xCBF43926u);
    assert_int_equal(tp_crc32(tp_crc32(0, "1234", 4), "56789", 5), 0xCBF43926u);
}

/* FIPS 180-4 examples: "abc", 448 bits, and a million times "a". */
static void test_sha256(void **state) {
    (void)state;
    static const struct {
        const char *text;
        int times;
        uint8_t first[4];
    } vectors[] = {
        {"abc", 1, {0xba, 0x78, 0x16, 0xbf}},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
         1,
         {0x24, 0x8d, 0x6a, 0x61}},
        {"a", 1000000, {0xcd, 0xc7, 0x6e, 0x5c}},
        {"", 1, {0xe3, 0xb0, 0xc4, 0x42}},
    };
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        tp_sha256 sha;
        uint8_t digest[32];
        tp_sha256_init(&sha);
        for (int n = 0; n < vectors[i].times; n++) {
            tp_sha256_add(&sha, vectors[i].text, strlen(vectors[i].text));
        }
        tp_sha256_done(&sha, digest);
        assert_memory_equal(digest, vectors[i].first, 4);
    }
}

/* gemmlowp's definitions, written with its nudges and truncating division. */
static int32_t srdhm_model(int32_t a, int32_t b) {
    const int64_t ab = (int64_t)a * b;
    const int64_t nudge = ab >= 0 ? INT64_C(1) << 30 : 1 - (INT64_C(1) << 30);
    return (int32_t)((ab + nudge) / (INT64_C(1) << 31));
}

static void test_double_rounding(void **state) {
    (void)state;
    uint32_t rng = tp_rng_seed(3);
    for (int i = 0; i < 2000000; i++) {
        int32_t x = (int32_t)tp_rng_next(&rng);
        x >>= tp_rng_next(&rng) % 31;
        const int32_t m =
            (int32_t)((tp_rng_next(&rng) >> 2) | UINT32_C(0x40000000));
        assert_int_equal(tp_srdhm(x, m), srdhm_model(x, m));
        const int n = (int)(tp_rng_next(&rng) % 31) + 1;
        const double exact = ldexp((double)x, -n);
        assert_int_equal(tp_rdbpot(x, n), (int32_t)round(exact));
    }
}

static void test_shift_round(void **state) {
    (void)state;
    uint32_t rng = tp_rng_seed(4);
    for (int i = 0; i < 200000; i++) {
        const int64_t x = (int32_t)tp_rng_next(&rng);
        const int n = (int)(tp_rng_next(&rng) % 140) - 70;
        const double exact = floor(ldexp((double)x, -n) + 0.5);
        const double limited = fmin(fmax(exact, -2147483648.0), 2147483647.0);
        assert_int_equal(tp_shift_round(x, n), (int32_t)limited);
    }
    assert_int_equal(tp_bits32(0), 0);
    assert_int_equal(tp_bits32(1), 1);
    assert_int_equal(tp_bits32(0x80000000u), 32);
}

static double real(tp_bfp a) {
    return ldexp((double)a.m, a.e);
}

static void near(double got, double want) {
    assert_true(fabs(got - want) <= fabs(want) * ldexp(1.0, -29));
}

static void test_bfp(void **state) {
    (void)state;
    uint32_t rng = tp_rng_seed(5);
    for (int i = 0; i < 100000; i++) {
        const int32_t e = (int32_t)(tp_rng_next(&rng) % 80) - 40;
        const int32_t f = (int32_t)(tp_rng_next(&rng) % 80) - 40;
        const tp_bfp a = tp_bfp_of(tp_rng_next(&rng), e);
        const tp_bfp b = tp_bfp_of(tp_rng_next(&rng), f);
        near(real(tp_bfp_mul(a, b)), real(a) * real(b));
        near(real(tp_bfp_add(a, b)), real(a) + real(b));
        near(real(tp_bfp_div(a, b)), real(a) / real(b));
        near(real(tp_bfp_sqrt(a)), sqrt(real(a)));
        assert_int_equal(tp_bfp_less(a, b), real(a) < real(b));
    }
    assert_true(tp_bfp_less(tp_bfp_of(0, 0), tp_bfp_of(1, -40)));
    assert_int_equal(tp_bfp_sqrt(tp_bfp_of(0, 0)).m, 0);
}

static void test_bytes(void **state) {
    (void)state;
    uint8_t p[4];
    tp_put_u32(p, 0x01020304u);
    assert_int_equal(p[0], 4);
    assert_int_equal(tp_get_u32(p), 0x01020304u);
    tp_put_u16(p, 0xABCDu);
    assert_int_equal(tp_get_u16(p), 0xABCDu);
}

/* Mean and spread of the Gaussian, and that an order is a permutation. */
static void test_random(void **state) {
    (void)state;
    uint32_t rng = tp_rng_seed(6);
    double sum = 0.0;
    double squares = 0.0;
    enum { N = 200000 };
    for (int i = 0; i < N; i++) {
        const double x = tp_rng_gauss_q13(&rng);
        sum += x;
        squares += x * x;
    }
    assert_true(fabs(sum / N) < 60.0);
    assert_true(fabs(sqrt(squares / N) / 8192.0 - 1.0) < 0.01);
    sum = squares = 0.0;
    for (int i = 0; i < N; i++) {
        const double x = tp_rng_gauss_s8(&rng);
        assert_true(x >= -60.0 && x <= 60.0);
        sum += x;
        squares += x * x;
    }
    assert_true(fabs(sum / N) < 0.1); /* 3.4 standard errors */
    assert_true(fabs(squares / N / 170.0 - 1.0) < 0.01);
    uint16_t order[300];
    uint8_t seen[300] = {0};
    tp_train_order(order, 300, 9, 2);
    for (int i = 0; i < 300; i++) {
        seen[order[i]]++;
    }
    for (int i = 0; i < 300; i++) {
        assert_int_equal(seen[i], 1);
    }
    uint16_t other[300];
    tp_train_order(other, 300, 9, 3);
    assert_memory_not_equal(order, other, sizeof order);
}

/* The quotient of 64 bits, at the ends of both digits. */
static void test_divide(void **state) {
    (void)state;
    uint32_t rng = tp_rng_seed(11);
    for (int i = 0; i < 400000; i++) {
        uint32_t d = tp_rng_next(&rng) | UINT32_C(0x80000000);
        d = i % 4 == 0 ? UINT32_C(0x80000000) + (uint32_t)i % 7 : d;
        d = i % 5 == 0 ? d | 0xFFFFu : (i % 7 == 0 ? d & 0xFFFF0000u : d);
        uint64_t n = (uint64_t)tp_rng_next(&rng) << 32 | tp_rng_next(&rng);
        if (n >> 32 >= d) {
            n = (uint64_t)(d - 1 - (uint32_t)i % 3) << 32 | (uint32_t)n;
        }
        assert_int_equal(tp_divide(n, d), n / d);
    }
}

/* The root is the floor, at squares and beside them too: 2^31 m or 2^32 m for
 * an even and an odd exponent. */
static void test_root(void **state) {
    (void)state;
    uint32_t rng = tp_rng_seed(12);
    for (int i = 0; i < 400000; i++) {
        const uint32_t high = tp_rng_next(&rng) | UINT32_C(0x80000000);
        const uint32_t side = high >> 16;
        const uint32_t m = i % 3 != 0 ? high : (side * side - (uint32_t)i % 2);
        const tp_bfp a = {.m = m | UINT32_C(0x80000000), .e = i % 2};
        const tp_bfp root = tp_bfp_sqrt(a);
        const uint64_t n = (uint64_t)a.m << (i % 2 == 0 ? 32 : 31);
        const uint64_t r = root.m;
        assert_true(r * r <= n);
        assert_true(r == UINT32_MAX || (r + 1) * (r + 1) > n);
        assert_int_equal(root.e, i % 2 == 0 ? -16 : -15);
    }
}

/* Any factor, any place, any value: as the rounding of the whole product. */
static void test_scaler(void **state) {
    (void)state;
    uint32_t rng = tp_rng_seed(13);
    int near = 0;
    for (int i = 0; i < 400000; i++) {
        const int32_t m = (int32_t)(tp_rng_next(&rng) >> (1 + i % 3));
        const int n = (int)tp_rng_below(&rng, 110) - 40;
        const int32_t x = (int32_t)tp_rng_next(&rng) >> tp_rng_below(&rng, 32);
        const tp_scaler s = tp_scaler_of(m, n);
        const int32_t want = tp_shift_round((int64_t)x * m, n);
        assert_int_equal(tp_scaled(&s, x), want);
        if (tp_scaler_near(&s, tp_abs32(x))) {
            assert_int_equal(tp_scaled_near(m, s.up, s.down, x), want);
            near++;
        }
    }
    assert_true(near > 100000);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_crc32),
        cmocka_unit_test(test_sha256),
        cmocka_unit_test(test_double_rounding),
        cmocka_unit_test(test_shift_round),
        cmocka_unit_test(test_bfp),
        cmocka_unit_test(test_divide),
        cmocka_unit_test(test_root),
        cmocka_unit_test(test_scaler),
        cmocka_unit_test(test_bytes),
        cmocka_unit_test(test_random),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
