#include "tinypeft/adapter.h"

#include <string.h>

#include "core/fixed.h"
#include "core/rng.h"
#include "runtime/adapter/weights.h"

/* Draws the same numbers twice, first to find the exponent: no scratch. */
static void start_gauss(const tp_param *param, uint32_t seed, tp_q8 *w) {
    uint32_t rng = tp_rng_seed(seed);
    uint32_t peak = 0;
    for (uint32_t i = 0; i < param->count; i++) {
        peak |= tp_abs32(tp_weight_draw(&rng, param->init_std));
    }
    const int32_t e = tp_weights_exponent(peak);
    rng = tp_rng_seed(seed);
    for (uint32_t i = 0; i < param->count; i++) {
        w->v[i] = tp_weight_round(tp_weight_draw(&rng, param->init_std), e);
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

/* Zero weights have the smallest exponent of all: that of a master's unit. */
static void start(const tp_param *param, uint32_t seed, uint8_t *adapter) {
    tp_q8 *w = (tp_q8 *)(void *)(adapter + param->adapter);
    if (param->packing != NULL) {
        param->packing->start(param, seed, adapter);
    } else if (param->type == TP_PARAM_Q8) {
        w->e = -TP_MASTER_BITS;
        if (param->init == TP_INIT_GAUSS) {
            start_gauss(param, seed, w);
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
        start(param, seed * UINT32_C(2654435761) + i, ctx->adapter);
    }
}
