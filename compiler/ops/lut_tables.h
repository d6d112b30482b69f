/* The functions of one byte as tables: TensorFlow Lite Micro's integer
 * arithmetic, run once for each of the 256 inputs, and its derivative. */
#ifndef TP_COMPILER_OPS_LUT_TABLES_H
#define TP_COMPILER_OPS_LUT_TABLES_H

#include "compiler/ir/ir.h"

typedef struct tp_lut_fn {
    tp_kind kind; /* QUANTIZE, RELU, RELU6, LEAKY_RELU, LOGISTIC, TANH,
                     HARD_SWISH */
    float alpha;  /* LEAKY_RELU: slope below zero. RELU6, for its slope
                     alone: s_y / s_x, because its table copies bytes whatever
                     the scales are */
    float x_scale, y_scale;
    int32_t x_zp, y_zp;
    bool x_unsigned, y_unsigned; /* uint8 */
} tp_lut_fn;

/* Why there is no table for these scales; NULL: there is one. */
const char *tp_lut_refusal(const tp_lut_fn *fn);

/*   table  [out] y's byte, indexed by the bits of x's byte
 *   pass   [out] false where the output is held by a clamp, so that no
 *          gradient passes; indexed likewise
 * tp_lut_refusal() must have been NULL. */
void tp_lut_table(const tp_lut_fn *fn, uint8_t table[256], bool pass[256]);

/*   slope  [out] derivative dy/dx in real units * 2^14, saturated; 0 where
 *          pass is false
 * Of `fn` only kind, alpha and what describes x are used. */
void tp_lut_slope(const tp_lut_fn *fn, const bool pass[256],
                  int16_t slope[256]);

#endif
