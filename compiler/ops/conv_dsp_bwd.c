/* Gradients to the input of dense layers for the `dsp` kernels: W^T packed, and
 * the proof that no sum overflows with these weights. */
#include "compiler/ops/conv_dsp.h"
#include "core/fixed.h"
#include "runtime/kernels/dsp/outer.h"
#include "runtime/kernels/dsp/pack.h"
#include "runtime/kernels/dsp/sums.h"

/* |d| of channel oc, whatever dy is. */
static int32_t most_d(const tp_conv2d *d, int32_t oc) {
    return (127 * d->bwd_q[oc] + (1 << 11)) >> 12;
}

/* |sum| of channel ic of dx, and of every part of it. */
static int64_t most_sum(const tp_conv2d *d, int32_t ic) {
    int64_t sum = 0;
    for (int32_t oc = 0; oc < d->out_c; oc++) {
        sum += tp_abs32(d->w[oc * d->in_c + ic]) * (int64_t)most_d(d, oc);
    }
    return sum;
}

/* Sums of both channels of each packed pair, and their weights. */
static bool fits(const tp_conv2d *d) {
    for (int32_t g = 0; g < tp_dsp_groups(d->in_c); g++) {
        for (int32_t h = 0; h < 2; h++) {
            const int32_t ic = tp_dsp_first(d->in_c, g) + 2 * h;
            if (256 * most_sum(d, ic + 1) + most_sum(d, ic) > INT32_MAX) {
                return false;
            }
        }
    }
    for (int32_t i = 0; i < d->in_c * d->out_c; i++) {
        if (d->w[i] == -128) {
            return false;
        }
    }
    return true;
}

static bool is_pointwise(const tp_conv2d *d) {
    return d->k_h == 1 && d->k_w == 1 && d->stride_h == 1 && d->stride_w == 1 &&
           d->pad_t == 0 && d->pad_l == 0 && d->in_h == d->out_h &&
           d->in_w == d->out_w;
}

/* bwd_q / 16 of channels k and k + 2, the lower half first. */
static int32_t scale_pair(const tp_conv2d *d, int32_t k) {
    const uint32_t low = k < d->out_c ? d->bwd_q[k] / 16u : 0;
    const uint32_t high = k + 2 < d->out_c ? d->bwd_q[k + 2] / 16u : 0;
    return (int32_t)(high << 16 | low);
}

static tp_status add_constants(tp_lower *lower, const tp_conv2d *d,
                               tp_conv2d_dsp *out) {
    const size_t words =
        (size_t)tp_dsp_groups(d->in_c) * (size_t)out->pairs * 2;
    int32_t *w = tp_arena_alloc(lower->arena, words, sizeof *w);
    int32_t *q = tp_arena_alloc(lower->arena, (size_t)out->pairs, sizeof *q);
    if (w == NULL || q == NULL) {
        return tp_no_memory(lower->diag);
    }
    tp_dsp_pack(&(tp_dsp_matrix){d->w, d->in_c, d->out_c, 1, d->in_c}, w);
    for (int32_t j = 0; j < out->pairs; j++) {
        q[j] = scale_pair(d, j / 2 * 4 + j % 2);
    }
    out->w = tp_lower_const(lower, TP_S32, w, words, "packed_t");
    out->channel =
        tp_lower_const(lower, TP_S32, q, (size_t)out->pairs, "scales_t");
    return out->w != NULL && out->channel != NULL ? TP_OK
                                                  : tp_no_memory(lower->diag);
}

tp_status tp_conv_dsp_lower_bwd_x(tp_lower *lower, tp_kernel_id kernel,
                                  const tp_conv2d *d, const tp_arg *arg,
                                  bool *done) {
    const int n = tp_kernel_args(kernel);
    tp_conv2d_dsp out = {.conv = *d,
                         .pairs = tp_dsp_pairs(d->out_c),
                         .direct = d->out_c % 4 == 0};
    if (d->rank > 0) {
        out.sums = d->rank <= 4 ? tp_dsp_sums_branch1 : tp_dsp_sums_branch2;
    }
    tp_arg args[TP_MAX_ARGS];
    *done = false;
    /* Exponents of dy and of A are int8s, far from their ends. */
    if ((lower->isa & TP_ISA_DSP) == 0 || !is_pointwise(d) || d->in_c < 4 ||
        d->rank > TP_SUMS_RANK || d->bwd_e < -40 || d->bwd_e > 40 || !fits(d)) {
        return TP_OK;
    }
    out.conv.w = NULL;
    out.conv.bwd_q = NULL;
    TP_TRY(add_constants(lower, d, &out));
    for (int i = 0; i < n - 1; i++) {
        args[i] = arg[i];
    }
    const int32_t words =
        out.pairs * (out.direct ? 2 : 3) +
        (d->rank > 0 ? tp_dsp_branch_words(d->rank) * d->in_c : 0);
    args[n - 1] = tp_arg_scratch(4u * (uint32_t)words);
    *done = true;
    return tp_lower_step(lower, kernel, &tp_desc_conv2d_dsp, &out, args);
}

/* --- a branch's own kernels ----------------------------------------------- */

static bool has_dsp(const tp_lower *lower) {
    return (lower->isa & TP_ISA_DSP) != 0;
}

static int32_t pixels(const tp_conv2d *d) {
    return d->out_h * d->out_w;
}

/* 257 * 256 * 127 * in_c < 2^31: packed sums. */
bool tp_conv_dsp_u(const tp_lower *lower, const tp_conv2d *d) {
    return has_dsp(lower) && d->k_h == 1 && d->k_w == 1 && d->pad_t == 0 &&
           d->pad_l == 0 && d->in_c % 4 == 0 && d->in_c <= 256 &&
           (d->out_h - 1) * d->stride_h < d->in_h &&
           (d->out_w - 1) * d->stride_w < d->in_w;
}

/* 257 * 127 * 128 * out_c < 2^31 */
bool tp_conv_dsp_du(const tp_lower *lower, const tp_conv2d *d) {
    return has_dsp(lower) && d->out_c % 4 == 0 && d->out_c <= 512;
}

/* 32767 * 127 * pixels < 2^31 */
bool tp_conv_dsp_db(const tp_lower *lower, const tp_conv2d *d) {
    return has_dsp(lower) && d->out_c % 2 == 0 && pixels(d) <= 512;
}

bool tp_conv_dsp_dw(const tp_lower *lower, const tp_conv2d *d) {
    return has_dsp(lower) && is_pointwise(d) && d->in_c % 2 == 0;
}

uint32_t tp_conv_dsp_outer_bytes(const tp_conv2d *d) {
    return (uint32_t)((pixels(d) + 1) / 2 * TP_OUTER_RANKS) * 4u;
}
