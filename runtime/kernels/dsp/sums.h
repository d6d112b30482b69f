/* The tiles of tile.h for training: the same sums of two pixels and four
 * channels, and other things that become of them. sums.S is for cores with the
 * DSP extension, sums.c says the same in C and is what the host runs. A map
 * with an odd number of pixels ends with one pixel twice, at a stride of 0.
 *
 *   scaled  v = R(S * 2^-s): one multiplication by 2^(32-s), s >= 2
 *   u       scaled, as int16
 *   back    scaled, noted in the peak, saturated to [-127, 127]
 *   branch  the same, with R(T * 2^-t) added before, T the sum of a branch
 *   lora    requantised as in tile.h, with R(T * m / 2^32) added to the sum
 *           before; `plain` as there. With `then`, the call begins with groups
 *           of u as above, whose products it adds, and goes on with `then` */
#ifndef TP_KERNELS_DSP_SUMS_H
#define TP_KERNELS_DSP_SUMS_H

#include <stdint.h>

#define TP_SUMS_RANK 8 /* most products of a branch; they come in fours */

/* Groups of four channels, their outputs from `y` to `y_end`, the second
 * pixel's `stride` bytes behind. */
typedef struct tp_dsp_then {
    const int32_t *w; /* NULL: nothing follows */
    const int32_t *channel, *branch;
    int8_t *y;
    int32_t stride;
    int8_t *y_end;
} tp_dsp_then;

/* A call.
 *   w        as in tile.h
 *   act      [pair][2]{k, k'}, int16
 *   y        int8, u: int16 [channels]
 *   branch   of each channel its products' int16 {r0, r1; r2, r3}, as many
 *            fours as there are; lora: and m
 *   channel  lora: as in tile.h; u: [group]{S, 256 S' + S, the same of c2 and
 *            c3}, what the sums start from; back, branch: four words of 0
 *   up, down lora: as in tile.h
 *   even, odd, t  2^(32-s), 2^(24-s), 2^(32-t), each as an integer or 0
 *   peak     [in/out] the OR of all v < 0 ? -1 - v : v
 *   u        of each pixel as branch has it
 *   then     lora: what follows where the call begins with u, which replaces
 *            t->u
 *   entry    0 in the first of several calls with as many activations; then
 * what the kernels keep there for the others Bounds, kept by the caller: 256
 * |S1| + |S0| < 2^31, |T| < 2^31, |v| + |R(T 2^-t)| < 2^31; u fits int16; lora:
 * those of tile.h, and of odd channels 512 |A| < 2^30; what is added to these
 * is below 2^21, or `wide` first holds it within 22 bits. */
typedef struct tp_dsp_sums {
    const int32_t *w;
    const uint32_t *act;
    const int32_t *channel, *branch;
    int8_t *y;
    int32_t stride;
    int8_t *y_end;
    const uint32_t *act_end;
    uint32_t up, down;
    int32_t even, odd, t;
    uint32_t peak;
    uint32_t u[2][TP_SUMS_RANK / 2];
    tp_dsp_then then;
    uint32_t entry[2];
} tp_dsp_sums;

void tp_dsp_sums_u(tp_dsp_sums *t);
void tp_dsp_sums_back(tp_dsp_sums *t);
/* Of four products, of eight. */
void tp_dsp_sums_branch1(tp_dsp_sums *t);
void tp_dsp_sums_branch2(tp_dsp_sums *t);
void tp_dsp_sums_lora_plain1(tp_dsp_sums *t);
void tp_dsp_sums_lora_plain1_wide(tp_dsp_sums *t);
void tp_dsp_sums_lora_plain2_wide(tp_dsp_sums *t);
void tp_dsp_sums_lora1(tp_dsp_sums *t);
void tp_dsp_sums_lora1_wide(tp_dsp_sums *t);
void tp_dsp_sums_lora2_wide(tp_dsp_sums *t);

/* Words of a branch of so many ranks. */
static inline int32_t tp_dsp_branch_words(int32_t rank) {
    return rank <= 4 ? 2 : 4;
}

/* 2^(32-s) as a multiplier; 0 where it is less than 1: all that is multiplied
 * with it rounds to 0. s >= 2. */
static inline int32_t tp_dsp_power(int s) {
    return s > 32 ? 0 : (int32_t)(UINT32_C(1) << (32 - s));
}

#endif
