/* A table for people: columns as wide as their widest cell. */
#ifndef TP_CLI_TABLE_H
#define TP_CLI_TABLE_H

#include "compiler/arena.h"

#define TP_TABLE_COLUMNS 20

typedef struct tp_table {
    tp_arena *arena;
    int columns;
    const char *align; /* a letter a column, 'l' or 'r'; 'l' where it ends */
    int rows, capacity;
    const char **cell; /* [rows][columns] */
} tp_table;

/* Starts another row; its cells are empty. NULL: out of memory. */
const char **tp_table_row(tp_table *table);

/* A cell's text in the arena; never NULL. */
const char *tp_table_text(const tp_table *table, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* To standard output. */
void tp_table_print(const tp_table *table);

#endif
