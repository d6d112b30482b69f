/* Constants of runtime/kernels/scalar/stair.h for a channel, with the proof
 * that they give the byte of `ref` for every sum. */
#ifndef TP_COMPILER_OPS_STAIRS_H
#define TP_COMPILER_OPS_STAIRS_H

#include "compiler/ops/opdef.h"

typedef struct tp_stairs {
    int32_t m, s; /* requantisation, as in tp_factor */
    int32_t y_zp, y_min, y_max;
    int64_t start;  /* of the sum, without inputs */
    int64_t lo, hi; /* all sums that there are */
    bool open;      /* anything may be added to them, saturated */
} tp_stairs;

/* words [TP_STAIR_WORDS]; false where there are none. */
bool tp_stairs_make(const tp_stairs *in, int32_t *words);

#endif
