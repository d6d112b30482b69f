/* Graphs around one operation with a window, for tests of what the planner and
 * the kernels do with it. */
#ifndef TP_TEST_ONE_OP_H
#define TP_TEST_ONE_OP_H

#include "compiler/ir/ir.h"

/* input -> relu -> the op -> transpose: the op's x and y are in the arena.
 *   kind  CONV_2D, DEPTHWISE_CONV_2D, AVERAGE_POOL_2D or MAX_POOL_2D */
tp_graph tp_one_op(tp_arena *arena, uint32_t seed, tp_kind kind);

/* The same with scales, zero points, clamp ranges and biases of all kinds: per
 * channel from far too small to saturated, and powers of two, which make ties.
 *   kind  CONV_2D or DEPTHWISE_CONV_2D */
tp_graph tp_one_conv(tp_arena *arena, uint32_t seed, tp_kind kind);

#endif
