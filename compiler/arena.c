#include "compiler/arena.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct tp_arena_block {
    struct tp_arena_block *next;
    max_align_t data[];
};

void *tp_arena_alloc(tp_arena *arena, size_t n, size_t size) {
    if (size != 0 && n > (SIZE_MAX / 2) / size) {
        return NULL;
    }
    struct tp_arena_block *block = calloc(1, sizeof *block + n * size);
    if (block == NULL) {
        return NULL;
    }
    block->next = arena->head;
    arena->head = block;
    return block->data;
}

void *tp_arena_copy(tp_arena *arena, const void *from, size_t n, size_t size) {
    void *to = tp_arena_alloc(arena, n, size);
    if (to != NULL && n * size != 0) {
        memcpy(to, from, n * size);
    }
    return to;
}

char *tp_arena_printf(tp_arena *arena, const char *format, ...) {
    va_list args;
    va_list again;
    va_start(args, format);
    va_copy(again, args);
    const int n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    char *text = n < 0 ? NULL : tp_arena_alloc(arena, (size_t)n + 1, 1);
    if (text != NULL) {
        (void)vsnprintf(text, (size_t)n + 1, format, again);
    }
    va_end(again);
    return text;
}

void tp_arena_free(tp_arena *arena) {
    struct tp_arena_block *block = arena->head;
    while (block != NULL) {
        struct tp_arena_block *next = block->next;
        free(block);
        block = next;
    }
    arena->head = NULL;
}
