/* From reset to main() and from main() to the host's exit code. */
#include "ports/qemu/startup.h"

#include <stddef.h>

#include "ports/qemu/measure.h"
#include "ports/qemu/semihost.h"

#define MAX_ARGS 16
#define MAX_LINE 512

#define CPACR (*(volatile uint32_t *)0xE000ED88u)

int main(int argc, char **argv);

_Noreturn void tp_qemu_fault(const uint32_t *frame);

/* The core has pushed r0-r3, r12, lr, pc, xpsr on the only stack there is. */
__attribute__((naked)) static void fault(void) {
    __asm__ volatile("mov r0, sp\n\tbl tp_qemu_fault");
}

/* Sixteen entries, Armv6-M and Armv7-M alike; no board interrupt is used. */
struct vectors {
    uint32_t *stack_top;
    void (*handler[15])(void);
};

__attribute__((section(".vectors"),
               used)) static const struct vectors vectors = {
    tp_qemu_stack_top,
    {tp_qemu_reset, fault, fault, fault, fault, fault, fault, fault, fault,
     fault, fault, fault, fault, fault, tp_qemu_systick},
};

_Noreturn void tp_qemu_fault(const uint32_t *frame) {
    uint32_t exception;
    __asm__ volatile("mrs %0, ipsr" : "=r"(exception));
    tp_qemu_print("fault: exception ");
    tp_qemu_print_number(exception);
    tp_qemu_print(", pc ");
    tp_qemu_print_hex(frame[6]);
    tp_qemu_print(", lr ");
    tp_qemu_print_hex(frame[5]);
    tp_qemu_print("\n");
    tp_qemu_exit(TP_QEMU_FAULT);
}

/* Splits at spaces, in place. More than MAX_ARGS - 1 words: the rest is
 * dropped. argv[argc] is NULL, as main() may expect. */
static int split(char *line, char **argv) {
    int argc = 0;
    for (char *at = line; *at != '\0' && argc < MAX_ARGS - 1;) {
        while (*at == ' ') {
            *at++ = '\0';
        }
        if (*at != '\0') {
            argv[argc++] = at;
        }
        while (*at != ' ' && *at != '\0') {
            at++;
        }
        if (*at == ' ') {
            *at++ = '\0';
        }
    }
    argv[argc] = NULL;
    return argc;
}

static void init_memory(void) {
    const uint32_t *from = tp_qemu_data_load;
    for (uint32_t *to = tp_qemu_data_start; to < tp_qemu_data_end; to++) {
        *to = *from++;
    }
    for (uint32_t *to = tp_qemu_bss_start; to < tp_qemu_free; to++) {
        *to = 0;
    }
}

_Noreturn void tp_qemu_reset(void) {
    static char line[MAX_LINE];
    static char *argv[MAX_ARGS];
#if defined(__ARM_ARCH_7EM__)
    CPACR |= UINT32_C(0xF) << 20; /* M4F: full access to the FPU, or it traps */
    __asm__ volatile("dsb\n\tisb" ::: "memory");
#endif
    init_memory();
    if (tp_qemu_command_line(line, sizeof line) < 0) {
        line[0] = '\0';
    }
    const int argc = split(line, argv);
    tp_qemu_stack_paint();
    tp_qemu_counter_start();
    tp_qemu_exit(main(argc, argv));
}
