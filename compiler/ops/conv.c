/* CONV_2D, DEPTHWISE_CONV_2D, FULLY_CONNECTED and their gradients. */
#include "compiler/ops/conv.h"

#include <math.h>

#include "compiler/ops/conv_dsp.h"
#include "compiler/ops/conv_mve.h"
#include "compiler/ops/conv_scalar.h"
#include "compiler/ops/dwconv_any.h"
#include "compiler/ops/dwconv_dsp.h"
#include "compiler/ops/overlap.h"
#include "compiler/ops/table.h"

int32_t tp_conv_sum_shift(double most) {
    int32_t shift = 0;
    while (ldexp(most, -shift) * 256.0 >= 2147483648.0) {
        shift++;
    }
    return shift;
}

tp_conv2d tp_conv_geometry(const tp_attr *attr, const tp_conv_tensors *t) {
    tp_conv2d d = {.in_w = 1, .out_w = 1, .k_h = 1, .k_w = 1};
    const tp_tensor *x = t->x;
    const tp_tensor *w = t->w;
    if (w->rank == 2) {
        d.in_c = w->dim[1];
        d.out_c = w->dim[0];
        d.in_h = (int32_t)(tp_tensor_count(x) / d.in_c);
        d.out_h = d.in_h;
    } else {
        d.in_h = x->dim[1];
        d.in_w = x->dim[2];
        d.in_c = x->dim[3];
        d.out_h = t->y->dim[1];
        d.out_w = t->y->dim[2];
        d.out_c = t->y->dim[3];
        d.k_h = w->dim[1];
        d.k_w = w->dim[2];
    }
    d.stride_h = attr->stride_h > 0 ? attr->stride_h : 1;
    d.stride_w = attr->stride_w > 0 ? attr->stride_w : 1;
    d.dil_h = attr->dilation_h > 0 ? attr->dilation_h : 1;
    d.dil_w = attr->dilation_w > 0 ? attr->dilation_w : 1;
    d.pad_t = attr->pad_t;
    d.pad_l = attr->pad_l;
    return d;
}

void tp_conv_accumulation(tp_conv2d *d) {
    const double pixels = (double)d->out_h * d->out_w;
    d->acc_shift = tp_conv_sum_shift(pixels * 255.0 * 127.0);
    d->acc_shift_b = tp_conv_sum_shift(pixels * 32767.0 * 127.0);
}

/* True if the rows of x up to the last one under row oy of y reach as far as
 * the bytes of that row, where y begins with x. */
static bool is_read(const tp_map_axis *h, const tp_map_axis *w, int32_t oy) {
    const int32_t last = oy * h->stride - h->before + h->k - 1;
    const int64_t end = (int64_t)(oy + 1) * w->y - 1;
    return last >= h->x - 1 || end / w->x <= last;
}

/* Backward: from dy to dx, for stride 1, with the window turned round. */
static bool may_begin_with_x(const tp_conv2d *d, bool backward) {
    tp_map_axis h = {d->in_h, d->out_h, d->k_h, d->stride_h, 1, d->pad_t};
    tp_map_axis w = {.x = d->in_w, .y = d->out_w};
    if (backward) {
        h = (tp_map_axis){d->out_h, d->in_h, d->k_h,
                          1,        1,       d->k_h - 1 - d->pad_t};
        w = (tp_map_axis){.x = d->out_w, .y = d->in_w};
    }
    bool may = d->in_c == d->out_c;
    for (int32_t oy = 0; may && oy < h.y; oy++) {
        may = is_read(&h, &w, oy);
    }
    return may;
}

void tp_conv_overlap(const tp_conv2d *d, bool backward, tp_overlap *out) {
    if (out->gathers == TP_BY_CHANNEL) {
        *out = (tp_overlap){.gathers = out->gathers,
                            .forward = TP_APART,
                            .reverse = TP_APART,
                            .exact = may_begin_with_x(d, backward)};
        return;
    }
    const tp_map map = {
        .h = {d->in_h, d->out_h, d->k_h, d->stride_h, d->dil_h, d->pad_t},
        .w = {d->in_w, d->out_w, d->k_w, d->stride_w, d->dil_w, d->pad_l},
        .x_bytes = d->in_c,
        .y_bytes = d->out_c,
        .backward = backward,
        .gathers = out->gathers};
    tp_overlap_map(&map, out);
}

/* TensorFlow Lite Micro's factor of one channel, in double throughout: in
 * float the product of the scales would change bytes near ties. */
static double requantisation(const tp_conv_tensors *t, int32_t oc) {
    return (double)tp_scale_of(t->x, 0) * (double)tp_scale_of(t->w, oc) /
           (double)tp_scale_of(t->y, 0);
}

tp_status tp_conv_factors(tp_lower *lower, const tp_factor *f, int32_t n,
                          const char *suffix, tp_factors *out) {
    int32_t *m = tp_arena_alloc(lower->arena, (size_t)n, sizeof *m);
    int8_t *s = tp_arena_alloc(lower->arena, (size_t)n, sizeof *s);
    const char *name_m = tp_arena_printf(lower->arena, "%sm", suffix);
    const char *name_s = tp_arena_printf(lower->arena, "%ss", suffix);
    if (m == NULL || s == NULL || name_m == NULL || name_s == NULL) {
        return tp_no_memory(lower->diag);
    }
    for (int32_t i = 0; i < n; i++) {
        m[i] = f[i].m;
        s[i] = (int8_t)f[i].s;
    }
    out->m = tp_lower_const(lower, TP_S32, m, (size_t)n, name_m);
    out->s = tp_lower_const(lower, TP_S8, s, (size_t)n, name_s);
    return out->m != NULL && out->s != NULL ? TP_OK : tp_no_memory(lower->diag);
}

tp_status tp_conv_requantisation(tp_lower *lower, const tp_conv_tensors *t,
                                 int32_t n, tp_factors *out) {
    tp_factor *f = tp_arena_alloc(lower->arena, (size_t)n, sizeof *f);
    if (f == NULL) {
        return tp_no_memory(lower->diag);
    }
    for (int32_t oc = 0; oc < n; oc++) {
        f[oc] = tp_factor_of(requantisation(t, oc));
    }
    return tp_conv_factors(lower, f, n, "", out);
}

static void set_codes(const tp_op *op, const tp_conv_tensors *t, tp_conv2d *d) {
    d->x_zp = op->attr.value == 1 ? 0 : t->x->quant.zero_point;
    d->y_zp = t->y->quant.zero_point;
    d->y_min = op->attr.act_min;
    d->y_max = op->attr.act_max;
}

tp_status tp_conv_describe(tp_arena *arena, const tp_op *op,
                           const tp_conv_tensors *t, tp_conv2d *d) {
    int32_t *m = tp_arena_alloc(arena, (size_t)d->out_c, sizeof *m);
    int8_t *s = tp_arena_alloc(arena, (size_t)d->out_c, sizeof *s);
    if (m == NULL || s == NULL) {
        return TP_ERR_NO_MEMORY;
    }
    for (int32_t oc = 0; oc < d->out_c; oc++) {
        const tp_factor f = tp_factor_of(requantisation(t, oc));
        m[oc] = f.m;
        s[oc] = (int8_t)f.s;
    }
    d->m = m;
    d->s = s;
    d->w = t->w->data;
    set_codes(op, t, d);
    return TP_OK;
}

tp_status tp_conv_quantise(tp_lower *lower, const tp_op *op,
                           const tp_conv_tensors *t, tp_conv2d *d) {
    if (tp_op_factors(op) < 0) {
        tp_factors factors;
        TP_TRY(tp_conv_requantisation(lower, t, d->out_c, &factors));
        d->m = factors.m;
        d->s = factors.s;
    }
    d->w = tp_lower_const(lower, TP_S8, t->w->data,
                          (size_t)tp_tensor_count(t->w), "w");
    set_codes(op, t, d);
    return d->w != NULL ? TP_OK : tp_no_memory(lower->diag);
}

tp_status tp_conv_inverse_scales(tp_lower *lower, const tp_tensor *w, int32_t n,
                                 tp_factors *out) {
    tp_factor *f = tp_arena_alloc(lower->arena, (size_t)n, sizeof *f);
    if (f == NULL) {
        return tp_no_memory(lower->diag);
    }
    for (int32_t oc = 0; oc < n; oc++) {
        f[oc] = tp_factor_of(1.0 / (double)tp_scale_of(w, oc));
    }
    return tp_conv_factors(lower, f, n, "lora_", out);
}

tp_status tp_conv_backward_scales(tp_lower *lower, const tp_conv_tensors *t,
                                  tp_conv2d *d) {
    const int32_t step = TP_CONV_BWD_STEP;
    uint16_t *q = tp_arena_alloc(lower->arena, (size_t)d->out_c, sizeof *q);
    if (q == NULL) {
        return tp_no_memory(lower->diag);
    }
    double largest = 0.0;
    for (int32_t oc = 0; oc < d->out_c; oc++) {
        largest = fmax(largest, (double)tp_scale_of(t->w, oc));
    }
    int e = 0;
    (void)frexp(largest, &e); /* largest = f * 2^e, f in [1/2, 1) */
    for (int32_t oc = 0; oc < d->out_c; oc++) {
        const double scaled = ldexp((double)tp_scale_of(t->w, oc), 15 - e);
        q[oc] = (uint16_t)(step * lround(scaled / step)); /* at most 2^15 */
    }
    d->bwd_e = e;
    d->bwd_q = q;
    d->w = t->w->data;
    return TP_OK;
}

tp_status tp_conv_backward_constants(tp_lower *lower, const tp_conv_tensors *t,
                                     tp_conv2d *d) {
    d->bwd_q =
        tp_lower_const(lower, TP_BITS, d->bwd_q, (size_t)d->out_c, "bwd_q");
    d->w = tp_lower_const(lower, TP_S8, t->w->data,
                          (size_t)tp_tensor_count(t->w), "w");
    return d->bwd_q != NULL && d->w != NULL ? TP_OK : tp_no_memory(lower->diag);
}

/* --- verify --------------------------------------------------------------- */

static int32_t out_size(int32_t in, int32_t pads, int32_t k, int32_t dilation,
                        int32_t stride) {
    return (in + pads - ((k - 1) * dilation + 1)) / stride + 1;
}

static tp_status check_map(const tp_op *op, const tp_conv_tensors *t,
                           tp_diag *diag) {
    const tp_attr *a = &op->attr;
    const tp_tensor *x = t->x;
    const tp_tensor *w = t->w;
    const tp_tensor *y = t->y;
    if (x->rank != 4 || y->rank != 4 || w->rank != 4 || x->dim[0] != 1) {
        return tp_error(diag, TP_ERR_MALFORMED,
                        "op %s: needs x, w and y of rank 4 and batch 1",
                        op->name);
    }
    if (a->stride_h < 1 || a->stride_w < 1 || a->dilation_h < 1 ||
        a->dilation_w < 1) {
        return tp_error(diag, TP_ERR_MALFORMED,
                        "op %s: stride and dilation must be at least 1",
                        op->name);
    }
    const int32_t h = out_size(x->dim[1], a->pad_t + a->pad_b, w->dim[1],
                               a->dilation_h, a->stride_h);
    const int32_t wide = out_size(x->dim[2], a->pad_l + a->pad_r, w->dim[2],
                                  a->dilation_w, a->stride_w);
    if (y->dim[1] != h || y->dim[2] != wide) {
        return tp_error(diag, TP_ERR_MALFORMED,
                        "op %s: output is %dx%d, window and strides give "
                        "%dx%d",
                        op->name, (int)y->dim[1], (int)y->dim[2], (int)h,
                        (int)wide);
    }
    return TP_OK;
}

tp_status tp_conv_check(const tp_graph *graph, const tp_op *op,
                        const tp_conv_tensors *t, tp_diag *diag) {
    (void)graph;
    if (t->w->rank == 2) {
        const int64_t k = t->w->dim[1];
        if (tp_tensor_count(t->x) % k != 0 ||
            tp_tensor_count(t->y) != tp_tensor_count(t->x) / k * t->w->dim[0]) {
            return tp_error(diag, TP_ERR_MALFORMED,
                            "op %s: %d inputs and %d outputs do not fit x "
                            "and y",
                            op->name, (int)k, (int)t->w->dim[0]);
        }
        return TP_OK;
    }
    TP_TRY(check_map(op, t, diag));
    const bool depthwise =
        op->kind == TP_OP_DEPTHWISE_CONV_2D || op->kind == TP_OP_DWCONV_BWD_X;
    const int64_t in_c = t->x->dim[3];
    const int64_t out_c = depthwise ? t->w->dim[3] : t->w->dim[0];
    const bool fits = depthwise ? out_c % in_c == 0 && t->w->dim[0] == 1
                                : t->w->dim[3] == in_c;
    if (!fits || out_c != t->y->dim[3]) {
        return tp_error(diag, TP_ERR_MALFORMED,
                        "op %s: channels of x, w and y do not agree", op->name);
    }
    return TP_OK;
}

tp_status tp_conv_check_products(const tp_op *op, int64_t products,
                                 tp_diag *diag) {
    if (products > 16383) {
        return tp_error(diag, TP_ERR_UNSUPPORTED,
                        "op %s: %lld products would overflow 32 bits "
                        "backward; at most 16383 work",
                        op->name, (long long)products);
    }
    return TP_OK;
}

tp_status tp_conv_check_pixels(const tp_op *op, const tp_tensor *dy,
                               int64_t channels, tp_diag *diag) {
    const int64_t values = tp_tensor_count(dy);
    if (values % channels != 0) {
        return tp_error(diag, TP_ERR_MALFORMED,
                        "op %s: %lld channels do not fit a gradient of %lld "
                        "values",
                        op->name, (long long)channels, (long long)values);
    }
    if (values / channels > 66000) {
        return tp_error(diag, TP_ERR_UNSUPPORTED,
                        "op %s: a map of %lld pixels is too large to train "
                        "here; at most 66000 work",
                        op->name, (long long)(values / channels));
    }
    return TP_OK;
}

static tp_conv_tensors forward_tensors(const tp_graph *graph, const tp_op *op) {
    return (tp_conv_tensors){.x = &graph->tensor[op->in[0]],
                             .w = &graph->tensor[op->in[1]],
                             .y = &graph->tensor[op->out]};
}

static tp_status verify_forward(const tp_graph *graph, const tp_op *op,
                                tp_diag *diag) {
    const tp_conv_tensors t = forward_tensors(graph, op);
    const tp_tensor *b = &graph->tensor[op->in[2]];
    const int64_t out_c = t.y->rank > 0 ? t.y->dim[t.y->rank - 1] : 0;
    TP_TRY(tp_conv_check(graph, op, &t, diag));
    if (t.w->role != TP_CONST || t.w->quant.n < 1 || t.x->quant.n != 1 ||
        t.y->quant.n != 1) {
        return tp_error(diag, TP_ERR_MALFORMED,
                        "op %s: x, w and y need scales, w constant data",
                        op->name);
    }
    const int64_t channels = t.w->rank == 2 ? t.w->dim[0] : out_c;
    if (b->dtype != TP_S32 || tp_tensor_count(b) != channels ||
        (t.w->quant.n > 1 && t.w->quant.n != channels)) {
        return tp_error(diag, TP_ERR_MALFORMED,
                        "op %s: needs a bias and scales for %d channels",
                        op->name, (int)channels);
    }
    return TP_OK;
}

/* --- forward -------------------------------------------------------------- */

/* A depthwise layer of one input channel is a dense one, whose weights are
 * [out_c][k_h][k_w] instead of [k_h][k_w][out_c]. */
static tp_status make_dense(tp_lower *lower, const tp_tensor *w,
                            tp_tensor *out) {
    const int32_t taps = w->dim[1] * w->dim[2];
    const int32_t channels = w->dim[3];
    const int8_t *from = w->data;
    int8_t *to =
        tp_arena_alloc(lower->arena, (size_t)tp_tensor_count(w), sizeof *to);
    if (to == NULL) {
        return tp_no_memory(lower->diag);
    }
    for (int32_t k = 0; k < taps; k++) {
        for (int32_t oc = 0; oc < channels; oc++) {
            to[oc * taps + k] = *from++;
        }
    }
    *out = *w;
    out->dim[0] = channels;
    out->dim[3] = 1;
    out->data = to;
    return TP_OK;
}

static tp_status lower_forward(tp_lower *lower, const tp_op *op) {
    tp_conv_tensors t = forward_tensors(lower->graph, op);
    tp_conv2d d = tp_conv_geometry(&op->attr, &t);
    bool depthwise = op->kind == TP_OP_DEPTHWISE_CONV_2D;
    tp_tensor dense;
    bool done = false;
    TP_TRY(tp_conv_mve_lower(lower, op, &t, &done));
    if (!done) {
        TP_TRY(tp_conv_scalar_lower(lower, op, &t, &done));
    }
    if (!done && depthwise && d.in_c == 1) {
        TP_TRY(make_dense(lower, t.w, &dense));
        t.w = &dense;
        depthwise = false;
    }
    if (!done) {
        TP_TRY(depthwise ? tp_dwconv_dsp_lower(lower, op, &t, &done)
                         : tp_conv_dsp_lower(lower, op, &t, &done));
    }
    if (!done && depthwise) {
        TP_TRY(tp_dwconv_any_lower(lower, op, &t, &done));
    }
    if (done) {
        return TP_OK;
    }
    TP_TRY(tp_conv_quantise(lower, op, &t, &d));
    if (tp_op_factors(op) >= 0) {
        const tp_arg args[] = {
            tp_arg_tensor(op->in[0]), tp_arg_tensor(op->in[2]),
            tp_arg_tensor(op->in[3]), tp_arg_tensor(op->out)};
        return tp_lower_step(lower,
                             depthwise ? TP_K_dwconv2d_scaled_s8_fwd_ref
                                       : TP_K_conv2d_scaled_s8_fwd_ref,
                             &tp_desc_conv2d, &d, args);
    }
    const tp_arg args[] = {tp_arg_tensor(op->in[0]), tp_arg_tensor(op->in[2]),
                           tp_arg_tensor(op->out)};
    return tp_lower_step(lower,
                         depthwise ? TP_K_dwconv2d_s8_fwd_ref
                         : (lower->isa & TP_ISA_DSP) != 0
                             ? TP_K_conv2d_any_s8_fwd_dsp
                             : TP_K_conv2d_s8_fwd_ref,
                         &tp_desc_conv2d, &d, args);
}

static void overlap_forward(const tp_graph *graph, const tp_op *op,
                            tp_overlap *out) {
    const tp_conv_tensors t = forward_tensors(graph, op);
    const tp_conv2d d = tp_conv_geometry(&op->attr, &t);
    tp_conv_overlap(&d, false, out);
}

static int64_t macs(const tp_graph *graph, const tp_op *op) {
    const tp_conv_tensors t = forward_tensors(graph, op);
    const int64_t y = tp_tensor_count(t.y);
    if (t.w->rank == 2) {
        return y * t.w->dim[1];
    }
    const int64_t window = (int64_t)t.w->dim[1] * t.w->dim[2];
    return op->kind == TP_OP_DEPTHWISE_CONV_2D ? y * window
                                               : y * window * t.w->dim[3];
}

/* --- gradient ------------------------------------------------------------- */

static tp_status grad(tp_autodiff *ad, const tp_op *op, int dy) {
    const tp_op conv = *op; /* graph->op moves as ops are appended */
    dy = tp_conv_ad_scaled(ad, &conv, tp_ad_clamped(ad, &conv, dy));
    if (dy < 0) {
        return tp_no_memory(ad->diag);
    }
    /* An effective bias (BIAS) takes dy as it is; BIAS_BWD sums it. */
    TP_TRY(tp_ad_give(ad, conv.in[2], dy));
    if (!tp_ad_needs(ad, conv.in[0])) {
        return TP_OK;
    }
    const tp_kind kind = conv.kind == TP_OP_DEPTHWISE_CONV_2D
                             ? TP_OP_DWCONV_BWD_X
                             : TP_OP_CONV_BWD_X;
    const int in[2] = {dy, conv.in[1]};
    return tp_ad_give(ad, conv.in[0],
                      tp_ad_op(ad, kind, &conv, in, 2, conv.in[0]));
}

static tp_conv_tensors backward_tensors(const tp_graph *graph,
                                        const tp_op *op) {
    return (tp_conv_tensors){.x = &graph->tensor[op->out],
                             .w = &graph->tensor[op->in[1]],
                             .y = &graph->tensor[op->in[0]]};
}

static tp_status verify_bwd_x(const tp_graph *graph, const tp_op *op,
                              tp_diag *diag) {
    const tp_conv_tensors t = backward_tensors(graph, op);
    TP_TRY(tp_conv_check(graph, op, &t, diag));
    const tp_conv2d d = tp_conv_geometry(&op->attr, &t);
    const int64_t taps = (int64_t)d.k_h * d.k_w * d.out_c;
    return op->kind == TP_OP_CONV_BWD_X ? tp_conv_check_products(op, taps, diag)
                                        : TP_OK;
}

static tp_status lower_bwd_x(tp_lower *lower, const tp_op *op) {
    const tp_conv_tensors t = backward_tensors(lower->graph, op);
    tp_conv2d d = tp_conv_geometry(&op->attr, &t);
    const bool depthwise = op->kind == TP_OP_DWCONV_BWD_X;
    TP_TRY(tp_conv_backward_scales(lower, &t, &d));
    const tp_arg args[] = {tp_arg_tensor(op->in[0]), tp_arg_tensor(op->out),
                           tp_arg_gscale(op->out)};
    bool done = false;
    TP_TRY(depthwise ? tp_dwconv_dsp_lower_bwd_x(lower, op, &d, &done)
                     : tp_conv_dsp_lower_bwd_x(lower, TP_K_conv2d_s8_bwd_x_dsp,
                                               &d, args, &done));
    if (depthwise && !done) {
        TP_TRY(tp_dwconv_scalar_lower_bwd_x(lower, op, &d, &done));
    }
    if (done) {
        return TP_OK;
    }
    TP_TRY(tp_conv_backward_constants(lower, &t, &d));
    return tp_lower_step(lower,
                         depthwise ? TP_K_dwconv2d_s8_bwd_x_ref
                                   : TP_K_conv2d_s8_bwd_x_ref,
                         &tp_desc_conv2d, &d, args);
}

static void overlap_bwd_x(const tp_graph *graph, const tp_op *op,
                          tp_overlap *out) {
    const tp_conv_tensors t = backward_tensors(graph, op);
    const tp_conv2d d = tp_conv_geometry(&op->attr, &t);
    tp_conv_overlap(&d, true, out);
}

static tp_conv_tensors weight_tensors(const tp_graph *graph, const tp_op *op) {
    return (tp_conv_tensors){.x = &graph->tensor[op->in[0]],
                             .w = &graph->tensor[op->out],
                             .y = &graph->tensor[op->in[1]]};
}

static tp_status verify_bwd_w(const tp_graph *graph, const tp_op *op,
                              tp_diag *diag) {
    const tp_conv_tensors t = weight_tensors(graph, op);
    TP_TRY(tp_conv_check(graph, op, &t, diag));
    const tp_conv2d d = tp_conv_geometry(&op->attr, &t);
    return tp_conv_check_pixels(op, t.y, d.out_c, diag);
}

static tp_status lower_bwd_w(tp_lower *lower, const tp_op *op) {
    const tp_conv_tensors t = weight_tensors(lower->graph, op);
    tp_conv2d d = tp_conv_geometry(&op->attr, &t);
    d.x_zp = t.x->quant.zero_point;
    tp_conv_accumulation(&d);
    const tp_arg args[] = {tp_arg_tensor(op->in[0]), tp_arg_tensor(op->in[1]),
                           tp_arg_tensor(op->out),
                           tp_arg_scratch(tp_conv_dsp_outer_bytes(&d))};
    return tp_lower_step(lower,
                         tp_conv_dsp_dw(lower, &d) ? TP_K_conv2d_s8_bwd_w_dsp
                                                   : TP_K_conv2d_s8_bwd_w_ref,
                         &tp_desc_conv2d, &d, args);
}

const tp_opdef tp_def_conv = {.verify = verify_forward,
                              .lower = lower_forward,
                              .grad = grad,
                              .overlap = overlap_forward,
                              .macs = macs};
const tp_opdef tp_def_dwconv = {.verify = verify_forward,
                                .lower = lower_forward,
                                .grad = grad,
                                .overlap = overlap_forward,
                                .macs = macs};
const tp_opdef tp_def_fc = {.verify = verify_forward,
                            .lower = lower_forward,
                            .grad = grad,
                            .overlap = overlap_forward,
                            .macs = macs};
const tp_opdef tp_def_conv_bwd_x = {
    .verify = verify_bwd_x, .lower = lower_bwd_x, .overlap = overlap_bwd_x};
const tp_opdef tp_def_dwconv_bwd_x = {
    .verify = verify_bwd_x, .lower = lower_bwd_x, .overlap = overlap_bwd_x};
const tp_opdef tp_def_conv_bwd_w = {.verify = verify_bwd_w,
                                    .lower = lower_bwd_w};
