#include "runtime/kernels/scalar/strip.h"

/* Each byte is loaded once for a row of the windows, and goes to as many sums
 * as there are windows over it. Both numbers are constants once this is
 * inlined. to: sums; NULL: bytes. */
static inline void strip(const tp_strip *of, int32_t columns, int32_t stride,
                         int32_t *to) {
    const tp_strip s = *of; /* a byte of y might lie in *of, for all C knows */
    const uint8_t *first = s.u;
    int8_t *below = s.y;
    int32_t w[9];
#pragma GCC unroll 9
    for (int32_t k = 0; k < 9; k++) {
        w[k] = s.w[k];
    }
    for (int32_t n = s.rows; n > 0; n--) {
        const uint8_t *u = first;
        int8_t *y = below;
        uint32_t sum[TP_STRIP_COLUMNS];
#pragma GCC unroll 5
        for (int32_t i = 0; i < columns; i++) {
            sum[i] = (uint32_t)s.start;
        }
#pragma GCC unroll 3
        for (int32_t ky = 0; ky < 3; ky++) {
#pragma GCC unroll 7
            for (int32_t j = 0; j < (columns - 1) * stride + 3; j++) {
                const int32_t v = u[j];
#pragma GCC unroll 5
                for (int32_t i = 0; i < columns; i++) {
                    if (j >= i * stride && j < i * stride + 3) {
                        sum[i] += (uint32_t)(v * w[3 * ky + j - i * stride]);
                    }
                }
            }
            u += s.row;
        }
#pragma GCC unroll 5
        for (int32_t i = 0; i < columns; i++) {
            if (to != NULL) {
                *to++ = (int32_t)sum[i];
            } else {
                *y = tp_stair_byte(&s.stair, (int32_t)sum[i]);
                y += s.right;
            }
        }
        first += s.down;
        below += s.below;
    }
}

void tp_scalar_strip3(const tp_strip *s) {
    strip(s, 3, 1, NULL);
}

void tp_scalar_strip4(const tp_strip *s) {
    strip(s, 4, 1, NULL);
}

void tp_scalar_strip5(const tp_strip *s) {
    strip(s, 5, 1, NULL);
}

void tp_scalar_strip3_by2(const tp_strip *s) {
    strip(s, 3, 2, NULL);
}

void tp_scalar_strip3_sums(const tp_strip *s, int32_t *sum) {
    strip(s, 3, 1, sum);
}

void tp_scalar_strip4_sums(const tp_strip *s, int32_t *sum) {
    strip(s, 4, 1, sum);
}

void tp_scalar_strip5_sums(const tp_strip *s, int32_t *sum) {
    strip(s, 5, 1, sum);
}

/* The columns of one row. */
static inline void row_of(const int8_t *x, int32_t right, int32_t n,
                          uint8_t *u) {
    for (; n >= 4; n -= 4, u += 4) {
#pragma GCC unroll 4
        for (int32_t i = 0; i < 4; i++, x += right) {
            u[i] = (uint8_t)((uint8_t)*x ^ 0x80u);
        }
    }
    for (; n > 0; n--, x += right) {
        *u++ = (uint8_t)((uint8_t)*x ^ 0x80u);
    }
}

void tp_scalar_columns(const tp_columns *of, uint8_t *u) {
    const tp_columns c = *of;
    const int8_t *x = c.x;
    for (int32_t n = c.rows; n > 0; n--, x += c.below, u += c.row) {
        row_of(x, c.right, c.columns, u);
    }
}
