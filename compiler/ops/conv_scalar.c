#include "compiler/ops/conv_scalar.h"

#include "compiler/ops/scalar_layout.h"
#include "compiler/ops/stairs.h"
#include "runtime/kernels/scalar/stair.h"
#include "runtime/kernels/scalar/sums.h"

typedef struct packer {
    const tp_conv2d *d;
    const int32_t *bias; /* NULL: trained */
    bool depthwise;
    bool lora;        /* a branch adds anything to each sum */
    int32_t taps;     /* products of a sum */
    int32_t padded;   /* dense: the same, a multiple of four */
    int32_t channels; /* dense: a multiple of four */
    int8_t *w;
    int32_t *channel;
} packer;

static int32_t weight(const packer *p, int32_t oc, int32_t k) {
    return p->d->w[p->depthwise ? k * p->d->out_c + oc : oc * p->taps + k];
}

/* What the sum of a channel starts from, and how far inputs move it. */
static tp_stairs describe(const packer *p, int32_t oc) {
    const tp_conv2d *d = p->d;
    int64_t sum = 0;
    int64_t neg = 0;
    for (int32_t k = 0; k < p->taps; k++) {
        const int32_t w = weight(p, oc, k);
        sum += w;
        neg += w < 0 ? w : 0;
    }
    const int64_t bias = p->bias != NULL ? p->bias[oc] : 0;
    const int64_t start = bias - (128 + d->x_zp) * sum;
    return (tp_stairs){.m = d->m[oc],
                       .s = d->s[oc],
                       .y_zp = d->y_zp,
                       .y_min = d->y_min,
                       .y_max = d->y_max,
                       .start = start,
                       .lo = start + 255 * neg,
                       .hi = start + 255 * (sum - neg),
                       .open = p->lora};
}

/* By stairs where nothing is trained and there are some. */
static void pack_channels(const packer *p, bool stairs) {
    for (int32_t oc = 0; oc < p->d->out_c; oc++) {
        const tp_stairs in = describe(p, oc);
        int32_t *to = p->channel + oc * TP_STAIR_WORDS;
        if (stairs && tp_stairs_make(&in, to)) {
            continue;
        }
        to[TP_STAIR_START] = (int32_t)(uint32_t)(uint64_t)in.start;
        to[TP_STAIR_TOP] = -1;
        to[TP_STAIR_M] = in.m;
        to[TP_STAIR_R] = in.s;
    }
}

/* Depthwise: as they are, channel by channel. Dense: groups of four channels,
 * w + 128, and 0 where there is no weight. */
static void pack_weights(packer *p) {
    for (int32_t oc = 0; oc < p->d->out_c; oc++) {
        int8_t *to = p->w + oc / TP_SUMS_GROUP * TP_SUMS_GROUP * p->padded;
        for (int32_t k = 0; k < p->taps; k++) {
            const int32_t w = weight(p, oc, k);
            if (p->depthwise) {
                p->w[oc * p->taps + k] = (int8_t)w;
            } else {
                to[TP_SUMS_GROUP * k + oc % TP_SUMS_GROUP] =
                    (int8_t)(uint8_t)(w + 128);
            }
        }
    }
}

static uint32_t scratch_bytes(const packer *p) {
    const tp_conv2d *d = p->d;
    if (p->depthwise) {
        return (uint32_t)(tp_conv_scalar_rows(d) *
                          ((d->out_w - 1) * d->stride_w + d->k_w));
    }
    const bool one = d->out_h * d->out_w == 1;
    return (uint32_t)(p->padded * (one ? 1 : TP_SUMS_PIXELS));
}

/* The step's descriptor with its constants. */
static tp_status finish(tp_lower *lower, const packer *p,
                        tp_conv2d_scalar *out) {
    *out = (tp_conv2d_scalar){.conv = *p->d};
    out->rows = p->depthwise ? tp_conv_scalar_rows(p->d) : 0;
    out->conv.m = NULL;
    out->conv.s = NULL;
    out->conv.w = tp_lower_const(
        lower, TP_S8, p->w, (size_t)p->channels * (size_t)p->padded, "packed");
    out->channel =
        tp_lower_const(lower, TP_S32, p->channel,
                       (size_t)p->channels * TP_STAIR_WORDS, "channels");
    return out->conv.w != NULL && out->channel != NULL
               ? TP_OK
               : tp_no_memory(lower->diag);
}

/* The layer's constants and descriptor. */
static tp_status pack(tp_lower *lower, packer *p, bool stairs,
                      tp_conv2d_scalar *out) {
    const tp_conv2d *d = p->d;
    const int32_t group = TP_SUMS_GROUP;
    p->taps = d->k_h * d->k_w * (p->depthwise ? 1 : d->in_c);
    p->padded = p->depthwise ? p->taps : (p->taps + 3) / 4 * 4;
    p->channels =
        p->depthwise ? d->out_c : (d->out_c + group - 1) / group * group;
    p->w = tp_arena_alloc(lower->arena, (size_t)p->channels, (size_t)p->padded);
    p->channel = tp_arena_alloc(lower->arena, (size_t)p->channels,
                                TP_STAIR_WORDS * sizeof *p->channel);
    if (p->w == NULL || p->channel == NULL) {
        return tp_no_memory(lower->diag);
    }
    pack_weights(p);
    pack_channels(p, stairs);
    return finish(lower, p, out);
}

static bool has_code(const tp_lower *lower, const tp_conv2d *d) {
    return (lower->isa & TP_ISA_SCALAR) != 0 && d->dil_h == 1 && d->dil_w == 1;
}

/* NULL: it is trained. */
static const int32_t *bias_of(const tp_lower *lower, const tp_op *op) {
    const tp_tensor *bias = &lower->graph->tensor[op->in[2]];
    return bias->role == TP_CONST ? bias->data : NULL;
}

static tp_arg bias_arg(const packer *p, const tp_op *op) {
    return p->bias != NULL ? tp_arg_const(NULL) : tp_arg_tensor(op->in[2]);
}

static tp_status append(tp_lower *lower, const tp_op *op, packer *p) {
    const int factors = tp_op_factors(op);
    tp_conv2d_scalar out;
    TP_TRY(pack(lower, p, p->bias != NULL && factors < 0, &out));
    const tp_arg x = tp_arg_tensor(op->in[0]);
    const tp_arg y = tp_arg_tensor(op->out);
    const tp_arg b = bias_arg(p, op);
    const tp_arg scratch = tp_arg_scratch(scratch_bytes(p));
    if (factors >= 0) {
        return tp_lower_step(
            lower,
            p->depthwise ? TP_K_dwconv2d_scaled_s8_fwd_scalar
                         : TP_K_conv2d_scaled_s8_fwd_scalar,
            &tp_desc_conv2d_scalar, &out,
            (tp_arg[]){x, b, tp_arg_tensor(factors), y, scratch});
    }
    return tp_lower_step(
        lower,
        p->depthwise ? TP_K_dwconv2d_s8_fwd_scalar : TP_K_conv2d_s8_fwd_scalar,
        &tp_desc_conv2d_scalar, &out, (tp_arg[]){x, b, y, scratch});
}

tp_status tp_conv_scalar_lower_described(tp_lower *lower, const tp_op *op,
                                         const tp_conv2d *d, bool *done) {
    packer p = {.d = d,
                .bias = bias_of(lower, op),
                .depthwise = op->kind == TP_OP_DEPTHWISE_CONV_2D};
    *done = has_code(lower, d);
    return *done ? append(lower, op, &p) : TP_OK;
}

tp_status tp_conv_scalar_lower(tp_lower *lower, const tp_op *op,
                               const tp_conv_tensors *t, bool *done) {
    tp_conv2d d = tp_conv_geometry(&op->attr, t);
    *done = false;
    if (!has_code(lower, &d)) {
        return TP_OK;
    }
    return tp_conv_describe(lower->arena, op, t, &d) == TP_OK
               ? tp_conv_scalar_lower_described(lower, op, &d, done)
               : tp_no_memory(lower->diag);
}

tp_status tp_conv_scalar_lower_lora(tp_lower *lower, const tp_op *op,
                                    const tp_conv_tensors *t,
                                    const tp_conv2d *of, bool *done) {
    tp_conv2d d = *of;
    tp_conv2d_scalar out;
    *done = has_code(lower, &d);
    if (!*done) {
        return TP_OK;
    }
    if (tp_conv_describe(lower->arena, op, t, &d) != TP_OK) {
        return tp_no_memory(lower->diag);
    }
    packer p = {.d = &d, .bias = bias_of(lower, op), .lora = true};
    TP_TRY(pack(lower, &p, p.bias != NULL, &out));
    const tp_arg args[] = {
        tp_arg_tensor(op->in[0]),
        bias_arg(&p, op),
        tp_arg_tensor(op->in[3]),
        tp_arg_tensor(op->in[4]),
        tp_arg_tensor(op->out),
        tp_arg_scratch(scratch_bytes(&p) + 4u * (uint32_t)d.out_c)};
    return tp_lower_step(lower, TP_K_conv2d_lora_s8_fwd_scalar,
                         &tp_desc_conv2d_scalar, &out, args);
}

/* --- gradient to the input ------------------------------------------------ */

static bool has_gradient(const tp_lower *lower, const tp_conv2d *d) {
    return has_code(lower, d) && d->in_c == d->out_c && d->k_h == 3 &&
           d->k_w == 3 && d->stride_h == 1 && d->stride_w == 1 &&
           d->in_w >= 3 && d->pad_t < 3 && d->pad_l < 3;
}

/* [out_c][3][3], each window turned round. */
static int8_t *turn(tp_lower *lower, const tp_conv2d *d) {
    int8_t *w = tp_arena_alloc(lower->arena, (size_t)d->out_c, 9);
    for (int32_t i = 0; w != NULL && i < 9 * d->out_c; i++) {
        w[i] = d->w[(8 - i % 9) * d->out_c + i / 9];
    }
    return w;
}

tp_status tp_dwconv_scalar_lower_bwd_x(tp_lower *lower, const tp_op *op,
                                       const tp_conv2d *d, bool *done) {
    tp_conv2d_scalar out = {.conv = *d};
    tp_conv2d view = *d; /* from dy to dx */
    *done = has_gradient(lower, d);
    if (!*done) {
        return TP_OK;
    }
    const size_t n = (size_t)d->out_c;
    const int8_t *w = turn(lower, d);
    view.out_h = d->in_h;
    view.out_w = d->in_w;
    out.rows = tp_conv_scalar_rows(&view);
    out.conv.bwd_q = tp_lower_const(lower, TP_BITS, d->bwd_q, n, "bwd_q");
    out.conv.w =
        w == NULL ? NULL : tp_lower_const(lower, TP_S8, w, 9 * n, "backward");
    if (out.conv.w == NULL || out.conv.bwd_q == NULL) {
        return tp_no_memory(lower->diag);
    }
    const tp_arg args[] = {
        tp_arg_tensor(op->in[0]), tp_arg_tensor(op->out),
        tp_arg_gscale(op->out),
        tp_arg_scratch((uint32_t)(out.rows * (d->in_w + 2)))};
    return tp_lower_step(lower, TP_K_dwconv2d_s8_bwd_x_scalar,
                         &tp_desc_conv2d_scalar, &out, args);
}
