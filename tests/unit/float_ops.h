/* What float_ops.c and float_layers.c share: each op of the forward part,
 * straight from its definition, in float64. */
#ifndef TP_TESTS_FLOAT_OPS_H
#define TP_TESTS_FLOAT_OPS_H

#include "compiler/ops/opdef.h"
#include "tests/unit/float_model.h"

typedef const tp_float_model fm;

static inline const tp_tensor *tensor_of(fm *m, int tensor) {
    return &m->graph->tensor[tensor];
}

static inline double scale_of(fm *m, int tensor, int c) {
    return (double)tp_scale_of(tensor_of(m, tensor), c);
}

/* Where the integers stand with input `tensor`: it decides on which side of a
 * kink an element is. */
static inline const double *sides(fm *m, int tensor) {
    return m->base != NULL ? m->base[tensor] : m->value[tensor];
}

/* RELU and its like. `side` is x, or where the integers have it. */
double tp_float_function(const tp_op *op, double x, double side);

/*   y  [out] [elements of the output] */
typedef void (*tp_float_evaluator)(fm *m, const tp_op *op, double *y);

/* Of the ops that have weights, or make them; NULL: of another op. */
extern const tp_float_evaluator tp_float_layers[TP_KIND_COUNT];

#endif
