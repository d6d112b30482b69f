/* Values that a payload says in fewer bits, at the price of an error: what
 * `tinypeft pack --encoding` may do to weights before they are encoded. */
#ifndef TP_FLEET_PACK_ROUND_H
#define TP_FLEET_PACK_ROUND_H

#include <stdint.h>

/* To c * 2^s, c in [-7, 7], s in [0, 4] the one with the least squared error.
 *   v  [in/out] n values in [-127, 127] */
void tp_round_int4(int8_t *v, uint32_t n);

/* To 0, m or -m, m in [1, 127] the one with the least squared error. */
void tp_round_ternary(int8_t *v, uint32_t n);

/* An array of weights; real value = v * 2^e. */
typedef struct tp_weights {
    int8_t *v;
    uint32_t n;
    int e;
} tp_weights;

/* All but the largest `keep` weights of all arrays become 0; of equal ones the
 * first stay. Returns -1 where there is no memory, else 0. */
int tp_round_sparse(const tp_weights *arrays, int n, uint32_t keep);

#endif
