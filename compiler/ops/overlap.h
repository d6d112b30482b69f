/* How far an op's output and its input must lie apart where one is written
 * over the other: diagonal memory optimisation, Blacker et al. 2020,
 * arXiv:2010.01000, with the exact distance of each geometry, in both orders.
 */
#ifndef TP_COMPILER_OPS_OVERLAP_H
#define TP_COMPILER_OPS_OVERLAP_H

#include "compiler/ops/opdef.h"

/* One axis of a map whose windows make y from x. */
typedef struct tp_map_axis {
    int32_t x, y; /* places */
    int32_t k, stride, dilation, before;
} tp_map_axis;

/* A kernel that walks a map pixel by pixel: reads what the pixel is made of,
 * in any order, as long as it is at the pixel; writes the pixel at any time
 * while it is there. Or one that takes some pixels at a time and reads all that
 * they are made of before it writes them. */
typedef struct tp_map {
    tp_map_axis h, w;
    int32_t x_bytes, y_bytes; /* of a pixel */
    bool backward;            /* it makes dx from dy */
    int32_t gathers;          /* as in tp_overlap */
} tp_map;

/* Both distances, for tensors with headers of the same size: a header is read
 * before the first pixel is written, and written after the last is read. */
void tp_overlap_map(const tp_map *map, tp_overlap *out);

#endif
