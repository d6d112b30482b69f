/* tile.h for cores with the DSP extension. tile.c says the same in C.
 *
 * By hand, because a compiler keeps neither eight sums nor the unpacking of
 * weights in registers: the loop takes 12 instructions for 16 products.
 */
#include "runtime/kernels/dsp/tile.inc"

    .syntax unified
    .thumb
    .text

/* The frame: LOOP, tp_dsp_tile without its weights, then where to enter the loop
 * and where to go when it is done. */
    .equ ACT, 4
    .equ CHANNEL, 8
    .equ Y, 12
    .equ STRIDE, 16
    .equ END, 20
    .equ ACT_END, 24
    .equ UP, 28
    .equ DOWN, 32
    .equ ENTRY, 36
    .equ FINISH, 40
    .equ FRAME, 44              /* keeps the stack at multiples of 8 */

.macro ENTER
    push {r4-r11, lr}
    sub sp, #FRAME
    ldm r0, {r1-r9}
    add r12, sp, #ACT
    stm r12, {r2-r9}
    mov r0, r1
    subs r3, r7, r2             /* bytes of activations */
.endm

.macro FUNCTION name
    .global \name
    .type \name, %function
    .thumb_func
\name:
.endm

.macro LEAVE
    add sp, #FRAME
    pop {r4-r11, pc}
.endm

/* Code addresses: r11 is where sums are finished, r10 where the loop begins. */
.macro SET_CODE each, unroll, more
    orr r11, r11, #1            /* Thumb */
    str r11, [sp, #FINISH]
    FIND_ENTRY \each, \unroll, \more
    str r10, [sp, #ENTRY]
    str r11, [sp, #LOOP]
.endm

/* --- two pixels ----------------------------------------------------------- */

/* From sums to four bytes each of two pixels, and on to the next group. */
.macro FINISH2 kind
    ldr lr, [sp, #CHANNEL]
    sub r3, r3, r1
    sub r4, r4, r2
    sub r7, r7, r5
    sub r8, r8, r6
    add lr, lr, #16
    REQUANTISE2 \kind
    ldrd r9, r10, [sp, #Y]
    str r2, [r9, r10]
    str r1, [r9], #4
    ldr r12, [sp, #END]
    strd lr, r9, [sp, #CHANNEL]
    cmp lr, r12
    bne.w group2
    LEAVE
.endm

    .section .text.tp_dsp_pairs2, "ax", %progbits
    .balign 4
    .global tp_dsp_pairs2
tp_dsp_pairs2:
    .rept UNROLL
    PAIR2 r1, r3, r5, r7
    .endr
    ldr pc, [sp, #LOOP]
    .size tp_dsp_pairs2, . - tp_dsp_pairs2

    .section .text.tp_dsp_tile2, "ax", %progbits
    FUNCTION tp_dsp_tile2_plain
    ENTER
    adr.w r11, plain2
    b 1f
    FUNCTION tp_dsp_tile2
    ENTER
    adr.w r11, any2
1:  lsrs r3, r3, #3
    subs r3, r3, #1             /* the first pair stands alone */
    LOOP2 r10
    SET_CODE 48, UNROLL, more2
group2:
    ldrd r11, lr, [sp, #ACT]
    ldm lr, {r2, r4, r6, r8}    /* what the sums start from */
    PAIR2 r2, r4, r6, r8
    ldr pc, [sp, #ENTRY]
    .balign 4
more2:
    ldr lr, [sp, #ACT_END]
    cmp r11, lr
    bne.w tp_dsp_pairs2
    ldr pc, [sp, #FINISH]
    .balign 4
plain2:
    FINISH2 plain
    .balign 4
any2:
    FINISH2 any

/* --- one pixel ------------------------------------------------------------ *
 *
 * Four sums leave room for two pairs of k at once:
 *   r1..r4  sums            r5..r8  weights      r9, r10  activations
 *   r11     activations     r12     their end    lr       channel */

.macro PRODUCTS1
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
.macro PAIRS1
    ldm r0!, {r5-r8}
    ldrd r9, r10, [r11], #8
    PRODUCTS1
.endm

.macro FINISH1 kind, group
    sub r2, r2, r1
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
    bne.w \group
    LEAVE
.endm

    .section .text.tp_dsp_tile1, "ax", %progbits
    FUNCTION tp_dsp_tile1_plain
    ENTER
    adr.w r11, plain1
    b 1f
    FUNCTION tp_dsp_tile1
    ENTER
    adr.w r11, any1
1:  lsrs r3, r3, #3             /* two pairs a turn */
    adr.w r10, pairs1
    SET_CODE 56, UNROLL / 4, pairs1
    ldr lr, [sp, #CHANNEL]
group1:
    ldm lr!, {r1-r4}
    ldr r11, [sp, #ACT]
    ldr r12, [sp, #ACT_END]
    ldr pc, [sp, #ENTRY]
    .balign 4
pairs1:
    .rept UNROLL / 4
    PAIRS1
    .endr
    cmp r11, r12
    bne.w pairs1
    ldr pc, [sp, #FINISH]
    .balign 4
plain1:
    FINISH1 plain, group1
    .balign 4
any1:
    FINISH1 any, group1

/* --- one pixel, as it is --------------------------------------------------- *
 *
 * Registers as above; four bytes of x become two words a turn. */

.macro BYTES1
    ldm r0!, {r5-r8}
    ldr r9, [r11], #4
    sxtb16 r10, r9, ror #8
    sxtb16 r9, r9
    PRODUCTS1
.endm
.macro FINISH_BYTES kind
    ldm lr!, {r5-r8}
    add r1, r5, r1, lsl #1
    add r2, r6, r2, lsl #1
    add r3, r7, r3, lsl #1
    add r4, r8, r4, lsl #1
    FINISH1 \kind, group_bytes
.endm

    .section .text.tp_dsp_bytes1, "ax", %progbits
    FUNCTION tp_dsp_bytes1_plain
    ENTER
    adr.w r11, plain_bytes
    b 1f
    FUNCTION tp_dsp_bytes1
    ENTER
    adr.w r11, any_bytes
1:  lsrs r3, r3, #2             /* four bytes a turn */
    adr.w r10, bytes1
    SET_CODE 64, UNROLL / 8, bytes1
    ldr lr, [sp, #CHANNEL]
group_bytes:
    movs r1, #0
    movs r2, #0
    movs r3, #0
    movs r4, #0
    ldr r11, [sp, #ACT]
    ldr r12, [sp, #ACT_END]
    ldr pc, [sp, #ENTRY]
    .balign 4
bytes1:
    .rept UNROLL / 8
    BYTES1
    .endr
    cmp r11, r12
    bne.w bytes1
    ldr pc, [sp, #FINISH]
    .balign 4
plain_bytes:
    FINISH_BYTES plain
    .balign 4
any_bytes:
    FINISH_BYTES any
