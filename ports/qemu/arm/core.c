/* Cortex-M: vectors, reset, faults, SysTick, the semihosting breakpoint. */
#include "ports/qemu/measure.h"
#include "ports/qemu/semihost.h"
#include "ports/qemu/startup.h"

/* System Control Space, the same on every Cortex-M. */
#define SYST_CSR (*(volatile uint32_t *)0xE000E010u)
#define SYST_RVR (*(volatile uint32_t *)0xE000E014u)
#define SYST_CVR (*(volatile uint32_t *)0xE000E018u)
#define CPACR (*(volatile uint32_t *)0xE000ED88u)

#define ENABLE 1u
#define TICKINT 2u
#define CORE_CLOCK 4u
#define PERIOD (UINT32_C(1) << 24)

static volatile uint32_t wraps;

_Noreturn void tp_qemu_fault(const uint32_t *frame);
void tp_qemu_systick(void);

/* The core has pushed r0-r3, r12, lr, pc, xpsr on the only stack there is. */
__attribute__((naked)) static void fault(void) {
    __asm__ volatile("mov r0, sp\n\tbl tp_qemu_fault");
}

/* Sixteen entries, the same on every Cortex-M; no board interrupt is used. */
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
    tp_qemu_report_fault(exception, frame[6], frame[5]);
}

_Noreturn void tp_qemu_reset(void) {
#if !defined(__ARM_ARCH_6M__)
    /* Where there is an FPU or MVE: full access, or it traps. */
    CPACR |= UINT32_C(0xF) << 20;
    __asm__ volatile("dsb\n\tisb" ::: "memory");
#endif
    tp_qemu_start();
}

/* "memory": the host reads and writes what the argument block points at. */
int32_t tp_qemu_call(uint32_t operation, const void *argument) {
    register uint32_t r0 __asm__("r0") = operation;
    register const void *r1 __asm__("r1") = argument;
    __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
    return (int32_t)r0;
}

__attribute__((naked)) uint32_t *tp_qemu_stack_pointer(void) {
    __asm__ volatile("mov r0, sp\n\tbx lr");
}

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
 * at 0. TP_QEMU_QUARTER_NS is a tick in quarters of a nanosecond. */
uint64_t tp_qemu_instructions(void) {
    uint32_t high;
    uint32_t low;
    do {
        high = wraps;
        low = (PERIOD - SYST_CVR) & (PERIOD - 1u);
    } while (high != wraps);
    return ((uint64_t)high * PERIOD + low) * TP_QEMU_QUARTER_NS / 4u;
}
