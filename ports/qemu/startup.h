/* What the linker script, the start-up code of a core and the rest share. */
#ifndef TP_PORTS_QEMU_STARTUP_H
#define TP_PORTS_QEMU_STARTUP_H

#include <stdint.h>

/* Addresses from sections.ld. */
extern const uint32_t tp_qemu_data_load[];
extern uint32_t tp_qemu_data_start[];
extern uint32_t tp_qemu_data_end[];
extern uint32_t tp_qemu_bss_start[];
extern uint32_t tp_qemu_free[]; /* end of .bss: from here up to the stack */
extern uint32_t tp_qemu_stack_top[];

/* Exit code of a program that faulted. */
#define TP_QEMU_FAULT 99

/* Of each core: its entry point, a semihosting call, the stack pointer. */
_Noreturn void tp_qemu_reset(void);
int32_t tp_qemu_call(uint32_t operation, const void *argument);
uint32_t *tp_qemu_stack_pointer(void);

/* Called by the core: when it can run C, and when it cannot go on. */
_Noreturn void tp_qemu_start(void);
_Noreturn void tp_qemu_report_fault(uint32_t cause, uint32_t pc,
                                    uint32_t detail);

#endif
