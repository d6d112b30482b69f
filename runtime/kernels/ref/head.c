/* A new last layer with int16 logits: forward and both gradients. */
#include "runtime/kernels/ref/head.h"

#include "runtime/kernels/ref/conv.h"
#include "tinypeft/kernels.h"

/* Logits of a trained head.
 *   op  in_c, classes, x_zp, scale = s_x
 *   x   [in]  int8  [in_c], zero point x_zp
 *   w   [in]  q8    [classes][in_c], real
 *   b   [in]  int16 [classes], units of 2^-13
 *   z   [out] int16 [classes], units of 2^-8, saturated
 *       z = round(s_x * w.v * (x - x_zp) * 2^(w.e + 8)) + round(b / 32)
 * Bound: in_c * 255 * 127 < 2^31; the two parts are kept in 32 bits
 * each, of which the second has 16: tp_logit().
 * Cannot fail. Source: z = W x + b. */
void tp_head_q8_fwd_ref(const tp_head *op, const int8_t *x, const tp_q8 *w,
                        const int16_t *b, int16_t *z) {
    const tp_scaler s = tp_logit_scaler(op, w);
    for (int32_t c = 0; c < op->classes; c++) {
        const int32_t acc = tp_dot(x, w->v + c * op->in_c, op->in_c, op->x_zp);
        z[c] = tp_logit(&s, acc, (b[c] + 16) >> 5);
    }
}

/* Adds to the logits of a trained head what another layer's features say.
 *   op  in_c, classes, x_zp, scale = s_x
 *   z   [in]  int16 [classes], units of 2^-8
 *   x   [in]  int8  [in_c], zero point x_zp
 *   w   [in]  q8    [classes][in_c], real
 *   y   [out] int16 [classes], units of 2^-8, saturated; may be z
 *       y = z + round(s_x * w.v * (x - x_zp) * 2^(w.e + 8)); z where w is 0
 * Bound: in_c * 255 * 127 < 2^31; as above.
 * Cannot fail. Source: Matsutani et al. 2024 (Skip2-LoRA), arXiv:2410.21073,
 * with one matrix in place of a product of two. */
void tp_head_add_q8_fwd_ref(const tp_head *op, const int16_t *z,
                            const int8_t *x, const tp_q8 *w, int16_t *y) {
    const tp_scaler s = tp_logit_scaler(op, w);
    for (int32_t c = 0; c < op->classes; c++) {
        const int32_t acc = tp_dot(x, w->v + c * op->in_c, op->in_c, op->x_zp);
        y[c] = tp_logit(&s, acc, z[c]);
    }
}

/* Gradient to the input of a head.
 *   op  in_c, classes
 *   dz  [in]  q8 [classes]
 *   w   [in]  q8 [classes][in_c]
 *   dx  [out] q8 [in_c], exponent g->e
 *   g   [in/out] delayed scale of dx
 *       dx[k] = sum over c of w[c][k] * dz[c], unit 2^(w.e + dz.e)
 * No overlap. Bound: classes * 127 * 128 < 2^31 for classes <= 132,104.
 * Cannot fail. Source: chain rule. */
void tp_head_q8_bwd_x_ref(const tp_head *op, const tp_q8 *dz, const tp_q8 *w,
                          tp_q8 *dx, tp_gscale *g) {
    const int shift = g->e - (w->e + dz->e);
    for (int32_t ic = 0; ic < op->in_c; ic += TP_CONV_TILE) {
        const int32_t n = tp_min32(op->in_c - ic, TP_CONV_TILE);
        int32_t acc[TP_CONV_TILE] = {0};
        tp_terms t = tp_terms_begin(w->v + ic);
        for (int32_t c = 0; c < op->classes; c++) {
            tp_terms_put(&t, dz->v[c], w->v + c * op->in_c + ic, acc, n);
        }
        tp_terms_end(&t, acc, n);
        for (int32_t i = 0; i < n; i++) {
            dx->v[ic + i] = tp_grad_out(g, acc[i], shift);
        }
    }
    dx->e = g->e;
}

/* Gradient to the weights of a head, added to the batch's.
 *   op  in_c, classes, x_zp
 *   x   [in]     int8 [in_c], zero point x_zp
 *   dz  [in]     q8   [classes]
 *   dw  [in/out] q32  [classes][in_c], exponent dz.e, real over s_x
 *       dw[c][k] += (x[k] - x_zp) * dz[c]
 * No overlap. Bound: 256 samples * 255 * 127 < 2^31.
 * Cannot fail. Source: chain rule. */
void tp_head_s8_bwd_w_ref(const tp_head *op, const int8_t *x, const tp_q8 *dz,
                          tp_q32 *dw) {
    const int32_t n = op->in_c; /* no store below may change what is read */
    const int32_t classes = op->classes;
    const int32_t zero = op->x_zp;
    int32_t *row = dw->v;
    for (int32_t c = 0; c < classes; c++) {
        const int32_t d = dz->v[c];
        for (int32_t k = 0; k < n; k++) {
            *row++ += (x[k] - zero) * d;
        }
    }
    dw->e = dz->e;
}
