#include "compiler/ops/dwconv_any.h"

#include "core/fixed.h"
#include "runtime/kernels/dsp/taps.h"

#define LEAST_E 1 /* shifts that taps.h has */
#define MOST_E 22
#define LIMIT (1 << 29) /* of trained biases */

typedef struct packer {
    const tp_conv2d *d;
    const int32_t *bias; /* NULL: trained */
    bool scaled;         /* factors are trained */
    int32_t limit;       /* as in tp_dwconv2d_any */
    int32_t taps, mult, groups;
    int32_t *w;       /* [mult][groups][taps][2] */
    int32_t *channel; /* [mult][groups][TP_TAPS_CHANNEL] */
} packer;

/* What a channel's sums A lie within, bias included where it is known. */
typedef struct sums {
    int64_t start, lo, hi;
} sums;

static int32_t weight(const packer *p, int32_t oc, int32_t k) {
    return p->d->w[k * p->d->out_c + oc];
}

/* Output channel i of a group: the last group overlaps the one before. */
static int32_t channel_of(const packer *p, int32_t k, int32_t g, int32_t i) {
    const int32_t last = p->d->in_c - TP_TAPS_GROUP;
    return (tp_min32(g * TP_TAPS_GROUP, last) + i) * p->mult + k;
}

static sums sums_of(const packer *p, int32_t oc) {
    sums s = {0, 0, 0};
    for (int32_t k = 0; k < p->taps; k++) {
        const int32_t w = weight(p, oc, k);
        s.start -= p->d->x_zp * w;
        s.lo += w < 0 ? 127 * w : -128 * w;
        s.hi += w < 0 ? -128 * w : 127 * w;
    }
    s.start += p->bias != NULL && p->limit == 0 ? p->bias[oc] : 0;
    s.lo += s.start;
    s.hi += s.start;
    return s;
}

/* The byte of `ref` for a sum, where the shift is another by `less`. */
static int32_t output(const packer *p, int32_t oc, int64_t sum, int32_t less) {
    const tp_conv2d *d = p->d;
    const int32_t s = tp_max32(d->s[oc] - less, -31);
    const int32_t y = tp_mbqm((int32_t)sum, d->m[oc], s);
    return tp_clamp32(y + d->y_zp, d->y_min, d->y_max);
}

static bool is_int31(int64_t v) {
    return v > -(INT64_C(1) << 30) && v < INT64_C(1) << 30;
}

/* A bias beyond the limit gives the same byte as the limit, whatever the sum;
 * trained factors may be a sixteenth of the base's, and rounded. */
static bool is_limited(const packer *p, int32_t oc, const sums *s) {
    const int64_t limit = p->limit;
    const int32_t less = p->scaled ? 5 : 0;
    if (p->bias != NULL) {
        return p->bias[oc] >= -limit && p->bias[oc] <= limit;
    }
    return output(p, oc, s->lo + limit, less) == p->d->y_max &&
           output(p, oc, s->hi - limit, less) == p->d->y_min;
}

static int32_t rounding(const packer *p, int32_t e) {
    return (p->d->y_zp + 128) * (1 << e) + (1 << (e - 1));
}

/* One that gives the same byte for all sums, which do not wrap: A m is 0. */
static bool put_constant(const packer *p, int32_t oc, const sums *s,
                         int32_t *info) {
    const int32_t y = output(p, oc, s->lo, 0);
    const bool wraps = s->lo < INT32_MIN || s->hi > INT32_MAX;
    if (p->limit != 0 || wraps || p->d->s[oc] > 0 ||
        y != output(p, oc, s->hi, 0)) {
        return false;
    }
    info[0] = 0;
    info[1] = 2 * (y + 128) + 1;
    info[2] = 1;
    return true;
}

/* Trained factors are those of the base times 2^-4 to 4. */
static bool put_factor(const packer *p, int32_t oc, const sums *s,
                       int32_t *info) {
    const int64_t limit = p->limit;
    const int32_t e = -p->d->s[oc];
    const int32_t least = LEAST_E + (p->scaled ? 2 : 0);
    const int32_t most = MOST_E - (p->scaled ? 5 : 0);
    if (!is_int31(s->lo - limit) || !is_int31(s->hi + limit) || e < least ||
        e > most || (limit != 0 && !is_limited(p, oc, s))) {
        return put_constant(p, oc, s, info);
    }
    info[0] = p->d->m[oc];
    info[1] = rounding(p, e);
    info[2] = e;
    return true;
}

static bool pack_group(const packer *p, int32_t k, int32_t g) {
    const int32_t at = k * p->groups + g;
    int32_t *channel = p->channel + at * TP_TAPS_CHANNEL;
    int32_t *w = p->w + at * p->taps * 2;
    for (int32_t i = 0; i < TP_TAPS_GROUP; i++) {
        const int32_t oc = channel_of(p, k, g, i);
        const sums s = sums_of(p, oc);
        channel[i] = (int32_t)(2 * (uint32_t)s.start);
        if (!put_factor(p, oc, &s, channel + TP_TAPS_GROUP + 3 * i)) {
            return false;
        }
    }
    for (int32_t t = 0; t < p->taps; t++) {
        for (int32_t h = 0; h < 2; h++) {
            const int32_t low = 2 * weight(p, channel_of(p, k, g, h), t);
            const int32_t high = 2 * weight(p, channel_of(p, k, g, h + 2), t);
            *w++ = (int32_t)((uint32_t)high << 16 | (uint16_t)low);
        }
    }
    return true;
}

static bool pack(const packer *p) {
    for (int32_t k = 0; k < p->mult; k++) {
        for (int32_t g = 0; g < p->groups; g++) {
            if (!pack_group(p, k, g)) {
                return false;
            }
        }
    }
    return true;
}

/* True if a window of n outputs along one axis leaves the map. */
static bool leaves(int32_t in, int32_t out, int32_t k, int32_t stride,
                   int32_t dil, int32_t pad) {
    return pad > 0 || (out - 1) * stride - pad + (k - 1) * dil >= in;
}

static bool is_padded(const tp_conv2d *d) {
    return leaves(d->in_h, d->out_h, d->k_h, d->stride_h, d->dil_h, d->pad_t) ||
           leaves(d->in_w, d->out_w, d->k_w, d->stride_w, d->dil_w, d->pad_l);
}

static uint32_t scratch_of(const packer *p, bool padded) {
    const int32_t table =
        p->limit != 0 ? p->mult * p->groups * TP_TAPS_CHANNEL : 0;
    const int32_t pixels = (padded ? 1 : 0) + (p->mult != 1 ? 1 : 0);
    return 4 * (uint32_t)(2 * p->taps + table) +
           (uint32_t)(pixels * p->d->in_c + 3) / 4 * 4;
}

static tp_status append(tp_lower *lower, const tp_op *op, const packer *p) {
    const size_t groups = (size_t)p->mult * (size_t)p->groups;
    tp_dwconv2d_any out = {
        .conv = *p->d, .padded = is_padded(p->d), .limit = p->limit};
    out.conv.w = NULL;
    out.conv.m = NULL;
    out.conv.s = NULL;
    out.w = tp_lower_const(lower, TP_S32, p->w, groups * (size_t)p->taps * 2,
                           "taps");
    out.channel = tp_lower_const(lower, TP_S32, p->channel,
                                 groups * TP_TAPS_CHANNEL, "channels");
    if (out.w == NULL || out.channel == NULL) {
        return tp_no_memory(lower->diag);
    }
    const tp_arg x = tp_arg_tensor(op->in[0]);
    const tp_arg y = tp_arg_tensor(op->out);
    const tp_arg b =
        p->limit == 0 ? tp_arg_const(NULL) : tp_arg_tensor(op->in[2]);
    const tp_arg scratch = tp_arg_scratch(scratch_of(p, out.padded != 0));
    if (p->scaled) {
        const tp_arg f = tp_arg_tensor(tp_op_factors(op));
        return tp_lower_step(lower, TP_K_dwconv2d_any_scaled_s8_fwd_dsp,
                             &tp_desc_dwconv2d_any, &out,
                             (tp_arg[]){x, b, f, y, scratch});
    }
    return tp_lower_step(lower, TP_K_dwconv2d_any_s8_fwd_dsp,
                         &tp_desc_dwconv2d_any, &out,
                         (tp_arg[]){x, b, y, scratch});
}

tp_status tp_dwconv_any_lower_described(tp_lower *lower, const tp_op *op,
                                        const tp_conv2d *d, bool *done) {
    const tp_tensor *bias = &lower->graph->tensor[op->in[2]];
    packer p = {.d = d,
                .bias = bias->role == TP_CONST ? bias->data : NULL,
                .scaled = tp_op_factors(op) >= 0,
                .taps = d->k_h * d->k_w,
                .mult = d->out_c / d->in_c,
                .groups = (d->in_c + TP_TAPS_GROUP - 1) / TP_TAPS_GROUP};
    const size_t groups = (size_t)p.mult * (size_t)p.groups;
    *done = false;
    if (d->in_c < TP_TAPS_GROUP) {
        return TP_OK;
    }
    p.limit = p.bias == NULL || p.scaled ? LIMIT : 0;
    p.w =
        tp_arena_alloc(lower->arena, groups * (size_t)p.taps * 2, sizeof *p.w);
    p.channel =
        tp_arena_alloc(lower->arena, groups * TP_TAPS_CHANNEL, sizeof *p.w);
    if (p.w == NULL || p.channel == NULL) {
        return tp_no_memory(lower->diag);
    }
    *done = pack(&p);
    return *done ? append(lower, op, &p) : TP_OK;
}

tp_status tp_dwconv_any_lower(tp_lower *lower, const tp_op *op,
                              const tp_conv_tensors *t, bool *done) {
    tp_conv2d d = tp_conv_geometry(&op->attr, t);
    *done = false;
    if ((lower->isa & TP_ISA_DSP) == 0) {
        return TP_OK;
    }
    return tp_conv_describe(lower->arena, op, t, &d) == TP_OK
               ? tp_dwconv_any_lower_described(lower, op, &d, done)
               : tp_no_memory(lower->diag);
}
