#include "ports/qemu/report.h"

#include "ports/qemu/semihost.h"

void tp_qemu_report(const char *word, const uint32_t *numbers, int n) {
    tp_qemu_print(word);
    for (int i = 0; i < n; i++) {
        tp_qemu_print(" ");
        tp_qemu_print_number(numbers[i]);
    }
    tp_qemu_print("\n");
}

_Noreturn void tp_qemu_fail(const char *why) {
    tp_qemu_print("error ");
    tp_qemu_print(why);
    tp_qemu_print("\n");
    tp_qemu_exit(1);
}
