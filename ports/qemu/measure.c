#include "ports/qemu/measure.h"

#include "ports/qemu/startup.h"

/* No byte pattern: the compiler must not turn the loop into memset(), whose
 * own frame would lie in what is painted. */
#define PAINT UINT32_C(0x5AFEC0DE)

/* Below its own stack pointer all is free: nothing is called while it paints.
 */
void tp_qemu_stack_paint(void) {
    const uint32_t *sp = tp_qemu_stack_pointer();
    for (volatile uint32_t *at = tp_qemu_free; at < sp; at++) {
        *at = PAINT;
    }
}

uint32_t tp_qemu_stack_used(void) {
    const uint32_t *at = tp_qemu_free;
    while (at < tp_qemu_stack_top && *at == PAINT) {
        at++;
    }
    return (uint32_t)((const uint8_t *)tp_qemu_stack_top - (const uint8_t *)at);
}
