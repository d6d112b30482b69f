/* What a platform gives to the runtime: structs of functions with a context of
 * their own, so that a test can pass a fake and two can coexist. */
#ifndef TINYPEFT_PORT_H
#define TINYPEFT_PORT_H

#include <stdint.h>

#include "tinypeft/status.h"

#ifdef __cplusplus
extern "C" {
#endif

#define TP_MAX_GRANULE 32u

/* A region of NOR flash, internal or external. Addresses count from its start.
 *
 * Erase sets a sector to 0xFF; program writes whole granules, each once between
 * two erases (with error-correcting flash it could not be done twice). All
 * return TP_OK or TP_ERR_IO, and may block: erase for tens of milliseconds. */
typedef struct tp_flash {
    void *ctx;
    uint32_t sector_bytes; /* of one erase, a multiple of the granule */
    uint32_t n_sectors;
    uint32_t granule;      /* bytes of one program: 1, 4, 8, 16 or 32 */
    uint32_t erase_cycles; /* that a sector stands; 0: nobody counts */
    /* bytes [out] n bytes from `at`; any alignment */
    tp_status (*read)(void *ctx, uint32_t at, void *bytes, uint32_t n);
    /* bytes [in] n bytes; `at` and n are multiples of the granule */
    tp_status (*program)(void *ctx, uint32_t at, const void *bytes, uint32_t n);
    tp_status (*erase)(void *ctx, uint32_t sector);
} tp_flash;

/* Time, and sleep until a later one. */
typedef struct tp_clock {
    void *ctx;
    /* Seconds since any moment; does not end in this device's life. */
    uint32_t (*now_s)(void *ctx);
    /* Returns after at least so many seconds, 0 too: between two slices of
     * training, so other work is done here. */
    void (*sleep_s)(void *ctx, uint32_t seconds);
} tp_clock;

#ifdef __cplusplus
}
#endif
#endif
