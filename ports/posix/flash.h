/* NOR flash in a file, for programs on a desk and for gateways: what was
 * programmed or erased is in the file when the call returns, and on the disk if
 * so asked. */
#ifndef TP_PORTS_POSIX_FLASH_H
#define TP_PORTS_POSIX_FLASH_H

#include <stdbool.h>

#include "tinypeft/port.h"

typedef struct tp_posix_flash {
    int file;
    uint32_t sector_bytes;
    uint32_t granule;
    bool sync; /* fsync() behind every write: slow, survives a power cut */
} tp_posix_flash;

/* Opens or makes the file; what it lacks is erased. It is locked until it is
 * closed: two programs cannot use it at once.
 *   flash  [in/out] geometry and erase cycles; functions and ctx are set
 * TP_ERR_IO: see errno; EWOULDBLOCK: another program has it. */
TP_MUST_CHECK tp_status tp_posix_flash_open(tp_posix_flash *posix,
                                            const char *path, bool sync,
                                            tp_flash *flash);
void tp_posix_flash_close(tp_posix_flash *posix);

#endif
