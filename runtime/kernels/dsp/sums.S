/* sums.h for cores with the DSP extension. sums.c says the same in C. */
    .equ UNROLL, 16
#include "runtime/kernels/dsp/tile.inc"

    .syntax unified
    .thumb
    .text

/* The frame: tp_dsp_sums without its weights, then where to enter the loop,
 * the weights while other things need r0, and the struct. */
    .equ ACT, 0
    .equ ACT_END, 4
    .equ Y, 8
    .equ Y_END, 12
    .equ STRIDE, 16
    .equ BRANCH, 20
    .equ U, 24
    .equ CHANNEL, 40
    .equ UP, 44
    .equ EVEN, 52
    .equ T, 60
    .equ PEAK, 64
    .equ ENTRY, 68
    .equ WEIGHTS, 72
    .equ SELF, 76
    .equ FRAME, 80

.macro ENTER
    push {r4-r11, lr}
    sub sp, #FRAME
    str r0, [sp, #SELF]
    mov r10, sp
    ldm r0!, {r1-r9}
    stm r10!, {r2-r9}
    subs r3, r3, r2             /* bytes of activations */
    mov r2, r1
    lsrs r11, r3, #3
    ldm r0, {r0, r1, r3-r9}
    stm r10, {r0, r1, r3-r9}
    mov r0, r2
    subs r3, r11, #1            /* the first pair stands alone */
.endm

.macro LEAVE
    ldr r0, [sp, #SELF]
    ldr r1, [sp, #PEAK]
    str r1, [r0, #(PEAK + 4)]
    add sp, #FRAME
    pop {r4-r11, pc}
.endm

/* --- what the sums start from --------------------------------------------- */

.macro START_zero
    movs r2, #0
    movs r4, #0
    movs r6, #0
    mov r8, #0
.endm
.macro START_channel
    ldr lr, [sp, #CHANNEL]
    ldm lr, {r2, r4, r6, r8}
.endm

/* --- what becomes of them ------------------------------------------------- */

.macro SCALE
    ldrd r9, r10, [sp, #EVEN]
    .irp a, r1, r2, r5, r6
    smmulr \a, \a, r9
    .endr
    .irp a, r3, r4, r7, r8
    smmulr \a, \a, r10
    .endr
.endm

.macro END_u
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
.endm

/* Four bytes each of two pixels, held within [-127, 127]; the peak. */
.macro PUT
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
.endm

.macro STORE
    ldrd r9, r10, [sp, #Y]
    ldr r11, [sp, #STRIDE]
    str r2, [r9, r11]
    str r1, [r9], #4
.endm

.macro END_back
    SCALE
    PUT
    STORE
.endm

/* One channel's T of both pixels, added to v0 and v1. t in r0. */
.macro ADD_T v0, v1
    ldrd r9, r10, [lr], #8
    ldrd r11, r12, [sp, #U]
    smuad r11, r11, r9
    smlad r11, r12, r10, r11
    smmlar \v0, r11, r0, \v0
    ldrd r11, r12, [sp, #(U + 8)]
    smuad r11, r11, r9
    smlad r11, r12, r10, r11
    smmlar \v1, r11, r0, \v1
.endm

.macro END_branch
    SCALE
    str r0, [sp, #WEIGHTS]
    ldr lr, [sp, #BRANCH]
    ldr r0, [sp, #T]
    ADD_T r1, r2
    ADD_T r3, r4
    ADD_T r5, r6
    ADD_T r7, r8
    str lr, [sp, #BRANCH]
    ldr r0, [sp, #WEIGHTS]
    PUT
    STORE
.endm

/* One channel's R(T m / 2^32) of both pixels, to r12 and added to a sum: of an
 * even channel 2 A, of an odd one 512 A. */
.macro LORA_even u, sum
    ldrd r12, r0, [sp, #(\u)]
    smuad r12, r12, r9
    smlad r12, r0, r10, r12
    smmulr r12, r12, r11
    qdadd \sum, \sum, r12
.endm
.macro LORA_odd u, sum
    ldrd r12, r0, [sp, #(\u)]
    smuad r12, r12, r9
    smlad r12, r0, r10, r12
    smmulr r12, r12, r11
    ssat r12, #22, r12
    add \sum, \sum, r12, lsl #9
.endm
.macro LORA parity, s0, s1
    ldm lr!, {r9, r10, r11}
    LORA_\parity U, \s0
    LORA_\parity U + 8, \s1
.endm

.macro END_lora kind
    str r0, [sp, #WEIGHTS]
    ldr lr, [sp, #BRANCH]
    LORA even, r1, r2
    LORA odd, r3, r4
    LORA even, r5, r6
    LORA odd, r7, r8
    str lr, [sp, #BRANCH]
    ldr r0, [sp, #WEIGHTS]
    ldr lr, [sp, #CHANNEL]
    adds lr, #16
    REQUANTISE2 \kind
    str lr, [sp, #CHANNEL]
    STORE
.endm
.macro END_lora_plain
    END_lora plain
.endm
.macro END_lora_any
    END_lora any
.endm

/* --- all groups ----------------------------------------------------------- */

.macro SUMS name, start, end
    .section .text.\name, "ax", %progbits
    .global \name
    .type \name, %function
    .thumb_func
\name:
    ENTER
    FIND_ENTRY 2f, 48, UNROLL, 3f, ENTRY
1:  ldr r11, [sp, #ACT]
    START_\start
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
    END_\end
    ldr r12, [sp, #Y_END]
    str r9, [sp, #Y]
    cmp r9, r12
    bne.w 1b
    LEAVE
    .size \name, . - \name
.endm

    SUMS tp_dsp_sums_u, channel, u
    SUMS tp_dsp_sums_back, zero, back
    SUMS tp_dsp_sums_branch, zero, branch
    SUMS tp_dsp_sums_lora_plain, channel, lora_plain
    SUMS tp_dsp_sums_lora, channel, lora_any
