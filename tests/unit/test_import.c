/* Import of sound models: the MLPerf Tiny files, and every kind of
 * graph that a file may hold. One op at a time: test_import_ops.c; hostile
 * files: test_import_hostile.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/data.h"
#include "tests/unit/imported.h"

/* --- real models
 * ---------------------------------------------------------------- */

static void import_file(imported *i, const char *name) {
    size_t n = 0;
    uint8_t *bytes = test_data(name, &n);
    if (bytes == NULL) {
        skip();
    }
    tp_accept_bytes(i, bytes, n);
    free(bytes);
}

static void test_kws(void **state) {
    static const char *const names[] = {
        "conv0",     "dwconv1", "conv2",    "dwconv3", "conv4",
        "dwconv5",   "conv6",   "dwconv7",  "conv8",   "avgpool9",
        "reshape10", "fc11",    "softmax12"};
    imported i;
    (void)state;
    import_file(&i, "models/kws_ref_model.tflite");
    assert_int_equal(i.graph.n_ops, 13);
    for (int k = 0; k < 13; k++) {
        assert_int_equal(tp_op_at(&i, k, names[k])->source, k);
    }
    const tp_op *conv = tp_op_at(&i, 0, "conv0");
    tp_has_dims(tp_in_of(&i, conv, 0), 4, DIMS(1, 49, 10, 1));
    tp_has_dims(tp_in_of(&i, conv, 1), 4, DIMS(64, 10, 4, 1));
    tp_has_dims(tp_in_of(&i, conv, 2), 1, DIMS(64));
    tp_has_dims(tp_out_of(&i, conv), 4, DIMS(1, 25, 5, 64));
    assert_int_equal(conv->in[0], i.graph.input);
    assert_float_equal(tp_scale_of(tp_in_of(&i, conv, 0), 0), 0.5847029f, 0);
    assert_int_equal(tp_in_of(&i, conv, 0)->quant.zero_point, 83);
    assert_int_equal(tp_in_of(&i, conv, 1)->quant.n, 64);
    assert_int_equal(conv->attr.stride_h, 2);
    assert_int_equal(conv->attr.pad_t, 4);
    assert_int_equal(conv->attr.pad_b, 5);
    assert_int_equal(conv->attr.pad_l, 1);
    assert_int_equal(conv->attr.act_min, -128);
    assert_int_equal(tp_in_of(&i, tp_op_at(&i, 1, "dwconv1"), 1)->quant.axis,
                     3);
    assert_int_equal(tp_op_at(&i, 9, "avgpool9")->attr.k_h, 25);
    const tp_tensor *y = &i.graph.tensor[i.graph.output];
    tp_has_dims(y, 2, DIMS(1, 12));
    assert_float_equal(tp_scale_of(y, 0), 1.0f / 256, 0);
    assert_int_equal(y->quant.zero_point, -128);
    assert_string_equal(y->name, "Identity");
    assert_int_equal(i.graph.io_in, TP_S8);
    assert_int_equal(i.graph.io_out, TP_S8);
    tp_imported_free(&i);
}

static void real(const char *name, int n_ops, int64_t in, int64_t out) {
    imported i;
    import_file(&i, name);
    assert_int_equal(i.graph.n_ops, n_ops);
    assert_int_equal(tp_tensor_count(&i.graph.tensor[i.graph.input]), in);
    assert_int_equal(tp_tensor_count(&i.graph.tensor[i.graph.output]), out);
    tp_imported_free(&i);
}

static void test_ad(void **state) {
    (void)state;
    real("models/ad01_int8.tflite", 10, 640, 640);
}

static void test_resnet(void **state) {
    (void)state;
    real("models/pretrainedResnet_quant.tflite", 16, 3072, 10);
}

static void test_vww(void **state) {
    (void)state;
    real("models/vww_96_int8.tflite", 31, 27648, 2);
}

static void test_str_ww(void **state) {
    (void)state;
    real("models/str_ww_ref_model.tflite", 11, 1200, 3);
}

/* Hybrid weights, float activations: one message for the whole model. */
static void test_float32_model(void **state) {
    (void)state;
    size_t n = 0;
    uint8_t *bytes = test_data("models/kws_ref_model_float32.tflite", &n);
    if (bytes == NULL) {
        skip();
    }
    imported i = {.diag = {.arena = &i.arena}};
    assert_int_equal(tp_import(&i.arena, bytes, n, "x", &i.graph, &i.diag),
                     TP_ERR_UNSUPPORTED);
    assert_int_equal(i.diag.count, 1);
    assert_non_null(strstr(i.diag.message[0].text, "op 0 CONV_2D: "));
    assert_non_null(strstr(i.diag.message[0].text, "representative dataset"));
    free(bytes);
    tp_imported_free(&i);
}

/* --- weights and biases
 * ---------------------------------------------------------- */

static void test_small(void **state) {
    tp_tb_model m;
    imported i;
    (void)state;
    tp_tb_small(&m);
    tp_accept(&i, &m);
    assert_int_equal(i.graph.n_ops, 5);
    const tp_op *conv = tp_op_at(&i, 0, "conv0");
    const tp_tensor *b = tp_in_of(&i, conv, 2);
    assert_int_equal(((const int32_t *)b->data)[1], -200);
    assert_int_equal(b->quant.n, 3);
    for (int c = 0; c < 3; c++) {
        assert_float_equal(tp_scale_of(b, c), 0.0625f * (float)(c + 1), 0);
    }
    assert_int_equal(((const int8_t *)tp_in_of(&i, conv, 1)->data)[3], -4);
    assert_int_equal(conv->attr.act_min, -128); /* RELU at zero point -128 */
    assert_int_equal(conv->attr.dilation_h, 1);
    assert_float_equal(tp_op_at(&i, 4, "softmax4")->attr.alpha, 1.0f, 0);
    tp_imported_free(&i);
}

static void test_operator_code_fields(void **state) {
    tp_tb_model m;
    imported i;
    (void)state;
    tp_tb_small(&m);
    m.unused_codes = 3; /* custom operations that nobody calls */
    m.op[TP_TB_CONV].old_code = true;
    m.op[TP_TB_SOFTMAX].new_code = true;
    tp_accept(&i, &m);
    assert_int_equal(i.graph.op[0].kind, TP_OP_CONV_2D);
    assert_int_equal(i.graph.op[4].kind, TP_OP_SOFTMAX);
    tp_imported_free(&i);
}

static void test_missing_bias(void **state) {
    (void)state;
    for (int left_out = 0; left_out < 2; left_out++) {
        tp_tb_model m;
        imported i;
        tp_tb_small(&m);
        m.op[TP_TB_CONV].n_in = left_out ? 2 : 3;
        m.op[TP_TB_CONV].in[2] = -1;
        m.op[TP_TB_FC].n_in = left_out ? 2 : 3;
        m.op[TP_TB_FC].in[2] = -1;
        tp_accept(&i, &m);
        const tp_tensor *b = tp_in_of(&i, tp_op_at(&i, 0, "conv0"), 2);
        assert_string_equal(b->name, "conv0_bias");
        assert_int_equal(b->role, TP_CONST);
        assert_int_equal(((const int32_t *)b->data)[2], 0);
        assert_float_equal(tp_scale_of(b, 1), 0.125f, 0);
        b = tp_in_of(&i, tp_op_at(&i, 3, "fc3"), 2);
        tp_has_dims(b, 1, DIMS(4));
        assert_int_equal(b->quant.n, 1);
        tp_imported_free(&i);
    }
}

/* Weights of a DEPTHWISE_CONV_2D model: kernel, stride, dilation. */
static void depthwise(tp_tb_model *m, int multiplier, int dilation) {
    static const int8_t w[3 * 3 * 4] = {1, 2, 3};
    tp_tb_op *op = tp_tb_single(m, 4, 2, 4, DIMS(1, 7, 6, 2), 4,
                                DIMS(1, 4, 3, 2 * multiplier));
    const int at =
        tp_tb_value(m, "w", 4, DIMS(1, 3, 3, 2 * multiplier), 0.25f, 0);
    m->tensor[at].data = w;
    m->tensor[at].bytes = 18 * (size_t)multiplier;
    tp_tb_in(op, at);
    tp_tb_i32(op, 1, 2);
    tp_tb_i32(op, 2, 2);
    tp_tb_i32(op, 3, multiplier);
    tp_tb_i8(op, 4, 3); /* RELU6 */
    tp_tb_i32(op, 5, dilation);
    tp_tb_i32(op, 6, dilation);
}

static void test_depthwise_multiplier(void **state) {
    tp_tb_model m;
    imported i;
    (void)state;
    depthwise(&m, 2, 1);
    tp_accept(&i, &m);
    const tp_op *op = tp_op_at(&i, 0, "dwconv0");
    assert_int_equal(op->attr.pad_t, 1); /* rows: (4-1)*2 + 3 - 7 = 2 */
    assert_int_equal(op->attr.pad_b, 1);
    assert_int_equal(op->attr.pad_l, 0); /* columns: (3-1)*2 + 3 - 6 = 1 */
    assert_int_equal(op->attr.pad_r, 1);
    assert_int_equal(op->attr.act_min, 0);
    assert_int_equal(op->attr.act_max, 12);
    tp_imported_free(&i);
}

static void test_dilation(void **state) {
    tp_tb_model m;
    imported i;
    (void)state;
    depthwise(&m, 1, 3);
    tp_accept(&i, &m);
    const tp_op *op = tp_op_at(&i, 0, "dwconv0");
    assert_int_equal(op->attr.dilation_w, 3); /* extent 7 */
    assert_int_equal(op->attr.pad_t + op->attr.pad_b, 6);
    assert_int_equal(op->attr.pad_l, 2); /* (3-1)*2 + 7 - 6 = 5 */
    assert_int_equal(op->attr.pad_r, 3);
    tp_imported_free(&i);
}

static void test_fully_connected_forms(void **state) {
    static const int8_t w[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    (void)state;
    for (int keep = 0; keep < 2; keep++) {
        tp_tb_model m;
        imported i;
        tp_tb_op *op =
            keep ? tp_tb_single(&m, 9, 8, 4, DIMS(1, 3, 2, 4), 4,
                                DIMS(1, 3, 2, 2))
                 : tp_tb_single(&m, 9, 8, 4, DIMS(1, 3, 2, 4), 2, DIMS(6, 2));
        const int at = tp_tb_value(&m, "w", 2, DIMS(2, 4), 0.25f, 0);
        m.tensor[at].data = w;
        m.tensor[at].bytes = sizeof w;
        m.tensor[at].n_scales = m.tensor[at].n_zero_points = 2;
        m.tensor[at].scale[1] = 0.125f;
        tp_tb_in(op, at);
        tp_tb_i8(op, 2, keep);
        tp_accept(&i, &m);
        const tp_op *fc = tp_op_at(&i, 0, "fc0");
        assert_int_equal(tp_in_of(&i, fc, 1)->quant.n, 2);
        assert_int_equal(tp_in_of(&i, fc, 2)->quant.n, 2);
        assert_float_equal(tp_scale_of(tp_in_of(&i, fc, 2), 1), 0.0625f, 0);
        tp_imported_free(&i);
    }
}

static void test_activation_ranges(void **state) {
    static const int32_t ranges[4][2] = {
        {-128, 127}, {5, 127}, {1, 9}, {5, 29}};
    (void)state;
    for (int fused = 0; fused < 4; fused++) {
        tp_tb_model m;
        imported i;
        tp_tb_op *op =
            tp_tb_single(&m, 17, 5, 4, DIMS(1, 4, 4, 2), 4, DIMS(1, 2, 2, 2));
        for (int t = 0; t < 2; t++) {
            m.tensor[t].scale[0] = 0.25f;
            m.tensor[t].zero_point[0] = 5;
        }
        for (int id = 1; id <= 4; id++) {
            tp_tb_i32(op, id, 2);
        }
        tp_tb_i8(op, 5, fused);
        tp_accept(&i, &m);
        const tp_attr *a = &tp_op_at(&i, 0, "maxpool0")->attr;
        assert_int_equal(a->act_min, ranges[fused][0]);
        assert_int_equal(a->act_max, ranges[fused][1]);
        tp_imported_free(&i);
    }
}

/* A tiny scale puts the bounds outside int8, not outside int32. */
static void test_activation_range_clamped(void **state) {
    tp_tb_model m;
    imported i;
    (void)state;
    tp_tb_op *op =
        tp_tb_single(&m, 17, 5, 4, DIMS(1, 2, 2, 2), 4, DIMS(1, 2, 2, 2));
    m.tensor[0].scale[0] = m.tensor[1].scale[0] = 1e-20f;
    for (int id = 1; id <= 4; id++) {
        tp_tb_i32(op, id, 1);
    }
    tp_tb_i8(op, 5, 2);
    tp_accept(&i, &m);
    assert_int_equal(i.graph.op[0].attr.act_min, -128);
    assert_int_equal(i.graph.op[0].attr.act_max, 127);
    tp_imported_free(&i);
}

/* --- constants through shape arithmetic
 * -------------------------------------------- */

/* x -> RESHAPE by PACK(SHAPE(x)[0:1], 6), as Keras' Flatten leaves it. */
static void test_folding(void **state) {
    static const int32_t six = 6, zero = 0, one = 1;
    tp_tb_model m;
    imported i;
    (void)state;
    tp_tb_op *op = tp_tb_single(&m, 22, 17, 3, DIMS(1, 2, 3), 2, DIMS(1, 6));
    const int at_shape = tp_tb_tensor_add(&m, "sh", TP_TB_I32, 1, DIMS(3));
    const int batch = tp_tb_tensor_add(&m, "batch", TP_TB_I32, 0, NULL);
    const int packed = tp_tb_tensor_add(&m, "pack", TP_TB_I32, 1, DIMS(2));
    const int c6 = tp_tb_tensor_add(&m, "six", TP_TB_I32, 0, NULL);
    m.tensor[c6].data = &six;
    m.tensor[c6].bytes = 4;
    tp_tb_op reshape = *op;
    tp_tb_in(&reshape, packed);
    m.n_ops = 0;
    memset(m.op, 0, sizeof m.op);
    op = tp_tb_op_add(&m, 77, 55);
    tp_tb_in(op, 0);
    tp_tb_out(op, at_shape);
    op = tp_tb_op_add(&m, 45, 32);
    tp_tb_in(op, at_shape);
    tp_tb_in(op, tp_words(&m, &zero, 1));
    tp_tb_in(op, tp_words(&m, &one, 1));
    tp_tb_in(op, tp_words(&m, &one, 1));
    tp_tb_out(op, batch);
    tp_tb_i32(op, 4, 1); /* shrink */
    op = tp_tb_op_add(&m, 83, 59);
    tp_tb_in(op, batch);
    tp_tb_in(op, c6);
    tp_tb_out(op, packed);
    tp_tb_i32(op, 0, 2);
    m.op[m.n_ops++] = reshape;
    tp_accept(&i, &m);
    assert_int_equal(i.graph.n_ops, 1);
    assert_int_equal(tp_op_at(&i, 0, "reshape3")->n_in, 1);
    assert_int_equal(i.graph.n_tensors, 2);
    tp_imported_free(&i);
}

static void test_reshape_requests(void **state) {
    static const int32_t open[2] = {-1, 6}, scalar = 0;
    tp_tb_model m;
    imported i;
    (void)state;
    tp_tb_op *op = tp_tb_single(&m, 22, 17, 3, DIMS(1, 2, 3), 2, DIMS(1, 6));
    tp_tb_list(op, 0, open, 2); /* in the options */
    tp_accept(&i, &m);
    tp_imported_free(&i);
    tp_tb_in(op, -1); /* the operand absent: the options still */
    tp_accept(&i, &m);
    tp_imported_free(&i);
    op = tp_tb_single(&m, 22, 0, 3, DIMS(1, 2, 3), 2, DIMS(3, 2));
    tp_accept(&i, &m); /* nothing said: the output's own shape */
    tp_imported_free(&i);
    op = tp_tb_single(&m, 22, 0, 2, DIMS(1, 1), 0, NULL);
    tp_tb_in(op, tp_words(&m, &scalar, 1));
    tp_accept(&i, &m);
    assert_int_equal(i.graph.tensor[i.graph.output].rank, 0);
    tp_imported_free(&i);
}

static void test_squeeze_and_expand(void **state) {
    static const int32_t axis = -1;
    tp_tb_model m;
    imported i;
    (void)state;
    tp_tb_op *op = tp_tb_single(&m, 43, 30, 4, DIMS(1, 1, 3, 1), 2, DIMS(1, 3));
    tp_tb_list(op, 0, DIMS(-1, 1), 2);
    tp_accept(&i, &m);
    (void)tp_op_at(&i, 0, "reshape0");
    tp_imported_free(&i);
    (void)tp_tb_single(&m, 43, 0, 4, DIMS(1, 1, 3, 1), 1, DIMS(3));
    tp_accept(&i, &m);
    tp_imported_free(&i);
    op = tp_tb_single(&m, 70, 52, 2, DIMS(2, 3), 3, DIMS(2, 3, 1));
    tp_tb_in(op, tp_words(&m, &axis, 1));
    tp_accept(&i, &m);
    (void)tp_op_at(&i, 0, "reshape0");
    tp_imported_free(&i);
}

/* --- the interface
 * -------------------------------------------------------------------- */

/* Puts op `code` between the small model and a new tensor at one end. */
static void wrap(tp_tb_model *m, bool at_input, int code, int options, int type,
                 float scale, int zero_point) {
    const int inner = at_input ? TP_TB_X : TP_TB_S;
    const int outer = m->n_tensors;
    m->tensor[m->n_tensors++] = m->tensor[inner];
    tp_tb_tensor *t = &m->tensor[outer];
    t->name = "outer";
    t->type = type;
    t->n_scales = t->n_zero_points = scale > 0 ? 1 : 0;
    t->scale[0] = scale;
    t->zero_point[0] = zero_point;
    tp_tb_op *op = tp_tb_op_add(m, code, options);
    tp_tb_in(op, at_input ? outer : inner);
    tp_tb_out(op, at_input ? inner : outer);
    if (at_input) {
        const tp_tb_op last = *op;
        memmove(m->op + 1, m->op, (size_t)(m->n_ops - 1) * sizeof last);
        m->op[0] = last;
        m->in[0] = outer;
    } else {
        m->out[0] = outer;
    }
}

static void test_float_interface(void **state) {
    tp_tb_model m;
    imported i;
    (void)state;
    tp_tb_small(&m);
    wrap(&m, true, 114, 89, TP_TB_F32, 0, 0);
    wrap(&m, false, 6, 38, TP_TB_F32, 0, 0);
    tp_accept(&i, &m);
    assert_int_equal(i.graph.n_ops, 5);
    (void)tp_op_at(&i, 0, "conv1"); /* numbered as in the file */
    assert_int_equal(i.graph.io_in, TP_F32);
    assert_int_equal(i.graph.io_out, TP_F32);
    assert_string_equal(i.graph.tensor[i.graph.input].name, "x");
    assert_int_equal(i.graph.tensor[i.graph.input].role, TP_INPUT);
    assert_int_equal(i.graph.tensor[i.graph.input].dtype, TP_S8);
    assert_string_equal(i.graph.tensor[i.graph.output].name, "s");
    tp_imported_free(&i);
}

static void test_uint8_interface(void **state) {
    tp_tb_model m;
    imported i;
    (void)state;
    tp_tb_small(&m);
    wrap(&m, true, 114, 89, TP_TB_U8, 0.5f, 138);
    wrap(&m, false, 114, 0, TP_TB_U8, 1.0f / 256, 0);
    tp_accept(&i, &m);
    assert_int_equal(i.graph.n_ops, 7);
    (void)tp_op_at(&i, 0, "quantize0");
    (void)tp_op_at(&i, 6, "quantize6");
    assert_int_equal(i.graph.io_in, TP_U8);
    assert_int_equal(i.graph.io_out, TP_U8);
    assert_int_equal(i.graph.tensor[i.graph.input].dtype, TP_U8);
    assert_int_equal(i.graph.tensor[i.graph.input].quant.zero_point, 138);
    tp_imported_free(&i);
}

static void test_requantise(void **state) {
    tp_tb_model m;
    imported i;
    (void)state;
    (void)tp_tb_single(&m, 114, 89, 2, DIMS(1, 4), 2, DIMS(1, 4));
    m.tensor[1].scale[0] = 0.3f;
    tp_accept(&i, &m);
    assert_int_equal(tp_op_at(&i, 0, "quantize0")->kind, TP_OP_QUANTIZE);
    assert_int_equal(i.graph.io_in, TP_S8);
    tp_imported_free(&i);
}

static void test_open_batch(void **state) {
    tp_tb_model m;
    imported i;
    (void)state;
    tp_tb_small(&m);
    m.tensor[TP_TB_X].n_signature = 4;
    memcpy(m.tensor[TP_TB_X].signature, DIMS(-1, 4, 4, 2), 16);
    tp_accept(&i, &m);
    tp_imported_free(&i);
}

static void test_dead_code(void **state) {
    tp_tb_model m;
    imported i;
    (void)state;
    tp_tb_small(&m);
    const int out = tp_tb_value(&m, "unused", 2, DIMS(0, 99), 1.0f, 0);
    tp_tb_op *op = tp_tb_op_add(&m, 48, 0); /* TOPK_V2 */
    tp_tb_in(op, TP_TB_Z);
    tp_tb_out(op, out);
    tp_accept(&i, &m);
    assert_int_equal(i.graph.n_ops, 5);
    assert_int_equal(i.diag.count, 1);
    assert_int_equal(i.diag.message[0].severity, TP_NOTE);
    assert_non_null(strstr(i.diag.message[0].text, "op 5 TOPK_V2: nothing"));
    tp_imported_free(&i);
}

static void test_data_outside_the_tables(void **state) {
    tp_tb_model m;
    imported i;
    (void)state;
    tp_tb_small(&m);
    m.tensor[TP_TB_B].outside = true;
    m.tensor[TP_TB_FW].outside = true;
    tp_accept(&i, &m);
    const tp_tensor *b = tp_in_of(&i, tp_op_at(&i, 0, "conv0"), 2);
    assert_int_equal(((const int32_t *)b->data)[2], 300);
    tp_imported_free(&i);
}

static void test_names(void **state) {
    tp_tb_model m;
    imported i;
    (void)state;
    tp_tb_small(&m);
    m.tensor[TP_TB_Y].name = "a*/b\"c\\d\n%s\x80";
    m.tensor[TP_TB_P].name = NULL;
    m.tensor[TP_TB_B].name = "";
    tp_accept(&i, &m);
    assert_string_equal(tp_out_of(&i, &i.graph.op[0])->name, "a__b_c_d__s_");
    assert_string_equal(tp_out_of(&i, &i.graph.op[1])->name, "t4");
    assert_string_equal(tp_in_of(&i, &i.graph.op[0], 2)->name, "conv0_bias");
    tp_imported_free(&i);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kws),
        cmocka_unit_test(test_ad),
        cmocka_unit_test(test_resnet),
        cmocka_unit_test(test_vww),
        cmocka_unit_test(test_str_ww),
        cmocka_unit_test(test_float32_model),
        cmocka_unit_test(test_small),
        cmocka_unit_test(test_operator_code_fields),
        cmocka_unit_test(test_missing_bias),
        cmocka_unit_test(test_depthwise_multiplier),
        cmocka_unit_test(test_dilation),
        cmocka_unit_test(test_fully_connected_forms),
        cmocka_unit_test(test_activation_ranges),
        cmocka_unit_test(test_activation_range_clamped),
        cmocka_unit_test(test_folding),
        cmocka_unit_test(test_reshape_requests),
        cmocka_unit_test(test_squeeze_and_expand),
        cmocka_unit_test(test_float_interface),
        cmocka_unit_test(test_uint8_interface),
        cmocka_unit_test(test_requantise),
        cmocka_unit_test(test_open_batch),
        cmocka_unit_test(test_dead_code),
        cmocka_unit_test(test_data_outside_the_tables),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
