#include "compiler/plan/check.h"

#include <string.h>

/* How a kernel reads its first argument and writes its output. */
typedef enum walk {
    WALK_NONE,     /* no promise: they must lie apart */
    WALK_VALUE,    /* reads value i of any input, then writes value i */
    WALK_CONV,     /* tp_conv2d, pixels of y from windows of x */
    WALK_CONV_ONE, /* the same, reading a window before it writes */
    WALK_CONV_TWO, /* the same, reading the windows of two before it writes */
    WALK_CHANNELS, /* depthwise: rows of x before the rows of y that they
                      are part of, for one group of channels, then the next */
    WALK_CHANNELS_BWD,
    WALK_CONV_BWD, /* tp_conv2d, pixels of dx from those of dy */
    WALK_CONV_BWD_TWO,
    WALK_POOL, /* tp_pool, the same */
    WALK_POOL_BWD,
    WALK_MEAN /* tp_mean: reads all of a value's own, then writes it */
} walk;

/* A kernel that is not listed writes nothing over what it reads. */
static const walk walks[TP_KERNEL_COUNT] = {
    [TP_K_conv2d_s8_fwd_ref] = WALK_CONV,
    [TP_K_conv2d_any_s8_fwd_dsp] = WALK_CONV,
    [TP_K_fc_s8_fwd_dsp] = WALK_CONV,
    [TP_K_conv2d_s8_fwd_mve] = WALK_CONV_ONE,
    [TP_K_conv2d_s8_fwd_scalar] = WALK_CONV_TWO,
    [TP_K_conv2d_scaled_s8_fwd_scalar] = WALK_CONV_TWO,
    [TP_K_conv2d_lora_s8_fwd_scalar] = WALK_CONV_TWO,
    [TP_K_conv2d_s8_fwd_dsp] = WALK_CONV_TWO,
    [TP_K_conv2d_scaled_s8_fwd_dsp] = WALK_CONV_TWO,
    [TP_K_conv2d_lora_s8_fwd_ref] = WALK_CONV,
    [TP_K_conv2d_lora_s8_fwd_dsp] = WALK_CONV_TWO,
    [TP_K_conv2d_lora_u_s8_fwd_dsp] = WALK_CONV_TWO,
    [TP_K_dwconv2d_s8_fwd_ref] = WALK_CONV,
    [TP_K_dwconv2d_s8_fwd_mve] = WALK_CHANNELS,
    [TP_K_dwconv2d_s8_fwd_scalar] = WALK_CHANNELS,
    [TP_K_dwconv2d_scaled_s8_fwd_scalar] = WALK_CHANNELS,
    [TP_K_dwconv2d_s8_fwd_dsp] = WALK_CHANNELS,
    [TP_K_dwconv2d_scaled_s8_fwd_dsp] = WALK_CHANNELS,
    [TP_K_dwconv2d_any_s8_fwd_dsp] = WALK_CONV,
    [TP_K_dwconv2d_any_scaled_s8_fwd_dsp] = WALK_CONV,
    [TP_K_conv2d_scaled_s8_fwd_ref] = WALK_CONV,
    [TP_K_conv2d_lora_scaled_s8_fwd_ref] = WALK_CONV,
    [TP_K_dwconv2d_scaled_s8_fwd_ref] = WALK_CONV,
    [TP_K_conv2d_s8_bwd_x_ref] = WALK_CONV_BWD,
    [TP_K_conv2d_lora_s8_bwd_x_ref] = WALK_CONV_BWD,
    [TP_K_conv2d_s8_bwd_x_dsp] = WALK_CONV_BWD_TWO,
    [TP_K_conv2d_lora_s8_bwd_x_dsp] = WALK_CONV_BWD_TWO,
    [TP_K_dwconv2d_s8_bwd_x_ref] = WALK_CONV_BWD,
    [TP_K_dwconv2d_s8_bwd_x_dsp] = WALK_CHANNELS_BWD,
    [TP_K_dwconv2d_s8_bwd_x_scalar] = WALK_CHANNELS_BWD,
    [TP_K_avgpool_s8_fwd_ref] = WALK_POOL,
    [TP_K_maxpool_s8_fwd_ref] = WALK_POOL,
    [TP_K_avgpool_q8_bwd_x_ref] = WALK_POOL_BWD,
    [TP_K_maxpool_q8_bwd_x_ref] = WALK_POOL_BWD,
    [TP_K_mean_s8_fwd_ref] = WALK_MEAN,
    [TP_K_add_s8_fwd_ref] = WALK_VALUE,
    [TP_K_mul_s8_fwd_ref] = WALK_VALUE,
    [TP_K_add_s8_fwd_dsp] = WALK_VALUE,
    [TP_K_mul_s8_fwd_dsp] = WALK_VALUE,
    [TP_K_add_s8_fwd_mve] = WALK_VALUE,
    [TP_K_mul_s8_fwd_mve] = WALK_VALUE,
    [TP_K_lut_s8_fwd_ref] = WALK_VALUE,
    [TP_K_softmax_s8_fwd_ref] = WALK_VALUE, /* row by row */
    [TP_K_clamp_q8_bwd_x_ref] = WALK_VALUE,
    [TP_K_mask_q8_bwd_x_ref] = WALK_VALUE,
    [TP_K_clamp_q8_bwd_x_dsp] = WALK_VALUE, /* four by four */
    [TP_K_mask_q8_bwd_x_dsp] = WALK_VALUE,
    [TP_K_eltwise_q8_bwd_x_ref] = WALK_VALUE,
    [TP_K_lut_q8_bwd_x_ref] = WALK_VALUE,
    [TP_K_sum_q8_bwd_x_ref] = WALK_VALUE,
    [TP_K_rescale_q8_bwd_x_ref] = WALK_VALUE,
    [TP_K_head_add_q8_fwd_ref] = WALK_VALUE,
    [TP_K_head_add_q8_fwd_dsp] = WALK_VALUE,
};

typedef struct checker {
    tp_arena scratch;
    const tp_graph *graph;
    const tp_program *program;
    tp_diag *diag;
    int *value; /* [n_tensors] the tensor whose bytes it holds: its own, or
                   that which an op without steps passes on */
    int *owner; /* of each byte: the value that it holds, or -1; what goes to
                   the caller lies behind the arena */
    uint32_t bytes;
    int step;
} checker;

/* Bytes of a tensor in c->owner. */
typedef struct range {
    uint32_t from, bytes;
} range;

static tp_status wrong(const checker *c, const char *what, int tensor,
                       uint32_t byte) {
    const tp_step *step = &c->program->step[c->step];
    return tp_error(c->diag, TP_ERR_MALFORMED,
                    "internal: step %d, %s of op %s: %s tensor %s, byte %u",
                    c->step, tp_kernel_name(step->kernel),
                    c->graph->op[step->op].name, what,
                    c->graph->tensor[tensor].name, (unsigned)byte);
}

/* False where the tensor is neither in the arena nor goes to the caller. */
static bool range_of(const checker *c, int tensor, range *r) {
    const tp_address *a = &c->program->address[tensor];
    if (a->place != TP_PLACE_ARENA && a->place != TP_PLACE_Y) {
        return false;
    }
    const bool out = a->place == TP_PLACE_Y;
    *r = (range){(out ? c->program->arena_bytes : 0) + a->offset, a->bytes};
    return true;
}

static bool meet(range a, range b) {
    return a.from < b.from + b.bytes && b.from < a.from + a.bytes;
}

static tp_status check_bounds(const checker *c, int tensor) {
    const tp_address *a = &c->program->address[tensor];
    const uint32_t bytes = (uint32_t)tp_tensor_bytes(&c->graph->tensor[tensor]);
    if (a->place == TP_PLACE_ARENA &&
        (a->bytes != bytes || a->offset % 4 != 0 ||
         a->offset > c->program->arena_bytes ||
         bytes > c->program->arena_bytes - a->offset)) {
        return wrong(c, "bounds or alignment of", tensor, a->offset);
    }
    return TP_OK;
}

static tp_status check_read(const checker *c, int tensor) {
    range r;
    if (!range_of(c, tensor, &r)) {
        return TP_OK;
    }
    TP_TRY(check_bounds(c, tensor));
    const int *owner = c->owner + r.from;
    if (r.bytes > 0 && owner[0] == c->value[tensor] &&
        memcmp(owner, owner + 1, (r.bytes - 1) * sizeof *owner) == 0) {
        return TP_OK; /* all are as the first: a search checks thousands */
    }
    for (uint32_t i = 0; i < r.bytes; i++) {
        if (owner[i] != c->value[tensor]) {
            return wrong(c, "something else lies in", tensor, i);
        }
    }
    return TP_OK;
}

/* --- a map: which pixel is made of which ---------------------------------- */

typedef struct axis {
    int32_t x, y, k, stride, dilation, before;
} axis;

typedef struct map {
    axis h, w;
    int32_t x_bytes, y_bytes; /* of a pixel */
    bool backward, reverse;
    int32_t gathers; /* pixels that are read before they are written; 0 */
} map;

static map conv_map(const tp_conv2d *d, bool backward) {
    return (map){{d->in_h, d->out_h, d->k_h, d->stride_h, d->dil_h, d->pad_t},
                 {d->in_w, d->out_w, d->k_w, d->stride_w, d->dil_w, d->pad_l},
                 d->in_c,
                 d->out_c,
                 backward,
                 d->reverse != 0,
                 0};
}

static map pool_map(const tp_pool *d, bool backward) {
    return (map){{d->in_h, d->out_h, d->k_h, d->stride_h, 1, d->pad_t},
                 {d->in_w, d->out_w, d->k_w, d->stride_w, 1, d->pad_l},
                 d->c,
                 d->c,
                 backward,
                 d->reverse != 0,
                 0};
}

/* Pixel `in` is read while pixel `out` is computed. */
static void need(const map *m, int32_t in, int32_t out, int32_t *needed) {
    const int32_t outs = m->backward ? m->h.x * m->w.x : m->h.y * m->w.y;
    const int32_t time = m->reverse ? outs - 1 - out : out;
    needed[in] = time > needed[in] ? time : needed[in];
}

/* Marks what one window joins: pixel (oy, ox) of y and each place of x under
 * it. The one of them that is read is needed until the other is written. */
static void join(const map *m, int32_t oy, int32_t ox, int32_t *needed) {
    const int32_t y = oy * m->w.y + ox;
    for (int32_t ky = 0; ky < m->h.k; ky++) {
        const int32_t iy = oy * m->h.stride - m->h.before + ky * m->h.dilation;
        for (int32_t kx = 0; iy >= 0 && iy < m->h.x && kx < m->w.k; kx++) {
            const int32_t ix =
                ox * m->w.stride - m->w.before + kx * m->w.dilation;
            const int32_t x = iy * m->w.x + ix;
            if (ix >= 0 && ix < m->w.x) {
                need(m, m->backward ? y : x, m->backward ? x : y, needed);
            }
        }
    }
}

/* Tensors that a step reads and writes, where they overlap. */
typedef struct pair {
    int in, out;
    range x, y;
} pair;

/* True if a pixel written at `time` lands on one read at `needed`. */
static bool too_early(const map *m, int32_t time, int32_t needed) {
    if (needed < 0) {
        return false;
    }
    return m->gathers > 0 ? needed / m->gathers > time / m->gathers
                          : needed >= time;
}

/* Pixels behind a header: those of a tensor. */
typedef struct pixels {
    uint32_t head, bytes; /* of the header, of a pixel */
    int32_t n;
} pixels;

static pixels pixels_of(uint32_t bytes, int32_t n, int32_t pixel_bytes) {
    const uint32_t each = (uint32_t)pixel_bytes;
    return (pixels){bytes - (uint32_t)n * each, each, n};
}

/* No byte of y is written over one of x that is still needed. Walks the bytes
 * that they share, as many at once as belong to the same two pixels. */
static tp_status check_shared(const checker *c, const map *m, const pair *p,
                              const pixels *x, const pixels *y,
                              const int32_t *needed) {
    const uint32_t from_x = p->x.from + x->head;
    const uint32_t from_y = p->y.from + y->head;
    const uint32_t end_x = p->x.from + p->x.bytes;
    const uint32_t end_y = p->y.from + p->y.bytes;
    const uint32_t end = end_x < end_y ? end_x : end_y;
    uint32_t at = from_x > from_y ? from_x : from_y;
    while (at < end) {
        const uint32_t in = (at - from_x) / x->bytes;
        const uint32_t out = (at - from_y) / y->bytes;
        const int32_t time =
            m->reverse ? y->n - 1 - (int32_t)out : (int32_t)out;
        if (too_early(m, time, needed[in])) {
            return wrong(c, "writes too early over", p->in, at - p->x.from);
        }
        const uint32_t next_in = from_x + (in + 1) * x->bytes;
        const uint32_t next_out = from_y + (out + 1) * y->bytes;
        at = next_in < next_out ? next_in : next_out;
    }
    return TP_OK;
}

/* needed[p]: when pixel p of the input is read last, as the number of pixels
 * written before; -1: never. A pixel is written all the while it is computed.
 * Headers are read before the first pixel, written after the last. */
static tp_status check_map(checker *c, const map *m, const pair *p) {
    const int32_t ys = m->h.y * m->w.y;
    const int32_t xs = m->h.x * m->w.x;
    const pixels x = pixels_of(p->x.bytes, m->backward ? ys : xs,
                               m->backward ? m->y_bytes : m->x_bytes);
    const pixels y = pixels_of(p->y.bytes, m->backward ? xs : ys,
                               m->backward ? m->x_bytes : m->y_bytes);
    int32_t *needed = tp_arena_alloc(&c->scratch, (size_t)x.n, sizeof *needed);
    if (needed == NULL) {
        return tp_no_memory(c->diag);
    }
    if (x.head > 4 || y.head > 4) {
        return wrong(c, "the descriptor does not fit", p->in, 0);
    }
    memset(needed, -1, (size_t)x.n * sizeof *needed);
    for (int32_t oy = 0; oy < m->h.y; oy++) {
        for (int32_t ox = 0; ox < m->w.y; ox++) {
            join(m, oy, ox, needed);
        }
    }
    return check_shared(c, m, p, &x, &y, needed);
}

/* --- channels ------------------------------------------------------------- */

/* Row of the output before which a row of the input is read: the first that it
 * is part of. Rows that are part of none are never read: -1. */
static int32_t first_row(const map *m, int32_t in) {
    const int32_t outs = m->backward ? m->h.x : m->h.y;
    for (int32_t o = 0; o < outs; o++) {
        const int32_t y = m->backward ? in : o;
        const int32_t x = m->backward ? o : in;
        const int32_t tap = x - (y * m->h.stride - m->h.before);
        if (tap >= 0 && tap < m->h.k) {
            return o;
        }
    }
    return -1;
}

/* Each byte of y lies over one of the same channel, of a row that was read. */
static tp_status check_channels(const checker *c, const map *m, const pair *p) {
    const int32_t ins = m->backward ? m->h.y * m->w.y : m->h.x * m->w.x;
    const int32_t outs = m->backward ? m->h.x * m->w.x : m->h.y * m->w.y;
    const int32_t in_w = m->backward ? m->w.y : m->w.x;
    const int32_t out_w = m->backward ? m->w.x : m->w.y;
    if (p->x.from != p->y.from || m->x_bytes != m->y_bytes) {
        return wrong(c, "does not begin with", p->in, 0);
    }
    for (int32_t i = 0; i < ins && i < outs; i++) {
        if (first_row(m, i / in_w) > i / out_w) {
            return wrong(c, "writes too early over", p->in,
                         (uint32_t)(i * m->x_bytes));
        }
    }
    return TP_OK;
}

/* --- a mean: values ------------------------------------------------------- */

static bool next(const int32_t dim[4], int32_t at[4]) {
    int i = 3;
    while (i >= 0 && ++at[i] == dim[i]) {
        at[i--] = 0;
    }
    return i >= 0;
}

static uint32_t index_of(const int32_t stride[4], const int32_t at[4]) {
    return (uint32_t)(at[0] * stride[0] + at[1] * stride[1] +
                      at[2] * stride[2] + at[3] * stride[3]);
}

/* No value that is written before a mean is computed lies where it reads. */
static tp_status check_mean(const checker *c, const tp_mean *d, const pair *p) {
    int32_t out[4] = {0};
    uint32_t written = 0;
    do {
        int32_t red[4] = {0};
        do {
            const uint32_t byte = p->x.from + index_of(d->out_stride, out) +
                                  index_of(d->red_stride, red);
            if (byte >= p->y.from && byte < p->y.from + written) {
                return wrong(c, "writes too early over", p->in,
                             byte - p->x.from);
            }
        } while (next(d->red_dim, red));
        written++;
    } while (next(d->out_dim, out));
    return TP_OK;
}

/* --- steps ---------------------------------------------------------------- */

/* Argument `arg` of the step is read and overlaps the output. */
static tp_status check_pair(checker *c, int arg, const pair *p) {
    const tp_step *step = &c->program->step[c->step];
    const walk kind = walks[step->kernel];
    if (kind == WALK_VALUE) {
        return p->x.from == p->y.from && p->x.bytes == p->y.bytes
                   ? TP_OK
                   : wrong(c, "is not in place of", p->in, 0);
    }
    if (arg != 0 || kind == WALK_NONE) {
        return wrong(c, "(plan/check.c knows no overlap of it) writes over",
                     p->in, 0);
    }
    if (kind == WALK_MEAN) {
        return check_mean(c, step->desc, p);
    }
    const bool backward = kind == WALK_CONV_BWD || kind == WALK_CONV_BWD_TWO ||
                          kind == WALK_POOL_BWD || kind == WALK_CHANNELS_BWD;
    map m = kind == WALK_POOL || kind == WALK_POOL_BWD
                ? pool_map(step->desc, backward)
                : conv_map(step->desc, backward);
    if (kind == WALK_CHANNELS || kind == WALK_CHANNELS_BWD) {
        return check_channels(c, &m, p);
    }
    m.gathers = kind == WALK_CONV_ONE                                ? 1
                : kind == WALK_CONV_TWO || kind == WALK_CONV_BWD_TWO ? 2
                                                                     : 0;
    return check_map(c, &m, p);
}

/* Scratch lies apart from all that the step reads and writes; whatever else lay
 * there is gone. */
static tp_status check_scratch(checker *c) {
    const tp_step *step = &c->program->step[c->step];
    const tp_address *a = &c->program->scratch[c->step];
    const int out = c->graph->op[step->op].out;
    const range r = {a->offset, tp_step_scratch(step)};
    range other;
    if (r.bytes == 0) {
        return TP_OK;
    }
    if (a->place != TP_PLACE_ARENA || a->bytes != r.bytes || r.from % 4 != 0 ||
        r.from > c->program->arena_bytes ||
        r.bytes > c->program->arena_bytes - r.from) {
        return wrong(c, "bounds or alignment of the scratch beside", out, 0);
    }
    if (range_of(c, out, &other) && meet(r, other)) {
        return wrong(c, "the scratch meets", out, 0);
    }
    for (int i = 0; i < step->n_args; i++) {
        const tp_arg *arg = &step->arg[i];
        if (arg->kind == TP_ARG_TENSOR && arg->tensor >= 0 &&
            range_of(c, arg->tensor, &other) && meet(r, other)) {
            return wrong(c, "the scratch meets", arg->tensor, 0);
        }
    }
    memset(c->owner + r.from, -1, r.bytes * sizeof *c->owner);
    return TP_OK;
}

/* The tensor that a step writes beside its op's output, or -1. */
static int second_output(const tp_step *step) {
    return step->kernel == TP_K_conv2d_lora_u_s8_fwd_dsp &&
                   step->arg[3].kind == TP_ARG_TENSOR
               ? step->arg[3].tensor
               : -1;
}

/* It is whole, and lies apart from all that the step reads and writes. */
static tp_status check_second(checker *c, int second) {
    const tp_step *step = &c->program->step[c->step];
    range r, other;
    if (second < 0 || !range_of(c, second, &r)) {
        return TP_OK;
    }
    TP_TRY(check_bounds(c, second));
    for (int a = 0; a < step->n_args; a++) {
        const tp_arg *arg = &step->arg[a];
        if (arg->kind == TP_ARG_TENSOR && arg->tensor >= 0 &&
            arg->tensor != second && range_of(c, arg->tensor, &other) &&
            meet(r, other)) {
            return wrong(c, "a second output meets", arg->tensor, 0);
        }
    }
    for (uint32_t i = 0; i < r.bytes; i++) {
        c->owner[r.from + i] = c->value[second];
    }
    return TP_OK;
}

static tp_status check_step(checker *c) {
    const tp_step *step = &c->program->step[c->step];
    pair p = {.out = c->graph->op[step->op].out};
    const bool written = range_of(c, p.out, &p.y);
    const int second = second_output(step);
    TP_TRY(check_bounds(c, p.out));
    for (int a = 0; a < step->n_args; a++) {
        p.in = step->arg[a].tensor;
        if (step->arg[a].kind != TP_ARG_TENSOR || p.in < 0 || p.in == p.out ||
            p.in == second) {
            continue;
        }
        TP_TRY(check_read(c, p.in));
        if (written && range_of(c, p.in, &p.x) && meet(p.x, p.y)) {
            TP_TRY(check_pair(c, a, &p));
        }
    }
    TP_TRY(check_scratch(c));
    for (uint32_t i = 0; written && i < p.y.bytes; i++) {
        c->owner[p.y.from + i] = c->value[p.out];
    }
    return check_second(c, second);
}

static void find_values(checker *c) {
    for (int i = 0; i < c->graph->n_tensors; i++) {
        c->value[i] = i;
    }
    for (int i = 0; i < c->graph->n_ops; i++) {
        const tp_op *op = &c->graph->op[i];
        if (tp_opdef_of(op->kind)->lower == NULL) {
            c->value[op->out] = c->value[op->in[0]];
        }
    }
}

/* What the caller gets: the output, or of a program that does not make it the
 * latent values. */
static tp_status check_left(const checker *c) {
    const tp_address *address = c->program->address;
    if (address[c->graph->output].place == TP_PLACE_Y) {
        return check_read(c, c->graph->output);
    }
    for (int i = 0; i < c->graph->n_tensors; i++) {
        if (c->graph->tensor[i].latent && address[i].place == TP_PLACE_Y) {
            TP_TRY(check_read(c, i));
        }
    }
    return TP_OK;
}

static tp_status check_all(checker *c) {
    const size_t tensors = (size_t)c->graph->n_tensors;
    c->value = tp_arena_alloc(&c->scratch, tensors, sizeof *c->value);
    c->owner =
        tp_arena_alloc(&c->scratch, (size_t)c->bytes + 1, sizeof *c->owner);
    if (c->value == NULL || c->owner == NULL) {
        return tp_no_memory(c->diag);
    }
    memset(c->owner, -1, (size_t)c->bytes * sizeof *c->owner);
    find_values(c);
    for (c->step = 0; c->step < c->program->n_steps; c->step++) {
        TP_TRY(check_step(c));
    }
    c->step--;
    return check_left(c);
}

tp_status tp_program_check(const tp_graph *graph, const tp_program *program,
                           tp_diag *diag) {
    uint32_t y = 0;
    for (int i = 0; program->n_steps > 0 && i < graph->n_tensors; i++) {
        const tp_address *a = &program->address[i];
        const uint32_t end = a->offset + a->bytes;
        y = a->place == TP_PLACE_Y && end > y ? end : y;
    }
    checker c = {.graph = graph,
                 .program = program,
                 .diag = diag,
                 .bytes = program->arena_bytes + y};
    const tp_status status = program->n_steps > 0 ? check_all(&c) : TP_OK;
    tp_arena_free(&c.scratch);
    return status;
}

static bool same_place(const tp_address *left, const tp_address *read,
                       uint32_t bytes, uint32_t room) {
    return left->place == TP_PLACE_Y && read->place == TP_PLACE_X &&
           left->bytes == bytes && read->offset == left->offset &&
           left->offset % TP_ALIGN == 0 && bytes <= room &&
           left->offset <= room - bytes;
}

tp_status tp_keep_check(const tp_graph *graph, const tp_program *keep,
                        const tp_program *sample, tp_diag *diag) {
    const uint32_t room = tp_sample_bytes(graph);
    for (int i = 0; sample->n_steps > 0 && i < graph->n_tensors; i++) {
        const tp_tensor *t = &graph->tensor[i];
        if (t->latent && (keep->n_steps == 0 ||
                          !same_place(&keep->address[i], &sample->address[i],
                                      (uint32_t)tp_tensor_bytes(t), room))) {
            return tp_error(diag, TP_ERR_MALFORMED,
                            "internal: tensor %s is not read where it is kept",
                            t->name);
        }
    }
    for (int i = 0; i < sample->n_steps; i++) {
        const int out = graph->op[sample->step[i].op].out;
        if (graph->tensor[out].latent) {
            return tp_error(diag, TP_ERR_MALFORMED,
                            "internal: training computes tensor %s, which is "
                            "kept",
                            graph->tensor[out].name);
        }
    }
    return TP_OK;
}
