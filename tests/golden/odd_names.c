/* The program of odd_names. Generated; do not edit. */
#include "odd_names.h"

#include "tinypeft/kernels.h"

_Static_assert(sizeof(odd_names_memory) == ODD_NAMES_RAM_BYTES, "RAM");

extern const int32_t odd_names_a____b____c_bias_m[3];
extern const int8_t odd_names_a____b____c_bias_s[3];
extern const int32_t odd_names_a____b____c_bias_b[3];
extern const int32_t odd_names_a____b____c_lora_m[3];
extern const int8_t odd_names_a____b____c_lora_s[3];
extern const int32_t odd_names_a____b____c_m[3];
extern const int8_t odd_names_a____b____c_s[3];
extern const int8_t odd_names_a____b____c_w[6];
extern const int32_t odd_names_op__________s_________bias_m[2];
extern const int8_t odd_names_op__________s_________bias_s[2];
extern const int32_t odd_names_op__________s_________bias_b[2];
extern const int32_t odd_names_op__________s_________m[2];
extern const int8_t odd_names_op__________s_________s[2];
extern const int8_t odd_names_op__________s_________w[6];
extern const int32_t odd_names_a_b_bias_b[2];
extern const int8_t odd_names_a_b_w[4];
extern const uint16_t
    odd_names_a_name_that_is_longer_than_any_line_of_C_that_people_like_to_read__twice_that_in_fact__and_then_some_more_conv_bwd_x_bwd_q[2];

static const tp_bias a____b____c_bias_op = {
    .n = 3, .pixels = 1, .m = odd_names_a____b____c_bias_m,
    .s = odd_names_a____b____c_bias_s,
};

static const tp_conv2d a____b____c_a_op = {
    .in_h = 1, .in_w = 1, .in_c = 2, .out_h = 1, .out_w = 1, .out_c = 1,
    .k_h = 1, .k_w = 1, .stride_h = 1, .stride_w = 1, .dil_h = 1, .dil_w = 1,
    .x_zp = -3, .shift = 1,
};

static const tp_conv2d a____b____c_op = {
    .in_h = 1, .in_w = 1, .in_c = 2, .out_h = 1, .out_w = 1, .out_c = 3,
    .k_h = 1, .k_w = 1, .stride_h = 1, .stride_w = 1, .dil_h = 1, .dil_w = 1,
    .y_zp = -128, .y_min = -128, .y_max = 127, .w = odd_names_a____b____c_w,
    .m = odd_names_a____b____c_m, .s = odd_names_a____b____c_s,
    .lora_m = odd_names_a____b____c_lora_m,
    .lora_s = odd_names_a____b____c_lora_s, .rank = 1,
};

static const tp_bias op__________s_________bias_op = {
    .n = 2, .pixels = 1, .m = odd_names_op__________s_________bias_m,
    .s = odd_names_op__________s_________bias_s,
};

static const tp_conv2d op__________s_________op = {
    .in_h = 1, .in_w = 1, .in_c = 3, .out_h = 1, .out_w = 1, .out_c = 2,
    .k_h = 1, .k_w = 1, .stride_h = 1, .stride_w = 1, .dil_h = 1, .dil_w = 1,
    .y_zp = -128, .y_min = -128, .y_max = 127,
    .w = odd_names_op__________s_________w,
    .m = odd_names_op__________s_________m,
    .s = odd_names_op__________s_________s,
};

static const tp_bias a_b_bias_op = {
    .n = 2, .pixels = 1, .m = odd_names_op__________s_________bias_m,
    .s = odd_names_op__________s_________bias_s,
};

static const tp_conv2d a_b_op = {
    .in_h = 1, .in_w = 1, .in_c = 2, .out_h = 1, .out_w = 1, .out_c = 2,
    .k_h = 1, .k_w = 1, .stride_h = 1, .stride_w = 1, .dil_h = 1, .dil_w = 1,
    .y_zp = -128, .y_min = -128, .y_max = 127, .w = odd_names_a_b_w,
    .m = odd_names_op__________s_________m,
    .s = odd_names_op__________s_________s,
};

static const tp_bias a_b_bias_op2 = {
    .n = 2, .pixels = 1, .m = odd_names_op__________s_________bias_m,
    .s = odd_names_op__________s_________bias_s,
};

static const tp_conv2d a_b_op2 = {
    .in_h = 1, .in_w = 1, .in_c = 2, .out_h = 1, .out_w = 1, .out_c = 2,
    .k_h = 1, .k_w = 1, .stride_h = 1, .stride_w = 1, .dil_h = 1, .dil_w = 1,
    .y_zp = -128, .y_min = -128, .y_max = 127, .w = odd_names_a_b_w,
    .m = odd_names_op__________s_________m,
    .s = odd_names_op__________s_________s,
};

static const tp_bias op_1st____bias_op = {
    .n = 2, .pixels = 1, .m = odd_names_op__________s_________bias_m,
    .s = odd_names_op__________s_________bias_s,
};

static const tp_conv2d op_1st____op = {
    .in_h = 1, .in_w = 1, .in_c = 2, .out_h = 1, .out_w = 1, .out_c = 2,
    .k_h = 1, .k_w = 1, .stride_h = 1, .stride_w = 1, .dil_h = 1, .dil_w = 1,
    .y_zp = -128, .y_min = -128, .y_max = 127, .w = odd_names_a_b_w,
    .m = odd_names_op__________s_________m,
    .s = odd_names_op__________s_________s,
};

static const tp_bias int_bias_op = {
    .n = 2, .pixels = 1, .m = odd_names_op__________s_________bias_m,
    .s = odd_names_op__________s_________bias_s,
};

static const tp_conv2d int_op = {
    .in_h = 1, .in_w = 1, .in_c = 2, .out_h = 1, .out_w = 1, .out_c = 2,
    .k_h = 1, .k_w = 1, .stride_h = 1, .stride_w = 1, .dil_h = 1, .dil_w = 1,
    .y_zp = -128, .y_min = -128, .y_max = 127, .w = odd_names_a_b_w,
    .m = odd_names_op__________s_________m,
    .s = odd_names_op__________s_________s,
};

static const tp_bias a_name_that_is_longer_than_any_line_of_C_that_people_like_to_read__twice_that_in_fact__and_then_some_more_bias_op = {
    .n = 2, .pixels = 1, .m = odd_names_op__________s_________bias_m,
    .s = odd_names_op__________s_________bias_s,
};

static const tp_conv2d a_name_that_is_longer_than_any_line_of_C_that_people_like_to_read__twice_that_in_fact__and_then_some_more_op = {
    .in_h = 1, .in_w = 1, .in_c = 2, .out_h = 1, .out_w = 1, .out_c = 2,
    .k_h = 1, .k_w = 1, .stride_h = 1, .stride_w = 1, .dil_h = 1, .dil_w = 1,
    .y_min = -128, .y_max = 127, .w = odd_names_a_b_w,
    .m = odd_names_op__________s_________m,
    .s = odd_names_op__________s_________s,
};

static const tp_clamp a____b____c_mask_op = {
    .n = 3, .y_min = -128, .y_max = 127,
};

static const tp_clamp op__________s_________mask_op = {
    .n = 2, .y_min = -128, .y_max = 127,
};

static const tp_clamp a_b_mask_op = {
    .n = 2, .y_min = -128, .y_max = 127,
};

static const tp_clamp a_b_mask_op2 = {
    .n = 2, .y_min = -128, .y_max = 127,
};

static const tp_clamp op_1st____mask_op = {
    .n = 2, .y_min = -128, .y_max = 127,
};

static const tp_clamp int_mask_op = {
    .n = 2, .y_min = -128, .y_max = 127,
};

static const tp_mse loss_op = {
    .n = 2, .loss = {1374389576, -9}, .q = 26214, .e = -4,
};

static const tp_bias a_name_that_is_longer_than_any_line_of_C_that_people_like_to_read__twice_that_in_fact__and_then_some_more_bias_bias_bwd_op = {
    .n = 2, .pixels = 1,
};

static const tp_conv2d a_name_that_is_longer_than_any_line_of_C_that_people_like_to_read__twice_that_in_fact__and_then_some_more_conv_bwd_x_op = {
    .in_h = 1, .in_w = 1, .in_c = 2, .out_h = 1, .out_w = 1, .out_c = 2,
    .k_h = 1, .k_w = 1, .stride_h = 1, .stride_w = 1, .dil_h = 1, .dil_w = 1,
    .w = odd_names_a_b_w,
    .bwd_q = odd_names_a_name_that_is_longer_than_any_line_of_C_that_people_like_to_read__twice_that_in_fact__and_then_some_more_conv_bwd_x_bwd_q,
    .bwd_e = -5, .reverse = 1,
};

static const tp_clamp int_clamp_bwd_op = {
    .n = 2, .y_min = -128, .y_max = 127,
};

static const tp_bias int_bias_bias_bwd_op = {
    .n = 2, .pixels = 1,
};

static const tp_conv2d int_conv_bwd_x_op = {
    .in_h = 1, .in_w = 1, .in_c = 2, .out_h = 1, .out_w = 1, .out_c = 2,
    .k_h = 1, .k_w = 1, .stride_h = 1, .stride_w = 1, .dil_h = 1, .dil_w = 1,
    .w = odd_names_a_b_w,
    .bwd_q = odd_names_a_name_that_is_longer_than_any_line_of_C_that_people_like_to_read__twice_that_in_fact__and_then_some_more_conv_bwd_x_bwd_q,
    .bwd_e = -5,
};

static const tp_clamp op_1st____clamp_bwd_op = {
    .n = 2, .y_min = -128, .y_max = 127,
};

static const tp_bias op_1st____bias_bias_bwd_op = {
    .n = 2, .pixels = 1,
};

static const tp_conv2d op_1st____conv_bwd_x_op = {
    .in_h = 1, .in_w = 1, .in_c = 2, .out_h = 1, .out_w = 1, .out_c = 2,
    .k_h = 1, .k_w = 1, .stride_h = 1, .stride_w = 1, .dil_h = 1, .dil_w = 1,
    .w = odd_names_a_b_w,
    .bwd_q = odd_names_a_name_that_is_longer_than_any_line_of_C_that_people_like_to_read__twice_that_in_fact__and_then_some_more_conv_bwd_x_bwd_q,
    .bwd_e = -5, .reverse = 1,
};

static const tp_clamp a_b_clamp_bwd_op = {
    .n = 2, .y_min = -128, .y_max = 127,
};

static const tp_bias a_b_bias_bias_bwd_op = {
    .n = 2, .pixels = 1,
};

static const tp_conv2d a_b_conv_bwd_x_op = {
    .in_h = 1, .in_w = 1, .in_c = 2, .out_h = 1, .out_w = 1, .out_c = 2,
    .k_h = 1, .k_w = 1, .stride_h = 1, .stride_w = 1, .dil_h = 1, .dil_w = 1,
    .w = odd_names_a_b_w,
    .bwd_q = odd_names_a_name_that_is_longer_than_any_line_of_C_that_people_like_to_read__twice_that_in_fact__and_then_some_more_conv_bwd_x_bwd_q,
    .bwd_e = -5,
};

static const tp_clamp a_b_clamp_bwd_op2 = {
    .n = 2, .y_min = -128, .y_max = 127,
};

static const tp_bias a_b_bias_bias_bwd_op2 = {
    .n = 2, .pixels = 1,
};

static const tp_conv2d a_b_conv_bwd_x_op2 = {
    .in_h = 1, .in_w = 1, .in_c = 2, .out_h = 1, .out_w = 1, .out_c = 2,
    .k_h = 1, .k_w = 1, .stride_h = 1, .stride_w = 1, .dil_h = 1, .dil_w = 1,
    .w = odd_names_a_b_w,
    .bwd_q = odd_names_a_name_that_is_longer_than_any_line_of_C_that_people_like_to_read__twice_that_in_fact__and_then_some_more_conv_bwd_x_bwd_q,
    .bwd_e = -5, .reverse = 1,
};

static const tp_clamp op__________s_________clamp_bwd_op = {
    .n = 2, .y_min = -128, .y_max = 127,
};

static const tp_bias op__________s_________bias_bias_bwd_op = {
    .n = 2, .pixels = 1,
};

static const tp_conv2d op__________s_________conv_bwd_x_op = {
    .in_h = 1, .in_w = 1, .in_c = 3, .out_h = 1, .out_w = 1, .out_c = 2,
    .k_h = 1, .k_w = 1, .stride_h = 1, .stride_w = 1, .dil_h = 1, .dil_w = 1,
    .w = odd_names_op__________s_________w,
    .bwd_q = odd_names_a_name_that_is_longer_than_any_line_of_C_that_people_like_to_read__twice_that_in_fact__and_then_some_more_conv_bwd_x_bwd_q,
    .bwd_e = -5,
};

static const tp_clamp a____b____c_clamp_bwd_op = {
    .n = 3, .y_min = -128, .y_max = 127,
};

static const tp_conv2d a____b____c_lora_bwd_b_op = {
    .in_h = 1, .in_w = 1, .in_c = 3, .out_h = 1, .out_w = 1, .out_c = 3,
    .k_h = 1, .k_w = 1, .stride_h = 1, .stride_w = 1, .dil_h = 1, .dil_w = 1,
    .rank = 1,
};

static const tp_conv2d a____b____c_lora_bwd_u_op = {
    .in_h = 1, .in_w = 1, .in_c = 3, .out_h = 1, .out_w = 1, .out_c = 3,
    .k_h = 1, .k_w = 1, .stride_h = 1, .stride_w = 1, .dil_h = 1, .dil_w = 1,
    .rank = 1,
};

static const tp_conv2d a____b____c_conv_bwd_w_op = {
    .in_h = 1, .in_w = 1, .in_c = 2, .out_h = 1, .out_w = 1, .out_c = 1,
    .k_h = 1, .k_w = 1, .stride_h = 1, .stride_w = 1, .dil_h = 1, .dil_w = 1,
    .x_zp = -3,
};

static const tp_bias a____b____c_bias_bias_bwd_op = {
    .n = 3, .pixels = 1,
};

static inline void *at(uint8_t *base, uint32_t offset) {
    return base + offset;
}

static void infer(const tp_ctx *ctx, const void *x, void *y) {
    (void)ctx;
    /* 0 a * / b / * c_bias: bias 3 -> 3 */
    tp_bias_s16_fwd_ref(&a____b____c_bias_op, odd_names_a____b____c_bias_b,
        at(ctx->adapter, 0), at(ctx->arena, 0));
    /* 1 a * / b / * c_a: lora_a 1x2 -> 1x1, 2 MAC */
    tp_conv2d_q8_s16_fwd_ref(&a____b____c_a_op, x, at(ctx->adapter, 32),
        at(ctx->arena, 12));
    /* 2 a * / b / * c: conv_lora 1x2 -> 1x3, 9 MAC,
     * y = 0.0500000007 * (q + 128) */
    tp_conv2d_lora_s8_fwd_ref(&a____b____c_op, x, at(ctx->arena, 0),
        at(ctx->arena, 12), at(ctx->adapter, 40), at(ctx->arena, 20));
    /* 3 "); \ ??%s ? ?/ ? ?=_bias: bias 2 -> 2 */
    tp_bias_s16_fwd_ref(&op__________s_________bias_op,
        odd_names_op__________s_________bias_b, at(ctx->adapter, 8),
        at(ctx->arena, 0));
    /* 4 "); \ ??%s ? ?/ ? ?=: fc 1x3 -> 1x2, 6 MAC,
     * y = 0.0500000007 * (q + 128) */
    tp_conv2d_s8_fwd_ref(&op__________s_________op, at(ctx->arena, 20),
        at(ctx->arena, 0), at(ctx->arena, 8));
    /* 5 a b_bias: bias 2 -> 2 */
    tp_bias_s16_fwd_ref(&a_b_bias_op, odd_names_a_b_bias_b,
        at(ctx->adapter, 12), at(ctx->arena, 0));
    /* 6 a b: fc 1x2 -> 1x2, 4 MAC,
     * y = 0.0500000007 * (q + 128) */
    tp_conv2d_s8_fwd_ref(&a_b_op, at(ctx->arena, 8), at(ctx->arena, 0),
        at(ctx->arena, 12));
    /* 7 a_b_bias: bias 2 -> 2 */
    tp_bias_s16_fwd_ref(&a_b_bias_op2, odd_names_a_b_bias_b,
        at(ctx->adapter, 16), at(ctx->arena, 0));
    /* 8 a_b: fc 1x2 -> 1x2, 4 MAC,
     * y = 0.0500000007 * (q + 128) */
    tp_conv2d_s8_fwd_ref(&a_b_op2, at(ctx->arena, 12), at(ctx->arena, 0),
        at(ctx->arena, 8));
    /* 9 1st é_bias: bias 2 -> 2 */
    tp_bias_s16_fwd_ref(&op_1st____bias_op, odd_names_a_b_bias_b,
        at(ctx->adapter, 20), at(ctx->arena, 0));
    /* 10 1st é: fc 1x2 -> 1x2, 4 MAC,
     * y = 0.0500000007 * (q + 128) */
    tp_conv2d_s8_fwd_ref(&op_1st____op, at(ctx->arena, 8), at(ctx->arena, 0),
        at(ctx->arena, 12));
    /* 11 int_bias: bias 2 -> 2 */
    tp_bias_s16_fwd_ref(&int_bias_op, odd_names_a_b_bias_b,
        at(ctx->adapter, 24), at(ctx->arena, 0));
    /* 12 int: fc 1x2 -> 1x2, 4 MAC,
     * y = 0.0500000007 * (q + 128) */
    tp_conv2d_s8_fwd_ref(&int_op, at(ctx->arena, 12), at(ctx->arena, 0),
        at(ctx->arena, 8));
    /* 13 a name that is longer than any line of C that people like to read,
     * twice that in fact, and then some more_bias: bias 2 -> 2 */
    tp_bias_s16_fwd_ref(
        &a_name_that_is_longer_than_any_line_of_C_that_people_like_to_read__twice_that_in_fact__and_then_some_more_bias_op,
        odd_names_a_b_bias_b, at(ctx->adapter, 28), at(ctx->arena, 0));
    /* 14 a name that is longer than any line of C that people like to read,
     * twice that in fact, and then some more: fc 1x2 -> 1x2, 4 MAC,
     * y = 0.0500000007 * (q - 0) */
    tp_conv2d_s8_fwd_ref(
        &a_name_that_is_longer_than_any_line_of_C_that_people_like_to_read__twice_that_in_fact__and_then_some_more_op,
        at(ctx->arena, 8), at(ctx->arena, 0), y);
}

static const uint32_t cost[44] = {
    165, 344, 743, 123, 125, 566, 104, 125, 553, 104, 125, 553, 104, 125, 553,
    104, 125, 553, 104, 125, 553, 128, 65, 377, 86, 65, 377, 86, 65, 377, 86,
    65, 377, 86, 65, 377, 86, 65, 417, 102, 889, 255, 367, 71,
};

static void step(const tp_ctx *ctx, const tp_slice *s) {
    switch (s->step) {
    case 0:
        /* 0 a * / b / * c_bias: bias 3 -> 3 */
        tp_bias_s16_fwd_ref(&a____b____c_bias_op, odd_names_a____b____c_bias_b,
            at(ctx->adapter, 0), at(ctx->arena, 0));
        break;
    case 1:
        /* 1 a * / b / * c_a: lora_a 1x2 -> 1x1, 2 MAC */
        tp_conv2d_q8_s16_fwd_ref(&a____b____c_a_op, s->x, at(ctx->adapter, 32),
            at(ctx->arena, 12));
        break;
    case 2:
        /* 2 a * / b / * c: conv_lora 1x2 -> 1x3, 9 MAC,
         * y = 0.0500000007 * (q + 128) */
        tp_conv2d_lora_s8_fwd_ref(&a____b____c_op, s->x, at(ctx->arena, 0),
            at(ctx->arena, 12), at(ctx->adapter, 40), at(ctx->arena, 20));
        break;
    case 3:
        /* 3 a * / b / * c_mask: mask 1x3 -> 1x3 */
        tp_mask_s8_fwd_ref(&a____b____c_mask_op, at(ctx->arena, 20),
            at(ctx->arena, 24));
        break;
    case 4:
        /* 4 "); \ ??%s ? ?/ ? ?=_bias: bias 2 -> 2 */
        tp_bias_s16_fwd_ref(&op__________s_________bias_op,
            odd_names_op__________s_________bias_b, at(ctx->adapter, 8),
            at(ctx->arena, 0));
        break;
    case 5:
        /* 5 "); \ ??%s ? ?/ ? ?=: fc 1x3 -> 1x2, 6 MAC,
         * y = 0.0500000007 * (q + 128) */
        tp_conv2d_s8_fwd_ref(&op__________s_________op, at(ctx->arena, 20),
            at(ctx->arena, 0), at(ctx->arena, 8));
        break;
    case 6:
        /* 6 "); \ ??%s ? ?/ ? ?=_mask: mask 1x2 -> 1x2 */
        tp_mask_s8_fwd_ref(&op__________s_________mask_op, at(ctx->arena, 8),
            at(ctx->arena, 28));
        break;
    case 7:
        /* 7 a b_bias: bias 2 -> 2 */
        tp_bias_s16_fwd_ref(&a_b_bias_op, odd_names_a_b_bias_b,
            at(ctx->adapter, 12), at(ctx->arena, 0));
        break;
    case 8:
        /* 8 a b: fc 1x2 -> 1x2, 4 MAC,
         * y = 0.0500000007 * (q + 128) */
        tp_conv2d_s8_fwd_ref(&a_b_op, at(ctx->arena, 8), at(ctx->arena, 0),
            at(ctx->arena, 20));
        break;
    case 9:
        /* 9 a b_mask: mask 1x2 -> 1x2 */
        tp_mask_s8_fwd_ref(&a_b_mask_op, at(ctx->arena, 20),
            at(ctx->arena, 32));
        break;
    case 10:
        /* 10 a_b_bias: bias 2 -> 2 */
        tp_bias_s16_fwd_ref(&a_b_bias_op2, odd_names_a_b_bias_b,
            at(ctx->adapter, 16), at(ctx->arena, 0));
        break;
    case 11:
        /* 11 a_b: fc 1x2 -> 1x2, 4 MAC,
         * y = 0.0500000007 * (q + 128) */
        tp_conv2d_s8_fwd_ref(&a_b_op2, at(ctx->arena, 20), at(ctx->arena, 0),
            at(ctx->arena, 8));
        break;
    case 12:
        /* 12 a_b_mask: mask 1x2 -> 1x2 */
        tp_mask_s8_fwd_ref(&a_b_mask_op2, at(ctx->arena, 8),
            at(ctx->arena, 36));
        break;
    case 13:
        /* 13 1st é_bias: bias 2 -> 2 */
        tp_bias_s16_fwd_ref(&op_1st____bias_op, odd_names_a_b_bias_b,
            at(ctx->adapter, 20), at(ctx->arena, 0));
        break;
    case 14:
        /* 14 1st é: fc 1x2 -> 1x2, 4 MAC,
         * y = 0.0500000007 * (q + 128) */
        tp_conv2d_s8_fwd_ref(&op_1st____op, at(ctx->arena, 8),
            at(ctx->arena, 0), at(ctx->arena, 20));
        break;
    case 15:
        /* 15 1st é_mask: mask 1x2 -> 1x2 */
        tp_mask_s8_fwd_ref(&op_1st____mask_op, at(ctx->arena, 20),
            at(ctx->arena, 40));
        break;
    case 16:
        /* 16 int_bias: bias 2 -> 2 */
        tp_bias_s16_fwd_ref(&int_bias_op, odd_names_a_b_bias_b,
            at(ctx->adapter, 24), at(ctx->arena, 0));
        break;
    case 17:
        /* 17 int: fc 1x2 -> 1x2, 4 MAC,
         * y = 0.0500000007 * (q + 128) */
        tp_conv2d_s8_fwd_ref(&int_op, at(ctx->arena, 20), at(ctx->arena, 0),
            at(ctx->arena, 8));
        break;
    case 18:
        /* 18 int_mask: mask 1x2 -> 1x2 */
        tp_mask_s8_fwd_ref(&int_mask_op, at(ctx->arena, 8), at(ctx->arena, 44));
        break;
    case 19:
        /* 19 a name that is longer than any line of C that people like to read,
         * twice that in fact, and then some more_bias: bias 2 -> 2 */
        tp_bias_s16_fwd_ref(
            &a_name_that_is_longer_than_any_line_of_C_that_people_like_to_read__twice_that_in_fact__and_then_some_more_bias_op,
            odd_names_a_b_bias_b, at(ctx->adapter, 28), at(ctx->arena, 0));
        break;
    case 20:
        /* 20 a name that is longer than any line of C that people like to read,
         * twice that in fact, and then some more: fc 1x2 -> 1x2, 4 MAC,
         * y = 0.0500000007 * (q - 0) */
        tp_conv2d_s8_fwd_ref(
            &a_name_that_is_longer_than_any_line_of_C_that_people_like_to_read__twice_that_in_fact__and_then_some_more_op,
            at(ctx->arena, 8), at(ctx->arena, 0), at(ctx->arena, 20));
        break;

    /* Backward, from the loss down to a * / b / * c_bias_bias_bwd. What lies
     * before holds nothing to train: no gradient is made for it. */
    case 21:
        /* 21 loss: mse_loss 1x2 -> 1x2 */
        tp_mse_s8_loss_ref(&loss_op, at(ctx->arena, 20), s->target,
            at(ctx->arena, 0), s->loss);
        break;
    case 22:
        /* 22 a name that is longer than any line of C that people like to read,
         * twice that in fact, and then some more_bias_bias_bwd: bias_bwd 1x2 ->
         * 2 */
        tp_bias_q8_bwd_w_ref(
            &a_name_that_is_longer_than_any_line_of_C_that_people_like_to_read__twice_that_in_fact__and_then_some_more_bias_bias_bwd_op,
            at(ctx->arena, 0), at(ctx->train, 292));
        break;
    case 23:
        /* 23 a name that is longer than any line of C that people like to read,
         * twice that in fact, and then some more_conv_bwd_x: conv_bwd_x 1x2 ->
         * 1x2 */
        tp_conv2d_s8_bwd_x_ref(
            &a_name_that_is_longer_than_any_line_of_C_that_people_like_to_read__twice_that_in_fact__and_then_some_more_conv_bwd_x_op,
            at(ctx->arena, 0), at(ctx->arena, 4), at(ctx->train, 160));
        break;
    case 24:
        /* 24 int_clamp_bwd: clamp_bwd 1x2 -> 1x2 */
        tp_mask_q8_bwd_x_ref(&int_clamp_bwd_op, at(ctx->arena, 4),
            at(ctx->arena, 44), at(ctx->arena, 4));
        break;
    case 25:
        /* 25 int_bias_bias_bwd: bias_bwd 1x2 -> 2 */
        tp_bias_q8_bwd_w_ref(&int_bias_bias_bwd_op, at(ctx->arena, 4),
            at(ctx->train, 280));
        break;
    case 26:
        /* 26 int_conv_bwd_x: conv_bwd_x 1x2 -> 1x2 */
        tp_conv2d_s8_bwd_x_ref(&int_conv_bwd_x_op, at(ctx->arena, 4),
            at(ctx->arena, 0), at(ctx->train, 168));
        break;
    case 27:
        /* 27 1st é_clamp_bwd: clamp_bwd 1x2 -> 1x2 */
        tp_mask_q8_bwd_x_ref(&op_1st____clamp_bwd_op, at(ctx->arena, 0),
            at(ctx->arena, 40), at(ctx->arena, 0));
        break;
    case 28:
        /* 28 1st é_bias_bias_bwd: bias_bwd 1x2 -> 2 */
        tp_bias_q8_bwd_w_ref(&op_1st____bias_bias_bwd_op, at(ctx->arena, 0),
            at(ctx->train, 268));
        break;
    case 29:
        /* 29 1st é_conv_bwd_x: conv_bwd_x 1x2 -> 1x2 */
        tp_conv2d_s8_bwd_x_ref(&op_1st____conv_bwd_x_op, at(ctx->arena, 0),
            at(ctx->arena, 4), at(ctx->train, 176));
        break;
    case 30:
        /* 30 a_b_clamp_bwd: clamp_bwd 1x2 -> 1x2 */
        tp_mask_q8_bwd_x_ref(&a_b_clamp_bwd_op, at(ctx->arena, 4),
            at(ctx->arena, 36), at(ctx->arena, 4));
        break;
    case 31:
        /* 31 a_b_bias_bias_bwd: bias_bwd 1x2 -> 2 */
        tp_bias_q8_bwd_w_ref(&a_b_bias_bias_bwd_op, at(ctx->arena, 4),
            at(ctx->train, 256));
        break;
    case 32:
        /* 32 a_b_conv_bwd_x: conv_bwd_x 1x2 -> 1x2 */
        tp_conv2d_s8_bwd_x_ref(&a_b_conv_bwd_x_op, at(ctx->arena, 4),
            at(ctx->arena, 0), at(ctx->train, 184));
        break;
    case 33:
        /* 33 a b_clamp_bwd: clamp_bwd 1x2 -> 1x2 */
        tp_mask_q8_bwd_x_ref(&a_b_clamp_bwd_op2, at(ctx->arena, 0),
            at(ctx->arena, 32), at(ctx->arena, 0));
        break;
    case 34:
        /* 34 a b_bias_bias_bwd: bias_bwd 1x2 -> 2 */
        tp_bias_q8_bwd_w_ref(&a_b_bias_bias_bwd_op2, at(ctx->arena, 0),
            at(ctx->train, 244));
        break;
    case 35:
        /* 35 a b_conv_bwd_x: conv_bwd_x 1x2 -> 1x2 */
        tp_conv2d_s8_bwd_x_ref(&a_b_conv_bwd_x_op2, at(ctx->arena, 0),
            at(ctx->arena, 4), at(ctx->train, 192));
        break;
    case 36:
        /* 36 "); \ ??%s ? ?/ ? ?=_clamp_bwd: clamp_bwd 1x2 -> 1x2 */
        tp_mask_q8_bwd_x_ref(&op__________s_________clamp_bwd_op,
            at(ctx->arena, 4), at(ctx->arena, 28), at(ctx->arena, 4));
        break;
    case 37:
        /* 37 "); \ ??%s ? ?/ ? ?=_bias_bias_bwd: bias_bwd 1x2 -> 2 */
        tp_bias_q8_bwd_w_ref(&op__________s_________bias_bias_bwd_op,
            at(ctx->arena, 4), at(ctx->train, 232));
        break;
    case 38:
        /* 38 "); \ ??%s ? ?/ ? ?=_conv_bwd_x: conv_bwd_x 1x2 -> 1x3 */
        tp_conv2d_s8_bwd_x_ref(&op__________s_________conv_bwd_x_op,
            at(ctx->arena, 4), at(ctx->arena, 0), at(ctx->train, 200));
        break;
    case 39:
        /* 39 a * / b / * c_clamp_bwd: clamp_bwd 1x3 -> 1x3 */
        tp_mask_q8_bwd_x_ref(&a____b____c_clamp_bwd_op, at(ctx->arena, 0),
            at(ctx->arena, 24), at(ctx->arena, 0));
        break;
    case 40:
        /* 40 a * / b / * c_lora_bwd_b: lora_bwd_b 1x1 -> 3x1 */
        tp_lora_q16_bwd_w_ref(&a____b____c_lora_bwd_b_op, at(ctx->arena, 12),
            at(ctx->arena, 0), at(ctx->train, 316));
        break;
    case 41:
        /* 41 a * / b / * c_lora_bwd_u: lora_bwd_u 1x3 -> 1x1 */
        tp_lora_q8_bwd_u_ref(&a____b____c_lora_bwd_u_op, at(ctx->arena, 0),
            at(ctx->adapter, 40), at(ctx->arena, 8), at(ctx->train, 208));
        break;
    case 42:
        /* 42 a * / b / * c_conv_bwd_w: conv_bwd_w 1x2 -> 1x2 */
        tp_conv2d_s8_bwd_w_ref(&a____b____c_conv_bwd_w_op, s->x,
            at(ctx->arena, 8), at(ctx->train, 304));
        break;
    case 43:
        /* 43 a * / b / * c_bias_bias_bwd: bias_bwd 1x3 -> 3 */
        tp_bias_q8_bwd_w_ref(&a____b____c_bias_bias_bwd_op, at(ctx->arena, 0),
            at(ctx->train, 216));
        break;
    default:
        break;
    }
}

static void sample(const tp_ctx *ctx, tp_slice *s) {
    for (; tp_slice_open(s, 44); tp_slice_next(s, cost)) {
        step(ctx, s);
    }
}

static const tp_param params[9] = {
    {.name = "a */ b /* c.bias",
     .count = 3, .adapter = 0, .grad = 216, .master = 0,
     .type = 1, .init = 0, .init_std = 0, .unit = {1073741824, 1}},
    {.name = "\"); \\ \012\011%s \?\?/ \?\?=.bias",
     .count = 2, .adapter = 8, .grad = 232, .master = 3,
     .type = 1, .init = 0, .init_std = 0, .unit = {1073741824, 1}},
    {.name = "a b.bias",
     .count = 2, .adapter = 12, .grad = 244, .master = 5,
     .type = 1, .init = 0, .init_std = 0, .unit = {1073741824, 1}},
    {.name = "a_b.bias",
     .count = 2, .adapter = 16, .grad = 256, .master = 7,
     .type = 1, .init = 0, .init_std = 0, .unit = {1073741824, 1}},
    {.name = "1st \303\251.bias",
     .count = 2, .adapter = 20, .grad = 268, .master = 9,
     .type = 1, .init = 0, .init_std = 0, .unit = {1073741824, 1}},
    {.name = "int.bias",
     .count = 2, .adapter = 24, .grad = 280, .master = 11,
     .type = 1, .init = 0, .init_std = 0, .unit = {1073741824, 1}},
    {.name = "a name that is longer than any line of C that people like to read, twice that in fact, and then some more.bias",
     .count = 2, .adapter = 28, .grad = 292, .master = 13,
     .type = 1, .init = 0, .init_std = 0, .unit = {1073741824, 1}},
    {.name = "a */ b /* c.a",
     .count = 2, .adapter = 32, .grad = 304, .master = 15,
     .type = 0, .init = 1, .init_std = 5793, .unit = {1717986944, -4}},
    {.name = "a */ b /* c.b",
     .count = 3, .adapter = 40, .grad = 316, .master = 17,
     .type = 0, .init = 0, .init_std = 0, .unit = {1717986944, -4}},
};

const tp_model odd_names_model = {
    .name = "odd_names",
    .base_sha256 = {
        0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
        0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
        0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
        0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    },
    .layout_id = 0x1b83afd2u,
    .arena_bytes = ODD_NAMES_ARENA_BYTES,
    .infer_bytes = ODD_NAMES_INFER_BYTES,
    .adapter_bytes = ODD_NAMES_ADAPTER_BYTES,
    .train_bytes = ODD_NAMES_TRAIN_BYTES,
    .x_bytes = ODD_NAMES_X_BYTES,
    .y_bytes = ODD_NAMES_Y_BYTES,
    .sample_bytes = ODD_NAMES_SAMPLE_BYTES,
    .target_bytes = 2, .classes = 0, .loss_floor = 0,
    .n_params = 9, .n_values = 20, .n_gscale = 7,
    .params = params, .n_steps = 44, .cost = cost,
    .state = 1, .optimiser = &tp_optimiser_momentum,
    .layout = {.gscale = 160, .grads = 216, .grads_bytes = 116,
               .master = 332, .momentum = 372, .checkpoint = 412},
    .sample = sample,
    .infer = infer,
};
