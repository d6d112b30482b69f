/* Diagnostics: what is wrong, where, and what would work. Library code adds
 * them; only the command line prints them. */
#ifndef TP_COMPILER_DIAG_H
#define TP_COMPILER_DIAG_H

#include "compiler/arena.h"
#include "tinypeft/status.h"

#define TP_DIAG_MAX 64 /* further ones are counted, not kept */

typedef enum tp_severity { TP_NOTE, TP_ERROR } tp_severity;

typedef struct tp_message {
    tp_severity severity;
    const char *text;
} tp_message;

typedef struct tp_diag {
    tp_arena *arena;  /* holds the texts */
    const char *file; /* printed before each text; may be NULL */
    tp_message message[TP_DIAG_MAX];
    int count;
    int dropped;
    int errors;
    tp_status status; /* of the first error */
} tp_diag;

/* Adds an error and returns `status`, so that a check is one line:
 *     return tp_error(diag, TP_ERR_MALFORMED, "op %d: ...", i); */
tp_status tp_error(tp_diag *diag, tp_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void tp_note(tp_diag *diag, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Out of memory, said once; returns TP_ERR_NO_MEMORY. */
tp_status tp_no_memory(tp_diag *diag);

#endif
