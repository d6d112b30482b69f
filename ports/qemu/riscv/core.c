/* RISC-V, 32 bits, machine mode: reset, traps, the counter of instructions, the
 * semihosting breakpoint. */
#include "ports/qemu/measure.h"
#include "ports/qemu/semihost.h"
#include "ports/qemu/startup.h"

/* The compiler has a library for rv32imc, and none for it with the instructions
 * that read and write control registers. Only this file has those. */
__asm__(".option arch, +zicsr");

static uint64_t counter_start;

_Noreturn void tp_qemu_trap(void);

/* The machine jumps to where RAM begins: the linker puts this there. No global
 * pointer: without __global_pointer$ the linker makes no use of it. */
__attribute__((naked, section(".vectors"), used)) void tp_qemu_reset(void) {
    __asm__ volatile("la sp, tp_qemu_stack_top\n\t"
                     "la t0, tp_qemu_trap\n\t"
                     "csrw mtvec, t0\n\t"
                     "j tp_qemu_start");
}

/* An address in mtvec is a multiple of four. */
__attribute__((aligned(4))) _Noreturn void tp_qemu_trap(void) {
    uint32_t cause;
    uint32_t pc;
    uint32_t value;
    __asm__ volatile("csrr %0, mcause" : "=r"(cause));
    __asm__ volatile("csrr %0, mepc" : "=r"(pc));
    __asm__ volatile("csrr %0, mtval" : "=r"(value));
    tp_qemu_report_fault(cause, pc, value);
}

/* Three uncompressed instructions in a row are the breakpoint; aligned, so that
 * they lie in one page. */
int32_t tp_qemu_call(uint32_t operation, const void *argument) {
    register uint32_t a0 __asm__("a0") = operation;
    register const void *a1 __asm__("a1") = argument;
    __asm__ volatile(".option push\n\t"
                     ".option norvc\n\t"
                     ".balign 16\n\t"
                     "slli zero, zero, 0x1f\n\t"
                     "ebreak\n\t"
                     "srai zero, zero, 7\n\t"
                     ".option pop"
                     : "+r"(a0)
                     : "r"(a1)
                     : "memory");
    return (int32_t)a0;
}

__attribute__((naked)) uint32_t *tp_qemu_stack_pointer(void) {
    __asm__ volatile("mv a0, sp\n\tret");
}

static uint64_t retired(void) {
    uint32_t high;
    uint32_t low;
    uint32_t again;
    do {
        __asm__ volatile("csrr %0, minstreth" : "=r"(high));
        __asm__ volatile("csrr %0, minstret" : "=r"(low));
        __asm__ volatile("csrr %0, minstreth" : "=r"(again));
    } while (high != again);
    return (uint64_t)high << 32 | low;
}

void tp_qemu_counter_start(void) {
    counter_start = retired();
}

/* Nothing interrupts. */
void tp_qemu_counter_stop(void) {
}

uint64_t tp_qemu_instructions(void) {
    return retired() - counter_start;
}
