/* VeRA: weights from two trained vectors and a frozen matrix. Kopiczko et al.
 * 2023, arXiv:2310.11454. */
#include "core/fixed.h"
#include "tinypeft/kernels.h"

#define ONE 8192 /* 1 in units of a vector, 2^-13 */

/* B (1 + d) in 2^(B.e - 13): |w * (ONE + d)| <= 127 * 40,959 < 2^23. */
static int32_t column(int8_t w, int16_t d) {
    return w * (ONE + d);
}

/* E = diag(b) B diag(1 + d).
 *   op  out, rank in [1, 16]
 *   b   [in]  int16 [out], units of 2^-13
 *   w   [in]  q8    [out][rank], B
 *   d   [in]  int16 [rank], units of 2^-13
 *   e   [out] q8    [out][rank]; the smallest exponent that holds the largest
 *       weight in seven bits
 *       E = round(b B (1 + d) * 2^-E.e)
 * No overlap. Two passes, the first for the exponent. Bound: |b * column| <
 * 2^38; less 8 bits it fits 32 for the first pass.
 * Cannot fail. Source: arXiv:2310.11454, eq. 2. */
void tp_vera_q8_fwd_ref(const tp_vera *op, const int16_t *b, const tp_q8 *w,
                        const int16_t *d, tp_q8 *e) {
    uint32_t peak = 0;
    for (int32_t oc = 0, i = 0; oc < op->out; oc++) {
        for (int32_t r = 0; r < op->rank; r++, i++) {
            const int64_t v = (int64_t)b[oc] * column(w->v[i], d[r]);
            peak |= (uint32_t)((v < 0 ? -v : v) >> 8);
        }
    }
    const int shift = (int)tp_bits32(peak) + 1;
    for (int32_t oc = 0, i = 0; oc < op->out; oc++) {
        for (int32_t r = 0; r < op->rank; r++, i++) {
            const int32_t v =
                tp_shift_round((int64_t)b[oc] * column(w->v[i], d[r]), shift);
            e->v[i] = (int8_t)tp_clamp32(v, -127, 127);
        }
    }
    e->e = (int8_t)(w->e - 26 + shift);
    e->reserved[0] = e->reserved[1] = e->reserved[2] = 0;
}

/* Gradient to b, added to the batch's: db = sum over r of dE B (1 + d).
 *   op  as above
 *   de  [in]     q32 [out][rank]
 *   w   [in]     q8  [out][rank]
 *   d   [in]     int16 [rank]
 *   db  [in/out] q32 [out], exponent dE.e + B.e + 1
 * No overlap. Bound: |dE| < 2^31, times 2^23 and 16 ranks below 2^58; a sum
 * that leaves 32 bits saturates.
 * Cannot fail. Source: chain rule. */
void tp_vera_bwd_b_ref(const tp_vera *op, const tp_q32 *de, const tp_q8 *w,
                       const int16_t *d, tp_q32 *db) {
    for (int32_t oc = 0, i = 0; oc < op->out; oc++) {
        int64_t sum = 0;
        for (int32_t r = 0; r < op->rank; r++, i++) {
            sum += (int64_t)de->v[i] * column(w->v[i], d[r]);
        }
        db->v[oc] = tp_sat32((int64_t)db->v[oc] + tp_shift_round(sum, 14));
    }
    db->e = de->e + w->e + 1;
}

/* Gradient to d, added to the batch's: dd = sum over out of dE b B.
 *   op  as above
 *   de  [in]     q32 [out][rank]
 *   b   [in]     int16 [out]
 *   w   [in]     q8  [out][rank]
 *   dd  [in/out] q32 [rank], exponent dE.e + B.e - 1
 * No overlap. Bound: |dE| < 2^31, |b B| < 2^22, so 512 outputs stay below 2^62;
 * dE of one sample is below 2^23, which leaves room for 131,072. A sum that
 * leaves 32 bits saturates.
 * Cannot fail. Source: chain rule. */
void tp_vera_bwd_d_ref(const tp_vera *op, const tp_q32 *de, const int16_t *b,
                       const tp_q8 *w, tp_q32 *dd) {
    for (int32_t r = 0; r < op->rank; r++) {
        int64_t sum = 0;
        for (int32_t oc = 0; oc < op->out; oc++) {
            const int32_t i = oc * op->rank + r;
            sum += (int64_t)de->v[i] * (b[oc] * w->v[i]);
        }
        dd->v[r] = tp_sat32((int64_t)dd->v[r] + tp_shift_round(sum, 12));
    }
    dd->e = de->e + w->e - 1;
}
