#include "compiler/ops/conv_mve.h"

#include "core/fixed.h"
#include "runtime/kernels/mve/mve.h"

typedef struct packer {
    const tp_conv2d *d;
    const int32_t *bias;
    bool depthwise;
    int32_t lanes; /* channels of a group */
    int32_t groups;
    int32_t taps;   /* products of a sum */
    int32_t padded; /* the same, with those that fill up vectors */
    int8_t *w;      /* [groups][padded][lanes], as mve.h orders them */
    int32_t *channel;
} packer;

/* Channel of a lane; behind the last one of a depthwise layer -1. */
static int32_t channel_of(const packer *p, int32_t g, int32_t lane) {
    const int32_t last = p->d->out_c - p->lanes;
    if (!p->depthwise) {
        return tp_min32(g * p->lanes, last) + lane;
    }
    const int32_t oc = g * p->lanes + lane;
    return oc < p->d->out_c ? oc : -1;
}

static int32_t weight(const packer *p, int32_t oc, int32_t k) {
    return p->d->w[p->depthwise ? k * p->d->out_c + oc : oc * p->taps + k];
}

/* What the kernel adds to a sum of bytes as they are: modulo 2^32, in which
 * `ref` adds too. */
static int32_t start_of(const packer *p, int32_t oc) {
    uint32_t start = (uint32_t)p->bias[oc];
    for (int32_t k = 0; k < p->taps; k++) {
        start -= (uint32_t)(p->d->x_zp * weight(p, oc, k));
    }
    return (int32_t)start;
}

/* Even lanes before odd ones where sums are widened. */
static int32_t place_of(const packer *p, int32_t lane) {
    return p->depthwise ? lane % 2 * 4 + lane / 2 : lane;
}

/* Of a group: tap by tap; dense in blocks of 16 products. */
static int32_t place_of_weight(const packer *p, int32_t lane, int32_t k) {
    return p->depthwise ? k * p->lanes + lane
                        : (k / 16 * p->lanes + lane) * 16 + k % 16;
}

/* False where the core has no such shift, or two products are too large. */
static bool has_code(const packer *p) {
    const tp_conv2d *d = p->d;
    if (d->dil_h != 1 || d->dil_w != 1 || (!p->depthwise && d->out_c < 4) ||
        (p->depthwise && d->in_c != d->out_c)) {
        return false;
    }
    for (int32_t oc = 0; oc < d->out_c; oc++) {
        if (d->s[oc] > 0 || d->s[oc] < -31) {
            return false;
        }
        for (int32_t k = 0; p->depthwise && k < p->taps; k++) {
            if (weight(p, oc, k) == -128) {
                return false;
            }
        }
    }
    return true;
}

static void pack_group(const packer *p, int32_t g) {
    int32_t *to = p->channel + g * p->lanes * TP_MVE_TABLE;
    for (int32_t lane = 0; lane < p->lanes; lane++) {
        const int32_t oc = channel_of(p, g, lane);
        int32_t *c = to + place_of(p, lane);
        if (oc < 0) {
            continue;
        }
        c[0] = start_of(p, oc);
        c[p->lanes] = p->d->m[oc];
        c[2 * p->lanes] = p->d->s[oc];
        int8_t *w = p->w + g * p->padded * p->lanes;
        for (int32_t k = 0; k < p->taps; k++) {
            w[place_of_weight(p, lane, k)] = (int8_t)weight(p, oc, k);
        }
    }
}

uint32_t tp_conv_mve_scratch(const tp_conv2d *d, bool depthwise) {
    const int32_t columns = (d->out_w - 1) * d->stride_w + d->k_w;
    const int32_t bytes = depthwise ? d->k_h * columns * TP_MVE_DEPTHWISE
                                    : d->k_h * d->k_w * d->in_c;
    return ((uint32_t)bytes + 15u) / 16u * 16u;
}

/* The step's descriptor with its constants. */
static tp_status finish(tp_lower *lower, const packer *p, tp_conv2d_mve *out) {
    const tp_conv2d *d = p->d;
    const size_t lanes = (size_t)p->groups * (size_t)p->lanes;
    *out = (tp_conv2d_mve){.conv = *d};
    out->conv.m = NULL;
    out->conv.s = NULL;
    out->conv.w =
        tp_lower_const(lower, TP_S8, p->w, lanes * (size_t)p->padded, "packed");
    out->channel = tp_lower_const(lower, TP_S32, p->channel,
                                  lanes * TP_MVE_TABLE, "channels");
    return out->conv.w != NULL && out->channel != NULL
               ? TP_OK
               : tp_no_memory(lower->diag);
}

static tp_status append(tp_lower *lower, const tp_op *op, packer *p) {
    const size_t lanes = (size_t)p->groups * (size_t)p->lanes;
    tp_conv2d_mve out;
    p->w =
        tp_arena_alloc(lower->arena, lanes * (size_t)p->padded, sizeof *p->w);
    p->channel =
        tp_arena_alloc(lower->arena, lanes * TP_MVE_TABLE, sizeof *p->channel);
    if (p->w == NULL || p->channel == NULL) {
        return tp_no_memory(lower->diag);
    }
    for (int32_t g = 0; g < p->groups; g++) {
        pack_group(p, g);
    }
    TP_TRY(finish(lower, p, &out));
    const tp_arg args[] = {
        tp_arg_tensor(op->in[0]), tp_arg_const(NULL), tp_arg_tensor(op->out),
        tp_arg_scratch(tp_conv_mve_scratch(p->d, p->depthwise))};
    return tp_lower_step(
        lower, p->depthwise ? TP_K_dwconv2d_s8_fwd_mve : TP_K_conv2d_s8_fwd_mve,
        &tp_desc_conv2d_mve, &out, args);
}

tp_status tp_conv_mve_lower(tp_lower *lower, const tp_op *op,
                            const tp_conv_tensors *t, bool *done) {
    tp_conv2d d = tp_conv_geometry(&op->attr, t);
    const tp_tensor *bias = &lower->graph->tensor[op->in[2]];
    const bool depthwise = op->kind == TP_OP_DEPTHWISE_CONV_2D;
    *done = false;
    if ((lower->isa & TP_ISA_MVE) == 0 || tp_op_factors(op) >= 0 ||
        bias->role != TP_CONST) {
        return TP_OK;
    }
    if (tp_conv_describe(lower->arena, op, t, &d) != TP_OK) {
        return tp_no_memory(lower->diag);
    }
    packer p = {.d = &d,
                .bias = bias->data,
                .depthwise = depthwise,
                .lanes = depthwise ? TP_MVE_DEPTHWISE : TP_MVE_DENSE,
                .taps = d.k_h * d.k_w * (depthwise ? 1 : d.in_c)};
    p.padded = depthwise ? p.taps : (p.taps + 15) / 16 * 16;
    p.groups = (d.out_c + p.lanes - 1) / p.lanes;
    *done = has_code(&p);
    return *done ? append(lower, op, &p) : TP_OK;
}
