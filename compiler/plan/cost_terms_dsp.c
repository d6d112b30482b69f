/* The work of the `dsp` kernels, counted as in cost_terms.c. They compute two
 * pixels by four channels at a time, from words of two values. */
#include "compiler/plan/cost_count.h"

/* pairs of pixels; their groups of channels; MACs, with those that fill up
 * words and groups; those of a last pixel; its groups; pairs of k that are
 * widened; rows of windows; bytes of rows that are copied */
void tp_cost_conv_dsp(const void *desc, uint64_t *term) {
    const tp_conv2d_dsp *op = desc;
    const tp_conv2d *c = &op->conv;
    const uint64_t pixels = u((int64_t)c->out_h * c->out_w);
    const uint64_t groups = tiles_of(c->out_c, 4);
    const uint64_t pairs = u(op->pairs);
    const uint64_t rows = op->direct ? 0 : u(c->k_h);
    term[1] = pixels / 2;
    term[2] = pixels / 2 * groups;
    term[3] = term[2] * pairs * 16;
    term[4] = pixels % 2 * groups * pairs * 8;
    term[5] = pixels % 2 * groups;
    term[6] = (pixels + 1) / 2 * pairs;
    term[7] = (pixels + 1) / 2 * rows;
    term[8] = op->direct ? 0 : u(c->in_h) * u(op->row_bytes);
    term[9] = op->limit != 0 ? u(c->out_c) : 0;
}

/* One pixel: groups of channels; MACs, with those that fill up groups; channels
 * whose bias is trained */
void tp_cost_fc_dsp(const void *desc, uint64_t *term) {
    const tp_conv2d_dsp *op = desc;
    term[1] = tiles_of(op->conv.out_c, 4);
    term[2] = term[1] * u(op->pairs) * 8;
    term[3] = op->limit != 0 ? u(op->conv.out_c) : 0;
}

/* pairs of pixels, a last one being one; their groups of channels; MACs, with
 * those that fill up words and groups; pairs of k that are widened */
static void tiles_of_two(uint64_t pixels, int32_t channels, int32_t pairs,
                         uint64_t *term) {
    term[1] = (pixels + 1) / 2;
    term[2] = term[1] * tiles_of(channels, 4);
    term[3] = term[2] * u(pairs) * 16;
    term[4] = term[1] * u(pairs);
}

/* As above; rows of windows; bytes of rows that are copied; channels of the
 * branch */
void tp_cost_lora_dsp(const void *desc, uint64_t *term) {
    const tp_conv2d_dsp *op = desc;
    const tp_conv2d *c = &op->conv;
    tiles_of_two(u((int64_t)c->out_h * c->out_w), c->out_c, op->pairs, term);
    term[5] = op->direct ? 0 : term[1] * u(c->k_h);
    term[6] = op->direct ? 0 : u(c->in_h) * u(op->row_bytes);
    term[7] = u(c->out_c);
}

/* As above, the ranks being channels too; words of A that are packed */
void tp_cost_lora_u_dsp(const void *desc, uint64_t *term) {
    const tp_conv2d_dsp *op = desc;
    tp_cost_lora_dsp(desc, term);
    const uint64_t ranks = tiles_of(op->conv.rank, 4);
    term[2] += term[1] * ranks;
    term[3] += term[1] * ranks * u(op->pairs) * 16;
    term[8] = ranks * u(op->pairs) * 2;
}

/* As above; pixels whose channels are no multiple of four; channels of the
 * branch */
void tp_cost_bwd_x_dsp(const void *desc, uint64_t *term) {
    const tp_conv2d_dsp *op = desc;
    const tp_conv2d *c = &op->conv;
    const uint64_t pixels = u((int64_t)c->in_h * c->in_w);
    tiles_of_two(pixels, c->in_c, op->pairs, term);
    term[5] = op->direct ? 0 : pixels;
    term[6] = c->in_c % 4 != 0 ? pixels : 0;
    term[7] = c->rank > 0 ? u(c->in_c) : 0;
}

/* Products with a narrow matrix that is packed first. As above; words that are
 * packed; pixels whose products are no multiple of four */
static void narrow(const tp_conv2d *op, int32_t rows, int32_t cols,
                   uint64_t *term) {
    const uint64_t pixels = u((int64_t)op->out_h * op->out_w);
    const int32_t pairs = (cols + 3) / 4 * 2;
    tiles_of_two(pixels, rows, pairs, term);
    term[5] = tiles_of(rows, 4) * u(pairs) * 2;
    term[6] = rows % 4 != 0 ? pixels : 0;
}

void tp_cost_u_dsp(const void *desc, uint64_t *term) {
    const tp_conv2d *op = desc;
    narrow(op, op->out_c, op->in_c, term);
}

void tp_cost_du_dsp(const void *desc, uint64_t *term) {
    const tp_conv2d *op = desc;
    narrow(op, op->rank, op->out_c, term);
}

/* Sums over pixels. Pairs of channels, of four ranks each; their pairs of
 * pixels; those of ranks; weights */
static void outer(const tp_conv2d *op, int32_t channels, int32_t ranks,
                  uint64_t *term) {
    const uint64_t pixels = u((int64_t)op->out_h * op->out_w);
    term[1] = u(channels / 2) * tiles_of(ranks, 4);
    term[2] = term[1] * (pixels / 2);
    term[3] = tiles_of(ranks, 4) * pixels;
    term[4] = u(channels) * u(ranks);
}

void tp_cost_db_dsp(const void *desc, uint64_t *term) {
    const tp_conv2d *op = desc;
    outer(op, op->out_c, op->rank, term);
}

void tp_cost_dw_dsp(const void *desc, uint64_t *term) {
    const tp_conv2d *op = desc;
    outer(op, op->in_c, op->out_c, term);
}

/* 1 calls of a strip, 2 words of x in scratch, 3 products in strips that
 * strip.h has a function for, 4 in others, 5 outputs of others. */
void tp_cost_dwconv_dsp(const void *desc, uint64_t *term) {
    const tp_dwconv2d_dsp *op = desc;
    const tp_conv2d *conv = &op->conv;
    const uint64_t groups = tiles_of(conv->in_c, 4);
    const int32_t batch = (op->rows - conv->k_h) / conv->stride_h + 1;
    const uint64_t column = u(conv->out_h) * u(conv->in_c);
    for (int32_t i = 0; i < op->strips; i++) {
        const int32_t *s = op->strip + i * TP_DW_STRIP;
        const uint64_t outputs = column * u(s[TP_DW_N]);
        term[1] += groups * tiles_of(conv->out_h, batch);
        term[2] += groups * u(conv->in_h) * u(s[TP_DW_WORDS]);
        term[s[TP_DW_FAST] ? 3 : 4] += outputs * u(conv->k_h * conv->k_w);
        term[5] += s[TP_DW_FAST] ? 0 : outputs;
    }
}

/* pixels; their taps; groups of channels; MACs, with those that fill up groups;
 * outputs that are scattered; channels that a call makes */
void tp_cost_dwconv_any_dsp(const void *desc, uint64_t *term) {
    const tp_dwconv2d_any *op = desc;
    const tp_conv2d *c = &op->conv;
    const uint64_t taps = u(c->k_h) * u(c->k_w);
    const uint64_t groups = tiles_of(c->in_c, 4) * u(c->out_c / c->in_c);
    term[1] = u((int64_t)c->out_h * c->out_w);
    term[2] = term[1] * taps;
    term[3] = term[1] * groups;
    term[4] = term[3] * 4 * taps;
    term[5] = c->out_c != c->in_c ? term[1] * u(c->out_c) : 0;
    term[6] = op->limit != 0 ? u(c->out_c) : 0;
}
