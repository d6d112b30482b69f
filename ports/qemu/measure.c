#include "ports/qemu/measure.h"

#include "ports/qemu/startup.h"

/* System Control Space, the same on every Cortex-M. */
#define SYST_CSR (*(volatile uint32_t *)0xE000E010u)
#define SYST_RVR (*(volatile uint32_t *)0xE000E014u)
#define SYST_CVR (*(volatile uint32_t *)0xE000E018u)

#define ENABLE 1u
#define TICKINT 2u
#define CORE_CLOCK 4u
#define PERIOD (UINT32_C(1) << 24)

/* No byte pattern: the compiler must not turn the loop into memset(), whose
 * own frame would lie in what is painted. */
#define PAINT UINT32_C(0x5AFEC0DE)

static volatile uint32_t wraps;

void tp_qemu_systick(void) {
    wraps++;
}

void tp_qemu_counter_start(void) {
    SYST_CSR = 0;
    wraps = 0;
    SYST_RVR = PERIOD - 1u;
    SYST_CVR = 0; /* any write clears it */
    SYST_CSR = ENABLE | TICKINT | CORE_CLOCK;
}

void tp_qemu_counter_stop(void) {
    SYST_CSR = 0;
}

/* The counter goes 0, 2^24 - 1, ..., 1, 0 and interrupts at 0: a period starts
 * at 0. TP_QEMU_HALF_NS is a tick in half nanoseconds. */
uint64_t tp_qemu_instructions(void) {
    uint32_t high;
    uint32_t low;
    do {
        high = wraps;
        low = (PERIOD - SYST_CVR) & (PERIOD - 1u);
    } while (high != wraps);
    return ((uint64_t)high * PERIOD + low) * TP_QEMU_HALF_NS / 2u;
}

/* One function, no calls: what lies below its own stack pointer is free. */
void tp_qemu_stack_paint(void) {
    uint32_t *sp;
    __asm__ volatile("mov %0, sp" : "=r"(sp));
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
