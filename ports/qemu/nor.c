#include "ports/qemu/nor.h"

#include <string.h>

#include "ports/qemu/semihost.h"

#define PIECE 256u /* bytes of a sector that are erased at once */

/* Cells [at, at + n) to the file. */
static tp_status keep(const tp_qemu_nor *nor, uint32_t at, uint32_t n) {
    if (tp_qemu_seek(nor->file, at) != 0 ||
        tp_qemu_write(nor->file, nor->cells + at, n) != 0) {
        return TP_ERR_IO;
    }
    return TP_OK;
}

static tp_status read(void *ctx, uint32_t at, void *bytes, uint32_t n) {
    const tp_qemu_nor *nor = ctx;
    memcpy(bytes, nor->cells + at, n);
    return TP_OK;
}

/* Bits fall from 1 to 0. */
static tp_status program_half(const tp_qemu_nor *nor, uint32_t at,
                              const uint8_t *bytes) {
    for (uint32_t i = 0; i < nor->half; i++) {
        nor->cells[at + i] &= bytes[i];
    }
    return keep(nor, at, nor->half);
}

static tp_status program(void *ctx, uint32_t at, const void *bytes,
                         uint32_t n) {
    const tp_qemu_nor *nor = ctx;
    const uint8_t *from = bytes;
    for (uint32_t done = 0; done < n; done += nor->half) {
        TP_TRY(program_half(nor, at + done, from + done));
    }
    return TP_OK;
}

static tp_status erase(void *ctx, uint32_t sector) {
    const tp_qemu_nor *nor = ctx;
    const uint32_t from = sector * nor->sector_bytes;
    for (uint32_t done = 0; done < nor->sector_bytes; done += PIECE) {
        const uint32_t left = nor->sector_bytes - done;
        const uint32_t n = left < PIECE ? left : PIECE;
        memset(nor->cells + from + done, 0xFF, n);
        TP_TRY(keep(nor, from + done, n));
    }
    return TP_OK;
}

/* A file that was begun before the power went may be short, or empty. */
static tp_status load(const tp_qemu_nor *nor, uint32_t bytes) {
    const int32_t length = tp_qemu_length(nor->file);
    if (length < 0) {
        return TP_ERR_IO;
    }
    const uint32_t there = (uint32_t)length < bytes ? (uint32_t)length : bytes;
    memset(nor->cells, 0xFF, bytes);
    if (there > 0 &&
        tp_qemu_read(nor->file, nor->cells, there) != (int32_t)there) {
        return TP_ERR_IO;
    }
    return there < bytes ? keep(nor, there, bytes - there) : TP_OK;
}

tp_status tp_qemu_nor_open(tp_qemu_nor *nor, const char *path, uint8_t *cells,
                           tp_flash *flash) {
    int32_t file = tp_qemu_open(path, TP_QEMU_UPDATE);
    if (file < 0) {
        file = tp_qemu_open(path, TP_QEMU_CREATE);
    }
    if (file < 0) {
        return TP_ERR_IO;
    }
    *nor = (tp_qemu_nor){.file = file,
                         .cells = cells,
                         .sector_bytes = flash->sector_bytes,
                         .half = flash->granule > 1 ? flash->granule / 2 : 1};
    flash->ctx = nor;
    flash->read = read;
    flash->program = program;
    flash->erase = erase;
    return load(nor, flash->sector_bytes * flash->n_sectors);
}
