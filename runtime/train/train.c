/* The training loop: samples into batches, batches into updates, and the guard
 * that undoes an update which made things worse. */
#include "tinypeft/train.h"

#include <stdbool.h>
#include <string.h>

#include "core/fixed.h"
#include "core/rng.h"
#include "runtime/train/sgd.h"

_Static_assert(sizeof(tp_train_state) == 112,
               "the planner on the host and the device agree on the size");

#define FIRST_EXPONENT (-7) /* of gradient scales, before any was seen */
#define CHECKPOINT_EVERY 8u /* good updates between two checkpoints */
#define MOST_UNDONE 3u
#define LOSS_LIMIT (INT32_C(1) << 30) /* 16,384: out of range */

static bool in_range(const tp_train_config *c) {
    return c->lr_q15 >= 1 && c->lr_q15 <= 32768 && c->momentum_q15 < 32768 &&
           c->batch >= 1 && c->batch <= 256 && c->clip_q12 >= 1;
}

static uint8_t *checkpoint(const tp_ctx *ctx) {
    return ctx->train + ctx->model->layout.checkpoint;
}

static void start_scales(const tp_ctx *ctx) {
    const tp_model *model = ctx->model;
    tp_gscale *g = (tp_gscale *)(void *)(ctx->train + model->layout.gscale);
    for (uint32_t i = 0; i < model->n_gscale; i++) {
        g[i] = (tp_gscale){.e = FIRST_EXPONENT};
    }
}

tp_status tp_train_begin(const tp_ctx *ctx, const tp_train_config *config) {
    const tp_model *model = ctx->model;
    if (model->sample == NULL) {
        return TP_ERR_UNSUPPORTED;
    }
    if (!in_range(config)) {
        return TP_ERR_ARGUMENT;
    }
    tp_train_state *state = tp_train_state_of(ctx);
    memset(ctx->train, 0, model->train_bytes);
    state->config = *config;
    state->rng = tp_rng_seed(config->seed);
    memcpy(checkpoint(ctx), ctx->adapter, model->adapter_bytes);
    start_scales(ctx);
    tp_sgd_restart(ctx);
    return TP_OK;
}

/* --- the guard ------------------------------------------------------------ */

/* Median of the window, once it is full; else 0. */
static int32_t median_loss(const tp_train_state *state) {
    int32_t sorted[TP_LOSS_WINDOW];
    if (state->window[TP_LOSS_WINDOW - 1] == 0) {
        return 0;
    }
    for (uint32_t i = 0; i < TP_LOSS_WINDOW; i++) {
        uint32_t at = i;
        for (; at > 0 && sorted[at - 1] > state->window[i]; at--) {
            sorted[at] = sorted[at - 1];
        }
        sorted[at] = state->window[i];
    }
    return sorted[TP_LOSS_WINDOW / 2];
}

/* Worse than four times the running median and worse than chance. */
static bool diverging(const tp_ctx *ctx, int32_t loss) {
    const int64_t median = median_loss(tp_train_state_of(ctx));
    if (loss >= LOSS_LIMIT) {
        return true;
    }
    return median > 0 && loss > ctx->model->loss_floor && loss > 4 * median;
}

static tp_status undo(const tp_ctx *ctx) {
    tp_train_state *state = tp_train_state_of(ctx);
    memcpy(ctx->adapter, checkpoint(ctx), ctx->model->adapter_bytes);
    tp_sgd_restart(ctx);
    start_scales(ctx);
    memset(state->window, 0, sizeof state->window);
    state->undone++;
    state->lr_shift++;
    return state->undone >= MOST_UNDONE ? TP_ERR_DIVERGED : TP_ERR_UNDONE;
}

/* The loss belongs to the adapter as it was during the batch: a good loss
 * makes it a checkpoint before it is changed. A stored loss is at least 1, so
 * that 0 means an empty place. */
static void remember(const tp_ctx *ctx, int32_t loss) {
    tp_train_state *state = tp_train_state_of(ctx);
    memmove(state->window + 1, state->window,
            (TP_LOSS_WINDOW - 1) * sizeof state->window[0]);
    state->window[0] = tp_max32(loss, 1);
    if (state->updates % CHECKPOINT_EVERY == 0) {
        memcpy(checkpoint(ctx), ctx->adapter, ctx->model->adapter_bytes);
    }
}

/* --- updates -------------------------------------------------------------- */

/* The rate halves at one third and two thirds of the planned updates. */
static void follow_schedule(tp_train_state *state) {
    const uint32_t planned = state->config.updates;
    if (planned >= 3 &&
        (state->updates == planned / 3 || state->updates == planned / 3 * 2)) {
        state->lr_shift++;
    }
}

static tp_status update(const tp_ctx *ctx) {
    tp_train_state *state = tp_train_state_of(ctx);
    const int64_t mean = state->batch_loss / (int64_t)state->samples;
    tp_status status = TP_ERR_UNDONE;
    state->last_loss = tp_sat32(mean);
    if (!diverging(ctx, state->last_loss)) {
        remember(ctx, state->last_loss);
        status = tp_sgd_update(ctx);
    }
    if (status == TP_OK) {
        tp_gscales_next(ctx);
    } else {
        status = undo(ctx);
    }
    state->updates++;
    state->samples = 0;
    state->batch_loss = 0;
    follow_schedule(state);
    return status;
}

tp_status tp_train_sample(const tp_ctx *ctx, const void *x,
                          const void *target) {
    tp_train_state *state = tp_train_state_of(ctx);
    const uint8_t *label = target;
    int32_t loss = 0;
    if (state->undone >= MOST_UNDONE) {
        return TP_ERR_DIVERGED;
    }
    if (ctx->model->classes > 0 && *label >= ctx->model->classes) {
        return TP_ERR_ARGUMENT;
    }
    ctx->model->sample(ctx, x, target, &loss);
    state->batch_loss += loss;
    state->samples++;
    return state->samples == state->config.batch ? update(ctx) : TP_OK;
}

tp_status tp_train_end(const tp_ctx *ctx) {
    const tp_train_state *state = tp_train_state_of(ctx);
    if (state->undone >= MOST_UNDONE) {
        return TP_ERR_DIVERGED;
    }
    return state->samples > 0 ? update(ctx) : TP_OK;
}
