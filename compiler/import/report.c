/* How problems of a .tflite file are said. */
#include "compiler/import/tflite.h"

#include <stdarg.h>
#include <stdio.h>

#define TEXT_MAX 768 /* longer ones are cut; names are bounded, so none is */

static void keep(tp_tfl_model *m, tp_status status) {
    if (m->status == TP_OK) {
        m->status = status;
    }
}

void tp_tfl_fail(tp_tfl_model *m, tp_status status, const char *format, ...) {
    char text[TEXT_MAX];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    keep(m, tp_error(m->diag, status, "%s", text));
}

void tp_tfl_tensor_fail(tp_tfl_model *m, int tensor, tp_status status,
                        const char *format, ...) {
    char text[TEXT_MAX];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    tp_tfl_tensor *t = &m->tensor[tensor];
    t->bad = true;
    keep(m, tp_error(m->diag, status, "tensor %d '%s': %s", tensor, t->name,
                     text));
}

void tp_tfl_op_fail(tp_tfl_model *m, tp_tfl_op *op, tp_status status,
                    const char *format, ...) {
    char text[TEXT_MAX];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    op->bad = true;
    keep(m, tp_error(m->diag, status, "op %d %s: %s", (int)(op - m->op),
                     op->label, text));
}

bool tp_tfl_sound(tp_tfl_model *m, const char *what, int index) {
    tp_span *span = &m->span;
    if (span->status == TP_OK) {
        return true;
    }
    char where[32] = "";
    if (index >= 0) {
        (void)snprintf(where, sizeof where, " %d", index);
    }
    tp_tfl_fail(m, span->status, "%s%s: %s (byte %zu of %zu)", what, where,
                span->what, span->at, span->n);
    span->status = TP_OK;
    return false;
}

bool tp_tfl_spend(tp_tfl_model *m, uint64_t n) {
    if (n <= m->budget) {
        m->budget -= (size_t)n;
        return true;
    }
    if (m->budget > 0) {
        tp_tfl_fail(m, TP_ERR_UNSUPPORTED,
                    "model: its tensors claim more than %d MiB of constants; "
                    "no microcontroller holds them",
                    TP_TFL_BUDGET >> 20);
    }
    m->budget = 0;
    return false;
}

void *tp_tfl_alloc(tp_tfl_model *m, size_t n, size_t size) {
    void *memory = tp_arena_alloc(m->arena, n, size);
    if (memory == NULL) {
        tp_tfl_fail(m, TP_ERR_NO_MEMORY, "out of memory");
    }
    return memory;
}
