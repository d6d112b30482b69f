/* Where an activation was clamped its gradient is zero: four values at a time.
 */
#include "core/fixed.h"
#include "runtime/kernels/dsp/simd.h"
#include "tinypeft/kernels.h"

#define LOW 0x08040201u  /* bits of values 0 to 3, a byte each */
#define HIGH 0x80402010u /* of values 4 to 7 */

/* What lets a value through, a byte each. Bounds outside int8 never clamp. */
typedef struct range {
    uint32_t lo, hi;
} range;

static range range_of(const tp_clamp *op) {
    const int32_t lo = tp_max32(op->y_min, -129) + 1;
    const int32_t hi = tp_min32(op->y_max, 128) - 1;
    return (range){(uint8_t)lo * 0x01010101u, (uint8_t)hi * 0x01010101u};
}

/* Up to four bytes, the others 0. */
static uint32_t load_part(const void *from, int32_t n) {
    uint32_t v = 0;
    memcpy(&v, from, (size_t)n);
    return v;
}

/* mask_s8_fwd_ref, byte for byte.
 *   op       y_min <= 126, y_max >= -127
 *   y, bits  as there. Cannot fail. */
void tp_mask_s8_fwd_dsp(const tp_clamp *op, const int8_t *y, uint8_t *bits) {
    const range r = range_of(op);
    int32_t i = 0;
    for (; i + 8 <= op->n; i += 8, y += 8) {
        const uint32_t low = tp_between8(tp_load32(y), r.lo, r.hi, LOW);
        const uint32_t high = tp_between8(tp_load32(y + 4), r.lo, r.hi, HIGH);
        *bits++ = (uint8_t)tp_sum8(high, tp_sum8(low, 0));
    }
    if (i < op->n) {
        int8_t rest[8] = {0};
        memcpy(rest, y, (size_t)(op->n - i));
        const uint32_t low = tp_between8(tp_load32(rest), r.lo, r.hi, LOW);
        const uint32_t high =
            tp_between8(tp_load32(rest + 4), r.lo, r.hi, HIGH);
        const uint32_t all = tp_sum8(high, tp_sum8(low, 0));
        *bits = (uint8_t)(all & ((1u << (op->n - i)) - 1u));
    }
}

/* clamp_q8_bwd_x_ref, byte for byte.
 *   op         y_min <= 126, y_max >= -127
 *   dy, y, dx  as there. Cannot fail. */
void tp_clamp_q8_bwd_x_dsp(const tp_clamp *op, const tp_q8 *dy, const int8_t *y,
                           tp_q8 *dx) {
    const range r = range_of(op);
    const int8_t *from = dy->v;
    const int8_t *end = y + op->n / 8 * 8;
    int8_t *to = dx->v;
    for (; y < end; y += 8, from += 8, to += 8) {
        const uint32_t low =
            tp_between8(tp_load32(y), r.lo, r.hi, tp_load32(from));
        const uint32_t high =
            tp_between8(tp_load32(y + 4), r.lo, r.hi, tp_load32(from + 4));
        tp_store32(to, low);
        tp_store32(to + 4, high);
    }
    for (int32_t rest = op->n % 8, n; rest > 0; rest -= n) {
        n = tp_min32(rest, 4);
        const uint32_t v =
            tp_between8(load_part(y, n), r.lo, r.hi, load_part(from, n));
        memcpy(to, &v, (size_t)n);
        y += n;
        from += n;
        to += n;
    }
    dx->e = dy->e;
}

/* Four bits to four bytes of 0 or 1: no two copies meet. */
static uint32_t spread(uint32_t bits) {
    return (bits & 15u) * 0x00204081u & 0x01010101u;
}

/* mask_q8_bwd_x_ref, byte for byte.
 *   op, dy, bits, dx  as there. Cannot fail. */
void tp_mask_q8_bwd_x_dsp(const tp_clamp *op, const tp_q8 *dy,
                          const uint8_t *bits, tp_q8 *dx) {
    const int8_t *from = dy->v;
    const uint8_t *end = bits + op->n / 8;
    int8_t *to = dx->v;
    for (; bits < end; bits++, from += 8, to += 8) {
        const uint32_t low = tp_where8(spread(*bits), tp_load32(from));
        const uint32_t high =
            tp_where8(spread((uint32_t)*bits >> 4), tp_load32(from + 4));
        tp_store32(to, low);
        tp_store32(to + 4, high);
    }
    for (int32_t j = 0; j < op->n % 8; j++) {
        to[j] = (*bits >> j & 1) != 0 ? from[j] : 0;
    }
    dx->e = dy->e;
}
