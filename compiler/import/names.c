/* Names of the schema's numbers, and names made fit to print. */
#include "compiler/import/tflite.h"

#include <stdio.h>
#include <string.h>

#define NAME_MAX_BYTES 64 /* of a tensor's name; longer ones are cut */

/* BuiltinOperator, by number. */
static const char *const codes[] = {
    "ADD",
    "AVERAGE_POOL_2D",
    "CONCATENATION",
    "CONV_2D",
    "DEPTHWISE_CONV_2D",
    "DEPTH_TO_SPACE",
    "DEQUANTIZE",
    "EMBEDDING_LOOKUP",
    "FLOOR",
    "FULLY_CONNECTED",
    "HASHTABLE_LOOKUP",
    "L2_NORMALIZATION",
    "L2_POOL_2D",
    "LOCAL_RESPONSE_NORMALIZATION",
    "LOGISTIC",
    "LSH_PROJECTION",
    "LSTM",
    "MAX_POOL_2D",
    "MUL",
    "RELU",
    "RELU_N1_TO_1",
    "RELU6",
    "RESHAPE",
    "RESIZE_BILINEAR",
    "RNN",
    "SOFTMAX",
    "SPACE_TO_DEPTH",
    "SVDF",
    "TANH",
    "CONCAT_EMBEDDINGS",
    "SKIP_GRAM",
    "CALL",
    "CUSTOM",
    "EMBEDDING_LOOKUP_SPARSE",
    "PAD",
    "UNIDIRECTIONAL_SEQUENCE_RNN",
    "GATHER",
    "BATCH_TO_SPACE_ND",
    "SPACE_TO_BATCH_ND",
    "TRANSPOSE",
    "MEAN",
    "SUB",
    "DIV",
    "SQUEEZE",
    "UNIDIRECTIONAL_SEQUENCE_LSTM",
    "STRIDED_SLICE",
    "BIDIRECTIONAL_SEQUENCE_RNN",
    "EXP",
    "TOPK_V2",
    "SPLIT",
    "LOG_SOFTMAX",
    "DELEGATE",
    "BIDIRECTIONAL_SEQUENCE_LSTM",
    "CAST",
    "PRELU",
    "MAXIMUM",
    "ARG_MAX",
    "MINIMUM",
    "LESS",
    "NEG",
    "PADV2",
    "GREATER",
    "GREATER_EQUAL",
    "LESS_EQUAL",
    "SELECT",
    "SLICE",
    "SIN",
    "TRANSPOSE_CONV",
    "SPARSE_TO_DENSE",
    "TILE",
    "EXPAND_DIMS",
    "EQUAL",
    "NOT_EQUAL",
    "LOG",
    "SUM",
    "SQRT",
    "RSQRT",
    "SHAPE",
    "POW",
    "ARG_MIN",
    "FAKE_QUANT",
    "REDUCE_PROD",
    "REDUCE_MAX",
    "PACK",
    "LOGICAL_OR",
    "ONE_HOT",
    "LOGICAL_AND",
    "LOGICAL_NOT",
    "UNPACK",
    "REDUCE_MIN",
    "FLOOR_DIV",
    "REDUCE_ANY",
    "SQUARE",
    "ZEROS_LIKE",
    "FILL",
    "FLOOR_MOD",
    "RANGE",
    "RESIZE_NEAREST_NEIGHBOR",
    "LEAKY_RELU",
    "SQUARED_DIFFERENCE",
    "MIRROR_PAD",
    "ABS",
    "SPLIT_V",
    "UNIQUE",
    "CEIL",
    "REVERSE_V2",
    "ADD_N",
    "GATHER_ND",
    "COS",
    "WHERE",
    "RANK",
    "ELU",
    "REVERSE_SEQUENCE",
    "MATRIX_DIAG",
    "QUANTIZE",
    "MATRIX_SET_DIAG",
    "ROUND",
    "HARD_SWISH",
    "IF",
    "WHILE",
    "NON_MAX_SUPPRESSION_V4",
    "NON_MAX_SUPPRESSION_V5",
    "SCATTER_ND",
    "SELECT_V2",
    "DENSIFY",
    "SEGMENT_SUM",
    "BATCH_MATMUL",
    "PLACEHOLDER_FOR_GREATER_OP_CODES",
    "CUMSUM",
    "CALL_ONCE",
    "BROADCAST_TO",
    "RFFT2D",
    "CONV_3D",
    "IMAG",
    "REAL",
    "COMPLEX_ABS",
    "HASHTABLE",
    "HASHTABLE_FIND",
    "HASHTABLE_IMPORT",
    "HASHTABLE_SIZE",
    "REDUCE_ALL",
    "CONV_3D_TRANSPOSE",
    "VAR_HANDLE",
    "READ_VARIABLE",
    "ASSIGN_VARIABLE",
    "BROADCAST_ARGS",
    "RANDOM_STANDARD_NORMAL",
    "BUCKETIZE",
    "RANDOM_UNIFORM",
    "MULTINOMIAL",
    "GELU",
    "DYNAMIC_UPDATE_SLICE",
    "RELU_0_TO_1",
    "UNSORTED_SEGMENT_PROD",
    "UNSORTED_SEGMENT_MAX",
    "UNSORTED_SEGMENT_SUM",
    "ATAN2",
    "UNSORTED_SEGMENT_MIN",
    "SIGN",
    "BITCAST",
    "BITWISE_XOR",
    "RIGHT_SHIFT",
};

static const struct {
    const char *name;
    size_t bytes;
} types[] = {
    {"FLOAT32", 4},   {"FLOAT16", 2},  {"INT32", 4},    {"UINT8", 1},
    {"INT64", 8},     {"STRING", 0},   {"BOOL", 1},     {"INT16", 2},
    {"COMPLEX64", 8}, {"INT8", 1},     {"FLOAT64", 8},  {"COMPLEX128", 16},
    {"UINT64", 8},    {"RESOURCE", 0}, {"VARIANT", 0},  {"UINT32", 4},
    {"UINT16", 2},    {"INT4", 0},     {"BFLOAT16", 2},
};

#define N_CODES ((int)(sizeof codes / sizeof codes[0]))
#define N_TYPES ((int32_t)(sizeof types / sizeof types[0]))

const char *tp_tfl_code_name(int code) {
    return code >= 0 && code < N_CODES ? codes[code] : NULL;
}

const char *tp_tfl_type_name(int32_t type) {
    return type >= 0 && type < N_TYPES ? types[type].name : NULL;
}

size_t tp_tfl_type_bytes(int32_t type) {
    return type >= 0 && type < N_TYPES ? types[type].bytes : 0;
}

bool tp_tfl_type_is_float(int32_t type) {
    return type == TP_TFL_F32 || type == TP_TFL_F16 || type == TP_TFL_F64 ||
           type == TP_TFL_BF16;
}

static bool is_letter(int c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_digit(int c) {
    return c >= '0' && c <= '9';
}

/* Names go into C comments, into strings and into the graph's text form. */
const char *tp_tfl_clean(tp_tfl_model *m, const uint8_t *text, size_t n) {
    const size_t kept = n < NAME_MAX_BYTES ? n : NAME_MAX_BYTES;
    char *name = tp_tfl_alloc(m, kept + 1, 1);
    if (name == NULL) {
        return "";
    }
    for (size_t i = 0; i < kept; i++) {
        const char c = (char)(text[i] < 0x7f ? text[i] : 0);
        const bool plain = c > ' ' && strchr("\"'`\\*/%", c) == NULL;
        name[i] = plain ? c : '_';
    }
    return name;
}

const char *tp_tfl_identifier(tp_tfl_model *m, const char *name) {
    const size_t n = name != NULL ? strlen(name) : 0;
    const bool prefix = n == 0 || !is_letter(name[0]);
    char *id = tp_arena_printf(m->arena, "%s%.*s", prefix ? "m" : "",
                               n < NAME_MAX_BYTES ? (int)n : NAME_MAX_BYTES,
                               n > 0 ? name : "");
    if (id == NULL) {
        tp_tfl_fail(m, TP_ERR_NO_MEMORY, "out of memory");
        return NULL;
    }
    for (char *c = id; *c != '\0'; c++) {
        *c = is_letter(*c) || is_digit(*c) ? *c : '_';
    }
    return id;
}

const char *tp_tfl_dims(tp_tfl_model *m, const int32_t *dim, int rank) {
    char text[16 * TP_MAX_RANK] = "";
    size_t n = 0;
    for (int i = 0; i < rank; i++) {
        n += (size_t)snprintf(text + n, sizeof text - n, "%s%d",
                              i > 0 ? "," : "", (int)dim[i]);
    }
    const char *kept = tp_arena_printf(m->arena, "[%s]", text);
    return kept != NULL ? kept : "?";
}
