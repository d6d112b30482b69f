#include "tests/unit/expected.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

char *test_text(tp_arena *arena, const char *path) {
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        return NULL;
    }
    (void)fseek(file, 0, SEEK_END);
    const long length = ftell(file);
    rewind(file);
    assert_true(length >= 0);
    char *text = tp_arena_alloc(arena, (size_t)length + 1, 1);
    assert_non_null(text);
    assert_int_equal(fread(text, 1, (size_t)length, file), length);
    (void)fclose(file);
    return text;
}

static bool updating(void) {
    const char *value = getenv("TINYPEFT_UPDATE_GOLDEN");
    return value != NULL && value[0] != '\0' && strcmp(value, "0") != 0;
}

static void write_text(const char *path, const char *text) {
    FILE *file = fopen(path, "wb");
    if (file == NULL) {
        fail_msg("%s: cannot be written", path);
    }
    const int bad = fputs(text, file) < 0;
    assert_true(fclose(file) == 0 && !bad);
    print_message("wrote %s\n", path);
}

/* Lines of a text from byte `at` on, each behind `mark`. */
static void print_lines(const char *text, size_t at, char mark, int lines) {
    for (int i = 0; i < lines && text[at] != '\0'; i++) {
        const size_t n = strcspn(text + at, "\n");
        print_error("%c%.*s\n", mark, (int)n, text + at);
        at += n + (text[at + n] == '\n' ? 1 : 0);
    }
}

static void print_difference(const char *path, const char *want,
                             const char *got) {
    size_t start = 0; /* of the first line that differs */
    size_t before = 0;
    int line = 1;
    for (size_t i = 0; want[i] == got[i]; i++) {
        if (want[i] == '\n') {
            before = start;
            start = i + 1;
            line++;
        }
    }
    print_error("--- %s\n+++ as it is now\n@@ line %d @@\n", path, line);
    print_lines(want, before, ' ', line > 1 ? 1 : 0);
    print_lines(want, start, '-', 3);
    print_lines(got, start, '+', 3);
}

void test_expect(const char *path, const char *text) {
    tp_arena arena = {0};
    assert_non_null(text);
    const char *want = test_text(&arena, path);
    const bool same = want != NULL && strcmp(want, text) == 0;
    if (!same && updating()) {
        write_text(path, text);
    } else if (want == NULL) {
        print_error("%s: cannot be read; tests run in the repository's root\n",
                    path);
    } else if (!same) {
        print_difference(path, want, text);
    }
    const bool fine = same || updating();
    tp_arena_free(&arena);
    assert_true(fine);
}

void test_ok(tp_status status, const tp_diag *diag) {
    for (int i = 0; status != TP_OK && i < diag->count; i++) {
        print_error("%s\n", diag->message[i].text);
    }
    assert_int_equal(status, TP_OK);
}
