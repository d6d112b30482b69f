/* An adapter merged into a .tflite file: trained biases and scales go into the
 * numbers that the file has for them, so that any interpreter of the file
 * infers with them. The file keeps its length and everything else. */
#ifndef TP_COMPILER_MERGE_H
#define TP_COMPILER_MERGE_H

#include "compiler/plan/plan.h"

/* What becomes of one operator of the file. */
typedef struct tp_merge_layer {
    const char *slot;
    int source;          /* operator of the file */
    int32_t n;           /* output channels */
    const int64_t *bias; /* added to each bias; NULL: none is */
    const float *scale;  /* of the weights, for each channel; NULL: as it was */
    int32_t exact;       /* channels whose factor is the trained one, bit for
                            bit */
    double error;        /* largest relative error of a factor */
} tp_merge_layer;

typedef struct tp_merge {
    tp_merge_layer *layer;
    int n;
} tp_merge;

/* Reads bitfit and scale parameters of an adapter.
 *   plan     with no other parameters
 *   adapter  [in] as inference reads it */
TP_MUST_CHECK tp_status tp_merge_read(tp_arena *arena, const tp_plan *plan,
                                      const uint8_t *adapter, tp_merge *out,
                                      tp_diag *diag);

/* Writes them into a copy of the file.
 *   out  [out] n bytes, in the arena
 * TP_ERR_UNSUPPORTED: the file has no place for one of them; the message says
 * which, and what would work. */
TP_MUST_CHECK tp_status tp_merge_write(tp_arena *arena, const tp_merge *merge,
                                       const uint8_t *bytes, size_t n,
                                       uint8_t **out, tp_diag *diag);

#endif
