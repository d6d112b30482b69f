/* From a .tflite operator to an op of the graph: one function a kind. Each
 * checks everything of the op, reports every problem and fills kind, attr and
 * n_data. Operands exist (map.c has seen to it), but may be bad: a mapper
 * judges the options first, then asks tp_tfl_operands_sound(). */
#ifndef TP_COMPILER_IMPORT_MAP_H
#define TP_COMPILER_IMPORT_MAP_H

#include "compiler/import/tflite.h"

typedef void (*tp_tfl_mapper)(tp_tfl_model *m, tp_tfl_op *op);

/* map_conv.c */
void tp_tfl_map_conv(tp_tfl_model *m, tp_tfl_op *op);
void tp_tfl_map_dwconv(tp_tfl_model *m, tp_tfl_op *op);
void tp_tfl_map_fc(tp_tfl_model *m, tp_tfl_op *op);
/* map_math.c */
void tp_tfl_map_eltwise(tp_tfl_model *m, tp_tfl_op *op);
void tp_tfl_map_pool(tp_tfl_model *m, tp_tfl_op *op);
void tp_tfl_map_mean(tp_tfl_model *m, tp_tfl_op *op);
void tp_tfl_map_reduce_max(tp_tfl_model *m, tp_tfl_op *op);
void tp_tfl_map_softmax(tp_tfl_model *m, tp_tfl_op *op);
void tp_tfl_map_lut(tp_tfl_model *m, tp_tfl_op *op);
void tp_tfl_map_quantize(tp_tfl_model *m, tp_tfl_op *op);
void tp_tfl_map_dequantize(tp_tfl_model *m, tp_tfl_op *op);
/* map_move.c */
void tp_tfl_map_reshape(tp_tfl_model *m, tp_tfl_op *op);
void tp_tfl_map_squeeze(tp_tfl_model *m, tp_tfl_op *op);
void tp_tfl_map_expand(tp_tfl_model *m, tp_tfl_op *op);
void tp_tfl_map_pad(tp_tfl_model *m, tp_tfl_op *op);
void tp_tfl_map_transpose(tp_tfl_model *m, tp_tfl_op *op);
void tp_tfl_map_concat(tp_tfl_model *m, tp_tfl_op *op);
void tp_tfl_map_resize(tp_tfl_model *m, tp_tfl_op *op);
void tp_tfl_map_slice(tp_tfl_model *m, tp_tfl_op *op);

/* --- window.c: what convolutions and pools share -------------------------- */

typedef struct tp_tfl_window {
    int32_t padding;                      /* 0 SAME, 1 VALID */
    int32_t k[2], stride[2], dilation[2]; /* rows, columns */
} tp_tfl_window;

/* Reports strides, dilations and window sizes below 1. */
bool tp_tfl_window_sound(tp_tfl_model *m, tp_tfl_op *op,
                         const tp_tfl_window *w);
/* x and y are maps [1, h, w, c]; fills strides, dilations, pads and compares
 * y's declared height and width with what the window makes. */
bool tp_tfl_window_fit(tp_tfl_model *m, tp_tfl_op *op, const tp_tfl_window *w);
/* attr.act_min, act_max from a fused activation, for the output's scale. */
void tp_tfl_activation(tp_tfl_model *m, tp_tfl_op *op, int32_t fused);
bool tp_tfl_activation_known(tp_tfl_model *m, tp_tfl_op *op, int32_t fused);

/* --- map.c: checks that report and say false ------------------------------ */

/* int8 with one scale; `what`: "input 0", "the output". */
bool tp_tfl_is_byte(tp_tfl_model *m, tp_tfl_op *op, const tp_tfl_tensor *t,
                    const char *what);
/* Input 0 and the output are such, and input 0 is no constant. */
bool tp_tfl_unary(tp_tfl_model *m, tp_tfl_op *op);
/* Same scale and zero point: the bytes are moved, not computed. */
bool tp_tfl_same_quant(tp_tfl_model *m, tp_tfl_op *op, const tp_tfl_tensor *a,
                       const tp_tfl_tensor *b);
/* A real factor has a fixed-point form: 2^-32 <= f < 2^30. */
bool tp_tfl_factor(tp_tfl_model *m, tp_tfl_op *op, double f, const char *what);
/* x is [1, h, w, c]. */
bool tp_tfl_is_map(tp_tfl_model *m, tp_tfl_op *op, const tp_tfl_tensor *x);

#endif
