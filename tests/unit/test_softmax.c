/* SOFTMAX against TensorFlow Lite Micro's own answers and against float. */
#include <math.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/unit/lowered.h"

/* What its reference kernel answers to fact_bytes() (Python package
 * tflite-micro 0.dev20261023, one-op models). */
static const struct {
    int32_t rows, cols;
    float scale, beta;
    uint64_t hash;
} facts[] = {
    {1, 12, 0.145f, 1.0f, UINT64_C(0x2a745a5be1fc8d51)},
    {3, 10, 0.05f, 1.0f, UINT64_C(0x6269f29cdd2e5645)},
    {2, 2, 0.02f, 1.0f, UINT64_C(0x7900078e37ed4b1d)},
    {1, 3, 0.3f, 0.5f, UINT64_C(0xf64a1c1b51c466a6)},
    {4, 100, 0.01f, 2.0f, UINT64_C(0xa9f7d29c676eea31)},
    {2, 500, 0.003f, 1.0f, UINT64_C(0x3ccfd0a76359ea3c)},
    {1, 257, 1.7f, 1.0f, UINT64_C(0xa6dde1dd52c71a90)},
    {3, 40, 200.0f, 1.0f, UINT64_C(0xda253f98629524e8)},
    {1, 1, 0.1f, 1.0f, UINT64_C(0xaf63f24c860211ee)},
    {5, 21, 0.11f, 0.3f, UINT64_C(0x771e55108a7c47ec)},
    {2, 511, 0.0002f, 1.0f, UINT64_C(0xfe5b8a0a9a972ff0)},
};

/* The op on rows x cols; tensors x and y. */
static void begin(bench *b, const int32_t dim[2], float scale, float beta,
                  int *x, int *y) {
    bench_begin(b);
    *x = bench_tensor(b, TP_S8, 2, dim, scale, 3);
    *y = bench_tensor(b, TP_S8, 2, dim, 1.0f / 256, -128);
    bench_op(b, TP_OP_SOFTMAX, x, 1, *y)->attr.alpha = beta;
}

static void answers_are_tflm(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof facts / sizeof *facts; i++) {
        const int32_t dim[2] = {facts[i].rows, facts[i].cols};
        const size_t n = (size_t)(dim[0] * dim[1]);
        bench b;
        int x, y;
        begin(&b, dim, facts[i].scale, facts[i].beta, &x, &y);
        fact_bytes(b.buffer[x], (uint32_t)n);
        bench_go(&b);
        if (bytes_hash(b.buffer[y], n) != facts[i].hash) {
            fail_msg("fact %d differs", (int)i);
        }
        /* in place gives the same */
        b.low.step[0].arg[1] = tp_arg_tensor(x);
        bench_run(&b);
        assert_int_equal(bytes_hash(b.buffer[x], n), facts[i].hash);
        bench_end(&b);
    }
}

/* Largest distance in units of 1/256 from float's answer for one row. */
static double distance(const int8_t *x, const int8_t *y, int32_t n,
                       double scale) {
    double max = -1e9, sum = 0.0, worst = 0.0;
    for (int32_t c = 0; c < n; c++) {
        max = fmax(max, x[c] * scale);
    }
    for (int32_t c = 0; c < n; c++) {
        sum += exp(x[c] * scale - max);
    }
    for (int32_t c = 0; c < n; c++) {
        const double p = 256.0 * exp(x[c] * scale - max) / sum;
        worst = fmax(worst, fabs(fmin(p, 255.0) - (y[c] + 128)));
    }
    return worst;
}

/* Within 0.51: the rounding, and a hundredth for the arithmetic. Rows of
 * every width, also those whose sum passes 512, where the original gives
 * up. */
static void near_float(void **state) {
    (void)state;
    static const float scales[] = {0.0001f, 0.003f, 0.02f, 0.145f, 0.7f, 3.0f};
    static const int32_t widths[] = {1, 2, 3, 10, 12, 33, 255, 1000, 4095};
    uint32_t rng = tp_rng_seed(1);
    double worst = 0.0;
    for (size_t i = 0; i < 6 * 9 * 4; i++) {
        const int32_t dim[2] = {3, widths[i % 9]};
        const float scale = scales[i / 9 % 6];
        const float beta = i % 4 == 3 ? 0.5f : 1.0f;
        bench b;
        int x, y;
        begin(&b, dim, scale, beta, &x, &y);
        random_bytes(b.buffer[x], (size_t)(3 * dim[1]), &rng);
        bench_go(&b);
        for (int32_t n = 0; n < 3; n++) {
            const int8_t *from = b.buffer[x], *to = b.buffer[y];
            worst = fmax(worst, distance(from + n * dim[1], to + n * dim[1],
                                         dim[1], (double)(scale * beta)));
        }
        bench_end(&b);
    }
    assert_true(worst > 0.4); /* it did measure something */
    assert_true(worst < 0.51);
}

/* The zero point cancels: the same bytes for any. Ties share; the largest is
 * never below the others. */
static void order_is_kept(void **state) {
    (void)state;
    uint32_t rng = tp_rng_seed(2);
    for (int round = 0; round < 200; round++) {
        const int32_t dim[2] = {1, 20};
        bench b;
        int x, y;
        begin(&b, dim, 0.05f, 1.0f, &x, &y);
        int8_t *in = b.buffer[x], *out = b.buffer[y];
        random_bytes(in, 20, &rng);
        bench_go(&b);
        for (int i = 0; i < 20; i++) {
            for (int j = 0; j < 20; j++) {
                assert_true(in[i] < in[j] || out[i] >= out[j]);
            }
        }
        bench_end(&b);
    }
}

static void what_cannot_run_is_refused(void **state) {
    (void)state;
    const int32_t dim[2] = {1, 12};
    bench b;
    int x, y;
    begin(&b, dim, 0.1f, 1.0f, &x, &y);
    tp_tensor *t = b.graph.tensor;
    tp_op *op = &b.graph.op[0];
    assert_int_equal(bench_verify(&b), TP_OK);
    t[y].dim[1] = 11;
    assert_int_equal(bench_verify(&b), TP_ERR_MALFORMED);
    t[y].dim[1] = 12;
    t[y].quant.zero_point = -127;
    assert_int_equal(bench_verify(&b), TP_ERR_UNSUPPORTED);
    t[y].quant.zero_point = -128;
    const float wrong = 1.0f / 255;
    const float *right = t[y].quant.scale;
    t[y].quant.scale = &wrong;
    assert_int_equal(bench_verify(&b), TP_ERR_UNSUPPORTED);
    t[y].quant.scale = right;
    op->attr.alpha = 0.0f;
    assert_int_equal(bench_verify(&b), TP_ERR_UNSUPPORTED);
    op->attr.alpha = NAN;
    assert_int_equal(bench_verify(&b), TP_ERR_UNSUPPORTED);
    op->attr.alpha = 1.0f;
    t[x].dtype = TP_U8;
    assert_int_equal(bench_verify(&b), TP_ERR_UNSUPPORTED);
    t[x].dtype = TP_S8;
    t[x].dim[1] = t[y].dim[1] = 4096;
    assert_int_equal(bench_verify(&b), TP_ERR_UNSUPPORTED);
    assert_null(tp_opdef_of(TP_OP_SOFTMAX)->grad);
    bench_end(&b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_are_tflm),
        cmocka_unit_test(near_float),
        cmocka_unit_test(order_is_kept),
        cmocka_unit_test(what_cannot_run_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
