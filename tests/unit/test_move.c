/* Data movement against naive index arithmetic, in both directions: the ops
 * are linear, so the gradient is exactly the transposed map. Resizing against
 * TensorFlow Lite Micro's own answers. */
#include <stddef.h>
#include <stdint.h>

#include "tests/unit/lowered.h"

#define MOST 4096 /* elements of a test tensor */

/* Where each element of y comes from: index into x, or -1. */
typedef struct mapping {
    int n;
    int from[MOST];
} mapping;

static int product(const int32_t *dim, int rank) {
    int n = 1;
    for (int i = 0; i < rank; i++) {
        n *= dim[i];
    }
    return n;
}

/* Index of each axis of element `flat`. */
static void unflatten(int flat, const int32_t *dim, int rank, int32_t *at) {
    for (int i = rank - 1; i >= 0; i--) {
        at[i] = flat % dim[i];
        flat /= dim[i];
    }
}

static int flatten(const int32_t *at, const int32_t *dim, int rank) {
    int flat = 0;
    for (int i = 0; i < rank; i++) {
        flat = flat * dim[i] + at[i];
    }
    return flat;
}

static int32_t up_to(uint32_t *rng, int32_t n) {
    return 1 + (int32_t)tp_rng_below(rng, (uint32_t)n);
}

static int random_shape(uint32_t *rng, int32_t *dim) {
    const int rank = up_to(rng, TP_MAX_RANK);
    for (int i = 0; i < rank; i++) {
        dim[i] = up_to(rng, 4);
    }
    return rank;
}

/* Runs the last op forward and checks y against `map`, with `fill` where
 * nothing comes from x; then its gradient from x, and checks dx. */
static void check_both_ways(bench *b, int x, const mapping *map, int fill,
                            uint32_t *rng) {
    const int y = b->graph.op[0].out;
    const int n_x = (int)tp_tensor_count(&b->graph.tensor[x]);
    const int8_t *from = b->buffer[x], *to = b->buffer[y];
    int dy;

    assert_int_equal(map->n, tp_tensor_count(&b->graph.tensor[y]));
    bench_go(b);
    for (int i = 0; i < map->n; i++) {
        const int want = map->from[i] < 0 ? fill : from[map->from[i]];
        if (fill <= 127) { /* else of another input */
            assert_int_equal(to[i], want);
        } else if (map->from[i] >= 0) {
            assert_int_equal(to[i], from[map->from[i]]);
        }
    }

    const int dx = bench_grad(b, x, &dy);
    tp_q8 *grad = b->buffer[dy], *got = b->buffer[dx];
    int sum[MOST] = {0};
    grad->e = -5;
    random_bytes(grad->v, (size_t)map->n, rng);
    memset(got->v, 77, (size_t)n_x);
    for (int i = 0; i < map->n; i++) {
        if (map->from[i] >= 0) {
            sum[map->from[i]] += grad->v[i];
        }
    }
    bench_go(b);
    assert_int_equal(got->e, -5);
    for (int i = 0; i < n_x; i++) {
        assert_int_equal(got->v[i], sum[i]);
    }
}

/* Tensors x and y of one scale with random bytes in x, and the op. */
static tp_op *begin(bench *b, tp_kind kind, int rank, const int32_t *x_dim,
                    int y_rank, const int32_t *y_dim, uint32_t *rng) {
    bench_begin(b);
    const int x = bench_tensor(b, TP_S8, rank, x_dim, 0.5f, -3);
    const int y = bench_tensor(b, TP_S8, y_rank, y_dim, 0.5f, -3);
    random_bytes(b->buffer[x], tp_tensor_bytes(&b->graph.tensor[x]), rng);
    return bench_op(b, kind, &x, 1, y);
}

static void transpose_permutes(void **state) {
    (void)state;
    uint32_t rng = tp_rng_seed(1);
    static mapping map;
    for (int round = 0; round < 300; round++) {
        int32_t x[TP_MAX_RANK], y[TP_MAX_RANK], perm[TP_MAX_RANK];
        const int rank = random_shape(&rng, x);
        for (int i = 0; i < rank; i++) { /* inside-out shuffle */
            const int j = (int)tp_rng_below(&rng, (uint32_t)i + 1);
            perm[i] = perm[j];
            perm[j] = i;
        }
        for (int i = 0; i < rank; i++) {
            y[i] = x[perm[i]];
        }
        map.n = product(y, rank);
        for (int flat = 0; flat < map.n; flat++) {
            int32_t at[TP_MAX_RANK], source[TP_MAX_RANK];
            unflatten(flat, y, rank, at);
            for (int i = 0; i < rank; i++) {
                source[perm[i]] = at[i];
            }
            map.from[flat] = flatten(source, x, rank);
        }
        bench b;
        tp_op *op = begin(&b, TP_OP_TRANSPOSE, rank, x, rank, y, &rng);
        op->attr.n_list = rank;
        memcpy(op->attr.list, perm, (size_t)rank * sizeof *perm);
        check_both_ways(&b, 0, &map, 0, &rng);
        bench_end(&b);
    }
}

static void pad_surrounds(void **state) {
    (void)state;
    uint32_t rng = tp_rng_seed(2);
    static mapping map;
    for (int round = 0; round < 300; round++) {
        int32_t x[TP_MAX_RANK], y[TP_MAX_RANK], list[2 * TP_MAX_RANK];
        int rank = random_shape(&rng, x);
        rank = rank > 4 ? 4 : rank;
        for (int i = 0; i < rank; i++) {
            list[i] = up_to(&rng, 3) - 1;
            list[rank + i] = round % 5 == 0 ? 0 : up_to(&rng, 3) - 1;
            list[i] = round % 10 == 0 ? 0 : list[i];
            y[i] = list[i] + x[i] + list[rank + i];
        }
        map.n = product(y, rank);
        for (int flat = 0; flat < map.n; flat++) {
            int32_t at[TP_MAX_RANK];
            bool inside = true;
            unflatten(flat, y, rank, at);
            for (int i = 0; i < rank; i++) {
                at[i] -= list[i];
                inside = inside && at[i] >= 0 && at[i] < x[i];
            }
            map.from[flat] = inside ? flatten(at, x, rank) : -1;
        }
        bench b;
        tp_op *op = begin(&b, TP_OP_PAD, rank, x, rank, y, &rng);
        op->attr.n_list = 2 * rank;
        op->attr.value = up_to(&rng, 256) - 129;
        memcpy(op->attr.list, list, 2 * (size_t)rank * sizeof *list);
        check_both_ways(&b, 0, &map, op->attr.value, &rng);
        bench_end(&b);
    }
}

static void concat_joins(void **state) {
    (void)state;
    uint32_t rng = tp_rng_seed(3);
    static mapping map;
    for (int round = 0; round < 300; round++) {
        int32_t y[TP_MAX_RANK], part[4], begins[4];
        int in[4];
        const int rank = random_shape(&rng, y), n_in = up_to(&rng, 4);
        const int axis = (int)tp_rng_below(&rng, (uint32_t)rank);
        bench b;
        bench_begin(&b);
        y[axis] = 0;
        for (int i = 0; i < n_in; i++) {
            int32_t x[TP_MAX_RANK];
            memcpy(x, y, sizeof x);
            x[axis] = part[i] = up_to(&rng, 3);
            begins[i] = y[axis];
            y[axis] += part[i];
            in[i] = bench_tensor(&b, TP_S8, rank, x, 0.5f, -3);
            random_bytes(b.buffer[in[i]], (size_t)product(x, rank), &rng);
        }
        const int out = bench_tensor(&b, TP_S8, rank, y, 0.5f, -3);
        bench_op(&b, TP_OP_CONCATENATION, in, n_in, out)->attr.axis = axis;
        /* forward for every input, the gradient of one of them */
        const int chosen = (int)tp_rng_below(&rng, (uint32_t)n_in);
        for (int i = 0; i <= n_in; i++) {
            const int k = i < n_in ? i : chosen;
            map.n = product(y, rank);
            for (int flat = 0; flat < map.n; flat++) {
                int32_t at[TP_MAX_RANK], x[TP_MAX_RANK];
                memcpy(x, y, sizeof x);
                x[axis] = part[k];
                unflatten(flat, y, rank, at);
                at[axis] -= begins[k];
                const bool mine = at[axis] >= 0 && at[axis] < part[k];
                map.from[flat] = mine ? flatten(at, x, rank) : -1;
            }
            if (i == n_in) {
                check_both_ways(&b, in[k], &map, 1000, &rng);
                break;
            }
            bench_go(&b);
            for (int flat = 0; flat < map.n; flat++) {
                if (map.from[flat] >= 0) {
                    assert_int_equal(
                        ((int8_t *)b.buffer[out])[flat],
                        ((int8_t *)b.buffer[in[k]])[map.from[flat]]);
                }
            }
        }
        bench_end(&b);
    }
}

/* --- slices --------------------------------------------------------------- */

static void slice_takes(void **state) {
    (void)state;
    uint32_t rng = tp_rng_seed(4);
    static mapping map;
    for (int round = 0; round < 600; round++) {
        int32_t x[TP_MAX_RANK], y[TP_MAX_RANK], list[2 * TP_MAX_RANK];
        const int rank = up_to(&rng, 4);
        for (int i = 0; i < rank; i++) {
            x[i] = up_to(&rng, 7);
            const int32_t begin = up_to(&rng, x[i]) - 1;
            const int32_t step = up_to(&rng, 2) * (round & 1 ? -1 : 1);
            const int32_t room = step > 0 ? x[i] - 1 - begin : begin;
            y[i] = up_to(&rng, room / (step < 0 ? -step : step) + 1);
            list[i] = begin;
            list[rank + i] = step;
        }
        map.n = product(y, rank);
        for (int flat = 0; flat < map.n; flat++) {
            int32_t at[TP_MAX_RANK];
            unflatten(flat, y, rank, at);
            for (int i = 0; i < rank; i++) {
                at[i] = list[i] + at[i] * list[rank + i];
            }
            map.from[flat] = flatten(at, x, rank);
        }
        bench b;
        tp_op *op = begin(&b, TP_OP_STRIDED_SLICE, rank, x, rank, y, &rng);
        op->attr.n_list = 2 * rank;
        memcpy(op->attr.list, list, 2 * (size_t)rank * sizeof *list);
        check_both_ways(&b, 0, &map, 0, &rng);
        bench_end(&b);
    }
}

/* --- resizing ------------------------------------------------------------- */

/* What TensorFlow Lite Micro answers to fact_bytes() (Python package
 * tflite-micro 0.dev20261023, one-op models). */
static const struct {
    int32_t in_h, in_w, out_h, out_w;
    int32_t align_corners, half_pixel;
    uint64_t hash;
} facts[] = {
    {2, 2, 4, 4, 0, 0, UINT64_C(0x96fc2502f31ccb49)},
    {3, 5, 7, 4, 0, 0, UINT64_C(0x4f9dacd94a5a8326)},
    {3, 5, 7, 4, 1, 0, UINT64_C(0xb570558a12b3f57a)},
    {3, 5, 7, 4, 0, 1, UINT64_C(0xb570558a12b3f57a)},
    {3, 5, 7, 4, 1, 1, UINT64_C(0x01ffe08d90b562c6)},
    {10, 9, 3, 20, 1, 0, UINT64_C(0xca74726aa3270654)},
    {10, 9, 3, 20, 0, 1, UINT64_C(0x7d272fe9f607c0ea)},
    {1, 1, 6, 5, 1, 0, UINT64_C(0x81ad0f97a8b793c3)},
    {6, 5, 1, 1, 1, 0, UINT64_C(0xaf63bc4c8601b62c)},
    {13, 17, 31, 29, 0, 1, UINT64_C(0x31e368f8337f6e34)},
    {13, 17, 31, 29, 1, 0, UINT64_C(0xed19a890ff25d00f)},
    {47, 3, 19, 49, 0, 0, UINT64_C(0xea15a247c784cfaf)},
};

static tp_op *begin_resize(bench *b, const int32_t in[2], const int32_t out[2],
                           int32_t c, uint32_t *rng) {
    const int32_t x[4] = {1, in[0], in[1], c}, y[4] = {1, out[0], out[1], c};
    return begin(b, TP_OP_RESIZE_NEAREST_NEIGHBOR, 4, x, 4, y, rng);
}

static void resize_is_tflm(void **state) {
    (void)state;
    uint32_t rng = tp_rng_seed(6);
    for (size_t i = 0; i < sizeof facts / sizeof *facts; i++) {
        const int32_t in[2] = {facts[i].in_h, facts[i].in_w};
        const int32_t out[2] = {facts[i].out_h, facts[i].out_w};
        bench b;
        tp_op *op = begin_resize(&b, in, out, 1, &rng);
        op->attr.align_corners = facts[i].align_corners;
        op->attr.half_pixel = facts[i].half_pixel;
        fact_bytes(b.buffer[0], (uint32_t)(in[0] * in[1]));
        bench_go(&b);
        if (bytes_hash(b.buffer[1], (size_t)(out[0] * out[1])) !=
            facts[i].hash) {
            fail_msg("fact %d differs", (int)i);
        }
        bench_end(&b);
    }
}

/* The map of a resize: its own answer where every input byte is unique, for
 * one channel of at most 256 pixels. */
static void map_resize(bench *b, int32_t c, mapping *map) {
    const tp_resize *d = b->low.step[0].desc;
    map->n = d->out_h * d->out_w * c;
    for (int i = 0; i < map->n; i++) {
        const int pixel = i / c;
        map->from[i] =
            (d->row[pixel / d->out_w] * d->in_w + d->col[pixel % d->out_w]) *
                c +
            i % c;
    }
}

static void resize_sums_back(void **state) {
    (void)state;
    uint32_t rng = tp_rng_seed(7);
    static mapping map;
    for (int round = 0; round < 200; round++) {
        const int32_t in[2] = {up_to(&rng, 7), up_to(&rng, 7)};
        const int32_t out[2] = {up_to(&rng, 12), up_to(&rng, 12)};
        const int32_t c = up_to(&rng, 3);
        bench b;
        int dy;
        tp_op *op = begin_resize(&b, in, out, c, &rng);
        op->attr.align_corners = round & 1;
        op->attr.half_pixel = (round >> 1) & 1;
        bench_go(&b);
        map_resize(&b, c, &map);
        for (int i = 0; i < map.n; i++) {
            assert_int_equal(((int8_t *)b.buffer[1])[i],
                             ((int8_t *)b.buffer[0])[map.from[i]]);
        }
        const int dx = bench_grad(&b, 0, &dy);
        tp_q8 *grad = b.buffer[dy], *got = b.buffer[dx];
        int sum[MOST] = {0};
        uint32_t peak = 0;
        grad->e = -6;
        b.gscale.e = -5; /* halves: rounded up */
        random_bytes(grad->v, (size_t)map.n, &rng);
        for (int i = 0; i < map.n; i++) {
            sum[map.from[i]] += grad->v[i];
        }
        bench_go(&b);
        for (int i = 0; i < in[0] * in[1] * c; i++) {
            const int v = (sum[i] + 1) >> 1;
            const int cut = v > 127 ? 127 : (v < -127 ? -127 : v);
            peak |= (uint32_t)(v < 0 ? -1 - v : v);
            assert_int_equal(got->v[i], cut);
        }
        assert_int_equal(got->e, -5);
        assert_int_equal(b.gscale.peak, peak);
        bench_end(&b);
    }
}

/* Doubling repeats each pixel four times. */
static void doubling_repeats(void **state) {
    (void)state;
    uint32_t rng = tp_rng_seed(8);
    const int32_t in[2] = {3, 5}, out[2] = {6, 10};
    bench b;
    begin_resize(&b, in, out, 2, &rng);
    bench_go(&b);
    const int8_t *x = b.buffer[0], *y = b.buffer[1];
    for (int oy = 0; oy < 6; oy++) {
        for (int ox = 0; ox < 10; ox++) {
            for (int c = 0; c < 2; c++) {
                assert_int_equal(y[(oy * 10 + ox) * 2 + c],
                                 x[(oy / 2 * 5 + ox / 2) * 2 + c]);
            }
        }
    }
    bench_end(&b);
}

/* --- the rest ------------------------------------------------------------- */

static void reshape_is_nothing(void **state) {
    (void)state;
    uint32_t rng = tp_rng_seed(9);
    const int32_t x[3] = {2, 3, 4}, y[2] = {1, 24};
    bench b;
    int dy;
    begin(&b, TP_OP_RESHAPE, 3, x, 2, y, &rng);
    assert_int_equal(bench_verify(&b), TP_OK);
    assert_null(tp_opdef_of(TP_OP_RESHAPE)->lower);
    assert_null(tp_opdef_of(TP_OP_RESHAPE_BWD)->lower);
    const int dx = bench_grad(&b, 0, &dy);
    assert_int_equal(b.graph.op[1].kind, TP_OP_RESHAPE_BWD);
    assert_int_equal(b.graph.tensor[dx].rank, 3);
    assert_int_equal(bench_verify(&b), TP_OK);
    b.graph.tensor[dx].dim[2] = 5;
    assert_int_equal(bench_verify(&b), TP_ERR_MALFORMED);
    b.graph.n_ops = 1;
    b.graph.tensor[0].dim[2] = 5;
    assert_int_equal(bench_verify(&b), TP_ERR_MALFORMED);
    bench_end(&b);
}

/* Axes that run on are joined: what is one run of bytes is copied as one. */
static void runs_are_joined(void **state) {
    (void)state;
    uint32_t rng = tp_rng_seed(10);
    const int32_t x[4] = {1, 4, 5, 6}, y[4] = {1, 6, 5, 6};
    bench b;
    tp_op *op = begin(&b, TP_OP_PAD, 4, x, 4, y, &rng);
    op->attr.n_list = 8;
    op->attr.list[1] = op->attr.list[5] = 1;
    assert_int_equal(bench_verify(&b), TP_OK);
    bench_lower(&b);
    assert_int_equal(b.low.n_steps, 2);
    assert_int_equal(b.low.step[0].kernel, TP_K_fill_s8_fwd_ref);
    const tp_copy *copy = b.low.step[1].desc;
    assert_int_equal(copy->dim[4], 1);
    assert_int_equal(copy->dim[5], 120);
    assert_int_equal(copy->y_offset, 30);
    bench_end(&b);
}

static void what_does_not_fit_is_refused(void **state) {
    (void)state;
    uint32_t rng = tp_rng_seed(11);
    const int32_t dim[4] = {1, 2, 3, 4};
    bench b;
    tp_op *op = begin(&b, TP_OP_TRANSPOSE, 4, dim, 4, dim, &rng);
    tp_tensor *t = b.graph.tensor;
    op->attr.n_list = 4;
    assert_int_equal(bench_verify(&b), TP_ERR_MALFORMED); /* 0 0 0 0 */
    for (int i = 0; i < 4; i++) {
        op->attr.list[i] = i;
    }
    assert_int_equal(bench_verify(&b), TP_OK);
    t[1].dim[3] = 5;
    assert_int_equal(bench_verify(&b), TP_ERR_MALFORMED);
    t[1].dim[3] = 4;
    t[1].quant.zero_point = 0;
    assert_int_equal(bench_verify(&b), TP_ERR_UNSUPPORTED);
    t[1].quant.zero_point = -3;
    t[0].dtype = TP_S32;
    assert_int_equal(bench_verify(&b), TP_ERR_UNSUPPORTED);
    t[0].dtype = TP_S8;

    op->kind = TP_OP_PAD;
    op->attr = (tp_attr){.n_list = 8};
    assert_int_equal(bench_verify(&b), TP_OK);
    op->attr.value = 128;
    assert_int_equal(bench_verify(&b), TP_ERR_MALFORMED);
    op->attr.value = 0;
    op->attr.list[0] = -1;
    op->attr.list[4] = 1;
    assert_int_equal(bench_verify(&b), TP_ERR_MALFORMED);

    op->kind = TP_OP_CONCATENATION;
    op->attr = (tp_attr){.axis = 4};
    assert_int_equal(bench_verify(&b), TP_ERR_MALFORMED);
    op->attr.axis = 2;
    assert_int_equal(bench_verify(&b), TP_OK);
    t[1].dim[2] = 4;
    assert_int_equal(bench_verify(&b), TP_ERR_MALFORMED);
    t[1].dim[2] = 3;

    op->kind = TP_OP_STRIDED_SLICE;
    op->attr = (tp_attr){.n_list = 8, .list = {0, 1, 0, 0, 1, 1, 1, 1}};
    assert_int_equal(bench_verify(&b), TP_ERR_MALFORMED); /* beyond axis 1 */
    op->attr.list[1] = 1;
    op->attr.list[5] = -1;
    assert_int_equal(bench_verify(&b), TP_OK);
    op->attr.list[5] = -2;
    assert_int_equal(bench_verify(&b), TP_ERR_MALFORMED); /* before it */
    op->attr.list[5] = 0; /* one element twice */
    assert_int_equal(bench_verify(&b), TP_ERR_MALFORMED);
    op->attr.list[5] = 1;
    op->attr.list[1] = 0;
    t[1].rank = 3;
    assert_int_equal(bench_verify(&b), TP_ERR_MALFORMED);
    t[1].rank = 4;
    assert_int_equal(bench_verify(&b), TP_OK);

    op->kind = TP_OP_RESIZE_NEAREST_NEIGHBOR;
    assert_int_equal(bench_verify(&b), TP_OK);
    t[1].dim[3] = 5;
    assert_int_equal(bench_verify(&b), TP_ERR_MALFORMED);
    t[1].dim[3] = 4;
    t[1].dim[1] = t[1].dim[2] = 5000;
    assert_int_equal(bench_verify(&b), TP_ERR_UNSUPPORTED);
    t[1].dim[1] = 40000;
    assert_int_equal(bench_verify(&b), TP_ERR_UNSUPPORTED);
    bench_end(&b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(transpose_permutes),
        cmocka_unit_test(pad_surrounds),
        cmocka_unit_test(concat_joins),
        cmocka_unit_test(slice_takes),
        cmocka_unit_test(resize_is_tflm),
        cmocka_unit_test(resize_sums_back),
        cmocka_unit_test(doubling_repeats),
        cmocka_unit_test(reshape_is_nothing),
        cmocka_unit_test(runs_are_joined),
        cmocka_unit_test(what_does_not_fit_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
