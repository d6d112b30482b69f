/* MEAN over any axes. Forward: the bytes of an independent model of TensorFlow
 * Lite's integer definition. Backward: the difference quotient of the
 * real-valued mean, within half a step of the gradient's scale. Both go
 * through verify and lower. */
#include "tests/unit/gradient.h"

#define MOST 640 /* elements of a random tensor */

typedef struct mean {
    bench b;
    int rank;
    int32_t dim[TP_MAX_RANK];
    bool red[TP_MAX_RANK];
    bool keep;
    float s_x, s_y;
    int32_t zp_x, zp_y;
    int x, y;
} mean;

static void begin_mean(mean *m) {
    int32_t out[TP_MAX_RANK];
    int rank = 0;
    for (int j = 0; j < m->rank; j++) {
        if (!m->red[j] || m->keep) {
            out[rank++] = m->red[j] ? 1 : m->dim[j];
        }
    }
    bench_begin(&m->b);
    m->x = bench_tensor(&m->b, TP_S8, m->rank, m->dim, m->s_x, m->zp_x);
    m->y = bench_tensor(&m->b, TP_S8, rank, out, m->s_y, m->zp_y);
    tp_attr *attr = &bench_op(&m->b, TP_OP_MEAN, &m->x, 1, m->y)->attr;
    for (int j = 0; j < m->rank; j++) {
        if (m->red[j]) {
            attr->list[attr->n_list++] = j;
        }
    }
}

/* Elements of x and y, and of x in each mean. */
typedef struct extents {
    int x, y, count;
} extents;

static extents extents_of(const mean *m) {
    extents e = {1, 1, 1};
    for (int j = 0; j < m->rank; j++) {
        e.x *= (int)m->dim[j];
        *(m->red[j] ? &e.count : &e.y) *= (int)m->dim[j];
    }
    return e;
}

/* The element of y that element i of x goes into. */
static int target(const mean *m, int i) {
    int at = 0, stride = 1;
    for (int j = m->rank - 1; j >= 0; j--) {
        const int here = i % (int)m->dim[j];
        i /= (int)m->dim[j];
        at += m->red[j] ? 0 : here * stride;
        stride *= m->red[j] ? 1 : (int)m->dim[j];
    }
    return at;
}

typedef struct factor {
    int64_t m;
    int s;
} factor;

/* floor(log2 count) bits of the quotient go into the shift, where it has
 * room. */
static factor factor_model(const mean *m, int64_t count) {
    factor f = {0, 0};
    f.m = multiplier_of((double)m->s_x / (double)m->s_y, &f.s);
    int shift = (int)floor(log2((double)count));
    shift = shift < 31 + f.s ? shift : 31 + f.s;
    return (factor){f.m * (INT64_C(1) << shift) / count, f.s - shift};
}

static void check_factor(const mean *m, int64_t count) {
    const tp_mean *d = m->b.low.step[0].desc;
    const factor f = factor_model(m, count);
    assert_int_equal(d->f.m, f.m);
    assert_int_equal(d->f.s, f.s);
}

static int8_t mean_model(const mean *m, int64_t sum, int64_t count) {
    const factor f = factor_model(m, count);
    const int64_t v = multiply(sum - m->zp_x * count, f.m, f.s);
    return clamp(v + m->zp_y, -128, 127);
}

static void check_mean(mean *m) {
    const extents e = extents_of(m);
    const int8_t *x = m->b.buffer[m->x], *y = m->b.buffer[m->y];
    bench_whole(&m->b, m->b.buffer);
    check_factor(m, e.count);
    for (int o = 0; o < e.y; o++) {
        int64_t sum = 0;
        for (int i = 0; i < e.x; i++) {
            sum += target(m, i) == o ? x[i] : 0;
        }
        assert_int_equal(y[o], mean_model(m, sum, e.count));
    }
}

static mean random_mean(uint32_t *rng) {
    mean m = {.rank = between(rng, 1, 6), .keep = between(rng, 0, 1) == 1};
    m.s_x = (float)ldexp(1.0 + tp_rng_below(rng, 65536) / 65536.0,
                         between(rng, -9, 0));
    m.s_y = m.s_x * (0.1f + (float)tp_rng_below(rng, 1024) / 512.0f);
    m.zp_x = between(rng, -128, 127);
    m.zp_y = between(rng, -128, 127);
    for (int j = 0; j < m.rank; j++) {
        m.dim[j] = between(rng, 1, m.rank > 4 ? 2 : 4);
        m.red[j] = between(rng, 0, 1) == 1;
    }
    return m;
}

static void test_mean(void **state) {
    (void)state;
    uint32_t rng = tp_rng_seed(3);
    for (int k = 0; k < 600; k++) {
        mean m = random_mean(&rng);
        begin_mean(&m);
        random_bytes(m.b.buffer[m.x], (size_t)extents_of(&m).x, &rng);
        check_mean(&m);
        bench_end(&m.b);
    }
}

/* Factors so small that the shift has no room for all of count's bits: what
 * is left of them shows in the descriptor alone. */
static void test_small_factors(void **state) {
    (void)state;
    uint32_t rng = tp_rng_seed(4);
    for (int e = -34; e <= -20; e++) {
        mean m = {.rank = 2,
                  .dim = {1, 300},
                  .red = {false, true},
                  .s_x = ldexpf(1.5f, e),
                  .s_y = 1.0f,
                  .zp_x = -100};
        begin_mean(&m);
        random_bytes(m.b.buffer[m.x], 300, &rng);
        check_mean(&m);
        bench_end(&m.b);
    }
}

static void mean_by_hand(mean m, const int8_t *x, const int8_t *y, int n_y) {
    begin_mean(&m);
    memcpy(m.b.buffer[m.x], x, (size_t)extents_of(&m).x);
    bench_whole(&m.b, m.b.buffer);
    assert_memory_equal(m.b.buffer[m.y], y, (size_t)n_y);
    bench_end(&m.b);
}

/* Worked by hand: 10/4 = 2.5 away from zero; with zero points 5 and -3;
 * 2/3 and 1/3; doubled by the scales, and saturated. */
static void test_mean_by_hand(void **state) {
    (void)state;
    const mean four = {.rank = 2,
                       .dim = {2, 4},
                       .red = {false, true},
                       .s_x = 0.5f,
                       .s_y = 0.5f};
    mean_by_hand(four, (int8_t[]){1, 2, 3, 4, -1, -2, -3, -4},
                 (int8_t[]){3, -3}, 2);
    mean shifted = four;
    shifted.zp_x = 5;
    shifted.zp_y = -3;
    mean_by_hand(shifted, (int8_t[]){6, 7, 8, 9, 5, 5, 5, 5}, (int8_t[]){0, -3},
                 2);
    const mean three = {.rank = 3,
                        .dim = {1, 3, 2},
                        .red = {false, true},
                        .s_x = 0.5f,
                        .s_y = 0.5f};
    mean_by_hand(three, (int8_t[]){1, 1, 1, 0, 0, 0}, (int8_t[]){1, 0}, 2);
    mean twice = four;
    twice.s_y = 0.25f;
    mean_by_hand(twice, (int8_t[]){1, 2, 3, 4, 100, 100, 100, 100},
                 (int8_t[]){5, 127}, 2);
}

/* Sum of dy * mean(x). */
static double mean_objective(const mean *m, const double *x, const double *dy) {
    const extents e = extents_of(m);
    double sum[MOST] = {0.0}, all = 0.0;
    for (int i = 0; i < e.x; i++) {
        sum[target(m, i)] += x[i];
    }
    for (int o = 0; o < e.y; o++) {
        all += dy[o] * (sum[o] / e.count);
    }
    return all;
}

static void test_mean_gradient(void **state) {
    (void)state;
    uint32_t rng = tp_rng_seed(5);
    for (int k = 0; k < 300; k++) {
        mean m = random_mean(&rng);
        const extents e = extents_of(&m);
        double x[MOST], value[MOST], want[MOST];
        int dy = -1;
        begin_mean(&m);
        const int dx = bench_grad(&m.b, m.x, &dy);
        random_dy(m.b.buffer[dy], e.y, value, &rng);
        memset(x, 0, sizeof x);
        for (int i = 0; i < e.x; i++) {
            x[i] = 0.5;
            want[i] = mean_objective(&m, x, value);
            x[i] = -0.5;
            want[i] -= mean_objective(&m, x, value);
            x[i] = 0.0;
        }
        check_against(&m.b, dx, want, e.x);
        bench_end(&m.b);
    }
}

/* 1/5 is rounded up: half a step stays half a step, and goes up. */
static void test_share(void **state) {
    (void)state;
    mean m = {.rank = 1, .dim = {5}, .red = {true}, .s_x = 1.0f, .s_y = 1.0f};
    int dy = -1;
    begin_mean(&m);
    const int dx = bench_grad(&m.b, m.x, &dy);
    tp_q8 *from = m.b.buffer[dy], *to = m.b.buffer[dx];
    from->v[0] = 5;
    m.b.gscale.e = 1;
    bench_whole(&m.b, m.b.buffer);
    assert_memory_equal(to->v, ((int8_t[]){1, 1, 1, 1, 1}), 5);
    bench_end(&m.b);
}

static tp_status verify_mean(mean m, void (*spoil)(mean *m)) {
    begin_mean(&m);
    if (spoil != NULL) {
        spoil(&m);
    }
    const tp_status status = bench_verify(&m.b);
    bench_end(&m.b);
    return status;
}

/* An axis that x has not, though the shapes agree. */
static void axis_beyond(mean *m) {
    tp_attr *attr = &m->b.graph.op[0].attr;
    attr->n_list = 1;
    attr->list[0] = 2;
}

static void negative_axis(mean *m) {
    tp_attr *attr = &m->b.graph.op[0].attr;
    attr->n_list = 1;
    attr->list[0] = -1;
}

static void wrong_shape(mean *m) {
    m->b.graph.tensor[m->y].dim[0] = 4;
}

static void one_axis_more(mean *m) {
    tp_attr *attr = &m->b.graph.op[0].attr;
    attr->list[attr->n_list++] = 1;
}

static void no_scale(mean *m) {
    m->b.graph.tensor[m->x].quant.n = 0;
}

static void test_mean_refusals(void **state) {
    (void)state;
    mean m = {.rank = 2,
              .dim = {3, 5},
              .red = {false, true},
              .s_x = 1.0f,
              .s_y = 1.0f};
    assert_int_equal(verify_mean(m, NULL), TP_OK);
    mean none = m;
    none.red[1] = false;
    assert_int_equal(verify_mean(none, NULL), TP_OK);
    assert_int_equal(verify_mean(none, axis_beyond), TP_ERR_MALFORMED);
    assert_int_equal(verify_mean(none, negative_axis), TP_ERR_MALFORMED);
    assert_int_equal(verify_mean(m, wrong_shape), TP_ERR_MALFORMED);
    assert_int_equal(verify_mean(m, one_axis_more), TP_ERR_MALFORMED);
    assert_int_equal(verify_mean(m, no_scale), TP_ERR_UNSUPPORTED);
    m.s_y = 0x1p-24f; /* 255 * 5 * 2^24 wraps */
    assert_int_equal(verify_mean(m, NULL), TP_ERR_UNSUPPORTED);
    mean big = {.rank = 3,
                .dim = {1, 4096, 1029},
                .red = {true, true, true},
                .s_x = 1.0f,
                .s_y = 1.0f};
    assert_int_equal(verify_mean(big, NULL), TP_ERR_UNSUPPORTED);
    mean wide = {.rank = 2,
                 .dim = {1, 32769},
                 .red = {false, true},
                 .s_x = 1.0f,
                 .s_y = 1.0f};
    int dy = -1;
    begin_mean(&wide);
    assert_int_equal(bench_verify(&wide.b), TP_OK);
    (void)bench_grad(&wide.b, wide.x, &dy);
    const tp_op *op = &wide.b.graph.op[1];
    assert_int_equal(
        tp_opdef_of(op->kind)->verify(&wide.b.graph, op, &wide.b.diag),
        TP_ERR_UNSUPPORTED);
    bench_end(&wide.b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mean),
        cmocka_unit_test(test_small_factors),
        cmocka_unit_test(test_mean_by_hand),
        cmocka_unit_test(test_mean_gradient),
        cmocka_unit_test(test_share),
        cmocka_unit_test(test_mean_refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
