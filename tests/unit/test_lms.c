/* Published and foreign vectors -> core/lms. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/lms.h"
#include "core/rng.h"
#include "tests/vectors/lms.h"

#define MESSAGE ((const uint8_t *)"TinyPEFT")

enum { BYTES = 8 };

static void bytes_of(const char *hex, uint8_t *out) {
    for (unsigned v = 0; sscanf(hex, "%2x", &v) == 1; hex += 2) {
        *out++ = (uint8_t)v;
    }
}

/* Seed, I and T[1] of RFC 8554, appendix F, test case 2, level 0. */
static void makes_the_rfc_s_key(void **state) {
    (void)state;
    static uint8_t nodes[2047][32];
    tp_lms_secret secret = {.height = 10};
    uint8_t key[TP_LMS_KEY_BYTES];
    uint8_t root[32];
    bytes_of("d08fabd4a2091ff0a8cb4ed834e74534", secret.id);
    bytes_of("558b8966c48ae9cb898b423c83443aae"
             "014a72f1b1ab5cc85cf1d892903b5439",
             secret.seed);
    bytes_of("32a58885cd9ba0431235466bff9651c6"
             "c92124404d45fa53cf161c28f1ad5a8e",
             root);
    tp_lms_tree(&secret, nodes);
    tp_lms_public(&secret, nodes, key);
    assert_memory_equal(key + 28, root, sizeof root);
    assert_int_equal(tp_lms_height(key), 10);

    static uint8_t signature[2512];
    assert_int_equal(tp_lms_signature_bytes(10), sizeof signature);
    tp_lms_sign(&secret, nodes, 1023, MESSAGE, BYTES, signature);
    assert_int_equal(
        tp_lms_verify(key, MESSAGE, BYTES, signature, sizeof signature),
        TP_LMS_VERIFIED);
}

static void verifies_another_program_s_signature(void **state) {
    (void)state;
    assert_int_equal(tp_lms_height(lms_key), 5);
    assert_int_equal(tp_lms_verify(lms_key, MESSAGE, BYTES, lms_signature,
                                   sizeof lms_signature),
                     TP_LMS_VERIFIED);
}

static void every_leaf_signs(void **state) {
    (void)state;
    static uint8_t nodes[63][32];
    static uint8_t signature[2352];
    tp_lms_secret secret = {.height = 5, .id = {7}, .seed = {9}};
    uint8_t key[TP_LMS_KEY_BYTES];
    tp_lms_tree(&secret, nodes);
    tp_lms_public(&secret, nodes, key);
    for (uint32_t i = 0; i < 32; i++) {
        uint8_t message[100] = {(uint8_t)i};
        tp_lms_sign(&secret, nodes, i, message, i * 3, signature);
        assert_int_equal(
            tp_lms_verify(key, message, i * 3, signature, sizeof signature),
            TP_LMS_VERIFIED);
        assert_int_not_equal(
            tp_lms_verify(key, message, i * 3 + 1, signature, sizeof signature),
            TP_LMS_VERIFIED);
    }
}

/* One bit of each byte of the signature, and every bit of the key. */
static void refuses_every_change(void **state) {
    (void)state;
    static uint8_t signature[sizeof lms_signature];
    uint8_t key[sizeof lms_key];
    uint32_t rng = tp_rng_seed(5);
    for (size_t i = 0; i < sizeof signature; i++) {
        memcpy(signature, lms_signature, sizeof signature);
        signature[i] ^= (uint8_t)(1u << tp_rng_next(&rng) % 8);
        assert_int_not_equal(
            tp_lms_verify(lms_key, MESSAGE, BYTES, signature, sizeof signature),
            TP_LMS_VERIFIED);
    }
    for (size_t bit = 0; bit < 8 * sizeof key; bit++) {
        memcpy(key, lms_key, sizeof key);
        key[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_not_equal(tp_lms_verify(key, MESSAGE, BYTES, lms_signature,
                                           sizeof lms_signature),
                             TP_LMS_VERIFIED);
    }
    for (size_t n = 0; n < sizeof lms_signature; n++) {
        assert_int_not_equal(
            tp_lms_verify(lms_key, MESSAGE, BYTES, lms_signature, n),
            TP_LMS_VERIFIED);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(makes_the_rfc_s_key),
        cmocka_unit_test(verifies_another_program_s_signature),
        cmocka_unit_test(every_leaf_signs),
        cmocka_unit_test(refuses_every_change),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
