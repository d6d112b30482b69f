/* Checks of the training kernels against a model in float64: the gradient of a
 * scalar function by central differences, and integer tensors compared with
 * it in real units. Memory comes from one pool that a teardown empties. */
#ifndef TP_TESTS_GRADCHECK_H
#define TP_TESTS_GRADCHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tinypeft/ops.h"

/* What a test carries along: random numbers and memory. */
typedef struct tp_check {
    uint32_t rng;
    struct tp_check_block *blocks;
} tp_check;

/* cmocka setup and teardown: *state is a fresh tp_check; all of its memory is
 * freed. */
int tp_check_setup(void **state);
int tp_check_teardown(void **state);

/* Zeroed memory, each block of its own so that ASan sees its ends. */
void *tp_check_alloc(tp_check *c, size_t bytes);
double *tp_check_reals(tp_check *c, int n);
tp_q8 *tp_check_q8(tp_check *c, int n, int e);
tp_q16 *tp_check_q16(tp_check *c, int n);
tp_q32 *tp_check_q32(tp_check *c, int n);

/* Uniform in [low, high]. */
int tp_check_int(tp_check *c, int low, int high);

/* n bytes, uniform in [low, high]; `zeros` in 16 of them 0 on average. */
void tp_check_bytes(tp_check *c, int8_t *v, int n, int low, int high,
                    int zeros);
int8_t *tp_check_s8(tp_check *c, int n);             /* all of int8 */
tp_q8 *tp_check_gradient(tp_check *c, int n, int e); /* half of it 0 */

/* Real values of a q8 tensor. */
double *tp_check_real_q8(tp_check *c, const tp_q8 *q, int n);

/* grad[i] = df/dx[i] by central differences; f(model) reads x, which is
 * changed and put back. */
void tp_check_slope(double (*f)(const void *model), const void *model,
                    double *x, int n, double *grad);

/* Smallest exponent at which every v fits [-127, 127]. */
int tp_check_exponent(const double *v, int n);

/* Fails unless |v * 2^e - want| <= rel * max|want| + half a unit 2^e for every
 * element, and unless max|want| > 0: a comparison of zeros shows nothing. */
void tp_check_near_q8(const tp_q8 *got, const double *want, int n, double rel);
void tp_check_near_q32(const tp_q32 *got, const double *want, int n,
                       double rel);

/* Random geometry: kernel 1 to 3, stride and dilation 1 or 2, with and without
 * padding; a depthwise one has a multiplier of 1 or 2. */
tp_conv2d tp_check_conv(tp_check *c, bool depthwise);

/* f = m * 2^(s-31) */
tp_factor tp_check_factor(double f);

/* Random weights, requantisation and scales of a 1x1 convolution of in_c to
 * out_c channels. Returns W in real units as backward has them,
 * [out_c][in_c]. */
double *tp_check_weights(tp_check *c, tp_conv2d *op);

/* Sizes of a convolution's tensors. */
int tp_check_x_count(const tp_conv2d *op);
int tp_check_y_count(const tp_conv2d *op);
int tp_check_w_count(const tp_conv2d *op);

/* y = conv(x, w) in float64, straight from the definition; padding is 0. */
void tp_check_real_conv(const tp_conv2d *op, bool depthwise, const double *x,
                        const double *w, double *y);

#endif
