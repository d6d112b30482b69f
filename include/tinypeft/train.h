/* Training an adapter on the device: stochastic gradient descent with
 * momentum, in integers. One call a sample; every `batch` samples the
 * accumulated gradient is clipped and applied.
 *
 *     tp_train_begin(&ctx, &config);
 *     for each sample: tp_train_sample(&ctx, x, &label);
 *     tp_train_end(&ctx);
 */
#ifndef TINYPEFT_TRAIN_H
#define TINYPEFT_TRAIN_H

#include "tinypeft/model.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Field                     unit, range              default */
typedef struct tp_train_config {
    uint16_t lr_q15;       /* 2^-15, 1..32768          4096 = 1/8 */
    uint16_t momentum_q15; /* 2^-15, 0..32767          29491 = 0.9 */
    uint16_t batch;        /* samples, 1..256          16 */
    uint16_t clip_q12;     /* 2^-12, global norm       4096 = 1.0 */
    uint32_t updates;      /* planned; the rate halves at 1/3 and 2/3 of
                              them. 0: it stays */
    uint32_t seed;         /* of the stochastic rounding */
} tp_train_config;

/* clang-format off */
#define TP_TRAIN_DEFAULTS {.lr_q15 = 4096, .momentum_q15 = 29491, \
    .batch = 16, .clip_q12 = 4096, .updates = 0, .seed = 1}
/* clang-format on */

#define TP_LOSS_WINDOW 15u /* losses of past updates, for their median */

/* First part of the training state; the arrays of tp_train_layout follow. */
typedef struct tp_train_state {
    tp_train_config config;
    uint32_t rng;
    uint32_t samples;   /* in the batch that is being accumulated */
    uint32_t updates;   /* done */
    uint32_t clipped;   /* updates whose gradient norm was clipped */
    int64_t batch_loss; /* sum over `samples`, 2^-16 */
    int32_t last_loss;  /* mean of the last finished batch, 2^-16 */
    int32_t window[TP_LOSS_WINDOW];
    uint16_t undone;   /* updates undone so far */
    uint16_t lr_shift; /* the rate is halved this often */
} tp_train_state;

static inline tp_train_state *tp_train_state_of(const tp_ctx *ctx) {
    return (tp_train_state *)(void *)ctx->train;
}

/* Starts a run from the adapter as it is.
 * TP_ERR_ARGUMENT: a field of the configuration is out of its range.
 * TP_ERR_UNSUPPORTED: the model was compiled without anything to train. */
TP_MUST_CHECK tp_status tp_train_begin(const tp_ctx *ctx,
                                       const tp_train_config *config);

/* One sample: forward, loss, backward; every config.batch samples an update.
 *   x       [model->x_bytes], read during the call
 *   target  [model->target_bytes]: uint8 class, or int8 tensor for MSE
 * TP_ERR_UNDONE    the update made the loss leave its range: the adapter is
 *                  back at the last good checkpoint, the rate halved
 * TP_ERR_DIVERGED  the same for the third time; further calls do nothing and
 *                  say so again
 * TP_ERR_ARGUMENT  the class is not one of the model's */
TP_MUST_CHECK tp_status tp_train_sample(const tp_ctx *ctx, const void *x,
                                        const void *target);

/* Applies what is left of an unfinished batch. Errors as above. */
TP_MUST_CHECK tp_status tp_train_end(const tp_ctx *ctx);

/* Deterministic order of n samples for an epoch: a permutation of 0..n-1,
 * the same on host and device for the same seed and epoch. */
void tp_train_order(uint16_t *order, uint32_t n, uint32_t seed, uint32_t epoch);

#ifdef __cplusplus
}
#endif
#endif
