/* The program of tiny_mlp. Generated; do not edit. */
#include "tiny_mlp.h"

#include "tinypeft/kernels.h"

_Static_assert(sizeof(tiny_mlp_memory) == TINY_MLP_RAM_BYTES, "RAM");

extern const int32_t tiny_mlp_fc0_bias_m[4];
extern const int8_t tiny_mlp_fc0_bias_s[4];
extern const int32_t tiny_mlp_fc0_bias_b[4];
extern const int32_t tiny_mlp_fc0_m[4];
extern const int8_t tiny_mlp_fc0_s[4];
extern const int8_t tiny_mlp_fc0_w[24];
extern const int32_t tiny_mlp_fc1_bias_m[6];
extern const int8_t tiny_mlp_fc1_bias_s[6];
extern const int32_t tiny_mlp_fc1_bias_b[6];
extern const int32_t tiny_mlp_fc1_lora_m[6];
extern const int8_t tiny_mlp_fc1_lora_s[6];
extern const int32_t tiny_mlp_fc1_m[6];
extern const int8_t tiny_mlp_fc1_s[6];
extern const int8_t tiny_mlp_fc1_w[24];
extern const uint16_t tiny_mlp_fc1_conv_lora_bwd_x_bwd_q[6];

static const tp_bias fc0_bias_op = {
    .n = 4, .pixels = 1, .m = tiny_mlp_fc0_bias_m, .s = tiny_mlp_fc0_bias_s,
};

static const tp_conv2d fc0_op = {
    .in_h = 1, .in_w = 1, .in_c = 6, .out_h = 1, .out_w = 1, .out_c = 4,
    .k_h = 1, .k_w = 1, .stride_h = 1, .stride_w = 1, .dil_h = 1, .dil_w = 1,
    .y_zp = -128, .y_min = -128, .y_max = 127, .w = tiny_mlp_fc0_w,
    .m = tiny_mlp_fc0_m, .s = tiny_mlp_fc0_s,
};

static const tp_bias fc1_bias_op = {
    .n = 6, .pixels = 1, .m = tiny_mlp_fc1_bias_m, .s = tiny_mlp_fc1_bias_s,
};

static const tp_conv2d fc1_a_op = {
    .in_h = 1, .in_w = 1, .in_c = 4, .out_h = 1, .out_w = 1, .out_c = 1,
    .k_h = 1, .k_w = 1, .stride_h = 1, .stride_w = 1, .dil_h = 1, .dil_w = 1,
    .x_zp = -128, .shift = 2,
};

static const tp_conv2d fc1_op = {
    .in_h = 1, .in_w = 1, .in_c = 4, .out_h = 1, .out_w = 1, .out_c = 6,
    .k_h = 1, .k_w = 1, .stride_h = 1, .stride_w = 1, .dil_h = 1, .dil_w = 1,
    .y_zp = -1, .y_min = -128, .y_max = 127, .w = tiny_mlp_fc1_w,
    .m = tiny_mlp_fc1_m, .s = tiny_mlp_fc1_s, .lora_m = tiny_mlp_fc1_lora_m,
    .lora_s = tiny_mlp_fc1_lora_s, .rank = 1,
};

static const tp_mse loss_op = {
    .n = 6, .loss = {1484340815, -11}, .q = 31457, .e = -6,
};

static const tp_conv2d fc1_lora_bwd_b_op = {
    .in_h = 1, .in_w = 1, .in_c = 6, .out_h = 1, .out_w = 1, .out_c = 6,
    .k_h = 1, .k_w = 1, .stride_h = 1, .stride_w = 1, .dil_h = 1, .dil_w = 1,
    .rank = 1,
};

static const tp_conv2d fc1_lora_bwd_u_op = {
    .in_h = 1, .in_w = 1, .in_c = 6, .out_h = 1, .out_w = 1, .out_c = 6,
    .k_h = 1, .k_w = 1, .stride_h = 1, .stride_w = 1, .dil_h = 1, .dil_w = 1,
    .rank = 1,
};

static const tp_conv2d fc1_conv_bwd_w_op = {
    .in_h = 1, .in_w = 1, .in_c = 4, .out_h = 1, .out_w = 1, .out_c = 1,
    .k_h = 1, .k_w = 1, .stride_h = 1, .stride_w = 1, .dil_h = 1, .dil_w = 1,
    .x_zp = -128,
};

static const tp_bias fc1_bias_bias_bwd_op = {
    .n = 6, .pixels = 1,
};

static const tp_conv2d fc1_conv_lora_bwd_x_op = {
    .in_h = 1, .in_w = 1, .in_c = 4, .out_h = 1, .out_w = 1, .out_c = 6,
    .k_h = 1, .k_w = 1, .stride_h = 1, .stride_w = 1, .dil_h = 1, .dil_w = 1,
    .w = tiny_mlp_fc1_w, .bwd_q = tiny_mlp_fc1_conv_lora_bwd_x_bwd_q,
    .bwd_e = -6, .rank = 1, .reverse = 1,
};

static const tp_clamp fc0_clamp_bwd_op = {
    .n = 4, .y_min = -128, .y_max = 127,
};

static const tp_bias fc0_bias_bias_bwd_op = {
    .n = 4, .pixels = 1,
};

static inline void *at(uint8_t *base, uint32_t offset) {
    return base + offset;
}

static void infer(const tp_ctx *ctx, const void *x, void *y) {
    (void)ctx;
    /* 0 fc0_bias: bias 4 -> 4 */
    tp_bias_s16_fwd_ref(&fc0_bias_op, tiny_mlp_fc0_bias_b, at(ctx->adapter, 0),
        at(ctx->arena, 0));
    /* 1 fc0: fc 1x6 -> 1x4, 24 MAC,
     * y = 0.0299999993 * (q + 128) */
    tp_conv2d_s8_fwd_ref(&fc0_op, x, at(ctx->arena, 0), at(ctx->arena, 32));
    /* 2 fc1_bias: bias 6 -> 6 */
    tp_bias_s16_fwd_ref(&fc1_bias_op, tiny_mlp_fc1_bias_b, at(ctx->adapter, 8),
        at(ctx->arena, 0));
    /* 3 fc1_a: lora_a 1x4 -> 1x1, 4 MAC */
    tp_conv2d_q8_s16_fwd_ref(&fc1_a_op, at(ctx->arena, 32),
        at(ctx->adapter, 20), at(ctx->arena, 24));
    /* 4 fc1: conv_lora 1x4 -> 1x6, 30 MAC,
     * y = 0.0450000018 * (q + 1) */
    tp_conv2d_lora_s8_fwd_ref(&fc1_op, at(ctx->arena, 32), at(ctx->arena, 0),
        at(ctx->arena, 24), at(ctx->adapter, 28), y);
}

static const uint32_t cost[13] = {
    206, 661, 286, 357, 1166, 204, 1748, 311, 457, 92, 872, 120, 78,
};

static void step(const tp_ctx *ctx, const tp_slice *s) {
    switch (s->step) {
    case 0:
        /* 0 fc0_bias: bias 4 -> 4 */
        tp_bias_s16_fwd_ref(&fc0_bias_op, tiny_mlp_fc0_bias_b,
            at(ctx->adapter, 0), at(ctx->arena, 0));
        break;
    case 1:
        /* 1 fc0: fc 1x6 -> 1x4, 24 MAC,
         * y = 0.0299999993 * (q + 128) */
        tp_conv2d_s8_fwd_ref(&fc0_op, s->x, at(ctx->arena, 0),
            at(ctx->arena, 40));
        break;
    case 2:
        /* 2 fc1_bias: bias 6 -> 6 */
        tp_bias_s16_fwd_ref(&fc1_bias_op, tiny_mlp_fc1_bias_b,
            at(ctx->adapter, 8), at(ctx->arena, 0));
        break;
    case 3:
        /* 3 fc1_a: lora_a 1x4 -> 1x1, 4 MAC */
        tp_conv2d_q8_s16_fwd_ref(&fc1_a_op, at(ctx->arena, 40),
            at(ctx->adapter, 20), at(ctx->arena, 24));
        break;
    case 4:
        /* 4 fc1: conv_lora 1x4 -> 1x6, 30 MAC,
         * y = 0.0450000018 * (q + 1) */
        tp_conv2d_lora_s8_fwd_ref(&fc1_op, at(ctx->arena, 40),
            at(ctx->arena, 0), at(ctx->arena, 24), at(ctx->adapter, 28),
            at(ctx->arena, 32));
        break;

    /* Backward, from the loss down to fc0_bias_bias_bwd. What lies before holds
     * nothing to train: no gradient is made for it. */
    case 5:
        /* 5 loss: mse_loss 1x6 -> 1x6 */
        tp_mse_s8_loss_ref(&loss_op, at(ctx->arena, 32), s->target,
            at(ctx->arena, 0), s->loss);
        break;
    case 6:
        /* 6 fc1_lora_bwd_b: lora_bwd_b 1x1 -> 6x1 */
        tp_lora_q16_bwd_w_ref(&fc1_lora_bwd_b_op, at(ctx->arena, 24),
            at(ctx->arena, 0), at(ctx->train, 244));
        break;
    case 7:
        /* 7 fc1_lora_bwd_u: lora_bwd_u 1x6 -> 1x1 */
        tp_lora_q8_bwd_u_ref(&fc1_lora_bwd_u_op, at(ctx->arena, 0),
            at(ctx->adapter, 28), at(ctx->arena, 16), at(ctx->train, 160));
        break;
    case 8:
        /* 8 fc1_conv_bwd_w: conv_bwd_w 1x4 -> 1x4 */
        tp_conv2d_s8_bwd_w_ref(&fc1_conv_bwd_w_op, at(ctx->arena, 40),
            at(ctx->arena, 16), at(ctx->train, 224));
        break;
    case 9:
        /* 9 fc1_bias_bias_bwd: bias_bwd 1x6 -> 6 */
        tp_bias_q8_bwd_w_ref(&fc1_bias_bias_bwd_op, at(ctx->arena, 0),
            at(ctx->train, 196));
        break;
    case 10:
        /* 10 fc1_conv_lora_bwd_x: conv_lora_bwd_x 1x6 -> 1x4 */
        tp_conv2d_lora_s8_bwd_x_ref(&fc1_conv_lora_bwd_x_op, at(ctx->arena, 0),
            at(ctx->arena, 16), at(ctx->adapter, 20), at(ctx->arena, 8),
            at(ctx->train, 168));
        break;
    case 11:
        /* 11 fc0_clamp_bwd: clamp_bwd 1x4 -> 1x4 */
        tp_clamp_q8_bwd_x_ref(&fc0_clamp_bwd_op, at(ctx->arena, 8),
            at(ctx->arena, 40), at(ctx->arena, 8));
        break;
    case 12:
        /* 12 fc0_bias_bias_bwd: bias_bwd 1x4 -> 4 */
        tp_bias_q8_bwd_w_ref(&fc0_bias_bias_bwd_op, at(ctx->arena, 8),
            at(ctx->train, 176));
        break;
    default:
        break;
    }
}

static void sample(const tp_ctx *ctx, tp_slice *s) {
    for (; tp_slice_open(s, 13); tp_slice_next(s, cost)) {
        step(ctx, s);
    }
}

static const tp_param params[4] = {
    {.name = "fc0.bias",
     .count = 4, .adapter = 0, .grad = 176, .master = 0,
     .type = 1, .init = 0, .init_std = 0, .unit = {1073741824, 1}},
    {.name = "fc1.bias",
     .count = 6, .adapter = 8, .grad = 196, .master = 4,
     .type = 1, .init = 0, .init_std = 0, .unit = {1073741824, 1}},
    {.name = "fc1.a",
     .count = 4, .adapter = 20, .grad = 224, .master = 10,
     .type = 0, .init = 1, .init_std = 4096, .unit = {2061584256, -5}},
    {.name = "fc1.b",
     .count = 6, .adapter = 28, .grad = 244, .master = 14,
     .type = 0, .init = 0, .init_std = 0, .unit = {2061584256, -5}},
};

const tp_model tiny_mlp_model = {
    .name = "tiny_mlp",
    .base_sha256 = {
        0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
        0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
        0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
        0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    },
    .layout_id = 0xf4133078u,
    .arena_bytes = TINY_MLP_ARENA_BYTES,
    .infer_bytes = TINY_MLP_INFER_BYTES,
    .adapter_bytes = TINY_MLP_ADAPTER_BYTES,
    .train_bytes = TINY_MLP_TRAIN_BYTES,
    .x_bytes = TINY_MLP_X_BYTES,
    .y_bytes = TINY_MLP_Y_BYTES,
    .sample_bytes = TINY_MLP_SAMPLE_BYTES,
    .target_bytes = 6, .classes = 0, .loss_floor = 0,
    .n_params = 4, .n_values = 20, .n_gscale = 2,
    .params = params, .n_steps = 13, .cost = cost,
    .state = 1, .optimiser = &tp_optimiser_momentum,
    .layout = {.gscale = 160, .grads = 176, .grads_bytes = 96,
               .master = 272, .momentum = 312, .checkpoint = 352},
    .sample = sample,
    .infer = infer,
};
