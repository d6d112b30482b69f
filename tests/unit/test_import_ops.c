/* Import of one operator at a time: attributes, masks, axes, constants. The
 * expected values are worked out by hand from TensorFlow's documentation. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/imported.h"

/* --- elementwise -------------------------------------------------------------
 */

static void eltwise(int code, int options, const char *name, tp_kind kind) {
    static const int8_t k[3] = {1, -2, 3};
    tp_tb_model m;
    imported i;
    tp_tb_op *op =
        tp_tb_single(&m, code, options, 3, DIMS(1, 2, 3), 3, DIMS(1, 2, 3));
    const int at = tp_tb_value(&m, "k", 1, DIMS(3), 0.25f, -1);
    m.tensor[at].data = k;
    m.tensor[at].bytes = sizeof k;
    tp_tb_in(op, at);
    tp_tb_i8(op, 0, 3); /* RELU6 */
    tp_accept(&i, &m);
    const tp_op *made = tp_op_at(&i, 0, name);
    assert_int_equal(made->kind, kind);
    assert_int_equal(made->n_in, 2);
    assert_int_equal(tp_in_of(&i, made, 1)->role, TP_CONST);
    assert_int_equal(((const int8_t *)tp_in_of(&i, made, 1)->data)[1], -2);
    assert_int_equal(made->attr.act_min, 0);
    assert_int_equal(made->attr.act_max, 12);
    tp_imported_free(&i);
}

static void test_add(void **state) {
    (void)state;
    eltwise(0, 11, "add0", TP_OP_ADD);
}

static void test_sub(void **state) {
    (void)state;
    eltwise(41, 28, "sub0", TP_OP_SUB);
}

static void test_mul(void **state) {
    (void)state;
    eltwise(18, 21, "mul0", TP_OP_MUL);
}

/* --- pools and means
 * ---------------------------------------------------------- */

static void test_pool_padding(void **state) {
    tp_tb_model m;
    imported i;
    (void)state;
    tp_tb_op *op =
        tp_tb_single(&m, 1, 5, 4, DIMS(1, 5, 4, 2), 4, DIMS(1, 3, 2, 2));
    tp_tb_i32(op, 1, 2); /* stride_w, stride_h */
    tp_tb_i32(op, 2, 2);
    tp_tb_i32(op, 3, 3); /* filter_width, filter_height */
    tp_tb_i32(op, 4, 2);
    tp_accept(&i, &m);
    const tp_attr *a = &tp_op_at(&i, 0, "avgpool0")->attr;
    assert_int_equal(a->k_h, 2);
    assert_int_equal(a->k_w, 3);
    assert_int_equal(a->pad_t, 0); /* (3-1)*2 + 2 - 5 = 1 */
    assert_int_equal(a->pad_b, 1);
    assert_int_equal(a->pad_l, 0); /* (2-1)*2 + 3 - 4 = 1 */
    assert_int_equal(a->pad_r, 1);
    tp_imported_free(&i);
}

static void test_chained_means(void **state) {
    static const int32_t first[3] = {-2, 1, 2}, second[1] = {1};
    tp_tb_model m;
    imported i;
    (void)state;
    tp_tb_op *op = tp_tb_single(&m, 40, 27, 4, DIMS(1, 4, 5, 3), 2, DIMS(1, 3));
    const int mid = tp_tb_value(&m, "mid", 4, DIMS(1, 1, 1, 3), 0.25f, 7);
    tp_tb_in(op, tp_words(&m, first, 3)); /* axis 2 twice */
    op->out[0] = mid;
    tp_tb_i8(op, 0, 1); /* keep_dims */
    op = tp_tb_op_add(&m, 40, 27);
    tp_tb_in(op, mid);
    tp_tb_in(op, tp_words(&m, second, 1));
    tp_tb_out(op, 1);
    m.tensor[1].rank = 3;
    memcpy(m.tensor[1].shape, DIMS(1, 1, 3), 12);
    tp_accept(&i, &m);
    tp_has_list(tp_op_at(&i, 0, "mean0"), 2, DIMS(1, 2));
    tp_has_list(tp_op_at(&i, 1, "mean1"), 1, DIMS(1));
    tp_has_dims(&i.graph.tensor[i.graph.output], 3, DIMS(1, 1, 3));
    tp_imported_free(&i);
}

/* [3, 4, 5], its axis 1 reduced: a window over the 4 columns of a map
 * [1, 3, 4, 5], between the file's shapes. */
static void test_reduce_max(void **state) {
    static const int32_t axis[1] = {-2};
    tp_tb_model m;
    imported i;
    (void)state;
    tp_tb_op *op = tp_tb_single(&m, 82, 27, 3, DIMS(3, 4, 5), 2, DIMS(3, 5));
    tp_tb_in(op, tp_words(&m, axis, 1));
    tp_accept(&i, &m);
    assert_int_equal(i.graph.n_ops, 3);
    const tp_op *map = tp_op_at(&i, 0, "maxpool0_map");
    const tp_op *pool = tp_op_at(&i, 1, "maxpool0");
    assert_int_equal(map->kind, TP_OP_RESHAPE);
    tp_has_dims(&i.graph.tensor[map->out], 4, DIMS(1, 3, 4, 5));
    tp_has_dims(&i.graph.tensor[pool->out], 4, DIMS(1, 3, 1, 5));
    assert_int_equal(pool->attr.k_h, 1);
    assert_int_equal(pool->attr.k_w, 4);
    assert_int_equal(pool->attr.stride_w, 4);
    assert_int_equal(tp_op_at(&i, 2, "reshape0")->kind, TP_OP_RESHAPE);
    tp_has_dims(&i.graph.tensor[i.graph.output], 2, DIMS(3, 5));
    tp_imported_free(&i);
}

/* A signal [1, 1, 6, 2] that keeps its axes is such a map already. */
static void test_reduce_max_of_a_map(void **state) {
    static const int32_t axes[2] = {1, 2};
    tp_tb_model m;
    imported i;
    (void)state;
    tp_tb_op *op =
        tp_tb_single(&m, 82, 27, 4, DIMS(1, 1, 6, 2), 4, DIMS(1, 1, 1, 2));
    tp_tb_in(op, tp_words(&m, axes, 2));
    tp_tb_i8(op, 0, 1); /* keep_dims */
    tp_accept(&i, &m);
    assert_int_equal(i.graph.n_ops, 1);
    assert_int_equal(tp_op_at(&i, 0, "maxpool0")->attr.k_w, 6);
    tp_imported_free(&i);
}

/* --- functions of one value
 * ---------------------------------------------------- */

static void lut(int code, int options, const char *name, float scale, int zp) {
    tp_tb_model m;
    imported i;
    tp_tb_op *op =
        tp_tb_single(&m, code, options, 2, DIMS(1, 4), 2, DIMS(1, 4));
    m.tensor[1].scale[0] = scale;
    m.tensor[1].zero_point[0] = zp;
    if (code == 98) {
        tp_tb_f32(op, 0, 0.3f);
    }
    tp_accept(&i, &m);
    const tp_op *made = tp_op_at(&i, 0, name);
    assert_float_equal(made->attr.alpha, code == 98 ? 0.3f : 0.0f, 0);
    assert_int_equal(made->attr.act_max, 0); /* no fused activation */
    tp_imported_free(&i);
}

static void test_functions(void **state) {
    (void)state;
    lut(19, 0, "relu0", 0.25f, -128);
    lut(21, 0, "relu6_0", 6.0f / 255, -128);
    lut(98, 75, "leaky_relu0", 0.5f, 3);
    lut(14, 0, "logistic0", 1.0f / 256, -128);
    lut(28, 0, "tanh0", 1.0f / 128, 0);
    lut(117, 0, "hard_swish0", 0.25f, -120);
    lut(117, 91, "hard_swish0", 0.25f, -120);
}

/* --- PAD, TRANSPOSE, CONCATENATION, RESIZE
 * --------------------------------------- */

static void test_pad(void **state) {
    static const int32_t pads[8] = {0, 0, 1, 2, 0, 3, 0, 0};
    static const int8_t fill = -7;
    (void)state;
    for (int v2 = 0; v2 < 2; v2++) {
        tp_tb_model m;
        imported i;
        tp_tb_op *op = tp_tb_single(&m, v2 ? 60 : 34, v2 ? 43 : 22, 4,
                                    DIMS(1, 4, 4, 2), 4, DIMS(1, 7, 7, 2));
        m.tensor[0].zero_point[0] = m.tensor[1].zero_point[0] = 9;
        const int at = tp_words(&m, pads, 8);
        m.tensor[at].rank = 2;
        memcpy(m.tensor[at].shape, DIMS(4, 2), 8);
        tp_tb_in(op, at);
        if (v2) {
            const int value = tp_tb_value(&m, "fill", 0, NULL, 0.5f, 9);
            m.tensor[value].data = &fill;
            m.tensor[value].bytes = 1;
            tp_tb_in(op, value);
        }
        tp_accept(&i, &m);
        const tp_op *pad = tp_op_at(&i, 0, "pad0");
        tp_has_list(pad, 8, DIMS(0, 1, 0, 0, 0, 2, 3, 0));
        assert_int_equal(pad->attr.value, v2 ? -7 : 9);
        assert_int_equal(pad->n_in, 1);
        tp_imported_free(&i);
    }
}

static void test_transpose(void **state) {
    static const int32_t moves[4] = {0, -1, 1, 2}, stays[4] = {0, 3, 1, 2};
    tp_tb_model m;
    imported i;
    (void)state;
    tp_tb_op *op =
        tp_tb_single(&m, 39, 26, 4, DIMS(1, 4, 5, 3), 4, DIMS(1, 3, 4, 5));
    tp_tb_in(op, tp_words(&m, moves, 4));
    tp_accept(&i, &m);
    tp_has_list(tp_op_at(&i, 0, "transpose0"), 4, DIMS(0, 3, 1, 2));
    tp_imported_free(&i);
    op = tp_tb_single(&m, 39, 0, 4, DIMS(1, 4, 5, 1), 4, DIMS(1, 1, 4, 5));
    tp_tb_in(op, tp_words(&m, stays, 4)); /* only the axis of 1 moves */
    tp_accept(&i, &m);
    assert_int_equal(tp_op_at(&i, 0, "reshape0")->attr.n_list, 0);
    tp_imported_free(&i);
}

static void test_concatenation(void **state) {
    static const int8_t k[4] = {1, 2, 3, 4};
    tp_tb_model m;
    imported i;
    (void)state;
    tp_tb_op *op = tp_tb_single(&m, 2, 10, 3, DIMS(1, 2, 3), 3, DIMS(1, 2, 8));
    const int at = tp_tb_value(&m, "k", 3, DIMS(1, 2, 2), 0.5f, 0);
    m.tensor[at].data = k;
    m.tensor[at].bytes = sizeof k;
    tp_tb_in(op, at);
    tp_tb_in(op, 0);
    tp_tb_i32(op, 0, -1);
    tp_accept(&i, &m);
    const tp_op *made = tp_op_at(&i, 0, "concat0");
    assert_int_equal(made->n_in, 3);
    assert_int_equal(made->attr.axis, 2);
    assert_int_equal(made->in[0], made->in[2]);
    tp_imported_free(&i);
}

static void test_resize(void **state) {
    static const int32_t size[2] = {8, 2};
    tp_tb_model m;
    imported i;
    (void)state;
    tp_tb_op *op =
        tp_tb_single(&m, 97, 74, 4, DIMS(1, 4, 4, 2), 4, DIMS(1, 8, 2, 2));
    tp_tb_in(op, tp_words(&m, size, 2));
    tp_tb_i8(op, 1, 1);
    tp_accept(&i, &m);
    const tp_op *made = tp_op_at(&i, 0, "resize0");
    assert_int_equal(made->attr.half_pixel, 1);
    assert_int_equal(made->attr.align_corners, 0);
    tp_imported_free(&i);
}

/* --- STRIDED_SLICE
 * ------------------------------------------------------------------ */

typedef struct slice_case {
    int rank_y;
    int32_t y[4];
    int n;
    int32_t begin[4], end[4], stride[4];
    int32_t begin_mask, end_mask, ellipsis, new_axis, shrink, relative;
    int32_t list[6]; /* begin, stride on x's three axes */
    bool reshaped;
} slice_case;

/* x has shape [4,5,6]; the Python form stands beside each. */
static const slice_case slices[] = {
    /* x[1:3, ::2, :] */
    {3,
     {2, 3, 6},
     3,
     {1, 0, 0},
     {3, 0, 6},
     {1, 2, 1},
     2,
     2,
     0,
     0,
     0,
     0,
     {1, 0, 0, 1, 2, 1},
     false},
    /* x[-2:, :, 4:1:-1] */
    {3,
     {2, 5, 3},
     3,
     {-2, 0, 4},
     {9, 9, 1},
     {1, 1, -1},
     0,
     0,
     0,
     0,
     0,
     0,
     {2, 0, 4, 1, 1, -1},
     false},
    /* x[:, :, ::-1], the end by its mask */
    {3,
     {4, 5, 6},
     3,
     {0, 0, 0},
     {0, 0, 0},
     {1, 1, -1},
     7,
     7,
     0,
     0,
     0,
     0,
     {0, 0, 5, 1, 1, -1},
     false},
    /* x[2]: fewer entries than axes, one shrunk */
    {2, {5, 6}, 1, {2}, {3}, {1}, 0, 0, 0, 0, 1, 0, {2, 0, 0, 1, 1, 1}, true},
    /* x[..., -1] */
    {2,
     {4, 5},
     2,
     {0, -1},
     {0, 0},
     {1, 1},
     0,
     0,
     1,
     0,
     2,
     0,
     {0, 0, 5, 1, 1, 1},
     true},
    /* x[1:2, newaxis, ..., 0:3] */
    {4,
     {1, 1, 5, 3},
     4,
     {1, 0, 0, 0},
     {2, 0, 0, 3},
     {1, 1, 1, 1},
     0,
     0,
     4,
     2,
     0,
     0,
     {1, 0, 0, 1, 1, 1},
     true},
    /* begin -3, two from there on */
    {3,
     {2, 5, 6},
     1,
     {-3},
     {2},
     {1},
     0,
     0,
     0,
     0,
     0,
     1,
     {1, 0, 0, 1, 1, 1},
     false},
};

static void test_slices(void **state) {
    (void)state;
    for (size_t k = 0; k < sizeof slices / sizeof slices[0]; k++) {
        const slice_case *c = &slices[k];
        tp_tb_model m;
        imported i;
        tp_tb_op *op =
            tp_tb_single(&m, 45, 32, 3, DIMS(4, 5, 6), c->rank_y, c->y);
        tp_tb_in(op, tp_words(&m, c->begin, c->n));
        tp_tb_in(op, tp_words(&m, c->end, c->n));
        tp_tb_in(op, tp_words(&m, c->stride, c->n));
        tp_tb_i32(op, 0, c->begin_mask);
        tp_tb_i32(op, 1, c->end_mask);
        tp_tb_i32(op, 2, c->ellipsis);
        tp_tb_i32(op, 3, c->new_axis);
        tp_tb_i32(op, 4, c->shrink);
        tp_tb_i8(op, 5, c->relative);
        tp_accept(&i, &m);
        tp_has_list(tp_op_at(&i, 0, "slice0"), 6, c->list);
        assert_int_equal(i.graph.n_ops, c->reshaped ? 2 : 1);
        assert_int_equal(tp_out_of(&i, &i.graph.op[0])->rank, 3);
        tp_has_dims(&i.graph.tensor[i.graph.output], c->rank_y, c->y);
        if (c->reshaped) {
            assert_int_equal(tp_op_at(&i, 1, "reshape0")->source, 0);
        }
        tp_imported_free(&i);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_add),
        cmocka_unit_test(test_sub),
        cmocka_unit_test(test_mul),
        cmocka_unit_test(test_pool_padding),
        cmocka_unit_test(test_chained_means),
        cmocka_unit_test(test_reduce_max),
        cmocka_unit_test(test_reduce_max_of_a_map),
        cmocka_unit_test(test_functions),
        cmocka_unit_test(test_pad),
        cmocka_unit_test(test_transpose),
        cmocka_unit_test(test_concatenation),
        cmocka_unit_test(test_resize),
        cmocka_unit_test(test_slices),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
