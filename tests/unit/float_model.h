/* The forward part of a graph and its loss in float64 and real units: no
 * rounding, no int8 grid. What whole adapters' gradients are checked against.
 *
 * Real units, by type: s8, u8 scale * (q - zero point); s16 2^-13 for
 * parameters, 2^-8 for logits; q8 v * 2^e; q16 (u = A x of a LoRA branch) that
 * times the scale of x. Biases (s32) stay in steps of their accumulator, whose
 * size only the convolution knows. The graph is one before the pass fold, which
 * hides zero points in them.
 *
 * Where tp_op_clamps() says so, and for functions of one byte, a value is held
 * within the range of its type and fused activation, in real units.
 *
 * Anchored, the model is the same function moved to where the integers are:
 * each op's result is shifted by a constant, so that at the anchor every
 * tensor has exactly the value that the integers have; and each kink (clamp,
 * ReLU, largest of a pool) stays on the side on which the integers are. Its
 * derivative is the "straight-through" gradient, which the backward kernels
 * claim to compute. */
#ifndef TP_TESTS_FLOAT_MODEL_H
#define TP_TESTS_FLOAT_MODEL_H

#include "compiler/ir/ir.h"

typedef struct tp_float_model {
    const tp_graph *graph;
    double **value; /* [n_tensors] real values; NULL: not of the forward part */
    double *step;   /* [n_tensors] real size of one integer step */
    double **base;  /* [n_tensors] values at the anchor; NULL: not anchored */
    double **shift; /* [n_tensors] from the op's result to that value */
    bool **held;    /* [n_tensors] true: the value does not move */
    int first;      /* ops before this one are not evaluated again */
} tp_float_model;

/* Constants are read; input, target and parameters are 0. All memory is the
 * arena's. TP_ERR_NO_MEMORY or TP_OK. */
TP_MUST_CHECK tp_status tp_float_open(tp_arena *arena, const tp_graph *graph,
                                      tp_float_model *model);

/* Sets tensor's value from its integers as they are stored, header included. */
void tp_float_read(tp_float_model *model, int tensor, const void *bytes);

/* Anchors the model at the present values of all tensors, which tp_float_read()
 * must have set for every op of the forward part.
 *   worst  [out] largest distance between a tensor and what its op makes of
 *          its inputs, in integer steps
 *   where  [out] the op where that is */
TP_MUST_CHECK tp_status tp_float_anchor(tp_arena *arena, tp_float_model *model,
                                        double *worst, const char **where);

/* Runs the ops from model->first on; returns the loss of the present input,
 * target and parameters. Of the type that tp_check_slope() takes. */
double tp_float_loss(const void *model);

/* One op of the forward part, without clamp or shift; in float_ops.c.
 *   y  [out] [elements of the output] */
void tp_float_op(const tp_float_model *model, const tp_op *op, double *y);

#endif
