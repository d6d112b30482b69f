/* Arithmetic on tp_bfp, for norms and factors whose range no fixed point
 * holds. Every operation is right to 2^-30 of its result. */
#ifndef TP_CORE_BFP_H
#define TP_CORE_BFP_H

#include <stdbool.h>
#include <stdint.h>

#include "tinypeft/types.h"

/* x * 2^e. */
tp_bfp tp_bfp_of(uint64_t x, int32_t e);

tp_bfp tp_bfp_mul(tp_bfp a, tp_bfp b);
tp_bfp tp_bfp_add(tp_bfp a, tp_bfp b);
tp_bfp tp_bfp_div(tp_bfp a, tp_bfp b); /* a / b; 0 where b is 0 */
tp_bfp tp_bfp_sqrt(tp_bfp a);
bool tp_bfp_less(tp_bfp a, tp_bfp b);

/* floor(n / d) for d >= 2^31 and n < d * 2^32. A division of 64 bits is a call
 * of 700 bytes on the device; this takes two of 32. */
uint32_t tp_divide(uint64_t n, uint32_t d);

#endif
