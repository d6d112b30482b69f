/* CONV_2D, FULLY_CONNECTED and DEPTHWISE_CONV_2D: forward against hand-made
 * vectors and an int64 reference (equal bytes), backward against finite
 * differences of a float64 model (stated tolerance). */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/unit/gradcheck.h"
#include "tinypeft/kernels.h"

#define ROUNDS 60

/* ---- forward ---- */

/* TensorFlow Lite's two roundings, written as gemmlowp defines them. */
static int64_t requantise(int64_t acc, int64_t m, int s) {
    if (s > 0) {
        acc *= INT64_C(1) << s;
    }
    const int64_t product = acc * m;
    const int64_t nudge =
        product >= 0 ? INT64_C(1) << 30 : 1 - (INT64_C(1) << 30);
    const int64_t high = (product + nudge) / (INT64_C(1) << 31);
    const double exact = s < 0 ? ldexp((double)high, s) : (double)high;
    return llround(exact); /* halves away from zero */
}

static int64_t clamp64(int64_t v, int64_t low, int64_t high) {
    return v < low ? low : v > high ? high : v;
}

/* y from the exact integer sums, which float64 holds (below 2^53). */
static void reference(tp_check *c, const tp_conv2d *op, bool depthwise,
                      const int8_t *x, const int32_t *b, int8_t *y) {
    const int nx = tp_check_x_count(op);
    const int nw = tp_check_w_count(op) / (depthwise ? op->in_c : 1);
    double *xr = tp_check_reals(c, nx);
    double *wr = tp_check_reals(c, nw);
    double *acc = tp_check_reals(c, tp_check_y_count(op));
    for (int i = 0; i < nx; i++) {
        xr[i] = x[i] - op->x_zp;
    }
    for (int i = 0; i < nw; i++) {
        wr[i] = op->w[i];
    }
    tp_check_real_conv(op, depthwise, xr, wr, acc);
    for (int i = 0; i < tp_check_y_count(op); i++) {
        const int oc = i % op->out_c;
        const int64_t v =
            requantise((int64_t)acc[i] + b[oc], op->m[oc], op->s[oc]);
        y[i] = (int8_t)clamp64(v + op->y_zp, op->y_min, op->y_max);
    }
}

/* Random weights, requantisation and backward scales. */
static void constants(tp_check *c, tp_conv2d *op, bool depthwise) {
    const int n = op->out_c;
    int32_t *m = tp_check_alloc(c, (size_t)n * sizeof *m);
    int8_t *s = tp_check_alloc(c, (size_t)n);
    uint16_t *q = tp_check_alloc(c, (size_t)n * sizeof *q);
    for (int i = 0; i < n; i++) {
        m[i] = (1 << 30) + tp_check_int(c, 0, 65535) * 16384;
        const int most = tp_check_int(c, 0, 9) == 0 ? 2 : -6;
        s[i] = (int8_t)tp_check_int(c, -13, most);
        q[i] = (uint16_t)tp_check_int(c, (1 << 14) + 1, 1 << 15);
    }
    op->w = tp_check_s8(c, tp_check_w_count(op) / (depthwise ? op->in_c : 1));
    op->m = m;
    op->s = s;
    op->bwd_q = q;
    op->bwd_e = tp_check_int(c, -12, 2);
    if (tp_check_int(c, 0, 1) == 1) {
        op->y_min = op->y_zp; /* ReLU */
    }
}

static int32_t *random_bias(tp_check *c, int n) {
    int32_t *b = tp_check_alloc(c, (size_t)n * sizeof *b);
    for (int i = 0; i < n; i++) {
        b[i] = tp_check_int(c, -20000, 20000) * 10;
    }
    return b;
}

static void check_forward(tp_check *c, tp_conv2d *op, bool depthwise) {
    constants(c, op, depthwise);
    const int n = tp_check_y_count(op);
    const int32_t *b = random_bias(c, op->out_c);
    const int8_t *x = tp_check_s8(c, tp_check_x_count(op));
    int8_t *want = tp_check_alloc(c, (size_t)n);
    int8_t *got = tp_check_alloc(c, (size_t)n);
    reference(c, op, depthwise, x, b, want);
    if (depthwise) {
        tp_dwconv2d_s8_fwd_ref(op, x, b, got);
    } else {
        tp_conv2d_s8_fwd_ref(op, x, b, got);
    }
    assert_memory_equal(got, want, (size_t)n);
}

static void test_conv_forward(void **state) {
    for (int round = 0; round < ROUNDS * 5; round++) {
        tp_conv2d op = tp_check_conv(*state, false);
        check_forward(*state, &op, false);
    }
}

static void test_dwconv_forward(void **state) {
    for (int round = 0; round < ROUNDS * 5; round++) {
        tp_conv2d op = tp_check_conv(*state, true);
        check_forward(*state, &op, true);
    }
}

/* A 1x1 convolution over h x w. */
static tp_conv2d pointwise(int h, int w, int in_c, int out_c) {
    return (tp_conv2d){.in_h = h,
                       .in_w = w,
                       .in_c = in_c,
                       .out_h = h,
                       .out_w = w,
                       .out_c = out_c,
                       .k_h = 1,
                       .k_w = 1,
                       .stride_h = 1,
                       .stride_w = 1,
                       .dil_h = 1,
                       .dil_w = 1,
                       .y_min = -128,
                       .y_max = 127};
}

/* Shapes that the random ones do not reach. */
static void test_named_forward(void **state) {
    tp_conv2d fc = pointwise(1, 1, 333, 11);
    fc.x_zp = -7;
    check_forward(*state, &fc, false);
    tp_conv2d rows = pointwise(5, 1, 70, 9);
    check_forward(*state, &rows, false);
    tp_conv2d one = pointwise(1, 1, 1, 1);
    check_forward(*state, &one, false);
    tp_conv2d time = pointwise(9, 1, 6, 5); /* 1-D: rows follow each other */
    time.k_h = 4;
    time.pad_t = 2;
    time.x_zp = 5;
    check_forward(*state, &time, false);
    tp_conv2d off = pointwise(2, 2, 3, 5); /* a window that misses the map */
    off.k_h = off.k_w = 2;
    off.dil_h = off.dil_w = 3;
    off.pad_t = off.pad_l = 2;
    off.x_zp = 3;
    check_forward(*state, &off, false);
    tp_conv2d wide = pointwise(3, 3, 40, 120); /* depthwise, multiplier 3 */
    wide.k_h = wide.k_w = 3;
    wide.pad_t = wide.pad_l = 1;
    wide.x_zp = -3;
    check_forward(*state, &wide, true);
}

/* x - x_zp = {0, 1, 2}, one tap of padding at each end; factor 1/2:
 * {100, 210, 21} / 2, 10.5 rounds up; y_zp -5. */
static void test_conv_by_hand(void **state) {
    (void)state;
    const int8_t x[3] = {1, 2, 3};
    const int8_t w[3] = {1, 10, 100};
    const int32_t m[1] = {1 << 30};
    const int8_t s[1] = {0};
    const int32_t b[1] = {0};
    tp_conv2d op = pointwise(1, 3, 1, 1);
    op.k_w = 3;
    op.pad_l = 1;
    op.x_zp = 1;
    op.y_zp = -5;
    op.w = w;
    op.m = m;
    op.s = s;
    int8_t y[3];
    tp_conv2d_s8_fwd_ref(&op, x, b, y);
    assert_int_equal(y[0], 45);
    assert_int_equal(y[1], 100);
    assert_int_equal(y[2], 6);
    op.y_max = 50;
    tp_dwconv2d_s8_fwd_ref(&op, x, b, y);
    assert_int_equal(y[0], 45);
    assert_int_equal(y[1], 50);
    assert_int_equal(y[2], 6);
}

/* Double rounding: factor 1/4 on {6, -6, 5, -5}. 6/2 = 3, 3/2 -> 2 away from
 * zero; 5/2 -> 3 (halves up), 3/2 -> 2; -5/2 -> -2, -2/2 = -1: a single
 * rounding would give 1 for 5/4. */
static void test_double_rounding(void **state) {
    (void)state;
    const int8_t x[1] = {1};
    const int8_t w[4] = {6, -6, 5, -5};
    const int32_t m[4] = {1 << 30, 1 << 30, 1 << 30, 1 << 30};
    const int8_t s[4] = {-1, -1, -1, -1};
    const int32_t b[4] = {0, 0, 0, 0};
    tp_conv2d op = pointwise(1, 1, 1, 4);
    op.w = w;
    op.m = m;
    op.s = s;
    int8_t y[4];
    tp_conv2d_s8_fwd_ref(&op, x, b, y);
    assert_int_equal(y[0], 2);
    assert_int_equal(y[1], -2);
    assert_int_equal(y[2], 2);
    assert_int_equal(y[3], -1);
}

/* Depthwise, multiplier 2: outputs 2 ic and 2 ic + 1 see input ic. */
static void test_multiplier_by_hand(void **state) {
    (void)state;
    const int8_t x[2] = {3, -5};
    const int8_t w[4] = {1, 2, 3, 4};
    const int32_t m[4] = {1 << 30, 1 << 30, 1 << 30, 1 << 30};
    const int8_t s[4] = {1, 1, 1, 1};
    const int32_t b[4] = {0, 10, 0, -10};
    const int8_t want[4] = {3, 16, -15, -30};
    tp_conv2d op = pointwise(1, 1, 2, 4);
    op.w = w;
    op.m = m;
    op.s = s;
    int8_t y[4];
    tp_dwconv2d_s8_fwd_ref(&op, x, b, y);
    assert_memory_equal(y, want, sizeof want);
}

/* ---- backward ---- */

/* L = sum dy * conv(x, w), so dL/dx and dL/dw are what the kernels return. */
typedef struct model {
    const tp_conv2d *op;
    bool depthwise;
    double *x, *w, *y;
    const double *dy;
} model;

static double weighted_sum(const void *arg) {
    const model *net = arg;
    tp_check_real_conv(net->op, net->depthwise, net->x, net->w, net->y);
    double sum = 0.0;
    for (int i = 0; i < tp_check_y_count(net->op); i++) {
        sum += net->dy[i] * net->y[i];
    }
    return sum;
}

/* Real weights: w * s_w[oc]. */
static double *real_weights(tp_check *c, const tp_conv2d *op, bool depthwise) {
    const int n = tp_check_w_count(op) / (depthwise ? op->in_c : 1);
    const int row = n / op->out_c;
    double *w = tp_check_reals(c, n);
    for (int i = 0; i < n; i++) {
        const int oc = depthwise ? i % op->out_c : i / row;
        w[i] = op->w[i] * ldexp(op->bwd_q[oc], op->bwd_e - 15);
    }
    return w;
}

/* A linear function's slope does not depend on where it is taken. */
static double *slope_x(tp_check *c, const tp_conv2d *op, bool depthwise,
                       const tp_q8 *dy) {
    const int nx = tp_check_x_count(op);
    const int ny = tp_check_y_count(op);
    const model net = {.op = op,
                       .depthwise = depthwise,
                       .x = tp_check_reals(c, nx),
                       .w = real_weights(c, op, depthwise),
                       .y = tp_check_reals(c, ny),
                       .dy = tp_check_real_q8(c, dy, ny)};
    double *grad = tp_check_reals(c, nx);
    tp_check_slope(weighted_sum, &net, net.x, nx, grad);
    return grad;
}

static void backward_x(const tp_conv2d *op, bool depthwise, const tp_q8 *dy,
                       tp_q8 *dx, tp_gscale *g) {
    if (depthwise) {
        tp_dwconv2d_s8_bwd_x_ref(op, dy, dx, g);
    } else {
        tp_conv2d_s8_bwd_x_ref(op, dy, dx, g);
    }
}

/* Where no window covers a dy that is not 0, the gradient is all 0. */
static bool all_zero(const double *v, int n) {
    for (int i = 0; i < n; i++) {
        if (v[i] > 1e-12 || v[i] < -1e-12) {
            return false;
        }
    }
    return true;
}

static void check_backward_x(tp_check *c, tp_conv2d *op, bool depthwise) {
    constants(c, op, depthwise);
    const int nx = tp_check_x_count(op);
    const tp_q8 *dy = tp_check_gradient(c, tp_check_y_count(op), -9);
    const double *want = slope_x(c, op, depthwise, dy);
    tp_q8 *dx = tp_check_q8(c, nx, 0);
    tp_gscale g = {.e = (int8_t)(tp_check_exponent(want, nx) + 1)};
    backward_x(op, depthwise, dy, dx, &g);
    if (all_zero(want, nx)) {
        assert_int_equal(g.peak, 0);
        return;
    }
    tp_check_near_q8(dx, want, nx, 0.005);
    assert_int_equal(dx->e, g.e);
    assert_true(g.peak <= 127);
    assert_in_range(g.peak, 16, 127);
    g = (tp_gscale){.e = (int8_t)(g.e - 4)}; /* too fine: saturates, says so */
    backward_x(op, depthwise, dy, dx, &g);
    assert_true(g.peak > 127);
    for (int i = 0; i < nx; i++) {
        assert_in_range(dx->v[i] + 127, 0, 254);
    }
}

static void test_conv_backward_x(void **state) {
    for (int round = 0; round < ROUNDS; round++) {
        tp_conv2d op = tp_check_conv(*state, false);
        check_backward_x(*state, &op, false);
    }
    tp_conv2d fc = pointwise(1, 1, 70, 33);
    check_backward_x(*state, &fc, false);
}

static void test_dwconv_backward_x(void **state) {
    for (int round = 0; round < ROUNDS; round++) {
        tp_conv2d op = tp_check_conv(*state, true);
        check_backward_x(*state, &op, true);
    }
}

/* With acc_shift 0 one sample's gradient is exact: no tolerance. */
static void check_backward_w(tp_check *c, tp_conv2d *op) {
    const int nx = tp_check_x_count(op);
    const int ny = tp_check_y_count(op);
    const int nw = tp_check_w_count(op);
    const int8_t *x = tp_check_s8(c, nx);
    const tp_q8 *dy = tp_check_gradient(c, ny, -5);
    const model net = {.op = op,
                       .x = tp_check_reals(c, nx),
                       .w = tp_check_reals(c, nw),
                       .y = tp_check_reals(c, ny),
                       .dy = tp_check_real_q8(c, dy, ny)};
    for (int i = 0; i < nx; i++) {
        net.x[i] = x[i] - op->x_zp;
    }
    double *want = tp_check_reals(c, nw);
    tp_check_slope(weighted_sum, &net, net.w, nw, want);
    tp_q32 *dw = tp_check_q32(c, nw);
    tp_conv2d_s8_bwd_w_ref(op, x, dy, dw);
    assert_int_equal(dw->e, -5);
    for (int i = 0; i < nw; i++) {
        assert_int_equal(dw->v[i], llround(want[i] * 32.0));
    }
    if (all_zero(want, nw)) {
        return;
    }
    tp_q32 *coarse = tp_check_q32(c, nw);
    op->acc_shift = 3;
    tp_conv2d_s8_bwd_w_ref(op, x, dy, coarse);
    tp_check_near_q32(coarse, want, nw, 0.0);
    tp_conv2d_s8_bwd_w_ref(op, x, dy, coarse); /* adds a second sample */
    for (int i = 0; i < nw; i++) {
        assert_int_equal(coarse->v[i],
                         2 * (int)floor(ldexp(dw->v[i], -3) + 0.5));
    }
}

static void test_conv_backward_w(void **state) {
    for (int round = 0; round < ROUNDS; round++) {
        tp_conv2d op = tp_check_conv(*state, false);
        check_backward_w(*state, &op);
    }
    tp_conv2d fc = pointwise(1, 1, 70, 9);
    fc.x_zp = 4;
    check_backward_w(*state, &fc);
}

/* The largest sums that the bounds allow do not overflow (UBSan looks). */
static void test_extremes(void **state) {
    tp_check *c = *state;
    tp_conv2d op = pointwise(1, 1, 4000, 5);
    constants(c, &op, false);
    op.x_zp = 127;
    int8_t *x = tp_check_alloc(c, 4000);
    int8_t *w = tp_check_alloc(c, 20000);
    for (int i = 0; i < 20000; i++) {
        x[i % 4000] = -128;
        w[i] = 127;
    }
    op.w = w;
    const int32_t b[5] = {INT32_MIN, -1, 0, 1, INT32_MAX};
    int8_t y[5];
    tp_conv2d_s8_fwd_ref(&op, x, b, y);
    tp_q8 *dy = tp_check_q8(c, 5, 100);
    tp_q8 *dx = tp_check_q8(c, 4000, 0);
    for (int i = 0; i < 5; i++) {
        dy->v[i] = -127;
    }
    tp_gscale g = {.e = -128}; /* far too small: the exponent rises */
    tp_conv2d_s8_bwd_x_ref(&op, dy, dx, &g);
    assert_int_equal(dx->e, 100 + op.bwd_e - 3 + 2);
    assert_int_equal(dx->v[0], -127);
    assert_true(g.peak > 127);
    dy->e = -128;
    g = (tp_gscale){.e = 127};
    tp_conv2d_s8_bwd_x_ref(&op, dy, dx, &g);
    assert_int_equal(g.peak, 0);
    assert_int_equal(dx->v[3999], 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_conv_by_hand),
        cmocka_unit_test(test_double_rounding),
        cmocka_unit_test(test_multiplier_by_hand),
        cmocka_unit_test_setup_teardown(test_conv_forward, tp_check_setup,
                                        tp_check_teardown),
        cmocka_unit_test_setup_teardown(test_dwconv_forward, tp_check_setup,
                                        tp_check_teardown),
        cmocka_unit_test_setup_teardown(test_named_forward, tp_check_setup,
                                        tp_check_teardown),
        cmocka_unit_test_setup_teardown(test_conv_backward_x, tp_check_setup,
                                        tp_check_teardown),
        cmocka_unit_test_setup_teardown(test_dwconv_backward_x, tp_check_setup,
                                        tp_check_teardown),
        cmocka_unit_test_setup_teardown(test_conv_backward_w, tp_check_setup,
                                        tp_check_teardown),
        cmocka_unit_test_setup_teardown(test_extremes, tp_check_setup,
                                        tp_check_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
