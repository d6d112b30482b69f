/* The program of tiny_conv. Generated; do not edit. */
#include "tiny_conv.h"

#include "tinypeft/kernels.h"

_Static_assert(sizeof(tiny_conv_memory) == TINY_CONV_RAM_BYTES, "RAM");

extern const int32_t tiny_conv_conv0_lora_m[3];
extern const int8_t tiny_conv_conv0_lora_s[3];
extern const int32_t tiny_conv_conv0_m[3];
extern const int8_t tiny_conv_conv0_s[3];
extern const int8_t tiny_conv_conv0_w[27];
extern const int32_t tiny_conv_conv0_b[3];
extern const int32_t tiny_conv_conv1_lora_m[4];
extern const int8_t tiny_conv_conv1_lora_s[4];
extern const int32_t tiny_conv_conv1_m[4];
extern const int8_t tiny_conv_conv1_s[4];
extern const int8_t tiny_conv_conv1_w[12];
extern const int32_t tiny_conv_conv1_b[4];
extern const uint16_t tiny_conv_conv1_conv_lora_bwd_x_bwd_q[4];

static const tp_conv2d conv0_a_op = {
    .in_h = 7, .in_w = 7, .in_c = 1, .out_h = 3, .out_w = 3, .out_c = 2,
    .k_h = 3, .k_w = 3, .stride_h = 2, .stride_w = 2, .dil_h = 1, .dil_w = 1,
    .x_zp = -3, .shift = 4,
};

static const tp_conv2d conv0_op = {
    .in_h = 7, .in_w = 7, .in_c = 1, .out_h = 3, .out_w = 3, .out_c = 3,
    .k_h = 3, .k_w = 3, .stride_h = 2, .stride_w = 2, .dil_h = 1, .dil_w = 1,
    .y_zp = -128, .y_min = -128, .y_max = 127, .w = tiny_conv_conv0_w,
    .m = tiny_conv_conv0_m, .s = tiny_conv_conv0_s,
    .lora_m = tiny_conv_conv0_lora_m, .lora_s = tiny_conv_conv0_lora_s,
    .rank = 2,
};

static const tp_conv2d conv1_a_op = {
    .in_h = 3, .in_w = 3, .in_c = 3, .out_h = 3, .out_w = 3, .out_c = 2,
    .k_h = 1, .k_w = 1, .stride_h = 1, .stride_w = 1, .dil_h = 1, .dil_w = 1,
    .x_zp = -128, .shift = 2,
};

static const tp_conv2d conv1_op = {
    .in_h = 3, .in_w = 3, .in_c = 3, .out_h = 3, .out_w = 3, .out_c = 4,
    .k_h = 1, .k_w = 1, .stride_h = 1, .stride_w = 1, .dil_h = 1, .dil_w = 1,
    .y_zp = -128, .y_min = -128, .y_max = 100, .w = tiny_conv_conv1_w,
    .m = tiny_conv_conv1_m, .s = tiny_conv_conv1_s,
    .lora_m = tiny_conv_conv1_lora_m, .lora_s = tiny_conv_conv1_lora_s,
    .rank = 2,
};

static const tp_mean mean2_op = {
    .out_dim = {1, 1, 1, 4}, .out_stride = {0, 0, 0, 1},
    .red_dim = {1, 1, 1, 9}, .red_stride = {0, 0, 0, 4}, .count = 9,
    .x_zp = -128, .y_zp = -128, .f = {954437176, -2},
};

static const tp_head fc3_op = {
    .in_c = 4, .classes = 4, .x_zp = -128, .scale = {1374389504, -5},
};

static const tp_ce fc3_softmax_op = {
    .n = 4, .scale = {1073741824, -7},
};

static const tp_clamp conv1_mask_op = {
    .n = 36, .y_min = -128, .y_max = 100,
};

static const tp_ce loss_op = {
    .n = 4, .scale = {1073741824, -7}, .smooth = 104858,
};

static const tp_head fc3_head_bwd_w_op = {
    .in_c = 4, .classes = 4, .x_zp = -128, .scale = {1374389504, -5},
};

static const tp_bias fc3_bias_bwd_op = {
    .n = 4, .pixels = 1,
};

static const tp_head fc3_head_bwd_x_op = {
    .in_c = 4, .classes = 4,
};

static const tp_mean mean2_mean_bwd_op = {
    .out_dim = {1, 1, 1, 4}, .out_stride = {0, 0, 0, 1},
    .red_dim = {1, 1, 1, 9}, .red_stride = {0, 0, 0, 4}, .count = 9,
};

static const tp_clamp conv1_clamp_bwd_op = {
    .n = 36, .y_min = -128, .y_max = 100,
};

static const tp_conv2d conv1_lora_bwd_b_op = {
    .in_h = 9, .in_w = 1, .in_c = 4, .out_h = 9, .out_w = 1, .out_c = 4,
    .k_h = 1, .k_w = 1, .stride_h = 1, .stride_w = 1, .dil_h = 1, .dil_w = 1,
    .rank = 2, .acc_shift_b = 3,
};

static const tp_conv2d conv1_lora_bwd_u_op = {
    .in_h = 9, .in_w = 1, .in_c = 4, .out_h = 9, .out_w = 1, .out_c = 4,
    .k_h = 1, .k_w = 1, .stride_h = 1, .stride_w = 1, .dil_h = 1, .dil_w = 1,
    .rank = 2, .acc_shift_b = 3,
};

static const tp_conv2d conv1_conv_bwd_w_op = {
    .in_h = 3, .in_w = 3, .in_c = 3, .out_h = 3, .out_w = 3, .out_c = 2,
    .k_h = 1, .k_w = 1, .stride_h = 1, .stride_w = 1, .dil_h = 1, .dil_w = 1,
    .x_zp = -128, .acc_shift_b = 3,
};

static const tp_conv2d conv1_conv_lora_bwd_x_op = {
    .in_h = 3, .in_w = 3, .in_c = 3, .out_h = 3, .out_w = 3, .out_c = 4,
    .k_h = 1, .k_w = 1, .stride_h = 1, .stride_w = 1, .dil_h = 1, .dil_w = 1,
    .w = tiny_conv_conv1_w, .bwd_q = tiny_conv_conv1_conv_lora_bwd_x_bwd_q,
    .bwd_e = -6, .rank = 2,
};

static const tp_clamp conv0_clamp_bwd_op = {
    .n = 27, .y_min = -128, .y_max = 127,
};

static const tp_conv2d conv0_lora_bwd_b_op = {
    .in_h = 9, .in_w = 1, .in_c = 3, .out_h = 9, .out_w = 1, .out_c = 3,
    .k_h = 1, .k_w = 1, .stride_h = 1, .stride_w = 1, .dil_h = 1, .dil_w = 1,
    .rank = 2, .acc_shift_b = 3,
};

static const tp_conv2d conv0_lora_bwd_u_op = {
    .in_h = 9, .in_w = 1, .in_c = 3, .out_h = 9, .out_w = 1, .out_c = 3,
    .k_h = 1, .k_w = 1, .stride_h = 1, .stride_w = 1, .dil_h = 1, .dil_w = 1,
    .rank = 2, .acc_shift_b = 3,
};

static const tp_conv2d conv0_conv_bwd_w_op = {
    .in_h = 7, .in_w = 7, .in_c = 1, .out_h = 3, .out_w = 3, .out_c = 2,
    .k_h = 3, .k_w = 3, .stride_h = 2, .stride_w = 2, .dil_h = 1, .dil_w = 1,
    .x_zp = -3, .acc_shift_b = 3,
};

static inline void *at(uint8_t *base, uint32_t offset) {
    return base + offset;
}

static void infer(const tp_ctx *ctx, const void *x, void *y) {
    (void)ctx;
    /* 0 conv0_a: lora_a 1x7x7x1 -> 1x3x3x2, 162 MAC */
    tp_conv2d_q8_s16_fwd_ref(&conv0_a_op, x, at(ctx->adapter, 28),
        at(ctx->arena, 0));
    /* 1 conv0: conv_lora 1x7x7x1 -> 1x3x3x3, 297 MAC,
     * y = 0.0299999993 * (q + 128) */
    tp_conv2d_lora_s8_fwd_ref(&conv0_op, x, tiny_conv_conv0_b,
        at(ctx->arena, 0), at(ctx->adapter, 52), at(ctx->arena, 52));
    /* 2 conv1_a: lora_a 1x3x3x3 -> 1x3x3x2, 54 MAC */
    tp_conv2d_q8_s16_fwd_ref(&conv1_a_op, at(ctx->arena, 52),
        at(ctx->adapter, 64), at(ctx->arena, 0));
    /* 3 conv1: conv_lora 1x3x3x3 -> 1x3x3x4, 180 MAC,
     * y = 0.0199999996 * (q + 128) */
    tp_conv2d_lora_s8_fwd_ref(&conv1_op, at(ctx->arena, 52), tiny_conv_conv1_b,
        at(ctx->arena, 0), at(ctx->adapter, 76), at(ctx->arena, 40));
    /* 4 mean2: mean 1x3x3x4 -> 1x4,
     * y = 0.0199999996 * (q + 128) */
    tp_mean_s8_fwd_ref(&mean2_op, at(ctx->arena, 40), at(ctx->arena, 0));
    /* 5 fc3: head 1x4 -> 1x4, 16 MAC */
    tp_head_q8_fwd_ref(&fc3_op, at(ctx->arena, 0), at(ctx->adapter, 0),
        at(ctx->adapter, 20), at(ctx->arena, 16));
    /* 6 fc3_softmax: head_softmax 1x4 -> 1x4,
     * y = 0.00390625 * (q + 128) */
    tp_softmax_s16_fwd_ref(&fc3_softmax_op, at(ctx->arena, 16), y,
        at(ctx->arena, 0));
}

static const uint32_t cost[21] = {
    6234, 11552, 3367, 6809, 770, 536, 347, 696, 234, 78, 644, 1302, 610, 1950,
    2868, 1450, 8079, 442, 1466, 2687, 10998,
};

static void step(const tp_ctx *ctx, const tp_slice *s) {
    switch (s->step) {
    case 0:
        /* 0 conv0_a: lora_a 1x7x7x1 -> 1x3x3x2, 162 MAC */
        tp_conv2d_q8_s16_fwd_ref(&conv0_a_op, s->x, at(ctx->adapter, 28),
            at(ctx->arena, 0));
        break;
    case 1:
        /* 1 conv0: conv_lora 1x7x7x1 -> 1x3x3x3, 297 MAC,
         * y = 0.0299999993 * (q + 128) */
        tp_conv2d_lora_s8_fwd_ref(&conv0_op, s->x, tiny_conv_conv0_b,
            at(ctx->arena, 0), at(ctx->adapter, 52), at(ctx->arena, 120));
        break;
    case 2:
        /* 2 conv1_a: lora_a 1x3x3x3 -> 1x3x3x2, 54 MAC */
        tp_conv2d_q8_s16_fwd_ref(&conv1_a_op, at(ctx->arena, 120),
            at(ctx->adapter, 64), at(ctx->arena, 40));
        break;
    case 3:
        /* 3 conv1: conv_lora 1x3x3x3 -> 1x3x3x4, 180 MAC,
         * y = 0.0199999996 * (q + 128) */
        tp_conv2d_lora_s8_fwd_ref(&conv1_op, at(ctx->arena, 120),
            tiny_conv_conv1_b, at(ctx->arena, 40), at(ctx->adapter, 76),
            at(ctx->arena, 80));
        break;
    case 4:
        /* 4 conv1_mask: mask 1x3x3x4 -> 1x3x3x4 */
        tp_mask_s8_fwd_ref(&conv1_mask_op, at(ctx->arena, 80),
            at(ctx->arena, 156));
        break;
    case 5:
        /* 5 mean2: mean 1x3x3x4 -> 1x4,
         * y = 0.0199999996 * (q + 128) */
        tp_mean_s8_fwd_ref(&mean2_op, at(ctx->arena, 80), at(ctx->arena, 116));
        break;
    case 6:
        /* 6 fc3: head 1x4 -> 1x4, 16 MAC */
        tp_head_q8_fwd_ref(&fc3_op, at(ctx->arena, 116), at(ctx->adapter, 0),
            at(ctx->adapter, 20), at(ctx->arena, 96));
        break;

    /* Backward, from the loss down to conv0_conv_bwd_w. What lies before holds
     * nothing to train: no gradient is made for it. */
    case 7:
        /* 7 loss: ce_loss 1x4 -> 1x4 */
        tp_ce_s16_loss_ref(&loss_op, at(ctx->arena, 96), s->target,
            at(ctx->arena, 104), s->loss, at(ctx->train, 160),
            at(ctx->arena, 80));
        break;
    case 8:
        /* 8 fc3_head_bwd_w: head_bwd_w 1x4 -> 4x4 */
        tp_head_s8_bwd_w_ref(&fc3_head_bwd_w_op, at(ctx->arena, 116),
            at(ctx->arena, 104), at(ctx->train, 208));
        break;
    case 9:
        /* 9 fc3_bias_bwd: bias_bwd 1x4 -> 4 */
        tp_bias_q8_bwd_w_ref(&fc3_bias_bwd_op, at(ctx->arena, 104),
            at(ctx->train, 276));
        break;
    case 10:
        /* 10 fc3_head_bwd_x: head_bwd_x 1x4 -> 1x4 */
        tp_head_q8_bwd_x_ref(&fc3_head_bwd_x_op, at(ctx->arena, 104),
            at(ctx->adapter, 0), at(ctx->arena, 148), at(ctx->train, 168));
        break;
    case 11:
        /* 11 mean2_mean_bwd: mean_bwd 1x4 -> 1x3x3x4 */
        tp_mean_q8_bwd_x_ref(&mean2_mean_bwd_op, at(ctx->arena, 148),
            at(ctx->arena, 80), at(ctx->train, 176));
        break;
    case 12:
        /* 12 conv1_clamp_bwd: clamp_bwd 1x3x3x4 -> 1x3x3x4 */
        tp_mask_q8_bwd_x_ref(&conv1_clamp_bwd_op, at(ctx->arena, 80),
            at(ctx->arena, 156), at(ctx->arena, 80));
        break;
    case 13:
        /* 13 conv1_lora_bwd_b: lora_bwd_b 1x3x3x2 -> 4x2 */
        tp_lora_q16_bwd_w_ref(&conv1_lora_bwd_b_op, at(ctx->arena, 40),
            at(ctx->arena, 80), at(ctx->train, 428));
        break;
    case 14:
        /* 14 conv1_lora_bwd_u: lora_bwd_u 1x3x3x4 -> 1x3x3x2 */
        tp_lora_q8_bwd_u_ref(&conv1_lora_bwd_u_op, at(ctx->arena, 80),
            at(ctx->adapter, 76), at(ctx->arena, 40), at(ctx->train, 184));
        break;
    case 15:
        /* 15 conv1_conv_bwd_w: conv_bwd_w 1x3x3x3 -> 2x1x1x3 */
        tp_conv2d_s8_bwd_w_ref(&conv1_conv_bwd_w_op, at(ctx->arena, 120),
            at(ctx->arena, 40), at(ctx->train, 400));
        break;
    case 16:
        /* 16 conv1_conv_lora_bwd_x: conv_lora_bwd_x 1x3x3x4 -> 1x3x3x3 */
        tp_conv2d_lora_s8_bwd_x_ref(&conv1_conv_lora_bwd_x_op,
            at(ctx->arena, 80), at(ctx->arena, 40), at(ctx->adapter, 64),
            at(ctx->arena, 64), at(ctx->train, 192));
        break;
    case 17:
        /* 17 conv0_clamp_bwd: clamp_bwd 1x3x3x3 -> 1x3x3x3 */
        tp_clamp_q8_bwd_x_ref(&conv0_clamp_bwd_op, at(ctx->arena, 64),
            at(ctx->arena, 120), at(ctx->arena, 64));
        break;
    case 18:
        /* 18 conv0_lora_bwd_b: lora_bwd_b 1x3x3x2 -> 3x2 */
        tp_lora_q16_bwd_w_ref(&conv0_lora_bwd_b_op, at(ctx->arena, 0),
            at(ctx->arena, 64), at(ctx->train, 372));
        break;
    case 19:
        /* 19 conv0_lora_bwd_u: lora_bwd_u 1x3x3x3 -> 1x3x3x2 */
        tp_lora_q8_bwd_u_ref(&conv0_lora_bwd_u_op, at(ctx->arena, 64),
            at(ctx->adapter, 52), at(ctx->arena, 0), at(ctx->train, 200));
        break;
    case 20:
        /* 20 conv0_conv_bwd_w: conv_bwd_w 1x7x7x1 -> 2x3x3x1 */
        tp_conv2d_s8_bwd_w_ref(&conv0_conv_bwd_w_op, s->x, at(ctx->arena, 0),
            at(ctx->train, 296));
        break;
    default:
        break;
    }
}

static void sample(const tp_ctx *ctx, tp_slice *s) {
    for (; tp_slice_open(s, 21); tp_slice_next(s, cost)) {
        step(ctx, s);
    }
}

static const tp_param params[6] = {
    {.name = "fc3.w",
     .count = 16, .adapter = 0, .grad = 208, .master = 0,
     .type = 0, .init = 0, .init_std = 0, .unit = {1374389504, -5}},
    {.name = "fc3.b",
     .count = 4, .adapter = 20, .grad = 276, .master = 16,
     .type = 1, .init = 0, .init_std = 0, .unit = {1073741824, 1}},
    {.name = "conv0.a",
     .count = 18, .adapter = 28, .grad = 296, .master = 20,
     .type = 0, .init = 1, .init_std = 2731, .unit = {1717986944, -4}},
    {.name = "conv0.b",
     .count = 6, .adapter = 52, .grad = 372, .master = 38,
     .type = 0, .init = 0, .init_std = 0, .unit = {1717986944, -4}},
    {.name = "conv1.a",
     .count = 6, .adapter = 64, .grad = 400, .master = 44,
     .type = 0, .init = 1, .init_std = 4730, .unit = {2061584256, -5}},
    {.name = "conv1.b",
     .count = 8, .adapter = 76, .grad = 428, .master = 50,
     .type = 0, .init = 0, .init_std = 0, .unit = {2061584256, -5}},
};

const tp_model tiny_conv_model = {
    .name = "tiny_conv",
    .base_sha256 = {
        0x82, 0xb7, 0x0e, 0xee, 0x7f, 0x1a, 0x50, 0x39,
        0xbe, 0xf0, 0x7e, 0xc2, 0x34, 0x7f, 0x06, 0x6e,
        0xd0, 0x8f, 0x5d, 0xc7, 0x51, 0x24, 0x47, 0xe3,
        0x40, 0x43, 0x00, 0x02, 0x6b, 0x6e, 0x54, 0x55,
    },
    .layout_id = 0x75de5633u,
    .arena_bytes = TINY_CONV_ARENA_BYTES,
    .infer_bytes = TINY_CONV_INFER_BYTES,
    .adapter_bytes = TINY_CONV_ADAPTER_BYTES,
    .train_bytes = TINY_CONV_TRAIN_BYTES,
    .x_bytes = TINY_CONV_X_BYTES,
    .y_bytes = TINY_CONV_Y_BYTES,
    .sample_bytes = TINY_CONV_SAMPLE_BYTES,
    .target_bytes = 1, .classes = 4, .loss_floor = 90852,
    .n_params = 6, .n_values = 58, .n_gscale = 6,
    .params = params, .n_steps = 21, .cost = cost,
    .state = 1, .optimiser = &tp_optimiser_momentum,
    .layout = {.gscale = 160, .grads = 208, .grads_bytes = 256,
               .master = 464, .momentum = 580, .checkpoint = 696},
    .sample = sample,
    .infer = infer,
};
