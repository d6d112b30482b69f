/* A multilayer perceptron with one hidden layer (ReLU): trained in float32,
 * quantised after training as TensorFlow Lite does, written as a .tflite. */
#ifndef TP_TEST_ACCURACY_MLP_H
#define TP_TEST_ACCURACY_MLP_H

#include <stddef.h>
#include <stdint.h>

enum { TP_MLP_IN = 265, TP_MLP_HIDDEN = 64, TP_MLP_OUT = 6 };

typedef struct tp_mlp {
    float w1[TP_MLP_IN][TP_MLP_HIDDEN], b1[TP_MLP_HIDDEN];
    float w2[TP_MLP_HIDDEN][TP_MLP_OUT], b2[TP_MLP_OUT];
} tp_mlp;

/* n samples, in float32. */
typedef struct tp_mlp_data {
    const float *x; /* [n][TP_MLP_IN], within [-1, 1] */
    const uint8_t *label;
    int n;
} tp_mlp_data;

/* Real value of an int8 input; the zero point is 0. */
#define TP_MLP_X_SCALE (1.0f / 127.0f)

/* Stochastic gradient descent with momentum, cross-entropy; the same weights
 * for the same seed. mlp[0] is the result, mlp[1] and mlp[2] are scratch. */
void tp_mlp_train(tp_mlp mlp[3], const tp_mlp_data *data, uint32_t seed);

/* The class of one sample, in float32. */
int tp_mlp_class(const tp_mlp *mlp, const float *x);

/* The .tflite file, to be freed: int8 weights with a scale a channel,
 * activations with the range that the data show, a softmax at the end. */
uint8_t *tp_mlp_tflite(const tp_mlp *mlp, const tp_mlp_data *data, size_t *n);

#endif
