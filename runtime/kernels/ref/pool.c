/* AVERAGE_POOL_2D, MAX_POOL_2D: forward and gradient. */
#include <stdbool.h>
#include <string.h>

#include "runtime/kernels/ref/copy_bytes.h"
#include "runtime/kernels/ref/grad_out.h"
#include "runtime/kernels/ref/pool.h"
#include "runtime/kernels/ref/sum4.h"
#include "tinypeft/kernels.h"

/* The windows, of `out`, that cover place i: o * stride - pad <= i and
 * i < o * stride - pad + k. */
static tp_span covering(int32_t i, int32_t stride, int32_t pad, int32_t k,
                        int32_t out) {
    const int32_t last = (i + pad) / stride;
    const int32_t before = i + pad - k; /* the last place of windows past */
    const int32_t first = before < 0 ? 0 : before / stride + 1;
    return (tp_span){first, tp_min32(last + 1, out)};
}

static int8_t activate(const tp_pool *op, int32_t v) {
    return (int8_t)tp_min32(tp_max32(v, op->y_min), op->y_max);
}

/* The sums of a window, from the channel that x points to. */
static void sum4(const tp_runs *w, int32_t c, const int8_t *x, tp_sum4 *s) {
    *s = tp_sum4_begin();
    for (int32_t run = 0; run < w->runs; run++, x += w->pitch) {
        tp_sum4_add(s, x, c, w->n);
    }
    tp_sum4_end(s, w->runs * w->n);
}

static int32_t sum1(const tp_runs *w, int32_t c, const int8_t *x) {
    int32_t acc = 0;
    for (int32_t run = 0; run < w->runs; run++, x += w->pitch) {
        for (int32_t i = 0; i < w->n; i++) {
            acc += x[i * c];
        }
    }
    return acc;
}

/* Four channels at a time, then one: what makes a value of a sum is here once.
 */
static void average(const tp_pool *op, const tp_runs *w, const tp_share *share,
                    const int8_t *x, int8_t *y) {
    const int32_t c = op->c;
    const int8_t *end = y + c;
    for (int32_t n; y < end; x += n) {
        tp_sum4 s;
        n = end - y >= 4 ? 4 : 1;
        if (n == 4) {
            sum4(w, c, x, &s);
        } else {
            s.acc[0] = sum1(w, c, x);
        }
        for (int32_t i = 0; i < n; i++) {
            *y++ = activate(op, tp_share_mean(*share, s.acc[i]));
        }
    }
}

/* The larger of each two bytes, int8: a is where its sign is the greater, or
 * the signs are equal and the difference of the other seven bits borrows
 * nothing from bit 7. */
static uint32_t max4(uint32_t a, uint32_t b) {
    const uint32_t high = 0x80808080u;
    const uint32_t low = (a | high) - (b & ~high);
    const uint32_t is_a = ((~a & b) | (~(a ^ b) & low)) & high;
    return b ^ ((a ^ b) & ((is_a << 1) - (is_a >> 7)));
}

/* The largest values of a window, of four channels from x on. */
static uint32_t largest4(const tp_runs *w, int32_t c, const int8_t *x) {
    uint32_t max = 0x80808080u;
    for (int32_t run = 0; run < w->runs; run++, x += w->pitch) {
        const int8_t *from = x;
        for (int32_t n = w->n; n > 0; n--, from += c) {
            uint32_t v;
            memcpy(&v, from, sizeof v);
            max = max4(v, max);
        }
    }
    return max;
}

static int32_t largest(const tp_runs *w, int32_t c, const int8_t *x) {
    int32_t max = -128;
    for (int32_t run = 0; run < w->runs; run++, x += w->pitch) {
        const int8_t *from = x;
        for (int32_t n = w->n; n > 0; n--, from += c) {
            max = tp_max32(max, *from);
        }
    }
    return max;
}

static void maximum(const tp_pool *op, const tp_runs *w, const int8_t *x,
                    int8_t *y) {
    const int8_t *end = y + op->c;
    for (; end - y >= 4; x += 4) {
        const uint32_t max = largest4(w, op->c, x);
        for (int32_t i = 0; i < 32; i += 8) {
            *y++ = activate(op, (int8_t)(max >> i));
        }
    }
    for (; y < end; x++) {
        *y++ = activate(op, largest(w, op->c, x));
    }
}

/* Average over windows: the bytes of TensorFlow Lite Micro's reference
 * kernels. The scale and zero point of y are x's.
 *   op  every window covers at least one place of x
 *   x   [in]  int8 [in_h][in_w][c]
 *   y   [out] int8 [out_h][out_w][c], in [y_min, y_max]
 *       y = clamp(sum / count), halves away from zero; padded places are
 *       neither summed nor counted
 * y may lie over x where no pixel of y, in the order of op->reverse, lands on
 * a pixel of x that its own window or a later one reads; no overlap else.
 * Bound: |sum| + count / 2 <= 129 * k_h * k_w < 2^31: the
 * compiler keeps k_h * k_w <= 2^23. Cannot fail.
 * Source: TensorFlow Lite 8-bit quantization specification. */
void tp_avgpool_s8_fwd_ref(const tp_pool *op, const int8_t *x, int8_t *y) {
    tp_share share = tp_share_of(op->k_h * op->k_w);
    for (int32_t row = 0; row < op->out_h; row++) {
        const int32_t oy = tp_walk(op->reverse, row, op->out_h);
        const tp_span sy = tp_pool_rows(op, oy);
        for (int32_t col = 0; col < op->out_w; col++) {
            const int32_t ox = tp_walk(op->reverse, col, op->out_w);
            const tp_runs w = tp_pool_runs(op, sy, tp_pool_cols(op, ox));
            if (w.runs * w.n != share.count) {
                share = tp_share_of(w.runs * w.n);
            }
            average(op, &w, &share, x + w.first,
                    y + (oy * op->out_w + ox) * op->c);
        }
    }
}

/* Maximum over windows: the bytes of TensorFlow Lite Micro's reference
 * kernels. The scale and zero point of y are x's.
 *   op  every window covers at least one place of x
 *   x   [in]  int8 [in_h][in_w][c]
 *   y   [out] int8 [out_h][out_w][c], in [y_min, y_max]
 * y may lie over x as in avgpool_s8_fwd. Cannot fail.
 * Source: TensorFlow Lite 8-bit quantization specification. */
void tp_maxpool_s8_fwd_ref(const tp_pool *op, const int8_t *x, int8_t *y) {
    for (int32_t row = 0; row < op->out_h; row++) {
        const int32_t oy = tp_walk(op->reverse, row, op->out_h);
        const tp_span sy = tp_pool_rows(op, oy);
        for (int32_t col = 0; col < op->out_w; col++) {
            const int32_t ox = tp_walk(op->reverse, col, op->out_w);
            const tp_runs w = tp_pool_runs(op, sy, tp_pool_cols(op, ox));
            maximum(op, &w, x + w.first, y + (oy * op->out_w + ox) * op->c);
        }
    }
}

/* 1 / count in 2^-30. */
static int32_t share(int32_t count) {
    return (((int32_t)1 << 30) + count / 2) / count;
}

/* A place of dx and the windows that cover it. */
typedef struct place {
    int32_t index; /* in x and dx, at channel 0 */
    tp_span oy, ox;
} place;

/* The windows that cover row iy. */
static tp_span covering_rows(const tp_pool *op, int32_t iy) {
    return covering(iy, op->stride_h, op->pad_t, op->k_h, op->out_h);
}

static place place_at(const tp_pool *op, tp_span oy, int32_t iy, int32_t ix) {
    return (place){
        tp_pool_at(op, iy, ix),
        oy,
        covering(ix, op->stride_w, op->pad_l, op->k_w, op->out_w),
    };
}

/* 1 / count of a window in 2^-30; `full` is that of a whole one, which most
 * are. */
static int32_t share_at(const tp_pool *op, int32_t oy, int32_t ox,
                        int32_t full) {
    const tp_span sy = tp_pool_rows(op, oy);
    const tp_span sx = tp_pool_cols(op, ox);
    const int32_t count = (sy.end - sy.first) * (sx.end - sx.first);
    return count == op->k_h * op->k_w ? full : share(count);
}

/* Sum over the windows of dy / count, in 2^-30 of dy's unit. dy is at the
 * channel. */
static int64_t spread(const tp_pool *op, const place *p, int32_t full,
                      const int8_t *dy) {
    int64_t acc = 0;
    for (int32_t oy = p->oy.first; oy < p->oy.end; oy++) {
        for (int32_t ox = p->ox.first; ox < p->ox.end; ox++) {
            acc += (int64_t)dy[(oy * op->out_w + ox) * op->c] *
                   share_at(op, oy, ox, full);
        }
    }
    return acc;
}

/* What a call works with. */
typedef struct gradient {
    const tp_pool *op;
    const int8_t *dy;
    int8_t *dx;
    tp_gscale *g;
    int32_t full, shift;
} gradient;

/* All channels of a place; most are in one window. One loop for both: code for
 * the rounding is long, and is here once. */
static void spread_pixel(const gradient *v, const place *p) {
    const tp_pool *op = v->op;
    const int32_t oy = p->oy.first, ox = p->ox.first;
    const bool one = p->oy.end - oy == 1 && p->ox.end - ox == 1;
    const int32_t f = one ? share_at(op, oy, ox, v->full) : 0;
    const int32_t from = (oy * op->out_w + ox) * op->c;
    int8_t *out = v->dx + p->index;
    for (int32_t ic = 0; ic < op->c; ic++) {
        const int64_t acc = one ? (int64_t)v->dy[from + ic] * f
                                : spread(op, p, v->full, v->dy + ic);
        out[ic] = tp_grad_out(v->g, acc, v->shift);
    }
}

static bool same(tp_span a, tp_span b) {
    return a.first == b.first && a.end == b.end;
}

/* Row iy of dx, whose places are in the windows of rows oy. */
static void spread_row(const gradient *v, tp_span oy, int32_t iy) {
    const tp_pool *op = v->op;
    place last = {-1, oy, {-1, -1}};
    for (int32_t col = 0; col < op->in_w; col++) {
        const int32_t ix = tp_walk(op->reverse, col, op->in_w);
        const place p = place_at(op, oy, iy, ix);
        if (same(p.ox, last.ox)) {
            tp_copy_bytes(v->dx + last.index, v->dx + p.index, op->c);
        } else {
            spread_pixel(v, &p);
            last = p;
        }
    }
}

/* Gradient of an average pool: each window shares its dy among its places.
 *   op  as in the forward kernel; y_min, y_max are not used: a fused clamp
 *       has been applied to dy
 *   dy  [in]  q8 [out_h][out_w][c]
 *   dx  [out] q8 [in_h][in_w][c], exponent g->e; 0 where no window is
 *   g   [in/out] delayed scale of dx
 *       dx = sum over the windows that cover the place of dy / count
 * dx may lie over dy where no pixel of dx, in the order of op->reverse, lands
 * on a pixel of dy whose window covers it or a later one; no overlap else.
 * Exponents are read first and written last. Where a place, or a row, has the
 * windows of the one computed last, it is a copy of that.
 * 1 / count is round(2^30 / count): k_h * k_w <= 2^15, kept by the
 * compiler, leaves it 15 bits. Bound: a place is in at most k_h * k_w windows,
 * so |sum| <= 2^15 * 127 * 2^30 < 2^52.
 * Cannot fail. Source: chain rule. */
void tp_avgpool_q8_bwd_x_ref(const tp_pool *op, const tp_q8 *dy, tp_q8 *dx,
                             tp_gscale *g) {
    const gradient v = {.op = op,
                        .dy = dy->v,
                        .dx = dx->v,
                        .g = g,
                        .full = share(op->k_h * op->k_w),
                        .shift = g->e - (dy->e - 30)};
    const int32_t pitch = op->in_w * op->c;
    tp_span last = {-1, -1};
    int32_t from = 0;
    for (int32_t row = 0; row < op->in_h; row++) {
        const int32_t iy = tp_walk(op->reverse, row, op->in_h);
        const tp_span oy = covering_rows(op, iy);
        if (same(oy, last)) {
            tp_copy_bytes(dx->v + from * pitch, dx->v + iy * pitch, pitch);
        } else {
            spread_row(&v, oy, iy);
            last = oy;
            from = iy;
        }
    }
    dx->e = g->e;
}

/* Whether the value at `index` is the first maximum, by rows, of a window:
 * none before it is as large, none after it is larger. x is at the channel. */
static bool is_first_max(const tp_pool *op, tp_span y, tp_span x,
                         const int8_t *map, int32_t index) {
    const int8_t v = map[index];
    for (int32_t iy = y.first; iy < y.end; iy++) {
        for (int32_t ix = x.first; ix < x.end; ix++) {
            const int32_t i = tp_pool_at(op, iy, ix);
            if (map[i] > v || (map[i] == v && i < index)) {
                return false;
            }
        }
    }
    return true;
}

/* Sum of dy over the windows whose first maximum is here. dy and x are at the
 * channel. */
static int32_t routed(const tp_pool *op, const place *p, const int8_t *dy,
                      const int8_t *x) {
    int32_t acc = 0;
    for (int32_t oy = p->oy.first; oy < p->oy.end; oy++) {
        const tp_span sy = tp_pool_rows(op, oy);
        for (int32_t ox = p->ox.first; ox < p->ox.end; ox++) {
            if (is_first_max(op, sy, tp_pool_cols(op, ox), x, p->index)) {
                acc += dy[(oy * op->out_w + ox) * op->c];
            }
        }
    }
    return acc;
}

/* Gradient of a max pool: dy goes to the first maximum of the window.
 *   op  as in the forward kernel; y_min, y_max are not used: a fused clamp
 *       has been applied to dy
 *   dy  [in]  q8 [out_h][out_w][c]
 *   x   [in]  int8 [in_h][in_w][c], the forward kernel's
 *   dx  [out] q8 [in_h][in_w][c], exponent g->e
 *   g   [in/out] delayed scale of dx
 *       dx = sum over the windows whose first maximum, by rows, is here of dy
 * dx may lie over dy as in avgpool_q8_bwd_x; x lies apart.
 * Windows are searched again for each place: nothing but x is
 * kept. Bound: a place is in at most k_h * k_w <= 2^15 windows, kept by the
 * compiler, so |sum| <= 2^15 * 127 < 2^22.
 * Cannot fail. Source: chain rule; a subgradient where maxima are equal. */
void tp_maxpool_q8_bwd_x_ref(const tp_pool *op, const tp_q8 *dy,
                             const int8_t *x, tp_q8 *dx, tp_gscale *g) {
    const int shift = g->e - dy->e;
    for (int32_t row = 0; row < op->in_h; row++) {
        const int32_t iy = tp_walk(op->reverse, row, op->in_h);
        const tp_span oy = covering_rows(op, iy);
        for (int32_t col = 0; col < op->in_w; col++) {
            const int32_t ix = tp_walk(op->reverse, col, op->in_w);
            const place p = place_at(op, oy, iy, ix);
            int8_t *out = dx->v + p.index;
            for (int32_t ic = 0; ic < op->c; ic++) {
                const int32_t acc = routed(op, &p, dy->v + ic, x + ic);
                *out++ = tp_grad_out(g, acc, shift);
            }
        }
    }
    dx->e = g->e;
}
