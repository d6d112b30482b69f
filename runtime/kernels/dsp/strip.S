/* strip.h for cores with the DSP extension. strip.c says the same in C.
 *
 * By hand, because a compiler does not use SMLAD on pairs of columns, and keeps
 * neither the sums nor a row of x in registers.
 *
 *   r0         x, the next row of the window
 *   r1..r6     sums, as many as there are outputs
 *   r8..r11    a row of x; later c3, pitch
 *   r6, r7     weights of a row (six outputs: r12, r7); later m, R
 *   r12        c (six outputs: from the frame)
 *   lr         y
 * Stride 2 has five words in a row: r5 is the first. */
    .syntax unified
    .thumb
    .text

/* tp_dsp_strip */
    .equ T_LEFT, 36
    .equ T_BEYOND, 44

/* The frame: the channel, tp_dsp_strip up to `count`, END, the address of
 * tp_dsp_strip. */
    .equ START, 24
    .equ M, 28
    .equ R, 32
    .equ CHANNEL, 36
    .equ X, 40
    .equ Y, 44
    .equ C, 48
    .equ C3, 52
    .equ PITCH, 56
    .equ BYTES, 60
    .equ PLANE, 64
    .equ COUNT, 68
    .equ END, 72
    .equ T, 76
    .equ FRAME, 80

    .equ SHIFT, 10

.macro ENTER kind
    push {r4-r11, lr}
    sub sp, #FRAME
    ldm r0, {r1-r9}
    add r10, sp, #CHANNEL
    stm r10, {r1-r9}
    .ifc \kind, bwd
    str r0, [sp, #T]
    movs r1, #0
    msr APSR_nzcvq, r1          /* SSAT sets Q where it saturates */
    .endif
.endm

/* The next channel to the frame; r0, r12 and lr as above. */
.macro NEXT kind, stride, n, words
    ldrd r1, r0, [sp, #CHANNEL]
    ldm r1!, {r2-r10}
    .ifc \kind, bwd
    ldr lr, [sp, #T]
    ldrd r11, r12, [lr, #T_LEFT]
    lsl r9, r9, r11
    lsr r9, r9, r12
    .endif
    stm sp, {r2-r10}
    ldrd r2, r3, [sp, #BYTES]
    add r3, r0
    strd r1, r3, [sp, #CHANNEL]
    add r0, #4 * \words
    .if \n <= 5 && \stride * \n < 8
    add r11, r0, r2
    .else
    add r2, r0
    str r2, [sp, #END]
    .endif
    ldrd lr, r12, [sp, #Y]
    add r1, lr, #1
    str r1, [sp, #Y]
.endm

.macro LEAVE kind
    .ifc \kind, bwd
    ldr r0, [sp, #T]
    mrs r1, APSR
    ubfx r1, r1, #27, #1        /* Q */
    ldr r2, [r0, #T_BEYOND]
    orrs r1, r2
    str r1, [r0, #T_BEYOND]
    .endif
    add sp, #FRAME
    pop {r4-r11, pc}
.endm

/* --- a row of the window -------------------------------------------------- */

/* The first product of a sum: starts from r\n, or from what it was; backward
 * from nothing. */
.macro FIRST kind, op, mul, row, n, a, x, w
    .if \row != 0
    \op r\a, r\x, \w, r\a
    .else
    .ifc \kind, bwd
    \mul r\a, r\x, \w
    .else
    \op r\a, r\x, \w, r\n
    .endif
    .endif
.endm

/* Sums a (even place) and b (odd) of x words x0 and x1. */
.macro EVEN kind, row, n, a, x0, x1, u, v
    FIRST \kind, smlad, smuad, \row, \n, \a, \x0, \u
    smlabt r\a, r\x1, \v, r\a
.endm
.macro ODD kind, row, n, a, x0, x1, u, v
    FIRST \kind, smlatb, smultb, \row, \n, \a, \x0, \u
    smlad r\a, r\x1, \v, r\a
.endm
/* The last of an odd number: its third column is padding. */
.macro LAST kind, row, n, a, x0, u
    FIRST \kind, smlad, smuad, \row, \n, \a, \x0, \u
.endm

/* Words of a row of x. r0 is at the middle row: the first lies before it, and
 * it moves on by the stride. */
.macro LOAD stride, row, regs:vararg
    .if \row == 0
    ldmdb r0, {\regs}
    .elseif \row == 1 || \stride == 2
    ldm r0!, {\regs}
    .else
    ldm r0, {\regs}
    .endif
.endm
/* The same of one word. */
.macro LOAD_ONE row
    .if \row == 0
    ldr r8, [r0, #-4]
    .elseif \row == 1
    ldr r8, [r0], #4
    .else
    ldr r8, [r0]
    .endif
.endm

.macro ROW1 kind, n, row, u, v
    ldrd \u, \v, [sp, #8 * \row]
    .if \n == 1
    LOAD_ONE \row
    LAST \kind, \row, \n, 1, 8, \u
    .else
    .if \n <= 3
    LOAD 1, \row, r8, r9
    .elseif \n <= 5
    LOAD 1, \row, r8, r9, r10
    .else
    LOAD 1, \row, r8, r9, r10, r11
    .endif
    EVEN \kind, \row, \n, 1, 8, 9, \u, \v
    ODD \kind, \row, \n, 2, 8, 9, \u, \v
    .endif
    .if \n == 3
    LAST \kind, \row, \n, 3, 9, \u
    .endif
    .if \n >= 4
    EVEN \kind, \row, \n, 3, 9, 10, \u, \v
    ODD \kind, \row, \n, 4, 9, 10, \u, \v
    .endif
    .if \n == 5
    LAST \kind, \row, \n, 5, 10, \u
    .endif
    .if \n == 6
    EVEN \kind, \row, \n, 5, 10, 11, \u, \v
    ODD \kind, \row, \n, 6, 10, 11, \u, \v
    .endif
.endm

.macro ROW2 kind, n, row, u, v
    ldrd \u, \v, [sp, #8 * \row]
    .if \n == 1
    LOAD 2, \row, r5, r8
    .elseif \n == 2
    LOAD 2, \row, r5, r8, r9
    .elseif \n == 3
    LOAD 2, \row, r5, r8, r9, r10
    .else
    LOAD 2, \row, r5, r8, r9, r10, r11
    .endif
    EVEN \kind, \row, \n, 1, 5, 8, \u, \v
    .if \n >= 2
    EVEN \kind, \row, \n, 2, 8, 9, \u, \v
    .endif
    .if \n >= 3
    EVEN \kind, \row, \n, 3, 9, 10, \u, \v
    .endif
    .if \n >= 4
    EVEN \kind, \row, \n, 4, 10, 11, \u, \v
    .endif
.endm

/* --- what becomes of the sums --------------------------------------------- */

.macro FINISH_fwd n, m, r
    ldrd \m, \r, [sp, #M]
    .irp a, 1, 2, 3, 4, 5, 6
    .if \a <= \n
    smmla r\a, r\a, \m, \r
    ssat r\a, #8, r\a, asr #SHIFT
    .endif
    .endr
.endm
.macro FINISH_bwd n, m, r
    ldr \m, [sp, #M]
    .irp a, 1, 2, 3, 4, 5, 6
    .if \a <= \n
    smmulr r\a, r\a, \m
    ssat r\a, #8, r\a
    .endif
    .endr
.endm

/* The row's bytes, r8 = c3, r9 = pitch. */
.macro STORE n
    ldrd r8, r9, [sp, #C3]
    .if \n == 6
    ldr r12, [sp, #C]
    .endif
    strb r1, [lr]
    .if \n >= 2
    strb r2, [lr, r12]
    .endif
    .if \n >= 3
    strb r3, [lr, r12, lsl #1]
    .endif
    .if \n >= 4
    strb r4, [lr, r8]
    .endif
    .if \n >= 5
    strb r5, [lr, r12, lsl #2]
    .endif
    .if \n >= 6
    add r8, r8, r12, lsl #1
    strb r6, [lr, r8]
    .endif
    add lr, r9
.endm

/* `words` of x in a row; from window to window x moves by `stride` rows. Where
 * r11 is not needed for x it is the end. */
.macro STRIP name, kind, stride, n, words, u=r6, v=r7
    .section .text.\name, "ax", %progbits
    .global \name
    .type \name, %function
    .thumb_func
\name:
    ENTER \kind
2:  NEXT \kind, \stride, \n, \words
1:
    .ifnc \kind, bwd
    ldr r\n, [sp, #START]
    .endif
    .irp row, 0, 1, 2
    ROW\stride \kind, \n, \row, \u, \v
    .endr
    FINISH_\kind \n, \u, \v
    STORE \n
    .if \n <= 5 && \stride * \n < 8
    cmp r0, r11
    .else
    ldr r1, [sp, #END]
    cmp r0, r1
    .endif
    bne.w 1b
    ldr r1, [sp, #COUNT]
    subs r1, #1
    str r1, [sp, #COUNT]
    bne.w 2b
    LEAVE \kind
    .size \name, . - \name
.endm

/* --- columns -------------------------------------------------------------- *
 *
 *   r0   x              r1       out         r2, r3   plane, three times that
 *   r4   bias           r5       c           r6       first | last << 1
 *   r7   pairs left     r8, r9   two pixels  r10..r12 what becomes of them
 *   lr   rows left */

/* r8, r9 to a word of each channel. */
.macro PUT
    pkhbt r10, r8, r9, lsl #16
    pkhtb r11, r9, r8, asr #16
    sxtab16 r12, r4, r10, ror #8
    str r12, [r1, r2]
    sxtab16 r12, r4, r11
    str r12, [r1, r2, lsl #1]
    sxtab16 r11, r4, r11, ror #8
    str r11, [r1, r3]
    sxtab16 r10, r4, r10
    str r10, [r1], #4
.endm

    .section .text.tp_dsp_columns, "ax", %progbits
    .global tp_dsp_columns
    .type tp_dsp_columns, %function
    .thumb_func
tp_dsp_columns:
    push {r4-r11, lr}
    sub sp, #16                 /* next_x, next_out, pad, pairs */
    ldr lr, [r0, #44]
    add r1, r0, #28
    ldm r1, {r8-r11}
    stm sp, {r8-r11}
    ldm r0, {r0-r6}
1:  ldr r7, [sp, #12]
    lsls r10, r6, #31
    beq 2f
    ldr r8, [sp, #8]
    ldr r9, [r0]
    add r0, r5
    PUT
2:  cbz r7, 4f
3:  ldr r8, [r0]
    ldr r9, [r0, r5]
    add r0, r0, r5, lsl #1
    PUT
    subs r7, #1
    bne 3b
4:  lsls r10, r6, #30
    bpl 5f
    ldr r8, [r0]
    ldr r9, [sp, #8]
    add r0, r5
    PUT
5:  ldrd r10, r11, [sp]
    add r0, r10
    add r1, r11
    subs lr, #1
    bne 1b
    add sp, #16
    pop {r4-r11, pc}
    .size tp_dsp_columns, . - tp_dsp_columns

/* --- keep ----------------------------------------------------------------- */

    .section .text.tp_dsp_keep, "ax", %progbits
    .global tp_dsp_keep
    .type tp_dsp_keep, %function
    .thumb_func
tp_dsp_keep:
    push {r4-r8, lr}
    movs r6, #4
1:  mov r4, r0
    mov r5, r1
    lsrs r12, r2, #1
    beq 3f
2:  ldrd r7, r8, [r5], #8
    subs r12, #1
    strd r7, r8, [r4], #8
    bne 2b
3:  lsls r7, r2, #31
    beq 4f
    ldr r7, [r5]
    str r7, [r4]
4:  add r0, r3
    add r1, r3
    subs r6, #1
    bne 1b
    pop {r4-r8, pc}
    .size tp_dsp_keep, . - tp_dsp_keep

/* --- words of a map of gradients ------------------------------------------ *
 *
 *   r0  y    r1  c    r2  words left    r3  what is found    r12  -1, or 1 */

.macro PEAK v
    ssub8 r6, r12, \v            /* -1 - v, and whether that is >= 0 */
    sel \v, r6, \v
    orr r3, \v
.endm

    .section .text.tp_dsp_peak, "ax", %progbits
    .global tp_dsp_peak
    .type tp_dsp_peak, %function
    .thumb_func
tp_dsp_peak:
    push {r4-r8, lr}
    movs r3, #0
    mov r12, #-1
    ands lr, r2, #3
    beq 2f
1:  ldr r4, [r0]
    add r0, r1
    PEAK r4
    subs lr, #1
    bne 1b
2:  lsrs r2, r2, #2
    beq 4f
    add lr, r1, r1, lsl #1
3:  ldr r4, [r0]
    ldr r5, [r0, r1]
    ldr r7, [r0, r1, lsl #1]
    ldr r8, [r0, lr]
    add r0, r0, r1, lsl #2
    PEAK r4
    PEAK r5
    PEAK r7
    PEAK r8
    subs r2, #1
    bne 3b
4:  mov r0, r3
    pop {r4-r8, pc}
    .size tp_dsp_peak, . - tp_dsp_peak

.macro CLIP regs:vararg          /* -128 becomes -127 */
    .irp v, \regs
    qsub8 \v, \v, r12
    sadd8 \v, \v, r12
    .endr
.endm

    .section .text.tp_dsp_clip, "ax", %progbits
    .global tp_dsp_clip
    .type tp_dsp_clip, %function
    .thumb_func
tp_dsp_clip:
    push {r4-r6, lr}
    mov r12, #0x01010101
    ands lr, r2, #3
    beq 2f
1:  ldr r3, [r0]
    CLIP r3
    str r3, [r0]
    add r0, r1
    subs lr, #1
    bne 1b
2:  lsrs r2, r2, #2
    beq 4f
    add lr, r1, r1, lsl #1
3:  ldr r3, [r0]
    ldr r4, [r0, r1]
    ldr r5, [r0, r1, lsl #1]
    ldr r6, [r0, lr]
    CLIP r3, r4, r5, r6
    str r4, [r0, r1]
    str r5, [r0, r1, lsl #1]
    str r6, [r0, lr]
    str r3, [r0]
    add r0, r0, r1, lsl #2
    subs r2, #1
    bne 3b
4:  pop {r4-r6, pc}
    .size tp_dsp_clip, . - tp_dsp_clip

    STRIP tp_dsp_strip_fwd_1, fwd, 1, 1, 1
    STRIP tp_dsp_strip_fwd_2, fwd, 1, 2, 2
    STRIP tp_dsp_strip_fwd_3, fwd, 1, 3, 2
    STRIP tp_dsp_strip_fwd_4, fwd, 1, 4, 3
    STRIP tp_dsp_strip_fwd_5, fwd, 1, 5, 3
    STRIP tp_dsp_strip_fwd_6, fwd, 1, 6, 4, r12, r7
    STRIP tp_dsp_strip_two_1, fwd, 2, 1, 2
    STRIP tp_dsp_strip_two_2, fwd, 2, 2, 3
    STRIP tp_dsp_strip_two_3, fwd, 2, 3, 4
    STRIP tp_dsp_strip_two_4, fwd, 2, 4, 5
    STRIP tp_dsp_strip_bwd_1, bwd, 1, 1, 1
    STRIP tp_dsp_strip_bwd_2, bwd, 1, 2, 2
    STRIP tp_dsp_strip_bwd_3, bwd, 1, 3, 2
    STRIP tp_dsp_strip_bwd_4, bwd, 1, 4, 3
    STRIP tp_dsp_strip_bwd_5, bwd, 1, 5, 3
    STRIP tp_dsp_strip_bwd_6, bwd, 1, 6, 4, r12, r7
