#include "cli/bundle.h"

#include <string.h>

static char *joined(tp_arena *arena, const char *const *line, size_t *n) {
    *n = 0;
    for (int i = 0; line[i] != NULL; i++) {
        *n += strlen(line[i]);
    }
    char *text = tp_arena_alloc(arena, *n, 1);
    char *to = text;
    for (int i = 0; text != NULL && line[i] != NULL; i++) {
        const size_t bytes = strlen(line[i]);
        memcpy(to, line[i], bytes);
        to += bytes;
    }
    return text;
}

/* A model of the library's own name would lose its files, or take them. */
static tp_status check_path(tp_cli *cli, const tp_out_file *file, int n,
                            const char *path) {
    for (int i = 0; i < n; i++) {
        if (strcmp(file[i].path, path) == 0) {
            return tp_error(&cli->diag, TP_ERR_ARGUMENT,
                            "%s is a file of the device library, too; give the "
                            "model another --name",
                            path);
        }
    }
    return TP_OK;
}

tp_status tp_bundle_add(tp_cli *cli, const char *dir,
                        tp_out_file file[TP_FILES_MAX], int *n) {
    for (const tp_bundle_file *from = tp_bundle; from->name != NULL; from++) {
        if (*n == TP_FILES_MAX) {
            return tp_error(&cli->diag, TP_ERR_FULL,
                            "more than %d files at once", TP_FILES_MAX);
        }
        tp_out_file *to = &file[(*n)++];
        to->path = tp_arena_printf(&cli->arena, "%s/%s", dir, from->name);
        to->data = joined(&cli->arena, from->line, &to->n);
        if (to->path == NULL || to->data == NULL) {
            return tp_no_memory(&cli->diag);
        }
        TP_TRY(check_path(cli, file, *n - 1, to->path));
    }
    return TP_OK;
}
