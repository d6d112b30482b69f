#include "compiler/ops/dsp_layout.h"

#include <stdbool.h>
#include <stddef.h>

#include "tinypeft/kernels.h"

tp_conv2d_dsp tp_conv_dsp_layout(const tp_conv2d *d) {
    tp_conv2d_dsp out = {.conv = *d};
    const int32_t row = (d->k_w * d->in_c + 3) / 4 * 4;
    out.conv.w = NULL;
    out.conv.m = NULL;
    out.conv.s = NULL;
    out.pairs = d->k_h * row / 2;
    out.direct = d->k_h == 1 && d->k_w == 1 && d->pad_t == 0 && d->pad_l == 0 &&
                 d->in_c % 4 == 0;
    if (!out.direct) {
        const int32_t last = (d->out_w - 1) * d->stride_w * d->in_c;
        out.row_bytes = (last + row + 3) / 4 * 4;
    }
    return out;
}

static void choose_branch(tp_conv2d_dsp *op) {
    const bool plain = op->plain != 0;
    if (op->conv.rank > 4) {
        op->wide =
            plain ? tp_dsp_sums_lora_plain2_wide : tp_dsp_sums_lora2_wide;
        op->sums = op->wide;
        return;
    }
    op->sums = plain ? tp_dsp_sums_lora_plain1 : tp_dsp_sums_lora1;
    op->wide = plain ? tp_dsp_sums_lora_plain1_wide : tp_dsp_sums_lora1_wide;
}

void tp_conv_dsp_choose(tp_conv2d_dsp *op) {
    const int32_t pixels = op->conv.out_h * op->conv.out_w;
    op->two = op->one = NULL;
    op->sums = op->wide = NULL;
    if (op->conv.rank > 0) {
        choose_branch(op);
        return;
    }
    if (op->bytes != 0) {
        op->one = op->plain ? tp_dsp_bytes1_plain : tp_dsp_bytes1;
        return;
    }
    if (pixels > 1) {
        op->two = op->plain ? tp_dsp_tile2_plain : tp_dsp_tile2;
    }
    if (pixels % 2 != 0) {
        op->one = op->plain ? tp_dsp_tile1_plain : tp_dsp_tile1;
    }
}

/* As tp_conv2d_s8_fwd_dsp() lays it out. */
uint32_t tp_conv_dsp_scratch(const tp_conv2d_dsp *op) {
    /* A branch takes one pixel as two. */
    const bool one = op->conv.out_h * op->conv.out_w == 1 && op->conv.rank == 0;
    const int32_t slots = op->conv.k_h + op->conv.stride_h;
    const int32_t rows = op->direct ? 0 : slots * op->row_bytes;
    const int32_t groups = (op->conv.out_c + 3) / 4;
    const int32_t channels = op->limit != 0 ? groups * 64 : 0;
    const int32_t act = op->bytes != 0 ? 0 : one ? 4 : 8;
    return (uint32_t)(act * op->pairs + rows + channels);
}
