#include "ports/qemu/semihost.h"

#include <string.h>

#include "ports/qemu/startup.h"

enum operation {
    SYS_OPEN = 0x01,
    SYS_CLOSE = 0x02,
    SYS_WRITE = 0x05,
    SYS_READ = 0x06,
    SYS_SEEK = 0x0a,
    SYS_FLEN = 0x0c,
    SYS_GET_CMDLINE = 0x15,
    SYS_EXIT_EXTENDED = 0x20
};

#define APPLICATION_EXIT 0x20026u

static int32_t call(enum operation operation, const void *argument) {
    return tp_qemu_call((uint32_t)operation, argument);
}

int32_t tp_qemu_open(const char *path, enum tp_qemu_mode mode) {
    const uint32_t block[] = {(uint32_t)path, (uint32_t)mode,
                              (uint32_t)strlen(path)};
    return call(SYS_OPEN, block);
}

int32_t tp_qemu_close(int32_t file) {
    const uint32_t block[] = {(uint32_t)file};
    return call(SYS_CLOSE, block);
}

/* The host says how many bytes it did NOT transfer; n and above: an error.
 * At the end of a file that is all n as well, so the two look alike: only a
 * length that is not negative after a failed read tells a file that ended. */
int32_t tp_qemu_read(int32_t file, void *bytes, uint32_t n) {
    const uint32_t block[] = {(uint32_t)file, (uint32_t)bytes, n};
    const int32_t left = call(SYS_READ, block);
    if (left >= 0 && (uint32_t)left < n) {
        return (int32_t)(n - (uint32_t)left);
    }
    return (uint32_t)left == n && tp_qemu_length(file) >= 0 ? 0 : -1;
}

int32_t tp_qemu_write(int32_t file, const void *bytes, uint32_t n) {
    const uint32_t block[] = {(uint32_t)file, (uint32_t)bytes, n};
    return call(SYS_WRITE, block) == 0 ? 0 : -1;
}

int32_t tp_qemu_seek(int32_t file, uint32_t offset) {
    const uint32_t block[] = {(uint32_t)file, offset};
    return call(SYS_SEEK, block) < 0 ? -1 : 0;
}

int32_t tp_qemu_length(int32_t file) {
    const uint32_t block[] = {(uint32_t)file};
    return call(SYS_FLEN, block);
}

int32_t tp_qemu_command_line(char *line, uint32_t n) {
    uint32_t block[] = {(uint32_t)line, n};
    return call(SYS_GET_CMDLINE, block) == 0 ? (int32_t)block[1] : -1;
}

/* The host's standard output has the name ":tt"; SYS_WRITE0 would go to its
 * standard error. Opened once, never closed. */
void tp_qemu_print(const char *text) {
    static int32_t console = -1;
    if (console < 0) {
        console = tp_qemu_open(":tt", TP_QEMU_WRITE);
    }
    (void)tp_qemu_write(console, text, (uint32_t)strlen(text));
}

void tp_qemu_print_number(uint64_t value) {
    char text[21]; /* 2^64 has 20 digits */
    int at = (int)sizeof text - 1;
    text[at] = '\0';
    do {
        text[--at] = (char)('0' + (int)(value % 10u));
        value /= 10u;
    } while (value != 0);
    tp_qemu_print(&text[at]);
}

void tp_qemu_print_hex(uint32_t value) {
    static const char digit[] = "0123456789abcdef";
    char text[] = "0x00000000";
    for (int at = 9; at > 1; at--) {
        text[at] = digit[value & 15u];
        value >>= 4;
    }
    tp_qemu_print(text);
}

_Noreturn void tp_qemu_exit(int code) {
    const uint32_t block[] = {APPLICATION_EXIT, (uint32_t)code};
    for (;;) {
        (void)call(SYS_EXIT_EXTENDED, block);
    }
}
