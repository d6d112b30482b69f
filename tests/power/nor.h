/* NOR flash in memory that loses power as real cells do: what was being written
 * is old, new, mixed, unreadable, or reads differently each time. It also keeps
 * the rules: a granule that is programmed twice, or not aligned, is a fault of
 * the store, not of the flash. */
#ifndef TP_TESTS_POWER_NOR_H
#define TP_TESTS_POWER_NOR_H

#include <setjmp.h>
#include <stdbool.h>

#include "tinypeft/port.h"

#define NOR_BYTES 8192u
#define NOR_SECTORS 32u

/* How the operation ends at which the power goes. */
typedef enum nor_tear {
    NOR_NOTHING,  /* it had not begun */
    NOR_PART,     /* some bits, or the sector's first part */
    NOR_HIDDEN,   /* program: reads erased, and yet is not; erase: reads
                     erased, cells are weak */
    NOR_UNSTABLE, /* bits that read at random, each time anew */
    NOR_DEAD,     /* error correction cannot read it (without: garbage) */
    NOR_COMPLETE, /* it was done */
    NOR_TEARS
} nor_tear;

/* What a driver may do wrong, once. */
typedef enum nor_fault {
    NOR_NO_FAULT,
    NOR_REFUSES, /* says TP_ERR_IO, does nothing */
    NOR_FORGETS, /* says TP_OK, does nothing */
    NOR_HALVES,  /* says TP_ERR_IO, has done a part */
    NOR_FAULTS
} nor_fault;

typedef struct nor {
    uint32_t granule, sector_bytes, n_sectors;
    bool ecc;
    uint8_t bytes[NOR_BYTES];
    uint8_t unstable[NOR_BYTES]; /* bits that read at random */
    uint8_t written[NOR_BYTES];  /* by granule: programmed since its erase */
    uint8_t dead[NOR_BYTES];     /* by granule */
    uint8_t weak[NOR_BYTES];     /* by granule: will not hold what it is told */
    uint32_t erases[NOR_SECTORS];
    uint32_t stuck;  /* bit for each sector that erases no more */
    uint32_t ops;    /* programs of a granule, and erases, so far */
    uint32_t cut_at; /* the power goes at this one; 0: never */
    nor_tear tear;
    uint32_t fault_at;
    nor_fault fault;
    uint32_t rng;
    const char *broken; /* the rule that the store broke */
} nor;

void nor_init(nor *n, uint32_t granule, bool ecc, uint32_t sector_bytes,
              uint32_t n_sectors);

/* Where nor_cut goes; one at a time. */
extern jmp_buf nor_power;

tp_flash nor_flash(nor *n);

#endif
