#include "runtime/adapter/weights.h"

#include <string.h>

#include "core/fixed.h"
#include "core/rng.h"

/* |master| < 2^15 has at most 15 bits (16 for -2^15), so the shift is 0..9. */
int32_t tp_weights_exponent(uint32_t peak) {
    return tp_max32(tp_bits32(peak) - 7, 0) - TP_MASTER_BITS;
}

static tp_q8 *q8_of(const tp_param *param, uint8_t *adapter) {
    return (tp_q8 *)(void *)(adapter + param->adapter);
}

int32_t tp_weight_draw(uint32_t *rng, uint16_t std) {
    const int32_t x = (tp_rng_gauss_q13(rng) * (int32_t)std) >> 13;
    return tp_clamp32(x, INT16_MIN, INT16_MAX);
}

/* --- masters -------------------------------------------------------------- */

void tp_weights_from_master(const tp_param *param, int16_t *master,
                            uint8_t *adapter) {
    if (param->type == TP_PARAM_S16) {
        memcpy(adapter + param->adapter, master, 2u * param->count);
        return;
    }
    if (param->packing != NULL) {
        param->packing->from_master(param, master, adapter);
        return;
    }
    const uint32_t n = param->count; /* no store below may change it */
    uint32_t peak = 0;
    for (uint32_t i = 0; i < n; i++) {
        peak |= tp_abs32(master[i]);
    }
    tp_q8 *w = q8_of(param, adapter);
    const int32_t e = tp_weights_exponent(peak);
    for (uint32_t i = 0; i < n; i++) {
        w->v[i] = tp_weight_round(master[i], e);
    }
    w->e = (int8_t)e;
}

void tp_weights_to_master(const tp_param *param, const uint8_t *adapter,
                          int16_t *master) {
    if (param->type == TP_PARAM_S16) {
        memcpy(master, adapter + param->adapter, 2u * param->count);
        return;
    }
    if (param->packing != NULL) {
        param->packing->to_master(param, adapter, master);
        return;
    }
    const tp_q8 *w = (const tp_q8 *)(const void *)(adapter + param->adapter);
    for (uint32_t i = 0; i < param->count; i++) {
        const int32_t v = tp_shift_round(w->v[i], -(w->e + TP_MASTER_BITS));
        master[i] = (int16_t)tp_clamp32(v, INT16_MIN, INT16_MAX);
    }
}
