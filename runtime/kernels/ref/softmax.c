#include "runtime/kernels/ref/fixed_exp.h"
#include "tinypeft/kernels.h"

#define SUM_BITS 12 /* integer bits of the sum of exponentials */

#define KEPT 32 /* exponentials that are not computed twice */

/* The exponential of a row's element relative to the row's largest, Q0; 0 below
 * diff_min. |diff| * 2^s < 31 * 2^26 < 2^31 for diff >= diff_min, by the choice
 * of diff_min; the compiler caps s at 30. */
static int32_t exp_of(const tp_softmax *op, int32_t diff) {
    return diff < op->diff_min
               ? 0
               : tp_exp_negative(tp_mbqm(diff, op->beta.m, op->beta.s), 5);
}

static int32_t largest(const int8_t *x, int32_t n) {
    int32_t max = x[0];
    for (int32_t c = 1; c < n; c++) {
        max = tp_max32(max, x[c]);
    }
    return max;
}

/* Q12. Each term is at most 2^19: with n <= 4095 below 2^31. Terms are not
 * negative. Keeps the exponentials of the first elements. */
static uint32_t sum_exp(const tp_softmax *op, const int8_t *x, int32_t max,
                        int32_t kept[KEPT]) {
    const uint32_t half = UINT32_C(1) << (SUM_BITS - 1);
    uint32_t sum = 0;
    for (int32_t c = 0; c < op->cols; c++) {
        const int32_t e = exp_of(op, x[c] - max);
        sum += ((uint32_t)e + half) >> SUM_BITS;
        if (c < KEPT) {
            kept[c] = e;
        }
    }
    return sum;
}

static void row(const tp_softmax *op, const int8_t *x, int8_t *y) {
    int32_t kept[KEPT];
    const int32_t max = largest(x, op->cols);
    const uint32_t sum = sum_exp(op, x, max, kept);
    /* sum = (1 + a) * 2^above with a in [0, 1) as Q0; sum >= 1, the term of
     * the largest element itself. */
    const int lead = 32 - tp_bits32(sum);
    const int above = SUM_BITS - lead;
    const int32_t a = (int32_t)((sum << lead) - UINT32_C(0x80000000));
    const int32_t scale = tp_reciprocal_one_plus(a);
    const int shift = above + 31 - 8;

    for (int32_t c = 0; c < op->cols; c++) {
        int32_t v = 0;
        /* A shift of 32 and more leaves nothing: the probability is below
         * 1/512. The original stops the program there. */
        if (shift <= 31) {
            const int32_t e = c < KEPT ? kept[c] : exp_of(op, x[c] - max);
            v = tp_rdbpot(tp_srdhm(scale, e), shift);
        }
        y[c] = (int8_t)tp_min32(v - 128, 127);
    }
}

/* Softmax of each row.
 *   op   beta: scale of x times beta, to Q5; diff_min <= 0: differences below
 *        count as minus infinity; cols in [1, 4095]
 *   x    [in]  int8 [rows][cols]; its zero point cancels
 *   y    [out] int8 [rows][cols], scale 1/256, zero point -128
 * y may be x. Bounds: see the helpers above.
 * Source: TensorFlow Lite Micro, reference softmax of int8. */
void tp_softmax_s8_fwd_ref(const tp_softmax *op, const int8_t *x, int8_t *y) {
    for (int32_t n = 0; n < op->rows; n++) {
        row(op, x + n * op->cols, y + n * op->cols);
    }
}
