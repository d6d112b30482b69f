/* eltwise_rows.h for cores with the DSP extension. eltwise_rows.c says the same in C.
 *
 * By hand, for no compiler uses SMMLAR, which rounds, takes the high word and
 * adds: thirteen instructions a sum, where C has thirty. */
#include "runtime/kernels/thumb.inc"

/* Two values a turn of r3 turns; an odd number enters in the middle. */
.macro TURNS one, p1, p2
    adds r3, #1
    lsrs r3, r3, #1
    bcc 2f
1:  \one \p1, \p2
2:  \one \p1, \p2
    subs r3, #1
    bne 1b
.endm

/* v = twice a value: both roundings, then a byte of y. */
.macro FINISH v, spare, m, r, e
    add \spare, \r, \v, asr #31
    smmlar \v, \v, \m, \spare
    asr \v, \v, \e
    ssat \v, #8, \v
    strb \v, [r2], #1
.endm

.macro SUM small, large
    ldrsb r12, [r0], #1
    add r12, r4, r12, lsl #21
    add lr, r6, r12, asr #31
    smmlar r12, r12, r5, lr
    ldrsb lr, [r1], #1
    asr r12, r12, r7
    \large lr, r8, lr, lsl #20
    \small r12, lr, r12, lsl #1
    FINISH r12, lr, r9, r10, r11
.endm

.macro SUMS name, small, large
    BEGIN \name
    push {r4-r11, lr}
    ldm r0, {r0-r11}
    TURNS SUM, \small, \large
    pop {r4-r11, pc}
    .size \name, . - \name
.endm

    SUMS tp_dsp_row_add, add, add
    SUMS tp_dsp_row_sub, sub, add
    SUMS tp_dsp_row_minus, add, sub

.macro PRODUCT p1, p2
    ldrsb r12, [r0], #1
    ldrsb lr, [r1], #1
    add r12, r4, r12, lsl #1
    add lr, lr, r5
    mul r12, r12, lr
    FINISH r12, lr, r6, r7, r8
.endm

    BEGIN tp_dsp_row_mul
    push {r4-r8, lr}
    ldm r0, {r0-r8}
    TURNS PRODUCT
    pop {r4-r8, pc}
    .size tp_dsp_row_mul, . - tp_dsp_row_mul
