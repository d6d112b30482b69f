/* mve.h in plain C. */
#include <string.h>

#include "core/fixed.h"
#include "runtime/kernels/mve/mve.h"

void tp_mve_copy(const int8_t *from, int32_t n, int8_t *to) {
    memcpy(to, from, (size_t)n);
}

void tp_mve_fill(int8_t v, int32_t n, int8_t *to) {
    memset(to, v, (size_t)n);
}

void tp_mve_columns(const int8_t *from, int32_t n, int32_t step,
                    int32_t channels, int8_t *to) {
    for (; n > 0; n--, from += step, to += TP_MVE_DEPTHWISE) {
        memcpy(to, from, (size_t)channels);
    }
}

/* Channel i in a table whose vectors are `lanes` long. */
static int8_t output(const tp_mve_layer *l, const int32_t *c, int32_t lanes,
                     uint32_t sum) {
    const int32_t a = (int32_t)(sum + (uint32_t)c[0]);
    const int32_t t = tp_mbqm(a, c[lanes], c[2 * lanes]);
    const int32_t y = (int32_t)((uint32_t)t + (uint32_t)l->zp);
    return (int8_t)tp_clamp32(y, l->min, l->max);
}

static int32_t dot(const int8_t *x, const int8_t *w, int32_t blocks) {
    int32_t sum = 0;
    for (; blocks > 0; blocks--, x += 16, w += 64) {
        for (int32_t i = 0; i < 16; i++) {
            sum += x[i] * w[i];
        }
    }
    return sum;
}

void tp_mve_dots(const tp_mve_layer *l, const int8_t *x, int32_t blocks,
                 int32_t n, int8_t *y) {
    const int8_t *w = l->w;
    const int32_t *c = l->channel;
    for (int32_t g = 0; g < n; g += TP_MVE_DENSE, w += blocks * 64) {
        const int32_t oc = tp_min32(g, n - TP_MVE_DENSE);
        for (int32_t i = 0; i < TP_MVE_DENSE; i++) {
            const uint32_t sum = (uint32_t)dot(x, w + 16 * i, blocks);
            y[oc + i] = output(l, c + i, TP_MVE_DENSE, sum);
        }
        c += TP_MVE_DENSE * TP_MVE_TABLE;
    }
}

static int32_t window(const tp_mve_layer *l, const tp_mve_rows *r, int32_t ox,
                      int32_t lane) {
    const int8_t *w = l->w + lane;
    const int8_t *row = r->first;
    int32_t sum = 0;
    for (int32_t ky = 0; ky < r->k_h; ky++) {
        const int8_t *x = row + ox * r->step + lane;
        for (int32_t kx = 0; kx < r->k_w; kx++, w += TP_MVE_DEPTHWISE) {
            sum += x[kx * TP_MVE_DEPTHWISE] * *w;
        }
        row += r->row;
        row -= row >= r->end ? r->ring : 0;
    }
    return sum;
}

void tp_mve_taps(const tp_mve_layer *l, const tp_mve_rows *r, int8_t *y) {
    for (int32_t ox = 0; ox < r->n; ox++, y += r->out_c) {
        for (int32_t lane = 0; lane < r->channels; lane++) {
            const int32_t *c = l->channel + lane % 2 * 4 + lane / 2;
            const uint32_t sum = (uint32_t)window(l, r, ox, lane);
            y[lane] = output(l, c, TP_MVE_DEPTHWISE, sum);
        }
    }
}

void tp_mve_row_add(const tp_dsp_sum *r) {
    tp_dsp_row_add(r);
}

void tp_mve_row_sub(const tp_dsp_sum *r) {
    tp_dsp_row_sub(r);
}

void tp_mve_row_minus(const tp_dsp_sum *r) {
    tp_dsp_row_minus(r);
}

void tp_mve_row_mul(const tp_dsp_product *r) {
    tp_dsp_row_mul(r);
}
