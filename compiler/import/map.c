/* The table of operators that are taken, and what all of them must have. */
#include "compiler/import/map.h"

#include <math.h>
#include <string.h>

#define NO_OPTIONAL 0 /* input 0 is never optional */

static const struct {
    int code;
    int options;       /* BuiltinOptions type; 0: none exists */
    bool needs;        /* the options must be there */
    int fewest, most;  /* inputs */
    int optional;      /* input that may be absent; NO_OPTIONAL: none */
    tp_tfl_mapper map; /* NULL: fold.c does it all */
} rows[] = {
    {TP_TFL_ADD, 11, true, 2, 2, NO_OPTIONAL, tp_tfl_map_eltwise},
    {TP_TFL_AVERAGE_POOL_2D, 5, true, 1, 1, NO_OPTIONAL, tp_tfl_map_pool},
    {TP_TFL_CONCATENATION, 10, true, 1, 255, NO_OPTIONAL, tp_tfl_map_concat},
    {TP_TFL_CONV_2D, 1, true, 2, 3, 2, tp_tfl_map_conv},
    {TP_TFL_DEPTHWISE_CONV_2D, 2, true, 2, 3, 2, tp_tfl_map_dwconv},
    {TP_TFL_DEQUANTIZE, 38, false, 1, 1, NO_OPTIONAL, tp_tfl_map_dequantize},
    {TP_TFL_FULLY_CONNECTED, 8, true, 2, 3, 2, tp_tfl_map_fc},
    {TP_TFL_LOGISTIC, 0, false, 1, 1, NO_OPTIONAL, tp_tfl_map_lut},
    {TP_TFL_MAX_POOL_2D, 5, true, 1, 1, NO_OPTIONAL, tp_tfl_map_pool},
    {TP_TFL_MUL, 21, true, 2, 2, NO_OPTIONAL, tp_tfl_map_eltwise},
    {TP_TFL_RELU, 0, false, 1, 1, NO_OPTIONAL, tp_tfl_map_lut},
    {TP_TFL_RELU6, 0, false, 1, 1, NO_OPTIONAL, tp_tfl_map_lut},
    {TP_TFL_RESHAPE, 17, false, 1, 2, 1, tp_tfl_map_reshape},
    {TP_TFL_SOFTMAX, 9, true, 1, 1, NO_OPTIONAL, tp_tfl_map_softmax},
    {TP_TFL_TANH, 0, false, 1, 1, NO_OPTIONAL, tp_tfl_map_lut},
    {TP_TFL_PAD, 22, false, 2, 2, NO_OPTIONAL, tp_tfl_map_pad},
    {TP_TFL_TRANSPOSE, 26, false, 2, 2, NO_OPTIONAL, tp_tfl_map_transpose},
    {TP_TFL_MEAN, 27, true, 2, 2, NO_OPTIONAL, tp_tfl_map_mean},
    {TP_TFL_SUB, 28, true, 2, 2, NO_OPTIONAL, tp_tfl_map_eltwise},
    {TP_TFL_SQUEEZE, 30, false, 1, 1, NO_OPTIONAL, tp_tfl_map_squeeze},
    {TP_TFL_STRIDED_SLICE, 32, true, 4, 4, NO_OPTIONAL, tp_tfl_map_slice},
    {TP_TFL_PADV2, 43, false, 3, 3, NO_OPTIONAL, tp_tfl_map_pad},
    {TP_TFL_EXPAND_DIMS, 52, false, 2, 2, NO_OPTIONAL, tp_tfl_map_expand},
    {TP_TFL_SHAPE, 55, false, 1, 1, NO_OPTIONAL, NULL},
    {TP_TFL_PACK, 59, true, 1, 255, NO_OPTIONAL, NULL},
    {TP_TFL_REDUCE_MAX, 27, true, 2, 2, NO_OPTIONAL, tp_tfl_map_reduce_max},
    {TP_TFL_RESIZE_NEAREST_NEIGHBOR, 74, true, 2, 2, NO_OPTIONAL,
     tp_tfl_map_resize},
    {TP_TFL_LEAKY_RELU, 75, true, 1, 1, NO_OPTIONAL, tp_tfl_map_lut},
    {TP_TFL_QUANTIZE, 89, false, 1, 1, NO_OPTIONAL, tp_tfl_map_quantize},
    {TP_TFL_HARD_SWISH, 91, false, 1, 1, NO_OPTIONAL, tp_tfl_map_lut},
};

#define N_ROWS ((int)(sizeof rows / sizeof rows[0]))

static int row_of(int code) {
    int i = 0;
    while (i < N_ROWS && rows[i].code != code) {
        i++;
    }
    return i;
}

/* --- what every op must have ---------------------------------------------- */

static void refuse_unknown(tp_tfl_model *m, tp_tfl_op *op) {
    switch (op->code) {
    case TP_TFL_IF:
    case TP_TFL_WHILE:
    case TP_TFL_CALL:
    case TP_TFL_CALL_ONCE:
        tp_tfl_op_fail(m, op, TP_ERR_UNSUPPORTED,
                       "control flow does not work; convert with loops "
                       "unrolled and branches resolved");
        break;
    case TP_TFL_CUSTOM:
        tp_tfl_op_fail(m, op, TP_ERR_UNSUPPORTED,
                       "a custom operation has no known meaning; convert "
                       "without allow_custom_ops");
        break;
    default:
        tp_tfl_op_fail(m, op, TP_ERR_UNSUPPORTED,
                       "there is no such operation here; rewrite the layer "
                       "with convolutions, fully connected layers, pooling, "
                       "elementwise or data movement");
    }
}

static bool check_inputs(tp_tfl_model *m, tp_tfl_op *op, int row) {
    const int fewest = rows[row].fewest, most = rows[row].most;
    if (op->n_in < fewest || op->n_in > most || op->n_out != 1) {
        tp_tfl_op_fail(m, op, TP_ERR_MALFORMED,
                       "%d inputs and %d outputs; takes %d to %d and 1",
                       op->n_in, op->n_out, fewest, most);
        return false;
    }
    for (int k = 0; k < op->n_in; k++) {
        const int optional = rows[row].optional;
        if (op->in[k] < 0 && (k != optional || optional == NO_OPTIONAL)) {
            tp_tfl_op_fail(m, op, TP_ERR_MALFORMED, "input %d is absent (-1)",
                           k);
            return false;
        }
    }
    return true;
}

static bool check_options(tp_tfl_model *m, tp_tfl_op *op, int row) {
    const int want = rows[row].options;
    if (op->options_type != 0 && op->options_type != want) {
        tp_tfl_op_fail(m, op, TP_ERR_MALFORMED,
                       "has options of type %d; its own are of type %d",
                       op->options_type, want);
        return false;
    }
    const bool there = op->options_type != 0 && op->options.at != 0;
    if (rows[row].needs && !there) {
        tp_tfl_op_fail(m, op, TP_ERR_MALFORMED, "has no options (type %d, %s)",
                       op->options_type,
                       op->options.at != 0 ? "a table" : "null");
        return false;
    }
    if (!there) {
        op->options = (tp_table){0}; /* all defaults */
    }
    return true;
}

bool tp_tfl_map_generic(tp_tfl_model *m, tp_tfl_op *op) {
    if (op->bad) {
        return false;
    }
    const int row = row_of(op->code);
    if (row == N_ROWS) {
        refuse_unknown(m, op);
        return false;
    }
    const bool inputs = check_inputs(m, op, row);
    const bool options = check_options(m, op, row);
    return inputs && options;
}

bool tp_tfl_operands_sound(const tp_tfl_model *m, const tp_tfl_op *op) {
    for (int k = 0; k < op->n_in; k++) {
        if (op->in[k] >= 0 && m->tensor[op->in[k]].bad) {
            return false;
        }
    }
    return !op->bad && !tp_tfl_out(m, op)->bad;
}

bool tp_tfl_options_sound(tp_tfl_model *m, tp_tfl_op *op) {
    if (m->span.status == TP_OK) {
        return true;
    }
    tp_tfl_op_fail(m, op, m->span.status, "its options: %s", m->span.what);
    m->span.status = TP_OK;
    return false;
}

static void map_op(tp_tfl_model *m, tp_tfl_op *op) {
    if (!tp_tfl_map_generic(m, op)) {
        return;
    }
    op->n_data = 1;
    rows[row_of(op->code)].map(m, op);
    (void)tp_tfl_options_sound(m, op);
}

/* The ends of what remains must meet: otherwise the result would not depend
 * on the sample. */
static void check_ends(tp_tfl_model *m) {
    bool read = false;
    for (int i = 0; i < m->n_ops; i++) {
        const tp_tfl_op *op = &m->op[i];
        for (int k = 0; op->live && !op->dropped && k < op->n_data; k++) {
            read = read || op->in[k] == m->input;
        }
    }
    const int last = m->tensor[m->output].producer;
    if (last < 0 || m->op[last].dropped || m->op[last].folded) {
        tp_tfl_fail(m, TP_ERR_UNSUPPORTED,
                    "model: no operation computes its output, tensor %d '%s'",
                    m->output, m->tensor[m->output].name);
    } else if (!read) {
        tp_tfl_fail(m, TP_ERR_UNSUPPORTED,
                    "model: its output does not depend on its input, tensor "
                    "%d '%s'",
                    m->input, m->tensor[m->input].name);
    }
}

void tp_tfl_map(tp_tfl_model *m) {
    for (int i = 0; i < m->n_ops; i++) {
        tp_tfl_op *op = &m->op[i];
        if (op->live && op->code != TP_TFL_SHAPE && op->code != TP_TFL_PACK &&
            !op->folded) {
            map_op(m, op);
        }
    }
    if (m->status == TP_OK) {
        check_ends(m);
    }
}

/* --- operands --------------------------------------------------------------
 */

int tp_tfl_const_i32(tp_tfl_model *m, tp_tfl_op *op, int k, const char *what,
                     int32_t *list, int most) {
    const tp_tfl_tensor *t = tp_tfl_in(m, op, k);
    if (t->data == NULL || t->type != TP_TFL_I32) {
        tp_tfl_op_fail(m, op, TP_ERR_UNSUPPORTED,
                       "input %d (%s) is %s; an INT32 constant works", k, what,
                       t->data == NULL ? "computed at run time"
                                       : tp_tfl_type_name(t->type));
        return -1;
    }
    if (t->rank > 2 || t->count > most) {
        tp_tfl_op_fail(m, op, TP_ERR_MALFORMED,
                       "input %d (%s) has shape %s; at most %d elements work",
                       k, what, tp_tfl_dims(m, t->dim, t->rank), most);
        return -1;
    }
    for (int i = 0; i < (int)t->count; i++) {
        list[i] = tp_load_i32(t->data + 4 * i);
    }
    return (int)t->count;
}

bool tp_tfl_expect_shape(tp_tfl_model *m, tp_tfl_op *op, const int32_t *dim,
                         int rank) {
    const tp_tfl_tensor *y = tp_tfl_out(m, op);
    if (y->rank == rank &&
        memcmp(y->dim, dim, (size_t)rank * sizeof *dim) == 0) {
        return true;
    }
    tp_tfl_op_fail(m, op, TP_ERR_MALFORMED, "makes shape %s; the file says %s",
                   tp_tfl_dims(m, dim, rank), tp_tfl_dims(m, y->dim, y->rank));
    return false;
}

bool tp_tfl_is_byte(tp_tfl_model *m, tp_tfl_op *op, const tp_tfl_tensor *t,
                    const char *what) {
    if (t->type != TP_TFL_I8) {
        tp_tfl_op_fail(m, op, TP_ERR_UNSUPPORTED,
                       "%s, '%s', has type %s; int8 works: convert with full "
                       "integer quantisation",
                       what, t->name, tp_tfl_type_name(t->type));
        return false;
    }
    if (t->n_scales != 1) {
        tp_tfl_op_fail(m, op, TP_ERR_MALFORMED,
                       "%s, '%s', has %d scales; an activation has one", what,
                       t->name, t->n_scales);
        return false;
    }
    return true;
}

bool tp_tfl_unary(tp_tfl_model *m, tp_tfl_op *op) {
    const bool x = tp_tfl_is_byte(m, op, tp_tfl_in(m, op, 0), "input 0");
    const bool y = tp_tfl_is_byte(m, op, tp_tfl_out(m, op), "the output");
    if (tp_tfl_in(m, op, 0)->data != NULL) {
        tp_tfl_op_fail(m, op, TP_ERR_UNSUPPORTED,
                       "its input is a constant; fold it when converting");
        return false;
    }
    return x && y;
}

bool tp_tfl_same_quant(tp_tfl_model *m, tp_tfl_op *op, const tp_tfl_tensor *a,
                       const tp_tfl_tensor *b) {
    if (a->scale[0] == b->scale[0] && a->zero_point == b->zero_point) {
        return true;
    }
    tp_tfl_op_fail(m, op, TP_ERR_UNSUPPORTED,
                   "'%s' has scale %.9g and zero point %d, '%s' %.9g and %d; "
                   "they must be the same here",
                   a->name, (double)a->scale[0], (int)a->zero_point, b->name,
                   (double)b->scale[0], (int)b->zero_point);
    return false;
}

bool tp_tfl_factor(tp_tfl_model *m, tp_tfl_op *op, double f, const char *what) {
    int shift = 0;
    (void)frexp(f, &shift);
    if (isfinite(f) && f > 0 && shift >= -31 && shift <= 30) {
        return true;
    }
    tp_tfl_op_fail(m, op, TP_ERR_MALFORMED,
                   "%s is %g, shift %d; shifts from -31 to 30 work", what, f,
                   shift);
    return false;
}

bool tp_tfl_is_map(tp_tfl_model *m, tp_tfl_op *op, const tp_tfl_tensor *x) {
    if (x->rank != 4) {
        tp_tfl_op_fail(m, op, TP_ERR_MALFORMED,
                       "'%s' has shape %s; a map is [1, height, width, "
                       "channels]",
                       x->name, tp_tfl_dims(m, x->dim, x->rank));
        return false;
    }
    if (x->dim[0] != 1) {
        tp_tfl_op_fail(m, op, TP_ERR_UNSUPPORTED,
                       "'%s' has batch %d; batch 1 works: convert with batch "
                       "size 1",
                       x->name, (int)x->dim[0]);
        return false;
    }
    return true;
}
