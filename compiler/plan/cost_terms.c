/* The work of each family of kernels, counted from its descriptor. Terms are
 * chosen so that the cost is a sum of them: one for each loop around which a
 * kernel has instructions of its own. Their order is that of the weights in
 * cost.def; term 0 is the call and is not set here. Those of the `dsp` kernels
 * are in cost_terms_dsp.c. */
#include "compiler/plan/cost_count.h"

/* Half of the gradients behind a clamp are 0, and kernels skip those. */
static uint64_t half(uint64_t n) {
    return n / 2;
}

/* --- windows -------------------------------------------------------------- */

/* One axis of a window that slides over a map. */
typedef struct axis {
    int32_t in, out, k, stride, dil, pad;
} axis;

/* Taps of output o that lie on the map. */
static int32_t taps_at(const axis *a, int32_t o) {
    int32_t n = 0;
    for (int32_t t = 0; t < a->k; t++) {
        const int32_t i = o * a->stride - a->pad + t * a->dil;
        n += i >= 0 && i < a->in ? 1 : 0;
    }
    return n;
}

/* Outputs whose windows cover place i. */
static int32_t covers_at(const axis *a, int32_t i) {
    int32_t n = 0;
    for (int32_t t = 0; t < a->k; t++) {
        const int32_t o = i + a->pad - t * a->dil;
        n += o >= 0 && o % a->stride == 0 && o / a->stride < a->out ? 1 : 0;
    }
    return n;
}

/* Pairs of an output and a tap on the map; seen from the input they are the
 * same pairs. */
static uint64_t taps_of(const axis *a) {
    uint64_t n = 0;
    for (int32_t o = 0; o < a->out; o++) {
        n += u(taps_at(a, o));
    }
    return n;
}

static axis rows_of(const tp_conv2d *op) {
    return (axis){op->in_h,     op->out_h, op->k_h,
                  op->stride_h, op->dil_h, op->pad_t};
}

static axis cols_of(const tp_conv2d *op) {
    return (axis){op->in_w,     op->out_w, op->k_w,
                  op->stride_w, op->dil_w, op->pad_l};
}

static uint64_t taps2_of(const tp_conv2d *op) {
    const axis rows = rows_of(op);
    const axis cols = cols_of(op);
    return taps_of(&rows) * taps_of(&cols);
}

/* --- convolutions --------------------------------------------------------- */

/* Contiguous runs that the dot products of all pixels are made of: a row of a
 * window each, or all its rows where they follow each other in x too. */
static uint64_t runs_of(const tp_conv2d *op) {
    const axis rows = rows_of(op);
    const axis cols = cols_of(op);
    uint64_t whole = 0; /* columns of outputs whose rows are one run */
    if (op->dil_w != 1) {
        return taps2_of(op);
    }
    for (int32_t ox = 0; ox < op->out_w; ox++) {
        whole +=
            op->in_w * op->dil_h == op->k_w && taps_at(&cols, ox) == op->k_w
                ? 1
                : 0;
    }
    return taps_of(&rows) * (u(op->out_w) - whole) + u(op->out_h) * whole;
}

/* pixels; runs and MACs of channels by four; of those left over; outputs;
 * products of the LoRA branch */
void tp_cost_conv(const void *desc, uint64_t *term) {
    const tp_conv2d *op = desc;
    const uint64_t pixels = u((int64_t)op->out_h * op->out_w);
    const uint64_t fours = u(op->out_c / 4);
    const uint64_t ones = u(op->out_c % 4);
    const uint64_t macs = taps2_of(op) * u(op->in_c);
    term[1] = pixels;
    term[2] = runs_of(op) * fours;
    term[3] = macs * fours * 4;
    term[4] = runs_of(op) * ones;
    term[5] = macs * ones;
    term[6] = pixels * u(op->out_c);
    term[7] = term[6] * u(op->rank);
}

/* Two channels at a time. pixels; runs of the window; MACs; outputs */
void tp_cost_conv_any_dsp(const void *desc, uint64_t *term) {
    const tp_conv2d *op = desc;
    const uint64_t twos = tiles_of(op->out_c, 2);
    term[1] = u((int64_t)op->out_h * op->out_w);
    term[2] = runs_of(op) * twos;
    term[3] = taps2_of(op) * u(op->in_c) * twos * 2;
    term[4] = term[1] * twos * 2;
}

/* tiles; taps that are looked for; taps; terms; lines of four terms; MACs;
 * inputs; terms and MACs of the LoRA branch */
void tp_cost_conv_bwd_x(const void *desc, uint64_t *term) {
    const tp_conv2d *op = desc;
    const axis rows = rows_of(op);
    const uint64_t tiles = tiles_of(op->in_c, 32);
    const uint64_t taps = taps2_of(op);
    const uint64_t pixels = u((int64_t)op->in_h * op->in_w);
    term[1] = pixels * tiles;
    term[2] = tiles * u(op->in_w) *
              (u(op->in_h) * u(op->k_h) + taps_of(&rows) * u(op->k_w));
    term[3] = taps * tiles;
    term[4] = taps * tiles * u(op->out_c);
    term[5] = half(term[4]) / 4;
    term[6] = half(taps * u(op->out_c) * u(op->in_c));
    term[7] = pixels * u(op->in_c);
    term[8] = taps * tiles * u(op->rank);
    term[9] = taps * u(op->rank) * u(op->in_c);
}

/* tiles; terms; lines of four terms; MACs; weights. The gradient is that of a
 * branch's inside: nothing in it is clamped. */
void tp_cost_conv_bwd_w(const void *desc, uint64_t *term) {
    const tp_conv2d *op = desc;
    const uint64_t tiles = tiles_of(op->in_c, 32);
    const uint64_t rows = u((int64_t)op->k_h * op->k_w) * u(op->out_c);
    const uint64_t taps = taps2_of(op) * u(op->out_c);
    term[1] = rows * tiles;
    term[2] = taps * tiles;
    term[3] = term[2] / 4;
    term[4] = taps * u(op->in_c);
    term[5] = rows * u(op->in_c);
}

/* MACs that are summed by four taps, and one by one. */
static void split_taps(const tp_conv2d *op, uint64_t taps, uint64_t *term) {
    const uint64_t macs = taps * u(op->out_c);
    const uint64_t fours = taps / 4 * 4 * u(op->out_c);
    const bool by_four = op->out_c == op->in_c;
    term[0] += by_four ? fours : 0;
    term[1] += by_four ? macs - fours : macs;
}

/* pixels; tiles; taps; MACs by four taps and one by one; outputs */
void tp_cost_dwconv(const void *desc, uint64_t *term) {
    const tp_conv2d *op = desc;
    const axis rows = rows_of(op);
    const axis cols = cols_of(op);
    const uint64_t tiles = tiles_of(op->in_c, 16) * u(op->out_c / op->in_c);
    term[1] = u((int64_t)op->out_h * op->out_w);
    term[2] = term[1] * tiles;
    term[3] = taps2_of(op) * tiles;
    for (int32_t oy = 0; oy < op->out_h; oy++) {
        for (int32_t ox = 0; ox < op->out_w; ox++) {
            split_taps(op, u(taps_at(&rows, oy)) * u(taps_at(&cols, ox)),
                       &term[4]);
        }
    }
    term[6] = term[1] * u(op->out_c);
}

/* 1 pixels, 2 rows of their windows, 3 groups, 4 products, with those that fill
 * up vectors and groups, 5 bytes of windows */
void tp_cost_conv_mve(const void *desc, uint64_t *term) {
    const tp_conv2d *op = &((const tp_conv2d_mve *)desc)->conv;
    const int32_t k = op->k_h * op->k_w * op->in_c;
    term[1] = u((int64_t)op->out_h * op->out_w);
    term[2] = term[1] * u(op->k_h);
    term[3] = term[1] * tiles_of(op->out_c, 4);
    term[4] = term[3] * 64 * tiles_of(k, 16);
    term[5] = term[1] * u(k);
}

/* 1 rows of y by group, 2 columns of x in scratch, 3 windows, 4 their
 * rows but for 3x3, 5 products, with those that fill up groups */
void tp_cost_dwconv_mve(const void *desc, uint64_t *term) {
    const tp_conv2d *op = &((const tp_conv2d_mve *)desc)->conv;
    const uint64_t groups = tiles_of(op->in_c, 8);
    term[1] = groups * u(op->out_h);
    term[2] = groups * u(op->in_h) * u(op->in_w);
    term[3] = term[1] * u(op->out_w);
    term[4] = op->k_h == 3 && op->k_w == 3 ? 0 : term[3] * u(op->k_h);
    term[5] = term[3] * u(op->k_h * op->k_w) * 8;
}

/* pixels; tiles; taps that are looked for; taps; MACs by four taps and one by
 * one; products with the scale; inputs */
void tp_cost_dwconv_bwd_x(const void *desc, uint64_t *term) {
    const tp_conv2d *op = desc;
    const axis rows = rows_of(op);
    const axis cols = cols_of(op);
    const uint64_t tiles = tiles_of(op->in_c, 16) * u(op->out_c / op->in_c);
    term[1] = u((int64_t)op->in_h * op->in_w);
    term[2] = term[1] * tiles;
    term[3] = tiles * u(op->in_w) *
              (u(op->in_h) * u(op->k_h) + taps_of(&rows) * u(op->k_w));
    term[4] = taps2_of(op) * tiles;
    for (int32_t iy = 0; iy < op->in_h; iy++) {
        for (int32_t ix = 0; ix < op->in_w; ix++) {
            split_taps(op, u(covers_at(&rows, iy)) * u(covers_at(&cols, ix)),
                       &term[5]);
        }
    }
    term[7] = term[1] * u(op->out_c);
    term[8] = term[1] * u(op->in_c);
}

/* --- LoRA and head -------------------------------------------------------- */

/* pixels; terms; MACs; outputs */
void tp_cost_lora_u(const void *desc, uint64_t *term) {
    const tp_conv2d *op = desc;
    term[1] = u((int64_t)op->out_h * op->out_w);
    term[2] = term[1] * u(op->out_c);
    term[3] = half(term[2] * u(op->rank));
    term[4] = term[1] * u(op->rank);
}

/* channels; terms; those that are not 0; MACs; weights */
void tp_cost_lora_b(const void *desc, uint64_t *term) {
    const tp_conv2d *op = desc;
    term[1] = u(op->out_c);
    term[2] = u((int64_t)op->out_h * op->out_w) * u(op->out_c);
    term[3] = half(term[2]);
    term[4] = half(term[2] * u(op->rank));
    term[5] = u(op->out_c) * u(op->rank);
}

/* classes; MACs */
void tp_cost_head(const void *desc, uint64_t *term) {
    const tp_head *op = desc;
    term[1] = u(op->classes);
    term[2] = u(op->classes) * u(op->in_c);
}

/* classes; features; weights */
void tp_cost_head_sgd(const void *desc, uint64_t *term) {
    const tp_head_sgd *op = desc;
    term[1] = u(op->classes);
    term[2] = u(op->in_c);
    term[3] = u(op->classes) * u(op->in_c);
}

/* tiles; terms; MACs; inputs */
void tp_cost_head_bwd_x(const void *desc, uint64_t *term) {
    const tp_head *op = desc;
    term[1] = tiles_of(op->in_c, 32);
    term[2] = term[1] * u(op->classes);
    term[3] = u(op->classes) * u(op->in_c);
    term[4] = u(op->in_c);
}

/* channels; values of the map (backward) */
void tp_cost_bias(const void *desc, uint64_t *term) {
    const tp_bias *op = desc;
    term[1] = u(op->n);
    term[2] = u(op->pixels);
    term[3] = u(op->pixels) * u(op->n);
}

/* tiles; pixels of tiles; values of the map; channels */
void tp_cost_rescale(const void *desc, uint64_t *term) {
    const tp_rescale *op = desc;
    term[1] = tiles_of(op->n, 32);
    term[2] = term[1] * u(op->pixels);
    term[3] = u(op->pixels) * u(op->n);
    term[4] = u(op->n);
}

/* As tp_cost_conv; then what lies inside the branch, and its MACs */
void tp_cost_bottleneck(const void *desc, uint64_t *term) {
    const tp_conv2d *op = &((const tp_bottleneck *)desc)->conv;
    tp_cost_conv(op, term);
    term[8] = term[1] * u(op->rank);
    term[9] = term[8] * u(op->in_c);
}

/* A branch alone, forward or backward: pixels; values inside; MACs of A;
 * outputs; MACs of B; tiles; terms and MACs of W^T dy; inputs */
void tp_cost_branch(const void *desc, uint64_t *term) {
    const tp_conv2d *op = &((const tp_bottleneck *)desc)->conv;
    const uint64_t pixels = u((int64_t)op->out_h * op->out_w);
    term[1] = pixels;
    term[2] = pixels * u(op->rank);
    term[3] = term[2] * u(op->in_c);
    term[4] = pixels * u(op->out_c);
    term[5] = half(term[4] * u(op->rank));
    term[6] = pixels * tiles_of(op->in_c, 32);
    term[7] = op->w != NULL ? term[6] * u(op->out_c) : 0;
    term[8] = op->w != NULL ? half(term[4] * u(op->in_c)) : 0;
    term[9] = pixels * u(op->in_c);
}

/* rows; MACs */
void tp_cost_vera(const void *desc, uint64_t *term) {
    const tp_vera *op = desc;
    term[1] = u(op->out);
    term[2] = u(op->out) * u(op->rank);
}

/* weights, or length of the code: each takes all hidden values */
void tp_cost_hyper(const void *desc, uint64_t *term) {
    term[1] = u(((const tp_hyper *)desc)->n);
}

/* ranks; runs of one rank; values; those of two bits */
void tp_cost_unpack(const void *desc, uint64_t *term) {
    const tp_unpack *op = desc;
    term[1] = u(op->ranks);
    term[2] = u(op->n / op->stride);
    term[3] = u(op->n);
    term[4] = op->bits == 2 ? u(op->n) : 0;
}

/* As tp_cost_conv; then entries, and their MACs */
void tp_cost_sparse(const void *desc, uint64_t *term) {
    const tp_sparse *op = desc;
    tp_cost_conv(&op->conv, term);
    term[8] = term[1] * u(op->count);
    term[9] = term[8] * u(op->width);
}

/* tiles; terms and MACs of W^T dy; inputs; entries; MACs of rows */
void tp_cost_sparse_bwd_x(const void *desc, uint64_t *term) {
    const tp_sparse *op = desc;
    const uint64_t pixels = u((int64_t)op->conv.out_h * op->conv.out_w);
    term[1] = pixels * tiles_of(op->conv.in_c, 32);
    term[2] = term[1] * u(op->conv.out_c);
    term[3] = half(pixels * u(op->conv.out_c) * u(op->conv.in_c));
    term[4] = pixels * u(op->conv.in_c);
    term[5] = term[1] * u(op->count);
    term[6] = op->width > 1 ? half(pixels * u(op->count) * u(op->width)) : 0;
}

/* weights; MACs */
void tp_cost_sparse_bwd_w(const void *desc, uint64_t *term) {
    const tp_sparse *op = desc;
    term[1] = u(op->count) * u(op->width);
    term[2] = term[1] * u((int64_t)op->conv.out_h * op->conv.out_w);
}

/* --- pools and means ------------------------------------------------------ */

static axis pool_rows(const tp_pool *op) {
    return (axis){op->in_h, op->out_h, op->k_h, op->stride_h, 1, op->pad_t};
}

static axis pool_cols(const tp_pool *op) {
    return (axis){op->in_w, op->out_w, op->k_w, op->stride_w, 1, op->pad_l};
}

/* pixels; outputs; rows of windows; places of windows */
void tp_cost_pool(const void *desc, uint64_t *term) {
    const tp_pool *op = desc;
    const axis rows = pool_rows(op);
    const axis cols = pool_cols(op);
    term[1] = u((int64_t)op->out_h * op->out_w);
    term[2] = term[1] * u(op->c);
    term[3] = taps_of(&rows) * u(op->out_w) * u(op->c);
    term[4] = taps_of(&rows) * taps_of(&cols) * u(op->c);
}

/* pixels; inputs; windows that are visited; places that those search */
void tp_cost_pool_bwd_x(const void *desc, uint64_t *term) {
    const tp_pool *op = desc;
    const axis rows = pool_rows(op);
    const axis cols = pool_cols(op);
    term[1] = u((int64_t)op->in_h * op->in_w);
    term[2] = term[1] * u(op->c);
    term[3] = taps_of(&rows) * taps_of(&cols) * u(op->c);
    term[4] = term[3] * u(op->k_h) * u(op->k_w) / 2;
}

/* The first output whose window covers place i; -1: none. */
static int32_t first_cover(const axis *a, int32_t i) {
    int32_t o = 0;
    while (o < a->out && o * a->stride - a->pad + a->k <= i) {
        o++;
    }
    return covers_at(a, i) > 0 ? o : -1;
}

/* Places of an axis that do not have the same windows as the one before; of
 * them those in one window. */
static uint64_t changes(const axis *a, uint64_t *ones) {
    uint64_t n = 0;
    *ones = 0;
    for (int32_t i = 0; i < a->in; i++) {
        if (i == 0 || first_cover(a, i) != first_cover(a, i - 1) ||
            covers_at(a, i) != covers_at(a, i - 1)) {
            n++;
            *ones += covers_at(a, i) == 1 ? 1 : 0;
        }
    }
    return n;
}

/* places of rows that are no copies; inputs that are computed, from one window;
 * from any other number; windows that these visit; inputs that are copied */
void tp_cost_avgpool_bwd_x(const void *desc, uint64_t *term) {
    const tp_pool *op = desc;
    const axis rows = pool_rows(op);
    const axis cols = pool_cols(op);
    uint64_t one_row = 0;
    uint64_t one_col = 0;
    const uint64_t own_rows = changes(&rows, &one_row);
    const uint64_t own = own_rows * changes(&cols, &one_col);
    const uint64_t ones = one_row * one_col;
    const uint64_t places = u((int64_t)op->in_h * op->in_w);
    const uint64_t windows = taps_of(&rows) * taps_of(&cols);
    const uint64_t visits = places > 0 ? windows * own / places : 0;
    term[1] = own_rows * u(op->in_w);
    term[2] = ones * u(op->c);
    term[3] = (own - ones) * u(op->c);
    term[4] = visits > ones ? (visits - ones) * u(op->c) : 0;
    term[5] = (places - own) * u(op->c);
}

static uint64_t product(const int32_t *dim, int n) {
    uint64_t p = 1;
    for (int i = 0; i < n; i++) {
        p *= u(dim[i]);
    }
    return p;
}

/* outputs, and values, of which four are summed at once; of the others */
void tp_cost_mean(const void *desc, uint64_t *term) {
    const tp_mean *op = desc;
    const uint64_t rows = product(op->out_dim, 3);
    const uint64_t fours = op->out_stride[3] == 1 && op->red_stride[3] != 1
                               ? u(op->out_dim[3] / 4 * 4)
                               : 0;
    const uint64_t values = product(op->red_dim, 4);
    term[1] = rows * fours;
    term[2] = term[1] * values;
    term[3] = rows * (u(op->out_dim[3]) - fours);
    term[4] = term[3] * values;
}

/* outputs; values */
void tp_cost_mean_bwd_x(const void *desc, uint64_t *term) {
    const tp_mean *op = desc;
    term[1] = product(op->out_dim, 4);
    term[2] = term[1] * product(op->red_dim, 4);
}

/* --- one value after the other -------------------------------------------- */

/* rows; values */
void tp_cost_eltwise(const void *desc, uint64_t *term) {
    const tp_eltwise *op = desc;
    term[1] = product(op->dim, 3);
    term[2] = term[1] * u(op->dim[3]);
}

/* outputs; values that they sum */
void tp_cost_eltwise_bwd_x(const void *desc, uint64_t *term) {
    const tp_eltwise_bwd *op = desc;
    term[1] = product(op->x_dim, 4);
    term[2] = term[1] * product(op->red_dim, 4);
}

/* rows; values */
void tp_cost_softmax(const void *desc, uint64_t *term) {
    const tp_softmax *op = desc;
    term[1] = u(op->rows);
    term[2] = u(op->rows) * u(op->cols);
}

/* rows; values */
void tp_cost_copy(const void *desc, uint64_t *term) {
    const tp_copy *op = desc;
    term[1] = product(op->dim, 5);
    term[2] = term[1] * u(op->dim[5]);
}

/* pixels in; pixels out; values in; values out */
void tp_cost_resize(const void *desc, uint64_t *term) {
    const tp_resize *op = desc;
    term[1] = u((int64_t)op->in_h * op->in_w);
    term[2] = u((int64_t)op->out_h * op->out_w);
    term[3] = term[1] * u(op->c);
    term[4] = term[2] * u(op->c);
}

/* Each of these: values. */
void tp_cost_lut(const void *desc, uint64_t *term) {
    term[1] = u(((const tp_lut *)desc)->n);
}

void tp_cost_fill(const void *desc, uint64_t *term) {
    term[1] = u(((const tp_fill *)desc)->n);
}

void tp_cost_clamp(const void *desc, uint64_t *term) {
    term[1] = u(((const tp_clamp *)desc)->n);
}

void tp_cost_sum(const void *desc, uint64_t *term) {
    term[1] = u(((const tp_sum *)desc)->n);
}

void tp_cost_ce(const void *desc, uint64_t *term) {
    term[1] = u(((const tp_ce *)desc)->n);
}

void tp_cost_mse(const void *desc, uint64_t *term) {
    term[1] = u(((const tp_mse *)desc)->n);
}

void tp_cost_random(const void *desc, uint64_t *term) {
    const tp_random *op = desc;
    uint64_t rows = op->keep > 0 ? 0 : 1;
    for (int32_t keep = op->keep; keep > 0; keep >>= 1) {
        rows++;
    }
    term[1] = u(op->n) * rows;
}

void tp_cost_sgd(const void *desc, uint64_t *term) {
    term[1] = u(((const tp_sgd *)desc)->n);
}
