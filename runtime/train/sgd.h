/* The optimiser: one update from the accumulated gradients, in parts. */
#ifndef TP_RUNTIME_SGD_H
#define TP_RUNTIME_SGD_H

#include "tinypeft/train.h"

/* First part: the global norm of the batch's mean gradient, and the factor
 * that clips it, to state->scale.
 * TP_ERR_UNDONE: the norm is out of range; nothing was changed. */
TP_MUST_CHECK tp_status tp_sgd_scale(const tp_ctx *ctx);

/* One part for each parameter: momentum, master, working weights. */
void tp_sgd_param(const tp_ctx *ctx, uint32_t index);

/* Gradients to 0. */
void tp_sgd_clear(const tp_ctx *ctx);

/* Masters from the adapter, momentum and gradients to 0. */
void tp_sgd_restart(const tp_ctx *ctx);

/* Before and after a sample that updates the weights as it goes. */
void tp_sgd_online_begin(const tp_ctx *ctx);
void tp_sgd_online_end(const tp_ctx *ctx);

/* Moves every delayed gradient scale to what the last update saw. */
void tp_gscales_next(const tp_ctx *ctx);

#endif
