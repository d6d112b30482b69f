/* What it takes to verify a signature on this core: instructions and stack. */
#include "core/lms.h"
#include "ports/qemu/measure.h"
#include "ports/qemu/semihost.h"
#include "tests/vectors/lms.h"

#define MOST_INSTRUCTIONS 7000000u /* of the slowest, rv32; M4: 2,908,080 */
#define MOST_STACK 1024u

static void print_number(const char *what, uint32_t value) {
    char text[12];
    char *p = text + sizeof text - 1;
    *p = '\0';
    do {
        *--p = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    tp_qemu_print(what);
    tp_qemu_print(p);
    tp_qemu_print("\n");
}

int main(void) {
    tp_qemu_stack_paint();
    const uint64_t before = tp_qemu_instructions();
    const uint32_t verified =
        tp_lms_verify(lms_key, (const uint8_t *)"TinyPEFT", 8, lms_signature,
                      sizeof lms_signature);
    const uint32_t n = (uint32_t)(tp_qemu_instructions() - before);
    const uint32_t stack = tp_qemu_stack_used();
    print_number("lms: instructions ", n);
    print_number("lms: stack ", stack);
    return verified != TP_LMS_VERIFIED || n > MOST_INSTRUCTIONS ||
           stack > MOST_STACK;
}
