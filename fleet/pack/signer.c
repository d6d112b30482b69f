#define _POSIX_C_SOURCE 200809L
#include "fleet/pack/signer.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/bytes.h"
#include "core/crc32.h"
#include "fleet/pack/disk.h"

#define SECRET_MAGIC 0x4B4C5054u /* "TPLK" */
#define NEXT_MAGIC 0x4E4C5054u   /* "TPLN" */

/* KEY: magic, height, id, seed, CRC-32. KEY.next: magic, next leaf, the first
 * bytes of the id, CRC-32. */
enum { SECRET_BYTES = 60, NEXT_BYTES = 20 };

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
    TP_TRY(tp_disk_read(path, bytes, sizeof bytes));
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
    TP_TRY(tp_disk_read(path, bytes, sizeof bytes));
    *next = tp_get_u32(bytes + 4);
    encode_next(s, *next, want);
    return memcmp(bytes, want, sizeof want) == 0 ? TP_OK : TP_ERR_CORRUPT;
}

/* --- making --------------------------------------------------------------- */

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
    char name[TP_DISK_PATH];
    tp_status status = TP_OK;
    int made = 0;
    for (; made < 3 && status == TP_OK; made++) {
        status = tp_disk_name(name, path, ends[made])
                     ? tp_disk_create(name, made == 1 ? 0644 : 0600,
                                      bytes[made], n[made])
                     : TP_ERR_IO;
    }
    if (status == TP_OK) {
        return tp_disk_sync_folder(path);
    }
    for (int i = 0; i < made - 1; i++) {
        if (tp_disk_name(name, path, ends[i])) {
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
    TP_TRY(tp_disk_random(signer.secret.id, sizeof signer.secret.id));
    TP_TRY(tp_disk_random(signer.secret.seed, sizeof signer.secret.seed));
    TP_TRY(grow(&signer));
    const tp_status status = create_all(path, &signer);
    tp_signer_close(&signer);
    return status;
}

/* --- signing -------------------------------------------------------------- */

tp_status tp_signer_open(tp_signer *signer, const char *path) {
    uint8_t key[TP_LMS_KEY_BYTES];
    char name[TP_DISK_PATH];
    tp_signer s = {.path = NULL};
    TP_TRY(read_secret(path, &s.secret));
    if (!tp_disk_name(name, path, ".pub")) {
        return TP_ERR_IO;
    }
    TP_TRY(tp_disk_read(name, key, sizeof key));
    TP_TRY(grow(&s));
    char *copy = malloc(strlen(path) + 1);
    if (copy == NULL || memcmp(key, s.public_key, sizeof key) != 0) {
        const tp_status status =
            copy == NULL ? TP_ERR_NO_MEMORY : TP_ERR_CORRUPT;
        free(copy);
        tp_signer_close(&s);
        return status;
    }
    memcpy(copy, path, strlen(path) + 1);
    *signer = s;
    signer->path = copy;
    return TP_OK;
}

void tp_signer_close(tp_signer *signer) {
    free(signer->nodes);
    free(signer->path);
    *signer = (tp_signer){.path = NULL};
}

/* Takes the next leaf: it is used, whatever becomes of its signature. */
static tp_status reserve(const tp_signer *signer, uint32_t *leaf) {
    char name[TP_DISK_PATH];
    char beside[TP_DISK_PATH];
    uint8_t bytes[NEXT_BYTES];
    if (!tp_disk_name(name, signer->path, ".next") ||
        !tp_disk_name(beside, signer->path, ".next.new")) {
        return TP_ERR_IO;
    }
    TP_TRY(read_next(name, &signer->secret, leaf));
    if (*leaf >> signer->secret.height != 0) {
        return TP_ERR_BUDGET;
    }
    encode_next(&signer->secret, *leaf + 1, bytes);
    (void)unlink(beside); /* of a run that was killed */
    TP_TRY(tp_disk_create(beside, 0600, bytes, sizeof bytes));
    if (rename(beside, name) != 0) {
        (void)unlink(beside);
        return TP_ERR_IO;
    }
    return tp_disk_sync_folder(signer->path);
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
