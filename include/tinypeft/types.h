/* Tensors with a power-of-two scale of their own (block floating point).
 *
 * Adapter weights and gradients have no scale that is known ahead of time.
 * They carry it: one exponent for the tensor, then the integers, row-major.
 *     real value = v[i] * 2^e
 * The activations of the base model are not of these types: they are plain
 * int8 arrays whose scale and zero point the op descriptor knows. */
#ifndef TINYPEFT_TYPES_H
#define TINYPEFT_TYPES_H

#include <stdint.h>

#define TP_ALIGN 8 /* of every buffer handed to the runtime */
#ifdef __cplusplus
#define TP_ALIGNED alignas(TP_ALIGN)
#else
#define TP_ALIGNED _Alignas(TP_ALIGN)
#endif

typedef struct tp_q8 {
    int8_t e;
    int8_t reserved[3]; /* 0 */
    int8_t v[];
} tp_q8;

/* Weights of a low-rank branch in 4 or 2 bits, one exponent for each rank:
 *     int8  e[ranks rounded up to a multiple of 4]
 *     uint8 codes, two's complement, the first in the lowest bits: 4 bits in
 *           [-7, 7], or 2 bits in {-1, 0, 1}
 *     real value = code * 2^e[rank]
 * Read by tp_unpack_q8_fwd, written by the optimiser. */
#define TP_MOST_RANKS 16
#define TP_HYPER_HIDDEN 32 /* values between the layers of a hyper-network */

static inline uint32_t tp_packed_header(uint32_t ranks) {
    return (ranks + 3u) / 4u * 4u;
}

typedef struct tp_q16 {
    int16_t e;
    int16_t reserved; /* 0 */
    int16_t v[];
} tp_q16;

typedef struct tp_q32 {
    int32_t e;
    int32_t v[];
} tp_q32;

/* The delayed scale of one gradient tensor: which exponent its producer is to
 * use now, and how large the values turned out, for the next update. Lives in
 * the training state, which moves it between two updates. */
typedef struct tp_gscale {
    int8_t e;          /* exponent in force during this update */
    uint8_t idle;      /* updates in a row that could have used a smaller one */
    uint16_t reserved; /* 0 */
    uint32_t peak;     /* bitwise OR of all values at exponent e, unsaturated;
                          of a negative one, v, -1 - v */
} tp_gscale;

/* A positive number of any size: value = m * 2^e, m in [2^31, 2^32) or 0. */
typedef struct tp_bfp {
    uint32_t m;
    int32_t e;
} tp_bfp;

/* What updates of single samples share (TP_STATE_ONLINE): how large the steps
 * of this sample are, and its gradient's norm so far. */
typedef struct tp_online {
    tp_bfp rate;  /* learning rate times clip factor */
    tp_bfp sum;   /* of the squares of all gradients of this sample */
    uint32_t rng; /* of this sample's stochastic rounding */
} tp_online;

/* The masters of a head's weights (TP_STATE_ONLINE), 16 bits each, of which
 * the working weight is the upper half, rounded:
 *     real = master * 2^(e - 8), w = (master + 128) >> 8
 * `v` has them plus 128 plus 2^15, in rows that are padded to a multiple of 4,
 * in every four in the order 0, 2, 1, 3. All 0: not begun. */
typedef struct tp_masters {
    int32_t room; /* no master is nearer to the end of its range; 0: unknown */
    uint16_t v[];
} tp_masters;

static inline uint32_t tp_masters_row(uint32_t features) {
    return (features + 3u) / 4u * 4u;
}

/* Where weight k of a row has its master. */
static inline uint32_t tp_masters_at(uint32_t k) {
    return (k & ~3u) | (k & 1u) << 1 | (k >> 1 & 1u);
}

/* A fixed-point factor: f = m * 2^(s - 31), m in [2^30, 2^31) or 0, s in
 * [-31, 30]. TensorFlow Lite's "quantized multiplier". */
typedef struct tp_factor {
    int32_t m;
    int32_t s;
} tp_factor;

#endif
