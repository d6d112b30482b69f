/* The work of the `scalar` kernels, counted as in cost_terms.c. The dense ones
 * compute two pixels by four channels at a time. */
#include "compiler/plan/cost_count.h"
#include "runtime/kernels/scalar/stair.h"

/* Channels that are rounded as `ref` does. */
static uint64_t without_stairs(const tp_conv2d_scalar *op) {
    uint64_t n = 0;
    for (int32_t oc = 0; oc < op->conv.out_c; oc++) {
        n += op->channel[oc * TP_STAIR_WORDS + TP_STAIR_TOP] < 0;
    }
    return n;
}

/* 1 pairs of pixels and a last one, 2 their groups of channels, 3 MACs of
 * pairs, with those that fill up, 4 those of a last pixel, 5 rows of windows,
 * 6 bytes of windows, 7 outputs that are no stairs, 8 outputs of a branch, 9
 * its products */
void tp_cost_conv_scalar(const void *desc, uint64_t *term) {
    const tp_conv2d_scalar *op = desc;
    const tp_conv2d *c = &op->conv;
    const uint64_t pixels = u((int64_t)c->out_h * c->out_w);
    const int32_t k = c->k_h * c->k_w * c->in_c;
    const uint64_t group = 4 * u((k + 3) / 4 * 4); /* products of a pixel */
    term[1] = (pixels + 1) / 2;
    term[2] = term[1] * tiles_of(c->out_c, 4);
    term[3] = pixels / 2 * 2 * tiles_of(c->out_c, 4) * group;
    term[4] = pixels % 2 * tiles_of(c->out_c, 4) * group;
    term[5] = pixels * u(c->k_h);
    term[6] = pixels * u(k);
    term[7] = pixels * without_stairs(op);
    term[8] = c->rank > 0 ? pixels * u(c->out_c) : 0;
    term[9] = term[8] * u(c->rank);
}

/* 1 channels, 2 rows of x that are copied, 3 their bytes, 4 calls of a strip,
 * 5 their rows, 6 their products, 7 outputs of others, 8 products of others, 9
 * outputs that are no stairs */
void tp_cost_dwconv_scalar(const void *desc, uint64_t *term) {
    const tp_conv2d_scalar *op = desc;
    const tp_conv2d *c = &op->conv;
    const int32_t batch = (op->rows - c->k_h) / c->stride_h + 1;
    const uint64_t exact = without_stairs(op);
    const uint64_t pixels = u((int64_t)c->out_h * c->out_w);
    const bool may =
        c->k_h == 3 && c->k_w == 3 && c->stride_w <= 2 && c->out_w >= 3;
    const uint64_t strips = may ? u(c->out_c) - exact : 0;
    const uint64_t others = (u(c->out_c) - strips) * pixels;
    const uint64_t tiles = tiles_of(c->out_w, c->stride_w == 1 ? 5 : 3);
    term[1] = u(c->in_c);
    term[2] = u(c->in_c) * u(c->in_h);
    term[3] = term[2] * u(c->in_w);
    term[4] = strips * tiles_of(c->out_h, batch) * tiles;
    term[5] = strips * u(c->out_h) * tiles;
    term[6] = strips * pixels * 9;
    term[7] = others;
    term[8] = others * u(c->k_h) * u(c->k_w);
    term[9] = exact * pixels;
}

/* 1 channels, 2 rows of dy that are copied, 3 their bytes, 4 products, 5 rows
 * of strips */
void tp_cost_dwconv_bwd_scalar(const void *desc, uint64_t *term) {
    const tp_conv2d *c = &((const tp_conv2d_scalar *)desc)->conv;
    term[1] = u(c->in_c);
    term[2] = u(c->in_c) * u(c->out_h);
    term[3] = term[2] * u(c->out_w);
    term[4] = u(c->in_c) * u(c->in_h) * u(c->in_w) * 9;
    term[5] = u(c->in_c) * u(c->in_h) * tiles_of(c->in_w, 5);
}
