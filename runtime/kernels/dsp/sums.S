/* sums.h for cores with the DSP extension. sums.c says the same in C.
 *
 * One loop for all: what becomes of its sums is jumped to. */
    .equ UNROLL, 32
#include "runtime/kernels/dsp/tile.inc"

    .syntax unified
    .thumb

/* The frame: tp_dsp_sums without its weights; then where to enter the loop and
 * where to go behind it, the weights while other things need r0, the struct. */
    .equ ACT, 0
    .equ ACT_END, 4
    .equ Y, 8
    .equ Y_END, 12
    .equ STRIDE, 16
    .equ BRANCH, 20
    .equ CHANNEL, 24
    .equ UP, 28
    .equ EVEN, 36
    .equ T, 44
    .equ PEAK, 48
    .equ U, 52
    .equ U_NEXT, 16             /* of the second pixel */
    .equ ENTRY, 84
    .equ FINISH, 88
    .equ WEIGHTS, 92
    .equ SELF, 96
    .equ FRAME, 100

    .section .text.tp_dsp_sums, "ax", %progbits

/* --- all groups ----------------------------------------------------------- */

.macro ENTRANCE name, finish
    .global \name
    .type \name, %function
    .thumb_func
\name:
    adr.w r12, \finish
    b.w all
    .size \name, . - \name
.endm

    .type all, %function
    .thumb_func
all:
    push {r4-r11, lr}
    sub sp, #FRAME
    str r0, [sp, #SELF]
    adds r12, #1                /* Thumb */
    str r12, [sp, #FINISH]
    mov r12, sp
    ldm r0!, {r1-r11}
    str r1, [sp, #WEIGHTS]
    stm r12!, {r2-r11}
    ldm r0, {r1-r11}
    stm r12, {r1-r11}
    ldr r0, [sp, #WEIGHTS]
    ldrd r2, r3, [sp, #ACT]
    subs r3, r3, r2             /* bytes of activations */
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
3:  sub r3, r3, r1
    sub r4, r4, r2
    sub r7, r7, r5
    sub r8, r8, r6
    ldr pc, [sp, #FINISH]

store:                          /* four bytes of both pixels */
    ldrd r9, r10, [sp, #Y]
    ldr r11, [sp, #STRIDE]
    str r2, [r9, r11]
    str r1, [r9], #4
next:
    str r9, [sp, #Y]
    cmp r9, r10
    bne.w 1b
    ldr r0, [sp, #SELF]
    ldr r1, [sp, #PEAK]
    str r1, [r0, #(PEAK + 4)]
    add sp, #FRAME
    pop {r4-r11, pc}
    .size all, . - all

/* --- scaled --------------------------------------------------------------- */

.macro SCALE
    ldrd r9, r10, [sp, #EVEN]
    .irp a, r1, r2, r5, r6
    smmulr \a, \a, r9
    .endr
    .irp a, r3, r4, r7, r8
    smmulr \a, \a, r10
    .endr
.endm

    ENTRANCE tp_dsp_sums_u, finish_u
    .balign 4
finish_u:
    SCALE
    ldr lr, [sp, #CHANNEL]
    adds lr, #16
    str lr, [sp, #CHANNEL]
    pkhbt r1, r1, r3, lsl #16
    pkhbt r2, r2, r4, lsl #16
    pkhbt r5, r5, r7, lsl #16
    pkhbt r6, r6, r8, lsl #16
    ldrd r9, r10, [sp, #Y]
    ldr r11, [sp, #STRIDE]
    add r11, r11, r9
    strd r2, r6, [r11]
    strd r1, r5, [r9], #8
    b.w next

    ENTRANCE tp_dsp_sums_back, finish_back
    .balign 4
finish_back:
    SCALE
put:                            /* within [-127, 127], and the peak */
    ldr r12, [sp, #PEAK]
    .irp a, r1, r2, r3, r4, r5, r6, r7, r8
    eor lr, \a, \a, asr #31
    ssat \a, #8, \a
    orr r12, r12, lr
    .endr
    str r12, [sp, #PEAK]
    PACK2
    mov r12, #0x01010101
    qsub8 r1, r1, r12
    qsub8 r2, r2, r12
    sadd8 r1, r1, r12
    sadd8 r2, r2, r12
    b.w store

/* --- with a branch -------------------------------------------------------- *
 *
 * The sums of a branch take four ranks at once; with more, r11 has them. */

/* One pixel's sum, of a channel whose weights lr points to. */
.macro DOT quads, u
    .set q, 0
    .rept \quads
    ldrd r9, r10, [lr, #(8 * q)]
    ldrd r12, r0, [sp, #(\u + 8 * q)]
    .if q == 0
    smuad r11, r12, r9
    .else
    smlad r11, r12, r9, r11
    .endif
    smlad r11, r0, r10, r11
    .set q, q + 1
    .endr
.endm

.macro BRANCH_DOT quads, u, v
    DOT \quads, \u
    ldr r12, [sp, #T]
    smmlar \v, r11, r12, \v
.endm
/* The same of one quad at r9, r10; t in r0. */
.macro BRANCH_QUAD u, v
    ldrd r11, r12, [sp, #(\u)]
    smuad r11, r11, r9
    smlad r11, r12, r10, r11
    smmlar \v, r11, r0, \v
.endm
.macro BRANCH_ADD quads, v0, v1
    .if \quads == 1
    ldrd r9, r10, [lr], #8
    BRANCH_QUAD U, \v0
    BRANCH_QUAD U + U_NEXT, \v1
    .else
    BRANCH_DOT \quads, U, \v0
    BRANCH_DOT \quads, U + U_NEXT, \v1
    add lr, lr, #(8 * \quads)
    .endif
.endm

.macro FINISH_BRANCH quads
    SCALE
    str r0, [sp, #WEIGHTS]
    ldr lr, [sp, #BRANCH]
    ldr r0, [sp, #T]
    BRANCH_ADD \quads, r1, r2
    BRANCH_ADD \quads, r3, r4
    BRANCH_ADD \quads, r5, r6
    BRANCH_ADD \quads, r7, r8
    str lr, [sp, #BRANCH]
    ldr r0, [sp, #WEIGHTS]
    b.w put
.endm

    ENTRANCE tp_dsp_sums_branch1, finish_branch1
    .balign 4
finish_branch1:
    FINISH_BRANCH 1
    ENTRANCE tp_dsp_sums_branch2, finish_branch2
    .balign 4
finish_branch2:
    FINISH_BRANCH 2

/* R(T m / 2^32) onto a sum: of an even channel 2 A, of an odd one 512 A. */
.macro ADD_even sum, v
    qdadd \sum, \sum, \v
.endm
.macro ADD_odd sum, v
    ssat \v, #22, \v
    add \sum, \sum, \v, lsl #9
.endm
.macro LORA_DOT parity, quads, u, sum
    DOT \quads, \u
    ldr r12, [lr, #(8 * \quads)]
    smmulr r11, r11, r12
    ADD_\parity \sum, r11
.endm
/* One quad and its factor at r9, r10, r11. */
.macro LORA_QUAD parity, u, sum
    ldrd r12, r0, [sp, #(\u)]
    smuad r12, r12, r9
    smlad r12, r0, r10, r12
    smmulr r12, r12, r11
    ADD_\parity \sum, r12
.endm
.macro LORA parity, quads, s0, s1
    .if \quads == 1
    ldm lr!, {r9, r10, r11}
    LORA_QUAD \parity, U, \s0
    LORA_QUAD \parity, U + U_NEXT, \s1
    .else
    LORA_DOT \parity, \quads, U, \s0
    LORA_DOT \parity, \quads, U + U_NEXT, \s1
    add lr, lr, #(8 * \quads + 4)
    .endif
.endm

.macro FINISH_LORA quads, kind
    str r0, [sp, #WEIGHTS]
    ldr lr, [sp, #BRANCH]
    LORA even, \quads, r1, r2
    LORA odd, \quads, r3, r4
    LORA even, \quads, r5, r6
    LORA odd, \quads, r7, r8
    str lr, [sp, #BRANCH]
    ldr r0, [sp, #WEIGHTS]
    ldr lr, [sp, #CHANNEL]
    adds lr, #16
    REQUANTISE2 \kind
    str lr, [sp, #CHANNEL]
    b.w store
.endm

.macro LORA_KERNELS quads
    ENTRANCE tp_dsp_sums_lora_plain\quads, finish_lora_plain\quads
    .balign 4
finish_lora_plain\quads:
    FINISH_LORA \quads, plain
    ENTRANCE tp_dsp_sums_lora\quads, finish_lora\quads
    .balign 4
finish_lora\quads:
    FINISH_LORA \quads, any
.endm
    LORA_KERNELS 1
    LORA_KERNELS 2
