/* Stochastic gradient descent with momentum in integers.
 *
 *   g = clip(mean gradient, global norm)        Pascanu et al. 2013
 *   v = momentum v + g                          int16, 2^-12
 *   w = w - lr v                                int16, 2^-13
 *
 * both stores rounded stochastically (Gupta et al. 2015, arXiv:1502.02551):
 * steps below one unit still move the weights on average. */
#include "runtime/train/sgd.h"

#include <string.h>

#include "core/bfp.h"
#include "core/rng.h"
#include "runtime/adapter/weights.h"

#define MOMENTUM_BITS 12   /* fraction bits of v */
#define FRACTION 16        /* further bits while v is computed */
#define NORM_LIMIT_BITS 20 /* a norm above 2^20 is out of range */
#define IDLE 8             /* updates before a gradient scale falls */

static const tp_q32 *grad_of(const tp_ctx *ctx, const tp_param *param) {
    return (const tp_q32 *)(const void *)(ctx->train + param->grad);
}

static int16_t *values(const tp_ctx *ctx, uint32_t offset,
                       const tp_param *param) {
    return (int16_t *)(void *)(ctx->train + offset) + param->master;
}

/* Real size of one unit of the tensor's accumulator. */
static tp_bfp unit_of(const tp_param *param, const tp_q32 *grad) {
    return tp_bfp_of((uint32_t)param->unit.m, param->unit.s - 31 + grad->e);
}

/* Sum of squares. The values are first shifted below 2^15, so that 2^32 of
 * their squares fit 64 bits. */
static tp_bfp sum_of_squares(const tp_param *param, const tp_q32 *grad) {
    uint32_t peak = 0;
    for (uint32_t i = 0; i < param->count; i++) {
        peak |= tp_abs32(grad->v[i]);
    }
    const int shift = (int)tp_max32(tp_bits32(peak) - 15, 0);
    uint64_t sum = 0;
    for (uint32_t i = 0; i < param->count; i++) {
        const uint32_t v = tp_abs32(grad->v[i]) >> shift;
        sum += v * v;
    }
    const tp_bfp unit = unit_of(param, grad);
    return tp_bfp_mul(tp_bfp_of(sum, 2 * shift), tp_bfp_mul(unit, unit));
}

/* Norm of the mean gradient over all parameters. */
static tp_bfp global_norm(const tp_ctx *ctx, tp_bfp batch) {
    tp_bfp sum = {0, 0};
    for (uint32_t i = 0; i < ctx->model->n_params; i++) {
        const tp_param *param = &ctx->model->params[i];
        sum = tp_bfp_add(sum, sum_of_squares(param, grad_of(ctx, param)));
    }
    return tp_bfp_div(tp_bfp_sqrt(sum), batch);
}

/* (x + random fraction) >> bits, saturated to int16; bits <= 31. */
static int16_t round_down(int64_t x, int bits, uint32_t random) {
    const int64_t y = (x + (random & ((UINT32_C(1) << bits) - 1u))) >> bits;
    return (int16_t)(y > INT16_MAX ? INT16_MAX
                                   : (y < INT16_MIN ? INT16_MIN : y));
}

/* One tensor. `factor` takes an accumulator unit to real gradient.
 * |step| <= 2^31 by tp_scale, |2 v momentum| < 2^31: their sum fits 64 bits. */
static void update_param(const tp_ctx *ctx, const tp_param *param,
                         tp_bfp factor) {
    tp_train_state *state = tp_train_state_of(ctx);
    const tp_q32 *grad = grad_of(ctx, param);
    int16_t *v = values(ctx, ctx->model->layout.momentum, param);
    int16_t *w = values(ctx, ctx->model->layout.master, param);
    const int32_t m = (int32_t)(factor.m >> 1);
    const int s = factor.e + 1 + 31 + MOMENTUM_BITS + FRACTION;
    const int lr_bits = 15 + MOMENTUM_BITS - TP_MASTER_BITS + state->lr_shift;
    for (uint32_t i = 0; i < param->count; i++) {
        const int64_t step = tp_scale(grad->v[i], m, s);
        const int64_t kept = (int64_t)v[i] * state->config.momentum_q15 * 2;
        v[i] = round_down(step + kept, FRACTION, tp_rng_next(&state->rng));
        const int64_t down = -(int64_t)v[i] * state->config.lr_q15;
        const int64_t moved = down + (int64_t)w[i] * (INT64_C(1) << lr_bits);
        w[i] = round_down(moved, lr_bits, tp_rng_next(&state->rng));
    }
    tp_weights_from_master(param, w, ctx->adapter);
}

static void clear_grads(const tp_ctx *ctx) {
    const tp_train_layout *layout = &ctx->model->layout;
    memset(ctx->train + layout->grads, 0, layout->grads_bytes);
}

tp_status tp_sgd_update(const tp_ctx *ctx) {
    tp_train_state *state = tp_train_state_of(ctx);
    const tp_bfp batch = tp_bfp_of(state->samples, 0);
    const tp_bfp clip = tp_bfp_of(state->config.clip_q12, -12);
    const tp_bfp norm = global_norm(ctx, batch);
    if (norm.m != 0 && norm.e + 32 > NORM_LIMIT_BITS) {
        return TP_ERR_UNDONE;
    }
    tp_bfp scale = tp_bfp_div(tp_bfp_of(1, 0), batch);
    if (tp_bfp_less(clip, norm)) {
        scale = tp_bfp_mul(scale, tp_bfp_div(clip, norm));
        state->clipped++;
    }
    for (uint32_t i = 0; i < ctx->model->n_params; i++) {
        const tp_param *param = &ctx->model->params[i];
        const tp_bfp unit = unit_of(param, grad_of(ctx, param));
        update_param(ctx, param, tp_bfp_mul(unit, scale));
    }
    clear_grads(ctx);
    return TP_OK;
}

void tp_sgd_restart(const tp_ctx *ctx) {
    const tp_model *model = ctx->model;
    for (uint32_t i = 0; i < model->n_params; i++) {
        const tp_param *param = &model->params[i];
        tp_weights_to_master(param, ctx->adapter,
                             values(ctx, model->layout.master, param));
    }
    memset(ctx->train + model->layout.momentum, 0, 2u * model->n_values);
    clear_grads(ctx);
}

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
        g[i].clipped = 0;
    }
}
