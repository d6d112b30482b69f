#define _POSIX_C_SOURCE 200809L /* pread() */
#include "ports/posix/flash.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PIECE = 512 };

/* A call of the system may do less than it was asked, or be interrupted. */
static tp_status read_all(int file, uint8_t *bytes, size_t n, off_t at) {
    while (n > 0) {
        const ssize_t done = pread(file, bytes, n, at);
        if (done == 0 || (done < 0 && errno != EINTR)) {
            return TP_ERR_IO;
        }
        if (done > 0) {
            bytes += done;
            n -= (size_t)done;
            at += done;
        }
    }
    return TP_OK;
}

static tp_status write_all(int file, const uint8_t *bytes, size_t n, off_t at) {
    while (n > 0) {
        const ssize_t done = pwrite(file, bytes, n, at);
        if (done < 0 && errno != EINTR) {
            return TP_ERR_IO;
        }
        if (done > 0) {
            bytes += done;
            n -= (size_t)done;
            at += done;
        }
    }
    return TP_OK;
}

static tp_status settle(const tp_posix_flash *posix) {
    return !posix->sync || fsync(posix->file) == 0 ? TP_OK : TP_ERR_IO;
}

static tp_status erase_range(const tp_posix_flash *posix, off_t at, size_t n) {
    uint8_t blank[PIECE];
    memset(blank, 0xFF, sizeof blank);
    while (n > 0) {
        const size_t some = n < sizeof blank ? n : sizeof blank;
        TP_TRY(write_all(posix->file, blank, some, at));
        at += (off_t)some;
        n -= some;
    }
    return settle(posix);
}

/* --- tp_flash ------------------------------------------------------------- */

static tp_status flash_read(void *ctx, uint32_t at, void *bytes, uint32_t n) {
    const tp_posix_flash *posix = ctx;
    return read_all(posix->file, bytes, n, (off_t)at);
}

/* Bits fall from 1 to 0, as in cells. */
static tp_status flash_program(void *ctx, uint32_t at, const void *bytes,
                               uint32_t n) {
    const tp_posix_flash *posix = ctx;
    const uint8_t *from = bytes;
    uint8_t cells[PIECE];
    if (at % posix->granule != 0 || n % posix->granule != 0) {
        return TP_ERR_IO; /* as a controller would say */
    }
    while (n > 0) {
        const uint32_t some = n < sizeof cells ? n : (uint32_t)sizeof cells;
        TP_TRY(read_all(posix->file, cells, some, (off_t)at));
        for (uint32_t i = 0; i < some; i++) {
            cells[i] &= from[i];
        }
        TP_TRY(write_all(posix->file, cells, some, (off_t)at));
        from += some;
        at += some;
        n -= some;
    }
    return settle(posix);
}

static tp_status flash_erase(void *ctx, uint32_t sector) {
    const tp_posix_flash *posix = ctx;
    return erase_range(posix, (off_t)sector * posix->sector_bytes,
                       posix->sector_bytes);
}

/* --- the file ------------------------------------------------------------- */

static tp_status prepare(const tp_posix_flash *posix, const tp_flash *flash) {
    const off_t bytes = (off_t)flash->sector_bytes * flash->n_sectors;
    struct stat have;
    if (flock(posix->file, LOCK_EX | LOCK_NB) != 0 ||
        fstat(posix->file, &have) != 0) {
        return TP_ERR_IO;
    }
    return have.st_size < bytes ? erase_range(posix, have.st_size,
                                              (size_t)(bytes - have.st_size))
                                : TP_OK;
}

tp_status tp_posix_flash_open(tp_posix_flash *posix, const char *path,
                              bool sync, tp_flash *flash) {
    *posix =
        (tp_posix_flash){.file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600),
                         .sector_bytes = flash->sector_bytes,
                         .granule = flash->granule,
                         .sync = sync};
    if (posix->file < 0) {
        return TP_ERR_IO;
    }
    const tp_status status = prepare(posix, flash);
    if (status != TP_OK) {
        const int why = errno;
        tp_posix_flash_close(posix);
        errno = why;
        return status;
    }
    flash->ctx = posix;
    flash->read = flash_read;
    flash->program = flash_program;
    flash->erase = flash_erase;
    return TP_OK;
}

void tp_posix_flash_close(tp_posix_flash *posix) {
    (void)close(posix->file);
    posix->file = -1;
}
