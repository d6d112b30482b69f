/* The heart of the depthwise `dsp` kernels: channels of a strip, which is a few
 * columns of the output, down some rows; windows of 3x3. strip.S is for cores
 * with the DSP extension (Armv7E-M, Armv8-M); strip.c says the same in C, is
 * what the host runs, and is the test of strip.S.
 *
 * A word of x holds two columns, and SMLAD multiplies both. For stride 1 an
 * output in an even place takes its taps as (w0, w1) and w2, one in an odd
 * place as w0 and (w1, w2), so that no pair is ever put together anew.
 *
 * Forward, weights come as 2^t times what they are, 2 <= t <= 8, so that one
 * shift by a constant, which SSAT has built in, serves all channels. With m and
 * e = -s of the channel's tp_factor and t = TP_STRIP_SHIFT + 1 - e,
 *     y = ((A m + 2^30 >> 31) + 2^(e-1) >> e) + zp
 *       = (2^t A m >> 32) + R >> TP_STRIP_SHIFT,
 *     R = (zp << TP_STRIP_SHIFT) + 2^(TP_STRIP_SHIFT - 1) + 2^(t - 2)
 * which is TensorFlow Lite's rounding but for the ties of negative sums; these
 * end at the lower clamp here. */
#ifndef TP_KERNELS_DSP_STRIP_H
#define TP_KERNELS_DSP_STRIP_H

#include <stdint.h>

#define TP_STRIP_SHIFT 10
#define TP_STRIP_T_MIN 2
#define TP_STRIP_T_MAX 8

#define TP_STRIP_MOST 6   /* outputs of a strip, stride 1 */
#define TP_STRIP_MOST_2 4 /* stride 2 */

/* A call: `count` channels.
 *   channel  [count] {(w0, w1), (w1, w2) of each row of the window, then start,
 *            m, R}; backward: start is 0, R is not used
 *   x        [rows][words of the strip]: two columns each, the lower half first
 *   y        c bytes from column to column (c3 is three times that), `pitch`
 *            from row to row, 1 from channel to channel
 *   bytes    of x, from the first window to that behind the last
 *   plane    bytes of x from channel to channel
 *   left     with `right`, backward: the sum becomes
 *            v = sum * (m << left >> right) + 2^31 >> 32, saturated to int8
 *   beyond   [in/out] backward: set to 1 where a v was not an int8
 * Bound, kept by the planner: no sum leaves 32 bits. */
typedef struct tp_dsp_strip {
    const int32_t *channel;
    const uint32_t *x;
    int8_t *y;
    int32_t c, c3, pitch;
    int32_t bytes, plane;
    int32_t count;
    int32_t left, right;
    uint32_t beyond;
} tp_dsp_strip;

/* Rows of four channels of a strip, two columns to a word:
 *   x      the first column that is read; c bytes from column to column
 *   out    `plane` bytes from channel to channel, plane3 is three times that
 *   bias   added to both halves of a word
 *   edges  1: the first word is padding and a column, 2: the last is a column
 *            and padding
 *   next_x, next_out  bytes from the end of a row to the next one
 *   pad    four bytes of padding
 *   pairs  words of two columns of x */
typedef struct tp_dsp_columns_of {
    const int8_t *x;
    uint32_t *out;
    int32_t plane, plane3;
    uint32_t bias;
    int32_t c;
    int32_t edges;
    int32_t next_x, next_out;
    uint32_t pad;
    int32_t pairs;
    int32_t rows; /* >= 1 */
} tp_dsp_columns_of;

void tp_dsp_columns(const tp_dsp_columns_of *t);

/* OR of n words, c bytes apart, each of four bytes: of v, of -1 - v where v <
 * 0.
 */
uint32_t tp_dsp_peak(const int8_t *y, int32_t c, int32_t n);
/* Makes their -128 to -127. n >= 1 */
void tp_dsp_clip(int8_t *y, int32_t c, int32_t n);

/* Copies words of four channels, each `plane` bytes behind the one before, to
 * lower addresses. */
void tp_dsp_keep(uint32_t *to, const uint32_t *from, int32_t words,
                 int32_t plane);

/* By the number of outputs. Where it is odd the column right of the last is
 * padding, counts as zero and is not in x; even numbers and stride 2 have all
 * their columns: n + 2, n + 1, 2 n + 1 (and one that is not read). */
void tp_dsp_strip_fwd_1(tp_dsp_strip *t);
void tp_dsp_strip_fwd_2(tp_dsp_strip *t);
void tp_dsp_strip_fwd_3(tp_dsp_strip *t);
void tp_dsp_strip_fwd_4(tp_dsp_strip *t);
void tp_dsp_strip_fwd_5(tp_dsp_strip *t);
void tp_dsp_strip_fwd_6(tp_dsp_strip *t);
void tp_dsp_strip_two_1(tp_dsp_strip *t); /* stride 2 */
void tp_dsp_strip_two_2(tp_dsp_strip *t);
void tp_dsp_strip_two_3(tp_dsp_strip *t);
void tp_dsp_strip_two_4(tp_dsp_strip *t);
void tp_dsp_strip_bwd_1(tp_dsp_strip *t);
void tp_dsp_strip_bwd_2(tp_dsp_strip *t);
void tp_dsp_strip_bwd_3(tp_dsp_strip *t);
void tp_dsp_strip_bwd_4(tp_dsp_strip *t);
void tp_dsp_strip_bwd_5(tp_dsp_strip *t);
void tp_dsp_strip_bwd_6(tp_dsp_strip *t);

#endif
