/* widen.h for cores with the DSP extension. widen.c says the same in C.
 *
 * By hand, for a compiler takes twice as many instructions: it neither rotates
 * while it extends nor stores four words at once. */
#include "runtime/kernels/thumb.inc"

/* r2 or r3 counts blocks of two; an odd number enters in the middle. */
.macro BLOCKS count, one
1:  \one
2:  \one
    subs \count, #1
    bne 1b
.endm
.macro UNSIGNED
    ldr r4, [r0], #4
    ldr r5, [r1], #4
    eor r4, r4, lr
    eor r5, r5, lr
    and r6, r12, r4, lsl #1
    and r7, r12, r5, lsl #1
    and r8, r12, r4, lsr #7
    and r9, r12, r5, lsr #7
    stm r3!, {r6-r9}
.endm

    BEGIN tp_widen2
    push {r4-r9, lr}
    mov lr, #0x80808080
    ldr r12, =0x01FE01FE
    adds r2, #1
    lsrs r2, r2, #1
    bcc 2f
    BLOCKS r2, UNSIGNED
    pop {r4-r9, pc}
    .size tp_widen2, . - tp_widen2

.macro ROW
    ldr r4, [r0]
    add r0, r2
    ldr r5, [r1]
    add r1, r2
    eor r4, r4, lr
    eor r5, r5, lr
    and r6, r12, r4, lsl #1
    and r7, r12, r5, lsl #1
    and r8, r12, r4, lsr #7
    and r9, r12, r5, lsr #7
    stm r10!, {r6-r9}
.endm

    BEGIN tp_widen2_rows
    push {r4-r10, lr}
    ldr r10, [sp, #32]          /* act */
    mov lr, #0x80808080
    ldr r12, =0x01FE01FE
    adds r3, #1
    lsrs r3, r3, #1
    bcc 2f
    BLOCKS r3, ROW
    pop {r4-r10, pc}
    .size tp_widen2_rows, . - tp_widen2_rows

.macro SIGNED
    ldr r4, [r0], #4
    ldr r5, [r1], #4
    sxtb16 r6, r4
    sxtb16 r7, r5
    sxtb16 r8, r4, ror #8
    sxtb16 r9, r5, ror #8
    stm r3!, {r6-r9}
.endm

    BEGIN tp_widen2_signed
    push {r4-r9, lr}
    adds r2, #1
    lsrs r2, r2, #1
    bcc 2f
    BLOCKS r2, SIGNED
    pop {r4-r9, pc}
    .size tp_widen2_signed, . - tp_widen2_signed

/* v, two bytes in upper halves, times the scales q. */
.macro SCALE v, q, spare
    smlabb \spare, \v, \q, lr
    smlatt \v, \v, \q, lr
    pkhtb \v, \v, \spare, asr #16
.endm
.macro SCALED
    ldr r4, [r0], #4
    ldr r5, [r1], #4
    ldrd r6, r7, [r2], #8
    and r8, r12, r4, lsl #8
    SCALE r8, r6, r10
    and r9, r12, r5, lsl #8
    SCALE r9, r6, r10
    and r4, r12, r4
    SCALE r4, r7, r10
    and r5, r12, r5
    SCALE r5, r7, r10
    strd r8, r9, [r11], #8
    strd r4, r5, [r11], #8
.endm

    BEGIN tp_widen2_scaled
    push {r4-r11, lr}
    ldr r11, [sp, #36]          /* act */
    mov r12, #0xFF00FF00
    mov lr, #0x8000
    adds r3, #1
    lsrs r3, r3, #1
    bcc 2f
    BLOCKS r3, SCALED
    pop {r4-r11, pc}
    .size tp_widen2_scaled, . - tp_widen2_scaled
