/* sums.h for Armv6-M. sums.c says the same in C.
 *
 * By hand, for a compiler holds sums on the stack: only eight registers
 * multiply, and a product takes the place of a factor. Here they hold what is
 * multiplied, the others sums: 25 instructions for 8 products. */
#include "runtime/kernels/thumb.inc"

/* r0 u, r1 w; r8-r12, lr, r6, r7: the sums of c0 in both pixels, of c1, ... */
.macro CHANNEL at, sum0, sum1
    ldrb r4, [r1, #\at]
    movs r5, r4
    muls r5, r2, r5
    add \sum0, r5
    muls r4, r3, r4
    add \sum1, r4
.endm

.macro PRODUCTS2 k
    ldrb r2, [r0, #2 * \k]
    ldrb r3, [r0, #2 * \k + 1]
    CHANNEL 4 * \k, r8, r9
    CHANNEL 4 * \k + 1, r10, r11
    CHANNEL 4 * \k + 2, r12, lr
    ldrb r4, [r1, #4 * \k + 3]
    muls r2, r4, r2
    adds r6, r6, r2
    muls r3, r4, r3
    adds r7, r7, r3
.endm

    BEGIN tp_scalar_sums2
    push {r4-r7, lr}
    mov r4, r8
    mov r5, r9
    mov r6, r10
    mov r7, r11
    push {r3-r7}
    lsls r4, r2, #1
    adds r4, r0, r4
    push {r4}       /* the end of u */
    ldm r3!, {r4-r7}
    mov r8, r4
    mov r9, r5
    mov r10, r6
    mov r11, r7
    ldm r3!, {r4-r7}
    mov r12, r4
    mov lr, r5
1:
    .irp k, 0, 1, 2, 3
    PRODUCTS2 \k
    .endr
    adds r0, #8
    adds r1, #16
    ldr r2, [sp]
    cmp r0, r2
    bne 1b
    ldr r3, [sp, #4]
    mov r0, r8
    mov r1, r9
    mov r2, r10
    mov r4, r11
    stm r3!, {r0-r2, r4}
    mov r4, r12
    mov r5, lr
    stm r3!, {r4-r7}
    add sp, #8
    pop {r4-r7}
    mov r8, r4
    mov r9, r5
    mov r10, r6
    mov r11, r7
    pop {r4-r7, pc}
    .size tp_scalar_sums2, . - tp_scalar_sums2

/* r0 u, r1 w, r4-r7 sums, r12 the end of u. */
.macro CHANNEL1 at, sum
    ldrb r3, [r1, #\at]
    muls r3, r2, r3
    adds \sum, \sum, r3
.endm

.macro PRODUCTS1 k
    ldrb r2, [r0, #\k]
    CHANNEL1 4 * \k, r4
    CHANNEL1 4 * \k + 1, r5
    CHANNEL1 4 * \k + 2, r6
    CHANNEL1 4 * \k + 3, r7
.endm

    BEGIN tp_scalar_sums1
    push {r4-r7, lr}
    push {r3}
    ldm r3!, {r4-r7}
    adds r3, r0, r2
    mov r12, r3
1:
    .irp k, 0, 1, 2, 3
    PRODUCTS1 \k
    .endr
    adds r0, #4
    adds r1, #16
    cmp r0, r12
    bne 1b
    pop {r3}
    stm r3!, {r4-r7}
    pop {r4-r7, pc}
    .size tp_scalar_sums1, . - tp_scalar_sums1
