/* Walking a tensor of four dimensions, for kernels with any strides. */
#ifndef TP_KERNELS_REF_INDEX_H
#define TP_KERNELS_REF_INDEX_H

#include <stdbool.h>
#include <stdint.h>

/* Elements from the start of a tensor to the index `at`. */
static inline int32_t tp_index_offset(const int32_t stride[4],
                                      const int32_t at[4]) {
    return at[0] * stride[0] + at[1] * stride[1] + at[2] * stride[2] +
           at[3] * stride[3];
}

/* Steps an index through dim in row-major order; after the last it is back at
 * the first and the answer is false. */
static inline bool tp_index_next(const int32_t dim[4], int32_t at[4]) {
    for (int axis = 3; axis >= 0; axis--) {
        if (++at[axis] < dim[axis]) {
            return true;
        }
        at[axis] = 0;
    }
    return false;
}

#endif
