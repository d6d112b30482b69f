/* What a case of the `dsp` kernels works on: random values, and two outputs to
 * compare. */
#ifndef TP_TESTS_UNIT_DSP_MEMORY_H
#define TP_TESTS_UNIT_DSP_MEMORY_H

#include <stdbool.h>
#include <string.h>

#include "core/fixed.h"
#include "core/rng.h"
#include "runtime/kernels/dsp/pack.h"
#include "tinypeft/kernels.h"

enum {
    DSP_CHANNELS = 76,
    DSP_PIXELS = 21,
    DSP_RANK = 16,
    DSP_MAP = DSP_CHANNELS * DSP_PIXELS,
    DSP_WEIGHTS = DSP_CHANNELS * DSP_CHANNELS
};

/* Everything a case needs, and more than it may touch: bytes behind each
 * tensor are compared too. */
typedef struct dsp_memory {
    uint32_t rng;
    tp_conv2d op;
    tp_conv2d_dsp packed;
    int8_t w[DSP_WEIGHTS];
    uint16_t q[DSP_CHANNELS];
    int32_t bias[DSP_CHANNELS], m[DSP_CHANNELS], lora_m[DSP_CHANNELS];
    int8_t s[DSP_CHANNELS], lora_s[DSP_CHANNELS];
    int32_t channels[4 * DSP_CHANNELS + 16];
    _Alignas(8) uint8_t b[DSP_RANK * DSP_CHANNELS + 8];
    int32_t w_packed[DSP_WEIGHTS + 4 * DSP_CHANNELS];
    int32_t q_packed[4 * DSP_CHANNELS];
    _Alignas(8) uint8_t x[DSP_MAP + 16], y[DSP_MAP + 16];
    _Alignas(8) uint8_t u[2 * DSP_RANK * DSP_PIXELS + 8];
    _Alignas(8) uint8_t a[DSP_RANK * DSP_CHANNELS + 8];
    _Alignas(8) uint8_t out[2][4 * DSP_RANK * DSP_CHANNELS + DSP_MAP + 64];
    tp_gscale scale[2];
    uint32_t scratch[4096];
} dsp_memory;

static inline int32_t dsp_between(dsp_memory *m, int32_t lo, int32_t hi) {
    return lo + (int32_t)tp_rng_below(&m->rng, (uint32_t)(hi - lo + 1));
}

/* Of q8 or int8: all, extremes alone, or few small ones. */
static inline void dsp_bytes(dsp_memory *m, int8_t *v, int32_t n) {
    const int32_t kind = dsp_between(m, 0, 3);
    for (int32_t i = 0; i < n; i++) {
        const int32_t any = dsp_between(m, -127, 127);
        v[i] = (int8_t)(kind == 0   ? (any < 0 ? -127 : 127)
                        : kind == 1 ? any / 64
                                    : any);
    }
}

static inline tp_q8 *dsp_q8(dsp_memory *m, uint8_t *at, int32_t n) {
    tp_q8 *q = (tp_q8 *)(void *)at;
    memset(q, 0, sizeof *q);
    q->e = (int8_t)dsp_between(m, -20, 4);
    dsp_bytes(m, q->v, n);
    return q;
}

static inline tp_q16 *dsp_q16(dsp_memory *m, uint8_t *at, int32_t n) {
    tp_q16 *q = (tp_q16 *)(void *)at;
    const int32_t most = dsp_between(m, 0, 3) == 0 ? 32767 : 3000;
    q->e = (int16_t)dsp_between(m, -20, 4);
    q->reserved = 0;
    for (int32_t i = 0; i < n; i++) {
        q->v[i] = (int16_t)(most == 32767 && dsp_between(m, 0, 1) == 0
                                ? -most
                                : dsp_between(m, -most, most));
    }
    return q;
}

/* Both outputs start alike: accumulators go on from what is there. */
static inline void dsp_begin(dsp_memory *m) {
    for (uint32_t i = 0; i < sizeof m->out[0]; i++) {
        m->out[0][i] = (uint8_t)(i % 4 == 0 ? tp_rng_next(&m->rng) : 0);
    }
    memcpy(m->out[1], m->out[0], sizeof m->out[0]);
    m->scale[0] = (tp_gscale){.e = (int8_t)dsp_between(m, -40, 20), .peak = 3};
    m->scale[1] = m->scale[0];
}

static inline bool dsp_same(const dsp_memory *m) {
    return memcmp(m->out[0], m->out[1], sizeof m->out[0]) == 0 &&
           m->scale[0].e == m->scale[1].e &&
           m->scale[0].peak == m->scale[1].peak;
}

#endif
