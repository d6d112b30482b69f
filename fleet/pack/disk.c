#define _POSIX_C_SOURCE 200809L
#include "fleet/pack/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

bool tp_disk_name(char out[TP_DISK_PATH], const char *path, const char *end) {
    const int n = snprintf(out, TP_DISK_PATH, "%s%s", path, end);
    return n > 0 && n < TP_DISK_PATH;
}

static bool write_all(int file, const uint8_t *bytes, size_t n) {
    while (n > 0) {
        const ssize_t some = write(file, bytes, n);
        if (some < 0 && errno != EINTR) {
            return false;
        }
        bytes += some > 0 ? some : 0;
        n -= (size_t)(some > 0 ? some : 0);
    }
    return true;
}

tp_status tp_disk_create(const char *path, unsigned mode, const uint8_t *bytes,
                         size_t n) {
    const int file = open(path, O_WRONLY | O_CREAT | O_EXCL, (mode_t)mode);
    if (file < 0) {
        return TP_ERR_IO;
    }
    const bool written = write_all(file, bytes, n) && fsync(file) == 0;
    if (close(file) != 0 || !written) {
        (void)unlink(path);
        return TP_ERR_IO;
    }
    return TP_OK;
}

tp_status tp_disk_sync_folder(const char *path) {
    char copy[TP_DISK_PATH];
    if (!tp_disk_name(copy, path, "")) {
        return TP_ERR_IO;
    }
    const int folder = open(dirname(copy), O_RDONLY);
    if (folder < 0) {
        return TP_ERR_IO;
    }
    const bool done = fsync(folder) == 0;
    return close(folder) == 0 && done ? TP_OK : TP_ERR_IO;
}

tp_status tp_disk_read(const char *path, uint8_t *bytes, size_t n) {
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        return TP_ERR_IO;
    }
    const bool right = fread(bytes, 1, n, file) == n && fgetc(file) == EOF;
    (void)fclose(file);
    return right ? TP_OK : TP_ERR_CORRUPT;
}

tp_status tp_disk_random(uint8_t *bytes, size_t n) {
    FILE *file = fopen("/dev/urandom", "rb");
    if (file == NULL) {
        return TP_ERR_IO;
    }
    const bool read = fread(bytes, 1, n, file) == n;
    (void)fclose(file);
    return read ? TP_OK : TP_ERR_IO;
}
