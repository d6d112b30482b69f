/* What the pools of all instruction sets share: which part of the map a window
 * covers, and the mean of a sum. */
#ifndef TP_KERNELS_REF_POOL_H
#define TP_KERNELS_REF_POOL_H

#include <stdbool.h>

#include "core/fixed.h"
#include "runtime/kernels/ref/walk.h"
#include "tinypeft/ops.h"

/* A range of rows or columns. */
typedef struct tp_span {
    int32_t first, end;
} tp_span;

/* The part of the map of n places that window o covers, along one axis. */
static inline tp_span tp_pool_span(int32_t o, int32_t stride, int32_t pad,
                                   int32_t k, int32_t n) {
    const int32_t origin = o * stride - pad;
    return (tp_span){tp_max32(origin, 0), tp_min32(origin + k, n)};
}

static inline tp_span tp_pool_rows(const tp_pool *op, int32_t oy) {
    return tp_pool_span(oy, op->stride_h, op->pad_t, op->k_h, op->in_h);
}

static inline tp_span tp_pool_cols(const tp_pool *op, int32_t ox) {
    return tp_pool_span(ox, op->stride_w, op->pad_l, op->k_w, op->in_w);
}

/* Elements from the start of x to channel 0 of a place. */
static inline int32_t tp_pool_at(const tp_pool *op, int32_t iy, int32_t ix) {
    return (iy * op->in_w + ix) * op->c;
}

/* The places of a window: `runs` runs of n that follow each other, `pitch`
 * elements from one run to the next. Rows of a whole map are one run. */
typedef struct tp_runs {
    int32_t runs, n, pitch;
    int32_t first; /* element of x */
} tp_runs;

static inline tp_runs tp_pool_runs(const tp_pool *op, tp_span y, tp_span x) {
    const int32_t rows = y.end - y.first;
    const int32_t n = x.end - x.first;
    const bool whole = n == op->in_w;
    return (tp_runs){.runs = whole ? 1 : rows,
                     .n = whole ? rows * n : n,
                     .pitch = op->in_w * op->c,
                     .first = tp_pool_at(op, y.first, x.first)};
}

/* A count to divide by. */
typedef struct tp_share {
    int32_t count;
    uint32_t m; /* 2^24 / count, rounded up; 0: divide */
} tp_share;

#define TP_SHARE_MOST 360

static inline tp_share tp_share_of(int32_t count) {
    const int32_t m = ((1 << 24) + count - 1) / count;
    return (tp_share){count, count <= TP_SHARE_MOST ? (uint32_t)m : 0};
}

/* sum / count, halves away from zero; |sum| <= 128 count. With
 * n = |sum| + count / 2 <= 129 count, n m / 2^24 is too large by less than
 * n count / 2^24 / count, which is below 1 / count, the least distance from
 * below to an integer, while 129 count^2 < 2^24; and n m < 129 (2^24 + count)
 * < 2^32. */
static inline int32_t tp_share_mean(tp_share s, int32_t sum) {
    const uint32_t n = tp_abs32(sum) + (uint32_t)s.count / 2u;
    const uint32_t q = s.m != 0 ? n * s.m >> 24 : n / (uint32_t)s.count;
    return sum < 0 ? -(int32_t)q : (int32_t)q;
}

#endif
