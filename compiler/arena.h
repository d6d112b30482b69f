/* The compiler's memory: blocks that live until the whole arena is freed, so
 * nothing in the compiler frees anything else. */
#ifndef TP_COMPILER_ARENA_H
#define TP_COMPILER_ARENA_H

#include <stddef.h>

typedef struct tp_arena {
    struct tp_arena_block *head;
} tp_arena;

/* Zeroed memory of n * size bytes, or NULL (no memory, or overflow). */
void *tp_arena_alloc(tp_arena *arena, size_t n, size_t size);
/* A copy of `n * size` bytes, or NULL. */
void *tp_arena_copy(tp_arena *arena, const void *from, size_t n, size_t size);
/* A formatted string, or NULL. */
char *tp_arena_printf(tp_arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void tp_arena_free(tp_arena *arena);

#endif
