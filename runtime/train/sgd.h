/* The optimiser: what the kinds of state (momentum.c, accumulate.c, online.c)
 * share. */
#ifndef TP_RUNTIME_SGD_H
#define TP_RUNTIME_SGD_H

#include "tinypeft/train.h"

/* Real size of one unit of a parameter's gradient of exponent e. */
tp_bfp tp_sgd_unit(const tp_param *param, int32_t e);

tp_bfp tp_sgd_rate(const tp_train_state *state);

/* The factor of a batch's gradient, to state->scale: 1 / samples, clipped.
 *   sum  of the squares of all its values, in real units
 * TP_ERR_UNDONE: the norm is out of range. */
TP_MUST_CHECK tp_status tp_sgd_clip(tp_train_state *state, tp_bfp sum);

/* Moves every delayed gradient scale to what the last update saw. */
void tp_gscales_next(const tp_ctx *ctx);

#endif
