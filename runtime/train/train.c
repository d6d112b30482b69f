/* The training loop: samples into batches, batches into updates, and the guard
 * that undoes an update which made things worse. */
#include "tinypeft/train.h"

#include <stdbool.h>
#include <string.h>

#include "core/bfp.h"
#include "core/fixed.h"
#include "core/rng.h"
#include "runtime/train/sgd.h"

_Static_assert(sizeof(tp_train_state) == 160,
               "the planner on the host and the device agree on the size");

#define FIRST_EXPONENT (-7) /* of gradient scales, before any was seen */
#define CHECKPOINT_EVERY 8u /* good updates between two checkpoints */
#define MOST_UNDONE 3u
#define LOSS_LIMIT (INT32_C(1) << 30) /* 16,384: out of range */

/* Estimated instructions for each value of a parameter: of the norm, and of the
 * update itself. */
#define NORM_COST 15u
#define UPDATE_COST 75u

static bool in_range(const tp_model *model, const tp_train_config *c) {
    const uint16_t most = model->state == TP_STATE_ACCUMULATE ? 16 : 256;
    return c->lr_q15 >= 1 && c->lr_q15 <= 32768 && c->momentum_q15 < 32768 &&
           c->batch >= 1 && c->batch <= most && c->clip_q12 >= 1;
}

/* Only the richest state has one. */
static bool has_checkpoint(const tp_ctx *ctx) {
    return ctx->model->state == TP_STATE_MOMENTUM;
}

static uint8_t *checkpoint(const tp_ctx *ctx) {
    return ctx->train + ctx->model->layout.checkpoint;
}

static void save_checkpoint(const tp_ctx *ctx) {
    if (has_checkpoint(ctx)) {
        memcpy(checkpoint(ctx), ctx->adapter, ctx->model->adapter_bytes);
    }
}

static void start_scales(const tp_ctx *ctx) {
    const tp_model *model = ctx->model;
    tp_gscale *g = (tp_gscale *)(void *)(ctx->train + model->layout.gscale);
    for (uint32_t i = 0; i < model->n_gscale; i++) {
        g[i] = (tp_gscale){.e = FIRST_EXPONENT};
    }
}

/* Gradients to 0. */
static void clear(const tp_ctx *ctx) {
    const tp_train_layout *layout = &ctx->model->layout;
    memset(ctx->train + layout->grads, 0, layout->grads_bytes);
}

static void restart(const tp_ctx *ctx) {
    clear(ctx);
    if (ctx->model->optimiser->restart != NULL) {
        ctx->model->optimiser->restart(ctx);
    }
}

tp_status tp_train_begin(const tp_ctx *ctx, const tp_train_config *config) {
    const tp_model *model = ctx->model;
    if (model->sample == NULL) {
        return TP_ERR_UNSUPPORTED;
    }
    if (!in_range(model, config)) {
        return TP_ERR_ARGUMENT;
    }
    tp_train_state *state = tp_train_state_of(ctx);
    memset(ctx->train, 0, model->train_bytes);
    state->config = *config;
    state->rng = tp_rng_seed(config->seed);
    save_checkpoint(ctx);
    start_scales(ctx);
    restart(ctx);
    return TP_OK;
}

void tp_train_keep(const tp_ctx *ctx, const void *x, void *sample) {
    if (ctx->model->keep != NULL) {
        ctx->model->keep(ctx, x, sample);
    } else {
        memcpy(sample, x, ctx->model->x_bytes);
    }
}

/* --- the guard ------------------------------------------------------------ */

/* Worse than four times the median of the window, once that is full, and worse
 * than chance. Four times the median is below `loss` where four times most of
 * the values are. */
static bool diverging(const tp_ctx *ctx, int32_t loss) {
    const tp_train_state *state = tp_train_state_of(ctx);
    const int32_t quarter = (loss - 1) >> 2;
    int32_t below = 0;
    if (loss >= LOSS_LIMIT) {
        return true;
    }
    if (loss <= ctx->model->loss_floor ||
        state->window[TP_LOSS_WINDOW - 1] == 0) {
        return false;
    }
    for (uint32_t i = 0; i < TP_LOSS_WINDOW; i++) {
        below += state->window[i] <= quarter;
    }
    return below > (int32_t)(TP_LOSS_WINDOW / 2);
}

static tp_status undo(const tp_ctx *ctx) {
    tp_train_state *state = tp_train_state_of(ctx);
    if (!has_checkpoint(ctx)) {
        state->undone = MOST_UNDONE;
        return TP_ERR_DIVERGED;
    }
    memcpy(ctx->adapter, checkpoint(ctx), ctx->model->adapter_bytes);
    restart(ctx);
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
        save_checkpoint(ctx);
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

/* Losses are not negative: 256 of them are below 2^39. */
static int32_t mean_loss(const tp_train_state *state) {
    const int up = 32 - tp_bits32(state->samples); /* the divisor's top bit */
    const uint64_t sum = (uint64_t)state->batch_loss << up;
    return (int32_t)tp_divide(sum, state->samples << up);
}

/* The batch is complete: is what it says of the adapter good enough to go on?
 * And how is its gradient to be scaled? */
static tp_status judge(const tp_ctx *ctx) {
    tp_train_state *state = tp_train_state_of(ctx);
    state->last_loss = mean_loss(state);
    if (diverging(ctx, state->last_loss)) {
        return TP_ERR_UNDONE;
    }
    remember(ctx, state->last_loss);
    const tp_optimiser *optimiser = ctx->model->optimiser;
    return optimiser->scale == NULL ? TP_OK : optimiser->scale(ctx);
}

/* The update was applied, or undone. */
static tp_status end_update(const tp_ctx *ctx, tp_status status) {
    tp_train_state *state = tp_train_state_of(ctx);
    if (status == TP_OK) {
        clear(ctx);
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

/* --- a sample, in slices -------------------------------------------------- *
 *
 * state->step counts the steps of the sample, then one for its end and, where
 * it completes a batch, one for each parameter. */

static tp_status begin_sample(const tp_ctx *ctx, const void *target) {
    tp_train_state *state = tp_train_state_of(ctx);
    const uint8_t *label = target;
    if (ctx->model->classes > 0 && *label >= ctx->model->classes) {
        return TP_ERR_ARGUMENT;
    }
    state->loss = 0;
    if (ctx->model->optimiser->begin != NULL) {
        ctx->model->optimiser->begin(ctx);
    }
    return TP_OK;
}

/* Updates that are made with a batch; online there are none left to make. */
static uint32_t n_updates(const tp_model *model) {
    return model->optimiser->update == NULL ? 0 : model->n_params;
}

/* The step behind those of the sample. */
static tp_status end_sample(const tp_ctx *ctx, bool *done) {
    tp_train_state *state = tp_train_state_of(ctx);
    state->batch_loss += state->loss;
    state->samples++;
    if (ctx->model->optimiser->end != NULL) {
        ctx->model->optimiser->end(ctx);
    }
    if (state->samples < state->config.batch) {
        *done = true;
        return TP_OK;
    }
    const tp_status status = judge(ctx);
    *done = status != TP_OK || n_updates(ctx->model) == 0;
    return *done ? end_update(ctx, status) : TP_OK;
}

static tp_status update_one(const tp_ctx *ctx, uint32_t index, bool *done) {
    ctx->model->optimiser->update(ctx, index);
    *done = index + 1 == ctx->model->n_params;
    return *done ? end_update(ctx, TP_OK) : TP_OK;
}

/* Of the steps behind those of the sample: of its end, then of each update. */
static uint32_t finish_cost(const tp_model *model, uint32_t at) {
    return at == 0 ? model->n_values * NORM_COST
                   : model->params[at - 1].count * UPDATE_COST;
}

/* One step behind those of the sample. */
static tp_status finish_step(const tp_ctx *ctx, tp_slice *slice, bool *done) {
    const tp_model *model = ctx->model;
    const uint32_t at = slice->step - model->n_steps;
    const uint32_t cost = finish_cost(model, at);
    const tp_status status =
        at == 0 ? end_sample(ctx, done) : update_one(ctx, at - 1, done);
    slice->step++;
    slice->steps--;
    slice->cost -= cost < slice->cost ? cost : slice->cost;
    return status;
}

bool tp_train_next(const tp_ctx *ctx, uint32_t ahead, uint32_t *cost) {
    const tp_model *model = ctx->model;
    const tp_train_state *state = tp_train_state_of(ctx);
    const uint32_t at = state->step + ahead;
    if (at < model->n_steps) {
        *cost = model->cost[at];
        return true;
    }
    /* within its end the sample may already be counted in the batch */
    const bool counted = state->step > model->n_steps;
    const bool updates = counted || state->samples + 1u >= state->config.batch;
    const uint32_t behind = at - model->n_steps;
    if (behind > (updates ? n_updates(model) : 0)) {
        return false;
    }
    *cost = finish_cost(model, behind);
    return true;
}

tp_status tp_train_slice(const tp_ctx *ctx, const void *sample,
                         const void *target, const tp_train_budget *budget,
                         bool *done) {
    tp_train_state *state = tp_train_state_of(ctx);
    tp_status status = TP_OK;
    *done = true;
    if (state->undone >= MOST_UNDONE) {
        return TP_ERR_DIVERGED;
    }
    if (state->step == 0) {
        TP_TRY(begin_sample(ctx, target));
    }
    *done = false;
    tp_slice slice = {.x = sample,
                      .target = target,
                      .loss = &state->loss,
                      .step = state->step,
                      .steps = budget->steps > 0 ? budget->steps : UINT32_MAX,
                      .cost = budget->cost > 0 ? budget->cost : UINT32_MAX};
    if (slice.step < ctx->model->n_steps) {
        ctx->model->sample(ctx, &slice);
    }
    while (!*done && tp_slice_open(&slice, UINT32_MAX)) {
        status = finish_step(ctx, &slice, done);
    }
    state->step = *done ? 0 : slice.step;
    return status;
}

tp_status tp_train_sample(const tp_ctx *ctx, const void *sample,
                          const void *target) {
    const tp_train_budget all = {0, 0};
    tp_status status = TP_OK;
    for (bool done = false; !done;) {
        status = tp_train_slice(ctx, sample, target, &all, &done);
    }
    return status;
}

tp_status tp_train_end(const tp_ctx *ctx) {
    const tp_train_state *state = tp_train_state_of(ctx);
    if (state->undone >= MOST_UNDONE) {
        return TP_ERR_DIVERGED;
    }
    if (state->samples == 0) {
        return TP_OK;
    }
    const tp_status status = judge(ctx);
    for (uint32_t i = 0; status == TP_OK && i < n_updates(ctx->model); i++) {
        ctx->model->optimiser->update(ctx, i);
    }
    return end_update(ctx, status);
}
