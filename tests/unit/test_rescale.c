/* Truth link: exact arithmetic, float64 and finite differences -> the ref
 * kernels of trained channel scales. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/rng.h"
#include "tests/unit/gradcheck.h"
#include "tinypeft/kernels.h"

enum { CHANNELS = 37, PIXELS = 6 };

static double real_of(tp_factor f) {
    return ldexp(f.m, f.s - 31);
}

/* What the contract makes of t. */
static double gain(int t) {
    return fmin(fmax(8192 + t, 512), 32767) / 8192.0;
}

typedef struct scales {
    tp_rescale op;
    int32_t m[CHANNELS];
    int8_t s[CHANNELS];
    int16_t t[CHANNELS];
    tp_factor f[CHANNELS];
} scales;

static void draw(tp_check *c, scales *a, int low, int high) {
    a->op = (tp_rescale){.n = CHANNELS,
                         .pixels = PIXELS,
                         .y_zp = tp_check_int(c, -128, 127),
                         .m = a->m,
                         .s = a->s};
    for (int i = 0; i < CHANNELS; i++) {
        a->m[i] = (int32_t)((tp_rng_next(&c->rng) >> 2) | (1u << 30));
        a->s[i] = (int8_t)tp_check_int(c, -20, 4);
        a->t[i] = (int16_t)tp_check_int(c, low, high);
    }
}

static void test_start_state(void **state) {
    tp_check *c = *state;
    scales a;
    draw(c, &a, 0, 0);
    a.m[0] = INT32_MAX;
    a.m[1] = 1 << 30;
    a.m[2] = 0;
    a.s[2] = 0;
    a.s[3] = -31;
    a.s[4] = 30;
    tp_rescale_s16_fwd_ref(&a.op, a.t, a.f);
    for (int i = 0; i < CHANNELS; i++) {
        assert_int_equal(a.f[i].m, a.m[i]);
        assert_int_equal(a.f[i].s, a.s[i]);
    }
}

static void test_factors(void **state) {
    tp_check *c = *state;
    for (int run = 0; run < 200; run++) {
        scales a;
        draw(c, &a, INT16_MIN, INT16_MAX);
        a.m[0] = INT32_MAX; /* rounds up to the next power of two */
        a.t[0] = 1;
        a.m[1] = INT32_MAX;
        a.t[1] = -1;
        tp_rescale_s16_fwd_ref(&a.op, a.t, a.f);
        for (int i = 0; i < CHANNELS; i++) {
            const double want =
                real_of((tp_factor){a.m[i], a.s[i]}) * gain(a.t[i]);
            assert_true(a.f[i].m >= 1 << 30);
            assert_true(fabs(real_of(a.f[i]) / want - 1.0) <=
                        ldexp(1.0, -31) + 1e-15);
        }
    }
}

/* Beyond what a tp_factor holds: the largest, or 0. */
static void test_factors_saturate(void **state) {
    tp_check *c = *state;
    scales a;
    draw(c, &a, 0, 0);
    a.s[0] = 30;
    a.t[0] = 32767;
    a.s[1] = -31;
    a.t[1] = -32768;
    a.s[2] = -27; /* 2^-4 of it still fits */
    a.m[2] = 1 << 30;
    a.t[2] = -32768;
    tp_rescale_s16_fwd_ref(&a.op, a.t, a.f);
    assert_int_equal(a.f[0].m, INT32_MAX);
    assert_int_equal(a.f[0].s, 30);
    assert_int_equal(a.f[1].m, 0);
    assert_int_equal(a.f[1].s, 0);
    assert_int_equal(a.f[2].m, 1 << 30);
    assert_int_equal(a.f[2].s, -31);
}

/* The three convolutions give, with factors as an argument, what they give with
 * the same factors in the descriptor. */
static void test_convolutions(void **state) {
    tp_check *c = *state;
    for (int run = 0; run < 90; run++) {
        const int which = run % 3;
        tp_conv2d op = tp_check_conv(c, which == 1);
        const int n = (int)op.out_c;
        const int ny = tp_check_y_count(&op);
        int32_t m[70];
        int8_t s[70];
        int32_t b[70];
        tp_factor f[70];
        assert_true(n <= 70);
        for (int i = 0; i < n; i++) {
            m[i] = (int32_t)((tp_rng_next(&c->rng) >> 2) | (1u << 30));
            s[i] = (int8_t)tp_check_int(c, -12, -5);
            f[i] = (tp_factor){m[i], s[i]};
            b[i] = tp_check_int(c, -20000, 20000);
        }
        op.w = tp_check_s8(c, tp_check_w_count(&op));
        op.rank = 2;
        op.lora_m = m;
        op.lora_s = s;
        const int8_t *x = tp_check_s8(c, tp_check_x_count(&op));
        tp_q16 *u = tp_check_q16(c, ny / n * 2);
        for (int i = 0; i < ny / n * 2; i++) {
            u->v[i] = (int16_t)tp_check_int(c, -3000, 3000);
        }
        tp_q8 *lora_b = tp_check_gradient(c, n * 2, 4);
        int8_t *got = tp_check_s8(c, ny);
        int8_t *want = tp_check_s8(c, ny);
        tp_conv2d bare = op;
        op.m = m;
        op.s = s;
        switch (which) {
        case 0:
            tp_conv2d_s8_fwd_ref(&op, x, b, want);
            tp_conv2d_scaled_s8_fwd_ref(&bare, x, b, f, got);
            break;
        case 1:
            tp_dwconv2d_s8_fwd_ref(&op, x, b, want);
            tp_dwconv2d_scaled_s8_fwd_ref(&bare, x, b, f, got);
            break;
        default:
            tp_conv2d_lora_s8_fwd_ref(&op, x, b, u, lora_b, want);
            tp_conv2d_lora_scaled_s8_fwd_ref(&bare, x, b, u, lora_b, f, got);
        }
        assert_memory_equal(got, want, (size_t)ny);
    }
}

/* L = sum of dy * y, y = acc * (1 + t), in steps of y. */
typedef struct model {
    const double *dy, *acc;
    double t[CHANNELS];
} model;

static double loss(const void *of) {
    const model *m = of;
    double sum = 0.0;
    for (int i = 0; i < PIXELS * CHANNELS; i++) {
        sum += m->dy[i] * m->acc[i] * (1.0 + m->t[i % CHANNELS]);
    }
    return sum;
}

static void test_backward(void **state) {
    tp_check *c = *state;
    for (int run = 0; run < 40; run++) {
        const int n = PIXELS * CHANNELS;
        scales a;
        draw(c, &a, -7680, 24575);
        const int8_t *y = tp_check_s8(c, n);
        const tp_q8 *dy = tp_check_gradient(c, n, tp_check_int(c, -9, -3));
        double *acc = tp_check_reals(c, n);
        model real = {.dy = tp_check_real_q8(c, dy, n), .acc = acc};
        double want_t[CHANNELS];
        double *want_x = tp_check_reals(c, n);
        for (int i = 0; i < n; i++) {
            acc[i] = (y[i] - a.op.y_zp) / gain(a.t[i % CHANNELS]);
            want_x[i] = real.dy[i] * gain(a.t[i % CHANNELS]);
        }
        for (int i = 0; i < CHANNELS; i++) {
            real.t[i] = gain(a.t[i]) - 1.0;
        }
        tp_check_slope(loss, &real, real.t, CHANNELS, want_t);
        a.op.acc_shift = tp_check_int(c, 0, 3);
        tp_q32 *dt = tp_check_q32(c, CHANNELS);
        tp_rescale_s8_bwd_w_ref(&a.op, y, dy, a.t, dt);
        tp_check_near_q32(dt, want_t, CHANNELS, 1e-6);

        tp_q8 *dx = tp_check_q8(c, n, 0);
        tp_gscale g = {.e = (int8_t)tp_check_exponent(want_x, n)};
        tp_rescale_q8_bwd_x_ref(&a.op, dy, a.t, dx, &g);
        tp_check_near_q8(dx, want_x, n, 0.0);
        assert_true(g.peak <= 127);
        assert_in_range(g.peak, 64, 127);
    }
}

/* In place, and added to what was there. */
static void test_in_place_and_added(void **state) {
    tp_check *c = *state;
    const int n = PIXELS * CHANNELS;
    scales a;
    draw(c, &a, -7680, 24575);
    tp_q8 *dy = tp_check_gradient(c, n, -5);
    const int8_t *y = tp_check_s8(c, n);
    tp_q32 *once = tp_check_q32(c, CHANNELS);
    tp_q32 *twice = tp_check_q32(c, CHANNELS);
    tp_rescale_s8_bwd_w_ref(&a.op, y, dy, a.t, once);
    tp_rescale_s8_bwd_w_ref(&a.op, y, dy, a.t, twice);
    tp_rescale_s8_bwd_w_ref(&a.op, y, dy, a.t, twice);
    for (int i = 0; i < CHANNELS; i++) {
        assert_int_equal(twice->v[i], 2 * once->v[i]);
    }
    tp_q8 *dx = tp_check_q8(c, n, 0);
    tp_gscale g = {.e = -3};
    tp_gscale same = g;
    tp_rescale_q8_bwd_x_ref(&a.op, dy, a.t, dx, &g);
    tp_rescale_q8_bwd_x_ref(&a.op, dy, a.t, dy, &same);
    assert_memory_equal(dx, dy, sizeof *dx + (size_t)n);
    assert_memory_equal(&g, &same, sizeof g);
}

/* The largest map and values: 255 * 127 * 66,000 fits; 256 samples of the
 * largest gain of the quotient fit by acc_shift. */
static void test_large_map(void **state) {
    tp_check *c = *state;
    const int pixels = 66000;
    const int32_t m = 1 << 30;
    const int8_t s = 0;
    const int16_t t = -32768; /* 1 + t = 1 / 16 */
    const tp_rescale op = {.n = 1,
                           .pixels = pixels,
                           .y_zp = -128,
                           .acc_shift = 12,
                           .m = &m,
                           .s = &s};
    int8_t *y = tp_check_s8(c, pixels);
    tp_q8 *dy = tp_check_q8(c, pixels, -7);
    memset(y, 127, (size_t)pixels);
    memset(dy->v, -127, (size_t)pixels);
    tp_q32 *dt = tp_check_q32(c, 1);
    tp_rescale_s8_bwd_w_ref(&op, y, dy, &t, dt);
    const int64_t exact = INT64_C(-66000) * 255 * 127 * 16;
    assert_int_equal(dt->v[0], lround((double)exact / 4096.0));
    assert_int_equal(dt->e, -7 + 12);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_start_state, tp_check_setup,
                                        tp_check_teardown),
        cmocka_unit_test_setup_teardown(test_factors, tp_check_setup,
                                        tp_check_teardown),
        cmocka_unit_test_setup_teardown(test_factors_saturate, tp_check_setup,
                                        tp_check_teardown),
        cmocka_unit_test_setup_teardown(test_convolutions, tp_check_setup,
                                        tp_check_teardown),
        cmocka_unit_test_setup_teardown(test_backward, tp_check_setup,
                                        tp_check_teardown),
        cmocka_unit_test_setup_teardown(test_in_place_and_added, tp_check_setup,
                                        tp_check_teardown),
        cmocka_unit_test_setup_teardown(test_large_map, tp_check_setup,
                                        tp_check_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
