/* NOR flash of the emulated board: cells in its RAM, every change of which goes
 * to a file of the host at once, so that they outlive the emulator however it
 * ends. What is written goes there in pieces, for an end at any instruction to
 * leave half a granule or half an erased sector, as a loss of power does. */
#ifndef TP_PORTS_QEMU_NOR_H
#define TP_PORTS_QEMU_NOR_H

#include "tinypeft/port.h"

typedef struct tp_qemu_nor {
    int32_t file;
    uint8_t *cells; /* [n_sectors * sector_bytes] */
    uint32_t sector_bytes;
    uint32_t half; /* of a granule; of one byte, which cannot tear, all */
} tp_qemu_nor;

/* Reads the cells from a file; what it lacks, and all of a new one, is erased.
 *   path   on the host, relative to where QEMU was started
 *   cells  [out] flash->sector_bytes * flash->n_sectors
 *   flash  [in/out] geometry and erase cycles; functions and ctx are set
 * TP_ERR_IO: no such file can be made, or it cannot be read. */
TP_MUST_CHECK tp_status tp_qemu_nor_open(tp_qemu_nor *nor, const char *path,
                                         uint8_t *cells, tp_flash *flash);

#endif
