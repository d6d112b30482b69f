/* ADD, SUB, MUL. Forward: the bytes of an independent model of TensorFlow
 * Lite's integer definition, in double and in gemmlowp's own form. Backward:
 * the difference quotient of the real-valued function, within half a step of
 * the gradient's scale. Both go through verify and lower. Descriptors: the
 * tables tile the structs. */
#include <stddef.h>

#include "tests/unit/gradient.h"

/* --- the model ------------------------------------------------------------ */

typedef struct quant {
    float scale;
    int32_t zp;
} quant;

typedef struct binary {
    tp_kind kind;
    quant a, b, y;
    int32_t min, max;
} binary;

/* x * f with TensorFlow Lite's two roundings. */
static int64_t times(int64_t x, double f) {
    int s = 0;
    const int64_t m = multiplier_of(f, &s);
    return multiply(x, m, s);
}

static int8_t model(const binary *f, int a, int b) {
    const double s_a = (double)f->a.scale, s_b = (double)f->b.scale;
    const double s_y = (double)f->y.scale;
    const int64_t qa = a - f->a.zp, qb = b - f->b.zp;
    int64_t v;
    if (f->kind == TP_OP_MUL) {
        v = times(qa * qb, s_a * s_b / s_y);
    } else {
        const double top = 2.0 * (s_a > s_b ? s_a : s_b);
        const int64_t ra = times(qa * 1048576, s_a / top);
        const int64_t rb = times(qb * 1048576, s_b / top);
        v = times(f->kind == TP_OP_ADD ? ra + rb : ra - rb,
                  top / (1048576.0 * s_y));
    }
    return clamp(v + f->y.zp, f->min, f->max);
}

static double real(const binary *f, double a, double b) {
    switch ((int)f->kind) {
    case TP_OP_ADD:
        return a + b;
    case TP_OP_SUB:
        return a - b;
    default:
        return a * b;
    }
}

/* --- shapes --------------------------------------------------------------- */

typedef struct shape {
    int rank;
    int32_t dim[TP_MAX_RANK];
} shape;

static int count(const shape *s) {
    int n = 1;
    for (int i = 0; i < s->rank; i++) {
        n *= (int)s->dim[i];
    }
    return n;
}

/* Where element i of y finds its operand: shapes aligned at the last axis. */
static int source(const shape *y, const shape *x, int i) {
    int at = 0, stride = 1;
    for (int j = 0; j < y->rank; j++) {
        const int n = (int)y->dim[y->rank - 1 - j];
        const int here = i % n;
        i /= n;
        if (j < x->rank) {
            const int m = (int)x->dim[x->rank - 1 - j];
            at += m == 1 ? 0 : here * stride;
            stride *= m;
        }
    }
    return at;
}

/* --- one operation on the bench ------------------------------------------- */

typedef struct trial {
    bench b;
    binary f;
    shape sa, sb, sy;
    int a, b_in, y;
} trial;

static void begin(trial *t, const binary *f, const shape *sa, const shape *sb,
                  const shape *sy) {
    *t = (trial){.f = *f, .sa = *sa, .sb = *sb, .sy = *sy};
    bench_begin(&t->b);
    t->a = bench_tensor(&t->b, TP_S8, sa->rank, sa->dim, f->a.scale, f->a.zp);
    t->b_in =
        bench_tensor(&t->b, TP_S8, sb->rank, sb->dim, f->b.scale, f->b.zp);
    t->y = bench_tensor(&t->b, TP_S8, sy->rank, sy->dim, f->y.scale, f->y.zp);
    const int in[2] = {t->a, t->b_in};
    tp_op *op = bench_op(&t->b, f->kind, in, 2, t->y);
    op->attr.act_min = f->min;
    op->attr.act_max = f->max;
}

static void check_forward(trial *t) {
    const int8_t *a = t->b.buffer[t->a];
    const int8_t *b = t->b.buffer[t->b_in];
    const int8_t *y = t->b.buffer[t->y];
    bench_whole(&t->b, t->b.buffer);
    for (int i = 0; i < count(&t->sy); i++) {
        assert_int_equal(y[i], model(&t->f, a[source(&t->sy, &t->sa, i)],
                                     b[source(&t->sy, &t->sb, i)]));
    }
}

static quant random_quant(uint32_t *rng) {
    const double s =
        ldexp(1.0 + tp_rng_below(rng, 65536) / 65536.0, between(rng, -9, -1));
    return (quant){(float)s, between(rng, -127, 127)};
}

/* The output's scale is such that both ends are reached, but seldom. */
static binary random_binary(tp_kind kind, uint32_t *rng) {
    binary f = {.kind = kind,
                .a = random_quant(rng),
                .b = random_quant(rng),
                .y = random_quant(rng),
                .min = -128,
                .max = 127};
    const float s_a = f.a.scale, s_b = f.b.scale;
    const float spread = 0.5f + (float)tp_rng_below(rng, 256) / 128.0f;
    f.y.scale = spread * (kind == TP_OP_MUL ? 100.0f * s_a * s_b : s_a + s_b);
    return f;
}

/* A shape of up to 4 axes for y; a and b are it with some axes 1, and with
 * leading ones left out at random. */
static void random_shapes(uint32_t *rng, shape *a, shape *b, shape *y) {
    y->rank = between(rng, 1, 4);
    shape *part[2] = {a, b};
    for (int i = 0; i < 2; i++) {
        part[i]->rank = y->rank;
    }
    for (int j = 0; j < y->rank; j++) {
        const int who = between(rng, 0, 4);
        y->dim[j] = between(rng, 1, 4);
        a->dim[j] = who == 0 ? 1 : y->dim[j];
        b->dim[j] = who == 1 ? 1 : y->dim[j];
    }
    for (int i = 0; i < 2; i++) {
        while (part[i]->rank > 0 && part[i]->dim[0] == 1 &&
               between(rng, 0, 1) == 1) {
            part[i]->rank--;
            memmove(part[i]->dim, part[i]->dim + 1,
                    (size_t)part[i]->rank * sizeof part[i]->dim[0]);
        }
    }
}

static const tp_kind kinds[3] = {TP_OP_ADD, TP_OP_SUB, TP_OP_MUL};

/* --- forward tests -------------------------------------------------------- */

/* Every pair of bytes: 65,536 sums, differences and products. */
static void test_all_pairs(void **state) {
    (void)state;
    uint32_t rng = tp_rng_seed(1);
    const shape column = {2, {256, 1}}, row = {1, {256}};
    const shape square = {2, {256, 256}};
    for (int k = 0; k < 12; k++) {
        const binary f = random_binary(kinds[k % 3], &rng);
        trial t;
        begin(&t, &f, &column, &row, &square);
        for (int i = 0; i < 256; i++) {
            ((int8_t *)t.b.buffer[t.a])[i] = (int8_t)(i - 128);
            ((int8_t *)t.b.buffer[t.b_in])[i] = (int8_t)(i - 128);
        }
        check_forward(&t);
        bench_end(&t.b);
    }
}

static void test_random_shapes(void **state) {
    (void)state;
    uint32_t rng = tp_rng_seed(2);
    for (int k = 0; k < 600; k++) {
        shape a, b, y;
        random_shapes(&rng, &a, &b, &y);
        binary f = random_binary(kinds[k % 3], &rng);
        if (k % 5 == 0) {
            f.min = between(&rng, -128, 0);
            f.max = between(&rng, f.min, 127);
        }
        trial t;
        begin(&t, &f, &a, &b, &y);
        random_bytes(t.b.buffer[t.a], (size_t)count(&a), &rng);
        random_bytes(t.b.buffer[t.b_in], (size_t)count(&b), &rng);
        check_forward(&t);
        bench_end(&t.b);
    }
}

/* Six axes that neighbours reduce to four. */
static void test_high_rank(void **state) {
    (void)state;
    uint32_t rng = tp_rng_seed(3);
    const shape a = {6, {2, 3, 1, 1, 2, 1}};
    const shape b = {6, {1, 1, 2, 3, 2, 3}};
    const shape y = {6, {2, 3, 2, 3, 2, 3}};
    for (int k = 0; k < 3; k++) {
        const binary f = random_binary(kinds[k], &rng);
        trial t;
        begin(&t, &f, &a, &b, &y);
        random_bytes(t.b.buffer[t.a], (size_t)count(&a), &rng);
        random_bytes(t.b.buffer[t.b_in], (size_t)count(&b), &rng);
        check_forward(&t);
        bench_end(&t.b);
    }
}

static void expect(const binary *f, const int8_t *a, const int8_t *b,
                   const int8_t *y) {
    const shape four = {1, {4}};
    trial t;
    begin(&t, f, &four, &four, &four);
    memcpy(t.b.buffer[t.a], a, 4);
    memcpy(t.b.buffer[t.b_in], b, 4);
    bench_whole(&t.b, t.b.buffer);
    assert_memory_equal(t.b.buffer[t.y], y, 4);
    bench_end(&t.b);
}

/* Worked by hand. */
static void test_by_hand(void **state) {
    (void)state;
    /* 0.5 a + 0.5 b in steps of 1: 3.5, -3.5 away from zero, 2, 127.5. */
    const binary add = {TP_OP_ADD, {0.5f, 0}, {0.5f, 0}, {1.0f, 0}, -128, 127};
    expect(&add, (int8_t[]){3, -3, 1, 127}, (int8_t[]){4, -4, 3, 127},
           (int8_t[]){4, -4, 2, 127});
    /* 0.5 (a - 2) - 0.25 (b + 1) + 10 in steps of 0.5: half of b' is odd:
     * 8 - 4 / 2 + 10 = 16; 0 - 3 / 2 = -1.5 -> -2 + 10; clamped to [0, 20]. */
    const binary sub = {TP_OP_SUB, {0.5f, 2}, {0.25f, -1}, {0.5f, 10}, 0, 20};
    expect(&sub, (int8_t[]){10, 2, 127, -128}, (int8_t[]){3, 2, -1, 0},
           (int8_t[]){16, 8, 20, 0});
    /* (a - 2) (b + 1) - 5, the factor being 1. */
    const binary mul = {TP_OP_MUL,   {0.5f, 2}, {0.5f, -1},
                        {0.25f, -5}, -128,      50};
    expect(&mul, (int8_t[]){10, 3, 12, -8}, (int8_t[]){4, -2, 9, 6},
           (int8_t[]){35, -6, 50, -75});
    /* a b / 2: the first rounding takes halves up, 4.5 -> 5, -4.5 -> -4. */
    const binary half = {TP_OP_MUL, {0.5f, 0}, {0.5f, 0}, {0.5f, 0}, -128, 127};
    expect(&half, (int8_t[]){3, -3, 0, -128}, (int8_t[]){3, 3, 9, -128},
           (int8_t[]){5, -4, 0, 127});
}

/* The output may take the first input's place. */
static void test_in_place(void **state) {
    (void)state;
    uint32_t rng = tp_rng_seed(4);
    const shape a = {3, {2, 3, 4}}, b = {1, {4}};
    for (int k = 0; k < 3; k++) {
        assert_true(tp_opdef_of(kinds[k])->in_place);
        const binary f = random_binary(kinds[k], &rng);
        trial t;
        begin(&t, &f, &a, &b, &a);
        random_bytes(t.b.buffer[t.a], 24, &rng);
        random_bytes(t.b.buffer[t.b_in], 4, &rng);
        check_forward(&t);
        void *moved[BENCH_TENSORS];
        memcpy(moved, t.b.buffer, sizeof moved);
        moved[t.y] = moved[t.a];
        bench_kernel(&t.b, moved);
        assert_memory_equal(t.b.buffer[t.y], t.b.buffer[t.a], 24);
        bench_end(&t.b);
    }
}

/* --- refusals ------------------------------------------------------------- */

static void refuse(const binary *f, shape a, shape b, shape y,
                   tp_status status) {
    trial t;
    begin(&t, f, &a, &b, &y);
    assert_int_equal(bench_verify(&t.b), status);
    bench_end(&t.b);
}

static void test_refusals(void **state) {
    (void)state;
    uint32_t rng = tp_rng_seed(5);
    for (int k = 0; k < 3; k++) {
        const binary f = random_binary(kinds[k], &rng);
        const shape four = {1, {4}}, three = {1, {3}}, one = {1, {1}};
        refuse(&f, four, three, four, TP_ERR_MALFORMED);
        refuse(&f, four, four, one, TP_ERR_MALFORMED);
        refuse(&f, one, one, four, TP_ERR_MALFORMED);
        refuse(&f, (shape){2, {2, 4}}, four, four, TP_ERR_MALFORMED);
        refuse(&f, (shape){5, {2, 1, 2, 1, 2}}, (shape){5, {1, 2, 1, 2, 1}},
               (shape){5, {2, 2, 2, 2, 2}}, TP_ERR_UNSUPPORTED);
        binary range = f;
        range.min = 3;
        range.max = 2;
        refuse(&range, four, four, four, TP_ERR_MALFORMED);
        range = (binary){f.kind, f.a, f.b, f.y, -129, 127};
        refuse(&range, four, four, four, TP_ERR_MALFORMED);
        binary fine = f;
        fine.a.scale = fine.b.scale = 1.0f;
        fine.y.scale = k == 2 ? 0x1p-15f : 0x1p-20f;
        refuse(&fine, four, four, four, TP_ERR_UNSUPPORTED);
        fine.y.scale *= 2.0f;
        refuse(&fine, four, four, four, TP_ERR_UNSUPPORTED);
        fine.y.scale *= 2.0f;
        refuse(&fine, four, four, four, TP_OK);

        trial t;
        begin(&t, &f, &four, &four, &four);
        t.b.graph.tensor[t.b_in].dtype = TP_U8;
        assert_int_equal(bench_verify(&t.b), TP_ERR_UNSUPPORTED);
        bench_end(&t.b);
    }
}

/* --- gradient ------------------------------------------------------------- */

/* sum of dy * f(a, b), with element `at` of operand `which` moved by h. */
static double objective(const trial *t, const double *dy, int which, int at,
                        double h) {
    const int8_t *a = t->b.buffer[t->a];
    const int8_t *b = t->b.buffer[t->b_in];
    const binary *f = &t->f;
    double sum = 0.0;
    for (int i = 0; i < count(&t->sy); i++) {
        const int ia = source(&t->sy, &t->sa, i);
        const int ib = source(&t->sy, &t->sb, i);
        const double ra = (double)f->a.scale * (a[ia] - f->a.zp);
        const double rb = (double)f->b.scale * (b[ib] - f->b.zp);
        sum += dy[i] * real(f, ra + (which == 0 && ia == at ? h : 0.0),
                            rb + (which == 1 && ib == at ? h : 0.0));
    }
    return sum;
}

static void check_gradient(trial *t, int which, uint32_t *rng) {
    double value[256], want[256], max = 0.0;
    const int x = which == 0 ? t->a : t->b_in;
    const int n = count(which == 0 ? &t->sa : &t->sb);
    const int ops = t->b.graph.n_ops;
    int dy = -1;
    const int dx = bench_grad(&t->b, x, &dy);
    random_dy(t->b.buffer[dy], count(&t->sy), value, rng);
    for (int i = 0; i < n; i++) {
        want[i] = (objective(t, value, which, i, 0.5) -
                   objective(t, value, which, i, -0.5));
        max = fmax(max, fabs(want[i]));
    }
    if (dx == dy) { /* the identity */
        assert_int_equal(t->b.graph.n_ops, ops);
        for (int i = 0; i < n; i++) {
            assert_true(fabs(want[i] - value[i]) <= 1e-9 * max);
        }
        return;
    }
    assert_int_equal(t->b.graph.n_ops, ops + 1);
    check_against(&t->b, dx, want, n);
}

static void test_gradient(void **state) {
    (void)state;
    uint32_t rng = tp_rng_seed(6);
    for (int k = 0; k < 300; k++) {
        shape a, b, y;
        random_shapes(&rng, &a, &b, &y);
        const binary f = random_binary(kinds[k % 3], &rng);
        for (int which = 0; which < 2; which++) {
            trial t;
            begin(&t, &f, &a, &b, &y);
            random_bytes(t.b.buffer[t.a], (size_t)count(&a), &rng);
            random_bytes(t.b.buffer[t.b_in], (size_t)count(&b), &rng);
            check_gradient(&t, which, &rng);
            bench_end(&t.b);
        }
    }
}

/* Which backward ops each rule makes. */
static void test_rules(void **state) {
    (void)state;
    uint32_t rng = tp_rng_seed(7);
    const shape y = {2, {3, 4}}, row = {1, {4}};
    for (int k = 0; k < 3; k++) {
        for (int which = 0; which < 2; which++) {
            for (int wide = 0; wide < 2; wide++) {
                const binary f = random_binary(kinds[k], &rng);
                trial t;
                int dy = -1;
                begin(&t, &f, wide && which == 0 ? &row : &y,
                      wide && which == 1 ? &row : &y, &y);
                const int x = which == 0 ? t.a : t.b_in;
                const int dx = bench_grad(&t.b, x, &dy);
                const tp_op *op = &t.b.graph.op[t.b.graph.n_ops - 1];
                const bool same = !wide && (k == 0 || (k == 1 && which == 0));
                assert_int_equal(dx == dy, same);
                if (!same) {
                    assert_int_equal(op->kind, TP_OP_ELTWISE_BWD);
                    assert_int_equal(op->n_in, k == 2 ? 2 : 1);
                    assert_int_equal(op->attr.value,
                                     k == 1 && which == 1 ? -1 : 0);
                }
                bench_end(&t.b);
            }
        }
    }
}

/* A fused activation masks dy first. */
static void test_clamped(void **state) {
    (void)state;
    uint32_t rng = tp_rng_seed(8);
    const shape y = {2, {3, 4}};
    for (int k = 0; k < 3; k++) {
        binary f = random_binary(kinds[k], &rng);
        f.max = 100;
        trial t;
        int dy = -1;
        begin(&t, &f, &y, &y, &y);
        const int dx = bench_grad(&t.b, t.a, &dy);
        const tp_op *clamp = &t.b.graph.op[1];
        assert_int_equal(clamp->kind, TP_OP_CLAMP_BWD);
        assert_int_equal(clamp->in[0], dy);
        assert_int_equal(t.b.graph.n_ops, k == 2 ? 3 : 2);
        assert_int_equal(k == 2 ? t.b.graph.op[2].in[0] : dx, clamp->out);
        bench_end(&t.b);
    }
}

/* dx may take dy's place where nothing is summed. */
static void test_gradient_in_place(void **state) {
    (void)state;
    uint32_t rng = tp_rng_seed(9);
    const shape y = {2, {5, 3}}, row = {1, {3}};
    const binary f = random_binary(TP_OP_MUL, &rng);
    trial t;
    int dy = -1;
    double value[15];
    assert_true(tp_opdef_of(TP_OP_ELTWISE_BWD)->in_place);
    begin(&t, &f, &y, &row, &y);
    random_bytes(t.b.buffer[t.b_in], 3, &rng);
    const int dx = bench_grad(&t.b, t.a, &dy);
    random_dy(t.b.buffer[dy], 15, value, &rng);
    t.b.gscale.e = (int8_t)(((tp_q8 *)t.b.buffer[dy])->e + 1);
    bench_whole(&t.b, t.b.buffer);
    const tp_gscale apart = t.b.gscale;
    t.b.gscale = (tp_gscale){.e = apart.e};
    void *moved[BENCH_TENSORS];
    memcpy(moved, t.b.buffer, sizeof moved);
    moved[dx] = moved[dy];
    bench_kernel(&t.b, moved);
    assert_memory_equal(t.b.buffer[dx], t.b.buffer[dy], 4 + 15);
    assert_memory_equal(&t.b.gscale, &apart, sizeof apart);
    bench_end(&t.b);
}

/* One element broadcast to 2^16 at the extremes: the sum's bound is sharp. */
static void test_largest_sum(void **state) {
    (void)state;
    const shape y = {1, {65536}}, one = {1, {1}};
    const binary f = {TP_OP_MUL, {1.0f, 0}, {1.0f, -128}, {1.0f, 0}, -128, 127};
    trial t;
    int dy = -1;
    begin(&t, &f, &one, &y, &y);
    memset(t.b.buffer[t.b_in], 127, 65536);
    const int dx = bench_grad(&t.b, t.a, &dy);
    tp_q8 *from = t.b.buffer[dy];
    memset(from->v, -127, 65536);
    t.b.gscale.e = 24;
    bench_whole(&t.b, t.b.buffer);
    const tp_q8 *out = t.b.buffer[dx];
    /* -65536 * 127 * 255 / 2^24 = -126.5.. */
    assert_int_equal(out->v[0],
                     (int)floor(-65536.0 * 127 * 255 / 0x1p24 + 0.5));
    bench_end(&t.b);

    const shape more = {1, {65537}};
    begin(&t, &f, &one, &more, &more);
    (void)bench_grad(&t.b, t.a, &dy);
    const tp_op *op = &t.b.graph.op[t.b.graph.n_ops - 1];
    assert_int_equal(tp_opdef_of(op->kind)->verify(&t.b.graph, op, &t.b.diag),
                     TP_ERR_UNSUPPORTED);
    bench_end(&t.b);
}

/* --- descriptors ---------------------------------------------------------- */

static size_t size_of(const tp_field *f) {
    switch (f->type) {
    case TP_F_INT:
        return (size_t)f->count * sizeof(int32_t);
    case TP_F_FACTOR:
        return sizeof(tp_factor);
    case TP_F_POINTER:
    case TP_F_PART:
        break;
    }
    return sizeof(void *);
}

static size_t align_up(size_t at, size_t to) {
    return (at + to - 1) / to * to;
}

/* Each field begins where the one before ends, but for alignment: none is
 * missing, twice, or of the wrong size. */
static void test_descriptors(void **state) {
    (void)state;
    static const tp_desc_type *const type[] = {
        &tp_desc_conv2d,  &tp_desc_pool,        &tp_desc_mean,
        &tp_desc_eltwise, &tp_desc_eltwise_bwd, &tp_desc_lut,
        &tp_desc_softmax, &tp_desc_copy,        &tp_desc_fill,
        &tp_desc_resize,  &tp_desc_clamp,       &tp_desc_sum,
        &tp_desc_bias,    &tp_desc_head,        &tp_desc_ce,
        &tp_desc_mse};
    for (size_t i = 0; i < sizeof type / sizeof *type; i++) {
        size_t end = 0, widest = sizeof(int32_t);
        for (int j = 0; j < type[i]->n_fields; j++) {
            const tp_field *f = &type[i]->field[j];
            const size_t align =
                f->type == TP_F_POINTER ? sizeof(void *) : sizeof(int32_t);
            assert_int_equal(f->offset, align_up(end, align));
            end = f->offset + size_of(f);
            widest = align > widest ? align : widest;
        }
        assert_int_equal(type[i]->bytes, align_up(end, widest));
    }
    assert_string_equal(tp_desc_eltwise_bwd.name, "tp_eltwise_bwd");
    assert_string_equal(tp_desc_copy.field[2].name, "x_stride");
    assert_int_equal(tp_desc_copy.field[2].count, 6);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_pairs),
        cmocka_unit_test(test_random_shapes),
        cmocka_unit_test(test_high_rank),
        cmocka_unit_test(test_by_hand),
        cmocka_unit_test(test_in_place),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_gradient),
        cmocka_unit_test(test_rules),
        cmocka_unit_test(test_clamped),
        cmocka_unit_test(test_gradient_in_place),
        cmocka_unit_test(test_largest_sum),
        cmocka_unit_test(test_descriptors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
