/* Small models of the shapes that matter, with random weights: for tests that
 * name their slots. Each appends to an empty maker and leaves the output in
 * maker->x; ops are called as the importer would, <kind><index>. */
#ifndef TP_TESTS_SMALL_MODELS_H
#define TP_TESTS_SMALL_MODELS_H

#include "tests/unit/random_maker.h"

/* conv0 (3x3, stride 2, ReLU), dwconv1 (ReLU), conv2 (1x1, ReLU6), average
 * pool, fc4, softmax. */
void tp_small_mobile(tp_maker *m);
/* conv0, then conv1 and conv2 beside a shortcut, ADD with ReLU, mean, fc5. */
void tp_small_residual(tp_maker *m);
/* conv0, then conv1 and conv2 side by side, joined; max pool, fc5, softmax. */
void tp_small_concat(tp_maker *m);
/* A squeeze-and-excitation gate: conv0 times the logistic of fc2 of its mean,
 * broadcast; max pool, fc7. */
void tp_small_gate(tp_maker *m);
/* fc0, leaky ReLU, fc2, hard swish, fc4, tanh, fc6, softmax. */
void tp_small_smooth(tp_maker *m);
/* fc0 to fc3; as many values out as in. */
void tp_small_autoencoder(tp_maker *m);
/* tp_small_smooth() and tp_small_autoencoder() with a uint8 output, which a
 * QUANTIZE makes. */
void tp_small_uint8(tp_maker *m);
void tp_small_uint8_autoencoder(tp_maker *m);

#endif
