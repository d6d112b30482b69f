#define _POSIX_C_SOURCE 200809L
#include "fleet/pack/signer.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/bytes.h"
#include "core/crc32.h"

#define SECRET_MAGIC 0x4B4C5054u /* "TPLK" */
#define NEXT_MAGIC 0x4E4C5054u   /* "TPLN" */

/* KEY: magic, height, id, seed, CRC-32. KEY.next: magic, next leaf, the first
 * bytes of the id, CRC-32. */
enum { SECRET_BYTES = 60, NEXT_BYTES = 20, PATH_BYTES = 4096 };

/* --- files ---------------------------------------------------------------- */

static bool name_of(char out[PATH_BYTES], const char *path, const char *end) {
    const int n = snprintf(out, PATH_BYTES, "%s%s", path, end);
    return n > 0 && n < PATH_BYTES;
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

/* A new file, on the disk when this returns. */
static tp_status create(const char *path, mode_t mode, const uint8_t *bytes,
                        size_t n) {
    const int file = open(path, O_WRONLY | O_CREAT | O_EXCL, mode);
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

/* A file's name is on the disk once its folder is. */
static tp_status sync_folder(const char *path) {
    char copy[PATH_BYTES];
    if (!name_of(copy, path, "")) {
        return TP_ERR_IO;
    }
    const int folder = open(dirname(copy), O_RDONLY);
    if (folder < 0) {
        return TP_ERR_IO;
    }
    const bool done = fsync(folder) == 0;
    return close(folder) == 0 && done ? TP_OK : TP_ERR_IO;
}

/* Exactly n bytes. */
static tp_status read_all(const char *path, uint8_t *bytes, size_t n) {
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        return TP_ERR_IO;
    }
    const bool right = fread(bytes, 1, n, file) == n && fgetc(file) == EOF;
    (void)fclose(file);
    return right ? TP_OK : TP_ERR_CORRUPT;
}

/* --- the three files ------------------------------------------------------ */

static void encode_secret(const tp_lms_secret *s, uint8_t bytes[SECRET_BYTES]) {
    tp_put_u32(bytes, SECRET_MAGIC);
    tp_put_u32(bytes + 4, s->height);
    memcpy(bytes + 8, s->id, 16);
    memcpy(bytes + 24, s->seed, TP_LMS_SEED_BYTES);
    tp_put_u32(bytes + 56, tp_crc32(0, bytes, 56));
}

static tp_status read_secret(const char *path, tp_lms_secret *s) {
    uint8_t bytes[SECRET_BYTES];
    TP_TRY(read_all(path, bytes, sizeof bytes));
    s->height = tp_get_u32(bytes + 4);
    if (tp_get_u32(bytes) != SECRET_MAGIC ||
        tp_get_u32(bytes + 56) != tp_crc32(0, bytes, 56) ||
        (s->height != 5 && s->height != 10)) {
        return TP_ERR_CORRUPT;
    }
    memcpy(s->id, bytes + 8, 16);
    memcpy(s->seed, bytes + 24, TP_LMS_SEED_BYTES);
    return TP_OK;
}

static void encode_next(const tp_lms_secret *s, uint32_t next,
                        uint8_t bytes[NEXT_BYTES]) {
    tp_put_u32(bytes, NEXT_MAGIC);
    tp_put_u32(bytes + 4, next);
    memcpy(bytes + 8, s->id, 8);
    tp_put_u32(bytes + 16, tp_crc32(0, bytes, 16));
}

static tp_status read_next(const char *path, const tp_lms_secret *s,
                           uint32_t *next) {
    uint8_t bytes[NEXT_BYTES];
    uint8_t want[NEXT_BYTES];
    TP_TRY(read_all(path, bytes, sizeof bytes));
    *next = tp_get_u32(bytes + 4);
    encode_next(s, *next, want);
    return memcmp(bytes, want, sizeof want) == 0 ? TP_OK : TP_ERR_CORRUPT;
}

/* --- making --------------------------------------------------------------- */

static tp_status random_bytes(uint8_t *bytes, size_t n) {
    FILE *file = fopen("/dev/urandom", "rb");
    if (file == NULL) {
        return TP_ERR_IO;
    }
    const bool read = fread(bytes, 1, n, file) == n;
    (void)fclose(file);
    return read ? TP_OK : TP_ERR_IO;
}

static tp_status grow(tp_signer *signer) {
    const size_t nodes = (size_t)2 << signer->secret.height;
    signer->nodes = malloc(nodes * sizeof *signer->nodes);
    if (signer->nodes == NULL) {
        return TP_ERR_NO_MEMORY;
    }
    tp_lms_tree(&signer->secret, signer->nodes);
    tp_lms_public(&signer->secret, signer->nodes, signer->public_key);
    return TP_OK;
}

/* The files in order; those that were made go again if one cannot be. */
static tp_status create_all(const char *path, const tp_signer *signer) {
    static const char *const ends[] = {".next", ".pub", ""};
    uint8_t next[NEXT_BYTES];
    uint8_t secret[SECRET_BYTES];
    encode_next(&signer->secret, 0, next);
    encode_secret(&signer->secret, secret);
    const uint8_t *const bytes[] = {next, signer->public_key, secret};
    const size_t n[] = {sizeof next, TP_LMS_KEY_BYTES, sizeof secret};
    char name[PATH_BYTES];
    tp_status status = TP_OK;
    int made = 0;
    for (; made < 3 && status == TP_OK; made++) {
        status =
            name_of(name, path, ends[made])
                ? create(name, made == 1 ? 0644 : 0600, bytes[made], n[made])
                : TP_ERR_IO;
    }
    if (status == TP_OK) {
        return sync_folder(path);
    }
    for (int i = 0; i < made - 1; i++) {
        if (name_of(name, path, ends[i])) {
            (void)unlink(name);
        }
    }
    return status;
}

tp_status tp_signer_make(const char *path, uint32_t height) {
    tp_signer signer = {.secret = {.height = height}};
    if (height != 5 && height != 10) {
        return TP_ERR_ARGUMENT;
    }
    TP_TRY(random_bytes(signer.secret.id, sizeof signer.secret.id));
    TP_TRY(random_bytes(signer.secret.seed, sizeof signer.secret.seed));
    TP_TRY(grow(&signer));
    const tp_status status = create_all(path, &signer);
    tp_signer_close(&signer);
    return status;
}

/* --- signing -------------------------------------------------------------- */

tp_status tp_signer_open(tp_signer *signer, const char *path) {
    uint8_t key[TP_LMS_KEY_BYTES];
    char name[PATH_BYTES];
    tp_signer s = {.path = NULL};
    TP_TRY(read_secret(path, &s.secret));
    if (!name_of(name, path, ".pub")) {
        return TP_ERR_IO;
    }
    TP_TRY(read_all(name, key, sizeof key));
    TP_TRY(grow(&s));
    s.path = malloc(strlen(path) + 1);
    if (s.path == NULL || memcmp(key, s.public_key, sizeof key) != 0) {
        const tp_status status =
            s.path == NULL ? TP_ERR_NO_MEMORY : TP_ERR_CORRUPT;
        tp_signer_close(&s);
        return status;
    }
    memcpy(s.path, path, strlen(path) + 1);
    *signer = s;
    return TP_OK;
}

void tp_signer_close(tp_signer *signer) {
    free(signer->nodes);
    free(signer->path);
    *signer = (tp_signer){.path = NULL};
}

/* Takes the next leaf: it is used, whatever becomes of its signature. */
static tp_status reserve(const tp_signer *signer, uint32_t *leaf) {
    char name[PATH_BYTES];
    char beside[PATH_BYTES];
    uint8_t bytes[NEXT_BYTES];
    if (!name_of(name, signer->path, ".next") ||
        !name_of(beside, signer->path, ".next.new")) {
        return TP_ERR_IO;
    }
    TP_TRY(read_next(name, &signer->secret, leaf));
    if (*leaf >> signer->secret.height != 0) {
        return TP_ERR_BUDGET;
    }
    encode_next(&signer->secret, *leaf + 1, bytes);
    (void)unlink(beside); /* of a run that was killed */
    TP_TRY(create(beside, 0600, bytes, sizeof bytes));
    if (rename(beside, name) != 0) {
        (void)unlink(beside);
        return TP_ERR_IO;
    }
    return sync_folder(signer->path);
}

/* One process at a time, from reading the number to having replaced it. */
static tp_status reserve_alone(const tp_signer *signer, uint32_t *leaf) {
    const int lock = open(signer->path, O_RDONLY);
    if (lock < 0) {
        return TP_ERR_IO;
    }
    tp_status status = TP_ERR_IO;
    if (flock(lock, LOCK_EX) == 0) {
        status = reserve(signer, leaf);
    }
    (void)close(lock); /* and unlocks */
    return status;
}

tp_status tp_signer_sign(tp_signer *signer, const uint8_t *message, uint32_t n,
                         uint8_t *signature, uint32_t *left) {
    uint32_t leaf = 0;
    TP_TRY(reserve_alone(signer, &leaf));
    tp_lms_sign(&signer->secret, signer->nodes, leaf, message, n, signature);
    *left = (UINT32_C(1) << signer->secret.height) - leaf - 1;
    return TP_OK;
}
