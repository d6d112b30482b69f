/* Signing keys on disk: whatever kills a signer, at every call of the system
 * before and after it, no leaf signs twice. The calls of signer.c come here
 * first
 * (--wrap in tests/CMakeLists.txt). */
#define _POSIX_C_SOURCE 200809L
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "fleet/pack/signer.h"
#include "tests/unit/kill.h"

enum { HEIGHT = 5, LEAVES = 32, SIGNATURE = 2352 };

static const uint8_t message[] = "what is signed";

typedef struct fixture {
    char folder[64], key[96];
    tp_signer signer;
} fixture;

static void remove_all(const fixture *f) {
    static const char *const ends[] = {"", ".pub", ".next", ".next.new"};
    for (int i = 0; i < 4; i++) {
        char name[128];
        (void)snprintf(name, sizeof name, "%s%s", f->key, ends[i]);
        (void)unlink(name);
    }
}

static int begin(void **state) {
    static fixture f;
    f = (fixture){.folder = "/tmp/tp-signer-XXXXXX"};
    kill_at = 0;
    if (mkdtemp(f.folder) == NULL) {
        return -1;
    }
    (void)snprintf(f.key, sizeof f.key, "%s/key", f.folder);
    *state = &f;
    return tp_signer_make(f.key, HEIGHT) == TP_OK &&
                   tp_signer_open(&f.signer, f.key) == TP_OK
               ? 0
               : -1;
}

static int end(void **state) {
    fixture *f = *state;
    tp_signer_close(&f->signer);
    remove_all(f);
    return rmdir(f->folder);
}

static uint32_t leaf_of(const uint8_t *signature) {
    return (uint32_t)signature[6] << 8 | signature[7];
}

static void signs_until_no_leaf_is_left(void **state) {
    fixture *f = *state;
    uint8_t signature[SIGNATURE];
    uint32_t left = 0;
    for (uint32_t i = 0; i < LEAVES; i++) {
        assert_int_equal(tp_signer_sign(&f->signer, message, sizeof message,
                                        signature, &left),
                         TP_OK);
        assert_int_equal(leaf_of(signature), i);
        assert_int_equal(left, LEAVES - 1 - i);
        assert_int_equal(tp_lms_verify(f->signer.public_key, message,
                                       sizeof message, signature,
                                       sizeof signature),
                         TP_LMS_VERIFIED);
    }
    assert_int_equal(
        tp_signer_sign(&f->signer, message, sizeof message, signature, &left),
        TP_ERR_BUDGET);
}

/* Signs in a child that is killed at its `at`th call; the leaf that has signed,
 * or -1. *killed: it did not come to its end. */
static int sign_and_die(fixture *f, int at, bool *killed) {
    int ends[2];
    int32_t leaf = -1;
    assert_int_equal(pipe(ends), 0);
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        static uint8_t signature[SIGNATURE];
        uint32_t left = 0;
        calls = 0;
        kill_at = at;
        if (tp_signer_sign(&f->signer, message, sizeof message, signature,
                           &left) == TP_OK) {
            kill_at = 0;
            leaf = (int32_t)leaf_of(signature);
            _exit(write(ends[1], &leaf, sizeof leaf) != sizeof leaf);
        }
        _exit(1);
    }
    int how = 0;
    assert_int_equal(close(ends[1]), 0);
    if (read(ends[0], &leaf, sizeof leaf) != sizeof leaf) {
        leaf = -1;
    }
    assert_int_equal(close(ends[0]), 0);
    assert_int_equal(waitpid(child, &how, 0), child);
    *killed = WIFSIGNALED(how);
    return leaf;
}

static void no_leaf_signs_twice(void **state) {
    fixture *f = *state;
    bool used[LEAVES] = {false};
    bool killed = true;
    int kills = 0;
    for (int at = 1; killed; at++) {
        const int leaf = sign_and_die(f, at, &killed);
        kills += killed;
        for (int k = 0; k < 2; k++) { /* and once more, undisturbed */
            bool again = false;
            const int next = k == 0 ? leaf : sign_and_die(f, 0, &again);
            if (next >= 0) {
                assert_in_range(next, 0, LEAVES - 1);
                assert_false(used[next]);
                used[next] = true;
            }
        }
        if (at % 8 == 0) { /* before the leaves run out */
            tp_signer_close(&f->signer);
            remove_all(f);
            memset(used, 0, sizeof used);
            assert_int_equal(tp_signer_make(f->key, HEIGHT), TP_OK);
            assert_int_equal(tp_signer_open(&f->signer, f->key), TP_OK);
        }
    }
    print_message("killed at %d places\n", kills);
    assert_in_range(kills, 15, 60);
}

static void refuses_what_is_not_its_own(void **state) {
    fixture *f = *state;
    tp_signer other;
    uint8_t signature[SIGNATURE];
    uint32_t left = 0;
    char name[128];
    assert_int_equal(tp_signer_make(f->key, HEIGHT), TP_ERR_IO); /* exists */
    assert_int_equal(tp_signer_make(f->folder, 7), TP_ERR_ARGUMENT);
    (void)snprintf(name, sizeof name, "%s.next", f->key);
    FILE *file = fopen(name, "r+b");
    assert_non_null(file);
    assert_int_equal(fputc('x', file), 'x');
    assert_int_equal(fclose(file), 0);
    assert_int_equal(
        tp_signer_sign(&f->signer, message, sizeof message, signature, &left),
        TP_ERR_CORRUPT);
    assert_int_equal(unlink(name), 0);
    assert_int_equal(
        tp_signer_sign(&f->signer, message, sizeof message, signature, &left),
        TP_ERR_IO);
    (void)snprintf(name, sizeof name, "%s.pub", f->key);
    assert_int_equal(truncate(name, 59), 0);
    assert_int_equal(tp_signer_open(&other, f->key), TP_ERR_CORRUPT);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(signs_until_no_leaf_is_left, begin,
                                        end),
        cmocka_unit_test_setup_teardown(no_leaf_signs_twice, begin, end),
        cmocka_unit_test_setup_teardown(refuses_what_is_not_its_own, begin,
                                        end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
