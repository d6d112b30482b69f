/* Weights of 4 and 2 bits, one exponent a rank. A model that has none names no
 * tp_packing, and nothing here is linked. */
#include <stdbool.h>
#include <string.h>

#include "core/fixed.h"
#include "core/rng.h"
#include "runtime/adapter/weights.h"

static uint32_t bits_of(const tp_param *param) {
    return param->type == TP_PARAM_Q4 ? 4 : 2;
}

static uint32_t rank_of(const tp_param *param, uint32_t i) {
    return i / param->stride % param->ranks;
}

void tp_packed_put(const tp_param *param, uint8_t *adapter, uint32_t i,
                   int32_t code) {
    const uint32_t bits = bits_of(param);
    uint8_t *codes = adapter + param->adapter + tp_packed_header(param->ranks);
    uint8_t *byte = &codes[i * bits / 8];
    const uint32_t shift = i * bits % 8;
    const uint32_t mask = ((1u << bits) - 1u) << shift;
    *byte = (uint8_t)((*byte & ~mask) | (((uint32_t)code << shift) & mask));
}

int32_t tp_packed_get(const tp_param *param, const uint8_t *adapter,
                      uint32_t i) {
    const uint32_t bits = bits_of(param);
    const uint8_t *codes =
        adapter + param->adapter + tp_packed_header(param->ranks);
    const int32_t raw = codes[i * bits / 8] >> (i * bits % 8);
    const int32_t sign = INT32_C(1) << (bits - 1);
    return ((raw & (2 * sign - 1)) ^ sign) - sign;
}

int8_t *tp_packed_exponents(const tp_param *param, uint8_t *adapter) {
    return (int8_t *)(adapter + param->adapter);
}

/* The scale of ternary weights that stays as it was at the start, in units of a
 * master; 0: it follows the weights. */
static uint32_t ternary_scale(const tp_param *param) {
    return param->init == TP_INIT_GAUSS ? param->init_std * 1208u / 1024u
                                        : param->init_std;
}

/* The power of two nearest to a scale in units of a master weight: log2,
 * rounded by way of the bits of 2 scale^2. */
static int32_t ternary_exponent(uint32_t scale) {
    const uint32_t x = scale < 32767u ? scale : 32767u;
    const int32_t e = x == 0 ? 0 : (tp_bits32(2u * x * x) - 1) / 2;
    return e - TP_MASTER_BITS;
}

/* Sum and number of the magnitudes of rank r that are above `least`. */
static uint32_t sum_above(const tp_param *param, const int16_t *master,
                          uint32_t r, uint32_t least, uint32_t *count) {
    uint32_t sum = 0;
    *count = 0;
    for (uint32_t i = 0; i < param->count; i++) {
        const uint32_t size = tp_abs32(master[i]);
        if (rank_of(param, i) == r && size > least) {
            sum += size;
            ++*count;
        }
    }
    return sum;
}

static void put_signs(const tp_param *param, const int16_t *master,
                      uint8_t *adapter, uint32_t r, uint32_t least) {
    for (uint32_t i = 0; i < param->count; i++) {
        if (rank_of(param, i) == r) {
            const int32_t sign = master[i] < 0 ? -1 : 1;
            const bool kept = tp_abs32(master[i]) > least;
            tp_packed_put(param, adapter, i, kept ? sign : 0);
        }
    }
}

/* Ternary weights (Li et al. 2016, arXiv:1605.04711): what is above 0.7 times
 * the mean magnitude keeps its sign, at the mean magnitude of those, here
 * rounded to a power of two. count * 2^15 < 2^32 for 131,071 weights. */
static void pack_ternary(const tp_param *param, const int16_t *master,
                         uint8_t *adapter, uint32_t r) {
    const uint32_t each = (uint32_t)tp_max32(
        (int32_t)(param->count / param->ranks), 1); /* weights of a rank */
    uint32_t above = 0;
    const uint32_t sum = sum_above(param, master, r, 0, &above);
    const uint32_t least = (uint32_t)((uint64_t)sum * 7u / (10u * each));
    const uint32_t rest = sum_above(param, master, r, least, &above);
    tp_packed_exponents(param, adapter)[r] =
        (int8_t)ternary_exponent(above > 0 ? rest / above : 0);
    put_signs(param, master, adapter, r, least);
}

/* Where both factors of a branch learn, scales that follow the weights let them
 * grow without end: noise of the one is gradient of the other. So here the
 * scale stays, and a master is held within 5/4 of it (Courbariaux et al. 2015,
 * arXiv:1511.00363). KWS, five speakers, k = 10: 96.8 %, with scales that
 * follow 93.2 %. */
static void pack_fixed(const tp_param *param, int16_t *master, uint8_t *adapter,
                       uint32_t r) {
    const int32_t e = ternary_exponent(ternary_scale(param));
    const int32_t scale = INT32_C(1) << (e + TP_MASTER_BITS);
    const int32_t most = tp_min32(scale * 5 / 4, INT16_MAX);
    for (uint32_t i = 0; i < param->count; i++) {
        if (rank_of(param, i) == r) {
            master[i] = (int16_t)tp_clamp32(master[i], -most, most);
        }
    }
    tp_packed_exponents(param, adapter)[r] = (int8_t)e;
    put_signs(param, master, adapter, r, (uint32_t)scale / 2);
}

static int32_t nibble_round(int32_t master, int32_t exponent) {
    return tp_clamp32(tp_shift_round(master, exponent + TP_MASTER_BITS), -7, 7);
}

static void pack_nibbles(const tp_param *param, const int16_t *master,
                         uint8_t *adapter, uint32_t r) {
    uint32_t peak = 0;
    for (uint32_t i = 0; i < param->count; i++) {
        peak |= rank_of(param, i) == r ? tp_abs32(master[i]) : 0;
    }
    const int32_t e = tp_max32(tp_bits32(peak) - 3, 0) - TP_MASTER_BITS;
    tp_packed_exponents(param, adapter)[r] = (int8_t)e;
    for (uint32_t i = 0; i < param->count; i++) {
        if (rank_of(param, i) == r) {
            tp_packed_put(param, adapter, i, nibble_round(master[i], e));
        }
    }
}

static void from_master(const tp_param *param, int16_t *master,
                        uint8_t *adapter) {
    for (uint32_t r = 0; r < param->ranks; r++) {
        if (param->type == TP_PARAM_Q4) {
            pack_nibbles(param, master, adapter, r);
        } else if (ternary_scale(param) > 0) {
            pack_fixed(param, master, adapter, r);
        } else {
            pack_ternary(param, master, adapter, r);
        }
    }
}

static void to_master(const tp_param *param, const uint8_t *adapter,
                      int16_t *master) {
    const int8_t *e = (const int8_t *)(adapter + param->adapter);
    for (uint32_t i = 0; i < param->count; i++) {
        const int32_t v =
            tp_shift_round(tp_packed_get(param, adapter, i),
                           -(e[rank_of(param, i)] + TP_MASTER_BITS));
        master[i] = (int16_t)tp_clamp32(v, INT16_MIN, INT16_MAX);
    }
}

/* --- start ---------------------------------------------------------------- */

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
                      nibble_round(tp_weight_draw(&rng, param->init_std), e));
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
        const int32_t w = tp_weight_draw(&rng, param->init_std);
        const int32_t sign = w < 0 ? -1 : 1;
        tp_packed_put(param, adapter, i,
                      tp_abs32(w) > std * 572u / 1024u ? sign : 0);
    }
    memset(tp_packed_exponents(param, adapter),
           (uint8_t)ternary_exponent(ternary_scale(param)), param->ranks);
}

/* Zero weights have the exponent of a master's unit, ternary ones that of their
 * scale. */
static void start(const tp_param *param, uint32_t seed, uint8_t *adapter) {
    const bool ternary = param->type == TP_PARAM_Q2;
    const int32_t e =
        ternary ? ternary_exponent(ternary_scale(param)) : -TP_MASTER_BITS;
    memset(tp_packed_exponents(param, adapter), (uint8_t)e, param->ranks);
    if (param->init == TP_INIT_GAUSS) {
        (ternary ? start_ternary : start_nibbles)(param, seed, adapter);
    }
}

const tp_packing tp_packing_few_bits = {
    .from_master = from_master, .to_master = to_master, .start = start};
