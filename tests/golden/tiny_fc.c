/* The program of tiny_fc. Generated; do not edit. */
#include "tiny_fc.h"

#include "tinypeft/kernels.h"

_Static_assert(sizeof(tiny_fc_memory) == TINY_FC_RAM_BYTES, "RAM");

extern const int32_t tiny_fc_fc0_m[3];
extern const int8_t tiny_fc_fc0_s[3];
extern const int8_t tiny_fc_fc0_w[15];
extern const int32_t tiny_fc_fc0_b[3];

static const tp_conv2d fc0_op = {
    .in_h = 1, .in_w = 1, .in_c = 5, .out_h = 1, .out_w = 1, .out_c = 3,
    .k_h = 1, .k_w = 1, .stride_h = 1, .stride_w = 1, .dil_h = 1, .dil_w = 1,
    .y_min = -128, .y_max = 127, .w = tiny_fc_fc0_w, .m = tiny_fc_fc0_m,
    .s = tiny_fc_fc0_s,
};

static void infer(const tp_ctx *ctx, const void *x, void *y) {
    (void)ctx;
    /* 0 fc0: fc 1x5 -> 1x3, 15 MAC,
     * y = 0.100000001 * (q - 0) */
    tp_conv2d_s8_fwd_ref(&fc0_op, x, tiny_fc_fc0_b, y);
}

const tp_model tiny_fc_model = {
    .name = "tiny_fc",
    .base_sha256 = {
        0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
        0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
        0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
        0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    },
    .layout_id = 0x00000000u,
    .arena_bytes = TINY_FC_ARENA_BYTES,
    .infer_bytes = TINY_FC_INFER_BYTES,
    .adapter_bytes = TINY_FC_ADAPTER_BYTES,
    .train_bytes = TINY_FC_TRAIN_BYTES,
    .x_bytes = TINY_FC_X_BYTES,
    .y_bytes = TINY_FC_Y_BYTES,
    .infer = infer,
};
