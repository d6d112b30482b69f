/* Whole files: read with a limit; written so that a failure, at any moment,
 * leaves either what was there before or all of the new bytes. */
#ifndef TP_CLI_FILES_H
#define TP_CLI_FILES_H

#include <stdint.h>

#include "compiler/diag.h"

#define TP_FILES_MAX 32 /* written together */

typedef struct tp_bytes {
    uint8_t *data;
    size_t n;
} tp_bytes;

typedef struct tp_out_file {
    const char *path;
    const void *data;
    size_t n;
} tp_out_file;

/* Reads all of a file, or of a pipe, into the diagnostics' arena.
 * TP_ERR_IO: cannot be read; TP_ERR_UNSUPPORTED: longer than `limit`. */
TP_MUST_CHECK tp_status tp_file_read(tp_diag *diag, const char *path,
                                     size_t limit, tp_bytes *out);

/* Writes 1..TP_FILES_MAX files: each goes to a temporary file beside its
 * place, is synchronised to the disk, and only when all are complete are they
 * renamed. On failure no temporary file remains. A path that exists and is no
 * regular file, such as /dev/stdout, is written to directly. */
TP_MUST_CHECK tp_status tp_files_write(tp_diag *diag, const tp_out_file *file,
                                       int n);

/* Says now, before hours of work, whether tp_files_write() could make this
 * file. */
TP_MUST_CHECK tp_status tp_file_writable(tp_diag *diag, const char *path);

/* Makes a folder, and those it lies in, where there is none; *made tells how
 * many. */
TP_MUST_CHECK tp_status tp_folder_make(tp_diag *diag, const char *path,
                                       int *made);
/* Removes empty folders again: of path and what it lies in, the n from the one
 * `first` levels above it on. */
void tp_folder_remove(const char *path, int first, int n);

/* The path without its folders. */
const char *tp_file_name(const char *path);

#endif
