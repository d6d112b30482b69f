/* The LoRA branch of a convolution: forward against a float64 reference (equal
 * bytes), a zero B against the base convolution (equal bytes), the gradients of
 * A, B and x against finite differences of a float64 model. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "runtime/kernels/ref/grad_out.h"
#include "tests/unit/gradcheck.h"
#include "tinypeft/kernels.h"

#define ROUNDS 40

/* A convolution with a branch, and everything that flows through it. */
typedef struct layer {
    tp_conv2d op, a_op; /* of W and of A */
    int nx, ny, nu, na, nb;
    int8_t *x;
    int32_t *bias;
    tp_q8 *a, *b;
    tp_q16 *u;
} layer;

/* m, s of 1/s_w and of the requantisation, from s_w = q * 2^(e - 15). */
static void scales(tp_check *c, tp_conv2d *op) {
    const size_t n = (size_t)op->out_c;
    int32_t *m = tp_check_alloc(c, n * sizeof *m);
    int8_t *s = tp_check_alloc(c, n);
    int32_t *lora_m = tp_check_alloc(c, n * sizeof *lora_m);
    int8_t *lora_s = tp_check_alloc(c, n);
    uint16_t *q = tp_check_alloc(c, n * sizeof *q);
    op->bwd_e = tp_check_int(c, -7, -4);
    for (size_t i = 0; i < n; i++) {
        q[i] = (uint16_t)tp_check_int(c, (1 << 14) + 1, (1 << 15) - 1);
        m[i] = (1 << 30) + tp_check_int(c, 0, 65535) * 16384;
        s[i] = (int8_t)tp_check_int(c, -10, -6);
        int e = 0;
        const double f = frexp(1.0 / ldexp(q[i], op->bwd_e - 15), &e);
        lora_m[i] = (int32_t)ldexp(f, 31);
        lora_s[i] = (int8_t)e;
    }
    op->m = m;
    op->s = s;
    op->lora_m = lora_m;
    op->lora_s = lora_s;
    op->bwd_q = q;
}

/* Smallest shift that brings every sum of A x into int16. */
static int32_t u_shift(const tp_conv2d *a) {
    int64_t most = (int64_t)a->k_h * a->k_w * a->in_c * 255 * 127;
    int32_t shift = 0;
    for (; most > 32767; most >>= 1) {
        shift++;
    }
    return shift;
}

/* A layer of the shape of op with random weights; u is computed. */
static layer make_layer(tp_check *c, tp_conv2d op, int rank) {
    layer l = {.op = op, .a_op = op};
    l.op.rank = rank;
    l.a_op.out_c = rank;
    l.a_op.shift = u_shift(&l.a_op);
    scales(c, &l.op);
    l.nx = tp_check_x_count(&op);
    l.ny = tp_check_y_count(&op);
    l.nu = tp_check_y_count(&l.a_op);
    l.na = tp_check_w_count(&l.a_op);
    l.nb = (int)op.out_c * rank;
    l.op.w = tp_check_s8(c, tp_check_w_count(&op));
    l.x = tp_check_s8(c, l.nx);
    l.bias = tp_check_alloc(c, (size_t)op.out_c * sizeof(int32_t));
    for (int i = 0; i < op.out_c; i++) {
        l.bias[i] = tp_check_int(c, -3000, 3000);
    }
    l.a = tp_check_q8(c, l.na, -9);
    l.b = tp_check_q8(c, l.nb, -10);
    tp_check_bytes(c, l.a->v, l.na, -127, 127, 0);
    tp_check_bytes(c, l.b->v, l.nb, -127, 127, 0);
    l.u = tp_check_q16(c, l.nu);
    tp_conv2d_q8_s16_fwd_ref(&l.a_op, l.x, l.a, l.u);
    return l;
}

static layer random_layer(tp_check *c) {
    return make_layer(c, tp_check_conv(c, false), tp_check_int(c, 1, 16));
}

static tp_conv2d fully_connected(int in_c, int out_c) {
    return (tp_conv2d){.in_h = 1,
                       .in_w = 1,
                       .in_c = in_c,
                       .out_h = 1,
                       .out_w = 1,
                       .out_c = out_c,
                       .k_h = 1,
                       .k_w = 1,
                       .stride_h = 1,
                       .stride_w = 1,
                       .dil_h = 1,
                       .dil_w = 1,
                       .x_zp = -11,
                       .y_zp = 3,
                       .y_min = -128,
                       .y_max = 127};
}

/* ---- forward ---- */

static double *centred(tp_check *c, const layer *l) {
    double *x = tp_check_reals(c, l->nx);
    for (int i = 0; i < l->nx; i++) {
        x[i] = l->x[i] - l->op.x_zp;
    }
    return x;
}

static void test_u(void **state) {
    tp_check *c = *state;
    for (int round = 0; round < ROUNDS; round++) {
        const layer l = random_layer(c);
        double *want = tp_check_reals(c, l.nu);
        tp_check_real_conv(&l.a_op, false, centred(c, &l),
                           tp_check_real_q8(c, l.a, l.na), want);
        assert_int_equal(l.u->e, l.a->e + l.a_op.shift);
        for (int i = 0; i < l.nu; i++) {
            const double exact = floor(ldexp(want[i], -l.u->e) + 0.5);
            assert_int_equal(l.u->v[i], (int)exact);
        }
    }
}

/* A shift that is too small saturates. */
static void test_u_saturates(void **state) {
    tp_check *c = *state;
    layer l = make_layer(c, fully_connected(300, 4), 5);
    memset(l.x, 127, (size_t)l.nx);
    memset(l.a->v, 127, (size_t)l.na / 5 * 2); /* rows 0 and 1 */
    memset(l.a->v, -127, (size_t)l.na / 5);    /* row 0 */
    l.a_op.shift = 0;
    tp_conv2d_q8_s16_fwd_ref(&l.a_op, l.x, l.a, l.u);
    assert_int_equal(l.u->v[0], -32768);
    assert_int_equal(l.u->v[1], 32767);
}

static void test_zero_branch(void **state) {
    tp_check *c = *state;
    for (int round = 0; round < ROUNDS; round++) {
        const layer l = random_layer(c);
        int8_t *base = tp_check_alloc(c, (size_t)l.ny);
        int8_t *y = tp_check_alloc(c, (size_t)l.ny);
        memset(l.b->v, 0, (size_t)l.nb);
        tp_conv2d_s8_fwd_ref(&l.op, l.x, l.bias, base);
        tp_conv2d_lora_s8_fwd_ref(&l.op, l.x, l.bias, l.u, l.b, y);
        assert_memory_equal(y, base, (size_t)l.ny);
    }
}

/* The accumulator W x + b of one output, exact. */
static double *accumulators(tp_check *c, const layer *l) {
    const int nw = tp_check_w_count(&l->op);
    double *w = tp_check_reals(c, nw);
    double *acc = tp_check_reals(c, l->ny);
    for (int i = 0; i < nw; i++) {
        w[i] = l->op.w[i];
    }
    tp_check_real_conv(&l->op, false, centred(c, l), w, acc);
    for (int i = 0; i < l->ny; i++) {
        acc[i] += l->bias[i % l->op.out_c];
    }
    return acc;
}

/* With |u| <= 1000 every product stays below 2^53: float64 is exact, and the
 * bytes are equal. */
static void test_forward(void **state) {
    tp_check *c = *state;
    int moved = 0;
    for (int round = 0; round < ROUNDS; round++) {
        const layer l = random_layer(c);
        for (int i = 0; i < l.nu; i++) {
            l.u->v[i] = (int16_t)tp_check_int(c, -1000, 1000);
        }
        const double *acc = accumulators(c, &l);
        int8_t *y = tp_check_alloc(c, (size_t)l.ny);
        int8_t *base = tp_check_alloc(c, (size_t)l.ny);
        tp_conv2d_s8_fwd_ref(&l.op, l.x, l.bias, base);
        tp_conv2d_lora_s8_fwd_ref(&l.op, l.x, l.bias, l.u, l.b, y);
        for (int i = 0; i < l.ny; i++) {
            const int oc = i % l.op.out_c;
            const int rank = l.op.rank;
            double v = 0.0;
            for (int r = 0; r < rank; r++) {
                v += l.b->v[oc * rank + r] * l.u->v[i / l.op.out_c * rank + r];
            }
            const int e = l.op.lora_s[oc] + l.b->e + l.u->e - 31;
            const double add = floor(ldexp(v * l.op.lora_m[oc], e) + 0.5);
            const int32_t sum = (int32_t)(acc[i] + add);
            int want = tp_mbqm(sum, l.op.m[oc], l.op.s[oc]) + l.op.y_zp;
            want = want < -128 ? -128 : want > 127 ? 127 : want;
            assert_int_equal(y[i], want);
            moved += y[i] != base[i] ? 1 : 0;
        }
    }
    assert_true(moved > 100); /* the branch does something */
}

/* A branch far out of range saturates to the right side. */
static void test_forward_saturates(void **state) {
    tp_check *c = *state;
    layer l = make_layer(c, fully_connected(3, 2), 1);
    l.u->v[0] = 32767;
    l.b->v[0] = 127;
    l.b->v[1] = -127;
    l.b->e = 60;
    l.bias[0] = 1 << 20; /* so that the sum would wrap */
    l.bias[1] = -(1 << 20);
    int8_t y[2];
    tp_conv2d_lora_s8_fwd_ref(&l.op, l.x, l.bias, l.u, l.b, y);
    assert_int_equal(y[0], 127);
    assert_int_equal(y[1], -128);
    l.b->e = -128;
    int8_t base[2];
    tp_conv2d_s8_fwd_ref(&l.op, l.x, l.bias, base);
    tp_conv2d_lora_s8_fwd_ref(&l.op, l.x, l.bias, l.u, l.b, y);
    assert_memory_equal(y, base, 2);
}

/* ---- backward ---- */

/* L = sum dy * (W x + B (A x)) in real units, with s_x = 1. */
typedef struct model {
    const layer *l;
    double *x, *w, *a, *b;
    double *y, *u;
    const double *dy;
} model;

static double weighted_sum(const void *arg) {
    const model *net = arg;
    const layer *l = net->l;
    const int rank = l->op.rank;
    tp_check_real_conv(&l->op, false, net->x, net->w, net->y);
    tp_check_real_conv(&l->a_op, false, net->x, net->a, net->u);
    double sum = 0.0;
    for (int i = 0; i < l->ny; i++) {
        const int oc = i % l->op.out_c;
        const double *u = net->u + i / l->op.out_c * rank;
        double y = net->y[i];
        for (int r = 0; r < rank; r++) {
            y += net->b[oc * rank + r] * u[r];
        }
        sum += net->dy[i] * y;
    }
    return sum;
}

static model make_model(tp_check *c, const layer *l, const tp_q8 *dy) {
    const int nw = tp_check_w_count(&l->op);
    const model net = {.l = l,
                       .x = centred(c, l),
                       .w = tp_check_reals(c, nw),
                       .a = tp_check_real_q8(c, l->a, l->na),
                       .b = tp_check_real_q8(c, l->b, l->nb),
                       .y = tp_check_reals(c, l->ny),
                       .u = tp_check_reals(c, l->nu),
                       .dy = tp_check_real_q8(c, dy, l->ny)};
    for (int i = 0; i < nw; i++) {
        const int oc = i / (nw / l->op.out_c);
        net.w[i] = l->op.w[i] * ldexp(l->op.bwd_q[oc], l->op.bwd_e - 15);
    }
    return net;
}

/* du by its own kernel, at an exponent that fits: a first pass at the unit of
 * its sums tells their size, as the delayed scale does. */
static tp_q8 *gradient_u(tp_check *c, const layer *l, const tp_q8 *dy) {
    tp_q8 *du = tp_check_q8(c, l->nu, 0);
    tp_gscale g = {.e = (int8_t)(l->b->e + dy->e)};
    tp_lora_q8_bwd_u_ref(&l->op, dy, l->b, du, &g);
    g = (tp_gscale){.e = (int8_t)(g.e + tp_bits32(g.peak) - 7)};
    tp_lora_q8_bwd_u_ref(&l->op, dy, l->b, du, &g);
    assert_in_range(g.peak, 64, 255); /* 127.5 rounds to 128: one unit off */
    assert_int_equal(du->e, g.e);
    return du;
}

static double maximum(const double *v, int n) {
    double max = 0.0;
    for (int i = 0; i < n; i++) {
        max = fmax(max, fabs(v[i]));
    }
    return max;
}

/* Tolerances of the largest gradient: B 1 % (the rounding of u), A and x 2 %
 * (that of du to int8). */
static void check_backward(tp_check *c, layer *l) {
    const tp_q8 *dy = tp_check_gradient(c, l->ny, -8);
    const model net = make_model(c, l, dy);
    double *want_b = tp_check_reals(c, l->nb);
    double *want_a = tp_check_reals(c, l->na);
    double *want_x = tp_check_reals(c, l->nx);
    tp_check_slope(weighted_sum, &net, net.b, l->nb, want_b);
    tp_check_slope(weighted_sum, &net, net.a, l->na, want_a);
    tp_check_slope(weighted_sum, &net, net.x, l->nx, want_x);
    if (maximum(want_x, l->nx) < 1e-9) {
        return; /* no window covers a dy that is not 0 */
    }
    tp_q32 *db = tp_check_q32(c, l->nb);
    tp_lora_q16_bwd_w_ref(&l->op, l->u, dy, db);
    tp_check_near_q32(db, want_b, l->nb, 0.01);

    const tp_q8 *du = gradient_u(c, l, dy);
    tp_q32 *da = tp_check_q32(c, l->na);
    tp_conv2d_s8_bwd_w_ref(&l->a_op, l->x, du, da);
    tp_check_near_q32(da, want_a, l->na, 0.02);

    tp_q8 *dx = tp_check_q8(c, l->nx, 0);
    tp_gscale g = {.e = (int8_t)(tp_check_exponent(want_x, l->nx) + 1)};
    tp_conv2d_lora_s8_bwd_x_ref(&l->op, dy, du, l->a, dx, &g);
    tp_check_near_q8(dx, want_x, l->nx, 0.02);
    assert_int_equal(dx->e, g.e);
    assert_true(g.peak <= 127);
}

static void test_backward(void **state) {
    for (int round = 0; round < ROUNDS; round++) {
        layer l = random_layer(*state);
        check_backward(*state, &l);
    }
    layer fc = make_layer(*state, fully_connected(40, 20), 16);
    check_backward(*state, &fc);
}

/* The branch alone, and the base alone: dx must be the sum of the two at any
 * distance of their exponents. */
static void test_backward_exponents(void **state) {
    tp_check *c = *state;
    layer l = make_layer(c, fully_connected(5, 3), 2);
    for (int e = -100; e <= 100; e++) {
        const tp_q8 *dy = tp_check_gradient(c, l.ny, -8);
        tp_q8 *du = tp_check_gradient(c, l.nu, -20);
        du->e = (int8_t)e;
        double want[5] = {0.0};
        for (int i = 0; i < 5; i++) {
            for (int oc = 0; oc < 3; oc++) {
                const int32_t d = (dy->v[oc] * l.op.bwd_q[oc] + 2048) >> 12;
                want[i] +=
                    ldexp(d * l.op.w[oc * 5 + i], dy->e + l.op.bwd_e - 3);
            }
            for (int r = 0; r < 2; r++) {
                want[i] += ldexp(du->v[r] * l.a->v[r * 5 + i], e + l.a->e);
            }
        }
        tp_q8 *dx = tp_check_q8(c, 5, 0);
        tp_gscale g = {.e = (int8_t)(tp_check_exponent(want, 5) + 1)};
        tp_conv2d_lora_s8_bwd_x_ref(&l.op, dy, du, l.a, dx, &g);
        /* Two roundings: half a step more, of 32 that the largest has. */
        tp_check_near_q8(dx, want, 5, 0.5 / 32.0 + 1e-6);
    }
}

/* More pixels than one int32 block holds, at full range: dB is exact. */
static void test_large_map(void **state) {
    tp_check *c = *state;
    tp_conv2d op = fully_connected(1, 2);
    op.in_h = op.out_h = 700;
    layer l = make_layer(c, op, 1);
    tp_q8 *dy = tp_check_q8(c, l.ny, -7);
    for (int p = 0; p < 700; p++) {
        l.u->v[p] = -32768;
        dy->v[2 * p] = -127;
        dy->v[2 * p + 1] = 1;
    }
    tp_q32 *db = tp_check_q32(c, l.nb);
    l.op.acc_shift_b = 10;
    db->v[1] = 5;
    tp_lora_q16_bwd_w_ref(&l.op, l.u, dy, db);
    assert_int_equal(db->v[0], 700 * 127 * 32);
    assert_int_equal(db->v[1], 5 - 700 * 32);
    assert_int_equal(db->e, l.u->e - 7 + 10);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_u, tp_check_setup,
                                        tp_check_teardown),
        cmocka_unit_test_setup_teardown(test_u_saturates, tp_check_setup,
                                        tp_check_teardown),
        cmocka_unit_test_setup_teardown(test_zero_branch, tp_check_setup,
                                        tp_check_teardown),
        cmocka_unit_test_setup_teardown(test_forward, tp_check_setup,
                                        tp_check_teardown),
        cmocka_unit_test_setup_teardown(test_forward_saturates, tp_check_setup,
                                        tp_check_teardown),
        cmocka_unit_test_setup_teardown(test_backward, tp_check_setup,
                                        tp_check_teardown),
        cmocka_unit_test_setup_teardown(test_backward_exponents, tp_check_setup,
                                        tp_check_teardown),
        cmocka_unit_test_setup_teardown(test_large_map, tp_check_setup,
                                        tp_check_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
