/* Writes .tflite bytes for tests: describe a model, sound or hostile, and
 * serialise it. Everything that the importer must refuse can be said here. */
#ifndef TP_TEST_TFLITE_BUILDER_H
#define TP_TEST_TFLITE_BUILDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TP_TB_MAX = 24, TP_TB_LIST = 8, TP_TB_SCALES = 64 };

/* TensorType */
enum {
    TP_TB_F32 = 0,
    TP_TB_I32 = 2,
    TP_TB_U8 = 3,
    TP_TB_I64 = 4,
    TP_TB_I16 = 7,
    TP_TB_I8 = 9
};

typedef struct tp_tb_tensor {
    const char *name;
    int type;
    int rank;
    int32_t shape[TP_TB_LIST];
    int n_signature;
    int32_t signature[TP_TB_LIST];
    int n_scales, n_zero_points;
    float scale[TP_TB_SCALES];
    int64_t zero_point[TP_TB_SCALES];
    int axis;
    const void *data; /* NULL: none */
    size_t bytes;
    bool outside;          /* data after the tables, by offset and size */
    bool twice;            /* and in the table as well */
    uint64_t outside_past; /* added to the offset; all ones: 2^64 - 4 */
    bool buffer_set;       /* use `buffer` as the index */
    uint32_t buffer;
    bool variable, sparse;
    int details;
    uint32_t external;
    uint32_t claim_rank, claim_data; /* counts written instead; 0: true ones */
} tp_tb_tensor;

typedef struct tp_tb_field {
    int id, width; /* 1 or 4 bytes; 0: a vector of int32 */
    uint32_t value;
    int n;
    int32_t list[TP_TB_LIST];
} tp_tb_field;

typedef struct tp_tb_op {
    int code;
    int n_in, n_out;
    int32_t in[TP_TB_LIST], out[TP_TB_LIST];
    int options; /* BuiltinOptions type */
    bool null_options;
    int n_fields;
    tp_tb_field field[10];
    bool old_code, new_code; /* only that one of the two code fields */
    bool opcode_set;         /* use `opcode` as the index */
    uint32_t opcode;
    const char *custom;
} tp_tb_op;

typedef struct tp_tb_model {
    uint32_t version;
    const char *identifier;
    int subgraphs; /* copies of the one */
    int unused_codes;
    bool external_buffers;
    int n_in, n_out;
    int32_t in[TP_TB_LIST], out[TP_TB_LIST];
    int n_tensors, n_ops;
    tp_tb_tensor tensor[TP_TB_MAX];
    tp_tb_op op[TP_TB_MAX];
    uint32_t claim_tensors; /* count written instead */
} tp_tb_model;

/* An empty model of version 3. */
void tp_tb_init(tp_tb_model *m);
/* Append; the result may be changed further. */
int tp_tb_tensor_add(tp_tb_model *m, const char *name, int type, int rank,
                     const int32_t *shape);
/* An int8 activation with one scale. */
int tp_tb_value(tp_tb_model *m, const char *name, int rank,
                const int32_t *shape, float scale, int zero_point);
/* A constant; the data must outlive the model. */
int tp_tb_const(tp_tb_model *m, const char *name, int type, int n,
                const void *data, size_t bytes);
tp_tb_op *tp_tb_op_add(tp_tb_model *m, int code, int options);
void tp_tb_in(tp_tb_op *op, int tensor);
void tp_tb_out(tp_tb_op *op, int tensor);
void tp_tb_i8(tp_tb_op *op, int id, int value);
void tp_tb_i32(tp_tb_op *op, int id, int32_t value);
void tp_tb_f32(tp_tb_op *op, int id, float value);
void tp_tb_list(tp_tb_op *op, int id, const int32_t *list, int n);

/* --- ready-made models
 * --------------------------------------------------------- */

/* Tensors of tp_tb_small(): x -> CONV_2D 3x3 SAME RELU -> AVERAGE_POOL_2D ->
 * RESHAPE -> FULLY_CONNECTED -> SOFTMAX. */
enum {
    TP_TB_X,     /* [1,4,4,2] */
    TP_TB_W,     /* [3,3,3,2], three scales */
    TP_TB_B,     /* [3] */
    TP_TB_Y,     /* [1,4,4,3] */
    TP_TB_P,     /* [1,1,1,3] */
    TP_TB_SHAPE, /* {-1, 3} */
    TP_TB_R,     /* [1,3] */
    TP_TB_FW,    /* [4,3] */
    TP_TB_FB,    /* [4] */
    TP_TB_Z,     /* [1,4] */
    TP_TB_S      /* [1,4] */
};
enum { TP_TB_CONV, TP_TB_POOL, TP_TB_RESHAPE, TP_TB_FC, TP_TB_SOFTMAX };
void tp_tb_small(tp_tb_model *m);
/* One op from tensor 0 (the model's input) to tensor 1 (its output), both
 * int8 with scale 0.5 and zero point 0. */
tp_tb_op *tp_tb_single(tp_tb_model *m, int code, int options, int rank_x,
                       const int32_t *x, int rank_y, const int32_t *y);

/* The file; the caller frees it. */
uint8_t *tp_tb_bytes(const tp_tb_model *m, size_t *n);

#endif
