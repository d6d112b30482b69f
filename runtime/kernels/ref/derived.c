/* Adapter weights that are computed where they are used instead of stored. */
#include "core/rng.h"
#include "tinypeft/kernels.h"

/* Frozen random weights: the A of LoRA-FA, the A and B of VeRA.
 *   op  n values; seed; standard deviation 13.04 * m / 128 * 2^e
 *   w   [out] q8 [n], exponent op->e; the same for the same op, everywhere
 *       w = round(g * m / 128), g of tp_rng_gauss_s8()
 * Bound: |g * m| <= 60 * 255, so |w| <= 120. One number of the generator a
 * weight, no second pass for the exponent: about 20 instructions a weight, so
 * that drawing them again costs less than the products they take part in.
 * Cannot fail. Source: Zhang et al. 2023, arXiv:2308.03303. */
void tp_random_q8_fwd_ref(const tp_random *op, tp_q8 *w) {
    uint32_t rng = tp_rng_seed((uint32_t)op->seed);
    for (int32_t i = 0; i < op->n; i++) {
        w->v[i] = (int8_t)((tp_rng_gauss_s8(&rng) * op->m + 64) >> 7);
    }
    w->e = (int8_t)op->e;
    w->reserved[0] = w->reserved[1] = w->reserved[2] = 0;
}
