/* sums.h for cores with the DSP extension. sums.c says the same in C.
 *
 * One loop for all: what becomes of its sums is jumped to. */
#include "runtime/kernels/dsp/tile.inc"

    .syntax unified
    .thumb

/* The frame: LOOP, tp_dsp_sums without its weights, up to what comes behind u;
 * then where to enter the loop, where to go behind it and where later, the
 * weights while other things need r0, the struct, sums that wait. */
    .equ ACT, 4
    .equ CHANNEL, 8
    .equ BRANCH, 12
    .equ Y, 16
    .equ STRIDE, 20
    .equ Y_END, 24
    .equ ACT_END, 28
    .equ UP, 32
    .equ EVEN, 40
    .equ T, 48
    .equ PEAK, 52
    .equ U, 56
    .equ U_NEXT, 16             /* of the second pixel */
    .equ ENTRY, 88
    .equ FINISH, 92
    .equ WEIGHTS, 96
    .equ REST, 100
    .equ LATER, 104
    .equ U_AT, 108
    .equ WAIT, 112
    .equ FRAME, 132             /* keeps the stack at multiples of 8 */
/* Behind the struct's first part: what follows once u is there, and the entry
 * once it is known; before its end, the peak. */
    .equ REST_ENTRY, 24
    .equ REST_PEAK, -36

/* --- all groups ----------------------------------------------------------- *
 *
 * Each kernel is a section of its own, so that only those that are used are
 * linked: where it begins is the address of what becomes of sums, where these
 * are. */

.macro ENTRANCE name, finish, to=all
    .section .text.\name, "ax", %progbits
    .global \name
    .type \name, %function
    .thumb_func
\name:
    adr.w r12, \finish
    b.w \to
    .size \name, . - \name
    .balign 4
\finish:
.endm

.macro ENTER
    push {r4-r11, lr}
    sub sp, #FRAME
    adds r12, #1                /* Thumb */
    str r12, [sp, #FINISH]
    add r12, sp, #ACT
    ldm r0!, {r1-r11}
    str r1, [sp, #WEIGHTS]
    stm r12!, {r2-r11}
    ldm r0!, {r1-r11}
    stm r12, {r1-r11}
    str r0, [sp, #REST]
.endm

    .section .text.tp_dsp_sums, "ax", %progbits
    .type all, %function
    .thumb_func
all:
    ENTER
begin:
    ldrd r10, r11, [r0, #REST_ENTRY]
    cmp r10, #0
    bne 1f
    ldr r2, [sp, #ACT]
    ldr r3, [sp, #ACT_END]
    subs r3, r3, r2             /* bytes of activations */
    lsrs r3, r3, #3
    subs r3, r3, #1             /* the first pair stands alone */
    LOOP2 r10
    adr.w r11, 3f
    orr r11, r11, #1            /* Thumb */
    FIND_ENTRY 48, UNROLL, 2f
    strd r10, r11, [r0, #REST_ENTRY]
1:  str r10, [sp, #ENTRY]
    str r11, [sp, #LOOP]
    ldr r0, [sp, #WEIGHTS]
group:
    ldrd r11, lr, [sp, #ACT]
    ldm lr, {r2, r4, r6, r8}    /* what the sums start from */
    PAIR2 r2, r4, r6, r8
    ldr pc, [sp, #ENTRY]
    .balign 4
2:  ldr lr, [sp, #ACT_END]
    cmp r11, lr
    bne.w tp_dsp_pairs2
    .balign 4
3:  sub r3, r3, r1
    sub r4, r4, r2
    sub r7, r7, r5
    sub r8, r8, r6
    ldr pc, [sp, #FINISH]

store:                          /* four bytes of both pixels */
    ldrd r9, r10, [sp, #Y]
    str r2, [r9, r10]
    str r1, [r9], #4
next:
    ldr r10, [sp, #Y_END]
    str r9, [sp, #Y]
    cmp r9, r10
    bne.w group
leave:
    ldr r0, [sp, #REST]
    ldr r1, [sp, #PEAK]
    str r1, [r0, #REST_PEAK]
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
/* Four int16 of each pixel; r9 is the next place. */
.macro PUT_U
    SCALE
    ldr lr, [sp, #CHANNEL]
    adds lr, #16
    str lr, [sp, #CHANNEL]
    pkhbt r1, r1, r3, lsl #16
    pkhbt r2, r2, r4, lsl #16
    pkhbt r5, r5, r7, lsl #16
    pkhbt r6, r6, r8, lsl #16
    ldrd r9, r10, [sp, #Y]
    add r11, r9, r10
    strd r2, r6, [r11]
    strd r1, r5, [r9], #8
.endm

    ENTRANCE tp_dsp_sums_u, finish_u
    PUT_U
    b.w next

    ENTRANCE tp_dsp_sums_back, finish_back
    SCALE
    b.w put

    .section .text.tp_dsp_sums_put, "ax", %progbits
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
    FINISH_BRANCH 1
    ENTRANCE tp_dsp_sums_branch2, finish_branch2
    FINISH_BRANCH 2

/* --- LoRA ----------------------------------------------------------------- *
 *
 * Begins with A, if there is one: its sums are the u that the groups behind it
 * add products of. */

    .section .text.tp_dsp_sums_lora, "ax", %progbits
    .type all_lora, %function
    .thumb_func
all_lora:
    ENTER
    ldr r1, [r0]                /* then.w */
    cmp r1, #0
    beq.w begin
    ldr r1, [sp, #FINISH]
    str r1, [sp, #LATER]
    adr.w r12, finish_a
    adds r12, #1
    str r12, [sp, #FINISH]
    add r12, sp, #U
    str r12, [sp, #U_AT]
    b.w begin
    .balign 4
finish_a:
    PUT_U
    ldr r12, [sp, #U_AT]
    strd r2, r6, [r12, #U_NEXT]
    strd r1, r5, [r12], #8
    str r12, [sp, #U_AT]
    ldr r10, [sp, #Y_END]
    str r9, [sp, #Y]
    cmp r9, r10
    bne.w group
    ldr r9, [sp, #REST]
    ldm r9, {r0, r1, r2, r3, r4, r5}
    add r11, sp, #CHANNEL
    stm r11, {r1-r5}
    ldr r1, [sp, #LATER]
    str r1, [sp, #FINISH]
    b.w group
    .size all_lora, . - all_lora

/* R(T m / 2^32), in v, onto a sum: of an even channel 2 A, of an odd one
 * 512 A, which is first held within 22 bits where it may be more. */
.macro ADD_even sum, v
    qdadd \sum, \sum, \v
.endm
.macro ADD_odd sum, v
    add \sum, \sum, \v, lsl #9
.endm
.macro ADD_odd_wide sum, v
    ssat \v, #22, \v
    add \sum, \sum, \v, lsl #9
.endm

/* One channel of four products: both pixels' sums; u in r5 to r8. */
.macro LORA parity, s0, s1
    ldm lr!, {r9, r10, r11}
    smuad r12, r5, r9
    smlad r12, r6, r10, r12
    smmulr r12, r12, r11
    ADD_\parity \s0, r12
    smuad r12, r7, r9
    smlad r12, r8, r10, r12
    smmulr r12, r12, r11
    ADD_\parity \s1, r12
.endm
.macro EVENS kind, s0, s1
    ldm r0!, {r9, r10, r11}
    EVEN_\kind \s0
    EVEN_\kind \s1
.endm
.macro ODDS kind, s0, s1
    ldm r0!, {r9, r10, r11}
    ODD_\kind \s0
    ODD_\kind \s1
.endm
.macro STORE_LORA
    ldrd r9, r10, [sp, #Y]
    ldr r12, [sp, #Y_END]
    str r2, [r9, r10]
    str r1, [r9], #4
    strd r0, lr, [sp, #CHANNEL]
    str r9, [sp, #Y]
    ldr r0, [sp, #WEIGHTS]
    cmp r9, r12
    bne.w group
    b.w leave
.endm

/* Sums of two channels wait, so that u has registers. */
.macro FINISH_LORA1 odd, kind
    strd r5, r6, [sp, #WAIT]
    strd r7, r8, [sp, #(WAIT + 8)]
    str r0, [sp, #WEIGHTS]
    ldrd r0, lr, [sp, #CHANNEL]
    ldrd r5, r6, [sp, #U]
    ldrd r7, r8, [sp, #(U + U_NEXT)]
    adds r0, #16
    LORA even, r1, r2
    EVENS \kind, r1, r2
    LORA \odd, r3, r4
    ODDS \kind, r3, r4
    bfi r1, r3, #8, #8
    bfi r2, r4, #8, #8
    ldrd r3, r4, [sp, #WAIT]
    LORA even, r3, r4
    EVENS \kind, r3, r4
    bfi r1, r3, #16, #8
    bfi r2, r4, #16, #8
    ldrd r3, r4, [sp, #(WAIT + 8)]
    LORA \odd, r3, r4
    ODDS \kind, r3, r4
    bfi r1, r3, #24, #8
    bfi r2, r4, #24, #8
    CLAMP_\kind r1, r2
    STORE_LORA
.endm

/* Eight products: u comes from the frame, sum by sum. */
.macro LORA_DOT parity, u, sum
    DOT 2, \u
    ldr r12, [lr, #16]
    smmulr r11, r11, r12
    ADD_\parity \sum, r11
.endm
.macro LORA2 parity, s0, s1
    LORA_DOT \parity, U, \s0
    LORA_DOT \parity, U + U_NEXT, \s1
    adds lr, #20
.endm
.macro FINISH_LORA2 kind
    str r0, [sp, #WEIGHTS]
    ldr lr, [sp, #BRANCH]
    LORA2 even, r1, r2
    LORA2 odd_wide, r3, r4
    LORA2 even, r5, r6
    LORA2 odd_wide, r7, r8
    str lr, [sp, #BRANCH]
    ldr lr, [sp, #CHANNEL]
    adds lr, #16
    REQUANTISE2 \kind
    mov r0, lr
    ldr lr, [sp, #BRANCH]
    STORE_LORA
.endm

    ENTRANCE tp_dsp_sums_lora_plain1, finish_lora_plain1, all_lora
    FINISH_LORA1 odd, plain
    ENTRANCE tp_dsp_sums_lora1, finish_lora1, all_lora
    FINISH_LORA1 odd, any
    ENTRANCE tp_dsp_sums_lora_plain1_wide, finish_lora_plain1_wide, all_lora
    FINISH_LORA1 odd_wide, plain
    ENTRANCE tp_dsp_sums_lora1_wide, finish_lora1_wide, all_lora
    FINISH_LORA1 odd_wide, any
    ENTRANCE tp_dsp_sums_lora_plain2_wide, finish_lora_plain2, all_lora
    FINISH_LORA2 plain
    ENTRANCE tp_dsp_sums_lora2_wide, finish_lora2, all_lora
    FINISH_LORA2 any
