/* Adapter weights that are computed where they are used instead of stored. */
#include "core/fixed.h"
#include "core/rng.h"
#include "tinypeft/kernels.h"

/* Frozen random weights: the A of LoRA-FA, the A and B of VeRA.
 *   op  rows of n values, of which those in `keep` are wanted; seed; standard
 *       deviation 13.04 * m / 128 * 2^e
 *   w   [out] q8 [rows kept][n], exponent op->e; the same for the same op,
 *       everywhere
 *       w = round(g * m / 128), g of tp_rng_gauss_s8()
 * Bound: |g * m| <= 60 * 255, so |w| <= 120. One number of the generator a
 * weight, no second pass for the exponent: about 20 instructions a weight, so
 * that drawing them again costs less than the products they take part in.
 * Cannot fail. Source: Zhang et al. 2023, arXiv:2308.03303. */
void tp_random_q8_fwd_ref(const tp_random *op, tp_q8 *w) {
    uint32_t rng = tp_rng_seed((uint32_t)op->seed);
    int8_t *out = w->v;
    for (uint32_t rows = op->keep > 0 ? (uint32_t)op->keep : 1u; rows != 0;
         rows >>= 1) {
        for (int32_t i = 0; i < op->n; i++) {
            const int32_t g = tp_rng_gauss_s8(&rng);
            if ((rows & 1u) != 0) {
                *out++ = (int8_t)((g * op->m + 64) >> 7);
            }
        }
    }
    w->e = (int8_t)op->e;
    w->reserved[0] = w->reserved[1] = w->reserved[2] = 0;
}

/* Room above the largest code: what the exponents of two ranks may differ by
 * without loss. 7 << 4 and 1 << 6 fit seven bits. */
static int32_t headroom(int32_t bits) {
    return bits == 4 ? 4 : 6;
}

/* The code at place i, two's complement. */
static int32_t code_at(const uint8_t *codes, int32_t bits, int32_t i) {
    const int32_t each = 8 / bits;
    const int32_t raw = codes[i / each] >> (i % each * bits);
    const int32_t sign = INT32_C(1) << (bits - 1);
    return ((raw & (2 * sign - 1)) ^ sign) - sign;
}

/* Weights of few bits to the int8 that the branch computes with.
 *   op      n, bits (4 or 2), ranks in [1, 16], stride
 *   packed  [in]  see tinypeft/types.h
 *   w       [out] q8 [n], exponent: that of the largest rank less 4 or 6
 *       w[i] = round(code * 2^(e[rank of i] - w.e)); a rank that is 2^4 (2^6)
 *       times smaller than the largest begins to lose bits
 * Bound: |code| << 4 <= 112, 1 << 6 = 64.
 * Cannot fail. Source: none; storage alone. */
void tp_unpack_q8_fwd_ref(const tp_unpack *op, const uint8_t *packed,
                          tp_q8 *w) {
    const int8_t *e = (const int8_t *)packed;
    const uint8_t *codes = packed + tp_packed_header((uint32_t)op->ranks);
    int32_t top = e[0];
    for (int32_t r = 1; r < op->ranks; r++) {
        top = tp_max32(top, e[r]);
    }
    const int32_t out = top - headroom(op->bits);
    for (int32_t i = 0; i < op->n;) {
        for (int32_t r = 0; r < op->ranks; r++) {
            const int shift = out - e[r];
            for (int32_t k = 0; k < op->stride; k++, i++) {
                const int32_t code = code_at(codes, op->bits, i);
                w->v[i] = (int8_t)tp_shift_round(code, shift);
            }
        }
    }
    w->e = (int8_t)out;
    w->reserved[0] = w->reserved[1] = w->reserved[2] = 0;
}
