/* tile.h for cores with the DSP extension. tile.c says the same in C.
 *
 * By hand, because a compiler keeps neither eight sums nor the unpacking of
 * weights in registers: the loop takes 12 instructions for 16 products.
 */
#include "runtime/kernels/dsp/tile.inc"

    .syntax unified
    .thumb
    .text

/* The frame: tp_dsp_tile without its weights, then where to enter the loop. */
    .equ CHANNEL, 0
    .equ END, 4
    .equ ACT, 8
    .equ ACT_END, 12
    .equ Y, 16
    .equ STRIDE, 20
    .equ UP, 24
    .equ DOWN, 28
    .equ ENTRY, 32
    .equ FRAME, 36

.macro ENTER
    push {r4-r11, lr}
    sub sp, #FRAME
    ldm r0, {r1-r9}
    stm sp, {r2-r9}
    mov r0, r1
    subs r3, r5, r4             /* bytes of activations */
.endm

.macro LEAVE
    add sp, #FRAME
    pop {r4-r11, pc}
.endm

/* --- two pixels ----------------------------------------------------------- */

.macro TILE2 name, kind
    .global \name
    .type \name, %function
    .thumb_func
\name:
    ENTER
    lsrs r3, r3, #3
    subs r3, r3, #1             /* the first pair stands alone */
    FIND_ENTRY 2f, 48, UNROLL, 3f, ENTRY
1:  ldr r11, [sp, #ACT]
    ldr lr, [sp, #CHANNEL]
    ldm lr, {r2, r4, r6, r8}    /* what the sums start from */
    PAIR2 r2, r4, r6, r8
    ldr pc, [sp, #ENTRY]
    .balign 4
2:  .rept UNROLL
    PAIR2 r1, r3, r5, r7
    .endr
    ldr lr, [sp, #ACT_END]
    cmp r11, lr
    bne.w 2b
    .balign 4
3:  ldr lr, [sp, #CHANNEL]
    sub r3, r3, r1
    sub r4, r4, r2
    sub r7, r7, r5
    sub r8, r8, r6
    add lr, lr, #16
    REQUANTISE2 \kind
    ldrd r9, r10, [sp, #Y]
    str r2, [r9, r10]
    str r1, [r9], #4
    str r9, [sp, #Y]
    ldr r12, [sp, #END]
    str lr, [sp, #CHANNEL]
    cmp lr, r12
    bne.w 1b
    LEAVE
    .size \name, . - \name
.endm

/* --- one pixel ------------------------------------------------------------ *
 *
 * Four sums leave room for two pairs of k at once:
 *   r1..r4  sums            r5..r8  weights      r9, r10  activations
 *   r11     activations     r12     their end    lr       channel */

.macro PAIRS1
    ldm r0!, {r5-r8}
    ldrd r9, r10, [r11], #8
    smlad r2, r9, r5, r2
    smlad r4, r9, r6, r4
    sxtb16 r5, r5
    sxtb16 r6, r6
    smlad r1, r9, r5, r1
    smlad r3, r9, r6, r3
    smlad r2, r10, r7, r2
    smlad r4, r10, r8, r4
    sxtb16 r7, r7
    sxtb16 r8, r8
    smlad r1, r10, r7, r1
    smlad r3, r10, r8, r3
.endm

.macro TILE1 name, kind
    .global \name
    .type \name, %function
    .thumb_func
\name:
    ENTER
    lsrs r3, r3, #3             /* two pairs a turn */
    FIND_ENTRY 2f, 56, UNROLL / 2, 3f, ENTRY
    ldr lr, [sp, #CHANNEL]
1:  ldm lr!, {r1-r4}
    ldr r11, [sp, #ACT]
    ldr r12, [sp, #ACT_END]
    ldr pc, [sp, #ENTRY]
    .balign 4
2:  .rept UNROLL / 2
    PAIRS1
    .endr
    cmp r11, r12
    bne.w 2b
    .balign 4
3:  sub r2, r2, r1
    sub r4, r4, r3
    ldm lr!, {r9, r10, r11}
    EVEN_\kind r1
    ldm lr!, {r9, r10, r11}
    ODD_\kind r2
    ldm lr!, {r9, r10, r11}
    EVEN_\kind r3
    ldm lr!, {r9, r10, r11}
    ODD_\kind r4
    bfi r1, r2, #8, #8
    bfi r1, r3, #16, #8
    bfi r1, r4, #24, #8
    CLAMP_\kind r1
    ldr r9, [sp, #Y]
    ldr r12, [sp, #END]
    str r1, [r9], #4
    str r9, [sp, #Y]
    cmp lr, r12
    bne.w 1b
    LEAVE
    .size \name, . - \name
.endm

    .section .text.tp_dsp_tile2_plain, "ax", %progbits
    TILE2 tp_dsp_tile2_plain, plain
    .section .text.tp_dsp_tile2, "ax", %progbits
    TILE2 tp_dsp_tile2, any
    .section .text.tp_dsp_tile1_plain, "ax", %progbits
    TILE1 tp_dsp_tile1_plain, plain
    .section .text.tp_dsp_tile1, "ax", %progbits
    TILE1 tp_dsp_tile1, any
