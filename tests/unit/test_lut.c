/* Functions of one byte: the tables against TensorFlow Lite Micro's own
 * answers, against exact rational and double arithmetic; the gradient against
 * finite differences. */
#include <math.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/unit/lowered.h"

#include "compiler/ops/lut_tables.h"

static uint8_t table[256];
static bool pass[256];

/* --- what TensorFlow Lite Micro answers ----------------------------------- */

/* Hash of the 256 outputs for the bytes 0x00 .. 0xff, as its reference
 * kernels gave them (Python package tflite-micro 0.dev20261023, one-op
 * models). Fields of tp_lut_fn: kind, alpha, s_x, s_y, zp_x, zp_y, uint8. */
static const struct {
    tp_lut_fn fn;
    uint64_t hash;
} facts[] = {
    {{TP_OP_QUANTIZE, 0.0f, 0.5f, 0.25f, -128, 3, false, false},
     UINT64_C(0x6ec1a3cf159e609b)},
    {{TP_OP_QUANTIZE, 0.0f, 0.0123f, 0.0371f, 17, -128, false, false},
     UINT64_C(0x5e474d836b41d596)},
    {{TP_OP_QUANTIZE, 0.0f, 0.007843138f, 0.007843138f, 127, -1, true, false},
     UINT64_C(0xe6169983deb2d625)},
    {{TP_OP_QUANTIZE, 0.0f, 0.0078125f, 0.0078125f, 128, 0, true, false},
     UINT64_C(0xe6169983deb2d625)},
    {{TP_OP_QUANTIZE, 0.0f, 0.19f, 0.11f, -7, 133, false, true},
     UINT64_C(0xb4746017ab25126a)},
    {{TP_OP_QUANTIZE, 0.0f, 3.3f, 0.07f, 4, 0, false, false},
     UINT64_C(0x0e1611618d010216)},
    {{TP_OP_RELU, 0.0f, 0.031f, 0.0155f, -5, -128, false, false},
     UINT64_C(0x009717b902de018c)},
    {{TP_OP_RELU, 0.0f, 0.11f, 0.4f, 20, -10, false, false},
     UINT64_C(0xa7b4d022a4cc110c)},
    {{TP_OP_RELU, 0.0f, 0.02f, 0.02f, -128, -128, false, false},
     UINT64_C(0x4242dc5249c33625)},
    {{TP_OP_RELU6, 0.0f, 0.0472f, 0.0235f, -20, -128, false, false},
     UINT64_C(0x4a614fe54d55eb79)},
    {{TP_OP_RELU6, 0.0f, 0.023529412f, 0.023529412f, -128, -128, false, false},
     UINT64_C(0x4242dc5249c33625)},
    {{TP_OP_RELU6, 0.0f, 0.3f, 0.3f, 0, 0, false, false},
     UINT64_C(0xcd9198b3e9f941e1)},
    {{TP_OP_LEAKY_RELU, 0.1f, 0.05f, 0.04f, -3, 9, false, false},
     UINT64_C(0x2f11710073ce8100)},
    {{TP_OP_LEAKY_RELU, 0.3f, 0.7f, 0.2f, 11, -40, false, false},
     UINT64_C(0xfdac038bac6ff774)},
    {{TP_OP_LEAKY_RELU, 1.5f, 0.021f, 0.05f, 5, 0, false, false},
     UINT64_C(0xff7d85191876b095)},
    {{TP_OP_LOGISTIC, 0.0f, 0.047f, 1.0f / 256, -11, -128, false, false},
     UINT64_C(0xf4b5b1cd1db6f934)},
    {{TP_OP_LOGISTIC, 0.0f, 0.0009f, 1.0f / 256, 100, -128, false, false},
     UINT64_C(0xd9497e0545ca99b6)},
    {{TP_OP_LOGISTIC, 0.0f, 0.25f, 1.0f / 256, 0, -128, false, false},
     UINT64_C(0x5553d8f3a9b2476c)},
    {{TP_OP_LOGISTIC, 0.0f, 4e+01f, 1.0f / 256, -128, -128, false, false},
     UINT64_C(0xde0892c3f92facda)},
    {{TP_OP_LOGISTIC, 0.0f, 7.9f, 1.0f / 256, 3, -128, false, false},
     UINT64_C(0x342e07309375b589)},
    {{TP_OP_TANH, 0.0f, 0.031f, 1.0f / 128, 5, 0, false, false},
     UINT64_C(0x649d1aea5126ed2f)},
    {{TP_OP_TANH, 0.0f, 0.00012f, 0.0078125f, -77, 0, false, false},
     UINT64_C(0x4b5eb440dadd51a9)},
    {{TP_OP_TANH, 0.0f, 0.125f, 0.0078125f, 0, 0, false, false},
     UINT64_C(0x5553d8f3a9b2476c)},
    {{TP_OP_TANH, 0.0f, 2.5f, 0.0078125f, 127, 0, false, false},
     UINT64_C(0x7886fc75b39847f7)},
    {{TP_OP_HARD_SWISH, 0.0f, 0.0471f, 0.0247f, -1, -113, false, false},
     UINT64_C(0xfc049a8c4378f13f)},
    {{TP_OP_HARD_SWISH, 0.0f, 0.0157f, 0.0101f, -12, -91, false, false},
     UINT64_C(0x7c70b9c262672477)},
    {{TP_OP_HARD_SWISH, 0.0f, 0.4f, 0.2f, 0, -126, false, false},
     UINT64_C(0x67d2f9b75278141c)},
    {{TP_OP_HARD_SWISH, 0.0f, 0.002f, 0.001f, 10, 0, false, false},
     UINT64_C(0x2f057488d8e0189d)},
    {{TP_OP_HARD_SWISH, 0.0f, 0.0471f, 0.0005f, 7, 0, false, false},
     UINT64_C(0x7c4d512d0db3144b)},
};

static void tables_are_tflm(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof facts / sizeof *facts; i++) {
        assert_null(tp_lut_refusal(&facts[i].fn));
        tp_lut_table(&facts[i].fn, table, pass);
        if (bytes_hash(table, 256) != facts[i].hash) {
            fail_msg("fact %d: %s", (int)i, tp_kind_name(facts[i].fn.kind));
        }
    }
}

/* --- requantisation in exact arithmetic ----------------------------------- */

static int64_t floor_div(int64_t a, int64_t b) {
    return a / b - (a % b != 0 && (a < 0) != (b < 0));
}

/* x * f rounded twice: to a multiple of 2^-right, halves up, then to an
 * integer, halves away from zero; f = m * 2^(s-31) with m a rounded
 * integer. */
static int32_t twice_rounded(int32_t x, double f) {
    int s = 0;
    const int64_t m = (int64_t)round(ldexp(frexp(f, &s), 31));
    const int64_t product = (int64_t)x * (INT64_C(1) << (s > 0 ? s : 0)) * m;
    const int64_t first =
        floor_div(2 * product + (INT64_C(1) << 31), INT64_C(1) << 32);
    const int64_t unit = INT64_C(1) << (s < 0 ? -s : 0);
    const int64_t size = (2 * (first < 0 ? -first : first) + unit) / (2 * unit);
    return (int32_t)(first < 0 ? -size : size);
}

static int32_t between(int32_t x, int32_t lo, int32_t hi) {
    return x < lo ? lo : (x > hi ? hi : x);
}

static double random_real(uint32_t *rng, double log2_lo, double log2_hi) {
    const double u = (double)tp_rng_next(rng) / 4294967296.0;
    return exp2(log2_lo + u * (log2_hi - log2_lo));
}

static int32_t random_zp(uint32_t *rng, bool is_unsigned) {
    const int32_t zp = (int32_t)tp_rng_below(rng, 256);
    return is_unsigned ? zp : zp - 128;
}

static tp_lut_fn random_fn(tp_kind kind, uint32_t *rng) {
    static const bool from[3] = {false, true, false};
    static const bool to[3] = {false, false, true};
    const uint32_t types = kind == TP_OP_QUANTIZE ? tp_rng_below(rng, 3) : 0;
    const float s_x = (float)random_real(rng, -10.0, 3.0);
    return (tp_lut_fn){.kind = kind,
                       .alpha = (float)random_real(rng, -7.0, 1.0),
                       .x_scale = s_x,
                       .y_scale = s_x * (float)random_real(rng, -6.0, 6.0),
                       .x_zp = random_zp(rng, from[types]),
                       .y_zp = random_zp(rng, to[types]),
                       .x_unsigned = from[types],
                       .y_unsigned = to[types]};
}

/* The output before it is cut to its type, by exact arithmetic. */
static int32_t exact(const tp_lut_fn *fn, int32_t x) {
    const double f = (double)fn->x_scale / (double)fn->y_scale;
    switch ((int)fn->kind) {
    case TP_OP_RELU:
        return fn->y_zp + (x > 0 ? twice_rounded(x, f) : 0);
    case TP_OP_LEAKY_RELU:
        return fn->y_zp + twice_rounded(x, x < 0 ? (double)fn->x_scale *
                                                       (double)fn->alpha /
                                                       (double)fn->y_scale
                                                 : f);
    default:
        return fn->y_zp + twice_rounded(x, f);
    }
}

static void linear_tables_are_exact(void **state) {
    (void)state;
    static const tp_kind kinds[] = {TP_OP_QUANTIZE, TP_OP_RELU,
                                    TP_OP_LEAKY_RELU};
    uint32_t rng = tp_rng_seed(1);
    for (int round = 0; round < 600; round++) {
        const tp_lut_fn fn = random_fn(kinds[round % 3], &rng);
        const int32_t lo = fn.y_unsigned ? 0 : -128;
        assert_null(tp_lut_refusal(&fn));
        tp_lut_table(&fn, table, pass);
        for (int i = 0; i < 256; i++) {
            const int32_t x = (fn.x_unsigned ? i : (int8_t)i) - fn.x_zp;
            const int32_t y = exact(&fn, x);
            const bool corner = fn.kind == TP_OP_RELU && x <= 0;
            assert_int_equal(table[i], (uint8_t)between(y, lo, lo + 255));
            assert_int_equal(pass[i], y >= lo && y <= lo + 255 && !corner);
        }
    }
}

/* It clamps bytes; an output scale of its own is not looked at. */
static void relu6_clamps_bytes(void **state) {
    (void)state;
    uint32_t rng = tp_rng_seed(2);
    for (int round = 0; round < 200; round++) {
        const tp_lut_fn fn = random_fn(TP_OP_RELU6, &rng);
        const double six = floor(6.0 / (double)fn.x_scale + 0.5);
        tp_lut_table(&fn, table, pass);
        for (int i = -128; i < 128; i++) {
            const double top = fmin((double)fn.x_zp + six, 127.0);
            const int32_t y = between(i, fn.x_zp, (int32_t)top);
            const double real = (double)(i - fn.x_zp) * (double)fn.x_scale;
            assert_int_equal((int8_t)table[(uint8_t)i], y);
            assert_int_equal(pass[(uint8_t)i],
                             i == y && real > 0.0 && real < 6.0);
        }
    }
}

/* --- the smooth ones against double --------------------------------------- */

static double real_of(const tp_lut_fn *fn, double x) {
    switch ((int)fn->kind) {
    case TP_OP_LOGISTIC:
        return 1.0 / (1.0 + exp(-x));
    case TP_OP_TANH:
        return tanh(x);
    case TP_OP_HARD_SWISH:
        return x * fmin(6.0, fmax(0.0, x + 3.0)) / 6.0;
    case TP_OP_RELU:
        return fmax(x, 0.0);
    case TP_OP_RELU6: /* in units of the output */
        return fmin(6.0, fmax(0.0, x)) * (double)fn->alpha;
    case TP_OP_LEAKY_RELU:
        return x < 0.0 ? x * (double)fn->alpha : x;
    default:
        return x;
    }
}

/* y covers the function's range. Scales of x stay below 4: from there on
 * TensorFlow Lite Micro takes the very first steps for saturated. */
static tp_lut_fn smooth_fn(tp_kind kind, uint32_t *rng) {
    tp_lut_fn fn = {.kind = kind,
                    .x_scale = (float)random_real(rng, -12.0, 1.99),
                    .x_zp = random_zp(rng, false),
                    .y_scale = kind == TP_OP_TANH ? 1.0f / 128 : 1.0f / 256,
                    .y_zp = kind == TP_OP_TANH ? 0 : -128};
    if (kind == TP_OP_HARD_SWISH) {
        fn.x_scale = (float)random_real(rng, -8.0, -1.0);
        fn.x_zp = (int32_t)tp_rng_below(rng, 192) - 128; /* some above 0 */
        const double top =
            real_of(&fn, (double)(127 - fn.x_zp) * (double)fn.x_scale);
        fn.y_scale = (float)((top + 0.375) / 255.0);
        fn.y_zp = (int32_t)lround(-128.0 + 0.375 / (double)fn.y_scale);
    }
    return fn;
}

static void smooth_tables_are_within_one(void **state) {
    (void)state;
    static const tp_kind kinds[] = {TP_OP_LOGISTIC, TP_OP_TANH,
                                    TP_OP_HARD_SWISH};
    uint32_t rng = tp_rng_seed(3);
    for (int round = 0; round < 600; round++) {
        const tp_lut_fn fn = smooth_fn(kinds[round % 3], &rng);
        assert_null(tp_lut_refusal(&fn));
        tp_lut_table(&fn, table, pass);
        for (int i = -128; i < 128; i++) {
            const double x = (double)(i - fn.x_zp) * (double)fn.x_scale;
            const double y =
                real_of(&fn, x) / (double)fn.y_scale + (double)fn.y_zp;
            const double got = (int8_t)table[(uint8_t)i];
            if (fabs(got - fmin(127.0, fmax(-128.0, y))) > 1.0) {
                fail_msg("%s s_x %g x %g: %g, not %g", tp_kind_name(fn.kind),
                         (double)fn.x_scale, x, got, y);
            }
        }
    }
}

static void bad_scales_are_refused(void **state) {
    (void)state;
    static const tp_lut_fn bad[] = {
        {TP_OP_LOGISTIC, 0.0f, 0.1f, 1.0f / 128, 0, -128, false, false},
        {TP_OP_LOGISTIC, 0.0f, 0.1f, 1.0f / 256, 0, 0, false, false},
        {TP_OP_LOGISTIC, 0.0f, 1e-9f, 1.0f / 256, 0, -128, false, false},
        {TP_OP_TANH, 0.0f, 0.1f, 1.0f / 256, 0, 0, false, false},
        {TP_OP_TANH, 0.0f, 0.1f, 1.0f / 128, 0, -128, false, false},
        {TP_OP_HARD_SWISH, 0.0f, 1.0f, 1.0f / 128, 0, 0, false, false},
        {TP_OP_HARD_SWISH, 0.0f, 0.001f, 1.0f, 0, 0, false, false},
        {TP_OP_QUANTIZE, 0.0f, 1e5f, 1e-5f, 0, 0, false, false},
        {TP_OP_QUANTIZE, 0.0f, 0.0f, 1.0f, 0, 0, false, false},
        {TP_OP_RELU, 0.0f, 1.0f, INFINITY, 0, 0, false, false},
        {TP_OP_LEAKY_RELU, NAN, 1.0f, 1.0f, 0, 0, false, false},
        {TP_OP_LEAKY_RELU, 1e9f, 1.0f, 1.0f, 0, 0, false, false},
        {TP_OP_LEAKY_RELU, -0.1f, 1.0f, 1.0f, 0, 0, false, false},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_non_null(tp_lut_refusal(&bad[i]));
    }
}

/* --- the gradient --------------------------------------------------------- */

/* Slopes are central differences of the real function, away from its
 * corners, within half a unit of 2^-14 plus the difference's own error. */
static void slopes_are_differences(void **state) {
    (void)state;
    static const tp_kind kinds[] = {
        TP_OP_QUANTIZE, TP_OP_RELU, TP_OP_RELU6,     TP_OP_LEAKY_RELU,
        TP_OP_LOGISTIC, TP_OP_TANH, TP_OP_HARD_SWISH};
    const double h = 1e-5;
    uint32_t rng = tp_rng_seed(4);
    for (int round = 0; round < 700; round++) {
        const tp_kind kind = kinds[round % 7];
        tp_lut_fn fn = kind >= TP_OP_LOGISTIC ? smooth_fn(kind, &rng)
                                              : random_fn(kind, &rng);
        int16_t slope[256];
        tp_lut_table(&fn, table, pass);
        tp_lut_slope(&fn, pass, slope);
        for (int i = 0; i < 256; i++) {
            const int32_t byte = fn.x_unsigned ? i : (int8_t)i;
            const double x = (double)(byte - fn.x_zp) * (double)fn.x_scale;
            const double d =
                (real_of(&fn, x + h) - real_of(&fn, x - h)) / (2.0 * h);
            const double want = fmax(-2.0, fmin(2.0, d));
            const bool corner =
                fabs(x) < h || fabs(x - 6.0) < h || fabs(fabs(x) - 3.0) < h;
            if (!pass[i]) {
                assert_int_equal(slope[i], 0);
            } else if (!corner && fabs(slope[i] / 16384.0 - want) > 4.0e-5) {
                fail_msg("%s at %g: slope %g, difference %g",
                         tp_kind_name(kind), x, slope[i] / 16384.0, want);
            }
        }
    }
}

/* Forward op of kind `fn` on all 256 bytes, run; its tensors in x and y. */
static void forward(bench *b, const tp_lut_fn *fn, int *x, int *y) {
    const int32_t dim[2] = {4, 64};
    *x = bench_tensor(b, fn->x_unsigned ? TP_U8 : TP_S8, 2, dim, fn->x_scale,
                      fn->x_zp);
    *y = bench_tensor(b, fn->y_unsigned ? TP_U8 : TP_S8, 2, dim, fn->y_scale,
                      fn->y_zp);
    tp_op *op = bench_op(b, fn->kind, x, 1, *y);
    op->attr.alpha = fn->kind == TP_OP_LEAKY_RELU ? fn->alpha : 0.0f;
    for (int i = 0; i < 256; i++) {
        ((uint8_t *)b->buffer[*x])[i] = (uint8_t)(i * 37 + 5);
    }
    bench_go(b);
}

/* The whole chain: op, gradient rule, ranges, slopes, kernel. dx is dy times
 * the derivative where the table is not held, within the rounding of the
 * slope and of dx; 0 elsewhere. */
static void chain(const tp_lut_fn *fn, uint32_t *rng) {
    bench b;
    int x, y, dy;
    bench_begin(&b);
    forward(&b, fn, &x, &y);
    tp_lut_table(fn, table, pass);
    for (int i = 0; i < 256; i++) {
        const uint8_t byte = ((uint8_t *)b.buffer[x])[i];
        assert_int_equal(((uint8_t *)b.buffer[y])[i], table[byte]);
    }
    const int dx = bench_grad(&b, x, &dy);
    tp_q8 *from = b.buffer[dy], *to = b.buffer[dx];
    assert_int_equal(b.graph.op[1].kind, TP_OP_LUT_BWD);
    from->e = -9;
    b.gscale.e = -8;
    random_bytes(from->v, 256, rng);
    bench_go(&b);
    assert_int_equal(to->e, -8);

    int16_t slope[256];
    uint32_t peak = 0;
    tp_lut_slope(fn, pass, slope);
    for (int i = 0; i < 256; i++) {
        const uint8_t byte = ((uint8_t *)b.buffer[x])[i];
        const int32_t acc = from->v[i] * slope[byte];
        const int32_t v = (int32_t)floor((double)acc / 32768.0 + 0.5);
        peak |= (uint32_t)(v < 0 ? -1 - v : v);
        assert_int_equal(to->v[i], between(v, -127, 127));
        if (!pass[byte]) {
            assert_int_equal(to->v[i], 0);
        }
    }
    assert_int_equal(b.gscale.peak, peak);
    /* in place gives the same */
    tp_q8 *copy = malloc(sizeof *copy + 256);
    assert_non_null(copy);
    memcpy(copy, to, sizeof *copy + 256);
    b.low.step[0].arg[2] = tp_arg_tensor(dy);
    bench_run(&b);
    assert_memory_equal(from, copy, sizeof *copy + 256);
    free(copy);
    bench_end(&b);
}

static void chains_are_right(void **state) {
    (void)state;
    uint32_t rng = tp_rng_seed(5);
    for (int round = 0; round < 210; round++) {
        static const tp_kind kinds[] = {
            TP_OP_QUANTIZE, TP_OP_RELU, TP_OP_RELU6,     TP_OP_LEAKY_RELU,
            TP_OP_LOGISTIC, TP_OP_TANH, TP_OP_HARD_SWISH};
        const tp_kind kind = kinds[round % 7];
        tp_lut_fn fn = kind >= TP_OP_LOGISTIC ? smooth_fn(kind, &rng)
                                              : random_fn(kind, &rng);
        if (kind == TP_OP_RELU6) {
            fn.alpha = fn.y_scale / fn.x_scale;
        }
        chain(&fn, &rng);
    }
}

/* A value that an op's output cut off passes no gradient; the ranges say
 * so. */
static void ranges_say_what_passes(void **state) {
    (void)state;
    const tp_lut_fn fn = {TP_OP_RELU, 0.0f, 0.1f,  0.05f,
                          -10,        -128, false, false};
    bench b;
    int x, y, dy;
    bench_begin(&b);
    forward(&b, &fn, &x, &y);
    bench_grad(&b, x, &dy);
    /* y = 2 (x + 10) - 128 with x from -9, at most 127: x <= 117 */
    const tp_attr *attr = &b.graph.op[1].attr;
    assert_int_equal(attr->of, TP_OP_RELU);
    assert_int_equal(attr->n_list, 2);
    assert_int_equal(attr->list[0], -9);
    assert_int_equal(attr->list[1], 117);
    bench_end(&b);
}

/* --- refusals ------------------------------------------------------------- */

static void wrong_tensors_are_refused(void **state) {
    (void)state;
    const tp_lut_fn fn = {TP_OP_RELU, 0.0f, 0.1f, 0.1f, 0, -128, false, false};
    bench b;
    int x, y, dy;
    bench_begin(&b);
    forward(&b, &fn, &x, &y);
    tp_tensor *t = b.graph.tensor;
    t[y].dim[1] = 63;
    assert_int_equal(bench_verify(&b), TP_ERR_MALFORMED);
    t[y].dim[1] = 64;
    t[y].dtype = TP_U8; /* only QUANTIZE knows uint8 */
    assert_int_equal(bench_verify(&b), TP_ERR_UNSUPPORTED);
    t[y].dtype = TP_S8;
    t[y].quant.zero_point = 128;
    assert_int_equal(bench_verify(&b), TP_ERR_UNSUPPORTED);
    t[y].quant.zero_point = -128;
    t[x].quant.n = 0;
    assert_int_equal(bench_verify(&b), TP_ERR_UNSUPPORTED);
    t[x].quant.n = 1;
    b.graph.op[0].kind = TP_OP_TANH;
    assert_int_equal(bench_verify(&b), TP_ERR_UNSUPPORTED);
    b.graph.op[0].kind = TP_OP_RELU;
    assert_int_equal(bench_verify(&b), TP_OK);

    const int dx = bench_grad(&b, x, &dy);
    tp_op *op = &b.graph.op[1];
    assert_int_equal(bench_verify(&b), TP_OK);
    op->attr.list[0] = op->attr.list[1] + 1;
    assert_int_equal(bench_verify(&b), TP_ERR_MALFORMED);
    op->attr.list[0] = -129;
    assert_int_equal(bench_verify(&b), TP_ERR_MALFORMED);
    op->attr.list[0] = 1;
    op->attr.of = TP_OP_ADD;
    assert_int_equal(bench_verify(&b), TP_ERR_MALFORMED);
    op->attr.of = TP_OP_RELU;
    b.graph.tensor[dx].dtype = TP_S8;
    assert_int_equal(bench_verify(&b), TP_ERR_MALFORMED);
    bench_end(&b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tables_are_tflm),
        cmocka_unit_test(linear_tables_are_exact),
        cmocka_unit_test(relu6_clamps_bytes),
        cmocka_unit_test(smooth_tables_are_within_one),
        cmocka_unit_test(bad_scales_are_refused),
        cmocka_unit_test(slopes_are_differences),
        cmocka_unit_test(chains_are_right),
        cmocka_unit_test(ranges_say_what_passes),
        cmocka_unit_test(wrong_tensors_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
