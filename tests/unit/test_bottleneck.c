/* Truth link: float64 and finite differences -> the ref kernels of bottleneck
 * adapters, beside a layer and behind it, with both activations. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/gradcheck.h"
#include "tinypeft/kernels.h"

enum { PIXELS = 5, ROUNDS = 40 };

/* A layer with a bottleneck and all that flows through it; the reals are what
 * finite differences move. */
typedef struct layer {
    tp_bottleneck op;
    bool serial;
    int in_c, out_c, rank, nx, ny, na, nb;
    double s_x;
    int8_t *x;
    int32_t *bias;
    tp_q8 *a, *b, *dy;
    double *rx, *rb, *rdy, *w; /* w: [out_c][in_c], NULL: serial */
    double *sa; /* A in its steps: a quotient over these meets no kink */
} layer;

static void real_values(tp_check *c, layer *l) {
    l->rx = tp_check_reals(c, l->nx);
    for (int i = 0; i < l->nx; i++) {
        l->rx[i] = l->s_x * (l->x[i] - l->op.x_zp);
    }
    l->sa = tp_check_reals(c, l->na);
    for (int i = 0; i < l->na; i++) {
        l->sa[i] = l->a->v[i];
    }
    l->rb = tp_check_real_q8(c, l->b, l->nb);
    l->rdy = tp_check_real_q8(c, l->dy, l->ny);
}

static int32_t shift_of(double most) {
    int32_t shift = 0;
    while (ldexp(most, -shift) >= 2147483648.0 / 256.0) {
        shift++;
    }
    return shift;
}

static layer make(tp_check *c, bool serial, int act) {
    layer l = {.serial = serial,
               .in_c = tp_check_int(c, 1, 40),
               .rank = 4 * tp_check_int(c, 1, 4),
               .s_x = 0.03 * tp_check_int(c, 1, 3)};
    l.out_c = serial ? l.in_c : tp_check_int(c, 1, 23);
    l.nx = PIXELS * l.in_c;
    l.ny = PIXELS * l.out_c;
    l.na = l.rank * l.in_c;
    l.nb = l.out_c * l.rank;
    l.op = (tp_bottleneck){.conv = {.in_h = PIXELS,
                                    .in_w = 1,
                                    .in_c = l.in_c,
                                    .out_h = PIXELS,
                                    .out_w = 1,
                                    .out_c = l.out_c,
                                    .k_h = 1,
                                    .k_w = 1,
                                    .stride_h = 1,
                                    .stride_w = 1,
                                    .dil_h = 1,
                                    .dil_w = 1,
                                    .y_zp = 3,
                                    .y_min = -128,
                                    .y_max = 127,
                                    .rank = l.rank},
                           .x_zp = tp_check_int(c, -128, 127),
                           .act = act,
                           .s_x = tp_check_factor(l.s_x)};
    while ((l.in_c * 255 * 127) >> l.op.conv.shift > 32766) {
        l.op.conv.shift++;
    }
    l.op.conv.acc_shift = shift_of(PIXELS * 255.0 * 127.0);
    l.op.conv.acc_shift_b = shift_of(PIXELS * 32768.0 * 128.0);
    l.x = tp_check_s8(c, l.nx);
    l.bias = tp_check_alloc(c, (size_t)l.out_c * sizeof *l.bias);
    l.a = tp_check_gradient(c, l.na, -9);
    l.b = tp_check_gradient(c, l.nb, -9);
    l.dy = tp_check_gradient(c, l.ny, -6);
    if (!serial) {
        l.op.conv.x_zp = tp_check_int(c, 0, 1) == 0 ? l.op.x_zp : 0;
        l.w = tp_check_weights(c, &l.op.conv);
    }
    real_values(c, &l);
    return l;
}

/* --- the float model ------------------------------------------------------ */

static double activate(int act, double v) {
    if (act == TP_ACT_RELU) {
        return fmax(v, 0.0);
    }
    return v * fmin(fmax(v + 3.0, 0.0), 6.0) / 6.0;
}

/* B act(A x) at place p, channel oc. */
static double branch(const layer *l, int p, int oc) {
    double sum = 0.0;
    for (int r = 0; r < l->rank; r++) {
        double v = 0.0;
        for (int ic = 0; ic < l->in_c; ic++) {
            v += l->sa[r * l->in_c + ic] * l->rx[p * l->in_c + ic];
        }
        v = ldexp(v, l->a->e);
        sum += l->rb[oc * l->rank + r] * activate(l->op.act, v);
    }
    return sum;
}

/* What the layer gives besides, as a function of x. */
static double base(const layer *l, int p, int oc) {
    double sum = 0.0;
    if (l->serial) {
        return l->rx[p * l->in_c + oc];
    }
    for (int ic = 0; ic < l->in_c; ic++) {
        sum += l->w[oc * l->in_c + ic] * l->rx[p * l->in_c + ic];
    }
    return sum;
}

static double loss(const void *of) {
    const layer *l = of;
    double sum = 0.0;
    for (int i = 0; i < l->ny; i++) {
        const int p = i / l->out_c;
        const int oc = i % l->out_c;
        sum += l->rdy[i] * (branch(l, p, oc) + base(l, p, oc));
    }
    return sum;
}

/* --- forward -------------------------------------------------------------- */

/* Within a step of the exact value: two roundings, u's and hard-swish's. */
static void test_serial(void **state) {
    tp_check *c = *state;
    for (int run = 0; run < ROUNDS; run++) {
        layer l = make(c, true, run % 2);
        int8_t *y = tp_check_s8(c, l.ny);
        l.op.conv.y_min = -100;
        l.op.conv.y_max = 90;
        tp_bottleneck_s8_fwd_ref(&l.op, l.x, l.a, l.b, y);
        for (int i = 0; i < l.ny; i++) {
            const double exact =
                l.x[i] + branch(&l, i / l.out_c, i % l.out_c) / l.s_x;
            assert_true(fabs(y[i] - fmin(fmax(exact, -100), 90)) <= 1.0);
        }
    }
}

static void test_parallel(void **state) {
    tp_check *c = *state;
    for (int run = 0; run < ROUNDS; run++) {
        layer l = make(c, false, run % 2);
        const tp_conv2d *conv = &l.op.conv;
        int8_t *y = tp_check_s8(c, l.ny);
        for (int oc = 0; oc < l.out_c; oc++) {
            l.bias[oc] = tp_check_int(c, -3000, 3000);
        }
        tp_conv2d_bottleneck_s8_fwd_ref(&l.op, l.x, l.bias, l.a, l.b, y);
        for (int i = 0; i < l.ny; i++) {
            const int p = i / l.out_c;
            const int oc = i % l.out_c;
            double acc = l.bias[oc];
            for (int ic = 0; ic < l.in_c; ic++) {
                acc += (l.x[p * l.in_c + ic] - conv->x_zp) *
                       conv->w[oc * l.in_c + ic];
            }
            acc += branch(&l, p, oc) /
                   (l.s_x * ldexp(conv->bwd_q[oc], conv->bwd_e - 15));
            const double exact =
                acc * ldexp(conv->m[oc], conv->s[oc] - 31) + conv->y_zp;
            assert_true(fabs(y[i] - fmin(fmax(exact, -128), 127)) <= 1.0);
        }
    }
}

/* B = 0: the bytes of the layer alone. */
static void test_start_state(void **state) {
    tp_check *c = *state;
    for (int run = 0; run < ROUNDS; run++) {
        layer l = make(c, run % 4 < 2, run % 2);
        int8_t *y = tp_check_s8(c, l.ny);
        int8_t *want = tp_check_s8(c, l.ny);
        memset(l.b->v, 0, (size_t)l.nb);
        if (l.serial) {
            tp_bottleneck_s8_fwd_ref(&l.op, l.x, l.a, l.b, y);
            memcpy(want, l.x, (size_t)l.ny);
        } else {
            tp_conv2d_bottleneck_s8_fwd_ref(&l.op, l.x, l.bias, l.a, l.b, y);
            tp_conv2d_s8_fwd_ref(&l.op.conv, l.x, l.bias, want);
        }
        assert_memory_equal(y, want, (size_t)l.ny);
    }
}

/* --- backward ------------------------------------------------------------- */

/* Largest |B^T dy| act' that the kernel may meet: for the scale inside. */
static int inner_exponent(tp_check *c, const layer *l) {
    double *du = tp_check_reals(c, PIXELS * l->rank);
    for (int i = 0; i < PIXELS * l->rank; i++) {
        for (int oc = 0; oc < l->out_c; oc++) {
            du[i] += l->rdy[i / l->rank * l->out_c + oc] *
                     l->rb[oc * l->rank + i % l->rank];
        }
        du[i] *= 1.5;
    }
    return tp_check_exponent(du, PIXELS * l->rank);
}

static double *over(const layer *l, double *want, int n) {
    for (int i = 0; i < n; i++) {
        want[i] /= l->s_x;
    }
    return want;
}

/* True where A x is 0 somewhere: a quotient would see half of ReLU's slope. */
static bool on_kink(const layer *l) {
    for (int i = 0; i < PIXELS * l->rank; i++) {
        int32_t v = 0;
        for (int k = 0; k < l->in_c; k++) {
            v += l->a->v[i % l->rank * l->in_c + k] *
                 (l->x[i / l->rank * l->in_c + k] - l->op.x_zp);
        }
        if (v == 0) {
            return true;
        }
    }
    return false;
}

static void test_backward(void **state) {
    tp_check *c = *state;
    for (int run = 0; run < ROUNDS; run++) {
        layer l = make(c, run % 4 < 2, run % 2);
        if (on_kink(&l)) {
            continue;
        }
        double *want = tp_check_reals(c, l.na + l.nb + l.nx);

        tp_check_slope(loss, &l, l.rb, l.nb, want);
        tp_q32 *db = tp_check_q32(c, l.nb);
        tp_bottleneck_s8_bwd_b_ref(&l.op, l.x, l.dy, l.a, db);
        tp_check_near_q32(db, over(&l, want, l.nb), l.nb, 3e-3);

        /* the gradient inside is int8: half a step of it at each place */
        tp_check_slope(loss, &l, l.sa, l.na, want);
        tp_q32 *da = tp_check_q32(c, l.na);
        tp_gscale g = {.e = (int8_t)inner_exponent(c, &l)};
        const int e = g.e;
        tp_bottleneck_s8_bwd_a_ref(&l.op, l.x, l.dy, l.a, l.b, da, &g);
        for (int i = 0; i < l.na; i++) {
            want[i] = ldexp(want[i] / l.s_x, -l.a->e);
        }
        assert_true(g.peak <= 127);
        for (int i = 0; i < l.na; i++) {
            assert_true(fabs(ldexp(da->v[i], da->e) - want[i]) <=
                        ldexp(0.51 * 255.0 * PIXELS, e));
        }

        tp_check_slope(loss, &l, l.rx, l.nx, want);
        tp_q8 *dx = tp_check_q8(c, l.nx, 0);
        tp_gscale gx = {.e = (int8_t)tp_check_exponent(want, l.nx)};
        if (l.serial) {
            tp_bottleneck_s8_bwd_x_ref(&l.op, l.dy, l.x, l.a, l.b, dx, &gx);
        } else {
            tp_conv2d_bottleneck_s8_bwd_x_ref(&l.op, l.dy, l.x, l.a, l.b, dx,
                                              &gx);
        }
        tp_check_near_q8(dx, want, l.nx, 2e-3);
    }
}

/* Gradients are added; those of a sample twice are twice those of one. */
static void test_added(void **state) {
    tp_check *c = *state;
    const layer l = make(c, false, TP_ACT_RELU);
    tp_q32 *a[2] = {tp_check_q32(c, l.na), tp_check_q32(c, l.na)};
    tp_q32 *b[2] = {tp_check_q32(c, l.nb), tp_check_q32(c, l.nb)};
    for (int i = 0; i < 3; i++) {
        tp_gscale g = {.e = -8};
        tp_bottleneck_s8_bwd_a_ref(&l.op, l.x, l.dy, l.a, l.b, a[i > 0], &g);
        tp_bottleneck_s8_bwd_b_ref(&l.op, l.x, l.dy, l.a, b[i > 0]);
    }
    for (int i = 0; i < l.na; i++) {
        assert_int_equal(a[1]->v[i], 2 * a[0]->v[i]);
    }
    for (int i = 0; i < l.nb; i++) {
        assert_int_equal(b[1]->v[i], 2 * b[0]->v[i]);
    }
}

/* 66,000 channels of the largest values: the sums hold. */
static void test_widest(void **state) {
    tp_check *c = *state;
    enum { WIDE = 66000 };
    tp_bottleneck op = {.conv = {.in_h = 1,
                                 .in_w = 1,
                                 .in_c = WIDE,
                                 .out_h = 1,
                                 .out_w = 1,
                                 .out_c = WIDE,
                                 .k_h = 1,
                                 .k_w = 1,
                                 .y_min = -128,
                                 .y_max = 127,
                                 .rank = 4,
                                 .shift = 17},
                        .x_zp = -128,
                        .act = TP_ACT_RELU,
                        .s_x = tp_check_factor(1.0)};
    int8_t *x = tp_check_alloc(c, WIDE);
    int8_t *y = tp_check_alloc(c, WIDE);
    tp_q8 *a = tp_check_q8(c, 4 * WIDE, -13);
    tp_q8 *b = tp_check_q8(c, 4 * WIDE, -13);
    tp_q8 *dy = tp_check_q8(c, WIDE, -7);
    tp_q8 *dx = tp_check_q8(c, WIDE, 0);
    memset(x, 127, WIDE);
    memset(a->v, 127, 4 * WIDE);
    memset(b->v, 127, 4 * WIDE);
    memset(dy->v, 127, WIDE);
    tp_bottleneck_s8_fwd_ref(&op, x, a, b, y);
    assert_int_equal(y[0], 127);
    const double du = 127.0 * 127.0 * WIDE;
    const double want = 127.0 + ldexp(4.0 * 127.0 * du, -26);
    tp_gscale g = {.e = 5};
    tp_bottleneck_s8_bwd_x_ref(&op, dy, x, a, b, dx, &g);
    assert_true(fabs(ldexp(dx->v[0], 5) - ldexp(want, -7)) <= ldexp(0.51, 5));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_serial, tp_check_setup,
                                        tp_check_teardown),
        cmocka_unit_test_setup_teardown(test_parallel, tp_check_setup,
                                        tp_check_teardown),
        cmocka_unit_test_setup_teardown(test_start_state, tp_check_setup,
                                        tp_check_teardown),
        cmocka_unit_test_setup_teardown(test_backward, tp_check_setup,
                                        tp_check_teardown),
        cmocka_unit_test_setup_teardown(test_added, tp_check_setup,
                                        tp_check_teardown),
        cmocka_unit_test_setup_teardown(test_widest, tp_check_setup,
                                        tp_check_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
