/* The port proves itself: memory is initialised, arguments arrive, files can
 * be written and read, instructions and stack are counted rightly.
 *
 *   hello DIR          runs every check, with a scratch file in DIR,
 *   hello DIR --wrap   and those in which the counter's 24 bits wrap: seconds
 *   hello --exit CODE  ends with this code
 *   hello --fault      faults */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "ports/qemu/measure.h"
#include "ports/qemu/semihost.h"

#define DEEP 440 /* within the limit on one frame */

static volatile uint32_t initialised[3] = {1, 0x12345678, 3};
static volatile uint32_t zeroed[300];
static bool failed;

static void expect(bool ok, const char *what) {
    if (!ok) {
        tp_qemu_print("hello: failed: ");
        tp_qemu_print(what);
        tp_qemu_print("\n");
        failed = true;
    }
}

static void check_memory(void) {
    uint32_t sum = 0;
    for (size_t i = 0; i < sizeof zeroed / sizeof zeroed[0]; i++) {
        sum |= zeroed[i];
    }
    expect(sum == 0, ".bss is zero");
    expect(initialised[0] == 1 && initialised[1] == 0x12345678 &&
               initialised[2] == 3,
           ".data is copied");
}

static void check_files(const char *dir) {
    static uint8_t out[1000];
    static uint8_t in[1200];
    static char path[256];
    const size_t n = strlen(dir);
    if (n + 11 > sizeof path) {
        expect(false, "the path is short enough");
        return;
    }
    memcpy(path, dir, n);
    memcpy(path + n, "/hello.tmp", 11);
    for (size_t i = 0; i < sizeof out; i++) {
        out[i] = (uint8_t)(i * 7u + (i >> 8));
    }
    int32_t file = tp_qemu_open(path, TP_QEMU_WRITE);
    expect(file >= 0, "open to write");
    expect(tp_qemu_write(file, out, sizeof out) == 0, "write");
    expect(tp_qemu_close(file) == 0, "close");

    file = tp_qemu_open(path, TP_QEMU_READ);
    expect(file >= 0, "open to read");
    expect(tp_qemu_length(file) == (int32_t)sizeof out, "length");
    expect(tp_qemu_read(file, in, sizeof in) == (int32_t)sizeof out &&
               memcmp(in, out, sizeof out) == 0,
           "read gives what was written");
    expect(tp_qemu_read(file, in, 10) == 0, "read at the end");
    expect(tp_qemu_seek(file, 900) == 0 && tp_qemu_read(file, in, 50) == 50 &&
               memcmp(in, out + 900, 50) == 0,
           "seek");
    expect(tp_qemu_close(file) == 0, "close after reading");
    expect(tp_qemu_read(file, in, 10) == -1, "read of a closed file");
    expect(tp_qemu_open("/no/such/file", TP_QEMU_READ) == -1, "no such file");
}

/* Exactly 2 n instructions, n > 0. */
static void spin(uint32_t n) {
#if defined(__riscv)
    __asm__ volatile("1:\n\t"
                     "addi %0, %0, -1\n\t"
                     "bnez %0, 1b"
                     : "+r"(n));
#else
    __asm__ volatile("1:\n\t"
#if defined(__ARM_ARCH_6M__)
                     ".syntax unified\n\t"
#endif
                     "subs %0, #1\n\t"
                     "bne 1b"
                     : "+l"(n)
                     :
                     : "cc");
#endif
}

static uint64_t cost(uint32_t n) {
    const uint64_t start = tp_qemu_instructions();
    spin(n);
    return tp_qemu_instructions() - start;
}

/* Differences of two loops cancel the cost of asking; what stays is the step
 * of the clock at four readings, and on the long one SysTick's handler. */
static void check_counter(void) {
    const uint64_t base = cost(1);
    expect(base < 500, "asking is cheap");
    const int64_t error = (int64_t)(cost(100001) - base) - 200000;
    expect(error >= -130 && error <= 130, "a loop of 200,000");
}

static void check_wraps(void) {
    const uint64_t all = UINT64_C(700) * 1000 * 1000; /* over 2^24 * 40 */
    const int64_t drift = (int64_t)(cost((uint32_t)(all / 2)) - all);
    expect(drift >= -130 && drift <= 1000, "a loop of 700,000,000");
}

/* Time never goes back, least of all where the 24 bits wrap: steps of some 40
 * instructions, of varying length, go across it. */
static void check_monotonic(void) {
    const uint64_t wrap = UINT64_C(40) << 24;
    const uint64_t start = tp_qemu_instructions();
    const uint64_t next = (start / wrap + 1) * wrap;
    spin((uint32_t)((next - start - 20000) / 2));
    uint64_t last = tp_qemu_instructions();
    bool ok = last < next;
    for (uint32_t i = 0; i < 2000; i++) {
        spin(1 + i % 11);
        const uint64_t now = tp_qemu_instructions();
        ok = ok && now >= last && now - last < 250;
        last = now;
    }
    expect(ok && last > next, "the counter is monotonic across a wrap");
}

__attribute__((noinline)) static uint32_t deep(void) {
    volatile uint8_t bytes[DEEP];
    for (uint32_t i = 0; i < DEEP; i++) {
        bytes[i] = (uint8_t)i;
    }
    return bytes[DEEP / 2];
}

static void check_stack(void) {
    tp_qemu_stack_paint();
    const uint32_t before = tp_qemu_stack_used();
    const uint32_t value = deep();
    const uint32_t after = tp_qemu_stack_used();
    expect(value == (DEEP / 2) % 256u, "the deep function ran");
    expect(before > 0 && before < 400, "little stack before");
    expect(after >= before + DEEP - 100 && after <= before + DEEP + 100,
           "the deep function's stack is seen");
}

int main(int argc, char **argv) {
    if (argc == 3 && strcmp(argv[1], "--exit") == 0) {
        int code = 0;
        for (const char *at = argv[2]; *at >= '0' && *at <= '9'; at++) {
            code = code * 10 + (*at - '0');
        }
        return code;
    }
    if (argc == 2 && strcmp(argv[1], "--fault") == 0) {
        __builtin_trap();
    }
    const bool wrap = argc == 3 && strcmp(argv[2], "--wrap") == 0;
    if (argc != 2 && !wrap) {
        tp_qemu_print("hello: which directory?\n");
        return 2;
    }
    check_memory();
    check_files(argv[1]);
    check_stack();
    check_counter();
    if (wrap) {
        check_wraps();
        check_monotonic();
    }
    tp_qemu_print(failed ? "hello: failed\n" : "hello: ok\n");
    return failed ? 1 : 0;
}
