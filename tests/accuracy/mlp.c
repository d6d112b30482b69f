#include "tests/accuracy/mlp.h"

#include <math.h>
#include <string.h>

#include "core/rng.h"
#include "tests/unit/tflite_builder.h"

enum { BATCH = 32, EPOCHS = 30 };

#define RATE 0.02f
#define MOMENTUM 0.9f
#define DECAY 5e-4f

/* What one sample makes of the network. */
typedef struct pass {
    float h[TP_MLP_HIDDEN], z[TP_MLP_OUT];
} pass;

static void forward(const tp_mlp *mlp, const float *x, pass *p) {
    memcpy(p->h, mlp->b1, sizeof p->h);
    memcpy(p->z, mlp->b2, sizeof p->z);
    for (int i = 0; i < TP_MLP_IN; i++) {
        for (int j = 0; j < TP_MLP_HIDDEN; j++) {
            p->h[j] += mlp->w1[i][j] * x[i];
        }
    }
    for (int j = 0; j < TP_MLP_HIDDEN; j++) {
        p->h[j] = p->h[j] > 0.0f ? p->h[j] : 0.0f;
        for (int k = 0; k < TP_MLP_OUT; k++) {
            p->z[k] += mlp->w2[j][k] * p->h[j];
        }
    }
}

static int largest(const float *z) {
    int best = 0;
    for (int k = 1; k < TP_MLP_OUT; k++) {
        best = z[k] > z[best] ? k : best;
    }
    return best;
}

int tp_mlp_class(const tp_mlp *mlp, const float *x) {
    pass p;
    forward(mlp, x, &p);
    return largest(p.z);
}

/* --- training ------------------------------------------------------------- */

/* dz = softmax(z) - one-hot label */
static void loss_gradient(const float *z, int label, float *dz) {
    const float peak = z[largest(z)];
    float sum = 0.0f;
    for (int k = 0; k < TP_MLP_OUT; k++) {
        dz[k] = expf(z[k] - peak);
        sum += dz[k];
    }
    for (int k = 0; k < TP_MLP_OUT; k++) {
        dz[k] = dz[k] / sum - (k == label ? 1.0f : 0.0f);
    }
}

/* Adds the gradient of one sample. */
static void backward(const tp_mlp *mlp, const float *x, int label,
                     tp_mlp *grad) {
    pass p;
    float dz[TP_MLP_OUT];
    float dh[TP_MLP_HIDDEN] = {0};
    forward(mlp, x, &p);
    loss_gradient(p.z, label, dz);
    for (int j = 0; j < TP_MLP_HIDDEN; j++) {
        for (int k = 0; k < TP_MLP_OUT; k++) {
            grad->w2[j][k] += dz[k] * p.h[j];
            dh[j] += dz[k] * mlp->w2[j][k];
        }
        dh[j] = p.h[j] > 0.0f ? dh[j] : 0.0f;
        grad->b1[j] += dh[j];
    }
    for (int i = 0; i < TP_MLP_IN; i++) {
        for (int j = 0; j < TP_MLP_HIDDEN; j++) {
            grad->w1[i][j] += dh[j] * x[i];
        }
    }
    for (int k = 0; k < TP_MLP_OUT; k++) {
        grad->b2[k] += dz[k];
    }
}

/* w -= rate v, v = momentum v + grad / batch + decay w; clears grad. The
 * struct is nothing but floats. */
static void descend(tp_mlp *mlp, tp_mlp *grad, tp_mlp *momentum, float rate) {
    float *w = &mlp->w1[0][0];
    float *g = &grad->w1[0][0];
    float *v = &momentum->w1[0][0];
    for (size_t i = 0; i < sizeof *mlp / sizeof *w; i++) {
        v[i] = MOMENTUM * v[i] + g[i] / BATCH + DECAY * w[i];
        w[i] -= rate * v[i];
        g[i] = 0.0f;
    }
}

/* n weights, Gaussian. */
static void draw(float *w, size_t n, float deviation, uint32_t *rng) {
    for (size_t i = 0; i < n; i++) {
        w[i] = (float)tp_rng_gauss_q13(rng) / 8192.0f * deviation;
    }
}

void tp_mlp_train(tp_mlp mlp[3], const tp_mlp_data *data, uint32_t seed) {
    uint32_t rng = tp_rng_seed(seed);
    const int updates = EPOCHS * data->n / BATCH;
    memset(mlp, 0, 3 * sizeof *mlp);
    draw(&mlp->w1[0][0], TP_MLP_IN * TP_MLP_HIDDEN, sqrtf(2.0f / TP_MLP_IN),
         &rng);
    draw(&mlp->w2[0][0], TP_MLP_HIDDEN * TP_MLP_OUT,
         sqrtf(1.0f / TP_MLP_HIDDEN), &rng);
    for (int u = 0; u < updates; u++) {
        for (int b = 0; b < BATCH; b++) {
            const uint32_t i = tp_rng_below(&rng, (uint32_t)data->n);
            backward(mlp, data->x + (size_t)i * TP_MLP_IN, data->label[i],
                     &mlp[1]);
        }
        descend(mlp, &mlp[1], &mlp[2],
                RATE * (1.0f - (float)u / (float)updates));
    }
}

/* --- quantisation --------------------------------------------------------- */

/* Rows of int8 weights with a scale each, and int32 biases. */
typedef struct layer {
    int8_t *w;
    int32_t *b;
    float *scale;
} layer;

static int8_t to_int8(float x) {
    return (int8_t)fmaxf(-127.0f, fminf(127.0f, roundf(x)));
}

/* w is [in][out], as trained; size {out, in}. */
static void quantise(const float *w, const float *b, const int size[2],
                     float x_scale, const layer *to) {
    for (int r = 0; r < size[0]; r++) {
        float peak = 1e-6f;
        for (int i = 0; i < size[1]; i++) {
            peak = fmaxf(peak, fabsf(w[i * size[0] + r]));
        }
        to->scale[r] = peak / 127.0f;
        for (int i = 0; i < size[1]; i++) {
            to->w[r * size[1] + i] = to_int8(w[i * size[0] + r] / to->scale[r]);
        }
        to->b[r] = (int32_t)lroundf(b[r] / (to->scale[r] * x_scale));
    }
}

/* The smallest and the largest value of both layers' outputs. */
typedef struct ranges {
    float h, z_lo, z_hi; /* h starts at 0 */
} ranges;

static ranges calibrate(const tp_mlp *mlp, const tp_mlp_data *data) {
    ranges r = {0, 0, 0};
    for (int s = 0; s < data->n; s++) {
        pass p;
        forward(mlp, data->x + (size_t)s * TP_MLP_IN, &p);
        for (int j = 0; j < TP_MLP_HIDDEN; j++) {
            r.h = fmaxf(r.h, p.h[j]);
        }
        for (int k = 0; k < TP_MLP_OUT; k++) {
            r.z_lo = fminf(r.z_lo, p.z[k]);
            r.z_hi = fmaxf(r.z_hi, p.z[k]);
        }
    }
    return r;
}

/* Weights [out][in] with a scale a row, and a bias; returns the weights'
 * tensor, the bias follows it. */
static int add_layer(tp_tb_model *m, const layer *from, const int size[2],
                     float x_scale) {
    const int32_t shape[2] = {size[0], size[1]};
    const int w = tp_tb_tensor_add(m, "w", TP_TB_I8, 2, shape);
    m->tensor[w].data = from->w;
    m->tensor[w].bytes = (size_t)(size[0] * size[1]);
    const int b = tp_tb_const(m, "b", TP_TB_I32, size[0], from->b,
                              (size_t)size[0] * sizeof *from->b);
    for (int t = w; t <= b; t++) {
        m->tensor[t].n_scales = m->tensor[t].n_zero_points = size[0];
    }
    for (int r = 0; r < size[0]; r++) {
        m->tensor[w].scale[r] = from->scale[r];
        m->tensor[b].scale[r] = from->scale[r] * x_scale;
    }
    return w;
}

enum { FULLY_CONNECTED = 9, FC_OPTIONS = 8, SOFTMAX = 25, SOFTMAX_OPTIONS = 9 };

static void add_fc(tp_tb_model *m, int x, int w, int y, bool relu) {
    tp_tb_op *op = tp_tb_op_add(m, FULLY_CONNECTED, FC_OPTIONS);
    tp_tb_in(op, x);
    tp_tb_in(op, w);
    tp_tb_in(op, w + 1);
    tp_tb_out(op, y);
    tp_tb_i8(op, 0, relu ? 1 : 0);
}

uint8_t *tp_mlp_tflite(const tp_mlp *mlp, const tp_mlp_data *data, size_t *n) {
    tp_tb_model m;
    int8_t w1[TP_MLP_HIDDEN * TP_MLP_IN];
    int8_t w2[TP_MLP_OUT * TP_MLP_HIDDEN];
    int32_t b1[TP_MLP_HIDDEN];
    int32_t b2[TP_MLP_OUT];
    float s1[TP_MLP_HIDDEN];
    float s2[TP_MLP_OUT];
    const layer l1 = {w1, b1, s1};
    const layer l2 = {w2, b2, s2};
    const int size1[2] = {TP_MLP_HIDDEN, TP_MLP_IN};
    const int size2[2] = {TP_MLP_OUT, TP_MLP_HIDDEN};
    const ranges r = calibrate(mlp, data);
    const float h_scale = r.h / 255.0f;
    const float z_scale = (r.z_hi - r.z_lo) / 255.0f;
    quantise(&mlp->w1[0][0], mlp->b1, size1, TP_MLP_X_SCALE, &l1);
    quantise(&mlp->w2[0][0], mlp->b2, size2, h_scale, &l2);
    tp_tb_init(&m);
    const int x =
        tp_tb_value(&m, "x", 2, (int32_t[]){1, TP_MLP_IN}, TP_MLP_X_SCALE, 0);
    const int h =
        tp_tb_value(&m, "h", 2, (int32_t[]){1, TP_MLP_HIDDEN}, h_scale, -128);
    const int z = tp_tb_value(&m, "z", 2, (int32_t[]){1, TP_MLP_OUT}, z_scale,
                              (int)lroundf(-128.0f - r.z_lo / z_scale));
    const int y = tp_tb_value(&m, "y", 2, (int32_t[]){1, TP_MLP_OUT},
                              1.0f / 256.0f, -128);
    add_fc(&m, x, add_layer(&m, &l1, size1, TP_MLP_X_SCALE), h, true);
    add_fc(&m, h, add_layer(&m, &l2, size2, h_scale), z, false);
    tp_tb_op *softmax = tp_tb_op_add(&m, SOFTMAX, SOFTMAX_OPTIONS);
    tp_tb_in(softmax, z);
    tp_tb_out(softmax, y);
    tp_tb_f32(softmax, 0, 1.0f);
    m.n_in = m.n_out = 1;
    m.in[0] = x;
    m.out[0] = y;
    return tp_tb_bytes(&m, n);
}
