/* How a depthwise layer is divided for the `dsp` kernels: into strips of a few
 * columns, and into batches of rows that the scratch holds. From its geometry
 * alone. */
#ifndef TP_COMPILER_OPS_DW_STRIPS_H
#define TP_COMPILER_OPS_DW_STRIPS_H

#include <stdbool.h>

#include "tinypeft/ops.h"

#define TP_DW_GROUP 4 /* channels at a time */

typedef struct tp_dw_map {
    tp_conv2d conv;  /* as the windows see it; padding counts as zero where
                        x_zp is -128 */
    int32_t largest; /* bytes of the model's largest tensor: the arena is no
                        smaller */
    bool gradient;
} tp_dw_map;

int32_t tp_dw_strips(const tp_dw_map *map);
/* table [strips][TP_DW_STRIP]; sets rows, plane, strips and their functions of
 * *out. */
void tp_dw_lay_out(const tp_dw_map *map, int32_t *table, tp_dwconv2d_dsp *out);
/* Bytes of scratch. */
uint32_t tp_dw_scratch(const tp_dwconv2d_dsp *op);

#endif
