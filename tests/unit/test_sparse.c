/* Truth link: float64 and finite differences -> the ref kernels of a sparse
 * delta; lists: how they start, and what of a blob is refused. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/bytes.h"
#include "core/crc32.h"
#include "tests/unit/gradcheck.h"
#include "tinypeft/adapter.h"
#include "tinypeft/kernels.h"

enum { PIXELS = 6, ROUNDS = 40, MOST = 64 * 24 };

/* A layer with a delta; the reals are what finite differences move. */
typedef struct layer {
    tp_sparse op;
    int in_c, out_c, nx, ny, nd;
    int8_t *x;
    int32_t *bias;
    uint16_t *index;
    tp_q8 *delta, *dy;
    double *rx, *rd, *rdy, *w;
} layer;

/* Some of the places, in order; at least one. */
static void choose(tp_check *c, layer *l) {
    const int limit = l->out_c * l->in_c / l->op.width;
    l->index = tp_check_alloc(c, (size_t)limit * sizeof *l->index);
    for (int i = 0; i < limit; i++) {
        if (tp_check_int(c, 0, 3) == 0 ||
            (i + 1 == limit && l->op.count == 0)) {
            l->index[l->op.count++] = (uint16_t)i;
        }
    }
    l->nd = (int)(l->op.count * l->op.width);
}

static layer make(tp_check *c, bool rows) {
    layer l = {.in_c = tp_check_int(c, 1, 64), .out_c = tp_check_int(c, 1, 24)};
    l.nx = PIXELS * l.in_c;
    l.ny = PIXELS * l.out_c;
    l.op = (tp_sparse){.conv = {.in_h = PIXELS,
                                .in_w = 1,
                                .in_c = l.in_c,
                                .out_h = PIXELS,
                                .out_w = 1,
                                .out_c = l.out_c,
                                .k_h = 1,
                                .k_w = 1,
                                .stride_h = 1,
                                .stride_w = 1,
                                .dil_h = 1,
                                .dil_w = 1,
                                .y_zp = -4,
                                .y_min = -128,
                                .y_max = 127},
                       .x_zp = tp_check_int(c, -128, 127),
                       .width = rows ? l.in_c : 1};
    l.op.conv.x_zp = tp_check_int(c, 0, 1) == 0 ? l.op.x_zp : 0;
    l.w = tp_check_weights(c, &l.op.conv);
    choose(c, &l);
    l.x = tp_check_s8(c, l.nx);
    l.bias = tp_check_alloc(c, (size_t)l.out_c * sizeof *l.bias);
    for (int oc = 0; oc < l.out_c; oc++) {
        l.bias[oc] = tp_check_int(c, -3000, 3000);
    }
    l.delta = tp_check_gradient(c, l.nd, -12);
    l.dy = tp_check_gradient(c, l.ny, -6);
    l.rx = tp_check_reals(c, l.nx);
    for (int i = 0; i < l.nx; i++) {
        l.rx[i] = l.x[i] - l.op.x_zp; /* s_x is 1 */
    }
    l.rd = tp_check_real_q8(c, l.delta, l.nd);
    l.rdy = tp_check_real_q8(c, l.dy, l.ny);
    return l;
}

/* D x at place p, channel oc. */
static double change(const layer *l, int p, int oc) {
    double sum = 0.0;
    for (int i = 0; i < l->nd; i++) {
        const int width = (int)l->op.width;
        const int at = l->index[i / width] * width + i % width;
        if (at / l->in_c == oc) {
            sum += l->rd[i] * l->rx[p * l->in_c + at % l->in_c];
        }
    }
    return sum;
}

static double loss(const void *of) {
    const layer *l = of;
    double sum = 0.0;
    for (int i = 0; i < l->ny; i++) {
        const int p = i / l->out_c;
        const int oc = i % l->out_c;
        double y = change(l, p, oc);
        for (int ic = 0; ic < l->in_c; ic++) {
            y += l->w[oc * l->in_c + ic] * l->rx[p * l->in_c + ic];
        }
        sum += l->rdy[i] * y;
    }
    return sum;
}

static void test_forward(void **state) {
    tp_check *c = *state;
    for (int run = 0; run < ROUNDS; run++) {
        layer l = make(c, run % 2 == 1);
        const tp_conv2d *conv = &l.op.conv;
        int8_t *y = tp_check_s8(c, l.ny);
        tp_conv2d_sparse_s8_fwd_ref(&l.op, l.x, l.bias, l.index, l.delta, y);
        for (int i = 0; i < l.ny; i++) {
            const int p = i / l.out_c;
            const int oc = i % l.out_c;
            double acc = l.bias[oc];
            for (int ic = 0; ic < l.in_c; ic++) {
                acc += (l.x[p * l.in_c + ic] - conv->x_zp) *
                       conv->w[oc * l.in_c + ic];
            }
            acc += change(&l, p, oc) / ldexp(conv->bwd_q[oc], conv->bwd_e - 15);
            const double exact =
                acc * ldexp(conv->m[oc], conv->s[oc] - 31) + conv->y_zp;
            assert_true(fabs(y[i] - fmin(fmax(exact, -128), 127)) <= 0.6);
        }
        memset(l.delta->v, 0, (size_t)l.nd); /* the start state */
        int8_t *want = tp_check_s8(c, l.ny);
        tp_conv2d_sparse_s8_fwd_ref(&l.op, l.x, l.bias, l.index, l.delta, y);
        tp_conv2d_s8_fwd_ref(conv, l.x, l.bias, want);
        assert_memory_equal(y, want, (size_t)l.ny);
    }
}

static void test_backward(void **state) {
    tp_check *c = *state;
    for (int run = 0; run < ROUNDS; run++) {
        layer l = make(c, run % 2 == 1);
        double *want = tp_check_reals(c, MOST);
        tp_check_slope(loss, &l, l.rd, l.nd, want);
        tp_q32 *dd = tp_check_q32(c, l.nd);
        l.op.conv.acc_shift = tp_check_int(c, 0, 3);
        dd->v[0] = 7;
        tp_sparse_s8_bwd_w_ref(&l.op, l.x, l.dy, l.index, dd);
        dd->v[0] -= 7; /* it was added */
        tp_check_near_q32(dd, want, l.nd, 1e-6);

        tp_check_slope(loss, &l, l.rx, l.nx, want);
        tp_q8 *dx = tp_check_q8(c, l.nx, 0);
        tp_gscale g = {.e = (int8_t)tp_check_exponent(want, l.nx)};
        tp_conv2d_sparse_s8_bwd_x_ref(&l.op, l.dy, l.index, l.delta, dx, &g);
        tp_check_near_q8(dx, want, l.nx, 2e-3);
    }
}

/* --- lists ---------------------------------------------------------------- */

enum { COUNT = 50, LIMIT = 200, BYTES = 104 };

typedef struct listed {
    tp_index index;
    tp_model model;
    uint64_t adapter[BYTES / 8];
    tp_ctx ctx;
    uint8_t blob[TP_BLOB_HEADER_BYTES + BYTES];
} listed;

static void open_listed(listed *l, uint32_t count, uint32_t limit) {
    memset(l, 0, sizeof *l);
    l->index = (tp_index){.name = "x.index", .count = count, .limit = limit};
    l->model = (tp_model){
        .adapter_bytes = BYTES, .n_indices = 1, .indices = &l->index};
    l->ctx = (tp_ctx){.model = &l->model, .adapter = (uint8_t *)l->adapter};
}

/* Rising, distinct, below the limit; every place is as likely. */
static void test_random_lists(void **state) {
    (void)state;
    int hits[LIMIT] = {0};
    enum { SEEDS = 4000 };
    for (uint32_t seed = 0; seed < SEEDS; seed++) {
        listed l;
        open_listed(&l, COUNT, LIMIT);
        tp_adapter_init(&l.ctx, seed);
        const uint16_t *v = (const uint16_t *)(const void *)l.adapter;
        for (int i = 0; i < COUNT; i++) {
            assert_true(v[i] < LIMIT && (i == 0 || v[i] > v[i - 1]));
            hits[v[i]]++;
        }
    }
    for (int i = 0; i < LIMIT; i++) { /* 1000 +- 27: six of these */
        assert_in_range(hits[i], 1000 - 165, 1000 + 165);
    }
}

/* All places, and the largest limit. */
static void test_whole_lists(void **state) {
    (void)state;
    listed l;
    open_listed(&l, COUNT, COUNT);
    tp_adapter_init(&l.ctx, 9);
    const uint16_t *v = (const uint16_t *)(const void *)l.adapter;
    for (int i = 0; i < COUNT; i++) {
        assert_int_equal(v[i], i);
    }
    open_listed(&l, COUNT, 65536);
    tp_adapter_init(&l.ctx, 9);
    for (int i = 1; i < COUNT; i++) {
        assert_true(v[i] > v[i - 1]);
    }
}

static tp_status read_with(listed *l, int at, uint16_t value) {
    assert_int_equal(tp_blob_write(&l->ctx, l->blob, sizeof l->blob), TP_OK);
    uint8_t *payload = l->blob + TP_BLOB_HEADER_BYTES;
    tp_put_u16(payload + 2 * at, value);
    tp_put_u32(l->blob + 40, tp_crc32(0, payload, BYTES));
    tp_put_u32(l->blob + 44, tp_crc32(0, l->blob, 44));
    return tp_blob_read(&l->ctx, l->blob, sizeof l->blob);
}

/* What a kernel would follow out of the weights. */
static void test_blob_refuses(void **state) {
    (void)state;
    listed l;
    open_listed(&l, COUNT, LIMIT);
    tp_adapter_init(&l.ctx, 4);
    uint16_t v[COUNT];
    memcpy(v, l.adapter, sizeof v);
    assert_int_equal(read_with(&l, 3, v[3]), TP_OK);
    assert_int_equal(read_with(&l, 3, v[2]), TP_ERR_MALFORMED);
    assert_int_equal(read_with(&l, 3, v[4]), TP_ERR_MALFORMED);
    assert_int_equal(read_with(&l, 3, 0), TP_ERR_MALFORMED);
    assert_int_equal(read_with(&l, COUNT - 1, LIMIT), TP_ERR_MALFORMED);
    assert_int_equal(read_with(&l, COUNT - 1, 65535), TP_ERR_MALFORMED);
    assert_memory_equal(l.adapter, v, sizeof v); /* none was taken over */
    assert_int_equal(read_with(&l, COUNT - 1, LIMIT - 1), TP_OK);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_forward, tp_check_setup,
                                        tp_check_teardown),
        cmocka_unit_test_setup_teardown(test_backward, tp_check_setup,
                                        tp_check_teardown),
        cmocka_unit_test(test_random_lists),
        cmocka_unit_test(test_whole_lists),
        cmocka_unit_test(test_blob_refuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
