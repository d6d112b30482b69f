#include "ports/template/port.h"

/* --- flash ----------------------------------------------------------------
 *
 * FIXME: a region that the linker script leaves free. Four slots at least, and
 * a slot holds the largest record: a blob, or the state of a training run. */
#define REGION 0x08040000u /* FIXME: where it begins */
enum {
    SECTOR = 4096,       /* FIXME: bytes of one erase */
    SECTORS = 16,        /* FIXME: of them */
    GRANULE = 8,         /* FIXME: bytes of one program: 1, 4, 8, 16, 32 */
    ERASE_CYCLES = 10000 /* FIXME: that the data sheet promises */
};

static tp_status flash_read(void *ctx, uint32_t at, void *bytes, uint32_t n) {
    (void)ctx, (void)at, (void)bytes, (void)n;
    /* FIXME: internal flash: memcpy(bytes, (const void *)(REGION + at), n).
     * With error correction a granule that was torn by a power cut may fault:
     * catch that, and return TP_ERR_IO. */
    return TP_ERR_IO;
}

static tp_status flash_program(void *ctx, uint32_t at, const void *bytes,
                               uint32_t n) {
    (void)ctx, (void)at, (void)bytes, (void)n;
    /* FIXME: granule after granule from REGION + at on; wait for each, and
     * return TP_ERR_IO where the controller reports an error. No granule is
     * programmed twice between two erases. */
    return TP_ERR_IO;
}

static tp_status flash_erase(void *ctx, uint32_t sector) {
    (void)ctx, (void)sector;
    /* FIXME: the sector at REGION + sector * SECTOR. Takes tens of
     * milliseconds: feed the watchdog, or let the caller choose the moment. */
    return TP_ERR_IO;
}

const tp_flash tp_template_flash = {.sector_bytes = SECTOR,
                                    .n_sectors = SECTORS,
                                    .granule = GRANULE,
                                    .erase_cycles = ERASE_CYCLES,
                                    .read = flash_read,
                                    .program = flash_program,
                                    .erase = flash_erase};

/* --- time ----------------------------------------------------------------- */

static uint32_t now_s(void *ctx) {
    (void)ctx;
    /* FIXME: seconds of a clock that runs while the core sleeps. */
    return 0;
}

static void sleep_s(void *ctx, uint32_t seconds) {
    (void)ctx, (void)seconds;
    /* FIXME: set an alarm, sleep, do what else there is to do. */
}

const tp_clock tp_template_clock = {.now_s = now_s, .sleep_s = sleep_s};

/* --- signatures ----------------------------------------------------------- */

static uint32_t verify(void *ctx, const tp_key *key, const uint8_t *message,
                       uint32_t bytes, const uint8_t *signature, uint32_t n) {
    (void)ctx, (void)key, (void)message, (void)bytes, (void)signature, (void)n;
    /* FIXME: TP_VERIFIED where the signature is right; ports/psa does it by a
     * PSA library. Not needed where all keys are HSS/LMS. */
    return 0;
}

const tp_crypto tp_template_crypto = {.verify = verify};
