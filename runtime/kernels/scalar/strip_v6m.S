/* strip.h for Armv6-M. strip.c says the same in C.
 *
 * By hand, for a compiler holds sums and weights on the stack, and loads and
 * stores them for each product: here the sums stay in the registers that do
 * not multiply, and a row's three weights in those that do. */
#include "runtime/kernels/thumb.inc"

/* tp_strip */
    .equ S_U, 0
    .equ S_ROW, 4
    .equ S_DOWN, 8
    .equ S_W, 12
    .equ S_START, 16            /* then TOP, HIGH, LOW, R, Y */
    .equ S_RIGHT, 40
    .equ S_BELOW, 44
    .equ S_ROWS, 48

/* The frame: nine weights as words, then what does not fit the registers. */
    .equ U, 36
    .equ DOWN, 40
    .equ BELOW, 44
    .equ ROWS, 48
    .equ START, 52
    .equ TOP, 56
    .equ HIGH, 60
    .equ LOW, 64
    .equ R, 68
    .equ Y, 72
    .equ FRAME, 80

/* r0: u; r3-r5: weights of a row; r6: bytes of a row; r8-r12: sums; lr: bytes
 * from output to output. */
.macro ENTER
    push {r4-r7, lr}
    mov r4, r8
    mov r5, r9
    mov r6, r10
    mov r7, r11
    push {r4-r7}
    sub sp, #FRAME
    ldr r1, [r0, #S_W]
    mov r2, sp
    .irp k, 0, 1, 2, 3, 4, 5, 6, 7, 8
    ldrb r3, [r1, #\k]
    sxtb r3, r3
    stm r2!, {r3}
    .endr
    ldr r3, [r0, #S_U]
    ldr r4, [r0, #S_DOWN]
    ldr r5, [r0, #S_BELOW]
    ldr r6, [r0, #S_ROWS]
    stm r2!, {r3-r6}
    ldr r3, [r0, #S_RIGHT]
    mov lr, r3
    ldr r6, [r0, #S_ROW]
    adds r0, #S_START
    ldm r0!, {r1, r3-r5, r7}
    stm r2!, {r1, r3-r5, r7}
    ldr r1, [r0]
    str r1, [r2]
.endm

.macro LEAVE name
    add sp, #FRAME
    pop {r4-r7}
    mov r8, r4
    mov r9, r5
    mov r10, r6
    mov r11, r7
    pop {r4-r7, pc}
    .size \name, . - \name
.endm

/* A column of a row of the windows: the sums that it belongs to, each with its
 * weight. */
.macro ONE j, w0, sum0
    ldrb r1, [r0, #\j]
    muls r1, \w0, r1
    add \sum0, r1
.endm

.macro TWO j, w0, sum0, w1, sum1
    ldrb r1, [r0, #\j]
    movs r2, r1
    muls r2, \w0, r2
    add \sum0, r2
    muls r1, \w1, r1
    add \sum1, r1
.endm

.macro THREE j, sum0, sum1, sum2
    ldrb r1, [r0, #\j]
    movs r2, r1
    muls r2, r5, r2
    add \sum0, r2
    movs r2, r1
    muls r2, r4, r2
    add \sum1, r2
    muls r1, r3, r1
    add \sum2, r1
.endm

.macro COLUMNS3
    ONE 0, r3, r8
    TWO 1, r4, r8, r3, r9
    THREE 2, r8, r9, r10
    TWO 3, r5, r9, r4, r10
    ONE 4, r5, r10
.endm

.macro COLUMNS4
    ONE 0, r3, r8
    TWO 1, r4, r8, r3, r9
    THREE 2, r8, r9, r10
    THREE 3, r9, r10, r11
    TWO 4, r5, r10, r4, r11
    ONE 5, r5, r11
.endm

.macro COLUMNS5
    ONE 0, r3, r8
    TWO 1, r4, r8, r3, r9
    THREE 2, r8, r9, r10
    THREE 3, r9, r10, r11
    THREE 4, r10, r11, r12
    TWO 5, r5, r11, r4, r12
    ONE 6, r5, r12
.endm

.macro COLUMNS3_BY2
    ONE 0, r3, r8
    ONE 1, r4, r8
    TWO 2, r5, r8, r3, r9
    ONE 3, r4, r9
    TWO 4, r5, r9, r3, r10
    ONE 5, r4, r10
    ONE 6, r5, r10
.endm

/* tp_stair_byte() of a sum; r0: r, r3: top, r4: high, r5: low, r7: y. */
.macro OUTPUT sum
    mov r1, \sum
    cmp r1, r3
    bls 3f
    asrs r1, r1, #31            /* below: 0, above: top */
    mvns r1, r1
    ands r1, r3
3:
    movs r2, r1
    muls r1, r4, r1
    muls r2, r5, r2
    lsrs r2, r2, #12
    adds r1, r1, r2
    adds r1, r1, r0
    lsrs r1, r1, #24
    strb r1, [r7]
    add r7, lr
.endm

/* All outputs of a row. */
.macro BYTES sums:vararg
    ldr r3, [sp, #TOP]
    ldr r4, [sp, #HIGH]
    ldr r5, [sp, #LOW]
    ldr r0, [sp, #R]
    ldr r7, [sp, #Y]
    ldr r1, [sp, #BELOW]
    adds r1, r7, r1
    str r1, [sp, #Y]
    .irp sum, \sums
    OUTPUT \sum
    .endr
.endm

.macro SUMS sums:vararg
    ldr r7, [sp, #Y]
    .irp sum, \sums
    mov r1, \sum
    stm r7!, {r1}
    .endr
    str r7, [sp, #Y]
.endm

/* A row of the output after the other. */
.macro ROWS_OF columns, outputs, sums:vararg
1:
    ldr r0, [sp, #U]
    ldr r1, [sp, #DOWN]
    adds r1, r0, r1
    str r1, [sp, #U]
    ldr r1, [sp, #START]
    .irp sum, \sums
    mov \sum, r1
    .endr
    .irp ky, 0, 1, 2
    ldr r3, [sp, #12 * \ky]
    ldr r4, [sp, #12 * \ky + 4]
    ldr r5, [sp, #12 * \ky + 8]
    \columns
    .if \ky < 2
    adds r0, r0, r6
    .endif
    .endr
    \outputs \sums
    ldr r1, [sp, #ROWS]
    subs r1, r1, #1
    str r1, [sp, #ROWS]
    beq 2f
    b 1b
2:
.endm

.macro STRIP name, columns, sums:vararg
    BEGIN \name
    ENTER
    ROWS_OF \columns, BYTES, \sums
    LEAVE \name
.endm

.macro STRIP_SUMS name, columns, sums:vararg
    BEGIN \name
    mov r12, r1
    ENTER
    mov r1, r12
    str r1, [sp, #Y]
    ROWS_OF \columns, SUMS, \sums
    LEAVE \name
.endm

    STRIP tp_scalar_strip3, COLUMNS3, r8, r9, r10
    STRIP tp_scalar_strip4, COLUMNS4, r8, r9, r10, r11
    STRIP tp_scalar_strip5, COLUMNS5, r8, r9, r10, r11, r12
    STRIP tp_scalar_strip3_by2, COLUMNS3_BY2, r8, r9, r10
    STRIP_SUMS tp_scalar_strip3_sums, COLUMNS3, r8, r9, r10
    STRIP_SUMS tp_scalar_strip4_sums, COLUMNS4, r8, r9, r10, r11
    STRIP_SUMS tp_scalar_strip5_sums, COLUMNS5, r8, r9, r10, r11, r12

/* tp_columns */
    .equ C_X, 0
    .equ C_RIGHT, 4             /* then BELOW, COLUMNS, ROWS, ROW */

.macro BYTE at
    ldrb r4, [r0]
    eors r4, r3
    strb r4, [r1, #\at]
    add r0, r2
.endm

/* r0 x, r1 u, r2 right, r3 128, r5 columns left, r6 rows left, r7 columns;
 * r8, r9: from a row's end to the next in x and in u. */
    BEGIN tp_scalar_columns
    push {r4-r7, lr}
    mov r4, r8
    mov r5, r9
    push {r4, r5}
    ldr r4, [r0, #C_X]
    adds r0, #C_RIGHT
    ldm r0!, {r2, r3, r5, r6, r7}
    mov r0, r4
    subs r7, r7, r5
    mov r9, r7
    movs r7, r5
    muls r5, r2, r5
    subs r3, r3, r5
    mov r8, r3
    movs r3, #128
    cmp r6, #0
    ble 5f
1:
    movs r5, r7
    b 3f
2:
    BYTE 0
    BYTE 1
    BYTE 2
    BYTE 3
    adds r1, #4
3:
    subs r5, #4
    bhs 2b
    adds r5, #4
    beq 6f
4:
    BYTE 0
    adds r1, #1
    subs r5, #1
    bne 4b
6:
    add r0, r8
    add r1, r9
    subs r6, #1
    bne 1b
5:
    pop {r4, r5}
    mov r8, r4
    mov r9, r5
    pop {r4-r7, pc}
    .size tp_scalar_columns, . - tp_scalar_columns
