/* Stochastic gradient descent in integers.
 *
 *   g = clip(mean gradient, global norm)        Pascanu et al. 2013
 *   v = momentum v + g                          int16, 2^-12
 *   w = w - lr v                                int16, 2^-13
 *
 * or, without momentum, w = w - lr g on masters of two bytes (core/master.h).
 * All stores are rounded stochastically (Gupta et al. 2015,
 * arXiv:1502.02551): steps below one unit still move the weights on
 * average. */
#include "runtime/train/sgd.h"

#include <stdbool.h>
#include <string.h>

#include "core/master.h"
#include "core/rng.h"
#include "core/scaler.h"
#include "runtime/adapter/weights.h"

#define MOMENTUM_BITS 12   /* fraction bits of v */
#define FRACTION 16        /* further bits while v is computed */
#define NORM_LIMIT_BITS 20 /* a norm above 2^20 is out of range */
#define IDLE 8             /* updates before a gradient scale falls */

/* --- the three kinds of state --------------------------------------------- */

static uint8_t *at(const tp_ctx *ctx, uint32_t offset) {
    return ctx->train + offset;
}

static const tp_q32 *grad32(const tp_ctx *ctx, const tp_param *param) {
    return (const tp_q32 *)(const void *)at(ctx, param->grad);
}

static const tp_q16 *grad16(const tp_ctx *ctx, const tp_param *param) {
    return (const tp_q16 *)(const void *)at(ctx, param->grad);
}

static bool has_momentum(const tp_ctx *ctx) {
    return ctx->model->state == TP_STATE_MOMENTUM;
}

/* With momentum: the values of one parameter in an int16 array. */
static int16_t *values(const tp_ctx *ctx, uint32_t offset,
                       const tp_param *param) {
    return (int16_t *)(void *)at(ctx, offset) + param->master;
}

/* Without: the low bytes of its masters. */
static int8_t *low_bytes(const tp_ctx *ctx, const tp_param *param) {
    return (int8_t *)(void *)at(ctx, param->master);
}

/* Real size of one unit of the tensor's accumulator. */
static tp_bfp unit_of(const tp_ctx *ctx, const tp_param *param) {
    const int32_t e =
        has_momentum(ctx) ? grad32(ctx, param)->e : grad16(ctx, param)->e;
    return tp_bfp_of((uint32_t)param->unit.m, param->unit.s - 31 + e);
}

static tp_bfp squares(const tp_ctx *ctx, const tp_param *param) {
    const tp_bfp unit = unit_of(ctx, param);
    const tp_bfp sum = has_momentum(ctx)
                           ? tp_squares32(grad32(ctx, param)->v, param->count)
                           : tp_squares16(grad16(ctx, param)->v, param->count);
    return tp_bfp_mul(sum, tp_bfp_mul(unit, unit));
}

/* --- batches -------------------------------------------------------------- */

/* Norm of the mean gradient over all parameters. */
static tp_bfp global_norm(const tp_ctx *ctx, tp_bfp batch) {
    tp_bfp sum = {0, 0};
    for (uint32_t i = 0; i < ctx->model->n_params; i++) {
        sum = tp_bfp_add(sum, squares(ctx, &ctx->model->params[i]));
    }
    return tp_bfp_div(tp_bfp_sqrt(sum), batch);
}

tp_status tp_sgd_scale(const tp_ctx *ctx) {
    tp_train_state *state = tp_train_state_of(ctx);
    const tp_bfp batch = tp_bfp_of(state->samples, 0);
    const tp_bfp clip = tp_bfp_of(state->config.clip_q12, -12);
    const tp_bfp norm = global_norm(ctx, batch);
    if (norm.m != 0 && norm.e + 32 > NORM_LIMIT_BITS) {
        return TP_ERR_UNDONE;
    }
    state->scale = tp_bfp_div(tp_bfp_of(1, 0), batch);
    if (tp_bfp_less(clip, norm)) {
        state->scale = tp_bfp_mul(state->scale, tp_bfp_div(clip, norm));
        state->clipped++;
    }
    return TP_OK;
}

static int16_t sat16(int32_t x) {
    return (int16_t)tp_clamp32(x, INT16_MIN, INT16_MAX);
}

/* (a + b + random fraction) >> FRACTION, saturated: the sum has 33 bits, its
 * parts below and above the fraction have 32 together. */
static int16_t round_sum(int32_t a, int32_t b, uint32_t random) {
    const uint32_t low = (1u << FRACTION) - 1u;
    const uint32_t below =
        ((uint32_t)a & low) + ((uint32_t)b & low) + (random & low);
    return sat16((a >> FRACTION) + (b >> FRACTION) +
                 (int32_t)(below >> FRACTION));
}

/* With momentum. `factor` takes an accumulator unit to real gradient.
 * |2 v momentum| < 2^31. A rate is halved at most five times, so lr_bits <= 19
 * and |v lr| + 2^lr_bits < 2^31. */
static void update_momentum(const tp_ctx *ctx, const tp_param *param,
                            tp_bfp factor) {
    tp_train_state *state = tp_train_state_of(ctx);
    const tp_q32 *grad = grad32(ctx, param);
    int16_t *v = values(ctx, ctx->model->layout.momentum, param);
    int16_t *w = values(ctx, ctx->model->layout.master, param);
    const int lr_bits = 15 + MOMENTUM_BITS - TP_MASTER_BITS + state->lr_shift;
    const uint32_t below = (UINT32_C(1) << lr_bits) - 1u;
    const int32_t keep = 2 * (int32_t)state->config.momentum_q15;
    const int32_t rate = state->config.lr_q15;
    const tp_scaler scaler = tp_scaler_of_bfp(factor, MOMENTUM_BITS + FRACTION);
    uint32_t rng = state->rng; /* the stores below may not change it */
    for (uint32_t i = 0; i < param->count; i++) {
        const int32_t step = tp_scaled(&scaler, grad->v[i]);
        v[i] = round_sum(step, v[i] * keep, tp_rng_next(&rng));
        const int32_t fine = (int32_t)(tp_rng_next(&rng) & below) - v[i] * rate;
        w[i] = sat16(w[i] + (fine >> lr_bits));
    }
    state->rng = rng;
    tp_weights_from_master(param, w, ctx->adapter);
}

static tp_bfp learning_rate(const tp_train_state *state) {
    return tp_bfp_of(state->config.lr_q15, -15 - (int32_t)state->lr_shift);
}

/* Without: the weights move by the gradient itself. `factor` takes an
 * accumulator unit to a step in real units. */
static void update_plain(const tp_ctx *ctx, const tp_param *param,
                         tp_bfp factor) {
    tp_train_state *state = tp_train_state_of(ctx);
    const tp_grads g = {.v16 = grad16(ctx, param)->v, .n = param->count};
    int8_t *low = low_bytes(ctx, param);
    uint8_t *weights = ctx->adapter + param->adapter;
    if (param->type == TP_PARAM_S16) {
        factor.e += TP_WEIGHT_BITS + TP_MASTER_LOW;
        const tp_scaler s = tp_scaler_of_bfp(factor, 0);
        int16_t *w16 = (int16_t *)(void *)weights;
        for (uint32_t i = 0; i < g.n; i++) {
            tp_master_move_s16(&w16[i], &low[i], tp_scaled(&s, g.v16[i]));
        }
        return;
    }
    tp_q8 *w = (tp_q8 *)(void *)weights;
    factor.e -= w->e - TP_MASTER_LOW;
    tp_master_update_q8(w, low, g, factor, &state->rng);
}

void tp_sgd_param(const tp_ctx *ctx, uint32_t index) {
    const tp_param *param = &ctx->model->params[index];
    const tp_train_state *state = tp_train_state_of(ctx);
    const tp_bfp factor = tp_bfp_mul(unit_of(ctx, param), state->scale);
    if (has_momentum(ctx)) {
        update_momentum(ctx, param, factor);
    } else {
        update_plain(ctx, param, tp_bfp_mul(factor, learning_rate(state)));
    }
}

void tp_sgd_clear(const tp_ctx *ctx) {
    const tp_train_layout *layout = &ctx->model->layout;
    memset(at(ctx, layout->grads), 0, layout->grads_bytes);
}

/* Low bytes start at 0: tp_train_begin() clears the whole state. */
void tp_sgd_restart(const tp_ctx *ctx) {
    const tp_model *model = ctx->model;
    tp_sgd_clear(ctx);
    if (!has_momentum(ctx)) {
        return;
    }
    for (uint32_t i = 0; i < model->n_params; i++) {
        const tp_param *param = &model->params[i];
        tp_weights_to_master(param, ctx->adapter,
                             values(ctx, model->layout.master, param));
    }
    memset(at(ctx, model->layout.momentum), 0, 2u * model->n_values);
}

/* --- single samples ------------------------------------------------------- */

/* An update in the middle of backward cannot know its sample's norm. What it
 * knows is the mean norm of the samples before: steps are clipped by that, and
 * the first sample only measures. */
void tp_sgd_online_begin(const tp_ctx *ctx) {
    tp_train_state *state = tp_train_state_of(ctx);
    const tp_bfp clip = tp_bfp_of(state->config.clip_q12, 1 - 12);
    tp_bfp rate = learning_rate(state);
    if (state->mean_norm.m == 0) {
        rate = (tp_bfp){0, 0};
    } else if (tp_bfp_less(clip, state->mean_norm)) {
        rate = tp_bfp_mul(rate, tp_bfp_div(clip, state->mean_norm));
        state->clipped++;
    }
    state->online = (tp_online){
        .rate = rate, .sum = {0, 0}, .rng = tp_rng_next(&state->rng)};
}

/* mean = 15/16 mean + 1/16 norm; the first norm is the first mean. */
void tp_sgd_online_end(const tp_ctx *ctx) {
    tp_train_state *state = tp_train_state_of(ctx);
    const tp_bfp norm = tp_bfp_sqrt(state->online.sum);
    if (state->mean_norm.m == 0) {
        state->mean_norm = norm;
        return;
    }
    state->mean_norm =
        tp_bfp_add(tp_bfp_mul(state->mean_norm, tp_bfp_of(15, -4)),
                   tp_bfp_mul(norm, tp_bfp_of(1, -4)));
}

/* --- delayed scales ------------------------------------------------------- */

/* A scale rises as far as the peak asks, at once: saturated gradients ruin
 * training. It falls by one bit once IDLE updates in a row could have done with
 * less, and by four while everything rounds to zero. */
static int32_t next_exponent(tp_gscale *g) {
    const int32_t wanted = g->e + tp_bits32(g->peak) - 7;
    if (g->peak == 0) {
        return g->e - 4;
    }
    g->idle = (uint8_t)(wanted < g->e ? g->idle + 1 : 0);
    if (g->idle < IDLE) {
        return tp_max32(g->e, wanted);
    }
    g->idle = 0;
    return g->e - 1;
}

void tp_gscales_next(const tp_ctx *ctx) {
    const tp_model *model = ctx->model;
    tp_gscale *g = (tp_gscale *)(void *)(ctx->train + model->layout.gscale);
    for (uint32_t i = 0; i < model->n_gscale; i++) {
        g[i].e = (int8_t)tp_clamp32(next_exponent(&g[i]), -48, 24);
        g[i].peak = 0;
    }
}
