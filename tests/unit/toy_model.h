/* A model small enough to know its gradient by heart, for tests of the
 * training loop and of blobs: two parameters tensors, w (int8, 4 values) and b
 * (int16, 3 values); the "sample" is the gradient itself. */
#ifndef TP_TESTS_TOY_MODEL_H
#define TP_TESTS_TOY_MODEL_H

#include "tinypeft/adapter.h"
#include "tinypeft/train.h"

enum { TOY_W = 4, TOY_B = 3, TOY_VALUES = TOY_W + TOY_B };

/* x of one sample: what its gradient is, real = value * 2^-8, and its loss. */
typedef struct toy_sample {
    int32_t grad[TOY_VALUES];
    int32_t loss;
} toy_sample;

typedef struct toy {
    tp_model model;
    tp_param param[2];
    tp_ctx ctx;
    _Alignas(8) uint8_t arena[8];
    _Alignas(8) uint8_t adapter[16];
    _Alignas(8) uint8_t train[512];
} toy;

void toy_open(toy *t);

#endif
