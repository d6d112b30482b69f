/* Small files that must be on the disk before anything depends on them: keys,
 * and which leaf of one is next. */
#ifndef TP_FLEET_PACK_DISK_H
#define TP_FLEET_PACK_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tinypeft/status.h"

#define TP_DISK_PATH 4096 /* bytes of a path, with its 0 */

/* path + end; false: too long. */
bool tp_disk_name(char out[TP_DISK_PATH], const char *path, const char *end);

/* A new file, on the disk when this returns.
 *   mode  permissions, as of open()
 * TP_ERR_IO: it exists already, or cannot be written; none remains then. */
TP_MUST_CHECK tp_status tp_disk_create(const char *path, unsigned mode,
                                       const uint8_t *bytes, size_t n);

/* A file's name is on the disk once the folder it lies in is. */
TP_MUST_CHECK tp_status tp_disk_sync_folder(const char *path);

/* Exactly n bytes. TP_ERR_IO: cannot be opened. TP_ERR_CORRUPT: not as long. */
TP_MUST_CHECK tp_status tp_disk_read(const char *path, uint8_t *bytes,
                                     size_t n);

/* Random bytes of the system. */
TP_MUST_CHECK tp_status tp_disk_random(uint8_t *bytes, size_t n);

#endif
