/* The richest state: int32 gradients of a batch, int16 masters and momentum. */
#include <string.h>

#include "core/bfp.h"
#include "core/master.h"
#include "core/rng.h"
#include "core/scaler.h"
#include "runtime/adapter/weights.h"
#include "runtime/train/sgd.h"

#define MOMENTUM_BITS 12 /* fraction bits of v */
#define FRACTION 16      /* further bits while v is computed */

static const tp_q32 *grad_of(const tp_ctx *ctx, const tp_param *param) {
    return (const tp_q32 *)(const void *)(ctx->train + param->grad);
}

/* The values of one parameter in an int16 array. */
static int16_t *values(const tp_ctx *ctx, uint32_t offset,
                       const tp_param *param) {
    return (int16_t *)(void *)(ctx->train + offset) + param->master;
}

static tp_status scale(const tp_ctx *ctx) {
    tp_bfp sum = {0, 0};
    for (uint32_t i = 0; i < ctx->model->n_params; i++) {
        const tp_param *param = &ctx->model->params[i];
        const tp_q32 *grad = grad_of(ctx, param);
        const tp_bfp unit = tp_sgd_unit(param, grad->e);
        const tp_bfp squares = tp_squares32(grad->v, param->count);
        sum = tp_bfp_add(sum, tp_bfp_mul(squares, tp_bfp_mul(unit, unit)));
    }
    return tp_sgd_clip(tp_train_state_of(ctx), sum);
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

/* |2 v momentum| < 2^31. A rate is halved at most five times, so lr_bits <= 19
 * and |v lr| + 2^lr_bits < 2^31. */
static void update(const tp_ctx *ctx, uint32_t index) {
    const tp_param *param = &ctx->model->params[index];
    tp_train_state *state = tp_train_state_of(ctx);
    const tp_q32 *grad = grad_of(ctx, param);
    int16_t *v = values(ctx, ctx->model->layout.momentum, param);
    int16_t *w = values(ctx, ctx->model->layout.master, param);
    const int lr_bits = 15 + MOMENTUM_BITS - TP_MASTER_BITS + state->lr_shift;
    const uint32_t below = (UINT32_C(1) << lr_bits) - 1u;
    const int32_t keep = 2 * (int32_t)state->config.momentum_q15;
    const int32_t rate = state->config.lr_q15;
    const tp_scaler scaler =
        tp_scaler_of_bfp(tp_bfp_mul(tp_sgd_unit(param, grad->e), state->scale),
                         MOMENTUM_BITS + FRACTION);
    uint32_t rng = state->rng; /* the stores below may not change it */
    for (uint32_t i = 0; i < param->count; i++) {
        const int32_t step = tp_scaled(&scaler, grad->v[i]);
        const int16_t now = round_sum(step, v[i] * keep, tp_rng_next(&rng));
        const int32_t fine = (int32_t)(tp_rng_next(&rng) & below) - now * rate;
        v[i] = now;
        w[i] = sat16(w[i] + (fine >> lr_bits));
    }
    state->rng = rng;
    tp_weights_from_master(param, w, ctx->adapter);
}

static void restart(const tp_ctx *ctx) {
    const tp_model *model = ctx->model;
    for (uint32_t i = 0; i < model->n_params; i++) {
        const tp_param *param = &model->params[i];
        tp_weights_to_master(param, ctx->adapter,
                             values(ctx, model->layout.master, param));
    }
    memset(ctx->train + model->layout.momentum, 0, 2u * model->n_values);
}

const tp_optimiser tp_optimiser_momentum = {
    .scale = scale, .update = update, .restart = restart};
