/* What each descriptor struct of ops.h is made of, in the order of its
 * fields: emit and the plan's dump print descriptors from these tables. */
#include <stddef.h>

#include "compiler/ops/opdef.h"

/* Rows of one field; the count of an int32_t array follows from its type. */
#define INT(desc, field)                                                       \
    {                                                                          \
#field, offsetof(desc, field), TP_F_INT,                               \
            (int)(sizeof(((desc *)0)->field) / sizeof(int32_t))                \
    }
#define OTHER(desc, field, type)                                               \
    { #field, offsetof(desc, field), type, 1 }
/* One descriptor type from the rows above it. */
#define DESC(name)                                                             \
    const tp_desc_type tp_desc_##name = {                                      \
        "tp_" #name, sizeof(tp_##name), name##_fields,                         \
        (int)(sizeof name##_fields / sizeof name##_fields[0]), 0}
/* The same of one that has a field `reverse`. */
#define DESC_WALK_AT(name, at)                                                 \
    const tp_desc_type tp_desc_##name = {                                      \
        "tp_" #name, sizeof(tp_##name), name##_fields,                         \
        (int)(sizeof name##_fields / sizeof name##_fields[0]),                 \
        offsetof(tp_##name, at)}
#define DESC_WALK(name) DESC_WALK_AT(name, reverse)

static const tp_field conv2d_fields[] = {
    INT(tp_conv2d, in_h),
    INT(tp_conv2d, in_w),
    INT(tp_conv2d, in_c),
    INT(tp_conv2d, out_h),
    INT(tp_conv2d, out_w),
    INT(tp_conv2d, out_c),
    INT(tp_conv2d, k_h),
    INT(tp_conv2d, k_w),
    INT(tp_conv2d, stride_h),
    INT(tp_conv2d, stride_w),
    INT(tp_conv2d, dil_h),
    INT(tp_conv2d, dil_w),
    INT(tp_conv2d, pad_t),
    INT(tp_conv2d, pad_l),
    INT(tp_conv2d, x_zp),
    INT(tp_conv2d, y_zp),
    INT(tp_conv2d, y_min),
    INT(tp_conv2d, y_max),
    OTHER(tp_conv2d, w, TP_F_POINTER),
    OTHER(tp_conv2d, m, TP_F_POINTER),
    OTHER(tp_conv2d, s, TP_F_POINTER),
    OTHER(tp_conv2d, bwd_q, TP_F_POINTER),
    INT(tp_conv2d, bwd_e),
    OTHER(tp_conv2d, lora_m, TP_F_POINTER),
    OTHER(tp_conv2d, lora_s, TP_F_POINTER),
    INT(tp_conv2d, rank),
    INT(tp_conv2d, shift),
    INT(tp_conv2d, acc_shift),
    INT(tp_conv2d, acc_shift_b),
    INT(tp_conv2d, reverse),
};
DESC_WALK(conv2d);

/* The same rows for a tp_conv2d inside another descriptor. */
#define CONV2D(desc, at)                                                       \
    INT(desc, at.in_h), INT(desc, at.in_w), INT(desc, at.in_c),                \
        INT(desc, at.out_h), INT(desc, at.out_w), INT(desc, at.out_c),         \
        INT(desc, at.k_h), INT(desc, at.k_w), INT(desc, at.stride_h),          \
        INT(desc, at.stride_w), INT(desc, at.dil_h), INT(desc, at.dil_w),      \
        INT(desc, at.pad_t), INT(desc, at.pad_l), INT(desc, at.x_zp),          \
        INT(desc, at.y_zp), INT(desc, at.y_min), INT(desc, at.y_max),          \
        OTHER(desc, at.w, TP_F_POINTER), OTHER(desc, at.m, TP_F_POINTER),      \
        OTHER(desc, at.s, TP_F_POINTER), OTHER(desc, at.bwd_q, TP_F_POINTER),  \
        INT(desc, at.bwd_e), OTHER(desc, at.lora_m, TP_F_POINTER),             \
        OTHER(desc, at.lora_s, TP_F_POINTER), INT(desc, at.rank),              \
        INT(desc, at.shift), INT(desc, at.acc_shift),                          \
        INT(desc, at.acc_shift_b)

static const tp_field conv2d_dsp_fields[] = {
    CONV2D(tp_conv2d_dsp, conv),
    INT(tp_conv2d_dsp, conv.reverse),
    INT(tp_conv2d_dsp, pairs),
    INT(tp_conv2d_dsp, direct),
    INT(tp_conv2d_dsp, row_bytes),
    INT(tp_conv2d_dsp, plain),
    INT(tp_conv2d_dsp, up),
    INT(tp_conv2d_dsp, down),
    OTHER(tp_conv2d_dsp, w, TP_F_POINTER),
    OTHER(tp_conv2d_dsp, channel, TP_F_POINTER),
    INT(tp_conv2d_dsp, limit),
    INT(tp_conv2d_dsp, bytes),
    OTHER(tp_conv2d_dsp, two, TP_F_PART),
    OTHER(tp_conv2d_dsp, one, TP_F_PART),
    OTHER(tp_conv2d_dsp, sums, TP_F_PART),
    OTHER(tp_conv2d_dsp, wide, TP_F_PART),
};
DESC_WALK_AT(conv2d_dsp, conv.reverse);

static const tp_field dwconv2d_dsp_fields[] = {
    CONV2D(tp_dwconv2d_dsp, conv),
    INT(tp_dwconv2d_dsp, rows),
    INT(tp_dwconv2d_dsp, plane),
    INT(tp_dwconv2d_dsp, strips),
    INT(tp_dwconv2d_dsp, plain),
    OTHER(tp_dwconv2d_dsp, strip, TP_F_POINTER),
    OTHER(tp_dwconv2d_dsp, channel, TP_F_POINTER),
    INT(tp_dwconv2d_dsp, limit),
    OTHER(tp_dwconv2d_dsp, first, TP_F_PART),
    OTHER(tp_dwconv2d_dsp, other, TP_F_PART),
};
DESC(dwconv2d_dsp);

static const tp_field dwconv2d_any_fields[] = {
    CONV2D(tp_dwconv2d_any, conv),
    INT(tp_dwconv2d_any, conv.reverse),
    INT(tp_dwconv2d_any, padded),
    OTHER(tp_dwconv2d_any, w, TP_F_POINTER),
    OTHER(tp_dwconv2d_any, channel, TP_F_POINTER),
    INT(tp_dwconv2d_any, limit),
};
DESC_WALK_AT(dwconv2d_any, conv.reverse);

static const tp_field conv2d_mve_fields[] = {
    CONV2D(tp_conv2d_mve, conv),
    INT(tp_conv2d_mve, conv.reverse),
    OTHER(tp_conv2d_mve, channel, TP_F_POINTER),
};
DESC_WALK_AT(conv2d_mve, conv.reverse);

static const tp_field conv2d_scalar_fields[] = {
    CONV2D(tp_conv2d_scalar, conv),
    INT(tp_conv2d_scalar, conv.reverse),
    INT(tp_conv2d_scalar, rows),
    OTHER(tp_conv2d_scalar, channel, TP_F_POINTER),
};
DESC_WALK_AT(conv2d_scalar, conv.reverse);

static const tp_field pool_fields[] = {
    INT(tp_pool, in_h),  INT(tp_pool, in_w),     INT(tp_pool, c),
    INT(tp_pool, out_h), INT(tp_pool, out_w),    INT(tp_pool, k_h),
    INT(tp_pool, k_w),   INT(tp_pool, stride_h), INT(tp_pool, stride_w),
    INT(tp_pool, pad_t), INT(tp_pool, pad_l),    INT(tp_pool, y_min),
    INT(tp_pool, y_max), INT(tp_pool, reverse),
};
DESC_WALK(pool);

static const tp_field mean_fields[] = {
    INT(tp_mean, out_dim), INT(tp_mean, out_stride),
    INT(tp_mean, red_dim), INT(tp_mean, red_stride),
    INT(tp_mean, count),   INT(tp_mean, x_zp),
    INT(tp_mean, y_zp),    OTHER(tp_mean, f, TP_F_FACTOR),
};
DESC(mean);

static const tp_field eltwise_fields[] = {
    INT(tp_eltwise, dim),
    INT(tp_eltwise, a_stride),
    INT(tp_eltwise, b_stride),
    INT(tp_eltwise, a_zp),
    INT(tp_eltwise, b_zp),
    INT(tp_eltwise, y_zp),
    INT(tp_eltwise, y_min),
    INT(tp_eltwise, y_max),
    INT(tp_eltwise, left_shift),
    INT(tp_eltwise, b_sign),
    OTHER(tp_eltwise, a, TP_F_FACTOR),
    OTHER(tp_eltwise, b, TP_F_FACTOR),
    OTHER(tp_eltwise, y, TP_F_FACTOR),
};
DESC(eltwise);

static const tp_field eltwise_bwd_fields[] = {
    INT(tp_eltwise_bwd, x_dim),
    INT(tp_eltwise_bwd, x_dy_stride),
    INT(tp_eltwise_bwd, x_other_stride),
    INT(tp_eltwise_bwd, red_dim),
    INT(tp_eltwise_bwd, red_dy_stride),
    INT(tp_eltwise_bwd, red_other_stride),
    INT(tp_eltwise_bwd, other_zp),
    INT(tp_eltwise_bwd, q),
    INT(tp_eltwise_bwd, e),
};
DESC(eltwise_bwd);

static const tp_field lut_fields[] = {
    INT(tp_lut, n),
    OTHER(tp_lut, table, TP_F_POINTER),
    OTHER(tp_lut, slope, TP_F_POINTER),
};
DESC(lut);

static const tp_field softmax_fields[] = {
    INT(tp_softmax, rows),
    INT(tp_softmax, cols),
    OTHER(tp_softmax, beta, TP_F_FACTOR),
    INT(tp_softmax, diff_min),
};
DESC(softmax);

static const tp_field copy_fields[] = {
    INT(tp_copy, dim),      INT(tp_copy, x_offset), INT(tp_copy, x_stride),
    INT(tp_copy, y_offset), INT(tp_copy, y_stride),
};
DESC(copy);

static const tp_field fill_fields[] = {
    INT(tp_fill, n),
    INT(tp_fill, value),
};
DESC(fill);

static const tp_field resize_fields[] = {
    INT(tp_resize, in_h),
    INT(tp_resize, in_w),
    INT(tp_resize, out_h),
    INT(tp_resize, out_w),
    INT(tp_resize, c),
    OTHER(tp_resize, row, TP_F_POINTER),
    OTHER(tp_resize, col, TP_F_POINTER),
};
DESC(resize);

static const tp_field clamp_fields[] = {
    INT(tp_clamp, n),
    INT(tp_clamp, y_min),
    INT(tp_clamp, y_max),
};
DESC(clamp);

static const tp_field sum_fields[] = {
    INT(tp_sum, n),
};
DESC(sum);

static const tp_field bias_fields[] = {
    INT(tp_bias, n),
    INT(tp_bias, pixels),
    OTHER(tp_bias, m, TP_F_POINTER),
    OTHER(tp_bias, s, TP_F_POINTER),
};
DESC(bias);

static const tp_field random_fields[] = {
    INT(tp_random, n), INT(tp_random, seed), INT(tp_random, m),
    INT(tp_random, e), INT(tp_random, keep),
};
DESC(random);

static const tp_field bottleneck_fields[] = {
    CONV2D(tp_bottleneck, conv),
    INT(tp_bottleneck, x_zp),
    INT(tp_bottleneck, act),
    OTHER(tp_bottleneck, s_x, TP_F_FACTOR),
};
DESC(bottleneck);

static const tp_field sparse_fields[] = {
    CONV2D(tp_sparse, conv),
    INT(tp_sparse, x_zp),
    INT(tp_sparse, count),
    INT(tp_sparse, width),
};
DESC(sparse);

static const tp_field rescale_fields[] = {
    INT(tp_rescale, n),
    INT(tp_rescale, pixels),
    INT(tp_rescale, y_zp),
    INT(tp_rescale, acc_shift),
    OTHER(tp_rescale, m, TP_F_POINTER),
    OTHER(tp_rescale, s, TP_F_POINTER),
};
DESC(rescale);

static const tp_field vera_fields[] = {
    INT(tp_vera, out),
    INT(tp_vera, rank),
};
DESC(vera);

static const tp_field hyper_fields[] = {
    INT(tp_hyper, n),
    INT(tp_hyper, seed),
    INT(tp_hyper, shift),
    OTHER(tp_hyper, unit, TP_F_FACTOR),
};
DESC(hyper);

static const tp_field unpack_fields[] = {
    INT(tp_unpack, n),
    INT(tp_unpack, bits),
    INT(tp_unpack, ranks),
    INT(tp_unpack, stride),
};
DESC(unpack);

static const tp_field head_fields[] = {
    INT(tp_head, in_c),
    INT(tp_head, classes),
    INT(tp_head, x_zp),
    OTHER(tp_head, scale, TP_F_FACTOR),
};
DESC(head);

static const tp_field sgd_fields[] = {
    INT(tp_sgd, n),
    INT(tp_sgd, index),
    OTHER(tp_sgd, unit, TP_F_FACTOR),
};
DESC(sgd);

static const tp_field head_sgd_fields[] = {
    INT(tp_head_sgd, in_c),
    INT(tp_head_sgd, classes),
    INT(tp_head_sgd, x_zp),
    INT(tp_head_sgd, index),
    OTHER(tp_head_sgd, unit, TP_F_FACTOR),
};
DESC(head_sgd);

static const tp_field ce_fields[] = {
    INT(tp_ce, n),
    INT(tp_ce, zp),
    OTHER(tp_ce, scale, TP_F_FACTOR),
    INT(tp_ce, smooth),
};
DESC(ce);

static const tp_field mse_fields[] = {
    INT(tp_mse, n),
    OTHER(tp_mse, loss, TP_F_FACTOR),
    INT(tp_mse, q),
    INT(tp_mse, e),
};
DESC(mse);
