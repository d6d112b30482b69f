/* strip.S in C: same sums, same wrap-around. */
#include "runtime/kernels/dsp/strip.h"

#include <stdbool.h>
#include <string.h>

enum { ROWS = 3, PAIRS = 2, TAPS = 3, RECORD = ROWS * PAIRS + 3 };

/* What differs between the functions. */
typedef struct form {
    int32_t n, stride;
    int32_t columns; /* of x that count */
    bool backward;
} form;

/* Column `at` of a row of x; 0 behind the last. */
static int32_t column(const form *f, const uint32_t *row, int32_t at) {
    if (at >= f->columns) {
        return 0;
    }
    return (int16_t)(row[at / 2] >> at % 2 * 16);
}

/* Tap kx of a row of weights. */
static int32_t weight(const int32_t *pairs, int32_t kx) {
    return kx == 0 ? (int16_t)pairs[0] : pairs[kx - 1] >> 16;
}

static int32_t words(const form *f) {
    return (f->columns + 1) / 2;
}

/* The sum of output `at` of a row. */
static int32_t sum(const form *f, const int32_t *channel, const uint32_t *x,
                   int32_t at) {
    uint32_t acc = (uint32_t)channel[ROWS * PAIRS];
    for (int32_t ky = 0; ky < ROWS; ky++) {
        const uint32_t *row = x + ky * words(f);
        for (int32_t kx = 0; kx < TAPS; kx++) {
            acc += (uint32_t)(column(f, row, at * f->stride + kx) *
                              weight(channel + ky * PAIRS, kx));
        }
    }
    return (int32_t)acc;
}

static int32_t ssat8(int32_t v) {
    return v < -128 ? -128 : v > 127 ? 127 : v;
}

static int32_t forward(const int32_t *channel, int32_t acc) {
    const int64_t product = (int64_t)acc * channel[RECORD - 2];
    const uint32_t v =
        (uint32_t)(product >> 32) + (uint32_t)channel[RECORD - 1];
    return ssat8((int32_t)v >> TP_STRIP_SHIFT);
}

static int32_t backward(tp_dsp_strip *t, const int32_t *channel, int32_t acc) {
    const uint32_t m = (uint32_t)channel[RECORD - 2] << t->left >> t->right;
    const int64_t product = (int64_t)acc * (int32_t)m;
    const int32_t v = (int32_t)((product + (INT64_C(1) << 31)) >> 32);
    t->beyond |= v != ssat8(v);
    return ssat8(v);
}

static void strip(tp_dsp_strip *t, const form *f) {
    const int32_t step = f->stride * words(f);
    const int32_t rows = t->bytes / 4 / step;
    for (int32_t i = 0; i < t->count * rows * f->n; i++) {
        const int32_t oc = i / (rows * f->n);
        const int32_t row = i / f->n % rows;
        const int32_t *channel = t->channel + oc * RECORD;
        const uint32_t *x = t->x + oc * (t->plane / 4) + row * step;
        const int32_t acc = sum(f, channel, x, i % f->n);
        t->y[oc + row * t->pitch + i % f->n * t->c] =
            (int8_t)(f->backward ? backward(t, channel, acc)
                                 : forward(channel, acc));
    }
}

/* SXTAB16 of byte i of both pixels. */
static uint32_t widen(const int8_t *p0, const int8_t *p1, int32_t i,
                      uint32_t bias) {
    const uint32_t low = (uint32_t)p0[i] + bias;
    const uint32_t high = (uint32_t)p1[i] + (bias >> 16);
    return (low & 0xFFFFu) | high << 16;
}

static void put(const tp_dsp_columns_of *t, uint32_t *out, const int8_t *p0,
                const int8_t *p1) {
    for (int32_t i = 0; i < 4; i++) {
        out[i * (t->plane / 4)] = widen(p0, p1, i, t->bias);
    }
}

void tp_dsp_columns(const tp_dsp_columns_of *t) {
    const int8_t *x = t->x;
    uint32_t *out = t->out;
    int8_t pad[4];
    memcpy(pad, &t->pad, sizeof pad);
    for (int32_t row = 0; row < t->rows; row++) {
        if ((t->edges & 1) != 0) {
            put(t, out++, pad, x);
            x += t->c;
        }
        for (int32_t i = 0; i < t->pairs; i++, x += 2 * t->c) {
            put(t, out++, x, x + t->c);
        }
        if ((t->edges & 2) != 0) {
            put(t, out++, x, pad);
            x += t->c;
        }
        x += t->next_x;
        out += t->next_out / 4;
    }
}

uint32_t tp_dsp_peak(const int8_t *y, int32_t c, int32_t n) {
    uint8_t peak[4] = {0};
    uint32_t word = 0;
    for (int32_t i = 0; i < n; i++, y += c) {
        for (int32_t j = 0; j < 4; j++) {
            peak[j] |= (uint8_t)(y[j] < 0 ? -1 - y[j] : y[j]);
        }
    }
    memcpy(&word, peak, sizeof word);
    return word;
}

void tp_dsp_clip(int8_t *y, int32_t c, int32_t n) {
    for (int32_t i = 0; i < n * 4; i++) {
        int8_t *v = y + i / 4 * c + i % 4;
        *v = (int8_t)(*v == -128 ? -127 : *v);
    }
}

void tp_dsp_keep(uint32_t *to, const uint32_t *from, int32_t words,
                 int32_t plane) {
    for (int32_t j = 0; j < 4; j++, to += plane / 4, from += plane / 4) {
        memmove(to, from, (size_t)words * sizeof *to);
    }
}

static void fwd(tp_dsp_strip *t, int32_t n) {
    strip(t, &(form){n, 1, n % 2 == 0 ? n + 2 : n + 1, false});
}

static void two(tp_dsp_strip *t, int32_t n) {
    strip(t, &(form){n, 2, 2 * n + 1, false});
}

static void bwd(tp_dsp_strip *t, int32_t n) {
    strip(t, &(form){n, 1, n % 2 == 0 ? n + 2 : n + 1, true});
}

void tp_dsp_strip_fwd_1(tp_dsp_strip *t) {
    fwd(t, 1);
}
void tp_dsp_strip_fwd_2(tp_dsp_strip *t) {
    fwd(t, 2);
}
void tp_dsp_strip_fwd_3(tp_dsp_strip *t) {
    fwd(t, 3);
}
void tp_dsp_strip_fwd_4(tp_dsp_strip *t) {
    fwd(t, 4);
}
void tp_dsp_strip_fwd_5(tp_dsp_strip *t) {
    fwd(t, 5);
}
void tp_dsp_strip_fwd_6(tp_dsp_strip *t) {
    fwd(t, 6);
}
void tp_dsp_strip_two_1(tp_dsp_strip *t) {
    two(t, 1);
}
void tp_dsp_strip_two_2(tp_dsp_strip *t) {
    two(t, 2);
}
void tp_dsp_strip_two_3(tp_dsp_strip *t) {
    two(t, 3);
}
void tp_dsp_strip_two_4(tp_dsp_strip *t) {
    two(t, 4);
}
void tp_dsp_strip_bwd_1(tp_dsp_strip *t) {
    bwd(t, 1);
}
void tp_dsp_strip_bwd_2(tp_dsp_strip *t) {
    bwd(t, 2);
}
void tp_dsp_strip_bwd_3(tp_dsp_strip *t) {
    bwd(t, 3);
}
void tp_dsp_strip_bwd_4(tp_dsp_strip *t) {
    bwd(t, 4);
}
void tp_dsp_strip_bwd_5(tp_dsp_strip *t) {
    bwd(t, 5);
}
void tp_dsp_strip_bwd_6(tp_dsp_strip *t) {
    bwd(t, 6);
}
