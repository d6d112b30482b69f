#include "cli/table.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static int grow(tp_table *table) {
    const int capacity = table->capacity > 0 ? 2 * table->capacity : 32;
    const size_t columns = (size_t)table->columns;
    const char **cell =
        tp_arena_alloc(table->arena, (size_t)capacity * columns, sizeof *cell);
    if (cell == NULL) {
        return 0;
    }
    if (table->rows > 0) {
        memcpy(cell, table->cell, (size_t)table->rows * columns * sizeof *cell);
    }
    table->cell = cell;
    table->capacity = capacity;
    return 1;
}

const char **tp_table_row(tp_table *table) {
    if (table->rows == table->capacity && !grow(table)) {
        return NULL;
    }
    const char **row = table->cell + table->rows * table->columns;
    for (int i = 0; i < table->columns; i++) {
        row[i] = "";
    }
    table->rows++;
    return row;
}

const char *tp_table_text(const tp_table *table, const char *format, ...) {
    char text[256];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    const char *kept = tp_arena_printf(table->arena, "%s", text);
    return kept != NULL ? kept : "?";
}

static int width_of(const tp_table *table, int column) {
    int width = 0;
    for (int i = 0; i < table->rows; i++) {
        const int n = (int)strlen(table->cell[i * table->columns + column]);
        width = n > width ? n : width;
    }
    return width;
}

void tp_table_print(const tp_table *table) {
    int width[TP_TABLE_COLUMNS];
    const int aligned = (int)strlen(table->align);
    for (int i = 0; i < table->columns; i++) {
        width[i] = width_of(table, i);
    }
    for (int row = 0; row < table->rows; row++) {
        int blanks = 0; /* held back, so that no line ends in them */
        for (int i = 0; i < table->columns; i++) {
            const char *text = table->cell[row * table->columns + i];
            const int pad = width[i] - (int)strlen(text);
            const int before = i < aligned && table->align[i] == 'r' ? pad : 0;
            if (text[0] != '\0') {
                printf("%*s%s", blanks + before, "", text);
                blanks = pad - before + 2;
            } else {
                blanks += width[i] + 2;
            }
        }
        printf("\n");
    }
}
