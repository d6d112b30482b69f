/* Between master weights (int16, 2^-13) and the integers that inference uses.
 * This rounding is the fake quantisation of training: the device trains with
 * the integers it will run. */
#ifndef TP_RUNTIME_WEIGHTS_H
#define TP_RUNTIME_WEIGHTS_H

#include "core/fixed.h"
#include "tinypeft/model.h"

#define TP_MASTER_BITS 13 /* fraction bits of a master weight */

/* master [count] -> the tensor in the adapter; masters of ternary weights are
 * held within their scale. Q8: the smallest exponent that
 * holds the largest weight in 7 bits. Q4: the same in 3 bits, rank by rank. Q2:
 * signs at a power of two, rank by rank. */
void tp_weights_from_master(const tp_param *param, int16_t *master,
                            uint8_t *adapter);

/* The tensor in the adapter -> master [count], exact up to saturation. */
void tp_weights_to_master(const tp_param *param, const uint8_t *adapter,
                          int16_t *master);

/* Of weights of few bits (packed.c): the code of weight i, and the exponents of
 * the ranks. */
void tp_packed_put(const tp_param *param, uint8_t *adapter, uint32_t i,
                   int32_t code);
int32_t tp_packed_get(const tp_param *param, const uint8_t *adapter,
                      uint32_t i);
int8_t *tp_packed_exponents(const tp_param *param, uint8_t *adapter);

/* The exponent for weights whose bitwise OR of magnitudes is `peak`. */
int32_t tp_weights_exponent(uint32_t peak);

/* One random master weight: about Gaussian, standard deviation std * 2^-13. */
int32_t tp_weight_draw(uint32_t *rng, uint16_t std);

/* One working weight. */
static inline int8_t tp_weight_round(int32_t master, int32_t exponent) {
    const int32_t shift = exponent + TP_MASTER_BITS;
    const int32_t half = shift > 0 ? (1 << shift) >> 1 : 0;
    const int32_t v = (master + half) >> shift;
    return (int8_t)(v > 127 ? 127 : (v < -127 ? -127 : v));
}

#endif
