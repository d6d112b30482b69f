/* Data movement and shape arithmetic that must be refused; as in
 * test_import_hostile_ops.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/imported.h"

typedef struct hostile {
    const char *name;
    void (*make)(tp_tb_model *m); /* gets tp_tb_small(); may start anew */
    tp_status status;
    const char *where, *what;
} hostile;

static const int8_t bytes[64] = {0};

/* A constant int8 tensor with one scale. */
static int const_s8(tp_tb_model *m, int rank, const int32_t *dim, float scale,
                    int zero_point) {
    const int at = tp_tb_value(m, "k", rank, dim, scale, zero_point);
    m->tensor[at].data = bytes;
    m->tensor[at].bytes = 1;
    for (int i = 0; i < rank; i++) {
        m->tensor[at].bytes *= (size_t)dim[i];
    }
    return at;
}

/* --- moving bytes
 * ------------------------------------------------------------------------ */

static void reshape_count(tp_tb_model *m) {
    m->tensor[TP_TB_R].shape[1] = 4;
}
static void reshape_shape(tp_tb_model *m) {
    static const int32_t shape[2] = {3, 1};
    m->tensor[TP_TB_SHAPE].data = shape;
}
static void reshape_two_open(tp_tb_model *m) {
    static const int32_t shape[2] = {-1, -1};
    m->tensor[TP_TB_SHAPE].data = shape;
}
static void reshape_overflow(tp_tb_model *m) {
    static const int32_t shape[2] = {INT32_MAX, INT32_MAX};
    m->tensor[TP_TB_SHAPE].data = shape;
}
static void reshape_computed(tp_tb_model *m) {
    m->op[TP_TB_RESHAPE].in[1] = TP_TB_X;
}
static void reshape_scale(tp_tb_model *m) {
    m->tensor[TP_TB_R].zero_point[0] = -127;
}
static void reshape_options_rank(tp_tb_model *m) {
    tp_tb_op *op = tp_tb_single(m, 22, 17, 1, DIMS(1), 1, DIMS(1));
    tp_tb_list(op, 0, DIMS(1, 1, 1, 1, 1, 1, 1), 7);
}
static void squeeze_axis(tp_tb_model *m) {
    tp_tb_op *op = tp_tb_single(m, 43, 30, 2, DIMS(1, 3), 1, DIMS(3));
    tp_tb_list(op, 0, DIMS(1), 1);
}
static void expand_axis(tp_tb_model *m) {
    static const int32_t axis = 3;
    tp_tb_op *op = tp_tb_single(m, 70, 52, 2, DIMS(1, 3), 3, DIMS(1, 3, 1));
    tp_tb_in(op, tp_words(m, &axis, 1));
}
static void pad(tp_tb_model *m, const int32_t *pads, int n) {
    tp_tb_op *op = tp_tb_single(m, 34, 22, 2, DIMS(1, 3), 2, DIMS(1, 4));
    tp_tb_in(op, tp_words(m, pads, n));
}
static void pad_negative(tp_tb_model *m) {
    static const int32_t pads[4] = {0, 0, 2, -1};
    pad(m, pads, 4);
}
static void pad_count(tp_tb_model *m) {
    static const int32_t pads[2] = {0, 1};
    pad(m, pads, 2);
}
static void pad_overflow(tp_tb_model *m) {
    static const int32_t pads[4] = {0, 0, INT32_MAX, INT32_MAX};
    pad(m, pads, 4);
}
static void pad_list_long(tp_tb_model *m) {
    static const int32_t pads[13] = {0};
    pad(m, pads, 13);
}
static void padv2(tp_tb_model *m, float scale, bool computed) {
    static const int32_t pads[4] = {0, 0, 0, 1};
    pad(m, pads, 4);
    m->op[0].code = 60;
    m->op[0].options = 43;
    tp_tb_in(&m->op[0], computed ? 0 : const_s8(m, 0, NULL, scale, 0));
}
static void padv2_scale(tp_tb_model *m) {
    padv2(m, 0.25f, false);
}
static void padv2_computed(tp_tb_model *m) {
    padv2(m, 0.5f, true);
}
static void transpose(tp_tb_model *m, const int32_t *perm, int n) {
    tp_tb_op *op = tp_tb_single(m, 39, 26, 2, DIMS(2, 3), 2, DIMS(3, 2));
    tp_tb_in(op, tp_words(m, perm, n));
}
static void permutation_twice(tp_tb_model *m) {
    static const int32_t perm[2] = {1, 1};
    transpose(m, perm, 2);
}
static void permutation_range(tp_tb_model *m) {
    static const int32_t perm[2] = {2, 0};
    transpose(m, perm, 2);
}
static void permutation_short(tp_tb_model *m) {
    static const int32_t perm[1] = {0};
    transpose(m, perm, 1);
}
static void concat(tp_tb_model *m, int axis, float scale) {
    tp_tb_op *op = tp_tb_single(m, 2, 10, 2, DIMS(1, 3), 2, DIMS(1, 5));
    tp_tb_in(op, const_s8(m, 2, DIMS(1, 2), scale, 0));
    tp_tb_i32(op, 0, axis);
}
static void concat_axis(tp_tb_model *m) {
    concat(m, -3, 0.5f);
}
static void concat_shapes(tp_tb_model *m) {
    concat(m, 0, 0.5f);
}
static void concat_scale(tp_tb_model *m) {
    concat(m, 1, 0.25f);
}
static void concat_activation(tp_tb_model *m) {
    concat(m, 1, 0.5f);
    tp_tb_i8(&m->op[0], 1, 1);
}
static void concat_constants(tp_tb_model *m) {
    concat(m, 1, 0.5f);
    m->op[0].in[0] = const_s8(m, 2, DIMS(1, 3), 0.5f, 0);
}
static void resize(tp_tb_model *m, int n, int32_t width) {
    static const int32_t size[2] = {4, 4};
    tp_tb_op *op =
        tp_tb_single(m, 97, 74, 4, DIMS(1, 2, width, 2), 4, DIMS(1, 4, 4, 2));
    tp_tb_in(op, tp_words(m, size, n));
}
static void resize_flags(tp_tb_model *m) {
    resize(m, 2, 2);
    tp_tb_i8(&m->op[0], 0, 1);
    tp_tb_i8(&m->op[0], 1, 1);
}
static void resize_size(tp_tb_model *m) {
    resize(m, 1, 2);
}
static void resize_wide(tp_tb_model *m) {
    resize(m, 2, 32768);
}
static void resize_batch(tp_tb_model *m) {
    resize(m, 2, 2);
    m->tensor[0].shape[0] = 2;
}

/* --- slices and shape arithmetic
 * ------------------------------------------------------------ */

static const int32_t minus_five[2] = {-5, 0}, zero[2] = {0, 0}, one[2] = {1, 1},
                     two[2] = {2, 2}, four[2] = {4, 0};

static void slice(tp_tb_model *m, const int32_t *begin, const int32_t *end,
                  const int32_t *stride) {
    tp_tb_op *op = tp_tb_single(m, 45, 32, 1, DIMS(4), 1, DIMS(2));
    tp_tb_in(op, tp_words(m, begin, 1));
    tp_tb_in(op, tp_words(m, end, 1));
    tp_tb_in(op, tp_words(m, stride, 1));
}
static void slice_stride_zero(tp_tb_model *m) {
    slice(m, zero, two, zero);
}
static void slice_empty(tp_tb_model *m) {
    slice(m, two, one, one);
}
static void slice_shape(tp_tb_model *m) {
    slice(m, zero, one, one);
}
static void slice_lengths(tp_tb_model *m) {
    slice(m, zero, two, one);
    m->op[0].in[2] = tp_words(m, two, 2);
}
static void slice_rank(tp_tb_model *m) {
    slice(m, zero, two, one);
    for (int k = 1; k <= 3; k++) {
        m->op[0].in[k] = tp_words(m, one, 2);
    }
}
static void slice_shrunk_outside(tp_tb_model *m) {
    slice(m, minus_five, two, one);
    tp_tb_i32(&m->op[0], 4, 1);
}
static void slice_begin_computed(tp_tb_model *m) {
    slice(m, zero, two, one);
    m->op[0].in[1] = 0;
}
static void slice_axes_too_many(tp_tb_model *m) {
    static const int32_t list[7] = {0};
    tp_tb_op *op = tp_tb_single(m, 45, 32, 1, DIMS(4), 1, DIMS(2));
    for (int k = 0; k < 3; k++) {
        tp_tb_in(op, tp_words(m, list, 7));
    }
    tp_tb_i32(op, 3, 127);
}
/* SHAPE of x as the shape of a RESHAPE, by way of op `code`. */
static tp_tb_op *arithmetic(tp_tb_model *m, int code, int options) {
    tp_tb_op *op = tp_tb_single(m, 77, 55, 2, DIMS(2, 3), 2, DIMS(2, 3));
    op->out[0] = tp_tb_tensor_add(m, "sh", TP_TB_I32, 1, DIMS(2));
    tp_tb_op *mid = tp_tb_op_add(m, code, options);
    tp_tb_in(mid, 2);
    tp_tb_out(mid, tp_tb_tensor_add(m, "mid", TP_TB_I32, 1, DIMS(2)));
    op = tp_tb_op_add(m, 22, 0);
    tp_tb_in(op, 0);
    tp_tb_in(op, 3);
    tp_tb_out(op, 1);
    return mid;
}
static void pack_of_vectors(tp_tb_model *m) {
    tp_tb_i32(arithmetic(m, 83, 59), 0, 1);
}
static void pack_axis(tp_tb_model *m) {
    tp_tb_i32(arithmetic(m, 83, 59), 1, 1);
}
static void pack_count(tp_tb_model *m) {
    tp_tb_i32(arithmetic(m, 83, 59), 0, 2);
}
static void pack_computed(tp_tb_model *m) {
    tp_tb_op *op = arithmetic(m, 83, 59);
    op->in[0] = tp_tb_value(m, "scalar", 0, NULL, 1.0f, 0);
    m->n_in = 1;
    m->in[0] = op->in[0];
    m->op[2].in[0] = const_s8(m, 2, DIMS(2, 3), 0.5f, 0);
    m->op[0].in[0] = m->op[2].in[0];
    tp_tb_i32(op, 0, 1);
}
static void arithmetic_slice(tp_tb_model *m) {
    tp_tb_op *op = arithmetic(m, 45, 32);
    m->tensor[2].rank = 0;
    tp_tb_in(op, tp_words(m, zero, 1));
    tp_tb_in(op, tp_words(m, two, 1));
    tp_tb_in(op, tp_words(m, one, 1));
}
static void arithmetic_slice_rank(tp_tb_model *m) {
    tp_tb_op *op = arithmetic(m, 45, 32);
    m->op[0] = *op;
    m->op[0].in[0] = tp_words(m, zero, 2);
    m->tensor[m->n_tensors - 1].rank = 2;
    m->tensor[m->n_tensors - 1].shape[1] = 1;
    for (int k = 0; k < 3; k++) {
        tp_tb_in(&m->op[0], tp_words(m, four, 1));
    }
    m->op[1] = m->op[2];
    m->n_ops = 2;
}
static void shape_int64(tp_tb_model *m) {
    (void)arithmetic(m, 83, 59);
    m->tensor[2].type = TP_TB_I64;
}
static void shape_scalar(tp_tb_model *m) {
    (void)arithmetic(m, 83, 59);
    m->op[0].in[0] = tp_tb_const(m, "s", TP_TB_I32, 0, zero, 4);
    m->tensor[m->n_tensors - 1].rank = 0;
}

#define BAD TP_ERR_MALFORMED
#define NOT TP_ERR_UNSUPPORTED

static const hostile cases[] = {
    {"reshape_count", reshape_count, BAD, "op 2 RESHAPE: ",
     "from shape [1,1,1,3] to [1,4]: the number of elements changes"},
    {"reshape_shape", reshape_shape, BAD,
     "op 2 RESHAPE: ", "makes shape [3,1]; the file says [1,3]"},
    {"reshape_two_open", reshape_two_open, BAD,
     "op 2 RESHAPE: ", "its new shape [-1,-1] is none"},
    {"reshape_overflow", reshape_overflow, BAD,
     "op 2 RESHAPE: ", "makes shape [2147483647,2147483647]"},
    {"reshape_computed", reshape_computed, NOT,
     "op 2 RESHAPE: ", "input 1 (new shape) is computed at run time"},
    {"reshape_scale", reshape_scale, NOT,
     "op 2 RESHAPE: ", "they must be the same here"},
    {"reshape_options_rank", reshape_options_rank, NOT,
     "op 0 RESHAPE: ", "its new shape has rank 7"},
    {"squeeze_axis", squeeze_axis, BAD,
     "op 0 SQUEEZE: ", "axis 1 of shape [1,3]"},
    {"expand_axis", expand_axis, BAD,
     "op 0 EXPAND_DIMS: ", "a new axis 3 for shape [1,3]"},
    {"pad_negative", pad_negative, BAD,
     "op 0 PAD: ", "paddings 2 and -1 of axis 1"},
    {"pad_count", pad_count, BAD,
     "op 0 PAD: ", "2 paddings for a tensor of rank 2"},
    {"pad_overflow", pad_overflow, BAD,
     "op 0 PAD: ", "paddings 2147483647 and 2147483647 of axis 1"},
    {"pad_list_long", pad_list_long, BAD,
     "op 0 PAD: ", "input 1 (paddings) has shape [13]; at most 12"},
    {"padv2_scale", padv2_scale, NOT,
     "op 0 PADV2: ", "they must be the same here"},
    {"padv2_computed", padv2_computed, NOT,
     "op 0 PADV2: ", "its fill 'x' is no constant scalar"},
    {"permutation_twice", permutation_twice, BAD,
     "op 0 TRANSPOSE: ", "[1,1] is no permutation of 2 axes"},
    {"permutation_range", permutation_range, BAD,
     "op 0 TRANSPOSE: ", "[2,0] is no permutation of 2 axes"},
    {"permutation_short", permutation_short, BAD,
     "op 0 TRANSPOSE: ", "[0] is no permutation of 2 axes"},
    {"concat_axis", concat_axis, BAD,
     "op 0 CONCATENATION: ", "axis -3 of a tensor of rank 2"},
    {"concat_shapes", concat_shapes, BAD,
     "op 0 CONCATENATION: ", "input 1 has shape [1,2], input 0 [1,3]"},
    {"concat_scale", concat_scale, NOT, "op 0 CONCATENATION: ",
     "'k' has scale 0.25 and zero point 0, 'y' 0.5 and 0"},
    {"concat_activation", concat_activation, NOT,
     "op 0 CONCATENATION: ", "fused activation 1; NONE works"},
    {"concat_constants", concat_constants, NOT,
     "op 0 CONCATENATION: ", "all inputs are constants"},
    {"resize_flags", resize_flags, BAD,
     "op 0 RESIZE_NEAREST_NEIGHBOR: ", "exclude each other"},
    {"resize_size", resize_size, BAD,
     "op 0 RESIZE_NEAREST_NEIGHBOR: ", "its size has 1 element"},
    {"resize_wide", resize_wide, NOT,
     "op 0 RESIZE_NEAREST_NEIGHBOR: ", "a map of 2 x 32768"},
    {"resize_batch", resize_batch, NOT,
     "op 0 RESIZE_NEAREST_NEIGHBOR: ", "'x' has batch 2"},

    {"slice_stride_zero", slice_stride_zero, BAD,
     "op 0 STRIDED_SLICE: ", "stride 0 on axis 0"},
    {"slice_empty", slice_empty, BAD,
     "op 0 STRIDED_SLICE: ", "takes nothing of axis 0"},
    {"slice_shape", slice_shape, BAD,
     "op 0 STRIDED_SLICE: ", "makes shape [1]; the file says [2]"},
    {"slice_lengths", slice_lengths, BAD,
     "op 0 STRIDED_SLICE: ", "1 begins, 2 ends and 1 strides"},
    {"slice_rank", slice_rank, BAD,
     "op 0 STRIDED_SLICE: ", "do not fit a tensor of rank 1"},
    {"slice_shrunk_outside", slice_shrunk_outside, BAD,
     "op 0 STRIDED_SLICE: ", "index -5 on axis 0 of size 4"},
    {"slice_begin_computed", slice_begin_computed, NOT,
     "op 0 STRIDED_SLICE: ", "input 1 (begin) is computed at run time"},
    {"slice_axes_too_many", slice_axes_too_many, NOT,
     "op 0 STRIDED_SLICE: ", "makes a tensor of rank above 6"},
    {"pack_of_vectors", pack_of_vectors, NOT,
     "op 1 PACK: ", "input 0 is no scalar"},
    {"pack_axis", pack_axis, NOT, "op 1 PACK: ", "1 tensors along axis 1"},
    {"pack_count", pack_count, BAD,
     "op 1 PACK: ", "has 1 inputs, its options say 2"},
    {"pack_computed", pack_computed, NOT,
     "op 1 PACK: ", "input 0 (element) is computed at run time"},
    {"arithmetic_slice", arithmetic_slice, BAD,
     "op 0 SHAPE: ", "makes shape [2]; the file says []"},
    {"arithmetic_slice_rank", arithmetic_slice_rank, NOT,
     "op 0 STRIDED_SLICE: ", "slices an INT32 tensor of rank 2"},
    {"shape_int64", shape_int64, NOT, "op 0 SHAPE: ", "makes INT64"},
    {"shape_scalar", shape_scalar, NOT, "op 0 SHAPE: ", "of a scalar is empty"},
};

enum { N_CASES = sizeof cases / sizeof cases[0] };

static void refused(void **state) {
    const hostile *c = *state;
    tp_tb_model m;
    tp_tb_small(&m);
    c->make(&m);
    (void)tp_refuse(&m, c->status, c->where, c->what);
}

int main(void) {
    struct CMUnitTest tests[N_CASES];
    hostile states[N_CASES];
    memcpy(states, cases, sizeof cases);
    for (int i = 0; i < N_CASES; i++) {
        tests[i] =
            (struct CMUnitTest){cases[i].name, refused, NULL, NULL, &states[i]};
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
