#include "compiler/text_buffer.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static bool reserve(tp_text *text, size_t more) {
    if (text->failed || text->n + more < text->cap) {
        return !text->failed;
    }
    size_t cap = text->cap < 4096 ? 4096 : 2 * text->cap;
    while (cap <= text->n + more) {
        cap *= 2;
    }
    char *moved = tp_arena_alloc(text->arena, cap, 1);
    if (moved == NULL) {
        text->failed = true;
        return false;
    }
    if (text->n > 0) {
        memcpy(moved, text->bytes, text->n);
    }
    text->bytes = moved;
    text->cap = cap;
    return true;
}

void tp_text_add(tp_text *text, const char *format, ...) {
    va_list args;
    va_list again;
    va_start(args, format);
    va_copy(again, args);
    const int n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (n >= 0 && reserve(text, (size_t)n + 1)) {
        (void)vsnprintf(text->bytes + text->n, (size_t)n + 1, format, again);
        text->n += (size_t)n;
    }
    va_end(again);
}

char *tp_text_done(tp_text *text) {
    return reserve(text, 1) ? text->bytes : NULL;
}

void tp_text_pad(tp_text *text, size_t column) {
    size_t width = 0;
    while (width < text->n && text->bytes[text->n - 1 - width] != '\n') {
        width++;
    }
    do {
        tp_text_add(text, " ");
        width++;
    } while (width < column);
}
