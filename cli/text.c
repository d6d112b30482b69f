#include <string.h>

#include "cli/cli.h"
#include "core/sha256.h"

/* Texts are for people: where memory has run out, a question mark will do. */
static const char *or_unknown(const char *text) {
    return text != NULL ? text : "?";
}

const char *tp_text_shape(tp_arena *arena, const tp_tensor *t) {
    const char *text = "";
    for (int i = 0; i < t->rank && text != NULL; i++) {
        text = tp_arena_printf(arena, "%s%s%d", text, i > 0 ? "x" : "",
                               (int)t->dim[i]);
    }
    return or_unknown(t->rank == 0 ? "1" : text);
}

const char *tp_text_grouped(tp_arena *arena, uint64_t value) {
    char text[32]; /* 2^64 has 20 digits and 6 commas */
    size_t at = sizeof text - 1;
    int digits = 0;
    text[at] = '\0';
    do {
        if (digits > 0 && digits % 3 == 0) {
            text[--at] = ',';
        }
        text[--at] = (char)('0' + value % 10);
        value /= 10;
        digits++;
    } while (value != 0);
    return or_unknown(tp_arena_printf(arena, "%s", text + at));
}

const char *tp_text_sha256(tp_arena *arena, const tp_bytes *bytes) {
    static const char digits[] = "0123456789abcdef";
    char text[65];
    uint8_t digest[32];
    tp_sha256 sha;
    tp_sha256_init(&sha);
    tp_sha256_add(&sha, bytes->data, bytes->n);
    tp_sha256_done(&sha, digest);
    for (int i = 0; i < 32; i++) {
        text[2 * i] = digits[digest[i] >> 4];
        text[2 * i + 1] = digits[digest[i] & 15];
    }
    text[64] = '\0';
    return or_unknown(tp_arena_printf(arena, "%s", text));
}

/* Within single quotes only the single quote itself is special. */
const char *tp_text_quoted(tp_arena *arena, const char *word) {
    static const char plain[] = "abcdefghijklmnopqrstuvwxyz"
                                "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "_-+=.,:/@%";
    if (word[0] != '\0' && word[strspn(word, plain)] == '\0') {
        return word;
    }
    char *text = tp_arena_alloc(arena, 4 * strlen(word) + 3, 1);
    if (text == NULL) {
        return or_unknown(text);
    }
    char *to = text;
    *to++ = '\'';
    for (; *word != '\0'; word++) {
        if (*word == '\'') {
            *to++ = '\'';
            *to++ = '\\';
            *to++ = '\'';
            *to++ = '\'';
        } else {
            *to++ = *word;
        }
    }
    *to = '\'';
    return text;
}

const char *tp_text_stem(tp_arena *arena, const char *path) {
    const char *name = tp_file_name(path);
    const char *dot = strrchr(name, '.');
    const int n =
        dot != NULL && dot != name ? (int)(dot - name) : (int)strlen(name);
    return or_unknown(tp_arena_printf(arena, "%.*s", n, name));
}

const char *tp_text_plural(size_t n, const char *one, const char *many) {
    return n == 1 ? one : many;
}
