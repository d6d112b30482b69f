/* Semihosting: files, arguments and the exit code of the host, for programs
 * that run under QEMU. Every call stops the core at a breakpoint instruction
 * that the emulator serves; on real hardware without a debugger it faults.
 *
 * Source: Arm, Semihosting for AArch32 and AArch64, release 2.0. */
#ifndef TP_PORTS_QEMU_SEMIHOST_H
#define TP_PORTS_QEMU_SEMIHOST_H

#include <stdint.h>

enum tp_qemu_mode {
    TP_QEMU_READ = 1,   /* "rb" */
    TP_QEMU_UPDATE = 3, /* "r+b": there must be one, its bytes stay */
    TP_QEMU_WRITE = 5,  /* "wb" */
    TP_QEMU_CREATE = 7  /* "w+b" */
};

/* A file's handle, or -1. Relative paths start where QEMU was started. */
int32_t tp_qemu_open(const char *path, enum tp_qemu_mode mode);

/* 0, or -1. */
int32_t tp_qemu_close(int32_t file);

/* Bytes read, less than n only at the end of the file; -1 on an error. */
int32_t tp_qemu_read(int32_t file, void *bytes, uint32_t n);

/* 0 where all n bytes are written, else -1. */
int32_t tp_qemu_write(int32_t file, const void *bytes, uint32_t n);

/* Moves to an offset from the start: 0, or -1. */
int32_t tp_qemu_seek(int32_t file, uint32_t offset);

/* Length of the file in bytes, or -1. */
int32_t tp_qemu_length(int32_t file);

/* The command line, NUL-terminated, into line[n]: its length, or -1. */
int32_t tp_qemu_command_line(char *line, uint32_t n);

/* Text, a decimal and a hexadecimal number to the host's standard output. */
void tp_qemu_print(const char *text);
void tp_qemu_print_number(uint64_t value);
void tp_qemu_print_hex(uint32_t value);

/* Ends QEMU with this exit code. */
_Noreturn void tp_qemu_exit(int code);

#endif
