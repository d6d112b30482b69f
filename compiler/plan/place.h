/* Addresses in the arena: which bytes each live tensor takes. */
#ifndef TP_COMPILER_PLACE_H
#define TP_COMPILER_PLACE_H

#include <stdbool.h>
#include <stdint.h>

/* One block: `bytes` long, live during steps first..last inclusive. */
typedef struct tp_block {
    uint32_t bytes;
    int first, last;
    uint32_t offset; /* [out] a multiple of 4 */
} tp_block;

/* Places the blocks so that none that are live together overlap. Largest
 * first, each at the lowest address that is free during its whole life. `order`
 * is scratch [n]. Returns the arena's size. */
uint32_t tp_place_blocks(tp_block *block, int *order, int n);

/* Largest sum of live bytes over the steps: no placement can need less. *step
 * is where. */
uint32_t tp_place_peak(const tp_block *block, int n, int n_steps, int *step);

/* True if no two blocks that are live together share a byte: the proof of a
 * placement, independent of how it was found. */
bool tp_place_valid(const tp_block *block, int n);

#endif
