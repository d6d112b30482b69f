#include "tinypeft/adapter.h"

#include <string.h>

#include "core/fixed.h"
#include "core/rng.h"
#include "runtime/adapter/weights.h"

/* One random master weight: about Gaussian, standard deviation std * 2^-13. */
static int32_t draw(uint32_t *rng, uint16_t std) {
    const int32_t x = (tp_rng_gauss_q13(rng) * (int32_t)std) >> 13;
    return tp_clamp32(x, INT16_MIN, INT16_MAX);
}

/* Draws the same numbers twice, first to find the exponent: no scratch. */
static void start_gauss(const tp_param *param, uint32_t seed, tp_q8 *w) {
    uint32_t rng = tp_rng_seed(seed);
    uint32_t peak = 0;
    for (uint32_t i = 0; i < param->count; i++) {
        peak |= tp_abs32(draw(&rng, param->init_std));
    }
    const int32_t e = tp_weights_exponent(peak);
    rng = tp_rng_seed(seed);
    for (uint32_t i = 0; i < param->count; i++) {
        w->v[i] = tp_weight_round(draw(&rng, param->init_std), e);
    }
    w->e = (int8_t)e;
}

/* `count` of the numbers below `limit`, each set as likely: one is taken with
 * the chance of those still wanted among those still to come. Knuth, The Art of
 * Computer Programming, 3.4.2, algorithm S. */
static void start_index(const tp_index *index, uint32_t seed, uint16_t *v) {
    uint32_t rng = tp_rng_seed(seed);
    uint32_t n = 0;
    for (uint32_t i = 0; n < index->count; i++) {
        if (tp_rng_below(&rng, index->limit - i) < index->count - n) {
            v[n++] = (uint16_t)i;
        }
    }
}

void tp_adapter_init(const tp_ctx *ctx, uint32_t seed) {
    const tp_model *model = ctx->model;
    if (model->adapter_bytes == 0) {
        return;
    }
    memset(ctx->adapter, 0, model->adapter_bytes);
    for (uint32_t i = 0; i < model->n_indices; i++) {
        const tp_index *index = &model->indices[i];
        start_index(index, seed * UINT32_C(2654435761) + (i << 16),
                    (uint16_t *)(void *)(ctx->adapter + index->adapter));
    }
    for (uint32_t i = 0; i < model->n_params; i++) {
        const tp_param *param = &model->params[i];
        if (param->type == TP_PARAM_Q8 && param->init == TP_INIT_GAUSS) {
            tp_q8 *w = (tp_q8 *)(void *)(ctx->adapter + param->adapter);
            start_gauss(param, seed * UINT32_C(2654435761) + i, w);
        } else if (param->type == TP_PARAM_Q8) {
            tp_q8 *w = (tp_q8 *)(void *)(ctx->adapter + param->adapter);
            w->e = -TP_MASTER_BITS;
        }
    }
}
