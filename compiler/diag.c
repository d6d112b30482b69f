#include "compiler/diag.h"

#include <stdarg.h>
#include <stdio.h>

static void add(tp_diag *diag, tp_severity severity, const char *format,
                va_list args) {
    char text[1024];
    (void)vsnprintf(text, sizeof text, format, args);
    if (diag->count == TP_DIAG_MAX) {
        diag->dropped++;
        return;
    }
    const char *kept =
        diag->file != NULL
            ? tp_arena_printf(diag->arena, "%s: %s", diag->file, text)
            : tp_arena_printf(diag->arena, "%s", text);
    diag->message[diag->count].severity = severity;
    diag->message[diag->count].text = kept != NULL ? kept : "out of memory";
    diag->count++;
}

tp_status tp_error(tp_diag *diag, tp_status status, const char *format, ...) {
    va_list args;
    va_start(args, format);
    add(diag, TP_ERROR, format, args);
    va_end(args);
    if (diag->errors == 0) {
        diag->status = status;
    }
    diag->errors++;
    return status;
}

void tp_note(tp_diag *diag, const char *format, ...) {
    va_list args;
    va_start(args, format);
    add(diag, TP_NOTE, format, args);
    va_end(args);
}

tp_status tp_no_memory(tp_diag *diag) {
    return tp_error(diag, TP_ERR_NO_MEMORY, "out of memory");
}
