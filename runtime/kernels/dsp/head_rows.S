/* head_rows.h for cores with the DSP extension. head_rows.c says the same in C.
 *
 * By hand, for a compiler neither rotates while it extends nor keeps the flags
 * of SEL from one instruction to the next. Each loop takes blocks of four two
 * at a time; an odd number of them begins with one. */
#include "runtime/kernels/thumb.inc"

/* --- features, widened ---------------------------------------------------- */

    BEGIN tp_dsp_rows_widen
    push {r4-r7, lr}
    subs r12, r1, r0
    tst r12, #4
    beq 1f
    ldr r12, [r0], #4
    sxtab16 r4, r2, r12
    sxtab16 r5, r2, r12, ror #8
    strd r4, r5, [r3], #8
    cmp r0, r1
    beq 2f
1:  ldr r12, [r0], #4
    ldr lr, [r0], #4
    sxtab16 r4, r2, r12
    sxtab16 r5, r2, r12, ror #8
    sxtab16 r6, r2, lr
    sxtab16 r7, r2, lr, ror #8
    stm r3!, {r4-r7}
    cmp r0, r1
    bne 1b
2:  pop {r4-r7, pc}
    .size tp_dsp_rows_widen, . - tp_dsp_rows_widen

    BEGIN tp_dsp_rows_look
    push {r4-r9, lr}
    mov r12, #0                 /* sum of squares */
    mov lr, #0                  /* OR */
    subs r8, r1, r0
    tst r8, #4
    beq 1f
    ldr r8, [r0], #4
    eor r8, r8, #0x80808080
    orr lr, lr, r8
    uxtb16 r4, r8
    uxtb16 r5, r8, ror #8
    smlad r12, r4, r4, r12
    smlad r12, r5, r5, r12
    strd r4, r5, [r2], #8
    cmp r0, r1
    beq 2f
1:  ldr r8, [r0], #4
    ldr r9, [r0], #4
    eor r8, r8, #0x80808080
    eor r9, r9, #0x80808080
    orr lr, lr, r8
    orr lr, lr, r9
    uxtb16 r4, r8
    uxtb16 r5, r8, ror #8
    uxtb16 r6, r9
    uxtb16 r7, r9, ror #8
    smlad r12, r4, r4, r12
    smlad r12, r5, r5, r12
    smlad r12, r6, r6, r12
    smlad r12, r7, r7, r12
    stm r2!, {r4-r7}
    cmp r0, r1
    bne 1b
2:  strd r12, lr, [r3]
    pop {r4-r9, pc}
    .size tp_dsp_rows_look, . - tp_dsp_rows_look

/* --- two sums ------------------------------------------------------------- *
 *
 *   r0 act  r1 end  r2, r3 rows  r4-r7 features  r8-r11 weights  r12, lr sums */

.macro FOUR w, x0, x1, sum, spare
    sxtb16 \spare, \w
    sxtb16 \w, \w, ror #8
    smlad \sum, \spare, \x0, \sum
    smlad \sum, \w, \x1, \sum
.endm

.macro TWO
    ldm r0!, {r4-r7}
    ldrd r8, r9, [r2], #8
    FOUR r8, r4, r5, r12, r10
    FOUR r9, r6, r7, r12, r11
    ldrd r8, r9, [r3], #8
    FOUR r8, r4, r5, lr, r10
    FOUR r9, r6, r7, lr, r11
.endm

    BEGIN tp_dsp_rows_dot
    push {r4-r11, lr}
    mov r12, #0
    mov lr, #0
    subs r4, r1, r0
    tst r4, #8
    beq 1f
    ldrd r4, r5, [r0], #8
    ldr r8, [r2], #4
    FOUR r8, r4, r5, r12, r10
    ldr r8, [r3], #4
    FOUR r8, r4, r5, lr, r10
    cmp r0, r1
    beq 2f
1:  subs r4, r1, r0
    tst r4, #16
    beq 3f
    TWO
    cmp r0, r1
    beq 2f
3:  TWO
    TWO
    cmp r0, r1
    bne 3b
2:  mov r0, r12
    mov r1, lr
    pop {r4-r11, pc}
    .size tp_dsp_rows_dot, . - tp_dsp_rows_dot

/* --- a step --------------------------------------------------------------- *
 *
 * A half of a word never leaves 16 bits, so one multiplication and subtraction
 * of whole words moves both. The upper bytes are the weights, but for their
 * highest bits: REV16 brings those of the even ones down, and SEL takes the
 * others from beside them.
 *
 *   r0 act  r1 row  r2 w  r3 blocks  r12 masters  r4-r7 features
 *   r8-r11 masters */

.macro WEIGHTS even, odd
    rev16 \even, \even
    sel \even, \odd, \even
    eor \even, \even, #0x80808080
.endm
.macro EIGHT
    ldm r0!, {r4-r7}
    ldm r12, {r8-r11}
    mls r8, r4, r1, r8
    mls r9, r5, r1, r9
    mls r10, r6, r1, r10
    mls r11, r7, r1, r11
    stm r12!, {r8-r11}
    WEIGHTS r8, r9
    WEIGHTS r10, r11
    strd r8, r10, [r2], #8
.endm

    BEGIN tp_dsp_rows_move
    push {r4-r11, lr}
    mov r4, #0xA0000            /* GE: bytes 1 and 3 */
    msr APSR_g, r4
    ldr r12, [sp, #36]          /* masters */
    tst r3, #1                  /* an odd block of four */
    beq 1f
    ldrd r4, r5, [r0], #8
    ldrd r8, r9, [r12]
    mls r8, r4, r1, r8
    mls r9, r5, r1, r9
    strd r8, r9, [r12], #8
    WEIGHTS r8, r9
    str r8, [r2], #4
1:  tst r3, #2                  /* two */
    beq 2f
    EIGHT
2:  tst r3, #4                  /* four */
    beq 3f
    EIGHT
    EIGHT
3:  lsrs r3, r3, #3
    beq 5f
4:  EIGHT
    EIGHT
    EIGHT
    EIGHT
    subs r3, r3, #1
    bne 4b
5:  pop {r4-r11, pc}
    .size tp_dsp_rows_move, . - tp_dsp_rows_move
