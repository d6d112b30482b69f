/* CRC-32 (IEEE 802.3, reflected, polynomial 0xEDB88320), as zlib computes it.
 * Finds torn and rotted bytes; proves nothing about who wrote them. */
#ifndef TP_CORE_CRC32_H
#define TP_CORE_CRC32_H

#include <stddef.h>
#include <stdint.h>

/* Continues `crc` (0 to start) over n bytes. */
uint32_t tp_crc32(uint32_t crc, const void *bytes, size_t n);

#endif
