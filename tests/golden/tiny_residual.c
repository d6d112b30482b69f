/* The program of tiny_residual. Generated; do not edit. */
#include "tiny_residual.h"

#include "tinypeft/kernels.h"

_Static_assert(sizeof(tiny_residual_memory) == TINY_RESIDUAL_RAM_BYTES, "RAM");

extern const int32_t tiny_residual_conv0_bias_m[3];
extern const int8_t tiny_residual_conv0_bias_s[3];
extern const int32_t tiny_residual_conv0_bias_b[3];
extern const int32_t tiny_residual_conv0_m[3];
extern const int8_t tiny_residual_conv0_s[3];
extern const int8_t tiny_residual_conv0_w[6];
extern const int32_t tiny_residual_dwconv1_bias_m[3];
extern const int8_t tiny_residual_dwconv1_bias_s[3];
extern const int32_t tiny_residual_dwconv1_bias_b[3];
extern const int32_t tiny_residual_dwconv1_m[3];
extern const int8_t tiny_residual_dwconv1_s[3];
extern const int8_t tiny_residual_dwconv1_w[27];
extern const int32_t tiny_residual_fc5_bias_m[2];
extern const int8_t tiny_residual_fc5_bias_s[2];
extern const int32_t tiny_residual_fc5_bias_b[2];
extern const int32_t tiny_residual_fc5_m[2];
extern const int8_t tiny_residual_fc5_s[2];
extern const int8_t tiny_residual_fc5_w[6];
extern const uint16_t tiny_residual_fc5_conv_bwd_x_bwd_q[2];
extern const uint16_t tiny_residual_dwconv1_dwconv_bwd_x_bwd_q[3];

static const tp_bias conv0_bias_op = {
    .n = 3, .pixels = 1, .m = tiny_residual_conv0_bias_m,
    .s = tiny_residual_conv0_bias_s,
};

static const tp_conv2d conv0_op = {
    .in_h = 4, .in_w = 4, .in_c = 2, .out_h = 4, .out_w = 4, .out_c = 3,
    .k_h = 1, .k_w = 1, .stride_h = 1, .stride_w = 1, .dil_h = 1, .dil_w = 1,
    .y_zp = -10, .y_min = -128, .y_max = 127, .w = tiny_residual_conv0_w,
    .m = tiny_residual_conv0_m, .s = tiny_residual_conv0_s,
};

static const tp_bias dwconv1_bias_op = {
    .n = 3, .pixels = 1, .m = tiny_residual_dwconv1_bias_m,
    .s = tiny_residual_dwconv1_bias_s,
};

static const tp_conv2d dwconv1_op = {
    .in_h = 4, .in_w = 4, .in_c = 3, .out_h = 4, .out_w = 4, .out_c = 3,
    .k_h = 3, .k_w = 3, .stride_h = 1, .stride_w = 1, .dil_h = 1, .dil_w = 1,
    .pad_t = 1, .pad_l = 1, .x_zp = -10, .y_zp = -128, .y_min = -128,
    .y_max = 127, .w = tiny_residual_dwconv1_w, .m = tiny_residual_dwconv1_m,
    .s = tiny_residual_dwconv1_s,
};

static const tp_eltwise add2_op = {
    .dim = {1, 1, 1, 48}, .a_stride = {0, 0, 0, 1}, .b_stride = {0, 0, 0, 1},
    .a_zp = -10, .b_zp = -128, .y_zp = -20, .y_min = -20, .y_max = 127,
    .left_shift = 20, .b_sign = 1, .a = {1073741824, 0}, .b = {1789569773, -1},
    .y = {1840700221, -19},
};

static const tp_pool avgpool3_op = {
    .in_h = 4, .in_w = 4, .c = 3, .out_h = 1, .out_w = 1, .k_h = 4, .k_w = 4,
    .stride_h = 4, .stride_w = 4, .y_min = -128, .y_max = 127,
};

static const tp_bias fc5_bias_op = {
    .n = 2, .pixels = 1, .m = tiny_residual_fc5_bias_m,
    .s = tiny_residual_fc5_bias_s,
};

static const tp_conv2d fc5_op = {
    .in_h = 1, .in_w = 1, .in_c = 3, .out_h = 1, .out_w = 1, .out_c = 2,
    .k_h = 1, .k_w = 1, .stride_h = 1, .stride_w = 1, .dil_h = 1, .dil_w = 1,
    .y_min = -128, .y_max = 127, .w = tiny_residual_fc5_w,
    .m = tiny_residual_fc5_m, .s = tiny_residual_fc5_s,
};

static const tp_softmax softmax6_op = {
    .rows = 1, .cols = 2, .beta = {1717986944, 22}, .diff_min = -496,
};

static const tp_clamp dwconv1_mask_op = {
    .n = 48, .y_min = -128, .y_max = 127,
};

static const tp_clamp add2_mask_op = {
    .n = 48, .y_min = -20, .y_max = 127,
};

static const tp_ce loss_op = {
    .n = 2, .scale = {1717986944, -4}, .smooth = 104858,
};

static const tp_bias fc5_bias_bias_bwd_op = {
    .n = 2, .pixels = 1,
};

static const tp_conv2d fc5_conv_bwd_x_op = {
    .in_h = 1, .in_w = 1, .in_c = 3, .out_h = 1, .out_w = 1, .out_c = 2,
    .k_h = 1, .k_w = 1, .stride_h = 1, .stride_w = 1, .dil_h = 1, .dil_w = 1,
    .w = tiny_residual_fc5_w, .bwd_q = tiny_residual_fc5_conv_bwd_x_bwd_q,
    .bwd_e = -5,
};

static const tp_pool avgpool3_avgpool_bwd_op = {
    .in_h = 4, .in_w = 4, .c = 3, .out_h = 1, .out_w = 1, .k_h = 4, .k_w = 4,
    .stride_h = 4, .stride_w = 4,
};

static const tp_clamp add2_clamp_bwd_op = {
    .n = 48, .y_min = -20, .y_max = 127,
};

static const tp_clamp dwconv1_clamp_bwd_op = {
    .n = 48, .y_min = -128, .y_max = 127,
};

static const tp_bias dwconv1_bias_bias_bwd_op = {
    .n = 3, .pixels = 16,
};

static const tp_conv2d dwconv1_dwconv_bwd_x_op = {
    .in_h = 4, .in_w = 4, .in_c = 3, .out_h = 4, .out_w = 4, .out_c = 3,
    .k_h = 3, .k_w = 3, .stride_h = 1, .stride_w = 1, .dil_h = 1, .dil_w = 1,
    .pad_t = 1, .pad_l = 1, .w = tiny_residual_dwconv1_w,
    .bwd_q = tiny_residual_dwconv1_dwconv_bwd_x_bwd_q, .bwd_e = -7,
    .reverse = 1,
};

static const tp_sum conv0_grad_sum_op = {
    .n = 48,
};

static const tp_bias conv0_bias_bias_bwd_op = {
    .n = 3, .pixels = 16,
};

static inline void *at(uint8_t *base, uint32_t offset) {
    return base + offset;
}

static void infer(const tp_ctx *ctx, const void *x, void *y) {
    (void)ctx;
    /* 0 conv0_bias: bias 3 -> 3 */
    tp_bias_s16_fwd_ref(&conv0_bias_op, tiny_residual_conv0_bias_b,
        at(ctx->adapter, 0), at(ctx->arena, 48));
    /* 1 conv0: conv 1x4x4x2 -> 1x4x4x3, 96 MAC,
     * y = 0.0599999987 * (q + 10) */
    tp_conv2d_s8_fwd_ref(&conv0_op, x, at(ctx->arena, 48), at(ctx->arena, 0));
    /* 2 dwconv1_bias: bias 3 -> 3 */
    tp_bias_s16_fwd_ref(&dwconv1_bias_op, tiny_residual_dwconv1_bias_b,
        at(ctx->adapter, 8), at(ctx->arena, 96));
    /* 3 dwconv1: dwconv 1x4x4x3 -> 1x4x4x3, 432 MAC,
     * y = 0.0500000007 * (q + 128) */
    tp_dwconv2d_s8_fwd_ref(&dwconv1_op, at(ctx->arena, 0), at(ctx->arena, 96),
        at(ctx->arena, 48));
    /* 4 add2: add 1x4x4x3 -> 1x4x4x3,
     * y = 0.0700000003 * (q + 20) */
    tp_add_s8_fwd_ref(&add2_op, at(ctx->arena, 0), at(ctx->arena, 48),
        at(ctx->arena, 0));
    /* 5 avgpool3: avgpool 1x4x4x3 -> 1x1x1x3,
     * y = 0.0700000003 * (q + 20) */
    tp_avgpool_s8_fwd_ref(&avgpool3_op, at(ctx->arena, 0), at(ctx->arena, 48));
    /* 6 fc5_bias: bias 2 -> 2 */
    tp_bias_s16_fwd_ref(&fc5_bias_op, tiny_residual_fc5_bias_b,
        at(ctx->adapter, 16), at(ctx->arena, 0));
    /* 7 fc5: fc 1x3 -> 1x2, 6 MAC,
     * y = 0.0500000007 * (q - 0) */
    tp_conv2d_s8_fwd_ref(&fc5_op, at(ctx->arena, 48), at(ctx->arena, 0), y);
    /* 8 softmax6: softmax 1x2 -> 1x2,
     * y = 0.00390625 * (q + 128) */
    tp_softmax_s8_fwd_ref(&softmax6_op, y, y);
}

static const uint32_t cost[20] = {
    165, 9832, 165, 12514, 1005, 2221, 1005, 425, 125, 566, 565, 65, 417, 694,
    794, 794, 432, 14530, 2431, 432,
};

static void step(const tp_ctx *ctx, const tp_slice *s) {
    switch (s->step) {
    case 0:
        /* 0 conv0_bias: bias 3 -> 3 */
        tp_bias_s16_fwd_ref(&conv0_bias_op, tiny_residual_conv0_bias_b,
            at(ctx->adapter, 0), at(ctx->arena, 48));
        break;
    case 1:
        /* 1 conv0: conv 1x4x4x2 -> 1x4x4x3, 96 MAC,
         * y = 0.0599999987 * (q + 10) */
        tp_conv2d_s8_fwd_ref(&conv0_op, s->x, at(ctx->arena, 48),
            at(ctx->arena, 0));
        break;
    case 2:
        /* 2 dwconv1_bias: bias 3 -> 3 */
        tp_bias_s16_fwd_ref(&dwconv1_bias_op, tiny_residual_dwconv1_bias_b,
            at(ctx->adapter, 8), at(ctx->arena, 96));
        break;
    case 3:
        /* 3 dwconv1: dwconv 1x4x4x3 -> 1x4x4x3, 432 MAC,
         * y = 0.0500000007 * (q + 128) */
        tp_dwconv2d_s8_fwd_ref(&dwconv1_op, at(ctx->arena, 0),
            at(ctx->arena, 96), at(ctx->arena, 48));
        break;
    case 4:
        /* 4 dwconv1_mask: mask 1x4x4x3 -> 1x4x4x3 */
        tp_mask_s8_fwd_ref(&dwconv1_mask_op, at(ctx->arena, 48),
            at(ctx->arena, 104));
        break;
    case 5:
        /* 5 add2: add 1x4x4x3 -> 1x4x4x3,
         * y = 0.0700000003 * (q + 20) */
        tp_add_s8_fwd_ref(&add2_op, at(ctx->arena, 0), at(ctx->arena, 48),
            at(ctx->arena, 0));
        break;
    case 6:
        /* 6 add2_mask: mask 1x4x4x3 -> 1x4x4x3 */
        tp_mask_s8_fwd_ref(&add2_mask_op, at(ctx->arena, 0),
            at(ctx->arena, 56));
        break;
    case 7:
        /* 7 avgpool3: avgpool 1x4x4x3 -> 1x1x1x3,
         * y = 0.0700000003 * (q + 20) */
        tp_avgpool_s8_fwd_ref(&avgpool3_op, at(ctx->arena, 0),
            at(ctx->arena, 48));
        break;
    case 8:
        /* 8 fc5_bias: bias 2 -> 2 */
        tp_bias_s16_fwd_ref(&fc5_bias_op, tiny_residual_fc5_bias_b,
            at(ctx->adapter, 16), at(ctx->arena, 0));
        break;
    case 9:
        /* 9 fc5: fc 1x3 -> 1x2, 6 MAC,
         * y = 0.0500000007 * (q - 0) */
        tp_conv2d_s8_fwd_ref(&fc5_op, at(ctx->arena, 48), at(ctx->arena, 0),
            at(ctx->arena, 16));
        break;

    /* Backward, from the loss down to conv0_bias_bias_bwd. What lies before
     * holds nothing to train: no gradient is made for it. */
    case 10:
        /* 10 loss: ce_loss 1x2 -> 1x2 */
        tp_ce_s8_loss_ref(&loss_op, at(ctx->arena, 16), s->target,
            at(ctx->arena, 8), s->loss, at(ctx->train, 160), at(ctx->arena, 0));
        break;
    case 11:
        /* 11 fc5_bias_bias_bwd: bias_bwd 1x2 -> 2 */
        tp_bias_q8_bwd_w_ref(&fc5_bias_bias_bwd_op, at(ctx->arena, 8),
            at(ctx->train, 232));
        break;
    case 12:
        /* 12 fc5_conv_bwd_x: conv_bwd_x 1x2 -> 1x3 */
        tp_conv2d_s8_bwd_x_ref(&fc5_conv_bwd_x_op, at(ctx->arena, 8),
            at(ctx->arena, 48), at(ctx->train, 168));
        break;
    case 13:
        /* 13 avgpool3_avgpool_bwd: avgpool_bwd 1x1x1x3 -> 1x4x4x3 */
        tp_avgpool_q8_bwd_x_ref(&avgpool3_avgpool_bwd_op, at(ctx->arena, 48),
            at(ctx->arena, 0), at(ctx->train, 176));
        break;
    case 14:
        /* 14 add2_clamp_bwd: clamp_bwd 1x4x4x3 -> 1x4x4x3 */
        tp_mask_q8_bwd_x_ref(&add2_clamp_bwd_op, at(ctx->arena, 0),
            at(ctx->arena, 56), at(ctx->arena, 0));
        break;
    case 15:
        /* 15 dwconv1_clamp_bwd: clamp_bwd 1x4x4x3 -> 1x4x4x3 */
        tp_mask_q8_bwd_x_ref(&dwconv1_clamp_bwd_op, at(ctx->arena, 0),
            at(ctx->arena, 104), at(ctx->arena, 52));
        break;
    case 16:
        /* 16 dwconv1_bias_bias_bwd: bias_bwd 1x4x4x3 -> 3 */
        tp_bias_q8_bwd_w_ref(&dwconv1_bias_bias_bwd_op, at(ctx->arena, 52),
            at(ctx->train, 216));
        break;
    case 17:
        /* 17 dwconv1_dwconv_bwd_x: dwconv_bwd_x 1x4x4x3 -> 1x4x4x3 */
        tp_dwconv2d_s8_bwd_x_ref(&dwconv1_dwconv_bwd_x_op, at(ctx->arena, 52),
            at(ctx->arena, 72), at(ctx->train, 184));
        break;
    case 18:
        /* 18 conv0_grad_sum: grad_sum 1x4x4x3 -> 1x4x4x3 */
        tp_sum_q8_bwd_x_ref(&conv0_grad_sum_op, at(ctx->arena, 0),
            at(ctx->arena, 72), at(ctx->arena, 0), at(ctx->train, 192));
        break;
    case 19:
        /* 19 conv0_bias_bias_bwd: bias_bwd 1x4x4x3 -> 3 */
        tp_bias_q8_bwd_w_ref(&conv0_bias_bias_bwd_op, at(ctx->arena, 0),
            at(ctx->train, 200));
        break;
    default:
        break;
    }
}

static void sample(const tp_ctx *ctx, tp_slice *s) {
    for (; tp_slice_open(s, 20); tp_slice_next(s, cost)) {
        step(ctx, s);
    }
}

static const tp_param params[3] = {
    {.name = "conv0.bias",
     .count = 3, .adapter = 0, .grad = 200, .master = 0,
     .type = 1, .init = 0, .init_std = 0, .unit = {1073741824, 1}},
    {.name = "dwconv1.bias",
     .count = 3, .adapter = 8, .grad = 216, .master = 3,
     .type = 1, .init = 0, .init_std = 0, .unit = {1073741824, 1}},
    {.name = "fc5.bias",
     .count = 2, .adapter = 16, .grad = 232, .master = 6,
     .type = 1, .init = 0, .init_std = 0, .unit = {1073741824, 1}},
};

const tp_model tiny_residual_model = {
    .name = "tiny_residual",
    .base_sha256 = {
        0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
        0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
        0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
        0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    },
    .layout_id = 0x92a9a0a8u,
    .arena_bytes = TINY_RESIDUAL_ARENA_BYTES,
    .infer_bytes = TINY_RESIDUAL_INFER_BYTES,
    .adapter_bytes = TINY_RESIDUAL_ADAPTER_BYTES,
    .train_bytes = TINY_RESIDUAL_TRAIN_BYTES,
    .x_bytes = TINY_RESIDUAL_X_BYTES,
    .y_bytes = TINY_RESIDUAL_Y_BYTES,
    .sample_bytes = TINY_RESIDUAL_SAMPLE_BYTES,
    .target_bytes = 1, .classes = 2, .loss_floor = 45426,
    .n_params = 3, .n_values = 8, .n_gscale = 5,
    .params = params, .n_steps = 20, .cost = cost,
    .state = 1, .optimiser = &tp_optimiser_momentum,
    .layout = {.gscale = 160, .grads = 200, .grads_bytes = 44,
               .master = 244, .momentum = 260, .checkpoint = 276},
    .sample = sample,
    .infer = infer,
};
