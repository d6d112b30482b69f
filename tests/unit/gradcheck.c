#include "tests/unit/gradcheck.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/rng.h"

/* ---- memory ---- */

typedef struct tp_check_block {
    struct tp_check_block *next;
    double v[]; /* double: aligned for everything that is kept here */
} tp_check_block;

int tp_check_setup(void **state) {
    tp_check *c = calloc(1, sizeof *c);
    if (c == NULL) {
        return -1;
    }
    c->rng = tp_rng_seed(1);
    *state = c;
    return 0;
}

int tp_check_teardown(void **state) {
    tp_check *c = *state;
    while (c->blocks != NULL) {
        tp_check_block *next = c->blocks->next;
        free(c->blocks);
        c->blocks = next;
    }
    free(c);
    return 0;
}

void *tp_check_alloc(tp_check *c, size_t bytes) {
    tp_check_block *b = calloc(1, sizeof *b + bytes);
    assert_non_null(b);
    b->next = c->blocks;
    c->blocks = b;
    return b->v;
}

double *tp_check_reals(tp_check *c, int n) {
    return tp_check_alloc(c, (size_t)n * sizeof(double));
}

tp_q8 *tp_check_q8(tp_check *c, int n, int e) {
    tp_q8 *q = tp_check_alloc(c, sizeof(tp_q8) + (size_t)n);
    q->e = (int8_t)e;
    return q;
}

tp_q16 *tp_check_q16(tp_check *c, int n) {
    return tp_check_alloc(c, sizeof(tp_q16) + (size_t)n * sizeof(int16_t));
}

tp_q32 *tp_check_q32(tp_check *c, int n) {
    return tp_check_alloc(c, sizeof(tp_q32) + (size_t)n * sizeof(int32_t));
}

/* ---- random values ---- */

int tp_check_int(tp_check *c, int low, int high) {
    return low + (int)tp_rng_below(&c->rng, (uint32_t)(high - low + 1));
}

void tp_check_bytes(tp_check *c, int8_t *v, int n, int low, int high,
                    int zeros) {
    for (int i = 0; i < n; i++) {
        const int value = tp_check_int(c, low, high);
        v[i] = (int8_t)(tp_check_int(c, 0, 15) < zeros ? 0 : value);
    }
}

int8_t *tp_check_s8(tp_check *c, int n) {
    int8_t *v = tp_check_alloc(c, (size_t)n);
    tp_check_bytes(c, v, n, -128, 127, 0);
    return v;
}

tp_q8 *tp_check_gradient(tp_check *c, int n, int e) {
    tp_q8 *q = tp_check_q8(c, n, e);
    tp_check_bytes(c, q->v, n, -127, 127, 8);
    q->v[tp_check_int(c, 0, n - 1)] = 101; /* never all 0 */
    return q;
}

double *tp_check_real_q8(tp_check *c, const tp_q8 *q, int n) {
    double *real = tp_check_reals(c, n);
    for (int i = 0; i < n; i++) {
        real[i] = ldexp(q->v[i], q->e);
    }
    return real;
}

/* ---- comparison ---- */

void tp_check_slope(double (*f)(const void *model), const void *model,
                    double *x, int n, double *grad) {
    for (int i = 0; i < n; i++) {
        const double at = x[i];
        const double h = 1e-4 * fmax(1.0, fabs(at));
        x[i] = at + h;
        const double above = f(model);
        x[i] = at - h;
        grad[i] = (above - f(model)) / (2.0 * h);
        x[i] = at;
    }
}

static double largest(const double *v, int n) {
    double max = 0.0;
    for (int i = 0; i < n; i++) {
        max = fmax(max, fabs(v[i]));
    }
    return max;
}

int tp_check_exponent(const double *v, int n) {
    const double max = largest(v, n);
    int e = -100;
    while (ldexp(127.0, e) < max) {
        e++;
    }
    return e;
}

static void near_one(int i, double got, double want, double bound) {
    if (!(fabs(got - want) <= bound)) {
        fail_msg("element %d is %g, should be %g within %g", i, got, want,
                 bound);
    }
}

void tp_check_near_q8(const tp_q8 *got, const double *want, int n, double rel) {
    const double max = largest(want, n);
    assert_true(max > 0.0);
    for (int i = 0; i < n; i++) {
        near_one(i, ldexp(got->v[i], got->e), want[i],
                 rel * max + ldexp(0.501, got->e));
    }
}

void tp_check_near_q32(const tp_q32 *got, const double *want, int n,
                       double rel) {
    const double max = largest(want, n);
    assert_true(max > 0.0);
    for (int i = 0; i < n; i++) {
        near_one(i, ldexp(got->v[i], got->e), want[i],
                 rel * max + ldexp(0.501, got->e));
    }
}

/* ---- convolutions ---- */

static int32_t out_size(int32_t in, int32_t pad, int32_t k, int32_t stride,
                        int32_t dil) {
    return (in + pad - (k - 1) * dil - 1) / stride + 1;
}

tp_conv2d tp_check_conv(tp_check *c, bool depthwise) {
    tp_conv2d op = {
        .k_h = tp_check_int(c, 1, 3),
        .k_w = tp_check_int(c, 1, 3),
        .stride_h = tp_check_int(c, 1, 2),
        .stride_w = tp_check_int(c, 1, 2),
        .dil_h = tp_check_int(c, 1, 2),
        .dil_w = tp_check_int(c, 1, 2),
        .x_zp = tp_check_int(c, -128, 127),
        .y_zp = tp_check_int(c, -128, 127),
        .y_min = -128,
        .y_max = 127,
    };
    const int32_t span_h = (op.k_h - 1) * op.dil_h;
    const int32_t span_w = (op.k_w - 1) * op.dil_w;
    /* padding before and after: none, or together up to the window's span */
    const int32_t after_h = tp_check_int(c, 0, span_h);
    const int32_t after_w = tp_check_int(c, 0, span_w);
    op.pad_t = tp_check_int(c, 0, span_h);
    op.pad_l = tp_check_int(c, 0, span_w);
    op.in_h = span_h + tp_check_int(c, 1, 4);
    op.in_w = span_w + tp_check_int(c, 1, 4);
    op.in_c = tp_check_int(c, 1, 8) == 1 ? 35 : tp_check_int(c, 1, 6);
    op.out_c =
        depthwise ? op.in_c * tp_check_int(c, 1, 2) : tp_check_int(c, 1, 10);
    op.out_h =
        out_size(op.in_h, op.pad_t + after_h, op.k_h, op.stride_h, op.dil_h);
    op.out_w =
        out_size(op.in_w, op.pad_l + after_w, op.k_w, op.stride_w, op.dil_w);
    return op;
}

tp_factor tp_check_factor(double f) {
    int e = 0;
    const double m = frexp(f, &e);
    return (tp_factor){.m = (int32_t)ldexp(m, 31), .s = e};
}

double *tp_check_weights(tp_check *c, tp_conv2d *op) {
    const size_t n = (size_t)op->out_c;
    int32_t *m = tp_check_alloc(c, n * sizeof *m);
    int8_t *s = tp_check_alloc(c, n);
    int32_t *inverse_m = tp_check_alloc(c, n * sizeof *inverse_m);
    int8_t *inverse_s = tp_check_alloc(c, n);
    uint16_t *q = tp_check_alloc(c, n * sizeof *q);
    op->w = tp_check_s8(c, op->out_c * op->in_c);
    op->bwd_e = -6;
    double *real = tp_check_reals(c, op->out_c * op->in_c);
    for (int32_t oc = 0; oc < op->out_c; oc++) {
        q[oc] = (uint16_t)tp_check_int(c, (1 << 14) + 1, (1 << 15) - 1);
        const double s_w = ldexp(q[oc], op->bwd_e - 15);
        const tp_factor inverse = tp_check_factor(1.0 / s_w);
        inverse_m[oc] = inverse.m;
        inverse_s[oc] = (int8_t)inverse.s;
        m[oc] = (1 << 30) + tp_check_int(c, 0, 65535) * 16384;
        s[oc] = (int8_t)tp_check_int(c, -10, -6);
        for (int32_t ic = 0; ic < op->in_c; ic++) {
            real[oc * op->in_c + ic] = s_w * op->w[oc * op->in_c + ic];
        }
    }
    op->m = m;
    op->s = s;
    op->lora_m = inverse_m;
    op->lora_s = inverse_s;
    op->bwd_q = q;
    return real;
}

int tp_check_x_count(const tp_conv2d *op) {
    return (int)(op->in_h * op->in_w * op->in_c);
}

int tp_check_y_count(const tp_conv2d *op) {
    return (int)(op->out_h * op->out_w * op->out_c);
}

int tp_check_w_count(const tp_conv2d *op) {
    return (int)(op->k_h * op->k_w * op->in_c * op->out_c);
}

/* One output of the convolution. */
static double real_output(const tp_conv2d *op, bool depthwise, const double *x,
                          const double *w, const int32_t at[3]) {
    const int32_t oc = at[2];
    const int32_t only = depthwise ? oc / (op->out_c / op->in_c) : 0;
    double sum = 0.0;
    for (int32_t ky = 0; ky < op->k_h; ky++) {
        for (int32_t kx = 0; kx < op->k_w; kx++) {
            const int32_t iy =
                at[0] * op->stride_h - op->pad_t + ky * op->dil_h;
            const int32_t ix =
                at[1] * op->stride_w - op->pad_l + kx * op->dil_w;
            if (iy < 0 || iy >= op->in_h || ix < 0 || ix >= op->in_w) {
                continue;
            }
            const double *px = x + (iy * op->in_w + ix) * op->in_c;
            const int32_t tap = ky * op->k_w + kx;
            if (depthwise) {
                sum += px[only] * w[tap * op->out_c + oc];
                continue;
            }
            for (int32_t ic = 0; ic < op->in_c; ic++) {
                sum +=
                    px[ic] * w[(oc * op->k_h * op->k_w + tap) * op->in_c + ic];
            }
        }
    }
    return sum;
}

void tp_check_real_conv(const tp_conv2d *op, bool depthwise, const double *x,
                        const double *w, double *y) {
    for (int32_t oy = 0; oy < op->out_h; oy++) {
        for (int32_t ox = 0; ox < op->out_w; ox++) {
            for (int32_t oc = 0; oc < op->out_c; oc++) {
                const int32_t at[3] = {oy, ox, oc};
                *y++ = real_output(op, depthwise, x, w, at);
            }
        }
    }
}
