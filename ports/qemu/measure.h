/* What a program costs under QEMU: instructions and stack.
 *
 * Instructions are exact only with `-icount shift=0`, which scripts/qemu-run
 * gives: one instruction is one nanosecond of the emulated clock. On Cortex-M
 * they come from SysTick, so in steps of 31.25 (mps3-an547) to 62.5 (microbit).
 * They are instructions, not the cycles of any real core. */
#ifndef TP_PORTS_QEMU_MEASURE_H
#define TP_PORTS_QEMU_MEASURE_H

#include <stdint.h>

/* Starts the counter at 0. The start-up code has done so before main(). */
void tp_qemu_counter_start(void);

/* Stops it: no interrupt comes between what something else counts. */
void tp_qemu_counter_stop(void);

/* Instructions since the start; right up to 2^56. On Cortex-M interrupts must
 * be enabled: SysTick's own counts the wraps of its 24 bits, at some 20
 * instructions every 671 million (2^24 ticks of 40). */
uint64_t tp_qemu_instructions(void);

/* Fills the stack below the caller with a pattern. Done before main() too. */
void tp_qemu_stack_paint(void);

/* Bytes from the top of the stack to the deepest word that was overwritten
 * since it was last painted. */
uint32_t tp_qemu_stack_used(void);

#endif
