/* A text that grows: what emit and the dumps print into. */
#ifndef TP_COMPILER_TEXT_BUFFER_H
#define TP_COMPILER_TEXT_BUFFER_H

#include <stdbool.h>
#include <stddef.h>

#include "compiler/arena.h"

typedef struct tp_text {
    tp_arena *arena;
    char *bytes; /* 0-terminated */
    size_t n, cap;
    bool failed; /* out of memory: further text is dropped */
} tp_text;

void tp_text_add(tp_text *text, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* The text, or NULL where memory ran out. */
char *tp_text_done(tp_text *text);
/* Spaces up to `column` of the current line, at least one. */
void tp_text_pad(tp_text *text, size_t column);

#endif
