/* Training an adapter on the device: stochastic gradient descent in integers.
 * One call a sample; every `batch` samples the accumulated gradient is clipped
 * and applied. How much state that takes was decided when the model was
 * compiled (tp_state_kind).
 *
 *     for each x: tp_train_keep(&ctx, x, sample);
 *     tp_train_begin(&ctx, &config);
 *     for each sample, many times: tp_train_sample(&ctx, sample, &label);
 *     tp_train_end(&ctx);
 *
 * A sample may be trained in slices, between other work: tp_train_slice(). */
#ifndef TINYPEFT_TRAIN_H
#define TINYPEFT_TRAIN_H

#include <stdbool.h>

#include "tinypeft/model.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Field                     unit, range              default */
typedef struct tp_train_config {
    uint16_t lr_q15;       /* 2^-15, 1..32768          4096 = 1/8 */
    uint16_t momentum_q15; /* 2^-15, 0..32767          29491 = 0.9; only
                              TP_STATE_MOMENTUM reads it */
    uint16_t batch;        /* samples, 1..256          16; accumulate: 1..16;
                              online: those whose mean loss the guard and the
                              schedule see */
    uint16_t clip_q12;     /* 2^-12, global norm       4096 = 1.0; online:
                              half of what the mean norm may reach */
    uint32_t updates;      /* planned; the rate halves at 1/3 and 2/3 of
                              them. 0: it stays */
    uint32_t seed;         /* of the stochastic rounding */
} tp_train_config;

/* In the order of the members: C++ has no names here before C++20. */
#define TP_TRAIN_DEFAULTS                                                      \
    { 4096, 29491, 16, 4096, 0, 1 }

#define TP_LOSS_WINDOW 15u /* losses of past updates, for their median */

/* First part of the training state; the arrays of tp_train_layout follow. */
typedef struct tp_train_state {
    tp_train_config config;
    uint32_t rng;
    uint32_t step;      /* of the sample in progress; 0: none is */
    int32_t loss;       /* of the sample in progress, 2^-16 */
    tp_bfp scale;       /* of the batch's gradient: 1 / batch, clipped */
    tp_bfp mean_norm;   /* online: running mean of the gradients' norms */
    tp_online online;   /* online: what this sample's updates share */
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

/* What training reads of x, to be stored as long as it is trained on: x itself
 * or, where the model was compiled so, values that no adapter changes, and an
 * update then begins behind what makes them. Any adapter may be in the context;
 * the arena is used.
 *   x       [in]  [model->x_bytes]
 *   sample  [out] [model->sample_bytes], aligned to TP_ALIGN where model->keep
 *           is not NULL; not over x
 * Not while a sample is trained in slices: the arena is that sample's. */
void tp_train_keep(const tp_ctx *ctx, const void *x, void *sample);

/* One sample: forward, loss, backward; every config.batch samples an update.
 * Finishes a sample that tp_train_slice() began.
 *   sample  [model->sample_bytes] as tp_train_keep() left it, read during the
 *           call
 *   target  [model->target_bytes]: uint8 class, or int8 tensor for MSE
 * TP_ERR_UNDONE    the update made the loss leave its range: the adapter is
 *                  back at the last good checkpoint, the rate halved
 * TP_ERR_DIVERGED  the same for the third time, or for the first where the
 *                  state has no checkpoint: load the stored adapter again.
 *                  Further calls do nothing and say so again
 * TP_ERR_ARGUMENT  the class is not one of the model's */
TP_MUST_CHECK tp_status tp_train_sample(const tp_ctx *ctx, const void *sample,
                                        const void *target);

/* How far a slice may go: it ends after the step that uses up either. 0: no
 * limit. */
typedef struct tp_train_budget {
    uint32_t steps; /* kernel calls, and updates of one parameter */
    uint32_t cost;  /* estimated instructions, as in model->cost */
} tp_train_budget;

/* A part of tp_train_sample(): at least one step, then as many as the budget
 * allows. However a sample is cut, the bytes in the end are the same.
 *   sample, target  the same until *done
 *   done            [out] the sample is finished, and the update that it
 * completes Until then the arena and the training state must stay as they are;
 * to infer in between, use a context with an arena of its own
 * (model->infer_bytes) and the same adapter. Such an inference may see an
 * adapter that is half updated only while an update itself is cut. Errors as of
 * tp_train_sample(); with one, *done is true. */
TP_MUST_CHECK tp_status tp_train_slice(const tp_ctx *ctx, const void *sample,
                                       const void *target,
                                       const tp_train_budget *budget,
                                       bool *done);

/* The estimated instructions of the step that is `ahead` steps behind the next
 * one, of the sample in progress or of one to come. False: the sample is
 * finished before it. */
bool tp_train_next(const tp_ctx *ctx, uint32_t ahead, uint32_t *cost);

/* Applies what is left of an unfinished batch. Errors as above. */
TP_MUST_CHECK tp_status tp_train_end(const tp_ctx *ctx);

/* Deterministic order of n samples for an epoch: a permutation of 0..n-1,
 * the same on host and device for the same seed and epoch. */
void tp_train_order(uint16_t *order, uint32_t n, uint32_t seed, uint32_t epoch);

#ifdef __cplusplus
}
#endif
#endif
