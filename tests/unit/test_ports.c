#define _DEFAULT_SOURCE /* mkstemp(), usleep() */
/* Ports for the host: a store in a file, over processes and kills; and the
 * template, which compiles and refuses everything. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "ports/posix/flash.h"
#include "ports/template/port.h"
#include "tinypeft/store.h"

enum { SECTOR = 1024, SECTORS = 8, KEY = 7, LIVES = 40 };

static char path[64];

static int new_path(void **state) {
    (void)state;
    (void)snprintf(path, sizeof path, "/tmp/tp_ports_XXXXXX");
    const int file = mkstemp(path);
    return file < 0 || close(file) != 0 ? -1 : 0;
}

static int remove_path(void **state) {
    (void)state;
    return unlink(path);
}

static tp_flash geometry(void) {
    return (tp_flash){
        .sector_bytes = SECTOR, .n_sectors = SECTORS, .granule = 8};
}

/* One more than what the store has. */
static uint32_t count(tp_store *store) {
    tp_record record = {.kind = TP_RECORD_TRAINING, .id = KEY};
    uint32_t lives = 0;
    if (tp_store_find(store, TP_RECORD_TRAINING, KEY, 0, &record) == TP_OK &&
        tp_store_load(store, &record, &lives) != TP_OK) {
        return 0;
    }
    lives++;
    record.bytes = sizeof lives;
    return tp_store_save(store, &record, &lives) == TP_OK ? lives : 0;
}

static void file_outlives_the_store(void **state) {
    (void)state;
    for (uint32_t life = 1; life <= 5; life++) {
        tp_posix_flash posix;
        tp_flash flash = geometry();
        tp_store store;
        assert_int_equal(tp_posix_flash_open(&posix, path, life == 3, &flash),
                         TP_OK);
        assert_int_equal(tp_store_mount(&store, &flash, 1), TP_OK);
        assert_int_equal(count(&store), life);
        tp_posix_flash_close(&posix);
    }
}

static void one_program_at_a_time(void **state) {
    tp_posix_flash one, other;
    tp_flash flash = geometry();
    (void)state;
    assert_int_equal(tp_posix_flash_open(&one, path, false, &flash), TP_OK);
    errno = 0;
    assert_int_equal(tp_posix_flash_open(&other, path, false, &flash),
                     TP_ERR_IO);
    assert_int_equal(errno, EWOULDBLOCK);
    tp_posix_flash_close(&one);
    assert_int_equal(
        tp_posix_flash_open(&other, "/nowhere/flash", false, &flash),
        TP_ERR_IO);
    assert_int_equal(errno, ENOENT);
}

static void bits_only_fall(void **state) {
    tp_posix_flash posix;
    tp_flash flash = geometry();
    uint8_t have[8];
    const uint8_t one[8] = {0xF0, 0xFF, 1}, two[8] = {0x3C, 0, 3};
    (void)state;
    assert_int_equal(tp_posix_flash_open(&posix, path, false, &flash), TP_OK);
    assert_int_equal(flash.program(flash.ctx, 1032, one, 8), TP_OK);
    assert_int_equal(flash.program(flash.ctx, 1032, two, 8), TP_OK);
    assert_int_equal(flash.read(flash.ctx, 1032, have, 8), TP_OK);
    assert_int_equal(have[0], 0x30);
    assert_int_equal(have[1], 0);
    assert_int_equal(have[2], 1);
    assert_int_equal(flash.erase(flash.ctx, 1), TP_OK);
    assert_int_equal(flash.read(flash.ctx, 1032, have, 8), TP_OK);
    assert_int_equal(have[0], 0xFF);
    assert_int_equal(flash.program(flash.ctx, 1033, one, 8), TP_ERR_IO);
    assert_int_equal(flash.program(flash.ctx, 1032, one, 4), TP_ERR_IO);
    assert_int_equal(flash.read(flash.ctx, SECTOR * SECTORS, have, 8),
                     TP_ERR_IO);
    tp_posix_flash_close(&posix);
}

/* Counts up and tells each count once it is saved, until it is killed. */
static _Noreturn void child(int tell) {
    tp_posix_flash posix;
    tp_flash flash = geometry();
    tp_store store;
    if (tp_posix_flash_open(&posix, path, false, &flash) != TP_OK ||
        tp_store_mount(&store, &flash, 1) != TP_OK) {
        _exit(1);
    }
    for (;;) {
        const uint32_t lives = count(&store);
        if (lives == 0 || write(tell, &lives, sizeof lives) < 0) {
            _exit(1);
        }
    }
}

/* The last count that was told is there, or the next one. */
static void kills_lose_nothing(void **state) {
    uint32_t told = 0;
    (void)state;
    for (int life = 0; life < LIVES; life++) {
        int pipes[2];
        assert_int_equal(pipe(pipes), 0);
        const pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
            child(pipes[1]);
        }
        assert_int_equal(close(pipes[1]), 0);
        uint32_t lives = 0;
        assert_int_equal(read(pipes[0], &lives, sizeof lives),
                         (ssize_t)sizeof lives);
        assert_true(lives == told + 1 || lives == told + 2);
        (void)usleep((useconds_t)(life * 137 % 3000));
        assert_int_equal(kill(pid, SIGKILL), 0);
        int status = 0;
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFSIGNALED(status));
        do {
            told = lives;
        } while (read(pipes[0], &lives, sizeof lives) > 0);
        assert_int_equal(close(pipes[0]), 0);
    }
    print_message("%u saves, %d kills\n", (unsigned)told, LIVES);
    assert_true(told > LIVES);
}

static void template_refuses(void **state) {
    tp_store store;
    const tp_clock *clock = &tp_template_clock;
    (void)state;
    assert_int_equal(tp_store_mount(&store, &tp_template_flash, 1), TP_OK);
    tp_record record = {.kind = TP_RECORD_TRAINING, .id = KEY, .bytes = 1};
    assert_int_equal(tp_store_save(&store, &record, "x"), TP_ERR_IO);
    clock->sleep_s(clock->ctx, 1);
    assert_int_equal(clock->now_s(clock->ctx), 0);
    assert_int_not_equal(
        tp_template_crypto.verify(NULL, NULL, NULL, 0, NULL, 0), TP_VERIFIED);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(file_outlives_the_store, new_path,
                                        remove_path),
        cmocka_unit_test_setup_teardown(one_program_at_a_time, new_path,
                                        remove_path),
        cmocka_unit_test_setup_teardown(bits_only_fall, new_path, remove_path),
        cmocka_unit_test_setup_teardown(kills_lose_nothing, new_path,
                                        remove_path),
        cmocka_unit_test(template_refuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
