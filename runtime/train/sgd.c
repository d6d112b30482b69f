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

#include "core/bfp.h"
#include "core/fixed.h"

#define NORM_LIMIT_BITS 20 /* a norm above 2^20 is out of range */
#define IDLE 8             /* updates before a gradient scale falls */

tp_bfp tp_sgd_unit(const tp_param *param, int32_t e) {
    return tp_bfp_of((uint32_t)param->unit.m, param->unit.s - 31 + e);
}

tp_bfp tp_sgd_rate(const tp_train_state *state) {
    return tp_bfp_of(state->config.lr_q15, -15 - (int32_t)state->lr_shift);
}

tp_status tp_sgd_clip(tp_train_state *state, tp_bfp sum) {
    const tp_bfp batch = tp_bfp_of(state->samples, 0);
    const tp_bfp clip = tp_bfp_of(state->config.clip_q12, -12);
    const tp_bfp norm = tp_bfp_div(tp_bfp_sqrt(sum), batch);
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
