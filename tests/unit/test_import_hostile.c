/* Files that must be refused: the bytes, the tensors, the graph. Each case
 * breaks one thing in a sound model and names the message that it must give;
 * nothing may be written. One op at a time: test_import_hostile_ops.c. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/rng.h"
#include "tests/unit/data.h"
#include "tests/unit/imported.h"

typedef struct hostile {
    const char *name;
    void (*corrupt)(tp_tb_model *m); /* gets tp_tb_small() */
    tp_status status;
    const char *where, *what;
} hostile;

/* --- the model
 * ---------------------------------------------------------------- */

static void identifier(tp_tb_model *m) {
    m->identifier = "ABCD";
}
static void version(tp_tb_model *m) {
    m->version = 2;
}
static void no_subgraph(tp_tb_model *m) {
    m->subgraphs = 0;
}
static void two_subgraphs(tp_tb_model *m) {
    m->subgraphs = 2;
}
static void external_buffers(tp_tb_model *m) {
    m->external_buffers = true;
}
static void no_input(tp_tb_model *m) {
    m->n_in = 0;
}
static void two_outputs(tp_tb_model *m) {
    m->out[m->n_out++] = TP_TB_Z;
}
static void input_minus_one(tp_tb_model *m) {
    m->in[0] = -1;
}
static void output_past_end(tp_tb_model *m) {
    m->out[0] = 11;
}
static void output_is_input(tp_tb_model *m) {
    m->out[0] = TP_TB_X;
}
static void output_is_constant(tp_tb_model *m) {
    m->out[0] = TP_TB_FW;
}
static void input_unused(tp_tb_model *m) {
    static const int8_t data[32] = {0};
    m->in[0] = tp_tb_value(m, "in", 2, DIMS(1, 2), 1.0f, 0);
    m->tensor[TP_TB_X].data = data;
    m->tensor[TP_TB_X].bytes = sizeof data;
}
static void claims_gigabytes_of_tensors(tp_tb_model *m) {
    m->claim_tensors = 0x3fffffff;
}
static void many_tensors(tp_tb_model *m) {
    static const int8_t room[20000] = {0}; /* so that the file holds them */
    m->claim_tensors = 4097;
    m->tensor[TP_TB_FW].data = room;
    m->tensor[TP_TB_FW].bytes = sizeof room;
}
static void claims_gigabytes_of_data(tp_tb_model *m) {
    m->tensor[TP_TB_W].claim_data = 0xfffffff0;
}
static void claims_gigabytes_of_shape(tp_tb_model *m) {
    m->tensor[TP_TB_W].claim_rank = 0x7fffffff;
}
static void shares_one_buffer(tp_tb_model *m) {
    static const int8_t data[10000000] = {0};
    tp_tb_op *op =
        tp_tb_single(m, 2, 10, 2, DIMS(1, 10000000), 2, DIMS(8, 10000000));
    for (int k = 0; k < 7; k++) {
        const int at = tp_tb_value(m, "k", 2, DIMS(1, 10000000), 0.5f, 0);
        m->tensor[at].data = k == 0 ? data : NULL;
        m->tensor[at].bytes = sizeof data;
        m->tensor[at].buffer_set = true;
        m->tensor[at].buffer = 3;
        tp_tb_in(op, at);
    }
    tp_tb_i32(op, 0, 0);
}
static void outside_past_end(tp_tb_model *m) {
    m->tensor[TP_TB_FW].outside = true;
    m->tensor[TP_TB_FW].outside_past = 1;
}
static void outside_wraps(tp_tb_model *m) {
    m->tensor[TP_TB_FW].outside = true;
    m->tensor[TP_TB_FW].outside_past = UINT64_MAX;
}
static void inside_and_outside(tp_tb_model *m) {
    m->tensor[TP_TB_FW].outside = true;
    m->tensor[TP_TB_FW].twice = true;
}

/* --- tensors
 * ------------------------------------------------------------------- */

static void type_unknown(tp_tb_model *m) {
    m->tensor[TP_TB_Y].type = 99;
}
static void buffer_past_end(tp_tb_model *m) {
    m->tensor[TP_TB_W].buffer_set = true;
    m->tensor[TP_TB_W].buffer = 12;
}
static void buffer_minus_one(tp_tb_model *m) {
    m->tensor[TP_TB_W].buffer_set = true;
    m->tensor[TP_TB_W].buffer = UINT32_MAX;
}
static void data_too_short(tp_tb_model *m) {
    m->tensor[TP_TB_W].bytes = 53;
}
static void data_too_long(tp_tb_model *m) {
    m->tensor[TP_TB_FB].shape[0] = 3;
}
static void rank_7(tp_tb_model *m) {
    m->tensor[TP_TB_Y].rank = 7;
}
static void dim_zero(tp_tb_model *m) {
    m->tensor[TP_TB_Y].shape[1] = 0;
}
static void dim_negative(tp_tb_model *m) {
    m->tensor[TP_TB_Y].shape[3] = -1;
}
static void dims_overflow(tp_tb_model *m) {
    m->tensor[TP_TB_Y].shape[1] = 65536;
    m->tensor[TP_TB_Y].shape[2] = 65536;
}
static void open_height(tp_tb_model *m) {
    m->tensor[TP_TB_X].n_signature = 4;
    memcpy(m->tensor[TP_TB_X].signature, DIMS(-1, -1, 4, 2), 16);
}
static void signature_rank(tp_tb_model *m) {
    m->tensor[TP_TB_X].n_signature = 3;
    memcpy(m->tensor[TP_TB_X].signature, DIMS(-1, 4, 4), 12);
}
static void variable(tp_tb_model *m) {
    m->tensor[TP_TB_P].variable = true;
}
static void sparse(tp_tb_model *m) {
    m->tensor[TP_TB_FW].sparse = true;
}
static void external(tp_tb_model *m) {
    m->tensor[TP_TB_FW].external = 0x80000000u;
}
static void custom_quantization(tp_tb_model *m) {
    m->tensor[TP_TB_FW].details = 1;
}
static void scale_zero(tp_tb_model *m) {
    m->tensor[TP_TB_Y].scale[0] = 0.0f;
}
static void scale_nan(tp_tb_model *m) {
    m->tensor[TP_TB_W].scale[1] = NAN;
}
static void scale_infinite(tp_tb_model *m) {
    m->tensor[TP_TB_W].scale[2] = INFINITY;
}
static void scale_negative(tp_tb_model *m) {
    m->tensor[TP_TB_P].scale[0] = -0.25f;
}
static void zero_point_low(tp_tb_model *m) {
    m->tensor[TP_TB_Y].zero_point[0] = -129;
}
static void zero_point_wide(tp_tb_model *m) {
    m->tensor[TP_TB_Y].zero_point[0] = INT64_C(1) << 32;
}
static void zero_point_of_channel(tp_tb_model *m) {
    m->tensor[TP_TB_W].zero_point[1] = 1;
}
static void zero_point_of_bias(tp_tb_model *m) {
    m->tensor[TP_TB_FB].zero_point[0] = 1;
}
static void zero_points_missing(tp_tb_model *m) {
    m->tensor[TP_TB_W].n_zero_points = 2;
}
static void scales_too_few(tp_tb_model *m) {
    m->tensor[TP_TB_W].n_scales = m->tensor[TP_TB_W].n_zero_points = 2;
}
static void axis_out_of_rank(tp_tb_model *m) {
    m->tensor[TP_TB_W].axis = 4;
}
static void axis_negative(tp_tb_model *m) {
    m->tensor[TP_TB_W].axis = -1;
}
static void input_int16(tp_tb_model *m) {
    m->tensor[TP_TB_X].type = TP_TB_I16;
    m->tensor[TP_TB_X].zero_point[0] = 0;
}
static void input_constant(tp_tb_model *m) {
    static const int8_t data[32] = {0};
    m->tensor[TP_TB_X].data = data;
    m->tensor[TP_TB_X].bytes = sizeof data;
}

/* --- the graph
 * -------------------------------------------------------------------- */

static void opcode_past_end(tp_tb_model *m) {
    m->op[TP_TB_POOL].opcode_set = true;
    m->op[TP_TB_POOL].opcode = 5;
}
static void opcode_minus_one(tp_tb_model *m) {
    m->op[TP_TB_POOL].opcode_set = true;
    m->op[TP_TB_POOL].opcode = UINT32_MAX;
}
static void tensor_past_end(tp_tb_model *m) {
    m->op[TP_TB_FC].in[1] = 11;
}
static void tensor_minus_two(tp_tb_model *m) {
    m->op[TP_TB_FC].in[2] = -2;
}
static void tensor_absent(tp_tb_model *m) {
    m->op[TP_TB_FC].in[1] = -1;
}
static void output_minus_one(tp_tb_model *m) {
    m->op[TP_TB_FC].out[0] = -1;
}
static void in_and_out(tp_tb_model *m) {
    m->op[TP_TB_POOL].out[0] = TP_TB_Y;
}
static void two_producers(tp_tb_model *m) {
    m->op[TP_TB_RESHAPE].out[0] = TP_TB_P;
    m->op[TP_TB_RESHAPE].in[0] = TP_TB_Y;
}
static void makes_a_constant(tp_tb_model *m) {
    m->op[TP_TB_RESHAPE].out[0] = TP_TB_FW;
}
static void makes_the_input(tp_tb_model *m) {
    m->op[TP_TB_RESHAPE].out[0] = TP_TB_X;
}
static void use_before_definition(tp_tb_model *m) {
    const tp_tb_op conv = m->op[TP_TB_CONV];
    m->op[TP_TB_CONV] = m->op[TP_TB_POOL];
    m->op[TP_TB_POOL] = conv;
}
static void cycle(tp_tb_model *m) {
    m->op[TP_TB_CONV].in[0] = TP_TB_P;
}
static void made_by_none(tp_tb_model *m) {
    m->op[TP_TB_POOL].in[0] =
        tp_tb_value(m, "ghost", 4, DIMS(1, 4, 4, 3), 0.25f, -128);
}
static void inputs_too_many(tp_tb_model *m) {
    tp_tb_in(&m->op[TP_TB_SOFTMAX], TP_TB_X);
}
static void inputs_too_few(tp_tb_model *m) {
    m->op[TP_TB_FC].n_in = 1;
}
static void outputs_two(tp_tb_model *m) {
    tp_tb_out(&m->op[TP_TB_CONV],
              tp_tb_value(m, "second", 1, DIMS(1), 1.0f, 0));
}
static void options_null(tp_tb_model *m) {
    m->op[TP_TB_CONV].null_options = true;
}
static void options_missing(tp_tb_model *m) {
    m->op[TP_TB_POOL].options = 0;
}
static void options_of_another(tp_tb_model *m) {
    m->op[TP_TB_CONV].options = 2;
}
static void options_table_cut(tp_tb_model *m) {
    tp_tb_list(&m->op[TP_TB_RESHAPE], 0, DIMS(1, 3), 2);
    m->op[TP_TB_RESHAPE].options = 17;
    m->op[TP_TB_RESHAPE].field[0].width = 4; /* no vector at all */
    m->op[TP_TB_RESHAPE].field[0].value = 0x7fffffff;
}
static void custom_op(tp_tb_model *m) {
    m->op[TP_TB_POOL].code = 32;
    m->op[TP_TB_POOL].custom = "*/ \"evil\"";
}
static void unknown_op(tp_tb_model *m) {
    m->op[TP_TB_POOL].code = 4711;
}
static void unsupported_op(tp_tb_model *m) {
    m->op[TP_TB_POOL].code = 150;
}
static void while_op(tp_tb_model *m) {
    m->op[TP_TB_POOL].code = 119;
}
static void if_op(tp_tb_model *m) {
    m->op[TP_TB_POOL].code = 118;
}
static void call_op(tp_tb_model *m) {
    m->op[TP_TB_POOL].code = 31;
}

static const hostile cases[] = {
    {"identifier", identifier, TP_ERR_MALFORMED, "model: ", "TFL3"},
    {"version", version, TP_ERR_UNSUPPORTED, "model: ", "schema version 2"},
    {"no_subgraph", no_subgraph, TP_ERR_UNSUPPORTED, "model: ", "0 subgraphs"},
    {"two_subgraphs", two_subgraphs, TP_ERR_UNSUPPORTED,
     "model: ", "2 subgraphs"},
    {"external_buffers", external_buffers, TP_ERR_UNSUPPORTED,
     "model: ", "external files"},
    {"no_input", no_input, TP_ERR_UNSUPPORTED, "model: ", "0 inputs"},
    {"two_outputs", two_outputs, TP_ERR_UNSUPPORTED, "model: ", "2 outputs"},
    {"input_minus_one", input_minus_one, TP_ERR_MALFORMED,
     "model: ", "its input is tensor -1"},
    {"output_past_end", output_past_end, TP_ERR_MALFORMED,
     "model: ", "its output is tensor 11; the model has 11"},
    {"output_is_input", output_is_input, TP_ERR_UNSUPPORTED,
     "model: ", "no operation computes its output"},
    {"output_is_constant", output_is_constant, TP_ERR_UNSUPPORTED,
     "model: ", "no operation computes its output"},
    {"input_unused", input_unused, TP_ERR_UNSUPPORTED,
     "op 0 CONV_2D: ", "its input is a constant"},
    {"claims_gigabytes_of_tensors", claims_gigabytes_of_tensors,
     TP_ERR_TRUNCATED, "tensors: ", "a vector ends past the file"},
    {"many_tensors", many_tensors, TP_ERR_UNSUPPORTED,
     "model: ", "4097 tensors; at most 4096"},
    {"claims_gigabytes_of_data", claims_gigabytes_of_data, TP_ERR_TRUNCATED,
     "buffer 2: ", "a vector ends past the file"},
    {"claims_gigabytes_of_shape", claims_gigabytes_of_shape, TP_ERR_TRUNCATED,
     "tensor 1: ", "a vector ends past the file"},
    {"shares_one_buffer", shares_one_buffer, TP_ERR_UNSUPPORTED,
     "model: ", "more than 64 MiB of constants"},
    {"outside_past_end", outside_past_end, TP_ERR_TRUNCATED,
     "buffer 8: ", "lie outside the file"},
    {"outside_wraps", outside_wraps, TP_ERR_TRUNCATED,
     "buffer 8: ", "lie outside the file"},
    {"inside_and_outside", inside_and_outside, TP_ERR_MALFORMED,
     "buffer 8: ", "inside and outside"},

    {"type_unknown", type_unknown, TP_ERR_MALFORMED,
     "tensor 3 'y': ", "type 99 is unknown"},
    {"buffer_past_end", buffer_past_end, TP_ERR_MALFORMED,
     "tensor 1 'w': ", "buffer 12 does not exist; the model has 12"},
    {"buffer_minus_one", buffer_minus_one, TP_ERR_MALFORMED,
     "tensor 1 'w': ", "buffer -1 does not exist"},
    {"data_too_short", data_too_short, TP_ERR_MALFORMED,
     "tensor 1 'w': ", "53 bytes of data; INT8 of shape [3,3,3,2] takes 54"},
    {"data_too_long", data_too_long, TP_ERR_MALFORMED,
     "tensor 8 'fb': ", "16 bytes of data; INT32 of shape [3] takes 12"},
    {"rank_7", rank_7, TP_ERR_UNSUPPORTED, "tensor 3 'y': ", "rank 7"},
    {"dim_zero", dim_zero, TP_ERR_MALFORMED,
     "tensor 3 'y': ", "dimension 1 is 0"},
    {"dim_negative", dim_negative, TP_ERR_MALFORMED,
     "tensor 3 'y': ", "dimension 3 is -1"},
    {"dims_overflow", dims_overflow, TP_ERR_MALFORMED,
     "tensor 3 'y': ", "2^31 elements"},
    {"open_height", open_height, TP_ERR_UNSUPPORTED,
     "tensor 0 'x': ", "dimension 1 of the input is 4 in the shape and -1"},
    {"signature_rank", signature_rank, TP_ERR_MALFORMED,
     "tensor 0 'x': ", "its shape has rank 4, its signature 3"},
    {"variable", variable, TP_ERR_UNSUPPORTED,
     "tensor 4 'p': ", "is a variable"},
    {"sparse", sparse, TP_ERR_UNSUPPORTED, "tensor 7 'fw': ", "is sparse"},
    {"external", external, TP_ERR_UNSUPPORTED,
     "tensor 7 'fw': ", "external file"},
    {"custom_quantization", custom_quantization, TP_ERR_UNSUPPORTED,
     "tensor 7 'fw': ", "custom or blockwise quantisation"},
    {"scale_zero", scale_zero, TP_ERR_MALFORMED,
     "tensor 3 'y': ", "scale 0 is 0"},
    {"scale_nan", scale_nan, TP_ERR_MALFORMED,
     "tensor 1 'w': ", "scale 1 is nan"},
    {"scale_infinite", scale_infinite, TP_ERR_MALFORMED,
     "tensor 1 'w': ", "scale 2 is inf"},
    {"scale_negative", scale_negative, TP_ERR_MALFORMED,
     "tensor 4 'p': ", "scale 0 is -0.25"},
    {"zero_point_low", zero_point_low, TP_ERR_MALFORMED, "tensor 3 'y': ",
     "zero point 0 is -129; INT8 with 1 scales takes -128 to 127"},
    {"zero_point_wide", zero_point_wide, TP_ERR_MALFORMED,
     "tensor 3 'y': ", "zero point 0 is 4294967296"},
    {"zero_point_of_channel", zero_point_of_channel, TP_ERR_MALFORMED,
     "tensor 1 'w': ", "zero point 1 is 1; INT8 with 3 scales takes 0 to 0"},
    {"zero_point_of_bias", zero_point_of_bias, TP_ERR_MALFORMED,
     "tensor 8 'fb': ", "zero point 0 is 1"},
    {"zero_points_missing", zero_points_missing, TP_ERR_MALFORMED,
     "tensor 1 'w': ", "2 zero points for 3 scales"},
    {"scales_too_few", scales_too_few, TP_ERR_MALFORMED,
     "tensor 1 'w': ", "2 scales for 3 channels along dimension 0"},
    {"axis_out_of_rank", axis_out_of_rank, TP_ERR_MALFORMED,
     "tensor 1 'w': ", "dimension 4 of a tensor of rank 4"},
    {"axis_negative", axis_negative, TP_ERR_MALFORMED,
     "tensor 1 'w': ", "dimension -1 of a tensor of rank 4"},
    {"input_int16", input_int16, TP_ERR_UNSUPPORTED,
     "tensor 0 'x': ", "the model's input has type INT16; int8 works"},
    {"input_constant", input_constant, TP_ERR_MALFORMED,
     "tensor 0 'x': ", "is the model's input and has constant data"},

    {"opcode_past_end", opcode_past_end, TP_ERR_MALFORMED,
     "op 1 ?: ", "operator code 5 does not exist; the model has 5"},
    {"opcode_minus_one", opcode_minus_one, TP_ERR_MALFORMED,
     "op 1 ?: ", "operator code -1 does not exist"},
    {"tensor_past_end", tensor_past_end, TP_ERR_MALFORMED,
     "op 3 FULLY_CONNECTED: ", "input 1 is tensor 11; the model has 11"},
    {"tensor_minus_two", tensor_minus_two, TP_ERR_MALFORMED,
     "op 3 FULLY_CONNECTED: ", "input 2 is tensor -2"},
    {"tensor_absent", tensor_absent, TP_ERR_MALFORMED,
     "op 3 FULLY_CONNECTED: ", "input 1 is absent (-1)"},
    {"output_minus_one", output_minus_one, TP_ERR_MALFORMED,
     "op 3 FULLY_CONNECTED: ", "output 0 is tensor -1"},
    {"in_and_out", in_and_out, TP_ERR_MALFORMED,
     "op 1 AVERAGE_POOL_2D: ", "tensor 3 'y' is both its input and its output"},
    {"two_producers", two_producers, TP_ERR_MALFORMED,
     "op 2 RESHAPE: ", "tensor 4 'p', is also made by op 1"},
    {"makes_a_constant", makes_a_constant, TP_ERR_MALFORMED,
     "op 2 RESHAPE: ", "tensor 7 'fw', is a constant"},
    {"makes_the_input", makes_the_input, TP_ERR_MALFORMED,
     "op 2 RESHAPE: ", "tensor 0 'x', is the model's input"},
    {"use_before_definition", use_before_definition, TP_ERR_MALFORMED,
     "op 0 AVERAGE_POOL_2D: ", "'y', is used before op 1 makes it"},
    {"cycle", cycle, TP_ERR_MALFORMED,
     "op 0 CONV_2D: ", "'p', is used before op 1 makes it"},
    {"made_by_none", made_by_none, TP_ERR_MALFORMED,
     "op 1 AVERAGE_POOL_2D: ", "'ghost', is made by no op and has no data"},
    {"inputs_too_many", inputs_too_many, TP_ERR_MALFORMED,
     "op 4 SOFTMAX: ", "2 inputs and 1 outputs; takes 1 to 1 and 1"},
    {"inputs_too_few", inputs_too_few, TP_ERR_MALFORMED,
     "op 3 FULLY_CONNECTED: ", "1 inputs and 1 outputs; takes 2 to 3 and 1"},
    {"outputs_two", outputs_two, TP_ERR_MALFORMED,
     "op 0 CONV_2D: ", "3 inputs and 2 outputs"},
    {"options_null", options_null, TP_ERR_MALFORMED,
     "op 0 CONV_2D: ", "has no options (type 1, null)"},
    {"options_missing", options_missing, TP_ERR_MALFORMED,
     "op 1 AVERAGE_POOL_2D: ", "has no options (type 0"},
    {"options_of_another", options_of_another, TP_ERR_MALFORMED,
     "op 0 CONV_2D: ", "has options of type 2; its own are of type 1"},
    {"options_table_cut", options_table_cut, TP_ERR_TRUNCATED,
     "op 2 RESHAPE: ", "its options: a vector lies outside the file"},
    {"custom_op", custom_op, TP_ERR_UNSUPPORTED,
     "op 1 CUSTOM '____evil_': ", "custom operation"},
    {"unknown_op", unknown_op, TP_ERR_UNSUPPORTED,
     "op 1 builtin 4711: ", "no such operation"},
    {"unsupported_op", unsupported_op, TP_ERR_UNSUPPORTED,
     "op 1 GELU: ", "no such operation"},
    {"while_op", while_op, TP_ERR_UNSUPPORTED, "op 1 WHILE: ", "control flow"},
    {"if_op", if_op, TP_ERR_UNSUPPORTED, "op 1 IF: ", "control flow"},
    {"call_op", call_op, TP_ERR_UNSUPPORTED, "op 1 CALL: ", "control flow"},
};

enum { N_CASES = sizeof cases / sizeof cases[0] };

static void refused(void **state) {
    const hostile *c = *state;
    tp_tb_model m;
    tp_tb_small(&m);
    c->corrupt(&m);
    (void)tp_refuse(&m, c->status, c->where, c->what);
}

/* --- many at once, cut short, at random
 * ------------------------------------------- */

static void several_problems(void **state) {
    (void)state;
    static const struct {
        const char *where, *what;
    } all[] = {{"op 0 CONV_2D: ", "stride -3"},
               {"op 1 GELU: ", "no such operation"},
               {"tensor 6 'r': ", "scale 0 is 0"},
               {"tensor 8 'fb': ", "12 bytes of data"},
               {"op 4 SOFTMAX: ", "beta is 0"}};
    tp_tb_model m;
    tp_tb_small(&m);
    tp_tb_i32(&m.op[TP_TB_CONV], 1, -3);
    unsupported_op(&m);
    m.tensor[TP_TB_R].scale[0] = 0.0f;
    m.tensor[TP_TB_FB].bytes = 12;
    tp_tb_f32(&m.op[TP_TB_SOFTMAX], 0, 0.0f);
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        assert_int_equal(
            tp_refuse(&m, TP_ERR_MALFORMED, all[i].where, all[i].what), 5);
    }
}

/* Bytes must be refused, or be a sound graph; never a crash. */
static tp_status try_bytes(const uint8_t *bytes, size_t n) {
    uint8_t *copy = malloc(n + 1); /* so that the sanitizer sees the end */
    tp_arena arena = {0};
    tp_diag diag = {.arena = &arena};
    tp_graph graph;
    assert_non_null(copy);
    memcpy(copy, bytes, n);
    uint8_t *exact = realloc(copy, n > 0 ? n : 1);
    assert_non_null(exact);
    const tp_status status = tp_import(&arena, exact, n, NULL, &graph, &diag);
    assert_true((status == TP_OK) == (diag.errors == 0));
    assert_true(status == TP_OK || diag.count > 0);
    tp_arena_free(&arena);
    free(exact);
    return status;
}

static void truncated_at_every_byte(void **state) {
    (void)state;
    size_t n = 0;
    tp_tb_model m;
    tp_tb_small(&m);
    uint8_t *bytes = tp_tb_bytes(&m, &n);
    size_t end = n; /* what follows the last constant nobody misses */
    for (size_t cut = 0; cut < n; cut++) {
        if (try_bytes(bytes, cut) == TP_OK && cut < end) {
            end = cut;
        }
    }
    assert_int_equal(try_bytes(bytes, n), TP_OK);
    assert_true(n - end < 64);
    free(bytes);
}

static void truncated_real_model(void **state) {
    (void)state;
    size_t n = 0;
    uint8_t *bytes = test_spotter(&n);
    for (size_t cut = 0; cut + 1000 < n; cut += cut < 600 ? 1 : 97) {
        assert_int_not_equal(try_bytes(bytes, cut), TP_OK);
    }
    free(bytes);
}

static void random_bytes_changed(void **state) {
    (void)state;
    size_t n = 0;
    uint32_t rng = tp_rng_seed(1);
    tp_tb_model m;
    tp_tb_small(&m);
    uint8_t *bytes = tp_tb_bytes(&m, &n);
    uint8_t *mutant = malloc(n);
    assert_non_null(mutant);
    int taken = 0;
    for (int round = 0; round < 20000; round++) {
        memcpy(mutant, bytes, n);
        for (int k = round % 4; k >= 0; k--) {
            const size_t at = tp_rng_below(&rng, (uint32_t)n);
            mutant[at] = (uint8_t)tp_rng_next(&rng);
        }
        taken += try_bytes(mutant, n) == TP_OK;
    }
    assert_in_range(taken, 1, 19999); /* weights may be anything */
    free(mutant);
    free(bytes);
}

int main(void) {
    struct CMUnitTest tests[N_CASES + 4] = {
        cmocka_unit_test(several_problems),
        cmocka_unit_test(truncated_at_every_byte),
        cmocka_unit_test(truncated_real_model),
        cmocka_unit_test(random_bytes_changed),
    };
    hostile states[N_CASES];
    memcpy(states, cases, sizeof cases);
    for (int i = 0; i < N_CASES; i++) {
        tests[4 + i] =
            (struct CMUnitTest){cases[i].name, refused, NULL, NULL, &states[i]};
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
