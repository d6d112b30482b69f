/* The B of a LoRA branch as sums.h has it. */
#ifndef TP_KERNELS_DSP_BRANCH_H
#define TP_KERNELS_DSP_BRANCH_H

#include <stdbool.h>

#include "tinypeft/ops.h"

/* Of each channel its weights and its factor.
 *   e   exponent of a product of B and u
 *   to  [out] int32 [out_c][tp_dsp_branch_words() + 1]
 * True where what some channel adds to a sum may leave 22 bits: then its kernel
 * must be `wide`. */
bool tp_dsp_branch_load(const tp_conv2d_dsp *op, const tp_q8 *b, int e,
                        int32_t *to);

#endif
