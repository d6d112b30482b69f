/* Half of the state: int16 gradients of a batch, and the masters' low bytes. */
#include "core/master.h"
#include "core/scaler.h"
#include "runtime/train/sgd.h"

static const tp_q16 *grad_of(const tp_ctx *ctx, const tp_param *param) {
    return (const tp_q16 *)(const void *)(ctx->train + param->grad);
}

static tp_status scale(const tp_ctx *ctx) {
    tp_bfp sum = {0, 0};
    for (uint32_t i = 0; i < ctx->model->n_params; i++) {
        const tp_param *param = &ctx->model->params[i];
        const tp_q16 *grad = grad_of(ctx, param);
        const tp_bfp unit = tp_sgd_unit(param, grad->e);
        const tp_bfp squares = tp_squares16(grad->v, param->count);
        sum = tp_bfp_add(sum, tp_bfp_mul(squares, tp_bfp_mul(unit, unit)));
    }
    return tp_sgd_clip(tp_train_state_of(ctx), sum);
}

static void move_s16(int16_t *w, int8_t *low, const tp_grads *g,
                     tp_bfp factor) {
    const tp_scaler s =
        tp_scaler_of_bfp(factor, TP_WEIGHT_BITS + TP_MASTER_LOW);
    for (uint32_t i = 0; i < g->n; i++) {
        tp_master_move_s16(&w[i], &low[i], tp_scaled(&s, g->v16[i]));
    }
}

/* The weights move by the gradient itself; low bytes start at 0, for
 * tp_train_begin() clears the whole state. */
static void update(const tp_ctx *ctx, uint32_t index) {
    const tp_param *param = &ctx->model->params[index];
    tp_train_state *state = tp_train_state_of(ctx);
    const tp_q16 *grad = grad_of(ctx, param);
    const tp_grads g = {.v16 = grad->v, .n = param->count};
    int8_t *low = (int8_t *)(void *)(ctx->train + param->master);
    uint8_t *weights = ctx->adapter + param->adapter;
    tp_bfp factor =
        tp_bfp_mul(tp_bfp_mul(tp_sgd_unit(param, grad->e), state->scale),
                   tp_sgd_rate(state));
    if (param->type == TP_PARAM_S16) {
        move_s16((int16_t *)(void *)weights, low, &g, factor);
        return;
    }
    tp_q8 *w = (tp_q8 *)(void *)weights;
    factor.e -= w->e - TP_MASTER_LOW;
    tp_master_update_q8(w, low, g, factor, &state->rng);
}

const tp_optimiser tp_optimiser_accumulate = {.scale = scale, .update = update};
