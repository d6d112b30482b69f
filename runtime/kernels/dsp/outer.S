/* outer.h for cores with the DSP extension. outer.c says the same in C.
 *
 * By hand, for a compiler does not keep eight sums in registers here.
 *
 *   r0  pixel    r2, r3   two channels of two pixels    lr  u
 *   r1  stride   r4..r11  sums                          r12 one rank of two
 */
    .syntax unified
    .thumb

.macro PAIR
    ldrh r2, [r0]
    ldrh r3, [r0, r1]
    add r0, r0, r1, lsl #1
    orr r2, r2, r3, lsl #16
    sxtb16 r3, r2, ror #8
    sxtb16 r2, r2
    ldr r12, [lr], #4
    smlad r4, r2, r12, r4
    smlad r8, r3, r12, r8
    ldr r12, [lr], #4
    smlad r5, r2, r12, r5
    smlad r9, r3, r12, r9
    ldr r12, [lr], #4
    smlad r6, r2, r12, r6
    smlad r10, r3, r12, r10
    ldr r12, [lr], #4
    smlad r7, r2, r12, r7
    smlad r11, r3, r12, r11
.endm

    .section .text.tp_dsp_outer, "ax", %progbits
    .global tp_dsp_outer
    .type tp_dsp_outer, %function
    .thumb_func
tp_dsp_outer:
    push {r3-r11, lr}
    .irp a, r4, r5, r6, r7, r8, r9, r10, r11
    mov \a, #0
    .endr
    mov lr, r2
    subs r12, r3, r2            /* bytes of u, 16 a pair */
    tst r12, #16
    bne 2f
1:  PAIR
2:  PAIR
    ldr r12, [sp]               /* end */
    cmp lr, r12
    bne 1b
    ldr r0, [sp, #40]           /* acc */
    stm r0, {r4-r11}
    pop {r3-r11, pc}
    .size tp_dsp_outer, . - tp_dsp_outer
