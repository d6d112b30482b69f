/* Counting, for the files of terms. */
#ifndef TP_COMPILER_COST_COUNT_H
#define TP_COMPILER_COST_COUNT_H

#include "compiler/plan/cost.h"

/* n as a count; 0 where a descriptor has a negative one. */
static inline uint64_t u(int64_t n) {
    return n > 0 ? (uint64_t)n : 0;
}

/* Tiles that cover n. */
static inline uint64_t tiles_of(int32_t n, int32_t tile) {
    return u((n + tile - 1) / tile);
}

#endif
