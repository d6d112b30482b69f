/* The order in which a kernel computes the pixels of its output. Where the
 * output lies over the input, the planner chooses it such that no pixel is
 * written over one that is still to be read. */
#ifndef TP_KERNELS_REF_WALK_H
#define TP_KERNELS_REF_WALK_H

#include <stdint.h>

/* The i-th of n rows or columns: first to last, or last to first. */
static inline int32_t tp_walk(int32_t reverse, int32_t i, int32_t n) {
    return reverse != 0 ? n - 1 - i : i;
}

#endif
