/* From reset to main() and from main() to the host's exit code. */
#include "ports/qemu/startup.h"

#include <stddef.h>

#include "ports/qemu/measure.h"
#include "ports/qemu/semihost.h"

#define MAX_ARGS 16
#define MAX_LINE 1024

int main(int argc, char **argv);

_Noreturn void tp_qemu_report_fault(uint32_t cause, uint32_t pc,
                                    uint32_t detail) {
    tp_qemu_print("fault: exception ");
    tp_qemu_print_number(cause);
    tp_qemu_print(", pc ");
    tp_qemu_print_hex(pc);
    tp_qemu_print(", lr or value ");
    tp_qemu_print_hex(detail);
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

_Noreturn void tp_qemu_start(void) {
    static char line[MAX_LINE];
    static char *argv[MAX_ARGS];
    init_memory();
    if (tp_qemu_command_line(line, sizeof line) < 0) {
        line[0] = '\0';
    }
    const int argc = split(line, argv);
    tp_qemu_stack_paint();
    tp_qemu_counter_start();
    tp_qemu_exit(main(argc, argv));
}
