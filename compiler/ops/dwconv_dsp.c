#include "compiler/ops/dwconv_dsp.h"

#include "compiler/ops/dw_strips.h"
#include "core/fixed.h"
#include "runtime/kernels/dsp/strip.h"

typedef struct packer {
    const tp_conv2d *d;
    const int32_t *bias; /* NULL: trained */
    int32_t pairs;       /* of a row of the window */
    bool plain;
    bool scaled;     /* factors are trained */
    int32_t limit;   /* as in tp_dwconv2d_dsp */
    int32_t *record; /* [out_c][k_h * pairs + 3] */
} packer;

/* One channel's sum A = start + sum w u, u = x + 128 in [0, 255]. */
typedef struct channel {
    int32_t oc;
    int64_t start, lo, hi;
} channel;

/* What the kernel makes of it: 2^t A = offset + sum 2^t w u. */
typedef struct form {
    int32_t t;
    int64_t offset;
    int32_t m, r;
} form;

static size_t all_words(const packer *p) {
    return (size_t)p->d->out_c * (size_t)(p->d->k_h * p->pairs + 3);
}

static int32_t weight(const tp_conv2d *d, int32_t oc, int32_t k) {
    return d->w[k * d->out_c + oc];
}

static channel channel_of(const packer *p, int32_t oc) {
    const tp_conv2d *d = p->d;
    int64_t sum = 0;
    int64_t neg = 0;
    for (int32_t k = 0; k < d->k_h * d->k_w; k++) {
        const int32_t w = weight(d, oc, k);
        sum += w;
        neg += w < 0 ? w : 0;
    }
    const int64_t b = p->limit == 0 ? p->bias[oc] : 0;
    channel c = {.oc = oc, .start = b - (128 + d->x_zp) * sum};
    c.lo = c.start + 255 * neg;
    c.hi = c.start + 255 * (sum - neg);
    return c;
}

/* The byte of `ref` for a sum. */
static int32_t output(const packer *p, const channel *c, int64_t sum) {
    const tp_conv2d *d = p->d;
    const int32_t y = tp_mbqm((int32_t)sum, d->m[c->oc], d->s[c->oc]);
    return tp_clamp32(y + d->y_zp, d->y_min, d->y_max);
}

static int64_t magnitude(const channel *c) {
    return c->hi > -c->lo ? c->hi : -c->lo;
}

/* --- plain: one shift for all channels ------------------------------------ */

/* What the kernel has for a sum. */
static int64_t scaled(const form *f, const channel *c, int64_t sum) {
    return (sum - c->start) * (1 << f->t) + f->offset;
}

/* The byte of strip.h for a sum. */
static int32_t strip_output(const form *f, const channel *c, int64_t sum) {
    const int64_t v = (scaled(f, c, sum) * f->m >> 32) + f->r;
    return tp_clamp32((int32_t)(v >> TP_STRIP_SHIFT), -128, 127);
}

/* The last sum from `sum` on that gives the same byte of `ref`, which rises
 * with the sum. */
static int64_t last_alike(const packer *p, const channel *c, int64_t sum) {
    const int32_t y = output(p, c, sum);
    int64_t last = c->hi;
    while (sum < last) {
        const int64_t middle = sum + (last - sum + 1) / 2;
        if (output(p, c, middle) == y) {
            sum = middle;
        } else {
            last = middle - 1;
        }
    }
    return sum;
}

/* True for all sums: both rise, so the ends of each step of `ref` prove it. */
static bool is_same(const packer *p, const channel *c, const form *f) {
    if (scaled(f, c, c->lo) < INT32_MIN || scaled(f, c, c->hi) > INT32_MAX) {
        return false;
    }
    for (int64_t sum = c->lo; sum <= c->hi; sum++) {
        const int32_t y = output(p, c, sum);
        const bool first = strip_output(f, c, sum) == y;
        sum = last_alike(p, c, sum);
        if (!first || strip_output(f, c, sum) != y) {
            return false;
        }
    }
    return true;
}

static int32_t rounding(int32_t zp, int32_t t) {
    return zp * (1 << TP_STRIP_SHIFT) + (1 << (TP_STRIP_SHIFT - 1)) +
           (1 << t >> 2);
}

/* A factor too small for the shift, of a channel that is nearly dead: m by
 * which 2^t A is multiplied has fewer bits than `ref` has, and what the sum
 * starts from, with t bits that are free, makes up for that and adds what 2^30
 * is there. The more of them, the finer is that, and the coarser m. */
static bool find_small(const packer *p, const channel *c, int32_t exact,
                       form *f) {
    for (int32_t t = TP_STRIP_T_MAX; t >= TP_STRIP_T_MIN; t--) {
        const int32_t less = t - exact;
        for (int32_t i = 0; i < 4; i++) {
            const int64_t m = (p->d->m[c->oc] >> less) + i / 2;
            const int64_t sum =
                c->start * (1 << t) * p->d->m[c->oc] + (INT64_C(1) << (30 + t));
            *f = (form){.t = t,
                        .offset = (sum >> less) / m + i % 2,
                        .m = (int32_t)m,
                        .r = rounding(p->d->y_zp, 0)};
            if (is_same(p, c, f)) {
                return true;
            }
        }
    }
    return false;
}

static bool find_plain(const packer *p, const channel *c, form *f) {
    const int32_t t = TP_STRIP_SHIFT + 1 + p->d->s[c->oc];
    if (t < TP_STRIP_T_MIN) {
        return find_small(p, c, t, f);
    }
    if (t > TP_STRIP_T_MAX || magnitude(c) >= INT64_C(1) << (31 - t)) {
        return false;
    }
    *f = (form){.t = t,
                .offset = c->start * (1 << t),
                .m = p->d->m[c->oc],
                .r = rounding(p->d->y_zp, t)};
    return true;
}

/* --- channels ------------------------------------------------------------- */

static void put(const packer *p, const channel *c, const form *f, bool dead) {
    const tp_conv2d *d = p->d;
    int32_t *out = p->record + c->oc * (d->k_h * p->pairs + 3);
    for (int32_t i = 0; i < d->k_h * p->pairs; i++) {
        const int32_t kx = i % p->pairs;
        const int32_t k = i / p->pairs * d->k_w + kx;
        const int32_t low = dead ? 0 : weight(d, c->oc, k);
        const int32_t high =
            dead || kx + 1 >= d->k_w ? 0 : weight(d, c->oc, k + 1);
        const int32_t scale = 1 << f->t;
        *out++ =
            (int32_t)((uint32_t)(high * scale) << 16 | (uint16_t)(low * scale));
    }
    *out++ = (int32_t)f->offset;
    *out++ = f->m;
    *out = f->r;
}

static bool find(const packer *p, const channel *c, form *f, bool *dead) {
    const int32_t y = output(p, c, c->lo);
    *dead = p->plain && p->d->s[c->oc] <= 0 && y == output(p, c, c->hi);
    if (*dead) { /* all sums give the same byte */
        *f = (form){.r = y * (1 << TP_STRIP_SHIFT)};
        return true;
    }
    if (p->plain) {
        return find_plain(p, c, f);
    }
    *f = (form){.offset = c->start}; /* the factor is that of `ref` */
    return true;
}

/* As in conv_dsp.c: a trained bias beyond the limit saturates the output. */
static bool saturates(const packer *p, const channel *c) {
    const tp_conv2d *d = p->d;
    const int s = d->s[c->oc] - (p->scaled ? 4 : 0);
    if (s < -31) {
        return false;
    }
    return tp_mbqm((int32_t)(c->lo + p->limit), d->m[c->oc], s) + d->y_zp >=
               d->y_max &&
           tp_mbqm((int32_t)(c->hi - p->limit), d->m[c->oc], s) + d->y_zp <=
               d->y_min;
}

/* Of a layer with a trained bias or factor: the kernel makes the record. Sums
 * are within 2^23, so that they fit 32 bits however strip.h scales them. */
static bool pack_trained(const packer *p, const channel *c) {
    const int64_t most = INT64_C(1) << (31 - TP_STRIP_T_MAX);
    const int64_t b = p->bias != NULL ? p->bias[c->oc] : 0;
    const bool held = p->bias == NULL || (b <= p->limit && b >= -p->limit);
    if (!held || (p->bias == NULL && !saturates(p, c)) ||
        magnitude(c) + p->limit >= most) {
        return false;
    }
    const int32_t t = TP_STRIP_SHIFT + 1 + p->d->s[c->oc];
    const bool fast = t >= TP_STRIP_T_MIN && t <= TP_STRIP_T_MAX;
    form f = {.t = fast ? t : 0, .offset = c->start};
    f.m = f.t;
    put(p, c, &f, false);
    return true;
}

static bool pack_all(const packer *p) {
    for (int32_t oc = 0; oc < p->d->out_c; oc++) {
        const channel c = channel_of(p, oc);
        form f;
        bool dead = false;
        if (p->limit != 0 && !pack_trained(p, &c)) {
            return false;
        }
        if (p->limit != 0) {
            continue;
        }
        if (c.lo <= INT32_MIN || c.hi >= INT32_MAX || !find(p, &c, &f, &dead)) {
            return false;
        }
        put(p, &c, &f, dead);
    }
    return true;
}

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

/* --- steps ---------------------------------------------------------------- */

/* The largest tensor: the arena is no smaller. */
static int32_t largest(const tp_graph *graph) {
    size_t most = 0;
    for (int i = 0; i < graph->n_tensors; i++) {
        const tp_tensor *t = &graph->tensor[i];
        const size_t bytes = t->role == TP_VALUE ? tp_tensor_bytes(t) : 0;
        most = bytes > most ? bytes : most;
    }
    return (int32_t)most;
}

/* The map as the windows see it, its strips in memory of this op. */
static tp_status set_strips(tp_lower *lower, const tp_dw_map *map,
                            tp_dwconv2d_dsp *out) {
    const size_t n = (size_t)tp_dw_strips(map) * TP_DW_STRIP;
    int32_t *table = tp_arena_alloc(lower->arena, n, sizeof *table);
    if (table == NULL) {
        return tp_no_memory(lower->diag);
    }
    tp_dw_lay_out(map, table, out);
    out->strip = tp_lower_const(lower, TP_S32, table, n, "strips");
    return out->strip != NULL ? TP_OK : tp_no_memory(lower->diag);
}

/* Windows of 3x3: others gain nothing over `ref`, in C as they would be. */
static bool has_strips(const tp_conv2d *d) {
    return d->k_h == 3 && d->k_w == 3 && d->dil_h == 1 && d->dil_w == 1 &&
           d->out_c == d->in_c && d->out_c >= TP_DW_GROUP &&
           d->stride_h == d->stride_w && d->stride_w <= 2;
}

/* Negative sums end at the lower clamp; any other range neither gains. */
static bool is_plain(const tp_conv2d *d) {
    return d->y_min == -128 && d->y_zp == -128 && d->y_max == 127;
}

static tp_status append(tp_lower *lower, const tp_op *op, const packer *p) {
    const tp_conv2d *d = p->d;
    tp_dwconv2d_dsp out = {.conv = *d, .plain = p->plain, .limit = p->limit};
    out.conv.w = NULL;
    out.conv.m = NULL;
    out.conv.s = NULL;
    if (!p->plain || p->limit != 0) {
        const size_t n = (size_t)d->out_c;
        out.conv.m = tp_lower_const(lower, TP_S32, d->m, n, "m");
        out.conv.s = tp_lower_const(lower, TP_S8, d->s, n, "s");
    }
    const tp_dw_map map = {.conv = *d, .largest = largest(lower->graph)};
    TP_TRY(set_strips(lower, &map, &out));
    out.channel =
        tp_lower_const(lower, TP_S32, p->record, all_words(p), "channels");
    if (out.channel == NULL || ((!p->plain || p->limit != 0) &&
                                (out.conv.m == NULL || out.conv.s == NULL))) {
        return tp_no_memory(lower->diag);
    }
    const tp_arg x = tp_arg_tensor(op->in[0]);
    const tp_arg y = tp_arg_tensor(op->out);
    const tp_arg b =
        p->limit == 0 ? tp_arg_const(NULL) : tp_arg_tensor(op->in[2]);
    const tp_arg scratch = tp_arg_scratch(tp_dw_scratch(&out));
    if (p->scaled) {
        const tp_arg f = tp_arg_tensor(tp_op_factors(op));
        return tp_lower_step(lower, TP_K_dwconv2d_scaled_s8_fwd_dsp,
                             &tp_desc_dwconv2d_dsp, &out,
                             (tp_arg[]){x, b, f, y, scratch});
    }
    return tp_lower_step(lower, TP_K_dwconv2d_s8_fwd_dsp, &tp_desc_dwconv2d_dsp,
                         &out, (tp_arg[]){x, b, y, scratch});
}

tp_status tp_dwconv_dsp_lower_described(tp_lower *lower, const tp_op *op,
                                        const tp_conv2d *d, bool *done) {
    const tp_tensor *bias = &lower->graph->tensor[op->in[2]];
    *done = false;
    if (!has_strips(d) || !is_plain(d)) {
        return TP_OK;
    }
    packer p = {.d = d,
                .bias = bias->role == TP_CONST ? bias->data : NULL,
                .scaled = tp_op_factors(op) >= 0,
                .pairs = tp_max32(d->k_w - 1, 1),
                .plain = true};
    const size_t words = all_words(&p);
    p.record = tp_arena_alloc(lower->arena, words, sizeof *p.record);
    if (p.record == NULL) {
        return tp_no_memory(lower->diag);
    }
    *done = pack(&p);
    return *done ? append(lower, op, &p) : TP_OK;
}

tp_status tp_dwconv_dsp_lower(tp_lower *lower, const tp_op *op,
                              const tp_conv_tensors *t, bool *done) {
    tp_conv2d d = tp_conv_geometry(&op->attr, t);
    *done = false;
    if ((lower->isa & TP_ISA_DSP) == 0) {
        return TP_OK;
    }
    return tp_conv_describe(lower->arena, op, t, &d) == TP_OK
               ? tp_dwconv_dsp_lower_described(lower, op, &d, done)
               : tp_no_memory(lower->diag);
}

/* --- gradient to the input ------------------------------------------------ */

/* From dy to dx: the window turned round. */
static tp_conv2d turned(const tp_conv2d *d) {
    return (tp_conv2d){.in_h = d->out_h,
                       .in_w = d->out_w,
                       .in_c = d->out_c,
                       .out_h = d->in_h,
                       .out_w = d->in_w,
                       .out_c = d->in_c,
                       .k_h = d->k_h,
                       .k_w = d->k_w,
                       .stride_h = 1,
                       .stride_w = 1,
                       .dil_h = 1,
                       .dil_w = 1,
                       .pad_t = d->k_h - 1 - d->pad_t,
                       .pad_l = d->k_w - 1 - d->pad_l,
                       .x_zp = -128};
}

static int8_t *turn(tp_lower *lower, const tp_conv2d *d) {
    const int32_t taps = d->k_h * d->k_w;
    const int32_t n = taps * d->out_c;
    int8_t *w = tp_arena_alloc(lower->arena, (size_t)n, sizeof *w);
    for (int32_t i = 0; w != NULL && i < n; i++) {
        const int32_t k = taps - 1 - i / d->out_c;
        w[i] = (int8_t)weight(d, i % d->out_c, k);
    }
    return w;
}

tp_status tp_dwconv_dsp_lower_bwd_x(tp_lower *lower, const tp_op *op,
                                    const tp_conv2d *d, bool *done) {
    *done = (lower->isa & TP_ISA_DSP) != 0 && has_strips(d) &&
            d->stride_w == 1 && d->pad_t < d->k_h && d->pad_l < d->k_w;
    if (!*done) {
        return TP_OK;
    }
    tp_conv2d view = turned(d);
    packer p = {.d = &view, .pairs = tp_max32(d->k_w - 1, 1)};
    const size_t words = all_words(&p);
    p.record = tp_arena_alloc(lower->arena, words, sizeof *p.record);
    view.w = turn(lower, d);
    if (p.record == NULL || view.w == NULL) {
        return tp_no_memory(lower->diag);
    }
    for (int32_t oc = 0; oc < d->out_c; oc++) {
        const channel c = {.oc = oc};
        put(&p, &c, &(form){.t = TP_STRIP_T_MAX, .m = d->bwd_q[oc]}, false);
    }
    tp_dwconv2d_dsp out = {.conv = *d};
    out.conv.w = NULL;
    out.conv.bwd_q = NULL;
    const tp_dw_map map = {
        .conv = view, .largest = largest(lower->graph), .gradient = true};
    TP_TRY(set_strips(lower, &map, &out));
    out.channel = tp_lower_const(lower, TP_S32, p.record, words, "backward");
    if (out.channel == NULL) {
        return tp_no_memory(lower->diag);
    }
    const tp_arg args[] = {tp_arg_tensor(op->in[0]), tp_arg_tensor(op->out),
                           tp_arg_gscale(op->out),
                           tp_arg_scratch(tp_dw_scratch(&out))};
    return tp_lower_step(lower, TP_K_dwconv2d_s8_bwd_x_dsp,
                         &tp_desc_dwconv2d_dsp, &out, args);
}
