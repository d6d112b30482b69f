#include "compiler/ops/conv_dsp.h"

#include "compiler/ops/dsp_layout.h"
#include "core/fixed.h"
#include "runtime/kernels/dsp/pack.h"
#include "runtime/kernels/dsp/sums.h"
#include "runtime/kernels/dsp/tile.h"

typedef struct packer {
    const tp_conv2d *d;
    const int32_t *bias; /* NULL: trained */
    int32_t k;           /* products of a sum */
    int32_t run;         /* of them in a row of the window */
    int32_t row;         /* the same in words of four: what is packed */
    int32_t pairs;       /* of k, even */
    tp_conv2d_dsp layout;
    int32_t groups;
    bool plain;
    bool scaled;      /* factors are trained */
    bool lora;        /* a branch adds anything to each sum */
    int32_t limit;    /* as in tp_conv2d_dsp */
    int32_t *w;       /* [groups][pairs][2] */
    int32_t *channel; /* [groups][TP_TILE_CHANNEL] */
} packer;

/* What is known of one channel's sum A = start + sum w u, u in [0, 255]. */
typedef struct channel {
    int64_t start;
    int64_t sum; /* of its weights */
    int64_t lo, hi;
    int64_t most;  /* |A|, with what a branch adds */
    bool constant; /* all sums give the same byte: its weights are dropped */
    int32_t m;
    int64_t r; /* of even channels */
    int32_t e;
} channel;

static int32_t first_of_group(const packer *p, int32_t g) {
    return tp_min32(g * TP_TILE_GROUP, p->d->out_c - TP_TILE_GROUP);
}

/* Packed weight k: rows of the window are filled up to words. */
static int32_t weight(const packer *p, const channel *c, int32_t oc,
                      int32_t k) {
    const int32_t in_row = k % p->row;
    const int32_t at = k / p->row * p->run + in_row;
    return c->constant || in_row >= p->run ? 0 : p->d->w[oc * p->k + at];
}

/* The byte of `ref` for a sum, before the fused activation's upper clamp is
 * asked for: as an int32, clamped. */
static int32_t output(const packer *p, int32_t oc, int64_t sum) {
    const tp_conv2d *d = p->d;
    const int32_t y = tp_mbqm((int32_t)sum, d->m[oc], d->s[oc]) + d->y_zp;
    return tp_clamp32(y, d->y_min, d->y_max);
}

/* The tile saturates to int8 where the clamp range begins at -128; `up` and
 * `down` then move it. */
static int32_t tile_zp(const packer *p) {
    return p->d->y_zp - p->d->y_min - 128;
}

/* The sums without a bias. */
static void sum_weights(const packer *p, int32_t oc, channel *c) {
    int64_t sum = 0;
    int64_t neg = 0;
    for (int32_t k = 0; k < p->k; k++) {
        const int32_t w = p->d->w[oc * p->k + k];
        sum += w;
        neg += w < 0 ? w : 0;
    }
    c->sum = sum;
    c->start = -(128 + p->d->x_zp) * sum;
    c->lo = c->start + 255 * neg;
    c->hi = c->start + 255 * (sum - neg);
}

static void add_bias(channel *c, int64_t lo, int64_t hi) {
    c->lo += lo;
    c->hi += hi;
}

/* A trained bias beyond the limit saturates the output whatever the input is,
 * as it does at the limit, with the smallest factor that can be trained, 2^-4
 * of the base's. `ref` does not wrap: the bias is within 2^30, or the file's
 * own. */
static bool saturates(const packer *p, int32_t oc, const channel *c) {
    const tp_conv2d *d = p->d;
    const int s = d->s[oc] - (p->scaled ? 4 : 0);
    if (s < -31) {
        return false;
    }
    return tp_mbqm((int32_t)(c->lo + p->limit), d->m[oc], s) + d->y_zp >=
               d->y_max &&
           tp_mbqm((int32_t)(c->hi - p->limit), d->m[oc], s) + d->y_zp <=
               d->y_min;
}

/* Bias and factor are known: where both ends of the sums give one byte, all do,
 * for rounding is monotone. */
static bool is_constant(const packer *p, int32_t oc, channel *c) {
    const int32_t y = output(p, oc, c->lo);
    if (y != output(p, oc, c->hi)) {
        return false;
    }
    /* y = R >> 1 after the move by y_min + 128 */
    *c = (channel){.constant = true, .r = 2 * (y - p->d->y_min - 128), .e = 1};
    return true;
}

static int64_t rounding(const packer *p, int32_t e) {
    return (int64_t)tile_zp(p) * ((int64_t)1 << e) + ((int64_t)1 << e >> 1);
}

/* A sum is never out of 31 bits, so that twice of it is an int32. Without a
 * fraction, e = 0, nothing is rounded, and a negative sum not either. */
static bool describe(const packer *p, int32_t oc, channel *c) {
    const tp_conv2d *d = p->d;
    *c = (channel){.m = d->m[oc], .e = -d->s[oc]};
    sum_weights(p, oc, c);
    if (p->bias != NULL) {
        const int64_t b = p->bias[oc];
        if (p->limit != 0 && (b > p->limit || b < -p->limit)) {
            return false;
        }
        c->start += p->limit != 0 ? 0 : b;
        add_bias(c, b, b);
    } else {
        if (!saturates(p, oc, c)) {
            return false;
        }
        add_bias(c, -p->limit, p->limit);
    }
    if (c->lo <= INT32_MIN || c->hi >= INT32_MAX || d->s[oc] > 0) {
        return false;
    }
    if (p->limit == 0 && !p->lora && is_constant(p, oc, c)) {
        return true;
    }
    c->r = rounding(p, c->e);
    return (c->e >= 1 || p->plain) && c->lo > -(1 << 30) && c->hi < 1 << 30;
}

static int64_t magnitude(const channel *c) {
    return c->constant ? 0 : c->hi > -c->lo ? c->hi : -c->lo;
}

/* A branch adds b to the sum A; the tile holds A + b of an even channel within
 * 31 bits and b of an odd one within 22. Both are right where what lies beyond
 * is clamped anyway. */
static bool add_branch(const packer *p, int32_t oc, bool odd, channel *c) {
    const int64_t most = odd ? 1 << 21 : 1 << 30;
    const int64_t lo = odd ? c->hi - most : -most;
    const int64_t hi = odd ? c->lo + most - 1 : most - 1;
    if (output(p, oc, lo) != p->d->y_min || output(p, oc, hi) != p->d->y_max ||
        (odd && magnitude(c) >= most)) {
        return false;
    }
    c->most = odd ? 2 * most : most;
    return true;
}

/* R + floor(A m `times` / 2^31), what the tile shifts right last, for all sums
 * A: it and R are an int32, and the shift is one that the core has. */
static bool fits(const channel *c, int64_t r, int32_t times, int32_t e) {
    const int64_t most = (c->most * c->m >> 31) * times + 2 * times;
    return r - most >= INT32_MIN && r + most <= INT32_MAX && e <= 31;
}

/* Trained factors are those of the base times 2^-4 to 4. */
static bool fits_scaled(const packer *p, const channel *c, bool odd) {
    channel most = *c;
    most.m = INT32_MAX;
    for (int32_t e = c->e - 2; e <= c->e + 5; e++) {
        const int64_t r = rounding(p, e < 1 ? 1 : e);
        if (e < 1 || !fits(&most, odd ? 256 * r + 128 : r, odd ? 256 : 1,
                           odd ? e + 8 : e)) {
            return false;
        }
    }
    return true;
}

/* Both channels of a packed pair, in the bounds of tile.h. */
static bool pack_channels(const packer *p, const channel c[2], int32_t *start,
                          int32_t *even, int32_t *odd) {
    const int64_t r = 256 * c[1].r + (c[1].constant ? 0 : 128);
    if (512 * magnitude(&c[1]) + 2 * magnitude(&c[0]) > INT32_MAX ||
        !fits(&c[0], c[0].r, 1, c[0].e) || !fits(&c[1], r, 256, c[1].e + 8) ||
        (p->scaled &&
         (!fits_scaled(p, &c[0], false) || !fits_scaled(p, &c[1], true)))) {
        return false;
    }
    /* Sums of bytes as they are: they lack 128 for each weight. */
    const int64_t more = p->layout.bytes != 0 ? 128 : 0;
    const int64_t even_start = c[0].start + more * c[0].sum;
    const int64_t sum = 256 * (c[1].start + more * c[1].sum) + even_start;
    start[0] = (int32_t)(uint32_t)(2 * (uint64_t)even_start);
    start[1] = (int32_t)(uint32_t)(2 * (uint64_t)sum);
    even[0] = c[0].m;
    even[1] = (int32_t)c[0].r;
    even[2] = c[0].e;
    odd[0] = c[1].m;
    odd[1] = (int32_t)r;
    odd[2] = c[1].e + 8;
    return true;
}

/* Both weights of one k as a halfword, 256 * w1 + w0. */
static bool pack_weight(const packer *p, const channel c[2], int32_t oc,
                        int32_t k, uint32_t *half) {
    const int32_t both =
        256 * weight(p, &c[1], oc + 1, k) + weight(p, &c[0], oc, k);
    *half = (uint16_t)both;
    return both >= INT16_MIN && both <= INT16_MAX;
}

static bool pack_group(packer *p, int32_t g) {
    const int32_t oc = first_of_group(p, g);
    int32_t *info = p->channel + g * TP_TILE_CHANNEL;
    channel c[TP_TILE_GROUP];
    for (int32_t i = 0; i < TP_TILE_GROUP; i++) {
        if (!describe(p, oc + i, &c[i])) {
            return false;
        }
        c[i].most = magnitude(&c[i]);
        if (p->lora && !add_branch(p, oc + i, i % 2 == 1, &c[i])) {
            return false;
        }
    }
    for (int32_t h = 0; h < 2; h++) {
        if (!pack_channels(p, c + 2 * h, info + 2 * h, info + 4 + 6 * h,
                           info + 7 + 6 * h)) {
            return false;
        }
        for (int32_t j = 0; j < p->pairs; j++) {
            const int32_t k = j / 2 * 4 + j % 2;
            uint32_t low = 0;
            uint32_t high = 0;
            if (!pack_weight(p, c + 2 * h, oc + 2 * h, k, &low) ||
                !pack_weight(p, c + 2 * h, oc + 2 * h, k + 2, &high)) {
                return false;
            }
            p->w[(g * p->pairs + j) * 2 + h] = (int32_t)(high << 16 | low);
        }
    }
    return true;
}

static bool pack_all(packer *p) {
    for (int32_t g = 0; g < p->groups; g++) {
        if (!pack_group(p, g)) {
            return false;
        }
    }
    return true;
}

/* Where something is trained, the widest limit for which all bounds hold. */
static bool pack(packer *p) {
    if (p->bias != NULL && !p->scaled) {
        return pack_all(p);
    }
    for (p->limit = 1 << 21; p->limit >= 1 << 16; p->limit /= 2) {
        if (pack_all(p)) {
            return true;
        }
    }
    return false;
}

/* The same byte in all four places. */
static int32_t four(int32_t v) {
    return (int32_t)((uint32_t)(uint8_t)v * 0x01010101u);
}

/* Saturated to [-128, 127], moved up until the upper clamp is at 127, and down
 * until the lower one is where it belongs. */
static void set_clamp(const tp_conv2d *d, tp_conv2d_dsp *out) {
    const int32_t up = 255 - (d->y_max - d->y_min);
    out->up = four(up > 127 ? 127 : up);
    out->down = four((up > 127 ? 127 : up) - (d->y_min + 128));
}

static bool is_plain(const tp_conv2d *d) {
    return d->y_min == -128 && d->y_zp == -128 && d->y_max == 127;
}

/* The step's descriptor with its constants. */
static tp_status finish(tp_lower *lower, const packer *p, tp_conv2d_dsp *out) {
    *out = p->layout;
    out->plain = p->plain;
    out->limit = p->limit;
    set_clamp(p->d, out);
    tp_conv_dsp_choose(out);
    out->w = tp_lower_const(lower, TP_S32, p->w,
                            (size_t)p->groups * (size_t)p->pairs * 2, "packed");
    out->channel =
        tp_lower_const(lower, TP_S32, p->channel,
                       (size_t)p->groups * TP_TILE_CHANNEL, "channels");
    return out->w != NULL && out->channel != NULL ? TP_OK
                                                  : tp_no_memory(lower->diag);
}

static bool has_code(const tp_conv2d *d) {
    return d->out_c >= TP_TILE_GROUP && d->dil_h == 1 && d->dil_w == 1 &&
           d->y_max - d->y_min >= 128;
}

/* One pixel of so many channels that their copy in scratch would be most of
 * what a small model needs: its bytes are unpacked again for each group of
 * outputs, a seventh more instructions. */
#define MOST_WIDENED 256

static bool reads_bytes(const tp_conv2d_dsp *op) {
    const tp_conv2d *d = &op->conv;
    return d->out_h * d->out_w == 1 && op->direct &&
           2 * op->pairs > MOST_WIDENED;
}

/* Packs the layer *d, which it completes; `done` is false where there is no
 * code for it or a bound fails. */
static tp_status pack_layer(tp_lower *lower, const tp_op *op,
                            const tp_conv_tensors *t, tp_conv2d *d, packer *p,
                            bool *done) {
    const tp_tensor *bias = &lower->graph->tensor[op->in[2]];
    *done = false;
    if ((lower->isa & TP_ISA_DSP) == 0) {
        return TP_OK;
    }
    if (tp_conv_describe(lower->arena, op, t, d) != TP_OK) {
        return tp_no_memory(lower->diag);
    }
    p->d = d;
    p->bias = bias->role == TP_CONST ? bias->data : NULL;
    p->k = d->k_h * d->k_w * d->in_c;
    p->run = d->k_w * d->in_c;
    p->row = (p->run + 3) / 4 * 4;
    p->groups = (d->out_c + TP_TILE_GROUP - 1) / TP_TILE_GROUP;
    p->plain = is_plain(d);
    p->layout = tp_conv_dsp_layout(d);
    p->layout.bytes = !p->scaled && !p->lora && reads_bytes(&p->layout);
    p->pairs = p->layout.pairs;
    if (!has_code(d) || (p->lora && p->bias == NULL)) {
        return TP_OK;
    }
    p->w = tp_arena_alloc(
        lower->arena, (size_t)p->groups * (size_t)p->pairs * 2, sizeof *p->w);
    p->channel = tp_arena_alloc(
        lower->arena, (size_t)p->groups * TP_TILE_CHANNEL, sizeof *p->channel);
    if (p->w == NULL || p->channel == NULL) {
        return tp_no_memory(lower->diag);
    }
    *done = pack(p);
    return TP_OK;
}

tp_status tp_conv_dsp_lower(tp_lower *lower, const tp_op *op,
                            const tp_conv_tensors *t, bool *done) {
    tp_conv2d d = tp_conv_geometry(&op->attr, t);
    packer p = {.scaled = tp_op_factors(op) >= 0};
    tp_conv2d_dsp out;
    TP_TRY(pack_layer(lower, op, t, &d, &p, done));
    if (!*done) {
        return TP_OK;
    }
    TP_TRY(finish(lower, &p, &out));
    const tp_arg x = tp_arg_tensor(op->in[0]);
    const tp_arg y = tp_arg_tensor(op->out);
    const tp_arg b =
        p.limit == 0 ? tp_arg_const(NULL) : tp_arg_tensor(op->in[2]);
    const tp_arg scratch = tp_arg_scratch(tp_conv_dsp_scratch(&out));
    if (p.scaled) {
        const tp_arg f = tp_arg_tensor(tp_op_factors(op));
        return tp_lower_step(lower, TP_K_conv2d_scaled_s8_fwd_dsp,
                             &tp_desc_conv2d_dsp, &out,
                             (tp_arg[]){x, b, f, y, scratch});
    }
    if (out.bytes != 0) {
        return tp_lower_step(
            lower, TP_K_fc_s8_fwd_dsp, &tp_desc_conv2d_dsp, &out,
            (tp_arg[]){x, b, y, out.limit != 0 ? scratch : tp_arg_const(NULL)});
    }
    return tp_lower_step(lower, TP_K_conv2d_s8_fwd_dsp, &tp_desc_conv2d_dsp,
                         &out, (tp_arg[]){x, b, y, scratch});
}

/* Whether one kernel does both, u = A x and what adds B u: packed sums of
 * doubled activations fit, 257 * 2 * 255 * 127 * taps < 2^31, and the window is
 * A's as it is. `made` is the op that makes u. */
static bool joins(const tp_op *op, const tp_op *made,
                  const tp_conv2d_dsp *out) {
    const int32_t taps = 2 * out->pairs;
    const tp_conv2d *d = &out->conv;
    return made->kind == TP_OP_LORA_A && made->in[0] == op->in[0] &&
           (d->rank < 4 || d->rank % 4 == 0) && taps <= 128 &&
           taps == d->k_h * d->k_w * d->in_c;
}

/* The same step with the op that makes u. */
static tp_status join(tp_lower *lower, const tp_op *op, tp_conv2d_dsp out,
                      const tp_arg *arg) {
    const tp_graph *graph = lower->graph;
    const int producer = tp_graph_producer(graph, op->in[3]);
    if (producer < 0 || !joins(op, &graph->op[producer], &out)) {
        return TP_OK;
    }
    const uint32_t words =
        (uint32_t)tp_dsp_a_words(out.conv.rank, 2 * out.pairs);
    const tp_step joined = {.kernel = TP_K_conv2d_lora_u_s8_fwd_dsp,
                            .type = &tp_desc_conv2d_dsp,
                            .desc = &out,
                            .arg = {arg[0], arg[1],
                                    tp_arg_tensor(graph->op[producer].in[1]),
                                    arg[2], arg[3], arg[4],
                                    tp_arg_scratch(arg[5].bytes + 4u * words)}};
    out.conv.x_zp = graph->tensor[op->in[0]].quant.zero_point;
    return tp_lower_join(lower, &joined, op->in[3]);
}

tp_status tp_conv_dsp_lower_lora(tp_lower *lower, const tp_op *op,
                                 const tp_conv_tensors *t, const tp_conv2d *d,
                                 bool *done) {
    tp_conv2d described = *d;
    packer p = {.lora = true};
    tp_conv2d_dsp out;
    *done = false;
    if (d->rank > TP_SUMS_RANK) {
        return TP_OK;
    }
    TP_TRY(pack_layer(lower, op, t, &described, &p, done));
    if (!*done) {
        return TP_OK;
    }
    TP_TRY(finish(lower, &p, &out));
    const uint32_t branch =
        4u * (1u + (uint32_t)tp_dsp_branch_words(d->rank)) * (uint32_t)d->out_c;
    const tp_arg args[] = {tp_arg_tensor(op->in[0]),
                           tp_arg_const(NULL),
                           tp_arg_tensor(op->in[3]),
                           tp_arg_tensor(op->in[4]),
                           tp_arg_tensor(op->out),
                           tp_arg_scratch(tp_conv_dsp_scratch(&out) + branch)};
    TP_TRY(tp_lower_step(lower, TP_K_conv2d_lora_s8_fwd_dsp,
                         &tp_desc_conv2d_dsp, &out, args));
    return join(lower, op, out, args);
}
