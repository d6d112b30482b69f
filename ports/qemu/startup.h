/* What the linker script, the start-up code and the counter share. */
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

/* Entry points that the vector table names. */
_Noreturn void tp_qemu_reset(void);
void tp_qemu_systick(void);

#endif
