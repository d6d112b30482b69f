/* Addresses in the arena: which bytes each live tensor takes. */
#ifndef TP_COMPILER_PLACE_H
#define TP_COMPILER_PLACE_H

#include <stdbool.h>
#include <stdint.h>

/* One block: `bytes` long, live during steps first..last inclusive. */
typedef struct tp_block {
    uint32_t bytes;
    int first, last;
    /* A block may lie over one that dies in the step where it is born: the
     * distances and `exact` are those of tp_overlap. */
    bool over;
    int under;                /* index of that block */
    int32_t forward, reverse; /* TP_APART: not in this order */
    bool exact;               /* over it only where both begin */
    uint32_t offset;          /* [out] a multiple of 4 */
    int region;               /* of region.h; 0 where there is one arena */
} tp_block;

/* Places the blocks so that those which are live together lie apart, or over
 * each other as far as they may. Tries several orders of first fit, then
 * changes of these, `effort` for each block, until no placement could be
 * smaller; the same answer on every host. Returns the arena's size, UINT32_MAX:
 * out of memory. */
uint32_t tp_place_blocks(tp_block *block, int n, int effort);

/* Largest sum of live bytes over the steps, counting what may lie over each
 * other at its smallest union: no placement can need less. *step is where. */
uint32_t tp_place_peak(const tp_block *block, int n, int n_steps, int *step);

/* How a placed block lies over the one under it. */
typedef enum tp_lie {
    TP_LIE_APART,   /* no byte is shared */
    TP_LIE_FORWARD, /* right for the order first to last */
    TP_LIE_REVERSE, /* right for the order last to first */
    TP_LIE_WRONG    /* for neither */
} tp_lie;

tp_lie tp_place_lie(const tp_block *block, int i);

/* True if no two blocks that are live together share a byte, except as far as
 * one may lie over the other. */
bool tp_place_valid(const tp_block *block, int n);

#endif
