/* Bytes to the activations of tile.h: {2 (x[k] + 128), 2 (x[k'] + 128)}. */
#ifndef TP_KERNELS_DSP_WIDEN_H
#define TP_KERNELS_DSP_WIDEN_H

#include <stdint.h>
#include <string.h>

/* x + 128 in each byte, doubled, bytes 0 and 2 / 1 and 3. */
#define TP_WIDEN_MASK 0x01FE01FEu

static inline uint32_t tp_load4(const int8_t *x) {
    uint32_t v;
    memcpy(&v, x, sizeof v);
    return v ^ 0x80808080u;
}

/* 4 * n bytes of one pixel. */
static inline void tp_widen1(const int8_t *x, int32_t n, uint32_t *act) {
    for (int32_t i = 0; i < n; i++, x += 4, act += 2) {
        const uint32_t v = tp_load4(x);
        act[0] = v << 1 & TP_WIDEN_MASK;
        act[1] = v >> 7 & TP_WIDEN_MASK;
    }
}

<<<<<<< HEAD
/* The same of two pixels. */
static inline void tp_widen2(const int8_t *x0, const int8_t *x1, int32_t n,
                             uint32_t *act) {
    for (int32_t i = 0; i < n; i++, x0 += 4, x1 += 4, act += 4) {
        const uint32_t v0 = tp_load4(x0);
        const uint32_t v1 = tp_load4(x1);
        act[0] = v0 << 1 & TP_WIDEN_MASK;
        act[1] = v1 << 1 & TP_WIDEN_MASK;
        act[2] = v0 >> 7 & TP_WIDEN_MASK;
        act[3] = v1 >> 7 & TP_WIDEN_MASK;
    }
=======
/* tp_widen2 of four bytes: a first layer's rows, where a call takes longer. */
static inline void tp_widen2_word(const int8_t *x0, const int8_t *x1,
                                  uint32_t *act) {
    const uint32_t v0 = tp_load32(x0) ^ 0x80808080u;
    const uint32_t v1 = tp_load32(x1) ^ 0x80808080u;
    act[0] = v0 << 1 & TP_WIDEN_MASK;
    act[1] = v1 << 1 & TP_WIDEN_MASK;
    act[2] = v0 >> 7 & TP_WIDEN_MASK;
    act[3] = v1 >> 7 & TP_WIDEN_MASK;
>>>>>>> main
}

#endif
