/* The optimiser: one update from the accumulated gradients. */
#ifndef TP_RUNTIME_SGD_H
#define TP_RUNTIME_SGD_H

#include "tinypeft/train.h"

/* Global norm of the batch's mean gradient, clipped; momentum; masters;
 * working weights; gradients cleared.
 * TP_ERR_UNDONE: the norm is out of range; nothing was changed. */
TP_MUST_CHECK tp_status tp_sgd_update(const tp_ctx *ctx);

/* Masters from the adapter, momentum and gradients to 0. */
void tp_sgd_restart(const tp_ctx *ctx);

/* Moves every delayed gradient scale to what the last update saw. */
void tp_gscales_next(const tp_ctx *ctx);

#endif
