#include "bench/shapes.h"

#include "bench/shapes_conv.h"

/* Arrays that descriptors point to: the same for every shape. */
static uint8_t table[256];
static int16_t slope[256];
static int16_t half[64]; /* source rows of a map twice as large */

static void make_tables(void) {
    for (int i = 0; i < 256; i++) {
        table[i] = (uint8_t)(255 - i);
        slope[i] = (int16_t)(i * 64);
    }
    for (int i = 0; i < 64; i++) {
        half[i] = (int16_t)(i / 2);
    }
}

/* --- heads and losses ----------------------------------------------------- */

static const int32_t head_shapes[][2] = {{64, 10},  {256, 2}, {64, 12},
                                         {128, 30}, {33, 5},  {8, 3}};

static const void *head(int i) {
    static tp_head op;
    if (i >= COUNT(head_shapes)) {
        return NULL;
    }
    op = (tp_head){.in_c = head_shapes[i][0],
                   .classes = head_shapes[i][1],
                   .x_zp = -128,
                   .scale = {1 << 30, -5}};
    return &op;
}

static const void *head_dsp(int i) {
    static const int which[] = {0, 1, 2, 3, 5}; /* multiples of 4 features */
    return i < COUNT(which) ? head(which[i]) : NULL;
}

static const void *head_sgd(int i) {
    static tp_head_sgd op;
    if (i >= COUNT(head_shapes)) {
        return NULL;
    }
    op = (tp_head_sgd){.in_c = head_shapes[i][0],
                       .classes = head_shapes[i][1],
                       .x_zp = -128,
                       .unit = {1 << 30, -16}}; /* rows of a few units */
    return &op;
}

static const void *head_sgd_dsp(int i) {
    static const int which[] = {0, 1, 2, 3, 5}; /* multiples of 4 features */
    return i < COUNT(which) ? head_sgd(which[i]) : NULL;
}

static const int32_t class_counts[] = {2, 6, 10, 12, 30, 100};

static const void *ce(int i) {
    static tp_ce op;
    if (i >= COUNT(class_counts)) {
        return NULL;
    }
    op =
        (tp_ce){.n = class_counts[i], .scale = {1 << 30, -4}, .smooth = 104858};
    return &op;
}

static const void *softmax(int i) {
    static tp_softmax op;
    if (i >= COUNT(class_counts)) {
        return NULL;
    }
    op = (tp_softmax){.rows = 1 + i % 3,
                      .cols = class_counts[i],
                      .beta = {1 << 30, 23},
                      .diff_min = -248};
    return &op;
}

/* --- values one by one ---------------------------------------------------- */

static const int32_t counts[] = {64, 250, 1000, 4096, 8001};

static const void *lut(int i) {
    static tp_lut op;
    if (i >= COUNT(counts)) {
        return NULL;
    }
    op = (tp_lut){.n = counts[i], .table = table, .slope = slope};
    return &op;
}

static const void *fill(int i) {
    static tp_fill op;
    if (i >= COUNT(counts)) {
        return NULL;
    }
    op = (tp_fill){.n = counts[i], .value = 0};
    return &op;
}

static const void *clamp(int i) {
    static tp_clamp op;
    if (i >= COUNT(counts)) {
        return NULL;
    }
    op = (tp_clamp){.n = counts[i], .y_min = 0, .y_max = 60};
    return &op;
}

static const void *sum(int i) {
    static tp_sum op;
    if (i >= COUNT(counts)) {
        return NULL;
    }
    op = (tp_sum){.n = counts[i]};
    return &op;
}

static const void *mse(int i) {
    static tp_mse op;
    if (i >= COUNT(counts)) {
        return NULL;
    }
    op = (tp_mse){.n = counts[i], .loss = {1 << 30, -10}, .q = 20000, .e = -8};
    return &op;
}

static const void *random_weights(int i) {
    static tp_random op;
    if (i >= COUNT(counts)) {
        return NULL;
    }
    op = (tp_random){.n = counts[i], .seed = 3, .m = 200, .e = -10};
    return &op;
}

static const void *sgd(int i) {
    static tp_sgd op;
    if (i >= COUNT(counts)) {
        return NULL;
    }
    op = (tp_sgd){.n = counts[i], .index = 1, .unit = {1 << 30, -6}};
    return &op;
}

/* Rows, ranks. */
static const int32_t matrices[][2] = {
    {64, 16}, {64, 4}, {10, 8}, {128, 16}, {250, 2}};

static const void *vera(int i) {
    static tp_vera op;
    if (i >= COUNT(matrices)) {
        return NULL;
    }
    op = (tp_vera){.out = matrices[i][0], .rank = matrices[i][1]};
    return &op;
}

static const void *unpack(int i) {
    static tp_unpack op;
    if (i >= 2 * COUNT(matrices)) {
        return NULL;
    }
    const int32_t *m = matrices[i / 2];
    const bool rows = i % 2 == 1; /* A has its ranks outside, B inside */
    op = (tp_unpack){.n = m[0] * m[1],
                     .bits = i % 3 == 0 ? 2 : 4,
                     .ranks = m[1],
                     .stride = rows ? m[0] : 1};
    return &op;
}

static const void *hyper(int i) {
    static tp_hyper op;
    if (i >= COUNT(counts)) {
        return NULL;
    }
    op = (tp_hyper){
        .n = counts[i], .seed = 7, .shift = 3, .unit = {1 << 30, -3}};
    return &op;
}

static const void *code(int i) {
    static tp_hyper op;
    static const int32_t lengths[] = {4, 8, 16, 32};
    if (i >= COUNT(lengths)) {
        return NULL;
    }
    op = (tp_hyper){
        .n = lengths[i], .seed = 7, .shift = 2, .unit = {1 << 30, -3}};
    return &op;
}

static const void *eltwise(int i) {
    static tp_eltwise op;
    if (i >= BENCH_MAPS) {
        return NULL;
    }
    const int32_t c = bench_maps[i][1];
    op = (tp_eltwise){.dim = {1, 1, bench_maps[i][0], c},
                      .a_stride = {0, 0, c, 1},
                      .b_stride = {0, 0, c, 1},
                      .y_min = -128,
                      .y_max = 127,
                      .left_shift = 20,
                      .b_sign = 1,
                      .a = {1 << 30, 0},
                      .b = {1 << 30, -1},
                      .y = {1 << 30, -8}};
    return &op;
}

/* Of ADD: each input once; of a broadcast factor: a sum over the pixels. */
static const void *eltwise_bwd(int i) {
    static tp_eltwise_bwd op;
    if (i >= 2 * BENCH_MAPS) {
        return NULL;
    }
    const int32_t pixels = bench_maps[i / 2][0];
    const int32_t c = bench_maps[i / 2][1];
    const bool summed = i % 2 == 1;
    op = (tp_eltwise_bwd){.x_dim = {1, 1, summed ? 1 : pixels, c},
                          .x_dy_stride = {0, 0, summed ? 0 : c, 1},
                          .x_other_stride = {0, 0, summed ? 0 : c, 1},
                          .red_dim = {1, 1, 1, summed ? pixels : 1},
                          .red_dy_stride = {0, 0, 0, summed ? c : 0},
                          .red_other_stride = {0, 0, 0, summed ? c : 0},
                          .q = 20000,
                          .e = 0};
    return &op;
}

static const void *mean(int i) {
    static tp_mean op;
    if (i >= BENCH_MAPS) {
        return NULL;
    }
    op = (tp_mean){.out_dim = {1, 1, 1, bench_maps[i][1]},
                   .out_stride = {0, 0, 0, 1},
                   .red_dim = {1, 1, 1, bench_maps[i][0]},
                   .red_stride = {0, 0, 0, bench_maps[i][1]},
                   .count = bench_maps[i][0],
                   .f = {1 << 30, -4}};
    return &op;
}

/* A map to another place, and transposed. */
static const void *copy(int i) {
    static tp_copy op;
    if (i >= 2 * BENCH_MAPS) {
        return NULL;
    }
    const int32_t pixels = bench_maps[i / 2][0];
    const int32_t c = bench_maps[i / 2][1];
    const bool turned = i % 2 == 1;
    op = (tp_copy){
        .dim = {1, 1, 1, 1, pixels, c},
        .x_stride = {0, 0, 0, 0, c, 1},
        .y_stride = {0, 0, 0, 0, turned ? 1 : c + 2, turned ? pixels : 1}};
    return &op;
}

/* --- windows -------------------------------------------------------------- */

/* in_h, in_w, c, k_h, k_w, stride, pad */
static const int32_t pools[][7] = {
    {25, 5, 64, 25, 5, 1, 0}, {6, 6, 128, 6, 6, 1, 0},  {8, 8, 64, 8, 8, 1, 0},
    {16, 16, 8, 2, 2, 2, 0},  {12, 12, 16, 3, 3, 2, 1}, {9, 9, 5, 3, 3, 1, 1},
    {10, 10, 20, 2, 3, 1, 0}};

static const void *pool(int i) {
    static tp_pool op;
    if (i >= COUNT(pools)) {
        return NULL;
    }
    const int32_t *p = pools[i];
    op = (tp_pool){.in_h = p[0],
                   .in_w = p[1],
                   .c = p[2],
                   .out_h = (p[0] + 2 * p[6] - p[3]) / p[5] + 1,
                   .out_w = (p[1] + 2 * p[6] - p[4]) / p[5] + 1,
                   .k_h = p[3],
                   .k_w = p[4],
                   .stride_h = p[5],
                   .stride_w = p[5],
                   .pad_t = p[6],
                   .pad_l = p[6],
                   .y_min = -128,
                   .y_max = 127};
    return &op;
}

static const int32_t resizes[][3] = {
    {8, 8, 16}, {4, 6, 3}, {12, 10, 32}, {2, 2, 64}, {16, 16, 1}};

static const void *resize(int i) {
    static tp_resize op;
    if (i >= COUNT(resizes)) {
        return NULL;
    }
    op = (tp_resize){.in_h = resizes[i][0],
                     .in_w = resizes[i][1],
                     .out_h = 2 * resizes[i][0],
                     .out_w = 2 * resizes[i][1],
                     .c = resizes[i][2],
                     .row = half,
                     .col = half};
    return &op;
}

/* --- which kernel takes which --------------------------------------------- */

typedef struct subject {
    const char *args;
    const void *(*shape)(int i);
    int32_t scale;
} subject;

static const subject subjects[TP_KERNEL_COUNT] = {
    [TP_K_conv2d_s8_fwd_ref] = {"xby", bench_conv, 0},
    [TP_K_conv2d_lora_s8_fwd_ref] = {"xbuwy", bench_lora, 0},
    [TP_K_conv2d_q8_s16_fwd_ref] = {"xwy", bench_lora_a, 0},
    [TP_K_dwconv2d_s8_fwd_ref] = {"xby", bench_depthwise, 0},
    [TP_K_bias_s16_fwd_ref] = {"bhy", bench_bias, 0},
    [TP_K_head_q8_fwd_ref] = {"xwhy", head, 0},
    [TP_K_avgpool_s8_fwd_ref] = {"xy", pool, 0},
    [TP_K_maxpool_s8_fwd_ref] = {"xy", pool, 0},
    [TP_K_mean_s8_fwd_ref] = {"xy", mean, 0},
    [TP_K_add_s8_fwd_ref] = {"xhy", eltwise, 0},
    [TP_K_mul_s8_fwd_ref] = {"xhy", eltwise, 0},
    [TP_K_add_s8_fwd_dsp] = {"xhy", eltwise, 0},
    [TP_K_add_s8_fwd_mve] = {"xhy", eltwise, 0},
    [TP_K_mul_s8_fwd_mve] = {"xhy", eltwise, 0},
    [TP_K_mul_s8_fwd_dsp] = {"xhy", eltwise, 0},
    [TP_K_lut_s8_fwd_ref] = {"xy", lut, 0},
    [TP_K_softmax_s8_fwd_ref] = {"xy", softmax, 0},
    [TP_K_softmax_s16_fwd_ref] = {"hys", ce, 0},
    [TP_K_copy_s8_fwd_ref] = {"xy", copy, 0},
    [TP_K_fill_s8_fwd_ref] = {"y", fill, 0},
    [TP_K_resize_s8_fwd_ref] = {"xy", resize, 0},
    [TP_K_mask_s8_fwd_ref] = {"xy", clamp, 0},
    [TP_K_random_q8_fwd_ref] = {"y", random_weights, 0},
    [TP_K_ce_s8_loss_ref] = {"xcylgs", ce, -6},
    [TP_K_ce_s16_loss_ref] = {"hcylgs", ce, -6},
    [TP_K_mse_s8_loss_ref] = {"xhyl", mse, 0},
    [TP_K_conv2d_s8_bwd_x_ref] = {"dyg", bench_conv, 10},
    [TP_K_conv2d_lora_s8_bwd_x_ref] = {"dfwyg", bench_lora, 10},
    [TP_K_lora_q8_bwd_u_ref] = {"dwyg", bench_lora, 2},
    [TP_K_dwconv2d_s8_bwd_x_ref] = {"dyg", bench_depthwise, 8},
    [TP_K_head_q8_bwd_x_ref] = {"fwyg", head, 0},
    [TP_K_conv2d_any_s8_fwd_dsp] = {"xby", bench_conv, 0},
    [TP_K_conv2d_s8_fwd_dsp] = {"xbys", bench_conv_dsp, 0},
    [TP_K_fc_s8_fwd_dsp] = {"xbys", bench_fc_dsp, 0},
    [TP_K_conv2d_s8_fwd_scalar] = {"xbys", bench_conv_scalar, 0},
    [TP_K_conv2d_scaled_s8_fwd_scalar] = {"xbkys", bench_conv_scaled_scalar, 0},
    [TP_K_conv2d_lora_s8_fwd_scalar] = {"xbuwys", bench_lora_scalar, 0},
    [TP_K_dwconv2d_s8_fwd_scalar] = {"xbys", bench_depthwise_scalar, 0},
    [TP_K_dwconv2d_scaled_s8_fwd_scalar] = {"xbkys",
                                            bench_depthwise_scaled_scalar, 0},
    [TP_K_dwconv2d_s8_bwd_x_scalar] = {"dygs", bench_depthwise_bwd_scalar, 8},
    [TP_K_conv2d_s8_fwd_mve] = {"xbys", bench_conv_mve, 0},
    [TP_K_dwconv2d_s8_fwd_mve] = {"xbys", bench_depthwise_mve, 0},
    [TP_K_conv2d_scaled_s8_fwd_dsp] = {"xbkys", bench_conv_scaled_dsp, 0},
    [TP_K_conv2d_lora_s8_fwd_dsp] = {"xbuwys", bench_lora_dsp, 0},
    [TP_K_conv2d_lora_u_s8_fwd_dsp] = {"xbwywys", bench_lora_u_dsp, 0},
    [TP_K_conv2d_q8_s16_fwd_dsp] = {"xwys", bench_u_dsp, 0},
    [TP_K_conv2d_s8_bwd_x_dsp] = {"dygs", bench_bwd_dsp, 10},
    [TP_K_conv2d_lora_s8_bwd_x_dsp] = {"dfwygs", bench_lora_bwd_dsp, 10},
    [TP_K_lora_q8_bwd_u_dsp] = {"dwygs", bench_du_dsp, 2},
    [TP_K_conv2d_s8_bwd_w_dsp] = {"xfas", bench_dw_dsp, 0},
    [TP_K_lora_q16_bwd_w_dsp] = {"udas", bench_db_dsp, 0},
    [TP_K_mask_s8_fwd_dsp] = {"xy", clamp, 0},
    [TP_K_clamp_q8_bwd_x_dsp] = {"dxy", clamp, 0},
    [TP_K_mask_q8_bwd_x_dsp] = {"dxy", clamp, 0},
    [TP_K_dwconv2d_any_s8_fwd_dsp] = {"xnys", bench_depthwise_any, 0},
    [TP_K_dwconv2d_any_scaled_s8_fwd_dsp] = {"xbkys",
                                             bench_depthwise_any_scaled, 0},
    [TP_K_dwconv2d_s8_fwd_dsp] = {"xnys", bench_depthwise_dsp, 0},
    [TP_K_dwconv2d_scaled_s8_fwd_dsp] = {"xbkys", bench_depthwise_scaled_dsp,
                                         0},
    [TP_K_dwconv2d_s8_bwd_x_dsp] = {"dygs", bench_depthwise_bwd_dsp, 8},
    [TP_K_clamp_q8_bwd_x_ref] = {"dxy", clamp, 0},
    [TP_K_mask_q8_bwd_x_ref] = {"dxy", clamp, 0},
    [TP_K_avgpool_q8_bwd_x_ref] = {"dyg", pool, 0},
    [TP_K_maxpool_q8_bwd_x_ref] = {"dxyg", pool, 2},
    [TP_K_mean_q8_bwd_x_ref] = {"dyg", mean, -4},
    [TP_K_eltwise_q8_bwd_x_ref] = {"dnyg", eltwise_bwd, 1},
    [TP_K_lut_q8_bwd_x_ref] = {"dxyg", lut, 1},
    [TP_K_copy_q8_bwd_x_ref] = {"dy", copy, 0},
    [TP_K_fill_q8_bwd_x_ref] = {"y", fill, 0},
    [TP_K_resize_q8_bwd_x_ref] = {"dyg", resize, 2},
    [TP_K_sum_q8_bwd_x_ref] = {"dfyg", sum, 1},
    [TP_K_conv2d_s8_bwd_w_ref] = {"xfa", bench_lora_a, 0},
    [TP_K_lora_q16_bwd_w_ref] = {"uda", bench_lora, 0},
    [TP_K_head_s8_bwd_w_ref] = {"xfa", head, 0},
    [TP_K_bias_q8_bwd_w_ref] = {"da", bench_bias, 0},
    [TP_K_accumulate_q32_s16_ref] = {"pag", sgd, -6},
    [TP_K_sgd_q8_ref] = {"pvro", sgd, 0},
    [TP_K_vera_q8_fwd_ref] = {"hwhy", vera, 0},
    [TP_K_vera_bwd_b_ref] = {"pwha", vera, 0},
    [TP_K_vera_bwd_d_ref] = {"phwa", vera, 0},
    [TP_K_hyper_hidden_fwd_ref] = {"hy", code, 0},
    [TP_K_hyper_q8_fwd_ref] = {"uy", hyper, 0},
    [TP_K_hyper_bwd_h_ref] = {"pa", hyper, 0},
    [TP_K_hyper_bwd_z_ref] = {"pha", code, 0},
    [TP_K_unpack_q8_fwd_ref] = {"qy", unpack, 0},
    [TP_K_sum_q32_ref] = {"ppy", sum, 0},
    [TP_K_conv2d_sparse_s8_fwd_ref] = {"xbiwy", bench_sparse, 0},
    [TP_K_conv2d_sparse_s8_bwd_x_ref] = {"diwyg", bench_sparse, 10},
    [TP_K_sparse_s8_bwd_w_ref] = {"xdia", bench_sparse, 0},
    [TP_K_rescale_s16_fwd_ref] = {"hy", bench_rescale, 0},
    [TP_K_conv2d_scaled_s8_fwd_ref] = {"xbky", bench_conv, 0},
    [TP_K_dwconv2d_scaled_s8_fwd_ref] = {"xbky", bench_depthwise, 0},
    [TP_K_conv2d_lora_scaled_s8_fwd_ref] = {"xbuwky", bench_lora, 0},
    [TP_K_head_add_q8_fwd_ref] = {"hxwy", head, 0},
    [TP_K_rescale_q8_bwd_x_ref] = {"dhyg", bench_rescale, 1},
    [TP_K_rescale_s8_bwd_w_ref] = {"xdha", bench_rescale, 0},
    [TP_K_conv2d_bottleneck_s8_fwd_ref] = {"xbwwy", bench_bottleneck, 0},
    [TP_K_bottleneck_s8_fwd_ref] = {"xwwy", bench_serial, 0},
    [TP_K_conv2d_bottleneck_s8_bwd_x_ref] = {"dxwwyg", bench_bottleneck, 10},
    [TP_K_bottleneck_s8_bwd_x_ref] = {"dxwwyg", bench_serial, 10},
    [TP_K_bottleneck_s8_bwd_a_ref] = {"xdwwag", bench_bottleneck, 2},
    [TP_K_bottleneck_s8_bwd_b_ref] = {"xdwa", bench_bottleneck, 0},
    [TP_K_bias_sgd_s16_ref] = {"fmro", sgd, 0},
    [TP_K_head_q8_fwd_dsp] = {"xwhys", head_dsp, 0},
    [TP_K_head_add_q8_fwd_dsp] = {"hxwys", head_dsp, 0},
    [TP_K_head_sgd_q8_ref] = {"xfvro", head_sgd, 0},
    [TP_K_head_sgd_q8_dsp] = {"xfvros", head_sgd_dsp, 0},
    [TP_K_sgd_s16_ref] = {"pmro", sgd, 0},
};

bool bench_case_of(tp_kernel_id kernel, int i, bench_case *c) {
    static bool made;
    if (!made) {
        bench_make_weights();
        make_tables();
        made = true;
    }
    const subject *s = &subjects[kernel];
    if (s->shape == NULL || s->shape(i) == NULL) {
        return false;
    }
    *c = (bench_case){
        .desc = s->shape(i), .args = s->args, .scale = s->scale, .times = 3};
    return true;
}
