/* How the `scalar` kernels lay out their scratch. */
#ifndef TP_COMPILER_OPS_SCALAR_LAYOUT_H
#define TP_COMPILER_OPS_SCALAR_LAYOUT_H

#include "core/fixed.h"
#include "tinypeft/ops.h"

#define TP_SCALAR_PLANE                                                        \
    512 /* bytes of x that a depthwise layer holds, if these                   \
           are enough for one window */

/* tp_conv2d_scalar.rows: as few as a window needs, or as many as all need, or
 * what fits between. */
static inline int32_t tp_conv_scalar_rows(const tp_conv2d *d) {
    const int32_t all = (d->out_h - 1) * d->stride_h + d->k_h;
    const int32_t row = (d->out_w - 1) * d->stride_w + d->k_w;
    return tp_clamp32(TP_SCALAR_PLANE / row, d->k_h, all);
}

#endif
