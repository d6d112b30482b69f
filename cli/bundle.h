/* The device library as text, so that `compile --standalone` can write it from
 * wherever the program lies: scripts/amalgam makes the table when the program
 * is built. */
#ifndef TP_CLI_BUNDLE_H
#define TP_CLI_BUNDLE_H

#include "cli/cli.h"

typedef struct tp_bundle_file {
    const char *name;        /* "tinypeft.c", "tinypeft/train.h" */
    const char *const *line; /* with their ends; NULL behind the last */
} tp_bundle_file;

extern const tp_bundle_file tp_bundle[]; /* a NULL name behind the last */

#define TP_BUNDLE_FOLDER "tinypeft" /* where some of them lie */

/* Puts all of it, to be written below `dir`, into `file` from *n on. */
TP_MUST_CHECK tp_status tp_bundle_add(tp_cli *cli, const char *dir,
                                      tp_out_file file[TP_FILES_MAX], int *n);

#endif
