/* AVERAGE_POOL_2D, MAX_POOL_2D. Forward: the bytes of an independent
 * model of TensorFlow Lite's integer definition. Backward: the difference
 * quotient of the real-valued function, within half a step of the gradient's
 * scale. Both go through verify and lower. */
#include "tests/unit/gradient.h"

#define MOST 640 /* elements of a random tensor */

typedef struct window {
    int in, out, k, stride, before, after;
} window;

typedef struct pool {
    bench b;
    tp_kind kind;
    window h, w;
    int c, x, y;
    int32_t min, max;
} pool;

static const float scale = 0.25f;

static void begin(pool *p, int32_t zp) {
    const int32_t in[4] = {1, p->h.in, p->w.in, p->c};
    const int32_t out[4] = {1, p->h.out, p->w.out, p->c};
    bench_begin(&p->b);
    p->x = bench_tensor(&p->b, TP_S8, 4, in, scale, zp);
    p->y = bench_tensor(&p->b, TP_S8, 4, out, scale, zp);
    tp_attr *attr = &bench_op(&p->b, p->kind, &p->x, 1, p->y)->attr;
    attr->k_h = p->h.k;
    attr->k_w = p->w.k;
    attr->stride_h = p->h.stride;
    attr->stride_w = p->w.stride;
    attr->pad_t = p->h.before;
    attr->pad_b = p->h.after;
    attr->pad_l = p->w.before;
    attr->pad_r = p->w.after;
    attr->act_min = p->min;
    attr->act_max = p->max;
}

/* Sum (or maximum) and number of the places in one window; x is anything. */
typedef struct gathered {
    double sum, max;
    int count;
} gathered;

static gathered gather(const pool *p, const double *x, int oy, int ox, int c) {
    gathered g = {0.0, -1e300, 0};
    for (int ky = 0; ky < p->h.k; ky++) {
        for (int kx = 0; kx < p->w.k; kx++) {
            const int iy = oy * p->h.stride + ky - p->h.before;
            const int ix = ox * p->w.stride + kx - p->w.before;
            if (iy >= 0 && iy < p->h.in && ix >= 0 && ix < p->w.in) {
                const double v = x[(iy * p->w.in + ix) * p->c + c];
                g.sum += v;
                g.max = fmax(g.max, v);
                g.count++;
            }
        }
    }
    return g;
}

static int sizes(const pool *p, int *y) {
    *y = p->h.out * p->w.out * p->c;
    return p->h.in * p->w.in * p->c;
}

static void values(const pool *p, double *x) {
    int n_y = 0;
    const int n = sizes(p, &n_y);
    for (int i = 0; i < n; i++) {
        x[i] = ((const int8_t *)p->b.buffer[p->x])[i];
    }
}

/* round(): halves away from zero. */
static void check_forward(pool *p) {
    double x[MOST];
    const int8_t *y = p->b.buffer[p->y];
    values(p, x);
    bench_whole(&p->b, p->b.buffer);
    for (int oy = 0; oy < p->h.out; oy++) {
        for (int ox = 0; ox < p->w.out; ox++) {
            for (int c = 0; c < p->c; c++) {
                const gathered g = gather(p, x, oy, ox, c);
                const double v = p->kind == TP_OP_MAX_POOL_2D
                                     ? g.max
                                     : round(g.sum / g.count);
                assert_int_equal(*y++, clamp((int64_t)v, p->min, p->max));
            }
        }
    }
}

/* VALID, SAME as TensorFlow Lite pads it, or any pads below the window. */
static window random_window(uint32_t *rng) {
    window w = {.in = between(rng, 1, 9),
                .k = between(rng, 1, 4),
                .stride = between(rng, 1, 3)};
    const int how = between(rng, 0, 2);
    if (how == 0) {
        w.k = w.k < w.in ? w.k : w.in;
    } else if (how == 1) {
        const int out = (w.in + w.stride - 1) / w.stride;
        const int total = (out - 1) * w.stride + w.k - w.in;
        w.before = total > 0 ? total / 2 : 0;
        w.after = total > 0 ? total - w.before : 0;
    } else {
        w.before = between(rng, 0, w.k - 1);
        w.after = between(rng, 0, w.k - 1);
        const int room = w.in + w.before + w.after - w.k;
        w.before = room < 0 ? w.k - 1 : w.before;
        w.after = room < 0 ? w.k - 1 : w.after;
    }
    w.out = (w.in + w.before + w.after - w.k) / w.stride + 1;
    return w;
}

/* False: a random pad made a window without a place. */
static bool random_pool(pool *p, tp_kind kind, uint32_t *rng) {
    *p = (pool){.kind = kind,
                .h = random_window(rng),
                .w = random_window(rng),
                .c = between(rng, 1, 4),
                .min = -128,
                .max = 127};
    return (p->h.out - 1) * p->h.stride - p->h.before < p->h.in &&
           (p->w.out - 1) * p->w.stride - p->w.before < p->w.in;
}

static const tp_kind kinds[2] = {TP_OP_AVERAGE_POOL_2D, TP_OP_MAX_POOL_2D};

static void test_forward(void **state) {
    (void)state;
    uint32_t rng = tp_rng_seed(1);
    int done = 0;
    for (int k = 0; k < 1000; k++) {
        pool p;
        if (!random_pool(&p, kinds[k % 2], &rng)) {
            continue;
        }
        if (k % 5 == 0) {
            p.min = between(&rng, -128, 0);
            p.max = between(&rng, p.min, 127);
        }
        begin(&p, between(&rng, -128, 127));
        int n_y = 0;
        random_bytes(p.b.buffer[p.x], (size_t)sizes(&p, &n_y), &rng);
        check_forward(&p);
        bench_end(&p.b);
        done++;
    }
    assert_true(done > 700);
}

static void by_hand(tp_kind kind, window h, window w, const int8_t *x, int n_x,
                    const int8_t *y, int n_y) {
    pool p = {.kind = kind, .h = h, .w = w, .c = 1, .min = -20, .max = 50};
    begin(&p, 3);
    memcpy(p.b.buffer[p.x], x, (size_t)n_x);
    bench_whole(&p.b, p.b.buffer);
    assert_memory_equal(p.b.buffer[p.y], y, (size_t)n_y);
    bench_end(&p.b);
}

/* Worked by hand: 10/4 and -10/4 away from zero, 3 and -3; 3x3 windows on a
 * 3x2 map count 4 or 6 places; the clamp range is [-20, 50]. */
static void test_by_hand(void **state) {
    (void)state;
    const window two = {2, 1, 2, 2, 0, 0}, four = {4, 2, 2, 2, 0, 0};
    const int8_t x[8] = {1, 2, -1, -2, 3, 4, -3, -4};
    by_hand(kinds[0], two, four, x, 8, (int8_t[]){3, -3}, 2);
    by_hand(kinds[1], two, four, x, 8, (int8_t[]){4, -1}, 2);
    const int8_t far[8] = {-128, -127, 127, 60, -128, -120, 0, 80};
    by_hand(kinds[0], two, four, far, 8, (int8_t[]){-20, 50}, 2);
    by_hand(kinds[1], two, four, far, 8, (int8_t[]){-20, 50}, 2);
    const window h = {3, 3, 3, 1, 1, 1}, w = {2, 2, 3, 1, 1, 1};
    const int8_t map[6] = {1, 2, 3, 5, 7, 11};
    /* rows 0-1: 11/4; rows 0-2: 29/6; rows 1-2: 26/4 = 6.5 */
    by_hand(kinds[0], h, w, map, 6, (int8_t[]){3, 3, 5, 5, 7, 7}, 6);
    by_hand(kinds[1], h, w, map, 6, (int8_t[]){5, 5, 11, 11, 11, 11}, 6);
}

/* Sum of dy * pool(x), x in real values. */
static double objective(const pool *p, const double *x, const double *dy) {
    double sum = 0.0;
    for (int oy = 0; oy < p->h.out; oy++) {
        for (int ox = 0; ox < p->w.out; ox++) {
            for (int c = 0; c < p->c; c++) {
                const gathered g = gather(p, x, oy, ox, c);
                sum += *dy++ *
                       (p->kind == TP_OP_MAX_POOL_2D ? g.max : g.sum / g.count);
            }
        }
    }
    return sum;
}

/* Different bytes in each channel, so that a maximum is one place and a move
 * by a quarter of a step leaves it there. 81 places at most. */
static void distinct_bytes(const pool *p, uint32_t *rng) {
    int8_t *x = p->b.buffer[p->x];
    const int places = p->h.in * p->w.in;
    for (int c = 0; c < p->c; c++) {
        for (int i = 0; i < places; i++) {
            const int j = between(rng, 0, i);
            x[i * p->c + c] = x[j * p->c + c];
            x[j * p->c + c] = (int8_t)(3 * i - 128);
        }
    }
}

static void check_gradient(pool *p, uint32_t *rng) {
    double x[MOST], value[MOST], want[MOST];
    int n_y = 0, dy = -1;
    const int n = sizes(p, &n_y);
    assert_true(n <= MOST && n_y <= MOST);
    distinct_bytes(p, rng);
    const int dx = bench_grad(&p->b, p->x, &dy);
    assert_int_equal(p->b.graph.n_ops, 2);
    random_dy(p->b.buffer[dy], n_y, value, rng);
    values(p, x);
    for (int i = 0; i < n; i++) {
        const double v = x[i];
        x[i] = v + 0.25;
        want[i] = 2.0 * objective(p, x, value);
        x[i] = v - 0.25;
        want[i] -= 2.0 * objective(p, x, value);
        x[i] = v;
        /* Zero is no rounding error of the sums. */
        want[i] = fabs(want[i]) < ldexp(1e-9, ((tp_q8 *)p->b.buffer[dy])->e)
                      ? 0.0
                      : want[i];
    }
    check_against(&p->b, dx, want, n);
}

static void test_gradient(void **state) {
    (void)state;
    uint32_t rng = tp_rng_seed(2);
    for (int k = 0; k < 240; k++) {
        pool p;
        if (random_pool(&p, kinds[k % 2], &rng)) {
            begin(&p, -128);
            check_gradient(&p, &rng);
            bench_end(&p.b);
        }
    }
}

/* Equal maxima: the first by rows takes all, in each window for itself. */
static void test_ties(void **state) {
    (void)state;
    const window h = {2, 1, 2, 1, 0, 0}, w = {3, 2, 2, 1, 0, 0};
    pool p = {
        .kind = kinds[1], .h = h, .w = w, .c = 1, .min = -128, .max = 127};
    begin(&p, 0);
    int dy = -1;
    const int8_t x[6] = {1, 7, 7, 7, 0, 7};
    memcpy(p.b.buffer[p.x], x, 6);
    const int dx = bench_grad(&p.b, p.x, &dy);
    tp_q8 *from = p.b.buffer[dy], *to = p.b.buffer[dx];
    from->e = -3;
    from->v[0] = 40;
    from->v[1] = 50;
    p.b.gscale.e = -3;
    bench_whole(&p.b, p.b.buffer);
    assert_memory_equal(to->v, ((int8_t[]){0, 90, 0, 0, 0, 0}), 6);
    memset(p.b.buffer[p.x], -128, 6);
    bench_kernel(&p.b, p.b.buffer);
    assert_memory_equal(to->v, ((int8_t[]){40, 50, 0, 0, 0, 0}), 6);
    bench_end(&p.b);
}

/* dx/dy of the largest window that backward takes: 1 / 2^15, all its bits. */
static void test_largest_window(void **state) {
    (void)state;
    const window h = {128, 1, 128, 1, 0, 0}, w = {256, 1, 256, 1, 0, 0};
    pool p = {
        .kind = kinds[0], .h = h, .w = w, .c = 1, .min = -128, .max = 127};
    begin(&p, 0);
    int dy = -1;
    const int dx = bench_grad(&p.b, p.x, &dy);
    tp_q8 *from = p.b.buffer[dy], *to = p.b.buffer[dx];
    from->e = 15;
    from->v[0] = -127;
    bench_whole(&p.b, p.b.buffer);
    for (int i = 0; i < 128 * 256; i++) {
        assert_int_equal(to->v[i], -127);
    }
    tp_attr *attr = &p.b.graph.op[1].attr;
    attr->k_h++;
    attr->pad_t++;
    const tp_opdef *def = tp_opdef_of(TP_OP_AVERAGE_POOL_BWD);
    assert_int_equal(def->verify(&p.b.graph, &p.b.graph.op[1], &p.b.diag),
                     TP_ERR_UNSUPPORTED);
    bench_end(&p.b);
}

/* 1/5 is rounded up: half a step stays half a step, and goes up. */
static void test_share(void **state) {
    (void)state;
    const window h = {1, 1, 1, 1, 0, 0}, w = {5, 1, 5, 1, 0, 0};
    pool p = {
        .kind = kinds[0], .h = h, .w = w, .c = 1, .min = -128, .max = 127};
    int dy = -1;
    begin(&p, 0);
    const int dx = bench_grad(&p.b, p.x, &dy);
    tp_q8 *from = p.b.buffer[dy], *to = p.b.buffer[dx];
    from->v[0] = 5;
    p.b.gscale.e = 1;
    bench_whole(&p.b, p.b.buffer);
    assert_memory_equal(to->v, ((int8_t[]){1, 1, 1, 1, 1}), 5);
    bench_end(&p.b);
}

/* Only an activation narrower than int8 masks dy. */
static void test_clamped(void **state) {
    (void)state;
    for (int k = 0; k < 4; k++) {
        const window w = {4, 2, 2, 2, 0, 0};
        pool p = {.kind = kinds[k % 2],
                  .h = w,
                  .w = w,
                  .c = 1,
                  .min = -128,
                  .max = k < 2 ? 127 : 126};
        begin(&p, -128);
        int dy = -1;
        (void)bench_grad(&p.b, p.x, &dy);
        assert_int_equal(p.b.graph.n_ops, k < 2 ? 2 : 3);
        if (k >= 2) {
            const tp_op *clamp_bwd = &p.b.graph.op[1];
            assert_int_equal(clamp_bwd->kind, TP_OP_CLAMP_BWD);
            assert_int_equal(clamp_bwd->in[0], dy);
            assert_int_equal(p.b.graph.op[2].in[0], clamp_bwd->out);
        }
        bench_end(&p.b);
    }
}

static void refuse(pool p, void (*spoil)(pool *p), tp_status status) {
    p.c = 1;
    p.max = 127;
    p.min = -128;
    begin(&p, 0);
    if (spoil != NULL) {
        spoil(&p);
    }
    assert_int_equal(bench_verify(&p.b), status);
    bench_end(&p.b);
}

static void other_zero(pool *p) {
    p->b.graph.tensor[p->y].quant.zero_point = 1;
}

static void other_scale(pool *p) {
    static const float near = 0.25001f;
    p->b.graph.tensor[p->y].quant.scale = &near;
}

static void other_type(pool *p) {
    p->b.graph.tensor[p->x].dtype = TP_U8;
}

static void other_channels(pool *p) {
    p->b.graph.tensor[p->y].dim[3] = 2;
}

static void other_range(pool *p) {
    p->b.graph.op[0].attr.act_max = 128;
}

static void test_refusals(void **state) {
    (void)state;
    const window fine = {4, 2, 2, 2, 0, 0};
    for (int k = 0; k < 2; k++) {
        const pool p = {.kind = kinds[k], .h = fine, .w = fine};
        refuse(p, NULL, TP_OK);
        refuse(p, other_zero, TP_ERR_UNSUPPORTED);
        refuse(p, other_scale, TP_ERR_UNSUPPORTED);
        refuse(p, other_type, TP_ERR_UNSUPPORTED);
        refuse(p, other_channels, TP_ERR_MALFORMED);
        refuse(p, other_range, TP_ERR_MALFORMED);
        static const window bad[] = {
            {4, 3, 2, 2, 0, 0}, /* too many outputs */
            {4, 1, 2, 2, 0, 0}, /* too few */
            {4, 3, 2, 2, 2, 0}, /* a first window without a place */
            {4, 3, 2, 3, 0, 4}, /* a last window without one */
            {4, 2, 2, 0, 0, 0}, /* no stride */
            {4, 1, 5, 1, 0, 0}, /* larger than the map */
            {4, 5, 0, 1, 0, 0}, /* no window */
            {4, 2, 3, 2, -1, 2}, {4, 2, 3, 2, 2, -1},
        };
        for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
            refuse((pool){.kind = kinds[k], .h = bad[i], .w = fine}, NULL,
                   TP_ERR_MALFORMED);
            refuse((pool){.kind = kinds[k], .h = fine, .w = bad[i]}, NULL,
                   TP_ERR_MALFORMED);
        }
        const window huge = {1, 1, 4096, 1, 4095, 0};
        refuse((pool){.kind = kinds[k], .h = huge, .w = huge}, NULL,
               TP_ERR_UNSUPPORTED);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forward),        cmocka_unit_test(test_by_hand),
        cmocka_unit_test(test_gradient),       cmocka_unit_test(test_ties),
        cmocka_unit_test(test_largest_window), cmocka_unit_test(test_share),
        cmocka_unit_test(test_clamped),        cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
