/* taps.h for cores with the DSP extension. taps.c says the same in C.
 *
 * By hand: four sums, two words of x and two of weights, and six addresses are
 * all registers there are, and no compiler rotates while it extends, multiplies
 * upper halves of both or uses SMMLAR. */
    .syntax unified
    .thumb
    .text

/* tp_dsp_taps */
    .equ TAP, 0
    .equ W, 8
    .equ Y, 16
    .equ C_END, 24
    .equ UP, 28
    .equ BACK, 36

/* r0-r3 += the products of the tap at \p; lr: weights, r9: channel. */
.macro TAP_OF p
    ldr r4, [\p, r9]
    ldrd r6, r7, [lr], #8
    sxtb16 r5, r4, ror #8
    sxtb16 r4, r4
    smlabb r0, r4, r6, r0
    smlabb r1, r5, r7, r1
    smlatt r2, r4, r6, r2
    smlatt r3, r5, r7, r3
.endm

/* r12: m, R, e of the channel whose sum is \acc. */
.macro FINISH acc
    ldm r12!, {r4, r5, r6}
    add r5, r5, \acc, asr #31
    smmlar \acc, \acc, r4, r5
    asr \acc, \acc, r6
    usat \acc, #8, \acc
.endm

    .section .text.tp_dsp_pixel, "ax", %progbits
    .global tp_dsp_pixel
    .type tp_dsp_pixel, %function
    .thumb_func
tp_dsp_pixel:
    push {r0, r4-r11, lr}
    ldrd r8, r10, [r0, #TAP]
    ldrd lr, r12, [r0, #W]
    ldr r9, [r0, #Y + 4]
group:
    sub r4, r10, r8
    ldm r12!, {r0-r3}
    lsls r4, r4, #29            /* an odd number enters in the middle */
    beq 1f
    ldr r11, [r8], #4
    b 2f
1:  ldrd r4, r11, [r8], #8
    TAP_OF r4
2:  TAP_OF r11
    cmp r8, r10
    bne 1b
    FINISH r0
    FINISH r1
    FINISH r2
    FINISH r3
    ldr r7, [sp]
    orr r0, r0, r1, lsl #8
    orr r0, r0, r2, lsl #16
    orr r0, r0, r3, lsl #24
    ldrd r4, r5, [r7, #UP]
    ldr r6, [r7, #BACK]
    uqadd8 r0, r0, r4
    uqsub8 r0, r0, r5
    uadd8 r0, r0, r6
    ldr r4, [r7, #Y]
    ldr r8, [r7, #TAP]
    ldr r5, [r7, #C_END]
    str r0, [r4, r9]
    adds r9, #4
    cmp r9, r5
    bne group
    pop {r0, r4-r11, pc}
    .size tp_dsp_pixel, . - tp_dsp_pixel
