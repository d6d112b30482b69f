/* Head, bias, softmax and losses against float64 and finite differences; masks
 * and sums of gradients by hand; the integer exponential over its range. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "runtime/kernels/ref/exp.h"
#include "runtime/kernels/ref/grad_out.h"
#include "tests/unit/gradcheck.h"
#include "tinypeft/kernels.h"

#define ROUNDS 60
#define MAX 256 /* elements in a case */

static double factor_value(tp_factor f) {
    return ldexp(f.m, f.s - 31);
}

static void within(double got, double want, double bound) {
    if (!(fabs(got - want) <= bound)) {
        fail_msg("is %.9g, should be %.9g within %g", got, want, bound);
    }
}

static uint32_t scratch[256]; /* of as many logits */

/* ---- exponential and logarithm ---- */

static void test_exp(void **state) {
    (void)state;
    double worst = 0.0;
    for (int32_t x = 0; x < 24 << 20; x += 331) {
        const double got = ldexp(tp_exp2_neg_q20((uint32_t)x), -30);
        worst = fmax(worst, fabs(got - exp2(-ldexp(x, -20))));
    }
    within(worst, 0.0, 4e-6);
    assert_int_equal(tp_exp2_neg_q20(UINT32_MAX), 0);
    assert_in_range(tp_exp2_neg_q20(0), (1 << 30) - 4096, 1 << 30);
}

static void test_ln(void **state) {
    (void)state;
    double worst = 0.0;
    for (int step = 0; step < 61400; step++) { /* up to 2^61.98 */
        const int64_t i = (int64_t)pow(1.0007, step);
        const double got = ldexp(tp_ln_q20(i), -20);
        worst = fmax(worst, fabs(got - log(ldexp((double)i, -30))));
    }
    within(worst, 0.0, 2e-6);
    assert_int_equal(tp_ln_q20(INT64_C(1) << 30), 0);
}

/* ---- cross-entropy and softmax ---- */

/* Logits as real numbers, and what float64 makes of them. */
typedef struct scores {
    int n, label;
    double smooth; /* label smoothing */
    double z[MAX];
    double p[MAX];
} scores;

static double cross_entropy(const void *arg) {
    const scores *s = arg;
    double max = s->z[0];
    for (int i = 1; i < s->n; i++) {
        max = fmax(max, s->z[i]);
    }
    double sum = 0.0;
    double expected = 0.0;
    for (int i = 0; i < s->n; i++) {
        const double other = s->smooth / (s->n - 1);
        sum += exp(s->z[i] - max);
        expected += s->z[i] * (i == s->label ? 1.0 - s->smooth : other);
    }
    return max + log(sum) - expected;
}

static void softmax(scores *s) {
    const int label = s->label;
    s->smooth = 0.0;
    for (int i = 0; i < s->n; i++) {
        s->label = i;
        s->p[i] = exp(-cross_entropy(s));
    }
    s->label = label;
}

/* dz against the finite differences of the loss: half a unit, the error of p,
 * and that of the differences. At a fine scale large values saturate. */
static void check_ce(scores *s, const tp_q8 *dz, const tp_gscale *g,
                     int32_t loss) {
    double grad[MAX];
    const double most = ldexp(127.0, g->e);
    int beyond = 0;
    tp_check_slope(cross_entropy, s, s->z, s->n, grad);
    for (int i = 0; i < s->n; i++) {
        const double want = fmin(fmax(grad[i], -most), most);
        within(ldexp(dz->v[i], dz->e), want, ldexp(0.5, g->e) + 2e-5);
        beyond += fabs(grad[i]) > ldexp(129.0, g->e) ? 1 : 0;
    }
    assert_int_equal(dz->e, g->e);
    assert_true(g->peak > 127 || beyond == 0);
    /* Each smoothed target is a whole number of 2^-20. */
    double far = 0.0;
    for (int i = 0; i < s->n && s->smooth > 0.0; i++) {
        far += fabs(s->z[i] - s->z[s->label]) * ldexp(1.0, -20);
    }
    within(ldexp(loss, -16), cross_entropy(s), 3e-5 + far);
}

static void test_ce_s8(void **state) {
    tp_check *c = *state;
    for (int round = 0; round < ROUNDS; round++) {
        scores s = {.n = tp_check_int(c, 2, round % 2 == 0 ? 12 : MAX),
                    .smooth = tp_check_int(c, 0, 5) / 10.0};
        const tp_ce op = {
            .n = s.n,
            .smooth = (int32_t)lround(ldexp(s.smooth, 20)),
            .zp = tp_check_int(c, -128, 127),
            .scale = tp_check_factor(tp_check_int(c, 1, 400) / 1000.0)};
        const int8_t *z = tp_check_s8(c, s.n);
        const uint8_t label = (uint8_t)tp_check_int(c, 0, s.n - 1);
        for (int i = 0; i < s.n; i++) {
            s.z[i] = (z[i] - op.zp) * factor_value(op.scale);
        }
        s.label = label;
        tp_q8 *dz = tp_check_q8(c, s.n, 0);
        tp_gscale g = {.e = (int8_t)tp_check_int(c, -10, -6)};
        int32_t loss = -1;
        tp_ce_s8_loss_ref(&op, z, &label, dz, &loss, &g, scratch);
        check_ce(&s, dz, &g, loss);
    }
}

static void test_ce_s16(void **state) {
    tp_check *c = *state;
    const int range[4] = {100, 1000, 3000, 32767};
    for (int round = 0; round < ROUNDS; round++) {
        scores s = {.n = tp_check_int(c, 2, 40)};
        const tp_ce op = {.n = s.n, .scale = tp_check_factor(1.0 / 256.0)};
        const uint8_t label = (uint8_t)tp_check_int(c, 0, s.n - 1);
        const int r = range[round % 4];
        int16_t *z = tp_check_alloc(c, (size_t)s.n * sizeof *z);
        for (int i = 0; i < s.n; i++) {
            z[i] = (int16_t)tp_check_int(c, -r - 1, r);
            s.z[i] = z[i] / 256.0;
        }
        s.label = label;
        tp_q8 *dz = tp_check_q8(c, s.n, 0);
        tp_gscale g = {.e = (int8_t)tp_check_int(c, -10, -6)};
        int32_t loss = -1;
        tp_ce_s16_loss_ref(&op, z, &label, dz, &loss, &g, scratch);
        check_ce(&s, dz, &g, loss);
    }
}

/* Ends of the range: sure and right, sure and wrong, far off scale. */
static void test_ce_ends(void **state) {
    tp_check *c = *state;
    tp_ce op = {.n = 2, .scale = tp_check_factor(1.0 / 256.0)};
    const int16_t z[2] = {32767, -32768};
    const uint8_t right = 0;
    const uint8_t wrong = 1;
    tp_q8 *dz = tp_check_q8(c, 2, 0);
    tp_gscale g = {.e = -7};
    int32_t loss = -1;
    tp_ce_s16_loss_ref(&op, z, &right, dz, &loss, &g, scratch);
    assert_int_equal(dz->v[0], 0);
    assert_int_equal(dz->v[1], 0);
    assert_in_range(loss, 0, 1);
    tp_ce_s16_loss_ref(&op, z, &wrong, dz, &loss, &g, scratch);
    assert_int_equal(dz->v[0], 127);
    assert_int_equal(dz->v[1], -127);
    within(ldexp(loss, -16), 65535.0 / 256.0, 3e-5);
    op.scale = (tp_factor){.m = INT32_MAX, .s = 30};
    tp_ce_s16_loss_ref(&op, z, &wrong, dz, &loss, &g, scratch);
    within(ldexp(loss, -16), 2048.0, 1e-3);
}

static void test_softmax(void **state) {
    tp_check *c = *state;
    for (int round = 0; round < ROUNDS; round++) {
        scores s = {.n = tp_check_int(c, 1, MAX)};
        const tp_ce op = {.n = s.n, .scale = tp_check_factor(1.0 / 256.0)};
        const int r = round % 2 == 0 ? 400 : 4000;
        int16_t z[MAX];
        int8_t y[MAX];
        for (int i = 0; i < s.n; i++) {
            z[i] = (int16_t)tp_check_int(c, -r, r);
            s.z[i] = z[i] / 256.0;
        }
        softmax(&s);
        tp_softmax_s16_fwd_ref(&op, z, y, scratch);
        for (int i = 0; i < s.n; i++) {
            const double want = fmin(256.0 * s.p[i] - 128.0, 127.0);
            within(y[i], want, 0.5 + 256.0 * 1e-5);
        }
    }
}

/* ---- mean squared error ---- */

typedef struct errors {
    int n;
    double y[MAX], t[MAX];
} errors;

static double squared_error(const void *arg) {
    const errors *e = arg;
    double sum = 0.0;
    for (int i = 0; i < e->n; i++) {
        sum += (e->y[i] - e->t[i]) * (e->y[i] - e->t[i]);
    }
    return sum / e->n;
}

static tp_mse mse_of(double s_y, int n) {
    int e = 0;
    const double q = frexp(2.0 * s_y / n, &e);
    return (tp_mse){.n = n,
                    .loss = tp_check_factor(s_y * s_y / n),
                    .q = (int32_t)floor(ldexp(q, 15)),
                    .e = e};
}

static void test_mse(void **state) {
    tp_check *c = *state;
    for (int round = 0; round < ROUNDS; round++) {
        errors err = {.n = tp_check_int(c, 1, MAX)};
        const double s_y = tp_check_int(c, 1, 2000) / 4000.0;
        const tp_mse op = mse_of(s_y, err.n);
        const int8_t *y = tp_check_s8(c, err.n);
        const int8_t *t = tp_check_s8(c, err.n);
        for (int i = 0; i < err.n; i++) {
            err.y[i] = y[i] * s_y;
            err.t[i] = t[i] * s_y;
        }
        tp_q8 *dy = tp_check_q8(c, err.n, 0);
        int32_t loss = -1;
        tp_mse_s8_loss_ref(&op, y, t, dy, &loss);
        double grad[MAX];
        tp_check_slope(squared_error, &err, err.y, err.n, grad);
        tp_check_near_q8(dy, grad, err.n, 0.005);
        const double want = squared_error(&err);
        within(ldexp(loss, -16), want, 1e-5 * want + 0x1p-16);
    }
}

static void test_mse_ends(void **state) {
    tp_check *c = *state;
    const int n = 65536;
    int8_t *y = tp_check_alloc(c, (size_t)n);
    int8_t *t = tp_check_alloc(c, (size_t)n);
    memset(y, 127, (size_t)n);
    memset(t, -128, (size_t)n);
    tp_q8 *dy = tp_check_q8(c, n, 0);
    int32_t loss = -1;
    tp_mse op = mse_of(1.0 / 255.0, n);
    tp_mse_s8_loss_ref(&op, y, t, dy, &loss);
    within(ldexp(loss, -16), 1.0, 0x1p-15);
    op.loss = (tp_factor){.m = INT32_MAX, .s = 30};
    op.q = 32767;
    tp_mse_s8_loss_ref(&op, y, t, dy, &loss);
    assert_int_equal(loss, INT32_MAX);
    assert_int_equal(dy->v[n - 1], 127);
    tp_mse_s8_loss_ref(&op, t, y, dy, &loss);
    assert_int_equal(dy->v[0], -127);
}

/* ---- head ---- */

/* L = sum dz * (W x), x over s_x; x, w, dz real. */
typedef struct head {
    int in_c, classes;
    double *x, *w;
    const double *dz;
} head;

static double weighted_logits(const void *arg) {
    const head *h = arg;
    double sum = 0.0;
    for (int i = 0; i < h->classes * h->in_c; i++) {
        sum += h->dz[i / h->in_c] * h->w[i] * h->x[i % h->in_c];
    }
    return sum;
}

static tp_head random_head(tp_check *c) {
    return (tp_head){.in_c = tp_check_int(c, 1, 80),
                     .classes = tp_check_int(c, 2, 11),
                     .x_zp = tp_check_int(c, -128, 127),
                     .scale = tp_check_factor(tp_check_int(c, 1, 99) / 1000.0)};
}

static void test_head_forward(void **state) {
    tp_check *c = *state;
    for (int round = 0; round < ROUNDS; round++) {
        const tp_head op = random_head(c);
        const int8_t *x = tp_check_s8(c, op.in_c);
        tp_q8 *w = tp_check_q8(c, op.in_c * op.classes, -9);
        tp_check_bytes(c, w->v, op.in_c * op.classes, -127, 127, 0);
        int16_t b[11];
        int16_t z[11];
        for (int i = 0; i < op.classes; i++) {
            b[i] = (int16_t)tp_check_int(c, -32768, 32767);
        }
        tp_head_q8_fwd_ref(&op, x, w, b, z);
        for (int i = 0; i < op.classes; i++) {
            double want = ldexp(b[i], -13);
            for (int k = 0; k < op.in_c; k++) {
                want += ldexp(w->v[i * op.in_c + k], w->e) * (x[k] - op.x_zp) *
                        factor_value(op.scale);
            }
            want = fmin(fmax(want * 256.0, -32768.0), 32767.0);
            within(z[i], want, 1.001); /* two roundings */
        }
    }
}

static void test_head_saturates(void **state) {
    tp_check *c = *state;
    const tp_head op = {.in_c = 1, .classes = 2, .scale = tp_check_factor(0.5)};
    const int8_t x[1] = {100};
    const int16_t b[2] = {32767, -32768};
    int16_t z[2];
    tp_q8 *w = tp_check_q8(c, 2, 60);
    w->v[0] = 127;
    w->v[1] = -127;
    tp_head_q8_fwd_ref(&op, x, w, b, z);
    assert_int_equal(z[0], 32767);
    assert_int_equal(z[1], -32768);
    w->e = -128;
    tp_head_q8_fwd_ref(&op, x, w, b, z);
    assert_int_equal(z[0], 1024);
    assert_int_equal(z[1], -1024);
}

static void test_head_backward(void **state) {
    tp_check *c = *state;
    for (int round = 0; round < ROUNDS; round++) {
        const tp_head op = random_head(c);
        const int n = op.in_c * op.classes;
        int8_t *x = tp_check_s8(c, op.in_c);
        x[0] = (int8_t)(op.x_zp > 0 ? -100 : 100); /* not all x_zp */
        const tp_q8 *w = tp_check_gradient(c, n, -6);
        tp_q8 *dz = tp_check_gradient(c, op.classes, -7);
        const head h = {.in_c = op.in_c,
                        .classes = op.classes,
                        .x = tp_check_reals(c, op.in_c),
                        .w = tp_check_real_q8(c, w, n),
                        .dz = tp_check_real_q8(c, dz, op.classes)};
        for (int k = 0; k < op.in_c; k++) {
            h.x[k] = x[k] - op.x_zp;
        }
        double *want = tp_check_reals(c, n);
        tp_check_slope(weighted_logits, &h, h.w, n, want);
        tp_q32 *dw = tp_check_q32(c, n);
        tp_head_s8_bwd_w_ref(&op, x, dz, dw);
        tp_head_s8_bwd_w_ref(&op, x, dz, dw); /* adds */
        for (int i = 0; i < n; i++) {
            assert_int_equal(dw->v[i], 2 * llround(want[i] * 128.0));
        }
        assert_int_equal(dw->e, -7);
        tp_check_slope(weighted_logits, &h, h.x, op.in_c, want);
        tp_q8 *dx = tp_check_q8(c, op.in_c, 0);
        const int e = tp_check_exponent(want, op.in_c) + 1;
        tp_gscale g = {.e = (int8_t)e};
        tp_head_q8_bwd_x_ref(&op, dz, w, dx, &g);
        if (g.peak != 0 || e > -90) {
            tp_check_near_q8(dx, want, op.in_c, 1e-6);
        }
        assert_true(g.peak <= 127);
    }
}

/* ---- bias ---- */

static void test_bias(void **state) {
    tp_check *c = *state;
    const int32_t m[3] = {1 << 30, INT32_MAX, 1 << 30};
    const int8_t s[3] = {-3, 4, 30};
    const tp_bias op = {.n = 3, .pixels = 5, .m = m, .s = s};
    const int32_t b[3] = {100, -7, 50};
    const int16_t db[3] = {-1000, 77, 32767};
    int32_t y[3];
    tp_bias_s16_fwd_ref(&op, b, db, y);
    assert_int_equal(y[0], 100 - 62); /* -62.5, halves up */
    assert_int_equal(y[1], -7 + 1232);
    assert_int_equal(y[2], 1 << 30);
    const int32_t wide[3] = {INT32_MIN, INT32_MAX, INT32_MIN};
    const int16_t none[3] = {-1, 1, 0};
    tp_bias_s16_fwd_ref(&op, wide, none, y);
    assert_memory_equal(y, wide, sizeof wide);
    tp_q8 *dy = tp_check_q8(c, 15, -9);
    for (int i = 0; i < 15; i++) {
        dy->v[i] = (int8_t)(i % 3 == 2 ? -128 : i);
    }
    tp_q32 *sum = tp_check_q32(c, 3);
    sum->v[1] = 1000;
    tp_bias_q8_bwd_w_ref(&op, dy, sum);
    assert_int_equal(sum->v[0], 0 + 3 + 6 + 9 + 12);
    assert_int_equal(sum->v[1], 1000 + 1 + 4 + 7 + 10 + 13);
    assert_int_equal(sum->v[2], -640);
    assert_int_equal(sum->e, -9);
}

/* ---- clamps and sums ---- */

static void test_clamp(void **state) {
    tp_check *c = *state;
    const tp_clamp op = {.n = 11, .y_min = -5, .y_max = 127};
    const int8_t y[11] = {-5, -4, 0, 126, 127, -5, 3, 4, 127, 5, -5};
    const int8_t want[11] = {0, -2, 3, -4, 0, 0, 7, -8, 0, -10, 0};
    uint8_t bits[2] = {0xFF, 0xFF};
    tp_mask_s8_fwd_ref(&op, y, bits);
    assert_int_equal(bits[0], 0xCE);
    assert_int_equal(bits[1], 0x02);
    tp_q8 *dy = tp_check_q8(c, 11, -3);
    tp_q8 *dx = tp_check_q8(c, 11, 0);
    for (int i = 0; i < 11; i++) {
        dy->v[i] = (int8_t)(i % 2 == 0 ? i + 1 : -i - 1);
    }
    tp_clamp_q8_bwd_x_ref(&op, dy, y, dx);
    assert_memory_equal(dx->v, want, sizeof want);
    assert_int_equal(dx->e, -3);
    tp_mask_q8_bwd_x_ref(&op, dy, bits, dy); /* in place */
    assert_memory_equal(dy->v, want, sizeof want);
    assert_int_equal(dy->e, -3);
}

/* A bound outside int8 never clamps. */
static void test_clamp_open(void **state) {
    (void)state;
    const tp_clamp op = {.n = 2, .y_min = -129, .y_max = 128};
    const int8_t y[2] = {-128, 127};
    uint8_t bits[1] = {0};
    tp_mask_s8_fwd_ref(&op, y, bits);
    assert_int_equal(bits[0], 3);
}

static void test_sum(void **state) {
    tp_check *c = *state;
    const tp_sum op = {.n = 20};
    for (int distance = -60; distance <= 60; distance++) {
        tp_q8 *a = tp_check_gradient(c, 20, -8);
        const tp_q8 *b = tp_check_gradient(c, 20, -8 + distance);
        double *want = tp_check_real_q8(c, a, 20);
        const double *other = tp_check_real_q8(c, b, 20);
        for (int i = 0; i < 20; i++) {
            want[i] += other[i];
        }
        tp_gscale g = {.e = (int8_t)(tp_check_exponent(want, 20) + 1)};
        tp_sum_q8_bwd_x_ref(&op, a, b, a, &g); /* in place */
        tp_check_near_q8(a, want, 20, 0.0);
        assert_true(g.peak <= 127);
        assert_true(g.peak >= 31);
    }
}

/* Exponents 24 apart: the smaller tensor is not rounded. */
static void test_sum_is_exact(void **state) {
    tp_check *c = *state;
    const tp_sum op = {.n = 2};
    tp_q8 *a = tp_check_q8(c, 2, 4);
    tp_q8 *b = tp_check_q8(c, 2, -20);
    a->v[1] = -1;
    b->v[0] = 77;
    b->v[1] = 127;
    tp_gscale g = {.e = -20};
    tp_sum_q8_bwd_x_ref(&op, b, a, b, &g);
    assert_int_equal(b->v[0], 77);
    assert_int_equal(b->v[1], -127);
    assert_int_equal(g.peak, 77 | ((1 << 24) - 128));
}

static void test_grad_out(void **state) {
    (void)state;
    tp_gscale g = {.e = 0};
    assert_int_equal(tp_grad_out(&g, 5, 1), 3); /* 2.5, halves up */
    assert_int_equal(tp_grad_out(&g, -5, 1), -2);
    assert_int_equal(g.peak, 3); /* 3, and 1 of -2 */
    assert_int_equal(tp_grad_out(&g, 127, 0), 127);
    assert_int_equal(tp_grad_out(&g, -127, 0), -127);
    assert_int_equal(tp_grad_out(&g, -128, 0), -127);
    assert_int_equal(g.peak, 127);
    assert_int_equal(tp_grad_out(&g, -129, 0), -127);
    assert_int_equal(g.peak, 255);
    assert_int_equal(tp_grad_out(&g, 1, -40), 127);
    assert_int_equal(g.peak, 0x7FFFFFFF);
    assert_int_equal(tp_grad_out(&g, -1, -40), -127);
    assert_int_equal(g.peak, 0x7FFFFFFF);
    assert_int_equal(tp_grad_out(&g, INT64_C(1) << 61, 300), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exp),
        cmocka_unit_test(test_ln),
        cmocka_unit_test(test_clamp_open),
        cmocka_unit_test(test_grad_out),
        cmocka_unit_test_setup_teardown(test_ce_s8, tp_check_setup,
                                        tp_check_teardown),
        cmocka_unit_test_setup_teardown(test_ce_s16, tp_check_setup,
                                        tp_check_teardown),
        cmocka_unit_test_setup_teardown(test_ce_ends, tp_check_setup,
                                        tp_check_teardown),
        cmocka_unit_test_setup_teardown(test_softmax, tp_check_setup,
                                        tp_check_teardown),
        cmocka_unit_test_setup_teardown(test_mse, tp_check_setup,
                                        tp_check_teardown),
        cmocka_unit_test_setup_teardown(test_mse_ends, tp_check_setup,
                                        tp_check_teardown),
        cmocka_unit_test_setup_teardown(test_head_forward, tp_check_setup,
                                        tp_check_teardown),
        cmocka_unit_test_setup_teardown(test_head_saturates, tp_check_setup,
                                        tp_check_teardown),
        cmocka_unit_test_setup_teardown(test_head_backward, tp_check_setup,
                                        tp_check_teardown),
        cmocka_unit_test_setup_teardown(test_bias, tp_check_setup,
                                        tp_check_teardown),
        cmocka_unit_test_setup_teardown(test_clamp, tp_check_setup,
                                        tp_check_teardown),
        cmocka_unit_test_setup_teardown(test_sum, tp_check_setup,
                                        tp_check_teardown),
        cmocka_unit_test_setup_teardown(test_sum_is_exact, tp_check_setup,
                                        tp_check_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
