#include "tinypeft/adapter.h"

#include <stdbool.h>
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

/* Weights of 4 bits at one exponent: the standard deviation lies in
 * [1.75, 3.5) codes, so that one weight in 20 or fewer is cut to +-7. */
static void start_nibbles(const tp_param *param, uint32_t seed,
                          uint8_t *adapter) {
    uint32_t rng = tp_rng_seed(seed);
    int32_t shift = 0;
    while (2 * (int32_t)param->init_std >= (7 << shift)) {
        shift++;
    }
    const int32_t e = shift - TP_MASTER_BITS;
    for (uint32_t i = 0; i < param->count; i++) {
        tp_packed_put(param, adapter, i,
                      tp_nibble_round(draw(&rng, param->init_std), e));
    }
    memset(tp_packed_exponents(param, adapter), (uint8_t)e, param->ranks);
}

/* Ternary weights of a Gaussian: 0.7 times the mean magnitude is 0.559
 * standard deviations, the mean of what lies above 1.18. */
static void start_ternary(const tp_param *param, uint32_t seed,
                          uint8_t *adapter) {
    const uint32_t std = param->init_std;
    uint32_t rng = tp_rng_seed(seed);
    for (uint32_t i = 0; i < param->count; i++) {
        const int32_t w = draw(&rng, param->init_std);
        const int32_t sign = w < 0 ? -1 : 1;
        tp_packed_put(param, adapter, i,
                      tp_abs32(w) > std * 572u / 1024u ? sign : 0);
    }
    memset(tp_packed_exponents(param, adapter),
           (uint8_t)tp_ternary_exponent(tp_ternary_scale(param)), param->ranks);
}

/* Zero weights have the smallest exponent of all: that of a master's unit. */
static void start(const tp_param *param, uint32_t seed, uint8_t *adapter) {
    tp_q8 *w = (tp_q8 *)(void *)(adapter + param->adapter);
    const bool gauss = param->init == TP_INIT_GAUSS;
    switch ((tp_param_type)param->type) {
    case TP_PARAM_Q8:
        w->e = -TP_MASTER_BITS;
        if (gauss) {
            start_gauss(param, seed, w);
        }
        break;
    case TP_PARAM_Q4:
    case TP_PARAM_Q2:
        memset(tp_packed_exponents(param, adapter),
               param->type == TP_PARAM_Q2
                   ? tp_ternary_exponent(tp_ternary_scale(param))
                   : -TP_MASTER_BITS,
               param->ranks);
        if (gauss) {
            (param->type == TP_PARAM_Q4 ? start_nibbles
                                        : start_ternary)(param, seed, adapter);
        }
        break;
    case TP_PARAM_S16:
        break;
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
