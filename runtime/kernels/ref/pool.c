/* AVERAGE_POOL_2D, MAX_POOL_2D: forward and gradient. */
#include <stdbool.h>
#include <string.h>

#include "runtime/kernels/ref/grad_out.h"
#include "runtime/kernels/ref/walk.h"
#include "tinypeft/kernels.h"

/* A range of rows or columns. */
typedef struct span {
    int32_t first, end;
} span;

/* The part of the map of n places that window o covers, along one axis. */
static span window(int32_t o, int32_t stride, int32_t pad, int32_t k,
                   int32_t n) {
    const int32_t origin = o * stride - pad;
    return (span){tp_max32(origin, 0), tp_min32(origin + k, n)};
}

/* The windows, of `out`, that cover place i: o * stride - pad <= i and
 * i < o * stride - pad + k. */
static span covering(int32_t i, int32_t stride, int32_t pad, int32_t k,
                     int32_t out) {
    const int32_t last = (i + pad) / stride;
    const int32_t before = i + pad - k; /* the last place of windows past */
    const int32_t first = before < 0 ? 0 : before / stride + 1;
    return (span){first, tp_min32(last + 1, out)};
}

static span rows(const tp_pool *op, int32_t oy) {
    return window(oy, op->stride_h, op->pad_t, op->k_h, op->in_h);
}

static span cols(const tp_pool *op, int32_t ox) {
    return window(ox, op->stride_w, op->pad_l, op->k_w, op->in_w);
}

/* Elements from the start of x to channel 0 of a place. */
static int32_t at(const tp_pool *op, int32_t iy, int32_t ix) {
    return (iy * op->in_w + ix) * op->c;
}

static int8_t activate(const tp_pool *op, int32_t v) {
    return (int8_t)tp_min32(tp_max32(v, op->y_min), op->y_max);
}

/* A window, from the channel that map points to. */
typedef struct box {
    span y, x;
    const int8_t *map;
} box;

static int32_t sum(const tp_pool *op, const box *w) {
    int32_t acc = 0;
    for (int32_t iy = w->y.first; iy < w->y.end; iy++) {
        for (int32_t ix = w->x.first; ix < w->x.end; ix++) {
            acc += w->map[at(op, iy, ix)];
        }
    }
    return acc;
}

static void spill(uint32_t even, uint32_t odd, int32_t acc[4]) {
    acc[0] += (int32_t)(even & 0xFFFF);
    acc[1] += (int32_t)(odd & 0xFFFF);
    acc[2] += (int32_t)(even >> 16);
    acc[3] += (int32_t)(odd >> 16);
}

/* Sums of four channels, two in each word: bytes x + 128, at most 256 of them
 * before they are taken out, 256 * 255 < 2^16. */
static void sum4(const tp_pool *op, const box *w, int32_t acc[4]) {
    uint32_t even = 0, odd = 0;
    int32_t n = 0;
    acc[0] = acc[1] = acc[2] = acc[3] = 0;
    for (int32_t iy = w->y.first; iy < w->y.end; iy++) {
        const int8_t *x = w->map + at(op, iy, w->x.first);
        for (int32_t ix = w->x.first; ix < w->x.end; ix++, x += op->c) {
            uint32_t v;
            memcpy(&v, x, sizeof v);
            v ^= 0x80808080u;
            even += v & 0x00FF00FFu;
            odd += v >> 8 & 0x00FF00FFu;
            if (++n % 256 == 0) {
                spill(even, odd, acc);
                even = odd = 0;
            }
        }
    }
    spill(even, odd, acc);
    for (int32_t i = 0; i < 4; i++) {
        acc[i] -= 128 * n;
    }
}

/* Halves away from zero. */
static int8_t mean(const tp_pool *op, int32_t acc, int32_t count) {
    return activate(op, (acc > 0 ? acc + count / 2 : acc - count / 2) / count);
}

static void average(const tp_pool *op, box w, int8_t *y) {
    const int32_t count = (w.y.end - w.y.first) * (w.x.end - w.x.first);
    int32_t oc = 0;
    for (; oc + 4 <= op->c; oc += 4, w.map += 4) {
        int32_t acc[4];
        sum4(op, &w, acc);
        for (int32_t i = 0; i < 4; i++) {
            y[oc + i] = mean(op, acc[i], count);
        }
    }
    for (; oc < op->c; oc++, w.map++) {
        y[oc] = mean(op, sum(op, &w), count);
    }
}

static int32_t largest(const tp_pool *op, span y, span x, const int8_t *map) {
    int32_t max = -128;
    for (int32_t iy = y.first; iy < y.end; iy++) {
        for (int32_t ix = x.first; ix < x.end; ix++) {
            max = tp_max32(max, map[at(op, iy, ix)]);
        }
    }
    return max;
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
    for (int32_t row = 0; row < op->out_h; row++) {
        const int32_t oy = tp_walk(op->reverse, row, op->out_h);
        for (int32_t col = 0; col < op->out_w; col++) {
            const int32_t ox = tp_walk(op->reverse, col, op->out_w);
            const box w = {rows(op, oy), cols(op, ox), x};
            average(op, w, y + (oy * op->out_w + ox) * op->c);
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
        for (int32_t col = 0; col < op->out_w; col++) {
            const int32_t ox = tp_walk(op->reverse, col, op->out_w);
            const span sy = rows(op, oy), sx = cols(op, ox);
            int8_t *out = y + (oy * op->out_w + ox) * op->c;
            for (int32_t oc = 0; oc < op->c; oc++) {
                *out++ = activate(op, largest(op, sy, sx, x + oc));
            }
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
    span oy, ox;
} place;

static place place_at(const tp_pool *op, int32_t iy, int32_t ix) {
    return (place){
        at(op, iy, ix),
        covering(iy, op->stride_h, op->pad_t, op->k_h, op->out_h),
        covering(ix, op->stride_w, op->pad_l, op->k_w, op->out_w),
    };
}

/* Sum over the windows of dy / count, in 2^-30 of dy's unit. `full` is the
 * share of a whole window, which most are. dy is at the channel. */
static int64_t spread(const tp_pool *op, const place *p, int32_t full,
                      const int8_t *dy) {
    int64_t acc = 0;
    for (int32_t oy = p->oy.first; oy < p->oy.end; oy++) {
        const span sy = rows(op, oy);
        for (int32_t ox = p->ox.first; ox < p->ox.end; ox++) {
            const span sx = cols(op, ox);
            const int32_t count = (sy.end - sy.first) * (sx.end - sx.first);
            const int32_t f = count == op->k_h * op->k_w ? full : share(count);
            acc += (int64_t)dy[(oy * op->out_w + ox) * op->c] * f;
        }
    }
    return acc;
}

static bool same_windows(const place *a, const place *b) {
    return a->oy.first == b->oy.first && a->oy.end == b->oy.end &&
           a->ox.first == b->ox.first && a->ox.end == b->ox.end;
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
 * Exponents are read first and written last. Where a place has the windows of
 * the one computed last, it is a copy of that.
 * 1 / count is round(2^30 / count): k_h * k_w <= 2^15, kept by the
 * compiler, leaves it 15 bits. Bound: a place is in at most k_h * k_w windows,
 * so |sum| <= 2^15 * 127 * 2^30 < 2^52.
 * Cannot fail. Source: chain rule. */
void tp_avgpool_q8_bwd_x_ref(const tp_pool *op, const tp_q8 *dy, tp_q8 *dx,
                             tp_gscale *g) {
    const int shift = g->e - (dy->e - 30);
    const int32_t full = share(op->k_h * op->k_w);
    place last = {-1, {-1, -1}, {-1, -1}};
    for (int32_t row = 0; row < op->in_h; row++) {
        const int32_t iy = tp_walk(op->reverse, row, op->in_h);
        for (int32_t col = 0; col < op->in_w; col++) {
            const int32_t ix = tp_walk(op->reverse, col, op->in_w);
            const place p = place_at(op, iy, ix);
            int8_t *out = dx->v + p.index;
            if (same_windows(&p, &last)) {
                memcpy(out, dx->v + last.index, (size_t)op->c);
                continue;
            }
            for (int32_t ic = 0; ic < op->c; ic++) {
                const int64_t acc = spread(op, &p, full, dy->v + ic);
                *out++ = tp_grad_out(g, acc, shift);
            }
            last = p;
        }
    }
    dx->e = g->e;
}

/* Whether the value at `index` is the first maximum, by rows, of a window:
 * none before it is as large, none after it is larger. x is at the channel. */
static bool is_first_max(const tp_pool *op, span y, span x, const int8_t *map,
                         int32_t index) {
    const int8_t v = map[index];
    for (int32_t iy = y.first; iy < y.end; iy++) {
        for (int32_t ix = x.first; ix < x.end; ix++) {
            const int32_t i = at(op, iy, ix);
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
        const span sy = rows(op, oy);
        for (int32_t ox = p->ox.first; ox < p->ox.end; ox++) {
            if (is_first_max(op, sy, cols(op, ox), x, p->index)) {
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
        for (int32_t col = 0; col < op->in_w; col++) {
            const int32_t ix = tp_walk(op->reverse, col, op->in_w);
            const place p = place_at(op, iy, ix);
            int8_t *out = dx->v + p.index;
            for (int32_t ic = 0; ic < op->c; ic++) {
                const int32_t acc = routed(op, &p, dy->v + ic, x + ic);
                *out++ = tp_grad_out(g, acc, shift);
            }
        }
    }
    dx->e = g->e;
}
