#define _POSIX_C_SOURCE 200809L
#define _XOPEN_SOURCE 700 /* realpath() */

#include "cli/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FOLDER_BYTES 4096 /* of a path, with its 0 */

/* One file on its way to the disk. */
typedef struct pending {
    const char *path; /* symbolic links resolved, so that they survive */
    char *temp;       /* NULL: written directly */
} pending;

static tp_status io_error(tp_diag *diag, const char *path, const char *what) {
    return tp_error(diag, TP_ERR_IO, "%s: %s: %s", path, what, strerror(errno));
}

const char *tp_file_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

/* --- reading -------------------------------------------------------------- */

/* Doubles the buffer. What it replaces stays in the arena: at most as much
 * again, and only for pipes, whose length nobody knows ahead. */
static tp_status grow(tp_diag *diag, tp_bytes *bytes, size_t *capacity) {
    const size_t more = *capacity * 2;
    uint8_t *data = tp_arena_alloc(diag->arena, more, 1);
    if (data == NULL) {
        return tp_no_memory(diag);
    }
    memcpy(data, bytes->data, bytes->n);
    bytes->data = data;
    *capacity = more;
    return TP_OK;
}

/* `capacity` is one more than the expected length, so that the end of the file
 * is seen without growing. */
static tp_status read_all(tp_diag *diag, int fd, const char *path,
                          size_t capacity, size_t limit, tp_bytes *out) {
    tp_bytes bytes = {tp_arena_alloc(diag->arena, capacity, 1), 0};
    if (bytes.data == NULL) {
        return tp_no_memory(diag);
    }
    for (;;) {
        if (bytes.n == capacity) {
            TP_TRY(grow(diag, &bytes, &capacity));
        }
        const ssize_t got = read(fd, bytes.data + bytes.n, capacity - bytes.n);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return io_error(diag, path, "cannot be read");
        }
        if (got == 0) {
            *out = bytes;
            return TP_OK;
        }
        bytes.n += (size_t)got;
        if (bytes.n > limit) {
            return tp_error(diag, TP_ERR_UNSUPPORTED,
                            "%s: longer than %zu bytes, the most that is read",
                            path, limit);
        }
    }
}

tp_status tp_file_read(tp_diag *diag, const char *path, size_t limit,
                       tp_bytes *out) {
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return io_error(diag, path, "cannot be opened");
    }
    struct stat info;
    size_t capacity = 65536;
    if (fstat(fd, &info) == 0 && S_ISREG(info.st_mode) && info.st_size >= 0) {
        const uint64_t size = (uint64_t)info.st_size;
        capacity = (size > limit ? limit : (size_t)size) + 1;
    }
    const tp_status status = read_all(diag, fd, path, capacity, limit, out);
    (void)close(fd);
    return status;
}

/* --- writing -------------------------------------------------------------- */

static bool put_all(int fd, const uint8_t *data, size_t n) {
    while (n > 0) {
        const ssize_t put = write(fd, data, n);
        if (put < 0 && errno == EINTR) {
            continue;
        }
        if (put < 0) {
            return false;
        }
        data += put;
        n -= (size_t)put;
    }
    return true;
}

/* The permissions a file made by open() would have, or those it has now. */
static mode_t permissions(const char *path) {
    struct stat info;
    if (stat(path, &info) == 0) {
        return info.st_mode & 0777;
    }
    const mode_t mask = umask(0);
    (void)umask(mask);
    return 0666 & ~mask;
}

static bool is_special(const char *path) {
    struct stat info;
    return stat(path, &info) == 0 && !S_ISREG(info.st_mode);
}

/* Finds out where the bytes go and opens that. *fd belongs to the caller. */
static tp_status start(tp_diag *diag, const char *path, pending *out, int *fd) {
    char *real = realpath(path, NULL);
    out->temp = NULL;
    out->path = tp_arena_printf(diag->arena, "%s", real != NULL ? real : path);
    free(real);
    if (out->path == NULL) {
        return tp_no_memory(diag);
    }
    if (is_special(out->path)) {
        *fd = open(out->path, O_WRONLY | O_CLOEXEC);
        return *fd >= 0 ? TP_OK : io_error(diag, path, "cannot be written");
    }
    char *temp = tp_arena_printf(diag->arena, "%s.XXXXXX", out->path);
    if (temp == NULL) {
        return tp_no_memory(diag);
    }
    *fd = mkstemp(temp);
    if (*fd < 0) {
        return io_error(diag, path, "cannot be written");
    }
    out->temp = temp;
    return TP_OK;
}

static tp_status write_temp(tp_diag *diag, const tp_out_file *file,
                            pending *out) {
    int fd = -1;
    TP_TRY(start(diag, file->path, out, &fd));
    bool ok = put_all(fd, file->data, file->n);
    if (ok && out->temp != NULL) {
        (void)fchmod(fd, permissions(out->path)); /* some disks have none */
        ok = fsync(fd) == 0;
    }
    tp_status status = TP_OK;
    if (!ok) {
        status = io_error(diag, file->path, "cannot be written");
    }
    if (close(fd) != 0 && ok) {
        status = io_error(diag, file->path, "cannot be written");
    }
    return status;
}

/* So that the new name, too, survives a power cut. Best effort: some file
 * systems cannot do it, and the bytes are there already. */
static void sync_folder(tp_diag *diag, const char *path) {
    const char *slash = strrchr(path, '/');
    char *folder = slash == NULL
                       ? NULL
                       : tp_arena_copy(diag->arena, path, strlen(path) + 1, 1);
    if (folder != NULL) {
        folder[slash == path ? 1 : slash - path] = '\0';
    }
    const int fd = open(folder != NULL ? folder : ".", O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        (void)fsync(fd);
        (void)close(fd);
    }
}

static void drop(const pending *file, int n) {
    for (int i = 0; i < n; i++) {
        if (file[i].temp != NULL) {
            (void)unlink(file[i].temp);
        }
    }
}

static tp_status commit(tp_diag *diag, const pending *file, int n) {
    for (int i = 0; i < n; i++) {
        if (file[i].temp == NULL) {
            continue;
        }
        if (rename(file[i].temp, file[i].path) != 0) {
            const tp_status status =
                io_error(diag, file[i].path, "cannot be written");
            drop(file + i, n - i);
            return status;
        }
        sync_folder(diag, file[i].path);
    }
    return TP_OK;
}

tp_status tp_files_write(tp_diag *diag, const tp_out_file *file, int n) {
    pending all[TP_FILES_MAX] = {{NULL, NULL}};
    for (int i = 0; i < n; i++) {
        const tp_status status = write_temp(diag, &file[i], &all[i]);
        if (status != TP_OK) {
            drop(all, i + 1);
            return status;
        }
    }
    return commit(diag, all, n);
}

tp_status tp_file_writable(tp_diag *diag, const char *path) {
    pending file = {NULL, NULL};
    int fd = -1;
    TP_TRY(start(diag, path, &file, &fd));
    (void)close(fd);
    drop(&file, 1);
    return TP_OK;
}

/* Where the path of the folder `up` levels above ends; 0: there is none. */
static size_t ancestor(const char *path, int up) {
    size_t n = strlen(path);
    for (int i = 0; i < up; i++) {
        while (n > 0 && path[n - 1] == '/') {
            n--;
        }
        while (n > 0 && path[n - 1] != '/') {
            n--;
        }
    }
    return n;
}

static bool is_folder(const char *path) {
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

tp_status tp_folder_make(tp_diag *diag, const char *path, int *made) {
    char part[FOLDER_BYTES];
    int missing = 0;
    *made = 0;
    if (strlen(path) >= sizeof part) {
        return tp_error(diag, TP_ERR_ARGUMENT, "%s: the path is too long",
                        path);
    }
    for (size_t n = strlen(path); n > 0; n = ancestor(path, missing)) {
        (void)snprintf(part, sizeof part, "%.*s", (int)n, path);
        if (is_folder(part)) {
            break;
        }
        missing++;
    }
    while (missing > 0) {
        missing--;
        (void)snprintf(part, sizeof part, "%.*s", (int)ancestor(path, missing),
                       path);
        if (mkdir(part, 0777) != 0) {
            const tp_status status =
                errno == EEXIST
                    ? tp_error(diag, TP_ERR_IO, "%s: is not a folder", part)
                    : io_error(diag, part, "cannot be made");
            tp_folder_remove(path, missing + 1, *made);
            *made = 0;
            return status;
        }
        ++*made;
    }
    return TP_OK;
}

void tp_folder_remove(const char *path, int first, int n) {
    char part[FOLDER_BYTES];
    for (int up = first; up < first + n; up++) {
        (void)snprintf(part, sizeof part, "%.*s", (int)ancestor(path, up),
                       path);
        (void)rmdir(part);
    }
}
