/* tinypeft sign, killed at every call of the system before and after it: no
 * leaf signs two deltas, and a delta is there whole or not at all. The calls
 * come here first (--wrap in tests/CMakeLists.txt). */
#define _POSIX_C_SOURCE 200809L
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli/cli.h"
#include "core/crc32.h"
#include "fleet/pack/package.h"
#include "tests/unit/kill.h"
#include "tinypeft/version.h"

enum { HEIGHT = 5, LEAVES = 32, BLOB = 400, ROOM = 4096 };

static char folder[64], key[96], package[96], delta[96];
static tp_key public_key;
static uint8_t public_bytes[TP_LMS_KEY_BYTES];

static size_t read_file(const char *path, uint8_t *bytes, size_t n) {
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        return 0;
    }
    const size_t got = fread(bytes, 1, n, file);
    (void)fclose(file);
    return got;
}

static void make_key(void) {
    char name[128];
    assert_int_equal(tp_signer_make(key, HEIGHT), TP_OK);
    (void)snprintf(name, sizeof name, "%s.pub", key);
    assert_int_equal(read_file(name, public_bytes, sizeof public_bytes),
                     sizeof public_bytes);
    public_key = (tp_key){TP_COSE_HSS_LMS, public_bytes, sizeof public_bytes};
}

static void make_package(void) {
    static uint8_t blob[BLOB];
    static uint8_t out[ROOM];
    for (int i = 0; i < BLOB; i++) {
        blob[i] = (uint8_t)(i * i);
    }
    tp_manifest m = {.format = TP_DELTA_FORMAT,
                     .payload_bytes = BLOB,
                     .seq = 1,
                     .abi = TP_ABI,
                     .adapter = 1,
                     .encoding = TP_ENCODING_BLOB,
                     .blob_bytes = BLOB,
                     .blob_crc = tp_crc32(0, blob, BLOB)};
    tp_package_hash(blob, BLOB, m.blob_sha256);
    FILE *file = fopen(package, "wb");
    assert_non_null(file);
    const size_t n = tp_package_write(&m, blob, out);
    assert_int_equal(fwrite(out, 1, n, file), n);
    assert_int_equal(fclose(file), 0);
}

/* Runs `tinypeft sign` in a child that is killed at its `at`th call. */
static bool sign_and_die(int at) {
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        tp_cli cli = {.options = tp_options_default()};
        cli.diag.arena = &cli.arena;
        cli.options.file = package;
        cli.options.key = key;
        cli.options.output = delta;
        if (freopen("/dev/null", "w", stdout) == NULL) {
            _exit(9);
        }
        calls = 0;
        kill_at = at;
        const tp_exit code = tp_command_sign.run(&cli);
        kill_at = 0;
        _exit((int)code);
    }
    int how = 0;
    assert_int_equal(waitpid(child, &how, 0), child);
    assert_true(WIFSIGNALED(how) || WEXITSTATUS(how) == 0);
    return WIFSIGNALED(how);
}

/* The leaf of the delta that is there, which is whole; -1: there is none. */
static int leaf_there(void) {
    static uint8_t bytes[ROOM];
    uint8_t blob[BLOB];
    tp_package p;
    const size_t n = read_file(delta, bytes, sizeof bytes);
    if (n == 0 && access(delta, F_OK) != 0) {
        return -1;
    }
    assert_true(tp_package_read(bytes, n, &p));
    assert_int_equal(tp_package_verify(&p, &public_key, NULL), TP_OK);
    assert_int_equal(tp_package_unpack(&p, NULL, 0, blob), TP_OK);
    return p.cose.signature[6] << 8 | p.cose.signature[7];
}

static void remove_key(void) {
    static const char *const ends[] = {"", ".pub", ".next", ".next.new"};
    for (int i = 0; i < 4; i++) {
        char name[128];
        (void)snprintf(name, sizeof name, "%s%s", key, ends[i]);
        (void)unlink(name);
    }
}

static void no_leaf_signs_twice_and_no_delta_is_cut(void **state) {
    (void)state;
    bool used[LEAVES] = {false};
    bool killed = true;
    int kills = 0;
    int whole = 0;
    for (int at = 1; killed; at++) {
        killed = sign_and_die(at);
        kills += killed;
        for (int k = 0; k < 2; k++) { /* and once more, undisturbed */
            if (k == 1) {
                assert_false(sign_and_die(0));
            }
            const int leaf = leaf_there();
            assert_true(k == 0 || leaf >= 0);
            if (leaf >= 0) {
                whole += k == 0 && killed;
                assert_in_range(leaf, 0, LEAVES - 1);
                assert_false(used[leaf]);
                used[leaf] = true;
                assert_int_equal(unlink(delta), 0);
            }
        }
        if (at % 8 == 0) { /* before the leaves run out */
            remove_key();
            memset(used, 0, sizeof used);
            make_key();
        }
    }
    print_message("killed at %d places, at %d with the delta there\n", kills,
                  whole);
    assert_in_range(kills, 25, 100);
    assert_in_range(whole, 1, kills - 15);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_leaf_signs_twice_and_no_delta_is_cut),
    };
    (void)snprintf(folder, sizeof folder, "/tmp/tp-sign-XXXXXX");
    if (mkdtemp(folder) == NULL) {
        return 1;
    }
    (void)snprintf(key, sizeof key, "%s/key", folder);
    (void)snprintf(package, sizeof package, "%s/my.pkg", folder);
    (void)snprintf(delta, sizeof delta, "%s/my.delta", folder);
    make_key();
    make_package();
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    remove_key();
    /* What a kill leaves beside the delta is a file with a name of its own. */
    char command[160];
    (void)snprintf(command, sizeof command, "rm -r %s", folder);
    return system(command) != 0 ? 1 : failed;
}
