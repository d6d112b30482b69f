#include "runtime/kernels/dsp/branch.h"

#include "runtime/kernels/dsp/pack.h"
#include "runtime/kernels/dsp/simd.h"
#include "runtime/kernels/dsp/sums.h"
#include "runtime/kernels/ref/lora.h"

/* Four weights of B as sums.h has them. */
static inline int32_t *put_four(uint32_t v, int bits, uint32_t kept,
                                int32_t *to) {
    const uint32_t even = (tp_sxtb16(v) & kept) << bits;
    const uint32_t odd = (tp_sxtb16_odd(v) & kept) << bits;
    to[0] = (int32_t)tp_pack_low(even, odd);
    to[1] = (int32_t)tp_pack_high(even, odd);
    return to + 2;
}

/* B of each channel, in front of its factor. */
static void load_weights(const tp_conv2d *op, const int8_t *w, int32_t *to) {
    const int bits = tp_lora_bits(op->rank);
    const uint32_t kept = (0xFFFFu >> bits) * 0x00010001u;
    const int32_t rank = op->rank;
    const int8_t *end = w + op->out_c * rank;
    for (; rank == 4 && w < end; w += 4, to++) {
        to = put_four(tp_load32(w), bits, kept, to);
    }
    for (; w < end; w += rank, to++) {
        for (int32_t r = 0; r < rank; r += 4) {
            to = put_four(tp_dsp_part(w + r, rank - r), bits, kept, to);
        }
    }
}

/* Factors behind the words of each channel. Returns the largest. */
static int32_t load_factors(const tp_conv2d *op, int e, int32_t words,
                            int32_t *restrict to) {
    const int32_t *m = op->lora_m;
    const int32_t *end = m + op->out_c;
    const int8_t *s = op->lora_s;
    const int shift = tp_lora_bits(op->rank) - 1 - e;
    int32_t most = 0;
    for (; m < end; m++, s++) {
        const int32_t f = tp_lora_scale(*m, shift - *s);
        to += words;
        *to++ = f;
        most = tp_max32(most, f);
    }
    return most;
}

/* The sum of |B| of a channel. */
static inline uint32_t magnitude(const int8_t *b, int32_t rank) {
    uint32_t sum = 0;
    for (int32_t r = 0; r < rank; r += 4) {
        sum = tp_sum8(tp_abs8(tp_dsp_part(b + r, rank - r)), sum);
    }
    return sum;
}

/* True where what some channel adds to a sum may leave 22 bits. |T m / 2^32|,
 * rounded, is at most |B| m 2^(bits - 32) times the largest u, which has the
 * bound of the sum that is shifted. `most` is the largest m. */
static bool is_wide(const tp_conv2d_dsp *op, const int8_t *b,
                    const int32_t *branch, int32_t most) {
    const int32_t rank = op->conv.rank;
    const int32_t words = tp_dsp_branch_words(rank);
    const int32_t u = (2 * op->pairs * 255 * 127 >> op->conv.shift) + 1;
    const int bits = 41 - tp_lora_bits(rank) - tp_bits32((uint32_t)u);
    const int32_t limit = (int32_t)1 << tp_min32(bits, 30);
    const int8_t *end = b + op->conv.out_c * rank;
    const int32_t *m = branch + words;
    if (rank * 127 * ((most >> 12) + 1) < limit) {
        return false;
    }
    for (; b < end; b += rank, m += words + 1) {
        const uint32_t sum =
            rank == 4 ? tp_sum8(tp_abs8(tp_load32(b)), 0) : magnitude(b, rank);
        if ((int32_t)sum * ((*m >> 12) + 1) >= limit) {
            return true;
        }
    }
    return false;
}

bool tp_dsp_branch_load(const tp_conv2d_dsp *op, const tp_q8 *b, int e,
                        int32_t *to) {
    const int32_t words = tp_dsp_branch_words(op->conv.rank);
    load_weights(&op->conv, b->v, to);
    return is_wide(op, b->v, to, load_factors(&op->conv, e, words, to));
}
