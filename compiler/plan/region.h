/* The arena in several memories: which block goes where. */
#ifndef TP_COMPILER_REGION_H
#define TP_COMPILER_REGION_H

#include "compiler/plan/place.h"
#include "compiler/plan/plan.h"

typedef struct tp_spread {
    const tp_region *region; /* [n_regions] fastest first */
    int n_regions;
    tp_block *block;     /* [n] region and offset are written; what lay over a
                            block of another region no longer does */
    const int64_t *heat; /* [n] bytes that the steps read and write */
    int n, effort;
    uint32_t bytes[TP_MAX_REGIONS]; /* [out] taken of each */
    int homeless;                   /* [out] a block that fits nowhere, ... */
    int nearest;                    /* ... the region that lacks least, ... */
    uint32_t missing;               /* ... and how much */
} tp_spread;

/* Gives each block, the most accessed per byte first, the fastest region where
 * it still fits; where that ends badly, the largest first. TP_ERR_BUDGET: a
 * block fits nowhere. TP_ERR_NO_MEMORY. */
TP_MUST_CHECK tp_status tp_spread_blocks(tp_spread *s);

#endif
