/* Forward kernels against gemmlowp's arithmetic in another form, and backward
 * kernels against difference quotients: what the tests of elementwise
 * operations, pools and means share. */
#ifndef TP_TESTS_UNIT_GRADIENT_H
#define TP_TESTS_UNIT_GRADIENT_H

#include <math.h>

#include "tests/unit/lowered.h"

/* --- TensorFlow Lite's integer arithmetic --------------------------------- */

/* gemmlowp: a nudge by sign, then division towards zero. */
static inline int64_t high_mul(int64_t a, int64_t m) {
    const int64_t ab = a * m;
    const int64_t half = INT64_C(1) << 30;
    return (ab + (ab >= 0 ? half : 1 - half)) / (INT64_C(1) << 31);
}

/* QuantizeMultiplier: f = m * 2^(s-31); too small a factor is 0. */
static inline int64_t multiplier_of(double f, int *s) {
    double m = round(ldexp(frexp(f, s), 31));
    if (m == ldexp(1.0, 31)) {
        m /= 2;
        ++*s;
    }
    if (*s < -31) {
        *s = 0;
        m = 0.0;
    }
    return (int64_t)m;
}

/* x * m * 2^(s-31) with the two roundings, the second to halves away from
 * zero: round(). */
static inline int64_t multiply(int64_t x, int64_t m, int s) {
    const int64_t high = high_mul(s > 0 ? x * (INT64_C(1) << s) : x, m);
    return s > 0 ? high : (int64_t)round(ldexp((double)high, s));
}

static inline int8_t clamp(int64_t v, int32_t min, int32_t max) {
    v = v < min ? min : v;
    return (int8_t)(v > max ? max : v);
}

/* --- running one op ------------------------------------------------------- */

/* Uniform in [lo, hi]. */
static inline int between(uint32_t *rng, int lo, int hi) {
    return lo + (int)tp_rng_below(rng, (uint32_t)(hi - lo + 1));
}

/* The kernel call of the one step that lowering made. */
static inline void bench_kernel(bench *b, void *const *buffer) {
    assert_int_equal(b->low.n_steps, 1);
    const tp_step *s = &b->low.step[0];
    void *p[TP_MAX_ARGS] = {NULL};
    for (int i = 0; i < s->n_args; i++) {
        if (s->arg[i].kind == TP_ARG_TENSOR) {
            p[i] = buffer[s->arg[i].tensor];
        } else if (s->arg[i].kind == TP_ARG_GSCALE) {
            p[i] = &b->gscale;
        } else {
            assert_null(s->arg[i].data);
        }
    }
    switch ((int)s->kernel) {
    case TP_K_add_s8_fwd_ref:
        tp_add_s8_fwd_ref(s->desc, p[0], p[1], p[2]);
        break;
    case TP_K_mul_s8_fwd_ref:
        tp_mul_s8_fwd_ref(s->desc, p[0], p[1], p[2]);
        break;
    case TP_K_avgpool_s8_fwd_ref:
        tp_avgpool_s8_fwd_ref(s->desc, p[0], p[1]);
        break;
    case TP_K_maxpool_s8_fwd_ref:
        tp_maxpool_s8_fwd_ref(s->desc, p[0], p[1]);
        break;
    case TP_K_mean_s8_fwd_ref:
        tp_mean_s8_fwd_ref(s->desc, p[0], p[1]);
        break;
    case TP_K_avgpool_q8_bwd_x_ref:
        tp_avgpool_q8_bwd_x_ref(s->desc, p[0], p[1], p[2]);
        break;
    case TP_K_maxpool_q8_bwd_x_ref:
        tp_maxpool_q8_bwd_x_ref(s->desc, p[0], p[1], p[2], p[3]);
        break;
    case TP_K_mean_q8_bwd_x_ref:
        tp_mean_q8_bwd_x_ref(s->desc, p[0], p[1], p[2]);
        break;
    case TP_K_eltwise_q8_bwd_x_ref:
        tp_eltwise_q8_bwd_x_ref(s->desc, p[0], p[1], p[2], p[3]);
        break;
    default:
        fail_msg("kernel %d is not of these tests", (int)s->kernel);
    }
}

/* Verified, lowered, run. */
static inline void bench_whole(bench *b, void *const *buffer) {
    assert_int_equal(bench_verify(b), TP_OK);
    bench_lower(b);
    bench_kernel(b, buffer);
}

/* --- gradients ------------------------------------------------------------ */

/* An exponent at which the largest value is 64 to 127 steps. */
static inline int exponent_for(double max) {
    int e = 0;
    (void)frexp(max / 127.0, &e);
    return ldexp(127.0, e - 1) >= max ? e - 1 : e;
}

/* `want` at exponent e, where nothing saturates. */
static inline void check_values(bench *b, int dx, const double *want, int n,
                                int e) {
    const tp_q8 *out = b->buffer[dx];
    uint32_t peak = 0;
    b->gscale = (tp_gscale){.e = (int8_t)e};
    bench_whole(b, b->buffer);
    assert_int_equal(out->e, e);
    for (int i = 0; i < n; i++) {
        /* Half a step, and 2^-15 of at most 127 for the factor's bits. As the
         * largest value has 64 steps or more: 0.8 % of the tensor's. */
        assert_true(fabs(out->v[i] - ldexp(want[i], -e)) <= 0.505);
        peak |= (uint32_t)(out->v[i] ^ (out->v[i] >> 31));
    }
    assert_int_equal(b->gscale.peak, peak);
}

/* The same gradient at an exponent so small that some of it saturates. */
static inline void check_saturation(bench *b, int dx, const double *want, int n,
                                    int e) {
    tp_q8 *out = b->buffer[dx];
    b->gscale = (tp_gscale){.e = (int8_t)(e - 2)};
    bench_kernel(b, b->buffer);
    int sure = 0;
    for (int i = 0; i < n; i++) {
        const double steps = ldexp(want[i], 2 - e);
        sure += fabs(steps) > 127.6 ? 1 : 0;
        const double cut = fmin(fmax(steps, -127.0), 127.0);
        assert_true(fabs(out->v[i] - cut) <= 0.52);
    }
    assert_true(sure > 0);
    assert_true(b->gscale.peak > 127);
}

/* Fills dy at a random exponent; its real values. */
static inline void random_dy(tp_q8 *dy, int n, double *value, uint32_t *rng) {
    dy->e = (int8_t)between(rng, -20, 4);
    for (int i = 0; i < n; i++) {
        dy->v[i] = (int8_t)between(rng, -127, 127);
        value[i] = ldexp(dy->v[i], dy->e);
    }
}

/* Both, at the exponent that fits; a gradient of zeros is not checked. */
static inline void check_against(bench *b, int dx, const double *want, int n) {
    double max = 0.0;
    for (int i = 0; i < n; i++) {
        max = fmax(max, fabs(want[i]));
    }
    if (max > 0.0) {
        const int e = exponent_for(max);
        check_values(b, dx, want, n, e);
        check_saturation(b, dx, want, n, e);
    }
}

#endif
