/* Lines of at most 80 columns, and names that cannot leave their place. */
#include <string.h>

#include "compiler/emit/parts.h"

enum { COLUMNS = 80 };

static size_t column(const tp_text *out) {
    size_t width = 0;
    while (width < out->n && out->bytes[out->n - 1 - width] != '\n') {
        width++;
    }
    return width;
}

/* `n` bytes behind a space where the line has room for them, else behind
 * `next`. */
static void fit(tp_text *out, const char *word, size_t n, const char *next) {
    const char last = out->n > 0 ? out->bytes[out->n - 1] : '\n';
    const bool joined = last == '\n' || last == ' ' || last == '(';
    const size_t width = column(out) + (joined ? 0 : 1) + n;
    const char *before = joined ? "" : " ";
    tp_text_add(out, "%s%.*s", width > COLUMNS ? next : before, (int)n, word);
}

void tp_emit_word(tp_text *out, const char *word, const char *next) {
    if (word != NULL) {
        fit(out, word, strlen(word), next);
    } else {
        out->failed = true;
    }
}

void tp_emit_words(tp_text *out, const char *words, const char *next) {
    for (const char *p = words; p != NULL && *p != '\0';) {
        const size_t n = strcspn(p, " ");
        if (n > 0) {
            fit(out, p, n, next);
        }
        p += p[n] == ' ' ? n + 1 : n;
    }
    out->failed = out->failed || words == NULL;
}

void tp_emit_title(tp_text *out, const tp_emitter *e, const char *what) {
    tp_text_add(out, "/* %s of %s.", what, e->name);
    tp_emit_words(out, "Generated; do not edit. */", "\n * ");
    tp_text_add(out, "\n");
}

const char *tp_emit_comment(tp_arena *arena, const char *text) {
    char *safe = tp_arena_alloc(arena, 2 * strlen(text) + 1, 1);
    char *to = safe;
    for (const char *p = text; safe != NULL && *p != '\0'; p++) {
        const bool opens = p[0] == '/' && p[1] == '*';
        const bool closes = p[0] == '*' && p[1] == '/';
        const bool trigraph = p[0] == '?' && p[1] == '?';
        *to++ = *p < ' ' && *p >= 0 ? '?' : *p;
        if (opens || closes || trigraph) {
            *to++ = ' ';
        }
    }
    return safe;
}

/* Octal, three digits: unlike \x it ends by itself. ? begins no trigraph. */
const char *tp_emit_string(tp_arena *arena, const char *text) {
    char *safe = tp_arena_alloc(arena, 4 * strlen(text) + 3, 1);
    char *to = safe;
    if (safe == NULL) {
        return NULL;
    }
    *to++ = '"';
    for (const char *p = text; *p != '\0'; p++) {
        const unsigned char c = (unsigned char)*p;
        const bool plain = c >= ' ' && c < 127;
        if (!plain) {
            *to++ = '\\';
            *to++ = (char)('0' + c / 64);
            *to++ = (char)('0' + c / 8 % 8);
            *to++ = (char)('0' + c % 8);
            continue;
        }
        if (c == '"' || c == '\\' || c == '?') {
            *to++ = '\\';
        }
        *to++ = *p;
    }
    *to = '"';
    return safe;
}
